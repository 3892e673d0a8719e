//! The address of a broker's monitoring port, as the operator wrote it, checked.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use super::excerpt::{excerpt, without_secrets};

/// Port of a target that names none, with `https` too: nats-server's examples use 8222 for both.
pub const PORT_DEFAULT: u16 = 8222;

/// A broker's monitoring port: scheme, host, port, base path, and user info for a proxy in front of it.
///
/// `Display`, `Debug` and every error leave the user info out.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    shown: String,
    host: String,
    port: u16,
    pin: Option<IpAddr>,
}

/// Why a text is not a [`Target`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("broker URL {shown:?} {fault}")]
pub struct TargetError {
    shown: String,
    fault: TargetFault,
}

/// What is wrong with it, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum TargetFault {
    #[error(
        "has a scheme other than http and https; name the monitoring port, as in http://HOST:8222"
    )]
    Scheme,
    #[error("has no host; write it as http://HOST:8222, an IPv6 address in brackets")]
    Host,
    #[error("has port 0; write the broker's monitoring port, as in http://HOST:8222")]
    Port,
    #[error("has a query or fragment (left out here); end it after the port or the base path")]
    Extra,
    #[error("holds a space or a control character; write it as http://HOST:8222")]
    Space,
    #[error("cannot be read ({0}); write it as http://HOST:8222")]
    Unreadable(String),
}

impl Target {
    /// Reads `http://host:8222`, `https://host:8222`, either with a base path, or just `host`, `host:port`.
    ///
    /// Without a scheme it is `http`, without a port it is [`PORT_DEFAULT`]. IPv6 addresses stand in brackets.
    pub fn parse(value: &str) -> Result<Target, TargetError> {
        Self::with_port(value, |_| PORT_DEFAULT)
    }

    /// Reads a URL as [`Target::parse`] does, of what is no broker: without a port it is the scheme's own.
    pub fn parse_web(value: &str) -> Result<Target, TargetError> {
        Self::with_port(value, |scheme| if scheme == "https" { 443 } else { 80 })
    }

    fn with_port(value: &str, default: fn(&str) -> u16) -> Result<Target, TargetError> {
        checked(value.trim(), default).map_err(|fault| TargetError {
            shown: without_secrets(value.trim()),
            fault,
        })
    }

    /// The URL without user info, as it may stand in logs and pages.
    pub fn display(&self) -> &str {
        &self.shown
    }

    /// Host and port, an IPv6 address in brackets.
    pub fn host_port(&self) -> String {
        if self.host.contains(':') {
            return format!("[{}]:{}", self.host, self.port);
        }
        format!("{}:{}", self.host, self.port)
    }

    /// Host name or address, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port, never 0.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the broker must be on this machine: a loopback name or address, or the unspecified address, which the
    /// kernel connects to loopback.
    pub fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(ip) => ip.to_canonical().is_loopback() || ip.is_unspecified(),
            Err(_) => {
                let name = self.host.trim_end_matches('.');
                name == "localhost" || name.ends_with(".localhost")
            }
        }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// Whether it carries a user or a password.
    pub fn has_user_info(&self) -> bool {
        !self.url.username().is_empty() || self.url.password().is_some()
    }

    /// Whether it has a path below which the endpoints stand.
    pub fn has_base_path(&self) -> bool {
        !self.url.path().trim_matches('/').is_empty()
    }

    /// The host as an address, if it is written as one.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// This target at one of its addresses, and shown by that address. The name stays in the request and for TLS.
    pub fn at(&self, ip: IpAddr) -> Self {
        let host = match ip {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        };
        let base = self.url.path().trim_end_matches('/');
        Self {
            url: self.url.clone(),
            shown: format!("{}://{host}:{}{base}", self.url.scheme(), self.port),
            host: ip.to_string(),
            port: self.port,
            pin: Some(ip),
        }
    }

    /// This target, never looked up again: every connection goes to this address.
    pub fn pinned(&self, ip: IpAddr) -> Self {
        Self {
            pin: Some(ip),
            ..self.clone()
        }
    }

    /// The address that every connection goes to, if it was chosen beforehand.
    pub fn pin(&self) -> Option<IpAddr> {
        self.pin
    }

    /// Another host's monitoring port with the scheme and port of this one; user info and base path are this one's own and
    /// go nowhere else. Nothing when the text is no host.
    pub fn sibling(&self, host: &str) -> Option<Self> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let written = match bare.parse::<IpAddr>() {
            Ok(IpAddr::V6(v6)) => format!("[{v6}]"),
            Ok(IpAddr::V4(v4)) => v4.to_string(),
            Err(_) => bare.to_owned(),
        };
        let named = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if written.is_empty() || !(written.starts_with('[') || written.chars().all(named)) {
            return None;
        }
        let url = format!("{}://{written}:{}", self.scheme(), self.port);
        Self::parse(&url).ok()
    }

    pub(super) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The URL of `path_and_query` below the base path. It carries the user info: reqwest moves that to a header.
    pub(super) fn url(&self, path_and_query: &str) -> Url {
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path_and_query, None),
        };
        let base = self.url.path().trim_end_matches('/');
        let mut url = self.url.clone();
        url.set_path(&format!("{base}/{}", path.trim_start_matches('/')));
        url.set_query(query);
        url
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.shown)
    }
}

