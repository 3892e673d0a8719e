//! Accepts connections: bounded in number, in the time a handshake and a request may take to arrive and an answer to leave.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower_service::Service;

use super::paced::{Paced, Requests};
use super::rights::{Guard, Rights};
use super::tls::{self, Tls};
use crate::selfmon::SelfMonitor;

/// Connections open at once; more are closed as they come, and counted.
const CONNECTIONS_MAX: usize = 512;
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
        let socket = TcpListener::bind(addresses).await?;
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
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                _ = stop.changed() => break,
                Some(_) = connections.join_next() => {}
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) => match Arc::clone(&permits).try_acquire_owned() {
                        Ok(permit) => {
                            let talk = Talk { routes: routes.clone(), rights: guard.watched(), stop: stop.clone() };
                            connections.spawn(self.connection(stream, talk, permit));
                        }
                        Err(_) => self.monitor.connections_refused.with_label_values(&[self.name]).inc(),
                    },
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
        permit: OwnedSemaphorePermit,
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
                        shaken = tls::accept(&tls, stream) => shaken,
                        // Nothing has been asked yet, so nothing is lost.
                        _ = talk.stop.changed() => Err("closed"),
                    };
                    match shaken {
                        Ok(stream) => talk.serve(stream, Some(tls)).await,
                        Err(reason) => failures.with_label_values(&[name, reason]).inc(),
                    }
                }
            }
            open.dec();
            drop(permit);
        }
    }
}

/// What a connection is served with.
struct Talk {
    routes: Router,
    rights: watch::Receiver<Arc<Rights>>,
    stop: watch::Receiver<()>,
}

impl Talk {
    /// Serves requests until the client goes, is too slow, natsight stops, or the TLS in force is another: what was agreed
    /// with the old one ends with the request under way.
    async fn serve<S>(mut self, stream: S, tls: Option<Tls>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let requests = Requests::default();
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEADERS_MAX)
            .max_buf_size(64 << 10);
        let service = Counting {
            routes: self.routes,
            requests: requests.clone(),
        };
        let stream = TokioIo::new(Paced::new(stream, requests.clone()));
        let mut connection = pin!(http.serve_connection(stream, service));
        let mut first = pin!(tokio::time::sleep(FIRST_MAX));
        let (mut waits, mut ending) = (true, false);
        loop {
            tokio::select! {
                // A client that goes away or is too slow is its own loss; requests are counted by the routes.
                _ = &mut connection => return,
                () = &mut first, if waits => {
                    if requests.count() == 0 {
                        return;
                    }
                    waits = false;
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

/// The routes, with the requests counted as they begin.
struct Counting {
    routes: Router,
    requests: Requests,
}

impl hyper::service::Service<Request<Incoming>> for Counting {
    type Response = Response;
    type Error = Infallible;
    type Future = <Router as Service<Request<Incoming>>>::Future;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.requests.begin();
        // A router is ready always.
        self.routes.clone().call(request)
    }
}

/// Waits for tasks to end, at most `grace`; gives how many did not.
pub async fn drain(tasks: &mut JoinSet<()>, grace: Duration) -> usize {
    let all = async { while tasks.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(grace, all).await;
    tasks.len()
}
