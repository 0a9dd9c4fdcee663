//! The database of a run: what was committed and under which epoch.
//!
//! Kept in memory, with the store's own rules (whole rows by key, a reason once set stays, nobody
//! but the newest owner writes). A share of the runs keeps the same on a real store beside it, and
//! reads back from there: the two must agree.

use std::collections::{BTreeMap, HashMap};

use crate::decide::gateway::calendar::words::ScheduleRow;
use crate::decide::gateway::gate::{GateRow, OverrideRow};
use crate::decide::gateway::words::GatewayRow;
use crate::decide::guard::lease::{FreezeRow, HoldRow, KeepRow, KeepState, LeaseState, Marking};
use crate::decide::hook::notice::HookState;
use crate::decide::quarantine::words::{QuarantineRow, QuarantineState};
use crate::decide::retire::words::ScaleInState;
use crate::decide::rows::{
    BudgetRow, Changes, FactRow, HaltRow, HealthRow, HookRow, InstanceRow, JournalRow, LaunchRow,
    PreflightRow, RemovalRow, Restored, ScaleInRow, ScaleUpRow, VersionRow, ZoneRow,
};
use crate::decide::words::{
    Ec2Id, HookSeq, InstanceRef, LaunchSeq, LaunchState, Phase, ScaleUpSeq, ScaleUpState, SlotId, Time,
};

/// A real store under the books.
pub trait Disk {
    /// Takes the ownership; the new epoch.
    ///
    /// # Errors
    /// What the store says.
    fn take_over(&mut self, now: Time) -> Result<i64, String>;

    /// # Errors
    /// What the store says; fenced or not.
    fn commit(&mut self, epoch: i64, changes: &Changes) -> Result<(), String>;

    /// # Errors
    /// What the store says.
    fn restore(&mut self, keys_since: Time) -> Result<Restored, String>;
}

/// Another process has taken over; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fenced;

/// Every committed row.
#[derive(Default)]
pub struct Books {
    pub scale_ups: BTreeMap<ScaleUpSeq, ScaleUpRow>,
    pub launches: BTreeMap<LaunchSeq, LaunchRow>,
    pub instances: BTreeMap<InstanceRef, InstanceRow>,
    versions: BTreeMap<(String, String), VersionRow>,
    budgets: BTreeMap<String, BudgetRow>,
    pub hooks: BTreeMap<HookSeq, HookRow>,
    pub removals: BTreeMap<Ec2Id, RemovalRow>,
    pub scale_ins: BTreeMap<String, ScaleInRow>,
    health: BTreeMap<String, HealthRow>,
    pub holds: BTreeMap<String, HoldRow>,
    pub freezes: BTreeMap<String, FreezeRow>,
    pub keeps: BTreeMap<(String, Marking), KeepRow>,
    pub zones: BTreeMap<(String, String), ZoneRow>,
    pub halts: BTreeMap<String, HaltRow>,
    pub quarantine: BTreeMap<Ec2Id, QuarantineRow>,
    facts: BTreeMap<String, FactRow>,
    pub preflights: BTreeMap<ScaleUpSeq, PreflightRow>,
    pub gateways: BTreeMap<String, GatewayRow>,
    pub gates: BTreeMap<(String, String), GateRow>,
    pub overrides: BTreeMap<String, OverrideRow>,
    pub schedules: BTreeMap<String, ScheduleRow>,
    by_token: HashMap<String, LaunchSeq>,
    by_id: HashMap<Ec2Id, InstanceRef>,
    /// Instances that the journal calls strays: more than a launch's slots.
    strays: Vec<Ec2Id>,
    open: u32,
    epoch: i64,
    disk: Option<Box<dyn Disk>>,
    /// What the real store did that it must not.
    pub disagreements: Vec<String>,
}

impl Books {
    #[must_use]
    pub fn new(disk: Option<Box<dyn Disk>>) -> Books {
        Books { disk, ..Books::default() }
    }

    /// As if this launch version had been in service before.
    pub fn prove(&mut self, group: &str, version: &str, at: Time) {
        let row = VersionRow {
            group: group.into(),
            version: version.into(),
            proven_at: Some(at),
            open_until: None,
            opened: 0,
        };
        let changes = Changes { versions: vec![row], ..Changes::default() };
        let epoch = self.take_over(at);
        if self.commit(epoch, &changes).is_err() {
            self.disagreements.push("the first owner is fenced".into());
        }
    }

