//! What can be set about the simulated SQS.

use serde::{Deserialize, Serialize};

/// How its queues behave. Defaults are AWS's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SqsSettings {
    /// Share of receives, in percent, after which the same message can be received once more while it
    /// is in flight: "at least once" taken at its word. AWS gives no figure.
    pub duplicates: f64,
    /// Messages come in the order in which they were sent. SQS does not promise it for standard
    /// queues, so the default is chance.
    pub in_order: bool,
    /// Most messages of one queue in flight (aws-facts 4.3).
    pub in_flight_max: u32,
}

impl Default for SqsSettings {
    fn default() -> Self {
        SqsSettings { duplicates: 0.0, in_order: false, in_flight_max: 120_000 }
    }
}
