//! Servers: what that tool reads of `$SYS` server statistics stands in varz.

use super::table::Family;
use super::{View, int};
use crate::collect::raftz::RaftGroup;
use crate::collect::varz::{Jetstream, Meta, Varz};
use crate::collect::{Count, Moment};
use crate::state::{ForeignRows, Share, Value};

/// The meta group's name.
const META: &str = "_meta_";
/// In the place of a JetStream domain without a name.
const NO_DOMAIN: &str = "Default";

impl View<'_> {
    pub(super) fn server(&self, varz: &Varz<'_>, rows: &mut dyn ForeignRows) {
        let core = self.core();
        let count = |count: Option<Count>| count.unwrap_or_default().value();
        let uptime = varz.now.nanos().zip(varz.start.nanos());
        let uptime = uptime.map_or(0, |(now, start)| now - start);
        rows.row(
            &core,
            &[
                self.cell(Family::CoreStartTime, unix_nanos(varz.start)),
                self.cell(Family::CoreUptime, Value::Nanos(uptime)),
                self.cell(Family::CoreMemBytes, int(varz.mem)),
                self.cell(Family::CoreGoMemlimitBytes, int(varz.gomemlimit)),
                self.cell(Family::CoreCoreCount, int(varz.cores)),
                self.cell(
                    Family::CoreCpuPercentage,
                    Value::F64(varz.cpu.unwrap_or(0.0)),
                ),
                self.cell(Family::CoreConnectionCount, int(varz.connections)),
                self.cell(
                    Family::CoreTotalConnectionCount,
                    count(varz.total_connections),
                ),
                self.cell(Family::CoreSubsCount, int(varz.subscriptions)),
                self.cell(Family::CoreSentMsgsCount, count(varz.out_msgs)),
                self.cell(Family::CoreSentBytes, count(varz.out_bytes)),
                self.cell(Family::CoreRecvMsgsCount, count(varz.in_msgs)),
                self.cell(Family::CoreRecvBytes, count(varz.in_bytes)),
                self.cell(Family::CoreSlowConsumerCount, count(varz.slow_consumers)),
                self.cell(Family::CoreRouteCount, int(varz.routes)),
            ],
        );
        let [cluster, name, id] = core;
        let version = varz.version.as_ref();
        let labels = [cluster, name, id, ("server_version", version)];
        rows.row(&labels, &[self.cell(Family::CoreInfo, Value::U64(1))]);
        let config = varz.jetstream.config.as_ref();
        let domain = domain(config.map_or("", |config| &config.domain));
        let labels = [
            name,
            ("server_host", &varz.host),
            id,
            cluster,
            ("server_domain", domain),
            ("server_version", version),
            (
                "server_jetstream",
                if config.is_some() { "true" } else { "false" },
            ),
        ];
        rows.row(
            &labels,
            &[self.cell(Family::CoreJetstreamInfo, Value::U64(1))],
        );
        self.usage(&varz.jetstream, rows);
        if config.is_some() {
            self.meta(domain, varz.jetstream.meta.as_ref(), rows);
        }
    }

    fn usage(&self, jetstream: &Jetstream<'_>, rows: &mut dyn ForeignRows) {
        let labels = self.jetstream();
        let enabled = jetstream.config.is_some().into();
        rows.row(&labels, &[self.cell(Family::CoreJetstreamEnabled, enabled)]);
        if let Some(config) = &jetstream.config {
            rows.row(
                &labels,
                &[
                    self.cell(
                        Family::CoreJetstreamFilestoreSizeBytes,
                        config.max_storage.value(),
                    ),
                    self.cell(
                        Family::CoreJetstreamMemstoreSizeBytes,
                        config.max_memory.value(),
                    ),
                ],
            );
        }
        let Some(stats) = jetstream
            .stats
            .as_ref()
            .filter(|_| jetstream.config.is_some())
        else {
            return;
        };
        let count = |count: Option<Count>| count.unwrap_or_default().value();
        rows.row(
            &labels,
            &[
                self.cell(Family::CoreJetstreamFilestoreUsedBytes, int(stats.storage)),
                self.cell(
                    Family::CoreJetstreamFilestoreReservedBytes,
                    int(stats.reserved_storage),
                ),
                self.cell(Family::CoreJetstreamMemstoreUsedBytes, int(stats.memory)),
                self.cell(
                    Family::CoreJetstreamMemstoreReservedBytes,
                    int(stats.reserved_memory),
                ),
                self.cell(Family::CoreJetstreamAccounts, int(stats.accounts)),
                self.cell(Family::CoreJetstreamHaAssets, int(stats.ha_assets)),
                self.cell(Family::CoreJetstreamApiRequests, count(stats.api.total)),
                self.cell(Family::CoreJetstreamApiErrors, count(stats.api.errors)),
            ],
        );
    }

    /// The meta group as this server sees it.
    fn meta(&self, domain: &str, meta: Option<&Meta<'_>>, rows: &mut dyn ForeignRows) {
        let [id, name, cluster] = self.jetstream();
        let info = |domain, group, cluster, leader| {
            [
                ("jetstream_domain", domain),
                ("raft_group", group),
                id,
                name,
                ("cluster_name", cluster),
                ("leader", leader),
            ]
        };
        let family = Family::CoreJetstreamClusterRaftGroupInfo;
        let Some(meta) = meta else {
            let cell = self.cell(family, Value::U64(0));
            rows.row(&info("", "", "", ""), &[cell]);
            return;
        };
        let labels = info(domain, META, &meta.name, &meta.leader);
        rows.row(&labels, &[self.cell(family, Value::U64(1))]);
        let leads = meta.leader == self.context.broker_name;
        rows.row(
            &[id, name, cluster],
            &[
                self.cell(Family::CoreJetstreamApiPending, int(meta.pending)),
                self.cell(
                    Family::CoreJetstreamClusterRaftGroupSize,
                    int(meta.cluster_size),
                ),
                self.cell(Family::CoreJetstreamClusterRaftGroupLeader, leads.into()),
                self.cell(
                    Family::CoreJetstreamClusterRaftGroupReplicas,
                    Value::U64(meta.replicas.len() as u64),
                ),
            ],
        );
        for peer in &meta.replicas {
            rows.row(
                &[id, name, ("peer", &peer.name), cluster],
                &[
                    self.cell(
                        Family::CoreJetstreamClusterRaftGroupReplicaPeerActive,
                        peer.active.value(),
                    ),
                    self.cell(
                        Family::CoreJetstreamClusterRaftGroupReplicaPeerCurrent,
                        peer.current.into(),
                    ),
                    self.cell(
                        Family::CoreJetstreamClusterRaftGroupReplicaPeerOffline,
                        peer.offline.into(),
                    ),
                ],
            );
        }
    }

    /// That tool gives these three families the values of other labels: the cluster as `server_id`, the id as
    /// `cluster_name`. Dashboards were made with that.
    pub(super) fn meta_group(&self, group: &RaftGroup<'_>, rows: &mut dyn ForeignRows) {
        if group.group != META {
            return;
        }
        let labels = [
            ("server_id", self.context.nats_cluster.as_str()),
            ("server_name", &self.context.broker_name),
            ("cluster_name", &self.context.server_id),
        ];
        let detail = &group.detail;
        rows.row(
            &labels,
            &[
                self.cell(Family::CoreRaftzMetaCommitted, detail.committed.value()),
                self.cell(Family::CoreRaftzMetaApplied, detail.applied.value()),
                self.cell(Family::CoreRaftzMetaPindex, detail.pindex.value()),
            ],
        );
    }

    /// An account counts as active where it has clients or leaf nodes.
    pub(super) fn active_account(&self, is_active: bool, rows: &mut dyn ForeignRows) {
        let share = Share::Part(u64::from(is_active));
        rows.shared(
            &self.core(),
            &[self.share(Family::CoreActiveAccountCount, share)],
        );
    }
}

fn domain(name: &str) -> &str {
    if name.is_empty() { NO_DOMAIN } else { name }
}

/// Nanoseconds since 1970, as a number.
fn unix_nanos(time: Moment) -> Value<'static> {
    let nanos = time.nanos().unwrap_or(0);
    Value::I64(i64::try_from(nanos).unwrap_or(i64::MAX))
}
