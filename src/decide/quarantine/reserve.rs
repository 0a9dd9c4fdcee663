//! The reserve: verified instances of a group that do not serve until they are wanted.
//!
//! One scale-up of muster's own fills it, after every other: it is opened when nobody else is queued, and gives its
//! queued slots up as soon as somebody is. What it brings into service is taken out of it at once, by
//! `EnterStandby` in an Auto Scaling group (whose desired capacity is lowered again by as many) and by nobody's
//! leave in a plain fleet. Whoever is in reserve holds a place under the group's maximum, so a scale-up that
//! finds no place gets the reserve's instances, in an emergency or not.
//!
//! Where a group has a warm pool, that is its reserve: AWS takes from it by itself whenever the desired capacity is
//! raised, and muster keeps none beside it.

use std::time::Duration;

use super::Kept;
use super::words::{Keeping, Purpose, QuarantineEnd, QuarantineRow, QuarantineState};
use crate::decide::asg::seen::Lifecycle;
use crate::decide::ledger::ScaleUp;
use crate::decide::wait::Wait;
use crate::decide::words::{Ec2Id, InstanceRef, Origin, Phase, ScaleUpSeq, Time};
use crate::decide::{Core, Now};

/// A reserve that could not be filled is tried again after so long, doubling to 16 times that (16 min). Longer: an
/// emergency finds less. Shorter: more calls, and more scale-ups in the books, for what nobody waits for.
const TRY_AGAIN: Duration = Duration::from_secs(60);
const DOUBLINGS: u32 = 4;

impl Core {
    /// Gives what is in reserve to those who want it, and fills it when nobody does.
    pub(super) fn plan_reserve(&mut self, now: &mut Now) {
        for group in 0..self.ledger.groups.len() {
            let has_any = self.quarantine.rows.values().any(|k| k.is_of_reserve(group));
            if self.ledger.groups[group].spec.reserve.is_none() && !has_any {
                continue;
            }
            self.give_way_to_others(group, now);
            self.use_reserve(group, now);
            self.shrink_reserve(group, now);
            self.fill_reserve(group, now);
        }
    }

    /// A scale-up that fills a reserve has brought this instance into service: it is taken out of it again.
    pub(in crate::decide) fn goes_into_reserve(&mut self, instance: InstanceRef, now: &mut Now) {
        let Some(scale_up) = self.ledger.scale_ups.get(&instance.slot.scale_up) else { return };
        let group = scale_up.group;
        let id = self.ledger.current(instance).and_then(|s| s.id);
        let Some(id) = id.filter(|_| scale_up.row.origin == Origin::Reserving) else { return };
        let Some(served) = self.ledger.serving.get(&id) else { return };
        let zone = self.ledger.served_zone(served);
        let grouped = self.asgs[group].name.is_some();
        let row = QuarantineRow {
            purpose: Purpose::Reserve,
            instance: Some(instance),
            launch: (served.launch.0 != 0).then_some(served.launch),
            address: served.address,
            zone: (!zone.is_empty()).then(|| zone.to_string()),
            until: Time::NEVER,
            ..self.asked(
                id,
                group,
                Phase::InService,
                "in reserve".to_string(),
                if grouped { Keeping::Standby } else { Keeping::Apart },
                now,
            )
        };
        self.ask_for(row, group, now);
    }

    /// It is out of service.
    pub(super) fn is_in_reserve(&mut self, id: Ec2Id, row: &QuarantineRow, now: &Now) {
        self.write_quarantine(id);
        self.ledger.set_served_aside(id, Phase::Reserved, now.time, &row.reason);
        let text = format!("{id}: verified, and kept in reserve ({})", row.how);
        self.ledger.journal(now.time, row.scale_up(), row.instance, "reserve", text);
    }

    /// The scale-up that fills a group's reserve, if one is open.
    fn filling(&self, group: usize) -> Option<(ScaleUpSeq, &ScaleUp)> {
        let seq = self.ledger.groups[group].filling?;
        self.ledger.scale_ups.get(&seq).map(|s| (seq, s))
    }

