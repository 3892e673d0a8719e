//! No leaf field of an answer is lost: each is shown, a label, or left out for one of four reasons.
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
use std::rc::Rc;

use claims::{Claim, Effects, Fate, Line, Read, Table};
use fixtures::Series;
use natsight::collect::{Connections, Context, Options};
use serde_json::Value as Json;

/// Recordings of a version in which a line is tried; more would only take time.
const TRIALS: u32 = 2;
/// Largest share of leaves that may be excluded.
const EXCLUDED_MAX: f64 = 0.15;

#[test]
fn every_leaf_changes_exactly_what_is_claimed() {
    let (mut leaves, mut excluded, mut problems) = (0, 0, BTreeSet::new());
    for table in claims::tables() {
        let outcome = examine(&table, &mut problems);
        eprintln!(
            "{}: {} leaves: {} series, {} only labels, {} excluded",
            table.endpoint,
            outcome.len(),
            count(&outcome, &|fate| fate == Fate::Series),
            count(&outcome, &|fate| fate == Fate::Label),
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
    assert!(leaves > 400, "only {leaves} leaves");
    let share = f64::from(excluded as u32) / f64::from(leaves as u32);
    eprintln!("{leaves} leaves, {:.1} % excluded", share * 100.0);
    assert!(
        share <= EXCLUDED_MAX,
        "{excluded} of {leaves} leaves are excluded"
    );
}

#[test]
fn what_is_left_out_is_so_for_one_of_four_reasons() {
    for fine in [
        "secret",
        "per_subscription",
        "echo",
        "duplicate varz:now within 2s",
    ] {
        assert!(claims::is_claim(&format!("excluded {fine}")), "{fine}");
    }
    for wrong in [
        "excluded boring",
        "excluded",
        "due later",
        "excluded secret really",
        "",
    ] {
        assert!(!claims::is_claim(wrong), "{wrong}");
    }
}

fn count(outcome: &BTreeMap<String, Fate>, of: &dyn Fn(Fate) -> bool) -> usize {
    outcome.values().filter(|fate| of(**fate)).count()
}

/// Goes through the recordings of one endpoint; gives what becomes of the leaves that they have, the worst where claims
/// differ.
fn examine(table: &Table, problems: &mut BTreeSet<String>) -> BTreeMap<String, Fate> {
    let mut book = Book::default();
    for file in fixtures::files() {
        let Some(read) = table.read(&file) else {
            continue;
        };
        let body: Json = serde_json::from_slice(&fixtures::body(&file)).unwrap();
        let mut subject = Subject::new(&file, read, &body);
        for (path, places) in walk::leaves(&body, table) {
            let lines = table.claims.get(&path).map_or(&[][..], Vec::as_slice);
            let mut by_line: BTreeMap<Option<usize>, Vec<&String>> = BTreeMap::new();
            for place in &places {
                let line = lines.iter().position(|line| line.fits(&file, &body, place));
                by_line.entry(line).or_default().push(place);
            }
            for (line, of_line) in by_line {
                let leaf = Leaf {
                    path: &path,
                    all: &places,
                    of_line: &of_line,
                };
                match line {
                    Some(line) => book.test(&mut subject, &lines[line], &leaf),
                    None => book.problems.push(subject.unclaimed(&leaf)),
                }
            }
        }
    }
    for line in table.claims.values().flatten() {
        let text = line.text.as_str();
        let mut trials = book.trials.iter();
        if !trials.any(|((proven, _), trials)| *proven == text && *trials > 0) {
            book.problems
                .push(format!("{text} -- is proven by no recording"));
        }
    }
    let problem = |text| format!("{}: {text}", table.endpoint);
    problems.extend(book.problems.into_iter().map(problem));
    book.met
}

/// A leaf of a recording: its path, and the places where it stands.
struct Leaf<'a> {
    path: &'a str,
    all: &'a [String],
    /// Those that one line is about.
    of_line: &'a [&'a String],
}

/// What was found out about a table.
#[derive(Default)]
struct Book<'t> {
    met: BTreeMap<String, Fate>,
    /// How often a line was proven in recordings of a version.
    trials: BTreeMap<(&'t str, String), u32>,
    problems: Vec<String>,
}

impl<'t> Book<'t> {
    fn test(&mut self, subject: &mut Subject<'_>, line: &'t Line, leaf: &Leaf<'_>) {
        let (file, body) = (subject.file, subject.body);
        if let Claim::Excluded {
            duplicate_of: Some(other),
        }
        | Claim::Repeated { of: other } = &line.claim
        {
            if !duplicates::is_provable(file, other) {
                return;
            }
            if let Err(why) = duplicates::prove(file, body, leaf.of_line, other) {
                let text = format!("{} is no duplicate of {other}: {why} ({file})", leaf.path);
                self.problems.push(text);
            }
        }
        let version = file.split('/').next().unwrap().to_owned();
        let trials = self.trials.entry((&line.text, version)).or_insert(0);
        if *trials == TRIALS {
            return;
        }
        let (place, led, view) = subject.choose(leaf);
        match subject.effects(&view, place, leaf, Some(line)) {
            Err(error) => self
                .problems
                .push(format!("{}: {error} ({file}{place})", leaf.path)),
            Ok(effects) if line.claim.holds(&effects, &view.before, led) => {
                let fate = self.met.entry(leaf.path.to_owned()).or_insert(Fate::Series);
                *fate = line.claim.fate().max(*fate);
                let shown_nowhere =
                    matches!(line.claim, Claim::Repeated { .. } | Claim::Excluded { .. });
                *trials += u32::from(led || shown_nowhere);
            }
            Ok(effects) => self.problems.push(format!(
                "{} -- but changes: {effects} ({file}{place}, led: {led})",
                line.text
            )),
        }
    }
}

