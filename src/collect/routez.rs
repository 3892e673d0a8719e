//! `/routez`: connections to the other servers of the cluster.
//!
//! Since 2.10 a peer has several connections: a pool, one for the system account, one for each pinned account. What an
//! operator asks is about peers, so gauges are sums over a peer's connections (of times and round trips the largest). The
//! counters begin anew when a connection is replaced, so a sum over those present falls, which is no counter; they stay
//! with their connection (`rid`), as the broker counts them, and `sum by (peer) (rate(...))` gives the traffic by peer.
//! They come by default: there are a few for each server of a cluster, and none of them is of a client.
//!
//! A route that is down is in no answer. By name, a peer that was there shows 0 for an hour. By URL, the configured routes
//! that varz echoes show 0 where it is sure; the broker does not tell which URL a peer was reached by, nor its address
//! when it called first, so that see `fits` and `peers::tell`. How many are missing at least is known in any case.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::peers::{self, Known, Told, host_port, lasts, measured, named};
use super::splitter::{Cut, Elements, Labels, Splitter};
use super::table::{cells, emit, flag};
use super::{
    Collector, Configured, ConfiguredRoute, Context, Count, DecodeError, Facts, GoDuration, Int,
    Lane, Moment, Record, Records, Spec, always, decode, never_absent, ok,
};
use crate::catalog::{Metric, Origin};
use crate::state::{EntityKind, Row, Rows, Value};

/// The collector of this endpoint.
pub static SPECS: &[Spec] = &[Spec {
    name: "routez",
    origin: Origin::Routez,
    handler: "/routez",
    interval_min: Duration::ZERO,
    idle: |sizes| sizes.alone.routes,
    lane: Lane::Light,
    accept: ok,
    absent: never_absent,
    wanted: always,
    make: |_| Box::new(Decoder::new()),
}];

type Text<'a> = Cow<'a, str>;

/// An element of `routes` (nats-server `server/monitor.go`, type `RouteInfo`).
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Route<'a> {
    pub rid: u64,
    #[serde(borrow, default)]
    pub remote_id: Text<'a>,
    /// Left out before 2.9.16.
    #[serde(borrow, default)]
    pub remote_name: Text<'a>,
    #[serde(default)]
    pub did_solicit: bool,
    #[serde(default)]
    pub is_configured: bool,
    #[serde(borrow, default)]
    pub ip: Text<'a>,
    #[serde(default)]
    pub port: Int,
    #[serde(default)]
    pub start: Moment,
    #[serde(default)]
    pub last_activity: Moment,
    pub rtt: Option<GoDuration>,
    /// What connz calls `pending_bytes`.
    #[serde(default)]
    pub pending_size: Count,
    #[serde(default)]
    pub in_msgs: Count,
    #[serde(default)]
    pub out_msgs: Count,
    #[serde(default)]
    pub in_bytes: Count,
    #[serde(default)]
    pub out_bytes: Count,
    #[serde(default)]
    pub subscriptions: Count,
    /// Left out for the connections of the pool, and before 2.10.
    #[serde(borrow, default)]
    pub account: Text<'a>,
    /// Left out before 2.10.
    #[serde(borrow, default)]
    pub compression: Text<'a>,
}

const ROUTE: cells!(Route<'_>) = &[
    (Metric::RouteInMessages, |r| Some(r.in_msgs.value())),
    (Metric::RouteOutMessages, |r| Some(r.out_msgs.value())),
    (Metric::RouteInBytes, |r| Some(r.in_bytes.value())),
    (Metric::RouteOutBytes, |r| Some(r.out_bytes.value())),
];

