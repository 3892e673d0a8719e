//! The verdict on one capture: does the broker lack a resource, or do its goroutines stand in each other's way? With the numbers that say so.

use std::time::Duration;

use serde::Serialize;

use super::locks::Locks;
use super::subsystem::Subsystem;
use super::top::Top;

/// Share of its cores from which a process is short of CPU time.
const CORES_USED: f64 = 0.85;
/// Share of the time in which threads could run that they waited for a processor, from which the machine is short of CPU time; and how many
/// cores more they would have used at least: a broker that hardly does anything waits for a processor, too, and nobody feels it.
const WAITED: f64 = 0.25;
const CORES_MISSED: f64 = 0.25;
/// Seconds of one waiting from which it is for want of CPU time even where processors are idle: a limit of the control group
/// holds all threads back until its next period, which is 100 ms long by default. What it takes to wake up on a virtual machine is some ten microseconds.
const WAIT_LONG: f64 = 1e-3;
/// A change of a part's share that is worth a word.
const CHANGE: f64 = 0.05;

/// What the kernel counted of the process while the capture ran.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Usage {
    /// CPU time over time: 1.0 is one core.
    pub cores: f64,
    /// Cores that it may use: of the machine, its control group, or GOMAXPROCS, whichever is least.
    pub cores_max: f64,
    /// Share of the time in which its threads could run that they waited for a processor (`schedstat`), 0 to 1.
    pub waited_ratio: f64,
    /// Seconds that a thread waited each time it could run, as a mean (`schedstat`).
    pub wait_seconds: f64,
    /// Cores that were idle, of those that it may use (`/proc/stat`); 0 where that is not known, so that waiting counts.
    pub idle_cores: f64,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// CPU time is used up.
    Resource,
    /// A lock is waited for.
    Lock,
    /// Neither.
    None,
}

/// A verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// What it is.
    pub cause: Cause,
    /// The numbers in a sentence.
    pub summary: String,
    /// What changed against the baseline, where there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// What could not be known, and what it would take.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// What is known of a capture.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// Shares of CPU time.
    pub top: Option<&'a Top>,
    /// The same at a time when all was well.
    pub baseline: Option<&'a Top>,
    /// Who waits for which lock.
    pub locks: Option<&'a Locks>,
    /// What the kernel counted.
    pub usage: Option<Usage>,
}

impl Verdict {
    /// Judges. A lock goes before a resource: whoever waits for a lock may use a core by spinning.
    #[must_use]
    pub fn of(known: &Known<'_>) -> Self {
        let mut unknown = Vec::new();
        if known.locks.is_none() {
            unknown.push("locks: take goroutine dumps beside (--locks)".to_owned());
        }
        if known.usage.is_none() {
            unknown.push("CPU shortage: natsight must see the broker's process (--pid)".to_owned());
        }
        let lock = known.locks.and_then(Locks::worst);
        let (cause, summary) = match (lock, known.usage) {
            (Some(lock), _) => (Cause::Lock, lock_sentence(lock)),
            (None, Some(usage)) if is_short(usage) => {
                (Cause::Resource, resource_sentence(usage, known.top))
            }
            (None, usage) => (Cause::None, neither(usage, known)),
        };
        Self {
            cause,
            summary,
            changes: changes(known),
            unknown,
        }
    }

    /// One line for a terminal.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self.cause {
            Cause::Lock => format!("a lock problem: {}", self.summary),
            Cause::Resource => format!("a resource problem: {}", self.summary),
            Cause::None => format!("neither: {}", self.summary),
        }
    }
}

/// Threads that wait while more processors are idle than they would need wait for a wake-up, not for CPU time: 300,000 messages a second
/// took 0.36 of two cores and "waited" 41 % of the time, 52 us each, with 1.4 cores idle.
fn is_short(usage: Usage) -> bool {
    let waited = usage.waited_ratio.min(0.99);
    let missed = usage.cores * waited / (1.0 - waited);
    let waits = waited >= WAITED && missed >= CORES_MISSED;
    usage.cores >= CORES_USED * usage.cores_max
        || (waits && (missed > usage.idle_cores || usage.wait_seconds >= WAIT_LONG))
}

