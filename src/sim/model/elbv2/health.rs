//! `DescribeTargetHealth`: computed from the time, the registration, and what the instance's own
//! health endpoint answers. Nothing is stepped: checks come at fixed times after the registration, and
//! the model knows since when an instance passes them. One that passed and then stopped (its
//! configuration began anew) counts as failing from its registration on.

use super::super::ec2::target::Reached;
use super::super::ec2::{Door, Ec2, State};
use super::call::{Answer, Check, Health, HealthView, Reason, Targets};
use super::error::ApiError;
use super::group::Group;
use super::target::Target;
use super::{Around, Elbv2};

impl Elbv2 {
    pub(in super::super) fn describe_health(
        &self,
        call: &Targets,
        around: &Around<'_>,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let group = self.group(&call.group)?;
        let used = self.balancers_of(&group.arn).next().is_some();
        let first_check = i64::from(self.settings.elbv2.registered_after_ms);
        let view = |id: &str, port: u16, (health, reason): (Health, Option<Reason>)| HealthView {
            id: id.into(),
            port,
            check_port: match group.created.check.port.as_str() {
                "traffic-port" => port.to_string(),
                fixed => fixed.into(),
            },
            health,
            reason,
        };
        let of = |id: &str, port: u16, target: &Target| {
            let seen = around.ec2.reached(id, now_ms);
            view(id, port, health(group, *target, seen.as_ref(), used, first_check, now_ms))
        };
        let there = group.targets.iter().filter(|(_, t)| !is_gone(group, **t, now_ms));
        if call.targets.is_empty() {
            return Ok(Answer::TargetHealth(there.map(|((id, port), t)| of(id, *port, t)).collect()));
        }
        let there: Vec<_> = there.collect();
        let asked = call.targets.iter().flat_map(|name| {
            let named = |(id, port): &(String, u16)| *id == name.id && name.port.is_none_or(|p| p == *port);
            let mut views: Vec<HealthView> =
                there.iter().filter(|(key, _)| named(key)).map(|((id, port), t)| of(id, *port, t)).collect();
            if views.is_empty() {
                let port = name.port.unwrap_or(group.created.port);
                views.push(view(&name.id, port, (Health::Unused, Some(Reason::NotRegistered))));
            }
            views
        });
        Ok(Answer::TargetHealth(asked.collect()))
    }

    /// Of an instance in a target group, on the group's own port; none if it is not registered there.
    pub(super) fn health_of(&self, arn: &str, id: &str, ec2: &Ec2, now_ms: i64) -> Option<Health> {
        let group = self.group(arn).ok()?;
        let target = group.targets.get(&(id.to_string(), group.created.port))?;
        let used = self.balancers_of(arn).next().is_some();
        let first_check = i64::from(self.settings.elbv2.registered_after_ms);
        let seen = ec2.reached(id, now_ms);
        Some(health(group, *target, seen.as_ref(), used, first_check, now_ms).0)
    }
}

/// It has drained.
fn is_gone(group: &Group, target: Target, now_ms: i64) -> bool {
    target.deregistered_ms.is_some_and(|at| now_ms >= at + group.delay_ms())
}

fn health(
    group: &Group,
    target: Target,
    seen: Option<&Reached>,
    used: bool,
    first_check: i64,
    now_ms: i64,
) -> (Health, Option<Reason>) {
    if target.deregistered_ms.is_some() {
        return (Health::Draining, Some(Reason::DeregistrationInProgress));
    }
    if !used {
        return (Health::Unused, Some(Reason::NotInUse));
    }
    let Some(seen) = seen.filter(|seen| matches!(seen.state, State::Pending | State::Running)) else {
        return (Health::Unused, Some(Reason::InvalidState));
    };
    let first_ms = target.registered_ms + first_check;
    if now_ms < first_ms {
        return (Health::Initial, Some(Reason::RegistrationInProgress));
    }
    checked(&group.created.check, seen, first_ms, now_ms)
}

