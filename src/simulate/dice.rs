//! Chance for one run: a stream of draws from its seed. The run is one thread, so the order of the
//! draws is the order of its events, and the same seed gives the same run.

use crate::decide::rng::Rng;
use crate::sim::settings::{Range, Spread};

/// A stream of draws.
#[derive(Clone, Debug)]
pub struct Dice(Rng);

impl Dice {
    /// Streams of one seed for different purposes are independent.
    #[must_use]
    pub fn new(seed: u64, purpose: u64) -> Dice {
        let mut mixer = Rng::new(seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Dice(Rng::new(mixer.next_u64()))
    }

    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Evenly from 0 up to, not including, 1.
    pub fn unit(&mut self) -> f64 {
        /// 53 bits are what the mantissa holds.
        const SCALE: f64 = 1.0 / 9_007_199_254_740_992.0;
        #[allow(clippy::cast_precision_loss)] // 53 bits are exact
        let bits = (self.bits() >> 11) as f64;
        bits * SCALE
    }

    /// True in `percent` of all draws.
    pub fn chance(&mut self, percent: f64) -> bool {
        self.unit() * 100.0 < percent
    }

    /// Evenly from `least` to `most`, both included.
    pub fn between(&mut self, least: u32, most: u32) -> u32 {
        let width = u64::from(most.saturating_sub(least)) + 1;
        least + u32::try_from(self.bits() % width).unwrap_or(0)
    }

    /// One of them, evenly.
    ///
    /// # Panics
    /// If there are none.
    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        let most = u32::try_from(all.len() - 1).unwrap_or(u32::MAX);
        all[self.between(0, most) as usize]
    }

    /// Evenly from the range, in milliseconds.
    pub fn range(&mut self, range: Range) -> u32 {
        self.between(range.min_ms, range.max_ms.max(range.min_ms))
    }

    /// From the lognormal distribution with these quantiles, in milliseconds.
    pub fn spread(&mut self, spread: Spread) -> u32 {
        /// The standard normal distribution's 99th percentile.
        const Z99: f64 = 2.326;
        let z = self.normal();
        if spread.median_ms == 0 {
            return 0;
        }
        let median = f64::from(spread.median_ms);
        let sigma = (f64::from(spread.p99_ms) / median).ln() / Z99;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // capped just before
        let ms = (median * (sigma * z).exp()).round().min(f64::from(u32::MAX)) as u32;
        ms
    }

    /// From the standard normal distribution (Box and Muller).
    fn normal(&mut self) -> f64 {
        let (a, b) = (1.0 - self.unit(), self.unit());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_as_told() {
        let mut dice = Dice::new(1, 1);
        let spread = Spread { median_ms: 300, p99_ms: 3_000 };
        let mut all: Vec<u32> = (0..20_000).map(|_| dice.spread(spread)).collect();
        all.sort_unstable();
        assert!((285..=315).contains(&all[10_000]), "{}", all[10_000]);
        assert!((2_600..=3_400).contains(&all[19_800]), "{}", all[19_800]);
        let hits = (0..10_000).filter(|_| dice.chance(20.0)).count();
        assert!((1_850..2_150).contains(&hits), "{hits}");
        assert!((0..1_000).all(|_| (3..=5).contains(&dice.between(3, 5))));
    }

    #[test]
    fn purposes_are_independent_and_a_seed_repeats() {
        assert_eq!(Dice::new(7, 1).bits(), Dice::new(7, 1).bits());
        assert_ne!(Dice::new(7, 1).bits(), Dice::new(7, 2).bits());
        assert_ne!(Dice::new(7, 1).bits(), Dice::new(8, 1).bits());
    }
}