impl Route<'_> {
    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        let rid = self.rid.to_string();
        let port = self.port.0.to_string();
        let labels = [
            ("peer", self.peer()),
            ("rid", &rid),
            ("account", &self.account),
            ("peer_id", &self.remote_id),
            ("ip", &self.ip),
            ("port", &port),
            ("did_solicit", flag(self.did_solicit)),
            ("is_configured", flag(self.is_configured)),
            ("compression", &self.compression),
        ];
        emit(rows, EntityKind::Peer, &labels[..3], ROUTE, self);
        let values = [(Metric::RouteInfo, Value::U64(1))];
        rows.row(&Row::new(EntityKind::Peer, &labels, &values));
    }

    fn peer(&self) -> &str {
        if self.remote_name.is_empty() {
            &self.remote_id
        } else {
            &self.remote_name
        }
    }
}

/// All routes together, by peer.
#[derive(Debug)]
pub struct Routes<'a> {
    peers: &'a BTreeMap<String, Peer>,
    gone: &'a [String],
    configured: &'a [ConfiguredRoute],
    told: &'a Told,
}

/// The connections to one server together.
#[derive(Debug, Default)]
struct Peer {
    connections: u64,
    pending: u64,
    subscriptions: u64,
    rtt: Option<u64>,
    start: Moment,
    last_activity: Moment,
    is_configured: bool,
    addresses: BTreeSet<(String, String)>,
}

const PEER: cells!(Peer) = &[
    (Metric::RouteConnected, |_| Some(true.into())),
    (Metric::RouteConnections, |p| Some(p.connections.into())),
    (Metric::RoutePending, |p| Some(p.pending.into())),
    (Metric::RouteSubscriptions, |p| Some(p.subscriptions.into())),
    (Metric::RouteRtt, |p| {
        p.rtt.map(|nanos| Value::Nanos(nanos.into()))
    }),
    (Metric::RouteStart, |p| p.start.value()),
    (Metric::RouteActivity, |p| p.last_activity.value()),
];

impl Peer {
    fn add(&mut self, route: &Route<'_>) {
        self.connections += 1;
        self.pending = self.pending.saturating_add(route.pending_size.or_zero());
        self.subscriptions = self
            .subscriptions
            .saturating_add(route.subscriptions.or_zero());
        self.rtt = self.rtt.max(measured(route.rtt));
        self.start = self.start.max(route.start);
        self.last_activity = self.last_activity.max(route.last_activity);
        self.is_configured |= route.is_configured;
        let address = (route.ip.to_string(), route.port.0.to_string());
        self.addresses.insert(address);
    }
}

impl Routes<'_> {
    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        let kind = EntityKind::Peer;
        for (name, peer) in self.peers {
            emit(rows, kind, &[("peer", name)], PEER, peer);
        }
        for name in self.gone {
            let values = [(Metric::RouteConnected, false.into())];
            rows.row(&Row::new(kind, &[("peer", name)], &values));
        }
        if self.configured.is_empty() {
            return;
        }
        for (route, connected) in self.configured.iter().zip(&self.told.connected) {
            if let Some(connected) = *connected {
                let values = [(Metric::RouteUrlConnected, connected.into())];
                rows.row(&Row::new(kind, &[("url", &route.url)], &values));
            }
        }
        let values = [(Metric::RouteUrlsMissing, self.told.missing.into())];
        rows.row(&Row::new(kind, &[], &values));
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    server_id: Option<Text<'a>>,
    #[serde(default)]
    now: Moment,
    num_routes: Option<u64>,
}

/// What stands around the routes, for the view that makes a family of every number in it.
#[derive(Debug)]
pub struct RoutesBody<'a> {
    /// The answer without its routes.
    pub body: &'a [u8],
}

impl RoutesBody<'_> {
    /// The native view has all of it elsewhere.
    pub fn native(&self, _context: &Context, _rows: &mut dyn Rows) {}
}

const CUTS: &[Cut] = &[Cut {
    key: "routes",
    inside: &[],
}];

struct Decoder {
    splitter: Splitter,
    answer: Answer,
    /// What varz told when the answer began.
    configured: Arc<Configured>,
    known: Known<String>,
    /// URLs that led to another server at least once, so they are not the server's own.
    reached: BTreeSet<String>,
}