/// What the checks since the first one say. A new target needs one that passes; one that has become
/// unhealthy needs several in a row.
fn checked(check: &Check, seen: &Reached, first_ms: i64, now_ms: i64) -> (Health, Option<Reason>) {
    let interval_ms = i64::from(check.interval_s) * 1_000;
    let until = |at: i64| if at < first_ms { 0 } else { (at - first_ms) / interval_ms + 1 };
    let failed = until(seen.serving_since_ms.map_or(now_ms, |since| since - 1).min(now_ms));
    let passed = until(now_ms) - failed;
    let was_unhealthy = failed >= i64::from(check.unhealthy);
    let needed = if was_unhealthy { i64::from(check.healthy) } else { 1 };
    let why = match seen.door {
        Door::Hang => Reason::Timeout,
        Door::Reset => Reason::FailedHealthChecks,
        Door::Open if seen.serving_since_ms.is_some() => Reason::FailedHealthChecks,
        Door::Open => Reason::ResponseCodeMismatch,
    };
    if passed >= needed {
        (Health::Healthy, None)
    } else if was_unhealthy {
        (Health::Unhealthy, Some(why))
    } else {
        (Health::Initial, Some(Reason::InitialHealthChecking))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::Spread;
    use super::super::super::Model;
    use super::super::super::ec2::call::Call as Ec2Call;
    use super::super::super::ec2::testing::{A, Ask, launched, run_in, terminate};
    use super::super::call::{Call, Kind, Protocol};
    use super::super::testing::*;
    use super::*;

    /// When every good instance of the tests answers, and fails its checks until it is configured.
    const LATER: i64 = 600_000;

    struct Scene {
        model: Model,
        ids: Vec<String>,
        group: String,
    }

    impl Scene {
        /// Two instances; the group is behind a load balancer.
        fn new(used: bool) -> Scene {
            let mut model = model(|s| s.configure = Spread { median_ms: 25_000, p99_ms: 25_000 });
            let ids = launched(&model.ask(&Ec2Call::RunInstances(run_in(A, "t", 2, 2)), 0));
            let group = create_group(&mut model, "web", Protocol::Http);
            if used {
                let alb = create_balancer(&mut model, "alb", Kind::Application, 0);
                listen(&mut model, &alb, Protocol::Http, &group).unwrap();
            }
            let mut scene = Scene { model, ids, group };
            let register = Call::RegisterTargets(targets(&scene.group, &scene.ids));
            assert!(ask(&mut scene.model, register, LATER).is_ok());
            scene
        }

        /// Of the first instance.
        fn at(&mut self, now_ms: i64) -> (Health, Option<Reason>) {
            let call = Call::DescribeTargetHealth(targets(&self.group, &self.ids[..1]));
            let answer = ask(&mut self.model, call, now_ms).unwrap();
            let Answer::TargetHealth(views) = answer else { panic!("{answer:?}") };
            (views[0].health, views[0].reason)
        }
    }

    #[test]
    fn a_target_becomes_unhealthy_by_its_own_health_and_healthy_again() {
        let mut scene = Scene::new(true);
        assert_eq!(scene.at(LATER), (Health::Initial, Some(Reason::InitialHealthChecking)));
        assert_eq!(scene.at(LATER + 9_999), (Health::Initial, Some(Reason::InitialHealthChecking)));
        assert_eq!(scene.at(LATER + 10_000), (Health::Unhealthy, Some(Reason::ResponseCodeMismatch)));
        let address = scene.model.ledger(LATER).instances[0].address;
        assert!(scene.model.configure(address, None, None, LATER + 10_000));
        // It serves 25 s later; of the checks after that it needs three.
        assert_eq!(scene.at(LATER + 59_999).0, Health::Unhealthy);
        assert_eq!(scene.at(LATER + 60_000), (Health::Healthy, None));
    }

    #[test]
    fn one_that_serves_before_is_healthy_with_its_first_check() {
        let mut scene = Scene::new(true);
        let address = scene.model.ledger(LATER).instances[0].address;
        assert!(scene.model.configure(address, None, None, LATER));
        let call = Call::DeregisterTargets(targets(&scene.group, &scene.ids));
        assert!(ask(&mut scene.model, call, LATER).is_ok());
        assert_eq!(scene.at(LATER), (Health::Draining, Some(Reason::DeregistrationInProgress)));
        assert_eq!(scene.at(LATER + 299_999).0, Health::Draining);
        assert_eq!(scene.at(LATER + 300_000), (Health::Unused, Some(Reason::NotRegistered)));
        let again = Call::RegisterTargets(targets(&scene.group, &scene.ids));
        assert!(ask(&mut scene.model, again, 2 * LATER).is_ok());
        assert_eq!(scene.at(2 * LATER), (Health::Healthy, None));
    }

    #[test]
    fn without_a_load_balancer_and_without_an_instance_a_target_is_unused() {
        assert_eq!(Scene::new(false).at(LATER), (Health::Unused, Some(Reason::NotInUse)));
        let mut scene = Scene::new(true);
        let ids = scene.ids.clone();
        scene.model.ask(&terminate(&ids), LATER);
        assert_eq!(scene.at(LATER), (Health::Unused, Some(Reason::InvalidState)));
    }

    #[test]
    fn why_it_is_unhealthy_is_what_a_connection_meets() {
        let check = Check { interval_s: 10, ..Check::of(Protocol::Http) };
        let seen = |door| Reached { zone: "a".into(), state: State::Running, door, serving_since_ms: None };
        let why = |door| checked(&check, &seen(door), 0, 60_000).1;
        assert_eq!(why(Door::Hang), Some(Reason::Timeout));
        assert_eq!(why(Door::Reset), Some(Reason::FailedHealthChecks));
        assert_eq!(why(Door::Open), Some(Reason::ResponseCodeMismatch));
    }

    #[test]
    fn registration_takes_its_time() {
        let group = Group {
            arn: String::new(),
            created: group("web", Protocol::Http),
            attributes: std::collections::BTreeMap::new(),
            targets: std::collections::BTreeMap::new(),
        };
        let target = Target { registered_ms: LATER, deregistered_ms: None };
        let seen =
            Reached { zone: "a".into(), state: State::Running, door: Door::Open, serving_since_ms: Some(0) };
        let at = |now| health(&group, target, Some(&seen), true, 5_000, now);
        assert_eq!(at(LATER + 4_999), (Health::Initial, Some(Reason::RegistrationInProgress)));
        assert_eq!(at(LATER + 5_000), (Health::Healthy, None));
    }
}
