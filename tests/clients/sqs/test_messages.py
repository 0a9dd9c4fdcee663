"""Messages: sent, received, hidden, deleted (aws-facts 4.3)."""

import concurrent.futures
import hashlib
import time

import pytest

import simulator
from expect import refused
from sqs_calls import counts, create, receive, receive_all


def send(sqs, queue, body="x", **parameters):
    return sqs.send_message(QueueUrl=queue, MessageBody=body, **parameters)


def md5(text):
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("body", ["x", "é日🙂", '{"a": [1, "<b>&"]}', "a=b&c=d%20+", " ", "line\nbreak\ttab"])
def test_a_message_comes_as_it_was_sent(sqs, body):
    queue = create(sqs)
    sent = send(sqs, queue, body)
    assert sent["MD5OfMessageBody"] == md5(body)
    [message] = receive(sqs, queue)
    assert (message["Body"], message["MessageId"]) == (body, sent["MessageId"])
    assert message["MD5OfBody"] == md5(body)
    assert message["ReceiptHandle"]


def test_an_empty_queue_answers_nothing(sqs):
    assert "Messages" not in sqs.receive_message(QueueUrl=create(sqs))


def test_message_attributes_travel_along(sqs):
    queue = create(sqs)
    attributes = {
        "kind": {"DataType": "String", "StringValue": "hook"},
        "count": {"DataType": "Number", "StringValue": "3"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    # boto3 checks neither digest of attributes, other SDKs do.
    assert send(sqs, queue, MessageAttributes=attributes)["MD5OfMessageAttributes"]
    [message] = receive(sqs, queue, MessageAttributeNames=["All"])
    assert message["MessageAttributes"] == attributes


def test_attributes_are_left_out_if_nobody_asks(sqs):
    queue = create(sqs)
    send(sqs, queue, MessageAttributes={"kind": {"DataType": "String", "StringValue": "hook"}})
    assert "MessageAttributes" not in receive(sqs, queue)[0]


def test_a_received_message_is_hidden(sqs):
    queue = create(sqs)
    send(sqs, queue)
    assert len(receive(sqs, queue)) == 1
    assert receive(sqs, queue) == []
    assert counts(sqs, queue) == (0, 1)


def test_a_hidden_message_comes_back(fast):
    queue = create(fast, VisibilityTimeout="30")
    send(fast, queue)
    first = receive(fast, queue)[0]
    again = receive_all(fast, queue, 1)[0]
    assert again["MessageId"] == first["MessageId"]
    assert again["ReceiptHandle"] != first["ReceiptHandle"]


def test_receives_are_counted(fast):
    queue = create(fast, VisibilityTimeout="1")
    send(fast, queue)
    counted = [
        receive_all(fast, queue, 1, AttributeNames=["ApproximateReceiveCount"])[0]["Attributes"]
        for _ in range(3)
    ]
    assert [int(c["ApproximateReceiveCount"]) for c in counted] == [1, 2, 3]


def test_a_message_says_when_it_was_sent(sqs):
    queue = create(sqs)
    send(sqs, queue)
    told = receive(sqs, queue, AttributeNames=["All"])[0]["Attributes"]
    assert abs(int(told["SentTimestamp"]) / 1_000 - time.time()) < 60
    assert int(told["ApproximateFirstReceiveTimestamp"]) >= int(told["SentTimestamp"])


def test_a_deleted_message_is_gone(fast):
    queue = create(fast, VisibilityTimeout="1")
    send(fast, queue)
    fast.delete_message(QueueUrl=queue, ReceiptHandle=receive(fast, queue)[0]["ReceiptHandle"])
    assert counts(fast, queue) == (0, 0)


def test_deleting_twice_is_fine(sqs):
    queue = create(sqs)
    send(sqs, queue)
    handle = receive(sqs, queue)[0]["ReceiptHandle"]
    for _ in range(2):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    assert counts(sqs, queue) == (0, 0)


def test_a_handle_that_is_none_is_refused(sqs):
    with refused("ReceiptHandleIsInvalid"):
        sqs.delete_message(QueueUrl=create(sqs), ReceiptHandle="made up")


def test_a_message_is_shown_again_at_once_if_it_is_let_go(sqs):
    queue = create(sqs)
    send(sqs, queue)
    handle = receive(sqs, queue)[0]["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
    assert len(receive(sqs, queue)) == 1


def test_a_message_can_be_hidden_for_longer(start):
    sim = start("services.toml", scale=1_000)
    sqs = sim.client("sqs")
    queue = create(sqs, VisibilityTimeout="2000")
    send(sqs, queue)
    handle = receive(sqs, queue)[0]["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=40_000)
    until = sim.ledger()["now_ms"] + 2_000_000
    simulator.wait_for("the first timeout to pass", lambda: sim.ledger()["now_ms"] > until)
    assert counts(sqs, queue) == (0, 1)


def test_a_message_is_kept_for_at_most_twelve_hours(sqs):
    queue = create(sqs)
    send(sqs, queue)
    handle = receive(sqs, queue)[0]["ReceiptHandle"]
    with refused("InvalidParameterValue"):
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=43_201)


def test_a_receive_says_how_long_its_messages_are_hidden(sqs):
    queue = create(sqs)
    send(sqs, queue)
    assert len(receive(sqs, queue, VisibilityTimeout=0)) == 1
    assert len(receive(sqs, queue)) == 1


def test_a_delayed_message_is_not_there_yet(sqs):
    queue = create(sqs)
    send(sqs, queue, DelaySeconds=900)
    assert receive(sqs, queue) == []
    told = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessagesDelayed"])
    assert told["Attributes"] == {"ApproximateNumberOfMessagesDelayed": "1"}


def test_a_delay_is_at_most_a_quarter_of_an_hour(sqs):
    with refused("InvalidParameterValue"):
        send(sqs, create(sqs), DelaySeconds=901)


def test_a_message_is_forgotten_after_its_retention(fast):
    queue = create(fast, MessageRetentionPeriod="60")
    send(fast, queue)
    simulator.wait_for("it to be forgotten", lambda: counts(fast, queue) == (0, 0))
    assert receive(fast, queue) == []


def test_ten_messages_come_at_most_at_once(sqs):
    queue = create(sqs)
    for i in range(12):
        send(sqs, queue, str(i))
    first = receive(sqs, queue, 10)
    assert 1 <= len(first) <= 10
    rest = receive_all(sqs, queue, 12 - len(first))
    assert {m["Body"] for m in first + rest} == {str(i) for i in range(12)}


@pytest.mark.parametrize("count", [0, 11])
def test_one_to_ten_messages_may_be_asked_for(sqs, count):
    with refused("InvalidParameterValue"):
        receive(sqs, create(sqs), count)


def test_a_receive_waits_at_most_twenty_seconds(sqs):
    with refused("InvalidParameterValue"):
        receive(sqs, create(sqs), WaitTimeSeconds=21)


def test_a_long_poll_ends_empty_when_its_time_is_over(fast):
    assert receive(fast, create(fast), WaitTimeSeconds=20) == []


def test_a_long_poll_hears_of_a_message_that_comes_meanwhile(sqs):
    queue = create(sqs)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(receive, sqs, queue, WaitTimeSeconds=20)
        send(sqs, queue, "at last")
        assert [m["Body"] for m in waiting.result()] == ["at last"]


def test_a_long_poll_answers_at_once_if_there_is_something(sqs):
    queue = create(sqs)
    send(sqs, queue)
    before = time.monotonic()
    assert len(receive(sqs, queue, WaitTimeSeconds=20)) == 1
    assert time.monotonic() - before < 15


def test_an_empty_body_is_refused(unchecked):
    with pytest.raises(unchecked.exceptions.ClientError) as caught:
        send(unchecked, create(unchecked), "")
    assert caught.value.response["Error"]["Code"] in ("MissingParameter", "InvalidParameterValue")


def test_a_body_of_a_mebibyte_is_taken(sqs):
    queue = create(sqs)
    send(sqs, queue, "x" * (1 << 20))
    assert len(receive(sqs, queue)[0]["Body"]) == 1 << 20


def test_a_larger_body_is_refused(sqs):
    with refused("InvalidParameterValue"):
        send(sqs, create(sqs), "x" * ((1 << 20) + 1))


# ---- Batches


def entries(*bodies):
    return [{"Id": f"e{i}", "MessageBody": body} for i, body in enumerate(bodies)]


def test_ten_are_sent_by_one_call(sqs):
    queue = create(sqs)
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries(*"abcdefghij"))
    assert [s["Id"] for s in answer["Successful"]] == [f"e{i}" for i in range(10)]
    assert [s["MD5OfMessageBody"] for s in answer["Successful"]] == [md5(c) for c in "abcdefghij"]
    assert {m["Body"] for m in receive_all(sqs, queue, 10)} == set("abcdefghij")


def batch_refused(code):
    """The names that old clients know."""
    return refused(f"AWS.SimpleQueueService.{code}")


def test_eleven_are_too_many_for_one_call(sqs):
    queue = create(sqs)
    with batch_refused("TooManyEntriesInBatchRequest"):
        sqs.send_message_batch(QueueUrl=queue, Entries=entries(*"abcdefghijk"))
    assert counts(sqs, queue) == (0, 0)


def test_none_is_too_few(unchecked):
    queue = create(unchecked)
    with pytest.raises(unchecked.exceptions.ClientError) as caught:
        unchecked.send_message_batch(QueueUrl=queue, Entries=[])
    code = caught.value.response["Error"]["Code"]
    assert code in ("AWS.SimpleQueueService.EmptyBatchRequest", "MissingParameter")


def test_an_id_twice_is_refused(sqs):
    queue = create(sqs)
    twice = [{"Id": "e", "MessageBody": "x"}] * 2
    with batch_refused("BatchEntryIdsNotDistinct"):
        sqs.send_message_batch(QueueUrl=queue, Entries=twice)


def test_an_id_with_blanks_is_refused(sqs):
    queue = create(sqs)
    bad = [{"Id": "e e", "MessageBody": "x"}]
    with batch_refused("InvalidBatchEntryId"):
        sqs.send_message_batch(QueueUrl=queue, Entries=bad)


def test_ten_are_deleted_by_one_call(sqs):
    queue = create(sqs)
    sqs.send_message_batch(QueueUrl=queue, Entries=entries(*"abcdefghij"))
    got = receive_all(sqs, queue, 10)
    answer = sqs.delete_message_batch(
        QueueUrl=queue,
        Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(got)],
    )
    assert len(answer["Successful"]) == 10
    assert counts(sqs, queue) == (0, 0)


def test_one_bad_handle_fails_alone(sqs):
    queue = create(sqs)
    send(sqs, queue)
    handle = receive(sqs, queue)[0]["ReceiptHandle"]
    answer = sqs.delete_message_batch(
        QueueUrl=queue,
        Entries=[{"Id": "good", "ReceiptHandle": handle}, {"Id": "bad", "ReceiptHandle": "made up"}],
    )
    assert [s["Id"] for s in answer["Successful"]] == ["good"]
    assert [(f["Id"], f["Code"], f["SenderFault"]) for f in answer["Failed"]] == [
        ("bad", "ReceiptHandleIsInvalid", True)
    ]


def test_eleven_are_not_deleted_by_one_call(sqs):
    queue = create(sqs)
    many = [{"Id": str(i), "ReceiptHandle": "x"} for i in range(11)]
    with batch_refused("TooManyEntriesInBatchRequest"):
        sqs.delete_message_batch(QueueUrl=queue, Entries=many)


def test_several_are_let_go_by_one_call(sqs):
    queue = create(sqs)
    sqs.send_message_batch(QueueUrl=queue, Entries=entries("a", "b"))
    got = receive_all(sqs, queue, 2)
    answer = sqs.change_message_visibility_batch(
        QueueUrl=queue,
        Entries=[
            {"Id": str(i), "ReceiptHandle": m["ReceiptHandle"], "VisibilityTimeout": 0}
            for i, m in enumerate(got)
        ],
    )
    assert len(answer["Successful"]) == 2
    assert len(receive_all(sqs, queue, 2)) == 2
