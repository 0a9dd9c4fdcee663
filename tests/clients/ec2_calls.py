"""Calls of EC2 that many checks make."""

import itertools

import simulator

IMAGE = "ami-0123456789abcdef0"
TYPE = "m5.large"
A, B, C = (f"subnet-0000000000000000{zone}" for zone in "abc")
# Looks like an id, and is nobody's.
NOBODY = "i-0123456789abcdef0"

_tokens = itertools.count(1)


def token():
    """A client token that no other call has used."""
    return f"check-{next(_tokens)}"


def request(count=1, **parameters):
    """Parameters of RunInstances: this many, or at least one of them."""
    return {
        "ImageId": IMAGE,
        "InstanceType": TYPE,
        "SubnetId": A,
        "MinCount": 1,
        "MaxCount": count,
        "ClientToken": token(),
        **parameters,
    }


def launch(ec2, count=1, **parameters):
    """Launches; the instances as the answer shows them."""
    return ec2.run_instances(**request(count, **parameters))["Instances"]


def launch_ids(ec2, count=1, **parameters):
    return [i["InstanceId"] for i in launch(ec2, count, **parameters)]


def tagged(**tags):
    """A TagSpecifications for instances."""
    return [{"ResourceType": "instance", "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}]


def named(name, *values):
    """A filter."""
    return {"Name": name, "Values": list(values)}


def found(ec2, *filters, **parameters):
    """The ids of the instances that a describe finds, in its order."""
    answer = ec2.describe_instances(Filters=list(filters), **parameters)
    return ids_of(answer)


def ids_of(answer):
    return [i["InstanceId"] for r in answer["Reservations"] for i in r["Instances"]]


def instance(ec2, one):
    """One instance as a describe shows it."""
    [reservation] = ec2.describe_instances(InstanceIds=[one])["Reservations"]
    [shown] = reservation["Instances"]
    return shown


def wait_for_state(ec2, ids, state):
    """Waits until all of these are in the state."""

    def reached():
        return set(found(ec2, named("instance-id", *ids), named("instance-state-name", state))) == set(ids)

    simulator.wait_for(f"{len(ids)} instances to be {state}", reached)
