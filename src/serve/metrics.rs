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
use crate::state::Tool;

/// Pages that clients may still hold after they were replaced.
const OLDER_MAX: usize = 2;
/// Shapes of which the newest page is kept; the one that was asked for longest ago makes room.
const SHAPES_MAX: usize = 8;
/// Text that is joined in place, compressed members apart: a few milliseconds. More is joined on a thread of its own, so that
/// no poll waits.
const JOINED_IN_PLACE: usize = 2 << 20;
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
    let shape = shape(&shared, &headers, asked);
    let mut parts: Vec<Arc<Part>> = shared.site.own_part().into_iter().collect();
    for snapshot in shared.site.snapshots() {
        parts.extend(snapshot.parts.iter().cloned());
    }
    match joined(&shared.cache, &shape, parts).await {
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

/// The page of these parts; nothing when clients hold too many older ones.
async fn joined(
    cache: &Arc<PageCache>,
    shape: &Shape,
    parts: Vec<Arc<Part>>,
) -> Option<Arc<Rendered>> {
    let now = Instant::now();
    if let Some(page) = cache.kept(shape, &parts, now) {
        return Some(page);
    }
    let loose = parts.iter().map(|part| part.loose_len()).sum();
    let (cache, shape) = (Arc::clone(cache), shape.clone());
    let page = aside(loose, move || cache.page(&shape, parts, now)).await;
    page.flatten()
}

/// Joins a page of so many bytes of text where it delays nobody; nothing when natsight ends meanwhile.
pub(super) async fn aside<T: Send + 'static>(
    loose: usize,
    join: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    if loose <= JOINED_IN_PLACE {
        return Some(join());
    }
    tokio::task::spawn_blocking(join).await.ok()
}

/// The page that is asked for. Whoever asks for another tool's view has it made from now on.
pub(super) fn shape(shared: &Shared, headers: &HeaderMap, asked: Asked) -> Shape {
    let configured = shared.wish.configured().map(Names::Foreign);
    let names = asked.names.or(configured).unwrap_or(Names::Native);
    if let Names::Foreign(tool) = names {
        shared.wish.wake(tool, Instant::now());
    }
    Shape {
        format: match names {
            Names::Native => negotiate::format(headers),
            // Their counters do not end in `_total`, and OpenMetrics insists on that.
            Names::Foreign(_) => TextFormat::Text004,
        },
        encoding: negotiate::encoding(headers),
        names,
        collectors: asked.collectors,
    }
}

/// A page as it is written.
pub(super) fn response(shape: &Shape, page: Arc<Rendered>) -> Response {
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
pub(super) struct Asked {
    pub(super) collectors: Vec<String>,
    pub(super) names: Option<Names>,
}

/// Reads `collect[]=...` and `names=...`. What is not known is refused: a typing error must not look like an empty broker.
pub(super) fn asked(query: &str) -> Result<Asked, String> {
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
            "names" => asked.names = Some(names(&value)?),
            other => {
                return Err(format!(
                    "there is no parameter {:?}; use collect[]=varz, names=exporter, or none",
                    shortened(other)
                ));
            }
        }
    }
    // One shape, however it is written.
    asked.collectors.sort();
    asked.collectors.dedup();
    Ok(asked)
}

fn names(word: &str) -> Result<Names, String> {
    let tool = Tool::ALL.into_iter().find(|tool| tool.word() == word);
    match tool {
        Some(tool) => Ok(Names::Foreign(tool)),
        None if word == "native" => Ok(Names::Native),
        None => Err(format!(
            "there are no names {:?}; use names=exporter, names=surveyor or names=native",
            shortened(word)
        )),
    }
}

