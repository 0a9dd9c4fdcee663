//! Scale-ins: fewer instances in a group, asked for by somebody who may be misled. So they are checked
//! against everything that is known, refused with the reasons, and looked at again before each step.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::victims::{Candidate, choose};
use super::words::{RemovalCause, RemovalState, ScaleInState};
use crate::decide::action::{Accepted, Doubt, Refusal, told};
use crate::decide::asg::seen::Lifecycle;
use crate::decide::rows::{RemovalRow, ScaleInRow};
use crate::decide::view::ScaleInView;
use crate::decide::words::{Ec2Id, Time};
use crate::decide::{Core, Now};

/// One step takes this share of those in service, in percent, and one at least: what AWS itself takes at
/// a time (aws-facts 3.4).
const STEP: u32 = 10;
/// From one step until the next: as long as CloudWatch takes to show what the last one did.
const EVERY: Duration = Duration::from_secs(120);
/// A scale-in that stands still is looked at this often.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// One that is not over after so long is stopped: whoever asked for it knew another day.
const AT_MOST: Duration = Duration::from_secs(3_600);
/// Those that are over and still shown.
const RECENT: usize = 50;

/// A scale-in as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScaleInAsk {
    /// Public id (UUID v7), given by the shell.
    pub id: String,
    pub group: String,
    pub count: u32,
    pub reason: String,
    pub idempotency_key: Option<String>,
}

/// Scale-ins by id, and those that are over.
#[derive(Debug, Default)]
pub(in crate::decide) struct ScaleIns {
    open: BTreeMap<String, ScaleIn>,
    recent: VecDeque<ScaleInRow>,
    /// What keys were used for. As many as scale-ups' would be a leak: those of [`RECENT`] are enough, since
    /// a group has one scale-in at a time.
    keys: BTreeMap<String, ScaleInRow>,
}

#[derive(Debug)]
struct ScaleIn {
    row: ScaleInRow,
    group: usize,
    next_at: Time,
    /// What it waits for.
    doubts: Vec<Doubt>,
}

impl ScaleIns {
    fn remember(&mut self, row: ScaleInRow) {
        if let Some(key) = &row.idempotency_key {
            self.keys.insert(key.clone(), row.clone());
        }
        self.recent.push_back(row);
        if self.recent.len() > RECENT
            && let Some(key) = self.recent.pop_front().and_then(|row| row.idempotency_key)
        {
            self.keys.remove(&key);
        }
    }

    pub fn views(&self) -> Vec<ScaleInView> {
        let over = self.recent.iter().map(|row| ScaleInView { row: row.clone(), doubts: Vec::new() });
        let open = self.open.values().map(|s| ScaleInView { row: s.row.clone(), doubts: s.doubts.clone() });
        over.chain(open).collect()
    }
}