/// What the answer under way has told so far.
#[derive(Default)]
struct Answer {
    peers: BTreeMap<String, Peer>,
    now: Moment,
    facts: Facts,
}

impl Decoder {
    fn new() -> Self {
        Self {
            splitter: Splitter::new(CUTS),
            answer: Answer::default(),
            configured: Arc::default(),
            known: Known::default(),
            reached: BTreeSet::new(),
        }
    }

    /// Which configured routes are connected. One that may be the server's own never is, so it is not said to be down.
    fn tell(&mut self) -> Told {
        let routes = &self.configured.routes;
        let peers: Vec<_> = self.answer.peers.iter().collect();
        let mut told = peers::tell(
            routes,
            &peers,
            |(_, peer)| peer.is_configured,
            |route, (name, peer)| fits(routes, &route.url, name, peer),
        );
        self.reached
            .retain(|url| routes.iter().any(|route| route.url == *url));
        let mut in_doubt = false;
        for (route, connected) in routes.iter().zip(&mut told.connected) {
            if *connected == Some(true) {
                self.reached.insert(route.url.clone());
            } else if route.may_be_own && !self.reached.contains(&route.url) {
                *connected = None;
                in_doubt = true;
            }
        }
        told.missing = told.missing.saturating_sub(u64::from(in_doubt));
        told
    }
}

/// Whether a peer is surely the one that the URL means: the address that was called, the only URL with its address, or
/// its name in the URL, as whole host or first word.
fn fits(routes: &[ConfiguredRoute], url: &str, name: &str, peer: &Peer) -> bool {
    let (host, port) = host_port(url);
    let alone = || {
        let same = routes
            .iter()
            .filter(|route| host_port(&route.url).0 == host);
        same.count() == 1
    };
    named(host, name)
        || peer
            .addresses
            .iter()
            .any(|(ip, at)| ip == host && (at == port || alone()))
}

impl Collector for Decoder {
    fn path(&self, _context: &Context) -> Cow<'static, str> {
        "/routez".into()
    }

    fn begin(&mut self, context: &Context) {
        self.splitter.reset();
        self.answer = Answer::default();
        self.configured = Arc::clone(&context.configured);
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let answer = &mut self.answer;
        self.splitter.feed(bytes, &mut Take { answer, out })
    }

    fn finish(&mut self, out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        let names = self.answer.peers.keys().filter(|name| lasts(name)).cloned();
        let gone = self.known.update(names, self.answer.now);
        let told = self.tell();
        out.record(Record::Routes(&Routes {
            peers: &self.answer.peers,
            gone: &gone,
            configured: &self.configured.routes,
            told: &told,
        }));
        Ok(std::mem::take(&mut self.answer).facts)
    }
}

struct Take<'a> {
    answer: &'a mut Answer,
    out: &'a mut dyn Records,
}

impl Elements for Take<'_> {
    fn head(&mut self, _depth: usize, _head: &[u8], _offset: u64) -> Result<Labels, DecodeError> {
        Ok(Labels::Known)
    }

    fn element(
        &mut self,
        depth: usize,
        _key: &'static str,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), DecodeError> {
        let answer = &mut *self.answer;
        if depth > 0 {
            let route: Route<'_> = decode::element(bytes, offset)?;
            let peer = answer.peers.entry(route.peer().to_owned());
            peer.or_default().add(&route);
            self.out.record(Record::Route(&route));
            return Ok(());
        }
        let head: Head<'_> = decode::element(bytes, offset)?;
        let shown = answer.peers.values().map(|peer| peer.connections).sum();
        answer.now = head.now;
        answer.facts.server_id = head.server_id.map(Cow::into_owned);
        answer.facts.coverage = head.num_routes.map(|all| (shown, all));
        self.out
            .record(Record::RoutesBody(&RoutesBody { body: bytes }));
        Ok(())
    }
}
