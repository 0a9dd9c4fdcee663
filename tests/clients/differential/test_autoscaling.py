"""Auto Scaling: groups, members, hooks, processes."""

from autoscaling_calls import wait_for_members
from differential.agreement import *  # the checks
from differential.twins import Known, Step
from ec2_calls import IMAGE, TYPE, A

NAME = "differential"


def prepare(moto, ours, sim):
    """A subnet and a launch template on both sides."""
    autoscaling, ec2 = moto.client("autoscaling"), moto.client("ec2")
    for group in autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]:
        autoscaling.delete_auto_scaling_group(
            AutoScalingGroupName=group["AutoScalingGroupName"], ForceDelete=True
        )
    for template in ec2.describe_launch_templates()["LaunchTemplates"]:
        ec2.delete_launch_template(LaunchTemplateId=template["LaunchTemplateId"])
    vpc = ec2.create_vpc(CidrBlock="127.81.0.0/24")["Vpc"]["VpcId"]
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="127.81.0.0/24", AvailabilityZone="us-east-1a")["Subnet"]
    moto.given, ours.given = {"subnet": made["SubnetId"]}, {"subnet": A}
    for side in (moto, ours):
        data = {"ImageId": IMAGE, "InstanceType": TYPE}
        side.client("ec2").create_launch_template(LaunchTemplateName=NAME, LaunchTemplateData=data)


def on_group(**parameters):
    return lambda side: {"AutoScalingGroupName": NAME, **parameters}


def describe(name):
    return Step(
        name,
        "autoscaling",
        "describe_auto_scaling_groups",
        lambda s: {"AutoScalingGroupNames": [NAME]},
        view=sort_processes,
    )


def sort_processes(answer):
    """Suspended processes come in any order: moto keeps them in a set."""
    for group in answer["AutoScalingGroups"]:
        group["SuspendedProcesses"] = sorted(
            group.get("SuspendedProcesses", []), key=lambda p: p["ProcessName"]
        )
    return answer


def serving(count):
    """A condition: so many are in service and nobody else is a member."""

    def reached(side):
        wait_for_members(side.client("autoscaling"), NAME, count)
        return True

    return reached


def first(side, step="two members"):
    return side.answers[step]["AutoScalingGroups"][0]["Instances"][0]["InstanceId"]


def on_first(**parameters):
    return lambda side: on_group(InstanceIds=[first(side)], **parameters)(side)


def back_to_none(side):
    """A condition: whatever was launched is gone again."""
    side.client("autoscaling").set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=0)
    return serving(0)(side)


def without_times(answer):
    """Activities without what each says in its own words."""
    kept = ("AutoScalingGroupName", "StatusCode", "Progress")
    key = "Activities" if "Activities" in answer else "Activity"
    activities = answer[key] if key == "Activities" else [answer[key]]
    return {key: [{k: a.get(k) for k in kept} for a in activities]}


HOOK = {
    "LifecycleHookName": "hook",
    "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
    "HeartbeatTimeout": 600,
    "DefaultResult": "CONTINUE",
}

