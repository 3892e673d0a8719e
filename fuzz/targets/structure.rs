//! Mutations after which a body is still JSON: values replaced, members and elements repeated, moved, renamed or taken away.
//! Bytes alone would seldom come to them.

use fastrand::Rng;
use serde_json::{Value, json};

/// Bytes of choices before the body.
const HEAD: usize = 3;

/// Changes bodies as JSON, or any bytes as libFuzzer does.
pub(crate) fn mutate(data: &mut [u8], size: usize, size_max: usize, seed: u32) -> usize {
    let mut rng = Rng::with_seed(u64::from(seed));
    if rng.bool()
        && let Some(changed) = changed(&data[..size], &mut rng)
        && changed.len() <= size_max
    {
        data[..changed.len()].copy_from_slice(&changed);
        return changed.len();
    }
    libfuzzer_sys::fuzzer_mutate(data, size, size_max)
}

fn changed(data: &[u8], rng: &mut Rng) -> Option<Vec<u8>> {
    let (head, rest) = data.split_at_checked(HEAD)?;
    let mut bodies: Vec<&[u8]> = rest.split(|byte| *byte == 0).collect();
    let place = rng.usize(..bodies.len());
    let mut tree: Value = serde_json::from_slice(bodies[place]).ok()?;
    for _ in 0..rng.u8(1..5) {
        change(&mut tree, rng);
    }
    let text = serde_json::to_vec(&tree).ok()?;
    if rng.u8(..10) == 0 {
        // An answer of its own, before the one it is made from.
        bodies.insert(place, &text);
    } else {
        bodies[place] = &text;
    }
    Some([head, &bodies.join(&0)].concat())
}

fn count(tree: &Value) -> usize {
    1 + match tree {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// The node of this number; the root has 0.
fn node<'t>(tree: &'t mut Value, number: &mut usize) -> Option<&'t mut Value> {
    if *number == 0 {
        return Some(tree);
    }
    *number -= 1;
    match tree {
        Value::Array(items) => items.iter_mut().find_map(|item| node(item, number)),
        Value::Object(members) => members.values_mut().find_map(|item| node(item, number)),
        _ => None,
    }
}

fn any<'t>(tree: &'t mut Value, rng: &mut Rng) -> &'t mut Value {
    let count = count(tree);
    match rng.usize(..count) {
        0 => tree,
        mut number => node(tree, &mut number).expect("a tree has as many nodes as were counted"),
    }
}

fn change(tree: &mut Value, rng: &mut Rng) {
    let other = any(tree, rng).clone();
    let node = any(tree, rng);
    match node {
        Value::Array(items) if rng.u8(..4) > 0 => {
            let place = rng.usize(..=items.len());
            match rng.u8(..4) {
                0 if place < items.len() => drop(items.remove(place)),
                1 => items.insert(place, other),
                2 => rng.shuffle(items),
                _ if !items.is_empty() => {
                    let again = items[rng.usize(..items.len())].clone();
                    items.insert(place, again);
                }
                _ => {}
            }
        }
        Value::Object(members) if rng.u8(..4) > 0 => {
            let mut pairs: Vec<_> = std::mem::take(members).into_iter().collect();
            match rng.u8(..4) {
                0 if !pairs.is_empty() => drop(pairs.remove(rng.usize(..pairs.len()))),
                1 => pairs.push((text(rng), other)),
                2 if !pairs.is_empty() => {
                    let place = rng.usize(..pairs.len());
                    pairs[place].0 = text(rng);
                }
                _ => rng.shuffle(&mut pairs),
            }
            members.extend(pairs);
        }
        _ if rng.u8(..4) == 0 => *node = other,
        _ => *node = leaf(rng),
    }
}

fn leaf(rng: &mut Rng) -> Value {
    match rng.u8(..12) {
        0 => json!(null),
        1 => json!(rng.bool()),
        2 => json!([]),
        3 => json!({}),
        4 => json!(rng.f64() - 0.5),
        5 => json!(rng.u64(..) >> rng.u8(..64)),
        6 => json!(rng.i64(..) >> rng.u8(..64)),
        7 => {
            let extreme = [0, 1, -1, i64::MIN, i64::MAX, 1 << 53, -62_135_596_800];
            json!(extreme[rng.usize(..extreme.len())])
        }
        8 => json!([u64::MAX as f64, 1e308, -1e308, 1e-308][rng.usize(..4)]),
        9 => json!(u64::MAX),
        _ => json!(text(rng)),
    }
}

const TEXTS: &[&str] = &[
    "",
    "*",
    "*[]",
    "n1",
    "n2",
    "$G",
    "$SYS",
    "AB1",
    "APP",
    "ok",
    "Client Closed",
    "Slow Consumer (Pending Bytes)",
    "\r",
    "\n",
    "\\",
    "\"",
    "\u{240d}",
    "\u{1}é🚀",
    "le",
    "_other",
    "2026-11-22T07:08:12.011428059Z",
    "2026-11-22T07:08:12+23:59",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z",
    "-009999-01-01T00:00:00Z",
    "1969-12-31T23:59:59.5Z",
    "391µs",
    "1y2d3h4m5s",
    "2562047h47m16.854775807s",
    "-1ns",
    "[::1]:4222",
    "nats://u:p@h:1",
    "\tx\u{7f}",
    "outbound_gateways",
    "connections",
    "consumer_detail",
    "stream_detail",
];

fn text(rng: &mut Rng) -> String {
    let text = TEXTS[rng.usize(..TEXTS.len())];
    match rng.u8(..20) {
        0 => text.repeat(400),
        1 => format!("{text}{}", TEXTS[rng.usize(..TEXTS.len())]),
        _ => text.to_owned(),
    }
}
