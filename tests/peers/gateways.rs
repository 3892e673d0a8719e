//! Gateways: one outbound connection to each other cluster, any number of inbound ones.

use super::*;

fn gateway(more: Json) -> Json {
    let mut connection = json!({
        "cid": 7, "kind": "Gateway", "ip": "10.0.0.2", "port": 7222, "start": "2026-11-22T07:00:00Z",
        "last_activity": "2026-11-22T07:00:00Z", "rtt": "1ms", "uptime": "1m", "idle": "0s", "pending_bytes": 9,
        "in_msgs": 1, "out_msgs": 2, "in_bytes": 3, "out_bytes": 4, "subscriptions": 5, "name": "NPEER",
    });
    for (name, member) in more.as_object().unwrap() {
        connection[name] = member.clone();
    }
    json!({"configured": false, "connection": connection})
}

fn listing(outbound: Json, inbound: Json) -> Json {
    json!({"server_id": "NONE", "now": "2026-11-22T08:00:00Z", "outbound_gateways": outbound, "inbound_gateways": inbound})
}

#[test]
fn recorded_gateways_show_both_directions() {
    for version in VERSIONS {
        let (context, answer) = recorded(&format!("{version}/super"), "gatewayz", "b1");
        let (series, _) = decode("gatewayz", &context, &answer).unwrap();
        assert_eq!(
            by(&series, "nats_gateway_connected", "peer"),
            names(&[("A", "1")]),
            "{version}"
        );
        assert_eq!(
            value(&series, "nats_gateway_inbound_connections{"),
            "2",
            "{version}"
        );
        // One way each: messages go out of the outbound one and come in by the inbound ones.
        let sent = by(&series, "nats_gateway_out_messages_total", "direction");
        assert!(
            sent["inbound"] == "0" && sent["outbound"] != "0",
            "{version}: {sent:?}"
        );
        assert_eq!(
            by(&series, "nats_gateway_rtt_seconds", "cid").len(),
            3,
            "{version}"
        );
    }
}

#[test]
fn trap_08_a_configured_gateway_that_is_down_is_zero() {
    for version in ["2.9.10", "2.15.1"] {
        let folder = format!("{version}/super");
        let context = fixtures::context(&body(&format!("{folder}/varz.a1.b1-and-leaf-down.json")));
        let down = body(&format!("{folder}/gatewayz.a1.b1-and-leaf-down.json"));
        let (series, _) = decode("gatewayz", &context, &down).unwrap();
        // Not the cluster itself, although it stands in the list.
        assert_eq!(
            by(&series, "nats_gateway_connected", "peer"),
            names(&[("B", "0")]),
            "{version}"
        );
        assert_eq!(value(&series, "nats_gateway_inbound_connections{"), "0");
        assert_eq!(series.len(), 2);
    }
}

#[test]
fn a_learnt_gateway_is_zero_for_an_hour() {
    let mut collector = collector("gatewayz");
    let context = Context::default();
    let there = listing(json!({"X": gateway(json!({}))}), json!({}));
    let gone = listing(json!({}), json!({}));
    for (minute, answer, expected) in [
        (0, &there, Some("1")),
        (59, &gone, Some("0")),
        (60, &gone, None),
    ] {
        let series = next(collector.as_mut(), &context, &at(minute, answer.clone()));
        let connected = by(&series, "nats_gateway_connected", "peer");
        assert_eq!(connected.get("X").copied(), expected, "{minute}");
    }
    let cut = at(61, there);
    assert!(feed(collector.as_mut(), &context, &cut[..cut.len() - 1]).is_err());
    let series = next(collector.as_mut(), &context, &at(62, gone));
    assert!(series.is_empty(), "{series:?}");
}

#[test]
fn trap_16_null_is_no_gateway() {
    for (outbound, inbound) in [(json!(null), json!(null)), (json!({}), json!({"B": null}))] {
        let answer = listing(outbound, inbound);
        let (series, facts) = decode("gatewayz", &Context::default(), &text(&answer)).unwrap();
        assert!(!has(&series, "nats_gateway_rtt_seconds"), "{series:?}");
        assert_eq!(facts.server_id.as_deref(), Some("NONE"));
    }
}

#[test]
fn trap_01_rtt_zero_or_absent_is_unknown() {
    for rtt in [json!("0s"), json!(null)] {
        let answer = listing(json!({"B": gateway(json!({"rtt": rtt}))}), json!({}));
        let (series, _) = decode("gatewayz", &Context::default(), &text(&answer)).unwrap();
        assert!(!has(&series, "nats_gateway_rtt_seconds"));
        assert_eq!(value(&series, "nats_gateway_pending_bytes{"), "9");
    }
}

#[test]
fn an_entry_without_a_connection_is_not_connected() {
    let answer = listing(
        json!({"B": {"configured": true}}),
        json!({"B": [{"configured": true}]}),
    );
    let (series, _) = decode("gatewayz", &Context::default(), &text(&answer)).unwrap();
    assert_eq!(value(&series, "nats_gateway_connected{"), "0");
    assert_eq!(value(&series, "nats_gateway_inbound_connections{"), "0");
}

#[test]
fn tls_and_odd_names_are_labels() {
    let name = "B \"ü\"\n🚀";
    let tls = gateway(json!({"tls_version": "1.3", "tls_cipher_suite": "TLS_X"}));
    let answer = listing(json!({name: tls}), json!({}));
    let (series, _) = decode("gatewayz", &Context::default(), &text(&answer)).unwrap();
    let key = series
        .keys()
        .find(|key| key.starts_with("nats_gateway_info{"))
        .unwrap();
    for label in [
        format!("peer={name:?}"),
        "tls_version=\"1.3\"".to_owned(),
        "tls_cipher_suite=\"TLS_X\"".to_owned(),
    ] {
        assert!(key.contains(&label), "{key} lacks {label}");
    }
}
