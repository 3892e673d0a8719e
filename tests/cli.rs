//! The life of `natsight serve`: signals, reloads, logs, secrets, a port that is taken.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use natsight::expose::reader::{self, Format, Page};

use broker::Broker;
use http::{ask, get};
use program::{Sidecar, run, until};

#[path = "support/broker.rs"]
mod broker;
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "support/program.rs"]
mod program;

/// From a signal to the end.
const END_MAX: Duration = Duration::from_secs(5);
const JSON: (&str, &str) = ("Content-Type", "application/json");

fn page(sidecar: &Sidecar) -> Page {
    let reply = get(sidecar.public, "/metrics", &[]);
    reader::read(&reply.body, Format::Text004).expect("a page")
}

fn up(sidecar: &Sidecar) -> Vec<(String, bool)> {
    let page = page(sidecar);
    let found = page.find("nats_up", &[]);
    let mut found: Vec<_> = found
        .iter()
        .map(|sample| {
            (
                sample.label("server_name").unwrap_or_default().to_owned(),
                sample.value > 0.0,
            )
        })
        .collect();
    found.sort();
    found
}

fn names(pairs: &[(&str, bool)]) -> Vec<(String, bool)> {
    pairs
        .iter()
        .map(|(name, up)| ((*name).to_owned(), *up))
        .collect()
}

/// A configuration file that can be written again.
struct Config(tempfile::NamedTempFile);

impl Config {
    fn new(text: &str) -> Self {
        let this = Self(tempfile::NamedTempFile::new().expect("a file"));
        this.write(text);
        this
    }

    fn write(&self, text: &str) {
        std::fs::write(self.0.path(), text).expect("it is written");
    }

    fn servers(&self, brokers: &[&Broker]) {
        let mut text = "probes: {connect: 0s}\npoll: {light: 1s}\nservers:\n".to_owned();
        for broker in brokers {
            text += &format!("  - {{url: {}, pid: off}}\n", broker.url());
        }
        self.write(&text);
    }

    fn path(&self) -> &str {
        self.0.path().to_str().expect("text")
    }
}

fn reloads(sidecar: &Sidecar, result: &str) -> f64 {
    page(sidecar)
        .value("natsight_config_reloads_total", &[("result", result)])
        .expect("the counter starts at 0")
}

#[test]
fn a_signal_ends_the_sidecar_within_five_seconds() {
    for signal in ["TERM", "INT"] {
        let broker = Broker::start("n1");
        let mut sidecar = Sidecar::start(&[&broker.url()]);
        // One connection that says nothing, one in the middle of a request: that is waited for a while.
        let _idle = TcpStream::connect(sidecar.public).expect("it listens");
        let mut begun = TcpStream::connect(sidecar.public).expect("it listens");
        let head: &[u8] = if signal == "TERM" {
            b"GET / HTTP/1.1\r\n"
        } else {
            b""
        };
        begun.write_all(head).expect("it reads");
        until("up", || !up(&sidecar).is_empty());
        sidecar.signal(signal);
        let (status, took, out) = sidecar.ended();
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(took < END_MAX, "{signal}: {took:?}");
        assert_eq!(out, "", "logs belong to standard error");
    }
}

#[test]
fn a_sidecar_that_nobody_is_connected_to_ends_at_once() {
    let broker = Broker::start("n1");
    let mut sidecar = Sidecar::start(&[&broker.url()]);
    sidecar.signal("TERM");
    let (status, took, _) = sidecar.ended();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
    sidecar.wait_for(&["stopped"]);
}

#[test]
fn a_hangup_adds_and_removes_servers() {
    let (one, two) = (Broker::start("n1"), Broker::start("n2"));
    let config = Config::new("");
    config.servers(&[&one]);
    let sidecar = Sidecar::start(&["--config", config.path()]);
    until("n1", || up(&sidecar) == names(&[("n1", true)]));
    let heap = |name: &str| page(&sidecar).family(name).is_some();
    until("heap", || heap("nats_go_memstats_heap_inuse_bytes"));
    assert!(
        heap("go_memstats_heap_inuse_bytes"),
        "one server is watched"
    );

    config.servers(&[&one, &two]);
    sidecar.signal("HUP");
    until("both", || {
        up(&sidecar) == names(&[("n1", true), ("n2", true)])
    });
    until("heap again", || heap("nats_go_memstats_heap_inuse_bytes"));
    assert!(!heap("go_memstats_heap_inuse_bytes"), "two are watched");

    config.servers(&[&two]);
    sidecar.signal("HUP");
    until("n2", || up(&sidecar) == names(&[("n2", true)]));
    until("counted", || reloads(&sidecar, "success") > 1.5);
    let servers = get(sidecar.public, "/api/v1/servers", &[]).json();
    assert_eq!(servers.as_array().map(Vec::len), Some(1), "{servers}");
    let origin = [("origin", "configured")];
    until("counted", || {
        page(&sidecar).value("natsight_servers", &origin) == Some(1.0)
    });
    // A request that was under way may still come in; three rounds later none does.
    let rounds = || {
        let page = page(&sidecar);
        let counts = page.find(
            "http_request_duration_seconds_count",
            &[("server_name", "n2"), ("handler", "/varz")],
        );
        counts.iter().map(|sample| sample.value).sum::<f64>()
    };
    let (before, first) = (one.asked(), rounds());
    until("three rounds", || rounds() > first + 2.5);
    assert!(
        one.asked() <= before + 1,
        "a removed server is asked no more"
    );
}

