"""Topics and their subscriptions (aws-facts 4.1)."""

import re

import pytest

import sqs_calls
from expect import UUID, refused
from sns_calls import create, notifications, queue_of

NOBODY = "arn:aws:sns:us-east-1:000000000000:nobody"


def attributes(sns, topic):
    return sns.get_topic_attributes(TopicArn=topic)["Attributes"]


def test_a_topic_has_an_arn(sns):
    assert re.fullmatch(r"arn:aws:sns:us-east-1:\d{12}:a-topic", sns.create_topic(Name="a-topic")["TopicArn"])


def test_the_same_topic_is_made_once(sns):
    assert sns.create_topic(Name="twice")["TopicArn"] == sns.create_topic(Name="twice")["TopicArn"]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 257])
def test_a_name_that_is_none_is_refused(sns, name):
    with refused("InvalidParameter"):
        sns.create_topic(Name=name)


def test_a_topic_is_shown_with_its_counts(sns, sqs):
    topic = create(sns)
    queue_of(sns, sqs, topic)
    told = attributes(sns, topic)
    assert told["TopicArn"] == topic
    assert (told["SubscriptionsConfirmed"], told["SubscriptionsPending"]) == ("1", "0")
    assert re.fullmatch(r"\d{12}", told["Owner"])


def test_the_signatures_version_can_be_raised(sns):
    topic = create(sns)
    assert attributes(sns, topic).get("SignatureVersion", "1") == "1"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    assert attributes(sns, topic)["SignatureVersion"] == "2"


def test_there_is_no_third_version(sns):
    with refused("InvalidParameter"):
        sns.set_topic_attributes(TopicArn=create(sns), AttributeName="SignatureVersion", AttributeValue="3")


def test_topics_are_listed(sns):
    topic = create(sns)
    pages = sns.get_paginator("list_topics").paginate()
    assert topic in [t["TopicArn"] for page in pages for t in page["Topics"]]


def test_a_deleted_topic_is_gone_and_can_be_deleted_again(sns):
    topic = create(sns)
    for _ in range(2):
        sns.delete_topic(TopicArn=topic)
    with refused("NotFound", status=404):
        attributes(sns, topic)


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.get_topic_attributes(TopicArn=NOBODY),
        lambda s: s.publish(TopicArn=NOBODY, Message="x"),
        lambda s: s.subscribe(
            TopicArn=NOBODY, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:q"
        ),
        lambda s: s.list_subscriptions_by_topic(TopicArn=NOBODY),
    ],
    ids=["attributes", "publish", "subscribe", "list"],
)
def test_an_unknown_topic_is_not_found(sns, call):
    with refused("NotFound", status=404):
        call(sns)


def test_what_is_no_arn_is_an_invalid_parameter(sns):
    with refused("InvalidParameter"):
        sns.get_topic_attributes(TopicArn="a-topic")


# ---- Subscriptions


def subscriptions(sns, topic):
    return sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]


def test_a_queue_is_subscribed_at_once(sns, sqs):
    topic = create(sns)
    _, subscription = queue_of(sns, sqs, topic)
    assert re.fullmatch(rf"{topic}:{UUID}", subscription)
    [shown] = subscriptions(sns, topic)
    assert (shown["SubscriptionArn"], shown["Protocol"], shown["TopicArn"]) == (subscription, "sqs", topic)


def test_the_same_subscription_is_made_once(sns, sqs):
    topic = create(sns)
    queue = sqs_calls.arn_of(sqs, sqs_calls.create(sqs))
    made = {
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"] for _ in range(2)
    }
    assert len(made) == len(subscriptions(sns, topic)) == 1


def test_an_unknown_protocol_is_refused(sns):
    with refused("InvalidParameter"):
        sns.subscribe(TopicArn=create(sns), Protocol="pigeon", Endpoint="roof")


def test_an_endpoint_must_fit_its_protocol(sns):
    with refused("InvalidParameter"):
        sns.subscribe(TopicArn=create(sns), Protocol="https", Endpoint="http://127.0.0.1:1/")


