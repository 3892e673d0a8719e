//! Names of internal queues.

use std::fmt::Write;

use super::{ask, at, of, once, with_streams};
use crate::fixtures;

/// Name of a queue, and the labels that it gets.
const NAMES: &[(&str, &str)] = &[
    ("JetStream API queue", r#"queue="JetStream API queue""#),
    (
        "Routed JS API Requests",
        r#"queue="Routed JS API Requests""#,
    ),
    ("SendQ", r#"queue="SendQ""#),
    ("[ACC:APP] MQTT send", r#"account="APP",queue="MQTT send""#),
    (
        "[ACC:APP] RAFT 'C-R3F-x' appendEntry",
        r#"account="APP",group="C-R3F-x",queue="raft appendEntry""#,
    ),
    (
        "[ACC:APP] consumer 'c' on stream 'S' pull requests",
        r#"account="APP",consumer="c",queue="consumer pull requests",stream="S""#,
    ),
    (
        "[ACC:APP] stream 'S' direct gets",
        r#"account="APP",queue="stream direct gets",stream="S""#,
    ),
    (
        "[ACC:APP] stream mirror 'M' of 'S' msgs",
        r#"account="APP",origin="S",queue="mirror msgs",stream="M""#,
    ),
    (
        "[ACC:APP] stream source 'A' from 'S' msgs",
        r#"account="APP",origin="S",queue="source msgs",stream="A""#,
    ),
    (
        "[ACC:APP] stream sources 'A' msgs",
        r#"account="APP",queue="sources msgs",stream="A""#,
    ),
    // Streams may have quotes in their names, accounts anything.
    (
        "[ACC:a] b] stream 'it's' obs",
        r#"account="a] b",queue="stream obs",stream="it's""#,
    ),
    (
        "[ACC:\"\u{1f600}\n] consumer '\"' on stream '\u{1f600}' ackMsgs",
        "account=\"\\\"\u{1f600}\\n\",consumer=\"\\\"\",queue=\"consumer ackMsgs\",stream=\"\u{1f600}\"",
    ),
    (
        "[ACC:APP] something new",
        r#"queue="[ACC:APP] something new""#,
    ),
    ("", ""),
];

fn body(queues: impl Iterator<Item = String>) -> String {
    let mut body = String::from("{");
    for (place, name) in queues.enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let name = serde_json::to_string(&name).unwrap();
        write!(
            body,
            r#"{comma}{name}: {{"pending": {}, "in_progress": 2}}"#,
            place + 1
        )
        .unwrap();
    }
    body + "}"
}

#[test]
fn names_are_taken_apart() {
    for (name, labels) in NAMES {
        let series = once("ipqueuesz", &body([(*name).to_owned()].into_iter()));
        let expected = format!("{{{labels}}}");
        assert_eq!(
            of(&series, "nats_ipqueue_pending"),
            [(expected.as_str(), "1")].into(),
            "{name}"
        );
        assert_eq!(
            of(&series, "nats_ipqueue_in_progress")[expected.as_str()],
            "2"
        );
    }
}

#[test]
fn all_names_of_the_recordings_are_known() {
    for file in fixtures::files() {
        if !file.contains("ipqueuesz") {
            continue;
        }
        let series = once(
            "ipqueuesz",
            &String::from_utf8(fixtures::body(&file)).unwrap(),
        );
        for key in series.keys() {
            assert!(!key.contains("[ACC:"), "{file}: {key}");
        }
    }
}

#[test]
fn accounts_go_by_their_labels() {
    let context = with_streams(1, &[("ABC", "APP")]);
    let queue = body(["[ACC:ABC] stream 'S' obs".to_owned()].into_iter());
    let (series, _) = ask(fixtures::collector("ipqueuesz").as_mut(), &context, &queue);
    assert!(
        series.keys().all(|key| key.contains(r#"account="APP""#)),
        "{series:#?}"
    );
}

#[test]
fn unknown_names_are_bounded_and_the_rest_is_summed() {
    let mut names: Vec<_> = (0..150).map(|number| format!("queue {number}")).collect();
    names.push("x".repeat(10_000));
    let mut collector = fixtures::collector("ipqueuesz");
    let (series, facts) = ask(collector.as_mut(), &at(1), &body(names.into_iter()));
    let pending = of(&series, "nats_ipqueue_pending");
    assert_eq!(pending.len(), 101);
    let sum: u64 = (101..=151).sum();
    assert_eq!(pending[r#"{queue="other"}"#], sum.to_string());
    assert_eq!(facts.dropped, [("queue_names", 51)]);
}

#[test]
fn without_waiting_entries_there_is_nothing() {
    assert!(once("ipqueuesz", "{}").is_empty());
}
