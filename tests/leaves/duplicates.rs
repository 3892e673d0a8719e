//! Proofs that a leaf says nothing that another one does not say.

use serde_json::Value as Json;

use super::{fixtures, walk};

/// Proves that the values at `path` equal those at `other`: a path of the same body, `endpoint:path` of the same node's
/// other answer, or one of the relations below.
pub(crate) fn prove(file: &str, body: &Json, path: &str, other: &str) -> Result<(), String> {
    match other {
        "now-minus-start" => return time_since_start(body),
        "memstats.LastGC" => return newest_end(body),
        _ => {}
    }
    let companion: Json;
    let (source, other) = match other.split_once(':') {
        Some((endpoint, other)) => {
            let file = walk::companion(file, endpoint);
            companion = serde_json::from_slice(&fixtures::body(&file)).unwrap();
            (&companion, other)
        }
        None => (body, other),
    };
    let (these, those) = (walk::values(body, path), walk::values(source, other));
    // A field that is left out because it is zero equals zero.
    let zero = |json: &&Json| **json == 0 || **json == false || **json == "";
    if these == those || (those.is_empty() && these.iter().all(zero)) {
        Ok(())
    } else {
        Err(format!("{these:?} against {those:?}"))
    }
}

/// `uptime` has whole seconds of `now - start`, as days, hours, minutes, seconds.
fn time_since_start(body: &Json) -> Result<(), String> {
    let time = |name: &str| {
        body[name]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap()
    };
    let passed = time("now").duration_since(time("start")).as_secs();
    let text = body["uptime"].as_str().unwrap();
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
    // The broker rounds or cuts, by version.
    if (said - passed).abs() <= 1 {
        Ok(())
    } else {
        Err(format!("{text} against {passed} s"))
    }
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
