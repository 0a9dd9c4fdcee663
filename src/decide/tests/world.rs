//! A world for the core: what EC2 and the instances do, in virtual time, from a seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use super::lives::{Broken, Life, Lives};
use crate::decide::action::{Accepted, Action, Refusal};
use crate::decide::event::{Ask, CallError, Contact, Ec2State, Event, Seen, Ticket};
use crate::decide::group::*;
use crate::decide::guard::valve::ValveSpec;
use crate::decide::rng::Rng;
use crate::decide::rows::*;
use crate::decide::words::*;
use crate::decide::{Core, Settings};

pub const START: Time = Time(1_800_000_000_000);

/// What goes wrong, in percent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    pub throttle: u64,
    /// The effect takes place, the answer does not arrive.
    pub lost: u64,
    pub broken: u64,
    /// A contact that would have been answered is not.
    pub lost_packets: u64,
    /// One crash for every so many rounds; 0: none.
    pub crash_every: u64,
    /// A launch gives as few as one instance.
    pub partial: bool,
}

#[derive(Clone, Debug)]
struct Instance {
    launched: Time,
    life: Life,
    configured: Option<(Time, SlotId)>,
    ended: bool,
}

impl Instance {
    /// EC2 has ended it, told to or by itself.
    fn is_over(&self, now: Time) -> bool {
        let died = self.life.broken == Some(Broken::Dies) && now.since(self.launched) >= self.life.boot / 2;
        self.ended || died
    }
}

/// Everything that would be in the database.
#[derive(Default)]
struct Rows {
    scale_ups: BTreeMap<ScaleUpSeq, ScaleUpRow>,
    launches: BTreeMap<LaunchSeq, LaunchRow>,
    instances: BTreeMap<InstanceRef, InstanceRow>,
    versions: BTreeMap<(String, String), VersionRow>,
    budgets: BTreeMap<String, BudgetRow>,
    pub journal: Vec<JournalRow>,
}

pub struct World {
    pub now: Time,
    pub core: Core,
    rows: Rows,
    groups: Vec<Arc<Group>>,
    settings: Settings,
    pub faults: Faults,
    pub lives: Lives,
    rng: Rng,
    ec2: BTreeMap<Ec2Id, Instance>,
    tokens: BTreeMap<String, (LaunchBody, Vec<Ec2Id>)>,
    /// Answers on their way: when, in which order, in which life of the core.
    coming: BinaryHeap<Reverse<(Time, u64, u64)>>,
    events: BTreeMap<u64, Event>,
    life: u64,
    serial: u64,
    wake: Time,
    pub answers: BTreeMap<u64, Result<Accepted, Refusal>>,
    pub calls: BTreeMap<Api, u64>,
    /// What RunInstances is metered by; by default nothing.
    pub meter: Option<Meter>,
    /// Until then no call to AWS is answered with anything but an error, after so long.
    pub outage: Option<(Time, Duration)>,
    /// What would come back within this span comes back at its end.
    pub stall: Option<(Time, Time)>,
    /// Refuse every launch with this error.
    pub refuse_launches: Option<CallError>,
    pub most_live: usize,
    /// Calls that were throttled.
    pub throttled: u64,
    /// Decisions so far.
    pub rounds: u64,
}

/// AWS's side of RunInstances' two buckets. A repeat is charged like a first call.
#[derive(Clone, Debug)]
pub struct Meter {
    requests: f64,
    instances: f64,
    at: Time,
    charged: f64,
    /// Somebody else takes this share of the instances' refill, until then.
    neighbour: (f64, Time),
}

impl Meter {
    /// With so many instance tokens in it.
    pub fn with(instances: f64, neighbour: (f64, Time)) -> Meter {
        Meter { requests: 5.0, instances, at: START, charged: 0.0, neighbour }
    }

    fn take(&mut self, now: Time, instances: u32) -> bool {
        let passed = now.since(self.at).as_secs_f64();
        let shared = now.min(self.neighbour.1).since(self.at).as_secs_f64();
        self.at = now;
        self.requests = (self.requests + 2.0 * passed).min(5.0);
        self.instances = (self.instances + 2.0 * (passed - self.neighbour.0 * shared)).min(1_000.0);
        let fits = self.requests >= 1.0 && self.instances >= f64::from(instances);
        if self.requests >= 1.0 {
            self.requests -= 1.0;
        }
        if fits {
            self.instances -= f64::from(instances);
            self.charged += f64::from(instances);
        }
        fits
    }
}

