//! Something that is done to a server again and again, and how that went.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::ask::Harvest;
use super::governor;
use crate::catalog::Origin;
use crate::collect::{
    Collector, Connections, DecodeError, Facts, Lane, Left, Options, Select, Sizes, Spec,
};
use crate::source::http::FetchError;
use crate::source::info::{Greeting, InfoError};
use crate::source::process::{Pid, ProcessError, ProcessSample};

/// The collector that decides whether a server is up.
pub(super) const VARZ: &str = "varz";

/// Longest pause after failures, by slot.
const LIGHT_PAUSE_MAX: Duration = Duration::from_secs(60);
const HEAVY_PAUSE_MAX: Duration = Duration::from_secs(120);
/// Longest pause between searches for a process that was not found. A new life of the server ends it.
const SEARCH_PAUSE_MAX: Duration = Duration::from_secs(600);

/// How often an endpoint is asked that has nothing to tell.
const IDLE_INTERVAL: Duration = Duration::from_secs(60);

/// What a job does.
pub(super) enum Task {
    /// Asks an endpoint.
    Collect(&'static Spec),
    /// Connects to the client port.
    Probe,
    /// Reads the broker's process.
    Process,
}

/// Jobs of one slot wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Light,
    Heavy,
    Probe,
    Process,
}

/// What is lent to a request and comes back with its end.
pub(super) struct Work {
    pub(super) collector: Box<dyn Collector>,
    pub(super) select: Select,
}

pub(super) struct Job {
    pub(super) task: Task,
    pub(super) name: &'static str,
    pub(super) slot: Slot,
    /// Interval that the operator chose.
    pub(super) every: Duration,
    /// Interval in force.
    pub(super) interval: Duration,
    pub(super) due: Instant,
    pub(super) work: Option<Work>,
    /// Requests ended, in any way.
    pub(super) rounds: u64,
    pub(super) failures_in_row: u32,
    /// Ends in a row that found nothing to read.
    pub(super) absent_in_row: u32,
    pub(super) status: Status,
}

/// How a job went last.
#[derive(Clone, Debug, Default)]
pub(super) struct Status {
    /// Nothing before the first end, and where the version lacks the endpoint.
    pub(super) success: Option<bool>,
    pub(super) absent: bool,
    pub(super) took: Duration,
    pub(super) bytes: u64,
    /// Since 1970.
    pub(super) last_success: Option<Duration>,
    pub(super) last_success_at: Option<Instant>,
    pub(super) truncated: bool,
    pub(super) coverage: f64,
    pub(super) error: Option<String>,
    /// Bounded reason of the latest failure.
    pub(super) reason: Option<&'static str>,
    /// What the latest answer did not show.
    pub(super) left: Left,
}

/// The end of one run of a job.
pub(super) struct Done {
    pub(super) job: usize,
    pub(super) started: Instant,
    pub(super) took: Duration,
    /// `server_id` that was known when it began.
    pub(super) server_id: String,
    pub(super) work: Option<Work>,
    pub(super) outcome: Outcome,
}

impl Status {
    /// Takes over what a whole answer tells about itself.
    pub(super) fn note(&mut self, facts: &Facts, left: Left) {
        let (seen, all) = facts.coverage.unwrap_or((1, 1));
        let kept = (left.entities, left.entities + left.missing());
        self.coverage = share(seen, all) * share(kept.0, kept.1);
        self.truncated = seen < all || kept.0 < kept.1;
        self.absent = false;
        self.left = left;
    }
}

#[allow(clippy::cast_precision_loss, reason = "a share for people")]
fn share(seen: u64, all: u64) -> f64 {
    if all == 0 {
        1.0
    } else {
        seen.min(all) as f64 / all as f64
    }
}

pub(super) enum Outcome {
    Answered {
        code: u16,
        bytes: u64,
        result: Result<Box<Harvest>, DecodeError>,
    },
    /// The broker's version does not have the endpoint.
    Absent {
        code: u16,
    },
    Failed(FetchError),
    Greeted(Result<Greeting, InfoError>),
    Sampled(Result<(Pid, ProcessSample), ProcessError>),
    /// The run did not come to its end.
    Lost,
}

