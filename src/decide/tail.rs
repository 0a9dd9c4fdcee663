//! When the last of many comes: the arithmetic behind the ETA.
//!
//! What takes time at random is taken to be lognormal ([`Shape`]). What breaks is launched again, and what comes then
//! may break again ([`Course`]). The last of many is there when as many are expected to be missing as make "none is"
//! an even chance ([`Rest::finish`]): the median of the end, which is as often too early as too late.

use std::f64::consts::{LN_2, PI, SQRT_2};

/// Rounds of replacements that are told apart. One in ten of 10,000 leaves less than one after four.
const ROUNDS: usize = 6;
/// A share of what breaks above which nothing would ever be done.
const MOST_BREAK: f64 = 0.9;
/// Nothing is expected later than in a day, in seconds.
const A_DAY: f64 = 86_400.0;
/// What is launched at a steady pace is cut into pieces, seconds from its end; each next is twice as long. The last
/// boots count most: those of 10 s are about as old as each other.
const LAST_PIECE: f64 = 10.0;

/// How long one takes, in seconds: lognormal, as boots are. Half take longer than the median; one in six longer than
/// the median times e to the spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    pub median: f64,
    pub spread: f64,
}

impl Shape {
    /// Spreads from the median at which these seconds lie.
    fn z(self, seconds: f64) -> f64 {
        (seconds.max(1e-3) / self.median).ln() / self.spread
    }

    /// The share that takes longer.
    #[must_use]
    pub fn later(self, seconds: f64) -> f64 {
        above(self.z(seconds))
    }

    /// What a share `q` (0 to 1, both excluded) takes longer than.
    #[must_use]
    pub fn exceeded_by(self, q: f64) -> f64 {
        self.median * (self.spread * exceeded(q)).exp()
    }

    /// How long the slowest of `n` takes: as long as is exceeded in half of all cases.
    #[must_use]
    pub fn slowest(self, n: u32) -> f64 {
        // All n are below a time with (1 - q)^n.
        let q = -(-LN_2 / f64::from(n.max(1))).exp_m1();
        self.exceeded_by(q)
    }

    fn mean(self) -> f64 {
        self.median * (self.spread * self.spread / 2.0).exp()
    }

    fn variance(self) -> f64 {
        (self.spread * self.spread).exp_m1() * self.mean().powi(2)
    }

    /// The lognormal with this mean and variance (Fenton and Wilkinson, for sums).
    fn of(mean: f64, variance: f64) -> Shape {
        let square = (variance / (mean * mean)).ln_1p();
        Shape { median: mean / (square / 2.0).exp(), spread: square.sqrt().max(1e-3) }
    }

    /// How long it takes yet, on average, for those who have waited so long.
    #[must_use]
    pub fn yet(self, waited: f64) -> f64 {
        let z = self.z(waited);
        let share = above(z);
        if share < 1e-9 {
            return waited * self.spread / z.max(1.0);
        }
        (self.mean() * above(z - self.spread) / share - waited).max(0.0)
    }
}

/// The way of one place of a scale-up, from a launch until something serves there.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// From launch into service, of those that work.
    pub good: Shape,
    /// From launch until given up, of those that do not.
    pub given_up: Shape,
    /// The share that breaks, 0 to 0.9.
    pub broken: f64,
    /// From giving one up until the next is launched, seconds.
    pub replaced_in: f64,
    rounds: [(f64, Shape); ROUNDS],
}

impl Course {
    #[must_use]
    pub fn new(good: Shape, given_up: Shape, broken: f64, replaced_in: f64) -> Course {
        let broken = broken.clamp(0.0, MOST_BREAK);
        let (mut weight, mut before) = (1.0, (0.0, 0.0));
        let mut rounds = [(0.0, good); ROUNDS];
        for round in &mut rounds {
            let (mean, variance) = before;
            let takes =
                if mean > 0.0 { Shape::of(mean + good.mean(), variance + good.variance()) } else { good };
            *round = (weight * (1.0 - broken), takes);
            weight *= broken;
            before = (mean + given_up.mean() + replaced_in, variance + given_up.variance());
        }
        // What would break in still later rounds is counted with the last.
        rounds[ROUNDS - 1].0 += weight;
        Course { good, given_up, broken, replaced_in, rounds }
    }

    /// The chance that nothing serves yet so many seconds after the first launch.
    #[must_use]
    pub fn later(&self, seconds: f64) -> f64 {
        if seconds <= 0.0 {
            return 1.0;
        }
        let rounds = self.rounds.iter().take_while(|(weight, _)| *weight > 1e-7);
        rounds.map(|(weight, takes)| weight * takes.later(seconds)).sum()
    }

