"""Calls of SNS that many checks make."""

import itertools
import json

import sqs_calls

_names = itertools.count(1)


def create(sns, **attributes):
    """A new topic's ARN."""
    return sns.create_topic(Name=f"topic-{next(_names)}", Attributes=attributes)["TopicArn"]


def queue_of(sns, sqs, topic, **attributes):
    """A new queue that is subscribed to the topic: its URL and the subscription's ARN."""
    queue = sqs_calls.create(sqs, VisibilityTimeout="43200")
    subscribed = sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=sqs_calls.arn_of(sqs, queue), Attributes=attributes
    )
    return queue, subscribed["SubscriptionArn"]


def notifications(sqs, queue, count):
    """Waits for so many messages in the queue; what SNS wrapped them into."""
    return [json.loads(m["Body"]) for m in sqs_calls.receive_all(sqs, queue, count)]
