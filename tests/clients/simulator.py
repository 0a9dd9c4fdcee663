"""A `muster sim` in a process of its own, and boto3's clients for it."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import botocore
import botocore.config
import botocore.serialize
import botocore.session

SETTINGS = Path(__file__).with_name("settings")
# The variable that names the muster whose simulator is checked.
PROGRAM = "MUSTER_PROGRAM"
REGION = "us-east-1"
ACCOUNT = "000000000000"
# The longest that anything may take before a check gives up on it: a virtual machine may stand still for a minute.
PATIENCE_S = 180
# Everything here is left to chance by this seed, so that a check that passes once passes again.
SEED = 1

# One session for all: it keeps the services' models, which take half a second each to read.
_session = botocore.session.get_session()


class Sim:
    """A simulated AWS. Ends with `stop`, or with this process."""

    def __init__(self, settings, scale=1.0):
        """`settings` is a file of the folder settings; time runs `scale` times as fast in there."""
        arguments = ["sim", "--exit-with-parent", "--seed", str(SEED), "--time-scale", str(scale)]
        arguments += ["--settings", str(SETTINGS / settings)]
        self.process = subprocess.Popen(
            [os.environ[PROGRAM], *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(
                f"muster sim with {settings} ended with {self.process.wait()}; it says why above"
            )
        announced = json.loads(line)
        self.endpoint = announced["ec2"]
        self.agent_port = announced["agent_port"]
        self.subnets = announced["subnets"]
        self._clients = {}

    def stop(self):
        for client in self._clients.values():
            client.close()
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()

    def client(self, service, **options):
        """boto3's client of this service, which never tries again and says what it was answered."""
        key = (service, *sorted(options.items()))
        if key not in self._clients:
            self._clients[key] = new_client(service, self.endpoint, **options)
        return self._clients[key]

    def ledger(self):
        """What the simulator itself says happened."""
        return self._control("ledger")

    def instances(self):
        """The ledger's instances that live, by their ids."""
        return {i["id"]: i for i in self.ledger()["instances"] if i["state"] in ("pending", "running")}

    def faults(self, **changes):
        """Changes what goes wrong from now on."""
        return self._control("faults", json.dumps(changes).encode())

    def _control(self, path, body=None):
        with urllib.request.urlopen(f"{self.endpoint}/_sim/{path}", body, timeout=PATIENCE_S) as answer:
            return json.load(answer)


def new_client(service, endpoint, attempts=1, validate=True, protocol=None, key="test", secret="test"):
    """A client that makes so many attempts, looks at parameters before it sends them or not, and speaks one of the
    service's protocols (none: the one it prefers). Without a key it does not sign."""
    config = botocore.config.Config(
        signature_version=None if key else botocore.UNSIGNED,
        retries={"total_max_attempts": attempts},
        parameter_validation=validate,
        connect_timeout=PATIENCE_S,
        read_timeout=PATIENCE_S,
        max_pool_connections=32,
    )
    session = _session if protocol is None else _speaking(service, protocol)
    return session.create_client(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=config,
    )


def protocols(service):
    """The protocols of a service that this version of the client can speak."""
    metadata = _session.get_service_model(service).metadata
    return [
        p for p in metadata.get("protocols", [metadata["protocol"]]) if p in botocore.serialize.SERIALIZERS
    ]


def _speaking(service, protocol):
    """A session that knows a service by one protocol only."""
    session = botocore.session.Session()
    loader = session.get_component("data_loader")
    load = loader.load_service_model

    def load_service_model(name, kind, *args, **kwargs):
        model = load(name, kind, *args, **kwargs)
        if (name, kind) == (service, "service-2"):
            model = {
                **model,
                "metadata": {**model["metadata"], "protocol": protocol, "protocols": [protocol]},
            }
        return model

    loader.load_service_model = load_service_model
    return session


def new_resource(service, endpoint):
    """boto3's objects of this service."""
    return boto3.resource(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def raw(endpoint, path="/", body=None, method=None, headers=None):
    """One plain HTTP request: status, headers, body."""
    request = urllib.request.Request(f"{endpoint}{path}", body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def answers(address, port):
    """Does a connection there lead to anybody?"""
    try:
        return raw(f"http://{address}:{port}", "/health")[0] in (200, 503)
    except OSError:
        return False


def knows(name):
    """Does this version of the client know `service.Operation` or `service.Operation.Parameter`?"""
    service, operation, *path = name.split(".")
    try:
        model = _session.get_service_model(service)
    except Exception as error:  # older versions lack whole services
        raise AssertionError(f"no service {service} in {name}") from error
    if operation not in model.operation_names:
        return False
    shape = model.operation_model(operation).input_shape
    for member in path:
        while shape.type_name == "list":
            shape = shape.member
        if member not in shape.members:
            return False
        shape = shape.members[member]
    return True


def wait_for(what, reached, patience_s=PATIENCE_S):
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + patience_s
    while True:
        answer = reached()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {patience_s} s for {what}"
        time.sleep(0.01)
