//! Streams and accounts.

use super::*;

#[test]
fn a_stream_is_told_in_full_by_its_leader() {
    let page = page_of("streams", &one_stream(LED));
    let s = "account=APP,stream=S";
    for (family, expected) in [
        ("has_leader", "} 1"),
        ("messages", "} 199"),
        ("bytes", "} 33408"),
        ("first_sequence", "} 1"),
        ("last_sequence", "} 18446744073709551615"),
        ("first_timestamp_seconds", "} 1795330801000000000ns"),
        ("last_timestamp_seconds", "} 1795330802000000000ns"),
        ("created_timestamp_seconds", "} 1795330800000000000ns"),
        ("leader_since_timestamp_seconds", "} 1795330803000000000ns"),
        ("subjects", "} 2"),
        ("deleted_messages", "} 3"),
        ("lost_messages", "} 2"),
        ("lost_bytes", "} 77"),
        ("consumers", "} 6"),
        (
            "info",
            ",leader=n1,raft_group=S-1,traffic_account=SYS,system_account=true} 1",
        ),
        // n3 was never heard.
        ("replica_active_seconds", ",peer=n2} 500ns"),
    ] {
        let family = format!("nats_stream_{family}");
        assert_eq!(of(&page, &family), [format!("{s}{expected}")], "{family}");
    }
    for (family, [n2, n3]) in [
        ("current", [1, 0]),
        ("offline", [0, 1]),
        ("lag_operations", [0, 9]),
        ("pending", [0, 1]),
    ] {
        let family = format!("nats_stream_replica_{family}");
        let expected = [format!("{s},peer=n2}} {n2}"), format!("{s},peer=n3}} {n3}")];
        assert_eq!(of(&page, &family), expected, "{family}");
    }
}

#[test]
fn what_is_left_out_because_it_is_zero_is_zero_and_what_the_version_lacks_is_absent() {
    let body = details(
        1,
        0,
        &account(
            r#"{"name":"S","cluster":{"leader":"n1","replicas":[{"name":"n2","current":true,"active":1,"peer":"p"}]},
            "state":{"messages":0,"bytes":0,"first_seq":0,"first_ts":"0001-01-01T00:00:00Z","last_seq":0,"last_ts":"0001-01-01T00:00:00Z","consumer_count":0}}"#,
        ),
    );
    let page = page_by("streams", &context("n1", Version(2, 9, 10)), &body);
    for family in [
        "subjects",
        "deleted_messages",
        "lost_messages",
        "lost_bytes",
    ] {
        let samples = of(&page, &format!("nats_stream_{family}")).join(";");
        assert_eq!(samples, "account=APP,stream=S} 0", "{family}");
    }
    for family in [
        "first_timestamp_seconds",
        "last_timestamp_seconds",
        "created_timestamp_seconds",
        "leader_since_timestamp_seconds",
        "replica_pending",
    ] {
        assert!(!has(&page, &format!("nats_stream_{family}")), "{family}");
    }
    assert!(has(&page, "nats_stream_replica_lag_operations"));
}

#[test]
fn an_emptied_stream_has_no_oldest_message() {
    let body = one_stream("").replace("2026-11-22T07:00:01Z", "1970-01-01T00:00:00Z");
    let page = page_of("streams", &body);
    assert!(!has(&page, "nats_stream_first_timestamp_seconds"));
}

#[test]
fn a_stream_without_a_leader_is_only_said_to_have_none() {
    let mut page = page_of("streams", &one_stream(ORPHANED));
    page.retain(|sample| sample.starts_with("nats_stream_"));
    let expected = ["nats_stream_has_leader{account=APP,stream=S} 0"];
    assert!(page.iter().eq(&expected), "{page:#?}");
}

