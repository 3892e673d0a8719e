//! The built binary, run as an operator runs it.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tempfile::TempDir;

use crate::broker::log_text;
use crate::page::Page;
use crate::{LONG, http, ports, wait};

pub(crate) struct Sidecar {
    pub(crate) port: u16,
    folder: TempDir,
    child: Child,
}

impl Sidecar {
    /// Listening, though no broker may have answered yet.
    pub(crate) fn start(urls: &[String], arguments: &[&str]) -> Result<Self> {
        Self::start_until(urls, arguments, |port| {
            http::get(port, "/-/healthy").map(drop)
        })
    }

    /// The same, where `answers` tells that it listens.
    pub(crate) fn start_until(
        urls: &[String],
        arguments: &[&str],
        answers: impl Fn(u16) -> Result<()>,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("natsight-live-")
            .tempdir()?;
        let log = File::create(folder.path().join("log"))?;
        let (port, admin_port) = (ports::free()?, ports::free()?);
        let mut command = Command::new(env!("CARGO_BIN_EXE_natsight"));
        command
            .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
            .args(["--admin-listen", &format!("127.0.0.1:{admin_port}")])
            .args(arguments)
            .args(urls)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        // The environment is configuration too, and this one is the developer's.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("NATSIGHT_") {
                command.env_remove(name);
            }
        }
        let child = command.spawn().context("starting natsight")?;
        let mut sidecar = Self {
            port,
            folder,
            child,
        };
        let answers = || answers(port);
        wait::until_answers("natsight listens", LONG, &mut sidecar.child, answers)
            .map_err(|error| anyhow!("{error:#}\n{}", sidecar.log()))?;
        Ok(sidecar)
    }

    pub(crate) fn page(&self) -> Result<Page> {
        Page::read(&http::get(self.port, "/metrics")?)
    }

    /// The first page that fits. The look says what it misses, and the failure says it again.
    pub(crate) fn wait_for(
        &self,
        what: &str,
        within: Duration,
        mut look: impl FnMut(&Page) -> Result<()>,
    ) -> Result<Page> {
        wait::until(what, within, || {
            let page = self.page()?;
            look(&page).map(|()| page)
        })
        .map_err(|error| anyhow!("{error:#}\n{}", self.log()))
    }

    pub(crate) fn log(&self) -> String {
        log_text(&self.folder.path().join("log"))
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("natsight: {error}");
        }
    }
}
