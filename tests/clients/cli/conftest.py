"""The AWS CLI as a program."""

import json
import os
import subprocess

import pytest

import simulator
from closing import CLIENT

PROGRAM = "MUSTER_TEST_AWS_CLI"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": simulator.REGION,
    "AWS_DEFAULT_OUTPUT": "json",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_PAGER": "",
}


class Said:
    """What a command said, and its exit code."""

    def __init__(self, finished):
        self.code, self.out, self.err = finished.returncode, finished.stdout, finished.stderr

    @property
    def json(self):
        assert self.code == 0, self
        return json.loads(self.out)

    def refused(self, code, operation):
        """It ended as the CLI ends when AWS refuses a call: with the code, and nothing on standard output."""
        expected = f"An error occurred ({code}) when calling the {operation} operation"
        return self.code != 0 and not self.out and expected in self.err

    def __repr__(self):
        return f"exit code {self.code}\n{self.out}\n{self.err}"


def pytest_configure(config):
    if not os.environ.get(PROGRAM):
        raise pytest.UsageError(f"{PROGRAM} is not set: it names the AWS CLI's program")
    version = subprocess.run([os.environ[PROGRAM], "--version"], capture_output=True, text=True, check=True)
    config.stash[CLIENT] = version.stdout.split()[0]


@pytest.fixture(scope="module")
def aws(sim):
    """Runs a command against the simulator of this file: aws("ec2", "describe-subnets", output="text")."""

    def run(*arguments, on=sim, **environment):
        return Said(
            subprocess.run(
                [os.environ[PROGRAM], "--endpoint-url", on.endpoint, *arguments],
                env=os.environ | ENVIRONMENT | environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=simulator.PATIENCE_S,
            )
        )

    return run
