//! The loop of one server: what is due, what came back, what is shown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::ask::{self, Harvest, Question};
use super::budget::Share;
use super::governor::{self, Load};
use super::job::{Done, Job, Outcome, Slot, Task, VARZ};
use super::observed::Observed;
use super::registry::Refusal;
use super::{ProcessChoice, Watch, process};
use crate::collect::{Context, Facts, specs};
use crate::expose::{ForeignBuilder, Part, PartBuilder, Snapshot, Source};
use crate::source::process::{Pid, ProcessSample};
use crate::state::{CollectorStatus, ServerStatus};

/// What natsight saw itself is a part under this name.
pub(super) const OBSERVED: &str = "observed";
/// Failures after which what a collector gave is not shown any more.
const FAILURES_SHOWN_MAX: u32 = 2;
/// Intervals after which an answer is too old to be shown, whatever happened since.
const AGE_INTERVALS_MAX: u32 = 3;

/// Watches one server until it is told to stop.
pub struct Poller {
    watch: Watch,
    jobs: Vec<Job>,
    busy: Vec<Slot>,
    /// Identity of the broker's current life; the labels stay when it has gone.
    context: Arc<Context>,
    /// Cluster and name of the server that was last shown here.
    last_name: (String, String),
    client_port: Option<u16>,
    version: String,
    up: Option<bool>,
    /// Why another target is shown instead of this one.
    refused: Option<Refusal>,
    observed: Observed,
    parts: BTreeMap<&'static str, Arc<Part>>,
    costs: BTreeMap<&'static str, Duration>,
    round_trip: Duration,
    process: Option<(Pid, u64)>,
    share: Share,
    /// Where in an interval this server's rounds lie, 0 to 1.
    offset: f64,
    publish: watch::Sender<Arc<Snapshot>>,
    /// Since when something waits to be published.
    unpublished: Option<Instant>,
}

impl Poller {
    /// A poller and where its snapshots appear.
    pub fn new(watch: Watch) -> (Self, watch::Receiver<Arc<Snapshot>>) {
        let now = Instant::now();
        let rules = Arc::clone(&watch.rules);
        let wanted = specs().filter(|spec| (spec.wanted)(&rules.options));
        let mut jobs: Vec<_> = wanted
            .map(|spec| {
                Job::collect(
                    spec,
                    rules.every.of(spec.origin.tier()),
                    &rules.options,
                    now,
                )
            })
            .collect();
        jobs.extend(rules.probe.map(|every| Job::probe(every, now)));
        if watch.process != ProcessChoice::Off {
            jobs.push(Job::process(rules.every.light, now));
        }
        let context = Arc::new(nobody(&watch));
        let (publish, published) = watch::channel(Arc::new(Snapshot::default()));
        let share = Share::new(&watch);
        let poller = Self {
            watch,
            jobs,
            busy: Vec::new(),
            context,
            last_name: Default::default(),
            client_port: None,
            version: String::new(),
            up: None,
            refused: None,
            observed: Observed::default(),
            parts: BTreeMap::new(),
            costs: BTreeMap::new(),
            round_trip: Duration::MAX,
            process: None,
            share,
            offset: fastrand::f64(),
            publish,
            unpublished: None,
        };
        (poller, published)
    }

    /// Polls until `stop` changes. What is under way then is dropped.
    pub async fn run(mut self, mut stop: watch::Receiver<()>) {
        let mut permit = tokio::select! {
            _ = stop.changed() => return,
            permit = Arc::clone(&self.watch.rules.first_rounds).acquire_owned() => permit.ok(),
        };
        self.publish();
        let mut under_way: FuturesUnordered<BoxFuture<'static, Done>> = FuturesUnordered::new();
        loop {
            while let Some(job) = self.next_job() {
                under_way.push(self.start(job));
            }
            self.publish_when_due();
            let wake = self.wake();
            tokio::select! {
                biased;
                _ = stop.changed() => return,
                Some(done) = under_way.next() => self.finish(done),
                () = tokio::time::sleep_until(wake) => {}
            }
            self.end_of_first_round(&mut permit);
        }
    }

