//! What is shown when something is gone, and when it is back.

use super::*;
use crate::support::fake::Say;

#[tokio::test(start_paused = true)]
async fn what_a_broker_reported_goes_after_two_missed_rounds_and_what_was_seen_stays() {
    let fake = Fake::new();
    let mut scene = start(&fake);
    scene.pass(20 * S).await;
    let well = scene.page();
    assert!(has_varz(&well));
    let succeeded = "nats_collector_last_success_timestamp_seconds";
    let last = well.value(succeeded, &[("collector", "varz")]);
    assert!(last.is_some());

    fake.say("", Say::Hang);
    let page = scene.until_up(0.0).await;
    assert!(has_varz(&page), "one missed round is not the end");
    assert_eq!(success(&page, "varz"), Some(0.0));
    assert_eq!(failures(&page, "varz", "timeout"), 1.0);

    let page = scene.until("without varz", |page| !has_varz(page)).await;
    assert_eq!(failures(&page, "varz", "timeout"), 2.0);
    only_seen(&page);
    scene.pass(3600 * S).await;
    let page = scene.page();
    only_seen(&page);
    assert_eq!(page.value("nats_up", &[]), Some(0.0));
    for sample in page.find("nats_collector_success", &[]) {
        assert_eq!(sample.value, 0.0, "{}: nobody is asked", sample.key());
    }
    assert_eq!(page.value(succeeded, &[("collector", "varz")]), last);
    assert_eq!(server_name(&page), "one");
    let timeouts = [("handler", "/varz"), ("code", "timeout")];
    let count = page.value("http_request_duration_seconds_count", &timeouts);
    let sum = page.value("http_request_duration_seconds_sum", &timeouts);
    assert_eq!(count, Some(failures(&page, "varz", "timeout")));
    assert!(count > Some(600.0));
    let (count, sum) = (count.unwrap(), sum.unwrap());
    assert!((sum - 2.0 * count).abs() < 0.1, "{sum} for {count}");

    fake.heal();
    let page = scene.until_up(1.0).await;
    assert!(has_varz(&page));
    scene.pass(60 * S).await;
    let names = |page: &Page| -> Vec<String> {
        let families = page.families.iter();
        families.map(|family| family.name.clone()).collect()
    };
    assert_eq!(
        names(&scene.page()).retain_families(&well),
        names(&well),
        "all is back"
    );
}

trait Retain {
    fn retain_families(self, page: &Page) -> Self;
}

impl Retain for Vec<String> {
    /// Only those that a page has, too.
    fn retain_families(mut self, page: &Page) -> Self {
        self.retain(|name| page.family(name).is_some());
        self
    }
}

/// Families that natsight fills from what it saw itself.
fn only_seen(page: &Page) {
    for family in &page.families {
        let seen = ["nats_up", "http_request_duration_seconds"].contains(&family.name.as_str());
        let about = ["nats_collector_", "nats_probe_", "nats_process_"];
        let seen = seen || about.iter().any(|start| family.name.starts_with(start));
        assert!(seen, "{} is the broker's", family.name);
    }
}

#[tokio::test(start_paused = true)]
async fn parts_expire_at_the_scrape_even_if_polling_hangs() {
    let fake = Fake::new();
    let mut scene = start(&fake);
    scene.pass(20 * S).await;
    let snapshot = scene.snapshot();
    assert!(has_varz(&scene.page()));
    scene.stop().await;
    let varz = &snapshot.parts;
    let varz = varz.iter().find(|part| part.source.collector == "varz");
    let (polled, until) = {
        let part = varz.unwrap();
        (part.polled_at, part.expires_at.unwrap())
    };
    assert_eq!(until - polled, 15 * S);
    let left = until - tokio::time::Instant::now().into_std();
    tokio::time::advance(left - MS).await;
    assert!(has_varz(&support::page::page(&snapshot)));
    tokio::time::advance(MS).await;
    let page = support::page::page(&snapshot);
    assert!(!has_varz(&page));
    tokio::time::advance(3600 * S).await;
    let page = support::page::page(&snapshot);
    only_seen(&page);
    assert!(page.find("nats_up", &[]).len() == 1, "what was seen stays");
}

