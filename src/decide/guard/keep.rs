//! What is marked at AWS for holds and freezes, and what was so before: each mark is set once, however many
//! want it, and restored when nobody does any more.
//!
//! Everything is a row before the call goes out: first that the mark is wanted and what was so before is
//! unknown; then what was so, and that calls may be under way. Calls that were lost are sent again; a process
//! that starts goes on where the rows are. One call about a mark is out at a time, so that an earlier one
//! never undoes a later.
//!
//! Nobody restores what he did not change: where a mark was set before, it is left as it was.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::freeze::FROZEN;
use super::hold::Hold;
use super::lease::{FreezeRow, HoldWay, KeepRow, KeepState, Lease, LeaseState, Marking};
use crate::decide::asg::seen::Lifecycle;
use crate::decide::words::{Ec2Id, Time};
use crate::decide::{Core, Now};

/// What a group looked like so long ago is what it was before a hold.
const FRESH: Duration = Duration::from_secs(10);
/// Whoever has waited so long for a fresh look takes one of the last minute: a hold is in force within 5 s,
/// and groups are seen every 15 s.
const PATIENCE: Duration = Duration::from_secs(1);
const NOT_SO_FRESH: Duration = Duration::from_secs(60);
/// A look may show what was so this long ago: calls take effect late, and an answer is on its way for a while.
const LAG: Duration = Duration::from_secs(5);
/// What was restored is remembered for so long; a look shows it by then.
const MEMORY: Duration = Duration::from_secs(60);

/// A mark on something: the instance's id or, for processes, the Auto Scaling group's name.
pub(super) type Key = (String, Marking);

/// One mark that is kept.
#[derive(Clone, Debug)]
pub(super) struct Keep {
    pub row: KeepRow,
    /// A call about it is out.
    pub out: bool,
    /// No call about it goes out before.
    pub not_before: Time,
}

/// What somebody wants marked.
struct Want {
    asg: Option<Arc<str>>,
    /// The first who asked.
    asked_at: Time,
}

/// Everything that is held and frozen.
#[derive(Debug, Default)]
pub(in crate::decide) struct Guards {
    /// Those that are not done, by id.
    pub holds: BTreeMap<String, Hold>,
    pub freezes: BTreeMap<String, FreezeRow>,
    pub(super) keeps: BTreeMap<Key, Keep>,
    /// Something has changed.
    due: bool,
    /// A call waits for its budget.
    pub(super) starved: bool,
    /// When to look at it again.
    pub wake: Time,
}

impl Guards {
    /// Something has changed: it is looked at in this decision.
    pub fn look_again(&mut self) {
        self.due = true;
    }

    pub fn take_up(&mut self, row: KeepRow) {
        let keep = Keep { row, out: false, not_before: Time(0) };
        self.keeps.insert((keep.row.subject.clone(), keep.row.marking), keep);
    }

    fn is_set(&self, key: &Key) -> bool {
        self.keeps.get(key).is_some_and(|k| k.row.state == KeepState::Set)
    }

    /// Somebody wanted it, and it is not on its way back.
    fn is_kept(&self, key: &Key) -> bool {
        self.keeps.get(key).is_some_and(|k| match k.row.state {
            KeepState::Unknown | KeepState::Setting | KeepState::Set => true,
            KeepState::Undoing | KeepState::Restored => false,
        })
    }
}

impl Core {
    /// Sees to it that everything is marked that somebody wants marked, and nothing else of ours.
    pub(in crate::decide) fn plan_guards(&mut self, now: &mut Now) {
        if self.guards.holds.is_empty() && self.guards.freezes.is_empty() && self.guards.keeps.is_empty() {
            self.guards.wake = Time::NEVER;
            return;
        }
        if !self.guards.due && !self.guards.starved && now.time < self.guards.wake {
            return;
        }
        self.guards.due = false;
        self.end_expired_holds(now);
        self.end_expired_freezes(now);
        let wanted = self.wanted(now.time);
        self.begin_keeping(&wanted, now);
        self.let_go(&wanted, now);
        let waits = self.send_keeps(now);
        self.book_leases(now);
        // Ending the last of something, or learning what was before, leads on at once.
        let again = if self.guards.due { now.time } else { Time::NEVER };
        self.guards.wake = self.next_end().min(waits).min(again);
        self.guards
            .keeps
            .retain(|_, k| k.row.state != KeepState::Restored || now.time.since(k.row.since) < MEMORY);
    }

