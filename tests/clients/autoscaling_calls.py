"""Calls of Auto Scaling that many checks make."""

import itertools

import simulator
from ec2_calls import IMAGE, TYPE, A, B, C

TEMPLATE = "a-template"
EVERYWHERE = ",".join((A, B, C))

_names = itertools.count(1)


def start_groups(start, scale=100, settings="autoscaling.toml"):
    """A simulator with a launch template."""
    sim = start(settings, scale=scale)
    data = {"ImageId": IMAGE, "InstanceType": TYPE}
    sim.client("ec2").create_launch_template(LaunchTemplateName=TEMPLATE, LaunchTemplateData=data)
    return sim


def request(desired=0, most=10, **parameters):
    """Parameters of CreateAutoScalingGroup, with a name that no other group has."""
    return {
        "AutoScalingGroupName": f"group-{next(_names)}",
        "LaunchTemplate": {"LaunchTemplateName": TEMPLATE, "Version": "$Default"},
        "MinSize": 0,
        "MaxSize": most,
        "DesiredCapacity": desired,
        "VPCZoneIdentifier": EVERYWHERE,
        **parameters,
    }


def create(autoscaling, desired=0, most=10, **parameters):
    """Makes a group and waits until its instances serve; its name."""
    wanted = request(desired, most, **parameters)
    autoscaling.create_auto_scaling_group(**wanted)
    name = wanted["AutoScalingGroupName"]
    wait_for_members(autoscaling, name, desired)
    return name


def group(autoscaling, name):
    """A group as it is described; none if there is no such group."""
    found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return found[0] if found else None


def members(autoscaling, name, state=None):
    """The ids of the group's instances: all, or those in a lifecycle state."""
    instances = group(autoscaling, name)["Instances"]
    return [i["InstanceId"] for i in instances if state in (None, i["LifecycleState"])]


def wait_for_members(autoscaling, name, count, state="InService"):
    """Waits until exactly this many are in the state and nobody is in another; their ids."""

    def reached():
        ids = members(autoscaling, name, state)
        return (len(ids), len(members(autoscaling, name))) == (count, count) and (ids or True)

    ids = simulator.wait_for(f"{name} to have {count} {state}", reached)
    return ids if count else []


def wait_for_states(autoscaling, name, **states):
    """Waits until the states are exactly these, as InService=2, Pending_Wait=1 for Pending:Wait."""
    wanted = {state.replace("_", ":"): count for state, count in states.items()}

    def reached():
        seen = [i["LifecycleState"] for i in group(autoscaling, name)["Instances"]]
        return {state: seen.count(state) for state in seen} == wanted

    simulator.wait_for(f"{name} to have {wanted}", reached)


def state_of(autoscaling, instance):
    """The lifecycle state of one instance; none once its group has let go of it."""
    found = autoscaling.describe_auto_scaling_instances(InstanceIds=[instance])["AutoScalingInstances"]
    return found[0]["LifecycleState"] if found else None


def wait_for_state(autoscaling, instance, state):
    simulator.wait_for(f"{instance} to be {state}", lambda: state_of(autoscaling, instance) == state)


def activities(autoscaling, name):
    return autoscaling.describe_scaling_activities(AutoScalingGroupName=name)["Activities"]


def wait_for_activities(autoscaling, name):
    """Waits until nothing goes on in the group; its activities."""

    def over():
        done = activities(autoscaling, name)
        return done if all(a["StatusCode"] in ("Successful", "Failed", "Cancelled") for a in done) else None

    return simulator.wait_for(f"{name} to be at rest", over)
