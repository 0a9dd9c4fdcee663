//! Configuring and verifying: when to contact which instance, and what the answers mean.
//!
//! Contacts go through one lane that adapts to how they go. Instances that have left a request
//! unanswered before may hold at most half of it, so that a hundred silent servers, each of which
//! holds its place for a whole timeout, cannot keep the healthy ones waiting.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::action::{Action, Target};
use super::budget::lane::Lane;
use super::event::Contact;
use super::guard::version::Outcome;
use super::ledger::Slot;
use super::timers::Due;
use super::view::LaneView;
use super::words::{InstanceRef, Phase, Time};
use super::{Core, Now};

/// Fewest contacts at once that adapting may go down to.
const FLOOR: u32 = 4;
/// Outcomes that are looked at together to tell trouble of the network's from a broken server: if
/// at least half of so many contacts in a row met silence, it is the network.
const WITNESSES: u32 = 16;

/// Instances whose next contact is due, and how many may be out.
#[derive(Debug)]
pub struct ContactQueue {
    fresh: VecDeque<InstanceRef>,
    suspects: VecDeque<InstanceRef>,
    /// Those of the suspects whose contact is out.
    suspects_out: BTreeSet<InstanceRef>,
    lane: Lane,
    witnesses: u32,
    silent: u32,
}

impl ContactQueue {
    #[must_use]
    pub fn new(ceiling: u32) -> ContactQueue {
        ContactQueue {
            fresh: VecDeque::new(),
            suspects: VecDeque::new(),
            suspects_out: BTreeSet::new(),
            lane: Lane::new(FLOOR, ceiling / 2, ceiling),
            witnesses: 0,
            silent: 0,
        }
    }

    #[must_use]
    pub fn view(&self) -> LaneView {
        LaneView {
            in_flight: self.lane.in_flight(),
            limit: self.lane.limit(),
            waiting: u32::try_from(self.fresh.len() + self.suspects.len()).unwrap_or(u32::MAX),
        }
    }

    /// Those that wait for a permit.
    pub fn waiting(&self) -> impl Iterator<Item = InstanceRef> + '_ {
        self.fresh.iter().chain(&self.suspects).copied()
    }

    fn add(&mut self, instance: InstanceRef, suspect: bool) {
        if suspect { self.suspects.push_back(instance) } else { self.fresh.push_back(instance) }
    }

    /// The next one that may go out, and whether it is a suspect.
    fn next(&mut self) -> Option<(InstanceRef, bool)> {
        if self.lane.room() == 0 {
            return None;
        }
        let suspects_may = self.suspects_out.len() < (self.lane.limit() as usize / 2).max(1);
        let (instance, suspect) = match self.fresh.pop_front() {
            Some(i) => (i, false),
            None if suspects_may => (self.suspects.pop_front()?, true),
            None => return None,
        };
        Some((instance, suspect))
    }

    fn out(&mut self, instance: InstanceRef, suspect: bool) {
        self.lane.enter();
        if suspect {
            self.suspects_out.insert(instance);
        }
    }

    /// Books how a contact went.
    fn back(&mut self, instance: InstanceRef, outcome: &Contact) {
        self.suspects_out.remove(&instance);
        self.witnesses += 1;
        match outcome {
            Contact::Passed | Contact::Rejected(_) => self.lane.leave_well(),
            // While an instance boots, nobody listens: says nothing about the network.
            Contact::Unreachable(_) => self.lane.leave(),
            Contact::Hung(_) => {
                self.silent += 1;
                self.lane.leave();
            }
            Contact::NotTried(_) => self.lane.leave_in_trouble(),
        }
        if self.witnesses == WITNESSES {
            if self.silent * 2 >= WITNESSES {
                self.lane.shrink();
            }
            (self.witnesses, self.silent) = (0, 0);
        }
    }
}

impl Core {
    /// EC2 runs it and it has an address: on to the first phase the group has a use for.
    pub(super) fn start_contacts(&mut self, instance: InstanceRef, now: &mut Now) {
        let Some(spec) = self.ledger.spec_of(instance.slot).cloned() else { return };
        if spec.configure.is_some() {
            self.start_phase(instance, Phase::Configuring, spec.watchdogs.configure, now);
        } else {
            self.start_verifying(instance, now);
        }
    }

    fn start_verifying(&mut self, instance: InstanceRef, now: &mut Now) {
        let Some(spec) = self.ledger.spec_of(instance.slot).cloned() else { return };
        if spec.probes.is_empty() {
            self.in_service(instance, now);
        } else {
            self.start_phase(instance, Phase::Verifying, spec.watchdogs.verify, now);
        }
    }

    fn start_phase(&mut self, instance: InstanceRef, phase: Phase, limit: Duration, now: &Now) {
        self.ledger.enter(instance.slot, phase, now.time, None);
        self.timers.set(now.time.plus(limit), Due::Watchdog(instance));
        self.contact_due(instance);
    }

    fn in_service(&mut self, instance: InstanceRef, now: &Now) {
        if let Some(slot) = self.ledger.current(instance)
            && let Some(s) = self.ledger.scale_ups.get(&instance.slot.scale_up)
        {
            self.paces[s.group].learn(now.time.since(slot.launched_at));
        }
        self.ledger.enter(instance.slot, Phase::InService, now.time, None);
        self.judge(instance, Outcome::Verified, now.time);
    }

