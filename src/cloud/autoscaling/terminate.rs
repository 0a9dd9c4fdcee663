//! `TerminateInstanceInAutoScalingGroup`, in both its forms.

use super::AwsAutoScaling;
use super::client::texts;
use crate::decide::event::CallError;
use crate::decide::words::Ec2Id;

/// The form with many ids: if one of them cannot be terminated, none is.
pub(super) async fn members(
    aws: &AwsAutoScaling,
    group: &str,
    ids: &[Ec2Id],
    decrement: bool,
) -> Result<(), CallError> {
    if ids.is_empty() {
        return Ok(());
    }
    let request = aws
        .client
        .terminate_instance_in_auto_scaling_group()
        .auto_scaling_group_name(group)
        .set_instance_ids(Some(texts(ids)))
        .should_decrement_desired_capacity(decrement);
    aws.calls.make(request.send()).await.map(drop)
}

/// The form with one id, which names no group. Older servers know only this one.
pub(super) async fn member(aws: &AwsAutoScaling, id: Ec2Id, decrement: bool) -> Result<(), CallError> {
    let request = aws
        .client
        .terminate_instance_in_auto_scaling_group()
        .instance_id(id.as_str())
        .should_decrement_desired_capacity(decrement);
    aws.calls.make(request.send()).await.map(drop)
}