#[tokio::test(start_paused = true)]
async fn one_missed_round_does_not_make_a_gap() {
    let fake = Fake::new();
    let mut scene = start(&fake);
    scene.pass(20 * S).await;
    for _ in 0..3 {
        fake.say("/varz", Say::Hang);
        scene.until_up(0.0).await;
        fake.heal();
        while scene.snapshot().status.up == Some(false) {
            assert!(has_varz(&scene.page()));
            scene.pass(500 * MS).await;
        }
    }
    assert_eq!(failures(&scene.page(), "varz", "timeout"), 3.0);
}

#[tokio::test(start_paused = true)]
async fn a_new_life_keeps_nothing_of_the_old_one_and_is_asked_for_everything_at_once() {
    let fake = Fake::new();
    let mut scene = start(&fake);
    scene.pass(62 * S).await;
    fake.become_other("IDTWO", "two");
    let page = scene
        .until("of the new life", |page| {
            page.find("nats_server_info", &[("server_id", "IDTWO")])
                .len()
                == 1
        })
        .await;
    assert_eq!(server_name(&page), "two");
    let begin = tokio::time::Instant::now();
    scene.pass(S).await;
    assert_eq!(server_name(&scene.page()), "two");
    let mut asked = fake.asked();
    asked.retain(|asked| asked.at >= begin && asked.at <= begin + MS);
    assert_eq!(endpoints(&asked), asked_by_default());
    scene.pass(120 * S).await;
    assert_eq!(server_name(&scene.page()), "two");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_the_version_lacks_is_absent_not_failed() {
    let absent = |spec: &&natsight::collect::Spec| (spec.absent)(404);
    let spec = specs().find(absent).unwrap();
    let fake = Fake::new();
    fake.say(spec.handler, Say::Status(404));
    let mut scene = start(&fake);
    scene.pass(60 * S).await;
    assert!(!fake.asked_for(spec.handler).is_empty());
    let page = scene.page();
    let collector = [("collector", spec.name)];
    for family in &page.families {
        if family.name.starts_with("nats_collector_") {
            assert!(page.find(&family.name, &collector).is_empty());
        }
    }
    let labels = [("handler", spec.handler), ("code", "404")];
    let count = page.value("http_request_duration_seconds_count", &labels);
    assert!(count > Some(0.0), "that it was asked is seen");
    // The next version has it.
    fake.say(spec.handler, Say::Status(500));
    fake.become_other("IDTWO", "one");
    let page = scene
        .until("failed", |page| success(page, spec.name) == Some(0.0))
        .await;
    assert!(failures(&page, spec.name, "status") >= 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_freezes_is_down_within_a_round_whatever_was_due_first() {
    // From two to five seconds after varz the other light endpoints come due before it, and each takes its whole time.
    for late in 0..8u32 {
        let fake = Fake::new();
        fake.say("", Say::Refuse);
        let mut scene = start(&fake);
        // Down at the start, so that varz and the others do not begin together.
        scene.pass(10 * S + 700 * late * MS).await;
        fake.heal();
        scene.until_up(1.0).await;
        scene.pass(12 * S + 600 * late * MS).await;
        let frozen = tokio::time::Instant::now();
        fake.say("", Say::Hang);
        scene.until_up(0.0).await;
        // What is under way when it freezes, a light answer that fails, and varz itself.
        let took = frozen.elapsed();
        assert!(took <= 10 * S, "{late}: down after {took:?}");
        scene.until("without varz", |page| !has_varz(page)).await;
        let took = frozen.elapsed();
        assert!(took <= 15 * S, "{late}: gone after {took:?}");
    }
}
