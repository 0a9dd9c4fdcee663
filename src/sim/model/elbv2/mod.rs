//! Elastic Load Balancing, version 2: load balancers, listeners, target groups with the health of
//! the simulated instances, and capacity that is reserved ahead of time.

mod balancer;
pub mod call;
pub mod error;
mod group;
mod health;
mod limits;
mod listener;
mod members;
mod paging;
mod reservation;
mod target;

use std::sync::Arc;

use super::super::draw::{Draw, Purpose};
use super::super::settings::Settings;
use super::counters::ApiCounters;
use super::ec2::Ec2;
use super::ec2::bucket::Bucket;
use super::quotas::Quotas;
use balancer::Balancer;
use call::{Answer, Call};
use error::ApiError;
use group::Group;
use listener::Listener;

/// The other services that load balancing looks at.
pub(super) struct Around<'a> {
    pub(super) ec2: &'a Ec2,
    pub(super) quotas: &'a Quotas,
}

/// Elastic Load Balancing of one account in one Region.
#[derive(Debug)]
pub struct Elbv2 {
    settings: Arc<Settings>,
    seed: u64,
    /// Things that were given a name so far.
    named: u64,
    /// Reservations that were made so far.
    reserved: u64,
    balancers: Vec<Balancer>,
    groups: Vec<Group>,
    listeners: Vec<Listener>,
    calls: Bucket,
}

impl Elbv2 {
    pub(super) fn new(settings: Arc<Settings>, seed: u64) -> Elbv2 {
        Elbv2 {
            seed,
            named: 0,
            reserved: 0,
            balancers: Vec::new(),
            groups: Vec::new(),
            listeners: Vec::new(),
            calls: Bucket::new(settings.elbv2.calls),
            settings,
        }
    }

    /// From now on these settings hold. What was reserved goes its way.
    pub(super) fn adopt(&mut self, settings: &Arc<Settings>, now_ms: i64) {
        self.calls.adopt(settings.elbv2.calls, now_ms);
        self.settings = settings.clone();
    }

    /// Answers one call, metered.
    pub(super) fn handle(
        &mut self,
        call: &Call,
        around: &Around<'_>,
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        if call.action().is_some() {
            if !self.calls.take(1, now_ms) {
                meter.throttled_by_requests += 1;
                return Err(ApiError::throttled());
            }
            meter.request_tokens += 1;
        }
        match call {
            Call::CreateLoadBalancer(create) => self.create_balancer(create, around, now_ms),
            Call::DescribeLoadBalancers(describe) => self.describe_balancers(describe, now_ms),
            Call::DeleteLoadBalancer { arn } => Ok(self.delete_balancer(arn)),
            Call::CreateTargetGroup(create) => self.create_group(create),
            Call::DescribeTargetGroups { balancer, describe } => {
                self.describe_groups(balancer.as_deref(), describe)
            }
            Call::ModifyTargetGroup { arn, check } => self.modify_group(arn, check),
            Call::ModifyTargetGroupAttributes { arn, attributes } => self.modify_attributes(arn, attributes),
            Call::DescribeTargetGroupAttributes { arn } => self.describe_attributes(arn),
            Call::DeleteTargetGroup { arn } => self.delete_group(arn),
            Call::RegisterTargets(targets) => self.register(targets, around, now_ms),
            Call::DeregisterTargets(targets) => self.deregister(targets, now_ms),
            Call::DescribeTargetHealth(targets) => self.describe_health(targets, around, now_ms),
            Call::CreateListener(create) => self.create_listener(create, around, now_ms),
            Call::DescribeListeners { balancer, describe } => {
                self.describe_listeners(balancer.as_deref(), describe)
            }
            Call::DeleteListener { arn } => self.delete_listener(arn),
            Call::DescribeAccountLimits(page) => limits::describe(page, around.quotas),
            Call::ModifyCapacityReservation { arn, change } => self.reserve(arn, *change, around, now_ms),
            Call::DescribeCapacityReservation { arn } => self.describe_reservation(arn, now_ms),
            Call::Unreadable { error, .. } => Err(error.clone()),
        }
    }

    /// The most calls that anyone could have made between two times. All actions share it.
    pub(super) fn offered(&self, first_ms: i64, last_ms: i64) -> f64 {
        self.calls.offered(first_ms, last_ms)
    }

