//! What natsight saw itself while watching one server. Stays on the page when the server has gone.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use super::job::{Job, Task};
use crate::catalog::Metric;
use crate::state::{EntityKind, Histogram, Row, Rows, Value};

const MS: u64 = 1_000_000;

/// Upper bounds for answers of a monitoring port: a small broker answers within a millisecond, a stuck one not at all.
static REQUEST_BOUNDS: [u64; 14] = [
    MS / 2,
    MS,
    5 * MS / 2,
    5 * MS,
    10 * MS,
    25 * MS,
    50 * MS,
    100 * MS,
    250 * MS,
    500 * MS,
    1_000 * MS,
    2_500 * MS,
    5_000 * MS,
    20_000 * MS,
];

/// Upper bounds for a connect to the client port.
static PROBE_BOUNDS: [u64; 12] = [
    MS / 4,
    MS / 2,
    MS,
    5 * MS / 2,
    5 * MS,
    10 * MS,
    25 * MS,
    50 * MS,
    100 * MS,
    250 * MS,
    1_000 * MS,
    2_500 * MS,
];

/// Who connects in probes that natsight makes itself.
const PROBE_FROM: &str = "natsight";

/// Counts by what natsight saw.
#[derive(Debug, Default)]
pub(super) struct Observed {
    requests: BTreeMap<(&'static str, Cow<'static, str>), Histogram>,
    failures: BTreeMap<(&'static str, &'static str), u64>,
    dropped: BTreeMap<(&'static str, &'static str), u64>,
    late: BTreeMap<&'static str, u64>,
    probe: Option<Histogram>,
    probe_failures: BTreeMap<&'static str, u64>,
}

impl Observed {
    pub(super) fn request(
        &mut self,
        handler: &'static str,
        code: Cow<'static, str>,
        took: Duration,
    ) {
        let empty = || Histogram::of_nanos(&REQUEST_BOUNDS);
        self.requests
            .entry((handler, code))
            .or_insert_with(empty)
            .observe(nanos(took));
    }

    pub(super) fn failure(&mut self, collector: &'static str, reason: &'static str) {
        *self.failures.entry((collector, reason)).or_default() += 1;
    }

    pub(super) fn dropped(&mut self, collector: &'static str, reason: &'static str, count: u64) {
        if count > 0 {
            *self.dropped.entry((collector, reason)).or_default() += count;
        }
    }

    pub(super) fn late(&mut self, collector: &'static str) {
        *self.late.entry(collector).or_default() += 1;
    }

    pub(super) fn probe(&mut self, result: Result<Duration, &'static str>) {
        match result {
            Ok(took) => {
                let empty = || Histogram::of_nanos(&PROBE_BOUNDS);
                self.probe.get_or_insert_with(empty).observe(nanos(took));
            }
            Err(reason) => *self.probe_failures.entry(reason).or_default() += 1,
        }
    }

    /// All rows. `up` is nothing before the first varz ended.
    pub(super) fn rows(
        &self,
        server: &str,
        target: &str,
        up: Option<bool>,
        jobs: &[Job],
        out: &mut dyn Rows,
    ) {
        if let Some(up) = up {
            row(out, &[("target", target)], &[(Metric::Up, up.into())]);
        }
        for job in jobs.iter().filter(|job| job.is_shown()) {
            job_rows(job, up == Some(true), out);
            let late = self.late.get(job.name).copied().unwrap_or(0);
            row(
                out,
                &[("collector", job.name)],
                &[(Metric::CollectorLate, late.into())],
            );
            left_out_rows(job, out);
        }
        for ((collector, reason), count) in &self.failures {
            row(
                out,
                &[("collector", collector), ("reason", reason)],
                &[(Metric::CollectorFailures, (*count).into())],
            );
        }
        for ((collector, reason), count) in &self.dropped {
            row(
                out,
                &[("collector", collector), ("reason", reason)],
                &[(Metric::CollectorDropped, (*count).into())],
            );
        }
        for ((handler, code), histogram) in &self.requests {
            let value = Value::Histogram(histogram);
            row(
                out,
                &[("handler", handler), ("code", code)],
                &[(Metric::HttpRequestDuration, value)],
            );
        }
        self.probe_rows(server, jobs, out);
    }

    fn probe_rows(&self, server: &str, jobs: &[Job], out: &mut dyn Rows) {
        if !jobs.iter().any(|job| matches!(job.task, Task::Probe)) {
            return;
        }
        let labels = [("kind", "connect"), ("from", PROBE_FROM), ("to", server)];
        if let Some(histogram) = &self.probe {
            row(
                out,
                &labels,
                &[(Metric::ProbeDuration, Value::Histogram(histogram))],
            );
        }
        // Event counters start at 0, so that the first failure is an increase.
        for reason in PROBE_REASONS {
            let count = self.probe_failures.get(reason).copied().unwrap_or(0);
            let labels = [labels[0], labels[1], labels[2], ("reason", *reason)];
            row(out, &labels, &[(Metric::ProbeFailures, count.into())]);
        }
    }
}

/// Reasons of `source::info::InfoError`.
const PROBE_REASONS: &[&str] = &[
    "refused",
    "timeout",
    "dns",
    "unreachable",
    "protocol",
    "truncated",
    "too_large",
];

fn job_rows(job: &Job, up: bool, out: &mut dyn Rows) {
    let status = &job.status;
    let mut values = vec![(Metric::CollectorInterval, nanos_value(job.interval))];
    let asked = matches!(job.task, Task::Collect(_));
    if let Some(success) = job.succeeded(up) {
        values.push((Metric::CollectorSuccess, success.into()));
        values.push((Metric::CollectorDuration, nanos_value(status.took)));
        if asked {
            values.push((Metric::CollectorTruncated, status.truncated.into()));
            values.push((Metric::CollectorCoverage, Value::F64(status.coverage)));
            values.push((Metric::CollectorBody, status.bytes.into()));
        }
    }
    if let Some(time) = status.last_success {
        values.push((Metric::CollectorLastSuccess, nanos_value(time)));
    }
    row(out, &[("collector", job.name)], &values);
}

/// Entities that the latest answer had and the page has not.
fn left_out_rows(job: &Job, out: &mut dyn Rows) {
    let left = &job.status.left;
    if job.status.success.is_none() || !left.has_entities() {
        return;
    }
    for (reason, count) in left.by_reason() {
        let labels = [("collector", job.name), ("reason", reason)];
        row(out, &labels, &[(Metric::CollectorLeftOut, count.into())]);
    }
}

fn row(out: &mut dyn Rows, labels: &[(&'static str, &str)], values: &[(Metric, Value<'_>)]) {
    out.row(&Row::new(EntityKind::Server, labels, values));
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn nanos_value(span: Duration) -> Value<'static> {
    Value::Nanos(i128::try_from(span.as_nanos()).unwrap_or(i128::MAX))
}
