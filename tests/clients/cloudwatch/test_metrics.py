"""Metrics: put, listed, read (aws-facts 5.1, 6)."""

import datetime
import itertools

import pytest

from expect import refused

_names = itertools.count(1)
MINUTE = datetime.timedelta(minutes=1)
# A whole minute in the near past, as periods begin at whole minutes.
NOW = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0) - 5 * MINUTE


def namespace():
    return f"Checks/{next(_names)}"


def put(cloudwatch, where, *values, name="Load", **parameters):
    """Puts one value a minute, the last of them now."""
    data = [
        {"MetricName": name, "Timestamp": NOW - (len(values) - 1 - i) * MINUTE, "Value": value, **parameters}
        for i, value in enumerate(values)
    ]
    cloudwatch.put_metric_data(Namespace=where, MetricData=data)


def statistics(cloudwatch, where, *names, period=60, minutes=10, **parameters):
    told = cloudwatch.get_metric_statistics(
        Namespace=where,
        MetricName="Load",
        StartTime=NOW - minutes * MINUTE,
        EndTime=NOW + MINUTE,
        Period=period,
        Statistics=list(names),
        **parameters,
    )
    return sorted(told["Datapoints"], key=lambda point: point["Timestamp"])


def query(where, statistic="Average", period=60, **metric):
    stat = {
        "Metric": {"Namespace": where, "MetricName": "Load", **metric},
        "Period": period,
        "Stat": statistic,
    }
    return {"Id": "q1", "MetricStat": stat}


def data(cloudwatch, *queries, **parameters):
    parameters = {"StartTime": NOW - 10 * MINUTE, "EndTime": NOW + MINUTE, **parameters}
    return cloudwatch.get_metric_data(MetricDataQueries=list(queries), **parameters)["MetricDataResults"]


def test_what_was_put_is_listed(cloudwatch):
    where = namespace()
    dimensions = [{"Name": "InstanceId", "Value": "i-1"}]
    put(cloudwatch, where, 1, Dimensions=dimensions)
    [metric] = cloudwatch.list_metrics(Namespace=where)["Metrics"]
    assert metric == {"Namespace": where, "MetricName": "Load", "Dimensions": dimensions}


def test_metrics_are_listed_by_name_and_dimension(cloudwatch):
    where = namespace()
    for value in ("a", "b"):
        put(cloudwatch, where, 1, Dimensions=[{"Name": "Zone", "Value": value}])
    put(cloudwatch, where, 1, name="Other")
    assert len(cloudwatch.list_metrics(Namespace=where)["Metrics"]) == 3
    assert len(cloudwatch.list_metrics(Namespace=where, MetricName="Load")["Metrics"]) == 2
    assert (
        len(cloudwatch.list_metrics(Namespace=where, Dimensions=[{"Name": "Zone", "Value": "b"}])["Metrics"])
        == 1
    )


def test_statistics_are_of_each_period(cloudwatch):
    where = namespace()
    put(cloudwatch, where, 1, 2, 6)
    points = statistics(cloudwatch, where, "Average", "Sum", "Minimum", "Maximum", "SampleCount")
    assert [p["Average"] for p in points] == [1, 2, 6]
    assert [p["SampleCount"] for p in points] == [1, 1, 1]
    assert [p["Timestamp"] for p in points] == [NOW - 2 * MINUTE, NOW - MINUTE, NOW]


def test_values_of_one_period_are_put_together(cloudwatch):
    where = namespace()
    for value in (1, 2, 6):
        put(cloudwatch, where, value)
    [point] = statistics(cloudwatch, where, "Average", "Sum", "Minimum", "Maximum", "SampleCount")
    assert {k: v for k, v in point.items() if k not in ("Timestamp", "Unit")} == {
        "Average": 3, "Sum": 9, "Minimum": 1, "Maximum": 6, "SampleCount": 3
    }  # fmt: skip


def test_only_the_asked_statistics_are_told(cloudwatch):
    where = namespace()
    put(cloudwatch, where, 1)
    [point] = statistics(cloudwatch, where, "Sum")
    assert point.keys() <= {"Timestamp", "Unit", "Sum"}


def test_dimensions_tell_metrics_apart(cloudwatch):
    where = namespace()
    for zone, value in (("a", 1), ("b", 2)):
        put(cloudwatch, where, value, Dimensions=[{"Name": "Zone", "Value": zone}])
    [point] = statistics(cloudwatch, where, "Sum", Dimensions=[{"Name": "Zone", "Value": "b"}])
    assert point["Sum"] == 2
    assert statistics(cloudwatch, where, "Sum") == []


