//! NAT gateways: what a look at the addresses of one means for a request, and what an error does.
//!
//! A NAT gateway carries more when it has more addresses: 55,000 connections each to one destination, and eight of
//! them at most (aws-facts 6.3). Which Elastic IP addresses may be used is configured. One is added at a time, by
//! its allocation, which is written down before: a copy of the call adds nothing, since an allocation is in one
//! place. So the same is asked for again where an answer is lost, another one only when nothing is unanswered, and
//! what is taken off at the end is exactly what was written down.

use std::sync::Arc;
use std::time::Duration;

use super::balancer::{AFTER_PENDING, AFTER_REFUSAL, AFTER_THROTTLE, LOOK_EVERY, is_unsettled};
use super::call::GatewayCall;
use super::words::{GatewayRow, GatewayState};
use crate::decide::event::CallError;
use crate::decide::words::{Api, ErrorClass, Time, named};

/// Simultaneous connections of one address to one destination (address, port, protocol).
pub const CONNECTIONS: u32 = 55_000;
/// Most addresses of a zonal NAT gateway, with the quota raised.
pub const MOST_ADDRESSES: u32 = 8;
/// The unit in which a capacity is counted in connections instead of addresses.
pub const IN_CONNECTIONS: &str = "connections";

const GONE: &str = "NatGatewayNotFound";
const ELSEWHERE: &str = "Resource.AlreadyAssociated";
const NO_ALLOCATION: &str = "InvalidAllocationID.NotFound";
/// Of more addresses than the quota allows. AWS documents the limit and not the code: every code that ends so.
const LIMIT: &str = "LimitExceeded";
const LEFT_ALREADY: &str = "InvalidAssociationID.NotFound";
const NOT_NOW: &str = "IncorrectState";

/// One call about a NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NatCall {
    /// `DescribeNatGateways`.
    Look,
    /// `AssociateNatGatewayAddress` of this Elastic IP address.
    Associate { allocation: Arc<str> },
    /// `DisassociateNatGatewayAddress`: connections are given AWS's own time to drain.
    Disassociate { associations: Vec<String> },
}

impl NatCall {
    #[must_use]
    pub fn api(&self) -> Api {
        match self {
            NatCall::Look => Api::DescribeNatGateways,
            NatCall::Associate { .. } => Api::AssociateNatGatewayAddress,
            NatCall::Disassociate { .. } => Api::DisassociateNatGatewayAddress,
        }
    }

    /// It changes something.
    #[must_use]
    pub fn changes(&self) -> bool {
        match self {
            NatCall::Look => false,
            NatCall::Associate { .. } | NatCall::Disassociate { .. } => true,
        }
    }

    /// Of this request's gateway.
    #[must_use]
    pub fn of(self, row: &GatewayRow) -> GatewayCall {
        GatewayCall::Nat { gateway: row.resource.as_str().into(), call: self }
    }
}

named! {
    /// Where a NAT gateway stands, in AWS's words.
    pub enum NatState {
        Pending = "pending",
        Available = "available",
        Failed = "failed",
        Deleting = "deleting",
        Deleted = "deleted",
    }
}

named! {
    /// Where one of its addresses stands, in AWS's words.
    pub enum AddressState {
        Assigning = "assigning",
        Unassigning = "unassigning",
        Associating = "associating",
        Disassociating = "disassociating",
        Succeeded = "succeeded",
        Failed = "failed",
    }
}

/// One address of a NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatAddress {
    pub allocation: Option<String>,
    pub association: Option<String>,
    pub state: AddressState,
}

/// What a look shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatSeen {
    pub state: NatState,
    /// It has Elastic IP addresses.
    pub public: bool,
    pub addresses: Vec<NatAddress>,
}

impl NatSeen {
    fn counts(&self, state: AddressState) -> u32 {
        u32::try_from(self.addresses.iter().filter(|a| a.state == state).count()).unwrap_or(u32::MAX)
    }

    fn of(&self, allocation: &str) -> Option<&NatAddress> {
        self.addresses.iter().find(|a| a.allocation.as_deref() == Some(allocation))
    }

    /// What it carries, in the request's unit.
    #[must_use]
    pub fn carries(&self, unit: &str) -> u32 {
        self.counts(AddressState::Succeeded).saturating_mul(each(unit))
    }
}

