"""Signatures, made by the clients' own signers (AWS's Signature Version 4), where they are checked."""

import email.utils
import time
import urllib.parse

import pytest

import simulator
from ec2_calls import request
from expect import refused

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
# A call of each service that needs nothing.
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
every_service = pytest.mark.parametrize("service", CALLS)


@pytest.fixture(scope="module")
def sim(start):
    return start("signed.toml")


def codes(service):
    """How the service's protocol says that a key is unknown, a signature wrong, and that there is none."""
    if simulator.protocols(service)[0] in ("json", "smithy-rpc-v2-cbor"):
        return (
            ("UnrecognizedClientException", 400),
            ("InvalidSignatureException", 400),
            ("MissingAuthenticationTokenException", 400),
        )
    unknown = ("AuthFailure", 401) if service == "ec2" else ("InvalidClientTokenId", 403)
    return unknown, ("SignatureDoesNotMatch", 403), ("MissingAuthenticationToken", 403)


@every_service
def test_what_the_client_signs_is_accepted(sim, service):
    answer = CALLS[service](sim.client(service, key=KEY, secret=SECRET))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


@every_service
def test_another_secret_is_refused(sim, service):
    _, (code, status), _ = codes(service)
    with pytest.raises(sim.client(service).exceptions.ClientError) as caught:
        CALLS[service](sim.client(service, key=KEY, secret="another"))
    said = caught.value.response
    # EC2 has two codes for it, and documents neither for this case.
    assert (said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"]) in {
        (code, status),
        ("AuthFailure", 401) if service == "ec2" else (code, status),
    }


@every_service
def test_an_unknown_key_is_refused(sim, service):
    (code, status), _, _ = codes(service)
    with refused(code, status=status):
        CALLS[service](sim.client(service, key="AKIAI44QH8DHBEXAMPLE", secret=SECRET))


@every_service
def test_without_a_signature_nobody_is_let_in(sim, service):
    _, _, (code, status) = codes(service)
    with refused(code, status=status):
        CALLS[service](sim.client(service, key=None, secret=None))


def test_a_signature_covers_a_large_body(sim):
    parameters = request(2, UserData="x" * 16_000)
    assert len(sim.client("ec2", key=KEY, secret=SECRET).run_instances(**parameters)["Instances"]) == 2


def test_a_signed_url_is_accepted(sim):
    url = sim.client("ec2", key=KEY, secret=SECRET).generate_presigned_url("describe_subnets", HttpMethod="GET")
    parts = urllib.parse.urlsplit(url)
    assert "X-Amz-Signature" in parts.query
    status, _, body = simulator.raw(sim.endpoint, f"{parts.path}?{parts.query}")
    assert (status, "DescribeSubnetsResponse" in body) == (200, True)


def test_a_signed_url_that_was_changed_is_refused(sim):
    url = sim.client("ec2", key=KEY, secret=SECRET).generate_presigned_url("describe_subnets", HttpMethod="GET")
    parts = urllib.parse.urlsplit(url)
    status, _, _ = simulator.raw(sim.endpoint, f"{parts.path}?{parts.query}&DryRun=true")
    assert status in (401, 403)


def expired(service):
    """How the service's protocol says that a signature is too old, or too young: code and HTTP status."""
    if service == "ec2":
        return "RequestExpired", 400
    if simulator.protocols(service)[0] in ("json", "smithy-rpc-v2-cbor"):
        return "InvalidSignatureException", 400
    return "SignatureDoesNotMatch", 403


@pytest.fixture(scope="module")
def skewed(start):
    """A simulator of its own: its clocks are wrong for everybody."""
    return start("signed.toml")


@every_service
@pytest.mark.parametrize("seconds", [600.0, -600.0], ids=["ahead", "behind"])
def test_a_clock_that_is_ten_minutes_off_accepts_nobody_and_tells_its_time(skewed, service, seconds):
    skewed.faults(script=[{"fault": "clock_skew", "seconds": seconds}])
    code, status = expired(service)
    with pytest.raises(skewed.client(service).exceptions.ClientError) as caught:
        CALLS[service](skewed.client(service, key=KEY, secret=SECRET))
    said = caught.value.response
    assert (said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    # Clients that mend their own clock's error read it here.
    told = email.utils.parsedate_to_datetime(said["ResponseMetadata"]["HTTPHeaders"]["date"])
    assert abs(told.timestamp() - time.time() - seconds) < 60


@every_service
def test_a_signature_lasts_five_minutes(skewed, service):
    skewed.faults(script=[{"fault": "clock_skew", "seconds": 120.0}])
    assert CALLS[service](skewed.client(service, key=KEY, secret=SECRET))


def test_the_clock_of_one_service_can_be_wrong(skewed):
    skewed.faults(script=[{"fault": "clock_skew", "seconds": 600.0, "service": "sqs"}])
    assert CALLS["ec2"](skewed.client("ec2", key=KEY, secret=SECRET))
    code, status = expired("sqs")
    with refused(code, status=status):
        CALLS["sqs"](skewed.client("sqs", key=KEY, secret=SECRET))
