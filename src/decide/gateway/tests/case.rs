//! Support cases beside people, one decision at a time.

use super::super::case::{Case, CaseCall, RESOLVED, SupportSpec};
use super::*;

/// A core that asks AWS Support about `tgw` as well, and was asked for 200.
fn asked() -> Desk {
    let spec = SupportSpec {
        service: "amazon-virtual-private-cloud".into(),
        category: "other".into(),
        severity: "high".into(),
        language: "en".into(),
        cc: Vec::new(),
    };
    let tgw = Gateway { support: Some(Arc::new(spec)), ..gateway("tgw") };
    let settings = Settings { gateways: vec![Arc::new(tgw)], ..Settings::default() };
    let mut desk = Desk { core: Core::new(settings, Vec::new()), ..Desk::new() };
    desk.ask("tgw", 200).unwrap();
    desk.after(Duration::from_millis(1));
    desk
}

fn none() -> GatewaySeen {
    GatewaySeen::Cases { cases: Vec::new(), page: None }
}

fn made() -> GatewaySeen {
    GatewaySeen::CaseMade { id: "case-1".into() }
}

fn is(status: &str) -> GatewaySeen {
    let case = Case {
        id: "case-1".into(),
        display_id: "17".into(),
        subject: "muster request tgw-200: tgw-0a1b2c3d to 200 Gbit/s".into(),
        status: status.into(),
    };
    GatewaySeen::Cases { cases: vec![case], page: None }
}

fn of_support(call: GatewayCall) -> CaseCall {
    let GatewayCall::Support(call) = call else { panic!("{call:?}") };
    call
}

#[test]
fn one_is_looked_for_made_and_followed_and_decides_nothing() {
    let mut desk = asked();
    assert!(matches!(of_support(desk.answer_with(Ok(none()))), CaseCall::Cases { page: None, .. }));
    let CaseCall::Create(new) = of_support(desk.answer_with(Ok(made()))) else { panic!("it is made") };
    assert_eq!(new.subject, "muster request tgw-200: tgw-0a1b2c3d to 200 Gbit/s");
    assert_eq!((desk.row().reference.as_deref(), desk.row().unanswered), (Some("case-1"), None));
    desk.after(LOOK_EVERY);
    desk.answer_with(Ok(is("work-in-progress")));
    desk.after(HOUR);
    desk.answer_with(Ok(is(RESOLVED)));
    assert_eq!(
        (desk.state(), desk.row().reference_state.as_deref()),
        (GatewayState::Submitted, Some(RESOLVED))
    );
    let said: Vec<&str> = desk
        .journal
        .iter()
        .filter(|(kind, _)| kind == "gateway_case")
        .map(|(_, text)| text.as_str())
        .collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[2].ends_with("and nobody has said what the gateway carries"), "{said:?}");
    desk.confirm("tgw-200", 200).unwrap();
    assert_eq!(desk.state(), GatewayState::InEffect);
}

#[test]
fn a_confirmation_while_it_is_being_made_stays() {
    let mut desk = asked();
    desk.answer_with(Ok(none()));
    desk.confirm("tgw-200", 150).unwrap();
    desk.answer_with(Ok(made()));
    assert_eq!(desk.state(), GatewayState::PartlyInEffect);
    assert_eq!(desk.row().reference.as_deref(), Some("case-1"));
}

#[test]
fn a_request_that_ends_while_it_is_being_made_waits_for_what_became_of_it() {
    let mut desk = asked();
    desk.answer_with(Ok(none()));
    desk.release("tgw-200", "ann", false).unwrap();
    assert_eq!(desk.state(), GatewayState::Releasing);
    let lost = CallError { class: ErrorClass::Unknown, code: "timeout".into(), message: String::new() };
    desk.answer_with(Err(lost));
    desk.after(LOOK_EVERY);
    desk.answer_with(Ok(is("unassigned")));
    assert_eq!((desk.state(), desk.row().reference.as_deref()), (GatewayState::Released, Some("case-1")));
    let (_, text) = desk.journal.last().unwrap();
    assert!(text.ends_with("support case case-1 stays open until somebody resolves it"), "{text}");
}

#[test]
fn an_account_without_a_plan_is_told_once_and_people_are_reminded() {
    let mut desk = asked();
    let refused = CallError {
        class: ErrorClass::Configuration,
        code: "SubscriptionRequiredException".into(),
        message: "no".into(),
    };
    desk.answer_with(Err(refused));
    for _ in 0..5 {
        desk.after(HOUR);
    }
    assert!(desk.calls.is_empty(), "{:?}", desk.calls);
    assert_eq!(desk.journal.iter().filter(|(kind, _)| kind == "gateway_no_case").count(), 1);
    assert_eq!((desk.state(), desk.row().reminders), (GatewayState::Submitted, 5));
}
