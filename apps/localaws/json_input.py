"""Checks JSON that people write: the seed, faults. Each refusal says which key is wrong and why."""

from __future__ import annotations

from typing import Any


class InputError(ValueError):
    """The document cannot be used; the message says which key of it and why."""


def known(item: Any, where: str, keys: set[str]) -> dict[str, Any]:
    """The item, an object with no other than these keys. Raises InputError, as all of these do."""
    if not isinstance(item, dict):
        raise InputError(f"{where}: an object is wanted")
    if unknown := sorted(item.keys() - keys):
        raise InputError(f"{where}: unknown key '{unknown[0]}', known are {', '.join(sorted(keys))}")
    return item


def items(item: Any, where: str) -> list[Any]:
    """The item, a list."""
    if not isinstance(item, list):
        raise InputError(f"{where}: a list is wanted")
    return item


def text(entries: dict[str, Any], key: str, default: str | None = None) -> str:
    """The text under a key, which may be missing only when there is a default."""
    value = entries.get(key, default)
    if not isinstance(value, str) or not value:
        raise InputError(f"{key}: a text is wanted")
    return value


def number(entries: dict[str, Any], key: str, default: float, most: float) -> float:
    """The number from 0 to `most` under a key."""
    value = entries.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise InputError(f"{key}: a number from 0 to {most} is wanted")
    return float(value)


def truth(entries: dict[str, Any], key: str, default: bool) -> bool:
    """The true or false under a key."""
    value = entries.get(key, default)
    if not isinstance(value, bool):
        raise InputError(f"{key}: true or false is wanted")
    return value


def whole(entries: dict[str, Any], key: str, default: int, least: int = 0) -> int:
    """The whole number under a key, not below `least`."""
    value = entries.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{key}: a whole number of at least {least} is wanted")
    return value
