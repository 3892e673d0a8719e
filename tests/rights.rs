//! Rights and transport: who gets in, who does not, and what each is told. Listeners in this process; `files` has the binary.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop where it stands; the allowance of clippy.toml ends at #[test] functions"
)]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use natsight::expose::{Part, Snapshot};
use natsight::selfmon::SelfMonitor;
use natsight::serve::{
    ClientAuth, Guard, Hosts, Listener, PageCache, ProbeRefusal, ROUTES, Rights, Shared, Site, Tls,
    TlsInput, TlsPart, admin_routes, public_routes,
};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use http::{Reply, reply};
use pki::{Authority, Client, Identity};

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/broker.rs"]
mod broker;
#[path = "rights/brokers.rs"]
mod brokers;
#[path = "rights/files.rs"]
mod files;
#[allow(dead_code, reason = "the blocking half is for tests without TLS")]
#[path = "support/http.rs"]
mod http;
#[path = "support/pki.rs"]
mod pki;
#[allow(dead_code, reason = "tests/cli.rs uses all of it")]
#[path = "support/program.rs"]
mod program;
#[path = "rights/routes.rs"]
mod routes;
#[allow(dead_code, reason = "tests/source.rs uses all of it")]
#[path = "support/stub.rs"]
mod stub;

/// Versions that a client speaks.
static OLD: &[&rustls::SupportedProtocolVersion] = &[&TLS12];
static NEW: &[&rustls::SupportedProtocolVersion] = &[&TLS13];

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(8);

struct Nothing;

impl Site for Nothing {
    fn snapshots(&self) -> Vec<Arc<Snapshot>> {
        Vec::new()
    }

    fn own_part(&self) -> Option<Arc<Part>> {
        None
    }

    fn reload(&self) -> BoxFuture<'static, Result<Vec<String>, Vec<String>>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn probe(
        &self,
        _target: String,
        _wait: Duration,
    ) -> BoxFuture<'_, Result<Arc<Snapshot>, ProbeRefusal>> {
        Box::pin(std::future::ready(Ok(Arc::default())))
    }
}

/// Both listeners, with rights that a test changes.
struct Running {
    public: SocketAddr,
    admin: SocketAddr,
    monitor: SelfMonitor,
    rights: watch::Sender<Arc<Rights>>,
    _stop: watch::Sender<()>,
    _tasks: JoinSet<()>,
}

impl Running {
    async fn start(rights: Rights) -> Self {
        let monitor = SelfMonitor::new().expect("own metrics");
        let (rights, watched) = watch::channel(Arc::new(rights));
        let shared = Shared {
            site: Arc::new(Nothing),
            monitor: monitor.clone(),
            cache: Arc::new(PageCache::default()),
            guard: Guard::new(watched),
            wish: Arc::default(),
            captures: None,
        };
        let (stop, stopped) = watch::channel(());
        let mut tasks = JoinSet::new();
        let mut addrs = Vec::new();
        for (name, routes) in [
            ("public", public_routes(shared.clone(), None)),
            ("admin", admin_routes(shared.clone(), Hosts::default())),
        ] {
            let free = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
            let listener = Listener::bind(name, &free, monitor.clone());
            let listener = listener.await.expect("a free port");
            addrs.push(listener.address().expect("an address"));
            tasks.spawn(listener.run(routes, shared.guard.clone(), stopped.clone()));
        }
        Self {
            public: addrs[0],
            admin: addrs[1],
            monitor,
            rights,
            _stop: stop,
            _tasks: tasks,
        }
    }

    async fn with_tls(tls: Tls) -> Self {
        Self::start(Rights {
            tls: Some(tls),
            ..Rights::default()
        })
        .await
    }

    fn failures(&self, reason: &str) -> u64 {
        let labels = ["public", reason];
        self.monitor.tls_failures.with_label_values(&labels).get()
    }

    fn open(&self) -> i64 {
        let labels = ["public"];
        self.monitor.connections.with_label_values(&labels).get()
    }
}

