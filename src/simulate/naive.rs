//! The provisioner that must fail: what one would write in an afternoon, and what failed at Slack.
//!
//! One connection for each instance, all at once. The SDK's three attempts, then the call is made
//! again with a new token. One timeout of 600 s for everything. Nothing is written down but who
//! asked: a restart begins from the start. A drill that this passes proves nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::decide::Decision;
use crate::decide::action::{Accepted, Action, Target};
use crate::decide::event::{Ask, CallError, Contact, Ec2State, Event, Seen, Ticket};
use crate::decide::group::{Group, LaunchBody};
use crate::decide::order::Order;
use crate::decide::retire::scale_in::ScaleInAsk;
use crate::decide::rows::{Changes, InstanceRow, ScaleUpRow};
use crate::decide::words::{
    Ec2Id, ErrorClass, InstanceRef, LaunchSeq, Origin, Phase, ScaleUpSeq, ScaleUpState, SlotId, Time,
};

/// The one timeout.
const TIMEOUT: Duration = Duration::from_secs(600);
/// It looks at everything this often.
const EVERY: Duration = Duration::from_secs(3);
/// Attempts of the SDK for one call.
const ATTEMPTS: u32 = 3;
/// Most in one call.
const BATCH: u32 = 1_000;

struct Job {
    row: ScaleUpRow,
    group: usize,
    next_ordinal: u32,
    /// Servers that it has, and of those the ones in service.
    have: u32,
    serving: u32,
}

struct Server {
    job: ScaleUpSeq,
    id: Ec2Id,
    address: Option<std::net::IpAddr>,
    phase: Phase,
    launched: Time,
    busy: bool,
}

struct Call {
    job: ScaleUpSeq,
    body: Arc<LaunchBody>,
    attempts: u32,
    not_before: Time,
    out: bool,
}

/// Everything it knows, in memory.
pub struct Naive {
    groups: Vec<Arc<Group>>,
    jobs: BTreeMap<ScaleUpSeq, Job>,
    servers: BTreeMap<InstanceRef, Server>,
    calls: BTreeMap<LaunchSeq, Call>,
    next_call: u64,
    next_look: Time,
    actions: Vec<Action>,
    changes: Changes,
}

impl Naive {
    #[must_use]
    pub fn new(groups: Vec<Arc<Group>>) -> Naive {
        Naive {
            groups,
            jobs: BTreeMap::new(),
            servers: BTreeMap::new(),
            calls: BTreeMap::new(),
            next_call: 0,
            next_look: Time(0),
            actions: Vec::new(),
            changes: Changes::default(),
        }
    }

    pub fn decide(&mut self, now: Time, entropy: u64, events: Vec<Event>) -> Decision {
        for event in events {
            self.take_in(now, event);
        }
        self.launch(now, entropy);
        if now >= self.next_look {
            self.next_look = now.plus(EVERY);
            self.look(now);
        }
        Decision {
            changes: std::mem::take(&mut self.changes),
            actions: std::mem::take(&mut self.actions),
            wake: self.next_look,
        }
    }

    fn take_in(&mut self, now: Time, event: Event) {
        match event {
            Event::ScaleUpAsked { ask, ticket } => self.accept(now, ask, ticket),
            Event::LaunchAnswered { launch, outcome } => self.launched(now, launch, outcome),
            Event::Described { asked, outcome } => {
                for seen in outcome.unwrap_or_default() {
                    let instance = asked.iter().find(|(id, _)| *id == seen.id).map(|(_, i)| *i);
                    if let Some(server) = instance.and_then(|i| self.servers.get_mut(&i))
                        && seen.state == Ec2State::Running
                        && server.phase == Phase::Booting
                    {
                        server.address = seen.address;
                        server.phase = Phase::Configuring;
                    }
                }
            }
            // It knows nothing of Auto Scaling, of guards and of metrics.
            Event::CancelAsked { .. }
            | Event::LaunchFound { .. }
            | Event::Terminated { .. }
            | Event::HookNoticed { .. }
            | Event::HookAnswered { .. }
            | Event::GroupsDescribed { .. }
            | Event::HooksDescribed { .. }
            | Event::TerminatedInGroup { .. }
            | Event::MetricsRead { .. }
            | Event::Marked { .. }
            | Event::Looked { .. }
            | Event::GatewayAnswered { .. }
            | Event::PreflightAsked { .. }
            | Event::Ordered {
                order:
                    Order::Signals(_)
                    | Order::Hold(_)
                    | Order::Release(_)
                    | Order::Freeze(_)
                    | Order::Thaw(_)
                    | Order::Weigh(_)
                    | Order::EndQuarantine(_)
                    | Order::AskGateway(_)
                    | Order::ConfirmGateway(_)
                    | Order::ReleaseGateway(_)
                    | Order::Override(_)
                    | Order::EndOverride(_)
                    | Order::AddSchedule(_)
                    | Order::RemoveSchedule(_),
                ..
            } => {}
            Event::Ordered { order: Order::ScaleIn(ask), ticket } => self.scale_in(ask, ticket),
            Event::Configured { instance, outcome } => self.contacted(instance, &outcome, Phase::Verifying),
            Event::Probed { instance, outcome } => self.contacted(instance, &outcome, Phase::InService),
        }
        self.serve(now);
    }

