//! `GET /metrics`: the page, joined once for many scrapes.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

use super::body::PageBody;
use super::reply::refusal;
use super::{Shared, negotiate};
use crate::collect::specs;
use crate::expose::{Encoding, Names, Page, Part, Rendered, Shape, TextFormat};

/// Versions of a page that clients may hold at once, the newest included.
const PAGES_MAX: usize = 3;
/// Parts that are no collector's.
const OTHER_PARTS: &[&str] = &["observed", "process", "natsight"];

pub(super) async fn metrics(
    State(shared): State<Shared>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = match asked(query.as_deref().unwrap_or_default()) {
        Ok(asked) => asked,
        Err(text) => return refusal(StatusCode::BAD_REQUEST, text),
    };
    let names = asked.names.unwrap_or(if shared.wish.is_configured() {
        Names::Foreign
    } else {
        Names::Native
    });
    let shape = Shape {
        format: match names {
            Names::Native => negotiate::format(&headers),
            // Its counters do not end in `_total`, and OpenMetrics insists on that.
            Names::Foreign => TextFormat::Text004,
        },
        encoding: negotiate::encoding(&headers),
        names,
        collectors: asked.collectors,
    };
    if names == Names::Foreign {
        shared.wish.wake(Instant::now());
    }
    let mut parts: Vec<Arc<Part>> = shared.site.own_part().into_iter().collect();
    for snapshot in shared.site.snapshots() {
        parts.extend(snapshot.parts.iter().cloned());
    }
    match shared.cache.page(&shape, parts, Instant::now()) {
        Some(page) => response(&shape, page),
        None => {
            shared.monitor.scrapes_refused.inc();
            let text = "slow clients still hold older pages; scrape again in a few seconds";
            let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, text);
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("10"));
            response
        }
    }
}

fn response(shape: &Shape, page: Arc<Rendered>) -> Response {
    let mut response = Response::new(Body::new(PageBody::new(page)));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(shape.format.content_type()),
    );
    headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if shape.encoding == Encoding::Gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// What the query asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    collectors: Vec<String>,
    names: Option<Names>,
}

/// Reads `collect[]=...` and `names=...`. What is not known is refused: a typing error must not look like an empty broker.
fn asked(query: &str) -> Result<Asked, String> {
    let mut asked = Asked::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (unescaped(key), unescaped(value));
        match key.as_str() {
            "collect[]" if known(&value) => asked.collectors.push(value),
            "collect[]" => {
                let names: Vec<_> = specs()
                    .map(|spec| spec.name)
                    .chain(OTHER_PARTS.iter().copied())
                    .collect();
                return Err(format!(
                    "there is no collector {:?}; collect[] takes {}",
                    shortened(&value),
                    names.join(", ")
                ));
            }
            "names" if value == "exporter" => asked.names = Some(Names::Foreign),
            "names" if value == "native" => asked.names = Some(Names::Native),
            "names" => {
                return Err(format!(
                    "there are no names {:?}; use names=exporter or names=native",
                    shortened(&value)
                ));
            }
            other => {
                return Err(format!(
                    "there is no parameter {:?}; use collect[]=varz, names=exporter, or none",
                    shortened(other)
                ));
            }
        }
    }
    Ok(asked)
}

fn known(name: &str) -> bool {
    specs().any(|spec| spec.name == name) || OTHER_PARTS.contains(&name)
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Undoes `%5B` and the like; what is not UTF-8 then becomes a replacement character.
fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let code = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        out.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Pages by shape, kept until a part changes or expires.
#[derive(Debug, Default)]
pub struct PageCache {
    slots: Mutex<Vec<Slot>>,
}

#[derive(Debug)]
struct Slot {
    shape: Shape,
    parts: Vec<Arc<Part>>,
    page: Arc<Rendered>,
    older: Vec<Weak<Rendered>>,
}

impl PageCache {
    /// The page of these parts; nothing when clients hold too many older ones.
    pub fn page(
        &self,
        shape: &Shape,
        parts: Vec<Arc<Part>>,
        now: Instant,
    ) -> Option<Arc<Rendered>> {
        if !shape.collectors.is_empty() {
            return Some(Arc::new(Page::new(parts).render(shape, now)));
        }
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(slot) = slots.iter_mut().find(|slot| slot.shape == *shape) else {
            let page = Arc::new(Page::new(parts.clone()).render(shape, now));
            slots.push(Slot {
                shape: shape.clone(),
                parts,
                page: Arc::clone(&page),
                older: Vec::new(),
            });
            return Some(page);
        };
        let same = slot.parts.len() == parts.len()
            && slot
                .parts
                .iter()
                .zip(&parts)
                .all(|(old, new)| Arc::ptr_eq(old, new));
        if same && slot.page.expires_at.is_none_or(|end| now < end) {
            return Some(Arc::clone(&slot.page));
        }
        slot.older.retain(|page| page.strong_count() > 0);
        if Arc::strong_count(&slot.page) > 1 {
            if slot.older.len() + 2 > PAGES_MAX {
                return None;
            }
            slot.older.push(Arc::downgrade(&slot.page));
        }
        slot.page = Arc::new(Page::new(parts.clone()).render(shape, now));
        slot.parts = parts;
        Some(Arc::clone(&slot.page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expose::{PartBuilder, Source};

    #[test]
    fn collect_takes_known_names_only() {
        assert_eq!(
            asked("collect[]=varz&collect%5B%5D=observed&names=exporter"),
            Ok(Asked {
                collectors: vec!["varz".to_owned(), "observed".to_owned()],
                names: Some(Names::Foreign),
            })
        );
        assert_eq!(asked(""), Ok(Asked::default()));
        assert!(
            asked("names=surveyor")
                .unwrap_err()
                .starts_with("there are no names \"surveyor\"")
        );
        assert!(
            asked("collect[]=nope")
                .unwrap_err()
                .starts_with("there is no collector \"nope\"; collect[] takes varz")
        );
        assert!(
            asked("x=1")
                .unwrap_err()
                .starts_with("there is no parameter \"x\"")
        );
    }

    fn part(now: Instant) -> Arc<Part> {
        Arc::new(PartBuilder::new(&[], false).finish(
            Source {
                server: 0,
                collector: "varz",
            },
            now,
            None,
        ))
    }

    #[test]
    fn a_page_is_joined_once_until_a_part_changes() {
        let cache = PageCache::default();
        let now = Instant::now();
        let shape = Shape {
            format: TextFormat::Text004,
            encoding: Encoding::Identity,
            names: Names::Native,
            collectors: Vec::new(),
        };
        let parts = vec![part(now)];
        let first = cache.page(&shape, parts.clone(), now).unwrap();
        assert!(Arc::ptr_eq(
            &first,
            &cache.page(&shape, parts, now).unwrap()
        ));
        assert!(!Arc::ptr_eq(
            &first,
            &cache.page(&shape, vec![part(now)], now).unwrap()
        ));
    }

    #[test]
    fn slow_clients_hold_three_pages_at_most() {
        let cache = PageCache::default();
        let now = Instant::now();
        let shape = Shape {
            format: TextFormat::Text004,
            encoding: Encoding::Identity,
            names: Names::Native,
            collectors: Vec::new(),
        };
        let mut held = Vec::new();
        for _ in 0..PAGES_MAX {
            held.push(cache.page(&shape, vec![part(now)], now).unwrap());
        }
        assert!(cache.page(&shape, vec![part(now)], now).is_none());
        held.remove(0);
        assert!(cache.page(&shape, vec![part(now)], now).is_some());
    }
}
