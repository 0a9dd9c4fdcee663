"""Service Quotas. A minute takes 60 ms."""

import pytest


@pytest.fixture(scope="module")
def sim(start):
    return start("quotas.toml", scale=1_000)


@pytest.fixture
def quotas(sim):
    return sim.client("service-quotas")
