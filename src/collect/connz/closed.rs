//! Closed connections, each counted once by reason.
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
    Collector, Context, DecodeError, Facts, Int, Moment, Record, Records, decode,
};
use crate::state::Rows;

/// Closings asked for when there are few.
const LIMIT_MIN: usize = 1_024;
/// Closings asked for at most, and kept while an answer is read; the ring has 10,000 unless configured.
const LIMIT_MAX: usize = 65_536;
/// A closing may enter the ring this much after one that stopped later.
const SLACK_NANOS: i128 = 5_000_000_000;
/// Reasons that are told apart besides the known ones.
const UNKNOWN_MAX: usize = 32;
/// Longest reason.
const SLUG_MAX: usize = 64;
/// The reason of what has none of its own.
const OTHER: &str = "other";

/// All reasons up to 2.15 (nats-server `server/monitor.go`, `ClosedState.String`), as label values; the most frequent first.
static REASONS: &[&str] = &[
    "client_closed",
    "read_error",
    "write_error",
    "stale_connection",
    "slow_consumer_pending_bytes",
    "slow_consumer_write_deadline",
    "authentication_failure",
    "authentication_timeout",
    "authentication_expired",
    "credentials_revoked",
    "missing_account",
    "tls_handshake_failure",
    "parse_error",
    "protocol_violation",
    "bad_client_protocol_version",
    "minimum_version_required",
    "message_header_violation",
    "no_responders_requires_headers",
    "incorrect_port",
    "maximum_connections_exceeded",
    "maximum_account_connections_exceeded",
    "maximum_message_payload_exceeded",
    "maximum_control_line_exceeded",
    "maximum_subscriptions_exceeded",
    "kicked",
    "server_shutdown",
    "proxy_not_trusted",
    "proxy_required",
    "duplicate_client_id",
    "duplicate_server_name",
    "duplicate_remote_leafnode_connection",
    "duplicate_route",
    "route_removed",
    "wrong_gateway",
    "cluster_name_conflict",
    "cluster_names_identical",
    "internal_client",
    "unknown_state",
];

/// Counts of closed connections in the life of one server.
#[derive(Debug)]
pub struct ClosedConnections<'a> {
    life: &'a Life,
}

impl ClosedConnections<'_> {
    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        let life = self.life;
        let known = REASONS.iter().copied().zip(life.known.iter().copied());
        let unknown = life.unknown.iter().map(|(slug, count)| (slug.as_str(), *count));
        for (reason, count) in known.chain(unknown).chain([(OTHER, life.other)]) {
            one(rows, &[("reason", reason)], Metric::ConnectionsClosed, count.into());
        }
        one(rows, &[], Metric::ConnectionsClosedGaps, life.gaps.into());
        if let Some(kept) = life.kept {
            one(rows, &[], Metric::ConnectionsClosedKept, kept.into());
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
    gaps: u64,
    kept: Option<u64>,
    /// The next answer tells only what was there before natsight looked.
    baseline: bool,
    /// How far closings are dealt with; nothing while no closing was seen.
    mark: Option<Mark>,
    /// Closings seen that are not older than the mark's horizon: cid and when it stopped.
    seen: HashMap<u64, i128>,
    /// The server's clock at the latest answer.
    now: Option<i128>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    /// Latest stop that was seen when all before it was seen.
    watermark: i128,
    /// What stopped before this is dealt with.
    horizon: i128,
}

impl Life {
    fn new(server_id: &str, baseline: bool) -> Self {
        Self {
            server_id: server_id.to_owned(),
            known: vec![0; REASONS.len()],
            unknown: Vec::new(),
            other: 0,
            gaps: 0,
            kept: None,
            baseline,
            mark: None,
            seen: HashMap::new(),
            now: None,
        }
    }

    /// Takes a whole answer to a request for `limit` closings; gives how many to ask for next. `closings` is how many
    /// varz says there were.
    fn take(&mut self, answer: &Answer, limit: usize, closings: u64) -> usize {
        let now = answer.root.now.nanos();
        let total = answer.root.total();
        let read = answer.entries.len() as u64 + answer.no_stop;
        let complete = answer.over_limit == 0
            && total.map_or(answer.entries.len() < limit, |total| read >= total);
        self.kept = total;
        let back = matches!((now, self.now), (Some(now), Some(before)) if now < before - SLACK_NANOS);
        self.now = now;
        if back {
            // The server's clock went back: what stopped when is no longer clear, so all that is there counts as known.
            self.gaps += 1;
            self.baseline = true;
            self.mark = None;
            self.seen.clear();
            if !complete && limit < LIMIT_MAX {
                return LIMIT_MAX;
            }
        }
        if self.baseline {
            self.baseline = false;
            self.begin(answer, complete);
            return LIMIT_MIN;
        }
        let oldest = answer.entries.iter().map(|entry| entry.stop).min();
        let reached = complete
            || matches!((oldest, self.mark), (Some(oldest), Some(mark)) if oldest < mark.horizon);
        let last = reached || limit >= LIMIT_MAX;
        if last && self.is_gap(answer, complete, closings) {
            self.gaps += 1;
        }
        let recent = self.count(answer);
        if !last {
            return LIMIT_MAX;
        }
        self.advance(answer);
        (recent * 2).next_power_of_two().clamp(LIMIT_MIN, LIMIT_MAX)
    }