    fn accept(&mut self, now: Time, ask: Ask, ticket: Ticket) {
        let seq = ScaleUpSeq(u32::try_from(self.jobs.len()).unwrap_or(0) + 1);
        let Some(group) = self.groups.iter().position(|g| g.name == ask.group) else { return };
        let row = ScaleUpRow {
            seq,
            id: ask.id.clone(),
            group: ask.group,
            origin: Origin::Asked,
            wanted: ask.count,
            planned: 0,
            by: ask.by,
            reason: ask.reason,
            idempotency_key: ask.idempotency_key,
            state: ScaleUpState::Open,
            accepted_at: now,
            done_at: None,
            in_service: 0,
            withdrawn: 0,
            eta_ms: 0,
            cancel_reason: None,
        };
        self.changes.scale_ups.push(row.clone());
        self.jobs.insert(seq, Job { row, group, next_ordinal: 0, have: 0, serving: 0 });
        let answer = Ok(Accepted { id: ask.id, repeated: false });
        self.actions.push(Action::Answer { ticket, answer });
    }

    /// As many as are asked for, at once: whoever asks will know why.
    fn scale_in(&mut self, ask: ScaleInAsk, ticket: Ticket) {
        let serving = self.servers.iter().filter(|(_, s)| s.phase == Phase::InService);
        let asked: Vec<_> = serving.map(|(instance, s)| (s.id, *instance)).take(ask.count as usize).collect();
        self.servers.retain(|instance, _| !asked.iter().any(|(_, i)| i == instance));
        self.actions.push(Action::Terminate { asked });
        self.actions.push(Action::Answer { ticket, answer: Ok(Accepted { id: ask.id, repeated: false }) });
    }

    /// As many as are missing, at once.
    fn launch(&mut self, now: Time, entropy: u64) {
        for (seq, job) in &self.jobs {
            let coming: u32 = self.calls.values().filter(|c| c.job == *seq).map(|c| c.body.max_count).sum();
            let missing = job.row.wanted.saturating_sub(job.have + coming);
            if missing > 0 {
                self.next_call += 1;
                let token = format!("naive-{:x}-{entropy:016x}", self.next_call);
                let body =
                    Arc::new(body_of(&self.groups[job.group], token, missing.min(BATCH), self.next_call));
                let call = Call { job: *seq, body, attempts: 0, not_before: now, out: false };
                self.calls.insert(LaunchSeq(self.next_call), call);
            }
        }
        for (launch, call) in &mut self.calls {
            if !call.out && call.not_before <= now {
                call.out = true;
                call.attempts += 1;
                self.actions.push(Action::Launch { launch: *launch, body: call.body.clone() });
            }
        }
    }

    fn launched(&mut self, now: Time, launch: LaunchSeq, outcome: Result<Vec<Seen>, CallError>) {
        let Some(mut call) = self.calls.remove(&launch) else { return };
        match outcome {
            Ok(seen) => {
                for seen in seen {
                    let Some(job) = self.jobs.get_mut(&call.job) else { continue };
                    let slot = SlotId { scale_up: call.job, ordinal: job.next_ordinal };
                    job.next_ordinal += 1;
                    job.have += 1;
                    let server = Server {
                        job: call.job,
                        id: seen.id,
                        address: seen.address,
                        phase: Phase::Booting,
                        launched: now,
                        busy: false,
                    };
                    self.servers.insert(InstanceRef { slot, attempt: 1 }, server);
                }
            }
            // What the SDK takes for transient it sends again; then the call has failed, and
            // whoever looks next finds instances missing.
            Err(error) if retried(error.class) && call.attempts < ATTEMPTS => {
                call.out = false;
                call.not_before = now.plus(Duration::from_secs(1 << call.attempts));
                self.calls.insert(launch, call);
            }
            Err(_) => {}
        }
    }