    /// Everything that somebody wants marked now.
    fn wanted(&self, now: Time) -> BTreeMap<Key, Want> {
        let mut wanted: BTreeMap<Key, Want> = BTreeMap::new();
        let mut want = |key: Key, asg: Option<Arc<str>>, lease: &Lease| {
            let want = wanted.entry(key).or_insert(Want { asg, asked_at: lease.asked_at });
            want.asked_at = want.asked_at.min(lease.asked_at);
        };
        for hold in self.guards.holds.values().filter(|h| h.row.lease.holds(now)) {
            for key in self.keys_of_hold(hold) {
                want(key, self.asgs[hold.group].name.clone(), &hold.row.lease);
            }
        }
        for freeze in self.guards.freezes.values().filter(|f| f.lease.holds(now)) {
            for (asg, key) in self.keys_of_freeze(freeze) {
                want(key, Some(asg), &freeze.lease);
            }
        }
        wanted
    }

    /// What a hold wants marked, by where its instance is in its group's lifecycle.
    pub(super) fn keys_of_hold(&self, hold: &Hold) -> Vec<Key> {
        let id = hold.row.instance.to_string();
        let mut keys = vec![(id.clone(), Marking::TerminationProtection)];
        let Some(asg) = &self.asgs[hold.group].name else { return keys };
        let lifecycle = self.lifecycle(hold.group, hold.row.instance);
        // Until the group was seen, what is kept is kept.
        let takes = |key: &Key| lifecycle.map_or(self.guards.is_kept(key), takes_marks);
        let protection = (id.clone(), Marking::ScaleInProtection);
        if takes(&protection) {
            keys.push(protection);
        }
        let standby = (id, Marking::Standby);
        if hold.row.way == HoldWay::Standby && takes(&standby) {
            keys.push(standby);
        } else {
            keys.push((asg.to_string(), Marking::ReplaceUnhealthy));
        }
        keys
    }

    pub(super) fn keys_of_freeze(&self, freeze: &FreezeRow) -> Vec<(Arc<str>, Key)> {
        let groups = self.ledger.groups.iter().zip(&self.asgs);
        let frozen = groups.filter(|(g, _)| freeze.group.as_ref().is_none_or(|f| *f == g.spec.name));
        let asgs = frozen.filter_map(|(_, asg)| asg.name.clone());
        asgs.flat_map(|asg| FROZEN.map(|m| (asg.clone(), (asg.to_string(), m)))).collect()
    }

    /// A member's state as its group was last seen; none if it was not.
    pub(super) fn lifecycle(&self, group: usize, id: Ec2Id) -> Option<Lifecycle> {
        let seen = self.asgs[group].seen.as_ref()?;
        Some(seen.members.get(&id)?.lifecycle)
    }

    /// What is wanted and not kept yet, or was on its way back, is kept from now on. What is kept and is not so
    /// any more is set again.
    fn begin_keeping(&mut self, wanted: &BTreeMap<Key, Want>, now: &mut Now) {
        for (key, want) in wanted {
            let state = self.guards.keeps.get(key).map(|k| k.row.state);
            match state {
                None | Some(KeepState::Restored) => self.keep_anew(key, want, now),
                Some(KeepState::Unknown) => self.learn_before(key, want, now),
                // What was so before is known, and is still what will be restored.
                Some(KeepState::Undoing) => self.enter_keep(key, KeepState::Setting, now.time),
                Some(KeepState::Set) => self.check_keep(key, now),
                // A repeated call to enter Standby is refused if the first was heard.
                Some(KeepState::Setting) if key.1 == Marking::Standby => self.check_standby(key, now.time),
                Some(KeepState::Setting) => {}
            }
        }
    }

