//! A real broker whose heavy endpoints hang, as they do on a stuck disk: a proxy before its monitoring port passes light
//! requests on and holds the others.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::broker::{Broker, Options};
use crate::page::Page;
use crate::sidecar::Sidecar;
use crate::{LONG, QUICK};

/// Longest that a held or passed connection lives after the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// Four light rounds while one heavy request hangs, and never a heavy interval stretched by its cost, so that the next
/// one is due when it ends.
const HANGING: [&str; 2] = ["--poll-heavy-timeout=4s", "--poll-broker-cpu-max=1"];

/// Passes requests on to `to`, save those with a query while it holds: heavy ones ask for details.
fn proxy(to: u16, holds: Arc<AtomicBool>) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let holds = Arc::clone(&holds);
            std::thread::spawn(move || pass(client, to, &holds));
        }
    });
    Ok(port)
}

/// One request a connection is enough: the answer says that it is the last.
fn pass(mut client: TcpStream, to: u16, holds: &AtomicBool) -> Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        ensure!(client.read(&mut byte)? == 1, "the request ended early");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head)?;
    let path = head.split(' ').nth(1).context("no path")?;
    let heavy = path.starts_with("/connz") || path.starts_with("/jsz?");
    if heavy && holds.load(Ordering::SeqCst) {
        // Until natsight gives up and closes.
        let _ = client.read(&mut byte);
        return Ok(());
    }
    let mut broker = TcpStream::connect(("127.0.0.1", to))?;
    broker.set_read_timeout(Some(PATIENCE))?;
    write!(
        broker,
        "GET {path} HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n"
    )?;
    std::io::copy(&mut broker, &mut client)?;
    Ok(())
}

fn works(page: &Page, collector: &str) -> Result<()> {
    page.is("nats_collector_success", &[("collector", collector)], 1.0)
}

fn hangs(page: &Page, collector: &str) -> Result<()> {
    page.is("nats_collector_success", &[("collector", collector)], 0.0)
}

/// While one and the same heavy request hangs, light rounds go on.
fn light_goes_on(sidecar: &Sidecar) -> Result<()> {
    let requests = |page: &Page, labels: &[(&str, &str)]| -> f64 {
        let all = page.all("http_request_duration_seconds_count", labels);
        all.iter().map(|sample| sample.value).sum()
    };
    // Heavy requests that ended, and light answers when the latest of them did.
    let mut since = None;
    let look = |page: &Page| {
        let ended = requests(page, &[("code", "timeout")]);
        let light = requests(page, &[("handler", "/varz"), ("code", "200")]);
        let (before, first) = *since.get_or_insert((ended, light));
        if before != ended {
            since = Some((ended, light));
            bail!("another heavy request ended");
        }
        ensure!(before > 0.0, "no heavy request hung yet");
        let more = light - first;
        ensure!(more >= 3.0, "{more} light answers meanwhile");
        Ok(())
    };
    let what = "light answers while a heavy request hangs";
    sidecar.wait_for(what, LONG, look).map(drop)
}

pub(crate) async fn light_answers_and_heavy_hangs(version: &str) -> Result<()> {
    let broker = Broker::start(version, &Options::jetstream())?;
    let holds = Arc::new(AtomicBool::new(false));
    let port = proxy(broker.http_port, Arc::clone(&holds))?;
    let others = QUICK.iter().copied();
    let others = others.filter(|one| !one.starts_with("--poll-heavy-timeout"));
    let arguments: Vec<&str> = others.chain(HANGING).collect();
    let sidecar = Sidecar::start(&[format!("http://127.0.0.1:{port}")], &arguments)?;
    sidecar.wait_for("all collectors", LONG, |page| {
        ["varz", "jsz", "connz", "streams", "consumers"]
            .iter()
            .try_for_each(|collector| works(page, collector))
    })?;
    holds.store(true, Ordering::SeqCst);
    light_goes_on(&sidecar)?;
    let page = sidecar.wait_for("heavy requests that hang", LONG * 2, |page| {
        page.is("nats_up", &[], 1.0)?;
        ["varz", "jsz"]
            .iter()
            .try_for_each(|name| works(page, name))?;
        ["connz", "streams", "consumers"]
            .iter()
            .try_for_each(|name| hangs(page, name))?;
        ensure!(
            page.all("nats_connections_open", &[]).is_empty(),
            "old connections are still shown"
        );
        Ok(())
    })?;
    ensure!(
        !page.all("nats_server_connections", &[]).is_empty(),
        "varz went with them"
    );
    holds.store(false, Ordering::SeqCst);
    sidecar
        .wait_for("the heavy ones again", LONG * 3, |page| {
            ["connz", "streams", "consumers"]
                .iter()
                .try_for_each(|name| works(page, name))
        })
        .map(drop)
}
