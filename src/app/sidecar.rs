//! `natsight serve`: listeners, pollers, signals, reload, and an end within five seconds.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::captures::{self, Captures};
use super::files::{FileWatch, LOOK_EVERY};
use super::fleet::{self, Fleet, Shown, Snapshots};
use super::heap;
use super::log::{self, LevelHandle};
use super::probe::Probes;
use super::rights::{Found, Keeper};
use super::roster::{Origin, Roster};
use super::{Exit, complain, load, rights, sentences, wiring};
use crate::config::{Inputs, Listen, Plan};
use crate::expose::{Part, PartBuilder, Snapshot, Source, Wish};
use crate::selfmon::SelfMonitor;
use crate::serve::{self, Hosts, Listener, PageCache, ProbeRefusal, Shared, Site};
use crate::source::dns::{Lookup, SystemLookup};
use crate::source::process;

/// From a signal to the end of the process.
const GRACE: Duration = Duration::from_secs(4);
/// How often the sidecar's own part is made anew.
const OWN_EVERY: Duration = Duration::from_secs(5);
/// Reloads that may wait; more are refused.
const RELOADS_MAX: usize = 4;
/// The own part comes after those of all servers.
const OWN_PLACE: u32 = u32::MAX;

/// Threads for what blocks: files, processes, and the system's resolver, which may hold one for many seconds.
const BLOCKING_MAX: usize = 16;

/// A runtime for commands that talk to brokers. One thread does it all: what would hold it (large pages, passwords,
/// `/proc`, names) goes to the blocking ones. Workers would each keep memory of their own, and wake each other for nothing.
pub(super) fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread()
        .max_blocking_threads(BLOCKING_MAX)
        .enable_all()
        .build()
}

pub(super) fn serve(inputs: Inputs, env: Vec<(String, String)>, err: &mut dyn Write) -> Exit {
    let (plan, warnings) = match load(&inputs, &env) {
        Ok(loaded) => loaded,
        Err(mistakes) => return complain(err, &sentences(&mistakes)),
    };
    let rights = match checked(&plan, None) {
        Ok(checked) => checked,
        Err(wrong) => return complain(err, &wrong),
    };
    let level = log::start(&plan.log);
    for warning in warnings.iter().chain(&rights.1.warnings) {
        tracing::warn!("{}", warning.text);
    }
    heap::one_arena();
    let ended = runtime()
        .map_err(|error| format!("the runtime did not start: {error}"))
        .and_then(|runtime| {
            runtime.block_on(async {
                let sidecar = Sidecar::new(plan, inputs, env, level, rights)?;
                sidecar.run().await
            })
        });
    match ended {
        Ok(()) => Exit::Fine,
        Err(text) => {
            let _ = writeln!(err, "natsight: {text}");
            Exit::Failed
        }
    }
}

/// Rights of a plan, whose servers can be asked; or a sentence for each mistake in the files that it names.
fn checked(plan: &Plan, before: Option<&Keeper>) -> Result<Found, Vec<String>> {
    let rights = rights::read(plan, before).ready();
    let rights = rights.map_err(|mistakes| sentences(&mistakes));
    match (wiring::check(plan), rights) {
        (Ok(()), Ok(rights)) => Ok(rights),
        (servers, rights) => {
            let wrong = [rights.err(), servers.err()];
            Err(wrong.into_iter().flatten().flatten().collect())
        }
    }
}

type ReloadAnswer = Result<Vec<String>, Vec<String>>;

struct Sidecar {
    plan: Plan,
    inputs: Inputs,
    env: Vec<(String, String)>,
    level: LevelHandle,
    fleet: Fleet,
    roster: Roster,
    probes: Arc<Probes>,
    /// Whether the roster looked at everything once.
    looked: Arc<AtomicBool>,
    wish: Arc<Wish>,
    monitor: SelfMonitor,
    snapshots: watch::Receiver<Snapshots>,
    own: Arc<Mutex<Option<Arc<Part>>>>,
    keeper: Keeper,
    /// The files of TLS towards the brokers.
    broker_files: FileWatch,
    captures: Captures,
}