    /// Servers that begin together take turns, so that a start does not hit a fleet all at once.
    fn end_of_first_round(&self, permit: &mut Option<OwnedSemaphorePermit>) {
        // Heavy requests that hang in some servers must not keep others from being asked at all.
        if permit.is_some()
            && (self.up == Some(false) || self.refused.is_some() || self.light_tried())
        {
            *permit = None;
        }
    }

    fn first_round_is_over(&self) -> bool {
        let tried = |job: &Job| job.rounds > 0 || !self.may_start(job);
        self.up == Some(false) || (self.up.is_some() && self.jobs.iter().all(tried))
    }

    /// The job to start now, if any: one for each slot, the one that waits longest, varz before others of its time. A slow
    /// one that is always due again must not keep the rest of its slot from being asked.
    fn next_job(&self) -> Option<usize> {
        let now = Instant::now();
        let ready = |place: &usize| {
            let job = &self.jobs[*place];
            job.due <= now && !self.busy.contains(&job.slot) && self.may_start(job)
        };
        (0..self.jobs.len())
            .filter(ready)
            .min_by_key(|place| self.jobs[*place].due)
    }

    /// Asks varz next when a light answer did not come: a server that froze must not look up while each of its endpoints in
    /// turn takes its whole time.
    fn doubt(&mut self, failed: usize) {
        let job = &self.jobs[failed];
        // Any answer, be it a refusal, shows that the server is there.
        let silent = matches!(
            job.status.reason,
            Some("timeout" | "refused" | "unreachable")
        );
        if job.slot != Slot::Light || job.name == VARZ || !silent {
            return;
        }
        let waiting = self.jobs.iter().filter(|job| job.slot == Slot::Light);
        let first = waiting.map(|job| job.due).min();
        if let Some(varz) = self.jobs.iter_mut().find(|job| job.name == VARZ) {
            varz.due = first.unwrap_or(varz.due).min(Instant::now());
        }
    }

    /// Answers without an identity need varz before them; heavy ones also need the cheap counts.
    fn may_start(&self, job: &Job) -> bool {
        match &job.task {
            Task::Collect(spec) if spec.name == VARZ => true,
            _ if self.refused.is_some() => false,
            Task::Collect(_) if self.up != Some(true) => false,
            Task::Collect(_) => job.slot == Slot::Light || self.light_tried(),
            Task::Probe | Task::Process => self.client_port.is_some(),
        }
    }

    fn light_tried(&self) -> bool {
        self.jobs
            .iter()
            .filter(|job| job.slot == Slot::Light)
            .all(|job| job.rounds > 0)
    }

    fn wake(&self) -> Instant {
        let idle = self
            .jobs
            .iter()
            .filter(|job| !self.busy.contains(&job.slot) && self.may_start(job));
        let far = Instant::now() + Duration::from_secs(3600);
        let held = self.unpublished.map(|since| since + TOGETHER);
        idle.map(|job| job.due).chain(held).min().unwrap_or(far)
    }

