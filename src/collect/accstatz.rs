//! `/accstatz?unused=true`: traffic of each account on this server. Without `unused` an account vanishes with its last
//! client and comes back later with its old totals.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::names::Names;
use super::splitter::{Cut, Elements, Labels, Splitter};
use super::table::{cells, emit};
use super::{Collector, Context, Count, DecodeError, Facts, Int, Lane, Record, Records, Spec};
use super::{always, decode, never_absent, never_idle, ok};
use crate::catalog::{Metric, Origin};
use crate::state::{EntityKind, Rows};

/// The collector of this endpoint.
pub static SPECS: &[Spec] = &[Spec {
    name: "accstatz",
    origin: Origin::Accstatz,
    handler: "/accstatz",
    interval_min: Duration::ZERO,
    idle: never_idle,
    lane: Lane::Light,
    accept: ok,
    absent: never_absent,
    wanted: always,
    make: |_| Box::new(Decoder::new()),
}];

/// An account on this server.
#[derive(Debug)]
pub struct AccountStat<'a> {
    /// Its `account` label.
    pub account: &'a str,
    /// What the broker tells.
    pub detail: AccountTraffic<'a>,
}

/// An element of `account_statz` (nats-server `server/events.go`, type `AccountStat`).
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct AccountTraffic<'a> {
    #[serde(borrow)]
    pub acc: Cow<'a, str>,
    /// 2.11.
    #[serde(borrow, default)]
    pub name: Cow<'a, str>,
    pub conns: Int,
    pub leafnodes: Int,
    /// Clients and leaf nodes that are connected now: what the older exporter calls all of them.
    #[serde(default)]
    pub total_conns: Int,
    /// 2.10.
    pub num_subscriptions: Option<Int>,
    pub sent: Traffic,
    pub received: Traffic,
    pub slow_consumers: Count,
}

/// `sent` and `received`. The links are part of the totals.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Traffic {
    pub msgs: Count,
    pub bytes: Count,
    /// 2.11.5, as the other two.
    pub gateways: Option<LinkTraffic>,
    pub routes: Option<LinkTraffic>,
    pub leafs: Option<LinkTraffic>,
}

/// The share of one kind of links.
#[derive(Clone, Copy, Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct LinkTraffic {
    pub msgs: Count,
    pub bytes: Count,
}

const ACCOUNT: cells!(AccountTraffic<'_>) = &[
    (Metric::AccountConnections, |a| Some(a.conns.value())),
    (Metric::AccountLeafnodes, |a| Some(a.leafnodes.value())),
    (Metric::AccountSubscriptions, |a| {
        a.num_subscriptions.map(Int::value)
    }),
    (Metric::AccountSlowConsumers, |a| {
        Some(a.slow_consumers.value())
    }),
    (Metric::AccountInMsgs, |a| Some(a.received.msgs.value())),
    (Metric::AccountInBytes, |a| Some(a.received.bytes.value())),
    (Metric::AccountOutMsgs, |a| Some(a.sent.msgs.value())),
    (Metric::AccountOutBytes, |a| Some(a.sent.bytes.value())),
];

/// Received and sent over one kind of links.
type Both = (Option<LinkTraffic>, Option<LinkTraffic>);

const LINKS: cells!(Both) = &[
    (Metric::AccountLinkInMsgs, |l| l.0.map(|l| l.msgs.value())),
    (Metric::AccountLinkInBytes, |l| l.0.map(|l| l.bytes.value())),
    (Metric::AccountLinkOutMsgs, |l| l.1.map(|l| l.msgs.value())),
    (Metric::AccountLinkOutBytes, |l| {
        l.1.map(|l| l.bytes.value())
    }),
];

impl AccountStat<'_> {
    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        let kind = EntityKind::Account;
        let (received, sent) = (&self.detail.received, &self.detail.sent);
        let account = ("account", self.account);
        emit(rows, kind, &[account], ACCOUNT, &self.detail);
        for (link, both) in [
            ("route", (received.routes, sent.routes)),
            ("gateway", (received.gateways, sent.gateways)),
            ("leafnode", (received.leafs, sent.leafs)),
        ] {
            emit(rows, kind, &[account, ("kind", link)], LINKS, &both);
        }
    }
}

const CUTS: &[Cut] = &[Cut {
    key: "account_statz",
    inside: &[],
}];

struct Decoder {
    splitter: Splitter,
    state: State,
}

#[derive(Default)]
struct State {
    names: Names,
    labels: BTreeMap<String, String>,
    accounts: u64,
    facts: Facts,
}

impl Decoder {
    fn new() -> Self {
        Self {
            splitter: Splitter::new(CUTS),
            state: State::default(),
        }
    }
}

impl Collector for Decoder {
    fn path(&self, _context: &Context) -> Cow<'static, str> {
        "/accstatz?unused=true".into()
    }

    fn begin(&mut self, _context: &Context) {
        self.splitter.reset();
        self.state.names.begin();
        self.state.labels.clear();
        self.state.accounts = 0;
        self.state.facts = Facts::default();
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let state = &mut self.state;
        self.splitter.feed(bytes, &mut Emit { state, out })
    }

    fn finish(&mut self, _out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        self.state.names.finish();
        let mut facts = std::mem::take(&mut self.state.facts);
        facts.accounts = Some(self.state.accounts);
        facts.account_labels = Some(std::mem::take(&mut self.state.labels));
        Ok(facts)
    }
}

struct Emit<'a> {
    state: &'a mut State,
    out: &'a mut dyn Records,
}

/// The root of the answer.
#[derive(Deserialize)]
struct Root<'a> {
    #[serde(borrow)]
    server_id: Cow<'a, str>,
}

impl Elements for Emit<'_> {
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
        let state = &mut *self.state;
        if depth == 0 {
            let root: Root<'_> = decode::element(bytes, offset)?;
            state.facts.server_id = Some(root.server_id.into_owned());
            return Ok(());
        }
        let detail: AccountTraffic<'_> = decode::element(bytes, offset)?;
        state.accounts += 1;
        let account = state.names.label(&detail.name, &detail.acc).to_owned();
        if account != detail.acc {
            let id = detail.acc.to_string();
            state.labels.insert(id, account.clone());
        }
        let account = &account;
        self.out
            .record(Record::AccountStat(&AccountStat { account, detail }));
        Ok(())
    }
}
