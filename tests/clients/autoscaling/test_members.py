"""Members: attached, detached, on standby, protected, terminated, replaced (aws-facts 3.1, 3.3, 3.4)."""

import pytest

import simulator
from autoscaling_calls import (
    create,
    group,
    members,
    request,
    start_groups,
    state_of,
    wait_for_activities,
    wait_for_members,
    wait_for_state,
    wait_for_states,
)
from ec2_calls import NOBODY, A, launch_ids
from ec2_calls import wait_for_state as wait_for_ec2
from expect import refused


def desired(autoscaling, name):
    return group(autoscaling, name)["DesiredCapacity"]


def loose(sim, count=1, **parameters):
    """Running instances of no group."""
    ids = launch_ids(sim.client("ec2"), count, **parameters)
    wait_for_ec2(sim.client("ec2"), ids, "running")
    return ids


# ---- Described


def test_a_member_is_shown_with_its_group(autoscaling):
    name = create(autoscaling, 1)
    [one] = members(autoscaling, name)
    [shown] = autoscaling.describe_auto_scaling_instances(InstanceIds=[one])["AutoScalingInstances"]
    assert (shown["AutoScalingGroupName"], shown["LifecycleState"]) == (name, "InService")
    assert shown["HealthStatus"].lower() == "healthy"
    assert shown["ProtectedFromScaleIn"] is False


def test_unknown_members_are_left_out(autoscaling):
    name = create(autoscaling, 1)
    ids = [*members(autoscaling, name), NOBODY]
    assert len(autoscaling.describe_auto_scaling_instances(InstanceIds=ids)["AutoScalingInstances"]) == 1


def test_fifty_members_are_described_at_once(autoscaling):
    answer = autoscaling.describe_auto_scaling_instances(InstanceIds=[f"i-{n:017x}" for n in range(50)])
    assert answer["AutoScalingInstances"] == []


def test_fifty_one_members_are_too_many(autoscaling):
    with refused("ValidationError"):
        autoscaling.describe_auto_scaling_instances(InstanceIds=[f"i-{n:017x}" for n in range(51)])


# ---- Attach


def test_an_attached_one_raises_desired(sim, autoscaling):
    name = create(autoscaling, 1)
    [one] = loose(sim)
    autoscaling.attach_instances(AutoScalingGroupName=name, InstanceIds=[one])
    assert desired(autoscaling, name) == 2
    assert one in wait_for_members(autoscaling, name, 2)


def test_more_than_max_are_not_attached(sim, autoscaling):
    name = create(autoscaling, 2, most=3)
    with refused("ValidationError"):
        autoscaling.attach_instances(AutoScalingGroupName=name, InstanceIds=loose(sim, 2))
    assert desired(autoscaling, name) == 2


def test_twenty_one_are_not_attached(sim, autoscaling):
    name = create(autoscaling, most=50)
    with refused("ValidationError"):
        autoscaling.attach_instances(AutoScalingGroupName=name, InstanceIds=loose(sim, 21))


def test_a_member_is_not_attached_again(autoscaling):
    name, other = create(autoscaling, 1), create(autoscaling)
    with refused("ValidationError"):
        autoscaling.attach_instances(AutoScalingGroupName=other, InstanceIds=members(autoscaling, name))


def test_an_unknown_one_is_not_attached(autoscaling):
    name = create(autoscaling)
    with refused("ValidationError"):
        autoscaling.attach_instances(AutoScalingGroupName=name, InstanceIds=[NOBODY])


def test_one_that_ends_is_not_attached(sim, autoscaling):
    name = create(autoscaling)
    ids = loose(sim)
    sim.client("ec2").terminate_instances(InstanceIds=ids)
    with refused("ValidationError"):
        autoscaling.attach_instances(AutoScalingGroupName=name, InstanceIds=ids)


def test_one_in_another_zone_is_not_attached(sim, autoscaling):
    name = create(autoscaling, VPCZoneIdentifier=A)
    with refused("ValidationError"):
        autoscaling.attach_instances(
            AutoScalingGroupName=name, InstanceIds=loose(sim, SubnetId="subnet-0000000000000000b")
        )


# ---- Detach


