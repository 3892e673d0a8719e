//! One entity's labels and values on their way from a view to the sinks.

use std::hash::{Hash, Hasher};

use super::{Histogram, key_of};
use crate::catalog::Metric;

/// What a row is about. With its key it names the entity within one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntityKind {
    /// The server itself, or one of a few fixed parts of it.
    Server,
    /// An open client connection.
    Connection,
    /// A connection that the server or the network broke off.
    BrokenConnection,
    /// A connection that its client closed.
    EndedConnection,
    /// Another server, or a connection to it.
    Peer,
    /// An account on a connection to another cluster.
    GatewayAccount,
    /// A JetStream account.
    Account,
    /// A stream.
    Stream,
    /// A member of a stream's raft group.
    StreamReplica,
    /// A mirror or source of a stream.
    StreamSource,
    /// A consumer.
    Consumer,
    /// A member of a consumer's raft group.
    ConsumerReplica,
    /// A raft group.
    RaftGroup,
    /// Another member of a raft group.
    RaftPeer,
    /// An internal queue.
    Queue,
}

impl EntityKind {
    /// How many labels name an entity of this kind, before others that say more about it. A view gives the rows of an
    /// entity one after another.
    pub const fn naming_labels(self) -> usize {
        match self {
            Self::Server => 0,
            Self::Account | Self::Connection | Self::BrokenConnection | Self::EndedConnection => 1,
            Self::Stream | Self::RaftGroup => 2,
            Self::StreamReplica | Self::Consumer | Self::RaftPeer => 3,
            Self::Peer | Self::GatewayAccount | Self::ConsumerReplica => 4,
            Self::StreamSource | Self::Queue => 6,
        }
    }
}

/// A number as the broker gave it. Sequences exceed 2^53, so integers never pass through `f64`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A whole number.
    U64(u64),
    /// A whole number that may be negative, such as -1 for "unlimited".
    I64(i64),
    /// A fraction. Never NaN: what is not a number is not shown.
    F64(f64),
    /// Nanoseconds, shown exactly, in seconds.
    Nanos(i128),
    /// A distribution.
    Histogram(&'a Histogram),
    /// A counter that came negative: shown nowhere, counted as dropped.
    Negative,
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::U64(u64::from(flag))
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::U64(number)
    }
}

/// One entity: its labels once, its values.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// What it is about.
    pub kind: EntityKind,
    /// Hash of the labels that make the entity, equal for equal entities.
    pub key: u64,
    /// Labels after those of the server. An empty value is left out.
    pub labels: &'a [(&'static str, &'a str)],
    /// Families and their values for these labels.
    pub values: &'a [(Metric, Value<'a>)],
}

impl<'a> Row<'a> {
    /// A row whose entity is named by all of its labels.
    pub fn new(
        kind: EntityKind,
        labels: &'a [(&'static str, &'a str)],
        values: &'a [(Metric, Value<'a>)],
    ) -> Self {
        Self {
            kind,
            key: values_key(labels),
            labels,
            values,
        }
    }
}

impl Row<'_> {
    /// The key of the labels that name the entity, without those that say more about it.
    pub fn name_key(&self) -> u64 {
        match self.labels.get(..self.kind.naming_labels()) {
            Some(names) if names.len() < self.labels.len() => values_key(names),
            _ => self.key,
        }
    }
}

/// Of the values alone: rows of one kind and family have the same label names.
fn values_key(labels: &[(&'static str, &str)]) -> u64 {
    key_of(Values(labels))
}

struct Values<'a>(&'a [(&'static str, &'a str)]);

impl Hash for Values<'_> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        for (_, value) in self.0 {
            value.hash(hasher);
        }
    }
}

/// Takes rows: the builder of a part, the history, a test.
pub trait Rows {
    /// Takes one row.
    fn row(&mut self, row: &Row<'_>);
}

impl<F: FnMut(&Row<'_>)> Rows for F {
    fn row(&mut self, row: &Row<'_>) {
        self(row);
    }
}
