//! Open connections: exact totals and distributions over all of them, and each one by configuration.

use std::borrow::Cow;

use serde::Deserialize;

use super::sums::{PageOf, Sums};
use crate::catalog::Metric;
use crate::collect::splitter::{Cut, Elements, Labels, Splitter};
use crate::collect::table::{cells, emit, one};
use crate::collect::{
    Collector, Connections as Depth, Context, Count, DecodeError, Facts, GoDuration, Int, Moment,
    Record, Records, Version, decode,
};
use crate::state::{EntityKind, Histogram, Row, Rows, Value};

/// Connections asked for at least. Without a limit the broker silently stops at 1,024; it allocates by what it has, not
/// by this.
const LIMIT_MIN: u64 = 1_000_000;
/// Bytes of a connection in an answer, and with `auth=1` without a JWT, as measured on 2.15.1. It is rarely less, so what
/// exceeds the limit by this count surely does; what is larger than expected is cut there, which shows as well.
const CONNECTION_BYTES: u64 = 500;
const CONNECTION_AUTH_BYTES: u64 = 600;
/// Different client languages that are told apart.
const LANGUAGES_MAX: usize = 32;
/// Different TLS versions that are told apart.
const TLS_MAX: usize = 8;
/// Longest text of those; a client writes what it likes.
const TEXT_MAX: usize = 64;
/// The account that the broker leaves out.
const GLOBAL_ACCOUNT: &str = "$G";

/// Ends with the default of `max_pending` (64 MiB) and one above it.
const PENDING_BYTES: &[u64] = &[
    0,
    1 << 10,
    1 << 12,
    1 << 14,
    1 << 16,
    1 << 18,
    1 << 20,
    1 << 22,
    1 << 24,
    1 << 26,
    1 << 28,
];
pub(super) const AGE_NANOS: &[u64] = &[
    SECOND,
    10 * SECOND,
    MINUTE,
    10 * MINUTE,
    HOUR,
    6 * HOUR,
    DAY,
    7 * DAY,
    30 * DAY,
];
const IDLE_NANOS: &[u64] = &[
    SECOND,
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    5 * MINUTE,
    30 * MINUTE,
    HOUR,
    6 * HOUR,
    DAY,
];
const RTT_NANOS: &[u64] = &[
    100 * MICRO,
    250 * MICRO,
    500 * MICRO,
    1_000 * MICRO,
    2_500 * MICRO,
    5_000 * MICRO,
    10_000 * MICRO,
    25_000 * MICRO,
    50_000 * MICRO,
    100_000 * MICRO,
    250_000 * MICRO,
    500_000 * MICRO,
    SECOND,
    2 * SECOND + 500_000 * MICRO,
];
const MICRO: u64 = 1_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

type Text<'a> = Cow<'a, str>;

/// An element of `connections` (nats-server `server/monitor.go`, type `ConnInfo`). `jwt` and what else may be secret is
/// not even decoded.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Connection<'a> {
    pub cid: u64,
    #[serde(borrow, default)]
    pub kind: Text<'a>,
    /// Absent for leaf nodes.
    #[serde(borrow, default, rename = "type")]
    pub protocol: Text<'a>,
    #[serde(borrow, default)]
    pub ip: Text<'a>,
    #[serde(default)]
    pub port: Int,
    #[serde(default)]
    pub start: Moment,
    #[serde(default)]
    pub last_activity: Moment,
    pub rtt: Option<GoDuration>,
    /// In the broker's own notation, such as `1d2h3m4s`.
    #[serde(borrow, default)]
    pub uptime: Text<'a>,
    #[serde(borrow, default)]
    pub idle: Text<'a>,
    #[serde(default)]
    pub pending_bytes: Count,
    pub in_msgs: Option<Count>,
    pub out_msgs: Option<Count>,
    pub in_bytes: Option<Count>,
    pub out_bytes: Option<Count>,
    /// Left out when zero, and before 2.12.
    #[serde(default)]
    pub stalls: Count,
    #[serde(default)]
    pub subscriptions: Count,
    #[serde(borrow, default)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub lang: Text<'a>,
    #[serde(borrow, default)]
    pub version: Text<'a>,
    #[serde(borrow, default)]
    pub tls_version: Text<'a>,
    #[serde(borrow, default)]
    pub tls_cipher_suite: Text<'a>,
    /// Only with `auth=1`.
    #[serde(borrow, default)]
    pub authorized_user: Text<'a>,
    /// Only with `auth=1`, and not for `$G`.
    #[serde(borrow, default)]
    pub account: Text<'a>,
    /// The account's name where it is called by its key; only with `auth=1`.
    #[serde(borrow, default)]
    pub name_tag: Text<'a>,
    #[serde(borrow, default)]
    pub mqtt_client: Text<'a>,
    /// Of closed ones only.
    #[serde(default)]
    pub stop: Moment,
    /// Of closed ones only.
    #[serde(borrow, default)]
    pub reason: Text<'a>,
}