/// Waits until it is so.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "not in time: {what}");
        tokio::task::yield_now().await;
    }
}

fn input<'a>(server: &'a Identity) -> TlsInput<'a> {
    TlsInput {
        certificate: server.cert.as_bytes(),
        key: server.key.as_bytes(),
        client_ca: None,
        client_auth: ClientAuth::None,
        allowed_sans: &[],
        tls12: true,
        tls13: true,
        suites: &[],
        prefer_server_suites: true,
        curves: &[],
    }
}

/// Sends a request and reads to the end.
async fn exchange<S>(mut stream: S, request: &str) -> std::io::Result<Reply>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let talk = async {
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        if bytes.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(reply(&bytes))
    };
    tokio::time::timeout(PATIENCE, talk).await.expect("in time")
}

fn request(line: &str, headers: &[(&str, &str)]) -> String {
    let headers = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    let headers: String = headers.collect();
    format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n{headers}\r\n"
    )
}

/// Asks over TLS; an error where TLS or the connection ends it.
async fn secure(client: &Client, addr: SocketAddr, line: &str) -> std::io::Result<Reply> {
    exchange(client.connect(addr).await?, &request(line, &[])).await
}

async fn plain(addr: SocketAddr, line: &str, headers: &[(&str, &str)]) -> Reply {
    let stream = TcpStream::connect(addr).await.expect("it listens");
    let found = exchange(stream, &request(line, headers)).await;
    found.expect("an answer")
}

const HEALTHY: &str = "GET /-/healthy";

#[tokio::test]
async fn each_way_to_ask_for_client_certificates_refuses_whom_it_should() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let server = ours.sign(&["localhost"]);
    let anyone = Client::new(&ours);
    let clients = [
        ("none", anyone.clone()),
        ("good", anyone.showing(&ours.sign(&["c.example"]))),
        ("stranger", anyone.showing(&theirs.sign(&["c.example"]))),
        (
            "expired",
            anyone.showing(&ours.sign_until(&["c.example"], 2020)),
        ),
    ];
    for (auth, let_in) in [
        (ClientAuth::None, [true, true, true, true]),
        (ClientAuth::Request, [true, true, true, true]),
        (ClientAuth::RequireAny, [false, true, true, true]),
        (ClientAuth::VerifyIfGiven, [true, true, false, false]),
        (ClientAuth::RequireAndVerify, [false, true, false, false]),
    ] {
        let ca = ours.pem();
        let tls = Tls::new(&TlsInput {
            client_ca: Some(ca.as_bytes()),
            client_auth: auth,
            ..input(&server)
        });
        let running = Running::with_tls(tls.expect("TLS")).await;
        for ((name, client), expected) in clients.iter().zip(let_in) {
            for versions in [OLD, NEW] {
                let client = Client {
                    versions,
                    ..client.clone()
                };
                for addr in [running.public, running.admin] {
                    let status = secure(&client, addr, HEALTHY)
                        .await
                        .map(|reply| reply.status);
                    assert_eq!(status.is_ok(), expected, "{auth:?} {name} {status:?}");
                }
            }
        }
        let refused = |expected: [bool; 4], place: usize| if expected[place] { 0 } else { 2 };
        let bad = refused(let_in, 2) + refused(let_in, 3);
        until(&format!("{auth:?} counted"), || {
            let failures = (
                running.failures("no_certificate"),
                running.failures("bad_certificate"),
            );
            failures == (refused(let_in, 0), bad)
        })
        .await;
    }
}

