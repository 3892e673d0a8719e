//! Servers behind names: each address that `dns+http://name` has, or had not long ago.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Seen;
use super::found::has_moved;
use crate::config::SERVERS_MAX;
use crate::selfmon::SelfMonitor;
use crate::source::dns::{self, Lookup, LookupError};
use crate::source::http::Target;

/// Time between two lookups of a name.
const EVERY: Duration = Duration::from_secs(30);
/// The same after one that gave nothing.
const AGAIN: Duration = Duration::from_secs(5);
/// Longest wait for an answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// All names, by their target as shown.
#[derive(Default)]
pub(super) struct Names {
    configured: Vec<String>,
    all: BTreeMap<String, Name>,
}

struct Name {
    target: Target,
    addresses: BTreeMap<IpAddr, Address>,
    due: Option<Instant>,
    under_way: bool,
    answered: bool,
    /// What the latest lookup gave instead of addresses; also that there were too many.
    fault: Option<String>,
}

struct Address {
    target: Target,
    /// When a lookup last gave it.
    told: Instant,
    /// Whether the latest lookup that gave addresses gave this one.
    is_told: bool,
}

impl Names {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn is_pending(&self) -> bool {
        self.all.values().any(|name| !name.answered)
    }

    pub(super) fn under_way(&self) -> usize {
        self.all.values().filter(|name| name.under_way).count()
    }

    pub(super) fn set_configured(&mut self, targets: Vec<Target>) {
        self.configured = targets.iter().map(|one| one.display().to_owned()).collect();
        // Those of the file follow.
        self.add(targets);
    }

    /// Names of the file; what is neither here nor configured is forgotten.
    pub(super) fn set_of_file(&mut self, targets: Vec<Target>) {
        let known: Vec<_> = targets.iter().map(|one| one.display().to_owned()).collect();
        self.all
            .retain(|key, _| self.configured.contains(key) || known.contains(key));
        self.add(targets);
    }

    fn add(&mut self, targets: Vec<Target>) {
        for target in targets {
            let key = target.display().to_owned();
            let same = self.all.get(&key).is_some_and(|name| name.target == target);
            if !same {
                self.all.insert(key, Name::new(target));
            }
        }
    }

    /// A name whose lookup is due, marked as under way.
    pub(super) fn next_due(&mut self, now: Instant) -> Option<(String, String)> {
        let due = |name: &Name| !name.under_way && name.due.is_none_or(|due| due <= now);
        let (key, name) = self.all.iter_mut().find(|(_, name)| due(name))?;
        name.under_way = true;
        Some((key.clone(), name.target.host().to_owned()))
    }

    /// Takes over what a lookup gave.
    pub(super) fn take(
        &mut self,
        key: &str,
        found: Result<Vec<IpAddr>, LookupError>,
        now: Instant,
        monitor: &SelfMonitor,
    ) {
        let Some(name) = self.all.get_mut(key) else {
            return;
        };
        let (result, fault) = name.take(found, now);
        monitor
            .targets_refreshes
            .with_label_values(&["dns", result])
            .inc();
        match (&name.fault, &fault) {
            (before, Some(error)) if before.as_ref() != Some(error) => {
                let kept = name.addresses.len();
                tracing::warn!(name = key, kept, error, "looking up a name went wrong");
            }
            (Some(_), None) => tracing::info!(name = key, "the name is looked up again"),
            _ => {}
        }
        name.fault = fault;
    }

    /// Lets addresses go that neither a lookup nor the server itself gave a sign of for so long.
    pub(super) fn forget(&mut self, seen: &[Seen], now: Instant, after: Duration) {
        for name in self.all.values_mut() {
            name.addresses.retain(|_, address| {
                if address.is_told && now.saturating_duration_since(address.told) <= after {
                    return true;
                }
                let shown = address.target.display();
                let server = seen.iter().find(|seen| seen.target.display() == shown);
                if !address.is_told && server.is_some_and(|server| has_moved(server, seen)) {
                    return false;
                }
                let answered = server.and_then(|server| server.answer_age);
                let silent = answered.is_none_or(|age| age > after);
                !silent || now.saturating_duration_since(address.told) <= after
            });
        }
    }

    pub(super) fn targets(&self) -> impl Iterator<Item = &Target> {
        let addresses = self.all.values().flat_map(|name| name.addresses.values());
        addresses.map(|address| &address.target)
    }
}

impl Name {
    fn new(target: Target) -> Self {
        Self {
            target,
            addresses: BTreeMap::new(),
            due: None,
            under_way: false,
            answered: false,
            fault: None,
        }
    }

    /// The result as a label, and what was wrong.
    fn take(
        &mut self,
        found: Result<Vec<IpAddr>, LookupError>,
        now: Instant,
    ) -> (&'static str, Option<String>) {
        (self.under_way, self.answered) = (false, true);
        let mut found = match found {
            Ok(found) => found,
            Err(error) => {
                self.due = Some(now + AGAIN);
                return (error.reason(), Some(error.to_string()));
            }
        };
        self.due = Some(now + EVERY);
        let all = found.len();
        // Those that are known first, then by number: whatever the order of the answer, the same ones stay.
        found.sort_by_key(|ip| (!self.addresses.contains_key(ip), *ip));
        found.truncate(SERVERS_MAX);
        for address in self.addresses.values_mut() {
            address.is_told = false;
        }
        for ip in found {
            let target = &self.target;
            let address = self.addresses.entry(ip).or_insert_with(|| Address {
                target: target.at(ip),
                told: now,
                is_told: true,
            });
            (address.told, address.is_told) = (now, true);
        }
        self.make_room();
        if all > SERVERS_MAX {
            let text =
                format!("the name has more than {SERVERS_MAX} addresses; the others are left out");
            return ("too_many", Some(text));
        }
        ("success", None)
    }

    /// A name whose answers change all the time must not gather addresses without end.
    fn make_room(&mut self) {
        while self.addresses.len() > SERVERS_MAX {
            let oldest = self
                .addresses
                .iter()
                .min_by_key(|(_, address)| address.told);
            let Some(ip) = oldest.map(|(ip, _)| *ip) else {
                return;
            };
            self.addresses.remove(&ip);
        }
    }
}

/// The addresses of a host; an address is its own.
pub(super) async fn look_up(
    lookup: Arc<dyn Lookup>,
    host: &str,
) -> Result<Vec<IpAddr>, LookupError> {
    if let Ok(ip) = host.parse() {
        return Ok(vec![ip]);
    }
    dns::addresses(lookup.as_ref(), host, DEADLINE).await
}
