//! `/varz`: identity, settings, totals and JetStream of one server.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::number::null_is_empty;
use super::peers::account_or_global;
use super::splitter::{Root, Splitter};
use super::table::{cells, emit, flag, info, one};
use super::{Alone, always, decode, never_absent, never_idle, ok};
use super::{
    BodyMax, Collector, Configured, ConfiguredLeaf, ConfiguredRoute, Context, Count, DecodeError,
    Extra, Facts, Int, Lane, Moment, PEERS_MAX, PeerAddress, Record, Records, Sizes, Spec, Version,
};
use crate::catalog::{Metric, Origin};
use crate::state::{EntityKind, Rows, Value};

/// The collector of this endpoint.
pub static SPECS: &[Spec] = &[Spec {
    name: "varz",
    origin: Origin::Varz,
    handler: "/varz",
    interval_min: Duration::ZERO,
    idle: never_idle,
    lane: Lane::Light,
    accept: ok,
    absent: never_absent,
    wanted: always,
    make: |_| {
        Box::new(Decoder {
            splitter: Splitter::new(&[]),
            facts: Facts::default(),
        })
    },
}];

type Text<'a> = Cow<'a, str>;

/// The answer of `/varz` (nats-server `server/monitor.go`, type `Varz`).
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Varz<'a> {
    #[serde(borrow)]
    pub server_id: Text<'a>,
    #[serde(borrow, default)]
    pub server_name: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(default)]
    pub proto: Int,
    #[serde(borrow, default)]
    pub git_commit: Text<'a>,
    #[serde(borrow, default)]
    pub go: Text<'a>,
    #[serde(borrow, default)]
    pub host: Text<'a>,
    #[serde(default)]
    pub port: Int,
    #[serde(default)]
    pub auth_required: bool,
    #[serde(default)]
    pub tls_required: bool,
    #[serde(default)]
    pub tls_verify: bool,
    #[serde(default)]
    pub tls_ocsp_peer_verify: bool,
    #[serde(borrow, default)]
    pub ip: Text<'a>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub connect_urls: Vec<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub ws_connect_urls: Vec<Text<'a>>,
    pub max_connections: Option<Int>,
    pub max_subscriptions: Option<Int>,
    pub ping_interval: Option<Int>,
    pub ping_max: Option<Int>,
    #[serde(borrow, default)]
    pub http_host: Text<'a>,
    #[serde(default)]
    pub http_port: Int,
    #[serde(borrow, default)]
    pub http_base_path: Text<'a>,
    #[serde(default)]
    pub https_port: Int,
    pub auth_timeout: Option<f64>,
    pub max_control_line: Option<Int>,
    pub max_payload: Option<Int>,
    pub max_pending: Option<Int>,
    #[serde(borrow, default)]
    pub cluster: Cluster<'a>,
    #[serde(borrow, default)]
    pub gateway: Gateway<'a>,
    #[serde(borrow, default)]
    pub leaf: Leaf<'a>,
    #[serde(borrow, default)]
    pub mqtt: Mqtt<'a>,
    #[serde(borrow, default)]
    pub websocket: Websocket<'a>,
    #[serde(borrow, default)]
    pub jetstream: Jetstream<'a>,
    pub tls_timeout: Option<f64>,
    pub write_deadline: Option<Int>,
    #[serde(borrow, default)]
    pub write_timeout: Text<'a>,
    pub start: Moment,
    #[serde(default)]
    pub now: Moment,
    pub mem: Option<Int>,
    pub cores: Option<Int>,
    pub gomaxprocs: Option<Int>,
    pub gomemlimit: Option<Int>,
    pub cpu: Option<f64>,
    pub connections: Option<Int>,
    pub total_connections: Option<Count>,
    pub routes: Option<Int>,
    pub remotes: Option<Int>,
    pub leafnodes: Option<Int>,
    pub in_msgs: Option<Count>,
    pub out_msgs: Option<Count>,
    pub in_bytes: Option<Count>,
    pub out_bytes: Option<Count>,
    pub in_client_msgs: Option<Count>,
    pub out_client_msgs: Option<Count>,
    pub in_client_bytes: Option<Count>,
    pub out_client_bytes: Option<Count>,
    pub slow_consumers: Option<Count>,
    pub stale_connections: Option<Count>,
    pub stalled_clients: Option<Count>,
    pub subscriptions: Option<Int>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub http_req_stats: BTreeMap<Text<'a>, Count>,
    #[serde(default)]
    pub config_load_time: Moment,
    #[serde(borrow, default)]
    pub config_digest: Text<'a>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub tags: Vec<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub metadata: BTreeMap<Text<'a>, Text<'a>>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub feature_flags: BTreeMap<Text<'a>, bool>,
    #[serde(borrow, default)]
    pub system_account: Text<'a>,
    #[serde(default)]
    pub pinned_account_fails: Count,
    #[serde(borrow)]
    pub ocsp_peer_cache: Option<OcspCache<'a>>,
    pub slow_consumer_stats: Option<ByKind>,
    pub stale_connection_stats: Option<ByKind>,
    #[serde(borrow, default)]
    pub proxies: Proxies<'a>,
    pub disk_io_wait_stats: Option<DiskWaits>,
    #[serde(default)]
    pub tls_cert_not_after: Moment,
    /// The whole answer, for the view that makes a family of every number in it.
    #[serde(skip)]
    pub body: &'a [u8],
}

