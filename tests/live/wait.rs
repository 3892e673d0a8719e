//! Waiting on conditions, never for a time.

use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Between two looks.
pub(crate) const STEP: Duration = Duration::from_millis(20);

/// Looks until it works, and gives the last reason why not when the deadline has passed. Blocks the
/// thread: tests run on a runtime with workers of its own, so clients go on meanwhile.
pub(crate) fn until<T>(
    what: &str,
    within: Duration,
    mut look: impl FnMut() -> Result<T>,
) -> Result<T> {
    let deadline = Instant::now() + within;
    loop {
        match look() {
            Ok(found) => return Ok(found),
            Err(error) if Instant::now() >= deadline => {
                return Err(error).with_context(|| format!("{what}: not within {within:?}"));
            }
            Err(_) => std::thread::sleep(STEP),
        }
    }
}

/// The same for a process that shall answer: one that has ended never will.
pub(crate) fn until_answers(
    what: &str,
    within: Duration,
    child: &mut Child,
    mut look: impl FnMut() -> Result<()>,
) -> Result<()> {
    let ended = until(what, within, || match child.try_wait()? {
        Some(status) => Ok(Some(status)),
        None => look().map(|()| None),
    })?;
    match ended {
        Some(status) => bail!("{what}: the process ended, {status}"),
        None => Ok(()),
    }
}
