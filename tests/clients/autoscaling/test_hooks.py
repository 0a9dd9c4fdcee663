"""Lifecycle hooks: kept, waited for, completed, timed out (aws-facts 3.6)."""

import pytest

import simulator
from autoscaling_calls import (
    create,
    group,
    members,
    request,
    state_of,
    wait_for_members,
    wait_for_state,
    wait_for_states,
)
from ec2_calls import launch_ids
from ec2_calls import wait_for_state as wait_for_ec2
from expect import refused

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
NO_TOKEN = "00000000-0000-0000-0000-000000000000"


def put(autoscaling, name, transition=LAUNCHING, hook="hook", **parameters):
    """A hook that does not time out during a check unless it is told to: two hours are 72 s here."""
    parameters = {"HeartbeatTimeout": 7_200, **parameters}
    autoscaling.put_lifecycle_hook(
        AutoScalingGroupName=name, LifecycleHookName=hook, LifecycleTransition=transition, **parameters
    )


def hooks(autoscaling, name, **parameters):
    return autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=name, **parameters)["LifecycleHooks"]


def complete(autoscaling, name, one, result="CONTINUE", hook="hook"):
    return autoscaling.complete_lifecycle_action(
        AutoScalingGroupName=name, LifecycleHookName=hook, InstanceId=one, LifecycleActionResult=result
    )


def grow(autoscaling, name, count):
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=count)


def waiting(autoscaling, name, count=1, state="Pending:Wait"):
    """Waits until so many wait for their hook; their ids."""

    def reached():
        ids = members(autoscaling, name, state)
        return len(ids) == count and ids

    return simulator.wait_for(f"{count} to be {state}", reached)


# ---- Kept


def test_a_hook_is_shown_with_its_defaults(autoscaling):
    name = create(autoscaling)
    autoscaling.put_lifecycle_hook(
        AutoScalingGroupName=name, LifecycleHookName="h", LifecycleTransition=LAUNCHING
    )
    [shown] = hooks(autoscaling, name)
    assert (shown["LifecycleHookName"], shown["AutoScalingGroupName"]) == ("h", name)
    assert (shown["HeartbeatTimeout"], shown["DefaultResult"]) == (3_600, "ABANDON")
    assert shown["LifecycleTransition"] == LAUNCHING


@pytest.mark.parametrize(
    "heartbeat,limit", [(30, 3_000), (1_000, 100_000), (1_728, 172_800), (7_200, 172_800)]
)
def test_the_global_timeout_is_a_hundred_heartbeats_or_two_days(autoscaling, heartbeat, limit):
    name = create(autoscaling)
    put(autoscaling, name, HeartbeatTimeout=heartbeat)
    assert hooks(autoscaling, name)[0]["GlobalTimeout"] == limit


@pytest.mark.parametrize("heartbeat", [0, 29, 7_201])
def test_a_heartbeat_is_30_s_to_two_hours(autoscaling, heartbeat):
    name = create(autoscaling)
    with refused("ValidationError"):
        put(autoscaling, name, HeartbeatTimeout=heartbeat)
    assert hooks(autoscaling, name) == []


@pytest.mark.parametrize(
    "wrong", [{"DefaultResult": "PERHAPS"}, {"transition": "autoscaling:EC2_INSTANCE_DREAMING"}]
)
def test_a_hook_that_makes_no_sense_is_refused(autoscaling, wrong):
    name = create(autoscaling)
    with refused("ValidationError"):
        put(autoscaling, name, **wrong)


def test_a_new_hook_needs_a_transition(autoscaling):
    name = create(autoscaling)
    with refused("ValidationError"):
        autoscaling.put_lifecycle_hook(AutoScalingGroupName=name, LifecycleHookName="h")


def test_a_hook_put_again_is_changed(autoscaling):
    name = create(autoscaling)
    put(autoscaling, name, NotificationMetadata="first", DefaultResult="CONTINUE")
    put(autoscaling, name, NotificationMetadata="second", HeartbeatTimeout=60)
    [shown] = hooks(autoscaling, name)
    assert (shown["NotificationMetadata"], shown["HeartbeatTimeout"]) == ("second", 60)


def test_a_group_has_at_most_fifty_hooks(autoscaling):
    name = create(autoscaling)
    for i in range(50):
        put(autoscaling, name, hook=f"h{i}")
    with refused("LimitExceeded"):
        put(autoscaling, name, hook="one-more")
    assert len(hooks(autoscaling, name)) == 50


def test_hooks_are_found_by_their_names(autoscaling):
    name = create(autoscaling)
    for hook in ("a", "b"):
        put(autoscaling, name, hook=hook)
    assert [h["LifecycleHookName"] for h in hooks(autoscaling, name, LifecycleHookNames=["b"])] == ["b"]


def test_a_deleted_hook_is_gone(autoscaling):
    name = create(autoscaling)
    put(autoscaling, name)
    autoscaling.delete_lifecycle_hook(AutoScalingGroupName=name, LifecycleHookName="hook")
    assert hooks(autoscaling, name) == []