    /// The last part of a new name: 16 hexadecimal digits.
    fn name(&mut self) -> String {
        let number = self.named;
        self.named += 1;
        format!("{:016x}", Draw::new(self.seed, Purpose::BalancerName, number).bits())
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::super::super::settings::Settings;
    use super::super::Model;
    use super::super::call::{Answer as AnyAnswer, Call as AnyCall, Outcome};
    use super::super::ec2::testing::{A, B, small_settings};
    use super::call::*;

    /// Its load balancers are active at once; targets are checked from their registration on.
    pub(crate) fn model(change: impl FnOnce(&mut Settings)) -> Model {
        let mut settings = small_settings();
        settings.elbv2.active_after_ms = 0;
        settings.elbv2.registered_after_ms = 0;
        settings.elbv2.reserved_after.min_ms = 300_000;
        settings.elbv2.reserved_after.max_ms = 300_000;
        change(&mut settings);
        Model::new(settings, 1).unwrap()
    }

    /// The answer, or the error's code.
    pub(crate) fn ask(model: &mut Model, call: Call, now_ms: i64) -> Result<Answer, &'static str> {
        match model.handle(&AnyCall::Elbv2(call), now_ms).outcome {
            Outcome::Answer(AnyAnswer::Elbv2(answer)) => Ok(answer),
            Outcome::Error(failure) => Err(failure.code),
            Outcome::Answer(other) => panic!("{other:?}"),
            Outcome::Lost => panic!("lost"),
        }
    }

    pub(crate) fn balancer(name: &str, kind: Kind) -> CreateLoadBalancer {
        CreateLoadBalancer {
            name: name.into(),
            kind,
            subnets: vec![A.into(), B.into()],
            scheme: "internal".into(),
        }
    }

    pub(crate) fn create_balancer(model: &mut Model, name: &str, kind: Kind, now_ms: i64) -> String {
        let answer = ask(model, Call::CreateLoadBalancer(balancer(name, kind)), now_ms).unwrap();
        let Answer::LoadBalancers { balancers, .. } = answer else { panic!("{answer:?}") };
        balancers[0].arn.clone()
    }

    pub(crate) fn group(name: &str, protocol: Protocol) -> CreateTargetGroup {
        CreateTargetGroup {
            name: name.into(),
            protocol,
            port: 80,
            vpc: None,
            target_type: TargetType::Instance,
            check: Check { interval_s: 10, healthy: 3, unhealthy: 2, ..Check::of(protocol) },
        }
    }

    pub(crate) fn create_group(model: &mut Model, name: &str, protocol: Protocol) -> String {
        let answer = ask(model, Call::CreateTargetGroup(group(name, protocol)), 0).unwrap();
        let Answer::TargetGroups { groups, .. } = answer else { panic!("{answer:?}") };
        groups[0].arn.clone()
    }

    pub(crate) fn listen(
        model: &mut Model,
        balancer: &str,
        protocol: Protocol,
        group: &str,
    ) -> Result<Answer, &'static str> {
        let create =
            CreateListener { balancer: balancer.into(), protocol, port: 80, groups: vec![group.into()] };
        ask(model, Call::CreateListener(create), 0)
    }

    pub(crate) const HTTP: Protocol = Protocol::Http;

    /// The ARN of a new target group that a new load balancer forwards to.
    pub(crate) fn behind_a_balancer(model: &mut Model) -> String {
        let group = create_group(model, "web", HTTP);
        forward(model, &group);
        group
    }

    /// A new load balancer forwards to this group.
    pub(crate) fn forward(model: &mut Model, group: &str) {
        let balancer = create_balancer(model, "web", Kind::Application, 0);
        assert!(listen(model, &balancer, HTTP, group).is_ok());
    }

    /// The ids of a group's targets that do not drain.
    pub(crate) fn registered(model: &mut Model, group: &str, now_ms: i64) -> Vec<String> {
        let answer = ask(model, Call::DescribeTargetHealth(targets(group, &[])), now_ms).unwrap();
        let Answer::TargetHealth(views) = answer else { panic!("{answer:?}") };
        let mut ids: Vec<String> =
            views.into_iter().filter(|v| v.health != Health::Draining).map(|v| v.id).collect();
        // In the order in which they were launched, as groups show their members.
        let launched = model.ledger(now_ms).instances;
        ids.sort_by_key(|id| launched.iter().position(|i| i.id == *id));
        ids
    }

    pub(crate) fn deregister(model: &mut Model, group: &str, ids: &[String], now_ms: i64) {
        assert!(ask(model, Call::DeregisterTargets(targets(group, ids)), now_ms).is_ok());
    }

    pub(crate) fn targets(group: &str, ids: &[String]) -> Targets {
        let targets = ids.iter().map(|id| TargetName { id: id.clone(), port: None }).collect();
        Targets { group: group.into(), targets }
    }
}

#[cfg(test)]
mod tests {
    use super::call::Page;
    use super::testing::*;
    use super::*;

    #[test]
    fn all_calls_share_one_rate() {
        let mut model = model(|s| s.elbv2.calls.burst = 5.0);
        let call = || Call::DescribeAccountLimits(Page::default());
        let passed = (0..9).filter(|_| ask(&mut model, call(), 0).is_ok()).count();
        assert_eq!((passed, ask(&mut model, call(), 0)), (5, Err("Throttling")));
    }
}
