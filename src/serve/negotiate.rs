//! Which format and encoding a client wants (RFC 9110, section 12).

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING};

use crate::expose::{Encoding, TextFormat};

/// The text format that `Accept` prefers; text 0.0.4 where nothing known is asked for.
pub(super) fn format(headers: &HeaderMap) -> TextFormat {
    let mut best = (0, TextFormat::Text004);
    for item in items(headers, ACCEPT.as_str()) {
        let format = match item.name.to_ascii_lowercase().as_str() {
            "application/openmetrics-text"
                if item.version.is_none_or(|version| version == "1.0.0") =>
            {
                TextFormat::OpenMetrics1
            }
            "text/plain" if item.version.is_none_or(|version| version == "0.0.4") => {
                TextFormat::Text004
            }
            _ => continue,
        };
        if item.quality > best.0 {
            best = (item.quality, format);
        }
    }
    best.1
}

/// Gzip where it is accepted.
pub(super) fn encoding(headers: &HeaderMap) -> Encoding {
    let quality = |wanted: &[&str]| {
        let named = |item: &Item<'_>| {
            wanted
                .iter()
                .any(|name| item.name.eq_ignore_ascii_case(name))
        };
        items(headers, ACCEPT_ENCODING.as_str())
            .find(named)
            .map(|item| item.quality)
    };
    // What is named counts before what stands for all the rest.
    let accepted = quality(&["gzip", "x-gzip"]).or_else(|| quality(&["*"]));
    if accepted.is_some_and(|quality| quality > 0) {
        Encoding::Gzip
    } else {
        Encoding::Identity
    }
}

struct Item<'a> {
    name: &'a str,
    version: Option<&'a str>,
    /// Thousandths.
    quality: u32,
}

fn items<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = Item<'a>> {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|text| {
        let mut parts = text.split(';').map(str::trim);
        let mut item = Item {
            name: parts.next().unwrap_or_default(),
            version: None,
            quality: 1000,
        };
        for part in parts {
            match part.split_once('=') {
                Some(("version", version)) => item.version = Some(version.trim_matches('"')),
                Some(("q", quality)) => item.quality = thousandths(quality),
                _ => {}
            }
        }
        item
    })
}

fn thousandths(quality: &str) -> u32 {
    let quality: f64 = quality.trim().parse().unwrap_or(0.0);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 1000"
    )]
    let thousandths = (quality.clamp(0.0, 1.0) * 1000.0) as u32;
    thousandths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn formats_are_chosen_as_prometheus_asks() {
        let om = TextFormat::OpenMetrics1;
        let text = TextFormat::Text004;
        for (accept, expected) in [
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                om,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                om,
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,text/plain;version=0.0.4;q=0.3",
                text,
            ),
            (
                "text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.1",
                text,
            ),
            ("application/openmetrics-text; version=0.0.1", text),
            ("application/openmetrics-text;q=0", text),
            ("text/html,*/*", text),
            ("*/*", text),
            ("Application/OpenMetrics-Text; version=1.0.0", om),
            ("", text),
            (
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                om,
            ),
        ] {
            assert_eq!(format(&with("accept", accept)), expected, "{accept}");
        }
    }

    #[test]
    fn gzip_is_used_where_it_is_accepted() {
        for (accept, expected) in [
            ("gzip", Encoding::Gzip),
            ("deflate, gzip;q=0.5", Encoding::Gzip),
            ("gzip;q=0", Encoding::Identity),
            ("br", Encoding::Identity),
            ("*", Encoding::Gzip),
            ("GZIP", Encoding::Gzip),
            ("gzip;q=0, *", Encoding::Identity),
            ("identity", Encoding::Identity),
        ] {
            assert_eq!(
                encoding(&with("accept-encoding", accept)),
                expected,
                "{accept}"
            );
        }
        assert_eq!(encoding(&HeaderMap::new()), Encoding::Identity);
    }
}
