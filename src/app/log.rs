//! Structured logs on standard error, as text or JSON, with a level that a reload can change.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, reload};

use crate::config::{LogFormat, LogLevel, LogPlan};

/// Changes the level while natsight runs.
pub(super) type LevelHandle = reload::Handle<Targets, Registry>;

/// Starts logging. A second call in one process changes nothing, which only tests do.
pub(super) fn start(plan: &LogPlan) -> LevelHandle {
    let (level, handle) = reload::Layer::new(filter(plan.level));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false);
    let registry = tracing_subscriber::registry().with(level);
    let _ = match plan.format {
        LogFormat::Text => registry.with(lines.with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    handle
}

/// Changes the level.
pub(super) fn set_level(handle: &LevelHandle, level: LogLevel) {
    let _ = handle.modify(|filter_now| *filter_now = filter(level));
}

/// A library that tells of each connection would drown what natsight says.
fn filter(level: LogLevel) -> Targets {
    let level: LevelFilter = level.word().parse().unwrap_or(LevelFilter::INFO);
    let quiet = if level > LevelFilter::INFO {
        level
    } else {
        level.min(LevelFilter::WARN)
    };
    Targets::new()
        .with_default(level)
        .with_target("async_nats", quiet)
}
