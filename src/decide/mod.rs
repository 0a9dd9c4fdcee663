//! The pure core: given what came in, every budget's state and the time, what changes and what to
//! do. No I/O, no clock, no entropy, no async, no logging; the same inputs give the same outputs.
//!
//! One decision is one call of [`Core::decide`]. A slot's way through it, file by file:
//! [`intake`] accepts the scale-up, [`launches`] gives its slots to a launch and settles it,
//! [`boots`] watches EC2 start the instance, [`contacts`] configures and verifies it, [`removals`]
//! takes broken ones away. Instances of Auto Scaling groups come in by [`hook`]s and [`asg`]. [`ledger`] keeps the books all along.

pub mod action;
pub mod ages;
pub mod asg;
pub mod boots;
pub mod budget;
pub mod contacts;
pub mod event;
pub mod gateway;
pub mod group;
pub mod guard;
mod holdups;
pub mod hook;
pub mod intake;
pub mod launches;
pub mod ledger;
mod lost;
pub mod mark;
pub mod order;
pub mod pace;
pub mod patience;
pub mod preflight;
pub mod presence;
pub mod progress;
pub mod promise;
pub mod quarantine;
pub mod removals;
pub mod restore;
pub mod retire;
pub mod rng;
pub mod rows;
pub mod serving;
pub mod signal;
pub mod span;
pub mod tail;
#[cfg(test)]
mod tests;
pub mod timers;
pub mod view;
pub mod wait;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use action::Action;
use asg::{AsgState, Sweeps};
use boots::Boots;
use budget::api::{ApiBudget, ApiLimits};
use budget::metered::Chance;
use contacts::ContactQueue;
use event::Event;
use gateway::Gateways;
use gateway::words::Gateway;
use group::Group;
use guard::Guards;
use guard::halt::Halt;
use guard::valve::Valve;
use guard::version::{Outcome, Turn};
use guard::zones::Zones;
use hook::HookBook;
use intake::Keys;
use launches::Launches;
use ledger::Ledger;
use pace::Pace;
use patience::Patience;
use preflight::Preflight;
use presence::Presence;
use progress::Recent;
use quarantine::Quarantine;
use removals::Removals;
use retire::{Care, Retiring};
use rng::Rng;
use rows::Changes;
use signal::Agreement;
use signal::read::MetricReads;
use signal::series::Series;
use timers::{Due, Timers};
use words::{Api, Ec2Id, InstanceRef, Phase, Time};

/// Limits that are not a group's.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Most instances one scale-up may ask for.
    pub most_per_scale_up: u32,
    /// Most scale-ups that may be open at once.
    pub most_open: u32,
    pub run_instances: ApiLimits,
    pub describe_instances: ApiLimits,
    pub terminate_instances: ApiLimits,
    /// The one bucket that all calls of Auto Scaling share. AWS does not publish it: this is where learning starts.
    pub auto_scaling: ApiLimits,
    /// Most contacts with instances at once; the descriptor budget pays for as many.
    pub contacts: u32,
    /// Whether a `RunInstances` that is sent again spends instance tokens again. AWS does not say; the
    /// safe belief is that it does.
    pub repeats_pay: bool,
    /// Booting instances are looked at in bulk this often. Shorter: sooner seen, more calls.
    pub describe_every: Duration,
    /// Broken instances are collected this long before one terminate call takes them away. Longer:
    /// fewer calls. Shorter: their places are free sooner; D8 wants that within 10 s, call included.
    pub terminate_every: Duration,
    /// How old the counts that requests are held against may become; none: AWS is not asked for them. The
    /// simulator leaves it out where a run is not about it.
    pub look_every: Option<Duration>,
    /// What may be asked to be scaled ahead of time.
    pub gateways: Vec<Arc<Gateway>>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            most_per_scale_up: 10_000,
            most_open: 1_000,
            run_instances: ApiLimits::published(Api::RunInstances),
            describe_instances: ApiLimits::published(Api::DescribeInstances),
            terminate_instances: ApiLimits::published(Api::TerminateInstances),
            auto_scaling: ApiLimits::published(Api::AutoScaling),
            contacts: 48,
            repeats_pay: true,
            describe_every: Duration::from_secs(5),
            terminate_every: Duration::from_secs(8),
            look_every: None,
            gateways: Vec::new(),
        }
    }
}

