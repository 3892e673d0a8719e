//! `/api/v1/profiles` and `/api/v1/alerts` on the admin listener: captures are asked for, listed, read and linked to.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection, QueryRejection};
use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
    RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::reply::refusal;
use super::{PROFILES, Shared, link};

/// Bytes of a request.
const BODY_MAX: usize = 256 << 10;
/// A picture needs its own styles and script, and nothing else; in the sandbox it has no origin, so no cookies and no requests.
const SVG_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; sandbox allow-scripts";
const PLAIN_POLICY: &str = "default-src 'none'; sandbox";
/// How long a link holds where nobody says.
const LINK_SECONDS: u64 = 7 * 86_400;
const LINK_SECONDS_MAX: u64 = 7 * 86_400;

/// A capture as it is asked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptureAsk {
    /// Which server, by the name that the page shows; not needed where there is one.
    #[serde(default)]
    pub server_name: Option<String>,
    /// `cpu`, `heap`, ..., or `bundle`.
    pub kind: String,
    /// How long to watch, 1 to 60.
    #[serde(default)]
    pub seconds: Option<f64>,
    /// Samples in a second of CPU time, 1 to 999.
    #[serde(default)]
    pub rate: Option<u32>,
    /// `auto` or the one engine to use.
    #[serde(default)]
    pub engine: Option<String>,
    /// Whether goroutine dumps are taken beside.
    #[serde(default)]
    pub locks: bool,
    /// Whether that may be done with very many goroutines.
    #[serde(default)]
    pub large: bool,
    /// Why, in the log and in the list.
    #[serde(default)]
    pub reason: Option<String>,
}

/// natsight's own CPU time as it is asked for.
#[derive(Debug, Clone, Deserialize)]
pub struct OwnAsk {
    /// How long to watch, 1 to 60.
    pub seconds: Option<f64>,
    /// Samples in a second of CPU time, 1 to 999.
    pub rate: Option<u32>,
    /// The form, `pb.gz` where nobody says.
    pub form: Option<String>,
}

/// Alertmanager's webhook, version 4, as far as it matters here. Labels can only choose among known servers.
#[derive(Debug, Clone, Deserialize)]
pub struct Webhook {
    /// `4`.
    pub version: String,
    /// What fires, and what does not any more.
    pub alerts: Vec<Alert>,
}

/// An alert.
#[derive(Debug, Clone, Deserialize)]
pub struct Alert {
    /// `firing` or `resolved`.
    pub status: String,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// What became of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertOutcome {
    /// Name of the rule.
    pub alert: String,
    /// The server.
    pub server_name: String,
    /// The capture that began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed_over: Option<String>,
}

/// Why a capture is not taken, or not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaptureRefusal {
    /// Wrong input.
    Wrong(String),
    /// No such capture or form.
    Unknown(String),
    /// Too many at once.
    Busy(String),
    /// It cannot be kept or read.
    Failed(String),
    /// This build cannot do it.
    NotBuilt(String),
}

/// What is given.
#[derive(Debug)]
pub struct Download {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Ending of its name: `svg`, `pb.gz`.
    pub ending: &'static str,
    /// Name without ending.
    pub name: String,
}

/// Captures: `app` takes and keeps them.
pub trait Captures: Send + Sync + 'static {
    /// Begins one, and gives its id.
    fn start(&self, ask: CaptureAsk) -> BoxFuture<'_, Result<String, CaptureRefusal>>;

    /// Facts of all, newest first, those that run included.
    fn list(&self) -> serde_json::Value;

    /// Facts of one.
    fn one(&self, id: &str) -> Option<serde_json::Value>;

    /// One in a form.
    fn download(&self, id: String, form: String)
    -> BoxFuture<'_, Result<Download, CaptureRefusal>>;

    /// Begins bundles for what fires.
    fn alerts(&self, hook: Webhook) -> BoxFuture<'_, Vec<AlertOutcome>>;

    /// natsight's own CPU time.
    fn own(&self, ask: OwnAsk) -> BoxFuture<'_, Result<Download, CaptureRefusal>>;

    /// What links begin with; nothing where `external_url` is not set.
    fn external_url(&self) -> Option<String>;
}

impl IntoResponse for CaptureRefusal {
    fn into_response(self) -> Response {
        match self {
            Self::Wrong(text) => refusal(StatusCode::BAD_REQUEST, text),
            Self::Unknown(text) => refusal(StatusCode::NOT_FOUND, text),
            Self::NotBuilt(text) => refusal(StatusCode::NOT_IMPLEMENTED, text),
            Self::Failed(text) => refusal(StatusCode::INTERNAL_SERVER_ERROR, text),
            Self::Busy(text) => {
                let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, text);
                let after = HeaderValue::from_static("10");
                response.headers_mut().insert(RETRY_AFTER, after);
                response
            }
        }
    }
}

