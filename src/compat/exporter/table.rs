//! Every family of the older exporter that has a fixed name: system, name without prefix, type, help text as there.
//!
//! varz, routez and subsz are not here: there each number of the answer becomes a family (`flat`).

use std::sync::Arc;

use crate::state::{ForeignFamily, ForeignKind};

/// Which of the two default prefixes a family has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Core,
    Jetstream,
}

impl System {
    fn prefix(self) -> &'static str {
        match self {
            Self::Core => "gnatsd",
            Self::Jetstream => "jetstream",
        }
    }
}

macro_rules! families {
    ($( $family:ident = $system:ident $kind:ident $name:literal $help:literal; )*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Family { $( $family, )* }

        const TABLE: &[(System, ForeignKind, &str, &str)] =
            &[$( (System::$system, ForeignKind::$kind, $name, $help), )*];
    };
}

/// The families under the prefix in force.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: Option<String>,
    families: Vec<Arc<ForeignFamily>>,
}

impl Names {
    pub(super) fn new(prefix: Option<&str>) -> Self {
        let family = |(system, kind, name, help): &(System, ForeignKind, &str, &str)| {
            Arc::new(ForeignFamily {
                name: format!("{}_{name}", prefix.unwrap_or(system.prefix())),
                kind: *kind,
                help: (*help).to_owned(),
            })
        };
        Self {
            prefix: prefix.map(str::to_owned),
            families: TABLE.iter().map(family).collect(),
        }
    }

    pub(super) fn of(&self, family: Family) -> Arc<ForeignFamily> {
        Arc::clone(&self.families[family as usize])
    }

    /// A gauge named after a key of the broker's answer.
    pub(super) fn flat(&self, endpoint: &str, key: &str) -> Arc<ForeignFamily> {
        let prefix = self.prefix.as_deref().unwrap_or(System::Core.prefix());
        Arc::new(ForeignFamily {
            name: format!("{prefix}_{endpoint}_{key}"),
            kind: ForeignKind::Gauge,
            help: key.to_owned(),
        })
    }
}