#[tokio::test]
async fn a_client_whose_certificate_expires_while_natsight_runs_gets_in_no_more() {
    let ours = Authority::new();
    let (server, ca) = (ours.sign(&["localhost"]), ours.pem());
    let tls = Tls::new(&TlsInput {
        client_ca: Some(ca.as_bytes()),
        client_auth: ClientAuth::RequireAndVerify,
        ..input(&server)
    });
    let running = Running::with_tls(tls.expect("TLS")).await;
    let ending = ours.sign_for(&["c.example"], Duration::from_secs(3));
    let client = Client::new(&ours).showing(&ending);
    let found = secure(&client, running.public, HEALTHY).await;
    assert_eq!(found.expect("still good").status, 200);
    let end = Instant::now() + PATIENCE;
    while secure(&client, running.public, HEALTHY).await.is_ok() {
        assert!(Instant::now() < end, "it gets in for ever");
    }
    until("counted", || running.failures("bad_certificate") == 1).await;
    let good = Client::new(&ours).showing(&ours.sign(&["c.example"]));
    assert!(secure(&good, running.public, HEALTHY).await.is_ok());
}

#[tokio::test]
async fn only_names_that_are_allowed_get_in() {
    let ours = Authority::new();
    let (server, ca) = (ours.sign(&["localhost"]), ours.pem());
    let allowed = ["prom.example".to_owned(), "10.1.2.3".to_owned()];
    for auth in [ClientAuth::RequireAny, ClientAuth::RequireAndVerify] {
        let tls = Tls::new(&TlsInput {
            client_ca: Some(ca.as_bytes()),
            client_auth: auth,
            allowed_sans: &allowed,
            ..input(&server)
        });
        let running = Running::with_tls(tls.expect("TLS")).await;
        for (names, expected) in [
            (&["prom.example"][..], true),
            (&["x.example", "10.1.2.3"], true),
            (&["x.example"], false),
            // A wildcard is not the name.
            (&["*.example"], false),
            (&[], false),
        ] {
            let client = Client::new(&ours).showing(&ours.sign(names));
            let found = secure(&client, running.public, HEALTHY).await;
            assert_eq!(found.is_ok(), expected, "{auth:?} {names:?}");
        }
    }
}

#[tokio::test]
async fn versions_and_suites_are_kept_to() {
    let ours = Authority::new();
    let server = ours.sign(&["localhost"]);
    let chacha = &["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"][..];
    let aes = rustls::CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    for (tls12, tls13, suites, versions, suite, expected) in [
        (true, true, &[][..], OLD, None, true),
        (true, true, &[], NEW, None, true),
        (true, false, &[], OLD, None, true),
        (true, false, &[], NEW, None, false),
        (false, true, &[], OLD, None, false),
        (false, true, &[], NEW, None, true),
        (true, false, &[], OLD, Some(aes), true),
        (true, false, chacha, OLD, Some(aes), false),
        (true, false, chacha, OLD, None, true),
        // Suites of TLS 1.2 do not take those of 1.3 away.
        (true, true, chacha, rustls::ALL_VERSIONS, None, true),
    ] {
        let tls = Tls::new(&TlsInput {
            tls12,
            tls13,
            suites,
            curves: &["CurveP256"],
            ..input(&server)
        });
        let running = Running::with_tls(tls.expect("TLS")).await;
        let client = Client {
            versions,
            suite,
            ..Client::new(&ours)
        };
        let found = secure(&client, running.public, HEALTHY).await;
        assert_eq!(
            found.is_ok(),
            expected,
            "{tls12} {tls13} {suites:?} {suite:?}"
        );
        until("counted", || {
            running.failures("incompatible") == u64::from(!expected)
        })
        .await;
    }
}

#[test]
fn every_suite_and_curve_of_the_configuration_exists() {
    let ours = Authority::new();
    let server = ours.sign(&["localhost"]);
    for suite in natsight::config::SUITES {
        let suites = [*suite];
        let input = TlsInput {
            suites: &suites,
            tls13: !suite.contains("_WITH_"),
            tls12: suite.contains("_WITH_"),
            ..input(&server)
        };
        assert!(Tls::new(&input).is_ok(), "{suite}");
    }
    let suites = ["TLS_AES_128_GCM_SHA256"];
    let none = Tls::new(&TlsInput {
        suites: &suites,
        tls13: false,
        ..input(&server)
    });
    assert_eq!(none.expect_err("no suite").part, TlsPart::Whole);
}