def test_an_unknown_hook_is_not_deleted(autoscaling):
    name = create(autoscaling)
    with refused("ValidationError"):
        autoscaling.delete_lifecycle_hook(AutoScalingGroupName=name, LifecycleHookName="nobody")


def test_hooks_can_come_with_their_group(autoscaling):
    specification = {"LifecycleHookName": "hook", "LifecycleTransition": LAUNCHING, "HeartbeatTimeout": 7_200}
    wanted = request(1, LifecycleHookSpecificationList=[specification])
    autoscaling.create_auto_scaling_group(**wanted)
    waiting(autoscaling, wanted["AutoScalingGroupName"])


def test_the_kinds_of_hooks_are_two(autoscaling):
    assert set(autoscaling.describe_lifecycle_hook_types()["LifecycleHookTypes"]) == {LAUNCHING, TERMINATING}


# ---- Launching


def test_a_new_instance_waits_for_its_hook(autoscaling):
    name = create(autoscaling)
    put(autoscaling, name)
    grow(autoscaling, name, 2)
    assert len(waiting(autoscaling, name, 2)) == 2


def test_continue_brings_it_into_service(autoscaling):
    name = create(autoscaling)
    put(autoscaling, name)
    grow(autoscaling, name, 1)
    ids = waiting(autoscaling, name)
    complete(autoscaling, name, ids[0])
    assert wait_for_members(autoscaling, name, 1) == ids


def test_abandon_terminates_and_replaces_it(sim, autoscaling):
    name = create(autoscaling)
    put(autoscaling, name)
    grow(autoscaling, name, 1)
    [one] = waiting(autoscaling, name)
    complete(autoscaling, name, one, "ABANDON")

    def replaced():
        now = members(autoscaling, name, "Pending:Wait")
        return len(now) == 1 and one not in now

    simulator.wait_for("a replacement", replaced)
    assert one not in sim.instances()


def test_an_action_is_completed_once(autoscaling):
    name = create(autoscaling)
    put(autoscaling, name)
    grow(autoscaling, name, 1)
    [one] = waiting(autoscaling, name)
    complete(autoscaling, name, one)
    wait_for_members(autoscaling, name, 1)
    with refused("ValidationError", message=f"^No active Lifecycle Action found with instance ID {one}"):
        complete(autoscaling, name, one)


def test_an_unknown_token_has_no_action(autoscaling):
    name = create(autoscaling)
    put(autoscaling, name)
    with refused("ValidationError", message=f"^No active Lifecycle Action found with token {NO_TOKEN}"):
        autoscaling.complete_lifecycle_action(
            AutoScalingGroupName=name,
            LifecycleHookName="hook",
            LifecycleActionToken=NO_TOKEN,
            LifecycleActionResult="CONTINUE",
        )


def test_a_result_is_continue_or_abandon(autoscaling):
    name = create(autoscaling)
    put(autoscaling, name)
    grow(autoscaling, name, 1)
    [one] = waiting(autoscaling, name)
    with refused("ValidationError"):
        complete(autoscaling, name, one, "PERHAPS")
    assert state_of(autoscaling, one) == "Pending:Wait"


def test_an_action_needs_a_token_or_an_instance(autoscaling):
    name = create(autoscaling)
    put(autoscaling, name)
    with refused("ValidationError"):
        autoscaling.complete_lifecycle_action(
            AutoScalingGroupName=name, LifecycleHookName="hook", LifecycleActionResult="CONTINUE"
        )


def test_each_of_two_hooks_must_be_completed(autoscaling):
    name = create(autoscaling)
    put(autoscaling, name, hook="a")
    put(autoscaling, name, hook="b")
    grow(autoscaling, name, 1)
    [one] = waiting(autoscaling, name)
    complete(autoscaling, name, one, hook="a")
    assert state_of(autoscaling, one) == "Pending:Wait"
    complete(autoscaling, name, one, hook="b")
    wait_for_members(autoscaling, name, 1)


def test_unanswered_the_default_abandons_it(sim, autoscaling):
    name = create(autoscaling)
    put(autoscaling, name, HeartbeatTimeout=60)
    grow(autoscaling, name, 1)
    [one] = waiting(autoscaling, name)
    simulator.wait_for("it to be given up", lambda: one not in sim.instances())


def test_unanswered_it_continues_if_that_is_the_default(autoscaling):
    name = create(autoscaling)
    put(autoscaling, name, HeartbeatTimeout=60, DefaultResult="CONTINUE")
    grow(autoscaling, name, 1)
    wait_for_members(autoscaling, name, 1)


def test_a_heartbeat_buys_time(sim, autoscaling):
    name = create(autoscaling)
    put(autoscaling, name, HeartbeatTimeout=200)
    grow(autoscaling, name, 1)
    [one] = waiting(autoscaling, name)
    until = sim.ledger()["now_ms"] + 400_000

    def beaten_long_enough():
        autoscaling.record_lifecycle_action_heartbeat(
            AutoScalingGroupName=name, LifecycleHookName="hook", InstanceId=one
        )
        return sim.ledger()["now_ms"] > until

    simulator.wait_for("twice the heartbeat's timeout", beaten_long_enough)
    assert state_of(autoscaling, one) == "Pending:Wait"


