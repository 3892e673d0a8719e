//! What changed between two profiles: a differential flame graph, its folded form, a table.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;

use super::top::{Top, amount};
use super::{Profile, flame, folded};

const TEXT_ROWS: usize = 40;
const JSON_ROWS: usize = 400;

/// Two profiles of one kind.
#[derive(Debug)]
pub struct Change {
    before: Profile,
    after: Profile,
    /// The type of value that is compared, in each.
    index: (usize, usize),
    /// What values of `before` are multiplied with.
    scale: f64,
}

/// Why two profiles cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// They show different things.
    #[error("the first profile tells of {before}, the second of {after}; compare two of one kind")]
    Kinds {
        /// Type and unit of the first.
        before: String,
        /// Of the second.
        after: String,
    },
}

/// How values of two profiles are put on one scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// As they are: bytes against bytes.
    Plain,
    /// The first is multiplied with this: the second's duration over the first's, for what grows with time.
    By(f64),
    /// The first is scaled to the second's total: shares are compared.
    Totals,
}

/// A function in both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub function: String,
    /// Cumulative value before, scaled.
    pub before: i64,
    /// Cumulative value after.
    pub after: i64,
    /// `after - before`.
    pub change: i64,
}

impl Change {
    /// Compares what both show by default.
    ///
    /// # Errors
    ///
    /// When they are of different kinds.
    pub fn of(before: Profile, after: Profile, scale: Scale) -> Result<Self, ChangeError> {
        let index = (before.shown(), after.shown());
        let kind = |profile: &Profile, at: usize| profile.types().get(at).cloned();
        let kinds = (kind(&before, index.0), kind(&after, index.1));
        if kinds.0 != kinds.1 {
            let shown = |kind: Option<super::ValueType>| {
                kind.map_or_else(
                    || "nothing".to_owned(),
                    |kind| format!("{} in {}", kind.name, kind.unit),
                )
            };
            return Err(ChangeError::Kinds {
                before: shown(kinds.0),
                after: shown(kinds.1),
            });
        }
        let scale = match scale {
            Scale::Plain => 1.0,
            Scale::By(factor) if factor.is_finite() && factor > 0.0 => factor,
            Scale::By(_) => 1.0,
            Scale::Totals => match (before.total(index.0), after.total(index.1)) {
                (0, _) => 1.0,
                (before, after) => after as f64 / before as f64,
            },
        };
        Ok(Self {
            before,
            after,
            index,
            scale,
        })
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "a product beyond the range is cut to it"
    )]
    fn scaled(&self, value: i64) -> i64 {
        (value as f64 * self.scale).round() as i64
    }

    /// Lines `stack before after`, as inferno and FlameGraph take them.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut stacks = BTreeMap::<String, (i64, i64)>::new();
        for (stack, value) in folded::stacks(&self.before, self.index.0) {
            stacks.entry(stack).or_default().0 = self.scaled(value);
        }
        for (stack, value) in folded::stacks(&self.after, self.index.1) {
            stacks.entry(stack).or_default().1 = value;
        }
        stacks
            .into_iter()
            .map(|(stack, (before, after))| format!("{stack} {before} {after}"))
            .collect()
    }

    /// A flame graph of the second; what grew is red, what shrank blue.
    ///
    /// # Errors
    ///
    /// What drawing or writing says.
    pub fn draw(&self, title: &str, to: impl Write) -> io::Result<()> {
        let unit = self.unit();
        let subtitle = format!(
            "{}; widths are the second profile, red grew, blue shrank",
            self.sentence()
        );
        flame::draw_change(&self.lines(), &unit.1, title, &subtitle, to)
    }

    /// Functions in both, most changed first.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let mut sums = HashMap::<String, (i64, i64)>::new();
        for row in Top::of(&self.before, self.index.0).functions {
            sums.entry(row.function).or_default().0 = self.scaled(row.cumulative);
        }
        for row in Top::of(&self.after, self.index.1).functions {
            sums.entry(row.function).or_default().1 = row.cumulative;
        }
        let mut rows: Vec<_> = sums
            .into_iter()
            .map(|(function, (before, after))| Row {
                function,
                before,
                after,
                change: after.saturating_sub(before),
            })
            .collect();
        rows.sort_by(|one, two| {
            let weight = |row: &Row| (row.change.saturating_abs(), row.after);
            weight(two)
                .cmp(&weight(one))
                .then_with(|| one.function.cmp(&two.function))
        });
        rows
    }

    /// One line: both totals, and the scale.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (name, unit) = self.unit();
        let before = self.before.total(self.index.0);
        let after = self.after.total(self.index.1);
        let mut text = format!(
            "{name}: {} before, {} after",
            amount(self.scaled(before), &unit),
            amount(after, &unit)
        );
        if (self.scale - 1.0).abs() > 1e-9 {
            let _ = write!(text, " (the first times {:.4})", self.scale);
        }
        text
    }

    /// A table for a terminal.
    #[must_use]
    pub fn text(&self, title: &str) -> String {
        let (_, unit) = self.unit();
        let mut text = format!(
            "{title}\n{}\n\n{:>11} {:>11} {:>11}  function (cumulative)\n",
            self.sentence(),
            "before",
            "after",
            "change"
        );
        for row in self.rows().iter().take(TEXT_ROWS) {
            let _ = writeln!(
                text,
                "{:>11} {:>11} {:>11}  {}",
                amount(row.before, &unit),
                amount(row.after, &unit),
                amount(row.change, &unit),
                super::top::printable(&row.function)
            );
        }
        text
    }

    /// The table as JSON.
    ///
    /// # Errors
    ///
    /// Never in practice: there is nothing in it that JSON cannot hold.
    pub fn json(&self, title: &str) -> serde_json::Result<String> {
        let (value, unit) = self.unit();
        let mut rows = self.rows();
        rows.truncate(JSON_ROWS);
        serde_json::to_string_pretty(&serde_json::json!({
            "title": title,
            "value": value,
            "unit": unit,
            "scale": self.scale,
            "before": self.scaled(self.before.total(self.index.0)),
            "after": self.after.total(self.index.1),
            "functions": rows,
        }))
    }

    fn unit(&self) -> (String, String) {
        self.after
            .types()
            .get(self.index.1)
            .map_or_else(Default::default, |kind| {
                (kind.name.to_string(), kind.unit.to_string())
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::ValueType;

    fn change(before: &str, after: &str, scale: Scale) -> Change {
        let read = |text: &str| folded::read(text.as_bytes()).unwrap();
        Change::of(read(before), read(after), scale).unwrap()
    }

    #[test]
    fn stacks_of_either_are_lines_of_both() {
        let change = change("a;b 2\na;c 3\n", "a;b 4\na;d 1\n", Scale::Plain);
        assert_eq!(change.lines(), ["a;b 2 4", "a;c 3 0", "a;d 0 1"]);
        let rows = change.rows();
        assert_eq!((&*rows[0].function, rows[0].change), ("c", -3), "{rows:?}");
    }

    #[test]
    fn the_first_is_brought_to_the_scale_of_the_second() {
        let lines = |scale| change("a 10\n", "a 20\nb 20\n", scale).lines();
        assert_eq!(lines(Scale::By(2.0)), ["a 20 20", "b 0 20"]);
        assert_eq!(lines(Scale::Totals), ["a 40 20", "b 0 20"]);
        assert_eq!(lines(Scale::By(f64::NAN)), ["a 10 20", "b 0 20"]);
    }

    #[test]
    fn different_kinds_are_not_compared() {
        let heap = Profile::new(vec![ValueType::new("inuse_space", "bytes")]);
        let cpu = Profile::new(vec![ValueType::new("cpu", "nanoseconds")]);
        let error = Change::of(cpu, heap, Scale::Plain).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the first profile tells of cpu in nanoseconds, the second of inuse_space in bytes; compare two of one kind"
        );
    }

    #[test]
    fn the_picture_says_how_to_read_it() {
        let mut out = Vec::new();
        change("a;b 2\n", "a;b 4\n", Scale::Plain)
            .draw("of n1", &mut out)
            .unwrap();
        let picture = String::from_utf8(out).unwrap();
        assert!(
            picture.contains("red grew") && picture.contains("2 before, 4 after"),
            "{picture}"
        );
    }
}
