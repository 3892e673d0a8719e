//! No leaf field of an answer is lost: each is shown, a label, due with a later change, or left out for a reason.
//!
//! `leaves/<endpoint>.txt` claims for each leaf what depends on it. The test changes the leaf in recorded answers and
//! compares what changes in the series with the claim.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

#[path = "leaves/change.rs"]
mod change;
#[path = "leaves/claims.rs"]
mod claims;
#[path = "leaves/duplicates.rs"]
mod duplicates;
mod fixtures;
#[path = "leaves/walk.rs"]
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use claims::{Claim, Effects, Fate, Line, Read, Table};
use fixtures::Series;
use natsight::collect::{Connections, Context, Options};
use serde_json::Value as Json;

/// Recordings of a version in which a line is tried; more would only take time.
const TRIALS: u32 = 3;
/// Largest share of leaves that may be excluded.
const EXCLUDED_MAX: f64 = 0.15;

#[test]
fn every_leaf_changes_exactly_what_is_claimed() {
    let (mut leaves, mut excluded, mut problems) = (0, 0, BTreeSet::new());
    for table in claims::tables() {
        let outcome = examine(&table, &mut problems);
        eprintln!(
            "{}: {} leaves: {} series, {} only labels, {} due, {} excluded",
            table.endpoint,
            outcome.len(),
            count(&outcome, &|fate| fate == Fate::Series),
            count(&outcome, &|fate| fate == Fate::Label),
            count(&outcome, &|fate| fate == Fate::Due),
            count(&outcome, &|fate| fate == Fate::Excluded),
        );
        leaves += outcome.len();
        excluded += count(&outcome, &|fate| fate == Fate::Excluded);
    }
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.into_iter().collect::<Vec<_>>().join("\n")
    );
    assert!(leaves > 150, "only {leaves} leaves");
    let share = f64::from(excluded as u32) / f64::from(leaves as u32);
    eprintln!("{leaves} leaves, {:.1} % excluded", share * 100.0);
    assert!(
        share <= EXCLUDED_MAX,
        "{excluded} of {leaves} leaves are excluded"
    );
}

fn count(outcome: &BTreeMap<String, Fate>, of: &dyn Fn(Fate) -> bool) -> usize {
    outcome.values().filter(|fate| of(**fate)).count()
}

/// Goes through the recordings of one endpoint; gives what becomes of the leaves that they have, the worst where claims
/// differ.
fn examine(table: &Table, problems: &mut BTreeSet<String>) -> BTreeMap<String, Fate> {
    let mut met = BTreeMap::new();
    let mut proven = BTreeMap::new();
    let mut problem = |text: String| {
        problems.insert(format!("{}: {text}", table.endpoint));
    };
    for file in fixtures::files() {
        let Some(read) = table.read(&file) else {
            continue;
        };
        let body: Json = serde_json::from_slice(&fixtures::body(&file)).unwrap();
        let subject = Subject::new(&file, read, &body);
        for (path, places) in walk::leaves(&body, table) {
            let lines = table.claims.get(&path).map_or(&[][..], Vec::as_slice);
            let mut by_line: BTreeMap<Option<usize>, Vec<&String>> = BTreeMap::new();
            for place in &places {
                let line = lines.iter().position(|line| line.fits(&file, &body, place));
                by_line.entry(line).or_default().push(place);
            }
            for (line, of_line) in by_line {
                let line = line.map(|line| &lines[line]);
                if let Some(Claim::Excluded {
                    duplicate_of: Some(other),
                }) = line.map(|line| &line.claim)
                    && let Err(why) = duplicates::prove(&file, &body, &of_line, other)
                {
                    problem(format!("{path} is no duplicate of {other}: {why} ({file})"));
                }
                let version = file.split('/').next().unwrap().to_owned();
                let trials =
                    line.map(|line| proven.entry((line.text.as_str(), version)).or_insert(0));
                if trials.as_ref().is_some_and(|trials| **trials == TRIALS) {
                    continue;
                }
                let (place, led) = subject.choose(&body, &of_line);
                // varz tells itself which server it is of.
                let told = led || body.get("server_name").is_some();
                let leader = walk::leader(&body, place).filter(|_| !told);
                let as_leader = leader.map(|leader| subject.seen_by(leader, &body));
                let (subject, led) = match &as_leader {
                    Some(Some(as_leader)) => (as_leader, true),
                    _ => (&subject, led),
                };
                match (line, subject.effects(&body, place, &places, line)) {
                    (None, effects) => {
                        let changes =
                            effects.map_or_else(|error| error, |effects| effects.to_string());
                        problem(format!("{path} has no claim; changes: {changes} ({file})"));
                    }
                    (Some(_), Err(error)) => problem(format!("{path}: {error} ({file}{place})")),
                    (Some(line), Ok(effects))
                        if line.claim.holds(&effects, &subject.before, led) =>
                    {
                        let fate = met.entry(path.clone()).or_insert(Fate::Series);
                        *fate = line.claim.fate().max(*fate);
                        let enough = led || matches!(line.claim, Claim::Due);
                        if let Some(trials) = trials.filter(|_| enough) {
                            *trials += 1;
                        }
                    }
                    (Some(line), Ok(effects)) => problem(format!(
                        "{} -- but changes: {effects} ({file}{place}, led: {led})",
                        line.text
                    )),
                }
            }
        }
    }
    for line in table.claims.values().flatten() {
        let text = line.text.as_str();
        if !proven
            .iter()
            .any(|((proven, _), trials)| *proven == text && *trials > 0)
        {
            problem(format!("{} -- is proven by no recording", line.text));
        }
    }
    met
}

