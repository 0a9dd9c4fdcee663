//! Launches whose answer was lost: what became of them, before they are sent again.
//!
//! EC2 does not say whether a repeated call spends instance tokens again (aws-facts 2.2). Where it does, a process
//! that dies with launches on their way pays for all of them twice. A describe by client token costs none, and
//! nearly always shows that the call arrived. Only a launch of which EC2 shows every instance is settled by it. Of
//! one that shows fewer, the rest may not be visible yet: it is looked for a few times more, and then the same call
//! again tells.

use std::time::Duration;

use super::action::Action;
use super::event::{CallError, Seen};
use super::launches::Launch;
use super::words::{Api, LaunchSeq, Time};
use super::{Core, Now};

/// A launch that lacks the tokens to be sent again is looked for again after this: what EC2 has launched is usually
/// visible within a second or two, and 100 tokens take 50 s. Shorter: more describes that show the same.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Where some of a launch are visible, the others are soon, if there are any: looks are so far apart,
const NOT_ALL_YET: Duration = Duration::from_millis(1_500);
/// and for so long, four looks in all.
const ALL_WITHIN: Duration = Duration::from_secs(5);

impl Launch {
    /// AWS may have seen it, and was not asked lately.
    pub(super) fn is_to_be_found(&self, now: Time) -> bool {
        self.seen && self.looked_at.is_none_or(|at| at.plus(LOOK_AGAIN) <= now)
    }

    /// When it is worth asking again, if it is at all. Where a look was due and could not be made, a little later.
    pub(super) fn next_look(&self, now: Time) -> Time {
        if !self.seen {
            return Time::NEVER;
        }
        let next = self.looked_at.map(|at| at.plus(LOOK_AGAIN)).filter(|at| *at > now);
        next.unwrap_or(now.plus(LOOK_AGAIN))
    }
}

impl Core {
    /// Asks what a launch made. The describe budget has a call for it.
    pub(super) fn find(&mut self, seq: LaunchSeq, now: &mut Now) {
        let Some(launch) = self.launches.open.get_mut(&seq) else { return };
        if self.describe.take(now.time, 0).is_err() {
            return;
        }
        launch.looked_at = Some(now.time);
        launch.in_flight = true;
        launch.held_up = None;
        now.actions.push(Action::FindLaunch { launch: seq, token: launch.body.token.clone() });
    }

