//! Accounts on gateway connections: modes and subscriptions, by direction and connection.

use std::collections::BTreeSet;
use std::sync::Arc;

use natsight::collect::{Accounts, Left, Pattern, Record, Room, Scope, Select, Terms};
use natsight::state::{Row, Value};

use super::*;

const NAME: &str = "gateway_accounts";

/// An account as the broker tells it.
fn account(name: &str, mode: &str, more: Json) -> Json {
    let mut account = json!({"name": name, "interest_mode": mode, "interest_only_threshold": 1000});
    for (name, member) in more.as_object().unwrap() {
        account[name] = member.clone();
    }
    account
}

fn connection(cid: u64, accounts: &[Json]) -> Json {
    json!({"configured": true, "connection": {"cid": cid, "name": "NPEER"}, "accounts": accounts})
}

fn listing(outbound: Json, inbound: Json) -> Json {
    json!({"server_id": "NONE", "now": "2026-11-22T08:00:00Z", "outbound_gateways": outbound, "inbound_gateways": inbound})
}

fn shown(answer: &Json) -> Series {
    decode(NAME, &Context::default(), &text(answer)).unwrap().0
}

/// What a recording tells, by a way of its own.
fn told(context: &Context, answer: &Json) -> Series {
    let mut told = Series::new();
    let server = format!(
        "nats_cluster={:?},{{}}server_name={:?}",
        context.nats_cluster, context.server_name
    );
    let mut connections = Vec::new();
    for (peer, remote) in answer["outbound_gateways"].as_object().unwrap() {
        connections.push((peer, "outbound", remote));
    }
    for (peer, remotes) in answer["inbound_gateways"].as_object().unwrap() {
        let remotes = remotes.as_array().unwrap().iter();
        connections.extend(remotes.map(|remote| (peer, "inbound", remote)));
    }
    for (peer, direction, remote) in connections {
        for account in remote["accounts"].as_array().unwrap() {
            let (name, cid) = (&account["name"], &remote["connection"]["cid"]);
            let mut tell = |family: &str, mode: &str, value: u64| {
                let server = server.replace("{}", &format!("peer={peer:?},"));
                let key = format!(
                    "{family}{{account={name},cid=\"{cid}\",direction={direction:?},{mode}{server}}}"
                );
                assert_eq!(told.insert(key, value.to_string()), None);
            };
            let number = |field: &str| account.get(field).map_or(0, |n| n.as_u64().unwrap());
            let mode = account["interest_mode"].as_str().unwrap().to_lowercase();
            let family = |what: &str| format!("nats_gateway_account_{what}");
            tell(&family("interest_mode"), &format!("mode={mode:?},"), 1);
            let none = number("no_interest_count");
            tell(&family("no_interest_subjects"), "", none);
            if direction == "outbound" {
                tell(&family("subscriptions"), "", number("num_subs"));
                tell(&family("queue_subscriptions"), "", number("num_queue_subs"));
            }
        }
    }
    let server = server.replace("{}", "");
    let threshold = format!("nats_gateway_interest_only_threshold_subjects{{{server}}}");
    told.insert(threshold, "1000".to_owned());
    told
}

#[test]
fn recorded_accounts_are_shown_on_each_connection() {
    for version in VERSIONS {
        for (node, connections) in [("a1", 1..=2), ("b1", 3..=3)] {
            let folder = format!("{version}/super");
            let context = fixtures::context(&body(&format!("{folder}/varz.{node}.json")));
            let answer = body(&format!("{folder}/gatewayz.{node}.accs.json"));
            let (series, facts) = decode(NAME, &context, &answer).unwrap();
            let answer: Json = serde_json::from_slice(&answer).unwrap();
            assert_eq!(series, told(&context, &answer), "{version} {node}");
            assert_eq!(facts.server_id.as_deref(), answer["server_id"].as_str());
            // Several inbound connections of one cluster are told apart.
            let modes = by(&series, "nats_gateway_account_interest_mode", "cid");
            assert!(connections.contains(&modes.len()), "{version} {node}");
        }
    }
}

#[test]
fn recorded_numbers_of_one_account() {
    let (context, _) = recorded("2.15.1/super", "varz", "b1");
    let (series, _) = decode(NAME, &context, &body("2.15.1/super/gatewayz.b1.accs.json")).unwrap();
    let of = |family: &str, labels: &str| {
        let start = format!("nats_gateway_account_{family}{{account=\"APP\",{labels}");
        value(&series, &start).to_owned()
    };
    let outbound = "cid=\"16\",direction=\"outbound\"";
    assert_eq!(of("subscriptions", outbound), "21");
    assert_eq!(of("queue_subscriptions", outbound), "0");
    for inbound in ["15", "17"] {
        let labels = format!("cid=\"{inbound}\",direction=\"inbound\",mode=\"interest-only\"");
        assert_eq!(of("interest_mode", &labels), "1");
    }
    let threshold = "nats_gateway_interest_only_threshold_subjects{";
    assert_eq!(value(&series, threshold), "1000");
}

