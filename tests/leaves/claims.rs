//! The tables of claims, and what a change of a leaf did.
//!
//! A table is text. `read FILE COLLECTOR...` says which collectors decode a recording (`*` stands for any characters;
//! the first line that fits counts); `after-empty KEY` at its end feeds them the recording with that list empty before,
//! `told-by-all` says that members tell as much as leaders. Every other line is a path and its claim:
//!
//! - `series FAMILY...`: values change; `label FAMILY...`: labels change; `rows FAMILY...`: series come or go; all three
//!   may stand in one line. `PREFIX* ... of LABEL,...` says that of the families that begin so, all series of the one
//!   entity that these labels tell apart change, and no others
//! - `identity`: the labels of every series
//! - `summed`: nothing, of entities that are shown in sums only; another line of the path says what the leaf is shown in
//! - `repeated RELATION`: nothing, of entities that are shown from another list; proven as duplicates are, so the
//!   claim of the other path says what it is shown in
//! - `excluded secret | per_subscription | echo`, `excluded duplicate RELATION` (see duplicates.rs): nothing, for good
//! - `as VALUE|VALUE` at the end: what to change the leaf to; `as other`: to what it is elsewhere in the recording
//!
//! A path may have several lines: `@2.9` before the claim restricts it to recordings whose version begins so,
//! `in=FILE` to recordings of that name, `was=VALUE` to a leaf of that value, `has=PATH` and `lacks=PATH` to elements of
//! lists with that member and without; the first line that fits a place counts.
//!
//! What a server that does not lead may or may not show is not decided here: there a change may do less than claimed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;

use serde_json::Value as Json;

use super::fixtures::{Series, folder};
use super::walk;

pub(crate) struct Table {
    pub(crate) endpoint: String,
    pub(crate) claims: BTreeMap<String, Vec<Line>>,
    /// Paths of objects whose keys are data.
    pub(crate) maps: BTreeSet<String>,
    reads: Vec<Read>,
}

/// How recordings are decoded.
pub(crate) struct Read {
    file: String,
    pub(crate) collectors: Vec<String>,
    /// The list that is empty in the answer before.
    pub(crate) after_empty: Option<String>,
    /// Whether all members tell of what one of them leads.
    pub(crate) told_by_all: bool,
}

pub(crate) struct Line {
    pub(crate) text: String,
    version: Option<String>,
    file: Option<String>,
    was: Option<String>,
    has: Option<String>,
    lacks: Option<String>,
    pub(crate) claim: Claim,
    pub(crate) change_to: Option<Vec<String>>,
}

#[derive(Debug)]
pub(crate) enum Claim {
    Shown(Effects, Vec<String>),
    Identity,
    Summed,
    Repeated { of: String },
    Excluded { duplicate_of: Option<String> },
}

/// What becomes of a leaf, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    Series,
    Label,
    Excluded,
}

/// Families that a change touched, by how.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    series: BTreeSet<String>,
    label: BTreeSet<String>,
    rows: BTreeSet<String>,
    /// Whether every series has other labels.
    all: bool,
    /// Series that are no longer there, by name and labels.
    gone: BTreeSet<String>,
}

/// Every table there is.
pub(crate) fn tables() -> Vec<Table> {
    let claims = folder().with_file_name("leaves");
    let mut files: Vec<_> = fs::read_dir(claims)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "txt"));
    files.sort();
    files
        .iter()
        .map(|file| {
            let endpoint = file.file_stem().unwrap().to_string_lossy().into_owned();
            Table::parse(endpoint, &fs::read_to_string(file).unwrap())
        })
        .collect()
}

impl Table {
    fn parse(endpoint: String, text: &str) -> Self {
        let mut table = Self {
            endpoint,
            claims: BTreeMap::new(),
            maps: BTreeSet::new(),
            reads: Vec::new(),
        };
        for line in text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let mut words = line.split_whitespace();
            let first = words.next().unwrap();
            if first == "read" {
                table.reads.push(Read::parse(words.collect()));
                continue;
            }
            table.maps.extend(maps(first));
            let lines = table.claims.entry(first.to_owned()).or_default();
            lines.push(Line::parse(words, line));
        }
        for lines in table.claims.values() {
            let has = |is: fn(&Claim) -> bool| lines.iter().any(|line| is(&line.claim));
            assert!(
                !has(|claim| matches!(claim, Claim::Summed))
                    || has(|claim| matches!(claim, Claim::Shown(..))),
                "shown nowhere: {}",
                lines[0].text
            );
        }
        table
    }

    /// How this recording is decoded; nothing when it is not of this endpoint.
    pub(crate) fn read(&self, file: &str) -> Option<&Read> {
        self.reads.iter().find(|read| fits(name(file), &read.file))
    }
}

