//! What Auto Scaling groups ask: their members as targets. No call, and so no rate limit.

use super::super::ec2::{Ec2, State};
use super::call::{Health, TargetName, Targets};
use super::{Around, Elbv2};

impl Elbv2 {
    pub(in super::super) fn has_group(&self, arn: &str) -> bool {
        self.group(arn).is_ok()
    }

    /// Registers an instance with these target groups. One that is full, or gone, leaves it out.
    pub(in super::super) fn register_member(
        &mut self,
        groups: &[String],
        id: &str,
        around: &Around<'_>,
        now_ms: i64,
    ) {
        for arn in groups {
            // Auto Scaling has no way to say so: the instance serves, and is not registered.
            let _ = self.register(&only(arn, id), around, now_ms);
        }
    }

    /// Deregisters an instance. When it has drained from all of them: at once if it does not run, if nothing
    /// forwards to it, or if it has no connections that stay open.
    pub(in super::super) fn deregister_member(
        &mut self,
        groups: &[String],
        id: &str,
        ec2: &Ec2,
        now_ms: i64,
    ) -> i64 {
        let runs = ec2.reached(id, now_ms).is_some_and(|seen| seen.state == State::Running);
        let drains = runs && self.settings.autoscaling.switches.connections_outlast_draining;
        let mut free_ms = now_ms;
        for arn in groups {
            let used = self.balancers_of(arn).next().is_some();
            let Ok(group) = self.group(arn) else { continue };
            let registered = group.targets.iter().any(|((target, _), t)| target == id && !t.drains());
            if registered && used && drains {
                free_ms = free_ms.max(now_ms + group.delay_ms());
            }
            // It is there.
            let _ = self.deregister(&only(arn, id), now_ms);
        }
        free_ms
    }

    /// Do the checks of this target group fail? One that is not checked yet, or not at all, is not unhealthy.
    pub(in super::super) fn is_unhealthy(&self, group: &str, id: &str, ec2: &Ec2, now_ms: i64) -> bool {
        self.health_of(group, id, ec2, now_ms) == Some(Health::Unhealthy)
    }

    pub(in super::super) fn is_healthy(&self, group: &str, id: &str, ec2: &Ec2, now_ms: i64) -> bool {
        self.health_of(group, id, ec2, now_ms) == Some(Health::Healthy)
    }
}

fn only(group: &str, id: &str) -> Targets {
    Targets { group: group.into(), targets: vec![TargetName { id: id.into(), port: None }] }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::super::settings::Settings;
    use super::super::super::counters::ApiCounters;
    use super::super::super::ec2::testing::{A, run_in, small_settings};
    use super::super::super::quotas::Quotas;
    use super::super::call::{Answer, Call, Kind, Protocol};
    use super::super::testing::*;
    use super::*;

    const LATER: i64 = 600_000;

    struct Scene {
        elbv2: Elbv2,
        ec2: Ec2,
        quotas: Quotas,
        id: String,
    }

    impl Scene {
        /// One instance that runs and is not configured.
        fn new(change: impl FnOnce(&mut Settings)) -> Scene {
            let mut settings = small_settings();
            settings.elbv2.registered_after_ms = 0;
            change(&mut settings);
            let settings = Arc::new(settings);
            let mut ec2 = Ec2::new(settings.clone(), 1);
            let id = ec2.launch_for_group(&run_in(A, "", 1, 1), 0).unwrap().remove(0);
            let quotas = Quotas::new(settings.clone(), 1);
            Scene { elbv2: Elbv2::new(settings, 1), ec2, quotas, id }
        }

        fn ask(&mut self, call: &Call) -> Answer {
            let around = Around { ec2: &self.ec2, quotas: &self.quotas };
            self.elbv2.handle(call, &around, &mut ApiCounters::default(), 0).unwrap()
        }

        fn group(&mut self, name: &str) -> String {
            let answer = self.ask(&Call::CreateTargetGroup(group(name, Protocol::Http)));
            let Answer::TargetGroups { groups, .. } = answer else { panic!("{answer:?}") };
            groups[0].arn.clone()
        }

        fn forward(&mut self, group: &str) {
            let answer = self.ask(&Call::CreateLoadBalancer(balancer("alb", Kind::Application)));
            let Answer::LoadBalancers { balancers, .. } = answer else { panic!("{answer:?}") };
            self.ask(&Call::CreateListener(super::super::call::CreateListener {
                balancer: balancers[0].arn.clone(),
                protocol: Protocol::Http,
                port: 80,
                groups: vec![group.into()],
            }));
        }

        fn register(&mut self, groups: &[String]) {
            let around = Around { ec2: &self.ec2, quotas: &self.quotas };
            self.elbv2.register_member(groups, &self.id, &around, LATER);
        }

        fn deregister(&mut self, groups: &[String]) -> i64 {
            self.elbv2.deregister_member(groups, &self.id, &self.ec2, LATER)
        }
    }

    #[test]
    fn it_drains_as_long_as_the_slowest_group_that_is_forwarded_to() {
        let mut scene = Scene::new(|_| {});
        let groups = [scene.group("a"), scene.group("b")];
        scene.register(&groups);
        assert_eq!(scene.deregister(&groups), LATER, "nothing forwards to them");
        scene.forward(&groups[0]);
        scene.register(&groups);
        assert_eq!(scene.deregister(&groups), LATER + 300_000);
        assert_eq!(scene.deregister(&groups), LATER, "it is registered no more");
        assert_eq!(scene.deregister(&["nobody".into()]), LATER);
    }

    #[test]
    fn without_connections_nobody_drains() {
        let mut scene = Scene::new(|s| s.autoscaling.switches.connections_outlast_draining = false);
        let groups = [scene.group("a")];
        scene.forward(&groups[0]);
        scene.register(&groups);
        assert_eq!(scene.deregister(&groups), LATER);
    }

    #[test]
    fn only_failed_checks_are_unhealthy() {
        let mut scene = Scene::new(|_| {});
        let groups = [scene.group("a")];
        let unhealthy = |scene: &Scene, now| scene.elbv2.is_unhealthy(&groups[0], &scene.id, &scene.ec2, now);
        assert!(!unhealthy(&scene, LATER), "not registered");
        scene.register(&groups);
        assert!(!unhealthy(&scene, LATER + 60_000), "not in use");
        scene.forward(&groups[0]);
        assert!(!unhealthy(&scene, LATER + 9_999), "checked once");
        assert!(unhealthy(&scene, LATER + 10_000));
        assert!(!scene.elbv2.is_healthy(&groups[0], &scene.id, &scene.ec2, LATER + 10_000));
        scene.deregister(&groups);
        assert!(!unhealthy(&scene, LATER + 10_000), "it drains");
    }

    #[test]
    fn a_full_group_leaves_it_out() {
        let mut scene = Scene::new(|s| {
            s.quotas.applied.insert(super::super::super::quotas::TARGETS_PER_TARGET_GROUP.into(), 0.0);
        });
        let groups = [scene.group("a")];
        scene.forward(&groups[0]);
        scene.register(&groups);
        assert_eq!(scene.deregister(&groups), LATER);
    }
}
