"""Target groups of a group, and the lists of words that Auto Scaling knows."""

import pytest

import simulator
from autoscaling_calls import create, group, members, wait_for_members
from elbv2_calls import balancer, health, target_group
from expect import refused


@pytest.fixture(scope="module")
def vpc(sim):
    return sim.client("ec2").describe_subnets()["Subnets"][0]["VpcId"]


@pytest.fixture
def elbv2(sim):
    return sim.client("elbv2")




def attached(autoscaling, name):
    told = autoscaling.describe_load_balancer_target_groups(AutoScalingGroupName=name)["LoadBalancerTargetGroups"]
    return {t["LoadBalancerTargetGroupARN"]: t["State"] for t in told}


def test_members_are_registered_with_an_attached_group(autoscaling, elbv2, vpc):
    arn = target_group(elbv2, vpc)
    name = create(autoscaling, 2)
    autoscaling.attach_load_balancer_target_groups(AutoScalingGroupName=name, TargetGroupARNs=[arn])
    both = set(members(autoscaling, name))
    simulator.wait_for("both", lambda: health(elbv2, arn).keys() == both)
    assert attached(autoscaling, name).keys() == {arn}
    assert group(autoscaling, name)["TargetGroupARNs"] == [arn]


def test_new_members_are_registered_too(autoscaling, elbv2, vpc):
    arn = target_group(elbv2, vpc)
    name = create(autoscaling, TargetGroupARNs=[arn])
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=2)
    simulator.wait_for("both", lambda: len(health(elbv2, arn)) == 2)
    assert health(elbv2, arn).keys() == set(members(autoscaling, name))


def test_who_leaves_is_deregistered(autoscaling, elbv2, vpc):
    arn = target_group(elbv2, vpc)
    name = create(autoscaling, 2, TargetGroupARNs=[arn])
    simulator.wait_for("both", lambda: len(health(elbv2, arn)) == 2)
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=0)
    wait_for_members(autoscaling, name, 0)
    simulator.wait_for("nobody", lambda: health(elbv2, arn) == {})


def test_a_detached_group_lets_the_members_go(autoscaling, elbv2, vpc):
    arn = target_group(elbv2, vpc)
    name = create(autoscaling, 1, TargetGroupARNs=[arn])
    simulator.wait_for("it", lambda: len(health(elbv2, arn)) == 1)
    autoscaling.detach_load_balancer_target_groups(AutoScalingGroupName=name, TargetGroupARNs=[arn])
    simulator.wait_for("nobody", lambda: health(elbv2, arn) == {})
    simulator.wait_for("it to be detached", lambda: attached(autoscaling, name) == {})


def test_who_comes_while_that_is_suspended_is_never_registered(autoscaling, elbv2, vpc):
    arn = target_group(elbv2, vpc)
    name = create(autoscaling, 1, TargetGroupARNs=[arn])
    [first] = simulator.wait_for("the first", lambda: health(elbv2, arn))
    autoscaling.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["AddToLoadBalancer"])
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=2)
    wait_for_members(autoscaling, name, 2)
    autoscaling.resume_processes(AutoScalingGroupName=name)
    assert health(elbv2, arn).keys() == {first}


def test_who_fails_the_checks_of_a_load_balancer_is_replaced_if_the_group_wants_it(autoscaling, elbv2, vpc):
    arn = target_group(elbv2, vpc, HealthCheckIntervalSeconds=5, UnhealthyThresholdCount=2)
    forward = [{"Type": "forward", "TargetGroupArn": arn}]
    elbv2.create_listener(LoadBalancerArn=balancer(elbv2), Protocol="HTTP", Port=80, DefaultActions=forward)
    # Nobody configures the instances, so none of them passes.
    trusting = create(autoscaling, 1, TargetGroupARNs=[arn], HealthCheckType="ELB", HealthCheckGracePeriod=0)
    [first] = members(autoscaling, trusting)

    def causes():
        told = autoscaling.describe_scaling_activities(AutoScalingGroupName=trusting)["Activities"]
        return [a["Cause"] for a in told if first in a["Description"]]

    simulator.wait_for("it to be replaced", lambda: any("ELB system health check" in c for c in causes()))


def test_who_stands_by_is_not_registered(autoscaling, elbv2, vpc):
    arn = target_group(elbv2, vpc)
    name = create(autoscaling, 1, TargetGroupARNs=[arn])
    [one] = simulator.wait_for("it", lambda: health(elbv2, arn))
    autoscaling.enter_standby(AutoScalingGroupName=name, InstanceIds=[one], ShouldDecrementDesiredCapacity=True)
    simulator.wait_for("nobody", lambda: health(elbv2, arn) == {})
    wait_for_members(autoscaling, name, 1, "Standby")
    autoscaling.exit_standby(AutoScalingGroupName=name, InstanceIds=[one])
    simulator.wait_for("it again", lambda: health(elbv2, arn).keys() == {one})


def test_attached_groups_are_told(autoscaling, elbv2, vpc):
    arn = target_group(elbv2, vpc)
    name = create(autoscaling)
    autoscaling.attach_load_balancer_target_groups(AutoScalingGroupName=name, TargetGroupARNs=[arn])
    assert attached(autoscaling, name).keys() == {arn}
    autoscaling.detach_load_balancer_target_groups(AutoScalingGroupName=name, TargetGroupARNs=[arn])
    simulator.wait_for("it to be detached", lambda: attached(autoscaling, name) == {})


def test_ten_groups_are_attached_at_most_at_once(autoscaling, elbv2, vpc):
    name = create(autoscaling)
    arns = [target_group(elbv2, vpc) for _ in range(11)]
    with refused("ValidationError"):
        autoscaling.attach_load_balancer_target_groups(AutoScalingGroupName=name, TargetGroupARNs=arns)
    assert attached(autoscaling, name) == {}


def test_a_group_that_does_not_exist_is_not_attached(autoscaling):
    arn = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/nobody/0123456789abcdef"
    with refused("ValidationError"):
        autoscaling.attach_load_balancer_target_groups(
            AutoScalingGroupName=create(autoscaling), TargetGroupARNs=[arn]
        )


def test_the_processes_are_told(autoscaling):
    names = {p["ProcessName"] for p in autoscaling.describe_scaling_process_types()["Processes"]}
    assert {"Launch", "Terminate", "HealthCheck", "ReplaceUnhealthy", "AZRebalance"} <= names


def test_the_termination_policies_are_told(autoscaling):
    policies = autoscaling.describe_termination_policy_types()["TerminationPolicyTypes"]
    assert {"Default", "OldestInstance", "NewestInstance"} <= set(policies)


def test_the_adjustments_are_told(autoscaling):
    kinds = {t["AdjustmentType"] for t in autoscaling.describe_adjustment_types()["AdjustmentTypes"]}
    assert kinds == {"ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"}


@pytest.mark.parametrize("policy,index", [("OldestInstance", -1), ("NewestInstance", 0)])
def test_a_policy_chooses_who_goes(sim, autoscaling, policy, index):
    name = create(autoscaling, 1, TerminationPolicies=[policy], VPCZoneIdentifier="subnet-0000000000000000a")
    for count in (2, 3):
        autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=count)
        wait_for_members(autoscaling, name, count)
    by_age = sorted(members(autoscaling, name), key=lambda i: sim.instances()[i]["launched_ms"])
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
    assert wait_for_members(autoscaling, name, 1) == [by_age[index]]