/// `cluster` of varz; `{}` outside a cluster.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Cluster<'a> {
    #[serde(borrow, default)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub addr: Text<'a>,
    #[serde(default)]
    pub cluster_port: Int,
    pub auth_timeout: Option<f64>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub urls: Vec<Text<'a>>,
    pub tls_timeout: Option<f64>,
    #[serde(default)]
    pub tls_required: bool,
    #[serde(default)]
    pub tls_verify: bool,
    pub pool_size: Option<Int>,
    pub write_deadline: Option<Int>,
    #[serde(borrow, default)]
    pub write_timeout: Text<'a>,
    #[serde(default)]
    pub tls_cert_not_after: Moment,
}

/// `gateway` of varz; `{}` where gateways are off.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Gateway<'a> {
    #[serde(borrow, default)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub host: Text<'a>,
    #[serde(default)]
    pub port: Int,
    pub auth_timeout: Option<f64>,
    pub tls_timeout: Option<f64>,
    #[serde(default)]
    pub tls_required: bool,
    #[serde(default)]
    pub tls_verify: bool,
    #[serde(borrow, default)]
    pub advertise: Text<'a>,
    pub connect_retries: Option<Int>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub gateways: Vec<RemoteGateway<'a>>,
    #[serde(default)]
    pub reject_unknown: bool,
    pub write_deadline: Option<Int>,
    #[serde(borrow, default)]
    pub write_timeout: Text<'a>,
    #[serde(default)]
    pub tls_cert_not_after: Moment,
}

/// A configured gateway.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct RemoteGateway<'a> {
    #[serde(borrow, default)]
    pub name: Text<'a>,
    pub tls_timeout: Option<f64>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub urls: Vec<Text<'a>>,
}

/// `leaf` of varz; `{}` where leaf nodes are off.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Leaf<'a> {
    #[serde(borrow, default)]
    pub host: Text<'a>,
    #[serde(default)]
    pub port: Int,
    pub auth_timeout: Option<f64>,
    pub tls_timeout: Option<f64>,
    #[serde(default)]
    pub tls_required: bool,
    #[serde(default)]
    pub tls_verify: bool,
    #[serde(default)]
    pub tls_ocsp_peer_verify: bool,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub remotes: Vec<RemoteLeaf<'a>>,
    pub write_deadline: Option<Int>,
    #[serde(borrow, default)]
    pub write_timeout: Text<'a>,
    #[serde(default)]
    pub tls_cert_not_after: Moment,
}

/// A configured leaf node remote.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct RemoteLeaf<'a> {
    #[serde(borrow, default)]
    pub local_account: Text<'a>,
    pub tls_timeout: Option<f64>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub urls: Vec<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub deny: Deny<'a>,
    #[serde(default)]
    pub tls_ocsp_peer_verify: bool,
}

/// Subjects that a leaf node remote may not pass on.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Deny<'a> {
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub exports: Vec<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub imports: Vec<Text<'a>>,
}

/// `mqtt` of varz; `{}` where MQTT is off.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Mqtt<'a> {
    #[serde(borrow, default)]
    pub host: Text<'a>,
    #[serde(default)]
    pub port: Int,
    #[serde(borrow, default)]
    pub no_auth_user: Text<'a>,
    pub auth_timeout: Option<f64>,
    #[serde(default)]
    pub tls_map: bool,
    pub tls_timeout: Option<f64>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub tls_pinned_certs: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub js_domain: Text<'a>,
    pub ack_wait: Option<Int>,
    pub max_ack_pending: Option<Int>,
    #[serde(default)]
    pub tls_ocsp_peer_verify: bool,
    #[serde(default)]
    pub tls_cert_not_after: Moment,
}

/// `websocket` of varz; `{}` where websockets are off.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Websocket<'a> {
    #[serde(borrow, default)]
    pub host: Text<'a>,
    #[serde(default)]
    pub port: Int,
    #[serde(borrow, default)]
    pub advertise: Text<'a>,
    #[serde(borrow, default)]
    pub no_auth_user: Text<'a>,
    #[serde(borrow, default)]
    pub jwt_cookie: Text<'a>,
    pub handshake_timeout: Option<Int>,
    pub auth_timeout: Option<f64>,
    #[serde(default)]
    pub no_tls: bool,
    #[serde(default)]
    pub tls_map: bool,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub tls_pinned_certs: Vec<Text<'a>>,
    #[serde(default)]
    pub same_origin: bool,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub allowed_origins: Vec<Text<'a>>,
    #[serde(default)]
    pub compression: bool,
    #[serde(default)]
    pub tls_ocsp_peer_verify: bool,
    #[serde(default)]
    pub tls_cert_not_after: Moment,
}

/// `ocsp_peer_cache` of varz.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct OcspCache<'a> {
    #[serde(borrow, default)]
    pub cache_type: Text<'a>,
    #[serde(default)]
    pub cache_hits: Count,
    #[serde(default)]
    pub cache_misses: Count,
    #[serde(default)]
    pub cached_responses: Int,
    #[serde(default)]
    pub cached_revoked_responses: Int,
    #[serde(default)]
    pub cached_good_responses: Int,
    #[serde(default)]
    pub cached_unknown_responses: Int,
}

