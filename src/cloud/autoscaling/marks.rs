//! What is marked on an instance: `SetInstanceProtection` and `SetInstanceHealth`.

use super::client::texts;
use super::{AwsAutoScaling, HealthStatus};
use crate::decide::event::CallError;
use crate::decide::words::Ec2Id;

pub(super) async fn protect(
    aws: &AwsAutoScaling,
    group: &str,
    ids: &[Ec2Id],
    protected: bool,
) -> Result<(), CallError> {
    if ids.is_empty() {
        return Ok(());
    }
    let request = aws
        .client
        .set_instance_protection()
        .auto_scaling_group_name(group)
        .set_instance_ids(Some(texts(ids)))
        .protected_from_scale_in(protected);
    aws.calls.make(request.send()).await.map(drop)
}

pub(super) async fn health(
    aws: &AwsAutoScaling,
    id: Ec2Id,
    health: HealthStatus,
    respect_grace_period: bool,
) -> Result<(), CallError> {
    let request = aws
        .client
        .set_instance_health()
        .instance_id(id.as_str())
        .health_status(health.as_str())
        .should_respect_grace_period(respect_grace_period);
    aws.calls.make(request.send()).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, exchanged, sent};
    use super::super::{AutoScaling, HealthStatus};
    use crate::decide::words::Ec2Id;

    fn one() -> Ec2Id {
        "i-01".parse().unwrap()
    }

    #[tokio::test]
    async fn protection_is_set_and_taken_away() {
        for (protected, text) in [(true, "true"), (false, "false")] {
            let call = async |aws: std::sync::Arc<super::AwsAutoScaling>| {
                aws.set_instance_protection("web", &[one()], protected).await
            };
            let form = sent("SetInstanceProtection", "", call).await;
            let expected =
                format!("AutoScalingGroupName=web\nInstanceIds.member.1=i-01\nProtectedFromScaleIn={text}");
            assert_eq!(form, expected);
        }
        let text = answer("SetInstanceProtection", "");
        let call = async |aws: std::sync::Arc<super::AwsAutoScaling>| {
            aws.set_instance_protection("web", &[], true).await
        };
        let (outcome, sent) = exchanged("200 OK", &text, call).await;
        assert_eq!((outcome, sent.len()), (Ok(()), 0));
    }

    #[tokio::test]
    async fn health_is_said_with_or_without_grace() {
        let form = sent("SetInstanceHealth", "", async |aws| {
            aws.set_instance_health(&one(), HealthStatus::Unhealthy, false).await
        })
        .await;
        insta::assert_snapshot!(form, @r"
        HealthStatus=Unhealthy
        InstanceId=i-01
        ShouldRespectGracePeriod=false
        ");
    }
}
