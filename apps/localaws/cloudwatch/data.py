"""Data as PutMetricData brings them: checked as CloudWatch checks them, and turned into statistic sets.

Source: Amazon CloudWatch API reference, PutMetricData and MetricDatum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import repeat
from typing import Any, Final, NamedTuple

from localaws.cloudwatch.series import Metric, metric_of
from localaws.cloudwatch.statistics import StatisticSet
from localaws.service import ServiceError

PAST_SECONDS: Final = 14 * 24 * 3600
FUTURE_SECONDS: Final = 2 * 3600
DATA_LIMIT: Final = 1000
VALUES_LIMIT: Final = 150
_LARGEST: Final = 2.0**360
_KINDS: Final = ("Value", "Values", "StatisticValues")


class Datum(NamedTuple):
    """One datum, ready to be kept."""

    metric: Metric
    unit: str
    second: int
    values: StatisticSet


def data_of(parameters: dict[str, Any], now: float) -> Iterator[Datum]:
    """The data of a PutMetricData. Raises ServiceError."""
    if "EntityMetricData" in parameters:
        raise ServiceError("NotImplemented", "localaws does not implement EntityMetricData", status=501)
    namespace, described = parameters["Namespace"], parameters.get("MetricData", [])
    if namespace.startswith("AWS/"):
        raise _wrong("The value AWS/ for parameter Namespace is reserved.")
    if not described:
        raise ServiceError("MissingRequiredParameterException", "The parameter MetricData is required.")
    if len(described) > DATA_LIMIT:
        raise _wrong(f"The collection MetricData must not have a size greater than {DATA_LIMIT}.")
    for position, datum in enumerate(described, start=1):
        where = f"MetricData.member.{position}"
        yield Datum(
            _metric(namespace, datum, where),
            datum.get("Unit", "None"),
            _second(datum, now, where),
            _values(datum, where),
        )


def _metric(namespace: str, datum: dict[str, Any], where: str) -> Metric:
    metric = metric_of(namespace, datum)
    names = [name for name, _unused in metric.dimensions]
    if len(set(names)) < len(names):
        raise _wrong(f"The parameter {where}.Dimensions has a name twice.")
    return metric


def _second(datum: dict[str, Any], now: float, where: str) -> int:
    """The first second of the step that the datum's storage resolution gives."""
    moment: datetime | None = datum.get("Timestamp")
    time = now if moment is None else moment.timestamp()
    if not now - PAST_SECONDS <= time <= now + FUTURE_SECONDS:
        raise _wrong(f"The parameter {where}.Timestamp must be within two weeks before and two hours after now.")
    resolution: int = datum.get("StorageResolution", 60)
    if resolution not in (1, 60):
        raise _wrong(f"The value {resolution} for parameter {where}.StorageResolution is invalid.")
    second = math.floor(time)
    return second - second % resolution


def _values(datum: dict[str, Any], where: str) -> StatisticSet:
    given = [kind for kind in _KINDS if kind in datum]
    if len(given) != 1:
        message = f"Exactly one of {', '.join(_KINDS)} must be given for {where}."
        raise ServiceError("InvalidParameterCombinationException", message)
    readers: dict[str, Callable[[dict[str, Any], str], StatisticSet]] = {
        "Value": lambda datum, where: _single(datum["Value"], 1.0, f"{where}.Value"),
        "Values": _several,
        "StatisticValues": _statistic_set,
    }
    return readers[given[0]](datum, where)


def _single(value: float, count: float, where: str) -> StatisticSet:
    if not abs(value) <= _LARGEST:
        raise _wrong(f"The value {value} for parameter {where} is invalid.")
    return StatisticSet.of_value(value, count)


def _several(datum: dict[str, Any], where: str) -> StatisticSet:
    values, counts = datum["Values"], datum.get("Counts")
    if not 0 < len(values) <= VALUES_LIMIT:
        raise _wrong(f"The parameter {where}.Values must have 1 to {VALUES_LIMIT} values.")
    if counts is not None and (len(counts) != len(values) or not all(0 < count <= _LARGEST for count in counts)):
        raise _wrong(f"The parameter {where}.Counts must have a count above 0 for each value.")
    found = StatisticSet()
    for value, count in zip(values, counts or repeat(1.0), strict=False):
        found.add(_single(value, count, f"{where}.Values"))
    return found


def _statistic_set(datum: dict[str, Any], where: str) -> StatisticSet:
    told = datum["StatisticValues"]
    if not 0 < told["SampleCount"] <= _LARGEST or told["Minimum"] > told["Maximum"]:
        raise _wrong(f"The parameter {where}.StatisticValues is invalid.")
    for name in ("Sum", "Minimum", "Maximum"):
        _single(told[name], 1.0, f"{where}.StatisticValues.{name}")
    return StatisticSet.told(told["SampleCount"], told["Sum"], told["Minimum"], told["Maximum"])


def _wrong(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", message)
