"""GetMetricStatistics: several statistics of one metric.

Source: Amazon CloudWatch API reference, GetMetricStatistics.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from localaws.cloudwatch.queries import Request
from localaws.cloudwatch.series import MetricStore, metric_of, span
from localaws.cloudwatch.statistics import PLAIN, StatisticSet, parse_statistic
from localaws.service import ServiceError

DATAPOINTS_LIMIT: Final = 1_440
_SHORT_PERIODS: Final = (1, 5, 10, 20, 30)


def statistics_of(store: MetricStore, parameters: dict[str, Any], times: Request) -> dict[str, Any]:
    """The reply of GetMetricStatistics. Raises ServiceError."""
    plain, extended = _statistics(parameters)
    seconds = _span(parameters["Period"], times)
    metric = metric_of(parameters["Namespace"], parameters)
    units = [parameters["Unit"]] if "Unit" in parameters else store.units(metric)
    points = [
        _described(second, values, plain, extended, unit)
        for unit in units
        for second, values in store.periods(metric, unit, seconds, times.now).items()
    ]
    return {"Label": metric.name, "Datapoints": points}


def _described(second: int, values: StatisticSet, plain: list[str], extended: list[str], unit: str) -> dict[str, Any]:
    read = {name: parse_statistic(name)(values) for name in (*plain, *extended)}
    known = {name: value for name, value in read.items() if value is not None}
    ranked = {name: known[name] for name in extended if name in known}
    return {
        "Timestamp": datetime.fromtimestamp(second, UTC),
        "Unit": unit,
        **{name: known[name] for name in plain},
        **({"ExtendedStatistics": ranked} if ranked else {}),
    }


def _statistics(parameters: dict[str, Any]) -> tuple[list[str], list[str]]:
    plain, extended = parameters.get("Statistics", []), parameters.get("ExtendedStatistics", [])
    if plain and extended:
        message = "The parameters Statistics and ExtendedStatistics are mutually exclusive."
        raise ServiceError("InvalidParameterCombinationException", message)
    if not plain and not extended:
        message = "Must specify either Statistics or ExtendedStatistics."
        raise ServiceError("MissingRequiredParameterException", message)
    for name in extended:
        _check_extended(name)
    return plain, extended


def _check_extended(name: str) -> None:
    try:
        parse_statistic(name)
    except ValueError as error:
        raise _wrong(f"The value {name} for parameter ExtendedStatistics is not supported.") from error
    if name in PLAIN:
        raise _wrong(f"The value {name} for parameter ExtendedStatistics belongs to Statistics.")


def _span(period: int, times: Request) -> range:
    if times.start >= times.end:
        raise _wrong("The parameter StartTime must be less than the parameter EndTime.")
    if period not in _SHORT_PERIODS and period % 60:
        raise _wrong(f"The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60; it is {period}.")
    seconds = span(times.start, times.end, period, times.now)
    if len(seconds) > DATAPOINTS_LIMIT:
        message = (
            f"You have requested up to {len(seconds):,} datapoints, which exceeds the limit of {DATAPOINTS_LIMIT:,}."
            " You may reduce the datapoints requested by increasing Period, or decreasing the time range."
        )
        raise ServiceError("InvalidParameterCombinationException", message)
    return seconds


def _wrong(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", message)
