//! Holds and freezes, one decision at a time.

#![allow(clippy::wildcard_enum_match_arm)] // what a test does not look at

use std::sync::Arc;
use std::time::Duration;

use super::hooks::*;
use crate::decide::action::{Accepted, Action, Refusal};
use crate::decide::asg::seen::{GroupSeen, GroupsPage, Lifecycle, MemberSeen};
use crate::decide::event::{CallError, Ec2State, Event, Ticket};
use crate::decide::guard::freeze::{FROZEN, FreezeAsk};
use crate::decide::guard::hold::{EndAsk, HoldAsk};
use crate::decide::guard::lease::*;
use crate::decide::hook::notice::*;
use crate::decide::mark::{Mark, Marked};
use crate::decide::order::Order;
use crate::decide::rows::Restored;
use crate::decide::words::*;
use crate::decide::{Core, Settings};

const OTHER: &str = "i-0aaaaaaaaaaaaaaa2";

fn id(text: &str) -> Ec2Id {
    text.parse().unwrap()
}

/// The group with two members that serve, as it looks.
fn look(protected: bool, suspended: &[&str]) -> Event {
    members(&[(ID, Lifecycle::InService, protected), (OTHER, Lifecycle::InService, false)], suspended)
}

fn members(all: &[(&str, Lifecycle, bool)], suspended: &[&str]) -> Event {
    let member = |(text, lifecycle, protected): &(&str, Lifecycle, bool)| MemberSeen {
        id: id(text),
        lifecycle: *lifecycle,
        healthy: true,
        protected: *protected,
        zone: "a".into(),
    };
    let seen = GroupSeen {
        asg: "web-asg".into(),
        min: 0,
        max: 10,
        desired: 2,
        suspended: suspended.iter().map(ToString::to_string).collect(),
        members: all.iter().map(member).collect(),
    };
    Event::GroupsDescribed {
        asked: vec!["web-asg".into()],
        outcome: Ok(GroupsPage { groups: vec![seen], next: None }),
    }
}

fn hold(name: &str, instance: &str, desk: &Desk, for_s: u64) -> Order {
    Order::Hold(HoldAsk {
        id: name.into(),
        instance: id(instance),
        group: None,
        until: desk.now.plus(Duration::from_secs(for_s)),
        owner: "ann".into(),
        reason: "a look".into(),
        way: HoldWay::Replacement,
    })
}

fn freeze(name: &str, owner: &str, desk: &Desk, for_s: u64) -> Order {
    Order::Freeze(FreezeAsk {
        id: name.into(),
        group: None,
        until: desk.now.plus(Duration::from_secs(for_s)),
        owner: owner.into(),
        reason: "the metrics lie".into(),
    })
}

fn end(name: &str, by: &str, overrides: bool) -> EndAsk {
    EndAsk { id: name.into(), by: by.into(), overrides }
}

fn marks(actions: &[Action]) -> Vec<Mark> {
    let mark = |a: &Action| if let Action::Mark { mark } = a { Some(mark.clone()) } else { None };
    actions.iter().filter_map(mark).collect()
}

fn protect(ids: &[&str], on: bool) -> Mark {
    Mark::ScaleInProtection { asg: "web-asg".into(), ids: ids.iter().map(|i| id(i)).collect(), on }
}

fn suspend(names: &[&str]) -> Mark {
    Mark::Suspend { asg: "web-asg".into(), processes: names.iter().map(ToString::to_string).collect() }
}

fn resume(names: &[&str]) -> Mark {
    Mark::Resume { asg: "web-asg".into(), processes: names.iter().map(ToString::to_string).collect() }
}

fn done(mark: &Mark) -> Event {
    Event::Marked { mark: mark.clone(), outcome: Ok(Marked::Done) }
}

impl Desk {
    /// Gives an order; the answer, and the calls that go out with it.
    fn order(&mut self, order: Order) -> (Result<Accepted, Refusal>, Vec<Mark>) {
        let actions = self.after(1, vec![Event::Ordered { order, ticket: Ticket(9) }]);
        let answer = actions
            .iter()
            .find_map(|a| if let Action::Answer { answer, .. } = a { Some(answer.clone()) } else { None });
        (answer.unwrap(), marks(&actions))
    }

