//! `CreateCase`.

use super::super::arn::ACCOUNT;
use super::call::{Answer, CreateCase, Status};
use super::case::Case;
use super::error::{ApiError, Code};
use super::services::{has_category, has_service, has_severity};
use super::{Support, would_have};

/// Longest body, in characters (aws-facts 6.4).
const BODY_MAX: usize = 8_000;
/// Most addresses that get a copy.
const CC_MAX: usize = 10;

impl Support {
    pub(super) fn create(
        &mut self,
        call: &CreateCase,
        dry_run: bool,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        check_body(&call.body)?;
        if call.subject.is_empty() {
            return Err(ApiError::invalid("subject must not be empty."));
        }
        if call.cc.len() > CC_MAX {
            return Err(ApiError::invalid(format!("ccEmailAddresses may have at most {CC_MAX} entries.")));
        }
        self.check_codes(call)?;
        let open = self.cases.iter().filter(|case| case.status(now_ms) != Status::Resolved).count();
        if open >= self.settings.support.open_cases as usize {
            let message = "The case creation limit for the account has been exceeded.";
            return Err(ApiError::new(Code::CaseCreationLimitExceeded, message));
        }
        would_have(dry_run)?;
        let number = self.cases.len() as u64;
        let case = Case::new(&self.settings.support, self.seed, number, ACCOUNT, call.clone(), now_ms);
        let case_id = case.id.clone();
        self.cases.push(case);
        Ok(Answer::Created { case_id })
    }

    fn check_codes(&self, call: &CreateCase) -> Result<(), ApiError> {
        if !self.settings.support.checks_codes {
            return Ok(());
        }
        for (name, code, known) in [
            ("serviceCode", &call.service, has_service as fn(&str) -> bool),
            ("categoryCode", &call.category, has_category),
            ("severityCode", &call.severity, has_severity),
        ] {
            if let Some(code) = code.as_deref().filter(|code| !known(code)) {
                return Err(ApiError::invalid(format!("Invalid {name}: {code}")));
            }
        }
        Ok(())
    }
}

pub(super) fn check_body(body: &str) -> Result<(), ApiError> {
    let characters = body.chars().count();
    if (1..=BODY_MAX).contains(&characters) {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "1 validation error detected: Value at 'communicationBody' failed to satisfy constraint: Member must \
         have length from 1 to {BODY_MAX}"
    )))
}

#[cfg(test)]
mod tests {
    use super::super::call::Verb;
    use super::super::testing::*;
    use super::*;

    #[test]
    fn the_same_call_again_makes_another_case() {
        let mut model = model(|_| {});
        let (first, second) = (create(&mut model, 0), create(&mut model, 0));
        assert_ne!(first, second);
        assert!(first.starts_with("case-000000000000-muen-1970-"), "{first}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let mut model = model(|_| {});
        let long = "x".repeat(BODY_MAX + 1);
        for spoilt in [
            CreateCase { subject: String::new(), ..case() },
            CreateCase { body: String::new(), ..case() },
            CreateCase { body: long, ..case() },
            CreateCase { cc: vec!["a@example.org".into(); 11], ..case() },
            CreateCase { service: Some("nothing".into()), ..case() },
            CreateCase { category: Some("nothing".into()), ..case() },
            CreateCase { severity: Some("nothing".into()), ..case() },
        ] {
            assert_eq!(ask(&mut model, Verb::CreateCase(spoilt), 0), Err("ValidationException"));
        }
    }

    #[test]
    fn codes_may_be_taken_unread() {
        let mut model = model(|s| s.checks_codes = false);
        let other = CreateCase { service: Some("nothing".into()), ..case() };
        assert!(ask(&mut model, Verb::CreateCase(other), 0).is_ok());
    }

    #[test]
    fn so_many_may_be_open_and_no_more() {
        let mut model = model(|s| s.open_cases = 2);
        let first = create(&mut model, 0);
        create(&mut model, 0);
        let create = || Verb::CreateCase(case());
        assert_eq!(ask(&mut model, create(), 0), Err("CaseCreationLimitExceeded"));
        ask(&mut model, Verb::ResolveCase { case_id: Some(first) }, 0).unwrap();
        assert!(ask(&mut model, create(), 0).is_ok());
    }
}
