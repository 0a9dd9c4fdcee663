//! Who is where: every slot, the scale-up it belongs to, and the counts that follow from it.
//!
//! [`Ledger::enter`] is the only way for a slot to change its phase. It keeps the counts, writes
//! the row and the journal line, so that none of the three can disagree with the others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::ages::Ages;
use super::group::Group;
use super::patience::Mark;
use super::rows::{Changes, InstanceRow, JournalRow, ScaleUpRow};
use super::serving::Served;
use super::view::PhaseCounts;
use super::words::{Ec2Id, InstanceRef, LaunchSeq, Origin, Phase, ScaleUpSeq, ScaleUpState, SlotId, Time};

/// A slot and its newest instance. About 100 bytes: 100,000 in flight are 10 MB.
#[derive(Clone, Debug)]
pub struct Slot {
    pub phase: Phase,
    pub attempt: u16,
    /// Index into the group's pools; `u16::MAX` while no launch has it.
    pub pool: u16,
    pub since: Time,
    pub launch: LaunchSeq,
    pub id: Option<Ec2Id>,
    pub address: Option<IpAddr>,
    pub contact: ContactState,
    /// When its launch was settled.
    pub launched_at: Time,
    /// When it set out on its way into service: at its launch, or when it came out of the reserve.
    pub set_out_at: Time,
    /// When it was first seen running: from about then on AWS's usage counts it.
    pub running_at: Time,
}

/// How contacts with an instance have gone in this phase. Not stored: a restart asks again.
#[derive(Clone, Copy, Debug, Default)]
pub struct ContactState {
    /// Rounds of probes passed in a row.
    pub passes: u8,
    pub hangs: u8,
    pub rejections: u8,
    /// Waiting for a permit.
    pub queued: bool,
    /// A contact is out.
    pub busy: bool,
    /// When somebody was last sent to look at it, or to contact it: what comes back tells of no later moment.
    pub asked_at: Time,
    pub mark: Mark,
}

impl Slot {
    fn queued(attempt: u16, now: Time) -> Slot {
        Slot {
            phase: Phase::Queued,
            attempt,
            pool: u16::MAX,
            since: now,
            launch: LaunchSeq(0),
            id: None,
            address: None,
            contact: ContactState::default(),
            launched_at: Time(0),
            set_out_at: Time(0),
            running_at: Time::NEVER,
        }
    }
}

/// A scale-up that is not done, with its slots.
#[derive(Debug)]
pub struct ScaleUp {
    pub row: ScaleUpRow,
    pub group: usize,
    /// Slots that have a row of their own; ordinals from here to `wanted` are queued.
    pub slots: Vec<Slot>,
    /// Ordinals that came back to the queue.
    requeued: VecDeque<u32>,
    pub phases: PhaseCounts,
    /// When a slot last entered each phase.
    pub entered: [Time; Phase::ALL.len()],
    /// Those between their launch and service.
    pub ages: Ages,
    pub broken_so_far: u32,
    /// Its deadline cannot be met, and that has been said.
    pub late: bool,
    /// When it was last said to be expected, if that was said.
    pub told: Option<Time>,
}

/// What the ledger knows of one group.
#[derive(Debug)]
pub struct GroupLedger {
    pub spec: Arc<Group>,
    zones: Vec<Arc<str>>,
    /// The spec's, shared by all that serve with it.
    pub(super) version: Arc<str>,
    /// Places taken under the maximum.
    pub taken: u32,
    pub in_service: u32,
    pub queued: u32,
    /// Places taken in each pool, to spread launches.
    pub per_pool: Vec<u32>,
    /// Scale-ups with queued slots, oldest first.
    waiting: BTreeSet<ScaleUpSeq>,
    /// The scale-up that fills its reserve, if one is open: there is never a second.
    pub(super) filling: Option<ScaleUpSeq>,
}

