//! Watching instances start, in bulk: one describe for up to a thousand of them, on a common beat.

use std::collections::VecDeque;
use std::time::Duration;

use super::action::Action;
use super::event::{CallError, Ec2State, Seen};
use super::guard::version::Outcome;
use super::words::{Api, Ec2Id, ErrorClass, InstanceRef, Phase, Time};
use super::{Core, Now};

/// Most ids in one describe (aws-facts 2.5).
const MOST_IDS: usize = 1_000;

/// From a terminate call until EC2 shows what came of it: a group acts within a second or two. Longer: places are
/// free later (D8 wants them within 10 s, of which up to 3 are for company). Shorter: more looks that come too soon.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// Instances that are starting and when to look at them next, in order of time.
#[derive(Debug)]
pub struct Boots {
    every: Duration,
    watched: VecDeque<(Time, Ec2Id, InstanceRef)>,
    /// Instances that EC2 never showed, given up for it since the start.
    pub never_shown: u64,
}

impl Boots {
    #[must_use]
    pub fn new(every: Duration) -> Boots {
        Boots { every: every.max(Duration::from_millis(1)), watched: VecDeque::new(), never_shown: 0 }
    }

    /// When the next look is due.
    #[must_use]
    pub fn next(&self) -> Time {
        self.watched.front().map_or(Time::NEVER, |(t, _, _)| *t)
    }

    /// The first beat at least one interval away, and for an instance that has been booting for
    /// long, an eighth of its age. All looks fall on common beats, so that instances of different
    /// launches share a call; a new instance is older than EC2's usual lag by then. The eighth
    /// halves the calls of a long tail and costs the last instance 12 % of its boot at most.
    fn beat_after(&self, now: Time, age: Duration) -> Time {
        let every = i64::try_from(self.every.as_millis()).unwrap_or(i64::MAX).max(1);
        let earliest = now.plus(self.every.max(age / 8)).0;
        Time(
            earliest
                .div_euclid(every)
                .saturating_add(i64::from(earliest.rem_euclid(every) != 0))
                .saturating_mul(every),
        )
    }

    /// Watches an instance that has been booting for `age`.
    pub fn watch(&mut self, id: Ec2Id, instance: InstanceRef, now: Time, age: Duration) {
        let beat = self.beat_after(now, age);
        self.watch_from(id, instance, beat);
    }

    /// Watches an instance that has been ending for `age`. On no common beat: those of one terminate call were
    /// answered together, and somebody waits for their places.
    fn watch_end(&mut self, id: Ec2Id, instance: InstanceRef, now: Time, age: Duration) {
        self.watch_from(id, instance, now.plus(ENDS_WITHIN.max(age / 8)));
    }

    /// Watches an instance that was due and could not be looked at.
    fn watch_from(&mut self, id: Ec2Id, instance: InstanceRef, at: Time) {
        let place = self.watched.partition_point(|(t, _, _)| *t <= at);
        self.watched.insert(place, (at, id, instance));
    }

    /// Watches an instance that another process watched before: looked at with the first call, or a
    /// process that is killed every few seconds would never look.
    pub fn watch_at_once(&mut self, id: Ec2Id, instance: InstanceRef, now: Time) {
        self.watched.push_front((now, id, instance));
    }

    /// Takes up to a call's worth of instances that are due.
    fn due(&mut self, now: Time) -> Vec<(Ec2Id, InstanceRef)> {
        let n = self.watched.iter().take(MOST_IDS).take_while(|(t, _, _)| *t <= now).count();
        self.watched.drain(..n).map(|(_, id, i)| (id, i)).collect()
    }
}

impl Core {
    /// A launch gave this instance: watch it until it runs, or has taken too long.
    pub(super) fn watch_boot(&mut self, instance: InstanceRef, id: Ec2Id, now: &Now) {
        self.boots.watch(id, instance, now.time, Duration::ZERO);
        if let Some(s) = self.ledger.scale_ups.get(&instance.slot.scale_up) {
            self.patience[s.group].enters(Phase::Booting, now.time);
        }
    }

