//! A signal as it is configured.

use std::time::Duration;

use crate::decide::words::named;

named! {
    /// What a signal tells of.
    pub enum Tells {
        Cpu = "cpu",
        Workers = "workers",
        Latency = "latency",
        Retransmits = "retransmits",
        Requests = "requests",
        Other = "other",
    }
}

/// One signal of a group.
///
/// A value at `idle` or beyond it means that the group has more than it needs, one at `busy` or beyond
/// that it has not enough; between the two it says neither. Which of them is the larger says which way is
/// which: CPU is idle at 30 and busy at 70, free workers are idle at 200 and busy at 20.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    pub name: String,
    pub tells: Tells,
    pub source: Source,
    /// A sample older than this says nothing, by the sample's own time.
    pub fresh_for: Duration,
    /// Never equal to `busy`.
    pub idle: f64,
    pub busy: f64,
    /// A value that came this much closer to idle within `steady_for`, in percent of what it was, is not
    /// believed: 1 to 99. Lower: a slow evening counts as a fault. Higher: a dip counts as an evening.
    pub swing: u8,
    /// For how long samples are compared, and how far they must reach back for idle to be believed.
    pub steady_for: Duration,
}

/// Where samples come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    CloudWatch(Metric),
    /// `POST /v1/groups/{group}/signals`
    Pushed,
}

/// A metric of CloudWatch's, and how it is summed up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    pub namespace: String,
    pub name: String,
    pub dimensions: Vec<(String, String)>,
    /// `Average`, `Sum`, `p99`, ...
    pub statistic: String,
    /// A multiple of 60 s.
    pub period: Duration,
}

impl Signal {
    /// A low value is idle.
    #[must_use]
    pub fn falls_to_idle(&self) -> bool {
        self.idle < self.busy
    }

    #[must_use]
    pub fn is_idle(&self, value: f64) -> bool {
        reaches(value, self.idle, self.busy)
    }

    #[must_use]
    pub fn is_busy(&self, value: f64) -> bool {
        reaches(value, self.busy, self.idle)
    }

    /// It came at least `swing` closer to idle than it was.
    #[must_use]
    pub fn swung(&self, was: f64, value: f64) -> bool {
        let left = 1.0 - f64::from(self.swing) / 100.0;
        if self.falls_to_idle() { value <= was * left } else { value * left >= was }
    }
}

/// As far as `mark`, or further away from the other one.
fn reaches(value: f64, mark: f64, other: f64) -> bool {
    if mark < other { value <= mark } else { value >= mark }
}