    /// The chance that one is broken that was launched so long ago and has neither come nor been given up.
    #[must_use]
    pub fn suspicion(&self, age: f64) -> f64 {
        suspicion(self.broken, self.good.later(age), self.given_up.later(age))
    }
}

/// The chance that one that still waits is broken, if so large shares of the good and of the broken ones wait longer.
#[must_use]
pub fn suspicion(broken: f64, good_wait: f64, broken_wait: f64) -> f64 {
    let (good, bad) = ((1.0 - broken) * good_wait, broken * broken_wait);
    if good + bad > 1e-12 { bad / (good + bad) } else { broken }
}

/// What is not in service yet.
#[derive(Debug)]
pub struct Rest {
    course: Course,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    /// Launched, for so long. `wait`: the share of the good ones that waits so long; `suspicion`: of these, how
    /// many are broken; `again`: when those are launched again.
    UnderWay { n: f64, age: f64, wait: f64, suspicion: f64, again: f64 },
    /// To be launched, or launched again, in so many seconds.
    ToCome { n: f64, after: f64 },
}

impl Rest {
    #[must_use]
    pub fn new(course: Course) -> Rest {
        Rest { course, parts: Vec::new() }
    }

    /// `n` that were launched `age` seconds ago.
    pub fn under_way(&mut self, n: u32, age: f64) {
        let c = &self.course;
        let again = c.given_up.yet(age) + c.replaced_in;
        let (wait, suspicion) = (c.good.later(age).max(1e-12), c.suspicion(age));
        self.parts.push(Part::UnderWay { n: n.into(), age, wait, suspicion, again });
    }

    /// `n` that are launched in `after` seconds.
    pub fn to_come(&mut self, n: f64, after: f64) {
        if n > 0.0 {
            self.parts.push(Part::ToCome { n, after });
        }
    }

    /// `n` that are launched one after the other, the last in `until` seconds, the first in `from`.
    pub fn spread(&mut self, n: f64, from: f64, until: f64) {
        let whole = (until - from).max(0.0);
        let (mut done, mut piece) = (0.0, LAST_PIECE);
        while whole - done > piece {
            self.to_come(n * piece / whole, until - done - piece / 2.0);
            done += piece;
            piece *= 2.0;
        }
        let left = if whole > 0.0 { (whole - done) / whole } else { 1.0 };
        self.to_come(n * left, until - done - (whole - done) / 2.0);
    }

    /// How unlikely it is that all are there after so many seconds: the negative logarithm of the chance.
    fn missing(&self, seconds: f64) -> f64 {
        let c = &self.course;
        let of = |part: &Part| {
            let (n, late) = match *part {
                Part::UnderWay { n, age, wait, suspicion, again } => {
                    let good = c.good.later(age + seconds) / wait;
                    (n, (1.0 - suspicion) * good.min(1.0) + suspicion * c.later(seconds - again))
                }
                Part::ToCome { n, after } => (n, c.later(seconds - after)),
            };
            -n * (-late.min(1.0 - 1e-9)).ln_1p()
        };
        self.parts.iter().map(of).sum()
    }

    /// Seconds until all are there, exceeded in half of all cases; 0 if nothing is missing.
    #[must_use]
    pub fn finish(&self) -> f64 {
        if self.parts.is_empty() {
            return 0.0;
        }
        let (mut low, mut high) = (0.0, 60.0);
        while self.missing(high) > LN_2 {
            if high >= A_DAY {
                return A_DAY;
            }
            (low, high) = (high, high * 2.0);
        }
        // To half a second, or a hundredth.
        while high - low > (high * 0.01).max(0.5) {
            let middle = f64::midpoint(low, high);
            if self.missing(middle) > LN_2 {
                low = middle;
            } else {
                high = middle;
            }
        }
        f64::midpoint(low, high)
    }
}

