//! Leaf nodes: accepted and solicited, and remotes that are down.

use super::*;

fn leaf(id: u64, account: &str, more: Json) -> Json {
    let mut leaf = json!({
        "id": id, "name": "hub", "is_spoke": true, "account": account, "ip": "10.0.0.1", "port": 7422, "rtt": "1ms",
        "in_msgs": 1, "out_msgs": 2, "in_bytes": 3, "out_bytes": 4, "subscriptions": 5, "compression": "off",
    });
    for (name, member) in more.as_object().unwrap() {
        leaf[name] = member.clone();
    }
    leaf
}

fn listing(leafs: &[Json]) -> Json {
    json!({"server_id": "NONE", "now": "2026-11-22T08:00:00Z", "leafnodes": leafs.len(), "leafs": leafs})
}

/// A server with these remotes: account and URLs.
fn configured(remotes: &[(&str, &[&str])]) -> Context {
    let remotes: Vec<_> = remotes
        .iter()
        .map(|(account, urls)| json!({"local_account": account, "urls": urls}))
        .collect();
    context_with("2.15.1/super/varz.leaf1.json", |varz| {
        varz["leaf"]["remotes"] = json!(remotes)
    })
}

fn shown(context: &Context, leafs: &[Json]) -> (Series, Facts) {
    decode("leafz", context, &text(&listing(leafs))).unwrap()
}

#[test]
fn recorded_leaf_nodes_show_on_both_sides() {
    for version in VERSIONS {
        for (node, role) in [("a1", "hub"), ("leaf1", "spoke")] {
            let (context, answer) = recorded(&format!("{version}/super"), "leafz", node);
            let (series, facts) = decode("leafz", &context, &answer).unwrap();
            assert_eq!(facts.coverage, Some((2, 2)));
            let roles = by(&series, "nats_leafnode_rtt_seconds", "role");
            let has_role = version != "2.9.10";
            assert_eq!(
                roles.contains_key(role),
                has_role,
                "{version} {node}: {roles:?}"
            );
            assert_eq!(
                by(&series, "nats_leafnode_in_bytes_total", "account").len(),
                2
            );
            let remotes = by(&series, "nats_leafnode_remote_connected", "remote");
            let expected: &[_] = if node == "leaf1" {
                &[("0", "1"), ("1", "1")]
            } else {
                &[]
            };
            assert_eq!(remotes, names(expected), "{version} {node}");
        }
    }
}

#[test]
fn before_2_9_15_the_address_stands_for_the_name() {
    let (context, answer) = recorded("2.9.10/super", "leafz", "leaf1");
    let mut collector = collector("leafz");
    let series = next(collector.as_mut(), &context, &answer);
    let peers = by(&series, "nats_leafnode_connected", "peer");
    assert_eq!(peers, names(&[("127.0.0.1:14840", "1")]));
    let series = next(collector.as_mut(), &context, &text(&listing(&[])));
    assert!(
        !has(&series, "nats_leafnode_connected"),
        "an address does not last"
    );
    assert_eq!(
        by(&series, "nats_leafnode_remote_connected", "remote"),
        names(&[("0", "0"), ("1", "0")])
    );
}

#[test]
fn before_2_11_7_the_address_stands_for_the_cid() {
    let (context, answer) = recorded("2.10.26/super", "leafz", "leaf1");
    let (series, _) = decode("leafz", &context, &answer).unwrap();
    let cids = by(&series, "nats_leafnode_rtt_seconds", "cid");
    assert!(cids.contains_key("127.0.0.1:14540"), "{cids:?}");
    assert_eq!(
        by(&series, "nats_leafnode_connected", "peer"),
        names(&[("a1", "1")])
    );
}

#[test]
fn trap_08_a_configured_remote_that_is_down_is_zero() {
    let context = configured(&[("APP", &["10.0.0.1:7422"]), ("", &["10.0.0.2:7422"])]);
    let (series, _) = shown(&context, &[leaf(1, "APP", json!({}))]);
    let remotes = by(&series, "nats_leafnode_remote_connected", "remote");
    assert_eq!(remotes, names(&[("0", "1"), ("1", "0")]));
    let missing = by(&series, "nats_leafnode_remotes_missing", "account");
    assert_eq!(missing, names(&[("$G", "1"), ("APP", "0")]));
    // A leaf that this server accepted is nobody's remote.
    let (series, _) = shown(&context, &[leaf(1, "APP", json!({"is_spoke": false}))]);
    let remotes = by(&series, "nats_leafnode_remote_connected", "remote");
    assert_eq!(remotes, names(&[("0", "0"), ("1", "0")]));
}

#[test]
fn remotes_of_one_account_are_told_apart_where_it_is_sure() {
    let context = configured(&[("APP", &["10.0.0.1:7422"]), ("APP", &["hub-2.x:7422"])]);
    for (connected, expected, missing) in [
        (json!({}), names(&[("0", "1"), ("1", "0")]), "1"),
        (
            json!({"ip": "10.0.0.2", "name": "hub-2"}),
            names(&[("0", "0"), ("1", "1")]),
            "1",
        ),
        // Told of by one of the hubs: of which, nobody knows.
        (json!({"ip": "10.0.0.7", "name": "hub-7"}), names(&[]), "1"),
    ] {
        let (series, _) = shown(&context, &[leaf(1, "APP", connected)]);
        assert_eq!(
            by(&series, "nats_leafnode_remote_connected", "remote"),
            expected
        );
        assert_eq!(value(&series, "nats_leafnode_remotes_missing{"), missing);
    }
}

#[test]
fn trap_08_a_leaf_that_vanishes_is_zero_for_an_hour() {
    let mut collector = collector("leafz");
    let context = Context::default();
    let there = listing(&[leaf(1, "APP", json!({"name": "edge", "is_spoke": false}))]);
    for (minute, answer, expected) in [
        (0, there, Some("1")),
        (59, listing(&[]), Some("0")),
        (60, listing(&[]), None),
    ] {
        let series = next(collector.as_mut(), &context, &at(minute, answer));
        let connected = by(&series, "nats_leafnode_connected", "peer");
        assert_eq!(connected.get("edge").copied(), expected, "{minute}");
    }
}

#[test]
fn trap_01_rtt_zero_or_absent_is_unknown() {
    for rtt in [json!("0s"), json!(null)] {
        let (series, _) = shown(&Context::default(), &[leaf(1, "APP", json!({"rtt": rtt}))]);
        assert!(!has(&series, "nats_leafnode_rtt_seconds"));
        assert_eq!(value(&series, "nats_leafnode_subscriptions{"), "5");
    }
}

#[test]
fn what_newer_versions_tell_is_a_label() {
    let more = json!({"is_isolated": true, "proxy": {"key": "UPROXY"}, "name": "a \"b\"\n🚀"});
    let (series, _) = shown(&Context::default(), &[leaf(1, "", more)]);
    let key = series
        .keys()
        .find(|key| key.starts_with("nats_leafnode_info{"))
        .unwrap();
    for label in [
        "isolated=\"true\"",
        "proxy=\"UPROXY\"",
        "account=\"$G\"",
        r#"peer="a \"b\"\n🚀""#,
    ] {
        assert!(key.contains(label), "{key} lacks {label}");
    }
}

#[test]
fn two_leaf_nodes_of_one_name_are_two() {
    let (series, _) = shown(
        &Context::default(),
        &[leaf(1, "APP", json!({})), leaf(2, "APP", json!({}))],
    );
    assert_eq!(by(&series, "nats_leafnode_rtt_seconds", "cid").len(), 2);
    assert_eq!(by(&series, "nats_leafnode_connected", "peer").len(), 1);
}
