//! Copies of a call that arrive after their caller gave them up.

use std::sync::Arc;
use std::time::Duration;

use super::world::{START, group};
use crate::decide::action::Action;
use crate::decide::event::{Ask, CallError, Event, Ticket};
use crate::decide::group::LaunchBody;
use crate::decide::words::{ErrorClass, LaunchSeq};
use crate::decide::{Core, Settings};

/// Launches that go out within so many seconds.
fn launches(
    core: &mut Core,
    from: u64,
    to: u64,
    mut events: Vec<Event>,
) -> Vec<(LaunchSeq, Arc<LaunchBody>)> {
    let mut decide =
        |second| core.decide(START.plus(Duration::from_secs(second)), 7, std::mem::take(&mut events));
    let actions = (from..to).flat_map(|s| decide(s).actions).collect::<Vec<_>>();
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
    let ask = Ask {
        id: "a".into(),
        group: "web".into(),
        count: 10,
        by: None,
        reason: String::new(),
        idempotency_key: None,
        all_or_nothing: false,
    };
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
