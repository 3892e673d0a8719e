//! Uptimes in the broker's own notation.

use crate::collect::GoDuration;

const HOURS_PER_DAY: u64 = 24;
/// The broker's years have no leap days.
const DAYS_PER_YEAR: u64 = 365;
const NANOS_PER_HOUR: u64 = 3_600_000_000_000;

/// Nanoseconds of the broker's own notation, `1y2d3h4m5s` (nats-server `server/monitor.go`, `myUptime`).
pub(super) fn uptime(text: &str) -> Option<u64> {
    let (years, rest) = unit(text, 'y')?;
    let (days, rest) = unit(rest, 'd')?;
    let hours = years
        .checked_mul(DAYS_PER_YEAR)?
        .checked_add(days)?
        .checked_mul(HOURS_PER_DAY)?;
    let rest = if rest.is_empty() {
        Some(0)
    } else {
        GoDuration::parse(rest).map(|span| span.0)
    }?;
    hours.checked_mul(NANOS_PER_HOUR)?.checked_add(rest)
}

/// A whole number before a unit, if the text begins with one, and what follows.
fn unit(text: &str, unit: char) -> Option<(u64, &str)> {
    match text.split_once(unit) {
        Some((number, rest)) => Some((number.parse().ok()?, rest)),
        None => Some((0, text)),
    }
}
