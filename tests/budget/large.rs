//! More of everything than fits.

use super::*;

const MIB: u64 = 1 << 20;

/// A line of `/proc/self/status` in bytes.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    let kib = line.split_whitespace().nth(1).unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

/// Tests of this file run in one process; one that measures memory is alone with itself.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The page after one answer of each endpoint with so much.
async fn measured(load: Load) -> Page {
    let _alone = ALONE.lock().await;
    let fake = Fake::new();
    // The totals tell how much will come.
    fake.say("/jsz", totals(load));
    tell(&fake, load, &by_place());
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS:");
    let mut scene = Scene::start(watch_of(fake.clone(), rules()));
    while fake.asked_for("/jsz?consumers").is_empty() {
        scene.pass(S).await;
        let series: u64 = scene.snapshot().parts.iter().map(|part| part.series).sum();
        assert!(series <= 50_000, "{series}");
    }
    scene.pass(S).await;
    let series: u64 = scene.snapshot().parts.iter().map(|part| part.series).sum();
    assert!(
        (49_000..=50_000).contains(&series),
        "the limit is used: {series}"
    );
    // The kernel sums both lazily: a peak may be told that is below the memory of before.
    let grown = status("VmHWM:").saturating_sub(before);
    assert!(grown < 64 * MIB, "{} MiB", grown / MIB);
    let page = scene.page();
    check(&page);
    page
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_streams_and_consumers_fit_and_sums_are_exact() {
    let load = Load {
        accounts: 1,
        streams: 100_000,
        consumers: 100_000,
    };
    let page = measured(load).await;
    let all = (100_000_i64 * 100_001 / 2) as f64;
    for (family, label, expected) in [
        ("nats_stream_messages", "stream", all),
        ("nats_stream_bytes", "stream", all * 10.0),
        (
            "nats_consumer_pending_messages",
            "consumer",
            all - 100_000.0,
        ),
    ] {
        let (shown, sum) = values(&page, family);
        assert!(shown.len() > 1_000, "{family}: {}", shown.len());
        assert_eq!(
            shown.iter().sum::<f64>() + sum.unwrap(),
            expected,
            "{family}"
        );
        let least = shown.iter().copied().fold(f64::INFINITY, f64::min);
        let factor = if family == "nats_stream_bytes" {
            10.0
        } else {
            1.0
        };
        assert!(
            least / factor >= (100_000 - shown.len() - 1) as f64,
            "{family}: the largest stay, not {least} in {label}"
        );
    }
    for (collector, family) in [
        ("streams", "nats_stream_has_leader"),
        ("consumers", "nats_consumer_has_leader"),
    ] {
        let shown = page.find(family, &[]).len() as f64;
        let left = left_out(&page, collector, "budget").unwrap();
        let accounts = page.find("nats_account_info", &[]).len() as f64;
        let accounts = if collector == "streams" {
            accounts
        } else {
            0.0
        };
        assert!(shown + left >= 100_000.0, "{collector}: {shown} and {left}");
        assert_eq!(
            of_collector(&page, "nats_collector_truncated", collector),
            1.0
        );
        let share = of_collector(&page, "nats_collector_coverage_ratio", collector);
        let expected = (shown + accounts) / (shown + accounts + left);
        assert!((share - expected).abs() < 0.001, "{share} {expected}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_accounts_fit() {
    let load = Load {
        accounts: 100_000,
        streams: 1,
        consumers: 0,
    };
    let page = measured(load).await;
    let (shown, sum) = values(&page, "nats_jetstream_account_storage_used_bytes");
    assert_eq!(shown.iter().sum::<f64>() + sum.unwrap(), 200_000.0);
    assert!(left_out(&page, "streams", "budget").unwrap() > 50_000.0);
}

#[tokio::test(start_paused = true)]
async fn what_fits_is_shown_whole() {
    let load = Load {
        accounts: 20,
        streams: 200,
        consumers: 200,
    };
    let page = told(rules(), load).await;
    assert_eq!(names(&page, "nats_stream_messages", "stream").len(), 200);
    assert_eq!(
        names(&page, "nats_consumer_waiting_pulls", "consumer").len(),
        200
    );
    for collector in ["streams", "consumers"] {
        for reason in ["denied", "top", "budget", "new"] {
            assert_eq!(left_out(&page, collector, reason), Some(0.0));
        }
        assert_eq!(
            of_collector(&page, "nats_collector_truncated", collector),
            0.0
        );
        assert_eq!(
            of_collector(&page, "nats_collector_coverage_ratio", collector),
            1.0
        );
    }
    let overflow = |sample: &natsight::expose::reader::Sample| {
        sample.labels.iter().any(|(_, value)| value == OVERFLOW)
    };
    let mut samples = page.families.iter().flat_map(|family| &family.samples);
    assert!(!samples.any(overflow));
}

#[tokio::test(start_paused = true)]
async fn totals_and_health_stay_though_nothing_fits() {
    let load = Load {
        accounts: 3,
        streams: 300,
        consumers: 300,
    };
    let page = told(small(1), load).await;
    assert_eq!(names(&page, "nats_stream_messages", "stream").len(), 0);
    assert_eq!(
        values(&page, "nats_stream_messages").1,
        Some(300.0 * 301.0 / 2.0)
    );
    assert_eq!(left_out(&page, "streams", "budget"), Some(303.0));
    assert_eq!(
        of_collector(&page, "nats_collector_coverage_ratio", "streams"),
        0.0
    );
}

#[tokio::test(start_paused = true)]
async fn connections_are_within_the_limit_too() {
    let mut rules = small(3_000);
    rules.options.connections = natsight::collect::Connections::All;
    let connections: Vec<_> = (0..1_000)
        .map(|cid| format!(r#"{{"cid":{cid},"kind":"Client","type":"nats","ip":"127.0.0.1","port":40042,"start":"2026-11-22T07:08:00Z","last_activity":"2026-11-22T07:08:11Z","uptime":"11s","idle":"0s","pending_bytes":{cid},"in_msgs":2,"out_msgs":202,"in_bytes":22,"out_bytes":1,"subscriptions":3}}"#))
        .collect();
    let fake = Fake::new();
    let body = support::fake::connz("IDONE", &connections.join(","));
    fake.say("/connz?limit", Say::Body(body.into_bytes()));
    let mut scene = Scene::start(watch_of(fake.clone(), rules));
    scene.pass(40 * S).await;
    let page = scene.page();
    check(&page);
    assert!(page.series() <= 3_000, "{}", page.series());
    let (shown, sum) = values(&page, "nats_connection_pending_bytes");
    assert!(shown.len() > 100 && !shown.contains(&0.0), "{shown:?}");
    assert_eq!(shown.iter().sum::<f64>() + sum.unwrap(), 999.0 * 500.0);
    assert_eq!(
        page.value("nats_connections_subscriptions", &[]),
        Some(3_000.0)
    );
    assert_eq!(
        left_out(&page, "connz", "budget"),
        Some(1_000.0 - shown.len() as f64)
    );
}
