//! How streams are configured: limits as numbers, the rest as facts in labels, lists up to a bound.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Group, Lead, Text, Transform, one};
use crate::catalog::Metric;
use crate::collect::number::null_is_empty;
use crate::collect::table::{cells, emit};
use crate::collect::{Context, Count, GoDuration, Int};
use crate::state::{EntityKind, Rows, Value};

/// Elements shown of a list: subjects, sources, pairs of metadata.
pub(super) const ELEMENTS_MAX: usize = 20;
/// Bytes shown of a description or a value of metadata.
const TEXT_MAX: usize = 200;
/// Metadata that people write for monitoring tools.
const MONITOR: &str = "io.nats.monitor.";

/// A stream and how it is configured.
#[derive(Debug)]
pub struct StreamConfiguration<'a> {
    /// The `account` label.
    pub account: &'a str,
    /// What the broker tells.
    pub detail: ConfiguredStream<'a>,
}

/// What is needed of an element of `stream_detail`.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct ConfiguredStream<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub cluster: Option<Group<'a>>,
    #[serde(borrow)]
    pub config: Option<StreamConfig<'a>>,
    #[serde(borrow, default)]
    pub stream_raft_group: Text<'a>,
}

/// `config` of a stream (nats-server `server/stream.go`, type `StreamConfig`). What is zero may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct StreamConfig<'a> {
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(deserialize_with = "null_is_empty")]
    pub subjects: Vec<String>,
    #[serde(borrow)]
    pub retention: Text<'a>,
    #[serde(borrow)]
    pub storage: Text<'a>,
    #[serde(borrow)]
    pub discard: Text<'a>,
    #[serde(borrow)]
    pub compression: Text<'a>,
    #[serde(borrow)]
    pub persist_mode: Text<'a>,
    #[serde(borrow)]
    pub template_owner: Text<'a>,
    pub max_consumers: Int,
    pub max_msgs: Int,
    pub max_bytes: Int,
    pub max_age: Int,
    pub max_msgs_per_subject: Int,
    pub max_msg_size: Int,
    pub num_replicas: Int,
    pub duplicate_window: Int,
    pub first_seq: Count,
    pub subject_delete_marker_ttl: Int,
    pub consumer_limits: ConsumerLimits,
    pub placement: Option<Placement>,
    pub mirror: Option<SourceConfig>,
    #[serde(deserialize_with = "null_is_empty")]
    pub sources: Vec<SourceConfig>,
    #[serde(borrow)]
    pub republish: Option<Republish<'a>>,
    #[serde(borrow)]
    pub subject_transform: Option<Transform<'a>>,
    #[serde(deserialize_with = "null_is_empty")]
    pub metadata: BTreeMap<String, String>,
    pub no_ack: bool,
    pub allow_direct: bool,
    pub mirror_direct: bool,
    pub sealed: bool,
    pub deny_delete: bool,
    pub deny_purge: bool,
    pub allow_rollup_hdrs: bool,
    pub discard_new_per_subject: bool,
    pub allow_msg_ttl: bool,
    pub allow_msg_counter: bool,
    pub allow_atomic: bool,
    pub allow_msg_schedules: bool,
    pub allow_batched: bool,
}

/// `consumer_limits` of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct ConsumerLimits {
    pub inactive_threshold: Int,
    pub max_ack_pending: Int,
}

/// `placement` of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Placement {
    pub cluster: String,
    #[serde(deserialize_with = "null_is_empty")]
    pub tags: Vec<String>,
    pub preferred: String,
}

/// `mirror` of a stream's configuration, or an element of its `sources`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct SourceConfig {
    pub name: String,
    pub filter_subject: String,
    pub opt_start_seq: Option<Int>,
    pub opt_start_time: String,
    pub external: ExternalConfig,
    #[serde(deserialize_with = "null_is_empty")]
    pub subject_transforms: Vec<TransformConfig>,
    pub consumer: Option<SourceConsumer>,
}

/// How another account or domain is reached.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct ExternalConfig {
    pub api: String,
    pub deliver: String,
}

/// A change of subjects.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct TransformConfig {
    pub src: String,
    pub dest: String,
}

/// The consumer that a mirror or source uses; 2.14.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct SourceConsumer {
    pub name: String,
}

/// `republish` of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Republish<'a> {
    #[serde(borrow)]
    pub src: Text<'a>,
    #[serde(borrow)]
    pub dest: Text<'a>,
    pub headers_only: bool,
}

