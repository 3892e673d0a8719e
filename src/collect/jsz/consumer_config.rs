//! How durable consumers are configured, and all about the consumers of mirrors and sources.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::stream_config::{ELEMENTS_MAX, beyond, info, limit, metadata, on, short, span};
use super::{ConsumerDetail, Group, Lead, Text, one};
use crate::catalog::Metric;
use crate::collect::number::null_is_empty;
use crate::collect::table::{cells, emit};
use crate::collect::{Context, Count, Int, Moment};
use crate::state::{EntityKind, Rows, Value};

/// A consumer and how it is configured.
#[derive(Debug)]
pub struct ConsumerConfiguration<'a> {
    /// The `account` label.
    pub account: &'a str,
    /// The `stream` label.
    pub stream: &'a str,
    /// What the broker tells.
    pub consumer: ConsumerConfig<'a>,
    /// The state of a consumer of a mirror or source.
    pub direct: Option<ConsumerDetail<'a>>,
}

/// What is needed of an element of `consumer_detail` or `direct_consumer_detail`.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct ConsumerConfig<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub cluster: Option<Group<'a>>,
    #[serde(borrow, default)]
    pub config: ConsumerSettings<'a>,
}

/// `config` of a consumer (nats-server `server/consumer.go`, type `ConsumerConfig`). What is zero may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct ConsumerSettings<'a> {
    #[serde(borrow)]
    pub durable_name: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub deliver_policy: Text<'a>,
    pub opt_start_seq: Count,
    pub opt_start_time: Option<Moment>,
    #[serde(borrow)]
    pub ack_policy: Text<'a>,
    pub ack_wait: Int,
    pub max_deliver: Int,
    #[serde(deserialize_with = "null_is_empty")]
    pub backoff: Vec<Int>,
    #[serde(borrow)]
    pub filter_subject: Text<'a>,
    #[serde(deserialize_with = "null_is_empty")]
    pub filter_subjects: Vec<String>,
    #[serde(borrow)]
    pub replay_policy: Text<'a>,
    pub rate_limit_bps: Count,
    #[serde(borrow)]
    pub sample_freq: Text<'a>,
    pub max_waiting: Int,
    pub max_ack_pending: Int,
    pub idle_heartbeat: Int,
    pub flow_control: bool,
    pub headers_only: bool,
    pub max_batch: Int,
    pub max_expires: Int,
    pub max_bytes: Int,
    #[serde(borrow)]
    pub deliver_subject: Text<'a>,
    #[serde(borrow)]
    pub deliver_group: Text<'a>,
    pub inactive_threshold: Int,
    pub num_replicas: Int,
    pub mem_storage: bool,
    pub direct: bool,
    pub sourcing: bool,
    pub pause_until: Option<Moment>,
    #[serde(deserialize_with = "null_is_empty")]
    pub priority_groups: Vec<String>,
    #[serde(borrow)]
    pub priority_policy: Text<'a>,
    pub priority_timeout: Int,
    #[serde(deserialize_with = "null_is_empty")]
    pub metadata: BTreeMap<String, String>,
}

const LIMITS: cells!(ConsumerSettings<'_>) = &[
    (Metric::ConsumerMaxAckPending, |c| limit(c.max_ack_pending)),
    (Metric::ConsumerAckWait, |c| span(c.ack_wait)),
    (Metric::ConsumerMaxDeliver, |c| limit(c.max_deliver)),
    (Metric::ConsumerMaxWaiting, |c| limit(c.max_waiting)),
    (Metric::ConsumerMaxBatch, |c| limit(c.max_batch)),
    (Metric::ConsumerMaxExpires, |c| span(c.max_expires)),
    (Metric::ConsumerMaxRequestBytes, |c| limit(c.max_bytes)),
    (Metric::ConsumerHeartbeat, |c| span(c.idle_heartbeat)),
    (Metric::ConsumerInactive, |c| span(c.inactive_threshold)),
    (Metric::ConsumerRateLimit, |c| positive(c.rate_limit_bps)),
    (Metric::ConsumerReplicas, |c| Some(c.num_replicas.value())),
    (Metric::ConsumerPriorityTimeout, |c| {
        span(c.priority_timeout)
    }),
    (Metric::ConsumerPauseUntil, |c| c.pause_until?.value()),
    (Metric::ConsumerStartSequence, |c| positive(c.opt_start_seq)),
    (Metric::ConsumerStartTime, |c| c.opt_start_time?.value()),
];

