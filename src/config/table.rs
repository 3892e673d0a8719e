//! Every leaf of the configuration, once. Flags, variables, `docs/config.md`, the checks and the manual page
//! are made from this table; `Key` is the handle, so that a typo does not compile.

use std::time::Duration;

use super::leaf::Given::{Default, Example};
use super::leaf::{Effect, Kind, Leaf};
use super::words::{Connections, LogFormat, LogLevel, StandardNames, TlsVersion};

macro_rules! leaves {
    ($( $(#[doc = $doc:literal])+ $key:ident = $path:literal, $kind:expr, $given:expr, $effect:ident; )+) => {
        /// Handle of one leaf.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Key { $( $(#[doc = $doc])+ $key ),+ }

        /// The leaves, in the order of the documentation.
        pub static LEAVES: &[Leaf] = &[$(
            Leaf {
                key: Key::$key,
                path: $path,
                kind: $kind,
                given: $given,
                effect: Effect::$effect,
                doc: concat!($($doc),+),
            }
        ),+];
    };
}

impl Key {
    /// The row of the table.
    pub fn leaf(self) -> &'static Leaf {
        // The macro writes both in one order.
        &LEAVES[self as usize]
    }
}

const HTTP: Kind = Kind::Url {
    schemes: &["http", "https"],
    bare: false,
};
const MONITORING: Kind = Kind::Url {
    schemes: &["http", "https", "dns+http", "dns+https"],
    bare: true,
};
const NATS: Kind = Kind::Url {
    schemes: &["nats", "tls", "ws", "wss"],
    bare: true,
};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

const fn span(min_ms: u64, max_ms: u64) -> Kind {
    Kind::Duration {
        min: Duration::from_millis(min_ms),
        max: Duration::from_millis(max_ms),
        off: false,
    }
}

const fn span_or_off(min_ms: u64, max_ms: u64) -> Kind {
    Kind::Duration {
        min: Duration::from_millis(min_ms),
        max: Duration::from_millis(max_ms),
        off: true,
    }
}

leaves! {
    /// Where `/metrics`, health and the page for people are served. `:7777` is every interface.
    Listen = "listen", Kind::Listen { off: false }, Default(":7777"), Now;
    /// Where everything that acts or shows insides is served; `off` closes it.
    AdminListen = "admin_listen", Kind::Listen { off: true }, Default("127.0.0.1:7778"), Now;
    /// TLS, client certificates and basic auth of both listeners, in the format of exporter-toolkit.
    WebConfigFile = "web_config_file", Kind::Path, Example("/etc/natsight/web.yml"), Now;
    /// File with the token for reload on the admin listener.
    AdminTokenFile = "admin_token_file", Kind::Path, Example("/run/secrets/admin"), Now;
    /// Further names under which requests may come in (`Host`), beside the listeners' own.
    AdminHosts = "admin_hosts[]", Kind::Text, Example("natsight.internal"), Now;
    /// The address under which people reach natsight; links begin with it.
    ExternalUrl = "external_url", HTTP, Example("https://natsight.example"), Now;
    /// Serve the names of another tool on `/metrics`: `exporter` (or `exporter=PREFIX`, as its `-prefix`) or `surveyor`.
    Compat = "compat", Kind::Compat, Default("off"), Now;
    /// Repeat broker families under the standard Go and HTTP names: `auto` when one server is watched.
    StandardNames = "standard_names", Kind::Word(StandardNames::WORDS), Default("auto"), Now;

    /// Monitoring URL of a broker; with `dns+` before it, one at each address of the name, asked every 30s.
    /// URLs given as arguments replace the whole list; without any, and without `targets_file`,
    /// http://127.0.0.1:8222 is watched.
    ServersUrl = "servers[].url", MONITORING, Example("http://127.0.0.1:8222"), Now;
    /// Name for the `server_name` label, instead of the one that the broker gives.
    ServersName = "servers[].name", Kind::Text, Example("n1"), Now;
    /// Process of the broker: found by its listening port (`auto`), a number, or `off`. Unset is `auto`.
    ServersPid = "servers[].pid", Kind::Pid, Example("auto"), Now;
    /// Memory limit of the broker, where neither GOMEMLIMIT nor its cgroup can be seen.
    ServersMemoryLimit = "servers[].memory_limit", Kind::Size { min: MIB, max: 1 << 50 }, Example("2GiB"), Later;
    /// CPU limit of the broker in cores, where its cgroup cannot be seen.
    ServersCpuLimit = "servers[].cpu_limit", Kind::Number { min: 0.01, max: 4096.0 }, Example("2"), Later;
    /// The broker's profiling port (`prof_port`), if it has one.
    ServersProfilingUrl = "servers[].profiling_url", HTTP, Example("http://127.0.0.1:65432"), Now;
    /// Further servers from a file in Prometheus' file_sd format, re-read when it changes.
    TargetsFile = "targets_file", Kind::Path, Example("/etc/natsight/targets.yml"), Now;
    /// Watch the other members of each server's cluster too: their address, this server's scheme and monitoring port.
    /// For one natsight that watches a fleet; beside each server it would poll all of them many times.
    Discover = "discover", Kind::Switch, Default("false"), Now;
    /// When a server that was discovered, or found by DNS, leaves the page after its last answer.
    ForgetAfter = "forget_after", span(MINUTE, 720 * HOUR), Default("1h"), Now;

    /// Certificates to trust for brokers with `https`, instead of the system's.
    TlsCaFile = "tls.ca_file", Kind::Path, Example("/etc/natsight/ca.pem"), Now;
    /// Client certificate towards the brokers.
    TlsCertFile = "tls.cert_file", Kind::Path, Example("/etc/natsight/client.pem"), Now;
    /// Key of the client certificate.
    TlsKeyFile = "tls.key_file", Kind::Path, Example("/etc/natsight/client.key"), Now;
    /// Name that the brokers' certificates must carry, and that is sent to them (SNI), instead of the URL's host.
    TlsServerName = "tls.server_name", Kind::HostName, Example("nats.example"), Now;
    /// Oldest version of TLS that is spoken with the brokers: `TLS12` or `TLS13`.
    TlsMinVersion = "tls.min_version", Kind::Word(TlsVersion::WORDS), Default("TLS12"), Now;

    /// NATS URLs of the system account's connection.
    SystemUrls = "system.urls[]", NATS, Example("nats://n1:4222"), Now;
    /// User of the system account.
    SystemUser = "system.user", Kind::Text, Example("sys"), Now;
    /// Password of the system account; in this file only, and better in a file of its own.
    SystemPassword = "system.password", Kind::Secret, Example("secret"), Now;
    /// File with the password of the system account.
    SystemPasswordFile = "system.password_file", Kind::Path, Example("/run/secrets/sys"), Now;
    /// Credentials file (JWT and seed) of the system account.
    SystemCredsFile = "system.creds_file", Kind::Path, Example("/run/secrets/sys.creds"), Now;
    /// File with the NKey seed of the system account.
    SystemNkeyFile = "system.nkey_file", Kind::Path, Example("/run/secrets/sys.nk"), Now;
    /// File with the token of the system account.
    SystemTokenFile = "system.token_file", Kind::Path, Example("/run/secrets/sys.token"), Now;

    /// How often totals are fetched: traffic, routes, gateways, leaf nodes, JetStream totals.
    PollLight = "poll.light", span(SECOND, HOUR), Default("5s"), Now;
    /// How often health is checked; the full check runs once a minute at most.
    PollHealth = "poll.health", span(SECOND, HOUR), Default("10s"), Now;
    /// How often connections and accounts are fetched.
    PollConnections = "poll.connections", span(SECOND, HOUR), Default("15s"), Now;
    /// How often streams and raft groups are fetched.
    PollStreams = "poll.streams", span(SECOND, HOUR), Default("15s"), Now;
    /// How often consumers are fetched.
    PollConsumers = "poll.consumers", span(SECOND, HOUR), Default("30s"), Now;
    /// How often the configuration of streams and consumers is fetched.
    PollConfig = "poll.config", span(10 * SECOND, 24 * HOUR), Default("10m"), Now;
    /// Longest wait for a light answer; at most `poll.light`, which it follows while unset.
    PollTimeout = "poll.timeout", span(100, MINUTE), Default("2s"), Now;
    /// Longest wait for a heavy answer (connections, streams, consumers).
    PollHeavyTimeout = "poll.heavy_timeout", span(SECOND, 10 * MINUTE), Default("20s"), Now;
    /// Largest heavy answer that is read; what is expected to be larger is asked for in a cheaper form, what is beyond counts as cut.
    PollBodyMax = "poll.body_max", Kind::Size { min: 64 * KIB, max: 4 * GIB }, Default("256MiB"), Now;
    /// Largest light answer that is read; at most `poll.body_max`.
    PollLightBodyMax = "poll.light_body_max", Kind::Size { min: 64 * KIB, max: GIB }, Default("16MiB"), Now;
    /// Share of one core that answering may cost a broker; heavy rounds are spaced out to stay below.
    PollBrokerCpuMax = "poll.broker_cpu_max", Kind::Number { min: 0.0001, max: 1.0 }, Default("0.01"), Now;

    /// Which connections get series of their own: `off`, `top` (each member stays five rounds at least) or `all`.
    CollectConnections = "collect.connections", Kind::Word(Connections::WORDS), Default("off"), Now;
    /// How many connections `top` shows, and how many closed ones `top` and `all` do.
    CollectTop = "collect.top", Kind::Count { min: 1, max: 1000 }, Default("20"), Now;
    /// Series for each stream.
    CollectStreams = "collect.streams", Kind::Switch, Default("true"), Now;
    /// Series for each durable consumer; ephemeral and ordered ones are shown as sums only.
    CollectConsumers = "collect.consumers", Kind::Switch, Default("true"), Now;
    /// Series for each account on each gateway connection: its interest mode and subscriptions. To answer, the broker walks
    /// all accounts of each connection under that connection's lock.
    CollectGatewayAccounts = "collect.gateway_accounts", Kind::Switch, Default("false"), Now;
    /// Show only what one of these entries matches: the account, `*` for any part. A part left out matches all.
    CollectAllowAccount = "collect.allow[].account", Kind::Text, Example("APP"), Now;
    /// Show only what one of these entries matches: the stream.
    CollectAllowStream = "collect.allow[].stream", Kind::Pattern, Example("ORDERS*"), Now;
    /// Show only what one of these entries matches: the consumer.
    CollectAllowConsumer = "collect.allow[].consumer", Kind::Pattern, Example("billing"), Now;
    /// Hide what one of these entries matches, allowed or not: the account.
    CollectDenyAccount = "collect.deny[].account", Kind::Text, Example("APP"), Now;
    /// Hide what one of these entries matches: the stream.
    CollectDenyStream = "collect.deny[].stream", Kind::Pattern, Example("KV_cache*"), Now;
    /// Hide what one of these entries matches: the consumer.
    CollectDenyConsumer = "collect.deny[].consumer", Kind::Pattern, Example("*_test"), Now;
    /// Largest number of series on the page, over all servers; totals and health always stay.
    CollectSeriesMax = "collect.series_max", Kind::Count { min: 1_000, max: 10_000_000 }, Default("50000"), Now;
    /// Most new series within an hour, of one collector of one server; what was not shown for an hour is new.
    /// While unset it is at least twice `collect.series_max`.
    CollectSeriesNewMax = "collect.series_new_max", Kind::Count { min: 1_000, max: 100_000_000 }, Default("100000"), Now;

    /// What `/probe?target=` may reach: scheme, host or network, port. Loopback only if named; link-local and metadata
    /// addresses never. Without entries there is no `/probe`.
    ProbeAllow = "probe.allow[]", Kind::Text, Example("http://10.0.0.0/8:8222"), Now;
    /// How many targets of `/probe` are kept at a time.
    ProbeTargetsMax = "probe.targets_max", Kind::Count { min: 1, max: 10_000 }, Default("100"), Now;

    /// How often the client port is asked for its INFO, from connect to first line; 0 switches it off.
    ProbesConnect = "probes.connect", span_or_off(SECOND, HOUR), Default("10s"), Now;
    /// NATS URLs between which messages are timed.
    ProbesUrls = "probes.urls[]", NATS, Example("nats://n1:4222"), Later;
    /// User of the timed messages.
    ProbesUser = "probes.user", Kind::Text, Example("app"), Later;
    /// How often messages are timed.
    ProbesEvery = "probes.every", span(100, HOUR), Default("1s"), Later;

    /// Ask micro-services for their own statistics (`$SRV`).
    ClientsServices = "clients.services", Kind::Switch, Default("false"), Later;
    /// File with the token that guards pushed client statistics.
    ClientsPushTokenFile = "clients.push_token_file", Kind::Path, Example("/run/secrets/push"), Later;
    /// Name of a service whose own Prometheus page is passed on.
    ClientsScrapeName = "clients.scrape[].name", Kind::Text, Example("orders"), Later;
    /// URL of that page.
    ClientsScrapeUrl = "clients.scrape[].url", HTTP, Example("http://orders:9090/metrics"), Later;

    /// File with the token that guards captures; without it nothing can be captured over HTTP.
    ProfilesTokenFile = "profiles.token_file", Kind::Path, Example("/run/secrets/profiles"), Now;
    /// Where captures are kept.
    ProfilesDir = "profiles.dir", Kind::Path, Default("/var/lib/natsight"), Now;
    /// Capture all the time, at a low rate.
    ProfilesContinuous = "profiles.continuous", Kind::Switch, Default("false"), Now;
    /// Pyroscope to which each capture goes as well, those of the continuous mode included; user and password may stand in the URL.
    ProfilesPyroscope = "profiles.pyroscope_url", HTTP, Example("http://pyroscope:4040"), Now;

    /// Look for bottlenecks all the time.
    AnalyzeEnabled = "analyze.enabled", Kind::Switch, Default("true"), Later;
    /// Prometheus to ask for a longer past than natsight keeps.
    AnalyzePrometheus = "analyze.prometheus", HTTP, Example("http://prometheus:9090"), Later;

    /// The form of a log line: `text` or `json`.
    LogFormat = "log.format", Kind::Word(LogFormat::WORDS), Default("text"), Now;
    /// The least severe level that is logged: `error`, `warn`, `info`, `debug` or `trace`.
    LogLevel = "log.level", Kind::Word(LogLevel::WORDS), Default("info"), Now;
}
