//! Performing actions: each in a task of its own, each bringing back exactly one event.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::Gauges;
use super::crash::{CrashPoint, Crasher};
use crate::cloud::autoscaling::AutoScaling;
use crate::cloud::cloudwatch::CloudWatch;
use crate::cloud::gateways::Gateways;
use crate::cloud::looks::Looks;
use crate::cloud::{Ec2, groups, marks, metrics};
use crate::contact::Contacts;
use crate::decide::action::{Action, Target};
use crate::decide::event::{CallError, Event};
use crate::decide::gateway::call::GatewayCall;
use crate::decide::group::LaunchBody;
use crate::decide::hook::notice::{HookAction, HookResult};
use crate::decide::mark::Mark;
use crate::decide::preflight::look::Look;
use crate::decide::signal::Metric;
use crate::decide::words::{Api, Ec2Id, ErrorClass, HookSeq, InstanceRef, LaunchSeq, Time};

/// Whoever does what was decided.
#[derive(Clone)]
pub struct Performer {
    pub ec2: Arc<dyn Ec2>,
    pub auto_scaling: Arc<dyn AutoScaling>,
    pub cloudwatch: Arc<dyn CloudWatch>,
    pub looks: Arc<dyn Looks>,
    pub gateways: Arc<dyn Gateways>,
    pub contacts: Arc<dyn Contacts>,
    pub gauges: Arc<dyn Gauges>,
    pub outcomes: UnboundedSender<Event>,
    pub crasher: Crasher,
}

impl Performer {
    /// Starts an action. How many run at once was decided by the core's lanes.
    pub fn perform(&self, action: Action) {
        let me = self.clone();
        match action {
            Action::Launch { launch, body } => {
                drop(tokio::spawn(async move { me.launch(launch, &body).await }));
            }
            Action::FindLaunch { launch, token } => {
                drop(tokio::spawn(async move { me.find_launch(launch, &token).await }));
            }
            Action::Describe { asked } => drop(tokio::spawn(async move { me.describe(asked).await })),
            Action::Terminate { asked } => drop(tokio::spawn(async move { me.terminate(asked).await })),
            Action::Configure(target) => drop(tokio::spawn(async move { me.configure(target).await })),
            Action::Probe(target) => drop(tokio::spawn(async move { me.probe(target).await })),
            Action::Complete { hook, action, result } => {
                drop(tokio::spawn(async move { me.complete(hook, &action, result).await }));
            }
            Action::Heartbeat { hook, action } => {
                drop(tokio::spawn(async move { me.heartbeat(hook, &action).await }));
            }
            Action::DescribeGroups { asked, page } => {
                drop(tokio::spawn(async move { me.describe_groups(asked, page).await }));
            }
            Action::DescribeHooks { asg } => drop(tokio::spawn(async move { me.describe_hooks(asg).await })),
            Action::TerminateInGroup { asg, asked, decrement } => {
                drop(tokio::spawn(async move { me.terminate_in_group(asg, asked, decrement).await }));
            }
            Action::ReadMetrics { asked, from, until } => {
                drop(tokio::spawn(async move { me.read_metrics(asked, from, until).await }));
            }
            Action::Mark { mark } => drop(tokio::spawn(async move { me.mark(mark).await })),
            Action::Look { look, at } => drop(tokio::spawn(async move { me.look(look, at).await })),
            Action::Gateway { request, call } => {
                drop(tokio::spawn(async move { me.gateway(request, call).await }));
            }
            // Answered by the engine, which has the other end.
            Action::Answer { .. } | Action::Foretell { .. } => {}
        }
    }

    async fn launch(&self, launch: LaunchSeq, body: &LaunchBody) {
        self.crasher.at(CrashPoint::BeforeLaunch);
        let (api, outcome) = match &body.asg {
            Some(asg) => (Api::LaunchInstances, groups::launch(&*self.auto_scaling, asg, body).await),
            None => (Api::RunInstances, self.ec2.run_instances(body).await),
        };
        self.crasher.at(CrashPoint::AfterLaunch);
        self.count(api, &outcome);
        if let Err(error) = &outcome {
            tracing::info!(launch = launch.0, count = body.max_count, class = %error.class, %error, "a launch was not answered with instances");
        }
        self.report(Event::LaunchAnswered { launch, outcome });
    }

    async fn find_launch(&self, launch: LaunchSeq, token: &str) {
        self.crasher.at(CrashPoint::BeforeDescribe);
        let outcome = self.ec2.find_instances(token).await;
        self.crasher.at(CrashPoint::AfterDescribe);
        self.count(Api::DescribeInstances, &outcome);
        self.report(Event::LaunchFound { launch, outcome });
    }

    async fn describe(&self, asked: Vec<(Ec2Id, InstanceRef)>) {
        let ids: Vec<Ec2Id> = asked.iter().map(|(id, _)| *id).collect();
        self.crasher.at(CrashPoint::BeforeDescribe);
        let outcome = self.ec2.describe_instances(&ids).await;
        self.crasher.at(CrashPoint::AfterDescribe);
        self.count(Api::DescribeInstances, &outcome);
        self.report(Event::Described { asked, outcome });
    }

