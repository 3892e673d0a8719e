//! `/leafz`: leaf node connections, those that this server accepted as hub and those that it began as spoke.
//!
//! One leaf has one connection for each account that it is bound to, so all is by connection: peer, account, role of this
//! server, cid (before 2.11.7 the address stands for the cid; before 2.9.15 for the name, and there is no role). Counters
//! begin anew when the connection is replaced, under another cid.
//!
//! A leaf that is down is in no answer. By name, a peer that was there shows 0 for an hour. The remotes that varz echoes
//! show 0 where it is sure: an account has mostly one; several are told apart by address and name, else nothing is said
//! of those in doubt. How many are missing at least is known in any case.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::peers::{self, Known, host_port, lasts, measured, named};
use super::splitter::{Cut, Elements, Labels, Splitter};
use super::table::{cells, emit, flag};
use super::{
    Collector, Configured, ConfiguredLeaf, Context, Count, DecodeError, Facts, GoDuration, Int,
    Lane, Moment, Record, Records, Spec, always, decode, never_absent, ok,
};
use crate::catalog::{Metric, Origin};
use crate::state::{EntityKind, Row, Rows, Value};

/// The collector of this endpoint.
pub static SPECS: &[Spec] = &[Spec {
    name: "leafz",
    origin: Origin::Leafz,
    handler: "/leafz",
    interval_min: Duration::ZERO,
    idle: |sizes| sizes.alone.leafs,
    lane: Lane::Light,
    accept: ok,
    absent: never_absent,
    wanted: always,
    make: |_| Box::new(Decoder::new()),
}];

type Text<'a> = Cow<'a, str>;

/// An element of `leafs` (nats-server `server/monitor.go`, type `LeafInfo`).
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Leafnode<'a> {
    /// Left out before 2.11.7.
    pub id: Option<u64>,
    /// Left out before 2.9.15.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// Left out before 2.9.15.
    pub is_spoke: Option<bool>,
    /// Left out when false, and before 2.12.
    #[serde(default)]
    pub is_isolated: bool,
    #[serde(borrow, default)]
    pub account: Text<'a>,
    #[serde(borrow, default)]
    pub ip: Text<'a>,
    #[serde(default)]
    pub port: Int,
    pub rtt: Option<GoDuration>,
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
    /// Left out before 2.10.
    #[serde(borrow, default)]
    pub compression: Text<'a>,
    #[serde(borrow, default)]
    pub proxy: Option<Proxy<'a>>,
}

/// The proxy that a leaf node came through (2.12 and later).
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Proxy<'a> {
    #[serde(borrow, default)]
    pub key: Text<'a>,
}

const LEAFNODE: cells!(Leafnode<'_>) = &[
    (Metric::LeafnodeInMessages, |l| Some(l.in_msgs.value())),
    (Metric::LeafnodeOutMessages, |l| Some(l.out_msgs.value())),
    (Metric::LeafnodeInBytes, |l| Some(l.in_bytes.value())),
    (Metric::LeafnodeOutBytes, |l| Some(l.out_bytes.value())),
    (Metric::LeafnodeSubscriptions, |l| {
        Some(l.subscriptions.value())
    }),
    (Metric::LeafnodeRtt, |l| {
        measured(l.rtt).map(|nanos| Value::Nanos(nanos.into()))
    }),
];

impl Leafnode<'_> {
    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        let address = self.address();
        let cid = self.id.map(|id| id.to_string());
        let port = self.port.0.to_string();
        let role = match self.is_spoke {
            Some(true) => "spoke",
            Some(false) => "hub",
            None => "",
        };
        let labels = [
            ("peer", self.peer(&address)),
            ("account", peers::account_or_global(&self.account)),
            ("role", role),
            ("cid", cid.as_deref().unwrap_or(&address)),
            ("ip", &self.ip),
            ("port", &port),
            ("compression", &self.compression),
            ("isolated", flag(self.is_isolated)),
            ("proxy", self.proxy.as_ref().map_or("", |proxy| &proxy.key)),
        ];
        emit(rows, EntityKind::Peer, &labels[..4], LEAFNODE, self);
        let values = [(Metric::LeafnodeInfo, Value::U64(1))];
        rows.row(&Row::new(EntityKind::Peer, &labels, &values));
    }

    fn address(&self) -> String {
        if self.ip.contains(':') {
            format!("[{}]:{}", self.ip, self.port.0)
        } else {
            format!("{}:{}", self.ip, self.port.0)
        }
    }

    fn peer<'s>(&'s self, address: &'s str) -> &'s str {
        if self.name.is_empty() {
            address
        } else {
            &self.name
        }
    }
}

/// What all leaf nodes together tell.
#[derive(Debug)]
pub struct Leafnodes<'a> {
    /// How many the broker says it has.
    pub count: Option<u64>,
    present: &'a BTreeSet<Peer>,
    gone: &'a [Peer],
    spokes: &'a [Spoke],
    configured: &'a [ConfiguredLeaf],
}

/// Name and account.
type Peer = (String, String);