fn lock_sentence(lock: &super::locks::Lock) -> String {
    let site = lock
        .sites
        .first()
        .map_or(String::new(), |site| format!(", most in {}", site.function));
    if lock.deadlock_suspected {
        return format!(
            "{:.1} goroutines wait for {}{site}, one of them for {} min: a deadlock is suspected",
            lock.waiting, lock.name, lock.minutes
        );
    }
    format!(
        "{:.1} goroutines wait for {} at a time{site}",
        lock.waiting, lock.name
    )
}

fn resource_sentence(usage: Usage, top: Option<&Top>) -> String {
    let parts = top.map_or(String::new(), |top| format!("; of it {}", top.parts()));
    format!("{}{parts}", cores(usage))
}

fn cores(usage: Usage) -> String {
    format!(
        "{:.2} of {:.1} cores are used, and threads that could run waited {:.0} % of the time for a processor ({:.0} us each time, {:.1} cores \
         idle)",
        usage.cores,
        usage.cores_max,
        usage.waited_ratio * 100.0,
        usage.wait_seconds * 1e6,
        usage.idle_cores
    )
}

fn neither(usage: Option<Usage>, known: &Known<'_>) -> String {
    let mut parts: Vec<_> = usage.map(cores).into_iter().collect();
    if let Some(locks) = known.locks {
        parts.push(format!(
            "{:.1} of {:.0} goroutines wait for locks",
            locks.waiting, locks.goroutines
        ));
    }
    if let Some(top) = known.top.filter(|top| top.total > 0) {
        let locks = top.share(Subsystem::Locks) * 100.0;
        parts.push(format!("{locks:.0} % of its CPU time goes to locks"));
    }
    if parts.is_empty() {
        parts.push("nothing was measured that would tell".to_owned());
    }
    parts.join("; ")
}

fn changes(known: &Known<'_>) -> Vec<String> {
    let (Some(now), Some(before)) = (known.top, known.baseline) else {
        return Vec::new();
    };
    let mut changes: Vec<_> = Subsystem::ALL
        .iter()
        .map(|part| (*part, before.share(*part), now.share(*part)))
        .filter(|(_, before, now)| (now - before).abs() >= CHANGE)
        .collect();
    changes.sort_by(|one, two| {
        let weight = |change: &(Subsystem, f64, f64)| (change.2 - change.1).abs();
        weight(two).total_cmp(&weight(one))
    });
    changes
        .into_iter()
        .map(|(part, before, now)| {
            format!(
                "{} {:.0} % of CPU time, {:.0} % before",
                part.name(),
                now * 100.0,
                before * 100.0
            )
        })
        .collect()
}

/// What the kernel counts of all threads of a process, `/proc/PID/task/*/schedstat`: time on a processor, time of waiting for one; and of
/// the processors that it may use, `/proc/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Schedule {
    /// Time on a processor.
    pub ran: Duration,
    /// Time in which it could have run.
    pub waited: Duration,
    /// How often a thread was put on a processor.
    pub turns: u64,
    /// Time in which the processors that it may use did nothing, all together.
    pub idle: Duration,
}

