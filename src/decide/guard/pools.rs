//! Which pool (subnet, hence zone) the next launch of a group goes to, and what is remembered of
//! pools that had nothing to give.

use std::collections::BTreeSet;
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

/// What a group has to choose from.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    pub pools: &'a [Pool],
    /// What each has of its configured weight, by order.
    pub percents: &'a [u8],
    /// Places taken in each.
    pub taken: &'a [u32],
    /// Instances to be launched now or soon.
    pub wanted: u32,
}

impl Offer<'_> {
    fn weight(&self, pool: usize) -> u64 {
        u64::from(self.pools[pool].weight) * u64::from(self.percents[pool])
    }

    /// Most instances for a pool where some weigh less than others: what makes its share of all, and one at
    /// least. None where all weigh the same: they are filled by whole batches in turn.
    fn share(&self, pool: usize, open: &[usize]) -> Option<u32> {
        let weight = self.weight(pool);
        if open.iter().all(|i| self.weight(*i) == weight) {
            return None;
        }
        let taken: u64 = open.iter().map(|i| u64::from(self.taken[*i])).sum();
        let all: u64 = open.iter().map(|i| self.weight(*i)).sum();
        let fair = ((taken + u64::from(self.wanted)) * weight).div_ceil(all.max(1));
        Some(u32::try_from(fair).unwrap_or(u32::MAX).saturating_sub(self.taken[pool]).max(1))
    }

    /// Zones that an order keeps from being launched in.
    fn closed(&self) -> u32 {
        let of = |i: usize| self.pools[i].weight > 0 && !eligible(&self.pools[i], self.percents[i]);
        let zones: BTreeSet<&str> =
            (0..self.pools.len()).filter(|i| of(*i)).map(|i| self.pools[i].zone.as_str()).collect();
        u32::try_from(zones.len()).unwrap_or(u32::MAX)
    }
}