    /// The first answer: nothing of it counts.
    fn begin(&mut self, answer: &Answer, complete: bool) {
        for entry in &answer.entries {
            self.seen.insert(entry.cid, entry.stop);
        }
        self.advance(answer);
        let oldest = answer.entries.iter().map(|entry| entry.stop).min();
        if let (Some(mark), Some(oldest), false) = (&mut self.mark, oldest, complete) {
            // What is older was there as well, though not shown.
            mark.horizon = mark.horizon.max(oldest);
        }
    }

    fn is_known(&self, entry: &Entry) -> bool {
        self.mark.is_some_and(|mark| entry.stop < mark.horizon) || self.seen.contains_key(&entry.cid)
    }

    /// Whether closings may have been overwritten since the mark: the ring is first in, first out, so as long as one of
    /// those from before is there, all later ones are.
    fn is_gap(&self, answer: &Answer, complete: bool, closings: u64) -> bool {
        let Some(mark) = self.mark else {
            return !complete || answer.root.total().is_some_and(|total| closings > total);
        };
        !answer.entries.is_empty()
            && !answer.entries.iter().any(|entry| {
                entry.stop < mark.horizon || (entry.stop <= mark.watermark && self.seen.contains_key(&entry.cid))
            })
    }

    /// Counts what is new; gives how many were not older than the horizon.
    fn count(&mut self, answer: &Answer) -> usize {
        let mut recent = 0;
        for entry in &answer.entries {
            recent += usize::from(self.mark.is_none_or(|mark| entry.stop >= mark.horizon));
            if self.is_known(entry) {
                continue;
            }
            self.seen.insert(entry.cid, entry.stop);
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
        let watermark = self.mark.map_or(latest, |mark| mark.watermark.max(latest));
        let horizon = watermark - SLACK_NANOS;
        let horizon = self.mark.map_or(horizon, |mark| mark.horizon.max(horizon));
        self.mark = Some(Mark { watermark, horizon });
        self.seen.retain(|_, stop| *stop >= horizon);
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

/// The part of a closed connection that is counted.
#[derive(Debug, Deserialize)]
struct Closing<'a> {
    cid: u64,
    #[serde(default)]
    stop: Moment,
    #[serde(borrow, default)]
    reason: Cow<'a, str>,
}

impl Answer {
    fn add(&mut self, closing: &Closing<'_>) {
        let Some(stop) = closing.stop.nanos() else {
            self.no_stop += 1;
            return;
        };
        if self.entries.len() == LIMIT_MAX {
            self.over_limit += 1;
            return;
        }
        let reason = self.reason(&closing.reason);
        self.entries.push(Entry {
            cid: closing.cid,
            stop,
            reason,
        });
    }

    fn reason(&mut self, text: &str) -> Reason {
        let mut buffer = [0; SLUG_MAX];
        let slug = slug(text, &mut buffer);
        if let Some(place) = REASONS.iter().position(|known| *known == slug) {
            return Reason::Known(place);
        }
        if slug.is_empty() || slug == OTHER {
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

/// Small letters and digits, one underscore for all between them.
fn slug<'a>(text: &str, buffer: &'a mut [u8; SLUG_MAX]) -> &'a str {
    let mut len = 0;
    let mut gap = false;
    for byte in text.bytes() {
        if !byte.is_ascii_alphanumeric() {
            gap = len > 0;
            continue;
        }
        if len + usize::from(gap) >= SLUG_MAX {
            break;
        }
        if gap {
            buffer[len] = b'_';
            len += 1;
            gap = false;
        }
        buffer[len] = byte.to_ascii_lowercase();
        len += 1;
    }
    std::str::from_utf8(&buffer[..len]).unwrap_or(OTHER)
}

/// Decodes `/connz?state=closed`.
pub(super) struct Decoder {
    splitter: Splitter,
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
    pub(super) fn new() -> Self {
        Self {
            splitter: Splitter::new(CUTS),
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
        format!("/connz?state=closed&sort=stop&limit={}", self.limit).into()
    }

    fn begin(&mut self, context: &Context) {
        self.splitter.reset();
        self.answer = Answer::default();
        self.server_id.clone_from(&context.server_id);
        self.started = context.started;
        let sizes = context.sizes;
        self.closings = sizes.connections_opened.saturating_sub(sizes.connections);
    }

    fn chunk(&mut self, bytes: &[u8], _out: &mut dyn Records) -> Result<(), DecodeError> {
        self.splitter.feed(bytes, &mut Sink(&mut self.answer))
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
                self.limit = LIMIT_MIN.max(self.limit);
                self.new_life(server_id)
            }
        };
        let limit = life.take(&answer, self.limit, self.closings);
        let left_out = limit == LIMIT_MAX && self.limit < LIMIT_MAX;
        let read = answer.entries.len() as u64;
        facts.coverage = Some(match answer.root.total() {
            Some(total) if left_out => (read, total),
            _ => (read, read),
        });
        facts.dropped = [("no_stop", answer.no_stop), ("over_limit", answer.over_limit)]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect();
        self.limit = limit;
        self.first_look = self.first_look.or(answer.root.now.nanos());
        out.record(Record::ClosedConnections(&ClosedConnections { life: &life }));
        self.life = Some(life);
        Ok(facts)
    }
}

struct Sink<'a>(&'a mut Answer);

impl Elements for Sink<'_> {
    fn head(&mut self, _depth: usize, _head: &[u8], _offset: u64) -> Result<Labels, DecodeError> {
        Ok(Labels::Known)
    }

    fn element(
        &mut self,
        depth: usize,
        _key: &'static str,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), DecodeError> {
        if depth == 0 {
            self.0.root = decode::element(bytes, offset)?;
        } else {
            self.0.add(&decode::element(bytes, offset)?);
        }
        Ok(())
    }
}