fn checked(value: &str, default: fn(&str) -> u16) -> Result<Target, TargetFault> {
    if value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(TargetFault::Space);
    }
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https") {
        return Err(TargetFault::Scheme);
    }
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let host_port = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    if host_port.is_empty() || host_port.starts_with(':') {
        return Err(TargetFault::Host);
    }
    let read = |scheme: &str| {
        Url::parse(&format!("{scheme}://{rest}"))
            .map_err(|e| TargetFault::Unreadable(excerpt(e.to_string().as_bytes(), 100)))
    };
    let mut url = read(&scheme)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(TargetFault::Extra);
    }
    // A URL forgets a port that is its scheme's own, and then `http://h:80` looks like `http://h`. The other scheme
    // remembers it.
    let port = read("http")?
        .port()
        .or(read("https")?.port())
        .unwrap_or_else(|| default(&scheme));
    if port == 0 {
        return Err(TargetFault::Port);
    }
    url.set_port(Some(port)).map_err(|()| TargetFault::Port)?;
    let host = url.host_str().unwrap_or_default();
    let base = url.path().trim_end_matches('/');
    let shown = format!("{scheme}://{host}:{port}{base}");
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    Ok(Target {
        url,
        shown,
        host,
        port,
        pin: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted() {
        let check = |value: &str, shown: &str, host_port: &str, host: &str| {
            let target = Target::parse(value).unwrap();
            assert_eq!(
                (target.display(), target.host_port().as_str(), target.host()),
                (shown, host_port, host),
                "{value}"
            );
        };
        check("http://host:8222", "http://host:8222", "host:8222", "host");
        check("host:8222", "http://host:8222", "host:8222", "host");
        check(" host ", "http://host:8222", "host:8222", "host");
        check("http://host", "http://host:8222", "host:8222", "host");
        check("https://host", "https://host:8222", "host:8222", "host");
        check("http://host:80", "http://host:80", "host:80", "host");
        check("https://host:443/", "https://host:443", "host:443", "host");
        check("https://host:80", "https://host:80", "host:80", "host");
        check("HTTP://Host:1/x/", "http://host:1/x", "host:1", "host");
        check(
            "http://[::1]:8222",
            "http://[::1]:8222",
            "[::1]:8222",
            "::1",
        );
        check("[::1]", "http://[::1]:8222", "[::1]:8222", "::1");
        check(
            "http://u:p%40ss@host:8222/x/y",
            "http://host:8222/x/y",
            "host:8222",
            "host",
        );
        check("u:pw@host", "http://host:8222", "host:8222", "host");
    }

    #[test]
    fn what_is_no_broker_has_its_schemes_port() {
        let port = |value: &str| Target::parse_web(value).unwrap().port();
        assert_eq!(port("http://profiles"), 80);
        assert_eq!(port("https://u:p@profiles/base"), 443);
        assert_eq!(port("https://profiles:80"), 80);
        assert_eq!(port("http://profiles:4040/"), 4040);
    }

    #[test]
    fn what_is_refused_and_how() {
        let check = |value: &str, expected: &str| {
            let error = Target::parse(value).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{value}: {error}");
            assert!(
                !format!("{error} {error:?}").contains("pw"),
                "{value}: {error}"
            );
        };
        check(
            "nats://u:pw@h:4222",
            "broker URL \"nats://h:4222\" has a scheme other than http and https; name",
        );
        check(
            "http://h/?a=pw",
            "broker URL \"http://h/\" has a query or fragment",
        );
        check(
            "http://h#pw",
            "broker URL \"http://h\" has a query or fragment",
        );
        check("", "broker URL \"\" has no host; write it as");
        check("http://", "broker URL \"http://\" has no host");
        check("http:///varz", "broker URL \"http:///varz\" has no host");
        check(
            "http://u:pw@:8222",
            "broker URL \"http://:8222\" has no host",
        );
        check(":8222", "broker URL \":8222\" has no host");
        check("http://u:pw@h:0", "broker URL \"http://h:0\" has port 0");
        check(
            "http://u:pw@h:99999",
            "broker URL \"http://h:99999\" cannot be read (invalid port number)",
        );
        check("http://u:pw/x@h", "broker URL \"http://h\" cannot be read");
        check("http://[::1", "broker URL \"http://[::1\" cannot be read");
        check("::1", "broker URL \"::1\" has no host");
        check("http://h 1", "broker URL \"http://h 1\" holds a space");
        check("http://h\n1", "broker URL \"http://h 1\" holds a space");
    }

    #[test]
    fn user_info_is_never_shown() {
        let target = Target::parse("http://user:pw@host:8222/x").unwrap();
        let shown = format!(
            "{target} {target:?} {target:#?} {} {}",
            target.display(),
            target.host_port()
        );
        assert!(!shown.contains("pw") && !shown.contains("user"), "{shown}");
    }

    #[test]
    fn loopback_is_known_by_name_and_by_address() {
        let check = |value: &str, expected: bool| {
            assert_eq!(
                Target::parse(value).unwrap().is_loopback(),
                expected,
                "{value}"
            )
        };
        for here in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            check(here, true);
        }
        check("0.0.0.0", true);
        check("[::]", true);
        for far in ["host", "localhost.example", "10.0.0.1", "[2001:db8::1]"] {
            check(far, false);
        }
    }

    #[test]
    fn an_address_of_a_name_is_shown_and_the_name_is_asked() {
        let target = Target::parse("https://u:pw@nats:8222/x").unwrap();
        let at = target.at("2001:db8::1".parse().unwrap());
        assert_eq!(at.display(), "https://[2001:db8::1]:8222/x");
        assert_eq!(
            (at.host_port().as_str(), at.host()),
            ("[2001:db8::1]:8222", "2001:db8::1")
        );
        assert_eq!(at.url("/varz").host_str(), Some("nats"));
        assert_eq!(at.pin(), at.address());
        let pinned = target.pinned("10.0.0.1".parse().unwrap());
        assert_eq!(pinned.display(), target.display());
        assert_eq!(pinned.pin(), Some("10.0.0.1".parse().unwrap()));
        assert_ne!(pinned, target);
    }

    #[test]
    fn a_sibling_keeps_scheme_and_port_and_takes_no_secret() {
        let seed = Target::parse("https://u:pw@n1:443/x").unwrap();
        for (host, expected) in [
            ("10.0.0.2", Some("https://10.0.0.2:443")),
            ("n2.example", Some("https://n2.example:443")),
            ("[2001:db8::2]", Some("https://[2001:db8::2]:443")),
            ("2001:db8::2", Some("https://[2001:db8::2]:443")),
            ("", None),
            ("n2:80", None),
            ("n2/x", None),
            ("http://n2", None),
            ("x@n2", None),
            ("n2?y", None),
            ("n2#", None),
            ("n 2", None),
        ] {
            let sibling = seed.sibling(host);
            let shown = sibling.as_ref().map(Target::display);
            assert_eq!(shown, expected, "{host}");
            assert!(!sibling.is_some_and(|target| target.has_user_info()));
        }
    }

    #[test]
    fn a_base_path_prefixes_every_path() {
        let check = |base: &str, path: &str, expected: &str| {
            assert_eq!(
                Target::parse(base).unwrap().url(path).as_str(),
                expected,
                "{base} {path}"
            );
        };
        check("http://h:8222", "/varz", "http://h:8222/varz");
        check("http://h:8222/x/", "/varz", "http://h:8222/x/varz");
        check(
            "http://h/x",
            "/jsz?accounts=true&limit=1",
            "http://h:8222/x/jsz?accounts=true&limit=1",
        );
        check("http://h", "varz", "http://h:8222/varz");
        check(
            "http://h",
            "/healthz?js-enabled-only=true&stream=a b",
            "http://h:8222/healthz?js-enabled-only=true&stream=a%20b",
        );
    }
}
