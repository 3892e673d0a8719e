//! The table of functions: what each took itself ("flat") and together with what it called ("cumulative"), and the shares of the
//! broker's parts. As text and as JSON.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::subsystem::{self, Subsystem};
use super::{About, Profile};

/// Functions in a table that somebody reads; JSON has ten times as many.
const TEXT_ROWS: usize = 40;
const JSON_ROWS: usize = 400;

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Top {
    /// What is counted: `cpu`, `inuse_space`.
    pub value: String,
    /// Its unit.
    pub unit: String,
    /// Sum over all stacks.
    pub total: i64,
    /// By part of the broker, most first; each stack counts once.
    pub subsystems: Vec<Share>,
    /// By function, most cumulative first.
    pub functions: Vec<Row>,
}

/// A part of the broker.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    /// Its name.
    pub subsystem: &'static str,
    /// Its sum.
    pub value: i64,
    /// Part of the total, 0 to 1.
    pub ratio: f64,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its name with its package.
    pub function: String,
    /// What it took itself.
    pub flat: i64,
    /// With what it called.
    pub cumulative: i64,
    /// Parts of the total, 0 to 1.
    pub flat_ratio: f64,
    /// The same of `cumulative`.
    pub cumulative_ratio: f64,
}

impl Top {
    /// The table of values of type `index`.
    #[must_use]
    pub fn of(profile: &Profile, index: usize) -> Self {
        let mut sums = HashMap::<&str, (i64, i64)>::new();
        let mut parts = HashMap::<Subsystem, i64>::new();
        let mut once = HashSet::new();
        let mut total = 0_i64;
        for sample in profile.samples() {
            let value = sample.values.get(index).copied().unwrap_or(0);
            total = total.saturating_add(value);
            once.clear();
            let names = sample.stack.iter().map(|id| &*profile.frame(*id).function);
            for (at, name) in names.clone().enumerate() {
                let (flat, cumulative) = sums.entry(name).or_default();
                if at == 0 {
                    *flat = flat.saturating_add(value);
                }
                // A function that calls itself took its time once.
                if once.insert(name) {
                    *cumulative = cumulative.saturating_add(value);
                }
            }
            let part = parts.entry(subsystem::of_stack(names)).or_default();
            *part = part.saturating_add(value);
        }
        let ratio = |value: i64| ratio(value, total);
        let mut functions: Vec<_> = sums
            .into_iter()
            .filter(|(_, (flat, cumulative))| (*flat, *cumulative) != (0, 0))
            .map(|(function, (flat, cumulative))| Row {
                function: function.to_owned(),
                flat,
                cumulative,
                flat_ratio: ratio(flat),
                cumulative_ratio: ratio(cumulative),
            })
            .collect();
        functions.sort_by(|one, two| {
            let weight = |row: &Row| (row.cumulative.saturating_abs(), row.flat.saturating_abs());
            weight(two)
                .cmp(&weight(one))
                .then_with(|| one.function.cmp(&two.function))
        });
        let (value, unit) = profile
            .types()
            .get(index)
            .map_or_else(Default::default, |kind| {
                (kind.name.to_string(), kind.unit.to_string())
            });
        Self {
            value,
            unit,
            total,
            subsystems: shares(&parts, total),
            functions,
        }
    }

    /// The part of the total that a subsystem has, 0 to 1.
    #[must_use]
    pub fn share(&self, part: Subsystem) -> f64 {
        self.subsystems
            .iter()
            .find(|share| share.subsystem == part.name())
            .map_or(0.0, |share| share.ratio)
    }

    /// One line: the parts that have a hundredth or more.
    #[must_use]
    pub fn parts(&self) -> String {
        let parts = self.subsystems.iter().filter(|share| share.ratio >= 0.01);
        let parts = parts.map(|share| format!("{} {:.0} %", share.subsystem, share.ratio * 100.0));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// A table for a terminal.
    #[must_use]
    pub fn text(&self, title: &str, about: &About) -> String {
        let mut text = format!("{title}\n{}\n", about.sentence());
        for missing in &about.missing {
            let _ = writeln!(text, "missing: {missing}");
        }
        if self.functions.is_empty() {
            text.push_str("nothing was seen\n");
            return text;
        }
        let _ = writeln!(
            text,
            "{} of {}; by part: {}\n\n{:>10} {:>7}  {:>10} {:>7}  function",
            amount(self.total, &self.unit),
            self.value,
            self.parts(),
            "flat",
            "",
            "cum",
            "",
        );
        for row in self.functions.iter().take(TEXT_ROWS) {
            let _ = writeln!(
                text,
                "{:>10} {:>6.2}%  {:>10} {:>6.2}%  {}",
                amount(row.flat, &self.unit),
                row.flat_ratio * 100.0,
                amount(row.cumulative, &self.unit),
                row.cumulative_ratio * 100.0,
                printable(&row.function),
            );
        }
        if self.functions.len() > TEXT_ROWS {
            let _ = writeln!(text, "and {} more", self.functions.len() - TEXT_ROWS);
        }
        text
    }

    /// The table as JSON, with how it came to be.
    ///
    /// # Errors
    ///
    /// Never for a table made by [`Top::of`].
    pub fn json(&self, title: &str, about: &About) -> serde_json::Result<String> {
        #[derive(Serialize)]
        struct Whole<'a> {
            title: &'a str,
            about: &'a About,
            #[serde(flatten)]
            top: Top,
            functions_left_out: usize,
        }
        let mut top = self.clone();
        top.functions.truncate(JSON_ROWS);
        serde_json::to_string_pretty(&Whole {
            title,
            about,
            functions_left_out: self.functions.len() - top.functions.len(),
            top,
        })
    }
}

