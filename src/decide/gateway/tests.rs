//! Gateway requests, one decision at a time.

#![allow(clippy::wildcard_enum_match_arm)] // what a test does not look at

mod case;
mod nat;
mod quota;

use std::sync::Arc;
use std::time::Duration;

use super::balancer::{LOOK_EVERY, SETTLED_AFTER};
use super::call::{GatewayCall, GatewaySeen, Reservation, ZoneCapacity, ZoneState};
use super::testing::gateway;
use super::words::*;
use super::{ConfirmAsk, GatewayAsk, LONGEST};
use crate::decide::action::{Accepted, Action, Refusal};
use crate::decide::event::{CallError, Event, Ticket};
use crate::decide::guard::hold::EndAsk;
use crate::decide::order::Order;
use crate::decide::rows::Restored;
use crate::decide::words::{ErrorClass, Time};
use crate::decide::{Core, Settings};

const START: Time = Time(1_609_768_800_000);
const HOUR: Duration = Duration::from_secs(3_600);

/// A core with a transit gateway `tgw`, a load balancer `lb`, a quota `vcpus` and a NAT gateway `nat`, and
/// whoever orders of it.
struct Desk {
    core: Core,
    now: Time,
    rows: Vec<GatewayRow>,
    journal: Vec<(String, String)>,
    calls: Vec<GatewayCall>,
}

fn settings() -> Settings {
    let gateways = ["tgw", "lb", "vcpus", "nat"].map(|name| Arc::new(gateway(name)));
    Settings { gateways: gateways.to_vec(), ..Settings::default() }
}

impl Desk {
    fn new() -> Desk {
        Desk {
            core: Core::new(settings(), Vec::new()),
            now: START,
            rows: Vec::new(),
            journal: Vec::new(),
            calls: Vec::new(),
        }
    }

    fn decide(&mut self, events: Vec<Event>) -> Option<Result<Accepted, Refusal>> {
        let decision = self.core.decide(self.now, 1, events);
        assert!(decision.wake > self.now);
        let changes = decision.changes;
        self.journal.extend(changes.journal.iter().map(|l| (l.kind.clone(), l.text.clone())));
        for row in changes.gateways {
            self.rows.retain(|r| r.id != row.id);
            self.rows.push(row);
        }
        let mut answer = None;
        for action in decision.actions {
            match action {
                Action::Gateway { call, .. } => self.calls.push(call),
                Action::Answer { answer: said, .. } => answer = Some(said),
                other => panic!("{other:?}"),
            }
        }
        answer
    }

    fn order(&mut self, order: Order) -> Result<Accepted, Refusal> {
        self.decide(vec![Event::Ordered { order, ticket: Ticket(1) }]).unwrap()
    }

    fn ask(&mut self, gateway: &str, capacity: u32) -> Result<Accepted, Refusal> {
        let ask = wish(gateway, capacity);
        self.order(Order::AskGateway(ask))
    }

    fn confirm(&mut self, id: &str, capacity: u32) -> Result<Accepted, Refusal> {
        let ask = ConfirmAsk { id: id.into(), capacity, by: "bob".into(), note: None };
        self.order(Order::ConfirmGateway(ask))
    }

    fn release(&mut self, id: &str, by: &str, overrides: bool) -> Result<Accepted, Refusal> {
        self.order(Order::ReleaseGateway(EndAsk { id: id.into(), by: by.into(), overrides }))
    }

    fn after(&mut self, passed: Duration) {
        self.now = self.now.plus(passed);
        self.decide(Vec::new());
    }

    /// The only call that is out.
    fn call(&mut self) -> GatewayCall {
        assert_eq!(self.calls.len(), 1, "{:?}", self.calls);
        self.calls.remove(0)
    }

    /// Answers the only call that is out.
    fn answer(&mut self, outcome: Result<Reservation, CallError>) -> GatewayCall {
        self.answer_with(outcome.map(GatewaySeen::Reservation))
    }

    fn answer_with(&mut self, outcome: Result<GatewaySeen, CallError>) -> GatewayCall {
        let call = self.call();
        let request = self.row().id.as_str().into();
        self.decide(vec![Event::GatewayAnswered { request, call: call.clone(), outcome }]);
        call
    }

    fn row(&self) -> &GatewayRow {
        self.rows.last().unwrap()
    }

    fn state(&self) -> GatewayState {
        self.row().state
    }

    fn kinds(&self) -> Vec<&str> {
        self.journal.iter().map(|(kind, _)| kind.as_str()).collect()
    }