pub fn group(name: &str) -> Group {
    let pool = |z: &str| Pool { subnet: format!("subnet-{z}"), zone: z.into(), weight: 100 };
    Group {
        name: name.into(),
        max: 5_000,
        priority: 5,
        launch: LaunchSpec {
            image: Some("ami-1".into()),
            instance_type: "m5.large".into(),
            template: None,
            pools: vec![pool("a"), pool("b"), pool("c")],
            security_groups: vec![],
            key_name: None,
            instance_profile: None,
            user_data: None,
            tags: BTreeMap::new(),
            batch: 100,
        },
        asg: None,
        version: "0123456789abcdef".into(),
        configure: Some(Configure {
            method: "PUT".into(),
            port: 80,
            path: "/".into(),
            body: String::new(),
            expect: vec![200],
            timeout: Duration::from_secs(5),
        }),
        probes: vec![Probe { kind: ProbeKind::Tcp, port: 80, timeout: Duration::from_secs(5) }],
        passes: 2,
        contact_every: Duration::from_secs(3),
        watchdogs: Watchdogs::default(),
        canary: Canary { size: 0 },
        breaker: Breaker::default(),
        valve: ValveSpec::default(),
        floor: 0,
        signals: vec![],
        quarantine: None,
        reserve: None,
        bounds: Bounds::default(),
    }
}

/// A request for so many in a group, and nothing else about it.
pub fn ask(id: &str, group: &str, count: u32) -> Ask {
    Ask {
        id: id.into(),
        group: group.into(),
        count,
        by: None,
        reason: String::new(),
        idempotency_key: None,
        all_or_nothing: false,
        emergency: false,
    }
}

impl World {
    pub fn new(seed: u64, faults: Faults, groups: Vec<Group>) -> World {
        World::with(seed, faults, groups, Settings::default())
    }

    pub fn with(seed: u64, faults: Faults, groups: Vec<Group>, settings: Settings) -> World {
        let groups: Vec<_> = groups.into_iter().map(Arc::new).collect();
        World {
            now: START,
            core: Core::new(settings.clone(), groups.clone()),
            rows: Rows::default(),
            groups,
            settings,
            faults,
            lives: Lives::Even,
            rng: Rng::new(seed),
            ec2: BTreeMap::new(),
            tokens: BTreeMap::new(),
            coming: BinaryHeap::new(),
            events: BTreeMap::new(),
            life: 0,
            serial: 0,
            wake: START,
            answers: BTreeMap::new(),
            calls: BTreeMap::new(),
            meter: None,
            outage: None,
            stall: None,
            throttled: 0,
            rounds: 0,
            refuse_launches: None,
            most_live: 0,
        }
    }

    fn chance(&mut self, percent: u64) -> bool {
        percent > 0 && self.rng.next_u64() % 100 < percent
    }

    pub fn ask(&mut self, group: &str, count: u32) -> u64 {
        self.ask_by(group, count, None, None)
    }

    pub fn ask_by(&mut self, group: &str, count: u32, by: Option<Time>, key: Option<&str>) -> u64 {
        self.serial += 1;
        let ask = Ask {
            by,
            reason: "test".into(),
            idempotency_key: key.map(Into::into),
            ..ask(&format!("id-{}", self.serial), group, count)
        };
        let ticket = self.serial;
        self.round(vec![Event::ScaleUpAsked { ask, ticket: Ticket(ticket) }]);
        ticket
    }

    pub fn cancel(&mut self, id: &str) -> u64 {
        self.serial += 1;
        let ticket = self.serial;
        self.round(vec![Event::CancelAsked {
            id: id.into(),
            reason: "enough".into(),
            ticket: Ticket(ticket),
        }]);
        ticket
    }

    /// Decides, commits, performs; perhaps dies at one of the steps.
    pub fn round(&mut self, events: Vec<Event>) {
        let asked =
            events.iter().any(|e| matches!(e, Event::ScaleUpAsked { .. } | Event::CancelAsked { .. }));
        self.rounds += 1;
        let seed = self.rng.next_u64();
        let decision = self.core.decide(self.now, seed, events);
        let dies = self.faults.crash_every > 0
            && !asked
            && self.rng.next_u64().is_multiple_of(self.faults.crash_every);
        let step = self.rng.next_u64() % 3;
        if dies && step == 0 {
            return self.crash();
        }
        self.commit(decision.changes);
        if dies && step == 1 {
            return self.crash();
        }
        for action in decision.actions {
            self.perform(action);
        }
        self.wake = decision.wake;
        if dies {
            return self.crash();
        }
        self.most_live = self.most_live.max(self.live());
        assert!(
            self.live() <= self.groups.iter().map(|g| g.max as usize).sum(),
            "more live than the maximum"
        );
    }

