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

#[cfg(test)]
mod tests {
    use super::super::call::{Call, PutHook};
    use super::super::testing::*;
    use super::*;

    #[test]
    fn the_bounds_are_said_as_aws_says_them() {
        let mut model = serving(2, 4, 2);
        assert_eq!(
            model.refused(set_desired(5), 60_000),
            (
                "ValidationError",
                "New SetDesiredCapacity value 5 is above max value 4 for the AutoScalingGroup.".into()
            )
        );
        for below in [1, -1] {
            let (code, message) = model.refused(set_desired(below), 60_000);
            assert_eq!(code, "ValidationError");
            assert!(message.contains("is below min value 2"), "{message}");
        }
        assert!(is_done(&model.done(set_desired(4), 60_000), Action::SetDesiredCapacity));
        assert_eq!(in_service(&mut model, 120_000).len(), 4);
    }

    #[test]
    fn an_unknown_group_is_named() {
        let mut model = model(|_| {});
        let (code, message) = model.refused(set_desired(1), 0);
        assert_eq!(
            (code, message.as_str()),
            ("ValidationError", "AutoScalingGroup name not found - AutoScalingGroup web not found")
        );
    }

    #[test]
    fn the_cooldown_holds_for_those_who_honor_it() {
        let mut model = serving(0, 9, 2);
        let call =
            |honor_cooldown| Call::SetDesiredCapacity { group: WEB.into(), desired: 3, honor_cooldown };
        // It scaled at 1 s, and its cooldown is 300 s.
        assert_eq!(model.refused(call(true), 300_999).0, "ScalingActivityInProgress");
        model.done(call(true), 301_000);
        model.done(call(false), 301_000);
    }

    #[test]
    fn an_alarm_stays_between_the_bounds_and_can_be_silenced() {
        let mut model = serving(2, 9, 3);
        let by = |n| Adjustment::By(n);
        assert_eq!(model.alarm(WEB, by(1_200), 60_000), Ok(9));
        assert_eq!(model.alarm(WEB, by(-1_200), 60_000), Ok(2));
        assert_eq!(model.alarm(WEB, Adjustment::To(5), 60_000), Ok(5));
        let processes = vec![Process::AlarmNotification];
        model.done(Call::SuspendProcesses { group: WEB.into(), processes }, 60_000);
        assert_eq!(model.alarm(WEB, by(1), 60_000), Ok(5));
        assert!(model.alarm("nobody", by(1), 60_000).is_err());
    }

    /// The fourth of January: 1,200 at once, into hooks that wait.
    #[test]
    fn an_alarm_of_1200_becomes_1200_waiting_hook_actions() {
        let mut call = create(0, 1_300, 100);
        call.hooks = vec![PutHook { ..hook("up", super::super::words::Transition::Launching) }];
        let mut model = with_group(call);
        model.alarm(WEB, by_1200(), 60_000).unwrap();
        let waiting = open_actions(&mut model, 80_000);
        assert_eq!(waiting.len(), 1_200);
        assert_eq!(group(&mut model, 80_000).most_over_max, 0);
    }

    fn by_1200() -> Adjustment {
        Adjustment::To(1_300)
    }
}
