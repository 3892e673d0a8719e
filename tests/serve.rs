//! The listener and its routes on a free port, with a site made up: load, limits, odd requests, a graceful end.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, join_all};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use natsight::catalog::Metric;
use natsight::expose::reader::{self, Format};
use natsight::expose::{Part, PartBuilder, Snapshot, Source};
use natsight::selfmon::SelfMonitor;
use natsight::serve::{
    Guard, Hosts, Listener, PageCache, ProbeRefusal, Shared, Site, admin_routes, drain,
    public_routes,
};
use natsight::state::{EntityKind, Row, Rows, ServerStatus, Value};

use http::{Reply, reply};

#[allow(dead_code, reason = "tests/cli.rs uses all of it")]
#[path = "support/broker.rs"]
mod broker;
#[path = "serve/flood.rs"]
mod flood;
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "tests/cli.rs uses all of it")]
#[path = "support/program.rs"]
mod program;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(5);

/// One server with this many series.
struct FakeSite {
    snapshot: Arc<Snapshot>,
    asked: AtomicUsize,
    /// A reload waits for it.
    gate: Arc<Semaphore>,
    /// Reloads that have begun.
    reloads: Arc<AtomicUsize>,
    answer: Result<Vec<String>, Vec<String>>,
}

impl FakeSite {
    fn new(series: u64, status: ServerStatus) -> Self {
        Self::with_labels("/", series, status)
    }

    /// 3 MB: more than the kernel takes for a client with a small buffer that reads nothing.
    fn large() -> Self {
        Self::with_labels(&"/long".repeat(200), 3000, ServerStatus::default())
    }

    fn with_labels(start: &str, series: u64, status: ServerStatus) -> Self {
        let mut rows = PartBuilder::new(&[("server_name", "n1")], false);
        for number in 0..series {
            let path = format!("{start}{number}");
            let value = [(Metric::ServerHttpRequests, Value::U64(number))];
            rows.row(&Row::new(EntityKind::Server, &[("path", &path)], &value));
        }
        let source = Source {
            server: 0,
            collector: "varz",
        };
        let parts = vec![Arc::new(rows.finish(source, Instant::now(), None))];
        Self {
            snapshot: Arc::new(Snapshot { parts, status }),
            asked: AtomicUsize::new(0),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            reloads: Arc::default(),
            answer: Ok(Vec::new()),
        }
    }
}

impl Site for FakeSite {
    fn snapshots(&self) -> Vec<Arc<Snapshot>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        vec![Arc::clone(&self.snapshot)]
    }

    fn own_part(&self) -> Option<Arc<Part>> {
        None
    }

    fn reload(&self) -> BoxFuture<'static, Result<Vec<String>, Vec<String>>> {
        let (gate, answer) = (Arc::clone(&self.gate), self.answer.clone());
        self.reloads.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let _permit = gate.acquire_owned().await;
            answer
        })
    }

    fn probe(
        &self,
        _target: String,
        _wait: Duration,
    ) -> BoxFuture<'_, Result<Arc<Snapshot>, ProbeRefusal>> {
        Box::pin(std::future::ready(Ok(Arc::clone(&self.snapshot))))
    }
}

/// A listener that runs.
struct Running {
    addr: SocketAddr,
    monitor: SelfMonitor,
    stop: watch::Sender<()>,
    tasks: JoinSet<()>,
}

impl Running {
    async fn public(site: FakeSite) -> Self {
        Self::start("public", site, |shared| public_routes(shared, None)).await
    }

    async fn admin(site: FakeSite) -> Self {
        Self::start("admin", site, |shared| {
            admin_routes(shared, Hosts::default())
        })
        .await
    }