    /// Looks at what is due, a thousand at a time, as far as the budget goes.
    pub(super) fn plan_describes(&mut self, now: &mut Now) {
        while self.boots.next() <= now.time && self.describe.check(now.time).is_ok() {
            let mut asked = self.boots.due(now.time);
            // Instances that were given up or removed meanwhile need no look.
            let ledger = &self.ledger;
            asked.retain(|(id, i)| {
                ledger.current(*i).is_some_and(|s| s.id == Some(*id) && is_watched(s.phase))
            });
            if !asked.is_empty() && self.describe.take(now.time, 0).is_ok() {
                for (_, instance) in &asked {
                    self.is_asked(*instance, now.time);
                }
                now.actions.push(Action::Describe { asked });
            }
        }
    }

    /// Somebody is sent to see whether an instance runs.
    fn is_asked(&mut self, instance: InstanceRef, at: Time) {
        if let Some(slot) = self.ledger.slot_mut(instance.slot).filter(|s| s.attempt == instance.attempt) {
            slot.contact.asked_at = at;
        }
    }

    /// Books what a describe showed.
    pub(super) fn described(
        &mut self,
        asked: &[(Ec2Id, InstanceRef)],
        outcome: Result<Vec<Seen>, CallError>,
        now: &mut Now,
    ) {
        let elsewhere = self.throttled_elsewhere(Api::DescribeInstances);
        self.describe.answered(now.time, 0, outcome.as_ref().err(), elsewhere, &mut now.rng);
        let seen = match outcome {
            Ok(mut seen) => {
                seen.sort_unstable_by_key(|s| s.id);
                seen
            }
            // One id that is not visible yet fails the whole call: the same ids again at the next
            // beat, by when the lag is over. Any other failure says nothing either.
            Err(error) if error.class == ErrorClass::Throttle => {
                let at = now.time.plus(self.describe.after_throttle().min(self.boots.every));
                for (id, instance) in asked {
                    self.boots.watch_from(*id, *instance, at);
                }
                self.stranger_seen(&strangers(asked), &[]);
                return;
            }
            Err(error) => {
                self.stranger_seen(&strangers(asked), &[]);
                let unknown =
                    if error.class == ErrorClass::NotFound { ids_in(&error.message) } else { Vec::new() };
                for (id, instance) in asked {
                    if unknown.contains(id) {
                        self.not_visible(*id, *instance, now);
                    } else {
                        self.look_again(*id, *instance, now);
                    }
                }
                return;
            }
        };
        self.stranger_seen(&strangers(asked), &seen);
        for (id, instance) in asked {
            match seen.binary_search_by_key(id, |s| s.id) {
                Ok(at) => self.look(*instance, &seen[at], now),
                Err(_) => self.not_visible(*id, *instance, now),
            }
        }
    }

    fn look(&mut self, instance: InstanceRef, seen: &Seen, now: &mut Now) {
        let Some(slot) = self.ledger.current(instance).filter(|s| s.id == Some(seen.id)) else { return };
        if slot.phase == Phase::Terminating {
            self.seen_while_terminating(instance, seen, now);
            return;
        }
        if slot.phase != Phase::Booting {
            return;
        }
        match (seen.state, seen.address) {
            (Ec2State::Running, Some(address)) => {
                if let Some(s) = self.ledger.slot_mut(instance.slot) {
                    s.address = Some(address);
                }
                self.teaches(instance, now);
                self.start_contacts(instance, now);
            }
            // Running without an address: the lag of eventual consistency.
            (Ec2State::Running, None) | (Ec2State::Pending, _) => {
                self.still_boots(seen.id, instance, Shown::Yes, now);
            }
            (Ec2State::ShuttingDown | Ec2State::Terminated, _) => {
                let why = seen.state_reason.as_deref().unwrap_or("EC2 gives no reason");
                let why = format!("EC2 ended it while it booted: {why}");
                self.teaches_nothing(instance);
                self.judge(instance, Outcome::Broken, now.time);
                self.ledger.enter(instance.slot, Phase::Broken, now.time, Some(why));
                self.is_gone(instance, now);
            }
            (Ec2State::Stopping | Ec2State::Stopped, _) => {
                self.teaches_nothing(instance);
                self.give_up(instance, "stopped while it booted".to_string(), now);
            }
        }
    }

    fn not_visible(&mut self, id: Ec2Id, instance: InstanceRef, now: &mut Now) {
        match self.ledger.current(instance).map(|s| s.phase) {
            Some(Phase::Terminating) => self.missing_while_terminating(id, instance, now),
            _ => self.still_boots(id, instance, Shown::No, now),
        }
    }

