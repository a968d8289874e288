"""Dynamic labels: `${MAX}` or `${PROP('Dim.PodName')}` in a label, filled in for each series.

Source: Amazon CloudWatch user guide, "Use dynamic labels". The values of time are not understood here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Final

from localaws.cloudwatch.lines import Line

VALUES_LIMIT: Final = 5
_DYNAMIC = re.compile(r"\$\{(?:PROP\('([^']+)'\)|([A-Z_]+))\}")
_LABEL: Final = "LABEL"
_VALUES: Final[dict[str, Callable[[Sequence[float]], float]]] = {
    "AVG": lambda values: math.fsum(values) / len(values),
    "DATAPOINT_COUNT": len,
    "FIRST": lambda values: values[0],
    "FIRST_LAST_RANGE": lambda values: values[-1] - values[0],
    "LAST": lambda values: values[-1],
    "MAX": max,
    "MIN": min,
    "MIN_MAX_RANGE": lambda values: max(values) - min(values),
    "SUM": math.fsum,
}
_PROPERTIES: Final = ("AccountId", "MetricName", "Namespace", "Period", "Region", "Stat")


class LabelError(ValueError):
    """A label that CloudWatch refuses; the message says why."""


class UnknownValueError(ValueError):
    """A dynamic value that is not understood here."""


def check_label(label: str) -> None:
    """Raises LabelError for what is too much in one label, and UnknownValueError for what is not understood."""
    found = _DYNAMIC.findall(label)
    if label.count("${") != len(found):
        raise LabelError(f"The label {label} has a ${{ that no name and }} follow")
    names = [name for property_name, name in found if not property_name]
    if names.count(_LABEL) > 1 or len(names) - names.count(_LABEL) > VALUES_LIMIT:
        raise LabelError(f"A label has ${{LABEL}} at most once and at most {VALUES_LIMIT} statistical values")
    unknown = [name for name in names if name not in (_LABEL, *_VALUES)]
    unknown += [name for name, _value in found if name and name not in _PROPERTIES and not name.startswith("Dim.")]
    if unknown:
        raise UnknownValueError(unknown[0])


def is_dynamic(label: str) -> bool:
    """Whether there is something to fill in."""
    return _DYNAMIC.search(label) is not None


def filled_label(label: str, line: Line, default: str) -> str:
    """A label with its dynamic values; what a series does not have is `-`."""

    def value(found: re.Match[str]) -> str:
        property_name, name = found.groups()
        if property_name:
            return line.properties.get(property_name, "-")
        if name == _LABEL:
            return default
        values = list(line.points.values())
        return f"{_VALUES[name](values):g}" if values or name == "DATAPOINT_COUNT" else "-"

    return _DYNAMIC.sub(value, label)