    async fn start(name: &'static str, site: FakeSite, routes: fn(Shared) -> axum::Router) -> Self {
        let monitor = SelfMonitor::new().expect("own metrics");
        let free = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        let listener = Listener::bind(name, &free, monitor.clone());
        let listener = listener.await.expect("a free port");
        let addr = listener.address().expect("an address");
        let shared = Shared {
            site: Arc::new(site),
            monitor: monitor.clone(),
            cache: Arc::new(PageCache::default()),
            guard: Guard::open(),
            wish: Arc::default(),
            captures: None,
        };
        let (stop, stopped) = watch::channel(());
        let mut tasks = JoinSet::new();
        tasks.spawn(listener.run(routes(shared), Guard::open(), stopped));
        Self {
            addr,
            monitor,
            stop,
            tasks,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.expect("it listens")
    }

    fn open(&self) -> i64 {
        self.monitor
            .connections
            .with_label_values(&["public"])
            .get()
    }

    fn refused(&self, reason: &str) -> u64 {
        let labels = ["public", reason];
        let refused = self.monitor.connections_refused.with_label_values(&labels);
        refused.get()
    }

    /// Ends it; gives what was left after `grace`, and how long it took.
    async fn end(mut self, grace: Duration) -> (usize, Duration) {
        let started = Instant::now();
        drop(self.stop);
        (drain(&mut self.tasks, grace).await, started.elapsed())
    }
}

async fn send(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).await.expect("it reads");
}

async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    let read = tokio::time::timeout(PATIENCE, read).await.expect("in time");
    read.expect("an orderly end");
    bytes
}

async fn raw(running: &Running, request: &[u8]) -> Reply {
    let mut stream = running.connect().await;
    send(&mut stream, request).await;
    reply(&rest(&mut stream).await)
}

async fn ask(running: &Running, line: &str, headers: &str) -> Reply {
    let request =
        format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    raw(running, request.as_bytes()).await
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "not in time: {what}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn ten_scrapes_at_once_read_the_same_page() {
    let running = Running::public(FakeSite::new(5000, ServerStatus::default())).await;
    let replies = join_all((0..10).map(|_| ask(&running, "GET /metrics", ""))).await;
    let page = reader::read(&replies[0].body, Format::Text004).expect("a page");
    assert_eq!(page.series(), 5000);
    for reply in &replies {
        assert_eq!(reply.status, 200);
        assert!(reply.body == replies[0].body);
        assert_eq!(reply.header("content-length"), reply.body.len().to_string());
    }
    let labels = ["public", "/metrics", "200"];
    assert_eq!(
        running
            .monitor
            .http_requests
            .with_label_values(&labels)
            .get(),
        10
    );
}

#[tokio::test]
async fn encodings_and_formats_are_negotiated() {
    let running = Running::public(FakeSite::new(100, ServerStatus::default())).await;
    let om = "application/openmetrics-text";
    for (headers, kind, encoding) in [
        ("", "text/plain", ""),
        ("Accept-Encoding: gzip\r\n", "text/plain", "gzip"),
        ("Accept-Encoding: br, gzip;q=0.1\r\n", "text/plain", "gzip"),
        ("Accept-Encoding: gzip;q=0\r\n", "text/plain", ""),
        ("Accept-Encoding: identity\r\n", "text/plain", ""),
        (
            "Accept: application/openmetrics-text;version=1.0.0\r\n",
            om,
            "",
        ),
        ("Accept: application/json\r\n", "text/plain", ""),
        ("Accept: \u{1}\u{ff}\r\n", "text/plain", ""),
    ] {
        let reply = ask(&running, "GET /metrics", headers).await;
        if headers.contains('\u{1}') {
            assert_eq!(reply.status, 400, "a header with control characters");
            continue;
        }
        assert_eq!(reply.status, 200, "{headers}");
        assert!(reply.header("content-type").starts_with(kind), "{headers}");
        assert_eq!(reply.header("content-encoding"), encoding, "{headers}");
        let gzip = reply.body.starts_with(&[0x1f, 0x8b]);
        assert_eq!(gzip, encoding == "gzip", "{headers}");
    }
}