impl Job {
    /// From the start of one run to the start of the next.
    pub(super) fn pause(&self) -> Duration {
        let (every, failures) = (self.interval, self.failures_in_row);
        match self.slot {
            Slot::Heavy => governor::backed_off(every, failures, HEAVY_PAUSE_MAX),
            Slot::Light if self.name != VARZ => {
                governor::backed_off(every, failures, LIGHT_PAUSE_MAX)
            }
            // To search all processes and sockets costs more than all else that is done for a small server.
            Slot::Process => governor::backed_off(every, self.absent_in_row, SEARCH_PAUSE_MAX),
            Slot::Light | Slot::Probe => every,
        }
    }

    /// The operator's interval, or a longer one while there is nothing to read.
    pub(super) fn resting(&self, sizes: &Sizes) -> Duration {
        match &self.task {
            Task::Collect(spec) if (spec.idle)(sizes) => self.every.max(IDLE_INTERVAL),
            _ => self.every,
        }
    }

    /// Asks as if never before: nothing that was learnt of another life delays it.
    pub(super) fn ask_anew(&mut self, now: Instant) {
        self.due = now;
        (self.failures_in_row, self.absent_in_row) = (0, 0);
        (self.interval, self.status.absent) = (self.every, false);
    }

    pub(super) fn collect(
        spec: &'static Spec,
        every: Duration,
        options: &Options,
        now: Instant,
    ) -> Self {
        let select = match (spec.origin, options.connections) {
            (Origin::Connz, Connections::Top) => Select::top(options.top),
            // Of closed ones there is no "all": the broker remembers some.
            (Origin::Closed, _) => Select::top(options.top),
            _ => Select::all(),
        };
        let slot = match spec.lane {
            Lane::Light => Slot::Light,
            Lane::Heavy => Slot::Heavy,
        };
        let work = Work {
            collector: (spec.make)(options),
            select: select
                .with_scope(Arc::clone(&options.scope))
                .with_new_max(options.series_new_max),
        };
        let every = every.max(spec.interval_min);
        Self::new(Task::Collect(spec), spec.name, slot, every, Some(work), now)
    }

    /// Whether it has series as a collector: not where the broker's version lacks the endpoint, and not probes, which
    /// have families of their own.
    pub(super) fn is_shown(&self) -> bool {
        !self.status.absent && !matches!(self.task, Task::Probe)
    }

    /// Whether the latest request gave a whole answer. A collector that is not asked because the server is down did not
    /// succeed. Nothing before the first end.
    pub(super) fn succeeded(&self, up: bool) -> Option<bool> {
        let asked = matches!(self.task, Task::Collect(_));
        self.status.success.map(|success| success && (up || !asked))
    }

    pub(super) fn probe(every: Duration, now: Instant) -> Self {
        Self::new(Task::Probe, "probe", Slot::Probe, every, None, now)
    }

    pub(super) fn process(every: Duration, now: Instant) -> Self {
        Self::new(Task::Process, "process", Slot::Process, every, None, now)
    }

    fn new(
        task: Task,
        name: &'static str,
        slot: Slot,
        every: Duration,
        work: Option<Work>,
        due: Instant,
    ) -> Self {
        let status = Status {
            coverage: 1.0,
            ..Status::default()
        };
        Self {
            task,
            name,
            slot,
            every,
            interval: every,
            due,
            work,
            rounds: 0,
            failures_in_row: 0,
            absent_in_row: 0,
            status,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_not_found_is_sought_more_and_more_rarely() {
        let now = Instant::now();
        let mut job = Job::process(Duration::from_secs(5), now);
        let mut pauses = Vec::new();
        for found_nothing in [0, 1, 2, 3, 7, 8, 100] {
            job.absent_in_row = found_nothing;
            pauses.push(job.pause().as_secs());
        }
        assert_eq!(pauses, [5, 5, 10, 20, 320, 600, 600]);
        job.status.absent = true;
        job.ask_anew(now);
        assert_eq!((job.pause().as_secs(), job.status.absent), (5, false));
    }
}
