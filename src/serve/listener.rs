//! Accepts connections: bounded in number, in the time a handshake and a request may take to arrive and an answer to leave.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower_service::Service;

use super::paced::Paced;
use super::places::{Answer, End, Place, Places};
use super::rights::{Guard, Rights};
use super::tls::{self, Tls};
use crate::selfmon::SelfMonitor;

/// Connections open at once; for one more, another makes room that is not being answered, or it is closed. Both are counted.
const CONNECTIONS_MAX: usize = 512;
/// Connections that were told to make room and have not ended yet; then the next one waits.
const LEAVING_MAX: usize = 64;
/// Connections that the kernel holds until they are accepted, if it allows so many. One that finds no room there is tried
/// again by its client after a second, which a scraper should not have to wait when many connect at once.
const WAITING_MAX: u32 = 4096;
/// Time for the headers of the first request, from the end of the handshake. Who connects and says nothing takes a place.
const FIRST_MAX: Duration = Duration::from_secs(10);
/// Time for the headers of each later request, the pause before it included: scrapers come once a minute or sooner.
const HEADERS_MAX: Duration = Duration::from_secs(60);
/// Pause after an accept that failed for want of resources, such as file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound listener.
pub struct Listener {
    socket: TcpListener,
    name: &'static str,
    monitor: SelfMonitor,
}

impl Listener {
    /// Binds the first of `addresses` that can be bound.
    ///
    /// # Errors
    /// The last address's error when none can be bound.
    pub async fn bind(
        name: &'static str,
        addresses: &[SocketAddr],
        monitor: SelfMonitor,
    ) -> io::Result<Self> {
        let mut socket = Err(io::ErrorKind::InvalidInput.into());
        for address in addresses {
            socket = listen(*address);
            if socket.is_ok() {
                break;
            }
        }
        let socket = socket?;
        Ok(Self {
            socket,
            name,
            monitor,
        })
    }

    /// The address that was bound.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `stop` changes, then lets requests under way end. TLS is that of `guard`.
    pub async fn run(self, routes: Router, guard: Guard, mut stop: watch::Receiver<()>) {
        let mut places = Places::new(CONNECTIONS_MAX);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                _ = stop.changed() => break,
                Some(_) = connections.join_next() => {}
                accepted = self.socket.accept(), if connections.len() < CONNECTIONS_MAX + LEAVING_MAX => match accepted {
                    Ok((stream, _)) => {
                        let (place, left) = match places.enter() {
                            Ok((place, left)) => (Some(place), left),
                            Err(reason) => (None, Some(reason)),
                        };
                        if let Some(reason) = left {
                            let labels = [self.name, reason.word()];
                            self.monitor.connections_refused.with_label_values(&labels).inc();
                        }
                        if let Some(place) = place {
                            let talk = Talk { routes: routes.clone(), rights: guard.watched(), stop: stop.clone(), place };
                            connections.spawn(self.connection(stream, talk));
                        }
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
            }
        }
        drop(self.socket);
        while connections.join_next().await.is_some() {}
    }

    fn connection(
        &self,
        stream: TcpStream,
        mut talk: Talk,
    ) -> impl Future<Output = ()> + Send + 'static {
        let open = self.monitor.connections.with_label_values(&[self.name]);
        let (failures, name) = (self.monitor.tls_failures.clone(), self.name);
        // A page is written in large pieces; waiting to fill packets would only delay the last one.
        let _ = stream.set_nodelay(true);
        open.inc();
        async move {
            let tls = talk.rights.borrow_and_update().tls.clone();
            match tls {
                None => talk.serve(stream, None).await,
                Some(tls) => {
                    let shaken = tokio::select! {
                        shaken = tls::accept(&tls, stream) => shaken.map_err(Some),
                        // Nothing has been asked yet, so nothing is lost.
                        _ = talk.stop.changed() => Err(Some("closed")),
                        // Counted already.
                        () = talk.place.wanted() => Err(None),
                    };
                    match shaken {
                        Ok(stream) => talk.serve(stream, Some(tls)).await,
                        Err(Some(reason)) => failures.with_label_values(&[name, reason]).inc(),
                        Err(None) => {}
                    }
                }
            }
            open.dec();
        }
    }
}

/// As `TcpListener::bind` does it, with room for more who wait.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A start must not wait for connections of the process before to time out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING_MAX)
}

/// What a connection is served with.
struct Talk {
    routes: Router,
    rights: watch::Receiver<Arc<Rights>>,
    stop: watch::Receiver<()>,
    place: Arc<Place>,
}

impl Talk {
    /// Serves requests until the client goes, is too slow, its place is wanted, natsight stops, or the TLS in force is
    /// another: what was agreed with the old one ends with the request under way.
    async fn serve<S>(mut self, stream: S, tls: Option<Tls>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEADERS_MAX)
            .max_buf_size(64 << 10);
        let service = Counting {
            routes: self.routes,
            place: Arc::clone(&self.place),
        };
        let stream = TokioIo::new(Paced::new(stream, Arc::clone(&self.place)));
        let mut connection = pin!(http.serve_connection(stream, service));
        let mut first = pin!(tokio::time::sleep(FIRST_MAX));
        let (mut waits, mut ending) = (true, false);
        loop {
            tokio::select! {
                // A client that goes away or is too slow is its own loss; requests are counted by the routes.
                _ = &mut connection => return,
                () = &mut first, if waits => {
                    if self.place.requests() == 0 {
                        return;
                    }
                    waits = false;
                }
                () = self.place.wanted(), if !ending => {
                    if self.place.requests() == 0 {
                        return;
                    }
                    // What it may have begun to ask meanwhile is answered.
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                _ = self.stop.changed(), if !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                Ok(()) = self.rights.changed(), if !ending => {
                    let now = self.rights.borrow_and_update().tls.clone();
                    if !Tls::same(now.as_ref(), tls.as_ref()) {
                        ending = true;
                        connection.as_mut().graceful_shutdown();
                    }
                }
            }
        }
    }
}

/// The routes, with the place told when requests begin and end.
struct Counting {
    routes: Router,
    place: Arc<Place>,
}

impl hyper::service::Service<Request<Incoming>> for Counting {
    type Response = Response<Answer<Body>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.place.begin();
        let end = End::of(&self.place);
        // A router is ready always.
        let answer = self.routes.clone().call(request);
        Box::pin(async move { Ok(answer.await?.map(|body| Answer::new(body, end))) })
    }
}

/// Waits for tasks to end, at most `grace`; gives how many did not.
pub async fn drain(tasks: &mut JoinSet<()>, grace: Duration) -> usize {
    let all = async { while tasks.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(grace, all).await;
    tasks.len()
}