/// What one decision says.
#[derive(Debug, Default)]
pub struct Decision {
    /// To be committed first, all together.
    pub changes: Changes,
    /// To be performed then.
    pub actions: Vec<Action>,
    /// When to decide again if nothing comes in before.
    pub wake: Time,
}

/// The state of everything that is decided about.
#[derive(Debug)]
pub struct Core {
    settings: Settings,
    ledger: Ledger,
    launches: Launches,
    boots: Boots,
    contacts: ContactQueue,
    removals: Removals,
    timers: Timers,
    run: ApiBudget,
    describe: ApiBudget,
    terminate: ApiBudget,
    /// Auto Scaling's, all calls together.
    auto: ApiBudget,
    /// Of `ModifyInstanceAttribute` and `DescribeInstanceAttribute`.
    attribute: ApiBudget,
    asgs: Vec<AsgState>,
    halts: Vec<Halt>,
    /// When a halt is worth another look.
    halts_wake: Time,
    /// When a raise is worth another look.
    raises_wake: Time,
    sweeps: Sweeps,
    hooks: HookBook,
    guards: Guards,
    /// Instances of Auto Scaling groups that have a place in the books.
    members: BTreeMap<Ec2Id, InstanceRef>,
    /// Those that leave without their group shrinking, though we launched them.
    kept: BTreeSet<InstanceRef>,
    /// Of `GetMetricData`.
    metrics: ApiBudget,
    reads: MetricReads,
    /// Of each group's signals, in the order of its configuration.
    signals: Vec<Vec<Series>>,
    /// What was last journalled of what they say together, and when that was looked at.
    agreements: Vec<Option<Agreement>>,
    agreed_at: Time,
    valves: Vec<Valve>,
    care: Vec<Care>,
    last_suspect: u32,
    retiring: Retiring,
    quarantine: Quarantine,
    keys: Keys,
    preflight: Preflight,
    gateways: Gateways,
    zones: Zones,
    paces: Vec<Pace>,
    patience: Vec<Patience>,
    recent: Recent,
    presence: Presence,
    last_scale_up: u32,
    /// A look at the deadlines is due at some time.
    promises_watched: bool,
}

/// What is at hand during one decision.
struct Now {
    time: Time,
    rng: Rng,
    actions: Vec<Action>,
}

impl Core {
    /// A core that has nothing to do. See [`restore`] for one that goes on from what was stored.
    #[must_use]
    pub fn new(settings: Settings, groups: Vec<Arc<Group>>) -> Core {
        Core {
            run: ApiBudget::new(Api::RunInstances, &settings.run_instances),
            describe: ApiBudget::new(Api::DescribeInstances, &settings.describe_instances),
            terminate: ApiBudget::new(Api::TerminateInstances, &settings.terminate_instances),
            auto: ApiBudget::learning(Api::AutoScaling, &settings.auto_scaling),
            attribute: ApiBudget::learning(
                Api::ModifyInstanceAttribute,
                &ApiLimits::published(Api::ModifyInstanceAttribute),
            ),
            asgs: groups.iter().map(|g| AsgState::new(g)).collect(),
            halts: groups.iter().map(|_| Halt::default()).collect(),
            halts_wake: Time::NEVER,
            raises_wake: Time::NEVER,
            sweeps: Sweeps::new(groups.iter().filter_map(|g| Some(g.asg.as_ref()?.sweep_every))),
            hooks: HookBook::default(),
            guards: Guards::default(),
            members: BTreeMap::new(),
            kept: BTreeSet::new(),
            metrics: ApiBudget::new(Api::GetMetricData, &ApiLimits::published(Api::GetMetricData)),
            reads: MetricReads::new(
                groups.iter().map(|g| &**g),
                settings.gateways.iter().filter_map(|g| g.observed.as_ref()),
            ),
            signals: groups.iter().map(|g| vec![Series::default(); g.signals.len()]).collect(),
            agreements: vec![None; groups.len()],
            agreed_at: Time(0),
            valves: groups.iter().map(|g| Valve::new(g.valve)).collect(),
            care: groups.iter().map(|_| Care::default()).collect(),
            last_suspect: 0,
            retiring: Retiring::default(),
            quarantine: Quarantine::default(),
            preflight: Preflight::new(&settings, &groups),
            gateways: Gateways::new(&settings.gateways),
            launches: Launches::new(&groups),
            boots: Boots::new(settings.describe_every),
            contacts: ContactQueue::new(settings.contacts),
            removals: Removals::new(settings.terminate_every),
            paces: groups.iter().map(|_| Pace::default()).collect(),
            patience: groups.iter().map(|g| Patience::new(&g.watchdogs)).collect(),
            ledger: Ledger::new(groups),
            timers: Timers::default(),
            keys: Keys::default(),
            zones: Zones::default(),
            recent: Recent::default(),
            presence: Presence::default(),
            last_scale_up: 0,
            promises_watched: false,
            settings,
        }
    }

