//! Calls about gateways, in the model's words.

use std::sync::Arc;

use crate::decide::event::CallError;
use crate::decide::gateway::call::{GatewayCall, GatewaySeen, Reservation, ZoneCapacity, ZoneState};
use crate::decide::gateway::case::{Case, CaseCall};
use crate::decide::gateway::nat::{AddressState, NatAddress, NatCall, NatSeen, NatState};
use crate::decide::gateway::quota::{Increase, IncreaseStatus, QuotaCall};
use crate::decide::words::Time;
use crate::sim::model::call::{Answer as AnyAnswer, Call as AnyCall, Outcome};
use crate::sim::model::ec2::call as ec2;
use crate::sim::model::elbv2::call::{Answer, Call, ReservationState, ReservationView, Reserve};
use crate::sim::model::quotas::call as quotas;
use crate::sim::model::support::call as support;

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
        GatewayCall::Nat { gateway, call } => AnyCall::Ec2(nat(gateway, call)),
        GatewayCall::Support(call) => AnyCall::Support(case(call)),
    }
}

fn case(call: &CaseCall) -> support::Call {
    let described = |ids: Vec<String>, after: Option<Time>, page: Option<&Arc<str>>| {
        support::Verb::DescribeCases(support::DescribeCases {
            ids,
            times: support::Times { after_ms: after.map(|t| t.0), before_ms: None },
            include_resolved: true,
            include_communications: false,
            page: support::Page { max_results: None, next_token: page.map(ToString::to_string) },
            ..support::DescribeCases::default()
        })
    };
    let verb = match call {
        CaseCall::Cases { since, page } => described(Vec::new(), Some(*since), page.as_ref()),
        CaseCall::Case { id } => described(vec![id.to_string()], None, None),
        CaseCall::Create(new) => support::Verb::CreateCase(support::CreateCase {
            subject: new.subject.clone(),
            body: new.body.clone(),
            service: Some(new.spec.service.clone()),
            category: Some(new.spec.category.clone()),
            severity: Some(new.spec.severity.clone()),
            cc: new.spec.cc.clone(),
            language: Some(new.spec.language.clone()),
        }),
    };
    support::Call { dry_run: false, verb }
}

fn nat(gateway: &str, call: &NatCall) -> ec2::Call {
    let gateway = gateway.to_string();
    match call {
        NatCall::Look => {
            ec2::Call::DescribeNatGateways(ec2::Read { ids: vec![gateway], ..ec2::Read::default() })
        }
        NatCall::Associate { allocation } => {
            let allocations = vec![allocation.to_string()];
            ec2::Call::ChangeNatGateway(ec2::ChangeNat::Associate { gateway, allocations })
        }
        NatCall::Disassociate { associations } => {
            let associations = associations.clone();
            ec2::Call::ChangeNatGateway(ec2::ChangeNat::Disassociate { gateway, associations })
        }
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
        Outcome::Answer(AnyAnswer::Support(answer)) => support_answer(answer),
        Outcome::Answer(AnyAnswer::Ec2(ec2::Answer::Nats { gateways, .. })) => {
            gateways.first().map(nat_seen).ok_or_else(super::wrong_answer)
        }
        Outcome::Answer(AnyAnswer::Ec2(ec2::Answer::NatChanged { .. })) => Ok(GatewaySeen::NatChanged),
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

fn support_answer(answer: support::Answer) -> Result<GatewaySeen, CallError> {
    match answer {
        support::Answer::Created { case_id } => Ok(GatewaySeen::CaseMade { id: case_id }),
        support::Answer::Cases { cases, next_token } => {
            let case = |view: support::CaseView| Case {
                id: view.id,
                display_id: view.display_id,
                subject: view.created.subject,
                status: view.status.to_string(),
            };
            let cases = cases.into_iter().map(case).collect();
            Ok(GatewaySeen::Cases { cases, page: next_token.map(Into::into) })
        }
        support::Answer::Added
        | support::Answer::Communications { .. }
        | support::Answer::Resolved { .. }
        | support::Answer::Services(_)
        | support::Answer::SeverityLevels(_) => Err(super::wrong_answer()),
    }
}

fn nat_seen(view: &ec2::NatView) -> GatewaySeen {
    let address = |a: &ec2::NatAddressView| NatAddress {
        allocation: a.public.as_ref().map(|(allocation, _, _)| allocation.clone()),
        association: a.public.as_ref().map(|(_, _, association)| association.clone()),
        state: match a.state {
            ec2::AddressState::Assigning => AddressState::Assigning,
            ec2::AddressState::Associating => AddressState::Associating,
            ec2::AddressState::Disassociating => AddressState::Disassociating,
            ec2::AddressState::Succeeded => AddressState::Succeeded,
        },
    };
    GatewaySeen::Nat(NatSeen {
        state: match view.state {
            ec2::NatState::Pending => NatState::Pending,
            ec2::NatState::Available => NatState::Available,
            ec2::NatState::Deleting => NatState::Deleting,
            ec2::NatState::Deleted => NatState::Deleted,
        },
        public: view.connectivity == ec2::Connectivity::Public,
        addresses: view.addresses.iter().map(address).collect(),
    })
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