    /// Answers every call about marks for a while, asked or not, `protected` to those who ask; all that went out.
    fn settle(&mut self, first: Vec<Mark>, protected: bool) -> Vec<Mark> {
        let (mut all, mut out) = (Vec::new(), first);
        for _ in 0..8 {
            let answer = |mark: &Mark| match mark {
                Mark::IsTerminationProtected { .. } => Event::Marked {
                    mark: mark.clone(),
                    outcome: Ok(Marked::TerminationProtection(protected)),
                },
                _ => done(mark),
            };
            let events = out.iter().map(answer).collect();
            all.append(&mut out);
            out = marks(&self.after(100, events));
        }
        all
    }

    /// Its instance boots for ever and heartbeats are heard; what ends it within so many seconds.
    fn lives(&mut self, most_s: u64) -> Option<Action> {
        let mut events = Vec::new();
        for _ in 0..most_s {
            let actions = self.after(1_000, std::mem::take(&mut events));
            for action in actions {
                match action {
                    Action::TerminateInGroup { .. } | Action::Complete { .. } => return Some(action),
                    Action::Describe { asked } => {
                        events.push(Event::Described { asked, outcome: Ok(vec![seen(Ec2State::Pending)]) });
                    }
                    Action::Heartbeat { hook, .. } => {
                        let api = Api::RecordLifecycleActionHeartbeat;
                        events.push(Event::HookAnswered { hook, api, outcome: Ok(()) });
                    }
                    _ => {}
                }
            }
        }
        None
    }

    fn hold_row(&self, name: &str) -> HoldRow {
        let mut rows = self.changes.iter().flat_map(|c| &c.holds);
        rows.rfind(|h| h.lease.id == name).cloned().unwrap()
    }

    /// What was stored last of each mark.
    fn keeps(&self) -> std::collections::BTreeMap<(String, Marking), KeepRow> {
        let rows = self.changes.iter().flat_map(|c| c.keeps.clone());
        rows.map(|row| ((row.subject.clone(), row.marking), row)).collect()
    }
}

#[test]
fn a_hold_is_obeyed_at_once_in_force_when_all_is_marked_and_undone_at_its_end() {
    let mut desk = Desk::new();
    desk.after(0, vec![look(false, &[])]);
    let (answer, first) = desk.order(hold("h", ID, &desk, 60));
    assert!(answer.is_ok_and(|a| !a.repeated));
    assert_eq!(desk.core.hold_on(id(ID), desk.now), Some(desk.now.plus(Duration::from_millis(59_999))));
    assert_eq!(first[..2], [suspend(&["ReplaceUnhealthy"]), protect(&[ID], true)]);
    assert_eq!(first[2], Mark::IsTerminationProtected { id: id(ID) });
    let stored = desk.keeps();
    assert!(stored.values().all(|k| k.state != KeepState::Set), "written down before it is so: {stored:?}");
    assert_eq!(stored[&(ID.to_string(), Marking::ScaleInProtection)].before, Some(false));
    let all = desk.settle(first, false);
    assert_eq!(all.last(), Some(&Mark::TerminationProtection { id: id(ID), on: true }));
    assert_eq!(desk.hold_row("h").lease.state, LeaseState::InForce);
    let undone = marks(&desk.after(60_000, vec![]));
    assert_eq!(
        undone,
        [
            resume(&["ReplaceUnhealthy"]),
            protect(&[ID], false),
            Mark::TerminationProtection { id: id(ID), on: false }
        ]
    );
    assert_eq!(desk.core.hold_on(id(ID), desk.now), None);
    desk.settle(undone, false);
    let row = desk.hold_row("h").lease;
    assert_eq!((row.state, row.end), (LeaseState::Done, Some(LeaseEnd::Expired)));
    assert!(desk.keeps().values().all(|k| k.state == KeepState::Restored));
}

