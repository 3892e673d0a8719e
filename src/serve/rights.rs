//! Who may ask what: users, the admin token, a rate limit; and the headers that every answer carries.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use tokio::sync::watch;

use super::password::{Passwords, Verdict};
use super::reply::refusal;
use super::tls::Tls;
use super::{ALERTS, OWN, PROFILES, RELOAD, link};

/// Paths of the admin listener that want a token, with all below them.
const TOKEN_PATHS: &[(&str, Wants)] = &[
    (RELOAD, Wants::Admin),
    ("/api/v1/events", Wants::Admin),
    (PROFILES, Wants::Profiles),
    (ALERTS, Wants::Profiles),
    (OWN, Wants::Profiles),
];

/// The token that a path wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    /// That of `admin_token_file`. Without one the path is open to whoever reaches the listener.
    Admin,
    /// That of `profiles.token_file`. Without one the path is closed.
    Profiles,
}

impl Wants {
    fn key(self) -> &'static str {
        match self {
            Self::Admin => "admin_token_file",
            Self::Profiles => "profiles.token_file",
        }
    }
}

/// What is in force. `app` makes a new one when a file changes.
#[derive(Clone, Default)]
pub struct Rights {
    /// TLS of new connections; `None` is plain HTTP.
    pub tls: Option<Tls>,
    /// Headers of answers that do not set them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Users and the bcrypt hashes of their passwords; none lets everybody in.
    pub users: Vec<(String, String)>,
    /// The admin token.
    pub admin_token: Option<String>,
    /// The token for captures; without it there are none over HTTP.
    pub profiles_token: Option<String>,
    /// A request each interval on average, so many at once, for each listener.
    pub rate: Option<(Duration, u32)>,
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rights")
            .field("tls", &self.tls.is_some())
            .field("users", &self.users.len())
            .field("admin_token", &self.admin_token.is_some())
            .field("profiles_token", &self.profiles_token.is_some())
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

/// The rights in force, seen from a listener. Cloning shares them.
#[derive(Clone)]
pub struct Guard {
    rights: watch::Receiver<Arc<Rights>>,
    passwords: Arc<Passwords>,
}

impl Guard {
    /// Guards with what `rights` holds at each request.
    pub fn new(rights: watch::Receiver<Arc<Rights>>) -> Self {
        let passwords = Arc::new(Passwords::new());
        Self { rights, passwords }
    }

    /// Guards nothing: plain HTTP for everybody.
    pub fn open() -> Self {
        Self::new(watch::channel(Arc::default()).1)
    }

    /// Where changes are seen.
    pub(super) fn watched(&self) -> watch::Receiver<Arc<Rights>> {
        self.rights.clone()
    }

    /// The token for captures, which signs links.
    pub(super) fn profiles_token(&self) -> Option<String> {
        self.now().profiles_token.clone()
    }

    fn now(&self) -> Arc<Rights> {
        Arc::clone(&self.rights.borrow())
    }
}

/// The guard of one listener.
#[derive(Clone)]
pub(super) struct Gate {
    guard: Guard,
    admin: bool,
    bucket: Arc<Bucket>,
}

impl Gate {
    pub(super) fn new(guard: Guard, admin: bool) -> Self {
        let bucket = Arc::new(Bucket::default());
        Self {
            guard,
            admin,
            bucket,
        }
    }

    async fn refused(&self, rights: &Rights, request: Given) -> Option<Response> {
        if let Some((interval, burst)) = rights.rate
            && let Err(wait) = self.bucket.take(interval, burst, Instant::now())
        {
            return Some(too_many(wait));
        }
        let wants = request.wants.filter(|_| self.admin);
        let wanted = match wants {
            Some(Wants::Admin) => rights.admin_token.as_ref(),
            Some(Wants::Profiles) => rights.profiles_token.as_ref(),
            None => None,
        };
        if let (Some(token), true) = (wanted, wants == Some(Wants::Profiles))
            && request.method == Method::GET
            && link::holds(token.as_bytes(), &request.path, &request.query, link::now())
        {
            return None;
        }
        if let Shown::Token(shown) = &request.shown {
            // Where a path wants none, either stands in place of a user.
            let all = [rights.admin_token.as_ref(), rights.profiles_token.as_ref()];
            let mut good = match wanted {
                Some(token) => vec![token],
                None if self.admin && wants != Some(Wants::Profiles) => {
                    all.into_iter().flatten().collect()
                }
                None => Vec::new(),
            };
            good.retain(|token| self.guard.passwords.same(token.as_bytes(), shown));
            match (good.is_empty(), wants, wanted) {
                (false, ..) => return None,
                (true, Some(wants), Some(_)) => {
                    return Some(no_token("is not the right one", wants));
                }
                _ => {}
            }
        }
        if !rights.users.is_empty() {
            let verdict = match &request.shown {
                Shown::User(name, password) => {
                    let passwords = &self.guard.passwords;
                    passwords.check(&rights.users, name, password).await
                }
                Shown::Token(_) | Shown::Nothing => Verdict::Wrong,
            };
            match verdict {
                Verdict::Right => {}
                Verdict::Wrong => return Some(no_user()),
                Verdict::Busy => return Some(busy()),
            }
        }
        match (wants?, wanted) {
            (Wants::Profiles, None) => Some(no_captures()),
            (Wants::Admin, None) => None,
            (wants, Some(_)) => Some(no_token("is missing", wants)),
        }
    }
}

/// What a request shows.
struct Given {
    shown: Shown,
    wants: Option<Wants>,
    method: Method,
    path: String,
    query: String,
}

enum Shown {
    Nothing,
    Token(Vec<u8>),
    User(String, Vec<u8>),
}

impl Shown {
    /// Reads the one header that counts. Two of them are none: who could say which one a proxy looked at?
    fn read(headers: &HeaderMap) -> Self {
        let mut all = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (all.next(), all.next()) else {
            return Self::Nothing;
        };
        let value = value.as_bytes().trim_ascii();
        let Some(space) = value.iter().position(|byte| *byte == b' ') else {
            return Self::Nothing;
        };
        let (scheme, text) = (&value[..space], value[space..].trim_ascii());
        if scheme.eq_ignore_ascii_case(b"Bearer") {
            return Self::Token(text.to_vec());
        }
        if !scheme.eq_ignore_ascii_case(b"Basic") {
            return Self::Nothing;
        }
        Self::basic(text).unwrap_or(Self::Nothing)
    }

