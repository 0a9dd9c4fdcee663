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

#[cfg(test)]
mod tests {
    use super::super::AutoScaling;
    use super::super::testing::{answer, error, exchanged, sent};
    use crate::decide::words::{Ec2Id, ErrorClass};

    const ACTION: &str = "TerminateInstanceInAutoScalingGroup";

    fn ids() -> [Ec2Id; 2] {
        ["i-01", "i-02"].map(|id| id.parse().unwrap())
    }

    #[tokio::test]
    async fn many_are_named_with_their_group() {
        let form = sent(ACTION, "", async |aws| aws.terminate_members("web", &ids(), false).await).await;
        insta::assert_snapshot!(form, @r"
        AutoScalingGroupName=web
        InstanceIds.member.1=i-01
        InstanceIds.member.2=i-02
        ShouldDecrementDesiredCapacity=false
        ");
    }

    #[tokio::test]
    async fn one_is_named_without_its_group() {
        let form = sent(ACTION, "", async |aws| aws.terminate_member(&ids()[0], true).await).await;
        insta::assert_snapshot!(form, @r"
        InstanceId=i-01
        ShouldDecrementDesiredCapacity=true
        ");
    }

    #[tokio::test]
    async fn none_are_terminated_without_asking() {
        let call =
            async |aws: std::sync::Arc<super::AwsAutoScaling>| aws.terminate_members("web", &[], true).await;
        let (outcome, sent) = exchanged("200 OK", &answer(ACTION, ""), call).await;
        assert_eq!((outcome, sent.len()), (Ok(()), 0));
    }

    #[tokio::test]
    async fn what_is_still_being_launched_is_asked_for_later() {
        let text = error("ScalingActivityInProgress", "The instance i-01 is still being launched.");
        let (outcome, _) =
            exchanged("400 X", &text, async |aws| aws.terminate_members("web", &ids(), true).await).await;
        assert_eq!(outcome.unwrap_err().class, ErrorClass::Contention);
    }
}
