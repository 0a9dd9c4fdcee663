"""SQS at the wall's pace, so that what is in flight stays there while a check looks."""

import pytest


@pytest.fixture(scope="module")
def sim(start):
    return start("services.toml")


@pytest.fixture(scope="module")
def fast(start):
    """A minute takes 60 ms."""
    return start("services.toml", scale=1_000).client("sqs")


@pytest.fixture
def sqs(sim):
    return sim.client("sqs")


@pytest.fixture
def unchecked(sim):
    """A client that sends what it knows to be wrong."""
    return sim.client("sqs", validate=False)
