//! A group looks at its instances, and replaces those that are not well (aws-facts 3.4).

use super::super::ec2::State;
use super::super::elbv2::Elbv2;
use super::agenda::Event;
use super::books::Now;
use super::group::Group;
use super::member::{Leaves, Member};
use super::words::{HealthStatus, Process, Stage};

/// Replacing the unhealthy waits until more than this share of the desired capacity serves.
const SERVING_SHARE: f64 = 90.0;

impl Group {
    /// The regular look: who has ended, who is unhealthy, are the zones in balance?
    pub(super) fn look(&mut self, elbv2: &Elbv2, now: &mut Now<'_>) {
        self.looks = false;
        if self.does(Process::HealthCheck) {
            let ordinals: Vec<u32> = self.members.keys().copied().collect();
            for ordinal in ordinals {
                self.look_at(ordinal, elbv2, now);
            }
        }
        self.replace(now);
        self.rebalance(now);
        self.plan_look(now);
    }

    fn look_at(&mut self, ordinal: u32, elbv2: &Elbv2, now: &mut Now<'_>) {
        let Some(seen) = now.ec2.seen(ordinal, now.ms) else { return };
        let range = now.books.set().end_noticed_after;
        let trusts = self.config.trusts_load_balancers() && !self.target_groups.is_empty();
        let grace_ms = i64::from(self.config.health_check_grace_period) * 1_000;
        let Some(member) = self.members.get_mut(&ordinal) else { return };
        match member.stage() {
            Stage::Coming | Stage::InService | Stage::Warm | Stage::Retained => {}
            // Nobody looks at those.
            Stage::Aside | Stage::Leaving | Stage::LeavingWarm => return,
        }
        if !seen.state.is_live() {
            if !member.noticed {
                member.noticed = true;
                let ended = seen.ends_ms.unwrap_or(now.ms);
                let at = (ended + now.books.draw(range)).max(now.ms);
                now.books.agenda.plan(at, Event::Ended(self.name.clone(), ordinal));
            }
            return;
        }
        // One that is not registered, or not checked yet, is not unhealthy.
        let old_enough = member.in_service_ms.is_some_and(|since| since + grace_ms <= now.ms);
        if trusts && member.registered && old_enough && seen.state == State::Running {
            let id = now.ec2.id_of(ordinal);
            if self.target_groups.keys().any(|arn| elbv2.is_unhealthy(arn, &id, now.ec2, now.ms)) {
                member.health = HealthStatus::Unhealthy;
            }
        }
    }

    /// The group notices that a member's instance has ended.
    pub(super) fn ended(&mut self, ordinal: u32, now: &mut Now<'_>) {
        if !self.does(Process::HealthCheck) {
            if let Some(member) = self.members.get_mut(&ordinal) {
                member.noticed = false;
            }
            return;
        }
        let Some(member) = self.members.get_mut(&ordinal) else { return };
        match member.stage() {
            Stage::Coming | Stage::InService | Stage::Warm => {
                member.health = HealthStatus::Unhealthy;
                self.replace(now);
            }
            Stage::Retained => {
                self.remove(ordinal, now);
            }
            Stage::Aside | Stage::Leaving | Stage::LeavingWarm => {}
        }
    }

    /// Replaces the unhealthy: those that have ended or that somebody called unhealthy at once, the
    /// others a few at a time.
    pub(super) fn replace(&mut self, now: &mut Now<'_>) {
        if !self.does(Process::ReplaceUnhealthy) || !self.does(Process::Terminate) {
            return;
        }
        let unhealthy = |m: &&Member| {
            let here = matches!(m.stage(), Stage::Coming | Stage::InService | Stage::Warm);
            here && m.health == HealthStatus::Unhealthy
        };
        let mut now_or_later: Vec<(u32, Leaves)> = Vec::new();
        for member in self.members.values().filter(unhealthy) {
            let live = now.ec2.seen(member.ordinal, now.ms).is_some_and(|s| s.state.is_live());
            let why = match (live, member.marked_by_user) {
                (false, _) => Leaves::NotRunning,
                (true, true) => Leaves::UserHealth,
                (true, false) => Leaves::LoadBalancerHealth,
            };
            now_or_later.push((member.ordinal, why));
        }
        let mut few = self.may_replace(now);
        for (ordinal, why) in now_or_later {
            if why == Leaves::LoadBalancerHealth {
                if few == 0 {
                    continue;
                }
                few -= 1;
            }
            self.leave(ordinal, why, now);
        }
    }

