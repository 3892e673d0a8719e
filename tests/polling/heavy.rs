//! Endpoints other than varz: their own failures, lanes and costs.

use natsight::collect::{Lane, Spec};
use tokio::time::Instant;

use super::*;
use crate::support::fake::{Say, varz};

/// Whether anything is shown that connz gave.
fn has_connz(page: &Page) -> bool {
    page.family("nats_connections_open").is_some()
}

const OPEN: &str = "/connz?limit";

fn interval(page: &Page, collector: &str) -> f64 {
    let labels = [("collector", collector)];
    page.value("nats_collector_interval_seconds", &labels)
        .unwrap()
}

/// Pauses between requests.
fn pauses(asked: &[Instant]) -> Vec<Duration> {
    asked.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn a_hung_heavy_endpoint_never_makes_a_server_look_down_nor_delays_light_ones() {
    let fake = Fake::new();
    for spec in specs().filter(|spec| spec.lane == Lane::Heavy) {
        fake.say(spec.handler, Say::Hang);
    }
    fake.say("/jsz", Say::Hang);
    let light = |spec: &&Spec| spec.lane == Lane::Light && spec.handler != "/jsz";
    for spec in specs().filter(light) {
        fake.say(spec.handler, Say::Well(Duration::ZERO));
    }
    let mut scene = start(&fake);
    scene.until_up(1.0).await;
    for _ in 0..60 {
        scene.pass(10 * S).await;
        assert_eq!(scene.page().value("nats_up", &[]), Some(1.0));
    }
    for pause in pauses(&fake.asked_for("/varz")).split_off(1) {
        // jsz without details is light, hangs for its two seconds, and is asked beside varz.
        assert!(pause <= 7 * S, "{pause:?}");
    }
    let page = scene.page();
    assert_eq!(success(&page, "connz"), Some(0.0));
    assert!(failures(&page, "connz", "timeout") > 2.0);
    assert!(has_varz(&page) && !has_connz(&page));
    let labels = [("handler", "/connz"), ("code", "timeout")];
    let sum = page.value("http_request_duration_seconds_sum", &labels);
    let count = page.value("http_request_duration_seconds_count", &labels);
    assert!((sum.unwrap() - 20.0 * count.unwrap()).abs() < 0.1);
}

#[tokio::test(start_paused = true)]
async fn a_heavy_endpoint_that_fails_is_asked_more_and_more_rarely_and_gets_well_again() {
    let fake = Fake::new();
    let mut scene = start(&fake);
    scene.pass(60 * S).await;
    let begin = fake.asked_for(OPEN).len() - 1;
    fake.say(OPEN, Say::Status(500));
    scene.pass(1200 * S).await;
    let asked = fake.asked_for(OPEN).split_off(begin);
    let pauses: Vec<_> = pauses(&asked).iter().map(|p| p.as_secs()).collect();
    assert_eq!(pauses[..5], [15, 15, 30, 60, 120], "{pauses:?}");
    assert!(pauses[4..].iter().all(|pause| *pause == 120), "{pauses:?}");
    let page = scene.page();
    assert_eq!(failures(&page, "connz", "status"), asked.len() as f64 - 1.0);
    fake.heal();
    scene.pass(121 * S).await;
    assert!(has_connz(&scene.page()));
    let asked = fake.asked_for(OPEN).len();
    scene.pass(31 * S).await;
    assert!(
        fake.asked_for(OPEN).len() >= asked + 2,
        "as often as before"
    );
}

#[tokio::test(start_paused = true)]
async fn the_series_of_an_endpoint_go_after_two_failures_of_its_own() {
    let fake = Fake::new();
    let mut scene = start(&fake);
    scene.pass(60 * S).await;
    assert!(has_connz(&scene.page()));
    fake.say(OPEN, Say::Status(500));
    let page = scene
        .until("failed", |page| success(page, "connz") == Some(0.0))
        .await;
    assert!(has_connz(&page));
    let page = scene.until("gone", |page| !has_connz(page)).await;
    assert_eq!(failures(&page, "connz", "status"), 2.0);
    assert!(has_varz(&page));
    assert_eq!(page.value("nats_up", &[]), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn the_series_of_a_hung_endpoint_go_three_intervals_after_its_answer() {
    let mut rules = rules();
    rules.heavy.deadline = 600 * S;
    let fake = Fake::new();
    let mut scene = Scene::start(watch_of(fake.clone(), rules));
    scene.pass(61 * S).await;
    fake.say(OPEN, Say::Hang);
    let asked = *fake.asked_for(OPEN).last().unwrap();
    scene.pass(asked + 45 * S - Instant::now() - MS).await;
    assert!(has_connz(&scene.page()));
    scene.pass(MS).await;
    assert!(!has_connz(&scene.page()));
    assert_eq!(failures(&scene.page(), "connz", "timeout"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn the_cost_of_heavy_answers_stretches_their_intervals_and_is_shown() {
    let fake = Fake::new();
    // As many connections as explain the time: what is far beyond that is waiting, not work.
    let busy = varz("IDONE", "one").replace("\"connections\":10", "\"connections\":25000");
    fake.say("/varz", Say::Body(busy.into_bytes()));
    fake.say(OPEN, Say::Well(S));
    let mut scene = start(&fake);
    scene.until_up(1.0).await;
    assert_eq!(interval(&scene.page(), "connz"), 15.0);
    scene.pass(1800 * S).await;
    let page = scene.page();
    // One second of work in 15 is 6.7 times the hundredth of a core that is allowed.
    let shown = interval(&page, "connz");
    assert!((100.0..101.0).contains(&shown), "{shown}");
    assert_eq!(interval(&page, "varz"), 5.0);
    for pause in pauses(&fake.asked_for(OPEN)).split_off(1) {
        assert!(pause >= 100 * S && pause < 101 * S, "{pause:?}");
    }
    assert!(has_connz(&page), "it is shown as long as it is right");
    fake.heal();
    scene.pass(3600 * S).await;
    assert!(interval(&scene.page(), "connz") < 20.0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_began_in_the_old_life_is_dropped_and_asked_for_again_at_once() {
    let fake = Fake::new();
    let mut scene = start(&fake);
    scene.pass(60 * S).await;
    fake.say(OPEN, Say::Well(12 * S));
    let before = fake.asked_for(OPEN).len();
    while fake.asked_for(OPEN).len() == before {
        scene.pass(10 * MS).await;
    }
    fake.become_other("IDTWO", "two");
    fake.say(OPEN, Say::Well(MS));
    let page = scene
        .until("restarted", |page| {
            failures(page, "connz", "restarted") == 1.0
        })
        .await;
    assert_eq!(server_name(&page), "two");
    assert!(!has_connz(&page));
    let ended = Instant::now();
    let page = scene.until("back", has_connz).await;
    assert!(ended.elapsed() < 10 * MS, "asked again at once");
    assert_eq!(server_name(&page), "two");
}

#[tokio::test(start_paused = true)]
async fn an_answer_with_another_id_in_it_is_dropped() {
    let fake = Fake::new();
    let other = crate::support::fake::connz("IDTWO", "");
    fake.say(OPEN, Say::Body(other.into_bytes()));
    let mut scene = start(&fake);
    scene.pass(120 * S).await;
    let page = scene.page();
    assert!(!has_connz(&page));
    assert!(failures(&page, "connz", "restarted") >= 1.0);
    let asked = fake.asked_for(OPEN).len();
    assert!(asked < 8, "another id is no reason to hurry: {asked}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_when_the_server_has_gone_is_not_shown() {
    let fake = Fake::new();
    let mut scene = start(&fake);
    scene.pass(60 * S).await;
    fake.say(OPEN, Say::Well(19 * S));
    let before = fake.asked_for(OPEN).len();
    while fake.asked_for(OPEN).len() == before {
        scene.pass(10 * MS).await;
    }
    fake.say("/varz", Say::Refuse);
    let page = scene.until("gone", |page| !has_varz(page)).await;
    let answered = |page: &Page| {
        let labels = [("handler", "/connz"), ("code", "200")];
        page.value("http_request_duration_seconds_count", &labels)
    };
    let before = answered(&page);
    let page = scene
        .until("answered", |page| answered(page) > before)
        .await;
    assert!(!has_connz(&page));
    fake.heal();
    scene.until("back", has_connz).await;
}

#[tokio::test(start_paused = true)]
async fn one_failing_heavy_endpoint_does_not_keep_the_others_from_being_asked() {
    let fake = Fake::new();
    fake.say(OPEN, Say::Well(19 * S));
    let mut rules = rules();
    // So much work is allowed that nothing is stretched, and the lane is full.
    rules.broker_cpu_max = 100.0;
    let mut scene = Scene::start(watch_of(fake.clone(), rules));
    scene.pass(200 * S).await;
    let begin = fake.asked().len();
    scene.pass(600 * S).await;
    assert_eq!(endpoints(&fake.asked()[begin..]), asked_by_default());
}
