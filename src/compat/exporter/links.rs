//! Leaf nodes and gateways.

use super::View;
use super::table::Family;
use crate::collect::gatewayz::Gateways;
use crate::collect::leafz::{Leafnode, Leafnodes};
use crate::compat::gatewayz::{Connection, Families, Gatewayz, Remote, seconds};
use crate::compat::uptime::uptime;
use crate::state::{ForeignRows, Value};

const NANOS_PER_MILLI: i128 = 1_000_000;

const OUTBOUND: Families<Family> = Families {
    configured: Family::GatewayzOutboundGatewayConfigured,
    activity: Family::GatewayzOutboundGatewayConnLastActivitySeconds,
    uptime: Family::GatewayzOutboundGatewayConnUptimeSeconds,
    idle: Family::GatewayzOutboundGatewayConnIdleSeconds,
    rtt: Family::GatewayzOutboundGatewayConnRtt,
    pending: Family::GatewayzOutboundGatewayConnPendingBytes,
    in_msgs: Family::GatewayzOutboundGatewayConnInMsgs,
    out_msgs: Family::GatewayzOutboundGatewayConnOutMsgs,
    in_bytes: Family::GatewayzOutboundGatewayConnInBytes,
    out_bytes: Family::GatewayzOutboundGatewayConnOutBytes,
    subscriptions: Family::GatewayzOutboundGatewayConnSubscriptions,
};

const INBOUND: Families<Family> = Families {
    configured: Family::GatewayzInboundGatewayConfigured,
    activity: Family::GatewayzInboundGatewayConnLastActivitySeconds,
    uptime: Family::GatewayzInboundGatewayConnUptimeSeconds,
    idle: Family::GatewayzInboundGatewayConnIdleSeconds,
    rtt: Family::GatewayzInboundGatewayConnRtt,
    pending: Family::GatewayzInboundGatewayConnPendingBytes,
    in_msgs: Family::GatewayzInboundGatewayConnInMsgs,
    out_msgs: Family::GatewayzInboundGatewayConnOutMsgs,
    in_bytes: Family::GatewayzInboundGatewayConnInBytes,
    out_bytes: Family::GatewayzInboundGatewayConnOutBytes,
    subscriptions: Family::GatewayzInboundGatewayConnSubscriptions,
};

// Of the two tools, only this one says when a connection began.
const OUTBOUND_START: Family = Family::GatewayzOutboundGatewayConnStartTimeSeconds;
const INBOUND_START: Family = Family::GatewayzInboundGatewayConnStartTimeSeconds;

impl View<'_> {
    pub(super) fn leafnode(&self, leaf: &Leafnode<'_>, rows: &mut dyn ForeignRows) {
        let mut port = itoa::Buffer::new();
        let labels = [
            ("server_id", self.server_id),
            ("account", &leaf.account),
            ("account_id", &leaf.account),
            ("ip", &leaf.ip),
            ("port", port.format(leaf.port.0)),
            ("name", &leaf.name),
        ];
        let rtt = leaf.rtt.map_or(0, |rtt| i128::from(rtt.0));
        rows.row(
            &labels,
            &[
                self.cell(Family::LeafzInfo, Value::U64(1)),
                self.cell(Family::LeafzConnRtt, Value::Nanos(rtt)),
                self.cell(Family::LeafzConnInMsgs, leaf.in_msgs.value()),
                self.cell(Family::LeafzConnOutMsgs, leaf.out_msgs.value()),
                self.cell(Family::LeafzConnInBytes, leaf.in_bytes.value()),
                self.cell(Family::LeafzConnOutBytes, leaf.out_bytes.value()),
                self.cell(
                    Family::LeafzConnSubscriptionsTotal,
                    leaf.subscriptions.value(),
                ),
            ],
        );
    }

    pub(super) fn leafnodes(&self, all: &Leafnodes<'_>, rows: &mut dyn ForeignRows) {
        let labels = [("server_id", self.server_id)];
        let count = all.count.unwrap_or(0).into();
        rows.row(&labels, &[self.cell(Family::LeafzConnNodesTotal, count)]);
    }

    /// Rows of all gateways. What is no JSON gives none: it was decoded before it came here.
    pub(super) fn gateways(&self, gateways: &Gateways<'_>, rows: &mut dyn ForeignRows) {
        let Ok(body) = serde_json::from_slice::<Gatewayz<'_>>(gateways.bytes) else {
            return;
        };
        for (name, remote) in body.outbound_gateways.iter().flatten() {
            self.gateway(
                (&OUTBOUND, OUTBOUND_START),
                [&body.name, name],
                remote,
                rows,
            );
        }
        for (name, remotes) in body.inbound_gateways.iter().flatten() {
            for remote in remotes.iter().flatten() {
                self.gateway((&INBOUND, INBOUND_START), [&body.name, name], remote, rows);
            }
        }
    }

    fn gateway(
        &self,
        (families, start): (&Families<Family>, Family),
        [own, other]: [&str; 2],
        remote: &Remote<'_>,
        rows: &mut dyn ForeignRows,
    ) {
        let none = Connection::default();
        let one = remote.connection.as_ref().unwrap_or(&none);
        let mut cid = itoa::Buffer::new();
        let labels = [
            ("gateway_name", own),
            ("cid", cid.format(one.cid)),
            ("remote_gateway_name", other),
            ("server_id", self.server_id),
        ];
        let values = families.values(remote.configured, one, span);
        let cells = values.map(|(family, value)| self.cell(family, value));
        rows.row(&labels, &cells);
        rows.row(&labels, &[self.cell(start, seconds(one.start))]);
    }
}

/// Seconds of an uptime, milliseconds kept; -0.001 where it cannot be read, as there.
fn span(text: &str) -> Value<'static> {
    let nanos = match text {
        "" => Some(0),
        text => uptime(text).map(i128::from),
    };
    let millis = nanos.map_or(-1, |nanos| nanos / NANOS_PER_MILLI);
    Value::Nanos(millis * NANOS_PER_MILLI)
}
