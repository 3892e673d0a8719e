//! Certificates for a test: an authority, and what it signs.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Who signs.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, PEM.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) cert: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.pem().as_bytes()).expect("PEM")
    }

    /// A certificate for these names, good from 1975 on.
    pub(crate) fn sign(&self, names: &[&str]) -> Identity {
        self.sign_until(names, 4000)
    }

    /// The same, good to the end of this year.
    pub(crate) fn sign_until(&self, names: &[&str], year: i32) -> Identity {
        self.sign_with(names, |params| {
            params.not_after = date_time_ymd(year, 12, 31)
        })
    }

    /// The same, good for so long from now on; certificates know whole seconds only.
    #[allow(dead_code, reason = "not every test waits for an end")]
    pub(crate) fn sign_for(&self, names: &[&str], span: Duration) -> Identity {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let end = (now.expect("after 1970") + span).as_secs();
        self.sign_with(names, |params| {
            params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(end);
        })
    }

    fn sign_with(&self, names: &[&str], set: impl FnOnce(&mut CertificateParams)) -> Identity {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        set(&mut params);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.0).expect("a certificate");
        Identity {
            cert: cert.pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Identity {
    /// Writes `NAME.pem` and `NAME.key`.
    pub(crate) fn write(&self, folder: &Path, name: &str) {
        std::fs::write(folder.join(format!("{name}.pem")), &self.cert).expect("written");
        std::fs::write(folder.join(format!("{name}.key")), &self.key).expect("written");
    }

    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(self.cert.as_bytes())
            .collect::<Result<_, _>>()
            .expect("PEM")
    }

    pub(crate) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("PEM")
    }
}

/// A client's side of TLS.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) trusts: String,
    pub(crate) shows: Option<Identity>,
    pub(crate) versions: &'static [&'static SupportedProtocolVersion],
    pub(crate) suite: Option<rustls::CipherSuite>,
}

impl Client {
    pub(crate) fn new(authority: &Authority) -> Self {
        Self {
            trusts: authority.pem(),
            shows: None,
            versions: rustls::ALL_VERSIONS,
            suite: None,
        }
    }

    pub(crate) fn showing(&self, identity: &Identity) -> Self {
        Self {
            shows: Some(identity.clone()),
            ..self.clone()
        }
    }

    fn config(&self) -> ClientConfig {
        let mut provider = rustls::crypto::ring::default_provider();
        provider
            .cipher_suites
            .retain(|suite| self.suite.is_none_or(|wanted| suite.suite() == wanted));
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(self.trusts.as_bytes()) {
            roots.add(root.expect("PEM")).expect("a root");
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(self.versions)
            .expect("versions")
            .with_root_certificates(roots);
        match &self.shows {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(identity.chain(), identity.private_key())
                .expect("an identity"),
        }
    }

    /// Connects and shakes hands.
    pub(crate) async fn connect(&self, addr: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(addr).await?;
        // Else the request waits for the acknowledgement of the handshake's end, 40 ms each time.
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").expect("a name");
        TlsConnector::from(Arc::new(self.config()))
            .connect(name, tcp)
            .await
    }
}
