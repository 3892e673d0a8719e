//! One broker: what it did is on the page, and nothing of it stays when it is gone.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use async_nats::Client;
use futures_util::StreamExt;
use natsight::expose::reader::Sample;

use crate::broker::{Broker, Options};
use crate::page::Page;
use crate::sidecar::Sidecar;
use crate::{LONG, QUICK, TWO_ROUNDS};

const PAYLOAD: &str = "ten bytes!";
const SENT: u32 = 1_000;
const LIVE: &[(&str, &str)] = &[("server_name", "live")];

/// What a broker reports has one of these beginnings; `nats_up`, collectors, probes and requests are
/// natsight's own observations.
const REPORTED: &[&str] = &[
    "nats_server_",
    "nats_go_",
    "go_memstats_",
    "nats_connection",
    "nats_jetstream_",
    "nats_account_",
    "nats_stream_",
    "nats_consumer_",
    "nats_route_",
    "nats_gateway_",
    "nats_leafnode_",
];

fn is_reported(name: &str) -> bool {
    REPORTED.iter().any(|start| name.starts_with(start))
}

/// How many series this broker itself has told.
pub(crate) fn reported_by(page: &Page, server_name: &str) -> usize {
    let by_it = |sample: &&Sample| sample.label("server_name") == Some(server_name);
    let of_it = page.samples().filter(by_it);
    of_it.filter(|sample| is_reported(&sample.name)).count()
}

/// Publishes and waits until the broker has them all.
pub(crate) async fn send(client: &Client, count: u32) -> Result<()> {
    for _ in 0..count {
        client.publish("live.messages", PAYLOAD.into()).await?;
    }
    client.flush().await?;
    Ok(())
}

/// A broker with traffic of a known size, and a page that shows it.
async fn after_traffic(version: &str) -> Result<(Broker, Sidecar, Page)> {
    let broker = Broker::start(version, &Options::default())?;
    let sidecar = Sidecar::start(&[broker.url()], QUICK)?;
    let client = broker.client().await?;
    let mut messages = client.subscribe("live.>").await?;
    send(&client, SENT).await?;
    for _ in 0..SENT {
        messages.next().await.context("a message was lost")?;
    }
    let page = sidecar.wait_for("the traffic is on the page", LONG, shows_the_traffic)?;
    Ok((broker, sidecar, page))
}

fn shows_the_traffic(page: &Page) -> Result<()> {
    let bytes = f64::from(SENT) * PAYLOAD.len() as f64;
    page.is("nats_up", LIVE, 1.0)?;
    page.is("nats_server_in_messages_total", LIVE, f64::from(SENT))?;
    page.is("nats_server_out_messages_total", LIVE, f64::from(SENT))?;
    page.is("nats_server_in_bytes_total", LIVE, bytes)?;
    page.is("nats_server_out_bytes_total", LIVE, bytes)
}

fn shows_nothing_of_the_broker(page: &Page) -> Result<()> {
    page.is("nats_up", LIVE, 0.0)?;
    let names = page.samples().map(|sample| sample.name.as_str());
    let left: Vec<_> = names.filter(|name| is_reported(name)).collect();
    ensure!(left.is_empty(), "still there: {left:?}");
    Ok(())
}

/// Answers of the broker to `/varz` as natsight counted them, with this code.
fn varz_answers(page: &Page, code: &str) -> f64 {
    let labels = [("handler", "/varz"), ("code", code)];
    page.value("http_request_duration_seconds_count", &labels)
        .unwrap_or(0.0)
}

pub(crate) async fn counters_equal_what_was_sent(version: &str) -> Result<()> {
    let (broker, _sidecar, page) = after_traffic(version).await?;
    page.is(
        "nats_server_info",
        &[("server_name", "live"), ("version", version)],
        1.0,
    )?;
    page.is("nats_server_slow_consumer_events_total", LIVE, 0.0)?;
    let varz = broker.varz()?;
    let id = varz["server_id"].as_str().context("no id")?;
    page.is("nats_server_info", &[("server_id", id)], 1.0)
}

pub(crate) async fn a_killed_broker_leaves_the_page_and_stays_known(version: &str) -> Result<()> {
    let (mut broker, sidecar, _) = after_traffic(version).await?;
    broker.kill()?;
    let page = sidecar.wait_for("a killed broker", TWO_ROUNDS, shows_nothing_of_the_broker)?;
    let refused = varz_answers(&page, "refused");
    ensure!(refused > 0.0, "no refused request was counted");
    // Two rounds more, and it is still known, and still down.
    let page = sidecar.wait_for("two more rounds", TWO_ROUNDS, |page| {
        ensure!(
            varz_answers(page, "refused") >= refused + 2.0,
            "no more rounds"
        );
        Ok(())
    })?;
    shows_nothing_of_the_broker(&page)
}

pub(crate) async fn a_frozen_broker_times_out_and_comes_back(version: &str) -> Result<()> {
    let (broker, sidecar, page) = after_traffic(version).await?;
    ensure!(
        varz_answers(&page, "timeout") == 0.0,
        "a timeout before the freeze"
    );
    broker.freeze()?;
    let page = sidecar.wait_for("a frozen broker", TWO_ROUNDS, shows_nothing_of_the_broker)?;
    ensure!(
        varz_answers(&page, "timeout") > 0.0,
        "no timeout was counted"
    );
    broker.thaw()?;
    sidecar
        .wait_for("the thawed broker's counters", LONG, shows_the_traffic)
        .map(drop)
}

