//! Every route of both listeners, against the running binary.

use std::io::Read;

use super::*;

const OPEN_METRICS: &str =
    "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A sidecar whose only broker has answered.
fn ready() -> (Broker, Sidecar) {
    let broker = Broker::start("n1");
    let sidecar = Sidecar::start(&[&broker.url(), "--probes-connect", "0"]);
    until("ready", || {
        get(sidecar.public, "/-/ready", &[]).status == 200
    });
    (broker, sidecar)
}

#[test]
fn the_page_comes_in_the_form_that_is_asked_for() {
    let (_broker, sidecar) = ready();
    let plain = get(sidecar.public, "/metrics", &[]);
    assert_eq!(
        plain.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert_eq!(plain.header("content-length"), plain.body.len().to_string());
    assert_eq!(plain.header("vary"), "Accept, Accept-Encoding");
    let page = reader::read(&plain.body, Format::Text004).expect("a page");
    assert_eq!(page.value("nats_up", &[("server_name", "n1")]), Some(1.0));

    let reply = get(sidecar.public, "/metrics", &[("Accept", OPEN_METRICS)]);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(reply.header("content-type"), kind);
    reader::read(&reply.body, Format::OpenMetrics1).expect("a page");

    let headers = [("Accept", OPEN_METRICS), ("Accept-Encoding", "gzip")];
    let reply = get(sidecar.public, "/metrics", &headers);
    assert_eq!(reply.header("content-encoding"), "gzip");
    assert_eq!(reply.header("content-length"), reply.body.len().to_string());
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(&reply.body[..])
        .read_to_end(&mut text)
        .expect("gzip");
    reader::read(&text, Format::OpenMetrics1).expect("a page");

    let head = ask(sidecar.public, "HEAD", "/metrics", &[], "");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert!(
        head.header("content-length")
            .parse::<usize>()
            .expect("a length")
            > 1000
    );
}

#[test]
fn collectors_are_picked_by_name() {
    let (_broker, sidecar) = ready();
    let page = |query: &str| {
        let reply = get(sidecar.public, &format!("/metrics?{query}"), &[]);
        reader::read(&reply.body, Format::Text004).expect("a page")
    };
    let varz = page("collect[]=varz");
    assert!(varz.family("nats_server_connections").is_some());
    assert!(varz.family("nats_up").is_none() && varz.family("natsight_build_info").is_none());
    let own = page("collect%5B%5D=observed&collect%5B%5D=natsight");
    assert!(own.family("nats_up").is_some() && own.family("natsight_build_info").is_some());
    assert!(own.family("nats_server_connections").is_none());
    for (query, words) in [
        ("collect[]=vars", ["vars", "varz"]),
        ("collect=varz", ["collect", "collect[]"]),
        ("names=statsd", ["statsd", "names=surveyor"]),
    ] {
        let reply = get(sidecar.public, &format!("/metrics?{query}"), &[]);
        assert_eq!(reply.status, 400, "{query}");
        assert!(
            words.iter().all(|word| reply.error().contains(word)),
            "{}",
            reply.error()
        );
    }
}

#[test]
fn servers_are_told_as_json() {
    let (broker, sidecar) = ready();
    let servers = get(sidecar.public, "/api/v1/servers", &[]).json();
    let [server] = &servers.as_array().expect("an array")[..] else {
        panic!("{servers}");
    };
    let mut keys: Vec<_> = server.as_object().expect("an object").keys().collect();
    keys.sort();
    let expected =
        "age_seconds collectors nats_cluster server_id server_name sources target up version";
    assert_eq!(keys, expected.split(' ').collect::<Vec<_>>());
    assert_eq!(server["server_name"], "n1");
    assert_eq!(server["server_id"], "Nn1");
    assert_eq!(server["nats_cluster"], "");
    assert_eq!(server["version"], "2.12.8");
    assert_eq!(server["up"], true);
    assert_eq!(server["sources"], serde_json::json!(["http"]));
    let target = server["target"].as_str().expect("text");
    assert_eq!(target.trim_end_matches('/'), broker.url());
    assert!((0.0..10.0).contains(&server["age_seconds"].as_f64().expect("a number")));
    let varz = &server["collectors"]["varz"];
    assert_eq!(varz["success"], true);
    assert_eq!(varz["truncated"], false);
    assert_eq!(varz["coverage"], 1.0);
    for key in ["duration_seconds", "age_seconds"] {
        assert!(
            varz[key].as_f64().is_some_and(|number| number < 10.0),
            "{varz}"
        );
    }
}

#[test]
fn people_and_orchestrators_are_answered() {
    let (broker, sidecar) = ready();
    assert_eq!(get(sidecar.public, "/-/healthy", &[]).status, 200);
    let home = get(sidecar.public, "/", &[]);
    assert_eq!(home.header("content-type"), "text/html; charset=utf-8");
    assert!(
        home.header("content-security-policy")
            .contains("default-src 'none'")
    );
    assert_eq!(home.header("x-content-type-options"), "nosniff");
    let text = home.text();
    for words in [
        "n1",
        "up",
        "2.12.8",
        &broker.url(),
        "href=\"metrics\"",
        "api/v1/servers",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert!(!text.contains("<script"));
}

#[test]
fn what_there_is_not_is_refused_as_json() {
    let (_broker, sidecar) = ready();
    for (addr, method, path, status, words) in [
        (sidecar.public, "GET", "/nothing", 404, "/nothing"),
        (sidecar.public, "POST", "/-/reload", 404, "/-/reload"),
        (sidecar.public, "POST", "/metrics", 405, "use GET"),
        (sidecar.public, "PUT", "/metrics", 405, "use GET"),
        (sidecar.public, "DELETE", "/api/v1/servers", 405, "use GET"),
        (sidecar.admin, "GET", "/-/reload", 405, "use POST"),
        (sidecar.admin, "GET", "/metrics", 404, "/metrics"),
    ] {
        let reply = ask(addr, method, path, &[JSON], "");
        assert_eq!(reply.status, status, "{method} {path}");
        let error = reply.error();
        assert!(error.contains(words), "{method} {path}: {error}");
        if status == 405 {
            assert!(!reply.header("allow").is_empty(), "{method} {path}");
        }
    }
}

#[test]
fn reload_answers_to_its_own_callers_only() {
    let (_broker, sidecar) = ready();
    let admin = sidecar.admin;
    let own = format!("http://{admin}");
    for (headers, status, word) in [
        (&[JSON][..], 200, ""),
        (&[JSON, ("Host", "localhost:7778")], 200, ""),
        (&[JSON, ("Origin", own.as_str())], 200, ""),
        (&[JSON, ("Host", "evil.example")], 403, "admin_hosts"),
        (
            &[JSON, ("Origin", "https://evil.example")],
            403,
            "external_url",
        ),
        (&[JSON, ("Origin", "null")], 403, "external_url"),
        (
            &[JSON, ("Origin", "https://\u{e4}.example")],
            403,
            "external_url",
        ),
        (&[], 415, "application/json"),
        (&[("Content-Type", "text/plain")], 415, "application/json"),
        (
            &[("Content-Type", "application/x-www-form-urlencoded")],
            415,
            "application/json",
        ),
    ] {
        let reply = ask(admin, "POST", "/-/reload", headers, "");
        assert_eq!(reply.status, status, "{headers:?}");
        if status == 200 {
            assert_eq!(reply.json()["reloaded"], true);
        } else {
            assert!(
                reply.error().contains(word),
                "{headers:?}: {}",
                reply.error()
            );
        }
    }
}

#[test]
fn a_hundred_scrapes_cost_the_broker_nothing() {
    let broker = Broker::start("n1");
    let slow = [
        "--poll-light",
        "1h",
        "--poll-health",
        "1h",
        "--poll-connections",
        "1h",
    ];
    let slower = [
        "--poll-streams",
        "1h",
        "--poll-consumers",
        "1h",
        "--probes-connect",
        "0",
    ];
    let mut args = vec![broker.url()];
    args.extend(slow.iter().chain(&slower).map(|arg| (*arg).to_owned()));
    let sidecar = Sidecar::start(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let options = natsight::collect::Options::default();
    let specs = natsight::collect::specs().filter(|spec| (spec.wanted)(&options));
    let wanted = specs.count();
    until("each collector asked once", || broker.asked() >= wanted);
    // A request that was sent twice in the first round may leave the last one for later; a second look is free of it.
    let requests_of_scrapes = || {
        let asked = broker.asked();
        for _ in 0..100 {
            assert_eq!(get(sidecar.public, "/metrics", &[]).status, 200);
        }
        broker.asked() - asked
    };
    let first = requests_of_scrapes();
    assert!(first <= 1, "{first}");
    assert_eq!(requests_of_scrapes(), 0);
}
