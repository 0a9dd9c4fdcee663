//! `RegisterTargets`, `DeregisterTargets`, and how many targets there may be.

use std::collections::BTreeMap;

use super::super::ec2::State;
use super::super::quotas::{TARGETS_PER_ALB, TARGETS_PER_TARGET_GROUP, TARGETS_PER_ZONE_OF_NLB};
use super::call::{Action, Answer, Kind, TargetName, TargetType, Targets};
use super::error::{ApiError, Code};
use super::group::Group;
use super::{Around, Elbv2};

/// Targets of one Network Load Balancer, all zones together (aws-facts 5.4).
pub(super) const TARGETS_PER_NLB: u32 = 3_000;

/// One registered target. Times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) registered_ms: i64,
    pub(super) deregistered_ms: Option<i64>,
}

impl Target {
    pub(super) fn drains(self) -> bool {
        self.deregistered_ms.is_some()
    }
}

impl Elbv2 {
    /// `RegisterTargets`: all of them, or none. One that is registered stays as it is; one that
    /// drains is registered anew.
    pub(in super::super) fn register(
        &mut self,
        call: &Targets,
        around: &Around<'_>,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let group = self.group(&call.group)?;
        for target in &call.targets {
            check(group.created.target_type, target, around, now_ms)?;
        }
        let before = group.targets.clone();
        let group = self.group_mut(&call.group)?;
        for name in &call.targets {
            let key = (name.id.clone(), name.port.unwrap_or(group.created.port));
            let is_new = group.targets.get(&key).is_none_or(|t| t.deregistered_ms.is_some());
            if is_new {
                group.targets.insert(key, Target { registered_ms: now_ms, deregistered_ms: None });
            }
        }
        if let Err(error) = self.check_limits(&call.group, around, now_ms) {
            self.group_mut(&call.group)?.targets = before;
            return Err(error);
        }
        Ok(Answer::Done(Action::RegisterTargets))
    }

    /// `DeregisterTargets`: they drain, and are gone after the group's delay.
    pub(in super::super) fn deregister(&mut self, call: &Targets, now_ms: i64) -> Result<Answer, ApiError> {
        let group = self.group_mut(&call.group)?;
        let delay_ms = group.delay_ms();
        for name in &call.targets {
            let asked = |(id, port): &(String, u16)| *id == name.id && name.port.is_none_or(|p| p == *port);
            for (_, target) in group.targets.iter_mut().filter(|(key, _)| asked(key)) {
                target.deregistered_ms.get_or_insert(now_ms);
            }
        }
        group.targets.retain(|_, t| t.deregistered_ms.is_none_or(|at| now_ms < at + delay_ms));
        Ok(Answer::Done(Action::DeregisterTargets))
    }

    fn check_limits(&self, group: &str, around: &Around<'_>, now_ms: i64) -> Result<(), ApiError> {
        let quota = whole(around.quotas.value(TARGETS_PER_TARGET_GROUP));
        if registered(self.group(group)?).count() > quota {
            return Err(too_many("target group", quota));
        }
        self.balancers_of(group).try_for_each(|arn| self.check_balancer(arn, around, now_ms))
    }

    /// Are there too many targets behind a load balancer? One in two groups counts twice.
    pub(super) fn check_balancer(&self, arn: &str, around: &Around<'_>, now_ms: i64) -> Result<(), ApiError> {
        let behind = |g: &&Group| self.balancers_of(&g.arn).any(|b| b == arn);
        let ids: Vec<&String> = self.groups.iter().filter(behind).flat_map(registered).collect();
        let refused = |what, most: usize| if ids.len() > most { Err(too_many(what, most)) } else { Ok(()) };
        match self.balancer(arn)?.created.kind {
            Kind::Application => refused("load balancer", whole(around.quotas.value(TARGETS_PER_ALB))),
            Kind::Network => {
                let per_zone = whole(around.quotas.value(TARGETS_PER_ZONE_OF_NLB));
                if self.settings.elbv2.nlb_cross_zone {
                    return refused("load balancer with cross-zone load balancing", per_zone);
                }
                refused("load balancer", TARGETS_PER_NLB as usize)?;
                let mut zones: BTreeMap<String, usize> = BTreeMap::new();
                for id in &ids {
                    let zone = around.ec2.reached(id, now_ms).map(|seen| seen.zone).unwrap_or_default();
                    *zones.entry(zone).or_default() += 1;
                }
                let full = zones.values().any(|count| *count > per_zone);
                if full { Err(too_many("load balancer in one Availability Zone", per_zone)) } else { Ok(()) }
            }
        }
    }
}

