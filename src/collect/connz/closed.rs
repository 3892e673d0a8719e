//! Closed connections: each counted once by reason, with what it carried.
//!
//! The broker keeps the latest closings in a ring and no total. Each answer gives the newest of the ring by the time they
//! stopped; what is known from answers before is told by its cid, or by being older than all that is still in doubt.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;

use crate::catalog::Metric;
use crate::collect::splitter::{Cut, Elements, Labels, Splitter};
use crate::collect::table::one;
use crate::collect::{
    Collector, Connections as Depth, Context, Count, DecodeError, Facts, Int, Moment, Record,
    Records, decode,
};
use crate::state::{Histogram, Rows, Value};

use super::latest::ClosedConnection;
use super::open::{AGE_NANOS, Connection, HAS_STALLS, Kind};
use super::reason::{OTHER, REASONS, SLUG_MAX, slug};

/// Closings asked for when there are few.
const LIMIT_MIN: usize = 1_024;
/// Closings asked for at most, and kept while an answer is read; the ring has 10,000 unless configured.
const LIMIT_MAX: usize = 65_536;
/// A closing may enter the ring this much after one that stopped later.
const SLACK_NANOS: i128 = 5_000_000_000;
/// Reasons that are told apart besides the known ones.
const UNKNOWN_MAX: usize = 32;
/// A connection in its first moments counts as opened and not yet as open, so a few more prove no closing.
const IN_FLIGHT: u64 = 1_000;
/// Counts of closed connections in the life of one server.
#[derive(Debug)]
pub struct ClosedConnections<'a> {
    life: &'a Life,
}

impl ClosedConnections<'_> {
    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        let life = self.life;
        let known = REASONS.iter().copied().zip(life.known.iter().copied());
        let unknown = life
            .unknown
            .iter()
            .map(|(slug, count)| (slug.as_str(), *count));
        for (reason, count) in known.chain(unknown).chain([(OTHER, life.other)]) {
            one(
                rows,
                &[("reason", reason)],
                Metric::ConnectionsClosed,
                count.into(),
            );
        }
        one(rows, &[], Metric::ConnectionsClosedGaps, life.gaps.into());
        if let Some(kept) = life.kept {
            one(rows, &[], Metric::ConnectionsClosedKept, kept.into());
        }
        let sums = &life.sums;
        for kind in Kind::ALL {
            let labels = [("kind", kind.as_str())];
            let count = sums.kinds[kind as usize].into();
            one(rows, &labels, Metric::ConnectionsClosedByKind, count);
        }
        for ((metric, _), sum) in CARRIED.iter().zip(sums.carried) {
            if *metric != Metric::ConnectionsClosedStalls || context.version >= HAS_STALLS {
                one(rows, &[], *metric, sum.into());
            }
        }
        let lifetime = Value::Histogram(&sums.lifetime);
        one(rows, &[], Metric::ConnectionsClosedLifetime, lifetime);
    }
}

