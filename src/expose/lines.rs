//! Sample lines: names, label blocks, numbers. The same bytes serve both text formats.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::state::{Histogram, Value};

/// Longest label value; longer ones are cut and told apart by a hash.
const LABEL_MAX: usize = 1024;

const NANOS: u64 = 1_000_000_000;

/// Appends `name="value"`, with a comma before it unless the block is empty. Empty values are left out: for
/// Prometheus a label without a value is no label.
pub(super) fn label(block: &mut Vec<u8>, name: &str, value: &str) {
    if !value.is_empty() {
        label_or_empty(block, name, value);
    }
}

/// As `label`, and writes empty values too: other tools do.
pub(super) fn label_or_empty(block: &mut Vec<u8>, name: &str, value: &str) {
    if !block.is_empty() {
        block.push(b',');
    }
    block.extend_from_slice(name.as_bytes());
    block.extend_from_slice(b"=\"");
    if value.bytes().all(|byte| AS_IT_IS[usize::from(byte)]) && value.len() <= LABEL_MAX {
        block.extend_from_slice(value.as_bytes());
    } else if value.len() <= LABEL_MAX && !value.contains(RETURN) {
        escaped(block, value);
    } else {
        // What is not shown as it is stays distinct.
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        let cut = (0..=LABEL_MAX)
            .rev()
            .find(|at| value.is_char_boundary(*at))
            .unwrap_or(0);
        escaped(block, &value[..cut]);
        block.extend_from_slice(format!("…{:016x}", hasher.finish()).as_bytes());
    }
    block.push(b'"');
}

/// Stands for a carriage return, for which the formats have no escape; readers differ on the bare byte.
const RETURN: &str = "␍";

/// Bytes that are never escaped and begin no such symbol. Nearly all values have no other.
static AS_IT_IS: [bool; 256] = {
    let mut table = [true; 256];
    table[b'\\' as usize] = false;
    table[b'"' as usize] = false;
    table[b'\n' as usize] = false;
    table[b'\r' as usize] = false;
    table[RETURN.as_bytes()[0] as usize] = false;
    table
};

fn escaped(block: &mut Vec<u8>, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'\\' => block.extend_from_slice(br"\\"),
            b'"' => block.extend_from_slice(br#"\""#),
            b'\n' => block.extend_from_slice(br"\n"),
            b'\r' => block.extend_from_slice(RETURN.as_bytes()),
            _ => block.push(byte),
        }
    }
}

/// Appends one sample line. Gives how many series it added.
pub(super) fn sample(out: &mut Vec<u8>, name: &str, block: &[u8], value: &Value<'_>) -> u64 {
    if let Value::Histogram(histogram) = value {
        return buckets(out, name, block, histogram);
    }
    head(out, name, "", block);
    number(out, value);
    out.push(b'\n');
    1
}

fn head(out: &mut Vec<u8>, name: &str, suffix: &str, block: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(suffix.as_bytes());
    if !block.is_empty() {
        out.push(b'{');
        out.extend_from_slice(block);
        out.push(b'}');
    }
    out.push(b' ');
}

fn number(out: &mut Vec<u8>, value: &Value<'_>) {
    match *value {
        Value::U64(number) => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
        Value::I64(number) => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
        Value::F64(number) => float(out, number),
        Value::Nanos(nanos) => {
            if nanos < 0 {
                out.push(b'-');
            }
            seconds(out, nanos.unsigned_abs(), false);
        }
        Value::Histogram(_) | Value::Negative => out.push(b'0'),
    }
}

fn float(out: &mut Vec<u8>, number: f64) {
    let text: &[u8] = match number {
        _ if number.is_nan() => b"NaN",
        f64::INFINITY => b"+Inf",
        f64::NEG_INFINITY => b"-Inf",
        _ => return out.extend_from_slice(ryu::Buffer::new().format_finite(number).as_bytes()),
    };
    out.extend_from_slice(text);
}

/// Nanoseconds as seconds, exactly. `point` keeps a point where there is no fraction, as `le` demands.
fn seconds(out: &mut Vec<u8>, nanos: u128, point: bool) {
    // Division of 128 bits is slow, and times until 2554 need only 64.
    let (whole, nanos) = match u64::try_from(nanos) {
        Ok(nanos) => (u128::from(nanos / NANOS), nanos % NANOS),
        Err(_) => (
            nanos / u128::from(NANOS),
            (nanos % u128::from(NANOS)) as u64,
        ),
    };
    let mut digits = itoa::Buffer::new();
    out.extend_from_slice(match u64::try_from(whole) {
        Ok(whole) => digits.format(whole).as_bytes(),
        Err(_) => digits.format(whole).as_bytes(),
    });
    if nanos == 0 {
        return out.extend_from_slice(if point { b".0" } else { b"" });
    }
    // A one before them keeps the zeros in front.
    let mut digits = itoa::Buffer::new();
    let fraction = digits.format(NANOS + nanos)[1..].trim_end_matches('0');
    out.push(b'.');
    out.extend_from_slice(fraction.as_bytes());
}

