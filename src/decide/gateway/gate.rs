//! What is configured and written down of a gate: a group that depends on a gateway, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::decide::guard::lease::Lease;
use crate::decide::words::{ScaleUpSeq, Time, named};

/// Longest from the asking to the end of an override: whoever plans for longer has capacity confirmed.
pub const LONGEST_OVERRIDE: Duration = Duration::from_secs(86_400);
/// Overrides that may be in force at once.
pub const MOST_OVERRIDES: usize = 100;

named! {
    /// What is done where a gateway is not known to carry what is wanted.
    pub enum GateMode {
        /// It is said, and launched.
        Warn = "warn",
        /// As many are launched as it carries; the rest waits.
        Pace = "pace",
        /// Nothing of a scale-up is launched that does not fit whole.
        Wait = "wait",
    }
}

/// A group depends on a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// As configured in `gateways`.
    pub gateway: Arc<str>,
    /// What one instance brings, in thousandths of the gateway's unit. At least 1.
    pub load: u32,
    pub mode: GateMode,
    /// After so long an alarm is raised, and it goes on waiting.
    pub at_most: Duration,
    /// Whether muster asks for the capacity that is missing.
    pub files: bool,
}

/// Key: (group, gateway). More is wanted of a gateway than may be planned, since then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateRow {
    pub group: String,
    pub gateway: String,
    pub since: Time,
    /// Most capacity that was asked for because of it, in the gateway's unit. 0: none was.
    pub filed: u32,
    /// It was said that it lasts too long.
    pub alarmed_at: Option<Time>,
    pub ended_at: Option<Time>,
}

/// Key: the lease's id. Somebody lets a group launch more than its gateways are known to carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverrideRow {
    pub lease: Lease,
    pub group: String,
    /// What was asked for until then, in its turn; none: whatever is asked of the group.
    pub scale_up: Option<ScaleUpSeq>,
}
