"""Tags at launch: fifty, in every alphabet, for instances only where they are meant for them."""

import pytest

from ec2_calls import launch, request, tagged
from expect import refused


def tags_of(ec2, specifications):
    [one] = launch(ec2, TagSpecifications=specifications)
    return {tag["Key"]: tag["Value"] for tag in one["Tags"]}


def test_fifty_tags_are_taken(ec2):
    tags = {f"key-{i}": f"value-{i}" for i in range(50)}
    assert tags_of(ec2, tagged(**tags)) == tags


def test_fifty_one_tags_are_too_many(ec2):
    with refused("TagLimitExceeded"):
        launch(ec2, TagSpecifications=tagged(**{f"key-{i}": "" for i in range(51)}))


def test_a_key_has_at_most_128_characters(ec2):
    assert list(tags_of(ec2, tagged(**{"k" * 128: "v"}))) == ["k" * 128]
    with refused("InvalidParameterValue"):
        launch(ec2, TagSpecifications=tagged(**{"k" * 129: "v"}))


def test_a_value_has_at_most_256_characters(ec2):
    assert tags_of(ec2, tagged(key="v" * 256)) == {"key": "v" * 256}
    with refused("InvalidParameterValue"):
        launch(ec2, TagSpecifications=tagged(key="v" * 257))


def test_lengths_are_counted_in_characters_and_not_in_bytes(ec2):
    assert tags_of(ec2, tagged(**{"é" * 128: "日" * 256})) == {"é" * 128: "日" * 256}


def test_keys_of_aws_are_refused(ec2):
    with refused("InvalidParameterValue", message="aws:"):
        launch(ec2, TagSpecifications=tagged(**{"aws:autoscaling:groupName": "web"}))


def test_an_empty_key_is_refused(ec2):
    with refused("InvalidParameterValue"):
        launch(ec2, TagSpecifications=tagged(**{"": "v"}))


def test_a_key_twice_is_refused(ec2):
    twice = [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}]
    with refused("InvalidParameterValue", message="Duplicate"):
        launch(ec2, TagSpecifications=twice)


@pytest.mark.parametrize(
    "value", ["", " ", "a <b> & 'c' \"d\"", "日本語", "a=b&c=d%20+", "line\nbreak", "🙂"]
)
def test_a_value_comes_back_as_it_was_sent(ec2, value):
    assert tags_of(ec2, tagged(key=value)) == {"key": value}


def test_keys_differ_by_case(ec2):
    assert tags_of(ec2, tagged(team="a", Team="b")) == {"team": "a", "Team": "b"}


def test_tags_of_volumes_and_interfaces_are_not_the_instances(ec2):
    tags = [{"Key": "team", "Value": "web"}]
    kinds = [{"ResourceType": kind, "Tags": tags} for kind in ("volume", "network-interface")]
    [one] = launch(ec2, TagSpecifications=kinds)
    assert one.get("Tags", []) == []


def test_all_instances_of_a_launch_have_its_tags(ec2):
    launched = launch(ec2, 5, TagSpecifications=tagged(team="web"))
    assert [one["Tags"] for one in launched] == [[{"Key": "team", "Value": "web"}]] * 5


def test_what_cannot_be_tagged_at_launch_is_refused(ec2):
    with refused("InvalidParameterValue"):
        ec2.run_instances(
            **request(TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}])
        )
