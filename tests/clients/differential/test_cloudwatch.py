"""CloudWatch: metrics put, listed and read."""

import datetime
import uuid

from differential.agreement import *  # the checks
from differential.twins import Known, Step

MINUTE = datetime.timedelta(minutes=1)
NOW = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0) - 5 * MINUTE
# Of each run its own, as moto does not forget, and reads metrics of one name from all namespaces.
WHERE, NAME = f"Differential/{uuid.uuid4()}", f"Load-{uuid.uuid4()}"
ZONE = [{"Name": "Zone", "Value": "a"}]


def prepare(moto, ours, sim):
    """Nothing: metrics need no more than a name, and carry their times."""


def window(**parameters):
    return lambda side: {"StartTime": NOW - 10 * MINUTE, "EndTime": NOW + MINUTE, **parameters}


def statistics(*names, **parameters):
    return window(Namespace=WHERE, MetricName=NAME, Period=60, Statistics=list(names), **parameters)


def sort(answer):
    """Datapoints come in any order."""
    return answer | {"Datapoints": sorted(answer["Datapoints"], key=lambda p: p["Timestamp"])}


def query(statistic, period=60):
    metric = {"Namespace": WHERE, "MetricName": NAME, "Dimensions": ZONE}
    return {"Id": statistic.lower(), "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic}}


STEPS = [
    Step("nothing yet", "cloudwatch", "list_metrics", lambda s: {"Namespace": WHERE}),
    Step(
        "put",
        "cloudwatch",
        "put_metric_data",
        lambda s: {
            "Namespace": WHERE,
            "MetricData": [
                {
                    "MetricName": NAME,
                    "Dimensions": ZONE,
                    "Timestamp": NOW - i * MINUTE,
                    "Value": float(i + 1),
                }
                for i in range(4)
            ],
        },
    ),
    Step("list", "cloudwatch", "list_metrics", lambda s: {"Namespace": WHERE}),
    Step("list by name", "cloudwatch", "list_metrics", lambda s: {"Namespace": WHERE, "MetricName": NAME}),
    Step(
        "list by dimension", "cloudwatch", "list_metrics", lambda s: {"Namespace": WHERE, "Dimensions": ZONE}
    ),
    Step(
        "statistics",
        "cloudwatch",
        "get_metric_statistics",
        statistics("Average", "Sum", "Minimum", "Maximum", "SampleCount", Dimensions=ZONE),
        view=sort,
    ),
    Step(
        "statistics of nothing",
        "cloudwatch",
        "get_metric_statistics",
        window(Namespace=WHERE, MetricName="Nothing", Period=60, Statistics=["Sum"]),
    ),
    Step(
        "data",
        "cloudwatch",
        "get_metric_data",
        window(MetricDataQueries=[query("Sum"), query("Maximum")], ScanBy="TimestampAscending"),
    ),
    Step(
        "data, newest first",
        "cloudwatch",
        "get_metric_data",
        window(MetricDataQueries=[query("Average")], ScanBy="TimestampDescending"),
    ),
    Step(
        "data that ends before it begins",
        "cloudwatch",
        "get_metric_data",
        lambda s: {"StartTime": NOW, "EndTime": NOW - MINUTE, "MetricDataQueries": [query("Sum")]},
    ),
    Step(
        "data of no time",
        "cloudwatch",
        "get_metric_data",
        lambda s: {"StartTime": NOW, "EndTime": NOW, "MetricDataQueries": [query("Sum")]},
    ),
    Step(
        "statistics of no time",
        "cloudwatch",
        "get_metric_statistics",
        lambda s: statistics("Sum")(s) | {"StartTime": NOW, "EndTime": NOW},
    ),
]

KNOWN = [
    Known(
        "get_metric_statistics", r"Datapoints\[\]\.Unit", "AWS's word for no unit is None; moto says nothing"
    ),
    Known(
        "get_metric_data",
        r"MetricDataResults\[\]\.Label",
        "AWS adds what tells results apart only if it must",
    ),
]