#[tokio::test]
async fn odd_requests_are_refused_and_make_no_series() {
    let running = Running::public(FakeSite::new(1, ServerStatus::default())).await;
    for (line, status) in [
        ("GET /nothing", 404),
        ("GET /%ff%00%2e%2e/etc/passwd", 404),
        ("GET //metrics", 404),
        ("GET /metrics/", 404),
        ("GET /metrics?collect[]=%ff", 400),
        ("GET /metrics?%zz", 400),
        ("GET /metrics?&&", 200),
        ("BREW /metrics", 405),
        ("OPTIONS /metrics", 405),
        ("OPTIONS *", 404),
    ] {
        let reply = ask(&running, line, "").await;
        assert_eq!(reply.status, status, "{line}");
        if status != 200 {
            assert!(reply.error().len() < 500, "{line}: {}", reply.error());
        }
    }
    let long = format!("GET /{}", "x".repeat(20_000));
    let reply = ask(&running, &long, "").await;
    assert!(
        (reply.status, reply.body.len()) < (415, 500),
        "{}",
        reply.status
    );
    let endless = format!("X: {}\r\n", "y".repeat(200_000));
    assert_eq!(ask(&running, "GET /metrics", &endless).await.status, 431);
    let bytes = b"GET /\xff\xfe HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    assert!([400, 404].contains(&raw(&running, bytes).await.status));
    assert_eq!(
        raw(&running, b"\x16\x03\x01 hello\r\n\r\n").await.status,
        400
    );

    let mut labels = std::collections::BTreeSet::new();
    running.monitor.rows(&mut |row: &Row<'_>| {
        labels.extend(
            row.labels
                .iter()
                .filter(|(name, _)| *name == "route")
                .map(|(_, route)| (*route).to_owned()),
        );
    });
    assert_eq!(
        labels.into_iter().collect::<Vec<_>>(),
        ["/metrics", "other"]
    );
}

#[tokio::test]
async fn names_of_brokers_cannot_break_the_answers() {
    let odd = "<b>\"\\\n\u{1}🚀</script>";
    let status = ServerStatus {
        server_name: odd.to_owned(),
        ..ServerStatus::default()
    };
    let running = Running::public(FakeSite::new(1, status)).await;
    let servers = ask(&running, "GET /api/v1/servers", "").await.json();
    assert_eq!(servers[0]["server_name"], odd);
    assert_eq!(servers[0]["age_seconds"], serde_json::Value::Null);
    assert_eq!(servers[0]["up"], false);
    let home = ask(&running, "GET /", "").await.text();
    assert!(
        !home.contains("<b>") && !home.contains("</script>"),
        "{home}"
    );
}

#[tokio::test]
async fn ready_waits_until_each_server_answered_or_was_given_up() {
    for (up, status) in [(None, 503), (Some(true), 200), (Some(false), 200)] {
        let state = ServerStatus {
            up,
            ..ServerStatus::default()
        };
        let running = Running::public(FakeSite::new(1, state)).await;
        assert_eq!(ask(&running, "GET /-/ready", "").await.status, status);
        assert_eq!(ask(&running, "GET /-/healthy", "").await.status, 200);
    }
}

const KEPT: &[u8] = b"GET /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n";

/// A connection that stays open after its first answer.
async fn kept(running: &Running) -> TcpStream {
    let mut stream = running.connect().await;
    answered(&mut stream).await;
    stream
}

/// Asks once more.
async fn answered(stream: &mut TcpStream) {
    send(stream, KEPT).await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"alive\n") {
        let read = stream.read_buf(&mut answer).await.expect("an answer");
        assert!(read > 0, "closed before the answer");
    }
}

/// Whether the other side closed it, waiting for that.
async fn is_closed(stream: &mut TcpStream) {
    let mut byte = [0];
    let end = tokio::time::timeout(PATIENCE, stream.read(&mut byte)).await;
    assert!(matches!(end.expect("at once"), Ok(0) | Err(_)));
}

#[tokio::test]
async fn who_says_nothing_makes_room_and_then_who_is_idle_longest() {
    let running = Running::public(FakeSite::new(1, ServerStatus::default())).await;
    let (mut idle, mut silent) = (Vec::new(), Vec::new());
    for _ in 0..510 {
        idle.push(kept(&running).await);
    }
    for _ in 0..2 {
        silent.push(running.connect().await);
    }
    // Half a request is none.
    send(&mut silent[0], b"GET /metrics HTTP/1.1\r\nX: ").await;
    until("all are open", || running.open() == 512).await;
    // Not the longest idle any more.
    answered(&mut idle[0]).await;
    assert_eq!(running.refused("silent") + running.refused("idle"), 0);
    let mut newcomers = Vec::new();
    for _ in 0..4 {
        newcomers.push(kept(&running).await);
    }
    is_closed(&mut silent[0]).await;
    is_closed(&mut silent[1]).await;
    is_closed(&mut idle[1]).await;
    is_closed(&mut idle[2]).await;
    assert_eq!((running.refused("silent"), running.refused("idle")), (2, 2));
    until("places are kept to", || running.open() == 512).await;
    newcomers.extend([idle.swap_remove(3), idle.swap_remove(0)]);
    for stream in &mut newcomers {
        answered(stream).await;
    }
    drop((idle, newcomers));
    until("they are let go", || running.open() == 0).await;
}

