//! Auto Scaling groups are halted while their launch version's breaker is open.
//!
//! What a group launches by itself asks nobody: it replaces whoever is abandoned, and with a bad image that
//! goes round for ever. So as soon as the breaker opens, the group's `Launch` process is suspended, and
//! resumed when the breaker has closed. What was suspended before by somebody else is left alone.
//!
//! A trial has to be small, and a group that may launch launches all that it lacks. So before launching is
//! resumed for a trial, the desired capacity is set to what the group has and the trial's few; the rest is
//! *put off*, written down, and added again when the breaker has closed. As soon as the trial is under
//! way, launching is suspended again.
//!
//! What this cannot do: spare what a group launches before the first failures are known; tell somebody
//! else's `SuspendProcesses` from ours once both have been called (ours is resumed); or keep apart an
//! alarm that changes the desired capacity in the second between our look and our call, which overwrites
//! it. The last is why it is set only while nothing is launched, after a look no older than ten seconds,
//! and never below what the group has: nobody who serves is scaled in by it.

use std::time::Duration;

use super::version::Stance;
use crate::decide::asg::seen::Lifecycle;
use crate::decide::event::CallError;
use crate::decide::mark::{Mark, Marked};
use crate::decide::rows::HaltRow;
use crate::decide::wait::Wait;
use crate::decide::words::{ErrorClass, Time};
use crate::decide::{Core, Now};

/// The one process that is suspended.
const LAUNCH: &str = "Launch";
/// A look has to be younger than this for a desired capacity to be computed from it.
const FRESH: Duration = Duration::from_secs(10);
/// Instances that a group began to launch just before it was halted are shown after so long: looks are
/// eventually consistent.
const SETTLED: Duration = Duration::from_secs(10);
/// First pause before a call that failed goes out again; doubles to 32 times that.
const PAUSE: Duration = Duration::from_millis(250);
/// Pause after AWS refused a desired capacity: the group's limits may change.
const AFTER_REFUSAL: Duration = Duration::from_secs(30);

/// One group's halt.
#[derive(Debug, Default)]
pub(in crate::decide) struct Halt {
    /// What is written down, while there is one.
    row: Option<HaltRow>,
    /// Whether the group may launch by itself, as AWS last answered; none while nobody knows.
    launching: Option<bool>,
    /// The same before the call that is out: what a throttled call changes nothing about.
    before: Option<bool>,
    /// It may launch a trial, or has.
    trial: bool,
    in_flight: bool,
    /// AWS may have taken the desired capacity that is being set.
    heard: bool,
    failures: u32,
    not_before: Time,
    /// Only a look after this shows what our calls did.
    look_after: Time,
}

impl Halt {
    /// As it was stored. What AWS made of our last call is not known.
    pub fn stored(row: HaltRow, now: Time) -> Halt {
        Halt { heard: row.setting.is_some(), row: Some(row), look_after: now, ..Halt::default() }
    }

    fn asg(&self) -> std::sync::Arc<str> {
        self.row.as_ref().map_or_else(|| "".into(), |row| row.asg.as_str().into())
    }
}

impl Core {
    /// Sends the next call about each group whose breaker is, or was, open.
    pub(in crate::decide) fn plan_halts(&mut self, now: &mut Now) {
        self.halts_wake = Time::NEVER;
        for group in 0..self.halts.len() {
            if self.asgs[group].name.is_none() {
                continue;
            }
            let stance = self.launches.plans[group].guard.stance(now.time);
            if stance == Stance::Closed && self.halts[group].row.is_none() {
                continue;
            }
            if let Stance::Open { until } = stance {
                self.halts_wake = self.halts_wake.min(until);
            }
            let halt = &self.halts[group];
            if halt.in_flight {
                continue;
            }
            if now.time < halt.not_before {
                self.halts_wake = self.halts_wake.min(halt.not_before);
                continue;
            }
            if self.auto.check(now.time).is_err() {
                self.halts_wake = self.halts_wake.min(self.auto.next_chance(now.time));
                continue;
            }
            let before = halt.launching;
            if let Some(mark) = self.next_of_halt(group, stance, now) {
                let halt = &mut self.halts[group];
                halt.before = before;
                if let Mark::Suspend { .. } | Mark::Resume { .. } = mark {
                    halt.launching = None;
                }
                let sent = self.send_mark(mark, now).is_ok();
                self.halts[group].in_flight = sent;
            }
        }
    }

