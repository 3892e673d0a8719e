//! `/jsz?streams=true`: JetStream accounts and streams.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::above::{Above, Metadata};
use super::{
    Group, Lead, Place, ReplicaMetrics, Root, Seen, TOTALS, Text, all_accounts, coverage, fits,
    one, replicas,
};
use crate::catalog::Metric;
use crate::collect::number::null_is_empty;
use crate::collect::splitter::{Cut, Elements, Labels, Splitter};
use crate::collect::table::{cells, emit, flag};
use crate::collect::{
    Collector, Context, Count, DecodeError, Facts, Int, Moment, Record, Records, Version, decode,
};
use crate::state::{EntityKind, Row, Rows, Value};

/// An account that uses JetStream.
#[derive(Debug)]
pub struct Account<'a> {
    /// Its `account` label.
    pub account: &'a str,
    /// What the answer says above it.
    pub above: &'a Above,
    /// What the broker tells.
    pub detail: AccountDetail<'a>,
}

/// An element of `account_details` (nats-server `server/monitor.go`, type `AccountDetail`).
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct AccountDetail<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub id: Text<'a>,
    pub memory: Option<Int>,
    pub storage: Option<Int>,
    pub reserved_memory: Option<Int>,
    pub reserved_storage: Option<Int>,
    /// Of a struct that servers share with accounts: 0 up to 2.15, as are `ha_assets` and the API's `level`.
    pub accounts: Option<Int>,
    pub ha_assets: Option<Int>,
    #[serde(default)]
    pub api: AccountApi,
}

/// `api` of an account.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct AccountApi {
    pub total: Option<Int>,
    pub errors: Option<Int>,
    /// 2.11.
    pub level: Option<Int>,
}

/// A stream with a replica on this server.
#[derive(Debug)]
pub struct Stream<'a> {
    /// The `account` label.
    pub account: &'a str,
    /// What the answer says above it.
    pub above: &'a Above,
    /// What the broker tells.
    pub detail: StreamDetail<'a>,
}

/// An element of `stream_detail`.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct StreamDetail<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(default)]
    pub created: Moment,
    #[serde(borrow)]
    pub cluster: Option<Group<'a>>,
    pub state: Option<StreamState>,
    #[serde(borrow)]
    pub mirror: Option<Source<'a>>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub sources: Vec<Source<'a>>,
    /// Of its configuration; only when asked for.
    #[serde(rename = "config")]
    pub limits: Option<StreamLimits>,
    /// Only when asked for.
    #[serde(borrow, default)]
    pub stream_raft_group: Text<'a>,
}

/// What another view needs of a stream's `config`.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct StreamLimits {
    #[serde(default)]
    pub max_msgs: Int,
    #[serde(default)]
    pub max_bytes: Int,
    #[serde(default)]
    pub num_replicas: Int,
    /// `file` or `memory`.
    #[serde(default)]
    pub storage: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub metadata: Metadata,
}

/// `state` of a stream: its replica on this server.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct StreamState {
    pub messages: Count,
    pub bytes: Count,
    pub first_seq: Count,
    #[serde(default)]
    pub first_ts: Moment,
    pub last_seq: Count,
    #[serde(default)]
    pub last_ts: Moment,
    /// Left out when zero.
    #[serde(default)]
    pub num_subjects: Int,
    /// Left out when zero.
    #[serde(default)]
    pub num_deleted: Int,
    /// Left out when nothing was lost.
    #[serde(default)]
    pub lost: Lost,
    #[serde(default)]
    pub consumer_count: Int,
}

/// `lost` of a stream's state.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Lost {
    /// Sequences; only their number counts.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub msgs: Vec<IgnoredAny>,
    #[serde(default)]
    pub bytes: Count,
}

