"""AWS X-Ray tracing for WSGI applications: a segment for every request, subsegments for what the request calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracing.core import Tracing
from tracing.entities import Segment, Subsegment, annotate, current, record_exception
from tracing.settings import SettingsError, TracingSettings
from tracing.subsegments import subsegment
from tracing.threads import carry
from tracing.wsgi import TracedApplication

if TYPE_CHECKING:
    from tracing.flask import instrument, uninstrument

__all__ = [
    "Segment",
    "SettingsError",
    "Subsegment",
    "TracedApplication",
    "Tracing",
    "TracingSettings",
    "annotate",
    "carry",
    "current",
    "instrument",
    "record_exception",
    "subsegment",
    "uninstrument",
]


def __getattr__(name: str) -> Any:
    """`instrument` and `uninstrument`, which import Flask, when they are first asked for."""
    if name not in {"instrument", "uninstrument"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tracing import flask

    return getattr(flask, name)
