//! A plain HTTP client over a socket: one request, one answer, bytes as they came.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait of a test for bytes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A header's value; empty without the header.
    pub(crate) fn header(&self, name: &str) -> &str {
        let wanted = format!("{}:", name.to_ascii_lowercase());
        let found = self
            .head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with(&wanted));
        found.map_or("", |line| line[wanted.len()..].trim())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("the body is text")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    /// The sentence of a refusal, which is all that its body has.
    pub(crate) fn error(&self) -> String {
        let body = self.json();
        let object = body.as_object().expect("a refusal is an object");
        assert_eq!(object.len(), 1, "{body}");
        object["error"].as_str().expect("a sentence").to_owned()
    }
}

/// Asks on a connection of its own.
pub(crate) fn ask(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("host"))
    {
        request += &format!("Host: {addr}\r\n");
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    raw(addr, request.as_bytes())
}

/// GET.
pub(crate) fn get(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Reply {
    ask(addr, "GET", path, headers, "")
}

/// Sends these bytes and reads until the other side closes.
pub(crate) fn raw(addr: SocketAddr, request: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream.write_all(request).expect("it reads");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("it answers in time");
    reply(&bytes)
}

/// Takes an answer apart.
pub(crate) fn reply(bytes: &[u8]) -> Reply {
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(bytes)));
    let head = String::from_utf8(bytes[..end].to_vec()).expect("the head is text");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Reply {
        status: status.expect("a status"),
        head,
        body: bytes[end + 4..].to_vec(),
    }
}
