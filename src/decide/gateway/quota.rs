//! Quotas: what a look at one and at its increases means for a request, and what an error does.
//!
//! An increase has no client token, and AWS answers it in its own time, minutes to days: one that is asked for
//! twice is two cases on somebody's desk, or the second is refused while the first is open (aws-facts 1.5). So a
//! request looks at the value first, and then at the increases that were asked for by anybody: one that is open is
//! followed, whoever asked. Only where there is none is one asked for. Where the answer to that is lost, it is
//! looked for, and asked for again only once no copy of the call can arrive any more.
//!
//! A quota is not taken back: at the end of a request it stays what it is.

use std::sync::Arc;
use std::time::Duration;

use super::balancer::{AFTER_REFUSAL, AFTER_THROTTLE, LOOK_EVERY, SETTLED_AFTER, is_unsettled};
use super::call::GatewayCall;
use super::words::{GatewayEnd, GatewayRow, GatewayState};
use crate::decide::event::CallError;
use crate::decide::words::{Api, ErrorClass, Time, named};

/// Between two looks at an increase that is open, two calls each. Shorter: more calls for an answer that takes
/// minutes to days. Longer: known so much later.
pub const FOLLOW_EVERY: Duration = Duration::from_secs(60);
/// A case that was closed may have granted a part, which shows in the value alone, and how soon is undocumented: it
/// is waited for so long. Shorter, and a grant is taken for a refusal; longer, and a refusal is known later.
pub const GRANTED_WITHIN: Duration = Duration::from_secs(900);
/// AWS's clock and ours may be so far apart: a signature is refused beyond.
const SKEW: Duration = Duration::from_secs(300);

const NOT_THERE: &str = "NoSuchResourceException";
const OPEN_ALREADY: &str = "ResourceAlreadyExistsException";
const TOO_MANY_OPEN: &str = "QuotaExceededException";

/// One call about a quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuotaCall {
    /// `GetServiceQuota`.
    Value,
    /// `GetAWSDefaultServiceQuota`: where no value is applied to the account, the default is what holds.
    Default,
    /// `ListRequestedServiceQuotaChangeHistoryByQuota`, from this page on.
    Increases { page: Option<Arc<str>> },
    /// `GetRequestedServiceQuotaChange`.
    Increase { id: Arc<str> },
    /// `RequestServiceQuotaIncrease` to this value.
    Ask { value: u32 },
}

impl QuotaCall {
    #[must_use]
    pub fn api(&self) -> Api {
        match self {
            QuotaCall::Value => Api::GetServiceQuota,
            QuotaCall::Default => Api::GetAwsDefaultServiceQuota,
            QuotaCall::Increases { .. } => Api::ListRequestedServiceQuotaChangeHistoryByQuota,
            QuotaCall::Increase { .. } => Api::GetRequestedServiceQuotaChange,
            QuotaCall::Ask { .. } => Api::RequestServiceQuotaIncrease,
        }
    }

    /// It changes something.
    #[must_use]
    pub fn changes(&self) -> bool {
        match self {
            QuotaCall::Ask { .. } => true,
            QuotaCall::Value
            | QuotaCall::Default
            | QuotaCall::Increases { .. }
            | QuotaCall::Increase { .. } => false,
        }
    }

    /// Of this request's quota.
    #[must_use]
    pub fn of(self, row: &GatewayRow) -> GatewayCall {
        GatewayCall::Quota { of: row.resource.as_str().into(), call: self }
    }
}

named! {
    /// Where an increase stands, in AWS's words.
    pub enum IncreaseStatus {
        Pending = "PENDING",
        CaseOpened = "CASE_OPENED",
        Approved = "APPROVED",
        Denied = "DENIED",
        CaseClosed = "CASE_CLOSED",
        NotApproved = "NOT_APPROVED",
        InvalidRequest = "INVALID_REQUEST",
    }
}

impl IncreaseStatus {
    /// AWS has not answered it yet.
    #[must_use]
    pub fn is_open(self) -> bool {
        match self {
            IncreaseStatus::Pending | IncreaseStatus::CaseOpened => true,
            IncreaseStatus::Approved
            | IncreaseStatus::Denied
            | IncreaseStatus::CaseClosed
            | IncreaseStatus::NotApproved
            | IncreaseStatus::InvalidRequest => false,
        }
    }
}

/// One increase that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Increase {
    /// AWS's id of it.
    pub id: String,
    /// The whole value that was asked for.
    pub desired: f64,
    pub status: IncreaseStatus,
    /// By AWS's clock.
    pub created: Time,
    /// When its status changed last, by AWS's clock.
    pub updated: Time,
}

impl Increase {
    /// It asks for what the request wants: its answer is the request's.
    fn is_of(&self, row: &GatewayRow) -> bool {
        (self.desired - f64::from(row.wanted)).abs() < 0.5
    }

