//! Which other tools' views somebody wants, so that their lines cost nothing while nobody does.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::state::Tool;

/// How long one request keeps a view awake: longer than the pauses of common scrapers and a short outage of them.
const AWAKE: Duration = Duration::from_secs(15 * 60);

/// Shared by who makes lines and who serves them.
#[derive(Debug, Default)]
pub struct Wish(Mutex<Wishes>);

#[derive(Debug, Default)]
struct Wishes {
    configured: Option<Tool>,
    until: [Option<Instant>; Tool::ALL.len()],
}

impl Wish {
    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes which view the configuration asks for: it is what `/metrics` serves by itself.
    pub fn configure(&self, tool: Option<Tool>) {
        self.wishes().configured = tool;
    }

    /// The view that the configuration asks for.
    pub fn configured(&self) -> Option<Tool> {
        self.wishes().configured
    }

    /// Somebody asked for the view at `now`.
    pub fn wake(&self, tool: Tool, now: Instant) {
        self.wishes().until[tool as usize] = Some(now + AWAKE);
    }

    /// Whether its lines are to be made at `now`.
    pub fn is_wanted(&self, tool: Tool, now: Instant) -> bool {
        let wishes = self.wishes();
        let is_awake = wishes.until[tool as usize].is_some_and(|until| now < until);
        wishes.configured == Some(tool) || is_awake
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_its_view_awake_for_a_while() {
        let (wish, now) = (Wish::default(), Instant::now());
        assert!(!wish.is_wanted(Tool::Surveyor, now));
        wish.wake(Tool::Surveyor, now);
        assert!(wish.is_wanted(Tool::Surveyor, now + AWAKE - Duration::from_secs(1)));
        assert!(!wish.is_wanted(Tool::Exporter, now));
        assert!(!wish.is_wanted(Tool::Surveyor, now + AWAKE));
        wish.configure(Some(Tool::Surveyor));
        assert!(wish.is_wanted(Tool::Surveyor, now + AWAKE));
    }
}
