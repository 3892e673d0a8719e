//! The smallest HTTP client that tests need.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(5);

/// The body of a 200. HTTP/1.0, so that the server neither chunks nor keeps the connection.
pub(crate) fn get(port: u16, path: &str) -> Result<String> {
    get_at(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), path)
}

/// The same from another address of loopback.
pub(crate) fn get_at(address: SocketAddr, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)
        .with_context(|| format!("connecting to {address}"))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    read.with_context(|| format!("reading http://{address}{path}"))?;
    let answer = String::from_utf8(answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("an answer without a body")?;
    let status = head
        .split(' ')
        .nth(1)
        .context("an answer without a status")?;
    ensure!(
        status == "200",
        "http://{address}{path}: status {status}, {body}"
    );
    Ok(body.to_owned())
}

pub(crate) fn get_json(port: u16, path: &str) -> Result<Value> {
    get_json_at(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), path)
}

pub(crate) fn get_json_at(address: SocketAddr, path: &str) -> Result<Value> {
    serde_json::from_str(&get_at(address, path)?).with_context(|| format!("{path} is no JSON"))
}

/// Text made fit for a query string.
pub(crate) fn escape(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
