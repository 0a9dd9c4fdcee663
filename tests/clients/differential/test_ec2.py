"""EC2: launches, reads, tags and terminations."""

from differential.agreement import *  # the checks
from differential.twins import Known, Step
from ec2_calls import IMAGE, NOBODY, TYPE, A, found, named, tagged

SUBNET = "127.0.0.0/8"


def prepare(moto, ours, sim):
    """A subnet of the same addresses in the same zone on both sides."""
    [subnet] = [s for s in sim.subnets if s["id"] == A]
    ec2 = moto.client("ec2")
    vpc = ec2.create_vpc(CidrBlock=subnet["cidr"])["Vpc"]["VpcId"]
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=subnet["cidr"], AvailabilityZone=subnet["zone"])["Subnet"]
    images = ec2.describe_images(
        Filters=[named("virtualization-type", "hvm"), named("architecture", "x86_64")]
    )
    moto.given = {"subnet": made["SubnetId"], "image": images["Images"][0]["ImageId"]}
    ours.given = {"subnet": A, "image": IMAGE}


def launched(side, name="launch three"):
    return [i["InstanceId"] for i in side.answers[name]["Instances"]]


def states_are(state, name="launch three"):
    def reached(side):
        ids = launched(side, name)
        seen = found(side.client("ec2"), named("instance-id", *ids), named("instance-state-name", state))
        return sorted(seen) == sorted(ids)

    return reached


def run_instances(count, **more):
    return lambda side: {
        "ImageId": side.given["image"],
        "InstanceType": TYPE,
        "SubnetId": side.given["subnet"],
        "MinCount": count,
        "MaxCount": count,
        **more,
    }


TAGS = [
    {
        "ResourceType": "instance",
        "Tags": [{"Key": "team", "Value": "web"}, {"Key": "Name", "Value": "a <b> & é"}],
    }
]

FIFTY_ONE = [f"key-{i}" for i in range(51)]

