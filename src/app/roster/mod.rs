//! Which servers there are: those of the configuration, of a file, behind names, and those that brokers tell of.
//!
//! Nothing here polls. Looks at the file and lookups are tasks of the roster; what they find changes what is
//! [wanted](Roster::wanted), and the fleet follows.

mod file;
mod found;
mod names;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::collect::PeerAddress;
use crate::config::{Pid, Plan, SERVERS_MAX, ServerPlan};
use crate::selfmon::SelfMonitor;
use crate::source::dns::{Lookup, LookupError};
use crate::source::http::Target;

use file::{Look, Watched};
use found::Found;
use names::Names;

/// How often the roster looks whether something is due.
const TICK: Duration = Duration::from_secs(2);
/// Lookups under way at once: each may hold a thread for as long as the system's resolver takes.
const LOOKUPS_MAX: usize = 4;

/// How natsight knows of a server. In this order they take precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Origin {
    Configured,
    File,
    Dns,
    Discovered,
}

impl Origin {
    pub(super) const ALL: [Self; 4] = [Self::Configured, Self::File, Self::Dns, Self::Discovered];

    /// Label value.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::File => "file",
            Self::Dns => "dns",
            Self::Discovered => "discovered",
        }
    }

    /// Whether natsight found it, so that it may leave by itself.
    pub(super) fn is_found(self) -> bool {
        matches!(self, Self::Dns | Self::Discovered)
    }
}

/// One server that should be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) origin: Origin,
    pub(super) target: Target,
    pub(super) name: Option<String>,
    pub(super) pid: Pid,
}

/// What the fleet knows of a server that is watched.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) origin: Origin,
    pub(super) target: Target,
    pub(super) up: Option<bool>,
    /// The id that it gave last.
    pub(super) server_id: String,
    /// Whether it is shown under that id: no other target speaks for it.
    pub(super) is_shown: bool,
    pub(super) server_name: String,
    pub(super) nats_cluster: String,
    /// Since it last said who it is.
    pub(super) answer_age: Option<Duration>,
    pub(super) peers: Vec<PeerAddress>,
}

/// The end of a task.
enum Ended {
    File(Look),
    Name(String, Result<Vec<std::net::IpAddr>, LookupError>),
}

/// Knows which servers should be watched.
pub(super) struct Roster {
    configured: Vec<Wanted>,
    file: Watched,
    names: Names,
    found: Found,
    discover: bool,
    forget_after: Duration,
    lookup: Arc<dyn Lookup>,
    monitor: SelfMonitor,
    tasks: JoinSet<Ended>,
    timer: Interval,
}

