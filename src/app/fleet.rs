//! The pollers that run: started, kept over a reload where nothing about them changed, stopped.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::wiring;
use crate::config::{Plan, ServerPlan};
use crate::expose::Snapshot;
use crate::poll::{Broker, Ledger, Poller, Registry, Watch};
use crate::source::http::{Client, ClientError, Tls};

/// Where the snapshots of all servers appear.
pub(super) type Snapshots = Vec<watch::Receiver<Arc<Snapshot>>>;

/// Owns the pollers.
pub(super) struct Fleet {
    members: Vec<Member>,
    tasks: JoinSet<()>,
    next_place: u32,
    registry: Arc<Registry>,
    ledger: Arc<Ledger>,
    publish: watch::Sender<Snapshots>,
}

struct Member {
    plan: ServerPlan,
    place: u32,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    client: Arc<Client>,
    /// Dropping it stops the poller.
    _stop: watch::Sender<()>,
}

impl Fleet {
    /// No servers yet, and where their snapshots will appear.
    pub(super) fn new() -> (Self, watch::Receiver<Snapshots>) {
        let (publish, published) = watch::channel(Vec::new());
        (
            Self {
                members: Vec::new(),
                tasks: JoinSet::new(),
                next_place: 0,
                registry: Arc::default(),
                ledger: Arc::default(),
                publish,
            },
            published,
        )
    }

    /// Watches the servers of `plan`. Those that `before` watched in the same way go on as they are.
    pub(super) fn adopt(&mut self, plan: &Plan, clients: Vec<Client>, before: Option<&Plan>) {
        let same_rules = before.is_some_and(|before| same_rules(before, plan));
        let mut old = std::mem::take(&mut self.members);
        let rules = Arc::new(wiring::rules(plan));
        for (server, client) in plan.servers.iter().zip(clients) {
            let kept = old
                .iter()
                .position(|member| same_rules && member.plan == *server);
            let member = match kept {
                Some(place) => old.swap_remove(place),
                None => self.start(server, client, Arc::clone(&rules)),
            };
            self.members.push(member);
        }
        drop(old);
        // Pollers that were stopped by earlier reloads.
        while self.tasks.try_join_next().is_some() {}
        self.members.sort_by_key(|member| member.place);
        self.publish.send_replace(
            self.members
                .iter()
                .map(|member| member.snapshots.clone())
                .collect(),
        );
    }

    fn start(
        &mut self,
        server: &ServerPlan,
        client: Client,
        rules: Arc<crate::poll::Rules>,
    ) -> Member {
        let place = self.next_place;
        self.next_place += 1;
        let client = Arc::new(client);
        let watch_this = Watch {
            place,
            name: server.name.clone(),
            process: wiring::process(server, client.target()),
            broker: Arc::clone(&client) as Arc<dyn Broker>,
            rules,
            registry: Arc::clone(&self.registry),
            ledger: Arc::clone(&self.ledger),
        };
        let (poller, snapshots) = Poller::new(watch_this);
        let (stop, stopped) = watch::channel(());
        self.tasks.spawn(poller.run(stopped));
        Member {
            plan: server.clone(),
            place,
            snapshots,
            client,
            _stop: stop,
        }
    }

    /// Who has how many series of the page.
    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Reads certificates towards the brokers again, for all or for none.
    pub(super) fn renew(&self, tls: &Tls) -> Result<(), String> {
        let renewed: Result<Vec<_>, _> = self
            .members
            .iter()
            .map(|member| Ok((member, member.client.prepare(tls)?)))
            .collect();
        let renewed = renewed.map_err(|error: ClientError| error.to_string())?;
        for (member, prepared) in renewed {
            member.client.renew(prepared);
        }
        Ok(())
    }

    /// Stops all pollers.
    pub(super) async fn stop(mut self) {
        self.members.clear();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Whether two plans watch a server in the same way. `standard_names: auto` depends on the number of servers.
fn same_rules(one: &Plan, other: &Plan) -> bool {
    let names = |plan: &Plan| wiring::rules(plan).twins;
    one.poll == other.poll
        && one.collect == other.collect
        && one.tls == other.tls
        && one.probe_connect == other.probe_connect
        && names(one) == names(other)
}
