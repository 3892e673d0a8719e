//! Durations and sizes: their texts to values, and values back to texts for messages.

use std::time::Duration;

const DURATION_UNITS: &[(&str, u64)] = &[
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
];

const SIZE_UNITS: &[(&str, u64)] = &[
    ("tib", 1 << 40),
    ("gib", 1 << 30),
    ("mib", 1 << 20),
    ("kib", 1 << 10),
    ("tb", 1_000_000_000_000),
    ("gb", 1_000_000_000),
    ("mb", 1_000_000),
    ("kb", 1_000),
    ("b", 1),
    ("", 1),
];

/// Reads `5s`, `500ms`, `1m30s`, `1.5h`; `0` needs no unit, everything else does.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut nanos: u64 = 0;
    let mut larger = u64::MAX;
    while !rest.is_empty() {
        let (number, after) = number(rest)?;
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (word, after) = after.split_at(end);
        let (_, unit) = DURATION_UNITS.iter().find(|(name, _)| *name == word)?;
        // 1m30s reads one way; 30s1m and 5s5s are slips.
        if *unit >= larger {
            return None;
        }
        larger = *unit;
        nanos = nanos.checked_add(number.times(*unit)?)?;
        rest = after;
    }
    (larger != u64::MAX).then(|| Duration::from_nanos(nanos))
}

/// Reads `256MiB`, `16 MB`, `1.5GiB` and plain bytes; the case of letters does not matter.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = number(text.trim())?;
    let unit = unit.trim_start().to_ascii_lowercase();
    let (_, bytes) = SIZE_UNITS.iter().find(|(name, _)| *name == unit)?;
    number.times(*bytes)
}

/// A decimal number as written: whole part, and billionths.
struct Decimal {
    whole: u64,
    billionths: u64,
}

impl Decimal {
    /// Exact up to the last whole unit; `None` when it does not fit.
    fn times(&self, unit: u64) -> Option<u64> {
        let part = u128::from(self.billionths) * u128::from(unit) / 1_000_000_000;
        let all = u128::from(self.whole) * u128::from(unit) + part;
        u64::try_from(all).ok()
    }
}

/// The number at the start of a text, and what follows it.
fn number(text: &str) -> Option<(Decimal, &str)> {
    let (digits, mut rest) = digits(text);
    let whole = digits.parse().ok()?;
    let mut billionths = 0;
    if let Some(after) = rest.strip_prefix('.') {
        let (digits, after) = self::digits(after);
        if digits.is_empty() || digits.len() > 9 {
            return None;
        }
        billionths = format!("{digits:0<9}").parse().ok()?;
        rest = after;
    }
    Some((Decimal { whole, billionths }, rest))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// `1h`, `1m30s`, `500ms`; anything below a millisecond is not shown.
pub(super) fn show_duration(span: Duration) -> String {
    let mut rest = span.as_nanos();
    let mut text = String::new();
    for (name, unit) in DURATION_UNITS.iter().filter(|(name, _)| *name != "d") {
        let count = rest / u128::from(*unit);
        rest %= u128::from(*unit);
        if count > 0 {
            text.push_str(&format!("{count}{name}"));
        }
    }
    if text.is_empty() {
        text.push('0');
    }
    text
}

/// `256MiB`, or plain bytes where no binary unit divides them.
pub(super) fn show_size(bytes: u64) -> String {
    for (name, unit) in [
        ("TiB", 1u64 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
    ] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{}{name}", bytes / unit);
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("5s", 5_000),
            (" 500ms ", 500),
            ("10m", 600_000),
            ("1h", 3_600_000),
            ("1m30s", 90_000),
            ("1.5s", 1_500),
            ("0.001s", 1),
            ("0", 0),
            ("0s", 0),
            ("2d", 172_800_000),
        ] {
            assert_eq!(
                duration(text),
                Some(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for text in [
            "",
            "5",
            "s",
            "-5s",
            "+5s",
            "5 s",
            "5x",
            "5S",
            "1.s",
            ".5s",
            "5s5s",
            "30s1m",
            "1e3s",
            "5ns",
            "99999999999999999999s",
            "9999999999999h",
            "1.0000000001s",
            "５s",
            "NaN",
            "00",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("256MiB", 256 << 20),
            ("16MB", 16_000_000),
            ("16 mb", 16_000_000),
            ("1.5KiB", 1536),
            ("1048576", 1 << 20),
            ("0", 0),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in [
            "",
            "MiB",
            "-1",
            "1M",
            "18446744073709551616",
            "99999999TiB",
            "1..5KiB",
            "nan",
        ] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn values_are_shown_as_they_are_written() {
        for text in ["1h", "1m30s", "500ms", "5s", "24h", "0"] {
            assert_eq!(show_duration(duration(text).unwrap()), text);
        }
        assert_eq!(show_size(256 << 20), "256MiB");
        assert_eq!(show_size(16_000_000), "15625KiB");
        assert_eq!(show_size(999), "999 bytes");
    }
}
