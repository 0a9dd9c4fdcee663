//! What lies between muster and everything else: latency, and packets that are lost.
//!
//! TCP hides a lost packet behind a wait: the sender tries again after 1, 2, 4, ... s (the initial
//! retransmission timeout of RFC 6298; a stack that has measured a shorter path waits less, so this
//! errs on the slow side). A message that waited longer than its caller is late, not lost: it still
//! takes effect.

use crate::sim::settings::Spread;

use super::dice::Dice;

/// First wait before a packet is sent again, milliseconds (RFC 6298: 1 s, then doubled).
const FIRST_WAIT_MS: u32 = 1_000;
/// Times that a packet is sent again: after 1 + 2 + 4 + 8 + 16 s no caller here waits any more.
const RESENDS: u32 = 5;

/// The way between muster and the outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// There and back, without loss.
    pub round_trip: Spread,
    /// Percent of packets that are lost, each way.
    pub loss: f64,
}

impl Network {
    /// As inside one Region: 2 ms, seldom 10.
    pub const QUIET: Network = Network { round_trip: Spread { median_ms: 2, p99_ms: 10 }, loss: 0.0 };

    /// How long one message takes in one direction, milliseconds.
    pub fn one_way(&self, dice: &mut Dice) -> u32 {
        let mut ms = dice.spread(self.round_trip) / 2;
        let mut wait = FIRST_WAIT_MS;
        for _ in 0..RESENDS {
            if !dice.chance(self.loss) {
                break;
            }
            ms += wait;
            wait *= 2;
        }
        ms
    }

    /// How long a question and its answer take together, milliseconds.
    pub fn there_and_back(&self, dice: &mut Dice) -> u32 {
        self.one_way(dice) + self.one_way(dice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_packets_are_waits() {
        let mut dice = Dice::new(3, 0);
        let quiet = Network::QUIET;
        assert!((0..10_000).all(|_| quiet.one_way(&mut dice) < 1_000));
        let lossy = Network { loss: 2.0, ..quiet };
        let late = (0..10_000).filter(|_| lossy.one_way(&mut dice) >= 1_000).count();
        assert!((150..250).contains(&late), "2 % of 10,000 packets, not {late}");
    }
}
