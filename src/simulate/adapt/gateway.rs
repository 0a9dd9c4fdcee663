//! Calls about gateways, in the model's words.

use crate::decide::event::CallError;
use crate::decide::gateway::call::{GatewayCall, GatewaySeen, Reservation, ZoneCapacity, ZoneState};
use crate::decide::gateway::quota::{Increase, IncreaseStatus, QuotaCall};
use crate::decide::words::Time;
use crate::sim::model::call::{Answer as AnyAnswer, Call as AnyCall, Outcome};
use crate::sim::model::elbv2::call::{Answer, Call, ReservationState, ReservationView, Reserve};
use crate::sim::model::quotas::call as quotas;

pub fn call(call: &GatewayCall) -> AnyCall {
    match call {
        GatewayCall::Look { load_balancer } => {
            AnyCall::Elbv2(Call::DescribeCapacityReservation { arn: load_balancer.to_string() })
        }
        GatewayCall::Reserve { load_balancer, units } => AnyCall::Elbv2(Call::ModifyCapacityReservation {
            arn: load_balancer.to_string(),
            change: units.map_or(Reserve::Reset, Reserve::Units),
        }),
        GatewayCall::Quota { of, call } => AnyCall::Quotas(quota(of, call)),
    }
}

fn quota(of: &str, call: &QuotaCall) -> quotas::Call {
    let (service, code) = of.split_once('/').unwrap_or((of, ""));
    let of = quotas::Of { service: service.into(), quota: code.into() };
    match call {
        QuotaCall::Value => quotas::Call::GetServiceQuota(of),
        QuotaCall::Default => quotas::Call::GetAwsDefaultServiceQuota(of),
        QuotaCall::Increases { page } => {
            let page = quotas::Page { max_results: None, next_token: page.as_ref().map(ToString::to_string) };
            quotas::Call::ListRequestedServiceQuotaChangeHistoryByQuota { of, status: None, page }
        }
        QuotaCall::Increase { id } => quotas::Call::GetRequestedServiceQuotaChange { id: id.to_string() },
        QuotaCall::Ask { value } => {
            quotas::Call::RequestServiceQuotaIncrease { of, desired: f64::from(*value) }
        }
    }
}

pub fn answer(outcome: Outcome) -> Result<GatewaySeen, CallError> {
    match outcome {
        Outcome::Answer(AnyAnswer::Elbv2(Answer::CapacityReservation { reservation, .. })) => {
            Ok(GatewaySeen::Reservation(seen(reservation)))
        }
        Outcome::Answer(AnyAnswer::Quotas(answer)) => quota_answer(answer),
        Outcome::Answer(_) | Outcome::Error(_) | Outcome::Lost => Err(super::failed(outcome)),
    }
}

fn quota_answer(answer: quotas::Answer) -> Result<GatewaySeen, CallError> {
    match answer {
        quotas::Answer::Quota(view) => {
            Ok(GatewaySeen::Quota { value: view.value, adjustable: view.adjustable })
        }
        quotas::Answer::Requested(view) => Ok(GatewaySeen::Increase(increase(&view))),
        quotas::Answer::RequestedList { requests, next_token } => Ok(GatewaySeen::Increases {
            increases: requests.iter().map(increase).collect(),
            page: next_token.map(Into::into),
        }),
        quotas::Answer::Services { .. } | quotas::Answer::Quotas { .. } => Err(super::wrong_answer()),
    }
}

fn increase(view: &quotas::RequestView) -> Increase {
    Increase {
        id: view.id.clone(),
        desired: view.desired,
        status: match view.status {
            quotas::Status::Pending => IncreaseStatus::Pending,
            quotas::Status::CaseOpened => IncreaseStatus::CaseOpened,
            quotas::Status::Approved => IncreaseStatus::Approved,
            quotas::Status::Denied => IncreaseStatus::Denied,
            quotas::Status::CaseClosed => IncreaseStatus::CaseClosed,
            quotas::Status::NotApproved => IncreaseStatus::NotApproved,
            quotas::Status::InvalidRequest => IncreaseStatus::InvalidRequest,
        },
        created: Time(view.created_ms),
        updated: Time(view.updated_ms),
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
