//! Servers that brokers tell of, and servers that are reached in two ways or moved: found ones give way.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::{Origin, Seen};
use crate::config::SERVERS_MAX;
use crate::source::address::{AddressKind, kind};
use crate::source::http::Target;

/// What was discovered, by target as shown.
#[derive(Default)]
pub(super) struct Found {
    discovered: BTreeMap<String, Discovered>,
    /// Found servers that another one is, too: their targets.
    aliases: BTreeMap<String, Alias>,
}

struct Discovered {
    target: Target,
    /// When watching it began.
    since: Instant,
    /// When it was let go because it did not answer.
    left: Option<Instant>,
}

struct Alias {
    /// The target under which the server stays.
    of: String,
    /// Since when that one does not answer.
    down: Option<Instant>,
}

impl Found {
    pub(super) fn forget_discovered(&mut self) {
        self.discovered.clear();
    }

    /// Those to watch.
    pub(super) fn targets(&self) -> impl Iterator<Item = &Target> {
        let watched = self.discovered.values().filter(|one| one.left.is_none());
        watched.map(|one| &one.target)
    }

    pub(super) fn is_alias(&self, target: &Target) -> bool {
        self.aliases.contains_key(target.display())
    }

    /// Notes which found servers are others under another address. They come back when the other has gone for so long.
    pub(super) fn settle(&mut self, seen: &[Seen], now: Instant, after: Duration) {
        let by_target: HashMap<&str, &Seen> = seen
            .iter()
            .map(|seen| (seen.target.display(), seen))
            .collect();
        let discovered = &mut self.discovered;
        self.aliases.retain(|key, alias| {
            let down = match by_target.get(alias.of.as_str()) {
                Some(other) if other.up != Some(false) => {
                    alias.down = None;
                    return true;
                }
                Some(_) => *alias.down.get_or_insert(now),
                None => now.checked_sub(after).unwrap_or(now),
            };
            let stays = now.saturating_duration_since(down) < after;
            if let Some(one) = discovered.get_mut(key).filter(|_| !stays) {
                // It is watched again, and has all the time to answer.
                one.since = now;
            }
            stays
        });
        let holders = holders(seen);
        for (place, server) in seen.iter().enumerate() {
            if !server.origin.is_found() || server.server_id.is_empty() {
                continue;
            }
            let holder = holders.get(server.server_id.as_str()).copied();
            let Some(other) = holder.filter(|holder| *holder != place) else {
                continue;
            };
            let of = seen[other].target.display().to_owned();
            let target = server.target.display();
            if self.aliases.len() < SERVERS_MAX && target != of {
                tracing::info!(target = target, %of, "one server under two addresses; the first stays");
                self.aliases
                    .insert(target.to_owned(), Alias { of, down: None });
            }
        }
    }

    /// Takes over whom brokers tell of, and lets go who did not answer for so long.
    pub(super) fn discover(&mut self, seen: &[Seen], now: Instant, after: Duration) {
        let told = told(seen);
        for (key, target) in &told {
            if self.discovered.len() >= SERVERS_MAX {
                break;
            }
            if !self.discovered.contains_key(key) {
                let one = Discovered {
                    target: target.clone(),
                    since: now,
                    left: None,
                };
                self.discovered.insert(key.clone(), one);
            }
        }
        let by_target: HashMap<&str, &Seen> = seen
            .iter()
            .map(|seen| (seen.target.display(), seen))
            .collect();
        self.discovered.retain(|key, one| {
            let is_told = told.contains_key(key);
            if self.aliases.contains_key(key) {
                one.since = now;
                return is_told;
            }
            let server = by_target.get(key.as_str()).copied();
            match one.left {
                // It is told of all the time and does not answer: try again, but rarely.
                Some(left) if is_told && now.saturating_duration_since(left) > after => {
                    (one.left, one.since) = (None, now);
                }
                Some(_) => return is_told,
                None => {
                    let answered = server.and_then(|server| server.answer_age);
                    let silent = answered
                        .unwrap_or(Duration::MAX)
                        .min(now.saturating_duration_since(one.since));
                    let moved = server.is_some_and(|server| !is_told && has_moved(server, seen));
                    if silent > after || moved {
                        tracing::info!(target = key, "a discovered server is forgotten");
                        one.left = Some(now);
                        return is_told;
                    }
                }
            }
            true
        });
    }
}

/// The place of the server that keeps each id: one that answers before one that does not, then in the order of origins.
fn holders(seen: &[Seen]) -> HashMap<&str, usize> {
    let mut holders: HashMap<&str, usize> = HashMap::new();
    let rank = |place: usize| {
        let server = &seen[place];
        // Configured servers are never given up for found ones.
        let waits = server.origin.is_found() && server.up != Some(true);
        (waits, server.origin, !server.is_shown, place)
    };
    for (place, server) in seen.iter().enumerate() {
        let id = server.server_id.as_str();
        if id.is_empty() {
            continue;
        }
        let holder = holders.entry(id).or_insert(place);
        if rank(place) < rank(*holder) {
            *holder = place;
        }
    }
    holders
}

/// Whether a server that is down answers elsewhere under its name, as a new pod does.
pub(super) fn has_moved(server: &Seen, seen: &[Seen]) -> bool {
    let same = |other: &&Seen| {
        other.target.display() != server.target.display()
            && other.server_name == server.server_name
            && other.nats_cluster == server.nats_cluster
    };
    server.up == Some(false)
        && !server.server_id.is_empty()
        && seen.iter().filter(same).any(|other| other.up == Some(true))
}

/// Whom the servers tell of that were not discovered themselves: their address, with scheme and port of the one that tells.
fn told(seen: &[Seen]) -> BTreeMap<String, Target> {
    let mut told = BTreeMap::new();
    for seed in seen.iter().filter(|seen| seen.origin != Origin::Discovered) {
        for peer in &seed.peers {
            let Some(target) = seed.target.sibling(&peer.host) else {
                continue;
            };
            if may_be_asked(&seed.target, &target) {
                told.entry(target.display().to_owned()).or_insert(target);
            }
        }
    }
    for known in seen.iter().filter(|seen| seen.origin != Origin::Discovered) {
        told.remove(known.target.display());
    }
    told
}

/// What a broker tells must not lead natsight to places where no broker of another machine can be.
fn may_be_asked(seed: &Target, target: &Target) -> bool {
    let Some(ip) = target.address() else {
        return !target.is_loopback() || seed.is_loopback();
    };
    match kind(ip) {
        AddressKind::Ordinary => true,
        AddressKind::Loopback => seed.is_loopback(),
        AddressKind::Unspecified
        | AddressKind::LinkLocal
        | AddressKind::Metadata
        | AddressKind::Multicast => false,
    }
}
