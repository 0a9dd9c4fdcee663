//! Broken instances that are kept for people to look at, one decision at a time.

#![allow(clippy::wildcard_enum_match_arm)] // what a test does not look at

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::world::{START, ask, group};
use crate::decide::action::{Accepted, Action, Refusal};
use crate::decide::asg::seen::{GroupSeen, GroupsPage, HookSeen, Lifecycle, MemberSeen};
use crate::decide::event::{Ask, CallError, Contact, Ec2State, Event, Seen, Ticket};
use crate::decide::group::{Asg, Canary, Group, HealthBy, Launches};
use crate::decide::guard::hold::HoldAsk;
use crate::decide::guard::lease::HoldWay;
use crate::decide::hook::notice::{HookNotice, HookResult, Place, Transition};
use crate::decide::mark::{Mark, Marked};
use crate::decide::order::Order;
use crate::decide::quarantine::ReleaseAsk;
use crate::decide::quarantine::words::*;
use crate::decide::rows::{Changes, InstanceRow, JournalRow, Restored, ScaleUpRow};
use crate::decide::words::*;
use crate::decide::{Core, Settings};

const HOUR: u64 = 3_600;

/// A core with one group, and an AWS that does what it is told, a second later.
pub(super) struct Ward {
    pub core: Core,
    pub group: Arc<Group>,
    pub now: Time,
    /// What a probe of each instance meets, where it does not pass.
    pub broken: BTreeMap<Ec2Id, Contact>,
    /// The next ones launched are broken like this.
    pub next: Vec<Contact>,
    /// Those that exist, and the members' states.
    pub live: BTreeMap<Ec2Id, Lifecycle>,
    unhealthy: BTreeSet<Ec2Id>,
    pub desired: u32,
    pub launched: u64,
    has_hook: bool,
    /// For what we launch.
    has_capacity: bool,
    /// What the calls that take members out of the group come to: an error, and whether it was done all the same.
    pub refuses: Option<(CallError, bool)>,
    events: Vec<Event>,
    /// Everything that was done, in order.
    pub done: Vec<Action>,
    pub rows: Rows,
}

/// What is in the database.
#[derive(Default)]
pub(super) struct Rows {
    pub scale_ups: BTreeMap<ScaleUpSeq, ScaleUpRow>,
    pub instances: BTreeMap<InstanceRef, InstanceRow>,
    pub quarantine: BTreeMap<Ec2Id, QuarantineRow>,
    rest: Restored,
    journal: Vec<JournalRow>,
}

impl Rows {
    fn write(&mut self, changes: Changes) {
        self.scale_ups.extend(changes.scale_ups.into_iter().map(|r| (r.seq, r)));
        self.instances.extend(changes.instances.into_iter().map(|r| (r.instance, r)));
        self.quarantine.extend(changes.quarantine.into_iter().map(|r| (r.id, r)));
        for row in changes.hooks {
            self.rest.hooks.retain(|h| h.seq != row.seq);
            self.rest.hooks.push(row);
        }
        for row in changes.launches {
            self.rest.last_launch = self.rest.last_launch.max(row.seq.0);
            self.rest.launches.retain(|l| l.seq != row.seq);
            self.rest.launches.push(row);
        }
        self.rest.launches.retain(|l| l.state == LaunchState::Unsettled);
        self.journal.extend(changes.journal);
    }

    fn stored(&self) -> Restored {
        let done = |seq| self.scale_ups.get(&seq).is_none_or(|s| s.state == ScaleUpState::Done);
        let newest =
            |i: InstanceRef| !self.instances.keys().any(|o| o.slot == i.slot && o.attempt > i.attempt);
        let kept = |row: &&InstanceRow| {
            let holds = matches!(row.phase, Phase::InService | Phase::Broken | Phase::Terminating);
            holds || !done(row.instance.slot.scale_up) && newest(row.instance)
        };
        Restored {
            scale_ups: self.scale_ups.values().filter(|s| s.state != ScaleUpState::Done).cloned().collect(),
            instances: self.instances.values().filter(kept).cloned().collect(),
            quarantine: self
                .quarantine
                .values()
                .filter(|q| q.state != QuarantineState::Done)
                .cloned()
                .collect(),
            last_scale_up: self.scale_ups.keys().last().map_or(0, |s| s.0),
            last_hook: self.rest.hooks.iter().map(|h| h.seq.0).max().unwrap_or(0),
            ..self.rest.clone()
        }
    }
}

