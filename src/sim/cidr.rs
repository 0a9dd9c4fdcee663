//! Blocks of IPv4 addresses inside 127.0.0.0/8, the only ones where simulated instances may live.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A block such as `127.64.0.0/14`: inside 127.0.0.0/8, between /9 and /28, without 127.0.0.1,
/// where real services listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    base: u32,
    prefix: u8,
}

/// AWS keeps the first four addresses of a subnet and the last (aws-facts 0.15).
const RESERVED_FIRST: u32 = 4;
const RESERVED: u32 = RESERVED_FIRST + 1;

impl Cidr {
    /// 127.64.0.0/12: a quarter of it holds 262,139 instances.
    pub const DEFAULT: Cidr = Cidr { base: 0x7f40_0000, prefix: 12 };
    const WIDEST: u8 = 9;
    /// The smallest subnet AWS allows.
    const NARROWEST: u8 = 28;

    fn size(self) -> u32 {
        1 << (32 - u32::from(self.prefix))
    }

    /// Addresses an instance can have.
    #[must_use]
    pub fn usable(self) -> u32 {
        self.size() - RESERVED
    }

    /// The n-th usable address, from 0; none past the end.
    #[must_use]
    pub fn address(self, n: u32) -> Option<Ipv4Addr> {
        (n < self.usable()).then(|| Ipv4Addr::from(self.base + RESERVED_FIRST + n))
    }

    /// Do the blocks share an address?
    #[must_use]
    pub fn overlaps(self, other: Cidr) -> bool {
        let last = |c: Cidr| c.base + (c.size() - 1);
        self.base <= last(other) && other.base <= last(self)
    }

    #[must_use]
    pub fn contains(self, address: Ipv4Addr) -> bool {
        (self.base..=self.base + (self.size() - 1)).contains(&u32::from(address))
    }

    /// Its four quarters; none if they would be smaller than a subnet may be.
    #[must_use]
    pub fn quarters(self) -> Vec<Cidr> {
        let prefix = self.prefix + 2;
        if prefix > Self::NARROWEST {
            return Vec::new();
        }
        (0..4).map(|i| Cidr { base: self.base + i * (self.size() / 4), prefix }).collect()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.base), self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let bad = |what: &str| {
            format!(
                "'{s}' {what}; write a block inside 127.0.0.0/8 from /{} to /{} without 127.0.0.1, \
                 for example {}",
                Self::WIDEST,
                Self::NARROWEST,
                Self::DEFAULT
            )
        };
        let (address, prefix) = s.split_once('/').ok_or_else(|| bad("has no '/'"))?;
        let base = u32::from(address.parse::<Ipv4Addr>().map_err(|_| bad("has no IPv4 address"))?);
        let prefix = prefix.parse::<u8>().map_err(|_| bad("has no prefix length"))?;
        if !(Self::WIDEST..=Self::NARROWEST).contains(&prefix) {
            return Err(bad("has a prefix length that is not allowed"));
        }
        let cidr = Cidr { base, prefix };
        if !base.is_multiple_of(cidr.size()) {
            return Err(bad("does not start at a multiple of its size"));
        }
        if base >> 24 != 127 {
            return Err(bad("is outside of 127.0.0.0/8"));
        }
        if base == 0x7f00_0000 {
            return Err(bad("contains 127.0.0.1"));
        }
        Ok(cidr)
    }
}

impl Serialize for Cidr {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_loses_five_addresses() {
        let c: Cidr = "127.80.0.0/28".parse().unwrap();
        assert_eq!(c.usable(), 11);
        assert_eq!(c.address(0), Some(Ipv4Addr::new(127, 80, 0, 4)));
        assert_eq!(c.address(10), Some(Ipv4Addr::new(127, 80, 0, 14)));
        assert_eq!(c.address(11), None);
    }

    #[test]
    fn quarters_lie_side_by_side() {
        let text: Vec<String> = Cidr::DEFAULT.quarters().iter().map(Cidr::to_string).collect();
        assert_eq!(text, ["127.64.0.0/14", "127.68.0.0/14", "127.72.0.0/14", "127.76.0.0/14"]);
        assert!("127.80.0.0/27".parse::<Cidr>().unwrap().quarters().is_empty());
    }

    #[test]
    fn blocks_outside_of_loopback_or_over_its_services_are_refused() {
        for (text, why) in [
            ("10.0.0.0/16", "outside"),
            ("127.0.0.0/16", "127.0.0.1"),
            ("127.64.1.0/16", "multiple"),
            ("127.0.0.0/8", "prefix length"),
            ("127.64.0.0/29", "prefix length"),
            ("127.64.0.0", "'/'"),
            ("localhost/16", "IPv4"),
        ] {
            let error = text.parse::<Cidr>().unwrap_err();
            assert!(error.contains(why) && error.contains("127.64.0.0/12"), "{error}");
        }
    }

    #[test]
    fn overlap_is_seen_from_both_sides() {
        let (a, b) = ("127.64.0.0/14".parse::<Cidr>().unwrap(), "127.66.0.0/16".parse().unwrap());
        assert!(a.overlaps(b) && b.overlaps(a));
        assert!(!a.overlaps("127.68.0.0/14".parse().unwrap()));
    }
}
