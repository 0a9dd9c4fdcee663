//! Support cases: how people at AWS are asked for what AWS has no call for, and what their answer means.
//!
//! `CreateCase` has no idempotency token: the same call again makes another case (aws-facts 6.4). So the subject of a
//! case carries the request's id, and a case is looked for by it before one is made; where the answer to that is lost,
//! it is looked for again, and made again only once no copy of the call can arrive any more.
//!
//! A case asks, and decides nothing: what the gateway carries only somebody who confirms it says, and people are
//! reminded until then, with or without a case.

use std::sync::Arc;
use std::time::Duration;

use super::balancer::{AFTER_REFUSAL, AFTER_THROTTLE, LOOK_EVERY, is_unsettled};
use super::call::GatewayCall;
use super::letter::letter;
use super::words::{GatewayRow, GatewayState};
use crate::decide::event::CallError;
use crate::decide::words::{Api, ErrorClass, Time};

/// Between two looks at a case that is open. Shorter: more calls for an answer that takes people minutes to days.
/// Longer: known so much later.
pub const FOLLOW_EVERY: Duration = Duration::from_secs(120);
/// AWS's clock and ours may be so far apart: a signature is refused beyond.
const SKEW: Duration = Duration::from_secs(300);
/// Longest subject that is asked for. AWS has not published its limit.
const SUBJECT_MOST: usize = 200;
/// Longest body of a case, in characters (aws-facts 6.4).
const BODY_MOST: usize = 8_000;

/// The status of a case that nobody works on any more, in AWS's words.
pub const RESOLVED: &str = "resolved";
const NO_PLAN: &str = "SubscriptionRequiredException";
const TOO_MANY: &str = "CaseCreationLimitExceeded";
const NOT_THERE: &str = "CaseIdNotFound";

/// How cases about a gateway are made, as configured. The codes come from `DescribeServices` and
/// `DescribeSeverityLevels`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportSpec {
    pub service: String,
    pub category: String,
    pub severity: String,
    /// ISO 639-1 code of the language that people answer in.
    pub language: String,
    /// Who gets a copy: at most ten e-mail addresses.
    pub cc: Vec<String>,
}

/// One call about support cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseCall {
    /// `DescribeCases` of all that were made since then, resolved or not, from this page on.
    Cases { since: Time, page: Option<Arc<str>> },
    /// `DescribeCases` of this one.
    Case { id: Arc<str> },
    /// `CreateCase`.
    Create(Arc<NewCase>),
}

/// What `CreateCase` is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCase {
    pub subject: String,
    pub body: String,
    pub spec: SupportSpec,
}

impl NewCase {
    /// A case that asks for what the request wants.
    #[must_use]
    pub fn of(row: &GatewayRow, spec: &SupportSpec) -> NewCase {
        let subject = format!("{} {} to {} {}", marker(&row.id), row.resource, row.wanted, row.unit);
        NewCase {
            subject: subject.chars().take(SUBJECT_MOST).collect(),
            body: letter(row).chars().take(BODY_MOST).collect(),
            spec: spec.clone(),
        }
    }
}

impl CaseCall {
    #[must_use]
    pub fn api(&self) -> Api {
        match self {
            CaseCall::Cases { .. } | CaseCall::Case { .. } => Api::DescribeCases,
            CaseCall::Create(_) => Api::CreateCase,
        }
    }

    /// It changes something.
    #[must_use]
    pub fn changes(&self) -> bool {
        match self {
            CaseCall::Create(_) => true,
            CaseCall::Cases { .. } | CaseCall::Case { .. } => false,
        }
    }

    #[must_use]
    pub fn about(self) -> GatewayCall {
        GatewayCall::Support(self)
    }
}

/// What the subject of a request's case begins with.
#[must_use]
pub fn marker(request: &str) -> String {
    format!("muster request {request}:")
}

/// One support case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// AWS's id of it, for its API.
    pub id: String,
    /// And for people.
    pub display_id: String,
    pub subject: String,
    /// In AWS's words, of which there may be more than are published.
    pub status: String,
}

