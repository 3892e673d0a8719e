//! Recorded answers written anew - other order of keys, other blanks, other escapes, other chunks - give the same rows.
//!
//! Only the order of lists says something; they stay as they are.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod fixtures;

use std::sync::Arc;

use fastrand::Rng;
use natsight::collect::{Connections, Context, Extra, Facts, Options, Record, specs};
use natsight::compat::ForeignView;
use natsight::compat::exporter::Exporter;
use natsight::compat::surveyor::Surveyor;
use natsight::state::{ForeignFamily, ForeignRows, Row, Share, Value};
use proptest::prelude::*;
use serde_json::Value as Json;

/// Collectors and their answers.
const ANSWERS: &[(&str, &str)] = &[
    ("varz", "2.15.1/single/varz.json"),
    ("varz", "2.9.10/cluster3/varz.n1.json"),
    ("varz", "2.15.1/super/varz.a1.json"),
    ("expvar", "2.15.1/single/debug-vars.json"),
    ("connz", "2.15.1/single/connz.auth.json"),
    ("closed", "2.15.1/single/connz.closed-sort-stop.json"),
    ("routez", "2.15.1/cluster3/routez.n1.json"),
    ("gatewayz", "2.15.1/super/gatewayz.b1.json"),
    ("gateway_accounts", "2.15.1/super/gatewayz.b1.accs.json"),
    ("leafz", "2.15.1/super/leafz.a1.json"),
    ("subsz", "2.15.1/single/subsz.json"),
    ("accstatz", "2.15.1/single/accstatz.json"),
    ("accountz", "2.15.1/single/accountz.json"),
    ("ipqueuesz", "2.15.1/single/ipqueuesz.all.json"),
    ("raftz", "2.15.1/cluster3/raftz.n1.json"),
    (
        "healthz_full",
        "2.15.1/single/healthz.stream-missing-details.json",
    ),
    ("jsz", "2.15.1/cluster3/jsz.n1.json"),
    ("streams", "2.15.1/cluster3/jsz.n1.streams.json"),
    ("streams", "2.9.10/single/jsz.all.json"),
    ("consumers", "2.15.1/cluster3/jsz.n1.all.json"),
    ("consumers", "2.12.8/single/jsz.all.json"),
    ("jsz_config", "2.15.1/config/jsz.all.json"),
    ("jsz_config", "2.15.1/single/jsz.all.json"),
];

/// Rows as text.
#[derive(Default)]
struct Texts(Vec<String>);

/// What an answer gave: rows in order of their texts, and what it tells about itself.
#[derive(Debug, PartialEq)]
struct Outcome {
    native: Vec<String>,
    foreign: Vec<String>,
    facts: Facts,
}

impl ForeignRows for Texts {
    fn row(&mut self, labels: &[(&str, &str)], values: &[(Arc<ForeignFamily>, Value<'_>)]) {
        for (family, value) in values {
            self.0.push(format!("{} {labels:?} {value:?}", family.name));
        }
    }

    fn shared(&mut self, labels: &[(&str, &str)], shares: &[(Arc<ForeignFamily>, Share<'_>)]) {
        for (family, share) in shares {
            self.0.push(format!("{} {labels:?} {share:?}", family.name));
        }
    }
}

fn read<'b>(name: &str, chunks: impl Iterator<Item = &'b [u8]>) -> Outcome {
    let options = Options {
        connections: Connections::All,
        gateway_accounts: true,
        ..Options::default()
    };
    let spec = specs().find(|spec| spec.name == name).unwrap();
    let views: [&dyn ForeignView; 2] = [&Exporter::new(Default::default()), &Surveyor::default()];
    let context = context();
    let (mut native, mut foreign) = (Vec::new(), Texts::default());
    let mut take = |record: Record<'_>| {
        for view in views {
            view.rows(&record, "http://n1:8222", &context, &mut foreign);
        }
        record.native(&context, &mut |row: &Row<'_>| {
            let Row { kind, labels, .. } = row;
            native.push(format!("{kind:?} {labels:?} {:?}", row.values));
        });
    };
    let mut collector = (spec.make)(&options);
    collector.begin(&context);
    for chunk in chunks {
        collector.chunk(chunk, &mut take).unwrap();
    }
    let mut facts = collector.finish(&mut take).unwrap();
    facts.peers.sort();
    native.sort_unstable();
    foreign.0.sort_unstable();
    Outcome {
        native,
        foreign: foreign.0,
        facts,
    }
}

fn context() -> Context {
    Context {
        extra: Extra {
            above: true,
            config: true,
        },
        ..fixtures::context(&fixtures::body("2.15.1/cluster3/varz.n1.json"))
    }
}

/// In which order keys are written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    Any,
    /// What is told of a stream as a whole comes before its consumers, and so on. Older tools repeat in their series what may
    /// be there or not, so that nothing tells whether it is worth waiting for. Raft groups are awaited: they come first, or
    /// last as the broker has them.
    Broker {
        groups_last: bool,
    },
}

