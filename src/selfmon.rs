//! The sidecar's own counters, with the `prometheus` crate, under the names of the catalog.

use prometheus::core::Collector;
use prometheus::proto::MetricType;
use prometheus::{
    CounterVec, Gauge, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use crate::catalog::{CATALOG, Metric, Origin};
use crate::state::{EntityKind, Row, Rows, Value};

/// Handles of all own metrics. Cloning shares them.
#[derive(Clone, Debug)]
pub struct SelfMonitor {
    registry: Registry,
    start_time: Gauge,
    cpu: CounterVec,
    resident_memory: IntGauge,
    open_fds: IntGauge,
    /// Servers that are watched, by origin.
    pub servers: IntGaugeVec,
    /// Servers that are known and not watched, by origin.
    pub targets_left_out: IntGaugeVec,
    /// Looks for servers by source and result.
    pub targets_refreshes: IntCounterVec,
    /// Targets of `/probe`.
    pub probe_targets: IntGauge,
    /// Requests to `/probe` refused by reason.
    pub probe_refused: IntCounterVec,
    /// Series on the page.
    pub page_series: IntGauge,
    /// Requests by listener, route and code.
    pub http_requests: IntCounterVec,
    /// Open connections by listener.
    pub connections: IntGaugeVec,
    /// Connections refused, or closed to make room, by listener and reason.
    pub connections_refused: IntCounterVec,
    /// Scrapes refused.
    pub scrapes_refused: IntCounter,
    series_dropped: IntCounterVec,
    /// Reloads by result.
    pub config_reloads: IntCounterVec,
    /// When the configuration in force was read, seconds since 1970.
    pub config_time: Gauge,
    /// TLS handshakes that failed, by listener and reason.
    pub tls_failures: IntCounterVec,
    /// Files of certificates, users and tokens read again, by side and result.
    pub rights_reloads: IntCounterVec,
    /// When the certificate of the listeners ends, seconds since 1970; 0 without TLS.
    pub tls_certificate_end: Gauge,
    /// Of captures.
    pub captures: CaptureMonitor,
}

/// Handles of what is counted of captures.
#[derive(Clone, Debug)]
pub struct CaptureMonitor {
    /// Captures by kind and result.
    pub ended: IntCounterVec,
    /// Sent to Pyroscope, by result.
    pub pushed: IntCounterVec,
    /// Samples that found no room.
    pub lost: IntCounter,
    /// Captures that run.
    pub running: IntGauge,
    /// Captures that are kept.
    pub stored: IntGauge,
    /// Their bytes.
    pub bytes: IntGauge,
    /// The newest capture of each server.
    pub info: IntGaugeVec,
}

/// How a server came to be watched.
const ORIGINS: &[&str] = &["configured", "file", "dns", "discovered"];

/// How looks for servers end.
const REFRESHES: &[(&str, &[&str])] = &[
    ("file", &["success", "unreadable", "malformed", "too_large"]),
    (
        "dns",
        &["success", "failure", "timeout", "empty", "too_many"],
    ),
];

/// Why requests to `/probe` are refused.
const PROBE_REASONS: &[&str] = &[
    "off",
    "malformed",
    "user_info",
    "path",
    "scheme",
    "port",
    "address",
    "link_local",
    "metadata",
    "loopback",
    "unspecified",
    "multicast",
    "dns",
    "too_many",
    "busy",
    "no_answer",
];

/// Why a connection found no place, or had to give its own to another.
const CONNECTION_REASONS: &[&str] = &["busy", "silent", "idle"];

/// What captures tell of.
const CAPTURE_KINDS: &[&str] = &[
    "cpu",
    "heap",
    "allocs",
    "goroutine",
    "mutex",
    "block",
    "bundle",
];

impl SelfMonitor {
    /// All own metrics, registered.
    ///
    /// # Errors
    /// The catalog names a metric twice; a test holds that it does not.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let build = gauges(&registry, Metric::BuildInfo)?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let monitor = Self {
            start_time: add(&registry, Gauge::with_opts(opts(Metric::OwnStartTime))?)?,
            cpu: add(&registry, CounterVec::new(opts(Metric::OwnCpu), &[])?)?,
            resident_memory: gauge(&registry, Metric::OwnResidentMemory)?,
            open_fds: gauge(&registry, Metric::OwnOpenFds)?,
            servers: gauges(&registry, Metric::OwnServers)?,
            targets_left_out: gauges(&registry, Metric::OwnTargetsLeftOut)?,
            targets_refreshes: counters(&registry, Metric::OwnTargetsRefreshes)?,
            probe_targets: gauge(&registry, Metric::OwnProbeTargets)?,
            probe_refused: counters(&registry, Metric::OwnProbeRefused)?,
            page_series: gauge(&registry, Metric::OwnPageSeries)?,
            http_requests: counters(&registry, Metric::OwnHttpRequests)?,
            connections: gauges(&registry, Metric::OwnConnections)?,
            connections_refused: counters(&registry, Metric::OwnConnectionsRefused)?,
            scrapes_refused: counter(&registry, Metric::OwnScrapesRefused)?,
            series_dropped: counters(&registry, Metric::OwnSeriesDropped)?,
            config_reloads: counters(&registry, Metric::OwnConfigReloads)?,
            config_time: add(&registry, Gauge::with_opts(opts(Metric::OwnConfigTime))?)?,
            tls_failures: counters(&registry, Metric::OwnTlsFailures)?,
            rights_reloads: counters(&registry, Metric::OwnRightsReloads)?,
            tls_certificate_end: add(
                &registry,
                Gauge::with_opts(opts(Metric::OwnCertificateEnd))?,
            )?,
            captures: CaptureMonitor::new(&registry)?,
            registry,
        };
        monitor.begin_at_zero();
        Ok(monitor)
    }

    /// Event counters start at 0, so that the first event is an increase.
    fn begin_at_zero(&self) {
        let monitor = self;
        for origin in ORIGINS {
            monitor.servers.with_label_values(&[origin]);
            monitor.targets_left_out.with_label_values(&[origin]);
        }
        for (source, results) in REFRESHES {
            for result in *results {
                monitor
                    .targets_refreshes
                    .with_label_values(&[source, result]);
            }
        }
        for reason in PROBE_REASONS {
            monitor.probe_refused.with_label_values(&[reason]);
        }
        for kind in CAPTURE_KINDS {
            monitor.captures.ended.with_label_values(&[kind, "success"]);
        }
        monitor.captures.pushed.with_label_values(&["success"]);
        for listener in ["public", "admin"] {
            for reason in CONNECTION_REASONS {
                let labels = [listener, reason];
                monitor.connections_refused.with_label_values(&labels);
            }
        }
        for result in ["success", "failure"] {
            monitor.config_reloads.with_label_values(&[result]);
            for side in ["listeners", "brokers"] {
                monitor.rights_reloads.with_label_values(&[side, result]);
            }
        }
    }

    /// Notes when natsight started, seconds since 1970.
    pub fn started(&self, unix_seconds: f64) {
        self.start_time.set(unix_seconds);
        self.config_time.set(unix_seconds);
    }

    /// Notes what the kernel says of natsight's own process.
    pub fn process(&self, cpu_seconds: f64, resident_bytes: u64, open_fds: Option<u64>) {
        let cpu = self.cpu.with_label_values(&[] as &[&str]);
        cpu.inc_by((cpu_seconds - cpu.get()).max(0.0));
        self.resident_memory.set(signed(resident_bytes));
        if let Some(count) = open_fds {
            self.open_fds.set(signed(count));
        }
    }

    /// Notes how many series of a family limits kept off the page so far.
    pub fn series_dropped(&self, family: Metric, total: u64) {
        let counter = self.series_dropped.with_label_values(&[family.name()]);
        counter.inc_by(total.saturating_sub(counter.get()));
    }

    /// All rows.
    pub fn rows(&self, out: &mut dyn Rows) {
        for family in self.registry.gather() {
            let Some(def) = CATALOG
                .iter()
                .find(|def| def.origin == Origin::Own && def.name == family.name())
            else {
                continue;
            };
            for sample in family.get_metric() {
                let labels: Vec<(&'static str, &str)> = def
                    .labels
                    .iter()
                    .filter_map(|name| {
                        let pair = sample
                            .get_label()
                            .iter()
                            .find(|pair| pair.name() == *name)?;
                        Some((*name, pair.value()))
                    })
                    .collect();
                let number = match family.get_field_type() {
                    MetricType::COUNTER => sample.get_counter().get_value(),
                    _ => sample.get_gauge().get_value(),
                };
                out.row(&Row::new(
                    EntityKind::Server,
                    &labels,
                    &[(def.metric, value(number))],
                ));
            }
        }
    }
}

