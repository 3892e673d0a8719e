//! `/gatewayz`: connections to other clusters, without accounts (see `gateway_accounts`).
//!
//! A server has one outbound connection to each other cluster, which sends, and one inbound connection from each server
//! there that chose it, which receives. So "connected" is about the outbound one; no inbound ones may be well. Counters
//! stay with their connection, as the broker counts them.
//!
//! A gateway that is down is in no answer: configured ones show 0 by the names that varz echoes, learnt ones show 0 for an
//! hour after they went.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;

use super::number::null_is_empty;
use super::peers::{Known, measured};
use super::splitter::{Root, Splitter};
use super::table::{cells, emit, flag};
use super::{
    Collector, Context, Count, DecodeError, Facts, GoDuration, Int, Lane, Moment, Record, Records,
    Spec, always, decode, never_absent, ok,
};
use crate::catalog::{Metric, Origin};
use crate::state::{EntityKind, Row, Rows, Value};

/// The collector of this endpoint.
pub static SPECS: &[Spec] = &[Spec {
    name: "gatewayz",
    origin: Origin::Gatewayz,
    handler: "/gatewayz",
    interval_min: Duration::ZERO,
    idle: |sizes| sizes.alone.gateways,
    lane: Lane::Light,
    accept: ok,
    absent: never_absent,
    wanted: always,
    make: |_| {
        Box::new(Decoder {
            splitter: Splitter::new(&[]),
            known: Known::default(),
            staged: None,
        })
    },
}];

type Text<'a> = Cow<'a, str>;

/// The answer of `/gatewayz` (nats-server `server/monitor.go`, type `Gatewayz`).
#[derive(Debug, Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    server_id: Option<Text<'a>>,
    #[serde(default)]
    now: Moment,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    outbound_gateways: BTreeMap<Text<'a>, Remote<'a>>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    inbound_gateways: BTreeMap<Text<'a>, Option<Vec<Remote<'a>>>>,
}

/// One end of a gateway.
#[derive(Debug, Deserialize)]
struct Remote<'a> {
    #[serde(default)]
    configured: bool,
    #[serde(borrow)]
    connection: Option<Connection<'a>>,
}

/// The connection of a gateway (type `ConnInfo`).
#[derive(Debug, Deserialize)]
struct Connection<'a> {
    cid: u64,
    #[serde(borrow, default)]
    kind: Text<'a>,
    #[serde(borrow, default)]
    ip: Text<'a>,
    #[serde(default)]
    port: Int,
    #[serde(default)]
    start: Moment,
    #[serde(default)]
    last_activity: Moment,
    rtt: Option<GoDuration>,
    #[serde(default)]
    pending_bytes: Count,
    #[serde(default)]
    in_msgs: Count,
    #[serde(default)]
    out_msgs: Count,
    #[serde(default)]
    in_bytes: Count,
    #[serde(default)]
    out_bytes: Count,
    #[serde(default)]
    subscriptions: Count,
    /// The id of the server at the other end.
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    tls_version: Text<'a>,
    #[serde(borrow, default)]
    tls_cipher_suite: Text<'a>,
}

const CONNECTION: cells!(Connection<'_>) = &[
    (Metric::GatewayPending, |c| Some(c.pending_bytes.value())),
    (Metric::GatewayInMessages, |c| Some(c.in_msgs.value())),
    (Metric::GatewayOutMessages, |c| Some(c.out_msgs.value())),
    (Metric::GatewayInBytes, |c| Some(c.in_bytes.value())),
    (Metric::GatewayOutBytes, |c| Some(c.out_bytes.value())),
    (Metric::GatewaySubscriptions, |c| {
        Some(c.subscriptions.value())
    }),
    (Metric::GatewayRtt, |c| {
        measured(c.rtt).map(|nanos| Value::Nanos(nanos.into()))
    }),
    (Metric::GatewayStart, |c| c.start.value()),
    (Metric::GatewayActivity, |c| c.last_activity.value()),
];

