"""Suspended processes, and what each really stops (aws-facts 3.7)."""

import pytest

import simulator
from autoscaling_calls import activities, create, group, members, wait_for_members
from ec2_calls import launch_ids
from ec2_calls import wait_for_state as wait_for_ec2
from expect import refused

ALL = {
    "Launch",
    "Terminate",
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "ReplaceUnhealthy",
    "ScheduledActions",
}


def suspended(autoscaling, name):
    return {p["ProcessName"] for p in group(autoscaling, name)["SuspendedProcesses"]}


def suspend(autoscaling, name, *processes):
    autoscaling.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=list(processes))


def resume(autoscaling, name, *processes):
    autoscaling.resume_processes(AutoScalingGroupName=name, ScalingProcesses=list(processes))


def wait_for_time(sim, seconds):
    """Waits until so much of the simulator's time has passed: for what must not happen in it."""
    until = sim.ledger()["now_ms"] + seconds * 1_000
    simulator.wait_for(f"{seconds} simulated seconds", lambda: sim.ledger()["now_ms"] >= until)


def test_what_is_suspended_is_shown_with_the_reason(autoscaling):
    name = create(autoscaling)
    suspend(autoscaling, name, "Launch", "AZRebalance")
    assert suspended(autoscaling, name) == {"Launch", "AZRebalance"}
    reasons = [p["SuspensionReason"] for p in group(autoscaling, name)["SuspendedProcesses"]]
    assert all(reason.startswith("User suspended at ") for reason in reasons)


def test_all_are_suspended_if_none_is_named(autoscaling):
    name = create(autoscaling)
    autoscaling.suspend_processes(AutoScalingGroupName=name)
    assert suspended(autoscaling, name) == ALL
    autoscaling.resume_processes(AutoScalingGroupName=name)
    assert suspended(autoscaling, name) == set()


def test_one_can_be_resumed_and_the_others_stay(autoscaling):
    name = create(autoscaling)
    suspend(autoscaling, name, "Launch", "Terminate", "HealthCheck")
    resume(autoscaling, name, "Terminate")
    assert suspended(autoscaling, name) == {"Launch", "HealthCheck"}


def test_suspending_twice_is_once(autoscaling):
    name = create(autoscaling)
    suspend(autoscaling, name, "Launch")
    suspend(autoscaling, name, "Launch")
    assert len(group(autoscaling, name)["SuspendedProcesses"]) == 1


def test_a_process_that_does_not_exist_is_refused(autoscaling):
    name = create(autoscaling)
    with refused("ValidationError"):
        suspend(autoscaling, name, "Fly")
    assert suspended(autoscaling, name) == set()


def test_without_launch_nothing_is_launched_until_it_is_resumed(sim, autoscaling):
    name = create(autoscaling, 1)
    suspend(autoscaling, name, "Launch")
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=3)
    wait_for_time(sim, 100)
    assert len(members(autoscaling, name)) == 1
    resume(autoscaling, name, "Launch")
    wait_for_members(autoscaling, name, 3)


def test_without_launch_nobody_is_attached(sim, autoscaling):
    name = create(autoscaling)
    suspend(autoscaling, name, "Launch")
    ids = launch_ids(sim.client("ec2"))
    wait_for_ec2(sim.client("ec2"), ids, "running")
    with refused("ValidationError"):
        autoscaling.attach_instances(AutoScalingGroupName=name, InstanceIds=ids)


def test_without_launch_the_unhealthy_go_and_nobody_comes(sim, autoscaling):
    name = create(autoscaling, 2)
    one = members(autoscaling, name)[0]
    suspend(autoscaling, name, "Launch")
    autoscaling.set_instance_health(InstanceId=one, HealthStatus="Unhealthy")
    simulator.wait_for("it to go", lambda: one not in members(autoscaling, name))
    wait_for_time(sim, 100)
    assert len(members(autoscaling, name)) == 1
    resume(autoscaling, name, "Launch")
    wait_for_members(autoscaling, name, 2)


def test_without_terminate_nothing_is_scaled_in_until_it_is_resumed(sim, autoscaling):
    name = create(autoscaling, 3)
    suspend(autoscaling, name, "Terminate")
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
    wait_for_time(sim, 100)
    assert len(members(autoscaling, name, "InService")) == 3
    resume(autoscaling, name, "Terminate")
    wait_for_members(autoscaling, name, 1)


def test_without_replace_unhealthy_they_are_marked_and_stay(sim, autoscaling):
    name = create(autoscaling, 1)
    [one] = members(autoscaling, name)
    suspend(autoscaling, name, "ReplaceUnhealthy")
    autoscaling.set_instance_health(InstanceId=one, HealthStatus="Unhealthy")
    wait_for_time(sim, 100)
    [shown] = group(autoscaling, name)["Instances"]
    assert (shown["InstanceId"], shown["HealthStatus"]) == (one, "Unhealthy")
    resume(autoscaling, name, "ReplaceUnhealthy")
    simulator.wait_for("it to go", lambda: one not in members(autoscaling, name))


def test_without_health_check_a_mark_by_hand_still_counts(autoscaling):
    name = create(autoscaling, 1)
    [one] = members(autoscaling, name)
    suspend(autoscaling, name, "HealthCheck")
    autoscaling.set_instance_health(InstanceId=one, HealthStatus="Unhealthy")
    simulator.wait_for("it to go", lambda: one not in members(autoscaling, name))


def test_without_health_check_a_dead_one_is_not_noticed(sim, autoscaling):
    name = create(autoscaling, 1)
    suspend(autoscaling, name, "HealthCheck")
    sim.client("ec2").terminate_instances(InstanceIds=members(autoscaling, name))
    wait_for_time(sim, 300)
    assert len(activities(autoscaling, name)) == 1
    resume(autoscaling, name, "HealthCheck")
    simulator.wait_for("it to be replaced", lambda: len(activities(autoscaling, name)) >= 3)


@pytest.mark.needs("autoscaling.LaunchInstances")
def test_without_launch_the_synchronous_call_is_refused(autoscaling):
    name = create(autoscaling, VPCZoneIdentifier="subnet-0000000000000000a")
    suspend(autoscaling, name, "Launch")
    with refused("ValidationError"):
        autoscaling.launch_instances(AutoScalingGroupName=name, RequestedCapacity=1, ClientToken="t")
