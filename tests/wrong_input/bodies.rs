//! Bodies that are not what the endpoint gives.

use natsight::collect::{Context, Options, Record, specs};
use serde_json::{Value, json};

use super::*;
use crate::support::fake::varz;

fn good() -> String {
    varz("IDONE", "one")
}

/// The good body with one text in it replaced.
fn with(before: &str, after: &str) -> String {
    let body = good();
    assert!(body.contains(before), "{before}");
    body.replace(before, after)
}

/// Each body is refused for its reason, and a good one after it is taken.
async fn check(cases: Vec<(&str, Vec<u8>, &str)>) {
    let mut bench = Bench::new().await;
    for (name, body, reason) in cases {
        assert_eq!(bench.refused(body).await, reason, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_answer_at_all_is_refused_with_a_reason() {
    check(vec![
        ("nothing", vec![], "truncated"),
        ("blanks", b" \n\t ".to_vec(), "truncated"),
        ("null", b"null".to_vec(), "syntax"),
        ("true", b"true".to_vec(), "syntax"),
        ("an array", b"[{}]".to_vec(), "syntax"),
        ("an object without fields", b"{}".to_vec(), "element"),
        ("HTML", b"<html><body>502</body></html>".to_vec(), "syntax"),
        ("gzip", b"\x1f\x8b\x08\x00\x00".to_vec(), "syntax"),
        ("zeros", vec![0; 5000], "syntax"),
        (
            "a byte order mark",
            [b"\xef\xbb\xbf", good().as_bytes()].concat(),
            "syntax",
        ),
        ("two answers", good().repeat(2).into_bytes(), "syntax"),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn numbers_that_are_none_are_refused_with_a_reason() {
    check(vec![
        ("NaN", with("3.5", "NaN").into(), "syntax"),
        ("Infinity", with("3.5", "Infinity").into(), "syntax"),
        ("-Infinity", with("3.5", "-Infinity").into(), "element"),
        ("1e999", with("3.5", "1e999").into(), "element"),
        (
            "a number beyond 2^64",
            with("454", "18446744073709551616").into(),
            "element",
        ),
        (
            "a number with a hundred digits",
            with("454", &"9".repeat(100)).into(),
            "element",
        ),
        (
            "a fraction of a message",
            with("454", "454.5").into(),
            "element",
        ),
        ("a leading zero", with("454", "0454").into(), "element"),
        (
            "a key twice",
            with("\"cores\":2", "\"cores\":2,\"cores\":3").into(),
            "element",
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_inside_is_refused_with_a_reason() {
    let deep = |open: &str| with("\"cluster\":{}", &format!("\"x\":{}", open.repeat(100_000)));
    check(vec![
        ("deep arrays", deep("[").into(), "deep"),
        ("deep objects", deep("{\"a\":").into(), "deep"),
        (
            "a lone surrogate",
            with("rack:r1", "\\ud800").into(),
            "element",
        ),
        ("a bare NUL", with("rack:r1", "\0").into(), "element"),
        (
            "bytes that are not UTF-8",
            {
                let mut body = good().into_bytes();
                let at = body.iter().position(|byte| *byte == b'I').unwrap();
                body[at] = 0xff;
                body
            },
            "element",
        ),
        (
            "a comma too many",
            with("\"cores\":2,", "\"cores\":2,,").into(),
            "syntax",
        ),
        (
            "a comma at the end",
            with("[\"rack:r1\"]", "[\"rack:r1\"],").into(),
            "syntax",
        ),
        (
            "quotes of another language",
            good().replace('"', "'").into(),
            "syntax",
        ),
        (
            "a time that is none",
            with("2026-11-22T07:08:00", "yesterday").into(),
            "element",
        ),
        (
            "a time after all",
            with("2026-11-22T07:08:00", "99999-11-22T07:08:00").into(),
            "element",
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn odd_answers_that_are_right_are_taken_exactly() {
    let mut bench = Bench::new().await;
    let (page, fate) = bench.tell_body(with("454", &u64::MAX.to_string())).await;
    assert!(matches!(fate, Fate::Taken));
    let shown = page.only("nats_server_in_messages_total", &[]).unwrap();
    assert_eq!(shown.text, "18446744073709551615");

    let (page, _) = bench.tell_body(with("30236672", "-1")).await;
    assert_eq!(page.value("nats_server_memory_bytes", &[]), Some(-1.0));

    let unknown = with(
        "\"cores\":2",
        "\"cores\":2,\"new\":[{\"a\":[1e999]}],\"new\":null",
    );
    let (page, fate) = bench.tell_body(unknown).await;
    assert!(
        matches!(fate, Fate::Taken),
        "what is not read does not matter"
    );
    assert_eq!(page.value("nats_server_cpus", &[]), Some(2.0));

    let null = with("[\"rack:r1\"]", "null");
    let (page, _) = bench.tell_body(null).await;
    assert!(page.family("nats_server_tag_info").is_none());
}

#[tokio::test(start_paused = true)]
async fn names_are_shown_whatever_is_in_them() {
    let mut bench = Bench::new().await;
    let long = "ä".repeat(5_000);
    for name in [
        "a\"b",
        "a\\b",
        "a\\",
        "\"",
        "a\nb",
        "a\\nb",
        "{}",
        "a,b=\"c\"",
        "🚀🇨🇭",
        "\0",
        "a\tb",
        "\u{feff}",
        "\u{2028}",
        " ",
        "# EOF",
    ] {
        let body = with("[\"rack:r1\"]", &json!([name, name, long]).to_string());
        let body = body.replace(
            "\"server_name\":\"one\"",
            &format!("\"server_name\":{}", json!(name)),
        );
        let (page, fate) = bench.tell_body(body).await;
        assert!(matches!(fate, Fate::Taken), "{name:?}");
        let labels = [("server_name", name), ("tag", name)];
        let tag = page.only("nats_server_tag_info", &labels);
        assert!(
            tag.is_ok(),
            "{name:?}: a tag that stands twice is shown once"
        );
        let tags = page.find("nats_server_tag_info", &[]);
        assert_eq!(tags.len(), 2);
        let longest = tags.iter().map(|tag| tag.label("tag").unwrap().len()).max();
        assert!(longest < Some(1100), "{longest:?}");
        assert_eq!(page.find("nats_up", &[("server_name", name)]).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn values_that_differ_only_in_a_carriage_return_stay_apart() {
    let mut bench = Bench::new().await;
    let tags = ["a\r", "a␍", "a", "a\r\n", "a\n"];
    let body = with("[\"rack:r1\"]", &json!(tags).to_string());
    let (page, _) = bench.tell_body(body).await;
    assert_eq!(page.find("nats_server_tag_info", &[]).len(), tags.len());
}

#[test]
fn a_body_cut_at_any_byte_is_refused_and_leaves_nothing_behind() {
    let body = good();
    let spec = specs().find(|spec| spec.name == "varz").unwrap();
    let mut collector = (spec.make)(&Options::default());
    for cut in 0..body.len() {
        let mut records = 0;
        let mut count = |_: Record<'_>| records += 1;
        collector.begin(&Context::default());
        collector
            .chunk(&body.as_bytes()[..cut], &mut count)
            .unwrap();
        let fault = collector.finish(&mut count).unwrap_err();
        assert_eq!(fault.reason(), "truncated", "{cut}");
        assert_eq!(records, 0, "{cut}");

        let mut count = |_: Record<'_>| records += 1;
        collector.begin(&Context::default());
        let (before, after) = body.as_bytes().split_at(cut);
        collector.chunk(before, &mut count).unwrap();
        collector.chunk(after, &mut count).unwrap();
        let facts = collector.finish(&mut count).unwrap();
        assert_eq!(facts.server_id.as_deref(), Some("IDONE"), "{cut}");
        assert_eq!(records, 1, "{cut}");
    }
}

/// Paths of all values in a tree.
fn places(tree: &Value, at: &str, found: &mut Vec<String>) {
    match tree {
        Value::Object(fields) => {
            for (key, value) in fields {
                let place = format!("{at}/{}", key.replace('/', "~1"));
                found.push(place.clone());
                places(value, &place, found);
            }
        }
        Value::Array(values) => {
            for (place, value) in values.iter().enumerate() {
                let place = format!("{at}/{place}");
                found.push(place.clone());
                places(value, &place, found);
            }
        }
        _ => {}
    }
}

/// A real answer of 2.15.1 in a cluster.
pub(super) const REAL: &str = include_str!("../fixtures/2.15.1/cluster3/varz.n1.json");

#[tokio::test(start_paused = true)]
async fn a_wrong_type_in_any_field_is_refused_or_does_not_matter() {
    let mut bench = Bench::new().await;
    let real: Value = serde_json::from_str(REAL).unwrap();
    let mut found = Vec::new();
    places(&real, "", &mut found);
    assert!(found.len() > 100, "{}", found.len());
    let wrong = [
        json!("x"),
        json!(-1),
        json!(1.5),
        json!(true),
        json!(null),
        json!([]),
        json!([{}]),
        json!({"a": "b"}),
    ];
    let (mut taken, mut refused) = (0, 0);
    // Each place gets two of the wrong values, so that all places and all values have their turn.
    for (turn, place) in found.iter().enumerate() {
        for value in [&wrong[turn % wrong.len()], &wrong[(turn + 3) % wrong.len()]] {
            let mut body = real.clone();
            *body.pointer_mut(place).unwrap() = value.clone();
            match bench.tell_body(body.to_string()).await.1 {
                Fate::Taken => taken += 1,
                Fate::Refused(reason) => {
                    assert_eq!(reason, "element", "{place} = {value}");
                    refused += 1;
                }
            }
        }
    }
    assert!(taken > 20 && refused > 100, "{taken} {refused}");
    bench.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn the_server_id_must_be_there_and_may_be_odd() {
    let mut bench = Bench::new().await;
    assert_eq!(bench.refused(with("\"IDONE\"", "null")).await, "element");
    assert_eq!(bench.refused(with("\"IDONE\"", "7")).await, "element");
    let (page, fate) = bench.tell_body(with("\"IDONE\"", "\"\"")).await;
    assert!(matches!(fate, Fate::Taken) && has_varz(&page));
}
