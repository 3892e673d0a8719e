//! Many servers: they join and leave while natsight runs, one that hangs delays nobody, and `/probe` asks whom it may.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use natsight::expose::reader::{self, Format, Page};

use broker::Broker;
use http::get;
use program::{Sidecar, until};

#[allow(dead_code, reason = "tests/cli.rs uses all of it")]
#[path = "support/broker.rs"]
mod broker;
#[allow(dead_code, reason = "tests/cli.rs uses all of it")]
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "tests/cli.rs uses all of it")]
#[path = "support/program.rs"]
mod program;

fn page(sidecar: &Sidecar, path: &str) -> Page {
    let reply = get(sidecar.public, path, &[]);
    assert_eq!(
        reply.status,
        200,
        "{}",
        String::from_utf8_lossy(&reply.body)
    );
    reader::read(&reply.body, Format::Text004).expect("a page")
}

/// Names with `nats_up`.
fn up(sidecar: &Sidecar) -> Vec<(String, bool)> {
    let page = page(sidecar, "/metrics");
    let mut found: Vec<_> = page
        .find("nats_up", &[])
        .iter()
        .map(|sample| {
            let name = sample.label("server_name").unwrap_or_default().to_owned();
            (name, sample.value > 0.0)
        })
        .collect();
    found.sort();
    found
}

fn all_up(names: &[&str]) -> Vec<(String, bool)> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), true))
        .collect()
}

/// A file put in place at once, as careful writers do.
fn put(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).expect("it is written");
    std::fs::rename(&beside, path).expect("it is moved");
}

fn targets(brokers: &[&Broker]) -> String {
    let all: Vec<_> = brokers
        .iter()
        .map(|one| format!("{:?}", one.url()))
        .collect();
    format!("[{{\"targets\": [{}]}}]", all.join(", "))
}

const QUICK: [&str; 4] = ["--poll-light", "1s", "--probes-connect", "0"];

