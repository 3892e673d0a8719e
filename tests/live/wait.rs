//! Waiting on conditions, never for a time.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

const STEP: Duration = Duration::from_millis(20);

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
