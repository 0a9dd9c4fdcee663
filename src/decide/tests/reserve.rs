//! Instances that are kept in reserve, and those who get them, one decision at a time.

#![allow(clippy::wildcard_enum_match_arm)] // what a test does not look at

use std::time::Duration;

use super::quarantine::Ward;
use super::world::START;
use crate::decide::action::Action;
use crate::decide::asg::seen::Lifecycle;
use crate::decide::event::{CallError, Contact};
use crate::decide::group::{Group, HealthBy};
use crate::decide::guard::freeze::FreezeAsk;
use crate::decide::guard::hold::HoldAsk;
use crate::decide::guard::lease::HoldWay;
use crate::decide::mark::Mark;
use crate::decide::order::Order;
use crate::decide::quarantine::ReleaseAsk;
use crate::decide::quarantine::words::*;
use crate::decide::view::ReserveView;
use crate::decide::words::*;

/// A ward whose group keeps so many in reserve, and nobody in quarantine.
fn keeping(ward: &Ward, size: u32) -> Ward {
    let group = Group { quarantine: None, reserve: Some(ReserveSpec { size }), ..(*ward.group).clone() };
    Ward::of(group)
}

fn fleet(max: u32, size: u32) -> Ward {
    keeping(&Ward::fleet(max), size)
}

fn grouped(max: u32, size: u32) -> Ward {
    keeping(&Ward::grouped(max, Keeping::Standby, HealthBy::Aws), size)
}

impl Ward {
    fn reserve(&self) -> ReserveView {
        self.core.view(Time(0)).groups[0].reserve.unwrap()
    }

    /// Those in reserve, by what is stored.
    fn reserved(&self) -> Vec<Ec2Id> {
        let kept = self.rows.quarantine.values();
        kept.filter(|q| q.state == QuarantineState::Kept).map(|q| q.id).collect()
    }

    /// The scale-up that was asked for last.
    fn asked(&self) -> (u32, u32, ScaleUpState) {
        let asked = |o| matches!(o, Origin::Asked | Origin::Emergency);
        let row = self.rows.scale_ups.values().rfind(|s| asked(s.origin)).unwrap();
        (row.in_service, row.withdrawn, row.state)
    }

    fn in_standby(&self) -> usize {
        self.live.values().filter(|l| **l == Lifecycle::Standby).count()
    }
}

#[test]
fn a_fleet_keeps_verified_ones_out_of_service() {
    let mut ward = fleet(10, 3);
    ward.run(120);
    assert_eq!(ward.reserve(), ReserveView { size: 3, ready: 3 });
    assert_eq!((ward.counts(), ward.launched), ((0, 3), 3));
    for id in ward.reserved() {
        let row = ward.row(id);
        assert_eq!((row.purpose, row.how), (Purpose::Reserve, Keeping::Apart));
        assert_eq!(ward.rows.instances[&row.instance.unwrap()].phase, Phase::Reserved);
    }
    // It is full, and stays as it is, also under another process.
    ward.restart();
    ward.run(3_600);
    assert_eq!((ward.counts(), ward.launched, ward.ended()), ((0, 3), 3, vec![]));
}

#[test]
fn an_emergency_gets_the_reserve_verified_again_and_it_is_filled_anew() {
    let mut ward = fleet(20, 3);
    ward.run(120);
    let reserved = ward.reserved();
    ward.ask_for(5, true);
    ward.run(120);
    assert_eq!((ward.asked(), ward.reserve().ready), ((5, 0, ScaleUpState::Done), 3));
    // Two were launched for the rest, and three for the reserve.
    assert_eq!((ward.launched, ward.counts()), (8, (5, 8)));
    for id in reserved {
        let row = ward.row(id);
        assert_eq!((row.state, row.end), (QuarantineState::Done, Some(QuarantineEnd::Used)));
        let instance = &ward.rows.instances[&row.instance.unwrap()];
        assert_eq!((instance.phase, instance.id), (Phase::InService, Some(id)));
        let probes = |a: &&Action| matches!(a, Action::Probe(t) if Some(t.instance) == row.instance);
        assert!(ward.done.iter().filter(probes).count() >= usize::from(ward.group.passes), "verified again");
    }
    assert_eq!(ward.journalled("out_of_reserve").len(), 3);
}

