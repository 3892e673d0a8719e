//! A first look at URLs, so that slips are found before anything is connected. The module that connects parses in full.

use std::net::Ipv6Addr;

const URL_BYTES_MAX: usize = 2048;

/// Says what is wrong with a URL, as a sentence's part without the value.
pub(super) fn check(text: &str, schemes: &[&str], bare: bool) -> Result<(), String> {
    if text.len() > URL_BYTES_MAX {
        return Err(format!(
            "it is {} bytes long and {URL_BYTES_MAX} is the most",
            text.len()
        ));
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("a URL has no white space".to_owned());
    }
    let rest = match text.split_once("://") {
        Some((scheme, rest)) => {
            let scheme = scheme.to_ascii_lowercase();
            if !schemes.contains(&scheme.as_str()) {
                return Err(wrong_scheme(&scheme, schemes));
            }
            rest
        }
        None if bare => text,
        None => return Err(format!("it needs {}://", schemes.join(":// or "))),
    };
    authority(rest)
}

fn wrong_scheme(scheme: &str, schemes: &[&str]) -> String {
    match scheme {
        "nats" | "tls" | "ws" | "wss" => {
            "that is the client port, and the monitoring port (http) is needed".to_owned()
        }
        "dns+http" | "dns+https" => "only servers are looked up by DNS".to_owned(),
        _ => {
            let plain: Vec<_> = schemes
                .iter()
                .filter(|name| !name.contains('+'))
                .copied()
                .collect();
            format!("it must begin with {}://", plain.join(":// or "))
        }
    }
}

/// What stands behind `dns+`, where that stands.
pub(super) fn by_dns(text: &str) -> Option<&str> {
    let (start, rest) = text.split_at_checked(4)?;
    start.eq_ignore_ascii_case("dns+").then_some(rest)
}

/// Looks at host and port behind the scheme; user info is left to the one who connects.
fn authority(rest: &str) -> Result<(), String> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    if let Some(inner) = host.strip_prefix('[') {
        let (address, port) = inner.split_once(']').ok_or("the bracket is not closed")?;
        if address.parse::<Ipv6Addr>().is_err() {
            return Err("that is not an IPv6 address between the brackets".to_owned());
        }
        return match port.strip_prefix(':') {
            Some(port) => check_port(port),
            None if port.is_empty() => Ok(()),
            None => Err("only a port may follow the bracket".to_owned()),
        };
    }
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (host, None),
    };
    if host.contains(':') {
        return Err("an IPv6 address stands in brackets".to_owned());
    }
    let named = !host.is_empty()
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    if !named {
        return Err(
            "the host is missing or holds other characters than letters, digits, dots and dashes"
                .to_owned(),
        );
    }
    port.map_or(Ok(()), check_port)
}

/// Whether a certificate can carry it as a name: labels of letters, digits and dashes, and not an address.
pub(super) fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    name.len() <= 253 && name.split('.').all(label) && name.parse::<std::net::IpAddr>().is_err()
}

fn check_port(port: &str) -> Result<(), String> {
    let digits = port.chars().all(|c| c.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(1..) if digits => Ok(()),
        _ => Err("the port must be 1 to 65535".to_owned()),
    }
}

/// What two spellings of one server have in common, for finding doubles: lower case, no user info, no slash at the end.
pub(super) fn identity(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{}", rest.trim_end_matches('/')).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monitoring(text: &str) -> Result<(), String> {
        check(text, &["http", "https"], true)
    }

    #[test]
    fn urls() {
        for text in [
            "http://127.0.0.1:8222",
            "https://n1",
            "HTTP://n1:8222/",
            "n1:8222",
            "n1",
            "http://[::1]:8222/x?y",
            "[fe80::1]",
            "http://u:p@n1:8222",
            "http://u@n-1.a_b.example.",
        ] {
            assert_eq!(monitoring(text), Ok(()), "{text}");
        }
        for text in [
            "",
            "http://",
            "ftp://n1",
            "nats://n1:4222",
            "dns+http://n1:8222",
            "http://n1:0",
            "http://n1:65536",
            "http://n1:+80",
            "http://n1:",
            "http://::1:8222",
            "http://[::1",
            "http://[x]:1",
            "http://[::1]x",
            "http://n 1",
            "http://n1\n",
            "http://nöde",
            "://n1",
        ] {
            assert!(monitoring(text).is_err(), "{text}");
        }
        assert!(check("n1:8222", &["http"], false).is_err());
        assert!(monitoring(&"x".repeat(10_000)).is_err());
    }

    #[test]
    fn one_server_in_two_spellings_is_one() {
        assert_eq!(identity("N1:8222"), identity("http://u:p@n1:8222/"));
        assert_ne!(identity("https://n1:8222"), identity("http://n1:8222"));
    }
}
