//! The newest samples of one signal, and what they say.

use std::collections::VecDeque;
use std::time::Duration;

use super::spec::Signal;
use crate::decide::words::{Time, named};

/// Of samples that fall into the same so many milliseconds the newest is kept, however often they come.
const APART_MS: i64 = 10_000;
/// Most samples that are kept of one signal: more than 45 minutes of them, the longest that is compared, with
/// 30 minutes, the longest that one is fresh, before those.
const MOST: usize = 480;
/// A sample from further ahead than this comes from a clock that is not ours, and is dropped.
const AHEAD: Duration = Duration::from_secs(60);

named! {
    /// What one signal says.
    pub enum Says {
        /// The group has more than it needs.
        Idle = "idle",
        /// The group has not enough.
        Busy = "busy",
        Neither = "neither",
        /// It would be idle, but it was far from that a moment ago: a dip, or a fault.
        Sudden = "sudden",
        /// It would be idle, but its samples do not reach back far enough to tell.
        Young = "young",
        /// Its newest sample is too old, or there is none.
        Stale = "stale",
    }
}

/// Samples in order of their times.
#[derive(Clone, Debug, Default)]
pub struct Series(VecDeque<(Time, f64)>);

impl Series {
    /// Takes a sample in, whatever order they come in. False if it is not a number, or from the future.
    pub fn add(&mut self, at: Time, value: f64, now: Time) -> bool {
        if !value.is_finite() || at > now.plus(AHEAD) {
            return false;
        }
        let slot = |t: Time| t.0.div_euclid(APART_MS);
        let place = self.0.partition_point(|(t, _)| slot(*t) < slot(at));
        match self.0.get_mut(place).filter(|(t, _)| slot(*t) == slot(at)) {
            Some(known) if known.0 <= at => *known = (at, value),
            Some(_) => {}
            None => self.0.insert(place, (at, value)),
        }
        while self.0.len() > MOST {
            self.0.pop_front();
        }
        true
    }

    #[must_use]
    pub fn newest(&self) -> Option<(Time, f64)> {
        self.0.back().copied()
    }

    /// All that is kept, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = (Time, f64)> + '_ {
        self.0.iter().rev().copied()
    }

    /// What they say now.
    #[must_use]
    pub fn says(&self, signal: &Signal, now: Time) -> Says {
        let Some((at, value)) = self.newest().filter(|(at, _)| now.since(*at) <= signal.fresh_for) else {
            return Says::Stale;
        };
        if signal.is_busy(value) {
            return Says::Busy;
        }
        if !signal.is_idle(value) {
            return Says::Neither;
        }
        let from = at.minus(signal.steady_for);
        let lately: Vec<(Time, f64)> = self.0.iter().copied().filter(|(t, _)| *t >= from).collect();
        if lately.iter().any(|(_, was)| !signal.is_idle(*was) && signal.swung(*was, value)) {
            return Says::Sudden;
        }
        // One sample at the far end or before it, and no hole that could hide a busy hour.
        let reaches = self.0.front().is_some_and(|(t, _)| *t <= from);
        let before = self.0.iter().rev().find(|(t, _)| *t < from);
        let times: Vec<Time> = before.into_iter().chain(&lately).map(|(t, _)| *t).collect();
        let whole = times.windows(2).all(|w| w[1].since(w[0]) <= signal.fresh_for);
        if reaches && whole { Says::Idle } else { Says::Young }
    }
}

#[cfg(test)]
pub(in crate::decide) mod tests {
    use super::*;
    use crate::decide::signal::spec::{Source, Tells};

    const NOW: Time = Time(1_800_000_000_000);

    pub(in crate::decide) fn signal(name: &str, idle: f64, busy: f64) -> Signal {
        Signal {
            name: name.into(),
            tells: Tells::Other,
            source: Source::Pushed,
            fresh_for: Duration::from_secs(120),
            idle,
            busy,
            swing: 50,
            steady_for: Duration::from_secs(600),
        }
    }