families! {
    AccountzClientConnections = Core Gauge "accountz_client_connections" "client_connections";
    AccountzComplete = Core Gauge "accountz_complete" "complete";
    AccountzExpired = Core Gauge "accountz_expired" "expired";
    AccountzIsSystem = Core Gauge "accountz_is_system" "is_system";
    AccountzJetstreamEnabled = Core Gauge "accountz_jetstream_enabled" "jetstream_enabled";
    AccountzLeafnodeConnections = Core Gauge "accountz_leafnode_connections" "leafnode_connections";
    AccountzLimitConn = Core Gauge "accountz_limit_conn" "limit_conn";
    AccountzLimitData = Core Gauge "accountz_limit_data" "limit_data";
    AccountzLimitExports = Core Gauge "accountz_limit_exports" "limit_exports";
    AccountzLimitImports = Core Gauge "accountz_limit_imports" "limit_imports";
    AccountzLimitLeaf = Core Gauge "accountz_limit_leaf" "limit_leaf";
    AccountzLimitPayload = Core Gauge "accountz_limit_payload" "limit_payload";
    AccountzLimitSubs = Core Gauge "accountz_limit_subs" "limit_subs";
    AccountzLimitWildcards = Core Gauge "accountz_limit_wildcards" "limit_wildcards";
    AccountzSubscriptions = Core Gauge "accountz_subscriptions" "subscriptions";
    AccstatzCurrentConnections = Core Gauge "accstatz_current_connections" "current_connections";
    AccstatzLeafNodes = Core Gauge "accstatz_leaf_nodes" "leaf_nodes";
    AccstatzReceivedBytes = Core Gauge "accstatz_received_bytes" "received_bytes";
    AccstatzReceivedMessages = Core Gauge "accstatz_received_messages" "received_messages";
    AccstatzSentBytes = Core Gauge "accstatz_sent_bytes" "sent_bytes";
    AccstatzSentMessages = Core Gauge "accstatz_sent_messages" "sent_messages";
    AccstatzSlowConsumers = Core Gauge "accstatz_slow_consumers" "slow_consumers";
    AccstatzSubscriptions = Core Gauge "accstatz_subscriptions" "subscriptions";
    AccstatzTotalConnections = Core Gauge "accstatz_total_connections" "total_connections";
    ConnzIdle = Core Gauge "connz_idle" "idle time duration in milliseconds";
    ConnzInBytes = Core Counter "connz_in_bytes" "in_bytes";
    ConnzInMsgs = Core Counter "connz_in_msgs" "in_msgs";
    ConnzLastActivity = Core Untyped "connz_last_activity" "epoch time at which the last activity was registred";
    ConnzLimit = Core Gauge "connz_limit" "limit";
    ConnzNumConnections = Core Gauge "connz_num_connections" "num_connections";
    ConnzOffset = Core Gauge "connz_offset" "offset";
    ConnzOutBytes = Core Counter "connz_out_bytes" "out_bytes";
    ConnzOutMsgs = Core Counter "connz_out_msgs" "out_msgs";
    ConnzPendingBytes = Core Gauge "connz_pending_bytes" "pending_bytes";
    ConnzRtt = Core Gauge "connz_rtt" "response time latency in microseconds";
    ConnzStart = Core Untyped "connz_start" "epoch time at which the connection was started";
    ConnzSubscriptions = Core Gauge "connz_subscriptions" "subscriptions";
    ConnzTotal = Core Gauge "connz_total" "total";
    ConnzUptime = Core Untyped "connz_uptime" "uptime duration in milliseconds";
    GatewayzInboundGatewayConfigured = Core Gauge "gatewayz_inbound_gateway_configured" "configured";
    GatewayzInboundGatewayConnIdleSeconds = Core Gauge "gatewayz_inbound_gateway_conn_idle_seconds" "conn_idle_seconds";
    GatewayzInboundGatewayConnInBytes = Core Gauge "gatewayz_inbound_gateway_conn_in_bytes" "in_bytes";
    GatewayzInboundGatewayConnInMsgs = Core Gauge "gatewayz_inbound_gateway_conn_in_msgs" "in_msgs";
    GatewayzInboundGatewayConnLastActivitySeconds = Core Gauge "gatewayz_inbound_gateway_conn_last_activity_seconds" "conn_last_activity_seconds";
    GatewayzInboundGatewayConnOutBytes = Core Gauge "gatewayz_inbound_gateway_conn_out_bytes" "out_bytes";
    GatewayzInboundGatewayConnOutMsgs = Core Gauge "gatewayz_inbound_gateway_conn_out_msgs" "out_msgs";
    GatewayzInboundGatewayConnPendingBytes = Core Gauge "gatewayz_inbound_gateway_conn_pending_bytes" "pending_bytes";
    GatewayzInboundGatewayConnRtt = Core Gauge "gatewayz_inbound_gateway_conn_rtt" "rtt";
    GatewayzInboundGatewayConnStartTimeSeconds = Core Gauge "gatewayz_inbound_gateway_conn_start_time_seconds" "conn_start_time_seconds";
    GatewayzInboundGatewayConnSubscriptions = Core Gauge "gatewayz_inbound_gateway_conn_subscriptions" "subscriptions";
    GatewayzInboundGatewayConnUptimeSeconds = Core Gauge "gatewayz_inbound_gateway_conn_uptime_seconds" "conn_uptime_seconds";
    GatewayzOutboundGatewayConfigured = Core Gauge "gatewayz_outbound_gateway_configured" "configured";
    GatewayzOutboundGatewayConnIdleSeconds = Core Gauge "gatewayz_outbound_gateway_conn_idle_seconds" "conn_idle_seconds";
    GatewayzOutboundGatewayConnInBytes = Core Gauge "gatewayz_outbound_gateway_conn_in_bytes" "in_bytes";
    GatewayzOutboundGatewayConnInMsgs = Core Gauge "gatewayz_outbound_gateway_conn_in_msgs" "in_msgs";
    GatewayzOutboundGatewayConnLastActivitySeconds = Core Gauge "gatewayz_outbound_gateway_conn_last_activity_seconds" "conn_last_activity_seconds";
    GatewayzOutboundGatewayConnOutBytes = Core Gauge "gatewayz_outbound_gateway_conn_out_bytes" "out_bytes";
    GatewayzOutboundGatewayConnOutMsgs = Core Gauge "gatewayz_outbound_gateway_conn_out_msgs" "out_msgs";
    GatewayzOutboundGatewayConnPendingBytes = Core Gauge "gatewayz_outbound_gateway_conn_pending_bytes" "pending_bytes";
    GatewayzOutboundGatewayConnRtt = Core Gauge "gatewayz_outbound_gateway_conn_rtt" "rtt";
    GatewayzOutboundGatewayConnStartTimeSeconds = Core Gauge "gatewayz_outbound_gateway_conn_start_time_seconds" "conn_start_time_seconds";
    GatewayzOutboundGatewayConnSubscriptions = Core Gauge "gatewayz_outbound_gateway_conn_subscriptions" "subscriptions";
    GatewayzOutboundGatewayConnUptimeSeconds = Core Gauge "gatewayz_outbound_gateway_conn_uptime_seconds" "conn_uptime_seconds";
    HealthzJsEnabledOnlyStatus = Core Gauge "healthz_js_enabled_only_status" "status";
    HealthzJsEnabledOnlyStatusValue = Core Gauge "healthz_js_enabled_only_status_value" "status";
    HealthzJsServerOnlyStatus = Core Gauge "healthz_js_server_only_status" "status";
    HealthzJsServerOnlyStatusValue = Core Gauge "healthz_js_server_only_status_value" "status";
    HealthzStatus = Core Gauge "healthz_status" "status";
    HealthzStatusValue = Core Gauge "healthz_status_value" "status";
    LeafzConnInBytes = Core Gauge "leafz_conn_in_bytes" "in_bytes";
    LeafzConnInMsgs = Core Gauge "leafz_conn_in_msgs" "in_msgs";
    LeafzConnNodesTotal = Core Gauge "leafz_conn_nodes_total" "nodes_total";
    LeafzConnOutBytes = Core Gauge "leafz_conn_out_bytes" "out_bytes";
    LeafzConnOutMsgs = Core Gauge "leafz_conn_out_msgs" "out_msgs";
    LeafzConnRtt = Core Gauge "leafz_conn_rtt" "rtt";
    LeafzConnSubscriptionsTotal = Core Gauge "leafz_conn_subscriptions_total" "subscriptions_total";
    LeafzInfo = Core Gauge "leafz_info" "info";
    JetstreamAccountMaxMemory = Jetstream Gauge "account_max_memory" "JetStream Account Max Memory in bytes";
    JetstreamAccountMaxStorage = Jetstream Gauge "account_max_storage" "JetStream Account Max Storage in bytes";
    JetstreamAccountMemoryUsed = Jetstream Gauge "account_memory_used" "Total number of bytes used by JetStream memory";
    JetstreamAccountStorageUsed = Jetstream Gauge "account_storage_used" "Total number of bytes used by JetStream storage";
    JetstreamConsumerAckFloorConsumerSeq = Jetstream Gauge "consumer_ack_floor_consumer_seq" "Number of ack floor consumer seq from a consumer";
    JetstreamConsumerAckFloorStreamSeq = Jetstream Gauge "consumer_ack_floor_stream_seq" "Number of ack floor stream seq from a consumer";
    JetstreamConsumerDeliveredConsumerSeq = Jetstream Gauge "consumer_delivered_consumer_seq" "Latest sequence number of a stream consumer";
    JetstreamConsumerDeliveredStreamSeq = Jetstream Gauge "consumer_delivered_stream_seq" "Latest sequence number of a stream";
    JetstreamConsumerLastAckSeconds = Jetstream Gauge "consumer_last_ack_seconds" "Seconds since last ack from consumer";
    JetstreamConsumerLastDeliverySeconds = Jetstream Gauge "consumer_last_delivery_seconds" "Seconds since last message delivery to consumer";
    JetstreamConsumerNumAckPending = Jetstream Gauge "consumer_num_ack_pending" "Number of pending acks from a consumer";
    JetstreamConsumerNumPending = Jetstream Gauge "consumer_num_pending" "Number of pending messages from a consumer";
    JetstreamConsumerNumRedelivered = Jetstream Gauge "consumer_num_redelivered" "Number of redelivered messages from a consumer";
    JetstreamConsumerNumWaiting = Jetstream Gauge "consumer_num_waiting" "Number of inflight fetch requests from a pull consumer";
    JetstreamServerJetstreamDisabled = Jetstream Gauge "server_jetstream_disabled" "JetStream disabled or not";
    JetstreamServerMaxMemory = Jetstream Gauge "server_max_memory" "JetStream Max Memory";
    JetstreamServerMaxStorage = Jetstream Gauge "server_max_storage" "JetStream Max Storage";
    JetstreamServerTotalConsumers = Jetstream Gauge "server_total_consumers" "Total number of consumers in JetStream";
    JetstreamServerTotalMessageBytes = Jetstream Gauge "server_total_message_bytes" "Total number of bytes stored in JetStream";
    JetstreamServerTotalMessages = Jetstream Gauge "server_total_messages" "Total number of stored messages in JetStream";
    JetstreamServerTotalStreams = Jetstream Gauge "server_total_streams" "Total number of streams in JetStream";
    JetstreamStreamConsumerCount = Jetstream Gauge "stream_consumer_count" "Total number of consumers from a stream";
    JetstreamStreamFirstSeq = Jetstream Gauge "stream_first_seq" "First sequence from a stream";
    JetstreamStreamLastSeq = Jetstream Gauge "stream_last_seq" "Last sequence from a stream";
    JetstreamStreamLimitBytes = Jetstream Gauge "stream_limit_bytes" "The maximum configured storage limit (in bytes) for a JetStream stream. A value of -1 indicates no limit.";
    JetstreamStreamLimitMessages = Jetstream Gauge "stream_limit_messages" "The maximum number of messages allowed in a JetStream stream as per its configuration. A value of -1 indicates no limit.";
    JetstreamStreamMirrorActiveDurationNs = Jetstream Gauge "stream_mirror_active_duration_ns" "Stream mirror active duration in nanoseconds (-1 indicates inactive)";
    JetstreamStreamMirrorLag = Jetstream Gauge "stream_mirror_lag" "Number of messages a stream mirror is behind";
    JetstreamStreamSourceActiveDurationNs = Jetstream Gauge "stream_source_active_duration_ns" "Stream source active duration in nanoseconds (-1 indicates inactive)";
    JetstreamStreamSourceLag = Jetstream Gauge "stream_source_lag" "Number of messages a stream source is behind";
    JetstreamStreamSubjectCount = Jetstream Gauge "stream_subject_count" "Total number of subjects in a stream";
    JetstreamStreamTotalBytes = Jetstream Gauge "stream_total_bytes" "Total stored bytes from a stream";
    JetstreamStreamTotalMessages = Jetstream Gauge "stream_total_messages" "Total number of messages from a stream";
}