#[tokio::test]
async fn while_all_are_being_answered_more_are_closed_and_counted() {
    let site = FakeSite::new(1, ServerStatus::default());
    let (gate, reloads) = (Arc::new(Semaphore::new(0)), Arc::clone(&site.reloads));
    let running = Running::admin(FakeSite {
        gate: Arc::clone(&gate),
        ..site
    })
    .await;
    let head = "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n";
    let mut busy = Vec::new();
    for _ in 0..512 {
        let mut stream = running.connect().await;
        send(&mut stream, head.as_bytes()).await;
        busy.push(stream);
    }
    until("all are being answered", || {
        reloads.load(Ordering::SeqCst) == 512
    })
    .await;
    for _ in 0..3 {
        is_closed(&mut running.connect().await).await;
    }
    let refused = |reason| {
        let refused = &running.monitor.connections_refused;
        refused.with_label_values(&["admin", reason]).get()
    };
    assert_eq!(
        (refused("busy"), refused("silent"), refused("idle")),
        (3, 0, 0)
    );
    gate.add_permits(Semaphore::MAX_PERMITS / 2);
    for stream in &mut busy {
        assert_eq!(reply(&rest(stream).await).status, 200);
    }
}

/// A client that asks for the page, reads its first byte, and then nothing more.
async fn slow_reader(running: &Running) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let mut stream = socket.connect(running.addr).await.expect("it listens");
    send(&mut stream, b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let mut byte = [0];
    stream.read_exact(&mut byte).await.expect("an answer");
    stream
}

#[tokio::test]
async fn readers_that_stop_share_one_page_and_delay_nobody() {
    let running = Running::public(FakeSite::large()).await;
    let mut slow = Vec::new();
    for _ in 0..5 {
        slow.push(slow_reader(&running).await);
    }
    let reply = ask(&running, "GET /metrics", "").await;
    assert_eq!(reply.header("content-length"), reply.body.len().to_string());
    assert!(reply.body.len() > 3_000_000, "{}", reply.body.len());
    assert_eq!(running.monitor.scrapes_refused.get(), 0);
    until("only the slow ones are left", || running.open() == 5).await;
}

#[tokio::test]
async fn a_reader_that_stops_is_cut_after_ten_seconds() {
    let running = Running::public(FakeSite::large()).await;
    let _slow = slow_reader(&running).await;
    // From here on time passes as fast as nothing happens.
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(running.open(), 1, "it may still go on reading");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(running.open(), 0);
}

