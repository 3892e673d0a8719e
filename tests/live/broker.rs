//! A real nats-server that a test owns: own ports, own folder, gone with the test.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::{LONG, http, ports, tools, wait};

/// Of the harness' own look at a broker that was just frozen.
const NOT_ANSWERING: Duration = Duration::from_secs(2);

/// A cluster of three forms within 4 s, or not at all.
const FORMING: Duration = Duration::from_secs(12);

#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) jetstream: bool,
    /// More lines for the configuration file.
    pub(crate) config: String,
}

impl Options {
    pub(crate) fn jetstream() -> Self {
        Self {
            jetstream: true,
            ..Self::default()
        }
    }
}

pub(crate) struct Broker {
    pub(crate) name: String,
    pub(crate) version: String,
    /// An address of loopback, for all its ports.
    pub(crate) host: Ipv4Addr,
    pub(crate) client_port: u16,
    pub(crate) http_port: u16,
    options: Options,
    folder: TempDir,
    child: Option<Child>,
}

impl Broker {
    /// A broker that answers.
    pub(crate) fn start(version: &str, options: &Options) -> Result<Self> {
        let mut broker = Self::prepare("live", version, options)?;
        broker.restart()?;
        Ok(broker)
    }

    /// Ports and configuration, and no process yet: `restart` makes one.
    pub(crate) fn prepare(name: &str, version: &str, options: &Options) -> Result<Self> {
        let monitor = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()?));
        Self::prepare_at(monitor, name, version, options)
    }

    /// The same with this monitoring port, and the others at the same address.
    pub(crate) fn prepare_at(
        monitor: SocketAddr,
        name: &str,
        version: &str,
        options: &Options,
    ) -> Result<Self> {
        let SocketAddr::V4(monitor) = monitor else {
            bail!("{monitor} is not of version 4");
        };
        let broker = Self {
            name: name.to_owned(),
            version: version.to_owned(),
            host: *monitor.ip(),
            client_port: ports::free()?,
            http_port: monitor.port(),
            options: options.clone(),
            folder: tempfile::Builder::new()
                .prefix("natsight-live-")
                .tempdir()?,
            child: None,
        };
        std::fs::write(broker.path("nats.conf"), broker.config())?;
        Ok(broker)
    }

    /// Ends it; `restart` starts it with the same ports and store under another name.
    pub(crate) fn rename(&mut self, name: &str) -> Result<()> {
        self.kill()?;
        name.clone_into(&mut self.name);
        std::fs::write(self.path("nats.conf"), self.config())?;
        Ok(())
    }

    fn config(&self) -> String {
        let Self {
            name,
            host,
            client_port,
            http_port,
            options,
            ..
        } = self;
        let store = self.path("store");
        let jetstream = if options.jetstream {
            format!(
                "jetstream {{ store_dir: {:?}, max_mem: 64MB, max_file: 256MB }}\n",
                store
            )
        } else {
            String::new()
        };
        format!(
            "server_name: {name}\nlisten: {host}:{client_port}\nhttp: {host}:{http_port}\n\
             {jetstream}{}\n",
            options.config
        )
    }

    fn path(&self, file: &str) -> std::path::PathBuf {
        self.folder.path().join(file)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.monitor())
    }

    fn monitor(&self) -> SocketAddr {
        SocketAddr::from((self.host, self.http_port))
    }

    /// What it answers on its monitoring port.
    pub(crate) fn ask(&self, path: &str) -> Result<Value> {
        http::get_json_at(self.monitor(), path)
    }

    pub(crate) async fn client(&self) -> Result<async_nats::Client> {
        Ok(async_nats::connect(format!("nats://{}:{}", self.host, self.client_port)).await?)
    }

    pub(crate) fn varz(&self) -> Result<Value> {
        self.ask("/varz")
    }

    /// A new process on the same ports and the same store, and an old one killed. Waits for its answer.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.spawn()?;
        self.answers()?;
        self.healthy()
    }

    fn healthy(&self) -> Result<()> {
        let what = format!("nats-server {} {} is healthy", self.version, self.name);
        let look = || http::get_at(self.monitor(), "/healthz").map(drop);
        wait::until(&what, LONG, look).map_err(|error| anyhow!("{error:#}\n{}", self.log()))
    }

    /// A new process, which may not answer yet.
    pub(crate) fn spawn(&mut self) -> Result<()> {
        self.kill()?;
        let log = File::create(self.path("log"))?;
        let child = Command::new(tools::nats_server(&self.version)?)
            .arg("--config")
            .arg(self.path("nats.conf"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn();
        self.child = Some(child.context("starting nats-server")?);
        Ok(())
    }

    /// Waits for its answer.
    pub(crate) fn answers(&mut self) -> Result<()> {
        let what = format!("nats-server {} {} answers", self.version, self.name);
        let mut child = self.child.take().context("this broker does not run")?;
        let answers = wait::until_answers(&what, LONG, &mut child, || {
            let varz = self.varz()?;
            // The port could be another's; the name and version say whose answer this is.
            ensure!(
                varz["server_name"] == self.name.as_str(),
                "another server: {varz}"
            );
            ensure!(
                varz["version"] == self.version.as_str(),
                "another version: {varz}"
            );
            Ok(())
        });
        self.child = Some(child);
        answers.map_err(|error| anyhow!("{error:#}\n{}", self.log()))
    }

    /// What the broker itself said, for the message of a failed test.
    pub(crate) fn log(&self) -> String {
        log_text(&self.path("log"))
    }

    /// Stops it in the middle of whatever it does: connections stay open, nothing answers.
    pub(crate) fn freeze(&self) -> Result<()> {
        self.signal("-STOP")?;
        // The signal reaches the threads one by one, and one that still runs may answer a request.
        let id = self
            .child
            .as_ref()
            .context("this broker does not run")?
            .id();
        wait::until("all threads stand still", LONG, || {
            for thread in std::fs::read_dir(format!("/proc/{id}/task"))? {
                let stat = std::fs::read_to_string(thread?.path().join("stat"))?;
                let state = stat
                    .rsplit_once(") ")
                    .map(|(_, rest)| rest.starts_with('T'));
                ensure!(state == Some(true), "a thread runs: {stat}");
            }
            Ok(())
        })
    }

    pub(crate) fn thaw(&self) -> Result<()> {
        self.signal("-CONT")
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> Result<u32> {
        let child = self.child.as_ref().context("this broker does not run")?;
        Ok(child.id())
    }

    /// By the `kill` command, because signals need `unsafe` in Rust.
    fn signal(&self, signal: &str) -> Result<()> {
        let child = self.child.as_ref().context("this broker does not run")?;
        let done = Command::new("kill")
            .arg(signal)
            .arg(child.id().to_string())
            .status()?;
        ensure!(done.success(), "kill {signal} {}: {done}", child.id());
        Ok(())
    }

    /// SIGKILL: no good-bye to anybody. Fine when it does not run.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("broker {}: {error}", self.name);
        }
    }
}

