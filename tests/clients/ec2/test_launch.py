"""RunInstances: what it launches and how it answers (aws-facts 2.1)."""

import datetime
import ipaddress
import re

import pytest

import simulator
from ec2_calls import IMAGE, TYPE, A, B, instance, launch, launch_ids, request, tagged
from expect import UUID, refused


def test_an_instance_is_shown_whole(ec2):
    parameters = request(1, KeyName="a-key", TagSpecifications=tagged(team="web"))
    [one] = ec2.run_instances(**parameters)["Instances"]
    assert re.fullmatch("i-[0-9a-f]{17}", one["InstanceId"])
    assert one["State"] == {"Code": 0, "Name": "pending"}
    assert (one["ImageId"], one["InstanceType"], one["KeyName"]) == (IMAGE, TYPE, "a-key")
    assert (one["SubnetId"], one["Placement"]["AvailabilityZone"]) == (A, "us-east-1a")
    assert one["Placement"]["Tenancy"] == "default"
    assert one["ClientToken"] == parameters["ClientToken"]
    assert one["Tags"] == [{"Key": "team", "Value": "web"}]
    assert re.fullmatch("vpc-[0-9a-f]{17}", one["VpcId"])
    assert one["Monitoring"] == {"State": "disabled"}
    assert (one["Architecture"], one["RootDeviceType"], one["VirtualizationType"]) == ("x86_64", "ebs", "hvm")


def test_a_reservation_has_an_id_and_an_owner(ec2):
    answer = ec2.run_instances(**request())
    assert re.fullmatch("r-[0-9a-f]{17}", answer["ReservationId"])
    assert re.fullmatch("[0-9]{12}", answer["OwnerId"])


def test_every_answer_has_its_own_request_id(ec2):
    ids = [ec2.run_instances(**request())["ResponseMetadata"]["RequestId"] for _ in range(3)]
    assert all(re.fullmatch(UUID, i) for i in ids)
    assert len(set(ids)) == 3


def test_the_request_id_is_in_a_header_too(ec2):
    metadata = ec2.run_instances(**request())["ResponseMetadata"]
    assert metadata["HTTPHeaders"]["x-amzn-requestid"] == metadata["RequestId"]


def test_the_launch_time_is_utc_and_now(start):
    sim = start("still.toml")
    before = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    launched = launch(sim.client("ec2"))[0]["LaunchTime"]
    assert launched.utcoffset() == datetime.timedelta(0)
    assert before <= launched <= datetime.datetime.now(datetime.timezone.utc)


def test_max_count_are_launched_where_there_is_room(ec2):
    assert len(launch(ec2, 40)) == 40


def test_a_thousand_are_launched_by_one_call(ec2):
    assert len(set(launch_ids(ec2, 1_000, SubnetId=B))) == 1_000


def test_a_launch_counts_its_instances_from_zero(ec2):
    assert [i["AmiLaunchIndex"] for i in launch(ec2, 5)] == [0, 1, 2, 3, 4]


def test_each_instance_has_an_address_of_its_subnet(sim, ec2):
    [block] = [ipaddress.ip_network(s["cidr"]) for s in sim.subnets if s["id"] == B]
    addresses = [ipaddress.ip_address(i["PrivateIpAddress"]) for i in launch(ec2, 20, SubnetId=B)]
    assert len(set(addresses)) == 20
    assert all(a in block for a in addresses)


def test_the_first_four_addresses_and_the_last_are_not_given_out(start):
    sim = start("strict.toml")
    addresses = [i["PrivateIpAddress"] for i in launch(sim.client("ec2"), 6)]
    assert addresses[0] == "127.81.0.4"
    assert not {"127.81.0.0", "127.81.0.1", "127.81.0.2", "127.81.0.3", "127.81.0.15"} & set(addresses)


def test_the_private_name_is_made_of_the_address(ec2):
    [one] = launch(ec2)
    assert one["PrivateDnsName"] == f"ip-{one['PrivateIpAddress'].replace('.', '-')}.ec2.internal"


