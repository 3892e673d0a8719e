//! Whether somebody wants another tool's view, so that its lines cost nothing while nobody does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one request keeps the view awake: longer than the pauses of common scrapers and a short outage of them.
const AWAKE: Duration = Duration::from_secs(15 * 60);

/// Shared by who makes lines and who serves them.
#[derive(Debug, Default)]
pub struct Wish {
    configured: AtomicBool,
    until: Mutex<Option<Instant>>,
}

impl Wish {
    /// Notes whether the configuration asks for the view: then it is what `/metrics` serves by itself.
    pub fn configure(&self, on: bool) {
        self.configured.store(on, Ordering::Relaxed);
    }

    /// Whether the configuration asks for it.
    pub fn is_configured(&self) -> bool {
        self.configured.load(Ordering::Relaxed)
    }

    /// Somebody asked for the view at `now`.
    pub fn wake(&self, now: Instant) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(now + AWAKE);
    }

    /// Whether its lines are to be made at `now`.
    pub fn is_wanted(&self, now: Instant) -> bool {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_configured() || until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_the_view_awake_for_a_while() {
        let (wish, now) = (Wish::default(), Instant::now());
        assert!(!wish.is_wanted(now));
        wish.wake(now);
        assert!(wish.is_wanted(now + AWAKE - Duration::from_secs(1)));
        assert!(!wish.is_wanted(now + AWAKE));
        wish.configure(true);
        assert!(wish.is_wanted(now + AWAKE));
    }
}