impl Sidecar {
    fn new(
        plan: Plan,
        inputs: Inputs,
        env: Vec<(String, String)>,
        level: LevelHandle,
        rights: Found,
    ) -> Result<Self, String> {
        let monitor = SelfMonitor::new().map_err(|error| error.to_string())?;
        monitor.started(unix_now());
        let wish = Arc::new(Wish::default());
        wish.configure(wiring::tool(&plan));
        let (fleet, snapshots) = Fleet::new(Arc::clone(&wish));
        let lookup: Arc<dyn Lookup> = Arc::new(SystemLookup);
        let mut keeper = Keeper::new(monitor.clone());
        keeper.adopt(rights);
        Ok(Self {
            roster: Roster::new(Arc::clone(&lookup), monitor.clone()),
            probes: Arc::new(Probes::new(
                &plan,
                lookup,
                monitor.clone(),
                Arc::clone(&wish),
            )),
            looked: Arc::new(AtomicBool::new(false)),
            broker_files: FileWatch::start(wiring::tls(&plan).files()),
            captures: Captures::new(&plan, snapshots.clone(), monitor.clone()),
            plan,
            inputs,
            env,
            level,
            fleet,
            wish,
            monitor,
            snapshots,
            own: Arc::new(Mutex::new(None)),
            keeper,
        })
    }

