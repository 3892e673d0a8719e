//! Captures over HTTP, of brokers made of literal bodies: who gets them, what is kept, what each wrong input is told.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop where it stands; the allowance of clippy.toml ends at #[test] functions"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use broker::Broker;
use http::Reply;
use program::{Sidecar, run, until};

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/broker.rs"]
mod broker;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "tests/cli.rs uses all of it")]
#[path = "support/program.rs"]
mod program;

const TOKEN: &str = "s3cret-token";
const PROFILES: &str = "/api/v1/profiles";
const NAME: &str = "n \"1\" é 🚀";
/// Two goroutines, of which one waits for a lock; arguments that must not come out again.
const DUMP: &str = "goroutine 41 [sync.Mutex.Lock, 3 minutes]:\nsync.(*Mutex).lockSlow(0xc000410a4c)\n\tsync/mutex.go:149 +0x15d\n\
    github.com/nats-io/nats-server/v2/server.(*client).deliverMsg(0xc0005ec4e7, {0x1, 0x2})\n\tserver/client.go:3850 +0x1c\n\n\
    goroutine 1 [IO wait]:\nmain.main()\n\tmain.go:1 +0x1\n";

/// A sidecar that watches one broker and keeps captures in a folder of its own.
struct Scene {
    _broker: Broker,
    sidecar: Sidecar,
    folder: TempDir,
}

impl Scene {
    fn start() -> Self {
        Self::with("", "", |_| {})
    }

