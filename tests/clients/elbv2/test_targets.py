"""Load balancers, target groups and the health of targets (aws-facts 5.4)."""

import re

import pytest

import simulator
from ec2_calls import NOBODY, A, B, launch_ids, wait_for_state
from elbv2_calls import balancer, health, new_name, target_group
from expect import UUID, refused

NO_GROUP = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/nobody/0123456789abcdef"
NO_BALANCER = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/nobody/0123456789abcdef"


def running(sim, count=1, **parameters):
    ids = launch_ids(sim.client("ec2"), count, **parameters)
    wait_for_state(sim.client("ec2"), ids, "running")
    return ids


def register(elbv2, group, *ids):
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": i} for i in ids])


@pytest.mark.parametrize("kind,path", [("application", "app"), ("network", "net")])
def test_a_balancer_is_shown_whole(elbv2, vpc, kind, path):
    name = new_name()
    [made] = elbv2.create_load_balancer(Name=name, Type=kind, Subnets=[A, B])["LoadBalancers"]
    arn = rf"arn:aws:elasticloadbalancing:us-east-1:\d{{12}}:loadbalancer/{path}/{name}/[0-9a-f]{{16}}"
    assert re.fullmatch(arn, made["LoadBalancerArn"])
    assert (made["LoadBalancerName"], made["Type"], made["VpcId"]) == (name, kind, vpc)
    assert {z["SubnetId"] for z in made["AvailabilityZones"]} == {A, B}
    [shown] = elbv2.describe_load_balancers(Names=[name])["LoadBalancers"]
    assert shown["LoadBalancerArn"] == made["LoadBalancerArn"]
    assert shown["State"]["Code"] in ("provisioning", "active")


def test_boto3s_waiter_sees_a_balancer_become_active(elbv2):
    arn = balancer(elbv2)
    waiter = elbv2.get_waiter("load_balancer_available")
    waiter.wait(LoadBalancerArns=[arn], WaiterConfig={"Delay": 0, "MaxAttempts": 100_000})
    [shown] = elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
    assert shown["State"]["Code"] == "active"


def test_an_unknown_balancer_is_not_found(elbv2):
    with refused("LoadBalancerNotFound"):
        elbv2.describe_load_balancers(LoadBalancerArns=[NO_BALANCER])


def test_a_deleted_balancer_is_gone_and_can_be_deleted_again(elbv2):
    arn = balancer(elbv2)
    for _ in range(2):
        elbv2.delete_load_balancer(LoadBalancerArn=arn)
    with refused("LoadBalancerNotFound"):
        elbv2.describe_load_balancers(LoadBalancerArns=[arn])


def test_a_group_is_shown_with_its_defaults(elbv2, vpc):
    name = new_name()
    [made] = elbv2.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"]
    arn = rf"arn:aws:elasticloadbalancing:us-east-1:\d{{12}}:targetgroup/{name}/[0-9a-f]{{16}}"
    assert re.fullmatch(arn, made["TargetGroupArn"])
    assert (made["TargetType"], made["Protocol"], made["Port"]) == ("instance", "HTTP", 80)
    assert (made["HealthCheckPath"], made["HealthCheckPort"]) == ("/", "traffic-port")
    assert (made["HealthCheckIntervalSeconds"], made["HealthCheckTimeoutSeconds"]) == (30, 5)
    assert (made["HealthyThresholdCount"], made["UnhealthyThresholdCount"]) == (5, 2)


def test_another_group_of_the_name_is_refused(elbv2, vpc):
    name = new_name()
    target_group(elbv2, vpc, Name=name)
    with refused("DuplicateTargetGroupName"):
        target_group(elbv2, vpc, Name=name, Port=81)


def test_groups_are_found_by_arn_and_by_name(elbv2, vpc):
    name = new_name()
    arn = target_group(elbv2, vpc, Name=name)
    by = [{"Names": [name]}, {"TargetGroupArns": [arn]}]
    found = [elbv2.describe_target_groups(**one)["TargetGroups"] for one in by]
    assert [[g["TargetGroupArn"] for g in groups] for groups in found] == [[arn], [arn]]


def test_groups_are_paged(elbv2, vpc):
    made = {target_group(elbv2, vpc) for _ in range(5)}
    pages = list(elbv2.get_paginator("describe_target_groups").paginate(PaginationConfig={"PageSize": 2}))
    assert len(pages) >= 3
    assert made <= {g["TargetGroupArn"] for page in pages for g in page["TargetGroups"]}


@pytest.mark.parametrize(
    "call",
    [
        lambda e: e.describe_target_groups(TargetGroupArns=[NO_GROUP]),
        lambda e: e.describe_target_health(TargetGroupArn=NO_GROUP),
        lambda e: e.register_targets(TargetGroupArn=NO_GROUP, Targets=[{"Id": NOBODY}]),
        lambda e: e.deregister_targets(TargetGroupArn=NO_GROUP, Targets=[{"Id": NOBODY}]),
    ],
    ids=["describe", "health", "register", "deregister"],
)
def test_an_unknown_group_is_not_found(elbv2, call):
    with refused("TargetGroupNotFound"):
        call(elbv2)


def test_a_deleted_group_is_gone(elbv2, vpc):
    arn = target_group(elbv2, vpc)
    elbv2.delete_target_group(TargetGroupArn=arn)
    with refused("TargetGroupNotFound"):
        elbv2.describe_target_groups(TargetGroupArns=[arn])


