//! Settings as written to a plan: parsed, bounded, with defaults. The rest of the program sees only `Plan`.

use std::path::PathBuf;
use std::time::Duration;

use super::kind::{self, Listen, Pid, Value};
use super::mistake::Mistake;
use super::older::Older;
use super::patterns::{self, PatternPlan};
use super::probe::ProbeRule;
use super::secret::UrlText;
use super::servers;
use super::settings::{Item, Settings, Written};
use super::system::{self, SystemPlan};
use super::table::Key;
use super::units::{show_duration, show_size};
use super::words::{Connections, LogFormat, LogLevel, StandardNames, TlsVersion};

/// Everything that the operator decided, ready for use.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Where the page is served.
    pub listen: Listen,
    /// Where everything that acts or shows insides is served; `None` is nowhere.
    pub admin_listen: Option<Listen>,
    /// TLS, basic auth and headers of both listeners.
    pub web_config_file: Option<PathBuf>,
    /// The token for what acts.
    pub admin_token_file: Option<PathBuf>,
    /// Further names under which requests may come in.
    pub admin_hosts: Vec<String>,
    /// The address under which people reach natsight.
    pub external_url: Option<UrlText>,
    /// Whether broker families are repeated under standard names.
    pub standard_names: StandardNames,
    /// The view of an older exporter, if `/metrics` is to serve it.
    pub exporter: Option<ExporterPlan>,
    /// Whether it is to serve the view of nats-surveyor.
    pub surveyor: bool,
    /// The brokers to watch; none only where `targets_file` names them.
    pub servers: Vec<ServerPlan>,
    /// File with further brokers.
    pub targets_file: Option<PathBuf>,
    /// Whether the other members of a broker's cluster are watched too.
    pub discover: bool,
    /// When a server that was found, not configured, leaves after its last answer.
    pub forget_after: Duration,
    /// What `/probe` may reach.
    pub probe: ProbePlan,
    /// TLS towards the brokers.
    pub tls: TlsPlan,
    /// The system account.
    pub system: SystemPlan,
    /// Captures over HTTP.
    pub profiles: ProfilesPlan,
    /// Intervals and limits of polling.
    pub poll: PollPlan,
    /// What gets series of its own.
    pub collect: CollectPlan,
    /// How often the client port is asked for its INFO; `None` is never.
    pub probe_connect: Option<Duration>,
    /// How natsight logs.
    pub log: LogPlan,
}

/// The view of prometheus-nats-exporter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExporterPlan {
    /// Stands in the place of `gnatsd` and `jetstream`.
    pub prefix: Option<String>,
    /// What that exporter's own flags decide, where natsight runs under its name.
    pub older: Option<Older>,
}

/// One broker to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerPlan {
    /// Its monitoring URL as written without `dns+`, looked at superficially: `http`, `https` or no scheme, a host,
    /// perhaps a port.
    pub url: UrlText,
    /// Whether each address of the host is a server.
    pub by_dns: bool,
    /// Name for the `server_name` label, if the operator gave one.
    pub name: Option<String>,
    /// Its process.
    pub pid: Pid,
    /// Its profiling port, if it has one.
    pub profiling_url: Option<UrlText>,
}

/// Captures over HTTP, and what is kept of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfilesPlan {
    /// The token that guards them; nothing can be captured over HTTP without it.
    pub token_file: Option<PathBuf>,
    /// Where they are kept.
    pub dir: PathBuf,
    /// Whether there is a capture each minute.
    pub continuous: bool,
    /// Where captures go as well.
    pub pyroscope_url: Option<UrlText>,
}

/// What `/probe` may reach, and how much of it at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbePlan {
    /// Without entries there is no `/probe`.
    pub allow: Vec<ProbeRule>,
    /// Targets that are kept.
    pub targets_max: usize,
}

/// TLS towards the brokers. The files are not opened here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsPlan {
    /// Certificates to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Client certificate and its key: both or none.
    pub client: Option<ClientCertificate>,
    /// The name to look for in the brokers' certificates, instead of the URL's host.
    pub server_name: Option<String>,
    /// The oldest version.
    pub min_version: TlsVersion,
}

/// A certificate and the key that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate's file.
    pub cert_file: PathBuf,
    /// The key's file.
    pub key_file: PathBuf,
}

