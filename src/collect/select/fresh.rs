//! How many series begin within an hour: what was not shown for an hour counts as new.

use std::time::Duration;

use crate::state::KeyMap;

/// Slots of an hour.
const SLOTS: usize = 6;
/// Seconds of a slot.
const SLOT_SECONDS: u64 = 600;

/// What an entity is to the hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Known,
    New,
    Refused,
}

/// The entities shown within the last hour, and the series that began in it. Holds one hash for each series that may
/// begin within two hours, at most.
#[derive(Debug)]
pub(super) struct Fresh {
    max: u64,
    known: KeyMap<u64>,
    begun: [u64; SLOTS],
    /// Slots since time began.
    slot: u64,
}

impl Fresh {
    /// At most `max` series an hour.
    pub(super) fn new(max: u64) -> Self {
        Self {
            max,
            known: KeyMap::default(),
            begun: [0; SLOTS],
            slot: 0,
        }
    }

    /// A round begins. `now` is since any fixed time.
    pub(super) fn begin(&mut self, now: Duration) {
        let slot = (now.as_secs() / SLOT_SECONDS).max(self.slot);
        if slot == self.slot {
            return;
        }
        let passed = slot - self.slot;
        for step in 1..=passed.min(SLOTS as u64) {
            self.begun[place(self.slot + step)] = 0;
        }
        self.slot = slot;
        self.known.retain(|_, seen| *seen + (SLOTS as u64) > slot);
        self.known.shrink_to(self.known.len() * 2);
    }

    /// Whether an entity may be shown: known ones may, new ones while there is room.
    pub(super) fn admits(&mut self, key: u64) -> Entry {
        if let Some(seen) = self.known.get_mut(&key) {
            *seen = self.slot;
            return Entry::Known;
        }
        if self.begun.iter().sum::<u64>() >= self.max {
            return Entry::Refused;
        }
        self.known.insert(key, self.slot);
        Entry::New
    }

    /// Series of a new entity.
    pub(super) fn count(&mut self, series: u64) {
        self.begun[place(self.slot)] += series;
    }

    /// How many hashes are held.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }
}

fn place(slot: u64) -> usize {
    usize::try_from(slot % SLOTS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn show(fresh: &mut Fresh, key: u64, series: u64) -> bool {
        let entry = fresh.admits(key);
        if entry == Entry::New {
            fresh.count(series);
        }
        entry != Entry::Refused
    }

    #[test]
    fn new_ones_wait_for_the_hour_to_pass_and_known_ones_never() {
        let mut fresh = Fresh::new(10);
        fresh.begin(Duration::ZERO);
        assert!(show(&mut fresh, 1, 5) && show(&mut fresh, 2, 5));
        assert!(!show(&mut fresh, 3, 1));
        fresh.begin(HOUR - Duration::from_secs(1));
        assert!(show(&mut fresh, 1, 5) && !show(&mut fresh, 3, 1));
        fresh.begin(HOUR);
        assert!(show(&mut fresh, 3, 10) && show(&mut fresh, 1, 5));
        assert!(
            !show(&mut fresh, 2, 1),
            "not shown for an hour, so new again"
        );
    }

    #[test]
    fn what_reconnects_all_the_time_holds_a_bounded_set() {
        let mut fresh = Fresh::new(1000);
        let mut shown = 0;
        for second in 0..36_000 {
            fresh.begin(Duration::from_secs(second));
            for one in 0..10 {
                shown += u64::from(show(&mut fresh, second * 10 + one, 1));
            }
            assert!(fresh.len() <= 2000, "{}", fresh.len());
        }
        assert!((10_000..=11_000).contains(&shown), "{shown}");
    }
}
