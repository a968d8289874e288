"""Judges answers: what counts as an error, and what an error is called."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from typing import Any

import orjson
from geventhttpclient.response import HTTPConnectionClosed

from loadtest.routes import Route

_SAMPLE_CHARACTERS = 200
_PAGE_ENDS_WITHIN_BYTES = 200
_TRACE_ROOT = re.compile(r"(?:^|;)\s*Root=([0-9A-Za-z-]{1,64})")
_NOT_SAMPLED = re.compile(r"(?:^|;)\s*Sampled=0")
_REFUSED = {errno.ECONNREFUSED: "connection refused", errno.ECONNRESET: "connection reset", errno.EPIPE: "broken pipe"}


@dataclass(frozen=True)
class Fault:
    """Why an answer is an error: a kind out of few, and a short sample of what came."""

    kind: str
    sample: str


@dataclass(frozen=True)
class Verdict:
    """What an answer is worth: its fault if it has one, else the `data` of a JSON answer."""

    fault: Fault | None = None
    data: Any = None

    @property
    def is_refused(self) -> bool:
        """True when the credentials were not accepted."""
        return self.fault is not None and self.fault.kind == "HTTP 401"


def judge(route: Route, status: int, body: bytes) -> Verdict:
    """An error is a status of 400 or more, or a body that is not what the route gives; a redirect is none."""
    if status >= 400:
        return Verdict(Fault(f"HTTP {status}", _sample(status, body)))
    if 300 <= status < 400:
        return Verdict()
    return _judge_page(status, body) if route.tier == "frontend" else _judge_json(status, body)


def connection_fault(reason: BaseException) -> Fault:
    """The fault of a request that got no whole answer."""
    cause = _cause(reason)
    if isinstance(cause, TimeoutError) or "timed out" in str(cause).lower():
        return Fault("timeout", _shorten(str(cause)))
    if isinstance(cause, HTTPConnectionClosed):
        return Fault("connection closed", "closed before the answer was whole")
    number = getattr(cause, "errno", None)
    kind = _REFUSED.get(number) if isinstance(number, int) else None
    return Fault(kind or "connection failed", _shorten(f"{type(cause).__name__}: {cause}"))


def trace_id(header: str | None) -> str | None:
    """The trace an X-Amzn-Trace-Id header names; None when there is none or it was not sampled, so not stored."""
    if not header or _NOT_SAMPLED.search(header):
        return None
    found = _TRACE_ROOT.search(header)
    return found.group(1) if found else None


def _judge_json(status: int, body: bytes) -> Verdict:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Verdict(Fault("not the answer asked for", _sample(status, body)))
    if not isinstance(document, dict) or document.get("success") is not True or "data" not in document:
        return Verdict(Fault("not the answer asked for", _sample(status, body)))
    return Verdict(data=document["data"])


def _judge_page(status: int, body: bytes) -> Verdict:
    if b"</html>" in body[-_PAGE_ENDS_WITHIN_BYTES:].lower():
        return Verdict()
    return Verdict(Fault("not the answer asked for", _sample(status, body)))


def _cause(reason: BaseException) -> BaseException:
    """What lies under the client's own exceptions, which carry it as `original` or as their context."""
    original = getattr(reason, "original", None)
    return original if isinstance(original, BaseException) else reason


def _sample(status: int, body: bytes) -> str:
    return _shorten(f"{status} {body[:_SAMPLE_CHARACTERS].decode('utf-8', 'replace')}")


def _shorten(text: str) -> str:
    return " ".join(text.split())[:_SAMPLE_CHARACTERS]