#[test]
fn what_somebody_else_had_set_before_is_left_alone() {
    let mut desk = Desk::new();
    desk.after(0, vec![look(true, &["ReplaceUnhealthy"])]);
    let (_, first) = desk.order(hold("h", ID, &desk, 60));
    assert_eq!(first, [Mark::IsTerminationProtected { id: id(ID) }]);
    desk.settle(first, true);
    assert_eq!(desk.hold_row("h").lease.state, LeaseState::InForce);
    assert_eq!(marks(&desk.after(60_000, vec![])), []);
    assert_eq!(desk.hold_row("h").lease.state, LeaseState::Done);
}

#[test]
fn the_marks_of_two_holds_stay_until_the_last_and_what_was_before_the_first_comes_back() {
    let mut desk = Desk::new();
    desk.after(0, vec![look(false, &[])]);
    let (_, first) = desk.order(hold("one", ID, &desk, 60));
    desk.settle(first, false);
    // What is seen now is what we set ourselves.
    desk.after(10, vec![look(true, &["ReplaceUnhealthy"])]);
    let Order::Hold(ask) = hold("two", ID, &desk, 300) else { unreachable!() };
    let second = Order::Hold(HoldAsk { owner: "bob".into(), ..ask });
    let (_, more) = desk.order(second);
    assert_eq!(more, [], "everything is marked");
    assert_eq!(desk.hold_row("two").lease.state, LeaseState::InForce);
    assert_eq!(marks(&desk.after(60_000, vec![])), []);
    assert_eq!(desk.hold_row("one").lease.state, LeaseState::Done);
    assert!(desk.core.hold_on(id(ID), desk.now).is_some());
    assert!(marks(&desk.after(300_000, vec![])).contains(&protect(&[ID], false)));
}

#[test]
fn whoever_asks_again_moves_the_end_and_only_the_owner_or_an_override_ends_it_before() {
    let mut desk = Desk::new();
    desk.after(0, vec![look(false, &[])]);
    desk.order(hold("h", ID, &desk, 60)).0.unwrap();
    let again = desk.order(hold("other", ID, &desk, 120)).0.unwrap();
    assert_eq!((again.id.as_str(), again.repeated), ("h", true));
    assert_eq!(desk.core.hold_on(id(ID), desk.now), Some(desk.now.plus(Duration::from_millis(119_999))));
    let refused = desk.order(Order::Release(end("h", "bob", false))).0.unwrap_err();
    assert!(refused.to_string().contains("asked for by ann"), "{refused}");
    assert!(!desk.order(Order::Release(end("h", "bob", true))).0.unwrap().repeated);
    let lease = desk.hold_row("h").lease;
    assert_eq!((lease.end, lease.ended_by.as_deref()), (Some(LeaseEnd::Overridden), Some("bob")));
    assert_eq!(desk.core.hold_on(id(ID), desk.now), None);
}

#[test]
fn what_cannot_be_held_is_said() {
    let mut desk = Desk::new();
    let unseen = desk.order(hold("h", ID, &desk, 60)).0.unwrap_err();
    assert!(unseen.to_string().contains("1 groups have not been seen yet"), "{unseen}");
    desk.after(0, vec![look(false, &[])]);
    let unknown = desk.order(hold("h", "i-0aaaaaaaaaaaaaaa9", &desk, 60)).0.unwrap_err();
    assert!(matches!(unknown, Refusal::UnknownInstance { unseen: 0, .. }), "{unknown}");
    for for_s in [0, LONGEST_HOLD.as_secs() + 1] {
        let refused = desk.order(hold("h", ID, &desk, for_s)).0.unwrap_err();
        assert!(refused.to_string().contains("at most 168 h"), "{refused}");
    }
    let over = desk.order(Order::Release(end("h", "ann", false))).0.unwrap_err();
    assert!(matches!(over, Refusal::UnknownLease { .. }), "{over}");
    let Order::Freeze(ask) = freeze("f", "ann", &desk, 60) else { unreachable!() };
    let nowhere = Order::Freeze(FreezeAsk { group: Some("db".into()), ..ask });
    assert!(matches!(desk.order(nowhere).0.unwrap_err(), Refusal::UnknownGroup { .. }));
}