    /// `server` and `profiles` are more keys of these; `prepare` may change the folder first.
    fn with(server: &str, profiles: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder = TempDir::new().unwrap();
        let broker = Broker::start(&NAME.replace('"', "\\\""));
        broker.set_body("/stacksz", DUMP);
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        std::fs::write(path("token"), TOKEN).unwrap();
        prepare(folder.path());
        let config = format!(
            "servers: [{{url: '{}', pid: off{server}}}]\nexternal_url: https://natsight.example/\n\
             system: {{urls: ['nats://127.0.0.1:1'], user: sys, password: planted-s3cret}}\n\
             profiles: {{token_file: {}, dir: {}{profiles}}}\n",
            broker.url(),
            path("token"),
            path("captures")
        );
        std::fs::write(path("natsight.yml"), config).unwrap();
        let sidecar = Sidecar::start(&["--config", &path("natsight.yml")]);
        until("the server has its name", || {
            let servers = http::get(sidecar.public, "/api/v1/servers", &[]).json();
            servers[0]["server_name"] == NAME
        });
        Self {
            _broker: broker,
            sidecar,
            folder,
        }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Reply {
        let token = format!("Bearer {TOKEN}");
        let headers = [
            ("Authorization", token.as_str()),
            ("Content-Type", "application/json"),
        ];
        http::ask(self.sidecar.admin, method, path, &headers, body)
    }

    fn start_capture(&self, ask: &Value) -> String {
        let begun = self.ask("POST", PROFILES, &ask.to_string());
        assert_eq!(begun.status, 202, "{}", begun.text());
        begun.json()["id"].as_str().unwrap().to_owned()
    }

    /// Waits until it has ended.
    fn ended(&self, id: &str) -> Value {
        let mut facts = Value::Null;
        until("the capture has ended", || {
            facts = self.ask("GET", &format!("{PROFILES}/{id}"), "").json();
            facts["state"] != "running"
        });
        facts
    }
}

#[test]
fn a_capture_is_taken_kept_and_given_in_every_form() {
    let scene = Scene::start();
    let id =
        scene.start_capture(&json!({"kind": "goroutine", "locks": true, "reason": "try \"this\""}));
    let facts = scene.ended(&id);
    assert_eq!(facts["state"], "done", "{facts}");
    assert_eq!(
        (&facts["server_name"], &facts["kind"]),
        (&NAME.into(), &"goroutine".into())
    );
    let lock = &facts["findings"]["locks"]["locks"][0];
    assert_eq!(
        lock["name"],
        "the outbound lock of one connection, at message delivery"
    );
    assert_eq!(lock["deadlock_suspected"], true);
    assert_eq!(facts["findings"]["verdict"]["cause"], "lock");
    for form in facts["forms"].as_array().unwrap() {
        let form = form.as_str().unwrap();
        let found = scene.ask("GET", &format!("{PROFILES}/{id}/{form}"), "");
        assert_eq!(found.status, 200, "{form}");
        assert!(
            found.header("content-security-policy").contains("sandbox"),
            "{form}"
        );
        assert_eq!(found.header("x-content-type-options"), "nosniff");
        let mut text = found.body.clone();
        if form == "pb.gz" {
            text.clear();
            GzDecoder::new(&found.body[..])
                .read_to_end(&mut text)
                .unwrap();
        }
        let text = String::from_utf8_lossy(&text);
        assert!(text.contains("deliverMsg"), "{form}: {text}");
        assert!(
            !text.contains("5ec4e7") && !text.contains("410a4c"),
            "{form}: {text}"
        );
    }
    // A file of the captures' folder is nobody else's to read.
    use std::os::unix::fs::PermissionsExt;
    let kept = scene.folder.path().join("captures");
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let page = http::get(scene.sidecar.public, "/metrics", &[]).text();
    assert!(
        page.contains("natsight_profile_captures_total{kind=\"goroutine\",result=\"success\"}")
    );
}

#[test]
fn a_link_holds_without_a_token_and_for_one_form_alone() {
    let scene = Scene::start();
    let id = scene.start_capture(&json!({"kind": "goroutine"}));
    scene.ended(&id);
    let linked = scene.ask("POST", &format!("{PROFILES}/{id}/svg/link"), "");
    let url = linked.json()["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix("https://natsight.example").unwrap();
    let open = |path: &str| http::get(scene.sidecar.admin, path, &[]).status;
    assert_eq!(open(path), 200);
    assert_eq!(open(&path.replace("/svg?", "/pb.gz?")), 403);
    assert_eq!(open(&path.replace("expires=1", "expires=2")), 403);
    assert_eq!(open(&format!("{PROFILES}/{id}/svg")), 403);
    let posted = http::ask(
        scene.sidecar.admin,
        "POST",
        path,
        &[("Content-Type", "application/json")],
        "",
    );
    assert_eq!(posted.status, 403);
    let long = scene.ask(
        "POST",
        &format!("{PROFILES}/{id}/svg/link?seconds=604801"),
        "",
    );
    assert!(long.error().contains("604800"), "{}", long.error());
}

/// Method, path, body; status, and a part of the sentence.
type Wrong<'a> = (&'a str, &'a str, &'a str, u16, &'a str);

#[rustfmt::skip]
fn wrong_requests<'a>(unknown: &'a str, form: &'a str) -> Vec<Wrong<'a>> {
    vec![
        ("POST", PROFILES, "", 400, "JSON"),
        ("POST", PROFILES, "[1]", 400, "JSON"),
        (
            "POST",
            PROFILES,
            r#"{"kind": "cpus"}"#,
            400,
            "\"cpus\"; it must be one of cpu, heap",
        ),
        (
            "POST",
            PROFILES,
            r#"{"kind": "cpu", "seconds": 61}"#,
            400,
            "61; it must be 1 to 60",
        ),
        (
            "POST",
            PROFILES,
            r#"{"kind": "cpu", "seconds": 1e999}"#,
            400,
            "out of range",
        ),
        (
            "POST",
            PROFILES,
            r#"{"kind": "cpu", "rate": 1000}"#,
            400,
            "1000; it must be 1 to 999",
        ),
        (
            "POST",
            PROFILES,
            r#"{"kind": "cpu", "pid": 1}"#,
            400,
            "unknown field `pid`",
        ),
        (
            "POST",
            PROFILES,
            r#"{"kind": "cpu", "engine": "gdb"}"#,
            400,
            "auto or one of native",
        ),
        (
            "POST",
            PROFILES,
            r#"{"kind": "cpu", "server_name": "x"}"#,
            400,
            "/api/v1/servers",
        ),
        ("GET", unknown, "", 404, "there is no capture"),
        ("GET", form, "", 404, "there is no capture"),
        (
            "GET",
            "/api/v1/profiles/..%2f..%2fetc/svg",
            "",
            404,
            "there is no capture",
        ),
        ("DELETE", PROFILES, "", 405, "use POST or GET"),
        (
            "POST",
            "/api/v1/alerts",
            r#"{"version": "3", "alerts": []}"#,
            400,
            "version 4",
        ),
    ]
}

#[test]
fn what_is_wrong_gets_one_sentence() {
    let scene = Scene::start();
    let none = "0".repeat(32);
    let (unknown, form) = (
        format!("{PROFILES}/{none}"),
        format!("{PROFILES}/{none}/svg"),
    );
    for (method, path, body, status, words) in wrong_requests(&unknown, &form) {
        let found = scene.ask(method, path, body);
        assert_eq!(
            found.status,
            status,
            "{method} {path} {body}: {}",
            found.text()
        );
        assert!(found.error().contains(words), "{}", found.error());
    }
    let large = format!(
        r#"{{"kind": "cpu", "reason": "{}"}}"#,
        "x".repeat(300 << 10)
    );
    assert_eq!(scene.ask("POST", PROFILES, &large).status, 400);
    let plain = http::ask(
        scene.sidecar.admin,
        "POST",
        PROFILES,
        &[("Authorization", "Bearer s3cret-token")],
        r#"{"kind": "cpu"}"#,
    );
    assert_eq!(plain.status, 415);
}

#[test]
fn one_capture_of_a_server_runs_at_a_time() {
    let silent = Port::start(Answer::Nothing);
    let scene = Scene::with(&format!(", profiling_url: '{}'", silent.url()), "", |_| {});
    let id = scene.start_capture(&json!({"kind": "heap", "engine": "port"}));
    let second = scene.ask("POST", PROFILES, r#"{"kind": "goroutine"}"#);
    assert_eq!(second.status, 429, "{}", second.text());
    assert!(second.error().contains(&id), "{}", second.error());
    assert_eq!(second.header("retry-after"), "10");
    let list = scene.ask("GET", PROFILES, "").json();
    assert_eq!(
        (&list[0]["id"], &list[0]["state"]),
        (&id.into(), &"running".into())
    );
    // Its end does not wait for the port.
    let mut sidecar = scene.sidecar;
    sidecar.signal("TERM");
    let (status, took, _) = sidecar.ended();
    assert!(status.success() && took.as_secs() < 5, "{status} {took:?}");
}

#[test]
fn a_folder_that_cannot_be_written_fails_the_capture_and_nothing_else() {
    let scene = Scene::with("", "", |folder| {
        std::fs::write(folder.join("captures"), "a file, not a folder").unwrap();
    });
    let id = scene.start_capture(&json!({"kind": "goroutine"}));
    let facts = scene.ended(&id);
    assert_eq!(facts["state"], "failed");
    let error = facts["error"].as_str().unwrap();
    assert!(
        error.contains("profiles.dir") && error.contains("captures"),
        "{error}"
    );
    assert_eq!(
        http::get(scene.sidecar.public, "/-/healthy", &[]).status,
        200
    );
    until("the failure is counted", || {
        let page = http::get(scene.sidecar.public, "/metrics", &[]).text();
        page.contains("natsight_profile_captures_total{kind=\"goroutine\",result=\"not_kept\"} 1")
    });
}

/// What stands in Pyroscope's place: requests with their bodies, answered with the status of the moment.
struct Pyroscope {
    url: String,
    status: Arc<AtomicU16>,
    requests: Receiver<(String, Vec<u8>)>,
}

impl Pyroscope {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!(
            "http://user:planted@{}/base",
            listener.local_addr().unwrap()
        );
        let status = Arc::new(AtomicU16::new(200));
        let (sender, requests) = std::sync::mpsc::channel();
        let answered = Arc::clone(&status);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let Some(request) = request(&mut stream) else {
                    continue;
                };
                let status = answered.load(Ordering::SeqCst);
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                if sender.send(request).is_err() {
                    return;
                }
            }
        });
        Self {
            url,
            status,
            requests,
        }
    }
}

