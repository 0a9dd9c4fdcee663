"""CloudWatch at the wall's pace, since metrics carry times; each check in every protocol that the client speaks."""

import pytest

import simulator


@pytest.fixture(scope="module")
def sim(start):
    return start("services.toml")


@pytest.fixture(params=simulator.protocols("cloudwatch"))
def cloudwatch(sim, request):
    return sim.client("cloudwatch", protocol=request.param)
