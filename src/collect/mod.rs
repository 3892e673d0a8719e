//! One endpoint of the broker, one file: bytes in, records out, records to rows.
//!
//! Nothing here does I/O, reads a clock or spawns. To add an endpoint: catalog rows, a file with its `SPECS`, its
//! records and their `native` rows, and one line in `collectors!` below.

mod decode;
mod names;
mod number;
mod peers;
mod select;
mod splitter;
mod table;
mod walk;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use decode::DecodeError;
pub use number::{Count, GoDuration, Int, Moment};
pub use peers::{Configured, ConfiguredLeaf, ConfiguredRoute};
pub use select::{Left, OVERFLOW, Pattern, Room, Scope, Select, Terms};

use crate::catalog::Origin;
use crate::state::Rows;

/// Modules of endpoints and the records that each emits.
macro_rules! collectors {
    ($( $module:ident :: { $($record:ident),* $(,)? } ),* $(,)?) => {
        $( pub mod $module; )*

        /// One entity as the broker gave it, borrowed from the body.
        #[derive(Debug)]
        pub enum Record<'a> { $($(
            #[doc = concat!("From `collect/", stringify!($module), ".rs`.")]
            $record(&'a $module::$record<'a>),
        )*)* }

        impl Record<'_> {
            /// Turns the record into rows of the native view.
            pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
                match self { $($( Self::$record(record) => record.native(context, rows), )*)* }
            }
        }

        /// Every collector, in the order of a light round.
        pub fn specs() -> impl Iterator<Item = &'static Spec> {
            [$( $module::SPECS ),*].into_iter().flatten()
        }
    };
}

collectors! {
    varz::{ Varz },
    connz::{ Connection, OpenConnections, ClosedConnection, ClosedConnections },
    expvar::{ Expvar },
    healthz::{ Healthz },
    routez::{ Route, Routes, RoutesBody },
    gatewayz::{ Gateways },
    gateway_accounts::{ GatewayAccount, InterestThreshold },
    leafz::{ Leafnode, Leafnodes },
    subsz::{ Sublists },
    accstatz::{ AccountStat },
    accountz::{ AccountList, AccountDetails },
    ipqueuesz::{ Queue, OtherQueues },
    raftz::{ RaftGroup, RaftAccount },
    jsz::{ JetstreamTotals, Account, Stream, Consumer, Ephemerals, LeaderCounts, StreamConfiguration, ConsumerConfiguration, RaftGroupName },
}

/// Which of the two request queues of a broker a collector uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Cheap requests, which never wait for heavy ones.
    Light,
    /// Requests whose cost grows with connections, streams or consumers.
    Heavy,
}

/// What is fixed about a collector.
#[derive(Debug)]
pub struct Spec {
    /// Name in `collector` labels and in `collect[]`.
    pub name: &'static str,
    /// Whose families it fills; its tier is the interval.
    pub origin: Origin,
    /// Path of the endpoint without parameters: the `handler` label.
    pub handler: &'static str,
    /// Shortest interval, whatever the configuration says.
    pub interval_min: Duration,
    /// Whether the cheap counts tell that there is nothing to read: it is asked but once a minute then.
    pub idle: fn(&Sizes) -> bool,
    /// Which queue it uses.
    pub lane: Lane,
    /// Status codes whose body is decoded.
    pub accept: fn(u16) -> bool,
    /// Status codes that mean "this version does not have it".
    pub absent: fn(u16) -> bool,
    /// Whether settings ask for it.
    pub wanted: fn(&Options) -> bool,
    /// Makes the collector of one server.
    pub make: fn(&Options) -> Box<dyn Collector>,
}

/// What the operator chose about depth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Series for each client connection.
    pub connections: Connections,
    /// How many connections `Connections::Top` shows.
    pub top: usize,
    /// Series for each stream.
    pub streams: bool,
    /// Series for each durable consumer.
    pub consumers: bool,
    /// Series for each account on each gateway connection.
    pub gateway_accounts: bool,
    /// Which accounts, streams and consumers are shown.
    pub scope: Arc<Scope>,
    /// Most series of one collector of one server that may begin within an hour.
    pub series_new_max: u64,
    /// Health checks that only an older exporter's view shows.
    pub checks: Checks,
}

/// Health checks beside natsight's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// `js-enabled-only`.
    pub enabled_only: bool,
    /// `js-server-only`.
    pub server_only: bool,
}

impl Options {
    /// Whether the configuration asks for the families of level detail of this origin.
    pub fn details(&self, origin: Origin) -> bool {
        match origin {
            Origin::Connz | Origin::Closed => self.connections != Connections::Off,
            Origin::GatewayAccounts => self.gateway_accounts,
            _ => false,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections: Connections::Off,
            top: 20,
            streams: true,
            consumers: true,
            gateway_accounts: false,
            scope: Arc::default(),
            series_new_max: 100_000,
            checks: Checks::default(),
        }
    }
}

/// Depth of the series about client connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connections {
    /// Totals and distributions only.
    Off,
    /// Also those with the most pending bytes.
    Top,
    /// Also each connection.
    All,
}