/// Head and body of a request that says how long it is.
fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).ok().filter(|read| *read > 0)?;
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    })?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

#[test]
fn a_capture_goes_to_pyroscope_as_well_and_what_does_not_get_there_is_counted() {
    let pyroscope = Pyroscope::start();
    let profiles = format!(", pyroscope_url: '{}'", pyroscope.url);
    let scene = Scene::with("", &profiles, |_| {});
    let id = scene.start_capture(&json!({"kind": "goroutine"}));
    let facts = scene.ended(&id);
    let (head, body) = pyroscope
        .requests
        .recv_timeout(Duration::from_secs(30))
        .unwrap();
    let from = facts["taken_timestamp_seconds"].as_f64().unwrap();
    let line = format!(
        "POST /base/ingest?name=nats-server%7Bserver_name%3Dn%20%221%22%20%C3%A9%20%F0%9F%9A%80%7D&from={from:.0}&until="
    );
    assert!(head.starts_with(&line), "{head}");
    assert!(
        head.contains("&format=pprof&spyName=natsight HTTP/1.1"),
        "{head}"
    );
    assert!(
        head.contains("authorization: Basic dXNlcjpwbGFudGVk"),
        "{head}"
    );
    assert_eq!(
        body,
        scene.ask("GET", &format!("{PROFILES}/{id}/pb.gz"), "").body
    );
    let counted = |result: &str| {
        let page = http::get(scene.sidecar.public, "/metrics", &[]).text();
        page.contains(&format!(
            "natsight_profile_pushes_total{{result=\"{result}\"}} 1"
        ))
    };
    until("the push is counted", || counted("success"));

    pyroscope.status.store(422, Ordering::SeqCst);
    let id = scene.start_capture(&json!({"kind": "goroutine"}));
    assert_eq!(scene.ended(&id)["state"], "done");
    until("the refusal is counted", || counted("status"));
    let said = scene
        .sidecar
        .wait_for(&["did not take a capture", "status 422"]);
    assert!(!said.contains("planted@"), "{said}");
}

