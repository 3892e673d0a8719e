//! A client that remembers what its broker told: who it is, and whom else there is.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use crate::collect::PeerAddress;
use crate::poll::Broker;

use crate::source::http::{Answer, Client, FetchError, Limits};
use crate::source::info::{Greeting, InfoError};

/// One server's client and what it told.
pub(super) struct Told {
    client: Arc<Client>,
    /// Whether it is asked for other servers.
    listens: bool,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    server_id: String,
    answered: Option<Instant>,
    peers: BTreeMap<&'static str, Vec<PeerAddress>>,
}

impl Told {
    pub(super) fn new(client: Arc<Client>, listens: bool) -> Self {
        Self {
            client,
            listens,
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id that it gave last, whether it is shown under it or not.
    pub(super) fn server_id(&self) -> String {
        self.known().server_id.clone()
    }

    /// Since it last said who it is.
    pub(super) fn answer_age(&self, now: Instant) -> Option<Duration> {
        let answered = self.known().answered?;
        Some(now.saturating_duration_since(answered))
    }

    pub(super) fn peers(&self) -> Vec<PeerAddress> {
        self.known().peers.values().flatten().cloned().collect()
    }
}

impl Broker for Told {
    fn get<'a>(
        &'a self,
        path: &'a str,
        limits: Limits,
        accept: fn(u16) -> bool,
        on_chunk: &'a mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<Answer, FetchError>> {
        Broker::get(self.client.as_ref(), path, limits, accept, on_chunk)
    }

    fn greet(&self, port: u16, deadline: Duration) -> BoxFuture<'_, Result<Greeting, InfoError>> {
        self.client.greet(port, deadline)
    }

    fn host_port(&self) -> String {
        self.client.host_port()
    }

    fn shown(&self) -> String {
        self.client.shown()
    }

    fn told(&self, collector: &'static str, server_id: Option<&str>, peers: Vec<PeerAddress>) {
        let mut known = self.known();
        if let Some(id) = server_id {
            id.clone_into(&mut known.server_id);
            known.answered = Some(Instant::now());
        }
        if self.listens {
            known.peers.insert(collector, peers);
        }
    }
}
