//! Members that do not serve any more, where muster is to replace them (`health = "muster"`).
//!
//! Two signals that know nothing of each other have to agree: the group's own health status, and muster's
//! probes, which go out only to those that the group calls unhealthy, when nobody new waits for a contact.
//! At most a tenth of the group is replaced at a time, and a replacement serves before the dead one is
//! removed. Only where the group is at its maximum the dead one goes first, and its group launches again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::words::{RemovalCause, RemovalState};
use crate::decide::action::{Action, Target};
use crate::decide::asg::adopt::id_of;
use crate::decide::asg::seen::{Lifecycle, MemberSeen};
use crate::decide::event::{Contact, Seen};
use crate::decide::group::HealthBy;
use crate::decide::guard::valve::{Member, Turn};
use crate::decide::ledger::ScaleUp;
use crate::decide::mark::Mark;
use crate::decide::rows::{HealthRow, RemovalRow, ScaleUpRow};
use crate::decide::wait::Wait;
use crate::decide::words::{Ec2Id, InstanceRef, Origin, ScaleUpSeq, ScaleUpState, SlotId, Time};
use crate::decide::{Core, Now};

/// One that was found dead is asked again this often: it may come back before its replacement serves.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// One for whose probe there is no room is tried again after so long.
const NO_ROOM: Duration = Duration::from_secs(1);
/// What a probe showed is believed for so long.
const FRESH: Duration = Duration::from_secs(60);
/// Replacing is planned this often, so that those found dead together are replaced together.
const EVERY: Duration = Duration::from_secs(10);
/// Most of a group that is replaced at a time, in percent, and one at least (as AWS itself, aws-facts 3.4).
const AT_ONCE: u32 = 10;
/// A replacement that does not serve after so long is given up, and wanted anew.
const REPLACED_WITHIN: Duration = Duration::from_secs(1_800);
/// The process by which a group replaces by itself.
const REPLACE: &str = "ReplaceUnhealthy";

/// Probes of suspects name nobody's slot: this scale-up, and the suspect's number.
pub const SUSPECTS: ScaleUpSeq = ScaleUpSeq(0);

/// How one group's members are.
#[derive(Debug, Default)]
pub(in crate::decide) struct Care {
    /// Members that their group calls unhealthy.
    suspects: BTreeMap<Ec2Id, Suspect>,
    next_at: Time,
    /// `ReplaceUnhealthy` is suspended by us.
    pub row: Option<HealthRow>,
}

#[derive(Debug)]
struct Suspect {
    number: u32,
    address: Option<IpAddr>,
    /// EC2 was asked for its address.
    described: bool,
    /// Probes in a row that found it not serving, and what the last one met and when.
    fails: u8,
    last: Option<(Time, String)>,
    next_at: Time,
    out: bool,
}

impl Care {
    pub fn forget(&mut self, id: Ec2Id) {
        self.suspects.remove(&id);
    }

    fn next(&self) -> Time {
        self.suspects.values().filter(|s| !s.out).map(|s| s.next_at).min().unwrap_or(Time::NEVER)
    }
}

impl Core {
    pub(super) fn care_wake(&self) -> Time {
        let probes = self.care.iter().map(Care::next).min().unwrap_or(Time::NEVER);
        let treats = self.care.iter().enumerate().filter(|(g, c)| {
            !c.suspects.is_empty() || self.retiring.of(*g, RemovalCause::Dead).next().is_some()
        });
        probes.min(treats.map(|(_, c)| c.next_at).min().unwrap_or(Time::NEVER))
    }

    fn is_cared_for(&self, group: usize) -> bool {
        self.ledger.groups[group].spec.asg.as_ref().is_some_and(|a| a.health == HealthBy::Muster)
    }

