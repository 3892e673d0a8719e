//! The view of nats-surveyor: every family of that tool (`tests/compat/surveyor.csv`) is made with its type and labels, or
//! stands with a reason in `docs/compat.md`; and every value of a page is what the recorded answers say, computed again
//! here from the JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use natsight::catalog::CATALOG;
use natsight::collect::{Collector, Context, Options, Record, Sizes, specs};
use natsight::compat::ForeignView;
use natsight::compat::surveyor::Surveyor;
use natsight::expose::reader::{self, Format, Page};
use natsight::expose::{
    Encoding, ForeignBuilder, Names, Page as Joined, Part, PartBuilder, Shape, Source, TextFormat,
};
use natsight::state::Tool;
use serde_json::Value;

#[path = "compat/expected.rs"]
mod expected;

/// Servers of one recording, on one page.
struct Fleet {
    version: &'static str,
    topology: &'static str,
    nodes: &'static [&'static str],
}

const FLEETS: &[Fleet] = &[
    Fleet::new("2.15.1", "single", &[""]),
    Fleet::new("2.10.26", "single", &[""]),
    Fleet::new("2.15.1", "cluster3", &["n1", "n2", "n3"]),
    Fleet::new("2.12.8", "cluster3", &["n1", "n2", "n3"]),
    Fleet::new("2.9.10", "cluster3", &["n1", "n2", "n3"]),
    Fleet::new("2.15.1", "super", &["a1", "a2", "b1", "leaf1"]),
];

/// Collectors and the recordings that each of them may read: the first that is there.
const BODIES: &[(&str, &[&str])] = &[
    ("varz", &["varz"]),
    ("routez", &["routez"]),
    ("gatewayz", &["gatewayz"]),
    ("raftz", &["raftz"]),
    ("accstatz", &["accstatz.unused", "accstatz"]),
    ("jsz", &["jsz", "jsz.all"]),
    ("streams", &["jsz.all"]),
    ("consumers", &["jsz.all"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Fleet {
    const fn new(
        version: &'static str,
        topology: &'static str,
        nodes: &'static [&'static str],
    ) -> Self {
        Self {
            version,
            topology,
            nodes,
        }
    }

    /// What a collector reads of a node: `jsz.all` of `n1` is `jsz.n1.all.json`.
    fn body(&self, collector: &str, node: &str) -> Option<Vec<u8>> {
        let (_, files) = BODIES.iter().find(|(name, _)| *name == collector)?;
        let folder = PathBuf::from("tests/fixtures").join(self.version);
        let path = |file: &&str| {
            let (endpoint, variant) = file.split_once('.').unwrap_or((file, ""));
            let words = [endpoint, node, variant, "json"];
            let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
            root()
                .join(&folder)
                .join(self.topology)
                .join(words.join("."))
        };
        files.iter().find_map(|file| fs::read(path(file)).ok())
    }

    /// The same for the test's own computation.
    fn json(&self, collector: &str, node: &str) -> Option<Value> {
        let body = self.body(collector, node)?;
        Some(serde_json::from_slice(&body).expect("JSON"))
    }

    fn page(&self) -> Page {
        let mut parts = Vec::new();
        for (place, node) in self.nodes.iter().enumerate() {
            let mut context = Context::default();
            for (collector, _) in BODIES {
                let source = Source {
                    server: u32::try_from(place).expect("a few"),
                    collector,
                };
                if let Some(body) = self.body(collector, node) {
                    parts.push(answer(source, &mut context, &body));
                }
            }
            let mut rows = ForeignBuilder::new(Tool::Surveyor);
            Surveyor::default().watched(true, &mut rows);
            let source = Source {
                server: u32::try_from(place).expect("a few"),
                collector: "observed",
            };
            let part = PartBuilder::new(&[], false).with_foreign(rows);
            parts.push(Arc::new(part.finish(source, Instant::now(), None)));
        }
        page_of(parts)
    }
}

fn page_of(parts: Vec<Arc<Part>>) -> Page {
    let shape = Shape {
        format: TextFormat::Text004,
        encoding: Encoding::Identity,
        names: Names::Foreign(Tool::Surveyor),
        collectors: Vec::new(),
    };
    let text = Joined::new(parts).render(&shape, Instant::now()).to_vec();
    // Strict: two series of the same labels are an error.
    let mut page = reader::read(&text, Format::Text004).expect("a page");
    page.families
        .retain(|family| CATALOG.iter().all(|def| def.name != family.name));
    page
}

/// One answer through its collector into the view.
fn answer(source: Source, context: &mut Context, body: &[u8]) -> Arc<Part> {
    let view = Surveyor::default();
    let spec = specs().find(|spec| spec.name == source.collector);
    let mut collector: Box<dyn Collector> = (spec.expect("a collector").make)(&Options::default());
    let mut foreign = ForeignBuilder::new(Tool::Surveyor);
    context.extra = view.extra();
    collector.begin(context);
    let mut take = |record: Record<'_>| {
        if let Record::Varz(varz) = &record {
            *context = varz.context(None, "unknown", Sizes::default());
        }
        view.rows(&record, "http://unused:8222", context, &mut foreign);
    };
    // In pieces, as bodies arrive.
    for piece in body.chunks(1000) {
        collector.chunk(piece, &mut take).expect("a body");
    }
    collector.finish(&mut take).expect("a whole body");
    let part = PartBuilder::new(&[], false).with_foreign(foreign);
    Arc::new(part.finish(source, Instant::now(), None))
}

/// Values by series, as `family{label="value",...}` with sorted labels.
fn series(page: &Page) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    for sample in page.families.iter().flat_map(|family| &family.samples) {
        let labels = sample.labels.iter();
        let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
        found.insert(expected::key(&sample.name, labels.collect()), sample.value);
    }
    found
}

