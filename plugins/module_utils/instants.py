# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Instants and stretches of time as users write them and AWS APIs take them; always UTC."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta


def parse_instant(option: str, text: str) -> datetime:
    """An ISO 8601 instant in UTC; one without an offset is taken as UTC.

    Raises ValueError with a message that names the option.
    """
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(f"{option} is not an ISO 8601 time: {text!r}; write it like 2026-01-31T09:30:00Z") from error
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def parse_range(start_time: str, end_time: str | None, now: datetime) -> tuple[datetime, datetime]:
    """The range of options start_time and end_time (now when left out); raises ValueError when it is empty."""
    start = parse_instant("start_time", start_time)
    end = now if end_time is None else parse_instant("end_time", end_time)
    if end <= start:
        raise ValueError(f"end_time ({iso(end)}) is not after start_time ({iso(start)}); give a later end_time")
    return start, end


def iso(instant: datetime) -> str:
    """ISO 8601 with a Z, and as many digits of a second as are needed."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def whole_seconds(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The range widened to whole seconds, for APIs whose wire format cuts fractions off."""
    ceiling = math.ceil(end.microsecond / 1_000_000)
    return start.replace(microsecond=0), end.replace(microsecond=0) + timedelta(seconds=ceiling)


def windows(start: datetime, end: datetime, longest: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Adjoining windows from start to end, none over the longest."""
    while start < end:
        window_end = min(start + longest, end)
        yield start, window_end
        start = window_end
