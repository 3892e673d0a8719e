//! What the transports make of brokers that refuse, hang, drip, lie or flood.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may panic; clippy excuses test functions only"
)]

mod support {
    pub(crate) mod stub;
}

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use natsight::source::http::{Answer, Client, FetchError, Limits, Target, Tls};
use natsight::source::{info, process};
use support::stub::{Act, Stub};
use tokio::net::TcpListener;
use tokio::time::Instant;

const MIB: u64 = 1024 * 1024;
const LIMITS: Limits = Limits {
    deadline: Duration::from_secs(20),
    body_max: MIB,
};
const SHORT: Limits = Limits {
    deadline: Duration::from_millis(100),
    body_max: MIB,
};

/// Loopback sockets hold some megabytes between a writer and a reader that has stopped.
const SOCKET_BUFFERS: u64 = 24 * MIB;

fn client(url: &str) -> Client {
    Client::new(Target::parse(url).unwrap(), &Tls::default()).unwrap()
}

async fn get(client: &Client, limits: Limits) -> (Result<Answer, FetchError>, Vec<u8>) {
    let mut body = Vec::new();
    let mut keep = |chunk: &[u8]| {
        body.extend_from_slice(chunk);
        ControlFlow::Continue(())
    };
    let answer = client
        .get("/varz", limits, |status| status == 200, &mut keep)
        .await;
    (answer, body)
}

async fn ask(stub: &Stub, limits: Limits) -> (Result<Answer, FetchError>, Vec<u8>) {
    get(&client(&stub.addr().to_string()), limits).await
}

/// The reason of the failure, and its message.
async fn fault(act: Act, limits: Limits) -> (&'static str, String) {
    let stub = Stub::start(act).await;
    let error = ask(&stub, limits).await.0.unwrap_err();
    (
        error.reason(),
        error.to_string().replace(&stub.addr().to_string(), "ADDR"),
    )
}

fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[tokio::test]
async fn an_answer_is_handed_on_whole() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n".to_vec();
    for act in [http("200 OK", "", "hello world"), chunked] {
        let stub = Stub::start(Act::Answer(act)).await;
        let (answer, body) = ask(&stub, LIMITS).await;
        assert_eq!(
            answer.unwrap(),
            Answer {
                status: 200,
                bytes: 11,
                stopped: false
            }
        );
        assert_eq!(body, b"hello world");
        let request = stub.requests().join("").to_lowercase();
        assert!(request.starts_with("get /varz http/1.1\r\n"), "{request}");
        assert!(!request.contains("accept-encoding"), "{request}");
    }
}

