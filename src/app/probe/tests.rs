//! What nobody may reach through `/probe`, in every spelling.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use tokio::net::TcpListener;

use super::*;
use crate::config::{self, Flags};

/// A name is its addresses: `10.0.0.1.or.127.0.0.1.example`.
#[derive(Default)]
struct Resolver(AtomicUsize);

impl Lookup for Resolver {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let Some(list) = name.strip_suffix(".example") else {
                return Err(io::Error::other("no such name"));
            };
            let address = |text: &str| text.replace('-', ":").parse().ok();
            Ok(list.split(".or.").filter_map(address).collect())
        })
    }
}

fn plan(text: &str) -> Plan {
    let (plan, _) = config::load(Some(("test", text)), &[], &Flags::default()).unwrap();
    plan
}

fn probes(text: &str) -> (Probes, Arc<Resolver>) {
    let resolver = Arc::new(Resolver::default());
    let lookup = Arc::clone(&resolver) as Arc<dyn Lookup>;
    let monitor = SelfMonitor::new().unwrap();
    (
        Probes::new(&plan(text), lookup, monitor, Arc::default()),
        resolver,
    )
}

async fn refusal(probes: &Probes, target: &str) -> ProbeRefusal {
    let result = probes.probe(target, Duration::ZERO).await;
    match result {
        Err(refusal) => refusal,
        Ok(_) => panic!("{target} was asked"),
    }
}

const NETWORKS: &str = "probe: {allow: ['http://10.0.0.0/8:8222', 'http://0.0.0.0/0:9222', 'http://[::]/0:9222', \
                        'http://n1.example:8222', 'https://10.0.0.0/8:443']}";

/// Target, status, reason.
const REFUSED: &[(&str, u16, &str)] = &[
    // Written wrong.
    ("", 400, "malformed"),
    ("http://", 400, "malformed"),
    (
        "http://10.0.0.1:8222/?x=http://10.0.0.2:8222",
        400,
        "malformed",
    ),
    ("http://10.0.0.1:8222#@127.0.0.1", 400, "malformed"),
    ("http://10.0.0.1\n:8222", 400, "malformed"),
    ("nats://10.0.0.1:8222", 400, "malformed"),
    ("file:///etc/passwd", 400, "malformed"),
    ("gopher://10.0.0.1:8222", 400, "malformed"),
    ("http://u:hunter2@10.0.0.1:8222", 400, "user_info"),
    ("http://@10.0.0.1:8222", 400, "user_info"),
    ("http://10.0.0.1:8222/admin", 400, "path"),
    ("http://10.0.0.1:8222\\@127.0.0.1:8222", 400, "user_info"),
    // Scheme and port.
    ("https://10.0.0.1:8222", 403, "port"),
    ("http://10.0.0.1:80", 403, "port"),
    ("http://10.0.0.1:443", 403, "port"),
    ("http://10.0.0.1:4222", 403, "port"),
    // Other addresses.
    ("http://11.0.0.1:8222", 403, "address"),
    ("http://192.168.0.1:8222", 403, "address"),
    ("http://[fd00::1]:8222", 403, "address"),
    ("http://11.0.0.1.example:8222", 403, "address"),
    // The metadata address in every spelling, though all networks are named.
    ("http://169.254.169.254:9222", 403, "link_local"),
    ("http://2852039166:9222", 403, "link_local"),
    ("http://0xa9fea9fe:9222", 403, "link_local"),
    ("http://0251.0376.0251.0376:9222", 403, "link_local"),
    ("http://169.254.43518:9222", 403, "link_local"),
    ("http://[::ffff:169.254.169.254]:9222", 403, "link_local"),
    ("http://[::ffff:a9fe:a9fe]:9222", 403, "link_local"),
    ("http://[64:ff9b::a9fe:a9fe]:9222", 403, "link_local"),
    ("http://[fe80::1]:9222", 403, "link_local"),
    ("http://169.254.169.254.example:9222", 403, "link_local"),
    ("http://fe80--1.example:9222", 403, "link_local"),
    ("http://[fd00:ec2::254]:9222", 403, "metadata"),
    ("http://100.100.100.200:9222", 403, "metadata"),
    ("http://168.63.129.16.example:9222", 403, "metadata"),
    // This machine, which a network that happens to hold it does not name.
    ("http://127.0.0.1:9222", 403, "loopback"),
    ("http://127.1:9222", 403, "loopback"),
    ("http://2130706433:9222", 403, "loopback"),
    ("http://0177.0.0.1:9222", 403, "loopback"),
    ("http://0x7f.0.0.1:9222", 403, "loopback"),
    ("http://[::1]:9222", 403, "loopback"),
    ("http://[::ffff:127.0.0.1]:9222", 403, "loopback"),
    ("http://127.0.0.1.example:9222", 403, "loopback"),
    ("http://１２７.0.0.1:9222", 403, "loopback"),
    ("http://0.0.0.0:9222", 403, "unspecified"),
    ("http://0:9222", 403, "unspecified"),
    ("http://[::]:9222", 403, "unspecified"),
    ("http://[::ffff:0.0.0.0]:9222", 403, "unspecified"),
    ("http://224.0.0.1:9222", 403, "multicast"),
    ("http://255.255.255.255:9222", 403, "multicast"),
    // Names.
    ("http://nowhere:8222", 400, "dns"),
    ("http://x.example:8222", 400, "dns"),
    ("http://localhost:8222", 400, "dns"),
    (
        "http://169.254.169.254.or.127.0.0.1.example:9222",
        403,
        "link_local",
    ),
];

