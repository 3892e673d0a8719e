//! Locks that goroutines wait for, over several dumps of one process: which, who waits where, and what the lock is called.
//!
//! The sign of contention is the mean number of goroutines that wait for one lock; a lock that somebody has waited for over minutes is
//! suspected of a deadlock. Waiting that is normal (`sync.Cond.Wait` of idle write loops, `select`, network) is none of it.

use std::collections::HashMap;

use serde::Serialize;

use super::dump::{Dump, Waiter};

/// Minutes of waiting for one lock from which on a deadlock is suspected: Go tells whole minutes only, and no lock of a broker that works
/// is held for one.
const DEADLOCK_MINUTES: u64 = 1;
/// Mean waiters on one lock that make it a problem: measured 15 under 40 publishers to one subscriber, below 0.1 under a JetStream load.
pub const CONTENDED_MEAN: f64 = 3.0;
/// Sites told of one lock, and locks told at all.
const SITES_MAX: usize = 8;
const LOCKS_MAX: usize = 20;

/// What the dumps say of locks.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Locks {
    /// How many dumps.
    pub dumps: usize,
    /// Goroutines, as a mean.
    pub goroutines: f64,
    /// Goroutines that wait for any lock, as a mean.
    pub waiting: f64,
    /// Most waited for first.
    pub locks: Vec<Lock>,
}

/// A lock.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lock {
    /// What it is, in plain words.
    pub name: String,
    /// Goroutines that wait for it, as a mean over the dumps.
    pub waiting: f64,
    /// The longest that somebody has waited, in whole minutes.
    pub minutes: u64,
    /// Whether it looks like a deadlock.
    pub deadlock_suspected: bool,
    /// Where they wait, most first.
    pub sites: Vec<Site>,
}

/// A function that waits for a lock.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Site {
    /// Its name.
    pub function: String,
    /// Goroutines that wait there, as a mean.
    pub waiting: f64,
}

impl Locks {
    /// Puts dumps of one life of a process together.
    #[must_use]
    pub fn of(dumps: &[Dump]) -> Self {
        let count = dumps.len().max(1) as f64;
        let mut groups = HashMap::<Group, Vec<&Waiter>>::new();
        for waiter in dumps.iter().flat_map(|dump| &dump.waiters) {
            groups.entry(Group::of(waiter)).or_default().push(waiter);
        }
        let waiting: usize = groups.values().map(Vec::len).sum();
        let mut locks: Vec<_> = groups
            .into_values()
            .map(|waiters| lock(&waiters, count))
            .collect();
        locks.sort_by(|one, two| {
            let weight = |lock: &Lock| (lock.deadlock_suspected, lock.waiting);
            weight(two)
                .partial_cmp(&weight(one))
                .unwrap_or(std::cmp::Ordering::Equal)
                .then_with(|| one.name.cmp(&two.name))
        });
        locks.truncate(LOCKS_MAX);
        let goroutines: u64 = dumps.iter().map(|dump| dump.goroutines).sum();
        Self {
            dumps: dumps.len(),
            goroutines: goroutines as f64 / count,
            waiting: waiting as f64 / count,
            locks,
        }
    }

    /// The lock that is a problem, if one is.
    #[must_use]
    pub fn worst(&self) -> Option<&Lock> {
        self.locks
            .first()
            .filter(|lock| lock.deadlock_suspected || lock.waiting >= CONTENDED_MEAN)
    }

    /// Lines for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} dumps of {:.0} goroutines, {:.1} of them waiting for locks\n",
            self.dumps, self.goroutines, self.waiting
        );
        for lock in self.locks.iter().take(5) {
            let suspicion = if lock.deadlock_suspected {
                format!(", for {} min: a deadlock is suspected", lock.minutes)
            } else {
                String::new()
            };
            text += &format!(
                "{:>6.1} waiting for {}{suspicion}\n",
                lock.waiting, lock.name
            );
            for site in lock.sites.iter().take(3) {
                text += &format!("       {:>6.1} in {}\n", site.waiting, site.function);
            }
        }
        text
    }
}

/// Waiters of one lock by its address; those without one by the place where they wait.
#[derive(PartialEq, Eq, Hash)]
enum Group {
    Lock(u64),
    Site(Box<str>),
}

impl Group {
    fn of(waiter: &Waiter) -> Self {
        match waiter.lock {
            Some(lock) => Self::Lock(lock),
            None => Self::Site(waiter.site.clone()),
        }
    }
}

fn lock(waiters: &[&Waiter], dumps: f64) -> Lock {
    let mut sites = HashMap::<&str, usize>::new();
    for waiter in waiters {
        *sites.entry(&waiter.site).or_default() += 1;
    }
    let mut sites: Vec<_> = sites.into_iter().collect();
    sites.sort_by(|one, two| two.1.cmp(&one.1).then(one.0.cmp(two.0)));
    let minutes = waiters.iter().map(|waiter| waiter.minutes).max();
    let minutes = minutes.unwrap_or(0);
    Lock {
        name: name(sites.iter().map(|(site, _)| *site)),
        waiting: waiters.len() as f64 / dumps,
        minutes,
        deadlock_suspected: minutes >= DEADLOCK_MINUTES,
        sites: sites
            .into_iter()
            .take(SITES_MAX)
            .map(|(function, count)| Site {
                function: function.to_owned(),
                waiting: count as f64 / dumps,
            })
            .collect(),
    }
}