#[test]
fn every_value_is_what_the_answers_say() {
    for fleet in FLEETS {
        let (ours, expected) = (series(&fleet.page()), expected::page(fleet));
        let name = format!("{} {}", fleet.version, fleet.topology);
        assert!(expected.len() > 100, "{name}: {} series", expected.len());
        let mut wrong = Vec::new();
        for key in ours.keys().chain(expected.keys()).collect::<BTreeSet<_>>() {
            match (ours.get(key), expected.get(key)) {
                (Some(one), Some(other)) if (one - other).abs() <= other.abs() * 1e-12 => {}
                (one, other) => wrong.push(format!("{key} is {one:?}, should be {other:?}")),
            }
        }
        assert!(
            wrong.is_empty(),
            "{name}: {} of {} wrong:\n{}",
            wrong.len(),
            expected.len(),
            wrong[..wrong.len().min(20)].join("\n")
        );
    }
}

/// Families of `docs/compat.md` that are missing on purpose: patterns with `*` at their ends.
fn listed() -> Vec<String> {
    let text = fs::read_to_string(root().join("docs/compat.md")).expect("docs/compat.md");
    let (_, text) = text
        .split_once("# The view of nats-surveyor")
        .expect("a chapter");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter_map(|row| row.split_once("` | missing | "));
    rows.map(|(pattern, reason)| {
        assert!(reason.len() > 20, "{pattern} has no reason");
        pattern.to_owned()
    })
    .collect()
}

fn fits(pattern: &str, name: &str) -> bool {
    let open = (pattern.starts_with('*'), pattern.ends_with('*'));
    let text = pattern.trim_matches('*');
    match open {
        (false, false) => name == text,
        (false, true) => name.starts_with(text),
        (true, false) => name.ends_with(text),
        (true, true) => name.contains(text),
    }
}

#[test]
fn every_family_of_that_tool_is_made_or_listed_with_a_reason() {
    let table = fs::read_to_string(root().join("tests/compat/surveyor.csv")).expect("a table");
    let table: BTreeMap<&str, (&str, BTreeSet<&str>)> = table
        .lines()
        .map(|line| {
            let cells: Vec<_> = line.split(',').collect();
            let labels = cells[2].split('|').filter(|label| !label.is_empty());
            (cells[0], (cells[1], labels.collect()))
        })
        .collect();
    assert_eq!(table.len(), 183);
    let mut made = BTreeSet::new();
    let pages: Vec<Page> = FLEETS.iter().map(Fleet::page).collect();
    for family in pages.iter().flat_map(|page| &page.families) {
        let name = family.name.as_str();
        let (kind, labels) = table.get(name).unwrap_or_else(|| panic!("{name} is new"));
        let told = format!("{:?}", family.kind).to_lowercase();
        assert!(told.contains(kind), "{name} is {told}, there {kind}");
        for sample in &family.samples {
            let own: BTreeSet<&str> = sample.labels.iter().map(|(name, _)| &**name).collect();
            assert_eq!(own, *labels, "{name}");
        }
        made.insert(name);
    }
    let listed = listed();
    for name in table.keys() {
        let is_listed = listed.iter().any(|pattern| fits(pattern, name));
        assert_ne!(made.contains(name), is_listed, "{name}: made or listed");
    }
    for pattern in &listed {
        let used = table.keys().any(|name| fits(pattern, name));
        assert!(used, "{pattern} is no family of that tool");
    }
}

#[test]
fn nothing_is_said_of_jetstream_while_no_answer_tells_of_it() {
    let fleet = &FLEETS[0];
    let mut context = Context::default();
    let mut part = |collector: &'static str| {
        let body = fleet.body(collector, "").expect("a body");
        let source = Source {
            server: 0,
            collector,
        };
        answer(source, &mut context, &body)
    };
    let (varz, accstatz, streams) = (part("varz"), part("accstatz"), part("streams"));
    let page = page_of(vec![varz.clone(), accstatz.clone()]);
    assert_eq!(page.value("nats_core_account_count", &[]), Some(5.0));
    let of_jetstream = |name: &str| name.starts_with("nats_core_account_jetstream_");
    assert!(
        page.families
            .iter()
            .all(|family| !of_jetstream(&family.name))
    );
    let page = page_of(vec![varz, accstatz, streams]);
    let idle = [("account", "IDLE")];
    let enabled = page.value("nats_core_account_jetstream_enabled", &idle);
    assert_eq!(enabled, Some(0.0));
}
