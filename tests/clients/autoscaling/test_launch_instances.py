"""LaunchInstances: the synchronous way into a group (aws-facts 3.5)."""

import pytest

from autoscaling_calls import create, group, members, start_groups, wait_for_members
from ec2_calls import A, B, C, token
from expect import refused

pytestmark = pytest.mark.needs("autoscaling.LaunchInstances")


def launch(autoscaling, name, count=1, **parameters):
    return autoscaling.launch_instances(
        **{"AutoScalingGroupName": name, "RequestedCapacity": count, "ClientToken": token(), **parameters}
    )


def ids(answer):
    return [i for part in answer["Instances"] for i in part["InstanceIds"]]


def test_it_answers_with_the_instances(sim, autoscaling):
    name = create(autoscaling, VPCZoneIdentifier=A)
    answer = launch(autoscaling, name, 3, ClientToken="token-1")
    assert (answer["AutoScalingGroupName"], answer["ClientToken"]) == (name, "token-1")
    assert answer.get("Errors", []) == []
    [part] = answer["Instances"]
    assert (part["InstanceType"], part["SubnetId"], part["AvailabilityZone"]) == ("m5.large", A, "us-east-1a")
    assert len(part["InstanceIds"]) == 3
    assert set(part["InstanceIds"]) <= sim.instances().keys()


def test_they_are_members_and_desired_counts_them(autoscaling):
    name = create(autoscaling, 1, VPCZoneIdentifier=A)
    launched = ids(launch(autoscaling, name, 2))
    assert group(autoscaling, name)["DesiredCapacity"] == 3
    assert set(launched) < set(wait_for_members(autoscaling, name, 3))


def test_they_are_pending_at_first(autoscaling):
    name = create(autoscaling, VPCZoneIdentifier=A)
    hook = {"LifecycleHookName": "h", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}
    autoscaling.put_lifecycle_hook(AutoScalingGroupName=name, HeartbeatTimeout=7_200, **hook)
    launched = ids(launch(autoscaling, name, 2))
    shown = autoscaling.describe_auto_scaling_instances(InstanceIds=launched)["AutoScalingInstances"]
    assert {i["LifecycleState"] for i in shown} <= {"Pending", "Pending:Wait"}


def test_the_token_again_is_the_same_instances(sim, autoscaling):
    name = create(autoscaling, VPCZoneIdentifier=A)
    first, again = (launch(autoscaling, name, 2, ClientToken="token-2") for _ in range(2))
    assert ids(first) == ids(again)
    assert len(members(autoscaling, name)) == 2


def test_the_token_with_another_count_is_a_mismatch(autoscaling):
    name = create(autoscaling, VPCZoneIdentifier=A)
    launch(autoscaling, name, 2, ClientToken="token-3")
    with refused("IdempotentParameterMismatch"):
        launch(autoscaling, name, 3, ClientToken="token-3")
    assert len(members(autoscaling, name)) == 2


def test_a_hundred_are_launched_by_one_call(autoscaling):
    name = create(autoscaling, most=100, VPCZoneIdentifier=A)
    assert len(ids(launch(autoscaling, name, 100))) == 100


def test_more_than_a_hundred_are_refused(autoscaling):
    name = create(autoscaling, most=200, VPCZoneIdentifier=A)
    with refused("ValidationError"):
        launch(autoscaling, name, 101)


def test_none_is_refused(sim, autoscaling):
    name = create(autoscaling, VPCZoneIdentifier=A)
    with refused("ValidationError"):
        launch(sim.client("autoscaling", validate=False), name, 0)


def test_a_group_of_several_zones_must_be_told_which(autoscaling):
    name = create(autoscaling)
    with refused("ValidationError"):
        launch(autoscaling, name)


def test_the_subnet_is_kept(sim, autoscaling):
    name = create(autoscaling)
    answer = launch(autoscaling, name, 2, SubnetIds=[B])
    assert {sim.instances()[i]["subnet"] for i in ids(answer)} == {B}


def test_the_zone_is_kept(sim, autoscaling):
    name = create(autoscaling)
    answer = launch(autoscaling, name, 2, AvailabilityZones=["us-east-1c"])
    assert {sim.instances()[i]["subnet"] for i in ids(answer)} == {C}


def test_a_subnet_of_another_group_is_refused(autoscaling):
    name = create(autoscaling, VPCZoneIdentifier=A)
    with refused("ValidationError"):
        launch(autoscaling, name, SubnetIds=[B])


def test_two_subnets_are_refused(sim, autoscaling):
    name = create(autoscaling)
    with refused("ValidationError"):
        launch(sim.client("autoscaling", validate=False), name, SubnetIds=[A, B])


def test_an_unknown_group_is_refused(autoscaling):
    with refused("ValidationError"):
        launch(autoscaling, "nobody")


def test_it_leaves_the_accounts_bucket_alone(sim, autoscaling):
    name = create(autoscaling, VPCZoneIdentifier=A)
    before = sim.ledger()["apis"]["RunInstances"]["instance_tokens"]
    launch(autoscaling, name, 3)
    assert sim.ledger()["apis"]["RunInstances"]["instance_tokens"] == before


@pytest.fixture
def scarce(start):
    """A room of five in zone a."""
    sim = start_groups(start, settings="scarce.toml")
    return sim, sim.client("autoscaling")


def test_what_fits_is_launched_and_the_rest_is_an_error(scarce):
    _, autoscaling = scarce
    name = create(autoscaling, VPCZoneIdentifier=A)
    answer = launch(autoscaling, name, 8)
    assert len(ids(answer)) == 5
    [error] = answer["Errors"]
    assert (error["ErrorCode"], error["AvailabilityZone"]) == ("InsufficientInstanceCapacity", "us-east-1a")
    assert "m5.large" in error["ErrorMessage"]


def test_nothing_that_fits_is_still_an_answer(scarce):
    sim, autoscaling = scarce
    sim.faults(capacity=[{"zone": "us-east-1a", "instances": 0}])
    name = create(autoscaling, VPCZoneIdentifier=A)
    answer = launch(autoscaling, name, 2)
    assert ids(answer) == []
    assert [e["ErrorCode"] for e in answer["Errors"]] == ["InsufficientInstanceCapacity"]
    assert sim.ledger()["instances"] == []
