//! One run: a queue of events in virtual time, the simulated AWS, muster's processes and the judge.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::decide::action::{Action, Target};
use crate::decide::event::{Ask, CallError, Contact, Ec2State, Event, Ticket};
use crate::decide::group::{LaunchBody, ProbeKind};
use crate::decide::intake::KEY_MEMORY;
use crate::decide::rows::{Changes, Restored};
use crate::decide::words::{Api, Ec2Id, ErrorClass, InstanceRef, LaunchSeq, Phase, Time};
use crate::engine::crash::CrashPoint;
use crate::sim::Model;
use crate::sim::model::Change;
use crate::sim::model::ec2::{Door, Health};
use crate::sim::settings::SettingsError;

use super::adapt;
use super::books::{Books, Disk};
use super::dice::Dice;
use super::host::{Brain, Host, Round};
use super::mutant::Mutant;
use super::oracle::{Invariant, Oracle};
use super::plan::{Plan, START};

/// A client that got no answer asks again after so long, with the same idempotency key.
const ASK_AGAIN_MS: u32 = 3_000;
/// How often the judge looks for orphans.
const SWEEP_MS: u32 = 60_000;
/// A stalled commit takes so long (D6's stalls).
const STALL_MS: u32 = 5_000;
/// Events after which a run is called endless. The largest drill takes some 100,000.
const MOST_EVENTS: u64 = 2_000_000;

/// What is on its way.
enum Coming {
    /// A call or a contact reaches the other side.
    Arrives {
        life: u64,
        effect: Effect,
    },
    /// Its outcome reaches the process that sent it.
    Returns {
        life: u64,
        what: Kind,
        event: Event,
    },
    /// A decision's transaction is durable now.
    Durable {
        life: u64,
    },
    Wake {
        life: u64,
    },
    Ask(usize),
    Cancel(usize),
    Change(usize),
    Kill,
    Restart,
    Pause {
        for_ms: u32,
    },
    Resume {
        life: u64,
    },
    Heal,
    Sweep,
}

/// What an action does outside.
enum Effect {
    Call { api: Api, action: Action, sent: Time, back_ms: u32 },
    Contact { target: Target, configure: bool, sent: Time, back_ms: u32 },
}

/// What a descriptor is open for.
#[derive(Clone, Copy)]
enum Kind {
    Call,
    Contact,
}

struct Due {
    at: Time,
    serial: u64,
    coming: Coming,
}

impl PartialEq for Due {
    fn eq(&self, other: &Due) -> bool {
        self.serial == other.serial
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Due) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Due) -> std::cmp::Ordering {
        (self.at, self.serial).cmp(&(other.at, other.serial))
    }
}

/// How far a client has come with its request.
#[derive(Clone, Default)]
pub struct Asking {
    /// The public id, once accepted.
    pub accepted: Option<String>,
    /// When the answer came.
    pub answered: Option<Time>,
    pub refused: Option<String>,
}

/// One run under way, and what is known of it at the end.
pub struct World {
    pub plan: Plan,
    pub now: Time,
    pub model: Model,
    pub books: Books,
    pub oracle: Oracle,
    pub asking: Vec<Asking>,
    /// When each instance that is in service got there.
    pub served: BTreeMap<InstanceRef, Time>,
    pub sent: BTreeMap<Api, u64>,
    pub throttled: BTreeMap<Api, u64>,
    /// When throttled answers came.
    pub throttled_at: Vec<(Time, Api)>,
    pub kills: u32,
    /// When calls were sent, for drills that count them by the minute.
    pub calls_at: Vec<(Time, Api)>,
    /// When instances were given up, and when their places were free.
    pub given_up: BTreeMap<InstanceRef, Time>,
    pub freed: BTreeMap<InstanceRef, Time>,
    hosts: Vec<Host>,
    queue: BinaryHeap<Reverse<Due>>,
    serial: u64,
    lives: u64,
    dice: Dice,
    healed: bool,
    steps: BTreeMap<CrashPoint, u32>,
    commits: u64,
    trace: Option<String>,
}

