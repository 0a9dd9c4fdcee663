//! Lifecycle actions, one decision at a time.

#![allow(clippy::wildcard_enum_match_arm)] // what a test does not look at

use std::sync::Arc;
use std::time::Duration;

use super::world::{START, ask, group};
use crate::decide::action::{Accepted, Action, Refusal};
use crate::decide::asg::seen::{GroupSeen, GroupsPage, HookSeen, Lifecycle, MemberSeen};
use crate::decide::event::{CallError, Contact, Ec2State, Event, Seen, Ticket};
use crate::decide::group::{Asg, Canary, Group, HealthBy, Launches};
use crate::decide::hook::notice::*;
use crate::decide::rows::{Changes, HookRow, Restored};
use crate::decide::words::*;
use crate::decide::{Core, Settings};

pub const ID: &str = "i-0aaaaaaaaaaaaaaa1";
pub const HEARTBEAT: Duration = Duration::from_secs(120);

/// The core, and what it said.
pub struct Desk {
    pub core: Core,
    pub now: Time,
    pub changes: Vec<Changes>,
}

pub fn asg() -> Group {
    let asg = Asg {
        name: "web-asg".into(),
        heartbeat: HEARTBEAT,
        sweep_every: Duration::from_secs(15),
        health: HealthBy::Aws,
        launches: Launches::Instances,
    };
    Group { asg: Some(asg), max: 10, canary: Canary { size: 0 }, ..group("web") }
}

pub fn notice(n: u32) -> HookNotice {
    HookNotice {
        asg: "web-asg".into(),
        hook: "in".into(),
        token: format!("{n:036}"),
        transition: Transition::Launching,
        id: ID.parse().unwrap(),
        origin: Some(Place::Ec2),
        destination: Some(Place::Group),
        sent_at: None,
    }
}

pub fn error(class: ErrorClass) -> CallError {
    CallError { class, code: "Test".into(), message: String::new() }
}

pub fn seen(state: Ec2State) -> Seen {
    Seen { id: ID.parse().unwrap(), state, address: Some("10.0.0.1".parse().unwrap()), state_reason: None }
}

impl Desk {
    pub fn new() -> Desk {
        Desk { core: Core::new(Settings::default(), vec![Arc::new(asg())]), now: START, changes: Vec::new() }
    }

    /// Decides after so long; what is to be done.
    pub fn after(&mut self, ms: u64, events: Vec<Event>) -> Vec<Action> {
        self.now = self.now.plus(Duration::from_millis(ms));
        let decision = self.core.decide(self.now, 7, events);
        self.changes.push(decision.changes);
        decision.actions
    }

    pub fn told(&mut self, notice: HookNotice) -> Result<Accepted, Refusal> {
        let actions = self.after(1, vec![Event::HookNoticed { notice, ticket: Ticket(1) }]);
        let answers = actions
            .into_iter()
            .filter_map(|a| if let Action::Answer { answer, .. } = a { Some(answer) } else { None });
        answers.last().unwrap()
    }

    /// The instance goes all the way to being verified.
    pub fn verify(&mut self) -> Vec<Action> {
        let at = |a: &Action| if let Action::Describe { asked } = a { Some(asked.clone()) } else { None };
        let asked = (0..10).find_map(|_| self.after(1_000, vec![]).iter().find_map(at)).unwrap();
        let instance = asked[0].1;
        self.after(10, vec![Event::Described { asked, outcome: Ok(vec![seen(Ec2State::Running)]) }]);
        self.after(10, vec![Event::Configured { instance, outcome: Contact::Passed }]);
        self.after(10, vec![Event::Probed { instance, outcome: Contact::Passed }]);
        self.after(3_100, vec![]);
        self.after(10, vec![Event::Probed { instance, outcome: Contact::Passed }])
    }

    /// Decides every second until something of this kind is to be done; after how long.
    pub fn until<T>(
        &mut self,
        most_s: u64,
        mut pick: impl FnMut(&Action) -> Option<T>,
    ) -> Option<(Duration, T)> {
        let from = self.now;
        (0..most_s).find_map(|_| {
            let actions = self.after(1_000, vec![]);
            let found = actions.iter().find_map(&mut pick)?;
            Some((self.now.since(from), found))
        })
    }