const CONNECTION: cells!(Connection<'_>) = &[
    // The first one is what a top list ranks by.
    (Metric::ConnectionPending, |c| Some(c.pending_bytes.value())),
    (Metric::ConnectionInMessages, |c| {
        c.in_msgs.map(Count::value)
    }),
    (Metric::ConnectionOutMessages, |c| {
        c.out_msgs.map(Count::value)
    }),
    (Metric::ConnectionInBytes, |c| c.in_bytes.map(Count::value)),
    (Metric::ConnectionOutBytes, |c| {
        c.out_bytes.map(Count::value)
    }),
    (Metric::ConnectionSubscriptions, |c| {
        Some(c.subscriptions.value())
    }),
    (Metric::ConnectionRtt, |c| {
        c.measured_rtt()
            .map(|nanos| Value::Nanos(i128::from(nanos)))
    }),
    (Metric::ConnectionStart, |c| c.start.value()),
    (Metric::ConnectionActivity, |c| c.last_activity.value()),
    // The last one is left out before `HAS_STALLS`.
    (Metric::ConnectionStalls, |c| Some(c.stalls.value())),
];
pub(super) const HAS_STALLS: Version = Version(2, 12, 0);

impl Connection<'_> {
    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        let (mut cid, mut port) = (itoa::Buffer::new(), itoa::Buffer::new());
        let facts = self.facts(cid.format(self.cid), self.port(&mut port), context.version);
        // What is rarely asked for stands in the facts alone.
        let labels = &facts[..facts.len() - 2];
        let table = if context.version >= HAS_STALLS {
            CONNECTION
        } else {
            &CONNECTION[..CONNECTION.len() - 1]
        };
        let kind = EntityKind::Connection;
        emit(rows, kind, labels, table, self);
        let info = [(Metric::ConnectionInfo, Value::U64(1))];
        rows.row(&Row::new(kind, &facts, &info));
    }

    /// Who it is, as labels; the first one names it.
    pub(super) fn facts<'s>(
        &'s self,
        cid: &'s str,
        port: &'s str,
        version: Version,
    ) -> [(&'static str, &'s str); 13] {
        let account = match self.account.as_ref() {
            "" => GLOBAL_ACCOUNT,
            account => account,
        };
        [
            ("cid", cid),
            ("name", self.name.as_ref()),
            ("account", account),
            ("user", self.shown_user(version)),
            ("kind", self.shown_kind().as_str()),
            ("lang", self.lang.as_ref()),
            ("version", self.version.as_ref()),
            ("ip", self.ip.as_ref()),
            ("tls_version", self.tls_version.as_ref()),
            ("tls_cipher_suite", self.tls_cipher_suite.as_ref()),
            ("mqtt_client", self.mqtt_client.as_ref()),
            ("name_tag", self.name_tag.as_ref()),
            ("port", port),
        ]
    }

    /// The port at the client's end; nothing where the broker does not know it.
    pub(super) fn port<'b>(&self, buffer: &'b mut itoa::Buffer) -> &'b str {
        match self.port {
            Int(port) if port > 0 => buffer.format(port),
            Int(_) => "",
        }
    }

    pub(super) fn shown_kind(&self) -> Kind {
        match (self.protocol.as_ref(), self.kind.as_ref()) {
            ("nats", _) => Kind::Nats,
            ("websocket", _) => Kind::Websocket,
            ("mqtt", _) => Kind::Mqtt,
            ("", "Leafnode") => Kind::Leafnode,
            _ => Kind::Other,
        }
    }

    /// The user, unless it may be a secret: older brokers write the token of a client that authenticated by token here,
    /// and nothing tells it from a name. A public key is safe with all of them.
    fn shown_user(&self, version: Version) -> &str {
        if hides_tokens(version) || is_public_key(&self.authorized_user) {
            &self.authorized_user
        } else {
            ""
        }
    }

    /// Whether it never said who it is, as a check of the port that does no more than connect.
    pub(super) fn is_nameless(&self) -> bool {
        let said = [
            &self.name,
            &self.lang,
            &self.version,
            &self.authorized_user,
            &self.mqtt_client,
        ];
        self.shown_kind() == Kind::Nats && said.iter().all(|text| text.is_empty())
    }

    /// The broker writes 0 until it has measured.
    pub(super) fn measured_rtt(&self) -> Option<u64> {
        self.rtt.map(|rtt| rtt.0).filter(|nanos| *nanos > 0)
    }
}

