"""CreateFleet of type instant: what fits, and errors inside an answer (aws-facts 2.4)."""

import pytest

import simulator
from ec2_calls import IMAGE, TYPE, A, B, C, token
from expect import refused


@pytest.fixture
def scarce(start):
    """Room for five in zone a, three of m5.large in zone b, and eleven addresses in zone c."""
    return start("scarce.toml", scale=1_000)


@pytest.fixture
def ec2(scarce):
    return scarce.client("ec2")


@pytest.fixture
def template(ec2):
    data = {"ImageId": IMAGE, "InstanceType": TYPE}
    made = ec2.create_launch_template(LaunchTemplateName="of-the-fleet", LaunchTemplateData=data)
    return made["LaunchTemplate"]["LaunchTemplateId"]


def fleet(ec2, template, count, *overrides, **parameters):
    """An instant fleet of On-Demand instances, in subnet a if nobody says."""
    return ec2.create_fleet(
        **{
            "Type": "instant",
            "LaunchTemplateConfigs": [
                {
                    "LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "$Default"},
                    "Overrides": list(overrides) or [{"SubnetId": A}],
                }
            ],
            "TargetCapacitySpecification": {
                "TotalTargetCapacity": count,
                "DefaultTargetCapacityType": "on-demand",
            },
            "ClientToken": token(),
            **parameters,
        }
    )


def ids(answer):
    return [i for part in answer.get("Instances", []) for i in part["InstanceIds"]]


def errors(answer):
    return [e["ErrorCode"] for e in answer.get("Errors", [])]


def test_it_answers_with_the_instances(scarce, ec2, template):
    answer = fleet(ec2, template, 3)
    assert answer["FleetId"].startswith("fleet-")
    assert errors(answer) == []
    [part] = answer["Instances"]
    assert (part["InstanceType"], part["Lifecycle"]) == (TYPE, "on-demand")
    assert part["LaunchTemplateAndOverrides"]["Overrides"]["SubnetId"] == A
    assert set(part["InstanceIds"]) == scarce.instances().keys()


def test_its_instances_wear_its_name(scarce, ec2, template):
    answer = fleet(ec2, template, 2)
    tags = [i["tags"].get("aws:ec2:fleet-id") for i in scarce.instances().values()]
    assert tags == [answer["FleetId"]] * 2


def test_tags_at_launch_are_the_instances(scarce, ec2, template):
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "web"}]}]
    fleet(ec2, template, 1, TagSpecifications=tags)
    assert [i["tags"]["team"] for i in scarce.instances().values()] == ["web"]


def test_what_fits_is_launched_and_the_rest_is_an_error_in_a_200(ec2, template):
    answer = fleet(ec2, template, 8)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert len(ids(answer)) == 5
    assert errors(answer) == ["InsufficientInstanceCapacity"]
    [error] = answer["Errors"]
    assert error["LaunchTemplateAndOverrides"]["Overrides"]["SubnetId"] == A
    assert error["Lifecycle"] == "on-demand"
    assert "capacity" in error["ErrorMessage"]


def test_nothing_that_fits_is_still_an_answer(scarce, ec2, template):
    scarce.faults(capacity=[{"zone": "us-east-1a", "instances": 0}])
    answer = fleet(ec2, template, 2)
    assert (ids(answer), errors(answer)) == ([], ["InsufficientInstanceCapacity"])


def test_several_pools_fill_up_one_after_the_other(ec2, template):
    answer = fleet(ec2, template, 10, {"SubnetId": A}, {"SubnetId": B}, {"SubnetId": C})
    assert len(ids(answer)) == 10


def test_priorities_are_followed(scarce, ec2, template):
    answer = fleet(
        ec2,
        template,
        4,
        {"SubnetId": B, "InstanceType": "c5.large", "Priority": 2},
        {"SubnetId": A, "Priority": 1},
        OnDemandOptions={"AllocationStrategy": "prioritized"},
    )
    assert {scarce.instances()[i]["subnet"] for i in ids(answer)} == {A}


