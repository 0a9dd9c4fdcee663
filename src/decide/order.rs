//! What an operator orders beside scale-ups. Each is answered after it is stored, and acts from then on.

use super::action::{Accepted, Refusal};
use super::guard::zones::Weigh;
use super::{Core, Now};

/// One order, well-formed, but not yet checked against anything.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// A zone's share of new launches.
    Weigh(Weigh),
}

impl Core {
    /// Takes an order, or says why not.
    pub(super) fn ordered(&mut self, order: Order, now: &mut Now) -> Result<Accepted, Refusal> {
        match order {
            Order::Weigh(order) => self.weigh(order, now),
        }
    }
}