impl Read {
    fn parse(words: Vec<&str>) -> Self {
        let (words, after_empty, told_by_all) = match words.as_slice() {
            [words @ .., "after-empty", list] => (words, Some((*list).to_owned()), false),
            [words @ .., "told-by-all"] => (words, None, true),
            words => (words, None, false),
        };
        Self {
            file: words[0].to_owned(),
            collectors: words[1..].iter().map(|word| (*word).to_owned()).collect(),
            after_empty,
            told_by_all,
        }
    }
}

/// Paths of the objects whose keys are `*` in a path; the root's is empty.
fn maps(path: &str) -> impl Iterator<Item = String> {
    let stars = path.match_indices('*').map(|(star, _)| &path[..star]);
    stars.map(|map| map.trim_end_matches('.').to_owned())
}

/// Name of a recording without its folders.
fn name(file: &str) -> &str {
    file.rsplit('/').next().unwrap()
}

fn fits(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => name == pattern,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            (0..=name.len()).any(|from| name.is_char_boundary(from) && fits(&name[from..], rest))
        }),
    }
}

impl Line {
    /// Whether the line is about this leaf of this recording.
    pub(crate) fn fits(&self, file: &str, body: &Json, place: &str) -> bool {
        let leaf = body.pointer(place).unwrap();
        let element = body.pointer(walk::element(place)).unwrap();
        let member = |path: &String| element.pointer(&format!("/{}", path.replace('.', "/")));
        let text = leaf.as_str().map_or(leaf.to_string(), str::to_owned);
        self.version
            .as_ref()
            .is_none_or(|version| file.starts_with(version.as_str()))
            && self
                .file
                .as_ref()
                .is_none_or(|pattern| fits(name(file), pattern))
            && self.was.as_ref().is_none_or(|was| *was == text)
            && self.has.as_ref().is_none_or(|path| member(path).is_some())
            && self
                .lacks
                .as_ref()
                .is_none_or(|path| member(path).is_none())
    }

    fn parse<'a>(words: impl Iterator<Item = &'a str>, line: &str) -> Self {
        let words: Vec<&str> = words.collect();
        let conditions = words
            .iter()
            .take_while(|word| {
                ["@", "in=", "was=", "has=", "lacks="]
                    .iter()
                    .any(|start| word.starts_with(start))
            })
            .count();
        let (conditions, words) = words.split_at(conditions);
        let condition = |start: &str| {
            let mut found = conditions
                .iter()
                .filter_map(|word| word.strip_prefix(start));
            found.next().map(str::to_owned)
        };
        let (words, change_to) = match words.iter().position(|word| *word == "as") {
            Some(at) => {
                let to = words[at + 1..]
                    .join(" ")
                    .split('|')
                    .map(str::to_owned)
                    .collect();
                (&words[..at], Some(to))
            }
            None => (words, None),
        };
        let claim = Claim::parse(words, line).unwrap_or_else(|| panic!("not a claim: {line}"));
        Self {
            text: line.to_owned(),
            version: condition("@"),
            file: condition("in="),
            was: condition("was="),
            has: condition("has="),
            lacks: condition("lacks="),
            claim,
            change_to,
        }
    }
}

/// Whether this text is a claim; reasons to exclude are a closed set.
pub(crate) fn is_claim(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    Claim::parse(&words, text).is_some()
}

impl Claim {
    fn parse(words: &[&str], line: &str) -> Option<Self> {
        Some(match words {
            ["identity"] => Claim::Identity,
            ["summed"] => Claim::Summed,
            ["repeated", relation @ ..] => Claim::Repeated {
                of: relation.join(" "),
            },
            ["excluded", "secret" | "per_subscription" | "echo"] => {
                Claim::Excluded { duplicate_of: None }
            }
            ["excluded", "duplicate", relation @ ..] => Claim::Excluded {
                duplicate_of: Some(relation.join(" ")),
            },
            ["series" | "label" | "rows", families @ .., "of", labels] => Claim::Shown(
                Effects::parse(&words[..=families.len()], line),
                labels.split(',').map(str::to_owned).collect(),
            ),
            ["series" | "label" | "rows", ..] => {
                Claim::Shown(Effects::parse(words, line), Vec::new())
            }
            _ => return None,
        })
    }

    pub(crate) fn fate(&self) -> Fate {
        match self {
            Self::Shown(effects, _) if effects.series.is_empty() && effects.rows.is_empty() => {
                Fate::Label
            }
            // Another line says in what it is shown.
            Self::Shown(..) | Self::Summed | Self::Repeated { .. } => Fate::Series,
            Self::Identity => Fate::Label,
            Self::Excluded { .. } => Fate::Excluded,
        }
    }

    /// Whether a change did what is claimed; where another server leads it may do less.
    pub(crate) fn holds(&self, effects: &Effects, before: &Series, led: bool) -> bool {
        match self {
            Self::Shown(claimed, entity) if led => {
                claimed.covers(effects)
                    && claimed.all_named_are_in(effects)
                    && (entity.is_empty() || effects.are_of_one(entity, claimed, before))
            }
            Self::Shown(claimed, _) => claimed.covers(effects),
            Self::Identity => effects.all,
            Self::Summed | Self::Repeated { .. } | Self::Excluded { .. } => {
                effects.families().is_empty()
            }
        }
    }
}