    /// The next call, with what is to be known after a crash written down.
    fn next_of_halt(&mut self, group: usize, stance: Stance, now: &mut Now) -> Option<Mark> {
        let raising = self.has_raise_to_fill(group);
        let halt = &mut self.halts[group];
        let asg = halt.asg();
        let Some(row) = &halt.row else {
            return match stance {
                Stance::Open { .. } => self.begin_halt(group, now),
                Stance::HalfOpen | Stance::Closed => None,
            };
        };
        if let Some((_, to)) = row.setting {
            return Some(Mark::Desired { asg, desired: to });
        }
        match stance {
            Stance::Open { .. } => {
                halt.trial = false;
                (halt.launching != Some(false)).then(|| suspend(asg))
            }
            Stance::HalfOpen if halt.trial => {
                // Nothing of ours that is on its way is to be refused.
                let ours = self.launches.open.values().any(|l| l.group == group) || raising;
                let out = self.launches.plans[group].guard.trial_is_out() && !ours;
                match (halt.launching, out) {
                    (Some(true), false) | (Some(false), true) => None,
                    (Some(true) | None, true) => Some(suspend(asg)),
                    // The call was throttled or lost.
                    (Some(false) | None, false) => self.resume(group),
                }
            }
            Stance::HalfOpen if halt.launching == Some(false) => self.try_some(group, now),
            Stance::HalfOpen => Some(suspend(asg)),
            Stance::Closed => self.end_halt(group, now),
        }
    }

    /// The breaker has just opened.
    fn begin_halt(&mut self, group: usize, now: &mut Now) -> Option<Mark> {
        let asg = self.asgs[group].name.clone()?;
        let halt = &self.halts[group];
        let Some(seen) = &self.asgs[group].seen else {
            self.sweep_at_once(group, now);
            return None;
        };
        // Unless that is how it looked while it was ours.
        if seen.asked_at > halt.look_after && seen.suspended.iter().any(|p| p == LAUNCH) {
            return None;
        }
        let name = self.ledger.groups[group].spec.name.clone();
        let text =
            format!("group {name}: {asg} launches nothing until its instances are being verified again");
        let row = HaltRow {
            group: name,
            asg: asg.to_string(),
            since: now.time,
            suspended: false,
            put_off: 0,
            setting: None,
            ended_at: None,
        };
        self.ledger.journal(now.time, None, None, "halt", text);
        self.halts[group] = Halt { row: Some(row), launching: Some(true), ..Halt::default() };
        self.write_halt(group);
        Some(suspend(asg))
    }

    /// The breaker is half open and the group halted: it lacks only a trial's few, and may launch those.
    fn try_some(&mut self, group: usize, now: &mut Now) -> Option<Mark> {
        let settled = self.halts[group].look_after.plus(SETTLED);
        let (desired, counted, least) = self.fresh_sizes(group, settled, now)?;
        // What is asked of us is tried by us.
        let ours = self.ledger.groups[group].queued > 0;
        let few = if ours { 0 } else { self.launches.plans[group].guard.trial_size() };
        let to = counted.saturating_add(few).max(least);
        if desired > to {
            return self.set_desired(group, desired, to);
        }
        let text =
            format!("{} may launch {} to try", self.halts[group].asg(), desired.saturating_sub(counted));
        self.ledger.journal(now.time, None, None, "halt_trial", text);
        self.halts[group].trial = true;
        self.resume(group)
    }

    /// The breaker has closed: the group launches again, and what was put off as well.
    fn end_halt(&mut self, group: usize, now: &mut Now) -> Option<Mark> {
        let halt = &self.halts[group];
        if halt.launching != Some(true) {
            return self.resume(group);
        }
        let put_off = halt.row.as_ref()?.put_off;
        if put_off > 0 {
            let (desired, ..) = self.fresh_sizes(group, halt.look_after, now)?;
            let most = self.asgs[group].seen.as_ref()?.max;
            return self.set_desired(group, desired, desired.saturating_add(put_off).min(most));
        }
        let halt = &mut self.halts[group];
        if let Some(row) = &mut halt.row {
            row.ended_at = Some(now.time);
            let text = format!("{} launches again", row.asg);
            self.ledger.journal(now.time, None, None, "halt_end", text);
        }
        self.write_halt(group);
        self.halts[group] = Halt { look_after: now.time, ..Halt::default() };
        None
    }

    /// The group's desired capacity, what it has of it, and its minimum, by a look after `since`, and after
    /// anything of ours that changes it.
    fn fresh_sizes(&mut self, group: usize, since: Time, now: &Now) -> Option<(u32, u32, u32)> {
        let launching = self.launches.open.values().any(|l| l.group == group);
        if self.has_raise_to_show(group) || launching || self.asgs[group].resizing > 0 {
            self.sweep_soon(group, now);
            return None;
        }
        let since = since.max(self.asgs[group].resized_at).max(self.launches.plans[group].settled_at);
        let seen = self.asgs[group].seen.as_ref();
        let fresh = seen.filter(|s| !s.stale && s.asked_at > since && now.time.since(s.at) <= FRESH);
        let Some(seen) = fresh else {
            if now.time > since {
                let since = Time(since.0.saturating_add(1)).max(now.time.minus(FRESH));
                self.look_since(group, since, now);
            } else {
                self.halts_wake = self.halts_wake.min(Time(since.0.saturating_add(1)));
            }
            return None;
        };
        let counted = seen.members.values().filter(|m| is_counted(m.lifecycle)).count();
        Some((seen.desired, u32::try_from(counted).unwrap_or(u32::MAX), seen.min))
    }

