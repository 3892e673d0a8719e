//! Limits on series: what is left out, who stays, what the page says about it, how much memory it takes.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may panic; clippy excuses test functions only"
)]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/mod.rs"]
mod support;

#[path = "budget/config.rs"]
mod config;
#[path = "budget/fleet.rs"]
mod fleet;
#[path = "budget/large.rs"]
mod large;
#[path = "budget/rounds.rs"]
mod rounds;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use natsight::catalog::{CATALOG, Kind};
use natsight::collect::{OVERFLOW, Pattern, Scope};
use natsight::expose::reader::Page;
use natsight::poll::Rules;
use support::fake::{Fake, Pieces, Say, jsz};
use support::scene::{Scene, rules, watch_of};

const S: Duration = Duration::from_secs(1);

/// Entities of an answer, each numbered; made while it is read, so that the broker needs no memory.
#[derive(Clone, Copy)]
struct Load {
    accounts: usize,
    streams: usize,
    consumers: usize,
}

/// Which number a stream or consumer has as its name, and which size, by its place in the answer.
type Naming = Arc<dyn Fn(usize) -> (usize, u64) + Send + Sync>;

/// The place itself.
fn by_place() -> Naming {
    Arc::new(|at| (at, at as u64))
}

fn account(name: &str) -> String {
    format!(
        r#"{{"name":"{name}","id":"{name}","memory":1,"storage":2,"reserved_memory":0,"reserved_storage":0,"accounts":0,"ha_assets":0,"api":{{"level":5,"total":4,"errors":0}}"#
    )
}

fn stream(name: usize, messages: u64) -> String {
    format!(
        r#"{{"name":"S{name:06}","created":"2026-11-22T07:08:01Z","cluster":{{"leader":"one"}},"state":{{"messages":{messages},"bytes":{},"first_seq":1,"first_ts":"2026-11-22T07:08:02Z","last_seq":2,"last_ts":"2026-11-22T07:08:03Z","num_subjects":1,"consumer_count":0}}"#,
        messages * 10
    )
}

fn consumer(name: usize, pending: u64) -> String {
    format!(
        r#"{{"stream_name":"S","name":"C{name:06}","created":"2026-11-22T07:08:01Z","config":{{"durable_name":"C{name:06}"}},"delivered":{{"consumer_seq":1,"stream_seq":1}},"ack_floor":{{"consumer_seq":0,"stream_seq":0}},"num_ack_pending":1,"num_redelivered":0,"num_waiting":0,"num_pending":{pending},"cluster":{{"leader":"one"}}}}"#
    )
}

/// An answer that counts what there is.
fn counted(load: Load, accounts: &str) -> String {
    let counts = format!(
        r#""streams":{},"consumers":{},"messages":2,"bytes":110,"total":{}"#,
        load.streams, load.consumers, load.accounts
    );
    jsz("IDONE", accounts).replace(
        r#""streams":1,"consumers":1,"messages":2,"bytes":110,"total":1"#,
        &counts,
    )
}

/// The answer without details.
fn totals(load: Load) -> Say {
    Say::Body(counted(load, "").into_bytes())
}

/// The answer with details, piece by piece: one account with all streams, the first of them with all consumers, and
/// then the other accounts.
fn answer(load: Load, naming: &Naming) -> Say {
    let body = counted(load, "ACCOUNTS");
    let (before, after) = body.split_once("ACCOUNTS").unwrap();
    let (before, after) = (before.to_owned(), after.to_owned());
    let naming = Arc::clone(naming);
    let pieces: Pieces = Arc::new(move |at| {
        let mut text = String::new();
        let inside = load.streams + load.consumers;
        if at == 0 {
            write!(text, "{before}{},\"stream_detail\":[", account("APP")).unwrap();
        } else if at <= load.consumers {
            if at == 1 {
                write!(text, "{},\"consumer_detail\":[", stream(0, 0)).unwrap();
            } else {
                text.push(',');
            }
            let (name, size) = naming(at - 1);
            text.push_str(&consumer(name, size));
            if at == load.consumers {
                text.push_str("]}");
            }
        } else if at <= inside {
            let place = at - load.consumers;
            if at > 1 {
                text.push(',');
            }
            let (name, size) = naming(place);
            write!(text, "{}}}", stream(name, size)).unwrap();
        } else if at == inside + 1 {
            text.push_str("]}");
        } else if at <= inside + load.accounts {
            write!(text, ",{}}}", account(&format!("A{at}"))).unwrap();
        } else if at == inside + load.accounts + 1 {
            text.push_str(&after);
        } else {
            return None;
        }
        Some(text.into_bytes())
    });
    Say::Pieces(pieces)
}

/// The same for streams and consumers.
fn tell(fake: &Fake, load: Load, naming: &Naming) {
    let streams = Load {
        consumers: 0,
        ..load
    };
    fake.say("/jsz?streams", answer(streams, naming));
    let consumers = Load {
        accounts: 1,
        ..load
    };
    fake.say("/jsz?consumers", answer(consumers, naming));
}

fn left_out(page: &Page, collector: &str, reason: &str) -> Option<f64> {
    let labels = [("collector", collector), ("reason", reason)];
    page.value("nats_collector_left_out", &labels)
}

fn of_collector(page: &Page, family: &str, collector: &str) -> f64 {
    page.value(family, &[("collector", collector)]).unwrap()
}

/// Values of a family that are shown, and the one that stands for the rest.
fn values(page: &Page, family: &str) -> (Vec<f64>, Option<f64>) {
    let (sums, shown): (Vec<_>, Vec<_>) = page
        .find(family, &[])
        .into_iter()
        .partition(|sample| sample.label("account") == Some(OVERFLOW));
    assert!(sums.len() <= 1, "{family} has several sums");
    let shown = shown.iter().map(|sample| sample.value).collect();
    (shown, sums.first().map(|sample| sample.value))
}

/// Names of what is shown of a family.
fn names(page: &Page, family: &str, label: &str) -> Vec<String> {
    let samples = page.find(family, &[]);
    let names = samples.iter().filter_map(|sample| sample.label(label));
    let mut names: Vec<_> = names
        .filter(|name| *name != OVERFLOW)
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names
}

/// What holds on every page: what always stays is there, and sums stand for gauges only.
fn check(page: &Page) {
    assert_eq!(page.value("nats_up", &[]), Some(1.0));
    for family in [
        "nats_server_connections",
        "nats_server_in_messages_total",
        "nats_server_healthy",
        "nats_jetstream_streams",
        "nats_collector_success",
        "http_request_duration_seconds",
    ] {
        assert!(page.family(family).is_some(), "{family}");
    }
    for family in &page.families {
        let sums = |sample: &&natsight::expose::reader::Sample| {
            sample.labels.iter().any(|(_, value)| value == OVERFLOW)
        };
        if family.samples.iter().any(|sample| sums(&sample)) {
            let def = CATALOG.iter().find(|def| def.name == family.name).unwrap();
            assert_eq!(def.kind, Kind::Gauge, "{}", family.name);
        }
    }
}

fn small(series_max: u64) -> Rules {
    Rules {
        series_max,
        ..rules()
    }
}

/// The page once consumers have been told twice under these rules.
async fn told(rules: Rules, load: Load) -> Page {
    let fake = Fake::new();
    tell(&fake, load, &by_place());
    let mut scene = Scene::start(watch_of(fake.clone(), rules));
    scene.pass(62 * S).await;
    let page = scene.page();
    check(&page);
    page
}
