//! The pollers that run: started, kept where nothing about them changed, stopped.

mod shown;
mod told;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::roster::{Origin, Seen, Wanted};
use super::wiring;
use crate::config::Plan;
use crate::expose::{Snapshot, Wish};
use crate::poll::{Broker, Ledger, Poller, Registry, Rules, Watch};
use crate::source::http::{Client, ClientError, Tls};

pub(super) use shown::newest;
use told::Told;

/// Where the snapshots of all servers appear, in the order of their places.
pub(super) type Snapshots = Vec<Shown>;

/// Where the snapshots of one server appear.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) origin: Origin,
    pub(super) snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Requests to it.
    pub(super) client: Arc<Client>,
    told: Arc<Told>,
}

/// Owns the pollers.
pub(super) struct Fleet {
    way: Option<Way>,
    members: Vec<Member>,
    tasks: JoinSet<()>,
    next_place: u32,
    registry: Arc<Registry>,
    ledger: Arc<Ledger>,
    /// Targets without a client, each said once.
    refused: HashSet<String>,
    wish: Arc<Wish>,
    publish: watch::Sender<Snapshots>,
}

/// How servers are watched.
struct Way {
    rules: Arc<Rules>,
    tls: Tls,
    discover: bool,
}

struct Member {
    wanted: Wanted,
    place: u32,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    told: Arc<Told>,
    client: Arc<Client>,
    /// Dropping it stops the poller.
    _stop: watch::Sender<()>,
}

impl Fleet {
    /// No servers yet, and where their snapshots will appear.
    pub(super) fn new(wish: Arc<Wish>) -> (Self, watch::Receiver<Snapshots>) {
        let (publish, published) = watch::channel(Vec::new());
        let fleet = Self {
            way: None,
            members: Vec::new(),
            tasks: JoinSet::new(),
            next_place: 0,
            registry: Arc::default(),
            ledger: Arc::default(),
            refused: HashSet::new(),
            wish,
            publish,
        };
        (fleet, published)
    }

    /// Watches in the way of `plan` from now on. Where that is another way than `before`'s, all begin anew.
    pub(super) fn adopt(&mut self, plan: &Plan, before: Option<&Plan>) {
        self.refused.clear();
        if before.is_some_and(|before| same_rules(before, plan)) && self.way.is_some() {
            return;
        }
        self.members.clear();
        self.way = Some(Way {
            rules: Arc::new(wiring::rules(plan, &self.wish)),
            tls: wiring::tls(plan),
            discover: plan.discover,
        });
    }

    /// Watches these servers, and no others. Those that are watched already go on as they are.
    pub(super) fn reconcile(&mut self, wanted: Vec<Wanted>) {
        if self.is_as(&wanted) {
            return;
        }
        let mut old: HashMap<String, Member> = std::mem::take(&mut self.members)
            .into_iter()
            .map(|member| (member.wanted.target.display().to_owned(), member))
            .collect();
        let (before, mut joined) = (old.len(), 0);
        for wanted in wanted {
            let kept = old.remove(wanted.target.display());
            let kept = kept.filter(|member| member.wanted.is_watched_as(&wanted));
            let member = match kept {
                Some(member) => Some(Member { wanted, ..member }),
                None => {
                    joined += 1;
                    self.start(wanted)
                }
            };
            self.members.extend(member);
        }
        let left = (before + joined).saturating_sub(self.members.len());
        drop(old);
        // Pollers that were stopped earlier.
        while self.tasks.try_join_next().is_some() {}
        self.members.sort_by_key(|member| member.place);
        tracing::info!(
            joined,
            left,
            servers = self.members.len(),
            "servers changed"
        );
        let shown = self.members.iter().map(|member| Shown {
            origin: member.wanted.origin,
            snapshots: member.snapshots.clone(),
            client: Arc::clone(&member.client),
            told: Arc::clone(&member.told),
        });
        self.publish.send_replace(shown.collect());
    }

