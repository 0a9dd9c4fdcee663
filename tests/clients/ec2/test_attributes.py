"""Termination protection, and stopping and starting (aws-facts 2.5)."""

import pytest

from ec2_calls import NOBODY, A, B, instance, launch_ids, wait_for_state
from expect import refused


def protect(ec2, one, protected=True):
    ec2.modify_instance_attribute(InstanceId=one, DisableApiTermination={"Value": protected})


def test_a_protected_one_is_not_terminated(sim, ec2):
    [one] = launch_ids(ec2)
    protect(ec2, one)
    with refused("OperationNotPermitted", message=one):
        ec2.terminate_instances(InstanceIds=[one])
    assert one in sim.instances()


def test_protection_is_told_and_taken_back(ec2):
    [one] = launch_ids(ec2)
    for protected in (True, False):
        protect(ec2, one, protected)
        told = ec2.describe_instance_attribute(InstanceId=one, Attribute="disableApiTermination")
        assert told["DisableApiTermination"] == {"Value": protected}
    assert ec2.terminate_instances(InstanceIds=[one])["TerminatingInstances"]


def test_protection_can_come_with_the_launch(ec2):
    [one] = launch_ids(ec2, DisableApiTermination=True)
    with refused("OperationNotPermitted"):
        ec2.terminate_instances(InstanceIds=[one])


def test_a_protected_one_saves_the_others_of_its_zone_only(sim, ec2):
    [kept, beside] = launch_ids(ec2, 2, SubnetId=A)
    [elsewhere] = launch_ids(ec2, SubnetId=B)
    protect(ec2, kept)
    with refused("OperationNotPermitted"):
        ec2.terminate_instances(InstanceIds=[kept, beside, elsewhere])
    live = sim.instances().keys()
    assert {kept, beside} <= live
    assert elsewhere not in live


def test_an_unknown_one_has_no_attributes(ec2):
    with refused("InvalidInstanceID.NotFound"):
        protect(ec2, NOBODY)


def changes(answer, key):
    return [(c["PreviousState"]["Name"], c["CurrentState"]["Name"]) for c in answer[key]]


def test_a_stopped_one_can_be_started_again(ec2):
    ids = launch_ids(ec2)
    wait_for_state(ec2, ids, "running")
    address = instance(ec2, ids[0])["PrivateIpAddress"]
    assert changes(ec2.stop_instances(InstanceIds=ids), "StoppingInstances") == [("running", "stopping")]
    wait_for_state(ec2, ids, "stopped")
    assert instance(ec2, ids[0])["State"] == {"Code": 80, "Name": "stopped"}
    assert instance(ec2, ids[0])["PrivateIpAddress"] == address
    assert changes(ec2.start_instances(InstanceIds=ids), "StartingInstances") == [("stopped", "pending")]
    wait_for_state(ec2, ids, "running")


@pytest.mark.parametrize("action", ["start_instances", "stop_instances"])
def test_a_terminated_one_is_in_the_wrong_state(ec2, action):
    ids = launch_ids(ec2)
    ec2.terminate_instances(InstanceIds=ids)
    wait_for_state(ec2, ids, "terminated")
    with refused("IncorrectInstanceState"):
        getattr(ec2, action)(InstanceIds=ids)


def test_a_stopped_one_is_terminated(ec2):
    ids = launch_ids(ec2)
    wait_for_state(ec2, ids, "running")
    ec2.stop_instances(InstanceIds=ids)
    wait_for_state(ec2, ids, "stopped")
    ec2.terminate_instances(InstanceIds=ids)
    wait_for_state(ec2, ids, "terminated")


def test_an_unknown_one_is_not_stopped(ec2):
    with refused("InvalidInstanceID.NotFound"):
        ec2.stop_instances(InstanceIds=[NOBODY])


@pytest.mark.parametrize("action", ["start_instances", "stop_instances"])
def test_a_dry_run_changes_nothing(ec2, action):
    ids = launch_ids(ec2)
    wait_for_state(ec2, ids, "running")
    with refused("DryRunOperation", status=412):
        getattr(ec2, action)(InstanceIds=ids, DryRun=True)
    assert instance(ec2, ids[0])["State"]["Name"] == "running"
