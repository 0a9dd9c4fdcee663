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
