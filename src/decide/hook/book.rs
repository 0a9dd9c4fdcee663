//! The lifecycle actions that wait for an answer, and those that were answered not long ago.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::deadline;
use super::notice::{HookAction, HookNotice, HookResult, HookState, Transition};
use super::proof::STALE;
use crate::decide::intake::KEY_MEMORY;
use crate::decide::rows::HookRow;
use crate::decide::words::{Api, Ec2Id, HookSeq, InstanceRef, Time};

/// A token that turns up for an action that was found by looking belongs to it if it comes within this
/// time: SNS tries for an hour, EventBridge for a day.
const TOKEN_LATE: Duration = KEY_MEMORY;
/// First pause before a call about an action goes out again; doubles to 32 times that.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const MOST_DOUBLINGS: u32 = 5;

/// One action that waits for our answer.
#[derive(Debug)]
pub struct Hook {
    pub row: HookRow,
    pub group: usize,
    pub action: Arc<HookAction>,
    /// One heartbeat is good for this long.
    pub period: Duration,
    /// A call about it is out.
    pub in_flight: Option<Api>,
    /// Answers may have been lost: "no such action" can mean that ours was taken.
    pub lost: bool,
    /// Its instance is held.
    pub held: bool,
    /// When its instance was last seen serving; none if its answer needs no proof.
    pub proof_at: Option<Time>,
    failures: u32,
    not_before: Time,
}

impl Hook {
    #[must_use]
    pub fn new(row: HookRow, group: usize, period: Duration) -> Hook {
        let action = Arc::new(HookAction {
            asg: row.asg.clone(),
            hook: row.hook.clone(),
            token: row.token.clone(),
            id: row.id,
        });
        Hook {
            // Another process may have sent an answer and not lived to hear what became of it.
            lost: row.completions > 0,
            row,
            group,
            action,
            period,
            in_flight: None,
            held: false,
            proof_at: None,
            failures: 0,
            not_before: Time(0),
        }
    }

    /// The same, of an instance that is held, or not.
    #[must_use]
    pub fn of_held(self, held: bool) -> Hook {
        Hook { held, ..self }
    }

    /// The next call about it has to go out by then.
    #[must_use]
    pub fn latest_start(&self) -> Time {
        // Half a period outlasts an outage that the last sixth would not.
        let margin = if self.held { self.period / 2 } else { deadline::margin(self.period) };
        self.row.expires_at.minus(margin)
    }

    #[must_use]
    pub fn is_free(&self, now: Time) -> bool {
        self.in_flight.is_none() && self.not_before <= now
    }

    /// AWS may have heard our answer.
    #[must_use]
    pub fn is_said(&self) -> bool {
        match self.row.result {
            None => false,
            Some(HookResult::Abandon) => true,
            Some(HookResult::Continue) => self.lost || self.in_flight == Some(Api::CompleteLifecycleAction),
        }
    }

    /// What can be answered now: nobody is let in on an old proof.
    #[must_use]
    pub fn answer(&self, now: Time) -> Option<HookResult> {
        let believed = self.lost || self.proof_at.is_none_or(|at| now.since(at) <= STALE);
        self.row.result.filter(|_| believed)
    }

    /// There is an answer for it, or a heartbeat would extend it.
    fn is_worth_a_call(&self, now: Time) -> bool {
        self.answer(now).is_some() || now < self.row.expires_at && self.row.expires_at < self.row.ends_at
    }

    /// Puts the next call off after one that failed.
    pub fn failed(&mut self, now: Time, jitter: impl FnOnce(Duration) -> Duration) {
        let pause = FIRST_PAUSE * 2u32.pow(self.failures.min(MOST_DOUBLINGS));
        self.failures += 1;
        self.not_before = now.plus(jitter(pause));
    }

    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.not_before = Time(0);
    }

    #[must_use]
    pub fn not_before(&self) -> Time {
        self.not_before
    }
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// This very action, told of before.
    Same,
    /// An action that was found by looking, whose token this is.
    Found(HookSeq),
    New,
}

/// All lifecycle actions.
#[derive(Debug, Default)]
pub struct HookBook {
    open: BTreeMap<HookSeq, Hook>,
    /// Open ones by the latest start of their next call.
    order: BTreeSet<(Time, HookSeq)>,
    /// Open ones that we have an answer for, likewise.
    decided: BTreeSet<(Time, HookSeq)>,
    /// Open ones whose last call failed, by when the next may go out.
    retries: BTreeSet<(Time, HookSeq)>,
    by_token: BTreeMap<(String, String), HookSeq>,
    by_instance: BTreeMap<Ec2Id, Vec<HookSeq>>,
    /// Ended ones that had no token yet.
    tokenless: BTreeMap<(Ec2Id, Transition, String), HookSeq>,
    /// Those that ended, oldest first: what to forget when.
    ended: VecDeque<(Time, HookRow)>,
    pub last_seq: u64,
    /// Actions whose time ran out before we could answer, since the start.
    pub expired: u64,
    /// When calls about actions are worth another look.
    pub wake: Time,
}