    /// Another process goes on from the rows.
    fn restart(&mut self) {
        let gateways = self.rows.iter().filter(|r| !r.state.is_over()).cloned().collect();
        let stored = Restored { gateways, ..Restored::default() };
        self.core = Core::restored(settings(), Vec::new(), stored, self.now, 1).unwrap();
        self.calls.clear();
        self.decide(Vec::new());
    }
}

/// Needed in half an hour, until tomorrow.
fn wish(gateway: &str, capacity: u32) -> GatewayAsk {
    GatewayAsk {
        id: format!("{gateway}-{capacity}"),
        gateway: gateway.into(),
        capacity,
        needed_by: Some(START.plus(HOUR / 2)),
        until: START.plus(24 * HOUR),
        owner: "ann".into(),
        reason: "the first working day".into(),
    }
}

/// What a look shows, as an answer.
#[allow(clippy::unnecessary_wraps)] // what is answered may be an error
fn seen(units: Option<u32>, zones: &[(ZoneState, f64)]) -> Result<Reservation, CallError> {
    let zone = |(state, units): &(ZoneState, f64)| ZoneCapacity {
        zone: "us-east-1a".into(),
        units: *units,
        state: *state,
        reason: (*state == ZoneState::Failed).then(|| "full".into()),
    };
    Ok(Reservation { units, zones: zones.iter().map(zone).collect() })
}

fn error(class: ErrorClass, code: &str) -> Result<Reservation, CallError> {
    Err(CallError { class, code: code.into(), message: "it says".into() })
}

fn look() -> GatewayCall {
    GatewayCall::Look { load_balancer: "arn:lb".into() }
}

fn reserve(units: Option<u32>) -> GatewayCall {
    GatewayCall::Reserve { load_balancer: "arn:lb".into(), units }
}

/// 300 LCU are asked for, and there.
fn in_effect(desk: &mut Desk) {
    desk.ask("lb", 300).unwrap();
    assert_eq!(desk.answer(seen(None, &[])), look());
    assert_eq!(desk.answer(seen(Some(300), &[(ZoneState::Provisioned, 300.0)])), reserve(Some(300)));
    assert_eq!(desk.state(), GatewayState::InEffect);
}

#[test]
fn people_are_asked_reminded_and_believed() {
    let mut desk = Desk::new();
    assert!(!desk.ask("tgw", 200).unwrap().repeated);
    assert_eq!(desk.state(), GatewayState::Submitted);
    let (kind, letter) = desk.journal.last().unwrap().clone();
    assert_eq!(kind, "gateway_submitted");
    assert!(letter.contains("200 Gbit/s by 2021-01-04 14:30 UTC"), "{letter}");
    let waits = desk.core.view(desk.now).gateway_requests[0].waits.clone().unwrap();
    assert_eq!(waits, "somebody has to confirm it; the next reminder is in 3600 s");
    desk.after(HOUR / 2);
    assert_eq!(desk.kinds().last(), Some(&"gateway_late"));
    desk.after(HOUR / 2);
    assert_eq!((desk.kinds().last(), desk.row().reminders), (Some(&"gateway_reminder"), 1));
    // A restart reminds nobody, and forgets nothing.
    desk.restart();
    desk.after(Duration::from_secs(3_599));
    assert_eq!((desk.row().reminders, desk.row().late), (1, true));
    desk.after(Duration::from_secs(1));
    assert_eq!(desk.row().reminders, 2);
    assert!(!desk.confirm("tgw-200", 150).unwrap().repeated);
    assert_eq!((desk.state(), desk.row().in_effect), (GatewayState::PartlyInEffect, 150));
    assert_eq!(desk.core.view(desk.now).gateways[0].capacity, 150);
    assert!(desk.confirm("tgw-200", 150).unwrap().repeated);
    desk.confirm("tgw-200", 200).unwrap();
    assert_eq!(desk.state(), GatewayState::InEffect);
    desk.after(10 * HOUR);
    assert_eq!(desk.row().reminders, 2, "who has answered is not reminded");
    desk.after(24 * HOUR);
    assert_eq!((desk.state(), desk.row().end), (GatewayState::Released, Some(GatewayEnd::Released)));
    assert_eq!(desk.core.view(desk.now).gateways[0].capacity, 100, "what is declared");
    assert!(desk.calls.is_empty());
}

