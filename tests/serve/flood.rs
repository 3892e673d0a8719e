//! Ten thousand clients that connect to the binary and say nothing.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use natsight::expose::reader::{self, Format};

use super::broker::Broker;
use super::http::{PATIENCE, get};
use super::program::{Sidecar, until};

const CLIENTS: usize = 10_000;
/// File descriptors for everything else in this process.
const OTHER_FILES: usize = 500;
/// Most connects, so that ports do not run out.
const CONNECTS_MAX: usize = 14_000;

/// Who comes so much later waits until this one was put out: as fast as natsight takes them, and a good deal more than it has
/// places, so that the kernel holds some that wait.
const AHEAD: usize = 2000;

/// Longest that a scrape may take meanwhile.
const SCRAPE_MAX: Duration = Duration::from_secs(2);
const MEMORY_MAX_KIB: u64 = 50 << 10;

/// How many clients this process may open: all, or fewer where the system does not allow more, which is said.
fn clients() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("limits");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let words: Vec<&str> = line.expect("a line").split_whitespace().collect();
    let number = |word: &str| word.parse::<usize>().unwrap_or(usize::MAX);
    let (mut soft, hard) = (number(words[3]), number(words[4]));
    let wanted = CLIENTS + OTHER_FILES;
    if soft < wanted && hard > soft {
        let (pid, limit) = (std::process::id(), wanted.min(hard));
        // By the command, because the system call needs `unsafe` in Rust.
        let raised = Command::new("prlimit")
            .args([
                "--pid",
                &pid.to_string(),
                &format!("--nofile={limit}:{hard}"),
            ])
            .status();
        if raised.is_ok_and(|status| status.success()) {
            soft = limit;
        }
    }
    if soft < wanted {
        let fewer = soft.saturating_sub(OTHER_FILES);
        assert!(fewer > 600, "{soft} open files are too few for this test");
        eprintln!(
            "only {fewer} silent clients instead of {CLIENTS}: the limit of open files is {soft}"
        );
        return fewer;
    }
    CLIENTS
}

/// Clients that keep coming until it is dropped.
struct Flood {
    opened: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    fn start(addr: SocketAddr, clients: usize) -> Self {
        let (opened, ends) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (counted, ended) = (Arc::clone(&opened), Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            let mut open = VecDeque::new();
            while !ended.load(Ordering::SeqCst) && counted.load(Ordering::SeqCst) < CONNECTS_MAX {
                if open.len() == clients {
                    open.pop_front();
                }
                open.push_back(TcpStream::connect(addr).expect("it listens"));
                if let Some(before) = open.len().checked_sub(AHEAD) {
                    closed(&mut open[before]);
                }
                counted.fetch_add(1, Ordering::SeqCst);
            }
            while !ended.load(Ordering::SeqCst) {
                std::thread::park_timeout(Duration::from_millis(10));
            }
        });
        Self {
            opened,
            ends,
            thread: Some(thread),
        }
    }

    fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.expect("a thread").expect("all connects went well");
        }
    }
}

/// Waits until the other side has closed it.
fn closed(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    match stream.read(&mut [0]) {
        Ok(0) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        other => panic!("it is not closed: {other:?}"),
    }
}

/// Kibibytes of a line of `/proc/PID/status`.
fn memory(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find(|line| line.starts_with(name));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

/// A scrape on a connection that stays open; how long it took.
fn kept_scrape(stream: &mut TcpStream) -> Duration {
    let started = Instant::now();
    stream
        .write_all(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("it is still open");
    let (mut answer, mut some) = (Vec::new(), [0; 1024]);
    while !answer.ends_with(b"alive\n") {
        let read = stream.read(&mut some).expect("an answer");
        assert!(read > 0, "closed before the answer");
        answer.extend_from_slice(&some[..read]);
    }
    started.elapsed()
}

#[test]
fn a_scraper_gets_in_while_ten_thousand_clients_say_nothing() {
    let clients = clients();
    let broker = Broker::start("n1");
    let sidecar = Sidecar::start(&[&broker.url(), "--probes-connect", "0"]);
    until("ready", || {
        get(sidecar.public, "/-/ready", &[]).status == 200
    });
    let mut kept = TcpStream::connect(sidecar.public).expect("it listens");
    kept_scrape(&mut kept);

    let flood = Flood::start(sidecar.public, clients);
    let (mut slowest, mut scrapes, mut after) = (Duration::ZERO, 0, 0);
    while after < 20 {
        let started = Instant::now();
        let reply = get(sidecar.public, "/metrics", &[]);
        let took = started.elapsed();
        assert_eq!(reply.status, 200);
        let page = reader::read(&reply.body, Format::Text004).expect("a page");
        assert_eq!(page.value("nats_up", &[]), Some(1.0));
        slowest = slowest.max(took).max(kept_scrape(&mut kept));
        scrapes += 1;
        after += usize::from(flood.opened() >= clients);
    }
    assert!(slowest < SCRAPE_MAX, "a scrape took {slowest:?}");

    until("counted", || {
        let page = get(sidecar.public, "/metrics", &[]).body;
        let page = reader::read(&page, Format::Text004).expect("a page");
        let count = |reason| {
            let labels = [("listener", "public"), ("reason", reason)];
            page.value("natsight_http_connections_refused_total", &labels)
        };
        assert_eq!((count("busy"), count("idle")), (Some(0.0), Some(0.0)));
        let open = page.value("natsight_http_connections", &[("listener", "public")]);
        assert!(open.is_none_or(|open| open <= 580.0), "{open:?} are open");
        // Some were put out because they said nothing for ten seconds.
        count("silent") > Some(clients as f64 / 2.0)
    });
    let peak = memory(sidecar.pid(), "VmHWM:");
    assert!(peak < MEMORY_MAX_KIB, "{peak} KiB");
    eprintln!(
        "{} silent clients: {scrapes} scrapes, the slowest {slowest:?}; {peak} KiB at most",
        flood.opened()
    );
}