    fn set_desired(&mut self, group: usize, from: u32, to: u32) -> Option<Mark> {
        let asg = self.halts[group].asg();
        self.halts[group].row.as_mut()?.setting = Some((from, to));
        self.halts[group].heard = false;
        self.write_halt(group);
        Some(Mark::Desired { asg, desired: to })
    }

    fn resume(&mut self, group: usize) -> Option<Mark> {
        let halt = &mut self.halts[group];
        let asg = halt.asg();
        halt.row.as_mut()?.suspended = false;
        self.write_halt(group);
        Some(Mark::Resume { asg, processes: vec![LAUNCH.into()] })
    }

    fn write_halt(&mut self, group: usize) {
        self.ledger.changes.halts.extend(self.halts[group].row.clone());
    }

    /// Books what a call came to, if it was one of these.
    pub(in crate::decide) fn halt_marked(
        &mut self,
        mark: &Mark,
        outcome: &Result<Marked, CallError>,
        now: &Now,
    ) {
        let Some(group) = self.halt_of(mark) else { return };
        let halt = &mut self.halts[group];
        halt.in_flight = false;
        let Err(error) = outcome else {
            halt.failures = 0;
            halt.look_after = now.time;
            self.halt_is_marked(group, mark);
            return;
        };
        if is_refusal(error.class) && halt.row.as_ref().is_some_and(|row| row.setting.is_some()) {
            halt.not_before = now.time.plus(AFTER_REFUSAL);
            if let Some(row) = &mut halt.row {
                row.setting = None;
                let text = format!("{}: its desired capacity cannot be set: {error}", row.asg);
                self.ledger.journal(now.time, None, None, "halt", text);
            }
            self.write_halt(group);
            return;
        }
        if error.class == ErrorClass::Throttle {
            // Nothing was done, and the bucket decides when it goes again.
            halt.launching = halt.before;
            halt.not_before = now.time.plus(PAUSE);
            // By then the group may want another number, which this one would overwrite.
            if !halt.heard && halt.row.as_mut().is_some_and(|row| row.setting.take().is_some()) {
                self.write_halt(group);
            }
            return;
        }
        halt.heard = true;
        halt.not_before = now.time.plus(PAUSE * 2u32.pow(halt.failures.min(5)));
        halt.failures += 1;
    }

    /// AWS did it.
    fn halt_is_marked(&mut self, group: usize, mark: &Mark) {
        let halt = &mut self.halts[group];
        let Some(row) = &mut halt.row else { return };
        match mark {
            Mark::Suspend { .. } => {
                halt.launching = Some(false);
                row.suspended = true;
            }
            Mark::Resume { .. } => halt.launching = Some(true),
            Mark::Desired { .. } => {
                if let Some((from, to)) = row.setting.take() {
                    // Given back as far as the maximum allows; the rest nobody can have.
                    let rest = row.put_off.saturating_add(from).saturating_sub(to);
                    row.put_off = if to < from { rest } else { 0 };
                }
            }
            Mark::ScaleInProtection { .. }
            | Mark::EnterStandby { .. }
            | Mark::Detach { .. }
            | Mark::ExitStandby { .. }
            | Mark::TerminationProtection { .. }
            | Mark::IsTerminationProtected { .. }
            | Mark::Quarantined { .. } => {}
        }
        self.write_halt(group);
        self.is_not_as_seen(group);
    }

    /// The group that this call was sent for, if it was sent from here.
    fn halt_of(&self, mark: &Mark) -> Option<usize> {
        let of = |asg: &str| {
            let fits = |halt: &&Halt| halt.row.as_ref().is_some_and(|row| row.asg == asg);
            self.halts.iter().position(|halt| halt.in_flight && fits(&halt))
        };
        match mark {
            Mark::Suspend { asg, processes } | Mark::Resume { asg, processes } => {
                of(asg).filter(|_| *processes == [LAUNCH])
            }
            Mark::Desired { asg, desired } => of(asg).filter(|group| {
                let setting = self.halts[*group].row.as_ref().and_then(|row| row.setting);
                setting.is_some_and(|(_, to)| to == *desired)
            }),
            Mark::ScaleInProtection { .. }
            | Mark::EnterStandby { .. }
            | Mark::Detach { .. }
            | Mark::ExitStandby { .. }
            | Mark::TerminationProtection { .. }
            | Mark::IsTerminationProtected { .. }
            | Mark::Quarantined { .. } => None,
        }
    }

