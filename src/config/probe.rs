//! Entries of `probe.allow`: scheme, host or network, port.

use std::net::IpAddr;

/// One entry: what `/probe` may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRule {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Whom.
    pub host: ProbeHost,
    /// On this port only.
    pub port: u16,
}

/// Whom an entry allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeHost {
    /// Every target whose address lies in this network, by whatever name.
    Network {
        /// Its first address.
        first: IpAddr,
        /// Bits that are fixed.
        bits: u8,
    },
    /// Targets with this name, lower case; their addresses are still looked at.
    Name(String),
}

impl ProbeRule {
    /// Reads `scheme://host-or-network:port`. The advice follows "x is y; it ".
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let shape = || "must be written such as http://10.0.0.0/8:8222".to_owned();
        let (scheme, rest) = text.trim().split_once("://").ok_or_else(shape)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => "http",
            "https" => "https",
            _ => return Err("must begin with http:// or https://".to_owned()),
        };
        let (host, port) = rest.rsplit_once(':').ok_or_else(|| {
            "needs the port behind the host, such as http://10.0.0.0/8:8222".to_owned()
        })?;
        let digits = port.chars().all(|c| c.is_ascii_digit());
        let port = match port.parse::<u16>() {
            Ok(port @ 1..) if digits => port,
            _ => return Err("needs a port of 1 to 65535 at the end".to_owned()),
        };
        let host = host_of(host).ok_or_else(shape)??;
        Ok(Self { scheme, host, port })
    }
}

/// The host or network; nothing where it is neither.
fn host_of(text: &str) -> Option<Result<ProbeHost, String>> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let bare = address
        .strip_prefix('[')
        .map_or(Some(address), |rest| rest.strip_suffix(']'));
    // `[10.0.0.0/8]` closes behind the bits.
    let bare = bare?;
    let Ok(ip) = bare.parse::<IpAddr>() else {
        let named = !address.is_empty()
            && bits.is_none()
            && address
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
            && address.chars().any(|c| c.is_ascii_alphabetic());
        let name = address.trim_end_matches('.').to_ascii_lowercase();
        return named.then_some(Ok(ProbeHost::Name(name)));
    };
    if ip.is_ipv6() && !address.starts_with('[') {
        return Some(Err(
            "needs brackets around the IPv6 address, such as http://[fd00::]/8:8222".to_owned(),
        ));
    }
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let bits = match bits.map(str::parse::<u8>) {
        None => most,
        Some(Ok(bits)) if bits <= most => bits,
        Some(_) => return Some(Err(format!("needs 0 to {most} bits behind the slash"))),
    };
    let first = masked(ip, bits);
    if first != ip {
        return Some(Err(format!(
            "has bits behind the network; write {first}/{bits} instead of {ip}/{bits}"
        )));
    }
    Some(Ok(ProbeHost::Network { first, bits }))
}

/// The first address of the network of these many bits.
fn masked(ip: IpAddr, bits: u8) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

impl ProbeHost {
    /// Whether an address lies in the network. A name has none.
    pub fn holds(&self, ip: IpAddr) -> bool {
        match self {
            Self::Network { first, bits } => {
                first.is_ipv4() == ip.is_ipv4() && masked(ip, *bits) == *first
            }
            Self::Name(_) => false,
        }
    }

    /// Whether it names this machine itself: a loopback address or network, or a loopback name. A larger network that
    /// happens to hold loopback does not.
    pub fn names_loopback(&self) -> bool {
        match self {
            Self::Network { first, bits } => {
                first.is_loopback() && (*bits >= 8 && first.is_ipv4() || *bits == 128)
            }
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read() {
        let check = |text: &str, scheme, host: ProbeHost, port| {
            let expected = ProbeRule { scheme, host, port };
            assert_eq!(ProbeRule::read(text), Ok(expected), "{text}");
        };
        let net = |first: &str, bits| ProbeHost::Network {
            first: first.parse().unwrap(),
            bits,
        };
        check("http://10.0.0.0/8:8222", "http", net("10.0.0.0", 8), 8222);
        check("HTTPS://10.1.2.3:1", "https", net("10.1.2.3", 32), 1);
        check("http://0.0.0.0/0:80", "http", net("0.0.0.0", 0), 80);
        check("http://[fd00::]/8:8222", "http", net("fd00::", 8), 8222);
        check("http://[::1]:8222", "http", net("::1", 128), 8222);
        check("http://[::]/0:8222", "http", net("::", 0), 8222);
        check(
            " http://N1.example.:8222",
            "http",
            ProbeHost::Name("n1.example".to_owned()),
            8222,
        );
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for text in [
            "",
            "10.0.0.0/8:8222",
            "ftp://10.0.0.0/8:8222",
            "http://10.0.0.0/8",
            "http://10.0.0.0/33:1",
            "http://10.0.0.1/8:8222",
            "http://10.0.0.0/8:0",
            "http://10.0.0.0/8:99999",
            "http://10.0.0.0/8:+1",
            "http://:8222",
            "http://*:8222",
            "http://u@n1:8222",
            "http://fd00::/8:8222",
            "http://[fd00::/8:8222",
            "http://n1/8:8222",
            "http://2130706433:8222",
            "http://0x7f.1:8222/x",
            "http://10.0.0.0/8:8222/varz",
        ] {
            assert!(ProbeRule::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn networks_hold_their_addresses_and_name_loopback_only_if_they_do() {
        let host = |text: &str| ProbeRule::read(&format!("http://{text}:1")).unwrap().host;
        let holds = |net: &str, ip: &str| host(net).holds(ip.parse().unwrap());
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "fd00::1"));
        assert!(holds("[fd00::]/8", "fd12::1") && !holds("[fd00::]/8", "fe00::1"));
        for (text, expected) in [
            ("127.0.0.1", true),
            ("127.0.0.0/8", true),
            ("[::1]", true),
            ("localhost", true),
            ("a.localhost", true),
            ("0.0.0.0/0", false),
            ("126.0.0.0/7", false),
            ("[::]/0", false),
            ("[::]/127", false),
            ("localhost.example", false),
        ] {
            assert_eq!(host(text).names_loopback(), expected, "{text}");
        }
    }
}