/// What is known of the server when an answer is decoded.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The `server_name` label.
    pub server_name: String,
    /// The `nats_cluster` label; empty outside a cluster.
    pub nats_cluster: String,
    /// The name that the broker gives itself; leaders are named by it.
    pub broker_name: String,
    /// `server_id` of varz; changes at each start.
    pub server_id: String,
    /// Version of the broker.
    pub version: Version,
    /// When the broker started, nanoseconds since 1970.
    pub started: Option<i128>,
    /// The broker's clock at the latest varz, nanoseconds since 1970.
    pub now: Option<i128>,
    /// Cheap counts, to size requests.
    pub sizes: Sizes,
    /// Other servers that the configuration names; what is down vanishes from the broker's own lists.
    pub configured: Arc<Configured>,
    /// What requests must bring beside what the native view needs.
    pub extra: Extra,
    /// What other collectors told of accounts.
    pub accounts: Arc<Accounts>,
    /// Largest answer that is read.
    pub body_max: BodyMax,
}

/// Bytes of the largest answer that is read. What is expected to be larger is asked for in a cheaper form; the coverage
/// of the answer then tells what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyMax(pub u64);

impl Default for BodyMax {
    /// Without a limit.
    fn default() -> Self {
        Self(u64::MAX)
    }
}

impl BodyMax {
    /// Whether an answer of so many bytes is read whole.
    pub(crate) fn holds(self, bytes: u64) -> bool {
        bytes <= self.0
    }
}

/// What the view of an older exporter needs of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// JetStream records tell what stands above them: meta leader, domain, stream.
    pub above: bool,
    /// Streams and consumers come with their configuration and their raft groups.
    pub config: bool,
}

impl Context {
    /// Notes what an answer of one collector tells the others.
    pub fn learn(context: &mut Arc<Self>, facts: &Facts) {
        let before = context.sizes;
        let sizes = Sizes {
            streams: facts.streams.unwrap_or(before.streams),
            consumers: facts.consumers.unwrap_or(before.consumers),
            accounts: facts.accounts.unwrap_or(before.accounts),
            gateways: facts.gateways.unwrap_or(before.gateways),
            ..before
        };
        if sizes != before {
            Arc::make_mut(context).sizes = sizes;
        }
        let known = &context.accounts;
        let labels = facts.account_labels.as_ref().unwrap_or(&known.labels);
        let with_streams = facts.accounts_with_streams.as_ref();
        let with_streams = with_streams.unwrap_or(&known.with_streams);
        if *labels != known.labels || *with_streams != known.with_streams {
            let accounts = Accounts {
                labels: labels.clone(),
                with_streams: with_streams.clone(),
            };
            Arc::make_mut(context).accounts = Arc::new(accounts);
        }
    }
}

/// Accounts of one server, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// `account` labels that are not the id itself (accstatz).
    pub labels: BTreeMap<String, String>,
    /// `account` labels of those that have streams on this server (jsz).
    pub with_streams: BTreeMap<String, String>,
}

impl Accounts {
    /// The `account` label of an id.
    pub fn label<'t>(&'t self, id: &'t str) -> &'t str {
        let label = self.with_streams.get(id).or_else(|| self.labels.get(id));
        label.map_or(id, String::as_str)
    }
}

/// Cheap counts that tell how large a heavy answer will be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Open client connections (varz).
    pub connections: u64,
    /// Client connections ever accepted (varz).
    pub connections_opened: u64,
    /// Streams on this server (jsz).
    pub streams: u64,
    /// Consumers on this server (jsz).
    pub consumers: u64,
    /// Accounts that this server knows (accstatz).
    pub accounts: u64,
    /// Gateway connections of this server, in both directions (gatewayz).
    pub gateways: u64,
    /// What the server has no part in (varz).
    pub alone: Alone,
}

/// Connections between servers that one neither has nor is configured to have. Without word from varz all of it is `false`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alone {
    /// No cluster and no route.
    pub routes: bool,
    /// No gateway.
    pub gateways: bool,
    /// Neither a port for leaf nodes nor a remote, and no leaf node.
    pub leafs: bool,
}

impl Sizes {
    /// Accounts on gateway connections: each is on every one of them, at most.
    pub fn gateway_accounts(&self) -> u64 {
        self.accounts.saturating_mul(self.gateways)
    }
}

/// Version of a broker, for fields that a version has or lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u16, pub u16, pub u16);

