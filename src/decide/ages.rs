//! How many of a scale-up are on their way, by when they were launched.

use std::collections::VecDeque;

use super::words::Time;

/// Those launched within so long count as launched together: a fourteenth of a usual way into service. Shorter: more
/// cohorts to add up for each estimate. Longer: ages are less true.
const TOGETHER_MS: i64 = 4_000;
/// Most cohorts: a steady pace of launches makes as many in two minutes. Above, the two oldest become one.
const MOST: usize = 32;

/// Cohorts, oldest first.
#[derive(Clone, Debug)]
pub struct Ages {
    cohorts: VecDeque<Cohort>,
    /// Whoever was launched before this is in the oldest cohort.
    joined_before: i64,
}

#[derive(Clone, Copy, Debug)]
struct Cohort {
    /// Where its interval begins, milliseconds since the epoch.
    from: i64,
    /// By how much its members were launched after that, all added up; below 0 for those that joined it.
    after: i64,
    n: u32,
}

impl Default for Ages {
    fn default() -> Self {
        Ages { cohorts: VecDeque::new(), joined_before: i64::MIN }
    }
}

impl Ages {
    /// One that was launched then is on its way.
    pub fn add(&mut self, launched_at: Time) {
        match self.find(launched_at) {
            Ok(i) => {
                let cohort = &mut self.cohorts[i];
                cohort.n += 1;
                cohort.after += launched_at.0 - cohort.from;
            }
            Err(i) => {
                let from = interval_of(launched_at);
                self.cohorts.insert(i, Cohort { from, after: launched_at.0 - from, n: 1 });
            }
        }
        if self.cohorts.len() > MOST
            && let Some(oldest) = self.cohorts.pop_front()
            && let Some(next) = self.cohorts.front_mut()
        {
            next.after += oldest.after - (next.from - oldest.from) * i64::from(oldest.n);
            next.n += oldest.n;
            self.joined_before = next.from;
        }
    }

    /// One that was launched then is there, or is not coming.
    pub fn remove(&mut self, launched_at: Time) {
        let Ok(i) = self.find(launched_at) else { return };
        let cohort = &mut self.cohorts[i];
        cohort.n = cohort.n.saturating_sub(1);
        cohort.after -= launched_at.0 - cohort.from;
        if cohort.n == 0 {
            self.cohorts.remove(i);
        }
        if self.cohorts.is_empty() {
            self.joined_before = i64::MIN;
        }
    }

    /// Of each cohort, how many it has and how long ago they were launched, in seconds, on average.
    pub fn iter(&self, now: Time) -> impl Iterator<Item = (u32, f64)> {
        self.cohorts.iter().map(move |c| {
            let mean = Time(c.from + c.after / i64::from(c.n.max(1)));
            (c.n, now.since(mean).as_secs_f64())
        })
    }

    /// The cohort of those launched then, or where it would be.
    fn find(&self, launched_at: Time) -> Result<usize, usize> {
        if launched_at.0 < self.joined_before && !self.cohorts.is_empty() {
            return Ok(0);
        }
        self.cohorts.binary_search_by_key(&interval_of(launched_at), |c| c.from)
    }
}

fn interval_of(at: Time) -> i64 {
    at.0 - at.0.rem_euclid(TOGETHER_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Time {
        Time(1_800_000_000_000 + s * 1_000)
    }

    fn ages(ages: &Ages, now: i64) -> Vec<(u32, f64)> {
        ages.iter(at(now)).collect()
    }

    #[test]
    fn those_launched_together_are_one_cohort_of_their_mean_age() {
        let mut a = Ages::default();
        for s in [0, 1, 2, 8] {
            a.add(at(s));
        }
        assert_eq!(ages(&a, 10), [(3, 9.0), (1, 2.0)]);
        a.remove(at(1));
        a.remove(at(8));
        a.remove(at(8));
        assert_eq!(ages(&a, 10), [(2, 9.0)], "who is not there cannot leave");
    }

    #[test]
    fn the_oldest_are_joined_and_leave_as_they_came() {
        let mut a = Ages::default();
        let times: Vec<i64> = (0..100).map(|i| i * 4).collect();
        for s in &times {
            a.add(at(*s));
        }
        let before = ages(&a, 400);
        assert_eq!(before.len(), MOST);
        // 0, 4, ... 272 are 69, 136 on average; the next is the one of 276.
        assert_eq!(before[..2], [(69, 264.0), (1, 124.0)]);
        // The same came a second time, and one of a time that has no cohort any more: they join.
        a.add(at(2));
        assert_eq!(ages(&a, 400)[0].0, 70);
        a.remove(at(2));
        assert_eq!(ages(&a, 400), before);
        for s in times.iter().rev() {
            a.remove(at(*s));
        }
        assert_eq!(ages(&a, 400), []);
        a.add(at(2));
        assert_eq!(ages(&a, 3), [(1, 1.0)], "all is forgotten");
    }
}
