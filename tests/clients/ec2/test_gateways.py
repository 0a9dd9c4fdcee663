"""NAT gateways and their addresses, and transit gateways (aws-facts 6.1, 6.3)."""

import re

import pytest

import simulator
from ec2_calls import A
from expect import refused


@pytest.fixture
def ec2(start):
    """A new account for each check: it has only five addresses."""
    return start("quick.toml", scale=2_000).client("ec2")


def address(ec2):
    return ec2.allocate_address(Domain="vpc")["AllocationId"]


def nat(ec2, **parameters):
    """A new public gateway's id, once it is available."""
    made = ec2.create_nat_gateway(**{"SubnetId": A, "AllocationId": address(ec2), **parameters})["NatGateway"]
    simulator.wait_for("the gateway", lambda: show(ec2, made["NatGatewayId"])["State"] == "available")
    return made["NatGatewayId"]


def show(ec2, gateway):
    [shown] = ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"]
    return shown


def test_an_address_is_allocated_and_released(ec2):
    made = ec2.allocate_address(Domain="vpc")
    assert re.fullmatch("eipalloc-[0-9a-f]{17}", made["AllocationId"])
    [shown] = ec2.describe_addresses(AllocationIds=[made["AllocationId"]])["Addresses"]
    assert shown["PublicIp"] == made["PublicIp"]
    ec2.release_address(AllocationId=made["AllocationId"])
    with refused("InvalidAllocationID.NotFound"):
        ec2.describe_addresses(AllocationIds=[made["AllocationId"]])


def test_an_account_has_five_addresses(ec2):
    for _ in range(5):
        address(ec2)
    with refused("AddressLimitExceeded"):
        address(ec2)


def test_a_gateway_is_pending_and_then_available(start):
    ec2 = start("still.toml").client("ec2")
    made = ec2.create_nat_gateway(SubnetId=A, AllocationId=address(ec2))["NatGateway"]
    assert re.fullmatch("nat-[0-9a-f]{17}", made["NatGatewayId"])
    assert (made["State"], made["SubnetId"]) == ("pending", A)


def test_an_available_gateway_has_its_address(ec2):
    shown = show(ec2, nat(ec2))
    [one] = shown["NatGatewayAddresses"]
    assert re.fullmatch("eipalloc-[0-9a-f]{17}", one["AllocationId"])
    assert one["PublicIp"] and one["PrivateIp"]


def test_an_available_gateway_has_an_interface(ec2):
    [one] = show(ec2, nat(ec2))["NatGatewayAddresses"]
    assert re.fullmatch("eni-[0-9a-f]{17}", one["NetworkInterfaceId"])


def test_the_token_again_is_the_same_gateway(ec2):
    parameters = {"SubnetId": A, "AllocationId": address(ec2), "ClientToken": "gateway-token"}
    made = {ec2.create_nat_gateway(**parameters)["NatGateway"]["NatGatewayId"] for _ in range(2)}
    assert len(made) == 1


def test_an_unknown_gateway_is_not_found(ec2):
    with refused("NatGatewayNotFound"):
        show(ec2, "nat-0123456789abcdef0")


ASSOCIATE = pytest.mark.needs("ec2.AssociateNatGatewayAddress")


@ASSOCIATE
def test_a_second_address_is_associated(ec2):
    gateway = nat(ec2)
    second = address(ec2)
    ec2.associate_nat_gateway_address(NatGatewayId=gateway, AllocationIds=[second])

    def both():
        addresses = show(ec2, gateway)["NatGatewayAddresses"]
        return len(addresses) == 2 and {a.get("Status") for a in addresses} == {"succeeded"}

    simulator.wait_for("the second address", both)
    assert second in {a["AllocationId"] for a in show(ec2, gateway)["NatGatewayAddresses"]}


@ASSOCIATE
def test_a_public_gateway_has_two_addresses_by_default(ec2):
    gateway = nat(ec2)
    ec2.associate_nat_gateway_address(NatGatewayId=gateway, AllocationIds=[address(ec2)])
    with pytest.raises(ec2.exceptions.ClientError) as caught:
        ec2.associate_nat_gateway_address(NatGatewayId=gateway, AllocationIds=[address(ec2)])
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@ASSOCIATE
def test_an_address_is_disassociated(ec2):
    gateway = nat(ec2)
    ec2.associate_nat_gateway_address(NatGatewayId=gateway, AllocationIds=[address(ec2)])
    simulator.wait_for(
        "both", lambda: all("AssociationId" in a for a in show(ec2, gateway)["NatGatewayAddresses"])
    )
    second = show(ec2, gateway)["NatGatewayAddresses"][1]["AssociationId"]
    ec2.disassociate_nat_gateway_address(NatGatewayId=gateway, AssociationIds=[second])

    def gone():
        left = [a for a in show(ec2, gateway)["NatGatewayAddresses"] if a.get("Status") == "succeeded"]
        return len(left) == 1

    simulator.wait_for("it to be gone", gone)


@ASSOCIATE
def test_a_private_gateway_takes_private_addresses(ec2):
    made = ec2.create_nat_gateway(SubnetId=A, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    simulator.wait_for("the gateway", lambda: show(ec2, made)["State"] == "available")
    ec2.assign_private_nat_gateway_address(NatGatewayId=made, PrivateIpAddressCount=3)
    simulator.wait_for("the addresses", lambda: len(show(ec2, made)["NatGatewayAddresses"]) == 4)


def test_a_dry_run_makes_nothing(ec2):
    with refused("DryRunOperation", status=412):
        ec2.create_nat_gateway(SubnetId=A, AllocationId=address(ec2), DryRun=True)
    assert ec2.describe_nat_gateways()["NatGateways"] == []


def test_transit_gateways_are_told(ec2):
    answer = ec2.describe_transit_gateways()
    assert all(re.fullmatch("tgw-[0-9a-f]{17}", t["TransitGatewayId"]) for t in answer["TransitGateways"])


def test_an_unknown_transit_gateway_is_not_found(ec2):
    with refused("InvalidTransitGatewayID.NotFound"):
        ec2.describe_transit_gateways(TransitGatewayIds=["tgw-0123456789abcdef0"])


def test_attachments_are_told(ec2):
    assert "TransitGatewayAttachments" in ec2.describe_transit_gateway_attachments()
