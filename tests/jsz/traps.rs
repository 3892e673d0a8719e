//! Traps of the reference (section 11), hostile names and numbers.

use natsight::catalog::{CATALOG, Kind};

use super::*;

#[test]
fn trap_03_follower_pending_is_not_shown() {
    // The stream is led here, its consumer elsewhere.
    let pull = consumer("pull", &format!("{DURABLE}{FOLLOWED}"));
    let body = one_stream(&format!(r#"{LED},"consumer_detail":[{pull}]"#));
    assert!(page_of("consumers", &body.replace("ers\":0", "ers\":1")).is_empty());
}

#[test]
fn trap_03_a_follower_does_not_judge_replicas() {
    let page = page_of("streams", &one_stream(FOLLOWED));
    assert!(!page.iter().any(|sample| sample.starts_with("nats_stream_")));
}

#[test]
fn trap_04_account_usage_is_called_cluster_wide_and_api_counts_may_fall() {
    let page = page_of("streams", &details(0, 0, &account("")));
    for (family, value) in [
        ("memory_used_bytes", 5),
        ("storage_used_bytes", 6),
        ("api_requests", 7),
        ("api_errors", 8),
    ] {
        let family = format!("nats_jetstream_account_{family}");
        let expected = [format!("account=APP}} {value}")];
        assert_eq!(of(&page, &family), expected, "{family}");
        let def = CATALOG.iter().find(|def| def.name == family).unwrap();
        assert_eq!(def.kind, Kind::Gauge, "{family}");
        assert!(def.help.contains("whole cluster"), "{family}");
    }
}

#[test]
fn trap_05_no_limit_of_an_account_is_absent() {
    let page = page_of("streams", &details(0, 0, &account("")));
    assert!(!has(&page, "nats_jetstream_account_memory_limit_bytes"));
    let limit = of(&page, "nats_jetstream_account_storage_limit_bytes");
    assert_eq!(limit, ["account=APP} 900"]);
}

#[test]
fn trap_07_replicas_of_a_stream_count_once() {
    let mut shown = 0;
    for server in ["n1", "n2", "n3"] {
        let context = context(server, Version(2, 15, 1));
        let page = page_by("streams", &context, &one_stream(LED));
        shown += of(&page, "nats_stream_messages").len();
    }
    assert_eq!(shown, 1);
}

#[test]
fn trap_16_lists_may_be_null_or_lacking() {
    let nulls = r#","cluster":{"leader":"n1","replicas":null},"sources":null,"consumer_detail":null,"mirror":null"#;
    let body = one_stream(nulls);
    assert!(has(&page_of("streams", &body), "nats_stream_has_leader"));
    assert!(page_of("consumers", &body).is_empty());
    for list in ["null", "[]"] {
        let body =
            format!(r#"{{{ROOT},"streams":0,"consumers":0,"account_details":{list},"total":0}}"#);
        for name in ["streams", "consumers"] {
            let (page, facts) = once(name, &body);
            assert!(page.is_empty());
            assert_eq!(facts.coverage, Some((0, 0)));
        }
    }
}

#[test]
fn trap_18_a_stand_alone_server_leads_all() {
    // Its consumers have no `cluster`.
    let list = consumer("c", DURABLE);
    let body = one_stream(&format!(
        r#","cluster":{{"leader":"n1"}},"consumer_detail":[{list}]"#
    ));
    assert!(has(&page_of("streams", &body), "nats_stream_messages"));
    let page = page_of("consumers", &body);
    assert!(has(&page, "nats_consumer_pending_messages"));
}

#[test]
fn trap_22_the_last_sequence_is_exact_and_stays_a_gauge() {
    let page = page_of("streams", &one_stream(LED));
    let expected = ["account=APP,stream=S} 18446744073709551615"];
    assert_eq!(of(&page, "nats_stream_last_sequence"), expected);
    let family = "nats_stream_last_sequence";
    let def = CATALOG.iter().find(|def| def.name == family).unwrap();
    assert_eq!(def.kind, Kind::Gauge);
}

#[test]
fn names_pass_untouched() {
    let long = "x".repeat(10_000);
    for (json, name) in [
        (r#"a\"b"#, "a\"b"),
        (r"line\nbreak", "line\nbreak"),
        ("\u{1f980}", "\u{1f980}"),
        (r"\ud83e\udd80", "\u{1f980}"),
        (long.as_str(), long.as_str()),
        (r#"},{\"name\":\"x\"}]"#, r#"},{"name":"x"}]"#),
        (r"back\\", r"back\"),
    ] {
        let list = format!(r#","consumer_detail":[{}]"#, consumer(json, DURABLE));
        let account = account(&stream(json, &list)).replace(r#""APP""#, &format!(r#""{json}""#));
        let body = details(1, 1, &account);
        let page = page_of("consumers", &body);
        let expected = [format!(
            "account={name},stream={name},consumer={name}}} 107"
        )];
        assert_eq!(of(&page, "nats_consumer_pending_messages"), expected);
        let page = page_of("streams", &body);
        let expected = [format!("account={name},stream={name}}} 199")];
        assert_eq!(of(&page, "nats_stream_messages"), expected);
    }
}

#[test]
fn negative_counters_are_marked_to_be_dropped() {
    let body = one_stream(LED).replace(r#""messages":199"#, r#""messages":-1"#);
    let page = page_of("streams", &body);
    let expected = ["account=APP,stream=S} Negative"];
    assert_eq!(of(&page, "nats_stream_messages"), expected);
}

#[test]
fn wrong_types_refuse_the_answer() {
    let body = rich();
    for (good, bad) in [
        (r#""messages":199"#, r#""messages":"199""#),
        (r#""bytes":33408"#, r#""bytes":1.5"#),
        (r#""name":"S""#, r#""name":7"#),
        (r#""server_id":"NA""#, r#""server_id":null"#),
        ("2026-11-22T07:00:02Z", "yesterday"),
        (r#""account_details":["#, r#""account_details":[7,"#),
    ] {
        let bad = body.replace(good, bad);
        assert_ne!(bad, body);
        let result = run(&mut *collector("streams"), &newest(), &[bad.as_bytes()]);
        assert!(result.is_err(), "{good}");
    }
}