const LIMITS: cells!(StreamConfig<'_>) = &[
    (Metric::StreamMaxMessages, |c| limit(c.max_msgs)),
    (Metric::StreamMaxBytes, |c| limit(c.max_bytes)),
    (Metric::StreamMaxAge, |c| span(c.max_age)),
    (Metric::StreamMaxConsumers, |c| limit(c.max_consumers)),
    (Metric::StreamMaxPerSubject, |c| {
        limit(c.max_msgs_per_subject)
    }),
    (Metric::StreamMaxMessageSize, |c| limit(c.max_msg_size)),
    (Metric::StreamReplicas, |c| Some(c.num_replicas.value())),
    (Metric::StreamDuplicateWindow, |c| span(c.duplicate_window)),
    (Metric::StreamConfiguredFirst, |c| {
        (c.first_seq.or_zero() > 0).then(|| c.first_seq.value())
    }),
    (Metric::StreamDeleteMarkerTtl, |c| {
        span(c.subject_delete_marker_ttl)
    }),
    (Metric::StreamConsumerInactive, |c| {
        span(c.consumer_limits.inactive_threshold)
    }),
    (Metric::StreamConsumerMaxAckPending, |c| {
        limit(c.consumer_limits.max_ack_pending)
    }),
    (Metric::StreamConfiguredSubjects, |c| {
        Some(Value::U64(c.subjects.len() as u64))
    }),
];

/// A limit; the broker writes -1, or 0, for none.
pub(super) fn limit(limit: Int) -> Option<Value<'static>> {
    (limit.0 > 0).then(|| limit.value())
}

/// A duration in nanoseconds; 0 for none.
pub(super) fn span(span: Int) -> Option<Value<'static>> {
    (span.0 > 0).then(|| span.nanos())
}

/// The label of a flag: none when it is off.
pub(super) fn on(flag: bool) -> &'static str {
    if flag { "true" } else { "" }
}

/// The beginning of a text that people write.
pub(super) fn short(text: &str) -> &str {
    let mut end = text.len().min(TEXT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Labels of a stream.
type StreamLabels<'t> = [(&'static str, &'t str); 2];

impl StreamConfiguration<'_> {
    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        let kind = EntityKind::Stream;
        let detail = &self.detail;
        let labels = [("account", self.account), ("stream", &*detail.name)];
        if Lead::of(detail.cluster.as_ref(), &context.broker_name) != Lead::Here {
            return;
        }
        if !detail.stream_raft_group.is_empty() {
            let labels = [labels[0], labels[1], ("group", &detail.stream_raft_group)];
            info(rows, kind, &labels, Metric::StreamRaftGroupInfo);
        }
        let Some(config) = &detail.config else {
            return;
        };
        config.facts(labels, rows);
        emit(rows, kind, &labels, LIMITS, config);
        config.lists(labels, rows);
        for (role, source) in config.origins() {
            source.native(labels, role, rows);
        }
        let metrics = (Metric::StreamMetadataInfo, Metric::StreamMonitorThreshold);
        metadata(rows, kind, labels, &config.metadata, metrics);
    }
}

