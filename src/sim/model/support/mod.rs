//! AWS Support: cases, and people who answer them in their own time.

pub mod call;
mod case;
mod create;
pub mod error;
mod read;
mod services;

use std::sync::Arc;

use super::super::settings::Settings;
use super::counters::ApiCounters;
use super::ec2::bucket::Bucket;
use call::{Answer, Call, Status, Verb};
use case::Case;
use error::{ApiError, Code};

/// AWS Support of one account. Its only endpoints are elsewhere; it is the same from every Region.
#[derive(Debug)]
pub struct Support {
    settings: Arc<Settings>,
    seed: u64,
    /// The oldest first.
    cases: Vec<Case>,
    calls: Bucket,
}

impl Support {
    pub(super) fn new(settings: Arc<Settings>, seed: u64) -> Support {
        let calls = Bucket::new(settings.support.calls);
        Support { settings, seed, cases: Vec::new(), calls }
    }

    /// From now on these settings hold. Who was going to answer a case still does.
    pub(super) fn adopt(&mut self, settings: &Arc<Settings>, now_ms: i64) {
        self.calls.adopt(settings.support.calls, now_ms);
        self.settings = settings.clone();
    }

    /// Answers one call, metered.
    pub(super) fn handle(
        &mut self,
        call: &Call,
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        if call.action().is_some() {
            if !self.calls.take(1, now_ms) {
                meter.throttled_by_requests += 1;
                return Err(ApiError::throttled());
            }
            meter.request_tokens += 1;
            self.subscribed()?;
        }
        match &call.verb {
            Verb::CreateCase(create) => self.create(create, call.dry_run, now_ms),
            Verb::DescribeCases(describe) => {
                would_have(call.dry_run)?;
                self.describe_cases(describe, now_ms)
            }
            Verb::AddCommunicationToCase { case_id, body } => {
                self.add(case_id.as_deref(), body, call.dry_run, now_ms)
            }
            Verb::DescribeCommunications { case_id, times, page } => {
                would_have(call.dry_run)?;
                self.describe_communications(case_id, *times, page)
            }
            Verb::ResolveCase { case_id } => self.resolve(case_id.as_deref(), call.dry_run, now_ms),
            Verb::DescribeServices { codes } => {
                would_have(call.dry_run)?;
                Ok(services::describe(codes))
            }
            Verb::DescribeSeverityLevels => {
                would_have(call.dry_run)?;
                Ok(Answer::SeverityLevels(services::SEVERITIES.to_vec()))
            }
            Verb::Unreadable { error, .. } => Err(error.clone()),
        }
    }

    /// The most calls that anyone could have made between two times. All actions share it.
    pub(super) fn offered(&self, first_ms: i64, last_ms: i64) -> f64 {
        self.calls.offered(first_ms, last_ms)
    }

    /// People answer what is due by now, in the order of its time.
    pub(super) fn settle(&mut self, now_ms: i64) {
        let mut due: Vec<(i64, usize)> =
            self.cases.iter().enumerate().filter_map(|(i, case)| Some((case.due(now_ms)?, i))).collect();
        due.sort_unstable();
        for (_, i) in due {
            if let Some(case) = self.cases.get_mut(i) {
                case.answered(&self.settings.support);
            }
        }
    }

    fn subscribed(&self) -> Result<(), ApiError> {
        if self.settings.support.subscription {
            return Ok(());
        }
        let message = "AWS Premium Support Subscription is required to use this service.";
        Err(ApiError::new(Code::SubscriptionRequired, message))
    }

    fn case_mut(&mut self, id: Option<&str>) -> Result<&mut Case, ApiError> {
        let id = id.ok_or_else(|| ApiError::invalid("caseId is required."))?;
        self.cases.iter_mut().find(|case| case.id == id).ok_or_else(|| ApiError::unknown_case(id))
    }