#[tokio::test(start_paused = true)]
async fn nothing_but_what_is_named_is_reached() {
    let (probes, resolver) = probes(NETWORKS);
    for (target, status, reason) in REFUSED {
        let refusal = refusal(&probes, target).await;
        assert_eq!(
            (refusal.status, refusal.reason),
            (*status, *reason),
            "{target}: {}",
            refusal.text
        );
        assert!(
            !refusal.text.contains("hunter2") && !refusal.text.contains('\n'),
            "{}",
            refusal.text
        );
    }
    let long = format!("http://{}:8222", "n".repeat(10_000));
    assert_eq!(refusal(&probes, &long).await.reason, "malformed");
    let refused = |reason| {
        probes
            .monitor
            .probe_refused
            .with_label_values(&[reason])
            .get()
    };
    assert_eq!((refused("port"), refused("unspecified")), (4, 4));
    assert!(probes.inner().targets.is_empty() && probes.inner().tasks.is_empty());
    // What no entry can allow is not even looked up.
    let before = resolver.0.load(Ordering::SeqCst);
    refusal_of_port(&probes).await;
    assert_eq!(resolver.0.load(Ordering::SeqCst), before);
}

async fn refusal_of_port(probes: &Probes) {
    assert_eq!(
        refusal(probes, "http://10.0.0.1.example:1").await.reason,
        "port"
    );
}

#[tokio::test(start_paused = true)]
async fn without_entries_there_is_no_probe() {
    let (probes, _) = probes("");
    let refusal = refusal(&probes, "http://10.0.0.1:8222").await;
    assert_eq!((refusal.status, refusal.reason), (404, "off"));
    assert!(refusal.text.contains("probe.allow"));
}

/// A server on loopback that takes connections and never answers; its port.
async fn silent() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn allow_loopback(port: u16, more: &str) -> String {
    format!("probe: {{allow: ['http://127.0.0.0/8:{port}'{more}], targets_max: 2}}")
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_the_address_that_was_checked_is_connected_to() {
    let (listener, port) = silent().await;
    let (probes, resolver) = probes(&allow_loopback(port, ""));
    // Not in any resolver of this machine: only the address that was checked can lead to the listener.
    let target = format!("http://10.0.0.1.or.127.0.0.1.example:{port}");
    assert_eq!(refusal(&probes, &target).await.reason, "no_answer");
    let accepted = tokio::time::timeout(Duration::from_secs(5), listener.accept()).await;
    assert!(accepted.is_ok(), "it was connected to");
    assert_eq!(refusal(&probes, &target).await.status, 504);
    assert_eq!(
        resolver.0.load(Ordering::SeqCst),
        1,
        "the second is served from memory"
    );
    let inner = probes.inner();
    assert_eq!(
        inner.targets.values().next().unwrap().ip,
        IpAddr::from([127, 0, 0, 1])
    );
}

#[tokio::test]
async fn targets_are_bounded_and_forgotten() {
    let (_listener, port) = silent().await;
    let (probes, _) = probes(&allow_loopback(port, ""));
    let target = |number: u8| format!("http://127.0.0.{number}:{port}");
    // Whether they answered by then means nothing here.
    for number in [1, 2, 1] {
        let _ = probes.probe(&target(number), Duration::ZERO).await;
    }
    let full = refusal(&probes, &target(3)).await;
    assert_eq!((full.status, full.reason), (429, "too_many"));
    assert!(full.text.contains("probe.targets_max"));
    let now = Instant::now();
    probes.sweep(now + FORGET_AFTER - MINUTE);
    assert_eq!(probes.monitor.probe_targets.get(), 2);
    probes.sweep(now + FORGET_AFTER + MINUTE);
    assert_eq!(probes.monitor.probe_targets.get(), 0);
    let _ = probes.probe(&target(3), Duration::ZERO).await;
    assert_eq!(probes.inner().targets.len(), 1);
    // What a reload takes away ends at once.
    probes.adopt(&plan("probe: {allow: ['http://10.0.0.0/8:8222']}"));
    assert!(probes.inner().targets.is_empty());
    assert_eq!(refusal(&probes, &target(3)).await.reason, "port");
    tokio::time::timeout(Duration::from_secs(5), probes.stop())
        .await
        .unwrap();
}

const MINUTE: Duration = Duration::from_secs(60);