    /// A group was seen: who is called unhealthy in it?
    pub(in crate::decide) fn look_at_health(&mut self, group: usize, now: &mut Now) {
        let Some(seen) = &self.asgs[group].seen else { return };
        let serving: Vec<MemberSeen> =
            seen.members.values().filter(|m| m.lifecycle == Lifecycle::InService).cloned().collect();
        let suspended = seen.suspended.iter().any(|p| p == REPLACE);
        self.look_through_valve(group, &serving, now);
        if self.is_cared_for(group) {
            let sick: BTreeSet<Ec2Id> = serving.iter().filter(|m| !m.healthy).map(|m| m.id).collect();
            self.care[group].suspects.retain(|id, _| sick.contains(id));
            for id in sick {
                self.suspect(group, id, now);
            }
        }
        self.keep_suspended(group, suspended, now);
    }

    /// Counts who is called unhealthy, and raises one alarm when that is too many to be believed.
    fn look_through_valve(&mut self, group: usize, serving: &[MemberSeen], now: &Now) {
        let of = |m: &MemberSeen| {
            let served = self.ledger.serving.get(&m.id);
            let pools = &self.ledger.groups[group].spec.launch.pools;
            let subnet = served.and_then(|s| pools.get(usize::from(s.pool))).map(|p| p.subnet.as_str());
            Member {
                zone: m.zone.as_str().into(),
                subnet: subnet.unwrap_or_default().into(),
                version: served.map_or_else(|| "".into(), |s| s.version.clone()),
            }
        };
        let members: BTreeMap<Ec2Id, Member> = serving.iter().map(|m| (m.id, of(m))).collect();
        let sick = serving.iter().filter(|m| !m.healthy).map(|m| m.id);
        let name = &self.ledger.groups[group].spec.name;
        let (kind, text) = match self.valves[group].look(&members, sick, now.time) {
            Some(Turn::Shut { why }) => {
                ("valve_shut", format!("group {name}: {why}; nothing in service is removed, launches go on"))
            }
            Some(Turn::Opened) => {
                ("valve_opened", format!("group {name}: few enough are called unhealthy again"))
            }
            None => return,
        };
        self.ledger.journal(now.time, None, None, kind, text);
    }

    fn suspect(&mut self, group: usize, id: Ec2Id, now: &Now) {
        if self.care[group].suspects.contains_key(&id) {
            return;
        }
        self.last_suspect += 1;
        let suspect = Suspect {
            number: self.last_suspect,
            address: self.ledger.serving.get(&id).and_then(|s| s.address),
            described: false,
            fails: 0,
            last: None,
            next_at: now.time,
            out: false,
        };
        self.care[group].suspects.insert(id, suspect);
    }

    /// Where muster replaces, the group does not; where it does no longer, the group does again.
    fn keep_suspended(&mut self, group: usize, suspended: bool, now: &mut Now) {
        let Some(asg) = self.asgs[group].name.clone() else { return };
        let processes = vec![REPLACE.to_string()];
        if self.is_cared_for(group) {
            if !suspended && self.send_mark(Mark::Suspend { asg: asg.clone(), processes }, now).is_ok() {
                let row = self.care[group].row.clone().unwrap_or_else(|| HealthRow {
                    group: self.ledger.groups[group].spec.name.clone(),
                    asg: asg.to_string(),
                    suspended_at: now.time,
                    resumed_at: None,
                });
                self.ledger.changes.health.push(row.clone());
                self.care[group].row = Some(row);
            }
        } else if let Some(row) = self.care[group].row.clone() {
            if suspended {
                // Tried with every look, until one shows that it runs again.
                let _ = self.send_mark(Mark::Resume { asg, processes }, now);
            } else {
                let text = format!("{asg}: {REPLACE} runs again, as before muster replaced its members");
                self.ledger.journal(now.time, None, None, "resumed", text);
                self.ledger.changes.health.push(HealthRow { resumed_at: Some(now.time), ..row });
                self.care[group].row = None;
            }
        }
    }

    /// Probes suspects, as far as those that are new leave room.
    pub(in crate::decide) fn plan_suspects(&mut self, now: &mut Now) {
        for group in 0..self.care.len() {
            let due: Vec<Ec2Id> = self.care[group]
                .suspects
                .iter()
                .filter(|(_, s)| !s.out && s.next_at <= now.time)
                .map(|(id, _)| *id)
                .collect();
            self.describe_strangers(group, &due, now);
            for id in due {
                if !self.probe(group, id, now)
                    && let Some(suspect) = self.care[group].suspects.get_mut(&id)
                {
                    suspect.next_at = now.time.plus(NO_ROOM);
                }
            }
        }
    }