pub(crate) fn log_text(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| error.to_string());
    let lines: Vec<_> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(60)..];
    format!("--- last lines of {}\n{}", file.display(), tail.join("\n"))
}

/// Three nodes with JetStream, in one cluster `C1`.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Broker>,
}

impl Cluster {
    /// Ready means: each node knows the two others and who leads.
    pub(crate) fn three(version: &str) -> Result<Self> {
        // 2.10 can lose a route when nodes dial each other at once, or settle for two nodes when
        // they do not; then it stays so. That is not our subject: three nodes more.
        let first = Self::try_three(version);
        first
            .or_else(|_| Self::try_three(version))
            .or_else(|_| Self::try_three(version))
    }

    fn try_three(version: &str) -> Result<Self> {
        let routes = [ports::free()?, ports::free()?, ports::free()?];
        let urls = routes
            .map(|port| format!("nats://127.0.0.1:{port}"))
            .join(", ");
        let mut nodes = Vec::new();
        for (index, port) in routes.iter().enumerate() {
            let config =
                format!("cluster {{ name: C1, listen: 127.0.0.1:{port}, routes: [{urls}] }}");
            let options = Options {
                jetstream: true,
                config,
            };
            let mut node = Broker::prepare(&format!("n{}", index + 1), version, &options)?;
            node.spawn()?;
            nodes.push(node);
        }
        let mut cluster = Self { nodes };
        for node in &mut cluster.nodes {
            node.answers()?;
            let what = format!("{} {} knows the cluster", node.version, node.name);
            wait::until(&what, FORMING, || node.knows_the_cluster())
                .map_err(|error| anyhow!("{error:#}\n{}", node.log()))?;
            node.healthy()?;
        }
        Ok(cluster)
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Broker::url).collect()
    }
}

impl Broker {
    fn knows_the_cluster(&self) -> Result<()> {
        let jsz = self.ask("/jsz")?;
        let meta = &jsz["meta_cluster"];
        ensure!(meta["cluster_size"] == 3, "meta cluster: {meta}");
        ensure!(
            meta["leader"].as_str().is_some_and(|name| !name.is_empty()),
            "no leader: {meta}"
        );
        let routed = self.varz()?["remotes"].clone();
        ensure!(routed == 2, "{routed} remotes");
        Ok(())
    }
}

/// The harness itself: a test that fails here says nothing about natsight.
pub(crate) async fn the_harness_starts_freezes_kills_and_restarts(version: &str) -> Result<()> {
    let mut broker = Broker::start(version, &Options::jetstream())?;
    let client = broker.client().await?;
    client.publish("a", "b".into()).await?;
    client.flush().await?;
    let before = broker.varz()?;

    broker.freeze()?;
    let asked = std::time::Instant::now();
    ensure!(broker.varz().is_err(), "a frozen broker answered");
    ensure!(
        asked.elapsed() >= NOT_ANSWERING,
        "a frozen broker must hang, not refuse"
    );
    broker.thaw()?;
    wait::until("thawed", LONG, || broker.varz())?;

    broker.kill()?;
    ensure!(broker.varz().is_err(), "a killed broker answered");
    broker.restart()?;
    let after = broker.varz()?;
    ensure!(
        before["server_id"] != after["server_id"],
        "the same process: {after}"
    );
    ensure!(before["port"] == after["port"], "another port: {after}");

    let folder = broker.folder.path().to_owned();
    drop(broker);
    ensure!(!folder.exists(), "{} was left behind", folder.display());
    Ok(())
}
