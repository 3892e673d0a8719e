//! Captures of the sidecar: who may be captured, one at a time for each server and two in all, kept, counted, logged; those that alerts set
//! off, and those of the continuous mode.

mod alerts;
mod ask;
mod bundle;
mod continuous;
mod download;
mod own;
mod pages;
mod push;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::fleet::{Shown, Snapshots};
use super::heap;
use super::reach::{self, Whom};
use crate::config::{Pid, Plan, ServerPlan};
use crate::profile::access::{Access, Ask, Taken, longest};
use crate::profile::native::kallsyms::KernelNames;
use crate::profile::store::{self, Class, Facts, Store};
use crate::profile::top::Top;
use crate::profile::{About, Kind, Watch, pprof};
use crate::selfmon::SelfMonitor;
use crate::serve::{AlertOutcome, CaptureAsk, CaptureRefusal, Download, OwnAsk, Webhook, unknown};
use crate::source::http::Target;
use alerts::Cooldown;
use pages::Pages;

/// Captures at once, of all servers.
const RUNNING_MAX: usize = 2;
/// Captures that failed and are still told of.
const FAILED_MAX: usize = 20;
/// Letters of a reason.
const REASON_MAX: usize = 200;
/// The kind that is many in one.
const BUNDLE: &str = "bundle";
/// Between the captures of the continuous mode.
const CONTINUOUS_EVERY: Duration = Duration::from_secs(60);

/// How often what is kept is looked through, and the page is kept for bundles.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// Sweeps, and begins the captures of each minute, until it is told to stop; then ends all that run.
pub(super) async fn run(captures: Captures, mut stopped: watch::Receiver<()>) {
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    // Not at once: the servers' names are not known yet.
    let first = tokio::time::Instant::now() + CONTINUOUS_EVERY;
    let mut minute = tokio::time::interval_at(first, CONTINUOUS_EVERY);
    loop {
        tokio::select! {
            // The other end is dropped, or has something to say: both are the end.
            _ = stopped.changed() => break,
            _ = sweep.tick() => captures.sweep().await,
            _ = minute.tick() => captures.continue_all(),
        }
    }
    captures.stop().await;
}

/// Cloning shares them.
#[derive(Clone)]
pub(super) struct Captures {
    inner: Arc<Inner>,
}

struct Inner {
    plan: Mutex<Arc<Plan>>,
    snapshots: watch::Receiver<Snapshots>,
    monitor: SelfMonitor,
    names: Arc<Mutex<KernelNames>>,
    store: Mutex<Option<(PathBuf, Arc<Store>)>>,
    running: Mutex<Vec<Running>>,
    failed: Mutex<VecDeque<serde_json::Value>>,
    cooldown: Mutex<Cooldown>,
    pages: Pages,
    pyroscope: Mutex<push::Known>,
    pushes: Mutex<JoinSet<()>>,
    tasks: Mutex<JoinSet<()>>,
}

#[derive(Clone)]
struct Running {
    id: String,
    /// Its monitoring URL, which stays while names come and go.
    target: String,
    server_name: String,
    kind: String,
    reason: String,
    class: Class,
    since: SystemTime,
    watch: Arc<Watch>,
}

