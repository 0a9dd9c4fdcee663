"""Service Quotas: what an account may have, and asking for more (aws-facts 1.1, 1.5, 5.1, 5.2, 6)."""

import pytest

import simulator
from ec2_calls import launch_ids
from expect import code_of, refused

VCPUS = {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}


def every(quotas, operation, **parameters):
    pages = quotas.get_paginator(operation).paginate(**parameters)
    return [quota for page in pages for quota in page["Quotas"]]


def test_the_vcpus_of_standard_instances_are_a_quota(quotas):
    quota = quotas.get_service_quota(**VCPUS)["Quota"]
    assert (quota["ServiceCode"], quota["QuotaCode"]) == ("ec2", "L-1216C47A")
    assert quota["QuotaName"] == "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"
    assert (quota["Adjustable"], quota["GlobalQuota"]) == (True, False)
    metric = quota["UsageMetric"]
    assert (metric["MetricNamespace"], metric["MetricName"]) == ("AWS/Usage", "ResourceCount")
    assert metric["MetricDimensions"] == {
        "Class": "Standard/OnDemand",
        "Resource": "vCPU",
        "Service": "EC2",
        "Type": "Resource",
    }
    assert metric["MetricStatisticRecommendation"] == "Maximum"


@pytest.mark.parametrize(
    "service,code,value",
    [
        ("ec2", "L-1216C47A", 5),
        ("ec2", "L-34B43A08", 5),
        ("ec2", "L-DB2E81BA", 0),
        ("ec2", "L-417A185B", 0),
        ("ec2", "L-0263D0A3", 5),
        ("vpc", "L-DF5E4CA3", 5_000),
        ("vpc", "L-BB24F6E5", 64_000),
        ("elasticloadbalancing", "L-7E6692B2", 1_000),
        ("elasticloadbalancing", "L-8A66D0E6", 0),
        ("elasticloadbalancing", "L-723DCCB6", 0),
    ],
)
def test_defaults_are_awss(quotas, service, code, value):
    default = quotas.get_aws_default_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]
    assert default["Value"] == value


@pytest.mark.parametrize(
    "name,value",
    [
        ("RunInstances request bucket maximum capacity", 5),
        ("RunInstances request bucket refill rate", 2),
        ("TerminateInstances request bucket maximum capacity", 100),
        ("TerminateInstances request bucket refill rate", 5),
        ("CreateTags request bucket refill rate", 10),
        ("CreateFleet request bucket maximum capacity", 50),
    ],
)
def test_the_buckets_of_ec2_are_quotas(quotas, name, value):
    [quota] = [q for q in every(quotas, "list_service_quotas", ServiceCode="ec2") if q["QuotaName"] == name]
    assert quota["Value"] == value


def test_quotas_are_listed_in_pages(quotas):
    whole = every(quotas, "list_service_quotas", ServiceCode="ec2")
    pages = list(
        quotas.get_paginator("list_service_quotas").paginate(
            ServiceCode="ec2", PaginationConfig={"PageSize": 5}
        )
    )
    assert len(pages) > 1
    assert [q["QuotaCode"] for page in pages for q in page["Quotas"]] == [q["QuotaCode"] for q in whole]
    assert len({q["QuotaCode"] for q in whole}) == len(whole)


def test_defaults_are_listed_too(quotas):
    codes = {q["QuotaCode"] for q in every(quotas, "list_aws_default_service_quotas", ServiceCode="ec2")}
    assert {"L-1216C47A", "L-34B43A08"} <= codes


def test_services_are_listed(quotas):
    pages = quotas.get_paginator("list_services").paginate()
    codes = {s["ServiceCode"] for page in pages for s in page["Services"]}
    assert {"ec2", "vpc", "elasticloadbalancing"} <= codes


@pytest.mark.parametrize(
    "where", [{"QuotaCode": "L-00000000"}, {"ServiceCode": "moon"}], ids=["quota", "service"]
)
@pytest.mark.parametrize("operation", ["get_service_quota", "get_aws_default_service_quota"])
def test_what_does_not_exist_is_no_such_resource(quotas, operation, where):
    with refused("NoSuchResourceException"):
        getattr(quotas, operation)(**VCPUS | where)


