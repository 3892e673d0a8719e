//! Every family of nats-surveyor that is shown: name and type.

use std::sync::Arc;

use crate::state::{ForeignFamily, ForeignKind};

macro_rules! families {
    ($( $family:ident = $kind:ident $name:literal; )*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Family { $( $family, )* }

        const TABLE: &[(ForeignKind, &str)] = &[$( (ForeignKind::$kind, $name), )*];
    };
}

/// The families, made once.
#[derive(Clone, Debug)]
pub(super) struct Names(Vec<Arc<ForeignFamily>>);

impl Default for Names {
    fn default() -> Self {
        let family = |(kind, name): &(ForeignKind, &str)| {
            Arc::new(ForeignFamily {
                name: (*name).to_owned(),
                kind: *kind,
                help: name.trim_start_matches("nats_").replace('_', " "),
            })
        };
        Self(TABLE.iter().map(family).collect())
    }
}

impl Names {
    pub(super) fn of(&self, family: Family) -> Arc<ForeignFamily> {
        Arc::clone(&self.0[family as usize])
    }
}

families! {
    CoreInfo = Gauge "nats_core_info";
    CoreStartTime = Gauge "nats_core_start_time";
    CoreUptime = Gauge "nats_core_uptime";
    CoreMemBytes = Gauge "nats_core_mem_bytes";
    CoreGoMemlimitBytes = Gauge "nats_core_go_memlimit_bytes";
    CoreCoreCount = Gauge "nats_core_core_count";
    CoreCpuPercentage = Gauge "nats_core_cpu_percentage";
    CoreConnectionCount = Gauge "nats_core_connection_count";
    CoreTotalConnectionCount = Counter "nats_core_total_connection_count";
    CoreActiveAccountCount = Gauge "nats_core_active_account_count";
    CoreSubsCount = Gauge "nats_core_subs_count";
    CoreSentMsgsCount = Counter "nats_core_sent_msgs_count";
    CoreSentBytes = Counter "nats_core_sent_bytes";
    CoreRecvMsgsCount = Counter "nats_core_recv_msgs_count";
    CoreRecvBytes = Counter "nats_core_recv_bytes";
    CoreSlowConsumerCount = Gauge "nats_core_slow_consumer_count";
    CoreRouteCount = Gauge "nats_core_route_count";
    CoreGatewayCount = Gauge "nats_core_gateway_count";
    CoreRouteSentMsgCount = Counter "nats_core_route_sent_msg_count";
    CoreRouteSentBytes = Counter "nats_core_route_sent_bytes";
    CoreRouteRecvMsgCount = Counter "nats_core_route_recv_msg_count";
    CoreRouteRecvBytes = Counter "nats_core_route_recv_bytes";
    CoreRoutePendingBytes = Gauge "nats_core_route_pending_bytes";
    CoreGatewaySentMsgsCount = Counter "nats_core_gateway_sent_msgs_count";
    CoreGatewaySentBytes = Counter "nats_core_gateway_sent_bytes";
    CoreGatewayRecvMsgCount = Counter "nats_core_gateway_recv_msg_count";
    CoreGatewayRecvBytes = Counter "nats_core_gateway_recv_bytes";
    CoreGatewayInboundMsgCount = Gauge "nats_core_gateway_inbound_msg_count";
    CoreRaftzMetaCommitted = Gauge "nats_core_raftz_meta_committed";
    CoreRaftzMetaApplied = Gauge "nats_core_raftz_meta_applied";
    CoreRaftzMetaPindex = Gauge "nats_core_raftz_meta_pindex";
    CoreJetstreamInfo = Gauge "nats_core_jetstream_info";
    CoreJetstreamEnabled = Gauge "nats_core_jetstream_enabled";
    CoreJetstreamFilestoreSizeBytes = Gauge "nats_core_jetstream_filestore_size_bytes";
    CoreJetstreamMemstoreSizeBytes = Gauge "nats_core_jetstream_memstore_size_bytes";
    CoreJetstreamFilestoreUsedBytes = Gauge "nats_core_jetstream_filestore_used_bytes";
    CoreJetstreamFilestoreReservedBytes = Gauge "nats_core_jetstream_filestore_reserved_bytes";
    CoreJetstreamMemstoreUsedBytes = Gauge "nats_core_jetstream_memstore_used_bytes";
    CoreJetstreamMemstoreReservedBytes = Gauge "nats_core_jetstream_memstore_reserved_bytes";
    CoreJetstreamAccounts = Gauge "nats_core_jetstream_accounts";
    CoreJetstreamHaAssets = Gauge "nats_core_jetstream_ha_assets";
    CoreJetstreamApiRequests = Counter "nats_core_jetstream_api_requests";
    CoreJetstreamApiPending = Gauge "nats_core_jetstream_api_pending";
    CoreJetstreamApiErrors = Counter "nats_core_jetstream_api_errors";
    CoreJetstreamClusterRaftGroupInfo = Gauge "nats_core_jetstream_cluster_raft_group_info";
    CoreJetstreamClusterRaftGroupSize = Gauge "nats_core_jetstream_cluster_raft_group_size";
    CoreJetstreamClusterRaftGroupLeader = Gauge "nats_core_jetstream_cluster_raft_group_leader";
    CoreJetstreamClusterRaftGroupReplicas = Gauge "nats_core_jetstream_cluster_raft_group_replicas";
    CoreJetstreamClusterRaftGroupReplicaPeerActive = Gauge "nats_core_jetstream_cluster_raft_group_replica_peer_active";
    CoreJetstreamClusterRaftGroupReplicaPeerCurrent = Gauge "nats_core_jetstream_cluster_raft_group_replica_peer_current";
    CoreJetstreamClusterRaftGroupReplicaPeerOffline = Gauge "nats_core_jetstream_cluster_raft_group_replica_peer_offline";
    CoreJetstreamMetaSnapshotPendingEntries = Gauge "nats_core_jetstream_meta_snapshot_pending_entries";
    CoreJetstreamMetaSnapshotPendingBytes = Gauge "nats_core_jetstream_meta_snapshot_pending_bytes";
    CoreJetstreamMetaSnapshotLastDurationSeconds = Gauge "nats_core_jetstream_meta_snapshot_last_duration_seconds";
    CoreJetstreamMetaSnapshotLastTimestampSeconds = Gauge "nats_core_jetstream_meta_snapshot_last_timestamp_seconds";
    CoreJetstreamServerJetstreamDisabled = Gauge "nats_core_jetstream_server_jetstream_disabled";
    CoreJetstreamServerTotalStreams = Gauge "nats_core_jetstream_server_total_streams";
    CoreJetstreamServerTotalConsumers = Gauge "nats_core_jetstream_server_total_consumers";
    CoreJetstreamServerTotalStreamLeaders = Gauge "nats_core_jetstream_server_total_stream_leaders";
    CoreJetstreamServerTotalConsumerLeaders = Gauge "nats_core_jetstream_server_total_consumer_leaders";
    CoreJetstreamServerTotalMessages = Gauge "nats_core_jetstream_server_total_messages";
    CoreJetstreamServerTotalMessageBytes = Gauge "nats_core_jetstream_server_total_message_bytes";
    CoreJetstreamServerMaxMemory = Gauge "nats_core_jetstream_server_max_memory";
    CoreJetstreamServerMaxStorage = Gauge "nats_core_jetstream_server_max_storage";
    CoreAccountCount = Gauge "nats_core_account_count";
    CoreAccountConnCount = Gauge "nats_core_account_conn_count";
    CoreAccountTotalConnCount = Gauge "nats_core_account_total_conn_count";
    CoreAccountLeafCount = Gauge "nats_core_account_leaf_count";
    CoreAccountSubCount = Gauge "nats_core_account_sub_count";
    CoreAccountSlowConsumerCount = Gauge "nats_core_account_slow_consumer_count";
    CoreAccountBytesSent = Counter "nats_core_account_bytes_sent";
    CoreAccountBytesRecv = Counter "nats_core_account_bytes_recv";
    CoreAccountMsgsSent = Counter "nats_core_account_msgs_sent";
    CoreAccountMsgsRecv = Counter "nats_core_account_msgs_recv";
    CoreAccountClientBytesSent = Counter "nats_core_account_client_bytes_sent";
    CoreAccountClientBytesRecv = Counter "nats_core_account_client_bytes_recv";
    CoreAccountClientMsgsSent = Counter "nats_core_account_client_msgs_sent";
    CoreAccountClientMsgsRecv = Counter "nats_core_account_client_msgs_recv";
    CoreAccountLeafBytesSent = Counter "nats_core_account_leaf_bytes_sent";
    CoreAccountLeafBytesRecv = Counter "nats_core_account_leaf_bytes_recv";
    CoreAccountLeafMsgsSent = Counter "nats_core_account_leaf_msgs_sent";
    CoreAccountLeafMsgsRecv = Counter "nats_core_account_leaf_msgs_recv";
    CoreAccountRouteBytesSent = Counter "nats_core_account_route_bytes_sent";
    CoreAccountRouteBytesRecv = Counter "nats_core_account_route_bytes_recv";
    CoreAccountRouteMsgsSent = Counter "nats_core_account_route_msgs_sent";
    CoreAccountRouteMsgsRecv = Counter "nats_core_account_route_msgs_recv";
    CoreAccountGatewayBytesSent = Counter "nats_core_account_gateway_bytes_sent";
    CoreAccountGatewayBytesRecv = Counter "nats_core_account_gateway_bytes_recv";
    CoreAccountGatewayMsgsSent = Counter "nats_core_account_gateway_msgs_sent";
    CoreAccountGatewayMsgsRecv = Counter "nats_core_account_gateway_msgs_recv";
    CoreAccountJetstreamEnabled = Gauge "nats_core_account_jetstream_enabled";
    CoreAccountJetstreamMemoryUsed = Gauge "nats_core_account_jetstream_memory_used";
    CoreAccountJetstreamStorageUsed = Gauge "nats_core_account_jetstream_storage_used";
    CoreAccountJetstreamMemoryReserved = Gauge "nats_core_account_jetstream_memory_reserved";
    CoreAccountJetstreamStorageReserved = Gauge "nats_core_account_jetstream_storage_reserved";
    CoreAccountJetstreamTieredMemoryUsed = Gauge "nats_core_account_jetstream_tiered_memory_used";
    CoreAccountJetstreamTieredStorageUsed = Gauge "nats_core_account_jetstream_tiered_storage_used";
    CoreAccountJetstreamTieredMemoryReserved = Gauge "nats_core_account_jetstream_tiered_memory_reserved";
    CoreAccountJetstreamTieredStorageReserved = Gauge "nats_core_account_jetstream_tiered_storage_reserved";
    CoreAccountJetstreamStreamCount = Gauge "nats_core_account_jetstream_stream_count";
    CoreAccountJetstreamConsumerCount = Gauge "nats_core_account_jetstream_consumer_count";
    CoreAccountJetstreamReplicaCount = Gauge "nats_core_account_jetstream_replica_count";
    StreamTotalMessages = Gauge "nats_stream_total_messages";
    StreamTotalBytes = Gauge "nats_stream_total_bytes";
    StreamFirstSeq = Gauge "nats_stream_first_seq";
    StreamLastSeq = Gauge "nats_stream_last_seq";
    StreamConsumerCount = Gauge "nats_stream_consumer_count";
    StreamSubjectCount = Gauge "nats_stream_subject_count";
    ConsumerDeliveredConsumerSeq = Gauge "nats_consumer_delivered_consumer_seq";
    ConsumerDeliveredStreamSeq = Gauge "nats_consumer_delivered_stream_seq";
    ConsumerNumAckPending = Gauge "nats_consumer_num_ack_pending";
    ConsumerNumRedelivered = Gauge "nats_consumer_num_redelivered";
    ConsumerNumWaiting = Gauge "nats_consumer_num_waiting";
    ConsumerNumPending = Gauge "nats_consumer_num_pending";
    ConsumerAckFloorStreamSeq = Gauge "nats_consumer_ack_floor_stream_seq";
    ConsumerAckFloorConsumerSeq = Gauge "nats_consumer_ack_floor_consumer_seq";
    CoreGatewayzOutboundGatewayConfigured = Gauge "nats_core_gatewayz_outbound_gateway_configured";
    CoreGatewayzOutboundGatewayConnLastActivitySeconds = Gauge "nats_core_gatewayz_outbound_gateway_conn_last_activity_seconds";
    CoreGatewayzOutboundGatewayConnUptimeSeconds = Gauge "nats_core_gatewayz_outbound_gateway_conn_uptime_seconds";
    CoreGatewayzOutboundGatewayConnIdleSeconds = Gauge "nats_core_gatewayz_outbound_gateway_conn_idle_seconds";
    CoreGatewayzOutboundGatewayConnRtt = Gauge "nats_core_gatewayz_outbound_gateway_conn_rtt";
    CoreGatewayzOutboundGatewayConnPendingBytes = Gauge "nats_core_gatewayz_outbound_gateway_conn_pending_bytes";
    CoreGatewayzOutboundGatewayConnInMsgs = Gauge "nats_core_gatewayz_outbound_gateway_conn_in_msgs";
    CoreGatewayzOutboundGatewayConnOutMsgs = Gauge "nats_core_gatewayz_outbound_gateway_conn_out_msgs";
    CoreGatewayzOutboundGatewayConnInBytes = Gauge "nats_core_gatewayz_outbound_gateway_conn_in_bytes";
    CoreGatewayzOutboundGatewayConnOutBytes = Gauge "nats_core_gatewayz_outbound_gateway_conn_out_bytes";
    CoreGatewayzOutboundGatewayConnSubscriptions = Gauge "nats_core_gatewayz_outbound_gateway_conn_subscriptions";
    CoreGatewayzInboundGatewayConfigured = Gauge "nats_core_gatewayz_inbound_gateway_configured";
    CoreGatewayzInboundGatewayConnLastActivitySeconds = Gauge "nats_core_gatewayz_inbound_gateway_conn_last_activity_seconds";
    CoreGatewayzInboundGatewayConnUptimeSeconds = Gauge "nats_core_gatewayz_inbound_gateway_conn_uptime_seconds";
    CoreGatewayzInboundGatewayConnIdleSeconds = Gauge "nats_core_gatewayz_inbound_gateway_conn_idle_seconds";
    CoreGatewayzInboundGatewayConnRtt = Gauge "nats_core_gatewayz_inbound_gateway_conn_rtt";
    CoreGatewayzInboundGatewayConnPendingBytes = Gauge "nats_core_gatewayz_inbound_gateway_conn_pending_bytes";
    CoreGatewayzInboundGatewayConnInMsgs = Gauge "nats_core_gatewayz_inbound_gateway_conn_in_msgs";
    CoreGatewayzInboundGatewayConnOutMsgs = Gauge "nats_core_gatewayz_inbound_gateway_conn_out_msgs";
    CoreGatewayzInboundGatewayConnInBytes = Gauge "nats_core_gatewayz_inbound_gateway_conn_in_bytes";
    CoreGatewayzInboundGatewayConnOutBytes = Gauge "nats_core_gatewayz_inbound_gateway_conn_out_bytes";
    CoreGatewayzInboundGatewayConnSubscriptions = Gauge "nats_core_gatewayz_inbound_gateway_conn_subscriptions";
    SurveySurveyedCount = Gauge "nats_survey_surveyed_count";
    SurveyExpectedCount = Gauge "nats_survey_expected_count";
}
