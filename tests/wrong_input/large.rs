//! Answers of a size that nobody has; memory follows the page, not the body.

use tokio::sync::Mutex;

use super::*;
use crate::support::fake::{connz, jsz, varz};
use crate::support::page;

const MIB: u64 = 1 << 20;

/// Tests that measure memory take turns.
pub(super) static ALONE: Mutex<()> = Mutex::const_new(());

/// A line of `/proc/self/status` in bytes.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    let kib = line.split_whitespace().nth(1).unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

/// Most memory that was resident at once since `peak_from_here`.
pub(super) fn peak() -> u64 {
    status("VmHWM:")
}

/// Forgets the peak so far; memory that is resident now.
pub(super) fn peak_from_here() -> u64 {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    status("VmRSS:")
}

/// Gives an answer piece by piece; how much memory that took, before anybody read the page.
async fn grown(scene: &mut Scene, fake: &Fake, path: &str, say: Say) -> u64 {
    scene.pass(60 * S).await;
    let before = peak_from_here();
    fake.say(path, say);
    let asked = fake.asked_for(path).len();
    while fake.asked_for(path).len() == asked {
        scene.pass(S).await;
    }
    peak().saturating_sub(before)
}

/// A body in pieces: what comes before, each of many, what comes after.
fn many(
    before: String,
    count: usize,
    each: impl Fn(usize) -> String + Send + Sync + 'static,
    after: &'static str,
) -> Say {
    Say::Pieces(Arc::new(move |at| match at {
        0 => Some(before.clone().into_bytes()),
        at if at <= count => {
            let comma = if at == 1 { "" } else { "," };
            Some(format!("{comma}{}", each(at)).into_bytes())
        }
        at if at == count + 1 => Some(after.as_bytes().to_vec()),
        _ => None,
    }))
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_tags_are_shown_within_bounds() {
    let _alone = ALONE.lock().await;
    let fake = Fake::new();
    let mut scene = Scene::start(watch_of(fake.clone(), rules()));
    let body = varz("IDONE", "one");
    let (before, _) = body.split_once("\"rack:r1\"").unwrap();
    let say = many(
        before.to_owned(),
        100_000,
        |at| format!("\"tag:{at:06}\""),
        "]}",
    );
    let grown = grown(&mut scene, &fake, "/varz", say).await;
    assert!(grown < 64 * MIB, "{grown}");
    let page = page::read(
        &scene.snapshot(),
        natsight::expose::TextFormat::OpenMetrics1,
    );
    assert_eq!(page.value("nats_up", &[]), Some(1.0));
    assert_eq!(page.find("nats_server_tag_info", &[]).len(), 100_000);
}

#[tokio::test(start_paused = true)]
async fn names_of_ten_kilobytes_are_cut_within_bounds() {
    let _alone = ALONE.lock().await;
    let fake = Fake::new();
    let mut scene = Scene::start(watch_of(fake.clone(), rules()));
    let body = varz("IDONE", &"n".repeat(10_000));
    let (before, _) = body.split_once("\"rack:r1\"").unwrap();
    let tag = |at| format!("\"{}{at}\"", "t".repeat(10_000));
    let say = many(before.to_owned(), 1_000, tag, "]}");
    let grown = grown(&mut scene, &fake, "/varz", say).await;
    assert!(grown < 64 * MIB, "{grown}");
    let page = page::read(&scene.snapshot(), natsight::expose::TextFormat::Text004);
    let tags = page.find("nats_server_tag_info", &[]);
    assert_eq!(tags.len(), 1_000, "cut names stay distinct");
    assert!(
        tags.iter()
            .all(|tag| tag.label("tag").unwrap().len() < 1100)
    );
}

#[tokio::test(start_paused = true)]
async fn an_element_without_end_is_refused_within_bounds() {
    let _alone = ALONE.lock().await;
    let fake = Fake::new();
    let mut scene = Scene::start(watch_of(fake.clone(), rules()));
    let body = jsz("IDONE", "ACCOUNTS");
    let (before, _) = body.split_once("ACCOUNTS").unwrap();
    let before = format!("{before}{{\"name\":\"");
    let chunk = vec![b'x'; 64 << 10];
    let say = Say::Pieces(Arc::new(move |at| match at {
        0 => Some(before.clone().into_bytes()),
        at if at < 4_000 => Some(chunk.clone()),
        _ => None,
    }));
    let grown = grown(&mut scene, &fake, "/jsz?streams", say).await;
    assert!(grown < 64 * MIB, "{grown}");
    let page = scene.page();
    assert!(failures(&page, "streams", "element_too_large") >= 1.0);
    assert_eq!(success(&page, "streams"), 0.0);
    assert_eq!(page.value("nats_up", &[]), Some(1.0));
}

fn account(at: usize) -> String {
    format!(
        r#"{{"name":"A{at}","id":"A{at}","memory":0,"storage":1,"reserved_memory":0,"reserved_storage":0,"accounts":0,"ha_assets":0,"api":{{"level":5,"total":4,"errors":0}}}}"#
    )
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_accounts_are_shown_within_bounds() {
    let _alone = ALONE.lock().await;
    let fake = Fake::new();
    let mut rules = rules();
    rules.series_max = 10_000_000;
    rules.options.series_new_max = 10_000_000;
    let mut scene = Scene::start(watch_of(fake.clone(), rules));
    let body = jsz("IDONE", "ACCOUNTS");
    let (before, _) = body.split_once("ACCOUNTS").unwrap();
    let say = many(before.to_owned(), 100_000, account, "]}");
    let grown = grown(&mut scene, &fake, "/jsz?streams", say).await;
    assert!(grown < 64 * MIB, "{grown}");
    let parts = &scene.snapshot().parts;
    let part = parts.iter().find(|part| part.source.collector == "streams");
    assert!(part.is_some_and(|part| part.series >= 600_000));
    assert_eq!(scene.snapshot().status.up, Some(true));
}

fn stream(name: &str, messages: u32) -> String {
    format!(
        r#"{{"name":"{name}","created":"2026-11-22T07:08:01Z","cluster":{{"leader":"one"}},"state":{{"messages":{messages},"bytes":110,"first_seq":1,"first_ts":"2026-11-22T07:08:02Z","last_seq":2,"last_ts":"2026-11-22T07:08:03Z","num_subjects":1,"consumer_count":0}}}}"#
    )
}

fn with_streams(streams: &[String]) -> String {
    let account = account(1);
    let open = account.strip_suffix('}').unwrap();
    jsz(
        "IDONE",
        &format!("{open},\"stream_detail\":[{}]}}", streams.join(",")),
    )
}

fn dropped(page: &Page, collector: &str) -> f64 {
    let labels = [("collector", collector), ("reason", "duplicate")];
    page.value("nats_collector_dropped_total", &labels)
        .unwrap_or(0.0)
}

#[tokio::test(start_paused = true)]
async fn a_stream_listed_twice_is_shown_once_and_counted() {
    let mut bench = Bench::of("streams", "/jsz?streams", rules()).await;
    let body = with_streams(&[
        stream("ORDERS", 2),
        stream("EVENTS", 3),
        stream("ORDERS", 4),
    ]);
    let (page, fate) = bench.tell_body(body).await;
    assert!(matches!(fate, Fate::Taken));
    assert_eq!(
        page.find("nats_stream_messages", &[("stream", "ORDERS")])
            .len(),
        1
    );
    assert_eq!(
        page.value("nats_stream_messages", &[("stream", "ORDERS")]),
        Some(2.0)
    );
    assert_eq!(
        page.value("nats_stream_messages", &[("stream", "EVENTS")]),
        Some(3.0)
    );
    assert!(dropped(&page, "streams") >= 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_listed_twice_is_shown_once_and_counted() {
    let mut rules = rules();
    rules.options.connections = natsight::collect::Connections::All;
    let mut bench = Bench::of("connz", "/connz?limit", rules).await;
    let one = r#"{"cid":8,"kind":"Client","type":"nats","ip":"127.0.0.1","port":40042,"start":"2026-11-22T07:08:00Z","last_activity":"2026-11-22T07:08:11Z","uptime":"11s","idle":"0s","pending_bytes":7,"in_msgs":2,"out_msgs":202,"in_bytes":22,"out_bytes":175168,"subscriptions":3}"#;
    let (page, fate) = bench
        .tell_body(connz("IDONE", &format!("{one},{one}")))
        .await;
    assert!(matches!(fate, Fate::Taken));
    assert_eq!(
        page.find("nats_connection_pending_bytes", &[("cid", "8")])
            .len(),
        1
    );
    assert!(dropped(&page, "connz") >= 1.0);
}

#[tokio::test(start_paused = true)]
async fn elements_larger_than_many_chunks_are_taken_whole() {
    let mut bench = Bench::of("streams", "/jsz?streams", rules()).await;
    let name = "Ünïcode\\n\\\"".repeat(2_000);
    let (page, fate) = bench
        .tell_body(with_streams(&[stream(&name, 2), stream("B", 3)]))
        .await;
    assert!(matches!(fate, Fate::Taken));
    assert_eq!(page.find("nats_stream_messages", &[]).len(), 2);
    let cut = with_streams(&[stream(&name, 2), stream("B", 3)]);
    let (page, fate) = bench.tell_body(cut[..cut.len() - 30].to_owned()).await;
    assert!(matches!(fate, Fate::Refused("truncated")));
    assert_eq!(page.value("nats_up", &[]), Some(1.0));
}