/// A capture that may begin.
struct Begin {
    running: Running,
    /// `None` for a bundle.
    kind: Option<Kind>,
    ask: Ask,
    shown: Shown,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Captures {
    pub(super) fn new(
        plan: &Plan,
        snapshots: watch::Receiver<Snapshots>,
        monitor: SelfMonitor,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                plan: Mutex::new(Arc::new(plan.clone())),
                snapshots,
                monitor,
                names: Arc::default(),
                store: Mutex::default(),
                running: Mutex::default(),
                failed: Mutex::default(),
                cooldown: Mutex::default(),
                pages: Pages::default(),
                pyroscope: Mutex::default(),
                pushes: Mutex::default(),
                tasks: Mutex::default(),
            }),
        }
    }

    /// Goes by another plan from now on.
    pub(super) fn adopt(&self, plan: &Plan) {
        *lock(&self.inner.plan) = Arc::new(plan.clone());
    }

    fn plan(&self) -> Arc<Plan> {
        Arc::clone(&lock(&self.inner.plan))
    }

    /// Whether anybody can ask for captures, or they are taken all the time.
    fn is_on(&self) -> bool {
        let plan = self.plan();
        plan.profiles.token_file.is_some() || plan.profiles.continuous
    }

    /// The folder's store, opened at its first use; blocks.
    fn store(&self) -> Result<Arc<Store>, String> {
        let folder = self.plan().profiles.dir.clone();
        let mut known = lock(&self.inner.store);
        if let Some((path, store)) = known.as_ref().filter(|(path, _)| *path == folder) {
            let _ = path;
            return Ok(Arc::clone(store));
        }
        let store = Arc::new(Store::open(&folder).map_err(|error| error.to_string())?);
        *known = Some((folder, Arc::clone(&store)));
        Ok(store)
    }

    /// What is kept, as far as it is known without touching the disk.
    fn known_store(&self) -> Option<Arc<Store>> {
        let known = lock(&self.inner.store);
        known.as_ref().map(|(_, store)| Arc::clone(store))
    }

    /// Looks at what is kept: at the start, and now and then. A folder that cannot be used is said once it matters.
    async fn sweep(&self) {
        if !self.is_on() {
            return;
        }
        let this = self.clone();
        let look = tokio::task::spawn_blocking(move || {
            if lock(&this.inner.names).forget_unused() {
                heap::give_back();
            }
            let store = this.store()?;
            store.sweep(SystemTime::now());
            Ok::<_, String>(store.size())
        });
        match look.await {
            Ok(Ok((count, bytes))) => {
                let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
                let monitor = &self.inner.monitor.captures;
                monitor.stored.set(signed(count as u64));
                monitor.bytes.set(signed(bytes));
            }
            Ok(Err(error)) => tracing::warn!("{error}"),
            Err(_) => {}
        }
        let snapshots = self.inner.snapshots.borrow().clone();
        self.inner.pages.look(&snapshots).await;
    }

    /// Ends all captures, and waits for them.
    async fn stop(&self) {
        for running in lock(&self.inner.running).iter() {
            running.watch.stop();
        }
        let mut tasks = std::mem::take(&mut *lock(&self.inner.tasks));
        while tasks.join_next().await.is_some() {}
        lock(&self.inner.pushes).abort_all();
    }

    /// Takes a place for a capture, if there is one.
    fn begin(
        &self,
        shown: Shown,
        kind: Option<Kind>,
        ask: Ask,
        reason: &str,
        class: Class,
    ) -> Result<Begin, CaptureRefusal> {
        let server_name = server_name(&shown);
        let mut all = lock(&self.inner.running);
        let of_server = all
            .iter()
            .position(|running| running.target == shown.client.target().display());
        match of_server.map(|at| (at, all[at].class)) {
            // Whoever asks goes before the one of each minute.
            Some((at, Class::Continuous)) if class == Class::Asked => {
                all.remove(at).watch.stop();
            }
            Some((at, _)) => {
                return Err(CaptureRefusal::Busy(format!(
                    "a capture of {server_name} runs already ({}); try again when it has ended",
                    all[at].id
                )));
            }
            None => {}
        }
        let asked = all.iter().filter(|one| one.class == Class::Asked).count();
        if class == Class::Asked && asked >= RUNNING_MAX {
            return Err(CaptureRefusal::Busy(format!(
                "{RUNNING_MAX} captures run already, which is the most; try again in a moment"
            )));
        }
        let running = Running {
            id: store::new_id(random()),
            target: shown.client.target().display().to_owned(),
            server_name,
            kind: kind.map_or(BUNDLE, Kind::word).to_owned(),
            reason: reason.chars().take(REASON_MAX).collect(),
            class,
            since: SystemTime::now(),
            watch: Arc::default(),
        };
        all.push(running.clone());
        drop(all);
        Ok(Begin {
            running,
            kind,
            ask,
            shown,
        })
    }

    fn spawn(&self, begin: Begin) {
        let this = self.clone();
        self.count_running();
        let mut tasks = lock(&self.inner.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move { this.run(begin).await });
    }

    fn count_running(&self) {
        let count = lock(&self.inner.running).len();
        let gauge = &self.inner.monitor.captures.running;
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    async fn run(&self, begin: Begin) {
        let running = begin.running.clone();
        let result = self.capture(begin).await;
        lock(&self.inner.running).retain(|one| one.id != running.id);
        self.count_running();
        let (id, server, reason) = (&running.id, &running.server_name, &running.reason);
        let word = match &result {
            Ok(facts) => {
                let about = &facts.about;
                self.inner.monitor.captures.lost.inc_by(about.lost);
                if running.class == Class::Asked {
                    self.show(facts);
                }
                let story = about.sentence();
                if running.class == Class::Asked {
                    tracing::info!(id, server, reason, story, bytes = facts.bytes, "captured");
                } else {
                    tracing::debug!(id, server, reason, story, bytes = facts.bytes, "captured");
                }
                "success"
            }
            Err(failure) => {
                tracing::warn!(id, server, reason, error = failure.text, "capture failed");
                let mut failed = lock(&self.inner.failed);
                failed.truncate(FAILED_MAX - 1);
                failed.push_front(told(&running, "failed", Some(&failure.text)));
                failure.word
            }
        };
        let labels = [running.kind.as_str(), word];
        let ended = &self.inner.monitor.captures.ended;
        ended.with_label_values(&labels).inc();
        if let Ok(facts) = &result {
            self.push(facts);
        }
        // Nobody waits for it, and it cannot fail.
        let _ = tokio::task::spawn_blocking(heap::give_back).await;
    }

    /// The newest capture of a server, as a series: an alert or a picture can lead to it.
    fn show(&self, facts: &Facts) {
        let info = &self.inner.monitor.captures.info;
        let newest = self.known_store().map(|store| store.list());
        info.reset();
        let mut shown = HashMap::new();
        for one in newest
            .iter()
            .flatten()
            .filter(|one| one.class == Class::Asked)
        {
            shown.entry(one.server_name.clone()).or_insert(one);
        }
        shown.insert(facts.server_name.clone(), facts);
        for one in shown.values() {
            let labels = [one.id.as_str(), one.kind.as_str(), one.server_name.as_str()];
            info.with_label_values(&labels).set(1);
        }
    }

    async fn capture(&self, begin: Begin) -> Result<Facts, Failure> {
        let plan = self.plan();
        let whom = self.whom(&plan, &begin.shown);
        let (access, said) = reach::reach(&plan, whom).await.map_err(Failure::wrong)?;
        let (kind, running) = (begin.kind, &begin.running);
        let Some(kind) = kind else {
            return self.bundle(&begin, &access).await;
        };
        let watch = &running.watch;
        let taking = tokio::time::timeout(longest(&begin.ask), access.take(&begin.ask, watch));
        let taken = taking
            .await
            .unwrap_or(Err(crate::profile::ProfileError::Stopped));
        let mut taken = taken.map_err(|error| {
            let said = said.iter().map(|said| format!("; {said}"));
            Failure {
                text: format!("{error}{}", said.collect::<String>()),
                word: error.reason(),
            }
        })?;
        taken.captured.about.passed_over.extend(said);
        let baseline = match (kind, running.class) {
            (Kind::Cpu, Class::Asked) => self.baseline(&running.server_name).await,
            _ => None,
        };
        let facts = facts(running, &access, &taken, baseline.as_ref(), "pb.gz");
        self.keep(facts, move || packed(&taken)).await
    }

    /// Writes what `make` makes, on a thread that may block.
    async fn keep(
        &self,
        facts: Facts,
        make: impl FnOnce() -> std::io::Result<Vec<u8>> + Send + 'static,
    ) -> Result<Facts, Failure> {
        let this = self.clone();
        let kept = tokio::task::spawn_blocking(move || {
            let full = |text: String| Failure {
                text,
                word: "not_kept",
            };
            let store = this.store().map_err(full)?;
            let bytes = make().map_err(|error| full(error.to_string()))?;
            let mut facts = facts;
            facts.bytes = bytes.len() as u64;
            store
                .put(facts.clone(), &bytes, SystemTime::now())
                .map_err(|error| full(error.to_string()))?;
            Ok(facts)
        });
        kept.await
            .unwrap_or_else(|error| Err(Failure::wrong(error.to_string())))
    }

    /// The server's address and what the configuration says of it; nothing of it comes from a request.
    fn whom(&self, plan: &Plan, shown: &Shown) -> Whom {
        let at = shown.client.target().display();
        let is_it = |server: &&ServerPlan| {
            Target::parse(server.url.expose()).is_ok_and(|target| target.display() == at)
        };
        let server = plan.servers.iter().find(is_it);
        Whom {
            pid: None,
            choice: server.map_or(Pid::Auto, |server| server.pid),
            monitoring: Some(Arc::clone(&shown.client)),
            profiling_url: server.and_then(|server| server.profiling_url.clone()),
            names: Arc::clone(&self.inner.names),
        }
    }
}