/// What one address carries, in this unit.
#[must_use]
pub fn each(unit: &str) -> u32 {
    if unit == IN_CONNECTIONS { CONNECTIONS } else { 1 }
}

/// Those that the request added, or was to.
pub fn ours(row: &GatewayRow) -> impl Iterator<Item = &str> {
    row.reference.iter().flat_map(|all| all.split(','))
}

/// What follows from a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This allocation is to be added.
    Add(Arc<str>),
    /// These associations are to be ended.
    TakeOff(Vec<String>),
    /// It stands so, and this is said of it.
    Stands {
        state: GatewayState,
        note: Option<String>,
    },
    /// It is over, and some of ours are there yet, or may come yet.
    NotYet,
    Refused(String),
    /// It is over, and none of ours is there, or can come any more.
    Over,
}

/// What is to be done with what a look shows. `pool`: allocations that may be used. `passed`: those that cannot be had.
#[must_use]
pub fn of_look(row: &GatewayRow, seen: &NatSeen, pool: &[String], passed: &[Arc<str>], now: Time) -> Next {
    let over = row.state == GatewayState::Releasing;
    match seen.state {
        NatState::Available => {}
        NatState::Pending if over => return Next::NotYet,
        NatState::Pending => return Next::Stands { state: GatewayState::Pending, note: None },
        // Its addresses went with it.
        NatState::Failed | NatState::Deleting | NatState::Deleted if over => return Next::Over,
        NatState::Failed | NatState::Deleting | NatState::Deleted => {
            return Next::Refused(format!("the NAT gateway is {}", seen.state));
        }
    }
    if over {
        return leaves(row, seen, now);
    }
    if !seen.public {
        return Next::Refused("it is a private NAT gateway, which has no Elastic IP addresses".into());
    }
    let need = row.wanted.div_ceil(each(&row.unit));
    let there = seen.counts(AddressState::Succeeded);
    let coming = seen.counts(AddressState::Associating);
    if there >= need {
        return Next::Stands { state: GatewayState::InEffect, note: None };
    }
    let pending = Next::Stands { state: GatewayState::Pending, note: row.note.clone() };
    if there.saturating_add(coming) >= need {
        return pending;
    }
    let free =
        |allocation: &&str| seen.of(allocation).is_none() && !passed.iter().any(|p| &**p == *allocation);
    if let Some(again) = ours(row).find(free) {
        return Next::Add(again.into());
    }
    // What was passed by may come yet, by a call whose answer was lost: another one would be one too many.
    if is_unsettled(row, now) {
        return pending;
    }
    if let Some(another) = pool.iter().map(String::as_str).find(free) {
        return Next::Add(another.into());
    }
    if coming > 0 {
        return pending;
    }
    let why = row.note.clone().unwrap_or_else(|| "no allocation of its configuration is left".into());
    if ours(row).any(|allocation| seen.of(allocation).is_some()) {
        return Next::Stands { state: GatewayState::PartlyInEffect, note: Some(why) };
    }
    Next::Refused(why)
}

fn leaves(row: &GatewayRow, seen: &NatSeen, now: Time) -> Next {
    let there: Vec<&NatAddress> = ours(row).filter_map(|allocation| seen.of(allocation)).collect();
    let leave = |a: &&&NatAddress| match a.state {
        AddressState::Succeeded | AddressState::Failed => true,
        // One that is on its way is waited for.
        AddressState::Assigning
        | AddressState::Unassigning
        | AddressState::Associating
        | AddressState::Disassociating => false,
    };
    let leaving: Vec<String> = there.iter().filter(leave).filter_map(|a| a.association.clone()).collect();
    if !leaving.is_empty() {
        return Next::TakeOff(leaving);
    }
    if there.is_empty() && !is_unsettled(row, now) { Next::Over } else { Next::NotYet }
}

/// What follows from an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setback {
    /// Looked at again after so long.
    Wait(Duration),
    /// This allocation cannot be had.
    Pass,
    /// None can be had.
    PassAll(String),
    /// It will not be done.
    No(String),
    /// There is no gateway any more.
    Gone(String),
}

