"""Simulated AWSes for the checks."""

import os

# What this machine's user has set for an AWS account of their own is not for the checks.
for _name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[_name]
os.environ |= {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}

import boto3
import pytest

import closing
import simulator


@pytest.fixture(scope="module")
def start():
    """Starts simulators that live as long as the checks of one file: start(settings, scale=1.0)."""
    started = []

    def start(settings, scale=1.0):
        started.append(simulator.Sim(settings, scale))
        return started[-1]

    yield start
    for sim in started:
        sim.stop()


@pytest.fixture(scope="module")
def sim(start):
    """The simulator of most checks: no bucket binds, and a minute takes 30 ms."""
    return start("quick.toml", scale=2_000)


@pytest.fixture
def ec2(sim):
    return sim.client("ec2")


def pytest_configure(config):
    if not os.environ.get(simulator.PROGRAM):
        raise pytest.UsageError(
            f"{simulator.PROGRAM} is not set: it names the muster whose simulator is checked"
        )
    config.stash.setdefault(closing.CLIENT, f"boto3 {boto3.__version__}")


def pytest_collection_modifyitems(config, items):
    """Leaves out what this version of the client cannot ask for."""

    def can(item):
        return all(simulator.knows(name) for mark in item.iter_markers("needs") for name in mark.args)

    known = [item for item in items if can(item)]
    config.stash[closing.LEFT_OUT] = len(items) - len(known)
    items[:] = known


def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.write_line(closing.line(terminalreporter.stats, config.stash))