    /// How many more that run may be replaced now: 10 % of the desired capacity at a time, at least
    /// one, and none while too few serve.
    fn may_replace(&self, now: &Now<'_>) -> u32 {
        let desired = f64::from(self.desired);
        let share = (desired * now.books.set().replaced_at_once / 100.0).floor();
        // At most the desired capacity, which is a u32.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let at_once = (share as u32).max(1);
        let leaving = self.members.values().filter(|m| m.leaves == Some(Leaves::LoadBalancerHealth));
        let under_way = u32::try_from(leaving.count()).unwrap_or(u32::MAX);
        let enough = f64::from(self.tally.in_service) > desired * SERVING_SHARE / 100.0 || under_way == 0;
        if enough { at_once.saturating_sub(under_way) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::ec2::testing::{Ask, terminate as end};
    use super::super::super::elbv2::testing::behind_a_balancer;
    use super::super::call::Call;
    use super::super::testing::*;
    use super::*;

    fn suspend(process: Process) -> Call {
        Call::SuspendProcesses { group: WEB.into(), processes: vec![process] }
    }

    #[test]
    fn an_instance_that_was_ended_is_noticed_a_minute_or_two_later_and_replaced() {
        let mut model = serving(0, 3, 3);
        let ids = in_service(&mut model, 60_000);
        model.ask(&end(&ids[..2]), 60_000);
        assert_eq!(in_service(&mut model, 119_999).len(), 3, "as far as the group knows");
        let group1 = group(&mut model, 240_000);
        assert_eq!((group1.tally.in_service, group1.tally.all()), (3, 3));
        assert_eq!(model.ledger(240_000).instances.len(), 5);
        let all = activities(&mut model, 240_000);
        assert!(all.iter().any(|a| a.cause.contains("EC2 health check")), "{all:?}");
    }

    #[test]
    fn nobody_looks_while_health_checks_are_suspended_nor_at_those_in_standby() {
        let mut model = serving(0, 3, 3);
        let ids = in_service(&mut model, 60_000);
        model.done(Call::EnterStandby { members: members(&ids[..1]), decrement: true }, 60_000);
        model.ask(&end(&ids[..1]), 62_000);
        assert_eq!(group(&mut model, 600_000).tally.aside, 1);
        model.done(suspend(Process::HealthCheck), 600_000);
        model.ask(&end(&ids[1..2]), 600_000);
        assert_eq!(in_service(&mut model, 1_200_000).len(), 2);
        model.done(Call::ResumeProcesses { group: WEB.into(), processes: vec![] }, 1_200_000);
        assert_eq!(group(&mut model, 1_500_000).members.len(), 3);
        assert_eq!(model.ledger(1_500_000).instances.len(), 4);
    }

    #[test]
    fn replacing_launches_nothing_while_launching_is_suspended_and_nothing_without_terminating() {
        let mut model = serving(0, 3, 3);
        let ids = in_service(&mut model, 60_000);
        model.done(suspend(Process::Launch), 60_000);
        model.ask(&end(&ids[..1]), 60_000);
        assert_eq!(group(&mut model, 300_000).tally.all(), 2);
        model.done(suspend(Process::Terminate), 300_000);
        model.ask(&end(&ids[1..2]), 300_000);
        assert_eq!(group(&mut model, 600_000).tally.all(), 2);
    }

    #[test]
    fn what_the_load_balancer_calls_unhealthy_is_replaced_ten_percent_at_a_time() {
        let mut call = create(0, 40, 30);
        call.shape.health_check_type = Some("ELB".into());
        call.shape.health_check_grace_period = Some(100);
        let mut model = model(|_| {});
        call.target_groups = vec![behind_a_balancer(&mut model)];
        model.done(Call::CreateAutoScalingGroup(Box::new(call)), 0);
        // Nobody configures the agents, so none of them serves.
        let mut most = 0;
        for now in (60_000..400_000).step_by(1_000) {
            let tally = group(&mut model, now).tally;
            most = most.max(tally.leaving);
            assert!(now > 111_000 || tally.leaving == 0, "within the grace period");
        }
        assert_eq!(most, 3);
    }

    #[test]
    fn a_group_that_trusts_only_ec2_keeps_them() {
        let mut call = create(0, 40, 30);
        let mut model = model(|_| {});
        call.target_groups = vec![behind_a_balancer(&mut model)];
        model.done(Call::CreateAutoScalingGroup(Box::new(call)), 0);
        group(&mut model, 600_000);
        assert_eq!(model.ledger(600_000).instances.len(), 30);
    }
}
