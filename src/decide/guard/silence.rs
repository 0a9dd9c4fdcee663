//! How many silences in a row say that an agent hangs.
//!
//! A request can stay unanswered because the agent hangs, or because packets were lost or were slow.
//! The second happens to agents that work, at a rate that is measured: of the contacts with
//! instances that were not silent before. As many silences in a row are needed as chance would give
//! one try in ten thousand. On a good network that is the configured number (3 by default); with
//! every tenth request lost it is 4, and when half of all are lost only the watchdogs are left.

/// Contacts that are remembered.
const MEMORY: u32 = 128;
/// What is believed before anything is seen: 1 of 30 is lost.
const PRIOR: (f64, f64) = (1.0, 30.0);
/// Chance that an agent which works is taken for one that hangs, at each of its tries. It is tried
/// about twenty times: two servers in a thousand. Higher: a bad network kills them by the dozen.
/// Lower: each further silence costs a timeout and a pause, 8 s.
const CHANCE: f64 = 1e-4;
/// Never more than this: with 8 s each it is as long as a watchdog.
const MOST: u8 = 15;

/// The last contacts with instances that were not silent before.
#[derive(Debug, Default)]
pub struct Silence {
    /// A bit for each, the newest lowest: 1 if it stayed unanswered.
    contacts: u128,
    seen: u32,
}

impl Silence {
    /// A contact was answered, or was not.
    pub fn book(&mut self, silent: bool) {
        self.contacts = (self.contacts << 1) | u128::from(silent);
        self.seen = (self.seen + 1).min(MEMORY);
    }

    /// Silences in a row that say that an agent hangs; never fewer than `least`.
    #[must_use]
    pub fn needed(&self, least: u8) -> u8 {
        let silent = f64::from(self.contacts.count_ones());
        let share = (silent + PRIOR.0) / (f64::from(self.seen) + PRIOR.1);
        (least..MOST).find(|n| share.powi(i32::from(*n)) <= CHANCE).unwrap_or(MOST.max(least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(every: u32) -> u8 {
        let mut silence = Silence::default();
        (0..1_000).for_each(|i| silence.book(every > 0 && i % every == 0));
        silence.needed(3)
    }

    #[test]
    fn the_worse_the_network_the_more_silences_it_takes() {
        assert_eq!([0, 25, 10, 4, 2].map(needed), [3, 3, 4, 6, 11]);
        assert_eq!(Silence::default().needed(3), 3, "before anything is known");
        assert_eq!(Silence::default().needed(20), 20, "what is configured is the least");
    }

    #[test]
    fn servers_that_work_survive_a_bad_network() {
        let mut rng = crate::decide::rng::Rng::new(3);
        let mut silence = Silence::default();
        let mut killed = 0;
        for _ in 0..1_200 {
            let mut in_a_row = 0;
            for _ in 0..20 {
                let silent = rng.next_u64() % 100 < 8;
                if in_a_row == 0 {
                    silence.book(silent);
                }
                in_a_row = if silent { in_a_row + 1 } else { 0 };
                if in_a_row >= silence.needed(3) {
                    killed += 1;
                    break;
                }
            }
        }
        assert!(killed <= 6, "{killed} of 1,200 killed by chance");
    }
}
