//! What an operator orders beside scale-ups. Each is answered after it is stored, and acts from then on.

use super::action::{Accepted, Refusal};
use super::{Core, Now};

/// One order, well-formed, but not yet checked against anything.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {}

impl Core {
    /// Takes an order, or says why not.
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub(super) fn ordered(&mut self, order: Order, _now: &mut Now) -> Result<Accepted, Refusal> {
        match order {}
    }
}