    /// EC2 was asked, and it did not run yet. Only here can a boot take too long: while describes
    /// are not answered nobody knows, and when blind, do nothing.
    fn still_boots(&mut self, id: Ec2Id, instance: InstanceRef, shown: Shown, now: &mut Now) {
        if self.loses_patience(instance, now) {
            self.boots.never_shown += u64::from(shown == Shown::No);
            return;
        }
        let Some(slot) = self.ledger.current(instance).filter(|s| s.phase == Phase::Booting) else { return };
        let ceiling = self.ledger.spec_of(instance.slot).map_or(Duration::MAX, |g| g.watchdogs.boot);
        if slot.contact.asked_at < slot.since.plus(ceiling) {
            self.look_again(id, instance, now);
        } else {
            let reason = match shown {
                Shown::Yes => format!("{} for {} s, the configured watchdog", slot.phase, ceiling.as_secs()),
                Shown::No => {
                    format!("EC2 does not show it after {} s, the configured watchdog", ceiling.as_secs())
                }
            };
            self.boots.never_shown += u64::from(shown == Shown::No);
            self.give_up(instance, reason, now);
        }
    }

    pub(super) fn look_again(&mut self, id: Ec2Id, instance: InstanceRef, now: &Now) {
        let slot = self.ledger.current(instance).filter(|s| s.id == Some(id) && is_watched(s.phase));
        match slot.map(|s| (s.phase, s.since, s.launched_at)) {
            Some((Phase::Terminating, since, _)) => {
                self.boots.watch_end(id, instance, now.time, now.time.since(since));
            }
            Some((_, _, launched_at)) => {
                self.boots.watch(id, instance, now.time, now.time.since(launched_at));
            }
            None => {}
        }
    }
}

/// Those of a describe that have no place in our books.
fn strangers(asked: &[(Ec2Id, InstanceRef)]) -> Vec<Ec2Id> {
    asked.iter().filter(|(_, i)| *i == InstanceRef::NOBODY).map(|(id, _)| *id).collect()
}

/// Whether a describe knows of an instance: one that is new, or that somebody made up, it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Yes,
    No,
}

/// Phases in which only EC2 can tell what an instance does.
fn is_watched(phase: Phase) -> bool {
    match phase {
        Phase::Booting | Phase::Terminating => true,
        Phase::Queued
        | Phase::Launching
        | Phase::Configuring
        | Phase::Verifying
        | Phase::Admitting
        | Phase::InService
        | Phase::Broken
        | Phase::Quarantined
        | Phase::Reserved
        | Phase::Gone
        | Phase::Withdrawn => false,
    }
}

/// The instance ids in an error message: `The instance IDs 'i-a, i-b' do not exist`.
#[must_use]
pub fn ids_in(message: &str) -> Vec<Ec2Id> {
    message
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|w| w.starts_with("i-") && w.len() > 2)
        .filter_map(|w| w.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::words::{ScaleUpSeq, SlotId};

    fn instance(n: u32) -> InstanceRef {
        InstanceRef { slot: SlotId { scale_up: ScaleUpSeq(1), ordinal: n }, attempt: 1 }
    }

    #[test]
    fn instances_of_different_launches_share_a_beat() {
        let mut boots = Boots::new(Duration::from_secs(5));
        for (n, at) in [(0, 1_000), (1, 2_300), (2, 4_999), (3, 5_001)] {
            boots.watch("i-1".parse().unwrap(), instance(n), Time(at), Duration::ZERO);
        }
        assert!(boots.due(Time(9_999)).is_empty(), "none is looked at before it is 5 s old");
        assert_eq!(boots.due(Time(10_000)).len(), 3);
        assert_eq!(boots.next(), Time(15_000));
    }

    #[test]
    fn a_call_names_at_most_a_thousand() {
        let mut boots = Boots::new(Duration::from_secs(5));
        for n in 0..2_500 {
            boots.watch("i-1".parse().unwrap(), instance(n), Time(0), Duration::ZERO);
        }
        let sizes: Vec<_> = (0..4).map(|_| boots.due(Time(60_000)).len()).collect();
        assert_eq!(sizes, [1_000, 1_000, 500, 0]);
    }

    #[test]
    fn ids_are_found_in_awss_own_words() {
        let ids = ids_in("The instance IDs 'i-0123456789abcdef0, i-0aa' do not exist");
        assert_eq!(ids.len(), 2);
        assert_eq!(ids_in("The instance ID 'i-0123456789abcdef0' does not exist").len(), 1);
        assert!(ids_in("AZ-wide i- trouble").is_empty());
    }
}
