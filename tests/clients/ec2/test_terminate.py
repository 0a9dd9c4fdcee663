"""TerminateInstances: all or nothing, and again changes nothing (aws-facts 2.5)."""

import re

import pytest

from ec2_calls import NOBODY, A, B, instance, launch, launch_ids, named, wait_for_state
from expect import refused

SHUTTING_DOWN = {"Code": 32, "Name": "shutting-down"}


def changes(ec2, ids):
    return {
        c["InstanceId"]: (c["PreviousState"], c["CurrentState"])
        for c in ec2.terminate_instances(InstanceIds=ids)["TerminatingInstances"]
    }


def test_a_pending_one_shuts_down(start):
    ec2 = start("still.toml").client("ec2")
    ids = launch_ids(ec2, 2)
    assert changes(ec2, ids) == {i: ({"Code": 0, "Name": "pending"}, SHUTTING_DOWN) for i in ids}


def test_a_running_one_shuts_down(ec2):
    ids = launch_ids(ec2, 2)
    wait_for_state(ec2, ids, "running")
    assert changes(ec2, ids) == {i: ({"Code": 16, "Name": "running"}, SHUTTING_DOWN) for i in ids}


def test_one_that_shuts_down_goes_on_with_it(start):
    ec2 = start("still.toml").client("ec2")
    ids = launch_ids(ec2)
    changes(ec2, ids)
    assert changes(ec2, ids) == {ids[0]: (SHUTTING_DOWN, SHUTTING_DOWN)}


def test_a_terminated_one_stays_terminated(ec2):
    ids = launch_ids(ec2)
    changes(ec2, ids)
    wait_for_state(ec2, ids, "terminated")
    terminated = {"Code": 48, "Name": "terminated"}
    assert changes(ec2, ids) == {ids[0]: (terminated, terminated)}


def test_the_reason_is_the_users(ec2):
    [one] = launch_ids(ec2)
    ec2.terminate_instances(InstanceIds=[one])
    wait_for_state(ec2, [one], "terminated")
    shown = instance(ec2, one)
    assert shown["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert shown["StateReason"]["Message"] == "Client.UserInitiatedShutdown: User initiated shutdown"
    pattern = r"User initiated \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT\)"
    assert re.fullmatch(pattern, shown["StateTransitionReason"])


def test_a_terminated_one_has_no_network(ec2):
    [one] = launch_ids(ec2)
    ec2.terminate_instances(InstanceIds=[one])
    wait_for_state(ec2, [one], "terminated")
    shown = instance(ec2, one)
    assert not {"PrivateIpAddress", "SubnetId", "VpcId"} & shown.keys()
    assert not shown.get("PrivateDnsName")


def test_one_unknown_id_stops_all(sim, ec2):
    ids = launch_ids(ec2, 3)
    with refused("InvalidInstanceID.NotFound", message=NOBODY):
        ec2.terminate_instances(InstanceIds=[*ids, NOBODY])
    assert set(ids) <= sim.instances().keys()


def test_one_malformed_id_stops_all(sim, ec2):
    ids = launch_ids(ec2, 3)
    with refused("InvalidInstanceID.Malformed"):
        ec2.terminate_instances(InstanceIds=[*ids, "i-x"])
    assert set(ids) <= sim.instances().keys()


def test_no_id_is_refused(sim):
    with refused("MissingParameter", message="InstanceId"):
        sim.client("ec2", validate=False).terminate_instances()


def test_an_empty_list_of_ids_is_refused(ec2):
    with refused("MissingParameter", message="InstanceId"):
        ec2.terminate_instances(InstanceIds=[])


def test_a_thousand_are_terminated_by_one_call(ec2):
    ids = launch_ids(ec2, 1_000, SubnetId=B)
    assert changes(ec2, ids).keys() == set(ids)


def test_more_than_a_thousand_are_refused(ec2):
    with refused("ResourceCountExceeded"):
        ec2.terminate_instances(InstanceIds=[NOBODY] * 1_001)


def test_one_named_twice_is_terminated_once(ec2):
    [one] = launch_ids(ec2)
    assert len(ec2.terminate_instances(InstanceIds=[one, one])["TerminatingInstances"]) == 1


def test_a_dry_run_terminates_nothing(sim, ec2):
    ids = launch_ids(ec2)
    with refused("DryRunOperation", status=412):
        ec2.terminate_instances(InstanceIds=ids, DryRun=True)
    assert set(ids) <= sim.instances().keys()


def test_nobody_else_is_touched(sim, ec2):
    ids = launch_ids(ec2, 4)
    ec2.terminate_instances(InstanceIds=ids[:2])
    assert set(ids[2:]) <= sim.instances().keys()
    assert not set(ids[:2]) & sim.instances().keys()


def test_addresses_come_back_when_they_are_gone(ec2):
    def free():
        return ec2.describe_subnets(SubnetIds=[A])["Subnets"][0]["AvailableIpAddressCount"]

    before = free()
    ids = launch_ids(ec2, 10)
    assert free() <= before - 10
    ec2.terminate_instances(InstanceIds=ids)
    wait_for_state(ec2, ids, "terminated")
    assert free() == before


def test_what_was_terminated_is_still_described(ec2):
    launched = launch(ec2)
    ids = [launched[0]["InstanceId"]]
    ec2.terminate_instances(InstanceIds=ids)
    wait_for_state(ec2, ids, "terminated")
    shown = ec2.describe_instances(Filters=[named("instance-id", *ids)])["Reservations"][0]["Instances"][0]
    assert {k: shown[k] for k in ("ImageId", "InstanceType", "LaunchTime", "ClientToken")} == {
        k: launched[0][k] for k in ("ImageId", "InstanceType", "LaunchTime", "ClientToken")
    }


@pytest.mark.needs("ec2.TerminateInstances.SkipOsShutdown")
def test_the_new_ways_to_end_an_instance_are_taken(ec2):
    ids = launch_ids(ec2)
    assert (
        len(ec2.terminate_instances(InstanceIds=ids, SkipOsShutdown=True, Force=True)["TerminatingInstances"])
        == 1
    )
