//! Towards brokers: certificates that change, another name than the address, versions.

use std::fs;
use std::ops::ControlFlow;

use natsight::source::http::{Client as Fetcher, FetchError, Limits, Target, Tls as Files};

use super::stub::{Act, Stub};
use super::*;

const LIMITS: Limits = Limits {
    deadline: Duration::from_secs(5),
    body_max: 1000,
};

fn server(
    identity: &Identity,
    clients: Option<&Authority>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> rustls::ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(authority.certificate()).expect("a root");
            let verifier =
                rustls::server::WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
    };
    let ready = builder.with_single_cert(identity.chain(), identity.private_key());
    ready.expect("an identity")
}

async fn stub(config: rustls::ServerConfig) -> Stub {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    Stub::start_tls(Act::AnswerThenClose(answer.to_vec()), config).await
}

async fn get(client: &Fetcher) -> Result<u64, FetchError> {
    let mut ignore = |_: &[u8]| ControlFlow::Continue(());
    let answer = client.get("/varz", LIMITS, |status| status == 200, &mut ignore);
    answer.await.map(|answer| answer.bytes)
}

fn client(url: &str, tls: &Files) -> Fetcher {
    Fetcher::new(Target::parse(url).expect("a URL"), tls).expect("a client")
}

#[tokio::test]
async fn a_broker_may_carry_another_name_than_its_address() {
    let ours = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    let ca_file = folder.path().join("ca.pem");
    fs::write(&ca_file, ours.pem()).expect("written");
    let stub = stub(server(
        &ours.sign(&["nats.example"]),
        None,
        rustls::ALL_VERSIONS,
    ))
    .await;
    for (name, expected) in [
        (None, false),
        (Some("other.example"), false),
        (Some("nats.example"), true),
    ] {
        let tls = Files {
            ca_file: Some(ca_file.clone()),
            server_name: name.map(str::to_owned),
            ..Files::default()
        };
        for host in ["127.0.0.1", "localhost"] {
            let url = format!("https://{host}:{}", stub.addr().port());
            let found = get(&client(&url, &tls)).await;
            assert_eq!(found.is_ok(), expected, "{name:?} {host} {found:?}");
            if let Err(error) = found {
                assert_eq!(error.reason(), "tls");
            } else {
                let head = stub
                    .requests()
                    .pop()
                    .expect("a request")
                    .to_ascii_lowercase();
                let expected = format!("host: {host}:{}\r\n", stub.addr().port());
                assert!(
                    head.contains(&expected) && !head.contains("nats.example"),
                    "{head}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_old_version_is_not_spoken() {
    let ours = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    let ca_file = folder.path().join("ca.pem");
    fs::write(&ca_file, ours.pem()).expect("written");
    let stub = stub(server(&ours.sign(&["localhost"]), None, &[&TLS12])).await;
    for tls13_only in [false, true] {
        let tls = Files {
            ca_file: Some(ca_file.clone()),
            tls13_only,
            ..Files::default()
        };
        let url = format!("https://localhost:{}", stub.addr().port());
        assert_eq!(get(&client(&url, &tls)).await.is_ok(), !tls13_only);
    }
}

#[tokio::test]
async fn certificates_towards_brokers_are_read_again() {
    let (ours, next) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| Some(folder.path().join(name));
    fs::write(folder.path().join("ca.pem"), ours.pem()).expect("written");
    ours.sign(&["c"]).write(folder.path(), "client");
    let tls = Files {
        ca_file: file("ca.pem"),
        cert_file: file("client.pem"),
        key_file: file("client.key"),
        ..Files::default()
    };
    assert_eq!(tls.files().len(), 3);
    let stub = stub(server(
        &ours.sign(&["localhost"]),
        Some(&next),
        rustls::ALL_VERSIONS,
    ))
    .await;
    let client = client(&format!("https://localhost:{}", stub.addr().port()), &tls);
    assert_eq!(get(&client).await.expect_err("the old one").reason(), "tls");
    fs::write(folder.path().join("client.key"), "hunter2").expect("written");
    let Err(broken) = client.prepare(&tls) else {
        panic!("a broken key was taken");
    };
    assert!(broken.to_string().contains("client.key"), "{broken}");
    assert!(!broken.to_string().contains("hunter2"), "{broken}");
    next.sign(&["c"]).write(folder.path(), "client");
    client.renew(client.prepare(&tls).expect("the new one"));
    assert_eq!(get(&client).await.expect("let in"), 5);
}

#[tokio::test]
async fn a_broker_whose_certificate_expires_is_no_longer_trusted() {
    let ours = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    let ca_file = folder.path().join("ca.pem");
    fs::write(&ca_file, ours.pem()).expect("written");
    let ending = ours.sign_for(&["localhost"], Duration::from_secs(3));
    let stub = stub(server(&ending, None, rustls::ALL_VERSIONS)).await;
    let tls = Files {
        ca_file: Some(ca_file),
        ..Files::default()
    };
    let client = client(&format!("https://localhost:{}", stub.addr().port()), &tls);
    assert_eq!(get(&client).await.expect("still good"), 5);
    let end = Instant::now() + PATIENCE;
    let error = loop {
        match get(&client).await {
            Ok(_) => assert!(Instant::now() < end, "it is trusted for ever"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.reason(), "tls");
    let text = error.to_string();
    assert!(text.contains("expired") && !text.contains('\n'), "{text}");
}
