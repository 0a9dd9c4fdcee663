//! Whether its group replaces one of ours, one decision at a time.

use std::time::Duration;

use crate::decide::asg::raise::tests::{Desk, desk, desk_by, id, lost};
use crate::decide::asg::seen::Lifecycle;
use crate::decide::event::{CallError, Ec2State, Event, Seen, Ticket};
use crate::decide::group::Launches;
use crate::decide::mark::Marked;
use crate::decide::tests::world::{START, ask};
use crate::decide::words::{InstanceRef, Phase, ScaleUpSeq};

const FIVE: std::ops::RangeInclusive<u32> = 91..=95;

/// Three serve, and the five that were asked for are on their way: 91 to 95, for slots 4 to 0.
fn on_their_way(mut desk: Desk) -> Desk {
    let serving: Vec<_> = (0..3).map(|n| (n, Lifecycle::InService)).collect();
    desk.shows(3, &serving);
    desk.shows(3, &serving);
    desk.answer(8, Ok(Marked::Done));
    for n in FIVE {
        desk.comes(n);
    }
    desk.shows(8, &with(&[]));
    desk
}

/// The group's members: three that serve, and the five unless they are said to be otherwise.
fn with(otherwise: &[(u32, Lifecycle)]) -> Vec<(u32, Lifecycle)> {
    let state = |n: u32| otherwise.iter().find(|(m, _)| *m == n).map_or(Lifecycle::PendingWait, |(_, l)| *l);
    let others = otherwise.iter().copied().filter(|(n, _)| !FIVE.contains(n));
    (0..3).map(|n| (n, Lifecycle::InService)).chain(FIVE.map(|n| (n, state(n)))).chain(others).collect()
}

fn pending() -> Desk {
    on_their_way(desk(Launches::Desired))
}

impl Desk {
    /// Where slot 4 of what was asked for is, which had instance 91 first.
    fn phase(&self) -> (u16, Phase) {
        let of = |i: &InstanceRef| i.slot.scale_up == ScaleUpSeq(1) && i.slot.ordinal == 4;
        let row = self.all.instances.iter().rfind(|r| of(&r.instance)).unwrap();
        (row.instance.attempt, row.phase)
    }

    /// EC2 shows 91 in this state.
    fn is_shown(&mut self, state: Ec2State) {
        for _ in 0..3_000 {
            if self.asked.iter().any(|(asked, _)| *asked == id(91)) {
                break;
            }
            self.after(20, vec![]);
        }
        let asked = std::mem::take(&mut self.asked);
        let asked: Vec<_> = asked.into_iter().filter(|(asked, _)| *asked == id(91)).collect();
        assert!(!asked.is_empty(), "nobody asks");
        let seen = Seen { id: id(91), state, address: None, state_reason: None };
        self.after(1, vec![Event::Described { asked, outcome: Ok(vec![seen]) }]);
    }

    /// 91 is given up, and its group told to end it and to shrink.
    fn is_given_up(&mut self) {
        self.is_shown(Ec2State::Stopped);
        self.asked.clear();
        for _ in 0..500 {
            if !self.ended.is_empty() {
                break;
            }
            self.after(20, vec![]);
        }
        assert_eq!(self.ended.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id(91)]);
    }

    fn is_answered(&mut self, outcome: Result<(), CallError>) {
        let asked = std::mem::take(&mut self.ended);
        self.after(1, vec![Event::TerminatedInGroup { asg: "web-asg".into(), asked, outcome }]);
    }

    /// Goes on for so long while looks show the same.
    fn goes_on(&mut self, seconds: u64, desired: u32, members: &[(u32, Lifecycle)]) {
        let until = self.now.plus(Duration::from_secs(seconds));
        while self.now < until {
            self.shows(desired, members);
        }
    }
}

#[test]
fn one_that_died_by_itself_is_not_asked_for_again_and_its_slot_gets_the_next() {
    let mut desk = pending();
    desk.is_shown(Ec2State::Terminated);
    assert_eq!(desk.phase(), (2, Phase::Launching));
    desk.goes_on(120, 8, &with(&[(91, Lifecycle::Terminating)]));
    desk.comes(96);
    assert_eq!((desk.phase(), desk.told.as_slice()), ((2, Phase::Booting), [8].as_slice()));
}

#[test]
fn one_that_it_was_told_to_end_is_asked_for_again() {
    let mut desk = pending();
    desk.is_given_up();
    desk.is_answered(Ok(()));
    desk.is_shown(Ec2State::Terminated);
    let left = with(&[(91, Lifecycle::Terminated)]);
    desk.shows(7, &left);
    desk.shows(7, &left);
    assert_eq!(
        (desk.phase(), desk.told.as_slice()),
        ((2, Phase::Launching), [8, 8].as_slice()),
        "7, and one"
    );
}

