//! Proofs that a leaf says nothing that another one does not say.
//!
//! Relations, by places: the other leaf is the one with the same places in lists, as far as its path has lists.
//!
//! - `PATH`, `ENDPOINT:PATH`: the same value, in the same answer, or in the same node's answer of another endpoint
//! - `PATH within SPAN`: times or nanoseconds that differ by no more, since two moments are no better than that
//! - `END-START`: a text with the whole seconds between two times beside it, or in the root; `END|END` is the first there is
//! - `count PATH`: how many there are
//! - `sum PATH PATH`: of two numbers
//! - `accstatz:of-account FIELD`: the same value in the entry of this account
//! - `id-of PATH`: the id that the broker makes of a server's name
//! - `function-of PATH`: equal wherever the other is equal
//! - `memstats.LastGC` for `PauseEnd[]`: see there

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use natsight::collect::GoDuration;
use serde_json::{Value as Json, json};

use super::{fixtures, walk};

/// Whether the answer that the other leaf is of was recorded too. A claim must be proven in some recording.
pub(crate) fn is_provable(file: &str, relation: &str) -> bool {
    let endpoint = relation.split_once(':').map(|(endpoint, _)| endpoint);
    endpoint.is_none_or(|endpoint| walk::companion(file, endpoint).is_some())
}

/// Proves the relation for the leaves at `places`.
pub(crate) fn prove(
    file: &str,
    body: &Json,
    places: &[&String],
    relation: &str,
) -> Result<(), String> {
    if relation == "memstats.LastGC" {
        return newest_end(body);
    }
    let (companion, relation) = source(file, relation);
    let words: Vec<&str> = relation.split(' ').collect();
    let mut values = BTreeMap::new();
    for place in places {
        let leaf = body.pointer(place).unwrap();
        let beside = |path: &str| body.pointer(&walk::same_places(path, place));
        let elsewhere = |path: &str| {
            let source = companion.as_ref().unwrap_or(body);
            source.pointer(&walk::same_places(path, place)).cloned()
        };
        let (other, holds) = match words.as_slice() {
            ["count", list] => {
                let count = beside(list).and_then(Json::as_array).map_or(0, Vec::len);
                (json!(count), json!(count) == *leaf)
            }
            ["of-account", field] => {
                let accounts = companion.as_ref().unwrap()["account_statz"].as_array();
                let is_this =
                    |entry: &&Json| entry["acc"] == body["account_detail"]["account_name"];
                let entry = accounts.unwrap().iter().find(is_this).unwrap();
                (entry[field].clone(), entry[field] == *leaf)
            }
            ["sum", one, two] => {
                let number = |path: &str| beside(path).and_then(Json::as_i64).unwrap();
                let sum = json!(number(one) + number(two));
                let equal = sum == *leaf;
                (sum, equal)
            }
            ["id-of", name] => {
                let id = server_id(beside(name).and_then(Json::as_str).unwrap());
                (json!(id), json!(id) == *leaf)
            }
            ["function-of", other] => {
                let other = beside(other).cloned().unwrap_or_default();
                let known = values.entry(other.to_string()).or_insert(leaf);
                (other, *known == leaf)
            }
            [other, "within", span] => {
                let other = elsewhere(other);
                let near = other.as_ref().is_some_and(|other| near(leaf, other, span));
                (other.unwrap_or_default(), near)
            }
            [span] if span.contains('-') => passed(body, place, span, leaf)?,
            [other] => {
                let other = elsewhere(other);
                // A field that is left out because it is zero equals zero.
                let zero = *leaf == 0 || *leaf == false || *leaf == "";
                let equal = other.as_ref().map_or(zero, |other| other == leaf);
                (other.unwrap_or_default(), equal)
            }
            _ => return Err("no relation".to_owned()),
        };
        if !holds {
            return Err(format!("{leaf} against {other} at {place}"));
        }
    }
    Ok(())
}

/// The whole seconds between two times beside a place, or in the root, and whether `leaf` says them.
fn passed(body: &Json, place: &str, span: &str, leaf: &Json) -> Result<(Json, bool), String> {
    let (end, start) = span.split_once('-').unwrap();
    let around = place.rsplit_once('/').unwrap().0;
    let time = |names: &str| {
        let around = body.pointer(around).unwrap();
        let beside = names.split('|').find_map(|name| around.get(name));
        let name = names.rsplit('|').next().unwrap();
        beside
            .unwrap_or(&body[name])
            .as_str()
            .unwrap()
            .parse::<Timestamp>()
            .unwrap()
    };
    let passed = time(end).duration_since(time(start)).as_secs();
    // The broker rounds or cuts, by version.
    Ok((
        json!(passed),
        (seconds(leaf.as_str().unwrap())? - passed).abs() <= 1,
    ))
}

/// The answer that the other leaf is of, unless it is the same one, and the relation without its name.
fn source<'r>(file: &str, relation: &'r str) -> (Option<Json>, &'r str) {
    match relation.split_once(':') {
        Some((endpoint, path)) => {
            let body = fixtures::body(&walk::companion(file, endpoint).unwrap());
            (Some(serde_json::from_slice(&body).unwrap()), path)
        }
        None => (None, relation),
    }
}

fn near(one: &Json, other: &Json, span: &str) -> bool {
    let span = GoDuration::parse(span).unwrap().0;
    let nanos = |json: &Json| match json {
        Json::String(time) => time.parse::<Timestamp>().unwrap().as_nanosecond(),
        number => number.as_i64().unwrap().into(),
    };
    (nanos(one) - nanos(other)).unsigned_abs() <= Duration::from_nanos(span).as_nanos()
}

/// Seconds of a text of days, hours, minutes, seconds.
fn seconds(text: &str) -> Result<i64, String> {
    let mut said = 0;
    for part in text.split_inclusive(char::is_alphabetic) {
        let (number, unit) = part.split_at(part.len() - 1);
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(format!("unit of {text}")),
        };
        said += number.parse::<i64>().unwrap() * unit;
    }
    Ok(said)
}

/// The first 8 bytes of the name's SHA-256, each as one of 62 characters (nats-server `server/util.go`, `getHash`).
fn server_id(name: &str) -> String {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let digest = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
    let bytes = digest.as_ref().iter().take(8);
    bytes
        .map(|byte| char::from(DIGITS[usize::from(byte % 62)]))
        .collect()
}

/// The newest end of a pause is the time of the latest collection; the older ones were so in earlier answers.
fn newest_end(body: &Json) -> Result<(), String> {
    let memstats = &body["memstats"];
    let newest = (memstats["NumGC"].as_u64().unwrap() + 255) % 256;
    let end = &memstats["PauseEnd"][usize::try_from(newest).unwrap()];
    if *end == memstats["LastGC"] {
        Ok(())
    } else {
        Err(format!("{end}"))
    }
}
