//! `SetInstanceProtection`, `SetInstanceHealth`, `SuspendProcesses`, `ResumeProcesses`.

use super::super::ec2::Ec2;
use super::AutoScaling;
use super::call::{Action, Answer, Members};
use super::error::ApiError;
use super::membership::check_ids;
use super::words::{HealthStatus, Process, Stage};

/// Most ids of one `SetInstanceProtection` (aws-facts 3.1).
const IDS_MAX: usize = 50;

impl AutoScaling {
    pub(super) fn protect(
        &mut self,
        call: &Members,
        protected: bool,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        check_ids(&call.ids, IDS_MAX)?;
        let (group, now) = self.at(&call.group, ec2, now_ms)?;
        let stages = [Stage::InService, Stage::Aside];
        let expected = "InService or EnteringStandby or Standby";
        let ordinals = call.ids.iter().map(|id| group.member_in(id, &stages, expected, &now));
        for ordinal in ordinals.collect::<Result<Vec<_>, _>>()? {
            if let Some(member) = group.members.get_mut(&ordinal) {
                member.protected = protected;
            }
        }
        Ok(Answer::Done(Action::SetInstanceProtection))
    }

    pub(super) fn set_health(
        &mut self,
        id: &str,
        status: HealthStatus,
        respects_grace: bool,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let home = ec2.ordinal_of(id).and_then(|o| self.books.homes.get_key_value(&o));
        let Some((ordinal, name)) = home.map(|(o, name)| (*o, name.to_string())) else {
            return Err(ApiError::no_instance(id));
        };
        let (group, mut now) = self.at(&name, ec2, now_ms)?;
        let grace_ms = i64::from(group.config.health_check_grace_period) * 1_000;
        let Some(member) = group.members.get_mut(&ordinal) else { return Err(ApiError::no_instance(id)) };
        let in_grace = member.in_service_ms.is_none_or(|since| now_ms < since + grace_ms) && grace_ms > 0;
        match status {
            HealthStatus::Healthy => (member.health, member.marked_by_user) = (status, false),
            HealthStatus::Unhealthy if respects_grace && in_grace => {}
            HealthStatus::Unhealthy => {
                (member.health, member.marked_by_user) = (status, true);
                group.replace(&mut now);
            }
        }
        Ok(Answer::Done(Action::SetInstanceHealth))
    }

    /// No process means all of them.
    pub(super) fn suspend(
        &mut self,
        name: &str,
        processes: &[Process],
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (group, _) = self.at(name, ec2, now_ms)?;
        group.suspended.extend(or_all(processes));
        Ok(Answer::Done(Action::SuspendProcesses))
    }

    /// What was left undone meanwhile is done now: ending first, then launching (aws-facts 3.7).
    pub(super) fn resume(
        &mut self,
        name: &str,
        processes: &[Process],
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (group, mut now) = self.at(name, ec2, now_ms)?;
        for process in or_all(processes) {
            group.suspended.remove(process);
        }
        group.replace(&mut now);
        group.plan_scale_soon(&mut now);
        Ok(Answer::Done(Action::ResumeProcesses))
    }
}

fn or_all(processes: &[Process]) -> &[Process] {
    if processes.is_empty() { Process::ALL } else { processes }
}

#[cfg(test)]
mod tests {
    use super::super::call::{Call, Shape};
    use super::super::testing::*;
    use super::super::words::LifecycleState as State;
    use super::*;

    fn health(id: &str, status: HealthStatus, respect_grace_period: bool) -> Call {
        Call::SetInstanceHealth { id: id.into(), status, respect_grace_period }
    }

    #[test]
    fn an_unhealthy_one_is_replaced_at_once() {
        let mut model = serving(0, 3, 3);
        let ids = in_service(&mut model, 60_000);
        model.done(health(&ids[0], HealthStatus::Unhealthy, true), 60_000);
        assert_eq!(ids_in(&mut model, State::Terminating, 60_000), ids[..1]);
        assert_eq!(in_service(&mut model, 120_000).len(), 3);
        assert!(activities(&mut model, 60_000).iter().any(|a| a.cause.contains("user health-check")));
        assert!(
            model
                .refused(health("i-0123456789abcdef0", HealthStatus::Healthy, true), 0)
                .1
                .contains("not found")
        );
    }