impl Effects {
    fn parse(words: &[&str], line: &str) -> Self {
        let mut effects = Self::default();
        let mut how = "";
        for word in words {
            match (*word, how) {
                ("series" | "label" | "rows", _) => how = word,
                (family, "series") => drop(effects.series.insert(family.to_owned())),
                (family, "label") => drop(effects.label.insert(family.to_owned())),
                (family, "rows") => drop(effects.rows.insert(family.to_owned())),
                _ => panic!("not a claim: {line}"),
            }
        }
        assert!(!effects.families().is_empty(), "no family: {line}");
        effects
    }

    /// Whether all that changed is claimed.
    fn covers(&self, effects: &Self) -> bool {
        let pairs = [
            (&self.series, &effects.series),
            (&self.label, &effects.label),
            (&self.rows, &effects.rows),
        ];
        pairs.iter().all(|(claimed, found)| {
            found
                .iter()
                .all(|family| claimed.iter().any(|claimed| fits(family, claimed)))
        })
    }

    /// Whether each family that is claimed by its full name changed.
    fn all_named_are_in(&self, effects: &Self) -> bool {
        let pairs = [
            (&self.series, &effects.series),
            (&self.label, &effects.label),
            (&self.rows, &effects.rows),
        ];
        pairs.iter().all(|(claimed, found)| {
            claimed
                .iter()
                .all(|claimed| claimed.ends_with('*') || found.contains(claimed))
        })
    }

    /// Whether what is gone of the families claimed by their beginning is one entity, and all of it.
    fn are_of_one(&self, entity: &[String], claimed: &Self, before: &Series) -> bool {
        let begins = |key: &&String| {
            let family = key.split('{').next().unwrap();
            let mut patterns = claimed.label.iter().chain(&claimed.rows);
            patterns.any(|pattern| pattern.ends_with('*') && fits(family, pattern))
        };
        let of = |key: &String| -> Vec<Option<String>> {
            entity.iter().map(|name| label(key, name)).collect()
        };
        let gone: BTreeSet<&String> = self.gone.iter().filter(begins).collect();
        let Some(first) = gone.first() else {
            return false;
        };
        let one = of(first);
        let all: BTreeSet<&String> = before
            .keys()
            .filter(begins)
            .filter(|key| of(key) == one)
            .collect();
        one.iter().all(Option::is_some) && gone == all
    }

    pub(crate) fn between(before: &Series, after: &Series) -> Self {
        let families = |series: &Series| -> BTreeMap<String, BTreeMap<String, String>> {
            let mut families = BTreeMap::new();
            for (key, value) in series {
                let family = key.split('{').next().unwrap().to_owned();
                let of: &mut BTreeMap<_, _> = families.entry(family).or_default();
                of.insert(key.clone(), value.clone());
            }
            families
        };
        let (old, new) = (families(before), families(after));
        let none = BTreeMap::new();
        let mut effects = Self {
            all: before.keys().all(|key| !after.contains_key(key)),
            gone: before
                .keys()
                .filter(|key| !after.contains_key(*key))
                .cloned()
                .collect(),
            ..Self::default()
        };
        for family in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let (old, new) = (
                old.get(family).unwrap_or(&none),
                new.get(family).unwrap_or(&none),
            );
            let touched = match (old.keys().eq(new.keys()), old.len() == new.len()) {
                (true, _) if old == new => continue,
                (true, _) => &mut effects.series,
                (false, true) => &mut effects.label,
                (false, false) => &mut effects.rows,
            };
            touched.insert(family.clone());
        }
        effects
    }

    fn families(&self) -> BTreeSet<&String> {
        self.series
            .iter()
            .chain(&self.label)
            .chain(&self.rows)
            .collect()
    }
}

/// Value of a label of a series.
fn label(key: &str, name: &str) -> Option<String> {
    let (_, labels) = key.split_once('{')?;
    let labels = format!(",{labels}");
    let (_, rest) = labels.split_once(&format!(",{name}=\""))?;
    Some(rest.split('"').next()?.to_owned())
}

impl fmt::Display for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.all {
            return f.write_str("identity");
        }
        let mut some = false;
        for (how, families) in [
            ("series", &self.series),
            ("label", &self.label),
            ("rows", &self.rows),
        ] {
            if !families.is_empty() {
                let families: Vec<&str> = families.iter().map(String::as_str).collect();
                write!(
                    f,
                    "{}{how} {}",
                    if some { " " } else { "" },
                    families.join(" ")
                )?;
                some = true;
            }
        }
        if some { Ok(()) } else { f.write_str("nothing") }
    }
}
