//! How many series the page has room for, and who takes them: one account book for all servers.
//!
//! Totals, health and what natsight saw itself always stay, so they are counted and never refused. Series of entities
//! (accounts, streams, consumers, connections) are drawn while an answer is read; the part that it will replace gives
//! its own series to it. So the page never exceeds the limit by entities, whichever servers answer at once. When all
//! together want more than there is, every server gets an equal share, what one leaves goes to the others, and
//! likewise the collectors of a server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::job::Job;
use super::{Rules, Watch};
use crate::catalog::Metric;
use crate::collect::{Connections, Left, Options, Room, Sizes, Terms};
use crate::expose::Part;

/// Series of totals that are kept free for a server that was not asked yet.
const TOTALS_EXPECTED: u64 = 640;
/// Series by which the totals of a server may grow between two rounds: a histogram and a few more.
const TOTALS_SPARE: u64 = 32;
/// Series that natsight has about itself.
const OWN_EXPECTED: u64 = 100;
/// Series in front of which `Select` stops, and of its sums.
const EDGE_SERIES: u64 = 40;
/// Share of the page that one family of one server may fill.
const FAMILY_SHARE: u64 = 4;

/// The account book of a page.
#[derive(Debug, Default)]
pub struct Ledger {
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    max: u64,
    servers: BTreeMap<u32, Server>,
    lost: BTreeMap<Metric, u64>,
}

#[derive(Debug, Default)]
struct Server {
    /// Series that always stay.
    fixed: u64,
    entries: BTreeMap<&'static str, Entry>,
}

/// The entities of one collector of one server.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// Series on the page.
    shown: u64,
    /// Series taken by the answer that is being read.
    drawn: u64,
    /// Series that there would be without limits.
    wanted: u64,
    /// Whether that is known from an answer.
    known: bool,
}

impl Entry {
    fn held(self) -> u64 {
        self.shown.max(self.drawn)
    }

    /// What makes room for all: the last entity needs some in front of it.
    fn claim(self) -> u64 {
        match self.wanted {
            0 => 0,
            wanted => wanted.saturating_add(EDGE_SERIES),
        }
    }
}

impl Ledger {
    /// Series lost to limits so far, by family.
    pub fn lost(&self) -> Vec<(Metric, u64)> {
        let lost = &self.book().lost;
        lost.iter()
            .map(|(metric, count)| (*metric, *count))
            .collect()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn entry(&mut self, server: u32, collector: &'static str) -> &mut Entry {
        let server = self.servers.entry(server).or_default();
        server.entries.entry(collector).or_default()
    }

    /// Series for entities.
    fn room(&self) -> u64 {
        let fixed: u64 = self
            .servers
            .values()
            .map(|server| server.fixed + TOTALS_SPARE)
            .sum();
        self.max.saturating_sub(fixed + OWN_EXPECTED)
    }

    /// Series that nobody holds.
    fn free(&self) -> u64 {
        let entries = self
            .servers
            .values()
            .flat_map(|server| server.entries.values());
        self.room()
            .saturating_sub(entries.map(|entry| entry.held()).sum())
    }

    /// Most series of this collector while all others want what they want.
    fn share(&self, server: u32, collector: &'static str) -> u64 {
        let claims = |server: &Server| server.entries.values().map(|entry| entry.claim()).sum();
        let wants: Vec<u64> = self.servers.values().map(claims).collect();
        let room = self.room();
        if wants.iter().sum::<u64>() <= room {
            return room;
        }
        let Some(ours) = self.servers.get(&server) else {
            return 0;
        };
        let others: u64 = ours
            .entries
            .iter()
            .filter(|(name, _)| **name != collector)
            .map(|(_, entry)| entry.claim())
            .sum();
        let of_server = level(wants, room);
        let wants = ours.entries.values().map(|entry| entry.claim()).collect();
        // What the others of the server leave is ours.
        level(wants, of_server).max(of_server.saturating_sub(others))
    }
}

/// What each may have at most so that all together have no more than `room`: small wishes are granted, the rest share.
fn level(mut wants: Vec<u64>, mut room: u64) -> u64 {
    wants.sort_unstable();
    let mut left = wants.len() as u64;
    for want in wants {
        let equal = room / left;
        if want > equal {
            return equal;
        }
        room -= want;
        left -= 1;
    }
    room
}

/// One server's side of the book.
#[derive(Debug)]
pub(super) struct Share {
    ledger: Arc<Ledger>,
    server: u32,
    family_max: u64,
    began: Instant,
}

impl Share {
    pub(super) fn new(watch: &Watch) -> Self {
        let Rules { series_max, .. } = *watch.rules;
        let ledger = Arc::clone(&watch.ledger);
        let mut book = ledger.book();
        book.max = series_max;
        let fixed = TOTALS_EXPECTED;
        let entries = BTreeMap::new();
        book.servers.insert(watch.place, Server { fixed, entries });
        drop(book);
        Self {
            ledger,
            server: watch.place,
            family_max: (series_max / FAMILY_SHARE).max(1),
            began: Instant::now(),
        }
    }

