# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pod metrics of Container Insights: which queries to ask CloudWatch, and what its answer says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.instants import iso
from ansible_collections.deepobs.eks.plugins.module_utils.metric_dimensions import (
    DimensionSet,
    KnownSets,
    Scope,
    completed,
    in_words,
    others_published,
)
from ansible_collections.deepobs.eks.plugins.module_utils.paging import pages

METRIC_NAMESPACE = "ContainerInsights"
PLAIN_STATISTICS = ("Average", "Sum", "Minimum", "Maximum", "SampleCount")
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

# API: GetMetricData; up to which age points are kept, and of which length a period must then be a multiple.
RETENTION = (
    (timedelta(hours=3), 1),
    (timedelta(days=15), 60),
    (timedelta(days=63), 300),
    (timedelta(days=455), 3600),
)

Dimensions = dict[str, str]


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
    messages: list[str] = field(default_factory=list)
    is_partial: bool = False

    @property
    def where(self) -> str:
        """Its dimensions in words."""
        return in_words(self.dimensions.items())

    @property
    def unit(self) -> str:
        """The metric's unit; a sample count has none of its own."""
        return "Count" if self.statistic == "SampleCount" else unit_of(self.metric)


def unit_of(metric: str) -> str:
    """The documented unit of a Container Insights metric, Count for those which count things."""
    return next((unit for ending, unit in _UNITS_BY_ENDING if metric.endswith(ending)), "Count")


def check_period(period_seconds: int) -> None:
    """Raises ValueError for a period CloudWatch does not have."""
    if period_seconds not in HIGH_RESOLUTION_PERIODS_SECONDS and (period_seconds <= 0 or period_seconds % 60):
        allowed = ", ".join(map(str, HIGH_RESOLUTION_PERIODS_SECONDS))
        raise ValueError(f"period_seconds is {period_seconds}; give {allowed} or a multiple of 60")


def kept_for(period_seconds: int) -> timedelta:
    """How long CloudWatch keeps points from which a period can be made."""
    return max(age for age, resolution in RETENTION if period_seconds % resolution == 0)


def check_retention(question: Question, now: datetime) -> str:
    """What of the range is no longer kept, as a warning; empty where all is. Raises ValueError where nothing is."""
    oldest = now - kept_for(question.period_seconds)
    if question.start >= oldest:
        return ""
    longer = next((resolution for age, resolution in RETENTION if now - question.start <= age), None)
    remedy = f"give period_seconds as a multiple of {longer}" if longer else "AWS keeps nothing older than 455 days"
    what = f"CloudWatch keeps points of {question.period_seconds} s only from {iso(oldest)} on"
    if question.end <= oldest:
        raise ValueError(f"{what}, and the whole range is before that; {remedy}")
    return f"{what}, and the range begins before that; {remedy}"


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


@dataclass(frozen=True)
class Answer:
    """The series of a question, and what CloudWatch says of the whole of it."""

    series: list[Series]
    messages: list[str] = field(default_factory=list)

    def warnings(self) -> list[str]:
        """What a user should know beside the points."""
        of_series = [f"{one.metric} for {one.where}: {text}" for one in self.series for text in one.messages]
        partial = [
            f"CloudWatch gave only some points of {one.metric} for {one.where}; shorten the range, or raise"
            " period_seconds"
            for one in self.series
            if one.is_partial
        ]
        refused = [
            f"{one.refusal} for {one.metric} with {one.where} after some points, so that others may be missing"
            for one in self.series
            if one.refusal and one.timestamps
        ]
        return [*(f"CloudWatch says: {text}" for text in self.messages), *of_series, *partial, *refused]


class CloudWatch:
    """The CloudWatch calls that read, page by page; what AWS refuses is a DeepobsError."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def answer(self, question: Question) -> Answer:
        """Every series of the question with its points."""
        series, messages = question.series(), []
        for page in self._pages(metric_queries(series, question.period_seconds), question):
            messages += _texts(page)
            for result in page.get("MetricDataResults", ()):
                _extend(series[int(result["Id"][1:])], result)
        return Answer(series, list(dict.fromkeys(messages)))

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

    def dimension_sets(self, scope: Scope) -> tuple[DimensionSet, ...]:
        """The sets of dimensions of a scope, those looked up which a user cannot know."""
        found = [one for wanted in scope.looked_up for one in completed(wanted, self.known_dimensions(wanted))]
        return scope.dimension_sets(found)

    def known_dimensions(self, dimensions: Sequence[tuple[str, str]], metric: str = "") -> KnownSets:
        """The sets of dimensions, with these among them, that a metric or any had in the last two weeks."""
        filters: dict[str, Any] = {
            "Namespace": METRIC_NAMESPACE,
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions],
            **({"MetricName": metric} if metric else {}),
        }
        return {
            frozenset((entry["Name"], entry["Value"]) for entry in found["Dimensions"])
            for page in pages(self._client.list_metrics, "list metrics", **filters)
            for found in page.get("Metrics", ())
        }


def _extend(series: Series, result: dict[str, Any]) -> None:
    series.timestamps += result.get("Timestamps", ())
    series.values += result.get("Values", ())
    status, texts = result.get("StatusCode"), _texts(result)
    series.is_partial = status == "PartialData"
    if status in ("InternalError", "Forbidden"):
        series.refusal = f"CloudWatch answered {status} {'; '.join(texts)}".rstrip()
    else:
        series.messages += [text for text in texts if text not in series.messages]


def _texts(told: dict[str, Any]) -> list[str]:
    """The messages of a reply or of one of its results."""
    return [message.get("Value") or message.get("Code", "") for message in told.get("Messages", ())]


def is_up_to_date(series: Iterable[Series], question: Question) -> bool:
    """Whether what is published reaches the last two periods of the range: a period is only kept once it is over.

    A metric without points is waited for only while its pod, or what else its dimensions name, has none at all:
    publishers send a pod's metrics together, and one they do not know never comes.
    """
    reach = question.end - timedelta(seconds=2 * question.period_seconds)
    groups: dict[str, list[Series]] = {}
    for one in series:
        groups.setdefault(one.where, []).append(one)
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
    empty = {(one.metric, one.where): one for one in series if not one.timestamps}
    known = {
        metric: cloudwatch.known_dimensions([("ClusterName", question.cluster_name)], metric)
        for metric in dict.fromkeys(one.metric for one in empty.values() if not one.refusal)
    }
    return [
        {"metric": one.metric, "reason": _reason(one, known.get(one.metric, set()), question)} for one in empty.values()
    ]


def _reason(series: Series, known: KnownSets, question: Question) -> str:
    where = series.where
    if series.refusal:
        return f"{series.refusal} for {where}"
    if frozenset(series.dimensions.items()) in known:
        reason = f"published with {where}, but without a point between {iso(question.start)} and {iso(question.end)}"
        if series.statistic in PLAIN_STATISTICS:
            return reason
        return f"{reason} from which CloudWatch can tell {series.statistic}: it wants single values, none negative"
    others = others_published(tuple(series.dimensions.items()), known)
    hint = f"it is published with {next(reversed(series.dimensions))} {', '.join(others)}" if others else ""
    publisher = "check that its publisher runs and names them like this"
    return f"not published with {where} in the last two weeks; {hint or publisher}"
