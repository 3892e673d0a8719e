//! Other servers: which of the configured ones are connected, and which were connected a while ago.
//!
//! The broker's lists show only what is connected. What should be there is told by the configuration as varz echoes it,
//! and by what was there before.

use std::collections::BTreeMap;

use super::{Int, Moment};

/// Time that a server stays known after it went; the product forgets discovered ones as fast.
const KNOWN_NANOS: i128 = 3_600_000_000_000;
/// Servers known at most, connected or not.
const KNOWN_MAX: usize = 10_000;
/// The account that the broker leaves out.
const GLOBAL_ACCOUNT: &str = "$G";

/// Other servers that the configuration names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configured {
    /// Routes, without the one to the server itself.
    pub routes: Vec<ConfiguredRoute>,
    /// Names of other clusters.
    pub gateways: Vec<String>,
    /// Leaf node remotes, in the order of the configuration.
    pub leafs: Vec<ConfiguredLeaf>,
}

/// The URL of a route, which may well be written in the configuration of the server that it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredRoute {
    /// Host and port.
    pub url: String,
    /// It could lead to the server itself: nothing tells.
    pub may_be_own: bool,
}

/// A leaf node remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredLeaf {
    /// The account that it is bound to.
    pub account: String,
    /// Hosts and ports; it is connected to one of them, or to a server that one of them told it of.
    pub urls: Vec<String>,
}

impl ConfiguredRoute {
    /// The URLs of other servers than the one of this name that listens for routes at this address. The broker tells no
    /// URL as its own, so it is known by its address, or by the name as the host's first word (as in Kubernetes).
    pub fn others(urls: &[String], name: &str, address: &str, port: Int) -> Vec<Self> {
        let port = port.0.to_string();
        let is_own = |url: &str| {
            let (host, at) = host_port(url);
            at == port && host == address || named(host, name)
        };
        let own_is_known = urls.iter().any(|url| is_own(url));
        let anywhere = matches!(address, "" | "0.0.0.0" | "::");
        let may_be_own = |url: &str| {
            let (host, at) = host_port(url);
            !own_is_known && at == port && (anywhere || !is_address(host))
        };
        let mut routes: Vec<Self> = Vec::new();
        for url in urls.iter().filter(|url| !is_own(url)) {
            if routes.iter().all(|route| route.url != *url) {
                routes.push(Self {
                    url: url.clone(),
                    may_be_own: may_be_own(url),
                });
            }
        }
        routes
    }
}

/// Which of the configured remotes are connected.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// For each of them; nothing where it cannot be told.
    pub(crate) connected: Vec<Option<bool>>,
    /// How many are not, at least.
    pub(crate) missing: u64,
}

/// Compares configured remotes with the peers that are connected. `fits` tells whether a peer is surely the one that the
/// remote means. A peer that fits none is one of those left, if `counts` says that it is there by configuration: none
/// such, and what is left is down; as many as are left, and all are connected; fewer, and nobody can tell which.
pub(crate) fn tell<C, P>(
    configured: &[C],
    peers: &[P],
    counts: impl Fn(&P) -> bool,
    fits: impl Fn(&C, &P) -> bool,
) -> Told {
    let found = |remote: &C| peers.iter().any(|peer| fits(remote, peer));
    let taken = |peer: &P| configured.iter().any(|remote| fits(remote, peer));
    let left = configured.iter().filter(|remote| !found(remote)).count();
    let unclear = peers.iter().filter(|peer| counts(peer) && !taken(peer));
    let unclear = unclear.count();
    let rest = match unclear {
        0 => Some(false),
        some if some >= left => Some(true),
        _ => None,
    };
    Told {
        connected: configured
            .iter()
            .map(|remote| if found(remote) { Some(true) } else { rest })
            .collect(),
        missing: left.saturating_sub(unclear) as u64,
    }
}

/// Names that were connected and when they last were, by the broker's clock.
#[derive(Clone, Debug)]
pub(crate) struct Known<K>(BTreeMap<K, i128>);

impl<K> Default for Known<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone> Known<K> {
    /// Takes those that are connected now; gives those that are not any more.
    pub(crate) fn update(&mut self, present: impl IntoIterator<Item = K>, now: Moment) -> Vec<K> {
        let Some(now) = now.nanos() else {
            return Vec::new();
        };
        for name in present {
            if self.0.len() < KNOWN_MAX || self.0.contains_key(&name) {
                self.0.insert(name, now);
            }
        }
        self.0.retain(|_, last| now - *last < KNOWN_NANOS);
        let gone = self.0.iter().filter(|(_, last)| **last != now);
        gone.map(|(name, _)| name.clone()).collect()
    }
}

/// Whether a name lasts: a server without one shows its id, and comes back under another.
pub(crate) fn lasts(name: &str) -> bool {
    let is_id = name.len() == 56
        && name.starts_with('N')
        && name
            .bytes()
            .all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
    !name.is_empty() && !is_id
}

/// Host, without brackets, and port of a URL without scheme and user.
pub(crate) fn host_port(url: &str) -> (&str, &str) {
    let url = url.rsplit_once("//").map_or(url, |(_, rest)| rest);
    let (host, port) = url.rsplit_once(':').unwrap_or((url, ""));
    (host.trim_start_matches('[').trim_end_matches(']'), port)
}

/// Whether the host is the name of a server, or begins with it as its first word.
pub(crate) fn named(host: &str, name: &str) -> bool {
    let first = host.split('.').next().unwrap_or_default();
    !name.is_empty()
        && !is_address(host)
        && (host.eq_ignore_ascii_case(name) || first.eq_ignore_ascii_case(name))
}

/// Whether it is an IP address and no name: no name has a colon, and none ends in digits alone.
fn is_address(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    host.contains(':') || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The account; the broker leaves out the global one.
pub(crate) fn account_or_global(account: &str) -> &str {
    if account.is_empty() {
        GLOBAL_ACCOUNT
    } else {
        account
    }
}

/// A round trip; the broker writes none or 0 until it has measured.
pub(crate) fn measured(rtt: Option<super::GoDuration>) -> Option<u64> {
    rtt.map(|rtt| rtt.0).filter(|nanos| *nanos > 0)
}
