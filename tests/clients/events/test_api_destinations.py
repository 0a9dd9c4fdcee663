"""API destinations: EventBridge's calls to HTTP endpoints (aws-facts 4.2)."""

import itertools
import json

import pytest

from expect import refused

_names = itertools.count(1)
ROLE = "arn:aws:iam::000000000000:role/invoke"


def connect(events, key="x-api-key", value="secret"):
    """A new connection's ARN."""
    return events.create_connection(
        Name=f"connection-{next(_names)}",
        AuthorizationType="API_KEY",
        AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": key, "ApiKeyValue": value}},
    )["ConnectionArn"]


def destination(events, url, method="POST", **parameters):
    """A new destination's ARN."""
    return events.create_api_destination(
        Name=f"destination-{next(_names)}",
        ConnectionArn=connect(events),
        InvocationEndpoint=url,
        HttpMethod=method,
        **parameters,
    )["ApiDestinationArn"]


@pytest.fixture
def send(events, listener):
    """A function that sends an event by a rule to the listener."""
    kind = f"kind-{next(_names)}"
    events.put_rule(Name=kind, EventPattern=json.dumps({"detail-type": [kind]}))
    target = {"Id": "1", "Arn": destination(events, listener.url), "RoleArn": ROLE}
    assert events.put_targets(Rule=kind, Targets=[target])["FailedEntryCount"] == 0

    def send(detail):
        events.put_events(Entries=[{"Source": "a", "DetailType": kind, "Detail": json.dumps(detail)}])

    return send


def test_a_destination_is_shown(events):
    arn = destination(events, "https://example.com/hooks", InvocationRateLimitPerSecond=20)
    shown = events.describe_api_destination(Name=arn.split("/")[1])
    assert shown["ApiDestinationArn"] == arn
    assert (shown["ApiDestinationState"], shown["HttpMethod"]) == ("ACTIVE", "POST")
    assert (shown["InvocationEndpoint"], shown["InvocationRateLimitPerSecond"]) == (
        "https://example.com/hooks",
        20,
    )


def test_the_default_rate_is_300(events):
    arn = destination(events, "https://example.com/hooks")
    assert events.describe_api_destination(Name=arn.split("/")[1])["InvocationRateLimitPerSecond"] == 300


def test_a_deleted_destination_is_gone(events):
    name = destination(events, "https://example.com/hooks").split("/")[1]
    events.delete_api_destination(Name=name)
    with refused("ResourceNotFoundException"):
        events.describe_api_destination(Name=name)


def test_a_name_is_taken_once(events):
    name = destination(events, "https://example.com/hooks").split("/")[1]
    with refused("ResourceAlreadyExistsException"):
        events.create_api_destination(
            Name=name,
            ConnectionArn=connect(events),
            InvocationEndpoint="https://example.com",
            HttpMethod="POST",
        )


def test_a_destination_needs_its_connection(events):
    arn = "arn:aws:events:us-east-1:000000000000:connection/nobody/00000000-0000-0000-0000-000000000000"
    with refused("ResourceNotFoundException"):
        events.create_api_destination(
            Name="orphan", ConnectionArn=arn, InvocationEndpoint="https://example.com", HttpMethod="POST"
        )


def test_an_event_is_posted_with_the_key(send, listener):
    send({"a": 1})
    [request] = listener.wait_for(1)
    assert (request.method, request.json["detail"]) == ("POST", {"a": 1})
    headers = request.headers
    assert headers["x-api-key"] == "secret"
    assert headers["content-type"].lower() == "application/json; charset=utf-8"
    assert headers["user-agent"] == "Amazon/EventBridge/ApiDestinations"
    assert headers["connection"].lower() == "close"
    assert headers["range"] == "bytes=0-1048575"


@pytest.mark.parametrize("status", [401, 407, 409, 429, 500, 503])
def test_these_refusals_are_tried_again(send, listener, status):
    listener.statuses = [status]
    send({"n": 1})
    tries = listener.wait_for(2)
    assert tries[0].json["id"] == tries[1].json["id"]


@pytest.mark.parametrize("status", [302, 400, 403, 404, 422])
def test_these_are_final(send, listener, status):
    listener.statuses = [status]
    send({"n": "refused"})
    listener.wait_for(1)
    # Another that must be tried three times: a second try of the first would come in between.
    listener.statuses = [500, 500]
    send({"n": "accepted"})
    listener.wait_for(4)
    assert [r.json["detail"]["n"] for r in listener.received].count("refused") == 1
