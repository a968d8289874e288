"""Segments and subsegments, and the context that says which one is current."""

from __future__ import annotations

import os
import time
from contextlib import ContextDecorator
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from tracing import causes, header

Annotation = str | int | float | bool
Document = dict[str, Any]

# X-Ray's limits on annotations: keys of letters, digits and underscore, values of at most 500 characters.
_ANNOTATION_CHARACTERS = 500
_NAME_CHARACTERS = 200


class Entity:
    """A timed piece of work; its document is what X-Ray is told of it."""

    __slots__ = ("document", "segment")

    def __init__(self, document: Document, segment: Segment) -> None:
        self.document = document
        self.segment = segment

    @property
    def id(self) -> str:
        """16 hexadecimal digits."""
        return str(self.document["id"])

    def annotate(self, key: str, value: Annotation) -> None:
        """Sets an annotation, by which traces can be found."""
        limited = value[:_ANNOTATION_CHARACTERS] if isinstance(value, str) else value
        self.document.setdefault("annotations", {})[key] = limited

    def add_metadata(self, namespace: str, values: dict[str, Any]) -> None:
        """Adds values that are shown with the trace and not searched."""
        self.document.setdefault("metadata", {}).setdefault(namespace, {}).update(values)

    def record_exception(self, error: BaseException) -> None:
        """Marks this work as failed by `error`, with type, message and stack."""
        self.document["fault"] = True
        self.document["cause"] = self.segment.causes.describe(error)

    def child(self, name: str, namespace: str | None = None) -> Subsegment:
        """Starts a subsegment of this one, which does not become the current one."""
        document = {"id": new_id(), "name": name[:_NAME_CHARACTERS], "start_time": time.time(), "in_progress": True}
        if namespace is not None:
            document["namespace"] = namespace
        self.document.setdefault("subsegments", []).append(document)
        return Subsegment(document, self.segment)

    def header(self) -> str:
        """The trace header for a call that this work makes."""
        return header.passed_on(self.segment.trace_id, self.id, self.segment.sampled)


class Segment(Entity):
    """One request as one service saw it."""

    __slots__ = ("causes", "sampled", "trace_id")

    def __init__(self, name: str, trace_id: str, sampled: bool, parent_id: str | None = None) -> None:
        document: Document = {"id": new_id(), "trace_id": trace_id, "name": name, "start_time": time.time()}
        if parent_id is not None:
            document["parent_id"] = parent_id
        super().__init__(document, self)
        self.trace_id = trace_id
        self.sampled = sampled
        self.causes = causes.Causes()

    def close(self) -> None:
        """Ends the segment, and gives up what it held for that."""
        self.document["end_time"] = time.time()
        self.causes = causes.Causes()


class Subsegment(Entity):
    """A part of a request: a call to something else, or a piece of code worth a name."""

    __slots__ = ()

    def close(self, error: BaseException | None = None) -> None:
        """Ends the subsegment; `error` is what ended it."""
        if error is not None:
            self.record_exception(error)
        self.document["end_time"] = time.time()
        self.document.pop("in_progress", None)


_current: ContextVar[Entity | None] = ContextVar("tracing_current", default=None)
activate = _current.set
deactivate = _current.reset


def current() -> Entity | None:
    """The segment or subsegment that this code runs in, sampled or not."""
    return _current.get()


def recording() -> Entity | None:
    """The current segment or subsegment where it will be sent; None where nothing need be noted."""
    entity = _current.get()
    return entity if entity is not None and entity.segment.sampled else None


def annotate(key: str, value: Annotation) -> None:
    """Annotates the current segment or subsegment; does nothing where there is none."""
    if (entity := recording()) is not None:
        entity.annotate(key, value)


def record_exception(error: BaseException) -> None:
    """Records an exception that was handled in the current segment or subsegment; does nothing where there is none."""
    if (entity := recording()) is not None:
        entity.record_exception(error)


class subsegment(ContextDecorator):
    """Times a block or a function as a subsegment of the current one: `with subsegment("price") as part:`.

    Where nothing is recorded the block gets a subsegment that goes nowhere, so that its code need not ask.
    """

    def __init__(self, name: str, namespace: str | None = None) -> None:
        self._name = name
        self._namespace = namespace

    def _recreate_cm(self) -> subsegment:
        return subsegment(self._name, self._namespace)

    def __enter__(self) -> Subsegment:
        parent = _current.get()
        self._entity = (parent or _nowhere()).child(self._name, self._namespace)
        self._token = _current.set(self._entity) if parent is not None else None
        return self._entity

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entity.close(error)
        if self._token is not None:
            _current.reset(self._token)


def _nowhere() -> Segment:
    return Segment("", "", sampled=False)


def new_id() -> str:
    """An identifier of a segment or subsegment: 64 random bits as 16 hexadecimal digits."""
    return os.urandom(8).hex()


def new_trace_id() -> str:
    """An identifier of a trace: version, epoch second and 96 random bits, as X-Ray's developer guide defines it."""
    return f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"