fn silent() -> Contact {
    Contact::Hung("no answer".into())
}

fn wrong() -> Contact {
    Contact::Rejected("status 503".into())
}

fn error(class: ErrorClass) -> CallError {
    CallError { class, code: "Test".into(), message: String::new() }
}

fn spec(max: u32, how: Keeping) -> QuarantineSpec {
    QuarantineSpec { max, how, keep_for: Duration::from_secs(4 * HOUR) }
}

impl Ward {
    /// A plain fleet that keeps two.
    pub fn fleet(max: u32) -> Ward {
        Ward::of(Group {
            max,
            canary: Canary { size: 0 },
            quarantine: Some(spec(2, Keeping::Standby)),
            ..group("web")
        })
    }

    /// The same of an Auto Scaling group.
    pub fn grouped(max: u32, how: Keeping, health: HealthBy) -> Ward {
        let asg = Asg {
            name: "web-asg".into(),
            heartbeat: Duration::from_secs(120),
            sweep_every: Duration::from_secs(15),
            health,
            launches: Launches::Instances,
        };
        let group = Ward::fleet(max).group;
        Ward::of(Group { asg: Some(asg), quarantine: Some(spec(2, how)), ..(*group).clone() })
    }

    pub fn of(group: Group) -> Ward {
        let group = Arc::new(group);
        Ward {
            core: Core::new(Settings::default(), vec![group.clone()]),
            group,
            now: START,
            broken: BTreeMap::new(),
            next: Vec::new(),
            live: BTreeMap::new(),
            unhealthy: BTreeSet::new(),
            desired: 0,
            launched: 0,
            has_hook: false,
            has_capacity: true,
            refuses: None,
            events: Vec::new(),
            done: Vec::new(),
            rows: Rows::default(),
        }
    }

    fn ask(&mut self, count: u32) {
        self.ask_for(count, false);
    }

    pub fn ask_for(&mut self, count: u32, emergency: bool) {
        self.ask_at_once(count, emergency);
        self.run(60);
    }

    /// It is asked for in the next second.
    pub fn ask_at_once(&mut self, count: u32, emergency: bool) {
        let ask = Ask {
            id: format!("ask-{}", self.now.0),
            group: "web".into(),
            count,
            by: None,
            all_or_nothing: false,
            emergency,
            reason: String::new(),
            idempotency_key: None,
        };
        self.events.push(Event::ScaleUpAsked { ask, ticket: Ticket(1) });
    }

    pub fn cancel(&mut self, id: &str) {
        let ask = Event::CancelAsked { id: id.into(), reason: "not needed".into(), ticket: Ticket(3) };
        self.events.push(ask);
    }

    pub fn order(&mut self, order: Order) -> Result<Accepted, Refusal> {
        let from = self.done.len();
        self.events.push(Event::Ordered { order, ticket: Ticket(2) });
        self.run(1);
        let answer =
            |a: &Action| if let Action::Answer { answer, .. } = a { Some(answer.clone()) } else { None };
        self.done[from..].iter().find_map(answer).unwrap()
    }

    fn release(&mut self, id: Ec2Id) -> Result<Accepted, Refusal> {
        self.order(Order::EndQuarantine(ReleaseAsk { instance: id, by: "ann".into() }))
    }

