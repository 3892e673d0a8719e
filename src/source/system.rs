//! One NATS connection with the rights of the system account: requests with a deadline and a limit.

use std::fmt;
use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Request};
use bytes::Bytes;

use super::http::Tls;

/// From the first packet to the end of the handshake.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// How to reach the system account.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    /// `nats://`, `tls://`: any of them will do.
    pub urls: Vec<String>,
    /// Who natsight is there.
    pub login: Login,
    /// Certificates.
    pub tls: Tls,
}

/// Who natsight is.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// What the URL says, or nobody.
    Url,
    /// User and password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// The text of a credentials file.
    Credentials(String),
    /// An NKey seed.
    Nkey(String),
    /// A token.
    Token(String),
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why there was no answer. No variant repeats a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SystemError {
    /// No connection.
    #[error(
        "{at} cannot be reached over NATS ({why}); check system.urls, and that it is the client port"
    )]
    Connect {
        /// Addresses.
        at: String,
        /// The library's words.
        why: String,
    },
    /// Nobody that it knows.
    #[error(
        "{at} refuses natsight's user ({why}); check system.user and its password, creds_file, nkey_file or token_file"
    )]
    Login {
        /// Addresses.
        at: String,
        /// The library's words.
        why: String,
    },
    /// Nobody listens there: another account, an unknown server, an older version.
    #[error(
        "nobody answers there: the user is not of the system account, or the server does not know the request"
    )]
    NoResponders,
    /// Too late.
    #[error("no answer came over NATS within {0:?}")]
    Late(Duration),
    /// Too large.
    #[error("an answer of {bytes} bytes came over NATS, more than the limit of {most}")]
    Large {
        /// Its bytes.
        bytes: u64,
        /// The limit.
        most: u64,
    },
    /// Something else.
    #[error("the request over NATS failed ({0})")]
    Other(String),
}

/// A connection; it ends when it is dropped.
#[derive(Debug)]
pub struct System {
    client: Client,
}

impl System {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When no address answers within five seconds, or refuses the user.
    pub async fn connect(access: &Access) -> Result<Self, SystemError> {
        let at = access
            .urls
            .iter()
            .map(|url| super::excerpt::without_secrets(url))
            .collect::<Vec<_>>()
            .join(", ");
        let failed = |why: String| SystemError::Connect {
            at: at.clone(),
            why,
        };
        let options = options(access).map_err(|why| SystemError::Login {
            at: at.clone(),
            why,
        })?;
        let connecting = options.connect(access.urls.clone());
        let late = || failed(format!("nothing within {CONNECT_DEADLINE:?}"));
        let connected = tokio::time::timeout(CONNECT_DEADLINE, connecting)
            .await
            .map_err(|_| late())?;
        match connected {
            Ok(client) => Ok(Self { client }),
            Err(error) => Err(match error.kind() {
                ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                    SystemError::Login {
                        at,
                        why: error.to_string(),
                    }
                }
                _ => failed(error.to_string()),
            }),
        }
    }

    /// Name of the server at the other end.
    #[must_use]
    pub fn server(&self) -> String {
        self.client.server_info().server_name
    }

    /// One request, one answer. The answer is held whole before its size is known: a broker is trusted that far.
    ///
    /// # Errors
    ///
    /// When nobody answers in time, or with more than `most` bytes.
    pub async fn request(
        &self,
        subject: String,
        payload: Vec<u8>,
        deadline: Duration,
        most: u64,
    ) -> Result<Bytes, SystemError> {
        let request = Request::new()
            .payload(payload.into())
            .timeout(Some(deadline));
        let answer =
            self.client
                .send_request(subject, request)
                .await
                .map_err(|error| match error.kind() {
                    RequestErrorKind::NoResponders => SystemError::NoResponders,
                    RequestErrorKind::TimedOut => SystemError::Late(deadline),
                    _ => SystemError::Other(error.to_string()),
                })?;
        let bytes = answer.payload.len() as u64;
        if bytes > most {
            return Err(SystemError::Large { bytes, most });
        }
        Ok(answer.payload)
    }
}

fn options(access: &Access) -> Result<ConnectOptions, String> {
    let options = ConnectOptions::new()
        .name("natsight")
        .connection_timeout(CONNECT_DEADLINE)
        .ignore_discovered_servers()
        .max_reconnects(1);
    let mut options = match &access.login {
        Login::Url => options,
        Login::Password { user, password } => {
            options.user_and_password(user.clone(), password.clone())
        }
        Login::Credentials(text) => options
            .credentials(text)
            .map_err(|error| error.to_string())?,
        Login::Nkey(seed) => options.nkey(seed.clone()),
        Login::Token(token) => options.token(token.clone()),
    };
    if let Some(ca) = &access.tls.ca_file {
        options = options.add_root_certificates(ca.clone());
    }
    if let (Some(cert), Some(key)) = (&access.tls.cert_file, &access.tls.key_file) {
        options = options.add_client_certificate(cert.clone(), key.clone());
    }
    Ok(options)
}