#[test]
fn it_asks_for_accounts_without_subscriptions() {
    let path = collector(NAME).path(&Context::default());
    assert_eq!(path, "/gatewayz?accs=true");
}

#[test]
fn modes_are_labels_and_zero_is_left_out_by_the_broker() {
    let answer = listing(
        json!({"B": connection(7, &[
            account("NEW", "Optimistic", json!({"no_interest_count": 999, "num_subs": 3, "num_queue_subs": 2})),
            account("SOON", "Transitioning", json!({"no_interest_count": 1001})),
            account("APP", "Interest-Only", json!({})),
            account("ODD", "Unknown", json!({"interest_only_threshold": 1500})),
        ])}),
        json!({"B": [connection(8, &[account("NEW", "Optimistic", json!({"no_interest_count": 5}))])]}),
    );
    let series = shown(&answer);
    for (account, mode, cid, none) in [
        ("NEW", "optimistic", 7, "999"),
        ("SOON", "transitioning", 7, "1001"),
        ("APP", "interest-only", 7, "0"),
        ("ODD", "unknown", 7, "0"),
        ("NEW", "optimistic", 8, "5"),
    ] {
        let direction = if cid == 7 { "outbound" } else { "inbound" };
        let names = format!("{{account={account:?},cid=\"{cid}\",direction={direction:?}");
        let key = format!("nats_gateway_account_interest_mode{names},mode={mode:?},peer=\"B\"}}");
        assert_eq!(series.get(&key).map(String::as_str), Some("1"), "{key}");
        let family = format!("nats_gateway_account_no_interest_subjects{names}");
        assert_eq!(value(&series, &family), none, "{account} {cid}");
    }
    let of_new = "nats_gateway_account_queue_subscriptions{account=\"NEW\"";
    assert_eq!(value(&series, of_new), "2", "outbound only");
    let threshold = "nats_gateway_interest_only_threshold_subjects{";
    assert_eq!(value(&series, threshold), "1500");
}

#[test]
fn accounts_are_called_as_elsewhere() {
    let answer = listing(
        json!({"B": connection(7, &[account("AKEY", "Interest-Only", json!({}))])}),
        json!({}),
    );
    let labels = [("AKEY".to_owned(), "APP".to_owned())].into();
    let context = Context {
        accounts: Arc::new(Accounts {
            labels,
            ..Accounts::default()
        }),
        ..Context::default()
    };
    let (series, _) = decode(NAME, &context, &text(&answer)).unwrap();
    let modes = by(&series, "nats_gateway_account_interest_mode", "account");
    assert_eq!(modes, names(&[("APP", "1")]));
}

/// What a body gives when it comes in chunks of this size.
fn rows(body: &[u8], size: usize) -> Vec<String> {
    let mut rows = Vec::new();
    let mut take = |record: Record<'_>| {
        record.native(&Context::default(), &mut |row: &Row<'_>| {
            rows.push(format!("{:?} {:?}", row.labels, row.values));
        });
    };
    let mut collector = collector(NAME);
    collector.begin(&Context::default());
    for chunk in body.chunks(size) {
        collector.chunk(chunk, &mut take).unwrap();
    }
    collector.finish(&mut take).unwrap();
    rows
}

#[test]
fn any_cut_gives_the_same() {
    let whole = body("2.9.10/super/gatewayz.b1.accs.json");
    let expected = rows(&whole, whole.len());
    assert_eq!(expected.len(), 5 * 3 + 2 * 5 * 2 + 1);
    for size in [1, 2, 3, 7, 100, 1000] {
        assert_eq!(rows(&whole, size), expected, "{size}");
    }
}

#[test]
fn the_connection_may_come_after_its_accounts() {
    let swapped = br#"{"inbound_gateways":{"B":[{"accounts":[{"name":"APP","interest_mode":"Interest-Only"}],
        "connection":{"cid":9}}]},"outbound_gateways":{"C":{"accounts":[{"name":"APP","interest_mode":"Optimistic"}],
        "connection":{"cid":8}}}}"#;
    let series = decode(NAME, &Context::default(), swapped).unwrap().0;
    for (label, expected) in [
        ("mode", [("interest-only", "1"), ("optimistic", "1")]),
        ("cid", [("8", "1"), ("9", "1")]),
        ("peer", [("B", "1"), ("C", "1")]),
    ] {
        let modes = by(&series, "nats_gateway_account_interest_mode", label);
        assert_eq!(modes, names(&expected));
    }
}

