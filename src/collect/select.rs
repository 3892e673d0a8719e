//! What stands between a view and a part: each entity once, and of many only the top.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::catalog::Metric;
use crate::state::{EntityKind, Row, Rows, Value};

/// Rounds that a member of a top list stays at least, so that its series have a history.
const ROUNDS_KEPT: u32 = 5;

/// A filter of rows. Lives as long as its collector, since membership of a top list outlasts a round.
#[derive(Debug, Default)]
pub struct Select {
    seen: HashSet<u64>,
    duplicates: u64,
    top: Option<Top>,
}

impl Select {
    /// Lets every entity through, each once.
    pub fn all() -> Self {
        Self::default()
    }

    /// Lets through, of the entities of `kind`, the `limit` with the largest first value.
    pub fn top(kind: EntityKind, limit: usize) -> Self {
        Self {
            top: Some(Top {
                kind,
                limit,
                rows: Vec::new(),
                members: HashMap::new(),
                cut: 0,
            }),
            ..Self::default()
        }
    }

    /// A round begins, whatever became of the one before.
    pub fn begin(&mut self) {
        self.seen.clear();
        self.duplicates = 0;
        if let Some(top) = &mut self.top {
            top.rows.clear();
            top.cut = 0;
        }
    }

    /// Takes a row and hands it on, keeps it or drops it.
    pub fn row(&mut self, row: &Row<'_>, out: &mut dyn Rows) {
        if !self.seen.insert(identity(row)) {
            self.duplicates += 1;
            return;
        }
        match &mut self.top {
            Some(top) if top.kind == row.kind => top.take(row),
            _ => out.row(row),
        }
    }

    /// The round is complete: hands on what was kept. Gives how many rows came a second time and how many were left out.
    pub fn finish(&mut self, out: &mut dyn Rows) -> Left {
        let cut = self.top.as_mut().map_or(0, |top| top.finish(out));
        // A large answer must not leave its set behind for good.
        self.seen = HashSet::new();
        Left {
            duplicates: self.duplicates,
            cut,
        }
    }
}

/// Rows that a round did not show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Entities that stood twice in the answer.
    pub duplicates: u64,
    /// Entities outside the top.
    pub cut: u64,
}

/// Several tables may emit rows for one entity; their first family tells them apart.
fn identity(row: &Row<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (
        row.kind,
        row.key,
        row.values.first().map(|(metric, _)| *metric),
    )
        .hash(&mut hasher);
    hasher.finish()
}

#[derive(Debug)]
struct Top {
    kind: EntityKind,
    limit: usize,
    rows: Vec<Kept>,
    /// Rounds that a member still stays.
    members: HashMap<u64, u32>,
    /// Rows left out in this round.
    cut: u64,
}

#[derive(Debug)]
struct Kept {
    key: u64,
    /// Members before newcomers, then by value.
    rank: (bool, u64),
    labels: Vec<(&'static str, String)>,
    values: Vec<(Metric, Value<'static>)>,
}

impl Top {
    fn take(&mut self, row: &Row<'_>) {
        let size = row.values.first().map_or(0, |(_, value)| size(value));
        let rank = (self.members.contains_key(&row.key), size);
        if self.rows.len() >= self.limit {
            self.cut += 1;
            let least = (0..self.rows.len()).min_by_key(|place| self.rows[*place].rank);
            let Some(least) = least.filter(|place| self.rows[*place].rank < rank) else {
                return;
            };
            self.rows.swap_remove(least);
        }
        self.rows.push(Kept {
            key: row.key,
            rank,
            labels: row
                .labels
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            values: row
                .values
                .iter()
                .filter_map(|(metric, value)| Some((*metric, owned(value)?)))
                .collect(),
        });
    }

    fn finish(&mut self, out: &mut dyn Rows) -> u64 {
        let before = std::mem::take(&mut self.members);
        for kept in self.rows.drain(..) {
            let left = before.get(&kept.key).map_or(ROUNDS_KEPT, |left| *left) - 1;
            if left > 0 {
                self.members.insert(kept.key, left);
            }
            let labels: Vec<_> = kept
                .labels
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            out.row(&Row {
                kind: self.kind,
                key: kept.key,
                labels: &labels,
                values: &kept.values,
            });
        }
        std::mem::take(&mut self.cut)
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

/// A copy that borrows nothing; distributions do not belong to a list.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn round(select: &mut Select, sizes: &[(&str, u64)]) -> (Vec<String>, Left) {
        let mut shown = Vec::new();
        let mut out = |row: &Row<'_>| shown.push(row.labels[0].1.to_owned());
        select.begin();
        for (name, size) in sizes {
            let labels = [("cid", *name)];
            let values = [(Metric::ServerConnections, Value::U64(*size))];
            select.row(
                &Row::new(EntityKind::Connection, &labels, &values),
                &mut out,
            );
        }
        let left = select.finish(&mut out);
        shown.sort();
        (shown, left)
    }

    #[test]
    fn an_entity_that_stands_twice_is_shown_once() {
        let (shown, left) = round(&mut Select::all(), &[("a", 1), ("b", 2), ("a", 3)]);
        assert_eq!(
            (shown, left),
            (
                vec!["a".to_owned(), "b".to_owned()],
                Left {
                    duplicates: 1,
                    cut: 0
                }
            )
        );
    }

    #[test]
    fn the_top_is_shown_and_the_rest_counted() {
        let mut select = Select::top(EntityKind::Connection, 2);
        let (shown, left) = round(&mut select, &[("a", 1), ("b", 5), ("c", 3), ("d", 4)]);
        assert_eq!((shown, left.cut), (vec!["b".to_owned(), "d".to_owned()], 2));
    }

    #[test]
    fn a_member_stays_five_rounds() {
        let mut select = Select::top(EntityKind::Connection, 1);
        assert_eq!(round(&mut select, &[("a", 9), ("b", 1)]).0, ["a"]);
        for _ in 0..4 {
            assert_eq!(round(&mut select, &[("a", 0), ("b", 1)]).0, ["a"]);
        }
        assert_eq!(round(&mut select, &[("a", 0), ("b", 1)]).0, ["b"]);
    }
}