/// Intervals and limits of polling.
#[derive(Debug, Clone, PartialEq)]
pub struct PollPlan {
    /// Interval of totals.
    pub light: Duration,
    /// Interval of health checks.
    pub health: Duration,
    /// Interval of connections and accounts.
    pub connections: Duration,
    /// Interval of streams and raft groups.
    pub streams: Duration,
    /// Interval of consumers.
    pub consumers: Duration,
    /// Interval of the configuration of streams and consumers.
    pub config: Duration,
    /// Longest wait for a light answer; never longer than `light`.
    pub timeout: Duration,
    /// Longest wait for a heavy answer.
    pub heavy_timeout: Duration,
    /// Largest heavy answer in bytes.
    pub body_max: u64,
    /// Largest light answer in bytes; never larger than `body_max`.
    pub light_body_max: u64,
    /// Share of one core that answering may cost a broker, above 0 and at most 1.
    pub broker_cpu_max: f64,
}

/// What gets series of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectPlan {
    /// Which connections.
    pub connections: Connections,
    /// How many connections `Connections::Top` shows.
    pub top: usize,
    /// Each stream.
    pub streams: bool,
    /// Each durable consumer.
    pub consumers: bool,
    /// Each account on each gateway connection.
    pub gateway_accounts: bool,
    /// When there are any, only what one of them matches.
    pub allow: Vec<PatternPlan>,
    /// Nothing that one of them matches.
    pub deny: Vec<PatternPlan>,
    /// Most series on the page.
    pub series_max: u64,
    /// Most new series of a collector of a server within an hour.
    pub series_new_max: u64,
}

/// How natsight logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPlan {
    /// The form of a line.
    pub format: LogFormat,
    /// The least severe level.
    pub level: LogLevel,
}

impl Settings {
    /// Checks everything that is written and fills in the defaults; or gives every mistake at once.
    pub fn plan(self) -> Result<Plan, Vec<Mistake>> {
        let (plan, mistakes) = self.plan_and_mistakes();
        if mistakes.is_empty() {
            Ok(plan)
        } else {
            Err(mistakes)
        }
    }

    /// The plan is worth nothing where there are mistakes.
    pub(super) fn plan_and_mistakes(self) -> (Plan, Vec<Mistake>) {
        let mut reader = Reader::new(self);
        let plan = reader.plan();
        reader.cross_checks(&plan);
        (plan, reader.mistakes)
    }
}

/// Reads values by their keys, and keeps what is wrong.
pub(super) struct Reader {
    pub(super) settings: Settings,
    pub(super) mistakes: Vec<Mistake>,
}

impl Reader {
    fn new(settings: Settings) -> Self {
        let check = |written: &Written| {
            let advice = kind::read(written.key.leaf(), &written.text).err()?;
            let text = format!("{} is {}; {advice}", written.subject(), written.shown());
            Some(Mistake::new(written.place.clone(), text))
        };
        let mistakes = settings.values().filter_map(check).collect();
        Self { settings, mistakes }
    }

    fn plan(&mut self) -> Plan {
        let listen = self.listen(Key::Listen);
        let light = self.duration(Key::PollLight);
        let probe_connect = self.duration(Key::ProbesConnect);
        Plan {
            listen: listen.unwrap_or(Listen::Everywhere { port: 0 }),
            admin_listen: self.listen(Key::AdminListen),
            web_config_file: self.path(Key::WebConfigFile),
            admin_token_file: self.path(Key::AdminTokenFile),
            admin_hosts: self.admin_hosts(),
            external_url: self.url(Key::ExternalUrl),
            standard_names: StandardNames::read(self.word(Key::StandardNames))
                .unwrap_or(StandardNames::Auto),
            exporter: self.exporter(),
            surveyor: self.compat().is_some_and(|word| word == "surveyor"),
            servers: servers::plan(self),
            targets_file: self.path(Key::TargetsFile),
            discover: self.switch(Key::Discover),
            forget_after: self.duration(Key::ForgetAfter),
            probe: self.probe(),
            tls: self.tls(),
            system: system::plan(self),
            profiles: ProfilesPlan {
                token_file: self.path(Key::ProfilesTokenFile),
                dir: self.path(Key::ProfilesDir).unwrap_or_default(),
                continuous: self.switch(Key::ProfilesContinuous),
                pyroscope_url: self.url(Key::ProfilesPyroscope),
            },
            poll: PollPlan {
                light,
                health: self.duration(Key::PollHealth),
                connections: self.duration(Key::PollConnections),
                streams: self.duration(Key::PollStreams),
                consumers: self.duration(Key::PollConsumers),
                config: self.duration(Key::PollConfig),
                timeout: self.timeout(light),
                heavy_timeout: self.duration(Key::PollHeavyTimeout),
                body_max: self.size(Key::PollBodyMax),
                light_body_max: self.size(Key::PollLightBodyMax),
                broker_cpu_max: self.number(Key::PollBrokerCpuMax),
            },
            collect: self.collect(),
            probe_connect: (!probe_connect.is_zero()).then_some(probe_connect),
            log: LogPlan {
                format: LogFormat::read(self.word(Key::LogFormat)).unwrap_or(LogFormat::Text),
                level: LogLevel::read(self.word(Key::LogLevel)).unwrap_or(LogLevel::Info),
            },
        }
    }