    fn commit(&mut self, changes: Changes) {
        let r = &mut self.rows;
        r.scale_ups.extend(changes.scale_ups.into_iter().map(|x| (x.seq, x)));
        r.launches.extend(changes.launches.into_iter().map(|x| (x.seq, x)));
        for mut row in changes.instances {
            let old = r.instances.get(&row.instance).and_then(|o| o.reason.clone());
            row.reason = row.reason.or(old);
            r.instances.insert(row.instance, row);
        }
        r.versions.extend(changes.versions.into_iter().map(|x| ((x.group.clone(), x.version.clone()), x)));
        r.budgets.extend(changes.budgets.into_iter().map(|x| (x.name.clone(), x)));
        r.journal.extend(changes.journal);
    }

    /// The process dies: answers under way reach nobody, and a new core reads what was committed.
    pub fn crash(&mut self) {
        self.life += 1;
        let r = &self.rows;
        let open = |s: ScaleUpSeq| r.scale_ups.get(&s).is_some_and(|x| x.state != ScaleUpState::Done);
        let mut newest: BTreeMap<SlotId, &InstanceRow> = BTreeMap::new();
        for row in r.instances.values() {
            newest.insert(row.slot(), row);
        }
        let stored = Restored {
            scale_ups: r
                .scale_ups
                .values()
                .filter(|s| s.state != ScaleUpState::Done || s.idempotency_key.is_some())
                .cloned()
                .collect(),
            launches: r.launches.values().filter(|l| l.state == LaunchState::Unsettled).cloned().collect(),
            instances: newest
                .into_values()
                .filter(|i| open(i.slot().scale_up) || i.phase == Phase::InService)
                .cloned()
                .collect(),
            versions: r.versions.values().cloned().collect(),
            budgets: r.budgets.values().cloned().collect(),
            hooks: Vec::new(),
            facts: Vec::new(),
            gateways: Vec::new(),
            gates: Vec::new(),
            overrides: Vec::new(),
            schedules: Vec::new(),
            removals: Vec::new(),
            scale_ins: Vec::new(),
            health: Vec::new(),
            holds: Vec::new(),
            freezes: Vec::new(),
            keeps: Vec::new(),
            zones: Vec::new(),
            halts: Vec::new(),
            quarantine: Vec::new(),
            last_scale_up: r.scale_ups.keys().last().map_or(0, |s| s.0),
            last_launch: r.launches.keys().last().map_or(0, |l| l.0),
            last_hook: 0,
        };
        self.core =
            Core::restored(self.settings.clone(), self.groups.clone(), stored, self.now, self.rng.next_u64())
                .unwrap();
        self.wake = self.now;
    }

    /// Runs until nothing of note is under way, or so much time has passed.
    pub fn run(&mut self, most: Duration) {
        let end = self.now.plus(most);
        while self.now < end && !self.is_idle() {
            let next = self.coming.peek().map_or(Time::NEVER, |Reverse((t, _, _))| *t).min(self.wake);
            self.now = self.now.max(next).min(end);
            let mut events = Vec::new();
            while let Some(Reverse((t, id, life))) = self.coming.peek().copied() {
                if t > self.now {
                    break;
                }
                self.coming.pop();
                let event = self.events.remove(&id).unwrap();
                if life == self.life {
                    events.push(event);
                }
            }
            self.round(events);
        }
    }

    fn is_idle(&self) -> bool {
        self.rows.scale_ups.values().all(|s| s.state == ScaleUpState::Done)
    }

    fn after(&mut self, d: Duration, event: Event) {
        self.serial += 1;
        self.events.insert(self.serial, event);
        let mut at = self.now.plus(d);
        if let Some((from, until)) = self.stall
            && from <= at
        {
            at = at.max(until);
        }
        self.coming.push(Reverse((at, self.serial, self.life)));
    }

