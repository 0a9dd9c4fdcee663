"""Client tokens: the same launch again is the same instances (aws-facts 2.2)."""

import concurrent.futures

import pytest
from botocore.exceptions import ConnectionClosedError

from ec2_calls import B, C, launch_ids, request, tagged, token, wait_for_state
from expect import refused


def ids(answer):
    return [i["InstanceId"] for i in answer["Instances"]]


def test_the_same_call_again_is_the_same_instances(sim, ec2):
    parameters = request(7)
    first = ec2.run_instances(**parameters)
    again = ec2.run_instances(**parameters)
    assert ids(again) == ids(first)
    assert again["ReservationId"] == first["ReservationId"]
    assert sum(i["token"] == parameters["ClientToken"] for i in sim.ledger()["instances"]) == 7


def test_a_repeat_shows_the_instances_as_they_are_now(ec2):
    parameters = request(2)
    wait_for_state(ec2, ids(ec2.run_instances(**parameters)), "running")
    assert [i["State"]["Name"] for i in ec2.run_instances(**parameters)["Instances"]] == ["running"] * 2


@pytest.mark.parametrize(
    "change",
    [
        {"MaxCount": 4},
        {"MinCount": 2},
        {"InstanceType": "m5.xlarge"},
        {"ImageId": "ami-0fedcba9876543210"},
        {"KeyName": "another"},
        {"UserData": "echo"},
        {"TagSpecifications": tagged(team="api")},
        {"EbsOptimized": True},
        {"SecurityGroupIds": ["sg-0123456789abcdef0"]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_token_with_other_parameters_is_a_mismatch(sim, ec2, change):
    parameters = request(3)
    ec2.run_instances(**parameters)
    with refused("IdempotentParameterMismatch"):
        ec2.run_instances(**{**parameters, **change})
    assert sum(i["token"] == parameters["ClientToken"] for i in sim.ledger()["instances"]) == 3


def test_a_token_is_used_up_when_its_instance_is_terminated(ec2):
    parameters = request(1)
    launched = ids(ec2.run_instances(**parameters))
    ec2.terminate_instances(InstanceIds=launched)
    wait_for_state(ec2, launched, "terminated")
    with refused("IdempotentInstanceTerminated"):
        ec2.run_instances(**parameters)


def test_a_token_launches_once_in_each_zone(ec2):
    parameters = request(2)
    everywhere = [
        ids(ec2.run_instances(**parameters | {"SubnetId": subnet}))
        for subnet in (parameters["SubnetId"], B, C)
    ]
    assert len({i for launched in everywhere for i in launched}) == 6
    assert ids(ec2.run_instances(**parameters | {"SubnetId": B})) == everywhere[1]


def test_a_named_zone_makes_a_token_zonal_as_a_subnet_does(ec2):
    parameters = request(1)
    del parameters["SubnetId"]
    zones = ("us-east-1a", "us-east-1b")
    launched = [ids(ec2.run_instances(**parameters, Placement={"AvailabilityZone": zone})) for zone in zones]
    assert launched[0] != launched[1]


def test_without_a_zone_a_token_is_regional(ec2):
    parameters = request(1)
    del parameters["SubnetId"]
    assert ids(ec2.run_instances(**parameters)) == ids(ec2.run_instances(**parameters))


def test_tokens_differ_by_case(ec2):
    lower = token()
    assert launch_ids(ec2, ClientToken=lower) != launch_ids(ec2, ClientToken=lower.upper())


def test_a_token_has_at_most_64_characters(ec2):
    assert launch_ids(ec2, ClientToken="t" * 64)
    with refused("InvalidParameterValue"):
        launch_ids(ec2, ClientToken="t" * 65)


def test_a_token_is_ascii(ec2):
    with refused("InvalidParameterValue"):
        launch_ids(ec2, ClientToken="jeton-é")


def test_without_a_token_each_call_launches(ec2):
    parameters = request()
    del parameters["ClientToken"]
    assert ids(ec2.run_instances(**parameters)) != ids(ec2.run_instances(**parameters))


def test_a_lost_answer_is_found_again_by_its_token(start):
    sim = start("quick.toml")
    ec2 = sim.client("ec2")
    parameters = request(9)
    sim.faults(lost_replies=100)
    with pytest.raises(ConnectionClosedError):
        ec2.run_instances(**parameters)
    sim.faults(lost_replies=0)
    assert len(ids(ec2.run_instances(**parameters))) == 9
    assert len(sim.ledger()["instances"]) == 9


def test_a_call_lost_on_its_way_launches_nothing(start):
    sim = start("quick.toml")
    sim.faults(lost_replies_before=100)
    with pytest.raises(ConnectionClosedError):
        sim.client("ec2").run_instances(**request(9))
    assert sim.ledger()["instances"] == []


def test_one_token_from_sixteen_at_once_launches_once(sim, ec2):
    parameters = request(3)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ids(ec2.run_instances(**parameters)), range(16)))
    assert answers == [answers[0]] * 16
    assert sum(i["token"] == parameters["ClientToken"] for i in sim.ledger()["instances"]) == 3


def test_sixteen_tokens_at_once_launch_sixteen_times(ec2):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: launch_ids(ec2, 5), range(16)))
    assert len({i for launched in answers for i in launched}) == 80


def test_instances_are_found_by_their_token(ec2):
    parameters = request(4)
    launched = ids(ec2.run_instances(**parameters))
    answer = ec2.describe_instances(Filters=[{"Name": "client-token", "Values": [parameters["ClientToken"]]}])
    assert ids(answer["Reservations"][0]) == launched
