//! A text to a value, by the kind of its leaf; or what to write instead.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::leaf::{Kind, Leaf, TEXT_BYTES_MAX};
use super::secret::{Secret, UrlText};
use super::units::{self, show_duration, show_size};
use super::url;

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// Every interface, IPv6 and IPv4.
    Everywhere {
        /// The port; 0 lets the system choose.
        port: u16,
    },
    /// This address only.
    On(SocketAddr),
}

impl Listen {
    /// Addresses to try in turn: the first that can be bound is enough. `[::]` takes IPv4 as well on Linux;
    /// `0.0.0.0` is for machines without IPv6.
    pub fn addresses(self) -> Vec<SocketAddr> {
        match self {
            Self::Everywhere { port } => vec![
                SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
                SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
            ],
            Self::On(address) => vec![address],
        }
    }

    /// Whether both cannot be bound at once.
    pub(super) fn clashes(self, other: Self) -> bool {
        let (a, b) = (self.addresses(), other.addresses());
        // `[::]` takes IPv4 as well.
        let covers = |wide: &SocketAddr, other: &SocketAddr| {
            wide.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
                || (wide.ip() == IpAddr::V4(Ipv4Addr::UNSPECIFIED) && other.is_ipv4())
        };
        let meets = |a: &SocketAddr, b: &SocketAddr| {
            let same = a.ip() == b.ip() || covers(a, b) || covers(b, a);
            same && a.port() == b.port() && a.port() != 0
        };
        a.iter().any(|a| b.iter().any(|b| meets(a, b)))
    }
}

/// Which process is the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pid {
    /// The one that listens on the port.
    Auto,
    /// None.
    Off,
    /// This one.
    Number(u32),
}

/// A value that has been read.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Listen(Option<Listen>),
    Url(UrlText),
    Duration(Duration),
    Size(u64),
    Number(f64),
    Count(u64),
    Switch(bool),
    Word(&'static str),
    Pid(Pid),
    Secret(
        #[allow(
            dead_code,
            reason = "no secret has an effect yet; it is held so that it is checked"
        )]
        Secret,
    ),
}

/// The largest process number that Linux gives.
const PID_MAX: u32 = 1 << 22;
const PATH_BYTES_MAX: usize = 4096;

/// Reads a text, or says what to write. The advice follows "x is y; ".
pub(super) fn read(leaf: &Leaf, text: &str) -> Result<Value, String> {
    let word = text.trim();
    let such_as = |what: &str| format!("write {what} such as {}", leaf.sample());
    match leaf.kind {
        Kind::Text => bounded(text, TEXT_BYTES_MAX).map(Value::Text),
        Kind::Pattern => pattern(leaf, word).map(Value::Text),
        Kind::HostName => match url::is_host_name(word) {
            true => Ok(Value::Text(word.to_owned())),
            false => Err(such_as("a host name, no address,")),
        },
        Kind::Path => bounded(text, PATH_BYTES_MAX).map(Value::Text),
        Kind::Secret => bounded(text, PATH_BYTES_MAX).map(|text| Value::Secret(Secret::new(text))),
        Kind::Listen { off: true } if matches!(word, "" | "off") => Ok(Value::Listen(None)),
        Kind::Listen { .. } => listen(word)
            .map(|listen| Value::Listen(Some(listen)))
            .ok_or_else(|| {
                "write an address and a port such as 127.0.0.1:7777, or :7777 for all interfaces"
                    .to_owned()
            }),
        Kind::Url { schemes, bare } => url::check(word, schemes, bare)
            .map(|()| Value::Url(UrlText::new(word)))
            .map_err(|wrong| format!("{wrong}; {}", such_as("it"))),
        Kind::Duration { min, max, off } => {
            duration(leaf, word, min, max, off).map(Value::Duration)
        }
        Kind::Size { min, max } => match units::size(word) {
            Some(bytes) if (min..=max).contains(&bytes) => Ok(Value::Size(bytes)),
            Some(_) => Err(out_of(leaf, &show_size(min), &show_size(max))),
            None => Err(such_as("a size")),
        },
        Kind::Number { min, max } => match word.parse::<f64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(Value::Number(number)),
            // Infinity and NaN are in no range.
            Ok(_) => Err(out_of(leaf, &min.to_string(), &max.to_string())),
            Err(_) => Err(such_as("a number")),
        },
        Kind::Count { min, max } => match word.parse() {
            Ok(count) if (min..=max).contains(&count) => Ok(Value::Count(count)),
            Err(_) if !is_whole(word) => Err(such_as("a whole number")),
            _ => Err(out_of(leaf, &min.to_string(), &max.to_string())),
        },
        Kind::Switch => match word {
            "true" => Ok(Value::Switch(true)),
            "false" => Ok(Value::Switch(false)),
            _ => Err("write true or false".to_owned()),
        },
        Kind::Word(words) => match words.iter().find(|known| **known == word) {
            Some(known) => Ok(Value::Word(known)),
            None => Err(format!("write one of {}", words.join(", "))),
        },
        Kind::Compat => compat(word),
        Kind::Pid => pid(word),
    }
}