    /// The call of ours whose answer is lost may have made it.
    fn may_be_lost(&self, row: &GatewayRow) -> bool {
        self.is_of(row) && row.unanswered.is_some_and(|sent| self.created.plus(SKEW) >= sent)
    }
}

/// What follows from a look.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// This is to be called, at once.
    Call(QuotaCall),
    /// It stands so, and this is said of it.
    Stands {
        state: GatewayState,
        note: Option<String>,
    },
    /// This increase is to be followed from now on, and stands so.
    Follow(Increase),
    /// The increase that was followed is over, and was not what the request wants: nothing is followed any more.
    Forget,
    /// A call of ours may arrive yet.
    Unsettled,
    Refused(String),
    /// The request is over, and no call of ours can arrive any more.
    Over,
}

/// Whole units of a value.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
pub fn whole(value: f64) -> u32 {
    (value + 1e-6).floor() as u32
}

/// The value was looked at; the row has it in `in_effect`, up to what is wanted.
#[must_use]
pub fn of_value(row: &GatewayRow, adjustable: bool) -> Next {
    if row.state == GatewayState::Releasing {
        return Next::Call(QuotaCall::Increases { page: None });
    }
    if row.in_effect >= row.wanted {
        return Next::Stands { state: GatewayState::InEffect, note: None };
    }
    if let Some(id) = &row.reference {
        return Next::Call(QuotaCall::Increase { id: id.as_str().into() });
    }
    if !adjustable {
        return Next::Refused(format!("AWS does not raise this quota on request: it is {}", row.in_effect));
    }
    Next::Call(QuotaCall::Increases { page: None })
}

/// Increases were listed: one of them is ours to follow, or one is to be asked for.
#[must_use]
pub fn of_increases(row: &GatewayRow, increases: &[Increase], page: Option<&Arc<str>>, now: Time) -> Next {
    let over = row.state == GatewayState::Releasing;
    let lost = increases.iter().find(|increase| increase.may_be_lost(row));
    let open = increases.iter().find(|increase| increase.status.is_open()).filter(|_| !over);
    if let Some(found) = open.or(lost) {
        return Next::Follow(found.clone());
    }
    match page {
        Some(page) => Next::Call(QuotaCall::Increases { page: Some(page.clone()) }),
        None if is_unsettled(row, now) => Next::Unsettled,
        None if over => Next::Over,
        None => Next::Call(QuotaCall::Ask { value: row.wanted }),
    }
}

/// The increase that is followed was looked at, right after the value.
#[must_use]
pub fn of_increase(row: &GatewayRow, increase: &Increase, now: Time) -> Next {
    if row.state == GatewayState::Releasing {
        return Next::Over;
    }
    let said = format!("increase {} to {} is {}", increase.id, increase.desired, increase.status);
    let pending = |note: String| Next::Stands { state: GatewayState::Pending, note: Some(note) };
    let enough = increase.desired >= f64::from(row.wanted) - 0.5;
    match increase.status {
        IncreaseStatus::Pending | IncreaseStatus::CaseOpened => pending(said),
        IncreaseStatus::Approved if enough => pending(format!("{said}, and not in effect yet")),
        IncreaseStatus::Approved => Next::Forget,
        IncreaseStatus::Denied
        | IncreaseStatus::CaseClosed
        | IncreaseStatus::NotApproved
        | IncreaseStatus::InvalidRequest
            if !increase.is_of(row) =>
        {
            Next::Forget
        }
        // A person may have granted less: the API has no word for it.
        IncreaseStatus::CaseClosed if row.in_effect > row.before.unwrap_or(0) => {
            Next::Stands { state: GatewayState::PartlyInEffect, note: Some(said) }
        }
        IncreaseStatus::CaseClosed if now < increase.updated.plus(GRANTED_WITHIN) => {
            pending(format!("{said}; a part that was granted may show yet"))
        }
        IncreaseStatus::CaseClosed
        | IncreaseStatus::Denied
        | IncreaseStatus::NotApproved
        | IncreaseStatus::InvalidRequest => Next::Refused(said),
    }
}

/// What follows from an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setback {
    /// Looked at again after so long.
    Wait(Duration),
    /// This is to be called instead.
    Call(QuotaCall),
    /// AWS does not know the increase any more: it is not followed.
    Forget,
    /// It will not be done.
    No(String),
}

