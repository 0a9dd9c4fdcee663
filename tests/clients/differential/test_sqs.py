"""SQS: queues and messages."""

from differential.agreement import *  # the checks
from differential.twins import Known, Step

NAME = "differential"


def prepare(moto, ours, sim):
    """moto may have the queue of an earlier run."""
    for url in moto.client("sqs").list_queues(QueueNamePrefix=NAME).get("QueueUrls", []):
        moto.client("sqs").delete_queue(QueueUrl=url)


def on_queue(**parameters):
    return lambda side: {"QueueUrl": side.answers["create"]["QueueUrl"], **parameters}


def handle(side, step, index=0):
    return side.answers[step]["Messages"][index]["ReceiptHandle"]


def with_handle(step, **parameters):
    return lambda side: on_queue(ReceiptHandle=handle(side, step), **parameters)(side)


ATTRIBUTES = {"kind": {"DataType": "String", "StringValue": "hook"}}

STEPS = [
    Step(
        "create",
        "sqs",
        "create_queue",
        lambda s: {"QueueName": NAME, "Attributes": {"VisibilityTimeout": "43200"}},
    ),
    Step("url", "sqs", "get_queue_url", lambda s: {"QueueName": NAME}),
    Step("list", "sqs", "list_queues", lambda s: {"QueueNamePrefix": NAME}),
    Step("attributes", "sqs", "get_queue_attributes", on_queue(AttributeNames=["All"])),
    Step(
        "change attributes",
        "sqs",
        "set_queue_attributes",
        on_queue(Attributes={"DelaySeconds": "0", "VisibilityTimeout": "40000"}),
    ),
    Step("one attribute", "sqs", "get_queue_attributes", on_queue(AttributeNames=["VisibilityTimeout"])),
    Step("nothing to receive", "sqs", "receive_message", on_queue()),
    Step("send", "sqs", "send_message", on_queue(MessageBody="é <b> & 日", MessageAttributes=ATTRIBUTES)),
    Step(
        "receive",
        "sqs",
        "receive_message",
        on_queue(MessageAttributeNames=["All"], AttributeNames=["ApproximateReceiveCount"]),
    ),
    Step("it is hidden", "sqs", "receive_message", on_queue()),
    Step("let it go", "sqs", "change_message_visibility", with_handle("receive", VisibilityTimeout=0)),
    Step("receive again", "sqs", "receive_message", on_queue(AttributeNames=["ApproximateReceiveCount"])),
    Step("delete", "sqs", "delete_message", with_handle("receive again")),
    Step("it is gone", "sqs", "receive_message", on_queue()),
    Step(
        "send three",
        "sqs",
        "send_message_batch",
        on_queue(Entries=[{"Id": f"e{i}", "MessageBody": str(i)} for i in range(3)]),
    ),
    Step(
        "counts",
        "sqs",
        "get_queue_attributes",
        on_queue(AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]),
    ),
    Step(
        "eleven at once",
        "sqs",
        "send_message_batch",
        on_queue(Entries=[{"Id": f"e{i}", "MessageBody": "x"} for i in range(11)]),
    ),
    Step("an id twice", "sqs", "send_message_batch", on_queue(Entries=[{"Id": "e", "MessageBody": "x"}] * 2)),
    Step("a handle that is none", "sqs", "delete_message", on_queue(ReceiptHandle="made up")),
    Step("eleven to receive", "sqs", "receive_message", on_queue(MaxNumberOfMessages=11)),
    Step("too long a wait", "sqs", "receive_message", on_queue(WaitTimeSeconds=21)),
    Step("purge", "sqs", "purge_queue", on_queue()),
    Step("it is empty", "sqs", "receive_message", on_queue()),
    Step("an unknown name", "sqs", "get_queue_url", lambda s: {"QueueName": "nobody"}),
    Step("delete the queue", "sqs", "delete_queue", on_queue()),
    Step("receive from nowhere", "sqs", "receive_message", on_queue()),
]

KNOWN = [
    Known(
        "get_queue_attributes",
        r"Attributes\.SqsManagedSseEnabled",
        "moto only: the simulator encrypts nothing",
    ),
    Known("delete_message", r"Error\.Message", "AWS quotes the handle; moto does not"),
    Known("receive_message", r"Error\.Message", "moto puts boto3's own words before AWS's"),
    Known(
        "receive_message",
        r"Error\.QueryErrorCode",
        "AWS's exceptions end in Exception; moto's name is the old code",
    ),
]
