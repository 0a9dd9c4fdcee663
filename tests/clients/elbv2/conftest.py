"""Load balancers. A minute takes 60 ms."""

import pytest


@pytest.fixture(scope="module")
def sim(start):
    return start("autoscaling.toml", scale=1_000)


@pytest.fixture
def elbv2(sim):
    return sim.client("elbv2")


@pytest.fixture(scope="module")
def vpc(sim):
    return sim.client("ec2").describe_subnets()["Subnets"][0]["VpcId"]