/// Seed 988 of the swarm over groups: its lifecycle action had timed out, and AWS answers well all the same.
#[test]
fn one_that_was_leaving_before_it_was_told_to_end_is_not_asked_for_again() {
    for leaving in [Lifecycle::Terminating, Lifecycle::TerminatingProceed, Lifecycle::Terminated] {
        let mut desk = pending();
        let left = with(&[(91, leaving)]);
        desk.goes_on(5, 8, &left);
        desk.is_given_up();
        desk.is_answered(Ok(()));
        desk.is_shown(Ec2State::Terminated);
        desk.goes_on(120, 8, &left);
        desk.comes(96);
        assert_eq!((desk.phase(), desk.told.as_slice()), ((2, Phase::Booting), [8].as_slice()), "{leaving}");
    }
}

#[test]
fn after_a_lost_answer_it_is_asked_for_again_only_when_the_group_has_all_it_wants() {
    for (desired, told) in [(7, vec![8, 8]), (8, vec![8])] {
        let mut desk = pending();
        desk.is_given_up();
        desk.is_answered(Err(lost()));
        // It is told again, now that it is on its way out because of the first call or by itself.
        desk.goes_on(5, desired, &with(&[(91, Lifecycle::Terminating)]));
        desk.is_answered(Ok(()));
        desk.is_shown(Ec2State::Terminated);
        assert_eq!(desk.phase(), (2, Phase::Launching), "it waits for what comes");
        desk.goes_on(90, desired, &with(&[(91, Lifecycle::Terminated)]));
        assert_eq!(desk.told, told, "the group wants {desired}");
    }
}

/// Seeds 595 and 988 of the swarm over groups: the group goes on wanting one for it.
#[test]
fn who_is_past_the_deadline_gets_what_the_group_launches_in_its_stead() {
    let by = START.plus(Duration::from_secs(60));
    let mut desk = on_their_way(desk_by(Launches::Desired, Some(by)));
    desk.goes_on(60, 8, &with(&[]));
    desk.is_shown(Ec2State::Terminated);
    assert_eq!(desk.phase(), (2, Phase::Launching));
    desk.comes(96);
    assert_eq!(desk.phase(), (2, Phase::Booting));
    // One that its group was told not to replace is not launched again.
    let mut desk = on_their_way(desk_by(Launches::Desired, Some(by)));
    desk.goes_on(60, 8, &with(&[]));
    desk.is_given_up();
    desk.is_answered(Ok(()));
    desk.is_shown(Ec2State::Terminated);
    assert_eq!(desk.phase(), (2, Phase::Withdrawn));
}

#[test]
fn what_comes_for_one_that_is_cancelled_is_ended_and_nobody_wants_it_any_more() {
    let mut desk = pending();
    let waits = desk.all.scale_ups.iter().find(|s| s.seq == ScaleUpSeq(1)).map(|s| s.id.clone()).unwrap();
    desk.is_shown(Ec2State::Terminated);
    desk.after(1, vec![Event::CancelAsked { id: waits, reason: "enough".into(), ticket: Ticket(9) }]);
    assert_eq!(desk.phase(), (2, Phase::Launching));
    desk.comes(96);
    let members = with(&[(91, Lifecycle::Terminated), (96, Lifecycle::PendingWait)]);
    desk.goes_on(10, 8, &members);
    assert!(desk.ended.iter().any(|(ended, _)| *ended == id(96)), "{:?}", desk.ended);
}

/// Seeds 439 and 826 of the swarm over groups: nothing was known of the group yet.
#[test]
fn one_that_is_gone_before_the_group_was_seen_is_not_asked_for_again() {
    let mut desk = pending();
    desk.restarts();
    desk.is_shown(Ec2State::Terminated);
    assert_eq!(desk.phase(), (2, Phase::Launching));
    desk.goes_on(120, 8, &with(&[(91, Lifecycle::Terminating)]));
    desk.comes(96);
    assert_eq!((desk.phase(), desk.told.len()), ((2, Phase::Booting), 0));
}

/// Seed 1941 of the swarm over groups: the next process took it for one that had perhaps been told to end.
#[test]
fn one_that_its_group_ended_gets_the_next_after_a_restart_though_that_was_adopted() {
    let mut desk = pending();
    desk.leaves(91);
    assert_eq!(desk.phase(), (1, Phase::Terminating));
    desk.comes(96);
    desk.restarts();
    // It is told all the same, and answers well.
    desk.is_answered(Ok(()));
    desk.is_shown(Ec2State::Terminated);
    desk.shows(8, &with(&[(91, Lifecycle::Terminated), (96, Lifecycle::PendingWait)]));
    assert_eq!((desk.phase(), desk.told.len()), ((2, Phase::Booting), 0));
}

#[test]
fn a_raise_that_only_waits_survives_a_restart_as_what_it_is() {
    let mut desk = pending();
    desk.is_shown(Ec2State::Terminated);
    desk.restarts();
    desk.comes(96);
    assert_eq!(desk.phase(), (2, Phase::Booting));
    let mut desk = pending();
    desk.is_shown(Ec2State::Terminated);
    desk.restarts();
    // More are there than are wanted, to balance zones: the group is not told to keep them.
    let more = [(96, Lifecycle::InService), (97, Lifecycle::InService)];
    desk.goes_on(90, 8, &with(&more));
    assert_eq!(desk.told.iter().filter(|told| **told > 9).count(), 0, "{:?}", desk.told);
}

