"""AWS X-Ray tracing for WSGI applications: a segment for every request, subsegments for what the request calls."""

from __future__ import annotations

from tracing.core import Tracing
from tracing.entities import Segment, Subsegment, annotate, current, record_exception
from tracing.flask import instrument, uninstrument
from tracing.settings import SettingsError, TracingSettings
from tracing.subsegments import subsegment
from tracing.threads import carry
from tracing.wsgi import TracedApplication

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