    pub fn rows(&self) -> Vec<HookRow> {
        self.changes.iter().flat_map(|c| c.hooks.clone()).collect()
    }

    pub fn phases(&self) -> Vec<Phase> {
        self.changes.iter().flat_map(|c| c.instances.iter().map(|r| r.phase)).collect()
    }
}

pub fn completion(a: &Action) -> Option<(HookSeq, Arc<HookAction>, HookResult)> {
    if let Action::Complete { hook, action, result } = a {
        Some((*hook, action.clone(), *result))
    } else {
        None
    }
}

pub fn heartbeat(a: &Action) -> Option<HookSeq> {
    if let Action::Heartbeat { hook, .. } = a { Some(*hook) } else { None }
}

pub fn members(lifecycle: Lifecycle) -> Event {
    let member =
        MemberSeen { id: ID.parse().unwrap(), lifecycle, healthy: true, protected: false, zone: "a".into() };
    let seen = GroupSeen {
        asg: "web-asg".into(),
        min: 0,
        max: 10,
        desired: 1,
        suspended: vec![],
        members: vec![member],
    };
    let page = GroupsPage { groups: vec![seen], next: None };
    Event::GroupsDescribed { asked: vec!["web-asg".into()], outcome: Ok(page) }
}

pub fn hooks() -> Event {
    let hook = HookSeen {
        hook: "in".into(),
        transition: Transition::Launching,
        heartbeat: HEARTBEAT,
        global: HEARTBEAT * 3,
        default_result: HookResult::Abandon,
    };
    Event::HooksDescribed { asg: "web-asg".into(), outcome: Ok(vec![hook]) }
}

#[test]
fn an_action_that_is_told_five_times_is_one_and_is_answered_once() {
    let mut desk = Desk::new();
    assert_eq!(desk.told(notice(1)).map(|a| a.repeated), Ok(false));
    for _ in 0..3 {
        assert_eq!(desk.told(notice(1)).map(|a| a.repeated), Ok(true));
    }
    let actions = desk.verify();
    let (hook, action, result) = actions.iter().find_map(completion).unwrap();
    assert_eq!((result, action.token.as_deref()), (HookResult::Continue, Some(notice(1).token.as_str())));
    let api = Api::CompleteLifecycleAction;
    desk.after(10, vec![Event::HookAnswered { hook, api, outcome: Ok(()) }]);
    assert_eq!(desk.phases().last(), Some(&Phase::InService));
    // Delivered once more, long after.
    assert_eq!(desk.told(notice(1)).map(|a| a.repeated), Ok(true));
    assert_eq!(desk.until(300, completion), None);
    assert_eq!(desk.rows().last().map(|r| (r.state, r.completions)), Some((HookState::Answered, 1)));
}

#[test]
fn the_answer_is_committed_with_the_decision_that_sends_it() {
    let mut desk = Desk::new();
    desk.told(notice(1)).unwrap();
    let actions = desk.verify();
    assert!(actions.iter().any(|a| completion(a).is_some()));
    let row = desk.changes.last().unwrap().hooks.last().cloned().unwrap();
    assert_eq!((row.result, row.completions), (Some(HookResult::Continue), 1));
}

#[test]
fn a_notification_of_a_group_that_is_not_ours_is_refused_by_name() {
    let refused = Desk::new().told(HookNotice { asg: "theirs".into(), ..notice(1) });
    assert_eq!(refused, Err(Refusal::UnknownAsg { asg: "theirs".into(), known: "web-asg".into() }));
}

