//! Service Quotas: what the account may have of everything, and requests for more, which somebody
//! answers in their own time.

pub mod call;
mod catalogue;
pub mod error;
mod read;
mod request;
mod value;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::settings::Settings;
use super::counters::ApiCounters;
use super::ec2::bucket::Bucket;
use call::{Action, Answer, Call};
use catalogue::{Entry, catalogue};
use error::ApiError;
use request::Request;

pub use catalogue::{
    ALB_UNITS, NLB_UNITS, STANDARD_VCPUS, TARGETS_PER_ALB, TARGETS_PER_TARGET_GROUP, TARGETS_PER_ZONE_OF_NLB,
};

/// Service Quotas of one account in one Region.
#[derive(Debug)]
pub struct Quotas {
    settings: Arc<Settings>,
    seed: u64,
    catalogue: Vec<Entry>,
    /// Values that were granted and are in effect, by code, of the quotas that are kept here.
    granted: BTreeMap<String, f64>,
    /// Every request for more, the oldest first.
    requests: Vec<Request>,
    gets: Bucket,
    lists: Bucket,
    increases: Bucket,
}

impl Quotas {
    pub(super) fn new(settings: Arc<Settings>, seed: u64) -> Quotas {
        let rates = &settings.quotas;
        Quotas {
            seed,
            catalogue: catalogue(),
            granted: BTreeMap::new(),
            requests: Vec::new(),
            gets: Bucket::new(rates.gets),
            lists: Bucket::new(rates.lists),
            increases: Bucket::new(rates.requests),
            settings,
        }
    }

    /// From now on these settings hold. Requests that were made keep their answers.
    pub(super) fn adopt(&mut self, settings: &Arc<Settings>, now_ms: i64) {
        self.gets.adopt(settings.quotas.gets, now_ms);
        self.lists.adopt(settings.quotas.lists, now_ms);
        self.increases.adopt(settings.quotas.requests, now_ms);
        self.settings = settings.clone();
    }

    /// Answers one call, metered.
    pub(super) fn handle(
        &mut self,
        call: &Call,
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        if let Some(action) = call.action() {
            if !self.bucket_mut(action).take(1, now_ms) {
                meter.throttled_by_requests += 1;
                return Err(ApiError::throttled());
            }
            meter.request_tokens += 1;
        }
        match call {
            Call::ListServices(page) => read::services(page),
            Call::ListServiceQuotas { service, quota, page } => {
                self.list(service, quota.as_deref(), page, false)
            }
            Call::GetServiceQuota(of) => self.applied(of),
            Call::GetAwsDefaultServiceQuota(of) => self.default(of),
            Call::ListAwsDefaultServiceQuotas { service, page } => self.list(service, None, page, true),
            Call::RequestServiceQuotaIncrease { of, desired } => self.request(of, *desired, now_ms),
            Call::GetRequestedServiceQuotaChange { id } => self.requested(id, now_ms),
            Call::ListRequestedServiceQuotaChangeHistory { service, status, page } => {
                self.history(service.as_deref(), None, *status, page, now_ms)
            }
            Call::ListRequestedServiceQuotaChangeHistoryByQuota { of, status, page } => {
                self.entry(of)?;
                self.history(Some(&of.service), Some(&of.quota), *status, page, now_ms)
            }
            Call::Unreadable { error, .. } => Err(error.clone()),
        }
    }

    /// The most requests of the action that anyone could have made between two times.
    pub(super) fn offered(&self, action: Action, first_ms: i64, last_ms: i64) -> f64 {
        match Class::of(action) {
            Class::Get => self.gets.offered(first_ms, last_ms),
            Class::List => self.lists.offered(first_ms, last_ms),
            Class::Increase => self.increases.offered(first_ms, last_ms),
        }
    }

    fn bucket_mut(&mut self, action: Action) -> &mut Bucket {
        match Class::of(action) {
            Class::Get => &mut self.gets,
            Class::List => &mut self.lists,
            Class::Increase => &mut self.increases,
        }
    }
}

/// Which bucket an action draws on.
enum Class {
    Get,
    List,
    Increase,
}

impl Class {
    fn of(action: Action) -> Class {
        match action {
            Action::GetServiceQuota
            | Action::GetAwsDefaultServiceQuota
            | Action::GetRequestedServiceQuotaChange => Class::Get,
            Action::ListServices
            | Action::ListServiceQuotas
            | Action::ListAwsDefaultServiceQuotas
            | Action::ListRequestedServiceQuotaChangeHistory
            | Action::ListRequestedServiceQuotaChangeHistoryByQuota => Class::List,
            Action::RequestServiceQuotaIncrease => Class::Increase,
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::super::Model;
    use super::super::call::{Answer as AnyAnswer, Call as AnyCall, Outcome};
    use super::call::{Answer, Call, Of, QuotaView, RequestView};

    pub(crate) fn of(service: &str, quota: &str) -> Of {
        Of { service: service.into(), quota: quota.into() }
    }

    /// The answer, or the error's code.
    pub(crate) fn ask(model: &mut Model, call: Call, now_ms: i64) -> Result<Answer, &'static str> {
        match model.handle(&AnyCall::Quotas(call), now_ms).outcome {
            Outcome::Answer(AnyAnswer::Quotas(answer)) => Ok(answer),
            Outcome::Error(failure) => Err(failure.code),
            Outcome::Answer(other) => panic!("{other:?}"),
            Outcome::Lost => panic!("lost"),
        }
    }

    pub(crate) fn quota(model: &mut Model, service: &str, code: &str, now_ms: i64) -> QuotaView {
        match ask(model, Call::GetServiceQuota(of(service, code)), now_ms) {
            Ok(Answer::Quota(view)) => view,
            other => panic!("{other:?}"),
        }
    }

    /// In whole units: exact comparison of floats is no good habit.
    pub(crate) fn value(model: &mut Model, service: &str, code: &str, now_ms: i64) -> String {
        quota(model, service, code, now_ms).value.to_string()
    }

    pub(crate) fn request(
        model: &mut Model,
        service: &str,
        code: &str,
        desired: f64,
        now_ms: i64,
    ) -> Result<RequestView, &'static str> {
        let call = Call::RequestServiceQuotaIncrease { of: of(service, code), desired };
        ask(model, call, now_ms).map(|answer| {
            let Answer::Requested(view) = answer else { panic!("{answer:?}") };
            view
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::ec2::testing::plain;
    use super::call::Page;
    use super::testing::*;
    use super::*;

    #[test]
    fn each_class_of_calls_has_its_own_rate() {
        let mut model = plain();
        let passed = |model: &mut _, call: Call, n: usize| {
            (0..n).filter(|_| ask(model, call.clone(), 0) != Err("TooManyRequestsException")).count()
        };
        assert_eq!(passed(&mut model, Call::GetServiceQuota(of("ec2", STANDARD_VCPUS)), 30), 10);
        assert_eq!(passed(&mut model, Call::ListServices(Page::default()), 30), 20);
        let call = Call::RequestServiceQuotaIncrease { of: of("ec2", "L-0"), desired: 1.0 };
        assert_eq!(passed(&mut model, call, 30), 6);
        let ledger = model.ledger(0);
        let gets = &ledger.apis["servicequotas:GetServiceQuota"];
        assert_eq!((gets.throttled_by_requests, gets.request_tokens_offered), (20, 10.0));
    }
}
