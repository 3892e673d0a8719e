//! `/jsz` through the public collectors: what becomes of a body, however it arrives.

#![allow(
    clippy::unwrap_used,
    reason = "what helpers of tests unwrap fails the test"
)]

use std::collections::BTreeSet;

use natsight::collect::{
    BodyMax, Collector, Context, DecodeError, Facts, Options, Record, Version, specs,
};
use natsight::state::{Row, Value};

#[path = "jsz/arrival.rs"]
mod arrival;
#[path = "jsz/consumers.rs"]
mod consumers;
#[path = "jsz/streams.rs"]
mod streams;
#[path = "jsz/traps.rs"]
mod traps;

/// Samples as text: `name{labels} value`, in order.
type Page = BTreeSet<String>;

const NAMES: [&str; 3] = ["jsz", "streams", "consumers"];

fn collector(name: &str) -> Box<dyn Collector> {
    let spec = specs().find(|spec| spec.name == name).unwrap();
    (spec.make)(&Options::default())
}

fn context(broker_name: &str, version: Version) -> Context {
    Context {
        server_name: "shown".to_owned(),
        broker_name: broker_name.to_owned(),
        version,
        ..Context::default()
    }
}

fn newest() -> Context {
    context("n1", Version(2, 15, 1))
}

fn add_row(page: &mut Page, row: &Row<'_>) {
    let labels: Vec<_> = row
        .labels
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    for (metric, value) in row.values {
        let def = metric.def();
        let names: Vec<_> = row.labels.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, def.labels, "labels of {}", def.name);
        let value = match value {
            Value::U64(number) => number.to_string(),
            Value::I64(number) => number.to_string(),
            Value::Nanos(nanos) => format!("{nanos}ns"),
            other => format!("{other:?}"),
        };
        let sample = format!("{}{{{}}} {value}", def.name, labels.join(","));
        assert!(page.insert(sample.clone()), "twice: {sample}");
    }
}

fn run(
    collector: &mut dyn Collector,
    context: &Context,
    chunks: &[&[u8]],
) -> Result<(Page, Facts), DecodeError> {
    let mut page = Page::new();
    let mut records = |record: Record<'_>| {
        record.native(context, &mut |row: &Row<'_>| add_row(&mut page, row));
    };
    collector.begin(context);
    for chunk in chunks {
        collector.chunk(chunk, &mut records)?;
    }
    let facts = collector.finish(&mut records)?;
    Ok((page, facts))
}

fn once(name: &str, body: &str) -> (Page, Facts) {
    run(&mut *collector(name), &newest(), &[body.as_bytes()]).unwrap()
}

fn again(collector: &mut dyn Collector, body: &str) -> Page {
    run(collector, &newest(), &[body.as_bytes()]).unwrap().0
}

fn page_of(name: &str, body: &str) -> Page {
    once(name, body).0
}

fn page_by(name: &str, context: &Context, body: &str) -> Page {
    let chunks = [body.as_bytes()];
    run(&mut *collector(name), context, &chunks).unwrap().0
}

/// Labels and values of a family's samples.
fn of<'p>(page: &'p Page, family: &str) -> Vec<&'p str> {
    let start = format!("{family}{{");
    page.iter()
        .filter_map(|sample| sample.strip_prefix(&start))
        .collect()
}

fn has(page: &Page, family: &str) -> bool {
    !of(page, family).is_empty()
}

const ROOT: &str = r#""server_id":"NA","now":"2026-11-22T07:00:00Z","memory":1,"storage":2,"api":{"total":3,"errors":4},"messages":11,"bytes":12"#;

fn details(streams: u64, consumers: u64, accounts: &str) -> String {
    format!(
        r#"{{{ROOT},"streams":{streams},"consumers":{consumers},"account_details":[{accounts}],"total":1}}"#
    )
}

fn account(streams: &str) -> String {
    format!(
        r#"{{"name":"APP","id":"AAPP","memory":5,"storage":6,"reserved_memory":18446744073709551615,"reserved_storage":900,"accounts":0,"ha_assets":0,"api":{{"level":0,"total":7,"errors":8}},"stream_detail":[{streams}]}}"#
    )
}

const STATE: &str = r#""state":{"messages":199,"bytes":33408,"first_seq":1,"first_ts":"2026-11-22T07:00:01Z","last_seq":18446744073709551615,"last_ts":"2026-11-22T07:00:02Z","num_subjects":2,"num_deleted":3,"lost":{"msgs":[4,5],"bytes":77},"consumer_count":6}"#;

