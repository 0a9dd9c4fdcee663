//! Calls about gateways, in the model's words.

use crate::decide::event::CallError;
use crate::decide::gateway::call::{GatewayCall, Reservation, ZoneCapacity, ZoneState};
use crate::sim::model::call::{Answer as AnyAnswer, Call as AnyCall, Outcome};
use crate::sim::model::elbv2::call::{Answer, Call, ReservationState, ReservationView, Reserve};

pub fn call(call: &GatewayCall) -> AnyCall {
    AnyCall::Elbv2(match call {
        GatewayCall::Look { load_balancer } => {
            Call::DescribeCapacityReservation { arn: load_balancer.to_string() }
        }
        GatewayCall::Reserve { load_balancer, units } => Call::ModifyCapacityReservation {
            arn: load_balancer.to_string(),
            change: units.map_or(Reserve::Reset, Reserve::Units),
        },
    })
}

pub fn answer(outcome: Outcome) -> Result<Reservation, CallError> {
    match outcome {
        Outcome::Answer(AnyAnswer::Elbv2(Answer::CapacityReservation { reservation, .. })) => {
            Ok(seen(reservation))
        }
        Outcome::Answer(_) | Outcome::Error(_) | Outcome::Lost => Err(super::failed(outcome)),
    }
}

fn seen(view: ReservationView) -> Reservation {
    let zones = view.zones.into_iter().map(|z| ZoneCapacity {
        zone: z.zone,
        units: z.units,
        state: match z.state {
            ReservationState::Provisioned => ZoneState::Provisioned,
            ReservationState::Pending => ZoneState::Pending,
            ReservationState::Rebalancing => ZoneState::Rebalancing,
            ReservationState::Failed => ZoneState::Failed,
        },
        reason: z.reason.map(Into::into),
    });
    Reservation { units: view.units, zones: zones.collect() }
}
