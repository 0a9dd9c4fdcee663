//! Which addresses a name may lead to, when strangers have a say in the name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far a connection by name may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Wherever the name leads.
    Anywhere,
    /// Public addresses and private networks (RFC 1918, RFC 4193), for names that a VPC endpoint answers
    /// to. Never this machine, its links, or what lives on them: 169.254.169.254 gives out credentials.
    PublicOrPrivate,
    /// Public addresses only.
    Public,
}

impl Reach {
    /// May a name lead to this address?
    #[must_use]
    pub fn covers(self, address: IpAddr) -> bool {
        match self {
            Reach::Anywhere => true,
            Reach::PublicOrPrivate => is_public(address) || is_private(address),
            Reach::Public => is_public(address),
        }
    }
}

/// The networks of IPv4 that are nobody's on the Internet (RFC 6890 and its registry), by prefix length.
const NOT_PUBLIC: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    // Multicast, and what was kept for later.
    ([224, 0, 0, 0], 3),
];

fn is_public(address: IpAddr) -> bool {
    match within(address) {
        IpAddr::V4(v4) => !NOT_PUBLIC.iter().any(|(network, length)| in_network(v4, *network, *length)),
        // Global unicast, without documentation (2001:db8::/32), the protocols' own (2001::/23, Teredo
        // with it) and 6to4 (2002::/16), which carry other addresses inside.
        IpAddr::V6(v6) => {
            let [a, b, ..] = v6.segments();
            (a & 0xe000) == 0x2000 && a != 0x2002 && !(a == 0x2001 && (b < 0x0200 || b == 0x0db8))
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    match within(address) {
        IpAddr::V4(v4) => v4.is_private(),
        IpAddr::V6(v6) => v6.is_unique_local() && !is_metadata(v6),
    }
}

/// Where EC2 gives out credentials, which is in a private network by its look.
fn is_metadata(v6: Ipv6Addr) -> bool {
    v6.segments()[..2] == [0xfd00, 0x0ec2]
}

/// The IPv4 address that is meant by one of IPv6: mapped (`::ffff:0:0/96`), or translated by the network
/// (`64:ff9b::/96`, as DNS64 in a subnet without IPv4 has it).
fn within(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            let [.., a, b, c, d] = v6.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        _ => address,
    }
}

fn in_network(address: Ipv4Addr, network: [u8; 4], length: u32) -> bool {
    (u32::from(address) ^ u32::from_be_bytes(network)) >> (32 - length) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(reach: Reach, address: &str) -> bool {
        reach.covers(address.parse().unwrap())
    }

    #[test]
    fn public_addresses_are_reached() {
        for address in [
            "1.1.1.1",
            "52.94.0.1",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.3.1",
            "223.255.255.255",
            "2600:1f18::1",
            "2a05:d018::1",
            "::ffff:52.94.0.1",
            "64:ff9b::52.94.0.1",
        ] {
            assert!(covered(Reach::Public, address) && covered(Reach::PublicOrPrivate, address), "{address}");
        }
    }

    #[test]
    fn private_networks_are_reached_only_if_asked_for() {
        for address in
            ["10.0.0.1", "172.31.255.255", "192.168.1.1", "fd12::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1"]
        {
            assert!(!covered(Reach::Public, address), "{address}");
            assert!(covered(Reach::PublicOrPrivate, address), "{address}");
        }
    }

    #[test]
    fn this_machine_its_links_and_its_credentials_never_are() {
        for address in [
            "0.0.0.0",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.192",
            "198.19.255.255",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "::127.0.0.1",
            "fe80::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
        ] {
            for reach in [Reach::Public, Reach::PublicOrPrivate] {
                assert!(!covered(reach, address), "{address} by {reach:?}");
            }
            assert!(covered(Reach::Anywhere, address));
        }
    }
}
