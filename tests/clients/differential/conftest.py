"""Both sides, and the checks of a scenario: a step each, and a known difference each."""

import os

import pytest

from closing import CLIENT
from differential import twins


def pytest_configure(config):
    config.stash[CLIENT] = "moto and the simulator"
    if not os.environ.get("MUSTER_TEST_MOTO"):
        raise pytest.UsageError("MUSTER_TEST_MOTO is not set: it is the address of a moto server")


@pytest.fixture(scope="module")
def sides(start):
    """moto and a simulator of this file's own."""
    sim = start("twins.toml", scale=2_000)
    return twins.start_moto(), twins.Side("the simulator", sim.endpoint), sim


@pytest.fixture(scope="module")
def answers(request, sides):
    """Both sides' answers to every step of the file."""
    moto, side, sim = sides
    request.module.prepare(moto, side, sim)
    return twins.run(request.module.STEPS, moto, side)


def pytest_generate_tests(metafunc):
    for name in ("step", "known"):
        if name in metafunc.fixturenames:
            cases = getattr(metafunc.module, {"step": "STEPS", "known": "KNOWN"}[name])
            metafunc.parametrize(name, cases, ids=str)


@pytest.fixture(scope="module")
def left_over(request, answers):
    """The differences of each step: (operation, path, moto's, ours)."""
    names = twins.Names()
    found = {}
    for step in request.module.STEPS:
        # Answers that differ altogether say nothing about which names belong together.
        known = twins.Names(names) if step.differs else names
        found[step.name] = [(step.operation, *one) for one in twins.differences(known, *answers[step.name])]
    return found