impl Roster {
    /// A roster that knows of no server yet.
    pub(super) fn new(lookup: Arc<dyn Lookup>, monitor: SelfMonitor) -> Self {
        let mut timer = tokio::time::interval(TICK);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            configured: Vec::new(),
            file: Watched::default(),
            names: Names::default(),
            found: Found::default(),
            discover: false,
            forget_after: Duration::ZERO,
            lookup,
            monitor,
            tasks: JoinSet::new(),
            timer,
        }
    }

    /// Follows another plan. What is known of a file or a name that stays is kept.
    pub(super) fn adopt(&mut self, plan: &Plan) {
        self.discover = plan.discover;
        self.forget_after = plan.forget_after;
        if !plan.discover {
            self.found.forget_discovered();
        }
        self.file.follow(plan.targets_file.clone());
        let plain = plan.servers.iter().filter(|server| !server.by_dns);
        self.configured = plain
            .filter_map(|server| wanted(server, Origin::Configured))
            .collect();
        self.names.set_configured(templates(&plan.servers));
        let of_file = templates(self.file.servers());
        self.names.set_of_file(of_file);
        self.timer.reset_immediately();
    }

    /// Waits for the next thing that may change what is wanted. Safe to drop at any time.
    pub(super) async fn event(&mut self) {
        loop {
            let changed = tokio::select! {
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok(ended) => self.end(ended),
                    Err(_) => false,
                },
                _ = self.timer.tick() => {
                    self.begin_look();
                    self.begin_lookups();
                    // Servers that were found may have to leave.
                    self.discover || !self.names.is_empty()
                }
            };
            if changed {
                return;
            }
        }
    }

    /// Whether the file or a name was not looked at even once.
    pub(super) fn is_pending(&self) -> bool {
        self.file.is_pending() || self.names.is_pending()
    }

    /// Looks at the file, once a tick.
    fn begin_look(&mut self) {
        if let Some(look) = self.file.look() {
            self.tasks.spawn(async move { Ended::File(look.await) });
        }
    }

    /// Begins the lookups that are due, a few at a time.
    fn begin_lookups(&mut self) {
        let now = Instant::now();
        while self.names.under_way() < LOOKUPS_MAX
            && let Some((key, host)) = self.names.next_due(now)
        {
            let lookup = Arc::clone(&self.lookup);
            self.tasks.spawn(async move {
                let found = names::look_up(lookup, &host).await;
                Ended::Name(key, found)
            });
        }
    }

    /// Takes over what a task found; whether that may change what is wanted.
    fn end(&mut self, ended: Ended) -> bool {
        let changed = match ended {
            Ended::File(look) => {
                let changed = self.file.take(look, &self.monitor);
                if changed {
                    self.names.set_of_file(templates(self.file.servers()));
                }
                changed
            }
            Ended::Name(key, found) => {
                self.names.take(&key, found, Instant::now(), &self.monitor);
                true
            }
        };
        self.begin_lookups();
        changed
    }

    /// The servers to watch now, at most [`SERVERS_MAX`]; `seen` are those that are watched.
    pub(super) fn wanted(&mut self, seen: &[Seen], now: Instant) -> Vec<Wanted> {
        self.found.settle(seen, now, self.forget_after);
        self.names.forget(seen, now, self.forget_after);
        if self.discover {
            self.found.discover(seen, now, self.forget_after);
        }
        let file = self.file.servers().iter().filter(|server| !server.by_dns);
        let file = file.filter_map(|server| wanted(server, Origin::File));
        let all = self.configured.iter().cloned().chain(file);
        let dns = self.names.targets().map(|target| (Origin::Dns, target));
        let discovered = self.found.targets();
        let discovered = discovered.map(|target| (Origin::Discovered, target));
        let found = dns
            .chain(discovered)
            .filter(|(_, target)| !self.found.is_alias(target))
            .map(|(origin, target)| Wanted {
                origin,
                target: target.clone(),
                name: None,
                pid: Pid::Auto,
            });
        let mut keys = HashSet::new();
        let mut once: Vec<Wanted> = all
            .chain(found)
            .filter(|wanted| keys.insert(wanted.target.display().to_owned()))
            .collect();
        let left_out = once.split_off(once.len().min(SERVERS_MAX));
        for origin in Origin::ALL {
            let count = left_out.iter().filter(|one| one.origin == origin).count();
            self.monitor
                .targets_left_out
                .with_label_values(&[origin.word()])
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        once
    }

    /// Ends all lookups and looks.
    pub(super) async fn stop(&mut self) {
        self.tasks.shutdown().await;
    }
}

/// A server of the plan or the file, where its URL can be read.
fn wanted(server: &ServerPlan, origin: Origin) -> Option<Wanted> {
    let target = Target::parse(server.url.expose()).ok()?;
    Some(Wanted {
        origin,
        target,
        name: server.name.clone(),
        pid: server.pid,
    })
}

/// Those of the servers that are names for many.
fn templates(servers: &[ServerPlan]) -> Vec<Target> {
    let by_dns = servers.iter().filter(|server| server.by_dns);
    by_dns
        .filter_map(|server| Target::parse(server.url.expose()).ok())
        .collect()
}

/// The path of the file as people wrote it.
fn shown(path: &Option<PathBuf>) -> String {
    path.as_ref()
        .map(|path| path.display().to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