def test_who_unsubscribed_gets_nothing(sns, sqs):
    topic = create(sns)
    (gone, subscription), (stays, _) = (queue_of(sns, sqs, topic) for _ in range(2))
    sns.unsubscribe(SubscriptionArn=subscription)
    sns.publish(TopicArn=topic, Message="x")
    assert len(notifications(sqs, stays, 1)) == 1
    assert sqs_calls.receive(sqs, gone) == []
    assert len(subscriptions(sns, topic)) == 1


def test_unsubscribing_nobody_is_fine(sns):
    topic = create(sns)
    sns.unsubscribe(SubscriptionArn=f"{topic}:00000000-0000-0000-0000-000000000000")
    assert subscriptions(sns, topic) == []


# ---- Publishing


def test_a_message_arrives_in_an_envelope(sns, sqs):
    topic = create(sns)
    queue, _ = queue_of(sns, sqs, topic)
    sent = sns.publish(TopicArn=topic, Message="é <b> & 日", Subject="a subject")
    assert re.fullmatch(UUID, sent["MessageId"])
    [got] = notifications(sqs, queue, 1)
    assert (got["Type"], got["MessageId"], got["TopicArn"]) == ("Notification", sent["MessageId"], topic)
    assert (got["Message"], got["Subject"]) == ("é <b> & 日", "a subject")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", got["Timestamp"])


def test_without_a_subject_there_is_none(sns, sqs):
    topic = create(sns)
    queue, _ = queue_of(sns, sqs, topic)
    sns.publish(TopicArn=topic, Message="x")
    assert "Subject" not in notifications(sqs, queue, 1)[0]


def test_a_message_can_arrive_bare(sns, sqs):
    topic = create(sns)
    queue, _ = queue_of(sns, sqs, topic, RawMessageDelivery="true")
    sns.publish(TopicArn=topic, Message="bare")
    assert [m["Body"] for m in sqs_calls.receive_all(sqs, queue, 1)] == ["bare"]


def test_every_subscriber_gets_it(sns, sqs):
    topic = create(sns)
    queues = [queue_of(sns, sqs, topic)[0] for _ in range(3)]
    sns.publish(TopicArn=topic, Message="x")
    assert len({notifications(sqs, queue, 1)[0]["MessageId"] for queue in queues}) == 1


def test_an_empty_message_is_refused(sns):
    with refused("InvalidParameter"):
        sns.publish(TopicArn=create(sns), Message="")


def test_a_message_has_at_most_256_kib(sns):
    topic = create(sns)
    sns.publish(TopicArn=topic, Message="x" * (256 << 10))
    with refused("InvalidParameter"):
        sns.publish(TopicArn=topic, Message="x" * ((256 << 10) + 1))


def test_ten_are_published_by_one_call(sns, sqs):
    topic = create(sns)
    queue, _ = queue_of(sns, sqs, topic)
    answer = sns.publish_batch(
        TopicArn=topic, PublishBatchRequestEntries=[{"Id": str(i), "Message": str(i)} for i in range(10)]
    )
    assert sorted(s["Id"] for s in answer["Successful"]) == [str(i) for i in range(10)]
    assert {n["Message"] for n in notifications(sqs, queue, 10)} == {str(i) for i in range(10)}


def test_eleven_are_too_many_for_one_call(sns):
    with refused("TooManyEntriesInBatchRequest"):
        sns.publish_batch(
            TopicArn=create(sns),
            PublishBatchRequestEntries=[{"Id": str(i), "Message": "x"} for i in range(11)],
        )


def test_an_id_twice_is_refused(sns):
    with refused("BatchEntryIdsNotDistinct"):
        sns.publish_batch(TopicArn=create(sns), PublishBatchRequestEntries=[{"Id": "e", "Message": "x"}] * 2)


def test_answers_carry_a_request_id(sns):
    assert re.fullmatch(UUID, sns.list_topics()["ResponseMetadata"]["RequestId"])


def test_what_the_simulator_does_not_have_is_an_invalid_action(sns):
    with refused("InvalidAction"):
        sns.list_platform_applications()
