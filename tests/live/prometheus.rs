//! A real Prometheus that scrapes once a second.

use std::fs::File;
use std::io::Write;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::broker::{Broker, Options, log_text};
use crate::sidecar::Sidecar;
use crate::{LONG, QUICK, http, ports, single, tools, wait};

pub(crate) struct Prometheus {
    port: u16,
    folder: TempDir,
    child: Child,
}

impl Prometheus {
    /// Ready for queries; scrapes `127.0.0.1:target` each second from now on.
    pub(crate) fn start(target: u16) -> Result<Self> {
        Self::with_config(&format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
             scrape_configs:\n- job_name: natsight\n  static_configs:\n  \
             - targets: ['127.0.0.1:{target}']\n"
        ))
    }

    /// Ready for queries, with this configuration.
    pub(crate) fn with_config(text: &str) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("natsight-live-")
            .tempdir()?;
        let config = folder.path().join("prometheus.yml");
        std::fs::write(&config, text)?;
        let port = ports::free()?;
        let log = File::create(folder.path().join("log"))?;
        let child = Command::new(tools::prometheus()?)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("starting prometheus")?;
        let mut prometheus = Self {
            port,
            folder,
            child,
        };
        let answers = || http::get(port, "/-/ready").map(drop);
        wait::until_answers("Prometheus is ready", LONG, &mut prometheus.child, answers)
            .map_err(|error| anyhow!("{error:#}\n{}", prometheus.log()))?;
        Ok(prometheus)
    }

    /// `data.result` of an instant query.
    pub(crate) fn query(&self, promql: &str) -> Result<Value> {
        self.ask(&format!("/api/v1/query?query={}", http::escape(promql)))
    }

    /// The value of the only series that a query finds.
    pub(crate) fn number(&self, promql: &str) -> Result<f64> {
        only(&self.query(promql)?).with_context(|| promql.to_owned())
    }

    /// `query` at a given time, so that several queries see the same samples.
    fn query_at(&self, promql: &str, time: f64) -> Result<Value> {
        self.ask(&format!(
            "/api/v1/query?time={time}&query={}",
            http::escape(promql)
        ))
    }

    fn ask(&self, path: &str) -> Result<Value> {
        let answer = http::get_json(self.port, path)
            .map_err(|error| anyhow!("{error:#}\n{}", self.log()))?;
        Ok(answer["data"]["result"].clone())
    }

    fn log(&self) -> String {
        log_text(&self.folder.path().join("log"))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("prometheus: {error}");
        }
    }
}

/// The value of the only series of an instant query's result.
fn only(result: &Value) -> Result<f64> {
    let series = result.as_array().context("no result")?;
    ensure!(series.len() == 1, "{} series: {result}", series.len());
    number(&series[0]["value"][1])
}

fn number(value: &Value) -> Result<f64> {
    Ok(value
        .as_str()
        .with_context(|| format!("no number: {value}"))?
        .parse()?)
}

/// The harness itself, with nobody at the target.
pub(crate) fn the_harness_starts_and_answers() -> Result<()> {
    let target = ports::free()?;
    let prometheus = Prometheus::start(target)?;
    ensure!(only(&prometheus.query("vector(1) + 1")?)? == 2.0, "1 + 1");
    wait::until("a target that is not there is down", LONG, || {
        ensure!(only(&prometheus.query("up{job='natsight'}")?)? == 0.0, "up");
        Ok(())
    })
}

const COUNTER: &str = "nats_server_in_messages_total";
/// Sent before, so that the counter is far from zero (see below), and sent inside the window.
const SENT: u32 = 5_000;
const WINDOW_SECONDS: u32 = 10;

/// `rate()` does not divide by the window: it takes the difference of the first and the last sample in it,
/// stretches it from the time between them to the whole window, and then divides by the window. So
/// `rate * window` is not what was sent, but `rate * (time between first and last sample)` is, exactly,
/// if nothing cuts the stretching short: the series must be older than the window and still alive (no
/// gap at the ends above 1.1 intervals), and the first value so large that going back to the window's
/// start does not pass zero. Hence the messages before, and the wait until the series is old enough.
pub(crate) async fn a_rate_equals_what_was_sent(version: &str) -> Result<()> {
    let broker = Broker::start(version, &Options::default())?;
    let sidecar = Sidecar::start(&[broker.url()], QUICK)?;
    let client = broker.client().await?;
    single::send(&client, SENT).await?;
    sidecar.wait_for("the first messages are seen", LONG, |page| {
        page.is(COUNTER, &[], f64::from(SENT))
    })?;

    let prometheus = Prometheus::start(sidecar.port)?;
    wait::until("the series is older than the window", LONG, || {
        let count = only(&prometheus.query(&format!("count_over_time({COUNTER}[1m])"))?)?;
        ensure!(count > f64::from(WINDOW_SECONDS + 2), "{count} samples");
        Ok(())
    })?;
    single::send(&client, SENT).await?;
    let time = wait::until("Prometheus has all messages", LONG, || {
        let result = prometheus.query(COUNTER)?;
        ensure!(only(&result)? == f64::from(2 * SENT), "{result}");
        result[0]["value"][0].as_f64().context("no time")
    })?;

    let window = format!("{COUNTER}[{WINDOW_SECONDS}s]");
    let range = format!("max_over_time({window}) - min_over_time({window})");
    let sent = only(&prometheus.query_at(&range, time)?)?;
    ensure!(
        sent == f64::from(SENT),
        "{sent} messages in the window, {SENT} were sent"
    );

    let samples = prometheus.query_at(&window, time)?[0]["values"].clone();
    let samples = samples.as_array().context("no samples")?;
    let at = |sample: Option<&Value>| sample.and_then(|s| s[0].as_f64()).context("no time");
    let sampled = at(samples.last())? - at(samples.first())?;
    let rate = only(&prometheus.query_at(&format!("rate({window})"), time)?)?;
    let by_rate = rate * sampled;
    // Times have milliseconds, so the product has about seven good digits.
    ensure!(
        (by_rate - sent).abs() < 0.5,
        "rate says {by_rate} messages, {SENT} were sent"
    );
    Ok(())
}

/// Names, types and help of a full page, as Prometheus' own linter sees them.
pub(crate) fn promtool_finds_nothing(version: &str) -> Result<()> {
    let broker = Broker::start(version, &Options::jetstream())?;
    let sidecar = Sidecar::start(&[broker.url()], QUICK)?;
    sidecar.wait_for("all collectors", LONG, |page| {
        ["varz", "connz", "streams", "consumers"]
            .iter()
            .try_for_each(|name| page.is("nats_collector_success", &[("collector", name)], 1.0))
    })?;
    let mut promtool = Command::new(tools::promtool()?)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let page = http::get(sidecar.port, "/metrics")?;
    let mut input = promtool.stdin.take().context("no input")?;
    input.write_all(page.as_bytes())?;
    drop(input);
    let output = promtool.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success() && said.trim().is_empty(),
        "promtool says: {said}"
    );
    Ok(())
}