/// Counts by kind of connection.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct ByKind {
    #[serde(default)]
    pub clients: Count,
    #[serde(default)]
    pub routes: Count,
    #[serde(default)]
    pub gateways: Count,
    #[serde(default)]
    pub leafs: Count,
}

/// `proxies` of varz.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Proxies<'a> {
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub trusted: Vec<Proxy<'a>>,
}

/// A trusted proxy.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Proxy<'a> {
    #[serde(borrow, default)]
    pub key: Text<'a>,
}

/// `disk_io_wait_stats` of varz.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct DiskWaits {
    #[serde(default)]
    pub waiters: Int,
    #[serde(default)]
    pub waits: Count,
    #[serde(default)]
    pub wait_time: Count,
    #[serde(default)]
    pub max_wait_time: Int,
}

/// `jetstream` of varz; `{}` where JetStream is off.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Jetstream<'a> {
    #[serde(borrow)]
    pub config: Option<JetstreamConfig<'a>>,
    pub stats: Option<JetstreamStats>,
    #[serde(borrow)]
    pub meta: Option<Meta<'a>>,
}

/// `jetstream.config` of varz.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct JetstreamConfig<'a> {
    #[serde(default)]
    pub max_memory: Int,
    #[serde(default)]
    pub max_storage: Int,
    #[serde(borrow, default)]
    pub store_dir: Text<'a>,
    #[serde(borrow, default)]
    pub domain: Text<'a>,
    #[serde(default)]
    pub compress_ok: bool,
    pub sync_interval: Option<Int>,
    #[serde(default)]
    pub sync_always: bool,
    #[serde(borrow, default)]
    pub unique_tag: Text<'a>,
    #[serde(default)]
    pub strict: bool,
}

/// `jetstream.stats` of varz.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct JetstreamStats {
    pub memory: Option<Int>,
    pub storage: Option<Int>,
    pub reserved_memory: Option<Int>,
    pub reserved_storage: Option<Int>,
    pub accounts: Option<Int>,
    pub ha_assets: Option<Int>,
    #[serde(default)]
    pub api: JetstreamApi,
}

/// `api` of JetStream's statistics.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct JetstreamApi {
    pub total: Option<Count>,
    pub errors: Option<Count>,
    /// Left out when zero.
    #[serde(default)]
    pub inflight: Int,
    pub level: Option<Int>,
}

/// `jetstream.meta` of varz: the meta group by this server's view.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Meta<'a> {
    #[serde(borrow, default)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub leader: Text<'a>,
    #[serde(borrow, default)]
    pub peer: Text<'a>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub replicas: Vec<Peer<'a>>,
    pub cluster_size: Option<Int>,
    pub pending: Option<Int>,
    pub pending_requests: Option<Int>,
    pub pending_infos: Option<Int>,
    pub quorum_needed: Option<Int>,
    /// Left out when false.
    #[serde(default)]
    pub rescue: bool,
    pub snapshot: Option<MetaSnapshot>,
}

/// A member of a raft group.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Peer<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    pub current: bool,
    /// Left out when false.
    #[serde(default)]
    pub offline: bool,
    /// Nanoseconds since the last contact.
    #[serde(default)]
    pub active: Int,
    /// Left out when zero.
    #[serde(default)]
    pub lag: Int,
    #[serde(borrow, default)]
    pub peer: Text<'a>,
    /// Left out when false; 2.15.
    #[serde(default)]
    pub pending: bool,
}

/// `snapshot` of the meta group.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct MetaSnapshot {
    #[serde(default)]
    pub pending_entries: Int,
    #[serde(default)]
    pub pending_size: Int,
    #[serde(default)]
    pub last_time: Moment,
    #[serde(default)]
    pub last_duration: Int,
}

