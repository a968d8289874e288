"""What goes wrong beside the requests: warnings, errors nobody catches, log lines, memory that is not given back."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psutil
from tracing.entities import Entity

_GROWTH_ENTITIES = 100
_GROWTH_BLOCKS = 60_000
_GROWTH_BYTES = 64 * 1024 * 1024

Complain = Callable[[str], None]


class Memory(NamedTuple):
    """What a process holds: objects of the tracer, blocks of the interpreter, bytes of the system."""

    entities: int
    blocks: int
    resident_bytes: int


def memory() -> Memory:
    """This process' memory once all is given back that can be."""
    gc.collect()
    entities = sum(isinstance(item, Entity) for item in gc.get_objects())
    return Memory(entities, sys.getallocatedblocks(), psutil.Process().memory_info().rss)


def grown(before: Memory, after: Memory) -> Iterator[str]:
    """What has grown beyond its bound."""
    bounds = Memory(_GROWTH_ENTITIES, _GROWTH_BLOCKS, _GROWTH_BYTES)
    for name, old, new, bound in zip(Memory._fields, before, after, bounds, strict=True):
        if new - old > bound:
            yield f"memory grows: {name} from {old:,} to {new:,}"


class _Log(logging.Handler):
    def __init__(self, complain: Complain) -> None:
        super().__init__(logging.WARNING)
        self._complain = complain

    def emit(self, record: logging.LogRecord) -> None:
        """Every warning of the tracer's is a complaint: nothing here is worth one."""
        self._complain(f"logged: {record.getMessage()}")


@contextmanager
def watched(complain: Complain) -> Iterator[None]:
    """Complains of whatever the interpreter is told meanwhile; a warning is an exception where it is given."""

    def uncaught(told: Any) -> None:
        complain(f"nobody caught {told.exc_value!r} in {getattr(told, 'thread', None) or told.object!r}")

    log, loggers = _Log(complain), [logging.getLogger(name) for name in ("tracing", "opentelemetry")]
    before = (threading.excepthook, sys.unraisablehook)
    for logger in loggers:
        logger.addHandler(log)
    sdk = logging.getLogger("aws_xray_sdk")
    level = sdk.level
    sdk.setLevel(logging.CRITICAL)  # it says of every odd value that it is odd
    threading.excepthook = sys.unraisablehook = uncaught
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    finally:
        threading.excepthook, sys.unraisablehook = before
        sdk.setLevel(level)
        for logger in loggers:
            logger.removeHandler(log)
