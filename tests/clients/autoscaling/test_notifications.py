"""What a group tells others of its hooks: to SQS, SNS and EventBridge (aws-facts 3.6)."""

import json
import re

import pytest

import simulator
from autoscaling_calls import create, wait_for_members
from expect import UUID

ROLE = "arn:aws:iam::000000000000:role/hooks"
# 2023-09-11T03:30:33.136Z
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


class Queue:
    """A queue that hooks and topics write to."""

    def __init__(self, sim, name):
        self.sqs = sim.client("sqs")
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])[
            "Attributes"
        ]
        self.arn = attributes["QueueArn"]

    def bodies(self, count):
        """Waits until so many messages came; their bodies."""
        got = []

        def reached():
            answer = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
            got.extend(json.loads(m["Body"]) for m in answer.get("Messages", []))
            return len(got) >= count

        simulator.wait_for(f"{count} messages", reached)
        return got


@pytest.fixture
def queue(sim, request):
    return Queue(sim, re.sub(r"\W", "-", request.node.name))


def put(autoscaling, name, target=None, **parameters):
    target = {"NotificationTargetARN": target, "RoleARN": ROLE} if target else {}
    autoscaling.put_lifecycle_hook(
        **{
            "AutoScalingGroupName": name,
            "LifecycleHookName": "hook",
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
            "HeartbeatTimeout": 7_200,
            **target,
            **parameters,
        }
    )


def grow(autoscaling, name, count):
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=count)


def action(bodies):
    [found] = [body for body in bodies if "LifecycleActionToken" in body]
    return found


def test_a_new_hook_sends_a_test_message(autoscaling, queue):
    name = create(autoscaling)
    put(autoscaling, name, queue.arn)
    [body] = queue.bodies(1)
    assert body.keys() == {
        "AccountId", "RequestId", "AutoScalingGroupARN", "AutoScalingGroupName", "Service", "Event", "Time"
    }  # fmt: skip
    assert (body["Event"], body["Service"]) == ("autoscaling:TEST_NOTIFICATION", "AWS Auto Scaling")
    assert body["AutoScalingGroupName"] == name
    assert body["AutoScalingGroupARN"].endswith(f":autoScalingGroupName/{name}")
    assert re.fullmatch(TIME, body["Time"]) and re.fullmatch(UUID, body["RequestId"])