impl World {
    /// # Errors
    /// If the plan's settings of the simulated AWS make no sense.
    pub fn new(plan: Plan, disk: Option<Box<dyn Disk>>, traced: bool) -> Result<World, SettingsError> {
        let mut model = Model::new(plan.aws.clone(), plan.seed)?;
        model.watch();
        let mut world = World {
            now: START,
            model,
            books: Books::new(disk),
            oracle: Oracle::new(&plan),
            asking: vec![Asking::default(); plan.asks.len()],
            served: BTreeMap::new(),
            sent: BTreeMap::new(),
            throttled: BTreeMap::new(),
            throttled_at: Vec::new(),
            kills: 0,
            calls_at: Vec::new(),
            given_up: BTreeMap::new(),
            freed: BTreeMap::new(),
            hosts: Vec::new(),
            queue: BinaryHeap::new(),
            serial: 0,
            lives: 0,
            dice: Dice::new(plan.seed, 1),
            healed: false,
            steps: BTreeMap::new(),
            commits: 0,
            trace: traced.then(String::new),
            plan,
        };
        world.set_out();
        Ok(world)
    }

    /// Puts everything that the plan says into the queue.
    fn set_out(&mut self) {
        if self.plan.proven {
            for group in &self.plan.groups {
                self.books.prove(&group.name, &group.version, START);
            }
        }
        self.start_host();
        for (i, asked) in self.plan.asks.clone().iter().enumerate() {
            self.after(asked.at_ms, Coming::Ask(i));
        }
        for (i, cancelled) in self.plan.cancels.clone().iter().enumerate() {
            self.after(cancelled.at_ms, Coming::Cancel(i));
        }
        for (i, (at, _)) in self.plan.changes.clone().iter().enumerate() {
            self.after(*at, Coming::Change(i));
        }
        for at in self.plan.kills.at_ms.clone() {
            self.after(at, Coming::Kill);
        }
        for pause in self.plan.pauses.clone() {
            self.after(pause.at_ms, Coming::Pause { for_ms: pause.for_ms });
        }
        self.after(self.plan.heal_at_ms, Coming::Heal);
        self.after(SWEEP_MS, Coming::Sweep);
    }

    /// Runs to the end: everything is settled after the faults have healed, or the time is up.
    pub fn run(&mut self) {
        let end = START.plus(ms(self.plan.settled_by_ms));
        let mut events = 0;
        while let Some(Reverse(due)) = self.queue.pop() {
            events += 1;
            if events > MOST_EVENTS {
                self.oracle.violated(
                    self.now,
                    Invariant::Liveness,
                    format!("{MOST_EVENTS} events and no end"),
                );
            }
            if due.at > end || self.oracle.is_done() || events > MOST_EVENTS {
                break;
            }
            self.now = due.at;
            self.take(due.coming);
            self.look();
            if self.is_quiet() && !self.healed {
                // Nothing is left for the rest of the faults to break.
                self.heal();
            }
            if self.healed && self.is_quiet() {
                break;
            }
        }
        if self.oracle.is_done() {
            // It did not come to an end: what is missing there is no finding of its own.
            return;
        }
        let accepted: Vec<String> = self.asking.iter().filter_map(|a| a.accepted.clone()).collect();
        let unanswered = self.asking.iter().filter(|a| a.answered.is_none()).count();
        if unanswered > 0 {
            let text = format!("{unanswered} requests were never answered");
            self.oracle.violated(self.now, Invariant::Liveness, text);
        }
        self.oracle.finish(self.now, &accepted, &mut self.model, &self.books);
    }

    /// The timeline, if it was asked for.
    #[must_use]
    pub fn trace(&self) -> &str {
        self.trace.as_deref().unwrap_or_default()
    }