/// What is called where nothing else is to be: the case that is followed, or whether there is one.
#[must_use]
pub fn first_look(row: &GatewayRow) -> CaseCall {
    match &row.reference {
        Some(id) => CaseCall::Case { id: id.as_str().into() },
        None => CaseCall::Cases { since: row.asked_at.minus(SKEW), page: None },
    }
}

/// What follows from a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This is to be called, at once.
    Call(CaseCall),
    /// A case is to be made.
    Make,
    /// This is the request's case.
    Follow(Case),
    /// A call of ours may arrive yet.
    Unsettled,
    /// There is nothing to be done about a case.
    Nothing,
    /// The request is over, and no call of ours can arrive any more.
    Over,
}

/// Cases were listed: one of them is the request's, or one is to be made.
#[must_use]
pub fn of_cases(row: &GatewayRow, since: Time, cases: &[Case], page: Option<&Arc<str>>, now: Time) -> Next {
    let ours = marker(&row.id);
    if let Some(case) = cases.iter().find(|case| case.subject.starts_with(&ours)) {
        return Next::Follow(case.clone());
    }
    match page {
        Some(page) => Next::Call(CaseCall::Cases { since, page: Some(page.clone()) }),
        None if is_unsettled(row, now) => Next::Unsettled,
        None => match row.state {
            GatewayState::Wanted | GatewayState::Submitted => Next::Make,
            // Somebody has confirmed it meanwhile.
            GatewayState::Pending | GatewayState::InEffect | GatewayState::PartlyInEffect => Next::Nothing,
            GatewayState::Releasing
            | GatewayState::Refused
            | GatewayState::Expired
            | GatewayState::Released => Next::Over,
        },
    }
}

/// What follows from an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setback {
    /// Looked at again after so long.
    Wait(Duration),
    /// There will be no case, for this reason: people are asked without one.
    NoCase { code: String, why: String },
}

/// What an error of this call means.
#[must_use]
pub fn setback(error: &CallError) -> Setback {
    let none = |why: String| Setback::NoCase { code: error.code.clone(), why };
    match error.code.as_str() {
        NO_PLAN => {
            return none(
                "AWS Support takes cases by its API only from accounts with a Business Support+, Enterprise or Unified \
                 Operations plan"
                    .into(),
            );
        }
        // Some are resolved in their time.
        TOO_MANY => return Setback::Wait(AFTER_REFUSAL),
        NOT_THERE => return none("AWS Support does not know the case any more".into()),
        _ => {}
    }
    match error.class {
        ErrorClass::Throttle => Setback::Wait(AFTER_THROTTLE),
        ErrorClass::Unknown | ErrorClass::Contention => Setback::Wait(LOOK_EVERY),
        ErrorClass::Capacity
        | ErrorClass::Quota
        | ErrorClass::NotFound
        | ErrorClass::Configuration
        | ErrorClass::Unsupported
        | ErrorClass::Addresses
        | ErrorClass::TooMany
        | ErrorClass::TokenSpent
        | ErrorClass::TokenMismatch
        | ErrorClass::NoAction
        | ErrorClass::Size => none(format!("AWS Support takes no case: {}: {}", error.code, error.message)),
    }
}

/// What stays at AWS when the request is over.
#[must_use]
pub fn stays(row: &GatewayRow) -> Option<String> {
    let id = row.reference.as_ref()?;
    let open = row.reference_state.as_deref() != Some(RESOLVED);
    open.then(|| format!("support case {id} stays open until somebody resolves it"))
}

#[cfg(test)]
mod tests {
    use super::super::balancer::SETTLED_AFTER;
    use super::super::testing::row;
    use super::super::words::GatewayKind;
    use super::*;

    const NOW: Time = Time(700_000);

    fn asked() -> GatewayRow {
        GatewayRow {
            kind: GatewayKind::TransitGateway,
            resource: "tgw-1".into(),
            unit: "Gbit/s".into(),
            state: GatewayState::Submitted,
            ..row(200)
        }
    }

