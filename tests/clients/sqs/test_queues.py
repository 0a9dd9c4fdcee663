"""Queues: made, found, described, emptied, deleted (aws-facts 4.3)."""

import re

import pytest
from botocore.exceptions import ClientError

from expect import refused
from sqs_calls import arn_of, counts, create, new_name, receive

MISSING = "AWS.SimpleQueueService.NonExistentQueue"


def nowhere(queue):
    return queue.rpartition("/")[0] + "/nobody"


def test_a_queue_has_a_url_of_this_endpoint(sim, sqs):
    name = new_name()
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert re.fullmatch(rf"{re.escape(sim.endpoint)}/\d{{12}}/{name}", url)


def test_a_queue_is_found_by_its_name(sqs):
    queue = create(sqs)
    assert sqs.get_queue_url(QueueName=queue.rpartition("/")[2])["QueueUrl"] == queue


def test_a_queue_has_an_arn(sqs):
    queue = create(sqs)
    assert re.fullmatch(rf"arn:aws:sqs:us-east-1:\d{{12}}:{queue.rpartition('/')[2]}", arn_of(sqs, queue))


def test_the_same_queue_is_made_once(sqs):
    name = new_name()
    made = [
        sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"})["QueueUrl"] for _ in range(2)
    ]
    assert made[0] == made[1]


def test_another_queue_of_the_name_is_refused(sqs):
    name = new_name()
    sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"})
    with pytest.raises(sqs.exceptions.QueueNameExists):
        sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "8"})


def test_a_queues_defaults_are_awss(sqs):
    told = sqs.get_queue_attributes(QueueUrl=create(sqs), AttributeNames=["All"])["Attributes"]
    assert told["VisibilityTimeout"] == "30"
    assert told["MessageRetentionPeriod"] == str(4 * 24 * 3_600)
    assert told["DelaySeconds"] == "0"
    assert told["ReceiveMessageWaitTimeSeconds"] == "0"
    assert told["MaximumMessageSize"] == str(1 << 20)
    assert told["ApproximateNumberOfMessages"] == "0"
    assert int(told["CreatedTimestamp"]) > 0


def test_only_the_named_attributes_are_told(sqs):
    told = sqs.get_queue_attributes(QueueUrl=create(sqs), AttributeNames=["VisibilityTimeout"])
    assert told["Attributes"] == {"VisibilityTimeout": "30"}


def test_attributes_are_changed(sqs):
    queue = create(sqs)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "100", "DelaySeconds": "5"})
    told = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout", "DelaySeconds"])
    assert told["Attributes"] == {"VisibilityTimeout": "100", "DelaySeconds": "5"}


@pytest.mark.parametrize(
    "attribute,value",
    [
        ("VisibilityTimeout", "43201"),
        ("VisibilityTimeout", "-1"),
        ("MessageRetentionPeriod", "59"),
        ("MessageRetentionPeriod", "1209601"),
        ("DelaySeconds", "901"),
        ("ReceiveMessageWaitTimeSeconds", "21"),
    ],
)
def test_an_attribute_beyond_its_range_is_refused(sqs, attribute, value):
    with refused("InvalidAttributeValue"):
        create(sqs, **{attribute: value})


@pytest.mark.parametrize(
    "attribute,value", [("VisibilityTimeout", "43200"), ("MessageRetentionPeriod", "60")]
)
def test_an_attribute_at_its_limit_is_taken(sqs, attribute, value):
    assert create(sqs, **{attribute: value})


def test_an_unknown_attribute_is_refused(sqs):
    with refused("InvalidAttributeName"):
        create(sqs, Colour="red")


def test_queues_are_listed_by_prefix(sqs):
    made = {sqs.create_queue(QueueName=f"listed-{i}")["QueueUrl"] for i in range(3)}
    create(sqs)
    assert set(sqs.list_queues(QueueNamePrefix="listed-")["QueueUrls"]) == made


def test_lists_are_paged(sqs):
    made = {sqs.create_queue(QueueName=f"paged-{i}")["QueueUrl"] for i in range(7)}
    pages = list(
        sqs.get_paginator("list_queues").paginate(QueueNamePrefix="paged-", PaginationConfig={"PageSize": 3})
    )
    assert len(pages) == 3
    assert {url for page in pages for url in page["QueueUrls"]} == made


@pytest.mark.parametrize(
    "call",
    [
        lambda s, q: s.get_queue_url(QueueName="nobody"),
        lambda s, q: s.get_queue_attributes(QueueUrl=q, AttributeNames=["All"]),
        lambda s, q: s.send_message(QueueUrl=q, MessageBody="x"),
        lambda s, q: s.receive_message(QueueUrl=q),
        lambda s, q: s.delete_message(QueueUrl=q, ReceiptHandle="x"),
        lambda s, q: s.delete_queue(QueueUrl=q),
        lambda s, q: s.purge_queue(QueueUrl=q),
    ],
    ids=["url", "attributes", "send", "receive", "delete", "delete queue", "purge"],
)
def test_an_unknown_queue_is_an_error_that_old_clients_know(sqs, call):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as caught:
        call(sqs, nowhere(create(sqs)))
    said = caught.value.response
    assert (said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"]) == (MISSING, 400)


def test_a_deleted_queue_is_gone(sqs):
    queue = create(sqs)
    sqs.delete_queue(QueueUrl=queue)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        receive(sqs, queue)


def test_a_purge_empties_a_queue(sqs):
    queue = create(sqs)
    for _ in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody="x")
    sqs.purge_queue(QueueUrl=queue)
    assert counts(sqs, queue) == (0, 0)
    assert receive(sqs, queue) == []


def test_answers_carry_a_request_id(sqs):
    assert sqs.list_queues()["ResponseMetadata"]["RequestId"]


def test_what_the_simulator_does_not_have_is_an_invalid_action(sqs):
    with pytest.raises(ClientError) as caught:
        sqs.list_dead_letter_source_queues(QueueUrl=create(sqs))
    assert caught.value.response["Error"]["Code"] in ("InvalidAction", "UnknownOperationException")