    /// Everything that was asked for is answered and done, and nothing is left over.
    fn is_quiet(&self) -> bool {
        self.books.open() == 0
            && self.asking.iter().all(|a| a.answered.is_some())
            && self.hosts.len() == 1
            && !self.hosts.iter().any(|h| h.paused || h.committing.is_some())
            && self.oracle.loose(&self.books).next().is_none()
    }

    fn take(&mut self, coming: Coming) {
        match coming {
            Coming::Arrives { life, effect } => self.arrives(life, effect),
            Coming::Returns { life, what, event } => self.returns(life, what, event),
            Coming::Durable { life } => self.durable(life),
            Coming::Wake { life } => self.turn(life),
            Coming::Ask(i) => self.ask(i),
            Coming::Cancel(i) => self.cancel(i),
            Coming::Change(i) => self.change(i),
            Coming::Kill => self.kill_current("a kill"),
            Coming::Restart => self.start_host(),
            Coming::Pause { for_ms } => self.pause(for_ms),
            Coming::Resume { life } => {
                self.note(|| format!("process {life} goes on"));
                if let Some(host) = self.hosts.iter_mut().find(|h| h.life == life) {
                    host.paused = false;
                }
                self.turn(life);
            }
            Coming::Heal => self.heal(),
            Coming::Sweep => {
                self.oracle.sweep(self.now, &self.books);
                self.after(SWEEP_MS, Coming::Sweep);
            }
        }
    }

    /// Lets the judge see what the event did.
    fn look(&mut self) {
        let happened = self.model.happened(self.now.0);
        if !happened.is_empty() {
            if self.trace.is_some() {
                for happening in &happened {
                    self.note(|| format!("aws: {happening:?}"));
                }
            }
            self.oracle.happened(self.now, happened, &self.model, &self.books);
        }
    }

    // ---- Processes ------------------------------------------------------------------------------

