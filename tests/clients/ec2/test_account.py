"""What an account may have of everything, and what EC2 shows late (aws-facts 2.2, 2.3, 2.6, 5)."""

import pytest

import simulator
from ec2_calls import A, B, C, IMAGE, instance, launch_ids, named, request, token, wait_for_state
from expect import code_of, refused


@pytest.fixture
def small(start):
    """A new one for each check, as they use it up."""
    return start("limits.toml", scale=200)


@pytest.fixture
def ec2(small):
    return small.client("ec2")


def test_a_zone_holds_so_many_interfaces(ec2):
    assert len(launch_ids(ec2, 8)) == 6
    with refused("NetworkInterfaceLimitExceeded"):
        launch_ids(ec2)


def test_interfaces_are_counted_by_zone(ec2):
    launch_ids(ec2, 6)
    assert len(launch_ids(ec2, 2, SubnetId=B)) == 2


def test_interfaces_come_back_with_the_end(ec2):
    ids = launch_ids(ec2, 6)
    ec2.terminate_instances(InstanceIds=ids[:2])
    wait_for_state(ec2, ids[:2], "terminated")
    assert len(launch_ids(ec2, 6)) == 2


def test_a_network_holds_so_many_addresses(ec2):
    assert [len(launch_ids(ec2, 6, SubnetId=s)) for s in (A, B)] == [6, 4]
    with refused("NetworkAddressUsageLimitExceeded"):
        launch_ids(ec2, SubnetId=C)


def test_vcpus_are_counted_by_class(ec2):
    # Twenty-four for standard types.
    assert len(launch_ids(ec2, 2, InstanceType="m5.2xlarge")) == 2
    assert len(launch_ids(ec2, 2, InstanceType="c5.2xlarge", SubnetId=B)) == 1
    with refused("VcpuLimitExceeded", message="limit of 24"):
        launch_ids(ec2, InstanceType="r5.large", SubnetId=B)
    # Eight for the types with graphics, and none of them used.
    assert len(launch_ids(ec2, InstanceType="g4dn.2xlarge", SubnetId=B)) == 1


def test_a_class_can_have_no_vcpus_at_all(ec2):
    with refused("VcpuLimitExceeded", message="limit of 0"):
        launch_ids(ec2, InstanceType="p3.2xlarge")


def test_an_image_that_does_not_exist_is_not_launched(ec2):
    with refused("InvalidAMIID.NotFound", message="ami-0bbbbbbbbbbbbbbbb"):
        launch_ids(ec2, ImageId="ami-0bbbbbbbbbbbbbbbb")
    assert launch_ids(ec2, ImageId="ami-0aaaaaaaaaaaaaaaa")


def test_images_are_told(ec2):
    shown = {i["ImageId"] for i in ec2.describe_images()["Images"]}
    assert shown == {IMAGE, "ami-0aaaaaaaaaaaaaaaa"}
    with refused("InvalidAMIID.NotFound"):
        ec2.describe_images(ImageIds=["ami-0bbbbbbbbbbbbbbbb"])


def test_a_template_that_does_not_exist_is_not_launched_from(ec2):
    parameters = {"MinCount": 1, "MaxCount": 1, "SubnetId": A, "ClientToken": token()}
    with refused("InvalidLaunchTemplateName.NotFoundException"):
        ec2.run_instances(**parameters, LaunchTemplate={"LaunchTemplateName": "nobody"})


def test_a_zone_has_so_many_gateways(ec2):
    def nat():
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        return ec2.create_nat_gateway(SubnetId=A, AllocationId=address)["NatGateway"]["NatGatewayId"]

    first = nat()
    with refused("NatGatewayLimitExceeded"):
        nat()
    ec2.delete_nat_gateway(NatGatewayId=first)

    def gone():
        shown = ec2.describe_nat_gateways(NatGatewayIds=[first])["NatGateways"]
        return not shown or shown[0]["State"] == "deleted"

    simulator.wait_for("it to be deleted", gone)
    assert nat() != first


def test_an_address_in_use_is_not_given_back(ec2):
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=A, AllocationId=address)
    with refused("InvalidIPAddress.InUse"):
        ec2.release_address(AllocationId=address)


def test_an_address_is_used_once(ec2):
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=A, AllocationId=address)
    with refused("Resource.AlreadyAssociated"):
        ec2.create_nat_gateway(SubnetId=B, AllocationId=address)


def test_transit_gateways_are_as_the_settings_say(ec2):
    shown = {t["TransitGatewayId"]: t["State"] for t in ec2.describe_transit_gateways()["TransitGateways"]}
    assert shown == {"tgw-0123456789abcdef0": "available", "tgw-0aaaaaaaaaaaaaaaa": "pending"}
    [attachment] = ec2.describe_transit_gateway_attachments()["TransitGatewayAttachments"]
    assert attachment["TransitGatewayId"] == "tgw-0123456789abcdef0"
    assert (attachment["ResourceType"], attachment["State"]) == ("vpc", "available")


def test_transit_gateways_are_filtered_by_state(ec2):
    found = ec2.describe_transit_gateways(Filters=[named("state", "pending")])["TransitGateways"]
    assert [t["TransitGatewayId"] for t in found] == ["tgw-0aaaaaaaaaaaaaaaa"]


def test_a_running_one_is_rebooted_and_stays(ec2):
    ids = launch_ids(ec2)
    wait_for_state(ec2, ids, "running")
    ec2.reboot_instances(InstanceIds=ids)
    assert instance(ec2, ids[0])["State"]["Name"] == "running"


# ---- Shown late


@pytest.fixture
def late(start):
    return start("addressless.toml", scale=100)


def test_an_address_is_missing_at_first(late):
    ec2 = late.client("ec2")
    [one] = launch_ids(ec2)
    shown = instance(ec2, one)
    assert not shown.get("PrivateIpAddress")
    assert shown["State"]["Name"] in ("pending", "running")
    simulator.wait_for("the address", lambda: instance(ec2, one).get("PrivateIpAddress"))


def test_what_was_terminated_counts_for_a_while(late):
    ec2 = late.client("ec2")
    ids = launch_ids(ec2, 2)
    ec2.terminate_instances(InstanceIds=ids)
    wait_for_state(ec2, ids, "terminated")
    assert code_of(lambda: launch_ids(ec2, 2)) == "VcpuLimitExceeded"
    simulator.wait_for("room", lambda: code_of(lambda: launch_ids(ec2, 2)) is None)


def test_a_token_is_forgotten_long_after_its_instances(late):
    ec2 = late.client("ec2")
    parameters = request()
    ids = [i["InstanceId"] for i in ec2.run_instances(**parameters)["Instances"]]
    ec2.terminate_instances(InstanceIds=ids)
    wait_for_state(ec2, ids, "terminated")
    assert code_of(lambda: ec2.run_instances(**parameters)) == "IdempotentInstanceTerminated"
    simulator.wait_for("it to be forgotten", lambda: code_of(lambda: ec2.run_instances(**parameters)) is None)