    fn fault<T>(&mut self, effect: impl FnOnce(&mut World) -> Result<T, CallError>) -> Result<T, CallError> {
        let error = |class, code: &str| CallError { class, code: code.into(), message: String::new() };
        if self.outage.is_some_and(|(until, _)| self.now < until) {
            return Err(error(ErrorClass::Unknown, "timeout"));
        }
        if self.chance(self.faults.throttle) {
            self.throttled += 1;
            return Err(error(ErrorClass::Throttle, "RequestLimitExceeded"));
        }
        let done = effect(self)?;
        if self.chance(self.faults.lost) { Err(error(ErrorClass::Unknown, "timeout")) } else { Ok(done) }
    }

    fn perform(&mut self, action: Action) {
        let latency = match self.outage {
            Some((until, hangs)) if self.now < until => hangs,
            Some(_) | None => Duration::from_millis(100 + self.rng.next_u64() % 400),
        };
        match action {
            Action::Answer { ticket, answer } => {
                self.answers.insert(ticket.0, answer);
            }
            Action::Launch { launch, body } => {
                *self.calls.entry(Api::RunInstances).or_default() += 1;
                let outcome = match self.refuse_launches.clone() {
                    Some(error) => Err(error),
                    None => self.fault(|w| w.metered(&body)),
                };
                self.after(latency, Event::LaunchAnswered { launch, outcome });
            }
            Action::FindLaunch { launch, token } => {
                *self.calls.entry(Api::DescribeInstances).or_default() += 1;
                let outcome = self.fault(|w| {
                    let ids = w.tokens.get(&token).map(|(_, ids)| ids.as_slice()).unwrap_or_default();
                    Ok(ids.iter().map(|id| w.seen(*id)).collect())
                });
                self.after(latency, Event::LaunchFound { launch, outcome });
            }
            Action::Describe { asked } => {
                *self.calls.entry(Api::DescribeInstances).or_default() += 1;
                let outcome = self.fault(|w| Ok(asked.iter().map(|(id, _)| w.seen(*id)).collect()));
                self.after(latency, Event::Described { asked, outcome });
            }
            Action::Terminate { asked } => {
                *self.calls.entry(Api::TerminateInstances).or_default() += 1;
                let outcome = self.fault(|w| {
                    let end = |(id, _): &(Ec2Id, InstanceRef)| {
                        w.ec2.get_mut(id).unwrap().ended = true;
                        (*id, Ec2State::ShuttingDown)
                    };
                    Ok(asked.iter().map(end).collect())
                });
                self.after(latency, Event::Terminated { asked, outcome });
            }
            Action::Configure(t) => {
                let (outcome, took) = self.contact(t.id, Some(t.instance.slot));
                self.after(took, Event::Configured { instance: t.instance, outcome });
            }
            Action::Probe(t) => {
                let (outcome, took) = self.contact(t.id, None);
                self.after(took, Event::Probed { instance: t.instance, outcome });
            }
            Action::Complete { .. }
            | Action::Heartbeat { .. }
            | Action::DescribeGroups { .. }
            | Action::DescribeHooks { .. }
            | Action::TerminateInGroup { .. }
            | Action::ReadMetrics { .. }
            | Action::Look { .. }
            | Action::Gateway { .. }
            | Action::Foretell { .. }
            | Action::Mark { .. } => panic!("no Auto Scaling group here: {action:?}"),
        }
    }

    fn metered(&mut self, body: &LaunchBody) -> Result<Vec<Seen>, CallError> {
        let now = self.now;
        if self.meter.as_mut().is_none_or(|m| m.take(now, body.max_count)) {
            return Ok(self.run_instances(body));
        }
        self.throttled += 1;
        let (class, code) = (ErrorClass::Throttle, "RequestLimitExceeded".into());
        Err(CallError { class, code, message: String::new() })
    }

    fn run_instances(&mut self, body: &LaunchBody) -> Vec<Seen> {
        if let Some((first, ids)) = self.tokens.get(&body.token) {
            assert_eq!(first, body, "the same token with another body");
            return ids.clone().into_iter().map(|id| self.seen(id)).collect();
        }
        let n = if self.faults.partial {
            1 + self.rng.next_u64() % u64::from(body.max_count)
        } else {
            body.max_count.into()
        };
        let mut ids = Vec::new();
        for _ in 0..n {
            let id: Ec2Id = format!("i-{:017x}", self.ec2.len()).parse().unwrap();
            let broken = self.chance(self.faults.broken);
            let life = self.lives.draw(broken, &mut self.rng);
            self.ec2.insert(id, Instance { launched: self.now, life, configured: None, ended: false });
            ids.push(id);
        }
        self.tokens.insert(body.token.clone(), (body.clone(), ids.clone()));
        ids.into_iter().map(|id| self.seen(id)).collect()
    }