    fn check_standby(&mut self, key: &Key, now: Time) {
        let Some(keep) = self.guards.keeps.get(key).filter(|k| !k.out) else { return };
        let since = keep.row.since;
        let Some(group) = keep.row.asg.as_deref().and_then(|asg| self.ledger.asg_index(asg)) else { return };
        let newer = self.asgs[group].seen.as_ref().is_some_and(|s| s.at >= since);
        if newer && self.shown(group, key) == Some(true) {
            self.enter_keep(key, KeepState::Set, now);
        }
    }

    fn keep_anew(&mut self, key: &Key, want: &Want, now: &mut Now) {
        let known = self.guards.keeps.get(key).and_then(|k| k.row.before);
        let restored_at = self.guards.keeps.get(key).map(|k| k.row.since);
        let row = KeepRow {
            subject: key.0.clone(),
            marking: key.1,
            asg: want.asg.as_ref().map(ToString::to_string),
            before: None,
            state: KeepState::Unknown,
            since: now.time,
            error: None,
        };
        self.guards.keeps.insert(key.clone(), Keep { row, out: false, not_before: Time(0) });
        // Looks may still show what we set ourselves.
        let lately =
            restored_at.is_some_and(|at| self.looked_at(want).is_none_or(|seen| seen < at.plus(LAG)));
        match known.filter(|_| lately) {
            Some(before) => self.before_is(key, before, now.time),
            None => self.learn_before(key, want, now),
        }
        if let Some(keep) = self.guards.keeps.get(key).filter(|k| k.row.state == KeepState::Unknown) {
            self.ledger.changes.keeps.push(keep.row.clone());
        }
    }

    fn looked_at(&self, want: &Want) -> Option<Time> {
        let group = self.ledger.asg_index(want.asg.as_deref()?)?;
        self.asgs[group].seen.as_ref().map(|s| s.at)
    }

    /// What is so is read off the last look at the group, if that is fresh; otherwise one is asked for. EC2 is
    /// asked by a call of its own.
    fn learn_before(&mut self, key: &Key, want: &Want, now: &mut Now) {
        if key.1 == Marking::TerminationProtection {
            return;
        }
        let Some(group) = want.asg.as_deref().and_then(|asg| self.ledger.asg_index(asg)) else { return };
        let age = self.asgs[group].seen.as_ref().map(|s| now.time.since(s.at));
        let waited = now.time.since(want.asked_at) >= PATIENCE;
        let good = age.is_some_and(|age| age <= FRESH || waited && age <= NOT_SO_FRESH);
        if let Some(before) = self.shown(group, key).filter(|_| good) {
            self.before_is(key, before, now.time);
        } else {
            self.sweep_at_once(group, now);
            self.plan_sweeps(now);
        }
    }

    /// Whether the mark is set, as its group was last seen.
    fn shown(&self, group: usize, key: &Key) -> Option<bool> {
        let seen = self.asgs[group].seen.as_ref()?;
        let member = || seen.members.get(&key.0.parse().ok()?);
        match key.1 {
            Marking::TerminationProtection => None,
            Marking::ScaleInProtection => Some(member()?.protected),
            Marking::Standby => Some(stands_by(member()?.lifecycle)),
            Marking::AlarmNotification
            | Marking::AzRebalance
            | Marking::InstanceRefresh
            | Marking::ReplaceUnhealthy
            | Marking::ScheduledActions => Some(seen.suspended.iter().any(|p| p == key.1.as_str())),
        }
    }

    /// What was so before is known: what was set already is as we want it.
    pub(super) fn before_is(&mut self, key: &Key, before: bool, now: Time) {
        if let Some(keep) = self.guards.keeps.get_mut(key) {
            keep.row.before = Some(before);
        }
        self.enter_keep(key, if before { KeepState::Set } else { KeepState::Setting }, now);
    }

    pub(super) fn enter_keep(&mut self, key: &Key, state: KeepState, now: Time) {
        let Some(keep) = self.guards.keeps.get_mut(key) else { return };
        keep.row.state = state;
        keep.row.since = now;
        if !keep.out {
            keep.not_before = Time(0);
        }
        if matches!(state, KeepState::Set | KeepState::Restored) {
            keep.row.error = None;
        }
        self.ledger.changes.keeps.push(keep.row.clone());
    }

