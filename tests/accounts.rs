//! accstatz, accountz, raftz, ipqueuesz and the configuration of jsz through the public collectors.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod fixtures;

#[path = "accounts/configuration.rs"]
mod configuration;
#[path = "accounts/queues.rs"]
mod queues;
#[path = "accounts/raft.rs"]
mod raft;

use std::collections::BTreeMap;
use std::sync::Arc;

use fixtures::Series;
use natsight::collect::{Accounts, Collector, Context, Facts, Version};

/// What a broker of the newest version tells of itself, at `now` seconds.
fn at(now: i128) -> Context {
    Context {
        server_id: "N1".to_owned(),
        broker_name: "n1".to_owned(),
        version: Version(2, 15, 1),
        now: Some(now * 1_000_000_000),
        ..Context::default()
    }
}

/// The same, with accounts that have streams: ids and labels.
fn with_streams(now: i128, accounts: &[(&str, &str)]) -> Context {
    let pairs = accounts.iter();
    let accounts = Accounts {
        with_streams: pairs
            .map(|(id, label)| ((*id).to_owned(), (*label).to_owned()))
            .collect(),
        ..Accounts::default()
    };
    Context {
        accounts: Arc::new(accounts),
        ..at(now)
    }
}

fn ask(collector: &mut dyn Collector, context: &Context, body: &str) -> (Series, Facts) {
    fixtures::feed(collector, context, body.as_bytes()).unwrap()
}

fn once(name: &str, body: &str) -> Series {
    ask(fixtures::collector(name).as_mut(), &at(1), body).0
}

/// Series of a family, without it.
fn of<'s>(series: &'s Series, family: &str) -> BTreeMap<&'s str, &'s str> {
    let family = series.iter().filter_map(|(key, value)| {
        let labels = key.strip_prefix(family)?;
        labels.starts_with('{').then_some((labels, value.as_str()))
    });
    family.collect()
}

fn account(id: &str, name: &str) -> String {
    format!(
        r#"{{"acc":{id:?},"name":{name:?},"conns":1,"leafnodes":0,"total_conns":1,"num_subscriptions":2,
        "sent":{{"msgs":3,"bytes":4,"routes":{{"msgs":1,"bytes":2}}}},"received":{{"msgs":5,"bytes":6}},"slow_consumers":0}}"#
    )
}

