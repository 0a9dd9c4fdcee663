//! Requests for a larger quota: who may make one, and what becomes of it.

use super::super::super::draw::{Draw, Purpose};
use super::super::super::settings::{QuotaSettings, QuotaVerdict, RefusedAs};
use super::Quotas;
use super::call::{Answer, Of, Page, RequestView, Status};
use super::error::{ApiError, Code};
use super::read::paged;

/// One request. What becomes of it is decided when it is made.
#[derive(Clone, Debug)]
pub(super) struct Request {
    id: String,
    case_id: String,
    service: &'static str,
    pub(super) code: String,
    desired: f64,
    /// Milliseconds, like all times here.
    created_ms: i64,
    case_ms: i64,
    /// The answer, and when it comes; none if nobody ever answers.
    answer: Option<(i64, Status)>,
    /// The new value, if it is granted, and when the service works with it.
    pub(super) granted: Option<f64>,
    effective_ms: i64,
    settled: bool,
}

impl Request {
    fn status(&self, now_ms: i64) -> Status {
        match self.answer {
            Some((at, status)) if at <= now_ms => status,
            Some(_) | None if self.case_ms <= now_ms => Status::CaseOpened,
            Some(_) | None => Status::Pending,
        }
    }

    fn updated_ms(&self, now_ms: i64) -> i64 {
        match self.status(now_ms) {
            Status::Pending => self.created_ms,
            Status::CaseOpened => self.case_ms,
            Status::Approved
            | Status::Denied
            | Status::CaseClosed
            | Status::NotApproved
            | Status::InvalidRequest => self.answer.map_or(self.created_ms, |(at, _)| at),
        }
    }

    /// Its value is to be put into effect.
    pub(super) fn is_due(&self, now_ms: i64) -> bool {
        self.granted.is_some() && !self.settled && self.effective_ms <= now_ms
    }

    pub(super) fn in_effect_ms(&self) -> i64 {
        self.effective_ms
    }

    pub(super) fn settle(&mut self, now_ms: i64) {
        self.settled |= self.is_due(now_ms);
    }
}

impl Quotas {
    /// `RequestServiceQuotaIncrease`.
    pub(super) fn request(&mut self, of: &Of, desired: f64, now_ms: i64) -> Result<Answer, ApiError> {
        let entry = self.entry(of)?.clone();
        let value = self.value_of(&entry);
        if !self.is_adjustable(&entry) {
            let message = "The quota cannot be adjusted.";
            return Err(ApiError::new(Code::InvalidResourceState, message));
        }
        if desired <= value {
            let message = "You must provide a quota value greater than the current quota value.";
            return Err(ApiError::new(Code::IllegalArgument, message));
        }
        let open = || self.requests.iter().filter(|r| r.status(now_ms).is_open());
        if open().any(|r| r.code == entry.code) {
            let message = "Only one open service quota increase request is allowed per quota.";
            return Err(ApiError::new(Code::ResourceAlreadyExists, message));
        }
        let limits = &self.settings.quotas;
        if open().count() >= limits.open_in_region.min(limits.open_in_account) as usize {
            let message = "You have exceeded the number of service quota increase requests that can be open.";
            return Err(ApiError::new(Code::QuotaExceeded, message));
        }
        let number = self.requests.len() as u64;
        let made = decide(limits, self.seed, number, &entry.code, (value, desired), now_ms);
        self.requests.push(Request { service: entry.service, ..made });
        let view = self.requests.last().map(|made| self.request_view(made, now_ms));
        view.transpose()?.map(Answer::Requested).ok_or_else(ApiError::internal)
    }

    /// `GetRequestedServiceQuotaChange`.
    pub(super) fn requested(&self, id: &str, now_ms: i64) -> Result<Answer, ApiError> {
        let request = self.requests.iter().find(|r| r.id == id).ok_or_else(|| {
            let message = "The request failed because the specified quota increase request does not exist.";
            ApiError::new(Code::NoSuchResource, message)
        })?;
        Ok(Answer::Requested(self.request_view(request, now_ms)?))
    }

    /// The requests made so far, the latest first (which order AWS has is not documented).
    pub(super) fn history(
        &self,
        service: Option<&str>,
        quota: Option<&str>,
        status: Option<Status>,
        page: &Page,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let asked = |r: &&Request| {
            service.is_none_or(|s| r.service == s)
                && quota.is_none_or(|q| r.code == q)
                && status.is_none_or(|s| r.status(now_ms) == s)
        };
        let (requests, next_token) = paged(self.requests.iter().rev().filter(asked), page)?;
        let views = requests.into_iter().map(|r| self.request_view(r, now_ms));
        Ok(Answer::RequestedList { requests: views.collect::<Result<_, _>>()?, next_token })
    }