/// Brokers that write `[REDACTED]` instead of a token (nats-server `server/client.go`, `getRawAuthUser`).
fn hides_tokens(version: Version) -> bool {
    version >= Version(2, 11, 2) || (Version(2, 10, 28)..Version(2, 11, 0)).contains(&version)
}

/// Whether it has the form of a user's public nkey.
fn is_public_key(user: &str) -> bool {
    user.len() == 56
        && user.starts_with('U')
        && user
            .bytes()
            .all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'))
}

/// What speaks over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nats,
    Websocket,
    Mqtt,
    Leafnode,
    Other,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [
        Self::Nats,
        Self::Websocket,
        Self::Mqtt,
        Self::Leafnode,
        Self::Other,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Nats => "nats",
            Self::Websocket => "websocket",
            Self::Mqtt => "mqtt",
            Self::Leafnode => "leafnode",
            Self::Other => "other",
        }
    }
}

/// All open connections together. Sums of their messages and bytes are not here: they fall when a client leaves.
#[derive(Debug)]
pub struct OpenConnections<'a> {
    /// What the broker says it has; nothing when it does not say.
    pub total: Option<u64>,
    /// What the answer says of itself.
    pub page: PageOf,
    totals: &'a Totals,
}

impl OpenConnections<'_> {
    /// Sums over all of them.
    pub fn sums(&self) -> Sums {
        Sums {
            subscriptions: self.totals.subscriptions,
            ..self.totals.sums
        }
    }

    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        let totals = self.totals;
        if let Some(total) = self.total {
            one(rows, &[], Metric::ConnectionsOpen, total.into());
        }
        for kind in Kind::ALL {
            let count = totals.kinds[kind as usize];
            let labels = [("kind", kind.as_str())];
            one(rows, &labels, Metric::ConnectionsByKind, count.into());
        }
        totals.languages.each(&mut |lang, count| {
            let labels = [("lang", lang)];
            one(rows, &labels, Metric::ConnectionsByLanguage, count.into());
        });
        totals.tls.each(&mut |tls, count| {
            one(
                rows,
                &[("tls", tls)],
                Metric::ConnectionsByTls,
                count.into(),
            );
        });
        let subscriptions = totals.subscriptions.into();
        one(rows, &[], Metric::ConnectionsSubscriptions, subscriptions);
        for (metric, histogram) in [
            (Metric::ConnectionsPending, &totals.pending),
            (Metric::ConnectionsAge, &totals.age),
            (Metric::ConnectionsIdle, &totals.idle),
            (Metric::ConnectionsRtt, &totals.rtt),
        ] {
            one(rows, &[], metric, Value::Histogram(histogram));
        }
    }
}

#[derive(Debug)]
struct Totals {
    seen: u64,
    kinds: [u64; Kind::ALL.len()],
    languages: Tally,
    tls: Tally,
    subscriptions: u64,
    sums: Sums,
    pending: Histogram,
    age: Histogram,
    idle: Histogram,
    rtt: Histogram,
}

impl Totals {
    fn new() -> Self {
        Self {
            seen: 0,
            kinds: [0; Kind::ALL.len()],
            languages: Tally::new(LANGUAGES_MAX),
            tls: Tally::new(TLS_MAX),
            subscriptions: 0,
            sums: Sums::default(),
            pending: Histogram::of_units(PENDING_BYTES),
            age: Histogram::of_nanos(AGE_NANOS),
            idle: Histogram::of_nanos(IDLE_NANOS),
            rtt: Histogram::of_nanos(RTT_NANOS),
        }
    }

    /// `now` is the broker's clock when it began to answer: what began after it has age 0.
    fn add(&mut self, connection: &Connection<'_>, now: i128) {
        self.seen += 1;
        let kind = connection.shown_kind();
        self.kinds[kind as usize] += 1;
        if !matches!(kind, Kind::Leafnode) {
            let lang = connection.lang.as_ref();
            self.languages
                .add(if lang.is_empty() { "unknown" } else { lang });
        }
        let tls = connection.tls_version.as_ref();
        self.tls.add(if tls.is_empty() { "none" } else { tls });
        self.subscriptions = self
            .subscriptions
            .saturating_add(connection.subscriptions.or_zero());
        self.sums.add(connection);
        self.pending.observe(connection.pending_bytes.or_zero());
        for (histogram, since) in [
            (&mut self.age, connection.start),
            (&mut self.idle, connection.last_activity),
        ] {
            if let Some(since) = since.nanos() {
                histogram.observe(u64::try_from((now - since).max(0)).unwrap_or(u64::MAX));
            }
        }
        if let Some(rtt) = connection.measured_rtt() {
            self.rtt.observe(rtt);
        }
    }
}