def test_a_group_in_use_is_not_deleted(elbv2, vpc):
    group = target_group(elbv2, vpc)
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    elbv2.create_listener(LoadBalancerArn=balancer(elbv2), Protocol="HTTP", Port=80, DefaultActions=forward)
    with refused("ResourceInUse"):
        elbv2.delete_target_group(TargetGroupArn=group)


def test_a_listener_is_shown(elbv2, vpc):
    arn, group = balancer(elbv2), target_group(elbv2, vpc)
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    elbv2.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward)
    [shown] = elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    assert (shown["Port"], shown["Protocol"]) == (80, "HTTP")
    assert shown["DefaultActions"][0]["TargetGroupArn"] == group
    [told] = elbv2.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
    assert told["LoadBalancerArns"] == [arn]


def in_use(elbv2, vpc):
    """A new target group behind a listener."""
    group = target_group(elbv2, vpc)
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    elbv2.create_listener(LoadBalancerArn=balancer(elbv2), Protocol="HTTP", Port=80, DefaultActions=forward)
    return group


def test_a_target_nobody_forwards_to_is_unused(sim, elbv2, vpc):
    group = target_group(elbv2, vpc)
    [one] = running(sim)
    register(elbv2, group, one)
    [told] = elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert told["Target"] == {"Id": one, "Port": 80}
    assert (told["TargetHealth"]["State"], told["TargetHealth"]["Reason"]) == ("unused", "Target.NotInUse")


def test_a_target_is_told_with_the_port_that_is_checked(sim, elbv2, vpc):
    group = target_group(elbv2, vpc)
    register(elbv2, group, *running(sim))
    [told] = elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert told["HealthCheckPort"] == "80"


def test_a_new_target_is_checked_first(sim, elbv2, vpc):
    group = in_use(elbv2, vpc)
    register(elbv2, group, *running(sim, 3))
    assert set(health(elbv2, group).values()) <= {"initial", "unhealthy"}


def test_a_target_that_does_not_serve_becomes_unhealthy(sim, elbv2, vpc):
    group = in_use(elbv2, vpc)
    [one] = running(sim)
    register(elbv2, group, one)
    simulator.wait_for("it to be unhealthy", lambda: health(elbv2, group) == {one: "unhealthy"})
    [told] = elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert told["TargetHealth"]["Reason"].startswith("Target.")


def test_a_target_that_serves_becomes_healthy(sim, elbv2, vpc):
    group = in_use(elbv2, vpc)
    [one] = running(sim)
    address = sim.instances()[one]["address"]

    def configured():
        return (
            simulator.raw(f"http://{address}:{sim.agent_port}", "/configure", b'{"slot":"1-0"}', "PUT")[0]
            == 200
        )

    simulator.wait_for("its agent", lambda: simulator.answers(address, sim.agent_port) and configured())
    register(elbv2, group, one)
    simulator.wait_for("it to be healthy", lambda: health(elbv2, group) == {one: "healthy"})


def test_only_the_named_targets_are_told(sim, elbv2, vpc):
    group = target_group(elbv2, vpc)
    ids = running(sim, 3)
    register(elbv2, group, *ids)
    assert health(elbv2, group, ids[1]).keys() == {ids[1]}


def test_a_target_that_was_never_registered_is_unused(elbv2, vpc):
    group = target_group(elbv2, vpc)
    told = elbv2.describe_target_health(TargetGroupArn=group, Targets=[{"Id": NOBODY}])[
        "TargetHealthDescriptions"
    ]
    assert told[0]["TargetHealth"]["Reason"] == "Target.NotRegistered"


def test_an_unknown_instance_is_no_target(elbv2, vpc):
    with refused("InvalidTarget"):
        register(elbv2, target_group(elbv2, vpc), NOBODY)


def test_registering_twice_is_once(sim, elbv2, vpc):
    group = target_group(elbv2, vpc)
    [one] = running(sim)
    for _ in range(2):
        register(elbv2, group, one)
    assert len(health(elbv2, group)) == 1


def test_a_deregistered_target_drains_and_goes(sim, elbv2, vpc):
    group = in_use(elbv2, vpc)
    [one] = running(sim)
    register(elbv2, group, one)
    elbv2.deregister_targets(TargetGroupArn=group, Targets=[{"Id": one}])
    assert health(elbv2, group).get(one) in ("draining", "unhealthy.draining", "unused", None)
    simulator.wait_for("it to be gone", lambda: one not in health(elbv2, group))


def test_a_group_holds_a_thousand_targets(elbv2, vpc):
    group = target_group(elbv2, vpc, TargetType="ip")
    addresses = [f"127.64.{n // 256}.{n % 256}" for n in range(10, 1_011)]
    for part in range(0, 1_000, 100):
        register(elbv2, group, *addresses[part : part + 100])
    with refused("TooManyTargets"):
        register(elbv2, group, addresses[1_000])
    assert len(health(elbv2, group)) == 1_000


def test_limits_are_told(elbv2):
    limits = {limit["Name"]: limit["Max"] for limit in elbv2.describe_account_limits()["Limits"]}
    assert limits["targets-per-application-load-balancer"] == "1000"


def test_answers_carry_a_request_id(elbv2):
    assert re.fullmatch(UUID, elbv2.describe_target_groups()["ResponseMetadata"]["RequestId"])


def test_what_the_simulator_does_not_have_is_an_invalid_action(elbv2):
    with refused("InvalidAction"):
        elbv2.describe_ssl_policies()
