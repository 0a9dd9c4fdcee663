"""EC2 by the AWS CLI: starting it takes most of a second, so a check asks as little as it can."""

import json

import pytest

import simulator
from ec2_calls import IMAGE, NOBODY, TYPE, A, B, launch_ids, tagged, token

LAUNCH = ("ec2", "run-instances", "--image-id", IMAGE, "--instance-type", TYPE)


@pytest.fixture(scope="module")
def crowd(start):
    """A simulator with twelve instances that stay pending, and their ids."""
    sim = start("still.toml")
    return sim, launch_ids(sim.client("ec2"), 12, TagSpecifications=tagged(team="web"))


def test_run_instances_launches_a_count(sim, aws):
    tags = "ResourceType=instance,Tags=[{Key=team,Value=web},{Key=Name,Value='a b'}]"
    said = aws(*LAUNCH, "--count", "2", "--subnet-id", B, "--tag-specifications", tags).json
    assert [i["State"]["Name"] for i in said["Instances"]] == ["pending"] * 2
    ids = [i["InstanceId"] for i in said["Instances"]]
    assert sim.instances()[ids[1]]["tags"] == {"team": "web", "Name": "a b"}


def test_run_instances_takes_from_one_to_many_and_user_data_of_a_file(aws, tmp_path):
    (tmp_path / "data").write_text("#!/bin/sh\necho é\n")
    said = aws(*LAUNCH, "--count", "1:5", "--subnet-id", A, "--user-data", f"file://{tmp_path}/data").json
    assert len(said["Instances"]) == 5


def test_the_same_token_is_the_same_instance(aws):
    again = [aws(*LAUNCH, "--subnet-id", A, "--client-token", "cli-1").json for _ in range(2)]
    assert again[0]["Instances"][0]["InstanceId"] == again[1]["Instances"][0]["InstanceId"]


def test_another_launch_with_the_token_is_refused(sim, aws):
    launch_ids(sim.client("ec2"), ClientToken="cli-2")
    said = aws(*LAUNCH, "--count", "3", "--subnet-id", A, "--client-token", "cli-2")
    assert said.refused("IdempotentParameterMismatch", "RunInstances"), said


def test_a_dry_run_is_said_to_be_fine(aws):
    said = aws(*LAUNCH, "--subnet-id", A, "--dry-run")
    assert said.refused("DryRunOperation", "RunInstances"), said
    assert "would have succeeded" in said.err


def test_a_skeleton_of_json_is_taken(sim, aws):
    request = {
        "ImageId": IMAGE,
        "InstanceType": TYPE,
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": A,
        "ClientToken": token(),
    }
    said = aws("ec2", "run-instances", "--cli-input-json", json.dumps(request)).json
    assert said["Instances"][0]["InstanceId"] in sim.instances()


def test_pages_are_walked_through(crowd, aws):
    sim, ids = crowd
    query = "Reservations[].Instances[].InstanceId"
    said = aws("ec2", "describe-instances", "--page-size", "5", "--query", query, on=sim).json
    assert said == ids
    assert sim.ledger()["apis"]["DescribeInstances"]["calls"] == 3


def test_it_stops_and_goes_on(crowd, aws):
    sim, ids = crowd
    command = ("ec2", "describe-instances", "--page-size", "5")
    first = aws(*command, "--max-items", "1", on=sim).json
    rest = aws(*command, "--starting-token", first["NextToken"], on=sim).json
    shown = [i["InstanceId"] for page in (first, rest) for r in page["Reservations"] for i in r["Instances"]]
    assert shown == ids


def test_filters_are_written_short_and_text_is_text(crowd, aws):
    sim, ids = crowd
    said = aws(
        "ec2", "describe-instances", "--output", "text",
        "--filters", "Name=tag:team,Values=we?,api", "Name=instance-state-name,Values=pending",
        "--query", "Reservations[].Instances[].[InstanceId]", on=sim,
    )  # fmt: skip
    assert said.out.split() == ids


def test_an_unknown_instance_is_an_error(aws):
    said = aws("ec2", "describe-instances", "--instance-ids", NOBODY)
    assert said.refused("InvalidInstanceID.NotFound", "DescribeInstances"), said
    assert f"The instance ID '{NOBODY}' does not exist" in said.err


def test_its_waiter_sees_an_instance_run(sim, aws):
    ids = launch_ids(sim.client("ec2"), 2)

    def running():
        return all(sim.instances()[i]["state"] == "running" for i in ids)

    # It looks every 15 s: the first look must find them running.
    simulator.wait_for("both to run", running)
    assert aws("ec2", "wait", "instance-running", "--instance-ids", *ids).code == 0


def test_terminate_instances_ends_them(sim, aws):
    ids = launch_ids(sim.client("ec2"), 2)
    said = aws("ec2", "terminate-instances", "--instance-ids", *ids).json
    assert [c["CurrentState"]["Name"] for c in said["TerminatingInstances"]] == ["shutting-down"] * 2
    assert not set(ids) & sim.instances().keys()


def test_subnets_are_shown_in_a_table(aws):
    said = aws("ec2", "describe-subnets", "--output", "table")
    assert said.code == 0 and "DescribeSubnets" in said.out and B in said.out, said


def test_a_throttle_is_an_error(start, aws):
    sim = start("quick.toml")
    sim.faults(throttle=100)
    said = aws("ec2", "describe-subnets", on=sim)
    assert said.refused("RequestLimitExceeded", "DescribeSubnets"), said


def test_it_tries_again_if_it_is_told_to(start, aws):
    sim = start("quick.toml")
    sim.faults(throttle=100)
    said = aws("ec2", "describe-subnets", on=sim, AWS_MAX_ATTEMPTS="2")
    assert said.refused("RequestLimitExceeded", "DescribeSubnets"), said
    assert "reached max retries: 1" in said.err
    assert sim.ledger()["apis"]["DescribeSubnets"]["throttled_by_fault"] == 2


def test_what_the_simulator_does_not_have_is_an_invalid_action(aws):
    said = aws("ec2", "describe-spot-price-history")
    assert said.refused("InvalidAction", "DescribeSpotPriceHistory"), said