    fn seen(&self, id: Ec2Id) -> Seen {
        let i = &self.ec2[&id];
        let age = self.now.since(i.launched);
        let state = if i.is_over(self.now) {
            Ec2State::Terminated
        } else if age >= i.life.boot / 2 && i.life.broken != Some(Broken::NeverBoots) {
            Ec2State::Running
        } else {
            Ec2State::Pending
        };
        Seen { id, state, address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), state_reason: None }
    }

    /// What a contact meets, and how long it takes to find out.
    fn contact(&mut self, id: Ec2Id, configure: Option<SlotId>) -> (Contact, Duration) {
        const TIMEOUT: Duration = Duration::from_secs(5);
        let took = self.lives.latency(&mut self.rng);
        let silence = || (Contact::Hung("no answer".into()), TIMEOUT);
        let lost = self.chance(self.faults.lost_packets);
        let now = self.now;
        let Some(i) = self.ec2.get_mut(&id) else {
            return (Contact::Unreachable("no such host".into()), took);
        };
        if i.is_over(now) || now.since(i.launched) < i.life.boot || i.life.broken == Some(Broken::Refuses) {
            return (Contact::Unreachable("connection refused".into()), took);
        }
        if took > TIMEOUT || lost || i.life.broken == Some(Broken::Hangs) {
            return silence();
        }
        let answer = match (configure, i.configured) {
            (Some(slot), _) => {
                i.configured.get_or_insert((now, slot));
                Contact::Passed
            }
            (None, Some((at, _))) if i.life.broken.is_none() && now.since(at) >= i.life.configure => {
                Contact::Passed
            }
            (None, _) => Contact::Rejected("503".into()),
        };
        (answer, took)
    }

    /// Instances that EC2 would bill for.
    pub fn live(&self) -> usize {
        self.ec2.values().filter(|i| !i.is_over(self.now)).count()
    }

    /// Instances that worked and were taken away all the same.
    pub fn given_up_wrongly(&self) -> usize {
        self.ec2.values().filter(|i| i.ended && i.life.broken.is_none()).count()
    }

    fn of(&self, instance: InstanceRef) -> &Instance {
        &self.ec2[&self.rows.instances[&instance].id.unwrap()]
    }

    pub fn life_of(&self, instance: InstanceRef) -> Life {
        self.of(instance).life
    }

    /// When its agent began to accept connections.
    pub fn up_at(&self, instance: InstanceRef) -> Time {
        let i = self.of(instance);
        i.launched.plus(i.life.boot)
    }

    /// Instance tokens that RunInstances has taken.
    pub fn charged(&self) -> f64 {
        self.meter.as_ref().map_or(0.0, |m| m.charged)
    }

    pub fn launched(&self) -> usize {
        self.ec2.len()
    }

    /// The verdict of the world: so many slots are served, each by exactly one live instance, and
    /// nothing else lives.
    pub fn assert_served(&self, wanted: usize) {
        let mut by_slot: BTreeMap<SlotId, u32> = BTreeMap::new();
        for i in self.ec2.values().filter(|i| !i.ended && i.life.broken != Some(Broken::Dies)) {
            let (_, slot) = i.configured.expect("a live instance that nobody configured: an orphan");
            assert!(i.life.broken.is_none(), "a broken instance is left");
            *by_slot.entry(slot).or_default() += 1;
        }
        assert_eq!(by_slot.len(), wanted, "slots served");
        assert!(by_slot.values().all(|n| *n == 1), "a slot served twice");
    }

    pub fn scale_up(&self, seq: u32) -> &ScaleUpRow {
        &self.rows.scale_ups[&ScaleUpSeq(seq)]
    }

    pub fn instances(&self) -> impl Iterator<Item = &InstanceRow> {
        self.rows.instances.values()
    }

    /// When each instance was launched.
    pub fn launches(&self) -> impl Iterator<Item = Time> {
        self.ec2.values().map(|i| i.launched)
    }

    pub fn journal(&self, kind: &str) -> Vec<&JournalRow> {
        self.rows.journal.iter().filter(|j| j.kind == kind).collect()
    }
}
