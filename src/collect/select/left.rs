//! What a round did not show, and why.

use crate::catalog::Metric;

/// Why an entity is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// `collect.allow` or `collect.deny`.
    Denied,
    /// `collect.top`.
    Top,
    /// `collect.series_max`.
    Budget,
    /// `collect.series_new_max`.
    New,
}

impl Reason {
    /// Whether the page lacks something that the operator asked for.
    pub(super) fn is_loss(self) -> bool {
        matches!(self, Self::Budget | Self::New)
    }
}

/// What a round did not show, and how much it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Entities that stood twice in the answer.
    pub duplicates: u64,
    /// Entities that the operator does not want to see.
    pub denied: u64,
    /// Entities outside the top.
    pub top: u64,
    /// Entities for which the page had no room.
    pub budget: u64,
    /// Entities that were one too many within an hour.
    pub new: u64,
    /// Entities shown.
    pub entities: u64,
    /// Their series, and those of the sums.
    pub series: u64,
    /// Series that entities would have without limits.
    pub wanted: u64,
    /// Series lost to limits, by family.
    pub lost: Vec<(Metric, u64)>,
}

impl Left {
    /// Entities that are missing although the operator wants to see them.
    pub fn missing(&self) -> u64 {
        self.budget + self.new
    }

    /// Whether the answer had entities beside the server itself.
    pub fn has_entities(&self) -> bool {
        self.entities + self.denied + self.top + self.missing() > 0
    }

    /// The counts by reason.
    pub fn by_reason(&self) -> [(&'static str, u64); 4] {
        [
            ("denied", self.denied),
            ("top", self.top),
            ("budget", self.budget),
            ("new", self.new),
        ]
    }

    pub(super) fn count(&mut self, reason: Reason) {
        *match reason {
            Reason::Denied => &mut self.denied,
            Reason::Top => &mut self.top,
            Reason::Budget => &mut self.budget,
            Reason::New => &mut self.new,
        } += 1;
    }
}
