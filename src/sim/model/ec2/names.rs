//! Ids that look like AWS's (`i-` and 17 hexadecimal digits), a function of the seed and a number,
//! and back again without a table: 100,000 instances in flight should not need 100,000 strings.

use super::super::super::draw::mix;

/// What an id is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Instance,
    Reservation,
    /// The first interface and the root volume of an instance have its number.
    Interface,
    Volume,
    LaunchTemplate,
    Allocation,
    Association,
    NatGateway,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Kind::Instance => "i-",
            Kind::Reservation => "r-",
            Kind::Interface => "eni-",
            Kind::Volume => "vol-",
            Kind::LaunchTemplate => "lt-",
            Kind::Allocation => "eipalloc-",
            Kind::Association => "eipassoc-",
            Kind::NatGateway => "nat-",
        }
    }
}

/// The ids of one seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    salt: u64,
}

/// An odd number, and its inverse modulo 2^64: multiplying by one undoes the other.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
const INVERSE: u64 = inverse(ODD);

/// Newton's iteration: each round doubles the number of right bits, from 3.
const fn inverse(odd: u64) -> u64 {
    let mut x = odd;
    let mut round = 0;
    while round < 5 {
        x = x.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(x)));
        round += 1;
    }
    x
}

/// A shift by half the width, which is its own inverse.
const fn fold(x: u64) -> u64 {
    x ^ (x >> 32)
}

impl Names {
    pub(super) fn new(seed: u64) -> Names {
        Names { salt: mix(seed) }
    }

    pub(super) fn name(self, kind: Kind, number: u64) -> String {
        let bits = fold(fold(number ^ self.salt).wrapping_mul(ODD));
        format!("{}0{bits:016x}", kind.prefix())
    }

    /// The number of a well-formed id that this seed could have given out. Any other well-formed
    /// id gives some number too, far beyond those in use: the caller compares.
    pub(super) fn number(self, kind: Kind, id: &str) -> Option<u64> {
        let digits = id.strip_prefix(kind.prefix())?.strip_prefix('0')?;
        if digits.len() != 16 || !is_hex(digits) {
            return None;
        }
        let bits = u64::from_str_radix(digits, 16).ok()?;
        Some(fold(fold(bits).wrapping_mul(INVERSE)) ^ self.salt)
    }
}

/// `i-` and 8 (long ago) or 17 lower-case hexadecimal digits.
pub(super) fn is_instance_id(id: &str) -> bool {
    id.strip_prefix("i-").is_some_and(|digits| matches!(digits.len(), 8 | 17) && is_hex(digits))
}

fn is_hex(digits: &str) -> bool {
    digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_looks_like_aws() {
        for seed in [0, 1, u64::MAX] {
            let names = Names::new(seed);
            for number in (0..5_000).chain([u64::from(u32::MAX)]) {
                let id = names.name(Kind::Instance, number);
                assert!(is_instance_id(&id) && id.len() == 19, "{id}");
                assert_eq!(names.number(Kind::Instance, &id), Some(number));
            }
        }
    }

    #[test]
    fn seeds_and_numbers_make_different_ids() {
        let (a, b) = (Names::new(1), Names::new(2));
        assert_ne!(a.name(Kind::Instance, 0), b.name(Kind::Instance, 0));
        assert_ne!(a.name(Kind::Instance, 0), a.name(Kind::Instance, 1));
        assert_eq!(a.name(Kind::Reservation, 0).get(..2), Some("r-"));
    }

    #[test]
    fn what_is_no_id_has_no_number() {
        let names = Names::new(1);
        for id in
            ["", "i-", "i-12345678", "r-00123456789abcdef", "i-1123456789abcdef0", "i-0X23456789abcdef0"]
        {
            assert_eq!(names.number(Kind::Instance, id), None, "{id}");
        }
        assert!(is_instance_id("i-12345678"));
        assert!(!is_instance_id("i-1234567g") && !is_instance_id("i-123456789"));
    }
}
