//! What is wrong with a configuration, where, and in words that an operator can act on.

use std::fmt;
use std::sync::Arc;

use super::secret::redacted;

/// One mistake: where it was made, and a sentence with the value and the next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it was made.
    pub place: Place,
    /// The sentence, without the place.
    pub text: String,
}

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the configuration file; line and column count from 1, in characters.
    File {
        /// The file as the operator named it.
        name: Arc<str>,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// In an environment variable.
    Variable,
    /// In a flag.
    Flag,
    /// In a URL given as an argument.
    Argument,
    /// Nowhere: it is a default, or missing.
    Nowhere,
}

impl Mistake {
    pub(super) fn new(place: Place, text: impl Into<String>) -> Self {
        Self {
            place,
            text: text.into(),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Place::File { name, line, column } = &self.place {
            write!(f, "{name}:{line}:{column}: ")?;
        }
        f.write_str(&self.text)
    }
}

impl std::error::Error for Mistake {}

/// Something that is not wrong, and does not do what the operator may think. `Display` begins with `warning: `.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The sentence, for a log line that has a level of its own.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "warning: {}", self.text)
    }
}

/// How much of a value is repeated in a message.
const SHOWN_CHARS_MAX: usize = 60;

/// A value as messages repeat it: user info hidden, control characters escaped, long texts cut,
/// quoted unless it looks like a number with a unit.
pub(super) fn shown(text: &str) -> String {
    let text = redacted(text.trim());
    if text.is_empty() {
        return "empty".to_owned();
    }
    let plain = text.len() <= SHOWN_CHARS_MAX
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    if plain {
        return text;
    }
    let mut cut: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    format!("{cut:?}")
}

/// A key as messages repeat it. What no key can look like is a line of some other file, which may hold secrets.
pub(super) fn shown_key(key: &str) -> String {
    let like_a_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    match key.chars().all(like_a_key) {
        true => shown(key),
        false => "what stands here".to_owned(),
    }
}

/// The candidate that `name` was probably meant to be.
pub(super) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    // A name of ten kilobytes resembles nothing, and comparing it would cost.
    if name.len() > 64 {
        return None;
    }
    let name = name.to_ascii_lowercase();
    candidates
        .map(|candidate| (distance(&name, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(edits, candidate)| *edits <= candidate.len().div_ceil(3).max(1))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein: how many letters must be put in, taken out or replaced.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_without_secrets_and_in_one_line() {
        assert_eq!(shown("0"), "0");
        assert_eq!(shown("10h"), "10h");
        assert_eq!(shown("abc"), "\"abc\"");
        assert_eq!(shown("5 s\n\"x\""), "\"5 s\\n\\\"x\\\"\"");
        assert_eq!(shown(" "), "empty");
        assert_eq!(shown("http://u:hunter2@h"), "\"http://***@h\"");
        assert_eq!(shown(&"9".repeat(10_000)).chars().count(), 63);
    }

    #[test]
    fn lines_of_other_files_are_not_repeated_as_keys() {
        assert_eq!(shown_key("poll_light"), "\"poll_light\"");
        for line in ["root:$6$salt$hash", "AKIA/secret+key=", "u@h"] {
            assert_eq!(shown_key(line), "what stands here");
        }
    }

    #[test]
    fn the_nearest_name_is_near() {
        let known = ["light", "health", "light_body_max"];
        assert_eq!(nearest("ligth", known.into_iter()), Some("light"));
        assert_eq!(nearest("Health", known.into_iter()), Some("health"));
        assert_eq!(
            nearest("light-body-max", known.into_iter()),
            Some("light_body_max")
        );
        assert_eq!(nearest("colour", known.into_iter()), None);
        assert_eq!(nearest(&"light".repeat(100), known.into_iter()), None);
    }
}
