//! The load itself, which tests use as well.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

const PONG: &[u8] = b"PONG\r\n";

/// What is to be sent.
pub(crate) struct Ask {
    pub(crate) at: String,
    pub(crate) publishers: u64,
    pub(crate) subjects: u64,
    pub(crate) size: usize,
    /// Messages in one write.
    pub(crate) batch: u64,
    /// Messages a second of all publishers together; 0 is as fast as it goes.
    pub(crate) rate: u64,
    pub(crate) lasts: Duration,
}

/// Sends until its time is over; gives how many messages were sent, and how many arrived.
pub(crate) fn run(ask: Ask) -> Result<(u64, u64)> {
    let ask = Arc::new(ask);
    let until = Instant::now() + ask.lasts;
    let (sent, arrived) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut threads = Vec::new();
    for subject in 0..ask.subjects {
        let mut stream = connect(&ask.at)?;
        stream.write_all(format!("SUB s.{subject} 1\r\nPING\r\n").as_bytes())?;
        let arrived = Arc::clone(&arrived);
        threads.push(thread::spawn(move || {
            drain(stream, until, &mut |stream, text| {
                let heads = memchr::memmem::find_iter(text, b"MSG s.").count();
                arrived.fetch_add(heads as u64, Ordering::Relaxed);
                if is_ping(text) {
                    stream.write_all(PONG)?;
                }
                Ok(())
            })
        }));
    }
    for publisher in 0..ask.publishers {
        let stream = connect(&ask.at)?;
        let reader = stream.try_clone()?;
        // Two threads that write to one stream would write into each other's messages.
        let pinged = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&pinged);
        threads.push(thread::spawn(move || {
            drain(reader, until, &mut |_, text| {
                asked.fetch_or(is_ping(text), Ordering::Relaxed);
                Ok(())
            })
        }));
        let (ask, sent) = (Arc::clone(&ask), Arc::clone(&sent));
        threads.push(thread::spawn(move || {
            publish(stream, &ask, publisher, until, &sent, &pinged)
        }));
    }
    for thread in threads {
        thread.join().map_err(|_| anyhow!("a thread panicked"))??;
    }
    Ok((
        sent.load(Ordering::Relaxed),
        arrived.load(Ordering::Relaxed),
    ))
}

fn connect(at: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(at).with_context(|| format!("connecting to {at}"))?;
    stream.write_all(b"CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"rust\"}\r\n")?;
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    Ok(stream)
}

/// Reads, and hands on what was read. A broker that ends is the end.
fn drain(
    mut stream: TcpStream,
    until: Instant,
    each: &mut dyn FnMut(&mut TcpStream, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut buffer = vec![0; 1 << 18];
    while Instant::now() < until {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(bytes) => each(&mut stream, &buffer[..bytes])?,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

fn is_ping(text: &[u8]) -> bool {
    memchr::memmem::find(text, b"PING\r\n").is_some()
}

fn publish(
    mut stream: TcpStream,
    ask: &Ask,
    publisher: u64,
    until: Instant,
    sent: &AtomicU64,
    pinged: &AtomicBool,
) -> Result<()> {
    let subject = publisher % ask.subjects;
    let message = format!(
        "PUB s.{subject} {}\r\n{}\r\n",
        ask.size,
        "x".repeat(ask.size)
    );
    let batch = message.repeat(usize::try_from(ask.batch)?);
    let begin = Instant::now();
    let mut own = 0_u64;
    while Instant::now() < until {
        if pinged.swap(false, Ordering::Relaxed) && stream.write_all(PONG).is_err() {
            return Ok(());
        }
        if stream.write_all(batch.as_bytes()).is_err() {
            return Ok(());
        }
        own += ask.batch;
        sent.fetch_add(ask.batch, Ordering::Relaxed);
        if let Some(each) = ask
            .rate
            .checked_div(ask.publishers)
            .filter(|each| *each > 0)
        {
            let due = Duration::from_secs_f64(own as f64 / each as f64);
            thread::sleep(due.saturating_sub(begin.elapsed()));
        }
    }
    Ok(())
}
