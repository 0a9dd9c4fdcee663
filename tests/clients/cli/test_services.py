"""The other services by the AWS CLI: one or two commands each, since each takes most of a second."""

import json

import pytest

import sqs_calls
from autoscaling_calls import create, members, start_groups, wait_for_members


@pytest.fixture(scope="module")
def groups(start):
    return start_groups(start)


@pytest.fixture(scope="module")
def sim(start):
    return start("services.toml")


def test_groups_are_made_and_described(groups, aws):
    said = aws(
        "autoscaling", "create-auto-scaling-group", "--auto-scaling-group-name", "by-cli",
        "--launch-template", "LaunchTemplateName=a-template,Version=$Latest",
        "--min-size", "0", "--max-size", "3", "--desired-capacity", "1",
        "--vpc-zone-identifier", "subnet-0000000000000000a",
        "--tags", "Key=team,Value=web,PropagateAtLaunch=true", on=groups,
    )  # fmt: skip
    assert (said.code, said.out) == (0, ""), said
    ids = wait_for_members(groups.client("autoscaling"), "by-cli", 1)
    names = ("--auto-scaling-group-names", "by-cli")
    [group] = aws("autoscaling", "describe-auto-scaling-groups", *names, on=groups).json["AutoScalingGroups"]
    assert [i["InstanceId"] for i in group["Instances"]] == ids
    assert (group["MaxSize"], group["Tags"][0]["Value"]) == (3, "web")


def test_what_a_group_refuses_is_an_error(groups, aws):
    name = create(groups.client("autoscaling"), most=1)
    said = aws(
        "autoscaling",
        "set-desired-capacity",
        "--auto-scaling-group-name",
        name,
        "--desired-capacity",
        "2",
        on=groups,
    )
    assert said.refused("ValidationError", "SetDesiredCapacity"), said
    assert "New SetDesiredCapacity value 2 is above max value 1" in said.err


def test_a_member_is_terminated(groups, aws):
    autoscaling = groups.client("autoscaling")
    name = create(autoscaling, 1)
    [one] = members(autoscaling, name)
    command = ("autoscaling", "terminate-instance-in-auto-scaling-group", "--instance-id", one)
    said = aws(*command, "--should-decrement-desired-capacity", on=groups).json
    assert one in said["Activity"]["Description"]
    wait_for_members(autoscaling, name, 0)


def test_a_message_is_sent_and_received(sim, aws):
    queue = sqs_calls.create(sim.client("sqs"))
    sent = aws("sqs", "send-message", "--queue-url", queue, "--message-body", "é 'a' {}").json
    got = aws("sqs", "receive-message", "--queue-url", queue, "--wait-time-seconds", "5").json
    assert [(m["MessageId"], m["Body"]) for m in got["Messages"]] == [(sent["MessageId"], "é 'a' {}")]


def test_an_unknown_queue_is_an_error(aws):
    said = aws("sqs", "get-queue-url", "--queue-name", "nobody")
    assert said.refused("AWS.SimpleQueueService.NonExistentQueue", "GetQueueUrl"), said


def test_a_topic_is_published_to(sim, aws):
    sns, sqs = sim.client("sns"), sim.client("sqs")
    topic, queue = sns.create_topic(Name="by-cli")["TopicArn"], sqs_calls.create(sqs)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=sqs_calls.arn_of(sqs, queue))
    sent = aws("sns", "publish", "--topic-arn", topic, "--message", "hello").json
    [message] = sqs_calls.receive_all(sqs, queue, 1)
    assert json.loads(message["Body"])["MessageId"] == sent["MessageId"]


def test_an_event_is_put(aws):
    entry = {"Source": "a", "DetailType": "b", "Detail": "{}"}
    said = aws("events", "put-events", "--entries", json.dumps([entry])).json
    assert said["FailedEntryCount"] == 0 and said["Entries"][0]["EventId"]


def test_a_metric_is_put_and_listed(aws):
    put = (
        "cloudwatch",
        "put-metric-data",
        "--namespace",
        "Checks/Cli",
        "--metric-name",
        "Load",
        "--value",
        "3",
    )
    assert aws(*put, "--dimensions", "Zone=a").code == 0
    [metric] = aws("cloudwatch", "list-metrics", "--namespace", "Checks/Cli").json["Metrics"]
    assert metric["Dimensions"] == [{"Name": "Zone", "Value": "a"}]


def test_a_quota_is_told(aws):
    command = ("service-quotas", "get-aws-default-service-quota", "--service-code", "ec2")
    assert aws(*command, "--quota-code", "L-1216C47A").json["Quota"]["Value"] == 5


def test_a_case_is_opened(aws):
    command = ("support", "create-case", "--subject", "TEST CASE-Please ignore", "--communication-body", "x")
    assert aws(*command).json["caseId"].startswith("case-")


def test_target_groups_are_listed(aws):
    assert aws("elbv2", "describe-target-groups").json["TargetGroups"] == []
