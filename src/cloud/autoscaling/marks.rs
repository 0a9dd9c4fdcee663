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
