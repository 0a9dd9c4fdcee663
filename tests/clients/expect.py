"""What AWS promises of every answer, and of every refusal."""

import contextlib
import re

import pytest
from botocore.exceptions import ClientError

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@contextlib.contextmanager
def refused(code, status=400, message=None):
    """The call inside is refused with this code, HTTP status and (a regular expression) message."""
    with pytest.raises(ClientError) as caught:
        yield caught
    said = caught.value.response
    got = (said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"])
    assert got == (code, status), said
    if message is not None:
        assert re.search(message, said["Error"]["Message"]), said["Error"]["Message"]


def code_of(call):
    """The code a call is refused with; none if it is answered."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None