    /// Slots that are queued for a group's reserve.
    pub(in crate::decide) fn queued_for_reserve(&self, group: usize) -> u32 {
        if self.ledger.groups[group].queued == 0 {
            return 0;
        }
        self.filling(group).map_or(0, |(_, s)| s.phases.get(Phase::Queued))
    }

    /// Slots that are on their way into a group's reserve.
    pub(super) fn coming_for_reserve(&self, group: usize) -> u32 {
        self.filling(group).map_or(0, |(_, s)| s.row.wanted - s.row.in_service - s.row.withdrawn)
    }

    /// Ready instances of the group's warm pool; none if a look has never shown one.
    pub(super) fn warm_pool_of(&self, group: usize) -> Option<u32> {
        let seen = self.asgs[group].seen.as_ref()?;
        let warm = seen.members.values().filter(|m| is_warm(m.lifecycle));
        let ready = warm.clone().filter(|m| is_ready(m.lifecycle)).count();
        warm.clone().next().map(|_| u32::try_from(ready).unwrap_or(u32::MAX))
    }

    /// Whoever else is wanted comes first, in this group and where all groups draw on the same; and while nothing
    /// can be launched, nothing waits for the reserve.
    fn give_way_to_others(&mut self, group: usize, now: &Now) {
        if self.queued_for_reserve(group) == 0 {
            return;
        }
        let why = if self.others_are_wanted(group) {
            "others are wanted first".to_string()
        } else {
            let trouble = self.launches.plans[group].wait.as_ref();
            let trouble = trouble.filter(|wait| matches!(holdup(wait), Holdup::Scarce | Holdup::Trouble));
            let Some(wait) = trouble else { return };
            format!("the reserve does not wait for what is scarce: {}", wait.describe(now.time))
        };
        if let Some((seq, _)) = self.filling(group) {
            self.ledger.withdraw_queued(seq, now.time, &why);
        }
    }

    /// Slots are queued that somebody wants: of this group, or of one that waits for what all groups share.
    fn others_are_wanted(&self, group: usize) -> bool {
        let wanted = |g: usize| self.ledger.groups[g].queued > self.queued_for_reserve(g);
        let shared = |g: usize| {
            self.launches.plans[g]
                .wait
                .as_ref()
                .is_none_or(|wait| matches!(holdup(wait), Holdup::Shared | Holdup::Scarce))
        };
        (0..self.ledger.groups.len()).any(|g| wanted(g) && (g == group || shared(g)))
    }

    /// Opens a scale-up for what is missing, if nothing speaks against it.
    fn fill_reserve(&mut self, group: usize, now: &mut Now) {
        let Some(spec) = self.ledger.groups[group].spec.reserve else { return };
        let has = self.quarantine.rows.values().filter(|k| k.is_of_reserve(group) && k.is_kept()).count();
        let missing = spec.size.saturating_sub(u32::try_from(has).unwrap_or(u32::MAX));
        if missing == 0 || self.filling(group).is_some() {
            return;
        }
        let after = self.quarantine.fill_after.get(&group).map_or(Time(0), |(after, _)| *after);
        if now.time < after {
            self.quarantine.wake = self.quarantine.wake.min(after);
            return;
        }
        let grouped = self.asgs[group].name.is_some();
        let seen = self.asgs[group].seen.is_some();
        let blocked = self.others_are_wanted(group)
            || self.launches.plans[group].guard.is_open(now.time)
            || self.is_halted(group)
            || self.frozen_until(group, now.time).is_some()
            || self.warm_pool_of(group).is_some()
            || grouped && !seen;
        let g = &self.ledger.groups[group];
        let (max, live) = if grouped { self.occupied(group) } else { (g.spec.max, g.taken) };
        let n = missing.min(max.saturating_sub(live));
        if blocked || n == 0 {
            // Whatever ends it may be nothing that is told to us.
            self.quarantine.wake = self.quarantine.wake.min(now.time.plus(TRY_AGAIN));
            return;
        }
        let reason = format!("{n} of the {} that are to be in reserve", spec.size);
        self.open_own(group, n, Origin::Reserving, None, reason, now);
    }

