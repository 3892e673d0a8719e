//! Answers of a broker through the collectors.

use std::time::Duration;

use natsight::catalog::Origin;
use natsight::collect::{
    Accounts, Collector, Connections, Context, DecodeError, Extra, Facts, Options, Record, Room,
    Select, Sizes, Spec, Terms, Version, specs,
};
use natsight::state::Row;

use super::choice;
use super::pages::Views;

/// Collectors by the first byte of an input. New ones go to the end, so that the corpus keeps its meaning.
pub const COLLECTORS: &[&str] = &[
    "varz",
    "connz",
    "closed",
    "expvar",
    "healthz",
    "healthz_full",
    "healthz_enabled",
    "healthz_server",
    "routez",
    "gatewayz",
    "gateway_accounts",
    "leafz",
    "subsz",
    "accstatz",
    "accountz",
    "ipqueuesz",
    "raftz",
    "jsz",
    "streams",
    "consumers",
    "jsz_config",
];

/// Most answers that are read out of one input.
const ANSWERS_MAX: usize = 4;
/// 2026-11-22, as in most of the corpus.
const NOW: i128 = 1_795_305_600_000_000_000;

/// Any body, cut into chunks in several ways, gives the same rows, facts or fault; and a fault at the latest at its end if it
/// is no JSON.
///
/// The first byte picks the collector, the second what other views ask for, the third how the body is cut, the rest is the body.
pub fn splitter(mut data: &[u8]) {
    let (Some(spec), Some(flags), Some(cut)) =
        (spec(&mut data), choice(&mut data), choice(&mut data))
    else {
        return;
    };
    let options = options(Connections::All);
    let context = context(flags);
    let outcome = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let mut collector = (spec.make)(&options);
        let mut rows = Vec::new();
        let result = read(collector.as_mut(), &context, chunks, &mut rows);
        (rows, result)
    };
    let whole = outcome(&mut std::iter::once(data));
    let size = 1 + usize::from(cut) % 64;
    assert_same(&outcome(&mut data.chunks(1)), &whole, 1);
    assert_same(&outcome(&mut data.chunks(size)), &whole, size);
    let (head, tail) = data.split_at(data.len() * usize::from(cut) / 256);
    assert_same(&outcome(&mut [head, tail].into_iter()), &whole, head.len());
    if whole.1.is_ok() {
        let json = serde_json::from_slice::<serde::de::IgnoredAny>(data);
        assert!(
            json.is_ok(),
            "{} takes what is no JSON: {json:?}",
            spec.name
        );
    }
}

type Outcome = (Vec<String>, Result<Facts, DecodeError>);

fn assert_same(parts: &Outcome, whole: &Outcome, size: usize) {
    assert_eq!(parts.1, whole.1, "cut at {size}");
    assert!(parts.0 == whole.0, "rows differ when cut at {size}");
}

fn read(
    collector: &mut dyn Collector,
    context: &Context,
    chunks: &mut dyn Iterator<Item = &[u8]>,
    rows: &mut Vec<String>,
) -> Result<Facts, DecodeError> {
    let mut take = |record: Record<'_>| {
        record.native(context, &mut |row: &Row<'_>| rows.push(format!("{row:?}")));
    };
    collector.begin(context);
    for chunk in chunks {
        collector.chunk(chunk, &mut take)?;
    }
    collector.finish(&mut take)
}

/// Any answers, one after another, give a page that the strict reader takes, in each format and in each tool's names.
///
/// The first byte picks the collector, the second the size of chunks, the third the version of the broker and the limits; the
/// rest are bodies with a zero byte between two.
pub fn decoders(mut data: &[u8]) {
    let (Some(spec), Some(size), Some(flags)) =
        (spec(&mut data), choice(&mut data), choice(&mut data))
    else {
        return;
    };
    let connections = match flags >> 4 & 3 {
        0 => Connections::Off,
        1 => Connections::Top,
        _ => Connections::All,
    };
    let options = options(connections);
    let mut context = std::sync::Arc::new(context(flags));
    let mut collector = (spec.make)(&options);
    let mut select = match (spec.origin, connections) {
        (Origin::Connz, Connections::Top) | (Origin::Closed, _) => Select::top(3),
        _ => Select::all(),
    };
    for (round, body) in (0..).zip(data.split(|byte| *byte == 0).take(ANSWERS_MAX)) {
        let path = collector.path(&context);
        assert!(path.starts_with('/') && !path.contains([' ', '\n', '#']));
        collector.begin(&context);
        select.begin(terms(flags, round));
        let mut views = Views::new(&context, &mut select);
        let mut chunks = body.chunks(usize::from(size).max(1) * 4);
        let fed = chunks.try_for_each(|chunk| collector.chunk(chunk, &mut views));
        if let Ok(facts) = fed.and_then(|()| collector.finish(&mut views)) {
            views.finish(spec.name);
            Context::learn(&mut context, &facts);
        }
    }
}

/// Without limits, or so that entities are compared.
fn terms(flags: u8, round: u64) -> Terms {
    let now = Duration::from_secs(30 * round);
    if flags & 0x80 == 0 {
        return Terms {
            now,
            ..Terms::default()
        };
    }
    Terms {
        room: Box::new(Few(200)),
        expected: 10_000,
        family_max: 5,
        now,
    }
}

/// So many series.
#[derive(Debug)]
struct Few(u64);

impl Room for Few {
    fn free(&self) -> u64 {
        self.0
    }

    fn draw(&mut self, wish: u64) -> u64 {
        let drawn = wish.min(self.0);
        self.0 -= drawn;
        drawn
    }
}

fn spec(data: &mut &[u8]) -> Option<&'static Spec> {
    let name = COLLECTORS[usize::from(choice(data)?) % COLLECTORS.len()];
    specs().find(|spec| spec.name == name)
}

fn options(connections: Connections) -> Options {
    Options {
        connections,
        top: 3,
        gateway_accounts: true,
        ..Options::default()
    }
}

fn context(flags: u8) -> Context {
    let labels = [("AB1", "APP"), ("AB2", "OTHER")];
    let labels = labels.map(|(id, label)| (id.to_owned(), label.to_owned()));
    Context {
        server_name: "n1".to_owned(),
        nats_cluster: "C1".to_owned(),
        broker_name: "n1".to_owned(),
        server_id: "NA".to_owned(),
        version: match flags & 3 {
            0 => Version(2, 9, 10),
            1 => Version(2, 10, 26),
            2 => Version(2, 12, 8),
            _ => Version(2, 15, 1),
        },
        started: Some(NOW - 86_400_000_000_000),
        now: (flags & 4 == 0).then_some(NOW),
        sizes: Sizes::default(),
        extra: Extra {
            above: flags & 8 != 0,
            config: flags & 8 != 0,
        },
        accounts: std::sync::Arc::new(Accounts {
            labels: labels.clone().into(),
            with_streams: labels.into(),
        }),
        ..Context::default()
    }
}
