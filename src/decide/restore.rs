//! Going on from what was stored: the same path for a first start, a restart and a takeover.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::contacts::limit_of;
use super::group::{Group, LaunchBody};
use super::guard::halt::Halt;
use super::hook::book::Hook;
use super::hook::hopeless::first_look;
use super::hook::notice::{HookResult, HookState, Transition};
use super::launches::Launch;
use super::patience::Mark;
use super::presence::Presence;
use super::retire::words::{RemovalState, ScaleInState};
use super::rows::{HealthRow, HookRow, RemovalRow, Restored, ScaleInRow, VersionRow};
use super::timers::Due;
use super::words::{InstanceRef, LaunchSeq, Origin, Phase, ScaleUpState, SlotId, Time};
use super::{Core, Now, Rng, Settings};

/// Why stored state cannot be gone on from. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error(
        "group '{group}' is not configured, but {what} belongs to it: put the group back into the configuration, \
         or let it finish first"
    )]
    GroupMissing { group: String, what: String },
    #[error("launch {launch}: the stored request cannot be read: {error}")]
    Body { launch: u64, error: String },
    #[error("slot {slot} has no stored instance although its scale-up says that it was planned")]
    SlotMissing { slot: SlotId },
    #[error("slot {slot} is in launch {launch}, which is not stored as unsettled")]
    LaunchMissing { slot: SlotId, launch: u64 },
}

impl Core {
    /// A core that goes on where another stopped.
    ///
    /// # Errors
    /// If what was stored cannot be gone on from; see [`RestoreError`].
    pub fn restored(
        settings: Settings,
        groups: Vec<Arc<Group>>,
        stored: Restored,
        time: Time,
        entropy: u64,
    ) -> Result<Core, RestoreError> {
        let mut core = Core::new(settings, groups);
        core.last_scale_up = stored.last_scale_up;
        core.launches.last_seq = stored.last_launch;
        for row in &stored.budgets {
            for api in
                [&mut core.run, &mut core.describe, &mut core.terminate, &mut core.auto, &mut core.attribute]
                    .into_iter()
                    .chain([&mut core.metrics, &mut core.preflight.budget, &mut core.gateways.budget])
            {
                api.restore(time, row);
            }
        }
        for row in &stored.versions {
            if let Some(g) = core.ledger.group_index(&row.group)
                && core.ledger.groups[g].spec.version == row.version
            {
                core.launches.plans[g].guard.restore(row);
            }
        }
        core.restore_zones(&stored.zones);
        core.restore_picture(&stored.facts);
        core.take_up_gateways(stored.gateways, time);
        core.take_up_gates(stored.gates, stored.overrides);
        core.take_up_calendar(stored.schedules);
        for row in stored.scale_ups {
            core.keys.remember(&row);
            if row.state == ScaleUpState::Done {
                continue;
            }
            let group = core.must_have(&row.group, || format!("scale-up {}", row.id))?;
            if let Some(by) = row.by {
                core.timers.set(by, Due::Deadline(row.seq));
            }
            let seq = row.seq;
            if row.origin == Origin::Adopted {
                core.goes_on_adopting(group, seq);
            }
            core.ledger.restore_scale_up(row, group);
            core.watch_promise(seq, time);
        }
        let aside = Core::kept_of(&stored.quarantine);
        let leaving: BTreeSet<InstanceRef> = stored
            .removals
            .iter()
            .filter(|row| row.state == RemovalState::Leaving)
            .filter_map(|row| row.instance)
            .collect();
        for (row, next) in
            stored.instances.iter().zip(stored.instances.iter().skip(1).map(Some).chain([None]))
        {
            // Those in quarantine are in a book of their own. One whose slot has no newer instance served in it.
            if aside.contains(&row.instance) {
                if next.is_none_or(|next| next.slot() != row.slot()) {
                    core.ledger.restore_slot(row, u16::MAX, true);
                }
                continue;
            }
            // Instances in service of a group that is gone from the configuration are nobody's
            // business any more; everything else is.
            if row.phase == Phase::InService && core.ledger.group_index(&row.group).is_none() {
                continue;
            }
            let group = core.must_have(&row.group, || format!("instance {}", row.instance))?;
            if let Some(id) = row.id.filter(|_| core.asgs[group].name.is_some() && row.phase.occupies()) {
                // One that was adopted before our own launch was answered has two places: the later is on its way.
                let known = core.members.entry(id).or_insert(row.instance);
                if row.phase != Phase::InService {
                    *known = row.instance;
                }
            }
            let version = version_at(&stored.versions, &row.group, row.since);
            core.ledger.restore_instance(row, group, leaving.contains(&row.instance), version);
            if row.phase == Phase::Terminating {
                core.may_have_shrunk(row.instance, row.reason.as_deref());
            }
        }
        core.take_up_retiring(stored.removals, stored.scale_ins, stored.health)?;
        core.take_up_quarantine(stored.quarantine, time)?;
        let mut now = Now { time, rng: Rng::new(entropy), actions: Vec::new() };
        core.take_up_guards(stored.holds, stored.freezes, stored.keeps)?;
        core.take_up_hooks(stored.hooks, stored.last_hook, time)?;
        for row in stored.halts {
            let group = core.must_have(&row.group, || format!("the halt of {}", row.asg))?;
            core.halts[group] = Halt::stored(row, time);
        }
        let grace = Presence::grace(&stored.budgets, time);
        let launching = core.take_up(grace, &mut now)?;
        core.take_up_launches(stored.launches, launching, time)?;
        Ok(core)
    }

