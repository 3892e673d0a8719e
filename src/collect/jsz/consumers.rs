//! `/jsz?consumers=true`: each durable consumer, and the ephemeral ones of a stream as sums.
//!
//! Whether a consumer is durable stands in its configuration only (`durable_name`): its name does not tell, since
//! ephemeral ones may be named ("named" without durable, ordered consumers, MQTT sessions), durable ones may be named
//! like generated ones, and generated names differ by broker and library. The configuration doubles the body and makes
//! the answer 1.4 to 2 times as dear (4,000 consumers: 2.9.10 28 and 38 ms, 2.15.1 26 and 51 ms of the broker's CPU),
//! so it is asked for in the first request, and again only when consumers turned up that no earlier answer described,
//! ten requests later at the earliest. A consumer cannot change from one kind to the other, and one made anew has
//! another time of creation, so what was learned stays right. Until it is learned, a consumer counts as durable, so
//! that a new one shows at once, unless its name looks generated. Internal consumers of mirrors and sources
//! (`direct_consumer_detail`) are not asked for.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::above::Above;
use super::{
    CONSUMERS_HELD_MAX, Group, Lead, Place, ReplicaMetrics, Root, Seen, TOTALS, Text, all_accounts,
    coverage, fits, one, replicas,
};
use crate::catalog::Metric;
use crate::collect::number::null_is_empty;
use crate::collect::splitter::{Cut, Elements, HELD_MAX, Labels, Splitter};
use crate::collect::table::{cells, emit, flag};
use crate::collect::{
    Collector, Context, Count, DecodeError, Facts, Int, Moment, Record, Records, Version, decode,
};
use crate::state::{EntityKind, KeyMap, Rows, Value, key_of};

/// Answers without configuration between two with it, at least.
const PLAIN_ANSWERS: u32 = 10;
/// Consumers whose kind is remembered, 17 bytes or more each.
const KNOWN_MAX: usize = 1 << 20;

/// A consumer with a replica on this server.
#[derive(Debug)]
pub struct Consumer<'a> {
    /// The `account` label.
    pub account: &'a str,
    /// The `stream` label.
    pub stream: &'a str,
    /// Whether it is shown by itself; ephemeral ones are in the sums of their stream.
    pub durable: bool,
    /// What the answer says above it.
    pub above: &'a Above,
    /// What the broker tells.
    pub detail: ConsumerDetail<'a>,
}

/// An element of `consumer_detail` (nats-server `server/consumer.go`, type `ConsumerInfo`).
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct ConsumerDetail<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(default)]
    pub created: Moment,
    /// Only when asked for.
    #[serde(borrow)]
    pub config: Option<Config<'a>>,
    pub delivered: Progress,
    pub ack_floor: Progress,
    pub num_ack_pending: Int,
    pub num_redelivered: Int,
    pub num_waiting: Int,
    pub num_pending: Count,
    #[serde(borrow)]
    pub cluster: Option<Group<'a>>,
    /// Left out when false.
    #[serde(default)]
    pub push_bound: bool,
    /// Left out when false; 2.11.
    #[serde(default)]
    pub paused: bool,
    /// Left out when zero; 2.11.
    #[serde(default)]
    pub pause_remaining: Int,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub priority_groups: Vec<PriorityGroup<'a>>,
    /// When the broker looked; 2.11.
    #[serde(default)]
    pub ts: Moment,
}

/// What is needed of `config`.
#[derive(Debug, Deserialize)]
pub struct Config<'a> {
    /// Empty for ephemeral consumers.
    #[serde(borrow, default)]
    pub durable_name: Text<'a>,
    /// What people say of it.
    #[serde(borrow, default)]
    pub description: Text<'a>,
    /// Names by key.
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub metadata: BTreeMap<Text<'a>, Text<'a>>,
}

/// `delivered` and `ack_floor` of a consumer.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Progress {
    pub consumer_seq: Count,
    pub stream_seq: Count,
    /// Left out when never.
    #[serde(default)]
    pub last_active: Moment,
}

/// An element of `priority_groups`.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct PriorityGroup<'a> {
    #[serde(borrow, default)]
    pub group: Text<'a>,
    /// Left out when no client is pinned.
    #[serde(borrow, default)]
    pub pinned_client_id: Text<'a>,
    #[serde(default)]
    pub pinned_ts: Moment,
}

