//! What becomes of the world's instances, and how fast they answer.

use std::time::Duration;

use crate::decide::rng::Rng;

/// The ways in which an instance is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// EC2 ends it while it boots.
    Dies,
    /// Its agent accepts connections and never answers.
    Hangs,
    /// It takes its configuration and answers 503 for ever.
    NeverReady,
    /// It runs, and nobody ever listens.
    Refuses,
    /// It stays pending for ever.
    NeverBoots,
}

/// One instance's future.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// From launch until its agent answers; EC2 says `running`, or it dies, at half of it.
    pub boot: Duration,
    /// From its configuration until it is healthy.
    pub configure: Duration,
    pub broken: Option<Broken>,
}

/// Which lives instances have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lives {
    /// Quick and evenly distributed, with three ways to break: for stories.
    Even,
    /// As in DRILLS.md: boot lognormal with median 26 s and p99 90 s, configure 20 and 60 s; half of
    /// the broken ones hang, the rest is spread over the other ways; answers take 10 ms.
    Drills,
    /// The same behind a bad network: answers take 300 ms in the median, 3 s at p99.
    SlowDrills,
}

impl Lives {
    pub fn draw(self, broken: bool, rng: &mut Rng) -> Life {
        match self {
            Lives::Even => {
                let kinds = [Broken::Dies, Broken::Hangs, Broken::NeverReady];
                let broken = broken.then(|| kinds[(rng.next_u64() % 3) as usize]);
                let boot = Duration::from_secs(10 + rng.next_u64() % 50);
                Life { boot, configure: Duration::from_secs(5 + rng.next_u64() % 30), broken }
            }
            Lives::Drills | Lives::SlowDrills => {
                let boot = lognormal(26.0, 90.0, rng);
                let configure = lognormal(20.0, 60.0, rng);
                let loud = [Broken::Dies, Broken::NeverReady, Broken::Refuses, Broken::NeverBoots];
                let kind = rng.next_u64() % 8;
                let kind = if kind < 4 { Broken::Hangs } else { loud[kind as usize - 4] };
                Life { boot, configure, broken: broken.then_some(kind) }
            }
        }
    }

    /// How long an answer to a contact takes.
    pub fn latency(self, rng: &mut Rng) -> Duration {
        match self {
            Lives::Even => Duration::from_millis(100 + rng.next_u64() % 400),
            Lives::Drills => Duration::from_millis(10),
            Lives::SlowDrills => lognormal(0.3, 3.0, rng),
        }
    }
}

/// From the lognormal distribution with this median and 99th percentile, in seconds.
pub fn lognormal(median: f64, p99: f64, rng: &mut Rng) -> Duration {
    let even = |rng: &mut Rng| ((rng.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    // Box and Muller.
    let z = (-2.0 * even(rng).ln()).sqrt() * (std::f64::consts::TAU * even(rng)).cos();
    Duration::from_secs_f64(median * ((p99 / median).ln() / 2.326 * z).exp())
}
