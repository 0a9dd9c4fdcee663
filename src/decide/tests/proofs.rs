//! Those that wait long for their answer, and those that cannot be met.

use std::time::Duration;

use super::hooks::*;
use crate::decide::action::Action;
use crate::decide::asg::seen::HookSeen;
use crate::decide::event::{Contact, Ec2State, Event, Seen, Ticket};
use crate::decide::hook::notice::*;
use crate::decide::words::*;

fn probe(a: &Action) -> Option<InstanceRef> {
    if let Action::Probe(target) = a { Some(target.instance) } else { None }
}

/// An instance that is verified, and whose answer is throttled for so long.
fn throttled_for(desk: &mut Desk, s: u64) -> HookSeq {
    desk.told(notice(1)).unwrap();
    let hook = desk.verify().iter().find_map(completion).unwrap().0;
    let from = desk.now;
    let mut out = true;
    while desk.now.since(from) < Duration::from_secs(s) {
        let throttled = Event::HookAnswered {
            hook,
            api: Api::CompleteLifecycleAction,
            outcome: Err(error(ErrorClass::Throttle)),
        };
        let events = if std::mem::take(&mut out) { vec![throttled] } else { vec![] };
        let actions = desk.after(1_000, events);
        out = actions.iter().any(|a| completion(a).is_some());
        if let Some(instance) = actions.iter().find_map(probe) {
            let more = desk.after(10, vec![Event::Probed { instance, outcome: Contact::Passed }]);
            out |= more.iter().any(|a| completion(a).is_some());
        }
    }
    assert!(out, "its answer is out");
    hook
}

#[test]
fn a_server_that_died_between_its_probes_and_its_answer_is_not_let_in() {
    let mut desk = Desk::new();
    let hook = throttled_for(&mut desk, 40);
    let api = Api::CompleteLifecycleAction;
    let throttled = Event::HookAnswered { hook, api, outcome: Err(error(ErrorClass::Throttle)) };
    let mut events = vec![throttled];
    let mut died_at = None;
    // From now on it is dead. Its answer is throttled still, until it is not sent any more.
    for _ in 0..120 {
        let actions = desk.after(1_000, std::mem::take(&mut events));
        for action in &actions {
            if let Some(instance) = probe(action) {
                let outcome = Contact::Unreachable("connection reset".into());
                died_at.get_or_insert(desk.now);
                events.push(Event::Probed { instance, outcome });
            } else if let Some((_, _, result)) = completion(action) {
                assert_eq!(result, HookResult::Continue);
                let late = died_at.is_some_and(|at| desk.now.since(at) > Duration::from_secs(30));
                assert!(!late, "it has been dead for long");
                let outcome = Err(error(ErrorClass::Throttle));
                events.push(Event::HookAnswered { hook, api, outcome });
            }
        }
        if desk.phases().contains(&Phase::Terminating) {
            break;
        }
    }
    let reasons: Vec<String> =
        desk.changes.iter().flat_map(|c| &c.instances).filter_map(|r| r.reason.clone()).collect();
    let reason = "served, and did not 3 times in a row before it was let in: connection reset";
    assert_eq!(reasons.first().map(String::as_str), Some(reason));
    assert!(!desk.phases().contains(&Phase::InService));
}

#[test]
fn whoever_waits_long_is_probed_a_few_times_and_let_in() {
    let mut desk = Desk::new();
    let hook = throttled_for(&mut desk, 60);
    let api = Api::CompleteLifecycleAction;
    desk.after(10, vec![Event::HookAnswered { hook, api, outcome: Ok(()) }]);
    assert_eq!(desk.phases().last(), Some(&Phase::InService));
}

/// A hook that gives its instances so long, whatever its heartbeats.
fn for_at_most(global: Duration) -> Event {
    let hook = HookSeen {
        hook: "in".into(),
        transition: Transition::Launching,
        heartbeat: HEARTBEAT,
        global,
        default_result: HookResult::Abandon,
    };
    Event::HooksDescribed { asg: "web-asg".into(), outcome: Ok(vec![hook]) }
}

/// Is told of so many; they are looked at.
fn told_of(desk: &mut Desk, most: u32) -> Vec<(Ec2Id, InstanceRef)> {
    let id = |n: u32| format!("i-0aaaaaaaaaaaaa{n:03}").parse().unwrap();
    let told = |n| Event::HookNoticed { notice: HookNotice { id: id(n), ..notice(n) }, ticket: Ticket(1) };
    desk.after(1, (1..=most).map(told).collect());
    let describe = |a: &Action| if let Action::Describe { asked } = a { Some(asked.clone()) } else { None };
    desk.until(10, describe).unwrap().1
}

#[test]
fn an_action_that_cannot_be_met_is_abandoned_early_and_says_what_is_missing() {
    let mut desk = Desk::new();
    desk.after(0, vec![for_at_most(Duration::from_secs(3_600))]);
    // Each of 60 takes a minute to configure.
    let asked = told_of(&mut desk, 60);
    let running = asked.iter().map(|(id, _)| Seen { id: *id, ..seen(Ec2State::Running) }).collect();
    let all: Vec<InstanceRef> = asked.iter().map(|(_, i)| *i).collect();
    desk.after(10, vec![Event::Described { asked, outcome: Ok(running) }]);
    let unready =
        |i: &InstanceRef| Event::Configured { instance: *i, outcome: Contact::Unreachable(String::new()) };
    for _ in 0..6 {
        desk.after(10_000, all.iter().map(unready).collect());
    }
    let configured = |i: &InstanceRef| Event::Configured { instance: *i, outcome: Contact::Passed };
    desk.after(10, all.iter().map(configured).collect());
    // The next one has 45 s in all.
    desk.after(0, vec![for_at_most(Duration::from_secs(45))]);
    let told = HookNotice { id: ID.parse().unwrap(), ..notice(99) };
    let actions = desk.after(1, vec![Event::HookNoticed { notice: told, ticket: Ticket(1) }]);
    let lines = desk.changes.last().unwrap().journal.iter();
    let text = lines.filter(|l| l.kind == "hook_hopeless").map(|l| l.text.clone()).next_back().unwrap();
    assert!(text.contains("ends in 45 s and cannot be met") && text.ends_with("s short"), "{text}");
    assert_eq!(actions.iter().find_map(completion).map(|c| c.2), Some(HookResult::Abandon), "at once");
}

#[test]
fn the_time_that_is_expected_counts_the_answers_that_a_slow_bucket_lets_through() {
    let mut desk = Desk::new();
    let told = |n: u32| HookNotice { id: format!("i-0aaaaaaaaaaaa{n:04}").parse().unwrap(), ..notice(n) };
    let notices = (0..3_000).map(|n| Event::HookNoticed { notice: told(n), ticket: Ticket(n.into()) });
    desk.after(0, notices.collect());
    let view = desk.core.view(desk.now);
    let eta = view.scale_ups.last().unwrap().eta.unwrap();
    // 50 at once and 10 a second: 295 s, where the slowest instance is expected after 150.
    let after = eta.since(desk.now).as_secs();
    assert!((290..=330).contains(&after), "{after} s");
}
