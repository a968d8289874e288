"""The tracer's other faces inside a request: aws-xray-sdk's recorder, and calls by http.client."""

from __future__ import annotations

import http.client
from contextlib import suppress
from io import BytesIO
from random import Random
from typing import Any

from aws_xray_sdk.core import xray_recorder
from fuzz.environs import Environ
from fuzz.values import odd_error, odd_key, odd_name, odd_value
from tracing import current

_ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 503 Later\r\n\r\n",
    b"HTTP/1.1 abc\r\n\r\n",
    b"",
)


def use_recorder(chance: Random, environ: Environ, depth: int) -> None:
    """A use of the recorder, in order or not."""
    chance.choice(_USES)(chance)


def call_by_http_client(chance: Random, environ: Environ, depth: int) -> None:
    """A call over a connection that answers, answers nonsense, or breaks off."""
    connection = http.client.HTTPConnection("shop.example", 8080)
    connection.sock = _Answering(chance.choice(_ANSWERS), fails=chance.random() < 0.2)
    reads, target = chance.random() < 0.8, chance.choice(["/a?b=c", "/", "*", "http://other.example/a", "/ü", ""])
    with suppress(http.client.HTTPException, OSError, UnicodeEncodeError):
        connection.request(chance.choice(["GET", "POST"]), target, b"body", {"X-Any": "any"})
        if reads:
            connection.getresponse().read()
    connection.close()


class _Answering:
    """A socket that has its answer already."""

    def __init__(self, answer: bytes, fails: bool) -> None:
        self._answer, self._fails = answer, fails

    def sendall(self, data: bytes) -> None:
        if self._fails:
            raise BrokenPipeError("the peer is gone")

    def makefile(self, mode: str) -> BytesIO:
        return BytesIO(self._answer)

    def close(self) -> None:
        """Nothing to give back."""


def _nested(chance: Random) -> None:
    name, key, value = odd_name(chance), odd_key(chance), odd_value(chance)
    namespace, error = chance.choice(["local", "remote", "aws"]), odd_error(chance) if chance.random() < 0.3 else None
    try:
        with xray_recorder.in_subsegment(name, namespace=namespace) as part:
            if part:
                part.put_annotation(key, value)
                part.put_metadata(key, value)
            if error is not None:
                raise error
    except BaseException as raised:
        if raised is not error:
            raise


def _captured(chance: Random) -> None:
    error = odd_error(chance) if chance.random() < 0.3 else None

    @xray_recorder.capture(odd_name(chance))
    def work() -> None:
        if error is not None:
            raise error

    try:
        work()
    except BaseException as raised:
        if raised is not error:
            raise


def _unbalanced(chance: Random) -> None:
    """Begins and ends that do not match."""
    for _unused in range(chance.randrange(3)):
        xray_recorder.begin_subsegment(odd_name(chance))
    for _unused in range(chance.randrange(4)):
        xray_recorder.end_subsegment()


def _segments(chance: Random) -> None:
    """Segments in a request, which are parts of its own. Outside of one they would be traces of their own."""
    name, ends = odd_name(chance), chance.randrange(3)
    if current() is not None:
        xray_recorder.begin_segment(name)
        for _unused in range(ends):
            xray_recorder.end_segment()


def _told(chance: Random) -> None:
    key, value, error = odd_key(chance), odd_value(chance), odd_error(chance)
    xray_recorder.put_annotation(key, value)
    xray_recorder.put_metadata(key, value, "shop")
    segment = xray_recorder.current_segment()
    if segment:
        segment.put_annotation(key, value)
        segment.add_exception(error, [])
        segment.set_user("somebody")
    assert xray_recorder.is_sampled() in (True, False)


def _handed_over(chance: Random) -> None:
    """An entity set and cleared, as code does that hands it to a thread."""
    clears = chance.random() < 0.8
    xray_recorder.set_trace_entity(xray_recorder.get_trace_entity())
    if clears:
        xray_recorder.clear_trace_entities()


_USES: tuple[Any, ...] = (_nested, _captured, _unbalanced, _segments, _told, _handed_over)