/// What an error of this call means.
#[must_use]
pub fn setback(call: &QuotaCall, error: &CallError) -> Setback {
    let told = format!("{}: {}", error.code, error.message);
    match (call, error.code.as_str()) {
        (QuotaCall::Value, NOT_THERE) => return Setback::Call(QuotaCall::Default),
        (QuotaCall::Increase { .. }, NOT_THERE) => return Setback::Forget,
        // Somebody's, or ours whose answer was lost: it is found by looking.
        (QuotaCall::Ask { .. }, OPEN_ALREADY) => return Setback::Wait(LOOK_EVERY),
        // Two in a Region and twenty in an account may be open (aws-facts 1.5): they are answered in their time.
        (QuotaCall::Ask { .. }, TOO_MANY_OPEN) => return Setback::Wait(AFTER_REFUSAL),
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
        | ErrorClass::Size => Setback::No(told),
    }
}

/// When the lost call of a request that is over is looked for again.
#[must_use]
pub fn looks_again(row: &GatewayRow, now: Time) -> Time {
    let settled = row.unanswered.map_or(now, |sent| sent.plus(SETTLED_AFTER));
    settled.min(now.plus(LOOK_EVERY))
}

/// What stays at AWS when the request is over, by the state that it was in before.
#[must_use]
pub fn stays(row: &GatewayRow) -> Option<String> {
    let value = row.before.map(|_| "AWS takes no quota back: it stays as it is".to_string())?;
    let answered = row.state.carries() || row.end == Some(GatewayEnd::Refused);
    let open = row.reference.as_ref().filter(|_| !answered);
    Some(open.map_or(value.clone(), |id| format!("{value}, and increase {id} goes on")))
}

#[cfg(test)]
mod tests {
    use super::super::testing::row;
    use super::super::words::GatewayKind;
    use super::*;

    /// 1,200 wanted of a quota of 1,000.
    fn wanted() -> GatewayRow {
        GatewayRow {
            kind: GatewayKind::Quota,
            resource: "ec2/L-1216C47A".into(),
            before: Some(1_000),
            in_effect: 1_000,
            ..row(1_200)
        }
    }

    fn following() -> GatewayRow {
        GatewayRow { state: GatewayState::Pending, reference: Some("i".into()), ..wanted() }
    }

    /// Made and changed last in the tenth minute.
    fn increase(desired: f64, status: IncreaseStatus) -> Increase {
        Increase { id: "i".into(), desired, status, created: Time(600_000), updated: Time(600_000) }
    }

    const NOW: Time = Time(700_000);
    const ASK: Next = Next::Call(QuotaCall::Ask { value: 1_200 });

    #[test]
    fn what_is_there_is_not_asked_for_and_what_cannot_be_raised_is_refused() {
        let there = GatewayRow { in_effect: 1_200, ..wanted() };
        let stands = Next::Stands { state: GatewayState::InEffect, note: None };
        assert_eq!(of_value(&there, false), stands);
        assert!(matches!(of_value(&wanted(), false), Next::Refused(why) if why.contains("1000")));
        assert_eq!(of_value(&wanted(), true), Next::Call(QuotaCall::Increases { page: None }));
        assert_eq!(of_value(&following(), true), Next::Call(QuotaCall::Increase { id: "i".into() }));
    }

    #[test]
    fn one_that_is_open_is_followed_whoever_asked_and_on_whatever_page() {
        for status in [IncreaseStatus::Pending, IncreaseStatus::CaseOpened] {
            let open = increase(1_100.0, status);
            let closed = increase(1_200.0, IncreaseStatus::Denied);
            let next = of_increases(&wanted(), &[closed, open.clone()], None, NOW);
            assert_eq!(next, Next::Follow(open));
        }
        let denied = [increase(1_200.0, IncreaseStatus::Denied)];
        let page: Arc<str> = "2".into();
        let more = Next::Call(QuotaCall::Increases { page: Some(page.clone()) });
        assert_eq!(of_increases(&wanted(), &denied, Some(&page), NOW), more);
        assert_eq!(of_increases(&wanted(), &denied, None, NOW), ASK, "an old refusal is not ours");
    }

    #[test]
    fn a_lost_call_is_looked_for_and_made_again_only_when_no_copy_can_arrive() {
        let lost = GatewayRow { state: GatewayState::Submitted, unanswered: Some(Time(600_500)), ..wanted() };
        assert_eq!(of_increases(&lost, &[], None, NOW), Next::Unsettled);
        let denied = increase(1_200.0, IncreaseStatus::Denied);
        assert_eq!(
            of_increases(&lost, std::slice::from_ref(&denied), None, NOW),
            Next::Follow(denied.clone())
        );
        let before = Increase { created: Time(0), ..denied };
        assert_eq!(
            of_increases(&lost, &[before], None, NOW),
            Next::Unsettled,
            "made before it was asked for"
        );
        assert_eq!(of_increases(&lost, &[], None, Time(600_500).plus(SETTLED_AFTER)), ASK);
    }

