"""CreateTags, DeleteTags and DescribeTags (aws-facts 1.3, 2.5)."""

import pytest

from ec2_calls import NOBODY, found, instance, launch_ids, named, tagged
from expect import refused


def tags_of(ec2, one):
    return {tag["Key"]: tag["Value"] for tag in instance(ec2, one).get("Tags", [])}


def tag(ec2, ids, **tags):
    ec2.create_tags(Resources=ids, Tags=[{"Key": k, "Value": v} for k, v in tags.items()])


def test_tags_are_added_and_changed(ec2):
    [one] = launch_ids(ec2, TagSpecifications=tagged(team="web", owner="me"))
    tag(ec2, [one], team="api", zone="a")
    assert tags_of(ec2, one) == {"team": "api", "owner": "me", "zone": "a"}


def test_many_are_tagged_by_one_call(ec2):
    ids = launch_ids(ec2, 1_000, SubnetId="subnet-0000000000000000b")
    tag(ec2, ids, batch="all")
    assert len(found(ec2, named("tag:batch", "all"))) == 1_000


def test_more_than_a_thousand_are_refused(ec2):
    with pytest.raises(ec2.exceptions.ClientError) as caught:
        tag(ec2, [f"i-{n:017x}" for n in range(1_001)], a="b")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_launches_of_one_call_are_tagged_apart(ec2):
    ids = launch_ids(ec2, 2)
    tag(ec2, ids[:1], only="this")
    assert (tags_of(ec2, ids[0]), tags_of(ec2, ids[1])) == ({"only": "this"}, {})


def test_an_unknown_instance_stops_the_call(ec2):
    [one] = launch_ids(ec2)
    with refused("InvalidInstanceID.NotFound", message=NOBODY):
        tag(ec2, [one, NOBODY], a="b")
    assert tags_of(ec2, one) == {}


def test_an_instance_holds_fifty_tags(ec2):
    [one] = launch_ids(ec2, TagSpecifications=tagged(**{f"k{i}": "v" for i in range(49)}))
    tag(ec2, [one], last="one")
    with refused("TagLimitExceeded"):
        tag(ec2, [one], one="more")
    # Changing one of them is none more.
    tag(ec2, [one], last="changed")
    assert (len(tags_of(ec2, one)), tags_of(ec2, one)["last"]) == (50, "changed")


@pytest.mark.parametrize("key", ["aws:x", "k" * 128 + "k"], ids=["aws", "long"])
def test_a_key_that_is_none_is_refused(ec2, key):
    with refused("InvalidParameterValue"):
        tag(ec2, launch_ids(ec2), **{key: "v"})


def test_tags_are_found_at_once(ec2):
    [one] = launch_ids(ec2)
    tag(ec2, [one], unique="to this")
    assert found(ec2, named("tag:unique", "to this")) == [one]


def test_a_deleted_tag_is_gone(ec2):
    [one] = launch_ids(ec2, TagSpecifications=tagged(a="1", b="2"))
    ec2.delete_tags(Resources=[one], Tags=[{"Key": "a"}])
    assert tags_of(ec2, one) == {"b": "2"}


def test_a_tag_is_deleted_only_with_its_value_if_one_is_named(ec2):
    [one] = launch_ids(ec2, TagSpecifications=tagged(a="1"))
    ec2.delete_tags(Resources=[one], Tags=[{"Key": "a", "Value": "2"}])
    assert tags_of(ec2, one) == {"a": "1"}
    ec2.delete_tags(Resources=[one], Tags=[{"Key": "a", "Value": "1"}])
    assert tags_of(ec2, one) == {}


def test_without_names_all_tags_are_deleted(ec2):
    [one] = launch_ids(ec2, TagSpecifications=tagged(a="1", b="2"))
    ec2.delete_tags(Resources=[one])
    assert tags_of(ec2, one) == {}


def test_tags_are_described_by_themselves(ec2):
    [one] = launch_ids(ec2, TagSpecifications=tagged(a="1", b="2"))
    told = ec2.describe_tags(Filters=[named("resource-id", one), named("key", "b")])["Tags"]
    assert told == [{"Key": "b", "ResourceId": one, "ResourceType": "instance", "Value": "2"}]


def test_a_dry_run_tags_nothing(ec2):
    [one] = launch_ids(ec2)
    with refused("DryRunOperation", status=412):
        ec2.create_tags(Resources=[one], Tags=[{"Key": "a", "Value": "b"}], DryRun=True)
    assert tags_of(ec2, one) == {}
