//! Requests that nobody would send: whatever arrives, the model answers it, and in a document that its
//! clients can read.

use http::request::Parts;

use super::super::model::Model;
use super::super::model::call::{Call, Outcome};
use super::super::settings::{Latency, Settings};
use super::dialect::Dialect;
use super::mutation::{for_seconds, spoiled};
use crate::decide::rng::Rng;

/// One request of each kind: the path, the target of the JSON protocols, and a body.
const REQUESTS: &[(&str, Option<&str>, &str)] = &[
    (
        "/",
        None,
        "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=7&ImageId=ami-12345678&InstanceType=m5.large&SubnetId=subnet-0000000000000000a&ClientToken=t-1&UserData=QQ%3D%3D&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b%20c",
    ),
    (
        "/",
        None,
        "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag%3Aa&Filter.1.Value.1=b*&Filter.2.Name=instance-state-name&Filter.2.Value.1=running&MaxResults=5",
    ),
    (
        "/",
        None,
        "Action=CreateFleet&Version=2016-11-15&Type=instant&LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName=x&LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version=1&LaunchTemplateConfigs.1.Overrides.1.SubnetId=subnet-0000000000000000a&TargetCapacitySpecification.TotalTargetCapacity=3&TargetCapacitySpecification.DefaultTargetCapacityType=on-demand",
    ),
    (
        "/",
        None,
        "Action=CreateLaunchTemplate&Version=2016-11-15&LaunchTemplateName=x&LaunchTemplateData.ImageId=ami-12345678&LaunchTemplateData.InstanceType=m5.large",
    ),
    (
        "/",
        None,
        "Action=CreateAutoScalingGroup&Version=2011-01-01&AutoScalingGroupName=g&MinSize=0&MaxSize=10&DesiredCapacity=2&VPCZoneIdentifier=subnet-0000000000000000a%2Csubnet-0000000000000000b&LaunchTemplate.LaunchTemplateName=x&LifecycleHookSpecificationList.member.1.LifecycleHookName=h&LifecycleHookSpecificationList.member.1.LifecycleTransition=autoscaling%3AEC2_INSTANCE_LAUNCHING",
    ),
    ("/", None, "Action=SetDesiredCapacity&Version=2011-01-01&AutoScalingGroupName=g&DesiredCapacity=5"),
    (
        "/",
        None,
        "Action=CreateTopic&Version=2010-03-31&Name=t&Attributes.entry.1.key=SignatureVersion&Attributes.entry.1.value=2",
    ),
    (
        "/",
        None,
        "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A000000000000%3At&Message=m&Subject=s",
    ),
    ("/000000000000/q", None, "Action=SendMessage&Version=2012-11-05&MessageBody=m&DelaySeconds=1"),
    ("/", Some("AmazonSQS.CreateQueue"), r#"{"QueueName":"q","Attributes":{"VisibilityTimeout":"30"}}"#),
    (
        "/",
        Some("AmazonSQS.SendMessageBatch"),
        r#"{"QueueUrl":"http://127.0.0.1/000000000000/q","Entries":[{"Id":"a","MessageBody":"m"}]}"#,
    ),
    ("/", Some("AWSEvents.PutRule"), r#"{"Name":"r","EventPattern":"{\"source\":[\"aws.autoscaling\"]}"}"#),
    (
        "/",
        None,
        "Action=CreateTargetGroup&Version=2015-12-01&Name=t&Protocol=HTTP&Port=80&VpcId=vpc-1&TargetType=instance",
    ),
    ("/", Some("ServiceQuotasV20190624.ListServiceQuotas"), r#"{"ServiceCode":"ec2","MaxResults":10}"#),
    (
        "/",
        Some("AWSSupport_20130415.CreateCase"),
        r#"{"subject":"s","communicationBody":"b","serviceCode":"x","dryRun":true}"#,
    ),
    (
        "/",
        None,
        "Action=GetMetricStatistics&Version=2010-08-01&Namespace=AWS%2FEC2&MetricName=CPUUtilization&StartTime=2026-01-01T00%3A00%3A00Z&EndTime=2026-01-01T01%3A00%3A00Z&Period=60&Statistics.member.1=Average",
    ),
    (
        "/",
        Some("GraniteServiceVersion20100801.ListMetrics"),
        r#"{"Namespace":"AWS/EC2","Dimensions":[{"Name":"a","Value":"b"}]}"#,
    ),
    (
        "/",
        None,
        "Action=DescribeFleets&Version=2016-11-15&FleetId.1=fleet-1&Filter.1.Name=type&Filter.1.Value.1=instant",
    ),
    ("/", None, "Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-0123456789abcdef0"),
    (
        "/",
        None,
        "Action=CreateTags&Version=2016-11-15&ResourceId.1=i-0123456789abcdef0&Tag.1.Key=a&Tag.1.Value=b",
    ),
    ("/", None, "Action=AllocateAddress&Version=2016-11-15&Domain=vpc"),
    (
        "/",
        None,
        "Action=CreateNatGateway&Version=2016-11-15&SubnetId=subnet-0000000000000000a&ConnectivityType=private&SecondaryPrivateIpAddressCount=2&ClientToken=t",
    ),
    (
        "/",
        None,
        "Action=LaunchInstances&Version=2011-01-01&AutoScalingGroupName=g&RequestedCapacity=3&ClientToken=t&SubnetIds.member.1=subnet-0000000000000000a",
    ),
    (
        "/",
        None,
        "Action=PutLifecycleHook&Version=2011-01-01&AutoScalingGroupName=g&LifecycleHookName=h&LifecycleTransition=autoscaling%3AEC2_INSTANCE_LAUNCHING&HeartbeatTimeout=60",
    ),
    (
        "/",
        None,
        "Action=AttachLoadBalancerTargetGroups&Version=2011-01-01&AutoScalingGroupName=g&TargetGroupARNs.member.1=arn",
    ),
    ("/", None, "Action=PutWarmPool&Version=2011-01-01&AutoScalingGroupName=g&MinSize=1&PoolState=Stopped"),
    (
        "/",
        None,
        "Action=DetachInstances&Version=2011-01-01&AutoScalingGroupName=g&InstanceIds.member.1=i-0123456789abcdef0&ShouldDecrementDesiredCapacity=true",
    ),
    (
        "/",
        None,
        "Action=CreateLoadBalancer&Version=2015-12-01&Name=b&Type=application&Subnets.member.1=subnet-0000000000000000a&Subnets.member.2=subnet-0000000000000000b",
    ),
    (
        "/",
        None,
        "Action=RegisterTargets&Version=2015-12-01&TargetGroupArn=arn&Targets.member.1.Id=i-0123456789abcdef0&Targets.member.1.Port=80",
    ),
    (
        "/",
        None,
        "Action=ModifyCapacityReservation&Version=2015-12-01&LoadBalancerArn=arn&MinimumLoadBalancerCapacity.CapacityUnits=100",
    ),
    (
        "/",
        None,
        "Action=Subscribe&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A000000000000%3At&Protocol=sqs&Endpoint=arn%3Aaws%3Asqs%3Aus-east-1%3A000000000000%3Aq",
    ),
    (
        "/",
        Some("AmazonSQS.ReceiveMessage"),
        r#"{"QueueUrl":"http://127.0.0.1/000000000000/q","MaxNumberOfMessages":10,"WaitTimeSeconds":0}"#,
    ),
    (
        "/",
        Some("AWSEvents.PutEvents"),
        r#"{"Entries":[{"Source":"s","DetailType":"d","Detail":"{\"a\":[1,null]}"}]}"#,
    ),
    (
        "/",
        Some("ServiceQuotasV20190624.RequestServiceQuotaIncrease"),
        r#"{"ServiceCode":"ec2","QuotaCode":"L-1216C47A","DesiredValue":64.0}"#,
    ),
    (
        "/",
        Some("GraniteServiceVersion20100801.GetMetricData"),
        r#"{"MetricDataQueries":[{"Id":"m","MetricStat":{"Metric":{"Namespace":"N","MetricName":"M"},"Period":60,"Stat":"Sum"}}],"StartTime":1700000000,"EndTime":1700000600}"#,
    ),
    (
        "/",
        Some("GraniteServiceVersion20100801.PutMetricData"),
        r#"{"Namespace":"N","MetricData":[{"MetricName":"M","Value":1.5,"Timestamp":1700000000}]}"#,
    ),
    ("/service/GraniteServiceVersion20100801/operation/ListMetrics", None, "\u{bf}\u{ff}"),
];

#[test]
fn whatever_is_asked_is_answered_in_a_document() {
    let settings = Settings { latency: Latency::NONE, ..Settings::instant() };
    let mut model = Model::new(settings, 1).unwrap();
    let bodies: Vec<Vec<u8>> = REQUESTS.iter().map(|(_, _, body)| body.as_bytes().to_vec()).collect();
    let mut now = 0;
    let runs = for_seconds(11, |rng| {
        now += 10;
        let at = usize::try_from(rng.next_u64() % REQUESTS.len() as u64).unwrap();
        let (path, target, _) = REQUESTS[at];
        let body = if rng.next_u64().is_multiple_of(8) { bodies[at].clone() } else { spoiled(&bodies, rng) };
        ask(&mut model, &head(path, target, rng), &body, now);
    });
    assert!(runs > 100, "only {runs} requests");
}

/// A request's head; one in four is another one's.
fn head(path: &str, target: Option<&str>, rng: &mut Rng) -> Parts {
    let other = REQUESTS[usize::try_from(rng.next_u64() % REQUESTS.len() as u64).unwrap()];
    let strange = rng.next_u64().is_multiple_of(4);
    let (path, target) = if strange { (other.0, other.1) } else { (path, target) };
    let mut request = http::Request::builder().method("POST").uri(path);
    if let Some(target) = target {
        request = request.header("x-amz-target", target);
    }
    if path.starts_with("/service/") {
        request = request.header("smithy-protocol", "rpc-v2-cbor");
    }
    request.body(()).unwrap().into_parts().0
}

fn ask(model: &mut Model, head: &Parts, body: &[u8], now: i64) {
    let dialect = Dialect::of(head, body);
    let call: Call = dialect.read(head, body);
    let reply = model.handle(&call, now);
    let document = match &reply.outcome {
        Outcome::Answer(answer) => dialect.answer(answer, &reply.request_id),
        Outcome::Error(failure) => {
            assert!((400..600).contains(&failure.http_status), "{failure:?}");
            assert!(!failure.code.is_empty(), "{failure:?} to {call:?}");
            dialect.error(failure, &reply.request_id)
        }
        Outcome::Lost => panic!("nothing is to be lost here"),
    };
    let document = document.unwrap();
    let kind = dialect.content_type();
    // An operation without an output is answered with nothing; an error never is.
    let nothing = document.is_empty() && matches!(reply.outcome, Outcome::Answer(_));
    if kind.contains("json") && !nothing {
        serde_json::from_slice::<serde_json::Value>(&document)
            .unwrap_or_else(|e| panic!("{e} in an answer to {call:?}"));
    } else if kind.contains("xml") {
        let mut reader = quick_xml::Reader::from_reader(document.as_slice());
        loop {
            match reader.read_event() {
                Ok(quick_xml::events::Event::Eof) => break,
                Ok(_) => {}
                Err(e) => panic!("{e} in an answer to {call:?}"),
            }
        }
    }
}