    /// Somebody may have taken it away while we want it.
    fn check_keep(&mut self, key: &Key, now: &mut Now) {
        let Some(keep) = self.guards.keeps.get(key) else { return };
        let since = keep.row.since;
        let Some(group) = keep.row.asg.as_deref().and_then(|asg| self.ledger.asg_index(asg)) else { return };
        let newer = self.asgs[group].seen.as_ref().is_some_and(|s| s.at >= since.plus(LAG));
        if newer && self.shown(group, key) == Some(false) {
            let text = format!("{}: {} was taken away while it is wanted, and is set again", key.0, key.1);
            self.ledger.journal(now.time, None, None, "mark_lost", text);
            self.enter_keep(key, KeepState::Setting, now.time);
        }
    }

    /// What nobody wants any more becomes what it was before.
    fn let_go(&mut self, wanted: &BTreeMap<Key, Want>, now: &Now) {
        let unwanted: Vec<Key> =
            self.guards.keeps.keys().filter(|key| !wanted.contains_key(*key)).cloned().collect();
        for key in unwanted {
            let Some(keep) = self.guards.keeps.get(&key) else { continue };
            let (state, before) = (keep.row.state, keep.row.before);
            match state {
                KeepState::Setting | KeepState::Set if before == Some(false) => {
                    self.enter_keep(&key, KeepState::Undoing, now.time);
                }
                KeepState::Unknown | KeepState::Setting | KeepState::Set => {
                    self.enter_keep(&key, KeepState::Restored, now.time);
                }
                KeepState::Undoing if self.is_moot(&key) => {
                    self.enter_keep(&key, KeepState::Restored, now.time);
                }
                KeepState::Undoing | KeepState::Restored => {}
            }
        }
    }

    /// The group was seen since, and shows that there is nothing to restore: it is so already, or the
    /// instance is leaving, or has left.
    fn is_moot(&self, key: &Key) -> bool {
        let Some(keep) = self.guards.keeps.get(key).filter(|k| !k.out) else { return false };
        let group = keep.row.asg.as_deref().and_then(|asg| self.ledger.asg_index(asg));
        let Some(group) = group.filter(|_| key.1 != Marking::TerminationProtection) else { return false };
        let newer = self.asgs[group].seen.as_ref().is_some_and(|s| s.at >= keep.row.since.plus(LAG));
        if !newer {
            return false;
        }
        let left = !key.1.is_process()
            && key.0.parse().ok().and_then(|id| self.lifecycle(group, id)).is_none_or(leaves);
        left || self.shown(group, key) == Some(false)
    }

    /// Says which leases are in force, and which are done.
    fn book_leases(&mut self, now: &mut Now) {
        let ids: Vec<String> = self.guards.holds.keys().cloned().collect();
        for id in ids {
            let Some(hold) = self.guards.holds.get(&id) else { continue };
            let keys = self.keys_of_hold(hold);
            let Some(to) = self.next_state(&hold.row.lease, &keys, now.time) else { continue };
            let Some(hold) = self.guards.holds.get_mut(&id) else { continue };
            enter_lease(&mut hold.row.lease, to, now.time);
            let (row, place) = (hold.row.clone(), hold.place);
            let kind = if to == LeaseState::InForce { "hold_in_force" } else { "hold_done" };
            let text = row.instance.to_string();
            self.ledger.journal(now.time, place.map(|i| i.slot.scale_up), place, kind, text);
            self.ledger.changes.holds.push(row);
        }
        let ids: Vec<String> = self.guards.freezes.keys().cloned().collect();
        for id in ids {
            let Some(freeze) = self.guards.freezes.get(&id) else { continue };
            let keys: Vec<Key> = self.keys_of_freeze(freeze).into_iter().map(|(_, key)| key).collect();
            let Some(to) = self.next_state(&freeze.lease, &keys, now.time) else { continue };
            let Some(freeze) = self.guards.freezes.get_mut(&id) else { continue };
            enter_lease(&mut freeze.lease, to, now.time);
            let row = freeze.clone();
            let kind = if to == LeaseState::InForce { "freeze_in_force" } else { "freeze_done" };
            let text = row.group.clone().unwrap_or_else(|| "all groups".into());
            self.ledger.journal(now.time, None, None, kind, text);
            self.ledger.changes.freezes.push(row);
        }
        self.guards.holds.retain(|_, h| h.row.lease.state != LeaseState::Done);
        self.guards.freezes.retain(|_, f| f.lease.state != LeaseState::Done);
    }

