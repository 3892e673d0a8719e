//! One HTTP request to a monitoring port, within a deadline and a byte limit, the body handed on as it comes.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use reqwest::dns::{Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HOST, LOCATION};
use tokio::net::lookup_host;
use tokio::time::{Instant, timeout_at};

use super::excerpt::{excerpt, without_secrets};
use super::fault::{Fault, LookupFailed, fault, never_left};
pub use super::target::{PORT_DEFAULT, Target, TargetError};
pub use super::tls::{Tls, TlsError};

/// Idle connections kept to one broker: one a lane.
const IDLE_MAX: usize = 2;

/// How much of a refused answer's body is read: that much is an explanation, more is not.
const REFUSAL_BYTES_MAX: usize = 200;

/// What a request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Name lookup, connect, TLS, headers and the whole body together.
    pub deadline: Duration,
    /// Longest body in bytes.
    pub body_max: u64,
}

/// How a request ended that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status, one that the caller accepts.
    pub status: u16,
    /// Bytes of the body that were handed on.
    pub bytes: u64,
    /// The callback broke off; the connection was closed and the rest not read.
    pub stopped: bool,
}

/// Why a request gave nothing, or not all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Nothing listens there.
    #[error(
        "{at} refused the connection; check that the broker runs and that its monitoring port (http_port) is this one"
    )]
    Refused {
        /// Host and port.
        at: String,
    },
    /// The deadline passed.
    #[error(
        "{at} gave no {missing} within {deadline:?}; see whether the broker is overloaded, or allow more time"
    )]
    Timeout {
        /// Host and port.
        at: String,
        /// What it had.
        deadline: Duration,
        /// `answer` or `end of the answer`.
        missing: &'static str,
    },
    /// The name has no address.
    #[error("host of {at} has no address ({detail}); check the name and the resolver")]
    Dns {
        /// Host and port.
        at: String,
        /// The resolver's words.
        detail: String,
    },
    /// No way there, or no means here to go (a firewall, too many open files).
    #[error(
        "{at} cannot be reached ({detail}); check routes, firewall and the limit on open files"
    )]
    Unreachable {
        /// Host and port.
        at: String,
        /// The system's words.
        detail: String,
    },
    /// TLS failed; with plain HTTP on the other side too.
    #[error(
        "TLS with {at} failed ({detail}); check the CA file, the certificate's names, and that the port speaks https"
    )]
    Tls {
        /// Host and port.
        at: String,
        /// The library's words.
        detail: String,
    },
    /// It points elsewhere, and natsight follows nobody.
    #[error(
        "{at} redirects with status {code} to {location:?}; give the final address as the broker's URL"
    )]
    Redirect {
        /// Host and port.
        at: String,
        /// The 3xx status.
        code: u16,
        /// Where to, shortened.
        location: String,
    },
    /// A status that the caller does not accept.
    #[error("{at} answered with status {code} and {text:?}; {}", status_hint(*code))]
    Status {
        /// Host and port.
        at: String,
        /// The status.
        code: u16,
        /// The beginning of the body.
        text: String,
    },
    /// More bytes than allowed, announced or sent.
    #[error("{at} answers with more than {body_max} bytes; ask for less detail or raise the limit")]
    TooLarge {
        /// Host and port.
        at: String,
        /// The limit.
        body_max: u64,
    },
    /// The connection ended within the answer.
    #[error(
        "{at} broke off its answer after {bytes} bytes of the body ({detail}); see the broker's log"
    )]
    Truncated {
        /// Host and port.
        at: String,
        /// Bytes that were handed on before.
        bytes: u64,
        /// The library's words.
        detail: String,
    },
    /// It does not speak HTTP.
    #[error(
        "{at} does not speak HTTP ({detail}); check that this is the monitoring port, not the client port"
    )]
    Protocol {
        /// Host and port.
        at: String,
        /// The library's words.
        detail: String,
    },
}

impl FetchError {
    /// Bounded label value.
    pub fn reason(&self) -> &'static str {
        match self {
            FetchError::Refused { .. } => "refused",
            FetchError::Timeout { .. } => "timeout",
            FetchError::Dns { .. } => "dns",
            FetchError::Unreachable { .. } => "unreachable",
            FetchError::Tls { .. } => "tls",
            FetchError::Redirect { .. } => "redirect",
            FetchError::Status { .. } => "status",
            FetchError::TooLarge { .. } => "too_large",
            FetchError::Truncated { .. } => "truncated",
            FetchError::Protocol { .. } => "protocol",
        }
    }
}

fn status_hint(code: u16) -> &'static str {
    match code {
        401 | 403 => "put user and password for the proxy into the URL",
        404 => "check the base path, and whether this version of the broker has the endpoint",
        502..=504 => "see the proxy in front of the broker",
        _ => "see the broker's log",
    }
}

/// Why a [`Client`] cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The TLS options do not hold.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP library refuses its own settings.
    #[error("HTTP client for {at} cannot be made ({detail}); report this as a bug")]
    Library {
        /// The broker's URL.
        at: String,
        /// The library's words.
        detail: String,
    },
}