# ---- Asking for more


def ask(quotas, value, **where):
    return quotas.request_service_quota_increase(**{**VCPUS, **where}, DesiredValue=value)["RequestedQuota"]


def status(quotas, request):
    return quotas.get_requested_service_quota_change(RequestId=request["Id"])["RequestedQuota"]["Status"]


def wait_for_value(quotas, value):
    """Waits until so much is applied to the account."""
    simulator.wait_for("the quota", lambda: quotas.get_service_quota(**VCPUS)["Quota"]["Value"] == value)


@pytest.fixture
def fresh(start):
    """A simulator of its own: one account asks for each quota once."""
    return start("quotas.toml", scale=1_000)


def test_a_request_is_pending_and_shown(start):
    quotas = start("quotas.toml").client("service-quotas")
    request = ask(quotas, 4_096)
    assert (request["ServiceCode"], request["QuotaCode"], request["DesiredValue"]) == (
        "ec2",
        "L-1216C47A",
        4_096,
    )
    assert request["Status"] in ("PENDING", "CASE_OPENED")
    shown = quotas.get_requested_service_quota_change(RequestId=request["Id"])["RequestedQuota"]
    assert shown["Id"] == request["Id"]


def test_a_granted_request_raises_the_quota(fresh):
    quotas = fresh.client("service-quotas")
    request = ask(quotas, 4_096)
    simulator.wait_for("an answer", lambda: status(quotas, request) in ("APPROVED", "CASE_CLOSED"))
    assert status(quotas, request) == "APPROVED"
    wait_for_value(quotas, 4_096)
    assert quotas.get_aws_default_service_quota(**VCPUS)["Quota"]["Value"] == 5


def test_a_quota_is_asked_for_once_at_a_time(start):
    quotas = start("quotas.toml").client("service-quotas")
    ask(quotas, 4_096)
    with refused("ResourceAlreadyExistsException"):
        ask(quotas, 8_192)


def test_an_account_has_two_requests_open_in_a_region(start):
    quotas = start("quotas.toml").client("service-quotas")
    ask(quotas, 100)
    ask(quotas, 100, QuotaCode="L-34B43A08")
    with refused("QuotaExceededException"):
        ask(quotas, 100, QuotaCode="L-DB2E81BA")


def test_less_than_there_is_cannot_be_asked_for(fresh):
    with pytest.raises(fresh.client("service-quotas").exceptions.IllegalArgumentException):
        ask(fresh.client("service-quotas"), 1)


def test_requests_are_listed(fresh):
    quotas = fresh.client("service-quotas")
    request = ask(quotas, 4_096)
    history = quotas.list_requested_service_quota_change_history(ServiceCode="ec2")["RequestedQuotas"]
    by_quota = quotas.list_requested_service_quota_change_history_by_quota(**VCPUS)["RequestedQuotas"]
    assert [r["Id"] for r in history] == [r["Id"] for r in by_quota] == [request["Id"]]


def test_an_unknown_request_is_no_such_resource(quotas):
    with refused("NoSuchResourceException"):
        quotas.get_requested_service_quota_change(RequestId="nobody")


def test_a_raised_quota_lets_more_instances_in(start):
    sim = start("quotas.toml", scale=1_000)
    ec2, quotas = sim.client("ec2"), sim.client("service-quotas")
    assert len(launch_ids(ec2, 4)) == 2, "m5.large has two vCPUs"
    ask(quotas, 100)
    wait_for_value(quotas, 100)
    assert len(launch_ids(ec2, 4)) == 4


def test_too_many_requests_are_refused(start):
    quotas = start("quotas.toml").client("service-quotas")
    codes = {code_of(lambda: quotas.get_service_quota(**VCPUS)) for _ in range(200)}
    assert codes == {None, "TooManyRequestsException"}
