//! Chance, as a function: the same seed, purpose and number give the same draws, whatever was drawn
//! before. So two runs that launch the same ordinals meet the same instances, however their calls
//! interleave.

use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;

use super::settings::{Range, Spread};

/// What a draw is for: draws for different purposes are independent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// The fate of the instance with this launch ordinal.
    Instance = 1,
    /// The faults and the latency of the call with this number.
    Call = 2,
    /// The names of things.
    Name = 3,
    /// What the fault script with this place in the list does to the call with this number.
    Script = 20,
    /// The packets of the contact with this number.
    Contact = 21,
    /// What becomes of the connection to the front with this number.
    Connection = 22,
    /// What becomes of the TLS handshake with this number.
    Handshake = 23,
    /// What a group of Auto Scaling does by itself, and when.
    AutoScaling = 10,
    /// The names of Auto Scaling's things.
    AutoScalingName = 11,
    /// What becomes of the notice with this number.
    Delivery = 12,
    /// The id of the SQS message with this number.
    Message = 40,
    /// Which message a receive comes upon.
    Receive = 41,
    /// Tokens, ids and copies of SNS's messages, in their order.
    Sns = 42,
    /// The pause before the next attempt of a delivery.
    Attempt = 43,
    /// Ids and copies of `EventBridge`'s events, in their order.
    Event = 44,
    /// What becomes of the request for a larger quota with this number.
    QuotaRequest = 60,
    /// The names of the case with this number.
    Case = 61,
    /// When a word of a case is answered.
    CaseAnswer = 62,
    /// The names of load balancers, target groups and listeners.
    BalancerName = 63,
    /// When the reservation with this number is decided.
    Reservation = 64,
    /// How far a datapoint is off.
    Metric = 65,
    /// The name of the fleet with this number.
    Fleet = 70,
}

/// A stream of draws.
pub(super) struct Draw(Pcg64);

impl Draw {
    pub(super) fn new(seed: u64, purpose: Purpose, number: u64) -> Draw {
        // Neighbouring states and streams of a PCG are correlated in their first outputs: spread
        // both by a mixer first.
        let seed = mix(seed);
        let stream = mix(seed ^ mix(purpose as u64) ^ mix(number.wrapping_add(1) << 8));
        Draw(Pcg64::new((u128::from(seed) << 64) | u128::from(stream), u128::from(stream)))
    }

    /// True in `percent` of all draws.
    pub(super) fn chance(&mut self, percent: f64) -> bool {
        self.0.random::<f64>() * 100.0 < percent
    }

    /// Evenly from 0 up to, not including, 1.
    pub(super) fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// Evenly from 0 up to, not including, `n`.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        self.0.random_range(0..n.max(1))
    }

    /// Evenly from 0 to 1.
    pub(super) fn share(&mut self) -> f64 {
        self.0.random()
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.0.random()
    }

    /// Looks like the random UUIDs that AWS names requests and messages by.
    pub(super) fn uuid(&mut self) -> String {
        let bits = u128::from(self.bits()) << 64 | u128::from(self.bits());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
    }

    /// Evenly from the range, in milliseconds.
    pub(super) fn range(&mut self, range: Range) -> u32 {
        self.0.random_range(range.min_ms..=range.max_ms.max(range.min_ms))
    }

    /// From the lognormal distribution with these quantiles, in milliseconds.
    pub(super) fn spread(&mut self, spread: Spread) -> u32 {
        /// The standard normal distribution's 99th percentile.
        const Z99: f64 = 2.326;
        let z: f64 = StandardNormal.sample(&mut self.0);
        if spread.median_ms == 0 {
            return 0;
        }
        let median = f64::from(spread.median_ms);
        let sigma = (f64::from(spread.p99_ms) / median).ln() / Z99;
        let ms = median * (sigma * z).exp();
        // Within range by construction: an `as` from f64 saturates.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let whole = ms.round().min(f64::from(u32::MAX)) as u32;
        whole
    }
}

/// The finaliser of `SplitMix64`: every bit of the input moves every bit of the output.
pub(super) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantile(of: impl Fn(u64) -> u32, q: f64) -> f64 {
        let mut all: Vec<u32> = (0..20_000).map(of).collect();
        all.sort_unstable();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let at = (20_000.0 * q) as usize;
        f64::from(all[at])
    }

    #[test]
    fn the_same_question_has_the_same_answer_and_others_differ() {
        let bits = |s, p, n| Draw::new(s, p, n).bits();
        assert_eq!(bits(1, Purpose::Instance, 7), bits(1, Purpose::Instance, 7));
        let different = [
            bits(1, Purpose::Instance, 7),
            bits(2, Purpose::Instance, 7),
            bits(1, Purpose::Call, 7),
            bits(1, Purpose::Instance, 8),
        ];
        for (i, a) in different.iter().enumerate() {
            assert!(!different[..i].contains(a));
        }
    }

    #[test]
    fn a_spread_has_the_quantiles_it_was_told() {
        let boot = Spread { median_ms: 26_000, p99_ms: 90_000 };
        let draw = |n| Draw::new(5, Purpose::Instance, n).spread(boot);
        assert!((quantile(draw, 0.5) / 26_000.0 - 1.0).abs() < 0.03, "{}", quantile(draw, 0.5));
        assert!((quantile(draw, 0.99) / 90_000.0 - 1.0).abs() < 0.06, "{}", quantile(draw, 0.99));
        assert_eq!(Draw::new(5, Purpose::Instance, 0).spread(Spread { median_ms: 0, p99_ms: 0 }), 0);
    }

    #[test]
    fn chance_and_range_are_even() {
        let hits = (0..20_000).filter(|n| Draw::new(9, Purpose::Call, *n).chance(10.0)).count();
        assert!((1_850..2_150).contains(&hits), "{hits}");
        let draw = |n| Draw::new(9, Purpose::Call, n).range(Range { min_ms: 1_000, max_ms: 3_000 });
        assert!((quantile(draw, 0.5) - 2_000.0).abs() < 50.0);
        assert!(quantile(draw, 0.0) >= 1_000.0 && quantile(draw, 0.9999) <= 3_000.0);
    }
}