    fn collect(&mut self) -> CollectPlan {
        CollectPlan {
            connections: Connections::read(self.word(Key::CollectConnections))
                .unwrap_or(Connections::Off),
            top: usize::try_from(self.count(Key::CollectTop)).unwrap_or(usize::MAX),
            streams: self.switch(Key::CollectStreams),
            consumers: self.switch(Key::CollectConsumers),
            gateway_accounts: self.switch(Key::CollectGatewayAccounts),
            allow: patterns::plan(self, &patterns::ALLOW),
            deny: patterns::plan(self, &patterns::DENY),
            series_max: self.count(Key::CollectSeriesMax),
            series_new_max: self.series_new_max(),
        }
    }

    /// The written value, else the default. `None` also where what is written is wrong, which is known by then.
    fn value(&self, key: Key) -> Option<Value> {
        let text = self.settings.get(key).map(|written| written.text.as_str());
        kind::read(key.leaf(), text.or(key.leaf().default())?).ok()
    }

    fn listen(&self, key: Key) -> Option<Listen> {
        match self.value(key) {
            Some(Value::Listen(listen)) => listen,
            _ => None,
        }
    }

    fn duration(&self, key: Key) -> Duration {
        match self.value(key) {
            Some(Value::Duration(span)) => span,
            _ => Duration::ZERO,
        }
    }

    fn size(&self, key: Key) -> u64 {
        match self.value(key) {
            Some(Value::Size(bytes)) => bytes,
            _ => 0,
        }
    }

    fn number(&self, key: Key) -> f64 {
        match self.value(key) {
            Some(Value::Number(number)) => number,
            _ => 0.0,
        }
    }

    fn count(&self, key: Key) -> u64 {
        match self.value(key) {
            Some(Value::Count(count)) => count,
            _ => 0,
        }
    }

    fn switch(&self, key: Key) -> bool {
        matches!(self.value(key), Some(Value::Switch(true)))
    }

