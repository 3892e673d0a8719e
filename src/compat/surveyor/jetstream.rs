//! JetStream on a server: totals, and each replica of streams and consumers, leader or not.

use super::View;
use super::table::Family;
use crate::collect::jsz::{Consumer, Ephemerals, Group, JetstreamTotals, Stream};
use crate::state::{ForeignRows, Share, Value};

const NANOS_PER_SECOND: i128 = 1_000_000_000;

type Labels<'l> = Vec<(&'l str, &'l str)>;

impl View<'_> {
    pub(super) fn jetstream_totals(
        &self,
        totals: &JetstreamTotals<'_>,
        rows: &mut dyn ForeignRows,
    ) {
        let labels = self.jetstream();
        rows.row(
            &labels,
            &[
                self.cell(
                    Family::CoreJetstreamServerJetstreamDisabled,
                    totals.disabled.into(),
                ),
                self.cell(
                    Family::CoreJetstreamServerTotalStreams,
                    totals.streams.value(),
                ),
                self.cell(
                    Family::CoreJetstreamServerTotalConsumers,
                    totals.consumers.value(),
                ),
                self.cell(
                    Family::CoreJetstreamServerTotalMessages,
                    totals.messages.value(),
                ),
                self.cell(
                    Family::CoreJetstreamServerTotalMessageBytes,
                    totals.bytes.value(),
                ),
                self.cell(
                    Family::CoreJetstreamServerMaxMemory,
                    totals.config.max_memory.value(),
                ),
                self.cell(
                    Family::CoreJetstreamServerMaxStorage,
                    totals.config.max_storage.value(),
                ),
            ],
        );
        let meta = totals.meta_cluster.as_ref();
        let Some(snapshot) = meta.and_then(|meta| meta.snapshot.as_ref()) else {
            return;
        };
        // Go's zero time is that many seconds before 1970; a group that never made one shows it there.
        let last = snapshot.last_time.nanos();
        let last = last.map(|nanos| nanos.div_euclid(NANOS_PER_SECOND));
        let last = i64::try_from(last.unwrap_or(0)).unwrap_or(i64::MAX);
        rows.row(
            &labels,
            &[
                self.cell(
                    Family::CoreJetstreamMetaSnapshotPendingEntries,
                    snapshot.pending_entries.value(),
                ),
                self.cell(
                    Family::CoreJetstreamMetaSnapshotPendingBytes,
                    snapshot.pending_size.value(),
                ),
                self.cell(
                    Family::CoreJetstreamMetaSnapshotLastDurationSeconds,
                    snapshot.last_duration.nanos(),
                ),
                self.cell(
                    Family::CoreJetstreamMetaSnapshotLastTimestampSeconds,
                    Value::I64(last),
                ),
            ],
        );
    }

    fn leads(&self, group: Option<&Group<'_>>) -> bool {
        group.is_none_or(|group| group.leader == self.context.broker_name)
    }

    /// Labels down to the stream.
    fn in_stream<'l>(
        &'l self,
        account: [(&'l str, &'l str); 2],
        stream: &'l str,
        leader: &'l str,
        group: &'l str,
    ) -> Labels<'l> {
        let mut labels = account.to_vec();
        labels.extend([
            ("cluster_name", self.context.nats_cluster.as_str()),
            ("raft_group", group),
            ("server_id", &self.context.server_id),
            ("server_name", &self.context.broker_name),
            ("stream", stream),
            ("stream_leader", leader),
        ]);
        labels
    }

    pub(super) fn stream(&self, stream: &Stream<'_>, rows: &mut dyn ForeignRows) {
        let (above, detail) = (stream.above, &stream.detail);
        let account = self.of_account(&above.account_id, &above.account_name);
        let leads = self.leads(detail.cluster.as_ref());
        self.stream_of_account(account, detail, leads, rows);
        let share = Share::Part(u64::from(leads));
        let family = Family::CoreJetstreamServerTotalStreamLeaders;
        rows.shared(&self.jetstream(), &[self.share(family, share)]);
        let Some(state) = &detail.state else {
            return;
        };
        let leader = detail.cluster.as_ref().map_or("", |group| &group.leader);
        let group = &detail.stream_raft_group;
        rows.row(
            &self.in_stream(account, &detail.name, leader, group),
            &[
                self.cell(Family::StreamTotalMessages, state.messages.value()),
                self.cell(Family::StreamTotalBytes, state.bytes.value()),
                self.cell(Family::StreamFirstSeq, state.first_seq.value()),
                self.cell(Family::StreamLastSeq, state.last_seq.value()),
                self.cell(Family::StreamConsumerCount, state.consumer_count.value()),
                self.cell(Family::StreamSubjectCount, state.num_subjects.value()),
            ],
        );
    }

    /// A stream may have no consumers, and a server may lead none.
    pub(super) fn consumers_of(&self, all: &Ephemerals<'_>, rows: &mut dyn ForeignRows) {
        let above = all.above;
        let account = self.of_account(&above.account_id, &above.account_name);
        let labels = [
            account[0],
            account[1],
            ("stream", all.stream),
            ("raft_group", &above.stream_raft_group),
        ];
        let family = Family::CoreAccountJetstreamConsumerCount;
        rows.shared(&labels, &[self.share(family, Share::Member(None))]);
        let family = Family::CoreJetstreamServerTotalConsumerLeaders;
        rows.shared(&self.jetstream(), &[self.share(family, Share::Part(0))]);
    }

    pub(super) fn consumer(&self, consumer: &Consumer<'_>, rows: &mut dyn ForeignRows) {
        let (above, detail) = (consumer.above, &consumer.detail);
        let account = self.of_account(&above.account_id, &above.account_name);
        let labels = [
            account[0],
            account[1],
            ("stream", consumer.stream),
            ("raft_group", &above.stream_raft_group),
        ];
        let member = Share::Member(Some(&detail.name));
        let family = Family::CoreAccountJetstreamConsumerCount;
        rows.shared(&labels, &[self.share(family, member)]);
        let leads = Share::Part(u64::from(self.leads(detail.cluster.as_ref())));
        let family = Family::CoreJetstreamServerTotalConsumerLeaders;
        rows.shared(&self.jetstream(), &[self.share(family, leads)]);

        let own = detail
            .cluster
            .as_ref()
            .map_or("", |group| &group.raft_group);
        let listed = above.consumer_raft_groups.get(detail.name.as_ref());
        let group = match own {
            "" => listed.map_or("", String::as_str),
            own => own,
        };
        let stream_leader = above.stream_leader.as_deref().unwrap_or("");
        let mut labels = self.in_stream(account, consumer.stream, stream_leader, group);
        let leader = detail.cluster.as_ref().map_or("", |group| &group.leader);
        labels.extend([
            ("consumer_name", detail.name.as_ref()),
            ("consumer_leader", leader),
        ]);
        let (delivered, floor) = (&detail.delivered, &detail.ack_floor);
        rows.row(
            &labels,
            &[
                self.cell(
                    Family::ConsumerDeliveredConsumerSeq,
                    delivered.consumer_seq.value(),
                ),
                self.cell(
                    Family::ConsumerDeliveredStreamSeq,
                    delivered.stream_seq.value(),
                ),
                self.cell(
                    Family::ConsumerNumAckPending,
                    detail.num_ack_pending.value(),
                ),
                self.cell(
                    Family::ConsumerNumRedelivered,
                    detail.num_redelivered.value(),
                ),
                self.cell(Family::ConsumerNumWaiting, detail.num_waiting.value()),
                self.cell(Family::ConsumerNumPending, detail.num_pending.value()),
                self.cell(Family::ConsumerAckFloorStreamSeq, floor.stream_seq.value()),
                self.cell(
                    Family::ConsumerAckFloorConsumerSeq,
                    floor.consumer_seq.value(),
                ),
            ],
        );
    }
}