def test_a_launch_is_told_in_these_words(autoscaling, queue):
    name = create(autoscaling)
    put(autoscaling, name, queue.arn, NotificationMetadata="for the desk")
    grow(autoscaling, name, 1)
    body = action(queue.bodies(2))
    assert body.keys() == {
        "Origin", "LifecycleHookName", "Destination", "AccountId", "RequestId", "LifecycleTransition",
        "AutoScalingGroupName", "Service", "Time", "EC2InstanceId", "LifecycleActionToken", "NotificationMetadata",
    }  # fmt: skip
    assert (body["Origin"], body["Destination"]) == ("EC2", "AutoScalingGroup")
    assert body["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_LAUNCHING"
    assert (body["AutoScalingGroupName"], body["LifecycleHookName"]) == (name, "hook")
    assert (body["Service"], body["NotificationMetadata"]) == ("AWS Auto Scaling", "for the desk")
    assert re.fullmatch("i-[0-9a-f]{17}", body["EC2InstanceId"])
    assert re.fullmatch(TIME, body["Time"])
    assert re.fullmatch(r"\d{12}", body["AccountId"])


def test_metadata_is_left_out_if_there_is_none(autoscaling, queue):
    name = create(autoscaling)
    put(autoscaling, name, queue.arn)
    grow(autoscaling, name, 1)
    assert "NotificationMetadata" not in action(queue.bodies(2))


def test_the_token_of_the_message_completes_the_action(autoscaling, queue):
    name = create(autoscaling)
    put(autoscaling, name, queue.arn)
    grow(autoscaling, name, 1)
    body = action(queue.bodies(2))
    assert re.fullmatch(UUID, body["LifecycleActionToken"])
    autoscaling.complete_lifecycle_action(
        AutoScalingGroupName=name,
        LifecycleHookName="hook",
        LifecycleActionToken=body["LifecycleActionToken"],
        LifecycleActionResult="CONTINUE",
    )
    assert wait_for_members(autoscaling, name, 1) == [body["EC2InstanceId"]]


def test_each_instance_has_its_own_token(autoscaling, queue):
    name = create(autoscaling)
    put(autoscaling, name, queue.arn)
    grow(autoscaling, name, 4)
    actions = [body for body in queue.bodies(5) if "LifecycleActionToken" in body]
    assert len({body["LifecycleActionToken"] for body in actions}) == 4
    assert len({body["EC2InstanceId"] for body in actions}) == 4


def test_an_end_is_told_too(autoscaling, queue):
    name = create(autoscaling, 1)
    put(autoscaling, name, queue.arn, LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING")
    grow(autoscaling, name, 0)
    body = action(queue.bodies(2))
    assert body["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_TERMINATING"
    assert (body["Origin"], body["Destination"]) == ("AutoScalingGroup", "EC2")


def test_a_topic_passes_it_on_as_json(sim, autoscaling, queue):
    sns = sim.client("sns")
    topic = sns.create_topic(Name=queue.url.rpartition("/")[2])["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    name = create(autoscaling)
    put(autoscaling, name, topic)
    grow(autoscaling, name, 1)
    inside = [json.loads(body["Message"]) for body in queue.bodies(2)]
    assert action(inside)["AutoScalingGroupName"] == name


def rule(sim, queue, **pattern):
    """Sends the bus's events of this pattern to the queue."""
    events, name = sim.client("events"), queue.url.rpartition("/")[2]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.autoscaling"], **pattern}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": queue.arn}])


def test_the_bus_hears_of_an_action_without_a_target(sim, autoscaling, queue):
    name = create(autoscaling)
    rule(
        sim,
        queue,
        **{
            "detail-type": ["EC2 Instance-launch Lifecycle Action"],
            "detail": {"AutoScalingGroupName": [name]},
        },
    )
    put(autoscaling, name, NotificationMetadata="for the desk")
    grow(autoscaling, name, 1)
    [event] = queue.bodies(1)
    assert (event["source"], event["detail-type"]) == (
        "aws.autoscaling",
        "EC2 Instance-launch Lifecycle Action",
    )
    assert event["resources"][0].endswith(f":autoScalingGroupName/{name}")
    detail = event["detail"]
    assert detail.keys() == {
        "LifecycleActionToken", "AutoScalingGroupName", "LifecycleHookName", "EC2InstanceId",
        "LifecycleTransition", "NotificationMetadata", "Origin", "Destination",
    }  # fmt: skip
    autoscaling.complete_lifecycle_action(
        AutoScalingGroupName=name,
        LifecycleHookName="hook",
        LifecycleActionToken=detail["LifecycleActionToken"],
        LifecycleActionResult="CONTINUE",
    )
    assert wait_for_members(autoscaling, name, 1) == [detail["EC2InstanceId"]]


def test_the_bus_hears_of_launches_and_ends(sim, autoscaling, queue):
    name = create(autoscaling)
    rule(sim, queue, **{"detail": {"AutoScalingGroupName": [name]}})
    grow(autoscaling, name, 1)
    [one] = wait_for_members(autoscaling, name, 1)
    grow(autoscaling, name, 0)
    events = queue.bodies(2)
    assert {e["detail-type"] for e in events} == {
        "EC2 Instance Launch Successful",
        "EC2 Instance Terminate Successful",
    }
    assert {e["detail"]["EC2InstanceId"] for e in events} == {one}
    for event in events:
        expected = {
            "StatusCode",
            "Description",
            "ActivityId",
            "Details",
            "RequestId",
            "StartTime",
            "EndTime",
            "Cause",
        }
        assert expected <= event["detail"].keys()
