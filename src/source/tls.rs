//! Whom to trust and who to be when a monitoring port speaks TLS.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, SupportedProtocolVersion, WantsVerifier};

/// Far above any bundle of certificates, far below what would hurt.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Files for TLS, PEM all of them. They are read when a client is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificates to trust instead of the machine's.
    pub ca_file: Option<PathBuf>,
    /// Our certificate, with its chain, for who asks for one.
    pub cert_file: Option<PathBuf>,
    /// The key of our certificate.
    pub key_file: Option<PathBuf>,
    /// The name to send and to look for in certificates, instead of the URL's host.
    pub server_name: Option<String>,
    /// Whether TLS 1.2 is too old.
    pub tls13_only: bool,
}

/// Why the TLS options do not hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("TLS file {} cannot be read ({source}); check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("TLS file {} is not usable ({detail}); give a PEM file with {expected}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        expected: &'static str,
        /// Why it is not that.
        detail: String,
    },
    /// Certificate without key, or key without certificate.
    #[error("TLS {given} file {} has no {missing} file beside it; give both or neither", path.display())]
    Half {
        /// The file that is given.
        path: PathBuf,
        /// `certificate` or `key`.
        given: &'static str,
        /// The other.
        missing: &'static str,
    },
    /// The library refuses them.
    #[error("TLS cannot be set up ({0}); check that certificate and key belong together")]
    Library(#[from] rustls::Error),
}

impl Tls {
    /// The files on which a client depends.
    pub fn files(&self) -> Vec<PathBuf> {
        [&self.ca_file, &self.cert_file, &self.key_file]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// The settings for `https`, and whether there is no certificate at all to trust.
    pub(super) fn client_config(&self) -> Result<(ClientConfig, bool), TlsError> {
        let roots = match &self.ca_file {
            Some(path) => roots_from(path)?,
            None => roots_of_machine(),
        };
        let trusts_nobody = roots.is_empty();
        let versions: &[_] = if self.tls13_only {
            &[&TLS13]
        } else {
            &[&TLS13, &TLS12]
        };
        let builder = builder(versions)?.with_root_certificates(roots);
        let mut config = match self.identity()? {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
            None => builder.with_no_client_auth(),
        };
        // A resumed session would not look at the certificate again, and go on trusting one that has expired. Connections
        // are kept, so that full handshakes are rare anyway.
        config.resumption = Resumption::disabled();
        Ok((config, trusts_nobody))
    }

    fn identity(
        &self,
    ) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, TlsError> {
        let half = |path: &PathBuf, given, missing| {
            Err(TlsError::Half {
                path: path.clone(),
                given,
                missing,
            })
        };
        match (&self.cert_file, &self.key_file) {
            (None, None) => Ok(None),
            (Some(path), None) => half(path, "certificate", "key"),
            (None, Some(path)) => half(path, "key", "certificate"),
            (Some(cert_file), Some(key_file)) => {
                let chain = certificates(cert_file)?;
                let key = PrivateKeyDer::from_pem_slice(&read(key_file)?).map_err(|e| {
                    TlsError::Content {
                        path: key_file.clone(),
                        expected: "one private key",
                        // Not in the library's words: they may repeat a line of the file.
                        detail: match e {
                            PemError::NoItemsFound => "it holds no private key".to_owned(),
                            _ => "it is not PEM".to_owned(),
                        },
                    }
                })?;
                Ok(Some((chain, key)))
            }
        }
    }
}

/// The HTTP library wants TLS settings even when it will never use them, and looks for certificates if it gets none:
/// without a CA bundle on the machine that fails.
pub(super) fn config_for_plain_http() -> Result<ClientConfig, TlsError> {
    Ok(builder(&[&TLS13, &TLS12])?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

fn builder(
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider).with_protocol_versions(versions)?)
}

fn roots_from(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|e| TlsError::Content {
            path: path.to_owned(),
            expected: CERTIFICATES,
            detail: e.to_string(),
        })?;
    }
    Ok(roots)
}

/// What the machine trusts; unreadable parts of its bundle are left out, a machine without one trusts nobody.
fn roots_of_machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

const CERTIFICATES: &str = "one or more certificates";

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let content = |detail: String| TlsError::Content {
        path: path.to_owned(),
        expected: CERTIFICATES,
        detail,
    };
    let pem = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(certificates) if certificates.is_empty() => {
            Err(content("it holds no certificate".to_owned()))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(content(error.to_string())),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|source| TlsError::Read {
            path: path.to_owned(),
            source,
        })?;
    Ok(bytes)
}
