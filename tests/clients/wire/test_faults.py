"""What goes wrong on the wire, as clients that nobody here wrote meet it (faults by script)."""

import socket
import ssl
import time
import urllib.parse

import botocore.exceptions
import botocore.parsers
import pytest

import simulator
from ec2_calls import A, B, launch_ids, request
from expect import refused

# How each protocol says that a call came too fast: code and HTTP status.
THROTTLES = {
    "ec2": ("RequestLimitExceeded", 503),
    "sns": ("Throttled", 429),
    "elbv2": ("Throttling", 400),
    "events": ("ThrottlingException", 400),
    "service-quotas": ("TooManyRequestsException", 400),
    "support": ("ThrottlingException", 400),
    "cloudwatch": ("Throttling", 400),
}
CALLS = {
    "ec2": lambda c: c.describe_subnets(),
    "autoscaling": lambda c: c.describe_auto_scaling_groups(),
    "sns": lambda c: c.list_topics(),
    "elbv2": lambda c: c.describe_target_groups(),
    "sqs": lambda c: c.list_queues(),
    "events": lambda c: c.list_rules(),
    "service-quotas": lambda c: c.list_services(),
    "support": lambda c: c.describe_severity_levels(),
    "cloudwatch": lambda c: c.list_metrics(),
}


@pytest.fixture
def sim(start):
    """A new one for each check, as what goes wrong goes wrong for everybody."""
    return start("quick.toml")


def script(sim, fault, **selected):
    sim.faults(script=[{"fault": fault, **selected}])


@pytest.mark.parametrize("service", THROTTLES)
def test_each_service_throttles_in_its_own_words(sim, service):
    script(sim, "throttle")
    code, status = THROTTLES[service]
    with refused(code, status=status):
        CALLS[service](sim.client(service))


@pytest.mark.parametrize("service", CALLS)
def test_each_service_fails_with_a_code_of_its_own(sim, service):
    script(sim, "error")
    with pytest.raises(sim.client(service).exceptions.ClientError) as caught:
        CALLS[service](sim.client(service))
    said = caught.value.response
    assert said["ResponseMetadata"]["HTTPStatusCode"] in (500, 503)
    assert "<" not in said["Error"]["Code"] and not said["Error"]["Code"].isdigit()


@pytest.mark.parametrize("service", CALLS)
def test_a_lost_answer_is_a_closed_connection(sim, service):
    script(sim, "lost_after")
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        CALLS[service](sim.client(service))


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_page_of_html_is_no_answer(sim, status):
    script(sim, "html", status=status)
    expected = (botocore.exceptions.ClientError, botocore.parsers.ResponseParserError)
    with pytest.raises(expected):
        sim.client("ec2").describe_subnets()
    got, headers, body = simulator.raw(sim.endpoint, "/?Action=DescribeSubnets&Version=2016-11-15")
    assert (got, headers["content-type"].partition(";")[0]) == (status, "text/html")
    assert "<html" in body.lower()


def test_half_a_body_is_no_answer_and_has_had_its_effect(sim):
    script(sim, "truncated", action="RunInstances")
    # Versions of boto3 differ in what they notice first: too few bytes, or half a document.
    expected = (botocore.exceptions.HTTPClientError, botocore.parsers.ResponseParserError)
    with pytest.raises(expected):
        sim.client("ec2").run_instances(**request(3))
    assert len(sim.instances()) == 3


def test_a_fault_can_be_about_one_action(sim):
    script(sim, "throttle", action="RunInstances")
    ec2 = sim.client("ec2")
    with refused("RequestLimitExceeded", status=503):
        launch_ids(ec2)
    assert ec2.describe_subnets()["Subnets"]


def test_a_fault_can_be_about_one_service(sim):
    script(sim, "error", service="sqs")
    with pytest.raises(sim.client("sqs").exceptions.ClientError):
        sim.client("sqs").list_queues()
    assert CALLS["sns"](sim.client("sns"))