    pub fn run(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now = self.now.plus(Duration::from_secs(1));
            let events = std::mem::take(&mut self.events);
            let decision = self.core.decide(self.now, 7, events);
            self.rows.write(decision.changes);
            for action in decision.actions {
                self.perform(&action);
                self.done.push(action);
            }
        }
    }

    /// Another process goes on.
    pub fn restart(&mut self) {
        self.events.clear();
        let (settings, groups) = (Settings::default(), vec![self.group.clone()]);
        self.core = Core::restored(settings, groups, self.rows.stored(), self.now, 7).unwrap();
    }

    fn perform(&mut self, action: &Action) {
        let event = match action.clone() {
            Action::Launch { launch, .. } if !self.has_capacity => {
                Event::LaunchAnswered { launch, outcome: Err(error(ErrorClass::Capacity)) }
            }
            Action::Launch { launch, body } => {
                let seen = (0..body.max_count).map(|_| self.launch()).collect();
                Event::LaunchAnswered { launch, outcome: Ok(seen) }
            }
            Action::Describe { asked } => {
                let seen = |(id, _): &(Ec2Id, InstanceRef)| Seen {
                    id: *id,
                    state: if self.live.contains_key(id) { Ec2State::Running } else { Ec2State::Terminated },
                    address: Some("10.0.0.1".parse().unwrap()),
                    state_reason: None,
                };
                Event::Described { outcome: Ok(asked.iter().map(seen).collect()), asked }
            }
            Action::Terminate { asked } => {
                self.live.retain(|id, _| !asked.iter().any(|(i, _)| i == id));
                let outcome = Ok(asked.iter().map(|(id, _)| (*id, Ec2State::ShuttingDown)).collect());
                Event::Terminated { asked, outcome }
            }
            Action::TerminateInGroup { asg, asked, decrement } => {
                let ended = asked.iter().filter(|(id, _)| self.live.remove(id).is_some()).count();
                self.desired -= if decrement { u32::try_from(ended).unwrap() } else { 0 };
                Event::TerminatedInGroup { asg, asked, outcome: Ok(()) }
            }
            Action::Configure(target) => {
                Event::Configured { instance: target.instance, outcome: Contact::Passed }
            }
            Action::Probe(target) => {
                let outcome = self.broken.get(&target.id).cloned().unwrap_or(Contact::Passed);
                Event::Probed { instance: target.instance, outcome }
            }
            Action::Complete { hook, action, .. } => {
                if let Some(state) = self.live.get_mut(&action.id) {
                    *state = Lifecycle::InService;
                }
                Event::HookAnswered { hook, api: Api::CompleteLifecycleAction, outcome: Ok(()) }
            }
            Action::Heartbeat { hook, .. } => {
                Event::HookAnswered { hook, api: Api::RecordLifecycleActionHeartbeat, outcome: Ok(()) }
            }
            Action::DescribeGroups { asked, .. } => {
                let page = GroupsPage { groups: vec![self.seen()], next: None };
                Event::GroupsDescribed { asked, outcome: Ok(page) }
            }
            Action::DescribeHooks { asg } => {
                let hook = HookSeen {
                    hook: "in".into(),
                    transition: Transition::Launching,
                    heartbeat: Duration::from_secs(120),
                    global: Duration::from_secs(12_000),
                    default_result: HookResult::Abandon,
                };
                Event::HooksDescribed {
                    asg,
                    outcome: Ok(self.has_hook.then_some(hook).into_iter().collect()),
                }
            }
            Action::Mark { mark } => Event::Marked { outcome: self.mark(&mark), mark },
            Action::FindLaunch { launch, .. } => Event::LaunchFound { launch, outcome: Ok(Vec::new()) },
            Action::ReadMetrics { .. }
            | Action::Look { .. }
            | Action::Gateway { .. }
            | Action::Foretell { .. }
            | Action::Answer { .. } => return,
        };
        self.events.push(event);
    }

    fn launch(&mut self) -> Seen {
        self.launched += 1;
        let id: Ec2Id = format!("i-{:017x}", self.launched).parse().unwrap();
        if !self.next.is_empty() {
            self.broken.insert(id, self.next.remove(0));
        }
        self.live.insert(id, if self.has_hook { Lifecycle::PendingWait } else { Lifecycle::InService });
        if self.has_hook {
            let notice = HookNotice {
                asg: "web-asg".into(),
                hook: "in".into(),
                token: format!("{:036}", self.launched),
                transition: Transition::Launching,
                id,
                origin: Some(Place::Ec2),
                destination: Some(Place::Group),
                sent_at: None,
            };
            self.events.push(Event::HookNoticed { notice, ticket: Ticket(9) });
        }
        self.desired += u32::from(self.group.asg.is_some());
        Seen { id, state: Ec2State::Pending, address: None, state_reason: None }
    }

    fn mark(&mut self, mark: &Mark) -> Result<Marked, CallError> {
        let (ids, decrement, to) = match mark {
            Mark::ExitStandby { ids, .. } => {
                if ids.iter().any(|id| self.live.get(id) != Some(&Lifecycle::Standby)) {
                    return Err(error(ErrorClass::Configuration));
                }
                for id in ids {
                    self.live.insert(*id, Lifecycle::InService);
                    self.desired += 1;
                }
                return Ok(Marked::Done);
            }
            Mark::EnterStandby { ids, decrement, .. } => (ids, *decrement, Some(Lifecycle::Standby)),
            Mark::Detach { ids, decrement, .. } => (ids, *decrement, Some(Lifecycle::Detached)),
            Mark::IsTerminationProtected { .. } => return Ok(Marked::TerminationProtection(false)),
            _ => return Ok(Marked::Done),
        };
        let refused = self.refuses.clone();
        if refused.as_ref().is_none_or(|(_, done)| *done) {
            for id in ids {
                // One that is out already changes nothing.
                let was = self.live.insert(*id, to.unwrap());
                self.desired -= u32::from(decrement && was != to);
            }
        }
        refused.map_or(Ok(Marked::Done), |(error, _)| Err(error))
    }

    fn seen(&self) -> GroupSeen {
        let member = |(id, lifecycle): (&Ec2Id, &Lifecycle)| MemberSeen {
            id: *id,
            lifecycle: *lifecycle,
            healthy: !self.unhealthy.contains(id),
            protected: false,
            zone: "a".into(),
        };
        let members = self.live.iter().filter(|(_, l)| **l != Lifecycle::Detached).map(member).collect();
        let (max, desired) = (self.group.max, self.desired);
        GroupSeen { asg: "web-asg".into(), min: 0, max, desired, suspended: vec![], members }
    }

    /// A look shows in the next second what is so now.
    pub fn is_looked_at(&mut self) {
        let page = GroupsPage { groups: vec![self.seen()], next: None };
        self.events.push(Event::GroupsDescribed { asked: vec!["web-asg".into()], outcome: Ok(page) });
    }

    /// Those that are kept now.
    fn kept(&self) -> Vec<QuarantineRow> {
        let mut rows = self.core.view(self.now).quarantine;
        rows.retain(|row| row.state == QuarantineState::Kept);
        rows
    }

    pub fn row(&self, id: Ec2Id) -> QuarantineRow {
        self.rows.quarantine.get(&id).cloned().unwrap()
    }

    pub fn counts(&self) -> (u32, u32) {
        let group = &self.core.view(self.now).groups[0];
        (group.in_service, group.taken)
    }

    /// Marks about quarantine that were sent.
    pub fn marks(&self) -> Vec<Mark> {
        let mark = |a: &Action| if let Action::Mark { mark } = a { Some(mark.clone()) } else { None };
        self.done.iter().filter_map(mark).collect()
    }

    /// Whom terminate calls named: ids, and whether the group was to shrink where it was the group's call.
    pub fn ended(&self) -> Vec<(Ec2Id, Option<bool>)> {
        let named = |a: &Action| match a {
            Action::Terminate { asked } => asked.iter().map(|(id, _)| (*id, None)).collect(),
            Action::TerminateInGroup { asked, decrement, .. } => {
                asked.iter().map(|(id, _)| (*id, Some(*decrement))).collect()
            }
            _ => Vec::new(),
        };
        self.done.iter().flat_map(named).collect()
    }

    pub fn journalled(&self, kind: &str) -> Vec<&str> {
        self.rows.journal.iter().filter(|j| j.kind == kind).map(|j| j.text.as_str()).collect()
    }
}