/// `mirror` of a stream, or an element of its `sources`.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Source<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub external: External<'a>,
    pub lag: Count,
    /// Nanoseconds since the origin was heard; -1 when never.
    pub active: Int,
    /// Of the last message taken; only in sources; left out when zero; 2.15.1.
    pub seq: Option<Count>,
    #[serde(borrow)]
    pub error: Option<SourceError<'a>>,
    #[serde(borrow, default)]
    pub filter_subject: Text<'a>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub subject_transforms: Vec<Transform<'a>>,
}

/// `external` of a mirror or source: how another account or domain is reached.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct External<'a> {
    #[serde(borrow, default)]
    pub api: Text<'a>,
    #[serde(borrow, default)]
    pub deliver: Text<'a>,
}

/// `error` of a mirror or source.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct SourceError<'a> {
    #[serde(default)]
    pub code: Int,
    #[serde(default)]
    pub err_code: Int,
    #[serde(borrow, default)]
    pub description: Text<'a>,
}

/// An element of `subject_transforms`.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Transform<'a> {
    #[serde(borrow, default)]
    pub src: Text<'a>,
    #[serde(borrow, default)]
    pub dest: Text<'a>,
}

const ACCOUNT: cells!(AccountDetail<'_>) = &[
    (Metric::JetstreamAccountMemoryUsed, |a| {
        a.memory.map(Int::value)
    }),
    (Metric::JetstreamAccountStorageUsed, |a| {
        a.storage.map(Int::value)
    }),
    (Metric::JetstreamAccountMemoryLimit, |a| {
        limit(a.reserved_memory)
    }),
    (Metric::JetstreamAccountStorageLimit, |a| {
        limit(a.reserved_storage)
    }),
    (Metric::JetstreamAccountApiRequests, |a| {
        a.api.total.map(Int::value)
    }),
    (Metric::JetstreamAccountApiErrors, |a| {
        a.api.errors.map(Int::value)
    }),
    (Metric::JetstreamAccountApiLevel, |a| {
        a.api.level.map(Int::value)
    }),
    (Metric::JetstreamAccountAccounts, |a| {
        a.accounts.map(Int::value)
    }),
    (Metric::JetstreamAccountHaAssets, |a| {
        a.ha_assets.map(Int::value)
    }),
];

const STATE: cells!(StreamState) = &[
    (Metric::StreamMessages, |s| Some(s.messages.value())),
    (Metric::StreamBytes, |s| Some(s.bytes.value())),
    (Metric::StreamFirstSequence, |s| Some(s.first_seq.value())),
    (Metric::StreamLastSequence, |s| Some(s.last_seq.value())),
    (Metric::StreamFirstTime, |s| after_1970(s.first_ts)),
    (Metric::StreamLastTime, |s| after_1970(s.last_ts)),
    (Metric::StreamSubjects, |s| Some(s.num_subjects.value())),
    (Metric::StreamDeleted, |s| Some(s.num_deleted.value())),
    (Metric::StreamLostMessages, |s| {
        Some(Value::U64(s.lost.msgs.len() as u64))
    }),
    (Metric::StreamLostBytes, |s| Some(s.lost.bytes.value())),
    (Metric::StreamConsumers, |s| Some(s.consumer_count.value())),
];

const REPLICAS: ReplicaMetrics = ReplicaMetrics {
    kind: EntityKind::StreamReplica,
    current: Metric::StreamReplicaCurrent,
    offline: Metric::StreamReplicaOffline,
    active: Metric::StreamReplicaActive,
    lag: Metric::StreamReplicaLag,
    pending: Metric::StreamReplicaPending,
};

/// The limit of an account is its signed number read as unsigned: -1, no limit, comes as 2^64 - 1.
fn limit(reserved: Option<Int>) -> Option<Value<'static>> {
    reserved
        .filter(|limit| limit.0 != i128::from(u64::MAX))
        .map(Int::value)
}

/// An emptied stream may give 1970 instead of the zero time.
fn after_1970(time: Moment) -> Option<Value<'static>> {
    time.nanos().filter(|nanos| *nanos > 0)?;
    time.value()
}

