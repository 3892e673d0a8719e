//! Lines of another tool's view, beside the native ones of the same part, and series that several parts share.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::compress::Packer;
use super::lines;
use super::part::{Lines, Run, Text};
use crate::state::{ForeignFamily, ForeignRows, KeyMap, Share, Tool, Value, key_of};

/// What a part holds of one tool's view.
#[derive(Clone, Debug)]
pub(super) struct ForeignLines {
    pub(super) tool: Tool,
    /// Families with their lines, in the order of their names.
    families: Vec<(Arc<ForeignFamily>, Text)>,
    shared: Shared,
}

impl ForeignLines {
    /// Bytes that are copied or compressed when it is joined: all but the members.
    pub(super) fn loose_len(&self) -> usize {
        let len = |(_, text): &(Arc<ForeignFamily>, Text)| match text.run() {
            Run::Text(text) => text.len(),
            Run::Members(_) => 0,
        };
        let shared = self.shared.keys().map(|(_, block)| block.len());
        self.families.iter().map(len).chain(shared).sum()
    }
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
    families: Families,
    shared: Shared,
    seen: Seen,
    block: Block,
    packer: Packer,
}

impl ForeignBuilder {
    /// No rows yet.
    pub fn new(tool: Tool) -> Self {
        Self {
            tool,
            families: Families::default(),
            shared: Shared::new(),
            seen: Seen::default(),
            block: Block::default(),
            packer: Packer::default(),
        }
    }

    /// Series so far.
    pub fn series(&self) -> u64 {
        self.seen.series + self.shared.len() as u64
    }

    pub(super) fn lines(mut self) -> ForeignLines {
        // Sorted by their names, since keys are families.
        let mut families: BTreeMap<Arc<ForeignFamily>, Text> = BTreeMap::new();
        for (family, lines) in self.families.all {
            families.insert(family, lines.finish(&mut self.packer));
        }
        ForeignLines {
            tool: self.tool,
            families: families.into_iter().collect(),
            shared: self.shared,
        }
    }
}

