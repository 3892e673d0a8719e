//! speedscope's own form: JSON by `https://www.speedscope.app/file-format-schema.json`, one "sampled" profile for each type of value.

use std::io::{self, Write};

use serde::Serialize;

use super::{Profile, ValueType};

#[derive(Serialize)]
struct File<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    shared: Shared<'a>,
    profiles: Vec<Sampled<'a>>,
    name: &'a str,
    #[serde(rename = "activeProfileIndex")]
    active: usize,
    exporter: &'static str,
}

#[derive(Serialize)]
struct Shared<'a> {
    frames: Vec<Frame<'a>>,
}

#[derive(Serialize)]
struct Frame<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

#[derive(Serialize)]
struct Sampled<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    unit: &'static str,
    #[serde(rename = "startValue")]
    start: i64,
    #[serde(rename = "endValue")]
    end: i64,
    /// Places in `shared.frames`, root first.
    samples: Vec<Vec<u32>>,
    weights: Vec<i64>,
}

/// Writes all types of value; the one that is shown by default is the active one.
///
/// # Errors
///
/// What writing says.
pub fn write(profile: &Profile, title: &str, to: impl Write) -> io::Result<()> {
    let frames = profile.frames().iter().map(|frame| Frame {
        name: &frame.function,
        file: &frame.file,
        line: Some(frame.line).filter(|line| *line > 0),
    });
    let sampled = profile.types().iter().enumerate();
    let file = File {
        schema: "https://www.speedscope.app/file-format-schema.json",
        shared: Shared {
            frames: frames.collect(),
        },
        profiles: sampled
            .map(|(index, kind)| sampled_of(profile, index, kind))
            .collect(),
        name: title,
        active: profile.shown(),
        exporter: concat!("natsight ", env!("CARGO_PKG_VERSION")),
    };
    serde_json::to_writer(to, &file).map_err(io::Error::from)
}

fn sampled_of<'a>(profile: &Profile, index: usize, kind: &'a ValueType) -> Sampled<'a> {
    let (mut samples, mut weights) = (Vec::new(), Vec::new());
    let mut end = 0_i64;
    for sample in profile.samples() {
        // A sum below zero has no place on its time line.
        let weight = sample.values.get(index).copied().unwrap_or(0).max(0);
        if weight > 0 {
            samples.push(sample.stack.iter().rev().map(|id| id.place()).collect());
            weights.push(weight);
            end = end.saturating_add(weight);
        }
    }
    Sampled {
        kind: "sampled",
        name: &kind.name,
        unit: match &*kind.unit {
            "nanoseconds" => "nanoseconds",
            "bytes" => "bytes",
            _ => "none",
        },
        start: 0,
        end,
        samples,
        weights,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::folded;

    #[test]
    fn stacks_are_written_root_first_with_their_weights() {
        let profile = folded::read("main;a 3\nmain;b 0\nmain 4\n".as_bytes()).unwrap();
        let mut out = Vec::new();
        write(&profile, "of \"n1\"", &mut out).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let frames: Vec<_> = json["shared"]["frames"]
            .as_array()
            .unwrap()
            .iter()
            .map(|frame| frame["name"].as_str().unwrap())
            .collect();
        let sampled = &json["profiles"][0];
        let names: Vec<Vec<_>> = sampled["samples"]
            .as_array()
            .unwrap()
            .iter()
            .map(|stack| {
                let places = stack.as_array().unwrap().iter();
                places
                    .map(|place| frames[usize::try_from(place.as_u64().unwrap()).unwrap()])
                    .collect()
            })
            .collect();
        assert_eq!(names, [vec!["main", "a"], vec!["main"]]);
        assert_eq!(sampled["weights"], serde_json::json!([3, 4]));
        assert_eq!(
            (&sampled["endValue"], &json["name"]),
            (&7.into(), &"of \"n1\"".into())
        );
    }
}