const SERVER: cells!(Varz<'_>) = &[
    (Metric::ServerStartTime, |v| v.start.value()),
    (Metric::ServerClock, |v| v.now.value()),
    (Metric::ServerConfigLoad, |v| v.config_load_time.value()),
    (Metric::ServerCpuCores, |v| {
        v.cpu.map(|percent| Value::F64(percent / 100.0))
    }),
    (Metric::ServerCpus, |v| v.cores.map(Int::value)),
    (Metric::ServerGomaxprocs, |v| v.gomaxprocs.map(Int::value)),
    (Metric::ServerMemory, |v| v.mem.map(Int::value)),
    (Metric::GoMemoryLimit, |v| v.gomemlimit.map(Int::value)),
    (Metric::ServerConnections, |v| v.connections.map(Int::value)),
    (Metric::ServerConnectionsOpened, |v| {
        v.total_connections.map(Count::value)
    }),
    (Metric::ServerRoutes, |v| v.routes.map(Int::value)),
    (Metric::ServerRemotes, |v| v.remotes.map(Int::value)),
    (Metric::ServerLeafnodes, |v| v.leafnodes.map(Int::value)),
    (Metric::ServerSubscriptions, |v| {
        v.subscriptions.map(Int::value)
    }),
    (Metric::ServerInMessages, |v| v.in_msgs.map(Count::value)),
    (Metric::ServerOutMessages, |v| v.out_msgs.map(Count::value)),
    (Metric::ServerInBytes, |v| v.in_bytes.map(Count::value)),
    (Metric::ServerOutBytes, |v| v.out_bytes.map(Count::value)),
    (Metric::ServerClientInMessages, |v| {
        v.in_client_msgs.map(Count::value)
    }),
    (Metric::ServerClientOutMessages, |v| {
        v.out_client_msgs.map(Count::value)
    }),
    (Metric::ServerClientInBytes, |v| {
        v.in_client_bytes.map(Count::value)
    }),
    (Metric::ServerClientOutBytes, |v| {
        v.out_client_bytes.map(Count::value)
    }),
    (Metric::ServerSlowConsumerEvents, |v| {
        v.slow_consumers.map(Count::value)
    }),
    (Metric::ServerStaleConnectionEvents, |v| {
        v.stale_connections.map(Count::value)
    }),
    (Metric::ServerStalledClients, |v| {
        v.stalled_clients.map(Count::value)
    }),
    (Metric::ServerPinnedAccountFailures, |v| {
        Some(v.pinned_account_fails.value())
    }),
    (Metric::ServerMaxConnections, |v| {
        v.max_connections.map(Int::value)
    }),
    (Metric::ServerMaxSubscriptions, |v| {
        v.max_subscriptions.map(Int::value)
    }),
    (Metric::ServerMaxPayload, |v| v.max_payload.map(Int::value)),
    (Metric::ServerMaxPending, |v| v.max_pending.map(Int::value)),
    (Metric::ServerMaxControlLine, |v| {
        v.max_control_line.map(Int::value)
    }),
    (Metric::ServerPingInterval, |v| {
        v.ping_interval.map(Int::nanos)
    }),
    (Metric::ServerPingMax, |v| v.ping_max.map(Int::value)),
    (Metric::ClusterPoolSize, |v| {
        v.cluster.pool_size.map(Int::value)
    }),
    (Metric::GatewayConnectRetries, |v| {
        v.gateway.connect_retries.map(Int::value)
    }),
    (Metric::MqttAckWait, |v| v.mqtt.ack_wait.map(Int::nanos)),
    (Metric::MqttMaxAckPending, |v| {
        v.mqtt.max_ack_pending.map(Int::value)
    }),
];

const DISK_WAITS: cells!(DiskWaits) = &[
    (Metric::ServerDiskWaiters, |d| Some(d.waiters.value())),
    (Metric::ServerDiskWaits, |d| Some(d.waits.value())),
    (Metric::ServerDiskWaitTime, |d| Some(d.wait_time.nanos())),
    (Metric::ServerDiskWaitMax, |d| Some(d.max_wait_time.nanos())),
];

const JETSTREAM_CONFIG: cells!(JetstreamConfig<'_>) = &[
    (Metric::JetstreamMemoryLimit, |c| Some(c.max_memory.value())),
    (Metric::JetstreamStorageLimit, |c| {
        Some(c.max_storage.value())
    }),
    (Metric::JetstreamSyncInterval, |c| {
        c.sync_interval.map(Int::nanos)
    }),
];

const JETSTREAM_STATS: cells!(JetstreamStats) = &[
    (Metric::JetstreamMemoryUsed, |s| s.memory.map(Int::value)),
    (Metric::JetstreamStorageUsed, |s| s.storage.map(Int::value)),
    (Metric::JetstreamMemoryReserved, |s| {
        s.reserved_memory.map(Int::value)
    }),
    (Metric::JetstreamStorageReserved, |s| {
        s.reserved_storage.map(Int::value)
    }),
    (Metric::JetstreamAccounts, |s| s.accounts.map(Int::value)),
    (Metric::JetstreamHaAssets, |s| s.ha_assets.map(Int::value)),
    (Metric::JetstreamApiLevel, |s| s.api.level.map(Int::value)),
    (Metric::JetstreamApiRequests, |s| {
        s.api.total.map(Count::value)
    }),
    (Metric::JetstreamApiErrors, |s| {
        s.api.errors.map(Count::value)
    }),
    (Metric::JetstreamApiInflight, |s| {
        Some(s.api.inflight.value())
    }),
];

const META: cells!(Meta<'_>) = &[
    (Metric::MetaHasLeader, |m| {
        Some((!m.leader.is_empty()).into())
    }),
    (Metric::MetaClusterSize, |m| m.cluster_size.map(Int::value)),
    (Metric::MetaQuorum, |m| m.quorum_needed.map(Int::value)),
    (Metric::MetaRescue, |m| {
        m.quorum_needed.map(|_| m.rescue.into())
    }),
    (Metric::MetaPending, |m| m.pending.map(Int::value)),
];

pub(super) const META_SNAPSHOT: cells!(MetaSnapshot) = &[
    (Metric::MetaSnapshotEntries, |s| {
        Some(s.pending_entries.value())
    }),
    (Metric::MetaSnapshotBytes, |s| Some(s.pending_size.value())),
    (Metric::MetaSnapshotTime, |s| s.last_time.value()),
    (Metric::MetaSnapshotDuration, |s| {
        Some(s.last_duration.nanos())
    }),
];