#[test]
fn heartbeats_go_out_before_each_deadline_and_the_action_is_abandoned_before_its_own_end() {
    let mut desk = Desk::new();
    desk.after(0, vec![hooks()]);
    desk.told(notice(1)).unwrap();
    let api = Api::RecordLifecycleActionHeartbeat;
    for _ in 0..3 {
        let (after, hook) = desk.until(120, heartbeat).unwrap();
        assert!(after >= Duration::from_secs(90) && after < HEARTBEAT, "{after:?}");
        desk.after(10, vec![Event::HookAnswered { hook, api, outcome: Ok(()) }]);
    }
    // Three heartbeats' time is all it has: it is given up ten seconds before that.
    let (_, (_, _, result)) = desk.until(200, completion).unwrap();
    assert_eq!(result, HookResult::Abandon);
    let row = desk.rows().last().cloned().unwrap();
    assert!(desk.now < row.ends_at && row.ends_at.since(desk.now) <= Duration::from_secs(12));
    assert!(desk.phases().contains(&Phase::Broken));
}

#[test]
fn heartbeats_go_on_after_errors() {
    let mut desk = Desk::new();
    desk.told(notice(1)).unwrap();
    let (_, hook) = desk.until(120, heartbeat).unwrap();
    let api = Api::RecordLifecycleActionHeartbeat;
    for class in [ErrorClass::Unknown, ErrorClass::Throttle, ErrorClass::Contention] {
        let actions = desk.after(10, vec![Event::HookAnswered { hook, api, outcome: Err(error(class)) }]);
        if actions.iter().any(|a| heartbeat(a).is_some()) {
            continue;
        }
        let (after, _) = desk.until(20, heartbeat).unwrap_or_else(|| panic!("none after {class}"));
        assert!(after < Duration::from_secs(5), "{class}: {after:?}");
    }
}

#[test]
fn a_lost_notification_is_found_by_looking_and_its_token_is_learned_when_it_comes_late() {
    let mut desk = Desk::new();
    desk.after(0, vec![hooks(), members(Lifecycle::PendingWait)]);
    let found = desk.rows().last().cloned().unwrap();
    assert_eq!((found.token.as_deref(), found.hook.as_str()), (None, "in"));
    assert_eq!(desk.told(notice(9)).map(|a| a.repeated), Ok(true));
    let actions = desk.verify();
    let (_, action, _) = actions.iter().find_map(completion).unwrap();
    assert_eq!(action.token, Some(notice(9).token));
    assert!(desk.rows().iter().all(|r| r.seq == found.seq), "one action, however it became known");
}

/// The group had no hook when its hooks were described, which is done every ten minutes; then it is given one, and
/// of who waits for it nobody tells. Once nobody looked for them, and a fifth of 1,200 timed out.
#[test]
fn a_hook_that_a_group_is_given_later_is_known_by_the_first_who_waits_for_it() {
    let mut desk = Desk::new();
    let none = || Event::HooksDescribed { asg: "web-asg".into(), outcome: Ok(vec![]) };
    let asked = |actions: &[Action]| actions.iter().any(|a| matches!(a, Action::DescribeHooks { .. }));
    desk.after(0, vec![none(), members(Lifecycle::Pending)]);
    assert!(!asked(&desk.after(1_000, vec![members(Lifecycle::Pending)])), "nobody waits for any");
    assert!(asked(&desk.after(1_000, vec![members(Lifecycle::PendingWait)])), "somebody does");
    assert!(!asked(&desk.after(1_000, vec![none(), members(Lifecycle::PendingWait)])), "once in a beat");
    assert!(asked(&desk.after(15_000, vec![members(Lifecycle::PendingWait)])));
    desk.after(1_000, vec![hooks()]);
    assert!(desk.rows().is_empty());
    assert!(!asked(&desk.after(15_000, vec![members(Lifecycle::PendingWait)])), "it is known");
    assert_eq!(desk.rows().last().map(|r| r.hook.as_str()), Some("in"), "whoever waits is found");
}

#[test]
fn a_hook_that_is_not_known_is_learned_from_a_notification() {
    let mut desk = Desk::new();
    desk.after(0, vec![Event::HooksDescribed { asg: "web-asg".into(), outcome: Ok(vec![]) }]);
    let told = |n| vec![Event::HookNoticed { notice: notice(n), ticket: Ticket(u64::from(n)) }];
    let asked = |actions: &[Action]| actions.iter().any(|a| matches!(a, Action::DescribeHooks { .. }));
    assert!(asked(&desk.after(1_000, told(1))));
    desk.after(100, vec![hooks()]);
    assert!(!asked(&desk.after(60_000, told(2))), "it is known");
}

