"""Warm pools (aws-facts 3.8)."""

import pytest

import simulator
from autoscaling_calls import create, members, wait_for_members
from expect import refused


def pool(autoscaling, name):
    return autoscaling.describe_warm_pool(AutoScalingGroupName=name)


def states(autoscaling, name):
    return sorted(i["LifecycleState"] for i in pool(autoscaling, name).get("Instances", []))


def put(autoscaling, name, **parameters):
    autoscaling.put_warm_pool(AutoScalingGroupName=name, **parameters)


def wait_for_states(autoscaling, name, *wanted):
    simulator.wait_for(f"the pool to be {wanted}", lambda: states(autoscaling, name) == sorted(wanted))


def test_a_group_has_no_pool_at_first(autoscaling):
    answer = pool(autoscaling, create(autoscaling))
    assert not answer.get("WarmPoolConfiguration")
    assert answer.get("Instances", []) == []


def test_a_pool_is_shown_with_its_defaults(autoscaling):
    name = create(autoscaling)
    put(autoscaling, name)
    shown = pool(autoscaling, name)["WarmPoolConfiguration"]
    assert (shown["PoolState"], shown["MinSize"]) == ("Stopped", 0)


def test_a_pool_fills_the_group_up_to_its_maximum(autoscaling):
    name = create(autoscaling, 1, most=4)
    put(autoscaling, name)
    wait_for_states(autoscaling, name, *["Warmed:Stopped"] * 3)
    assert len(members(autoscaling, name)) == 1


def test_a_prepared_capacity_goes_before_the_maximum(autoscaling):
    name = create(autoscaling, 1, most=10)
    put(autoscaling, name, MaxGroupPreparedCapacity=3, PoolState="Running")
    wait_for_states(autoscaling, name, *["Warmed:Running"] * 2)


def test_a_pool_has_a_least_size(autoscaling):
    name = create(autoscaling, 1, most=1)
    put(autoscaling, name, MinSize=2)
    wait_for_states(autoscaling, name, *["Warmed:Stopped"] * 2)


def test_growth_takes_from_the_pool(autoscaling):
    name = create(autoscaling, 0, most=2)
    put(autoscaling, name)
    wait_for_states(autoscaling, name, *["Warmed:Stopped"] * 2)
    warm = {i["InstanceId"] for i in pool(autoscaling, name)["Instances"]}
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
    [one] = wait_for_members(autoscaling, name, 1)
    assert one in warm


def test_a_deleted_pool_lets_its_instances_go(sim, autoscaling):
    name = create(autoscaling, 0, most=2)
    put(autoscaling, name)
    wait_for_states(autoscaling, name, *["Warmed:Stopped"] * 2)
    warm = {i["InstanceId"] for i in pool(autoscaling, name)["Instances"]}
    autoscaling.delete_warm_pool(AutoScalingGroupName=name, ForceDelete=True)
    simulator.wait_for("the pool to be gone", lambda: not pool(autoscaling, name).get("WarmPoolConfiguration"))
    simulator.wait_for("its instances to end", lambda: not warm & sim.instances().keys())


@pytest.mark.parametrize("wrong", [{"PoolState": "Lukewarm"}, {"MinSize": -1}, {"MaxGroupPreparedCapacity": -2}])
def test_a_pool_that_makes_no_sense_is_refused(sim, autoscaling, wrong):
    name = create(autoscaling)
    with refused("ValidationError"):
        put(sim.client("autoscaling", validate=False), name, **wrong)


@pytest.mark.needs("autoscaling.LaunchInstances")
def test_the_synchronous_call_does_not_go_with_a_pool(autoscaling):
    name = create(autoscaling, VPCZoneIdentifier="subnet-0000000000000000a")
    put(autoscaling, name, MinSize=1)
    with refused("UnsupportedOperation"):
        autoscaling.launch_instances(AutoScalingGroupName=name, RequestedCapacity=1, ClientToken="warm-token")