fn accstatz(accounts: &[String]) -> String {
    let list = accounts.join(",");
    format!(r#"{{"server_id":"N1","now":"2026-11-22T07:00:00Z","account_statz":[{list}]}}"#)
}

#[test]
fn totals_of_an_account_and_its_links_are_different_families() {
    let series = once("accstatz", &accstatz(&[account("APP", "APP")]));
    let links = of(&series, "nats_account_link_out_messages_total");
    assert_eq!(links, [(r#"{account="APP",kind="route"}"#, "1")].into());
    let totals = of(&series, "nats_account_out_messages_total");
    assert_eq!(totals, [(r#"{account="APP"}"#, "3")].into());
}

#[test]
fn accounts_of_one_name_go_by_their_ids() {
    let body = accstatz(&[
        account("A1", "APP"),
        account("A2", "APP"),
        account("A3", "OPS"),
    ]);
    let mut collector = fixtures::collector("accstatz");
    ask(collector.as_mut(), &at(1), &body);
    let (series, facts) = ask(collector.as_mut(), &at(2), &body);
    let shown = fixtures::by(&series, "nats_account_connections", "account");
    assert_eq!(shown.into_keys().collect::<Vec<_>>(), ["A1", "A2", "OPS"]);
    let labels = facts.account_labels.unwrap();
    assert_eq!(labels, [("A3".to_owned(), "OPS".to_owned())].into());
}

#[test]
fn a_version_without_names_and_links_shows_neither() {
    let body = accstatz(&[
        r#"{"acc":"APP","conns":1,"leafnodes":0,"total_conns":1,"sent":{"msgs":3,"bytes":4},
        "received":{"msgs":5,"bytes":6},"slow_consumers":0}"#
            .to_owned(),
    ]);
    let series = once("accstatz", &body);
    assert!(of(&series, "nats_account_subscriptions").is_empty());
    assert!(
        !series.keys().any(|key| key.contains("link")),
        "{series:#?}"
    );
}

#[test]
fn names_of_accounts_may_hold_anything() {
    let name = "a \"b\"\\ \n\u{1f600}";
    let escaped = serde_json::to_string(name).unwrap();
    let body = accstatz(&[account("X", "X").replace("\"X\"", &escaped)]);
    let series = once("accstatz", &body);
    let key = format!("nats_account_connections{{account={name:?}}}");
    assert_eq!(
        series.get(&key).map(String::as_str),
        Some("1"),
        "{series:#?}"
    );
    let mut raftz = fixtures::collector("raftz");
    ask(raftz.as_mut(), &at(1), "{}");
    let context = with_streams(2, &[(name, name)]);
    assert_eq!(
        raftz.path(&context),
        "/raftz?acc=a%20%22b%22%5C%20%0A%F0%9F%98%80"
    );
}

const LIST: &str = r#"{"server_id":"N1","now":"2026-11-22T07:00:00Z","system_account":"SYS","accounts":["APP","SYS"]}"#;

fn details(account: &str, more: &str) -> String {
    format!(
        r#"{{"server_id":"N1","now":"2026-11-22T07:00:00Z","system_account":"SYS","account_detail":{{"account_name":{account:?},
        "update_time":"0001-01-01T00:00:00Z","expired":false,"complete":true,"jetstream_enabled":true,
        "leafnode_connections":0,"client_connections":1,"subscriptions":2{more}}}}}"#
    )
}

#[test]
fn accounts_are_read_in_turn_and_at_most_every_ten_minutes() {
    let mut collector = fixtures::collector("accountz");
    let mut asked = Vec::new();
    for now in (0..1260).step_by(15) {
        let context = at(now);
        let path = collector.path(&context).into_owned();
        let body = match path.split_once('=') {
            Some((_, account)) => details(account, ""),
            None => LIST.to_owned(),
        };
        let (series, facts) = ask(collector.as_mut(), &context, &body);
        if now > 30 {
            let read = of(&series, "nats_account_complete").len();
            assert_eq!((read, facts.coverage), (2, Some((2, 2))), "{now}");
            assert_eq!(of(&series, "nats_accounts"), [("{}", "2")].into());
        }
        if path != "/accountz" {
            asked.push((now, path));
        }
    }
    let expected = [
        (15, "APP"),
        (30, "SYS"),
        (615, "APP"),
        (630, "SYS"),
        (1215, "APP"),
        (1230, "SYS"),
    ];
    let expected = expected.map(|(now, account)| (now, format!("/accountz?acc={account}")));
    assert_eq!(asked, expected);
}

#[test]
fn tokens_and_keys_of_accounts_are_never_shown() {
    let secrets = r#","jwt":"hunter2","issuer_key":"hunter2","decoded_jwt":{"nats":{"signing_keys":["hunter2"]}},
        "validation_result_jwt":[{"description":"hunter2","blocking":true}],"revoked_user":{"hunter2":"2026-11-22T07:00:00Z"},
        "responses":{"hunter2":{"subject":"hunter2"}}"#;
    let series = once("accountz", &details("APP", secrets));
    let text = format!("{series:?}");
    assert!(!text.contains("hunter2"), "{text}");
    for family in [
        "nats_account_revoked_users{",
        "nats_account_pending_responses{",
    ] {
        assert_eq!(fixtures::value(&series, family), "1", "{family}");
    }
    let issues = of(&series, "nats_account_token_issues");
    assert_eq!(issues[r#"{account="APP",blocking="true"}"#], "1");
}

#[test]
fn reference_trap_16_lists_may_be_null() {
    let nothing = r#","mappings":null,"exports":null,"imports":null,"tags":null,"responses":null,"revoked_user":null"#;
    let series = once("accountz", &details("APP", nothing));
    assert_eq!(fixtures::value(&series, "nats_account_exports{"), "0");
    let raft = raft::group("S-R3F-x", r#","peers":null"#);
    assert!(!once("raftz", &raft).is_empty());
    let stream = r#"{"name":"S","config":{"subjects":null,"sources":null,"metadata":null,"num_replicas":1}}"#;
    let series = once("jsz_config", &configuration::body(stream));
    assert_eq!(fixtures::value(&series, "nats_stream_replicas{"), "1");
}

#[test]
fn elements_beyond_the_bound_are_counted() {
    let exports: Vec<_> = (0..60)
        .map(|n| format!(r#"{{"subject":"s.{n}","type":"stream"}}"#))
        .collect();
    let more = format!(r#","exports":[{}]"#, exports.join(","));
    let mut collector = fixtures::collector("accountz");
    let (series, facts) = ask(collector.as_mut(), &at(1), &details("APP", &more));
    assert_eq!(of(&series, "nats_account_export_info").len(), 50);
    assert_eq!(fixtures::value(&series, "nats_account_exports{"), "60");
    assert_eq!(facts.dropped, [("elements", 10)]);
}
