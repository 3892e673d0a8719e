//! Asks brokers in rounds and publishes what they answer: timers, lanes, time budgets, expiry.
//!
//! One task owns everything about one server, so nothing here is locked. A request under way is a future of that task.

mod ask;
mod budget;
mod governor;
mod job;
mod observed;
mod poller;
mod process;
mod registry;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::catalog::Tier;
use crate::collect::{Options, PeerAddress};
use crate::compat::ForeignView;
use crate::expose::Wish;
use crate::source::http::{Answer, Client, FetchError, Limits};
use crate::source::info::{Greeting, InfoError};
use crate::source::process::Pid;

pub use budget::Ledger;
pub use poller::Poller;
pub use registry::Registry;

/// What a poller needs of a broker. Tests put a stub in its place.
pub trait Broker: Send + Sync {
    /// Asks the monitoring port.
    fn get<'a>(
        &'a self,
        path: &'a str,
        limits: Limits,
        accept: fn(u16) -> bool,
        on_chunk: &'a mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<Answer, FetchError>>;

    /// Connects to the client port and reads its greeting.
    fn greet(&self, port: u16, deadline: Duration) -> BoxFuture<'_, Result<Greeting, InfoError>>;

    /// Host and port of the monitoring port: the identity until the broker gave its own.
    fn host_port(&self) -> String;

    /// The monitoring URL as people may see it.
    fn shown(&self) -> String;

    /// Takes what a whole answer of this collector told: the id of the server, where the body has it, and other servers
    /// of the cluster, all of them each time.
    fn told(&self, _collector: &'static str, _server_id: Option<&str>, _peers: Vec<PeerAddress>) {}
}

impl Broker for Client {
    fn get<'a>(
        &'a self,
        path: &'a str,
        limits: Limits,
        accept: fn(u16) -> bool,
        on_chunk: &'a mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<Answer, FetchError>> {
        Box::pin(Self::get(self, path, limits, accept, on_chunk))
    }

    fn greet(&self, port: u16, deadline: Duration) -> BoxFuture<'_, Result<Greeting, InfoError>> {
        Box::pin(async move {
            let target = self.target();
            let pinned = target.pin().map(|ip| ip.to_string());
            let host = pinned.as_deref().unwrap_or(target.host());
            crate::source::info::probe(host, port, deadline).await
        })
    }

    fn host_port(&self) -> String {
        self.target().host_port()
    }

    fn shown(&self) -> String {
        self.target().display().to_owned()
    }
}

/// One server to watch.
#[derive(Clone)]
pub struct Watch {
    /// Its place among the servers.
    pub place: u32,
    /// The name that the operator gave it.
    pub name: Option<String>,
    /// How to reach it.
    pub broker: Arc<dyn Broker>,
    /// Whose CPU and memory to read.
    pub process: ProcessChoice,
    /// What all servers share.
    pub rules: Arc<Rules>,
    /// Who speaks for which server.
    pub registry: Arc<Registry>,
    /// How many series the page has room for.
    pub ledger: Arc<Ledger>,
}

/// Which process is the broker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessChoice {
    /// None that natsight may look at.
    Off,
    /// The one that listens on the client port on this machine.
    Find,
    /// This one.
    Given(Pid),
}

/// How servers are watched.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How deep to look.
    pub options: Options,
    /// Time between two rounds of each tier.
    pub every: Intervals,
    /// Cost of a light request.
    pub light: Limits,
    /// Cost of a heavy request.
    pub heavy: Limits,
    /// Share of a core that a broker may spend on heavy requests.
    pub broker_cpu_max: f64,
    /// Time between two connects to the client port.
    pub probe: Option<Duration>,
    /// Most series of the page, over all servers.
    pub series_max: u64,
    /// Whether to repeat families under standard names.
    pub twins: bool,
    /// Views in the names of other tools.
    pub views: Vec<Arc<dyn ForeignView>>,
    /// Which of them somebody wants.
    pub wish: Arc<Wish>,
    /// First rounds under way at once.
    pub first_rounds: Arc<Semaphore>,
}

/// Time between two rounds, by tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intervals {
    /// Totals.
    pub light: Duration,
    /// Health checks.
    pub health: Duration,
    /// Connections.
    pub connections: Duration,
    /// Streams.
    pub streams: Duration,
    /// Consumers.
    pub consumers: Duration,
    /// Configuration of streams and consumers.
    pub config: Duration,
}

impl Intervals {
    fn of(&self, tier: Tier) -> Duration {
        match tier {
            Tier::Light => self.light,
            Tier::Health => self.health,
            Tier::Connections => self.connections,
            Tier::Streams => self.streams,
            Tier::Consumers => self.consumers,
            Tier::Config => self.config,
        }
    }
}

impl Rules {
    /// Views that somebody wants now.
    fn wanted(&self) -> impl Iterator<Item = &Arc<dyn ForeignView>> {
        let now = tokio::time::Instant::now().into_std();
        self.views
            .iter()
            .filter(move |view| self.wish.is_wanted(view.tool(), now))
    }
}
