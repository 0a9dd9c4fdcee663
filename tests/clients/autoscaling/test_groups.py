"""Groups: made, described, changed and deleted (aws-facts 3.1, 3.3)."""

import re

import pytest

import simulator
from autoscaling_calls import (
    EVERYWHERE,
    TEMPLATE,
    create,
    group,
    members,
    request,
    start_groups,
    wait_for_members,
)
from ec2_calls import A, found, named
from expect import UUID, refused


def test_a_new_group_is_shown_whole(autoscaling):
    name = create(autoscaling, most=7)
    shown = group(autoscaling, name)
    arn = rf"arn:aws:autoscaling:us-east-1:\d{{12}}:autoScalingGroup:{UUID}:autoScalingGroupName/{name}"
    assert re.fullmatch(arn, shown["AutoScalingGroupARN"])
    assert (shown["MinSize"], shown["MaxSize"], shown["DesiredCapacity"]) == (0, 7, 0)
    assert shown["VPCZoneIdentifier"] == EVERYWHERE
    assert sorted(shown["AvailabilityZones"]) == ["us-east-1a", "us-east-1b", "us-east-1c"]
    assert shown["LaunchTemplate"]["LaunchTemplateName"] == TEMPLATE
    assert re.fullmatch("lt-[0-9a-f]{17}", shown["LaunchTemplate"]["LaunchTemplateId"])
    assert shown["CreatedTime"].utcoffset().total_seconds() == 0


def test_a_new_group_has_the_defaults_of_the_api(autoscaling):
    shown = group(autoscaling, create(autoscaling))
    assert (shown["HealthCheckType"], shown["HealthCheckGracePeriod"]) == ("EC2", 0)
    assert (shown["DefaultCooldown"], shown["TerminationPolicies"]) == (300, ["Default"])
    assert shown["NewInstancesProtectedFromScaleIn"] is False
    for nothing in (
        "Instances",
        "SuspendedProcesses",
        "Tags",
        "LoadBalancerNames",
        "TargetGroupARNs",
        "EnabledMetrics",
    ):
        assert shown.get(nothing, []) == []


def test_desired_is_the_minimum_if_nobody_says(autoscaling):
    parameters = request(MinSize=2, most=3)
    del parameters["DesiredCapacity"]
    autoscaling.create_auto_scaling_group(**parameters)
    assert group(autoscaling, parameters["AutoScalingGroupName"])["DesiredCapacity"] == 2


def test_a_name_is_taken_once(autoscaling):
    name = create(autoscaling)
    with refused("AlreadyExists"):
        autoscaling.create_auto_scaling_group(**request(AutoScalingGroupName=name))


@pytest.mark.parametrize(
    "sizes",
    [
        {"MinSize": 5, "MaxSize": 4, "DesiredCapacity": 4},
        {"MinSize": 0, "MaxSize": 4, "DesiredCapacity": 5},
        {"MinSize": 2, "MaxSize": 4, "DesiredCapacity": 1},
        {"MinSize": -1, "MaxSize": 4, "DesiredCapacity": 0},
    ],
    ids=["min over max", "desired over max", "desired under min", "negative"],
)
def test_sizes_that_contradict_each_other_are_refused(autoscaling, sizes):
    parameters = request(**sizes)
    with refused("ValidationError"):
        autoscaling.create_auto_scaling_group(**parameters)
    assert group(autoscaling, parameters["AutoScalingGroupName"]) is None


def test_a_group_needs_something_to_launch(autoscaling):
    parameters = request()
    del parameters["LaunchTemplate"]
    with refused("ValidationError"):
        autoscaling.create_auto_scaling_group(**parameters)


def test_a_template_that_does_not_exist_is_refused(autoscaling):
    with refused("ValidationError"):
        autoscaling.create_auto_scaling_group(**request(LaunchTemplate={"LaunchTemplateName": "nothing"}))


def test_a_subnet_that_does_not_exist_is_refused(autoscaling):
    with refused("ValidationError"):
        autoscaling.create_auto_scaling_group(**request(VPCZoneIdentifier="subnet-0123456789abcdef0"))


def test_a_group_needs_a_place(autoscaling):
    parameters = request()
    del parameters["VPCZoneIdentifier"]
    with refused("ValidationError"):
        autoscaling.create_auto_scaling_group(**parameters)


def test_an_unknown_group_is_not_described(autoscaling):
    answer = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["nobody"])
    assert answer["AutoScalingGroups"] == []


@pytest.mark.parametrize(
    "call",
    [
        lambda a: a.update_auto_scaling_group(AutoScalingGroupName="nobody", MaxSize=3),
        lambda a: a.set_desired_capacity(AutoScalingGroupName="nobody", DesiredCapacity=1),
        lambda a: a.delete_auto_scaling_group(AutoScalingGroupName="nobody"),
        lambda a: a.suspend_processes(AutoScalingGroupName="nobody"),
        lambda a: a.resume_processes(AutoScalingGroupName="nobody"),
        lambda a: a.attach_instances(AutoScalingGroupName="nobody", InstanceIds=["i-0123456789abcdef0"]),
        lambda a: a.describe_lifecycle_hooks(AutoScalingGroupName="nobody"),
    ],
    ids=["update", "desired", "delete", "suspend", "resume", "attach", "hooks"],
)
def test_an_unknown_group_is_a_validation_error(autoscaling, call):
    with refused("ValidationError", message="not found"):
        call(autoscaling)