def test_a_detached_one_lives_on(sim, autoscaling):
    name = create(autoscaling, 2)
    one = members(autoscaling, name)[0]
    answer = autoscaling.detach_instances(
        AutoScalingGroupName=name, InstanceIds=[one], ShouldDecrementDesiredCapacity=True
    )
    assert [a["AutoScalingGroupName"] for a in answer["Activities"]] == [name]
    assert desired(autoscaling, name) == 1
    assert one not in wait_for_members(autoscaling, name, 1)
    simulator.wait_for("it to be nobody's", lambda: state_of(autoscaling, one) is None)
    assert one in sim.instances()


def test_a_detached_one_is_replaced_if_desired_stays(autoscaling):
    name = create(autoscaling, 2)
    before = members(autoscaling, name)
    autoscaling.detach_instances(
        AutoScalingGroupName=name, InstanceIds=before[:1], ShouldDecrementDesiredCapacity=False
    )
    assert desired(autoscaling, name) == 2

    def replaced():
        now = members(autoscaling, name, "InService")
        return len(now) == 2 and before[0] not in now

    simulator.wait_for("a replacement", replaced)


def test_detaching_below_min_is_refused(autoscaling):
    name = create(autoscaling, 2, MinSize=2)
    with refused("ValidationError"):
        autoscaling.detach_instances(
            AutoScalingGroupName=name,
            InstanceIds=members(autoscaling, name)[:1],
            ShouldDecrementDesiredCapacity=True,
        )


def test_who_is_no_member_is_not_detached(sim, autoscaling):
    name = create(autoscaling)
    with refused("ValidationError"):
        autoscaling.detach_instances(
            AutoScalingGroupName=name, InstanceIds=loose(sim), ShouldDecrementDesiredCapacity=False
        )


# ---- Standby


def standby(autoscaling, name, ids, decrement=True):
    return autoscaling.enter_standby(
        AutoScalingGroupName=name, InstanceIds=ids, ShouldDecrementDesiredCapacity=decrement
    )


def test_one_on_standby_is_not_desired(sim, autoscaling):
    name = create(autoscaling, 2)
    one = members(autoscaling, name)[0]
    assert len(standby(autoscaling, name, [one])["Activities"]) == 1
    wait_for_states(autoscaling, name, InService=1, Standby=1)
    assert desired(autoscaling, name) == 1
    assert one in sim.instances()


def test_one_on_standby_is_replaced_if_desired_stays(autoscaling):
    name = create(autoscaling, 1)
    standby(autoscaling, name, members(autoscaling, name), decrement=False)
    wait_for_states(autoscaling, name, InService=1, Standby=1)


def test_standby_below_min_is_refused(autoscaling):
    name = create(autoscaling, 1, MinSize=1)
    with refused("ValidationError"):
        standby(autoscaling, name, members(autoscaling, name))


def test_back_from_standby_it_is_desired_again(autoscaling):
    name = create(autoscaling, 2)
    [one] = members(autoscaling, name)[:1]
    standby(autoscaling, name, [one])
    wait_for_state(autoscaling, one, "Standby")
    autoscaling.exit_standby(AutoScalingGroupName=name, InstanceIds=[one])
    wait_for_members(autoscaling, name, 2)
    assert desired(autoscaling, name) == 2


def test_a_full_group_takes_nobody_back(autoscaling):
    name = create(autoscaling, 1, most=1)
    [one] = members(autoscaling, name)
    standby(autoscaling, name, [one], decrement=False)
    wait_for_states(autoscaling, name, InService=1, Standby=1)
    with refused("ValidationError"):
        autoscaling.exit_standby(AutoScalingGroupName=name, InstanceIds=[one])


def test_twenty_one_do_not_go_on_standby(autoscaling):
    name = create(autoscaling)
    with refused("ValidationError"):
        standby(autoscaling, name, [f"i-{n:017x}" for n in range(21)])


def test_who_serves_does_not_come_back_from_standby(autoscaling):
    name = create(autoscaling, 1)
    with refused("ValidationError"):
        autoscaling.exit_standby(AutoScalingGroupName=name, InstanceIds=members(autoscaling, name))


# ---- Terminate


def terminate(autoscaling, one, decrement):
    return autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=one, ShouldDecrementDesiredCapacity=decrement
    )


def test_a_terminated_one_is_replaced(sim, autoscaling):
    name = create(autoscaling, 2)
    before = members(autoscaling, name)
    activity = terminate(autoscaling, before[0], False)["Activity"]
    assert activity["AutoScalingGroupName"] == name
    assert before[0] in activity["Description"]
    simulator.wait_for("it to be gone", lambda: before[0] not in members(autoscaling, name))
    assert before[1] in wait_for_members(autoscaling, name, 2)
    assert before[0] not in sim.instances()


