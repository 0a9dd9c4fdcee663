//! Receipt handles: which message they are for and which receive of it, and a check that this seed
//! gave them out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::super::draw::mix;

/// What a handle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle {
    /// The message's number.
    pub(super) number: u64,
    /// Which receive of it, from 1.
    pub(super) receive: u32,
}

/// As all of SQS's handles begin.
const PREFIX: &str = "AQEB";
const BYTES: usize = 20;

impl Handle {
    pub(super) fn write(self, salt: u64) -> String {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&self.number.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.receive.to_be_bytes());
        bytes[12..].copy_from_slice(&self.check(salt).to_be_bytes());
        format!("{PREFIX}{}", STANDARD.encode(bytes))
    }

    /// None if it was not written with this salt.
    pub(super) fn read(text: &str, salt: u64) -> Option<Handle> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let bytes: &[u8; BYTES] = bytes.as_slice().try_into().ok()?;
        let (number, rest) = bytes.split_first_chunk::<8>()?;
        let (receive, check) = rest.split_first_chunk::<4>()?;
        let handle = Handle { number: u64::from_be_bytes(*number), receive: u32::from_be_bytes(*receive) };
        (handle.check(salt).to_be_bytes() == check).then_some(handle)
    }

    fn check(self, salt: u64) -> u64 {
        mix(salt ^ mix(self.number) ^ u64::from(self.receive))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_reads_back_with_its_own_salt_only() {
        let handle = Handle { number: 70_000, receive: 3 };
        let text = handle.write(9);
        assert!(text.starts_with("AQEB"), "{text}");
        assert_eq!(Handle::read(&text, 9), Some(handle));
        assert_eq!(Handle::read(&text, 8), None);
        for text in ["", "AQEB", "handle", &text[1..], &format!("{text}AAAA")] {
            assert_eq!(Handle::read(text, 9), None, "{text}");
        }
    }
}
