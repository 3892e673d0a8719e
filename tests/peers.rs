//! `/routez`, `/gatewayz` with accounts and without, `/leafz`, `/subsz`: other servers, what vanishes when they go, and the traps of the reference.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod fixtures;

use std::collections::BTreeMap;

use fixtures::{Series, body, by, collector, decode, feed, value};
use natsight::collect::{Collector, Context, Facts};
use serde_json::{Value as Json, json};

#[path = "peers/gateway_accounts.rs"]
mod gateway_accounts;
#[path = "peers/gateways.rs"]
mod gateways;
#[path = "peers/leafnodes.rs"]
mod leafnodes;
#[path = "peers/routes.rs"]
mod routes;
#[path = "peers/sublists.rs"]
mod sublists;

const VERSIONS: [&str; 6] = ["2.9.10", "2.10.26", "2.11.11", "2.12.8", "2.14.6", "2.15.1"];

/// What the broker of a recorded varz, changed, tells other collectors.
fn context_with(file: &str, change: impl FnOnce(&mut Json)) -> Context {
    let mut varz: Json = serde_json::from_slice(&body(file)).unwrap();
    change(&mut varz);
    fixtures::context(&serde_json::to_vec(&varz).unwrap())
}

/// A recording with its own varz.
fn recorded(folder: &str, endpoint: &str, node: &str) -> (Context, Vec<u8>) {
    let context = fixtures::context(&body(&format!("{folder}/varz.{node}.json")));
    (context, body(&format!("{folder}/{endpoint}.{node}.json")))
}

fn has(series: &Series, start: &str) -> bool {
    series.keys().any(|key| key.starts_with(start))
}

fn text(json: &Json) -> Vec<u8> {
    serde_json::to_vec(json).unwrap()
}

/// The answer at a minute of the broker's clock.
fn at(minute: u32, mut answer: Json) -> Vec<u8> {
    let (hour, minute) = (8 + minute / 60, minute % 60);
    answer["now"] = json!(format!("2026-11-22T{hour:02}:{minute:02}:00Z"));
    text(&answer)
}

fn names<'a>(pairs: &[(&'a str, &'a str)]) -> BTreeMap<&'a str, &'a str> {
    pairs.iter().copied().collect()
}

fn next(collector: &mut dyn Collector, context: &Context, body: &[u8]) -> Series {
    feed(collector, context, body).unwrap().0
}

#[test]
fn every_endpoint_is_asked_without_details() {
    for path in ["/routez", "/gatewayz", "/leafz", "/subsz"] {
        assert_eq!(collector(&path[1..]).path(&Context::default()), path);
    }
}

#[test]
fn a_cut_or_foreign_body_is_no_answer() {
    for name in ["routez", "gatewayz", "leafz", "subsz"] {
        let whole = body(&format!("2.15.1/single/{name}.json"));
        assert!(decode(name, &Context::default(), &whole).is_ok());
        for wrong in [&whole[..whole.len() - 2], b"[]", b"", b"<html>", b"{}x"] {
            let fault = decode(name, &Context::default(), wrong);
            assert!(fault.is_err(), "{name}: {}", String::from_utf8_lossy(wrong));
        }
    }
}

#[test]
fn an_answer_names_its_server() {
    for name in ["routez", "gatewayz", "leafz", "subsz"] {
        let whole = body(&format!("2.15.1/single/{name}.json"));
        let known: Json = serde_json::from_slice(&whole).unwrap();
        let (_, facts) = decode(name, &Context::default(), &whole).unwrap();
        assert_eq!(facts.server_id.as_deref(), known["server_id"].as_str());
    }
}