impl Version {
    /// Reads `2.12.8`, `2.12.8-RC.1`, `v2.9.0`; what cannot be read is 0.
    pub fn parse(text: &str) -> Self {
        let core = text
            .trim_start_matches('v')
            .split(['-', '+'])
            .next()
            .unwrap_or_default();
        let mut parts = core.split('.').map(|part| part.parse().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        Self(next(), next(), next())
    }
}

/// Takes records: the poller, a test.
pub trait Records {
    /// Takes one record.
    fn record(&mut self, record: Record<'_>);
}

impl<F: FnMut(Record<'_>)> Records for F {
    fn record(&mut self, record: Record<'_>) {
        self(record);
    }
}

/// Where another server of the cluster can be reached, by what a broker tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerAddress {
    /// Host name or address, as the broker gave it.
    pub host: String,
}

/// Most peers that are taken from one answer.
pub const PEERS_MAX: usize = 1000;

/// What an answer tells about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The `server_id` in the body, where it has one.
    pub server_id: Option<String>,
    /// Entities shown, and entities that the broker has.
    pub coverage: Option<(u64, u64)>,
    /// Entities or values left out, by reason.
    pub dropped: Vec<(&'static str, u64)>,
    /// Version in the body, where it has one.
    pub version: String,
    /// Port for clients in the body, where it has one.
    pub client_port: Option<u16>,
    /// Streams on this server, where the body counts them.
    pub streams: Option<u64>,
    /// Consumers on this server, where the body counts them.
    pub consumers: Option<u64>,
    /// Accounts that this server knows, where the body lists them.
    pub accounts: Option<u64>,
    /// Gateway connections of this server, where the body lists them.
    pub gateways: Option<u64>,
    /// Other servers of the cluster, this one perhaps among them; at most [`PEERS_MAX`].
    pub peers: Vec<PeerAddress>,
    /// For [`Accounts::labels`], where the body tells.
    pub account_labels: Option<BTreeMap<String, String>>,
    /// For [`Accounts::with_streams`], where the body tells.
    pub accounts_with_streams: Option<BTreeMap<String, String>>,
}

/// Decodes one endpoint of one server. Lives as long as the server is watched, so it may count across answers;
/// what an answer adds to such counts is kept only when `finish` succeeds.
pub trait Collector: Send {
    /// Path and query of the next request.
    fn path(&self, context: &Context) -> Cow<'static, str>;

    /// A new answer begins.
    fn begin(&mut self, context: &Context);

    /// The next bytes of the body.
    ///
    /// # Errors
    /// The body is not what the endpoint gives; nothing of this answer may be used.
    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError>;

    /// The body is complete.
    ///
    /// # Errors
    /// As for `chunk`, also when the body ends too early.
    fn finish(&mut self, out: &mut dyn Records) -> Result<Facts, DecodeError>;
}

/// Accepts 200 only.
pub(crate) fn ok(status: u16) -> bool {
    status == 200
}

/// The endpoint exists since the oldest version that natsight supports.
pub(crate) fn never_absent(_status: u16) -> bool {
    false
}

/// There is always something to read.
pub(crate) fn never_idle(_sizes: &Sizes) -> bool {
    false
}

/// Wanted whatever the settings say.
pub(crate) fn always(_options: &Options) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What became of a body that comes at once.
    fn fate(name: &str, body: &str) -> Result<Facts, DecodeError> {
        let spec = specs().find(|spec| spec.name == name).unwrap();
        let mut collector = (spec.make)(&Options::default());
        let mut ignore = |_: Record<'_>| {};
        collector.begin(&Context::default());
        collector.chunk(body.as_bytes(), &mut ignore)?;
        collector.finish(&mut ignore)
    }

    #[test]
    fn what_is_no_json_is_refused_where_nothing_is_used_of_it() {
        for (name, body) in [
            ("raftz", "{%}"),
            ("raftz", r#"{"A":{%}}"#),
            ("ipqueuesz", "{%}"),
            ("gateway_accounts", "{%}"),
            ("gateway_accounts", r#"{"outbound_gateways":{%}}"#),
            ("gateway_accounts", r#"{"outbound_gateways":{"B":{%}}}"#),
            (
                "gateway_accounts",
                r#"{"others":{"B":{"connection":{"cid":1},"accounts":[{%}]}}}"#,
            ),
            (
                "consumers",
                r#"{"account_details":[{%}],"server_id":"N","streams":0,"consumers":0}"#,
            ),
            (
                "jsz_config",
                r#"{"account_details":[{%}],"server_id":"N","streams":0,"consumers":0}"#,
            ),
            (
                "consumers",
                r#"{"account_details":[{"name":"A","id":"A","stream_detail":[{%}]}],"server_id":"N","streams":0,"consumers":0}"#,
            ),
        ] {
            let good = fate(name, &body.replace('%', r#""x":1"#));
            assert!(good.is_ok(), "{name} {body}: {good:?}");
            let broken = fate(name, &body.replace('%', r#""x":1y"#));
            let refused = matches!(broken, Err(DecodeError::Element { .. }));
            assert!(refused, "{name} {body}: {broken:?}");
        }
    }

    #[test]
    fn versions_are_read_with_and_without_suffix() {
        for (text, expected) in [
            ("2.9.10", Version(2, 9, 10)),
            ("v2.12.0-RC.3", Version(2, 12, 0)),
            ("2.15.1+dev", Version(2, 15, 1)),
            ("", Version(0, 0, 0)),
            ("two", Version(0, 0, 0)),
        ] {
            assert_eq!(Version::parse(text), expected, "{text}");
        }
        assert!(Version::parse("2.10.0") > Version::parse("2.9.25"));
    }
}
