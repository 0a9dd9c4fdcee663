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
