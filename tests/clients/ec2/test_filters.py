"""Filters of DescribeInstances: names, wildcards, and how many (aws-facts 2.5)."""

import pytest

import simulator
from ec2_calls import A, B, found, instance, launch, launch_ids, named, tagged, wait_for_state
from expect import refused


@pytest.fixture(scope="module")
def two(start):
    """A simulator with two different launches: (ec2, two of web in zone a, one of api in zone b)."""
    ec2 = start("still.toml").client("ec2")
    web = launch(ec2, 2, ClientToken="t-web", KeyName="k", TagSpecifications=tagged(team="web", Owner="me"))
    api = launch(
        ec2,
        SubnetId=B,
        ClientToken="t-api",
        InstanceType="c5.xlarge",
        ImageId="ami-0fedcba9876543210",
        TagSpecifications=tagged(team="api"),
    )
    return ec2, web, api


FILTERS = [
    ("instance-id", lambda i: i["InstanceId"]),
    ("client-token", lambda i: i["ClientToken"]),
    ("tag:team", lambda i: {"t-web": "web", "t-api": "api"}[i["ClientToken"]]),
    ("subnet-id", lambda i: i["SubnetId"]),
    ("network-interface.subnet-id", lambda i: i["SubnetId"]),
    ("availability-zone", lambda i: i["Placement"]["AvailabilityZone"]),
    ("private-ip-address", lambda i: i["PrivateIpAddress"]),
    ("image-id", lambda i: i["ImageId"]),
    ("instance-type", lambda i: i["InstanceType"]),
]


@pytest.mark.parametrize("name,value", FILTERS, ids=[name for name, _ in FILTERS])
def test_a_filter_finds_what_has_the_value_and_nothing_else(two, name, value):
    ec2, web, api = two
    assert found(ec2, named(name, value(api[0]))) == [api[0]["InstanceId"]]
    assert api[0]["InstanceId"] not in found(ec2, named(name, value(web[0])))
    assert web[0]["InstanceId"] in found(ec2, named(name, value(web[0])))


def ids(*launches):
    return [i["InstanceId"] for launched in launches for i in launched]


def test_the_reservation_filter_finds_a_launch(two):
    ec2, web, _ = two
    [reservation] = ec2.describe_instances(InstanceIds=ids(web))["Reservations"]
    assert found(ec2, named("reservation-id", reservation["ReservationId"])) == ids(web)


def test_the_key_filter_finds_those_launched_with_it(two):
    ec2, web, _ = two
    assert found(ec2, named("key-name", "k")) == ids(web)


def test_the_tag_key_filter_looks_at_keys(two):
    ec2, web, api = two
    assert found(ec2, named("tag-key", "Owner")) == ids(web)
    assert found(ec2, named("tag-key", "team")) == ids(web, api)
    assert found(ec2, named("tag-key", "web")) == []


def test_the_vpc_filter_finds_all_of_it(two):
    ec2, web, api = two
    assert found(ec2, named("vpc-id", web[0]["VpcId"])) == ids(web, api)


def test_several_values_are_alternatives(two):
    ec2, web, api = two
    assert found(ec2, named("tag:team", "web", "api")) == ids(web, api)


def test_several_filters_must_all_fit(two):
    ec2, web, _ = two
    assert found(ec2, named("tag:team", "web", "api"), named("subnet-id", A)) == ids(web)
    assert found(ec2, named("tag:team", "api"), named("subnet-id", A)) == []


def test_a_star_stands_for_any_characters(two):
    ec2, web, api = two
    assert found(ec2, named("tag:team", "w*")) == ids(web)
    assert found(ec2, named("image-id", "ami-*")) == ids(web, api)
    assert found(ec2, named("tag:team", "*i")) == ids(api)


def test_a_question_mark_stands_for_one_character(two):
    ec2, web, api = two
    assert found(ec2, named("client-token", "t-???")) == ids(web, api)
    assert found(ec2, named("client-token", "t-??")) == []


def test_values_differ_by_case(two):
    ec2, _, _ = two
    assert found(ec2, named("tag:team", "Web")) == []
    assert found(ec2, named("tag:Team", "web")) == []


def test_a_backslash_takes_a_stars_meaning(ec2):
    star, other = (launch_ids(ec2, TagSpecifications=tagged(pattern=p)) for p in ("a*c", "abc"))
    assert found(ec2, named("tag:pattern", "a*c")) == star + other
    assert found(ec2, named("tag:pattern", r"a\*c")) == star


def test_states_are_found_by_name_and_by_code(ec2):
    ids = launch_ids(ec2, 2)
    wait_for_state(ec2, ids, "running")
    assert found(ec2, named("instance-id", *ids), named("instance-state-code", "16")) == ids
    assert found(ec2, named("instance-id", *ids), named("instance-state-code", "0")) == []
    assert found(ec2, named("instance-id", *ids), named("instance-state-name", "pending", "stopped")) == []


def test_an_unknown_filter_is_refused(ec2):
    with refused("InvalidParameterValue", message="'colour' is invalid"):
        found(ec2, named("colour", "red"))


def test_two_hundred_values_are_taken(ec2):
    ids = launch_ids(ec2, 200)
    assert found(ec2, named("instance-id", *ids)) == ids


def test_two_hundred_and_one_values_are_too_many(ec2):
    with refused("FilterLimitExceeded", message="200"):
        found(ec2, named("instance-id", *["i-12345678"] * 201))


def test_fifty_filters_are_taken(ec2):
    [one] = launch_ids(ec2)
    assert found(ec2, *[named("instance-id", one)] * 50) == [one]


def test_fifty_one_filters_are_too_many(ec2):
    with refused("FilterLimitExceeded"):
        found(ec2, *[named("instance-id", "i-12345678")] * 51)


def test_filters_narrow_what_ids_name(ec2):
    ids = launch_ids(ec2, 3)
    assert found(ec2, named("instance-id", ids[0]), InstanceIds=ids) == ids[:1]


def test_a_terminated_one_has_no_address_to_be_found_by(ec2):
    [one] = launch_ids(ec2)
    address = instance(ec2, one)["PrivateIpAddress"]
    assert found(ec2, named("private-ip-address", address), InstanceIds=[one]) == [one]
    ec2.terminate_instances(InstanceIds=[one])
    wait_for_state(ec2, [one], "terminated")
    assert found(ec2, named("private-ip-address", address), InstanceIds=[one]) == []


def test_boto3s_objects_filter_too(two):
    ec2, web, _ = two
    resource = simulator.new_resource("ec2", ec2.meta.endpoint_url)
    assert [i.id for i in resource.instances.filter(Filters=[named("tag:team", "web")])] == ids(web)
