//! `natsight scrape`: poll every tier once, print the page.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use super::fleet::{Fleet, Snapshots};
use super::{Exit, complain, load, log, sentences, sidecar, wiring};
use crate::collect::specs;
use crate::config::{Inputs, LogLevel, Plan};
use crate::expose::{Encoding, Page, Shape, Snapshot, TextFormat};
use crate::source::http::Client;

/// Beyond the deadlines of its requests a round takes no longer than this.
const SLACK: Duration = Duration::from_secs(5);

pub(super) fn scrape(
    inputs: &Inputs,
    env: &[(String, String)],
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    let plan = match load(inputs, env) {
        Ok((plan, _)) => plan,
        Err(mistakes) => return complain(err, &sentences(&mistakes)),
    };
    let clients = match wiring::clients(&plan) {
        Ok(clients) => clients,
        Err(wrong) => return complain(err, &wrong),
    };
    let mut quiet = plan.log.clone();
    // Faults are reported once, below; a log of one round would say them twice.
    quiet.level = LogLevel::Error;
    log::start(&quiet);
    let snapshots =
        match sidecar::runtime().map(|runtime| runtime.block_on(one_round(&plan, clients))) {
            Ok(snapshots) => snapshots,
            Err(error) => {
                let _ = writeln!(err, "natsight: the runtime did not start: {error}");
                return Exit::Failed;
            }
        };
    let parts = snapshots
        .iter()
        .flat_map(|snapshot| snapshot.parts.iter().cloned())
        .collect();
    let shape = Shape {
        format: TextFormat::Text004,
        encoding: Encoding::Identity,
        collectors: Vec::new(),
    };
    let page = Page::new(parts).render(&shape, std::time::Instant::now());
    let written = out.write_all(&page.to_vec()).and_then(|()| out.flush());
    report(&snapshots, err).max(super::written(written))
}

async fn one_round(plan: &Plan, clients: Vec<Client>) -> Vec<Arc<Snapshot>> {
    let (mut fleet, snapshots) = Fleet::new();
    fleet.adopt(plan, clients, None);
    let all: Snapshots = snapshots.borrow().clone();
    // One after the other in their lanes, at worst.
    let jobs = u32::try_from(specs().count()).unwrap_or(u32::MAX);
    let limit = (plan.poll.timeout + plan.poll.heavy_timeout) * jobs + SLACK;
    let over = async {
        for mut receiver in all.clone() {
            let _ = receiver
                .wait_for(|snapshot| snapshot.status.first_round_over)
                .await;
        }
    };
    let _ = tokio::time::timeout(limit, over).await;
    let newest = all
        .iter()
        .map(|receiver| receiver.borrow().clone())
        .collect();
    fleet.stop().await;
    newest
}

/// Says on standard error what the page shows as zeros.
fn report(snapshots: &[Arc<Snapshot>], err: &mut dyn Write) -> Exit {
    let mut exit = Exit::Fine;
    for status in snapshots.iter().map(|snapshot| &snapshot.status) {
        if status.up != Some(true) {
            exit = Exit::Failed;
        }
        for collector in &status.collectors {
            if let Some(error) = &collector.error {
                exit = exit.max(Exit::Warned);
                let _ = writeln!(
                    err,
                    "natsight: {}: {}: {error}",
                    status.server_name, collector.name
                );
            }
        }
        if status.up.is_none() {
            let _ = writeln!(
                err,
                "natsight: {}: no answer; check that {} is right",
                status.server_name, status.target
            );
        }
    }
    exit
}
