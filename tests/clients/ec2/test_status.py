"""DescribeInstanceStatus (aws-facts 2.5)."""

import pytest

import simulator
from ec2_calls import NOBODY, launch_ids, named, wait_for_state
from expect import refused


def statuses(ec2, **parameters):
    return {s["InstanceId"]: s for s in ec2.describe_instance_status(**parameters)["InstanceStatuses"]}


def test_a_running_one_is_shown_whole(ec2):
    ids = launch_ids(ec2)
    wait_for_state(ec2, ids, "running")
    shown = statuses(ec2, InstanceIds=ids)[ids[0]]
    assert shown["InstanceState"] == {"Code": 16, "Name": "running"}
    assert shown["AvailabilityZone"] == "us-east-1a"
    for checks in ("InstanceStatus", "SystemStatus"):
        assert shown[checks]["Status"] in ("initializing", "ok")
        assert shown[checks]["Details"][0]["Name"] == "reachability"


def test_checks_pass_after_a_while(ec2):
    ids = launch_ids(ec2)
    wait_for_state(ec2, ids, "running")

    def ok():
        shown = statuses(ec2, InstanceIds=ids)[ids[0]]
        return {shown["InstanceStatus"]["Status"], shown["SystemStatus"]["Status"]} == {"ok"}

    simulator.wait_for("the checks to pass", ok)
    details = statuses(ec2, InstanceIds=ids)[ids[0]]["InstanceStatus"]["Details"]
    assert details == [{"Name": "reachability", "Status": "passed"}]


def test_boto3s_waiter_sees_the_checks_pass(ec2):
    ids = launch_ids(ec2, 2)
    waiter = ec2.get_waiter("instance_status_ok")
    waiter.wait(InstanceIds=ids, WaiterConfig={"Delay": 0, "MaxAttempts": 100_000})
    assert {s["InstanceStatus"]["Status"] for s in statuses(ec2, InstanceIds=ids).values()} == {"ok"}


def test_checks_begin_with_initializing(start):
    sim = start("services.toml")
    ids = launch_ids(sim.client("ec2"))
    # The ledger costs no tokens, of which there are few at the wall's pace.
    simulator.wait_for("it to run", lambda: sim.instances()[ids[0]]["state"] == "running")
    shown = statuses(sim.client("ec2"), InstanceIds=ids)[ids[0]]
    assert (shown["InstanceStatus"]["Status"], shown["SystemStatus"]["Status"]) == ("initializing",) * 2


def test_only_running_ones_are_shown(start):
    ec2 = start("still.toml").client("ec2")
    ids = launch_ids(ec2)
    assert statuses(ec2, InstanceIds=ids) == {}
    shown = statuses(ec2, InstanceIds=ids, IncludeAllInstances=True)[ids[0]]
    assert shown["InstanceState"]["Name"] == "pending"
    assert shown["InstanceStatus"]["Status"] in ("not-applicable", "initializing")


def test_a_hundred_ids_are_taken(ec2):
    ids = launch_ids(ec2, 100)
    wait_for_state(ec2, ids, "running")
    assert len(statuses(ec2, InstanceIds=ids)) == 100


def test_more_ids_are_refused(ec2):
    with pytest.raises(ec2.exceptions.ClientError) as caught:
        ec2.describe_instance_status(InstanceIds=[NOBODY] * 101)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_unknown_one_stops_the_call(ec2):
    with refused("InvalidInstanceID.NotFound", message=NOBODY):
        ec2.describe_instance_status(InstanceIds=[NOBODY])


def test_filters_find_states(ec2):
    ids = launch_ids(ec2, 2)
    wait_for_state(ec2, ids, "running")
    assert set(ids) <= statuses(ec2, Filters=[named("instance-state-name", "running")]).keys()
    assert statuses(ec2, InstanceIds=ids, Filters=[named("availability-zone", "us-east-1b")]) == {}


def test_pages_show_each_once(start):
    ec2 = start("quick.toml", scale=2_000).client("ec2")
    ids = launch_ids(ec2, 12)
    wait_for_state(ec2, ids, "running")
    pages = list(ec2.get_paginator("describe_instance_status").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["InstanceStatuses"]) for page in pages] == [5, 5, 2]
    assert {s["InstanceId"] for page in pages for s in page["InstanceStatuses"]} == set(ids)


def test_ids_and_max_results_exclude_each_other(ec2):
    with refused("InvalidParameterCombination"):
        ec2.describe_instance_status(InstanceIds=launch_ids(ec2), MaxResults=5)