const META_REPLICA: cells!(Peer<'_>) = &[
    (Metric::MetaReplicaCurrent, |p| Some(p.current.into())),
    (Metric::MetaReplicaOffline, |p| Some(p.offline.into())),
    (Metric::MetaReplicaActive, |p| Some(p.active.nanos())),
    (Metric::MetaReplicaLag, |p| Some(p.lag.value())),
];

/// Paths that the broker counts (reference: `http_req_stats`); one that it has not served yet is left out there.
const COUNTED_PATHS: &[&str] = &[
    "/",
    "/varz",
    "/connz",
    "/routez",
    "/gatewayz",
    "/leafz",
    "/subsz",
    "/accountz",
    "/accstatz",
    "/jsz",
    "/healthz",
];

impl Varz<'_> {
    /// What other collectors need to know of the server. `name` is the configured name, if any; `fallback` is used when
    /// the broker gives no name of its own either.
    pub fn context(&self, name: Option<&str>, fallback: &str, sizes: Sizes) -> Context {
        let own = if self.server_name == self.server_id {
            ""
        } else {
            self.server_name.as_ref()
        };
        let shown = name.unwrap_or(if own.is_empty() { fallback } else { own });
        Context {
            server_name: shown.to_owned(),
            nats_cluster: self.cluster.name.to_string(),
            broker_name: if self.server_name.is_empty() {
                &self.server_id
            } else {
                &self.server_name
            }
            .to_string(),
            server_id: self.server_id.to_string(),
            version: Version::parse(&self.version),
            started: self.start.nanos(),
            now: self.now.nanos(),
            sizes: Sizes {
                connections: self.connections.map_or(0, unsigned),
                connections_opened: self.total_connections.map_or(0, Count::or_zero),
                alone: self.alone(),
                ..sizes
            },
            extra: Extra::default(),
            configured: Arc::new(self.configured()),
            accounts: Arc::default(),
            body_max: BodyMax::default(),
        }
    }

    /// What neither the counts nor the configuration tell of. Blocks that are not configured are `{}`.
    fn alone(&self) -> Alone {
        let none = |count: Option<Int>| count.is_some_and(|count| unsigned(count) == 0);
        let (cluster, gateway, leaf) = (&self.cluster, &self.gateway, &self.leaf);
        Alone {
            routes: none(self.routes) && cluster.name.is_empty() && cluster.urls.is_empty(),
            gateways: gateway.name.is_empty() && gateway.gateways.is_empty(),
            leafs: none(self.leafnodes)
                && unsigned(leaf.port) == 0
                && leaf.host.is_empty()
                && leaf.remotes.is_empty(),
        }
    }

    /// Other servers that the configuration names, as far as they are not this one.
    fn configured(&self) -> Configured {
        let urls = |urls: &[Text<'_>]| -> Vec<String> {
            urls.iter()
                .map(|url| without_user(url).to_owned())
                .collect()
        };
        let others = self.gateway.gateways.iter().map(|remote| &remote.name);
        Configured {
            routes: ConfiguredRoute::others(
                &urls(&self.cluster.urls),
                &self.server_name,
                &self.cluster.addr,
                self.cluster.cluster_port,
            ),
            gateways: others
                .filter(|name| **name != self.gateway.name)
                .map(|name| name.to_string())
                .collect(),
            leafs: self
                .leaf
                .remotes
                .iter()
                .map(|remote| ConfiguredLeaf {
                    account: account_or_global(&remote.local_account).to_owned(),
                    urls: urls(&remote.urls),
                })
                .collect(),
        }
    }

    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        self.identity(rows);
        emit(rows, EntityKind::Server, &[], SERVER, self);
        self.by_kind(rows);
        for path in COUNTED_PATHS {
            let count = self.http_req_stats.get(*path).copied().unwrap_or_default();
            one(
                rows,
                &[("path", path)],
                Metric::ServerHttpRequests,
                count.value(),
            );
        }
        for (path, count) in &self.http_req_stats {
            if !COUNTED_PATHS.contains(&path.as_ref()) {
                one(
                    rows,
                    &[("path", path)],
                    Metric::ServerHttpRequests,
                    count.value(),
                );
            }
        }
        self.listeners(rows);
        self.certificates(rows);
        self.remotes(rows);
        self.lists(rows);
        self.jetstream(context, rows);
    }

    fn identity(&self, rows: &mut dyn Rows) {
        let protocol = self.proto.0.to_string();
        info(
            rows,
            &[
                ("server_id", &self.server_id),
                ("version", &self.version),
                ("go_version", &self.go),
                ("git_commit", &self.git_commit),
                ("protocol", &protocol),
                ("system_account", &self.system_account),
            ],
            Metric::ServerInfo,
        );
        if !self.config_digest.is_empty() {
            info(
                rows,
                &[("digest", &self.config_digest)],
                Metric::ServerConfigInfo,
            );
        }
    }

    fn by_kind(&self, rows: &mut dyn Rows) {
        match (&self.slow_consumer_stats, self.slow_consumers) {
            (Some(stats), _) => stats.rows(Metric::ServerSlowConsumers, rows),
            // 2.9 counts all kinds together.
            (None, Some(count)) => one(
                rows,
                &[("kind", "any")],
                Metric::ServerSlowConsumers,
                count.value(),
            ),
            (None, None) => {}
        }
        if let Some(stats) = &self.stale_connection_stats {
            stats.rows(Metric::ServerStaleConnections, rows);
        } else if self.stale_connections.is_some() {
            ByKind::default().rows(Metric::ServerStaleConnections, rows);
        }
        if let Some(waits) = &self.disk_io_wait_stats {
            emit(rows, EntityKind::Server, &[], DISK_WAITS, waits);
        }
        let Some(cache) = &self.ocsp_peer_cache else {
            return;
        };
        info(rows, &[("kind", &cache.cache_type)], Metric::OcspCacheInfo);
        one(rows, &[], Metric::OcspCacheHits, cache.cache_hits.value());
        one(
            rows,
            &[],
            Metric::OcspCacheMisses,
            cache.cache_misses.value(),
        );
        for (status, count) in [
            ("any", cache.cached_responses),
            ("revoked", cache.cached_revoked_responses),
            ("good", cache.cached_good_responses),
            ("unknown", cache.cached_unknown_responses),
        ] {
            one(
                rows,
                &[("status", status)],
                Metric::OcspCacheResponses,
                count.value(),
            );
        }
    }

    fn listeners(&self, rows: &mut dyn Rows) {
        self.client_listeners(rows);
        self.server_listeners(rows);
        let mqtt = &self.mqtt;
        if !mqtt.host.is_empty() || mqtt.port.0 != 0 {
            listener(
                rows,
                "mqtt",
                mqtt.port,
                &[
                    ("host", &mqtt.host),
                    ("tls_map", flag(mqtt.tls_map)),
                    ("ocsp_peer_verify", flag(mqtt.tls_ocsp_peer_verify)),
                    ("no_auth_user", &mqtt.no_auth_user),
                    ("js_domain", &mqtt.js_domain),
                ],
            );
            timeouts(rows, "mqtt", mqtt.auth_timeout, mqtt.tls_timeout, None);
        }
        let ws = &self.websocket;
        if !ws.host.is_empty() || ws.port.0 != 0 {
            listener(
                rows,
                "websocket",
                ws.port,
                &[
                    ("host", &ws.host),
                    ("advertise", &ws.advertise),
                    ("tls_map", flag(ws.tls_map)),
                    ("no_tls", flag(ws.no_tls)),
                    ("ocsp_peer_verify", flag(ws.tls_ocsp_peer_verify)),
                    ("same_origin", flag(ws.same_origin)),
                    ("compression", flag(ws.compression)),
                    ("no_auth_user", &ws.no_auth_user),
                    ("jwt_cookie", &ws.jwt_cookie),
                ],
            );
            timeouts(rows, "websocket", ws.auth_timeout, None, None);
            if let Some(timeout) = ws.handshake_timeout {
                one(
                    rows,
                    &[("listener", "websocket")],
                    Metric::ListenerHandshakeTimeout,
                    timeout.nanos(),
                );
            }
        }
        for (name, certificates) in [
            ("mqtt", &mqtt.tls_pinned_certs),
            ("websocket", &ws.tls_pinned_certs),
        ] {
            for hash in certificates {
                info(
                    rows,
                    &[("listener", name), ("sha256", hash)],
                    Metric::PinnedCertificateInfo,
                );
            }
        }
    }

    fn client_listeners(&self, rows: &mut dyn Rows) {
        listener(
            rows,
            "client",
            self.port,
            &[
                ("host", &self.host),
                ("ip", &self.ip),
                ("auth_required", flag(self.auth_required)),
                ("tls_required", flag(self.tls_required)),
                ("tls_verify", flag(self.tls_verify)),
                ("ocsp_peer_verify", flag(self.tls_ocsp_peer_verify)),
                ("write_timeout", &self.write_timeout),
            ],
        );
        timeouts(
            rows,
            "client",
            self.auth_timeout,
            self.tls_timeout,
            self.write_deadline,
        );
        for (name, port) in [
            ("monitor", self.http_port),
            ("monitor_tls", self.https_port),
        ] {
            if port.0 != 0 {
                listener(
                    rows,
                    name,
                    port,
                    &[
                        ("host", &self.http_host),
                        ("base_path", &self.http_base_path),
                    ],
                );
            }
        }
    }

    fn server_listeners(&self, rows: &mut dyn Rows) {
        let cluster = &self.cluster;
        if !cluster.name.is_empty() {
            listener(
                rows,
                "cluster",
                cluster.cluster_port,
                &[
                    ("host", &cluster.addr),
                    ("tls_required", flag(cluster.tls_required)),
                    ("tls_verify", flag(cluster.tls_verify)),
                    ("write_timeout", &cluster.write_timeout),
                ],
            );
            timeouts(
                rows,
                "cluster",
                cluster.auth_timeout,
                cluster.tls_timeout,
                cluster.write_deadline,
            );
        }
        let gateway = &self.gateway;
        if !gateway.name.is_empty() {
            listener(
                rows,
                "gateway",
                gateway.port,
                &[
                    ("name", &gateway.name),
                    ("host", &gateway.host),
                    ("advertise", &gateway.advertise),
                    ("tls_required", flag(gateway.tls_required)),
                    ("tls_verify", flag(gateway.tls_verify)),
                    ("reject_unknown", flag(gateway.reject_unknown)),
                    ("write_timeout", &gateway.write_timeout),
                ],
            );
            timeouts(
                rows,
                "gateway",
                gateway.auth_timeout,
                gateway.tls_timeout,
                gateway.write_deadline,
            );
        }
        let leaf = &self.leaf;
        if !leaf.host.is_empty() || leaf.port.0 != 0 {
            listener(
                rows,
                "leafnode",
                leaf.port,
                &[
                    ("host", &leaf.host),
                    ("tls_required", flag(leaf.tls_required)),
                    ("tls_verify", flag(leaf.tls_verify)),
                    ("ocsp_peer_verify", flag(leaf.tls_ocsp_peer_verify)),
                    ("write_timeout", &leaf.write_timeout),
                ],
            );
        }
        timeouts(
            rows,
            "leafnode",
            leaf.auth_timeout,
            leaf.tls_timeout,
            leaf.write_deadline,
        );
    }

    fn certificates(&self, rows: &mut dyn Rows) {
        for (listener, expiry) in [
            ("client", self.tls_cert_not_after),
            ("cluster", self.cluster.tls_cert_not_after),
            ("gateway", self.gateway.tls_cert_not_after),
            ("leafnode", self.leaf.tls_cert_not_after),
            ("mqtt", self.mqtt.tls_cert_not_after),
            ("websocket", self.websocket.tls_cert_not_after),
        ] {
            if let Some(time) = expiry.value() {
                let labels = [("listener", listener)];
                one(rows, &labels, Metric::TlsCertificateNotAfter, time);
            }
        }
    }

    fn remotes(&self, rows: &mut dyn Rows) {
        let mut urls = |purpose: &str, remote: &str, urls: &[Text<'_>]| {
            for url in urls {
                info(
                    rows,
                    &[
                        ("use", purpose),
                        ("remote", remote),
                        ("url", without_user(url)),
                    ],
                    Metric::ServerUrlInfo,
                );
            }
        };
        urls("client", "", &self.connect_urls);
        urls("websocket", "", &self.ws_connect_urls);
        urls("route", "", &self.cluster.urls);
        for gateway in &self.gateway.gateways {
            urls("gateway", &gateway.name, &gateway.urls);
        }
        for (place, leaf) in self.leaf.remotes.iter().enumerate() {
            urls("leafnode", &place.to_string(), &leaf.urls);
        }
        for gateway in &self.gateway.gateways {
            let labels = [("use", "gateway"), ("remote", gateway.name.as_ref())];
            remote(rows, &labels, gateway.tls_timeout);
        }
        for (place, leaf) in self.leaf.remotes.iter().enumerate() {
            let place = place.to_string();
            let labels = [
                ("use", "leafnode"),
                ("remote", place.as_str()),
                ("account", leaf.local_account.as_ref()),
            ];
            let checked = ("ocsp_peer_verify", flag(leaf.tls_ocsp_peer_verify));
            info(
                rows,
                &[labels[0], labels[1], labels[2], checked],
                Metric::ServerRemoteInfo,
            );
            if let Some(timeout) = leaf.tls_timeout {
                one(rows, &labels, Metric::RemoteTlsTimeout, Value::F64(timeout));
            }
            for (direction, subjects) in [
                ("export", &leaf.deny.exports),
                ("import", &leaf.deny.imports),
            ] {
                for subject in subjects {
                    let labels = [
                        labels[1],
                        labels[2],
                        ("direction", direction),
                        ("subject", subject.as_ref()),
                    ];
                    info(rows, &labels, Metric::RemoteDenyInfo);
                }
            }
        }
    }

    fn lists(&self, rows: &mut dyn Rows) {
        for tag in &self.tags {
            info(rows, &[("tag", tag)], Metric::ServerTagInfo);
        }
        for (key, value) in &self.metadata {
            info(
                rows,
                &[("key", key), ("value", value)],
                Metric::ServerMetadataInfo,
            );
        }
        for origin in &self.websocket.allowed_origins {
            info(rows, &[("origin", origin)], Metric::WebsocketOriginInfo);
        }
        for (name, on) in &self.feature_flags {
            one(
                rows,
                &[("flag", name)],
                Metric::ServerFeatureFlag,
                (*on).into(),
            );
        }
        for proxy in &self.proxies.trusted {
            info(rows, &[("key", &proxy.key)], Metric::TrustedProxyInfo);
        }
    }

    fn jetstream(&self, context: &Context, rows: &mut dyn Rows) {
        let Some(config) = &self.jetstream.config else {
            return;
        };
        info(
            rows,
            &[
                ("store_dir", &config.store_dir),
                ("domain", &config.domain),
                ("unique_tag", &config.unique_tag),
                ("compress_ok", flag(config.compress_ok)),
                ("strict", flag(config.strict)),
                ("sync_always", flag(config.sync_always)),
            ],
            Metric::JetstreamInfo,
        );
        emit(rows, EntityKind::Server, &[], JETSTREAM_CONFIG, config);
        if let Some(stats) = &self.jetstream.stats {
            emit(rows, EntityKind::Server, &[], JETSTREAM_STATS, stats);
        }
        if let Some(meta) = &self.jetstream.meta {
            meta.native(context, rows);
        }
    }
}

