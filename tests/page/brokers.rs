//! Pages of the recorded brokers: each version, each topology, and one of them whole in git.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use natsight::collect::{Connections, Context, Options, Record, Select, Sizes, specs};

use super::*;

/// Which recording each collector reads, as `endpoint` and the beginning of the variant.
const RECORDINGS: &[(&str, &str, &str)] = &[
    ("varz", "varz", ""),
    ("expvar", "debug-vars", ""),
    ("jsz", "jsz", ""),
    ("streams", "jsz", "all"),
    ("consumers", "jsz", "all"),
    ("jsz_config", "jsz", "all"),
    ("accstatz", "accstatz", ""),
    ("accountz", "accountz", "acc"),
    ("raftz", "raftz", "acc-APP"),
    ("ipqueuesz", "ipqueuesz", "all"),
    ("healthz", "healthz", ""),
    ("healthz_full", "healthz", "details"),
    ("connz", "connz", ""),
    ("closed", "connz", "closed"),
    ("routez", "routez", ""),
    ("gatewayz", "gatewayz", ""),
    ("gateway_accounts", "gatewayz", "accs"),
    ("leafz", "leafz", ""),
    ("subsz", "subsz", ""),
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// Folders of recordings: one version and topology each.
fn topologies() -> Vec<PathBuf> {
    let versions = entries(&fixtures())
        .into_iter()
        .filter(|path| path.is_dir());
    let found: Vec<_> = versions.flat_map(|version| entries(&version)).collect();
    assert!(found.len() >= 6, "{found:?}");
    found
}

fn name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .expect("text")
}

/// Nodes of a topology: the empty name is a single server's.
fn nodes(folder: &Path) -> Vec<String> {
    let paths = entries(folder);
    let names = paths.iter().map(|path| name(path));
    let varz = names.filter_map(|name| name.strip_prefix("varz.")?.strip_suffix("json"));
    let mut nodes: Vec<_> = varz
        .map(|node| node.trim_end_matches('.').to_owned())
        .filter(|node| !node.contains('.') && node != "later")
        .collect();
    nodes.sort();
    nodes
}

/// The recording of a collector at a node, if there is one.
fn recording(folder: &Path, node: &str, endpoint: &str, variant: &str) -> Option<Vec<u8>> {
    let start = [endpoint, node, variant]
        .into_iter()
        .filter(|word| !word.is_empty());
    let start = start.collect::<Vec<_>>().join(".");
    let file = entries(folder).into_iter().find(|path| match variant {
        "" => name(path) == format!("{start}.json"),
        _ => name(path).starts_with(&start) && name(path).ends_with(".json"),
    })?;
    Some(std::fs::read(file).expect("a recording"))
}

/// What one collector makes of a body, as the poller would.
fn part(
    collector: &'static str,
    place: u32,
    body: &[u8],
    context: &mut Context,
    now: Instant,
) -> Part {
    let options = Options {
        connections: Connections::All,
        ..Options::default()
    };
    let spec = specs()
        .find(|spec| spec.name == collector)
        .expect("a collector");
    let (mut collector, mut select) = ((spec.make)(&options), Select::all());
    let before = context.clone();
    let mut rows = server(&before);
    let mut take = |record: Record<'_>| {
        if let Record::Varz(varz) = &record {
            *context = varz.context(None, "h:8222", Sizes::default());
            rows = server(context);
        }
        select.record();
        record.native(context, &mut |row: &Row<'_>| select.row(row, &mut rows));
    };
    collector.begin(&before);
    // Broken anywhere, as a network may.
    for chunk in body.chunks(1000) {
        collector.chunk(chunk, &mut take).expect("a recorded body");
    }
    collector.finish(&mut take).expect("a recorded body");
    let left = select.finish(&mut rows);
    assert_eq!(left.duplicates, 0, "{}", spec.name);
    rows.with_details(true)
        .finish(source(place, spec.name), now, None)
}

fn server(context: &Context) -> PartBuilder {
    let labels = [
        ("server_name", context.server_name.as_str()),
        ("nats_cluster", &context.nats_cluster),
    ];
    PartBuilder::new(&labels, false)
}

/// All parts that the recordings of a topology give, by node and collector.
fn parts(folder: &Path, now: Instant) -> BTreeMap<(u32, &'static str), Arc<Part>> {
    let mut parts = BTreeMap::new();
    for (place, node) in (0..).zip(nodes(folder)) {
        let mut context = Context::default();
        for (collector, endpoint, variant) in RECORDINGS {
            if let Some(body) = recording(folder, &node, endpoint, variant) {
                let part = part(collector, place, &body, &mut context, now);
                parts.insert((place, *collector), Arc::new(part));
            }
        }
    }
    parts
}

#[test]
fn every_collector_has_its_recording() {
    let known: Vec<_> = RECORDINGS.iter().map(|row| row.0).collect();
    // The others are for an older exporter's view only: tests/compat.rs reads theirs.
    for spec in specs().filter(|spec| (spec.wanted)(&Options::default())) {
        assert!(
            known.contains(&spec.name),
            "which recording does {} read?",
            spec.name
        );
    }
}

#[test]
fn every_recorded_broker_gives_a_strict_page() {
    let now = Instant::now();
    let mut seen = BTreeMap::<&str, usize>::new();
    for folder in topologies() {
        let parts = parts(&folder, now);
        assert!(!parts.is_empty(), "{}", folder.display());
        for (_, collector) in parts.keys() {
            *seen.entry(collector).or_default() += 1;
        }
        let series: u64 = parts.values().map(|part| part.series).sum();
        let page = read(&Page::new(parts.into_values().collect()), &[], now);
        assert_eq!(page.series() as u64, series, "{}", folder.display());
        assert!(series > 50, "{}", folder.display());
    }
    for (collector, _, _) in RECORDINGS {
        assert!(
            seen.contains_key(collector),
            "no version has a recording for {collector}"
        );
    }
}

#[test]
fn the_page_of_one_broker_changes_only_on_purpose() {
    let now = Instant::now();
    for (topology, golden) in [
        ("2.12.8/single", "single.txt"),
        ("2.12.8/cluster3", "cluster3.txt"),
    ] {
        let parts = parts(&fixtures().join(topology), now)
            .into_values()
            .collect();
        let shape = shape(TextFormat::Text004, Encoding::Identity, &[]);
        let text = String::from_utf8(text(&Page::new(parts), &shape, now)).expect("text");
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(golden);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &text).expect("it is written");
        }
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        let differs = text
            .lines()
            .zip(known.lines())
            .find(|(one, other)| one != other);
        let hint = "BLESS=1 cargo test --test page writes it anew";
        assert!(text == known, "{topology}: {differs:?}; {hint}");
    }
}