impl Account<'_> {
    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        let kind = EntityKind::Account;
        let labels = [("account", self.account)];
        emit(rows, kind, &labels, ACCOUNT, &self.detail);
        let labels = [labels[0], ("account_id", &self.detail.id)];
        one(rows, kind, &labels, Metric::AccountInfo, Value::U64(1));
    }
}

impl Stream<'_> {
    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        let kind = EntityKind::Stream;
        let detail = &self.detail;
        let labels = [("account", self.account), ("stream", &*detail.name)];
        let lead = Lead::of(detail.cluster.as_ref(), &context.broker_name);
        if lead == Lead::Elsewhere {
            return;
        }
        let led = lead == Lead::Here;
        one(rows, kind, &labels, Metric::StreamHasLeader, led.into());
        if !led {
            return;
        }
        if let Some(state) = &detail.state {
            emit(rows, kind, &labels, STATE, state);
        }
        if let Some(created) = detail.created.value() {
            one(rows, kind, &labels, Metric::StreamCreated, created);
        }
        if let Some(group) = &detail.cluster {
            self.group(group, context, rows);
        }
        if let Some(mirror) = &detail.mirror {
            mirror.native(labels, "mirror", mirror.seq, rows);
        }
        for source in &detail.sources {
            // Left out when zero by versions that have it; mirrors never have it.
            let has_seq = context.version >= Version(2, 15, 1);
            let seq = source.seq.or(has_seq.then(Count::default));
            source.native(labels, "source", seq, rows);
        }
    }

    fn group(&self, group: &Group<'_>, context: &Context, rows: &mut dyn Rows) {
        let (account, stream) = (("account", self.account), ("stream", &*self.detail.name));
        let info = [
            account,
            stream,
            ("leader", &group.leader),
            ("raft_group", &group.raft_group),
            ("traffic_account", &group.traffic_account),
            ("system_account", flag(group.system_account)),
        ];
        let kind = EntityKind::Stream;
        one(rows, kind, &info, Metric::StreamInfo, Value::U64(1));
        if let Some(since) = group.leader_since.value() {
            one(
                rows,
                kind,
                &[account, stream],
                Metric::StreamLeaderSince,
                since,
            );
        }
        replicas(
            rows,
            &REPLICAS,
            [account, stream, ("peer", "")],
            &group.replicas,
            context.version,
        );
    }
}