/// The share of a standard normal distribution above `z` (Abramowitz and Stegun 26.2.17, to 1e-7; far out, where that
/// is too coarse, the first terms of 26.2.12).
#[must_use]
pub fn above(z: f64) -> f64 {
    let density = (-z * z / 2.0).exp() / (SQRT_2 * PI.sqrt());
    let tail = if z.abs() > 4.0 {
        let square = z * z;
        density / z.abs() * (1.0 - 1.0 / square + 3.0 / (square * square))
    } else {
        let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
        let series = t
            * (0.319_381_53
                + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
        density * series
    };
    if z >= 0.0 { tail } else { 1.0 - tail }
}

/// What a share `q` of it is above (26.2.23, to 5e-4).
#[must_use]
pub fn exceeded(q: f64) -> f64 {
    if q > 0.5 {
        return -exceeded(1.0 - q);
    }
    let t = (-2.0 * q.max(1e-12).ln()).sqrt();
    t - (2.515_517 + t * (0.802_853 + t * 0.010_328))
        / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAY: Shape = Shape { median: 57.0, spread: 0.36 };
    const GIVEN_UP: Shape = Shape { median: 55.0, spread: 0.6 };

    fn about(is: f64, wanted: f64, percent: f64) {
        assert!((is - wanted).abs() <= wanted * percent / 100.0, "{is} is not {wanted} to {percent} %");
    }

    fn course(broken: f64) -> Course {
        Course::new(WAY, GIVEN_UP, broken, 12.0)
    }

    #[test]
    fn the_normal_tail_is_what_the_tables_say_and_its_own_inverse() {
        for (z, q) in [(0.0, 0.5), (1.0, 0.158_655), (-1.0, 0.841_345), (3.0, 1.349_9e-3), (5.0, 2.866_5e-7)]
        {
            about(above(z), q, 0.1);
        }
        for q in [0.9, 0.5, 0.1, 0.01, 1e-4] {
            about(above(exceeded(q)), q, 1.0);
        }
    }

    /// By the inverse of the normal distribution, worked out elsewhere to 1e-9.
    #[test]
    fn the_slowest_of_many_takes_longer_than_one() {
        for (n, takes) in [(1, 57.0), (30, 117.03), (200, 150.70), (1_000, 180.22)] {
            about(WAY.slowest(n), takes, 0.1);
        }
    }

    /// Against the tail added up in steps of 0.05 s.
    #[test]
    fn whoever_has_waited_takes_a_while_yet() {
        for (waited, yet) in [(0.0, 60.815), (40.0, 26.125), (100.0, 17.904)] {
            about(WAY.yet(waited), yet, 0.5);
        }
        let far = WAY.yet(3_000.0);
        assert!(far.is_finite() && far > WAY.yet(100.0), "{far}");
    }

    /// Against a million ways by dice, one in ten broken.
    #[test]
    fn what_breaks_comes_rounds_later() {
        for (after, missing) in
            [(60.0, 0.498), (100.0, 0.1348), (150.0, 0.0409), (200.0, 0.0146), (300.0, 0.0023)]
        {
            about(course(0.1).later(after), missing, 12.0);
        }
        about(course(0.0).later(100.0), WAY.later(100.0), 1e-6);
        about(course(0.5).later(-1.0), 1.0, 1e-6);
        assert!(course(1.0).later(1_000.0) < 1.0, "bounded");
    }

    /// By Bayes: of those that break 1 in 10 is left of 100, of the good ones 18 in 1,000, and so on.
    #[test]
    fn the_longer_one_waits_the_likelier_it_is_broken() {
        for (age, share) in [(1.0, 0.1), (60.0, 0.0998), (120.0, 0.357)] {
            about(course(0.1).suspicion(age), share, 1.0);
        }
        about(course(0.1).suspicion(1e6), 0.1, 1e-6);
        about(suspicion(0.0, 1e-20, 1.0), 0.0, 0.0);
    }

    /// By dice: the median of some thousand fleets.
    #[test]
    fn the_end_is_the_median_of_what_dice_say() {
        let fresh = |n, broken| {
            let mut rest = Rest::new(course(broken));
            rest.to_come(n, 0.0);
            rest.finish()
        };
        about(fresh(1_000.0, 0.0), 180.2, 1.5);
        about(fresh(1_000.0, 0.1), 369.7, 5.0);
        about(fresh(1.0, 0.0), 57.0, 1.5);
        let mut rest = Rest::new(course(0.0));
        rest.under_way(100, 80.0);
        about(rest.finish(), 89.6, 2.0);
        let mut rest = Rest::new(course(0.0));
        rest.spread(2_000.0, 0.0, 500.0);
        about(rest.finish(), 632.9, 1.0);
    }

    #[test]
    fn nothing_is_there_at_once_and_what_never_ends_in_a_day() {
        assert!(Rest::new(course(0.0)).finish() <= 0.0);
        let mut rest = Rest::new(course(0.0));
        rest.spread(10.0, 0.0, 1e9);
        about(rest.finish(), A_DAY, 0.0);
        let mut rest = Rest::new(course(0.0));
        rest.spread(10.0, 30.0, 30.0);
        rest.spread(0.0, 0.0, 0.0);
        about(rest.finish(), 30.0 + WAY.slowest(10), 2.0);
    }
}
