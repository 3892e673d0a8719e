//! `/debug/vars`: memory of the broker's runtime, and each pause of garbage collection counted once.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod fixtures;

use std::collections::BTreeMap;

use fixtures::{Series, body, by, collector, decode, feed, value};
use natsight::catalog::CATALOG;
use natsight::collect::{Collector, Context, specs};
use serde_json::{Value as Json, json};

const PAUSES: &str = "nats_go_gc_pause_duration_seconds{";

fn context(server_id: &str) -> Context {
    Context {
        server_id: server_id.to_owned(),
        ..Context::default()
    }
}

/// A body whose ring is as Go leaves it after `cycles` collections; collection n took n nanoseconds.
fn memstats(cycles: u64) -> Vec<u8> {
    let mut ring = vec![0; 256];
    for cycle in 1..=cycles {
        ring[usize::try_from((cycle + 255) % 256).unwrap()] = cycle;
    }
    let body = json!({"cmdline": ["nats-server"], "memstats": {"NumGC": cycles, "PauseNs": ring}});
    serde_json::to_vec(&body).unwrap()
}

/// How many pauses were counted, and their sum in nanoseconds.
fn counted(series: &Series) -> (u64, u64) {
    let text = value(series, PAUSES);
    let mut numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|word| !word.is_empty());
    let mut next = || numbers.next().unwrap().parse().unwrap();
    (next(), next())
}

fn look(collector: &mut dyn Collector, server_id: &str, cycles: u64) -> (u64, u64, u64) {
    let (series, facts) = feed(collector, &context(server_id), &memstats(cycles)).unwrap();
    let (count, sum) = counted(&series);
    let missed = facts.dropped.iter().map(|(reason, count)| {
        assert_eq!(*reason, "gc_pauses_missed");
        *count
    });
    (count, sum, missed.sum())
}

fn sum_of(cycles: std::ops::RangeInclusive<u64>) -> u64 {
    cycles.sum()
}

#[test]
fn pauses_are_counted_once_each() {
    let mut collector = collector("expvar");
    assert_eq!(look(&mut *collector, "A", 5), (5, sum_of(1..=5), 0));
    assert_eq!(look(&mut *collector, "A", 5), (5, sum_of(1..=5), 0));
    assert_eq!(look(&mut *collector, "A", 255), (255, sum_of(1..=255), 0));
    assert_eq!(look(&mut *collector, "A", 258), (258, sum_of(1..=258), 0));
}

#[test]
fn a_ring_that_is_just_full_is_a_whole_life() {
    assert_eq!(
        look(&mut *collector("expvar"), "A", 256),
        (256, sum_of(1..=256), 0)
    );
}

#[test]
fn a_late_first_look_counts_from_now_on() {
    let mut collector = collector("expvar");
    assert_eq!(look(&mut *collector, "A", 257), (0, 0, 0));
    assert_eq!(look(&mut *collector, "A", 260), (3, 258 + 259 + 260, 0));
}

#[test]
fn pauses_that_the_ring_lost_are_counted_as_dropped() {
    let mut collector = collector("expvar");
    look(&mut *collector, "A", 10);
    let (count, sum, missed) = look(&mut *collector, "A", 10 + 256);
    assert_eq!((count, sum, missed), (266, sum_of(1..=266), 0));
    let (count, sum, missed) = look(&mut *collector, "A", 266 + 300);
    assert_eq!((count, missed), (266 + 256, 44));
    assert_eq!(sum, sum_of(1..=266) + sum_of(311..=566));
}

#[test]
fn a_restart_starts_the_count_again() {
    let mut collector = collector("expvar");
    look(&mut *collector, "A", 100);
    assert_eq!(
        look(&mut *collector, "B", 120),
        (120, sum_of(1..=120), 0),
        "a new id"
    );
    assert_eq!(
        look(&mut *collector, "B", 3),
        (3, 6, 0),
        "fewer collections, the id not yet known"
    );
}

#[test]
fn a_new_process_is_told_by_its_id() {
    let mut collector = collector("expvar");
    look(&mut *collector, "A", 300);
    assert_eq!(look(&mut *collector, "B", 310), (0, 0, 0));
    assert_eq!(look(&mut *collector, "B", 311), (1, 311, 0));
}

