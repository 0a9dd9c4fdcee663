"""The same requests to moto and to the simulator, and what differs in their answers.

A scenario is a list of steps. A step's parameters may be made of earlier answers of the same side. Answers are compared
whole, errors too, after this:

- where one side has an id, an address or an account, the other has one of the same kind, and from then on always the
  same one in its place;
- times become `<time>`, in sentences too, and the server's address `<endpoint>`;
- nothing, an empty text and an empty list are the same: clients read them alike;
- a message that an error carries twice counts once;
- tags are sorted by their keys, as AWS promises no order.
"""

import dataclasses
import datetime
import json
import os
import re
import typing

import botocore.exceptions
import botocore.parsers

import simulator

# What stands for something that each side names in its own way, and the pattern that finds it.
_OWN_NAMES = re.compile(
    r"(?P<id>\b(?P<kind>i|r|ami|vpc|subnet|eni|lt|nat|eipalloc|tgw|sg|dopt|acl|eipassoc)-[0-9a-f]{8,17}\b)"
    r"|(?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)"
    r"|(?P<address>\b127\.\d+\.\d+\.\d+(?!/)\b)"
    r"|(?P<dashed>\b127-\d+-\d+-\d+\b)"
    r"|(?P<account>\b\d{12}\b)"
    r"|(?P<hash>\b[0-9a-f]{16}\b)"
)
# Names of what is a time in a text, or opaque.
_OWN_VALUES = {
    "CreatedTimestamp": "<time>",
    "LastModifiedTimestamp": "<time>",
    "ReceiptHandle": "<handle>",
}
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?")


class Side:
    """moto, or the simulator."""

    def __init__(self, name, endpoint):
        self.name = name
        self.endpoint = endpoint
        self._clients = {}
        # What the steps are made of: names of this side's own, and the answers so far by the steps' names.
        self.given = {}
        self.answers = {}

    def client(self, service):
        if service not in self._clients:
            self._clients[service] = simulator.new_client(service, self.endpoint)
        return self._clients[service]

    def ask(self, step):
        """The answer to one step; an error is an answer."""
        operation = getattr(self.client(step.service), step.operation)
        try:
            answer = operation(**step.parameters(self))
        except botocore.exceptions.ClientError as error:
            answer = error.response
        except botocore.parsers.ResponseParserError:
            # moto's way to say that something is not implemented.
            answer = {"ResponseMetadata": {"HTTPStatusCode": 500}, "Error": "HTML"}
        self.answers[step.name] = answer
        return self.plain(step.view(answer) if step.view else answer)

    def plain(self, answer):
        """The answer without what each side names in its own way."""
        answer = dict(answer)
        status = answer.pop("ResponseMetadata", {}).get("HTTPStatusCode")
        if isinstance(error := answer.get("Error"), dict):
            answer["Error"] = {key: text for key, text in error.items() if key != "message"}
            for again in ("message", "Message"):
                answer.pop(again, None)
        return self._plain({"status": status, **answer}, None)

    def _plain(self, value, name):
        if isinstance(value, dict):
            pairs = {key: _OWN_VALUES.get(key) or self._plain(inside, key) for key, inside in value.items()}
            return {key: inside for key, inside in pairs.items() if inside not in (None, "", [], {})}
        if isinstance(value, list):
            if name and name.startswith("Tag"):
                value = sorted(value, key=lambda item: json.dumps(item, sort_keys=True, default=str))
            return [self._plain(item, None) for item in value]
        if isinstance(value, datetime.datetime):
            return "<time>"
        if isinstance(value, str):
            return _TIME.sub("<time>", value.replace(self.endpoint, "<endpoint>"))
        return value


class Names:
    """Which name of one side stands for which of the other."""

    def __init__(self, other=None):
        """Those of the other, to go on from; or none."""
        self._of_left, self._of_right = (dict(other._of_left), dict(other._of_right)) if other else ({}, {})

    def same(self, left, right):
        """Are these texts the same but for names that stand for each other? New names are bound together."""
        if not (isinstance(left, str) and isinstance(right, str)):
            return left == right
        if _OWN_NAMES.sub(_kind, left) != _OWN_NAMES.sub(_kind, right):
            return False
        pairs = zip(_OWN_NAMES.finditer(left), _OWN_NAMES.finditer(right), strict=True)
        return all(self._bound(_name(one), _name(other)) for one, other in pairs)

    def _bound(self, left, right):
        return (
            self._of_left.setdefault(left, right) == right and self._of_right.setdefault(right, left) == left
        )


def _kind(match):
    return f"<{match['kind'] or match.lastgroup}>"


def _name(match):
    # The same address stands in names of hosts, with dashes.
    return match[0].replace("-", ".") if match["dashed"] else match[0]


@dataclasses.dataclass(frozen=True)
class Step:
    """One request to both sides."""

    name: str
    service: str
    operation: str
    # From the side to the parameters.
    parameters: typing.Callable = lambda side: {}
    # From the answer to the part of it that is compared; none: all of it.
    view: typing.Callable | None = None
    # Why the sides answer differently altogether; none if they do not.
    differs: str | None = None
    # What must be so on both sides before the next step: called with the side until it is true.
    until: typing.Callable | None = None

    def __str__(self):
        return self.name.replace(" ", "-")


@dataclasses.dataclass(frozen=True)
class Known:
    """A difference that is known, in the answers of these operations."""

    operations: str
    # Paths such as Reservations[].Instances[].EbsOptimized, as a regular expression.
    path: str
    reason: str

    def __str__(self):
        return f"{self.operations} {self.path}".replace("\\", "")

    def covers(self, operation, path):
        return re.fullmatch(self.operations, operation) and re.fullmatch(self.path, path)


def run(steps, moto, sim):
    """Both sides' answers to each step, by its name. A step that fails says so in its own check."""
    answers = {}
    for step in steps:
        pair = []
        for side in (moto, sim):
            try:
                pair.append(side.ask(step))
            except (KeyError, IndexError, TypeError) as error:
                pair.append(
                    {"not asked": f"an earlier answer of {side.name} lacks what this is made of: {error!r}"}
                )
            else:
                if step.until:
                    simulator.wait_for(f"{side.name} after: {step.name}", lambda: step.until(side))
        answers[step.name] = pair
    return answers


def differences(names, left, right, path=""):
    """Paths that differ, with both values. Indexes are left out of the paths."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            inside = f"{path}.{key}" if path else key
            yield from differences(names, left.get(key), right.get(key), inside)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for one, other in zip(left, right, strict=True):
            yield from differences(names, one, other, f"{path}[]")
    elif not names.same(left, right):
        yield path, left, right


def start_moto():
    """moto as ./test started it, without what others may have left in there."""
    endpoint = os.environ["MUSTER_TEST_MOTO"].rstrip("/")
    return Side("moto", endpoint)