    /// Takes in what happened and says what to do. `entropy` seeds everything random in it.
    ///
    /// The state is changed in place: if the returned changes cannot be committed, this core must
    /// be thrown away and restored from what was.
    pub fn decide(&mut self, time: Time, entropy: u64, events: Vec<Event>) -> Decision {
        let mut now = Now { time, rng: Rng::new(entropy), actions: Vec::new() };
        for event in events {
            self.take_in(event, &mut now);
        }
        while let Some(due) = self.timers.pop(time) {
            self.look_at(due, &mut now);
        }
        // Whom somebody holds first; then what is broken, since freeing comes before allocating; then what is wanted.
        self.plan_guards(&mut now);
        self.plan_quarantine(&mut now);
        self.plan_removals(&mut now);
        self.plan_halts(&mut now);
        self.plan_raises(&mut now);
        if self.sweep_is_overdue(&now) {
            self.plan_sweeps(&mut now);
        }
        if self.leaving_is_overdue(&now) {
            self.plan_leaving(&mut now);
        }
        self.plan_proofs(&now);
        self.plan_urgent_hooks(&mut now);
        // One call takes away, shows or launches a hundred; an answer that is not urgent is one instance's.
        self.plan_leaving(&mut now);
        self.plan_sweeps(&mut now);
        self.plan_reads(&mut now);
        self.note_agreements(now.time);
        self.plan_retiring(&mut now);
        self.plan_launches(&mut now);
        self.plan_hooks(&mut now);
        self.plan_describes(&mut now);
        self.plan_contacts(&mut now);
        self.plan_suspects(&mut now);
        self.plan_looks(&mut now);
        self.plan_gates(&mut now);
        self.plan_unanswered(now.time);
        self.plan_gateways(&mut now);
        self.finish(now)
    }

