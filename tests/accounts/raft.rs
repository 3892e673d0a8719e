//! Raft groups and the walk over accounts.

use super::{ask, at, of, once, with_streams};
use crate::fixtures;
use natsight::collect::specs;

/// An answer for account APP with one group.
pub(crate) fn group(name: &str, more: &str) -> String {
    in_account("APP", name, 9, more)
}

fn in_account(account: &str, name: &str, committed: u64, more: &str) -> String {
    format!(
        r#"{{ {account:?}: {{ {name:?}: {{"id":"fjFyEjc1","state":"FOLLOWER","size":3,"quorum_needed":2,"committed":{committed},"applied":7,
        "leader":"44jzkV9D","ever_had_leader":true,"term":4,"voted_for":"fjFyEjc1","pterm":3,"pindex":11,"ipq_proposal_len":1,
        "ipq_entry_len":2,"ipq_resp_len":3,"ipq_apply_len":4,"wal":{{"messages":1,"bytes":2,"first_seq":3,"last_seq":4,
        "first_ts":"0001-01-01T00:00:00Z","last_ts":"2026-11-22T07:00:00Z","consumer_count":0}}{more}}}}}}}"#
    )
}

const PEERS: &str = r#","peers":{"44jzkV9D":{"name":"n2","known":true,"last_seen":"1.5s"},"BXScrY9i":{"name":"n\"3\n😀","known":false}}"#;

#[test]
fn reference_trap_15_an_error_of_the_log_is_an_empty_object() {
    for (more, expected) in [("", "0"), (r#","wal_error":{}"#, "1")] {
        let series = once("raftz", &group("S-R3F-x", more));
        assert_eq!(fixtures::value(&series, "nats_raft_log_error{"), expected);
    }
}

#[test]
fn reference_trap_18_a_stand_alone_server_has_no_raftz() {
    let raftz = specs().find(|spec| spec.name == "raftz").unwrap();
    assert!((raftz.absent)(404) && !(raftz.absent)(500) && !(raftz.accept)(404));
    let index = fixtures::body("2.15.1/single/index.json");
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    let recorded = index
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["path"] == "/raftz");
    assert_eq!(recorded.unwrap()["status"], 404);
}

