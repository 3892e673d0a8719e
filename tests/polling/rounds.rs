//! When requests are made, and who is asked.

use natsight::expose::TextFormat;
use tokio::time::Instant;

use super::*;
use crate::support::fake::{HOST_PORT, Say, URL, varz};

#[tokio::test(start_paused = true)]
async fn the_first_round_runs_at_once_and_the_next_at_a_place_of_its_own() {
    let began = Instant::now();
    let fake = Fake::new();
    let mut scene = start(&fake);
    scene.pass(60 * S).await;
    let varz = fake.asked_for("/varz");
    assert_eq!(varz[0], began);
    let offset = varz[1] - varz[0];
    assert!(offset < 5 * S, "{offset:?}");
    for pair in varz[1..].windows(2) {
        let pause = pair[1] - pair[0];
        assert!(pause >= 5 * S && pause < 5 * S + 5 * MS, "{pause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn servers_do_not_tick_in_step() {
    let fakes: Vec<_> = (0..12).map(|_| Fake::new()).collect();
    let mut scenes: Vec<_> = fakes.iter().map(start).collect();
    scenes[0].pass(20 * S).await;
    let began = fakes[0].asked_for("/varz")[0];
    let places: BTreeSet<_> = fakes
        .iter()
        .map(|fake| (fake.asked_for("/varz")[1] - began).as_millis() / 250)
        .collect();
    assert!(places.len() > 3, "{places:?}");
}

#[tokio::test(start_paused = true)]
async fn varz_comes_first_and_nothing_else_while_it_fails() {
    let fake = Fake::new();
    fake.say("/varz", Say::Refuse);
    let mut scene = start(&fake);
    scene.pass(60 * S).await;
    let asked = fake.asked();
    assert!(asked.len() > 10, "{asked:?}");
    assert!(asked.iter().all(|asked| asked.path == "/varz"), "{asked:?}");
    assert_eq!(fake.greeted(), 0);
    fake.heal();
    let begin = asked.len();
    scene.until_up(1.0).await;
    scene.pass(60 * S).await;
    assert_eq!(fake.asked()[begin].path, "/varz");
    assert_eq!(endpoints(&fake.asked()[begin..]), asked_by_default());
}

#[tokio::test(start_paused = true)]
async fn a_broker_is_named_by_its_address_until_it_gives_its_name() {
    let fake = Fake::new();
    fake.say("/varz", Say::Refuse);
    let mut scene = start(&fake);
    let page = scene.until_up(0.0).await;
    assert_eq!(server_name(&page), HOST_PORT);
    fake.heal();
    let page = scene.until_up(1.0).await;
    assert_eq!(server_name(&page), "one");
    assert_eq!(page.value("nats_up", &[("target", URL)]), Some(1.0));
    fake.say("/varz", Say::Refuse);
    let page = scene.until_up(0.0).await;
    assert_eq!(server_name(&page), "one", "the last identity stays");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_equals_the_id_is_no_name_and_a_configured_one_wins() {
    let fake = Fake::new();
    fake.become_other("IDONE", "IDONE");
    let page = start(&fake).until_up(1.0).await;
    assert_eq!(server_name(&page), HOST_PORT);

    let fake = Fake::new();
    let mut watch = watch_of(fake.clone(), rules());
    watch.name = Some("mine".to_owned());
    let page = Scene::start(watch).until_up(1.0).await;
    assert_eq!(server_name(&page), "mine");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_down_at_the_start_appears() {
    let fake = Fake::new();
    fake.say("", Say::Hang);
    let mut scene = start(&fake);
    let page = scene.until_up(0.0).await;
    assert!(!has_varz(&page));
    assert_eq!(success(&page, "varz"), Some(0.0));
    assert!(scene.snapshot().status.first_round_over);
    scene.pass(600 * S).await;
    fake.heal();
    let before = Instant::now();
    let page = scene.until_up(1.0).await;
    assert!(before.elapsed() <= 5 * S, "{:?}", before.elapsed());
    assert!(has_varz(&page));
    assert_eq!(success(&page, "varz"), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn eight_first_rounds_are_under_way_at_once() {
    let rules = rules();
    let fakes: Vec<_> = (0..20).map(|_| Fake::new()).collect();
    let started = |fake: &Arc<Fake>| {
        fake.say("", Say::Hang);
        Scene::start(watch_of(fake.clone(), rules.clone()))
    };
    let mut scenes: Vec<_> = fakes.iter().map(started).collect();
    let tried = || {
        let tried = fakes.iter().filter(|fake| !fake.asked().is_empty());
        tried.count()
    };
    for expected in [8, 16, 20] {
        scenes[0].pass(S).await;
        assert_eq!(tried(), expected);
        scenes[0].pass(S + MS).await;
    }
    // Whoever still waits for its turn stops at once, too.
    let fake = Fake::new();
    let waiting = rules.first_rounds.clone().try_acquire_many_owned(8);
    let _all = waiting.unwrap();
    let mut scene = Scene::start(watch_of(fake.clone(), rules.clone()));
    scene.pass(10 * S).await;
    assert_eq!(
        (fake.asked().len(), scene.stop().await),
        (0, Duration::ZERO)
    );
}

#[tokio::test(start_paused = true)]
async fn a_first_round_is_over_when_each_collector_was_tried() {
    let rules = rules();
    let fakes: Vec<_> = (0..9).map(|_| Fake::new()).collect();
    let started = |fake: &Arc<Fake>| {
        fake.say("/connz?limit", Say::Well(S));
        Scene::start(watch_of(fake.clone(), rules.clone()))
    };
    let mut scenes: Vec<_> = fakes.iter().map(started).collect();
    scenes[0].pass(S - MS).await;
    assert!(!scenes[0].snapshot().status.first_round_over);
    // Heavy requests that hang keep no other server from its turn.
    assert_ne!(fakes[8].asked().len(), 0);
    scenes[0].pass(2 * MS).await;
    assert!(scenes[0].snapshot().status.first_round_over);
}

#[tokio::test(start_paused = true)]
async fn stop_ends_at_once_whatever_is_under_way() {
    let fake = Fake::new();
    let mut scene = start(&fake);
    scene.until_up(1.0).await;
    fake.say("", Say::Hang);
    let before = fake.asked().len();
    while fake.asked().len() == before {
        scene.pass(MS).await;
    }
    assert_eq!(scene.stop().await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn scrapes_make_no_requests() {
    let fake = Fake::new();
    let mut scene = start(&fake);
    scene.pass(31 * S + 7 * MS).await;
    let before = fake.asked().len();
    assert!(has_varz(&scene.page()));
    for _ in 0..100 {
        support::page::text(&scene.snapshot(), TextFormat::OpenMetrics1);
    }
    scene.pass(Duration::ZERO).await;
    assert_eq!(fake.asked().len(), before);
}

#[tokio::test(start_paused = true)]
async fn rounds_that_begin_late_are_counted() {
    let mut rules = rules();
    rules.light.deadline = 20 * S;
    let fake = Fake::new();
    fake.say("/varz", Say::Well(7 * S));
    let mut scene = Scene::start(watch_of(fake.clone(), rules));
    let late = |page: &Page| {
        let labels = [("collector", "varz")];
        page.value("nats_collector_late_total", &labels).unwrap()
    };
    let page = scene.until_up(1.0).await;
    assert_eq!(late(&page), 0.0);
    // The second round's place in the interval may have passed already.
    scene.pass(10 * S).await;
    let before = late(&scene.page());
    scene.pass(40 * S).await;
    assert_eq!(late(&scene.page()), before, "two seconds are not late");
    fake.say("/varz", Say::Well(9 * S));
    scene.pass(60 * S).await;
    assert!(late(&scene.page()) >= before + 4.0);
}

#[tokio::test(start_paused = true)]
async fn collectors_that_waited_for_a_server_are_not_late() {
    let fake = Fake::new();
    let mut scene = start(&fake);
    scene.pass(60 * S).await;
    fake.say("/varz", Say::Refuse);
    scene.pass(300 * S).await;
    fake.heal();
    scene.pass(300 * S).await;
    let page = scene.page();
    for sample in page.find("nats_collector_late_total", &[]) {
        assert_eq!(sample.value, 0.0, "{}", sample.key());
    }
}

#[tokio::test(start_paused = true)]
async fn a_varz_slower_than_its_interval_does_not_keep_others_from_being_asked() {
    let mut rules = rules();
    rules.light.deadline = 20 * S;
    let fake = Fake::new();
    fake.say("/varz", Say::Well(8 * S));
    let mut scene = Scene::start(watch_of(fake.clone(), rules));
    scene.pass(100 * S).await;
    let begin = fake.asked().len();
    // The rarest is asked every ten minutes.
    scene.pass(700 * S).await;
    assert_eq!(endpoints(&fake.asked()[begin..]), asked_by_default());
}

#[tokio::test(start_paused = true)]
async fn the_client_port_is_probed_and_failures_counted() {
    let mut rules = rules();
    rules.probe = Some(10 * S);
    let fake = Fake::new();
    let mut scene = Scene::start(watch_of(fake.clone(), rules));
    scene.pass(31 * S).await;
    let labels = [("kind", "connect"), ("from", "natsight"), ("to", "one")];
    let page = scene.page();
    let count = page.value("nats_probe_duration_seconds_count", &labels);
    assert!(count >= Some(3.0), "{count:?}");
    let failed = |page: &Page| {
        let labels = [("reason", "timeout")];
        page.value("nats_probe_failures_total", &labels)
    };
    assert_eq!(failed(&page), Some(0.0));
    fake.greets(false);
    scene.pass(30 * S).await;
    let page = scene.page();
    assert!(failed(&page) >= Some(2.0));
    assert_eq!(page.value("nats_up", &[]), Some(1.0));
    // natsight sees the client port itself, whatever varz says.
    fake.say("", Say::Refuse);
    scene.until_up(0.0).await;
    let before = fake.greeted();
    scene.pass(30 * S).await;
    assert!(fake.greeted() >= before + 2);
}

#[tokio::test(start_paused = true)]
async fn counters_below_zero_are_dropped_and_counted() {
    let fake = Fake::new();
    let body = varz("IDONE", "one").replace(r#""in_msgs":454"#, r#""in_msgs":-454"#);
    fake.say("/varz", Say::Body(body.into_bytes()));
    let mut scene = start(&fake);
    let page = scene.until_up(1.0).await;
    let dropped = |page: &Page| {
        let labels = [("collector", "varz"), ("reason", "negative")];
        page.value("nats_collector_dropped_total", &labels)
    };
    assert!(page.find("nats_server_in_messages_total", &[]).is_empty());
    assert_eq!(
        page.value("nats_server_out_messages_total", &[]),
        Some(1147.0)
    );
    assert_eq!(dropped(&page), Some(1.0));
    fake.heal();
    scene.pass(6 * S).await;
    let page = scene.page();
    assert_eq!(
        page.value("nats_server_in_messages_total", &[]),
        Some(454.0)
    );
}

/// Without cluster, gateways and leaf nodes their endpoints have nothing to tell; each request to them costs the broker and us.
#[tokio::test(start_paused = true)]
async fn what_a_server_has_no_part_in_is_asked_once_a_minute_until_varz_tells_of_it() {
    let fake = Fake::new();
    let with = |more: &str| {
        let body = varz("IDONE", "one").replace(r#""cluster":{}"#, more);
        fake.say("/varz", Say::Body(body.into()));
    };
    with(r#""routes":0,"leafnodes":0,"cluster":{},"gateway":{},"leaf":{}"#);
    let mut scene = start(&fake);
    scene.pass(600 * S).await;
    let rarely = ["/routez", "/gatewayz", "/leafz"];
    for path in rarely {
        let asked = fake.asked_for(path).len();
        assert!((10..=12).contains(&asked), "{path}: {asked}");
    }
    assert!(fake.asked_for("/varz").len() > 100);
    let page = scene.page();
    let every = |collector| {
        let labels = [("collector", collector)];
        page.value("nats_collector_interval_seconds", &labels)
    };
    assert_eq!((every("routez"), every("varz")), (Some(60.0), Some(5.0)));

    let before = rarely.map(|path| fake.asked_for(path).len());
    with(
        r#""routes":1,"leafnodes":0,"cluster":{"name":"C"},"gateway":{"name":"G"},"leaf":{"port":7422}"#,
    );
    scene.pass(11 * S).await;
    for (path, before) in rarely.into_iter().zip(before) {
        let asked = fake.asked_for(path).len() - before;
        assert!(asked >= 2, "{path} was asked {asked} times in two rounds");
    }
}