/// Place of a key among the others of its object.
fn place(key: &str, groups_last: bool) -> u8 {
    match key {
        "account_details" | "stream_detail" | "consumer_detail" | "direct_consumer_detail" => 1,
        "stream_raft_group" | "consumer_raft_groups" if groups_last => 2,
        _ => 0,
    }
}

/// Writes a tree with its keys in another order, blanks between tokens, and characters of texts escaped here and there.
fn write(tree: &Json, order: Order, rng: &mut Rng, out: &mut String) {
    blank(rng, out);
    match tree {
        Json::String(text) => write_text(text, rng, out),
        Json::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                write(item, order, rng, out);
                blank(rng, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            rng.shuffle(&mut members);
            if let Order::Broker { groups_last } = order {
                members.sort_by_key(|(key, _)| place(key, groups_last));
            }
            out.push('{');
            for (place, (key, value)) in members.into_iter().enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                blank(rng, out);
                write_text(key, rng, out);
                blank(rng, out);
                out.push(':');
                write(value, order, rng, out);
                blank(rng, out);
            }
            out.push('}');
        }
        word => out.push_str(&word.to_string()),
    }
}

fn blank(rng: &mut Rng, out: &mut String) {
    if rng.u8(0..4) == 0 {
        out.push_str([" ", "\n", "\t", "\r\n"][rng.usize(0..4)]);
    }
}

fn write_text(text: &str, rng: &mut Rng, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if rng.u8(0..30) == 0 || c == '"' || c == '\\' || c < ' ' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out.push('"');
}

/// Chunks of any size up to this.
fn chunks(mut body: &[u8], size_max: usize, mut rng: Rng) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let size = rng.usize(1..=size_max).min(body.len());
        let (chunk, rest) = body.split_at(size);
        body = rest;
        (!chunk.is_empty()).then_some(chunk)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn an_answer_written_anew_gives_the_same_rows(seed: u64) {
        let mut rng = Rng::with_seed(seed);
        for (name, path) in ANSWERS {
            let body = fixtures::body(path);
            let expected = read(name, std::iter::once(&body[..]));
            prop_assert!(!expected.native.is_empty(), "{} {}", name, path);
            let tree: Json = serde_json::from_slice(&body).unwrap();
            for (order, size_max) in [
                (Order::Any, 1),
                (Order::Any, 50),
                (Order::Any, usize::MAX),
                (Order::Broker { groups_last: false }, 20),
                (Order::Broker { groups_last: true }, 20),
            ] {
                let mut text = String::new();
                write(&tree, order, &mut rng, &mut text);
                let chunks = chunks(text.as_bytes(), size_max, rng.fork());
                let mut found = read(name, chunks);
                if order == Order::Any {
                    found.foreign.clone_from(&expected.foreign);
                }
                let rows = |outcome: &Outcome| [&outcome.native[..], &outcome.foreign].concat();
                let (expected_rows, found_rows) = (rows(&expected), rows(&found));
                let pairs = expected_rows.iter().zip(&found_rows);
                let differ = pairs.into_iter().find(|(one, other)| one != other);
                prop_assert!(found == expected, "{} {} {:?}: {:?}\n{}", name, path, order, differ, text);
            }
        }
    }
}
