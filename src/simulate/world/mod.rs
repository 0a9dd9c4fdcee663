//! One run: a queue of events in virtual time, the simulated AWS, muster's processes and the judge.

mod clients;
mod deeds;
pub mod doors;
mod outside;
pub mod outsiders;
mod processes;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fmt::Write as _;
use std::time::Duration;

use crate::decide::action::{Action, Target};
use crate::decide::event::Event;
use crate::decide::words::{Api, Ec2Id, InstanceRef, Time};
use crate::engine::crash::CrashPoint;
use crate::sim::Model;
use crate::sim::settings::SettingsError;

use super::books::{Books, Disk};
use super::dice::Dice;
use super::host::Host;
use super::oracle::{Invariant, Oracle};
use super::plan::{Plan, Provisioner, START};
pub use deeds::Demand;

/// How often the judge looks for orphans.
const SWEEP_MS: u32 = 60_000;
/// Events after which a run is called endless. The largest drill takes some 100,000.
const MOST_EVENTS: u64 = 2_000_000;
/// The same for the naive provisioner, which often comes to no end: what four times the largest drill does not
/// show, more of the same would not.
const MOST_NAIVE_EVENTS: u64 = 400_000;

/// The tag of instances that are somebody else's: nothing of them is muster's business.
pub const STRANGER: &str = "stranger";

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
    Deed(usize),
    Demand(usize),
    Order(usize),
    Alarm(usize),
    ScaleIn(usize),
    Report(usize),
    /// Somebody calls an instance healthy or not.
    Call {
        id: Ec2Id,
        healthy: bool,
    },
    /// A process asks the queue of notifications.
    Poll {
        life: u64,
    },
    /// What a notification tells reaches a process.
    Told {
        life: u64,
        event: Event,
    },
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
    pub scaling: Vec<outsiders::Scaling>,
    /// Instances that had been in service and were ended by muster, and whether they served.
    pub removed: Vec<(Time, Ec2Id, bool)>,
    /// Alarms of removal valves.
    pub valve_shut: Vec<Time>,
    /// Fewest members in service since the plan wants to know.
    pub fewest: u32,
    pub ordering: Vec<Asking>,
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
    /// When a launch breaker opened.
    pub opened: Vec<Time>,
    /// Announcements of deadlines that cannot be met, as they are journalled.
    pub late: Vec<(Time, String)>,
    /// When the first request was expected to be done, as of when, where that is watched.
    pub expected: Vec<(Time, Option<Time>)>,
    /// When somebody last asked what is waited for.
    explained_at: Time,
    /// Messages received and not deleted, by ticket.
    letters: BTreeMap<u64, doors::Letter>,
    letters_so_far: u64,
    alarms_to_come: usize,
    deeds_to_come: usize,
    /// What people ordered.
    pub demands: Vec<Demand>,
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
            scaling: vec![outsiders::Scaling::default(); plan.scale_ins.len()],
            removed: Vec::new(),
            valve_shut: Vec::new(),
            fewest: u32::MAX,
            ordering: vec![Asking::default(); plan.orders.len()],
            served: BTreeMap::new(),
            sent: BTreeMap::new(),
            throttled: BTreeMap::new(),
            throttled_at: Vec::new(),
            kills: 0,
            calls_at: Vec::new(),
            given_up: BTreeMap::new(),
            freed: BTreeMap::new(),
            opened: Vec::new(),
            late: Vec::new(),
            expected: Vec::new(),
            explained_at: START,
            letters: BTreeMap::new(),
            letters_so_far: 0,
            alarms_to_come: plan.alarms.len(),
            deeds_to_come: plan.deeds.len(),
            demands: Vec::new(),
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
        self.build_groups();
        self.start_host();
        for (i, alarm) in self.plan.alarms.clone().iter().enumerate() {
            self.after(alarm.at_ms, Coming::Alarm(i));
        }
        for (i, asked) in self.plan.scale_ins.clone().iter().enumerate() {
            self.after(asked.at_ms, Coming::ScaleIn(i));
        }
        for (i, report) in self.plan.reports.clone().iter().enumerate() {
            self.after(report.at_ms, Coming::Report(i));
        }
        for (i, asked) in self.plan.asks.clone().iter().enumerate() {
            self.after(asked.at_ms, Coming::Ask(i));
        }
        for (i, cancelled) in self.plan.cancels.clone().iter().enumerate() {
            self.after(cancelled.at_ms, Coming::Cancel(i));
        }
        for (i, (at, _)) in self.plan.deeds.clone().iter().enumerate() {
            self.after(*at, Coming::Deed(i));
        }
        for (i, (at, _)) in self.plan.orders.clone().iter().enumerate() {
            self.after(*at, Coming::Order(i));
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
        let most = match self.plan.provisioner {
            Provisioner::Muster => MOST_EVENTS,
            Provisioner::Naive => MOST_NAIVE_EVENTS,
        };
        let mut events = 0;
        while let Some(Reverse(due)) = self.queue.pop() {
            events += 1;
            if events > most {
                self.oracle.violated(self.now, Invariant::Liveness, format!("{most} events and no end"));
            }
            if due.at > end || self.oracle.is_done() || events > most {
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
        let all = self.asking.iter().chain(&self.ordering);
        let unanswered = all.filter(|a| a.answered.is_none()).count() + self.demands_unanswered();
        if unanswered > 0 {
            let text = format!("{unanswered} requests were never answered");
            self.oracle.violated(self.now, Invariant::Liveness, text);
        }
        self.judge_hooks();
        self.oracle.judge_marks(self.now, &mut self.model);
        self.judge_sizes();
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
            && self.now >= START.plus(ms(self.plan.lasts_ms))
            && self.scaling.iter().all(|s| s.answered.is_some())
            && self.books.removals.values().all(|r| r.state.is_over())
            && self.groups_are_quiet()
            && self.deeds_are_done()
            && self.asking.iter().chain(&self.ordering).all(|a| a.answered.is_some())
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
            Coming::Deed(i) => self.do_deed(i),
            Coming::Demand(i) => self.demand_again(i),
            Coming::Order(i) => self.order(i),
            Coming::Alarm(i) => self.alarm(i),
            Coming::ScaleIn(i) => self.scale_in(i),
            Coming::Report(i) => self.report(i),
            Coming::Call { id, healthy } => self.call_health(id, healthy),
            Coming::Poll { life } => self.poll(life),
            Coming::Told { life, event } => self.told(life, event),
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
        let rebalances = self.model.settings().autoscaling.switches.rebalances;
        self.count_serving();
        let tallies: Vec<_> = self.model.tallies().collect();
        for (sizes, tally) in tallies {
            self.oracle.counts(self.now, tally.counted(), sizes.max, rebalances);
        }
        if !happened.is_empty() {
            if self.trace.is_some() {
                for happening in &happened {
                    self.note(|| format!("aws: {happening:?}"));
                }
            }
            self.oracle.happened(self.now, happened, &self.model, &self.books);
        }
    }

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

fn ms(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}
