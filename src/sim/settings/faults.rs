//! What goes wrong with calls all the time; for what goes wrong at times see [`super::script`].

use serde::{Deserialize, Serialize};

/// Shares of all calls, drawn for each call from the seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Answered as too fast, in the service's own words, though the buckets would allow it.
    pub throttle: f64,
    /// Takes effect, and the connection closes without an answer.
    pub lost_replies: f64,
    /// The connection closes without an answer, and nothing happened.
    pub lost_replies_before: f64,
    /// Answered with the service's own 500: half of them before the effect, half after it.
    pub errors: f64,
}

impl Faults {
    pub(super) fn named(&self) -> [(&'static str, f64); 4] {
        [
            ("faults.throttle", self.throttle),
            ("faults.lost_replies", self.lost_replies),
            ("faults.lost_replies_before", self.lost_replies_before),
            ("faults.errors", self.errors),
        ]
    }
}