/// When it is asked for, it is as young as one just launched: its days in reserve do not count as its way into service.
#[test]
fn the_end_of_an_emergency_is_foretold_from_when_the_reserve_was_asked() {
    let mut ward = fleet(200, 60);
    ward.run(10_000);
    ward.ask_at_once(60, true);
    ward.run(2);
    let view = ward.core.view(ward.now);
    let emergency = view.scale_ups.iter().find(|p| p.origin == Origin::Emergency).unwrap();
    assert_eq!(emergency.phases.get(Phase::Verifying), 60, "all come out of the reserve");
    let eta = emergency.eta.unwrap().since(ward.now);
    assert!(eta < Duration::from_secs(600), "{eta:?}");
}

#[test]
fn who_is_in_no_hurry_leaves_the_reserve_alone_unless_there_is_no_other_place() {
    let mut ward = fleet(6, 3);
    ward.run(120);
    ward.ask_for(3, false);
    ward.run(120);
    assert_eq!((ward.asked(), ward.reserve().ready, ward.launched), ((3, 0, ScaleUpState::Done), 3, 6));
    ward.ask_for(2, false);
    ward.run(120);
    assert_eq!((ward.asked(), ward.reserve().ready, ward.launched), ((2, 0, ScaleUpState::Done), 1, 6));
    assert_eq!((ward.counts(), ward.ended()), ((5, 6), vec![]));
}

#[test]
fn one_that_has_rotted_is_ended_and_its_slot_gets_another() {
    for (mut ward, decrement) in [(fleet(10, 2), None), (grouped(10, 2), Some(false))] {
        ward.run(240);
        let rotten = ward.reserved()[0];
        ward.broken.insert(rotten, Contact::Unreachable("refused".into()));
        ward.ask_for(2, true);
        ward.run(240);
        assert_eq!(ward.asked(), (2, 0, ScaleUpState::Done));
        // In standby it is not counted in the desired capacity, which is not to shrink with it.
        let ended = ward.ended();
        assert_eq!(ended[0], (rotten, decrement));
        assert!(ended.iter().all(|(id, by)| *id == rotten && *by != Some(true)), "{ended:?}");
        let row = ward.row(rotten);
        assert_eq!((row.state, row.end), (QuarantineState::Done, Some(QuarantineEnd::Unfit)));
        assert!(row.reason.contains("refused"), "{}", row.reason);
        assert_eq!(ward.counts(), (2, 4));
    }
}

#[test]
fn a_member_goes_into_standby_and_comes_back_out_of_it() {
    let mut ward = grouped(10, 2);
    ward.run(240);
    assert_eq!((ward.in_standby(), ward.desired, ward.reserve().ready), (2, 0, 2));
    let into = |m: &Mark| matches!(m, Mark::EnterStandby { decrement: true, .. });
    assert!(ward.marks().iter().any(into));
    ward.ask_for(1, true);
    ward.run(240);
    assert!(ward.marks().iter().any(|m| matches!(m, Mark::ExitStandby { ids, .. } if ids.len() == 1)));
    assert_eq!((ward.asked(), ward.desired, ward.in_standby()), ((1, 0, ScaleUpState::Done), 1, 2));
    assert_eq!((ward.counts().0, ward.ended()), (1, vec![]));
}

/// Seed 5325 of the swarm over groups: the place of one that was on its way into standby was taken before it was there,
/// and the group had one more than its maximum for some seconds.
#[test]
fn seed_5325_nobody_is_let_in_while_the_one_before_is_still_on_its_way_into_standby() {
    let mut ward = grouped(10, 2);
    ward.run(240);
    ward.ask_at_once(1, true);
    ward.run(1);
    // An alarm fills the group meanwhile.
    let other = |n: u64| format!("i-{:017x}", 900 + n).parse::<Ec2Id>().unwrap();
    ward.live.extend((0..9).map(|n| (other(n), Lifecycle::InService)));
    ward.live.insert(other(9), Lifecycle::EnteringStandby);
    ward.desired = 9;
    ward.is_looked_at();
    let let_in = |ward: &Ward| ward.marks().iter().any(|m| matches!(m, Mark::ExitStandby { .. }));
    ward.run(120);
    assert!(!let_in(&ward));
    ward.live.insert(other(9), Lifecycle::Standby);
    ward.run(60);
    assert!(let_in(&ward));
    assert_eq!(ward.asked(), (1, 0, ScaleUpState::Done));
}

