//! The view of the older exporter against what that exporter itself printed for the same answers.
//!
//! `tests/compat/*.txt.gz` are its pages (`zcat` shows them). What differs stands in the table of `docs/compat.md`, and
//! nothing else may.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use natsight::catalog::CATALOG;
use natsight::collect::{Checks, Collector, Connections, Context, Options, Record, Sizes, specs};
use natsight::compat::ForeignView;
use natsight::compat::exporter::{Depth, Exporter, Identity, Settings, Shown};
use natsight::expose::reader::{self, Format};
use natsight::expose::{
    Encoding, ForeignBuilder, Names, Page, PartBuilder, Shape, Source, TextFormat,
};
use natsight::state::{Row, Tool};

const URL: &str = "http://localhost:8222/";

/// Collectors and the recordings that each of them may read: the first that is there.
const BODIES: &[(&str, &[&str])] = &[
    ("varz", &["varz"]),
    ("connz", &["connz.auth", "connz"]),
    ("healthz_full", &["healthz"]),
    ("healthz_enabled", &["healthz"]),
    ("healthz_server", &["healthz"]),
    ("routez", &["routez"]),
    ("gatewayz", &["gatewayz"]),
    ("leafz", &["leafz"]),
    ("subsz", &["subsz"]),
    ("accstatz", &["accstatz.unused", "accstatz"]),
    ("jsz", &["jsz.all"]),
    ("streams", &["jsz.all"]),
    ("consumers", &["jsz.all"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One page of the older exporter and how it was made.
struct Truth {
    name: String,
    version: String,
    topology: String,
    node: String,
    settings: Settings,
    bodies: Vec<(&'static str, Vec<&'static str>)>,
}

fn truths() -> Vec<Truth> {
    let entries = fs::read_dir(root().join("tests/compat")).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names
        .filter_map(|name| Some(name.to_str()?.strip_suffix(".txt.gz")?.to_owned()))
        .collect();
    names.sort();
    assert_eq!(names.len(), 15);
    names.into_iter().map(truth).collect()
}

const NOTHING: Shown = Shown {
    varz: true,
    connz: false,
    connz_detailed: false,
    healthz: false,
    checks: Checks {
        enabled_only: false,
        server_only: false,
    },
    own_check: false,
    routez: false,
    subsz: false,
    gatewayz: false,
    leafz: false,
    accstatz: false,
    accountz: false,
    jsz: None,
};

fn truth(name: String) -> Truth {
    let parts: Vec<_> = name.split('.').collect();
    let version = parts[1..4].join(".");
    let topology = parts[4].to_owned();
    let variant = parts.get(5).copied().unwrap_or_default();
    let mut bodies: Vec<_> = BODIES
        .iter()
        .map(|(collector, files)| (*collector, files.to_vec()))
        .collect();
    let everything = Checks {
        enabled_only: true,
        server_only: true,
    };
    let mut settings = Settings {
        shown: Shown {
            checks: everything,
            own_check: false,
            accountz: false,
            ..Shown::default()
        },
        ..Settings::default()
    };
    let mut node = variant;
    match variant {
        "jsz-streams" => {
            settings.shown = Shown {
                jsz: Some(Depth::Streams),
                ..NOTHING
            };
            for (_, files) in &mut bodies {
                if files == &["jsz.all"] {
                    *files = vec!["jsz.streams"];
                }
            }
        }
        "accountz" => {
            settings.shown = Shown {
                accountz: true,
                ..NOTHING
            };
            // A walk: the list, then each account.
            bodies.push(("accountz", vec!["accountz"]));
            bodies.push(("accountz", vec!["accountz.acc-APP"]));
            bodies.push(("accountz", vec!["accountz.acc-OTHER"]));
        }
        "helm" => {
            settings.prefix = Some("nats".to_owned());
            settings.identity = Identity::Name;
            settings.shown = Shown {
                connz: true,
                routez: true,
                subsz: true,
                jsz: Some(Depth::All),
                leafz: true,
                gatewayz: true,
                ..NOTHING
            };
        }
        _ => {}
    }
    if topology == "single" {
        node = "";
    }
    Truth {
        version,
        topology,
        node: node.to_owned(),
        settings,
        bodies,
        name,
    }
}

impl Truth {
    /// The recording, where there is one: `connz.auth` of node `n1` is `connz.n1.auth.json`.
    fn body(&self, files: &[&str]) -> Option<Vec<u8>> {
        let path = |file: &&str| {
            let (endpoint, variant) = file.split_once('.').unwrap_or((file, ""));
            let words = [endpoint, &self.node, variant, "json"];
            let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
            PathBuf::from(&self.version)
                .join(&self.topology)
                .join(words.join("."))
        };
        let folders = ["tests/fixtures", "tests/compat/bodies"];
        let mut paths = files
            .iter()
            .flat_map(|file| folders.map(|folder| root().join(folder).join(path(file))));
        paths.find_map(|path| fs::read(path).ok())
    }

    /// The older exporter's page.
    fn theirs(&self) -> reader::Page {
        let path = root().join(format!("tests/compat/{}.txt.gz", self.name));
        let mut text = Vec::new();
        let file = fs::File::open(path).expect("a page");
        flate2::read::GzDecoder::new(file)
            .read_to_end(&mut text)
            .expect("gzip");
        reader::read(&text, Format::Text004)
            .unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// The same page by natsight.
    fn ours(&self) -> reader::Page {
        let exporter = Exporter::new(self.settings.clone());
        let options = Options {
            connections: Connections::All,
            checks: self.settings.shown.checks,
            ..Options::default()
        };
        let mut context = Context::default();
        let mut parts = Vec::new();
        for (name, files) in &self.bodies {
            let spec = specs()
                .find(|spec| spec.name == *name)
                .expect("a collector");
            if !(spec.wanted)(&options) {
                continue;
            }
            let Some(body) = self.body(files) else {
                continue;
            };
            context.extra = exporter.extra();
            let mut collector = (spec.make)(&options);
            let (builder, after) = answer(&exporter, collector.as_mut(), context, &body);
            context = after;
            let source = Source {
                server: 0,
                collector: spec.name,
            };
            parts.push(Arc::new(builder.finish(source, Instant::now(), None)));
        }
        let shape = Shape {
            format: TextFormat::Text004,
            encoding: Encoding::Identity,
            names: Names::Foreign(Tool::Exporter),
            collectors: Vec::new(),
        };
        let text = Page::new(parts).render(&shape, Instant::now()).to_vec();
        let mut page = reader::read(&text, Format::Text004)
            .unwrap_or_else(|error| panic!("{}: {error}", self.name));
        page.families
            .retain(|family| CATALOG.iter().all(|def| def.name != family.name));
        page
    }
}

/// One answer through a collector into both views.
fn answer(
    exporter: &Exporter,
    collector: &mut dyn Collector,
    mut context: Context,
    body: &[u8],
) -> (PartBuilder, Context) {
    let (mut native, mut foreign) = (
        PartBuilder::new(&[], false),
        ForeignBuilder::new(Tool::Exporter),
    );
    collector.begin(&context);
    let mut take = |record: Record<'_>| {
        if let Record::Varz(varz) = &record {
            let extra = context.extra;
            context = varz.context(None, "unknown", Sizes::default());
            context.extra = extra;
        }
        exporter.rows(&record, URL, &context, &mut foreign);
        record.native(&context, &mut |row: &Row<'_>| {
            natsight::state::Rows::row(&mut native, row);
        });
    };
    // In pieces, as bodies arrive.
    for piece in body.chunks(1000) {
        collector.chunk(piece, &mut take).expect("a body");
    }
    collector.finish(&mut take).expect("a whole body");
    (native.with_foreign(foreign), context)
}

/// What a page says: types and help by family, values by series.
fn content(page: &reader::Page) -> (BTreeMap<String, String>, BTreeMap<String, f64>) {
    let (mut families, mut series) = (BTreeMap::new(), BTreeMap::new());
    for family in &page.families {
        let told = format!("{:?} {:?}", family.kind, family.help);
        families.insert(family.name.clone(), told);
        for sample in &family.samples {
            let mut labels: Vec<_> = sample.labels.clone();
            labels.sort();
            let labels: Vec<_> = labels
                .iter()
                .map(|(name, value)| format!("{name}={value:?}"))
                .collect();
            let key = format!("{}{{{}}}", sample.name, labels.join(","));
            series.insert(key, sample.value);
        }
    }
    (families, series)
}

/// What differs: `missing` here, `added` here, or another `value`, and the series.
fn differences(truth: &Truth) -> BTreeSet<(&'static str, String)> {
    let (theirs, ours) = (content(&truth.theirs()), content(&truth.ours()));
    let mut found = BTreeSet::new();
    for (key, value) in &theirs.1 {
        match ours.1.get(key) {
            None => drop(found.insert(("missing", key.clone()))),
            // Seconds are exact here; there they went through a double.
            Some(own) if (own - value).abs() > value.abs() * f64::EPSILON => {
                found.insert(("value", format!("{key} {value} {own}")));
            }
            Some(_) => {}
        }
    }
    let added = ours.1.keys().filter(|key| !theirs.1.contains_key(*key));
    found.extend(added.map(|key| ("added", key.clone())));
    // A family that is not there at all is missed by its series.
    for (family, told) in &theirs.0 {
        let own = ours.0.get(family).filter(|own| *own != told);
        found.extend(own.map(|own| ("type", format!("{family} {told} {own}"))));
    }
    found
}

/// A row of the table of `docs/compat.md`: which difference, and which series, with `*` for any text.
fn listed() -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join("docs/compat.md")).expect("docs/compat.md");
    // What follows is about another tool.
    let (text, _) = text
        .split_once("# The view of nats-surveyor")
        .expect("chapters");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let (pattern, rest) = row.split_once("` | ").expect("a pattern");
        let (kind, reason) = rest.split_once(" | ").expect("a kind");
        assert!(reason.len() > 20, "{pattern} has no reason");
        (kind.to_owned(), pattern.to_owned())
    })
    .collect()
}

fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    let mut last = None;
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
        last = Some(piece);
    }
    rest.is_empty() || last == Some("")
}

#[test]
fn patterns_match_any_text_at_stars() {
    for (pattern, text, expected) in [
        ("a*c*", "abcd", true),
        ("a*c", "abcd", false),
        ("a", "ab", false),
        ("*x=\"1\"*", "f{x=\"1\"} 2", true),
    ] {
        assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn every_page_is_that_of_the_older_exporter_but_for_what_is_listed() {
    let listed = listed();
    let mut used = BTreeSet::new();
    let mut unknown = Vec::new();
    for truth in truths() {
        for (kind, series) in differences(&truth) {
            let place = listed
                .iter()
                .position(|(listed, pattern)| listed == kind && fits(pattern, &series));
            match place {
                Some(place) => drop(used.insert(place)),
                None => unknown.push(format!("{}: {kind} {series}", truth.name)),
            }
        }
    }
    if let Some(path) = std::env::var_os("COMPAT_DIFFERENCES") {
        fs::write(path, unknown.join("\n")).expect("written");
    }
    assert!(
        unknown.is_empty(),
        "{} differences are not in docs/compat.md, the first of them:\n{}",
        unknown.len(),
        unknown[..unknown.len().min(20)].join("\n")
    );
    let stale: Vec<_> = (0..listed.len())
        .filter(|place| !used.contains(place))
        .map(|place| &listed[place])
        .collect();
    assert!(stale.is_empty(), "no page differs so any more: {stale:?}");
}