#[test]
fn what_became_of_an_answer_that_was_lost_the_group_says() {
    let mut desk = Desk::new();
    desk.after(0, vec![hooks()]);
    desk.told(notice(1)).unwrap();
    let hook = desk.verify().iter().find_map(completion).unwrap().0;
    let api = Api::CompleteLifecycleAction;
    desk.after(10, vec![Event::HookAnswered { hook, api, outcome: Err(error(ErrorClass::Unknown)) }]);
    let again = desk.until(10, completion).unwrap().1.0;
    assert_eq!(again, hook, "the same answer goes out again");
    desk.after(10, vec![Event::HookAnswered { hook, api, outcome: Err(error(ErrorClass::NoAction)) }]);
    assert_eq!(desk.rows().last().map(|r| r.state), Some(HookState::Over));
    assert!(!desk.phases().contains(&Phase::InService));
    desk.after(10, vec![members(Lifecycle::InService)]);
    assert_eq!(desk.phases().last(), Some(&Phase::InService));
}

#[test]
fn a_broken_instance_leaves_by_a_call_of_its_groups_which_replaces_it() {
    let mut desk = Desk::new();
    desk.told(notice(1)).unwrap();
    let asked = desk
        .until(10, |a| if let Action::Describe { asked } = a { Some(asked.clone()) } else { None })
        .unwrap()
        .1;
    let stopped = Event::Described { asked, outcome: Ok(vec![seen(Ec2State::Stopped)]) };
    let asked = ends_in_group(&desk.after(10, vec![stopped])).unwrap();
    let phases = desk.phases();
    assert_eq!(phases.last(), Some(&Phase::Terminating), "{phases:?}");
    assert!(phases.contains(&Phase::Broken));
    desk.after(10, vec![Event::TerminatedInGroup { asg: "web-asg".into(), asked, outcome: Ok(()) }]);
    let over = desk.rows().last().cloned().unwrap();
    assert_eq!((over.state, over.result, over.heartbeats), (HookState::Over, None, 0));
    let asked = desk
        .until(20, |a| if let Action::Describe { asked } = a { Some(asked.clone()) } else { None })
        .unwrap()
        .1;
    desk.after(10, vec![Event::Described { asked, outcome: Ok(vec![seen(Ec2State::ShuttingDown)]) }]);
    let last = desk.changes.last().unwrap().instances.last().cloned().unwrap();
    assert_eq!(last.phase, Phase::Withdrawn);
    assert_eq!(last.reason.as_deref(), Some("its Auto Scaling group replaces it"));
}

/// Somebody told of an instance that EC2 does not know, and never will; its group answers `refusal` when it is
/// to be ended. It is waited for as long as a boot may take, its action kept alive, and then given up; its action as
/// it was written down last.
fn never_shown(refusal: ErrorClass) -> HookRow {
    let mut desk = Desk::new();
    desk.told(notice(1)).unwrap();
    let from = desk.now;
    let (mut heartbeats, mut given_up, mut events) = (0, None, Vec::new());
    for _ in 0..2_000 {
        for action in desk.after(1_000, std::mem::take(&mut events)) {
            match action {
                Action::Describe { asked } => {
                    events.push(Event::Described { asked, outcome: Ok(vec![]) });
                }
                Action::Heartbeat { hook, .. } => {
                    heartbeats += 1;
                    let api = Api::RecordLifecycleActionHeartbeat;
                    events.push(Event::HookAnswered { hook, api, outcome: Ok(()) });
                }
                Action::Complete { hook, result, .. } => {
                    assert_eq!((result, given_up.is_some()), (HookResult::Abandon, true));
                    let (api, outcome) = (Api::CompleteLifecycleAction, Err(error(ErrorClass::NoAction)));
                    events.push(Event::HookAnswered { hook, api, outcome });
                }
                Action::TerminateInGroup { asg, asked, .. } => {
                    given_up.get_or_insert(desk.now.since(from));
                    let message = format!("No managed instance found for instance ID: {ID}");
                    let outcome = Err(CallError { message, ..error(refusal) });
                    events.push(Event::TerminatedInGroup { asg, asked, outcome });
                }
                Action::Launch { .. }
                | Action::FindLaunch { .. }
                | Action::Terminate { .. }
                | Action::Configure(_)
                | Action::Probe(_)
                | Action::DescribeGroups { .. }
                | Action::DescribeHooks { .. }
                | Action::Mark { .. }
                | Action::ReadMetrics { .. }
                | Action::Look { .. }
                | Action::Gateway { .. }
                | Action::Foretell { .. }
                | Action::Answer { .. } => {}
            }
        }
    }
    let watchdog = asg().watchdogs.boot;
    let given_up = given_up.unwrap();
    assert!(given_up >= watchdog && given_up < watchdog + watchdog / 4, "{given_up:?}");
    assert!(heartbeats >= watchdog.as_secs() / HEARTBEAT.as_secs(), "{heartbeats}");
    let said = desk.changes.iter().flat_map(|c| &c.journal).find(|l| l.text.contains("EC2 does not show it"));
    assert!(said.is_some(), "journalled");
    let view = desk.core.view(desk.now);
    assert_eq!((view.never_shown, view.groups[0].taken), (1, 0), "its place is free again");
    desk.rows().pop().unwrap()
}