/// The ephemeral consumers of a stream that this server leads.
#[derive(Debug)]
pub struct Ephemerals<'a> {
    /// The `account` label.
    pub account: &'a str,
    /// The `stream` label.
    pub stream: &'a str,
    /// What the answer says above them; for another view there is a record for each stream, with ephemeral ones or not.
    pub above: &'a Above,
    /// Their sums.
    pub sums: Sums,
}

/// Sums over ephemeral consumers.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "the fields are those of a consumer")]
pub struct Sums {
    pub consumers: u64,
    pub pending: u64,
    pub ack_pending: i128,
    pub redelivered: i128,
    pub waiting: i128,
}

impl Sums {
    fn add(&mut self, consumer: &ConsumerDetail<'_>) {
        self.consumers += 1;
        self.pending = self.pending.saturating_add(consumer.num_pending.or_zero());
        self.ack_pending += consumer.num_ack_pending.0;
        self.redelivered += consumer.num_redelivered.0;
        self.waiting += consumer.num_waiting.0;
    }
}

const CONSUMER: cells!(ConsumerDetail<'_>) = &[
    (Metric::ConsumerPending, |c| Some(c.num_pending.value())),
    (Metric::ConsumerAckPending, |c| {
        Some(c.num_ack_pending.value())
    }),
    (Metric::ConsumerRedelivered, |c| {
        Some(c.num_redelivered.value())
    }),
    (Metric::ConsumerWaiting, |c| Some(c.num_waiting.value())),
    (Metric::ConsumerDelivered, |c| {
        Some(c.delivered.consumer_seq.value())
    }),
    (Metric::ConsumerDeliveredStream, |c| {
        Some(c.delivered.stream_seq.value())
    }),
    (Metric::ConsumerDeliveredTime, |c| {
        c.delivered.last_active.value()
    }),
    (Metric::ConsumerAckFloor, |c| {
        Some(c.ack_floor.consumer_seq.value())
    }),
    (Metric::ConsumerAckFloorStream, |c| {
        Some(c.ack_floor.stream_seq.value())
    }),
    (Metric::ConsumerAckFloorTime, |c| {
        c.ack_floor.last_active.value()
    }),
    (Metric::ConsumerCreated, |c| c.created.value()),
    (Metric::ConsumerPushBound, |c| Some(c.push_bound.into())),
];

const PAUSE: cells!(ConsumerDetail<'_>) = &[
    (Metric::ConsumerPaused, |c| Some(c.paused.into())),
    (Metric::ConsumerPauseRemaining, |c| {
        Some(c.pause_remaining.nanos())
    }),
];

const SUMS: cells!(Sums) = &[
    (Metric::StreamEphemeralConsumers, |s| {
        Some(s.consumers.into())
    }),
    (Metric::StreamEphemeralPending, |s| Some(s.pending.into())),
    (Metric::StreamEphemeralAckPending, |s| {
        Some(Int(s.ack_pending).value())
    }),
    (Metric::StreamEphemeralRedelivered, |s| {
        Some(Int(s.redelivered).value())
    }),
    (Metric::StreamEphemeralWaiting, |s| {
        Some(Int(s.waiting).value())
    }),
];

const REPLICAS: ReplicaMetrics = ReplicaMetrics {
    kind: EntityKind::ConsumerReplica,
    current: Metric::ConsumerReplicaCurrent,
    offline: Metric::ConsumerReplicaOffline,
    active: Metric::ConsumerReplicaActive,
    lag: Metric::ConsumerReplicaLag,
    pending: Metric::ConsumerReplicaPending,
};

