//! `/healthz`: what the broker finds wrong with itself, by a cheap check and by a full one.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;

use super::splitter::{Cut, Elements, Labels, Splitter};
use super::table::{info, one};
use super::{Collector, Context, DecodeError, Facts, Lane, Record, Records, Spec, Version};
use super::{always, decode, never_absent, never_idle};
use crate::catalog::{Metric, Origin};
use crate::state::{Rows, Value};

/// The collectors of this endpoint. The broker writes a log line for each check that fails, and the full one looks at
/// every stream and consumer: hence its shortest interval and its lane.
pub static SPECS: &[Spec] = &[
    Spec {
        name: "healthz",
        origin: Origin::Healthz,
        handler: "/healthz",
        interval_min: Duration::ZERO,
        idle: never_idle,
        lane: Lane::Light,
        accept: answered,
        absent: never_absent,
        wanted: always,
        make: |_| Box::new(Decoder::new(Check::Server)),
    },
    Spec {
        name: "healthz_full",
        origin: Origin::Healthz,
        handler: "/healthz",
        interval_min: Duration::from_secs(60),
        idle: never_idle,
        lane: Lane::Heavy,
        accept: answered,
        absent: never_absent,
        wanted: always,
        make: |_| Box::new(Decoder::new(Check::Full)),
    },
    Spec {
        name: "healthz_enabled",
        origin: Origin::Healthz,
        handler: "/healthz",
        interval_min: Duration::ZERO,
        idle: never_idle,
        lane: Lane::Light,
        accept: answered,
        absent: never_absent,
        wanted: |options| options.checks.enabled_only,
        make: |_| Box::new(Decoder::new(Check::Exactly(Question::EnabledOnly))),
    },
    Spec {
        name: "healthz_server",
        origin: Origin::Healthz,
        handler: "/healthz",
        interval_min: Duration::ZERO,
        idle: never_idle,
        lane: Lane::Light,
        accept: answered,
        absent: never_absent,
        wanted: |options| options.checks.server_only,
        make: |_| Box::new(Decoder::new(Check::Exactly(Question::ServerOnly))),
    },
];

/// Most faults shown one by one.
const SHOWN_MAX: usize = 20;
/// Most characters of a fault's text.
const TEXT_MAX: usize = 200;
/// Where in `Healthz::failing` each kind of part is counted; the last takes kinds that are not known.
const KINDS: [&str; 7] = [
    "connection",
    "bad_request",
    "jetstream",
    "account",
    "stream",
    "consumer",
    "other",
];
const OTHER: &str = "other";
/// Words in a fault's text and the reason that they stand for; the first that fits.
const REASONS: &[(&str, &str)] = &[
    ("has not established contact", "no_meta_leader"),
    ("recovering", "recovering"),
    ("write error", "write_error"),
    ("apply error", "apply_error"),
    ("not running", "not_running"),
    ("not enabled", "not_enabled"),
    ("must not be empty", "bad_request"),
    ("ready for connections", "not_ready"),
    ("could not be recovered", "not_recovered"),
    ("could not be resolved", "not_found"),
    ("not found", "not_found"),
    ("skew", "skewed"),
    ("unhealthy", "unhealthy"),
    ("not current", "not_current"),
];

/// The body tells the state whatever the status; a 404 that is not of the check is no JSON and fails there.
fn answered(status: u16) -> bool {
    matches!(status, 200 | 400 | 404 | 500 | 503)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Server,
    Full,
    /// For the view of an older exporter, which asks the same of every version.
    Exactly(Question),
}

/// What exactly the broker was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Everything, streams and consumers too.
    Everything,
    /// `js-enabled-only`.
    EnabledOnly,
    /// `js-server-only`.
    ServerOnly,
}

