"""Launch templates and their versions, and launches by them."""

import itertools
import re

import pytest

from ec2_calls import IMAGE, TYPE, A, B, launch_ids, token
from expect import code_of, refused

_names = itertools.count(1)
DATA = {"ImageId": IMAGE, "InstanceType": TYPE, "KeyName": "of-the-template"}


def create(ec2, **parameters):
    """A new template's id and name."""
    wanted = {"LaunchTemplateName": f"template-{next(_names)}", "LaunchTemplateData": DATA, **parameters}
    made = ec2.create_launch_template(**wanted)["LaunchTemplate"]
    return made["LaunchTemplateId"], made["LaunchTemplateName"]


def add_version(ec2, template, source="1", **data):
    answer = ec2.create_launch_template_version(
        LaunchTemplateId=template, SourceVersion=source, LaunchTemplateData=data
    )
    return answer["LaunchTemplateVersion"]


def versions(ec2, template, *numbers):
    told = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=list(numbers))
    return [(v["VersionNumber"], v["LaunchTemplateData"]) for v in told["LaunchTemplateVersions"]]


def launch(ec2, **template):
    parameters = {"MinCount": 1, "MaxCount": 1, "SubnetId": A, "ClientToken": token()}
    return ec2.run_instances(**parameters, LaunchTemplate=template)["Instances"][0]


def test_a_template_is_shown_whole(ec2):
    name = f"template-{next(_names)}"
    made = ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=DATA)["LaunchTemplate"]
    assert re.fullmatch("lt-[0-9a-f]{17}", made["LaunchTemplateId"])
    assert (made["LaunchTemplateName"], made["DefaultVersionNumber"], made["LatestVersionNumber"]) == (
        name,
        1,
        1,
    )
    [shown] = ec2.describe_launch_templates(LaunchTemplateIds=[made["LaunchTemplateId"]])["LaunchTemplates"]
    assert shown == made


def test_a_name_is_taken_once(ec2):
    _, name = create(ec2)
    with refused("InvalidLaunchTemplateName.AlreadyExistsException"):
        create(ec2, LaunchTemplateName=name)


def test_the_token_again_is_the_same_template(ec2):
    name = f"template-{next(_names)}"
    made = {create(ec2, LaunchTemplateName=name, ClientToken="template-token")[0] for _ in range(2)}
    assert len(made) == 1


def test_templates_are_found_by_name(ec2):
    template, name = create(ec2)
    [shown] = ec2.describe_launch_templates(LaunchTemplateNames=[name])["LaunchTemplates"]
    assert shown["LaunchTemplateId"] == template


def test_a_version_changes_what_it_names(ec2):
    template, _ = create(ec2)
    version = add_version(ec2, template, InstanceType="c5.large")
    assert (version["VersionNumber"], version["DefaultVersion"]) == (2, False)
    assert versions(ec2, template, "2") == [(2, DATA | {"InstanceType": "c5.large"})]
    assert versions(ec2, template, "1") == [(1, DATA)]


def test_the_latest_and_the_default_have_names(ec2):
    template, _ = create(ec2)
    add_version(ec2, template, InstanceType="c5.large")
    assert [n for n, _ in versions(ec2, template, "$Latest")] == [2]
    assert [n for n, _ in versions(ec2, template, "$Default")] == [1]


def test_the_default_can_be_changed(ec2):
    template, _ = create(ec2)
    add_version(ec2, template, InstanceType="c5.large")
    changed = ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion="2")["LaunchTemplate"]
    assert changed["DefaultVersionNumber"] == 2
    assert launch(ec2, LaunchTemplateId=template)["InstanceType"] == "c5.large"


def test_a_launch_takes_everything_from_its_template(ec2):
    template, name = create(ec2)
    for by in ({"LaunchTemplateId": template}, {"LaunchTemplateName": name}):
        one = launch(ec2, **by)
        assert (one["ImageId"], one["InstanceType"], one["KeyName"]) == (IMAGE, TYPE, "of-the-template")


