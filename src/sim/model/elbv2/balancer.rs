//! Load balancers.

use std::collections::BTreeSet;

use super::super::arn::arn;
use super::call::{Action, Answer, BalancerView, CreateLoadBalancer, Describe, Kind};
use super::error::{ApiError, Code};
use super::paging::{check_name, found};
use super::reservation::Reservation;
use super::{Around, Elbv2};

/// One load balancer.
#[derive(Clone, Debug)]
pub(super) struct Balancer {
    pub(super) arn: String,
    pub(super) created: CreateLoadBalancer,
    dns_name: String,
    /// Milliseconds.
    created_ms: i64,
    /// Zone and subnet.
    pub(super) zones: Vec<(String, String)>,
    pub(super) reservation: Reservation,
}

impl Elbv2 {
    /// `CreateLoadBalancer`. The same call again is answered with the same load balancer.
    pub(super) fn create_balancer(
        &mut self,
        call: &CreateLoadBalancer,
        around: &Around<'_>,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        check_name(&call.name)?;
        let of = Action::CreateLoadBalancer;
        if let Some(known) = self.balancers.iter().find(|b| b.created.name == call.name) {
            if known.created != *call {
                let message = "A load balancer with the same name exists, but with different settings";
                return Err(ApiError::new(Code::DuplicateLoadBalancerName, message));
            }
            return Ok(Answer::LoadBalancers {
                of,
                balancers: vec![self.view(known, now_ms)],
                next_marker: None,
            });
        }
        let zones = zones(call, around)?;
        let name = self.name();
        let kind = match call.kind {
            Kind::Application => "app",
            Kind::Network => "net",
        };
        let region = &self.settings.region;
        let resource = format!("loadbalancer/{kind}/{}/{name}", call.name);
        let balancer = Balancer {
            arn: arn("elasticloadbalancing", region, &resource),
            dns_name: format!("{}-{}.{region}.elb.amazonaws.com", call.name, &name[..10]),
            created: call.clone(),
            created_ms: now_ms,
            zones,
            reservation: Reservation::default(),
        };
        let view = self.view(&balancer, now_ms);
        self.balancers.push(balancer);
        Ok(Answer::LoadBalancers { of, balancers: vec![view], next_marker: None })
    }

    pub(super) fn describe_balancers(&self, call: &Describe, now_ms: i64) -> Result<Answer, ApiError> {
        let (balancers, next_marker) = found(
            self.balancers.iter(),
            call,
            |b: &Balancer| (b.arn.as_str(), b.created.name.as_str()),
            ApiError::unknown_balancer,
        )?;
        let balancers = balancers.into_iter().map(|b| self.view(b, now_ms)).collect();
        Ok(Answer::LoadBalancers { of: Action::DescribeLoadBalancers, balancers, next_marker })
    }

    /// `DeleteLoadBalancer`. Its listeners and what it reserved go with it; one that is not there is
    /// gone already.
    pub(super) fn delete_balancer(&mut self, arn: &str) -> Answer {
        self.balancers.retain(|b| b.arn != arn);
        self.listeners.retain(|l| l.created.balancer != arn);
        Answer::Done(Action::DeleteLoadBalancer)
    }

    pub(super) fn balancer(&self, arn: &str) -> Result<&Balancer, ApiError> {
        self.balancers.iter().find(|b| b.arn == arn).ok_or_else(ApiError::unknown_balancer)
    }

    fn view(&self, b: &Balancer, now_ms: i64) -> BalancerView {
        BalancerView {
            arn: b.arn.clone(),
            created: b.created.clone(),
            dns_name: b.dns_name.clone(),
            created_ms: b.created_ms,
            active: now_ms >= b.created_ms + i64::from(self.settings.elbv2.active_after_ms),
            zones: b.zones.clone(),
        }
    }
}

