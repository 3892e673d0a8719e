//! Every metric family, once: its name, kind, help, labels, level and where it comes from.
//!
//! The table is `catalog/table.rs`. HELP and TYPE lines, `docs/metrics.md`, `natsight metrics` and the checks of
//! dashboards, alerts and collectors are made from it.

pub mod manual;
mod table;

pub use table::{CATALOG, Metric};

/// What a family's values mean (Prometheus exposition formats, OpenMetrics 1.0 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows within one life of the process that counts.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Cumulative buckets, a sum and a count.
    Histogram,
    /// A fact in labels, always 1. Text 0.0.4 has no such type and calls it a gauge.
    Info,
}

impl Kind {
    /// The word of a TYPE line in OpenMetrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }
}

/// Whether a family is shown without being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Always on the page.
    Core,
    /// Only by `collect[]` or configuration.
    Detail,
}

impl Level {
    /// The word used in `natsight metrics`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Detail => "detail",
        }
    }
}

/// How often a family is refreshed; the variants are the keys of `poll` in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Cheap endpoints, 5 s by default.
    Light,
    /// Health checks, 10 s by default.
    Health,
    /// Connections, 15 s by default.
    Connections,
    /// Streams, 15 s by default.
    Streams,
    /// Consumers, 30 s by default.
    Consumers,
    /// Configuration of streams and consumers, 10 min by default.
    Config,
}

impl Tier {
    /// The key of `poll` in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Health => "health",
            Self::Connections => "connections",
            Self::Streams => "streams",
            Self::Consumers => "consumers",
            Self::Config => "config",
        }
    }
}

/// Where the values of a family come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// `/varz`.
    Varz,
    /// `/debug/vars` of the monitoring port (2.11.11, 2.12.2 and later).
    Expvar,
    /// `/jsz` without details.
    Jsz,
    /// `/jsz?streams=true`.
    Streams,
    /// `/jsz?consumers=true`.
    Consumers,
    /// `/healthz`, cheap and full.
    Healthz,
    /// `/connz`.
    Connz,
    /// `/connz?state=closed`.
    Closed,
    /// `/routez`.
    Routez,
    /// `/gatewayz`.
    Gatewayz,
    /// `/gatewayz?accs=true`.
    GatewayAccounts,
    /// `/leafz`.
    Leafz,
    /// `/subsz` without subscriptions.
    Subsz,
    /// `/accstatz`.
    Accstatz,
    /// `/accountz`.
    Accountz,
    /// `/raftz`.
    Raftz,
    /// `/ipqueuesz`.
    Ipqueuesz,
    /// `/jsz` with configuration, raft groups and direct consumers.
    Config,
    /// What natsight saw itself while watching a broker.
    Observed,
    /// The broker's process: `/proc/PID` and its cgroup.
    Process,
    /// natsight's own life.
    Own,
}

impl Origin {
    /// The word used as `collector` label and in `natsight metrics`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Varz => "varz",
            Self::Expvar => "expvar",
            Self::Jsz => "jsz",
            Self::Streams => "streams",
            Self::Consumers => "consumers",
            Self::Healthz => "healthz",
            Self::Connz => "connz",
            Self::Closed => "closed",
            Self::Routez => "routez",
            Self::Gatewayz => "gatewayz",
            Self::GatewayAccounts => "gateway_accounts",
            Self::Leafz => "leafz",
            Self::Subsz => "subsz",
            Self::Accstatz => "accstatz",
            Self::Accountz => "accountz",
            Self::Raftz => "raftz",
            Self::Ipqueuesz => "ipqueuesz",
            Self::Config => "jsz_config",
            Self::Observed => "observed",
            Self::Process => "process",
            Self::Own => "own",
        }
    }

    /// The tier in which families of this origin are refreshed.
    pub const fn tier(self) -> Tier {
        match self {
            Self::Varz
            | Self::Expvar
            | Self::Jsz
            | Self::Routez
            | Self::Gatewayz
            | Self::Leafz
            | Self::Subsz
            | Self::Accstatz
            | Self::Observed
            | Self::Process
            | Self::Own => Tier::Light,
            Self::Healthz => Tier::Health,
            Self::Connz | Self::Closed | Self::Accountz | Self::GatewayAccounts => {
                Tier::Connections
            }
            Self::Streams | Self::Raftz | Self::Ipqueuesz => Tier::Streams,
            Self::Consumers => Tier::Consumers,
            Self::Config => Tier::Config,
        }
    }
}

/// One row of the catalog.
#[derive(Debug)]
pub struct Def {
    /// The handle used in code.
    pub metric: Metric,
    /// Name of the samples; counters end in `_total`.
    pub name: &'static str,
    /// What the values mean.
    pub kind: Kind,
    /// Labels of its own, after `server_name` and `nats_cluster`.
    pub labels: &'static [&'static str],
    /// Source of the values.
    pub origin: Origin,
    /// Whether it is shown without being asked for.
    pub level: Level,
    /// Whether `standard_names` repeats it without the prefix `nats_`.
    pub twin: bool,
    /// The sentence of the HELP line.
    pub help: &'static str,
}

