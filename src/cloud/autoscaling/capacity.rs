//! `SetDesiredCapacity`.

use super::AwsAutoScaling;
use crate::decide::event::CallError;

pub(super) async fn set_desired(aws: &AwsAutoScaling, group: &str, desired: u32) -> Result<(), CallError> {
    let request = aws
        .client
        .set_desired_capacity()
        .auto_scaling_group_name(group)
        .desired_capacity(i32::try_from(desired).unwrap_or(i32::MAX))
        .honor_cooldown(false);
    aws.calls.make(request.send()).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::AutoScaling;
    use super::super::testing::{error, exchanged, sent};
    use crate::decide::words::ErrorClass;

    #[tokio::test]
    async fn desired_is_set_whatever_the_cooldown() {
        let form =
            sent("SetDesiredCapacity", "", async |aws| aws.set_desired_capacity("web", 1_200).await).await;
        insta::assert_snapshot!(form, @r"
        AutoScalingGroupName=web
        DesiredCapacity=1200
        HonorCooldown=false
        ");
    }

    #[tokio::test]
    async fn beyond_the_groups_maximum_is_its_size() {
        let text = error(
            "ValidationError",
            "New SetDesiredCapacity value 2 is above max value 1 for the AutoScalingGroup.",
        );
        let (outcome, sent) =
            exchanged("400 X", &text, async |aws| aws.set_desired_capacity("web", 2).await).await;
        assert_eq!((outcome.unwrap_err().class, sent.len()), (ErrorClass::Size, 1));
    }
}
