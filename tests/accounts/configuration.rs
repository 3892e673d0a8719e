//! How streams and consumers are configured.

use super::{at, of, once};
use crate::fixtures;
use natsight::collect::{Options, specs};

/// An answer with one stream of account APP.
pub(crate) fn body(stream: &str) -> String {
    format!(
        r#"{{"server_id":"N1","streams":1,"consumers":0,"account_details":[{{"name":"APP","id":"APP","stream_detail":[{stream}]}}]}}"#
    )
}

fn with_config(config: &str) -> String {
    body(&format!(r#"{{"name":"S","config":{{{config}}}}}"#))
}

#[test]
fn limits_that_are_none_are_absent() {
    for none in ["-1", "0"] {
        let config =
            format!(r#""max_msgs":{none},"max_bytes":{none},"max_age":0,"num_replicas":3"#);
        let series = once("jsz_config", &with_config(&config));
        assert!(
            !series.keys().any(|key| key.starts_with("nats_stream_max_")),
            "{series:#?}"
        );
        assert_eq!(fixtures::value(&series, "nats_stream_replicas{"), "3");
    }
    let series = once(
        "jsz_config",
        &with_config(r#""max_msgs":18446744073709551615,"max_age":5"#),
    );
    assert_eq!(
        fixtures::value(&series, "nats_stream_max_messages{"),
        u64::MAX.to_string()
    );
    assert_eq!(
        fixtures::value(&series, "nats_stream_max_age_seconds{"),
        "5ns"
    );
}

#[test]
fn thresholds_in_metadata_are_numbers() {
    let pairs = r#""io.nats.monitor.lag-critical":"100","io.nats.monitor.seen-critical":"1m30s","io.nats.monitor.enabled":"true",
        "io.nats.monitor.share":"0.5","io.nats.monitor.note":"a \"b\"\n😀","team":"7""#;
    let series = once(
        "jsz_config",
        &with_config(&format!(r#""metadata":{{{pairs}}}"#)),
    );
    let thresholds = fixtures::by(&series, "nats_stream_monitor_threshold", "key");
    let expected = [
        ("io.nats.monitor.enabled", "1"),
        ("io.nats.monitor.lag-critical", "100"),
        ("io.nats.monitor.seen-critical", "90000000000ns"),
        ("io.nats.monitor.share", "0.5"),
    ];
    assert_eq!(thresholds, expected.into());
    assert_eq!(of(&series, "nats_stream_metadata_info").len(), 6);
}

#[test]
fn long_lists_and_texts_are_cut_and_counted() {
    let subjects: Vec<_> = (0..30).map(|number| format!("\"s.{number}\"")).collect();
    let text = "😀".repeat(1000);
    let config = format!(
        r#""subjects":[{}],"description":"{text}""#,
        subjects.join(",")
    );
    let mut collector = fixtures::collector("jsz_config");
    let (series, facts) = super::ask(collector.as_mut(), &at(1), &with_config(&config));
    assert_eq!(of(&series, "nats_stream_subject_info").len(), 20);
    assert_eq!(
        fixtures::value(&series, "nats_stream_configured_subjects{"),
        "30"
    );
    assert_eq!(facts.dropped, [("elements", 10)]);
    let info = of(&series, "nats_stream_config_info")
        .into_keys()
        .next()
        .unwrap();
    assert_eq!(info.matches('😀').count(), 50);
}

#[test]
fn only_the_leader_tells_and_only_of_durable_consumers() {
    let consumer = |name: &str, config: &str, leader: &str| {
        format!(
            r#"{{"stream_name":"S","name":"{name}","created":"2026-11-22T07:00:04Z","config":{{{config},"max_ack_pending":5}},
            "cluster":{{"leader":"{leader}"}}}}"#
        )
    };
    let consumers = [
        consumer("here", r#""durable_name":"here""#, "n1"),
        consumer("there", r#""durable_name":"there""#, "n2"),
        consumer("passing", r#""name":"passing""#, "n1"),
    ];
    let groups = ["here", "there", "passing"]
        .map(|name| format!(r#"{{"name":"{name}","raft_group":"C-{name}"}}"#));
    let stream = |leader: &str| {
        format!(
            r#"{{"name":"S","cluster":{{"leader":"{leader}"}},"config":{{"num_replicas":3}},"consumer_detail":[{}],
            "stream_raft_group":"S-R3F-x","consumer_raft_groups":[{}]}}"#,
            consumers.join(","),
            groups.join(",")
        )
    };
    let series = once("jsz_config", &body(&stream("n1")));
    let limits = fixtures::by(
        &series,
        "nats_consumer_max_ack_pending_messages",
        "consumer",
    );
    assert_eq!(limits, [("here", "5")].into());
    let groups = fixtures::by(&series, "nats_raft_group_consumer_info", "group");
    assert_eq!(
        groups.into_keys().collect::<Vec<_>>(),
        ["C-here", "C-there"]
    );
    assert_eq!(of(&series, "nats_raft_group_stream_info").len(), 1);
    let series = once("jsz_config", &body(&stream("n2")));
    assert!(
        !series
            .keys()
            .any(|key| key.contains("raft") || key.starts_with("nats_stream")),
        "{series:#?}"
    );
}

#[test]
fn consumers_of_mirrors_are_told_apart() {
    let detail = r#""created":"2026-11-22T07:00:04Z","delivered":{"consumer_seq":1,"stream_seq":2},"ack_floor":{"consumer_seq":1,"stream_seq":2},
        "num_ack_pending":0,"num_redelivered":0,"num_waiting":0,"num_pending":17"#;
    let direct = format!(r#"{{"name":"m","config":{{"direct":true,"max_deliver":1}},{detail}}}"#);
    let durable =
        format!(r#"{{"name":"d","config":{{"durable_name":"d","max_deliver":3}},{detail}}}"#);
    // 2.11.11 and 2.12 repeat the others in this list.
    let stream = format!(
        r#"{{"name":"S","consumer_detail":[{durable}],"direct_consumer_detail":[{durable},{direct}]}}"#
    );
    let series = once("jsz_config", &body(&stream));
    let most = of(&series, "nats_consumer_max_deliveries");
    let expected = [
        (r#"{account="APP",consumer="d",stream="S"}"#, "3"),
        (
            r#"{account="APP",consumer="m",direct="true",stream="S"}"#,
            "1",
        ),
    ];
    assert_eq!(most, expected.into());
    let pending = fixtures::by(&series, "nats_direct_consumer_pending_messages", "consumer");
    assert_eq!(pending, [("m", "17")].into());
}

#[test]
fn configuration_is_asked_for_every_ten_minutes_at_most() {
    let spec = specs().find(|spec| spec.name == "jsz_config").unwrap();
    assert_eq!(spec.interval_min.as_secs(), 600);
    let options = |streams, consumers| Options {
        streams,
        consumers,
        ..Options::default()
    };
    assert!(!(spec.wanted)(&options(false, false)) && (spec.wanted)(&options(true, false)));
    let path = |options: &Options| (spec.make)(options).path(&at(1)).into_owned();
    assert_eq!(
        path(&options(true, true)),
        "/jsz?consumers=true&config=true&raft=true&direct-consumers=true&limit=1000000000"
    );
    assert_eq!(
        path(&options(true, false)),
        "/jsz?streams=true&config=true&raft=true&limit=1000000000"
    );
}