    /// Removals, scale-ins and suspended health replacement go on as they were.
    fn take_up_retiring(
        &mut self,
        removals: Vec<RemovalRow>,
        scale_ins: Vec<ScaleInRow>,
        health: Vec<HealthRow>,
    ) -> Result<(), RestoreError> {
        for row in removals {
            let group = self.must_have(&row.group, || format!("the removal of {}", row.id))?;
            self.take_up_removal(row, group);
        }
        for row in scale_ins {
            let open = row.state == ScaleInState::Open;
            match self.ledger.group_index(&row.group) {
                Some(group) => self.take_up_scale_in(row, group),
                None if open => drop(self.must_have(&row.group, || format!("scale-in {}", row.id))?),
                None => {}
            }
        }
        for row in health {
            // A group that is gone from the configuration cannot be asked any more.
            if let Some(group) = self.ledger.group_index(&row.group) {
                self.care[group].row = Some(row);
            }
        }
        Ok(())
    }

    pub(super) fn must_have(&self, group: &str, what: impl Fn() -> String) -> Result<usize, RestoreError> {
        self.ledger
            .group_index(group)
            .ok_or_else(|| RestoreError::GroupMissing { group: group.to_string(), what: what() })
    }

    /// Puts every slot back to where its phase is worked on. Returns who is in which launch.
    fn take_up(
        &mut self,
        grace: Duration,
        now: &mut Now,
    ) -> Result<BTreeMap<LaunchSeq, Vec<InstanceRef>>, RestoreError> {
        let mut launching: BTreeMap<LaunchSeq, Vec<InstanceRef>> = BTreeMap::new();
        let seqs: Vec<_> = self.ledger.scale_ups.keys().copied().collect();
        for seq in seqs {
            let n = self.ledger.scale_ups.get(&seq).map_or(0, |s| s.row.planned);
            for ordinal in 0..n {
                let slot = SlotId { scale_up: seq, ordinal };
                let Some(s) = self.ledger.slot(slot) else { continue };
                let instance = InstanceRef { slot, attempt: s.attempt };
                let (phase, id, launch) = (s.phase, s.id, s.launch);
                if s.attempt == 0 {
                    return Err(RestoreError::SlotMissing { slot });
                }
                match phase {
                    Phase::Launching => launching.entry(launch).or_default().push(instance),
                    Phase::Booting => {
                        if let Some(id) = id {
                            self.boots.watch_at_once(id, instance, now.time);
                        }
                        // No grace: only a look ends a boot, and it shows what is so now.
                        self.watch_again(instance, Duration::ZERO, now);
                    }
                    Phase::Configuring | Phase::Verifying => {
                        self.watch_again(instance, grace, now);
                        // At once: a herd of 100,000 only queues up for the lane, and whoever is
                        // killed every few seconds has no round to wait for.
                        self.timers.set(now.time, Due::Contact(instance));
                    }
                    Phase::Admitting => self.admit_again(instance, now),
                    Phase::Broken if self.is_asked_for(instance) => {}
                    Phase::Broken | Phase::Terminating => self.remove(instance, now),
                    Phase::Queued
                    | Phase::InService
                    | Phase::Quarantined
                    | Phase::Reserved
                    | Phase::Gone
                    | Phase::Withdrawn => {}
                }
            }
            let cancelling =
                self.ledger.scale_ups.get(&seq).is_some_and(|s| s.row.state == ScaleUpState::Cancelling);
            if cancelling {
                self.remove_what_is_under_way(seq, now);
            }
        }
        Ok(launching)
    }

