"""SNS over HTTP: headers, signatures, retries, exactly as a subscriber sees them (aws-facts 4.1)."""

import re
import urllib.parse

import pytest

import signatures
import simulator
from expect import UUID, refused
from sns_calls import create

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def kind(name):
    return lambda request: request.headers.get("x-amz-sns-message-type") == name


def subscribe(sns, topic, listener):
    """Asks for a subscription; the confirmation that the listener gets."""
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=listener.url)
    return listener.wait_for(1, kind("SubscriptionConfirmation"))[0]


def subscribed(sns, topic, listener):
    """Subscribes and confirms; the subscription's ARN."""
    token = subscribe(sns, topic, listener).json["Token"]
    return sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"]


def pem_of(sim, message):
    """The certificate that a message names, from the simulator in place of AWS."""
    url = urllib.parse.urlsplit(message["SigningCertURL"])
    assert url.scheme == "https"
    assert re.fullmatch(r"sns\.[a-zA-Z0-9-]{3,}\.amazonaws\.com(\.cn)?", url.hostname)
    assert re.fullmatch(r"/SimpleNotificationService-[0-9a-f]+\.pem", url.path)
    status, _, pem = simulator.raw(sim.endpoint, url.path)
    assert status == 200
    return pem


def test_a_subscription_must_be_confirmed(sns, listener):
    topic = create(sns)
    answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=listener.url)
    assert answer["SubscriptionArn"] == "pending confirmation"
    [shown] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert shown["SubscriptionArn"] == "PendingConfirmation"


def test_the_arn_is_told_before_if_somebody_asks(sns, listener):
    topic = create(sns)
    answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=listener.url, ReturnSubscriptionArn=True)
    assert re.fullmatch(rf"{topic}:{UUID}", answer["SubscriptionArn"])


def test_the_confirmation_is_written_as_aws_writes_it(sns, listener):
    topic = create(sns)
    request = subscribe(sns, topic, listener)
    message = request.json
    assert message.keys() == {
        "Type", "MessageId", "Token", "TopicArn", "Message", "SubscribeURL", "Timestamp",
        "SignatureVersion", "Signature", "SigningCertURL",
    }  # fmt: skip
    assert (message["Type"], message["TopicArn"]) == ("SubscriptionConfirmation", topic)
    assert re.fullmatch(UUID, message["MessageId"]) and re.fullmatch(TIME, message["Timestamp"])
    headers = request.headers
    assert headers["content-type"].lower() == "text/plain; charset=utf-8"
    assert headers["user-agent"] == "Amazon Simple Notification Service Agent"
    assert headers["x-amz-sns-message-id"] == message["MessageId"]
    assert headers["x-amz-sns-topic-arn"] == topic
    assert "x-amz-sns-subscription-arn" not in headers


def test_the_url_of_the_confirmation_confirms_it(sim, sns, listener):
    topic = create(sns)
    url = urllib.parse.urlsplit(subscribe(sns, topic, listener).json["SubscribeURL"])
    assert urllib.parse.parse_qs(url.query)["Action"] == ["ConfirmSubscription"]
    status, _, _ = simulator.raw(sim.endpoint, f"{url.path or '/'}?{url.query}")
    assert status == 200
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "1"


def test_a_wrong_token_confirms_nothing(sns, listener):
    topic = create(sns)
    subscribe(sns, topic, listener)
    with refused("InvalidParameter"):
        sns.confirm_subscription(TopicArn=topic, Token="0" * 64)


def test_nothing_is_sent_before_the_confirmation(sns, listener):
    topic = create(sns)
    token = subscribe(sns, topic, listener).json["Token"]
    sns.publish(TopicArn=topic, Message="too early")
    sns.confirm_subscription(TopicArn=topic, Token=token)
    sns.publish(TopicArn=topic, Message="in time")
    assert listener.wait_for(1, kind("Notification"))[0].json["Message"] == "in time"


def test_a_notification_is_written_as_aws_writes_it(sns, listener):
    topic = create(sns)
    subscription = subscribed(sns, topic, listener)
    sent = sns.publish(TopicArn=topic, Message='{"a": "é"}', Subject="a subject")
    [request] = listener.wait_for(1, kind("Notification"))
    message = request.json
    assert message.keys() == {
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp",
        "SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL",
    }  # fmt: skip
    assert (message["Message"], message["Subject"]) == ('{"a": "é"}', "a subject")
    assert message["MessageId"] == sent["MessageId"] == request.headers["x-amz-sns-message-id"]
    assert request.headers["x-amz-sns-topic-arn"] == topic
    assert request.headers["x-amz-sns-subscription-arn"] == subscription
    assert request.headers["content-type"].lower() == "text/plain; charset=utf-8"
    assert "Action=Unsubscribe" in message["UnsubscribeURL"]


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [{}, {"Subject": "a subject"}], ids=["bare", "subject"])
def test_notifications_are_signed(sim, sns, listener, version, subject):
    topic = create(sns, SignatureVersion=version)
    subscribed(sns, topic, listener)
    sns.publish(TopicArn=topic, Message="line\nbreak é", **subject)
    message = listener.wait_for(1, kind("Notification"))[0].json
    assert message["SignatureVersion"] == version
    pem = pem_of(sim, message)
    assert signatures.is_valid(message, pem)
    for key in ("Message", "Timestamp", "MessageId", "TopicArn"):
        assert not signatures.is_valid(message | {key: message[key] + "x"}, pem)


@pytest.mark.parametrize("version", ["1", "2"])
def test_confirmations_are_signed(sim, sns, listener, version):
    message = subscribe(sns, create(sns, SignatureVersion=version), listener).json
    pem = pem_of(sim, message)
    assert signatures.is_valid(message, pem)
    assert not signatures.is_valid(message | {"Token": "x"}, pem)


def test_a_goodbye_is_said_and_signed(sim, sns, listener):
    topic = create(sns)
    sns.unsubscribe(SubscriptionArn=subscribed(sns, topic, listener))
    message = listener.wait_for(1, kind("UnsubscribeConfirmation"))[0].json
    assert signatures.is_valid(message, pem_of(sim, message))


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_failed_delivery_is_tried_again_under_the_same_id(sns, listener, status):
    topic = create(sns)
    subscribed(sns, topic, listener)
    listener.statuses = [status]
    sns.publish(TopicArn=topic, Message="x")
    tries = listener.wait_for(2, kind("Notification"))
    assert len({request.headers["x-amz-sns-message-id"] for request in tries}) == 1
    assert len({request.body for request in tries}) == 1


def test_three_retries_are_the_end(sns, listener):
    topic = create(sns)
    subscribed(sns, topic, listener)
    listener.statuses = [500] * 4
    sns.publish(TopicArn=topic, Message="lost")
    listener.wait_for(4, kind("Notification"))
    # The second try of another comes 20 s later: a fifth of the first would come before it.
    listener.statuses = [500]
    sns.publish(TopicArn=topic, Message="next")
    listener.wait_for(6, kind("Notification"))
    assert sum('"lost"' in r.body for r in listener.received) == 4


@pytest.mark.parametrize("status", [400, 403, 404])
def test_any_other_refusal_is_final(sns, listener, status):
    topic = create(sns)
    subscribed(sns, topic, listener)
    listener.statuses = [status]
    sns.publish(TopicArn=topic, Message="refused")
    listener.wait_for(1, kind("Notification"))
    # The second try of another comes 20 s later: a second of the first would come before it.
    listener.statuses = [500]
    sns.publish(TopicArn=topic, Message="accepted")
    listener.wait_for(3, kind("Notification"))
    assert sum('"refused"' in r.body for r in listener.received) == 1