/// The books.
#[derive(Debug, Default)]
pub struct Ledger {
    pub groups: Vec<GroupLedger>,
    pub scale_ups: BTreeMap<ScaleUpSeq, ScaleUp>,
    pub(super) serving: BTreeMap<Ec2Id, Served>,
    /// Those in quarantine, or in reserve.
    pub(super) aside: BTreeMap<Ec2Id, Served>,
    pub changes: Changes,
    /// Scale-ups finished by this decision.
    pub finished: Vec<ScaleUpSeq>,
}

impl Ledger {
    #[must_use]
    pub fn new(groups: Vec<Arc<Group>>) -> Ledger {
        let groups = groups
            .into_iter()
            .map(|spec| GroupLedger {
                zones: spec.launch.pools.iter().map(|p| Arc::from(p.zone.as_str())).collect(),
                version: Arc::from(spec.version.as_str()),
                taken: 0,
                in_service: 0,
                queued: 0,
                per_pool: vec![0; spec.launch.pools.len()],
                waiting: BTreeSet::new(),
                filling: None,
                spec,
            })
            .collect();
        Ledger { groups, ..Ledger::default() }
    }

    #[must_use]
    pub fn group_index(&self, name: &str) -> Option<usize> {
        self.groups.iter().position(|g| g.spec.name == name)
    }

    /// The group whose Auto Scaling group has this name.
    #[must_use]
    pub fn asg_index(&self, asg: &str) -> Option<usize> {
        self.groups.iter().position(|g| g.spec.asg_name() == Some(asg))
    }

    #[must_use]
    pub fn scale_up_by_id(&self, id: &str) -> Option<ScaleUpSeq> {
        self.scale_ups.iter().find(|(_, s)| s.row.id == id).map(|(seq, _)| *seq)
    }

    /// The slot, if its scale-up is not done and it has a row.
    #[must_use]
    pub fn slot(&self, slot: SlotId) -> Option<&Slot> {
        self.scale_ups.get(&slot.scale_up)?.slots.get(slot.ordinal as usize)
    }

    pub fn slot_mut(&mut self, slot: SlotId) -> Option<&mut Slot> {
        self.scale_ups.get_mut(&slot.scale_up)?.slots.get_mut(slot.ordinal as usize)
    }

    /// The slot this instance fills, if the instance is still its newest attempt: the fence that
    /// late answers do not pass.
    #[must_use]
    pub fn current(&self, instance: InstanceRef) -> Option<&Slot> {
        self.slot(instance.slot).filter(|s| s.attempt == instance.attempt)
    }

    #[must_use]
    pub fn spec_of(&self, slot: SlotId) -> Option<&Arc<Group>> {
        let scale_up = self.scale_ups.get(&slot.scale_up)?;
        Some(&self.groups[scale_up.group].spec)
    }

    #[must_use]
    pub fn zone_of(&self, slot: SlotId) -> Arc<str> {
        let known = self.scale_ups.get(&slot.scale_up);
        let pool = known.and_then(|s| Some((s.group, s.slots.get(slot.ordinal as usize)?.pool)));
        pool.map_or_else(|| Arc::from(""), |(group, pool)| self.zone_at(group, pool))
    }

    /// The zone of a group's pool; empty if there is none.
    pub(super) fn zone_at(&self, group: usize, pool: u16) -> Arc<str> {
        self.groups[group].zones.get(usize::from(pool)).cloned().unwrap_or_else(|| Arc::from(""))
    }

    /// Opens a scale-up; all its slots are queued.
    pub fn open(&mut self, row: ScaleUpRow, group: usize) {
        let seq = row.seq;
        let mut phases = PhaseCounts::default();
        *phases.get_mut(Phase::Queued) = row.wanted;
        self.groups[group].queued += row.wanted;
        self.groups[group].waiting.insert(seq);
        self.journal(
            row.accepted_at,
            Some(seq),
            None,
            "accepted",
            format!("{} more in group {}", row.wanted, row.group),
        );
        self.changes.scale_ups.push(row.clone());
        let entered = [row.accepted_at; Phase::ALL.len()];
        let scale_up = ScaleUp {
            row,
            group,
            slots: Vec::new(),
            requeued: VecDeque::new(),
            phases,
            entered,
            ages: Ages::default(),
            broken_so_far: 0,
            late: false,
            told: None,
        };
        self.opens(group, &scale_up.row);
        self.scale_ups.insert(seq, scale_up);
    }

