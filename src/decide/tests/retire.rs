//! Taking instances out of service, one decision at a time.

#![allow(clippy::wildcard_enum_match_arm)] // what a test does not look at

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::world::{START, group};
use crate::decide::action::{Accepted, Action, Refusal};
use crate::decide::asg::seen::{GroupSeen, GroupsPage, Lifecycle, MemberSeen};
use crate::decide::event::{CallError, Contact, Ec2State, Event, Seen, Ticket};
use crate::decide::group::{Asg, Canary, Group, HealthBy, Launches};
use crate::decide::guard::hold::HoldAsk;
use crate::decide::guard::lease::HoldWay;
use crate::decide::mark::{Mark, Marked};
use crate::decide::order::Order;
use crate::decide::retire::scale_in::ScaleInAsk;
use crate::decide::retire::words::{RemovalState, ScaleInState};
use crate::decide::rows::{Changes, Restored};
use crate::decide::signal::push::{Pushed, Sample};
use crate::decide::signal::series::tests::signal;
use crate::decide::words::*;
use crate::decide::{Core, Settings};

/// A core with one group of twenty members that it did not bring into service, and what AWS shows of them.
struct Desk {
    core: Core,
    group: Arc<Group>,
    now: Time,
    members: Vec<MemberSeen>,
    max: u32,
    changes: Vec<Changes>,
    marks: Vec<Mark>,
    /// What the last scale-in led to at once.
    first: Vec<Action>,
}

fn id(n: u32) -> Ec2Id {
    format!("i-{n:017x}").parse().unwrap()
}

impl Desk {
    fn new(health: HealthBy) -> Desk {
        let asg = Asg {
            name: "web-asg".into(),
            heartbeat: Duration::from_secs(60),
            sweep_every: Duration::from_secs(15),
            health,
            launches: Launches::Instances,
        };
        let group = Arc::new(Group {
            asg: Some(asg),
            max: 40,
            floor: 5,
            canary: Canary { size: 0 },
            signals: vec![signal("cpu", 30.0, 70.0), signal("latency", 130.0, 170.0)],
            ..group("web")
        });
        let member = |n: u32| MemberSeen {
            id: id(n),
            lifecycle: Lifecycle::InService,
            healthy: true,
            protected: false,
            zone: ["a", "b"][n as usize % 2].into(),
        };
        let core = Core::new(Settings::default(), vec![group.clone()]);
        let members = (0..20).map(member).collect();
        Desk {
            core,
            group,
            now: START,
            members,
            max: 40,
            changes: Vec::new(),
            marks: Vec::new(),
            first: Vec::new(),
        }
    }

    /// Decides after so long, and answers looks, marks and probes at once. What else is to be done.
    fn after(&mut self, ms: u64, mut events: Vec<Event>, dead: &BTreeSet<Ec2Id>) -> Vec<Action> {
        self.now = self.now.plus(Duration::from_millis(ms));
        let mut rest = Vec::new();
        loop {
            let decision = self.core.decide(self.now, 7, std::mem::take(&mut events));
            self.changes.push(decision.changes);
            for action in decision.actions {
                match action {
                    Action::DescribeGroups { asked, .. } => {
                        let page = GroupsPage { groups: vec![self.seen()], next: None };
                        events.push(Event::GroupsDescribed { asked, outcome: Ok(page) });
                    }
                    Action::DescribeHooks { asg } => {
                        events.push(Event::HooksDescribed { asg, outcome: Ok(Vec::new()) });
                    }
                    Action::Mark { mark } => {
                        self.marks.push(mark.clone());
                        events.push(Event::Marked { mark, outcome: Ok(Marked::Done) });
                    }
                    Action::Probe(target) => {
                        let lost = || Contact::Unreachable("connection reset".into());
                        let outcome = if dead.contains(&target.id) { lost() } else { Contact::Passed };
                        events.push(Event::Probed { instance: target.instance, outcome });
                    }
                    Action::Configure(target) => {
                        let outcome = Contact::Passed;
                        events.push(Event::Configured { instance: target.instance, outcome });
                    }
                    Action::Describe { asked } => {
                        let seen = |(id, _): &(Ec2Id, InstanceRef)| Seen {
                            id: *id,
                            state: Ec2State::Running,
                            address: Some("10.0.0.1".parse().unwrap()),
                            state_reason: None,
                        };
                        let outcome = Ok(asked.iter().map(seen).collect());
                        events.push(Event::Described { asked, outcome });
                    }
                    other => rest.push(other),
                }
            }
            if events.is_empty() {
                return rest;
            }
        }
    }

