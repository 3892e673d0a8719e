//! A server that misbehaves on purpose: raw TCP, one scripted behaviour for every request until it changes.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What each connection does. A request is read to the end of its headers before an answer is sent.
#[derive(Clone)]
pub(crate) enum Act {
    /// Answers each request with these bytes and keeps the connection.
    Answer(Vec<u8>),
    /// Answers one request, then closes.
    AnswerThenClose(Vec<u8>),
    /// Answers one request, then says nothing more until the other side closes.
    AnswerThenHang(Vec<u8>),
    /// Sends `head`, then one byte in each interval, for ever.
    Drip {
        head: Vec<u8>,
        byte: u8,
        every: Duration,
    },
    /// Sends `head`, then zeros as fast as they are taken, for ever.
    Flood { head: Vec<u8> },
    /// Speaks first, then waits until the other side closes.
    Greet(Vec<u8>),
    /// Speaks first, then closes.
    GreetThenClose(Vec<u8>),
    /// Does this for the first path that begins the request's; 404 for others.
    #[allow(dead_code, reason = "not every test has several endpoints")]
    ByPath(Vec<(&'static str, Act)>),
}

impl Act {
    fn for_path(&self, path: &str) -> Act {
        let Act::ByPath(acts) = self else {
            return self.clone();
        };
        let found = acts.iter().find(|(start, _)| path.starts_with(start));
        let missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        found.map_or_else(|| Act::Answer(missing.to_vec()), |(_, act)| act.clone())
    }
}

/// The server. It ends with its owner.
pub(crate) struct Stub {
    addr: SocketAddr,
    act: Arc<Mutex<Act>>,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
    closed: mpsc::UnboundedReceiver<u64>,
    _tasks: JoinSet<()>,
}

impl Stub {
    /// Listens on a free port of loopback.
    pub(crate) async fn start(act: Act) -> Stub {
        Stub::listen(ANY_PORT, act, None).await
    }

    /// Listens where another stub did, or nobody.
    #[allow(dead_code, reason = "not every test has servers that come back")]
    pub(crate) async fn start_at(
        addr: SocketAddr,
        act: Act,
        tls: Option<rustls::ServerConfig>,
    ) -> Stub {
        let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        Stub::listen(addr, act, tls).await
    }

    /// The same behind TLS.
    pub(crate) async fn start_tls(act: Act, config: rustls::ServerConfig) -> Stub {
        let tls = TlsAcceptor::from(Arc::new(config));
        Stub::listen(ANY_PORT, act, Some(tls)).await
    }

    async fn listen(addr: SocketAddr, act: Act, tls: Option<TlsAcceptor>) -> Stub {
        let listener = loop {
            match TcpListener::bind(addr).await {
                Ok(listener) => break listener,
                // The stub before this one is about to go.
                Err(error) if error.kind() == ErrorKind::AddrInUse => {
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("{error}"),
            }
        };
        let act = Arc::new(Mutex::new(act));
        let shared = act.clone();
        let addr = listener.local_addr().unwrap();
        let (connections, requests) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(Mutex::new(Vec::new())),
        );
        let (ended, closed) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let (counted, log) = (connections.clone(), requests.clone());
        tasks.spawn(async move {
            let mut running = JoinSet::new();
            while let Ok((tcp, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let (act, tls, log, ended) =
                    (shared.clone(), tls.clone(), log.clone(), ended.clone());
                running.spawn(async move {
                    let mut written = 0;
                    let _ = match tls {
                        None => play(&act, tcp, &log, &mut written).await,
                        Some(tls) => match tls.accept(tcp).await {
                            Ok(stream) => play(&act, stream, &log, &mut written).await,
                            Err(error) => Err(error),
                        },
                    };
                    let _ = ended.send(written);
                });
            }
        });
        Stub {
            addr,
            act,
            connections,
            requests,
            closed,
            _tasks: tasks,
        }
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From the next request on it does this.
    #[allow(dead_code, reason = "not every test changes its mind")]
    pub(crate) fn change(&self, act: Act) {
        *self.act.lock().unwrap() = act;
    }

    /// Connections accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Heads of the requests read so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits for a connection to end; how many bytes it took.
    pub(crate) async fn closed(&mut self) -> u64 {
        self.closed.recv().await.unwrap()
    }
}

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

async fn play<S>(
    act: &Mutex<Act>,
    mut stream: S,
    log: &Mutex<Vec<String>>,
    written: &mut u64,
) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let first = act.lock().unwrap().clone();
    if let Act::Greet(bytes) | Act::GreetThenClose(bytes) = &first {
        stream.write_all(bytes).await?;
        if matches!(first, Act::Greet(_)) {
            return until_closed(&mut stream).await;
        }
        return stream.shutdown().await;
    }
    while let Some(head) = request(&mut stream).await? {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let act = act.lock().unwrap().for_path(path);
        log.lock().unwrap().push(head);
        match &act {
            Act::Answer(bytes) => stream.write_all(bytes).await?,
            Act::AnswerThenClose(bytes) => {
                stream.write_all(bytes).await?;
                return stream.shutdown().await;
            }
            Act::AnswerThenHang(bytes) => {
                stream.write_all(bytes).await?;
                stream.flush().await?;
                return until_closed(&mut stream).await;
            }
            Act::Drip { head, byte, every } => {
                stream.write_all(head).await?;
                loop {
                    stream.write_all(&[*byte]).await?;
                    stream.flush().await?;
                    *written += 1;
                    tokio::time::sleep(*every).await;
                }
            }
            Act::Flood { head } => {
                stream.write_all(head).await?;
                loop {
                    *written += stream.write(&[0; 65536]).await? as u64;
                }
            }
            Act::Greet(_) | Act::GreetThenClose(_) | Act::ByPath(_) => {
                unreachable!("played or chosen above")
            }
        }
        stream.flush().await?;
    }
    Ok(())
}

/// The head of a request, or nothing if the other side closed.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(String::from_utf8(head).unwrap()))
}

async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<()> {
    let mut waste = [0; 4096];
    while stream.read(&mut waste).await? > 0 {}
    Ok(())
}