#[test]
fn an_instance_that_nobody_knows_is_parked_for_a_while_and_then_given_up() {
    assert_eq!(never_shown(ErrorClass::NotFound).state, HookState::Over);
}

/// The configuration names a group that is not there. All groups share one bucket: this one must not use it up
/// by asking for itself twice a second.
#[test]
fn a_group_that_does_not_exist_is_asked_about_on_the_beat_only() {
    const MINUTES: usize = 10;
    let mut desk = Desk::new();
    let missing = || CallError {
        message: "AutoScalingGroup name not found - AutoScalingGroup web-asg not found".into(),
        ..error(ErrorClass::NotFound)
    };
    let (mut calls, mut ends) = (0, 0);
    let mut events = vec![Event::HookNoticed { notice: notice(1), ticket: Ticket(1) }];
    for _ in 0..MINUTES * 60 {
        for action in desk.after(1_000, std::mem::take(&mut events)) {
            match action {
                Action::Describe { asked } => events.push(Event::Described { asked, outcome: Ok(vec![]) }),
                Action::Heartbeat { hook, .. } => {
                    let api = Api::RecordLifecycleActionHeartbeat;
                    events.push(Event::HookAnswered { hook, api, outcome: Ok(()) });
                }
                Action::DescribeHooks { asg } => {
                    calls += 1;
                    events.push(Event::HooksDescribed { asg, outcome: Err(missing()) });
                }
                Action::DescribeGroups { asked, .. } => {
                    calls += 1;
                    events.push(Event::GroupsDescribed { asked, outcome: Ok(GroupsPage::default()) });
                }
                Action::TerminateInGroup { asg, asked, .. } => {
                    ends += 1;
                    events.push(Event::TerminatedInGroup { asg, asked, outcome: Err(missing()) });
                }
                _ => {}
            }
        }
    }
    // Every 15 s: the group, its hooks, and whom it is to end; looks that somebody waits for come besides.
    assert!((MINUTES * 4..=MINUTES * 16).contains(&calls), "{calls} looks");
    assert!((1..=MINUTES * 4).contains(&ends), "{ends} ends");
}

/// The call that ends broken instances in the group, without shrinking it.
fn ends_in_group(actions: &[Action]) -> Option<Vec<(Ec2Id, InstanceRef)>> {
    actions.iter().find_map(|a| {
        if let Action::TerminateInGroup { asked, decrement: false, .. } = a {
            Some(asked.clone())
        } else {
            None
        }
    })
}