impl StreamConfig<'_> {
    fn facts(&self, [account, stream]: StreamLabels<'_>, rows: &mut dyn Rows) {
        let none = Placement::default();
        let placement = self.placement.as_ref().unwrap_or(&none);
        let tags = placement.tags.join(",");
        let labels = [
            account,
            stream,
            ("description", short(&self.description)),
            ("retention", &self.retention),
            ("storage", &self.storage),
            ("discard", &self.discard),
            ("compression", &self.compression),
            ("persist_mode", &self.persist_mode),
            ("placement_cluster", &placement.cluster),
            ("placement_tags", &tags),
            ("placement_preferred", &placement.preferred),
            ("no_ack", on(self.no_ack)),
            ("allow_direct", on(self.allow_direct)),
            ("mirror_direct", on(self.mirror_direct)),
            ("sealed", on(self.sealed)),
            ("deny_delete", on(self.deny_delete)),
            ("deny_purge", on(self.deny_purge)),
            ("allow_rollup_headers", on(self.allow_rollup_hdrs)),
            ("discard_new_per_subject", on(self.discard_new_per_subject)),
            ("allow_message_ttl", on(self.allow_msg_ttl)),
            ("allow_message_counter", on(self.allow_msg_counter)),
            ("allow_atomic", on(self.allow_atomic)),
            ("allow_message_schedules", on(self.allow_msg_schedules)),
            ("allow_batched", on(self.allow_batched)),
            ("template_owner", &self.template_owner),
        ];
        info(rows, EntityKind::Stream, &labels, Metric::StreamConfigInfo);
    }

    fn lists(&self, [account, stream]: StreamLabels<'_>, rows: &mut dyn Rows) {
        let kind = EntityKind::Stream;
        for subject in self.subjects.iter().take(ELEMENTS_MAX) {
            let labels = [account, stream, ("subject", subject)];
            info(rows, kind, &labels, Metric::StreamSubjectInfo);
        }
        if let Some(republish) = &self.republish {
            let labels = [
                account,
                stream,
                ("src", &*republish.src),
                ("dest", &*republish.dest),
                ("headers_only", on(republish.headers_only)),
            ];
            info(rows, kind, &labels, Metric::StreamRepublishInfo);
        }
        if let Some(transform) = &self.subject_transform {
            let labels = [
                account,
                stream,
                ("src", &*transform.src),
                ("dest", &*transform.dest),
            ];
            info(rows, kind, &labels, Metric::StreamTransformInfo);
        }
    }

    /// Mirror and sources that are shown.
    fn origins(&self) -> impl Iterator<Item = (&'static str, &SourceConfig)> {
        let mirror = self.mirror.iter().map(|mirror| ("mirror", mirror));
        let sources = self.sources.iter().map(|source| ("source", source));
        mirror.chain(sources.take(ELEMENTS_MAX))
    }

    /// Elements of lists that are not shown.
    pub(super) fn beyond(&self) -> u64 {
        let lists = [self.subjects.len(), self.sources.len(), self.metadata.len()];
        beyond(&lists)
    }
}

/// Elements beyond what is shown of each list.
pub(super) fn beyond(lists: &[usize]) -> u64 {
    let beyond = lists.iter().map(|len| len.saturating_sub(ELEMENTS_MAX));
    beyond.sum::<usize>() as u64
}

impl SourceConfig {
    fn native(&self, [account, stream]: StreamLabels<'_>, role: &str, rows: &mut dyn Rows) {
        let kind = EntityKind::StreamSource;
        let start = self.opt_start_seq.map(|seq| seq.0.to_string());
        let consumer = self.consumer.as_ref().map_or("", |consumer| &consumer.name);
        let labels = [
            account,
            stream,
            ("kind", role),
            ("origin", &*self.name),
            ("filter", &self.filter_subject),
            ("external", &self.external.api),
            ("deliver", &self.external.deliver),
            ("start_sequence", start.as_deref().unwrap_or("")),
            ("start_time", &self.opt_start_time),
            ("consumer", consumer),
        ];
        info(rows, kind, &labels, Metric::StreamSourceConfigInfo);
        for transform in self.subject_transforms.iter().take(ELEMENTS_MAX) {
            let labels = [
                account,
                stream,
                ("kind", role),
                ("origin", &*self.name),
                ("src", &*transform.src),
                ("dest", &*transform.dest),
            ];
            info(rows, kind, &labels, Metric::StreamSourceConfigTransformInfo);
        }
    }
}

pub(super) fn info(
    rows: &mut dyn Rows,
    kind: EntityKind,
    labels: &[(&'static str, &str)],
    metric: Metric,
) {
    one(rows, kind, labels, metric, Value::U64(1));
}

/// Pairs of metadata, and the numbers among them that are there for monitoring. `labels` tell the entity.
pub(super) fn metadata<const N: usize>(
    rows: &mut dyn Rows,
    kind: EntityKind,
    labels: [(&'static str, &str); N],
    pairs: &BTreeMap<String, String>,
    (pair, threshold): (Metric, Metric),
) {
    for (key, value) in pairs.iter().take(ELEMENTS_MAX) {
        let mut all = labels.to_vec();
        all.push(("key", short(key)));
        if let Some(number) = key.strip_prefix(MONITOR).and_then(|_| number(value)) {
            one(rows, kind, &all, threshold, number);
        }
        all.push(("value", short(value)));
        info(rows, kind, &all, pair);
    }
}

/// A number, a duration in Go's notation, or a flag.
fn number(text: &str) -> Option<Value<'static>> {
    match text {
        "true" => return Some(true.into()),
        "false" => return Some(false.into()),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(Value::I64(number));
    }
    if let Some(span) = GoDuration::parse(text) {
        return Some(Value::Nanos(span.0.into()));
    }
    let number = text.parse::<f64>().ok();
    number.filter(|number| number.is_finite()).map(Value::F64)
}