    /// One more slot in a scale-up, for an instance that exists already. It boots, as far as we know.
    pub fn add_slot(&mut self, seq: ScaleUpSeq, id: Ec2Id, now: Time) -> Option<InstanceRef> {
        let s = self.scale_ups.get_mut(&seq)?;
        s.row.wanted += 1;
        *s.phases.get_mut(Phase::Queued) += 1;
        self.groups[s.group].queued += 1;
        let slot = self.next_queued(seq, now)?;
        let s = self.slot_mut(slot)?;
        s.id = Some(id);
        s.launched_at = now;
        self.enter(slot, Phase::Booting, now, None)
    }

    /// Takes up to `n` queued slots of a group, oldest scale-up first, and puts them into a launch.
    pub fn assign(
        &mut self,
        group: usize,
        n: u32,
        launch: LaunchSeq,
        pool: u16,
        now: Time,
    ) -> Vec<InstanceRef> {
        let mut taken = Vec::with_capacity(n as usize);
        while taken.len() < n as usize {
            let Some(seq) = self.next_waiting(group) else { break };
            let Some(slot) = self.next_queued(seq, now) else {
                self.groups[group].waiting.remove(&seq);
                continue;
            };
            if let Some(s) = self.slot_mut(slot) {
                s.launch = launch;
                s.pool = pool;
            }
            if let Some(instance) = self.enter(slot, Phase::Launching, now, None) {
                taken.push(instance);
            }
        }
        taken
    }

    /// The scale-up whose turn it is: the oldest, and a reserve's after all others.
    fn next_waiting(&self, group: usize) -> Option<ScaleUpSeq> {
        let GroupLedger { waiting, filling, .. } = &self.groups[group];
        waiting.iter().find(|seq| Some(**seq) != *filling).or_else(|| waiting.first()).copied()
    }

    /// Slots that are queued of the scale-up whose turn it is.
    pub(super) fn queued_next(&self, group: usize) -> u32 {
        let GroupLedger { waiting, filling, .. } = &self.groups[group];
        let queued = |seq: &ScaleUpSeq| self.scale_ups.get(seq).map_or(0, |s| s.phases.get(Phase::Queued));
        let others = waiting.iter().filter(|seq| Some(**seq) != *filling);
        others.chain(filling).map(queued).find(|n| *n > 0).unwrap_or(0)
    }

    /// The next queued slot of a scale-up, given a row if it has none; none if nothing is queued.
    pub(super) fn next_queued(&mut self, seq: ScaleUpSeq, now: Time) -> Option<SlotId> {
        let s = self.scale_ups.get_mut(&seq)?;
        let ordinal = match s.requeued.pop_front() {
            Some(o) => o,
            None if s.row.planned < s.row.wanted => {
                let o = s.row.planned;
                s.slots.push(Slot::queued(1, now));
                s.row.planned += 1;
                o
            }
            None => return None,
        };
        Some(SlotId { scale_up: seq, ordinal })
    }

