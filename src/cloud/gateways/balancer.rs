//! Capacity of load balancers.

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{
    CapacityReservationStateEnum, MinimumLoadBalancerCapacity, ZonalCapacityReservationState,
};

use crate::cloud::account::Calls;
use crate::cloud::failure;
use crate::decide::event::CallError;
use crate::decide::gateway::call::{Reservation, ZoneCapacity};

/// Elastic Load Balancing of one Region.
#[derive(Clone, Debug)]
pub(super) struct Balancers {
    pub(super) balancing: Client,
    pub(super) calls: Calls,
}

impl Balancers {
    pub(super) async fn look(&self, arn: &str) -> Result<Reservation, CallError> {
        let answer =
            self.calls.make(self.balancing.describe_capacity_reservation().load_balancer_arn(arn).send());
        let answer = answer.await?;
        reservation(answer.minimum_load_balancer_capacity(), answer.capacity_reservation_state())
    }

    pub(super) async fn reserve(&self, arn: &str, units: Option<u32>) -> Result<Reservation, CallError> {
        let request = self.balancing.modify_capacity_reservation().load_balancer_arn(arn);
        let request = match units {
            Some(units) => {
                let units = i32::try_from(units).map_err(|_| {
                    failure::unreadable(format!("{units} units are more than AWS can be asked for"))
                })?;
                request.minimum_load_balancer_capacity(
                    MinimumLoadBalancerCapacity::builder().capacity_units(units).build(),
                )
            }
            None => request.reset_capacity_reservation(true),
        };
        let answer = self.calls.make(request.send()).await?;
        reservation(answer.minimum_load_balancer_capacity(), answer.capacity_reservation_state())
    }
}

fn reservation(
    least: Option<&MinimumLoadBalancerCapacity>,
    zones: &[ZonalCapacityReservationState],
) -> Result<Reservation, CallError> {
    let units = least.and_then(MinimumLoadBalancerCapacity::capacity_units);
    let units = units.and_then(|units| u32::try_from(units).ok()).filter(|units| *units > 0);
    let zones: Result<Vec<ZoneCapacity>, CallError> = zones.iter().map(zone).collect();
    Ok(Reservation { units, zones: zones? })
}

fn zone(seen: &ZonalCapacityReservationState) -> Result<ZoneCapacity, CallError> {
    let code = seen.state().and_then(|s| s.code()).map(CapacityReservationStateEnum::as_str);
    let state = code.ok_or_else(|| failure::unreadable("a zone has no state".into()))?;
    Ok(ZoneCapacity {
        zone: seen.availability_zone().unwrap_or_default().to_string(),
        units: seen.effective_capacity_units().unwrap_or(0.0),
        state: state.parse().map_err(failure::unreadable)?,
        reason: seen.state().and_then(|s| s.reason()).map(Into::into),
    })
}
