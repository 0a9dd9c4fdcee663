"""DescribeSubnets (aws-facts 2.5, 5.2)."""

import pytest

from ec2_calls import launch_ids, named
from expect import refused


@pytest.fixture(scope="module")
def sim(start):
    """Twelve subnets of 16 or 256 addresses."""
    return start("subnets.toml")


@pytest.fixture
def unchecked(sim):
    """A client that sends what it knows to be wrong."""
    return sim.client("ec2", validate=False)


def test_a_subnet_is_shown_whole(ec2):
    [subnet] = ec2.describe_subnets(SubnetIds=["subnet-00000000000000009"])["Subnets"]
    assert subnet["CidrBlock"] == "127.81.9.0/24"
    assert subnet["AvailabilityZone"] == "us-east-1c"
    assert subnet["State"] == "available"
    assert subnet["VpcId"].startswith("vpc-")
    assert len(subnet["OwnerId"]) == 12
    assert (subnet["DefaultForAz"], subnet["MapPublicIpOnLaunch"]) == (False, False)


def test_five_addresses_of_a_subnet_are_reserved(ec2):
    free = {s["CidrBlock"]: s["AvailableIpAddressCount"] for s in ec2.describe_subnets()["Subnets"]}
    assert (free["127.81.2.0/28"], free["127.81.10.0/24"]) == (11, 251)


def test_what_is_launched_takes_addresses(ec2):
    launch_ids(ec2, 4, SubnetId="subnet-00000000000000001")
    [subnet] = ec2.describe_subnets(SubnetIds=["subnet-00000000000000001"])["Subnets"]
    assert subnet["AvailableIpAddressCount"] == 7


def test_all_are_shown_if_none_is_named(ec2):
    assert len(ec2.describe_subnets()["Subnets"]) == 12


def test_pages_show_each_once(ec2):
    pages = list(ec2.get_paginator("describe_subnets").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["Subnets"]) for page in pages] == [5, 5, 2]
    assert len({s["SubnetId"] for page in pages for s in page["Subnets"]}) == 12


@pytest.mark.parametrize("size", [4, 1_001])
def test_a_page_of_less_than_5_or_more_than_1000_is_refused(unchecked, size):
    with refused("InvalidParameterValue", message="maxResults"):
        unchecked.describe_subnets(MaxResults=size)


def test_an_unknown_subnet_is_named(ec2):
    with refused("InvalidSubnetID.NotFound", message="'subnet-0123456789abcdef0' does not exist"):
        ec2.describe_subnets(SubnetIds=["subnet-00000000000000001", "subnet-0123456789abcdef0"])


@pytest.mark.parametrize(
    "name,values,count",
    [
        ("subnet-id", ["subnet-00000000000000002", "subnet-0000000000000000c"], 2),
        ("availability-zone", ["us-east-1b"], 4),
        ("availabilityZone", ["us-east-1b"], 4),
        ("cidr-block", ["127.81.3.0/28"], 1),
        ("available-ip-address-count", ["251"], 4),
        ("state", ["available"], 12),
        ("state", ["pending"], 0),
        ("vpc-id", ["vpc-*"], 12),
    ],
)
def test_a_filter_finds_what_has_the_value(ec2, name, values, count):
    assert len(ec2.describe_subnets(Filters=[named(name, *values)])["Subnets"]) == count


def test_an_unknown_filter_is_refused(ec2):
    with refused("InvalidParameterValue", message="colour"):
        ec2.describe_subnets(Filters=[named("colour", "red")])


def test_a_dry_run_is_refused(ec2):
    with refused("DryRunOperation", status=412):
        ec2.describe_subnets(DryRun=True)