    /// Books what EC2 shows of a launch. Whatever leaves it open leads to the same call again.
    pub(super) fn launch_found(
        &mut self,
        seq: LaunchSeq,
        outcome: Result<Vec<Seen>, CallError>,
        now: &mut Now,
    ) {
        let elsewhere = self.throttled_elsewhere(Api::DescribeInstances);
        self.describe.answered(now.time, 0, outcome.as_ref().err(), elsewhere, &mut now.rng);
        let Some(launch) = self.launches.open.get_mut(&seq) else { return };
        launch.in_flight = false;
        let Some(seen) = outcome.ok().filter(|seen| !seen.is_empty()) else { return };
        self.run.took_effect();
        if seen.len() < launch.row.count as usize {
            let shown_at = *launch.shown_at.get_or_insert(now.time);
            if now.time < shown_at.plus(ALL_WITHIN) {
                launch.looked_at = None;
                launch.row.not_before = now.time.plus(NOT_ALL_YET);
            }
        } else if let Some(launch) = self.launches.open.remove(&seq) {
            self.settle(launch, &seen, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::decide::Settings;
    use crate::decide::event::{Ec2State, Event, Ticket};
    use crate::decide::tests::world::{START, ask, group};
    use crate::decide::words::{ErrorClass, Phase};

    /// What is told to the core, second by second, and the calls it makes.
    struct Told {
        core: Core,
        second: u64,
    }

    impl Told {
        /// Ten are asked for, and the answer to their launch is lost.
        fn losing(settings: Settings) -> (Told, LaunchSeq, String) {
            let core = Core::new(settings, vec![Arc::new(group("web"))]);
            let mut told = Told { core, second: 0 };
            let asked = Event::ScaleUpAsked { ask: ask("a", "web", 10), ticket: Ticket(1) };
            let Some(Action::Launch { launch, body }) = told.call(1, vec![asked]) else {
                panic!("no launch")
            };
            (told, launch, body.token.clone())
        }

        /// The first call within so many seconds.
        fn call(&mut self, seconds: u64, mut events: Vec<Event>) -> Option<Action> {
            (0..seconds).find_map(|_| {
                self.second += 1;
                let at = START.plus(Duration::from_secs(self.second));
                let actions = self.core.decide(at, 7, std::mem::take(&mut events)).actions;
                let is_call = |a: &Action| matches!(a, Action::Launch { .. } | Action::FindLaunch { .. });
                actions.into_iter().find(is_call)
            })
        }

        fn in_phase(&self, phase: Phase) -> u32 {
            self.core.view(START).scale_ups[0].phases.get(phase)
        }
    }

    fn unknown() -> CallError {
        CallError { class: ErrorClass::Unknown, code: "timeout".into(), message: String::new() }
    }

    fn lost(launch: LaunchSeq) -> Vec<Event> {
        vec![Event::LaunchAnswered { launch, outcome: Err(unknown()) }]
    }

    fn made(n: usize) -> Vec<Seen> {
        let id = |i: usize| format!("i-{i:017x}").parse().unwrap();
        let seen = |i| Seen { id: id(i), state: Ec2State::Pending, address: None, state_reason: None };
        (0..n).map(seen).collect()
    }

    #[test]
    fn a_launch_that_is_there_in_full_is_not_sent_again() {
        let (mut told, launch, token) = Told::losing(Settings::default());
        let look = told.call(10, lost(launch));
        assert!(matches!(&look, Some(Action::FindLaunch { token: t, .. }) if *t == token), "{look:?}");
        let found = vec![Event::LaunchFound { launch, outcome: Ok(made(10)) }];
        assert!(told.call(100, found).is_none(), "settled, and nothing more is wanted");
        assert_eq!(told.in_phase(Phase::Booting), 10);
        // A copy of the call that arrives after all is told the same, and nobody listens.
        assert!(told.call(100, vec![Event::LaunchAnswered { launch, outcome: Ok(made(10)) }]).is_none());
    }

    #[test]
    fn of_one_that_is_there_in_part_the_rest_is_waited_for_before_it_is_sent_again() {
        for (comes, looks) in [(true, 3), (false, 5)] {
            let (mut told, launch, token) = Told::losing(Settings::default());
            let mut call = told.call(10, lost(launch));
            let mut n = 0;
            while let Some(Action::FindLaunch { .. }) = call {
                n += 1;
                let shown = if comes && n == 3 { 10 } else { 9 };
                call = told.call(10, vec![Event::LaunchFound { launch, outcome: Ok(made(shown)) }]);
            }
            assert!(n <= looks, "{n} looks");
            match call {
                Some(Action::Launch { body, .. }) => assert_eq!((comes, &body.token), (false, &token)),
                other => assert!(comes && other.is_none(), "{other:?}"),
            }
        }
    }

    #[test]
    fn one_that_is_not_there_or_not_to_be_told_is_sent_again_unchanged() {
        for outcome in [Ok(Vec::new()), Err(unknown())] {
            let (mut told, launch, token) = Told::losing(Settings::default());
            assert!(matches!(told.call(10, lost(launch)), Some(Action::FindLaunch { .. })));
            let again = told.call(10, vec![Event::LaunchFound { launch, outcome }]);
            assert!(
                matches!(&again, Some(Action::Launch { launch: l, body }) if *l == launch && body.token == token),
                "{again:?}"
            );
            // Lost once more: what became of it is asked once more.
            assert!(matches!(told.call(10, lost(launch)), Some(Action::FindLaunch { .. })));
        }
    }

    #[test]
    fn where_a_repeat_costs_nothing_it_is_sent_at_once() {
        let (mut told, launch, _) = Told::losing(Settings { repeats_pay: false, ..Settings::default() });
        assert!(matches!(told.call(10, lost(launch)), Some(Action::Launch { .. })));
    }
}