fn out_of(leaf: &Leaf, min: &str, max: &str) -> String {
    format!("it must be {min} to {max}, for example {}", leaf.sample())
}

/// Text of a length that is worth keeping.
fn bounded(text: &str, bytes_max: usize) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("write something, or leave the key out".to_owned());
    }
    if text.contains('\0') {
        return Err("take the zero byte out".to_owned());
    }
    if text.len() > bytes_max {
        return Err(format!(
            "it is {} bytes long; {bytes_max} is the most",
            text.len()
        ));
    }
    Ok(text.to_owned())
}

/// A pattern that some name may match: nats-server refuses these characters in names of streams and consumers.
fn pattern(leaf: &Leaf, word: &str) -> Result<String, String> {
    let never = |c: char| c.is_whitespace() || c.is_control() || ">/\\".contains(c);
    if !word.is_empty() && word.contains(never) {
        return Err(format!(
            "no name of a stream or consumer has blanks, >, / or \\; write one such as {}",
            leaf.sample()
        ));
    }
    bounded(word, TEXT_BYTES_MAX)
}

fn duration(
    leaf: &Leaf,
    word: &str,
    min: Duration,
    max: Duration,
    off: bool,
) -> Result<Duration, String> {
    let Some(span) = units::duration(word) else {
        let unit = if is_whole(word) {
            "with its unit, "
        } else {
            ""
        };
        return Err(format!("write a duration {unit}such as {}", leaf.sample()));
    };
    if (off && span.is_zero()) || (min..=max).contains(&span) {
        return Ok(span);
    }
    let zero = if off { "0 for off, or " } else { "" };
    Err(out_of(
        leaf,
        &format!("{zero}{}", show_duration(min)),
        &show_duration(max),
    ))
}

fn is_whole(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_digit())
}

fn listen(word: &str) -> Option<Listen> {
    if let Ok(address) = word.parse() {
        return Some(Listen::On(address));
    }
    let (host, port) = word.rsplit_once(':')?;
    if !is_whole(port) {
        return None;
    }
    let port = port.parse().ok()?;
    match host {
        "" | "*" => Some(Listen::Everywhere { port }),
        // The one name that needs no resolver.
        "localhost" => Some(Listen::On(SocketAddr::new(
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            port,
        ))),
        _ => None,
    }
}

fn compat(word: &str) -> Result<Value, String> {
    let valid = match word.split_once('=') {
        None => matches!(word, "off" | "exporter" | "surveyor"),
        Some(("exporter", prefix)) => {
            prefix.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && prefix
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_')
        }
        Some(_) => false,
    };
    match valid {
        true => bounded(word, TEXT_BYTES_MAX).map(Value::Text),
        false => Err("write off, exporter, exporter=PREFIX or surveyor".to_owned()),
    }
}

fn pid(word: &str) -> Result<Value, String> {
    match (word, word.parse::<u32>()) {
        ("auto", _) => Ok(Value::Pid(Pid::Auto)),
        ("off", _) => Ok(Value::Pid(Pid::Off)),
        (_, Ok(number)) if is_whole(word) && (1..=PID_MAX).contains(&number) => {
            Ok(Value::Pid(Pid::Number(number)))
        }
        _ => Err(format!(
            "write auto, off or the number of a process (1 to {PID_MAX})"
        )),
    }
}
