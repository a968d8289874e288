"""aws-xray-sdk's `xray_recorder` as another face of this package: what it reads and writes is the current entity."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from aws_xray_sdk import global_sdk_config
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.async_recorder import AsyncAWSXRayRecorder
from aws_xray_sdk.core.emitters.udp_emitter import UDPEmitter

from tracing.entities import (
    Activation,
    Entity,
    Subsegment,
    UnsampledSegment,
    activate,
    current,
    deactivate,
    recording,
)
from tracing.faces import NOTHING, Absent, Face, face_of
from tracing.fitting import fit_name

if TYPE_CHECKING:
    from tracing.core import Tracing

_SEGMENT_NAME = "segment"


class _Begun(NamedTuple):
    """What the recorder was told to begin and not yet to end, how to end it, and what was begun before."""

    entity: Entity
    end: Callable[[], None]
    is_segment: bool
    activation: Activation
    outer: _Begun | None


_begun: ContextVar[_Begun | None] = ContextVar("tracing_begun", default=None)
_handed: ContextVar[Activation | None] = ContextVar("tracing_handed", default=None)
_connected: list[Tracing] = []


def connect(tracing: Tracing) -> None:
    """Makes `xray_recorder` work on the entities of this package, wherever it was imported before.

    Outside of a request, `in_segment` begins a segment of `tracing`; where several are connected, of the last one.
    Does nothing where the SDK is disabled (AWS_XRAY_SDK_ENABLED=false).
    """
    if not global_sdk_config.sdk_enabled():
        return
    _give_socket_back()
    _connected.append(tracing)
    xray_recorder.__class__ = TracedRecorder


def disconnect(tracing: Tracing) -> None:
    """Undoes `connect`; after the last one the recorder is the SDK's own again."""
    if tracing in _connected:
        _connected.remove(tracing)
    if not _connected:
        xray_recorder.__class__ = AsyncAWSXRayRecorder


class TracedRecorder(AsyncAWSXRayRecorder):
    """The recorder's interface; where there is no context each call is a no-op on an object that is false."""

    def begin_segment(
        self,
        name: str | None = None,
        traceid: str | None = None,
        parent_id: str | None = None,
        sampling: int | str | None = None,
    ) -> Any:
        """Begins a segment; within another it is a subsegment of that one, so that the trace stays one."""
        name = name or self.service
        entity = current()
        if entity is not None:
            part = entity.child(name or _SEGMENT_NAME)
            return _begin(part, part.close, is_segment=True)
        tracing = _connected[-1]
        sampled = None if sampling is None else bool(sampling)
        segment = tracing.begin(fit_name(name or tracing.settings.service_name), traceid, parent_id, sampled)
        return _begin(segment, lambda: tracing.close(segment), is_segment=True)

    def end_segment(self, end_time: float | None = None) -> None:
        """Ends what `begin_segment` began, with what is still open in it. A request's segment ends with the request."""
        begun = _top()
        while begun is not None and not begun.is_segment:
            begun = begun.outer
        while begun is not None and (last := _top()) is not None:
            _end(last, end_time)
            if last is begun:
                return

    def current_segment(self) -> Any:
        """The segment of this request, or of this context."""
        entity = current()
        return NOTHING if entity is None else face_of(entity.segment)

    def current_subsegment(self) -> Any:
        """The current subsegment; where none is open, one that takes everything and passes the segment's id on."""
        entity = current()
        if entity is None:
            return NOTHING
        return face_of(entity) if isinstance(entity, Subsegment) else Absent(entity.segment)

    def begin_subsegment(self, name: str, namespace: str = "local") -> Any:
        """Begins a subsegment of the current one, which becomes the current one."""
        entity = current()
        if entity is None:
            return NOTHING
        part = entity.child(name, None if namespace == "local" else namespace)
        return _begin(part, part.close)

    def begin_subsegment_without_sampling(self, name: str) -> Any:
        """Begins a part of the work in which nothing is recorded."""
        entity = current()
        if entity is None:
            return NOTHING
        unrecorded = UnsampledSegment(fit_name(name), entity.segment.trace_id)
        return _begin(unrecorded, unrecorded.close)

    def end_subsegment(self, end_time: float | None = None) -> None:
        """Ends the subsegment that was begun last in this context."""
        begun = _top()
        if begun is not None and not begun.is_segment:
            _end(begun, end_time)

    def get_trace_entity(self) -> Any:
        """What is current."""
        entity = current()
        return NOTHING if entity is None else face_of(entity)

    def set_trace_entity(self, trace_entity: Any) -> None:
        """Makes an entity the current one, in another thread for instance."""
        self.clear_trace_entities()
        if isinstance(trace_entity, Face):
            _handed.set(activate(trace_entity.entity))

    def clear_trace_entities(self) -> None:
        """Makes nothing current, or what was current before an entity was set."""
        activation = _handed.get()
        if activation is None:
            activate(None)
        else:
            _handed.set(None)
            deactivate(activation)

    def put_annotation(self, key: str, value: Any) -> None:
        """Annotates what is current."""
        self.get_trace_entity().put_annotation(key, value)

    def put_metadata(self, key: str, value: Any, namespace: str = "default") -> None:
        """Adds metadata to what is current."""
        self.get_trace_entity().put_metadata(key, value, namespace)

    def is_sampled(self) -> bool:
        """Whether what is current will be sent."""
        return recording() is not None

    def record_subsegment(
        self, wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any, *how: Any, **named: Any
    ) -> Any:
        """Calls a patched function in a subsegment, where that is recorded at all."""
        if recording() is None:
            return wrapped(*args, **kwargs)
        return super().record_subsegment(wrapped, instance, args, kwargs, *how, **named)

    async def record_subsegment_async(
        self, wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any, *how: Any, **named: Any
    ) -> Any:
        """The same for a coroutine."""
        if recording() is None:
            return await wrapped(*args, **kwargs)
        return await super().record_subsegment_async(wrapped, instance, args, kwargs, *how, **named)

    def stream_subsegments(self) -> None:
        """Does nothing: segments look after their size themselves."""


class LateEmitter(UDPEmitter):
    """The SDK's emitter without a socket until it sends something."""

    def __init__(self, ip: str, port: int) -> None:
        self._ip, self._port = ip, port
        self._socket: socket.socket | None = None

    def _send_data(self, data: str) -> None:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
        super()._send_data(data)


def _give_socket_back() -> None:
    """The recorder opens a socket when it is imported, which nobody closes, and which is not used here."""
    emitter = xray_recorder.emitter
    if isinstance(emitter, UDPEmitter) and not isinstance(emitter, LateEmitter):
        emitter._socket.close()
        xray_recorder.emitter = LateEmitter(emitter.ip, emitter.port)


def _begin(entity: Entity, end: Callable[[], None], *, is_segment: bool = False) -> Any:
    outer = _top()
    _begun.set(_Begun(entity, end, is_segment, activate(entity), outer))
    return face_of(entity)


def _end(begun: _Begun, end_time: float | None) -> None:
    _begun.set(begun.outer)
    deactivate(begun.activation)
    begun.end()
    if end_time is not None:
        begun.entity.document["end_time"] = end_time


def _top() -> _Begun | None:
    """What was begun last and belongs to this request: another that ended without its end is forgotten."""
    begun, entity = _begun.get(), current()
    if begun is None or entity is None or begun.entity.segment is not entity.segment:
        return None
    return begun
