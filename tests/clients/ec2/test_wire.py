"""How EC2 speaks: XML whatever happens, codes that clients can act on, ids to quote (aws-facts 2.3, 9.1)."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from botocore.exceptions import ClientError

import simulator
from ec2_calls import launch_ids, request
from expect import UUID, refused

FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def ask(sim, form, **options):
    return simulator.raw(sim.endpoint, body=form.encode(), headers=FORM, **options)


def error_of(body):
    """Code, message and request id of an error's document, which has nothing else."""
    root = ElementTree.fromstring(body)
    assert root.tag == "Response"
    assert [e.tag for e in root] == ["Errors", "RequestID"]
    [error] = root.find("Errors")
    assert [e.tag for e in error] == ["Code", "Message"]
    return error.findtext("Code"), error.findtext("Message"), root.findtext("RequestID")


@pytest.mark.parametrize(
    "call",
    [
        lambda e: e.describe_spot_price_history(),
        lambda e: e.create_vpc(CidrBlock="10.0.0.0/16"),
        lambda e: e.describe_key_pairs(),
        lambda e: e.monitor_instances(InstanceIds=["i-12345678"]),
    ],
    ids=["DescribeSpotPriceHistory", "CreateVpc", "DescribeKeyPairs", "MonitorInstances"],
)
def test_an_action_the_simulator_does_not_have_is_invalid(ec2, call):
    with refused("InvalidAction", message="is not valid for this web service"):
        call(ec2)


def test_unknown_actions_are_counted(start):
    sim = start("quick.toml")
    with pytest.raises(ClientError):
        sim.client("ec2").describe_key_pairs()
    assert sim.ledger()["unknown_actions"] == 1


@pytest.mark.parametrize(
    "form,code",
    [
        ("", "MissingAction"),
        ("Version=2016-11-15", "MissingAction"),
        ("Action=LaunchRocket&Version=2016-11-15", "InvalidAction"),
        ("Action=RunInstances&Version=2016-11-15", "MissingParameter"),
        ("Action=DescribeInstances&Version=2016-11-15&MaxResults=ten", "InvalidParameterValue"),
        ("Action=DescribeInstances&Version=2016-11-15&DryRun=perhaps", "InvalidParameterValue"),
        ("Action=DescribeInstances&Version=2016-11-15&Filter.1.Value.1=x", "MissingParameter"),
        ("Action=DescribeInstances&Version=2016-11-15&InstanceId.1=%01", "MalformedQueryString"),
    ],
)
def test_what_cannot_be_read_is_answered_in_xml(sim, form, code):
    status, headers, body = ask(sim, form)
    assert status == 400
    assert headers["content-type"].startswith("text/xml")
    got, message, request_id = error_of(body)
    assert (got, bool(message)) == (code, True)
    assert re.fullmatch(UUID, request_id)


def test_garbage_is_answered_in_xml_too(sim):
    status, headers, body = simulator.raw(sim.endpoint, body=bytes(range(256)) * 20, headers=FORM)
    assert (status, headers["content-type"].partition(";")[0]) == (400, "text/xml")
    assert "<html" not in body.lower()
    error_of(body)


def test_a_request_that_is_too_large_is_answered(sim):
    status, _, body = simulator.raw(
        sim.endpoint, body=b"Action=RunInstances&UserData=" + b"x" * (2 << 20), headers=FORM
    )
    assert status in (400, 413)
    assert error_of(body)[0]


def test_a_get_works_as_a_post_does(sim):
    status, _, body = simulator.raw(sim.endpoint, "/?Action=DescribeSubnets&Version=2016-11-15")
    assert status == 200
    assert (
        ElementTree.fromstring(body).tag
        == "{http://ec2.amazonaws.com/doc/2016-11-15/}DescribeSubnetsResponse"
    )


def test_an_answer_is_in_ec2s_namespace(sim):
    _, headers, body = ask(sim, "Action=DescribeInstances&Version=2016-11-15&MaxResults=5")
    root = ElementTree.fromstring(body)
    assert root.tag == "{http://ec2.amazonaws.com/doc/2016-11-15/}DescribeInstancesResponse"
    assert root.findtext("{*}requestId") == headers["x-amzn-requestid"]


def test_an_errors_request_id_is_in_the_header_too(sim):
    _, headers, body = ask(sim, "Action=LaunchRocket&Version=2016-11-15")
    assert error_of(body)[2] == headers["x-amzn-requestid"]


def test_the_client_gets_an_errors_request_id(ec2):
    with refused("InvalidSubnetID.NotFound") as caught:
        ec2.describe_subnets(SubnetIds=["subnet-12345678"])
    assert re.fullmatch(UUID, caught.value.response["ResponseMetadata"]["RequestId"])


def test_an_internal_error_is_a_500(start):
    sim = start("quick.toml")
    sim.faults(errors=100)
    with refused("InternalError", status=500):
        sim.client("ec2").describe_subnets()


def test_markup_in_a_message_is_escaped(ec2):
    with refused("InvalidSubnetID.NotFound", message="'<b>&' does not exist"):
        ec2.run_instances(**request(SubnetId="<b>&"))


def test_answers_take_the_time_they_are_told_to(start):
    sim = start("quick.toml")
    slow = {"min_ms": 300, "max_ms": 300}
    sim.faults(latency={"run_instances": slow, "other": {"min_ms": 0, "max_ms": 0}})
    before = sim.ledger()["now_ms"]
    launch_ids(sim.client("ec2"))
    assert sim.ledger()["now_ms"] - before >= 300


def test_a_hundred_calls_in_a_row_are_all_answered(ec2):
    assert all(len(ec2.describe_subnets()["Subnets"]) == 3 for _ in range(100))
