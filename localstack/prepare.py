"""Makes a small network in LocalStack's or moto's EC2 and prints a muster.toml for it.

    localstack/prepare.py --endpoint http://127.0.0.1:4566 --web-port 8001 --stuck-port 8002 > muster.toml

One VPC in 127.0.0.0/8 with one subnet for each group of muster.toml.in, so that the pretended
instances' addresses reach agent.py. Needs Python 3.11 and nothing else.
"""

import argparse
import string
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree
from pathlib import Path

VERSION = "2016-11-15"
# Neither server checks signatures; LocalStack reads the service and the region from this header.
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0"
)
# moto loads its EC2 at the first call, which takes some seconds on a busy machine.
TIMEOUT_S = 60


class Ec2:
    """EC2's query protocol, as far as it is needed here."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def call(self, action, **parameters):
        """One call. Returns a function that gives the text of the first element of that name."""
        form = urllib.parse.urlencode({"Action": action, "Version": VERSION, **parameters}).encode()
        request = urllib.request.Request(self.endpoint, form, {"Authorization": AUTHORIZATION})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
                root = ElementTree.fromstring(reply.read())
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{action}: {error.code} from {self.endpoint}: {error.read().decode(errors='replace')}") from error
        except OSError as error:
            raise SystemExit(f"{action}: no answer from {self.endpoint}: {error}") from error

        def first(name):
            for element in root.iter():
                if element.tag.rpartition("}")[2] == name:
                    return element.text
            raise SystemExit(f"{action}: the answer of {self.endpoint} has no {name}")

        return first


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", required=True, help="http://127.0.0.1:4566")
    parser.add_argument("--web-port", required=True, type=int, help="port of an agent.py")
    parser.add_argument("--stuck-port", required=True, type=int, help="port of an agent.py --never-configure")
    args = parser.parse_args()

    ec2 = Ec2(args.endpoint)
    vpc = ec2.call("CreateVpc", CidrBlock="127.77.0.0/16")("vpcId")
    values = {
        "endpoint": args.endpoint,
        "image": ec2.call("DescribeImages", **{"Owner.1": "amazon"})("imageId"),
        "web_port": args.web_port,
        "stuck_port": args.stuck_port,
    }
    for group, cidr in (("web", "127.77.1.0/24"), ("stuck", "127.77.2.0/24")):
        subnet = ec2.call("CreateSubnet", VpcId=vpc, CidrBlock=cidr)
        values[f"{group}_subnet"] = subnet("subnetId")
        values[f"{group}_zone"] = subnet("availabilityZone")
    template = Path(__file__).with_name("muster.toml.in").read_text(encoding="utf-8")
    print(string.Template(template).substitute(values), end="")


if __name__ == "__main__":
    main()
