//! `/varz`: the traps of the reference (section 11), old versions, and bodies that are not as they should be.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod fixtures;

use std::collections::BTreeSet;

use fixtures::{Series, body, by, collector, decode, value};
use natsight::collect::{Context, DecodeError, Record};
use serde_json::{Value as Json, json};

const VERSIONS: [&str; 6] = ["2.9.10", "2.10.26", "2.11.11", "2.12.8", "2.14.6", "2.15.1"];

fn read(body: &[u8]) -> Series {
    decode("varz", &Context::default(), body).unwrap().0
}

fn recorded(file: &str) -> Series {
    read(&body(file))
}

/// The recorded answer of a single server, changed.
fn with(version: &str, change: impl FnOnce(&mut Json)) -> Result<Series, DecodeError> {
    let mut json: Json =
        serde_json::from_slice(&body(&format!("{version}/single/varz.json"))).unwrap();
    change(&mut json);
    decode(
        "varz",
        &Context::default(),
        &serde_json::to_vec(&json).unwrap(),
    )
    .map(|(series, _)| series)
}

fn families(series: &Series) -> BTreeSet<&str> {
    series
        .keys()
        .map(|key| key.split('{').next().unwrap())
        .collect()
}

fn has(series: &Series, start: &str) -> bool {
    series.keys().any(|key| key.starts_with(start))
}

#[test]
fn trap_02_slow_consumers_counts_events() {
    let series = with("2.15.1", |v| {
        v["slow_consumers"] = json!(9);
        v["slow_consumer_stats"] = json!({"clients": 1, "routes": 2, "gateways": 3, "leafs": 0});
    })
    .unwrap();
    // Routes that stay slow count again in the total only, so it is a family of its own and no sum.
    assert_eq!(
        value(&series, "nats_server_slow_consumer_events_total{"),
        "9"
    );
    let kinds = by(&series, "nats_server_slow_consumers_total", "kind");
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        [
            ("client", "1"),
            ("gateway", "3"),
            ("leafnode", "0"),
            ("route", "2")
        ]
    );
    let old = with("2.9.10", |v| v["slow_consumers"] = json!(9)).unwrap();
    assert_eq!(
        by(&old, "nats_server_slow_consumers_total", "kind")
            .into_iter()
            .collect::<Vec<_>>(),
        [("any", "9")]
    );
}

#[test]
fn trap_03_only_the_leader_is_right_about_other_members() {
    for version in VERSIONS {
        let mut shown = 0;
        for node in ["n1", "n2", "n3"] {
            let series = recorded(&format!("{version}/cluster3/varz.{node}.json"));
            let leads = value(&series, "nats_meta_leader{") == "1";
            assert_eq!(
                has(&series, "nats_meta_replica_"),
                leads,
                "{version} {node}"
            );
            assert_eq!(
                value(&series, "nats_meta_has_leader{"),
                "1",
                "{version} {node}"
            );
            shown += by(&series, "nats_meta_replica_lag_operations", "peer").len();
        }
        assert_eq!(shown, 2, "{version}");
    }
    let alone = recorded("2.12.8/cluster3/varz.n1.no-quorum.json");
    assert_eq!(
        (
            value(&alone, "nats_meta_has_leader{"),
            value(&alone, "nats_meta_leader{")
        ),
        ("0", "0")
    );
    assert!(!has(&alone, "nats_meta_replica_"));
}

#[test]
fn trap_06_durations_have_three_forms() {
    let series = with("2.15.1", |v| {
        v["ping_interval"] = json!(120_000_000_000_u64);
        v["write_deadline"] = json!(10_000_000_001_u64);
        v["auth_timeout"] = json!(2.5);
        v["tls_timeout"] = json!(3);
        v["jetstream"]["config"]["sync_interval"] = json!(1);
        v["disk_io_wait_stats"] =
            json!({"waiters": 1, "waits": 2, "wait_time": 3, "max_wait_time": 4});
        // A text of years, days and so on: `start` and `now` say it better.
        v["uptime"] = json!("1y2d3h4m5s");
    })
    .unwrap();
    for (start, expected) in [
        ("nats_server_ping_interval_seconds{", "120000000000ns"),
        (
            r#"nats_server_listener_write_deadline_seconds{listener="client""#,
            "10000000001ns",
        ),
        (
            r#"nats_server_listener_auth_timeout_seconds{listener="client""#,
            "2.5",
        ),
        (
            r#"nats_server_listener_tls_timeout_seconds{listener="client""#,
            "3",
        ),
        ("nats_jetstream_sync_interval_seconds{", "1ns"),
        ("nats_server_disk_io_wait_seconds_total{", "3ns"),
        ("nats_server_disk_io_wait_max_seconds{", "4ns"),
    ] {
        assert_eq!(value(&series, start), expected, "{start}");
    }
    assert!(!has(&series, "nats_server_uptime"));
}

