"""AWS Support."""

import pytest


@pytest.fixture(scope="module")
def sim(start):
    return start("services.toml", scale=1_000)


@pytest.fixture
def support(sim):
    return sim.client("support")
