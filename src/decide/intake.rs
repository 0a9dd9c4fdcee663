//! Accepting, cancelling and expiring scale-ups.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::action::{Accepted, Refusal};
use super::event::Ask;
use super::preflight::verdict::Verdict;
use super::rows::{PreflightRow, ScaleUpRow};
use super::timers::Due;
use super::words::{Origin, Phase, ScaleUpSeq, ScaleUpState, SlotId, Time};
use super::{Core, Now};

/// How long an idempotency key is remembered. Longer than any sender of ours retries; EventBridge,
/// the most patient of them, gives up after 24 h (aws-facts 4.2).
pub const KEY_MEMORY: Duration = Duration::from_secs(24 * 3_600);

/// Idempotency keys of the last [`KEY_MEMORY`], oldest first.
#[derive(Debug, Default)]
pub struct Keys {
    by_key: BTreeMap<String, Known>,
    order: VecDeque<(Time, String)>,
}

/// What a key was used for.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    id: String,
    group: String,
    count: u32,
    reason: String,
}

impl Keys {
    pub fn remember(&mut self, row: &ScaleUpRow) {
        let Some(key) = &row.idempotency_key else { return };
        let known = Known {
            id: row.id.clone(),
            group: row.group.clone(),
            count: row.wanted,
            reason: row.reason.clone(),
        };
        self.by_key.insert(key.clone(), known);
        self.order.push_back((row.accepted_at, key.clone()));
    }

    fn forget_old(&mut self, now: Time) {
        while self.order.front().is_some_and(|(at, _)| now.since(*at) > KEY_MEMORY) {
            if let Some((_, key)) = self.order.pop_front() {
                self.by_key.remove(&key);
            }
        }
    }

    /// The answer to a request whose key is known. A deadline is not compared: "in 15 minutes" is
    /// another point in time at each try.
    fn answer(&self, ask: &Ask) -> Option<Result<Accepted, Refusal>> {
        let known = self.by_key.get(ask.idempotency_key.as_ref()?)?;
        let same = known.group == ask.group && known.count == ask.count && known.reason == ask.reason;
        Some(if same {
            Ok(Accepted { id: known.id.clone(), repeated: true })
        } else {
            Err(Refusal::KeyReused { id: known.id.clone() })
        })
    }
}

impl Core {
    /// Takes a scale-up in, or says why not and stores nothing.
    pub(super) fn accept(&mut self, ask: Ask, now: &mut Now) -> Result<Accepted, Refusal> {
        self.keys.forget_old(now.time);
        if let Some(answer) = self.keys.answer(&ask) {
            return answer;
        }
        let group = self.admissible(&ask, now.time)?;
        let verdict = self.verdict(group, ask.count, ask.by, now.time);
        if let Some(refusal) = Core::refused_by(&verdict, ask.all_or_nothing) {
            return Err(refusal);
        }
        let seq = ScaleUpSeq(self.last_scale_up + 1);
        self.last_scale_up = seq.0;
        let row = ScaleUpRow {
            seq,
            id: ask.id.clone(),
            group: ask.group,
            origin: if ask.emergency { Origin::Emergency } else { Origin::Asked },
            wanted: ask.count,
            planned: 0,
            by: ask.by,
            reason: ask.reason,
            idempotency_key: ask.idempotency_key,
            state: ScaleUpState::Open,
            accepted_at: now.time,
            done_at: None,
            in_service: 0,
            withdrawn: 0,
            eta_ms: 0,
            cancel_reason: None,
        };
        self.keys.remember(&row);
        if let Some(by) = row.by {
            self.timers.set(by, Due::Deadline(seq));
        }
        self.ledger.open(row, group);
        self.keep_to(&verdict, seq, now.time);
        let queued = self.ledger.groups[group].queued;
        let rough_from = self.rough_from();
        let eta = self.ledger.scale_ups.get(&seq).and_then(|s| self.eta(s, queued, rough_from, now.time));
        if let Some(s) = self.ledger.scale_ups.get_mut(&seq) {
            s.row.eta_ms = eta.map_or(-1, |t| t.0 - now.time.0);
        }
        self.hold_to(seq, eta, now.time);
        self.watch_promise(seq, now.time);
        Ok(Accepted { id: ask.id, repeated: false })
    }

    /// The group of this name.
    pub(super) fn group_named(&self, group: &str) -> Result<usize, Refusal> {
        self.ledger.group_index(group).ok_or_else(|| {
            let names: Vec<&str> = self.ledger.groups.iter().map(|g| g.spec.name.as_str()).collect();
            Refusal::UnknownGroup { group: group.to_string(), known: names.join(", ") }
        })
    }

    /// Writes down what was said, and ends at once what does not fit.
    fn keep_to(&mut self, verdict: &Verdict, seq: ScaleUpSeq, now: Time) {
        let row = PreflightRow { scale_up: seq, verdict: serde_json::to_string(verdict).unwrap_or_default() };
        self.ledger.changes.preflights.push(row);
        if let Some(binding) = verdict.binding() {
            let text = format!("{} of {} fit: {}", verdict.fits, verdict.wanted, verdict.why());
            self.ledger.journal(now, Some(seq), None, "short", text);
            self.ledger.withdraw_some(seq, verdict.missing(), now, &binding.told());
        }
    }

