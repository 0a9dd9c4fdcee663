//! Requests for a quota, one decision at a time.

use super::*;
use crate::decide::gateway::quota::{FOLLOW_EVERY, GRANTED_WITHIN, Increase, IncreaseStatus, QuotaCall};

const WANTED: u32 = 1_200;

#[allow(clippy::unnecessary_wraps)] // what is answered may be an error
fn value(value: f64) -> Result<GatewaySeen, CallError> {
    Ok(GatewaySeen::Quota { value, adjustable: true })
}

fn increase(id: &str, desired: f64, status: IncreaseStatus, at: Time) -> Increase {
    Increase { id: id.into(), desired, status, created: at, updated: at }
}

#[allow(clippy::unnecessary_wraps)] // what is answered may be an error
fn increases(all: &[Increase]) -> Result<GatewaySeen, CallError> {
    Ok(GatewaySeen::Increases { increases: all.to_vec(), page: None })
}

/// A request for 1,200 vCPUs, and what it calls.
impl Desk {
    fn quota_call(&mut self, outcome: Result<GatewaySeen, CallError>) -> QuotaCall {
        match self.answer_with(outcome) {
            GatewayCall::Quota { of, call } => {
                assert_eq!(&*of, "ec2/L-1216C47A");
                call
            }
            other => panic!("{other:?}"),
        }
    }

    /// It is asked for, since there are 1,000 and no increase is open.
    fn asks_for_increase(&mut self) {
        self.ask("vcpus", WANTED).unwrap();
        assert_eq!(self.quota_call(value(1_000.0)), QuotaCall::Value);
        assert_eq!(self.quota_call(increases(&[])), QuotaCall::Increases { page: None });
        assert_eq!((self.state(), self.row().before), (GatewayState::Submitted, Some(1_000)));
        assert_eq!(self.row().unanswered, Some(self.now));
    }

    /// The value, and then the increase that is followed.
    fn looks(&mut self, seen: f64, status: IncreaseStatus) {
        assert_eq!(self.quota_call(value(seen)), QuotaCall::Value);
        let followed = increase("i", f64::from(WANTED), status, self.now);
        let outcome = Ok(GatewaySeen::Increase(followed));
        assert_eq!(self.quota_call(outcome), QuotaCall::Increase { id: "i".into() });
    }

    /// The same for another number, after 1,100 are there.
    fn asks_for_increase_of(&mut self, wanted: u32) {
        self.ask("vcpus", wanted).unwrap();
        self.quota_call(value(1_100.0));
        self.quota_call(increases(&[]));
        let made = increase("i", f64::from(wanted), IncreaseStatus::Pending, self.now);
        assert_eq!(self.quota_call(Ok(GatewaySeen::Increase(made))), QuotaCall::Ask { value: wanted });
    }

    fn asked(&mut self) -> QuotaCall {
        let made = increase("i", f64::from(WANTED), IncreaseStatus::Pending, self.now);
        self.quota_call(Ok(GatewaySeen::Increase(made)))
    }
}

const ASK: QuotaCall = QuotaCall::Ask { value: WANTED };

#[test]
fn an_increase_is_asked_for_followed_and_stays() {
    let mut desk = Desk::new();
    desk.asks_for_increase();
    assert_eq!(desk.asked(), ASK);
    let row = desk.row();
    assert_eq!(
        (row.state, row.reference.as_deref(), row.unanswered),
        (GatewayState::Pending, Some("i"), None)
    );
    desk.after(FOLLOW_EVERY);
    desk.looks(1_000.0, IncreaseStatus::CaseOpened);
    assert_eq!(desk.row().note.as_deref(), Some("increase i to 1200 is CASE_OPENED"));
    // Another process goes on where it was.
    desk.restart();
    desk.looks(1_000.0, IncreaseStatus::Approved);
    assert_eq!(desk.state(), GatewayState::Pending, "it is not in effect yet");
    desk.after(FOLLOW_EVERY);
    assert_eq!(desk.quota_call(value(1_200.0)), QuotaCall::Value);
    assert_eq!((desk.state(), desk.row().in_effect), (GatewayState::InEffect, WANTED));
    assert_eq!(desk.core.view(desk.now).gateways[2].capacity, WANTED);
    desk.release("vcpus-1200", "ann", false).unwrap();
    assert_eq!((desk.state(), desk.row().calls), (GatewayState::Released, 1));
    assert!(desk.journal.last().unwrap().1.ends_with("AWS takes no quota back: it stays as it is"));
    assert!(desk.calls.is_empty());
}

#[test]
fn a_quota_that_is_there_already_is_not_asked_for_and_one_that_is_fixed_is_refused() {
    let mut desk = Desk::new();
    desk.ask("vcpus", WANTED).unwrap();
    desk.quota_call(value(5_000.0));
    assert_eq!((desk.state(), desk.row().in_effect), (GatewayState::InEffect, WANTED));
    desk.release("vcpus-1200", "ann", false).unwrap();
    desk.ask("vcpus", 6_000).unwrap();
    desk.quota_call(Ok(GatewaySeen::Quota { value: 5_000.0, adjustable: false }));
    assert_eq!((desk.state(), desk.row().calls), (GatewayState::Refused, 0));
    // Of a quota that the account has no value of, the default holds.
    desk.ask("vcpus", 7_000).unwrap();
    let nothing =
        || error(ErrorClass::Configuration, "NoSuchResourceException").map(GatewaySeen::Reservation);
    assert_eq!(desk.quota_call(nothing()), QuotaCall::Value);
    assert_eq!(desk.quota_call(nothing()), QuotaCall::Default);
    assert_eq!(desk.state(), GatewayState::Refused);
}

