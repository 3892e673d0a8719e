//! Nodes that join and leave a running cluster, told of by a file or found by natsight itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::broker::{Broker, Options};
use crate::sidecar::Sidecar;
use crate::supercluster::{Supercluster, Watch, collisions, is_gone, is_unknown};
use crate::{LONG, QUICK, ports};

/// Writes the file beside itself and moves it into place, as the documentation says.
fn put(path: &Path, urls: &[String]) -> Result<()> {
    let text = serde_json::json!([{ "targets": urls }]).to_string();
    let beside = path.with_extension("new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)?;
    Ok(())
}

pub(crate) async fn nodes_join_and_move_by_a_targets_file(version: &str) -> Result<()> {
    let mut all = Supercluster::start(version)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("targets.json");
    let mut urls = all.urls();
    put(&file, &urls)?;
    let option = format!("--targets-file={}", file.display());
    let arguments: Vec<&str> = QUICK.iter().copied().chain([option.as_str()]).collect();
    let sidecar = Sidecar::start(&[], &arguments)?;
    let up = |names: &'static [&'static str]| {
        move |page: &crate::page::Page| {
            let is_up = |name: &&str| page.is("nats_up", &[("server_name", name)], 1.0);
            names.iter().try_for_each(is_up)?;
            let count = page.all("nats_up", &[]).len();
            ensure!(count == names.len(), "{count} servers");
            Ok(())
        }
    };
    let first = up(&["a1", "a2", "a3", "b1", "l1"]);
    sidecar.wait_for("those of the file", LONG, first)?;
    let watch = Watch::start(&sidecar)?;

    let mut added = all.another("a4")?;
    added.restart()?;
    urls.push(added.url());
    put(&file, &urls)?;
    sidecar.wait_for("a4 joined", LONG, |page| {
        up(&["a1", "a2", "a3", "a4", "b1", "l1"])(page)?;
        let route = [("server_name", "a1"), ("peer", "a4")];
        page.is("nats_route_connected", &route, 1.0)
    })?;

    // The same name elsewhere, while the file still names the old place: a collision for two rounds at most.
    added.kill()?;
    let mut moved = all.another("a4")?;
    moved.restart()?;
    urls.push(moved.url());
    put(&file, &urls)?;
    let old_place = format!("127.0.0.1:{}", added.http_port);
    let is_moved = |page: &crate::page::Page| {
        let target = moved.url();
        page.is(
            "nats_up",
            &[("server_name", "a4"), ("target", &target)],
            1.0,
        )?;
        // It let go of the name, and is a target that is down.
        page.is("nats_up", &[("server_name", &old_place)], 0.0)
    };
    let page = sidecar.wait_for("a4 is shown where it is now", LONG, is_moved)?;
    ensure!(
        collisions(&page) <= 3.0,
        "{} rounds of collision",
        collisions(&page)
    );
    urls.retain(|url| *url != added.url());
    all.b.kill()?;
    urls.retain(|url| *url != all.b.url());
    put(&file, &urls)?;
    sidecar.wait_for("b1 and the old place left", LONG, |page| {
        is_unknown(page, "b1")?;
        is_unknown(page, &old_place)?;
        up(&["a1", "a2", "a3", "a4", "l1"])(page)
    })?;

    watch.end(&["a1", "a2", "a3", "l1"])
}

/// A node of cluster D, whose members have one monitoring port at different addresses, as `discover` wants it.
fn member(number: u8, version: &str, monitor: u16, route: u16) -> Result<Broker> {
    let host = Ipv4Addr::new(127, 0, 0, number);
    let config = format!(
        "cluster {{ name: D, listen: {host}:{route}, routes: ['nats://127.0.0.1:{route}'] }}"
    );
    let options = Options {
        jetstream: false,
        config,
    };
    let monitor = SocketAddr::from((host, monitor));
    Broker::prepare_at(monitor, &format!("d{number}"), version, &options)
}

pub(crate) async fn members_are_discovered_as_they_join(version: &str) -> Result<()> {
    let (monitor, route) = (ports::free()?, ports::free()?);
    let mut nodes = Vec::new();
    for number in 1..=3 {
        let mut node = member(number, version, monitor, route)?;
        node.restart()?;
        nodes.push(node);
    }
    let mut arguments = QUICK.to_vec();
    arguments.extend(["--discover", "true"]);
    let sidecar = Sidecar::start(&[nodes[0].url()], &arguments)?;
    let are_up = |page: &crate::page::Page, count: usize| {
        for number in 1..=count {
            let name = format!("d{number}");
            page.is(
                "nats_up",
                &[("server_name", &name), ("nats_cluster", "D")],
                1.0,
            )?;
        }
        let shown = page.all("nats_up", &[]).len();
        ensure!(shown == count, "{shown} servers");
        Ok(())
    };
    sidecar.wait_for("three members", LONG, |page| are_up(page, 3))?;
    let watch = Watch::start(&sidecar)?;

    let mut fourth = member(4, version, monitor, route)?;
    fourth.restart()?;
    sidecar.wait_for("the fourth joined", LONG, |page| are_up(page, 4))?;

    nodes[1].kill()?;
    sidecar.wait_for("d2 is down", LONG, |page| is_gone(page, "d2"))?;
    let node = nodes.get_mut(1).context("a node")?;
    node.rename("d5")?;
    node.restart()?;
    let page = sidecar.wait_for("d2 is called d5", LONG, |page| {
        is_unknown(page, "d2")?;
        page.is("nats_up", &[("server_name", "d5")], 1.0)
    })?;
    ensure!(collisions(&page) == 0.0, "a name was refused");

    watch.end(&["d1", "d3"])
}