impl Meta<'_> {
    fn native(&self, context: &Context, rows: &mut dyn Rows) {
        let leads = !self.leader.is_empty() && self.leader == context.broker_name;
        info(
            rows,
            &[
                ("name", &self.name),
                ("leader", &self.leader),
                ("peer_id", &self.peer),
            ],
            Metric::MetaInfo,
        );
        one(rows, &[], Metric::MetaLeader, leads.into());
        emit(rows, EntityKind::Server, &[], META, self);
        for (kind, count) in [
            ("request", self.pending_requests),
            ("info", self.pending_infos),
        ] {
            if let Some(count) = count {
                one(
                    rows,
                    &[("kind", kind)],
                    Metric::MetaPendingByKind,
                    count.value(),
                );
            }
        }
        if let Some(snapshot) = &self.snapshot {
            emit(rows, EntityKind::Server, &[], META_SNAPSHOT, snapshot);
        }
        if !leads {
            // Only the leader's list is right about the other members (reference, section 3.8).
            return;
        }
        for peer in &self.replicas {
            let labels = [
                ("peer", peer.name.as_ref()),
                ("peer_id", peer.peer.as_ref()),
            ];
            emit(rows, EntityKind::Server, &labels, META_REPLICA, peer);
            if context.version >= Version(2, 15, 0) {
                one(
                    rows,
                    &labels,
                    Metric::MetaReplicaPending,
                    peer.pending.into(),
                );
            }
        }
    }
}

