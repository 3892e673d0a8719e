//! Routes: pools, peers that go, configured URLs.

use super::*;

/// A route connection; `more` replaces members.
fn route(rid: u64, peer: &str, more: Json) -> Json {
    let mut route = json!({
        "rid": rid, "remote_id": format!("N{peer}"), "remote_name": peer, "did_solicit": true,
        "is_configured": true, "ip": "10.0.0.9", "port": 40_000 + rid,
        "start": "2026-11-22T07:00:00Z", "last_activity": "2026-11-22T07:00:00Z", "uptime": "1m", "idle": "0s",
        "rtt": "1ms", "pending_size": 0, "in_msgs": 1, "out_msgs": 2, "in_bytes": 3, "out_bytes": 4, "subscriptions": 5,
    });
    for (name, member) in more.as_object().unwrap() {
        route[name] = member.clone();
    }
    route
}

fn listing(routes: &[Json]) -> Json {
    json!({"server_id": "NONE", "now": "2026-11-22T08:00:00Z", "num_routes": routes.len(), "routes": routes})
}

/// A server of this name that listens for routes at this address, with these URLs configured.
fn configured(name: &str, address: &str, urls: &[&str]) -> Context {
    context_with("2.15.1/cluster3/varz.n1.json", |varz| {
        varz["server_name"] = json!(name);
        varz["cluster"]["addr"] = json!(address);
        varz["cluster"]["cluster_port"] = json!(6222);
        varz["cluster"]["urls"] = json!(urls);
    })
}

fn shown(context: &Context, routes: &[Json]) -> Series {
    decode("routez", context, &text(&listing(routes)))
        .unwrap()
        .0
}

#[test]
fn trap_11_pooled_routes_are_summed_by_peer() {
    let (context, answer) = recorded("2.15.1/cluster3", "routez", "n1");
    let (series, facts) = decode("routez", &context, &answer).unwrap();
    assert_eq!(facts.coverage, Some((10, 10)));
    for (family, of_peers) in [
        ("nats_route_connected", [("n2", "1"), ("n3", "1")]),
        ("nats_route_connections", [("n2", "5"), ("n3", "5")]),
        ("nats_route_subscriptions", [("n2", "153"), ("n3", "124")]),
        ("nats_route_pending_bytes", [("n2", "0"), ("n3", "0")]),
        (
            "nats_route_rtt_seconds",
            [("n2", "203000ns"), ("n3", "2836696ns")],
        ),
    ] {
        assert_eq!(by(&series, family, "peer"), names(&of_peers), "{family}");
    }
    // Counters are of one connection, as the broker counts them.
    let bytes = by(&series, "nats_route_in_bytes_total", "rid");
    assert_eq!((bytes.len(), bytes["20"]), (10, "190577"));
    assert_eq!(by(&series, "nats_route_info", "account").len(), 2);
}

#[test]
fn trap_01_rtt_zero_or_absent_is_unknown() {
    let mut unmeasured = route(1, "b", json!({}));
    unmeasured.as_object_mut().unwrap().remove("rtt");
    let routes = [
        unmeasured,
        route(2, "c", json!({"rtt": "0s"})),
        route(3, "d", json!({"rtt": "1.5ms"})),
    ];
    let series = shown(&Context::default(), &routes);
    let known = by(&series, "nats_route_rtt_seconds", "peer");
    assert_eq!(known, names(&[("d", "1500000ns")]));
}

#[test]
fn trap_17_pending_size_is_pending_bytes() {
    let routes = [1, 2].map(|rid| route(rid, "b", json!({"pending_size": 21})));
    let series = shown(&Context::default(), &routes);
    assert_eq!(value(&series, "nats_route_pending_bytes{"), "42");
}

