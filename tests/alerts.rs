//! The description of the alert rules: each name in it is one that natsight shows, each rule has a case that fires and one that does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;

use natsight::catalog::{CATALOG, Kind};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    group: String,
    title: String,
    rules: Vec<Rule>,
}

/// A recording rule (`record`, `expr`) or an alert (all others).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    record: Option<String>,
    alert: Option<String>,
    expr: String,
    severity: Option<String>,
    #[serde(rename = "for")]
    lasts: Option<String>,
    keep: Option<String>,
    summary: Option<String>,
    description: Option<String>,
    means: Option<String>,
    #[serde(default)]
    look: Vec<String>,
    #[serde(default)]
    change: Vec<String>,
    #[serde(default)]
    tests: Vec<Case>,
}

/// One unit test: what is given, and the labels of the alerts that must fire at that time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    fires: Option<String>,
    quiet: Option<String>,
    at: String,
    interval: Option<String>,
    given: Vec<String>,
    #[serde(default)]
    alerts: Vec<String>,
}

/// Fires for ever, so there is nothing that would keep it quiet.
const WATCHDOG: &str = "NATSWatchdog";
/// Lists of labels that expressions share: `$(scraper)` is what tells scrapers apart, `$(fleet)` what tells fleets apart.
const LISTS: &[&str] = &["scraper", "fleet"];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("alerts")
}

fn groups() -> Vec<Group> {
    let files = fs::read_dir(folder().join("description")).expect("alerts/description");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    let read = |path: &Path| {
        let text = fs::read_to_string(path).expect("text");
        let group: Group = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(
            path.file_stem().and_then(|stem| stem.to_str()),
            Some(&*group.group)
        );
        assert!(group.title.ends_with('?'), "{}", group.title);
        group
    };
    paths.iter().map(|path| read(path)).collect()
}

fn thresholds() -> BTreeMap<String, f64> {
    let text = fs::read_to_string(folder().join("thresholds.yaml")).expect("thresholds");
    serde_saphyr::from_str(&text).expect("names and numbers")
}

/// Names of series in a PromQL expression.
fn series(expr: &str) -> BTreeSet<String> {
    const OPERATORS: &[&str] = &["and", "or", "unless", "offset", "bool", "inf", "nan"];
    const LISTS: &[&str] = &[
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
    ];
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_:".contains(letter);
    let mut found = BTreeSet::new();
    let filled = placeholders(expr)
        .iter()
        .fold(expr.to_owned(), |text, name| {
            text.replace(&format!("$({name})"), "0")
        });
    let mut rest = &*filled;
    while let Some(first) = rest.chars().next() {
        let past = |text, close| -> &str {
            let (_, after) = str::split_once(text, close).expect("closed");
            after
        };
        rest = match first {
            '"' => past(&rest[1..], '"'),
            '{' => past(rest, '}'),
            '[' => past(rest, ']'),
            _ if is_part(first) => {
                let (word, after) =
                    rest.split_at(rest.find(|letter| !is_part(letter)).unwrap_or(rest.len()));
                let next = after.trim_start();
                if LISTS.contains(&word) {
                    past(next, ')')
                } else {
                    let aggregates = ["(", "by ", "without "]
                        .iter()
                        .any(|begin| next.starts_with(begin));
                    if !aggregates && !OPERATORS.contains(&word) && !first.is_ascii_digit() {
                        found.insert(word.to_owned());
                    }
                    after
                }
            }
            other => &rest[other.len_utf8()..],
        };
    }
    found
}

/// All series that natsight may show, by name.
fn shown() -> BTreeSet<String> {
    let mut names = BTreeSet::from(["up".to_owned()]);
    for def in CATALOG {
        let twin = def.twin.then(|| def.name.trim_start_matches("nats_"));
        for name in std::iter::once(def.name).chain(twin) {
            match def.kind {
                Kind::Histogram => {
                    names.extend(["bucket", "count", "sum"].map(|part| format!("{name}_{part}")));
                }
                _ => {
                    names.insert(name.to_owned());
                }
            }
        }
    }
    names
}

/// Names in `$( )`.
fn placeholders(text: &str) -> BTreeSet<String> {
    let after = text.split("$(").skip(1);
    after
        .map(|part| part.split(')').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn names_of_series_are_found_in_an_expression() {
    let expr = r#"sum without ($(scraper), a) (rate(x_total{b=~"c|d"}[5m] offset 1h)) / on (e) (y:z > 0) and 2 * up == 1"#;
    let found: Vec<_> = series(expr).into_iter().collect();
    assert_eq!(found, ["up", "x_total", "y:z"]);
}

#[test]
fn rules_name_only_what_there_is() {
    let (groups, limits) = (groups(), thresholds());
    let rules = || groups.iter().flat_map(|group| &group.rules);
    let mut known = shown();
    known.extend(rules().filter_map(|rule| rule.record.clone()));
    let mut used = BTreeSet::new();
    for rule in rules() {
        let name = rule
            .alert
            .as_ref()
            .or(rule.record.as_ref())
            .expect("a name");
        for series in series(&rule.expr) {
            assert!(known.contains(&series), "{name}: there is no {series}");
        }
        used.extend(placeholders(&rule.expr));
        for case in &rule.tests {
            for given in &case.given {
                let series = given.split(['{', ' ']).next().unwrap_or_default();
                assert!(known.contains(series), "{name}: there is no {series}");
            }
        }
    }
    used.retain(|name| !LISTS.contains(&&**name));
    let limits: BTreeSet<_> = limits.into_keys().collect();
    assert_eq!(used, limits, "thresholds that are used, and that there are");
}

#[test]
fn every_alert_is_explained_and_has_both_cases() {
    let mut names = BTreeSet::new();
    for rule in groups().into_iter().flat_map(|group| group.rules) {
        let Some(name) = rule.alert else {
            assert!(rule.record.is_some() && rule.tests.is_empty(), "{rule:?}");
            continue;
        };
        assert!(names.insert(name.clone()), "{name} twice");
        let severity = rule.severity.as_deref().expect("severity");
        assert!(
            ["critical", "warning", "info", "none"].contains(&severity),
            "{name}: {severity}"
        );
        assert!(rule.lasts.is_some(), "{name}: for");
        assert!(rule.keep.as_deref() != Some(""), "{name}: keep");
        let texts = [&rule.summary, &rule.description, &rule.means];
        assert!(texts.iter().all(|text| text.is_some()), "{name}");
        assert!(!rule.look.is_empty() && !rule.change.is_empty(), "{name}");
        let fires = rule.tests.iter().filter(|case| case.fires.is_some());
        assert!(fires.clone().count() > 0, "{name}: no case that fires");
        assert!(fires.clone().all(|case| !case.alerts.is_empty()), "{name}");
        let quiet = rule.tests.iter().filter(|case| case.quiet.is_some());
        assert!(quiet.clone().count() > 0 || name == WATCHDOG, "{name}");
        assert!(quiet.clone().all(|case| case.alerts.is_empty()), "{name}");
        let timed = |case: &Case| !case.at.is_empty() && case.interval.as_deref() != Some("");
        assert!(rule.tests.iter().all(timed), "{name}");
    }
}
