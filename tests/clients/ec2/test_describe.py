"""DescribeInstances by ids and in pages, and the states it shows (aws-facts 2.5, 2.6)."""

import re

import pytest

import simulator
from ec2_calls import NOBODY, B, found, ids_of, instance, launch_ids, named, tagged, wait_for_state
from expect import code_of, refused


@pytest.fixture(scope="module")
def crowd(start):
    """A simulator with four launches of seven, and their ids."""
    sim = start("still.toml")
    ids = [i for _ in range(4) for i in launch_ids(sim.client("ec2"), 7)]
    return sim.client("ec2"), ids


def test_only_the_named_are_described(ec2):
    ids = launch_ids(ec2, 5)
    assert ids_of(ec2.describe_instances(InstanceIds=ids[1:3])) == ids[1:3]


def test_one_named_twice_is_described_once(ec2):
    [one] = launch_ids(ec2)
    assert ids_of(ec2.describe_instances(InstanceIds=[one, one])) == [one]


def test_instances_of_one_launch_are_one_reservation(ec2):
    first, second = launch_ids(ec2, 3), launch_ids(ec2, 2)
    reservations = ec2.describe_instances(InstanceIds=first + second)["Reservations"]
    assert [len(r["Instances"]) for r in reservations] == [3, 2]
    assert len({r["ReservationId"] for r in reservations}) == 2


def test_a_thousand_ids_are_described_at_once(ec2):
    ids = launch_ids(ec2, 1_000, SubnetId=B)
    assert sorted(ids_of(ec2.describe_instances(InstanceIds=ids))) == sorted(ids)


def test_more_than_a_thousand_ids_are_refused(ec2):
    with refused("ResourceCountExceeded"):
        ec2.describe_instances(InstanceIds=[NOBODY] * 1_001)


def test_one_unknown_id_stops_the_call(ec2):
    with refused("InvalidInstanceID.NotFound", message=f"^The instance ID '{NOBODY}' does not exist$"):
        ec2.describe_instances(InstanceIds=[*launch_ids(ec2), NOBODY])


def test_all_unknown_ids_are_named(ec2):
    other = "i-0fedcba9876543210"
    with refused(
        "InvalidInstanceID.NotFound", message=f"^The instance IDs '{NOBODY}, {other}' do not exist$"
    ):
        ec2.describe_instances(InstanceIds=[NOBODY, other])


@pytest.mark.parametrize("bad", ["i-1234", "i-0123456789ABCDEF0", "web-1", "i-0123456789abcdef01", ""])
def test_what_is_no_id_is_malformed(ec2, bad):
    with refused("InvalidInstanceID.Malformed"):
        ec2.describe_instances(InstanceIds=[bad])


def test_an_old_short_id_is_only_unknown(ec2):
    with refused("InvalidInstanceID.NotFound"):
        ec2.describe_instances(InstanceIds=["i-12345678"])


def test_a_dry_run_of_a_describe_is_refused(ec2):
    with refused("DryRunOperation", status=412):
        ec2.describe_instances(DryRun=True)


def test_ids_and_max_results_exclude_each_other(ec2):
    with refused("InvalidParameterCombination"):
        ec2.describe_instances(InstanceIds=launch_ids(ec2), MaxResults=5)


@pytest.mark.parametrize("size", [-1, 0, 1, 4, 1_001])
def test_a_page_of_less_than_5_or_more_than_1000_is_refused(ec2, size):
    with refused("InvalidParameterValue", message="maxResults"):
        ec2.describe_instances(MaxResults=size)


@pytest.mark.parametrize("size", [5, 1_000])
def test_a_page_of_5_to_1000_is_given(crowd, size):
    ec2, ids = crowd
    assert len(ids_of(ec2.describe_instances(MaxResults=size))) == min(size, len(ids))


def test_a_page_counts_instances_and_not_reservations(crowd):
    ec2, ids = crowd
    answer = ec2.describe_instances(MaxResults=10)
    assert ids_of(answer) == ids[:10]
    assert len(answer["Reservations"]) == 2


def test_pages_show_each_once_and_the_last_has_no_token(crowd):
    ec2, ids = crowd
    pages = list(ec2.get_paginator("describe_instances").paginate(MaxResults=5))
    assert [i for page in pages for i in ids_of(page)] == ids
    assert all("NextToken" in page for page in pages[:-1])
    assert not pages[-1].get("NextToken")


def test_pages_of_what_a_filter_finds_show_each_once(crowd):
    ec2, ids = crowd
    wanted = ids[::3]
    pages = ec2.get_paginator("describe_instances").paginate(
        Filters=[named("instance-id", *wanted)], PaginationConfig={"PageSize": 5}
    )
    assert [i for page in pages for i in ids_of(page)] == wanted