/// One recorded answer, decoded again and again.
struct Subject<'a> {
    read: &'a Read,
    context: Context,
    /// The answer before.
    first: Option<Vec<u8>>,
    before: Series,
}

impl<'a> Subject<'a> {
    fn new(file: &str, read: &'a Read, body: &Json) -> Self {
        let context = fixtures::context(&fixtures::body(&walk::companion(file, "varz")));
        let mut subject = Self {
            read,
            context,
            first: read.after_empty.as_ref().map(|list| {
                let mut first = body.clone();
                first[list] = Json::Array(Vec::new());
                serde_json::to_vec(&first).unwrap()
            }),
            before: Series::new(),
        };
        subject.before = subject
            .series(body)
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        subject
    }

    fn series(&self, body: &Json) -> Result<Series, String> {
        let body = serde_json::to_vec(body).unwrap();
        let deepest = Options {
            connections: Connections::All,
            ..Options::default()
        };
        let mut all = Series::new();
        for collector in &self.read.collectors {
            let mut collector = fixtures::collector_with(collector, &deepest);
            if let Some(first) = &self.first {
                fixtures::feed(collector.as_mut(), &self.context, first).unwrap();
            }
            let (series, _) = fixtures::feed(collector.as_mut(), &self.context, &body)
                .map_err(|error| error.to_string())?;
            for (key, value) in series {
                let twice = all.insert(key.clone(), value);
                assert_eq!(twice, None, "{key} is made by two collectors");
            }
        }
        Ok(all)
    }

    /// The same recording as if another server had told it: what is behind on a follower is seldom behind on a leader.
    fn seen_by(&self, leader: &str, body: &Json) -> Option<Self> {
        let mut other = Self {
            read: self.read,
            context: self.context.clone(),
            first: self.first.clone(),
            before: Series::new(),
        };
        leader.clone_into(&mut other.context.broker_name);
        other.before = other.series(body).ok()?;
        Some(other)
    }

    /// The first place that this server leads, else the first.
    fn choose<'p>(&self, body: &Json, places: &[&'p String]) -> (&'p str, bool) {
        let led = places
            .iter()
            .find(|place| walk::led(body, place, &self.context.broker_name));
        (led.unwrap_or(&places[0]), led.is_some())
    }

    fn effects(
        &self,
        body: &Json,
        place: &str,
        places: &[String],
        line: Option<&Line>,
    ) -> Result<Effects, String> {
        let all: Vec<&Json> = places
            .iter()
            .map(|place| body.pointer(place).unwrap())
            .collect();
        let mut changed = body.clone();
        let leaf = changed.pointer_mut(place).unwrap();
        let to = line.and_then(|line| line.change_to.as_deref());
        *leaf = change::changed(leaf, to, &all);
        Ok(Effects::between(&self.before, &self.series(&changed)?))
    }
}