    /// Where a lease gets to now, if anywhere.
    fn next_state(&self, lease: &Lease, keys: &[Key], now: Time) -> Option<LeaseState> {
        match lease.state {
            LeaseState::Asked if lease.holds(now) => {
                keys.iter().all(|k| self.guards.is_set(k)).then_some(LeaseState::InForce)
            }
            LeaseState::Ending => {
                let subjects = |k: &Key| keys.iter().any(|(subject, _)| *subject == k.0);
                let going =
                    |(key, keep): (&Key, &Keep)| subjects(key) && keep.row.state == KeepState::Undoing;
                (!self.guards.keeps.iter().any(going)).then_some(LeaseState::Done)
            }
            LeaseState::Asked | LeaseState::InForce | LeaseState::Done => None,
        }
    }

    fn next_end(&self) -> Time {
        let holds = self.guards.holds.values().map(|h| &h.row.lease);
        let leases = holds.chain(self.guards.freezes.values().map(|f| &f.lease));
        leases.filter(|l| l.ended_at.is_none()).map(|l| l.until).min().unwrap_or(Time::NEVER)
    }

    /// When somebody has waited long enough for a fresh look at a group.
    pub(super) fn patience_ends(&self, now: Time) -> Time {
        let unknown = self.guards.keeps.values().filter(|k| k.row.state == KeepState::Unknown);
        let later = unknown.map(|k| k.row.since.plus(PATIENCE)).filter(|at| *at > now);
        later.min().unwrap_or(Time::NEVER)
    }
}

fn enter_lease(lease: &mut Lease, to: LeaseState, now: Time) {
    lease.state = to;
    match to {
        LeaseState::InForce => lease.in_force_at = Some(now),
        LeaseState::Done => lease.done_at = Some(now),
        LeaseState::Asked | LeaseState::Ending => {}
    }
}

/// Scale-in protection and `Standby` are for those that serve or stand by.
fn takes_marks(lifecycle: Lifecycle) -> bool {
    lifecycle == Lifecycle::InService || stands_by(lifecycle)
}

fn stands_by(lifecycle: Lifecycle) -> bool {
    matches!(lifecycle, Lifecycle::EnteringStandby | Lifecycle::Standby)
}

/// It will not come back.
fn leaves(lifecycle: Lifecycle) -> bool {
    match lifecycle {
        Lifecycle::Detached
        | Lifecycle::Detaching
        | Lifecycle::Terminating
        | Lifecycle::TerminatingWait
        | Lifecycle::TerminatingProceed
        | Lifecycle::TerminatingRetained
        | Lifecycle::Terminated
        | Lifecycle::WarmedTerminating
        | Lifecycle::WarmedTerminatingWait
        | Lifecycle::WarmedTerminatingProceed
        | Lifecycle::WarmedTerminatingRetained
        | Lifecycle::WarmedTerminated => true,
        Lifecycle::Pending
        | Lifecycle::PendingWait
        | Lifecycle::PendingProceed
        | Lifecycle::InService
        | Lifecycle::EnteringStandby
        | Lifecycle::Standby
        | Lifecycle::WarmedPending
        | Lifecycle::WarmedPendingWait
        | Lifecycle::WarmedPendingProceed
        | Lifecycle::WarmedPendingRetained
        | Lifecycle::WarmedStopped
        | Lifecycle::WarmedRunning
        | Lifecycle::WarmedHibernated
        | Lifecycle::Quarantined
        | Lifecycle::ReplacingRootVolume
        | Lifecycle::ReplacingRootVolumeWait
        | Lifecycle::ReplacingRootVolumeProceed
        | Lifecycle::RootVolumeReplaced
        | Lifecycle::Other => false,
    }
}
