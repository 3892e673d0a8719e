//! Folded stacks: one line for each stack, frames from the root to the leaf with semicolons between, a space, the value.
//!
//! The form of `stackcollapse` (Gregg, FlameGraph), which inferno, speedscope and Pyroscope read.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};

use super::{Frame, Profile, ValueType};

/// Bytes of one line that are read.
const LINE_MAX: u64 = 1 << 20;

/// Why a text is no profile.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FoldedError {
    /// A line without a value.
    #[error("line {line} does not end in a space and a whole number: {text:?}")]
    Value {
        /// Counted from 1.
        line: usize,
        /// Its beginning.
        text: String,
    },
    /// A line that is too long.
    #[error("line {line} is longer than {LINE_MAX} bytes")]
    Long {
        /// Counted from 1.
        line: usize,
    },
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes the values of type `index`, sorted by stack; stacks of value 0 are left out.
///
/// # Errors
///
/// What writing says.
pub fn write(profile: &Profile, index: usize, to: &mut impl Write) -> io::Result<()> {
    for line in lines(profile, index) {
        writeln!(to, "{line}")?;
    }
    Ok(())
}

/// The lines, sorted.
#[must_use]
pub fn lines(profile: &Profile, index: usize) -> Vec<String> {
    stacks(profile, index)
        .into_iter()
        .map(|(stack, value)| format!("{stack} {value}"))
        .collect()
}

/// Values by stack, root first; equal stacks (under different labels, or at different lines of a function) are one.
#[must_use]
pub fn stacks(profile: &Profile, index: usize) -> BTreeMap<String, i64> {
    let mut stacks = BTreeMap::<String, i64>::new();
    for sample in profile.samples() {
        let value = sample.values.get(index).copied().unwrap_or(0);
        if value == 0 {
            continue;
        }
        let mut stack = String::new();
        for id in sample.stack.iter().rev() {
            if !stack.is_empty() {
                stack.push(';');
            }
            push_name(&mut stack, &profile.frame(*id).function);
        }
        let sum = stacks.entry(stack).or_default();
        *sum = sum.saturating_add(value);
    }
    stacks
}

/// A semicolon or a line's end in a name would be read as another frame or line, a number behind a space at its end as another value, a
/// line that begins with `#` as a comment.
fn push_name(stack: &mut String, name: &str) {
    let begin = stack.len();
    stack.extend(name.trim().chars().map(|letter| match letter {
        ';' => ':',
        letter if letter.is_control() => ' ',
        letter => letter,
    }));
    if begin == 0 && stack.trim_start().starts_with('#') {
        stack.insert(0, '_');
    }
    let own = stack[begin..].trim();
    if own.is_empty() {
        stack.truncate(begin);
        stack.push_str("[unknown]");
        return;
    }
    if let Some((_, last)) = own.rsplit_once(char::is_whitespace)
        && last.parse::<f64>().is_ok()
    {
        let own = own.split_whitespace().collect::<Vec<_>>().join("_");
        stack.truncate(begin);
        stack.push_str(&own);
    }
}

/// Reads folded stacks; values are of the type `samples`/`count`. Empty lines and comments (`#`) are passed over.
///
/// # Errors
///
/// When a line is none.
pub fn read(mut from: impl BufRead) -> Result<Profile, FoldedError> {
    let mut profile = Profile::new(vec![ValueType::new("samples", "count")]);
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if from.by_ref().take(LINE_MAX).read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        if bytes.len() as u64 == LINE_MAX && bytes.last() != Some(&b'\n') {
            return Err(FoldedError::Long { line });
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let wrong = || FoldedError::Value {
            line,
            text: text.chars().take(80).collect(),
        };
        let (stack, value) = text.rsplit_once(' ').ok_or_else(wrong)?;
        add(&mut profile, stack, value.parse().map_err(|_| wrong())?);
    }
    Ok(profile)
}

fn add(profile: &mut Profile, stack: &str, value: i64) {
    let frames = stack.trim_end().rsplit(';').map(|function| Frame {
        function: function.into(),
        file: "".into(),
        line: 0,
        inlined: false,
    });
    let ids: Option<Vec<_>> = frames.map(|frame| profile.intern(frame)).collect();
    match ids {
        Some(ids) => profile.add(&ids, &[value], Vec::new()),
        None => profile.left_out += 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str) -> String {
        let profile = read(text.as_bytes()).unwrap();
        let mut out = Vec::new();
        write(&profile, 0, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = "main;a b;(*T).f[...] 3\nmain;c 4\n";
        assert_eq!(round(text), text);
    }

    #[test]
    fn equal_stacks_are_added_and_sorted() {
        assert_eq!(round("b 1\r\n# a comment\n\na 1\nb 2"), "a 1\nb 3\n");
    }

    #[test]
    fn a_line_without_a_value_is_named() {
        let message = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            message("a 1\nb"),
            r#"line 2 does not end in a space and a whole number: "b""#
        );
        assert_eq!(
            message("a 1.5"),
            r#"line 1 does not end in a space and a whole number: "a 1.5""#
        );
        assert_eq!(
            message(&"x".repeat(1 << 20)),
            "line 1 is longer than 1048576 bytes"
        );
    }

    #[test]
    fn a_name_of_nothing_but_spaces_is_unknown() {
        assert_eq!(
            round("main;\u{19} ; b;c{ x } 4\n"),
            "main;[unknown];b;c{ x } 4\n"
        );
    }

    #[test]
    fn a_name_that_looks_like_a_comment_is_none() {
        assert_eq!(round("\u{1}# z;b 4\n"), "_ # z;b 4\n");
    }

    #[test]
    fn a_name_cannot_make_a_frame_or_a_line() {
        let mut profile = Profile::new(vec![ValueType::new("samples", "count")]);
        let frame = Frame {
            function: "a;b\nc 7".into(),
            file: "".into(),
            line: 0,
            inlined: false,
        };
        let id = profile.intern(frame).unwrap();
        profile.add(&[id], &[1], Vec::new());
        assert_eq!(lines(&profile, 0), ["a:b_c_7 1"]);
    }
}
