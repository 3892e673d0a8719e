//! Recorded answers of one server, by file name; those of a larger server made from them.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use bytes::Bytes;
use flate2::read::GzDecoder;

/// File name (`varz.json`) with its bytes.
pub(crate) type Bodies = HashMap<String, Bytes>;

/// All files of a folder; those that end in `.gz` are unpacked.
///
/// # Errors
/// The folder or a file cannot be read.
pub(crate) fn read(folder: &Path) -> Result<Bodies> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut bodies = Bodies::new();
    for entry in entries {
        let path = entry?.path();
        let (true, Some(name)) = (
            path.is_file(),
            path.file_name().and_then(|name| name.to_str()),
        ) else {
            continue;
        };
        let bytes = std::fs::read(&path)?;
        let body = match name.strip_suffix(".gz") {
            None => (name, bytes),
            Some(name) => {
                let mut plain = Vec::new();
                GzDecoder::new(&bytes[..]).read_to_end(&mut plain)?;
                (name, plain)
            }
        };
        bodies.insert(body.0.to_owned(), body.1.into());
    }
    complete(&mut bodies);
    Ok(bodies)
}

/// Adds what the broker answers when less is asked for: `/jsz` with streams only, and with totals only.
fn complete(bodies: &mut Bodies) {
    for (smaller, larger, key) in [
        ("jsz.streams.json", "jsz_lean.json", "consumer_detail"),
        ("jsz.totals.json", "jsz.streams.json", "account_details"),
    ] {
        if let (false, Some(body)) = (bodies.contains_key(smaller), bodies.get(larger)) {
            let body = without(&String::from_utf8_lossy(body), key);
            bodies.insert(smaller.to_owned(), body.into());
        }
    }
}

/// The body without the arrays of this key. Brokers indent, so an array ends at the indentation of its key.
fn without(body: &str, key: &str) -> String {
    let opening = format!("\"{key}\": [");
    let mut kept: Vec<&str> = Vec::new();
    let mut lines = body.lines();
    while let Some(line) = lines.next() {
        let text = line.trim_start();
        if text != opening {
            kept.push(line);
            continue;
        }
        let closing = format!("{}]", &line[..line.len() - text.len()]);
        let end = lines.find(|line| line.trim_end_matches(',') == closing);
        // What was the last member has no comma after it, and then neither has the one before.
        if !end.is_some_and(|line| line.ends_with(','))
            && let Some(before) = kept.last_mut()
        {
            *before = before.trim_end_matches(',');
        }
    }
    kept.join("\n")
}

/// The answers of a server with so many times the connections, streams and consumers, under names and ids of their own.
pub(crate) fn times(bodies: &Bodies, count: usize) -> Bodies {
    let larger = |(name, body): (&String, &Bytes)| {
        let array = match name.split('.').next() {
            Some("connz") => "connections",
            Some("jsz" | "jsz_lean") => "stream_detail",
            Some("varz") => "",
            _ => return (name.clone(), body.clone()),
        };
        let body = String::from_utf8_lossy(body);
        let body = multiplied(&repeated(&body, array, count), count);
        (name.clone(), body.into())
    };
    bodies.iter().map(larger).collect()
}

/// Counts of what is there, by the keys that the root has for them.
const COUNTS: &[&str] = &[
    "connections",
    "num_connections",
    "total",
    "streams",
    "streams_leader",
    "consumers",
    "consumers_leader",
];

/// The body with larger counts in its root.
fn multiplied(body: &str, count: usize) -> String {
    let line = |line: &str| {
        let (key, number) = line.strip_prefix("  \"")?.split_once("\": ")?;
        let (number, comma) = match number.strip_suffix(',') {
            Some(number) => (number, ","),
            None => (number, ""),
        };
        let number = number
            .parse::<usize>()
            .ok()
            .filter(|_| COUNTS.contains(&key))?;
        Some(format!("  \"{key}\": {}{comma}", number * count))
    };
    let lines = body
        .lines()
        .map(|text| line(text).unwrap_or_else(|| text.to_owned()));
    lines.collect::<Vec<_>>().join("\n")
}

/// Each element of the array `count` times.
fn repeated(body: &str, key: &str, count: usize) -> String {
    let opening = format!("\"{key}\": [");
    let mut out = String::with_capacity(body.len() * count);
    let mut lines = body.lines();
    while let Some(line) = lines.next() {
        let text = line.trim_start();
        out.push_str(line);
        out.push('\n');
        if text != opening {
            continue;
        }
        let indent = &line[..line.len() - text.len()];
        let (closing, end) = (format!("{indent}]"), format!("{indent}  }}"));
        let mut element = String::new();
        let mut is_first = true;
        for line in lines.by_ref() {
            if line.trim_end_matches(',') == closing {
                out.push('\n');
                out.push_str(line);
                out.push('\n');
                break;
            }
            element.push_str(
                line.strip_suffix(',')
                    .filter(|line| *line == end)
                    .unwrap_or(line),
            );
            if line.trim_end_matches(',') != end {
                element.push('\n');
                continue;
            }
            for copy in 0..count {
                if !std::mem::take(&mut is_first) {
                    out.push_str(",\n");
                }
                out.push_str(&renamed(&element, copy));
            }
            element.clear();
        }
    }
    out
}

/// Room for the ids of one copy.
const IDS: usize = 10_000_000;

/// An element under another name and id.
fn renamed(element: &str, copy: usize) -> String {
    let value = |key: &str| {
        let from = element.find(key)? + key.len();
        let len = element[from..].find([',', '\n'])?;
        Some(&element[from..from + len])
    };
    let mut text = element.to_owned();
    if copy == 0 {
        return text;
    }
    if let Some(name) = value("\"name\": ").map(|name| name.trim_matches('"')) {
        text = text.replace(&format!("\"{name}\""), &format!("\"{name}-{copy}\""));
    }
    if let Some(id) = value("\"cid\": ").and_then(|id| id.parse::<usize>().ok()) {
        text = text.replacen(
            &format!("\"cid\": {id}"),
            &format!("\"cid\": {}", id + copy * IDS),
            1,
        );
    }
    text
}