    fn spec() -> SupportSpec {
        SupportSpec {
            service: "amazon-vpc".into(),
            category: "other".into(),
            severity: "urgent".into(),
            language: "en".into(),
            cc: Vec::new(),
        }
    }

    fn case(subject: &str) -> Case {
        let text = |text: &str| text.to_string();
        Case { id: text("c"), display_id: text("1"), subject: text(subject), status: text("unassigned") }
    }

    fn looked(row: &GatewayRow, cases: &[Case], page: Option<&Arc<str>>, now: Time) -> Next {
        of_cases(row, Time(0), cases, page, now)
    }

    #[test]
    fn the_case_of_a_request_is_known_by_its_subject() {
        let new = NewCase::of(&asked(), &spec());
        assert_eq!(new.subject, "muster request request-1: tgw-1 to 200 Gbit/s");
        assert!(new.body.contains("muster gateway confirm request-1"), "{}", new.body);
        let (ours, other) = (case(&new.subject), case("muster request request-10: tgw-1"));
        assert_eq!(looked(&asked(), &[case("else"), ours.clone()], None, NOW), Next::Follow(ours));
        assert_eq!(looked(&asked(), &[other], None, NOW), Next::Make, "of another request");
    }

    #[test]
    fn one_is_made_only_where_no_page_has_one() {
        let page: Arc<str> = "2".into();
        let more = Next::Call(CaseCall::Cases { since: Time(0), page: Some(page.clone()) });
        assert_eq!(looked(&asked(), &[], Some(&page), NOW), more);
        assert_eq!(looked(&asked(), &[], None, NOW), Next::Make);
        let confirmed = GatewayRow { state: GatewayState::InEffect, ..asked() };
        assert_eq!(looked(&confirmed, &[], None, NOW), Next::Nothing);
    }

    #[test]
    fn a_lost_call_is_looked_for_and_made_again_only_when_no_copy_can_arrive() {
        let lost = GatewayRow { unanswered: Some(Time(600_000)), ..asked() };
        assert_eq!(looked(&lost, &[], None, NOW), Next::Unsettled);
        assert_eq!(looked(&lost, &[], None, Time(600_000).plus(SETTLED_AFTER)), Next::Make);
        let over = GatewayRow { state: GatewayState::Releasing, ..lost };
        assert_eq!(looked(&over, &[], None, NOW), Next::Unsettled);
        assert_eq!(looked(&over, &[], None, Time(600_000).plus(SETTLED_AFTER)), Next::Over);
    }

    #[test]
    fn what_is_followed_is_looked_at_alone() {
        assert_eq!(first_look(&row(9)), CaseCall::Cases { since: Time(-300_000), page: None });
        let followed = GatewayRow { reference: Some("c".into()), ..asked() };
        assert_eq!(first_look(&followed), CaseCall::Case { id: "c".into() });
        assert!(stays(&followed).unwrap().contains("case c stays open"));
        assert_eq!(stays(&GatewayRow { reference_state: Some(RESOLVED.into()), ..followed }), None);
        assert_eq!(stays(&asked()), None);
    }

    #[test]
    fn each_error_of_the_fact_sheet_has_its_answer() {
        let of = |class, code: &str| {
            setback(&CallError { class, code: code.into(), message: "as it says".into() })
        };
        let wrong = ErrorClass::Configuration;
        assert!(
            matches!(of(wrong, NO_PLAN), Setback::NoCase { why, .. } if why.contains("Business Support+"))
        );
        assert_eq!(of(wrong, TOO_MANY), Setback::Wait(AFTER_REFUSAL));
        assert_eq!(of(ErrorClass::Throttle, "ThrottlingException"), Setback::Wait(AFTER_THROTTLE));
        assert_eq!(of(ErrorClass::Unknown, "InternalServerError"), Setback::Wait(LOOK_EVERY));
        let Setback::NoCase { code, why } = of(wrong, "AccessDeniedException") else { panic!() };
        assert_eq!((code.as_str(), why.contains("as it says")), ("AccessDeniedException", true));
    }
}
