"""Rules, their targets, and the events they pick (aws-facts 4.2)."""

import itertools
import json
import re

import pytest

import sqs_calls
from expect import UUID, refused

_names = itertools.count(1)
SOURCE = "a.source"


def new_rule(events, pattern=None):
    """A new rule's name."""
    name = f"rule-{next(_names)}"
    events.put_rule(Name=name, EventPattern=json.dumps(pattern or {"source": [SOURCE]}))
    return name


def queue_for(events, sqs, pattern):
    """A new queue that gets the events of this pattern."""
    queue = sqs_calls.create(sqs, VisibilityTimeout="43200")
    answer = events.put_targets(
        Rule=new_rule(events, pattern), Targets=[{"Id": "1", "Arn": sqs_calls.arn_of(sqs, queue)}]
    )
    assert (answer["FailedEntryCount"], answer["FailedEntries"]) == (0, [])
    return queue


def put(events, *details, source=SOURCE, kind="a kind", **more):
    entries = [
        {"Source": source, "DetailType": kind, "Detail": json.dumps(detail), **more} for detail in details
    ]
    return events.put_events(Entries=entries)


def got(sqs, queue, count):
    return [json.loads(m["Body"]) for m in sqs_calls.receive_all(sqs, queue, count)]


def test_a_rule_has_an_arn_and_is_shown(events):
    name = f"rule-{next(_names)}"
    pattern = json.dumps({"source": ["a"]})
    arn = events.put_rule(Name=name, EventPattern=pattern, Description="what for")["RuleArn"]
    assert re.fullmatch(rf"arn:aws:events:us-east-1:\d{{12}}:rule/{name}", arn)
    [shown] = events.list_rules(NamePrefix=name)["Rules"]
    assert (shown["Name"], shown["Arn"], shown["State"]) == (name, arn, "ENABLED")
    assert json.loads(shown["EventPattern"]) == {"source": ["a"]}


def test_rules_are_listed_by_prefix(events):
    for name in ("listed-a", "listed-b", "other-c"):
        events.put_rule(Name=name, EventPattern='{"source": ["a"]}')
    assert [r["Name"] for r in events.list_rules(NamePrefix="listed-")["Rules"]] == ["listed-a", "listed-b"]


@pytest.mark.parametrize("pattern", ["no JSON", "[]", '{"source": "a"}', '{"source": []}'])
def test_a_pattern_that_is_none_is_refused(events, pattern):
    with refused("InvalidEventPatternException"):
        events.put_rule(Name="bad", EventPattern=pattern)


def test_a_rule_needs_a_pattern_or_a_schedule(events):
    with refused("ValidationException"):
        events.put_rule(Name="empty")


def test_targets_are_listed_and_removed(events, sqs):
    name = new_rule(events)
    arn = sqs_calls.arn_of(sqs, sqs_calls.create(sqs))
    events.put_targets(Rule=name, Targets=[{"Id": i, "Arn": arn} for i in ("a", "b")])
    assert [t["Id"] for t in events.list_targets_by_rule(Rule=name)["Targets"]] == ["a", "b"]
    assert events.remove_targets(Rule=name, Ids=["a"])["FailedEntryCount"] == 0
    assert [(t["Id"], t["Arn"]) for t in events.list_targets_by_rule(Rule=name)["Targets"]] == [("b", arn)]


def test_a_rule_has_at_most_five_targets(events, sqs):
    name = new_rule(events)
    arn = sqs_calls.arn_of(sqs, sqs_calls.create(sqs))
    events.put_targets(Rule=name, Targets=[{"Id": str(i), "Arn": arn} for i in range(5)])
    with refused("LimitExceededException"):
        events.put_targets(Rule=name, Targets=[{"Id": "5", "Arn": arn}])


def test_a_rule_with_targets_is_not_deleted(events, sqs):
    name = new_rule(events)
    arn = sqs_calls.arn_of(sqs, sqs_calls.create(sqs))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    with refused("ValidationException", message="targets"):
        events.delete_rule(Name=name)
    events.remove_targets(Rule=name, Ids=["1"])
    events.delete_rule(Name=name)
    assert events.list_rules(NamePrefix=name)["Rules"] == []


