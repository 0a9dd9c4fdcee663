"""EventBridge, with queues and listeners for its targets. The 5 s that an endpoint has to answer take 2.5 s."""

import pytest

from listener import listen


@pytest.fixture(scope="module")
def sim(start):
    return start("events.toml", scale=2)


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