#[test]
fn its_own_profile_is_for_the_token_and_for_those_who_built_it_in() {
    let scene = Scene::start();
    let path = "/debug/pprof/profile?seconds=1&rate=499&form=folded";
    assert_eq!(http::get(scene.sidecar.admin, path, &[]).status, 403);
    let found = scene.ask("GET", path, "");
    if cfg!(feature = "self-profile") {
        assert_eq!(found.status, 200, "{}", found.text());
        for (query, words) in [
            ("seconds=0", "0; it must be 1 to 60"),
            ("rate=1000", "1000; it must be 1 to 999"),
            ("seconds=x", "seconds"),
        ] {
            let wrong = scene.ask("GET", &format!("/debug/pprof/profile?{query}"), "");
            assert_eq!(wrong.status, 400, "{query}");
            assert!(wrong.error().contains(words), "{}", wrong.error());
        }
        let form = scene.ask("GET", "/debug/pprof/profile?form=png", "");
        assert_eq!(form.status, 404);
    } else {
        assert_eq!(found.status, 501);
        assert!(
            found.error().contains("--features self-profile"),
            "{}",
            found.error()
        );
    }
}

#[test]
fn alerts_begin_bundles_without_secrets_once() {
    let scene = Scene::start();
    let hook = json!({"version": "4", "receiver": "natsight", "alerts": [
        {"status": "firing", "labels": {"alertname": "Hot", "server_name": NAME}},
        {"status": "firing", "labels": {"alertname": "Hot", "server_name": NAME}},
        {"status": "firing", "labels": {"alertname": "Cold", "server_name": "../x"}},
        {"status": "firing", "labels": {"alertname": "Bare"}},
        {"status": "resolved", "labels": {"alertname": "Past", "server_name": NAME}},
    ]});
    let told = scene
        .ask("POST", "/api/v1/alerts", &hook.to_string())
        .json();
    let told = told["alerts"].as_array().unwrap();
    assert_eq!(told.len(), 4, "{told:?}");
    let why = |at: usize| told[at]["passed_over"].as_str().unwrap().to_owned();
    assert!(why(1).contains("10 minutes") && why(2).contains("no server that natsight watches"));
    assert!(why(3).contains("server_name"));
    let id = told[0]["id"].as_str().unwrap();
    let facts = scene.ended(id);
    assert_eq!(
        (&facts["state"], &facts["reason"]),
        (&"done".into(), &"alert Hot".into()),
        "{facts}"
    );
    let found = scene.ask("GET", &format!("{PROFILES}/{id}/tar.gz"), "");
    let mut archive = tar::Archive::new(GzDecoder::new(&found.body[..]));
    let mut names = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        names.push(entry.path().unwrap().to_string_lossy().into_owned());
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if names.last().unwrap().ends_with(".gz") {
            let mut unpacked = Vec::new();
            GzDecoder::new(&bytes[..])
                .read_to_end(&mut unpacked)
                .unwrap();
            bytes = unpacked;
        }
        let text = String::from_utf8_lossy(&bytes);
        for planted in ["planted-s3cret", TOKEN, "5ec4e7", "410a4c"] {
            assert!(
                !text.contains(planted),
                "{} holds {planted}",
                names.last().unwrap()
            );
        }
    }
    for wanted in [
        "facts.json",
        "goroutine.pb.gz",
        "findings.json",
        "summary.txt",
    ] {
        assert!(
            names.iter().any(|name| name == wanted),
            "{wanted}: {names:?}"
        );
    }
    assert!(
        names.iter().any(|name| name.starts_with("metrics/")),
        "{names:?}"
    );
}