STEPS = [
    Step("the subnet", "ec2", "describe_subnets", lambda s: {"SubnetIds": [s.given["subnet"]]}),
    Step(
        "an unknown subnet", "ec2", "describe_subnets", lambda s: {"SubnetIds": ["subnet-0123456789abcdef0"]}
    ),
    Step(
        "launch three",
        "ec2",
        "run_instances",
        run_instances(3, ClientToken="differential-1", TagSpecifications=TAGS),
        until=states_are("running"),
    ),
    Step("fewer addresses", "ec2", "describe_subnets", lambda s: {"SubnetIds": [s.given["subnet"]]}),
    Step("describe by id", "ec2", "describe_instances", lambda s: {"InstanceIds": launched(s)}),
    Step(
        "describe by tag",
        "ec2",
        "describe_instances",
        lambda s: {"Filters": [named("tag:team", "web"), named("subnet-id", s.given["subnet"])]},
    ),
    Step(
        "describe by wildcard",
        "ec2",
        "describe_instances",
        lambda s: {"Filters": [named("tag:team", "w*"), named("subnet-id", s.given["subnet"])]},
    ),
    Step(
        "describe by state and type",
        "ec2",
        "describe_instances",
        lambda s: {
            "InstanceIds": launched(s),
            "Filters": [named("instance-state-name", "running"), named("instance-type", TYPE)],
        },
    ),
    Step(
        "nobody has this tag", "ec2", "describe_instances", lambda s: {"Filters": [named("tag:nobody", "x")]}
    ),
    Step("an unknown instance", "ec2", "describe_instances", lambda s: {"InstanceIds": [NOBODY]}),
    Step(
        "an id and a page",
        "ec2",
        "describe_instances",
        lambda s: {"InstanceIds": launched(s), "MaxResults": 5},
    ),
    Step("a dry run", "ec2", "run_instances", run_instances(1, DryRun=True)),
    Step(
        "launch into nowhere", "ec2", "run_instances", run_instances(1, SubnetId="subnet-0123456789abcdef0")
    ),
    Step(
        "51 tags",
        "ec2",
        "run_instances",
        run_instances(1, TagSpecifications=tagged(**dict.fromkeys(FIFTY_ONE, "x"))),
    ),
    Step(
        "a dry run of a terminate",
        "ec2",
        "terminate_instances",
        lambda s: {"InstanceIds": launched(s), "DryRun": True},
    ),
    Step(
        "terminate with an unknown one",
        "ec2",
        "terminate_instances",
        lambda s: {"InstanceIds": [*launched(s), NOBODY]},
    ),
    Step("nothing was terminated", "ec2", "describe_instances", lambda s: {"InstanceIds": launched(s)}),
    Step(
        "terminate",
        "ec2",
        "terminate_instances",
        lambda s: {"InstanceIds": launched(s)},
        until=states_are("terminated"),
    ),
    Step("describe the terminated", "ec2", "describe_instances", lambda s: {"InstanceIds": launched(s)}),
    Step(
        "terminate again",
        "ec2",
        "terminate_instances",
        lambda s: {"InstanceIds": launched(s)},
        differs="moto says shutting-down of what it terminated",
    ),
    Step(
        "addresses after terminations",
        "ec2",
        "describe_subnets",
        lambda s: {"SubnetIds": [s.given["subnet"]]},
        differs="moto does not give addresses back",
    ),
    Step(
        "up to three",
        "ec2",
        "run_instances",
        run_instances(1, MaxCount=3, ClientToken="differential-2"),
        differs="moto launches MinCount and ignores MaxCount",
    ),
    Step(
        "up to three again",
        "ec2",
        "run_instances",
        run_instances(1, MaxCount=3, ClientToken="differential-2"),
        differs="moto stores client tokens and does not honour them",
    ),
    Step(
        "another launch with the token",
        "ec2",
        "run_instances",
        run_instances(2, ClientToken="differential-2"),
        differs="moto knows no IdempotentParameterMismatch",
    ),
    Step(
        "at least more than at most",
        "ec2",
        "run_instances",
        run_instances(1, MinCount=2),
        differs="moto does not compare MinCount with MaxCount",
    ),
    Step(
        "two unknown instances",
        "ec2",
        "describe_instances",
        lambda s: {"InstanceIds": [NOBODY, "i-0fedcba9876543210"]},
        differs="moto names one of them in the message for one",
    ),
    Step(
        "what is no id",
        "ec2",
        "describe_instances",
        lambda s: {"InstanceIds": ["web-1"]},
        differs="moto has no InvalidInstanceID.Malformed",
    ),
    Step(
        "no image",
        "ec2",
        "run_instances",
        lambda s: {k: v for k, v in run_instances(1)(s).items() if k != "ImageId"},
        differs="moto launches nothing in particular",
    ),
    Step(
        "an image that is no id",
        "ec2",
        "run_instances",
        run_instances(1, ImageId="debian-12"),
        differs="moto looks at images only if told to by a variable",
    ),
    Step(
        "too much user data",
        "ec2",
        "run_instances",
        run_instances(1, UserData="x" * 20_000),
        differs="moto does not limit user data",
    ),
    Step(
        "201 values",
        "ec2",
        "describe_instances",
        lambda s: {"Filters": [named("instance-id", *[NOBODY] * 201)]},
        differs="moto does not limit values",
    ),
    Step(
        "describe by token",
        "ec2",
        "describe_instances",
        lambda s: {"Filters": [named("client-token", "differential-2")]},
        differs="moto has not implemented the filter, and answers HTML",
    ),
    Step(
        "a page of four",
        "ec2",
        "describe_instances",
        lambda s: {"MaxResults": 4},
        differs="moto takes any page size",
    ),
]

INSTANCE = r"(Reservations\[\]\.)?Instances\[\]\."
KNOWN = [
    *[
        Known("describe_subnets", rf"Subnets\[\]\.{field}", "moto only: nothing that muster would look at")
        for field in (
            "AssignIpv6AddressOnCreation",
            "AvailabilityZoneId",
            "Ipv6Native",
            "PrivateDnsNameOptionsOnLaunch",
            "SubnetArn",
        )
    ],
    *[
        Known(
            "run_instances|describe_instances", INSTANCE + field, "moto only: the simulator has no such part"
        )
        for field in (
            "BlockDeviceMappings",
            "EbsOptimized",
            "MetadataOptions",
            "NetworkInterfaces",
            "RootDeviceName",
            "SourceDestCheck",
            "SriovNetSupport",
        )
    ],
    Known("run_instances|describe_instances", INSTANCE + "Platform", "the images moto knows are Windows'"),
    *[
        Known(
            "describe_instances",
            INSTANCE + field,
            "EC2 takes a terminated instance's network away; moto leaves it",
        )
        for field in ("PrivateDnsName", "PrivateIpAddress", "SubnetId", "VpcId")
    ],
    Known("run_instances", r"Error\.Message", "AWS documents the code of TagLimitExceeded and not its text"),
    Known("describe_instances", INSTANCE + "StateTransitionReason", "EC2 writes GMT; moto writes UTC"),
]