    fn seen(&self) -> GroupSeen {
        let desired = self.members.iter().filter(|m| m.lifecycle == Lifecycle::InService).count();
        GroupSeen {
            asg: "web-asg".into(),
            min: 2,
            max: self.max,
            desired: u32::try_from(desired).unwrap(),
            suspended: self.marks.iter().map(|_| "ReplaceUnhealthy".to_string()).collect(),
            members: self.members.clone(),
        }
    }

    /// Runs so many seconds, a sample of each signal every minute; what was to be done beside looks.
    fn run(&mut self, seconds: u64, cpu: f64, latency: f64, dead: &BTreeSet<Ec2Id>) -> Vec<Action> {
        let mut all = Vec::new();
        for n in 0..seconds {
            let events = if n % 60 == 0 { vec![push(cpu, latency)] } else { Vec::new() };
            all.extend(self.after(1_000, events, dead));
        }
        all.retain(|a| !matches!(a, Action::Answer { .. }));
        all
    }

    fn scale_in(&mut self, count: u32, key: &str) -> Result<Accepted, Refusal> {
        let ask = ScaleInAsk {
            id: format!("id-{key}"),
            group: "web".into(),
            count,
            reason: "evening".into(),
            idempotency_key: Some(key.into()),
        };
        let event = Event::Ordered { order: Order::ScaleIn(ask), ticket: Ticket(1) };
        let actions = self.after(1, vec![event], &BTreeSet::new());
        let answer = actions
            .iter()
            .find_map(|a| if let Action::Answer { answer, .. } = a { Some(answer.clone()) } else { None });
        self.first = actions;
        answer.unwrap()
    }

    /// A group's answer to a terminate call; those that it took are gone with the next look.
    fn told(&mut self, ids: &[Ec2Id], outcome: Result<(), CallError>) -> Event {
        if outcome.is_ok() {
            self.members.retain(|m| !ids.contains(&m.id));
        }
        let asked = ids.iter().map(|id| (*id, InstanceRef::NOBODY)).collect();
        Event::TerminatedInGroup { asg: "web-asg".into(), asked, outcome }
    }

    fn kinds(&self) -> Vec<String> {
        self.changes.iter().flat_map(|c| c.journal.iter().map(|j| j.kind.clone())).collect()
    }

    fn journalled(&self, kind: &str) -> Option<String> {
        let lines = self.changes.iter().flat_map(|c| &c.journal);
        lines.filter(|j| j.kind == kind).map(|j| j.text.clone()).next_back()
    }
}

fn push(cpu: f64, latency: f64) -> Event {
    let sample = |signal: &str, value| Sample { signal: signal.into(), at: None, value };
    let samples = vec![sample("cpu", cpu), sample("latency", latency)];
    let order = Order::Signals(Pushed { group: "web".into(), samples });
    Event::Ordered { order, ticket: Ticket(2) }
}

fn terminated(actions: &[Action]) -> Option<(Vec<Ec2Id>, bool)> {
    actions.iter().find_map(|a| {
        let Action::TerminateInGroup { asked, decrement, .. } = a else { return None };
        Some((asked.iter().map(|(id, _)| *id).collect(), *decrement))
    })
}

fn nobody() -> BTreeSet<Ec2Id> {
    BTreeSet::new()
}

