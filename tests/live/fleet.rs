//! A hundred servers made of recorded answers, read by a real Prometheus through TLS with a client certificate and a
//! password, and by nobody else.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::pki::Authority;
use crate::prometheus::Prometheus;
use crate::sidecar::Sidecar;
use crate::{LONG, http, wait};

const SERVERS: usize = 100;

/// Path of a request with the recording that answers it: the first that begins so.
const ANSWERS: &[(&str, &str)] = &[
    ("/varz", "varz"),
    ("/connz?state=closed", "connz.closed"),
    ("/connz", "connz"),
    ("/jsz?", "jsz.all"),
    ("/jsz", "jsz"),
    ("/healthz", "healthz"),
    ("/routez", "routez"),
    ("/gatewayz", "gatewayz"),
    ("/leafz", "leafz"),
    ("/subsz", "subsz"),
    ("/accstatz", "accstatz.unused"),
    ("/accountz?", "accountz.acc-APP"),
    ("/accountz", "accountz"),
    ("/ipqueuesz", "ipqueuesz.all"),
    ("/raftz", "raftz"),
    ("/debug/vars", "debug-vars"),
];

/// Answers of one server by the name of the recording.
type Bodies = HashMap<&'static str, String>;

/// What a lone server of 2.15.1 answered, told by another of this number.
fn bodies(number: usize) -> Result<Bodies> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/2.15.1/single");
    let read = |name: &str| std::fs::read_to_string(folder.join(format!("{name}.json")));
    let varz: Value = serde_json::from_str(&read("varz")?)?;
    let (id, name) = (varz["server_id"].as_str(), varz["server_name"].as_str());
    let (id, name) = (id.context("no id")?, name.context("no name")?);
    let mut bodies = Bodies::new();
    for (_, recording) in ANSWERS {
        // Not each endpoint is recorded of a lone server.
        if let Ok(body) = read(recording) {
            let body = body.replace(id, &format!("N{number:055}"));
            let body = body.replace(&format!("\"{name}\""), &format!("\"s{number:03}\""));
            bodies.insert(recording, body);
        }
    }
    Ok(bodies)
}

/// Serves them until the set is dropped; gives the URL.
async fn serve(bodies: Bodies, tasks: &mut JoinSet<()>) -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let bodies = Arc::new(bodies);
    tasks.spawn(async move {
        let mut talks = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            talks.spawn(talk(stream, Arc::clone(&bodies)));
            while talks.try_join_next().is_some() {}
        }
    });
    Ok(url)
}

