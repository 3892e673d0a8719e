//! What is of level detail is on the page where the configuration asks for it, and by `collect[]`.

use natsight::catalog::{CATALOG, Level, Origin};
use natsight::collect::Connections;
use natsight::expose::{Encoding, Page as Parts, Shape, TextFormat, reader};
use serde_json::json;
use tokio::time::Instant;

use super::support::fake::Say;
use super::*;

/// A broker that has one connection and had another.
fn broker() -> Arc<Fake> {
    let time = "2026-11-22T08:00:00Z";
    let one = |more: &str| {
        let mut one =
            json!({"cid": 1, "type": "nats", "name": "x", "start": time, "last_activity": time});
        if !more.is_empty() {
            (one["stop"], one["reason"]) = (json!(time), json!(more));
        }
        let body = json!({"server_id": "IDONE", "now": time, "total": 1, "connections": [one]});
        Say::Body(body.to_string().into_bytes())
    };
    let fake = Fake::new();
    fake.say("/connz", one(""));
    fake.say("/connz?state=closed", one("Kicked"));
    fake
}

/// Where families of level detail on the page come from.
fn details(page: &Page) -> BTreeSet<&'static str> {
    let on_page = CATALOG.iter().filter(|def| page.family(def.name).is_some());
    on_page
        .filter(|def| def.level == Level::Detail)
        .map(|def| def.origin.as_str())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn configuration_and_collect_ask_for_details() {
    let of_connections: BTreeSet<_> = [Origin::Connz, Origin::Closed].map(Origin::as_str).into();
    for (connections, expected) in [
        (Connections::Off, BTreeSet::new()),
        (Connections::Top, of_connections.clone()),
        (Connections::All, of_connections.clone()),
    ] {
        let mut rules = rules();
        rules.options.connections = connections;
        let mut scene = Scene::start(watch_of(broker(), rules));
        scene.pass(40 * S).await;
        assert_eq!(details(&scene.page()), expected, "{connections:?}");
        let mut by_name = BTreeSet::new();
        for spec in specs() {
            let shape = Shape {
                format: TextFormat::Text004,
                encoding: Encoding::Identity,
                names: natsight::expose::Names::Native,
                collectors: vec![spec.name.to_owned()],
            };
            let page = Parts::new(scene.snapshot().parts.clone());
            let text = page.render(&shape, Instant::now().into_std()).to_vec();
            let page = reader::read(&text, reader::Format::Text004).unwrap();
            let (origin, shown) = (spec.origin.as_str(), details(&page));
            assert!(
                shown.is_subset(&BTreeSet::from([origin])),
                "{origin}: {shown:?}"
            );
            if of_connections.contains(origin) {
                assert_eq!(shown.contains(origin), expected.contains(origin));
            }
            by_name.extend(shown);
        }
        // Some of what the configuration does not bring.
        assert!(by_name.len() > expected.len(), "{by_name:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn accounts_on_gateways_are_asked_for_by_configuration_only() {
    const PATH: &str = "/gatewayz?accs";
    for on in [false, true] {
        let fake = Fake::new();
        let remote = json!({"connection": {"cid": 7}, "accounts": [{"name": "APP", "interest_mode": "Optimistic"}]});
        let body = json!({"server_id": "IDONE", "outbound_gateways": {"B": remote}, "inbound_gateways": {}});
        fake.say(PATH, Say::Body(body.to_string().into_bytes()));
        let mut rules = rules();
        rules.options.gateway_accounts = on;
        let mut scene = Scene::start(watch_of(fake.clone(), rules));
        scene.pass(70 * S).await;
        let (page, name) = (scene.page(), Origin::GatewayAccounts.as_str());
        assert_eq!(success(&page, name), on.then_some(1.0));
        assert_eq!(details(&page).contains(name), on);
        // At once, then each 30 s, half as often as connections by default, from any moment of the first 30 s on.
        let expected = if on { 3..=4 } else { 0..=0 };
        assert!(expected.contains(&fake.asked_for(PATH).len()));
        let labels = [
            ("peer", "B"),
            ("direction", "outbound"),
            ("cid", "7"),
            ("account", "APP"),
            ("mode", "optimistic"),
        ];
        let shown = page.value("nats_gateway_account_interest_mode", &labels);
        assert_eq!(shown, on.then_some(1.0));
    }
}

#[test]
fn what_one_asks_for_by_name_is_a_collector() {
    // Details that no collector gives could not be asked for.
    let origins: Vec<_> = specs().map(|spec| spec.origin).collect();
    for def in CATALOG.iter().filter(|def| def.level == Level::Detail) {
        assert!(origins.contains(&def.origin), "{}", def.name);
    }
}
