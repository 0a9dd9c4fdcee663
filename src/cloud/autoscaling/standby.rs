//! `EnterStandby` and `ExitStandby`.

use super::AwsAutoScaling;
use super::client::texts;
use crate::decide::event::CallError;
use crate::decide::words::Ec2Id;

pub(super) async fn enter(
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
        .enter_standby()
        .auto_scaling_group_name(group)
        .set_instance_ids(Some(texts(ids)))
        .should_decrement_desired_capacity(decrement);
    aws.calls.make(request.send()).await.map(drop)
}

pub(super) async fn exit(aws: &AwsAutoScaling, group: &str, ids: &[Ec2Id]) -> Result<(), CallError> {
    if ids.is_empty() {
        return Ok(());
    }
    let request = aws.client.exit_standby().auto_scaling_group_name(group).set_instance_ids(Some(texts(ids)));
    aws.calls.make(request.send()).await.map(drop)
}
