//! Ports for servers that must be told theirs before they start.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

/// Below the range that Linux gives to outgoing connections (32768 and up): a port from there could be
/// taken by somebody's client before our server binds it, or while our broker is down.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;
static NEXT: AtomicU16 = AtomicU16::new(0);

pub(crate) fn free() -> Result<u16> {
    let own_start = u16::try_from(std::process::id() % u32::from(COUNT))?;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (own_start + step) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port from {FIRST} on")
}