const DIRECT: cells!(ConsumerDetail<'_>) = &[
    (Metric::DirectPending, |c| Some(c.num_pending.value())),
    (Metric::DirectAckPending, |c| {
        Some(c.num_ack_pending.value())
    }),
    (Metric::DirectRedelivered, |c| {
        Some(c.num_redelivered.value())
    }),
    (Metric::DirectWaiting, |c| Some(c.num_waiting.value())),
    (Metric::DirectDelivered, |c| {
        Some(c.delivered.consumer_seq.value())
    }),
    (Metric::DirectDeliveredStream, |c| {
        Some(c.delivered.stream_seq.value())
    }),
    (Metric::DirectDeliveredTime, |c| {
        c.delivered.last_active.value()
    }),
    (Metric::DirectAckFloor, |c| {
        Some(c.ack_floor.consumer_seq.value())
    }),
    (Metric::DirectAckFloorStream, |c| {
        Some(c.ack_floor.stream_seq.value())
    }),
    (Metric::DirectAckFloorTime, |c| {
        c.ack_floor.last_active.value()
    }),
    (Metric::DirectCreated, |c| c.created.value()),
    (Metric::DirectPushBound, |c| Some(c.push_bound.into())),
];

fn positive(count: Count) -> Option<Value<'static>> {
    (count.or_zero() > 0).then(|| count.value())
}

impl ConsumerConfig<'_> {
    /// Whether it is shown: durable ones, and those of mirrors and sources in their own list.
    pub(super) fn is_shown(&self, direct: bool) -> bool {
        direct == self.config.direct && (direct || !self.config.durable_name.is_empty())
    }

    /// Elements of lists that are not shown.
    pub(super) fn beyond(&self) -> u64 {
        let config = &self.config;
        beyond(&[
            config.filter_subjects.len(),
            config.backoff.len(),
            config.priority_groups.len(),
            config.metadata.len(),
        ])
    }
}

/// Labels of a consumer.
type ConsumerLabels<'t> = [(&'static str, &'t str); 4];

impl ConsumerConfiguration<'_> {
    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        let kind = EntityKind::Consumer;
        let (consumer, config) = (&self.consumer, &self.consumer.config);
        if Lead::of(consumer.cluster.as_ref(), &context.broker_name) != Lead::Here {
            return;
        }
        let labels = [
            ("account", self.account),
            ("stream", self.stream),
            ("consumer", &*consumer.name),
            ("direct", on(config.direct)),
        ];
        config.facts(labels, rows);
        emit(rows, kind, &labels, LIMITS, config);
        config.lists(labels, rows);
        let metrics = (
            Metric::ConsumerMetadataInfo,
            Metric::ConsumerMonitorThreshold,
        );
        metadata(rows, kind, labels, &config.metadata, metrics);
        if let Some(detail) = &self.direct {
            emit(rows, kind, &labels[..3], DIRECT, detail);
        }
    }
}

impl ConsumerSettings<'_> {
    fn facts(&self, [account, stream, consumer, direct]: ConsumerLabels<'_>, rows: &mut dyn Rows) {
        let labels = [
            account,
            stream,
            consumer,
            direct,
            ("description", short(&self.description)),
            ("deliver_policy", &self.deliver_policy),
            ("ack_policy", &self.ack_policy),
            ("replay_policy", &self.replay_policy),
            ("deliver_subject", &self.deliver_subject),
            ("deliver_group", &self.deliver_group),
            ("sample_freq", &self.sample_freq),
            ("priority_policy", &self.priority_policy),
            ("flow_control", on(self.flow_control)),
            ("headers_only", on(self.headers_only)),
            ("mem_storage", on(self.mem_storage)),
            ("sourcing", on(self.sourcing)),
        ];
        info(
            rows,
            EntityKind::Consumer,
            &labels,
            Metric::ConsumerConfigInfo,
        );
    }

    fn lists(&self, [account, stream, consumer, direct]: ConsumerLabels<'_>, rows: &mut dyn Rows) {
        let kind = EntityKind::Consumer;
        let with = |label| [account, stream, consumer, direct, label];
        let single = (!self.filter_subject.is_empty()).then_some(&*self.filter_subject);
        let several = self.filter_subjects.iter().map(String::as_str);
        for subject in single.into_iter().chain(several.take(ELEMENTS_MAX)) {
            let labels = with(("subject", subject));
            info(rows, kind, &labels, Metric::ConsumerFilterInfo);
        }
        for group in self.priority_groups.iter().take(ELEMENTS_MAX) {
            let labels = with(("group", group.as_str()));
            info(rows, kind, &labels, Metric::ConsumerPriorityGroupInfo);
        }
        for (place, pause) in self.backoff.iter().take(ELEMENTS_MAX).enumerate() {
            let step = (place + 1).to_string();
            let labels = [account, stream, consumer, direct, ("step", &*step)];
            one(rows, kind, &labels, Metric::ConsumerBackoff, pause.nanos());
        }
    }
}