/// A connection that this server began, or may have begun.
#[derive(Debug)]
struct Spoke {
    name: String,
    account: String,
    ip: String,
    port: String,
    /// The broker does not tell who began.
    in_doubt: bool,
}

impl Leafnodes<'_> {
    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        let present = self.present.iter().map(|peer| (peer, true));
        let gone = self.gone.iter().map(|peer| (peer, false));
        for ((peer, account), connected) in present.chain(gone) {
            let labels = [("peer", peer.as_str()), ("account", account)];
            let values = [(Metric::LeafnodeConnected, connected.into())];
            rows.row(&Row::new(EntityKind::Peer, &labels, &values));
        }
        let accounts = self.configured.iter().map(|remote| &remote.account);
        for account in accounts.collect::<BTreeSet<_>>() {
            self.remotes(account, rows);
        }
    }

    /// The configured remotes of one account.
    fn remotes(&self, account: &str, rows: &mut dyn Rows) {
        let all = self.configured.iter().enumerate();
        let remotes: Vec<_> = all.filter(|(_, r)| r.account == account).collect();
        let calls = |spoke: &&Spoke, (_, remote): &(usize, &ConfiguredLeaf)| {
            let mut urls = remote.urls.iter().map(|url| host_port(url));
            urls.any(|(_, port)| port == spoke.port)
        };
        let of_account = self.spokes.iter().filter(|spoke| spoke.account == account);
        let spokes: Vec<_> = of_account
            .filter(|spoke| !spoke.in_doubt || remotes.iter().any(|remote| calls(spoke, remote)))
            .collect();
        let told = peers::tell(
            &remotes,
            &spokes,
            |_| true,
            |(_, remote), spoke| spoke.fits(remote),
        );
        for ((place, _), connected) in remotes.iter().zip(&told.connected) {
            let place = place.to_string();
            if let Some(connected) = *connected {
                let labels = [("remote", place.as_str()), ("account", account)];
                let values = [(Metric::LeafnodeRemoteConnected, connected.into())];
                rows.row(&Row::new(EntityKind::Peer, &labels, &values));
            }
        }
        let values = [(Metric::LeafnodeRemotesMissing, told.missing.into())];
        rows.row(&Row::new(
            EntityKind::Peer,
            &[("account", account)],
            &values,
        ));
    }
}

impl Spoke {
    /// Whether it leads to an address of the remote, or to a server named in one.
    fn fits(&self, remote: &ConfiguredLeaf) -> bool {
        remote.urls.iter().any(|url| {
            let (host, port) = host_port(url);
            port == self.port && (host == self.ip || named(host, &self.name))
        })
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    server_id: Option<Text<'a>>,
    #[serde(default)]
    now: Moment,
    leafnodes: Option<u64>,
}

const CUTS: &[Cut] = &[Cut {
    key: "leafs",
    inside: &[],
}];

struct Decoder {
    splitter: Splitter,
    answer: Answer,
    /// What varz told when the answer began.
    configured: Arc<Configured>,
    known: Known<Peer>,
}

/// What the answer under way has told so far.
#[derive(Default)]
struct Answer {
    present: BTreeSet<Peer>,
    spokes: Vec<Spoke>,
    shown: u64,
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
        }
    }
}

impl Answer {
    fn add(&mut self, leaf: &Leafnode<'_>) {
        let account = peers::account_or_global(&leaf.account).to_owned();
        let peer = leaf.peer(&leaf.address()).to_owned();
        self.shown += 1;
        self.present.insert((peer, account.clone()));
        if leaf.is_spoke != Some(false) {
            self.spokes.push(Spoke {
                name: leaf.name.to_string(),
                account,
                ip: leaf.ip.to_string(),
                port: leaf.port.0.to_string(),
                in_doubt: leaf.is_spoke.is_none(),
            });
        }
    }
}

impl Collector for Decoder {
    fn path(&self, _context: &Context) -> Cow<'static, str> {
        "/leafz".into()
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
        let answer = std::mem::take(&mut self.answer);
        // An address in place of a name lasts no longer than the connection.
        let named = |name: &str| lasts(name) && !name.contains(':');
        let lasting = answer.present.iter().filter(|(name, _)| named(name));
        let gone = self.known.update(lasting.cloned(), answer.now);
        out.record(Record::Leafnodes(&Leafnodes {
            count: answer.facts.coverage.map(|(_, all)| all),
            present: &answer.present,
            gone: &gone,
            spokes: &answer.spokes,
            configured: &self.configured.leafs,
        }));
        Ok(answer.facts)
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
            let leaf: Leafnode<'_> = decode::element(bytes, offset)?;
            answer.add(&leaf);
            self.out.record(Record::Leafnode(&leaf));
            return Ok(());
        }
        let head: Head<'_> = decode::element(bytes, offset)?;
        answer.now = head.now;
        answer.facts.server_id = head.server_id.map(Cow::into_owned);
        answer.facts.coverage = head.leafnodes.map(|all| (answer.shown, all));
        Ok(())
    }
}