    #[test]
    fn the_grace_period_is_respected_by_those_who_want_to() {
        let mut model = serving(0, 3, 1);
        let grace = Shape { health_check_grace_period: Some(100), ..Shape::default() };
        model.done(Call::UpdateAutoScalingGroup { group: WEB.into(), shape: Box::new(grace) }, 60_000);
        let ids = in_service(&mut model, 60_000);
        model.done(health(&ids[0], HealthStatus::Unhealthy, true), 60_000);
        assert_eq!(in_service(&mut model, 60_000), ids);
        model.done(health(&ids[0], HealthStatus::Unhealthy, false), 60_000);
        assert!(in_service(&mut model, 60_000).is_empty());
    }

    #[test]
    fn a_mark_waits_while_replacing_is_suspended_and_can_be_taken_back() {
        let mut model = serving(0, 3, 2);
        let ids = in_service(&mut model, 60_000);
        let processes = vec![Process::ReplaceUnhealthy];
        model.done(Call::SuspendProcesses { group: WEB.into(), processes: processes.clone() }, 60_000);
        for id in &ids {
            model.done(health(id, HealthStatus::Unhealthy, true), 60_000);
        }
        model.done(health(&ids[0], HealthStatus::Healthy, true), 60_000);
        assert_eq!(in_service(&mut model, 120_000), ids);
        model.done(Call::ResumeProcesses { group: WEB.into(), processes }, 120_000);
        assert_eq!(ids_in(&mut model, State::Terminating, 120_000), ids[1..]);
    }

    #[test]
    fn fifty_can_be_protected_at_a_time_and_only_those_that_serve_or_stand_by() {
        let mut model = serving(0, 60, 51);
        let ids = in_service(&mut model, 60_000);
        let protect = |ids: &[String]| Call::SetInstanceProtection { members: members(ids), protected: true };
        assert!(model.refused(protect(&ids), 60_000).1.contains("limit of 50"));
        model.done(protect(&ids[..50]), 60_000);
        assert_eq!(group(&mut model, 60_000).members.iter().filter(|m| m.protected).count(), 50);
        model.done(terminate(&ids[..1], false), 60_000);
        assert!(model.refused(protect(&ids[..1]), 60_000).1.contains("is not in InService or"));
    }

    #[test]
    fn no_process_means_all_of_them() {
        let mut model = serving(0, 3, 1);
        model.done(Call::SuspendProcesses { group: WEB.into(), processes: vec![] }, 60_000);
        assert_eq!(group(&mut model, 60_000).suspended, Process::ALL);
        let processes = vec![Process::Launch];
        model.done(Call::ResumeProcesses { group: WEB.into(), processes }, 60_000);
        assert!(!group(&mut model, 60_000).suspended.contains(&Process::Launch));
        model.done(Call::ResumeProcesses { group: WEB.into(), processes: vec![] }, 60_000);
        assert!(group(&mut model, 60_000).suspended.is_empty());
    }

    #[test]
    fn one_that_joins_while_load_balancers_are_suspended_is_never_registered() {
        let mut model = serving(0, 3, 1);
        let processes = vec![Process::AddToLoadBalancer];
        model.done(Call::SuspendProcesses { group: WEB.into(), processes: processes.clone() }, 60_000);
        model.done(set_desired(2), 60_000);
        group(&mut model, 120_000);
        model.done(Call::ResumeProcesses { group: WEB.into(), processes }, 120_000);
        let registered: Vec<bool> = group(&mut model, 180_000).members.iter().map(|m| m.registered).collect();
        assert_eq!(registered, [true, false]);
    }
}