#[test]
fn a_scale_in_that_signals_speak_against_is_refused_and_journalled_in_the_same_decision() {
    let mut desk = Desk::new(HealthBy::Aws);
    desk.run(900, 20.0, 200.0, &nobody());
    let Err(Refusal::Unsafe { doubts, .. }) = desk.scale_in(6, "a") else { panic!("misled") };
    assert_eq!(doubts.len(), 1, "{doubts:?}");
    assert!(doubts[0].text.starts_with("signals disagree: cpu says idle: 20, "), "{doubts:?}");
    let journal = &desk.changes.iter().rev().find(|c| !c.journal.is_empty()).unwrap().journal;
    assert!(journal.iter().any(|j| j.kind == "scale_in_refused"), "{journal:?}");
    assert_eq!(terminated(&desk.run(600, 20.0, 200.0, &nobody())), None);
}

#[test]
fn it_goes_step_by_step_once_all_agree_and_stops_at_nothing_but_its_count() {
    let mut desk = Desk::new(HealthBy::Aws);
    desk.run(900, 20.0, 100.0, &nobody());
    let mut gone = Vec::new();
    desk.scale_in(3, "a").unwrap();
    let mut actions = std::mem::take(&mut desk.first);
    for _ in 0..400 {
        if let Some((ids, decrement)) = terminated(&actions) {
            assert!(decrement && ids.len() <= 2, "a tenth of twenty at a time");
            let told = desk.told(&ids, Ok(()));
            gone.extend(ids);
            desk.after(10, vec![told], &nobody());
        }
        actions = desk.run(1, 20.0, 100.0, &nobody());
    }
    assert_eq!(gone.len(), 3);
    let ended = desk.changes.iter().flat_map(|c| &c.scale_ins).last().unwrap();
    assert_eq!((ended.state, ended.removed), (ScaleInState::Done, 3));
    assert!(desk.journalled("remove").is_some_and(|text| text.contains("cpu says idle: 20")));
}

#[test]
fn a_step_waits_while_a_signal_is_silent() {
    let mut desk = Desk::new(HealthBy::Aws);
    desk.run(900, 20.0, 100.0, &nobody());
    desk.scale_in(6, "a").unwrap();
    let (ids, _) = terminated(&desk.first).unwrap();
    let told = desk.told(&ids, Ok(()));
    let mut more = desk.after(10, vec![told], &nobody());
    // The second step is due in two minutes; for so long the signals are fresh, and then no more.
    for _ in 0..119 {
        more.extend(desk.after(1_000, vec![], &nobody()));
    }
    assert_eq!(terminated(&more), None, "not yet");
    for _ in 0..400 {
        more.extend(desk.after(1_000, vec![], &nobody()));
    }
    assert_eq!(terminated(&more), None, "blind");
    let views = desk.core.view(desk.now).scale_ins;
    assert_eq!((views[0].row.state, views[0].row.removed), (ScaleInState::Open, 2));
    assert!(views[0].doubts[0].text.starts_with("signals blind: cpu says stale"), "{:?}", views[0].doubts);
}

#[test]
fn the_same_key_is_the_same_scale_in_and_another_group_size_is_held_to_its_floor() {
    let mut desk = Desk::new(HealthBy::Aws);
    desk.run(900, 20.0, 100.0, &nobody());
    let Err(Refusal::Unsafe { doubts, .. }) = desk.scale_in(16, "b") else { panic!("below the floor") };
    assert_eq!(doubts[0].text, "16 fewer than 20 would be below the floor of 5");
    assert_eq!(desk.scale_in(2, "a"), Ok(Accepted { id: "id-a".into(), repeated: false }));
    assert_eq!(desk.scale_in(2, "a"), Ok(Accepted { id: "id-a".into(), repeated: true }));
    assert_eq!(desk.scale_in(3, "a"), Err(Refusal::KeyReused { id: "id-a".into() }));
}