def test_a_fault_can_be_about_one_zone(sim):
    script(sim, "throttle", zone="us-east-1b")
    ec2 = sim.client("ec2")
    with refused("RequestLimitExceeded", status=503):
        launch_ids(ec2, SubnetId=B)
    assert launch_ids(ec2, SubnetId=A)


def test_a_fault_ends_when_it_is_told_to(start):
    sim = start("quick.toml", scale=1_000)
    script(sim, "throttle", for_s=60.0)
    until = sim.ledger()["now_ms"] + 60_000
    simulator.wait_for("its end", lambda: sim.ledger()["now_ms"] > until)
    assert sim.client("ec2").describe_subnets()["Subnets"]


def test_an_effect_can_come_after_its_caller_has_gone(start):
    sim = start("quick.toml", scale=100)
    script(sim, "late_effect", seconds=100.0, action="RunInstances")
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        sim.client("ec2").run_instances(**request(3))
    assert sim.instances() == {}
    simulator.wait_for("the effect", lambda: len(sim.instances()) == 3)


def test_a_hang_takes_effect_and_answers_late(start):
    sim = start("quick.toml", scale=100)
    script(sim, "hang", seconds=30.0)
    before = sim.ledger()["now_ms"]
    assert len(launch_ids(sim.client("ec2"), 2)) == 2
    assert sim.ledger()["now_ms"] - before >= 30_000


def test_boto3_gets_through_when_every_other_call_fails(start):
    sim = start("quick.toml")
    sim.faults(script=[{"fault": "error", "percent": 50.0}])
    patient = sim.client("ec2", attempts=12)
    before = time.monotonic()
    assert patient.describe_subnets()["Subnets"]
    assert time.monotonic() - before < simulator.PATIENCE_S


def test_a_connection_can_be_refused(start):
    sim = start("quick.toml", scale=100)
    ec2 = sim.client("ec2")
    script(sim, "refuse", for_s=100.0)
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        ec2.describe_subnets()

    def back():
        try:
            return ec2.describe_subnets()["Subnets"]
        except (botocore.exceptions.EndpointConnectionError, botocore.exceptions.ConnectionClosedError):
            return None

    simulator.wait_for("its end", back)


def test_a_connection_can_be_reset(start):
    sim = start("quick.toml", scale=100)
    script(sim, "reset", for_s=100.0)
    # Before the connection is there, or when something is sent on it: the kernel decides.
    broken = (botocore.exceptions.ConnectionClosedError, botocore.exceptions.EndpointConnectionError)
    with pytest.raises(broken):
        sim.client("ec2").describe_subnets()


def test_a_tls_handshake_can_fail_in_two_ways(sim):
    _, _, authority = simulator.raw(sim.endpoint, "/_sim/ca.pem")
    trusting = ssl.create_default_context(cadata=authority)
    where = urllib.parse.urlsplit(sim.endpoint)

    def handshake():
        with socket.create_connection((where.hostname, where.port), simulator.PATIENCE_S) as plain:
            with trusting.wrap_socket(plain, server_hostname="sns.us-east-1.amazonaws.com") as secure:
                return secure.version()

    assert handshake()
    script(sim, "tls")
    met = set()
    for _ in range(20):
        with pytest.raises(OSError) as caught:
            handshake()
        met.add(isinstance(caught.value, ssl.SSLCertVerificationError))
    assert met == {True, False}
    assert sim.client("ec2").describe_subnets()["Subnets"], "plain HTTP goes on"
    script(sim, "tls", percent=0.0)
    assert handshake()


def test_clocks_can_be_wrong(sim):
    script(sim, "clock_skew", seconds=7_200.0)
    ec2 = sim.client("ec2")
    [one] = ec2.run_instances(**request())["Instances"]
    assert one["LaunchTime"].timestamp() - time.time() > 7_000
