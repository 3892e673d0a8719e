//! Another valid value for a leaf.

use std::time::Duration;

use jiff::Timestamp;
use natsight::collect::GoDuration;
use serde_json::{Value as Json, json};

/// The first of `to` that is another value, else one of the same kind: numbers grow by one, times by an hour. `all` is
/// what the leaf is in all places.
pub(crate) fn changed(leaf: &Json, to: Option<&[String]>, all: &[&Json]) -> Json {
    if let Some(to) = to {
        if to == ["other"] {
            let other = all.iter().find(|other| **other != leaf);
            return (*other.unwrap()).clone();
        }
        let now = leaf.as_str().map_or(leaf.to_string(), str::to_owned);
        let other = to.iter().find(|other| **other != now).unwrap();
        return if leaf.is_string() {
            json!(other)
        } else {
            serde_json::from_str(other).unwrap()
        };
    }
    match leaf {
        Json::Bool(flag) => json!(!flag),
        Json::String(text) => json!(other_text(text)),
        number => {
            if let Some(number) = number.as_u64() {
                json!(number.checked_add(1).unwrap_or(number ^ 1))
            } else if let Some(number) = number.as_i64() {
                json!(number + 1)
            } else {
                json!(number.as_f64().unwrap() + 1.0)
            }
        }
    }
}

fn other_text(text: &str) -> String {
    if text == "0001-01-01T00:00:00Z" {
        return "2026-11-22T08:00:00Z".to_owned();
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return (time + Duration::from_secs(3600)).to_string();
    }
    if GoDuration::parse(text).is_some() {
        let other = if text == "7m7s" { "8m8s" } else { "7m7s" };
        return other.to_owned();
    }
    format!("{text}-x")
}