impl Check {
    /// The `check` label; nothing for what the native view does not show.
    fn label(self) -> Option<&'static str> {
        match self {
            Self::Server => Some("server"),
            Self::Full => Some("full"),
            Self::Exactly(_) => None,
        }
    }

    fn question(self, version: Version) -> Question {
        match self {
            // Before 2.11 `js-server-only` also looks at the meta group (tried on 2.9.10 and 2.10.26; 2.11.11 does not):
            // another meaning, and a line in the broker's log for each look while there is no leader.
            Self::Server if (Version(2, 9, 10)..Version(2, 11, 0)).contains(&version) => {
                Question::EnabledOnly
            }
            Self::Server => Question::ServerOnly,
            Self::Full => Question::Everything,
            Self::Exactly(question) => question,
        }
    }

    fn path(self, version: Version) -> &'static str {
        match self.question(version) {
            Question::EnabledOnly => "/healthz?js-enabled-only=true",
            Question::ServerOnly => "/healthz?js-server-only=true",
            Question::Everything if version >= Version(2, 10, 0) => "/healthz?details=true",
            Question::Everything => "/healthz",
        }
    }
}

/// The answer of one check.
#[derive(Debug)]
pub struct Healthz<'a> {
    /// `server` or `full`; nothing for what only another view shows.
    pub check: Option<&'static str>,
    /// What exactly was asked.
    pub question: Question,
    /// The broker's word for its state.
    pub status: &'a str,
    /// Whether the status is "ok".
    pub healthy: bool,
    /// Faults of each kind of part, in the order of the kinds.
    pub failing: &'a [u64],
    /// Some of the faults, in order.
    pub shown: &'a BTreeSet<Fault>,
}

/// One thing that is wrong, in bounded words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Kind of the part.
    pub kind: &'static str,
    /// Account that it is in, if any.
    pub account: String,
    /// Stream, if any.
    pub stream: String,
    /// Consumer, if any.
    pub consumer: String,
    /// What is wrong, one of a few words.
    pub reason: &'static str,
    /// The broker's text, shortened, each number shown as N: a text that counts would be a new series each time.
    pub text: String,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow, default)]
    error: Cow<'a, str>,
}

/// An element of `errors` (nats-server `server/monitor.go`, type `HealthzError`).
#[derive(Deserialize)]
struct Detail<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    account: Cow<'a, str>,
    #[serde(borrow, default)]
    stream: Cow<'a, str>,
    #[serde(borrow, default)]
    consumer: Cow<'a, str>,
    #[serde(borrow, default)]
    error: Cow<'a, str>,
}

impl Healthz<'_> {
    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        let Some(check) = self.check else {
            return;
        };
        let check = ("check", check);
        one(rows, &[check], Metric::ServerHealthy, self.healthy.into());
        for (kind, count) in KINDS.iter().zip(self.failing) {
            one(
                rows,
                &[check, ("kind", kind)],
                Metric::ServerHealthErrors,
                Value::U64(*count),
            );
        }
        for fault in self.shown {
            info(
                rows,
                &[
                    check,
                    ("kind", fault.kind),
                    ("reason", fault.reason),
                    ("account", &fault.account),
                    ("stream", &fault.stream),
                    ("consumer", &fault.consumer),
                    ("error", &fault.text),
                ],
                Metric::ServerHealthErrorInfo,
            );
        }
    }
}

impl Fault {
    fn of_detail(detail: &Detail<'_>) -> Self {
        let kind = KINDS
            .into_iter()
            .find(|kind| kind.eq_ignore_ascii_case(&detail.kind));
        Self {
            kind: kind.unwrap_or(OTHER),
            account: bounded(&detail.account),
            stream: bounded(&detail.stream),
            consumer: bounded(&detail.consumer),
            reason: reason(&detail.error),
            text: normal(&detail.error),
        }
    }

    /// Without details there is one text; names stand in it as `'ACCOUNT > STREAM > CONSUMER'`.
    fn of_text(text: &str) -> Self {
        let quoted = text
            .split_once('\'')
            .and_then(|(_, rest)| rest.split_once('\''));
        let mut names = quoted.map_or("", |(names, _)| names).split(" > ");
        let mut name = || bounded(names.next().unwrap_or_default());
        Self {
            kind: kind_of(text),
            account: name(),
            stream: name(),
            consumer: name(),
            reason: reason(text),
            text: normal(text),
        }
    }
}