#[test]
fn a_broken_one_of_a_fleet_is_kept_tagged_and_ended_at_its_end() {
    let mut ward = Ward::fleet(10);
    ward.next = vec![silent()];
    ward.ask(2);
    ward.run(120);
    let [kept] = &ward.kept()[..] else { panic!("{:?}", ward.kept()) };
    assert_eq!((kept.how, kept.broke_in), (Keeping::Apart, Phase::Verifying));
    assert!(kept.tagged_at.is_some() && kept.reason.contains("no answer"), "{kept:?}");
    assert!(ward.marks().iter().any(|m| matches!(m, Mark::Quarantined { id, .. } if *id == kept.id)));
    // Its slot has another, and its place is taken until it is gone.
    assert_eq!((ward.counts(), ward.ended()), ((2, 3), vec![]));
    assert_eq!(ward.rows.instances[&kept.instance.unwrap()].phase, Phase::Quarantined);
    ward.run(4 * HOUR);
    assert_eq!((ward.counts(), ward.ended()), ((2, 2), vec![(kept.id, None)]));
    let row = ward.row(kept.id);
    assert_eq!((row.state, row.end), (QuarantineState::Done, Some(QuarantineEnd::Expired)));
    assert_eq!(ward.rows.instances[&kept.instance.unwrap()].phase, Phase::Gone);
}

