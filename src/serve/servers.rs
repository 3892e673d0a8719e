//! `GET /api/v1/servers`: how each server is doing, as JSON.

use std::collections::BTreeMap;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::Shared;
use crate::state::ServerStatus;

/// One server, as product and API call it.
#[derive(Debug, Serialize)]
pub(super) struct Server {
    server_name: String,
    server_id: String,
    nats_cluster: String,
    version: String,
    up: bool,
    target: String,
    sources: Vec<&'static str>,
    /// Since varz was last answered; nothing before the first time.
    age_seconds: Option<f64>,
    collectors: BTreeMap<&'static str, Collector>,
}

#[derive(Debug, Serialize)]
struct Collector {
    success: bool,
    duration_seconds: f64,
    age_seconds: Option<f64>,
    truncated: bool,
    coverage: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(super) async fn servers(State(shared): State<Shared>) -> Json<Vec<Server>> {
    let now = Instant::now();
    let snapshots = shared.site.snapshots();
    Json(
        snapshots
            .iter()
            .map(|snapshot| server(&snapshot.status, now))
            .collect(),
    )
}

fn server(status: &ServerStatus, now: Instant) -> Server {
    let age = |since: Option<Instant>| {
        since.map(|since| now.saturating_duration_since(since).as_secs_f64())
    };
    let collectors = status.collectors.iter().map(|collector| {
        let shown = Collector {
            success: collector.success,
            duration_seconds: collector.duration_seconds,
            age_seconds: age(collector.succeeded_at),
            truncated: collector.truncated,
            coverage: collector.coverage,
            error: collector.error.clone(),
        };
        (collector.name, shown)
    });
    Server {
        server_name: status.server_name.clone(),
        server_id: status.server_id.clone(),
        nats_cluster: status.nats_cluster.clone(),
        version: status.version.clone(),
        up: status.up == Some(true),
        target: status.target.clone(),
        sources: vec!["http"],
        age_seconds: age(status.answered_at),
        collectors: collectors.collect(),
    }
}
