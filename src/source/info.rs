//! The greeting of the client port: how long a new client waits until the broker says who it is.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use super::excerpt::excerpt;
use super::fault::{Fault, LookupFailed, fault};

/// A greeting lists every address of the cluster; 64 KiB are enough for some thousand of them.
pub const GREETING_BYTES_MAX: usize = 64 * 1024;

const PREFIX: &[u8] = b"INFO ";

/// What the broker said of itself, and how long that took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The `INFO` line.
    pub info: Info,
    /// From the start of the connect (after the name was looked up) to the end of the line.
    pub took: Duration,
}

/// The parts of the `INFO` line that identify a broker. Unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Info {
    /// Changes at each start of the broker.
    pub server_id: String,
    /// Configured name; equals the id when none is configured.
    #[serde(default)]
    pub server_name: String,
    /// Version without a leading `v`.
    #[serde(default)]
    pub version: String,
    /// Name of its cluster, if it is in one.
    pub cluster: Option<String>,
    /// JetStream domain, if one is set.
    pub domain: Option<String>,
    /// The broker drains its clients before it stops (lame duck mode).
    #[serde(default)]
    pub ldm: bool,
    /// JetStream is on.
    #[serde(default)]
    pub jetstream: bool,
    /// Clients must authenticate.
    #[serde(default)]
    pub auth_required: bool,
    /// Clients must use TLS.
    #[serde(default)]
    pub tls_required: bool,
    /// Largest message in bytes.
    pub max_payload: Option<i64>,
}

/// Why there was no greeting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InfoError {
    /// Nothing listens there.
    #[error(
        "client port {at} refused the connection; check that the broker runs and listens there"
    )]
    Refused {
        /// Host and port.
        at: String,
    },
    /// The deadline passed.
    #[error(
        "client port {at} sent no INFO line within {deadline:?}; check that it is a client port that sends INFO before TLS, and that the broker is not stuck"
    )]
    Timeout {
        /// Host and port.
        at: String,
        /// What it had.
        deadline: Duration,
    },
    /// The name has no address.
    #[error("host of client port {at} has no address ({detail}); check the name and the resolver")]
    Dns {
        /// Host and port.
        at: String,
        /// The resolver's words.
        detail: String,
    },
    /// No way there, or no means here to go (a firewall, too many open files).
    #[error("client port {at} cannot be reached ({detail}); check routes and firewall")]
    Unreachable {
        /// Host and port.
        at: String,
        /// The system's words.
        detail: String,
    },
    /// The connection ended within the line.
    #[error(
        "client port {at} closed the connection after {bytes} bytes of the INFO line; see the broker's log"
    )]
    Truncated {
        /// Host and port.
        at: String,
        /// How much had come.
        bytes: usize,
    },
    /// The line has no end.
    #[error(
        "client port {at} sent more than {GREETING_BYTES_MAX} bytes without the end of the INFO line; check that it is a NATS server"
    )]
    TooLarge {
        /// Host and port.
        at: String,
    },
    /// Something else speaks there.
    #[error("client port {at} does not greet as a NATS server ({detail}); check the port")]
    Protocol {
        /// Host and port.
        at: String,
        /// What came, shortened, or why it cannot be read.
        detail: String,
    },
}

impl InfoError {
    /// Bounded label value.
    pub fn reason(&self) -> &'static str {
        match self {
            InfoError::Refused { .. } => "refused",
            InfoError::Timeout { .. } => "timeout",
            InfoError::Dns { .. } => "dns",
            InfoError::Unreachable { .. } => "unreachable",
            InfoError::Truncated { .. } => "truncated",
            InfoError::TooLarge { .. } => "too_large",
            InfoError::Protocol { .. } => "protocol",
        }
    }
}

/// Connects to a client port, reads the `INFO` line and hangs up. The broker sees a client that went away before it
/// said anything, and logs nothing at its usual level.
pub async fn probe(host: &str, port: u16, deadline: Duration) -> Result<Greeting, InfoError> {
    let at = match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    };
    match timeout_at(Instant::now() + deadline, greeting(&at, host, port)).await {
        Ok(Err(Miss::Fault(Fault::Timeout))) | Err(_) => Err(InfoError::Timeout { at, deadline }),
        Ok(Ok(greeting)) => Ok(greeting),
        Ok(Err(miss)) => Err(miss.into_error(at)),
    }
}