def test_a_group_launches_what_is_desired(sim, autoscaling):
    name = create(autoscaling, 4)
    shown = group(autoscaling, name)["Instances"]
    assert {i["LifecycleState"] for i in shown} == {"InService"}
    assert {i["HealthStatus"] for i in shown} == {"Healthy"}
    assert {i["ProtectedFromScaleIn"] for i in shown} == {False}
    assert {i["InstanceType"] for i in shown} == {"m5.large"}
    assert {i["LaunchTemplate"]["LaunchTemplateName"] for i in shown} == {TEMPLATE}
    assert {i["InstanceId"] for i in shown} <= sim.instances().keys()


def test_a_group_spreads_over_its_zones(autoscaling):
    name = create(autoscaling, 6)
    zones = [i["AvailabilityZone"] for i in group(autoscaling, name)["Instances"]]
    assert sorted(zones) == ["us-east-1a"] * 2 + ["us-east-1b"] * 2 + ["us-east-1c"] * 2


def test_a_group_launches_in_its_subnets_only(sim, autoscaling):
    name = create(autoscaling, 3, VPCZoneIdentifier=A)
    assert {sim.instances()[i]["subnet"] for i in members(autoscaling, name)} == {A}


def test_members_wear_their_groups_tags(sim, autoscaling):
    tags = [
        {"Key": "team", "Value": "web", "PropagateAtLaunch": True},
        {"Key": "secret", "Value": "x", "PropagateAtLaunch": False},
    ]
    name = create(autoscaling, 1, Tags=tags)
    [one] = members(autoscaling, name)
    assert (
        sim.instances()[one]["tags"] | {"team": "web", "aws:autoscaling:groupName": name}
        == sim.instances()[one]["tags"]
    )
    assert "secret" not in sim.instances()[one]["tags"]
    assert found(sim.client("ec2"), named("tag:aws:autoscaling:groupName", name)) == [one]


def test_a_groups_launches_leave_the_accounts_bucket_alone(sim, autoscaling):
    before = sim.ledger()["apis"]["RunInstances"]["calls"]
    create(autoscaling, 3)
    assert sim.ledger()["apis"]["RunInstances"]["calls"] == before


def test_desired_above_max_is_refused(autoscaling):
    name = create(autoscaling, most=1)
    message = "New SetDesiredCapacity value 2 is above max value 1 for the AutoScalingGroup."
    with refused("ValidationError", message=f"^{re.escape(message)}$"):
        autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=2)


def test_desired_below_min_is_refused(autoscaling):
    name = create(autoscaling, 1, MinSize=1)
    with refused("ValidationError", message="below min value"):
        autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=0)


def test_a_raised_desired_launches_more(autoscaling):
    name = create(autoscaling, 1)
    before = members(autoscaling, name)
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=4)
    assert group(autoscaling, name)["DesiredCapacity"] == 4
    assert set(before) < set(wait_for_members(autoscaling, name, 4))


def test_a_lowered_desired_terminates_some(sim, autoscaling):
    name = create(autoscaling, 4)
    before = set(members(autoscaling, name))
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
    kept = set(wait_for_members(autoscaling, name, 1))
    assert kept < before
    assert sim.instances().keys() & before == kept


def test_scaling_in_keeps_zones_balanced(autoscaling):
    name = create(autoscaling, 6)
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=3)
    wait_for_members(autoscaling, name, 3)
    zones = {i["AvailabilityZone"] for i in group(autoscaling, name)["Instances"]}
    assert zones == {"us-east-1a", "us-east-1b", "us-east-1c"}


def test_a_cooldown_can_be_honoured(autoscaling):
    name = create(autoscaling, DefaultCooldown=100_000)
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
    wait_for_members(autoscaling, name, 1)
    with refused("ScalingActivityInProgress"):
        autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=2, HonorCooldown=True)
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=2, HonorCooldown=False)
    wait_for_members(autoscaling, name, 2)


def test_an_update_changes_what_it_names(autoscaling):
    name = create(autoscaling, most=3)
    autoscaling.update_auto_scaling_group(AutoScalingGroupName=name, MaxSize=9, HealthCheckGracePeriod=60)
    shown = group(autoscaling, name)
    assert (shown["MinSize"], shown["MaxSize"], shown["HealthCheckGracePeriod"]) == (0, 9, 60)
    assert shown["VPCZoneIdentifier"] == EVERYWHERE


def test_a_minimum_above_desired_raises_it(autoscaling):
    name = create(autoscaling)
    autoscaling.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=2)
    assert group(autoscaling, name)["DesiredCapacity"] == 2
    wait_for_members(autoscaling, name, 2)


