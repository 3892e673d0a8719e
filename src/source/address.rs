//! What kind of place an address is, however it is written: where a request that somebody else chose must not go.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kind of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// An address of some machine.
    Ordinary,
    /// This machine.
    Loopback,
    /// No address; the kernel connects it to this machine.
    Unspecified,
    /// Valid on one cable only, and where clouds serve their metadata.
    LinkLocal,
    /// A cloud's metadata or agent outside the link-local range.
    Metadata,
    /// A group of machines.
    Multicast,
}

/// Metadata services and agents of clouds that are not link-local: AWS over IPv6, Google over IPv6, Alibaba, Azure, Oracle.
const METADATA: &[IpAddr] = &[
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// The address that is reached in the end: IPv4 within IPv6 (mapped, compatible, NAT64, 6to4) is that IPv4 address.
pub fn canonical(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else {
        return ip;
    };
    let segments = v6.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] => v4(high, low),
        // `::` and `::1` are IPv6's own.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => v4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        _ => ip,
    }
}

/// What kind of place it is.
pub fn kind(ip: IpAddr) -> AddressKind {
    let ip = canonical(ip);
    if METADATA.contains(&ip) {
        return AddressKind::Metadata;
    }
    match ip {
        IpAddr::V4(v4) if v4.octets()[0] == 0 => AddressKind::Unspecified,
        IpAddr::V4(v4) if v4.is_link_local() => AddressKind::LinkLocal,
        IpAddr::V4(v4) if v4.is_broadcast() => AddressKind::Multicast,
        IpAddr::V6(v6) if v6.is_unspecified() => AddressKind::Unspecified,
        IpAddr::V6(v6) if v6.is_unicast_link_local() => AddressKind::LinkLocal,
        _ if ip.is_loopback() => AddressKind::Loopback,
        _ if ip.is_multicast() => AddressKind::Multicast,
        _ => AddressKind::Ordinary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_it_is_in_every_spelling() {
        for (text, expected) in [
            ("10.0.0.1", AddressKind::Ordinary),
            ("fd00::1", AddressKind::Ordinary),
            ("2001:db8::1", AddressKind::Ordinary),
            ("::ffff:10.0.0.1", AddressKind::Ordinary),
            ("127.0.0.1", AddressKind::Loopback),
            ("127.9.9.9", AddressKind::Loopback),
            ("::1", AddressKind::Loopback),
            ("::ffff:127.0.0.1", AddressKind::Loopback),
            ("::127.0.0.1", AddressKind::Loopback),
            ("64:ff9b::7f00:1", AddressKind::Loopback),
            ("2002:7f00:1::", AddressKind::Loopback),
            ("0.0.0.0", AddressKind::Unspecified),
            ("0.1.2.3", AddressKind::Unspecified),
            ("::", AddressKind::Unspecified),
            ("::ffff:0.0.0.0", AddressKind::Unspecified),
            ("169.254.169.254", AddressKind::LinkLocal),
            ("169.254.0.1", AddressKind::LinkLocal),
            ("fe80::1", AddressKind::LinkLocal),
            ("febf::1", AddressKind::LinkLocal),
            ("::ffff:169.254.169.254", AddressKind::LinkLocal),
            ("64:ff9b::a9fe:a9fe", AddressKind::LinkLocal),
            ("fd00:ec2::254", AddressKind::Metadata),
            ("100.100.100.200", AddressKind::Metadata),
            ("::ffff:168.63.129.16", AddressKind::Metadata),
            ("224.0.0.1", AddressKind::Multicast),
            ("255.255.255.255", AddressKind::Multicast),
            ("ff02::1", AddressKind::Multicast),
        ] {
            assert_eq!(kind(text.parse().unwrap()), expected, "{text}");
        }
    }
}