    /// A group is halted, or not yet as it was before.
    pub(in crate::decide) fn is_halted(&self, group: usize) -> bool {
        self.halts[group].row.is_some()
    }

    /// Its desired capacity is being set to a number that a look made right.
    pub(in crate::decide) fn is_setting_desired(&self, group: usize) -> bool {
        self.halts[group].row.as_ref().is_some_and(|row| row.setting.is_some())
    }

    /// How much of what a group is wanted to have is put off; none while that is being changed.
    pub(in crate::decide) fn put_off(&self, group: usize) -> Option<u32> {
        let Some(row) = &self.halts[group].row else { return Some(0) };
        row.setting.is_none().then_some(row.put_off)
    }

    /// One less is put off, since nobody wants it any more: whether there was one.
    pub(in crate::decide) fn take_from_put_off(&mut self, group: usize) -> bool {
        let some = self.put_off(group).is_some_and(|n| n > 0);
        if let Some(row) = self.halts[group].row.as_mut().filter(|_| some) {
            row.put_off -= 1;
            self.write_halt(group);
        }
        some
    }

    /// Whether its desired capacity may be raised: it may launch, and nothing is being set here.
    pub(in crate::decide) fn may_raise(&self, group: usize) -> Result<(), Wait> {
        self.may_launch_in(group)?;
        let setting = self.halts[group].row.as_ref().is_some_and(|row| row.setting.is_some());
        let trial = self.launches.plans[group].guard.trial_size();
        if setting { Err(Wait::BreakerTrial { tried: 0, trial }) } else { Ok(()) }
    }

    /// Whether we may launch in a group: while it is halted, AWS refuses our own launches too.
    pub(in crate::decide) fn may_launch_in(&self, group: usize) -> Result<(), Wait> {
        let halt = &self.halts[group];
        let Some(row) = &halt.row else { return Ok(()) };
        // What is put off comes back first: it is added to what a look shows, and nothing may change that meanwhile.
        let trying = row.put_off == 0 || self.launches.plans[group].guard.is_half_open();
        if halt.launching == Some(true) && row.setting.is_none() && trying {
            return Ok(());
        }
        Err(Wait::BreakerTrial { tried: 0, trial: self.launches.plans[group].guard.trial_size() })
    }
}

fn suspend(asg: std::sync::Arc<str>) -> Mark {
    Mark::Suspend { asg, processes: vec![LAUNCH.into()] }
}

/// Members that are held against the desired capacity.
pub(in crate::decide) fn is_counted(lifecycle: Lifecycle) -> bool {
    match lifecycle {
        Lifecycle::Pending
        | Lifecycle::PendingWait
        | Lifecycle::PendingProceed
        | Lifecycle::InService
        | Lifecycle::ReplacingRootVolume
        | Lifecycle::ReplacingRootVolumeWait
        | Lifecycle::ReplacingRootVolumeProceed
        | Lifecycle::RootVolumeReplaced
        // A state that is newer than muster: one too many is safe, one too few scales somebody in.
        | Lifecycle::Other => true,
        Lifecycle::EnteringStandby
        | Lifecycle::Standby
        | Lifecycle::Detaching
        | Lifecycle::Detached
        | Lifecycle::Quarantined
        | Lifecycle::Terminating
        | Lifecycle::TerminatingWait
        | Lifecycle::TerminatingProceed
        | Lifecycle::TerminatingRetained
        | Lifecycle::Terminated
        | Lifecycle::WarmedPending
        | Lifecycle::WarmedPendingWait
        | Lifecycle::WarmedPendingProceed
        | Lifecycle::WarmedPendingRetained
        | Lifecycle::WarmedStopped
        | Lifecycle::WarmedRunning
        | Lifecycle::WarmedHibernated
        | Lifecycle::WarmedTerminating
        | Lifecycle::WarmedTerminatingWait
        | Lifecycle::WarmedTerminatingProceed
        | Lifecycle::WarmedTerminatingRetained
        | Lifecycle::WarmedTerminated => false,
    }
}

/// AWS will not do this, however often it is asked.
fn is_refusal(class: ErrorClass) -> bool {
    match class {
        ErrorClass::Configuration
        | ErrorClass::Size
        | ErrorClass::Quota
        | ErrorClass::TooMany
        | ErrorClass::Capacity
        | ErrorClass::Unsupported
        | ErrorClass::Addresses => true,
        ErrorClass::Throttle
        | ErrorClass::Unknown
        | ErrorClass::NotFound
        | ErrorClass::TokenSpent
        | ErrorClass::TokenMismatch
        | ErrorClass::Contention
        | ErrorClass::NoAction => false,
    }
}
