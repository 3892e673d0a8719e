//! Cluster A of three nodes, cluster B of one behind a gateway, and a leaf node of A: what becomes of the page and of
//! Prometheus while they are killed, frozen and renamed.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use crate::broker::{Broker, Options};
use crate::page::Page;
use crate::prometheus::Prometheus;
use crate::sidecar::Sidecar;
use crate::{LONG, QUICK, ports, single, wait};

/// All know each other within 4 s, or not at all.
const FORMING: Duration = Duration::from_secs(15);

pub(crate) struct Supercluster {
    /// `a1`, which takes leaf nodes, `a2` and `a3`.
    pub(crate) a: Vec<Broker>,
    pub(crate) b: Broker,
    pub(crate) leaf: Broker,
    routes: String,
    gateway_of_b: u16,
}

impl Supercluster {
    /// Ready means: every connection that is configured is there.
    pub(crate) fn start(version: &str) -> Result<Self> {
        // 2.10 can lose a route when nodes dial each other at once; see `Cluster::three`.
        let first = Self::try_start(version);
        first
            .or_else(|_| Self::try_start(version))
            .or_else(|_| Self::try_start(version))
    }

    fn try_start(version: &str) -> Result<Self> {
        let routes = [ports::free()?, ports::free()?, ports::free()?];
        let gateways = [ports::free()?, ports::free()?, ports::free()?];
        let (gateway_of_b, leafnodes) = (ports::free()?, ports::free()?);
        let urls = |ports: &[u16]| {
            let urls = ports.iter().map(|port| format!("nats://127.0.0.1:{port}"));
            urls.collect::<Vec<_>>().join(", ")
        };
        let routes_text = urls(&routes);
        let mut a = Vec::new();
        for (index, route) in routes.iter().enumerate() {
            let mut config = in_a(*route, &routes_text, gateways[index], gateway_of_b);
            if index == 0 {
                config += &format!("leafnodes {{ listen: 127.0.0.1:{leafnodes} }}\n");
            }
            a.push(prepare(&format!("a{}", index + 1), version, config)?);
        }
        let to_a = urls(&gateways);
        let config = format!(
            "{ACCOUNTS}gateway {{ name: B, listen: 127.0.0.1:{gateway_of_b}, gateways: [{{name: A, urls: [{to_a}]}}] }}\n"
        );
        let b = prepare("b1", version, config)?;
        let remote = format!("{{url: 'nats-leaf://127.0.0.1:{leafnodes}'}}");
        let leaf = prepare(
            "l1",
            version,
            format!("leafnodes {{ remotes: [{remote}] }}\n"),
        )?;
        let mut all = Self {
            a,
            b,
            leaf,
            routes: routes_text,
            gateway_of_b,
        };
        for broker in all.all_mut() {
            broker.spawn()?;
        }
        for broker in all.all_mut() {
            broker.answers()?;
        }
        wait::until("all are connected", FORMING, || all.is_connected())
            .map_err(|error| anyhow!("{error:#}\n{}", all.a[0].log()))?;
        Ok(all)
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Broker> {
        let others = [&mut self.b, &mut self.leaf];
        self.a.iter_mut().chain(others)
    }

    fn is_connected(&self) -> Result<()> {
        for node in &self.a {
            let routed = node.varz()?["remotes"].clone();
            ensure!(routed == 2, "{}: {routed} remotes", node.name);
            let gateways = node.ask("/gatewayz")?;
            let to_b = &gateways["outbound_gateways"]["B"]["connection"];
            ensure!(!to_b.is_null(), "{}: {gateways}", node.name);
        }
        let gateways = self.b.ask("/gatewayz")?;
        let from_a = gateways["inbound_gateways"]["A"].as_array();
        let to_a = &gateways["outbound_gateways"]["A"]["connection"];
        ensure!(
            from_a.map(Vec::len) == Some(3) && !to_a.is_null(),
            "b1: {gateways}"
        );
        let leafs = self.leaf.ask("/leafz")?;
        ensure!(leafs["leafnodes"] == 1, "l1: {leafs}");
        Ok(())
    }

    /// One more node of A, not started.
    pub(crate) fn another(&self, name: &str) -> Result<Broker> {
        let (route, gateway) = (ports::free()?, ports::free()?);
        let config = in_a(route, &self.routes, gateway, self.gateway_of_b);
        prepare(name, &self.b.version, config)
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        let others = [&self.b, &self.leaf];
        self.a.iter().chain(others).map(Broker::url).collect()
    }
}

/// A broker with gateways and leaf nodes wants a system account.
const ACCOUNTS: &str = "accounts { SYS: {} }\nsystem_account: SYS\n";

/// The configuration of a node of A.
fn in_a(route: u16, routes: &str, gateway: u16, gateway_of_b: u16) -> String {
    format!(
        "{ACCOUNTS}cluster {{ name: A, listen: 127.0.0.1:{route}, routes: [{routes}] }}\n\
         gateway {{ name: A, listen: 127.0.0.1:{gateway}, gateways: [\
         {{name: B, urls: ['nats://127.0.0.1:{gateway_of_b}']}}] }}\n"
    )
}

fn prepare(name: &str, version: &str, config: String) -> Result<Broker> {
    let options = Options {
        jetstream: false,
        config,
    };
    Broker::prepare(name, version, &options)
}

/// The nodes of A are up and connected to each other and to B, and the leaf node to a1.
fn all_is_well(page: &Page, nodes: [&str; 3]) -> Result<()> {
    for name in nodes.iter().chain(&["b1", "l1"]) {
        page.is("nats_up", &[("server_name", name)], 1.0)?;
        reports(page, name)?;
    }
    for name in nodes {
        let node = ("server_name", name);
        page.is("nats_up", &[node, ("nats_cluster", "A")], 1.0)?;
        for peer in nodes.iter().filter(|peer| **peer != name) {
            page.is("nats_route_connected", &[node, ("peer", peer)], 1.0)?;
        }
        page.is("nats_gateway_connected", &[node, ("peer", "B")], 1.0)?;
    }
    let b = ("server_name", "b1");
    page.is("nats_gateway_connected", &[b, ("peer", "A")], 1.0)?;
    page.is("nats_gateway_inbound_connections", &[b, ("peer", "A")], 3.0)?;
    for (here, there) in [("a1", "l1"), ("l1", "a1")] {
        let labels = [("server_name", here), ("peer", there), ("account", "$G")];
        page.is("nats_leafnode_connected", &labels, 1.0)?;
    }
    Ok(())
}

/// A switch that brings [`accounts_are_on_gateways`].
const WITH_ACCOUNTS: &str = "--collect-gateway-accounts=true";

/// Each account of b1 is on its connection to A and on those from there, as interest-only.
fn accounts_are_on_gateways(page: &Page) -> Result<()> {
    let of_b = [("server_name", "b1"), ("peer", "A"), ("account", "SYS")];
    let mode = ("mode", "interest-only");
    for (direction, connections) in [("outbound", 1), ("inbound", 3)] {
        let labels = [of_b[0], of_b[1], of_b[2], ("direction", direction), mode];
        let shown = page
            .all("nats_gateway_account_interest_mode", &labels)
            .len();
        ensure!(
            shown == connections,
            "SYS is on {shown} {direction} connections"
        );
    }
    // The other end's own subscriptions, at least.
    let subscriptions = page.all("nats_gateway_account_subscriptions", &of_b);
    let some = subscriptions.iter().map(|sample| sample.value).sum::<f64>();
    ensure!(some > 10.0, "{some} subscriptions of SYS in A");
    Ok(())
}

pub(crate) async fn accounts_on_gateways_are_shown(version: &str) -> Result<()> {
    let all = Supercluster::start(version)?;
    let sidecar = Sidecar::start(&all.urls(), &[QUICK, &[WITH_ACCOUNTS]].concat())?;
    sidecar.wait_for("accounts are on gateways", LONG, accounts_are_on_gateways)?;
    Ok(())
}

/// What this broker itself says is on the page.
fn reports(page: &Page, name: &str) -> Result<()> {
    ensure!(
        single::reported_by(page, name) > 20,
        "{name} says too little"
    );
    Ok(())
}

/// It is down: known, and nothing that it said is left.
pub(crate) fn is_gone(page: &Page, name: &str) -> Result<()> {
    page.is("nats_up", &[("server_name", name)], 0.0)?;
    let left = single::reported_by(page, name);
    ensure!(left == 0, "{left} series of {name} are still there");
    Ok(())
}

/// Nowhere on the page as a server.
pub(crate) fn is_unknown(page: &Page, name: &str) -> Result<()> {
    let mut of_it = page
        .samples()
        .filter(|sample| sample.label("server_name") == Some(name));
    let first = of_it.next().map(|sample| sample.key());
    ensure!(first.is_none(), "still there: {first:?}");
    Ok(())
}

/// How often targets were refused as a second one of a server or name.
pub(crate) fn collisions(page: &Page) -> f64 {
    let refused = |reason| page.all("nats_collector_failures_total", &[("reason", reason)]);
    let all = ["same_server", "same_name"].into_iter().flat_map(refused);
    all.map(|sample| sample.value).sum()
}

/// A Prometheus that has begun to scrape natsight.
pub(crate) struct Watch {
    prometheus: Prometheus,
    began: Instant,
}

impl Watch {
    pub(crate) fn start(sidecar: &Sidecar) -> Result<Self> {
        let prometheus = Prometheus::start(sidecar.port)?;
        wait::until("the first scrape", LONG, || {
            prometheus.number("up{job='natsight'}").map(drop)
        })?;
        let began = Instant::now();
        Ok(Self { prometheus, began })
    }

