//! `EnterStandby`, `ExitStandby` and `DetachInstances`.

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

pub(super) async fn detach(
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
        .detach_instances()
        .auto_scaling_group_name(group)
        .set_instance_ids(Some(texts(ids)))
        .should_decrement_desired_capacity(decrement);
    aws.calls.make(request.send()).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::AutoScaling;
    use super::super::testing::{answer, exchanged, sent};
    use crate::decide::words::Ec2Id;

    fn ids() -> [Ec2Id; 2] {
        ["i-01", "i-02"].map(|id| id.parse().unwrap())
    }

    #[tokio::test]
    async fn into_standby_with_or_without_a_replacement() {
        let form = sent("EnterStandby", "", async |aws| aws.enter_standby("web", &ids(), true).await).await;
        insta::assert_snapshot!(form, @r"
        AutoScalingGroupName=web
        InstanceIds.member.1=i-01
        InstanceIds.member.2=i-02
        ShouldDecrementDesiredCapacity=true
        ");
    }

    #[tokio::test]
    async fn and_back() {
        let form = sent("ExitStandby", "", async |aws| aws.exit_standby("web", &ids()[..1]).await).await;
        insta::assert_snapshot!(form, @r"
        AutoScalingGroupName=web
        InstanceIds.member.1=i-01
        ");
    }

    #[tokio::test]
    async fn out_of_the_group() {
        let form =
            sent("DetachInstances", "", async |aws| aws.detach_instances("web", &ids()[..1], false).await)
                .await;
        insta::assert_snapshot!(form, @r"
        AutoScalingGroupName=web
        InstanceIds.member.1=i-01
        ShouldDecrementDesiredCapacity=false
        ");
    }

    #[tokio::test]
    async fn nobody_is_moved_without_asking() {
        let text = answer("EnterStandby", "");
        let (outcome, sent) = exchanged("200 OK", &text, async |aws| {
            aws.enter_standby("web", &[], true).await?;
            aws.detach_instances("web", &[], true).await?;
            aws.exit_standby("web", &[]).await
        })
        .await;
        assert_eq!((outcome, sent.len()), (Ok(()), 0));
    }
}
