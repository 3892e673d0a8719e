//! Lines of another tool's view, beside the native ones of the same part.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::lines;
use super::part::{Lines, Piece};
use crate::state::{ForeignFamily, ForeignRows, Value};

/// Families of another tool with their lines, in the order of their names.
pub(super) type ForeignPieces = Vec<(Arc<ForeignFamily>, Vec<Piece>)>;

/// Makes lines from rows of another tool's view.
#[derive(Debug, Default)]
pub struct ForeignBuilder {
    families: BTreeMap<Arc<ForeignFamily>, Lines>,
    /// Series that are there: a broker may tell of one entity twice, and a page must not.
    seen: HashSet<u64>,
    block: Vec<u8>,
}

impl ForeignBuilder {
    /// Series so far.
    pub fn series(&self) -> u64 {
        self.seen.len() as u64
    }

    pub(super) fn pieces(&self) -> ForeignPieces {
        let lines =
            |(family, lines): (&Arc<ForeignFamily>, &Lines)| (Arc::clone(family), lines.pieces());
        self.families.iter().map(lines).collect()
    }
}

impl ForeignRows for ForeignBuilder {
    fn row(&mut self, labels: &[(&str, &str)], values: &[(Arc<ForeignFamily>, Value<'_>)]) {
        let mut labels = labels.to_vec();
        labels.sort_unstable();
        self.block.clear();
        for (name, value) in labels {
            lines::label_or_empty(&mut self.block, name, value);
        }
        for (family, value) in values {
            if *value == Value::Negative {
                continue;
            }
            let mut hasher = DefaultHasher::new();
            (&family.name, &self.block).hash(&mut hasher);
            if !self.seen.insert(hasher.finish()) {
                continue;
            }
            if !self.families.contains_key(family) {
                self.families.insert(Arc::clone(family), Lines::default());
            }
            if let Some(lines) = self.families.get_mut(family) {
                lines.add(&family.name, &self.block, value);
            }
        }
    }
}

/// HELP and TYPE lines; other tools speak text 0.0.4 only.
pub(super) fn header(family: &ForeignFamily) -> String {
    let help = family.help.replace('\\', r"\\").replace('\n', r"\n");
    format!(
        "# HELP {0} {help}\n# TYPE {0} {1}\n",
        family.name,
        family.kind.as_str()
    )
}