def test_an_interface_can_name_the_subnet(ec2):
    parameters = request(NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": B}])
    del parameters["SubnetId"]
    [one] = ec2.run_instances(**parameters)["Instances"]
    assert one["SubnetId"] == B


def test_an_interface_and_the_call_cannot_both_name_the_subnet(ec2):
    with refused("InvalidParameterCombination", message="subnet"):
        ec2.run_instances(**request(NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": B}]))


def test_without_a_subnet_ec2_chooses_one(sim, ec2):
    parameters = request()
    del parameters["SubnetId"]
    [one] = ec2.run_instances(**parameters)["Instances"]
    assert (one["SubnetId"], one["Placement"]["AvailabilityZone"]) in [
        (s["id"], s["zone"]) for s in sim.subnets
    ]


@pytest.mark.parametrize("zone", ["us-east-1a", "us-east-1b", "us-east-1c"])
def test_without_a_subnet_the_zone_is_kept(ec2, zone):
    parameters = request(Placement={"AvailabilityZone": zone})
    del parameters["SubnetId"]
    [one] = ec2.run_instances(**parameters)["Instances"]
    assert one["Placement"]["AvailabilityZone"] == zone


def test_a_subnet_in_another_zone_than_the_named_is_refused(ec2):
    with refused("InvalidParameterValue"):
        ec2.run_instances(**request(Placement={"AvailabilityZone": "us-east-1b"}))


def test_an_unknown_zone_is_refused(ec2):
    parameters = request(Placement={"AvailabilityZone": "us-east-1q"})
    del parameters["SubnetId"]
    with refused("InvalidParameterValue", message="us-east-1q"):
        ec2.run_instances(**parameters)


def test_an_unknown_subnet_is_refused(ec2):
    with refused("InvalidSubnetID.NotFound", message="'subnet-0123456789abcdef0' does not exist"):
        ec2.run_instances(**request(SubnetId="subnet-0123456789abcdef0"))


def test_min_count_zero_is_refused(ec2):
    with refused("InvalidParameterValue"):
        ec2.run_instances(**request(MinCount=0))


def test_max_count_zero_is_refused(ec2):
    with refused("InvalidParameterValue"):
        ec2.run_instances(**request(MinCount=0, MaxCount=0))


def test_min_count_above_max_count_is_refused(ec2):
    with refused("InvalidParameterCombination"):
        ec2.run_instances(**request(2, MinCount=3))


@pytest.mark.parametrize("name", ["MinCount", "MaxCount"])
def test_a_count_that_is_missing_is_named(sim, name):
    parameters = request()
    del parameters[name]
    with refused("MissingParameter", message=name):
        sim.client("ec2", validate=False).run_instances(**parameters)


def test_a_missing_image_is_named(ec2):
    parameters = request()
    del parameters["ImageId"]
    with refused("MissingParameter", message="ImageId"):
        ec2.run_instances(**parameters)


def test_an_image_that_is_no_id_is_refused(ec2):
    with refused("InvalidAMIID.Malformed"):
        ec2.run_instances(**request(ImageId="debian-12"))


def test_a_type_that_does_not_exist_is_refused(ec2):
    with refused("InvalidParameterValue", message="InstanceType"):
        ec2.run_instances(**request(InstanceType="enormous"))


@pytest.mark.parametrize("size", [1, 16_383, 16_384])
def test_user_data_of_16_kib_is_taken(ec2, size):
    assert len(launch(ec2, UserData="x" * size)) == 1


@pytest.mark.parametrize("size", [16_385, 16_386, 16_387, 20_000])
def test_user_data_over_16_kib_is_refused(ec2, size):
    with refused("InvalidUserData.Malformed", message="limited to"):
        launch(ec2, UserData="x" * size)


def test_user_data_travels_in_base64(ec2):
    parameters = request(UserData=b"echo \x00\xff")
    assert len(ec2.run_instances(**parameters)["Instances"]) == 1
    # The same bytes are the same request, other bytes are another.
    assert len(ec2.run_instances(**parameters)["Instances"]) == 1
    with refused("IdempotentParameterMismatch"):
        ec2.run_instances(**parameters | {"UserData": b"echo \x00\xfe"})


def test_a_dry_run_launches_nothing(sim, ec2):
    before = len(sim.ledger()["instances"])
    with refused("DryRunOperation", status=412, message="would have succeeded"):
        ec2.run_instances(**request(DryRun=True))
    assert len(sim.ledger()["instances"]) == before


def test_what_is_refused_launches_nothing(sim, ec2):
    before = len(sim.ledger()["instances"])
    for parameters in (request(MinCount=0), request(SubnetId="subnet-9"), request(ImageId="x")):
        with pytest.raises(ec2.exceptions.ClientError):
            ec2.run_instances(**parameters)
    assert len(sim.ledger()["instances"]) == before


def test_what_launches_carry_besides_is_taken(ec2):
    [one] = launch(
        ec2,
        EbsOptimized=True,
        Monitoring={"Enabled": True},
        InstanceInitiatedShutdownBehavior="terminate",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3"}}],
        MetadataOptions={"HttpTokens": "required"},
        SecurityGroupIds=["sg-0123456789abcdef0"],
        IamInstanceProfile={"Name": "web"},
    )
    assert one["State"]["Name"] == "pending"


def test_a_launch_is_described_as_it_was_answered(start):
    ec2 = start("still.toml").client("ec2")
    [one] = launch(ec2, TagSpecifications=tagged(team="web"))
    assert instance(ec2, one["InstanceId"]) == one


def test_boto3s_objects_launch_too(sim):
    resource = simulator.new_resource("ec2", sim.endpoint)
    ones = resource.create_instances(**request(3))
    assert [one.instance_type for one in ones] == [TYPE] * 3
    ones[0].load()
    assert ones[0].subnet_id == A