impl ForeignRows for ForeignBuilder {
    fn row(&mut self, labels: &[(&str, &str)], values: &[(Arc<ForeignFamily>, Value<'_>)]) {
        self.block.write(labels);
        let key = key_of(&self.block.text);
        self.seen.begin(key);
        for (family, value) in values {
            if *value == Value::Negative {
                continue;
            }
            let place = self.families.place(family);
            if self.seen.is_new(place) {
                let (family, lines) = &mut self.families.all[place];
                lines.add(&family.name, &self.block.text, value, &mut self.packer);
            }
        }
        self.seen.end(key);
    }

    fn shared(&mut self, labels: &[(&str, &str)], shares: &[(Arc<ForeignFamily>, Share<'_>)]) {
        self.block.write(labels);
        for (family, share) in shares {
            let held = Held::new(*share);
            match self
                .shared
                .entry((Arc::clone(family), self.block.text.clone()))
            {
                Entry::Vacant(place) => drop(place.insert(held)),
                Entry::Occupied(mut known) => known.get_mut().add(&held),
            }
        }
    }
}

/// Families by their places, in the order in which they came.
#[derive(Debug, Default)]
struct Families {
    all: Vec<(Arc<ForeignFamily>, Lines)>,
    by_family: HashMap<Arc<ForeignFamily>, usize, foldhash::fast::RandomState>,
    /// Places by where a family lies in memory, which saves the hash of its texts. No other one comes to lie there while
    /// `all` holds it.
    by_address: KeyMap<usize>,
}

impl Families {
    fn place(&mut self, family: &Arc<ForeignFamily>) -> usize {
        let address = key_of(Arc::as_ptr(family) as usize);
        if let Some(place) = self.by_address.get(&address) {
            return *place;
        }
        if let Some(place) = self.by_family.get(family) {
            return *place;
        }
        let place = self.all.len();
        self.all.push((Arc::clone(family), Lines::default()));
        self.by_family.insert(Arc::clone(family), place);
        self.by_address.insert(address, place);
        place
    }
}

/// The labels of a row, in the order of their names.
#[derive(Debug, Default)]
struct Block {
    text: Vec<u8>,
    /// Names of the row before, and their order: rows of one kind come one after another, and sorting each of them
    /// would cost more than writing it.
    names: Vec<String>,
    order: Vec<usize>,
}

impl Block {
    fn write(&mut self, labels: &[(&str, &str)]) {
        let known = labels.len() == self.names.len()
            && labels
                .iter()
                .zip(&self.names)
                .all(|((name, _), known)| name == known);
        if !known {
            self.names = labels.iter().map(|(name, _)| (*name).to_owned()).collect();
            self.order = (0..labels.len()).collect();
            self.order.sort_by_key(|place| labels[*place].0);
        }
        self.text.clear();
        for place in &self.order {
            let (name, value) = labels[*place];
            lines::label_or_empty(&mut self.text, name, value);
        }
    }
}

/// Series that are there: a broker may tell of one entity twice, and a page must not.
#[derive(Debug, Default)]
struct Seen {
    series: u64,
    /// What families each label block has, by the block's key.
    blocks: KeyMap<Had>,
    /// Places of families in the order of a row, each such list once: there are many blocks and few lists.
    lists: Vec<Vec<usize>>,
    by_list: HashMap<Vec<usize>, u32, foldhash::fast::RandomState>,
    /// Families of the row at hand.
    now: Vec<usize>,
    /// Those that its block had before.
    before: Option<HashSet<usize>>,
}

/// Families of a label block.
#[derive(Debug)]
enum Had {
    /// Those of one row.
    List(u32),
    /// Those of several rows.
    Set(HashSet<usize>),
}

impl Seen {
    fn begin(&mut self, key: u64) {
        self.now.clear();
        self.before = match self.blocks.get_mut(&key) {
            None => None,
            Some(Had::List(list)) => Some(self.lists[*list as usize].iter().copied().collect()),
            Some(Had::Set(set)) => Some(std::mem::take(set)),
        };
    }

    fn is_new(&mut self, place: usize) -> bool {
        let is_new = match &mut self.before {
            None => !self.now.contains(&place),
            Some(before) => before.insert(place),
        };
        if is_new {
            self.now.push(place);
            self.series += 1;
        }
        is_new
    }

    fn end(&mut self, key: u64) {
        let had = match self.before.take() {
            Some(before) => Had::Set(before),
            None => Had::List(self.list()),
        };
        self.blocks.insert(key, had);
    }

    fn list(&mut self) -> u32 {
        if let Some(list) = self.by_list.get(&self.now) {
            return *list;
        }
        let list =
            u32::try_from(self.lists.len()).expect("rows of one answer do not fill the memory");
        self.lists.push(self.now.clone());
        self.by_list.insert(self.now.clone(), list);
        list
    }
}

/// A family as it stands on a page.
#[derive(Debug, Default)]
pub(super) struct Family<'a> {
    pub(super) runs: Vec<Run<'a>>,
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
        for (family, text) in &part.families {
            families.entry(family).or_default().runs.push(text.run());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::ForeignKind;

    fn family(name: &str) -> Arc<ForeignFamily> {
        Arc::new(ForeignFamily {
            name: name.to_owned(),
            kind: ForeignKind::Gauge,
            help: String::new(),
        })
    }

    fn plain(text: &Text) -> String {
        match text.run() {
            Run::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
            Run::Members(_) => panic!("so few lines are not compressed"),
        }
    }

    /// The lines of rows, each of one label and some families; the value of a row is its place.
    fn lines(rows: &[(&str, &[&str])]) -> (u64, Vec<String>) {
        let mut builder = ForeignBuilder::new(Tool::Exporter);
        for (place, (label, names)) in rows.iter().enumerate() {
            let value = |name: &&str| (family(name), Value::U64(place as u64));
            let values: Vec<_> = names.iter().map(value).collect();
            builder.row(&[("x", label)], &values);
        }
        let series = builder.series();
        let families = builder.lines().families;
        let text: String = families.iter().map(|(_, text)| plain(text)).collect();
        (series, text.lines().map(str::to_owned).collect())
    }

    #[test]
    fn a_series_that_comes_again_is_left_out_whatever_comes_with_it() {
        let rows: &[(&str, &[&str])] = &[
            ("a", &["f", "g"]),
            ("b", &["g", "f"]),
            ("a", &["g", "h"]),
            ("a", &["f", "h", "i", "i"]),
            ("b", &["g", "f"]),
            ("c", &[]),
            ("c", &["f"]),
        ];
        let expected = [
            "f{x=\"a\"} 0",
            "f{x=\"b\"} 1",
            "f{x=\"c\"} 6",
            "g{x=\"a\"} 0",
            "g{x=\"b\"} 1",
            "h{x=\"a\"} 2",
            "i{x=\"a\"} 3",
        ];
        assert_eq!(lines(rows), (7, expected.map(str::to_owned).to_vec()));
    }

    #[test]
    fn labels_stand_in_the_order_of_their_names_whatever_row_came_before() {
        let mut builder = ForeignBuilder::new(Tool::Exporter);
        for labels in [
            [("b", "1"), ("a", "2")],
            [("b", "3"), ("a", "4")],
            [("a", "5"), ("b", "6")],
            [("c", "7"), ("a", "8")],
        ] {
            builder.row(&labels, &[(family("f"), Value::U64(0))]);
        }
        let families = builder.lines().families;
        let expected = "f{a=\"2\",b=\"1\"} 0\nf{a=\"4\",b=\"3\"} 0\nf{a=\"5\",b=\"6\"} 0\nf{a=\"8\",c=\"7\"} 0\n";
        assert_eq!(plain(&families[0].1), expected);
    }
}
