"""Support cases (aws-facts 6.4)."""

import re

import pytest

from expect import UUID, refused

# A new case is one or the other, depending on how quick people are.
OPEN = ("unassigned", "opened")


def create(support, **parameters):
    """A new case's id."""
    wanted = {
        "subject": "TEST CASE-Please ignore",
        "communicationBody": "capacity for a gateway",
        "serviceCode": "amazon-elastic-compute-cloud-linux",
        "severityCode": "low",
        "categoryCode": "other",
        **parameters,
    }
    return support.create_case(**wanted)["caseId"]


def case(support, one):
    [shown] = support.describe_cases(caseIdList=[one], includeResolvedCases=True)["cases"]
    return shown


def test_a_case_has_an_id(support):
    assert re.fullmatch(r"case-\d+-([a-z]+-)?\d{4}-[0-9a-f]+", create(support))


def test_a_case_is_shown_as_it_was_opened(support):
    shown = case(support, create(support, subject="a subject", ccEmailAddresses=["a@example.com"]))
    assert (shown["subject"], shown["severityCode"]) == ("a subject", "low")
    assert shown["status"] in OPEN
    assert shown["serviceCode"] == "amazon-elastic-compute-cloud-linux"
    assert shown["ccEmailAddresses"] == ["a@example.com"]
    assert re.fullmatch(r"\d+", shown["displayId"])
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", shown["timeCreated"])
    [first] = shown["recentCommunications"]["communications"]
    assert first["body"] == "capacity for a gateway"


def test_there_is_no_idempotency(support):
    assert create(support) != create(support)


@pytest.mark.needs("support.CreateCase.dryRun")
def test_a_dry_run_opens_nothing(support):
    subject = "only a rehearsal"
    with refused("DryRunOperationException"):
        create(support, subject=subject, dryRun=True)
    pages = support.get_paginator("describe_cases").paginate(includeResolvedCases=True)
    assert subject not in [c["subject"] for page in pages for c in page["cases"]]


def test_a_body_has_at_most_8000_characters(sim, support):
    create(support, communicationBody="x" * 8_000)
    with pytest.raises(support.exceptions.ClientError) as caught:
        create(sim.client("support", validate=False), communicationBody="x" * 8_001)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_cases_are_listed_in_pages(support):
    made = {create(support) for _ in range(25)}
    pages = list(support.get_paginator("describe_cases").paginate(PaginationConfig={"PageSize": 10}))
    assert len(pages) >= 3
    assert made <= {c["caseId"] for page in pages for c in page["cases"]}


def test_an_unknown_case_is_not_found(support):
    with refused("CaseIdNotFound"):
        support.describe_cases(caseIdList=["case-000000000000-muen-2026-0000000000000000"])


def test_a_case_goes_on_with_more_words(support):
    one = create(support)
    assert (
        support.add_communication_to_case(caseId=one, communicationBody="and another thing")["result"] is True
    )
    told = support.describe_communications(caseId=one)["communications"]
    assert {"and another thing", "capacity for a gateway"} <= {c["body"] for c in told}


def test_a_resolved_case_is_left_out_unless_somebody_asks(support):
    one = create(support)
    answer = support.resolve_case(caseId=one)
    assert answer["initialCaseStatus"] in OPEN and answer["finalCaseStatus"] == "resolved"
    assert support.describe_cases(caseIdList=[one])["cases"] == []
    assert case(support, one)["status"] == "resolved"


def test_services_and_their_categories_are_told(support):
    told = {s["code"]: s for s in support.describe_services()["services"]}
    assert all(s["name"] and s["categories"] for s in told.values())
    assert "amazon-elastic-compute-cloud-linux" in told


def test_severities_are_told(support):
    levels = support.describe_severity_levels(language="en")["severityLevels"]
    assert [level["code"] for level in levels] == ["low", "normal", "high", "urgent", "critical"]


def test_answers_carry_a_request_id(support):
    assert re.fullmatch(UUID, support.describe_severity_levels()["ResponseMetadata"]["RequestId"])
