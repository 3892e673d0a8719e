//! Families and rows of views whose names are not the catalog's: those of older exporters.

use std::sync::Arc;

use super::Value;

/// Another tool whose names can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    /// prometheus-nats-exporter
    Exporter,
    /// nats-surveyor
    Surveyor,
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Exporter, Self::Surveyor];

    /// Its word in `names=` and `compat`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exporter => "exporter",
            Self::Surveyor => "surveyor",
        }
    }
}

/// What TYPE says of a family of another tool, right or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForeignKind {
    /// `counter`
    Counter,
    /// `gauge`
    Gauge,
    /// `untyped`
    Untyped,
}

impl ForeignKind {
    /// The word after `# TYPE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Untyped => "untyped",
        }
    }
}

/// A family of another tool. Its name is made at run time: it may have a prefix, or come from the broker's own keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForeignFamily {
    /// Its whole name.
    pub name: String,
    /// Its type.
    pub kind: ForeignKind,
    /// Its help text.
    pub help: String,
}

/// What one server adds to a series that it shares with the others of the page, since its labels name no server.
#[derive(Clone, Copy, Debug)]
pub enum Share<'a> {
    /// A summand.
    Part(u64),
    /// A whole as this server knows it. Servers learn of it from each other, so the largest is the newest.
    Whole(u64),
    /// Nothing from here: 0 if nobody else knows more, as long as somebody tells of the family at all.
    Nothing,
    /// A member of a set whose size is the value; nothing says that there is such a set.
    Member(Option<&'a str>),
}

/// Takes rows of another tool's view. Labels may come in any order; empty ones are kept, as that tool writes them.
pub trait ForeignRows {
    /// Takes one entity: its labels and its values.
    fn row(&mut self, labels: &[(&str, &str)], values: &[(Arc<ForeignFamily>, Value<'_>)]);

    /// Takes shares in series of which a page has one, whoever tells of it.
    fn shared(&mut self, labels: &[(&str, &str)], shares: &[(Arc<ForeignFamily>, Share<'_>)]);
}
