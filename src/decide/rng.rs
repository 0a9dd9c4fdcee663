//! Randomness as an argument: jitter and token suffixes come from a seed the shell hands in.

use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and the same numbers on every machine, so
/// that a run replays from its seeds. Not for secrets; client tokens need to be unique, not secret.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    #[must_use]
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A duration drawn evenly from half of `d` to `d`: spreads a herd without making anybody wait
    /// longer than the arithmetic beside the constant says.
    pub fn jitter(&mut self, d: Duration) -> Duration {
        let ms = u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        let half = ms / 2;
        Duration::from_millis(ms - half + self.next_u64() % (half + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_jitter_stays_in_its_range() {
        let (mut a, mut b) = (Rng::new(7), Rng::new(7));
        for _ in 0..1_000 {
            assert_eq!(a.next_u64(), b.next_u64());
            let j = a.jitter(Duration::from_millis(1_000));
            b.jitter(Duration::from_millis(1_000));
            assert!((500..=1_000).contains(&j.as_millis()), "{j:?}");
        }
    }
}