pub(crate) async fn a_restarted_broker_starts_again(version: &str) -> Result<()> {
    let (mut broker, sidecar, before) = after_traffic(version).await?;
    let start = |page: &Page| {
        let value = page.value("nats_server_start_time_seconds", LIVE);
        value.context("no start time")
    };
    let old = start(&before)?;
    broker.restart()?;
    let id = broker.varz()?["server_id"]
        .as_str()
        .context("no id")?
        .to_owned();
    let page = sidecar.wait_for("the new process", LONG, |page| {
        page.is("nats_up", LIVE, 1.0)?;
        page.is("nats_server_info", &[("server_id", &id)], 1.0)
    })?;
    ensure!(start(&page)? > old, "the start time did not move");
    let messages = page
        .value("nats_server_in_messages_total", LIVE)
        .context("no counter")?;
    ensure!(
        messages < f64::from(SENT),
        "{messages} messages, as if it had not restarted"
    );
    let ids = page.all("nats_server_info", LIVE).len();
    ensure!(ids == 1, "{ids} processes are on the page");
    Ok(())
}

pub(crate) async fn a_broker_that_was_down_at_the_start_is_known_by_its_address(
    version: &str,
) -> Result<()> {
    let mut broker = Broker::prepare("live", version, &Options::default())?;
    let sidecar = Sidecar::start(&[broker.url()], QUICK)?;
    let address = format!("127.0.0.1:{}", broker.http_port);
    let by_address = [("server_name", address.as_str())];
    sidecar.wait_for("a broker that is not there", TWO_ROUNDS, |page| {
        page.is("nats_up", &by_address, 0.0)
    })?;
    broker.restart()?;
    let page = sidecar.wait_for("the broker", LONG, |page| page.is("nats_up", LIVE, 1.0))?;
    let up = page.all("nats_up", &[]);
    ensure!(up.len() == 1, "one server, several identities: {up:?}");
    Ok(())
}

/// Rounds so rare that none falls into the test, or next to none: what natsight asked meanwhile is
/// on its own page, and is taken off.
const RARE: &[&str] = &[
    "--poll-light=10m",
    "--poll-health=10m",
    "--poll-connections=10m",
    "--poll-streams=10m",
    "--poll-consumers=10m",
];
const SCRAPES: usize = 100;

/// Collectors of the slow lane, which every version has: when all were asked, a first round is over.
const LAST: &[&str] = &[
    "connz",
    "closed",
    "healthz_full",
    "streams",
    "consumers",
    "jsz_config",
    "accountz",
    "ipqueuesz",
];

pub(crate) async fn a_hundred_scrapes_ask_the_broker_nothing(version: &str) -> Result<()> {
    let broker = Broker::start(version, &Options::jetstream())?;
    let sidecar = Sidecar::start(&[broker.url()], RARE)?;
    sidecar.wait_for("the first round", LONG, |page| {
        page.is("nats_up", LIVE, 1.0)?;
        let collectors = page.all("nats_collector_success", LIVE);
        for name in LAST {
            let asked = collectors
                .iter()
                .any(|sample| sample.label("collector") == Some(name));
            ensure!(asked, "{name} was not asked");
        }
        let all_good = collectors.iter().all(|sample| sample.value == 1.0);
        ensure!(all_good, "not all collectors were asked: {collectors:?}");
        Ok(())
    })?;

    let (own_before, before) = (own_requests(&sidecar.page()?), requests(&broker)?);
    for _ in 0..SCRAPES {
        sidecar.page()?;
    }
    let (after, own_after) = (requests(&broker)?, own_requests(&sidecar.page()?));
    for (path, count) in &after {
        let by_broker = count - before.get(path).unwrap_or(&0.0);
        let of = |counts: &BTreeMap<String, f64>| counts.get(path).copied().unwrap_or(0.0);
        // One is the test's own: the second look at varz.
        let by_test = if path == "/varz" { 1.0 } else { 0.0 };
        let by_natsight = of(&own_after) - of(&own_before);
        ensure!(
            by_broker - by_test == by_natsight,
            "{path}: {by_broker} requests at the broker, {by_test} by the test, {by_natsight} polls"
        );
        ensure!(
            by_natsight <= 2.0,
            "{path}: {by_natsight} polls in {SCRAPES} scrapes"
        );
    }
    Ok(())
}

/// Requests by path as the broker counts them.
fn requests(broker: &Broker) -> Result<BTreeMap<String, f64>> {
    let varz = broker.varz()?;
    let counts = varz["http_req_stats"]
        .as_object()
        .context("no http_req_stats")?;
    Ok(counts
        .iter()
        .map(|(path, count)| (path.clone(), count.as_f64().unwrap_or(0.0)))
        .collect())
}

/// The same as natsight counts what it asked.
fn own_requests(page: &Page) -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::new();
    for sample in page.all("http_request_duration_seconds_count", LIVE) {
        let path = sample.label("handler").unwrap_or_default().to_owned();
        *counts.entry(path).or_insert(0.0) += sample.value;
    }
    counts
}
