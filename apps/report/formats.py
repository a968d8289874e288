"""Numbers as people read them; each takes the record's own unit and never rounds to a clean 0 or 100 %."""

from __future__ import annotations

from datetime import UTC, datetime

NONE = "–"  # noqa: RUF001  an en dash, as typeset tables have it
_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")


def count(value: float | None) -> str:
    """12345 -> "12,345"; at most two decimals."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def rate(value: float | None) -> str:
    """Per second, one decimal."""
    return NONE if value is None else f"{value:,.1f}"


def milliseconds(value: float | None) -> str:
    """Three significant digits below 1,000 ms: "0.32 ms", "18.4 ms", "263 ms"."""
    if value is None:
        return NONE
    if value == 0:
        return "0 ms"
    decimals = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{decimals}f} ms"


def fixed(value: float, decimals: int) -> str:
    """A number with just so many decimals, for columns that are added up."""
    return f"{value:,.{decimals}f}"


def percent(share: float | None) -> str:
    """0 to 1 -> "99.95 %"; "> 99.99 %" and "< 0.01 %" rather than a rounded 100 or 0."""
    if share is None:
        return NONE
    if 0 < share < 0.00005:
        return "< 0.01 %"
    if 0.99995 <= share < 1:
        return "> 99.99 %"
    return f"{share * 100:.2f}".rstrip("0").rstrip(".") + " %"


def usd(value: float | None) -> str:
    """Cents where they say something, else enough decimals for two digits: "$12.30", "$0.0092"."""
    if value is None:
        return NONE
    if value == 0 or value >= 1:
        return f"${value:,.2f}"
    decimals = 4 if value >= 0.001 else 6
    return f"${value:.{decimals}f}" if value >= 0.000001 else f"${value:.2g}"


def price(value: float | None) -> str:
    """A unit price in full: 5e-07 -> "$0.0000005"."""
    return NONE if value is None else "$" + f"{value:,.12f}".rstrip("0").rstrip(".")


def byte_size(value: float | None) -> str:
    """Powers of 1,000: 4731 -> "4.7 kB"."""
    if value is None:
        return NONE
    scale = byte_scale(value)
    return f"{value / 1000**scale:,.{1 if scale else 0}f} {_BYTE_UNITS[scale]}"


def byte_scale(value: float) -> int:
    """The power of 1,000 in which a number of bytes has one to three digits before the point."""
    scale = 0
    while value >= 1000 and scale < len(_BYTE_UNITS) - 1:
        value, scale = value / 1000, scale + 1
    return scale


def byte_unit(scale: int) -> str:
    """The unit's name of a power of 1,000."""
    return _BYTE_UNITS[scale]


def duration(seconds: float) -> str:
    """60 -> "1 min", 95 -> "1 min 35 s", 7.25 -> "7.2 s"."""
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def clock(seconds: float) -> str:
    """Seconds since the start as m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def moment(iso: str) -> str:
    """An ISO 8601 time as "14 March 2026, 09:26:53 UTC"."""
    when = instant(iso).astimezone(UTC)
    return f"{when.day} {when:%B %Y, %H:%M:%S} UTC"


def instant(iso: str) -> datetime:
    """An ISO 8601 time; without a zone it is UTC."""
    when = datetime.fromisoformat(iso)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def by_name(value: float | None, name: str) -> str:
    """A number in the format its name asks for: *_ms, *_rate, *_per_second, else a plain count."""
    if name.endswith("_ms") or name.startswith(("p5", "p7", "p9")):
        return milliseconds(value)
    if name.endswith("_rate"):
        return percent(value)
    return rate(value) if name.endswith("_per_second") else count(value)