    async fn run(self) -> Result<(), String> {
        let mut this = self;
        // The first page that anybody gets has natsight's own part.
        this.refresh_own();
        let (reload_asked, mut reloads) = mpsc::channel(RELOADS_MAX);
        let site = Outlook {
            snapshots: this.snapshots.clone(),
            own: Arc::clone(&this.own),
            reload: reload_asked,
            probes: Arc::clone(&this.probes),
            looked: Arc::clone(&this.looked),
            was_ready: AtomicBool::new(false),
        };
        // Before anything can be seen from outside: a signal that comes early must not kill.
        let mut hangup = signal(SignalKind::hangup()).map_err(|error| error.to_string())?;
        let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
        let listeners = this.bind_all().await?;
        // Before the first request is answered: without servers natsight would seem ready.
        this.fleet.adopt(&this.plan, None);
        this.roster.adopt(&this.plan);
        this.reconcile();
        let (stop, stopped) = watch::channel(());
        let mut tasks = JoinSet::new();
        this.serve(listeners, Arc::new(site), &stopped, &mut tasks);
        let mut own_timer = tokio::time::interval(OWN_EVERY);
        let mut files_timer = tokio::time::interval(LOOK_EVERY);
        tasks.spawn(captures::run(this.captures.clone(), stopped.clone()));
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => { let _ = this.reload(); }
                Some(answer) = reloads.recv() => {
                    let answer: oneshot::Sender<ReloadAnswer> = answer;
                    let _ = answer.send(this.reload());
                }
                () = this.roster.event() => this.reconcile(),
                _ = own_timer.tick() => {
                    this.probes.sweep(tokio::time::Instant::now());
                    this.refresh_own();
                }
                _ = files_timer.tick() => this.look_at_files(),
            }
        }
        tracing::info!("stopping");
        drop(stop);
        let end = async {
            this.roster.stop().await;
            this.probes.stop().await;
            this.fleet.stop().await;
            serve::drain(&mut tasks, GRACE).await
        };
        match tokio::time::timeout(GRACE, end).await {
            Ok(0) => tracing::info!("stopped"),
            Ok(left) => tracing::warn!(left, "stopped while clients were still connected"),
            Err(_) => tracing::warn!("stopped before everything had ended"),
        }
        Ok(())
    }

    /// The public listener, and the one for what acts where it is wanted.
    async fn bind_all(&self) -> Result<(Listener, Option<Listener>), String> {
        let public = self.bind("public", "listen", self.plan.listen).await?;
        let admin = match self.plan.admin_listen {
            Some(address) => Some(self.bind("admin", "admin_listen", address).await?),
            None => None,
        };
        Ok((public, admin))
    }

    fn serve(
        &self,
        (public, admin): (Listener, Option<Listener>),
        site: Arc<dyn Site>,
        stopped: &watch::Receiver<()>,
        tasks: &mut JoinSet<()>,
    ) {
        let shared = Shared {
            site,
            monitor: self.monitor.clone(),
            cache: Arc::new(PageCache::default()),
            guard: self.keeper.guard(),
            wish: Arc::clone(&self.wish),
            captures: Some(Arc::new(self.captures.clone())),
        };
        let older = self
            .plan
            .exporter
            .as_ref()
            .and_then(|plan| plan.older.as_ref());
        let path = older.and_then(|older| older.path.as_deref());
        let guard = shared.guard.clone();
        let routes = serve::public_routes(shared.clone(), path);
        tasks.spawn(public.run(routes, guard.clone(), stopped.clone()));
        if let Some(admin) = admin {
            let routes = serve::admin_routes(shared, hosts(&self.plan));
            tasks.spawn(admin.run(routes, guard, stopped.clone()));
        }
    }

    async fn bind(
        &self,
        name: &'static str,
        key: &str,
        listen: Listen,
    ) -> Result<Listener, String> {
        let addresses = listen.addresses();
        let listener = Listener::bind(name, &addresses, self.monitor.clone())
            .await
            .map_err(|error| {
                let shown = addresses
                    .first()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                format!(
                    "{key} {shown} cannot be bound: {error}; choose another address with --{}",
                    key.replace('_', "-")
                )
            })?;
        let address = listener
            .address()
            .map(|address| address.to_string())
            .unwrap_or_default();
        tracing::info!(listener = name, %address, "listening");
        Ok(listener)
    }

    /// Reads the configuration again. A plan with a mistake changes nothing.
    fn reload(&mut self) -> ReloadAnswer {
        let loaded = load(&self.inputs, &self.env).map_err(|mistakes| sentences(&mistakes));
        let checked = loaded.and_then(|(plan, _)| {
            checked(&plan, Some(&self.keeper)).map(|checked| (plan, checked))
        });
        let (plan, rights) = match checked {
            Ok(checked) => checked,
            Err(mistakes) => {
                self.monitor
                    .config_reloads
                    .with_label_values(&["failure"])
                    .inc();
                tracing::error!(
                    mistakes = mistakes.join("; "),
                    "configuration refused; the one before stays in force"
                );
                self.refresh_own();
                return Err(mistakes);
            }
        };
        let mut restart = Vec::new();
        for (key, changed) in [
            ("listen", plan.listen != self.plan.listen),
            ("admin_listen", plan.admin_listen != self.plan.admin_listen),
            ("admin_hosts", plan.admin_hosts != self.plan.admin_hosts),
            ("external_url", plan.external_url != self.plan.external_url),
            ("log.format", plan.log.format != self.plan.log.format),
        ] {
            if changed {
                restart.push(format!("{key} takes effect after a restart"));
            }
        }
        self.wish.configure(wiring::tool(&plan));
        self.fleet.adopt(&plan, Some(&self.plan));
        self.roster.adopt(&plan);
        self.probes.adopt(&plan);
        self.captures.adopt(&plan);
        self.keeper.adopt(rights);
        // Pollers that go on have read them when they began.
        self.broker_files.follow(wiring::tls(&plan).files());
        log::set_level(&self.level, plan.log.level);
        self.plan = plan;
        self.reconcile();
        self.monitor
            .config_reloads
            .with_label_values(&["success"])
            .inc();
        self.monitor.config_time.set(unix_now());
        tracing::info!(
            servers = self.snapshots.borrow().len(),
            restart = restart.join("; "),
            "configuration reloaded"
        );
        self.refresh_own();
        Ok(restart)
    }

    /// Watches whom the roster wants.
    fn reconcile(&mut self) {
        let seen = self.fleet.seen();
        let wanted = self.roster.wanted(&seen, tokio::time::Instant::now());
        self.fleet.reconcile(wanted);
        if !self.roster.is_pending() {
            self.looked.store(true, Ordering::Relaxed);
        }
    }

    /// Takes over certificates, users and tokens that have changed.
    fn look_at_files(&mut self) {
        self.keeper.look(&self.plan);
        if !self.broker_files.changed() {
            return;
        }
        let result = match self.fleet.renew(&wiring::tls(&self.plan)) {
            Ok(()) => {
                tracing::info!("the files of tls have changed and are used towards the brokers");
                "success"
            }
            Err(mistake) => {
                tracing::error!(
                    mistake,
                    "a file of tls is broken; what was read before stays in use towards the brokers"
                );
                "failure"
            }
        };
        let counter = &self.monitor.rights_reloads;
        counter.with_label_values(&["brokers", result]).inc();
    }

    fn refresh_own(&self) {
        for origin in Origin::ALL {
            let count = i64::try_from(self.fleet.count(origin)).unwrap_or(i64::MAX);
            self.monitor
                .servers
                .with_label_values(&[origin.word()])
                .set(count);
        }
        if let Ok(sample) = i32::try_from(std::process::id())
            .map_or(Err(()), |pid| process::read(pid).map_err(|_| ()))
        {
            #[allow(clippy::cast_precision_loss, reason = "ticks of a process fit")]
            let cpu = sample.cpu_ticks as f64 / sample.ticks_per_second.max(1) as f64;
            self.monitor
                .process(cpu, sample.resident_bytes, sample.open_fds);
        }
        let snapshots = self.snapshots.borrow().clone();
        let newest = fleet::newest(&snapshots);
        let series = newest.iter().map(|one| one.series());
        self.monitor
            .page_series
            .set(i64::try_from(series.sum::<u64>()).unwrap_or(i64::MAX));
        for (family, total) in self.fleet.ledger().lost() {
            self.monitor.series_dropped(family, total);
        }
        let mut builder = PartBuilder::new(&[], false);
        self.monitor.rows(&mut builder);
        let source = Source {
            server: OWN_PLACE,
            collector: "natsight",
        };
        let part = builder.finish(source, Instant::now(), None);
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(part));
    }
}