@pytest.mark.parametrize(
    "version,instance_type", [("1", TYPE), ("2", "c5.large"), ("$Latest", "c5.large"), ("$Default", TYPE)]
)
def test_a_launch_takes_the_version_it_names(ec2, version, instance_type):
    template, _ = create(ec2)
    add_version(ec2, template, InstanceType="c5.large")
    assert launch(ec2, LaunchTemplateId=template, Version=version)["InstanceType"] == instance_type


def test_a_launch_goes_before_its_template(ec2):
    template, _ = create(ec2)
    parameters = {"MinCount": 1, "MaxCount": 1, "SubnetId": B, "InstanceType": "r5.large"}
    answer = ec2.run_instances(**parameters, LaunchTemplate={"LaunchTemplateId": template})
    assert answer["Instances"][0]["InstanceType"] == "r5.large"


def test_the_tags_of_a_template_are_the_instances(ec2):
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "web"}]}]
    template, _ = create(ec2, LaunchTemplateData=DATA | {"TagSpecifications": tags})
    assert {"Key": "team", "Value": "web"} in launch(ec2, LaunchTemplateId=template)["Tags"]


@pytest.mark.parametrize(
    "template,code",
    [
        ({"LaunchTemplateId": "lt-0123456789abcdef0"}, "InvalidLaunchTemplateId.NotFound"),
        ({"LaunchTemplateName": "nobody"}, "InvalidLaunchTemplateName.NotFoundException"),
    ],
    ids=["id", "name"],
)
def test_an_unknown_template_is_not_found(ec2, template, code):
    create(ec2)
    with refused(code):
        launch(ec2, **template)


def test_an_unknown_version_is_not_found(ec2):
    template, _ = create(ec2)
    with refused("InvalidLaunchTemplateId.VersionNotFound"):
        launch(ec2, LaunchTemplateId=template, Version="7")


def test_the_token_with_another_version_is_a_mismatch(ec2):
    template, _ = create(ec2)
    add_version(ec2, template, InstanceType="c5.large")
    parameters = {"MinCount": 1, "MaxCount": 1, "SubnetId": A, "ClientToken": token()}
    ec2.run_instances(**parameters, LaunchTemplate={"LaunchTemplateId": template, "Version": "1"})
    other = {"LaunchTemplateId": template, "Version": "2"}
    assert (
        code_of(lambda: ec2.run_instances(**parameters, LaunchTemplate=other))
        == "IdempotentParameterMismatch"
    )


def test_a_deleted_template_is_gone(ec2):
    template, _ = create(ec2)
    assert (
        ec2.delete_launch_template(LaunchTemplateId=template)["LaunchTemplate"]["LaunchTemplateId"]
        == template
    )
    with refused("InvalidLaunchTemplateId.NotFound"):
        ec2.describe_launch_templates(LaunchTemplateIds=[template])
    with refused("InvalidLaunchTemplateId.NotFound"):
        launch(ec2, LaunchTemplateId=template)


def test_what_was_launched_by_a_deleted_template_lives_on(sim, ec2):
    template, _ = create(ec2)
    one = launch(ec2, LaunchTemplateId=template)["InstanceId"]
    ec2.delete_launch_template(LaunchTemplateId=template)
    assert one in sim.instances()
    assert launch_ids(ec2)


def test_templates_are_paged(ec2):
    made = {create(ec2)[0] for _ in range(6)}
    pages = list(ec2.get_paginator("describe_launch_templates").paginate(PaginationConfig={"PageSize": 5}))
    assert len(pages) >= 2
    assert made <= {t["LaunchTemplateId"] for page in pages for t in page["LaunchTemplates"]}


def test_a_dry_run_makes_nothing(ec2):
    with refused("DryRunOperation", status=412):
        create(ec2, LaunchTemplateName="rehearsed", DryRun=True)
    assert (
        ec2.describe_launch_templates(Filters=[{"Name": "launch-template-name", "Values": ["rehearsed"]}])[
            "LaunchTemplates"
        ]
        == []
    )
