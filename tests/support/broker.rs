//! A broker's monitoring port made of literal bodies, which can go away and come back.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// The broker. It ends with its owner.
pub(crate) struct Broker {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    bodies: Mutex<Vec<(String, String)>>,
    gone: AtomicBool,
    ended: AtomicBool,
    asked: AtomicUsize,
}

impl Broker {
    /// A broker of this name that answers varz, and what else there is as an empty one does.
    pub(crate) fn start(name: &str) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), name)
    }

    /// The same at this address.
    #[allow(dead_code, reason = "for tests of many servers")]
    pub(crate) fn start_at(addr: SocketAddr, name: &str) -> Self {
        let listener = TcpListener::bind(addr).expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            bodies: Mutex::new(bodies(name)),
            gone: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            asked: AtomicUsize::new(0),
        });
        let of_thread = Arc::clone(&shared);
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if of_thread.ended.load(Ordering::SeqCst) {
                    return;
                }
                if !of_thread.gone.load(Ordering::SeqCst) {
                    let of_stream = Arc::clone(&of_thread);
                    std::thread::spawn(move || of_stream.answer(stream));
                }
            }
        });
        Self {
            addr,
            shared,
            accepting: Some(accepting),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Answers requests for this path with this body from now on.
    #[allow(dead_code, reason = "not every test has answers of its own")]
    pub(crate) fn set_body(&self, path: &str, body: &str) {
        let mut bodies = self.shared.bodies.lock().expect("no thread panicked");
        bodies.retain(|(known, _)| known != path);
        bodies.push((path.to_owned(), body.to_owned()));
    }

    /// Closes connections without an answer, or answers again.
    pub(crate) fn set_gone(&self, gone: bool) {
        self.shared.gone.store(gone, Ordering::SeqCst);
    }

    #[allow(dead_code, reason = "for tests of many servers")]
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Puts something into an answer in place of something else.
    #[allow(dead_code, reason = "for tests of many servers")]
    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) {
        let mut bodies = self.shared.bodies.lock().expect("no thread panicked");
        for (known, body) in bodies.iter_mut() {
            if known == path {
                *body = body.replace(from, to);
            }
        }
    }

    /// Requests read so far.
    pub(crate) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.addr);
        if let Some(thread) = self.accepting.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) {
        let mut head = Vec::new();
        let mut chunk = [0; 1024];
        while !head.windows(4).any(|window| window == b"\r\n\r\n") {
            match stream.read(&mut chunk) {
                Ok(read) if read > 0 => head.extend_from_slice(&chunk[..read]),
                _ => return,
            }
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        let head = String::from_utf8_lossy(&head).into_owned();
        let path = head.split([' ', '?']).nth(1).unwrap_or_default();
        let bodies = self.bodies.lock().expect("no thread panicked");
        let body = bodies.iter().find(|(known, _)| known == path);
        let (status, body) = body.map_or(("404 Not Found", ""), |(_, body)| ("200 OK", body));
        let _ = write!(
            stream,
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
    }
}

fn bodies(name: &str) -> Vec<(String, String)> {
    let id = format!("N{name}");
    let varz = format!(
        r#"{{"server_id":"{id}","server_name":"{name}","version":"2.12.8","go":"go1.25.1","host":"0.0.0.0","port":1,
        "max_connections":65536,"start":"2026-11-22T08:00:00Z","now":"2026-11-22T09:00:00Z","mem":12345678,"cores":8,
        "gomaxprocs":4,"cpu":1.5,"connections":3,"total_connections":7,"subscriptions":11,"in_msgs":18446744073709551615,
        "out_msgs":9007199254740993,"in_bytes":100,"out_bytes":200,"slow_consumers":0}}"#
    );
    [
        ("/varz", varz),
        ("/healthz", r#"{"status":"ok"}"#.to_owned()),
        (
            "/debug/vars",
            r#"{"cmdline":["nats-server"],"memstats":{"HeapInuse":4096,"NumGC":3}}"#.to_owned(),
        ),
        (
            "/routez",
            format!(r#"{{"server_id":"{id}","now":"2026-11-22T09:00:00Z","num_routes":0,"routes":[]}}"#),
        ),
        (
            "/gatewayz",
            format!(r#"{{"server_id":"{id}","now":"2026-11-22T09:00:00Z","outbound_gateways":{{}},"inbound_gateways":{{}}}}"#),
        ),
        (
            "/leafz",
            format!(r#"{{"server_id":"{id}","now":"2026-11-22T09:00:00Z","leafnodes":0,"leafs":[]}}"#),
        ),
        (
            "/subsz",
            format!(r#"{{"server_id":"{id}","now":"2026-11-22T09:00:00Z","num_subscriptions":11}}"#),
        ),
        (
            "/connz",
            format!(r#"{{"server_id":"{id}","now":"2026-11-22T09:00:00Z","num_connections":0,"total":0,"offset":0,"limit":1024,"connections":[]}}"#),
        ),
        (
            "/jsz",
            format!(r#"{{"server_id":"{id}","now":"2026-11-22T09:00:00Z","disabled":true}}"#),
        ),
    ]
    .map(|(path, body)| (path.to_owned(), body))
    .to_vec()
}