/// What an error of this call means.
#[must_use]
pub fn setback(call: &NatCall, error: &CallError) -> Setback {
    let told = format!("{}: {}", error.code, error.message);
    match (call, error.code.as_str()) {
        (_, GONE) => return Setback::Gone(told),
        (_, NOT_NOW) => return Setback::Wait(AFTER_PENDING),
        (NatCall::Associate { .. }, ELSEWHERE | NO_ALLOCATION) => return Setback::Pass,
        (NatCall::Associate { .. }, code) if code.ends_with(LIMIT) && error.class == ErrorClass::Quota => {
            return Setback::PassAll(format!(
                "{told} (2 addresses until the quota is raised, 8 at most: ask Service Quotas for L-5F53652F of vpc)"
            ));
        }
        (NatCall::Disassociate { .. }, LEFT_ALREADY) => return Setback::Wait(LOOK_EVERY),
        _ => {}
    }
    match error.class {
        ErrorClass::Throttle => Setback::Wait(AFTER_THROTTLE),
        ErrorClass::Unknown | ErrorClass::Contention => Setback::Wait(LOOK_EVERY),
        ErrorClass::Capacity | ErrorClass::Addresses => Setback::Wait(AFTER_REFUSAL),
        ErrorClass::Quota
        | ErrorClass::NotFound
        | ErrorClass::Configuration
        | ErrorClass::Unsupported
        | ErrorClass::TooMany
        | ErrorClass::TokenSpent
        | ErrorClass::TokenMismatch
        | ErrorClass::NoAction
        | ErrorClass::Size => Setback::No(told),
    }
}

#[cfg(test)]
mod tests {
    use super::super::balancer::SETTLED_AFTER;
    use super::super::testing::row;
    use super::super::words::GatewayKind;
    use super::*;
    use AddressState::{Associating, Disassociating, Succeeded};

    /// So many addresses wanted; `added` are ours.
    fn wanted(addresses: u32, added: &str) -> GatewayRow {
        GatewayRow {
            kind: GatewayKind::Nat,
            resource: "nat-1".into(),
            unit: "addresses".into(),
            reference: Some(added.to_string()).filter(|added| !added.is_empty()),
            ..row(addresses)
        }
    }

    /// Each by its allocation; the first of them is the gateway's own.
    fn seen(addresses: &[(&str, AddressState)]) -> NatSeen {
        let address = |(allocation, state): &(&str, AddressState)| NatAddress {
            allocation: Some((*allocation).into()),
            association: Some(format!("of-{allocation}")),
            state: *state,
        };
        NatSeen {
            state: NatState::Available,
            public: true,
            addresses: addresses.iter().map(address).collect(),
        }
    }

    fn pool() -> Vec<String> {
        ["a", "b"].map(String::from).to_vec()
    }

    fn next(row: &GatewayRow, seen: &NatSeen) -> Next {
        of_look(row, seen, &pool(), &[], Time(9))
    }

    fn stands(state: GatewayState) -> Next {
        Next::Stands { state, note: None }
    }

    #[test]
    fn one_is_added_at_a_time_until_there_are_enough() {
        let one = seen(&[("own", Succeeded)]);
        assert_eq!(next(&wanted(1, ""), &one), stands(GatewayState::InEffect));
        assert_eq!(next(&wanted(3, ""), &one), Next::Add("a".into()));
        let coming = seen(&[("own", Succeeded), ("a", Associating)]);
        assert_eq!(next(&wanted(2, "a"), &coming), stands(GatewayState::Pending));
        assert_eq!(next(&wanted(3, "a"), &coming), Next::Add("b".into()));
        let three = seen(&[("own", Succeeded), ("a", Succeeded), ("b", Succeeded)]);
        assert_eq!(next(&wanted(3, "a,b"), &three), stands(GatewayState::InEffect));
    }

    #[test]
    fn connections_are_counted_by_addresses() {
        let row = |wanted_| GatewayRow { unit: IN_CONNECTIONS.into(), ..wanted(wanted_, "") };
        let two = seen(&[("own", Succeeded), ("more", Succeeded)]);
        assert_eq!(two.carries(IN_CONNECTIONS), 110_000);
        assert_eq!(next(&row(110_000), &two), stands(GatewayState::InEffect));
        assert_eq!(next(&row(110_001), &two), Next::Add("a".into()));
    }

