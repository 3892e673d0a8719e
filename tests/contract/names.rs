//! Names that others build on: dashboards, alerts, queries of users. A change here breaks them.

use natsight::catalog::{CATALOG, Def, Kind, Kind::*};

/// Binding names that are there, with their kind and those of their own labels that are binding.
const BINDING: &[(&str, Kind, &[&str])] = &[
    ("nats_up", Gauge, &["target"]),
    (
        "nats_server_info",
        Info,
        &["server_id", "version", "go_version"],
    ),
    ("nats_server_start_time_seconds", Gauge, &[]),
    ("nats_server_cpu_cores", Gauge, &[]),
    ("nats_server_gomaxprocs", Gauge, &[]),
    ("nats_server_memory_bytes", Gauge, &[]),
    ("nats_server_connections", Gauge, &[]),
    ("nats_server_connections_opened_total", Counter, &[]),
    ("nats_server_subscriptions", Gauge, &[]),
    ("nats_server_in_messages_total", Counter, &[]),
    ("nats_server_out_messages_total", Counter, &[]),
    ("nats_server_in_bytes_total", Counter, &[]),
    ("nats_server_out_bytes_total", Counter, &[]),
    ("nats_server_slow_consumers_total", Counter, &["kind"]),
    ("nats_collector_success", Gauge, &["collector"]),
    ("nats_collector_duration_seconds", Gauge, &["collector"]),
    (
        "nats_collector_last_success_timestamp_seconds",
        Gauge,
        &["collector"],
    ),
    ("nats_collector_interval_seconds", Gauge, &["collector"]),
    ("nats_collector_truncated", Gauge, &["collector"]),
    ("nats_collector_coverage_ratio", Gauge, &["collector"]),
    ("nats_go_memory_limit_bytes", Gauge, &[]),
    ("nats_process_cpu_seconds_total", Counter, &[]),
    ("nats_process_resident_memory_bytes", Gauge, &[]),
    ("nats_container_memory_limit_bytes", Gauge, &[]),
    ("nats_container_cpu_throttled_periods_total", Counter, &[]),
    ("nats_jetstream_storage_used_bytes", Gauge, &[]),
    ("nats_jetstream_storage_limit_bytes", Gauge, &[]),
    ("nats_meta_leader", Gauge, &[]),
    (
        "nats_probe_duration_seconds",
        Histogram,
        &["kind", "from", "to"],
    ),
    (
        "nats_probe_failures_total",
        Counter,
        &["kind", "from", "to"],
    ),
    (
        "http_request_duration_seconds",
        Histogram,
        &["handler", "code"],
    ),
    ("natsight_build_info", Info, &["version"]),
    ("nats_go_memstats_heap_inuse_bytes", Gauge, &[]),
    ("nats_go_gc_cycles_total", Counter, &[]),
    ("nats_go_gc_pause_seconds_total", Counter, &[]),
    ("nats_server_healthy", Gauge, &["check"]),
    ("nats_connection_pending_bytes", Gauge, &[]),
    ("nats_connections_pending_bytes", Histogram, &[]),
    ("nats_stream_messages", Gauge, &["account", "stream"]),
    ("nats_stream_bytes", Gauge, &["account", "stream"]),
    ("nats_stream_last_sequence", Gauge, &["account", "stream"]),
    ("nats_stream_has_leader", Gauge, &["account", "stream"]),
    (
        "nats_stream_replica_lag_operations",
        Gauge,
        &["account", "stream", "peer"],
    ),
    (
        "nats_consumer_pending_messages",
        Gauge,
        &["account", "stream", "consumer"],
    ),
    (
        "nats_consumer_ack_pending_messages",
        Gauge,
        &["account", "stream", "consumer"],
    ),
    (
        "nats_consumer_delivered_sequence",
        Gauge,
        &["account", "stream", "consumer"],
    ),
    ("nats_account_info", Info, &["account"]),
    ("nats_route_rtt_seconds", Gauge, &["peer"]),
    ("nats_route_pending_bytes", Gauge, &["peer"]),
    ("nats_gateway_connected", Gauge, &["peer"]),
    ("nats_leafnode_rtt_seconds", Gauge, &["peer"]),
    (
        "nats_tls_certificate_not_after_timestamp_seconds",
        Gauge,
        &["listener"],
    ),
    (
        "nats_consumer_max_ack_pending_messages",
        Gauge,
        &["account", "stream", "consumer"],
    ),
    ("nats_raft_committed_index", Gauge, &["account", "group"]),
    ("nats_raft_applied_index", Gauge, &["account", "group"]),
    (
        "nats_ipqueue_pending",
        Gauge,
        &["queue", "account", "stream", "consumer"],
    ),
];

/// Binding names that collectors still to come bring; once there, they are as said here.
const LATER: &[(&str, Kind, &[&str])] = &[
    // Later issues.
    ("nats_service_requests_total", Counter, &[]),
    ("nats_service_errors_total", Counter, &[]),
    ("nats_service_processing_seconds_total", Counter, &[]),
    ("natsight_analyzer_finding", Gauge, &["cause", "severity"]),
    ("natsight_series_dropped_total", Counter, &["family"]),
];

/// Names under which common Go dashboards look.
const STANDARD: &[&str] = &[
    "go_memstats_heap_inuse_bytes",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
];

/// Labels that stand on `nats_server_info` only.
const OF_INFO_ONLY: &[&str] = &["server_id", "version", "go_version"];

fn row(name: &str) -> Option<&'static Def> {
    CATALOG.iter().find(|def| def.name == name)
}

fn agrees(def: &Def, kind: Kind, labels: &[&str]) {
    assert_eq!(def.kind, kind, "{}", def.name);
    for label in labels {
        assert!(def.labels.contains(label), "{} lacks {label}", def.name);
    }
}

#[test]
fn binding_names_are_in_the_catalog() {
    for (name, kind, labels) in BINDING {
        let def = row(name).unwrap_or_else(|| panic!("{name} is not in the catalog"));
        agrees(def, *kind, labels);
    }
}

#[test]
fn names_that_are_due_come_as_they_are_binding() {
    for (name, kind, labels) in LATER {
        assert!(
            BINDING.iter().all(|row| row.0 != *name),
            "{name} stands twice"
        );
        if let Some(def) = row(name) {
            agrees(def, *kind, labels);
        }
    }
}

#[test]
fn standard_names_are_twins() {
    let twins: Vec<_> = CATALOG.iter().filter_map(Def::twin_name).collect();
    for name in STANDARD {
        assert!(twins.contains(name), "{name} is nobody's twin");
    }
    for twin in &twins {
        assert!(
            twin.starts_with("go_") || twin.starts_with("process_"),
            "{twin}"
        );
        assert_ne!(
            *twin, "go_memstats_alloc_bytes",
            "OpenMetrics has no room for it"
        );
    }
    assert!(
        CATALOG
            .iter()
            .all(|def| def.name != "nats_go_memstats_alloc_bytes")
    );
}

#[test]
fn identity_stands_on_one_family() {
    for def in CATALOG {
        let exempt = ["nats_server_info", "natsight_build_info"].contains(&def.name)
            // The version there is that of the client's library.
            || def.name.starts_with("nats_connection_")
            || def.name == "nats_closed_connection_info";
        for label in def.labels.iter().filter(|_| !exempt) {
            assert!(
                !OF_INFO_ONLY.contains(label),
                "{} carries {label}",
                def.name
            );
        }
    }
}
