//! `GET /probe?target=`: the page of one target, for one Prometheus that scrapes many servers through one natsight.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::Shared;
use super::metrics::{aside, asked, response, shape, unescaped};
use super::reply::refusal;
use crate::expose::Page;

/// Longest wait for the first round of a new target.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// What the answer itself may take of the scraper's time.
const MARGIN: Duration = Duration::from_millis(500);
/// The time that Prometheus gives a scrape.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

/// Why there is no page for a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeRefusal {
    /// HTTP status.
    pub status: u16,
    /// Bounded label value.
    pub reason: &'static str,
    /// One sentence.
    pub text: String,
}

pub(super) async fn probe(
    State(shared): State<Shared>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let (targets, rest) = parted(query.as_deref().unwrap_or_default());
    let asked = match asked(&rest) {
        Ok(asked) => asked,
        Err(text) => return refusal(StatusCode::BAD_REQUEST, text),
    };
    let target = match &targets[..] {
        [] => String::new(),
        [target] => target.clone(),
        _ => {
            let text = "there is more than one target; probe one at a time";
            return refusal(StatusCode::BAD_REQUEST, text);
        }
    };
    // Before the target is asked, so that the first page of a new one has the view that is asked for.
    let shape = shape(&shared, &headers, asked);
    match shared.site.probe(target, wait(&headers)).await {
        Ok(snapshot) => {
            let page = Page::new(snapshot.parts.clone());
            let wanted = shape.clone();
            let join = move || page.render(&wanted, Instant::now());
            let loose = snapshot.parts.iter().map(|part| part.loose_len()).sum();
            match aside(loose, join).await {
                Some(page) => response(&shape, Arc::new(page)),
                None => refusal(StatusCode::SERVICE_UNAVAILABLE, "natsight is stopping"),
            }
        }
        Err(refused) => {
            let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::FORBIDDEN);
            refusal(status, refused.text)
        }
    }
}

/// The targets of a query, and the query without them.
fn parted(query: &str) -> (Vec<String>, String) {
    let is_target = |pair: &&str| unescaped(pair.split('=').next().unwrap_or_default()) == "target";
    let (targets, rest): (Vec<&str>, Vec<&str>) = query.split('&').partition(is_target);
    let value = |pair: &&str| {
        let value = pair.split_once('=').map_or("", |(_, value)| value);
        unescaped(&value.replace('+', "%20"))
    };
    (targets.iter().map(value).collect(), rest.join("&"))
}

/// How long the first round of a new target may take.
fn wait(headers: &HeaderMap) -> Duration {
    let text = headers
        .get(SCRAPE_TIMEOUT)
        .and_then(|value| value.to_str().ok());
    let given = text.and_then(|text| Duration::try_from_secs_f64(text.trim().parse().ok()?).ok());
    given.map_or(WAIT_MAX, |given| given.saturating_sub(MARGIN).min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scrapers_time_is_kept() {
        let check = |text: Option<&str>, millis| {
            let mut headers = HeaderMap::new();
            if let Some(text) = text {
                headers.insert(SCRAPE_TIMEOUT, text.parse().unwrap());
            }
            assert_eq!(wait(&headers), Duration::from_millis(millis), "{text:?}");
        };
        check(None, 10_000);
        check(Some("10"), 9_500);
        check(Some("2.5"), 2_000);
        check(Some("0.2"), 0);
        check(Some("3600"), 10_000);
        for odd in ["-1", "NaN", "inf", "1e300", "soon", ""] {
            check(Some(odd), 10_000);
        }
    }

    #[test]
    fn the_target_is_taken_out_of_the_query() {
        let check = |query: &str, targets: &[&str], rest: &str| {
            let (found, left) = parted(query);
            assert_eq!(
                (found, left.as_str()),
                (targets.iter().map(|one| (*one).to_owned()).collect(), rest),
                "{query}"
            );
        };
        check(
            "target=http%3A%2F%2Fn1%3A8222&collect[]=varz",
            &["http://n1:8222"],
            "collect[]=varz",
        );
        check("collect[]=varz&targ%65t=n1", &["n1"], "collect[]=varz");
        check("target=a&target=b", &["a", "b"], "");
        check("target", &[""], "");
        check("", &[], "");
    }
}