    fn start(&mut self, place: usize) -> BoxFuture<'static, Done> {
        let now = Instant::now();
        let deadline = self.watch.rules.light.deadline;
        let job = &mut self.jobs[place];
        self.busy.push(job.slot);
        if job.rounds > 0 && now > job.due + job.interval / 2 {
            self.observed.late(job.name);
        }
        let server_id = self.context.server_id.clone();
        let done = move |took, outcome| Done {
            job: place,
            started: now,
            took,
            server_id,
            work: None,
            outcome,
        };
        let port = self.client_port.unwrap_or_default();
        match &job.task {
            Task::Collect(spec) => Box::pin(ask::ask(Question {
                job: place,
                spec,
                broker: Arc::clone(&self.watch.broker),
                rules: Arc::clone(&self.watch.rules),
                name: self.watch.name.clone(),
                context: Arc::clone(&self.context),
                terms: self
                    .share
                    .terms(job.name, &self.watch.rules.options, self.context.sizes),
                work: job
                    .work
                    .take()
                    .expect("a job that is not under way has its collector"),
            })),
            Task::Probe => {
                let broker = Arc::clone(&self.watch.broker);
                Box::pin(async move {
                    let greeting = broker.greet(port, deadline).await;
                    done(now.elapsed(), Outcome::Greeted(greeting))
                })
            }
            Task::Process => {
                let (choice, known) = (self.watch.process, self.process);
                Box::pin(async move {
                    let look =
                        tokio::task::spawn_blocking(move || process::sample(choice, port, known));
                    match look.await {
                        Ok(sample) => done(now.elapsed(), Outcome::Sampled(sample)),
                        Err(_) => done(now.elapsed(), Outcome::Lost),
                    }
                })
            }
        }
    }

    fn finish(&mut self, done: Done) {
        let Done {
            job: place,
            started,
            took,
            server_id,
            work,
            outcome,
        } = done;
        let slot = self.jobs[place].slot;
        self.busy.retain(|busy| *busy != slot);
        let job = &mut self.jobs[place];
        job.work = work;
        job.rounds += 1;
        job.status.took = took;
        let name = job.name;
        let result = match outcome {
            Outcome::Answered {
                code,
                bytes,
                result,
            } => {
                self.jobs[place].status.bytes = bytes;
                self.count(place, code.to_string().into(), took);
                result
                    .map_err(|fault| (fault.reason(), fault.to_string()))
                    .and_then(|harvest| self.harvest(place, *harvest, &server_id, took))
            }
            Outcome::Absent { code } => {
                self.count(place, code.to_string().into(), took);
                self.jobs[place].status.absent = true;
                Ok(())
            }
            Outcome::Failed(error) => {
                self.count(place, ask::code(&error), took);
                Err((error.reason(), error.to_string()))
            }
            Outcome::Greeted(Ok(greeting)) => {
                self.observed.probe(Ok(greeting.took));
                Ok(())
            }
            Outcome::Greeted(Err(error)) => {
                self.observed.probe(Err(error.reason()));
                Err((error.reason(), error.to_string()))
            }
            Outcome::Sampled(Ok((pid, sample))) => {
                self.sampled(pid, &sample);
                Ok(())
            }
            Outcome::Sampled(Err(error)) if self.watch.process == ProcessChoice::Find => {
                // A process that natsight was not told of may well be out of sight: that is no fault, but worth a line.
                let status = &mut self.jobs[place].status;
                if !status.absent {
                    let (server, error) = (self.context.server_name.as_str(), error.to_string());
                    tracing::info!(server, error, "process not visible");
                }
                status.absent = true;
                Ok(())
            }
            Outcome::Sampled(Err(error)) => Err((error.reason(), error.to_string())),
            Outcome::Lost => Err(("lost", "the look at the process was lost".to_owned())),
        };
        self.conclude(place, started, result);
        if name == VARZ {
            self.note_up();
        } else if server_id != self.context.server_id {
            // It was asked of the life before this one.
            self.jobs[place].ask_anew(Instant::now());
        }
        self.settle();
        self.unpublished.get_or_insert_with(Instant::now);
        self.release(place);
    }

    /// Gives back the room that an answer drew, once what is shown is counted.
    fn release(&mut self, place: usize) {
        if let Some(work) = &mut self.jobs[place].work {
            work.select.release();
        }
    }

    fn count(&mut self, place: usize, code: std::borrow::Cow<'static, str>, took: Duration) {
        if let Task::Collect(spec) = &self.jobs[place].task {
            self.observed.request(spec.handler, code, took);
        }
    }

    /// Takes over a whole answer.
    fn harvest(
        &mut self,
        place: usize,
        harvest: Harvest,
        asked_of: &str,
        took: Duration,
    ) -> Result<(), (&'static str, String)> {
        let Harvest {
            builder,
            context,
            facts,
            left,
        } = harvest;
        let name = self.jobs[place].name;
        if name == VARZ {
            self.claim(&context)?;
            self.adopt(context, &facts);
            self.wake_resting();
        } else if asked_of != self.context.server_id
            || facts.server_id.as_deref().is_some_and(|id| id != asked_of)
        {
            return Err((
                "restarted",
                "the server started again while it was asked".to_owned(),
            ));
        }
        Context::learn(&mut self.context, &facts);
        let heavy = self.jobs[place].slot == Slot::Heavy;
        if heavy {
            let predicted = governor::predicted(name, self.context.sizes);
            let before = self.costs.get(name).copied();
            let cost = governor::measured(before, took, self.round_trip.min(took), predicted);
            self.costs.insert(name, cost);
        } else {
            self.round_trip = self.round_trip.min(took);
        }
        self.observed.dropped(name, "duplicate", left.duplicates);
        self.observed.dropped(name, "negative", builder.negative());
        for (reason, count) in &facts.dropped {
            self.observed.dropped(name, reason, *count);
        }
        self.share.note(name, &left);
        self.jobs[place].status.note(&facts, left);
        if name != VARZ && self.is_given_up() {
            // What the server reported is not shown any more.
            return Ok(());
        }
        let details = match &self.jobs[place].task {
            Task::Collect(spec) => self.watch.rules.options.details(spec.origin),
            Task::Probe | Task::Process => false,
        };
        self.set_part(place, builder.with_details(details));
        Ok(())
    }

    /// Asks whether this target may speak for the server that answered. One that may not shows nothing of it, under
    /// an identity that no other target has.
    fn claim(&mut self, context: &Context) -> Result<(), (&'static str, String)> {
        let now = Instant::now();
        let until = now
            + self.watch.rules.every.light * FAILURES_SHOWN_MAX
            + self.watch.rules.light.deadline;
        let shown = self.watch.broker.shown();
        let name = (context.nats_cluster.as_str(), context.server_name.as_str());
        let claim = self.watch.registry.claim(
            self.watch.place,
            &shown,
            &context.server_id,
            name,
            now,
            until,
        );
        self.refused = claim.err();
        let Some(refusal) = &self.refused else {
            return Ok(());
        };
        let told = (refusal.reason(), refusal.text());
        self.be_nobody();
        Err(told)
    }

    /// Lets go of an identity that another target has by now: the server that this target does not reach any more came
    /// back elsewhere. Until the next round here, `app` leaves this one out, so that no series is there twice.
    fn yield_identity(&mut self) {
        let Context {
            server_id,
            server_name,
            nats_cluster,
            ..
        } = &*self.context;
        let (registry, place) = (&self.watch.registry, self.watch.place);
        let name = (nats_cluster.as_str(), server_name.as_str());
        if server_id.is_empty() || !registry.is_taken(place, server_id, name, Instant::now()) {
            return;
        }
        let target = self.watch.broker.shown();
        tracing::info!(
            server = server_name.as_str(),
            target,
            "another target shows this server now; this one is shown by its address"
        );
        self.be_nobody();
    }

    /// Shows nothing of the server, under an identity that no other target has.
    fn be_nobody(&mut self) {
        self.parts.retain(|name, _| *name == OBSERVED);
        self.context = Arc::new(Context {
            server_name: self.watch.broker.host_port(),
            ..Context::default()
        });
    }

    /// Takes over the identity that varz gave. A new `server_id` is a new life: nothing of the old one stays.
    fn adopt(&mut self, mut context: Context, facts: &Facts) {
        if context.server_id == self.context.server_id {
            context.accounts = Arc::clone(&self.context.accounts);
        } else {
            if !self.context.server_id.is_empty() {
                tracing::info!(
                    server = context.server_name.as_str(),
                    version = facts.version.as_str(),
                    "server started again"
                );
            }
            self.parts
                .retain(|name, _| *name == OBSERVED || *name == PROCESS);
            for job in self.jobs.iter_mut().filter(|job| job.name != VARZ) {
                job.ask_anew(Instant::now());
            }
        }
        self.last_name = (context.nats_cluster.clone(), context.server_name.clone());
        self.client_port = facts.client_port.or(self.client_port);
        self.version.clone_from(&facts.version);
        self.context = Arc::new(context);
    }

    fn sampled(&mut self, pid: Pid, sample: &ProcessSample) {
        self.process = Some((pid, sample.start_ticks));
        let mut builder = PartBuilder::new(&ask::labels(&self.context), self.watch.rules.twins);
        process::rows(sample, &mut builder);
        if let Some(place) = self.jobs.iter().position(|job| job.name == PROCESS) {
            self.jobs[place].status.absent = false;
            self.set_part(place, builder);
        }
    }

    fn set_part(&mut self, place: usize, builder: PartBuilder) {
        let now = Instant::now();
        let name = self.jobs[place].name;
        self.note_interval(place);
        let until = now + self.jobs[place].interval * AGE_INTERVALS_MAX;
        let source = Source {
            server: self.watch.place,
            collector: name,
        };
        self.parts.insert(
            name,
            Arc::new(builder.finish(source, now.into_std(), Some(until.into_std()))),
        );
    }

    /// The interval in force: the operator's, stretched by cost.
    fn note_interval(&mut self, place: usize) {
        let cpu_max = self.watch.rules.broker_cpu_max;
        let sizes = self.context.sizes;
        let load = |job: &Job| Load {
            every: job.every,
            cost: self
                .costs
                .get(job.name)
                .copied()
                .unwrap_or_else(|| governor::predicted(job.name, sizes)),
        };
        let job = &self.jobs[place];
        let interval = match job.slot {
            Slot::Heavy => {
                let heavy = self.jobs.iter().filter(|job| job.slot == Slot::Heavy);
                governor::interval(load(job), heavy.map(load), cpu_max)
            }
            Slot::Light | Slot::Probe | Slot::Process => job.resting(&sizes),
        };
        self.jobs[place].interval = interval;
    }

    /// Asks at once what rested, where varz tells that there is something to read now.
    fn wake_resting(&mut self) {
        let sizes = self.context.sizes;
        let resting = |job: &&mut Job| job.slot == Slot::Light && job.interval > job.every;
        for job in self.jobs.iter_mut().filter(resting) {
            if job.resting(&sizes) == job.every {
                (job.interval, job.due) = (job.every, job.due.min(Instant::now()));
            }
        }
    }

    /// Notes how a job ended, what stays on the page, and when it is due again.
    fn conclude(
        &mut self,
        place: usize,
        started: Instant,
        result: Result<(), (&'static str, String)>,
    ) {
        self.note_interval(place);
        let server = self.context.server_name.as_str();
        let job = &mut self.jobs[place];
        match result {
            Ok(()) => {
                if job.status.success == Some(false) && job.failures_in_row > 0 {
                    tracing::info!(server, collector = job.name, "works again");
                }
                job.failures_in_row = 0;
                job.absent_in_row = match job.status.absent {
                    true => job.absent_in_row.saturating_add(1),
                    false => 0,
                };
                (job.status.error, job.status.reason) = (None, None);
                job.status.success = (!job.status.absent).then_some(true);
                if !job.status.absent {
                    job.status.last_success = SystemTime::now()
                        .duration_since(SystemTime::UNIX_EPOCH)
                        .ok();
                    job.status.last_success_at = Some(Instant::now());
                }
            }
            Err((reason, text)) => {
                if job.name == VARZ && !matches!(reason, "same_server" | "same_name") {
                    self.refused = None;
                }
                if job.failures_in_row == 0 || job.status.reason != Some(reason) {
                    tracing::warn!(server, collector = job.name, reason, error = text, "failed");
                }
                job.failures_in_row += 1;
                job.status.success = Some(false);
                (job.status.coverage, job.status.truncated) = (0.0, reason == TOO_LARGE);
                (job.status.error, job.status.reason) = (Some(text), Some(reason));
                self.observed.failure(job.name, reason);
            }
        }
        self.schedule(place, started);
        self.doubt(place);
        self.forget_missed(place);
    }

    fn schedule(&mut self, place: usize, started: Instant) {
        let offset = self.offset;
        let job = &mut self.jobs[place];
        let pause = job.pause();
        // The first round runs at once; the second gives each server its own place in the interval.
        let pause = if job.rounds == 1 {
            pause.mul_f64(offset)
        } else {
            pause
        };
        job.due = started + pause;
    }

    fn forget_missed(&mut self, place: usize) {
        let job = &self.jobs[place];
        if job.failures_in_row < FAILURES_SHOWN_MAX && !job.status.absent {
            return;
        }
        if job.name == VARZ {
            self.parts
                .retain(|name, _| *name == OBSERVED || *name == PROCESS);
        } else {
            self.parts.remove(job.name);
        }
    }

    /// Whether varz was missed so often that nothing of the server is shown.
    fn is_given_up(&self) -> bool {
        let varz = self.jobs.iter().find(|job| job.name == VARZ);
        varz.is_some_and(|varz| varz.failures_in_row >= FAILURES_SHOWN_MAX)
    }

    fn note_up(&mut self) {
        let Some(varz) = self.jobs.iter().find(|job| job.name == VARZ) else {
            return;
        };
        // A refused target did answer.
        let up = varz
            .status
            .success
            .map(|success| success || self.refused.is_some());
        let server = self.context.server_name.as_str();
        match (self.up, up) {
            _ if self.refused.is_some() => {}
            (None | Some(false), Some(true)) => {
                tracing::info!(server, version = self.version.as_str(), "server is up");
                // Who waited for the server is not late, and what left the page with it is asked for again at once,
                // however far its interval was stretched.
                let now = Instant::now();
                for job in &mut self.jobs {
                    let gone = !self.parts.contains_key(job.name);
                    job.due = if gone { now } else { job.due.max(now) };
                }
            }
            (None | Some(true), Some(false)) => tracing::warn!(server, "server is down"),
            _ => {}
        }
        self.up = up;
        if up == Some(false) {
            self.yield_identity();
        }
    }

    /// The answers of a light round come within milliseconds and are published together: what natsight saw itself is then
    /// written once, not after each of them.
    fn publish_when_due(&mut self) {
        let Some(since) = self.unpublished else {
            return;
        };
        let in_round = self.busy.contains(&Slot::Light);
        if !in_round || Instant::now() >= since + TOGETHER {
            self.publish();
        }
    }

    fn publish(&mut self) {
        self.unpublished = None;
        let mut builder = PartBuilder::new(&ask::labels(&self.context), self.watch.rules.twins);
        let target = self.watch.broker.shown();
        self.observed.rows(
            &self.context.server_name,
            &target,
            self.up,
            &self.jobs,
            &mut builder,
        );
        // Whoever was refused is another target of a server, or takes its name.
        let views = self.watch.rules.wanted();
        for view in views.filter(|_| self.refused.is_none()) {
            let mut rows = ForeignBuilder::new(view.tool());
            view.watched(self.up == Some(true), &mut rows);
            builder = builder.with_foreign(rows);
        }
        let source = Source {
            server: self.watch.place,
            collector: OBSERVED,
        };
        let now = Instant::now().into_std();
        self.parts
            .insert(OBSERVED, Arc::new(builder.finish(source, now, None)));
        self.settle();
        let snapshot = Snapshot {
            parts: self.parts.values().cloned().collect(),
            status: self.status(target),
        };
        self.publish.send_replace(Arc::new(snapshot));
    }

    /// Takes expired parts away, and counts what is left.
    fn settle(&mut self) {
        let now = Instant::now().into_std();
        self.parts.retain(|_, part| part.is_alive(now));
        let tried = self.first_round_is_over();
        self.share.settle(&self.jobs, &self.parts, tried);
    }

    fn status(&self, target: String) -> ServerStatus {
        let shown = self
            .jobs
            .iter()
            .filter(|job| job.is_shown() && job.status.success.is_some());
        let collectors = shown.map(|job| CollectorStatus {
            name: job.name,
            success: job.succeeded(self.up == Some(true)) == Some(true),
            duration_seconds: job.status.took.as_secs_f64(),
            succeeded_at: job.status.last_success_at.map(Instant::into_std),
            truncated: job.status.truncated,
            coverage: job.status.coverage,
            error: job.status.error.clone(),
        });
        let varz = self.jobs.iter().find(|job| job.name == VARZ);
        ServerStatus {
            server_name: self.context.server_name.clone(),
            server_id: self.context.server_id.clone(),
            nats_cluster: self.context.nats_cluster.clone(),
            last_name: self.last_name.clone(),
            version: self.version.clone(),
            up: self.up,
            first_round_over: self.first_round_is_over(),
            target,
            answered_at: varz
                .and_then(|job| job.status.last_success_at)
                .map(Instant::into_std),
            collectors: collectors.collect(),
        }
    }
}

/// The identity before the server gave its own.
fn nobody(watch: &Watch) -> Context {
    let name = watch
        .name
        .clone()
        .unwrap_or_else(|| watch.broker.host_port());
    Context {
        server_name: name,
        ..Context::default()
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.watch.registry.release(self.watch.place);
    }
}

/// How long an answer may wait for others of its round before it is published.
const TOGETHER: Duration = Duration::from_millis(50);
/// Reason of an answer that was cut at its byte limit.
const TOO_LARGE: &str = "too_large";
/// The job that reads the broker's process; natsight sees it itself.
const PROCESS: &str = "process";
