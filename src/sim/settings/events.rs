//! What can be set about the simulated `EventBridge`.

use serde::{Deserialize, Serialize};

use super::Range;

/// How its rules and API destinations behave. Defaults are AWS's where it says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventsSettings {
    /// Is an API destination without TLS refused? AWS takes HTTPS only; on loopback there is little to
    /// hide.
    pub https_only: bool,
    /// Most invocations of an API destination a second, whatever it asks for (aws-facts 4.2).
    pub invocations_per_second: u32,
    /// The pause before an invocation is tried again doubles from the first to the second of these, each
    /// jittered down to a half. AWS gives no figures but 185 attempts in 24 hours, one in 467 s.
    pub pause: Range,
    /// Each event is sent to a target evenly 1 to so many times, with one id.
    pub copies_max: u32,
    /// From an event until its invocation is due, drawn for each copy: reordering.
    pub spread: Range,
}

impl Default for EventsSettings {
    fn default() -> Self {
        EventsSettings {
            https_only: false,
            invocations_per_second: 300,
            pause: Range { min_ms: 1_000, max_ms: 467_000 },
            copies_max: 1,
            spread: Range { min_ms: 0, max_ms: 0 },
        }
    }
}
