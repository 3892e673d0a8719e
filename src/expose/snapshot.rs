//! What is published of one server: its parts of the page and how it is doing.

use std::sync::Arc;

use super::Part;
use crate::state::ServerStatus;

/// All that is known of one server, immutable.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Its parts of the page.
    pub parts: Vec<Arc<Part>>,
    /// How it is doing.
    pub status: ServerStatus,
}

impl Snapshot {
    /// Series in all parts.
    pub fn series(&self) -> u64 {
        self.parts.iter().map(|part| part.series).sum()
    }
}