    /// Asks EC2 for the addresses of members that muster did not bring into service.
    fn describe_strangers(&mut self, group: usize, due: &[Ec2Id], now: &mut Now) {
        /// Most ids in one describe (aws-facts 2.5).
        const MOST_IDS: usize = 1_000;
        let suspects = &self.care[group].suspects;
        let unknown = |id: &&Ec2Id| suspects.get(*id).is_some_and(|s| s.address.is_none() && !s.described);
        let asked: Vec<_> =
            due.iter().filter(unknown).take(MOST_IDS).map(|id| (*id, InstanceRef::NOBODY)).collect();
        if asked.is_empty() || self.describe.take(now.time, 0).is_err() {
            return;
        }
        for (id, _) in &asked {
            if let Some(suspect) = self.care[group].suspects.get_mut(id) {
                suspect.described = true;
            }
        }
        now.actions.push(Action::Describe { asked });
    }

    /// A describe shows a member that has no place in our books.
    pub(in crate::decide) fn stranger_seen(&mut self, asked: &[Ec2Id], seen: &[Seen]) {
        for suspect in self.care.iter_mut().flat_map(|c| c.suspects.iter_mut()) {
            if asked.contains(suspect.0) && suspect.1.address.is_none() {
                // One that was not shown is asked for again.
                suspect.1.address = seen.iter().find(|s| s.id == *suspect.0).and_then(|s| s.address);
                suspect.1.described = suspect.1.address.is_some();
            }
        }
    }

    /// False if there is no room for a probe.
    fn probe(&mut self, group: usize, id: Ec2Id, now: &mut Now) -> bool {
        let Some(suspect) = self.care[group].suspects.get_mut(&id) else { return true };
        let Some(address) = suspect.address else {
            suspect.next_at = now.time.plus(ASK_AGAIN);
            return true;
        };
        let slot = SlotId { scale_up: SUSPECTS, ordinal: suspect.number };
        let instance = InstanceRef { slot, attempt: 0 };
        if !self.contacts.suspect_out(instance) {
            return false;
        }
        suspect.out = true;
        let served = self.ledger.serving.get(&id);
        let zone = served.map_or_else(|| "".into(), |s| self.ledger.served_zone(s));
        let target = Target { instance, id, address, zone, group: self.ledger.groups[group].spec.clone() };
        now.actions.push(Action::Probe(target));
        true
    }

    /// What a probe of a suspect showed.
    pub(in crate::decide) fn suspect_probed(&mut self, number: u32, outcome: &Contact, now: &Now) {
        let found = self.care.iter_mut().enumerate().find_map(|(group, care)| {
            let suspect = care.suspects.values_mut().find(|s| s.number == number)?;
            Some((group, suspect))
        });
        let Some((group, suspect)) = found else { return };
        suspect.out = false;
        let spec = &self.ledger.groups[group].spec;
        let needed = self.contacts.hangs_needed(spec.watchdogs.hangs);
        match outcome {
            Contact::Passed => {
                suspect.fails = 0;
                suspect.last = None;
            }
            Contact::Rejected(what) | Contact::Unreachable(what) | Contact::Hung(what) => {
                suspect.fails = suspect.fails.saturating_add(1);
                suspect.last = Some((now.time, what.clone()));
            }
            Contact::NotTried(_) => {}
        }
        let pause = if suspect.fails > 0 && suspect.fails < needed { spec.contact_every } else { ASK_AGAIN };
        suspect.next_at = now.time.plus(pause);
    }

    /// Both signals say that it does not serve, and both are fresh.
    pub(super) fn is_dead(&self, group: usize, id: Ec2Id, now: Time) -> bool {
        let needed = self.contacts.hangs_needed(self.ledger.groups[group].spec.watchdogs.hangs);
        let suspect = self.care[group].suspects.get(&id);
        suspect.is_some_and(|s| {
            s.fails >= needed && s.last.as_ref().is_some_and(|(at, _)| now.since(*at) <= FRESH)
        })
    }