STEPS = [
    describe("no group"),
    Step(
        "create",
        "autoscaling",
        "create_auto_scaling_group",
        lambda s: on_group(
            LaunchTemplate={"LaunchTemplateName": NAME, "Version": "$Default"},
            MinSize=0,
            MaxSize=10,
            DesiredCapacity=2,
            VPCZoneIdentifier=s.given["subnet"],
            Tags=[{"Key": "team", "Value": "web", "PropagateAtLaunch": True}],
        )(s),
        until=serving(2),
    ),
    describe("two members"),
    Step(
        "a member",
        "autoscaling",
        "describe_auto_scaling_instances",
        lambda s: {"InstanceIds": [first(s)]},
    ),
    Step(
        "its tags",
        "ec2",
        "describe_tags",
        lambda s: {"Filters": [{"Name": "resource-id", "Values": [first(s)]}]},
    ),
    Step("protect", "autoscaling", "set_instance_protection", on_first(ProtectedFromScaleIn=True)),
    describe("one is protected"),
    Step("desired 4", "autoscaling", "set_desired_capacity", on_group(DesiredCapacity=4), until=serving(4)),
    describe("four members"),
    Step("desired 1", "autoscaling", "set_desired_capacity", on_group(DesiredCapacity=1), until=serving(1)),
    describe("the protected one is left"),
    Step(
        "update", "autoscaling", "update_auto_scaling_group", on_group(MaxSize=5, HealthCheckGracePeriod=60)
    ),
    describe("updated"),
    Step("suspend", "autoscaling", "suspend_processes", on_group(ScalingProcesses=["Launch", "AZRebalance"])),
    describe("suspended"),
    Step("resume", "autoscaling", "resume_processes", on_group(ScalingProcesses=["Launch"])),
    describe("one is resumed"),
    Step("resume all", "autoscaling", "resume_processes", on_group()),
    Step("put a hook", "autoscaling", "put_lifecycle_hook", on_group(**HOOK)),
    Step("hooks", "autoscaling", "describe_lifecycle_hooks", on_group()),
    Step("delete the hook", "autoscaling", "delete_lifecycle_hook", on_group(LifecycleHookName="hook")),
    Step("no hooks", "autoscaling", "describe_lifecycle_hooks", on_group()),
    Step(
        "standby",
        "autoscaling",
        "enter_standby",
        on_first(ShouldDecrementDesiredCapacity=True),
        view=without_times,
    ),
    Step("no standby", "autoscaling", "exit_standby", on_first(), view=without_times, until=serving(1)),
    describe("back again"),
    Step(
        "terminate in the group",
        "autoscaling",
        "terminate_instance_in_auto_scaling_group",
        lambda s: {"InstanceId": first(s), "ShouldDecrementDesiredCapacity": True},
        view=without_times,
        until=serving(0),
    ),
    describe("nobody is left"),
    Step(
        "tags of the group",
        "autoscaling",
        "describe_tags",
        lambda s: {"Filters": [{"Name": "auto-scaling-group", "Values": [NAME]}]},
    ),
    Step(
        "create again",
        "autoscaling",
        "create_auto_scaling_group",
        lambda s: on_group(
            LaunchTemplate={"LaunchTemplateName": NAME},
            MinSize=0,
            MaxSize=1,
            VPCZoneIdentifier=s.given["subnet"],
        )(s),
        differs="moto replaces a group by another of its name",
    ),
    Step(
        "more than max",
        "autoscaling",
        "set_desired_capacity",
        on_group(DesiredCapacity=6),
        differs="moto has no limits: it would launch them",
        until=back_to_none,
    ),
    Step("delete", "autoscaling", "delete_auto_scaling_group", on_group()),
    describe("it is gone"),
    Step(
        "an unknown member",
        "autoscaling",
        "describe_auto_scaling_instances",
        lambda s: {"InstanceIds": ["i-0123456789abcdef0"]},
    ),
]

GROUP = r"AutoScalingGroups\[\]\."
KNOWN = [
    Known(
        "describe_auto_scaling_groups",
        GROUP + "HealthCheckGracePeriod",
        "0 by the API; moto has the console's 300",
    ),
    Known("describe_auto_scaling_groups", GROUP + "CapacityRebalance", "moto tells it though nobody set it"),
    Known(
        "describe_auto_scaling_groups",
        GROUP + "ServiceLinkedRoleARN",
        "moto only: the simulator has no roles",
    ),
    Known(
        "describe_auto_scaling_groups|describe_auto_scaling_instances",
        r".*Instances\[\]\.LaunchTemplate\.Version",
        "the version an instance was launched from; the simulator tells the group's word for it",
    ),
    Known(
        "describe_auto_scaling_groups",
        GROUP + r"SuspendedProcesses\[\]\.SuspensionReason",
        "AWS says who suspended it and when; moto does not",
    ),
    Known("describe_lifecycle_hooks", r"LifecycleHooks\[\]\.GlobalTimeout", "moto's is always two days"),
    *[
        Known(
            "describe_lifecycle_hooks",
            rf"LifecycleHooks\[\]\.{field}",
            "moto makes up a target for every hook",
        )
        for field in ("NotificationTargetARN", "RoleARN")
    ],
    *[
        Known("exit_standby", rf"Activities\[\]\.{field}", "how far it is at once is not documented")
        for field in ("Progress", "StatusCode")
    ],
    Known(
        "terminate_instance_in_auto_scaling_group",
        r"Activity\[\]\.Progress",
        "how far it is at once is not documented",
    ),
]