/// One recorded answer, decoded again and again.
struct Subject<'a> {
    file: &'a str,
    body: &'a Json,
    read: &'a Read,
    /// The answer before.
    first: Option<Vec<u8>>,
    own: Rc<View>,
    /// The same recording as if another server had told it: what is behind on a follower is seldom behind on a leader.
    others: BTreeMap<String, Option<Rc<View>>>,
}

/// What is shown of an answer of a server.
struct View {
    context: Context,
    before: Series,
}

impl<'a> Subject<'a> {
    fn new(file: &'a str, read: &'a Read, body: &'a Json) -> Self {
        let context = fixtures::context(&fixtures::body(&walk::companion(file, "varz").unwrap()));
        let first = read.after_empty.as_ref().map(|list| {
            let mut first = body.clone();
            first[list] = Json::Array(Vec::new());
            serde_json::to_vec(&first).unwrap()
        });
        let before = series(read, first.as_deref(), &context, body)
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        Self {
            file,
            body,
            read,
            first,
            own: Rc::new(View { context, before }),
            others: BTreeMap::new(),
        }
    }

    /// The first place that this server leads, else the first as its leader would tell it, where there is one.
    fn choose<'p>(&mut self, leaf: &Leaf<'p>) -> (&'p str, bool, Rc<View>) {
        if self.read.told_by_all {
            return (leaf.of_line[0], true, Rc::clone(&self.own));
        }
        let mut places = leaf.of_line.iter();
        let own = &self.own.context.broker_name;
        if let Some(place) = places.find(|place| walk::led(self.body, place, own)) {
            return (place, true, Rc::clone(&self.own));
        }
        let place = leaf.of_line[0];
        // varz tells itself which server it is of.
        let told = self.body.get("server_name").is_some();
        let leader = walk::leader(self.body, place).filter(|_| !told);
        match leader.and_then(|leader| self.seen_by(leader)) {
            Some(view) => (place, true, view),
            None => (place, false, Rc::clone(&self.own)),
        }
    }

    fn seen_by(&mut self, leader: &str) -> Option<Rc<View>> {
        if let Some(known) = self.others.get(leader) {
            return known.clone();
        }
        let mut context = self.own.context.clone();
        leader.clone_into(&mut context.broker_name);
        let before = series(self.read, self.first.as_deref(), &context, self.body).ok();
        let view = before.map(|before| Rc::new(View { context, before }));
        self.others.insert(leader.to_owned(), view.clone());
        view
    }

    fn effects(
        &self,
        view: &View,
        place: &str,
        leaf: &Leaf<'_>,
        line: Option<&Line>,
    ) -> Result<Effects, String> {
        let places = leaf.all.iter();
        let all: Vec<&Json> = places
            .map(|place| self.body.pointer(place).unwrap())
            .collect();
        let mut changed = self.body.clone();
        let value = changed.pointer_mut(place).unwrap();
        let to = line.and_then(|line| line.change_to.as_deref());
        *value = change::changed(value, to, &all);
        let after = series(self.read, self.first.as_deref(), &view.context, &changed)?;
        Ok(Effects::between(&view.before, &after))
    }

    fn unclaimed(&mut self, leaf: &Leaf<'_>) -> String {
        let (place, _, view) = self.choose(leaf);
        let changes = match self.effects(&view, place, leaf, None) {
            Ok(effects) => effects.to_string(),
            Err(error) => error,
        };
        format!(
            "{} has no claim; changes: {changes} ({})",
            leaf.path, self.file
        )
    }
}

/// What the collectors make of an answer.
fn series(
    read: &Read,
    first: Option<&[u8]>,
    context: &Context,
    body: &Json,
) -> Result<Series, String> {
    let body = serde_json::to_vec(body).unwrap();
    let deepest = Options {
        connections: Connections::All,
        ..Options::default()
    };
    let mut all = Series::new();
    for collector in &read.collectors {
        let mut collector = fixtures::collector_with(collector, &deepest);
        if let Some(first) = first {
            fixtures::feed(collector.as_mut(), context, first).unwrap();
        }
        let (series, _) = fixtures::feed(collector.as_mut(), context, &body)
            .map_err(|error| error.to_string())?;
        for (key, value) in series {
            let twice = all.insert(key.clone(), value);
            assert_eq!(twice, None, "{key} is made by two collectors");
        }
    }
    Ok(all)
}