#[test]
fn somebody_elses_increase_is_followed_and_ours_comes_after_it() {
    let mut desk = Desk::new();
    desk.ask("vcpus", WANTED).unwrap();
    desk.quota_call(value(1_000.0));
    let theirs = |status, at| increase("t", 1_100.0, status, at);
    desk.quota_call(increases(&[theirs(IncreaseStatus::Pending, desk.now)]));
    assert_eq!((desk.state(), desk.row().reference.as_deref()), (GatewayState::Pending, Some("t")));
    desk.after(FOLLOW_EVERY);
    desk.quota_call(value(1_100.0));
    desk.quota_call(Ok(GatewaySeen::Increase(theirs(IncreaseStatus::Approved, desk.now))));
    assert_eq!(desk.row().reference, None);
    desk.quota_call(increases(&[theirs(IncreaseStatus::Approved, desk.now)]));
    assert_eq!(desk.asked(), ASK);
    assert_eq!((desk.row().reference.as_deref(), desk.row().calls), (Some("i"), 1));
}

#[test]
fn a_lost_increase_is_looked_for_and_asked_for_again_only_when_it_cannot_arrive() {
    let mut desk = Desk::new();
    desk.asks_for_increase();
    let sent = desk.now;
    let lost = || error(ErrorClass::Unknown, "timeout").map(GatewaySeen::Reservation);
    assert_eq!(desk.quota_call(lost()), ASK);
    while desk.now.plus(LOOK_EVERY) < sent.plus(SETTLED_AFTER) {
        desk.after(LOOK_EVERY);
        desk.quota_call(value(1_000.0));
        desk.quota_call(increases(&[]));
        assert!(desk.calls.is_empty(), "a copy may arrive yet");
    }
    desk.after(LOOK_EVERY);
    desk.quota_call(value(1_000.0));
    desk.quota_call(increases(&[]));
    assert_eq!(desk.quota_call(lost()), ASK);
    // This one was heard, and denied before anybody looked.
    desk.after(LOOK_EVERY);
    desk.quota_call(value(1_000.0));
    let denied = increase("i", f64::from(WANTED), IncreaseStatus::Denied, desk.now);
    desk.quota_call(increases(std::slice::from_ref(&denied)));
    assert_eq!(desk.state(), GatewayState::Releasing, "whether it is the lost one is looked at once more");
    desk.quota_call(value(1_000.0));
    desk.quota_call(increases(&[denied]));
    assert_eq!((desk.state(), desk.row().calls), (GatewayState::Refused, 2));
    assert!(desk.row().note.as_ref().is_some_and(|note| note.contains("DENIED")));
}

#[test]
fn a_kill_around_an_increase_asks_for_no_second_and_forgets_none() {
    let mut desk = Desk::new();
    desk.asks_for_increase();
    desk.restart();
    // It is over before it is known whether it was heard.
    desk.release("vcpus-1200", "ann", false).unwrap();
    assert_eq!(desk.state(), GatewayState::Releasing);
    assert_eq!(desk.quota_call(value(1_000.0)), QuotaCall::Value);
    assert_eq!(desk.quota_call(increases(&[])), QuotaCall::Increases { page: None });
    assert_eq!(desk.state(), GatewayState::Releasing);
    desk.after(LOOK_EVERY);
    desk.quota_call(value(1_000.0));
    desk.quota_call(increases(&[increase("i", f64::from(WANTED), IncreaseStatus::Pending, desk.now)]));
    assert_eq!((desk.state(), desk.row().reference.as_deref()), (GatewayState::Released, Some("i")));
    assert!(desk.journal.last().unwrap().1.ends_with("and increase i goes on"), "{:?}", desk.journal.last());
}

#[test]
fn a_part_is_granted_or_nothing() {
    let mut desk = Desk::new();
    desk.asks_for_increase();
    desk.asked();
    desk.after(FOLLOW_EVERY);
    desk.looks(1_000.0, IncreaseStatus::CaseClosed);
    assert_eq!(desk.state(), GatewayState::Pending, "a part may show yet");
    desk.after(FOLLOW_EVERY);
    desk.looks(1_100.0, IncreaseStatus::CaseClosed);
    assert_eq!((desk.state(), desk.row().in_effect), (GatewayState::PartlyInEffect, 1_100));
    desk.release("vcpus-1200", "ann", false).unwrap();

    desk.after(FOLLOW_EVERY);
    desk.asks_for_increase_of(1_300);
    desk.after(FOLLOW_EVERY);
    let closed = increase("i", 1_300.0, IncreaseStatus::CaseClosed, desk.now);
    desk.quota_call(value(1_100.0));
    desk.quota_call(Ok(GatewaySeen::Increase(closed.clone())));
    desk.after(GRANTED_WITHIN);
    desk.quota_call(value(1_100.0));
    desk.quota_call(Ok(GatewaySeen::Increase(closed)));
    assert_eq!(desk.state(), GatewayState::Refused);
}

#[test]
fn too_many_open_increases_are_waited_for() {
    let mut desk = Desk::new();
    desk.asks_for_increase();
    for code in ["QuotaExceededException", "ResourceAlreadyExistsException"] {
        assert_eq!(
            desk.quota_call(error(ErrorClass::Configuration, code).map(GatewaySeen::Reservation)),
            ASK
        );
        assert_eq!((desk.state(), desk.row().unanswered), (GatewayState::Submitted, None));
        desk.after(HOUR);
        desk.quota_call(value(1_000.0));
        desk.quota_call(increases(&[]));
    }
    assert_eq!(desk.asked(), ASK);
}
