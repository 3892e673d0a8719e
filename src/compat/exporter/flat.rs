//! Endpoints of which every number becomes a gauge named after its keys: varz, routez, subsz.
//!
//! So new numbers of newer brokers are there without a change here, as they are there in the older exporter.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::View;
use crate::state::{ForeignRows, Value};

/// Keys that are left out, after joining.
const LEFT_OUT: &[&str] = &[
    "leaf",
    "trusted_operators_claim",
    "cluster_tls_timeout",
    "cluster_cluster_port",
    "cluster_auth_timeout",
    "gateway_port",
    "gateway_auth_timeout",
    "gateway_tls_timeout",
    "gateway_connect_retries",
];
/// Keys whose text becomes a label, or a number of milliseconds where it is a time.
const TEXTS: &[&str] = &[
    "server_id",
    "server_name",
    "version",
    "domain",
    "leader",
    "name",
    "start",
    "config_load_time",
];
/// Deepest nesting that is looked at; the broker's own is 4.
const DEPTH_MAX: usize = 16;

impl View<'_> {
    /// Rows of an endpoint's root object. What is no JSON gives none: it was decoded before it came here.
    pub(super) fn flat(&self, endpoint: &str, body: &[u8], rows: &mut dyn ForeignRows) {
        let mut emit = |key: &str, leaf: Leaf<'_>| {
            let family = self.exporter.names.flat(endpoint, key);
            let labels = [
                ("server_id", self.server_id),
                ("value", leaf.text.unwrap_or("")),
            ];
            let used = if leaf.text.is_some() { 2 } else { 1 };
            rows.row(&labels[..used], &[(family, leaf.value)]);
        };
        let walk = Walk {
            path: "",
            key: "",
            depth: 0,
            emit: &mut emit,
        };
        let _ = walk.deserialize(&mut serde_json::Deserializer::from_slice(body));
    }
}

struct Leaf<'a> {
    text: Option<&'a str>,
    value: Value<'static>,
}

/// Goes through one value under `path`, whose last key is `key`.
struct Walk<'a> {
    path: &'a str,
    key: &'a str,
    depth: usize,
    emit: &'a mut dyn FnMut(&str, Leaf<'_>),
}

impl Walk<'_> {
    fn number<E>(self, value: Value<'static>) -> Result<(), E> {
        self.tell(Leaf { text: None, value });
        Ok(())
    }

    /// Tells a value unless nothing of its keys may stand in a name.
    fn tell(self, leaf: Leaf<'_>) {
        let key = joined(self.path);
        if !key.is_empty() {
            (self.emit)(&key, leaf);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.number(Value::U64(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.number(Value::I64(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.number(Value::F64(number))
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if !TEXTS.contains(&self.key) {
            return Ok(());
        }
        let leaf = match text.parse::<jiff::Timestamp>() {
            Ok(time) => Leaf {
                text: None,
                value: Value::I64(time.as_millisecond()),
            },
            Err(_) => Leaf {
                text: Some(text),
                value: Value::U64(1),
            },
        };
        self.tell(leaf);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            let path = match self.path {
                "" => key.to_string(),
                path => format!("{path}_{key}"),
            };
            if self.depth == DEPTH_MAX || LEFT_OUT.contains(&joined(&path).as_str()) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            map.next_value_seed(Walk {
                path: &path,
                key: &key,
                depth: self.depth + 1,
                emit: &mut *self.emit,
            })?;
        }
        Ok(())
    }
}

/// Makes keys such as `http_req_stats_/varz` part of a name. Unlike there, what no name may hold becomes `_` as well.
fn joined(path: &str) -> String {
    let mut name = String::with_capacity(path.len());
    for c in path.chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '_' };
        if c != '_' || !name.ends_with('_') {
            name.push(c);
        }
    }
    name.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_names() {
        for (path, expected) in [
            ("http_req_stats_/", "http_req_stats"),
            ("http_req_stats_/varz", "http_req_stats_varz"),
            ("http_req_stats_/debug/vars", "http_req_stats_debug_vars"),
            ("a__b", "a_b"),
            ("key-é", "key"),
        ] {
            assert_eq!(joined(path), expected);
        }
    }

    #[test]
    fn texts_of_some_keys_are_labels_or_times() {
        let mut seen = Vec::new();
        let mut emit = |key: &str, leaf: Leaf<'_>| {
            seen.push(format!("{key} {:?} {:?}", leaf.text, leaf.value));
        };
        let body = br#"{"a": {"b": 1, "name": "x", "c": [1, {"d": 2}]}, "start": "1970-01-01T00:00:01.5Z", "host": "h",
            "leaf": {"port": 7}, "on": true, "none": null, "f": 0.5,
            "\u0001\u00e9": 3, "": 4, "_": {"_": 5, "version": "v"}}"#;
        let walk = Walk {
            path: "",
            key: "",
            depth: 0,
            emit: &mut emit,
        };
        walk.deserialize(&mut serde_json::Deserializer::from_slice(body))
            .unwrap();
        assert_eq!(
            seen,
            [
                "a_b None U64(1)",
                "a_name Some(\"x\") U64(1)",
                "start None I64(1500)",
                "f None F64(0.5)",
                "version Some(\"v\") U64(1)"
            ]
        );
    }
}