/// All gateways of a server.
#[derive(Debug)]
pub struct Gateways<'a> {
    /// The whole answer, for the view of an older exporter.
    pub bytes: &'a [u8],
    body: &'a Body<'a>,
    gone: &'a [String],
}

impl Gateways<'_> {
    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        let body = self.body;
        let mut peers: BTreeSet<&str> = body.names().collect();
        peers.extend(self.gone.iter().map(String::as_str));
        peers.extend(context.configured.gateways.iter().map(String::as_str));
        for peer in peers {
            let outbound = body.outbound_gateways.get(peer);
            let connected = outbound.is_some_and(|remote| remote.connection.is_some());
            let inbound = body.inbound(peer).filter_map(|r| r.connection.as_ref());
            let values = [
                (Metric::GatewayConnected, connected.into()),
                (Metric::GatewayInbound, Value::U64(inbound.count() as u64)),
            ];
            rows.row(&Row::new(EntityKind::Peer, &[("peer", peer)], &values));
            if let Some(remote) = outbound {
                remote.rows(peer, "outbound", rows);
            }
            for remote in body.inbound(peer) {
                remote.rows(peer, "inbound", rows);
            }
        }
    }
}

impl Body<'_> {
    fn names(&self) -> impl Iterator<Item = &str> {
        let outbound = self.outbound_gateways.keys();
        outbound
            .chain(self.inbound_gateways.keys())
            .map(AsRef::as_ref)
    }

    /// In both directions.
    fn connections(&self) -> u64 {
        let inbound = self.inbound_gateways.values().flatten().flatten();
        let all = self.outbound_gateways.values().chain(inbound);
        all.filter(|remote| remote.connection.is_some()).count() as u64
    }

    fn inbound(&self, peer: &str) -> impl Iterator<Item = &Remote<'_>> {
        let remotes = self.inbound_gateways.get(peer);
        remotes.into_iter().flatten().flatten()
    }
}

impl Remote<'_> {
    fn rows(&self, peer: &str, direction: &str, rows: &mut dyn Rows) {
        let Some(connection) = &self.connection else {
            return;
        };
        let cid = connection.cid.to_string();
        let port = connection.port.0.to_string();
        let labels = [
            ("peer", peer),
            ("direction", direction),
            ("cid", &cid),
            ("peer_id", &connection.name),
            ("kind", &connection.kind),
            ("ip", &connection.ip),
            ("port", &port),
            ("configured", flag(self.configured)),
            ("tls_version", &connection.tls_version),
            ("tls_cipher_suite", &connection.tls_cipher_suite),
        ];
        emit(rows, EntityKind::Peer, &labels[..3], CONNECTION, connection);
        let values = [(Metric::GatewayInfo, Value::U64(1))];
        rows.row(&Row::new(EntityKind::Peer, &labels, &values));
    }
}

struct Decoder {
    splitter: Splitter,
    known: Known<String>,
    /// What the answer under way tells, until it is whole.
    staged: Option<(Known<String>, Facts)>,
}

impl Collector for Decoder {
    fn path(&self, _context: &Context) -> Cow<'static, str> {
        "/gatewayz".into()
    }

    fn begin(&mut self, _context: &Context) {
        self.splitter.reset();
        self.staged = None;
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let (known, staged) = (&self.known, &mut self.staged);
        let mut take = |bytes: &[u8], offset| {
            let body: Body<'_> = decode::element(bytes, offset)?;
            let mut known = known.clone();
            let names = body.outbound_gateways.keys().map(ToString::to_string);
            let gone = known.update(names, body.now);
            out.record(Record::Gateways(&Gateways {
                bytes,
                body: &body,
                gone: &gone,
            }));
            let facts = Facts {
                server_id: body.server_id.as_deref().map(str::to_owned),
                gateways: Some(body.connections()),
                ..Facts::default()
            };
            *staged = Some((known, facts));
            Ok(())
        };
        self.splitter.feed(bytes, &mut Root(&mut take))
    }

    fn finish(&mut self, _out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        let Some((known, facts)) = self.staged.take() else {
            return Ok(Facts::default());
        };
        self.known = known;
        Ok(facts)
    }
}
