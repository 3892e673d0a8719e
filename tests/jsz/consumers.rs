//! Consumers, durable and ephemeral.

use super::*;

#[test]
fn a_durable_consumer_is_told_in_full_by_its_leader() {
    let more = format!(
        r#"{DURABLE}{LED},"push_bound":true,"paused":true,"pause_remaining":55,
        "priority_groups":[{{"group":"g1","pinned_client_id":"cid","pinned_ts":"2026-11-22T07:00:06Z"}},{{"group":"g2","pinned_ts":"0001-01-01T00:00:00Z"}}]"#
    );
    let page = page_of("consumers", &with_consumers(&[consumer("pull", &more)]));
    let c = "account=APP,stream=S,consumer=pull";
    for (family, expected) in [
        ("has_leader", "} 1"),
        ("pending_messages", "} 107"),
        ("ack_pending_messages", "} 80"),
        ("redelivered_messages", "} 18"),
        ("waiting_pulls", "} 2"),
        ("delivered_sequence", "} 110"),
        ("delivered_stream_sequence", "} 94"),
        ("delivered_timestamp_seconds", "} 1795330805000000000ns"),
        ("ack_floor_sequence", "} 10"),
        ("ack_floor_stream_sequence", "} 12"),
        ("created_timestamp_seconds", "} 1795330804000000000ns"),
        ("leader_since_timestamp_seconds", "} 1795330803000000000ns"),
        ("push_bound", "} 1"),
        ("paused", "} 1"),
        ("pause_remaining_seconds", "} 55ns"),
        (
            "pinned_timestamp_seconds",
            ",group=g1} 1795330806000000000ns",
        ),
        ("pinned_client_info", ",group=g1,client_id=cid} 1"),
        (
            "info",
            ",leader=n1,raft_group=S-1,traffic_account=SYS,system_account=true} 1",
        ),
        ("replica_active_seconds", ",peer=n2} 500ns"),
    ] {
        let family = format!("nats_consumer_{family}");
        assert_eq!(of(&page, &family), [format!("{c}{expected}")], "{family}");
    }
    for (family, label, values) in [
        ("pinned", "group=g", [1, 0]),
        ("replica_current", "peer=n", [1, 0]),
        ("replica_offline", "peer=n", [0, 1]),
        ("replica_lag_operations", "peer=n", [0, 9]),
        ("replica_pending", "peer=n", [0, 1]),
    ] {
        let family = format!("nats_consumer_{family}");
        let samples = of(&page, &family).into_iter();
        let ends: Vec<_> = samples
            .map(|sample| sample.rsplit(' ').next().unwrap())
            .collect();
        assert_eq!(ends, values.map(|value| value.to_string()), "{family}");
        assert!(of(&page, &family)[0].contains(label), "{family}");
    }
    let never = "nats_consumer_ack_floor_timestamp_seconds";
    assert!(!has(&page, never));
    assert!(!has(&page, "nats_stream_ephemeral_consumers"));
}

#[test]
fn pausing_is_absent_before_2_11_and_zero_after() {
    let body = with_consumers(&[consumer("pull", DURABLE)]);
    let page = page_by("consumers", &context("n1", Version(2, 10, 26)), &body);
    assert!(!page.iter().any(|sample| sample.contains("pause")));
    let page = page_by("consumers", &context("n1", Version(2, 11, 0)), &body);
    let labels = "account=APP,stream=S,consumer=pull}";
    let remaining = of(&page, "nats_consumer_pause_remaining_seconds");
    assert_eq!(
        of(&page, "nats_consumer_paused"),
        [format!("{labels} 0").as_str()]
    );
    assert_eq!(remaining, [format!("{labels} 0ns")]);
}

#[test]
fn a_consumer_without_a_leader_is_only_said_to_have_none() {
    let more = format!("{DURABLE}{ORPHANED}");
    let page = page_of("consumers", &with_consumers(&[consumer("pull", &more)]));
    let expected = ["nats_consumer_has_leader{account=APP,stream=S,consumer=pull} 0"];
    assert!(page.iter().eq(&expected), "{page:#?}");
}

#[test]
fn ephemeral_consumers_are_sums_of_their_stream() {
    let body = with_consumers(&[
        consumer("named", EPHEMERAL),
        consumer("T38zxoDS", EPHEMERAL),
        consumer("elsewhere", &format!("{EPHEMERAL}{FOLLOWED}")),
        consumer("dur", DURABLE),
    ]);
    let page = page_of("consumers", &body);
    for (family, sum) in [
        ("consumers", 2),
        ("pending_messages", 214),
        ("ack_pending_messages", 160),
        ("redelivered_messages", 36),
        ("waiting_pulls", 4),
    ] {
        let family = format!("nats_stream_ephemeral_{family}");
        let expected = [format!("account=APP,stream=S}} {sum}")];
        assert_eq!(of(&page, &family), expected, "{family}");
    }
    let durable = ["account=APP,stream=S,consumer=dur} 1"];
    assert_eq!(of(&page, "nats_consumer_has_leader"), durable);
}

