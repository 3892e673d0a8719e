//! `/gatewayz?accs=true`: how each account is let over each gateway connection. Off unless `collect.gateway_accounts` is on.
//!
//! For each connection the broker walks all accounts while it holds the connection's lock, so this is a heavy answer,
//! and asked for less often than the connections themselves. An inbound connection tells what this server told the
//! other end; subscriptions are known of the other end only, so on outbound ones. Several inbound connections of one
//! cluster differ by their `cid`.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use super::splitter::{Cut, EACH, EACH_ARRAY, Elements, Labels, Splitter};
use super::table::{cells, emit};
use super::{Collector, Context, DecodeError, Facts, Int, Lane, Record, Records, Spec};
use super::{decode, never_absent, never_idle, ok};
use crate::catalog::{Metric, Origin};
use crate::state::{EntityKind, Row, Rows, Value};

/// The collector of this endpoint.
pub static SPECS: &[Spec] = &[Spec {
    name: "gateway_accounts",
    origin: Origin::GatewayAccounts,
    handler: "/gatewayz",
    interval_min: Duration::from_secs(30),
    idle: never_idle,
    lane: Lane::Heavy,
    accept: ok,
    absent: never_absent,
    wanted: |options| options.gateway_accounts,
    make: |_| Box::new(Decoder::new()),
}];

/// An account on a gateway connection.
#[derive(Debug)]
pub struct GatewayAccount<'a> {
    /// The cluster at the other end.
    pub peer: &'a str,
    /// Which end began the connection.
    pub direction: Direction,
    /// The connection's number.
    pub cid: u64,
    /// What the broker tells.
    pub detail: AccountInterest<'a>,
}

/// Which end began a gateway connection; messages go from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// This server.
    Outbound,
    /// A server of the other cluster.
    Inbound,
}

impl Direction {
    /// Its `direction` label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }
}

/// An element of `accounts` (nats-server `server/monitor.go`, type `AccountGatewayz`).
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct AccountInterest<'a> {
    /// The account's id.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    #[serde(borrow)]
    pub interest_mode: Cow<'a, str>,
    /// Left out when zero, as the others below.
    #[serde(default)]
    pub no_interest_count: Int,
    #[serde(default)]
    pub interest_only_threshold: Int,
    /// On outbound connections, as the next.
    #[serde(default)]
    pub num_subs: Int,
    #[serde(default)]
    pub num_queue_subs: Int,
}

/// The largest threshold of an answer. The broker repeats one number for each account.
#[derive(Debug)]
pub struct InterestThreshold<'a> {
    /// Subjects without interest.
    pub subjects: &'a Int,
}

const ACCOUNT: cells!(AccountInterest<'_>) = &[(Metric::GatewayAccountNoInterest, |a| {
    Some(a.no_interest_count.value())
})];

const SUBSCRIPTIONS: cells!(AccountInterest<'_>) = &[
    (Metric::GatewayAccountSubscriptions, |a| {
        Some(a.num_subs.value())
    }),
    (Metric::GatewayAccountQueueSubscriptions, |a| {
        Some(a.num_queue_subs.value())
    }),
];

impl GatewayAccount<'_> {
    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        let kind = EntityKind::GatewayAccount;
        let cid = self.cid.to_string();
        let mode = self.detail.interest_mode.to_lowercase();
        let labels = [
            ("peer", self.peer),
            ("direction", self.direction.as_str()),
            ("cid", &cid),
            ("account", context.accounts.label(&self.detail.name)),
            ("mode", &mode),
        ];
        let values = [(Metric::GatewayAccountMode, Value::U64(1))];
        rows.row(&Row::new(kind, &labels, &values));
        emit(rows, kind, &labels[..4], ACCOUNT, &self.detail);
        if self.direction == Direction::Outbound {
            emit(rows, kind, &labels[..4], SUBSCRIPTIONS, &self.detail);
        }
    }
}

impl InterestThreshold<'_> {
    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        let values = [(Metric::GatewayInterestThreshold, self.subjects.value())];
        rows.row(&Row::new(EntityKind::Server, &[], &values));
    }
}

const ACCOUNTS: &[Cut] = &[Cut {
    key: "accounts",
    inside: &[],
}];

/// By direction, and in it by peer: one connection outbound, a list of them inbound.
const CUTS: &[Cut] = &[Cut {
    key: EACH,
    inside: &[
        Cut {
            key: EACH,
            inside: ACCOUNTS,
        },
        Cut {
            key: EACH_ARRAY,
            inside: ACCOUNTS,
        },
    ],
}];
/// Depths of what is cut out.
const DIRECTION: usize = 1;
const CONNECTION: usize = 2;
const ACCOUNT_DEPTH: usize = 3;

struct Decoder {
    splitter: Splitter,
    state: State,
}

/// Where in the answer the decoder is, and what it knows of it.
#[derive(Default)]
struct State {
    direction: Option<Direction>,
    peer: String,
    cid: u64,
    threshold: Option<Int>,
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
        "/gatewayz?accs=true".into()
    }

    fn begin(&mut self, _context: &Context) {
        self.splitter.reset();
        self.state = State::default();
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let state = &mut self.state;
        self.splitter.feed(bytes, &mut Emit { state, out })
    }

    fn finish(&mut self, out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        if let Some(subjects) = &self.state.threshold {
            out.record(Record::InterestThreshold(&InterestThreshold { subjects }));
        }
        Ok(std::mem::take(&mut self.state.facts))
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
    server_id: Option<Cow<'a, str>>,
}

/// A connection without its accounts.
#[derive(Deserialize)]
struct Remote {
    connection: Option<Connection>,
}

#[derive(Deserialize)]
struct Connection {
    cid: u64,
}

impl Elements for Emit<'_> {
    fn head(&mut self, depth: usize, head: &[u8], offset: u64) -> Result<Labels, DecodeError> {
        if depth != CONNECTION {
            return Ok(Labels::Known);
        }
        let remote: Remote = decode::element(head, offset)?;
        Ok(match remote.connection {
            Some(connection) => {
                self.state.cid = connection.cid;
                Labels::Known
            }
            None => Labels::Missing,
        })
    }

    fn member(&mut self, depth: usize, key: &str) {
        match depth {
            DIRECTION => {
                self.state.direction = match key {
                    "outbound_gateways" => Some(Direction::Outbound),
                    "inbound_gateways" => Some(Direction::Inbound),
                    _ => None,
                };
            }
            _ => key.clone_into(&mut self.state.peer),
        }
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
            state.facts.server_id = root.server_id.map(Cow::into_owned);
        }
        let (ACCOUNT_DEPTH, Some(direction)) = (depth, state.direction) else {
            return decode::check(bytes, offset);
        };
        let detail: AccountInterest<'_> = decode::element(bytes, offset)?;
        state.threshold = state.threshold.max(Some(detail.interest_only_threshold));
        self.out.record(Record::GatewayAccount(&GatewayAccount {
            peer: &state.peer,
            direction,
            cid: state.cid,
            detail,
        }));
        Ok(())
    }
}
