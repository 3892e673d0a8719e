//! Routes and gateways.

use super::View;
use super::table::Family;
use crate::collect::gatewayz::Gateways;
use crate::collect::routez::Route;
use crate::compat::gatewayz::{Connection, Families, Gatewayz, Remote};
use crate::compat::uptime::uptime;
use crate::state::{ForeignRows, Value};

const OUTBOUND: Families<Family> = Families {
    configured: Family::CoreGatewayzOutboundGatewayConfigured,
    activity: Family::CoreGatewayzOutboundGatewayConnLastActivitySeconds,
    uptime: Family::CoreGatewayzOutboundGatewayConnUptimeSeconds,
    idle: Family::CoreGatewayzOutboundGatewayConnIdleSeconds,
    rtt: Family::CoreGatewayzOutboundGatewayConnRtt,
    pending: Family::CoreGatewayzOutboundGatewayConnPendingBytes,
    in_msgs: Family::CoreGatewayzOutboundGatewayConnInMsgs,
    out_msgs: Family::CoreGatewayzOutboundGatewayConnOutMsgs,
    in_bytes: Family::CoreGatewayzOutboundGatewayConnInBytes,
    out_bytes: Family::CoreGatewayzOutboundGatewayConnOutBytes,
    subscriptions: Family::CoreGatewayzOutboundGatewayConnSubscriptions,
};

const INBOUND: Families<Family> = Families {
    configured: Family::CoreGatewayzInboundGatewayConfigured,
    activity: Family::CoreGatewayzInboundGatewayConnLastActivitySeconds,
    uptime: Family::CoreGatewayzInboundGatewayConnUptimeSeconds,
    idle: Family::CoreGatewayzInboundGatewayConnIdleSeconds,
    rtt: Family::CoreGatewayzInboundGatewayConnRtt,
    pending: Family::CoreGatewayzInboundGatewayConnPendingBytes,
    in_msgs: Family::CoreGatewayzInboundGatewayConnInMsgs,
    out_msgs: Family::CoreGatewayzInboundGatewayConnOutMsgs,
    in_bytes: Family::CoreGatewayzInboundGatewayConnInBytes,
    out_bytes: Family::CoreGatewayzInboundGatewayConnOutBytes,
    subscriptions: Family::CoreGatewayzInboundGatewayConnSubscriptions,
};

impl View<'_> {
    pub(super) fn route(&self, route: &Route<'_>, rows: &mut dyn ForeignRows) {
        let mut rid = itoa::Buffer::new();
        let [cluster, name, id] = self.core();
        let labels = [
            cluster,
            name,
            id,
            ("server_route_name", &route.remote_name),
            ("server_route_name_id", rid.format(route.rid)),
        ];
        rows.row(
            &labels,
            &[
                self.cell(Family::CoreRouteSentMsgCount, route.out_msgs.value()),
                self.cell(Family::CoreRouteSentBytes, route.out_bytes.value()),
                self.cell(Family::CoreRouteRecvMsgCount, route.in_msgs.value()),
                self.cell(Family::CoreRouteRecvBytes, route.in_bytes.value()),
                self.cell(Family::CoreRoutePendingBytes, route.pending_size.value()),
            ],
        );
    }

    /// Rows of all gateways. What is no JSON gives none: it was decoded before it came here.
    pub(super) fn gateways(&self, gateways: &Gateways<'_>, rows: &mut dyn ForeignRows) {
        let Ok(body) = serde_json::from_slice::<Gatewayz<'_>>(gateways.bytes) else {
            return;
        };
        let inbound = |peer: &str| {
            let remotes = body.inbound_gateways.as_ref();
            let remotes = remotes.and_then(|all| all.get(peer)?.as_ref());
            let remotes = remotes.into_iter().flatten();
            remotes.filter_map(|remote| remote.connection.as_ref())
        };
        let mut count: u64 = 0;
        for (peer, remote) in body.outbound_gateways.iter().flatten() {
            if let Some(connection) = &remote.connection {
                count += 1;
                self.gateway_totals(peer, connection, inbound(peer), rows);
            }
            self.gateway(&OUTBOUND, [&body.name, peer], remote, rows);
        }
        for (peer, remotes) in body.inbound_gateways.iter().flatten() {
            for remote in remotes.iter().flatten() {
                self.gateway(&INBOUND, [&body.name, peer], remote, rows);
            }
        }
        let cell = self.cell(Family::CoreGatewayCount, count.into());
        rows.row(&self.core(), &[cell]);
    }

    /// Another cluster: what is sent goes over the outbound connection, what is received comes over the inbound ones.
    fn gateway_totals<'c>(
        &self,
        peer: &str,
        outbound: &Connection<'_>,
        inbound: impl Iterator<Item = &'c Connection<'c>>,
        rows: &mut dyn ForeignRows,
    ) {
        let mut cid = itoa::Buffer::new();
        let [cluster, name, id] = self.core();
        let labels = [
            cluster,
            name,
            id,
            ("server_gateway_name", peer),
            ("server_gateway_name_id", cid.format(outbound.cid)),
        ];
        let (mut connections, mut msgs, mut bytes) = (0_u64, 0_u64, 0_u64);
        for one in inbound {
            connections += 1;
            let sums = [(&mut msgs, one.in_msgs), (&mut bytes, one.in_bytes)];
            for (sum, number) in sums {
                *sum = sum.saturating_add(super::unsigned(Some(number)));
            }
        }
        rows.row(
            &labels,
            &[
                self.cell(Family::CoreGatewaySentMsgsCount, outbound.out_msgs.value()),
                self.cell(Family::CoreGatewaySentBytes, outbound.out_bytes.value()),
                self.cell(Family::CoreGatewayRecvMsgCount, msgs.into()),
                self.cell(Family::CoreGatewayRecvBytes, bytes.into()),
                self.cell(Family::CoreGatewayInboundMsgCount, connections.into()),
            ],
        );
    }

    fn gateway(
        &self,
        families: &Families<Family>,
        [own, other]: [&str; 2],
        remote: &Remote<'_>,
        rows: &mut dyn ForeignRows,
    ) {
        let Some(one) = &remote.connection else {
            return;
        };
        let mut cid = itoa::Buffer::new();
        let labels = [
            ("server_id", self.context.server_id.as_str()),
            ("server_name", &self.context.broker_name),
            ("gateway_name", own),
            ("remote_gateway_name", other),
            ("gateway_id", &one.name),
            ("cid", cid.format(one.cid)),
        ];
        let values = families.values(remote.configured, one, span);
        let cells = values.map(|(family, value)| self.cell(family, value));
        rows.row(&labels, &cells);
    }
}

/// An uptime; 0 where it cannot be read.
fn span(text: &str) -> Value<'static> {
    Value::Nanos(uptime(text).map_or(0, i128::from))
}