/// The ids of the targets that do not drain.
fn registered(group: &Group) -> impl Iterator<Item = &String> {
    group.targets.iter().filter(|(_, t)| t.deregistered_ms.is_none()).map(|((id, _), _)| id)
}

/// Instances must run; an address must be one.
fn check(kind: TargetType, target: &TargetName, around: &Around<'_>, now_ms: i64) -> Result<(), ApiError> {
    let id = &target.id;
    let message = match kind {
        TargetType::Ip if id.parse::<std::net::IpAddr>().is_ok() => return Ok(()),
        TargetType::Ip => format!("The IP address '{id}' is not a valid IPv4 or IPv6 address"),
        TargetType::Instance => match around.ec2.reached(id, now_ms).filter(|_| id.starts_with("i-")) {
            Some(seen) if seen.state == State::Running => return Ok(()),
            Some(_) => {
                format!("The following targets are not in a running state and cannot be registered: '{id}'")
            }
            None => format!("Instance ID '{id}' is not valid"),
        },
    };
    Err(ApiError::new(Code::InvalidTarget, message))
}

fn too_many(what: &str, most: usize) -> ApiError {
    let message = format!("The number of targets per {what} is limited to {most}");
    ApiError::new(Code::TooManyTargets, message)
}

fn whole(value: f64) -> usize {
    // Within range by construction: an `as` from f64 saturates.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = value as usize;
    whole
}

#[cfg(test)]
mod tests {
    use super::super::super::Model;
    use super::super::super::ec2::call::Call as Ec2Call;
    use super::super::super::ec2::testing::{A, Ask, B, launched, run_in};
    use super::super::call::{Call, CreateTargetGroup, Protocol};
    use super::super::testing::*;
    use super::*;

    /// When every instance of the tests runs.
    const LATER: i64 = 600_000;

    fn instances(model: &mut Model, subnet: &str, count: u32) -> Vec<String> {
        launched(&model.ask(&Ec2Call::RunInstances(run_in(subnet, subnet, 1, count)), 0))
    }

