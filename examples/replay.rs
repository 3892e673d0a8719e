//! Monitoring ports made of recorded answers, for measuring a reader without a broker.
//!
//! Answers from memory what a folder holds (`varz.json`, `connz.json`, `jsz.json.gz`, ...), whatever else the query says,
//! as one server or as many: each has a port, a name (`replay-7`) and an id of its own. `--times` makes the server larger.
//! A path without a file is 404, as a broker that lacks it answers. Prints the URLs, one a line, and ends on Ctrl-C or
//! SIGTERM.

mod corpus;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use corpus::Bodies;

const USAGE: &str = "usage: replay FOLDER [--servers N] [--times N] [--port FIRST]";
const SERVERS_MAX: u16 = 1000;
/// Longest request line with headers that is read.
const REQUEST_MAX: usize = 16 << 10;

/// Beginnings of requests, and the files that answer them: the first of them that the folder has.
const ANSWERS: &[(&str, &[&str])] = &[
    ("/varz", &["varz.json"]),
    ("/debug/vars", &["debug-vars.later.json", "debug-vars.json"]),
    ("/healthz", &["healthz.json"]),
    ("/connz?state=closed", &["connz.closed.json"]),
    ("/connz", &["connz.auth.json", "connz.json"]),
    ("/routez", &["routez.json"]),
    ("/gatewayz", &["gatewayz.json"]),
    ("/leafz", &["leafz.json"]),
    ("/subsz", &["subsz.json"]),
    ("/accountz", &["accountz.json"]),
    ("/accstatz", &["accstatz.unused.json", "accstatz.json"]),
    ("/raftz", &["raftz.json"]),
    ("/ipqueuesz", &["ipqueuesz.all.json", "ipqueuesz.json"]),
];
/// The same for `/jsz`, by an option that the query has.
const JETSTREAM: &[(&str, &[&str])] = &[
    (
        "config=",
        &["jsz.consumers-config.json", "jsz.all.json", "jsz.json"],
    ),
    ("consumers=", &["jsz_lean.json", "jsz.all.json", "jsz.json"]),
    ("streams=", &["jsz.streams.json", "jsz.json"]),
    ("", &["jsz.totals.json", "jsz.json"]),
];

struct Arguments {
    folder: PathBuf,
    servers: u16,
    times: u16,
    port: u16,
}

fn arguments(mut words: impl Iterator<Item = String>) -> Result<Arguments> {
    let (mut folder, mut servers, mut times, mut port) = (None, 1, 1, 0);
    while let Some(word) = words.next() {
        let mut number = || -> Result<u16> {
            let value = words.next().unwrap_or_default();
            let wrong = || format!("{word} {value}: give a whole number\n{USAGE}");
            value.parse().with_context(wrong)
        };
        match word.as_str() {
            "--servers" => servers = number()?.clamp(1, SERVERS_MAX),
            "--times" => times = number()?.max(1),
            "--port" => port = number()?,
            flag if flag.starts_with('-') => bail!("{flag} is no flag of this\n{USAGE}"),
            _ => folder = Some(PathBuf::from(word)),
        }
    }
    let folder = folder.context(USAGE)?;
    Ok(Arguments {
        folder,
        servers,
        times,
        port,
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Arguments {
        folder,
        servers,
        times,
        port,
    } = arguments(std::env::args().skip(1))?;
    let mut recorded = corpus::read(&folder)?;
    if times > 1 {
        recorded = corpus::times(&recorded, usize::from(times));
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut tasks = JoinSet::new();
    for place in 0..servers {
        let bodies = Arc::new(if servers == 1 {
            recorded.clone()
        } else {
            renamed(&recorded, place)?
        });
        let port = if port == 0 { 0 } else { port + place };
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
        tasks.spawn(listen(listener, bodies));
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// The same answers as another server gives them.
fn renamed(recorded: &Bodies, place: u16) -> Result<Bodies> {
    let varz = recorded
        .get("varz.json")
        .context("the folder has no varz.json")?;
    let varz: serde_json::Value = serde_json::from_slice(varz)?;
    let text = |key: &str| {
        varz[key]
            .as_str()
            .with_context(|| format!("varz.json has no {key}"))
    };
    let (id, name) = (text("server_id")?, text("server_name")?);
    // As long as the real one, so that sizes stay what they are.
    let own_id = format!("{}{place:05}", &id[..id.len().saturating_sub(5)]);
    let rename = |body: &Bytes| -> Bytes {
        let body = String::from_utf8_lossy(body).replace(id, &own_id);
        body.replace(&format!("\"{name}\""), &format!("\"replay-{place}\""))
            .into()
    };
    Ok(recorded
        .iter()
        .map(|(file, body)| (file.clone(), rename(body)))
        .collect())
}

async fn listen(listener: TcpListener, bodies: Arc<Bodies>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer(stream, Arc::clone(&bodies)));
        while connections.try_join_next().is_some() {}
    }
}

/// Answers request after request until the reader goes.
async fn answer(mut stream: TcpStream, bodies: Arc<Bodies>) {
    let mut read = Vec::new();
    loop {
        let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            if read.len() > REQUEST_MAX || !matches!(stream.read_buf(&mut read).await, Ok(1..)) {
                return;
            }
            continue;
        };
        let head: Vec<u8> = read.drain(..end + 4).collect();
        let line = String::from_utf8_lossy(&head);
        let path = line.split(' ').nth(1).unwrap_or_default();
        let body = body(path, &bodies);
        let status = if body.is_some() {
            "200 OK"
        } else {
            "404 Not Found"
        };
        let body = body.unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        if stream.write_all(head.as_bytes()).await.is_err()
            || stream.write_all(&body).await.is_err()
        {
            return;
        }
    }
}

/// What answers this path with its query.
fn body(path: &str, bodies: &Bodies) -> Option<Bytes> {
    let (_, files) = if path.starts_with("/jsz") {
        JETSTREAM.iter().find(|(option, _)| path.contains(option))
    } else {
        ANSWERS.iter().find(|(start, _)| path.starts_with(start))
    }?;
    files.iter().find_map(|file| bodies.get(*file)).cloned()
}