#[test]
fn people_may_say_no_or_nothing() {
    let mut desk = Desk::new();
    desk.ask("tgw", 200).unwrap();
    desk.confirm("tgw-200", 0).unwrap();
    assert_eq!((desk.state(), desk.row().ended_by.as_deref()), (GatewayState::Refused, Some("bob")));
    desk.ask("tgw", 300).unwrap();
    desk.after(24 * HOUR);
    assert_eq!(desk.state(), GatewayState::Expired);
    assert_eq!(desk.core.view(desk.now).gateway_requests.len(), 2, "both are shown still");
    let gone = Refusal::UnknownGatewayRequest { id: "tgw-300".into() };
    assert_eq!(desk.confirm("tgw-300", 300), Err(gone));
}

#[test]
fn what_cannot_be_asked_for_is_refused_and_stored_nowhere() {
    let mut desk = Desk::new();
    let refused = |desk: &mut Desk, change: &dyn Fn(&mut GatewayAsk)| {
        let mut ask = wish("lb", 300);
        change(&mut ask);
        desk.order(Order::AskGateway(ask)).unwrap_err().to_string()
    };
    for (change, said) in [
        (
            &(|a: &mut GatewayAsk| a.gateway = "vpn".into()) as &dyn Fn(&mut GatewayAsk),
            "no gateway 'vpn'; configured gateways: tgw, lb, vcpus, nat",
        ),
        (&|a| a.capacity = 0, "capacity 0 is outside 1 to 10000000"),
        (&|a| a.until = START, "the end must lie in the future, and at most 2208 h from now"),
        (&|a| a.until = START.plus(LONGEST + HOUR), "the end must lie in the future"),
        (&|a| a.needed_by = Some(START), "the deadline is not in the future"),
        (&|a| a.needed_by = Some(a.until), "is not before its end"),
    ] {
        let text = refused(&mut desk, change);
        assert!(text.contains(said), "{said} in {text}");
    }
    assert!(desk.rows.is_empty() && desk.calls.is_empty() && desk.journal.is_empty());
}

#[test]
fn a_gateway_has_one_request_at_a_time_and_the_same_again_is_the_same() {
    let mut desk = Desk::new();
    desk.ask("lb", 300).unwrap();
    let again = GatewayAsk { id: "again".into(), ..wish("lb", 300) };
    let taken = desk.order(Order::AskGateway(again)).unwrap();
    assert_eq!((taken.id.as_str(), taken.repeated), ("lb-300", true));
    assert_eq!(desk.row().until, START.plus(24 * HOUR));
    let longer = GatewayAsk { until: START.plus(30 * HOUR), ..wish("lb", 300) };
    assert!(desk.order(Order::AskGateway(longer)).unwrap().repeated);
    assert_eq!((desk.row().until, desk.kinds().last()), (START.plus(30 * HOUR), Some(&"gateway_extended")));
    let busy = Refusal::GatewayBusy { gateway: "lb".into(), id: "lb-300".into() };
    assert_eq!(desk.ask("lb", 400), Err(busy));
    assert!(desk.ask("tgw", 400).is_ok());
    assert_eq!(desk.confirm("lb-300", 300), Err(Refusal::NotByHand { gateway: "lb".into() }));
}

#[test]
fn a_reservation_is_asked_for_followed_and_reset() {
    let mut desk = Desk::new();
    desk.ask("lb", 300).unwrap();
    assert_eq!(desk.state(), GatewayState::Wanted);
    assert_eq!(desk.answer(seen(None, &[])), look());
    let row = desk.row();
    assert_eq!((row.state, row.before, row.unanswered), (GatewayState::Submitted, Some(0), Some(desk.now)));
    assert_eq!(desk.answer(seen(Some(300), &[(ZoneState::Pending, 0.0)])), reserve(Some(300)));
    assert_eq!((desk.state(), desk.row().unanswered), (GatewayState::Pending, None));
    desk.after(LOOK_EVERY);
    assert_eq!(desk.answer(seen(Some(300), &[(ZoneState::Provisioned, 300.0)])), look());
    assert_eq!((desk.state(), desk.row().in_effect), (GatewayState::InEffect, 300));
    assert_eq!(desk.core.view(desk.now).gateways[1].capacity, 300);
    desk.after(HOUR);
    assert_eq!(desk.answer(seen(Some(300), &[(ZoneState::Provisioned, 300.0)])), look());
    assert!(!desk.row().late);
    let theirs = Refusal::NotTheirs { id: "lb-300".into(), owner: "ann".into(), by: "bob".into() };
    assert_eq!(desk.release("lb-300", "bob", false), Err(theirs));
    desk.release("lb-300", "bob", true).unwrap();
    assert!(desk.release("lb-300", "ann", false).unwrap().repeated);
    assert_eq!(desk.state(), GatewayState::Releasing);
    assert_eq!(desk.answer(seen(Some(300), &[(ZoneState::Provisioned, 300.0)])), look());
    assert_eq!(desk.answer(seen(None, &[])), reserve(None));
    assert_eq!((desk.state(), desk.row().ended_by.as_deref()), (GatewayState::Released, Some("bob")));
    let kinds = [
        "gateway_wanted",
        "gateway_submitted",
        "gateway_pending",
        "gateway_in_effect",
        "gateway_releasing",
        "gateway_released",
    ];
    assert_eq!(desk.kinds(), kinds);
}