def test_a_terminated_one_can_make_the_group_smaller(autoscaling):
    name = create(autoscaling, 2)
    terminate(autoscaling, members(autoscaling, name)[0], True)
    assert desired(autoscaling, name) == 1
    wait_for_members(autoscaling, name, 1)


def test_a_group_is_not_made_smaller_than_min(autoscaling):
    name = create(autoscaling, 1, MinSize=1)
    with refused("ValidationError"):
        terminate(autoscaling, members(autoscaling, name)[0], True)
    assert desired(autoscaling, name) == 1


def test_who_is_no_member_is_not_terminated(sim, autoscaling):
    [one] = loose(sim)
    with refused("ValidationError"):
        terminate(autoscaling, one, False)
    assert one in sim.instances()


BATCH = "autoscaling.TerminateInstanceInAutoScalingGroup.InstanceIds"


def terminate_all(autoscaling, name, ids, decrement=True):
    return autoscaling.terminate_instance_in_auto_scaling_group(
        AutoScalingGroupName=name, InstanceIds=ids, ShouldDecrementDesiredCapacity=decrement
    )


@pytest.mark.needs(BATCH)
def test_several_are_terminated_by_one_call(sim, autoscaling):
    name = create(autoscaling, 4)
    ids = members(autoscaling, name)[:3]
    assert len(terminate_all(autoscaling, name, ids)["Activities"]) == 3
    wait_for_members(autoscaling, name, 1)
    assert not set(ids) & sim.instances().keys()


@pytest.mark.needs(BATCH)
def test_one_who_is_no_member_stops_the_batch(sim, autoscaling):
    name = create(autoscaling, 2)
    ids = members(autoscaling, name)
    with refused("ValidationError"):
        terminate_all(autoscaling, name, [*ids, NOBODY])
    assert set(ids) <= sim.instances().keys()
    assert desired(autoscaling, name) == 2


@pytest.mark.needs(BATCH)
def test_a_batch_has_at_most_a_hundred(autoscaling):
    name = create(autoscaling)
    with refused("ValidationError"):
        terminate_all(autoscaling, name, [f"i-{n:017x}" for n in range(101)])


@pytest.mark.needs(BATCH)
def test_a_batch_is_replaced_if_desired_stays(autoscaling):
    name = create(autoscaling, 3)
    ids = members(autoscaling, name)
    terminate_all(autoscaling, name, ids[:2], decrement=False)

    def replaced():
        now = members(autoscaling, name, "InService")
        return len(now) == 3 and not set(ids[:2]) & set(now)

    simulator.wait_for("replacements", replaced)


# ---- Health


def test_an_unhealthy_one_is_replaced_at_once(sim, autoscaling):
    name = create(autoscaling, 2)
    one = members(autoscaling, name)[0]
    autoscaling.set_instance_health(InstanceId=one, HealthStatus="Unhealthy")

    def replaced():
        now = members(autoscaling, name, "InService")
        return len(now) == 2 and one not in now

    simulator.wait_for("a replacement", replaced)
    assert one not in sim.instances()


def test_the_grace_period_is_respected(autoscaling):
    name = create(autoscaling, 1, HealthCheckGracePeriod=1_000_000)
    [one] = members(autoscaling, name)
    autoscaling.set_instance_health(InstanceId=one, HealthStatus="Unhealthy")
    assert group(autoscaling, name)["Instances"][0]["HealthStatus"] == "Healthy"
    autoscaling.set_instance_health(InstanceId=one, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False)
    simulator.wait_for("it to go", lambda: one not in members(autoscaling, name))


def test_health_is_healthy_or_unhealthy(autoscaling):
    name = create(autoscaling, 1)
    with refused("ValidationError"):
        autoscaling.set_instance_health(InstanceId=members(autoscaling, name)[0], HealthStatus="Doubtful")


def test_who_is_no_member_has_no_health(sim, autoscaling):
    with refused("ValidationError"):
        autoscaling.set_instance_health(InstanceId=loose(sim)[0], HealthStatus="Unhealthy")