    fn basic(text: &[u8]) -> Option<Self> {
        let pair = base64::engine::general_purpose::STANDARD
            .decode(text)
            .ok()?;
        let colon = pair.iter().position(|byte| *byte == b':')?;
        let name = String::from_utf8(pair[..colon].to_vec()).ok()?;
        Some(Self::User(name, pair[colon + 1..].to_vec()))
    }
}

/// Lets a request through or refuses it; each answer gets the headers that are configured.
pub(super) async fn enter(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let rights = gate.guard.now();
    let path = request.uri().path();
    let below = |start: &str| {
        path.strip_prefix(start)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let given = Given {
        shown: Shown::read(request.headers()),
        wants: TOKEN_PATHS
            .iter()
            .find(|(start, _)| below(start))
            .map(|(_, wants)| *wants),
        method: request.method().clone(),
        path: path.to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
    };
    let mut response = match gate.refused(&rights, given).await {
        Some(response) => response,
        None => next.run(request).await,
    };
    for (name, value) in &rights.headers {
        if !response.headers().contains_key(name) {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
    response
}

fn no_user() -> Response {
    let text =
        "user or password is missing or wrong; send those of basic_auth_users in web_config_file";
    let mut response = refusal(StatusCode::UNAUTHORIZED, text);
    let challenge = HeaderValue::from_static("Basic realm=\"natsight\", charset=\"UTF-8\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

fn no_captures() -> Response {
    let text = "captures over HTTP are off; write a token into a file and name it with profiles.token_file";
    refusal(StatusCode::FORBIDDEN, text)
}

fn no_token(what: &str, wants: Wants) -> Response {
    let key = wants.key();
    let text = format!("the token {what}; send the one of {key} as Authorization: Bearer TOKEN");
    refusal(StatusCode::FORBIDDEN, text)
}

fn busy() -> Response {
    let text = "too many passwords are being checked; try again in a few seconds";
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, text);
    let after = HeaderValue::from_static("5");
    response.headers_mut().insert(RETRY_AFTER, after);
    response
}

fn too_many(wait: Duration) -> Response {
    let text = "requests come faster than rate_limit in web_config_file allows; ask more rarely";
    let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, text);
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// Counts requests against a rate (GCRA: the time at which the bucket would be full again is all that is kept).
#[derive(Debug, Default)]
struct Bucket {
    full_at: Mutex<Option<Instant>>,
}

impl Bucket {
    /// Takes one; or how long to wait for it.
    fn take(&self, interval: Duration, burst: u32, now: Instant) -> Result<(), Duration> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full = full_at.map_or(now, |full| full.max(now));
        let ahead = full.saturating_duration_since(now);
        let room = interval * (burst - 1).min(u32::MAX - 1);
        if ahead > room {
            return Err(ahead - room);
        }
        *full_at = Some(full + interval);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_lets_a_burst_through_and_then_one_each_interval() {
        let (bucket, now) = (Bucket::default(), Instant::now());
        let second = Duration::from_secs(1);
        let take = |at: f64| bucket.take(second, 3, now + Duration::from_secs_f64(at));
        assert_eq!([take(0.0), take(0.0), take(0.0)], [Ok(()); 3]);
        assert_eq!(take(0.0), Err(second));
        assert_eq!(take(0.75), Err(second / 4));
        assert_eq!((take(1.0), take(1.5).is_err()), (Ok(()), true));
        assert_eq!([take(9.0), take(9.0), take(9.0)], [Ok(()); 3]);
        assert!(take(9.0).is_err());
    }

    #[test]
    fn one_header_is_read_and_two_are_none() {
        let shown = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            match Shown::read(&headers) {
                Shown::Nothing => "nothing".to_owned(),
                Shown::Token(token) => format!("token {}", String::from_utf8_lossy(&token)),
                Shown::User(name, password) => {
                    format!("{name} {}", String::from_utf8_lossy(&password))
                }
            }
        };
        for (values, expected) in [
            (&[][..], "nothing"),
            (&["Bearer abc"], "token abc"),
            (&["bearer   abc "], "token abc"),
            (&["Bearer"], "nothing"),
            (&["Basic YTpiOmM="], "a b:c"),
            (&["basic YTo="], "a "),
            (&["Basic YQ=="], "nothing"),
            (&["Basic !!"], "nothing"),
            (&["Digest x"], "nothing"),
            (&["Bearer abc", "Bearer abc"], "nothing"),
        ] {
            assert_eq!(shown(values), expected, "{values:?}");
        }
    }
}