impl Source<'_> {
    /// Several sources may have one origin: what they take from it tells them apart.
    fn native(
        &self,
        [account, stream]: [(&'static str, &str); 2],
        role: &str,
        seq: Option<Count>,
        rows: &mut dyn Rows,
    ) {
        let filter = self.filter();
        let labels = [
            account,
            stream,
            ("kind", role),
            ("origin", &self.name),
            ("external", &self.external.api),
            ("filter", &filter),
        ];
        let heard = self.active.0 >= 0;
        let error = self.error.as_ref().map_or(Int(0), |error| error.err_code);
        let mut values = [
            (Metric::StreamSourceLag, self.lag.value()),
            (Metric::StreamSourceConnected, heard.into()),
            (Metric::StreamSourceErrorCode, error.value()),
            (Metric::StreamSourceActive, self.active.nanos()),
        ];
        let kind = EntityKind::StreamSource;
        let len = if heard { 4 } else { 3 };
        rows.row(&Row::new(kind, &labels, &values[..len]));
        if let Some(seq) = seq {
            values[0] = (Metric::StreamSourceSequence, seq.value());
            rows.row(&Row::new(kind, &labels, &values[..1]));
        }
        self.facts(&labels, rows);
    }

    fn facts(&self, labels: &[(&'static str, &str); 6], rows: &mut dyn Rows) {
        let [account, stream, role, origin, external, filter] = *labels;
        let mut info = |metric, facts: [(&'static str, &str); 2]| {
            let labels = [
                account, stream, role, origin, external, filter, facts[0], facts[1],
            ];
            // Not every family has two labels more.
            let used = labels.len() - usize::from(facts[1].0.is_empty());
            let kind = EntityKind::StreamSource;
            one(rows, kind, &labels[..used], metric, Value::U64(1));
        };
        info(
            Metric::StreamSourceInfo,
            [("deliver", &self.external.deliver), ("", "")],
        );
        for transform in &self.subject_transforms {
            info(
                Metric::StreamSourceTransformInfo,
                [("src", &transform.src), ("dest", &transform.dest)],
            );
        }
        if let Some(error) = &self.error {
            let status = error.code.0.to_string();
            info(
                Metric::StreamSourceErrorInfo,
                [("status", &status), ("description", &error.description)],
            );
        }
    }

    /// The subjects taken: with transforms, each has its own.
    fn filter(&self) -> Text<'_> {
        match &*self.subject_transforms {
            [] => Cow::Borrowed(&*self.filter_subject),
            _ if !self.filter_subject.is_empty() => Cow::Borrowed(&*self.filter_subject),
            [transform] => Cow::Borrowed(&*transform.src),
            many => {
                let subjects: Vec<&str> = many.iter().map(|transform| &*transform.src).collect();
                Cow::Owned(subjects.join(","))
            }
        }
    }
}

const CUTS: &[Cut] = &[Cut {
    key: "account_details",
    inside: &[Cut {
        key: "stream_detail",
        inside: &[],
    }],
}];

pub(super) struct Decoder {
    splitter: Splitter,
    state: State,
}

#[derive(Default)]
struct State {
    place: Place,
    /// Labels of accounts that have streams here, by id.
    accounts: BTreeMap<String, String>,
    /// Streams of the present account.
    streams: u64,
    seen: Seen,
    facts: Facts,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            splitter: Splitter::new(CUTS),
            state: State::default(),
        }
    }
}

impl Collector for Decoder {
    fn path(&self, context: &Context) -> Cow<'static, str> {
        if context.extra.config && fits(context, false, true) {
            all_accounts!("streams=true&config=true&raft=true").into()
        } else if fits(context, false, false) {
            all_accounts!("streams=true").into()
        } else {
            TOTALS.into()
        }
    }

    fn begin(&mut self, context: &Context) {
        self.splitter.reset();
        self.state.place.begin(context);
        self.state.accounts.clear();
        self.state.streams = 0;
        self.state.seen = Seen::default();
        self.state.facts = Facts::default();
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let state = &mut self.state;
        self.splitter.feed(bytes, &mut Emit { state, out })
    }

    fn finish(&mut self, _out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        self.state.place.names.finish();
        let mut facts = std::mem::take(&mut self.state.facts);
        facts.accounts_with_streams = Some(std::mem::take(&mut self.state.accounts));
        Ok(facts)
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
        decode::whole(text, |detail| self.stream(detail))
    }

    fn element(
        &mut self,
        depth: usize,
        _key: &'static str,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), DecodeError> {
        if depth == 2 {
            self.stream(decode::element(bytes, offset)?);
            return Ok(());
        }
        let State {
            place,
            accounts,
            streams,
            seen,
            facts,
        } = &mut *self.state;
        match depth {
            1 => {
                seen.accounts += 1;
                let detail: AccountDetail<'_> = decode::element(bytes, offset)?;
                place.enter_account(&detail.name, &detail.id);
                if std::mem::take(streams) > 0 {
                    accounts.insert(detail.id.to_string(), place.account.clone());
                }
                self.out.record(Record::Account(&Account {
                    account: &place.account,
                    above: &place.above,
                    detail,
                }));
            }
            _ => {
                let root: Root<'_> = decode::element(bytes, offset)?;
                facts.server_id = Some(root.server_id.to_string());
                let all = root.total.map(|total| (seen.accounts, total));
                facts.coverage = coverage(&[Some((seen.streams, root.streams)), all]);
            }
        }
        Ok(())
    }
}

impl Emit<'_> {
    fn stream(&mut self, detail: StreamDetail<'_>) {
        self.state.seen.streams += 1;
        self.state.streams += 1;
        let place = &self.state.place;
        self.out.record(Record::Stream(&Stream {
            account: &place.account,
            above: &place.above,
            detail,
        }));
    }
}