#[test]
fn reference_trap_21_hashes_become_names() {
    let series = once("raftz", &group("S-R3F-x", PEERS));
    let info = of(&series, "nats_raft_group_info");
    let expected = r#"{account="APP",group="S-R3F-x",id="fjFyEjc1",leader="n2",voted_for="n1"}"#;
    assert_eq!(info, [(expected, "1")].into());
    let known = of(&series, "nats_raft_peer_known");
    let peers = [
        (r#"{account="APP",group="S-R3F-x",peer="n2"}"#, "1"),
        (r#"{account="APP",group="S-R3F-x",peer="n\"3\n😀"}"#, "0"),
    ];
    assert_eq!(known, peers.into());
    let seen = of(&series, "nats_raft_peer_last_seen_seconds");
    assert_eq!(seen.into_values().collect::<Vec<_>>(), ["1500000000ns"]);
    // Who is not among the peers keeps the hash.
    let series = once("raftz", &group("S-R3F-x", ""));
    assert!(
        format!("{series:?}").contains("leader=\\\"44jzkV9D\\\""),
        "{series:#?}"
    );
}

#[test]
fn reference_trap_22_indexes_and_terms_are_shown_as_they_are() {
    let series = once("raftz", &group("_meta_", ""));
    for (family, expected) in [
        ("nats_raft_committed_index{", "9"),
        ("nats_raft_applied_index{", "7"),
        ("nats_raft_log_index{", "11"),
        ("nats_raft_term{", "4"),
        ("nats_raft_log_term{", "3"),
        ("nats_raft_log_last_sequence{", "4"),
    ] {
        assert_eq!(fixtures::value(&series, family), expected, "{family}");
    }
    assert!(of(&series, "nats_raft_log_first_timestamp_seconds").is_empty());
}

#[test]
fn a_version_without_overruns_shows_none() {
    let mut context = at(1);
    let body = group("S-R3F-x", r#","overrun":true,"overrun_count":5"#);
    let (series, _) = ask(fixtures::collector("raftz").as_mut(), &context, &body);
    assert_eq!(fixtures::value(&series, "nats_raft_overruns_total{"), "5");
    context.version = natsight::collect::Version(2, 12, 8);
    let (series, _) = ask(fixtures::collector("raftz").as_mut(), &context, &body);
    assert!(of(&series, "nats_raft_overruns_total").is_empty());
}

#[test]
fn each_account_has_its_turn_and_the_others_stay_with_their_age() {
    let mut collector = fixtures::collector("raftz");
    let accounts = [("A1", "APP"), ("B2", "B2")];
    let mut asked = Vec::new();
    for round in 0..6u32 {
        let context = with_streams(i128::from(round), &accounts);
        let path = collector.path(&context).into_owned();
        let (account, name) = match path.as_str() {
            "/raftz" => ("SYS", "_meta_"),
            "/raftz?acc=A1" => ("A1", "S-R3F-a"),
            _ => ("B2", "S-R3F-b"),
        };
        asked.push(path);
        let body = in_account(account, name, u64::from(round), "");
        let (series, facts) = ask(collector.as_mut(), &context, &body);
        let seen = u64::from(round + 1).min(3);
        assert_eq!(facts.coverage, Some((seen, 3)));
        if round == 5 {
            let committed = fixtures::by(&series, "nats_raft_committed_index", "account");
            assert_eq!(committed, [("SYS", "3"), ("APP", "4"), ("B2", "5")].into());
            let read = fixtures::by(&series, "nats_raft_read_timestamp_seconds", "account");
            let expected = [
                ("SYS", "3000000000ns"),
                ("APP", "4000000000ns"),
                ("B2", "5000000000ns"),
            ];
            assert_eq!(read, expected.into());
        }
    }
    let turn = ["/raftz", "/raftz?acc=A1", "/raftz?acc=B2"];
    assert_eq!(asked, [turn, turn].concat());
}

#[test]
fn an_account_that_has_gone_and_another_life_are_forgotten() {
    let mut collector = fixtures::collector("raftz");
    let accounts = with_streams(1, &[("A1", "APP")]);
    ask(
        collector.as_mut(),
        &accounts,
        &in_account("SYS", "_meta_", 1, ""),
    );
    ask(
        collector.as_mut(),
        &accounts,
        &in_account("A1", "S-R3F-a", 2, ""),
    );
    let (series, _) = ask(
        collector.as_mut(),
        &at(2),
        &in_account("SYS", "_meta_", 3, ""),
    );
    assert_eq!(fixtures::value(&series, "nats_raft_committed_index{"), "3");
    let mut other = with_streams(3, &[("A1", "APP")]);
    other.server_id = "N2".to_owned();
    assert_eq!(collector.path(&other), "/raftz");
    let (series, _) = ask(collector.as_mut(), &other, "{}");
    assert!(series.is_empty(), "{series:#?}");
}

#[test]
fn an_unknown_account_has_no_groups() {
    let body = fixtures::body("2.15.1/cluster3/raftz.n1.err-acc.json");
    let (series, _) = fixtures::feed(fixtures::collector("raftz").as_mut(), &at(1), &body).unwrap();
    assert!(series.is_empty(), "{series:#?}");
}

#[test]
fn any_cut_of_the_body_gives_the_same() {
    let body = group("a\"b\\ \u{1f600}", PEERS);
    let whole = once("raftz", &body);
    for size in [1, 2, 3, 7, 64] {
        let mut collector = fixtures::collector("raftz");
        let mut rows = 0;
        let mut take = |record: natsight::collect::Record<'_>| {
            record.native(&at(1), &mut |row: &natsight::state::Row<'_>| {
                rows += row.values.len()
            });
        };
        collector.begin(&at(1));
        for chunk in body.as_bytes().chunks(size) {
            collector.chunk(chunk, &mut take).unwrap();
        }
        collector.finish(&mut take).unwrap();
        assert_eq!(rows, whole.len(), "{size}");
    }
}
