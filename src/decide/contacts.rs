//! Configuring and verifying: when to contact which instance, and what the answers mean.
//!
//! Contacts go through one lane that adapts to how they go. Instances that have left a request
//! unanswered before may hold at most half of it, so that a hundred silent servers, each of which
//! holds its place for a whole timeout, cannot keep the healthy ones waiting; and a quarter is
//! theirs, so that a thousand healthy ones cannot put off finding out who hangs.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::action::{Action, Target};
use super::budget::lane::Lane;
use super::event::Contact;
use super::guard::silence::Silence;
use super::guard::version::Outcome;
use super::ledger::{ContactState, Slot};
use super::retire::dead::SUSPECTS;
use super::timers::Due;
use super::view::LaneView;
use super::words::{InstanceRef, Phase};
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
    silence: Silence,
}

impl ContactQueue {
    #[must_use]
    pub fn new(ceiling: u32) -> ContactQueue {
        ContactQueue {
            fresh: VecDeque::new(),
            suspects: VecDeque::new(),
            suspects_out: BTreeSet::new(),
            lane: Lane::new(FLOOR, ceiling, ceiling),
            witnesses: 0,
            silent: 0,
            silence: Silence::default(),
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

    /// Queues an instance; one whose last probes passed goes first, since it is nearly there.
    fn add(&mut self, instance: InstanceRef, contact: ContactState) {
        if contact.hangs > 0 {
            self.suspects.push_back(instance);
        } else if contact.passes > 0 {
            self.fresh.push_front(instance);
        } else {
            self.fresh.push_back(instance);
        }
    }

    /// The next one that may go out, and whether it is a suspect.
    fn next(&mut self) -> Option<(InstanceRef, bool)> {
        if self.lane.room() == 0 {
            return None;
        }
        let (out, limit) = (self.suspects_out.len(), self.lane.limit() as usize);
        let theirs = if out < limit / 4 { self.suspects.pop_front() } else { None };
        if let Some(suspect) = theirs {
            return Some((suspect, true));
        }
        match self.fresh.pop_front() {
            Some(instance) => Some((instance, false)),
            None if out < (limit * 3 / 4).max(1) => Some((self.suspects.pop_front()?, true)),
            None => None,
        }
    }

    /// Lets a probe of one that was in service go out, if nobody new waits and there is room: a quarter of
    /// the lane at most. False if not.
    pub fn suspect_out(&mut self, instance: InstanceRef) -> bool {
        let free = self.fresh.is_empty() && self.lane.room() > 0;
        let few = self.suspects_out.len() < (self.lane.limit() as usize / 4).max(1);
        if free && few {
            self.out(instance, true);
        }
        free && few
    }

    /// How many silences in a row mean that one hangs, on a network as it is now.
    #[must_use]
    pub fn hangs_needed(&self, configured: u8) -> u8 {
        self.silence.needed(configured)
    }

    fn out(&mut self, instance: InstanceRef, suspect: bool) {
        self.lane.enter();
        if suspect {
            self.suspects_out.insert(instance);
        }
    }

    /// Books how a contact went.
    fn back(&mut self, instance: InstanceRef, outcome: &Contact) {
        let suspect = self.suspects_out.remove(&instance);
        match outcome {
            Contact::Passed | Contact::Rejected(_) if !suspect => self.silence.book(false),
            Contact::Hung(_) if !suspect => self.silence.book(true),
            Contact::Passed
            | Contact::Rejected(_)
            | Contact::Hung(_)
            | Contact::Unreachable(_)
            | Contact::NotTried(_) => {}
        }
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

    pub(super) fn start_verifying(&mut self, instance: InstanceRef, now: &mut Now) {
        let Some(spec) = self.ledger.spec_of(instance.slot).cloned() else { return };
        if spec.probes.is_empty() {
            self.verified(instance, now);
        } else {
            self.start_phase(instance, Phase::Verifying, spec.watchdogs.verify, now);
        }
    }

    fn start_phase(&mut self, instance: InstanceRef, phase: Phase, limit: Duration, now: &Now) {
        self.ledger.enter(instance.slot, phase, now.time, None);
        if let Some(s) = self.ledger.scale_ups.get(&instance.slot.scale_up)
            && !self.is_joining(instance)
        {
            self.patience[s.group].enters(phase, now.time);
        }
        self.timers.set(now.time.plus(limit), Due::Watchdog(instance));
        self.contact_due(instance);
    }

    /// Seen serving from outside. A group's lifecycle action has to be answered before it serves others.
    pub(super) fn verified(&mut self, instance: InstanceRef, now: &mut Now) {
        if self.ledger.spec_of(instance.slot).is_some_and(|g| g.asg.is_some()) {
            self.admit(instance, now);
        } else {
            self.in_service(instance, now);
        }
    }

    pub(super) fn in_service(&mut self, instance: InstanceRef, now: &mut Now) {
        // One of the reserve's teaches nothing of how new ones do.
        if self.is_joining(instance) || self.came_out_of_reserve(instance) {
            self.ledger.enter(instance.slot, Phase::InService, now.time, None);
            self.has_joined(instance, now);
            return;
        }
        self.ledger.enter(instance.slot, Phase::InService, now.time, None);
        self.judge(instance, Outcome::Verified, now.time);
        self.goes_into_reserve(instance, now);
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
        self.contacts.add(instance, slot.contact);
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
            slot.contact.asked_at = now.time;
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
        if instance.slot.scale_up == SUSPECTS {
            self.suspect_probed(instance.slot.ordinal, &outcome, now);
            return;
        }
        let Some(spec) = self.ledger.spec_of(instance.slot).cloned() else { return };
        let Some(slot) = self.ledger.slot_mut(instance.slot) else { return };
        if slot.attempt == instance.attempt && slot.phase == Phase::Admitting && phase == Phase::Verifying {
            self.proven_again(instance, outcome, now);
            return;
        }
        // An instance that has moved on is not judged by an older contact.
        if slot.attempt != instance.attempt || slot.phase != phase {
            return;
        }
        slot.contact.busy = false;
        if self.is_joining(instance) {
            self.reserved_probed(instance, outcome, now);
            return;
        }
        let Some(slot) = self.ledger.slot_mut(instance.slot) else { return };
        let hangs = self.contacts.silence.needed(spec.watchdogs.hangs);
        // A silence has taken its time already.
        let spent = if matches!(outcome, Contact::Hung(_)) { timeout(phase, &spec) } else { Duration::ZERO };
        match verdict(slot, &spec, hangs, outcome) {
            Verdict::NotYet if self.loses_patience(instance, now) => return,
            Verdict::NotYet | Verdict::Passed | Verdict::NotTried => {}
            Verdict::Done => {
                self.teaches(instance, now);
                if phase == Phase::Configuring {
                    self.start_verifying(instance, now);
                } else {
                    self.verified(instance, now);
                }
                return;
            }
            Verdict::Broken(reason) => {
                self.teaches_nothing(instance);
                self.give_up(instance, reason, now);
                return;
            }
        }
        let pause = spec.contact_every.saturating_sub(spent);
        self.timers.set(now.time.plus(pause), Due::Contact(instance));
    }

    /// Silences in a row that make a hang, as the network is.
    pub(super) fn silences_needed(&self, configured: u8) -> u8 {
        self.contacts.silence.needed(configured)
    }

    /// A phase may have taken too long.
    pub(super) fn watchdog(&mut self, instance: InstanceRef, now: &mut Now) {
        let Some(slot) = self.ledger.current(instance) else { return };
        let Some(spec) = self.ledger.spec_of(instance.slot) else { return };
        let Some(limit) = limit_of(slot.phase, spec).filter(|_| is_contacted(slot.phase)) else { return };
        // Set for an earlier phase: this one has a watchdog of its own.
        if now.time < slot.since.plus(limit) {
            return;
        }
        let reason = format!("{} for {} s, the configured watchdog", slot.phase, limit.as_secs());
        self.give_up(instance, reason, now);
    }
}

enum Verdict {
    /// A round of probes passed, and more are wanted.
    Passed,
    /// Asked, and it is not there yet.
    NotYet,
    /// It was not asked.
    NotTried,
    Done,
    Broken(String),
}

/// What one contact means for the instance, counting it.
fn verdict(slot: &mut Slot, spec: &super::group::Group, hangs: u8, outcome: Contact) -> Verdict {
    let counts = &mut slot.contact;
    let dogs = &spec.watchdogs;
    let configuring = slot.phase == Phase::Configuring;
    match outcome {
        Contact::Passed => {
            counts.hangs = 0;
            counts.passes = counts.passes.saturating_add(1);
            if configuring || counts.passes >= spec.passes { Verdict::Done } else { Verdict::Passed }
        }
        // While it works on its configuration a health check says "not yet": only the watchdog ends
        // that. A configure push that is turned down is an answer, and is believed after a few.
        Contact::Rejected(what) => {
            counts.hangs = 0;
            counts.passes = 0;
            counts.rejections = counts.rejections.saturating_add(u8::from(configuring));
            if counts.rejections >= dogs.rejections { Verdict::Broken(what) } else { Verdict::NotYet }
        }
        Contact::Hung(what) => {
            counts.passes = 0;
            counts.hangs = counts.hangs.saturating_add(1);
            if counts.hangs >= hangs {
                Verdict::Broken(format!("{what}, {} times in a row", counts.hangs))
            } else {
                Verdict::NotYet
            }
        }
        Contact::Unreachable(_) => {
            counts.passes = 0;
            Verdict::NotYet
        }
        Contact::NotTried(_) => Verdict::NotTried,
    }
}

/// The least time that a silence in this phase takes.
pub(in crate::decide) fn timeout(phase: Phase, spec: &super::group::Group) -> Duration {
    if phase == Phase::Configuring {
        spec.configure.as_ref().map_or(Duration::ZERO, |c| c.timeout)
    } else {
        spec.probes.iter().map(|p| p.timeout).min().unwrap_or(Duration::ZERO)
    }
}

fn is_contacted(phase: Phase) -> bool {
    match phase {
        // While it waits to be let in, it is probed again.
        Phase::Configuring | Phase::Verifying | Phase::Admitting => true,
        Phase::Queued
        | Phase::Launching
        | Phase::Booting
        | Phase::InService
        | Phase::Broken
        | Phase::Terminating
        | Phase::Quarantined
        | Phase::Reserved
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
        | Phase::Admitting
        | Phase::InService
        | Phase::Broken
        | Phase::Terminating
        | Phase::Quarantined
        | Phase::Reserved
        | Phase::Gone
        | Phase::Withdrawn => None,
    }
}