def test_a_member_terminated_in_ec2_is_noticed_and_replaced(sim, autoscaling):
    name = create(autoscaling, 2)
    one = members(autoscaling, name)[0]
    sim.client("ec2").terminate_instances(InstanceIds=[one])

    def replaced():
        now = members(autoscaling, name, "InService")
        return len(now) == 2 and one not in now

    simulator.wait_for("a replacement", replaced)


# ---- Protection


def protect(autoscaling, name, ids, protected=True):
    return autoscaling.set_instance_protection(
        AutoScalingGroupName=name, InstanceIds=ids, ProtectedFromScaleIn=protected
    )


def test_protected_ones_are_not_scaled_in(autoscaling):
    name = create(autoscaling, 3)
    kept = members(autoscaling, name)[:1]
    protect(autoscaling, name, kept)
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
    assert wait_for_members(autoscaling, name, 1) == kept


def test_protection_is_shown_and_taken_back(autoscaling):
    name = create(autoscaling, 1)
    for protected in (True, False):
        protect(autoscaling, name, members(autoscaling, name), protected)
        assert group(autoscaling, name)["Instances"][0]["ProtectedFromScaleIn"] is protected


def test_new_members_can_be_born_protected(autoscaling):
    name = create(autoscaling, 1, NewInstancesProtectedFromScaleIn=True)
    assert group(autoscaling, name)["Instances"][0]["ProtectedFromScaleIn"] is True


def test_protection_does_not_stop_the_terminate_call(sim, autoscaling):
    name = create(autoscaling, 1)
    [one] = members(autoscaling, name)
    protect(autoscaling, name, [one])
    terminate(autoscaling, one, True)
    wait_for_members(autoscaling, name, 0)
    assert one not in sim.instances()


def test_fifty_one_are_not_protected_at_once(autoscaling):
    name = create(autoscaling)
    with refused("ValidationError"):
        protect(autoscaling, name, [f"i-{n:017x}" for n in range(51)])


def test_who_is_no_member_is_not_protected(sim, autoscaling):
    name = create(autoscaling)
    with refused("ValidationError"):
        protect(autoscaling, name, loose(sim))


# ---- Activities


def test_activities_tell_what_was_done(autoscaling):
    name = create(autoscaling, 2)
    done = wait_for_activities(autoscaling, name)
    assert len(done) == 2
    for activity in done:
        assert (activity["StatusCode"], activity["Progress"]) == ("Successful", 100)
        assert activity["AutoScalingGroupName"] == name
        assert activity["Description"].startswith("Launching a new EC2 instance: i-")
        assert activity["Cause"]
        assert activity["StartTime"] <= activity["EndTime"]
    assert len({activity["ActivityId"] for activity in done}) == 2


def test_the_newest_activity_is_first(autoscaling):
    name = create(autoscaling, 1)
    terminate(autoscaling, members(autoscaling, name)[0], True)
    wait_for_members(autoscaling, name, 0)
    done = wait_for_activities(autoscaling, name)
    assert [a["Description"].split()[0] for a in done] == ["Terminating", "Launching"]


def test_activities_are_paged(autoscaling):
    name = create(autoscaling, 5)
    paginator = autoscaling.get_paginator("describe_scaling_activities")
    pages = list(paginator.paginate(AutoScalingGroupName=name, PaginationConfig={"PageSize": 2}))
    assert len(pages) >= 3
    assert len({a["ActivityId"] for page in pages for a in page["Activities"]}) == 5


def test_a_page_has_at_most_100_activities(autoscaling):
    with refused("ValidationError"):
        autoscaling.describe_scaling_activities(MaxRecords=101)


def test_an_activity_that_fails_carries_ec2s_words(start):
    sim = start_groups(start, settings="scarce.toml")
    autoscaling = sim.client("autoscaling")
    sim.faults(
        capacity=[{"zone": zone, "instances": 0} for zone in ("us-east-1a", "us-east-1b", "us-east-1c")]
    )
    wanted = request(1)
    autoscaling.create_auto_scaling_group(**wanted)
    name = wanted["AutoScalingGroupName"]

    def failed():
        done = autoscaling.describe_scaling_activities(AutoScalingGroupName=name)["Activities"]
        return [a for a in done if a["StatusCode"] == "Failed"]

    activity = simulator.wait_for("a failed activity", failed)[0]
    assert "do not have sufficient m5.large capacity" in activity["StatusMessage"]
    sim.faults(capacity=[])
    wait_for_members(autoscaling, name, 1)