#[test]
fn a_throttled_call_is_made_again_only_if_what_spoke_for_it_holds() {
    let mut desk = Desk::new(HealthBy::Aws);
    desk.run(900, 20.0, 100.0, &nobody());
    desk.scale_in(2, "a").unwrap();
    let (ids, _) = terminated(&desk.first).unwrap();
    let throttled =
        CallError { class: ErrorClass::Throttle, code: "Throttling".into(), message: String::new() };
    let told = desk.told(&ids, Err(throttled));
    // Meanwhile latency rises.
    desk.after(10, vec![told, push(20.0, 200.0)], &nobody());
    assert_eq!(terminated(&desk.run(60, 20.0, 200.0, &nobody())), None);
    let kept = desk.changes.iter().flat_map(|c| &c.removals).filter(|r| r.state == RemovalState::Kept);
    assert_eq!(kept.count(), 2);
}

#[test]
fn who_is_called_unhealthy_and_answers_stays() {
    let mut desk = Desk::new(HealthBy::Muster);
    desk.run(30, 50.0, 150.0, &nobody());
    assert!(matches!(&desk.marks[0], Mark::Suspend { processes, .. } if processes == &["ReplaceUnhealthy"]));
    desk.members[0].healthy = false;
    let actions = desk.run(300, 50.0, 150.0, &nobody());
    assert!(actions.is_empty(), "{actions:?}");
}

#[test]
fn the_dead_are_replaced_first_and_removed_then() {
    let mut desk = Desk::new(HealthBy::Muster);
    desk.run(30, 50.0, 150.0, &nobody());
    desk.members[0].healthy = false;
    let dead = BTreeSet::from([id(0)]);
    let actions = desk.run(120, 50.0, 150.0, &dead);
    let launches: Vec<LaunchSeq> = actions
        .iter()
        .filter_map(|a| if let Action::Launch { launch, .. } = a { Some(*launch) } else { None })
        .collect();
    assert_eq!((launches.len(), terminated(&actions)), (1, None));
    let seen = Seen { id: id(99), state: Ec2State::Pending, address: None, state_reason: None };
    desk.after(10, vec![Event::LaunchAnswered { launch: launches[0], outcome: Ok(vec![seen]) }], &dead);
    let comes = MemberSeen { id: id(99), healthy: true, ..desk.members[1].clone() };
    desk.members.push(comes);
    let (ids, decrement) = terminated(&desk.run(120, 50.0, 150.0, &dead)).unwrap();
    assert_eq!((ids, decrement), (vec![id(0)], true));
    let evidence = desk.journalled("remove").unwrap();
    assert!(evidence.contains("dead by two signals: web-asg calls it Unhealthy"), "{evidence}");
    assert!(evidence.contains("connection reset"), "{evidence}");
}

#[test]
fn in_a_full_group_the_dead_one_goes_first_and_its_group_replaces_it() {
    let mut desk = Desk::new(HealthBy::Muster);
    desk.max = 20;
    desk.run(30, 50.0, 150.0, &nobody());
    desk.members[0].healthy = false;
    let dead = BTreeSet::from([id(0)]);
    let actions = desk.run(120, 50.0, 150.0, &dead);
    assert_eq!(terminated(&actions), Some((vec![id(0)], false)));
}

#[test]
fn past_the_valve_nobody_goes_and_there_is_one_alarm() {
    let mut desk = Desk::new(HealthBy::Muster);
    desk.run(30, 50.0, 150.0, &nobody());
    desk.members[..12].iter_mut().for_each(|m| m.healthy = false);
    let dead: BTreeSet<Ec2Id> = (0..12).map(id).collect();
    let actions = desk.run(600, 50.0, 150.0, &dead);
    assert!(actions.is_empty(), "{actions:?}");
    assert_eq!(desk.kinds().iter().filter(|k| *k == "valve_shut").count(), 1);
    assert!(desk.core.view(desk.now).groups[0].valve.is_some());
}