    /// One sample a minute, the last one now.
    fn minutes(values: &[f64]) -> Series {
        let mut series = Series::default();
        for (ago, value) in (0..).zip(values.iter().rev()) {
            assert!(series.add(NOW.minus(Duration::from_secs(60 * ago)), *value, NOW));
        }
        series
    }

    #[test]
    fn marks_work_either_way_round() {
        let cpu = signal("cpu", 30.0, 70.0);
        let free = signal("free", 200.0, 20.0);
        let says = |s: &Signal, v: f64| minutes(&[v; 12]).says(s, NOW);
        assert_eq!([20.0, 50.0, 80.0].map(|v| says(&cpu, v)), [Says::Idle, Says::Neither, Says::Busy]);
        assert_eq!([300.0, 50.0, 10.0].map(|v| says(&free, v)), [Says::Idle, Says::Neither, Says::Busy]);
    }

    #[test]
    fn a_dip_is_sudden_until_it_has_lasted_and_a_slow_evening_is_idle() {
        let requests = signal("requests", 300.0, 900.0);
        let mut values = vec![600.0; 12];
        values.extend([60.0; 3]);
        assert_eq!(minutes(&values).says(&requests, NOW), Says::Sudden);
        values.extend([60.0; 10]);
        assert_eq!(minutes(&values).says(&requests, NOW), Says::Idle);
        let evening: Vec<f64> = (0..12).map(|n| 400.0 - 12.0 * f64::from(n)).collect();
        assert_eq!(minutes(&evening).says(&requests, NOW), Says::Idle);
    }

    #[test]
    fn noise_at_the_bottom_is_no_swing() {
        let retransmits = signal("retransmits", 1.0, 5.0);
        let noisy: Vec<f64> = (0..12).map(|n| if n % 2 == 0 { 0.9 } else { 0.0 }).collect();
        assert_eq!(minutes(&noisy).says(&retransmits, NOW), Says::Idle);
    }

    #[test]
    fn freshness_is_by_the_samples_own_time() {
        let cpu = signal("cpu", 30.0, 70.0);
        let series = minutes(&[20.0; 12]);
        assert_eq!(series.says(&cpu, NOW.plus(Duration::from_secs(120))), Says::Idle);
        assert_eq!(series.says(&cpu, NOW.plus(Duration::from_secs(121))), Says::Stale);
        assert_eq!(Series::default().says(&cpu, NOW), Says::Stale);
    }

    #[test]
    fn a_history_that_is_short_or_has_a_hole_is_not_believed() {
        let cpu = signal("cpu", 30.0, 70.0);
        assert_eq!(minutes(&[20.0; 10]).says(&cpu, NOW), Says::Young);
        let mut holed = minutes(&[20.0; 12]);
        holed.0.retain(|(t, _)| !(120..=240).contains(&NOW.since(*t).as_secs()));
        assert_eq!(holed.says(&cpu, NOW), Says::Young);
    }

    #[test]
    fn what_is_no_number_or_from_the_future_is_dropped() {
        let mut series = Series::default();
        assert!(!series.add(NOW, f64::NAN, NOW));
        assert!(!series.add(NOW.plus(Duration::from_secs(61)), 1.0, NOW));
        assert_eq!(series.newest(), None);
        for n in 0..2_000 {
            series.add(Time(n * APART_MS), 1.0, NOW);
        }
        assert_eq!(series.0.len(), MOST);
    }

    #[test]
    fn samples_that_come_every_second_reach_back_as_far_as_any() {
        let cpu = signal("cpu", 30.0, 70.0);
        let mut series = Series::default();
        for ago in (0..=620).rev() {
            series.add(NOW.minus(Duration::from_secs(ago)), 20.0, NOW);
        }
        assert_eq!((series.says(&cpu, NOW), series.newest()), (Says::Idle, Some((NOW, 20.0))));
        // One that was held up on its way does not take the newest one's place.
        series.add(NOW.minus(Duration::from_secs(5)), 90.0, NOW);
        assert_eq!(series.says(&cpu, NOW.plus(Duration::from_secs(1))), Says::Idle);
    }
}