    pub(super) fn admissible(&self, ask: &Ask, now: Time) -> Result<usize, Refusal> {
        let group = self.group_named(&ask.group)?;
        let most = self.settings.most_per_scale_up;
        if ask.count == 0 || ask.count > most {
            return Err(Refusal::Count { count: ask.count, most });
        }
        if let Some(by) = ask.by
            && by <= now
        {
            return Err(Refusal::PastDeadline { late_ms: now.0 - by.0 });
        }
        let open = u32::try_from(self.ledger.scale_ups.len()).unwrap_or(u32::MAX);
        if open >= self.settings.most_open {
            return Err(Refusal::Full { open });
        }
        Ok(group)
    }

    /// Stops a scale-up: what is queued ends as a shortfall now, what is under way is taken away,
    /// what a launch may have made is taken away once the launch is settled. What is in service
    /// stays: removing that needs more than a request (DESIGN rule 6).
    pub(super) fn cancel(&mut self, id: &str, reason: &str, now: &mut Now) -> Result<Accepted, Refusal> {
        let Some(seq) = self.ledger.scale_up_by_id(id) else {
            return Err(Refusal::UnknownScaleUp { id: id.to_string() });
        };
        let Some(s) = self.ledger.scale_ups.get_mut(&seq) else {
            return Err(Refusal::UnknownScaleUp { id: id.to_string() });
        };
        match s.row.state {
            ScaleUpState::Done => return Err(Refusal::AlreadyDone { id: id.to_string() }),
            ScaleUpState::Cancelling => return Ok(Accepted { id: id.to_string(), repeated: true }),
            ScaleUpState::Open => {}
        }
        s.row.state = ScaleUpState::Cancelling;
        s.row.cancel_reason = Some(reason.to_string());
        let row = s.row.clone();
        self.ledger.changes.scale_ups.push(row);
        self.ledger.journal(now.time, Some(seq), None, "cancelled", reason.to_string());
        self.ledger.withdraw_queued(seq, now.time, &format!("cancelled: {reason}"));
        self.remove_what_is_under_way(seq, now);
        Ok(Accepted { id: id.to_string(), repeated: false })
    }

    /// Everything of a scale-up that exists and is not in service goes to the removals.
    pub(super) fn remove_what_is_under_way(&mut self, seq: ScaleUpSeq, now: &mut Now) {
        let Some(s) = self.ledger.scale_ups.get(&seq) else { return };
        let mut under_way = Vec::new();
        for (ordinal, slot) in (0u32..).zip(&s.slots) {
            match slot.phase {
                Phase::Booting | Phase::Configuring | Phase::Verifying | Phase::Admitting => {
                    under_way.push(super::words::InstanceRef {
                        slot: SlotId { scale_up: seq, ordinal },
                        attempt: slot.attempt,
                    });
                }
                // A launch must be settled first; the removals have the broken ones already; what
                // is in service stays.
                Phase::Launching
                | Phase::Broken
                | Phase::Terminating
                | Phase::Queued
                | Phase::InService
                | Phase::Quarantined
                | Phase::Reserved
                | Phase::Gone
                | Phase::Withdrawn => {}
            }
        }
        let group = s.group;
        for instance in under_way {
            self.launches.plans[group].guard.withdrawn(instance);
            self.remove(instance, now);
        }
    }

    /// The deadline is here: what no launch has yet is dropped and listed; what is under way goes
    /// on, since it is nearly there and already paid for.
    pub(super) fn deadline_passed(&mut self, seq: ScaleUpSeq, now: &Now) {
        if self.ledger.scale_ups.contains_key(&seq) {
            self.ledger.journal(now.time, Some(seq), None, "deadline", "the deadline passed".into());
            self.withdraw_if_unwanted(seq, now.time);
        }
    }

    /// Why nothing more is to be launched for a scale-up, if that is so.
    pub(super) fn unwanted(&self, seq: ScaleUpSeq, time: Time) -> Option<String> {
        let row = &self.ledger.scale_ups.get(&seq)?.row;
        if row.origin == Origin::Adopted {
            return Some("its Auto Scaling group replaces it".to_string());
        }
        match row.state {
            ScaleUpState::Cancelling => {
                Some(format!("cancelled: {}", row.cancel_reason.as_deref().unwrap_or("no reason given")))
            }
            ScaleUpState::Open | ScaleUpState::Done => row
                .by
                .filter(|by| *by <= time)
                .map(|_| "the deadline passed before it was launched".to_string()),
        }
    }

    pub(super) fn withdraw_if_unwanted(&mut self, seq: ScaleUpSeq, time: Time) {
        if let Some(reason) = self.unwanted(seq, time) {
            self.ledger.withdraw_queued(seq, time, &reason);
        }
    }

    /// A slot whose instance is gone gets another, if it is still wanted.
    pub(super) fn requeue_or_withdraw(&mut self, slot: SlotId, time: Time) {
        match self.unwanted(slot.scale_up, time) {
            Some(reason) => self.ledger.withdraw(slot, time, reason),
            None => self.ledger.requeue_anew(slot, time),
        }
    }
}
