//! `natsight scrape`: poll every tier once, print the page.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use super::fleet::{Fleet, Snapshots, newest};
use super::roster::{Roster, Wanted};
use super::{Exit, complain, load, log, sentences, sidecar, wiring};
use crate::collect::specs;
use crate::config::{Inputs, LogLevel, Plan};
use crate::expose::{Encoding, Names, Page, Shape, Snapshot, TextFormat, Wish};
use crate::selfmon::SelfMonitor;
use crate::source::dns::SystemLookup;

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
    if let Err(wrong) = wiring::check(&plan) {
        return complain(err, &wrong);
    }
    let mut quiet = plan.log.clone();
    // Faults are reported once, below; a log of one round would say them twice.
    quiet.level = LogLevel::Error;
    log::start(&quiet);
    let snapshots = match sidecar::runtime().map(|runtime| runtime.block_on(one_round(&plan))) {
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
        names: wiring::tool(&plan).map_or(Names::Native, Names::Foreign),
        collectors: Vec::new(),
    };
    let page = Page::new(parts).render(&shape, std::time::Instant::now());
    let written = out.write_all(&page.to_vec()).and_then(|()| out.flush());
    report(&snapshots, err).max(super::written(written))
}

fn wish(plan: &Plan) -> Arc<Wish> {
    let wish = Wish::default();
    wish.configure(wiring::tool(plan));
    Arc::new(wish)
}

async fn one_round(plan: &Plan) -> Vec<Arc<Snapshot>> {
    let (mut fleet, snapshots) = Fleet::new(wish(plan));
    fleet.adopt(plan, None);
    let servers = servers_of(plan).await;
    fleet.reconcile(servers);
    let all: Snapshots = snapshots.borrow().clone();
    // One after the other in their lanes, at worst.
    let jobs = u32::try_from(specs().count()).unwrap_or(u32::MAX);
    let limit = (plan.poll.timeout + plan.poll.heavy_timeout) * jobs + SLACK;
    let over = async {
        for mut shown in all.clone() {
            let _ = shown
                .snapshots
                .wait_for(|snapshot| snapshot.status.first_round_over)
                .await;
        }
    };
    let _ = tokio::time::timeout(limit, over).await;
    let newest = newest(&all);
    fleet.stop().await;
    newest
}

/// All servers that the plan names, the file and the names looked at once.
async fn servers_of(plan: &Plan) -> Vec<Wanted> {
    let Ok(monitor) = SelfMonitor::new() else {
        return Vec::new();
    };
    let mut roster = Roster::new(Arc::new(SystemLookup), monitor);
    roster.adopt(plan);
    let looked = async {
        while roster.is_pending() {
            roster.event().await;
        }
    };
    let _ = tokio::time::timeout(SLACK, looked).await;
    roster.wanted(&[], tokio::time::Instant::now())
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
