# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pod metrics of Container Insights: which queries to ask CloudWatch, and what its answer says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.instants import iso
from ansible_collections.deepobs.eks.plugins.module_utils.paging import pages

METRIC_NAMESPACE = "ContainerInsights"
QUERIES_PER_CALL = 500  # API: GetMetricData
HIGH_RESOLUTION_PERIODS_SECONDS = (1, 5, 10, 20, 30)  # API: MetricStat

# CloudWatch user guide, "Amazon EKS and Kubernetes Container Insights metrics"; GetMetricData does not tell the unit.
_UNITS_BY_ENDING = (
    ("_utilization", "Percent"),
    ("_utilization_over_pod_limit", "Percent"),
    ("_reserved_capacity", "Percent"),
    ("_network_rx_bytes", "Bytes/Second"),
    ("_network_tx_bytes", "Bytes/Second"),
    ("_network_total_bytes", "Bytes/Second"),
    ("_bytes", "Bytes"),
    ("_working_set", "Bytes"),
    ("_memory_limit", "Bytes"),
    ("_memory_request", "Bytes"),
)

Dimensions = dict[str, str]
DimensionSet = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Question:
    """What to ask for: every metric and statistic of every set of dimensions."""

    metrics: tuple[str, ...]
    statistics: tuple[str, ...]
    dimension_sets: tuple[DimensionSet, ...]
    period_seconds: int
    start: datetime
    end: datetime

    @property
    def cluster_name(self) -> str:
        return dict(self.dimension_sets[0])["ClusterName"]

    def series(self) -> list[Series]:
        """The series asked for, still empty, in a fixed order."""
        kinds = product(self.metrics, self.dimension_sets, self.statistics)
        return [Series(metric, statistic, dict(dimensions)) for metric, dimensions, statistic in kinds]


@dataclass
class Series:
    """One statistic of one metric over time, oldest first."""

    metric: str
    statistic: str
    dimensions: Dimensions
    timestamps: list[datetime] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    refusal: str = ""

    @property
    def unit(self) -> str:
        """The metric's unit; a sample count has none of its own."""
        return "Count" if self.statistic == "SampleCount" else unit_of(self.metric)


def unit_of(metric: str) -> str:
    """The documented unit of a Container Insights metric, Count for those which count things."""
    return next((unit for ending, unit in _UNITS_BY_ENDING if metric.endswith(ending)), "Count")


def dimension_sets(
    cluster_name: str, namespace: str | None, services: Iterable[str], pods: Iterable[str]
) -> tuple[DimensionSet, ...]:
    """The sets of dimensions under which Container Insights publishes what is meant, the narrowest given."""
    cluster = (("ClusterName", cluster_name),)
    if namespace is None:
        return (cluster,)
    whole = (*cluster, ("Namespace", namespace))
    narrow = [("Service", name) for name in services] + [("PodName", name) for name in pods]
    return tuple((*whole, dimension) for dimension in narrow) or (whole,)


def check_period(period_seconds: int) -> None:
    """Raises ValueError for a period CloudWatch does not keep."""
    if period_seconds not in HIGH_RESOLUTION_PERIODS_SECONDS and (period_seconds <= 0 or period_seconds % 60):
        allowed = ", ".join(map(str, HIGH_RESOLUTION_PERIODS_SECONDS))
        raise ValueError(f"period_seconds is {period_seconds}; give {allowed} or a multiple of 60")


def metric_queries(series: list[Series], period_seconds: int) -> list[dict[str, Any]]:
    """GetMetricData's MetricDataQueries; the Id of each is q and its position."""
    return [
        {
            "Id": f"q{position}",
            "MetricStat": {
                "Metric": _metric(one),
                "Period": period_seconds,
                "Stat": one.statistic,
            },
        }
        for position, one in enumerate(series)
    ]


def _metric(series: Series) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in series.dimensions.items()]
    return {"Namespace": METRIC_NAMESPACE, "MetricName": series.metric, "Dimensions": dimensions}


