//! What is performed: calls and contacts on their way, what they meet, and how they come back.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::decide::action::{Action, Target};
use crate::decide::asg::seen::{GroupSeen, GroupsPage};
use crate::decide::event::{CallError, Contact, Ec2State, Event};
use crate::decide::group::{LaunchBody, ProbeKind};
use crate::decide::mark::{Mark, Marked};
use crate::decide::quarantine::words::QuarantineState;
use crate::decide::retire::dead::SUSPECTS;
use crate::decide::words::{Api, Ec2Id, ErrorClass, InstanceRef, LaunchSeq, Phase, Time};
use crate::engine::crash::CrashPoint;
use crate::sim::model::call::Call as AnyCall;
use crate::sim::model::ec2::{Door, Health};

use super::super::adapt;
use super::super::mutant::Mutant;
use super::super::network::Network;
use super::{Coming, Effect, Kind, World, ms};

impl World {
    pub(super) fn perform(&mut self, life: u64, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Answer { ticket, answer } => {
                    if self.letter_answered(life, ticket, answer.is_ok()) {
                        continue;
                    }
                    if self.scale_in_answered(ticket, &answer) || self.demand_answered(ticket, &answer) {
                        continue;
                    }
                    let now = self.now;
                    let Some(asking) = self.asker(ticket) else { continue };
                    asking.answered.get_or_insert(now);
                    match answer {
                        Ok(accepted) => asking.accepted = Some(accepted.id),
                        Err(refusal) => asking.refused = Some(refusal.to_string()),
                    }
                }
                // Nobody here asks what would become of a request.
                Action::Foretell { .. } => {}
                Action::Look { ref look, .. } => {
                    let api = look.api();
                    self.send(life, api, action);
                }
                Action::Gateway { ref call, .. } => {
                    let api = call.api();
                    self.send(life, api, action);
                }
                Action::Launch { launch, body } => {
                    let body = self.mutated(launch, body);
                    let api = if body.asg.is_some() { Api::LaunchInstances } else { Api::RunInstances };
                    self.send(life, api, Action::Launch { launch, body });
                }
                Action::FindLaunch { .. } => self.send(life, Api::DescribeInstances, action),
                Action::Describe { asked } => {
                    let forgets = self.plan.mutant == Some(Mutant::ForgetsToLook);
                    if !(forgets && self.dice.chance(33.0)) {
                        self.send(life, Api::DescribeInstances, Action::Describe { asked });
                    }
                }
                Action::Terminate { asked } => self.terminate(life, asked),
                Action::Complete { .. } => self.send(life, Api::CompleteLifecycleAction, action),
                Action::Heartbeat { hook, .. } => {
                    if self.plan.mutant == Some(Mutant::ForgetsHeartbeats) {
                        // It believes that it was heard.
                        let api = Api::RecordLifecycleActionHeartbeat;
                        self.count_out(life, Kind::Call, true);
                        let event = Event::HookAnswered { hook, api, outcome: Ok(()) };
                        self.after(10, Coming::Returns { life, what: Kind::Call, event });
                    } else {
                        self.send(life, Api::RecordLifecycleActionHeartbeat, action);
                    }
                }
                Action::DescribeGroups { asked, .. } if self.plan.mutant == Some(Mutant::NeverSweeps) => {
                    self.count_out(life, Kind::Call, true);
                    let event = Event::GroupsDescribed { asked, outcome: Ok(GroupsPage::default()) };
                    self.after(10, Coming::Returns { life, what: Kind::Call, event });
                }
                Action::DescribeGroups { .. } => self.send(life, Api::DescribeAutoScalingGroups, action),
                Action::DescribeHooks { .. } => self.send(life, Api::DescribeLifecycleHooks, action),
                Action::TerminateInGroup { .. } => {
                    self.send(life, Api::TerminateInstanceInAutoScalingGroup, action);
                }
                Action::ReadMetrics { .. } => self.send(life, Api::GetMetricData, action),
                Action::Mark { mark: mark @ Mark::ScaleInProtection { on: true, .. } }
                    if self.plan.mutant == Some(Mutant::ForgetsToMark) =>
                {
                    self.count_out(life, Kind::Call, true);
                    let event = Event::Marked { mark, outcome: Ok(Marked::Done) };
                    self.after(10, Coming::Returns { life, what: Kind::Call, event });
                }
                Action::Mark { mark: mark @ Mark::Suspend { .. } }
                    if self.plan.mutant == Some(Mutant::NeverHalts) =>
                {
                    self.count_out(life, Kind::Call, true);
                    let event = Event::Marked { mark, outcome: Ok(Marked::Done) };
                    self.after(10, Coming::Returns { life, what: Kind::Call, event });
                }
                Action::Mark { mark } => self.send(life, mark.api(), Action::Mark { mark }),
                Action::Configure(target) => self.contact(life, target, true),
                Action::Probe(target)
                    if self.plan.mutant == Some(Mutant::LetsTheDeadIn) && self.waits(&target) =>
                {
                    self.count_out(life, Kind::Contact, true);
                    let event = Event::Probed { instance: target.instance, outcome: Contact::Passed };
                    self.after(10, Coming::Returns { life, what: Kind::Contact, event });
                }
                Action::Probe(target)
                    if self.plan.mutant == Some(Mutant::TrustsTheReserve) && self.joins(&target) =>
                {
                    self.count_out(life, Kind::Contact, true);
                    let event = Event::Probed { instance: target.instance, outcome: Contact::Passed };
                    self.after(10, Coming::Returns { life, what: Kind::Contact, event });
                }
                Action::Probe(target) => self.contact(life, target, false),
            }
            if !self.hosts.iter().any(|h| h.life == life) {
                // It died in the middle of what it had to do.
                return;
            }
        }
    }

    /// It comes out of the reserve.
    fn joins(&self, target: &Target) -> bool {
        self.books.quarantine.get(&target.id).is_some_and(|q| q.state == QuarantineState::Joining)
    }

    /// It was verified, and waits to be let in.
    fn waits(&self, target: &Target) -> bool {
        self.books.instances.get(&target.instance).is_some_and(|row| row.phase == Phase::Admitting)
    }

    /// The body that a wrong engine would send.
    pub(super) fn mutated(&self, launch: LaunchSeq, body: Arc<LaunchBody>) -> Arc<LaunchBody> {
        let sends = self.books.launches.get(&launch).map_or(1, |l| l.sends);
        let mut changed = body.as_ref().clone();
        match self.plan.mutant {
            Some(Mutant::MintsTokens) if sends > 1 => changed.token = format!("{}-{sends}", body.token),
            Some(Mutant::ChangesBodies) if sends > 1 => changed.max_count += 1,
            Some(_) | None => return body,
        }
        Arc::new(changed)
    }

    pub(super) fn terminate(&mut self, life: u64, mut asked: Vec<(Ec2Id, InstanceRef)>) {
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

    pub(super) fn send(&mut self, life: u64, api: Api, action: Action) {
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

    pub(super) fn contact(&mut self, life: u64, target: Target, configure: bool) {
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
    pub(super) fn arrives(&mut self, life: u64, effect: Effect) {
        match effect {
            Effect::Call { api, action, sent, back_ms } => {
                self.call_arrives(life, api, action, sent, back_ms);
            }
            Effect::Contact { target, configure, sent, back_ms } => {
                self.contact_arrives(life, &target, configure, sent, back_ms);
            }
        }
    }

    /// What AWS is asked, judged as it arrives.
    fn called(&mut self, action: &Action, sent: Time) -> Option<AnyCall> {
        Some(match action {
            Action::Launch { body, .. } => match &body.asg {
                Some(asg) => adapt::autoscaling::launch_call(body, asg),
                None => adapt::launch_call(body),
            },
            Action::FindLaunch { token, .. } => adapt::find_call(token),
            Action::Describe { asked } => adapt::describe_call(asked.iter().map(|(id, _)| *id)),
            Action::Terminate { asked } => {
                let ids = || asked.iter().map(|(id, _)| *id);
                self.oracle.terminates(self.now, ids(), &self.books);
                self.judge_removals(&ids().collect::<Vec<_>>());
                self.oracle.ends_held(self.now, sent, ids(), &self.books);
                adapt::terminate_call(asked.iter().map(|(id, _)| *id))
            }
            Action::Complete { hook, action, result } => {
                self.oracle.answers(self.now, *hook, *result, &self.books, &self.model);
                self.oracle.answers_held(self.now, sent, *hook, *result, &self.books);
                adapt::autoscaling::complete_call(action, *result)
            }
            Action::Heartbeat { action, .. } => adapt::autoscaling::heartbeat_call(action),
            Action::DescribeGroups { asked, page } => adapt::autoscaling::groups_call(asked, page.clone()),
            Action::DescribeHooks { asg } => adapt::autoscaling::hooks_call(asg),
            Action::TerminateInGroup { asg, asked, decrement } => {
                let ids = || asked.iter().map(|(id, _)| *id);
                self.oracle.terminates(self.now, ids(), &self.books);
                self.judge_removals(&ids().collect::<Vec<_>>());
                self.oracle.ends_held(self.now, sent, ids(), &self.books);
                adapt::autoscaling::terminate_in_group_call(asg, ids(), *decrement)
            }
            Action::ReadMetrics { asked, from, until } => adapt::metrics::call(asked, *from, *until),
            Action::Mark { mark } => adapt::mark::call(mark),
            Action::Look { look, at } => adapt::look::call(look, *at),
            Action::Gateway { call, .. } => adapt::gateway::call(call),
            Action::Configure(_) | Action::Probe(_) | Action::Answer { .. } | Action::Foretell { .. } => {
                return None;
            }
        })
    }

    pub(super) fn call_arrives(&mut self, life: u64, api: Api, action: Action, sent: Time, back_ms: u32) {
        let Some(call) = self.called(&action, sent) else { return };
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
                let outcome = if timeout {
                    Err(too_late())
                } else if api == Api::LaunchInstances {
                    adapt::autoscaling::launched(out)
                } else {
                    adapt::launched(out)
                };
                let outcome = outcome.map_err(|error| {
                    if lost(&error) { CallError { class: ErrorClass::Capacity, ..error } } else { error }
                });
                Event::LaunchAnswered { launch, outcome }
            }
            Action::FindLaunch { launch, .. } => {
                Event::LaunchFound { launch, outcome: in_time(timeout, || adapt::described(out)) }
            }
            Action::Describe { asked } => {
                Event::Described { asked, outcome: in_time(timeout, || adapt::described(out)) }
            }
            Action::Terminate { asked } => {
                Event::Terminated { asked, outcome: in_time(timeout, || adapt::terminating(out)) }
            }
            Action::Complete { hook, .. } | Action::Heartbeat { hook, .. } => Event::HookAnswered {
                hook,
                api,
                outcome: if timeout { Err(too_late()) } else { adapt::autoscaling::done(out) },
            },
            Action::DescribeGroups { asked, .. } => Event::GroupsDescribed {
                asked,
                outcome: in_time(timeout, || adapt::autoscaling::groups(out)),
            },
            Action::DescribeHooks { asg } => {
                Event::HooksDescribed { asg, outcome: in_time(timeout, || adapt::autoscaling::hooks(out)) }
            }
            Action::TerminateInGroup { asg, asked, .. } => {
                let outcome = in_time(timeout, || adapt::autoscaling::done(out));
                Event::TerminatedInGroup { asg, asked, outcome }
            }
            Action::ReadMetrics { asked, .. } => {
                let outcome = in_time(timeout, || adapt::metrics::read(out, asked.len()));
                Event::MetricsRead { asked, outcome }
            }
            Action::Mark { mark } => {
                Event::Marked { mark, outcome: in_time(timeout, || adapt::mark::answer(out)) }
            }
            Action::Look { look, .. } => {
                let outcome = in_time(timeout, || adapt::look::answer(&look, out));
                Event::Looked { look, outcome }
            }
            Action::Gateway { request, call } => {
                let outcome = in_time(timeout, || adapt::gateway::answer(out));
                Event::GatewayAnswered { request, call, outcome }
            }
            Action::Configure(_) | Action::Probe(_) | Action::Answer { .. } | Action::Foretell { .. } => {
                return;
            }
        };
        if is_throttle(&event) {
            *self.throttled.entry(api).or_default() += 1;
            self.throttled_at.push((sent, api));
        }
        self.at(back.min(late), Coming::Returns { life, what: Kind::Call, event });
    }

    pub(super) fn contact_arrives(
        &mut self,
        life: u64,
        target: &Target,
        configure: bool,
        sent: Time,
        back_ms: u32,
    ) {
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
        if self.plan.mutant == Some(Mutant::BelievesOneSignal) && target.instance.slot.scale_up == SUSPECTS {
            outcome = Contact::Unreachable("its group says so".into());
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
    pub(super) fn met(&mut self, target: &Target, configure: bool) -> Contact {
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

    pub(super) fn returns(&mut self, life: u64, what: Kind, event: Event) {
        let after = match &event {
            Event::LaunchAnswered { .. } => CrashPoint::AfterLaunch,
            Event::LaunchFound { .. } | Event::Described { .. } => CrashPoint::AfterDescribe,
            Event::Terminated { .. } => CrashPoint::AfterTerminate,
            Event::Configured { .. } | Event::Probed { .. } => CrashPoint::AfterContact,
            Event::HookAnswered { .. }
            | Event::GroupsDescribed { .. }
            | Event::HooksDescribed { .. }
            | Event::TerminatedInGroup { .. }
            | Event::MetricsRead { .. }
            | Event::Looked { .. }
            | Event::Marked { .. } => CrashPoint::AfterGroupCall,
            Event::GatewayAnswered { .. } => CrashPoint::AfterGatewayCall,
            Event::ScaleUpAsked { .. }
            | Event::PreflightAsked { .. }
            | Event::CancelAsked { .. }
            | Event::HookNoticed { .. }
            | Event::Ordered { .. } => return,
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

    pub(super) fn count_out(&mut self, life: u64, what: Kind, opened: bool) {
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

    pub(super) fn network(&self) -> Network {
        self.plan.network
    }
}

fn steps_of(api: Api) -> (CrashPoint, CrashPoint) {
    match api {
        Api::RunInstances => (CrashPoint::BeforeLaunch, CrashPoint::AfterLaunch),
        Api::DescribeInstances => (CrashPoint::BeforeDescribe, CrashPoint::AfterDescribe),
        Api::TerminateInstances => (CrashPoint::BeforeTerminate, CrashPoint::AfterTerminate),
        Api::AutoScaling
        | Api::LaunchInstances
        | Api::CompleteLifecycleAction
        | Api::RecordLifecycleActionHeartbeat
        | Api::DescribeAutoScalingGroups
        | Api::DescribeLifecycleHooks
        | Api::TerminateInstanceInAutoScalingGroup
        | Api::SetDesiredCapacity
        | Api::SetInstanceProtection
        | Api::EnterStandby
        | Api::ExitStandby
        | Api::DetachInstances
        | Api::SuspendProcesses
        | Api::ResumeProcesses
        | Api::ModifyInstanceAttribute
        | Api::DescribeInstanceAttribute
        | Api::CreateTags
        | Api::GetMetricData
        | Api::Preflight
        | Api::GetServiceQuota
        | Api::GetAwsDefaultServiceQuota
        | Api::DescribeInstanceTypes
        | Api::DescribeSubnets
        | Api::DescribeNetworkInterfaces
        | Api::DescribeTargetHealth
        | Api::DescribeLaunchTemplateVersions => (CrashPoint::BeforeGroupCall, CrashPoint::AfterGroupCall),
        Api::Gateway
        | Api::DescribeCapacityReservation
        | Api::ModifyCapacityReservation
        | Api::GetRequestedServiceQuotaChange
        | Api::ListRequestedServiceQuotaChangeHistoryByQuota
        | Api::RequestServiceQuotaIncrease
        | Api::DescribeNatGateways
        | Api::AssociateNatGatewayAddress
        | Api::DescribeCases
        | Api::CreateCase
        | Api::DisassociateNatGatewayAddress => (CrashPoint::BeforeGatewayCall, CrashPoint::AfterGatewayCall),
    }
}

/// What was answered, if it came in time.
fn in_time<T>(timeout: bool, read: impl FnOnce() -> Result<T, CallError>) -> Result<T, CallError> {
    if timeout { Err(adapt::unknown("timeout", "no answer in time")) } else { read() }
}

fn is_throttle(event: &Event) -> bool {
    let class = match event {
        Event::LaunchAnswered { outcome: Err(error), .. }
        | Event::LaunchFound { outcome: Err(error), .. }
        | Event::Described { outcome: Err(error), .. }
        | Event::Terminated { outcome: Err(error), .. }
        | Event::HookAnswered { outcome: Err(error), .. }
        | Event::GroupsDescribed { outcome: Err(error), .. }
        | Event::HooksDescribed { outcome: Err(error), .. }
        | Event::TerminatedInGroup { outcome: Err(error), .. }
        | Event::MetricsRead { outcome: Err(error), .. }
        | Event::Marked { outcome: Err(error), .. }
        | Event::GatewayAnswered { outcome: Err(error), .. }
        | Event::Looked { outcome: Err(error), .. } => Some(error.class),
        Event::LaunchAnswered { .. }
        | Event::LaunchFound { .. }
        | Event::Described { .. }
        | Event::Terminated { .. }
        | Event::HookAnswered { .. }
        | Event::HookNoticed { .. }
        | Event::GroupsDescribed { .. }
        | Event::HooksDescribed { .. }
        | Event::TerminatedInGroup { .. }
        | Event::MetricsRead { .. }
        | Event::Marked { .. }
        | Event::Looked { .. }
        | Event::GatewayAnswered { .. }
        | Event::PreflightAsked { .. }
        | Event::Ordered { .. }
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
        Event::LaunchFound { launch, outcome } => match outcome {
            Ok(seen) => format!("look for launch {}: {} seen", launch.0, seen.len()),
            Err(error) => format!("look for launch {}: {error}", launch.0),
        },
        Event::Described { asked, outcome } => match outcome {
            Ok(seen) => format!("describe of {}: {} seen", asked.len(), seen.len()),
            Err(error) => format!("describe of {}: {error}", asked.len()),
        },
        Event::Terminated { asked, outcome } => match outcome {
            Ok(_) => format!("terminate of {}: done", asked.len()),
            Err(error) => format!("terminate of {}: {error}", asked.len()),
        },
        Event::HookNoticed { notice, .. } => format!("told of {} of {}", notice.transition, notice.id),
        Event::HookAnswered { hook, api, outcome } => match outcome {
            Ok(()) => format!("{api} {}: done", hook.0),
            Err(error) => format!("{api} {}: {error}", hook.0),
        },
        Event::GroupsDescribed { outcome, .. } => match outcome {
            Ok(page) => page.groups.iter().map(shown).collect::<Vec<_>>().join(", "),
            Err(error) => format!("groups: {error}"),
        },
        Event::HooksDescribed { asg, outcome } => match outcome {
            Ok(hooks) => format!("hooks of {asg}: {}", hooks.len()),
            Err(error) => format!("hooks of {asg}: {error}"),
        },
        Event::TerminatedInGroup { asked, outcome, .. } => {
            let who: Vec<String> = asked.iter().map(|(_, instance)| instance.to_string()).collect();
            let said = outcome.as_ref().map_or_else(ToString::to_string, |()| "done".into());
            format!("terminate in group of {}: {said}", who.join(" "))
        }
        Event::MetricsRead { asked, outcome } => match outcome {
            Ok(_) => format!("read of {} metrics: done", asked.len()),
            Err(error) => format!("read of {} metrics: {error}", asked.len()),
        },
        Event::Looked { look, outcome } => match outcome {
            Ok(looked) => format!("{look:?}: {:?}", looked.seen),
            Err(error) => format!("{look:?}: {error}"),
        },
        Event::GatewayAnswered { request, call, outcome } => match outcome {
            Ok(seen) => format!("{request}: {call:?}: {seen:?}"),
            Err(error) => format!("{request}: {call:?}: {error}"),
        },
        Event::Marked { mark, outcome } => match outcome {
            Ok(_) => format!("{mark:?}: done"),
            Err(error) => format!("{mark:?}: {error}"),
        },
        Event::Ordered { order, .. } => format!("ordered: {order:?}"),
        Event::Configured { instance, outcome } => format!("configure {instance}: {outcome:?}"),
        Event::Probed { instance, outcome } => format!("probe {instance}: {outcome:?}"),
        Event::ScaleUpAsked { ask, .. } => format!("asked for {} of {}", ask.count, ask.group),
        Event::PreflightAsked { ask, .. } => format!("asked what {} of {} come to", ask.count, ask.group),
        Event::CancelAsked { id, .. } => format!("asked to cancel {id}"),
    }
}

/// What a group wants and has, in a few words.
fn shown(seen: &GroupSeen) -> String {
    let mut members = BTreeMap::new();
    for member in &seen.members {
        *members.entry(member.lifecycle).or_insert(0_u32) += 1;
    }
    let members: Vec<String> = members.iter().map(|(state, n)| format!("{n} {state}")).collect();
    format!("{} wants {}: {}", seen.asg, seen.desired, members.join(", "))
}
