//! Targets of `/probe`: checked, polled from their first probe on, forgotten when nobody asks any more.

mod guard;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::wiring;
use crate::config::{Plan, ProbePlan};
use crate::expose::{Snapshot, Wish};
use crate::poll::{Poller, ProcessChoice, Rules, Watch};
use crate::selfmon::SelfMonitor;
use crate::serve::ProbeRefusal;
use crate::source::dns::{self, Lookup};
use crate::source::http::{Client, Target, Tls};

use guard::{candidate, refused};

/// Without a probe for so long, a target is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(600);
/// For so long the address of a target is taken as checked.
const CHECK_EVERY: Duration = Duration::from_secs(60);
/// Longest wait for a name's addresses.
const LOOKUP_MAX: Duration = Duration::from_secs(2);
/// Lookups for `/probe` under way at once.
const LOOKUPS_MAX: usize = 4;

/// The targets that are polled because somebody probes them.
pub(super) struct Probes {
    lookup: Arc<dyn Lookup>,
    monitor: SelfMonitor,
    wish: Arc<Wish>,
    lookups: Semaphore,
    inner: Mutex<Inner>,
}

struct Inner {
    way: Arc<Way>,
    targets: BTreeMap<String, Probed>,
    tasks: JoinSet<()>,
    next_place: u32,
}

/// What may be probed, and how.
struct Way {
    plan: ProbePlan,
    rules: Arc<Rules>,
    tls: Tls,
}

struct Probed {
    ip: IpAddr,
    checked: Instant,
    asked: Instant,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Dropping it stops the poller.
    _stop: watch::Sender<()>,
}

