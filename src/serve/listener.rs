//! Accepts connections: bounded in number, in the time a request may take to arrive and a write may take to leave.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;

use crate::selfmon::SelfMonitor;

/// Connections open at once; more are closed as they come, and counted.
const CONNECTIONS_MAX: usize = 512;
/// Time for the headers of a request, and for the pause between two requests of one connection.
const HEADERS_MAX: Duration = Duration::from_secs(60);
/// Longest time without progress in writing.
const WRITE_MAX: Duration = Duration::from_secs(10);
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

    /// Serves until `stop` changes, then lets requests under way end.
    pub async fn run(self, routes: Router, mut stop: watch::Receiver<()>) {
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                _ = stop.changed() => break,
                Some(_) = connections.join_next() => {}
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) => match Arc::clone(&permits).try_acquire_owned() {
                        Ok(permit) => {
                            connections.spawn(self.connection(stream, routes.clone(), &graceful, permit));
                        }
                        Err(_) => self.monitor.connections_refused.with_label_values(&[self.name]).inc(),
                    },
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
            }
        }
        drop(self.socket);
        graceful.shutdown().await;
    }

    fn connection(
        &self,
        stream: TcpStream,
        routes: Router,
        graceful: &GracefulShutdown,
        permit: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + Send + 'static {
        let open = self.monitor.connections.with_label_values(&[self.name]);
        // A page is written in large pieces; waiting to fill packets would only delay the last one.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_MAX));
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEADERS_MAX)
            .max_buf_size(64 << 10);
        let connection = http.serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(routes),
        );
        let connection = graceful.watch(connection);
        open.inc();
        async move {
            // A client that goes away or is too slow is its own loss; requests are counted by the routes.
            let _ = connection.await;
            open.dec();
            drop(permit);
        }
    }
}

/// Waits for tasks to end, at most `grace`; gives how many did not.
pub async fn drain(tasks: &mut JoinSet<()>, grace: Duration) -> usize {
    let all = async { while tasks.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(grace, all).await;
    tasks.len()
}