def test_a_heartbeat_without_an_action_is_refused(autoscaling):
    name = create(autoscaling, 1)
    put(autoscaling, name)
    [one] = members(autoscaling, name)
    with refused("ValidationError", message=f"^No active Lifecycle Action found with instance ID {one}"):
        autoscaling.record_lifecycle_action_heartbeat(
            AutoScalingGroupName=name, LifecycleHookName="hook", InstanceId=one
        )


def test_an_attached_instance_waits_for_no_hook(sim, autoscaling):
    name = create(autoscaling)
    put(autoscaling, name)
    ids = launch_ids(sim.client("ec2"))
    wait_for_ec2(sim.client("ec2"), ids, "running")
    autoscaling.attach_instances(AutoScalingGroupName=name, InstanceIds=ids)
    assert wait_for_members(autoscaling, name, 1) == ids


def test_back_from_standby_waits_for_no_hook(autoscaling):
    name = create(autoscaling, 1)
    put(autoscaling, name)
    [one] = members(autoscaling, name)
    autoscaling.enter_standby(
        AutoScalingGroupName=name, InstanceIds=[one], ShouldDecrementDesiredCapacity=True
    )
    wait_for_state(autoscaling, one, "Standby")
    autoscaling.exit_standby(AutoScalingGroupName=name, InstanceIds=[one])
    assert wait_for_members(autoscaling, name, 1) == [one]


def test_what_waits_counts_against_the_maximum(autoscaling):
    name = create(autoscaling, most=2)
    put(autoscaling, name)
    grow(autoscaling, name, 2)
    waiting(autoscaling, name, 2)
    with refused("ValidationError", message="above max value 2"):
        grow(autoscaling, name, 3)
    assert len(members(autoscaling, name)) == 2


# ---- Terminating


@pytest.mark.parametrize("result", ["CONTINUE", "ABANDON"])
def test_one_that_goes_waits_and_both_answers_end_it(sim, autoscaling, result):
    name = create(autoscaling, 1)
    put(autoscaling, name, TERMINATING)
    [one] = members(autoscaling, name)
    grow(autoscaling, name, 0)
    wait_for_state(autoscaling, one, "Terminating:Wait")
    assert one in sim.instances()
    complete(autoscaling, name, one, result)
    simulator.wait_for("it to end", lambda: one not in sim.instances())
    wait_for_members(autoscaling, name, 0)


def test_abandon_skips_the_other_hooks_of_the_end(sim, autoscaling):
    name = create(autoscaling, 1)
    put(autoscaling, name, TERMINATING, hook="a")
    put(autoscaling, name, TERMINATING, hook="b")
    [one] = members(autoscaling, name)
    grow(autoscaling, name, 0)
    wait_for_state(autoscaling, one, "Terminating:Wait")
    complete(autoscaling, name, one, "ABANDON", hook="a")
    simulator.wait_for("it to end", lambda: one not in sim.instances())


def test_unanswered_it_ends_whatever_the_default(sim, autoscaling):
    name = create(autoscaling, 1)
    put(autoscaling, name, TERMINATING, HeartbeatTimeout=60, DefaultResult="CONTINUE")
    [one] = members(autoscaling, name)
    grow(autoscaling, name, 0)
    simulator.wait_for("it to end", lambda: one not in sim.instances())


def test_the_terminate_call_waits_for_the_hook_too(autoscaling):
    name = create(autoscaling, 1)
    put(autoscaling, name, TERMINATING)
    [one] = members(autoscaling, name)
    autoscaling.terminate_instance_in_auto_scaling_group(InstanceId=one, ShouldDecrementDesiredCapacity=True)
    wait_for_state(autoscaling, one, "Terminating:Wait")


def test_a_replacement_comes_while_the_old_one_waits(autoscaling):
    name = create(autoscaling, 1)
    put(autoscaling, name, TERMINATING)
    [one] = members(autoscaling, name)
    autoscaling.set_instance_health(InstanceId=one, HealthStatus="Unhealthy")
    wait_for_states(autoscaling, name, InService=1, Terminating_Wait=1)


def test_a_detached_one_waits_for_no_hook(sim, autoscaling):
    name = create(autoscaling, 1)
    put(autoscaling, name, TERMINATING)
    [one] = members(autoscaling, name)
    autoscaling.detach_instances(
        AutoScalingGroupName=name, InstanceIds=[one], ShouldDecrementDesiredCapacity=True
    )
    wait_for_members(autoscaling, name, 0)
    assert one in sim.instances()


def test_a_forced_deletion_waits_for_no_hook(sim, autoscaling):
    name = create(autoscaling, 1)
    put(autoscaling, name, TERMINATING)
    [one] = members(autoscaling, name)
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    simulator.wait_for("the group to be gone", lambda: group(autoscaling, name) is None)
    assert one not in sim.instances()