fn known(name: &str) -> bool {
    specs().any(|spec| spec.name == name) || OTHER_PARTS.contains(&name)
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Undoes `%5B` and the like; what is not UTF-8 then becomes a replacement character.
pub(super) fn unescaped(text: &str) -> String {
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

/// Pages by shape, kept until a part changes or expires. What is alive at once is bounded: clients cannot make it more
/// by being slow or by asking for ever other shapes.
#[derive(Debug, Default)]
pub struct PageCache {
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    /// The newest of each shape, latest asked for last.
    slots: Vec<Slot>,
    /// Replaced ones that clients may still hold.
    older: Vec<Weak<Rendered>>,
}

#[derive(Debug)]
struct Slot {
    shape: Shape,
    /// They tell whether the page is current, and are not kept alive by it.
    parts: Vec<Weak<Part>>,
    page: Arc<Rendered>,
}

impl PageCache {
    /// The page of these parts if it is there; nothing while another is being joined.
    fn kept(&self, shape: &Shape, parts: &[Arc<Part>], now: Instant) -> Option<Arc<Rendered>> {
        let pages = self.pages.try_lock().ok()?;
        let slot = pages.slots.iter().find(|slot| slot.shape == *shape)?;
        slot.is_current(parts, now).then(|| Arc::clone(&slot.page))
    }

    /// The page of these parts; nothing when clients hold too many older ones.
    pub fn page(
        &self,
        shape: &Shape,
        parts: Vec<Arc<Part>>,
        now: Instant,
    ) -> Option<Arc<Rendered>> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let found = pages.slots.iter().position(|slot| slot.shape == *shape);
        if let Some(slot) = found.map(|place| pages.slots.remove(place)) {
            if slot.is_current(&parts, now) {
                let page = Arc::clone(&slot.page);
                pages.slots.push(slot);
                return Some(page);
            }
            pages.retire(slot);
        }
        // What nobody reads and nobody will get any more is only memory.
        pages
            .slots
            .retain(|slot| slot.is_current(&parts, now) || Arc::strong_count(&slot.page) > 1);
        if pages.slots.len() >= SHAPES_MAX {
            let oldest = pages.slots.remove(0);
            pages.retire(oldest);
        }
        pages.older.retain(|page| page.strong_count() > 0);
        if pages.older.len() > OLDER_MAX {
            return None;
        }
        let slot_parts = parts.iter().map(Arc::downgrade).collect();
        let page = Arc::new(Page::new(parts).render(shape, now));
        pages.slots.push(Slot {
            shape: shape.clone(),
            parts: slot_parts,
            page: Arc::clone(&page),
        });
        Some(page)
    }
}

impl Pages {
    fn retire(&mut self, slot: Slot) {
        self.older.push(Arc::downgrade(&slot.page));
    }
}

impl Slot {
    fn is_current(&self, parts: &[Arc<Part>], now: Instant) -> bool {
        let same = self.parts.len() == parts.len()
            && self
                .parts
                .iter()
                .zip(parts)
                // As long as a weak one is held, no other part has its address.
                .all(|(old, new)| std::ptr::eq(old.as_ptr(), Arc::as_ptr(new)));
        same && self.page.expires_at.is_none_or(|end| now < end)
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
                collectors: vec!["observed".to_owned(), "varz".to_owned()],
                names: Some(Names::Foreign(Tool::Exporter)),
            })
        );
        assert_eq!(asked(""), Ok(Asked::default()));
        assert!(
            asked("names=statsd")
                .unwrap_err()
                .starts_with("there are no names \"statsd\"")
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
    fn slow_clients_hold_a_bounded_number_of_pages_of_any_shapes() {
        let cache = PageCache::default();
        let now = Instant::now();
        let shape = |place: usize| Shape {
            format: TextFormat::Text004,
            encoding: Encoding::Identity,
            names: Names::Native,
            collectors: vec![place.to_string()],
        };
        let ask = |place| cache.page(&shape(place), vec![part(now)], now);
        let mut held: Vec<_> = (0..100).map_while(ask).collect();
        assert_eq!(held.len(), SHAPES_MAX + OLDER_MAX);
        assert!(ask(0).is_none());
        held.truncate(1);
        assert!(ask(0).is_some());
    }

    #[test]
    fn slow_clients_of_one_shape_hold_three_pages_at_most() {
        let cache = PageCache::default();
        let now = Instant::now();
        let shape = Shape {
            format: TextFormat::Text004,
            encoding: Encoding::Identity,
            names: Names::Native,
            collectors: Vec::new(),
        };
        let ask = |_| cache.page(&shape, vec![part(now)], now);
        let mut held: Vec<_> = (0..100).map_while(ask).collect();
        assert_eq!(held.len(), 1 + OLDER_MAX);
        held.remove(0);
        assert!(ask(0).is_some());
    }
}
