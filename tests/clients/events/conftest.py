"""EventBridge, with queues and listeners for its targets. A minute takes 600 ms."""

import pytest

from listener import listen


@pytest.fixture(scope="module")
def sim(start):
    return start("services.toml", scale=100)


@pytest.fixture
def events(sim):
    return sim.client("events")


@pytest.fixture
def sqs(sim):
    return sim.client("sqs")


@pytest.fixture
def listener():
    with listen() as listener:
        yield listener
