//! Connections: sums over those that are open and, by choice, each of them in the same families.

use super::View;
use super::table::Family;
use crate::collect::connz::{Connection, OpenConnections};
use crate::collect::{Count, Moment};
use crate::compat::uptime::uptime;
use crate::state::{ForeignRows, Value};

const NANOS_PER_MILLI: i128 = 1_000_000;
const NANOS_PER_MICRO: u64 = 1_000;

impl View<'_> {
    pub(super) fn connections(&self, all: &OpenConnections<'_>, rows: &mut dyn ForeignRows) {
        let (page, sums) = (&all.page, all.sums());
        let labels = [("server_id", self.server_id)];
        rows.row(
            &labels,
            &[
                self.cell(Family::ConnzNumConnections, page.num_connections.value()),
                self.cell(Family::ConnzTotal, all.total.unwrap_or(0).into()),
                self.cell(Family::ConnzOffset, page.offset.value()),
                self.cell(Family::ConnzLimit, page.limit.value()),
                self.cell(Family::ConnzPendingBytes, sums.pending_bytes.into()),
                self.cell(Family::ConnzSubscriptions, sums.subscriptions.into()),
                self.cell(Family::ConnzInBytes, sums.in_bytes.into()),
                self.cell(Family::ConnzOutBytes, sums.out_bytes.into()),
                self.cell(Family::ConnzInMsgs, sums.in_msgs.into()),
                self.cell(Family::ConnzOutMsgs, sums.out_msgs.into()),
            ],
        );
    }

    pub(super) fn connection(&self, one: &Connection<'_>, rows: &mut dyn ForeignRows) {
        let (mut cid, mut port) = (itoa::Buffer::new(), itoa::Buffer::new());
        let labels = [
            ("server_id", self.server_id),
            ("cid", cid.format(one.cid)),
            ("kind", &one.kind),
            ("type", &one.protocol),
            ("ip", &one.ip),
            ("port", port.format(one.port.0)),
            ("name", &one.name),
            ("name_tag", &one.name_tag),
            ("account", &one.account),
            ("account_id", &one.account),
            ("lang", &one.lang),
            ("version", &one.version),
            ("tls_version", &one.tls_version),
            ("tls_cipher_suite", &one.tls_cipher_suite),
        ];
        let count = |count: Option<Count>| count.map_or(0, Count::or_zero).into();
        let rtt = one.rtt.map_or(0, |rtt| rtt.0 / NANOS_PER_MICRO);
        rows.row(
            &labels,
            &[
                self.cell(Family::ConnzPendingBytes, one.pending_bytes.value()),
                self.cell(Family::ConnzSubscriptions, one.subscriptions.value()),
                self.cell(Family::ConnzInBytes, count(one.in_bytes)),
                self.cell(Family::ConnzOutBytes, count(one.out_bytes)),
                self.cell(Family::ConnzInMsgs, count(one.in_msgs)),
                self.cell(Family::ConnzOutMsgs, count(one.out_msgs)),
                self.cell(Family::ConnzStart, millis(one.start)),
                self.cell(Family::ConnzLastActivity, millis(one.last_activity)),
                self.cell(Family::ConnzRtt, rtt.into()),
                self.cell(Family::ConnzUptime, span(&one.uptime)),
                self.cell(Family::ConnzIdle, span(&one.idle)),
            ],
        );
    }
}

/// Milliseconds since 1970; 0 where there is no time.
fn millis(time: Moment) -> Value<'static> {
    let millis = time.nanos().unwrap_or(0).div_euclid(NANOS_PER_MILLI);
    Value::I64(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// Milliseconds of an uptime; -1 where it cannot be read, 0 where there is none.
fn span(text: &str) -> Value<'static> {
    if text.is_empty() {
        return Value::I64(0);
    }
    let millis = uptime(text).map(|nanos| i128::from(nanos) / NANOS_PER_MILLI);
    Value::I64(
        millis
            .and_then(|millis| i64::try_from(millis).ok())
            .unwrap_or(-1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptimes_have_years_and_days() {
        for (text, expected) in [
            ("7s", Value::I64(7_000)),
            ("1h2m3s", Value::I64(3_723_000)),
            ("2d0h0m1s", Value::I64(172_801_000)),
            ("1y1d0h0m0s", Value::I64(366 * 86_400_000)),
            ("", Value::I64(0)),
            ("soon", Value::I64(-1)),
            ("xd1s", Value::I64(-1)),
        ] {
            assert_eq!(span(text), expected, "{text}");
        }
    }
}
