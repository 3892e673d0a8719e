//! The plain page for people, and the two questions of an orchestrator: alive, and ready?

use std::fmt::Write;
use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};

use super::Shared;
use crate::state::ServerStatus;

/// Nothing may be loaded or run; the style stands in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#1a2330;background:#fff}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #d8dee6;vertical-align:top;overflow-wrap:anywhere}\
.up{color:#14703a}.down{color:#b3261e;font-weight:600}td.n{font-variant-numeric:tabular-nums}th,td.n{white-space:nowrap;overflow-wrap:normal}\
@media(prefers-color-scheme:dark){body{color:#dfe6ee;background:#12171d}th,td{border-color:#2c3642}a{color:#7fb6ff}.up{color:#6fce94}.down{color:#ff8a80}}";

pub(super) async fn healthy() -> &'static str {
    "natsight is alive\n"
}

/// Ready once every server answered or was given up on: a broker that is down must not keep the sidecar out of service.
pub(super) async fn ready(State(shared): State<Shared>) -> Response {
    let (waiting, all) = shared.site.waiting();
    if waiting == 0 {
        return "natsight is ready\n".into_response();
    }
    let text = format!("waiting for the first answer of {waiting} of {all} servers\n");
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

pub(super) async fn home(State(shared): State<Shared>) -> Response {
    let statuses: Vec<_> = shared
        .site
        .snapshots()
        .iter()
        .map(|snapshot| snapshot.status.clone())
        .collect();
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, page(&statuses, Instant::now())).into_response()
}

fn page(statuses: &[ServerStatus], now: Instant) -> String {
    let mut out = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>natsight</title><style>{STYLE}</style><h1>natsight {}</h1>\
         <p><a href=\"metrics\">Metrics</a> · <a href=\"api/v1/servers\">Servers as JSON</a> · \
         <a href=\"-/healthy\">Healthy</a> · <a href=\"-/ready\">Ready</a></p>\
         <h2>Servers</h2><table><tr><th>Server<th>State<th>Cluster<th>Version<th>Target<th>Age</tr>",
        env!("CARGO_PKG_VERSION")
    );
    for status in statuses {
        server_row(&mut out, status, now);
    }
    out.push_str("</table>");
    for status in statuses {
        collector_table(&mut out, status, now);
    }
    out.push_str("</html>\n");
    out
}

fn server_row(out: &mut String, status: &ServerStatus, now: Instant) {
    let (class, word) = match status.up {
        Some(true) => ("up", "up"),
        Some(false) => ("down", "down"),
        None => ("", "asked"),
    };
    let _ = write!(
        out,
        "<tr><td>{}<td class=\"{class}\">{word}<td>{}<td>{}<td>{}<td class=n>{}</tr>",
        escaped(&status.server_name),
        escaped(&status.nats_cluster),
        escaped(&status.version),
        escaped(&status.target),
        age(status.answered_at, now),
    );
}

fn collector_table(out: &mut String, status: &ServerStatus, now: Instant) {
    let _ = write!(
        out,
        "<h2>Collectors of {}</h2><table><tr><th>Collector<th>State<th>Took<th>Age<th>Shown</tr>",
        escaped(&status.server_name)
    );
    for collector in &status.collectors {
        let (class, word) = if collector.success {
            ("up", "ok")
        } else {
            ("down", "failed")
        };
        let error = collector.error.as_deref().unwrap_or(word);
        let shown = match collector.success {
            true => format!("{:.0} %", collector.coverage * 100.0),
            false => "nothing new".to_owned(),
        };
        let _ = write!(
            out,
            "<tr><td>{}<td class=\"{class}\">{}<td class=n>{:.1} ms<td class=n>{}<td class=n>{shown}</tr>",
            collector.name,
            escaped(error),
            collector.duration_seconds * 1e3,
            age(collector.succeeded_at, now),
        );
    }
    out.push_str("</table>");
}

fn age(since: Option<Instant>, now: Instant) -> String {
    since.map_or("never".to_owned(), |since| {
        format!(
            "{:.1} s",
            now.saturating_duration_since(since).as_secs_f64()
        )
    })
}

/// Names come from brokers and may hold anything.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        let status = ServerStatus {
            server_name: "<script>alert('x')</script>\"&".to_owned(),
            up: Some(true),
            ..ServerStatus::default()
        };
        let page = page(&[status], Instant::now());
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"));
    }
}