/// The body as JSON, or one sentence.
async fn body<T: DeserializeOwned>(request: Request) -> Result<T, CaptureRefusal> {
    let wrong = |text: String| CaptureRefusal::Wrong(text);
    let bytes = Bytes::from_request(request, &())
        .await
        .map_err(|error: BytesRejection| wrong(error.body_text()))?;
    if bytes.len() > BODY_MAX {
        let text = format!(
            "the body has {} bytes; {BODY_MAX} are the most",
            bytes.len()
        );
        return Err(wrong(text));
    }
    Json::from_bytes(&bytes)
        .map(|Json(value)| value)
        .map_err(|error: JsonRejection| wrong(error.body_text()))
}

fn captures(shared: &Shared) -> Result<std::sync::Arc<dyn Captures>, CaptureRefusal> {
    let off = || {
        let text = "captures are off; set profiles.token_file and restart natsight";
        CaptureRefusal::Unknown(text.to_owned())
    };
    shared.captures.clone().ok_or_else(off)
}

pub(super) async fn start(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, CaptureRefusal> {
    let captures = captures(&shared)?;
    let id = captures.start(body(request).await?).await?;
    let place = format!("{PROFILES}/{id}");
    let mut response = (
        StatusCode::ACCEPTED,
        Json(serde_json::json!({"id": id, "url": place})),
    )
        .into_response();
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

pub(super) async fn list(
    State(shared): State<Shared>,
) -> Result<Json<serde_json::Value>, CaptureRefusal> {
    Ok(Json(captures(&shared)?.list()))
}

pub(super) async fn one(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, CaptureRefusal> {
    let facts = captures(&shared)?.one(&id);
    facts.map(Json).ok_or_else(|| unknown(&id))
}

/// No such capture.
#[must_use]
pub fn unknown(id: &str) -> CaptureRefusal {
    let short: String = id.chars().take(40).collect();
    CaptureRefusal::Unknown(format!(
        "there is no capture {short:?}; GET {PROFILES} lists them"
    ))
}

pub(super) async fn download(
    State(shared): State<Shared>,
    Path((id, form)): Path<(String, String)>,
) -> Result<Response, CaptureRefusal> {
    Ok(given(captures(&shared)?.download(id, form).await?))
}

pub(super) async fn own(
    State(shared): State<Shared>,
    ask: Result<Query<OwnAsk>, QueryRejection>,
) -> Result<Response, CaptureRefusal> {
    let Query(ask) = ask.map_err(|error| CaptureRefusal::Wrong(error.body_text()))?;
    Ok(given(captures(&shared)?.own(ask).await?))
}

fn given(found: Download) -> Response {
    let kind = match found.ending {
        "svg" | "icicle.svg" => "image/svg+xml",
        "top.json" | "speedscope.json" => "application/json",
        "top.txt" | "folded" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    let is_picture = found.ending.ends_with("svg");
    let policy = if is_picture { SVG_POLICY } else { PLAIN_POLICY };
    // Pictures are looked at; all else is kept.
    let shown = if is_picture { "inline" } else { "attachment" };
    let disposition = format!("{shown}; filename=\"{}.{}\"", found.name, found.ending);
    let mut response = found.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    response
}

/// How long a link is to hold.
#[derive(Debug, Deserialize)]
pub(super) struct LinkAsk {
    #[serde(default)]
    seconds: Option<u64>,
}

pub(super) async fn link(
    State(shared): State<Shared>,
    Path((id, form)): Path<(String, String)>,
    Query(ask): Query<LinkAsk>,
) -> Result<Json<serde_json::Value>, CaptureRefusal> {
    let captures = captures(&shared)?;
    if captures.one(&id).is_none() {
        return Err(unknown(&id));
    }
    let seconds = ask.seconds.unwrap_or(LINK_SECONDS);
    if !(1..=LINK_SECONDS_MAX).contains(&seconds) {
        return Err(CaptureRefusal::Wrong(format!(
            "seconds is {seconds}; it must be 1 to {LINK_SECONDS_MAX}"
        )));
    }
    let Some(token) = shared.guard.profiles_token() else {
        return Err(CaptureRefusal::Failed(
            "profiles.token_file is not in force any more".to_owned(),
        ));
    };
    let path = format!("{PROFILES}/{id}/{form}");
    let expires = link::now().saturating_add(seconds);
    let query = link::query(token.as_bytes(), &path, expires);
    let begin = captures.external_url().unwrap_or_default();
    let url = format!("{}{path}?{query}", begin.trim_end_matches('/'));
    Ok(Json(
        serde_json::json!({"url": url, "expires_timestamp_seconds": expires}),
    ))
}

pub(super) async fn alerts(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Json<serde_json::Value>, CaptureRefusal> {
    let captures = captures(&shared)?;
    let hook: Webhook = body(request).await?;
    if hook.version != "4" {
        let version: String = hook.version.chars().take(20).collect();
        return Err(CaptureRefusal::Wrong(format!(
            "the webhook has version {version:?}; natsight takes version 4, which Alertmanager sends"
        )));
    }
    let outcomes = captures.alerts(hook).await;
    Ok(Json(serde_json::json!({ "alerts": outcomes })))
}