fn shares(parts: &HashMap<Subsystem, i64>, total: i64) -> Vec<Share> {
    let mut shares: Vec<_> = Subsystem::ALL
        .iter()
        .filter_map(|part| {
            let value = *parts.get(part)?;
            Some(Share {
                subsystem: part.name(),
                value,
                ratio: ratio(value, total),
            })
        })
        .filter(|share| share.value != 0)
        .collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.value));
    shares
}

fn ratio(value: i64, total: i64) -> f64 {
    if total == 0 {
        0.0
    } else {
        value as f64 / total as f64
    }
}

/// A value in a unit that fits: `1.25 s`, `3.4 MiB`, `17`.
#[must_use]
pub fn amount(value: i64, unit: &str) -> String {
    const STEPS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    match unit {
        "nanoseconds" => {
            let seconds = value as f64 / 1e9;
            if seconds.abs() >= 1.0 {
                format!("{seconds:.2} s")
            } else {
                format!("{:.1} ms", seconds * 1e3)
            }
        }
        "bytes" => {
            let (mut number, mut step) = (value as f64, 0);
            while number.abs() >= 1024.0 && step + 1 < STEPS.len() {
                number /= 1024.0;
                step += 1;
            }
            if step == 0 {
                format!("{value} B")
            } else {
                format!("{number:.1} {}", STEPS[step])
            }
        }
        _ => value.to_string(),
    }
}

/// A name from outside must not move a terminal's cursor.
pub(super) fn printable(name: &str) -> String {
    name.chars()
        .map(|letter| {
            if letter.is_control() {
                '\u{fffd}'
            } else {
                letter
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::folded;

    fn top(text: &str) -> Top {
        Top::of(&folded::read(text.as_bytes()).unwrap(), 0)
    }

    #[test]
    fn a_function_that_calls_itself_counts_once() {
        let top = top("main;walk;walk;leaf 3\nmain;walk 4\n");
        let row = |name: &str| {
            let row = top.functions.iter().find(|row| row.function == name);
            row.map(|row| (row.flat, row.cumulative)).unwrap()
        };
        assert_eq!(
            (row("main"), row("walk"), row("leaf")),
            ((0, 7), (4, 7), (3, 3))
        );
        assert_eq!(top.functions[0].function, "walk");
        assert_eq!(top.total, 7);
    }

    #[test]
    fn parts_are_shares_of_all_stacks() {
        let top = top("runtime.goexit;runtime.gcDrain 3\nmain;x_[k] 1\n");
        assert_eq!(top.parts(), "gc 75 %, kernel 25 %");
        assert_eq!(top.share(Subsystem::Gc), 0.75);
        assert_eq!(top.share(Subsystem::Raft), 0.0);
    }

    #[test]
    fn the_text_is_a_table_and_harmless() {
        let text = top("main;\u{1b}[31mred 2\n").text("of n1", &About::default());
        assert!(
            text.contains("\u{fffd}[31mred") && !text.contains('\u{1b}'),
            "{text}"
        );
        assert!(text.contains("100.00%"), "{text}");
        let empty = top("").text("of n1", &About::default());
        assert!(empty.ends_with("nothing was seen\n"), "{empty}");
    }

    #[test]
    fn amounts_have_the_unit_that_fits() {
        assert_eq!(amount(1_250_000_000, "nanoseconds"), "1.25 s");
        assert_eq!(amount(-2_500_000, "nanoseconds"), "-2.5 ms");
        assert_eq!(amount(3 << 19, "bytes"), "1.5 MiB");
        assert_eq!(amount(17, "bytes"), "17 B");
        assert_eq!(amount(17, "count"), "17");
    }
}