def test_the_client_can_stop_and_go_on(crowd):
    ec2, ids = crowd
    paginator = ec2.get_paginator("describe_instances")
    some = paginator.paginate(PaginationConfig={"PageSize": 7, "MaxItems": 1}).build_full_result()
    rest = paginator.paginate(PaginationConfig={"PageSize": 7, "StartingToken": some["NextToken"]})
    assert ids_of(some) + [i for page in rest for i in ids_of(page)] == ids


def test_a_token_that_was_never_given_out_is_refused(crowd):
    ec2, _ = crowd
    with refused("InvalidNextToken"):
        ec2.describe_instances(MaxResults=5, NextToken="made-up")


def test_nothing_found_is_an_empty_answer(ec2):
    answer = ec2.describe_instances(Filters=[named("tag:nobody", "has this")])
    assert answer["Reservations"] == []
    assert not answer.get("NextToken")


def test_an_empty_list_of_ids_describes_all(crowd):
    ec2, ids = crowd
    assert ids_of(ec2.describe_instances(InstanceIds=[])) == ids


def test_boto3s_waiter_sees_an_instance_run(ec2):
    ids = launch_ids(ec2, 3)
    ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig={"Delay": 0, "MaxAttempts": 10_000})
    assert [instance(ec2, i)["State"] for i in ids] == [{"Code": 16, "Name": "running"}] * 3


def test_boto3s_waiter_sees_an_instance_end(ec2):
    ids = launch_ids(ec2, 3)
    ec2.terminate_instances(InstanceIds=ids)
    ec2.get_waiter("instance_terminated").wait(
        InstanceIds=ids, WaiterConfig={"Delay": 0, "MaxAttempts": 10_000}
    )
    assert [instance(ec2, i)["State"] for i in ids] == [{"Code": 48, "Name": "terminated"}] * 3


def test_a_new_id_is_not_found_at_first(start):
    ec2 = start("unseen.toml").client("ec2")
    ids = launch_ids(ec2, 2)
    with refused("InvalidInstanceID.NotFound"):
        ec2.describe_instances(InstanceIds=ids)
    with refused("InvalidInstanceID.NotFound"):
        ec2.terminate_instances(InstanceIds=ids)
    assert found(ec2, named("instance-id", *ids)) == []


def test_a_new_id_is_found_later(start):
    ec2 = start("lagging.toml", scale=200).client("ec2")
    ids = launch_ids(ec2, 2)
    assert code_of(lambda: ec2.describe_instances(InstanceIds=ids)) == "InvalidInstanceID.NotFound"
    ec2.get_waiter("instance_exists").wait(InstanceIds=ids, WaiterConfig={"Delay": 0, "MaxAttempts": 100_000})
    assert ids_of(ec2.describe_instances(InstanceIds=ids)) == ids


def test_a_terminated_one_is_forgotten_after_a_while(start):
    ec2 = start("lagging.toml", scale=200).client("ec2")
    ids = launch_ids(ec2)
    wait_for_state(ec2, ids, "running")
    ec2.terminate_instances(InstanceIds=ids)

    def gone():
        return code_of(lambda: ec2.describe_instances(InstanceIds=ids)) == "InvalidInstanceID.NotFound"

    simulator.wait_for("the terminated one to be forgotten", gone)


def test_a_launch_can_succeed_and_the_instance_die(start):
    sim = start("broken.toml", scale=200)
    ec2 = sim.client("ec2")
    ids = launch_ids(ec2, 200)
    dying = {i["id"] for i in sim.ledger()["instances"] if i["broken"] == "dies"}
    assert 0 < len(dying) < len(ids)

    def dead():
        return set(found(ec2, named("instance-state-name", "terminated")))

    simulator.wait_for("those that die to be dead", lambda: dead() == dying)
    reasons = [instance(ec2, i)["StateReason"] for i in dying]
    assert all(re.fullmatch(r"(Client|Server)\.[A-Za-z.]+", r["Code"]) for r in reasons)
    assert all(r["Message"].startswith(f"{r['Code']}: ") for r in reasons)
    assert {
        "Code": "Client.InternalError",
        "Message": "Client.InternalError: Client error on launch",
    } in reasons


def test_one_that_never_boots_stays_pending(start):
    sim = start("broken.toml", scale=200)
    ec2 = sim.client("ec2")
    launch_ids(ec2, 200)
    stuck = {i["id"] for i in sim.ledger()["instances"] if i["broken"] == "never_boots"}
    rest = {i["id"] for i in sim.ledger()["instances"]} - stuck
    assert stuck

    def settled():
        return not rest & set(found(ec2, named("instance-state-name", "pending")))

    simulator.wait_for("all others to leave pending", settled)
    assert set(found(ec2, named("instance-state-name", "pending"))) == stuck


def test_a_running_one_has_no_reason(ec2):
    ids = launch_ids(ec2, TagSpecifications=tagged(a="b"))
    wait_for_state(ec2, ids, "running")
    assert "StateReason" not in instance(ec2, ids[0])
    assert not instance(ec2, ids[0])["StateTransitionReason"]
