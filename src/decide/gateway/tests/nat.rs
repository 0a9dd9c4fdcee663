//! Requests for addresses of a NAT gateway, one decision at a time.

use super::*;
use crate::decide::gateway::nat::{AddressState, MOST_ADDRESSES, NatAddress, NatCall, NatSeen, NatState};
use AddressState::{Associating, Disassociating, Succeeded};

/// What a look shows: its own address, and these.
#[allow(clippy::unnecessary_wraps)] // what is answered may be an error
fn shows(added: &[(&str, AddressState)]) -> Result<GatewaySeen, CallError> {
    let address = |(allocation, state): &(&str, AddressState)| NatAddress {
        allocation: Some((*allocation).into()),
        association: Some(format!("of-{allocation}")),
        state: *state,
    };
    let addresses = [("own", Succeeded)].iter().chain(added).map(address).collect();
    Ok(GatewaySeen::Nat(NatSeen { state: NatState::Available, public: true, addresses }))
}

fn add(allocation: &str) -> NatCall {
    NatCall::Associate { allocation: allocation.into() }
}

fn take_off(allocations: &[&str]) -> NatCall {
    NatCall::Disassociate { associations: allocations.iter().map(|a| format!("of-{a}")).collect() }
}

impl Desk {
    fn nat_call(&mut self, outcome: Result<GatewaySeen, CallError>) -> NatCall {
        match self.answer_with(outcome) {
            GatewayCall::Nat { gateway, call } => {
                assert_eq!(&*gateway, "nat-0a1b2c3d");
                call
            }
            other => panic!("{other:?}"),
        }
    }

    fn nat_fails(&mut self, class: ErrorClass, code: &str) -> NatCall {
        self.nat_call(error(class, code).map(GatewaySeen::Reservation))
    }

    /// Half a minute later.
    fn looks_at_nat(&mut self, added: &[(&str, AddressState)]) {
        self.after(LOOK_EVERY);
        assert_eq!(self.nat_call(shows(added)), NatCall::Look);
    }

    /// Three are wanted, and there.
    fn has_three(&mut self) {
        self.ask("nat", 3).unwrap();
        assert_eq!(self.nat_call(shows(&[])), NatCall::Look);
        assert_eq!((self.state(), self.row().reference.as_deref()), (GatewayState::Submitted, Some("a")));
        assert_eq!(self.nat_call(Ok(GatewaySeen::NatChanged)), add("a"));
        self.looks_at_nat(&[("a", Associating)]);
        assert_eq!(self.row().reference.as_deref(), Some("a,b"));
        assert_eq!(self.nat_call(Ok(GatewaySeen::NatChanged)), add("b"));
        self.looks_at_nat(&[("a", Succeeded), ("b", Associating)]);
        assert_eq!((self.state(), self.row().in_effect), (GatewayState::Pending, 2));
        self.looks_at_nat(&[("a", Succeeded), ("b", Succeeded)]);
        assert_eq!((self.state(), self.row().in_effect), (GatewayState::InEffect, 3));
    }
}

#[test]
fn addresses_are_added_one_by_one_and_exactly_those_are_taken_off() {
    let mut desk = Desk::new();
    desk.has_three();
    assert_eq!((desk.row().before, desk.row().calls), (Some(1), 2));
    desk.release("nat-3", "ann", false).unwrap();
    // Somebody added one more meanwhile.
    let more = [("a", Succeeded), ("theirs", Succeeded), ("b", Succeeded)];
    assert_eq!(desk.nat_call(shows(&more)), NatCall::Look);
    assert_eq!(desk.nat_call(Ok(GatewaySeen::NatChanged)), take_off(&["a", "b"]));
    desk.looks_at_nat(&[("a", Disassociating), ("theirs", Succeeded)]);
    assert_eq!(desk.state(), GatewayState::Releasing);
    desk.looks_at_nat(&[("theirs", Succeeded)]);
    assert_eq!(desk.state(), GatewayState::Released);
    assert!(desk.calls.is_empty());
}

