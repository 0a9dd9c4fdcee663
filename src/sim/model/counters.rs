//! What was called and how it ended, per action.

use serde::{Deserialize, Serialize};

use super::call::Outcome;

/// What the whole model has seen since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Connections to the front.
    pub connections: u64,
    /// Requests to the front: calls, of whatever action, and what was turned away.
    pub requests: u64,
    /// Refused for their signature.
    pub turned_away: u64,
    /// Calls whose callers are gone and that will take effect later.
    pub late: u64,
    /// Connections to instances.
    pub contacts: u64,
    /// Instances ever launched.
    pub launched: u64,
}

/// Counts of one action since the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ApiCounters {
    pub calls: u64,
    /// Answered with what was asked for.
    pub succeeded: u64,
    /// `RequestLimitExceeded`: the request bucket, the instance bucket, or the fault setting.
    pub throttled_by_requests: u64,
    pub throttled_by_instances: u64,
    pub throttled_by_fault: u64,
    /// Every other error.
    pub errors: u64,
    /// Of those, `InternalError` by the fault setting.
    pub errors_by_fault: u64,
    /// Closed without an answer: nothing happened, or all of it did.
    pub lost_before: u64,
    pub lost_after: u64,
    /// Closed without an answer, and it took effect, or will, later.
    pub late_effects: u64,
    /// Answered with what nobody can read.
    pub garbled: u64,
    /// Tokens taken from the request and the instance bucket.
    pub request_tokens: u64,
    pub instance_tokens: u64,
    /// The most request tokens anyone could have taken from the first call to the last: burst plus
    /// refill.
    pub request_tokens_offered: f64,
    /// Milliseconds; of the first and the last call.
    pub first_ms: Option<i64>,
    pub last_ms: Option<i64>,
}

impl ApiCounters {
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.throttled_by_requests + self.throttled_by_instances + self.throttled_by_fault
    }

    pub(super) fn arrived(&mut self, now_ms: i64) {
        self.calls += 1;
        self.first_ms.get_or_insert(now_ms);
        self.last_ms = Some(now_ms);
    }

    /// Throttles and losses are counted where they happen; this counts the rest.
    pub(super) fn ended(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Answer(_) => self.succeeded += 1,
            Outcome::Error(failure) if failure.throttle => {}
            Outcome::Error(_) => self.errors += 1,
            Outcome::Lost => {}
        }
    }
}