impl Def {
    /// The base unit in the name: `seconds`, `bytes`, `ratio`, or empty.
    pub fn unit(&self) -> &'static str {
        let stem = self.stem();
        ["seconds", "bytes", "ratio"]
            .into_iter()
            .find(|unit| ends_with_word(stem, unit))
            .unwrap_or("")
    }

    /// The name without the ending that OpenMetrics keeps out of TYPE lines (`_total`, `_info`).
    pub fn stem(&self) -> &'static str {
        match self.kind {
            Kind::Counter => self.name.strip_suffix("_total").unwrap_or(self.name),
            Kind::Info => self.name.strip_suffix("_info").unwrap_or(self.name),
            Kind::Gauge | Kind::Histogram => self.name,
        }
    }

    /// The name under which common Go dashboards look for it, when it has such a twin.
    pub fn twin_name(&self) -> Option<&'static str> {
        if self.twin {
            self.name.strip_prefix("nats_")
        } else {
            None
        }
    }

    /// Whether the sum over several series means something: amounts do, moments, places and states do not.
    pub fn adds_up(&self) -> bool {
        self.kind == Kind::Gauge
            && ADDING_UP
                .iter()
                .any(|amount| ends_with_word(self.name, amount))
    }

    /// Whether it stands on the page in the view of an older exporter too, so that the shipped alerts work there.
    pub fn in_fixed_core(&self) -> bool {
        match self.origin {
            Origin::Observed | Origin::Process | Origin::Own | Origin::Expvar => true,
            _ => self.metric == Metric::ServerHealthy || self.name.starts_with("nats_go_"),
        }
    }

    /// Whether series of this family carry `server_name` and, in a cluster, `nats_cluster`.
    pub fn is_of_a_server(&self) -> bool {
        self.origin != Origin::Own
    }
}

/// How names of gauges end whose values add up.
const ADDING_UP: &[&str] = &[
    "messages",
    "bytes",
    "pulls",
    "subjects",
    "consumers",
    "subscriptions",
    "requests",
    "errors",
    "operations",
    "connections",
    "leafnodes",
    "entries",
    "in_progress",
    "ipqueue_pending",
];

fn ends_with_word(name: &str, word: &str) -> bool {
    name.strip_suffix(word)
        .is_some_and(|rest| rest.ends_with('_'))
}

impl Metric {
    /// The row of this metric.
    pub fn def(self) -> &'static Def {
        &CATALOG[self as usize]
    }

    /// Name of its samples.
    pub fn name(self) -> &'static str {
        self.def().name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const RESERVED_LABELS: &[&str] = &[
        "cluster",
        "region",
        "env",
        "service",
        "instance",
        "job",
        "pod",
        "type",
        "le",
        "quantile",
        "server_name",
        "nats_cluster",
    ];

    #[test]
    fn names_follow_the_rules() {
        let mut seen = HashSet::new();
        for def in CATALOG {
            let name = def.name;
            assert!(seen.insert(def.stem()), "{name} stands twice");
            let prefixed = name.starts_with("nats_")
                || name.starts_with("natsight_")
                || name == "http_request_duration_seconds";
            assert!(prefixed, "{name} lacks its prefix");
            assert_eq!(
                def.origin == Origin::Own,
                name.starts_with("natsight_"),
                "{name}: natsight_ is for the sidecar's own life"
            );
            assert_eq!(
                def.kind == Kind::Counter,
                name.ends_with("_total"),
                "{name}: counters, and only they, end in _total"
            );
            assert_eq!(
                def.kind == Kind::Info,
                name.ends_with("_info"),
                "{name}: facts, and only they, end in _info"
            );
            for odd in [
                "_milliseconds",
                "_ms",
                "_percent",
                "_nanoseconds",
                "_count",
                "_sum",
                "_bucket",
                "_created",
            ] {
                assert!(!name.ends_with(odd), "{name} ends in {odd}");
            }
            assert!(
                name.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{name}"
            );
            assert!(
                def.help.ends_with('.') && def.help.len() > 10,
                "{name}: the help is a sentence"
            );
        }
    }

    #[test]
    fn labels_stay_clear_of_prometheus_own() {
        for def in CATALOG {
            for label in def.labels {
                assert!(
                    !RESERVED_LABELS.contains(label),
                    "{} uses the label {label}",
                    def.name
                );
            }
            let distinct: HashSet<_> = def.labels.iter().collect();
            assert_eq!(
                distinct.len(),
                def.labels.len(),
                "{} repeats a label",
                def.name
            );
        }
    }

    #[test]
    fn rows_stand_in_the_order_of_their_handles() {
        for (place, def) in CATALOG.iter().enumerate() {
            assert_eq!(def.metric as usize, place);
        }
    }
}