#[test]
fn accounts_come_while_the_answer_arrives() {
    let many = (0..1000).map(|n| account(&format!("A{n}"), "Interest-Only", json!({})));
    let many = Json::Array(many.collect());
    // In the broker's order.
    let remote = |cid| format!(r#"{{"connection":{{"cid":{cid}}},"accounts":{many}}}"#);
    let (outbound, inbound) = (remote(7), remote(8));
    let whole = format!(
        r#"{{"outbound_gateways":{{"B":{outbound}}},"inbound_gateways":{{"B":[{inbound}]}}}}"#
    );
    let (first, rest) = whole.as_bytes().split_at(whole.len() / 4);
    let (mut collector, mut records) = (collector(NAME), 0);
    collector.begin(&Context::default());
    let mut count = |_: Record<'_>| records += 1;
    collector.chunk(first, &mut count).unwrap();
    assert!((450..550).contains(&records), "{records}");
    let mut count = |_: Record<'_>| records += 1;
    collector.chunk(rest, &mut count).unwrap();
    assert_eq!(records, 2000);
}

#[test]
fn a_server_without_gateways_shows_nothing() {
    for (outbound, inbound) in [
        (json!({}), json!({})),
        (json!(null), json!(null)),
        (json!({"B": connection(7, &[])}), json!({"B": null})),
        (
            json!({"B": {"configured": true}}),
            json!({"B": [{"configured": true}]}),
        ),
        (
            json!({"B": {"configured": true, "connection": {"cid": 7}, "accounts": null}}),
            json!({"B": []}),
        ),
    ] {
        let answer = listing(outbound, inbound);
        let (series, facts) = decode(NAME, &Context::default(), &text(&answer)).unwrap();
        assert_eq!(series, Series::new(), "{answer}");
        assert_eq!(facts.server_id.as_deref(), Some("NONE"));
    }
}

#[test]
fn what_is_cut_or_foreign_is_no_answer() {
    let whole = body("2.15.1/super/gatewayz.b1.accs.json");
    let nameless = br#"{"outbound_gateways":{"B":{"accounts":[{"name":"APP","interest_mode":"Optimistic"}]}}}"#;
    let odd = br#"{"outbound_gateways":{"B":{"connection":{"cid":1},"accounts":[{"name":7}]}}}"#;
    for wrong in [
        &whole[..whole.len() - 2],
        &whole[..700],
        b"[]",
        b"",
        b"<html>",
        nameless,
        odd,
    ] {
        let fault = decode(NAME, &Context::default(), wrong);
        assert!(fault.is_err(), "{}", String::from_utf8_lossy(wrong));
    }
}

/// One answer through a selection: rows shown as account, direction and first value, and what was left out.
fn selected(select: &mut Select, terms: Terms, answer: &Json) -> (BTreeSet<String>, Left) {
    let (mut shown, context) = (BTreeSet::new(), Context::default());
    let mut out = |row: &Row<'_>| {
        for (metric, value) in row.values {
            let label = |name| row.labels.iter().find(|(label, _)| *label == name);
            let [account, cid] = ["account", "cid"].map(|name| label(name).map_or("", |l| l.1));
            let Value::U64(value) = value else {
                panic!("{value:?}")
            };
            let what = metric.name().trim_start_matches("nats_gateway_");
            let line = format!("{what} {account} {cid} {value}");
            assert!(shown.insert(line.clone()), "{line} stands twice");
        }
    };
    select.begin(terms);
    let mut collector = collector(NAME);
    collector.begin(&context);
    let mut take = |record: Record<'_>| {
        select.record();
        record.native(&context, &mut |row: &Row<'_>| select.row(row, &mut out));
    };
    collector.chunk(&text(answer), &mut take).unwrap();
    collector.finish(&mut take).unwrap();
    let left = select.finish(&mut out);
    (shown, left)
}

fn modes(shown: &BTreeSet<String>) -> Vec<&str> {
    let modes = shown
        .iter()
        .filter_map(|line| line.strip_prefix("account_interest_mode "));
    modes.collect()
}