impl Schedule {
    /// Use of `cores_max` cores since an earlier look, `span` ago.
    #[must_use]
    pub fn usage(self, before: Self, span: Duration, cores_max: f64) -> Usage {
        let ran = self.ran.saturating_sub(before.ran).as_secs_f64();
        let waited = self.waited.saturating_sub(before.waited).as_secs_f64();
        let idle = self.idle.saturating_sub(before.idle).as_secs_f64();
        let turns = self.turns.saturating_sub(before.turns).max(1);
        let (whole, span) = (ran + waited, span.as_secs_f64().max(1e-3));
        Usage {
            cores: ran / span,
            cores_max,
            waited_ratio: if whole > 0.0 { waited / whole } else { 0.0 },
            wait_seconds: waited / turns as f64,
            idle_cores: idle / span,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{dump, folded};

    fn top(text: &str) -> Top {
        Top::of(&folded::read(text.as_bytes()).unwrap(), 0)
    }

    fn locks(waiters: usize) -> Locks {
        let text = "goroutine 7 [sync.Mutex.Lock]:\nsync.(*Mutex).lockSlow(0xc1)\n\tm.go:1\n\
                    github.com/nats-io/nats-server/v2/server.(*client).deliverMsg(0x1)\n\n"
            .repeat(waiters)
            + "goroutine 1 [select]:\nmain.f()\n";
        Locks::of(&[dump::read(text.as_bytes()).unwrap()])
    }

    fn usage(cores: f64, waited_ratio: f64) -> Usage {
        Usage {
            cores,
            cores_max: 2.0,
            waited_ratio,
            ..Usage::default()
        }
    }

    #[test]
    fn a_contended_lock_is_named_even_where_all_cores_are_used() {
        let verdict = Verdict::of(&Known {
            locks: Some(&locks(15)),
            usage: Some(usage(1.9, 0.5)),
            ..Known::default()
        });
        assert_eq!(verdict.cause, Cause::Lock);
        assert!(
            verdict
                .sentence()
                .contains("15.0 goroutines wait for the outbound lock of one connection"),
            "{verdict:?}"
        );
        assert!(verdict.unknown.is_empty());
    }

    #[test]
    fn cores_used_up_or_waited_for_are_a_resource() {
        for (cores, waited, cause) in [
            (1.8, 0.0, Cause::Resource),
            (0.8, 0.4, Cause::Resource),
            (0.4, 0.7, Cause::Resource),
            (0.1, 0.6, Cause::None),
            (0.9, 0.05, Cause::None),
        ] {
            let verdict = Verdict::of(&Known {
                locks: Some(&locks(0)),
                usage: Some(usage(cores, waited)),
                ..Known::default()
            });
            assert_eq!(verdict.cause, cause, "{cores} {waited}: {verdict:?}");
        }
    }

    #[test]
    fn waiting_beside_idle_processors_is_no_want_of_them_unless_it_is_long() {
        for (idle_cores, wait_seconds, cause) in [
            (1.4, 52e-6, Cause::None),
            (0.1, 52e-6, Cause::Resource),
            (1.4, 20e-3, Cause::Resource),
        ] {
            let usage = Usage {
                idle_cores,
                wait_seconds,
                ..usage(0.4, 0.41)
            };
            let verdict = Verdict::of(&Known {
                usage: Some(usage),
                ..Known::default()
            });
            assert_eq!(verdict.cause, cause, "{usage:?}: {verdict:?}");
        }
    }

    #[test]
    fn what_grew_against_the_baseline_is_told_largest_first() {
        let now = top("runtime.gcDrain 50\nx_[k] 40\nsync.(*Mutex).Lock 10\n");
        let before = top("runtime.gcDrain 10\nx_[k] 60\nsync.(*Mutex).Lock 12\nmain.f 18\n");
        let verdict = Verdict::of(&Known {
            top: Some(&now),
            baseline: Some(&before),
            ..Known::default()
        });
        assert_eq!(
            verdict.changes[0], "gc 50 % of CPU time, 10 % before",
            "{verdict:?}"
        );
        assert_eq!(verdict.unknown.len(), 2);
    }

    #[test]
    fn usage_is_what_came_since() {
        let look = |ran, waited| Schedule {
            ran: Duration::from_secs(ran),
            waited: Duration::from_secs(waited),
            turns: 100 * ran,
            idle: Duration::from_secs(ran),
        };
        let usage = look(15, 6).usage(look(10, 1), Duration::from_secs(10), 2.0);
        assert_eq!((usage.cores, usage.waited_ratio), (0.5, 0.5));
        assert_eq!((usage.wait_seconds, usage.idle_cores), (0.01, 0.5));
    }
}