    /// Moves a slot's newest instance into a phase. Entering [`Phase::Gone`] ends the instance; the
    /// caller then says what becomes of the slot ([`Ledger::requeue_anew`] or
    /// [`Ledger::withdraw`]).
    pub fn enter(
        &mut self,
        slot: SlotId,
        to: Phase,
        now: Time,
        reason: Option<String>,
    ) -> Option<InstanceRef> {
        let scale_up = self.scale_ups.get_mut(&slot.scale_up)?;
        let s = scale_up.slots.get_mut(slot.ordinal as usize)?;
        let from = s.phase;
        let instance = InstanceRef { slot, attempt: s.attempt };
        s.phase = to;
        s.since = now;
        if from == Phase::Booting {
            s.running_at = now;
        }
        s.contact = ContactState::default();
        *scale_up.phases.get_mut(from) -= 1;
        *scale_up.phases.get_mut(to) += 1;
        scale_up.entered[to as usize] = now;
        match (from.is_on_its_way(), to.is_on_its_way()) {
            (false, true) => {
                s.set_out_at = now;
                scale_up.ages.add(now);
            }
            (true, false) => scale_up.ages.remove(s.set_out_at),
            (true, true) | (false, false) => {}
        }
        let group = &mut self.groups[scale_up.group];
        count(group, from, s.pool, false);
        count(group, to, s.pool, true);
        let mut served = None;
        match to {
            Phase::Queued => {
                s.launch = LaunchSeq(0);
                s.pool = u16::MAX;
                scale_up.requeued.push_back(slot.ordinal);
                group.waiting.insert(slot.scale_up);
            }
            Phase::Broken => scale_up.broken_so_far += 1,
            Phase::InService => {
                scale_up.row.in_service += 1;
                served = s.id.map(|id| (id, s.clone()));
            }
            Phase::Withdrawn => scale_up.row.withdrawn += 1,
            Phase::Launching
            | Phase::Booting
            | Phase::Configuring
            | Phase::Verifying
            | Phase::Admitting
            | Phase::Terminating
            | Phase::Quarantined
            | Phase::Reserved
            | Phase::Gone => {}
        }
        if let Some((id, s)) = served {
            let version = group.version.clone();
            self.serving.insert(id, Served::of(scale_up, &s, slot, version));
        }
        let done = scale_up.row.in_service + scale_up.row.withdrawn == scale_up.row.wanted;
        if done && scale_up.row.state != ScaleUpState::Done {
            scale_up.row.state = ScaleUpState::Done;
            scale_up.row.done_at = Some(now);
            self.finished.push(slot.scale_up);
        }
        self.write(instance, reason.clone());
        let text = reason.unwrap_or_default();
        self.journal(now, Some(slot.scale_up), Some(instance), to.as_str(), text);
        Some(instance)
    }

    /// The instance is gone; the slot wants another.
    ///
    /// # Panics
    /// If the slot's instance is not gone: two instances for one slot must never be.
    pub fn requeue_anew(&mut self, slot: SlotId, now: Time) {
        let Some(s) = self.slot_mut(slot) else { return };
        assert_eq!(s.phase, Phase::Gone, "only a slot whose instance is gone may get another");
        // The gone instance's row is written; what follows is a new instance's.
        let attempt = s.attempt.saturating_add(1);
        *s = Slot { phase: Phase::Gone, ..Slot::queued(attempt, now) };
        self.enter(slot, Phase::Queued, now, None);
    }

    /// The slot ends as a shortfall.
    ///
    /// # Panics
    /// If it still holds an instance, which would be forgotten.
    pub fn withdraw(&mut self, slot: SlotId, now: Time, reason: String) {
        let Some(s) = self.slot_mut(slot) else { return };
        assert!(!s.phase.occupies(), "{slot} still holds an instance ({})", s.phase);
        if s.phase == Phase::Gone {
            let attempt = s.attempt.saturating_add(1);
            *s = Slot { phase: Phase::Gone, ..Slot::queued(attempt, now) };
        }
        self.enter(slot, Phase::Withdrawn, now, Some(reason));
    }

    /// Withdraws everything of a scale-up that is queued.
    pub fn withdraw_queued(&mut self, seq: ScaleUpSeq, now: Time, reason: &str) {
        while let Some(slot) = self.next_queued(seq, now) {
            self.withdraw(slot, now, reason.to_string());
        }
        if let Some(s) = self.scale_ups.get(&seq) {
            self.groups[s.group].waiting.remove(&seq);
        }
    }

