"""The line that says how many checks passed, which tests/clients.rs reads."""

import pytest

# Who asked: a text in the configuration's stash. boto3 and its version if nobody says.
CLIENT = pytest.StashKey()
# How many checks ask for what this client does not know.
LEFT_OUT = pytest.StashKey()


def line(stats, stash):
    passed, defects = len(stats.get("passed", [])), len(stats.get("xfailed", []))
    return (
        f"{stash[CLIENT]}: {passed} checks passed, {defects} known defects, "
        f"{stash[LEFT_OUT]} not known to this client"
    )