/// Why a capture gave nothing.
struct Failure {
    text: String,
    /// Bounded label value.
    word: &'static str,
}

impl Failure {
    fn wrong(text: String) -> Self {
        Self {
            text,
            word: "wrong",
        }
    }
}

fn server_name(shown: &Shown) -> String {
    shown.snapshots.borrow().status.server_name.clone()
}

/// From the system's generator: an id must not be guessed.
fn random() -> [u8; 16] {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut bytes = [0; 16];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        // Without one nothing else works either; an id that is known is no way in without a token.
        bytes = fastrand::u128(..).to_le_bytes();
    }
    bytes
}

fn unix(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

fn facts(
    running: &Running,
    access: &Access,
    taken: &Taken,
    baseline: Option<&Top>,
    file: &str,
) -> Facts {
    Facts {
        id: running.id.clone(),
        server_name: running.server_name.clone(),
        kind: running.kind.clone(),
        reason: running.reason.clone(),
        class: running.class,
        taken_timestamp_seconds: unix(taken.at),
        title: taken.title(&access.name),
        file: file.to_owned(),
        bytes: 0,
        about: taken.captured.about.clone(),
        findings: findings(taken, baseline),
    }
}

/// What explains the profile, as JSON.
fn findings(taken: &Taken, baseline: Option<&Top>) -> serde_json::Value {
    let top = taken.top();
    serde_json::json!({
        "value": top.value,
        "total": top.total,
        "unit": top.unit,
        "subsystems": top.subsystems,
        "locks": taken.locks,
        "usage": taken.usage,
        "gc": taken.gc,
        "verdict": taken.verdict(baseline),
    })
}

/// The profile in pprof's form, from which all others are made.
fn packed(taken: &Taken) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let about: &About = &taken.captured.about;
    let comments: Vec<_> = std::iter::once(about.sentence())
        .chain(about.missing.iter().cloned())
        .collect();
    pprof::write(
        &taken.captured.profile,
        about,
        taken.at,
        &comments,
        &mut bytes,
    )?;
    Ok(bytes)
}

