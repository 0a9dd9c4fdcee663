//! Service Quotas: a value, the increases of it that were asked for, and one more.

use aws_sdk_servicequotas::Client;
use aws_sdk_servicequotas::types::{RequestStatus, RequestedServiceQuotaChange, ServiceQuota};

use crate::cloud::account::Calls;
use crate::cloud::failure;
use crate::decide::event::CallError;
use crate::decide::gateway::call::GatewaySeen;
use crate::decide::gateway::quota::{Increase, QuotaCall};
use crate::decide::words::Time;

/// Most increases on one page.
const PAGE: i32 = 100;

/// Service Quotas of one account in one Region.
#[derive(Clone, Debug)]
pub(super) struct Quotas {
    pub(super) quotas: Client,
    pub(super) calls: Calls,
}

impl Quotas {
    /// Makes this one call about the quota `SERVICE/CODE`.
    pub(super) async fn call(&self, of: &str, call: &QuotaCall) -> Result<GatewaySeen, CallError> {
        let (service, code) = of.split_once('/').unwrap_or((of, ""));
        match call {
            QuotaCall::Value => {
                let request = self.quotas.get_service_quota().service_code(service).quota_code(code);
                value(self.calls.make(request.send()).await?.quota)
            }
            QuotaCall::Default => {
                let request = self.quotas.get_aws_default_service_quota().service_code(service);
                value(self.calls.make(request.quota_code(code).send()).await?.quota)
            }
            QuotaCall::Increases { page } => {
                let request = self.quotas.list_requested_service_quota_change_history_by_quota();
                let request = request.service_code(service).quota_code(code).max_results(PAGE);
                let request = request.set_next_token(page.as_ref().map(ToString::to_string));
                let answer = self.calls.make(request.send()).await?;
                let all = answer.requested_quotas.unwrap_or_default();
                let increases = all.iter().map(increase).collect::<Result<_, _>>()?;
                Ok(GatewaySeen::Increases { increases, page: answer.next_token.map(Into::into) })
            }
            QuotaCall::Increase { id } => {
                let request = self.quotas.get_requested_service_quota_change().request_id(id.as_ref());
                one(self.calls.make(request.send()).await?.requested_quota)
            }
            QuotaCall::Ask { value } => {
                let request = self.quotas.request_service_quota_increase().service_code(service);
                let request = request.quota_code(code).desired_value(f64::from(*value));
                one(self.calls.make(request.send()).await?.requested_quota)
            }
        }
    }
}

fn value(quota: Option<ServiceQuota>) -> Result<GatewaySeen, CallError> {
    let quota = quota.ok_or_else(|| failure::unreadable("there is no quota in it".into()))?;
    let value = quota.value.filter(|value| value.is_finite());
    let value = value.ok_or_else(|| failure::unreadable("the quota has no value".into()))?;
    Ok(GatewaySeen::Quota { value, adjustable: quota.adjustable })
}

fn one(made: Option<RequestedServiceQuotaChange>) -> Result<GatewaySeen, CallError> {
    let made = made.ok_or_else(|| failure::unreadable("there is no increase in it".into()))?;
    Ok(GatewaySeen::Increase(increase(&made)?))
}

fn increase(made: &RequestedServiceQuotaChange) -> Result<Increase, CallError> {
    let lacks = |what: &str| failure::unreadable(format!("an increase has no {what}"));
    let status = made.status().map(RequestStatus::as_str).ok_or_else(|| lacks("status"))?;
    let created = made.created().ok_or_else(|| lacks("time"))?;
    let updated = made.last_updated().unwrap_or(created);
    let ms = |at: &aws_smithy_types::DateTime| {
        at.to_millis().map(Time).map_err(|_| lacks("time that we can read"))
    };
    Ok(Increase {
        id: made.id().ok_or_else(|| lacks("id"))?.to_string(),
        desired: made.desired_value().ok_or_else(|| lacks("value"))?,
        status: status.parse().map_err(failure::unreadable)?,
        created: ms(created)?,
        updated: ms(updated)?,
    })
}
