//! Copies of a call that arrive after their caller gave them up.

#![allow(clippy::wildcard_enum_match_arm)] // what a test does not look at

use std::sync::Arc;
use std::time::Duration;

use super::world::{START, ask, group};
use crate::decide::action::Action;
use crate::decide::event::{CallError, Ec2State, Event, Seen, Ticket};
use crate::decide::group::{Breaker, Group, LaunchBody};
use crate::decide::rows::{Restored, VersionRow};
use crate::decide::words::{ErrorClass, LaunchSeq, Time};
use crate::decide::{Core, Settings};

/// Launches that go out within so many seconds.
fn launches(
    core: &mut Core,
    from: u64,
    to: u64,
    mut events: Vec<Event>,
) -> Vec<(LaunchSeq, Arc<LaunchBody>)> {
    let mut actions = Vec::new();
    for second in from..to {
        let at = START.plus(Duration::from_secs(second));
        for action in core.decide(at, 7, std::mem::take(&mut events)).actions {
            match action {
                // Of no copy that is under way EC2 shows anything yet.
                Action::FindLaunch { launch, .. } => {
                    events.push(Event::LaunchFound { launch, outcome: Ok(Vec::new()) });
                }
                other => actions.push(other),
            }
        }
    }
    let launch = |a| if let Action::Launch { launch, body } = a { Some((launch, body)) } else { None };
    actions.into_iter().filter_map(launch).collect()
}

fn answered(launch: LaunchSeq, class: ErrorClass, code: &str) -> Vec<Event> {
    let error = CallError { class, code: code.into(), message: String::new() };
    vec![Event::LaunchAnswered { launch, outcome: Err(error) }]
}

/// Seed 8180 of the swarm: a launch on a slow network, its process killed; the next process sends it
/// again, is told of a limit, and gives its slots to another launch. Then the first copy arrives.
#[test]
fn seed_8180_a_refusal_is_not_final_while_an_earlier_copy_may_be_under_way() {
    let mut core = Core::new(Settings::default(), vec![Arc::new(group("web"))]);
    let ask = ask("a", "web", 10);
    let asked = vec![Event::ScaleUpAsked { ask, ticket: Ticket(1) }];
    let (first, body) = launches(&mut core, 0, 1, asked).remove(0);
    let again = launches(&mut core, 1, 20, answered(first, ErrorClass::Unknown, "timeout"));
    assert_eq!(again.iter().map(|(seq, b)| (*seq, &b.token)).collect::<Vec<_>>(), [(first, &body.token)]);

    let refused = || answered(first, ErrorClass::Quota, "VcpuLimitExceeded");
    let meanwhile = launches(&mut core, 20, 60, refused());
    assert!(meanwhile.is_empty(), "the first copy may still be granted: {meanwhile:?}");
    let last = launches(&mut core, 60, 90, vec![]);
    assert_eq!(last.iter().map(|(seq, b)| (*seq, &b.token)).collect::<Vec<_>>(), [(first, &body.token)]);

    let others = launches(&mut core, 90, 180, refused());
    assert!(!others.is_empty(), "no copy can arrive any more: the slots are for another launch");
    assert!(others.iter().all(|(seq, b)| *seq != first && b.token != body.token));
}

/// Seed 5597 of the swarm: what a half-open breaker tries was cancelled while its launch had no answer yet, went
/// from its late answer straight to its end, and was never judged. The breaker waited for it for ever.
#[test]
fn seed_5597_a_try_that_is_gone_without_having_been_judged_is_not_waited_for() {
    let breaker = Breaker { trial: 1, ..Breaker::default() };
    let spec = Arc::new(Group { breaker, ..group("web") });
    let version = spec.version.clone();
    let open =
        VersionRow { group: "web".into(), version, proven_at: None, open_until: Some(Time(0)), opened: 1 };
    let stored = Restored { versions: vec![open], ..Restored::default() };
    let mut core = Core::restored(Settings::default(), vec![spec], stored, START, 3).unwrap();
    let asked = |id: &str| {
        let ask = ask(id, "web", 1);
        Event::ScaleUpAsked { ask, ticket: Ticket(1) }
    };
    let (tried, _) = launches(&mut core, 0, 2, vec![asked("a")]).remove(0);
    let cancel = Event::CancelAsked { id: "a".into(), reason: "done".into(), ticket: Ticket(2) };
    assert!(launches(&mut core, 2, 4, vec![cancel, asked("b")]).is_empty(), "one at a time is tried");

    let seen = Seen {
        id: "i-0aaaaaaaaaaaaa001".parse().unwrap(),
        state: Ec2State::Pending,
        address: None,
        state_reason: None,
    };
    let late = vec![Event::LaunchAnswered { launch: tried, outcome: Ok(vec![seen.clone()]) }];
    let decided = (4..20).map(|s| {
        core.decide(START.plus(Duration::from_secs(s)), 7, if s == 4 { late.clone() } else { vec![] })
    });
    let ends = decided
        .flat_map(|d| d.actions)
        .find_map(|a| if let Action::Terminate { asked } = a { Some(asked) } else { None });
    let ended =
        Event::Terminated { asked: ends.unwrap(), outcome: Ok(vec![(seen.id, Ec2State::Terminated)]) };
    assert_eq!(launches(&mut core, 20, 30, vec![ended]).len(), 1, "the next one is tried");
}
