//! The latest closed connections, each by itself.

use super::open::{Connection, HAS_STALLS};
use super::reason::CLIENT_CLOSED;
use crate::catalog::Metric;
use crate::collect::table::{cells, emit};
use crate::collect::{Context, Count};
use crate::state::{EntityKind, Row, Rows, Value};

/// Reasons of connections that never came to have an account, so that a missing one is not the global one.
const UNBOUND: &[&str] = &[
    "authentication_failure",
    "authentication_timeout",
    "tls_handshake_failure",
];

/// One closed connection: who it was, why it ended and what it had carried.
#[derive(Debug)]
pub struct ClosedConnection<'a> {
    pub(super) connection: &'a Connection<'a>,
    pub(super) reason: &'a str,
}

/// All of them are gauges: a closed connection counts no more.
const CLOSED: cells!(Connection<'_>) = &[
    (Metric::ClosedConnectionStop, |c| c.stop.value()),
    (Metric::ClosedConnectionStart, |c| c.start.value()),
    (Metric::ClosedConnectionActivity, |c| {
        c.last_activity.value()
    }),
    (Metric::ClosedConnectionRtt, |c| {
        c.measured_rtt()
            .map(|nanos| Value::Nanos(i128::from(nanos)))
    }),
    (Metric::ClosedConnectionInMessages, |c| {
        c.in_msgs.map(Count::value)
    }),
    (Metric::ClosedConnectionOutMessages, |c| {
        c.out_msgs.map(Count::value)
    }),
    (Metric::ClosedConnectionInBytes, |c| {
        c.in_bytes.map(Count::value)
    }),
    (Metric::ClosedConnectionOutBytes, |c| {
        c.out_bytes.map(Count::value)
    }),
    (Metric::ClosedConnectionPending, |c| {
        Some(c.pending_bytes.value())
    }),
    (Metric::ClosedConnectionSubscriptions, |c| {
        Some(c.subscriptions.value())
    }),
    // The last one is left out before `HAS_STALLS`.
    (Metric::ClosedConnectionStalls, |c| Some(c.stalls.value())),
];

impl ClosedConnection<'_> {
    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        let connection = self.connection;
        let nameless = connection.is_nameless();
        let kind = match self.reason {
            // A check that closes before it has read all looks like an error to some versions.
            CLIENT_CLOSED | "read_error" | "write_error" if nameless => return,
            CLIENT_CLOSED => EntityKind::EndedConnection,
            _ => EntityKind::BrokenConnection,
        };
        let (mut cid, mut port) = (itoa::Buffer::new(), itoa::Buffer::new());
        let cid = cid.format(connection.cid);
        let facts = connection.facts(cid, connection.port(&mut port), context.version);
        let mut labels = [("reason", self.reason); 14];
        labels[..facts.len()].copy_from_slice(&facts);
        let (_, account) = &mut labels[2];
        if connection.account.is_empty() && (nameless || UNBOUND.contains(&self.reason)) {
            *account = "";
        }
        let info = [(Metric::ClosedConnectionInfo, Value::U64(1))];
        rows.row(&Row::new(kind, &labels, &info));
        let table = if context.version >= HAS_STALLS {
            CLOSED
        } else {
            &CLOSED[..CLOSED.len() - 1]
        };
        emit(rows, kind, &[("cid", cid)], table, connection);
    }
}