    /// What holds for the next answer of a collector.
    pub(super) fn terms(&self, collector: &'static str, options: &Options, sizes: Sizes) -> Terms {
        let mut book = self.ledger.book();
        for (name, expected) in expected(options, sizes) {
            // Before its first answer each counts as what it will probably want.
            let entry = book.entry(self.server, name);
            if !entry.known {
                entry.wanted = expected;
            }
        }
        book.entry(self.server, collector).drawn = 0;
        let cap = book.share(self.server, collector);
        let expected = book.entry(self.server, collector).wanted;
        drop(book);
        let room = Grant {
            ledger: Arc::clone(&self.ledger),
            server: self.server,
            collector,
            cap,
        };
        Terms {
            room: Box::new(room),
            expected,
            family_max: self.family_max,
            now: self.began.elapsed(),
        }
    }

    /// A whole answer came.
    pub(super) fn note(&self, collector: &'static str, left: &Left) {
        let mut book = self.ledger.book();
        let entry = book.entry(self.server, collector);
        (entry.wanted, entry.known) = (left.wanted, true);
        for (metric, count) in &left.lost {
            *book.lost.entry(*metric).or_default() += count;
        }
    }

    /// These parts are shown from now on. `tried` is whether the server had the time to answer.
    pub(super) fn settle(
        &self,
        jobs: &[Job],
        parts: &BTreeMap<&'static str, Arc<Part>>,
        tried: bool,
    ) {
        let mut book = self.ledger.book();
        let mut entities = 0;
        for job in jobs {
            let is_shown = parts.contains_key(job.name);
            let shown = if is_shown { job.status.left.series } else { 0 };
            let entry = book.entry(self.server, job.name);
            entry.shown = shown;
            if entry.known && !is_shown {
                // What cannot be read wants nothing.
                entry.wanted = 0;
            }
            entities += shown;
        }
        let all: u64 = parts.values().map(|part| part.series).sum();
        let fixed = all.saturating_sub(entities);
        let server = book.servers.entry(self.server).or_default();
        server.fixed = if tried {
            fixed
        } else {
            fixed.max(TOTALS_EXPECTED)
        };
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.ledger.book().servers.remove(&self.server);
    }
}

/// Series that collectors will probably want, before they answered.
fn expected(options: &Options, sizes: Sizes) -> [(&'static str, u64); 4] {
    let connections = match options.connections {
        Connections::Off => 0,
        Connections::Top => sizes.connections.min(options.top as u64),
        Connections::All => sizes.connections,
    };
    let streams = if options.streams { sizes.streams } else { 0 };
    let consumers = if options.consumers {
        sizes.consumers
    } else {
        0
    };
    let gateway_accounts = if options.gateway_accounts {
        sizes.gateway_accounts()
    } else {
        0
    };
    [
        ("connz", connections.saturating_mul(10)),
        ("streams", streams.saturating_mul(16)),
        ("consumers", consumers.saturating_mul(16)),
        ("gateway_accounts", gateway_accounts.saturating_mul(3)),
    ]
}

/// What one answer may draw.
#[derive(Debug)]
struct Grant {
    ledger: Arc<Ledger>,
    server: u32,
    collector: &'static str,
    cap: u64,
}

impl Room for Grant {
    fn free(&self) -> u64 {
        let mut book = self.ledger.book();
        let free = book.free();
        let entry = book.entry(self.server, self.collector);
        (entry.held() + free).min(self.cap) - entry.drawn.min(self.cap)
    }

    fn draw(&mut self, wish: u64) -> u64 {
        let mut book = self.ledger.book();
        let free = book.free();
        let entry = book.entry(self.server, self.collector);
        let most = (entry.held() + free).min(self.cap);
        let drawn = wish.min(most.saturating_sub(entry.drawn));
        entry.drawn += drawn;
        drawn
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        let mut book = self.ledger.book();
        // The server may have left meanwhile.
        let server = book.servers.get_mut(&self.server);
        if let Some(entry) = server.and_then(|server| server.entries.get_mut(self.collector)) {
            entry.drawn = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_wishes_are_granted_and_the_rest_is_shared() {
        for (wants, room, expected) in [
            (vec![10, 10], 100, 80),
            (vec![100, 100], 100, 50),
            (vec![10, 100, 100], 100, 45),
            (vec![0, 0, 1_000], 100, 100),
            (vec![1_000; 3], 100, 33),
            (vec![5], 0, 0),
            (vec![], 100, 100),
        ] {
            assert_eq!(level(wants.clone(), room), expected, "{wants:?}");
        }
    }

    #[test]
    fn what_is_switched_off_wants_nothing() {
        let sizes = Sizes {
            streams: 2,
            accounts: 5,
            gateways: 4,
            ..Sizes::default()
        };
        let of = |options: &Options, name| {
            expected(options, sizes)
                .into_iter()
                .find(|row| row.0 == name)
        };
        let off = Options::default();
        let on = Options {
            gateway_accounts: true,
            ..Options::default()
        };
        assert_eq!(of(&off, "gateway_accounts"), Some(("gateway_accounts", 0)));
        assert_eq!(of(&on, "gateway_accounts"), Some(("gateway_accounts", 60)));
        assert_eq!(of(&off, "streams"), Some(("streams", 32)));
    }

    fn entry(shown: u64, wanted: u64) -> Entry {
        Entry {
            shown,
            wanted,
            known: true,
            drawn: 0,
        }
    }

    /// A page of 1,100 with two servers; the first has two collectors.
    fn ledger(first: [Entry; 2], second: Entry) -> Arc<Ledger> {
        let server = |fixed, entries: &[(&'static str, Entry)]| Server {
            fixed,
            entries: entries.iter().copied().collect(),
        };
        let first = server(50, &[("streams", first[0]), ("consumers", first[1])]);
        let book = Book {
            max: 1_000 + 100 + 2 * TOTALS_SPARE + OWN_EXPECTED,
            servers: [(0, first), (1, server(50, &[("streams", second)]))].into(),
            lost: BTreeMap::new(),
        };
        Arc::new(Ledger {
            book: Mutex::new(book),
        })
    }

    fn grant(ledger: &Arc<Ledger>, server: u32, collector: &'static str) -> Grant {
        Grant {
            ledger: Arc::clone(ledger),
            server,
            collector,
            cap: ledger.book().share(server, collector),
        }
    }

    #[test]
    fn an_answer_takes_the_place_of_the_one_before_and_what_is_free() {
        let ledger = ledger([entry(300, 300), entry(60, 60)], entry(500, 500));
        let mut room = grant(&ledger, 0, "streams");
        assert_eq!(room.free(), 440);
        assert_eq!((room.draw(350), room.draw(100), room.draw(1)), (350, 90, 0));
        let mut other = grant(&ledger, 1, "streams");
        assert_eq!((other.free(), other.draw(1_000)), (500, 500));
        drop(room);
        assert_eq!(other.draw(1_000), 140, "what was not used is free again");
        assert_eq!(ledger.book().free(), 0);
    }

    #[test]
    fn nobody_takes_what_others_show() {
        let ledger = ledger([entry(700, 5_000), entry(0, 0)], entry(300, 5_000));
        let mut room = grant(&ledger, 1, "streams");
        assert_eq!(room.cap, 500, "an equal share");
        assert_eq!(room.draw(1_000), 300, "once the other gave way");
        assert_eq!(grant(&ledger, 0, "streams").cap, 500);
    }

    #[test]
    fn a_server_with_few_is_not_cut_for_one_with_many() {
        let ledger = ledger([entry(20, 20), entry(30, 30)], entry(0, 90_000));
        assert_eq!(grant(&ledger, 1, "streams").cap, 870);
        assert!(grant(&ledger, 0, "streams").cap >= 20);
        assert!(grant(&ledger, 0, "consumers").cap >= 30);
    }

    #[test]
    fn collectors_of_one_server_share_its_part() {
        let ledger = ledger([entry(0, 9_000), entry(0, 100)], entry(0, 9_000));
        assert_eq!(grant(&ledger, 0, "streams").cap, 360);
        assert!(grant(&ledger, 0, "consumers").cap >= 100);
        assert_eq!(grant(&ledger, 1, "streams").cap, 500);
    }

    #[test]
    fn totals_are_counted_first() {
        let ledger = ledger([entry(0, 10), entry(0, 10)], entry(0, 10));
        ledger.book().servers.entry(1).or_default().fixed = 100_000;
        let mut room = grant(&ledger, 0, "streams");
        assert_eq!((room.free(), room.draw(1)), (0, 0));
    }
}