impl HookBook {
    #[must_use]
    pub fn get(&self, seq: HookSeq) -> Option<&Hook> {
        self.open.get(&seq)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Hook> + '_ {
        self.open.values()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Open actions of an instance, oldest first.
    #[must_use]
    pub fn of(&self, id: Ec2Id, transition: Transition) -> Vec<HookSeq> {
        let of = self.by_instance.get(&id).into_iter().flatten().copied();
        of.filter(|s| self.open.get(s).is_some_and(|h| h.row.transition == transition)).collect()
    }

    /// Whether this hook of this instance is open.
    #[must_use]
    pub fn has(&self, id: Ec2Id, transition: Transition, hook: &str) -> bool {
        self.of(id, transition).iter().any(|s| self.open.get(s).is_some_and(|h| h.row.hook == hook))
    }

    /// What is known of the action that a notice tells of.
    #[must_use]
    pub fn know(&self, notice: &HookNotice) -> Known {
        if self.by_token.contains_key(&(notice.asg.clone(), notice.token.clone())) {
            return Known::Same;
        }
        let open = self
            .of(notice.id, notice.transition)
            .into_iter()
            .find(|s| self.open.get(s).is_some_and(|h| h.row.token.is_none() && h.row.hook == notice.hook));
        let ended = || {
            let key = (notice.id, notice.transition, notice.hook.clone());
            self.tokenless.get(&key).copied()
        };
        open.or_else(ended).map_or(Known::New, Known::Found)
    }

    /// Opens an action.
    pub fn open(&mut self, hook: Hook) {
        let seq = hook.row.seq;
        self.last_seq = self.last_seq.max(seq.0);
        if let Some(token) = &hook.row.token {
            self.by_token.insert((hook.row.asg.clone(), token.clone()), seq);
        }
        self.by_instance.entry(hook.row.id).or_default().push(seq);
        self.place(&hook);
        self.open.insert(seq, hook);
    }

    fn place(&mut self, hook: &Hook) {
        let key = (hook.latest_start(), hook.row.seq);
        self.order.insert(key);
        if hook.row.result.is_some() {
            self.decided.insert(key);
        }
        if hook.not_before > Time(0) {
            self.retries.insert((hook.not_before, hook.row.seq));
        }
    }

    fn displace(&mut self, hook: &Hook) {
        let key = (hook.latest_start(), hook.row.seq);
        self.order.remove(&key);
        self.decided.remove(&key);
        self.retries.remove(&(hook.not_before, hook.row.seq));
    }

    /// Changes an open action; its row is returned to be written.
    pub fn change(&mut self, seq: HookSeq, change: impl FnOnce(&mut Hook)) -> Option<HookRow> {
        let mut hook = self.open.remove(&seq)?;
        self.displace(&hook);
        change(&mut hook);
        self.place(&hook);
        let row = hook.row.clone();
        self.open.insert(seq, hook);
        Some(row)
    }

    /// The token of an action that was found by looking has turned up. Returns its row to be written.
    pub fn learn_token(&mut self, seq: HookSeq, token: &str, now: Time) -> Option<HookRow> {
        if let Some(hook) = self.open.get(&seq) {
            self.by_token.insert((hook.row.asg.clone(), token.to_string()), seq);
            return self.change(seq, |h| {
                h.row.token = Some(token.to_string());
                h.action = Arc::new(HookAction { token: Some(token.to_string()), ..(*h.action).clone() });
            });
        }
        let (_, row) = self.ended.iter_mut().find(|(_, r)| r.seq == seq)?;
        row.token = Some(token.to_string());
        let row = row.clone();
        self.tokenless.remove(&(row.id, row.transition, row.hook.clone()));
        self.by_token.insert((row.asg.clone(), token.to_string()), seq);
        self.forget_old(now);
        Some(row)
    }

    /// Ends an action. Returns its row to be written.
    pub fn end(
        &mut self,
        seq: HookSeq,
        state: HookState,
        now: Time,
        error: Option<String>,
    ) -> Option<HookRow> {
        let hook = self.open.remove(&seq)?;
        self.displace(&hook);
        if let Some(of) = self.by_instance.get_mut(&hook.row.id) {
            of.retain(|s| *s != seq);
            if of.is_empty() {
                self.by_instance.remove(&hook.row.id);
            }
        }
        let mut row = hook.row;
        row.state = state;
        row.done_at = Some(now);
        row.error = error.or(row.error);
        self.expired += u64::from(state == HookState::Expired);
        self.remember(row.clone());
        self.forget_old(now);
        Some(row)
    }

    /// Remembers an action that has ended.
    pub fn remember(&mut self, row: HookRow) {
        self.last_seq = self.last_seq.max(row.seq.0);
        match &row.token {
            Some(token) => self.by_token.insert((row.asg.clone(), token.clone()), row.seq),
            None => self.tokenless.insert((row.id, row.transition, row.hook.clone()), row.seq),
        };
        self.ended.push_back((row.done_at.unwrap_or(row.noticed_at), row));
    }

    fn forget_old(&mut self, now: Time) {
        while self.ended.front().is_some_and(|(at, _)| now.since(*at) > TOKEN_LATE) {
            let Some((_, row)) = self.ended.pop_front() else { break };
            match row.token {
                Some(token) => self.by_token.remove(&(row.asg, token)),
                None => self.tokenless.remove(&(row.id, row.transition, row.hook)),
            };
        }
    }

    /// The instance's action by this hook ended without a token less than this ago.
    #[must_use]
    pub fn ended_lately(&self, id: Ec2Id, transition: Transition, now: Time, within: Duration) -> bool {
        let of = self.ended.iter().rev().take_while(|(at, _)| now.since(*at) <= within);
        of.into_iter().any(|(_, r)| r.id == id && r.transition == transition)
    }

    /// When the first call must go out for nobody to be late, at so many calls a second.
    #[must_use]
    pub fn start_by(&self, per_second: f64, now: Time) -> Time {
        let in_time = |(_, s): &&(Time, HookSeq)| self.open.get(s).is_some_and(|h| now < h.row.expires_at);
        deadline::start_by(self.order.iter().filter(in_time).map(|(at, _)| *at), per_second)
    }

    /// The first whose own latest start has come.
    #[must_use]
    pub fn first_urgent(&self, now: Time) -> Option<HookSeq> {
        let urgent = self.order.range(..=(now, HookSeq(u64::MAX)));
        let mut hooks = urgent.filter_map(|(_, s)| self.open.get(s));
        let due = hooks.find(|h| h.is_free(now) && now < h.row.expires_at && h.is_worth_a_call(now));
        due.map(|h| h.row.seq)
    }

    /// The first in order of deadlines that a call can go out for now.
    #[must_use]
    pub fn first(&self, now: Time) -> Option<HookSeq> {
        self.free(&self.order, now, |h| h.is_worth_a_call(now))
    }

    /// The first in order of deadlines that we have an answer for.
    #[must_use]
    pub fn first_decided(&self, now: Time) -> Option<HookSeq> {
        self.free(&self.decided, now, |h| h.answer(now).is_some())
    }

    /// Instances of the next so many that we have an answer for, whose proof of service is this old.
    #[must_use]
    pub fn unproven(&self, next: usize, now: Time, age: Duration) -> Vec<InstanceRef> {
        let hooks = self.decided.iter().filter_map(|(_, s)| self.open.get(s)).take(next);
        let old = hooks.filter(|h| !h.lost && h.proof_at.is_some_and(|at| now.since(at) >= age));
        old.filter_map(|h| h.row.instance).collect()
    }

    /// An instance was seen serving.
    pub fn proven(&mut self, id: Ec2Id, now: Time) {
        for seq in self.of(id, Transition::Launching) {
            if let Some(hook) = self.open.get_mut(&seq).filter(|h| h.proof_at.is_some()) {
                hook.proof_at = Some(now);
            }
        }
    }

    fn free(
        &self,
        order: &BTreeSet<(Time, HookSeq)>,
        now: Time,
        fits: impl Fn(&Hook) -> bool,
    ) -> Option<HookSeq> {
        let free = |h: &&Hook| h.is_free(now) && fits(h);
        let hooks = || order.iter().filter_map(|(_, s)| self.open.get(s)).filter(free);
        // Whoever is late by our clock is tried when nobody else could be late for it: one after the other
        // too late is how a backlog kills everything behind it.
        let in_time = hooks().find(|h| now < h.row.expires_at);
        in_time.or_else(|| hooks().next()).map(|h| h.row.seq)
    }

    /// Open actions whose time has been over for `grace` without an answer of AWS's.
    #[must_use]
    pub fn overdue(&self, now: Time, grace: Duration) -> Vec<HookSeq> {
        let late = |h: &&Hook| h.in_flight.is_none() && h.row.expires_at.plus(grace) <= now;
        let first = self.order.iter().take_while(|(at, _)| *at <= now);
        first.filter_map(|(_, s)| self.open.get(s)).filter(late).map(|h| h.row.seq).collect()
    }

    /// When the first of those whose calls failed may go out again.
    #[must_use]
    pub fn next_retry(&self, now: Time) -> Time {
        let later = self.retries.range((Time(now.0.saturating_add(1)), HookSeq(0))..);
        later.map(|(at, _)| *at).next().unwrap_or(Time::NEVER)
    }
}
