//! What an answer costs on its way to the page, stage by stage. `cargo bench --bench engine`, or one stage of it:
//! `cargo bench --bench engine -- decode`. The bodies are those of `benches/corpora`; L is M ten times over.

#[path = "../examples/corpus/mod.rs"]
mod corpus;

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use bytes::Bytes;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use natsight::collect::{Collector, Connections, Context, Options, Record, Select, Terms, specs};
use natsight::expose::{
    Encoding, Names, Packer, Page, Part, PartBuilder, Shape, Source, TextFormat,
};
use natsight::state::Row;

/// Bytes that a socket gives at once, when there are many.
const CHUNK: usize = 64 << 10;

/// Collectors and the answer to each.
const ANSWERS: &[(&str, &str)] = &[
    ("connz", "connz.json"),
    ("streams", "jsz.streams.json"),
    ("consumers", "jsz_lean.json"),
    ("jsz_config", "jsz.json"),
];

fn main() {
    divan::main();
}

fn body(corpus: &str, file: &str) -> Bytes {
    static S: LazyLock<corpus::Bodies> = LazyLock::new(|| read("S"));
    static M: LazyLock<corpus::Bodies> = LazyLock::new(|| read("M"));
    static L: LazyLock<corpus::Bodies> = LazyLock::new(|| corpus::times(&M, 10));
    let bodies = match corpus {
        "S" => &S,
        "M" => &M,
        _ => &L,
    };
    bodies[file].clone()
}

fn read(name: &str) -> corpus::Bodies {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/corpora");
    corpus::read(&folder.join(name)).expect("the corpora are in the repository")
}

fn context() -> Context {
    Context {
        server_name: "n1".to_owned(),
        broker_name: "n1".to_owned(),
        version: natsight::collect::Version(2, 15, 1),
        ..Context::default()
    }
}

fn options() -> Options {
    Options {
        connections: Connections::All,
        series_new_max: u64::MAX,
        ..Options::default()
    }
}

fn collector(name: &str) -> Box<dyn Collector> {
    let spec = specs().find(|spec| spec.name == name);
    (spec.expect("a collector of that name").make)(&options())
}

/// Reads a body, chunk by chunk.
fn each_record(collector: &mut dyn Collector, body: &[u8], take: &mut dyn FnMut(Record<'_>)) {
    collector.begin(&context());
    let mut take = |record: Record<'_>| take(record);
    for chunk in body.chunks(CHUNK) {
        collector
            .chunk(chunk, &mut take)
            .expect("a recorded answer");
    }
    collector.finish(&mut take).expect("a recorded answer");
}

/// Series of an answer.
fn series(collector: &mut dyn Collector, body: &[u8]) -> u64 {
    let mut series = 0;
    let context = context();
    each_record(collector, body, &mut |record| {
        record.native(&context, &mut |row: &Row<'_>| {
            series += row.values.len() as u64
        });
    });
    series
}

/// The whole way of an answer.
fn part(collector: &mut dyn Collector, select: &mut Select, body: &[u8], server: u32) -> Part {
    let context = context();
    let name = format!("n{server}");
    let mut builder = PartBuilder::new(&[("server_name", &name)], false).with_details(true);
    select.begin(Terms::default());
    each_record(collector, body, &mut |record| {
        select.record();
        record.native(&context, &mut |row: &Row<'_>| select.row(row, &mut builder));
    });
    select.finish(&mut builder);
    let source = Source {
        server,
        collector: "bench",
    };
    builder.finish(source, Instant::now(), None)
}

fn args() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    ["S", "M", "L"].into_iter().flat_map(|corpus| {
        let of =
            move |(collector, file): &(&'static str, &'static str)| (corpus, *collector, *file);
        ANSWERS.iter().map(of)
    })
}

type Answer = (&'static str, &'static str, &'static str);

fn bench(
    bencher: Bencher<'_, '_>,
    (corpus, name, file): Answer,
    mut once: impl FnMut(&mut dyn Collector, &[u8]),
) {
    let body = body(corpus, file);
    let mut collector = collector(name);
    let series = series(&mut *collector, &body);
    bencher
        .counter(ItemsCount::new(series))
        .counter(BytesCount::new(body.len()))
        .bench_local(|| once(&mut *collector, &body));
}

/// Body to records.
#[divan::bench(args = args(), max_time = 3)]
fn decode(bencher: Bencher<'_, '_>, answer: Answer) {
    bench(bencher, answer, |collector, body| {
        each_record(collector, body, &mut |record| {
            divan::black_box(&record);
        });
    });
}

/// Body to rows.
#[divan::bench(args = args(), max_time = 3)]
fn rows(bencher: Bencher<'_, '_>, answer: Answer) {
    bench(bencher, answer, |collector, body| {
        divan::black_box(series(collector, body));
    });
}

/// Body to a part, large families compressed.
#[divan::bench(args = args(), max_time = 3)]
fn answer(bencher: Bencher<'_, '_>, answer: Answer) {
    let mut select = Select::all();
    bench(bencher, answer, |collector, body| {
        divan::black_box(part(collector, &mut select, body, 1));
    });
}

/// All heavy answers of a corpus.
fn page(corpus: &str, servers: u32) -> Page {
    let parts = (0..servers).flat_map(|server| {
        let one = move |(name, file): &(&str, &str)| {
            let mut part = part(
                &mut *collector(name),
                &mut Select::all(),
                &body(corpus, file),
                server,
            );
            part.source.collector = specs()
                .find(|spec| spec.name == *name)
                .expect("a collector")
                .name;
            Arc::new(part)
        };
        ANSWERS.iter().map(one)
    });
    Page::new(parts.collect())
}

fn shape(encoding: Encoding) -> Shape {
    Shape {
        format: TextFormat::Text004,
        encoding,
        names: Names::Native,
        collectors: Vec::new(),
    }
}

/// Parts to a page, for a client that takes gzip.
#[divan::bench(args = ["S", "M", "L"], max_time = 3)]
fn join(bencher: Bencher<'_, '_>, corpus: &str) {
    let page = page(corpus, 1);
    bencher
        .counter(ItemsCount::new(page.series()))
        .bench_local(|| divan::black_box(page.render(&shape(Encoding::Gzip), Instant::now())));
}

/// A page as plain text.
#[divan::bench(args = ["S", "M", "L"], max_time = 3)]
fn plain(bencher: Bencher<'_, '_>, corpus: &str) {
    let page = page(corpus, 1);
    bencher
        .counter(ItemsCount::new(page.series()))
        .bench_local(|| {
            let page = page.render(&shape(Encoding::Identity), Instant::now());
            for piece in &page.pieces {
                divan::black_box(piece.text());
            }
        });
}

/// Text to gzip members of 128 KiB.
#[divan::bench(args = ["S", "M", "L"], max_time = 3)]
fn compress(bencher: Bencher<'_, '_>, corpus: &str) {
    let text = page(corpus, 1)
        .render(&shape(Encoding::Identity), Instant::now())
        .to_vec();
    let mut packer = Packer::default();
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| {
            for text in text.chunks(128 << 10) {
                divan::black_box(packer.member(text));
            }
        });
}