    /// Its next contact is due: queue it for a permit, unless one is out or queued already.
    pub(super) fn contact_due(&mut self, instance: InstanceRef) {
        let Some(slot) = self.ledger.slot_mut(instance.slot) else { return };
        if slot.attempt != instance.attempt || !is_contacted(slot.phase) {
            return;
        }
        if slot.contact.busy || slot.contact.queued {
            return;
        }
        slot.contact.queued = true;
        let suspect = slot.contact.hangs > 0;
        self.contacts.add(instance, suspect);
    }

    /// Sends out as many contacts as the lane allows.
    pub(super) fn plan_contacts(&mut self, now: &mut Now) {
        while let Some((instance, suspect)) = self.contacts.next() {
            let zone = self.ledger.zone_of(instance.slot);
            let Some(group) = self.ledger.spec_of(instance.slot).cloned() else { continue };
            let Some(slot) = self.ledger.slot_mut(instance.slot) else { continue };
            if slot.attempt != instance.attempt || !is_contacted(slot.phase) || !slot.contact.queued {
                continue;
            }
            let (Some(id), Some(address)) = (slot.id, slot.address) else { continue };
            slot.contact.queued = false;
            slot.contact.busy = true;
            let phase = slot.phase;
            self.contacts.out(instance, suspect);
            let target = Target { instance, id, address, zone, group };
            now.actions.push(if phase == Phase::Configuring {
                Action::Configure(target)
            } else {
                Action::Probe(target)
            });
        }
    }

    /// Books what a contact of `phase` showed.
    pub(super) fn contacted(&mut self, instance: InstanceRef, phase: Phase, outcome: Contact, now: &mut Now) {
        self.contacts.back(instance, &outcome);
        let Some(spec) = self.ledger.spec_of(instance.slot).cloned() else { return };
        let Some(slot) = self.ledger.slot_mut(instance.slot) else { return };
        // An instance that has moved on is not judged by an older contact.
        if slot.attempt != instance.attempt || slot.phase != phase {
            return;
        }
        slot.contact.busy = false;
        match verdict(slot, &spec, outcome) {
            Verdict::Again => self.timers.set(now.time.plus(spec.contact_every), Due::Contact(instance)),
            Verdict::Done if phase == Phase::Configuring => self.start_verifying(instance, now),
            Verdict::Done => self.in_service(instance, now),
            Verdict::Broken(reason) => self.give_up(instance, reason, now),
        }
    }

    /// A phase may have taken too long.
    pub(super) fn watchdog(&mut self, instance: InstanceRef, now: &mut Now) {
        let Some(slot) = self.ledger.current(instance) else { return };
        let Some(spec) = self.ledger.spec_of(instance.slot) else { return };
        let Some(limit) = limit_of(slot.phase, spec) else { return };
        // Set for an earlier phase: this one has a watchdog of its own.
        if now.time < slot.since.plus(limit) {
            return;
        }
        let reason = format!("{} took longer than {} s", slot.phase, limit.as_secs());
        self.give_up(instance, reason, now);
    }
}

enum Verdict {
    Again,
    Done,
    Broken(String),
}

/// What one contact means for the instance, counting it.
fn verdict(slot: &mut Slot, spec: &super::group::Group, outcome: Contact) -> Verdict {
    let counts = &mut slot.contact;
    let dogs = &spec.watchdogs;
    let configuring = slot.phase == Phase::Configuring;
    match outcome {
        Contact::Passed => {
            counts.passes = counts.passes.saturating_add(1);
            if configuring || counts.passes >= spec.passes { Verdict::Done } else { Verdict::Again }
        }
        // While it works on its configuration a health check says "not yet": only the watchdog ends
        // that. A configure push that is turned down is an answer, and is believed after a few.
        Contact::Rejected(what) => {
            counts.passes = 0;
            counts.rejections = counts.rejections.saturating_add(u8::from(configuring));
            if counts.rejections >= dogs.rejections { Verdict::Broken(what) } else { Verdict::Again }
        }
        Contact::Hung(what) => {
            counts.passes = 0;
            counts.hangs = counts.hangs.saturating_add(1);
            if counts.hangs >= dogs.hangs {
                Verdict::Broken(format!("{what}, {} times", counts.hangs))
            } else {
                Verdict::Again
            }
        }
        Contact::Unreachable(_) => {
            counts.passes = 0;
            Verdict::Again
        }
        Contact::NotTried(_) => Verdict::Again,
    }
}

fn is_contacted(phase: Phase) -> bool {
    match phase {
        Phase::Configuring | Phase::Verifying => true,
        Phase::Queued
        | Phase::Launching
        | Phase::Booting
        | Phase::InService
        | Phase::Broken
        | Phase::Terminating
        | Phase::Gone
        | Phase::Withdrawn => false,
    }
}

/// How long a phase may take; none for those that have their own ways to end.
#[must_use]
pub fn limit_of(phase: Phase, spec: &super::group::Group) -> Option<Duration> {
    match phase {
        Phase::Booting => Some(spec.watchdogs.boot),
        Phase::Configuring => Some(spec.watchdogs.configure),
        Phase::Verifying => Some(spec.watchdogs.verify),
        Phase::Queued
        | Phase::Launching
        | Phase::InService
        | Phase::Broken
        | Phase::Terminating
        | Phase::Gone
        | Phase::Withdrawn => None,
    }
}

/// When an instance in a phase since `since` is given up, if nothing happens.
#[must_use]
pub fn given_up_at(phase: Phase, since: Time, spec: &super::group::Group) -> Time {
    limit_of(phase, spec).map_or(Time::NEVER, |l| since.plus(l))
}
