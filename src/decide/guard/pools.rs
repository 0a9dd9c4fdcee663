//! Which pool (subnet, hence zone) the next launch of a group goes to, and what is remembered of
//! pools that had nothing to give.

use std::time::Duration;

use crate::decide::group::Pool;
use crate::decide::wait::Wait;
use crate::decide::words::{ErrorClass, Time};

/// How long a pool without capacity is left alone (DESIGN section 5; AWS: "wait a few minutes").
const CAPACITY_MEMORY: Duration = Duration::from_secs(180);
/// How long an account limit is left alone. Limits change by a request to AWS or when something
/// else ends, neither of which is a matter of seconds.
const QUOTA_MEMORY: Duration = Duration::from_secs(60);

/// What is remembered of one pool.
#[derive(Clone, Debug, Default)]
struct Memory {
    shut_until: Option<Time>,
    /// Most instances in the next call, while it is being tried again (1, 2, 4, ...).
    probe: Option<u32>,
    /// Never again for this version: the type does not exist in this zone.
    never: bool,
    /// The account limit that shut it, for people.
    limit: Option<String>,
}

/// The pools of one group.
#[derive(Debug)]
pub struct Pools(Vec<Memory>);

/// Where to launch, and at most how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub pool: usize,
    pub most: u32,
}

impl Pools {
    #[must_use]
    pub fn new(n: usize) -> Pools {
        Pools(vec![Memory::default(); n])
    }

    /// The open pool with the fewest instances for its weight.
    pub fn choose(&self, now: Time, pools: &[Pool], taken: &[u32]) -> Result<Choice, Wait> {
        let open = |m: &Memory| !m.never && m.shut_until.is_none_or(|t| t <= now);
        // Fewest per weight without fractions: a/wa < b/wb  <=>  a*wb < b*wa.
        let best = (0..pools.len()).filter(|i| pools[*i].weight > 0 && open(&self.0[*i])).min_by(|a, b| {
            let cross = |x: usize, y: usize| u64::from(taken[x]) * u64::from(pools[y].weight);
            cross(*a, *b).cmp(&cross(*b, *a)).then(a.cmp(b))
        });
        if let Some(pool) = best {
            return Ok(Choice { pool, most: self.0[pool].probe.unwrap_or(u32::MAX) });
        }
        let until =
            self.0.iter().filter(|m| !m.never).filter_map(|m| m.shut_until).min().unwrap_or(Time::NEVER);
        let code = self.0.iter().find_map(|m| m.limit.clone().filter(|_| m.shut_until == Some(until)));
        Err(match code {
            Some(code) => Wait::Quota { code, until },
            None => Wait::Capacity { pools: u32::try_from(pools.len()).unwrap_or(u32::MAX), until },
        })
    }

    /// A launch of `asked` into a pool gave `got`.
    pub fn launched(&mut self, pool: usize, asked: u32, got: u32) {
        let Some(m) = self.0.get_mut(pool) else { return };
        m.shut_until = None;
        m.limit = None;
        if let Some(probe) = m.probe
            && got >= asked.min(probe)
        {
            // 1, 2, 4, ...: at 128 it is as good as any other.
            m.probe = (probe < 64).then_some(probe * 2);
        }
    }

    /// A launch of `asked` into a pool was refused.
    pub fn refused(&mut self, now: Time, pool: usize, asked: u32, class: ErrorClass, code: &str) {
        match class {
            ErrorClass::Unsupported => {
                if let Some(m) = self.0.get_mut(pool) {
                    m.never = true;
                }
            }
            // The limit may have room for fewer: halve until one does not fit either. 100, 50, ...,
            // 1 is 7 calls to find what fits.
            ErrorClass::Addresses | ErrorClass::TooMany if asked > 1 => self.halve(pool, asked),
            ErrorClass::Quota if asked > 1 => (0..self.0.len()).for_each(|p| self.halve(p, asked)),
            ErrorClass::Capacity | ErrorClass::Addresses => self.shut(pool, now.plus(CAPACITY_MEMORY)),
            ErrorClass::Quota | ErrorClass::TooMany => {
                for p in 0..self.0.len() {
                    self.shut(p, now.plus(QUOTA_MEMORY));
                    self.0[p].limit = Some(code.to_string());
                }
            }
            ErrorClass::Throttle
            | ErrorClass::Unknown
            | ErrorClass::TokenSpent
            | ErrorClass::TokenMismatch
            | ErrorClass::NotFound
            | ErrorClass::Size
            | ErrorClass::Contention
            | ErrorClass::NoAction
            | ErrorClass::Configuration => {}
        }
    }

