//! Sums over the connections that are open, and where an answer stands among them: for the view of an older exporter.

use super::Connection;
use crate::collect::{Count, Int};

/// Size and place of an answer among the connections.
#[derive(Clone, Copy, Debug, Default)]
pub struct PageOf {
    /// Connections in the answer.
    pub num_connections: Int,
    /// Where it begins.
    pub offset: Int,
    /// How many were asked for.
    pub limit: Int,
}

/// Sums over the connections that are open. They fall when a client leaves.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "the fields are those of a connection")]
pub struct Sums {
    pub pending_bytes: u64,
    pub subscriptions: u64,
    pub in_msgs: u64,
    pub out_msgs: u64,
    pub in_bytes: u64,
    pub out_bytes: u64,
}

impl Sums {
    pub(super) fn add(&mut self, connection: &Connection<'_>) {
        let known = |count: Option<Count>| count.map_or(0, Count::or_zero);
        for (sum, count) in [
            (&mut self.pending_bytes, connection.pending_bytes.or_zero()),
            (&mut self.in_msgs, known(connection.in_msgs)),
            (&mut self.out_msgs, known(connection.out_msgs)),
            (&mut self.in_bytes, known(connection.in_bytes)),
            (&mut self.out_bytes, known(connection.out_bytes)),
        ] {
            *sum = sum.saturating_add(count);
        }
    }
}