#[test]
fn servers_of_a_file_join_and_leave_without_a_restart() {
    let (one, two, three) = (
        Broker::start("n1"),
        Broker::start("n2"),
        Broker::start("n3"),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("targets.json");
    put(&file, &targets(&[&one, &two]));
    let mut args = vec!["--targets-file", file.to_str().expect("text")];
    args.extend(QUICK);
    let sidecar = Sidecar::start(&args);
    until("both", || up(&sidecar) == all_up(&["n1", "n2"]));
    until("ready", || {
        get(sidecar.public, "/-/ready", &[]).status == 200
    });
    put(&file, &targets(&[&two, &three]));
    until("the change", || up(&sidecar) == all_up(&["n2", "n3"]));
    put(&file, "[{\"targets\": [");
    sidecar.wait_for(&["targets file cannot be used", "kept=2"]);
    assert_eq!(up(&sidecar), all_up(&["n2", "n3"]));
    let said = |name: &str| {
        let server = format!("server=\"{name}\"");
        let lines = sidecar.lines();
        let up = |line: &&String| line.contains("server is up") && line.contains(&server);
        lines.iter().filter(up).count()
    };
    assert_eq!((said("n1"), said("n2"), said("n3")), (1, 1, 1));
    until("counted", || {
        let page = page(&sidecar, "/metrics");
        let failed = [("source", "file"), ("result", "malformed")];
        page.value("natsight_servers", &[("origin", "file")]) == Some(2.0)
            && page.value("natsight_servers", &[("origin", "configured")]) == Some(0.0)
            && page.value("natsight_targets_refreshes_total", &failed) > Some(0.5)
    });
}

#[test]
fn an_older_exporters_view_follows_those_that_join_leave_and_are_probed() {
    let (one, two) = (Broker::start("n1"), Broker::start("n2"));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("targets.json");
    let config = folder.path().join("natsight.yml");
    put(&file, &targets(&[&one]));
    let port = two.addr().port();
    put(
        &config,
        &format!("compat: exporter\nprobe: {{allow: ['http://127.0.0.0/8:{port}']}}\n"),
    );
    let mut args = vec!["--targets-file", file.to_str().expect("text")];
    args.extend(["--config", config.to_str().expect("text")]);
    args.extend(QUICK);
    let sidecar = Sidecar::start(&args);
    let shown = |path: &str| {
        let page = page(&sidecar, path);
        let samples = page.find("gnatsd_varz_connections", &[]);
        let ids = samples
            .iter()
            .filter_map(|sample| sample.label("server_id"));
        let mut ids: Vec<_> = ids.map(str::to_owned).collect();
        ids.sort();
        ids
    };
    let mut both = vec![one.url(), two.url()];
    both.sort();
    until("the first", || shown("/metrics") == [one.url()]);
    // The first page of a target that nobody asked for before.
    assert_eq!(shown(&format!("/probe?target={}", two.url())), [two.url()]);
    let native = page(
        &sidecar,
        &format!("/probe?names=native&target={}", two.url()),
    );
    assert!(native.family("gnatsd_varz_connections").is_none());
    assert!(native.family("nats_server_connections").is_some());
    put(&file, &targets(&[&one, &two]));
    until("both", || shown("/metrics") == both);
    put(&file, &targets(&[&two]));
    until("the other", || shown("/metrics") == [two.url()]);
}

#[test]
fn members_of_a_cluster_are_discovered_and_shown_once() {
    let seed = Broker::start("n1");
    let port = seed.addr().port();
    let at = |host: u8| SocketAddr::from(([127, 0, 0, host], port));
    let other = Broker::start_at(at(2), "n2");
    // The seed's own second address.
    let _same = Broker::start_at(at(3), "n1");
    let urls =
        r#""connect_urls":["127.0.0.1:4222","127.0.0.2:4222","127.0.0.3:1","127.0.0.9:1"],"host""#;
    seed.replace("/varz", "\"host\"", urls);
    let url = seed.url();
    let mut args = vec![url.as_str(), "--discover", "true"];
    args.extend(QUICK);
    let sidecar = Sidecar::start(&args);
    let gone = (format!("127.0.0.9:{port}"), false);
    let mut expected = all_up(&["n1", "n2"]);
    expected.insert(0, gone);
    until("discovered", || up(&sidecar) == expected);
    sidecar.wait_for(&["one server under two addresses", "127.0.0.3"]);
    until("the same one is let go", || {
        page(&sidecar, "/metrics").value("natsight_servers", &[("origin", "discovered")])
            == Some(2.0)
    });
    assert_eq!(up(&sidecar), expected);
    assert!(other.asked() > 0);
}

#[test]
fn a_name_is_watched_at_its_addresses() {
    let broker = Broker::start("n1");
    let url = format!("dns+http://localhost:{}", broker.addr().port());
    let mut args = vec![url.as_str()];
    args.extend(QUICK);
    let sidecar = Sidecar::start(&args);
    until("n1", || up(&sidecar).contains(&("n1".to_owned(), true)));
    let page = page(&sidecar, "/metrics");
    let target = format!("http://127.0.0.1:{}", broker.addr().port());
    assert_eq!(page.value("nats_up", &[("target", &target)]), Some(1.0));
}

#[test]
fn a_server_that_hangs_delays_nobody() {
    let good = Broker::start("n1");
    // The kernel takes connections; nobody ever answers.
    let hung = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let hung = format!("http://{}", hung.local_addr().expect("an address"));
    let url = good.url();
    let mut args = vec![hung.as_str(), url.as_str()];
    args.extend(QUICK);
    let started = Instant::now();
    let sidecar = Sidecar::start(&args);
    until("n1", || up(&sidecar).contains(&("n1".to_owned(), true)));
    let first = started.elapsed();
    until("four rounds", || {
        let page = page(&sidecar, "/metrics");
        let labels = [("server_name", "n1"), ("handler", "/varz"), ("code", "200")];
        page.value("http_request_duration_seconds_count", &labels) > Some(3.5)
    });
    assert!(first.as_secs_f64() < 2.0, "{first:?}");
    assert!(
        started.elapsed().as_secs_f64() < 7.0,
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn probe_gives_the_page_of_one_target_to_whom_it_may() {
    let (one, two) = (Broker::start("n1"), Broker::start("n2"));
    let (config, url) = (tempfile::NamedTempFile::new().expect("a file"), one.url());
    let sidecar = Sidecar::start(&[&url, "--config", config.path().to_str().expect("text")]);
    let ask = |target: &str| get(sidecar.public, &format!("/probe?target={target}"), &[]);
    let reply = ask(&two.url());
    assert_eq!(
        (reply.status, reply.error().contains("probe.allow")),
        (404, true)
    );

    let port = two.addr().port();
    let text = format!("probe: {{allow: ['http://127.0.0.0/8:{port}']}}\n");
    std::fs::write(config.path(), text).expect("it is written");
    sidecar.signal("HUP");
    sidecar.wait_for(&["configuration reloaded"]);
    let probed = page(&sidecar, &format!("/probe?target={}", two.url()));
    assert_eq!(probed.value("nats_up", &[]), Some(1.0));
    assert!(probed.find("nats_up", &[("server_name", "n2")]).len() == 1);
    assert!(
        probed.family("natsight_build_info").is_none(),
        "that target's series only"
    );
    // A connect to the client port would leave one of these, the one of failures here.
    let of_probes = |family: &reader::Family| family.name.starts_with("nats_probe_");
    assert!(
        !probed.families.iter().any(of_probes),
        "only the port that was allowed"
    );
    let varz = page(
        &sidecar,
        &format!("/probe?target=127.0.0.1:{port}&collect[]=varz"),
    );
    assert!(varz.family("nats_up").is_none() && varz.family("nats_server_info").is_some());
    let asked = two.asked();
    for _ in 0..50 {
        assert_eq!(ask(&two.url()).status, 200);
    }
    assert!(two.asked() < asked + 20, "served from memory");
    assert_eq!(up(&sidecar), all_up(&["n1"]), "it is not among the servers");

    refusals(&sidecar, &url, port);
}

/// What is refused, in one sentence, and counted.
fn refusals(sidecar: &Sidecar, url: &str, port: u16) {
    for (query, status, word) in [
        (format!("target={url}"), 403, "port"),
        ("target=http://169.254.169.254:80".to_owned(), 403, "port"),
        (format!("target=http://10.0.0.1:{port}"), 403, "probe.allow"),
        (
            format!("target=http://u:hunter2@127.0.0.1:{port}"),
            400,
            "user info",
        ),
        (
            format!("target=127.0.0.1:{port}&target=127.0.0.2:{port}"),
            400,
            "one at a time",
        ),
        (
            format!("target=127.0.0.1:{port}&collect[]=no"),
            400,
            "no collector",
        ),
        ("x=1".to_owned(), 400, "parameter"),
        (String::new(), 400, "no target"),
    ] {
        let reply = get(sidecar.public, &format!("/probe?{query}"), &[]);
        assert_eq!(reply.status, status, "{query}");
        let text = reply.error();
        assert!(
            text.contains(word) && !text.contains("hunter2"),
            "{query}: {text}"
        );
    }
    until("counted", || {
        let page = page(sidecar, "/metrics");
        let refused = |reason| page.value("natsight_probe_refused_total", &[("reason", reason)]);
        refused("port") == Some(2.0)
            && refused("off") == Some(1.0)
            && refused("user_info") == Some(1.0)
    });
}

/// A port that sends whoever asks to another place; how often that one was connected to.
fn redirects(to: TcpListener) -> (SocketAddr, Arc<AtomicUsize>) {
    let place = to.local_addr().expect("an address");
    let (listener, reached) = (
        TcpListener::bind("127.0.0.1:0"),
        Arc::<AtomicUsize>::default(),
    );
    let listener = listener.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let counted = Arc::clone(&reached);
    std::thread::spawn(move || {
        for _ in to.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let _ = write!(
                stream,
                "HTTP/1.1 302 Found\r\nLocation: http://{place}/latest/meta-data\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            );
        }
    });
    (addr, reached)
}

#[test]
fn probe_follows_no_redirect() {
    let (one, config) = (
        Broker::start("n1"),
        tempfile::NamedTempFile::new().expect("a file"),
    );
    let inner = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let (addr, reached) = redirects(inner);
    let text = format!("probe: {{allow: ['http://127.0.0.1:{}']}}\n", addr.port());
    std::fs::write(config.path(), text).expect("it is written");
    let sidecar = Sidecar::start(&[
        &one.url(),
        "--config",
        config.path().to_str().expect("text"),
    ]);
    let probed = page(&sidecar, &format!("/probe?target=http://{addr}"));
    assert_eq!(probed.value("nats_up", &[]), Some(0.0));
    let counted = [("collector", "varz"), ("reason", "redirect")];
    assert_eq!(
        probed.value("nats_collector_failures_total", &counted),
        Some(1.0)
    );
    let line = sidecar.wait_for(&["failed", "reason=\"redirect\""]);
    assert!(line.contains("give the final address"), "{line}");
    assert_eq!(reached.load(Ordering::SeqCst), 0, "it was followed");
}

#[test]
fn one_server_behind_two_urls_and_two_servers_of_one_name_are_shown_once_and_said() {
    let (one, two) = (Broker::start("n1"), Broker::start("n2"));
    let other = Broker::start("n2");
    other.replace("/varz", "Nn2", "Nother");
    let again = format!("http://localhost:{}", one.addr().port());
    let urls = [one.url(), again, two.url(), other.url()];
    let args: Vec<&str> = urls.iter().map(String::as_str).chain(QUICK).collect();
    let sidecar = Sidecar::start(&args);
    let refused = |page: &Page, reason| {
        let found = page.find("nats_collector_failures_total", &[("reason", reason)]);
        found.iter().map(|sample| sample.value).sum::<f64>()
    };
    // Whoever comes first keeps the name; the reader refuses what is there twice.
    until("told apart", || {
        let page = page(&sidecar, "/metrics");
        let shown = |name| page.find("nats_up", &[("server_name", name)]).len();
        let told = refused(&page, "same_name") >= 2.0 && refused(&page, "same_server") >= 2.0;
        told && (page.find("nats_up", &[]).len(), shown("n1"), shown("n2")) == (4, 1, 1)
    });
    let lines = sidecar.lines();
    for reason in ["same_name", "same_server"] {
        let word = format!("reason=\"{reason}\"");
        let said = lines.iter().filter(|line| line.contains(&word)).count();
        assert_eq!(said, 1, "{lines:#?}");
    }
    sidecar.wait_for(&["take one of the two targets away"]);
    sidecar.wait_for(&["give each server a server_name of its own"]);
    let page = page(&sidecar, "/metrics");
    assert_eq!(page.find("nats_server_info", &[]).len(), 2);
}

/// Prints what joining the page of a hundred small servers costs: `cargo test --test targets -- --nocapture hundred`.
#[test]
fn the_page_of_a_hundred_servers() {
    let brokers: Vec<Broker> = (0..100).map(|n| Broker::start(&format!("n{n}"))).collect();
    let file = tempfile::NamedTempFile::new().expect("a file");
    let all: Vec<_> = brokers
        .iter()
        .map(|one| format!("{{url: {:?}, pid: off}}", one.url()))
        .collect();
    let text = format!("servers: [{}]", all.join(", "));
    std::fs::write(file.path(), text).expect("it is written");
    let path = file.path().to_str().expect("text");
    let sidecar = Sidecar::start(&["--config", path, "--probes-connect", "0"]);
    // Their page costs much without optimisation, so it is asked for when all are there, which takes a busy machine a while.
    let end = Instant::now() + Duration::from_secs(60);
    while get(sidecar.public, "/-/ready", &[]).status != 200 {
        assert!(Instant::now() < end, "not ready");
        std::thread::park_timeout(Duration::from_millis(10));
    }
    until("all up", || up(&sidecar).len() == 100);
    let page = page(&sidecar, "/metrics");
    assert_eq!(page.find("nats_up", &[]).len(), 100);
    let bytes = get(sidecar.public, "/metrics", &[]).body.len();
    let took: Vec<_> = (0..20)
        .map(|_| {
            let started = Instant::now();
            get(sidecar.public, "/metrics", &[]);
            started.elapsed()
        })
        .collect();
    eprintln!(
        "100 servers: {bytes} bytes, a scrape {:?} to {:?}",
        took.iter().min(),
        took.iter().max()
    );
}