    fn word(&self, key: Key) -> &'static str {
        match self.value(key) {
            Some(Value::Word(word)) => word,
            _ => "",
        }
    }

    fn compat(&self) -> Option<String> {
        match self.value(Key::Compat) {
            Some(Value::Text(word)) => Some(word),
            _ => None,
        }
    }

    fn exporter(&self) -> Option<ExporterPlan> {
        let word = self.compat()?;
        let prefix = match word.split_once('=') {
            Some((_, prefix)) => Some(prefix.to_owned()),
            None if word == "exporter" => None,
            None => return None,
        };
        Some(ExporterPlan {
            prefix,
            older: None,
        })
    }

    fn url(&self, key: Key) -> Option<UrlText> {
        match self.value(key) {
            Some(Value::Url(url)) => Some(url),
            _ => None,
        }
    }

    fn text(&self, key: Key) -> Option<String> {
        match self.value(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn probe(&mut self) -> ProbePlan {
        let entries = self
            .settings
            .items("probe.allow[]")
            .map_or(0, <[Item]>::len);
        let mut allow = Vec::new();
        for index in 0..entries {
            let Some(written) = self.settings.item(Key::ProbeAllow, index).cloned() else {
                continue;
            };
            match ProbeRule::read(&written.text) {
                Ok(rule) => allow.push(rule),
                Err(advice) => self.mistake(&written, &advice),
            }
        }
        ProbePlan {
            allow,
            targets_max: usize::try_from(self.count(Key::ProbeTargetsMax)).unwrap_or(usize::MAX),
        }
    }

    fn path(&self, key: Key) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    fn admin_hosts(&self) -> Vec<String> {
        let entries = self
            .settings
            .items("admin_hosts[]")
            .map_or(0, <[Item]>::len);
        (0..entries)
            .filter_map(|index| self.settings.item(Key::AdminHosts, index))
            .map(|written| written.text.trim().to_owned())
            .collect()
    }

    /// Nobody who raises `series_max` should have to know of the other.
    fn series_new_max(&self) -> u64 {
        let new = self.count(Key::CollectSeriesNewMax);
        match self.settings.get(Key::CollectSeriesNewMax) {
            Some(_) => new,
            None => new.max(self.count(Key::CollectSeriesMax).saturating_mul(2)),
        }
    }

    /// Nobody who asks for `light: 1s` should have to know of the timeout.
    fn timeout(&self, light: Duration) -> Duration {
        let timeout = self.duration(Key::PollTimeout);
        match self.settings.get(Key::PollTimeout) {
            Some(_) => timeout,
            None => timeout.min(light),
        }
    }

    fn tls(&mut self) -> TlsPlan {
        let (cert_file, key_file) = (self.path(Key::TlsCertFile), self.path(Key::TlsKeyFile));
        let alone = |missing: Key| format!("needs {} beside it", missing.leaf().path);
        match (
            self.settings.get(Key::TlsCertFile),
            self.settings.get(Key::TlsKeyFile),
        ) {
            (Some(cert), None) => self.mistake(&cert.clone(), &alone(Key::TlsKeyFile)),
            (None, Some(key)) => self.mistake(&key.clone(), &alone(Key::TlsCertFile)),
            _ => {}
        }
        let client = cert_file
            .zip(key_file)
            .map(|(cert_file, key_file)| ClientCertificate {
                cert_file,
                key_file,
            });
        TlsPlan {
            ca_file: self.path(Key::TlsCaFile),
            client,
            server_name: self.text(Key::TlsServerName),
            min_version: TlsVersion::read(self.word(Key::TlsMinVersion))
                .unwrap_or(TlsVersion::Tls12),
        }
    }

    /// "subject is value; advice"
    pub(super) fn mistake(&mut self, written: &Written, advice: &str) {
        let text = format!("{} is {}; it {advice}", written.subject(), written.shown());
        self.mistakes
            .push(Mistake::new(written.place.clone(), text));
    }

    /// What only shows where two values meet. A value that is wrong by itself has been reported and is left out.
    fn cross_checks(&mut self, plan: &Plan) {
        let poll = &plan.poll;
        if poll.timeout > poll.light && self.both_read(Key::PollTimeout, Key::PollLight) {
            let limit = show_duration(poll.light);
            self.blame(Key::PollTimeout, Key::PollLight, &limit);
        }
        if poll.light_body_max > poll.body_max
            && self.both_read(Key::PollLightBodyMax, Key::PollBodyMax)
        {
            let limit = show_size(poll.body_max);
            self.blame(Key::PollLightBodyMax, Key::PollBodyMax, &limit);
        }
        let clash = plan
            .admin_listen
            .is_some_and(|admin| admin.clashes(plan.listen));
        if clash && self.both_read(Key::AdminListen, Key::Listen) {
            let advice = "must not take the port of the other listener; give each its own";
            let blamed = self
                .settings
                .get(Key::AdminListen)
                .or(self.settings.get(Key::Listen));
            if let Some(written) = blamed.cloned() {
                self.mistake(&written, advice);
            }
        }
    }

    fn both_read(&self, a: Key, b: Key) -> bool {
        self.value(a).is_some() && self.value(b).is_some()
    }

    /// `small` exceeds `large`: names the one that is written.
    fn blame(&mut self, small: Key, large: Key, limit: &str) {
        if let Some(written) = self.settings.get(small).cloned() {
            self.mistake(
                &written,
                &format!("must not exceed {} ({limit})", large.leaf().path),
            );
        } else if let Some(written) = self.settings.get(large).cloned() {
            let default = small.leaf().sample();
            let small = small.leaf().path;
            self.mistake(
                &written,
                &format!("must not be below {small} ({default}); lower that too"),
            );
        }
    }
}