#[test]
fn a_call_that_is_throttled_lost_or_taken_back_by_somebody_is_made_again() {
    let mut desk = Desk::new();
    desk.after(0, vec![look(false, &[])]);
    let (_, first) = desk.order(hold("h", ID, &desk, 600));
    for class in [ErrorClass::Throttle, ErrorClass::Unknown, ErrorClass::Contention] {
        let outcome = Err(error(class));
        desk.after(100, vec![Event::Marked { mark: protect(&[ID], true), outcome }]);
        let again = desk.until(3, |a| marks(std::slice::from_ref(a)).pop());
        assert_eq!(again.map(|(_, mark)| mark), Some(protect(&[ID], true)), "{class}");
    }
    desk.settle(first, false);
    assert_eq!(desk.hold_row("h").lease.state, LeaseState::InForce);
    let actions = desk.after(10_000, vec![look(false, &["ReplaceUnhealthy"])]);
    assert_eq!(marks(&actions), [protect(&[ID], true)], "somebody took it away");
}

/// Found by D10, seed 19: one that had gone made all of its call count as restored.
#[test]
fn one_that_has_gone_fails_the_call_for_all_and_is_the_only_one_to_blame() {
    let mut desk = Desk::new();
    desk.after(0, vec![look(false, &[])]);
    let (_, mut first) = desk.order(hold("one", ID, &desk, 60));
    first.extend(desk.order(hold("two", OTHER, &desk, 60)).1);
    desk.settle(first, false);
    let undone = marks(&desk.after(60_000, vec![]));
    assert!(undone.contains(&protect(&[ID, OTHER], false)));
    let gone = CallError {
        class: ErrorClass::NotFound,
        code: "ValidationError".into(),
        message: format!("No managed instance found for instance ID: {ID}"),
    };
    let failed = Event::Marked { mark: protect(&[ID, OTHER], false), outcome: Err(gone) };
    assert_eq!(marks(&desk.after(100, vec![failed])), [protect(&[OTHER], false)]);
}

#[test]
fn a_restart_restores_what_was_before_and_not_what_it_finds() {
    let mut desk = Desk::new();
    desk.after(0, vec![look(false, &[])]);
    let (_, first) = desk.order(hold("h", ID, &desk, 60));
    desk.settle(first, false);
    let stored = Restored {
        holds: vec![desk.hold_row("h")],
        keeps: desk.keeps().into_values().collect(),
        ..Restored::default()
    };
    let core = Core::restored(Settings::default(), vec![Arc::new(asg())], stored, desk.now, 3).unwrap();
    desk.core = core;
    assert!(desk.core.hold_on(id(ID), desk.now).is_some());
    assert_eq!(marks(&desk.after(10, vec![])), [], "before its group was seen nothing is undone");
    desk.after(10, vec![look(true, &["ReplaceUnhealthy"])]);
    let undone = marks(&desk.after(60_000, vec![]));
    assert_eq!(undone.len(), 3, "{undone:?}");
    assert!(undone.contains(&protect(&[ID], false)) && undone.contains(&resume(&["ReplaceUnhealthy"])));
}

#[test]
fn a_process_that_dies_before_its_calls_were_answered_makes_them_again() {
    let mut desk = Desk::new();
    desk.after(0, vec![look(false, &[])]);
    desk.order(hold("h", ID, &desk, 60)).0.unwrap();
    let stored = Restored {
        holds: vec![desk.hold_row("h")],
        keeps: desk.keeps().into_values().collect(),
        ..Restored::default()
    };
    desk.core = Core::restored(Settings::default(), vec![Arc::new(asg())], stored, desk.now, 3).unwrap();
    let again = marks(&desk.after(10, vec![]));
    assert_eq!(again[..2], [suspend(&["ReplaceUnhealthy"]), protect(&[ID], true)]);
}

