//! Where `scripts/tools` put the brokers and Prometheus.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

pub(crate) fn nats_server(version: &str) -> Result<PathBuf> {
    find(&format!("nats-server-{version}/nats-server"))
}

pub(crate) fn prometheus() -> Result<PathBuf> {
    find("prometheus/prometheus")
}

pub(crate) fn promtool() -> Result<PathBuf> {
    find("prometheus/promtool")
}

/// A missing tool is a failure, never a pass: whoever asks for live tests means it.
fn find(tool: &str) -> Result<PathBuf> {
    let in_checkout = || Path::new(env!("CARGO_MANIFEST_DIR")).join(".natsight/tools");
    let folder = std::env::var_os("NATSIGHT_TOOLS").map_or_else(in_checkout, PathBuf::from);
    let path = folder.join(tool);
    ensure!(
        path.exists(),
        "{} is missing; run scripts/tools",
        path.display()
    );
    Ok(path)
}