#[test]
fn trap_07_reserved_and_used_are_of_this_server() {
    let families = [
        ("nats_jetstream_storage_used_bytes{", "storage", "1"),
        ("nats_jetstream_memory_used_bytes{", "memory", "2"),
        (
            "nats_jetstream_storage_reserved_bytes{",
            "reserved_storage",
            "3",
        ),
        (
            "nats_jetstream_memory_reserved_bytes{",
            "reserved_memory",
            "4",
        ),
    ];
    // The recording has nothing reserved in storage, so each gets a number of its own.
    let series = with("2.15.1", |v| {
        for (_, field, bytes) in families {
            v["jetstream"]["stats"][field] = bytes.parse().unwrap();
        }
    })
    .unwrap();
    for (family, _, bytes) in families {
        assert_eq!(value(&series, family), bytes, "{family}");
    }
}

#[test]
fn trap_10_connections_leave_leaf_nodes_out() {
    let series = with("2.15.1", |v| {
        v["connections"] = json!(4);
        v["leafnodes"] = json!(3);
    })
    .unwrap();
    assert_eq!(
        (
            value(&series, "nats_server_connections{"),
            value(&series, "nats_server_leafnodes{")
        ),
        ("4", "3")
    );
}

#[test]
fn trap_11_routes_are_not_peers() {
    for (version, routes) in [("2.9.10", 2), ("2.10.26", 8), ("2.15.1", 8)] {
        let series = recorded(&format!("{version}/cluster3/varz.n1.json"));
        assert_eq!(value(&series, "nats_server_remotes{"), "2", "{version}");
        let shown: u64 = value(&series, "nats_server_routes{").parse().unwrap();
        assert!(shown >= routes, "{version}: {shown}");
    }
}

#[test]
fn trap_12_cpu_is_percent_of_a_core() {
    for (percent, cores) in [(json!(250), "2.5"), (json!(0), "0"), (json!(12.5), "0.125")] {
        let series = with("2.15.1", |v| v["cpu"] = percent).unwrap();
        assert_eq!(value(&series, "nats_server_cpu_cores{"), cores);
    }
}

#[test]
fn trap_16_null_and_left_out_are_empty() {
    let plain = with("2.15.1", |_| {}).unwrap();
    let nulls = with("2.15.1", |v| {
        for list in ["ws_connect_urls", "feature_flags_x"] {
            v[list] = Json::Null;
        }
        v["leaf"]["remotes"] = Json::Null;
        v["gateway"]["gateways"] = Json::Null;
        v["websocket"]["allowed_origins"] = Json::Null;
    })
    .unwrap();
    assert_eq!(plain, nulls);
    let fewer = with("2.15.1", |v| {
        for list in ["tags", "metadata", "feature_flags", "http_req_stats"] {
            v[list] = Json::Null;
        }
    })
    .unwrap();
    assert!(!has(&fewer, "nats_server_tag_info") && !has(&fewer, "nats_server_feature_flag"));
}

#[test]
fn trap_18_a_server_alone_has_no_meta_group() {
    for version in VERSIONS {
        let series = recorded(&format!("{version}/single/varz.json"));
        assert!(!has(&series, "nats_meta_"), "{version}");
        assert!(
            has(&series, "nats_jetstream_api_requests_total"),
            "{version}"
        );
        assert!(
            !series.keys().any(|key| key.contains("nats_cluster=")),
            "{version}"
        );
    }
}

#[test]
fn trap_23_the_digest_is_of_the_file() {
    let series = recorded("2.11.11/single/varz.json");
    assert!(
        series
            .keys()
            .any(|key| key.starts_with("nats_server_config_info{digest=\"sha256:"))
    );
    assert!(!has(
        &recorded("2.10.26/single/varz.json"),
        "nats_server_config_info"
    ));
}

#[test]
fn each_version_shows_what_it_has() {
    let introduced = [
        ("nats_server_slow_consumer_events_total", "2.9.10"),
        ("nats_go_memory_limit_bytes", "2.11.11"),
        ("nats_server_config_info", "2.11.11"),
        ("nats_jetstream_api_level", "2.11.11"),
        ("nats_server_stalled_clients_total", "2.12.8"),
        ("nats_server_stale_connections_total", "2.12.8"),
        ("nats_server_client_in_messages_total", "2.14.6"),
        ("nats_server_disk_io_waits_total", "2.14.6"),
        ("nats_server_feature_flag", "2.14.6"),
    ];
    for (place, version) in VERSIONS.into_iter().enumerate() {
        let series = recorded(&format!("{version}/single/varz.json"));
        for (family, since) in introduced {
            let since = VERSIONS
                .iter()
                .position(|version| *version == since)
                .unwrap();
            assert_eq!(
                families(&series).contains(family),
                place >= since,
                "{family} in {version}"
            );
        }
    }
}