impl ByKind {
    fn rows(&self, metric: Metric, rows: &mut dyn Rows) {
        for (kind, count) in [
            ("client", self.clients),
            ("route", self.routes),
            ("gateway", self.gateways),
            ("leafnode", self.leafs),
        ] {
            one(rows, &[("kind", kind)], metric, count.value());
        }
    }
}

fn listener(rows: &mut dyn Rows, name: &str, port: Int, labels: &[(&'static str, &str)]) {
    let port = port.0.to_string();
    let mut all = vec![("listener", name), ("port", port.as_str())];
    all.extend_from_slice(labels);
    info(rows, &all, Metric::ListenerInfo);
}

fn timeouts(
    rows: &mut dyn Rows,
    name: &str,
    auth: Option<f64>,
    tls: Option<f64>,
    write: Option<Int>,
) {
    let labels = [("listener", name)];
    if let Some(seconds) = auth {
        one(
            rows,
            &labels,
            Metric::ListenerAuthTimeout,
            Value::F64(seconds),
        );
    }
    if let Some(seconds) = tls {
        one(
            rows,
            &labels,
            Metric::ListenerTlsTimeout,
            Value::F64(seconds),
        );
    }
    if let Some(nanos) = write {
        one(rows, &labels, Metric::ListenerWriteDeadline, nanos.nanos());
    }
}

fn remote(rows: &mut dyn Rows, labels: &[(&'static str, &str)], tls_timeout: Option<f64>) {
    info(rows, labels, Metric::ServerRemoteInfo);
    if let Some(timeout) = tls_timeout {
        one(rows, labels, Metric::RemoteTlsTimeout, Value::F64(timeout));
    }
}

/// URLs of routes and remotes may carry a password.
fn without_user(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, rest)| rest)
}

/// Hosts of the URLs for clients that the broker knows, which are those of the whole cluster.
fn peers(urls: &[Text<'_>]) -> Vec<PeerAddress> {
    let host = |url: &Text<'_>| {
        let authority = without_user(url.rsplit_once("://").map_or(url, |(_, rest)| rest));
        let host = authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host);
        host.to_owned()
    };
    let hosts: BTreeSet<String> = urls.iter().take(PEERS_MAX).map(host).collect();
    let some = hosts.into_iter().filter(|host| !host.is_empty());
    some.map(|host| PeerAddress { host }).collect()
}

fn unsigned(number: Int) -> u64 {
    u64::try_from(number.0).unwrap_or(0)
}

struct Decoder {
    splitter: Splitter,
    facts: Facts,
}

impl Collector for Decoder {
    fn path(&self, _context: &Context) -> Cow<'static, str> {
        "/varz".into()
    }

    fn begin(&mut self, _context: &Context) {
        self.splitter.reset();
        self.facts = Facts::default();
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let facts = &mut self.facts;
        let mut varz = |bytes: &[u8], offset| {
            let mut varz: Varz<'_> = decode::element(bytes, offset)?;
            varz.body = bytes;
            facts.server_id = Some(varz.server_id.to_string());
            facts.version = varz.version.to_string();
            facts.peers = peers(&varz.connect_urls);
            facts.client_port = u16::try_from(varz.port.0).ok().filter(|port| *port != 0);
            out.record(Record::Varz(&varz));
            Ok(())
        };
        self.splitter.feed(bytes, &mut Root(&mut varz))
    }

    fn finish(&mut self, _out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        Ok(std::mem::take(&mut self.facts))
    }
}