    #[test]
    fn a_lost_one_is_asked_for_again_and_no_other_beside_it() {
        let one = seen(&[("own", Succeeded)]);
        let lost = GatewayRow { unanswered: Some(Time(1)), ..wanted(2, "b") };
        assert_eq!(next(&lost, &one), Next::Add("b".into()));
        let passed = ["b".into()];
        assert_eq!(of_look(&lost, &one, &pool(), &passed, Time(9)), stands(GatewayState::Pending));
        let settled = Time(1).plus(SETTLED_AFTER);
        assert_eq!(of_look(&lost, &one, &pool(), &passed, settled), Next::Add("a".into()));
    }

    #[test]
    fn where_no_allocation_is_left_it_is_a_part_or_a_refusal() {
        let passed = ["b".into()];
        let two = seen(&[("own", Succeeded), ("a", Succeeded)]);
        let part = of_look(&wanted(3, "a"), &two, &pool(), &passed, Time(9));
        assert!(matches!(part, Next::Stands { state: GatewayState::PartlyInEffect, .. }), "{part:?}");
        let one = seen(&[("own", Succeeded)]);
        let none = of_look(&wanted(3, ""), &one, &[], &[], Time(9));
        assert!(matches!(none, Next::Refused(why) if why.contains("no allocation")));
        let private = NatSeen { public: false, ..one.clone() };
        assert!(matches!(next(&wanted(3, ""), &private), Next::Refused(why) if why.contains("private")));
        let deleted = NatSeen { state: NatState::Deleted, ..one };
        assert!(matches!(next(&wanted(3, ""), &deleted), Next::Refused(why) if why.contains("deleted")));
    }

    #[test]
    fn exactly_what_was_added_is_taken_off() {
        let over = |added| GatewayRow { state: GatewayState::Releasing, ..wanted(3, added) };
        let three = seen(&[("own", Succeeded), ("a", Succeeded), ("b", Succeeded)]);
        assert_eq!(next(&over("b"), &three), Next::TakeOff(vec!["of-b".into()]));
        let leaving = seen(&[("own", Succeeded), ("a", Succeeded), ("b", Disassociating)]);
        assert_eq!(next(&over("b"), &leaving), Next::NotYet);
        let coming = seen(&[("own", Succeeded), ("b", Associating)]);
        assert_eq!(next(&over("b"), &coming), Next::NotYet);
        let left = seen(&[("own", Succeeded), ("a", Succeeded)]);
        assert_eq!(next(&over("b"), &left), Next::Over);
        let lost = GatewayRow { unanswered: Some(Time(1)), ..over("b") };
        assert_eq!(next(&lost, &left), Next::NotYet);
        let gone = NatSeen { state: NatState::Deleted, ..left };
        assert_eq!(next(&lost, &gone), Next::Over);
    }

    #[test]
    fn each_error_of_the_fact_sheet_has_its_answer() {
        let of = |call: &NatCall, class, code: &str| {
            setback(call, &CallError { class, code: code.into(), message: "as it says".into() })
        };
        let add = NatCall::Associate { allocation: "a".into() };
        let leave = NatCall::Disassociate { associations: vec!["of-a".into()] };
        let wrong = ErrorClass::Configuration;
        assert_eq!(of(&add, wrong, ELSEWHERE), Setback::Pass);
        assert_eq!(of(&add, wrong, NO_ALLOCATION), Setback::Pass);
        let limit = of(&add, ErrorClass::Quota, "AddressLimitExceeded");
        assert!(matches!(limit, Setback::PassAll(why) if why.contains("L-5F53652F")));
        assert_eq!(of(&add, wrong, NOT_NOW), Setback::Wait(AFTER_PENDING));
        assert_eq!(
            of(&add, ErrorClass::Addresses, "InsufficientFreeAddressesInSubnet"),
            Setback::Wait(AFTER_REFUSAL)
        );
        assert!(matches!(of(&add, wrong, "UnauthorizedOperation"), Setback::No(_)));
        assert_eq!(of(&leave, wrong, LEFT_ALREADY), Setback::Wait(LOOK_EVERY));
        assert!(matches!(of(&NatCall::Look, wrong, GONE), Setback::Gone(_)));
        assert_eq!(of(&add, ErrorClass::Unknown, "timeout"), Setback::Wait(LOOK_EVERY));
    }
}