impl Consumer<'_> {
    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        let kind = EntityKind::Consumer;
        let detail = &self.detail;
        let labels = self.labels();
        let lead = Lead::of(detail.cluster.as_ref(), &context.broker_name);
        if !self.durable || lead == Lead::Elsewhere {
            return;
        }
        let led = lead == Lead::Here;
        one(rows, kind, &labels, Metric::ConsumerHasLeader, led.into());
        if !led {
            return;
        }
        emit(rows, kind, &labels, CONSUMER, detail);
        if context.version >= Version(2, 11, 0) {
            emit(rows, kind, &labels, PAUSE, detail);
        }
        // Rows of the consumer itself come before those of its replicas.
        for group in &detail.priority_groups {
            self.pinned(group, rows);
        }
        if let Some(group) = &detail.cluster {
            self.group(group, context, rows);
        }
    }

    fn labels(&self) -> [(&'static str, &str); 3] {
        [
            ("account", self.account),
            ("stream", self.stream),
            ("consumer", &self.detail.name),
        ]
    }

    fn group(&self, group: &Group<'_>, context: &Context, rows: &mut dyn Rows) {
        let kind = EntityKind::Consumer;
        let [account, stream, consumer] = self.labels();
        let info = [
            account,
            stream,
            consumer,
            ("leader", &group.leader),
            ("raft_group", &group.raft_group),
            ("traffic_account", &group.traffic_account),
            ("system_account", flag(group.system_account)),
        ];
        one(rows, kind, &info, Metric::ConsumerInfo, Value::U64(1));
        if let Some(since) = group.leader_since.value() {
            let labels = [account, stream, consumer];
            one(rows, kind, &labels, Metric::ConsumerLeaderSince, since);
        }
        let labels = [account, stream, consumer, ("peer", "")];
        replicas(rows, &REPLICAS, labels, &group.replicas, context.version);
    }

    fn pinned(&self, group: &PriorityGroup<'_>, rows: &mut dyn Rows) {
        let kind = EntityKind::Consumer;
        let [account, stream, consumer] = self.labels();
        let client = &*group.pinned_client_id;
        let labels = [
            account,
            stream,
            consumer,
            ("group", &*group.group),
            ("client_id", client),
        ];
        let pinned = !client.is_empty();
        if pinned {
            one(
                rows,
                kind,
                &labels,
                Metric::ConsumerPinnedInfo,
                Value::U64(1),
            );
        }
        let labels = &labels[..4];
        one(rows, kind, labels, Metric::ConsumerPinned, pinned.into());
        if let Some(time) = group.pinned_ts.value() {
            one(rows, kind, labels, Metric::ConsumerPinnedTime, time);
        }
    }
}

impl Ephemerals<'_> {
    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        if self.sums.consumers == 0 {
            return;
        }
        let labels = [("account", self.account), ("stream", self.stream)];
        emit(rows, EntityKind::Stream, &labels, SUMS, &self.sums);
    }
}

/// Which consumers are durable, as far as answers with configuration have told.
#[derive(Debug)]
struct Kinds {
    durable: KeyMap<bool>,
    /// What this answer tells, when it was asked for configuration.
    learned: KeyMap<bool>,
    learning: bool,
    /// Answers begun since configuration was asked for; nothing at first.
    since: Option<u32>,
    /// Whether the latest whole answer had consumers of unknown kind, and whether this one has.
    unknown: bool,
    unknown_now: bool,
}

impl Kinds {
    fn new() -> Self {
        Self {
            durable: KeyMap::default(),
            learned: KeyMap::default(),
            learning: false,
            since: None,
            unknown: true,
            unknown_now: false,
        }
    }

    /// Whether the next request asks for configuration.
    fn asks(&self) -> bool {
        self.since
            .is_none_or(|since| self.unknown && since >= PLAIN_ANSWERS)
    }

    fn begin(&mut self) {
        // An answer that fails counts as well: should configuration be too much for the broker, the rest still comes.
        self.learning = self.asks();
        self.since = Some(if self.learning {
            0
        } else {
            self.since.unwrap_or(0).saturating_add(1)
        });
        self.learned.clear();
        self.unknown_now = false;
    }

    fn is_durable(&mut self, place: &Place, consumer: &ConsumerDetail<'_>) -> bool {
        let key = key(place, consumer);
        if let Some(config) = &consumer.config {
            let durable = !config.durable_name.is_empty();
            if self.learning && self.learned.len() < KNOWN_MAX {
                self.learned.insert(key, durable);
            }
            return durable;
        }
        if let Some(durable) = self.durable.get(&key) {
            return *durable;
        }
        self.unknown_now = true;
        !looks_generated(&consumer.name)
    }

    fn finish(&mut self) {
        if self.learning {
            self.durable = std::mem::take(&mut self.learned);
            self.durable.shrink_to_fit();
        }
        self.unknown = self.unknown_now;
    }
}

fn key(place: &Place, consumer: &ConsumerDetail<'_>) -> u64 {
    let created = consumer.created.nanos();
    key_of((&place.account, &place.stream, &consumer.name, created))
}

/// Names made by brokers (8 characters) and client libraries (22, ordered ones followed by a number), such as
/// `T38zxoDS` and `6b3pT0yYcE256gD1UmZ0VE_2`. A word that a person chose rarely mixes all three kinds of characters.
fn looks_generated(name: &str) -> bool {
    let stem = match name.rsplit_once('_') {
        Some((stem, number))
            if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            stem
        }
        _ => name,
    };
    let has = |is: fn(&u8) -> bool| stem.bytes().any(|byte| is(&byte));
    matches!(stem.len(), 8 | 22)
        && stem.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
}