    async fn terminate(&self, asked: Vec<(Ec2Id, InstanceRef)>) {
        let ids: Vec<Ec2Id> = asked.iter().map(|(id, _)| *id).collect();
        self.crasher.at(CrashPoint::BeforeTerminate);
        let outcome = self.ec2.terminate_instances(&ids).await;
        self.crasher.at(CrashPoint::AfterTerminate);
        self.count(Api::TerminateInstances, &outcome);
        if let Err(error) = &outcome {
            tracing::info!(instances = ids.len(), class = %error.class, %error, "a terminate call failed");
        }
        self.report(Event::Terminated { asked, outcome });
    }

    async fn complete(&self, hook: HookSeq, action: &HookAction, result: HookResult) {
        let call = groups::complete(&*self.auto_scaling, action, result);
        let outcome = self.group_call(Api::CompleteLifecycleAction, call).await;
        self.report(Event::HookAnswered { hook, api: Api::CompleteLifecycleAction, outcome });
    }

    async fn heartbeat(&self, hook: HookSeq, action: &HookAction) {
        let call = groups::heartbeat(&*self.auto_scaling, action);
        let outcome = self.group_call(Api::RecordLifecycleActionHeartbeat, call).await;
        self.report(Event::HookAnswered { hook, api: Api::RecordLifecycleActionHeartbeat, outcome });
    }

    async fn describe_groups(&self, asked: Vec<Arc<str>>, page: Option<String>) {
        let call = groups::describe(&*self.auto_scaling, &asked, page.as_deref());
        let outcome = self.group_call(Api::DescribeAutoScalingGroups, call).await;
        self.report(Event::GroupsDescribed { asked, outcome });
    }

    async fn describe_hooks(&self, asg: Arc<str>) {
        let call = groups::hooks(&*self.auto_scaling, &asg);
        let outcome = self.group_call(Api::DescribeLifecycleHooks, call).await;
        self.report(Event::HooksDescribed { asg, outcome });
    }

    async fn terminate_in_group(&self, asg: Arc<str>, asked: Vec<(Ec2Id, InstanceRef)>, decrement: bool) {
        let ids: Vec<Ec2Id> = asked.iter().map(|(id, _)| *id).collect();
        let call = groups::terminate(&*self.auto_scaling, &asg, &ids, decrement);
        let outcome = self.group_call(Api::TerminateInstanceInAutoScalingGroup, call).await;
        self.report(Event::TerminatedInGroup { asg, asked, outcome });
    }

    async fn read_metrics(&self, asked: Arc<[Metric]>, from: Time, until: Time) {
        let call = metrics::read(&*self.cloudwatch, &asked, from, until);
        let outcome = self.group_call(Api::GetMetricData, call).await;
        self.report(Event::MetricsRead { asked, outcome });
    }

    async fn mark(&self, mark: Mark) {
        let call = marks::make(&*self.ec2, &*self.auto_scaling, &mark);
        let outcome = self.group_call(mark.api(), call).await;
        self.report(Event::Marked { mark, outcome });
    }

    /// It changes nothing, and so it has no step to die at.
    async fn look(&self, look: Look, at: Time) {
        let outcome = self.looks.look(&look, at).await;
        self.count(look.api(), &outcome);
        if let Err(error) = &outcome {
            tracing::debug!(?look, class = %error.class, %error, "a look at the account failed");
        }
        self.report(Event::Looked { look, outcome });
    }

    async fn gateway(&self, request: Arc<str>, call: GatewayCall) {
        self.crasher.at(CrashPoint::BeforeGatewayCall);
        let outcome = self.gateways.call(&call).await;
        self.crasher.at(CrashPoint::AfterGatewayCall);
        self.count(call.api(), &outcome);
        if let Err(error) = &outcome
            && error.class != ErrorClass::Throttle
        {
            tracing::info!(%request, api = %call.api(), class = %error.class, %error, "a call about a gateway failed");
        }
        self.report(Event::GatewayAnswered { request, call, outcome });
    }

    /// One call about a group, counted, with a step to die at on both sides of it.
    async fn group_call<T>(
        &self,
        api: Api,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        self.crasher.at(CrashPoint::BeforeGroupCall);
        let outcome = call.await;
        self.crasher.at(CrashPoint::AfterGroupCall);
        self.count(api, &outcome);
        if let Err(error) = &outcome
            && !matches!(error.class, ErrorClass::Throttle | ErrorClass::NoAction)
        {
            tracing::info!(%api, class = %error.class, %error, "a call about an Auto Scaling group failed");
        }
        outcome
    }

    async fn configure(&self, target: Target) {
        self.crasher.at(CrashPoint::BeforeContact);
        let outcome = self.contacts.configure(&target).await;
        self.crasher.at(CrashPoint::AfterContact);
        self.gauges.configure(&outcome);
        self.report(Event::Configured { instance: target.instance, outcome });
    }

    async fn probe(&self, target: Target) {
        let outcome = self.contacts.probe(&target).await;
        self.gauges.probe(&outcome);
        self.report(Event::Probed { instance: target.instance, outcome });
    }

    fn count<T>(&self, api: Api, outcome: &Result<T, CallError>) {
        self.gauges.call(api, outcome.as_ref().map(|_| ()).map_err(|e| e.class));
    }

    fn report(&self, event: Event) {
        // The engine has ended: a restart asks again.
        let _ = self.outcomes.send(event);
    }
}