@pytest.mark.parametrize(
    "call",
    [
        lambda e: e.put_targets(
            Rule="nobody", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}]
        ),
        lambda e: e.list_targets_by_rule(Rule="nobody"),
        lambda e: e.remove_targets(Rule="nobody", Ids=["1"]),
    ],
    ids=["put", "list", "remove"],
)
def test_an_unknown_rule_is_not_found(events, call):
    with refused("ResourceNotFoundException"):
        call(events)


def test_an_event_reaches_its_target_in_an_envelope(events, sqs):
    queue = queue_for(events, sqs, {"detail-type": ["the envelope"]})
    answer = put(events, {"a": [1, "é"]}, kind="the envelope", Resources=["arn:aws:x"])
    assert answer["FailedEntryCount"] == 0
    [event] = got(sqs, queue, 1)
    assert event.keys() == {
        "version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"
    }  # fmt: skip
    assert (event["version"], event["source"], event["detail-type"]) == ("0", SOURCE, "the envelope")
    assert (event["region"], event["resources"], event["detail"]) == (
        "us-east-1",
        ["arn:aws:x"],
        {"a": [1, "é"]},
    )
    assert event["id"] == answer["Entries"][0]["EventId"]
    assert re.fullmatch(UUID, event["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"])


@pytest.mark.parametrize(
    "pattern,fits,fits_not",
    [
        ({"detail": {"state": ["running"]}}, {"state": "running"}, {"state": "pending"}),
        ({"detail": {"state": ["running", "pending"]}}, {"state": "pending"}, {"state": "stopped"}),
        ({"detail": {"group": [{"prefix": "web-"}]}}, {"group": "web-1"}, {"group": "api-1"}),
        ({"detail": {"deep": {"er": [1]}}}, {"deep": {"er": 1}}, {"deep": {"er": 2}}),
        (
            {"detail": {"state": ["a"], "zone": ["b"]}},
            {"state": "a", "zone": "b"},
            {"state": "a", "zone": "c"},
        ),
        ({"detail": {"list": ["b"]}}, {"list": ["a", "b"]}, {"list": ["a"]}),
        ({"detail": {"there": [True]}}, {"there": True}, {}),
    ],
    ids=["value", "alternatives", "prefix", "nested", "all of them", "member of a list", "missing"],
)
def test_a_pattern_picks_what_fits(events, sqs, pattern, fits, fits_not):
    kind = f"kind-{next(_names)}"
    queue = queue_for(events, sqs, {"detail-type": [kind], **pattern})
    put(events, fits_not, fits, fits_not, kind=kind)
    # One call's events are told in one go: those that do not fit would be there too.
    assert [event["detail"] for event in got(sqs, queue, 1)] == [fits]
    assert sqs_calls.counts(sqs, queue) == (0, 1)


def test_an_event_reaches_all_rules_that_want_it(events, sqs):
    kind = f"kind-{next(_names)}"
    queues = [queue_for(events, sqs, {"detail-type": [kind]}) for _ in range(3)]
    put(events, {}, kind=kind)
    assert len({got(sqs, queue, 1)[0]["id"] for queue in queues}) == 1


def test_ten_events_are_put_by_one_call(events):
    assert len(put(events, *[{}] * 10)["Entries"]) == 10


def test_eleven_events_are_too_many(events):
    with refused("ValidationException"):
        put(events, *[{}] * 11)


def test_an_event_without_json_fails_alone(events):
    entries = [{"Source": SOURCE, "DetailType": "x", "Detail": detail} for detail in ("{}", "no JSON")]
    answer = events.put_events(Entries=entries)
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["EventId"]
    assert answer["Entries"][1]["ErrorCode"] == "MalformedDetail"


def test_answers_carry_a_request_id(events):
    assert re.fullmatch(UUID, events.list_rules()["ResponseMetadata"]["RequestId"])