    /// A new owner; the epoch it writes under.
    pub fn take_over(&mut self, now: Time) -> i64 {
        self.epoch += 1;
        if let Some(disk) = &mut self.disk {
            match disk.take_over(now) {
                Ok(epoch) if epoch == self.epoch => {}
                Ok(epoch) => self.disagreements.push(format!("epoch {epoch}, not {}", self.epoch)),
                Err(error) => self.disagreements.push(format!("take over: {error}")),
            }
        }
        self.epoch
    }

    /// Commits, if the epoch is the newest.
    ///
    /// # Errors
    /// If it is not; nothing was changed.
    pub fn commit(&mut self, epoch: i64, changes: &Changes) -> Result<(), Fenced> {
        let newest = epoch == self.epoch;
        if let Some(disk) = &mut self.disk {
            let on_disk = disk.commit(epoch, changes);
            if on_disk.is_ok() != newest {
                self.disagreements.push(format!("commit under epoch {epoch}: {on_disk:?}"));
            }
        }
        if newest {
            self.write(changes);
            Ok(())
        } else {
            Err(Fenced)
        }
    }

    /// Writes whatever the epoch is. Only a mutant comes here by itself.
    pub fn write(&mut self, changes: &Changes) {
        for row in &changes.scale_ups {
            let was_open = self.scale_ups.get(&row.seq).is_some_and(|r| r.state != ScaleUpState::Done);
            let is_open = row.state != ScaleUpState::Done;
            self.open = self.open + u32::from(is_open) - u32::from(was_open);
            self.scale_ups.insert(row.seq, row.clone());
        }
        for row in &changes.launches {
            self.by_token.insert(row.token.clone(), row.seq);
            self.launches.insert(row.seq, row.clone());
        }
        for row in &changes.instances {
            let mut row = row.clone();
            if row.reason.is_none() {
                row.reason = self.instances.get(&row.instance).and_then(|old| old.reason.clone());
            }
            if let Some(id) = row.id {
                self.by_id.insert(id, row.instance);
            }
            self.instances.insert(row.instance, row);
        }
        for row in &changes.versions {
            self.versions.insert((row.group.clone(), row.version.clone()), row.clone());
        }
        for row in &changes.budgets {
            self.budgets.insert(row.name.clone(), row.clone());
        }
        self.hooks.extend(changes.hooks.iter().map(|row| (row.seq, row.clone())));
        self.removals.extend(changes.removals.iter().map(|row| (row.id, row.clone())));
        self.scale_ins.extend(changes.scale_ins.iter().map(|row| (row.id.clone(), row.clone())));
        self.health.extend(changes.health.iter().map(|row| (row.group.clone(), row.clone())));
        self.holds.extend(changes.holds.iter().map(|row| (row.lease.id.clone(), row.clone())));
        self.freezes.extend(changes.freezes.iter().map(|row| (row.lease.id.clone(), row.clone())));
        let keeps = changes.keeps.iter().map(|row| ((row.subject.clone(), row.marking), row.clone()));
        self.keeps.extend(keeps);
        self.zones
            .extend(changes.zones.iter().map(|row| ((row.group.clone(), row.zone.clone()), row.clone())));
        self.halts.extend(changes.halts.iter().map(|row| (row.group.clone(), row.clone())));
        self.quarantine.extend(changes.quarantine.iter().map(|row| (row.id, row.clone())));
        self.facts.extend(changes.facts.iter().map(|row| (row.subject.clone(), row.clone())));
        self.preflights.extend(changes.preflights.iter().map(|row| (row.scale_up, row.clone())));
        self.gateways.extend(changes.gateways.iter().map(|row| (row.id.clone(), row.clone())));
        let gates = changes.gates.iter().map(|row| ((row.group.clone(), row.gateway.clone()), row.clone()));
        self.gates.extend(gates);
        self.overrides.extend(changes.overrides.iter().map(|row| (row.lease.id.clone(), row.clone())));
        self.schedules.extend(changes.schedules.iter().map(|row| (row.id.clone(), row.clone())));
        self.strays.extend(changes.journal.iter().filter_map(stray));
    }

    /// What a starting owner reads back.
    pub fn restore(&mut self, keys_since: Time) -> Restored {
        let remembered = self.remembered(keys_since);
        let Some(disk) = &mut self.disk else { return remembered };
        match disk.restore(keys_since) {
            Ok(stored) => {
                if stored != remembered {
                    self.disagreements.push("what the store gives back is not what was committed".into());
                }
                stored
            }
            Err(error) => {
                self.disagreements.push(format!("restore: {error}"));
                remembered
            }
        }
    }