#[test]
fn a_restart_makes_the_call_again_and_is_blind_to_signals() {
    let mut desk = Desk::new(HealthBy::Aws);
    desk.run(900, 20.0, 100.0, &nobody());
    desk.scale_in(4, "a").unwrap();
    let removals: Vec<_> = desk.changes.iter().flat_map(|c| c.removals.clone()).collect();
    let scale_ins: Vec<_> = desk.changes.iter().flat_map(|c| c.scale_ins.clone()).collect();
    assert_eq!((removals.len(), scale_ins.len()), (2, 1));
    let stored = Restored { removals, scale_ins, ..Restored::default() };
    let groups = vec![desk.group.clone()];
    desk.core = Core::restored(Settings::default(), groups, stored, desk.now, 7).unwrap();
    let mut actions = Vec::new();
    for _ in 0..300 {
        actions.extend(desk.after(1_000, vec![], &nobody()));
    }
    let calls = actions.iter().filter(|a| matches!(a, Action::TerminateInGroup { .. })).count();
    assert_eq!(calls, 1, "that of the first step; there is no second while it is blind");
}

#[test]
fn where_aws_replaces_again_its_process_is_resumed_once() {
    let mut desk = Desk::new(HealthBy::Muster);
    desk.run(30, 50.0, 150.0, &nobody());
    let health: Vec<_> = desk.changes.iter().flat_map(|c| c.health.clone()).collect();
    assert_eq!(health.len(), 1);
    let asg = desk.group.asg.clone().map(|a| Asg { health: HealthBy::Aws, ..a });
    let group = Arc::new(Group { asg, ..(*desk.group).clone() });
    let stored = Restored { health, ..Restored::default() };
    desk.core = Core::restored(Settings::default(), vec![group], stored, desk.now, 7).unwrap();
    desk.run(20, 50.0, 150.0, &nobody());
    assert!(matches!(desk.marks.last(), Some(Mark::Resume { .. })), "{:?}", desk.marks);
    desk.marks.clear();
    desk.run(40, 50.0, 150.0, &nobody());
    assert!(desk.marks.is_empty(), "{:?}", desk.marks);
    assert!(desk.changes.iter().flat_map(|c| &c.health).last().unwrap().resumed_at.is_some());
}

impl Desk {
    /// Somebody is on it from now on.
    fn hold(&mut self, id: Ec2Id) -> Event {
        let ask = HoldAsk {
            id: "hold".into(),
            instance: id,
            group: Some("web".into()),
            until: self.now.plus(Duration::from_secs(3_600)),
            owner: "ann".into(),
            reason: "looking at it".into(),
            way: HoldWay::Replacement,
        };
        Event::Ordered { order: Order::Hold(ask), ticket: Ticket(3) }
    }
}

#[test]
fn one_that_is_held_after_its_call_was_throttled_stays() {
    let mut desk = Desk::new(HealthBy::Aws);
    desk.run(900, 20.0, 100.0, &nobody());
    desk.scale_in(1, "a").unwrap();
    let (ids, _) = terminated(&desk.first).unwrap();
    let throttled =
        CallError { class: ErrorClass::Throttle, code: "Throttling".into(), message: String::new() };
    let told = desk.told(&ids, Err(throttled));
    let held = desk.hold(ids[0]);
    desk.after(10, vec![told, held], &nobody());
    let (others, _) = terminated(&desk.run(900, 20.0, 100.0, &nobody())).unwrap();
    assert!(!others.contains(&ids[0]), "somebody else goes instead: {others:?}");
}

#[test]
fn one_that_is_held_is_not_named_again_after_a_restart() {
    let mut desk = Desk::new(HealthBy::Aws);
    desk.run(900, 20.0, 100.0, &nobody());
    desk.scale_in(1, "a").unwrap();
    let (ids, _) = terminated(&desk.first).unwrap();
    let removals: Vec<_> = desk.changes.iter().flat_map(|c| c.removals.clone()).collect();
    let stored = Restored { removals, ..Restored::default() };
    desk.core = Core::restored(Settings::default(), vec![desk.group.clone()], stored, desk.now, 7).unwrap();
    let held = desk.hold(ids[0]);
    desk.after(1, vec![held], &nobody());
    assert_eq!(terminated(&desk.run(300, 20.0, 100.0, &nobody())), None);
}