#[test]
fn one_that_its_group_says_is_still_being_launched_is_abandoned() {
    let mut desk = Desk::new();
    desk.told(notice(1)).unwrap();
    let describe = |a: &Action| if let Action::Describe { asked } = a { Some(asked.clone()) } else { None };
    let asked = desk.until(10, describe).unwrap().1;
    let stopped = Event::Described { asked, outcome: Ok(vec![seen(Ec2State::Stopped)]) };
    let asked = ends_in_group(&desk.after(10, vec![stopped])).unwrap();
    let outcome = Err(error(ErrorClass::Contention));
    let actions = desk.after(10, vec![Event::TerminatedInGroup { asg: "web-asg".into(), asked, outcome }]);
    assert_eq!(actions.iter().find_map(completion).map(|c| c.2), Some(HookResult::Abandon));
}

/// Its group knows it, and EC2 does not.
#[test]
fn one_that_never_becomes_visible_and_that_its_group_says_is_being_launched_is_abandoned() {
    let last = never_shown(ErrorClass::Contention);
    assert_eq!(last.result, Some(HookResult::Abandon));
    assert_ne!(last.state, HookState::Open);
}

#[test]
fn a_terminating_action_is_answered_at_once() {
    let mut desk = Desk::new();
    let leaving = HookNotice { transition: Transition::Terminating, hook: "out".into(), ..notice(2) };
    let actions = desk.after(1, vec![Event::HookNoticed { notice: leaving, ticket: Ticket(1) }]);
    assert_eq!(actions.iter().find_map(completion).map(|c| c.2), Some(HookResult::Continue));
    assert!(desk.phases().is_empty(), "nobody's instance gets no place in the books");
}

#[test]
fn an_instance_on_its_way_into_a_warm_pool_is_not_in_service_when_it_is_verified() {
    let mut desk = Desk::new();
    desk.told(HookNotice { destination: Some(Place::WarmPool), ..notice(3) }).unwrap();
    let hook = desk.verify().iter().find_map(completion).unwrap().0;
    desk.after(10, vec![Event::HookAnswered { hook, api: Api::CompleteLifecycleAction, outcome: Ok(()) }]);
    assert!(!desk.phases().contains(&Phase::InService));
    let reason = desk.changes.last().unwrap().instances.last().and_then(|r| r.reason.clone());
    assert_eq!(reason.as_deref(), Some("verified, and put into its group's warm pool"));
}

#[test]
fn nothing_is_launched_into_a_group_that_was_not_seen_and_no_more_than_it_has_places_for() {
    let mut desk = Desk::new();
    let ask = ask("a", "web", 9);
    let launch = |a: &Action| {
        if let Action::Launch { body, .. } = a { Some((body.asg.clone(), body.max_count)) } else { None }
    };
    let actions = desk.after(1, vec![Event::ScaleUpAsked { ask, ticket: Ticket(1) }]);
    assert_eq!(actions.iter().find_map(launch), None);
    // Two live in it that nobody told us of.
    let Event::GroupsDescribed { asked, outcome: Ok(mut page) } = members(Lifecycle::InService) else {
        unreachable!("as built")
    };
    let mut other = page.groups[0].members[0].clone();
    other.id = "i-0aaaaaaaaaaaaaaa2".parse().unwrap();
    page.groups[0].members.push(other);
    let actions = desk.after(10, vec![Event::GroupsDescribed { asked, outcome: Ok(page) }]);
    assert_eq!(actions.iter().find_map(launch), Some((Some("web-asg".into()), 8)));
}

#[test]
fn a_restart_goes_on_with_open_actions_and_remembers_the_others() {
    let mut desk = Desk::new();
    desk.told(notice(1)).unwrap();
    let stored = Restored {
        hooks: desk.rows(),
        scale_ups: desk.changes.iter().flat_map(|c| c.scale_ups.clone()).collect(),
        instances: desk.changes.iter().flat_map(|c| c.instances.clone()).collect(),
        holds: Vec::new(),
        freezes: Vec::new(),
        keeps: Vec::new(),
        last_scale_up: 1,
        last_hook: 1,
        ..Restored::default()
    };
    let groups = vec![Arc::new(asg())];
    let core = Core::restored(Settings::default(), groups, stored, desk.now, 3).unwrap();
    let mut desk = Desk { core, ..desk };
    assert_eq!(desk.told(notice(1)).map(|a| a.repeated), Ok(true));
    assert!(desk.until(120, heartbeat).is_some());
}