def test_min_target_capacity_is_all_or_nothing(scarce, ec2, template):
    least = {"MinTargetCapacity": 6, "SingleAvailabilityZone": True}
    answer = fleet(ec2, template, 8, OnDemandOptions=least)
    assert ids(answer) == []
    assert errors(answer)
    assert scarce.ledger()["instances"] == []
    least["MinTargetCapacity"] = 5
    assert len(ids(fleet(ec2, template, 8, OnDemandOptions=least))) == 5


def test_min_target_capacity_needs_one_pool(ec2, template):
    with pytest.raises(ec2.exceptions.ClientError) as caught:
        fleet(ec2, template, 3, OnDemandOptions={"MinTargetCapacity": 2})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_the_token_again_is_the_same_fleet(scarce, ec2, template):
    made = [fleet(ec2, template, 2, ClientToken="fleet-token") for _ in range(2)]
    assert made[0]["FleetId"] == made[1]["FleetId"]
    assert ids(made[0]) == ids(made[1])
    assert len(scarce.instances()) == 2


def test_the_token_with_another_count_is_a_mismatch(scarce, ec2, template):
    fleet(ec2, template, 2, ClientToken="fleet-token")
    with refused("IdempotentParameterMismatch"):
        fleet(ec2, template, 3, ClientToken="fleet-token")
    assert len(scarce.instances()) == 2


def test_an_unknown_template_is_an_error_inside_the_answer(ec2, template):
    answer = fleet(ec2, "lt-0123456789abcdef0", 1)
    assert (ids(answer), errors(answer)) == ([], ["InvalidLaunchTemplateId.NotFound"])


def test_a_fleet_has_at_most_ten_thousand(ec2, template):
    with pytest.raises(ec2.exceptions.ClientError) as caught:
        fleet(ec2, template, 10_001)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_dry_run_launches_nothing(scarce, ec2, template):
    with refused("DryRunOperation", status=412):
        fleet(ec2, template, 1, DryRun=True)
    assert scarce.ledger()["instances"] == []


# ---- What became of a fleet


def described(ec2, fleet_id, **parameters):
    return ec2.describe_fleets(FleetIds=[fleet_id], **parameters)["Fleets"]


def test_a_fleet_is_described_to_those_who_name_it(ec2, template):
    made = fleet(ec2, template, 9, {"SubnetId": A, "WeightedCapacity": 2.0})
    [told] = described(ec2, made["FleetId"])
    assert (told["Type"], told["FleetState"], told["ActivityStatus"]) == ("instant", "active", "fulfilled")
    assert told["TargetCapacitySpecification"]["TotalTargetCapacity"] == 9
    # Five of weight 2: as many units as were wanted, and one more.
    assert (told["FulfilledCapacity"], told["FulfilledOnDemandCapacity"]) == (10, 10)
    assert ids(told) == ids(made)
    [config] = told["LaunchTemplateConfigs"]
    assert config["LaunchTemplateSpecification"]["LaunchTemplateId"] == template
    assert config["Overrides"] == [{"SubnetId": A, "WeightedCapacity": 2.0}]
    # Instant fleets are not in the list of all.
    assert ec2.describe_fleets()["Fleets"] == []


def test_what_a_fleet_could_not_launch_is_described_too(ec2, template):
    made = fleet(ec2, template, 9)
    [told] = described(ec2, made["FleetId"])
    assert errors(told) == errors(made) == ["InsufficientInstanceCapacity"]
    assert told["FulfilledCapacity"] == len(ids(made)) == 5


def test_who_was_terminated_fulfils_nothing(ec2, template):
    made = fleet(ec2, template, 3)
    ec2.terminate_instances(InstanceIds=ids(made)[:1])
    simulator.wait_for("its end", lambda: described(ec2, made["FleetId"])[0]["FulfilledCapacity"] == 2)


def test_fleets_are_filtered(ec2, template):
    one = fleet(ec2, template, 1)["FleetId"]
    assert len(described(ec2, one, Filters=[{"Name": "type", "Values": ["instant"]}])) == 1
    assert described(ec2, one, Filters=[{"Name": "type", "Values": ["maintain"]}]) == []


def test_an_unknown_fleet_is_not_found(ec2):
    with refused("InvalidFleetId.NotFound"):
        described(ec2, "fleet-00000000-0000-0000-0000-000000000000")