    fn take_in(&mut self, event: Event, now: &mut Now) {
        match event {
            Event::ScaleUpAsked { ask, ticket } => {
                let answer = self.accept(ask, now);
                now.actions.push(Action::Answer { ticket, answer });
            }
            Event::CancelAsked { id, reason, ticket } => {
                let answer = self.cancel(&id, &reason, now);
                now.actions.push(Action::Answer { ticket, answer });
            }
            Event::LaunchAnswered { launch, outcome } => self.launch_answered(launch, outcome, now),
            Event::LaunchFound { launch, outcome } => self.launch_found(launch, outcome, now),
            Event::Described { asked, outcome } => self.described(&asked, outcome, now),
            Event::Terminated { asked, outcome } => self.terminated(&asked, outcome, now),
            Event::Configured { instance, outcome } => {
                self.contacted(instance, Phase::Configuring, outcome, now);
            }
            Event::HookNoticed { notice, ticket } => {
                let answer = self.hook_noticed(notice, now);
                now.actions.push(Action::Answer { ticket, answer });
            }
            Event::HookAnswered { hook, api, outcome } => self.hook_answered(hook, api, outcome, now),
            Event::GroupsDescribed { asked, outcome } => self.groups_described(&asked, outcome, now),
            Event::HooksDescribed { asg, outcome } => self.hooks_described(&asg, outcome, now),
            Event::TerminatedInGroup { asg, asked, outcome } => {
                self.terminated_in_group(&asg, &asked, outcome, now);
            }
            Event::MetricsRead { asked, outcome } => self.metrics_read(&asked, outcome, now),
            Event::Looked { look, outcome } => self.looked(&look, outcome, now),
            Event::GatewayAnswered { request, call, outcome } => {
                self.gateway_answered(&request, &call, outcome, now);
            }
            Event::PreflightAsked { ask, ticket } => {
                let verdict = self.foretell(&ask, now);
                now.actions.push(Action::Foretell { ticket, verdict });
            }
            Event::Marked { mark, outcome } => self.marked(&mark, &outcome, now),
            Event::Ordered { order, ticket } => {
                let answer = self.ordered(order, now);
                now.actions.push(Action::Answer { ticket, answer });
            }
            Event::Probed { instance, outcome } => self.contacted(instance, Phase::Verifying, outcome, now),
        }
    }

    fn look_at(&mut self, due: Due, now: &mut Now) {
        match due {
            Due::Watchdog(instance) => self.watchdog(instance, now),
            Due::Contact(instance) => self.contact_due(instance),
            Due::Deadline(scale_up) => self.deadline_passed(scale_up, now),
            Due::Promises => self.promises_due(now),
            Due::HookEnd(hook) => self.hook_ends(hook, now),
        }
    }

    /// Gives an instance up: it is broken, for this reason, and will be taken away, or kept for people to look at.
    fn give_up(&mut self, instance: InstanceRef, reason: String, now: &mut Now) {
        let Some(broke_in) = self.ledger.current(instance).map(|s| s.phase) else { return };
        if self.gives_joining_up(instance, &reason, now) {
            return;
        }
        self.judge(instance, Outcome::Broken, now.time);
        self.ledger.enter(instance.slot, Phase::Broken, now.time, Some(reason.clone()));
        if !self.keeps_broken(instance, broke_in, reason, now) {
            self.remove(instance, now);
        }
    }

    /// EC2 says that the instance is gone, or going by itself. What becomes of the slot depends on
    /// whether it is still wanted.
    fn is_gone(&mut self, instance: InstanceRef, now: &mut Now) {
        let slot = instance.slot;
        let group = self.place(instance).map(|(group, _)| group);
        if let Some(group) = group {
            // Its place is free when its group says so.
            self.sweep_soon(group, now);
        }
        // Whoever went without having been judged proves nothing any more, and a breaker that tries it must not
        // wait for it.
        if let Some(scale_up) = self.ledger.scale_ups.get(&slot.scale_up) {
            self.launches.plans[scale_up.group].guard.withdrawn(instance);
        }
        let replaced = group.and_then(|group| Some((group, self.replaced(group, instance)?)));
        self.ledger.enter(slot, Phase::Gone, now.time, None);
        match replaced {
            Some((group, replaced)) => self.is_replaced(group, slot, replaced, now),
            None => self.requeue_or_withdraw(slot, now.time),
        }
    }