#[test]
fn a_server_that_stays_is_watched_without_a_break() {
    let (one, two) = (Broker::start("n1"), Broker::start("n2"));
    let (three, config) = (Broker::start("n3"), Config::new(""));
    config.servers(&[&one, &two]);
    let sidecar = Sidecar::start(&["--config", config.path()]);
    until("both", || {
        up(&sidecar) == names(&[("n1", true), ("n2", true)])
    });
    config.servers(&[&two, &three]);
    sidecar.signal("HUP");
    until("changed", || {
        up(&sidecar) == names(&[("n2", true), ("n3", true)])
    });
    let said = |name: &str| {
        let server = format!("server=\"{name}\"");
        let lines = sidecar.lines();
        lines
            .iter()
            .filter(|line| line.contains("server is up") && line.contains(&server))
            .count()
    };
    assert_eq!(
        (said("n1"), said("n2"), said("n3")),
        (1, 1, 1),
        "{:?}",
        sidecar.lines()
    );
}

#[test]
fn a_reload_with_mistakes_changes_nothing() {
    let one = Broker::start("n1");
    let config = Config::new("");
    config.servers(&[&one]);
    let sidecar = Sidecar::start(&["--config", config.path()]);
    until("n1", || up(&sidecar) == names(&[("n1", true)]));
    config.write("poll: {light: 0s, streams: never}\nservers: [{url: 'nats://u:hunter2@n1'}]\n");
    sidecar.signal("HUP");
    let line = sidecar.wait_for(&["configuration refused"]);
    for words in ["poll.light", "poll.streams", "never", "servers"] {
        assert!(line.contains(words), "{words}: {line}");
    }
    let reply = ask(sidecar.admin, "POST", "/-/reload", &[JSON], "");
    assert_eq!(
        (reply.status, reply.error().lines().count()),
        (400, 3),
        "{}",
        reply.error()
    );
    assert!(!reply.error().contains("hunter2") && !line.contains("hunter2"));
    until("counted", || reloads(&sidecar, "failure") > 1.5);
    assert_eq!(up(&sidecar), names(&[("n1", true)]));
    assert!(reloads(&sidecar, "success") < 0.5);

    config.servers(&[&one]);
    let reply = ask(sidecar.admin, "POST", "/-/reload", &[JSON], "");
    assert_eq!(
        reply.json(),
        serde_json::json!({"reloaded": true, "needs_restart": []})
    );
    config.write("listen: 127.0.0.1:1\n");
    let sidecar = Sidecar::start(&["--config", config.path(), &one.url()]);
    config.write("log: {format: json}\nexternal_url: http://natsight.example\n");
    let reply = ask(sidecar.admin, "POST", "/-/reload", &[JSON], "");
    let restart = reply.json()["needs_restart"].to_string();
    assert!(
        restart.contains("log.format") && restart.contains("external_url"),
        "{restart}"
    );
}

#[test]
fn the_log_level_changes_with_a_reload() {
    let one = Broker::start("n1");
    let config = Config::new("log: {level: info}\n");
    let sidecar = Sidecar::start(&["--config", config.path(), &one.url(), "--poll-light", "1s"]);
    until("up", || up(&sidecar) == names(&[("n1", true)]));
    config.write("log: {level: error}\n");
    sidecar.signal("HUP");
    until("reloaded", || reloads(&sidecar, "success") > 0.5);
    one.set_gone(true);
    until("down", || up(&sidecar).iter().any(|(_, up)| !up));
    let lines = sidecar.lines();
    assert!(
        lines.iter().all(|line| !line.contains("server is down")),
        "{lines:?}"
    );
}

#[test]
fn a_long_outage_is_one_line() {
    let broker = Broker::start("n1");
    let sidecar = Sidecar::start(&[&broker.url(), "--poll-light", "1s", "--probes-connect", "0"]);
    until("up", || up(&sidecar) == names(&[("n1", true)]));
    broker.set_gone(true);
    until("three failures", || {
        let page = page(&sidecar);
        let failures = page.find("nats_collector_failures_total", &[("collector", "varz")]);
        failures.iter().map(|sample| sample.value).sum::<f64>() > 2.5
    });
    assert_eq!(up(&sidecar), names(&[("n1", false)]));
    broker.set_gone(false);
    sidecar.wait_for(&["works again", "varz"]);
    until("up again", || up(&sidecar) == names(&[("n1", true)]));
    let lines = sidecar.lines();
    let count = |words: &str| lines.iter().filter(|line| line.contains(words)).count();
    assert_eq!(count("server is down"), 1, "{lines:#?}");
    assert_eq!(count("server is up"), 2, "{lines:#?}");
    let failed = |line: &&String| line.contains(" failed ") && line.contains("collector=\"varz\"");
    assert_eq!(lines.iter().filter(failed).count(), 1, "{lines:#?}");
}