#[tokio::test]
async fn each_curve_of_the_configuration_can_be_agreed_on() {
    let ours = Authority::new();
    let server = ours.sign(&["localhost"]);
    for curve in natsight::config::CURVES {
        let curves = [*curve];
        let tls = Tls::new(&TlsInput {
            curves: &curves,
            ..input(&server)
        });
        let running = Running::with_tls(tls.expect("TLS")).await;
        let found = secure(&Client::new(&ours), running.public, HEALTHY).await;
        assert_eq!(found.expect(curve).status, 200);
    }
}

#[test]
fn wrong_certificates_and_keys_are_named() {
    let ours = Authority::new();
    let (one, two) = (ours.sign(&["localhost"]), ours.sign(&["localhost"]));
    let part = |input: TlsInput<'_>| Tls::new(&input).expect_err("wrong").part;
    let certificate = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (input, expected) in [
        (
            TlsInput {
                key: two.key.as_bytes(),
                ..input(&one)
            },
            TlsPart::Key,
        ),
        (
            TlsInput {
                key: b"hunter2",
                ..input(&one)
            },
            TlsPart::Key,
        ),
        (
            TlsInput {
                key: one.cert.as_bytes(),
                ..input(&one)
            },
            TlsPart::Key,
        ),
        (
            TlsInput {
                certificate: b"",
                ..input(&one)
            },
            TlsPart::Certificate,
        ),
        (
            TlsInput {
                certificate,
                ..input(&one)
            },
            TlsPart::Certificate,
        ),
        (
            TlsInput {
                client_ca: Some(b"x"),
                client_auth: ClientAuth::RequireAndVerify,
                ..input(&one)
            },
            TlsPart::ClientCa,
        ),
        (
            TlsInput {
                client_auth: ClientAuth::VerifyIfGiven,
                ..input(&one)
            },
            TlsPart::ClientCa,
        ),
    ] {
        assert_eq!(part(input), expected);
    }
}

#[tokio::test]
async fn a_new_certificate_goes_to_new_connections_and_old_ones_end() {
    let (ours, next) = (Authority::new(), Authority::new());
    let (old, new) = (ours.sign(&["localhost"]), next.sign(&["localhost"]));
    let running = Running::with_tls(Tls::new(&input(&old)).expect("TLS")).await;
    let mut kept = Client::new(&ours)
        .connect(running.public)
        .await
        .expect("TLS");
    kept.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n")
        .await
        .expect("sent");
    let mut first = [0; 17];
    kept.read_exact(&mut first).await.expect("an answer");

    // The same rights again end nothing.
    running.rights.send_modify(|_| {});
    kept.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n")
        .await
        .expect("sent");
    kept.read_exact(&mut first).await.expect("an answer");

    running.rights.send_replace(Arc::new(Rights {
        tls: Some(Tls::new(&input(&new)).expect("TLS")),
        ..Rights::default()
    }));
    let mut rest = Vec::new();
    let end = tokio::time::timeout(PATIENCE, kept.read_to_end(&mut rest)).await;
    end.expect("in time").expect("an orderly end");
    assert!(
        secure(&Client::new(&ours), running.public, HEALTHY)
            .await
            .is_err()
    );
    let found = secure(&Client::new(&next), running.public, HEALTHY).await;
    assert_eq!(found.expect("the new one").status, 200);
    until("the old client dislikes the new certificate", || {
        running.failures("alert") == 1
    })
    .await;

    // And back to plain HTTP.
    running.rights.send_replace(Arc::default());
    assert_eq!(plain(running.public, HEALTHY, &[]).await.status, 200);
}