/// A capture that is not kept: it runs, or it failed.
fn told(running: &Running, state: &str, error: Option<&str>) -> serde_json::Value {
    let mut facts = serde_json::json!({
        "id": running.id,
        "server_name": running.server_name,
        "kind": running.kind,
        "reason": running.reason,
        "class": running.class,
        "taken_timestamp_seconds": unix(running.since),
        "state": state,
        "samples": running.watch.samples(),
    });
    if let Some(error) = error {
        facts["error"] = error.into();
    }
    facts
}

fn kept(facts: &Facts) -> serde_json::Value {
    let mut value = serde_json::to_value(facts).unwrap_or_default();
    value["state"] = "done".into();
    value["forms"] = download::forms(&facts.file).into();
    value
}

impl crate::serve::Captures for Captures {
    fn start(&self, ask: CaptureAsk) -> BoxFuture<'_, Result<String, CaptureRefusal>> {
        Box::pin(async move { self.start_now(&ask) })
    }

    fn list(&self) -> serde_json::Value {
        let running = lock(&self.inner.running).clone();
        let running = running.iter().map(|one| told(one, "running", None));
        let failed: Vec<_> = lock(&self.inner.failed).iter().cloned().collect();
        let known = self.known_store().map(|store| store.list());
        let known = known.iter().flatten().map(kept);
        running.chain(failed).chain(known).collect()
    }

    fn one(&self, id: &str) -> Option<serde_json::Value> {
        let running = lock(&self.inner.running);
        if let Some(one) = running.iter().find(|one| one.id == id) {
            return Some(told(one, "running", None));
        }
        drop(running);
        if let Some(facts) = self.known_store().and_then(|store| store.get(id)) {
            return Some(kept(&facts));
        }
        let failed = lock(&self.inner.failed);
        failed.iter().find(|one| one["id"] == id).cloned()
    }

    fn download(
        &self,
        id: String,
        form: String,
    ) -> BoxFuture<'_, Result<Download, CaptureRefusal>> {
        Box::pin(async move {
            let store = self.known_store().ok_or_else(|| unknown(&id))?;
            let facts = store.get(&id).ok_or_else(|| unknown(&id))?;
            let made = tokio::task::spawn_blocking(move || {
                let made = download::make(&store, &facts, &form);
                heap::give_back();
                made
            })
            .await;
            made.unwrap_or_else(|error| Err(CaptureRefusal::Failed(error.to_string())))
        })
    }

    fn alerts(&self, hook: Webhook) -> BoxFuture<'_, Vec<AlertOutcome>> {
        Box::pin(async move { self.fired(&hook) })
    }

    fn own(&self, ask: OwnAsk) -> BoxFuture<'_, Result<Download, CaptureRefusal>> {
        Box::pin(own::take(ask))
    }

    fn external_url(&self) -> Option<String> {
        let plan = self.plan();
        plan.external_url
            .as_ref()
            .map(|url| url.expose().to_owned())
    }
}