fn buckets(out: &mut Vec<u8>, name: &str, block: &[u8], histogram: &Histogram) -> u64 {
    let mut labels = block.to_vec();
    if !labels.is_empty() {
        labels.push(b',');
    }
    labels.extend_from_slice(b"le=\"");
    let stem = labels.len();
    let mut series = 2;
    for (place, count) in histogram.cumulative().enumerate() {
        labels.truncate(stem);
        match histogram.bounds().get(place) {
            None => labels.extend_from_slice(b"+Inf"),
            Some(bound) if histogram.is_nanos() => seconds(&mut labels, u128::from(*bound), true),
            Some(bound) => labels.extend_from_slice(format!("{bound}.0").as_bytes()),
        }
        labels.push(b'"');
        head(out, name, "_bucket", &labels);
        out.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
        out.push(b'\n');
        series += 1;
    }
    head(out, name, "_sum", block);
    if histogram.is_nanos() {
        seconds(out, histogram.sum(), false);
    } else {
        out.extend_from_slice(histogram.sum().to_string().as_bytes());
    }
    out.push(b'\n');
    head(out, name, "_count", block);
    out.extend_from_slice(itoa::Buffer::new().format(histogram.count()).as_bytes());
    out.push(b'\n');
    series
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(value: Value<'_>) -> String {
        let mut out = Vec::new();
        sample(&mut out, "x", b"", &value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_exactly() {
        for (value, text) in [
            (Value::U64(u64::MAX), "18446744073709551615"),
            (Value::I64(i64::MIN), "-9223372036854775808"),
            (
                Value::Nanos(1_795_331_280_583_786_668),
                "1795331280.583786668",
            ),
            (Value::Nanos(2_000_000_000), "2"),
            (Value::Nanos(-1), "-0.000000001"),
            (Value::Nanos(i128::from(u64::MAX)), "18446744073.709551615"),
            (Value::F64(0.035), "0.035"),
            (Value::F64(f64::INFINITY), "+Inf"),
        ] {
            assert_eq!(line(value), format!("x {text}\n"));
        }
    }

    #[test]
    fn labels_are_escaped_and_empty_ones_left_out() {
        let mut block = Vec::new();
        label(&mut block, "a", "quote\" back\\ line\nend\r🚀");
        label(&mut block, "b", "");
        label(&mut block, "c", "d");
        assert_eq!(
            String::from_utf8(block).unwrap(),
            r#"a="quote\" back\\ line\nend␍🚀",c="d""#
        );
    }

    #[test]
    fn long_labels_are_cut_and_stay_distinct() {
        let block = |value: &str| {
            let mut block = Vec::new();
            label(&mut block, "a", value);
            String::from_utf8(block).unwrap()
        };
        let (one, two) = (
            block(&format!("{}1", "é".repeat(5000))),
            block(&format!("{}2", "é".repeat(5000))),
        );
        assert!(one.len() < 1100 && one != two);
    }

    #[test]
    fn a_carriage_return_is_told_from_its_symbol() {
        let block = |value: &str| {
            let mut block = Vec::new();
            label(&mut block, "a", value);
            String::from_utf8(block).unwrap()
        };
        assert_eq!(block("x\r"), "a=\"x␍\"");
        assert_ne!(block("x\r"), block("x␍"));
        assert_ne!(block("␍\r"), block("\r␍"));
    }

    #[test]
    fn a_histogram_has_buckets_as_floats_a_sum_and_a_count() {
        let mut histogram = Histogram::of_nanos(&[5_000_000, 1_000_000_000]);
        histogram.observe(5_000_000);
        histogram.observe(3_000_000_001);
        assert_eq!(
            line(Value::Histogram(&histogram)),
            "x_bucket{le=\"0.005\"} 1\nx_bucket{le=\"1.0\"} 1\nx_bucket{le=\"+Inf\"} 2\nx_sum 3.005000001\nx_count 2\n"
        );
    }
}
