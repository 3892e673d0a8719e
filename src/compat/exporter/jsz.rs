//! JetStream. Unlike in the native view each replica is told by its own server, leader or not.

use super::table::Family;
use super::{Depth, View};
use crate::collect::jsz::{
    Above, Account, Consumer, ConsumerDetail, Group, JetstreamTotals, Metadata, Source, Stream,
};
use crate::collect::{Int, Moment};
use crate::state::{ForeignRows, Value};

type Labels<'a> = Vec<(&'a str, &'a str)>;

impl View<'_> {
    fn depth(&self, least: Depth) -> bool {
        self.shown().jsz.is_some_and(|depth| depth >= least)
    }

    fn server<'l>(&'l self, domain: &'l str, meta: Option<(&'l str, &'l str)>) -> Labels<'l> {
        let name = self.context.broker_name.as_str();
        let (cluster, leader) = meta.unwrap_or_default();
        vec![
            ("server_id", self.server_id),
            ("server_name", name),
            ("cluster", cluster),
            ("domain", domain),
            ("meta_leader", leader),
            ("is_meta_leader", flag(meta.is_none() || leader == name)),
        ]
    }

    pub(super) fn jetstream(&self, totals: &JetstreamTotals<'_>, rows: &mut dyn ForeignRows) {
        if self.shown().jsz.is_none() {
            return;
        }
        let meta = totals.meta_cluster.as_ref();
        let meta = meta.map(|meta| (meta.name.as_ref(), meta.leader.as_ref()));
        rows.row(
            &self.server(&totals.config.domain, meta),
            &[
                self.cell(
                    Family::JetstreamServerJetstreamDisabled,
                    totals.disabled.into(),
                ),
                self.cell(
                    Family::JetstreamServerMaxMemory,
                    totals.config.max_memory.value(),
                ),
                self.cell(
                    Family::JetstreamServerMaxStorage,
                    totals.config.max_storage.value(),
                ),
                self.cell(Family::JetstreamServerTotalStreams, totals.streams.value()),
                self.cell(
                    Family::JetstreamServerTotalConsumers,
                    totals.consumers.value(),
                ),
                self.cell(
                    Family::JetstreamServerTotalMessages,
                    totals.messages.value(),
                ),
                self.cell(
                    Family::JetstreamServerTotalMessageBytes,
                    totals.bytes.value(),
                ),
            ],
        );
    }

    fn below<'l>(&'l self, above: &'l Above, name: &'l str, id: &'l str) -> Labels<'l> {
        let meta = above.meta.as_ref();
        let meta = meta.map(|(name, leader)| (name.as_str(), leader.as_str()));
        let mut labels = self.server(&above.domain, meta);
        labels.extend([
            ("account", name),
            ("account_name", name),
            ("account_id", id),
        ]);
        labels
    }

    pub(super) fn account(&self, account: &Account<'_>, rows: &mut dyn ForeignRows) {
        if !self.depth(Depth::Accounts) {
            return;
        }
        let detail = &account.detail;
        let value = |number: Option<Int>| number.unwrap_or_default().value();
        rows.row(
            &self.below(account.above, &detail.name, &detail.id),
            &[
                self.cell(
                    Family::JetstreamAccountMaxStorage,
                    value(detail.reserved_storage),
                ),
                self.cell(
                    Family::JetstreamAccountMaxMemory,
                    value(detail.reserved_memory),
                ),
                self.cell(Family::JetstreamAccountStorageUsed, value(detail.storage)),
                self.cell(Family::JetstreamAccountMemoryUsed, value(detail.memory)),
            ],
        );
    }

    /// Labels down to the stream. `leader` is nothing where it has no raft group.
    fn in_stream<'l>(
        &'l self,
        above: &'l Above,
        stream: &'l str,
        leader: Option<&'l str>,
        group: &'l str,
    ) -> Labels<'l> {
        let mut labels = self.below(above, &above.account_name, &above.account_id);
        labels.extend([
            ("stream_name", stream),
            ("stream_leader", leader.unwrap_or("")),
            ("is_stream_leader", self.leads(leader)),
            ("stream_raft_group", group),
        ]);
        labels
    }

    fn leads(&self, leader: Option<&str>) -> &'static str {
        flag(leader.is_none_or(|leader| leader == self.context.broker_name))
    }

    pub(super) fn stream(&self, stream: &Stream<'_>, rows: &mut dyn ForeignRows) {
        if !self.depth(Depth::Streams) {
            return;
        }
        let detail = &stream.detail;
        let leader = detail.cluster.as_ref().map(|group| group.leader.as_ref());
        let labels = self.in_stream(
            stream.above,
            &detail.name,
            leader,
            &detail.stream_raft_group,
        );
        for (source, families, names) in detail
            .mirror
            .iter()
            .map(|mirror| (mirror, MIRROR, MIRROR_LABELS))
            .chain(
                detail
                    .sources
                    .iter()
                    .map(|source| (source, SOURCE, SOURCE_LABELS)),
            )
        {
            self.source(source, families, names, labels.clone(), rows);
        }
        let mut keyed = Vec::new();
        let metadata = detail.limits.as_ref().map(|limits| &limits.metadata);
        stream_metadata(&self.exporter.settings.stream_keys, metadata, &mut keyed);
        let mut labels = labels;
        labels.extend(keyed.iter().map(|(name, value)| (name.as_str(), *value)));
        let mut cells = Vec::with_capacity(8);
        if let Some(state) = &detail.state {
            cells.extend([
                self.cell(Family::JetstreamStreamTotalMessages, state.messages.value()),
                self.cell(Family::JetstreamStreamTotalBytes, state.bytes.value()),
                self.cell(Family::JetstreamStreamFirstSeq, state.first_seq.value()),
                self.cell(Family::JetstreamStreamLastSeq, state.last_seq.value()),
                self.cell(
                    Family::JetstreamStreamConsumerCount,
                    state.consumer_count.value(),
                ),
                self.cell(
                    Family::JetstreamStreamSubjectCount,
                    state.num_subjects.value(),
                ),
            ]);
        }
        if let Some(limits) = detail.limits.as_ref().filter(|_| self.depth(Depth::All)) {
            cells.extend([
                self.cell(Family::JetstreamStreamLimitBytes, limits.max_bytes.value()),
                self.cell(
                    Family::JetstreamStreamLimitMessages,
                    limits.max_msgs.value(),
                ),
            ]);
        }
        rows.row(&labels, &cells);
    }

    fn source<'l>(
        &'l self,
        source: &'l Source<'_>,
        families: [Family; 2],
        names: [&'l str; 3],
        mut labels: Labels<'l>,
        rows: &mut dyn ForeignRows,
    ) {
        labels.extend([
            (names[0], source.name.as_ref()),
            (names[1], source.external.api.as_ref()),
            (names[2], source.external.deliver.as_ref()),
        ]);
        rows.row(
            &labels,
            &[
                self.cell(families[0], source.lag.value()),
                self.cell(families[1], source.active.value()),
            ],
        );
    }

    pub(super) fn consumer(&self, consumer: &Consumer<'_>, rows: &mut dyn ForeignRows) {
        if !self.depth(Depth::All) {
            return;
        }
        let (above, detail) = (consumer.above, &consumer.detail);
        let leader = above.stream_leader.as_deref();
        let mut labels = self.in_stream(above, consumer.stream, leader, &above.stream_raft_group);
        let leader = group_leader(detail.cluster.as_ref());
        let config = detail.config.as_ref();
        labels.extend([
            ("consumer_name", detail.name.as_ref()),
            ("consumer_leader", leader.unwrap_or("")),
            ("is_consumer_leader", self.leads(leader)),
            (
                "consumer_desc",
                config.map_or("", |config| &config.description),
            ),
        ]);
        let settings = &self.exporter.settings;
        let mut keyed = Vec::new();
        stream_metadata(
            &settings.stream_keys,
            Some(&above.stream_metadata),
            &mut keyed,
        );
        for key in &settings.consumer_keys {
            let value = config.and_then(|config| config.metadata.get(key.as_str()));
            keyed.push((
                format!("consumer_meta_{key}"),
                value.map_or("", |value| value.as_ref()),
            ));
        }
        labels.extend(keyed.iter().map(|(name, value)| (name.as_str(), *value)));
        rows.row(&labels, &self.consumer_cells(above, detail));
    }

    fn consumer_cells(
        &self,
        above: &Above,
        detail: &ConsumerDetail<'_>,
    ) -> Vec<super::Cell<'static>> {
        let mut cells = vec![
            self.cell(
                Family::JetstreamConsumerDeliveredConsumerSeq,
                detail.delivered.consumer_seq.value(),
            ),
            self.cell(
                Family::JetstreamConsumerDeliveredStreamSeq,
                detail.delivered.stream_seq.value(),
            ),
            self.cell(
                Family::JetstreamConsumerNumAckPending,
                detail.num_ack_pending.value(),
            ),
            self.cell(
                Family::JetstreamConsumerNumRedelivered,
                detail.num_redelivered.value(),
            ),
            self.cell(
                Family::JetstreamConsumerNumWaiting,
                detail.num_waiting.value(),
            ),
            self.cell(
                Family::JetstreamConsumerNumPending,
                detail.num_pending.value(),
            ),
            self.cell(
                Family::JetstreamConsumerAckFloorStreamSeq,
                detail.ack_floor.stream_seq.value(),
            ),
            self.cell(
                Family::JetstreamConsumerAckFloorConsumerSeq,
                detail.ack_floor.consumer_seq.value(),
            ),
        ];
        // Older brokers do not say when they looked at a consumer, only when they answered.
        let looked = detail.ts.nanos().or(above.now.nanos());
        for (family, last) in [
            (
                Family::JetstreamConsumerLastDeliverySeconds,
                detail.delivered.last_active,
            ),
            (
                Family::JetstreamConsumerLastAckSeconds,
                detail.ack_floor.last_active,
            ),
        ] {
            cells.extend(since(last, looked).map(|value| self.cell(family, value)));
        }
        cells
    }
}