    fn remembered(&self, keys_since: Time) -> Restored {
        let open = |s: ScaleUpSeq| self.scale_ups.get(&s).is_some_and(|r| r.state != ScaleUpState::Done);
        let newest = |slot: SlotId| self.instances.range(attempts(slot)).next_back().map(|(i, _)| *i);
        let kept = |row: &InstanceRow| {
            let slot = row.instance.slot;
            // An older attempt may hold its place still: it is in quarantine, and is being ended.
            open(slot.scale_up) && newest(slot) == Some(row.instance)
                || matches!(row.phase, Phase::InService | Phase::Broken | Phase::Terminating)
        };
        Restored {
            scale_ups: self
                .scale_ups
                .values()
                .filter(|s| {
                    s.state != ScaleUpState::Done
                        || s.idempotency_key.is_some() && s.accepted_at >= keys_since
                })
                .cloned()
                .collect(),
            launches: self.launches.values().filter(|l| l.state == LaunchState::Unsettled).cloned().collect(),
            instances: self.instances.values().filter(|row| kept(row)).cloned().collect(),
            versions: self.versions.values().cloned().collect(),
            budgets: self.budgets.values().cloned().collect(),
            hooks: self
                .hooks
                .values()
                .filter(|h| h.state == HookState::Open || h.done_at.is_some_and(|at| at >= keys_since))
                .cloned()
                .collect(),
            removals: self.removals.values().filter(|r| !r.state.is_over()).cloned().collect(),
            scale_ins: self
                .scale_ins
                .values()
                .filter(|s| s.state == ScaleInState::Open || s.asked_at >= keys_since)
                .cloned()
                .collect(),
            health: self.health.values().filter(|h| h.resumed_at.is_none()).cloned().collect(),
            holds: self.holds.values().filter(|h| h.lease.state != LeaseState::Done).cloned().collect(),
            freezes: self.freezes.values().filter(|f| f.lease.state != LeaseState::Done).cloned().collect(),
            keeps: self.keeps.values().filter(|k| k.state != KeepState::Restored).cloned().collect(),
            zones: self.zones.values().cloned().collect(),
            halts: self.halts.values().filter(|h| h.ended_at.is_none()).cloned().collect(),
            quarantine: self
                .quarantine
                .values()
                .filter(|q| q.state != QuarantineState::Done)
                .cloned()
                .collect(),
            facts: self.facts.values().cloned().collect(),
            gateways: self.gateways.values().filter(|g| !g.state.is_over()).cloned().collect(),
            gates: self.gates.values().filter(|g| g.ended_at.is_none()).cloned().collect(),
            overrides: self
                .overrides
                .values()
                .filter(|o| o.lease.state != LeaseState::Done)
                .cloned()
                .collect(),
            schedules: self.schedules.values().filter(|s| s.removed_at.is_none()).cloned().collect(),
            last_scale_up: self.scale_ups.keys().next_back().map_or(0, |s| s.0),
            last_launch: self.launches.keys().next_back().map_or(0, |l| l.0),
            last_hook: self.hooks.keys().next_back().map_or(0, |h| h.0),
        }
    }

    /// Scale-ups that are not done.
    #[must_use]
    pub fn open(&self) -> u32 {
        self.open
    }

    #[must_use]
    pub fn launch_of(&self, token: &str) -> Option<&LaunchRow> {
        self.launches.get(self.by_token.get(token)?)
    }

    /// The row that holds this instance.
    #[must_use]
    pub fn holder(&self, id: Ec2Id) -> Option<&InstanceRow> {
        self.instances.get(self.by_id.get(&id)?)
    }

    /// Nothing is held or frozen, and everything is restored.
    #[must_use]
    pub fn nothing_is_kept(&self) -> bool {
        self.holds.values().all(|h| h.lease.state == LeaseState::Done)
            && self.freezes.values().all(|f| f.lease.state == LeaseState::Done)
            && self.keeps.values().all(|k| k.state == KeepState::Restored)
    }

    /// Broken and kept, or being ended after that.
    #[must_use]
    pub fn is_kept(&self, id: Ec2Id) -> bool {
        let kept = |state| matches!(state, QuarantineState::Kept | QuarantineState::Leaving);
        self.quarantine.get(&id).is_some_and(|row| kept(row.state))
    }

    #[must_use]
    pub fn is_stray(&self, id: Ec2Id) -> bool {
        self.strays.contains(&id)
    }
}

fn attempts(slot: SlotId) -> std::ops::RangeInclusive<InstanceRef> {
    InstanceRef { slot, attempt: 0 }..=InstanceRef { slot, attempt: u16::MAX }
}

/// The journal names a stray by the id before the colon.
fn stray(row: &JournalRow) -> Option<Ec2Id> {
    if row.kind == "stray" { row.text.split(':').next()?.parse().ok() } else { None }
}