#[test]
fn its_end_restores_what_was_reserved_before() {
    let mut desk = Desk::new();
    desk.ask("lb", 300).unwrap();
    desk.answer(seen(Some(200), &[(ZoneState::Provisioned, 200.0)]));
    desk.answer(seen(Some(300), &[(ZoneState::Provisioned, 300.0)]));
    desk.after(24 * HOUR);
    assert_eq!(desk.state(), GatewayState::Releasing);
    desk.answer(seen(Some(300), &[]));
    assert_eq!(desk.answer(seen(Some(200), &[])), reserve(Some(200)));
    assert_eq!((desk.state(), desk.row().end), (GatewayState::Released, Some(GatewayEnd::Released)));
}

#[test]
fn what_is_enough_already_is_neither_changed_nor_reset() {
    let mut desk = Desk::new();
    desk.ask("lb", 300).unwrap();
    assert_eq!(desk.answer(seen(Some(500), &[(ZoneState::Provisioned, 500.0)])), look());
    assert_eq!((desk.state(), desk.row().submitted_at), (GatewayState::InEffect, None));
    desk.release("lb-300", "ann", false).unwrap();
    assert_eq!(desk.state(), GatewayState::Released);
    assert!(desk.calls.is_empty());
}

#[test]
fn a_lost_answer_is_settled_by_a_look_and_the_same_call() {
    let mut desk = Desk::new();
    desk.ask("lb", 300).unwrap();
    desk.answer(seen(None, &[]));
    let sent = desk.now;
    assert_eq!(desk.answer(error(ErrorClass::Unknown, "timeout")), reserve(Some(300)));
    assert_eq!((desk.state(), desk.row().unanswered), (GatewayState::Submitted, Some(sent)));
    desk.after(LOOK_EVERY);
    // It was not heard: the very same again, which meets somebody's request that is not complete.
    assert_eq!(desk.answer(seen(None, &[])), look());
    assert_eq!(desk.answer(error(ErrorClass::Contention, "PriorRequestNotComplete")), reserve(Some(300)));
    assert_eq!(desk.row().unanswered, Some(sent), "the first may arrive yet");
    desk.after(2 * LOOK_EVERY);
    assert_eq!(desk.answer(seen(Some(300), &[(ZoneState::Pending, 0.0)])), look());
    assert_eq!((desk.state(), desk.row().calls), (GatewayState::Pending, 2));
}

#[test]
fn a_kill_around_a_call_asks_for_nothing_twice_and_forgets_nothing() {
    let mut desk = Desk::new();
    desk.ask("lb", 300).unwrap();
    desk.answer(seen(None, &[]));
    assert_eq!(desk.call(), reserve(Some(300)));
    desk.restart();
    assert_eq!(desk.answer(seen(Some(300), &[(ZoneState::Provisioned, 300.0)])), look());
    assert_eq!((desk.state(), desk.row().calls), (GatewayState::InEffect, 1));
    desk.release("lb-300", "ann", false).unwrap();
    desk.answer(seen(Some(300), &[]));
    assert_eq!(desk.call(), reserve(None));
    desk.restart();
    assert_eq!(desk.answer(seen(None, &[])), look());
    assert_eq!(desk.state(), GatewayState::Releasing, "a copy of the first call may arrive yet");
    desk.after(SETTLED_AFTER);
    assert_eq!(desk.answer(seen(Some(300), &[])), look());
    assert_eq!(desk.answer(seen(None, &[])), reserve(None));
    assert_eq!(desk.state(), GatewayState::Released, "no copy can arrive any more");
}

#[test]
fn a_late_answer_of_another_call_changes_nothing() {
    let mut desk = Desk::new();
    desk.ask("lb", 300).unwrap();
    let outcome = seen(Some(300), &[(ZoneState::Provisioned, 300.0)]).map(GatewaySeen::Reservation);
    let request = "lb-300".into();
    desk.decide(vec![Event::GatewayAnswered { request, call: reserve(Some(300)), outcome }]);
    assert_eq!(desk.state(), GatewayState::Wanted);
    assert_eq!(desk.call(), look());
}

