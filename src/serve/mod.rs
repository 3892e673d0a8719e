//! HTTP to the outside: listeners, routes, negotiation. No logic, and never a request to a broker.

mod admin;
mod body;
mod client_cert;
mod der;
mod home;
mod listener;
mod metrics;
mod negotiate;
mod paced;
mod password;
mod probe;
mod reply;
mod rights;
mod servers;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use futures_util::future::BoxFuture;

use crate::expose::{Part, Snapshot, Wish};
use crate::selfmon::SelfMonitor;

use rights::Gate;

pub use admin::Hosts;
pub use listener::{Listener, drain};
pub use metrics::PageCache;
pub use probe::ProbeRefusal;
pub use rights::{Guard, Rights};
pub use tls::{ClientAuth, HANDSHAKE_REASONS, Tls, TlsFault, TlsInput, TlsPart};

/// What the routes show and may set off. `app` is behind it.
pub trait Site: Send + Sync + 'static {
    /// The newest snapshot of each server.
    fn snapshots(&self) -> Vec<Arc<Snapshot>>;

    /// The sidecar's own part of the page.
    fn own_part(&self) -> Option<Arc<Part>>;

    /// Reads the configuration again. Gives a sentence for each thing that needs a restart, or each mistake.
    fn reload(&self) -> BoxFuture<'static, Result<Vec<String>, Vec<String>>>;

    /// The newest snapshot of a target that is not among the servers, waiting at most so long for its first round.
    fn probe(
        &self,
        target: String,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Arc<Snapshot>, ProbeRefusal>>;

    /// How many servers have neither answered once nor been given up on, and how many there are.
    fn waiting(&self) -> (usize, usize) {
        let snapshots = self.snapshots();
        let waiting = snapshots
            .iter()
            .filter(|snapshot| snapshot.status.up.is_none());
        (waiting.count(), snapshots.len())
    }
}

/// What all routes share.
#[derive(Clone)]
pub struct Shared {
    /// What is shown.
    pub site: Arc<dyn Site>,
    /// Own counters.
    pub monitor: SelfMonitor,
    /// Pages ready to be written.
    pub cache: Arc<PageCache>,
    /// Who may ask.
    pub guard: Guard,
    /// Whether somebody wants the view of an older exporter.
    pub wish: Arc<Wish>,
}

/// Routes that anybody in the cluster may read. `path` is a further place for the page, unless it is taken.
pub fn public_routes(shared: Shared, path: Option<&str>) -> Router {
    let counted = Counted {
        monitor: shared.monitor.clone(),
        listener: "public",
    };
    let gate = Gate::new(shared.guard.clone(), false);
    let routes = match path.filter(|path| !ROUTES.contains(path)) {
        Some(path) => Router::new().route(path, get(metrics::metrics)),
        None => Router::new(),
    };
    routes
        .route("/metrics", get(metrics::metrics))
        .route("/probe", get(probe::probe))
        .route("/-/healthy", get(home::healthy))
        .route("/-/ready", get(home::ready))
        .route("/api/v1/servers", get(servers::servers))
        .route("/", get(home::home))
        .fallback(reply::not_found)
        .method_not_allowed_fallback(reply::wrong_method)
        .layer(middleware::from_fn_with_state(gate, rights::enter))
        .layer(middleware::from_fn_with_state(counted, count))
        .with_state(shared)
}

/// The one route that takes POST.
const RELOAD: &str = "/-/reload";

/// Routes that act.
pub fn admin_routes(shared: Shared, hosts: Hosts) -> Router {
    let counted = Counted {
        monitor: shared.monitor.clone(),
        listener: "admin",
    };
    let gate = Gate::new(shared.guard.clone(), true);
    Router::new()
        .route(RELOAD, post(admin::reload))
        .fallback(reply::not_found)
        .method_not_allowed_fallback(reply::wrong_method)
        .layer(middleware::from_fn_with_state(
            Arc::new(hosts),
            admin::guard,
        ))
        .layer(middleware::from_fn_with_state(gate, rights::enter))
        .layer(middleware::from_fn_with_state(counted, count))
        .with_state(shared)
}

#[derive(Clone)]
struct Counted {
    monitor: SelfMonitor,
    listener: &'static str,
}

/// Paths that have a label of their own; all others share one, so that a scan makes no series.
const ROUTES: &[&str] = &[
    "/",
    "/metrics",
    "/probe",
    "/-/healthy",
    "/-/ready",
    RELOAD,
    "/api/v1/servers",
];

async fn count(
    axum::extract::State(counted): axum::extract::State<Counted>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let route = ROUTES
        .iter()
        .find(|route| **route == path)
        .copied()
        .unwrap_or("other");
    let response = next.run(request).await;
    let code = response.status().as_u16().to_string();
    counted
        .monitor
        .http_requests
        .with_label_values(&[counted.listener, route, &code])
        .inc();
    response
}
