//! Numbers, times and durations as the broker writes them.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use crate::state::Value;

/// A counter. The broker's are signed, so a negative one is possible, and is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// A count.
    Known(u64),
    /// Below zero: nonsense, shown nowhere.
    Negative,
}

impl Default for Count {
    fn default() -> Self {
        Self::Known(0)
    }
}

impl Count {
    /// The count, 0 when it is nonsense.
    pub fn or_zero(self) -> u64 {
        match self {
            Self::Known(count) => count,
            Self::Negative => 0,
        }
    }

    /// As a value in whole units.
    pub fn value(self) -> Value<'static> {
        match self {
            Self::Known(count) => Value::U64(count),
            Self::Negative => Value::Negative,
        }
    }

    /// As a duration; the broker counts nanoseconds.
    pub fn nanos(self) -> Value<'static> {
        match self {
            Self::Known(count) => Value::Nanos(i128::from(count)),
            Self::Negative => Value::Negative,
        }
    }
}

/// A whole number of either sign, exact from -2^63 to 2^64 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Int(pub i128);

impl Int {
    /// As a value in whole units.
    pub fn value(self) -> Value<'static> {
        match u64::try_from(self.0) {
            Ok(number) => Value::U64(number),
            Err(_) => Value::I64(i64::try_from(self.0).unwrap_or(i64::MIN)),
        }
    }

    /// As a duration; the broker writes nanoseconds.
    pub fn nanos(self) -> Value<'static> {
        Value::Nanos(self.0)
    }
}

struct WholeNumber;

impl Visitor<'_> for WholeNumber {
    type Value = i128;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<i128, E> {
        Ok(i128::from(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<i128, E> {
        Ok(i128::from(number))
    }
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(WholeNumber).map(Self)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = deserializer.deserialize_i64(WholeNumber)?;
        Ok(u64::try_from(number).map_or(Self::Negative, Self::Known))
    }
}

/// A time in RFC 3339, nanoseconds since 1970. Go's zero time means "never".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(Option<i128>);

impl Moment {
    /// Nanoseconds since 1970; nothing for "never".
    pub fn nanos(self) -> Option<i128> {
        self.0
    }

    /// As a value; nothing for "never".
    pub fn value(self) -> Option<Value<'static>> {
        self.0.map(Value::Nanos)
    }
}

const GO_ZERO_TIME: &str = "0001-01-01T00:00:00Z";

struct Rfc3339;

impl Visitor<'_> for Rfc3339 {
    type Value = Moment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time such as 2026-11-22T08:00:00Z")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Moment, E> {
        if text == GO_ZERO_TIME {
            return Ok(Moment(None));
        }
        match text.parse::<jiff::Timestamp>() {
            Ok(time) => Ok(Moment(Some(time.as_nanosecond()))),
            Err(_) => Err(E::custom("not a time such as 2026-11-22T08:00:00Z")),
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Rfc3339)
    }
}

/// A duration in Go's notation, such as `1.5ms`, `181µs`, `1h2m3.5s`, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct GoDuration(pub u64);

impl GoDuration {
    /// Reads Go's notation (package time, `Duration.String`); nothing when it is not that.
    pub fn parse(text: &str) -> Option<Self> {
        const UNITS: [(&str, u64); 7] = [
            ("ns", 1),
            ("µs", 1_000),
            ("us", 1_000),
            ("ms", 1_000_000),
            ("s", 1_000_000_000),
            ("m", 60_000_000_000),
            ("h", 3_600_000_000_000),
        ];
        let mut rest = text;
        let mut sum = 0u64;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
            let (number, tail) = rest.split_at(digits);
            let end = tail
                .find(|c: char| c.is_ascii_digit() || c == '.')
                .unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(end);
            let (_, nanos) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
            sum = sum.checked_add(scaled(number, nanos)?)?;
            rest = tail;
        }
        (!text.is_empty()).then_some(Self(sum))
    }
}

/// `number` has at most one point; digits below a nanosecond are cut off.
fn scaled(number: &str, unit_nanos: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut sum = whole.parse::<u64>().ok()?.checked_mul(unit_nanos)?;
    let mut place = unit_nanos;
    for digit in fraction.chars() {
        place /= 10;
        sum = sum.checked_add(u64::from(digit.to_digit(10)?) * place)?;
    }
    Some(sum)
}

struct GoDurationText;

impl Visitor<'_> for GoDurationText {
    type Value = GoDuration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as 1.5ms")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<GoDuration, E> {
        GoDuration::parse(text).ok_or_else(|| E::custom("not a duration such as 1.5ms"))
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(GoDurationText)
    }
}

/// A list or map that the broker may write as `null` when it is empty.
pub(crate) fn null_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn integers_are_exact_up_to_2_to_the_64() {
        assert_eq!(
            json::<Count>("18446744073709551615"),
            Ok(Count::Known(u64::MAX))
        );
        assert_eq!(
            json::<Int>("18446744073709551615").unwrap().value(),
            Value::U64(u64::MAX)
        );
        assert_eq!(
            json::<Int>("-9223372036854775808").unwrap().value(),
            Value::I64(i64::MIN)
        );
        assert_eq!(json::<Int>("-1").unwrap().value(), Value::I64(-1));
    }

    #[test]
    fn negative_counters_are_told_apart() {
        assert_eq!(json::<Count>("-1"), Ok(Count::Negative));
    }

    #[test]
    fn fractions_and_words_are_not_whole_numbers() {
        for text in [
            "1.5",
            "\"1\"",
            "true",
            "null",
            "1e3",
            "18446744073709551616",
        ] {
            assert!(json::<Count>(text).is_err(), "{text}");
            assert!(json::<Int>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_keep_their_nanoseconds_and_zero_is_never() {
        let time = json::<Moment>(r#""2026-11-22T07:08:00.583786668Z""#).unwrap();
        assert_eq!(time.nanos(), Some(1_795_331_280_583_786_668));
        assert_eq!(
            json::<Moment>(r#""0001-01-01T00:00:00Z""#).unwrap().nanos(),
            None
        );
        assert!(json::<Moment>(r#""yesterday""#).is_err());
    }

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, nanos) in [
            ("0s", 0),
            ("181µs", 181_000),
            ("181us", 181_000),
            ("1.0018ms", 1_001_800),
            ("1h2m3.5s", 3_723_500_000_000),
            ("35ns", 35),
        ] {
            assert_eq!(GoDuration::parse(text), Some(GoDuration(nanos)), "{text}");
        }
        for text in ["", "1", "ms", "1d", "-1s", "1..5s", "99999999999999999999s"] {
            assert_eq!(GoDuration::parse(text), None, "{text}");
        }
    }
}
