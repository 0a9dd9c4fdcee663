"""A simulator with a launch template, and its clients."""

import pytest

from autoscaling_calls import start_groups


@pytest.fixture(scope="module")
def sim(start):
    return start_groups(start)


@pytest.fixture
def autoscaling(sim):
    return sim.client("autoscaling")