impl Core {
    /// Takes a scale-in, or journals and says why not.
    pub(in crate::decide) fn scale_in_asked(
        &mut self,
        ask: ScaleInAsk,
        now: &mut Now,
    ) -> Result<Accepted, Refusal> {
        let ins = &self.retiring.scale_ins;
        let key = ask.idempotency_key.as_ref();
        let open = ins
            .open
            .values()
            .map(|s| &s.row)
            .find(|row| key.is_some() && row.idempotency_key.as_ref() == key);
        if let Some(known) = open.or_else(|| ins.keys.get(key?)) {
            let same = known.group == ask.group && known.count == ask.count && known.reason == ask.reason;
            let id = known.id.clone();
            return if same { Ok(Accepted { id, repeated: true }) } else { Err(Refusal::KeyReused { id }) };
        }
        let group = self.group_named(&ask.group)?;
        let most = self.ledger.groups[group].spec.max;
        if ask.count == 0 || ask.count > most {
            return Err(Refusal::Count { count: ask.count, most });
        }
        let mut doubts = self.scale_in_doubts(group, ask.count, now.time);
        if let Some(other) = self.open_scale_in(group) {
            let text = format!("scale-in {other} is under way");
            doubts.push(Doubt { guard: "scale_in", text });
        }
        if !doubts.is_empty() {
            let text =
                format!("{} fewer in group {} ({}): {}", ask.count, ask.group, ask.reason, told(&doubts));
            self.ledger.journal(now.time, None, None, "scale_in_refused", text);
            return Err(Refusal::Unsafe { group: ask.group, doubts });
        }
        let evidence = self.scale_in_evidence(group, &ask.id, now.time);
        let text = format!("{} fewer in group {} ({}): {evidence}", ask.count, ask.group, ask.reason);
        self.ledger.journal(now.time, None, None, "scale_in_accepted", text);
        let row = ScaleInRow {
            id: ask.id.clone(),
            group: ask.group,
            count: ask.count,
            removed: 0,
            reason: ask.reason,
            idempotency_key: ask.idempotency_key,
            state: ScaleInState::Open,
            asked_at: now.time,
            done_at: None,
            note: None,
        };
        self.ledger.changes.scale_ins.push(row.clone());
        let open = ScaleIn { row, group, next_at: now.time, doubts: Vec::new() };
        self.retiring.scale_ins.open.insert(ask.id.clone(), open);
        Ok(Accepted { id: ask.id, repeated: false })
    }

    fn open_scale_in(&self, group: usize) -> Option<String> {
        let open = self.retiring.scale_ins.open.values().find(|s| s.group == group);
        open.map(|s| s.row.id.clone())
    }

    fn scale_in_evidence(&self, group: usize, id: &str, now: Time) -> String {
        let told: Vec<String> = self.readings(group, now).iter().map(|r| r.describe(now)).collect();
        format!("scale-in {id}: {}", told.join(", "))
    }

    pub(super) fn scale_ins_wake(&self) -> Time {
        self.retiring.scale_ins.open.values().map(|s| s.next_at).min().unwrap_or(Time::NEVER)
    }

    /// The next step of a group's scale-in, if it is time and nothing stands against it.
    pub(super) fn scale_in(&mut self, group: usize, now: &mut Now) {
        let Some(id) = self.open_scale_in(group) else { return };
        let Some(open) = self.retiring.scale_ins.open.get_mut(&id).filter(|s| s.next_at <= now.time) else {
            return;
        };
        let asked_at = open.row.asked_at;
        open.next_at = now.time.plus(LOOK_AGAIN);
        let left = open.row.count.saturating_sub(open.row.removed);
        let out = u32::try_from(self.retiring.of(group, RemovalCause::ScaleIn).count()).unwrap_or(u32::MAX);
        if out > 0 {
            return;
        }
        if left == 0 {
            self.end_scale_in(&id, ScaleInState::Done, None, now.time);
            return;
        }
        let doubts = self.scale_in_doubts(group, 1, now.time);
        let waits = !doubts.is_empty();
        if let Some(open) = self.retiring.scale_ins.open.get_mut(&id) {
            open.doubts = doubts;
        }
        if now.time.since(asked_at) > AT_MOST {
            let why = format!("not over after {} s", AT_MOST.as_secs());
            self.end_scale_in(&id, ScaleInState::Stopped, Some(why), now.time);
            return;
        }
        if waits {
            return;
        }
        let victims = self.victims(group, left, now.time);
        if victims.is_empty() {
            let why = "nobody may go: all that are left are held, protected or leaving".to_string();
            self.end_scale_in(&id, ScaleInState::Stopped, Some(why), now.time);
            return;
        }
        let evidence = self.scale_in_evidence(group, &id, now.time);
        for victim in victims {
            let row = RemovalRow {
                id: victim,
                group: self.ledger.groups[group].spec.name.clone(),
                instance: self.ledger.serving.get(&victim).map(|s| s.instance),
                cause: RemovalCause::ScaleIn,
                scale_in: Some(id.clone()),
                scale_up: None,
                evidence: evidence.clone(),
                state: RemovalState::Leaving,
                decided_at: now.time,
                done_at: None,
            };
            self.retire(row, group, now);
        }
        if let Some(open) = self.retiring.scale_ins.open.get_mut(&id) {
            open.next_at = now.time.plus(EVERY);
        }
    }