#[test]
fn an_account_that_stands_twice_is_shown_once_and_counted() {
    let app = |subs: u64| account("APP", "Interest-Only", json!({"num_subs": subs}));
    let answer = listing(
        json!({"B": connection(7, &[app(1), app(2)])}),
        // The same connection twice, and another one.
        json!({"B": [connection(8, &[app(0)]), connection(8, &[app(0)]), connection(9, &[app(0)])]}),
    );
    let (shown, left) = selected(&mut Select::all(), Terms::default(), &answer);
    assert_eq!(modes(&shown), ["APP 7 1", "APP 8 1", "APP 9 1"]);
    assert!(shown.contains("account_subscriptions APP 7 1"), "{shown:?}");
    assert_eq!((left.duplicates, left.entities), (2, 3));
}

#[test]
fn allow_and_deny_choose_accounts() {
    let pattern = |account: &str| Pattern {
        account: Some(account.to_owned()),
        ..Pattern::default()
    };
    let some = ["APP", "OPS", "SYS"].map(|name| account(name, "Interest-Only", json!({})));
    let answer = listing(
        json!({"B": connection(7, &some)}),
        json!({"B": [connection(8, &some)]}),
    );
    for (allow, deny, expected, denied) in [
        (vec![pattern("A*")], vec![], vec!["APP 7 1", "APP 8 1"], 4),
        (
            vec![],
            vec![pattern("SYS"), pattern("OPS")],
            vec!["APP 7 1", "APP 8 1"],
            4,
        ),
        (vec![pattern("APP")], vec![pattern("*")], vec![], 6),
    ] {
        let scope = Arc::new(Scope { allow, deny });
        let mut select = Select::all().with_scope(scope);
        let (shown, left) = selected(&mut select, Terms::default(), &answer);
        assert_eq!(modes(&shown), expected);
        assert_eq!((left.denied, left.missing()), (denied, 0));
        let threshold = "interest_only_threshold_subjects   1000";
        assert!(shown.contains(threshold), "of the server: {shown:?}");
    }
}

#[derive(Debug)]
struct Small(u64);

impl Room for Small {
    fn free(&self) -> u64 {
        self.0
    }

    fn draw(&mut self, wish: u64) -> u64 {
        let drawn = wish.min(self.0);
        self.0 -= drawn;
        drawn
    }
}

#[test]
fn where_not_all_fit_those_without_interest_stay_and_the_rest_is_summed() {
    let some: Vec<_> = (0..50)
        .map(|n| {
            let more = json!({"num_subs": n, "no_interest_count": if n == 3 { 9 } else { 0 }});
            account(&format!("A{n:02}"), "Optimistic", more)
        })
        .collect();
    let answer = listing(json!({"B": connection(7, &some)}), json!({}));
    let terms = Terms {
        // Beside what is kept back for sums.
        room: Box::new(Small(16 + 5 * 4)),
        expected: 200,
        ..Terms::default()
    };
    let (shown, left) = selected(&mut Select::all(), terms, &answer);
    assert_eq!(
        modes(&shown),
        ["A03 7 1", "A46 7 1", "A47 7 1", "A48 7 1", "A49 7 1"]
    );
    assert_eq!((left.budget, left.entities, left.wanted), (45, 5, 200));
    let rest: u64 = (0..46).filter(|n| *n != 3).sum();
    for sum in [
        format!("account_subscriptions <overflow> <overflow> {rest}"),
        "account_no_interest_subjects <overflow> <overflow> 0".to_owned(),
    ] {
        assert!(shown.contains(&sum), "{sum}: {shown:?}");
    }
}

#[test]
fn light_answers_tell_how_many_there_will_be() {
    for version in VERSIONS {
        let folder = format!("{version}/super");
        let answer = body(&format!("{folder}/gatewayz.b1.json"));
        let (_, facts) = decode("gatewayz", &Context::default(), &answer).unwrap();
        assert_eq!(facts.gateways, Some(3), "{version}");
        let answer = body(&format!("{folder}/accstatz.a1.json"));
        let accounts: Json = serde_json::from_slice(&answer).unwrap();
        let accounts = accounts["account_statz"].as_array().unwrap().len() as u64;
        let mut accstatz = collector("accstatz");
        for _ in 0..2 {
            let (_, facts) = feed(accstatz.as_mut(), &Context::default(), &answer).unwrap();
            assert_eq!(facts.accounts, Some(accounts), "{version}");
            let mut context = Arc::new(Context::default());
            Context::learn(&mut context, &facts);
            assert_eq!(context.sizes.gateway_accounts(), 0);
            Context::learn(
                &mut context,
                &Facts {
                    gateways: Some(3),
                    ..Facts::default()
                },
            );
            assert_eq!(context.sizes.gateway_accounts(), 3 * accounts);
        }
    }
}