/// Counts by texts that clients choose: the first few different ones, the rest together.
#[derive(Debug)]
struct Tally {
    max: usize,
    counts: Vec<(String, u64)>,
    other: u64,
}

impl Tally {
    fn new(max: usize) -> Self {
        Self {
            max,
            counts: Vec::new(),
            other: 0,
        }
    }

    fn add(&mut self, text: &str) {
        if let Some((_, count)) = self.counts.iter_mut().find(|(known, _)| known == text) {
            *count += 1;
        } else if self.counts.len() < self.max && text.len() <= TEXT_MAX && text != "other" {
            self.counts.push((text.to_owned(), 1));
        } else {
            self.other += 1;
        }
    }

    fn each(&self, take: &mut dyn FnMut(&str, u64)) {
        for (text, count) in &self.counts {
            take(text, *count);
        }
        if self.other > 0 {
            take("other", self.other);
        }
    }
}

/// Decodes `/connz`.
pub(super) struct Decoder {
    splitter: Splitter,
    depth: Depth,
    totals: Totals,
    now: Option<i128>,
    root: Root,
}

/// What stands around the connections.
#[derive(Debug, Default, Deserialize)]
struct Root {
    #[serde(default)]
    server_id: String,
    #[serde(default)]
    now: Moment,
    total: Option<Int>,
    #[serde(default)]
    num_connections: Int,
    #[serde(default)]
    offset: Int,
    #[serde(default)]
    limit: Int,
}

impl Root {
    /// How many the broker has.
    fn total(&self) -> Option<u64> {
        u64::try_from(self.total?.0).ok()
    }
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
            totals: Totals::new(),
            now: None,
            root: Root::default(),
        }
    }
}

impl Collector for Decoder {
    fn path(&self, context: &Context) -> Cow<'static, str> {
        // It ships the clients' JWTs, so it is asked for only where accounts and users are shown.
        let (auth, bytes) = match self.depth {
            Depth::Off => ("", CONNECTION_BYTES),
            Depth::Top | Depth::All => ("&auth=1", CONNECTION_AUTH_BYTES),
        };
        let open = context.sizes.connections;
        if context.body_max.holds(open.saturating_mul(bytes)) {
            let limit = LIMIT_MIN.max(open.saturating_mul(2));
            return format!("/connz?limit={limit}{auth}").into();
        }
        // The slowest readers are those that somebody will ask for.
        let limit = (context.body_max.0 / bytes).max(1);
        format!("/connz?sort=pending&limit={limit}{auth}").into()
    }

    fn begin(&mut self, _context: &Context) {
        self.splitter.reset();
        self.totals = Totals::new();
        self.now = None;
        self.root = Root::default();
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let mut sink = Sink {
            depth: self.depth,
            totals: &mut self.totals,
            now: &mut self.now,
            root: &mut self.root,
            out,
        };
        self.splitter.feed(bytes, &mut sink)
    }

    fn finish(&mut self, out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        let total = self.root.total();
        out.record(Record::OpenConnections(&OpenConnections {
            total,
            page: PageOf {
                num_connections: self.root.num_connections,
                offset: self.root.offset,
                limit: self.root.limit,
            },
            totals: &self.totals,
        }));
        Ok(Facts {
            server_id: Some(std::mem::take(&mut self.root.server_id)).filter(|id| !id.is_empty()),
            coverage: total.map(|total| (self.totals.seen, total)),
            ..Facts::default()
        })
    }
}

struct Sink<'a> {
    depth: Depth,
    totals: &'a mut Totals,
    now: &'a mut Option<i128>,
    root: &'a mut Root,
    out: &'a mut dyn Records,
}

impl Elements for Sink<'_> {
    /// Ages need the broker's clock, which stands before the array.
    fn head(&mut self, _depth: usize, head: &[u8], offset: u64) -> Result<Labels, DecodeError> {
        let root: Root = decode::element(head, offset)?;
        *self.now = root.now.nanos();
        Ok(match self.now {
            Some(_) => Labels::Known,
            None => Labels::Missing,
        })
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
            *self.root = decode::element(bytes, offset)?;
            return Ok(());
        }
        self.connection(&decode::element(bytes, offset)?);
        Ok(())
    }
}

impl Sink<'_> {
    fn connection(&mut self, connection: &Connection<'_>) {
        // `head` has seen to it that the clock is known.
        self.totals
            .add(connection, self.now.unwrap_or(i128::MIN / 2));
        if self.depth != Depth::Off {
            self.out.record(Record::Connection(connection));
        }
    }
}