#[test]
fn one_that_its_group_does_not_let_go_goes_on_serving_and_is_asked_for_again() {
    let mut ward = grouped(10, 1);
    let error = CallError { class: ErrorClass::Size, code: "Test".into(), message: String::new() };
    ward.refuses = Some((error, false));
    ward.run(240);
    assert_eq!((ward.in_standby(), ward.launched, ward.counts().0), (0, 1, 1));
    ward.refuses = None;
    ward.run(240);
    assert_eq!((ward.in_standby(), ward.launched, ward.counts().0), (1, 1, 0));
}

#[test]
fn a_restart_in_the_middle_changes_nothing() {
    for after in [1, 2, 3, 5, 8, 13] {
        for mut ward in [fleet(10, 2), grouped(10, 2)] {
            ward.run(240);
            ward.ask_at_once(2, true);
            ward.run(after);
            ward.restart();
            ward.run(400);
            assert_eq!((ward.asked(), ward.ended()), ((2, 0, ScaleUpState::Done), vec![]), "after {after} s");
            assert_eq!(ward.reserve().ready, 2, "after {after} s");
        }
    }
}

#[test]
fn one_whose_emergency_is_cancelled_is_ended_like_any_other_on_its_way() {
    let mut ward = fleet(10, 1);
    ward.run(120);
    let id = ward.reserved()[0];
    ward.broken.insert(id, Contact::NotTried("no descriptor".into()));
    ward.ask_at_once(1, true);
    ward.run(5);
    let asked = ward.rows.scale_ups.values().rfind(|s| s.origin == Origin::Emergency).unwrap().id.clone();
    ward.cancel(&asked);
    ward.run(240);
    assert_eq!((ward.asked(), ward.ended()), ((0, 1, ScaleUpState::Done), vec![(id, None)]));
    assert_eq!((ward.reserve().ready, ward.counts()), (1, (0, 1)));
}

#[test]
fn who_is_held_stays_and_is_given_to_nobody() {
    let mut ward = fleet(10, 1);
    ward.run(120);
    let id = ward.reserved()[0];
    let ask = HoldAsk {
        id: "hold-1".into(),
        instance: id,
        group: None,
        until: START.plus(Duration::from_hours(2)),
        owner: "ann".into(),
        reason: "a look".into(),
        way: HoldWay::Replacement,
    };
    ward.order(Order::Hold(ask)).unwrap();
    ward.ask_for(1, true);
    ward.run(120);
    assert_eq!((ward.asked(), ward.reserved(), ward.launched), ((1, 0, ScaleUpState::Done), vec![id], 2));
}

#[test]
fn a_freeze_puts_filling_off() {
    let mut ward = fleet(10, 2);
    let ask = FreezeAsk {
        id: "freeze-1".into(),
        group: None,
        until: START.plus(Duration::from_mins(10)),
        owner: "ann".into(),
        reason: "quiet".into(),
    };
    ward.order(Order::Freeze(ask)).unwrap();
    ward.run(300);
    assert_eq!(ward.launched, 0);
    ward.run(600);
    assert_eq!(ward.reserve().ready, 2);
}

#[test]
fn an_operator_cannot_end_it_as_if_it_were_broken() {
    let mut ward = fleet(10, 1);
    ward.run(120);
    let ask = ReleaseAsk { instance: ward.reserved()[0], by: "ann".into() };
    assert!(ward.order(Order::EndQuarantine(ask)).is_err());
    assert!(ward.core.view(Time(0)).quarantine.is_empty());
}

#[test]
fn a_smaller_reserve_ends_those_that_are_too_many() {
    let mut ward = fleet(10, 3);
    ward.run(120);
    ward.group = std::sync::Arc::new(Group { reserve: None, ..(*ward.group).clone() });
    ward.restart();
    ward.run(60);
    assert_eq!((ward.ended().len(), ward.counts()), (3, (0, 0)));
}

#[test]
fn a_bad_version_fills_no_reserve() {
    let mut ward = fleet(100, 50);
    ward.next = vec![Contact::Hung("no answer".into()); 1_000];
    ward.run(3_600);
    // The breaker opens; what was wanted of it is given up, and tried again no faster than the breaker tries.
    assert!(!ward.journalled("breaker_open").is_empty());
    assert!(ward.launched < 150, "{}", ward.launched);
}
