//! What changes from round to round: who stays, what is new, what is counted.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const STREAMS: Load = Load {
    accounts: 1,
    streams: 1_000,
    consumers: 0,
};

fn shown(page: &Page) -> Vec<String> {
    names(page, "nats_stream_has_leader", "stream")
}

#[tokio::test(start_paused = true)]
async fn who_is_shown_stays_at_least_five_rounds() {
    let turn = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&turn);
    // The sizes of all streams turn round with each answer.
    let naming: Naming = Arc::new(move |at| {
        let size = (at + now.load(Ordering::SeqCst) * 200) % 1_000;
        (at, size as u64)
    });
    let fake = Fake::new();
    tell(&fake, STREAMS, &naming);
    let mut scene = Scene::start(watch_of(fake.clone(), small(3_000)));
    let mut seen: Vec<Vec<String>> = Vec::new();
    scene.pass(16 * S).await;
    for _ in 0..30 {
        scene.pass(15 * S).await;
        let page = scene.page();
        assert!(page.series() <= 3_000);
        seen.push(shown(&page));
        turn.fetch_add(1, Ordering::SeqCst);
    }
    let first = &seen[0];
    assert!(first.len() > 100, "{}", first.len());
    let mut begun: std::collections::BTreeMap<&str, usize> = Default::default();
    for (round, names) in seen.iter().enumerate() {
        let gone: Vec<_> = begun.keys().copied().collect();
        for name in gone
            .into_iter()
            .filter(|name| !names.iter().any(|one| one == name))
        {
            let since = begun.remove(name).unwrap();
            assert!(
                since == 0 || round - since >= 5,
                "{name} from {since} to {round}"
            );
        }
        for name in names {
            begun.entry(name).or_insert(round);
        }
    }
    assert!(
        seen.iter().any(|names| names != first),
        "others get their turn"
    );
}

#[tokio::test(start_paused = true)]
async fn names_that_change_all_the_time_are_bounded() {
    let turn = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&turn);
    let naming: Naming = Arc::new(move |at| (at + 1_000 * now.load(Ordering::SeqCst), 1));
    let fake = Fake::new();
    let load = Load {
        streams: 100,
        ..STREAMS
    };
    tell(&fake, load, &naming);
    let mut rules = rules();
    rules.options.series_new_max = 10_000;
    let mut scene = Scene::start(watch_of(fake.clone(), rules));
    let mut made = std::collections::BTreeSet::new();
    for _ in 0..60 {
        scene.pass(15 * S).await;
        made.extend(shown(&scene.page()));
        turn.fetch_add(1, Ordering::SeqCst);
    }
    // Fourteen series each.
    assert!((600..=720).contains(&made.len()), "{}", made.len());
    let page = scene.page();
    check(&page);
    assert_eq!(shown(&page), [""; 0]);
    assert_eq!(left_out(&page, "streams", "new"), Some(100.0));
    assert_eq!(
        of_collector(&page, "nats_collector_truncated", "streams"),
        1.0
    );
    assert_eq!(values(&page, "nats_stream_messages").1, Some(100.0));
    scene.pass(3_600 * S).await;
    turn.fetch_add(1, Ordering::SeqCst);
    scene.pass(15 * S).await;
    assert_eq!(shown(&scene.page()).len(), 100, "another hour");
}

#[tokio::test(start_paused = true)]
async fn lost_series_are_counted_by_family() {
    let fake = Fake::new();
    tell(&fake, STREAMS, &by_place());
    let watch = watch_of(fake.clone(), small(3_000));
    let ledger = Arc::clone(&watch.ledger);
    let mut scene = Scene::start(watch);
    let count = || {
        let lost = ledger.lost();
        let found = lost
            .iter()
            .find(|(metric, _)| metric.name() == "nats_stream_messages");
        found.map_or(0, |(_, count)| *count)
    };
    scene.pass(16 * S).await;
    let mut before = count();
    for _ in 0..3 {
        scene.pass(15 * S).await;
        let left = 1_000 - shown(&scene.page()).len() as u64;
        assert_eq!(count() - before, left);
        before = count();
    }
    fake.heal();
    scene.pass(60 * S).await;
    let before = count();
    scene.pass(60 * S).await;
    assert_eq!(count(), before, "nothing is lost any more");
    assert_eq!(left_out(&scene.page(), "streams", "budget"), Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn what_the_operator_denies_is_not_shown_and_no_loss() {
    let pattern = |stream: &str| Pattern {
        account: Some("A*".to_owned()),
        stream: Some(stream.to_owned()),
        consumer: None,
    };
    let mut rules = rules();
    rules.options.scope = Arc::new(Scope {
        allow: vec![pattern("S0000*")],
        deny: vec![pattern("*7")],
    });
    let load = Load {
        accounts: 2,
        streams: 1_000,
        consumers: 50,
    };
    let page = told(rules, load).await;
    let expected: Vec<_> = (1..100)
        .filter(|number| number % 10 != 7)
        .map(|number| format!("S{number:06}"))
        .collect();
    assert_eq!(names(&page, "nats_stream_bytes", "stream"), expected);
    assert_eq!(
        names(&page, "nats_consumer_ack_pending_messages", "consumer").len(),
        50
    );
    assert_eq!(
        names(&page, "nats_account_info", "account"),
        ["A1002", "APP"]
    );
    assert_eq!(left_out(&page, "streams", "denied"), Some(911.0));
    assert_eq!(
        of_collector(&page, "nats_collector_truncated", "streams"),
        0.0
    );
    assert_eq!(
        of_collector(&page, "nats_collector_coverage_ratio", "streams"),
        1.0
    );
    assert_eq!(
        values(&page, "nats_stream_messages").1,
        None,
        "no sum of what nobody wants"
    );
    assert_eq!(
        page.value("nats_jetstream_streams", &[]),
        Some(1.0),
        "totals stay"
    );
}