/// Whether anything may be launched in a pool that has so much of its weight.
#[must_use]
pub fn eligible(pool: &Pool, percent: u8) -> bool {
    pool.weight > 0 && percent > 0
}

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

    /// The open pool with the fewest instances for its weight, one more counted: so a pool of 1 % gets the
    /// hundredth instance and not the first.
    pub fn choose(&self, now: Time, offer: &Offer<'_>) -> Result<Choice, Wait> {
        let open = |m: &Memory| !m.never && m.shut_until.is_none_or(|t| t <= now);
        let all: Vec<usize> =
            (0..offer.pools.len()).filter(|i| offer.weight(*i) > 0 && open(&self.0[*i])).collect();
        // Fewest per weight without fractions: a/wa < b/wb  <=>  a*wb < b*wa.
        let best = all.iter().copied().min_by(|a, b| {
            let cross = |x: usize, y: usize| (u64::from(offer.taken[x]) + 1) * offer.weight(y);
            cross(*a, *b).cmp(&cross(*b, *a)).then(a.cmp(b))
        });
        if let Some(pool) = best {
            let most = self.0[pool].probe.unwrap_or(u32::MAX);
            return Ok(Choice { pool, most: offer.share(pool, &all).map_or(most, |share| most.min(share)) });
        }
        let closed = offer.closed();
        let kept = (0..offer.pools.len()).filter(|i| offer.weight(*i) > 0).map(|i| &self.0[i]);
        let until = kept.filter(|m| !m.never).filter_map(|m| m.shut_until).min().unwrap_or(Time::NEVER);
        if closed > 0 {
            return Err(Wait::ZoneWeights { closed, until });
        }
        let pools = offer.pools;
        let code = self.0.iter().find_map(|m| m.limit.clone().filter(|_| m.shut_until == Some(until)));
        Err(match code {
            Some(code) => Wait::Quota { code, until },
            None => Wait::Capacity { pools: u32::try_from(pools.len()).unwrap_or(u32::MAX), until },
        })
    }

    /// Pools that are left alone for now, and until when.
    pub fn resting(&self, now: Time) -> impl Iterator<Item = (usize, Time)> + '_ {
        let memories = self.0.iter().enumerate();
        memories.filter_map(move |(i, m)| Some((i, m.shut_until.filter(|t| *t > now)?)))
    }

    /// It is left alone for now.
    #[must_use]
    pub fn rests(&self, pool: usize, now: Time) -> bool {
        self.0.get(pool).is_some_and(|m| m.shut_until.is_some_and(|t| t > now))
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
            // A limit of the whole account is remembered for less long than a zone that had nothing.
            m.shut_until = Some(m.shut_until.map_or(until, |before| before.max(until)));
            m.probe = Some(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Time = Time(1_800_000_000_000);

    fn offer<'a>(pools: &'a [Pool], taken: &'a [u32]) -> Offer<'a> {
        Offer { pools, percents: &[100; 3], taken, wanted: 100 }
    }

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
            taken[memory.choose(NOW, &offer(&pools, &taken)).unwrap().pool] += 1;
        }
        assert_eq!(taken, [100, 50, 0]);
    }

    #[test]
    fn a_zone_without_capacity_is_left_for_three_minutes_and_then_probed_with_one_two_four() {
        let (pools, mut memory) = (three(), Pools::new(3));
        memory.refused(NOW, 0, 100, ErrorClass::Capacity, "InsufficientInstanceCapacity");
        assert_eq!(memory.choose(NOW, &offer(&pools, &[0, 9, 9])).unwrap().pool, 1);
        let later = NOW.plus(Duration::from_secs(180));
        for most in [1, 2, 4, 8] {
            assert_eq!(memory.choose(later, &offer(&pools, &[0, 9, 9])), Ok(Choice { pool: 0, most }));
            memory.launched(0, most, most);
        }
    }

    #[test]
    fn when_no_zone_has_capacity_the_wait_says_until_when() {
        let (pools, mut memory) = (three(), Pools::new(3));
        for (pool, second) in [0, 1, 2].into_iter().zip(0..) {
            memory.refused(NOW.plus(Duration::from_secs(second)), pool, 100, ErrorClass::Capacity, "x");
        }
        let wait = memory.choose(NOW.plus(Duration::from_secs(9)), &offer(&pools, &[0; 3]));
        assert_eq!(wait, Err(Wait::Capacity { pools: 3, until: NOW.plus(Duration::from_secs(180)) }));
    }

    #[test]
    fn an_account_limit_is_approached_by_halves_and_then_left_alone() {
        let (pools, mut memory) = (three(), Pools::new(3));
        let mut asked = 100;
        let mut calls = 0;
        while let Ok(choice) = memory.choose(NOW, &offer(&pools, &[0; 3])) {
            asked = choice.most.min(asked);
            memory.refused(NOW, choice.pool, asked, ErrorClass::Quota, "VcpuLimitExceeded");
            calls += 1;
        }
        assert_eq!(calls, 7);
        let until = NOW.plus(QUOTA_MEMORY);
        assert_eq!(
            memory.choose(NOW, &offer(&pools, &[0; 3])),
            Err(Wait::Quota { code: "VcpuLimitExceeded".into(), until })
        );
    }

    #[test]
    fn an_account_limit_does_not_open_a_zone_that_had_no_capacity() {
        let (pools, mut memory) = (three(), Pools::new(3));
        memory.refused(NOW, 0, 1, ErrorClass::Capacity, "InsufficientInstanceCapacity");
        memory.refused(NOW, 1, 1, ErrorClass::Quota, "VcpuLimitExceeded");
        let later = NOW.plus(QUOTA_MEMORY);
        assert_eq!(memory.choose(later, &offer(&pools, &[0, 9, 9])).unwrap().pool, 1);
        assert!(memory.rests(0, later) && !memory.rests(1, later));
    }

    #[test]
    fn a_zone_that_cannot_have_the_type_is_never_asked_again() {
        let (pools, mut memory) = (three(), Pools::new(3));
        memory.refused(NOW, 0, 1, ErrorClass::Unsupported, "Unsupported");
        let next_year = NOW.plus(Duration::from_secs(365 * 86_400));
        assert_eq!(memory.choose(next_year, &offer(&pools, &[0, 9, 9])).unwrap().pool, 1);
    }

    #[test]
    fn shares_follow_weights_whatever_the_batches() {
        let pools = three();
        proptest!(|(percents in any::<[u8; 3]>(), wanted in 1u32..2_000, batch in 1u32..200)| {
            let percents = percents.map(|p| p % 101);
            let all: u32 = percents.iter().map(|p| u32::from(*p)).sum();
            prop_assume!(all > 0);
            let (memory, mut taken, mut left) = (Pools::new(3), [0u32; 3], wanted);
            while left > 0 {
                let offer = Offer { pools: &pools, percents: &percents, taken: &taken, wanted: left };
                let choice = memory.choose(NOW, &offer).unwrap();
                let n = choice.most.min(batch).min(left);
                taken[choice.pool] += n;
                left -= n;
            }
            let open: Vec<u8> = percents.iter().copied().filter(|p| *p > 0).collect();
            // Where all weigh the same, whole batches go out in turn.
            let slack = if open.iter().all(|p| *p == open[0]) { f64::from(batch) } else { 2.0 };
            for (pool, percent) in percents.iter().enumerate() {
                let fair = f64::from(wanted) * f64::from(*percent) / f64::from(all);
                prop_assert!((f64::from(taken[pool]) - fair).abs() <= slack, "{taken:?} for {percents:?}");
                prop_assert!(*percent > 0 || taken[pool] == 0);
            }
        });
    }

    #[test]
    fn a_zone_that_is_closed_by_order_is_said_when_the_others_are_shut() {
        let (pools, mut memory) = (three(), Pools::new(3));
        let closed = Offer { percents: &[0, 100, 100], ..offer(&pools, &[0, 9, 9]) };
        assert_eq!(memory.choose(NOW, &closed).unwrap().pool, 1);
        for pool in [1, 2] {
            memory.refused(NOW, pool, 1, ErrorClass::Capacity, "InsufficientInstanceCapacity");
        }
        let until = NOW.plus(CAPACITY_MEMORY);
        assert_eq!(memory.choose(NOW, &closed), Err(Wait::ZoneWeights { closed: 1, until }));
    }
}