    /// Withdraws so many of the queued slots of a scale-up.
    pub fn withdraw_some(&mut self, seq: ScaleUpSeq, n: u32, now: Time, reason: &str) {
        for _ in 0..n {
            let Some(slot) = self.next_queued(seq, now) else { return };
            self.withdraw(slot, now, reason.to_string());
        }
    }

    /// Withdraws those queued slots of a scale-up that had an instance before and have waited for so long.
    pub fn withdraw_requeued(&mut self, seq: ScaleUpSeq, now: Time, waited: Duration, reason: &str) {
        let Some(s) = self.scale_ups.get_mut(&seq) else { return };
        let slots = &s.slots;
        let over = |o: &u32| {
            let slot = slots.get(*o as usize);
            slot.is_some_and(|s| s.attempt > 1 && now.since(s.since) >= waited)
        };
        let (over, left): (Vec<u32>, Vec<u32>) = s.requeued.iter().copied().partition(over);
        s.requeued = left.into();
        for ordinal in over {
            self.withdraw(SlotId { scale_up: seq, ordinal }, now, reason.to_string());
        }
    }

    /// Writes a slot's row as it stands.
    pub fn write(&mut self, instance: InstanceRef, reason: Option<String>) {
        let zone = self.zone_of(instance.slot);
        let Some(scale_up) = self.scale_ups.get(&instance.slot.scale_up) else { return };
        let Some(s) = scale_up.slots.get(instance.slot.ordinal as usize) else { return };
        let row = InstanceRow {
            instance,
            group: scale_up.row.group.clone(),
            phase: s.phase,
            since: s.since,
            launch: (s.launch.0 != 0).then_some(s.launch),
            id: s.id,
            address: s.address,
            zone: (!zone.is_empty()).then(|| zone.to_string()),
            reason,
        };
        self.changes.instances.push(row);
    }

    pub fn journal(
        &mut self,
        at: Time,
        scale_up: Option<ScaleUpSeq>,
        instance: Option<InstanceRef>,
        kind: &str,
        text: String,
    ) {
        let kind = kind.to_string();
        self.changes.journal.push(JournalRow { at, scale_up, instance, gateway: None, kind, text });
    }

    /// A line about a gateway request.
    pub fn journal_gateway(&mut self, at: Time, request: &str, kind: &str, text: String) {
        let (gateway, kind) = (Some(request.to_string()), kind.to_string());
        self.changes.journal.push(JournalRow { at, scale_up: None, instance: None, gateway, kind, text });
    }

    /// Writes the rows of scale-ups whose counts changed, and lets go of those that are done.
    /// Returns what was let go, for the view.
    pub fn close_books(&mut self) -> Vec<ScaleUp> {
        let mut touched: Vec<ScaleUpSeq> =
            self.changes.instances.iter().map(|r| r.instance.slot.scale_up).collect();
        touched.extend(self.changes.scale_ups.iter().map(|r| r.seq));
        touched.sort_unstable();
        touched.dedup();
        self.changes.scale_ups.clear();
        for seq in touched {
            if let Some(s) = self.scale_ups.get(&seq) {
                self.changes.scale_ups.push(s.row.clone());
            }
        }
        let mut closed = Vec::new();
        for seq in std::mem::take(&mut self.finished) {
            let Some(s) = self.scale_ups.remove(&seq) else { continue };
            let g = &mut self.groups[s.group];
            g.filling = g.filling.filter(|open| *open != seq);
            let at = s.row.done_at.unwrap_or(s.row.accepted_at);
            let text = format!("{} in service, {} short", s.row.in_service, s.row.withdrawn);
            self.journal(at, Some(seq), None, "done", text);
            closed.push(s);
        }
        closed
    }

    fn opens(&mut self, group: usize, row: &ScaleUpRow) {
        if row.origin == Origin::Reserving {
            self.groups[group].filling = Some(row.seq);
        }
    }