/// The zones of the subnets: each in its own, and two at least for an Application Load Balancer.
fn zones(call: &CreateLoadBalancer, around: &Around<'_>) -> Result<Vec<(String, String)>, ApiError> {
    let zone = |subnet: &String| match around.ec2.zone_of(subnet) {
        Some(zone) => Ok((zone.to_string(), subnet.clone())),
        None => Err(ApiError::new(Code::SubnetNotFound, format!("The subnet ID '{subnet}' does not exist"))),
    };
    let zones: Vec<(String, String)> = call.subnets.iter().map(zone).collect::<Result<_, _>>()?;
    let different: BTreeSet<&String> = zones.iter().map(|(zone, _)| zone).collect();
    if different.len() < zones.len() {
        let message = "A load balancer cannot be attached to multiple subnets in the same Availability Zone";
        return Err(ApiError::new(Code::InvalidConfigurationRequest, message));
    }
    let least = match call.kind {
        Kind::Application => 2,
        Kind::Network => 1,
    };
    if different.len() < least {
        return Err(ApiError::invalid(format!(
            "At least {least} subnets in as many different Availability Zones must be specified"
        )));
    }
    Ok(zones)
}

#[cfg(test)]
mod tests {
    use super::super::call::Call;
    use super::super::testing::*;
    use super::*;

    #[test]
    fn a_load_balancer_is_created_once_and_becomes_active() {
        let mut model = model(|s| s.elbv2.active_after_ms = 60_000);
        let arn = create_balancer(&mut model, "web", Kind::Application, 0);
        assert_eq!(create_balancer(&mut model, "web", Kind::Application, 1_000), arn);
        let start = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/web/";
        assert!(arn.starts_with(start), "{arn}");
        let other = Call::CreateLoadBalancer(balancer("web", Kind::Network));
        assert_eq!(ask(&mut model, other, 0), Err("DuplicateLoadBalancerName"));
        for (now, active) in [(59_999, false), (60_000, true)] {
            let call =
                Call::DescribeLoadBalancers(Describe { names: vec!["web".into()], ..Describe::default() });
            let answer = ask(&mut model, call, now).unwrap();
            let Answer::LoadBalancers { balancers, .. } = answer else { panic!("{answer:?}") };
            assert_eq!((balancers.len(), balancers[0].active), (1, active));
            assert_eq!(balancers[0].zones[1].0, "us-east-1b");
        }
        ask(&mut model, Call::DeleteLoadBalancer { arn: arn.clone() }, 0).unwrap();
        ask(&mut model, Call::DeleteLoadBalancer { arn: arn.clone() }, 0).unwrap();
        let call = Call::DescribeLoadBalancers(Describe { arns: vec![arn], ..Describe::default() });
        assert_eq!(ask(&mut model, call, 0), Err("LoadBalancerNotFound"));
    }

    #[test]
    fn names_and_subnets_are_checked() {
        let mut model = model(|_| {});
        let plain = || balancer("web", Kind::Application);
        let one = plain().subnets[..1].to_vec();
        for (call, code) in [
            (CreateLoadBalancer { name: "-web".into(), ..plain() }, "ValidationError"),
            (CreateLoadBalancer { name: "w".repeat(33), ..plain() }, "ValidationError"),
            (CreateLoadBalancer { subnets: one.clone(), ..plain() }, "ValidationError"),
            (CreateLoadBalancer { subnets: vec!["subnet-9".into()], ..plain() }, "SubnetNotFound"),
            (
                CreateLoadBalancer { subnets: [&one[..], &one[..]].concat(), ..plain() },
                "InvalidConfigurationRequest",
            ),
        ] {
            assert_eq!(ask(&mut model, Call::CreateLoadBalancer(call), 0), Err(code));
        }
        let call = CreateLoadBalancer { kind: Kind::Network, subnets: one, ..plain() };
        assert!(ask(&mut model, Call::CreateLoadBalancer(call), 0).is_ok());
    }
}