#[tokio::test]
async fn an_end_of_a_certificate_is_read() {
    let ours = Authority::new();
    let tls = Tls::new(&input(&ours.sign_until(&["localhost"], 2020))).expect("TLS");
    let end = Duration::from_secs(1_609_372_800);
    assert_eq!(tls.not_after, Some(std::time::SystemTime::UNIX_EPOCH + end));
    // It is served; that it is not good is for clients to see.
    let running = Running::with_tls(tls).await;
    assert!(
        secure(&Client::new(&ours), running.public, HEALTHY)
            .await
            .is_err()
    );
    until("counted", || running.failures("alert") == 1).await;
}

#[tokio::test]
async fn plain_http_and_garbage_end_cleanly_at_a_port_with_tls() {
    let ours = Authority::new();
    let tls = Tls::new(&input(&ours.sign(&["localhost"]))).expect("TLS");
    let running = Running::with_tls(tls).await;
    let found = plain(running.public, HEALTHY, &[]).await;
    assert_eq!(found.status, 400);
    assert!(found.error().contains("https://"), "{}", found.error());
    until("counted", || running.failures("plain_http") == 1).await;
    for (bytes, reason) in [
        (&b"\x16\x03\x01\x00\x05hello"[..], "garbage"),
        (b"\x00\x01\x02\x03\x04\x05\x06\x07", "garbage"),
        (b"\x16\x03\x01\xff\xff\x01", "garbage"),
        (b"\x16\x03", "closed"),
        (b"", "closed"),
    ] {
        let before = running.failures(reason);
        let mut stream = TcpStream::connect(running.public)
            .await
            .expect("it listens");
        stream.write_all(bytes).await.expect("sent");
        stream.shutdown().await.expect("closed");
        let mut rest = Vec::new();
        let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "{bytes:?}");
        until(&format!("{bytes:?}"), || {
            running.failures(reason) == before + 1
        })
        .await;
    }
    let found = secure(&Client::new(&ours), running.public, HEALTHY).await;
    assert_eq!(found.expect("TLS").status, 200);
    until("all ended", || running.open() == 0).await;
}

#[tokio::test]
async fn a_handshake_has_ten_seconds() {
    let ours = Authority::new();
    let tls = Tls::new(&input(&ours.sign(&["localhost"]))).expect("TLS");
    let running = Running::with_tls(tls).await;
    let _silent = TcpStream::connect(running.public)
        .await
        .expect("it listens");
    let mut begun = TcpStream::connect(running.public)
        .await
        .expect("it listens");
    begun
        .write_all(b"\x16\x03\x01\x02\x00\x01")
        .await
        .expect("sent");
    until("both are open", || running.open() == 2).await;
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(running.open(), 2);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((running.open(), running.failures("timeout")), (0, 2));
}

#[tokio::test]
async fn who_shakes_no_hands_makes_room() {
    let ours = Authority::new();
    let tls = Tls::new(&input(&ours.sign(&["localhost"]))).expect("TLS");
    let running = Running::with_tls(tls).await;
    let mut silent = Vec::new();
    for _ in 0..512 {
        let stream = TcpStream::connect(running.public).await;
        silent.push(stream.expect("it listens"));
    }
    until("all are open", || running.open() == 512).await;
    let found = secure(&Client::new(&ours), running.public, HEALTHY).await;
    assert_eq!(found.expect("TLS").status, 200);
    let mut byte = [0];
    let end = tokio::time::timeout(PATIENCE, silent[0].read(&mut byte)).await;
    assert!(matches!(end.expect("at once"), Ok(0) | Err(_)));
    let labels = ["public", "silent"];
    let counted = running
        .monitor
        .connections_refused
        .with_label_values(&labels);
    assert_eq!(counted.get(), 1);
    // It is no failure of TLS.
    let failures = natsight::serve::HANDSHAKE_REASONS
        .iter()
        .map(|reason| running.failures(reason));
    assert_eq!(failures.sum::<u64>(), 0);
}

fn users() -> Vec<(String, String)> {
    // The lowest cost: what is looked at here is who gets in.
    vec![(
        "prom".to_owned(),
        bcrypt::hash("hunter2", 4).expect("a hash"),
    )]
}

