//! Entities that wait to be compared: rows that own what they hold, and the heap that keeps the largest.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::catalog::Metric;
use crate::state::{EntityKind, Row, Rows, Value};

/// What an entity is compared by: members of a replica set and sources after what they belong to (and connections that
/// ended as their clients wanted after those that broke), then by the value
/// that matters. A hash of the name makes the order the same each time, also after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    whole: bool,
    first: u64,
    second: u64,
    tie: u64,
}

/// All rows of one entity.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) kind: EntityKind,
    pub(super) key: u64,
    text: String,
    /// Name of a label and where its value ends in the text.
    labels: Vec<(&'static str, usize)>,
    pub(super) values: Vec<(Metric, Value<'static>)>,
    /// Key of a row, and where its labels and values end.
    rows: Vec<(u64, usize, usize)>,
    first: Option<u64>,
    second: u64,
}

impl Held {
    pub(super) fn new() -> Self {
        Self {
            kind: EntityKind::Server,
            key: 0,
            text: String::new(),
            labels: Vec::new(),
            values: Vec::new(),
            rows: Vec::new(),
            first: None,
            second: 0,
        }
    }

    /// Another entity takes the place; what was allocated stays.
    pub(super) fn reset(&mut self, kind: EntityKind, key: u64) {
        (self.kind, self.key) = (kind, key);
        self.text.clear();
        self.labels.clear();
        self.values.clear();
        self.rows.clear();
        (self.first, self.second) = (None, 0);
    }

    pub(super) fn push(&mut self, row: &Row<'_>) {
        for (name, value) in row.labels {
            self.text.push_str(value);
            self.labels.push((name, self.text.len()));
        }
        for (metric, value) in row.values {
            match weight(*metric) {
                // Of several, such as the queues of a raft group, the largest.
                Some(Weight::First) => self.first = self.first.max(Some(size(value))),
                Some(Weight::Second) => self.second = size(value),
                None => {}
            }
            // Distributions do not belong to an entity.
            self.values
                .extend(owned(value).map(|value| (*metric, value)));
        }
        self.rows
            .push((row.key, self.labels.len(), self.values.len()));
    }

    pub(super) fn series(&self) -> u64 {
        self.values.len() as u64
    }

    pub(super) fn rank(&self) -> Rank {
        let shown = || self.values.first().map_or(0, |(_, value)| size(value));
        Rank {
            whole: !is_lesser(self.kind),
            first: self.first.unwrap_or_else(shown),
            second: self.second,
            tie: self.tie(),
        }
    }

    /// The same for the same first row, in every process.
    fn tie(&self) -> u64 {
        let labels = self.rows.first().map_or(0, |(_, labels, _)| *labels);
        let ends = self.labels[..labels].last();
        let mut hasher = DefaultHasher::new();
        self.text[..ends.map_or(0, |(_, end)| *end)].hash(&mut hasher);
        hasher.finish()
    }

    pub(super) fn rows(&self, out: &mut dyn Rows) {
        let (mut from, mut first_label, mut first_value) = (0, 0, 0);
        let mut labels = Vec::new();
        for (key, last_label, last_value) in &self.rows {
            labels.clear();
            for (name, end) in &self.labels[first_label..*last_label] {
                labels.push((*name, &self.text[from..*end]));
                from = *end;
            }
            out.row(&Row {
                kind: self.kind,
                key: *key,
                labels: &labels,
                values: &self.values[first_value..*last_value],
            });
            (first_label, first_value) = (*last_label, *last_value);
        }
    }
}

/// Whether entities of this kind are parts of others, which matter more, or ended as they should.
fn is_lesser(kind: EntityKind) -> bool {
    match kind {
        EntityKind::StreamReplica
        | EntityKind::StreamSource
        | EntityKind::ConsumerReplica
        | EntityKind::RaftPeer
        | EntityKind::EndedConnection => true,
        EntityKind::Server
        | EntityKind::Connection
        | EntityKind::BrokenConnection
        | EntityKind::Peer
        | EntityKind::GatewayAccount
        | EntityKind::Account
        | EntityKind::Stream
        | EntityKind::RaftGroup
        | EntityKind::Queue
        | EntityKind::Consumer => false,
    }
}

enum Weight {
    First,
    Second,
}

/// Families whose value matters: the larger it is, the sooner somebody will ask for the entity.
fn weight(metric: Metric) -> Option<Weight> {
    match metric {
        Metric::ConnectionPending
        | Metric::ClosedConnectionStop
        | Metric::JetstreamAccountStorageUsed
        | Metric::StreamMessages
        | Metric::StreamEphemeralPending
        | Metric::StreamReplicaLag
        | Metric::StreamSourceLag
        | Metric::ConsumerPending
        | Metric::ConsumerReplicaLag
        | Metric::RoutePending
        | Metric::GatewayPending
        | Metric::GatewayAccountNoInterest
        | Metric::LeafnodeSubscriptions
        | Metric::AccountConnections
        | Metric::AccountSublistSubscriptions
        | Metric::RaftQueue
        | Metric::RaftPeerSeen
        | Metric::IpqueuePending => Some(Weight::First),
        Metric::JetstreamAccountMemoryUsed
        | Metric::StreamBytes
        | Metric::ConsumerAckPending
        | Metric::ConnectionSubscriptions
        | Metric::AccountSubscriptions
        | Metric::GatewayAccountSubscriptions
        | Metric::RaftLogEntries
        | Metric::IpqueueInProgress => Some(Weight::Second),
        _ => None,
    }
}

/// Larger values rank higher; what is not a whole number ranks last.
fn size(value: &Value<'_>) -> u64 {
    match value {
        Value::U64(number) => *number,
        Value::I64(number) => u64::try_from(*number).unwrap_or(0),
        Value::Nanos(nanos) => u64::try_from(*nanos).unwrap_or(0),
        Value::F64(_) | Value::Histogram(_) | Value::Negative => 0,
    }
}

/// A copy that borrows nothing.
fn owned(value: &Value<'_>) -> Option<Value<'static>> {
    Some(match *value {
        Value::U64(number) => Value::U64(number),
        Value::I64(number) => Value::I64(number),
        Value::F64(number) => Value::F64(number),
        Value::Nanos(nanos) => Value::Nanos(nanos),
        Value::Negative => Value::Negative,
        Value::Histogram(_) => return None,
    })
}

/// The largest entities so far, the least of them at hand.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    heap: BinaryHeap<Least>,
}

#[derive(Debug)]
struct Least {
    rank: Rank,
    held: Held,
}

impl Ranking {
    pub(super) fn clear(&mut self) {
        self.heap = BinaryHeap::new();
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(super) fn push(&mut self, held: Held) {
        let rank = held.rank();
        self.heap.push(Least { rank, held });
    }

    /// Takes the least out, when it is less than `rank`.
    pub(super) fn pop_below(&mut self, rank: Option<Rank>) -> Option<Held> {
        let least = self.heap.peek()?;
        if rank.is_some_and(|rank| least.rank >= rank) {
            return None;
        }
        self.heap.pop().map(|least| least.held)
    }

    /// All, the largest first.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Held> + use<> {
        let sorted = std::mem::take(&mut self.heap).into_sorted_vec();
        sorted.into_iter().map(|least| least.held)
    }
}

// The heap gives its greatest first, which shall be the least.
impl Ord for Least {
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank.cmp(&self.rank)
    }
}

impl PartialOrd for Least {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Least {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Least {}