/// Answers requests until the other side goes.
async fn talk(mut stream: TcpStream, bodies: Arc<Bodies>) {
    let mut head = Vec::new();
    loop {
        match stream.read_buf(&mut head).await {
            Ok(read) if read > 0 => {}
            _ => return,
        }
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        let path = text.split(' ').nth(1).unwrap_or_default();
        let answer = ANSWERS.iter().find(|(start, _)| path.starts_with(start));
        let body = answer.and_then(|(_, recording)| bodies.get(recording));
        let (status, body) = match body {
            Some(body) => ("200 OK", body.as_str()),
            None => ("404 Not Found", ""),
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        head.clear();
    }
}

/// A folder with certificates, and the web configuration that wants both a certificate and a password.
fn secrets(folder: &Path) -> Result<PathBuf> {
    let authority = Authority::new();
    std::fs::write(folder.join("ca.pem"), authority.pem())?;
    authority.sign(&["localhost"]).write(folder, "web");
    authority
        .sign(&["prometheus.example"])
        .write(folder, "client");
    Authority::new()
        .sign(&["prometheus.example"])
        .write(folder, "stranger");
    // The lowest cost: without optimisation a check of cost 10 takes seconds.
    let hash = bcrypt::hash("hunter2", 4)?;
    let web = folder.join("web.yml");
    std::fs::write(
        &web,
        format!(
            "tls_server_config: {{cert_file: web.pem, key_file: web.key, client_ca_file: ca.pem, \
             client_auth_type: RequireAndVerifyClientCert}}\nbasic_auth_users: {{prom: '{hash}'}}\n"
        ),
    )?;
    Ok(web)
}

/// Job of Prometheus, the certificate that it shows, its password.
const JOBS: &[(&str, Option<&str>, Option<&str>)] = &[
    ("natsight", Some("client"), Some("hunter2")),
    ("no_certificate", None, Some("hunter2")),
    ("other_certificate", Some("stranger"), Some("hunter2")),
    ("no_password", Some("client"), None),
    ("wrong_password", Some("client"), Some("hunter3")),
];

fn jobs(folder: &Path, port: u16) -> String {
    let mut text =
        "global: {scrape_interval: 10s, scrape_timeout: 10s}\nscrape_configs:\n".to_owned();
    let file = |name: &str| folder.join(name).display().to_string();
    for (job, certificate, password) in JOBS {
        let shown = certificate.map_or_else(String::new, |name| {
            let (cert, key) = (file(&format!("{name}.pem")), file(&format!("{name}.key")));
            format!(", cert_file: {cert}, key_file: {key}")
        });
        let ca = file("ca.pem");
        text += &format!(
            "- job_name: {job}\n  scheme: https\n  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n  \
             tls_config: {{ca_file: {ca}, server_name: localhost{shown}}}\n"
        );
        if let Some(password) = password {
            text += &format!("  basic_auth: {{username: prom, password: {password}}}\n");
        }
    }
    text
}

/// Rare rounds and long deadlines: this is about who gets in, on two busy cores and without optimisation.
const CONFIG: &str = "poll: {light: 10s, health: 1m, connections: 1m, streams: 1m, consumers: 1m, timeout: 5s, \
                      heavy_timeout: 20s}\nprobes: {connect: 0}\n";

pub(crate) async fn a_hundred_servers_are_read_through_tls_by_whom_may() -> Result<()> {
    let (mut tasks, mut urls) = (JoinSet::new(), Vec::new());
    for number in 0..SERVERS {
        urls.push(serve(bodies(number)?, &mut tasks).await?);
    }
    let folder = tempfile::tempdir()?;
    let web = secrets(folder.path())?;
    // To look for the processes of a hundred servers that have none would take the test most of its time.
    let servers: Vec<_> = urls
        .iter()
        .map(|url| format!("{{url: '{url}', pid: off}}"))
        .collect();
    let config = folder.path().join("natsight.yml");
    std::fs::write(
        &config,
        format!("{CONFIG}servers: [{}]\n", servers.join(", ")),
    )?;
    let (web, config) = (
        format!("--web-config-file={}", web.display()),
        format!("--config={}", config.display()),
    );
    let sidecar = Sidecar::start_until(&[], &[&web, &config], |port| {
        let said = http::get(port, "/-/healthy");
        let error = said
            .err()
            .context("it was answered without TLS")?
            .to_string();
        match error.contains("this port speaks TLS") {
            true => Ok(()),
            false => bail!(error),
        }
    })?;
    let prometheus = Prometheus::with_config(&jobs(folder.path(), sidecar.port))?;
    let seen = || -> Result<()> {
        for (query, wanted) in [
            ("count(nats_up)", SERVERS),
            ("sum(nats_up)", SERVERS),
            ("count(count by (server_name) (nats_up))", SERVERS),
            ("count(nats_server_info{version='2.15.1'})", SERVERS),
            // Each job tried often enough to have got in.
            ("count(count_over_time(up[1m]) > 1)", JOBS.len()),
        ] {
            let found = prometheus.number(query)?;
            ensure!(found == wanted as f64, "{query}: {found}");
        }
        Ok(())
    };
    wait::until("Prometheus sees a hundred servers", LONG * 3, seen)
        .with_context(|| sidecar.log())?;
    for (job, ..) in JOBS {
        let number = |query: &str| prometheus.number(&query.replace("JOB", job));
        let (lowest, highest) = (
            number("min_over_time(up{job='JOB'}[5m])")?,
            number("max_over_time(up{job='JOB'}[5m])")?,
        );
        let wanted = if *job == "natsight" { 1.0 } else { 0.0 };
        ensure!(
            lowest == wanted && highest == wanted,
            "{job}: {lowest} to {highest}"
        );
        let samples = number("max_over_time(scrape_samples_scraped{job='JOB'}[5m])")?;
        ensure!(
            (samples > 0.0) == (wanted > 0.0),
            "{job}: {samples} samples"
        );
    }
    let series = prometheus.number("scrape_samples_scraped{job='natsight'}")?;
    let took = prometheus.number("max_over_time(scrape_duration_seconds{job='natsight'}[5m])")?;
    eprintln!("{SERVERS} servers: {series} series, the slowest scrape {took} s");
    Ok(())
}
