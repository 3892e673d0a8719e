//! HTTP to the outside: listeners, routes, negotiation. No logic, and never a request to a broker.

mod admin;
mod body;
mod captures;
mod client_cert;
mod der;
mod home;
mod link;
mod listener;
mod metrics;
mod negotiate;
mod paced;
mod password;
mod places;
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
use axum::routing::{MethodRouter, get, post};
use futures_util::future::BoxFuture;

use crate::expose::{Part, Snapshot, Wish};
use crate::selfmon::SelfMonitor;

use rights::Gate;

pub use admin::Hosts;
pub use captures::{
    Alert, AlertOutcome, CaptureAsk, CaptureRefusal, Captures, Download, OwnAsk, Webhook, unknown,
};
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
    /// Captures; none where there is no token for them.
    pub captures: Option<Arc<dyn Captures>>,
}

/// A route of a listener.
pub struct Route {
    /// `public` or `admin`.
    pub listener: &'static str,
    /// The method that it takes; HEAD goes with GET.
    pub method: &'static str,
    /// Its path, which is its label, too.
    pub path: &'static str,
    handler: fn() -> MethodRouter<Shared>,
}

/// The path that acts.
const RELOAD: &str = "/-/reload";
/// Captures, and all below.
const PROFILES: &str = "/api/v1/profiles";
/// natsight's own CPU time, where Go programs have theirs.
const OWN: &str = "/debug/pprof/profile";
/// What Alertmanager sends.
const ALERTS: &str = "/api/v1/alerts";

/// Every route that there is. The listeners, the labels and the tests of rights are made from it.
pub const ROUTES: &[Route] = &[
    public("/", || get(home::home)),
    public("/metrics", || get(metrics::metrics)),
    public("/probe", || get(probe::probe)),
    public("/-/healthy", || get(home::healthy)),
    public("/-/ready", || get(home::ready)),
    public("/api/v1/servers", || get(servers::servers)),
    admin("POST", RELOAD, || post(admin::reload)),
    admin("POST", PROFILES, || post(captures::start)),
    admin("GET", PROFILES, || get(captures::list)),
    admin("GET", "/api/v1/profiles/{id}", || get(captures::one)),
    admin("GET", "/api/v1/profiles/{id}/{form}", || {
        get(captures::download)
    }),
    admin("POST", "/api/v1/profiles/{id}/{form}/link", || {
        post(captures::link)
    }),
    admin("GET", OWN, || get(captures::own)),
    admin("POST", ALERTS, || post(captures::alerts)),
];

const fn admin(
    method: &'static str,
    path: &'static str,
    handler: fn() -> MethodRouter<Shared>,
) -> Route {
    Route {
        listener: "admin",
        method,
        path,
        handler,
    }
}

impl Route {
    /// Whether it is the route of a path.
    fn is_of(&self, path: &str) -> bool {
        let mut parts = path.split('/');
        let fits = self.path.split('/').all(|own| {
            parts
                .next()
                .is_some_and(|part| own == part || own.starts_with('{'))
        });
        fits && parts.next().is_none()
    }
}

const fn public(path: &'static str, handler: fn() -> MethodRouter<Shared>) -> Route {
    Route {
        listener: "public",
        method: "GET",
        path,
        handler,
    }
}

/// The routes of a listener, not guarded yet.
fn routes_of(listener: &str) -> Router<Shared> {
    let of_it = ROUTES.iter().filter(|route| route.listener == listener);
    of_it
        .fold(Router::new(), |router, route| {
            router.route(route.path, (route.handler)())
        })
        .fallback(reply::not_found)
        .method_not_allowed_fallback(reply::wrong_method)
}

/// Routes that anybody in the cluster may read. `path` is a further place for the page, unless it is taken.
pub fn public_routes(shared: Shared, path: Option<&str>) -> Router {
    let counted = Counted {
        monitor: shared.monitor.clone(),
        listener: "public",
    };
    let gate = Gate::new(shared.guard.clone(), false);
    let routes = routes_of("public");
    let free = path.filter(|path| ROUTES.iter().all(|route| route.path != *path));
    let routes = match free {
        Some(path) => routes.route(path, get(metrics::metrics)),
        None => routes,
    };
    routes
        .layer(middleware::from_fn_with_state(gate, rights::enter))
        .layer(middleware::from_fn_with_state(counted, count))
        .with_state(shared)
}

/// Routes that act.
pub fn admin_routes(shared: Shared, hosts: Hosts) -> Router {
    let counted = Counted {
        monitor: shared.monitor.clone(),
        listener: "admin",
    };
    let gate = Gate::new(shared.guard.clone(), true);
    routes_of("admin")
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

async fn count(
    axum::extract::State(counted): axum::extract::State<Counted>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    // Other paths share a label, so that a scan makes no series.
    let known = ROUTES.iter().find(|route| route.is_of(path));
    let route = known.map_or("other", |route| route.path);
    let response = next.run(request).await;
    let code = response.status().as_u16().to_string();
    counted
        .monitor
        .http_requests
        .with_label_values(&[counted.listener, route, &code])
        .inc();
    response
}
