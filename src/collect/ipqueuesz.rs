//! `/ipqueuesz`: the broker's internal queues that are not empty.
//!
//! Names of queues are text with the account, stream, consumer or raft group inside, and differ by version. The words
//! around the entity become the label `queue`, the entity its own labels. A name of unknown form is shown whole, within
//! bounds of number and length; the rest is summed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;

use super::splitter::{Cut, EACH, Elements, Labels, Splitter};
use super::table::{cells, emit};
use super::{Collector, Context, DecodeError, Facts, Int, Lane, Record, Records, Spec};
use super::{always, decode, never_absent, never_idle, ok};
use crate::catalog::{Metric, Origin};
use crate::state::{EntityKind, Rows};

/// The collector of this endpoint.
pub static SPECS: &[Spec] = &[Spec {
    name: "ipqueuesz",
    origin: Origin::Ipqueuesz,
    handler: "/ipqueuesz",
    interval_min: Duration::from_secs(30),
    idle: never_idle,
    lane: Lane::Heavy,
    accept: ok,
    absent: never_absent,
    wanted: always,
    make: |_| Box::new(Decoder::new()),
}];

/// Values of the label `queue` in one life of the collector; the broker has about forty.
const QUEUES_MAX: usize = 100;
/// Bytes of a value of the label `queue`.
const QUEUE_LENGTH_MAX: usize = 80;
/// The label of what is beyond the bounds.
const OTHER: &str = "other";

/// One queue.
#[derive(Debug)]
pub struct Queue<'a> {
    /// Its name, taken apart.
    pub name: QueueName<'a>,
    /// How full it is.
    pub detail: QueueDetail,
}

/// All queues beyond the bounds.
#[derive(Debug)]
pub struct OtherQueues<'a> {
    /// Their sums.
    pub detail: &'a QueueDetail,
}

/// A member of the answer (nats-server `server/monitor.go`, type `IpqueueszStatusIPQ`).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct QueueDetail {
    pub pending: Int,
    /// Left out when zero.
    #[serde(default)]
    pub in_progress: Int,
}

/// What the name of a queue says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueName<'a> {
    /// The words around the entity.
    pub queue: Cow<'a, str>,
    /// The id of its account.
    pub account: &'a str,
    /// Its stream.
    pub stream: &'a str,
    /// Its consumer.
    pub consumer: &'a str,
    /// Its raft group.
    pub group: &'a str,
    /// The stream that is mirrored or sourced.
    pub origin: &'a str,
}

impl<'a> QueueName<'a> {
    /// Takes a name apart. Names of streams, consumers and groups have no blanks, so a quote before one ends them.
    pub fn parse(name: &'a str) -> Self {
        Self::of_account(name).unwrap_or(Self {
            queue: name.into(),
            ..Self::default()
        })
    }

    fn of_account(name: &'a str) -> Option<Self> {
        let after = name.strip_prefix("[ACC:")?;
        let mut ends = after.match_indices("] ").map(|(end, _)| end);
        // The name of an account may hold anything.
        let (account, parsed) = ends.find_map(|end| {
            let parsed = Self::of_entity(&after[end + 2..])?;
            Some((&after[..end], parsed))
        })?;
        Some(Self { account, ..parsed })
    }

    fn of_entity(text: &'a str) -> Option<Self> {
        let none = Self::default();
        if let Some((group, rest)) = quoted(text, "RAFT '") {
            let queue = format!("raft {rest}").into();
            return Some(Self {
                queue,
                group,
                ..none
            });
        }
        if let Some((consumer, rest)) = quoted(text, "consumer '") {
            let (stream, rest) = quoted(rest, "on stream '")?;
            let queue = format!("consumer {rest}").into();
            return Some(Self {
                queue,
                stream,
                consumer,
                ..none
            });
        }
        for (start, between, word) in [
            ("stream mirror '", "of '", "mirror"),
            ("stream source '", "from '", "source"),
        ] {
            if let Some((stream, rest)) = quoted(text, start) {
                let (origin, rest) = quoted(rest, between)?;
                let queue = format!("{word} {rest}").into();
                return Some(Self {
                    queue,
                    stream,
                    origin,
                    ..none
                });
            }
        }
        for (start, word) in [("stream sources '", "sources"), ("stream '", "stream")] {
            if let Some((stream, rest)) = quoted(text, start) {
                let queue = format!("{word} {rest}").into();
                return Some(Self {
                    queue,
                    stream,
                    ..none
                });
            }
        }
        text.starts_with("MQTT ").then(|| Self {
            queue: text.into(),
            ..none
        })
    }
}