    fn is_as(&self, wanted: &[Wanted]) -> bool {
        let known: HashMap<&str, &Wanted> = self
            .members
            .iter()
            .map(|member| (member.wanted.target.display(), &member.wanted))
            .collect();
        let as_before = |one: &Wanted| match known.get(one.target.display()) {
            Some(before) => *before == one,
            None => self.refused.contains(one.target.display()),
        };
        let refused = |one: &&Wanted| self.refused.contains(one.target.display());
        let able = wanted.len() - wanted.iter().filter(refused).count();
        able == known.len() && wanted.iter().all(as_before)
    }

    /// Nothing where no client can be made, which is said once.
    fn start(&mut self, wanted: Wanted) -> Option<Member> {
        let way = self.way.as_ref()?;
        let client = match Client::new(wanted.target.clone(), &way.tls) {
            Ok(client) => client,
            Err(error) => {
                let target = wanted.target.display().to_owned();
                tracing::warn!(target, %error, "server cannot be watched");
                self.refused.insert(target);
                return None;
            }
        };
        let place = self.next_place;
        self.next_place += 1;
        let client = Arc::new(client);
        // Whoever was discovered tells the same as the server that it was discovered by.
        let listens = way.discover && wanted.origin != Origin::Discovered;
        let told = Arc::new(Told::new(Arc::clone(&client), listens));
        let (poller, snapshots) = Poller::new(Watch {
            place,
            name: wanted.name.clone(),
            process: wiring::process(wanted.pid, &wanted.target),
            broker: Arc::clone(&told) as Arc<dyn Broker>,
            rules: Arc::clone(&way.rules),
            registry: Arc::clone(&self.registry),
            ledger: Arc::clone(&self.ledger),
        });
        let (stop, stopped) = watch::channel(());
        self.tasks.spawn(poller.run(stopped));
        Some(Member {
            wanted,
            place,
            snapshots,
            told,
            client,
            _stop: stop,
        })
    }

    /// What is known of the servers.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let now = Instant::now();
        let seen = self.members.iter().map(|member| {
            let snapshot = Arc::clone(&member.snapshots.borrow());
            let status = &snapshot.status;
            // One that is down may have let go of its name: a pod that came back elsewhere is still known by it.
            let (nats_cluster, server_name) = match &status.last_name {
                (cluster, name) if status.up == Some(false) && !name.is_empty() => (cluster, name),
                _ => (&status.nats_cluster, &status.server_name),
            };
            Seen {
                origin: member.wanted.origin,
                target: member.wanted.target.clone(),
                up: status.up,
                server_id: member.told.server_id(),
                is_shown: !status.server_id.is_empty(),
                server_name: server_name.clone(),
                nats_cluster: nats_cluster.clone(),
                answer_age: member.told.answer_age(now),
                peers: member.told.peers(),
            }
        });
        seen.collect()
    }

    /// How many servers of an origin are watched.
    pub(super) fn count(&self, origin: Origin) -> usize {
        let of_origin = |member: &&Member| member.wanted.origin == origin;
        self.members.iter().filter(of_origin).count()
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

impl Wanted {
    /// Whether a poller of this one does for the other: everything but where it is known from.
    fn is_watched_as(&self, other: &Self) -> bool {
        let discovered = |one: &Self| one.origin == Origin::Discovered;
        self.target == other.target
            && self.name == other.name
            && self.pid == other.pid
            // Only those that were not discovered tell of others.
            && discovered(self) == discovered(other)
    }
}

/// Whether two plans watch a server in the same way. `standard_names: auto` depends on the number of servers.
fn same_rules(one: &Plan, other: &Plan) -> bool {
    let names = |plan: &Plan| wiring::twins(plan);
    one.poll == other.poll
        && one.collect == other.collect
        && one.tls == other.tls
        && wiring::exporter(one) == wiring::exporter(other)
        && one.probe_connect == other.probe_connect
        && one.discover == other.discover
        && names(one) == names(other)
}
