"""Calls of Elastic Load Balancing that many checks make."""

import itertools

from ec2_calls import A, B

_names = itertools.count(1)


def new_name():
    return f"lb-{next(_names)}"


def balancer(elbv2, kind="application"):
    """A new load balancer's ARN."""
    made = elbv2.create_load_balancer(Name=new_name(), Type=kind, Subnets=[A, B])
    return made["LoadBalancers"][0]["LoadBalancerArn"]


def target_group(elbv2, vpc, **parameters):
    """A new target group's ARN."""
    wanted = {
        "Name": new_name(),
        "Protocol": "HTTP",
        "Port": 80,
        "VpcId": vpc,
        "TargetType": "instance",
        **parameters,
    }
    return elbv2.create_target_group(**wanted)["TargetGroups"][0]["TargetGroupArn"]


def health(elbv2, group, *ids):
    """Target health states by target."""
    targets = {"Targets": [{"Id": i} for i in ids]} if ids else {}
    told = elbv2.describe_target_health(TargetGroupArn=group, **targets)["TargetHealthDescriptions"]
    return {t["Target"]["Id"]: t["TargetHealth"]["State"] for t in told}
