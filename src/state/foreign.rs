//! Families and rows of views whose names are not the catalog's: those of older exporters.

use std::sync::Arc;

use super::Value;

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

/// Takes rows of another tool's view. Labels may come in any order; empty ones are kept, as that tool writes them.
pub trait ForeignRows {
    /// Takes one entity: its labels and its values.
    fn row(&mut self, labels: &[(&str, &str)], values: &[(Arc<ForeignFamily>, Value<'_>)]);
}