    /// Puts a stored scale-up back, without its slots.
    pub fn restore_scale_up(&mut self, row: ScaleUpRow, group: usize) {
        let seq = row.seq;
        let mut phases = PhaseCounts::default();
        *phases.get_mut(Phase::Queued) = row.wanted - row.planned;
        let g = &mut self.groups[group];
        g.queued += row.wanted - row.planned;
        g.waiting.insert(seq);
        self.opens(group, &row);
        let entered = [row.accepted_at; Phase::ALL.len()];
        let slots = vec![Slot::queued(0, row.accepted_at); row.planned as usize];
        self.scale_ups.insert(
            seq,
            ScaleUp {
                row,
                group,
                slots,
                requeued: VecDeque::new(),
                phases,
                entered,
                ages: Ages::default(),
                broken_so_far: 0,
                late: false,
                told: None,
            },
        );
    }

    /// Puts a stored instance back: into its slot, or, if its scale-up is done, into the group's
    /// counts alone. `served`: it was in service and leaves. `version` is what it was launched from.
    pub fn restore_instance(&mut self, row: &InstanceRow, group: usize, served: bool, version: Arc<str>) {
        let pool = self.pool_in(group, row.zone.as_deref());
        count(&mut self.groups[group], row.phase, pool, true);
        if served || row.phase == Phase::InService {
            self.restore_served(row, group, pool, version);
        }
        self.restore_slot(row, pool, served);
    }

    /// The pool of a group that is in this zone.
    pub(super) fn pool_in(&self, group: usize, zone: Option<&str>) -> u16 {
        let pools = &self.groups[group].spec.launch.pools;
        let pool = zone.and_then(|z| pools.iter().position(|p| p.zone == z));
        pool.and_then(|i| u16::try_from(i).ok()).unwrap_or(u16::MAX)
    }

    /// Puts a stored instance back into its slot, if its scale-up is not done.
    pub fn restore_slot(&mut self, row: &InstanceRow, pool: u16, served: bool) {
        let slot = row.instance.slot;
        let Some(scale_up) = self.scale_ups.get_mut(&slot.scale_up) else { return };
        // What was in service has done what its scale-up wanted of it, wherever it is now: a slot whose
        // instance went another way has a newer attempt than one that is gone.
        let phase = if served || row.phase == Phase::Gone { Phase::InService } else { row.phase };
        *scale_up.phases.get_mut(phase) += 1;
        scale_up.entered[phase as usize] = scale_up.entered[phase as usize].max(row.since);
        scale_up.broken_so_far += u32::from(row.instance.attempt.saturating_sub(1));
        if phase.is_on_its_way() {
            scale_up.ages.add(row.since);
        }
        if row.phase == Phase::Queued {
            scale_up.requeued.push_back(slot.ordinal);
        }
        if let Some(s) = scale_up.slots.get_mut(slot.ordinal as usize) {
            *s = Slot {
                phase,
                attempt: row.instance.attempt,
                pool,
                since: row.since,
                launch: row.launch.unwrap_or(LaunchSeq(0)),
                id: row.id,
                address: row.address,
                contact: ContactState::default(),
                launched_at: row.since,
                set_out_at: row.since,
                running_at: row.since,
            };
        }
    }
}

/// Books one slot's phase in or out of its group's counts.
pub(super) fn count(group: &mut GroupLedger, phase: Phase, pool: u16, into: bool) {
    let add = |n: &mut u32| if into { *n += 1 } else { *n -= 1 };
    if phase.occupies() {
        add(&mut group.taken);
        if let Some(n) = group.per_pool.get_mut(usize::from(pool)) {
            add(n);
        }
    }
    match phase {
        Phase::Queued => add(&mut group.queued),
        Phase::InService => add(&mut group.in_service),
        Phase::Launching
        | Phase::Booting
        | Phase::Configuring
        | Phase::Verifying
        | Phase::Admitting
        | Phase::Broken
        | Phase::Terminating
        | Phase::Quarantined
        | Phase::Reserved
        | Phase::Gone
        | Phase::Withdrawn => {}
    }
}