    fn start_host(&mut self) {
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
                self.turn(life);
            }
            Err(error) => {
                self.oracle.violated(self.now, Invariant::I1, format!("a restart is impossible: {error}"));
            }
        }
    }

    /// The newest process, if it runs.
    fn current(&mut self) -> Option<&mut Host> {
        self.hosts.last_mut().filter(|h| !h.paused)
    }

    fn kill_current(&mut self, why: &str) {
        if self.healed {
            return;
        }
        if let Some(life) = self.current().map(|h| h.life) {
            self.kill(life, why);
        }
    }

    /// It is gone at once: nothing is flushed, nobody hears of its calls any more.
    fn kill(&mut self, life: u64, why: &str) {
        let newest = self.hosts.last().is_some_and(|h| h.life == life);
        self.hosts.retain(|h| h.life != life);
        self.kills += 1;
        self.note(|| format!("process {life} dies: {why}"));
        if newest {
            let pause = self.dice.range(self.plan.restart);
            self.after(pause, Coming::Restart);
        }
    }

    fn pause(&mut self, for_ms: u32) {
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
    fn dies_at(&mut self, life: u64, step: CrashPoint) -> bool {
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
    fn turn(&mut self, life: u64) {
        let Some(host) = self.hosts.iter_mut().find(|h| h.life == life) else { return };
        if host.paused || host.committing.is_some() || host.inbox.is_empty() && self.now < host.wake {
            return;
        }
        let entropy = self.dice.bits();
        let events = std::mem::take(&mut host.inbox);
        let decision = host.brain.decide(self.now, entropy, events);
        let (changes, wake) = (decision.changes().clone(), decision.wake());
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

    fn begin_commit(&mut self, life: u64, mut round: Round) {
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

    fn durable(&mut self, life: u64) {
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
    fn commit(&mut self, epoch: i64, changes: &Changes) -> bool {
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
    fn book(&mut self, changes: &Changes) {
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
                | Phase::Terminating
                | Phase::Withdrawn => {}
            }
            if self.trace.is_some() {
                self.note(|| format!("committed: {} {}", row.instance, row.phase));
            }
        }
        for row in &changes.journal {
            self.note(|| format!("journal: {} {}", row.kind, row.text));
        }
        self.oracle.committed(self.now, changes, &mut self.model);
    }

    fn wake_at(&mut self, life: u64, wake: Time) {
        if wake != Time::NEVER {
            self.at(wake, Coming::Wake { life });
        }
    }

    // ---- Actions and outcomes ---------------------------------------------------------------------

    fn perform(&mut self, life: u64, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Answer { ticket, answer } => {
                    let Some(asking) = ticket_of(ticket).and_then(|i| self.asking.get_mut(i)) else {
                        continue;
                    };
                    asking.answered.get_or_insert(self.now);
                    match answer {
                        Ok(accepted) => asking.accepted = Some(accepted.id),
                        Err(refusal) => asking.refused = Some(refusal.to_string()),
                    }
                }
                Action::Launch { launch, body } => {
                    let body = self.mutated(launch, body);
                    self.send(life, Api::RunInstances, Action::Launch { launch, body });
                }
                Action::Describe { asked } => {
                    let forgets = self.plan.mutant == Some(Mutant::ForgetsToLook);
                    if !(forgets && self.dice.chance(33.0)) {
                        self.send(life, Api::DescribeInstances, Action::Describe { asked });
                    }
                }
                Action::Terminate { asked } => self.terminate(life, asked),
                Action::Configure(target) => self.contact(life, target, true),
                Action::Probe(target) => self.contact(life, target, false),
            }
            if !self.hosts.iter().any(|h| h.life == life) {
                // It died in the middle of what it had to do.
                return;
            }
        }
    }

    /// The body that a wrong engine would send.
    fn mutated(&self, launch: LaunchSeq, body: Arc<LaunchBody>) -> Arc<LaunchBody> {
        let sends = self.books.launches.get(&launch).map_or(1, |l| l.sends);
        let mut changed = body.as_ref().clone();
        match self.plan.mutant {
            Some(Mutant::MintsTokens) if sends > 1 => changed.token = format!("{}-{sends}", body.token),
            Some(Mutant::ChangesBodies) if sends > 1 => changed.max_count += 1,
            Some(_) | None => return body,
        }
        Arc::new(changed)
    }

    fn terminate(&mut self, life: u64, mut asked: Vec<(Ec2Id, InstanceRef)>) {
        match self.plan.mutant {
            Some(Mutant::AssumesGone) => {
                let gone = asked.iter().map(|(id, _)| (*id, Ec2State::Terminated)).collect();
                let event = Event::Terminated { asked, outcome: Ok(gone) };
                self.count_out(life, Kind::Call, true);
                self.after(10, Coming::Returns { life, what: Kind::Call, event });
                return;
            }
            Some(Mutant::RemovesTheWrongOne) => {
                let serving = self.served.keys().next_back().and_then(|i| self.books.instances.get(i)?.id);
                if let (Some(id), Some(first)) = (serving, asked.first_mut()) {
                    first.0 = id;
                }
            }
            Some(_) | None => {}
        }
        self.send(life, Api::TerminateInstances, Action::Terminate { asked });
    }

    fn send(&mut self, life: u64, api: Api, action: Action) {
        let (before, _) = steps_of(api);
        if self.dies_at(life, before) {
            return;
        }
        *self.sent.entry(api).or_default() += 1;
        self.oracle.sends(self.now, api);
        self.calls_at.push((self.now, api));
        self.count_out(life, Kind::Call, true);
        let network = self.network();
        let (out, back_ms) = (network.one_way(&mut self.dice), network.one_way(&mut self.dice));
        self.note(|| format!("process {life} calls {api}"));
        let effect = Effect::Call { api, action, sent: self.now, back_ms };
        self.after(out, Coming::Arrives { life, effect });
    }

    fn contact(&mut self, life: u64, target: Target, configure: bool) {
        if configure && self.dies_at(life, CrashPoint::BeforeContact) {
            return;
        }
        self.count_out(life, Kind::Contact, true);
        let network = self.network();
        // A handshake, then the question; the answer comes back alone.
        let out = network.there_and_back(&mut self.dice) + network.one_way(&mut self.dice);
        let back_ms = network.one_way(&mut self.dice);
        let effect = Effect::Contact { target, configure, sent: self.now, back_ms };
        self.after(out, Coming::Arrives { life, effect });
    }

    /// The other side acts, whether or not the sender still lives.
    fn arrives(&mut self, life: u64, effect: Effect) {
        match effect {
            Effect::Call { api, action, sent, back_ms } => {
                self.call_arrives(life, api, action, sent, back_ms);
            }
            Effect::Contact { target, configure, sent, back_ms } => {
                self.contact_arrives(life, &target, configure, sent, back_ms);
            }
        }
    }

    fn call_arrives(&mut self, life: u64, api: Api, action: Action, sent: Time, back_ms: u32) {
        let call = match &action {
            Action::Launch { body, .. } => adapt::launch_call(body),
            Action::Describe { asked } => adapt::describe_call(asked.iter().map(|(id, _)| *id)),
            Action::Terminate { asked } => {
                self.oracle.terminates(self.now, asked.iter().map(|(id, _)| *id), &self.books);
                adapt::terminate_call(asked.iter().map(|(id, _)| *id))
            }
            Action::Configure(_) | Action::Probe(_) | Action::Answer { .. } => return,
        };
        let reply = self.model.handle(&call, self.now.0);
        let back = self.now.plus(ms(reply.latency_ms + back_ms));
        let late = sent.plus(ms(self.plan.call_timeout_ms));
        let timeout = back > late;
        let lost = |error: &CallError| {
            self.plan.mutant == Some(Mutant::LostIsRefused) && error.class == ErrorClass::Unknown
        };
        let out = reply.outcome;
        let too_late = || adapt::unknown("timeout", "no answer in time");
        let event = match action {
            Action::Launch { launch, .. } => {
                let outcome = if timeout { Err(too_late()) } else { adapt::launched(out) };
                let outcome = outcome.map_err(|error| {
                    if lost(&error) { CallError { class: ErrorClass::Capacity, ..error } } else { error }
                });
                Event::LaunchAnswered { launch, outcome }
            }
            Action::Describe { asked } => Event::Described {
                asked,
                outcome: if timeout { Err(too_late()) } else { adapt::described(out) },
            },
            Action::Terminate { asked } => Event::Terminated {
                asked,
                outcome: if timeout { Err(too_late()) } else { adapt::terminating(out) },
            },
            Action::Configure(_) | Action::Probe(_) | Action::Answer { .. } => return,
        };
        if is_throttle(&event) {
            *self.throttled.entry(api).or_default() += 1;
            self.throttled_at.push((sent, api));
        }
        self.at(back.min(late), Coming::Returns { life, what: Kind::Call, event });
    }

    fn contact_arrives(&mut self, life: u64, target: &Target, configure: bool, sent: Time, back_ms: u32) {
        let timeout = if configure {
            target.group.configure.as_ref().map(|c| c.timeout)
        } else {
            target.group.probes.first().map(|p| p.timeout)
        };
        let late = sent.plus(timeout.unwrap_or_default());
        let back = self.now.plus(ms(back_ms));
        let mut outcome = self.met(target, configure);
        let hangs = matches!(outcome, Contact::Hung(_));
        let at = if hangs || back > late { late.max(self.now) } else { back };
        if !hangs && back > late {
            outcome = Contact::Hung("no answer in time".into());
        }
        if self.plan.mutant == Some(Mutant::BelievesAnyAnswer) && matches!(outcome, Contact::Rejected(_)) {
            outcome = Contact::Passed;
        }
        let instance = target.instance;
        let event = if configure {
            Event::Configured { instance, outcome }
        } else {
            Event::Probed { instance, outcome }
        };
        self.at(at, Coming::Returns { life, what: Kind::Contact, event });
    }

    /// What a contact meets at the instance.
    fn met(&mut self, target: &Target, configure: bool) -> Contact {
        let IpAddr::V4(address) = target.address else {
            return Contact::Unreachable("no IPv4 address".into());
        };
        let reset = || Contact::Unreachable("connection reset".into());
        match self.model.door(address, self.now.0) {
            Door::Reset => reset(),
            Door::Hang => Contact::Hung("no answer".into()),
            Door::Open if configure => {
                let slot = target.instance.slot.to_string();
                let attempt = Some(u32::from(target.instance.attempt));
                if self.model.configure(address, Some(&slot), attempt, self.now.0) {
                    Contact::Passed
                } else {
                    reset()
                }
            }
            Door::Open => match self.model.health(address, self.now.0) {
                Some(Health::Serving) => Contact::Passed,
                // A connection opens whether or not the instance is ready.
                Some(Health::NotReady) if target.group.probes.iter().all(|p| p.kind == ProbeKind::Tcp) => {
                    Contact::Passed
                }
                Some(Health::NotReady) => Contact::Rejected("status 503".into()),
                None => reset(),
            },
        }
    }

    fn returns(&mut self, life: u64, what: Kind, event: Event) {
        let after = match &event {
            Event::LaunchAnswered { .. } => CrashPoint::AfterLaunch,
            Event::Described { .. } => CrashPoint::AfterDescribe,
            Event::Terminated { .. } => CrashPoint::AfterTerminate,
            Event::Configured { .. } | Event::Probed { .. } => CrashPoint::AfterContact,
            Event::ScaleUpAsked { .. } | Event::CancelAsked { .. } => return,
        };
        if !self.hosts.iter().any(|h| h.life == life) {
            return;
        }
        self.count_out(life, what, false);
        if matches!(what, Kind::Call) || matches!(event, Event::Configured { .. }) {
            if self.trace.is_some() {
                self.note(|| brief(&event));
            }
            if self.dies_at(life, after) {
                return;
            }
        }
        if let Some(host) = self.hosts.iter_mut().find(|h| h.life == life) {
            host.inbox.push(event);
        }
        self.turn(life);
    }

    fn count_out(&mut self, life: u64, what: Kind, opened: bool) {
        let Some(host) = self.hosts.iter_mut().find(|h| h.life == life) else { return };
        let out = match what {
            Kind::Call => &mut host.calls_out,
            Kind::Contact => &mut host.contacts_out,
        };
        *out = if opened { *out + 1 } else { out.saturating_sub(1) };
        let descriptors = host.descriptors();
        if opened {
            self.oracle.holds(self.now, descriptors);
        }
    }

    fn network(&self) -> super::network::Network {
        self.plan.network
    }

    // ---- Clients and faults -----------------------------------------------------------------------

    fn ask(&mut self, i: usize) {
        if self.asking[i].answered.is_some() {
            return;
        }
        let asked = self.plan.asks[i].clone();
        let group = self.plan.groups[asked.group].name.clone();
        let n = self.serial;
        let now = self.now;
        if let Some(host) = self.current() {
            let ask = Ask {
                id: format!("scale-up-{i}-{n}"),
                group,
                count: asked.count,
                by: asked.by_ms.map(|by| START.plus(ms(by))).filter(|by| *by > now),
                reason: "simulated".into(),
                idempotency_key: Some(format!("ask-{i}")),
            };
            let ticket = Ticket(i as u64 + 1);
            host.inbox.push(Event::ScaleUpAsked { ask, ticket });
            let life = host.life;
            self.turn(life);
        }
        self.after(ASK_AGAIN_MS, Coming::Ask(i));
    }

    fn cancel(&mut self, i: usize) {
        let Some(id) = self.asking[self.plan.cancels[i].ask].accepted.clone() else { return };
        if let Some(host) = self.current() {
            host.inbox.push(Event::CancelAsked { id, reason: "simulated".into(), ticket: Ticket(0) });
            let life = host.life;
            self.turn(life);
        }
    }

    fn change(&mut self, i: usize) {
        if !self.healed {
            let change = self.plan.changes[i].1.clone();
            self.apply(&change);
        }
    }

    fn apply(&mut self, change: &Change) {
        self.note(|| format!("aws changes: {change:?}"));
        if let Err(error) = self.model.change(change, self.now.0) {
            self.oracle.violated(self.now, Invariant::Store, format!("the plan is wrong: {error}"));
        }
    }

    fn heal(&mut self) {
        self.healed = true;
        self.plan.network.loss = 0.0;
        self.apply(&Change::healed());
    }

    // ---- Time ---------------------------------------------------------------------------------------

    fn after(&mut self, after_ms: u32, coming: Coming) {
        self.at(self.now.plus(ms(after_ms)), coming);
    }

    fn at(&mut self, at: Time, coming: Coming) {
        self.serial += 1;
        self.queue.push(Reverse(Due { at: at.max(self.now), serial: self.serial, coming }));
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        let Some(trace) = &mut self.trace else { return };
        let at = self.now.0 - START.0;
        let _ = writeln!(trace, "{:>6}.{:03}  {}", at / 1_000, at % 1_000, what());
    }
}

/// Clients' tickets count from 1; nobody waits for a cancellation's.
fn ticket_of(ticket: Ticket) -> Option<usize> {
    usize::try_from(ticket.0.checked_sub(1)?).ok()
}

fn steps_of(api: Api) -> (CrashPoint, CrashPoint) {
    match api {
        Api::RunInstances => (CrashPoint::BeforeLaunch, CrashPoint::AfterLaunch),
        Api::DescribeInstances => (CrashPoint::BeforeDescribe, CrashPoint::AfterDescribe),
        Api::TerminateInstances => (CrashPoint::BeforeTerminate, CrashPoint::AfterTerminate),
    }
}

fn is_throttle(event: &Event) -> bool {
    let class = match event {
        Event::LaunchAnswered { outcome: Err(error), .. }
        | Event::Described { outcome: Err(error), .. }
        | Event::Terminated { outcome: Err(error), .. } => Some(error.class),
        Event::LaunchAnswered { .. }
        | Event::Described { .. }
        | Event::Terminated { .. }
        | Event::ScaleUpAsked { .. }
        | Event::CancelAsked { .. }
        | Event::Configured { .. }
        | Event::Probed { .. } => None,
    };
    class == Some(ErrorClass::Throttle)
}

/// An outcome in one line.
fn brief(event: &Event) -> String {
    match event {
        Event::LaunchAnswered { launch, outcome } => match outcome {
            Ok(seen) => format!("launch {}: {} instances", launch.0, seen.len()),
            Err(error) => format!("launch {}: {error}", launch.0),
        },
        Event::Described { asked, outcome } => match outcome {
            Ok(seen) => format!("describe of {}: {} seen", asked.len(), seen.len()),
            Err(error) => format!("describe of {}: {error}", asked.len()),
        },
        Event::Terminated { asked, outcome } => match outcome {
            Ok(_) => format!("terminate of {}: done", asked.len()),
            Err(error) => format!("terminate of {}: {error}", asked.len()),
        },
        Event::Configured { instance, outcome } => format!("configure {instance}: {outcome:?}"),
        Event::Probed { instance, outcome } => format!("probe {instance}: {outcome:?}"),
        Event::ScaleUpAsked { ask, .. } => format!("asked for {} of {}", ask.count, ask.group),
        Event::CancelAsked { id, .. } => format!("asked to cancel {id}"),
    }
}

/// What a wrong engine does not read back.
fn forget(mutant: Mutant, stored: &mut Restored) {
    if mutant == Mutant::ForgetsBudgets {
        stored.budgets.clear();
    }
    if mutant == Mutant::ForgetsLaunches {
        stored.launches.clear();
        for row in stored.instances.iter_mut().filter(|row| row.phase == Phase::Launching) {
            row.phase = Phase::Queued;
            row.launch = None;
        }
    }
}

fn ms(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}