    fn dead_evidence(&self, group: usize, id: Ec2Id, now: Time) -> String {
        let seen = self.asgs[group].seen.as_ref().map_or(0, |s| now.since(s.at).as_secs());
        let asg = self.asgs[group].name.as_deref().unwrap_or("its group");
        let suspect = self.care[group].suspects.get(&id);
        let (fails, last) = suspect.map_or((0, None), |s| (s.fails, s.last.clone()));
        let (at, what) = last.unwrap_or((now, "nothing".to_string()));
        format!(
            "dead by two signals: {asg} calls it Unhealthy (seen {seen} s ago); {fails} probes in a row failed, \
             the last {} s ago: {what}",
            now.since(at).as_secs()
        )
    }

    /// Replaces who is dead, a few at a time.
    pub(super) fn treat(&mut self, group: usize, now: &mut Now) {
        if !self.is_cared_for(group) || self.care[group].next_at > now.time {
            return;
        }
        self.care[group].next_at = now.time.plus(EVERY);
        let doubts = self.removal_doubts(group, now.time);
        if !doubts.is_empty() {
            return;
        }
        self.remove_replaced(group, now);
        let under_way = self.retiring.of(group, RemovalCause::Dead).count();
        let serving = self.asgs[group]
            .seen
            .as_ref()
            .map_or(0, |s| s.members.values().filter(|m| m.lifecycle == Lifecycle::InService).count());
        let most = (serving * AT_ONCE as usize / 100).max(1).saturating_sub(under_way);
        let dead: Vec<Ec2Id> = self.care[group]
            .suspects
            .keys()
            .copied()
            .filter(|id| self.is_dead(group, *id, now.time) && !self.retiring.rows.contains_key(id))
            .filter(|id| self.hold_on(*id, now.time).is_none())
            .take(most)
            .collect();
        if dead.is_empty() {
            return;
        }
        if self.launches.plans[group].guard.is_open(now.time) {
            // What would come in their place breaks too.
            return;
        }
        let room = match self.room_in_group(group, now) {
            // There is no place for another, but in reserve there is one.
            Err(Wait::GroupMax { .. }) if self.in_reserve(group) > 0 => Ok(self.in_reserve(group)),
            room => room,
        };
        match room {
            Ok(room) => self.replace(group, &dead[..dead.len().min(room as usize)], now),
            // There is no place for a replacement: the dead one gives its own, and its group fills it.
            Err(Wait::GroupMax { .. }) => {
                for id in dead {
                    self.retire(
                        self.removal_of(group, id, None, RemovalState::Leaving, now.time),
                        group,
                        now,
                    );
                }
            }
            // It is looked at first.
            Err(_) => {}
        }
    }

    fn removal_of(
        &self,
        group: usize,
        id: Ec2Id,
        scale_up: Option<ScaleUpSeq>,
        state: RemovalState,
        now: Time,
    ) -> RemovalRow {
        RemovalRow {
            id,
            group: self.ledger.groups[group].spec.name.clone(),
            instance: self.ledger.serving.get(&id).map(|s| s.instance),
            cause: RemovalCause::Dead,
            scale_in: None,
            scale_up,
            evidence: self.dead_evidence(group, id, now),
            state,
            decided_at: now,
            done_at: None,
        }
    }

    /// Launches as many as are dead; those go when these serve.
    fn replace(&mut self, group: usize, dead: &[Ec2Id], now: &mut Now) {
        let wanted = u32::try_from(dead.len()).unwrap_or(u32::MAX);
        let seq = self.open_replacing(group, wanted, format!("replaces {wanted} that are dead"), now);
        for id in dead {
            let row = self.removal_of(group, *id, Some(seq), RemovalState::Waits, now.time);
            let text = format!("{id}: {}; a replacement is launched first", row.evidence);
            self.ledger.journal(now.time, None, row.instance, "dead", text);
            self.book_removal(row, group, now);
        }
    }