def test_nothing_is_known_of_an_unknown_metric(cloudwatch):
    assert statistics(cloudwatch, namespace(), "Sum") == []


def test_several_metrics_are_read_at_once(cloudwatch):
    where = namespace()
    put(cloudwatch, where, 1, 2, 3)
    queries = [query(where, statistic) | {"Id": statistic.lower()} for statistic in ("Sum", "Maximum")]
    told = {result["Id"]: result for result in data(cloudwatch, *queries, ScanBy="TimestampAscending")}
    assert told["sum"]["Values"] == told["maximum"]["Values"] == [1, 2, 3]
    assert told["sum"]["Timestamps"] == [NOW - 2 * MINUTE, NOW - MINUTE, NOW]
    assert told["sum"]["StatusCode"] == "Complete"


def test_the_newest_is_first_if_nobody_says(cloudwatch):
    where = namespace()
    put(cloudwatch, where, 1, 2, 3)
    assert data(cloudwatch, query(where))[0]["Values"] == [3, 2, 1]


def test_a_longer_period_puts_minutes_together(cloudwatch):
    where = namespace()
    put(cloudwatch, where, *[1] * 10)
    [result] = data(cloudwatch, query(where, "Sum", period=3_600), StartTime=NOW - 120 * MINUTE)
    assert sum(result["Values"]) == 10


def test_nothing_is_an_empty_result(cloudwatch):
    [result] = data(cloudwatch, query(namespace()))
    assert (result["Values"], result["Timestamps"]) == ([], [])


def test_five_hundred_queries_are_taken(cloudwatch):
    where = namespace()
    queries = [query(where) | {"Id": f"q{i}"} for i in range(500)]
    assert len(data(cloudwatch, *queries)) == 500


def test_more_are_refused(cloudwatch):
    where = namespace()
    with refused("ValidationError"):
        data(cloudwatch, *[query(where) | {"Id": f"q{i}"} for i in range(501)])


def test_an_id_begins_with_a_small_letter(cloudwatch):
    with refused("ValidationError"):
        data(cloudwatch, query(namespace()) | {"Id": "Q"})


def test_an_id_is_used_once(cloudwatch):
    where = namespace()
    with refused("ValidationError"):
        data(cloudwatch, query(where), query(where))


def test_an_end_before_the_beginning_is_refused(cloudwatch):
    with refused("ValidationError", message="EndTime"):
        data(cloudwatch, query(namespace()), StartTime=NOW, EndTime=NOW - MINUTE)
    with refused("ValidationError", message="EndTime"):
        data(cloudwatch, query(namespace()), StartTime=NOW, EndTime=NOW)
    with refused("InvalidParameterValue", message="EndTime"):
        cloudwatch.get_metric_statistics(
            Namespace=namespace(), MetricName="Load", StartTime=NOW, EndTime=NOW, Period=60, Statistics=["Sum"]
        )


def test_values_can_come_in_sets(cloudwatch):
    where = namespace()
    summary = {"SampleCount": 4, "Sum": 10, "Minimum": 1, "Maximum": 4}
    datum = {"MetricName": "Load", "Timestamp": NOW, "StatisticValues": summary}
    cloudwatch.put_metric_data(Namespace=where, MetricData=[datum])
    [point] = statistics(cloudwatch, where, "Average", "SampleCount", "Maximum")
    assert (point["Average"], point["SampleCount"], point["Maximum"]) == (2.5, 4, 4)


def test_lists_are_paged(cloudwatch):
    where = namespace()
    for part in range(6):
        names = [{"MetricName": f"m-{part}-{i}", "Value": 1} for i in range(100)]
        cloudwatch.put_metric_data(Namespace=where, MetricData=names)
    pages = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace=where))
    assert len(pages) == 2
    assert len({m["MetricName"] for page in pages for m in page["Metrics"]}) == 600


def test_answers_carry_a_request_id(cloudwatch):
    assert cloudwatch.list_metrics(Namespace="nothing")["ResponseMetadata"]["RequestId"]


def test_a_value_must_be_a_number(cloudwatch):
    with pytest.raises(cloudwatch.exceptions.ClientError) as caught:
        put(cloudwatch, namespace(), float("nan"))
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValue"