    /// Each scrape went well, and there was about one a second; these servers, to which nothing happened, were up in each.
    pub(crate) fn end(self, undisturbed: &[&str]) -> Result<()> {
        let number = |promql: &str| self.prometheus.number(promql);
        let seconds = self.began.elapsed().as_secs_f64();
        let scrapes = number("count_over_time(up{job='natsight'}[10m])")?;
        ensure!(
            scrapes > 0.0 && scrapes > 0.8 * seconds - 2.0,
            "{scrapes} scrapes in {seconds} s"
        );
        let lowest = number("min_over_time(up{job='natsight'}[10m])")?;
        ensure!(lowest == 1.0, "up was {lowest} in one of {scrapes} scrapes");
        for name in undisturbed {
            let series = format!("nats_up{{server_name='{name}'}}[10m]");
            let lowest = number(&format!("min_over_time({series})"))?;
            let seen = number(&format!("count_over_time({series})"))?;
            ensure!(lowest == 1.0, "nats_up of {name} was {lowest}");
            ensure!(seen == scrapes, "{name} was on {seen} of {scrapes} pages");
            // A watch that begins anew falls between two scrapes, but counts its requests from the start.
            let of_name = format!("server_name='{name}', handler='/varz', code='200'");
            let requests = format!("http_request_duration_seconds_count{{{of_name}}}[10m]");
            let restarts = number(&format!("resets({requests})"))?;
            ensure!(restarts == 0.0, "{name} was watched anew {restarts} times");
        }
        Ok(())
    }
}

pub(crate) async fn nodes_are_killed_frozen_and_renamed_and_the_page_follows(
    version: &str,
) -> Result<()> {
    let mut all = Supercluster::start(version)?;
    let sidecar = Sidecar::start(&all.urls(), &[QUICK, &[WITH_ACCOUNTS]].concat())?;
    let before = ["a1", "a2", "a3"];
    sidecar.wait_for("all is well", LONG, |page| {
        accounts_are_on_gateways(page)?;
        all_is_well(page, before)
    })?;
    let watch = Watch::start(&sidecar)?;

    all.a[0].kill()?;
    all.b.kill()?;
    sidecar.wait_for("a1 and b1 are down", LONG, |page| {
        is_gone(page, "a1")?;
        is_gone(page, "b1")?;
        for name in ["a2", "a3"] {
            let node = ("server_name", name);
            reports(page, name)?;
            page.is("nats_route_connected", &[node, ("peer", "a1")], 0.0)?;
            page.is("nats_gateway_connected", &[node, ("peer", "B")], 0.0)?;
        }
        let of_leaf = [("server_name", "l1"), ("peer", "a1")];
        page.is("nats_leafnode_connected", &of_leaf, 0.0)?;
        reports(page, "l1")
    })?;
    all.a[0].restart()?;
    all.b.restart()?;
    sidecar.wait_for("a1 and b1 are back", LONG, |page| all_is_well(page, before))?;

    all.a[1].freeze()?;
    sidecar.wait_for("a2 is frozen", LONG, |page| {
        is_gone(page, "a2")?;
        ["a1", "a3", "b1", "l1"]
            .iter()
            .try_for_each(|name| reports(page, name))
    })?;
    all.a[1].thaw()?;
    sidecar.wait_for("a2 is back", LONG, |page| all_is_well(page, before))?;

    all.a[2].rename("a4")?;
    all.a[2].restart()?;
    let page = sidecar.wait_for("a3 is called a4", LONG, |page| {
        is_unknown(page, "a3")?;
        all_is_well(page, ["a1", "a2", "a4"])
    })?;
    ensure!(collisions(&page) == 0.0, "a name was refused");
    let gone = [("server_name", "a1"), ("peer", "a3")];
    page.is("nats_route_connected", &gone, 0.0)?;

    watch.end(&["l1"])
}
