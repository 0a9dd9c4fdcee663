//! The calls about gateways, and what they show.

use std::sync::Arc;

use super::case::{Case, CaseCall};
use super::nat::{NatCall, NatSeen};
use super::quota::{Increase, QuotaCall};
use crate::decide::words::{Api, named};

/// One call. Reservations are absolute, so each of them may be sent twice; an increase is not, so [`super::quota`]
/// looks for what became of one before it sends another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayCall {
    /// `DescribeCapacityReservation`.
    Look { load_balancer: Arc<str> },
    /// `ModifyCapacityReservation` to so many capacity units; none: `ResetCapacityReservation`.
    Reserve { load_balancer: Arc<str>, units: Option<u32> },
    /// About this quota, as `SERVICE/CODE`.
    Quota { of: Arc<str>, call: QuotaCall },
    /// About this NAT gateway.
    Nat { gateway: Arc<str>, call: NatCall },
    /// About support cases.
    Support(CaseCall),
}

impl GatewayCall {
    #[must_use]
    pub fn api(&self) -> Api {
        match self {
            GatewayCall::Look { .. } => Api::DescribeCapacityReservation,
            GatewayCall::Reserve { .. } => Api::ModifyCapacityReservation,
            GatewayCall::Quota { call, .. } => call.api(),
            GatewayCall::Nat { call, .. } => call.api(),
            GatewayCall::Support(call) => call.api(),
        }
    }

    /// It changes something.
    #[must_use]
    pub fn changes(&self) -> bool {
        match self {
            GatewayCall::Look { .. } => false,
            GatewayCall::Reserve { .. } => true,
            GatewayCall::Quota { call, .. } => call.changes(),
            GatewayCall::Nat { call, .. } => call.changes(),
            GatewayCall::Support(call) => call.changes(),
        }
    }
}

/// What a call shows.
#[derive(Clone, Debug, PartialEq)]
pub enum GatewaySeen {
    /// Of a load balancer, by either call.
    Reservation(Reservation),
    /// What a quota is now, and whether AWS raises it on request.
    Quota { value: f64, adjustable: bool },
    /// Increases that were asked for, by anybody, in an order that is undocumented; with the next page if there is
    /// one.
    Increases { increases: Vec<Increase>, page: Option<Arc<str>> },
    /// One of them: the one that was looked for, or that was just asked for.
    Increase(Increase),
    /// A look at a NAT gateway.
    Nat(NatSeen),
    /// A change of its addresses was taken, and takes effect later.
    NatChanged,
    /// Support cases, with the next page if there is one.
    Cases { cases: Vec<Case>, page: Option<Arc<str>> },
    /// A case was made, with this id.
    CaseMade { id: String },
}

named! {
    /// Where reserved capacity stands in one zone, in AWS's words.
    pub enum ZoneState {
        Provisioned = "provisioned",
        Pending = "pending",
        Rebalancing = "rebalancing",
        Failed = "failed",
    }
}

/// Reserved capacity in one zone.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneCapacity {
    pub zone: String,
    /// `EffectiveCapacityUnits`: in effect there now.
    pub units: f64,
    pub state: ZoneState,
    /// Why it failed.
    pub reason: Option<String>,
}

/// What either call about a load balancer shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reservation {
    /// `MinimumLoadBalancerCapacity`, all zones together; none: nothing is reserved.
    pub units: Option<u32>,
    pub zones: Vec<ZoneCapacity>,
}

impl Reservation {
    /// Whole units that are in effect, all zones together. A hundred split over three zones are a hundred.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
    pub fn in_effect(&self) -> u32 {
        let all: f64 = self.zones.iter().map(|z| z.units).sum();
        (all + 1e-6).floor() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_split_over_three_zones_is_whole_again() {
        let zone = |zone: &str| ZoneCapacity {
            zone: zone.into(),
            units: 100.0 / 3.0,
            state: ZoneState::Provisioned,
            reason: None,
        };
        let reservation = Reservation { units: Some(100), zones: vec![zone("a"), zone("b"), zone("c")] };
        assert_eq!(reservation.in_effect(), 100);
        assert_eq!(Reservation::default().in_effect(), 0);
    }
}