/// `Basic` as a header.
fn basic(pair: &str) -> String {
    use base64::Engine;
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(pair)
    )
}

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// Every route of a listener, and what comes near to one.
fn lines(listener: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for route in ROUTES.iter().filter(|route| route.listener == listener) {
        let (method, path) = (route.method, route.path);
        lines.push(format!("{method} {path}"));
        for other in ["HEAD", "GET", "POST", "PUT", "DELETE", "OPTIONS"] {
            if other != method {
                lines.push(format!("{other} {path}"));
            }
        }
        lines.push(format!("{method} {path}?collect[]=varz"));
        lines.push(format!("{method} {path}/"));
    }
    for more in ["GET /nothing", "OPTIONS *", "GET /api/v1/events"] {
        lines.push(more.to_owned());
    }
    lines
}

/// All of them, with where they are asked for.
fn all_lines(public: SocketAddr, admin: SocketAddr) -> Vec<(SocketAddr, String)> {
    let of = |listener, addr| lines(listener).into_iter().map(move |line| (addr, line));
    of("public", public).chain(of("admin", admin)).collect()
}

#[tokio::test]
async fn nobody_gets_anything_from_any_route_without_user_and_password() {
    let running = Running::start(Rights {
        users: users(),
        ..Rights::default()
    })
    .await;
    for (addr, line) in all_lines(running.public, running.admin) {
        let line = line.as_str();
        for shown in [
            None,
            Some("prom:wrong"),
            Some("Prom:hunter2"),
            Some("prom:"),
            Some("hunter2"),
        ] {
            let shown = shown.map(basic);
            let mut headers = vec![JSON];
            headers.extend(shown.as_deref().map(|shown| ("Authorization", shown)));
            let found = plain(addr, line, &headers).await;
            assert_eq!(found.status, 401, "{line} {shown:?}");
            let challenge = "Basic realm=\"natsight\", charset=\"UTF-8\"";
            assert_eq!(found.header("www-authenticate"), challenge, "{line}");
            if !line.starts_with("HEAD") {
                assert!(
                    found.error().contains("basic_auth_users"),
                    "{}",
                    found.error()
                );
            }
        }
        let right = basic("prom:hunter2");
        let found = plain(addr, line, &[JSON, ("Authorization", &right)]).await;
        // Captures are closed where there is no token for them.
        let closed = addr == running.admin
            && ["/api/v1/profiles", "/api/v1/alerts", "/debug/pprof/profile"]
                .iter()
                .any(|path| line.contains(path));
        assert!(
            found.status != 401 && (found.status == 403) == closed,
            "{line}: {}",
            found.status
        );
    }
    let counted = ["public", "/metrics", "401"];
    let counted = running
        .monitor
        .http_requests
        .with_label_values(&counted)
        .get();
    assert!(counted >= 10, "{counted}");
}

#[tokio::test]
async fn users_come_and_go_between_two_requests_of_one_connection() {
    let running = Running::start(Rights::default()).await;
    let mut kept = TcpStream::connect(running.public)
        .await
        .expect("it listens");
    let mut status = async || {
        kept.write_all(b"HEAD /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n")
            .await
            .expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(kept.read_u8().await.expect("an answer"));
        }
        reply(&head).status
    };
    assert_eq!(status().await, 200);
    running.rights.send_replace(Arc::new(Rights {
        users: users(),
        ..Rights::default()
    }));
    assert_eq!(status().await, 401);
    running.rights.send_replace(Arc::default());
    assert_eq!(status().await, 200);
}

