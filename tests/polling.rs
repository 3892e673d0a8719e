//! Rounds, lanes, expiry and what stays: one server in a time that belongs to the test.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may panic; clippy excuses test functions only"
)]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/mod.rs"]
mod support;

#[path = "polling/foreign.rs"]
mod foreign;
#[path = "polling/gone.rs"]
mod gone;
#[path = "polling/heavy.rs"]
mod heavy;
#[path = "polling/identity.rs"]
mod identity;
#[path = "polling/levels.rs"]
mod levels;
#[path = "polling/rounds.rs"]
mod rounds;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use natsight::collect::{Options, specs};
use natsight::expose::reader::Page;
use support::fake::{Asked, Fake};
use support::scene::{Scene, rules, watch_of};

const S: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn start(fake: &Arc<Fake>) -> Scene {
    Scene::start(watch_of(fake.clone(), rules()))
}

/// How many collectors are asked for without any setting.
fn asked_by_default() -> usize {
    let options = Options::default();
    specs().filter(|spec| (spec.wanted)(&options)).count()
}

/// Whether anything is shown that varz gave.
fn has_varz(page: &Page) -> bool {
    page.family("nats_server_start_time_seconds").is_some()
}

/// Failures of a collector, by reason.
fn failures(page: &Page, collector: &str, reason: &str) -> f64 {
    let labels = [("collector", collector), ("reason", reason)];
    page.value("nats_collector_failures_total", &labels)
        .unwrap_or(0.0)
}

fn success(page: &Page, collector: &str) -> Option<f64> {
    page.value("nats_collector_success", &[("collector", collector)])
}

/// The `server_name` of all series, which is one.
fn server_name(page: &Page) -> String {
    let samples = page.families.iter().flat_map(|family| &family.samples);
    let mut names: Vec<_> = samples
        .map(|sample| sample.label("server_name").unwrap_or("").to_owned())
        .collect();
    names.dedup();
    let [name] = &names[..] else {
        panic!("{names:?}")
    };
    name.clone()
}

/// How many endpoints, each by a query of its own, are among these requests.
fn endpoints(asked: &[Asked]) -> usize {
    // Asked for now and then, by the same collector.
    let path = |asked: &Asked| {
        let path = asked.path.replace("&config=true", "");
        // One account in each round.
        path.split("?acc=").next().map(str::to_owned)
    };
    asked.iter().map(path).collect::<BTreeSet<_>>().len()
}