const CUTS: &[Cut] = &[Cut {
    key: "account_details",
    inside: &[Cut {
        key: "stream_detail",
        inside: &[Cut {
            key: "consumer_detail",
            inside: &[],
        }],
    }],
}];

pub(super) struct Decoder {
    splitter: Splitter,
    state: State,
}

struct State {
    place: Place,
    kinds: Kinds,
    broker_name: String,
    sums: Sums,
    seen: Seen,
    facts: Facts,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            splitter: Splitter::new(CUTS),
            state: State {
                place: Place::default(),
                kinds: Kinds::new(),
                broker_name: String::new(),
                sums: Sums::default(),
                seen: Seen::default(),
                facts: Facts::default(),
            },
        }
    }
}

impl Collector for Decoder {
    fn path(&self, context: &Context) -> Cow<'static, str> {
        let configured = fits(context, true, true);
        if context.extra.config && configured {
            all_accounts!("consumers=true&config=true&raft=true").into()
        } else if self.state.kinds.asks() && configured {
            all_accounts!("consumers=true&config=true").into()
        } else if fits(context, true, false) {
            all_accounts!("consumers=true").into()
        } else {
            TOTALS.into()
        }
    }

    fn begin(&mut self, context: &Context) {
        self.splitter.reset();
        self.splitter.hold_at_most(if context.extra.config {
            CONSUMERS_HELD_MAX
        } else {
            HELD_MAX
        });
        let state = &mut self.state;
        state.place.begin(context);
        state.kinds.begin();
        context.broker_name.clone_into(&mut state.broker_name);
        state.sums = Sums::default();
        state.seen = Seen::default();
        state.facts = Facts::default();
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let state = &mut self.state;
        self.splitter.feed(bytes, &mut Emit { state, out })
    }

    fn finish(&mut self, _out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        self.state.place.names.finish();
        self.state.kinds.finish();
        Ok(std::mem::take(&mut self.state.facts))
    }
}

struct Emit<'a> {
    state: &'a mut State,
    out: &'a mut dyn Records,
}

impl Elements for Emit<'_> {
    fn head(&mut self, depth: usize, head: &[u8], offset: u64) -> Result<Labels, DecodeError> {
        self.state.place.head(depth, head, offset)
    }

    fn whole(
        &mut self,
        _key: &'static str,
        text: &str,
        _offset: u64,
    ) -> Result<Option<usize>, DecodeError> {
        decode::whole(text, |detail| self.consumer(detail))
    }

    fn element(
        &mut self,
        depth: usize,
        _key: &'static str,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), DecodeError> {
        match depth {
            3 => self.consumer(decode::element(bytes, offset)?),
            2 => self.end_stream(bytes, offset)?,
            1 => {
                decode::check(bytes, offset)?;
                self.state.seen.accounts += 1;
            }
            _ => {
                let root: Root<'_> = decode::element(bytes, offset)?;
                let State { seen, facts, .. } = &mut *self.state;
                facts.server_id = Some(root.server_id.to_string());
                let accounts = root.total.map(|total| (seen.accounts, total));
                let consumers = (seen.consumers, root.consumers);
                let streams = (seen.streams, root.streams);
                facts.coverage = coverage(&[Some(consumers), Some(streams), accounts]);
            }
        }
        Ok(())
    }
}

impl Emit<'_> {
    fn consumer(&mut self, detail: ConsumerDetail<'_>) {
        let state = &mut *self.state;
        state.seen.consumers += 1;
        let durable = state.kinds.is_durable(&state.place, &detail);
        let lead = Lead::of(detail.cluster.as_ref(), &state.broker_name);
        if !durable && lead == Lead::Here {
            state.sums.add(&detail);
        }
        self.out.record(Record::Consumer(&Consumer {
            account: &state.place.account,
            stream: &state.place.stream,
            durable,
            above: &state.place.above,
            detail,
        }));
    }

    fn end_stream(&mut self, bytes: &[u8], offset: u64) -> Result<(), DecodeError> {
        let state = &mut *self.state;
        state.seen.streams += 1;
        let sums = std::mem::take(&mut state.sums);
        let is_told = state.place.end_stream(bytes, offset)?;
        if sums.consumers > 0 || is_told {
            self.out.record(Record::Ephemerals(&Ephemerals {
                account: &state.place.account,
                stream: &state.place.stream,
                above: &state.place.above,
                sums,
            }));
        }
        Ok(())
    }
}
