"""Elastic Load Balancing: balancers, target groups, listeners."""

from differential.agreement import *  # the checks
from differential.twins import Known, Step
from ec2_calls import IMAGE, TYPE, A, B


def prepare(moto, ours, sim):
    """Two subnets in two zones of one network, and an instance, on both sides."""
    elbv2, ec2 = moto.client("elbv2"), moto.client("ec2")
    for balancer in elbv2.describe_load_balancers()["LoadBalancers"]:
        elbv2.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    for group in elbv2.describe_target_groups()["TargetGroups"]:
        elbv2.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
    vpc = ec2.create_vpc(CidrBlock="127.81.0.0/16")["Vpc"]["VpcId"]
    zones = ("us-east-1a", "us-east-1b")
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"127.81.{i}.0/24", AvailabilityZone=zone)["Subnet"][
            "SubnetId"
        ]
        for i, zone in enumerate(zones)
    ]
    moto.given = {"subnets": subnets, "vpc": vpc}
    [our_vpc] = {s["VpcId"] for s in ours.client("ec2").describe_subnets()["Subnets"]}
    ours.given = {"subnets": [A, B], "vpc": our_vpc}
    for side in (moto, ours):
        launch = {"ImageId": IMAGE, "InstanceType": TYPE, "MinCount": 1, "MaxCount": 1}
        launched = side.client("ec2").run_instances(SubnetId=side.given["subnets"][0], **launch)
        side.given["instance"] = launched["Instances"][0]["InstanceId"]


def balancer(side):
    return side.answers["create balancer"]["LoadBalancers"][0]["LoadBalancerArn"]


def group(side):
    return side.answers["create group"]["TargetGroups"][0]["TargetGroupArn"]


def on_group(**parameters):
    return lambda side: {"TargetGroupArn": group(side), **parameters}


def with_target(**parameters):
    return lambda side: on_group(Targets=[{"Id": side.given["instance"]}], **parameters)(side)


STEPS = [
    Step(
        "create balancer",
        "elbv2",
        "create_load_balancer",
        lambda s: {"Name": "differential", "Subnets": s.given["subnets"], "Type": "application"},
    ),
    Step("describe by name", "elbv2", "describe_load_balancers", lambda s: {"Names": ["differential"]}),
    Step(
        "describe by arn", "elbv2", "describe_load_balancers", lambda s: {"LoadBalancerArns": [balancer(s)]}
    ),
    Step(
        "an unknown balancer",
        "elbv2",
        "describe_load_balancers",
        lambda s: {"LoadBalancerArns": [balancer(s)[:-1] + "z"]},
    ),
    Step(
        "create group",
        "elbv2",
        "create_target_group",
        lambda s: {"Name": "differential", "Protocol": "HTTP", "Port": 80, "VpcId": s.given["vpc"]},
    ),
    Step("describe group", "elbv2", "describe_target_groups", lambda s: {"TargetGroupArns": [group(s)]}),
    Step("no targets", "elbv2", "describe_target_health", on_group()),
    Step("register", "elbv2", "register_targets", with_target()),
    Step(
        "listen",
        "elbv2",
        "create_listener",
        lambda s: {
            "LoadBalancerArn": balancer(s),
            "Protocol": "HTTP",
            "Port": 80,
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": group(s)}],
        },
    ),
    Step("listeners", "elbv2", "describe_listeners", lambda s: {"LoadBalancerArn": balancer(s)}),
    Step("group in use", "elbv2", "describe_target_groups", lambda s: {"TargetGroupArns": [group(s)]}),
    Step("delete a group in use", "elbv2", "delete_target_group", on_group()),
    Step("deregister", "elbv2", "deregister_targets", with_target()),
    Step("delete balancer", "elbv2", "delete_load_balancer", lambda s: {"LoadBalancerArn": balancer(s)}),
    Step("delete group", "elbv2", "delete_target_group", on_group()),
    Step("an unknown group", "elbv2", "describe_target_health", on_group()),
]

BALANCER = r"LoadBalancers\[\]\."
KNOWN = [
    *[
        Known(
            "create_load_balancer|describe_load_balancers",
            BALANCER + field,
            "each names its hosts in its own way",
        )
        for field in ("CanonicalHostedZoneId", "DNSName")
    ],
    Known(
        "create_load_balancer|describe_load_balancers",
        BALANCER + "Scheme",
        "AWS tells the default; moto what was asked",
    ),
    Known(
        "describe_load_balancers", BALANCER + r"State\.Code", "AWS takes a while; moto's is active at once"
    ),
    Known("describe_load_balancers", r"Error\.Message", "AWS documents the code and not the text"),
    *[
        Known(
            "create_target_group|describe_target_groups",
            rf"TargetGroups\[\]\.{field}",
            "moto only: nobody sets it",
        )
        for field in ("Matcher", "ProtocolVersion")
    ],
    Known(
        "create_listener|describe_listeners", r"Listeners\[\]\.SslPolicy", "moto names one even without TLS"
    ),
    Known("delete_target_group", r"Error\.Message", "AWS documents the code and not the text"),
]
