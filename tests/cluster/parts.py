"""What a part of the cluster is: a program that runs, by the name its log has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A long-running program and its command line."""

    name: str
    arguments: tuple[str, ...]


def options(values: Mapping[str, object]) -> tuple[str, ...]:
    """`--name=value` of each."""
    return tuple(f"--{name}={value}" for name, value in values.items())
