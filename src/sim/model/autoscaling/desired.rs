//! `SetDesiredCapacity`, and what a scaling policy does when its alarm sounds.

use super::super::ec2::Ec2;
use super::AutoScaling;
use super::call::{Action, Answer};
use super::error::{ApiError, Code};
use super::group::Group;
use super::words::Process;

/// What an alarm asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjustment {
    /// `ExactCapacity`
    To(i64),
    /// `ChangeInCapacity`
    By(i64),
}

impl AutoScaling {
    pub(super) fn set_desired(
        &mut self,
        name: &str,
        desired: i64,
        honor_cooldown: bool,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (group, mut now) = self.at(name, ec2, now_ms)?;
        let desired = within(group, desired)?;
        let cooldown_ms = i64::from(group.config.default_cooldown) * 1_000;
        if honor_cooldown && group.scaled_ms.is_some_and(|at| now_ms < at + cooldown_ms) {
            return Err(ApiError::new(
                Code::ScalingActivityInProgress,
                format!(
                    "The group {name} is in its cooldown period of {} s after a scaling activity; the request can be \
                     repeated later or made without honoring the cooldown.",
                    group.config.default_cooldown
                ),
            ));
        }
        group.desired = desired;
        group.plan_scale_soon(&mut now);
        Ok(Answer::Done(Action::SetDesiredCapacity))
    }

    /// A scaling policy acts on an alarm: between the group's bounds, whatever it asks for, and not
    /// while `AlarmNotification` is suspended. The desired capacity afterwards.
    ///
    /// # Errors
    /// If there is no such group.
    pub(in super::super) fn alarm(
        &mut self,
        name: &str,
        adjustment: Adjustment,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<u32, ApiError> {
        let (group, mut now) = self.at(name, ec2, now_ms)?;
        if !group.does(Process::AlarmNotification) {
            return Ok(group.desired);
        }
        let asked = match adjustment {
            Adjustment::To(desired) => desired,
            Adjustment::By(change) => i64::from(group.desired).saturating_add(change),
        };
        let bounded = asked.clamp(group.min.into(), group.max.into());
        group.desired = u32::try_from(bounded).unwrap_or(group.desired);
        group.plan_scale_soon(&mut now);
        Ok(group.desired)
    }
}

/// A desired capacity between the group's bounds (aws-facts 3.3).
///
/// # Errors
/// `ValidationError` in AWS's own sentences.
pub(super) fn within(group: &Group, desired: i64) -> Result<u32, ApiError> {
    if desired > i64::from(group.max) {
        return Err(ApiError::invalid(format!(
            "New SetDesiredCapacity value {desired} is above max value {} for the AutoScalingGroup.",
            group.max
        )));
    }
    match u32::try_from(desired) {
        Ok(desired) if desired >= group.min => Ok(desired),
        Ok(_) | Err(_) => Err(ApiError::invalid(format!(
            "New SetDesiredCapacity value {desired} is below min value {} for the AutoScalingGroup.",
            group.min
        ))),
    }
}