/// A family of `Sums::carried` and what a connection adds to it.
type Carried = (Metric, fn(&Connection<'_>) -> Count);

/// What a connection carried until it closed, in the order of `Sums::carried`.
const CARRIED: [Carried; 6] = [
    (Metric::ConnectionsClosedInMessages, |c| {
        c.in_msgs.unwrap_or_default()
    }),
    (Metric::ConnectionsClosedOutMessages, |c| {
        c.out_msgs.unwrap_or_default()
    }),
    (Metric::ConnectionsClosedInBytes, |c| {
        c.in_bytes.unwrap_or_default()
    }),
    (Metric::ConnectionsClosedOutBytes, |c| {
        c.out_bytes.unwrap_or_default()
    }),
    (Metric::ConnectionsClosedPending, |c| c.pending_bytes),
    (Metric::ConnectionsClosedStalls, |c| c.stalls),
];

/// Sums over the closings that were counted.
#[derive(Debug)]
struct Sums {
    kinds: [u64; Kind::ALL.len()],
    carried: [u64; CARRIED.len()],
    lifetime: Histogram,
}

impl Sums {
    fn new() -> Self {
        Self {
            kinds: [0; Kind::ALL.len()],
            carried: [0; CARRIED.len()],
            lifetime: Histogram::of_nanos(AGE_NANOS),
        }
    }

    fn add(&mut self, entry: &Entry) {
        self.kinds[entry.kind as usize] += 1;
        for (sum, carried) in self.carried.iter_mut().zip(entry.carried) {
            // Counters that wrap look like a restart to Prometheus; one that stands still would be wrong for good.
            *sum = sum.wrapping_add(carried);
        }
        if let Some(lifetime) = entry.lifetime {
            self.lifetime.observe(lifetime);
        }
    }
}

/// What is known of one server from its start to its end.
#[derive(Debug)]
struct Life {
    server_id: String,
    known: Vec<u64>,
    unknown: Vec<(String, u64)>,
    other: u64,
    sums: Sums,
    gaps: u64,
    kept: Option<u64>,
    /// The next answer tells only what was there before natsight looked.
    baseline: bool,
    /// What stopped before this is dealt with; nothing while no closing was seen.
    horizon: Option<i128>,
    /// Closings seen that are not older than that, by cid.
    seen: HashMap<u64, Seen>,
    /// The server's clock at the latest answer.
    now: Option<i128>,
}

/// What follows from an answer.
#[derive(Clone, Copy, Debug)]
struct Next {
    /// How many closings to ask for.
    limit: usize,
    /// Whether the answer went back to what was known.
    reached: bool,
}

impl Next {
    /// The answer was too short: nothing is dealt with yet.
    const ALL: Self = Self {
        limit: LIMIT_MAX,
        reached: false,
    };
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    stop: i128,
    /// Whether all closings before it were seen too.
    settled: bool,
}

impl Life {
    fn new(server_id: &str, baseline: bool) -> Self {
        Self {
            server_id: server_id.to_owned(),
            known: vec![0; REASONS.len()],
            unknown: Vec::new(),
            other: 0,
            sums: Sums::new(),
            gaps: 0,
            kept: None,
            baseline,
            horizon: None,
            seen: HashMap::new(),
            now: None,
        }
    }

    /// Takes a whole answer to a request for `limit` closings. `closings` is how many varz says there were.
    fn take(&mut self, answer: &Answer, limit: usize, closings: u64) -> Next {
        let now = answer.root.now.nanos();
        let total = answer.root.total();
        let read = answer.entries.len() as u64 + answer.no_stop;
        let complete = answer.over_limit == 0
            && total.map_or(answer.entries.len() < limit, |total| read >= total);
        self.kept = total;
        let back =
            matches!((now, self.now), (Some(now), Some(before)) if now < before - SLACK_NANOS);
        self.now = now;
        if back {
            // The server's clock went back: what stopped when is no longer clear, so all that is there counts as known.
            self.gaps += 1;
            self.baseline = true;
            self.horizon = None;
            self.seen.clear();
            if !complete && limit < LIMIT_MAX {
                return Next::ALL;
            }
        }
        if self.baseline {
            self.baseline = false;
            self.begin(answer, complete);
            return Next {
                limit: LIMIT_MIN,
                reached: true,
            };
        }
        let oldest = answer.entries.iter().map(|entry| entry.stop).min();
        let reached = complete
            || matches!((oldest, self.horizon), (Some(oldest), Some(horizon)) if oldest < horizon);
        let last = reached || limit >= LIMIT_MAX;
        if last && self.is_gap(answer, complete, closings) {
            self.gaps += 1;
        }
        let recent = self.count(answer);
        if !last {
            return Next::ALL;
        }
        self.advance(answer);
        let limit = (recent * 2).next_power_of_two();
        Next {
            limit: limit.clamp(LIMIT_MIN, LIMIT_MAX),
            reached,
        }
    }

    /// The first answer: nothing of it counts.
    fn begin(&mut self, answer: &Answer, complete: bool) {
        for entry in &answer.entries {
            self.see(entry);
        }
        self.advance(answer);
        let oldest = answer.entries.iter().map(|entry| entry.stop).min();
        if !complete {
            // What is older was there as well, though not shown.
            self.horizon = self.horizon.max(oldest);
        }
    }

    /// Remembers a closing; tells whether it is new.
    fn see(&mut self, entry: &Entry) -> bool {
        let seen = Seen {
            stop: entry.stop,
            settled: false,
        };
        !self.is_settled(entry) && self.seen.insert(entry.cid, seen).is_none()
    }

    /// Whether it was there when all was dealt with last.
    fn is_settled(&self, entry: &Entry) -> bool {
        self.horizon.is_some_and(|horizon| entry.stop < horizon)
            || self.seen.get(&entry.cid).is_some_and(|seen| seen.settled)
    }

    /// Whether closings may have been overwritten since all was dealt with: the ring is first in, first out, so as long
    /// as one from before is there, all later ones are.
    fn is_gap(&self, answer: &Answer, complete: bool, closings: u64) -> bool {
        if self.horizon.is_none() {
            let proof = |total| closings > total + IN_FLIGHT;
            return !complete || answer.root.total().is_some_and(proof);
        }
        !answer.entries.is_empty() && !answer.entries.iter().any(|entry| self.is_settled(entry))
    }

    /// Counts what is new; gives how many were not older than the horizon.
    fn count(&mut self, answer: &Answer) -> usize {
        let horizon = self.horizon.unwrap_or(i128::MIN);
        let mut recent = 0;
        for entry in &answer.entries {
            recent += usize::from(entry.stop >= horizon);
            if !self.see(entry) {
                continue;
            }
            self.sums.add(entry);
            match entry.reason {
                Reason::Known(place) => self.known[place] += 1,
                Reason::Unknown(place) => self.count_unknown(&answer.unknown[place]),
                Reason::Other => self.other += 1,
            }
        }
        recent
    }

    fn count_unknown(&mut self, slug: &str) {
        if let Some((_, count)) = self.unknown.iter_mut().find(|(known, _)| known == slug) {
            *count += 1;
        } else if self.unknown.len() < UNKNOWN_MAX {
            self.unknown.push((slug.to_owned(), 1));
        } else {
            self.other += 1;
        }
    }

    /// All up to now is dealt with, except what may still enter late.
    fn advance(&mut self, answer: &Answer) {
        let Some(latest) = answer.entries.iter().map(|entry| entry.stop).max() else {
            return;
        };
        // A stop in the future is from before the clock went back.
        let latest = latest.min(answer.root.now.nanos().unwrap_or(latest));
        let horizon = self.horizon.max(Some(latest - SLACK_NANOS));
        self.horizon = horizon;
        self.seen.retain(|_, seen| {
            seen.settled = true;
            Some(seen.stop) >= horizon
        });
    }
}

/// What an answer holds, until it is whole.
#[derive(Debug, Default)]
struct Answer {
    root: Root,
    entries: Vec<Entry>,
    /// Slugs of reasons that are not in the table.
    unknown: Vec<String>,
    /// Elements that are not closed connections.
    no_stop: u64,
    /// Elements beyond what is kept.
    over_limit: u64,
}

#[derive(Debug)]
struct Entry {
    cid: u64,
    stop: i128,
    reason: Reason,
    kind: Kind,
    carried: [u64; CARRIED.len()],
    lifetime: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
enum Reason {
    /// Place in `REASONS`.
    Known(usize),
    /// Place in `Answer::unknown`.
    Unknown(usize),
    Other,
}

#[derive(Debug, Default, Deserialize)]
struct Root {
    #[serde(default)]
    server_id: String,
    #[serde(default)]
    now: Moment,
    total: Option<Int>,
}

impl Root {
    fn total(&self) -> Option<u64> {
        u64::try_from(self.total?.0).ok()
    }
}

impl Answer {
    fn add(&mut self, closing: &Connection<'_>, slug: &str) {
        let Some(stop) = closing.stop.nanos() else {
            self.no_stop += 1;
            return;
        };
        if self.entries.len() == LIMIT_MAX {
            self.over_limit += 1;
            return;
        }
        let lived = |start: i128| u64::try_from((stop - start).max(0)).unwrap_or(u64::MAX);
        let reason = self.reason(slug);
        self.entries.push(Entry {
            cid: closing.cid,
            stop,
            reason,
            kind: closing.shown_kind(),
            carried: CARRIED.map(|(_, carried)| carried(closing).or_zero()),
            lifetime: closing.start.nanos().map(lived),
        });
    }

    fn reason(&mut self, slug: &str) -> Reason {
        if let Some(place) = REASONS.iter().position(|known| *known == slug) {
            return Reason::Known(place);
        }
        if slug == OTHER {
            return Reason::Other;
        }
        if let Some(place) = self.unknown.iter().position(|known| known == slug) {
            return Reason::Unknown(place);
        }
        if self.unknown.len() == UNKNOWN_MAX {
            return Reason::Other;
        }
        self.unknown.push(slug.to_owned());
        Reason::Unknown(self.unknown.len() - 1)
    }
}

/// Decodes `/connz?state=closed`.
pub(super) struct Decoder {
    splitter: Splitter,
    depth: Depth,
    limit: usize,
    answer: Answer,
    life: Option<Life>,
    /// The clock of the first server at the first answer.
    first_look: Option<i128>,
    /// Of the context: who is asked, since when it runs, how many closings it had.
    server_id: String,
    started: Option<i128>,
    closings: u64,
}

static CUTS: &[Cut] = &[Cut {
    key: "connections",
    inside: &[],
}];

impl Decoder {
    pub(super) fn new(depth: Depth) -> Self {
        Self {
            splitter: Splitter::new(CUTS),
            depth,
            limit: LIMIT_MIN,
            answer: Answer::default(),
            life: None,
            first_look: None,
            server_id: String::new(),
            started: None,
            closings: 0,
        }
    }

    /// A server that natsight sees for the first time. What its ring holds counts only if it all happened since natsight
    /// first looked: a restart of natsight, or two servers behind one address, must not look like many closings.
    fn new_life(&self, server_id: &str) -> Life {
        let started_since = match (self.started, self.first_look) {
            (Some(started), Some(first_look)) => started >= first_look,
            _ => true,
        };
        Life::new(server_id, self.life.is_none() || !started_since)
    }
}

impl Collector for Decoder {
    fn path(&self, _context: &Context) -> Cow<'static, str> {
        // As for open ones: it ships the clients' JWTs.
        let auth = match self.depth {
            Depth::Off => "",
            Depth::Top | Depth::All => "&auth=1",
        };
        let limit = self.limit;
        format!("/connz?state=closed&sort=stop&limit={limit}{auth}").into()
    }

    fn begin(&mut self, context: &Context) {
        self.splitter.reset();
        self.answer = Answer::default();
        self.server_id.clone_from(&context.server_id);
        self.started = context.started;
        let sizes = context.sizes;
        self.closings = sizes.connections_opened.saturating_sub(sizes.connections);
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let mut sink = Sink {
            depth: self.depth,
            answer: &mut self.answer,
            out,
        };
        self.splitter.feed(bytes, &mut sink)
    }

    fn finish(&mut self, out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        let answer = std::mem::take(&mut self.answer);
        let server_id = answer.root.server_id.as_str();
        let mut facts = Facts {
            server_id: Some(server_id.to_owned()).filter(|id| !id.is_empty()),
            ..Facts::default()
        };
        if !self.server_id.is_empty() && self.server_id != server_id {
            // The server changed since varz: when the new one started is not known yet. The next round knows.
            return Ok(facts);
        }
        let mut life = match self.life.take() {
            Some(life) if life.server_id == server_id => life,
            before => {
                self.life = before;
                self.new_life(server_id)
            }
        };
        let next = life.take(&answer, self.limit, self.closings);
        let read = answer.entries.len() as u64;
        let needed = answer.root.total().filter(|_| !next.reached);
        facts.coverage = Some((read, needed.unwrap_or(read)));
        facts.dropped = [
            ("no_stop", answer.no_stop),
            ("over_limit", answer.over_limit),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect();
        self.limit = next.limit;
        self.first_look = self.first_look.or(answer.root.now.nanos());
        out.record(Record::ClosedConnections(&ClosedConnections {
            life: &life,
        }));
        self.life = Some(life);
        Ok(facts)
    }
}

struct Sink<'a> {
    depth: Depth,
    answer: &'a mut Answer,
    out: &'a mut dyn Records,
}

impl Elements for Sink<'_> {
    fn head(&mut self, _depth: usize, _head: &[u8], _offset: u64) -> Result<Labels, DecodeError> {
        Ok(Labels::Known)
    }

    fn whole(
        &mut self,
        _key: &'static str,
        text: &str,
        _offset: u64,
    ) -> Result<Option<usize>, DecodeError> {
        decode::whole(text, |connection| self.connection(&connection))
    }

    fn element(
        &mut self,
        depth: usize,
        _key: &'static str,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), DecodeError> {
        if depth == 0 {
            self.answer.root = decode::element(bytes, offset)?;
            return Ok(());
        }
        self.connection(&decode::element(bytes, offset)?);
        Ok(())
    }
}

impl Sink<'_> {
    fn connection(&mut self, connection: &Connection<'_>) {
        let mut buffer = [0; SLUG_MAX];
        let reason = slug(&connection.reason, &mut buffer);
        self.answer.add(connection, reason);
        if self.depth != Depth::Off && connection.stop.nanos().is_some() {
            self.out.record(Record::ClosedConnection(&ClosedConnection {
                connection,
                reason,
            }));
        }
    }
}