    /// `AddCommunicationToCase`.
    fn add(&mut self, id: Option<&str>, body: &str, dry_run: bool, now_ms: i64) -> Result<Answer, ApiError> {
        create::check_body(body)?;
        let (settings, seed) = (self.settings.clone(), self.seed);
        let case = self.case_mut(id)?;
        would_have(dry_run)?;
        case.add(&settings.support, seed, body.into(), now_ms);
        Ok(Answer::Added)
    }

    /// `ResolveCase`. One that is resolved is answered as if it had been done just now.
    fn resolve(&mut self, id: Option<&str>, dry_run: bool, now_ms: i64) -> Result<Answer, ApiError> {
        let case = self.case_mut(id)?;
        would_have(dry_run)?;
        let initial = case.status(now_ms);
        case.resolve();
        Ok(Answer::Resolved { initial, last: Status::Resolved })
    }
}

/// A dry run ends where the effect would be.
fn would_have(dry_run: bool) -> Result<(), ApiError> {
    let message = "Request would have succeeded, but DryRun flag is set.";
    if dry_run { Err(ApiError::new(Code::DryRunOperation, message)) } else { Ok(()) }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::super::super::settings::SupportSettings;
    use super::super::Model;
    use super::super::call::{Answer as AnyAnswer, Call as AnyCall, Outcome};
    use super::super::ec2::testing::small_settings;
    use super::call::{Answer, Call, CreateCase, Verb};

    pub(crate) fn model(change: impl FnOnce(&mut SupportSettings)) -> Model {
        let mut settings = small_settings();
        settings.support.answered_after.min_ms = 900_000;
        settings.support.answered_after.max_ms = 900_000;
        change(&mut settings.support);
        Model::new(settings, 1).unwrap()
    }

    /// The answer, or the error's code.
    pub(crate) fn call(model: &mut Model, call: Call, now_ms: i64) -> Result<Answer, &'static str> {
        match model.handle(&AnyCall::Support(call), now_ms).outcome {
            Outcome::Answer(AnyAnswer::Support(answer)) => Ok(answer),
            Outcome::Error(failure) => Err(failure.code),
            Outcome::Answer(other) => panic!("{other:?}"),
            Outcome::Lost => panic!("lost"),
        }
    }

    pub(crate) fn ask(model: &mut Model, verb: Verb, now_ms: i64) -> Result<Answer, &'static str> {
        call(model, Call { dry_run: false, verb }, now_ms)
    }

    pub(crate) fn case() -> CreateCase {
        CreateCase {
            subject: "More for tgw-1".into(),
            body: "Please prepare for 80 Gbit/s.".into(),
            service: Some("transit-gateway".into()),
            category: Some("performance".into()),
            severity: Some("high".into()),
            ..CreateCase::default()
        }
    }

    pub(crate) fn create(model: &mut Model, now_ms: i64) -> String {
        match ask(model, Verb::CreateCase(case()), now_ms) {
            Ok(Answer::Created { case_id }) => case_id,
            other => panic!("{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::Person;
    use super::super::Model;
    use super::call::{Communication, DescribeCases, Page, Times};
    use super::testing::*;
    use super::*;

    const MINUTE: i64 = 60_000;

    fn status(model: &mut Model, now_ms: i64) -> Option<Status> {
        let describe = DescribeCases { include_resolved: true, ..DescribeCases::default() };
        match ask(model, Verb::DescribeCases(describe), now_ms) {
            Ok(Answer::Cases { cases, .. }) => cases.first().map(|case| case.status),
            other => panic!("{other:?}"),
        }
    }

    fn said(model: &mut Model, id: &str, now_ms: i64) -> Vec<Communication> {
        let verb = Verb::DescribeCommunications {
            case_id: id.into(),
            times: Times::default(),
            page: Page::default(),
        };
        match ask(model, verb, now_ms) {
            Ok(Answer::Communications { communications, .. }) => communications,
            other => panic!("{other:?}"),
        }
    }

    fn add(id: &str) -> Verb {
        Verb::AddCommunicationToCase { case_id: Some(id.into()), body: "Any news?".into() }
    }

    #[test]
    fn a_person_takes_the_case_and_answers_it() {
        let mut model = model(|_| {});
        let id = create(&mut model, 0);
        assert_eq!(status(&mut model, 4 * MINUTE), Some(Status::Unassigned));
        assert_eq!(status(&mut model, 5 * MINUTE), Some(Status::WorkInProgress));
        assert_eq!(said(&mut model, &id, 5 * MINUTE).len(), 1);
        assert_eq!(status(&mut model, 15 * MINUTE), Some(Status::PendingCustomerAction));
        let words = said(&mut model, &id, 20 * MINUTE);
        assert_eq!((words[0].at_ms, words[0].submitted_by.as_str()), (15 * MINUTE, "Amazon Web Services"));
        assert!(words[0].body.starts_with("We have made the change"), "{}", words[0].body);
        let resolve = Verb::ResolveCase { case_id: Some(id.clone()) };
        let expected = Answer::Resolved { initial: Status::PendingCustomerAction, last: Status::Resolved };
        assert_eq!(ask(&mut model, resolve, 20 * MINUTE), Ok(expected));
        assert_eq!(ask(&mut model, add(&id), 30 * MINUTE), Ok(Answer::Added));
        assert_eq!(status(&mut model, 30 * MINUTE), Some(Status::Reopened));
        assert_eq!(said(&mut model, &id, 45 * MINUTE).len(), 4);
    }

    #[test]
    fn one_may_refuse_and_another_never_answer() {
        let mut refusing = model(|s| s.person = Person::Refuses);
        let id = create(&mut refusing, 0);
        assert!(said(&mut refusing, &id, 15 * MINUTE)[0].body.starts_with("We cannot"));
        let mut silent = model(|s| s.person = Person::Never);
        let id = create(&mut silent, 0);
        ask(&mut silent, add(&id), 60 * MINUTE).unwrap();
        assert_eq!(said(&mut silent, &id, 6_000 * MINUTE).len(), 2);
        assert_eq!(status(&mut silent, 6_000 * MINUTE), Some(Status::Unassigned));
    }

    #[test]
    fn a_person_may_resolve_the_case_with_the_answer() {
        let mut model = model(|s| s.person_resolves = true);
        create(&mut model, 0);
        assert_eq!(status(&mut model, 15 * MINUTE), Some(Status::Resolved));
    }

    #[test]
    fn without_a_plan_every_call_is_refused() {
        let mut model = model(|s| s.subscription = false);
        for verb in [Verb::DescribeSeverityLevels, Verb::CreateCase(case()), add("case-1")] {
            assert_eq!(ask(&mut model, verb, 0), Err("SubscriptionRequiredException"));
        }
    }

    #[test]
    fn a_dry_run_is_checked_and_does_nothing() {
        let mut model = model(|_| {});
        let id = create(&mut model, 0);
        let dry = |verb| Call { dry_run: true, verb };
        let resolve = |id: &str| Verb::ResolveCase { case_id: Some(id.into()) };
        for (verb, code) in [
            (Verb::CreateCase(case()), "DryRunOperationException"),
            (add(&id), "DryRunOperationException"),
            (resolve(&id), "DryRunOperationException"),
            (Verb::DescribeSeverityLevels, "DryRunOperationException"),
            (add("case-1"), "CaseIdNotFound"),
            (resolve("case-1"), "CaseIdNotFound"),
        ] {
            assert_eq!(call(&mut model, dry(verb.clone()), MINUTE), Err(code), "{verb:?}");
        }
        assert_eq!(said(&mut model, &id, MINUTE).len(), 1);
        assert_eq!(status(&mut model, MINUTE), Some(Status::Unassigned));
    }

    #[test]
    fn all_calls_share_one_rate() {
        let mut model = model(|_| {});
        let passed = (0..50).filter(|_| ask(&mut model, Verb::DescribeSeverityLevels, 0).is_ok()).count();
        assert_eq!(passed, 20);
        assert_eq!(ask(&mut model, add("case-1"), 0), Err("ThrottlingException"));
    }
}