    fn request_view(&self, request: &Request, now_ms: i64) -> Result<RequestView, ApiError> {
        let of = Of { service: request.service.into(), quota: request.code.clone() };
        let entry = self.entry(&of)?;
        Ok(RequestView {
            id: request.id.clone(),
            case_id: (request.case_ms <= now_ms && request.answer.is_none_or(|(at, _)| at > request.case_ms))
                .then(|| request.case_id.clone()),
            quota: self.view(entry, self.value_of(entry)),
            desired: request.desired,
            status: request.status(now_ms),
            created_ms: request.created_ms,
            updated_ms: request.updated_ms(now_ms),
        })
    }
}

/// What becomes of the request with this number.
fn decide(
    settings: &QuotaSettings,
    seed: u64,
    number: u64,
    code: &str,
    (value, desired): (f64, f64),
    now_ms: i64,
) -> Request {
    let mut draw = Draw::new(seed, Purpose::QuotaRequest, number);
    let id = format!("{:016x}{:016x}", draw.bits(), draw.bits());
    let case_id = format!("{:010}", draw.bits() % 10_000_000_000);
    let answered_ms = now_ms + i64::from(draw.range(settings.answered_after));
    let verdict = settings.verdicts.get(code).copied().unwrap_or(settings.verdict);
    let refused = match settings.refused_as {
        RefusedAs::CaseClosed => Status::CaseClosed,
        RefusedAs::Denied => Status::Denied,
        RefusedAs::NotApproved => Status::NotApproved,
    };
    let part = value + (desired - value) * settings.granted_share / 100.0;
    let (answer, granted) = match verdict {
        QuotaVerdict::Approved => (Some((answered_ms, Status::Approved)), Some(desired)),
        // A person grants less than was asked for and closes the case: the API has no word for it.
        QuotaVerdict::Partly => (Some((answered_ms, Status::CaseClosed)), Some(part.floor())),
        QuotaVerdict::Denied => (Some((answered_ms, refused)), None),
        QuotaVerdict::Never => (None, None),
    };
    Request {
        id,
        case_id,
        service: "",
        code: code.into(),
        desired,
        created_ms: now_ms,
        case_ms: now_ms + i64::from(settings.case_after_ms),
        answer,
        granted,
        effective_ms: answered_ms + i64::from(settings.in_effect_after_ms),
        settled: false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Model;
    use super::super::super::ec2::testing::small_settings;
    use super::super::call::Call;
    use super::super::testing::*;
    use super::super::{ALB_UNITS, NLB_UNITS, TARGETS_PER_ALB};
    use super::*;

    const ELB: &str = "elasticloadbalancing";
    const MINUTE: i64 = 60_000;

    fn model(change: impl FnOnce(&mut QuotaSettings)) -> Model {
        let mut settings = small_settings();
        settings.quotas.answered_after.min_ms = 600_000;
        settings.quotas.answered_after.max_ms = 600_000;
        change(&mut settings.quotas);
        Model::new(settings, 1).unwrap()
    }

    fn status(model: &mut Model, id: &str, now_ms: i64) -> (Status, bool, i64) {
        let call = Call::GetRequestedServiceQuotaChange { id: id.into() };
        match ask(model, call, now_ms) {
            Ok(Answer::Requested(view)) => (view.status, view.case_id.is_some(), view.updated_ms),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_approved_request_goes_its_way_and_takes_effect_later() {
        let mut model = model(|_| {});
        let made = request(&mut model, ELB, ALB_UNITS, 500.0, 0).unwrap();
        assert_eq!((made.status, made.desired, made.quota.value), (Status::Pending, 500.0, 0.0));
        assert_eq!(status(&mut model, &made.id, MINUTE), (Status::CaseOpened, true, MINUTE));
        assert_eq!(status(&mut model, &made.id, 10 * MINUTE), (Status::Approved, true, 10 * MINUTE));
        assert_eq!(value(&mut model, ELB, ALB_UNITS, 10 * MINUTE), "0");
        assert_eq!(value(&mut model, ELB, ALB_UNITS, 11 * MINUTE), "500");
    }

    #[test]
    fn a_quick_answer_needs_no_case() {
        let mut model = model(|s| s.case_after_ms = 600_000);
        let made = request(&mut model, ELB, ALB_UNITS, 500.0, 0).unwrap();
        assert_eq!(status(&mut model, &made.id, 20 * MINUTE), (Status::Approved, false, 10 * MINUTE));
    }

    #[test]
    fn others_are_granted_in_part_refused_or_never_answered() {
        let mut model = model(|s| {
            s.open_in_region = 9;
            s.verdicts.insert(ALB_UNITS.into(), QuotaVerdict::Partly);
            s.verdicts.insert(NLB_UNITS.into(), QuotaVerdict::Denied);
            s.verdicts.insert(TARGETS_PER_ALB.into(), QuotaVerdict::Never);
        });
        let part = request(&mut model, ELB, ALB_UNITS, 500.0, 0).unwrap().id;
        let denied = request(&mut model, ELB, NLB_UNITS, 5_500.0, 0).unwrap().id;
        let never = request(&mut model, ELB, TARGETS_PER_ALB, 2_000.0, 0).unwrap().id;
        let later = 20 * MINUTE;
        assert_eq!(status(&mut model, &part, later).0, Status::CaseClosed);
        assert_eq!(status(&mut model, &denied, later).0, Status::CaseClosed);
        assert_eq!(status(&mut model, &never, 10_000 * MINUTE).0, Status::CaseOpened);
        let later = 20_000 * MINUTE;
        assert_eq!(value(&mut model, ELB, ALB_UNITS, later), "250");
        assert_eq!(value(&mut model, ELB, NLB_UNITS, later), "0");
        assert_eq!(value(&mut model, ELB, TARGETS_PER_ALB, later), "1000");
    }

    #[test]
    fn a_refusal_has_the_status_that_is_set() {
        for (set, expected) in [
            (RefusedAs::CaseClosed, Status::CaseClosed),
            (RefusedAs::Denied, Status::Denied),
            (RefusedAs::NotApproved, Status::NotApproved),
        ] {
            let mut model = model(|s| {
                s.verdict = QuotaVerdict::Denied;
                s.refused_as = set;
            });
            let id = request(&mut model, ELB, ALB_UNITS, 500.0, 0).unwrap().id;
            assert_eq!(status(&mut model, &id, 10 * MINUTE).0, expected);
        }
    }

    #[test]
    fn one_open_request_for_each_quota_and_two_in_the_region() {
        let mut model = model(|_| {});
        request(&mut model, ELB, ALB_UNITS, 500.0, 0).unwrap();
        let again = request(&mut model, ELB, ALB_UNITS, 600.0, 0);
        assert_eq!(again.err(), Some("ResourceAlreadyExistsException"));
        request(&mut model, ELB, NLB_UNITS, 5_500.0, 0).unwrap();
        let third = request(&mut model, ELB, TARGETS_PER_ALB, 2_000.0, MINUTE);
        assert_eq!(third.err(), Some("QuotaExceededException"));
        assert!(request(&mut model, ELB, TARGETS_PER_ALB, 2_000.0, 11 * MINUTE).is_ok());
    }

    #[test]
    fn less_than_there_is_and_what_cannot_be_adjusted_is_refused() {
        let mut model = model(|_| {});
        let same = request(&mut model, ELB, TARGETS_PER_ALB, 1_000.0, 0);
        assert_eq!(same.err(), Some("IllegalArgumentException"));
        let bucket = super::super::catalogue::catalogue().into_iter().find(|e| !e.adjustable).unwrap().code;
        let fixed = request(&mut model, "ec2", &bucket, 1e6, 0);
        assert_eq!(fixed.err(), Some("InvalidResourceStateException"));
    }

    #[test]
    fn the_history_has_the_latest_first_and_can_be_filtered() {
        let mut model = model(|_| {});
        let first = request(&mut model, ELB, ALB_UNITS, 500.0, 0).unwrap().id;
        let second = request(&mut model, "vpc", "L-DF5E4CA3", 9_000.0, 1_000).unwrap().id;
        let ids = |model: &mut Model, call, now| match ask(model, call, now) {
            Ok(Answer::RequestedList { requests, .. }) => {
                requests.into_iter().map(|r| r.id).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };
        let all = |service: Option<&str>, status| Call::ListRequestedServiceQuotaChangeHistory {
            service: service.map(Into::into),
            status,
            page: Page::default(),
        };
        assert_eq!(ids(&mut model, all(None, None), 1_000), [second.clone(), first.clone()]);
        assert_eq!(ids(&mut model, all(Some("vpc"), None), 1_000), [second.as_str()]);
        let approved = all(None, Some(Status::Approved));
        assert_eq!(ids(&mut model, approved, 10 * MINUTE), [first.as_str()]);
        let by_quota = Call::ListRequestedServiceQuotaChangeHistoryByQuota {
            of: of(ELB, ALB_UNITS),
            status: None,
            page: Page::default(),
        };
        assert_eq!(ids(&mut model, by_quota, 10 * MINUTE), [first]);
    }
}