    /// Ends those that are more than is configured, the newest first.
    fn shrink_reserve(&mut self, group: usize, now: &Now) {
        let size = self.ledger.groups[group].spec.reserve.map_or(0, |r| r.size as usize);
        let kept = self.quarantine.rows.values().filter(|k| k.is_of_reserve(group));
        let kept = kept.filter(|k| k.row.state == QuarantineState::Kept);
        let mut kept: Vec<(Time, Ec2Id)> = kept.map(|k| (k.row.since, k.row.id)).collect();
        if kept.len() <= size {
            return;
        }
        kept.sort_unstable();
        for (_, id) in kept.split_off(size) {
            if self.hold_on(id, now.time).is_none() {
                self.let_go_of(id, QuarantineEnd::Surplus, None, now);
            }
        }
    }

    /// A scale-up has ended: if it was to fill a reserve and could not, that is not tried again at once.
    pub(in crate::decide) fn reserve_closed(&mut self, closed: &ScaleUp, now: &Now) {
        if closed.row.origin != Origin::Reserving {
            return;
        }
        if closed.row.withdrawn == 0 {
            self.quarantine.fill_after.remove(&closed.group);
            return;
        }
        let (after, tries) = self.quarantine.fill_after.entry(closed.group).or_default();
        *after = now.time.plus(TRY_AGAIN * 2u32.pow((*tries).min(DOUBLINGS)));
        *tries += 1;
        self.quarantine.wake = self.quarantine.wake.min(*after);
    }
}

impl Kept {
    pub(super) fn is_of_reserve(&self, group: usize) -> bool {
        self.group == group && self.row.purpose == Purpose::Reserve
    }
}

/// What a launch waits for, as far as a reserve has to mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holdup {
    /// All groups draw on it.
    Shared,
    /// The same, and there is little of it.
    Scarce,
    /// A sign that launching in this group is a bad idea, or leads nowhere.
    Trouble,
    /// It passes.
    Passing,
}

fn holdup(wait: &Wait) -> Holdup {
    match wait {
        Wait::InstanceTokens { .. }
        | Wait::RequestTokens { .. }
        | Wait::ApiBackoff { .. }
        | Wait::CallsInFlight { .. } => Holdup::Shared,
        Wait::Quota { .. } | Wait::Capacity { .. } => Holdup::Scarce,
        Wait::GroupMax { .. }
        | Wait::BreakerOpen { .. }
        | Wait::BreakerTrial { .. }
        | Wait::ZoneWeights { .. }
        | Wait::NoLaunchHook
        | Wait::Behind { .. }
        | Wait::Refused { .. }
        | Wait::Resend { .. } => Holdup::Trouble,
        Wait::KeepFailing { .. }
        | Wait::Canary { .. }
        | Wait::Booting { .. }
        | Wait::Configuring { .. }
        | Wait::Verifying { .. }
        | Wait::Admitting { .. }
        | Wait::Contacts { .. }
        | Wait::Unseen { .. }
        | Wait::Raising { .. }
        | Wait::Terminating
        | Wait::Held { .. }
        | Wait::Frozen { .. } => Holdup::Passing,
    }
}

/// It is in the warm pool, or on its way into or out of it.
fn is_warm(lifecycle: Lifecycle) -> bool {
    lifecycle.as_str().starts_with("Warmed:")
}

fn is_ready(lifecycle: Lifecycle) -> bool {
    matches!(lifecycle, Lifecycle::WarmedStopped | Lifecycle::WarmedRunning | Lifecycle::WarmedHibernated)
}