#[test]
fn more_than_a_gateway_takes_is_refused_at_once() {
    let mut desk = Desk::new();
    let most = Refusal::Capacity { capacity: MOST_ADDRESSES + 1, most: MOST_ADDRESSES };
    assert_eq!(desk.ask("nat", MOST_ADDRESSES + 1), Err(most));
    desk.ask("nat", 1).unwrap();
    desk.nat_call(shows(&[]));
    assert_eq!((desk.state(), desk.row().calls), (GatewayState::InEffect, 0), "it has one");
}

#[test]
fn one_that_is_elsewhere_is_passed_by_and_what_is_left_is_a_part() {
    let mut desk = Desk::new();
    desk.ask("nat", 3).unwrap();
    desk.nat_call(shows(&[]));
    assert_eq!(desk.nat_fails(ErrorClass::Configuration, "Resource.AlreadyAssociated"), add("a"));
    desk.looks_at_nat(&[]);
    assert_eq!(desk.nat_call(Ok(GatewaySeen::NatChanged)), add("b"));
    desk.looks_at_nat(&[("b", Succeeded)]);
    assert_eq!((desk.state(), desk.row().in_effect), (GatewayState::PartlyInEffect, 2));
    desk.after(24 * HOUR);
    assert_eq!(desk.state(), GatewayState::Releasing);
}

#[test]
fn a_quota_of_two_is_a_part_or_a_refusal_with_what_to_ask_for() {
    let mut desk = Desk::new();
    desk.ask("nat", 3).unwrap();
    desk.nat_call(shows(&[("theirs", Succeeded)]));
    assert_eq!(desk.nat_fails(ErrorClass::Quota, "AddressLimitExceeded"), add("a"));
    assert_eq!(desk.nat_call(shows(&[("theirs", Succeeded)])), NatCall::Look);
    assert_eq!(desk.state(), GatewayState::Releasing, "what was written down is looked for");
    assert!(desk.row().note.as_ref().is_some_and(|note| note.contains("L-5F53652F")));
    desk.looks_at_nat(&[("theirs", Succeeded)]);
    assert_eq!(desk.state(), GatewayState::Refused);
}

#[test]
fn a_lost_one_is_asked_for_again_and_a_kill_forgets_none() {
    let mut desk = Desk::new();
    desk.ask("nat", 2).unwrap();
    desk.nat_call(shows(&[]));
    assert_eq!(desk.nat_fails(ErrorClass::Unknown, "timeout"), add("a"));
    desk.looks_at_nat(&[]);
    assert_eq!(desk.call(), GatewayCall::Nat { gateway: "nat-0a1b2c3d".into(), call: add("a") });
    desk.restart();
    let sent = desk.now;
    desk.release("nat-2", "ann", false).unwrap();
    assert_eq!(desk.nat_call(shows(&[])), NatCall::Look);
    assert_eq!(desk.state(), GatewayState::Releasing, "a copy may arrive yet");
    while desk.now < sent.plus(SETTLED_AFTER) {
        desk.after(SETTLED_AFTER / 3);
        if desk.now < sent.plus(SETTLED_AFTER) {
            assert_eq!(desk.nat_call(shows(&[])), NatCall::Look);
        }
    }
    // It came at last.
    assert_eq!(desk.nat_call(shows(&[("a", Succeeded)])), NatCall::Look);
    assert_eq!(desk.nat_fails(ErrorClass::Configuration, "InvalidAssociationID.NotFound"), take_off(&["a"]));
    desk.looks_at_nat(&[]);
    assert_eq!(desk.state(), GatewayState::Released);
}

#[test]
fn a_gateway_that_is_deleted_ends_it() {
    let mut desk = Desk::new();
    desk.has_three();
    desk.after(HOUR);
    assert_eq!(desk.nat_fails(ErrorClass::Configuration, "NatGatewayNotFound"), NatCall::Look);
    assert_eq!((desk.state(), desk.row().end), (GatewayState::Refused, Some(GatewayEnd::Refused)));
}
