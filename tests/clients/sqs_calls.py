"""Calls of SQS that many checks make."""

import itertools

import simulator

_names = itertools.count(1)


def new_name():
    return f"queue-{next(_names)}"


def create(sqs, **attributes):
    """A new queue's URL."""
    return sqs.create_queue(QueueName=new_name(), Attributes=attributes)["QueueUrl"]


def arn_of(sqs, queue):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def counts(sqs, queue):
    """Messages that wait, and messages in flight."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return tuple(int(told[name]) for name in names)


def receive(sqs, queue, count=1, **parameters):
    """One receive; its messages."""
    parameters = {"MaxNumberOfMessages": count, **parameters}
    return sqs.receive_message(QueueUrl=queue, **parameters).get("Messages", [])


def receive_all(sqs, queue, count, **parameters):
    """Receives until so many messages came: one receive may give fewer than there are."""
    got = []

    def reached():
        got.extend(receive(sqs, queue, 10, **parameters))
        return len(got) >= count

    simulator.wait_for(f"{count} messages", reached)
    return got
