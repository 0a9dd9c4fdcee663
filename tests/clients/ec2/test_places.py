"""What can be launched where: types, images, zones, networks."""

import pytest

from ec2_calls import IMAGE, launch_ids, named
from expect import refused


def types(ec2, *names):
    return {
        t["InstanceType"]: t for t in ec2.describe_instance_types(InstanceTypes=list(names))["InstanceTypes"]
    }


# From EC2's own pages on these types.
@pytest.mark.parametrize(
    "name,vcpus,memory_mib,interfaces,addresses",
    [
        ("t2.micro", 1, 1_024, 2, 2),
        ("t3.micro", 2, 1_024, 2, 2),
        ("t3.medium", 2, 4_096, 3, 6),
        ("m5.large", 2, 8_192, 3, 10),
        ("m5.xlarge", 4, 16_384, 4, 15),
        ("m5.4xlarge", 16, 65_536, 8, 30),
        ("c5.large", 2, 4_096, 3, 10),
        ("c5.9xlarge", 36, 73_728, 8, 30),
        ("r5.2xlarge", 8, 65_536, 4, 15),
    ],
)
def test_a_type_has_the_size_that_aws_publishes(ec2, name, vcpus, memory_mib, interfaces, addresses):
    shown = types(ec2, name)[name]
    assert shown["VCpuInfo"]["DefaultVCpus"] == vcpus
    assert shown["MemoryInfo"]["SizeInMiB"] == memory_mib
    network = shown["NetworkInfo"]
    assert (network["MaximumNetworkInterfaces"], network["Ipv4AddressesPerInterface"]) == (
        interfaces,
        addresses,
    )


def test_several_types_are_shown_at_once(ec2):
    assert types(ec2, "m5.large", "c5.large").keys() == {"m5.large", "c5.large"}


def test_an_unknown_type_is_refused(ec2):
    with refused("InvalidInstanceType", message="enormous"):
        types(ec2, "m5.enormous")


def test_types_are_paged(ec2):
    pages = list(ec2.get_paginator("describe_instance_types").paginate(PaginationConfig={"PageSize": 5}))
    names = [t["InstanceType"] for page in pages for t in page["InstanceTypes"]]
    assert len(pages) > 1 and len(set(names)) == len(names)
    assert "m5.large" in names


def test_types_are_filtered_by_name(ec2):
    answer = ec2.describe_instance_types(Filters=[named("instance-type", "m5.*")])
    names = {t["InstanceType"] for t in answer["InstanceTypes"]}
    assert "m5.large" in names and all(name.startswith("m5.") for name in names)


def test_an_image_is_available(ec2):
    [image] = ec2.describe_images(ImageIds=[IMAGE])["Images"]
    assert (image["ImageId"], image["State"], image["Architecture"]) == (IMAGE, "available", "x86_64")


def test_what_is_no_image_id_is_malformed(ec2):
    with refused("InvalidAMIID.Malformed"):
        ec2.describe_images(ImageIds=["debian-12"])


def test_zones_are_available(ec2):
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert [z["ZoneName"] for z in zones] == ["us-east-1a", "us-east-1b", "us-east-1c"]
    assert {z["State"] for z in zones} == {"available"}
    assert {z["RegionName"] for z in zones} == {"us-east-1"}
    assert len({z["ZoneId"] for z in zones}) == 3


def test_zones_are_found_by_name(ec2):
    [zone] = ec2.describe_availability_zones(ZoneNames=["us-east-1b"])["AvailabilityZones"]
    assert zone["ZoneName"] == "us-east-1b"
    with refused("InvalidParameterValue", message="mars-1a"):
        ec2.describe_availability_zones(ZoneNames=["mars-1a"])


def test_the_network_of_the_subnets_is_there(ec2):
    [vpc] = {s["VpcId"] for s in ec2.describe_subnets()["Subnets"]}
    [shown] = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    assert (shown["VpcId"], shown["State"]) == (vpc, "available")


def test_an_unknown_network_is_not_found(ec2):
    with refused("InvalidVpcID.NotFound", message="vpc-0123456789abcdef0"):
        ec2.describe_vpcs(VpcIds=["vpc-0123456789abcdef0"])


def test_a_network_has_a_default_group(ec2):
    groups = ec2.describe_security_groups(Filters=[named("group-name", "default")])["SecurityGroups"]
    assert [g["GroupName"] for g in groups] == ["default"]
    assert groups[0]["GroupId"].startswith("sg-")


@pytest.fixture(scope="module")
def grouped(start):
    """A network whose security groups are known."""
    return start("grouped.toml").client("ec2")


def test_an_unknown_group_is_not_found(grouped):
    with refused("InvalidGroup.NotFound", message="sg-0123456789abcdef0"):
        grouped.describe_security_groups(GroupIds=["sg-0123456789abcdef0"])


def test_an_unknown_group_is_not_launched_with(grouped):
    with refused("InvalidGroup.NotFound", message="sg-0123456789abcdef0"):
        launch_ids(grouped, SecurityGroupIds=["sg-0123456789abcdef0"])
    assert launch_ids(grouped, SecurityGroupIds=["sg-0aaaaaaaaaaaaaaaa"])


def test_each_instance_has_a_network_interface_in_its_zone(ec2):
    def count(zone):
        pages = ec2.get_paginator("describe_network_interfaces").paginate(
            Filters=[named("availability-zone", zone)], PaginationConfig={"PageSize": 5}
        )
        return sum(len(page["NetworkInterfaces"]) for page in pages)

    [subnet] = ec2.describe_subnets(Filters=[named("availability-zone", "us-east-1b")])["Subnets"]
    before = count("us-east-1b")
    launch_ids(ec2, MinCount=7, MaxCount=7, SubnetId=subnet["SubnetId"])
    assert count("us-east-1b") == before + 7


def test_instances_lie_in_the_network(ec2):
    [vpc] = {s["VpcId"] for s in ec2.describe_subnets()["Subnets"]}
    [one] = launch_ids(ec2)
    [reservation] = ec2.describe_instances(InstanceIds=[one])["Reservations"]
    assert reservation["Instances"][0]["VpcId"] == vpc