#[test]
fn one_of_each_kind_of_failure_is_kept_first_and_no_more_than_the_cap() {
    let mut ward = Ward::fleet(20);
    ward.next = vec![wrong(); 3];
    ward.ask(3);
    ward.run(200);
    // The third of its kind is ended as ever.
    let alike: Vec<Ec2Id> = ward.kept().iter().map(|row| row.id).collect();
    assert_eq!((alike.len(), ward.ended().len()), (2, 1));
    // One that breaks in another way takes the place of the younger of the two.
    let (settings, groups) = (Settings::default(), vec![ward.group.clone()]);
    ward.core = Core::restored(settings, groups, ward.rows.stored(), ward.now, 7).unwrap();
    ward.next = vec![Contact::Passed];
    let ask = ask("boots", "web", 1);
    ward.events.push(Event::ScaleUpAsked { ask, ticket: Ticket(1) });
    ward.run(1);
    let id = ward.launched;
    ward.live.retain(|i, _| *i != format!("i-{id:017x}").parse().unwrap());
    let stopped = |ward: &mut Ward, action: &Action| {
        let Action::Describe { asked } = action else { return false };
        let seen = asked.iter().map(|(id, _)| Seen {
            id: *id,
            state: Ec2State::Stopped,
            address: None,
            state_reason: None,
        });
        ward.events.retain(|e| !matches!(e, Event::Described { .. }));
        ward.events.push(Event::Described { outcome: Ok(seen.collect()), asked: asked.clone() });
        true
    };
    for _ in 0..20 {
        ward.run(1);
        let last = ward.done.last().cloned();
        if last.is_some_and(|a| stopped(&mut ward, &a)) {
            break;
        }
    }
    ward.run(30);
    let kinds: Vec<Phase> = ward.kept().iter().map(|row| row.broke_in).collect();
    assert_eq!(kinds, [Phase::Verifying, Phase::Booting]);
    assert_eq!(ward.row(alike[1]).end, Some(QuarantineEnd::Variety));
}

#[test]
fn nobody_is_kept_where_the_places_are_wanted_and_who_is_kept_gives_his_back() {
    let mut full = Ward::fleet(2);
    full.next = vec![silent()];
    full.ask(2);
    full.run(200);
    assert_eq!((full.kept().len(), full.ended().len(), full.counts()), (0, 1, (2, 2)));

    let mut ward = Ward::fleet(4);
    ward.next = vec![silent()];
    ward.ask(2);
    ward.run(120);
    let [kept] = &ward.kept()[..] else { panic!("{:?}", ward.kept()) };
    ward.ask(1);
    assert_eq!((ward.kept().len(), ward.counts()), (1, (3, 4)), "there is a place for it");
    ward.ask(1);
    assert_eq!((ward.kept().len(), ward.counts()), (0, (4, 4)), "and none is left for who is kept");
    assert_eq!((ward.ended(), ward.row(kept.id).end), (vec![(kept.id, None)], Some(QuarantineEnd::Capacity)));
}

#[test]
fn a_member_in_service_at_aws_goes_into_standby_and_leaves_through_its_group() {
    let mut ward = Ward::grouped(10, Keeping::Standby, HealthBy::Aws);
    ward.next = vec![silent()];
    ward.run(20);
    ward.ask(2);
    ward.run(120);
    let [kept] = &ward.kept()[..] else { panic!("{:?}", ward.kept()) };
    let standby = Mark::EnterStandby { asg: "web-asg".into(), ids: vec![kept.id], decrement: true };
    assert_eq!(ward.marks().iter().filter(|m| **m == standby).count(), 1);
    assert_eq!((ward.counts(), ward.desired), ((2, 3), 2));
    assert_eq!(ward.release(kept.id).map(|a| a.repeated), Ok(false));
    ward.run(60);
    // What standby has lowered is not lowered again. Then EC2 is asked whether it is really gone.
    assert_eq!(ward.ended(), [(kept.id, Some(false)), (kept.id, None)]);
    assert_eq!((ward.counts(), ward.desired, ward.row(kept.id).ended_by), ((2, 2), 2, Some("ann".into())));
    assert_eq!(ward.release(kept.id), Err(Refusal::NotInQuarantine { id: kept.id }));
}