#[test]
fn a_quota_of_0_refuses_with_what_to_ask_for_and_reserves_nothing() {
    let mut desk = Desk::new();
    desk.ask("lb", 300).unwrap();
    desk.answer(seen(None, &[]));
    desk.answer(error(ErrorClass::Quota, "CapacityUnitsLimitExceeded"));
    assert_eq!(desk.answer(seen(None, &[])), look());
    assert_eq!(desk.state(), GatewayState::Refused);
    assert!(desk.row().note.as_ref().unwrap().contains("L-8A66D0E6"));
    assert!(desk.ask("lb", 400).is_ok(), "another may be made");
}

#[test]
fn no_capacity_now_is_asked_for_again_until_it_expires() {
    let mut desk = Desk::new();
    desk.ask("lb", 300).unwrap();
    desk.answer(seen(None, &[]));
    for _ in 0..3 {
        assert_eq!(desk.answer(error(ErrorClass::Capacity, "InsufficientCapacity")), reserve(Some(300)));
        desk.after(HOUR);
        assert_eq!(desk.answer(seen(None, &[])), look());
    }
    assert_eq!((desk.state(), desk.row().late), (GatewayState::Submitted, true));
    let setbacks = desk.kinds().iter().filter(|kind| **kind == "gateway_setback").count();
    assert_eq!(setbacks, 1, "the same again is no news");
    desk.answer(error(ErrorClass::Capacity, "InsufficientCapacity"));
    desk.after(24 * HOUR);
    desk.answer(seen(None, &[]));
    assert_eq!(desk.state(), GatewayState::Expired);
}

#[test]
fn zones_that_fail_are_part_of_it_or_a_refusal() {
    let mut desk = Desk::new();
    desk.ask("lb", 300).unwrap();
    desk.answer(seen(None, &[]));
    desk.answer(seen(Some(300), &[(ZoneState::Provisioned, 150.0), (ZoneState::Failed, 0.0)]));
    assert_eq!((desk.state(), desk.row().in_effect), (GatewayState::PartlyInEffect, 150));
    desk.after(HOUR);
    desk.answer(seen(Some(300), &[(ZoneState::Failed, 0.0), (ZoneState::Failed, 0.0)]));
    assert_eq!(desk.state(), GatewayState::Releasing);
    desk.answer(seen(Some(300), &[(ZoneState::Failed, 0.0)]));
    assert_eq!(desk.answer(seen(None, &[])), reserve(None));
    assert_eq!(desk.state(), GatewayState::Refused);
    assert_eq!(desk.row().note.as_deref(), Some("no zone has it: full"));
}

#[test]
fn what_others_change_is_left_to_them_once_two_looks_say_so() {
    let mut desk = Desk::new();
    in_effect(&mut desk);
    desk.after(HOUR);
    desk.answer(seen(Some(900), &[]));
    assert_eq!(desk.state(), GatewayState::InEffect);
    desk.after(LOOK_EVERY);
    desk.answer(seen(Some(900), &[]));
    assert_eq!((desk.state(), desk.row().end), (GatewayState::Released, Some(GatewayEnd::Taken)));
    assert!(desk.calls.is_empty());
}

#[test]
fn a_decrease_too_many_waits_for_another_day_and_a_balancer_that_is_gone_ends_it() {
    let mut desk = Desk::new();
    in_effect(&mut desk);
    desk.release("lb-300", "ann", false).unwrap();
    desk.answer(seen(Some(300), &[]));
    desk.answer(error(ErrorClass::Quota, "CapacityDecreaseRequestLimitExceeded"));
    assert_eq!(desk.state(), GatewayState::Releasing);
    desk.after(HOUR);
    assert_eq!(desk.answer(error(ErrorClass::Configuration, "LoadBalancerNotFound")), look());
    assert_eq!((desk.state(), desk.row().end), (GatewayState::Released, Some(GatewayEnd::Released)));
}

#[test]
fn a_reset_that_is_not_allowed_is_tried_until_it_is() {
    let mut desk = Desk::new();
    in_effect(&mut desk);
    desk.release("lb-300", "ann", false).unwrap();
    for _ in 0..2 {
        desk.answer(seen(Some(300), &[]));
        assert_eq!(desk.answer(error(ErrorClass::Configuration, "AccessDenied")), reserve(None));
        assert_eq!(desk.state(), GatewayState::Releasing);
        desk.after(HOUR);
    }
    desk.answer(seen(Some(300), &[]));
    desk.answer(seen(None, &[]));
    assert_eq!(desk.state(), GatewayState::Released);
}
