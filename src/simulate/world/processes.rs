//! Processes of muster: started, killed, paused; their decisions and commits.

use crate::decide::action::Action;
use crate::decide::intake::KEY_MEMORY;
use crate::decide::rows::{Changes, Restored};
use crate::decide::words::{Phase, Time};
use crate::engine::crash::CrashPoint;

use super::super::explained::LOOK_EVERY;
use super::super::host::{Brain, Host, Round};
use super::super::mutant::Mutant;
use super::super::oracle::Invariant;
use super::{Coming, World, ms};

/// A stalled commit takes so long (D6's stalls).
const STALL_MS: u32 = 5_000;
/// Where it is watched when something is expected, it is asked so often.
const EXPECTED_EVERY_MS: u32 = 1_000;

impl World {
    pub(super) fn start_host(&mut self) {
        self.lives += 1;
        let life = self.lives;
        let epoch = self.books.take_over(self.now);
        let mut stored = self.books.restore(self.now.minus(KEY_MEMORY));
        if let Some(mutant) = self.plan.mutant {
            forget(mutant, &mut stored);
        }
        let entropy = self.dice.bits();
        match Brain::start(&self.plan, stored, self.now, entropy) {
            Ok(brain) => {
                self.note(|| format!("process {life} starts with epoch {epoch}"));
                self.hosts.push(Host {
                    life,
                    epoch,
                    brain,
                    inbox: Vec::new(),
                    committing: None,
                    wake: self.now,
                    paused: false,
                    calls_out: 0,
                    contacts_out: 0,
                });
                self.begin_polls(life);
                self.turn(life);
            }
            Err(error) => {
                self.oracle.violated(self.now, Invariant::I1, format!("a restart is impossible: {error}"));
            }
        }
    }

    /// The newest process, if it runs.
    pub(super) fn current(&mut self) -> Option<&mut Host> {
        self.hosts.last_mut().filter(|h| !h.paused)
    }

    pub(super) fn kill_current(&mut self, why: &str) {
        if self.healed {
            return;
        }
        if let Some(life) = self.current().map(|h| h.life) {
            self.kill(life, why);
        }
    }

    /// It is gone at once: nothing is flushed, nobody hears of its calls any more.
    pub(super) fn kill(&mut self, life: u64, why: &str) {
        let newest = self.hosts.last().is_some_and(|h| h.life == life);
        self.hosts.retain(|h| h.life != life);
        self.kills += 1;
        self.note(|| format!("process {life} dies: {why}"));
        if newest {
            let pause = self.dice.range(self.plan.restart);
            self.after(pause, Coming::Restart);
        }
    }

    pub(super) fn pause(&mut self, for_ms: u32) {
        if self.healed {
            return;
        }
        let Some(host) = self.current() else { return };
        host.paused = true;
        let life = host.life;
        self.note(|| format!("process {life} is stopped for {for_ms} ms, another takes over"));
        self.after(for_ms, Coming::Resume { life });
        let restart = self.dice.range(self.plan.restart);
        self.after(restart, Coming::Restart);
    }

    /// Here is a step of the protocol. True if the process dies at it.
    pub(super) fn dies_at(&mut self, life: u64, step: CrashPoint) -> bool {
        let n = self.steps.entry(step).or_default();
        *n += 1;
        let told = self.plan.kills.at_step == Some((step, *n));
        let unlucky =
            !self.healed && self.plan.kills.per_step > 0.0 && self.dice.chance(self.plan.kills.per_step);
        if told || unlucky {
            self.kill(life, step.as_str());
        }
        told || unlucky
    }

    /// Decides, if there is anything to decide and nothing is being committed.
    pub(super) fn turn(&mut self, life: u64) {
        let Some(host) = self.hosts.iter_mut().find(|h| h.life == life) else { return };
        if host.paused || host.committing.is_some() || host.inbox.is_empty() && self.now < host.wake {
            return;
        }
        let entropy = self.dice.bits();
        let events = std::mem::take(&mut host.inbox);
        let decision = host.brain.decide(self.now, entropy, events);
        let (changes, wake) = (decision.changes().clone(), decision.wake());
        if self.plan.watch_eta
            && self.expected.last().is_none_or(|(at, _)| self.now.since(*at) >= ms(EXPECTED_EVERY_MS))
            && let Some(expected) = host.brain.expected(self.now)
        {
            self.expected.push((self.now, expected));
        }
        if self.now.since(self.explained_at) >= LOOK_EVERY {
            self.explained_at = self.now;
            for text in host.brain.unexplained(self.now) {
                self.oracle.violated(self.now, Invariant::Explained, text);
            }
        }
        let round = Round { changes, actions: decision.committed(), wake };
        let host_wake = round.wake;
        host.wake = host_wake;
        if round.changes.is_empty() {
            self.perform(life, round.actions);
            self.wake_at(life, host_wake);
        } else {
            self.begin_commit(life, round);
        }
    }

