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

#[cfg(test)]
mod tests {
    use super::super::AutoScaling;
    use super::super::testing::{answer, error, exchanged};
    use super::*;
    use crate::decide::words::ErrorClass;

    const ACTION: &str = "LaunchInstances";
    const SOME: &str = "<AutoScalingGroupName>web</AutoScalingGroupName><ClientToken>t-1</ClientToken><Instances><member>\
         <InstanceType>m5.large</InstanceType><SubnetId>subnet-a</SubnetId>\
         <AvailabilityZone>us-east-1a</AvailabilityZone><InstanceIds><member>i-01</member><member>i-02</member>\
         </InstanceIds></member></Instances><Errors><member><InstanceType>m5.large</InstanceType>\
         <AvailabilityZone>us-east-1a</AvailabilityZone><ErrorCode>InsufficientInstanceCapacity</ErrorCode>\
         <ErrorMessage>no capacity</ErrorMessage></member></Errors>";

    fn body(place: Option<Place>) -> GroupLaunch {
        GroupLaunch { group: "web".into(), token: "t-1".into(), count: 3, place }
    }

    async fn launched(status: &'static str, text: &str) -> Result<GroupLaunched, CallError> {
        let launch = body(Some(Place::Subnet("subnet-a".into())));
        let (outcome, sent) = exchanged(status, text, async |aws| aws.launch_instances(&launch).await).await;
        assert_eq!(sent.len(), 1, "one call is one request");
        outcome
    }

    #[tokio::test]
    async fn a_launch_sends_the_body_and_nothing_of_its_own() {
        let launch = body(Some(Place::Subnet("subnet-a".into())));
        let (outcome, sent) = exchanged("200 OK", &answer(ACTION, SOME), async |aws| {
            aws.launch_instances(&launch).await?;
            aws.launch_instances(&launch).await
        })
        .await;
        insta::assert_snapshot!(sent[0], @r"
        Action=LaunchInstances
        AutoScalingGroupName=web
        ClientToken=t-1
        RequestedCapacity=3
        RetryStrategy=none
        SubnetIds.member.1=subnet-a
        Version=2011-01-01
        ");
        assert_eq!(sent[1], sent[0], "sent again, it is the same");
        let launched = outcome.unwrap();
        assert_eq!(launched.instances.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["i-01", "i-02"]);
        assert_eq!(launched.instances[0].zone.as_deref(), Some("us-east-1a"));
        assert_eq!(launched.errors[0].error.class, ErrorClass::Capacity);
    }

    #[tokio::test]
    async fn a_zone_is_a_place_too_and_none_is_none() {
        for (place, said) in [
            (Some(Place::Zone("us-east-1b".into())), Some("AvailabilityZones.member.1=us-east-1b")),
            (None, None),
        ] {
            let launch = body(place);
            let (_, sent) =
                exchanged("200 OK", &answer(ACTION, SOME), async |aws| aws.launch_instances(&launch).await)
                    .await;
            let places: Vec<_> = sent[0].lines().filter(|l| l.contains(".member.")).collect();
            assert_eq!(places, said.into_iter().collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn an_answer_that_settles_nothing_is_unknown() {
        let other = SOME.replace("t-1", "t-2");
        let nameless = SOME.replace("<member>i-02</member>", "<member></member>");
        for text in ["", "<Instances/><Errors/>", &other, &nameless] {
            let e = launched("200 OK", &answer(ACTION, text)).await.unwrap_err();
            assert_eq!((e.class, e.code.as_str()), (ErrorClass::Unknown, "unreadable"), "{text}: {e}");
        }
        let whole = answer(ACTION, SOME);
        let cut = &whole[..whole.find("<member>i-02").unwrap()];
        assert_eq!(launched("200 OK", cut).await.unwrap_err().code, "unreadable");
    }

    /// A 500 each, which the SDK left to itself would have sent again twice.
    #[tokio::test]
    async fn its_errors_have_their_classes() {
        for (status, code, class) in [
            ("500 X", "IdempotentCallInProgress", ErrorClass::Unknown),
            ("500 X", "ResourceContention", ErrorClass::Contention),
            ("400 X", "IdempotentParameterMismatch", ErrorClass::TokenMismatch),
            ("400 X", "UnsupportedOperation", ErrorClass::Configuration),
        ] {
            assert_eq!(launched(status, &error(code, "no")).await.unwrap_err().class, class, "{code}");
        }
    }
}
