"""SNS: topics, subscriptions, publishing to a queue."""

import json

from differential.agreement import *  # the checks
from differential.twins import Known, Step

NAME = "differential"


def prepare(moto, ours, sim):
    """moto may have what an earlier run made."""
    for side in (moto, ours):
        queue = side.client("sqs").create_queue(QueueName="differential-sns")["QueueUrl"]
        side.client("sqs").purge_queue(QueueUrl=queue)
        told = side.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        side.given = {"queue": queue, "arn": told["Attributes"]["QueueArn"]}
    for topic in moto.client("sns").list_topics()["Topics"]:
        moto.client("sns").delete_topic(TopicArn=topic["TopicArn"])


def on_topic(**parameters):
    return lambda side: {"TopicArn": side.answers["create"]["TopicArn"], **parameters}


def envelope(answer):
    """What SNS put the message into that a queue got."""
    return json.loads(answer["Messages"][0]["Body"])


STEPS = [
    Step("create", "sns", "create_topic", lambda s: {"Name": NAME}),
    Step("create again", "sns", "create_topic", lambda s: {"Name": NAME}),
    Step("list", "sns", "list_topics"),
    Step("attributes", "sns", "get_topic_attributes", on_topic()),
    Step("subscribe", "sns", "subscribe", lambda s: on_topic(Protocol="sqs", Endpoint=s.given["arn"])(s)),
    Step("subscriptions", "sns", "list_subscriptions_by_topic", on_topic()),
    Step("publish", "sns", "publish", on_topic(Message="é <b> & 日", Subject="a subject")),
    Step("its envelope", "sqs", "receive_message", lambda s: {"QueueUrl": s.given["queue"]}, view=envelope),
    Step(
        "publish three",
        "sns",
        "publish_batch",
        on_topic(PublishBatchRequestEntries=[{"Id": str(i), "Message": str(i)} for i in range(3)]),
    ),
    Step(
        "eleven at once",
        "sns",
        "publish_batch",
        on_topic(PublishBatchRequestEntries=[{"Id": str(i), "Message": "x"} for i in range(11)]),
    ),
    Step(
        "an id twice",
        "sns",
        "publish_batch",
        on_topic(PublishBatchRequestEntries=[{"Id": "e", "Message": "x"}] * 2),
    ),
    Step("a subject that is too long", "sns", "publish", on_topic(Message="x", Subject="x" * 101)),
    Step(
        "unsubscribe",
        "sns",
        "unsubscribe",
        lambda s: {"SubscriptionArn": s.answers["subscribe"]["SubscriptionArn"]},
    ),
    Step("no subscriptions", "sns", "list_subscriptions_by_topic", on_topic()),
    Step("delete", "sns", "delete_topic", on_topic()),
    Step("delete again", "sns", "delete_topic", on_topic()),
    Step("an unknown topic", "sns", "get_topic_attributes", on_topic()),
    Step("publish to nobody", "sns", "publish", on_topic(Message="x")),
]

KNOWN = [
    Known(
        "get_topic_attributes",
        r"Attributes\.EffectiveDeliveryPolicy",
        "moto only: the simulator has one policy",
    ),
    Known("get_topic_attributes", r"Attributes\.Policy", "moto only: the simulator lets everybody in"),
    Known(
        "get_topic_attributes",
        r"Attributes\.SignatureVersion",
        "AWS tells the default; moto tells what was set",
    ),
    Known("receive_message", "SignatureVersion", "AWS signs by version 1 unless told otherwise; moto by 2"),
    Known("receive_message", "Signature|SigningCertURL", "each signs with its own key"),
    Known("receive_message", "UnsubscribeURL", "moto names a subscription that does not exist"),
    Known("publish", r"Error\.Message", "moto's words for a long subject and an unknown topic are its own"),
    Known("publish_batch", r"Error\.Message", "AWS documents the code and not the text"),
]