    /// Who goes in one step, of `left` in all.
    fn victims(&self, group: usize, left: u32, now: Time) -> Vec<Ec2Id> {
        let version = &self.ledger.groups[group].version;
        let mut all: BTreeMap<Arc<str>, u32> = BTreeMap::new();
        let mut candidates = Vec::new();
        let mut add = |id: Ec2Id, zone: Arc<str>, may_go: bool| {
            *all.entry(zone.clone()).or_default() += 1;
            let served = self.ledger.serving.get(&id);
            let leaving = served.is_some_and(|s| s.leaving) || self.retiring.rows.contains_key(&id);
            if may_go && !leaving && self.hold_on(id, now).is_none() {
                let current = served.is_some_and(|s| s.version == *version);
                let since = served.map_or(Time(0), |s| s.since);
                candidates.push(Candidate { id, zone, current, since });
            }
        };
        let mut serving = 0u32;
        if let Some(seen) = &self.asgs[group].seen {
            for m in seen.members.values().filter(|m| m.lifecycle == Lifecycle::InService) {
                serving += 1;
                add(m.id, Arc::from(m.zone.as_str()), !m.protected);
            }
        } else {
            for (id, served) in self.ledger.served(group) {
                serving += 1;
                add(id, self.ledger.served_zone(served), true);
            }
        }
        let floor = self.floor_room(group);
        let step = (serving * STEP / 100).max(1).min(left).min(floor);
        choose(candidates, all, step as usize)
    }

    /// So many may go until the floor is reached.
    fn floor_room(&self, group: usize) -> u32 {
        let g = &self.ledger.groups[group];
        match &self.asgs[group].seen {
            Some(seen) => seen.desired.saturating_sub(seen.min.max(g.spec.floor)),
            None => g.in_service.saturating_sub(g.spec.floor),
        }
    }

    /// One of a scale-in's has gone.
    pub(super) fn scale_in_lost_one(&mut self, row: &RemovalRow, now: Time) {
        let open = row.scale_in.as_ref().and_then(|id| self.retiring.scale_ins.open.get_mut(id));
        let Some(open) = open else { return };
        open.row.removed += 1;
        self.ledger.changes.scale_ins.push(open.row.clone());
        if open.row.removed >= open.row.count {
            let id = open.row.id.clone();
            self.end_scale_in(&id, ScaleInState::Done, None, now);
        }
    }

    fn end_scale_in(&mut self, id: &str, state: ScaleInState, note: Option<String>, now: Time) {
        let Some(open) = self.retiring.scale_ins.open.remove(id) else { return };
        let waited = if open.doubts.is_empty() {
            String::new()
        } else {
            format!("; it waited: {}", told(&open.doubts))
        };
        let note = note.map(|why| format!("{why}{waited}"));
        let row = ScaleInRow { state, note, done_at: Some(now), ..open.row };
        let text = format!(
            "scale-in {id}: {state}, {} of {} removed{}",
            row.removed,
            row.count,
            row.note.as_ref().map_or_else(String::new, |n| format!(": {n}"))
        );
        self.ledger.journal(now, None, None, "scale_in_ended", text);
        self.ledger.changes.scale_ins.push(row.clone());
        self.retiring.scale_ins.remember(row);
    }

    /// Puts a stored scale-in back.
    pub(in crate::decide) fn take_up_scale_in(&mut self, row: ScaleInRow, group: usize) {
        if row.state == ScaleInState::Open {
            let (id, next_at) = (row.id.clone(), Time(0));
            self.retiring.scale_ins.open.insert(id, ScaleIn { row, group, next_at, doubts: Vec::new() });
        } else {
            self.retiring.scale_ins.remember(row);
        }
    }
}
