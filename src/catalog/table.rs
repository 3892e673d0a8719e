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
    /// Servers that natsight watches, by how it knows of them; targets of `/probe` are not among them.
    OwnServers = Gauge "natsight_servers" ["origin"] Own;
    /// Servers that natsight knows and does not watch because there are too many.
    OwnTargetsLeftOut = Gauge "natsight_targets_left_out" ["origin"] Own;
    /// Looks at `targets_file` that found it changed or unusable, and lookups of each `dns+` name, by result.
    OwnTargetsRefreshes = Counter "natsight_targets_refreshes_total" ["source" "result"] Own;
    /// Targets of `/probe` that are polled now.
    OwnProbeTargets = Gauge "natsight_probe_targets" [] Own;
    /// Requests to `/probe` that were refused, by reason.
    OwnProbeRefused = Counter "natsight_probe_refused_total" ["reason"] Own;
    /// Series on the page.
    OwnPageSeries = Gauge "natsight_page_series" [] Own;
    /// Requests to natsight's listeners, by route and status.
    OwnHttpRequests = Counter "natsight_http_requests_total" ["listener" "route" "code"] Own;
    /// Connections to natsight's listeners that are open now.
    OwnConnections = Gauge "natsight_http_connections" ["listener"] Own;
    /// Connections that natsight closed because too many were open, by reason: busy (a new one, while all others were being answered), silent (no request yet, open for longest) and idle (no request for longest), the latter two to make room for a new one.
    OwnConnectionsRefused = Counter "natsight_http_connections_refused_total" ["listener" "reason"] Own;
    /// TLS handshakes that failed, by listener and reason.
    OwnTlsFailures = Counter "natsight_tls_handshake_failures_total" ["listener" "reason"] Own;
    /// Scrapes that natsight did not serve because slow clients still hold too many older pages.
    OwnScrapesRefused = Counter "natsight_scrapes_refused_total" [] Own;
    /// Series that limits kept off the page, by family, counted anew in each round; those of nats_collector_left_out with the reasons "budget" and "new".
    OwnSeriesDropped = Counter "natsight_series_dropped_total" ["family"] Own;
    /// Reloads of the configuration, by result.
    OwnConfigReloads = Counter "natsight_config_reloads_total" ["result"] Own;
    /// When the configuration in force was read.
    OwnConfigTime = Gauge "natsight_config_load_timestamp_seconds" [] Own;
    /// Times that changed files of certificates, users and tokens were read again, by side and result.
    OwnRightsReloads = Counter "natsight_rights_reloads_total" ["side" "result"] Own;
    /// When the certificate of natsight's listeners expires; 0 without TLS.
    OwnCertificateEnd = Gauge "natsight_tls_certificate_not_after_timestamp_seconds" [] Own;
    /// Captures by kind and how they ended: `success`, or the reason of the failure.
    OwnCaptures = Counter "natsight_profile_captures_total" ["kind" "result"] Own;
    /// Captures that were sent to Pyroscope, by how that ended: `success`, or the reason of the failure.
    OwnCapturesPushed = Counter "natsight_profile_pushes_total" ["result"] Own;
    /// Samples of captures that found no room.
    OwnCaptureLost = Counter "natsight_profile_samples_lost_total" [] Own;
    /// Captures that run.
    OwnCapturesRunning = Gauge "natsight_profile_captures_running" [] Own;
    /// Captures that are kept.
    OwnCapturesStored = Gauge "natsight_profile_captures_stored" [] Own;
    /// Bytes of the captures that are kept.
    OwnCaptureBytes = Gauge "natsight_profile_captures_stored_bytes" [] Own;
    /// The newest capture of each server that somebody or an alert asked for; `id` leads to it.
    OwnCaptureInfo = Info "natsight_profile_capture_info" ["id" "kind" "server"] Own;

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
    /// One client connection: who it is, its address and port, and the account's name where the account is called by its key.
    ConnectionInfo = Info "nats_connection_info" ["cid" "name" "account" "user" "kind" "lang" "version" "ip" "tls_version" "tls_cipher_suite" "mqtt_client" "name_tag" "port"] Connz detail;

    // Closed connections, from connz?state=closed.
    /// Client and leaf node connections that closed since natsight first looked, or since the server started if that was later, by the server's reason; each counted once; natsight's own connect probe ends as client_closed (`probes.connect: 0` switches it off).
    ConnectionsClosed = Counter "nats_connections_closed_total" ["reason"] Closed;
    /// Times that the server's list of closed connections may have been overwritten before natsight read it, so that some are missing from all reasons; connections opened less those open tells how many there were.
    ConnectionsClosedGaps = Counter "nats_connections_closed_gaps_total" [] Closed;
    /// Closed connections that the server still remembers (max_closed_clients, 10,000 by default).
    ConnectionsClosedKept = Gauge "nats_connections_closed_kept" [] Closed;
    /// Connections that closed, counted as nats_connections_closed_total, by kind: nats, websocket, mqtt, leafnode, other.
    ConnectionsClosedByKind = Counter "nats_connections_closed_by_kind_total" ["kind"] Closed;
    /// Messages that were received from the connections counted as closed, over their whole lives.
    ConnectionsClosedInMessages = Counter "nats_connections_closed_in_messages_total" [] Closed;
    /// Messages that were sent to the connections counted as closed, over their whole lives.
    ConnectionsClosedOutMessages = Counter "nats_connections_closed_out_messages_total" [] Closed;
    /// Bytes that were received from the connections counted as closed, over their whole lives.
    ConnectionsClosedInBytes = Counter "nats_connections_closed_in_bytes_total" [] Closed;
    /// Bytes that were sent to the connections counted as closed, over their whole lives.
    ConnectionsClosedOutBytes = Counter "nats_connections_closed_out_bytes_total" [] Closed;
    /// Bytes that still waited to be read when the connections counted as closed ended: they never arrived.
    ConnectionsClosedPending = Counter "nats_connections_closed_pending_bytes_total" [] Closed;
    /// Times that the connections counted as closed had made producers wait (2.12 and later).
    ConnectionsClosedStalls = Counter "nats_connections_closed_stalls_total" [] Closed;
    /// Time from connect to close of the connections counted as closed; many short lives are clients that connect again and again.
    ConnectionsClosedLifetime = Histogram "nats_connections_closed_lifetime_seconds" [] Closed;

    // The latest closed connections (collect.top of them), by configuration.
    /// One of the latest closed connections: who it was and the server's reason. As many as collect.top, those that their clients did not close before the others, each for five rounds at least; those that said nothing of themselves and closed, such as checks of the port, are left out.
    ClosedConnectionInfo = Info "nats_closed_connection_info" ["cid" "name" "account" "user" "kind" "lang" "version" "ip" "tls_version" "tls_cipher_suite" "mqtt_client" "name_tag" "port" "reason"] Closed detail;
    /// When this closed connection ended.
    ClosedConnectionStop = Gauge "nats_closed_connection_stop_timestamp_seconds" ["cid"] Closed detail;
    /// When this closed connection began.
    ClosedConnectionStart = Gauge "nats_closed_connection_start_time_seconds" ["cid"] Closed detail;
    /// When this closed connection last sent or received.
    ClosedConnectionActivity = Gauge "nats_closed_connection_last_activity_timestamp_seconds" ["cid"] Closed detail;
    /// Round trip to this closed connection as the server last measured it; absent where it never did.
    ClosedConnectionRtt = Gauge "nats_closed_connection_rtt_seconds" ["cid"] Closed detail;
    /// Messages that were received from this closed connection.
    ClosedConnectionInMessages = Gauge "nats_closed_connection_in_messages" ["cid"] Closed detail;
    /// Messages that were sent to this closed connection.
    ClosedConnectionOutMessages = Gauge "nats_closed_connection_out_messages" ["cid"] Closed detail;
    /// Bytes that were received from this closed connection.
    ClosedConnectionInBytes = Gauge "nats_closed_connection_in_bytes" ["cid"] Closed detail;
    /// Bytes that were sent to this closed connection.
    ClosedConnectionOutBytes = Gauge "nats_closed_connection_out_bytes" ["cid"] Closed detail;
    /// Bytes that still waited to be read when this connection closed.
    ClosedConnectionPending = Gauge "nats_closed_connection_pending_bytes" ["cid"] Closed detail;
    /// Subscriptions that this connection had when it closed.
    ClosedConnectionSubscriptions = Gauge "nats_closed_connection_subscriptions" ["cid"] Closed detail;
    /// Times that this closed connection had made producers wait (2.12 and later).
    ClosedConnectionStalls = Gauge "nats_closed_connection_stalls" ["cid"] Closed detail;

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

    // Accounts, from accstatz: on this server, without the other members of the cluster.
    /// Client connections of the account to this server.
    AccountConnections = Gauge "nats_account_connections" ["account"] Accstatz;
    /// Leaf node connections of the account to this server.
    AccountLeafnodes = Gauge "nats_account_leafnodes" ["account"] Accstatz;
    /// Subscriptions of the account on this server, those for other servers included (2.10 and later).
    AccountSubscriptions = Gauge "nats_account_subscriptions" ["account"] Accstatz;
    /// Times that a connection of the account was found too slow.
    AccountSlowConsumers = Counter "nats_account_slow_consumers_total" ["account"] Accstatz;
    /// Messages from the account's clients, and over routes, gateways and leaf nodes.
    AccountInMsgs = Counter "nats_account_in_messages_total" ["account"] Accstatz;
    /// Bytes from the account's clients, and over routes, gateways and leaf nodes.
    AccountInBytes = Counter "nats_account_in_bytes_total" ["account"] Accstatz;
    /// Messages to the account's clients, and over routes, gateways and leaf nodes.
    AccountOutMsgs = Counter "nats_account_out_messages_total" ["account"] Accstatz;
    /// Bytes to the account's clients, and over routes, gateways and leaf nodes.
    AccountOutBytes = Counter "nats_account_out_bytes_total" ["account"] Accstatz;
    /// Of the messages from the account, those over each kind of link between servers (2.11.5 and later).
    AccountLinkInMsgs = Counter "nats_account_link_in_messages_total" ["account" "kind"] Accstatz detail;
    /// Of the bytes from the account, those over each kind of link between servers (2.11.5 and later).
    AccountLinkInBytes = Counter "nats_account_link_in_bytes_total" ["account" "kind"] Accstatz detail;
    /// Of the messages to the account, those over each kind of link between servers (2.11.5 and later).
    AccountLinkOutMsgs = Counter "nats_account_link_out_messages_total" ["account" "kind"] Accstatz detail;
    /// Of the bytes to the account, those over each kind of link between servers (2.11.5 and later).
    AccountLinkOutBytes = Counter "nats_account_link_out_bytes_total" ["account" "kind"] Accstatz detail;

    // Settings of accounts, from accountz: the list at each round, one account in each round, each at most every ten minutes.
    /// Accounts that this server knows.
    Accounts = Gauge "nats_accounts" [] Accountz;
    /// An account that this server knows.
    AccountListedInfo = Info "nats_account_listed_info" ["account" "account_id" "system"] Accountz detail;
    /// When the settings of the account were read, by the broker's clock.
    AccountReadTime = Gauge "nats_account_details_timestamp_seconds" ["account"] Accountz detail;
    /// Whether the account has expired.
    AccountExpired = Gauge "nats_account_expired" ["account"] Accountz;
    /// Whether all that the account imports is known.
    AccountComplete = Gauge "nats_account_complete" ["account"] Accountz;
    /// Whether the account may use JetStream.
    AccountJetstream = Gauge "nats_account_jetstream_enabled" ["account"] Accountz;
    /// Whether it is the system account.
    AccountIsSystem = Gauge "nats_account_is_system" ["account"] Accountz detail;
    /// When the account was last set up; absent when the broker does not say.
    AccountUpdated = Gauge "nats_account_updated_timestamp_seconds" ["account"] Accountz detail;
    /// Subjects that the account exports.
    AccountExports = Gauge "nats_account_exports" ["account"] Accountz;
    /// Subjects that the account imports.
    AccountImports = Gauge "nats_account_imports" ["account"] Accountz;
    /// Imports that the broker refuses.
    AccountInvalidImports = Gauge "nats_account_invalid_imports" ["account"] Accountz;
    /// Subjects that the account maps to others, those of JetStream domains included.
    AccountMappings = Gauge "nats_account_mappings" ["account"] Accountz detail;
    /// Users of the account that are revoked.
    AccountRevokedUsers = Gauge "nats_account_revoked_users" ["account"] Accountz detail;
    /// Replies of imported services that are awaited.
    AccountResponses = Gauge "nats_account_pending_responses" ["account"] Accountz detail;
    /// Faults that the broker finds in the account's token, by whether they stop the account.
    AccountTokenIssues = Gauge "nats_account_token_issues" ["account" "blocking"] Accountz detail;
    /// A tag of the account.
    AccountTagInfo = Info "nats_account_tag_info" ["account" "tag"] Accountz detail;
    /// A subject that the account exports.
    AccountExportInfo = Info "nats_account_export_info" ["account" "kind" "subject" "response_type" "token_required" "latency_subject"] Accountz detail;
    /// Share of the requests to an exported service whose latency is sampled.
    AccountExportSampling = Gauge "nats_account_export_latency_sampling_ratio" ["account" "subject"] Accountz detail;
    /// A subject that the account imports.
    AccountImportInfo = Info "nats_account_import_info" ["account" "kind" "subject" "origin" "to" "local_subject" "invalid" "share" "tracking" "latency_subject"] Accountz detail;
    /// Share of the requests to an imported service whose latency is sampled.
    AccountImportSampling = Gauge "nats_account_import_latency_sampling_ratio" ["account" "subject" "origin"] Accountz detail;
    /// Share of the messages to a mapped subject that go to this destination.
    AccountMappingWeight = Gauge "nats_account_mapping_weight_ratio" ["account" "subject" "destination" "in_cluster"] Accountz detail;
    /// Subscriptions in the account's table of subjects.
    AccountSublistSubscriptions = Gauge "nats_account_sublist_subscriptions" ["account"] Accountz detail;
    /// Subjects in the cache of the account's table.
    AccountSublistCached = Gauge "nats_account_sublist_cached_subjects" ["account"] Accountz detail;
    /// Subscriptions added to the account's table.
    AccountSublistInserts = Counter "nats_account_sublist_inserts_total" ["account"] Accountz detail;
    /// Subscriptions removed from the account's table.
    AccountSublistRemoves = Counter "nats_account_sublist_removes_total" ["account"] Accountz detail;
    /// Look-ups in the account's table.
    AccountSublistMatches = Counter "nats_account_sublist_matches_total" ["account"] Accountz detail;
    /// Share of the look-ups that the cache answered, over the life of the account.
    AccountSublistHits = Gauge "nats_account_sublist_cache_hit_ratio" ["account"] Accountz detail;
    /// Most subscriptions that a cached subject has.
    AccountSublistFanoutMax = Gauge "nats_account_sublist_fanout_max" ["account"] Accountz detail;
    /// Subscriptions that a cached subject has on average.
    AccountSublistFanoutAverage = Gauge "nats_account_sublist_fanout_average" ["account"] Accountz detail;

    // Internal queues, from ipqueuesz: only those that are not empty.
    /// Entries that wait in an internal queue; absent when none do. Queues with names of unknown form beyond a bound are summed as queue other.
    IpqueuePending = Gauge "nats_ipqueue_pending" ["queue" "account" "stream" "consumer" "group" "origin"] Ipqueuesz;
    /// Entries of an internal queue that are being worked on; absent when the queue is empty.
    IpqueueInProgress = Gauge "nats_ipqueue_in_progress" ["queue" "account" "stream" "consumer" "group" "origin"] Ipqueuesz detail;

    // Raft groups, from raftz: by each member about itself. Each account has its round in turn; the group _meta_ is of the system account.
    /// When the groups of the account were read, by the broker's clock.
    RaftReadTime = Gauge "nats_raft_read_timestamp_seconds" ["account"] Raftz;
    /// Who leads the group, whom this server voted for, and the account that carries the traffic.
    RaftGroupInfo = Info "nats_raft_group_info" ["account" "group" "id" "leader" "voted_for" "traffic_account" "system_account"] Raftz;
    /// What this server is in the group: follower, candidate, leader, closed. Always 1.
    RaftState = Gauge "nats_raft_state" ["account" "group" "state"] Raftz;
    /// Whether this server knows a leader of the group.
    RaftHasLeader = Gauge "nats_raft_has_leader" ["account" "group"] Raftz;
    /// Whether the group ever had a leader since this server started.
    RaftEverHadLeader = Gauge "nats_raft_ever_had_leader" ["account" "group"] Raftz detail;
    /// When this server was elected; absent where it does not lead (2.11.9 and later).
    RaftLeaderSince = Gauge "nats_raft_leader_since_timestamp_seconds" ["account" "group"] Raftz;
    /// Members of the group.
    RaftMembers = Gauge "nats_raft_members" ["account" "group"] Raftz;
    /// Members that are needed to elect a leader and to commit.
    RaftQuorum = Gauge "nats_raft_quorum_members" ["account" "group"] Raftz;
    /// Whether this server only watches: it neither votes nor leads.
    RaftObserver = Gauge "nats_raft_observer" ["account" "group"] Raftz detail;
    /// Whether this server holds back what was committed.
    RaftPaused = Gauge "nats_raft_paused" ["account" "group"] Raftz;
    /// Whether this server catches up with the leader.
    RaftCatchingUp = Gauge "nats_raft_catching_up" ["account" "group"] Raftz;
    /// Index of the last entry that a quorum has.
    RaftCommitted = Gauge "nats_raft_committed_index" ["account" "group"] Raftz;
    /// Index of the last entry that this server has carried out.
    RaftApplied = Gauge "nats_raft_applied_index" ["account" "group"] Raftz;
    /// Term of the group; it grows with each election.
    RaftTerm = Gauge "nats_raft_term" ["account" "group"] Raftz;
    /// Term of the last entry in the log.
    RaftLogTerm = Gauge "nats_raft_log_term" ["account" "group"] Raftz detail;
    /// Index of the last entry in the log.
    RaftLogIndex = Gauge "nats_raft_log_index" ["account" "group"] Raftz;
    /// Entries that wait: proposals and responses on the leader, entries on followers, apply for the layer above.
    RaftQueue = Gauge "nats_raft_queue_entries" ["account" "group" "queue"] Raftz;
    /// Whether a queue of the group is over its limit (2.14 and later).
    RaftOverrun = Gauge "nats_raft_overrun" ["account" "group"] Raftz;
    /// Times that a queue of the group went over its limit (2.14 and later).
    RaftOverruns = Counter "nats_raft_overruns_total" ["account" "group"] Raftz;
    /// Whether the log could not be written.
    RaftLogError = Gauge "nats_raft_log_error" ["account" "group"] Raftz;
    /// Entries in the log.
    RaftLogEntries = Gauge "nats_raft_log_entries" ["account" "group"] Raftz;
    /// Bytes of the log.
    RaftLogBytes = Gauge "nats_raft_log_bytes" ["account" "group"] Raftz;
    /// Sequence of the first entry in the log.
    RaftLogFirst = Gauge "nats_raft_log_first_sequence" ["account" "group"] Raftz detail;
    /// Sequence of the last entry in the log.
    RaftLogLast = Gauge "nats_raft_log_last_sequence" ["account" "group"] Raftz detail;
    /// When the first entry in the log was written; absent when the log is empty.
    RaftLogFirstTime = Gauge "nats_raft_log_first_timestamp_seconds" ["account" "group"] Raftz detail;
    /// When the last entry in the log was written; absent when none was.
    RaftLogLastTime = Gauge "nats_raft_log_last_timestamp_seconds" ["account" "group"] Raftz detail;
    /// Gaps in the log.
    RaftLogDeleted = Gauge "nats_raft_log_deleted_entries" ["account" "group"] Raftz detail;
    /// Subjects of the entries in the log, as the store counts them.
    RaftLogSubjects = Gauge "nats_raft_log_subjects" ["account" "group"] Raftz detail;
    /// Consumers of the log, as the store counts them.
    RaftLogConsumers = Gauge "nats_raft_log_consumers" ["account" "group"] Raftz detail;
    /// Entries of the log that were lost to damage of the store.
    RaftLogLost = Gauge "nats_raft_log_lost_entries" ["account" "group"] Raftz detail;
    /// Bytes of the log that were lost to damage of the store.
    RaftLogLostBytes = Gauge "nats_raft_log_lost_bytes" ["account" "group"] Raftz detail;
    /// Whether another member is known to the group.
    RaftPeerKnown = Gauge "nats_raft_peer_known" ["account" "group" "peer"] Raftz detail;
    /// Index of the last entry that another member has, by the leader's view; absent when it told none.
    RaftPeerIndex = Gauge "nats_raft_peer_replicated_index" ["account" "group" "peer"] Raftz detail;
    /// Time since another member was last heard; absent when never.
    RaftPeerSeen = Gauge "nats_raft_peer_last_seen_seconds" ["account" "group" "peer"] Raftz detail;

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

    // Accounts on each gateway connection, from gatewayz?accs=true, by collect.gateway_accounts.
    /// How messages of the account are chosen for this gateway connection: optimistic (all but those on subjects known to have no interest), transitioning, or interest-only. Always 1. Servers of 2.9 and later switch the accounts that they know to interest-only by themselves.
    GatewayAccountMode = Gauge "nats_gateway_account_interest_mode" ["peer" "direction" "cid" "account" "mode"] GatewayAccounts detail;
    /// Subjects of the account that the receiving end of this gateway connection has said it has no interest in; until the mode is interest-only, messages on all others are sent.
    GatewayAccountNoInterest = Gauge "nats_gateway_account_no_interest_subjects" ["peer" "direction" "cid" "account"] GatewayAccounts detail;
    /// Subscriptions of the account at the other end of this outbound connection, those of queue groups among them.
    GatewayAccountSubscriptions = Gauge "nats_gateway_account_subscriptions" ["peer" "direction" "cid" "account"] GatewayAccounts detail;
    /// Subscriptions in queue groups of the account at the other end of this outbound connection.
    GatewayAccountQueueSubscriptions = Gauge "nats_gateway_account_queue_subscriptions" ["peer" "direction" "cid" "account"] GatewayAccounts detail;
    /// Subjects without interest at which an account is switched to interest-only; the largest number where accounts differ.
    GatewayInterestThreshold = Gauge "nats_gateway_interest_only_threshold_subjects" [] GatewayAccounts detail;

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
    // Configuration of streams and consumers, raft groups and the consumers of mirrors and sources, from jsz with configuration: told by the leader.
    /// Streams with a replica on this server that it leads (2.11.11, 2.12.1 and later).
    JetstreamLedStreams = Gauge "nats_jetstream_led_streams" [] Config;
    /// Consumers with a replica on this server that it leads (2.11.11, 2.12.1 and later).
    JetstreamLedConsumers = Gauge "nats_jetstream_led_consumers" [] Config;
    /// How the stream is configured; a flag that is off has no label.
    StreamConfigInfo = Info "nats_stream_config_info" ["account" "stream" "description" "retention" "storage" "discard" "compression" "persist_mode" "placement_cluster" "placement_tags" "placement_preferred" "no_ack" "allow_direct" "mirror_direct" "sealed" "deny_delete" "deny_purge" "allow_rollup_headers" "discard_new_per_subject" "allow_message_ttl" "allow_message_counter" "allow_atomic" "allow_message_schedules" "allow_batched" "template_owner"] Config;
    /// Most messages that the stream may hold; absent when there is no limit.
    StreamMaxMessages = Gauge "nats_stream_max_messages" ["account" "stream"] Config;
    /// Most bytes that the stream may hold; absent when there is no limit.
    StreamMaxBytes = Gauge "nats_stream_max_bytes" ["account" "stream"] Config;
    /// Age at which messages are removed; absent when there is no limit.
    StreamMaxAge = Gauge "nats_stream_max_age_seconds" ["account" "stream"] Config;
    /// Most consumers that the stream may have; absent when there is no limit.
    StreamMaxConsumers = Gauge "nats_stream_max_consumers" ["account" "stream"] Config;
    /// Most messages of one subject; absent when there is no limit.
    StreamMaxPerSubject = Gauge "nats_stream_max_messages_per_subject" ["account" "stream"] Config;
    /// Largest message that the stream takes; absent when there is no limit.
    StreamMaxMessageSize = Gauge "nats_stream_max_message_bytes" ["account" "stream"] Config;
    /// Replicas that the stream shall have.
    StreamReplicas = Gauge "nats_stream_replicas" ["account" "stream"] Config;
    /// How long ids of messages are remembered to find duplicates; absent when they are not.
    StreamDuplicateWindow = Gauge "nats_stream_duplicate_window_seconds" ["account" "stream"] Config;
    /// Sequence with which the stream was to begin; absent when not configured (2.10 and later).
    StreamConfiguredFirst = Gauge "nats_stream_configured_first_sequence" ["account" "stream"] Config detail;
    /// How long a marker stays for what was removed by age; absent when there are none (2.11 and later).
    StreamDeleteMarkerTtl = Gauge "nats_stream_delete_marker_ttl_seconds" ["account" "stream"] Config detail;
    /// Longest inactivity that a consumer of the stream may ask for; absent when there is no limit (2.10 and later).
    StreamConsumerInactive = Gauge "nats_stream_consumer_inactive_threshold_seconds" ["account" "stream"] Config detail;
    /// Most unacknowledged messages that a consumer of the stream may ask for; absent when there is no limit (2.10 and later).
    StreamConsumerMaxAckPending = Gauge "nats_stream_consumer_max_ack_pending_messages" ["account" "stream"] Config detail;
    /// Subjects that the stream listens to, wildcards counted as one.
    StreamConfiguredSubjects = Gauge "nats_stream_configured_subjects" ["account" "stream"] Config detail;
    /// A subject that the stream listens to.
    StreamSubjectInfo = Info "nats_stream_subject_info" ["account" "stream" "subject"] Config detail;
    /// A mirror or source that the stream is configured with.
    StreamSourceConfigInfo = Info "nats_stream_config_source_info" ["account" "stream" "kind" "origin" "filter" "external" "deliver" "start_sequence" "start_time" "consumer"] Config detail;
    /// How the subjects of a mirror or source are to be changed (2.10 and later).
    StreamSourceConfigTransformInfo = Info "nats_stream_config_source_transform_info" ["account" "stream" "kind" "origin" "src" "dest"] Config detail;
    /// Where the stream publishes what it stored.
    StreamRepublishInfo = Info "nats_stream_republish_info" ["account" "stream" "src" "dest" "headers_only"] Config detail;
    /// How the stream changes subjects before it stores (2.10 and later).
    StreamTransformInfo = Info "nats_stream_transform_info" ["account" "stream" "src" "dest"] Config detail;
    /// A pair of the stream's metadata (2.10 and later).
    StreamMetadataInfo = Info "nats_stream_metadata_info" ["account" "stream" "key" "value"] Config detail;
    /// A threshold for monitoring that stands in the stream's metadata under io.nats.monitor; durations in seconds, flags as 0 and 1.
    StreamMonitorThreshold = Gauge "nats_stream_monitor_threshold" ["account" "stream" "key"] Config;
    /// The raft group of the stream, as raftz names it (2.9.15 and later).
    StreamRaftGroupInfo = Info "nats_raft_group_stream_info" ["account" "stream" "group"] Config;
    /// The raft group of a durable consumer, as raftz names it; told by the leader of its stream (2.9.15 and later).
    ConsumerRaftGroupInfo = Info "nats_raft_group_consumer_info" ["account" "stream" "consumer" "group"] Config;
    /// How the consumer is configured; a flag that is off has no label, and direct marks the consumer of a mirror or source.
    ConsumerConfigInfo = Info "nats_consumer_config_info" ["account" "stream" "consumer" "direct" "description" "deliver_policy" "ack_policy" "replay_policy" "deliver_subject" "deliver_group" "sample_freq" "priority_policy" "flow_control" "headers_only" "mem_storage" "sourcing"] Config;
    /// Most unacknowledged messages, at which delivery stalls; absent when there is no limit.
    ConsumerMaxAckPending = Gauge "nats_consumer_max_ack_pending_messages" ["account" "stream" "consumer" "direct"] Config;
    /// Time to acknowledge before a message is delivered again; absent when none is awaited.
    ConsumerAckWait = Gauge "nats_consumer_ack_wait_seconds" ["account" "stream" "consumer" "direct"] Config;
    /// Times that a message is delivered at most; absent when there is no limit.
    ConsumerMaxDeliver = Gauge "nats_consumer_max_deliveries" ["account" "stream" "consumer" "direct"] Config;
    /// Most pull requests that may wait; absent for push consumers.
    ConsumerMaxWaiting = Gauge "nats_consumer_max_waiting_pulls" ["account" "stream" "consumer" "direct"] Config;
    /// Most messages of one pull request; absent when there is no limit.
    ConsumerMaxBatch = Gauge "nats_consumer_max_batch_messages" ["account" "stream" "consumer" "direct"] Config detail;
    /// Longest that a pull request may wait; absent when there is no limit.
    ConsumerMaxExpires = Gauge "nats_consumer_max_expires_seconds" ["account" "stream" "consumer" "direct"] Config detail;
    /// Most bytes of one pull request; absent when there is no limit.
    ConsumerMaxRequestBytes = Gauge "nats_consumer_max_request_bytes" ["account" "stream" "consumer" "direct"] Config detail;
    /// Time between heartbeats while there is nothing to deliver; absent when there are none.
    ConsumerHeartbeat = Gauge "nats_consumer_idle_heartbeat_seconds" ["account" "stream" "consumer" "direct"] Config detail;
    /// Inactivity after which the consumer is removed; absent when it never is.
    ConsumerInactive = Gauge "nats_consumer_inactive_threshold_seconds" ["account" "stream" "consumer" "direct"] Config;
    /// Fastest delivery; absent when there is no limit.
    ConsumerRateLimit = Gauge "nats_consumer_rate_limit_bits_per_second" ["account" "stream" "consumer" "direct"] Config detail;
    /// Replicas that the consumer shall have; 0 for as many as its stream.
    ConsumerReplicas = Gauge "nats_consumer_replicas" ["account" "stream" "consumer" "direct"] Config detail;
    /// Inactivity after which a pinned client is given up; absent when there is none (2.11 and later).
    ConsumerPriorityTimeout = Gauge "nats_consumer_priority_timeout_seconds" ["account" "stream" "consumer" "direct"] Config detail;
    /// When a paused consumer goes on; absent when it was never paused (2.11 and later).
    ConsumerPauseUntil = Gauge "nats_consumer_pause_until_timestamp_seconds" ["account" "stream" "consumer" "direct"] Config detail;
    /// Sequence of the first message to deliver; absent when not configured.
    ConsumerStartSequence = Gauge "nats_consumer_start_sequence" ["account" "stream" "consumer" "direct"] Config detail;
    /// Time of the first message to deliver; absent when not configured.
    ConsumerStartTime = Gauge "nats_consumer_start_timestamp_seconds" ["account" "stream" "consumer" "direct"] Config detail;
    /// Time to acknowledge before a delivery is repeated, by how often it was.
    ConsumerBackoff = Gauge "nats_consumer_backoff_seconds" ["account" "stream" "consumer" "direct" "step"] Config detail;
    /// A subject that the consumer takes.
    ConsumerFilterInfo = Info "nats_consumer_filter_info" ["account" "stream" "consumer" "direct" "subject"] Config detail;
    /// A priority group of the consumer (2.11 and later).
    ConsumerPriorityGroupInfo = Info "nats_consumer_priority_group_info" ["account" "stream" "consumer" "direct" "group"] Config detail;
    /// A pair of the consumer's metadata (2.10 and later).
    ConsumerMetadataInfo = Info "nats_consumer_metadata_info" ["account" "stream" "consumer" "direct" "key" "value"] Config detail;
    /// A threshold for monitoring that stands in the consumer's metadata under io.nats.monitor; durations in seconds, flags as 0 and 1.
    ConsumerMonitorThreshold = Gauge "nats_consumer_monitor_threshold" ["account" "stream" "consumer" "direct" "key"] Config;
    /// Messages that a mirror or source has not been sent yet (2.11.11, 2.12.2 and later).
    DirectPending = Gauge "nats_direct_consumer_pending_messages" ["account" "stream" "consumer"] Config detail;
    /// Messages sent to a mirror or source that wait for an acknowledgement (2.11.11, 2.12.2 and later).
    DirectAckPending = Gauge "nats_direct_consumer_ack_pending_messages" ["account" "stream" "consumer"] Config detail;
    /// Unacknowledged messages that were sent to a mirror or source more than once (2.11.11, 2.12.2 and later).
    DirectRedelivered = Gauge "nats_direct_consumer_redelivered_messages" ["account" "stream" "consumer"] Config detail;
    /// Pull requests of a mirror or source that wait for messages (2.11.11, 2.12.2 and later).
    DirectWaiting = Gauge "nats_direct_consumer_waiting_pulls" ["account" "stream" "consumer"] Config detail;
    /// Messages sent to a mirror or source so far (2.11.11, 2.12.2 and later).
    DirectDelivered = Gauge "nats_direct_consumer_delivered_sequence" ["account" "stream" "consumer"] Config detail;
    /// Stream sequence of the last message sent to a mirror or source (2.11.11, 2.12.2 and later).
    DirectDeliveredStream = Gauge "nats_direct_consumer_delivered_stream_sequence" ["account" "stream" "consumer"] Config detail;
    /// When a message was last sent to a mirror or source; absent when never (2.11.11, 2.12.2 and later).
    DirectDeliveredTime = Gauge "nats_direct_consumer_delivered_timestamp_seconds" ["account" "stream" "consumer"] Config detail;
    /// The message up to which a mirror or source has acknowledged all (2.11.11, 2.12.2 and later).
    DirectAckFloor = Gauge "nats_direct_consumer_ack_floor_sequence" ["account" "stream" "consumer"] Config detail;
    /// The stream sequence up to which a mirror or source has acknowledged all (2.11.11, 2.12.2 and later).
    DirectAckFloorStream = Gauge "nats_direct_consumer_ack_floor_stream_sequence" ["account" "stream" "consumer"] Config detail;
    /// When a mirror or source last acknowledged; absent when never (2.11.11, 2.12.2 and later).
    DirectAckFloorTime = Gauge "nats_direct_consumer_ack_floor_timestamp_seconds" ["account" "stream" "consumer"] Config detail;
    /// When the consumer of a mirror or source was created (2.11.11, 2.12.2 and later).
    DirectCreated = Gauge "nats_direct_consumer_created_timestamp_seconds" ["account" "stream" "consumer"] Config detail;
    /// Whether the mirror or source listens (2.11.11, 2.12.2 and later).
    DirectPushBound = Gauge "nats_direct_consumer_push_bound" ["account" "stream" "consumer"] Config detail;
}
