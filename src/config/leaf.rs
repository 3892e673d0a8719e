//! What one leaf of the configuration is: its path, kind, default and meaning, and the names made from them.

use std::time::Duration;

use super::table::{Key, LEAVES};

/// One leaf of the configuration: everything that flags, variables, documentation and checks need to know of it.
#[derive(Debug)]
pub struct Leaf {
    /// The handle that code uses.
    pub key: Key,
    /// Where it stands in the file: `poll.light`; `servers[].url` for the leaves of a list.
    pub path: &'static str,
    /// What may be written there.
    pub kind: Kind,
    /// The default, or an example where there is none.
    pub given: Given,
    /// Whether this version acts on it.
    pub effect: Effect,
    /// What it means, in sentences.
    pub doc: &'static str,
}

/// A default, or an example where the default is "unset".
#[derive(Debug, Clone, Copy)]
pub enum Given {
    /// Used when nothing is written.
    Default(&'static str),
    /// Shown in the documentation only.
    Example(&'static str),
}

/// Whether this version acts on a leaf. All leaves are valid from day one, so that a file outlives upgrades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It works.
    Now,
    /// It is checked, and reported as without effect.
    Later,
}

/// What may be written in a leaf, with its bounds.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Any text of at most [`TEXT_BYTES_MAX`] bytes.
    Text,
    /// A name of a stream or consumer, with `*` for any part.
    Pattern,
    /// A path of the file system. It is not opened here.
    Path,
    /// An address to listen on; `off` switches it off where allowed.
    Listen {
        /// Whether `off` is allowed.
        off: bool,
    },
    /// A URL with one of these schemes.
    Url {
        /// Schemes without `://`, the preferred one first.
        schemes: &'static [&'static str],
        /// Whether `host:port` alone will do.
        bare: bool,
    },
    /// A span of time such as `5s`.
    Duration {
        /// The smallest.
        min: Duration,
        /// The largest.
        max: Duration,
        /// Whether `0` is allowed and means off.
        off: bool,
    },
    /// A number of bytes such as `256MiB`.
    Size {
        /// The smallest, in bytes.
        min: u64,
        /// The largest, in bytes.
        max: u64,
    },
    /// A number with a fraction.
    Number {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// A whole number.
    Count {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// `true` or `false`.
    Switch,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `off`, `exporter`, `exporter=PREFIX` or `surveyor`.
    Compat,
    /// `auto`, `off` or the number of a process.
    Pid,
    /// A name of a machine: letters, digits, dots and dashes; no address.
    HostName,
    /// Text that is never shown. File only: flags and variables of a process are visible to others.
    Secret,
}

/// Longest text of a [`Kind::Text`]: names become labels of every series, so they stay short.
pub const TEXT_BYTES_MAX: usize = 256;

impl Leaf {
    /// Whether it belongs to a list; those are set in the file only.
    pub fn in_list(&self) -> bool {
        self.path.contains("[]")
    }

    /// Whether neither flag nor variable exists for it.
    pub fn file_only(&self) -> bool {
        self.in_list() || matches!(self.kind, Kind::Secret)
    }

    /// `--poll-light`.
    pub fn flag(&self) -> Option<String> {
        (!self.file_only()).then(|| format!("--{}", self.path.replace(['.', '_'], "-")))
    }

    /// `NATSIGHT_POLL_LIGHT`.
    pub fn variable(&self) -> Option<String> {
        (!self.file_only()).then(|| self.variable_if_it_had_one())
    }

    /// The name by which an operator might try to set a leaf that can be set in the file only.
    pub(super) fn variable_if_it_had_one(&self) -> String {
        let name = self
            .path
            .replace("[]", "")
            .replace('.', "_")
            .to_ascii_uppercase();
        format!("{VARIABLE_PREFIX}{name}")
    }

    /// The text that counts when nothing is written.
    pub fn default(&self) -> Option<&'static str> {
        match self.given {
            Given::Default(text) => Some(text),
            Given::Example(_) => None,
        }
    }

    /// The default, or the example: a text that is always valid.
    pub fn sample(&self) -> &'static str {
        match self.given {
            Given::Default(text) | Given::Example(text) => text,
        }
    }
}

/// How the names of all environment variables begin.
pub const VARIABLE_PREFIX: &str = "NATSIGHT_";

/// The leaves that are valid and do nothing yet.
pub fn not_yet() -> impl Iterator<Item = &'static Leaf> {
    LEAVES.iter().filter(|leaf| leaf.effect == Effect::Later)
}

/// What the table says stands at a path.
pub(super) enum Shape {
    Leaf(&'static Leaf),
    List,
    Map(Vec<&'static str>),
}

/// Reads the shape of the file off the paths of its leaves. `path` is "" for the whole file.
pub(super) fn shape(path: &str) -> Shape {
    if let Some(leaf) = LEAVES.iter().find(|leaf| leaf.path == path) {
        return Shape::Leaf(leaf);
    }
    let mut children: Vec<&'static str> = Vec::new();
    for leaf in LEAVES {
        let Some(rest) = leaf.path.strip_prefix(path) else {
            continue;
        };
        if rest.starts_with("[]") {
            return Shape::List;
        }
        let rest = match path {
            "" => rest,
            _ => match rest.strip_prefix('.') {
                Some(rest) => rest,
                None => continue,
            },
        };
        let child = rest.split(['.', '[']).next().unwrap_or(rest);
        if !children.contains(&child) {
            children.push(child);
        }
    }
    Shape::Map(children)
}