/// What stands in quotes after `start`, and what comes after it.
fn quoted<'t>(text: &'t str, start: &str) -> Option<(&'t str, &'t str)> {
    text.strip_prefix(start)?.split_once("' ")
}

const QUEUE: cells!(QueueDetail) = &[
    (Metric::IpqueuePending, |q| Some(q.pending.value())),
    (Metric::IpqueueInProgress, |q| Some(q.in_progress.value())),
];

impl Queue<'_> {
    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        let name = &self.name;
        let labels = [
            ("queue", &*name.queue),
            ("account", context.accounts.label(name.account)),
            ("stream", name.stream),
            ("consumer", name.consumer),
            ("group", name.group),
            ("origin", name.origin),
        ];
        emit(rows, EntityKind::Queue, &labels, QUEUE, &self.detail);
    }
}

impl OtherQueues<'_> {
    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        let name = QueueName {
            queue: OTHER.into(),
            ..QueueName::default()
        };
        let detail = *self.detail;
        Queue { name, detail }.native(context, rows);
    }
}

/// Members of the root, whose keys are the names.
const CUTS: &[Cut] = &[Cut {
    key: EACH,
    inside: &[],
}];

struct Decoder {
    splitter: Splitter,
    state: State,
}

#[derive(Default)]
struct State {
    name: String,
    /// Values of the label `queue` shown so far.
    queues: BTreeSet<String>,
    other: Option<QueueDetail>,
    /// Queues that are in the sum.
    summed: u64,
}

impl Decoder {
    fn new() -> Self {
        Self {
            splitter: Splitter::new(CUTS),
            state: State::default(),
        }
    }
}

impl Collector for Decoder {
    fn path(&self, _context: &Context) -> Cow<'static, str> {
        "/ipqueuesz".into()
    }

    fn begin(&mut self, _context: &Context) {
        self.splitter.reset();
        (self.state.other, self.state.summed) = (None, 0);
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let state = &mut self.state;
        self.splitter.feed(bytes, &mut Emit { state, out })
    }

    fn finish(&mut self, out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        if let Some(detail) = &self.state.other {
            out.record(Record::OtherQueues(&OtherQueues { detail }));
        }
        Ok(Facts {
            dropped: vec![("queue_names", self.state.summed)],
            ..Facts::default()
        })
    }
}

struct Emit<'a> {
    state: &'a mut State,
    out: &'a mut dyn Records,
}

impl Elements for Emit<'_> {
    fn head(&mut self, _depth: usize, _head: &[u8], _offset: u64) -> Result<Labels, DecodeError> {
        Ok(Labels::Known)
    }

    fn member(&mut self, _depth: usize, key: &str) {
        key.clone_into(&mut self.state.name);
    }

    fn element(
        &mut self,
        depth: usize,
        _key: &'static str,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), DecodeError> {
        if depth == 0 {
            return decode::check(bytes, offset);
        }
        let detail: QueueDetail = decode::element(bytes, offset)?;
        let State {
            name,
            queues,
            other,
            summed,
        } = &mut *self.state;
        let name = QueueName::parse(name);
        if !queues.contains(&*name.queue) {
            if queues.len() == QUEUES_MAX || name.queue.len() > QUEUE_LENGTH_MAX {
                let sum = other.get_or_insert_default();
                sum.pending.0 += detail.pending.0;
                sum.in_progress.0 += detail.in_progress.0;
                *summed += 1;
                return Ok(());
            }
            queues.insert(name.queue.to_string());
        }
        self.out.record(Record::Queue(&Queue { name, detail }));
        Ok(())
    }
}