fn kind_of(text: &str) -> &'static str {
    let reason = reason(text);
    match text.strip_prefix("JetStream ") {
        _ if reason == "bad_request" => "bad_request",
        _ if reason == "not_ready" => "connection",
        Some(rest) => match rest.split(' ').next() {
            Some("account") => "account",
            Some("stream") => "stream",
            Some("consumer") => "consumer",
            _ => "jetstream",
        },
        None if text.to_ascii_lowercase().contains("jetstream") => "jetstream",
        None => OTHER,
    }
}

fn reason(text: &str) -> &'static str {
    REASONS
        .iter()
        .find(|(words, _)| text.contains(words))
        .map_or(OTHER, |(_, reason)| reason)
}

/// A name of the length that the broker allows for streams and consumers (255 bytes).
fn bounded(name: &str) -> String {
    name.chars().take(255).collect()
}

fn normal(text: &str) -> String {
    let mut in_number = false;
    let numbers_as_n = text.chars().filter_map(|character| {
        let digit = character.is_ascii_digit();
        let goes_on = digit && in_number;
        in_number = digit;
        (!goes_on).then_some(if digit { 'N' } else { character })
    });
    numbers_as_n.take(TEXT_MAX).collect()
}

struct Decoder {
    check: Check,
    question: Question,
    splitter: Splitter,
    answer: Answer,
}

/// What the answer under way has told so far.
#[derive(Default)]
struct Answer {
    failing: [u64; KINDS.len()],
    shown: BTreeSet<Fault>,
    dropped: u64,
}

impl Answer {
    /// Of many faults the first in order stay, not the first to come: the broker walks its maps in random order, and
    /// what is shown should not change with it.
    fn add(&mut self, fault: Fault) {
        let place = KINDS.iter().position(|kind| *kind == fault.kind);
        self.failing[place.unwrap_or(KINDS.len() - 1)] += 1;
        self.shown.insert(fault);
        if self.shown.len() > SHOWN_MAX {
            self.shown.pop_last();
            self.dropped += 1;
        }
    }
}

const CUTS: &[Cut] = &[Cut {
    key: "errors",
    inside: &[],
}];

impl Decoder {
    fn new(check: Check) -> Self {
        Self {
            check,
            question: check.question(Version::default()),
            splitter: Splitter::new(CUTS),
            answer: Answer::default(),
        }
    }
}

impl Collector for Decoder {
    fn path(&self, context: &Context) -> Cow<'static, str> {
        self.check.path(context.version).into()
    }

    fn begin(&mut self, context: &Context) {
        self.question = self.check.question(context.version);
        self.splitter.reset();
        self.answer = Answer::default();
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let mut emit = Emit {
            check: self.check,
            question: self.question,
            answer: &mut self.answer,
            out,
        };
        self.splitter.feed(bytes, &mut emit)
    }

    fn finish(&mut self, _out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        let mut facts = Facts::default();
        if self.answer.dropped > 0 {
            facts.dropped.push(("health_errors", self.answer.dropped));
        }
        Ok(facts)
    }
}

struct Emit<'a> {
    check: Check,
    question: Question,
    answer: &'a mut Answer,
    out: &'a mut dyn Records,
}

impl Elements for Emit<'_> {
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
        if depth > 0 {
            let detail: Detail<'_> = decode::element(bytes, offset)?;
            self.answer.add(Fault::of_detail(&detail));
            return Ok(());
        }
        let body: Body<'_> = decode::element(bytes, offset)?;
        if !body.error.is_empty() {
            self.answer.add(Fault::of_text(&body.error));
        }
        self.out.record(Record::Healthz(&Healthz {
            check: self.check.label(),
            question: self.question,
            status: &body.status,
            healthy: body.status == "ok",
            failing: &self.answer.failing,
            shown: &self.answer.shown,
        }));
        Ok(())
    }
}