#[test]
fn one_that_its_group_does_not_let_go_is_ended_as_ever() {
    let mut ward = Ward::grouped(10, Keeping::Standby, HealthBy::Aws);
    ward.refuses = Some((error(ErrorClass::Size), false));
    ward.next = vec![silent()];
    ward.run(20);
    ward.ask(2);
    ward.run(200);
    let id: Ec2Id = "i-00000000000000001".parse().unwrap();
    assert_eq!((ward.row(id).end, ward.kept().len()), (Some(QuarantineEnd::Refused), 0));
    assert_eq!((ward.ended(), ward.counts()), (vec![(id, Some(true))], (2, 2)));
    assert_eq!(ward.journalled("quarantine_refused").len(), 1);
}

#[test]
fn a_detachment_whose_answer_is_lost_is_seen_and_ends_by_ec2() {
    let mut ward = Ward::grouped(10, Keeping::Detach, HealthBy::Aws);
    ward.refuses = Some((error(ErrorClass::Unknown), true));
    ward.next = vec![silent()];
    ward.run(20);
    ward.ask(2);
    ward.run(120);
    let [kept] = &ward.kept()[..] else { panic!("{:?}", ward.kept()) };
    assert_eq!((ward.live[&kept.id], ward.counts()), (Lifecycle::Detached, (2, 3)));
    ward.run(4 * HOUR);
    assert_eq!((ward.ended(), ward.counts()), (vec![(kept.id, None)], (2, 2)));
}

#[test]
fn one_that_waits_in_its_lifecycle_action_goes_on_waiting_until_shortly_before_its_end() {
    let mut ward = Ward::grouped(10, Keeping::Standby, HealthBy::Aws);
    ward.has_hook = true;
    ward.next = vec![silent()];
    ward.run(20);
    ward.ask(2);
    ward.run(120);
    let [kept] = &ward.kept()[..] else { panic!("{:?}", ward.kept()) };
    assert_eq!((kept.how, ward.live[&kept.id]), (Keeping::Hook, Lifecycle::PendingWait));
    // Another was launched for its slot: its group goes on counting on this one.
    assert_eq!((ward.counts(), ward.desired), ((2, 3), 3));
    let beats = |ward: &Ward| ward.done.iter().filter(|a| matches!(a, Action::Heartbeat { .. })).count();
    let before = beats(&ward);
    ward.run(HOUR);
    assert!(beats(&ward) > before + 25, "{} heartbeats", beats(&ward) - before);
    assert!(ward.ended().is_empty() && ward.live[&kept.id] == Lifecycle::PendingWait);
    // The action's own end is at 12,000 s.
    ward.run(12_000 - HOUR);
    assert_eq!(ward.ended().first(), Some(&(kept.id, Some(true))));
    assert_eq!((ward.counts(), ward.desired), ((2, 2), 2));
}

#[test]
fn one_that_its_group_launched_for_others_is_replaced_by_us_while_it_waits() {
    let mut ward = Ward::grouped(10, Keeping::Standby, HealthBy::Aws);
    ward.has_hook = true;
    ward.next = vec![silent()];
    ward.run(20);
    // An alarm raised its desired capacity by two.
    let broken = ward.launch().id;
    ward.launch();
    ward.run(200);
    let kept: Vec<_> = ward.kept().iter().map(|row| (row.id, row.how)).collect();
    assert_eq!(kept, [(broken, Keeping::Hook)]);
    assert_eq!((ward.counts(), ward.desired), ((2, 3), 3));
    let replaces = |s: &&ScaleUpRow| s.origin == Origin::Replacing;
    let replacing: Vec<_> = ward.rows.scale_ups.values().filter(replaces).collect();
    assert_eq!((replacing.len(), replacing[0].in_service), (1, 1));
    ward.release(broken).unwrap();
    ward.run(60);
    assert_eq!((ward.ended().first(), ward.desired), (Some(&(broken, Some(true))), 2));
}

