"""What runs out: a pool's capacity, a subnet's addresses, the account's vCPUs (aws-facts 2.1, 2.3, 5)."""

import pytest

from ec2_calls import A, B, C, launch_ids, request, wait_for_state
from expect import refused


@pytest.fixture
def scarce(start):
    """A new one for each check, as they use it up."""
    return start("scarce.toml", scale=1_000)


@pytest.fixture
def ec2(scarce):
    return scarce.client("ec2")


def test_a_pool_gives_what_it_has(ec2):
    assert len(launch_ids(ec2, 8)) == 5


def test_an_empty_pool_refuses_with_a_server_error(ec2):
    launch_ids(ec2, 5)
    with refused("InsufficientInstanceCapacity", status=500, message=r"\(us-east-1a\)"):
        launch_ids(ec2)


def test_the_refusal_names_zones_that_have_capacity(ec2):
    launch_ids(ec2, 5)
    with refused("InsufficientInstanceCapacity", status=500, message="choosing us-east-1b, us-east-1c"):
        launch_ids(ec2)


def test_min_count_is_all_or_nothing(scarce, ec2):
    with refused("InsufficientInstanceCapacity", status=500):
        launch_ids(ec2, 10, MinCount=6)
    assert scarce.ledger()["instances"] == []
    assert len(launch_ids(ec2, 10, MinCount=5)) == 5


def test_a_pool_may_be_of_one_type(ec2):
    assert len(launch_ids(ec2, 5, SubnetId=B)) == 3
    with refused("InsufficientInstanceCapacity", status=500, message="m5.large"):
        launch_ids(ec2, SubnetId=B)
    assert len(launch_ids(ec2, 5, SubnetId=B, InstanceType="c5.large")) == 5


def test_an_empty_pool_is_filled_by_what_is_terminated(ec2):
    ids = launch_ids(ec2, 5)
    ec2.terminate_instances(InstanceIds=ids[:2])
    wait_for_state(ec2, ids[:2], "terminated")
    assert len(launch_ids(ec2, 5)) == 2


def test_a_token_that_launched_nothing_can_be_used_again(scarce, ec2):
    parameters = request(6, MinCount=6)
    with refused("InsufficientInstanceCapacity", status=500):
        ec2.run_instances(**parameters)
    scarce.faults(capacity=[])
    assert len(ec2.run_instances(**parameters)["Instances"]) == 6


def test_a_subnet_gives_the_addresses_it_has(ec2):
    assert len(launch_ids(ec2, 20, SubnetId=C)) == 11


def test_a_full_subnet_refuses(ec2):
    launch_ids(ec2, 11, SubnetId=C)
    with refused("InsufficientFreeAddressesInSubnet", message=C):
        launch_ids(ec2, SubnetId=C)


def test_addresses_are_checked_against_min_count(scarce, ec2):
    with refused("InsufficientFreeAddressesInSubnet"):
        launch_ids(ec2, 20, MinCount=12, SubnetId=C)
    assert scarce.ledger()["instances"] == []


def test_the_quota_counts_vcpus(scarce, ec2):
    scarce.faults(vcpu_quota=9, capacity=[])
    assert len(launch_ids(ec2, 10)) == 4, "m5.large has two"
    with refused("VcpuLimitExceeded", message="limit of 9"):
        launch_ids(ec2)


def test_the_quota_counts_bigger_types_for_more(scarce, ec2):
    scarce.faults(vcpu_quota=12, capacity=[])
    assert len(launch_ids(ec2, 10, InstanceType="m5.2xlarge")) == 1
    assert len(launch_ids(ec2, 10, InstanceType="m5.xlarge")) == 1


def test_the_quota_spans_zones(scarce, ec2):
    scarce.faults(vcpu_quota=6, capacity=[])
    assert [len(launch_ids(ec2, 2, SubnetId=s)) for s in (A, B)] == [2, 1]
    with refused("VcpuLimitExceeded"):
        launch_ids(ec2, SubnetId=C)


def test_a_raised_quota_lets_more_in(scarce, ec2):
    scarce.faults(vcpu_quota=2, capacity=[])
    assert len(launch_ids(ec2, 3)) == 1
    scarce.faults(vcpu_quota=6)
    assert len(launch_ids(ec2, 3)) == 2


def test_what_is_terminated_leaves_the_quota(scarce, ec2):
    scarce.faults(vcpu_quota=4, capacity=[])
    ids = launch_ids(ec2, 2)
    ec2.terminate_instances(InstanceIds=ids)
    wait_for_state(ec2, ids, "terminated")
    assert len(launch_ids(ec2, 2)) == 2


def test_the_switch_makes_limits_refuse_instead_of_cut(start):
    ec2 = start("strict.toml").client("ec2")
    with refused("VcpuLimitExceeded"):
        launch_ids(ec2, 7)
    with refused("InsufficientFreeAddressesInSubnet"):
        launch_ids(ec2, 12, InstanceType="m1.small")
    assert len(launch_ids(ec2, 6)) == 6