    #[test]
    fn a_request_that_is_over_looks_for_its_lost_call_and_asks_for_nothing() {
        let over = GatewayRow { state: GatewayState::Releasing, ..wanted() };
        let lost = GatewayRow { unanswered: Some(Time(600_500)), ..over.clone() };
        let theirs = increase(1_100.0, IncreaseStatus::Pending);
        assert_eq!(of_value(&lost, true), Next::Call(QuotaCall::Increases { page: None }));
        assert_eq!(of_increases(&lost, std::slice::from_ref(&theirs), None, NOW), Next::Unsettled);
        let ours = increase(1_200.0, IncreaseStatus::Pending);
        assert_eq!(of_increases(&lost, &[theirs, ours.clone()], None, NOW), Next::Follow(ours));
        assert_eq!(of_increases(&over, &[], None, NOW), Next::Over);
        assert_eq!(looks_again(&lost, NOW), NOW.plus(LOOK_EVERY));
    }

    #[test]
    fn each_answer_has_its_meaning() {
        let of = |status, now| of_increase(&following(), &increase(1_200.0, status), now);
        let pending = |next: &Next| matches!(next, Next::Stands { state: GatewayState::Pending, .. });
        for status in [IncreaseStatus::Pending, IncreaseStatus::CaseOpened, IncreaseStatus::Approved] {
            assert!(pending(&of(status, NOW)), "{status}");
        }
        for status in [IncreaseStatus::Denied, IncreaseStatus::NotApproved, IncreaseStatus::InvalidRequest] {
            let why = format!("increase i to 1200 is {status}");
            assert_eq!(of(status, NOW), Next::Refused(why));
        }
        assert!(pending(&of(IncreaseStatus::CaseClosed, NOW)), "a part may show yet");
        let long_after = Time(600_000).plus(GRANTED_WITHIN);
        assert!(matches!(of(IncreaseStatus::CaseClosed, long_after), Next::Refused(_)));
        let part = GatewayRow { in_effect: 1_100, ..following() };
        let closed = increase(1_200.0, IncreaseStatus::CaseClosed);
        let next = of_increase(&part, &closed, NOW);
        assert!(matches!(next, Next::Stands { state: GatewayState::PartlyInEffect, .. }), "{next:?}");
    }

    #[test]
    fn an_answer_to_somebody_elses_number_is_not_ours() {
        let of = |desired, status| of_increase(&following(), &increase(desired, status), NOW);
        assert_eq!(of(1_100.0, IncreaseStatus::Approved), Next::Forget);
        assert_eq!(of(9_000.0, IncreaseStatus::Denied), Next::Forget);
        assert_eq!(of(1_100.0, IncreaseStatus::CaseClosed), Next::Forget);
        let more = of(9_000.0, IncreaseStatus::Approved);
        assert!(matches!(more, Next::Stands { state: GatewayState::Pending, .. }), "it is enough: {more:?}");
    }

    #[test]
    fn each_error_of_the_fact_sheet_has_its_answer() {
        let of = |call: QuotaCall, class, code: &str| {
            setback(&call, &CallError { class, code: code.into(), message: "as it says".into() })
        };
        let ask = || QuotaCall::Ask { value: 9 };
        let wrong = ErrorClass::Configuration;
        assert_eq!(of(QuotaCall::Value, wrong, NOT_THERE), Setback::Call(QuotaCall::Default));
        assert!(matches!(of(QuotaCall::Default, wrong, NOT_THERE), Setback::No(_)));
        assert_eq!(of(QuotaCall::Increase { id: "i".into() }, wrong, NOT_THERE), Setback::Forget);
        assert_eq!(of(ask(), wrong, OPEN_ALREADY), Setback::Wait(LOOK_EVERY));
        assert_eq!(of(ask(), wrong, TOO_MANY_OPEN), Setback::Wait(AFTER_REFUSAL));
        assert_eq!(
            of(ask(), ErrorClass::Throttle, "TooManyRequestsException"),
            Setback::Wait(AFTER_THROTTLE)
        );
        assert_eq!(of(ask(), ErrorClass::Unknown, "ServiceException"), Setback::Wait(LOOK_EVERY));
        for code in
            ["InvalidResourceStateException", "IllegalArgumentException", "DependencyAccessDeniedException"]
        {
            assert_eq!(of(ask(), wrong, code), Setback::No(format!("{code}: as it says")));
        }
    }

    #[test]
    fn what_stays_is_said() {
        assert_eq!(stays(&row(9)), None, "nobody has looked");
        assert_eq!(stays(&wanted()).unwrap(), "AWS takes no quota back: it stays as it is");
        assert!(stays(&following()).unwrap().ends_with("and increase i goes on"));
        let refused = GatewayRow { end: Some(GatewayEnd::Refused), ..following() };
        assert_eq!(stays(&refused), stays(&wanted()));
    }
}