/// Requests to one broker, over at most a few connections that are kept open.
pub struct Client {
    target: Target,
    ready: Mutex<Ready>,
}

/// The HTTP client proper, made for one reading of the TLS files.
#[derive(Clone)]
pub struct Ready {
    http: reqwest::Client,
    trusts_nobody: bool,
    /// The host that the URL is given, where the certificate carries another name than the broker's address.
    server_name: Option<Arc<str>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client for `target`. With `https` this reads certificates from the disk; with `http` it never does.
    pub fn new(target: Target, tls: &Tls) -> Result<Client, ClientError> {
        let ready = Mutex::new(make(&target, tls)?);
        Ok(Client { target, ready })
    }

    /// Reads the TLS files again.
    ///
    /// # Errors
    /// What is wrong with them; the client goes on as it is.
    pub fn prepare(&self, tls: &Tls) -> Result<Ready, ClientError> {
        make(&self.target, tls)
    }

    /// Uses what was prepared from the next request on. Connections of before are not used again.
    pub fn renew(&self, ready: Ready) {
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = ready;
    }

    fn ready(&self) -> Ready {
        self.ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The broker this client asks.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Asks for `path_and_query` below the target's base path and hands the body on, chunk by chunk.
    ///
    /// `accept` says which statuses have a body worth reading. Chunks may have been handed on before an error: what was
    /// made of them must be dropped then.
    pub async fn get(
        &self,
        path_and_query: &str,
        limits: Limits,
        accept: fn(u16) -> bool,
        on_chunk: &mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> Result<Answer, FetchError> {
        self.ask(path_and_query, None, limits, accept, on_chunk)
            .await
    }

    /// Sends `body` to `path_and_query` below the target's base path; what is answered with a 2xx status is read and dropped.
    pub async fn post(
        &self,
        path_and_query: &str,
        body: Bytes,
        limits: Limits,
    ) -> Result<(), FetchError> {
        let good = |status| (200..300).contains(&status);
        let mut drop = |_: &[u8]| ControlFlow::Continue(());
        self.ask(path_and_query, Some(body), limits, good, &mut drop)
            .await
            .map(|_| ())
    }

    async fn ask(
        &self,
        path_and_query: &str,
        sent: Option<Bytes>,
        limits: Limits,
        accept: fn(u16) -> bool,
        on_chunk: &mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> Result<Answer, FetchError> {
        let ready = self.ready();
        if ready.trusts_nobody {
            let detail = "no CA certificates on this machine".to_owned();
            return Err(FetchError::Tls {
                at: self.at(),
                detail,
            });
        }
        let until = Instant::now() + limits.deadline;
        let late = |missing| FetchError::Timeout {
            at: self.at(),
            deadline: limits.deadline,
            missing,
        };
        let response = match timeout_at(until, self.head(&ready, path_and_query, sent)).await {
            Err(_) => return Err(late("answer")),
            Ok(Err(error)) => return Err(self.head_error(&error, limits)),
            Ok(Ok(response)) => response,
        };
        let status = response.status().as_u16();
        if !accept(status) {
            return Err(self.refusal(response, until).await);
        }
        let body = self.body(response, limits, until, on_chunk);
        timeout_at(until, body)
            .await
            .unwrap_or_else(|_| Err(late("end of the answer")))
    }

    /// Asks for a body that is small enough to be held whole, with status 200.
    pub async fn whole(&self, path_and_query: &str, limits: Limits) -> Result<Vec<u8>, FetchError> {
        let mut body = Vec::new();
        let mut take = |chunk: &[u8]| {
            body.extend_from_slice(chunk);
            ControlFlow::Continue(())
        };
        self.get(path_and_query, limits, |status| status == 200, &mut take)
            .await?;
        Ok(body)
    }

    /// Sends the request. One that never left is sent once more: to a port that greets at once (the client port, by mistake)
    /// the first may come too late to learn what is wrong.
    async fn head(
        &self,
        ready: &Ready,
        path_and_query: &str,
        sent: Option<Bytes>,
    ) -> reqwest::Result<Response> {
        let mut url = self.target.url(path_and_query);
        let renamed = ready
            .server_name
            .as_ref()
            .is_some_and(|name| url.set_host(Some(name)).is_ok());
        let send = || {
            let request = match &sent {
                None => ready.http.get(url.clone()),
                Some(body) => ready
                    .http
                    .post(url.clone())
                    .header(CONTENT_TYPE, "application/octet-stream")
                    .body(body.clone()),
            };
            // The name is that of the certificate; a proxy may choose by the address.
            match renamed {
                true => request.header(HOST, self.at()).send(),
                false => request.send(),
            }
        };
        match send().await {
            Err(error) if never_left(&error) => send().await,
            other => other,
        }
    }

    async fn body(
        &self,
        mut response: Response,
        limits: Limits,
        until: Instant,
        on_chunk: &mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> Result<Answer, FetchError> {
        let too_large = || FetchError::TooLarge {
            at: self.at(),
            body_max: limits.body_max,
        };
        if response
            .content_length()
            .is_some_and(|announced| announced > limits.body_max)
        {
            return Err(too_large());
        }
        let status = response.status().as_u16();
        let mut bytes = 0;
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|e| self.body_error(&e, bytes))?
        {
            // A body that always has more ready would otherwise never let the timer be looked at.
            if Instant::now() >= until {
                let (at, deadline) = (self.at(), limits.deadline);
                return Err(FetchError::Timeout {
                    at,
                    deadline,
                    missing: "end of the answer",
                });
            }
            if bytes + chunk.len() as u64 > limits.body_max {
                return Err(too_large());
            }
            bytes += chunk.len() as u64;
            if on_chunk(&chunk).is_break() {
                return Ok(Answer {
                    status,
                    bytes,
                    stopped: true,
                });
            }
            // What is ready already must not keep other servers and scrapers waiting until all of it is read.
            tokio::task::yield_now().await;
        }
        Ok(Answer {
            status,
            bytes,
            stopped: false,
        })
    }

    /// The error for a status that is not accepted. The explanation is worth waiting for, but its absence changes nothing.
    async fn refusal(&self, mut response: Response, until: Instant) -> FetchError {
        let (at, code) = (self.at(), response.status().as_u16());
        if (300..400).contains(&code) {
            let location = response
                .headers()
                .get(LOCATION)
                .map(|value| String::from_utf8_lossy(value.as_bytes()));
            return FetchError::Redirect {
                at,
                code,
                location: without_secrets(&location.unwrap_or_default()),
            };
        }
        let mut text = Vec::new();
        while text.len() < REFUSAL_BYTES_MAX
            && let Ok(Ok(Some(chunk))) = timeout_at(until, response.chunk()).await
        {
            let room = REFUSAL_BYTES_MAX - text.len();
            text.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        FetchError::Status {
            at,
            code,
            text: excerpt(&text, REFUSAL_BYTES_MAX),
        }
    }

    fn head_error(&self, error: &reqwest::Error, limits: Limits) -> FetchError {
        let at = self.at();
        match fault(error) {
            Fault::Refused => FetchError::Refused { at },
            Fault::Timeout => FetchError::Timeout {
                at,
                deadline: limits.deadline,
                missing: "answer",
            },
            Fault::Dns(detail) => FetchError::Dns { at, detail },
            Fault::Unreachable(detail) => FetchError::Unreachable { at, detail },
            Fault::Tls(detail) => FetchError::Tls { at, detail },
            Fault::Truncated(detail) => FetchError::Truncated {
                at,
                bytes: 0,
                detail,
            },
            Fault::Protocol(detail) => FetchError::Protocol { at, detail },
        }
    }

    /// Whatever ends a body early has cut it, a broken chunk too; TLS alone has a story of its own.
    fn body_error(&self, error: &reqwest::Error, bytes: u64) -> FetchError {
        let at = self.at();
        let detail = match fault(error) {
            Fault::Tls(detail) => return FetchError::Tls { at, detail },
            Fault::Refused | Fault::Timeout => "connection lost".to_owned(),
            Fault::Dns(detail)
            | Fault::Unreachable(detail)
            | Fault::Truncated(detail)
            | Fault::Protocol(detail) => detail,
        };
        FetchError::Truncated { at, bytes, detail }
    }

    fn at(&self) -> String {
        self.target.host_port()
    }
}

/// Makes an HTTP client of the files as they are now.
fn make(target: &Target, tls: &Tls) -> Result<Ready, ClientError> {
    let (config, trusts_nobody) = match target.is_https() {
        true => tls.client_config()?,
        false => (super::tls::config_for_plain_http()?, false),
    };
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .dns_resolver(Resolver {
            host: target.host().into(),
            pin: target.pin(),
        })
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .http1_only()
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(IDLE_MAX)
        .user_agent(concat!("natsight/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| ClientError::Library {
            at: target.to_string(),
            detail: e.without_url().to_string(),
        })?;
    let server_name = tls.server_name.as_deref().filter(|_| target.is_https());
    Ok(Ready {
        http,
        trusts_nobody,
        server_name: server_name.map(Arc::from),
    })
}

/// The system's resolver, with failures that can be told from failures to connect. Whatever name a URL has, it is the
/// broker's address that is looked up: the name may be the one of its certificate.
struct Resolver {
    host: Arc<str>,
    /// The address that was chosen beforehand.
    pin: Option<IpAddr>,
}

impl Resolve for Resolver {
    fn resolve(&self, _name: Name) -> Resolving {
        if let Some(ip) = self.pin {
            let found = std::iter::once(SocketAddr::new(ip, 0));
            return Box::pin(async move { Ok(Box::new(found) as reqwest::dns::Addrs) });
        }
        let host = Arc::clone(&self.host);
        Box::pin(async move {
            match lookup_host((&*host, 0)).await {
                Ok(found) => {
                    Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as reqwest::dns::Addrs)
                }
                Err(error) => Err(LookupFailed(error).into()),
            }
        })
    }
}