def test_a_maximum_below_desired_lowers_it(autoscaling):
    name = create(autoscaling, 3)
    autoscaling.update_auto_scaling_group(AutoScalingGroupName=name, MaxSize=1)
    assert group(autoscaling, name)["DesiredCapacity"] == 1
    wait_for_members(autoscaling, name, 1)


@pytest.mark.parametrize(
    "sizes", [{"MinSize": 11}, {"DesiredCapacity": 11}, {"MaxSize": 3, "DesiredCapacity": 4}]
)
def test_an_update_that_contradicts_itself_is_refused(autoscaling, sizes):
    name = create(autoscaling)
    with refused("ValidationError"):
        autoscaling.update_auto_scaling_group(AutoScalingGroupName=name, **sizes)
    shown = group(autoscaling, name)
    assert (shown["MinSize"], shown["MaxSize"], shown["DesiredCapacity"]) == (0, 10, 0)


def test_a_group_with_instances_is_not_deleted(autoscaling):
    name = create(autoscaling, 1)
    with refused("ResourceInUse"):
        autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name)


def test_an_empty_group_is_deleted(autoscaling):
    name = create(autoscaling)
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name)
    simulator.wait_for("the group to be gone", lambda: group(autoscaling, name) is None)


def test_force_deletes_a_group_with_its_instances(sim, autoscaling):
    name = create(autoscaling, 2)
    ids = set(members(autoscaling, name))
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    simulator.wait_for("the group to be gone", lambda: group(autoscaling, name) is None)
    assert not ids & sim.instances().keys()


@pytest.fixture(scope="module")
def many(start):
    """A simulator with 105 empty groups, every fifth of team b."""
    sim = start_groups(start)
    autoscaling = sim.client("autoscaling")
    for i in range(105):
        tags = [{"Key": "team", "Value": "ab"[i % 5 == 0], "PropagateAtLaunch": True}]
        autoscaling.create_auto_scaling_group(**request(AutoScalingGroupName=f"g-{i:03}", Tags=tags))
    return autoscaling


def test_a_page_has_50_groups_if_nobody_says(many):
    answer = many.describe_auto_scaling_groups()
    assert len(answer["AutoScalingGroups"]) <= 50
    assert answer["NextToken"]


def test_a_page_has_at_most_100_groups(many):
    assert len(many.describe_auto_scaling_groups(MaxRecords=100)["AutoScalingGroups"]) <= 100
    with refused("ValidationError"):
        many.describe_auto_scaling_groups(MaxRecords=101)


def test_pages_show_each_group_once(many):
    pages = many.get_paginator("describe_auto_scaling_groups").paginate(PaginationConfig={"PageSize": 20})
    names = [g["AutoScalingGroupName"] for page in pages for g in page["AutoScalingGroups"]]
    assert sorted(names) == [f"g-{i:03}" for i in range(105)]


def test_a_token_that_was_never_given_out_is_refused(many):
    with refused("InvalidNextToken"):
        many.describe_auto_scaling_groups(NextToken="made-up")


@pytest.mark.needs("autoscaling.DescribeAutoScalingGroups.Filters")
def test_groups_are_found_by_their_tags(many):
    filters = [{"Name": "tag:team", "Values": ["b"]}]
    pages = many.get_paginator("describe_auto_scaling_groups").paginate(Filters=filters)
    assert len([g for page in pages for g in page["AutoScalingGroups"]]) == 21


@pytest.mark.needs("autoscaling.DescribeAutoScalingGroups.IncludeInstances")
def test_instances_can_be_left_out(autoscaling):
    name = create(autoscaling, 1)
    answer = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name], IncludeInstances=False)
    assert answer["AutoScalingGroups"][0].get("Instances", []) == []


def test_account_limits_are_told(autoscaling):
    create(autoscaling)
    limits = autoscaling.describe_account_limits()
    assert (limits["MaxNumberOfAutoScalingGroups"], limits["MaxNumberOfLaunchConfigurations"]) == (500, 200)
    assert limits["NumberOfAutoScalingGroups"] >= 1


def test_tags_are_changed_and_described(autoscaling):
    name = create(autoscaling)

    def tag(value):
        return {
            "ResourceId": name,
            "ResourceType": "auto-scaling-group",
            "Key": "team",
            "Value": value,
            "PropagateAtLaunch": True,
        }

    for value in ("web", "api"):
        autoscaling.create_or_update_tags(Tags=[tag(value)])
    described = autoscaling.describe_tags(Filters=[{"Name": "auto-scaling-group", "Values": [name]}])["Tags"]
    assert described == [tag("api")]
    assert group(autoscaling, name)["Tags"] == [tag("api")]


def test_answers_carry_a_request_id(autoscaling):
    metadata = autoscaling.describe_auto_scaling_groups()["ResponseMetadata"]
    assert re.fullmatch(UUID, metadata["RequestId"])


def test_what_the_simulator_does_not_have_is_an_invalid_action(autoscaling):
    with refused("InvalidAction"):
        autoscaling.describe_scheduled_actions()