impl Probes {
    /// No targets yet.
    pub(super) fn new(
        plan: &Plan,
        lookup: Arc<dyn Lookup>,
        monitor: SelfMonitor,
        wish: Arc<Wish>,
    ) -> Self {
        Self {
            lookup,
            monitor,
            lookups: Semaphore::new(LOOKUPS_MAX),
            inner: Mutex::new(Inner {
                way: way(plan, &wish),
                targets: BTreeMap::new(),
                tasks: JoinSet::new(),
                next_place: 0,
            }),
            wish,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows another plan. All targets are checked anew, so what is no longer allowed ends here.
    pub(super) fn adopt(&self, plan: &Plan) {
        let mut inner = self.inner();
        inner.way = way(plan, &self.wish);
        inner.targets.clear();
    }

    /// Forgets who is not probed any more.
    pub(super) fn sweep(&self, now: Instant) {
        let mut inner = self.inner();
        inner.sweep(now);
        let alive = i64::try_from(inner.targets.len()).unwrap_or(i64::MAX);
        self.monitor.probe_targets.set(alive);
    }

    /// The newest snapshot of a target; of a new one after its first round, or when `wait` is over.
    pub(super) async fn probe(
        &self,
        text: &str,
        wait: Duration,
    ) -> Result<Arc<Snapshot>, ProbeRefusal> {
        let until = Instant::now() + wait;
        let result = self.answer(text, until).await;
        if let Err(refusal) = &result {
            self.monitor
                .probe_refused
                .with_label_values(&[refusal.reason])
                .inc();
        }
        result
    }

    async fn answer(&self, text: &str, until: Instant) -> Result<Arc<Snapshot>, ProbeRefusal> {
        let way = Arc::clone(&self.inner().way);
        if way.plan.allow.is_empty() {
            let text = "/probe is off; name what it may reach in probe.allow";
            return Err(refused(404, "off", text));
        }
        let candidate = candidate(text, &way.plan.allow)?;
        let known = self.inner().known(&candidate.target);
        let mut snapshots = match known {
            Some(snapshots) => snapshots,
            None => {
                let addresses = self.addresses(&candidate.target).await?;
                let ip = candidate.choose(&addresses)?;
                self.inner().watch(&way, &candidate.target, ip)?
            }
        };
        let over = snapshots.wait_for(|snapshot| snapshot.status.first_round_over);
        let waited = tokio::time::timeout_at(until, over).await.is_ok();
        let snapshot = Arc::clone(&snapshots.borrow());
        if !waited && snapshot.status.up.is_none() {
            let shown = candidate.target.display();
            let text = format!(
                "{shown} has not answered yet; probe again, or allow more time for a scrape"
            );
            return Err(refused(504, "no_answer", text));
        }
        Ok(snapshot)
    }

    async fn addresses(&self, target: &Target) -> Result<Vec<IpAddr>, ProbeRefusal> {
        if let Some(ip) = target.address() {
            return Ok(vec![ip]);
        }
        let _permit = self.lookups.try_acquire().map_err(|_| {
            let text = "too many names are being looked up for /probe; probe again in a moment";
            refused(429, "busy", text)
        })?;
        dns::addresses(self.lookup.as_ref(), target.host(), LOOKUP_MAX)
            .await
            .map_err(|error| {
                let text = format!(
                    "host of {} has no address ({error}); check the name and the resolver",
                    target.display()
                );
                refused(400, "dns", text)
            })
    }

    /// Ends all pollers.
    pub(super) async fn stop(&self) {
        let mut tasks = {
            let mut inner = self.inner();
            inner.targets.clear();
            std::mem::take(&mut inner.tasks)
        };
        while tasks.join_next().await.is_some() {}
    }
}

impl Inner {
    fn sweep(&mut self, now: Instant) {
        let alive = |_: &String, probed: &mut Probed| {
            now.saturating_duration_since(probed.asked) < FORGET_AFTER
        };
        self.targets.retain(alive);
        // Pollers that were stopped earlier.
        while self.tasks.try_join_next().is_some() {}
    }

    /// A target whose address was checked not long ago.
    fn known(&mut self, target: &Target) -> Option<watch::Receiver<Arc<Snapshot>>> {
        let now = Instant::now();
        let probed = self.targets.get_mut(target.display())?;
        if now.saturating_duration_since(probed.checked) > CHECK_EVERY {
            return None;
        }
        probed.asked = now;
        Some(probed.snapshots.clone())
    }

    /// Watches a target at an address that was checked, or goes on to.
    fn watch(
        &mut self,
        way: &Arc<Way>,
        target: &Target,
        ip: IpAddr,
    ) -> Result<watch::Receiver<Arc<Snapshot>>, ProbeRefusal> {
        let now = Instant::now();
        self.sweep(now);
        let shown = target.display();
        if let Some(probed) = self.targets.get_mut(shown).filter(|probed| probed.ip == ip) {
            (probed.checked, probed.asked) = (now, now);
            return Ok(probed.snapshots.clone());
        }
        self.targets.remove(shown);
        // A reload may have come in between: then the check was of entries that are no more.
        let is_full = self.targets.len() >= way.plan.targets_max;
        if is_full || !Arc::ptr_eq(way, &self.way) {
            let text = format!(
                "{} targets are probed already; raise probe.targets_max, or wait until one is forgotten",
                self.targets.len()
            );
            return Err(refused(429, "too_many", text));
        }
        let client = Client::new(target.pinned(ip), &way.tls)
            .map_err(|error| refused(400, "malformed", error.to_string()))?;
        let place = self.next_place;
        self.next_place = self.next_place.wrapping_add(1);
        let (poller, snapshots) = Poller::new(Watch {
            place,
            name: None,
            broker: Arc::new(client),
            process: ProcessChoice::Off,
            rules: Arc::clone(&way.rules),
            // Two targets may well be one server: each page is its own.
            registry: Arc::default(),
            ledger: Arc::default(),
        });
        let (stop, stopped) = watch::channel(());
        self.tasks.spawn(poller.run(stopped));
        let probed = Probed {
            ip,
            checked: now,
            asked: now,
            snapshots: snapshots.clone(),
            _stop: stop,
        };
        self.targets.insert(shown.to_owned(), probed);
        Ok(snapshots)
    }
}

fn way(plan: &Plan, wish: &Arc<Wish>) -> Arc<Way> {
    Arc::new(Way {
        plan: plan.probe.clone(),
        rules: Arc::new(wiring::probe_rules(plan, wish)),
        tls: wiring::tls(plan),
    })
}

#[cfg(test)]
mod tests;