#[tokio::test]
async fn base_path_and_user_info_are_sent_and_user_info_is_not_shown() {
    let stub = Stub::start(Act::Answer(http("401 Unauthorized", "", "no"))).await;
    let client = client(&format!("http://us%65r:pw@{}/x", stub.addr()));
    let error = get(&client, LIMITS).await.0.unwrap_err();
    let request = stub.requests().join("").to_lowercase();
    assert!(request.starts_with("get /x/varz http/1.1\r\n"), "{request}");
    assert!(
        request.contains("authorization: basic dxnlcjpwdw=="),
        "{request}"
    );
    let shown = format!(
        "{client:?} {client:#?} {error} {error:?} {}",
        client.target()
    );
    assert!(
        !shown.contains("pw") && !shown.contains("dXNlcjpwdw"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let (port, certificate) = (closed_port().await, certificate());
    for url in [
        format!("http://127.0.0.1:{port}"),
        format!("https://u:pw@127.0.0.1:{port}"),
    ] {
        let tls = Tls {
            ca_file: Some(certificate.ca_file()),
            ..Tls::default()
        };
        let client = Client::new(Target::parse(&url).unwrap(), &tls).unwrap();
        let error = get(&client, LIMITS).await.0.unwrap_err();
        assert_eq!(error.reason(), "refused");
        assert!(
            error
                .to_string()
                .starts_with(&format!("127.0.0.1:{port} refused the connection; check")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_name_without_address_is_a_dns_fault() {
    // Longer than DNS allows, so that no resolver on the net is asked.
    let name = "x".repeat(64);
    let error = get(&client(&name), LIMITS).await.0.unwrap_err();
    assert_eq!(error.reason(), "dns", "{error}");
    let error = info::probe(&name, 4222, LIMITS.deadline).await.unwrap_err();
    assert_eq!(error.reason(), "dns", "{error}");
}

#[tokio::test]
async fn silence_hangs_and_drips_end_at_the_deadline() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".to_vec();
    let every = Duration::from_millis(5);
    let cases = [
        (Act::AnswerThenHang(Vec::new()), "answer"),
        (
            Act::AnswerThenHang(b"HTTP/1.1 200 OK\r\nConte".to_vec()),
            "answer",
        ),
        (
            Act::Drip {
                head: b"HTTP/1.1 200 OK\r\nX: ".to_vec(),
                byte: b'x',
                every,
            },
            "answer",
        ),
        (Act::AnswerThenHang(head.clone()), "end of the answer"),
        (
            Act::Drip {
                head,
                byte: b' ',
                every,
            },
            "end of the answer",
        ),
    ];
    for (act, missing) in cases {
        let started = Instant::now();
        let expected = format!(
            "ADDR gave no {missing} within 100ms; see whether the broker is overloaded, or allow more time"
        );
        assert_eq!(fault(act, SHORT).await, ("timeout", expected));
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{:?}",
            started.elapsed()
        );
    }
}

#[tokio::test]
async fn a_dripped_body_is_handed_on_as_it_comes() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".to_vec();
    let mut stub = Stub::start(Act::Drip {
        head,
        byte: b'x',
        every: Duration::from_millis(5),
    })
    .await;
    let (answer, body) = ask(&stub, SHORT).await;
    assert_eq!(answer.unwrap_err().reason(), "timeout");
    assert!(!body.is_empty() && body.iter().all(|byte| *byte == b'x'));
    stub.closed().await;
}

#[tokio::test]
async fn an_answer_cut_at_any_byte_is_truncated() {
    let plain = http("200 OK", "", "hello");
    let chunked =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".to_vec();
    for whole in [plain, chunked] {
        for cut in 0..whole.len() {
            let (reason, text) = fault(Act::AnswerThenClose(whole[..cut].to_vec()), LIMITS).await;
            assert_eq!(reason, "truncated", "{cut}: {text}");
        }
    }
    for chunk in ["zz\r\nhello\r\n", "fffffffffffffffffff\r\n", "5\r\nhelloXX"] {
        let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
        let (reason, text) = fault(Act::AnswerThenHang(answer.into_bytes()), LIMITS).await;
        assert_eq!(reason, "truncated", "{chunk}: {text}");
    }
}

#[tokio::test]
async fn ten_gigabytes_of_zeros_are_cut_at_the_limit() {
    let until_closed = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let mut stub = Stub::start(Act::Flood { head: until_closed }).await;
    let (answer, body) = ask(&stub, LIMITS).await;
    let error = answer.unwrap_err();
    assert_eq!(error.reason(), "too_large");
    assert!(
        error.to_string().ends_with(
            "answers with more than 1048576 bytes; ask for less detail or raise the limit"
        )
    );
    assert!(body.len() as u64 <= MIB, "{}", body.len());
    assert!(stub.closed().await < MIB + SOCKET_BUFFERS);

    let mut stub = Stub::start(Act::Flood {
        head: b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n".to_vec(),
    })
    .await;
    let (answer, body) = ask(&stub, LIMITS).await;
    assert_eq!((answer.unwrap_err().reason(), body.len()), ("too_large", 0));
    assert!(stub.closed().await < SOCKET_BUFFERS);
}

#[tokio::test]
async fn endless_headers_and_an_endless_refusal_end() {
    let mut stub = Stub::start(Act::Flood {
        head: b"HTTP/1.1 200 OK\r\nX: ".to_vec(),
    })
    .await;
    assert_eq!(ask(&stub, LIMITS).await.0.unwrap_err().reason(), "protocol");
    assert!(stub.closed().await < SOCKET_BUFFERS);

    let mut stub = Stub::start(Act::Flood {
        head: b"HTTP/1.1 500 Oh\r\n\r\n".to_vec(),
    })
    .await;
    let error = ask(&stub, LIMITS).await.0.unwrap_err();
    assert!(
        matches!(&error, FetchError::Status { code: 500, text, .. } if text.is_empty()),
        "{error}"
    );
    assert!(stub.closed().await < SOCKET_BUFFERS);
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_passes() {
    let limits = |body_max| Limits { body_max, ..LIMITS };
    let stub = Stub::start(Act::Answer(http("200 OK", "", "hello"))).await;
    assert_eq!(ask(&stub, limits(5)).await.0.unwrap().bytes, 5);
    assert_eq!(
        ask(&stub, limits(4)).await.0.unwrap_err().reason(),
        "too_large"
    );
}

#[tokio::test]
async fn a_callback_that_breaks_off_closes_the_connection() {
    let mut stub = Stub::start(Act::Flood {
        head: b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
    })
    .await;
    let mut bytes = 0;
    let mut first_only = |chunk: &[u8]| {
        bytes += chunk.len() as u64;
        ControlFlow::Break(())
    };
    let limits = Limits {
        body_max: u64::MAX,
        ..LIMITS
    };
    let answer = client(&stub.addr().to_string())
        .get("/", limits, |_| true, &mut first_only)
        .await
        .unwrap();
    assert!(
        answer.stopped && answer.bytes == bytes && bytes > 0,
        "{answer:?}"
    );
    assert!(stub.closed().await < SOCKET_BUFFERS);
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let stub = Stub::start(Act::Answer(http(
        "302 Found",
        "Location: http://u:pw@elsewhere:1/varz?token=pw\r\n",
        "",
    )))
    .await;
    let error = ask(&stub, LIMITS).await.0.unwrap_err();
    assert_eq!(error.reason(), "redirect");
    assert!(
        error
            .to_string()
            .contains("redirects with status 302 to \"http://elsewhere:1/varz\"; give the final"),
        "{error}"
    );
    assert_eq!(stub.requests().len(), 1);

    let long = format!("Location: /{}\r\n", "x".repeat(5000));
    let (reason, text) = fault(Act::Answer(http("301 Moved", &long, "")), LIMITS).await;
    assert!(reason == "redirect" && text.len() < 350, "{text}");
    assert_eq!(
        fault(Act::Answer(http("307 Moved", "", "")), LIMITS)
            .await
            .0,
        "redirect"
    );
}

#[tokio::test]
async fn a_refused_status_brings_the_brokers_words() {
    let check = async |status: &str, body: &str, expected: &str| {
        let (reason, text) = fault(Act::Answer(http(status, "", body)), LIMITS).await;
        assert_eq!(reason, "status");
        assert!(text.starts_with(expected), "{text}");
    };
    check(
        "404 Not Found",
        "404 page not found\n",
        "ADDR answered with status 404 and \"404 page not found\"; check the base",
    )
    .await;
    check(
        "400 Bad Request",
        "bad\r\nsub\x1b[2J",
        "ADDR answered with status 400 and \"bad  sub [2J\"; see",
    )
    .await;
    check(
        "500 Oh",
        "",
        "ADDR answered with status 500 and \"\"; see the broker's log",
    )
    .await;
    check("204 No", "", "ADDR answered with status 204").await;
    let long = "x".repeat(100_000);
    check(
        "500 Oh",
        &long,
        &format!(
            "ADDR answered with status 500 and \"{}\"; see",
            "x".repeat(200)
        ),
    )
    .await;

    let hang = b"HTTP/1.1 503 Wait\r\nContent-Length: 9\r\n\r\nbusy".to_vec();
    let started = Instant::now();
    let (reason, text) = fault(Act::AnswerThenHang(hang), SHORT).await;
    assert!(
        reason == "status" && text.contains("503 and \"busy\""),
        "{text}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn the_caller_says_which_statuses_have_a_body() {
    let stub = Stub::start(Act::Answer(http(
        "503 Unavailable",
        "",
        "{\"status\":\"error\"}",
    )))
    .await;
    let client = client(&stub.addr().to_string());
    let mut body = Vec::new();
    let mut keep = |chunk: &[u8]| {
        body.extend_from_slice(chunk);
        ControlFlow::Continue(())
    };
    let answer = client
        .get(
            "/healthz",
            LIMITS,
            |status| matches!(status, 200 | 500 | 503),
            &mut keep,
        )
        .await
        .unwrap();
    assert_eq!(
        (answer.status, body.as_slice()),
        (503, &b"{\"status\":\"error\"}"[..])
    );
}

#[tokio::test]
async fn what_is_not_http_is_a_fault_of_protocol() {
    let info = b"INFO {\"server_id\":\"N\"} \r\n".to_vec();
    // More than once, for the greeting may come before or after the request is written.
    for _ in 0..50 {
        for act in [
            Act::AnswerThenHang(b"garbage\r\n\r\n".to_vec()),
            Act::AnswerThenClose(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()),
            Act::AnswerThenHang(b"HTTP/1.1 abc\r\n\r\n".to_vec()),
            Act::Greet(info.clone()),
        ] {
            let (reason, text) = fault(act, LIMITS).await;
            assert_eq!(reason, "protocol", "{text}");
            assert!(
                text.ends_with("check that this is the monitoring port, not the client port"),
                "{text}"
            );
        }
    }
}

/// With two threads the close comes now before the request is written, now after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_closes_at_once_is_asked_twice_at_most() {
    for _ in 0..200 {
        let stub = Stub::start(Act::GreetThenClose(Vec::new())).await;
        let error = ask(&stub, LIMITS).await.0.unwrap_err();
        assert_eq!(error.reason(), "truncated", "{error}");
        assert!(stub.connections() <= 2, "{}", stub.connections());
    }
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let stub = Stub::start(Act::Answer(http("200 OK", "", "hello"))).await;
    let client = client(&stub.addr().to_string());
    for _ in 0..5 {
        assert_eq!(get(&client, LIMITS).await.0.unwrap().bytes, 5);
        // The library gives the connection back in a task of its own.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!((stub.connections(), stub.requests().len()), (1, 5));
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_replaced() {
    let mut stub = Stub::start(Act::AnswerThenClose(http("200 OK", "", "hello"))).await;
    let client = client(&stub.addr().to_string());
    for _ in 0..3 {
        assert_eq!(get(&client, LIMITS).await.0.unwrap().bytes, 5);
        stub.closed().await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(stub.connections(), 3);
}

/// The environment of a process cannot be changed safely while it runs, so the test runs itself again in another one.
#[tokio::test]
async fn neither_proxies_of_the_environment_nor_missing_ca_bundles_matter() {
    const CHILD: &str = "NATSIGHT_TEST_CHILD";
    const NAME: &str = "neither_proxies_of_the_environment_nor_missing_ca_bundles_matter";
    if std::env::var_os(CHILD).is_none() {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", NAME])
            .env(CHILD, "1")
            .env_remove("NO_PROXY")
            .env_remove("no_proxy");
        for name in [
            "HTTP_PROXY",
            "http_proxy",
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
        ] {
            child.env(name, format!("http://127.0.0.1:{}", closed_port().await));
        }
        let output = child
            .env("SSL_CERT_FILE", "/nonexistent")
            .env("SSL_CERT_DIR", "/nonexistent")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{text}"
        );
        return;
    }
    let stub = Stub::start(Act::Answer(http("200 OK", "", "hello"))).await;
    assert_eq!(ask(&stub, LIMITS).await.0.unwrap().bytes, 5);

    let error = get(&client(&format!("https://{}", stub.addr())), LIMITS)
        .await
        .0
        .unwrap_err();
    assert_eq!(error.reason(), "tls");
    assert!(
        error
            .to_string()
            .contains("no CA certificates on this machine"),
        "{error}"
    );
    assert_eq!(stub.connections(), 1);
}

/// A certificate that signs itself, for a server and for a client.
struct Certificate {
    cert: rcgen::CertifiedKey<rcgen::KeyPair>,
    dir: tempfile::TempDir,
}

fn certificate() -> Certificate {
    let cert = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()])
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    Certificate { cert, dir }
}

impl Certificate {
    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn ca_file(&self) -> PathBuf {
        self.file("ca.pem", &self.cert.cert.pem())
    }

    fn key_file(&self) -> PathBuf {
        self.file("key.pem", &self.cert.signing_key.serialize_pem())
    }

    fn server(&self, asks_for_certificate: bool) -> rustls::ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = match asks_for_certificate {
            false => builder.with_no_client_auth(),
            true => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(self.cert.cert.der().clone()).unwrap();
                let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
                    Arc::new(roots),
                    provider,
                );
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let key = rustls::pki_types::PrivateKeyDer::try_from(self.cert.signing_key.serialize_der())
            .unwrap();
        builder
            .with_single_cert(vec![self.cert.cert.der().clone()], key)
            .unwrap()
    }
}

async fn get_tls(stub: &Stub, host: &str, tls: &Tls) -> Result<Answer, FetchError> {
    let target = Target::parse(&format!("https://{host}:{}", stub.addr().port())).unwrap();
    get(&Client::new(target, tls).unwrap(), LIMITS).await.0
}

#[tokio::test]
async fn tls_trusts_whom_it_is_told_to() {
    let certificate = certificate();
    let stub = Stub::start_tls(
        Act::Answer(http("200 OK", "", "hello")),
        certificate.server(false),
    )
    .await;
    let tls = Tls {
        ca_file: Some(certificate.ca_file()),
        ..Tls::default()
    };
    assert_eq!(get_tls(&stub, "127.0.0.1", &tls).await.unwrap().bytes, 5);
    assert_eq!(get_tls(&stub, "localhost", &tls).await.unwrap().bytes, 5);

    let error = get_tls(&stub, "127.0.0.1", &Tls::default())
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "tls", "{error}");
    let error = get_tls(&stub, "127.0.0.2", &tls).await;
    assert_eq!(error.unwrap_err().reason(), "refused");
    let plain = get(&client(&stub.addr().to_string()), LIMITS)
        .await
        .0
        .unwrap_err();
    assert_eq!(plain.reason(), "protocol", "{plain}");

    let other = self::certificate();
    let other = Tls {
        ca_file: Some(other.ca_file()),
        ..Tls::default()
    };
    assert_eq!(
        get_tls(&stub, "127.0.0.1", &other)
            .await
            .unwrap_err()
            .reason(),
        "tls"
    );

    let greeting = Stub::start(Act::GreetThenClose(b"INFO {}\r\n".to_vec())).await;
    assert_eq!(
        get_tls(&greeting, "127.0.0.1", &tls)
            .await
            .unwrap_err()
            .reason(),
        "tls"
    );
}

#[tokio::test]
async fn tls_shows_a_certificate_when_asked() {
    let certificate = certificate();
    let stub = Stub::start_tls(
        Act::Answer(http("200 OK", "", "hello")),
        certificate.server(true),
    )
    .await;
    let ca_file = Some(certificate.ca_file());
    let with = Tls {
        cert_file: ca_file.clone(),
        key_file: Some(certificate.key_file()),
        ca_file: ca_file.clone(),
        ..Tls::default()
    };
    assert_eq!(get_tls(&stub, "127.0.0.1", &with).await.unwrap().bytes, 5);
    let without = Tls {
        ca_file,
        ..Tls::default()
    };
    assert_eq!(
        get_tls(&stub, "127.0.0.1", &without)
            .await
            .unwrap_err()
            .reason(),
        "tls"
    );
}

#[tokio::test]
async fn tls_files_are_checked_when_the_client_is_made() {
    let certificate = certificate();
    let check = |tls: &Tls, expected: &str| {
        let error = Client::new(Target::parse("https://h").unwrap(), tls)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
        // Plain HTTP never looks.
        Client::new(Target::parse("http://h").unwrap(), tls).unwrap();
    };
    let (cert, key) = (Some(certificate.ca_file()), Some(certificate.key_file()));
    let none = Tls::default;
    check(
        &Tls {
            ca_file: Some("/nonexistent".into()),
            ..none()
        },
        "/nonexistent cannot be read (",
    );
    check(
        &Tls {
            ca_file: Some(certificate.file("no.pem", "hello")),
            ..none()
        },
        "it holds no certificate); give a PEM file",
    );
    check(
        &Tls {
            cert_file: cert.clone(),
            ..none()
        },
        "has no key file beside it; give both or neither",
    );
    check(
        &Tls {
            key_file: key.clone(),
            ..none()
        },
        "has no certificate file beside it; give both or neither",
    );
    check(
        &Tls {
            cert_file: cert.clone(),
            key_file: cert.clone(),
            ..none()
        },
        "give a PEM file with one private key",
    );
    let other = self::certificate();
    check(
        &Tls {
            cert_file: cert,
            key_file: Some(other.key_file()),
            ..none()
        },
        "check that certificate and key belong",
    );
}

async fn probe(act: Act, deadline: Duration) -> Result<info::Greeting, info::InfoError> {
    let stub = Stub::start(act).await;
    info::probe("127.0.0.1", stub.addr().port(), deadline).await
}

#[tokio::test]
async fn a_client_port_says_who_it_is() {
    let line = br#"INFO {"server_id":"NA","server_name":"a","version":"2.15.1","proto":1,"max_payload":1048576,"cluster":"c","ldm":true,"new":[{}]} "#;
    let greeting = probe(Act::Greet([&line[..], b"\r\n"].concat()), LIMITS.deadline)
        .await
        .unwrap();
    let info = greeting.info;
    assert_eq!(
        (
            info.server_id.as_str(),
            info.server_name.as_str(),
            info.version.as_str()
        ),
        ("NA", "a", "2.15.1")
    );
    assert_eq!(
        (
            info.cluster.as_deref(),
            info.ldm,
            info.jetstream,
            info.max_payload
        ),
        (Some("c"), true, false, Some(MIB as i64))
    );
    assert!(greeting.took < LIMITS.deadline);
    let least = probe(
        Act::GreetThenClose(b"INFO {\"server_id\":\"NA\"}\n".to_vec()),
        LIMITS.deadline,
    )
    .await
    .unwrap();
    assert_eq!((least.info.cluster, least.info.ldm), (None, false));
}

#[tokio::test]
async fn what_is_no_client_port_gets_a_reason() {
    let greet = |text: &str| Act::Greet(text.as_bytes().to_vec());
    let close = |text: &str| Act::GreetThenClose(text.as_bytes().to_vec());
    let (deep, long) = (
        format!("INFO {}\n", "[".repeat(60_000)),
        format!("INFO {}", " ".repeat(100_000)),
    );
    let cases = [
        (greet(""), "timeout", "no INFO line within 100ms"),
        (
            greet("INFO {\"server_id"),
            "timeout",
            "no INFO line within 100ms",
        ),
        (close(""), "truncated", "after 0 bytes"),
        (close("INFO {\"server_id"), "truncated", "after 16 bytes"),
        (
            greet("SSH-2.0-x\x1b\n"),
            "protocol",
            "it began with \"SSH-2.0-x\"",
        ),
        (
            greet("INFO garbage\n"),
            "protocol",
            "INFO line: expected value",
        ),
        (greet("INFO {}\n"), "protocol", "missing field `server_id`"),
        (greet(&deep), "protocol", "INFO line: invalid type"),
        (greet(&long), "too_large", "65536 bytes"),
    ];
    for (act, reason, text) in cases {
        let deadline = if reason == "timeout" {
            SHORT.deadline
        } else {
            LIMITS.deadline
        };
        let error = probe(act, deadline).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
        assert!(error.to_string().contains(text), "{error}");
    }
    let port = closed_port().await;
    let error = info::probe("127.0.0.1", port, LIMITS.deadline)
        .await
        .unwrap_err();
    let expected = format!("client port 127.0.0.1:{port} refused");
    assert!(
        error.reason() == "refused" && error.to_string().starts_with(&expected),
        "{error}"
    );
}

#[tokio::test]
async fn our_own_process_is_found_by_its_port_and_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    assert_eq!(
        process::find_listener(port).unwrap(),
        std::process::id() as i32
    );
    let sample = process::read(std::process::id() as i32).unwrap();
    assert!(
        sample.resident_bytes > MIB && sample.threads >= 1 && sample.ticks_per_second > 0,
        "{sample:?}"
    );
    assert!(
        sample.start_ticks > 0 && sample.open_fds.unwrap() >= 4,
        "{sample:?}"
    );
    drop(listener);
    assert_eq!(
        process::find_listener(port).unwrap_err().reason(),
        "no_listener"
    );
}
