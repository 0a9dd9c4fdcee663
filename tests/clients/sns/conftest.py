"""SNS, with queues and listeners to deliver to. Twenty seconds between retries take 100 ms."""

import pytest

from listener import listen


@pytest.fixture(scope="module")
def sim(start):
    return start("services.toml", scale=200)


@pytest.fixture
def sns(sim):
    return sim.client("sns")


@pytest.fixture
def sqs(sim):
    return sim.client("sqs")


@pytest.fixture
def listener():
    with listen() as listener:
        yield listener