/// Its group replaced one before we knew of it, and has no place for another.
#[test]
fn slots_are_let_go_of_in_a_full_group_only_while_all_of_it_serves() {
    for (last, phase) in [(Lifecycle::InService, Phase::Withdrawn), (Lifecycle::Terminating, Phase::Queued)] {
        let mut desk = pending();
        desk.is_given_up();
        desk.is_answered(Ok(()));
        desk.is_shown(Ec2State::Terminated);
        // Somebody has raised it to its maximum meanwhile.
        let mut full = with(&[(91, Lifecycle::Terminated)]);
        full.extend((100..192).map(|n| (n, Lifecycle::InService)));
        full.push((192, last));
        for member in &mut full {
            if member.1 == Lifecycle::PendingWait {
                member.1 = Lifecycle::InService;
            }
        }
        desk.goes_on(40, 100, &full);
        assert_eq!(desk.phase(), (2, Phase::Queued), "a place may come free yet");
        desk.goes_on(40, 100, &full);
        assert_eq!(desk.phase(), (2, phase), "{last}");
        let withdrawn = desk.all.instances.iter().rfind(|r| r.phase == Phase::Withdrawn);
        let reason = withdrawn.and_then(|r| r.reason.clone());
        let told = "web-asg has no place left: others serve in its stead";
        assert_eq!(reason, (phase == Phase::Withdrawn).then(|| told.to_string()));
    }
}

/// Seed 9724 of the swarm over groups: the answer to a raise was lost, and one that broke was ended, and the desired
/// capacity lowered by it, before a look had shown the raise: it looked as if it had not been taken, and was made
/// twice.
#[test]
fn seed_9724_nobody_is_ended_while_nobody_knows_whether_a_raise_was_taken() {
    let mut desk = pending();
    let ask = ask("more", "web", 1);
    desk.after(1, vec![Event::ScaleUpAsked { ask, ticket: Ticket(3) }]);
    desk.shows(8, &with(&[]));
    desk.shows(8, &with(&[]));
    assert_eq!(desk.told, [8, 9]);
    desk.answer(9, Err(lost()));
    desk.is_shown(Ec2State::Stopped);
    for _ in 0..50 {
        desk.after(20, vec![]);
    }
    assert!(desk.ended.is_empty(), "{:?}", desk.ended);
    desk.shows(9, &with(&[]));
    for _ in 0..50 {
        desk.after(20, vec![]);
    }
    assert_eq!(desk.ended.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id(91)]);
}

/// Seed 3680 of the swarm over groups: what the group launched in its stead was adopted before anybody knew, the next
/// that came, for a raise, was taken for it, and the raise's own slot was raised for again.
#[test]
fn seed_3680_one_gets_what_was_adopted_in_its_stead_and_leaves_what_a_raise_brings_to_the_raise() {
    let mut desk = pending();
    let died = (91, Lifecycle::Terminating);
    desk.comes(96);
    desk.shows(8, &with(&[died, (96, Lifecycle::PendingWait)]));
    let ask = ask("more", "web", 1);
    desk.after(1, vec![Event::ScaleUpAsked { ask, ticket: Ticket(3) }]);
    desk.is_shown(Ec2State::Terminated);
    assert_eq!(desk.phase(), (2, Phase::Booting), "at once");
    let now = with(&[died, (96, Lifecycle::PendingWait)]);
    desk.shows(8, &now);
    desk.shows(8, &now);
    desk.answer(9, Ok(Marked::Done));
    desk.comes(97);
    desk.goes_on(200, 9, &with(&[died, (96, Lifecycle::PendingWait), (97, Lifecycle::PendingWait)]));
    assert_eq!(desk.told, [8, 9]);
}

/// Seed 1061 of the swarm over groups: its lifecycle action had timed out and its group had ended it, and it was held to
/// be on its way until its own time was up; what came in its stead served by then, as one that was adopted.
#[test]
fn seed_1061_one_that_its_group_shows_no_longer_is_given_up_at_once() {
    let mut desk = desk(Launches::Desired);
    let pending: Vec<_> =
        with(&[]).into_iter().map(|(n, l)| (n, if n < 3 { l } else { Lifecycle::Pending })).collect();
    let serving = &pending[..3];
    desk.shows(3, serving);
    desk.shows(3, serving);
    desk.answer(8, Ok(Marked::Done));
    desk.shows(8, &pending);
    assert_eq!(desk.phase(), (1, Phase::Booting));
    let without: Vec<_> = pending.iter().copied().filter(|(n, _)| *n != 91).collect();
    desk.goes_on(40, 8, &without);
    assert_eq!(desk.phase(), (1, Phase::Booting), "looks are eventually consistent");
    desk.goes_on(40, 8, &without);
    assert_eq!(desk.phase(), (1, Phase::Terminating));
    desk.is_shown(Ec2State::Terminated);
    desk.comes(96);
    assert_eq!((desk.phase(), desk.told.as_slice()), ((2, Phase::Booting), [8].as_slice()));
}