#[test]
fn what_is_left_out_because_it_is_zero_is_zero() {
    let series = with("2.15.1", |v| {
        v.as_object_mut().unwrap().remove("pinned_account_fails");
        v["http_req_stats"] = json!({"/varz": 3});
        v["stale_connection_stats"] = json!({});
        v["jetstream"]["stats"]["api"]
            .as_object_mut()
            .unwrap()
            .remove("inflight");
    })
    .unwrap();
    assert_eq!(
        value(&series, "nats_server_pinned_account_failures_total{"),
        "0"
    );
    assert_eq!(value(&series, "nats_jetstream_api_inflight{"), "0");
    let paths = by(&series, "nats_server_http_requests_total", "path");
    assert_eq!(
        (paths["/varz"], paths["/jsz"], paths["/healthz"]),
        ("3", "0", "0")
    );
    let stale = by(&series, "nats_server_stale_connections_total", "kind");
    assert_eq!(stale.into_values().collect::<Vec<_>>(), ["0"; 4]);
}

#[test]
fn integers_are_exact_to_2_to_the_64_and_negative_counters_told_apart() {
    let series = with("2.15.1", |v| {
        v["in_msgs"] = json!(u64::MAX);
        v["out_msgs"] = json!(9_007_199_254_740_993_u64);
        v["in_bytes"] = json!(-1);
        v["max_connections"] = json!(-1);
        v["mem"] = json!(i64::MIN);
    })
    .unwrap();
    for (start, expected) in [
        ("nats_server_in_messages_total{", "18446744073709551615"),
        ("nats_server_out_messages_total{", "9007199254740993"),
        ("nats_server_in_bytes_total{", "negative"),
        ("nats_server_max_connections{", "-1"),
        ("nats_server_memory_bytes{", "-9223372036854775808"),
    ] {
        assert_eq!(value(&series, start), expected, "{start}");
    }
}

#[test]
fn wrong_types_are_refused_without_repeating_values() {
    for (field, wrong) in [
        ("server_id", json!(7)),
        ("start", json!("hunter2")),
        ("in_msgs", json!("hunter2")),
        ("in_msgs", json!(1.5)),
        ("connections", json!(true)),
        ("cpu", json!("hunter2")),
        ("cluster", json!("hunter2")),
        ("tags", json!({"hunter2": 1})),
        ("http_req_stats", json!({"hunter2": "hunter2"})),
        ("feature_flags", json!({"a": "hunter2"})),
    ] {
        let error = with("2.15.1", |v| v[field] = wrong).unwrap_err();
        assert_eq!(error.reason(), "element", "{field}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    for missing in ["server_id", "version", "start"] {
        assert!(
            with("2.15.1", |v| drop(
                v.as_object_mut().unwrap().remove(missing)
            ))
            .is_err(),
            "{missing}"
        );
    }
}

#[test]
fn what_is_no_varz_is_refused() {
    let whole = body("2.15.1/single/varz.json");
    let text = String::from_utf8(whole.clone()).unwrap();
    let swapped = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to).into_bytes()
    };
    for broken in [
        b"404 page not found\n".to_vec(),
        b"<html></html>".to_vec(),
        vec![0; 100_000],
        b"\xff\xfe".to_vec(),
        b"{}".to_vec(),
        b"[]".to_vec(),
        b"null".to_vec(),
        swapped("\"cpu\": ", "\"cpu\": NaN, \"x\": "),
        swapped("\"cpu\": ", "\"cpu\": 1e999, \"x\": "),
        swapped("\"cpu\": ", "\"cpu\": -Infinity, \"x\": "),
        [whole.as_slice(), b"{}"].concat(),
    ] {
        assert!(
            decode("varz", &Context::default(), &broken).is_err(),
            "{:?}",
            &broken[..broken.len().min(40)]
        );
    }
}

#[test]
fn a_body_cut_anywhere_is_refused() {
    let whole = body("2.15.1/super/varz.a1.json");
    let end = whole.iter().rposition(|byte| *byte == b'}').unwrap();
    for cut in 0..=end {
        let error = decode("varz", &Context::default(), &whole[..cut]).unwrap_err();
        assert_eq!(error.reason(), "truncated", "{cut}");
    }
    assert!(decode("varz", &Context::default(), &whole[..=end]).is_ok());
}

