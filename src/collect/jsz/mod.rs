//! `/jsz`: JetStream in four depths, each its own request: totals, streams, consumers, and rarely how they are configured.
//!
//! Streams and consumers are told by their leaders only: elsewhere their numbers are of a replica that may be behind,
//! or plainly wrong, and each stream would count once for each replica. `stream-leader-only` is not asked for, because
//! then streams without a leader would be told by nobody.

mod above;
mod config;
mod consumer_config;
mod consumers;
mod stream_config;
mod streams;
mod totals;

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

pub use above::{Above, Metadata};
pub use config::{ConfigRoot, LeaderCounts, RaftGroupDetail, RaftGroupName};
pub use consumer_config::{ConsumerConfig, ConsumerConfiguration, ConsumerSettings};
pub use consumers::{Config, Consumer, ConsumerDetail, Ephemerals, PriorityGroup, Progress, Sums};
pub use stream_config::{
    ConfiguredStream, ConsumerLimits, ExternalConfig, Placement, Republish, SourceConfig,
    SourceConsumer, StreamConfig, StreamConfiguration, TransformConfig,
};
pub use streams::{
    Account, AccountApi, AccountDetail, External, Lost, Source, SourceError, Stream, StreamDetail,
    StreamLimits, StreamState, Transform,
};
pub use totals::{JetstreamTotals, Limits, MetaCluster, TotalsConfig};

use super::names::Names;
use super::number::null_is_empty;
use super::splitter::Labels;
use super::varz::Peer;
use super::{Context, DecodeError, Extra, Int, Lane, Moment, Spec, Version};
use super::{always, decode, never_absent, never_idle, ok};
use crate::catalog::{Metric, Origin};
use crate::state::{EntityKind, Row, Rows, Value};

/// The collectors of this endpoint.
pub static SPECS: &[Spec] = &[
    Spec {
        name: "jsz",
        origin: Origin::Jsz,
        handler: "/jsz",
        interval_min: Duration::ZERO,
        idle: never_idle,
        lane: Lane::Light,
        accept: ok,
        absent: never_absent,
        wanted: always,
        make: |_| Box::new(totals::Decoder::new()),
    },
    Spec {
        name: "streams",
        origin: Origin::Streams,
        handler: "/jsz",
        interval_min: Duration::ZERO,
        idle: never_idle,
        lane: Lane::Heavy,
        accept: ok,
        absent: never_absent,
        wanted: |options| options.streams,
        make: |_| Box::new(streams::Decoder::new()),
    },
    Spec {
        name: "consumers",
        origin: Origin::Consumers,
        handler: "/jsz",
        interval_min: Duration::ZERO,
        idle: never_idle,
        lane: Lane::Heavy,
        accept: ok,
        absent: never_absent,
        wanted: |options| options.consumers,
        make: |_| Box::new(consumers::Decoder::new()),
    },
    Spec {
        name: "jsz_config",
        origin: Origin::Config,
        handler: "/jsz",
        interval_min: Duration::from_secs(600),
        idle: never_idle,
        lane: Lane::Heavy,
        accept: ok,
        absent: never_absent,
        wanted: |options| options.streams || options.consumers,
        make: |options| Box::new(config::Decoder::new(options)),
    },
];

type Text<'a> = Cow<'a, str>;

/// `cluster` of a stream or consumer: its raft group by this server's view.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Group<'a> {
    /// Left out when no leader is known.
    #[serde(borrow, default)]
    pub leader: Text<'a>,
    #[serde(borrow, default)]
    pub raft_group: Text<'a>,
    #[serde(default)]
    pub leader_since: Moment,
    #[serde(default)]
    pub system_account: bool,
    #[serde(borrow, default)]
    pub traffic_account: Text<'a>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub replicas: Vec<Peer<'a>>,
}

/// Who leads a stream or consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    Here,
    Elsewhere,
    Nobody,
}

impl Lead {
    /// Without `cluster` there is nobody else who could lead: a stand-alone server leaves it out of consumers.
    fn of(group: Option<&Group<'_>>, broker_name: &str) -> Self {
        match group {
            None => Self::Here,
            Some(group) if group.leader.is_empty() => Self::Nobody,
            Some(group) if group.leader == broker_name => Self::Here,
            Some(_) => Self::Elsewhere,
        }
    }
}

/// Families about the members of a raft group.
struct ReplicaMetrics {
    kind: EntityKind,
    current: Metric,
    offline: Metric,
    active: Metric,
    lag: Metric,
    pending: Metric,
}

/// Rows about the other members, by their leader. `labels` end with the place for the label `peer`.
fn replicas<'a, const N: usize>(
    rows: &mut dyn Rows,
    metrics: &ReplicaMetrics,
    mut labels: [(&'static str, &'a str); N],
    peers: &'a [Peer<'_>],
    version: Version,
) {
    for peer in peers {
        labels[N - 1] = ("peer", &peer.name);
        let mut values = [
            (metrics.current, peer.current.into()),
            (metrics.offline, peer.offline.into()),
            (metrics.lag, peer.lag.value()),
            (metrics.pending, peer.pending.into()),
            (metrics.active, peer.active.nanos()),
        ];
        let mut len = 3;
        if version >= Version(2, 15, 0) {
            len = 4;
        }
        if peer.active.0 > 0 {
            values[len] = (metrics.active, peer.active.nanos());
            len += 1;
        }
        rows.row(&Row::new(metrics.kind, &labels, &values[..len]));
    }
}