    /// One call and one connection for each, every time.
    fn look(&mut self, now: Time) {
        let mut given_up = Vec::new();
        for (instance, server) in &mut self.servers {
            if server.phase != Phase::InService && now.since(server.launched) > TIMEOUT {
                given_up.push((server.id, *instance));
                continue;
            }
            let Some(job) = self.jobs.get(&server.job) else { continue };
            let group = self.groups[job.group].clone();
            match server.phase {
                Phase::Booting => self.actions.push(Action::Describe { asked: vec![(server.id, *instance)] }),
                Phase::Configuring | Phase::Verifying if !server.busy => {
                    let Some(address) = server.address else { continue };
                    server.busy = true;
                    let target =
                        Target { instance: *instance, id: server.id, address, zone: Arc::from(""), group };
                    self.actions.push(if server.phase == Phase::Configuring {
                        Action::Configure(target)
                    } else {
                        Action::Probe(target)
                    });
                }
                Phase::Configuring
                | Phase::Verifying
                | Phase::Queued
                | Phase::Launching
                | Phase::Admitting
                | Phase::InService
                | Phase::Broken
                | Phase::Quarantined
                | Phase::Reserved
                | Phase::Terminating
                | Phase::Gone
                | Phase::Withdrawn => {}
            }
        }
        for (id, instance) in given_up {
            self.servers.remove(&instance);
            if let Some(job) = self.jobs.get_mut(&instance.slot.scale_up) {
                job.have -= 1;
            }
            self.actions.push(Action::Terminate { asked: vec![(id, instance)] });
        }
    }

    fn contacted(&mut self, instance: InstanceRef, outcome: &Contact, next: Phase) {
        let Some(server) = self.servers.get_mut(&instance) else { return };
        server.busy = false;
        if *outcome == Contact::Passed {
            server.phase = next;
            if next == Phase::InService
                && let Some(job) = self.jobs.get_mut(&server.job)
            {
                job.serving += 1;
            }
        }
    }

    /// Says who is in service, once all are.
    fn serve(&mut self, now: Time) {
        for (seq, job) in &mut self.jobs {
            if job.row.state == ScaleUpState::Open && job.serving >= job.row.wanted {
                let serving = |s: &Server| s.job == *seq && s.phase == Phase::InService;
                job.row.state = ScaleUpState::Done;
                job.row.done_at = Some(now);
                job.row.in_service = job.row.wanted;
                self.changes.scale_ups.push(job.row.clone());
                let rows = self.servers.iter().filter(|(_, s)| serving(s)).map(|(instance, s)| InstanceRow {
                    instance: *instance,
                    group: job.row.group.clone(),
                    phase: Phase::InService,
                    since: now,
                    launch: None,
                    id: Some(s.id),
                    address: s.address,
                    zone: None,
                    reason: None,
                });
                self.changes.instances.extend(rows);
            }
        }
    }
}

fn retried(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::Throttle | ErrorClass::Unknown | ErrorClass::Capacity)
}

fn body_of(group: &Group, token: String, count: u32, call: u64) -> LaunchBody {
    let launch = &group.launch;
    let pools = u64::try_from(launch.pools.len()).unwrap_or(1).max(1);
    let pool = &launch.pools[usize::try_from(call % pools).unwrap_or(0)];
    LaunchBody {
        token,
        asg: None,
        raised: None,
        min_count: 1,
        max_count: count,
        subnet: pool.subnet.clone(),
        zone: pool.zone.clone(),
        image: launch.image.clone(),
        instance_type: launch.instance_type.clone(),
        template: None,
        security_groups: Vec::new(),
        key_name: None,
        instance_profile: None,
        user_data: None,
        tags: [("muster:group".to_string(), group.name.clone())].into(),
    }
}