/// Functions of the broker that lock one thing, and what that is. The first row counts in whose function somebody waits.
const NAMES: &[(&str, &str)] = &[
    (
        "(*client).deliverMsg",
        "the outbound lock of one connection, at message delivery",
    ),
    (
        "(*client).flushClients",
        "the outbound lock of one connection, at message delivery",
    ),
    (
        "(*client).writeLoop",
        "the outbound lock of one connection, at writing to the network",
    ),
    (
        "(*client).flushOutbound",
        "the outbound lock of one connection, at writing to the network",
    ),
    (
        "(*client).stalledWait",
        "the outbound lock of one connection, whose reader is slow",
    ),
    (
        "(*client).processMsgResults",
        "the lock of one connection, at the routing of its messages",
    ),
    ("(*client).", "the lock of one connection"),
    ("(*Sublist).", "the index of subscriptions of an account"),
    (
        "(*GenericSublist",
        "the index of subscriptions of an account",
    ),
    ("(*Account).", "the lock of an account"),
    (
        "(*stream).processJetStreamMsg",
        "the lock of a stream, at the storing of a message",
    ),
    (
        "(*stream).processInboundMsg",
        "the lock of a stream, at the storing of a message",
    ),
    ("(*stream).", "the lock of a stream"),
    ("(*consumer).", "the lock of a consumer"),
    ("(*fileStore).", "the file store of a stream"),
    ("(*msgBlock).", "a message block of a file store"),
    ("(*consumerFileStore).", "the state file of a consumer"),
    ("(*memStore).", "the memory store of a stream"),
    ("(*raft).", "the lock of a raft group"),
    (
        "(*jetStream).",
        "the lock of JetStream, which all accounts share",
    ),
    ("(*jsAccount).", "JetStream's lock of an account"),
    ("(*ipQueue", "an internal queue"),
    (
        "(*Server).",
        "the lock of the server, which all connections share",
    ),
];

fn name<'a>(sites: impl Iterator<Item = &'a str> + Clone) -> String {
    let known = NAMES
        .iter()
        .find(|(part, _)| sites.clone().any(|site| site.contains(part)));
    match (known, sites.clone().next()) {
        (Some((_, name)), _) => (*name).to_owned(),
        (None, Some(site)) => format!("a lock taken in {site}"),
        (None, None) => "a lock".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::dump;

    /// A goroutine that waits at `address` in `function`.
    fn waiting(address: &str, function: &str, minutes: &str) -> String {
        format!(
            "goroutine 7 [sync.Mutex.Lock{minutes}]:\nsync.(*Mutex).lockSlow({address})\n\tm.go:1 +0x1\n\
             github.com/nats-io/nats-server/v2/server.{function}(0x1)\n\tc.go:2 +0x1\n\n"
        )
    }

    fn locks(dumps: &[String]) -> Locks {
        let dumps: Vec<_> = dumps
            .iter()
            .map(|text| dump::read(text.as_bytes()).unwrap())
            .collect();
        Locks::of(&dumps)
    }

    #[test]
    fn waiters_are_counted_by_the_address_of_the_lock() {
        let hot = waiting("0xc0a4c", "(*client).deliverMsg", "").repeat(9)
            + &waiting("0xc0a4c", "(*client).flushClients", "").repeat(3)
            + &waiting("0xc0b00", "(*Account).addRM", "");
        let locks = locks(&[hot.clone(), hot]);
        let worst = locks.worst().unwrap();
        assert_eq!(
            (worst.waiting, locks.waiting, locks.locks.len()),
            (12.0, 13.0, 2)
        );
        assert_eq!(
            worst.name,
            "the outbound lock of one connection, at message delivery"
        );
        assert_eq!(worst.sites[0].waiting, 9.0);
        assert!(locks.text().contains("12.0 waiting for the outbound lock"));
    }

    #[test]
    fn the_same_function_at_many_locks_is_no_contention() {
        let many: String = (0..40)
            .map(|at| waiting(&format!("0xc{at:04x}"), "(*client).deliverMsg", ""))
            .collect();
        assert_eq!(locks(&[many]).worst(), None);
    }

    #[test]
    fn minutes_of_waiting_are_suspicious_even_for_one() {
        let locks = locks(&[waiting("0xc1", "(*jetStream).updateMeta", ", 4 minutes")
            + &waiting("0xc2", "(*client).deliverMsg", "").repeat(20)]);
        let worst = locks.worst().unwrap();
        assert_eq!(
            (worst.minutes, worst.deadlock_suspected, &*worst.name),
            (4, true, "the lock of JetStream, which all accounts share")
        );
    }

    #[test]
    fn nobody_waiting_is_no_problem() {
        let locks = locks(&["goroutine 1 [select]:\nmain.f()\n".to_owned()]);
        assert_eq!((locks.worst(), locks.goroutines), (None, 1.0));
    }
}