#[test]
fn trap_08_a_peer_that_vanishes_is_zero_for_an_hour() {
    let context = Context::default();
    let mut collector = collector("routez");
    let both = listing(&[route(1, "b", json!({})), route(2, "c", json!({}))]);
    let one = listing(&[route(1, "b", json!({}))]);
    let connected = |series: &Series| {
        let by = by(series, "nats_route_connected", "peer").into_iter();
        by.map(|(peer, value)| format!("{peer}={value}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (minute, answer, expected) in [
        (0, &both, "b=1 c=1"),
        (1, &one, "b=1 c=0"),
        (59, &one, "b=1 c=0"),
        (60, &one, "b=1"),
        (61, &both, "b=1 c=1"),
        (62, &one, "b=1 c=0"),
        (63, &both, "b=1 c=1"),
    ] {
        let series = next(collector.as_mut(), &context, &at(minute, answer.clone()));
        assert_eq!(connected(&series), expected, "{minute}");
        assert!(!has(&series, r#"nats_route_connections{peer="c"#) || expected.contains("c=1"));
    }
    // An answer that does not end is not remembered.
    let other = at(64, listing(&[route(9, "d", json!({}))]));
    assert!(feed(collector.as_mut(), &context, &other[..other.len() - 1]).is_err());
    let series = next(collector.as_mut(), &context, &at(65, both));
    assert_eq!(connected(&series), "b=1 c=1");
}

#[test]
fn a_peer_without_a_name_shows_its_id_and_is_forgotten_when_it_goes() {
    let (context, answer) = recorded("2.9.10/cluster3", "routez", "n1");
    let mut collector = collector("routez");
    let series = next(collector.as_mut(), &context, &answer);
    let peers = by(&series, "nats_route_connected", "peer");
    assert_eq!(peers.len(), 2);
    assert!(peers.keys().all(|id| id.len() == 56), "{peers:?}");
    let down = body("2.9.10/cluster3/routez.n1.one-node-down.json");
    let series = next(collector.as_mut(), &context, &down);
    let peers = by(&series, "nats_route_connected", "peer");
    assert_eq!(peers.into_values().collect::<Vec<_>>(), ["1"]);
}

#[test]
fn trap_08_configured_routes_that_are_down_are_zero() {
    for version in VERSIONS {
        let context = fixtures::context(&body(&format!("{version}/cluster3/varz.n1.json")));
        let (series, _) = decode("routez", &context, &text(&listing(&[]))).unwrap();
        let urls = by(&series, "nats_route_url_connected", "url");
        assert_eq!(
            urls.into_values().collect::<Vec<_>>(),
            ["0", "0"],
            "{version}"
        );
        assert_eq!(value(&series, "nats_route_urls_missing{"), "2");
        let answer = body(&format!("{version}/cluster3/routez.n1.json"));
        let (series, _) = decode("routez", &context, &answer).unwrap();
        let urls = by(&series, "nats_route_url_connected", "url");
        assert_eq!(
            urls.into_values().collect::<Vec<_>>(),
            ["1", "1"],
            "{version}"
        );
        assert_eq!(value(&series, "nats_route_urls_missing{"), "0");
    }
}

#[test]
fn where_no_url_can_be_told_the_number_missing_is() {
    // All on one address, and the peer that is left has called: its port is not that of its URL.
    let context = fixtures::context(&body("2.9.10/cluster3/varz.n1.one-node-down.json"));
    let down = body("2.9.10/cluster3/routez.n1.one-node-down.json");
    let (series, _) = decode("routez", &context, &down).unwrap();
    assert!(!has(&series, "nats_route_url_connected{"));
    assert_eq!(value(&series, "nats_route_urls_missing{"), "1");
}

#[test]
fn urls_are_told_apart_by_address_or_name() {
    let urls = [
        "10.0.0.1:6222",
        "10.0.0.2:6222",
        "[fd00::3]:6222",
        "nats-4.nats.svc:6222",
    ];
    let context = configured("a", "10.0.0.1", &urls);
    let told = |routes: &[Json]| {
        let series = shown(&context, routes);
        let by = by(&series, "nats_route_url_connected", "url").into_iter();
        by.map(|(url, value)| (url.to_owned(), value.to_owned()))
            .collect::<Vec<_>>()
    };
    let expected = |values: [&str; 3]| {
        let urls = [urls[1], urls[2], urls[3]].map(str::to_owned);
        urls.into_iter()
            .zip(values.map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let other = |ip: &str, name: &str| route(1, name, json!({"ip": ip}));
    assert_eq!(told(&[other("10.0.0.2", "b")]), expected(["1", "0", "0"]));
    assert_eq!(told(&[other("fd00::3", "b")]), expected(["0", "1", "0"]));
    assert_eq!(
        told(&[other("10.9.9.9", "NATS-4")]),
        expected(["0", "0", "1"])
    );
    // Learnt by gossip and of another address: none of the configured ones.
    let learnt = route(1, "x", json!({"is_configured": false}));
    assert_eq!(told(&[learnt]), expected(["0", "0", "0"]));
    assert_eq!(told(&[other("10.9.9.9", "x")]), []);
}

#[test]
fn a_url_that_may_be_the_servers_own_is_not_called_down() {
    let peer = || route(1, "b", json!({}));
    let missing = |series: &Series| value(series, "nats_route_urls_missing{").to_owned();
    // Known by its name in the URL.
    let context = configured("nats-0", "0.0.0.0", &["nats-0.x:6222", "nats-1.x:6222"]);
    let series = shown(&context, &[]);
    let urls = by(&series, "nats_route_url_connected", "url");
    assert_eq!(
        (urls, missing(&series)),
        (names(&[("nats-1.x:6222", "0")]), "1".to_owned())
    );
    // Not known: one of the two, until it was reached once.
    let context = configured("a", "0.0.0.0", &["one:6222", "two:6222", "three:6223"]);
    let mut collector = collector("routez");
    let series = next(collector.as_mut(), &context, &at(0, listing(&[])));
    let urls = by(&series, "nats_route_url_connected", "url");
    assert_eq!(
        (urls, missing(&series)),
        (names(&[("three:6223", "0")]), "2".to_owned())
    );
    let all = [peer(), route(2, "c", json!({})), route(3, "d", json!({}))];
    let series = next(collector.as_mut(), &context, &at(1, listing(&all)));
    assert_eq!(missing(&series), "0");
    let series = next(collector.as_mut(), &context, &at(2, listing(&[])));
    let urls = by(&series, "nats_route_url_connected", "url");
    assert_eq!((urls.len(), missing(&series)), (3, "3".to_owned()));
}

#[test]
fn a_server_without_routes_says_nothing_of_them() {
    let context = fixtures::context(&body("2.15.1/single/varz.json"));
    let (series, facts) = decode("routez", &context, &body("2.15.1/single/routez.json")).unwrap();
    assert_eq!((series.len(), facts.coverage), (0, Some((0, 0))));
    let null = br#"{"server_id":"A","now":"2026-11-22T08:00:00Z","num_routes":0,"routes":null}"#;
    assert_eq!(decode("routez", &context, null).unwrap().0.len(), 0);
}

#[test]
fn names_are_kept_as_they_are() {
    for name in ["a \"quoted\" one", "two\nlines", "🚀", "back\\slash", "a b"] {
        let series = shown(&Context::default(), &[route(1, name, json!({}))]);
        let label = format!("peer={name:?}");
        let key = series
            .keys()
            .find(|key| key.starts_with("nats_route_connected{"));
        assert!(key.unwrap().contains(&label), "{name:?}: {key:?}");
    }
}

#[test]
fn counts_that_cannot_be_are_not_shown() {
    let odd = route(
        1,
        "b",
        json!({"in_msgs": -1, "out_msgs": u64::MAX, "pending_size": -5}),
    );
    let series = shown(&Context::default(), &[odd]);
    assert_eq!(value(&series, "nats_route_in_messages_total{"), "negative");
    assert_eq!(
        value(&series, "nats_route_out_messages_total{"),
        u64::MAX.to_string()
    );
    assert_eq!(value(&series, "nats_route_pending_bytes{"), "0");
}

#[test]
fn no_password_of_a_url_is_shown() {
    let context = configured("a", "10.0.0.1", &["route:hunter2@10.0.0.2:6222"]);
    let series = shown(&context, &[]);
    assert_eq!(
        by(&series, "nats_route_url_connected", "url"),
        names(&[("10.0.0.2:6222", "0")])
    );
}
