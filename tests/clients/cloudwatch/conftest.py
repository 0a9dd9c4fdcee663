"""CloudWatch at the wall's pace: metrics carry times."""

import pytest


@pytest.fixture(scope="module")
def sim(start):
    return start("services.toml")


@pytest.fixture
def cloudwatch(sim):
    return sim.client("cloudwatch")