    /// A scale-up of muster's own, for as many as are to be replaced.
    pub(in crate::decide) fn open_replacing(
        &mut self,
        group: usize,
        wanted: u32,
        reason: String,
        now: &mut Now,
    ) -> ScaleUpSeq {
        let by = now.time.plus(REPLACED_WITHIN);
        let seq = self.open_own(group, wanted, Origin::Replacing, Some(by), reason, now);
        self.timers.set(by, crate::decide::timers::Due::Deadline(seq));
        seq
    }

    /// A scale-up that nobody asked for.
    pub(in crate::decide) fn open_own(
        &mut self,
        group: usize,
        wanted: u32,
        origin: Origin,
        by: Option<Time>,
        reason: String,
        now: &mut Now,
    ) -> ScaleUpSeq {
        let seq = ScaleUpSeq(self.last_scale_up + 1);
        self.last_scale_up = seq.0;
        let row = ScaleUpRow {
            seq,
            id: id_of(now.time, now.rng.next_u64(), now.rng.next_u64()),
            group: self.ledger.groups[group].spec.name.clone(),
            origin,
            wanted,
            planned: 0,
            by,
            reason,
            idempotency_key: None,
            state: ScaleUpState::Open,
            accepted_at: now.time,
            done_at: None,
            in_service: 0,
            withdrawn: 0,
            eta_ms: -1,
            cancel_reason: None,
        };
        self.ledger.open(row, group);
        seq
    }

    /// A scale-up is done: if it brought replacements, as many of those that wait for them may go.
    pub(in crate::decide) fn replacements_serve(&mut self, done: &ScaleUp, now: &Now) {
        if done.row.origin != Origin::Replacing {
            return;
        }
        let waiting = self.retiring.of(done.group, RemovalCause::Dead);
        let waiting: Vec<Ec2Id> = waiting
            .filter(|l| l.row.scale_up == Some(done.row.seq) && l.row.state == RemovalState::Waits)
            .map(|l| l.row.id)
            .collect();
        for (n, id) in (0..).zip(waiting) {
            if n >= done.row.in_service {
                self.keep(id, "no replacement came into service", now);
            } else if let Some(leaver) = self.retiring.rows.get(&id) {
                let row = RemovalRow { state: RemovalState::Replaced, ..leaver.row.clone() };
                self.book_removal(row, done.group, now);
            }
        }
    }

    /// The group itself has what this scale-up brought in service: it does so a moment after it was told to.
    fn group_shows(&self, group: usize, scale_up: ScaleUpSeq) -> bool {
        let Some(seen) = &self.asgs[group].seen else { return false };
        let serves = |id: &Ec2Id| seen.members.get(id).is_some_and(|m| m.lifecycle == Lifecycle::InService);
        let mut brought = self.ledger.served(group).filter(|(_, s)| s.instance.slot.scale_up == scale_up);
        brought.all(|(id, _)| serves(&id))
    }

    /// Those whose replacements serve go, if they are dead still.
    fn remove_replaced(&mut self, group: usize, now: &Now) {
        let replaced = self.retiring.of(group, RemovalCause::Dead);
        let replaced: Vec<RemovalRow> =
            replaced.filter(|l| l.row.state == RemovalState::Replaced).map(|l| l.row.clone()).collect();
        for row in replaced {
            let id = row.id;
            let sick = self.care[group].suspects.get(&id);
            if self.hold_on(id, now.time).is_some() {
                continue;
            }
            if !row.scale_up.is_some_and(|seq| self.group_shows(group, seq)) {
                self.sweep_soon(group, now);
                continue;
            }
            if self.is_dead(group, id, now.time) {
                let evidence = self.dead_evidence(group, id, now.time);
                let row = RemovalRow { state: RemovalState::Leaving, evidence, ..row };
                self.retire(row, group, now);
            } else if sick.is_none_or(|s| s.fails == 0 && s.last.is_none() && !s.out) {
                self.keep(id, "it serves again; its group has one more until it is scaled in", now);
            }
        }
    }
}
