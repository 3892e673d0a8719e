//! The admin listener: what acts. Requests that a browser could be tricked into are refused.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Shared;
use super::reply::refusal;

/// Names under which the admin listener may be addressed. A page elsewhere that points its own name at this machine
/// (DNS rebinding) does not have one of them.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    /// `host` or `host:port`, lower case.
    pub names: Vec<String>,
    /// Origin of `external_url`, if any, such as `https://natsight.example`.
    pub origin: Option<String>,
}

impl Hosts {
    fn allow(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = host
            .rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
        let name = name.map_or(host.as_str(), |(name, _)| name);
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let is_address = bare.parse::<std::net::IpAddr>().is_ok();
        is_address
            || name == "localhost"
            || self
                .names
                .iter()
                .any(|known| *known == host || known == name)
    }

    fn same_origin(&self, origin: &str, host: &str) -> bool {
        let rest = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        rest.is_some_and(|rest| rest.eq_ignore_ascii_case(host))
            || self.origin.as_deref() == Some(origin)
    }
}

pub(super) async fn guard(
    State(hosts): State<Arc<Hosts>>,
    request: Request,
    next: Next,
) -> Response {
    match refused(&hosts, request.method(), request.headers()) {
        Some((status, text)) => refusal(status, text),
        None => next.run(request).await,
    }
}

fn refused(hosts: &Hosts, method: &Method, headers: &HeaderMap) -> Option<(StatusCode, String)> {
    // What is not plain text is no name that natsight knows; it must not pass as missing.
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or("(not text)"))
    };
    let host = text(HOST).unwrap_or_default();
    let short = |text: &str| text.chars().take(100).collect::<String>();
    if !hosts.allow(host) {
        let text = format!(
            "the host {:?} is not known; add it to admin_hosts",
            short(host)
        );
        return Some((StatusCode::FORBIDDEN, text));
    }
    if method != Method::POST {
        return None;
    }
    if let Some(origin) = text(ORIGIN).filter(|origin| !hosts.same_origin(origin, host)) {
        let text = format!(
            "requests from {:?} are refused; set external_url to allow its pages",
            short(origin)
        );
        return Some((StatusCode::FORBIDDEN, text));
    }
    let kind = text(CONTENT_TYPE).unwrap_or_default();
    if kind.split(';').next().unwrap_or_default().trim() != "application/json" {
        let text = format!(
            "the content type is {:?}; send -H 'Content-Type: application/json'",
            short(kind)
        );
        return Some((StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    None
}

#[derive(Serialize)]
struct Reloaded {
    reloaded: bool,
    needs_restart: Vec<String>,
}

pub(super) async fn reload(State(shared): State<Shared>) -> Response {
    match shared.site.reload().await {
        Ok(needs_restart) => Json(Reloaded {
            reloaded: true,
            needs_restart,
        })
        .into_response(),
        Err(mistakes) => refusal(StatusCode::BAD_REQUEST, mistakes.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&'static str, &str)]) -> Option<u16> {
        let hosts = Hosts {
            names: vec!["natsight.internal".to_owned()],
            origin: Some("https://natsight.example".to_owned()),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        refused(&hosts, &Method::POST, &headers).map(|(status, _)| status.as_u16())
    }

    #[test]
    fn only_known_hosts_own_pages_and_json_pass() {
        let json = ("content-type", "application/json");
        for (headers, expected) in [
            (vec![("host", "127.0.0.1:7778"), json], None),
            (vec![("host", "[::1]:7778"), json], None),
            (vec![("host", "localhost"), json], None),
            (vec![("host", "natsight.internal:7778"), json], None),
            (vec![("host", "evil.example:7778"), json], Some(403)),
            (vec![json], Some(403)),
            (
                vec![
                    ("host", "127.0.0.1:7778"),
                    ("origin", "http://127.0.0.1:7778"),
                    json,
                ],
                None,
            ),
            (
                vec![
                    ("host", "127.0.0.1:7778"),
                    ("origin", "https://natsight.example"),
                    json,
                ],
                None,
            ),
            (
                vec![
                    ("host", "127.0.0.1:7778"),
                    ("origin", "https://evil.example"),
                    json,
                ],
                Some(403),
            ),
            (
                vec![("host", "127.0.0.1:7778"), ("origin", "null"), json],
                Some(403),
            ),
            (
                vec![("host", "127.0.0.1:7778"), ("content-type", "text/plain")],
                Some(415),
            ),
            (vec![("host", "127.0.0.1:7778")], Some(415)),
        ] {
            assert_eq!(check(&headers), expected, "{headers:?}");
        }
    }
}
