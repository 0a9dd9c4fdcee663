//! The only place that asks the system for entropy.
#![allow(clippy::disallowed_methods)]

use crate::decide::words::Time;

/// 64 random bits, to seed what decides.
///
/// # Panics
/// If the operating system has no entropy to give: nothing can be named without it.
#[must_use]
pub fn seed() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// A UUID v7 carrying `at`: sorts by time, unique without coordination.
#[must_use]
pub fn uuid(at: Time) -> String {
    let mut bytes = [0; 10];
    fill(&mut bytes);
    let ms = u64::try_from(at.0).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(ms, &bytes).into_uuid().to_string()
}

#[allow(clippy::expect_used)]
fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives entropy");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_differ() {
        let (a, b) = (uuid(Time(1_000)), uuid(Time(2_000)));
        assert!(a < b);
        assert_ne!(uuid(Time(1_000)), a);
        assert_eq!(a.len(), 36);
    }
}