    fn with_quotas(applied: &[(&'static str, f64)]) -> Model {
        model(|s| s.quotas.applied = applied.iter().map(|(code, v)| ((*code).to_string(), *v)).collect())
    }

    #[test]
    fn a_group_takes_so_many_targets_and_all_or_none() {
        let mut model = with_quotas(&[(TARGETS_PER_TARGET_GROUP, 3.0)]);
        let ids = instances(&mut model, A, 5);
        let web = create_group(&mut model, "web", Protocol::Http);
        let register = |ids: &[String]| Call::RegisterTargets(targets(&web, ids));
        assert_eq!(ask(&mut model, register(&ids[..4]), LATER), Err("TooManyTargets"));
        assert!(ask(&mut model, register(&ids[..3]), LATER).is_ok());
        assert!(ask(&mut model, register(&ids[..3]), LATER).is_ok(), "the same again");
        assert_eq!(ask(&mut model, register(&ids[3..4]), LATER), Err("TooManyTargets"));
        let drain = Call::DeregisterTargets(targets(&web, &ids[..1]));
        assert!(ask(&mut model, drain, LATER).is_ok());
        assert!(ask(&mut model, register(&ids[3..4]), LATER).is_ok());
    }

    #[test]
    fn the_targets_of_all_its_groups_are_the_load_balancers() {
        let mut model = with_quotas(&[(TARGETS_PER_ALB, 4.0)]);
        let ids = instances(&mut model, A, 5);
        let alb = create_balancer(&mut model, "alb", Kind::Application, 0);
        let (a, b) =
            (create_group(&mut model, "a", Protocol::Http), create_group(&mut model, "b", Protocol::Http));
        listen(&mut model, &alb, Protocol::Http, &a).unwrap();
        let register = |group: &str, ids: &[String]| Call::RegisterTargets(targets(group, ids));
        assert!(ask(&mut model, register(&a, &ids[..3]), LATER).is_ok());
        assert!(ask(&mut model, register(&b, &ids[..3]), LATER).is_ok());
        let both = super::super::call::CreateListener {
            balancer: alb.clone(),
            protocol: Protocol::Http,
            port: 81,
            groups: vec![b.clone()],
        };
        assert_eq!(ask(&mut model, Call::CreateListener(both.clone()), LATER), Err("TooManyTargets"));
        let drain = Call::DeregisterTargets(targets(&b, &ids[..2]));
        assert!(ask(&mut model, drain, LATER).is_ok());
        assert!(ask(&mut model, Call::CreateListener(both), LATER).is_ok());
        assert_eq!(ask(&mut model, register(&b, &ids[3..]), LATER), Err("TooManyTargets"));
    }

    #[test]
    fn a_network_load_balancer_counts_by_zone_unless_it_crosses_them() {
        for (cross_zone, fits) in [(false, true), (true, false)] {
            let mut model = model(|s| {
                s.elbv2.nlb_cross_zone = cross_zone;
                s.quotas.applied.insert(TARGETS_PER_ZONE_OF_NLB.into(), 3.0);
            });
            let (a, b) = (instances(&mut model, A, 4), instances(&mut model, B, 2));
            let nlb = create_balancer(&mut model, "nlb", Kind::Network, 0);
            let tcp = create_group(&mut model, "tcp", Protocol::Tcp);
            listen(&mut model, &nlb, Protocol::Tcp, &tcp).unwrap();
            let register = |ids: &[String]| Call::RegisterTargets(targets(&tcp, ids));
            assert!(ask(&mut model, register(&a[..3]), LATER).is_ok());
            assert_eq!(ask(&mut model, register(&a[3..]), LATER), Err("TooManyTargets"));
            assert_eq!(ask(&mut model, register(&b), LATER).is_ok(), fits);
        }
    }

    #[test]
    fn what_does_not_run_is_no_target() {
        let mut model = model(|_| {});
        let ids = instances(&mut model, A, 1);
        let web = create_group(&mut model, "web", Protocol::Http);
        let ips = CreateTargetGroup { target_type: TargetType::Ip, ..group("ips", Protocol::Http) };
        let answer = ask(&mut model, Call::CreateTargetGroup(ips), 0).unwrap();
        let Answer::TargetGroups { groups, .. } = answer else { panic!("{answer:?}") };
        let ips = groups[0].arn.clone();
        let mut register = |group: &str, id: &str, now| {
            ask(&mut model, Call::RegisterTargets(targets(group, &[id.to_string()])), now)
        };
        assert_eq!(register(&web, &ids[0], 0), Err("InvalidTarget"), "pending");
        assert_eq!(register(&web, "i-0123456789abcdef0", LATER), Err("InvalidTarget"));
        assert_eq!(register(&web, "127.80.0.4", LATER), Err("InvalidTarget"));
        assert_eq!(register(&ips, &ids[0], LATER), Err("InvalidTarget"));
        assert!(register(&ips, "127.80.0.4", LATER).is_ok());
        assert_eq!(register("arn", &ids[0], LATER), Err("TargetGroupNotFound"));
    }
}