class CloudWatch:
    """The CloudWatch calls that read, page by page; what AWS refuses is a DeepobsError."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def answer(self, question: Question) -> list[Series]:
        """Every series of the question with its points."""
        series = question.series()
        for page in self._pages(metric_queries(series, question.period_seconds), question):
            for result in page.get("MetricDataResults", ()):
                _extend(series[int(result["Id"][1:])], result)
        return series

    def _pages(self, queries: list[dict[str, Any]], question: Question) -> Iterator[dict[str, Any]]:
        for first in range(0, len(queries), QUERIES_PER_CALL):
            yield from pages(
                self._client.get_metric_data,
                "read metric data",
                MetricDataQueries=queries[first : first + QUERIES_PER_CALL],
                StartTime=question.start,
                EndTime=question.end,
                ScanBy="TimestampAscending",
            )

    def known_dimensions(self, metric: str, cluster_name: str) -> set[frozenset[tuple[str, str]]]:
        """The sets of dimensions under which a metric of the cluster was published in the last two weeks."""
        filters: dict[str, Any] = {
            "Namespace": METRIC_NAMESPACE,
            "MetricName": metric,
            "Dimensions": [{"Name": "ClusterName", "Value": cluster_name}],
        }
        known: set[frozenset[tuple[str, str]]] = set()
        for page in pages(self._client.list_metrics, "list metrics", **filters):
            for found in page.get("Metrics", ()):
                known.add(frozenset((entry["Name"], entry["Value"]) for entry in found["Dimensions"]))
        return known


def _extend(series: Series, result: dict[str, Any]) -> None:
    series.timestamps += result.get("Timestamps", ())
    series.values += result.get("Values", ())
    if result.get("StatusCode") in ("InternalError", "Forbidden"):
        messages = "; ".join(message.get("Value", "") for message in result.get("Messages", ()))
        series.refusal = f"CloudWatch answered {result['StatusCode']} {messages}".rstrip()


def is_up_to_date(series: Iterable[Series], question: Question) -> bool:
    """Whether what is published reaches the last two periods of the range: a period is only kept once it is over.

    A metric without points is waited for only while its pod, or what else its dimensions name, has none at all:
    publishers send a pod's metrics together, and one they do not know never comes.
    """
    reach = question.end - timedelta(seconds=2 * question.period_seconds)
    groups: dict[str, list[Series]] = {}
    for one in series:
        groups.setdefault(_where(one), []).append(one)
    return all(_reaches(group, reach) for group in groups.values())


def _reaches(group: list[Series], reach: datetime) -> bool:
    published = [one for one in group if one.timestamps]
    if not published:
        return all(one.refusal for one in group)
    return all(max(one.timestamps) >= reach for one in published)


def readable_series(series: Series) -> dict[str, Any]:
    """A series as the module returns it."""
    return {
        "metric": series.metric,
        "statistic": series.statistic,
        "unit": series.unit,
        "dimensions": series.dimensions,
        "timestamps": [iso(timestamp) for timestamp in series.timestamps],
        "values": series.values,
    }


def missing_series(series: Iterable[Series], cloudwatch: CloudWatch, question: Question) -> list[dict[str, str]]:
    """Which metrics have no point, and why; a metric counts once for each set of dimensions."""
    empty = {(one.metric, _where(one)): one for one in series if not one.timestamps}
    known = {
        metric: cloudwatch.known_dimensions(metric, question.cluster_name)
        for metric in {one.metric for one in empty.values() if not one.refusal}
    }
    return [
        {"metric": one.metric, "reason": _reason(one, known.get(one.metric, set()), question)} for one in empty.values()
    ]


def _where(series: Series) -> str:
    return ", ".join(f"{name}={value}" for name, value in series.dimensions.items())


def _reason(series: Series, known: set[frozenset[tuple[str, str]]], question: Question) -> str:
    where = _where(series)
    if series.refusal:
        return f"{series.refusal} for {where}"
    if frozenset(series.dimensions.items()) in known:
        return f"published with {where}, but without a point between {iso(question.start)} and {iso(question.end)}"
    return f"never published with {where}; check that its publisher runs and names them like this"
