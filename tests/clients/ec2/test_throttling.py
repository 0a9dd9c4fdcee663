"""EC2's token buckets, one for each action's requests and one for its instances (aws-facts 1)."""

import pytest

import simulator
from ec2_calls import NOBODY, launch_ids, named, request
from expect import code_of, refused


@pytest.fixture
def sim(start):
    """A new one for each check, as they use its tokens up."""
    return start("throttled.toml")


def test_requests_beyond_the_bucket_are_refused(ec2):
    codes = [code_of(lambda: launch_ids(ec2)) for _ in range(8)]
    assert codes == [None] * 6 + ["RequestLimitExceeded"] * 2


def test_a_throttle_is_a_503_and_launches_nothing(sim, ec2):
    for _ in range(6):
        launch_ids(ec2)
    with refused("RequestLimitExceeded", status=503, message="Request limit exceeded"):
        launch_ids(ec2)
    assert len(sim.ledger()["instances"]) == 6


def test_instances_have_a_bucket_of_their_own(sim, ec2):
    launch_ids(ec2, 8)
    with refused("RequestLimitExceeded", status=503):
        launch_ids(ec2, 3)
    assert len(launch_ids(ec2, 2)) == 2
    counters = sim.ledger()["apis"]["RunInstances"]
    assert (counters["throttled_by_instances"], counters["throttled_by_requests"]) == (1, 0)


def test_more_instances_than_the_bucket_holds_are_always_refused(ec2):
    assert [code_of(lambda: launch_ids(ec2, 11)) for _ in range(2)] == ["RequestLimitExceeded"] * 2


def test_each_action_has_its_own_bucket(ec2):
    for _ in range(6):
        launch_ids(ec2)
    assert code_of(lambda: launch_ids(ec2)) == "RequestLimitExceeded"
    assert code_of(lambda: ec2.describe_instances(MaxResults=5)) is None
    assert code_of(lambda: ec2.describe_subnets()) is None
    assert code_of(lambda: ec2.describe_subnets()) == "RequestLimitExceeded"


def test_a_describe_of_everything_has_the_smaller_bucket(ec2):
    assert [code_of(lambda: ec2.describe_instances()) for _ in range(3)] == [
        None,
        None,
        "RequestLimitExceeded",
    ]
    by_page = [code_of(lambda: ec2.describe_instances(MaxResults=5)) for _ in range(2)]
    by_filter = [code_of(lambda: ec2.describe_instances(Filters=[named("tag-key", "a")])) for _ in range(2)]
    assert by_page + by_filter == [None] * 4
    assert code_of(lambda: ec2.describe_instances(MaxResults=5)) == "RequestLimitExceeded"


def test_terminates_pay_for_their_instances(ec2):
    ids = launch_ids(ec2, 6)
    assert code_of(lambda: ec2.terminate_instances(InstanceIds=ids[:3])) is None
    assert code_of(lambda: ec2.terminate_instances(InstanceIds=ids[3:])) == "RequestLimitExceeded"
    assert code_of(lambda: ec2.terminate_instances(InstanceIds=ids[3:4])) is None


def test_a_refused_parameter_has_cost_a_request(ec2):
    for _ in range(6):
        assert code_of(lambda: ec2.run_instances(**request(MinCount=0))) == "InvalidParameterValue"
    assert code_of(lambda: launch_ids(ec2)) == "RequestLimitExceeded"


def test_an_unknown_id_has_cost_a_request(ec2):
    for _ in range(5):
        assert code_of(lambda: ec2.terminate_instances(InstanceIds=[NOBODY])) == "InvalidInstanceID.NotFound"
    assert code_of(lambda: ec2.terminate_instances(InstanceIds=[NOBODY])) == "RequestLimitExceeded"


def test_a_repeat_pays_again(ec2):
    parameters = request(6)
    ec2.run_instances(**parameters)
    assert code_of(lambda: ec2.run_instances(**parameters)) == "RequestLimitExceeded"


def test_a_bucket_fills_up_again(start):
    ec2 = start("refilled.toml", scale=200).client("ec2")
    launch_ids(ec2)
    assert code_of(lambda: launch_ids(ec2)) == "RequestLimitExceeded"
    simulator.wait_for("a token", lambda: code_of(lambda: launch_ids(ec2)) is None)


def test_throttles_can_be_ordered(sim, ec2):
    sim.faults(throttle=100)
    for call in (launch_ids, lambda e: e.describe_instances(MaxResults=5), lambda e: e.describe_subnets()):
        with refused("RequestLimitExceeded", status=503):
            call(ec2)
    sim.faults(throttle=0)
    assert len(launch_ids(ec2)) == 1


def test_boto3_tries_again_what_is_throttled(start):
    sim = start("quick.toml")
    sim.faults(throttle=100)
    attempts = sim.client("ec2", attempts=2)
    with refused("RequestLimitExceeded", status=503) as caught:
        attempts.describe_subnets()
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 1
    assert sim.ledger()["apis"]["DescribeSubnets"]["throttled_by_fault"] == 2
