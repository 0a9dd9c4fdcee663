//! Why waiting things wait.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::decide::view::Waiting;
use crate::decide::words::Time;

/// So many slots wait for this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitLine {
    pub count: u32,
    /// The decision's own reason, with times told from now.
    #[schema(examples("instance tokens: 12 of the 100 for the next batch, there in 44 s"))]
    pub text: String,
}

impl WaitLine {
    #[must_use]
    pub fn of(waiting: &Waiting, now: Time) -> WaitLine {
        WaitLine { count: waiting.count, text: waiting.wait.describe(now) }
    }
}

/// Why a scale-up or a slot stands where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// What was asked about, and how far it is.
    #[schema(examples("slot 12-34 (group web): booting for 31 s"))]
    pub subject: String,
    /// What waits and why, most first. Empty if nothing waits.
    pub waits: Vec<WaitLine>,
}
