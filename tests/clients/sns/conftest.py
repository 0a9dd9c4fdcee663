"""SNS, with queues and listeners to deliver to. The 15 s that an endpoint has to answer take 0.75 s, the 20 s
between retries one."""

import pytest

from listener import listen


@pytest.fixture(scope="module")
def sim(start):
    return start("services.toml", scale=20)


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