#[tokio::test]
async fn what_acts_wants_the_token() {
    let right = "Bearer s3cret-token";
    let user = basic("prom:hunter2");
    let (wrong_user, wrong) = (basic("prom:x"), "Bearer s3cret-toke");
    for (with_users, line, shown, status) in [
        (false, "POST /-/reload", None, 403),
        (false, "POST /-/reload", Some(wrong), 403),
        (false, "POST /-/reload", Some("Bearer s3cret-token2"), 403),
        (false, "POST /-/reload", Some("Bearer"), 403),
        (false, "POST /-/reload", Some("s3cret-token"), 403),
        (false, "POST /-/reload", Some(right), 200),
        (false, "GET /-/reload", None, 403),
        (false, "GET /api/v1/events", None, 403),
        (false, "GET /api/v1/events/x", None, 403),
        (false, "GET /api/v1/events", Some(right), 404),
        // Not below events, and no route.
        (false, "GET /api/v1/eventsx", None, 404),
        (true, "POST /-/reload", None, 401),
        (true, "POST /-/reload", Some(wrong_user.as_str()), 401),
        (true, "POST /-/reload", Some(user.as_str()), 403),
        (true, "POST /-/reload", Some(wrong), 403),
        // In place of user and password, on routes without a token too.
        (true, "POST /-/reload", Some(right), 200),
        (true, "GET /nothing", Some(right), 404),
        (true, "GET /nothing", Some(wrong), 401),
        (true, "GET /nothing", None, 401),
        (true, "GET /nothing", Some(user.as_str()), 404),
    ] {
        let running = Running::start(Rights {
            users: if with_users { users() } else { Vec::new() },
            admin_token: Some("s3cret-token".to_owned()),
            ..Rights::default()
        })
        .await;
        let mut headers = vec![JSON];
        headers.extend(shown.map(|shown| ("Authorization", shown)));
        let found = plain(running.admin, line, &headers).await;
        assert_eq!(found.status, status, "{with_users} {line} {shown:?}");
        if status == 403 {
            let error = found.error();
            assert!(
                error.contains("admin_token_file") && !error.contains("s3cret"),
                "{error}"
            );
            assert_eq!(found.header("www-authenticate"), "");
        }
        if with_users {
            // What the token opens is the admin listener only.
            let found = plain(running.public, "GET /metrics", &[("Authorization", right)]).await;
            assert_eq!(found.status, 401);
        }
    }
}

#[tokio::test]
async fn a_rate_is_kept_to_by_each_listener() {
    let running = Running::start(Rights {
        rate: Some((Duration::from_secs(3600), 3)),
        ..Rights::default()
    })
    .await;
    for addr in [running.public, running.admin] {
        for _ in 0..3 {
            assert_ne!(plain(addr, "GET /nothing", &[]).await.status, 429);
        }
        let found = plain(addr, "GET /nothing", &[]).await;
        assert_eq!(found.status, 429);
        assert!(found.error().contains("rate_limit"), "{}", found.error());
        let wait: u64 = found.header("retry-after").parse().expect("seconds");
        assert!((3500..=3600).contains(&wait), "{wait}");
    }
    running.rights.send_replace(Arc::default());
    assert_eq!(plain(running.public, HEALTHY, &[]).await.status, 200);
}

#[tokio::test]
async fn configured_headers_stand_on_every_answer_that_has_none_of_its_own() {
    let header = |name: &'static str, value: &'static str| {
        (
            name.parse().expect("a name"),
            axum::http::HeaderValue::from_static(value),
        )
    };
    let running = Running::start(Rights {
        headers: vec![
            header("x-frame-options", "deny"),
            header("content-security-policy", "default-src *"),
        ],
        users: users(),
        ..Rights::default()
    })
    .await;
    let right = basic("prom:hunter2");
    for shown in [&[][..], &[("Authorization", right.as_str())]] {
        for line in ["GET /", "GET /metrics", "GET /nothing"] {
            let found = plain(running.public, line, shown).await;
            assert_eq!(found.header("x-frame-options"), "deny", "{line}");
            let policy = found.header("content-security-policy");
            assert_eq!(
                policy == "default-src *",
                found.status != 200 || line != "GET /",
                "{line}"
            );
        }
    }
}
