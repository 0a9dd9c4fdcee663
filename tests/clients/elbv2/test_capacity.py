"""Capacity that is reserved ahead of a peak (aws-facts 6.2)."""

import pytest

import simulator
from elbv2_calls import balancer
from expect import refused

pytestmark = pytest.mark.needs("elbv2.ModifyCapacityReservation")

QUOTAS = {"application": "L-8A66D0E6", "network": "L-723DCCB6"}


def raise_quota(sim, kind, units):
    """Asks for reserved capacity units in the Region, and waits until they are granted."""
    quotas = sim.client("service-quotas")
    where = {"ServiceCode": "elasticloadbalancing", "QuotaCode": QUOTAS[kind]}
    quotas.request_service_quota_increase(**where, DesiredValue=units)
    simulator.wait_for("the quota", lambda: quotas.get_service_quota(**where)["Quota"]["Value"] >= units)


@pytest.fixture(scope="module")
def rich(start):
    """A simulator whose account may reserve 10,000 units, of which each check takes a few hundred."""
    sim = start("autoscaling.toml", scale=1_000)
    raise_quota(sim, "application", 10_000)
    return sim.client("elbv2")


def reserve(elbv2, arn, units):
    return elbv2.modify_capacity_reservation(
        LoadBalancerArn=arn, MinimumLoadBalancerCapacity={"CapacityUnits": units}
    )


def states(elbv2, arn):
    told = elbv2.describe_capacity_reservation(LoadBalancerArn=arn).get("CapacityReservationState", [])
    return {zone["AvailabilityZone"]: zone["State"]["Code"] for zone in told}


def wait_until_provisioned(elbv2, arn):
    simulator.wait_for("the capacity", lambda: set(states(elbv2, arn).values()) == {"provisioned"})


def test_without_a_quota_nothing_can_be_reserved(elbv2):
    with refused("CapacityUnitsLimitExceeded"):
        reserve(elbv2, balancer(elbv2), 100)


def test_a_balancer_has_nothing_reserved_at_first(elbv2):
    told = elbv2.describe_capacity_reservation(LoadBalancerArn=balancer(elbv2))
    assert told.get("MinimumLoadBalancerCapacity") in (None, {}, {"CapacityUnits": 0})


def test_a_reservation_is_pending_and_then_provisioned(rich):
    arn = balancer(rich)
    answer = reserve(rich, arn, 500)
    assert answer["MinimumLoadBalancerCapacity"] == {"CapacityUnits": 500}
    assert {zone["State"]["Code"] for zone in answer["CapacityReservationState"]} == {"pending"}
    wait_until_provisioned(rich, arn)
    told = rich.describe_capacity_reservation(LoadBalancerArn=arn)
    assert told["MinimumLoadBalancerCapacity"] == {"CapacityUnits": 500}
    zones = told["CapacityReservationState"]
    assert {zone["AvailabilityZone"] for zone in zones} == {"us-east-1a", "us-east-1b"}
    assert sum(zone["EffectiveCapacityUnits"] for zone in zones) == 500
    assert told["DecreaseRequestsRemaining"] == 2


def test_a_reservation_waits_for_the_one_before(rich):
    arn = balancer(rich)
    reserve(rich, arn, 500)
    with pytest.raises(rich.exceptions.ClientError) as caught:
        reserve(rich, arn, 600)
    said = caught.value.response
    assert (said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"]) in (
        ("PriorRequestNotComplete", 429),
        ("CapacityReservationPending", 400),
    )


def test_less_than_a_hundred_units_are_refused(rich):
    with refused("InvalidConfigurationRequest"):
        reserve(rich, balancer(rich), 99)


def test_more_than_the_quota_is_refused(rich):
    arns = [balancer(rich) for _ in range(2)]
    reserve(rich, arns[0], 5_000)
    with refused("CapacityUnitsLimitExceeded"):
        reserve(rich, arns[1], 5_001)
    rich.delete_load_balancer(LoadBalancerArn=arns[0])


def test_it_can_be_lowered_twice_a_day(rich):
    arn = balancer(rich)
    for units in (500, 400, 300):
        reserve(rich, arn, units)
        wait_until_provisioned(rich, arn)
    assert rich.describe_capacity_reservation(LoadBalancerArn=arn)["DecreaseRequestsRemaining"] == 0
    with refused("CapacityDecreaseRequestLimitExceeded"):
        reserve(rich, arn, 200)
    # Raising it stays allowed.
    reserve(rich, arn, 600)


def test_a_reset_gives_it_back(rich):
    arn = balancer(rich)
    reserve(rich, arn, 500)
    wait_until_provisioned(rich, arn)
    rich.modify_capacity_reservation(LoadBalancerArn=arn, ResetCapacityReservation=True)

    def given_back():
        told = rich.describe_capacity_reservation(LoadBalancerArn=arn)
        return told.get("MinimumLoadBalancerCapacity") in (None, {}, {"CapacityUnits": 0})

    simulator.wait_for("it to be given back", given_back)


def test_an_unknown_balancer_is_not_found(elbv2):
    arn = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/nobody/0123456789abcdef"
    with refused("LoadBalancerNotFound"):
        reserve(elbv2, arn, 100)