/// Why reading failed, before it is known to whom that is told.
enum Miss {
    Fault(Fault),
    Truncated(usize),
    TooLarge,
    Protocol(String),
}

impl Miss {
    fn into_error(self, at: String) -> InfoError {
        match self {
            Miss::Truncated(bytes) => InfoError::Truncated { at, bytes },
            Miss::TooLarge => InfoError::TooLarge { at },
            Miss::Fault(Fault::Refused) => InfoError::Refused { at },
            Miss::Fault(Fault::Dns(detail)) => InfoError::Dns { at, detail },
            Miss::Fault(Fault::Truncated(_)) => InfoError::Truncated { at, bytes: 0 },
            Miss::Fault(Fault::Unreachable(detail)) => InfoError::Unreachable { at, detail },
            Miss::Fault(Fault::Timeout) => InfoError::Unreachable {
                at,
                detail: "timed out".to_owned(),
            },
            Miss::Protocol(detail) | Miss::Fault(Fault::Tls(detail) | Fault::Protocol(detail)) => {
                InfoError::Protocol { at, detail }
            }
        }
    }
}

async fn greeting(at: &str, host: &str, port: u16) -> Result<Greeting, Miss> {
    let addresses: Vec<SocketAddr> = lookup_host((host, port))
        .await
        .map_err(|e| Miss::Fault(fault(&LookupFailed(e))))?
        .collect();
    if addresses.is_empty() {
        return Err(Miss::Fault(Fault::Dns(format!("no address for {at}"))));
    }
    let started = Instant::now();
    let stream = TcpStream::connect(&addresses[..])
        .await
        .map_err(|e| Miss::Fault(fault(&e)))?;
    let line = line(stream).await?;
    let took = started.elapsed();
    let json = line.strip_prefix(PREFIX).unwrap_or_default();
    let info =
        serde_json::from_slice(json).map_err(|e| Miss::Protocol(format!("INFO line: {e}")))?;
    Ok(Greeting { info, took })
}

/// One line that begins as an `INFO` line, without its end. What begins otherwise is refused at once, for it may never end.
async fn line(mut stream: impl AsyncRead + Unpin) -> Result<Vec<u8>, Miss> {
    let mut line = Vec::with_capacity(4096);
    loop {
        let before = line.len();
        let read = (&mut stream)
            .take((GREETING_BYTES_MAX - before) as u64)
            .read_buf(&mut line)
            .await
            .map_err(|e| Miss::Fault(fault(&e)))?;
        if read == 0 {
            return Err(if before == GREETING_BYTES_MAX {
                Miss::TooLarge
            } else {
                Miss::Truncated(before)
            });
        }
        let compared = line.len().min(PREFIX.len());
        if line[..compared] != PREFIX[..compared] {
            return Err(Miss::Protocol(format!(
                "it began with {:?}",
                excerpt(&line, 40)
            )));
        }
        if let Some(end) = memchr::memchr(b'\n', &line[before..]) {
            line.truncate(before + end);
            return Ok(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(sent: &[u8], expected: Result<&str, &str>) {
        let got = line(sent)
            .await
            .map_err(|miss| miss.into_error("h:1".to_owned()).reason());
        assert_eq!(
            got.map(|line| String::from_utf8(line).unwrap()),
            expected.map(str::to_owned)
        );
    }

    #[tokio::test]
    async fn a_line_is_read_to_its_end_and_not_further() {
        check(b"INFO {} \r\nPING\r\n", Ok("INFO {} \r")).await;
        check(b"", Err("truncated")).await;
        check(b"INF", Err("truncated")).await;
        check(b"INFO {\"a", Err("truncated")).await;
        check(b"HTTP/1.1 400", Err("protocol")).await;
        check(b"IN\x16\x03", Err("protocol")).await;
        let mut long = b"INFO ".to_vec();
        long.resize(GREETING_BYTES_MAX + 1, b' ');
        check(&long, Err("too_large")).await;
        long[GREETING_BYTES_MAX - 1] = b'\n';
        long.truncate(GREETING_BYTES_MAX);
        assert!(line(&long[..]).await.is_ok());
    }
}