    /// Lifecycle actions that wait for an answer go on waiting; those that ended are remembered, since
    /// their notifications may come again.
    fn take_up_hooks(&mut self, rows: Vec<HookRow>, last: u64, now: Time) -> Result<(), RestoreError> {
        self.hooks.last_seq = last;
        for row in rows {
            if row.state != HookState::Open {
                self.hooks.remember(row);
                continue;
            }
            let group = self.must_have(&row.group, || format!("lifecycle action {}", row.seq.0))?;
            let period = self.asgs[group].heartbeat(&row.hook);
            self.timers.set(first_look(row.ends_at), Due::HookEnd(row.seq));
            let held = self.hold_on(row.id, now).is_some() || self.kept_place(row.id).is_some();
            self.hooks.open(Hook::new(row, group, period).of_held(held));
        }
        Ok(())
    }

    /// Its answer was written down when it was verified; if nothing is open, its group knows what became of it.
    fn admit_again(&mut self, instance: InstanceRef, now: &mut Now) {
        let Some((group, id)) = self.place(instance) else { return };
        let open = self.hooks.of(id, Transition::Launching);
        if open.is_empty() {
            self.sweep_soon(group, now);
        }
        for seq in open {
            self.settle_hook(seq, HookResult::Continue, now);
            // What was written down before has the age that it has.
            let proof_at = self.proof_of(seq, HookResult::Continue);
            self.hooks.change(seq, |h| h.proof_at = proof_at);
        }
    }

    fn watch_again(&mut self, instance: InstanceRef, grace: Duration, now: &Now) {
        let Some(s) = self.ledger.slot_mut(instance.slot) else { return };
        let (phase, since) = (s.phase, s.since);
        let Some(limit) = self.ledger.spec_of(instance.slot).and_then(|g| limit_of(phase, g)) else { return };
        let earliest = now.time.plus(grace.min(limit));
        let due = since.plus(limit).max(earliest);
        if let Some(s) = self.ledger.slot_mut(instance.slot) {
            s.since = due.minus(limit);
            s.contact.mark = Mark::UNKNOWN;
        }
        self.timers.set(due, Due::Watchdog(instance));
    }

    fn take_up_launches(
        &mut self,
        rows: Vec<super::rows::LaunchRow>,
        mut launching: BTreeMap<LaunchSeq, Vec<InstanceRef>>,
        now: Time,
    ) -> Result<(), RestoreError> {
        for row in rows {
            let seq = row.seq;
            let body: LaunchBody = serde_json::from_str(&row.body)
                .map_err(|e| RestoreError::Body { launch: seq.0, error: e.to_string() })?;
            let group = self.must_have(&row.group, || format!("launch {}", seq.0))?;
            if let Some(raised) = body.raised {
                let slots = launching.remove(&seq).unwrap_or_default();
                self.take_up_raise(group, row, raised, slots, now);
                continue;
            }
            let pools = &self.ledger.groups[group].spec.launch.pools;
            let pool = pools.iter().position(|p| p.subnet == body.subnet).unwrap_or(usize::MAX);
            let slots = launching.remove(&seq).unwrap_or_default();
            self.launches.open.insert(seq, Launch::stored(row, Arc::new(body), group, pool, slots, now));
        }
        match launching.into_iter().next() {
            Some((launch, slots)) => {
                Err(RestoreError::LaunchMissing { slot: slots[0].slot, launch: launch.0 })
            }
            None => Ok(()),
        }
    }
}

/// The launch version of an instance that is in service since then: the newest that had been in service
/// by then. Empty if none had.
fn version_at(versions: &[VersionRow], group: &str, since: Time) -> Arc<str> {
    let proven = versions.iter().filter(|v| v.group == group && v.proven_at.is_some_and(|at| at <= since));
    proven.max_by_key(|v| v.proven_at).map_or_else(|| Arc::from(""), |v| Arc::from(v.version.as_str()))
}