/// Emits a row of one value.
fn one(
    rows: &mut dyn Rows,
    kind: EntityKind,
    labels: &[(&'static str, &str)],
    metric: Metric,
    value: Value<'_>,
) {
    rows.row(&Row::new(kind, labels, &[(metric, value)]));
}

/// What an account or a stream is called; enough of it to know the labels of what is inside.
#[derive(Debug, Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
}

/// The root of the answers with details.
#[derive(Debug, Deserialize)]
struct Root<'a> {
    #[serde(borrow)]
    server_id: Text<'a>,
    streams: Int,
    consumers: Int,
    /// Accounts; 2.10.28 and 2.11.2.
    total: Option<Int>,
}

/// The account and the stream that the splitter is in.
#[derive(Debug, Default)]
struct Place {
    names: Names,
    account: String,
    stream: String,
    above: Above,
    extra: Extra,
    /// Whether the stream's first look has been refused because its raft group comes last.
    waited: bool,
}

impl Place {
    /// Takes the labels from the beginning of an object.
    fn head(&mut self, depth: usize, head: &[u8], offset: u64) -> Result<Labels, DecodeError> {
        if depth == 0 {
            if self.extra.above {
                self.above.root(head, offset)?;
            }
            return Ok(Labels::Known);
        }
        if depth == 2 && self.extra.above {
            let group = self.above.stream(head, offset)?;
            // Once: older brokers have no such field, and the second look comes at the end of the stream.
            self.waited = group == Labels::Missing && self.extra.config && !self.waited;
            if self.waited {
                return Ok(Labels::Missing);
            }
        }
        let head: Head<'_> = decode::element(head, offset)?;
        match (depth, &head.name, &head.id) {
            (1, Some(name), Some(id)) => self.enter_account(name, id),
            (2, Some(name), _) => name.as_ref().clone_into(&mut self.stream),
            _ => return Ok(Labels::Missing),
        }
        Ok(Labels::Known)
    }

    fn begin(&mut self, context: &Context) {
        self.names.begin();
        self.extra = context.extra;
        self.above = Above::default();
        self.waited = false;
    }

    /// Takes the labels of a stream that ends, since one without consumers never had its beginning looked at. Gives
    /// whether another view wants to know of it.
    fn end_stream(&mut self, whole: &[u8], offset: u64) -> Result<bool, DecodeError> {
        if self.extra.above {
            self.above.stream(whole, offset)?;
            let head: Head<'_> = decode::element(whole, offset)?;
            head.name
                .unwrap_or_default()
                .as_ref()
                .clone_into(&mut self.stream);
        } else {
            decode::check(whole, offset)?;
        }
        Ok(self.extra.above)
    }

    fn enter_account(&mut self, name: &str, id: &str) {
        self.names.label(name, id).clone_into(&mut self.account);
        if self.extra.above {
            name.clone_into(&mut self.above.account_name);
            id.clone_into(&mut self.above.account_id);
        }
    }
}

/// What was seen in an answer, against what its root says there is.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    accounts: u64,
    streams: u64,
    consumers: u64,
}

/// Of pairs of seen and existing entities, the one of which the smallest share was seen.
fn coverage(pairs: &[Option<(u64, Int)>]) -> Option<(u64, u64)> {
    const PARTS: u128 = 1 << 40;
    pairs
        .iter()
        .flatten()
        .map(|(seen, all)| {
            let all = u64::try_from(all.0).unwrap_or(0);
            ((*seen).min(all), all)
        })
        // Nothing of nothing is all of it.
        .min_by_key(|(seen, all)| {
            (u128::from(*seen) * PARTS)
                .checked_div(u128::from(*all))
                .unwrap_or(PARTS)
        })
}

/// Bytes of a stream's consumers that may wait for its raft group, which comes after them: some 25,000 consumers.
const CONSUMERS_HELD_MAX: usize = 64 << 20;

/// Bytes of a stream and of a consumer in an answer, and how many more with configuration and raft groups, as measured on
/// 2.15.1 with one replica and short names. It is rarely less, so what exceeds the limit by this count surely does; what is
/// larger than expected is cut there, which shows as well.
const STREAM_BYTES: u64 = 500;
const STREAM_CONFIG_BYTES: u64 = 1_050;
const CONSUMER_BYTES: u64 = 650;
const CONSUMER_CONFIG_BYTES: u64 = 690;

/// Whether an answer with streams or, as is usual, with their consumers too is expected to be read whole.
fn fits(context: &Context, with_consumers: bool, with_config: bool) -> bool {
    let config = u64::from(with_config);
    let stream = STREAM_BYTES + config * STREAM_CONFIG_BYTES;
    let consumer = CONSUMER_BYTES + config * CONSUMER_CONFIG_BYTES;
    let streams = context.sizes.streams.saturating_mul(stream);
    let consumers = context.sizes.consumers.saturating_mul(consumer);
    let consumers = consumers * u64::from(with_consumers);
    context.body_max.holds(streams.saturating_add(consumers))
}

/// Totals alone: what is asked for where nothing more would be read whole. The counts in it show what is missing.
const TOTALS: &str = "/jsz";

/// Path of a request for details: all accounts in one answer. The default page of 1,024 accounts would cut the rest off
/// without a word, and -1, which means all from 2.10 on, makes 2.9 drop the connection. The number is only compared,
/// so that its size costs nothing (tried with 2.9.10 and 2.15.1).
macro_rules! all_accounts {
    ($query:literal) => {
        concat!("/jsz?", $query, "&limit=1000000000")
    };
}
use all_accounts;