#[test]
fn chunks_may_be_cut_anywhere() {
    let whole = body("2.15.1/super/varz.a1.json");
    let mut collector = collector("varz");
    for size in [1, 2, 3, 1000] {
        let mut records = 0;
        let mut take = |_: Record<'_>| records += 1;
        collector.begin(&Context::default());
        for chunk in whole.chunks(size) {
            collector.chunk(chunk, &mut take).unwrap();
        }
        collector.finish(&mut take).unwrap();
        assert_eq!(records, 1, "{size}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!(
            "{{\"x\":{}1{}}}",
            open.repeat(100_000),
            close.repeat(100_000)
        );
        let error = decode("varz", &Context::default(), deep.as_bytes()).unwrap_err();
        assert_eq!(error.reason(), "deep");
    }
}

#[test]
fn unknown_fields_are_ignored() {
    let plain = with("2.15.1", |_| {}).unwrap();
    let newer = with("2.15.1", |v| {
        v["new_in_3"] = json!({"a": [1, {"b": null}], "c": "d"});
        v["cluster"]["new_in_3"] = json!([[]]);
        v["jetstream"]["stats"]["new_in_3"] = json!(1);
    })
    .unwrap();
    assert_eq!(plain, newer);
}

#[test]
fn odd_names_come_through_whole() {
    for name in [
        "a\"b",
        "a\nb",
        "a\\b",
        "\u{1F980}\u{0}",
        "a{b=\"c\"} 1",
        &"n".repeat(10_240),
    ] {
        let series = with("2.15.1", |v| {
            v["server_name"] = json!(name);
            v["tags"] = json!([name]);
            v["metadata"] = json!({name: name});
            v["http_req_stats"] = json!({name: 1});
        })
        .unwrap();
        assert!(
            series
                .keys()
                .all(|key| key.contains(&format!("server_name={name:?}")))
        );
        assert!(
            series
                .keys()
                .any(|key| key.starts_with(&format!("nats_server_metadata_info{{key={name:?},")))
        );
        assert!(
            series
                .keys()
                .any(|key| key.contains(&format!("{{tag={name:?}}}"))
                    || key.contains(&format!("tag={name:?}")))
        );
    }
}

#[test]
fn secrets_are_shown_nowhere() {
    let urls = json!([
        "nats://user:hunter2@10.0.0.1:6222",
        "nats-route://hunter2@[::1]:6222",
        "nats://u:p@hunter2@h:1"
    ]);
    let series = with("2.15.1", |v| {
        v["trusted_operators_jwt"] = json!(["hunter2"]);
        v["trusted_operators_claim"] =
            json!([{"jti": "hunter2", "nats": {"signing_keys": ["hunter2"]}}]);
        v["cluster"] = json!({"name": "C", "addr": "h", "cluster_port": 1, "urls": urls});
        v["gateway"] = json!({"name": "G", "gateways": [{"name": "R", "urls": urls}]});
        v["leaf"] = json!({"remotes": [{"local_account": "A", "urls": urls}]});
    })
    .unwrap();
    let text = format!("{series:?}");
    assert!(!text.contains("hunter2"), "{text}");
    let shown = by(&series, "nats_server_url_info", "url");
    assert!(
        shown.keys().any(|url| url.ends_with("10.0.0.1:6222")),
        "{shown:?}"
    );
}

#[test]
fn a_name_that_is_the_id_counts_as_unset() {
    let series = with("2.15.1", |v| v["server_name"] = v["server_id"].clone()).unwrap();
    assert!(
        series
            .keys()
            .all(|key| key.contains("server_name=\"unknown\""))
    );
}

#[test]
fn a_server_without_jetstream_shows_none() {
    let series = with("2.15.1", |v| v["jetstream"] = json!({})).unwrap();
    assert!(!has(&series, "nats_jetstream_") && !has(&series, "nats_meta_"));
}

#[test]
fn certificates_of_all_listeners_show_when_they_expire() {
    let family = "nats_tls_certificate_not_after_timestamp_seconds";
    let series = recorded("2.15.1/tls/varz.json");
    let expiry = by(&series, family, "listener");
    let listeners: Vec<_> = expiry.keys().copied().collect();
    let all = [
        "client",
        "cluster",
        "gateway",
        "leafnode",
        "mqtt",
        "websocket",
    ];
    assert_eq!(
        listeners,
        all.into_iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    );
    assert!(
        expiry.values().all(|time| *time == "1826938465000000000ns"),
        "{expiry:?}"
    );
    // Without TLS, and before 2.11.12 and 2.12.4, there is none; Go's zero time is none.
    for file in ["2.15.1/cluster3/varz.n1.json", "2.11.11/single/varz.json"] {
        assert!(!has(&recorded(file), family), "{file}");
    }
    let zero = with("2.15.1", |v| {
        v["tls_cert_not_after"] = json!("0001-01-01T00:00:00Z")
    });
    assert!(!has(&zero.unwrap(), family));
}
