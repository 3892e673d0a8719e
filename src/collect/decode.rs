//! Why an answer could not be decoded, and the decoding of one element.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// A body that is not what the endpoint gives. The text never repeats values of the body: they may be secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON.
    #[error("not JSON at byte {offset}: {what}")]
    Syntax {
        /// Bytes before the fault.
        offset: u64,
        /// What was expected.
        what: &'static str,
    },
    /// An element of the body is not JSON, or a field has the wrong type.
    #[error("element ending at byte {offset}: {what}")]
    Element {
        /// Bytes before the end of the element.
        offset: u64,
        /// What serde says, without values.
        what: String,
    },
    /// The body ends too early.
    #[error("the body ends after {offset} bytes, in the middle")]
    Truncated {
        /// Bytes read.
        offset: u64,
    },
    /// Arrays and objects nest too deep.
    #[error("nested deeper than {max} levels at byte {offset}")]
    TooDeep {
        /// Bytes before the fault.
        offset: u64,
        /// Levels allowed.
        max: usize,
    },
    /// One element is too large to be decoded.
    #[error("an element is larger than {max} bytes")]
    ElementTooLarge {
        /// Bytes allowed.
        max: usize,
    },
    /// The labels of an array's elements come after the array, and the array is too large to wait for them.
    #[error("the name comes after an array of more than {max} bytes")]
    LabelsLate {
        /// Bytes that may wait.
        max: usize,
    },
}

impl DecodeError {
    /// Bounded label value.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "syntax",
            Self::Element { .. } => "element",
            Self::Truncated { .. } => "truncated",
            Self::TooDeep { .. } => "deep",
            Self::ElementTooLarge { .. } => "element_too_large",
            Self::LabelsLate { .. } => "labels_late",
        }
    }
}

/// Decodes one element. `offset` is where it ends in the body.
pub(crate) fn element<'a, T: Deserialize<'a>>(
    bytes: &'a [u8],
    offset: u64,
) -> Result<T, DecodeError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        // serde repeats offending strings in quotes and offending field names in backticks; only types and places stay.
        let what = match text.split_once('"') {
            Some((before, _)) => before.trim_end().to_owned(),
            None => text,
        };
        DecodeError::Element { offset, what }
    })
}

/// Makes sure that an element out of which nothing is used is JSON: the splitter looks at brackets only.
pub(crate) fn check(bytes: &[u8], offset: u64) -> Result<(), DecodeError> {
    element::<IgnoredAny>(bytes, offset).map(drop)
}

/// Decodes the element at the beginning of `text` and gives its length; nothing when it is not whole or not right.
pub(crate) fn first<'a, T: Deserialize<'a>>(text: &'a str) -> Option<(T, usize)> {
    let mut elements = serde_json::Deserializer::from_str(text).into_iter();
    let element = elements.next()?.ok()?;
    Some((element, elements.byte_offset()))
}

/// Hands on the element at the beginning of `text`, for `Elements::whole`.
pub(crate) fn whole<'a, T: Deserialize<'a>>(
    text: &'a str,
    take: impl FnOnce(T),
) -> Result<Option<usize>, DecodeError> {
    Ok(first(text).map(|(element, used)| {
        take(element);
        used
    }))
}

/// Decodes a key with its quotes. Escapes are undone.
pub(crate) fn key(quoted: &[u8], offset: u64) -> Result<Cow<'_, str>, DecodeError> {
    #[derive(Deserialize)]
    struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
    let Key(key) = element(quoted, offset)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_does_not_repeat_values() {
        let error = element::<u64>(br#""hunter2""#, 9).unwrap_err();
        assert_eq!(
            error.to_string(),
            "element ending at byte 9: invalid type: string"
        );
    }
}
