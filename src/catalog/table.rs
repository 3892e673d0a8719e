//! The table of families. The doc comment of a row is its help text.

use super::{Def, Kind, Level, Origin};

macro_rules! catalog {
    ($( #[doc = $help:literal] $metric:ident = $kind:ident $name:literal [$($label:literal)*] $origin:ident $($flag:ident)? ; )*) => {
        /// Handle of a family: its place in [`CATALOG`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Metric { $( #[doc = $help] $metric, )* }

        /// All families, in the order of the page.
        pub static CATALOG: &[Def] = &[ $( Def {
            metric: Metric::$metric,
            name: $name,
            kind: Kind::$kind,
            labels: &[$($label),*],
            origin: Origin::$origin,
            level: catalog!(@level $($flag)?),
            twin: catalog!(@twin $($flag)?),
            help: $help.trim_ascii(),
        }, )* ];
    };
    (@level) => { Level::Core };
    (@level twin) => { Level::Core };
    (@level detail) => { Level::Detail };
    (@twin) => { false };
    (@twin twin) => { true };
    (@twin detail) => { false };
}

catalog! {
    // natsight's own life.
    /// Version of natsight.
    BuildInfo = Info "natsight_build_info" ["version"] Own;
    /// When natsight started.
    OwnStartTime = Gauge "natsight_start_time_seconds" [] Own;
    /// CPU time that natsight used.
    OwnCpu = Counter "natsight_cpu_seconds_total" [] Own;
    /// Resident memory of natsight.
    OwnResidentMemory = Gauge "natsight_resident_memory_bytes" [] Own;
    /// File descriptors that natsight has open.
    OwnOpenFds = Gauge "natsight_open_fds" [] Own;
    /// Servers that natsight watches.
    OwnServers = Gauge "natsight_servers" [] Own;
    /// Series on the page.
    OwnPageSeries = Gauge "natsight_page_series" [] Own;
    /// Requests to natsight's listeners, by route and status.
    OwnHttpRequests = Counter "natsight_http_requests_total" ["listener" "route" "code"] Own;
    /// Connections to natsight's listeners that are open now.
    OwnConnections = Gauge "natsight_http_connections" ["listener"] Own;
    /// Connections that natsight did not serve because too many were open.
    OwnConnectionsRefused = Counter "natsight_http_connections_refused_total" ["listener"] Own;
    /// Scrapes that natsight did not serve because slow clients still hold too many older pages.
    OwnScrapesRefused = Counter "natsight_scrapes_refused_total" [] Own;
    /// Series that limits kept off the page, by family, counted anew in each round; those of nats_collector_left_out with the reasons "budget" and "new".
    OwnSeriesDropped = Counter "natsight_series_dropped_total" ["family"] Own;
    /// Reloads of the configuration, by result.
    OwnConfigReloads = Counter "natsight_config_reloads_total" ["result"] Own;
    /// When the configuration in force was read.
    OwnConfigTime = Gauge "natsight_config_load_timestamp_seconds" [] Own;

    // What natsight saw itself while watching a broker: stays when the broker has gone.
    /// Whether the latest request for varz was answered.
    Up = Gauge "nats_up" ["target"] Observed;
    /// Whether the latest request of this collector gave a whole answer; absent where the broker's version lacks the endpoint.
    CollectorSuccess = Gauge "nats_collector_success" ["collector"] Observed;
    /// How long the latest request of this collector took, from asking to the last byte read.
    CollectorDuration = Gauge "nats_collector_duration_seconds" ["collector"] Observed;
    /// When this collector last succeeded, by natsight's clock.
    CollectorLastSuccess = Gauge "nats_collector_last_success_timestamp_seconds" ["collector"] Observed;
    /// Time between two requests of this collector, as stretched by the governor.
    CollectorInterval = Gauge "nats_collector_interval_seconds" ["collector"] Observed;
    /// Whether the latest answer of this collector left something out.
    CollectorTruncated = Gauge "nats_collector_truncated" ["collector"] Observed;
    /// Share of what the broker has that the latest answer of this collector showed.
    CollectorCoverage = Gauge "nats_collector_coverage_ratio" ["collector"] Observed;
    /// Bytes of the latest answer of this collector.
    CollectorBody = Gauge "nats_collector_body_bytes" ["collector"] Observed;
    /// Requests of this collector that failed, by reason.
    CollectorFailures = Counter "nats_collector_failures_total" ["collector" "reason"] Observed;
    /// Requests of this collector that began late because the one before was still under way or the lane was busy.
    CollectorLate = Counter "nats_collector_late_total" ["collector"] Observed;
    /// Values or entities of this collector's answers that could not be shown, by reason.
    CollectorDropped = Counter "nats_collector_dropped_total" ["collector" "reason"] Observed;
    /// Accounts, streams, consumers, connections and the like of this collector's latest answer that are not shown, by reason: "denied" by collect.allow and collect.deny, "top" by collect.top, "budget" by collect.series_max, "new" by collect.series_new_max.
    CollectorLeftOut = Gauge "nats_collector_left_out" ["collector" "reason"] Observed;
    /// How long the broker's monitoring port took to answer, as natsight saw it; time-outs count with their full length.
    HttpRequestDuration = Histogram "http_request_duration_seconds" ["handler" "code"] Observed;
    /// How long the client port took from the connect to the INFO line, and what other probes took.
    ProbeDuration = Histogram "nats_probe_duration_seconds" ["kind" "from" "to"] Observed;
    /// Probes that failed, by kind and reason.
    ProbeFailures = Counter "nats_probe_failures_total" ["kind" "from" "to" "reason"] Observed;

    // The broker's process, where it can be seen.
    /// CPU time that the broker's process used, user and system.
    ProcessCpu = Counter "nats_process_cpu_seconds_total" [] Process twin;
    /// Resident memory of the broker's process, as the kernel counts it.
    ProcessResidentMemory = Gauge "nats_process_resident_memory_bytes" [] Process twin;
    /// File descriptors that the broker's process has open.
    ProcessOpenFds = Gauge "nats_process_open_fds" [] Process twin;
    /// Most file descriptors that the broker's process may have open.
    ProcessMaxFds = Gauge "nats_process_max_fds" [] Process twin;
    /// Threads of the broker's process.
    ProcessThreads = Gauge "nats_process_threads" [] Process;
    /// Memory limit of the broker's control group; absent when there is none.
    ContainerMemoryLimit = Gauge "nats_container_memory_limit_bytes" [] Process;
    /// CPU quota of the broker's control group in cores; absent when there is none.
    ContainerCpuLimit = Gauge "nats_container_cpu_limit_cores" [] Process;
    /// Scheduling periods of the broker's control group in which it ran.
    ContainerCpuPeriods = Counter "nats_container_cpu_periods_total" [] Process;
    /// Scheduling periods in which the broker's control group was throttled.
    ContainerCpuThrottledPeriods = Counter "nats_container_cpu_throttled_periods_total" [] Process;

    // The server, from varz.
    /// Identity and version of the server.
    ServerInfo = Info "nats_server_info" ["server_id" "version" "go_version" "git_commit" "protocol" "system_account"] Varz;
    /// When the server's process started.
    ServerStartTime = Gauge "nats_server_start_time_seconds" [] Varz;
    /// The server's clock when it answered.
    ServerClock = Gauge "nats_server_clock_timestamp_seconds" [] Varz;
    /// When the server last read its configuration.
    ServerConfigLoad = Gauge "nats_server_config_load_timestamp_seconds" [] Varz;
    /// Digest of the configuration file; differing digests in a cluster mean differing files.
    ServerConfigInfo = Info "nats_server_config_info" ["digest"] Varz;
    /// CPU cores used now, averaged by the server over about a second.
    ServerCpuCores = Gauge "nats_server_cpu_cores" [] Varz;
    /// CPUs that the Go runtime sees.
    ServerCpus = Gauge "nats_server_cpus" [] Varz;
    /// Threads that may run Go code at once (GOMAXPROCS).
    ServerGomaxprocs = Gauge "nats_server_gomaxprocs" [] Varz;
    /// Resident memory of the server's process, as it reports it.
    ServerMemory = Gauge "nats_server_memory_bytes" [] Varz;
    /// Soft memory limit of the Go runtime (GOMEMLIMIT); absent when none is set.
    GoMemoryLimit = Gauge "nats_go_memory_limit_bytes" [] Varz;
    /// Client connections open now, leaf nodes not included.
    ServerConnections = Gauge "nats_server_connections" [] Varz;
    /// Client connections accepted since the server started, natsight's connect probe (`probes.connect`) included.
    ServerConnectionsOpened = Counter "nats_server_connections_opened_total" [] Varz;
    /// Route connections open now: several to each peer.
    ServerRoutes = Gauge "nats_server_routes" [] Varz;
    /// Servers of the cluster that this one has routes to.
    ServerRemotes = Gauge "nats_server_remotes" [] Varz;
    /// Leaf node connections open now, accepted and solicited.
    ServerLeafnodes = Gauge "nats_server_leafnodes" [] Varz;
    /// Subscriptions of all accounts.
    ServerSubscriptions = Gauge "nats_server_subscriptions" [] Varz;
    /// Messages received from clients, routes, gateways and leaf nodes together.
    ServerInMessages = Counter "nats_server_in_messages_total" [] Varz;
    /// Messages sent to clients, routes, gateways and leaf nodes together.
    ServerOutMessages = Counter "nats_server_out_messages_total" [] Varz;
    /// Payload and header bytes of the messages received.
    ServerInBytes = Counter "nats_server_in_bytes_total" [] Varz;
    /// Payload and header bytes of the messages sent.
    ServerOutBytes = Counter "nats_server_out_bytes_total" [] Varz;
    /// Messages received from clients only (2.12.9, 2.14.1 and later).
    ServerClientInMessages = Counter "nats_server_client_in_messages_total" [] Varz;
    /// Messages sent to clients only (2.12.9, 2.14.1 and later).
    ServerClientOutMessages = Counter "nats_server_client_out_messages_total" [] Varz;
    /// Bytes received from clients only (2.12.9, 2.14.1 and later).
    ServerClientInBytes = Counter "nats_server_client_in_bytes_total" [] Varz;
    /// Bytes sent to clients only (2.12.9, 2.14.1 and later).
    ServerClientOutBytes = Counter "nats_server_client_out_bytes_total" [] Varz;
    /// Times that a connection was found too slow, by kind of connection; kind "any" on 2.9, which does not tell them apart.
    ServerSlowConsumers = Counter "nats_server_slow_consumers_total" ["kind"] Varz;
    /// Slow consumer events of all kinds; a route that stays slow counts again here, but not by kind.
    ServerSlowConsumerEvents = Counter "nats_server_slow_consumer_events_total" [] Varz;
    /// Connections dropped because pings stayed unanswered, by kind of connection (2.12 and later).
    ServerStaleConnections = Counter "nats_server_stale_connections_total" ["kind"] Varz;
    /// Connections dropped because pings stayed unanswered, all kinds (2.12 and later).
    ServerStaleConnectionEvents = Counter "nats_server_stale_connection_events_total" [] Varz;
    /// Times that a fast producer was made to wait for a slow consumer (2.12 and later).
    ServerStalledClients = Counter "nats_server_stalled_clients_total" [] Varz;
    /// Account connections refused because the account is pinned to another issuer.
    ServerPinnedAccountFailures = Counter "nats_server_pinned_account_failures_total" [] Varz;
    /// Requests answered by the monitoring port, by path; some paths are not counted by the server.
    ServerHttpRequests = Counter "nats_server_http_requests_total" ["path"] Varz;
    /// Goroutines that wait for a slot of disk I/O now (2.12.14, 2.14.4 and later).
    ServerDiskWaiters = Gauge "nats_server_disk_io_waiters" [] Varz;
    /// Disk I/O slots that had to be waited for (2.12.14, 2.14.4 and later).
    ServerDiskWaits = Counter "nats_server_disk_io_waits_total" [] Varz;
    /// Time spent waiting for slots of disk I/O (2.12.14, 2.14.4 and later).
    ServerDiskWaitTime = Counter "nats_server_disk_io_wait_seconds_total" [] Varz;
    /// Longest single wait for a slot of disk I/O since the server started; never falls.
    ServerDiskWaitMax = Gauge "nats_server_disk_io_wait_max_seconds" [] Varz;

    // The server's limits and settings, from varz.
    /// Most client connections allowed; -1 is no limit.
    ServerMaxConnections = Gauge "nats_server_max_connections" [] Varz;
    /// Most subscriptions allowed; absent when there is no limit.
    ServerMaxSubscriptions = Gauge "nats_server_max_subscriptions" [] Varz;
    /// Largest message payload allowed.
    ServerMaxPayload = Gauge "nats_server_max_payload_bytes" [] Varz;
    /// Bytes that may wait for one connection before it is cut as a slow consumer.
    ServerMaxPending = Gauge "nats_server_max_pending_bytes" [] Varz;
    /// Longest protocol line allowed.
    ServerMaxControlLine = Gauge "nats_server_max_control_line_bytes" [] Varz;
    /// Time between pings to a connection.
    ServerPingInterval = Gauge "nats_server_ping_interval_seconds" [] Varz;
    /// Unanswered pings after which a connection is dropped.
    ServerPingMax = Gauge "nats_server_ping_max" [] Varz;
    /// Addresses and switches of one listener: client, monitor, cluster, gateway, leafnode, mqtt or websocket.
    ListenerInfo = Info "nats_server_listener_info" ["listener" "name" "host" "port" "ip" "base_path" "advertise" "auth_required" "tls_required" "tls_verify" "tls_map" "no_tls" "ocsp_peer_verify" "same_origin" "compression" "reject_unknown" "no_auth_user" "jwt_cookie" "js_domain" "write_timeout"] Varz;
    /// Time that a connection to this listener has to authenticate.
    ListenerAuthTimeout = Gauge "nats_server_listener_auth_timeout_seconds" ["listener"] Varz;
    /// Time that a connection to this listener has for its TLS handshake.
    ListenerTlsTimeout = Gauge "nats_server_listener_tls_timeout_seconds" ["listener"] Varz;
    /// Time that a write to a connection of this listener may take.
    ListenerWriteDeadline = Gauge "nats_server_listener_write_deadline_seconds" ["listener"] Varz;
    /// When the TLS certificate of a listener expires: client, cluster, gateway, leafnode, mqtt or websocket (2.11.12, 2.12.4 and later).
    TlsCertificateNotAfter = Gauge "nats_tls_certificate_not_after_timestamp_seconds" ["listener"] Varz;
    /// Time that a websocket handshake may take.
    ListenerHandshakeTimeout = Gauge "nats_server_listener_handshake_timeout_seconds" ["listener"] Varz;
    /// Connections to each peer of the cluster, as configured.
    ClusterPoolSize = Gauge "nats_server_cluster_pool_size" [] Varz;
    /// Times that a gateway is tried again, as configured.
    GatewayConnectRetries = Gauge "nats_server_gateway_connect_retries" [] Varz;
    /// Time that an MQTT client has to acknowledge.
    MqttAckWait = Gauge "nats_server_mqtt_ack_wait_seconds" [] Varz;
    /// Most unacknowledged messages of an MQTT subscription.
    MqttMaxAckPending = Gauge "nats_server_mqtt_max_ack_pending_messages" [] Varz;
    /// An address that the server announces to clients or is configured to connect to, by use: client, websocket, route, gateway, leafnode.
    ServerUrlInfo = Info "nats_server_url_info" ["use" "remote" "url"] Varz;
    /// Configured gateways and leaf node remotes.
    ServerRemoteInfo = Info "nats_server_remote_info" ["use" "remote" "account" "ocsp_peer_verify"] Varz;
    /// Time that a connection to this configured remote has for its TLS handshake.
    RemoteTlsTimeout = Gauge "nats_server_remote_tls_timeout_seconds" ["use" "remote" "account"] Varz;
    /// A subject that a leaf node remote may not pass on, by direction.
    RemoteDenyInfo = Info "nats_server_remote_deny_info" ["remote" "account" "direction" "subject"] Varz;
    /// A server tag.
    ServerTagInfo = Info "nats_server_tag_info" ["tag"] Varz;
    /// An entry of the server's metadata.
    ServerMetadataInfo = Info "nats_server_metadata_info" ["key" "value"] Varz;
    /// An origin from which websocket connections are allowed.
    WebsocketOriginInfo = Info "nats_server_websocket_origin_info" ["origin"] Varz;
    /// A certificate that a listener is pinned to, by its hash.
    PinnedCertificateInfo = Info "nats_server_pinned_certificate_info" ["listener" "sha256"] Varz;
    /// Whether a feature flag is on (2.14 and later).
    ServerFeatureFlag = Gauge "nats_server_feature_flag" ["flag"] Varz;
    /// A proxy that is trusted, by its public key.
    TrustedProxyInfo = Info "nats_server_trusted_proxy_info" ["key"] Varz;
    /// Kind of the cache of OCSP answers for peers.
    OcspCacheInfo = Info "nats_server_ocsp_cache_info" ["kind"] Varz;
    /// Hits of the cache of OCSP answers.
    OcspCacheHits = Counter "nats_server_ocsp_cache_hits_total" [] Varz;
    /// Misses of the cache of OCSP answers.
    OcspCacheMisses = Counter "nats_server_ocsp_cache_misses_total" [] Varz;
    /// Answers in the cache of OCSP answers, by their status.
    OcspCacheResponses = Gauge "nats_server_ocsp_cache_responses" ["status"] Varz;

    // JetStream of the server, from varz: cheap, so it stays when a stuck disk holds jsz.
    /// Settings of JetStream on this server; absent where JetStream is off.
    JetstreamInfo = Info "nats_jetstream_info" ["store_dir" "domain" "unique_tag" "compress_ok" "strict" "sync_always"] Varz;
    /// Memory that JetStream may use on this server; -1 is no limit.
    JetstreamMemoryLimit = Gauge "nats_jetstream_memory_limit_bytes" [] Varz;
    /// Disk that JetStream may use on this server.
    JetstreamStorageLimit = Gauge "nats_jetstream_storage_limit_bytes" [] Varz;
    /// Time between two syncs of the file store.
    JetstreamSyncInterval = Gauge "nats_jetstream_sync_interval_seconds" [] Varz;
    /// Memory that JetStream uses on this server.
    JetstreamMemoryUsed = Gauge "nats_jetstream_memory_used_bytes" [] Varz;
    /// Disk that JetStream uses on this server.
    JetstreamStorageUsed = Gauge "nats_jetstream_storage_used_bytes" [] Varz;
    /// Memory that is reserved by limits of memory streams.
    JetstreamMemoryReserved = Gauge "nats_jetstream_memory_reserved_bytes" [] Varz;
    /// Disk that is reserved by limits of file streams.
    JetstreamStorageReserved = Gauge "nats_jetstream_storage_reserved_bytes" [] Varz;
    /// Accounts that use JetStream on this server.
    JetstreamAccounts = Gauge "nats_jetstream_accounts" [] Varz;
    /// Raft groups on this server.
    JetstreamHaAssets = Gauge "nats_jetstream_ha_assets" [] Varz;
    /// JetStream API level of the server (2.11 and later).
    JetstreamApiLevel = Gauge "nats_jetstream_api_level" [] Varz;
    /// JetStream API requests that this server handled.
    JetstreamApiRequests = Counter "nats_jetstream_api_requests_total" [] Varz;
    /// JetStream API requests that this server answered with an error.
    JetstreamApiErrors = Counter "nats_jetstream_api_errors_total" [] Varz;
    /// JetStream API requests queued or running now.
    JetstreamApiInflight = Gauge "nats_jetstream_api_inflight" [] Varz;

    // The meta group, from varz.
    /// Whether this server leads the meta group.
    MetaLeader = Gauge "nats_meta_leader" [] Varz;
    /// Whether this server knows a leader of the meta group; may stay 1 for 20 s after the quorum is lost.
    MetaHasLeader = Gauge "nats_meta_has_leader" [] Varz;
    /// Name of the meta group and who leads it by this server's view.
    MetaInfo = Info "nats_meta_info" ["name" "leader" "peer_id"] Varz;
    /// Members of the meta group.
    MetaClusterSize = Gauge "nats_meta_cluster_size" [] Varz;
    /// Members that the meta group needs to decide (2.15 and later).
    MetaQuorum = Gauge "nats_meta_quorum_needed" [] Varz;
    /// Whether the meta group is in rescue mode (2.15 and later).
    MetaRescue = Gauge "nats_meta_rescue" [] Varz;
    /// Requests and answers that wait in the meta layer.
    MetaPending = Gauge "nats_meta_pending" [] Varz;
    /// Requests that wait in the meta layer, by kind (2.14 and later).
    MetaPendingByKind = Gauge "nats_meta_pending_requests" ["kind"] Varz;
    /// Entries of the meta log since its last snapshot (2.11.11, 2.12.2 and later; before 2.14 told by jsz).
    MetaSnapshotEntries = Gauge "nats_meta_snapshot_pending_entries" [] Varz;
    /// Bytes of the meta log since its last snapshot (2.11.11, 2.12.2 and later; before 2.14 told by jsz).
    MetaSnapshotBytes = Gauge "nats_meta_snapshot_pending_bytes" [] Varz;
    /// When the meta log was last snapshot; absent when never (2.11.11, 2.12.2 and later; before 2.14 told by jsz).
    MetaSnapshotTime = Gauge "nats_meta_snapshot_last_timestamp_seconds" [] Varz;
    /// How long the last snapshot of the meta log took (2.11.11, 2.12.2 and later; before 2.14 told by jsz).
    MetaSnapshotDuration = Gauge "nats_meta_snapshot_last_duration_seconds" [] Varz;
    /// Whether a member of the meta group is in sync, by its leader's view.
    MetaReplicaCurrent = Gauge "nats_meta_replica_current" ["peer" "peer_id"] Varz;
    /// Whether a member of the meta group is known to be offline, by its leader's view.
    MetaReplicaOffline = Gauge "nats_meta_replica_offline" ["peer" "peer_id"] Varz;
    /// Time since the leader of the meta group last heard from a member.
    MetaReplicaActive = Gauge "nats_meta_replica_active_seconds" ["peer" "peer_id"] Varz;
    /// Raft entries that a member of the meta group is behind, by its leader's view.
    MetaReplicaLag = Gauge "nats_meta_replica_lag_operations" ["peer" "peer_id"] Varz;
    /// Whether a member of the meta group is pending, by its leader's view (2.15 and later).
    MetaReplicaPending = Gauge "nats_meta_replica_pending" ["peer" "peer_id"] Varz;

    // All open connections together, from connz.
    /// Client and leaf node connections open now.
    ConnectionsOpen = Gauge "nats_connections_open" [] Connz;
    /// Connections open now by kind: nats, websocket, mqtt, leafnode, other.
    ConnectionsByKind = Gauge "nats_connections_by_kind" ["kind"] Connz;
    /// Client connections open now by client library; "unknown" did not say, "other" is what comes after the first 32.
    ConnectionsByLanguage = Gauge "nats_connections_by_language" ["lang"] Connz;
    /// Connections open now by TLS version; "none" is without TLS or in its handshake.
    ConnectionsByTls = Gauge "nats_connections_by_tls" ["tls"] Connz;
    /// Subscriptions of all connections open now.
    ConnectionsSubscriptions = Gauge "nats_connections_subscriptions" [] Connz;
    /// Bytes that wait to be read by each connection: a distribution over the connections open now, so buckets fall; not a counter.
    ConnectionsPending = Histogram "nats_connections_pending_bytes" [] Connz;
    /// Time since each connection began: a distribution over the connections open now, so buckets fall; not a counter.
    ConnectionsAge = Histogram "nats_connections_age_seconds" [] Connz;
    /// Time since each connection last sent or received: a distribution over the connections open now, so buckets fall; not a counter.
    ConnectionsIdle = Histogram "nats_connections_idle_seconds" [] Connz;
    /// Round trip to each client as the server measured it when the client connected, later at most hourly: a distribution over the connections open now, those not measured left out; not a live latency, not a counter.
    ConnectionsRtt = Histogram "nats_connections_rtt_seconds" [] Connz;

    // Each connection, by configuration, from connz.
    /// Bytes that wait to be read by this client.
    ConnectionPending = Gauge "nats_connection_pending_bytes" ["cid" "name" "account" "user" "kind" "lang" "version" "ip" "tls_version" "tls_cipher_suite" "mqtt_client"] Connz detail;
    /// Messages received from this client since it connected.
    ConnectionInMessages = Counter "nats_connection_in_messages_total" ["cid" "name" "account" "user" "kind" "lang" "version" "ip" "tls_version" "tls_cipher_suite" "mqtt_client"] Connz detail;
    /// Messages sent to this client since it connected.
    ConnectionOutMessages = Counter "nats_connection_out_messages_total" ["cid" "name" "account" "user" "kind" "lang" "version" "ip" "tls_version" "tls_cipher_suite" "mqtt_client"] Connz detail;
    /// Bytes received from this client since it connected.
    ConnectionInBytes = Counter "nats_connection_in_bytes_total" ["cid" "name" "account" "user" "kind" "lang" "version" "ip" "tls_version" "tls_cipher_suite" "mqtt_client"] Connz detail;
    /// Bytes sent to this client since it connected.
    ConnectionOutBytes = Counter "nats_connection_out_bytes_total" ["cid" "name" "account" "user" "kind" "lang" "version" "ip" "tls_version" "tls_cipher_suite" "mqtt_client"] Connz detail;
    /// Subscriptions of this client.
    ConnectionSubscriptions = Gauge "nats_connection_subscriptions" ["cid" "name" "account" "user" "kind" "lang" "version" "ip" "tls_version" "tls_cipher_suite" "mqtt_client"] Connz detail;
    /// Round trip to this client as the server measured it when the client connected, later at most hourly; absent until measured; not a live latency.
    ConnectionRtt = Gauge "nats_connection_rtt_seconds" ["cid" "name" "account" "user" "kind" "lang" "version" "ip" "tls_version" "tls_cipher_suite" "mqtt_client"] Connz detail;
    /// When this client connected.
    ConnectionStart = Gauge "nats_connection_start_time_seconds" ["cid" "name" "account" "user" "kind" "lang" "version" "ip" "tls_version" "tls_cipher_suite" "mqtt_client"] Connz detail;
    /// When this client last sent or received.
    ConnectionActivity = Gauge "nats_connection_last_activity_timestamp_seconds" ["cid" "name" "account" "user" "kind" "lang" "version" "ip" "tls_version" "tls_cipher_suite" "mqtt_client"] Connz detail;
    /// Times that this slow client made producers wait (2.12 and later).
    ConnectionStalls = Counter "nats_connection_stalls_total" ["cid" "name" "account" "user" "kind" "lang" "version" "ip" "tls_version" "tls_cipher_suite" "mqtt_client"] Connz detail;

    // Closed connections, from connz?state=closed.
    /// Client and leaf node connections that closed since natsight first looked, or since the server started if that was later, by the server's reason; each counted once; natsight's own connect probe ends as client_closed (`probes.connect: 0` switches it off).
    ConnectionsClosed = Counter "nats_connections_closed_total" ["reason"] Closed;
    /// Times that the server's list of closed connections may have been overwritten before natsight read it, so that some are missing from all reasons; connections opened less those open tells how many there were.
    ConnectionsClosedGaps = Counter "nats_connections_closed_gaps_total" [] Closed;
    /// Closed connections that the server still remembers (max_closed_clients, 10,000 by default).
    ConnectionsClosedKept = Gauge "nats_connections_closed_kept" [] Closed;
    // The Go runtime of the broker, from /debug/vars (2.11.11, 2.12.2 and later).
    /// Bytes allocated on the heap since the process started, freed ones included.
    GoAllocTotal = Counter "nats_go_memstats_alloc_bytes_total" [] Expvar twin;
    /// Bytes of memory taken from the system.
    GoSys = Gauge "nats_go_memstats_sys_bytes" [] Expvar twin;
    /// Pointer lookups; Go has counted none since 1.10.
    GoLookups = Counter "nats_go_memstats_lookups_total" [] Expvar twin;
    /// Heap objects allocated since the process started.
    GoMallocs = Counter "nats_go_memstats_mallocs_total" [] Expvar twin;
    /// Heap objects freed since the process started.
    GoFrees = Counter "nats_go_memstats_frees_total" [] Expvar twin;
    /// Bytes of heap objects that are live or not yet swept.
    GoHeapAlloc = Gauge "nats_go_memstats_heap_alloc_bytes" [] Expvar twin;
    /// Bytes of heap taken from the system.
    GoHeapSys = Gauge "nats_go_memstats_heap_sys_bytes" [] Expvar twin;
    /// Bytes in heap spans without objects.
    GoHeapIdle = Gauge "nats_go_memstats_heap_idle_bytes" [] Expvar twin;
    /// Bytes in heap spans that hold objects.
    GoHeapInuse = Gauge "nats_go_memstats_heap_inuse_bytes" [] Expvar twin;
    /// Bytes of idle heap given back to the system.
    GoHeapReleased = Gauge "nats_go_memstats_heap_released_bytes" [] Expvar twin;
    /// Heap objects that are live or not yet swept.
    GoHeapObjects = Gauge "nats_go_memstats_heap_objects" [] Expvar twin;
    /// Bytes in spans used for goroutine stacks.
    GoStackInuse = Gauge "nats_go_memstats_stack_inuse_bytes" [] Expvar twin;
    /// Bytes taken from the system for stacks.
    GoStackSys = Gauge "nats_go_memstats_stack_sys_bytes" [] Expvar twin;
    /// Bytes of mspan structures in use.
    GoMspanInuse = Gauge "nats_go_memstats_mspan_inuse_bytes" [] Expvar twin;
    /// Bytes taken from the system for mspan structures.
    GoMspanSys = Gauge "nats_go_memstats_mspan_sys_bytes" [] Expvar twin;
    /// Bytes of mcache structures in use.
    GoMcacheInuse = Gauge "nats_go_memstats_mcache_inuse_bytes" [] Expvar twin;
    /// Bytes taken from the system for mcache structures.
    GoMcacheSys = Gauge "nats_go_memstats_mcache_sys_bytes" [] Expvar twin;
    /// Bytes of the hash table of the profiler.
    GoBuckHashSys = Gauge "nats_go_memstats_buck_hash_sys_bytes" [] Expvar twin;
    /// Bytes of the garbage collector's own data.
    GoGcSys = Gauge "nats_go_memstats_gc_sys_bytes" [] Expvar twin;
    /// Bytes taken from the system for the rest of the runtime.
    GoOtherSys = Gauge "nats_go_memstats_other_sys_bytes" [] Expvar twin;
    /// Heap size at which the next garbage collection is due.
    GoNextGc = Gauge "nats_go_memstats_next_gc_bytes" [] Expvar twin;
    /// When the latest garbage collection ended, since 1970; absent before the first.
    GoLastGc = Gauge "nats_go_memstats_last_gc_time_seconds" [] Expvar twin;
    /// Share of the CPU time available since the process started that garbage collection took.
    GoGcCpuFraction = Gauge "nats_go_memstats_gc_cpu_fraction" [] Expvar twin;
    /// Heap objects allocated since the process started, by largest size of their class in bytes.
    GoSizeClassMallocs = Counter "nats_go_memstats_size_class_mallocs_total" ["size"] Expvar detail;
    /// Heap objects freed since the process started, by largest size of their class in bytes.
    GoSizeClassFrees = Counter "nats_go_memstats_size_class_frees_total" ["size"] Expvar detail;
    /// Garbage collections since the process started.
    GoGcCycles = Counter "nats_go_gc_cycles_total" [] Expvar;
    /// Garbage collections that were asked for by a call.
    GoGcForcedCycles = Counter "nats_go_gc_forced_cycles_total" [] Expvar;
    /// Time that garbage collection stopped the whole process.
    GoGcPauseTime = Counter "nats_go_gc_pause_seconds_total" [] Expvar;
    /// Pauses of garbage collection, each counted once; from the start of the process, or from the first look when that came after 256 collections.
    GoGcPause = Histogram "nats_go_gc_pause_duration_seconds" [] Expvar;
    /// Whether garbage collection is on.
    GoGcEnabled = Gauge "nats_go_gc_enabled" [] Expvar;
    /// Whether debugging of garbage collection is on; Go leaves it off.
    GoGcDebug = Gauge "nats_go_gc_debug" [] Expvar;

    // The broker's own health checks, from healthz.
    /// Whether the server finds itself healthy: check "server" looks at the listener (and before 2.11 at JetStream's start), "full" also at the meta group, streams and consumers; the broker notices a lost quorum after up to 20 s, and the full check is made at most once a minute.
    ServerHealthy = Gauge "nats_server_healthy" ["check"] Healthz;
    /// What the check found wrong, by kind of part; brokers before 2.10 name only the first fault.
    ServerHealthErrors = Gauge "nats_server_health_errors" ["check" "kind"] Healthz;
    /// A fault that the check found, at most 20 of them; digits of the text are shown as N.
    ServerHealthErrorInfo = Info "nats_server_health_error_info" ["check" "kind" "reason" "account" "stream" "consumer" "error"] Healthz;
    // JetStream of the server, from jsz: what varz does not tell.
    /// Whether JetStream is on.
    JetstreamEnabled = Gauge "nats_jetstream_enabled" [] Jsz;
    /// Streams with a replica on this server, led here or not; a replicated stream counts on each of its servers.
    JetstreamStreams = Gauge "nats_jetstream_streams" [] Jsz;
    /// Consumers with a replica on this server, led here or not.
    JetstreamConsumers = Gauge "nats_jetstream_consumers" [] Jsz;
    /// Messages in the replicas on this server.
    JetstreamMessages = Gauge "nats_jetstream_messages" [] Jsz;
    /// Bytes in the replicas on this server.
    JetstreamBytes = Gauge "nats_jetstream_bytes" [] Jsz;
    /// Most messages that one pull request may ask for; absent when not configured (2.11 and later).
    JetstreamMaxRequestBatch = Gauge "nats_jetstream_max_request_batch" [] Jsz;
    /// Most unacknowledged messages that a consumer may be created with; absent when not configured (2.11 and later).
    JetstreamMaxAckPending = Gauge "nats_jetstream_max_ack_pending_messages" [] Jsz;
    /// Most raft groups that may be placed on this server; absent when not configured (2.11 and later).
    JetstreamMaxHaAssets = Gauge "nats_jetstream_max_ha_assets" [] Jsz;
    /// Longest window for duplicates that a stream may be created with; absent when not configured (2.11 and later).
    JetstreamMaxDuplicateWindow = Gauge "nats_jetstream_max_duplicate_window_seconds" [] Jsz;
    /// Most atomic batches under way in one stream; absent when not configured (2.12 and later).
    JetstreamMaxBatchInflightPerStream = Gauge "nats_jetstream_max_batch_inflight_per_stream" [] Jsz;
    /// Most atomic batches under way on this server; absent when not configured (2.12 and later).
    JetstreamMaxBatchInflight = Gauge "nats_jetstream_max_batch_inflight" [] Jsz;
    /// Most messages of one atomic batch; absent when not configured (2.12 and later).
    JetstreamMaxBatchSize = Gauge "nats_jetstream_max_batch_messages" [] Jsz;
    /// Time after which an atomic batch that is not committed is given up; absent when not configured (2.12 and later).
    JetstreamMaxBatchTimeout = Gauge "nats_jetstream_max_batch_timeout_seconds" [] Jsz;
    /// Most consumers of a stream that sets no limit of its own (2.15 and later).
    JetstreamDefaultMaxConsumers = Gauge "nats_jetstream_default_max_consumers" [] Jsz;

    // JetStream accounts, from jsz with streams: each server reports its view of the whole cluster.
    /// The id of an account, to join names and ids.
    AccountInfo = Info "nats_account_info" ["account" "account_id"] Streams;
    /// Memory that the account uses in JetStream over the whole cluster, the same on each server: do not add it over servers.
    JetstreamAccountMemoryUsed = Gauge "nats_jetstream_account_memory_used_bytes" ["account"] Streams;
    /// Disk that the account uses in JetStream over the whole cluster, the same on each server: do not add it over servers.
    JetstreamAccountStorageUsed = Gauge "nats_jetstream_account_storage_used_bytes" ["account"] Streams;
    /// Memory that the account may use in JetStream; absent when there is no limit for all its streams together.
    JetstreamAccountMemoryLimit = Gauge "nats_jetstream_account_memory_limit_bytes" ["account"] Streams;
    /// Disk that the account may use in JetStream; absent when there is no limit for all its streams together.
    JetstreamAccountStorageLimit = Gauge "nats_jetstream_account_storage_limit_bytes" ["account"] Streams;
    /// JetStream API requests of the account over the whole cluster; falls when any server of the cluster restarts, so it is no counter.
    JetstreamAccountApiRequests = Gauge "nats_jetstream_account_api_requests" ["account"] Streams;
    /// JetStream API requests of the account that were answered with an error, over the whole cluster; falls when any server restarts.
    JetstreamAccountApiErrors = Gauge "nats_jetstream_account_api_errors" ["account"] Streams;
    /// JetStream API level that the broker tells for the account; brokers up to 2.15 always give 0.
    JetstreamAccountApiLevel = Gauge "nats_jetstream_account_api_level" ["account"] Streams detail;
    /// Accounts with JetStream that the broker tells for the account; brokers up to 2.15 always give 0.
    JetstreamAccountAccounts = Gauge "nats_jetstream_account_accounts" ["account"] Streams detail;
    /// Replicated streams and consumers that the broker tells for the account; brokers up to 2.15 always give 0.
    JetstreamAccountHaAssets = Gauge "nats_jetstream_account_ha_assets" ["account"] Streams detail;

    // Streams, from jsz with streams: told by the server that leads the stream.
    /// Who leads the stream, its raft group, and the account that carries the traffic of its replicas.
    StreamInfo = Info "nats_stream_info" ["account" "stream" "leader" "raft_group" "traffic_account" "system_account"] Streams;
    /// Whether the stream has a leader: 1 from its leader, 0 from each member that knows none, which then tells nothing else of it.
    StreamHasLeader = Gauge "nats_stream_has_leader" ["account" "stream"] Streams;
    /// Messages in the stream.
    StreamMessages = Gauge "nats_stream_messages" ["account" "stream"] Streams;
    /// Bytes of the messages in the stream, one replica.
    StreamBytes = Gauge "nats_stream_bytes" ["account" "stream"] Streams;
    /// Sequence of the oldest message.
    StreamFirstSequence = Gauge "nats_stream_first_sequence" ["account" "stream"] Streams;
    /// Sequence of the newest message; its rate is the rate of writing, which messages and bytes do not give.
    StreamLastSequence = Gauge "nats_stream_last_sequence" ["account" "stream"] Streams;
    /// When the oldest message was stored; absent when the stream is empty.
    StreamFirstTime = Gauge "nats_stream_first_timestamp_seconds" ["account" "stream"] Streams;
    /// When the newest message was stored; absent when there was none yet.
    StreamLastTime = Gauge "nats_stream_last_timestamp_seconds" ["account" "stream"] Streams;
    /// When the stream was created; sequences start again when this changes (2.9.7 and later).
    StreamCreated = Gauge "nats_stream_created_timestamp_seconds" ["account" "stream"] Streams;
    /// Distinct subjects of the messages in the stream.
    StreamSubjects = Gauge "nats_stream_subjects" ["account" "stream"] Streams;
    /// Gaps between the first and the last sequence: messages deleted from within.
    StreamDeleted = Gauge "nats_stream_deleted_messages" ["account" "stream"] Streams;
    /// Messages that were lost to damage of the store.
    StreamLostMessages = Gauge "nats_stream_lost_messages" ["account" "stream"] Streams;
    /// Bytes that were lost to damage of the store.
    StreamLostBytes = Gauge "nats_stream_lost_bytes" ["account" "stream"] Streams;
    /// Consumers of the stream that have a replica on its leader, durable and ephemeral; those of one replica may live elsewhere.
    StreamConsumers = Gauge "nats_stream_consumers" ["account" "stream"] Streams;
    /// When the present leader was elected (2.11.9 and later).
    StreamLeaderSince = Gauge "nats_stream_leader_since_timestamp_seconds" ["account" "stream"] Streams;
    /// Whether a follower is in sync, by the leader's view.
    StreamReplicaCurrent = Gauge "nats_stream_replica_current" ["account" "stream" "peer"] Streams;
    /// Whether a follower is known to be offline, by the leader's view; a killed one shows only after a while.
    StreamReplicaOffline = Gauge "nats_stream_replica_offline" ["account" "stream" "peer"] Streams;
    /// Time since the leader last heard from a follower; absent when never.
    StreamReplicaActive = Gauge "nats_stream_replica_active_seconds" ["account" "stream" "peer"] Streams;
    /// Raft entries that a follower is behind, by the leader's view.
    StreamReplicaLag = Gauge "nats_stream_replica_lag_operations" ["account" "stream" "peer"] Streams;
    /// Whether a member is still to join, by the leader's view (2.15 and later).
    StreamReplicaPending = Gauge "nats_stream_replica_pending" ["account" "stream" "peer"] Streams;
    /// A mirror or source of the stream; deliver is the prefix under which another account or domain delivers.
    StreamSourceInfo = Info "nats_stream_source_info" ["account" "stream" "kind" "origin" "external" "filter" "deliver"] Streams;
    /// A change of subjects on the way from an origin (2.10 and later).
    StreamSourceTransformInfo = Info "nats_stream_source_transform_info" ["account" "stream" "kind" "origin" "external" "filter" "src" "dest"] Streams;
    /// Messages that a mirror or source is behind its origin.
    StreamSourceLag = Gauge "nats_stream_source_lag_messages" ["account" "stream" "kind" "origin" "external" "filter"] Streams;
    /// Time since the origin was last heard; absent when it never was.
    StreamSourceActive = Gauge "nats_stream_source_active_seconds" ["account" "stream" "kind" "origin" "external" "filter"] Streams;
    /// Whether the origin was ever heard since the stream has its present leader.
    StreamSourceConnected = Gauge "nats_stream_source_connected" ["account" "stream" "kind" "origin" "external" "filter"] Streams;
    /// The origin's sequence of the last message taken from it; not told of mirrors (2.15.1 and later).
    StreamSourceSequence = Gauge "nats_stream_source_last_sequence" ["account" "stream" "kind" "origin" "external" "filter"] Streams;
    /// The broker's code of the error that keeps a mirror or source from its origin; 0 when there is none.
    StreamSourceErrorCode = Gauge "nats_stream_source_error_code" ["account" "stream" "kind" "origin" "external" "filter"] Streams;
    /// What the broker says of the error that keeps a mirror or source from its origin.
    StreamSourceErrorInfo = Info "nats_stream_source_error_info" ["account" "stream" "kind" "origin" "external" "filter" "status" "description"] Streams;

    // Consumers, from jsz with consumers: told by the server that leads the consumer, which need not lead the stream.
    /// Who leads the durable consumer, its raft group, and the account that carries the traffic of its replicas; only in a cluster.
    ConsumerInfo = Info "nats_consumer_info" ["account" "stream" "consumer" "leader" "raft_group" "traffic_account" "system_account"] Consumers;
    /// Whether the durable consumer has a leader: 1 from its leader, 0 from each member that knows none, which then tells nothing else of it.
    ConsumerHasLeader = Gauge "nats_consumer_has_leader" ["account" "stream" "consumer"] Consumers;
    /// Messages that match the consumer and were not delivered yet.
    ConsumerPending = Gauge "nats_consumer_pending_messages" ["account" "stream" "consumer"] Consumers;
    /// Messages that were delivered and wait for an acknowledgement.
    ConsumerAckPending = Gauge "nats_consumer_ack_pending_messages" ["account" "stream" "consumer"] Consumers;
    /// Unacknowledged messages that were delivered more than once; goes down when they are acknowledged.
    ConsumerRedelivered = Gauge "nats_consumer_redelivered_messages" ["account" "stream" "consumer"] Consumers;
    /// Pull requests that wait for messages.
    ConsumerWaiting = Gauge "nats_consumer_waiting_pulls" ["account" "stream" "consumer"] Consumers;
    /// Deliveries so far, repeated ones included; starts again when the consumer is created anew or reset.
    ConsumerDelivered = Gauge "nats_consumer_delivered_sequence" ["account" "stream" "consumer"] Consumers;
    /// Stream sequence of the last message delivered.
    ConsumerDeliveredStream = Gauge "nats_consumer_delivered_stream_sequence" ["account" "stream" "consumer"] Consumers;
    /// When a message was last delivered; absent when never since the consumer has its present leader.
    ConsumerDeliveredTime = Gauge "nats_consumer_delivered_timestamp_seconds" ["account" "stream" "consumer"] Consumers;
    /// The delivery up to which all are acknowledged.
    ConsumerAckFloor = Gauge "nats_consumer_ack_floor_sequence" ["account" "stream" "consumer"] Consumers;
    /// The stream sequence up to which all are acknowledged.
    ConsumerAckFloorStream = Gauge "nats_consumer_ack_floor_stream_sequence" ["account" "stream" "consumer"] Consumers;
    /// When the last acknowledgement came; absent when none since the consumer has its present leader.
    ConsumerAckFloorTime = Gauge "nats_consumer_ack_floor_timestamp_seconds" ["account" "stream" "consumer"] Consumers;
    /// When the consumer was created; its sequences start again when this changes.
    ConsumerCreated = Gauge "nats_consumer_created_timestamp_seconds" ["account" "stream" "consumer"] Consumers;
    /// When the present leader was elected (2.11.9 and later).
    ConsumerLeaderSince = Gauge "nats_consumer_leader_since_timestamp_seconds" ["account" "stream" "consumer"] Consumers;
    /// Whether somebody listens to the subject of a push consumer; 0 for pull consumers.
    ConsumerPushBound = Gauge "nats_consumer_push_bound" ["account" "stream" "consumer"] Consumers;
    /// Whether the consumer is paused (2.11 and later).
    ConsumerPaused = Gauge "nats_consumer_paused" ["account" "stream" "consumer"] Consumers;
    /// How long the consumer stays paused; 0 when it is not (2.11 and later).
    ConsumerPauseRemaining = Gauge "nats_consumer_pause_remaining_seconds" ["account" "stream" "consumer"] Consumers;
    /// Whether a client is pinned to the priority group (2.11 and later).
    ConsumerPinned = Gauge "nats_consumer_pinned" ["account" "stream" "consumer" "group"] Consumers;
    /// When a client was last pinned to the priority group; absent when never.
    ConsumerPinnedTime = Gauge "nats_consumer_pinned_timestamp_seconds" ["account" "stream" "consumer" "group"] Consumers;
    /// The client that is pinned to the priority group.
    ConsumerPinnedInfo = Info "nats_consumer_pinned_client_info" ["account" "stream" "consumer" "group" "client_id"] Consumers;
    /// Whether a follower is in sync, by the leader's view.
    ConsumerReplicaCurrent = Gauge "nats_consumer_replica_current" ["account" "stream" "consumer" "peer"] Consumers;
    /// Whether a follower is known to be offline, by the leader's view.
    ConsumerReplicaOffline = Gauge "nats_consumer_replica_offline" ["account" "stream" "consumer" "peer"] Consumers;
    /// Time since the leader last heard from a follower; absent when never.
    ConsumerReplicaActive = Gauge "nats_consumer_replica_active_seconds" ["account" "stream" "consumer" "peer"] Consumers;
    /// Raft entries that a follower is behind, by the leader's view.
    ConsumerReplicaLag = Gauge "nats_consumer_replica_lag_operations" ["account" "stream" "consumer" "peer"] Consumers;
    /// Whether a member is still to join, by the leader's view (2.15 and later).
    ConsumerReplicaPending = Gauge "nats_consumer_replica_pending" ["account" "stream" "consumer" "peer"] Consumers;
    /// Ephemeral and ordered consumers that this server leads; absent when there are none, as are their sums.
    StreamEphemeralConsumers = Gauge "nats_stream_ephemeral_consumers" ["account" "stream"] Consumers;
    /// Messages not yet delivered, over the ephemeral consumers that this server leads.
    StreamEphemeralPending = Gauge "nats_stream_ephemeral_pending_messages" ["account" "stream"] Consumers;
    /// Messages that wait for an acknowledgement, over the ephemeral consumers that this server leads.
    StreamEphemeralAckPending = Gauge "nats_stream_ephemeral_ack_pending_messages" ["account" "stream"] Consumers;
    /// Unacknowledged messages delivered more than once, over the ephemeral consumers that this server leads.
    StreamEphemeralRedelivered = Gauge "nats_stream_ephemeral_redelivered_messages" ["account" "stream"] Consumers;
    /// Pull requests that wait, over the ephemeral consumers that this server leads.
    StreamEphemeralWaiting = Gauge "nats_stream_ephemeral_waiting_pulls" ["account" "stream"] Consumers;

    // Routes to the servers of the cluster, from routez: several connections to each.
    /// Whether there is a route to this server of the cluster; 0 for an hour after the last one went. Servers without a name of their own are left out when they go, since they come back under another id.
    RouteConnected = Gauge "nats_route_connected" ["peer"] Routez;
    /// Route connections to this server of the cluster: the pool, one for the system account, one for each pinned account (2.10 and later).
    RouteConnections = Gauge "nats_route_connections" ["peer"] Routez;
    /// Bytes that wait to be read by this server of the cluster, over all its connections.
    RoutePending = Gauge "nats_route_pending_bytes" ["peer"] Routez;
    /// Subscriptions that this server of the cluster has announced, over all its connections.
    RouteSubscriptions = Gauge "nats_route_subscriptions" ["peer"] Routez;
    /// Round trip to this server of the cluster, the longest of its connections, as measured when they began, later at most hourly; absent until measured; not a live latency.
    RouteRtt = Gauge "nats_route_rtt_seconds" ["peer"] Routez;
    /// When the newest connection to this server of the cluster began; changes when one is replaced.
    RouteStart = Gauge "nats_route_start_time_seconds" ["peer"] Routez;
    /// When a connection to this server of the cluster last sent or received.
    RouteActivity = Gauge "nats_route_last_activity_timestamp_seconds" ["peer"] Routez;
    /// Messages received over this route connection; sum the rates by peer.
    RouteInMessages = Counter "nats_route_in_messages_total" ["peer" "rid" "account"] Routez;
    /// Messages sent over this route connection; sum the rates by peer.
    RouteOutMessages = Counter "nats_route_out_messages_total" ["peer" "rid" "account"] Routez;
    /// Bytes received over this route connection; sum the rates by peer.
    RouteInBytes = Counter "nats_route_in_bytes_total" ["peer" "rid" "account"] Routez;
    /// Bytes sent over this route connection; sum the rates by peer.
    RouteOutBytes = Counter "nats_route_out_bytes_total" ["peer" "rid" "account"] Routez;
    /// One route connection: where it leads, who began it, the account pinned to it, its compression.
    RouteInfo = Info "nats_route_info" ["peer" "rid" "account" "peer_id" "ip" "port" "did_solicit" "is_configured" "compression"] Routez;
    /// Whether a configured route is connected; absent where it cannot be told which of the connected servers the URL means.
    RouteUrlConnected = Gauge "nats_route_url_connected" ["url"] Routez;
    /// Configured routes that lead to no connected server, at least.
    RouteUrlsMissing = Gauge "nats_route_urls_missing" [] Routez;

    // Gateways to other clusters, from gatewayz.
    /// Whether this server has its outbound connection to that cluster: 0 for configured gateways that are down, and for an hour for learnt ones.
    GatewayConnected = Gauge "nats_gateway_connected" ["peer"] Gatewayz;
    /// Connections that servers of that cluster have to this one; each of them chooses one server, so 0 may be well.
    GatewayInbound = Gauge "nats_gateway_inbound_connections" ["peer"] Gatewayz;
    /// Bytes that wait to be read at the other end of this gateway connection.
    GatewayPending = Gauge "nats_gateway_pending_bytes" ["peer" "direction" "cid"] Gatewayz;
    /// Messages received over this gateway connection; next to none over outbound ones.
    GatewayInMessages = Counter "nats_gateway_in_messages_total" ["peer" "direction" "cid"] Gatewayz;
    /// Messages sent over this gateway connection; next to none over inbound ones.
    GatewayOutMessages = Counter "nats_gateway_out_messages_total" ["peer" "direction" "cid"] Gatewayz;
    /// Bytes received over this gateway connection; next to none over outbound ones.
    GatewayInBytes = Counter "nats_gateway_in_bytes_total" ["peer" "direction" "cid"] Gatewayz;
    /// Bytes sent over this gateway connection; next to none over inbound ones.
    GatewayOutBytes = Counter "nats_gateway_out_bytes_total" ["peer" "direction" "cid"] Gatewayz;
    /// Subscriptions known of the other end of this gateway connection.
    GatewaySubscriptions = Gauge "nats_gateway_subscriptions" ["peer" "direction" "cid"] Gatewayz;
    /// Round trip over this gateway connection as measured when it began, later at most hourly; absent until measured; not a live latency.
    GatewayRtt = Gauge "nats_gateway_rtt_seconds" ["peer" "direction" "cid"] Gatewayz;
    /// When this gateway connection began.
    GatewayStart = Gauge "nats_gateway_start_time_seconds" ["peer" "direction" "cid"] Gatewayz;
    /// When this gateway connection last sent or received.
    GatewayActivity = Gauge "nats_gateway_last_activity_timestamp_seconds" ["peer" "direction" "cid"] Gatewayz;
    /// One gateway connection: the server at its other end, and whether the gateway is configured or was learnt.
    GatewayInfo = Info "nats_gateway_info" ["peer" "direction" "cid" "peer_id" "kind" "ip" "port" "configured" "tls_version" "tls_cipher_suite"] Gatewayz;

    // Leaf nodes, accepted and solicited, from leafz: one connection for each account.
    /// Whether a leaf node connection to this server is there for this account; 0 for an hour after the last one went. Servers without a name of their own are left out when they go.
    LeafnodeConnected = Gauge "nats_leafnode_connected" ["peer" "account"] Leafz;
    /// Whether a configured leaf node remote is connected, by its place in the configuration; absent where several remotes of an account cannot be told apart.
    LeafnodeRemoteConnected = Gauge "nats_leafnode_remote_connected" ["remote" "account"] Leafz;
    /// Configured leaf node remotes of an account that have no connection, at least.
    LeafnodeRemotesMissing = Gauge "nats_leafnode_remotes_missing" ["account"] Leafz;
    /// Round trip over this leaf node connection as measured when it began, later at most hourly; absent until measured; not a live latency.
    LeafnodeRtt = Gauge "nats_leafnode_rtt_seconds" ["peer" "account" "role" "cid"] Leafz;
    /// Messages received over this leaf node connection.
    LeafnodeInMessages = Counter "nats_leafnode_in_messages_total" ["peer" "account" "role" "cid"] Leafz;
    /// Messages sent over this leaf node connection.
    LeafnodeOutMessages = Counter "nats_leafnode_out_messages_total" ["peer" "account" "role" "cid"] Leafz;
    /// Bytes received over this leaf node connection.
    LeafnodeInBytes = Counter "nats_leafnode_in_bytes_total" ["peer" "account" "role" "cid"] Leafz;
    /// Bytes sent over this leaf node connection.
    LeafnodeOutBytes = Counter "nats_leafnode_out_bytes_total" ["peer" "account" "role" "cid"] Leafz;
    /// Subscriptions announced over this leaf node connection.
    LeafnodeSubscriptions = Gauge "nats_leafnode_subscriptions" ["peer" "account" "role" "cid"] Leafz;
    /// One leaf node connection: its address, whether this server is its hub or its spoke (2.9.15 and later), its compression; cid is the address before 2.11.7.
    LeafnodeInfo = Info "nats_leafnode_info" ["peer" "account" "role" "cid" "ip" "port" "compression" "isolated" "proxy"] Leafz;

    // The lists of subscriptions of all accounts, from subsz.
    /// Subscriptions in the lists of all accounts.
    SublistSubscriptions = Gauge "nats_sublist_subscriptions" [] Subsz;
    /// Results of lookups that are cached.
    SublistCache = Gauge "nats_sublist_cache_entries" [] Subsz;
    /// Subscriptions ever added to the lists of the present accounts; falls when an account goes, so it is no counter.
    SublistInserts = Gauge "nats_sublist_inserts" [] Subsz;
    /// Subscriptions ever removed from the lists of the present accounts; falls when an account goes, so it is no counter.
    SublistRemoves = Gauge "nats_sublist_removes" [] Subsz;
    /// Lookups ever made in the lists of the present accounts, fewer than messages; falls when an account goes, so it is no counter.
    SublistMatches = Gauge "nats_sublist_matches" [] Subsz;
    /// Share of all lookups ever made that the cache answered; hardly moves on an old server.
    SublistCacheHits = Gauge "nats_sublist_cache_hit_ratio" [] Subsz;
    /// Subscriptions in the largest cached result.
    SublistMaxFanout = Gauge "nats_sublist_max_fanout" [] Subsz;
    /// Subscriptions in a cached result, on average.
    SublistMeanFanout = Gauge "nats_sublist_mean_fanout" [] Subsz;
}