#[test]
fn an_id_that_becomes_known_is_no_restart() {
    let mut collector = collector("expvar");
    look(&mut *collector, "", 300);
    assert_eq!(look(&mut *collector, "A", 301), (1, 301, 0));
    assert_eq!(
        look(&mut *collector, "", 302),
        (2, 603, 0),
        "nor one that is unknown for a while"
    );
}

#[test]
fn an_answer_that_is_cut_counts_nothing() {
    let mut collector = collector("expvar");
    look(&mut *collector, "A", 4);
    let whole = memstats(9);
    for end in [0, 1, whole.len() / 2, whole.len() - 1] {
        assert!(
            feed(&mut *collector, &context("A"), &whole[..end]).is_err(),
            "{end}"
        );
    }
    let mut more = whole.clone();
    more.extend_from_slice(b"x");
    assert!(feed(&mut *collector, &context("A"), &more).is_err());
    // Complete, but the reader never learns of it: the next answer counts the same pauses once.
    collector.begin(&context("A"));
    collector
        .chunk(&whole, &mut |_: natsight::collect::Record<'_>| {})
        .unwrap();
    assert_eq!(look(&mut *collector, "A", 9), (9, 45, 0));
}

#[test]
fn the_sum_of_the_pauses_is_the_brokers_own() {
    for file in fixtures::files()
        .iter()
        .filter(|file| file.contains("/debug-vars") && file.ends_with(".json"))
    {
        let bytes = body(file);
        let json: Json = serde_json::from_slice(&bytes).unwrap();
        let (series, facts) = decode("expvar", &context("A"), &bytes).unwrap();
        let expected = (
            json["memstats"]["NumGC"].as_u64().unwrap(),
            json["memstats"]["PauseTotalNs"].as_u64().unwrap(),
        );
        assert_eq!(counted(&series), expected, "{file}");
        assert_eq!(facts.dropped, [], "{file}");
    }
}

#[test]
fn numbers_are_in_base_units_and_exact() {
    let (series, _) = decode(
        "expvar",
        &context("A"),
        &body("2.15.1/single/debug-vars.json"),
    )
    .unwrap();
    for (family, expected) in [
        ("nats_go_memstats_heap_inuse_bytes", "9273344"),
        ("nats_go_memstats_alloc_bytes_total", "28907216"),
        ("nats_go_memstats_lookups_total", "0"),
        (
            "nats_go_memstats_last_gc_time_seconds",
            "1795331292011259210ns",
        ),
        ("nats_go_gc_cycles_total", "7"),
        ("nats_go_gc_forced_cycles_total", "0"),
        ("nats_go_gc_pause_seconds_total", "1028015ns"),
        ("nats_go_gc_enabled", "1"),
        ("nats_go_gc_debug", "0"),
    ] {
        assert_eq!(value(&series, &format!("{family}{{")), expected, "{family}");
    }
    let fraction: f64 = value(&series, "nats_go_memstats_gc_cpu_fraction{")
        .parse()
        .unwrap();
    assert!((fraction - 0.000_241_919_344_192).abs() < 1e-15);
    let classes = by(&series, "nats_go_memstats_size_class_mallocs_total", "size");
    assert_eq!((classes.len(), classes["16"]), (61, "18023"));
    let frees = by(&series, "nats_go_memstats_size_class_frees_total", "size");
    assert_eq!(frees["8"], "1338");
}

#[test]
fn the_command_line_is_shown_nowhere() {
    let mut json: Json = serde_json::from_slice(&body("2.15.1/single/debug-vars.json")).unwrap();
    json["cmdline"] = json!(["nats-server", "--pass", "hunter2"]);
    let bytes = serde_json::to_vec(&json).unwrap();
    let (series, _) = decode("expvar", &context("A"), &bytes).unwrap();
    assert!(!format!("{series:?}").contains("hunter2"));
    for broken in [
        r#"{"cmdline": ["hunter2"]}"#,
        r#"{"cmdline": ["hunter2"], "memstats": "hunter2"}"#,
    ] {
        let error = decode("expvar", &context("A"), broken.as_bytes()).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn what_a_runtime_lacks_is_absent_and_never_is_absent() {
    let (series, _) = decode(
        "expvar",
        &context("A"),
        br#"{"memstats": {"NumGC": 0, "Sys": 7, "LastGC": 0, "New": {}}}"#,
    )
    .unwrap();
    let families: Vec<_> = series
        .iter()
        .map(|(key, value)| (key.split('{').next().unwrap(), value.as_str()))
        .collect();
    assert_eq!(
        families,
        [
            ("nats_go_gc_cycles_total", "0"),
            ("nats_go_memstats_sys_bytes", "7")
        ]
    );
}

#[test]
fn wrong_types_are_refused_and_nonsense_is_told_apart() {
    for broken in [
        "",
        "404 page not found\n",
        "[]",
        "{}",
        r#"{"memstats": []}"#,
        r#"{"memstats": {}}"#,
        r#"{"memstats": {"NumGC": "7"}}"#,
        r#"{"memstats": {"NumGC": 7.5}}"#,
        r#"{"memstats": {"NumGC": NaN}}"#,
        r#"{"memstats": {"NumGC": 1, "PauseNs": [1e3]}}"#,
        r#"{"memstats": {"NumGC": 1, "BySize": [{"Mallocs": 1}]}}"#,
    ] {
        assert!(
            decode("expvar", &context("A"), broken.as_bytes()).is_err(),
            "{broken}"
        );
    }
    let odd = br#"{"memstats": {"NumGC": 2, "Mallocs": -1, "Frees": 18446744073709551615, "PauseNs": [-5, 7], "BySize": null}}"#;
    let (series, _) = decode("expvar", &context("A"), odd).unwrap();
    assert_eq!(
        value(&series, "nats_go_memstats_mallocs_total{"),
        "negative"
    );
    assert_eq!(
        value(&series, "nats_go_memstats_frees_total{"),
        "18446744073709551615"
    );
    assert_eq!(counted(&series), (1, 7));
}

#[test]
fn a_broker_without_the_path_is_told_from_a_failing_one() {
    let spec = specs().find(|spec| spec.name == "expvar").unwrap();
    assert!((spec.absent)(404) && !(spec.accept)(404));
    assert!((spec.accept)(200) && !(spec.absent)(200) && !(spec.absent)(500));
}

#[test]
fn twins_are_named_as_the_official_go_collector_names_them() {
    // client_golang, collectors of Go's memory statistics; the last two of versions before 1.12.
    const OFFICIAL: &str = "alloc_bytes_total buck_hash_sys_bytes frees_total gc_sys_bytes heap_alloc_bytes heap_idle_bytes \
        heap_inuse_bytes heap_objects heap_released_bytes heap_sys_bytes last_gc_time_seconds mallocs_total \
        mcache_inuse_bytes mcache_sys_bytes mspan_inuse_bytes mspan_sys_bytes next_gc_bytes other_sys_bytes \
        stack_inuse_bytes stack_sys_bytes sys_bytes gc_cpu_fraction lookups_total";
    let mut official: Vec<_> = OFFICIAL
        .split_whitespace()
        .map(|name| format!("go_memstats_{name}"))
        .collect();
    official.sort();
    let twins = CATALOG
        .iter()
        .filter_map(|def| def.twin_name())
        .filter(|name| name.starts_with("go_"));
    let mut twins: Vec<_> = twins.map(str::to_owned).collect();
    twins.sort();
    assert_eq!(twins, official);
}

#[test]
fn chunks_may_be_cut_anywhere() {
    let bytes = body("2.11.11/single/debug-vars.json");
    let (whole, _) = decode("expvar", &context("A"), &bytes).unwrap();
    let mut collector = collector("expvar");
    let mut found = BTreeMap::new();
    let mut take = |record: natsight::collect::Record<'_>| {
        record.native(&context("A"), &mut |row: &natsight::state::Row<'_>| {
            for (metric, _) in row.values {
                *found.entry(metric.name()).or_insert(0) += 1;
            }
        });
    };
    collector.begin(&context("A"));
    for chunk in bytes.chunks(7) {
        collector.chunk(chunk, &mut take).unwrap();
    }
    collector.finish(&mut take).unwrap();
    assert_eq!(found.values().sum::<usize>(), whole.len());
}
