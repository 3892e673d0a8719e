//! The same over real connections, in real time.

use std::net::SocketAddr;

use natsight::poll::{Rules, Watch};
use natsight::source::http::{Client, Target, Tls};
use tokio::task::JoinSet;

use super::*;
use crate::support::fake::varz;
use crate::support::stub::{Act, Stub};

const MS: Duration = Duration::from_millis(1);
const MIB: u64 = 1 << 20;
/// Loopback sockets hold some megabytes between a writer and a reader that has stopped.
const SOCKET_BUFFERS: u64 = 24 * MIB;

fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

fn well() -> Act {
    only_varz(Act::Answer(http("200 OK", "", &varz("IDONE", "one"))))
}

/// Other endpoints are missing.
fn only_varz(act: Act) -> Act {
    Act::ByPath(vec![("/varz", act)])
}

fn quick(deadline: Duration) -> Rules {
    let mut rules = rules();
    rules.every.light = 300 * MS;
    rules.light.deadline = deadline;
    rules
}

fn watch(url: &str, tls: &Tls, deadline: Duration) -> Watch {
    let client = Client::new(Target::parse(url).unwrap(), tls).unwrap();
    watch_of(Arc::new(client), quick(deadline))
}

fn start(addr: SocketAddr, deadline: Duration) -> Scene {
    Scene::start_real(watch(&addr.to_string(), &Tls::default(), deadline))
}

/// The page on which it fails for this reason and shows nothing of the broker.
async fn fails(scene: &mut Scene, name: &str, reason: &str) -> Page {
    let page = scene
        .until(&format!("{reason} ({name})"), |page| {
            failures(page, "varz", reason) >= 2.0 && !has_varz(page)
        })
        .await;
    assert_eq!(page.value("nats_up", &[]), Some(0.0), "{name}");
    assert_eq!(success(&page, "varz"), 0.0, "{name}");
    page
}

async fn recovers(scene: &mut Scene) {
    let page = scene.until_up(1.0).await;
    assert!(has_varz(&page));
    assert_eq!(success(&page, "varz"), 1.0);
}

/// Well, wrong, well again.
async fn check(name: &'static str, act: Act, reason: &'static str) {
    let deadline = if reason == "timeout" {
        150 * MS
    } else {
        10 * S
    };
    let stub = Stub::start(well()).await;
    let mut scene = start(stub.addr(), deadline);
    recovers(&mut scene).await;
    stub.change(only_varz(act));
    let page = fails(&mut scene, name, reason).await;
    let codes = [("handler", "/varz"), ("code", reason)];
    let timeouts = page.value("http_request_duration_seconds_count", &codes);
    assert_eq!(
        timeouts.is_some(),
        !["status", "syntax"].contains(&reason),
        "{name}"
    );
    stub.change(well());
    recovers(&mut scene).await;
}

type Case = (&'static str, Act, &'static str);

/// Each is told with its reason, and gets well again; all at the same time.
async fn check_all(cases: Vec<Case>) {
    let mut checks = JoinSet::new();
    let count = cases.len();
    for (name, act, reason) in cases {
        checks.spawn(check(name, act, reason));
    }
    assert_eq!(checks.join_all().await.len(), count);
}

#[tokio::test]
async fn answers_that_do_not_end_well_are_told_and_get_well_again() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".to_vec();
    let whole = http("200 OK", "", &varz("IDONE", "one"));
    let cut = |share: usize| Act::AnswerThenClose(whole[..whole.len() * share / 100].to_vec());
    let every = 5 * MS;
    check_all(vec![
        ("silence", Act::AnswerThenHang(vec![]), "timeout"),
        (
            "half a head",
            Act::AnswerThenHang(b"HTTP/1.1 200 OK\r\nCont".to_vec()),
            "timeout",
        ),
        (
            "hang after the headers",
            Act::AnswerThenHang(head.clone()),
            "timeout",
        ),
        (
            "slow drip",
            Act::Drip {
                head,
                byte: b' ',
                every,
            },
            "timeout",
        ),
        ("nothing but the end", cut(0), "truncated"),
        ("cut in the head", cut(3), "truncated"),
        ("cut in the body", cut(50), "truncated"),
        ("cut near the end", cut(99), "truncated"),
    ])
    .await;
}

