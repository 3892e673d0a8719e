//! Lines of another tool's view, beside the native ones of the same part, and series that several parts share.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compress::Packer;
use super::lines;
use super::part::{Lines, Piece};
use crate::state::{ForeignFamily, ForeignRows, KeySet, Share, Tool, Value, key_of};

/// What a part holds of one tool's view.
#[derive(Clone, Debug)]
pub(super) struct ForeignLines {
    pub(super) tool: Tool,
    /// Families with their lines, in the order of their names.
    families: Vec<(Arc<ForeignFamily>, Vec<Piece>)>,
    shared: Shared,
}

/// Families and label blocks, with what is known of their values.
type Shared = BTreeMap<(Arc<ForeignFamily>, Vec<u8>), Held>;

/// Shares put together.
#[derive(Clone, Debug)]
enum Held {
    Nothing,
    Part(u64),
    Whole(u64),
    /// Hashes of the members.
    Members(BTreeSet<u64>),
}

impl Held {
    fn new(share: Share<'_>) -> Self {
        match share {
            Share::Nothing => Self::Nothing,
            Share::Part(part) => Self::Part(part),
            Share::Whole(whole) => Self::Whole(whole),
            Share::Member(member) => Self::Members(member.map(key_of).into_iter().collect()),
        }
    }

    /// Adds what another server, or another answer of the same one, knows.
    fn add(&mut self, other: &Self) {
        match (self, other) {
            (_, Self::Nothing) => {}
            (this @ Self::Nothing, other) => *this = other.clone(),
            (Self::Part(sum), Self::Part(part)) => *sum = sum.saturating_add(*part),
            (Self::Whole(most), Self::Whole(whole)) => *most = (*most).max(*whole),
            (Self::Members(all), Self::Members(some)) => all.extend(some),
            // A family has one kind of shares.
            _ => {}
        }
    }

    fn value(&self) -> Value<'static> {
        match self {
            Self::Nothing => Value::U64(0),
            Self::Part(number) | Self::Whole(number) => Value::U64(*number),
            Self::Members(members) => Value::U64(members.len() as u64),
        }
    }
}

/// Makes lines from rows of another tool's view.
#[derive(Debug)]
pub struct ForeignBuilder {
    tool: Tool,
    families: BTreeMap<Arc<ForeignFamily>, Lines>,
    shared: Shared,
    /// Series that are there: a broker may tell of one entity twice, and a page must not.
    seen: KeySet,
    block: Vec<u8>,
    packer: Packer,
}

impl ForeignBuilder {
    /// No rows yet.
    pub fn new(tool: Tool) -> Self {
        Self {
            tool,
            families: BTreeMap::new(),
            shared: BTreeMap::new(),
            seen: KeySet::default(),
            block: Vec::new(),
            packer: Packer::default(),
        }
    }

    /// Series so far.
    pub fn series(&self) -> u64 {
        (self.seen.len() + self.shared.len()) as u64
    }

    pub(super) fn lines(mut self) -> ForeignLines {
        let lines =
            |(family, lines): (Arc<ForeignFamily>, Lines)| (family, lines.pieces(&mut self.packer));
        ForeignLines {
            tool: self.tool,
            families: self.families.into_iter().map(lines).collect(),
            shared: self.shared,
        }
    }

    fn begin(&mut self, labels: &[(&str, &str)]) {
        let mut labels = labels.to_vec();
        labels.sort_unstable();
        self.block.clear();
        for (name, value) in labels {
            lines::label_or_empty(&mut self.block, name, value);
        }
    }
}

impl ForeignRows for ForeignBuilder {
    fn row(&mut self, labels: &[(&str, &str)], values: &[(Arc<ForeignFamily>, Value<'_>)]) {
        self.begin(labels);
        for (family, value) in values {
            if *value == Value::Negative || !self.seen.insert(key_of((&family.name, &self.block))) {
                continue;
            }
            let lines = match self.families.get_mut(family) {
                Some(lines) => lines,
                None => self.families.entry(Arc::clone(family)).or_default(),
            };
            lines.add(&family.name, &self.block, value, &mut self.packer);
        }
    }

    fn shared(&mut self, labels: &[(&str, &str)], shares: &[(Arc<ForeignFamily>, Share<'_>)]) {
        self.begin(labels);
        for (family, share) in shares {
            let held = Held::new(*share);
            match self.shared.entry((Arc::clone(family), self.block.clone())) {
                Entry::Vacant(place) => drop(place.insert(held)),
                Entry::Occupied(mut known) => known.get_mut().add(&held),
            }
        }
    }
}

/// A family as it stands on a page.
#[derive(Debug, Default)]
pub(super) struct Family<'a> {
    pub(super) pieces: Vec<&'a Piece>,
    /// Lines of the series that several parts share.
    pub(super) text: Vec<u8>,
}

/// Families in the order of their names, each with what all parts have of it.
pub(super) fn families<'a>(
    parts: impl Iterator<Item = &'a ForeignLines>,
) -> BTreeMap<&'a ForeignFamily, Family<'a>> {
    let mut families: BTreeMap<&ForeignFamily, Family<'_>> = BTreeMap::new();
    let mut shared: BTreeMap<&(Arc<ForeignFamily>, Vec<u8>), Held> = BTreeMap::new();
    for part in parts {
        for (family, pieces) in &part.families {
            families.entry(family).or_default().pieces.extend(pieces);
        }
        for (series, held) in &part.shared {
            match shared.entry(series) {
                Entry::Vacant(place) => drop(place.insert(held.clone())),
                Entry::Occupied(mut known) => known.get_mut().add(held),
            }
        }
    }
    let told = |(series, held): (&&'a (Arc<ForeignFamily>, Vec<u8>), &Held)| {
        (!matches!(held, Held::Nothing)).then(|| &*series.0)
    };
    let told: BTreeSet<&ForeignFamily> = shared.iter().filter_map(told).collect();
    for ((family, block), held) in shared {
        if !told.contains(family.as_ref()) {
            continue;
        }
        let text = &mut families.entry(family).or_default().text;
        lines::sample(text, &family.name, block, &held.value());
    }
    families
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
