//! Pages as a scraper reads them: all four shapes through the strict reader, and what is on them at which time.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use natsight::catalog::{CATALOG, Kind, Level, Metric};
use natsight::expose::reader::{self, Format};
use natsight::expose::{Encoding, Page, Part, PartBuilder, Shape, Source, TextFormat};
use natsight::serve::PageCache;
use natsight::state::{EntityKind, Histogram, Row, Rows, Value};

#[path = "page/brokers.rs"]
mod brokers;

const FORMATS: [(TextFormat, Format); 2] = [
    (TextFormat::Text004, Format::Text004),
    (TextFormat::OpenMetrics1, Format::OpenMetrics1),
];

fn shape(format: TextFormat, encoding: Encoding, collectors: &[&str]) -> Shape {
    Shape {
        format,
        encoding,
        names: natsight::expose::Names::Native,
        collectors: collectors.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// The bytes of a page as text, whichever way they travel.
fn text(page: &Page, shape: &Shape, now: Instant) -> Vec<u8> {
    let rendered = page.render(shape, now);
    let bytes = rendered.to_vec();
    assert_eq!(bytes.len(), rendered.len, "the length that is announced");
    match shape.encoding {
        Encoding::Identity => bytes,
        Encoding::Gzip => {
            let mut text = Vec::new();
            flate2::read::MultiGzDecoder::new(&bytes[..])
                .read_to_end(&mut text)
                .expect("gzip");
            text
        }
    }
}

/// Reads the page in all four shapes, which must show the same; gives it as text 0.0.4 has it.
fn read(page: &Page, collectors: &[&str], now: Instant) -> reader::Page {
    let read = |format, grammar| {
        let identity = text(page, &shape(format, Encoding::Identity, collectors), now);
        let gzip = text(page, &shape(format, Encoding::Gzip, collectors), now);
        assert!(identity == gzip, "{format:?} differs when compressed");
        reader::read(&identity, grammar).unwrap_or_else(|error| {
            panic!(
                "{format:?}: {error}\n{}",
                String::from_utf8_lossy(&identity)
            )
        })
    };
    let [text, open_metrics] = FORMATS.map(|(format, grammar)| read(format, grammar));
    assert_eq!(text.series_keys(), open_metrics.series_keys());
    assert_eq!(text.families.len(), open_metrics.families.len());
    text
}

fn builder(server: &str) -> PartBuilder {
    PartBuilder::new(&[("server_name", server), ("nats_cluster", "east")], false)
}

fn source(server: u32, collector: &'static str) -> Source {
    Source { server, collector }
}

fn row(rows: &mut PartBuilder, labels: &[(&'static str, &str)], values: &[(Metric, Value<'_>)]) {
    rows.row(&Row::new(EntityKind::Server, labels, values));
}

/// A part with every family of the catalog in it, detail ones too.
fn everything(server: &str, twins: bool) -> PartBuilder {
    static BOUNDS: [u64; 2] = [1_000_000, 1_000_000_000];
    let mut histogram = Histogram::of_nanos(&BOUNDS);
    histogram.observe(2_000_000);
    let labels = [("server_name", server), ("nats_cluster", "")];
    let mut rows = PartBuilder::new(&labels, twins);
    for def in CATALOG {
        let labels: Vec<_> = def.labels.iter().map(|label| (*label, "x")).collect();
        let value = match def.kind {
            Kind::Histogram => Value::Histogram(&histogram),
            Kind::Counter | Kind::Info => Value::U64(1),
            Kind::Gauge => Value::F64(-0.5),
        };
        row(&mut rows, &labels, &[(def.metric, value)]);
    }
    rows.with_details(true)
}

#[test]
fn every_family_of_the_catalog_reads_in_all_shapes() {
    let now = Instant::now();
    for twins in [false, true] {
        let part = everything("n1", twins).finish(source(0, "varz"), now, None);
        let series = part.series;
        let page = read(&Page::new(vec![Arc::new(part)]), &[], now);
        let expected = CATALOG.iter().filter(|def| !twins || def.twin).count();
        let expected = if twins {
            CATALOG.len() + expected
        } else {
            expected
        };
        assert_eq!(page.families.len(), expected);
        assert_eq!(page.series() as u64, series);
        for (family, def) in page.families.iter().zip(CATALOG) {
            assert_eq!(family.name, def.name, "the order is the catalog's");
            assert_eq!(family.help.as_deref(), Some(def.help));
        }
        let twin = page.value("process_cpu_seconds_total", &[("server_name", "n1")]);
        assert_eq!(twin, twins.then_some(1.0));
    }
}

#[test]
fn facts_and_units_are_said_in_open_metrics() {
    let now = Instant::now();
    let part = everything("n1", false).finish(source(0, "varz"), now, None);
    let shape = shape(TextFormat::OpenMetrics1, Encoding::Identity, &[]);
    let text = text(&Page::new(vec![Arc::new(part)]), &shape, now);
    let text = String::from_utf8(text).expect("text");
    let page = reader::read(text.as_bytes(), Format::OpenMetrics1).expect("a page");
    let info = page.family("nats_server").expect("info without its ending");
    assert_eq!(info.kind, reader::Kind::Info);
    let memory = page.family("nats_server_memory_bytes").expect("a family");
    assert_eq!(memory.unit.as_deref(), Some("bytes"));
    assert!(text.contains("le=\"1.0\"") && !text.contains("le=\"1\""));
    assert!(text.ends_with("\n# EOF\n") && text.matches("# EOF").count() == 1);
}

#[test]
fn families_are_grouped_across_servers() {
    let now = Instant::now();
    let parts = ["n2", "n1", "n3"]
        .iter()
        .zip([2, 0, 1])
        .flat_map(|(name, place)| {
            let mut varz = builder(name);
            row(
                &mut varz,
                &[],
                &[
                    (Metric::ServerConnections, Value::U64(7)),
                    (Metric::ServerInMessages, Value::U64(u64::MAX)),
                ],
            );
            let mut own = builder(name);
            row(
                &mut own,
                &[("target", "http://h:8222")],
                &[(Metric::Up, true.into())],
            );
            let observed = own.finish(source(place, "observed"), now, None);
            [varz.finish(source(place, "varz"), now, None), observed].map(Arc::new)
        });
    let page = read(&Page::new(parts.collect()), &[], now);
    let names: Vec<_> = page
        .families
        .iter()
        .map(|family| family.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "nats_up",
            "nats_server_connections",
            "nats_server_in_messages_total"
        ]
    );
    for family in &page.families {
        let servers: Vec<_> = family
            .samples
            .iter()
            .map(|sample| sample.label("server_name"))
            .collect();
        assert_eq!(
            servers,
            [Some("n1"), Some("n3"), Some("n2")],
            "{}",
            family.name
        );
    }
    let exact = page.find("nats_server_in_messages_total", &[("nats_cluster", "east")]);
    assert!(
        exact
            .iter()
            .all(|sample| sample.text == "18446744073709551615")
    );
}

#[test]
fn large_families_read_the_same_in_members() {
    let now = Instant::now();
    let label = "x".repeat(200);
    let mut parts = Vec::new();
    for (place, count) in [(0, 5000_u64), (1, 400), (2, 3)] {
        let mut rows = builder(&format!("n{place}"));
        row(
            &mut rows,
            &[],
            &[(Metric::ServerConnections, Value::U64(count))],
        );
        for number in 0..count {
            let path = format!("/{label}/{number}");
            row(
                &mut rows,
                &[("path", &path)],
                &[(Metric::ServerHttpRequests, Value::U64(number))],
            );
        }
        parts.push(Arc::new(rows.finish(source(place, "varz"), now, None)));
    }
    let page = Page::new(parts);
    let read = read(&page, &[], now);
    assert_eq!(read.series() as u64, page.series());
    let family = read
        .family("nats_server_http_requests_total")
        .expect("a family");
    assert_eq!(family.samples.len(), 5403);
    for place in [0, 2500, 4999] {
        assert_eq!(family.samples[place].text, place.to_string());
    }
    let gzip = page.render(&shape(TextFormat::Text004, Encoding::Gzip, &[]), now);
    assert!(
        gzip.pieces.len() > 2,
        "large families are members of their own"
    );
    assert!(
        gzip.pieces
            .iter()
            .all(|piece| piece.plain_len() < 256 << 10)
    );
    let identity = page.render(&shape(TextFormat::Text004, Encoding::Identity, &[]), now);
    assert!(
        identity
            .pieces
            .iter()
            .all(|piece| piece.plain_len() < 512 << 10)
    );
}

#[test]
fn expired_parts_are_not_shown() {
    let now = Instant::now();
    let end = now + Duration::from_secs(15);
    let mut varz = builder("n1");
    row(
        &mut varz,
        &[],
        &[(Metric::ServerConnections, Value::U64(7))],
    );
    let mut observed = builder("n1");
    row(
        &mut observed,
        &[("target", "t")],
        &[(Metric::Up, false.into())],
    );
    let page = Page::new(vec![
        Arc::new(varz.finish(source(0, "varz"), now, Some(end))),
        Arc::new(observed.finish(source(0, "observed"), now, None)),
    ]);
    let shown = |at| {
        read(&page, &[], at)
            .family("nats_server_connections")
            .is_some()
    };
    assert!(shown(now) && shown(end - Duration::from_nanos(1)));
    assert!(!shown(end) && !shown(end + Duration::from_secs(1)));
    assert_eq!(read(&page, &[], end).value("nats_up", &[]), Some(0.0));
    let any = shape(TextFormat::Text004, Encoding::Identity, &[]);
    assert_eq!(page.render(&any, now).expires_at, Some(end));
    assert_eq!(page.render(&any, end).expires_at, None);
}

#[test]
fn collectors_are_picked_and_details_wait_to_be_asked_for() {
    let now = Instant::now();
    let details = |asked: bool| {
        let part = everything("n1", false).with_details(asked);
        Arc::new(part.finish(source(0, "connz"), now, None))
    };
    let mut varz = builder("n1");
    row(
        &mut varz,
        &[],
        &[(Metric::ServerConnections, Value::U64(7))],
    );
    let varz = Arc::new(varz.finish(source(1, "varz"), now, None));
    let core = CATALOG
        .iter()
        .filter(|def| def.level == Level::Core)
        .count();
    let count = |page: &Page, collectors: &[&str]| read(page, collectors, now).families.len();
    let quiet = Page::new(vec![details(false), Arc::clone(&varz)]);
    assert_eq!(count(&quiet, &[]), core);
    assert_eq!(count(&quiet, &["connz"]), CATALOG.len());
    assert_eq!(count(&quiet, &["varz"]), 1);
    assert_eq!(count(&quiet, &["jsz"]), 0, "an empty page is a page");
    assert_eq!(count(&quiet, &["varz", "connz"]), CATALOG.len());
    let asked = Page::new(vec![details(true), varz]);
    assert_eq!(count(&asked, &[]), CATALOG.len());
}

#[test]
fn odd_names_come_back_as_they_were() {
    let now = Instant::now();
    let long = "é".repeat(10_000);
    let odd = [
        "a\"b",
        "back\\slash",
        "line\nend",
        "\\n",
        "🚀 – ü",
        "{}=,#",
        "\u{1}\t",
        " ",
        "# EOF\n",
        &long,
    ];
    for name in odd {
        let mut rows = builder(name);
        row(
            &mut rows,
            &[("path", name)],
            &[(Metric::ServerHttpRequests, Value::U64(1))],
        );
        let part = rows.finish(source(0, "varz"), now, None);
        let page = read(&Page::new(vec![Arc::new(part)]), &[], now);
        let sample = page
            .only("nats_server_http_requests_total", &[])
            .expect("one");
        for label in ["server_name", "path"] {
            let shown = sample.label(label).expect("the label");
            assert!(
                shown == name || (name == long && shown.len() < 1100),
                "{name:?}: {shown:?}"
            );
        }
    }
}

#[test]
fn what_is_no_number_of_its_kind_is_left_out_and_counted() {
    let now = Instant::now();
    let mut rows = builder("n1");
    row(
        &mut rows,
        &[],
        &[
            (Metric::ServerInMessages, Value::Negative),
            (Metric::ServerConnections, Value::U64(1)),
        ],
    );
    assert_eq!(rows.negative(), 1);
    let part = rows.finish(source(0, "varz"), now, None);
    let page = read(&Page::new(vec![Arc::new(part)]), &[], now);
    assert_eq!(page.series(), 1);
}

fn connections(count: u64, now: Instant, end: Option<Instant>) -> Arc<Part> {
    let mut rows = builder("n1");
    row(
        &mut rows,
        &[],
        &[(Metric::ServerConnections, Value::U64(count))],
    );
    Arc::new(rows.finish(source(0, "varz"), now, end))
}

#[test]
fn a_cached_page_ends_with_its_parts() {
    let now = Instant::now();
    let end = now + Duration::from_secs(15);
    let (cache, part) = (PageCache::default(), connections(7, now, Some(end)));
    let plain = shape(TextFormat::Text004, Encoding::Identity, &[]);
    let page = |at| {
        cache
            .page(&plain, vec![Arc::clone(&part)], at)
            .expect("a page")
    };
    assert!(Arc::ptr_eq(
        &page(now),
        &page(end - Duration::from_nanos(1))
    ));
    assert!(page(now).len > 0);
    assert_eq!(page(end).len, 0, "what was cached has expired");
}

#[test]
fn a_cache_keeps_shapes_apart() {
    let now = Instant::now();
    let (cache, part) = (PageCache::default(), connections(7, now, None));
    for (format, grammar) in FORMATS {
        for collectors in [&[][..], &["varz"], &["observed"]] {
            let shape = shape(format, Encoding::Identity, collectors);
            let page = cache
                .page(&shape, vec![Arc::clone(&part)], now)
                .expect("a page");
            let read = reader::read(&page.to_vec(), grammar).expect("a page");
            assert_eq!(
                read.series(),
                usize::from(collectors != ["observed"]),
                "{shape:?}"
            );
        }
    }
    let plain = shape(TextFormat::Text004, Encoding::Identity, &[]);
    let newer = cache
        .page(&plain, vec![connections(8, now, None)], now)
        .expect("a page");
    let text = String::from_utf8(newer.to_vec()).expect("text");
    assert!(text.ends_with(" 8\n"), "{text}");
}