#[test]
fn mirrors_and_sources_are_kept_apart() {
    let more = r#","mirror":{"name":"O","lag":3,"active":-1,"error":{"code":404,"err_code":10059,"description":"stream not found"}},
        "sources":[{"name":"O","lag":1,"active":10,"seq":20,"filter_subject":"a"},
        {"name":"O","lag":2,"active":11,"filter_subject":"b"},
        {"name":"O","lag":4,"active":12,"external":{"api":"$JS.hub.API","deliver":"dd"}},
        {"name":"O","lag":5,"active":13,"subject_transforms":[{"src":"x","dest":"y"},{"src":"z","dest":""}]}]"#;
    let page = page_of("streams", &one_stream(more));
    let family = |name: &str| of(&page, &format!("nats_stream_source_{name}"));
    let mirror = "account=APP,stream=S,kind=mirror,origin=O";
    let source = "account=APP,stream=S,kind=source,origin=O";
    let all = |values: [&str; 5]| {
        vec![
            format!("{mirror}}} {}", values[0]),
            format!("{source},external=$JS.hub.API}} {}", values[1]),
            format!("{source},filter=a}} {}", values[2]),
            format!("{source},filter=b}} {}", values[3]),
            format!("{source},filter=x,z}} {}", values[4]),
        ]
    };
    assert_eq!(family("lag_messages"), all(["3", "4", "1", "2", "5"]));
    assert_eq!(family("connected"), all(["0", "1", "1", "1", "1"]));
    assert_eq!(family("error_code"), all(["10059", "0", "0", "0", "0"]));
    let active = all(["", "12ns", "10ns", "11ns", "13ns"]);
    assert_eq!(family("active_seconds"), active[1..], "never heard: absent");
    let sequences = all(["", "0", "20", "0", "0"]);
    assert_eq!(family("last_sequence"), sequences[1..], "not of mirrors");
    let old = context("n1", Version(2, 14, 6));
    let old = page_by("streams", &old, &one_stream(more));
    assert_eq!(of(&old, "nats_stream_source_last_sequence").len(), 1);
    let error = [format!(
        "{mirror},status=404,description=stream not found}} 1"
    )];
    assert_eq!(family("error_info"), error);
    let transforms = [
        format!("{source},filter=x,z,src=x,dest=y}} 1"),
        format!("{source},filter=x,z,src=z}} 1"),
    ];
    assert_eq!(family("transform_info"), transforms);
    let deliver = format!("{source},external=$JS.hub.API,deliver=dd}} 1");
    assert_eq!(family("info")[1], deliver);
}

#[test]
fn accounts_with_one_name_go_by_their_ids() {
    let twins = [
        account(&stream("S", LED)),
        account(&stream("S", LED)).replace("AAPP", "ATWO"),
    ];
    let body = details(2, 0, &twins.join(","));
    let mut streams = collector("streams");
    let first = again(&mut *streams, &body);
    assert_eq!(of(&first, "nats_stream_messages").len(), 2, "none hides");
    let page = again(&mut *streams, &body);
    let expected = [
        "account=AAPP,account_id=AAPP} 1",
        "account=ATWO,account_id=ATWO} 1",
    ];
    assert_eq!(of(&page, "nats_account_info"), expected);
}

#[test]
fn a_list_cut_short_shows_as_coverage() {
    let (_, facts) = once("streams", &one_stream(LED).replace("ms\":1", "ms\":4"));
    assert_eq!(facts.server_id.as_deref(), Some("NA"));
    assert_eq!(facts.coverage, Some((1, 4)));
    // Accounts may be cut off although all streams are there.
    let (_, facts) = once("streams", &one_stream(LED).replace("al\":1", "al\":3"));
    assert_eq!(facts.coverage, Some((1, 3)));
    let body = with_consumers(&[consumer("a", DURABLE)]).replace("ers\":1", "ers\":10");
    assert_eq!(once("consumers", &body).1.coverage, Some((1, 10)));
    let body = details(0, 0, "").replace("al\":1", "al\":0");
    assert_eq!(once("streams", &body).1.coverage, Some((0, 0)));
}