#[tokio::test]
async fn answers_that_mean_something_else_are_told_and_get_well_again() {
    let answer = |status: &str, headers: &str, body: &str| Act::Answer(http(status, headers, body));
    check_all(vec![
        (
            "404",
            answer("404 Not Found", "", "404 page not found"),
            "status",
        ),
        ("400", answer("400 Bad Request", "", "no"), "status"),
        (
            "500",
            answer("500 Internal Server Error", "", "oh"),
            "status",
        ),
        ("503", answer("503 Service Unavailable", "", ""), "status"),
        (
            "an empty success",
            answer("204 No Content", "", ""),
            "status",
        ),
        (
            "redirect",
            answer("302 Found", "Location: http://127.0.0.1:1/\r\n", ""),
            "redirect",
        ),
        (
            "endless redirect",
            answer("301 Moved", "Location: /varz\r\n", ""),
            "redirect",
        ),
        (
            "HTML",
            answer(
                "200 OK",
                "Content-Type: text/html\r\n",
                "<html>hello</html>",
            ),
            "syntax",
        ),
        (
            "no HTTP",
            Act::AnswerThenClose(b"-ERR 'Unknown Protocol'\r\n".to_vec()),
            "protocol",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_port_that_refuses_is_told_and_gets_well_again() {
    let stub = Stub::start(well()).await;
    let addr = stub.addr();
    drop(stub);
    let mut scene = start(addr, 10 * S);
    let page = fails(&mut scene, "closed port", "refused").await;
    let labels = [("server_name", addr.to_string())];
    let up = page.find("nats_up", &[(labels[0].0, &labels[0].1)]);
    assert_eq!(up.len(), 1);
    let _stub = Stub::start_at(addr, well(), None).await;
    recovers(&mut scene).await;
}

#[tokio::test]
async fn a_broken_tls_is_told_and_gets_well_again() {
    let names = vec!["127.0.0.1".to_owned()];
    let cert = rcgen::generate_simple_self_signed(names).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, cert.cert.pem()).unwrap();
    let config = |cert: &rcgen::CertifiedKey<rcgen::KeyPair>| {
        let key = rustls::pki_types::PrivateKeyDer::try_from(cert.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.cert.der().clone()], key.unwrap())
            .unwrap()
    };
    let tls = Tls {
        ca_file: Some(ca_file),
        ..Tls::default()
    };
    // Plain HTTP where TLS is expected, then a certificate that nobody vouches for, then the right one.
    let stub = Stub::start(Act::GreetThenClose(
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
    ))
    .await;
    let addr = stub.addr();
    let mut scene = Scene::start_real(watch(&format!("https://{addr}"), &tls, 10 * S));
    let page = fails(&mut scene, "plain HTTP", "tls").await;
    let before = failures(&page, "varz", "tls");
    drop(stub);
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let stub = Stub::start_at(addr, well(), Some(config(&other))).await;
    while stub.connections() < 2 {
        scene.pass(10 * MS).await;
    }
    let page = fails(&mut scene, "strange certificate", "tls").await;
    assert!(failures(&page, "varz", "tls") > before);
    assert!(stub.requests().is_empty());
    drop(stub);
    let _stub = Stub::start_at(addr, well(), Some(config(&cert))).await;
    recovers(&mut scene).await;
}

/// A body without end, of which `limit` is read; how much memory that takes.
async fn flood(head: &str, limit: u64, reason: &'static str) -> u64 {
    let head = format!("HTTP/1.1 200 OK\r\n{head}").into_bytes();
    let mut stub = Stub::start(only_varz(Act::Flood { head })).await;
    let mut rules = rules();
    // One round is enough to see.
    (rules.every.light, rules.light.deadline) = (60 * S, 60 * S);
    let client = Client::new(
        Target::parse(&stub.addr().to_string()).unwrap(),
        &Tls::default(),
    );
    let before = large::peak_from_here();
    let mut scene = Scene::start_real(watch_of(Arc::new(client.unwrap()), rules));
    let page = scene.until_up(0.0).await;
    let grown = large::peak().saturating_sub(before);
    assert_eq!(failures(&page, "varz", reason), 1.0);
    let taken = stub.closed().await;
    assert!(taken < limit + SOCKET_BUFFERS, "{taken} bytes were taken");
    grown
}

#[tokio::test]
async fn gigabytes_of_zeros_cost_neither_time_nor_memory() {
    let _alone = large::ALONE.lock().await;
    let limit = 16 * MIB;
    let announced = flood("Content-Length: 10000000000\r\n\r\n", 0, "too_large").await;
    let zeros = flood("\r\n", 0, "syntax").await;
    let text = flood("\r\n{\"tags\":[\"", limit, "too_large").await;
    assert!(announced < 16 * MIB, "{announced}");
    assert!(zeros < 16 * MIB, "{zeros}");
    assert!(text < 64 * MIB, "{text}");
}
