//! TLS of a listener: the settings, the handshake within its deadline, and why one failed.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::client_cert::ClientCheck;
use super::der;

/// Longest handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// First byte of every TLS connection: a handshake record.
const HANDSHAKE_RECORD: u8 = 0x16;

/// What is asked of the certificates of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// Nothing.
    None,
    /// One, if there is one; whose does not matter.
    Request,
    /// One; whose does not matter.
    RequireAny,
    /// One, if there is one; then it must be good.
    VerifyIfGiven,
    /// A good one.
    RequireAndVerify,
}

/// Settings of TLS as somebody read them.
pub struct TlsInput<'a> {
    /// The chain, PEM.
    pub certificate: &'a [u8],
    /// Its key, PEM.
    pub key: &'a [u8],
    /// Who may have signed certificates of clients, PEM.
    pub client_ca: Option<&'a [u8]>,
    /// What is asked of clients.
    pub client_auth: ClientAuth,
    /// Names of which a client's certificate must carry one; empty is any.
    pub allowed_sans: &'a [String],
    /// Whether TLS 1.2 is spoken.
    pub tls12: bool,
    /// Whether TLS 1.3 is spoken.
    pub tls13: bool,
    /// Cipher suites by their names in Go; empty is all.
    pub suites: &'a [&'a str],
    /// Whether our order of suites counts.
    pub prefer_server_suites: bool,
    /// Groups of the key exchange by their names in Go; empty is all.
    pub curves: &'a [&'a str],
}

/// What is wrong with the settings.
#[derive(Debug, PartialEq, Eq)]
pub struct TlsFault {
    /// Which of them.
    pub part: TlsPart,
    /// What, and what to do. It follows the name of the part, and shows nothing of a key.
    pub text: &'static str,
}

/// A part of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsPart {
    /// The chain.
    Certificate,
    /// The key.
    Key,
    /// Those who sign for clients.
    ClientCa,
    /// All together.
    Whole,
}

/// TLS that is ready.
#[derive(Clone, Debug)]
pub struct Tls {
    pub(super) config: Arc<ServerConfig>,
    /// When our certificate ends, if it says so in a way that natsight reads.
    pub not_after: Option<SystemTime>,
}

impl Tls {
    /// Makes the settings ready.
    ///
    /// # Errors
    /// The part that is wrong.
    pub fn new(input: &TlsInput<'_>) -> Result<Self, TlsFault> {
        let fault = |part, text| TlsFault { part, text };
        let chain = certificates(input.certificate).ok_or(fault(
            TlsPart::Certificate,
            "holds no certificate; give a PEM file with our certificate first, then those that signed it",
        ))?;
        let key = PrivateKeyDer::from_pem_slice(input.key).map_err(|_| {
            fault(
                TlsPart::Key,
                "holds no private key; give a PEM file with one",
            )
        })?;
        let provider = Arc::new(provider(input));
        let versions: Vec<_> = [(input.tls13, &TLS13), (input.tls12, &TLS12)]
            .into_iter()
            .filter_map(|(spoken, version)| spoken.then_some(version))
            .collect();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .map_err(|_| {
                let text = "has no cipher suite for any of its versions; name more in cipher_suites, or leave it out";
                fault(TlsPart::Whole, text)
            })?;
        let builder = match client_check(input, &provider)? {
            Some(check) => builder.with_client_cert_verifier(Arc::new(check)),
            None => builder.with_no_client_auth(),
        };
        let not_after = chain.first().and_then(|first| der::not_after(first));
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => fault(
                    TlsPart::Key,
                    "does not belong to the certificate; give the key of the first one in its file",
                ),
                rustls::Error::InvalidCertificate(_) => fault(
                    TlsPart::Certificate,
                    "is not usable; give an X.509 certificate of version 3",
                ),
                _ => fault(
                    TlsPart::Key,
                    "is of a kind that is not usable; give an RSA, ECDSA or Ed25519 key",
                ),
            })?;
        config.ignore_client_order = input.prefer_server_suites;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A resumed session is not looked at again: its certificate may have ended, its CA may be gone. Scrapers keep
        // their connections, so handshakes are rare anyway.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self {
            config: Arc::new(config),
            not_after,
        })
    }

    /// Whether two are the same settings, made ready once.
    pub(super) fn same(one: Option<&Self>, other: Option<&Self>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => Arc::ptr_eq(&one.config, &other.config),
            (None, None) => true,
            _ => false,
        }
    }
}

fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    found.ok().filter(|found| !found.is_empty())
}

/// The cryptography, cut down to the suites and groups that are wanted.
fn provider(input: &TlsInput<'_>) -> CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    let wanted = |name: &str| input.suites.contains(&name);
    // As in Go, the suites of TLS 1.3 stay unless some of them are named.
    let of_13 = |name: &str| !name.contains("_WITH_");
    let narrows_13 = input.suites.iter().any(|name| of_13(name));
    provider.cipher_suites.retain(|suite| {
        let name = go_suite(*suite);
        input.suites.is_empty() || wanted(&name) || (of_13(&name) && !narrows_13)
    });
    provider
        .kx_groups
        .retain(|group| input.curves.is_empty() || input.curves.contains(&go_curve(group.name())));
    provider
}

/// `TLS13_AES_128_GCM_SHA256` is `TLS_AES_128_GCM_SHA256` elsewhere.
fn go_suite(suite: rustls::SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
}

fn go_curve(group: rustls::NamedGroup) -> &'static str {
    match group {
        rustls::NamedGroup::X25519 => "X25519",
        rustls::NamedGroup::secp256r1 => "CurveP256",
        rustls::NamedGroup::secp384r1 => "CurveP384",
        _ => "",
    }
}

fn client_check(
    input: &TlsInput<'_>,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<ClientCheck>, TlsFault> {
    let (mandatory, verified) = match input.client_auth {
        ClientAuth::None => return Ok(None),
        ClientAuth::Request => (false, false),
        ClientAuth::RequireAny => (true, false),
        ClientAuth::VerifyIfGiven => (false, true),
        ClientAuth::RequireAndVerify => (true, true),
    };
    let fault = |text| TlsFault {
        part: TlsPart::ClientCa,
        text,
    };
    let verifier = if verified {
        let mut roots = RootCertStore::empty();
        let authorities = input.client_ca.and_then(certificates).ok_or(fault(
            "holds no certificate; give a PEM file with those who sign certificates of clients",
        ))?;
        for authority in authorities {
            roots.add(authority).map_err(|_| {
                fault("holds a certificate that cannot sign others; give those of CAs")
            })?;
        }
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                .build()
                .map_err(|_| fault("cannot be used to check clients; give certificates of CAs"))?;
        Some(verifier)
    } else {
        None
    };
    Ok(Some(ClientCheck {
        verifier,
        mandatory,
        allowed_sans: input.allowed_sans.to_vec(),
        provider: Arc::clone(provider),
    }))
}

/// Shakes hands, or gives the reason for the metric.
pub(super) async fn accept(
    tls: &Tls,
    mut stream: TcpStream,
) -> Result<TlsStream<TcpStream>, &'static str> {
    let shaken = timeout(HANDSHAKE_MAX, async {
        let mut first = [0];
        if stream.peek(&mut first).await.unwrap_or(0) == 0 {
            return Err("closed");
        }
        if first[0] != HANDSHAKE_RECORD && first[0].is_ascii_alphabetic() {
            tell_plain_http(&mut stream).await;
            return Err("plain_http");
        }
        let acceptor = TlsAcceptor::from(Arc::clone(&tls.config));
        acceptor
            .accept(stream)
            .await
            .map_err(|error| reason(&error))
    });
    shaken.await.unwrap_or(Err("timeout"))
}

/// Somebody speaks plain HTTP to a port with TLS: the usual slip, worth a sentence.
async fn tell_plain_http(stream: &mut TcpStream) {
    const BODY: &str = r#"{"error":"this port speaks TLS; write https:// instead of http://"}"#;
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{BODY}",
        BODY.len()
    );
    // What is left unread would make the kernel throw the answer away.
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await;
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Every reason that a handshake may fail for.
pub const HANDSHAKE_REASONS: &[&str] = &[
    "timeout",
    "closed",
    "plain_http",
    "no_certificate",
    "bad_certificate",
    "incompatible",
    "alert",
    "garbage",
];

fn reason(error: &io::Error) -> &'static str {
    use rustls::Error;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        None => "closed",
        Some(Error::NoCertificatesPresented) => "no_certificate",
        Some(Error::InvalidCertificate(_)) => "bad_certificate",
        Some(Error::PeerIncompatible(_) | Error::NoApplicationProtocol) => "incompatible",
        // The client likes our certificate or our versions no better.
        Some(Error::AlertReceived(_)) => "alert",
        Some(_) => "garbage",
    }
}