    /// Books an outcome with the guard of its group's launch version.
    fn judge(&mut self, instance: InstanceRef, outcome: Outcome, time: Time) {
        let Some(scale_up) = self.ledger.scale_ups.get(&instance.slot.scale_up) else { return };
        let group = scale_up.group;
        let launched_at = self.ledger.current(instance).map_or(time, |s| s.launched_at);
        self.paces[group].learn(outcome, time.since(launched_at));
        let plan = &mut self.launches.plans[group];
        let Some(turn) = plan.guard.outcome(time, instance, launched_at, outcome) else { return };
        let spec = &self.ledger.groups[group].spec;
        let row = plan.guard.row(&spec.name, &spec.version);
        let (kind, text) = match turn {
            Turn::Proven => (
                "proven",
                format!("launch version {} of group {}: first instance in service", spec.version, spec.name),
            ),
            Turn::Opened { failures, outcomes, until } => (
                "breaker_open",
                format!(
                    "group {}: {failures} of the last {outcomes} instances broke; nothing is launched for {:.0} s",
                    spec.name,
                    until.since(time).as_secs_f64()
                ),
            ),
            Turn::Closed => {
                ("breaker_closed", format!("group {}: instances are being verified again", spec.name))
            }
        };
        self.ledger.changes.versions.push(row);
        self.ledger.journal(time, Some(instance.slot.scale_up), None, kind, text);
    }

    fn finish(&mut self, now: Now) -> Decision {
        for closed in self.ledger.close_books() {
            // Unless it has another place since.
            for id in closed.slots.iter().filter_map(|s| s.id) {
                if self.members.get(&id).is_some_and(|i| i.slot.scale_up == closed.row.seq) {
                    self.members.remove(&id);
                }
            }
            self.replacements_serve(&closed, &now);
            self.reserve_closed(&closed, &now);
            self.recent.push(progress::of_closed(&closed));
        }
        for api in
            [&mut self.run, &mut self.describe, &mut self.terminate, &mut self.auto, &mut self.attribute]
                .into_iter()
                .chain([&mut self.metrics, &mut self.preflight.budget, &mut self.gateways.budget])
        {
            self.ledger.changes.budgets.append(&mut api.stored_changes());
        }
        if self.ledger.groups.iter().any(|g| g.taken > g.in_service) {
            self.presence.sign(now.time, &mut self.ledger.changes);
        }
        let wake = self.wake_at(now.time);
        Decision { changes: std::mem::take(&mut self.ledger.changes), actions: now.actions, wake }
    }

    /// The earliest point at which time alone changes what would be decided.
    fn wake_at(&self, time: Time) -> Time {
        let wake = self
            .timers
            .next()
            .min(self.launches.wake(time, &self.ledger, &self.run, &self.auto))
            .min(self.boots.next().max(self.describe_chance(time)))
            .min(self.removals.next().max(self.terminate_chance(time)))
            .min(self.hooks.wake)
            .min(self.retiring_wake(time))
            .min(self.reads.next().max(self.metrics.next_chance(time)))
            .min(self.preflight.wake(time))
            .min(self.gateways.wake(time))
            .min(self.guards.wake)
            .min(self.quarantine.wake)
            .min(self.halts_wake)
            .min(self.raises_wake)
            .min(self.groups_wake(time));
        // At least a millisecond on, so that rounding can never spin the engine.
        wake.max(Time(time.0 + 1))
    }

    /// How often the other APIs' calls are throttled: what a throttle of this one proves is measured
    /// by it.
    fn throttled_elsewhere(&self, api: Api) -> Chance {
        let others = [&self.run, &self.describe, &self.terminate, &self.auto, &self.attribute, &self.metrics];
        let others = others.into_iter().filter(|b| b.api() != api);
        others.map(ApiBudget::chance).fold(Chance::default(), Chance::and)
    }

    /// When there is something to ask a group, and a chance to.
    fn groups_wake(&self, time: Time) -> Time {
        // Those of a group that is being raised leave when that is answered.
        let may_leave = (0..self.asgs.len()).filter(|group| !self.is_raising(*group));
        let leaving = may_leave.map(|group| self.asgs[group].leaving.next()).min().unwrap_or(Time::NEVER);
        let next = self.sweeps.next().min(leaving);
        if next == Time::NEVER { next } else { next.max(self.auto.next_chance(time)) }
    }

    fn describe_chance(&self, time: Time) -> Time {
        if self.boots.next() == Time::NEVER { Time::NEVER } else { self.describe.next_chance(time) }
    }

    fn terminate_chance(&self, time: Time) -> Time {
        if self.removals.next() == Time::NEVER { Time::NEVER } else { self.terminate.next_chance(time) }
    }
}