#[test]
fn a_broker_whose_size_is_not_known_or_large_is_not_dumped() {
    let broker = Broker::start("n1");
    broker.set_body("/stacksz", DUMP);
    let folder = TempDir::new().unwrap();
    let output = folder
        .path()
        .join("x.folded")
        .to_string_lossy()
        .into_owned();
    let url = broker.url();
    let profile = |more: &[&str]| {
        let args = ["profile", "goroutine", &url, "-o", &output];
        run(&[&args[..], more].concat(), &[])
    };
    for (varz, words) in [
        ("<html>", "varz cannot be read"),
        (r#"{"connections": 20000}"#, "about 40150 goroutines"),
    ] {
        broker.set_body("/varz", varz);
        let refused = profile(&[]);
        assert_eq!(refused.code, 2, "{}", refused.err);
        assert!(refused.err.contains(words), "{}", refused.err);
        assert_eq!(profile(&["--large"]).code, 0);
    }
}

/// A profiling port that answers everything in one way.
struct Port {
    address: SocketAddr,
}

enum Answer {
    Nothing,
    Bytes(Vec<u8>),
    /// Announces so many bytes.
    Announced(u64),
}

impl Port {
    /// Serves as long as the process lives.
    fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head);
                let length = match &answer {
                    Answer::Nothing => {
                        held.push(stream);
                        continue;
                    }
                    Answer::Bytes(bytes) => bytes.len() as u64,
                    Answer::Announced(length) => *length,
                };
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                let _ = stream.write_all(head.as_bytes());
                if let Answer::Bytes(bytes) = &answer {
                    let _ = stream.write_all(bytes);
                }
            }
        });
        Self { address }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn hostile_profiles_are_refused_in_one_sentence() {
    let recorded = include_bytes!("fixtures/2.15.1/single/pprof/heap.pb.gz");
    let many = [0x12, 0x00].repeat(600_000);
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("x.svg").to_string_lossy().into_owned();
    for (answer, words) in [
        (Answer::Bytes(b"<html>".to_vec()), "what is no profile"),
        (
            Answer::Bytes(gzipped(&vec![0; 64 << 20])),
            "larger than 32 MiB after unpacking",
        ),
        (Answer::Bytes(gzipped(&many)), "more than 524288 samples"),
        (
            Answer::Bytes(recorded[..recorded.len() / 2].to_vec()),
            "cannot be unpacked",
        ),
        (Answer::Announced(40 << 20), "more than 33554432 bytes"),
        (Answer::Bytes(Vec::new()), "names no type of value"),
    ] {
        let port = Port::start(answer);
        let url = port.url();
        let ended = run(
            &["profile", "heap", "--profiling-url", &url, "-o", &output],
            &[],
        );
        assert_eq!(ended.code, 2, "{words}: {}", ended.err);
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
        assert!(!Path::new(&output).exists());
    }
    let port = Port::start(Answer::Bytes(recorded.to_vec()));
    let url = port.url();
    let ended = run(
        &["profile", "heap", "--profiling-url", &url, "-o", &output],
        &[],
    );
    assert_eq!(ended.code, 0, "{}", ended.err);
    let full = run(
        &[
            "profile",
            "heap",
            "--profiling-url",
            &url,
            "-o",
            "/dev/full/x.svg",
        ],
        &[],
    );
    assert_eq!(full.code, 2);
    assert!(
        full.err.contains("/dev/full/x.svg cannot be written"),
        "{}",
        full.err
    );
}