fn hosts(plan: &Plan) -> Hosts {
    let mut names: Vec<String> = plan
        .admin_hosts
        .iter()
        .map(|name| name.to_ascii_lowercase())
        .collect();
    let origin = plan.external_url.as_ref().and_then(|url| {
        let (scheme, rest) = url.expose().split_once("://")?;
        let host = rest.split('/').next().unwrap_or(rest);
        let host = host
            .rsplit_once('@')
            .map_or(host, |(_, host)| host)
            .to_ascii_lowercase();
        names.push(host.clone());
        Some(format!("{scheme}://{host}"))
    });
    Hosts { names, origin }
}

fn unix_now() -> f64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

/// What the routes see of the sidecar.
struct Outlook {
    snapshots: watch::Receiver<Snapshots>,
    own: Arc<Mutex<Option<Arc<Part>>>>,
    reload: mpsc::Sender<oneshot::Sender<ReloadAnswer>>,
    probes: Arc<Probes>,
    looked: Arc<AtomicBool>,
    was_ready: AtomicBool,
}

impl Site for Outlook {
    fn snapshots(&self) -> Vec<Arc<Snapshot>> {
        fleet::newest(&self.snapshots.borrow())
    }

    fn probe(
        &self,
        target: String,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Arc<Snapshot>, ProbeRefusal>> {
        Box::pin(async move { self.probes.probe(&target, wait).await })
    }

    /// Servers that join later, because a file or a name changes, do not take readiness back.
    fn waiting(&self) -> (usize, usize) {
        let servers = self.snapshots.borrow().clone();
        let was_ready = self.was_ready.load(Ordering::Relaxed);
        let waits = |shown: &&Shown| {
            let counts = !was_ready || shown.origin == Origin::Configured;
            counts && shown.snapshots.borrow().status.up.is_none()
        };
        let looking = usize::from(!self.looked.load(Ordering::Relaxed));
        let waiting = servers.iter().filter(waits).count() + looking;
        if waiting == 0 {
            self.was_ready.store(true, Ordering::Relaxed);
        }
        (waiting, servers.len() + looking)
    }

    fn own_part(&self) -> Option<Arc<Part>> {
        self.own
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn reload(&self) -> BoxFuture<'static, ReloadAnswer> {
        let (answer, answered) = oneshot::channel();
        let asked = self.reload.try_send(answer);
        Box::pin(async move {
            let busy = || vec!["a reload is under way; try again in a moment".to_owned()];
            asked.map_err(|_| busy())?;
            answered.await.map_err(|_| busy())?
        })
    }
}
