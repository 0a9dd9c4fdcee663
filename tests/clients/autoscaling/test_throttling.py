"""Auto Scaling's one bucket, shared by all of its calls (aws-facts 1.5)."""

import pytest
from botocore.exceptions import ClientError

from autoscaling_calls import create, start_groups


def test_a_throttle_is_a_client_error_of_one_of_two_codes(start):
    sim = start_groups(start)
    sim.faults(throttle=100)
    with pytest.raises(ClientError) as caught:
        sim.client("autoscaling").describe_auto_scaling_groups()
    said = caught.value.response
    assert said["Error"]["Code"] in ("Throttling", "RateExceeded")
    assert said["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_internal_error_is_a_500(start):
    sim = start_groups(start)
    autoscaling = sim.client("autoscaling")
    create(autoscaling)
    sim.faults(errors=100)
    with pytest.raises(ClientError) as caught:
        autoscaling.describe_auto_scaling_groups()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