/// Like the one above, but it goes on reading: one byte, or a few KiB a second.
#[tokio::test]
async fn a_reader_that_trickles_is_cut_within_a_minute() {
    for bytes in [1, 4096] {
        let running = Running::public(FakeSite::large()).await;
        let slow = slow_reader(&running).await;
        tokio::time::pause();
        for _ in 0..62 {
            let mut some = vec![0; bytes];
            let _ = slow.try_read(&mut some);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(running.open(), 0, "{bytes} a second");
        tokio::time::resume();
    }
}

/// A scraper that takes one byte a second: others are served meanwhile.
#[tokio::test]
async fn readers_of_one_byte_a_second_delay_nobody() {
    let running = Running::public(FakeSite::large()).await;
    let mut slow = Vec::new();
    for _ in 0..5 {
        slow.push(slow_reader(&running).await);
    }
    for _ in 0..5 {
        for stream in &slow {
            let _ = stream.try_read(&mut [0]);
        }
        tokio::time::pause();
        tokio::time::sleep(Duration::from_secs(1)).await;
        tokio::time::resume();
        assert_eq!(ask(&running, "GET /metrics", "").await.status, 200);
    }
    assert_eq!(running.monitor.scrapes_refused.get(), 0);
}

#[tokio::test]
async fn a_first_request_has_ten_seconds() {
    let running = Running::public(FakeSite::new(1, ServerStatus::default())).await;
    let mut begun = running.connect().await;
    send(&mut begun, b"GET /metrics HTTP/1.1\r\nX: ").await;
    let _silent = running.connect().await;
    until("both are open", || running.open() == 2).await;
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(running.open(), 2);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(running.open(), 0);
    tokio::time::resume();
    rest(&mut begun).await;
}

#[tokio::test]
async fn a_connection_between_two_requests_has_a_minute() {
    let running = Running::public(FakeSite::new(1, ServerStatus::default())).await;
    let mut kept = running.connect().await;
    for pause in [0, 50, 55] {
        tokio::time::pause();
        tokio::time::sleep(Duration::from_secs(pause)).await;
        tokio::time::resume();
        send(&mut kept, b"HEAD /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n").await;
        let mut start = [0; 12];
        kept.read_exact(&mut start).await.expect("an answer");
        assert_eq!(&start, b"HTTP/1.1 200");
        until("the rest", || {
            let mut waste = [0; 512];
            kept.try_read(&mut waste).is_ok()
        })
        .await;
    }
    send(&mut kept, b"GET /metrics HTTP/1.1\r\nX: ").await;
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(58)).await;
    assert_eq!(running.open(), 1);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(running.open(), 0);
}

#[tokio::test]
async fn an_idle_connection_does_not_delay_the_end() {
    let running = Running::public(FakeSite::new(1, ServerStatus::default())).await;
    let mut kept = running.connect().await;
    send(&mut kept, b"GET /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let mut answer = [0; 17];
    kept.read_exact(&mut answer).await.expect("an answer");
    let _silent = running.connect().await;
    until("both are open", || running.open() == 2).await;
    let (addr, (left, took)) = (running.addr, running.end(PATIENCE).await);
    assert_eq!(left, 0);
    assert!(took < Duration::from_secs(2), "{took:?}");
    rest(&mut kept).await;
    assert!(
        TcpStream::connect(addr).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    let site = FakeSite::new(1, ServerStatus::default());
    let gate = Arc::new(Semaphore::new(0));
    let running = Running::admin(FakeSite {
        gate: Arc::clone(&gate),
        ..site
    })
    .await;
    let mut caller = running.connect().await;
    let head = "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n";
    send(&mut caller, head.as_bytes()).await;
    let open = running.monitor.connections.with_label_values(&["admin"]);
    until("it is under way", || open.get() == 1).await;
    let ended = running.end(PATIENCE);
    let answered = async {
        gate.add_permits(1);
        reply(&rest(&mut caller).await)
    };
    let ((left, took), answer) = tokio::join!(ended, answered);
    assert_eq!(
        (answer.status, answer.json()["reloaded"].clone()),
        (200, true.into())
    );
    assert_eq!(left, 0);
    assert!(took < PATIENCE, "{took:?}");
}

#[tokio::test]
async fn a_request_that_never_ends_is_left_behind_after_the_grace() {
    let site = FakeSite::new(1, ServerStatus::default());
    let running = Running::admin(FakeSite {
        gate: Arc::new(Semaphore::new(0)),
        ..site
    })
    .await;
    let mut caller = running.connect().await;
    let head = "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n";
    send(&mut caller, head.as_bytes()).await;
    let open = running.monitor.connections.with_label_values(&["admin"]);
    until("it is under way", || open.get() == 1).await;
    let (left, took) = running.end(Duration::from_millis(300)).await;
    assert_eq!(left, 1);
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn a_refused_reload_says_each_mistake() {
    let site = FakeSite::new(1, ServerStatus::default());
    let answer = Err(vec!["one is wrong".to_owned(), "two is wrong".to_owned()]);
    let running = Running::admin(FakeSite { answer, ..site }).await;
    let reply = ask(
        &running,
        "POST /-/reload",
        "Content-Type: application/json\r\n",
    )
    .await;
    assert_eq!(
        (reply.status, reply.error().as_str()),
        (400, "one is wrong\ntwo is wrong")
    );
}