/// Seed 8927 of the swarm over groups: the lifecycle action of one in quarantine timed out, and its group launched
/// another in its place, beside the one that we wanted for it.
#[test]
fn seed_8927_one_that_its_group_ends_in_quarantine_is_replaced_once() {
    let mut ward = Ward::grouped(10, Keeping::Standby, HealthBy::Aws);
    ward.has_hook = true;
    ward.has_capacity = false;
    ward.next = vec![silent()];
    ward.run(20);
    // An alarm raised its desired capacity by two.
    let broken = ward.launch().id;
    ward.launch();
    ward.run(200);
    assert_eq!(ward.kept().iter().map(|row| row.id).collect::<Vec<_>>(), [broken]);
    ward.live.remove(&broken);
    ward.run(60);
    assert_eq!(ward.row(broken).end, Some(QuarantineEnd::Taken));
    // What the group launches by itself, its desired capacity counts already.
    ward.launch();
    ward.desired -= 1;
    ward.has_capacity = true;
    ward.run(HOUR);
    assert_eq!((ward.counts(), ward.desired), ((2, 2), 2));
}

#[test]
fn a_dead_one_is_kept_instead_of_being_ended_when_its_replacement_serves() {
    let mut ward = Ward::grouped(10, Keeping::Standby, HealthBy::Muster);
    ward.run(20);
    ward.ask(4);
    ward.run(60);
    let id: Ec2Id = "i-00000000000000001".parse().unwrap();
    ward.broken.insert(id, silent());
    ward.unhealthy.insert(id);
    ward.run(300);
    let [kept] = &ward.kept()[..] else { panic!("{:?} {:?}", ward.kept(), ward.ended()) };
    assert_eq!((kept.id, kept.broke_in, kept.how), (id, Phase::InService, Keeping::Standby));
    assert!(kept.reason.contains("dead by two signals"), "{}", kept.reason);
    assert_eq!((ward.ended(), ward.counts()), (vec![], (4, 5)));
    ward.run(4 * HOUR);
    assert_eq!((ward.ended().first(), ward.counts()), (Some(&(id, Some(false))), (4, 4)));
}

#[test]
fn one_that_is_held_stays_beyond_its_end() {
    let mut ward = Ward::fleet(10);
    ward.next = vec![silent()];
    ward.ask(2);
    ward.run(120);
    let id = ward.kept()[0].id;
    let hold = HoldAsk {
        id: "h".into(),
        instance: id,
        group: None,
        until: ward.now.plus(Duration::from_secs(6 * HOUR)),
        owner: "ann".into(),
        reason: "heap".into(),
        way: HoldWay::Replacement,
    };
    ward.order(Order::Hold(hold)).unwrap();
    assert_eq!(ward.release(id), Err(Refusal::IsHeld { id }));
    ward.run(5 * HOUR);
    assert_eq!((ward.ended(), ward.kept().len()), (vec![], 1));
    ward.run(HOUR + 60);
    assert_eq!(ward.ended(), [(id, None)]);
}

#[test]
fn a_restart_goes_on_where_it_was() {
    for how in [Keeping::Standby, Keeping::Detach] {
        let mut ward = Ward::grouped(10, how, HealthBy::Aws);
        // Asked for, and not answered yet.
        ward.refuses = Some((error(ErrorClass::Throttle), false));
        ward.next = vec![silent()];
        ward.run(20);
        ward.ask(2);
        ward.run(120);
        let id: Ec2Id = "i-00000000000000001".parse().unwrap();
        assert_eq!(ward.row(id).state, QuarantineState::Asked);
        ward.restart();
        ward.refuses = None;
        ward.run(60);
        assert_eq!((ward.row(id).state, ward.counts()), (QuarantineState::Kept, (2, 3)), "{how}");
        ward.restart();
        assert_eq!((ward.kept().len(), ward.counts().0), (1, 2));
        ward.run(60);
        ward.release(id).unwrap();
        ward.restart();
        ward.run(60);
        assert_eq!((ward.row(id).state, ward.counts()), (QuarantineState::Done, (2, 2)), "{how}");
        assert_eq!(ward.ended().last(), Some(&(id, None)));
    }
}

#[test]
fn one_that_somebody_puts_back_into_service_is_left_alone() {
    let mut ward = Ward::grouped(10, Keeping::Standby, HealthBy::Aws);
    ward.next = vec![silent()];
    ward.run(20);
    ward.ask(2);
    ward.run(120);
    let id = ward.kept()[0].id;
    ward.live.insert(id, Lifecycle::InService);
    ward.desired += 1;
    ward.run(60);
    assert_eq!((ward.row(id).end, ward.counts()), (Some(QuarantineEnd::Returned), (3, 3)));
    ward.run(5 * HOUR);
    assert_eq!(ward.ended(), []);
}