#[test]
fn a_lifecycle_action_that_would_end_a_held_instance_gets_heartbeats_until_it_is_held_no_more() {
    let mut desk = Desk::new();
    desk.after(0, vec![look(false, &[])]);
    let (_, first) = desk.order(hold("h", ID, &desk, 200));
    desk.settle(first, false);
    desk.told(HookNotice { transition: Transition::Terminating, hook: "out".into(), ..notice(1) }).unwrap();
    let heartbeat = |a: &Action| matches!(a, Action::Heartbeat { .. }).then_some(());
    let (after, ()) = desk.until(110, heartbeat).expect("it is kept alive");
    assert!(after < Duration::from_secs(70), "half a period before its end, not the last sixth: {after:?}");
    assert!(desk.rows().iter().all(|r| r.result.is_none()));
    let hook = desk.rows().last().unwrap().seq;
    let answered = Event::HookAnswered { hook, api: Api::RecordLifecycleActionHeartbeat, outcome: Ok(()) };
    desk.after(10, vec![answered]);
    let ended = desk.lives(300);
    assert!(matches!(ended, Some(Action::Complete { result: HookResult::Continue, .. })), "{ended:?}");
    assert!(desk.core.hold_on(id(ID), desk.now).is_none());
}

#[test]
fn one_that_muster_gave_up_stays_while_it_is_held_and_says_so() {
    let mut desk = Desk::new();
    desk.after(0, vec![members(&[], &[])]);
    desk.told(notice(1)).unwrap();
    let (_, first) = desk.order(hold("h", ID, &desk, 400));
    assert!(!first.iter().any(|m| matches!(m, Mark::ScaleInProtection { .. })), "not before it serves");
    desk.settle(first, false);
    assert_eq!(desk.hold_row("h").lease.state, LeaseState::InForce);
    // Its watchdog gives it up after two minutes.
    assert!(desk.lives(300).is_none());
    assert!(desk.phases().contains(&Phase::Broken));
    let view = desk.core.view(desk.now);
    let waits: Vec<_> = view.scale_ups.iter().flat_map(|p| &p.waits).map(|w| w.wait.clone()).collect();
    assert!(waits.iter().any(|w| matches!(w, crate::decide::wait::Wait::Held { .. })), "{waits:?}");
    assert!(desk.lives(200).is_some(), "held no more");
}

#[test]
fn a_freeze_suspends_what_takes_instances_away_and_a_second_one_forgets_nothing() {
    let mut desk = Desk::new();
    desk.after(0, vec![look(false, &["AZRebalance"])]);
    let (_, first) = desk.order(freeze("one", "ann", &desk, 60));
    assert!(desk.core.frozen_until(0, desk.now).is_some(), "at once");
    let names = ["AlarmNotification", "InstanceRefresh", "ReplaceUnhealthy", "ScheduledActions"];
    assert_eq!(first, [suspend(&names)]);
    desk.settle(first, false);
    let all: Vec<&str> = FROZEN.iter().map(|m| m.as_str()).collect();
    desk.after(10, vec![look(false, &all)]);
    assert_eq!(desk.order(freeze("two", "bob", &desk, 200)).1, []);
    assert_eq!(marks(&desk.after(60_000, vec![])), [], "the second goes on");
    // A hold wants one of them longer.
    let (_, more) = desk.order(hold("h", ID, &desk, 600));
    desk.settle(more, false);
    let thawed = desk.order(Order::Thaw(end("two", "bob", false)));
    assert_eq!(thawed.1, [resume(&["AlarmNotification", "InstanceRefresh", "ScheduledActions"])]);
    assert_eq!(desk.core.frozen_until(0, desk.now), None);
}

#[test]
fn a_group_whose_minimum_forbids_standby_keeps_a_held_instance_serving() {
    let mut desk = Desk::new();
    desk.after(0, vec![look(false, &[])]);
    let Order::Hold(ask) = hold("h", ID, &desk, 60) else { unreachable!() };
    let (_, first) = desk.order(Order::Hold(HoldAsk { way: HoldWay::Standby, ..ask }));
    let enter = Mark::EnterStandby { asg: "web-asg".into(), ids: vec![id(ID)], decrement: true };
    assert!(first.contains(&enter) && !first.contains(&suspend(&["ReplaceUnhealthy"])));
    let refused = Event::Marked { mark: enter, outcome: Err(error(ErrorClass::Size)) };
    let instead = marks(&desk.after(100, vec![refused]));
    assert_eq!(instead, [suspend(&["ReplaceUnhealthy"])]);
    assert_eq!(desk.hold_row("h").way, HoldWay::Replacement);
}