impl CaptureMonitor {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            ended: counters(registry, Metric::OwnCaptures)?,
            pushed: counters(registry, Metric::OwnCapturesPushed)?,
            lost: counter(registry, Metric::OwnCaptureLost)?,
            running: gauge(registry, Metric::OwnCapturesRunning)?,
            stored: gauge(registry, Metric::OwnCapturesStored)?,
            bytes: gauge(registry, Metric::OwnCaptureBytes)?,
            info: gauges(registry, Metric::OwnCaptureInfo)?,
        })
    }
}

fn opts(metric: Metric) -> Opts {
    Opts::new(metric.name(), metric.def().help)
}

fn counter(registry: &Registry, metric: Metric) -> prometheus::Result<IntCounter> {
    add(registry, IntCounter::with_opts(opts(metric))?)
}

fn gauge(registry: &Registry, metric: Metric) -> prometheus::Result<IntGauge> {
    add(registry, IntGauge::with_opts(opts(metric))?)
}

fn counters(registry: &Registry, metric: Metric) -> prometheus::Result<IntCounterVec> {
    add(
        registry,
        IntCounterVec::new(opts(metric), metric.def().labels)?,
    )
}

fn gauges(registry: &Registry, metric: Metric) -> prometheus::Result<IntGaugeVec> {
    add(
        registry,
        IntGaugeVec::new(opts(metric), metric.def().labels)?,
    )
}

fn add<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> prometheus::Result<C> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The crate keeps every number as a float; whole ones are shown as such.
fn value(number: f64) -> Value<'static> {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and in range"
    )]
    if number >= 0.0 && number.fract() == 0.0 && number < 9e15 {
        return Value::U64(number as u64);
    }
    Value::F64(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_own_family_of_the_catalog_is_registered() {
        let monitor = SelfMonitor::new().unwrap();
        monitor
            .http_requests
            .with_label_values(&["public", "/metrics", "200"])
            .inc();
        monitor.connections.with_label_values(&["public"]).inc();
        monitor
            .tls_failures
            .with_label_values(&["public", "timeout"])
            .inc();
        let capture = ["0123", "cpu", "n1"];
        monitor.captures.info.with_label_values(&capture).set(1);
        monitor.process(1.5, 4096, Some(9));
        monitor.series_dropped(Metric::StreamMessages, 3);
        let mut seen = Vec::new();
        monitor
            .rows(&mut |row: &Row<'_>| seen.extend(row.values.iter().map(|(metric, _)| *metric)));
        for def in CATALOG.iter().filter(|def| def.origin == Origin::Own) {
            assert!(seen.contains(&def.metric), "{} is not registered", def.name);
        }
    }
}