#[test]
fn logs_are_json_when_asked() {
    let broker = Broker::start("n1");
    let mut sidecar = Sidecar::start(&[&broker.url(), "--log-format", "json"]);
    sidecar.wait_for(&["server is up"]);
    sidecar.signal("TERM");
    let (_, _, out) = sidecar.ended();
    sidecar.wait_for(&["stopped"]);
    assert_eq!(out, "");
    for line in sidecar.lines() {
        let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        for key in ["timestamp", "level", "message"] {
            assert!(line[key].is_string(), "{line}");
        }
    }
}

#[test]
fn secrets_are_shown_nowhere() {
    let broker = Broker::start("n1");
    let secret = broker.url().replace("http://", "http://admin:hunter2@");
    let config = Config::new(&format!(
        "log: {{level: trace}}\nservers:\n  - url: {secret}\n"
    ));
    let sidecar = Sidecar::start(&["--config", config.path(), "--poll-light", "1s"]);
    until("up", || up(&sidecar) == names(&[("n1", true)]));
    let shown = |what: &str| {
        for path in ["/metrics", "/api/v1/servers", "/"] {
            let text = get(sidecar.public, path, &[]).text();
            assert!(
                !text.contains("hunter2") && !text.contains("admin:"),
                "{what} {path}"
            );
        }
    };
    shown("up");
    broker.set_gone(true);
    until("down", || up(&sidecar) == names(&[("n1", false)]));
    shown("down");
    config.write(&format!("servers:\n  - url: {secret}\n  - url: {secret}\n"));
    let reply = ask(sidecar.admin, "POST", "/-/reload", &[JSON], "");
    assert_eq!(reply.status, 400);
    assert!(!reply.error().contains("hunter2"), "{}", reply.error());
    // `YWRtaW46aHVudGVyMg==` is how the header of basic authentication spells it.
    for line in sidecar.lines() {
        assert!(
            !line.contains("hunter2") && !line.contains("YWRtaW46"),
            "{line}"
        );
    }
}

#[test]
fn a_port_that_is_taken_is_said_and_gives_2() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    for (flag, other) in [
        ("--listen", "--admin-listen"),
        ("--admin-listen", "--listen"),
    ] {
        let args = [
            "serve",
            flag,
            &address,
            other,
            "127.0.0.1:0",
            "--log-level",
            "error",
        ];
        let ended = run(&args, &[]);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{ended:?}");
        assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
        for words in [&address, flag, "in use"] {
            assert!(ended.err.contains(words), "{words}: {}", ended.err);
        }
    }
}

#[test]
fn limits_on_series_work_from_the_file() {
    let broker = Broker::start("n1");
    let streams: Vec<_> = (0..300)
        .map(|at| format!(r#"{{"name":"S{at:03}","created":"2026-11-22T07:08:01Z","state":{{"messages":{at},"bytes":1,"first_seq":1,"last_seq":2,"consumer_count":0}}}}"#))
        .collect();
    broker.set_body("/jsz", &format!(
        r#"{{"server_id":"Nn1","now":"2026-11-22T09:00:00Z","memory":0,"storage":0,"reserved_memory":0,"reserved_storage":0,"accounts":1,"ha_assets":0,"api":{{"total":0,"errors":0}},"streams":300,"consumers":0,"messages":1,"bytes":1,"total":1,"account_details":[{{"name":"APP","id":"APP","memory":0,"storage":999,"reserved_memory":0,"reserved_storage":0,"accounts":0,"ha_assets":0,"api":{{"total":0,"errors":0}},"stream_detail":[{}]}}]}}"#,
        streams.join(",")
    ));
    let file = Config::new(&format!(
        "probes: {{connect: 0s}}\nservers: [{{url: {}, pid: off}}]\ncollect:\n  deny: [{{stream: '*7'}}]\n  series_max: 1000\n",
        broker.url()
    ));
    let sidecar = Sidecar::start(&["--config", file.path()]);
    let dropped = [("family", "nats_stream_messages")];
    until("series are dropped", || {
        let count = page(&sidecar).value("natsight_series_dropped_total", &dropped);
        count.is_some_and(|count| count > 100.0)
    });
    let page = page(&sidecar);
    assert!(page.series() <= 1_000, "{}", page.series());
    let left = |reason| {
        let labels = [("collector", "streams"), ("reason", reason)];
        page.value("nats_collector_left_out", &labels)
    };
    assert_eq!(left("denied"), Some(30.0));
    let shown = page.find("nats_stream_messages", &[]).len() as f64 - 1.0;
    assert!(shown > 10.0 && shown <= 100.0, "{shown}");
    assert_eq!(left("budget"), Some(270.0 - shown));
    let largest = [("stream", "S299")];
    assert_eq!(page.value("nats_stream_messages", &largest), Some(299.0));
    assert_eq!(
        page.value("nats_stream_messages", &[("stream", "S297")]),
        None
    );
}
