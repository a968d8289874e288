# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is going to be used before anything is turned on: traces by the sampling, metrics and logs by the pods. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from ansible_collections.deepobs.eks.plugins.module_utils.costs import as_number, parse_price, plain

_GIGABYTE = Decimal(1_000_000_000)
_NOTHING = Decimal(0)
_HUNDRED = Decimal(100)
_MORE = Decimal("1.1")

Options = dict[str, Any]


class Sampling(NamedTuple):
    """So many requests a second are traced, and of the rest a share."""

    reservoir_size: Decimal
    fixed_rate: Decimal

    def traces_per_second(self, requests_per_second: Decimal) -> Decimal:
        """X-Ray developer guide, "Configuring sampling rules": first the reservoir, then the fixed rate."""
        from_reservoir = min(self.reservoir_size, requests_per_second)
        return from_reservoir + (requests_per_second - from_reservoir) * self.fixed_rate

    def in_words(self) -> str:
        """The sampling as a formula tells it."""
        return f"{plain(self.reservoir_size)}/s and {plain(self.fixed_rate * _HUNDRED)} % of the rest"


class Forecast(NamedTuple):
    """Quantities that are reckoned, and how, by their names."""

    quantities: dict[str, Decimal]
    origins: dict[str, str]


def sampling_of(options: Mapping[str, Any], where: str) -> Sampling:
    """The sampling of an option; raises ValueError naming it."""
    rate = parse_price(f"{where}.fixed_rate", str(options["fixed_rate"]))
    if rate > 1:
        raise ValueError(f"{where}.fixed_rate is {rate}; it is a share from 0 to 1: write 5 percent as 0.05")
    return Sampling(parse_price(f"{where}.reservoir_size", str(options["reservoir_size"])), rate)


def forecast(options: Options, duration_seconds: Decimal, pods: Decimal) -> Forecast:
    """What a time at this load uses; raises ValueError naming the option that cannot be."""
    given = {
        name: parse_price(f"forecast.{name}", str(value))
        for name, value in options.items()
        if value is not None and name not in ("fixed_rate", "reservoir_size")
    }
    if given.get("indexed_share", _NOTHING) > 1:
        raise ValueError(f"forecast.indexed_share is {given['indexed_share']}; it is a share from 0 to 1")
    quantities, origins = _traces(options, given, duration_seconds)
    minutes = duration_seconds / 60
    if per_pod := given.get("observations_per_pod_minute"):
        quantities["metric_observations"] = pods * per_pod * minutes
        origins["metric_observations"] = f"{plain(pods)} pods x {plain(per_pod)} a minute x {plain(minutes)} min"
    if per_pod := given.get("log_bytes_per_pod_minute"):
        quantities["log_gigabytes"] = pods * per_pod * minutes / _GIGABYTE
        origins["log_gigabytes"] = f"{plain(pods)} pods x {plain(per_pod)} bytes a minute x {plain(minutes)} min"
    return Forecast(quantities, origins)


def _traces(options: Options, given: dict[str, Decimal], duration_seconds: Decimal) -> Forecast:
    """Traces, and their spans where those go to CloudWatch Logs."""
    rate, sampling = given["requests_per_second"], sampling_of(options, "forecast")
    traces = sampling.traces_per_second(rate) * duration_seconds
    words = f"{plain(rate)} requests/s x {plain(duration_seconds)} s, sampled {sampling.in_words()}"
    spans = traces * given.get("spans_per_trace", _NOTHING)
    if not spans:
        return Forecast({"traces_recorded": traces}, {"traces_recorded": words})
    size, indexed = given.get("bytes_per_span", _NOTHING), given.get("indexed_share", _NOTHING)
    words = f"{words}; {plain(given['spans_per_trace'])} spans a trace"
    quantities = {"span_gigabytes": spans * size / _GIGABYTE, "spans_indexed": spans * indexed}
    origins = {
        "span_gigabytes": f"{words} of {plain(size)} bytes",
        "spans_indexed": f"{words}, {plain(indexed * _HUNDRED)} % indexed",
    }
    return Forecast(quantities, origins)


def sensitivity(options: Options, cost: Callable[[Options], Decimal]) -> list[dict[str, Any]]:
    """What 10 percent more of each number given adds to a cost, the most first; what adds nothing is left out."""
    now = cost(options)
    added = {path: cost(_changed(options, path, value * _MORE)) - now for path, value in _numbers(options)}
    ranked = sorted(added.items(), key=lambda entry: (-abs(entry[1]), entry[0]))
    return [{"input": ".".join(path), "added_usd": as_number(usd)} for path, usd in ranked if as_number(usd)]


def _numbers(options: Options, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Decimal]]:
    """Every number of options, and of those below them, that is not 0, with the way to it."""
    for name, value in options.items():
        if isinstance(value, dict):
            yield from _numbers(value, (*path, name))
        elif isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value:
            yield (*path, name), Decimal(str(value))


def _changed(options: Options, path: tuple[str, ...], value: Decimal) -> Options:
    name, *rest = path
    inner = _changed(options[name], tuple(rest), value) if rest else value
    if name in ("fixed_rate", "indexed_share") and not rest:
        inner = min(value, Decimal(1))
    return {**options, name: inner}