    fn halve(&mut self, pool: usize, asked: u32) {
        if let Some(m) = self.0.get_mut(pool) {
            m.probe = Some(m.probe.unwrap_or(u32::MAX).min(asked / 2).max(1));
        }
    }

    fn shut(&mut self, pool: usize, until: Time) {
        if let Some(m) = self.0.get_mut(pool) {
            m.shut_until = Some(until);
            m.probe = Some(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_800_000_000_000);

    fn three() -> Vec<Pool> {
        ["a", "b", "c"]
            .map(|z| Pool { subnet: format!("subnet-{z}"), zone: z.to_string(), weight: 100 })
            .to_vec()
    }

    #[test]
    fn launches_spread_by_weight() {
        let (mut pools, memory) = (three(), Pools::new(3));
        pools[1].weight = 50;
        pools[2].weight = 0;
        let mut taken = [0u32; 3];
        for _ in 0..150 {
            taken[memory.choose(NOW, &pools, &taken).unwrap().pool] += 1;
        }
        assert_eq!(taken, [100, 50, 0]);
    }

    #[test]
    fn a_zone_without_capacity_is_left_for_three_minutes_and_then_probed_with_one_two_four() {
        let (pools, mut memory) = (three(), Pools::new(3));
        memory.refused(NOW, 0, 100, ErrorClass::Capacity, "InsufficientInstanceCapacity");
        assert_eq!(memory.choose(NOW, &pools, &[0, 9, 9]).unwrap().pool, 1);
        let later = NOW.plus(Duration::from_secs(180));
        for most in [1, 2, 4, 8] {
            assert_eq!(memory.choose(later, &pools, &[0, 9, 9]), Ok(Choice { pool: 0, most }));
            memory.launched(0, most, most);
        }
    }

    #[test]
    fn when_no_zone_has_capacity_the_wait_says_until_when() {
        let (pools, mut memory) = (three(), Pools::new(3));
        for (pool, second) in [0, 1, 2].into_iter().zip(0..) {
            memory.refused(NOW.plus(Duration::from_secs(second)), pool, 100, ErrorClass::Capacity, "x");
        }
        let wait = memory.choose(NOW.plus(Duration::from_secs(9)), &pools, &[0; 3]);
        assert_eq!(wait, Err(Wait::Capacity { pools: 3, until: NOW.plus(Duration::from_secs(180)) }));
    }

    #[test]
    fn an_account_limit_is_approached_by_halves_and_then_left_alone() {
        let (pools, mut memory) = (three(), Pools::new(3));
        let mut asked = 100;
        let mut calls = 0;
        while let Ok(choice) = memory.choose(NOW, &pools, &[0; 3]) {
            asked = choice.most.min(asked);
            memory.refused(NOW, choice.pool, asked, ErrorClass::Quota, "VcpuLimitExceeded");
            calls += 1;
        }
        assert_eq!(calls, 7);
        let until = NOW.plus(QUOTA_MEMORY);
        assert_eq!(
            memory.choose(NOW, &pools, &[0; 3]),
            Err(Wait::Quota { code: "VcpuLimitExceeded".into(), until })
        );
    }

    #[test]
    fn a_zone_that_cannot_have_the_type_is_never_asked_again() {
        let (pools, mut memory) = (three(), Pools::new(3));
        memory.refused(NOW, 0, 1, ErrorClass::Unsupported, "Unsupported");
        let next_year = NOW.plus(Duration::from_secs(365 * 86_400));
        assert_eq!(memory.choose(next_year, &pools, &[0, 9, 9]).unwrap().pool, 1);
    }
}