const SOURCE: [Family; 2] = [
    Family::JetstreamStreamSourceLag,
    Family::JetstreamStreamSourceActiveDurationNs,
];
const SOURCE_LABELS: [&str; 3] = ["source_name", "source_api", "source_deliver"];
const MIRROR: [Family; 2] = [
    Family::JetstreamStreamMirrorLag,
    Family::JetstreamStreamMirrorActiveDurationNs,
];
const MIRROR_LABELS: [&str; 3] = ["mirror_name", "mirror_api", "mirror_deliver"];

fn group_leader<'a>(group: Option<&'a Group<'_>>) -> Option<&'a str> {
    group.map(|group| group.leader.as_ref())
}

fn since(last: Moment, looked: Option<i128>) -> Option<Value<'static>> {
    Some(Value::Nanos(looked? - last.nanos()?))
}

fn stream_metadata<'l>(
    keys: &[String],
    metadata: Option<&'l Metadata>,
    labels: &mut Vec<(String, &'l str)>,
) {
    for key in keys {
        let value = metadata.and_then(|metadata| metadata.get(key));
        labels.push((
            format!("stream_meta_{key}"),
            value.map_or("", String::as_str),
        ));
    }
}

fn flag(on: bool) -> &'static str {
    if on { "true" } else { "false" }
}