fn stream(name: &str, more: &str) -> String {
    format!(r#"{{"name":"{name}","created":"2026-11-22T07:00:00Z",{STATE}{more}}}"#)
}

/// A body with the one stream `S`.
fn one_stream(more: &str) -> String {
    details(1, 0, &account(&stream("S", more)))
}

const LED: &str = r#","cluster":{"name":"C1","raft_group":"S-1","leader":"n1","leader_since":"2026-11-22T07:00:03Z","system_account":true,"traffic_account":"SYS","replicas":[{"name":"n2","current":true,"active":500,"peer":"p2"},{"name":"n3","current":false,"offline":true,"active":0,"lag":9,"peer":"p3","pending":true}]}"#;
const FOLLOWED: &str = r#","cluster":{"name":"C1","leader":"n2","replicas":[{"name":"n1","current":false,"active":0,"lag":207,"peer":"p1"}]}"#;
const ORPHANED: &str =
    r#","cluster":{"name":"C1","replicas":[{"name":"n1","current":false,"active":0,"peer":"p1"}]}"#;

fn consumer(name: &str, more: &str) -> String {
    format!(
        r#"{{"stream_name":"S","name":"{name}","created":"2026-11-22T07:00:04Z","delivered":{{"consumer_seq":110,"stream_seq":94,"last_active":"2026-11-22T07:00:05Z"}},"ack_floor":{{"consumer_seq":10,"stream_seq":12}},"num_ack_pending":80,"num_redelivered":18,"num_waiting":2,"num_pending":107{more}}}"#
    )
}

/// A body with consumers of the one stream `S`, which has no `cluster`.
fn with_consumers(consumers: &[String]) -> String {
    let list = format!(r#","consumer_detail":[{}]"#, consumers.join(","));
    details(1, consumers.len() as u64, &account(&stream("S", &list)))
}

const DURABLE: &str = r#","config":{"durable_name":"x","ack_policy":"explicit"}"#;
const EPHEMERAL: &str = r#","config":{"name":"x","inactive_threshold":5}"#;

/// A body with everything in it, for tests of cuts and orders.
fn rich() -> String {
    let consumers = [
        consumer("pull", &format!("{DURABLE}{LED}")),
        consumer(r#"web \"1\""#, EPHEMERAL),
    ];
    let more = format!(
        r#"{LED},"mirror":{{"name":"O","lag":3,"active":-1,"error":{{"code":404,"err_code":10059,"description":"a }}]\" b\\"}}}},"direct_consumer_detail":[{{"name":"no"}}],"consumer_detail":[{}]"#,
        consumers.join(",")
    );
    let streams = [stream("S", &more), stream(r"T\u0041", FOLLOWED)];
    details(2, 2, &account(&streams.join(",")))
}

#[test]
fn totals_show_what_varz_does_not_tell() {
    let body = r#"{"server_id":"NA","memory":1,"streams":13,"consumers":9,"messages":891,"bytes":165538,"total":2,
        "limits":{"max_request_batch":1,"max_ack_pending":2,"max_ha_assets":3,"max_duplicate_window":4,"max_batch_inflight_per_stream":5,
        "max_batch_inflight_total":6,"max_batch_size":7,"max_batch_timeout":8,"default_max_consumers":1000}}"#;
    let (page, facts) = once("jsz", body);
    assert_eq!(facts.server_id.as_deref(), Some("NA"));
    let expected = [
        "nats_jetstream_bytes{} 165538",
        "nats_jetstream_consumers{} 9",
        "nats_jetstream_default_max_consumers{} 1000",
        "nats_jetstream_enabled{} 1",
        "nats_jetstream_max_ack_pending_messages{} 2",
        "nats_jetstream_max_batch_inflight_per_stream{} 5",
        "nats_jetstream_max_batch_inflight{} 6",
        "nats_jetstream_max_batch_messages{} 7",
        "nats_jetstream_max_batch_timeout_seconds{} 8ns",
        "nats_jetstream_max_duplicate_window_seconds{} 4ns",
        "nats_jetstream_max_ha_assets{} 3",
        "nats_jetstream_max_request_batch{} 1",
        "nats_jetstream_messages{} 891",
        "nats_jetstream_streams{} 13",
    ];
    assert!(page.iter().eq(&expected), "{page:#?}");
}

#[test]
fn totals_give_the_sizes_of_the_heavy_answers() {
    let body = format!(r#"{{{ROOT},"streams":13,"consumers":9}}"#);
    let mut sizes = None;
    let mut records = |record: Record<'_>| {
        if let Record::JetstreamTotals(totals) = record {
            sizes = Some((totals.streams.0, totals.consumers.0));
        }
    };
    let mut jsz = collector("jsz");
    jsz.begin(&newest());
    jsz.chunk(body.as_bytes(), &mut records).unwrap();
    jsz.finish(&mut records).unwrap();
    assert_eq!(sizes, Some((13, 9)));
}

#[test]
fn without_jetstream_nothing_but_that_is_shown() {
    let body = r#"{"server_id":"NA","disabled":true,"config":{"max_memory":0,"max_storage":0},
        "memory":0,"streams":0,"consumers":0,"messages":0,"bytes":0,"limits":{},"total":0}"#;
    let page = page_of("jsz", body);
    assert!(page.iter().eq(["nats_jetstream_enabled{} 0"]), "{page:#?}");
    assert!(page_of("streams", body).is_empty());
    assert!(page_of("consumers", body).is_empty());
}