    pub(super) fn begin_commit(&mut self, life: u64, mut round: Round) {
        match self.plan.mutant {
            Some(Mutant::PerformsFirst) => {
                let actions = std::mem::take(&mut round.actions);
                self.perform(life, actions);
            }
            Some(Mutant::AnswersFirst) => {
                let (answers, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut round.actions)
                    .into_iter()
                    .partition(|a| matches!(a, Action::Answer { .. }));
                round.actions = rest;
                self.perform(life, answers);
            }
            Some(Mutant::AdmitsFirst) => {
                let (answers, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut round.actions)
                    .into_iter()
                    .partition(|a| matches!(a, Action::Complete { .. }));
                round.actions = rest;
                self.perform(life, answers);
            }
            Some(_) | None => {}
        }
        if self.dies_at(life, CrashPoint::BeforeCommit) {
            return;
        }
        let stalls = !self.healed && self.dice.chance(self.plan.stalls);
        let takes = if stalls { STALL_MS } else { self.dice.range(self.plan.commit) };
        if let Some(host) = self.hosts.iter_mut().find(|h| h.life == life) {
            host.committing = Some(round);
        }
        self.after(takes, Coming::Durable { life });
    }

    pub(super) fn durable(&mut self, life: u64) {
        let Some(host) = self.hosts.iter_mut().find(|h| h.life == life) else { return };
        if host.paused {
            // Stopped in the middle of it: it goes on when the process does.
            self.after(100, Coming::Durable { life });
            return;
        }
        let epoch = host.epoch;
        let Some(round) = host.committing.take() else { return };
        if !self.commit(epoch, &round.changes) {
            self.note(|| format!("process {life} is fenced and ends"));
            self.hosts.retain(|h| h.life != life);
            return;
        }
        self.book(&round.changes);
        if self.dies_at(life, CrashPoint::AfterCommit) {
            return;
        }
        self.perform(life, round.actions);
        self.wake_at(life, round.wake);
        self.turn(life);
    }

    /// False if another process has taken over.
    pub(super) fn commit(&mut self, epoch: i64, changes: &Changes) -> bool {
        self.commits += 1;
        match self.plan.mutant {
            Some(Mutant::SkipsCommits) if self.commits.is_multiple_of(5) => true,
            Some(Mutant::DropsTheFence) => {
                self.books.write(changes);
                true
            }
            Some(_) | None => self.books.commit(epoch, changes).is_ok(),
        }
    }

    /// Remembers what drills ask about, and shows the judge.
    pub(super) fn book(&mut self, changes: &Changes) {
        for row in &changes.instances {
            match row.phase {
                Phase::InService => drop(self.served.insert(row.instance, self.now)),
                Phase::Broken => drop(self.given_up.insert(row.instance, self.now)),
                Phase::Gone => drop(self.freed.insert(row.instance, self.now)),
                Phase::Queued
                | Phase::Launching
                | Phase::Booting
                | Phase::Configuring
                | Phase::Verifying
                | Phase::Admitting
                | Phase::Quarantined
                | Phase::Reserved
                | Phase::Terminating
                | Phase::Withdrawn => {}
            }
            if self.trace.is_some() {
                self.note(|| format!("committed: {} {}", row.instance, row.phase));
            }
        }
        for row in &changes.journal {
            if row.kind == "breaker_open" {
                self.opened.push(self.now);
            }
            self.book_valve(row);
            if row.kind == "late" {
                self.late.push((self.now, row.text.clone()));
            }
            self.note(|| format!("journal: {} {}", row.kind, row.text));
        }
        self.oracle.committed(self.now, changes, &mut self.model, &self.books);
    }

    pub(super) fn wake_at(&mut self, life: u64, wake: Time) {
        if wake != Time::NEVER {
            self.at(wake, Coming::Wake { life });
        }
    }
}

/// What a wrong engine does not read back.
fn forget(mutant: Mutant, stored: &mut Restored) {
    if mutant == Mutant::ForgetsBudgets {
        stored.budgets.clear();
    }
    if mutant == Mutant::ForgetsZones {
        stored.zones.clear();
    }
    if mutant == Mutant::ForgetsQuarantine {
        stored.quarantine.clear();
    }
    if mutant == Mutant::ForgetsLaunches {
        stored.launches.clear();
        for row in stored.instances.iter_mut().filter(|row| row.phase == Phase::Launching) {
            row.phase = Phase::Queued;
            row.launch = None;
        }
    }
}