#[test]
fn sums_do_not_leak_into_the_next_stream_or_answer() {
    let list = |name: &str| format!(r#","consumer_detail":[{}]"#, consumer(name, EPHEMERAL));
    let streams = [stream("S", &list("a")), stream("T", &list("b"))].join(",");
    let body = details(2, 2, &account(&streams));
    let mut consumers = collector("consumers");
    consumers.begin(&newest());
    let cut = body.find("]}").unwrap();
    let mut nowhere = |_: Record<'_>| {};
    consumers
        .chunk(&body.as_bytes()[..cut], &mut nowhere)
        .unwrap();
    let page = again(&mut *consumers, &body);
    let expected = ["account=APP,stream=S} 1", "account=APP,stream=T} 1"];
    assert_eq!(of(&page, "nats_stream_ephemeral_consumers"), expected);
}

#[test]
fn kinds_are_remembered_and_the_configuration_is_asked_for_seldom() {
    let mut consumers = collector("consumers");
    let asks = |consumers: &dyn Collector| consumers.path(&newest()).contains("config=true");
    assert!(asks(&*consumers), "the first request learns");
    let told = [
        consumer("named", EPHEMERAL),
        consumer("T38zxoDS", DURABLE),
        consumer("led elsewhere", &format!("{EPHEMERAL}{FOLLOWED}")),
    ];
    again(&mut *consumers, &with_consumers(&told));

    let plain = [
        consumer("named", ""),
        consumer("T38zxoDS", ""),
        consumer("led elsewhere", ""),
    ];
    for _ in 0..30 {
        assert!(!asks(&*consumers), "all are known");
        let page = again(&mut *consumers, &with_consumers(&plain));
        let sums = of(&page, "nats_stream_ephemeral_consumers");
        assert_eq!(sums, ["account=APP,stream=S} 2"]);
        let durable = of(&page, "nats_consumer_has_leader");
        assert_eq!(durable, ["account=APP,stream=S,consumer=T38zxoDS} 1"]);
    }

    // New ones: the name decides until the configuration comes, at once since the last one is long ago.
    let more = with_consumers(&[consumer("new", ""), consumer("9aBcDeFg", "")]);
    let page = again(&mut *consumers, &more);
    let durable = of(&page, "nats_consumer_has_leader");
    assert_eq!(durable, ["account=APP,stream=S,consumer=new} 1"]);
    let sums = of(&page, "nats_stream_ephemeral_consumers");
    assert_eq!(sums, ["account=APP,stream=S} 1"]);
    assert!(asks(&*consumers));

    // It fails: the next ten do without.
    consumers.begin(&newest());
    for _ in 0..10 {
        assert!(!asks(&*consumers));
        again(&mut *consumers, &more);
    }
    assert!(asks(&*consumers));
}

#[test]
fn a_consumer_made_anew_is_learned_anew() {
    let mut consumers = collector("consumers");
    let before = with_consumers(&[consumer("c", EPHEMERAL)]);
    assert!(!has(
        &again(&mut *consumers, &before),
        "nats_consumer_has_leader"
    ));
    let anew = with_consumers(&[consumer("c", "")]).replace("07:00:04", "08:00:00");
    assert!(has(
        &again(&mut *consumers, &anew),
        "nats_consumer_has_leader"
    ));
}

#[test]
fn generated_names_are_told_from_chosen_ones() {
    for (name, generated) in [
        ("T38zxoDS", true),
        ("6b3pT0yYcE256gD1UmZ0VE", true),
        ("6b3pT0yYcE256gD1UmZ0VE_12", true),
        ("payments", false),
        ("worker01", false),
        ("BILLING8", false),
        ("OrderSvc", false),
        ("T38zxoDS_", false),
        ("T38z-oDS", false),
        ("web_1", false),
        ("", false),
    ] {
        let page = page_of("consumers", &with_consumers(&[consumer(name, "")]));
        let summed = has(&page, "nats_stream_ephemeral_consumers");
        assert_eq!(summed, generated, "{name}");
    }
}

#[test]
fn requests_ask_for_all_accounts_and_no_more_than_needed() {
    let path = |name| collector(name).path(&newest()).into_owned();
    assert_eq!(path("jsz"), "/jsz");
    assert_eq!(path("streams"), "/jsz?streams=true&limit=1000000000");
    let first = "/jsz?consumers=true&config=true&limit=1000000000";
    assert_eq!(path("consumers"), first);
    let off = Options {
        streams: false,
        consumers: false,
        ..Options::default()
    };
    for spec in specs().filter(|spec| spec.handler == "/jsz") {
        assert!((spec.wanted)(&Options::default()));
        assert_eq!((spec.wanted)(&off), spec.name == "jsz", "{}", spec.name);
    }
}

#[test]
fn an_answer_that_would_be_cut_is_asked_for_in_a_cheaper_form_and_says_what_is_missing() {
    let path = |name, body_max: u64| {
        let mut context = newest();
        (context.sizes.streams, context.sizes.consumers) = (1_000, 10_000);
        context.body_max = BodyMax(body_max);
        collector(name).path(&context).into_owned()
    };
    let streams = "/jsz?streams=true&limit=1000000000";
    let configured = "/jsz?streams=true&config=true&raft=true&limit=1000000000";
    for (name, body_max, expected) in [
        ("streams", 500_000, streams),
        ("streams", 499_999, "/jsz"),
        (
            "consumers",
            14_950_000,
            "/jsz?consumers=true&config=true&limit=1000000000",
        ),
        (
            "consumers",
            14_949_999,
            "/jsz?consumers=true&limit=1000000000",
        ),
        ("consumers", 6_999_999, "/jsz"),
        ("jsz_config", 14_949_999, configured),
        ("jsz_config", 1_549_999, "/jsz"),
    ] {
        assert_eq!(path(name, body_max), expected, "{name} {body_max}");
    }
    assert!(path("jsz_config", 14_950_000).starts_with("/jsz?consumers=true&config=true"));
    let totals = r#"{"server_id":"A","now":"2026-11-22T08:00:00Z","streams":1000,"consumers":10000,"total":1}"#;
    for (name, all) in [
        ("streams", 1_000),
        ("consumers", 10_000),
        ("jsz_config", 10_000),
    ] {
        assert_eq!(once(name, totals).1.coverage, Some((0, all)), "{name}");
    }
}
