//! `LaunchInstances`: synchronous, with a token (aws-facts 3.5).

use aws_sdk_autoscaling::operation::launch_instances::LaunchInstancesOutput;
use aws_sdk_autoscaling::types::RetryStrategy;

use super::super::failure;
use super::{AwsAutoScaling, GroupLaunch, GroupLaunched, LaunchedInstance, Place, PoolError};
use crate::decide::event::CallError;

/// The status that a refused part is classified by: it was read and not carried out.
const PART_REFUSED: u16 = 400;

/// Nothing in the request depends on anything but the body, so that sending it again is sending the
/// same.
pub(super) async fn launch(aws: &AwsAutoScaling, body: &GroupLaunch) -> Result<GroupLaunched, CallError> {
    let request = aws
        .client
        .launch_instances()
        .auto_scaling_group_name(&body.group)
        .client_token(&body.token)
        .requested_capacity(i32::try_from(body.count).unwrap_or(i32::MAX))
        // A retry of the group's own would raise desired, behind our back and without a token.
        .retry_strategy(RetryStrategy::None);
    let request = match &body.place {
        Some(Place::Zone(zone)) => request.availability_zones(zone),
        Some(Place::Subnet(subnet)) => request.subnet_ids(subnet),
        None => request,
    };
    let answer = aws.calls.make(request.send()).await?;
    let launched = launched(&answer, &body.token).map_err(failure::unreadable)?;
    if launched.instances.is_empty() && launched.errors.is_empty() {
        return Err(failure::unreadable("answered with success, no instance and no error".into()));
    }
    Ok(launched)
}

/// `Err` if an instance has no id that we can keep: it must not be lost because its neighbours could
/// be read.
fn launched(answer: &LaunchInstancesOutput, token: &str) -> Result<GroupLaunched, String> {
    if let Some(other) = answer.client_token().filter(|t| *t != token) {
        return Err(format!("the answer is for the token '{other}'"));
    }
    let mut instances = Vec::new();
    for pool in answer.instances() {
        for id in pool.instance_ids() {
            let (zone, subnet) = (pool.availability_zone.clone(), pool.subnet_id.clone());
            instances.push(LaunchedInstance { id: id.parse()?, zone, subnet });
        }
    }
    let errors = answer.errors().iter().map(|e| PoolError {
        instance_type: e.instance_type.clone(),
        zone: e.availability_zone.clone(),
        subnet: e.subnet_id.clone(),
        error: failure::in_words(
            e.error_code().unwrap_or_default(),
            PART_REFUSED,
            e.error_message().unwrap_or_default(),
        ),
    });
    Ok(GroupLaunched { instances, errors: errors.collect() })
}
