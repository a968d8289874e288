"""Segments and subsegments, and the context that says which one is current."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from time import time
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from tracing import header
from tracing.causes import Causes
from tracing.fitting import fit_key, fit_name, fit_value
from tracing.ids import new_id

if TYPE_CHECKING:
    from tracing.requests import Exchange

Annotation = str | int | float | bool
Document = dict[str, Any]

# What a segment holds of its subsegments; those beyond are sent when they end, so that memory is bounded. A call to
# Redis or SQL takes some 300 bytes, so a hundred of them mostly fit into one datagram of 65 kB.
HELD_SUBSEGMENTS = 100
# How long after a request its threads may go on in its name. One that was started in a request and never ends would
# else be sent, and paid for, as a part of that request for ever.
LATE_SECONDS = 300.0


class Entity:
    """A timed piece of work; its document is what X-Ray is told of it.

    `id` has 16 hexadecimal digits; `sampled` is the decision for the whole trace.
    """

    __slots__ = ("document", "id", "sampled")

    document: Document
    id: str
    sampled: bool

    @property
    def segment(self) -> Segment:
        """The segment that this is or belongs to."""
        raise NotImplementedError

    def annotate(self, key: str, value: Annotation) -> None:
        """Sets an annotation, by which traces can be found.

        What X-Ray does not take is made fit: underscores in a key, text for a value of another kind.
        """
        self.document.setdefault("annotations", {})[fit_key(key)] = fit_value(value)

    def add_metadata(self, namespace: str, values: dict[str, Any]) -> None:
        """Adds values that are shown with the trace and not searched."""
        self.document.setdefault("metadata", {}).setdefault(str(namespace), {}).update(values)

    def record_exception(self, error: BaseException) -> None:
        """Marks this work as failed by `error`, with type, message and stack."""
        self.document["fault"] = True
        if self.sampled:
            self.document["cause"] = self.segment.describe(error)

    def child(self, name: str, namespace: str | None = None) -> Subsegment:
        """Starts a subsegment of this one, which does not become the current one.

        It is written into this document or, where the segment holds enough or has ended, sent for itself when it ends.
        A subsegment of a request that is not sampled, or has ended long ago, goes nowhere.
        """
        segment = self.segment
        if not self.sampled or (segment.closed and segment.is_long_over()):
            return _Unrecorded(self)
        part = segment.subsegment_class(self, name, namespace)
        if segment.takes_part():
            self.document.setdefault("subsegments", []).append(part.document)
        else:
            part.is_apart = True
        return part

    def header(self) -> str:
        """The trace header for a call that this work makes.

        It names the segment where nothing is sampled, for only segments are then sent, and only if they failed.
        """
        segment = self.segment
        return header.passed_on(segment.trace_id, self.id if self.sampled else segment.id, self.sampled)

    def told(self) -> Document:
        """The document as it is to be sent."""
        return self.document


class Join(Protocol):
    """Makes an entity current elsewhere as well, or none; returns what undoes that."""

    def __call__(self, entity: Entity | None, /) -> Callable[[], None]: ...


class Segment(Entity):
    """One request as one service saw it.

    `kept` says why a segment that is not sampled is sent nevertheless, `failure` is the exception that it failed by.
    `send` takes the subsegments that are not in the segment's document; without it they all are. `rule` is the sampling
    rule that decided, and told with the exchange.
    """

    __slots__ = ("__dict__", "closed", "exchange", "rule", "send", "start_time", "trace_id")

    subsegment_class: ClassVar[type[Subsegment]]
    join: ClassVar[Join | None] = None

    # Most requests set none of these, so they have no slots that would have to be filled.
    has_document = True
    kept: str | None = None
    failure: BaseException | None = None
    _parts = 0
    _causes: Causes | None = None

    def __init__(self, name: str, trace_id: str, parent_id: str | None = None) -> None:
        self.id = new_id()
        self.trace_id = trace_id
        self.start_time = time()
        self.document = {"id": self.id, "trace_id": trace_id, "name": name, "start_time": self.start_time}
        if parent_id is not None:
            self.document["parent_id"] = parent_id
        self.sampled = True
        self.closed = False
        self.send: Callable[[Entity], None] | None = None
        self.rule: str | None = None
        self.exchange: Exchange | None = None

    @property
    def segment(self) -> Segment:
        """Itself: not as an attribute, which would be a cycle for the garbage collector with every request."""
        return self

    def record_exception(self, error: BaseException) -> None:
        """Marks the request as failed by `error`; it is described at once where the request is sampled."""
        super().record_exception(error)
        self.failure = error

    def describe(self, error: BaseException) -> dict[str, Any] | str:
        """The `cause` of a document: a description, or the id of one that stands elsewhere in this segment."""
        if self._causes is None:
            self._causes = Causes()
        return self._causes.describe(error)

    def takes_part(self) -> bool:
        """Whether one more subsegment goes into the document; counts it."""
        if self.closed or not self.sampled or (self._parts >= HELD_SUBSEGMENTS and self.send is not None):
            return False
        self._parts += 1
        return True

    def is_long_over(self) -> bool:
        """Whether a segment that has ended did so too long ago for what still happens in its name to be told."""
        return bool(time() > self.document["end_time"] + LATE_SECONDS)

    def keep(self, reason: str) -> None:
        """Makes a segment that is not sampled fit to be sent, with the exception that failed it, and says why."""
        self.kept = reason
        self.annotate("tracing_kept", reason)
        if self.failure is not None:
            self.document["cause"] = self.describe(self.failure)

    def end_exchange(self, exchange: Exchange) -> None:
        """Takes what is known of the request and its response: here it is written into the document at once."""
        exchange.tell(self.document)

    def close(self) -> None:
        """Ends the segment, and gives up what it held for that."""
        document, now = self.document, time()
        document["end_time"] = now if now > self.start_time else self.start_time  # clocks are set back
        self.closed = True
        if self.failure is not None or self._causes is not None:
            self.failure = self._causes = None


class UnsampledSegment(Segment):
    """The segment of a request that is not sampled: it is sent only where it is kept.

    Of most there is nothing to tell, so `id` and `document` are made when somebody asks for them (`has_document` says
    whether somebody did); of two threads that ask at once both get what the first has made.
    """

    __slots__ = ("_name", "_parent_id")

    def __init__(self, name: str, trace_id: str, parent_id: str | None = None) -> None:
        self._name = name
        self._parent_id = parent_id
        self.trace_id = trace_id
        self.start_time = time()
        self.sampled = self.closed = False
        self.send = self.rule = self.exchange = None

    @property
    def has_document(self) -> bool:  # type: ignore[override]
        """Whether something was told of the request."""
        return "document" in self.__dict__

    @property
    def id(self) -> str:  # type: ignore[override]
        """16 hexadecimal digits."""
        made: str = self.__dict__.get("id") or self.__dict__.setdefault("id", new_id())
        return made

    @property
    def document(self) -> Document:  # type: ignore[override]
        """What X-Ray is told, where the segment is kept."""
        return self.__dict__.get("document") or self.__dict__.setdefault("document", self._begin())  # type: ignore[no-any-return]

    def _begin(self) -> Document:
        document = {"id": self.id, "trace_id": self.trace_id, "name": self._name, "start_time": self.start_time}
        return document if self._parent_id is None else document | {"parent_id": self._parent_id}


class Subsegment(Entity):
    """A part of a request: a call to something else, or a piece of code worth a name.

    `is_apart` says that it does not stand in its parent's document.
    """

    __slots__ = ("is_apart", "parent_id", "segment")

    segment: Segment

    def __init__(self, parent: Entity, name: str, namespace: str | None = None) -> None:
        self.segment = parent.segment
        self.sampled = parent.sampled
        self.parent_id = parent.id
        self.is_apart = False
        self.id = new_id()
        self.document = {"id": self.id, "name": fit_name(name), "start_time": time(), "in_progress": True}
        if namespace is not None:
            self.document["namespace"] = namespace

    def close(self, error: BaseException | None = None) -> None:
        """Ends the subsegment; `error` is what ended it. Only the first call counts."""
        document, segment = self.document, self.segment
        if "end_time" in document:
            return
        if error is not None:
            self.record_exception(error)
        now = time()
        document["end_time"] = now if now > document["start_time"] else document["start_time"]
        document.pop("in_progress", None)  # last, for another thread may be sending it: X-Ray wants one of the two
        if (self.is_apart or segment.closed) and self.sampled and segment.send is not None:
            document.update(type="subsegment", trace_id=segment.trace_id, parent_id=self.parent_id)
            segment.send(self)


Segment.subsegment_class = Subsegment


class _Unrecorded(Subsegment):
    """A part of what is not recorded: it takes what it is told, and goes nowhere."""

    __slots__ = ()

    def __init__(self, parent: Entity) -> None:
        self.segment = parent.segment
        self.sampled = False
        self.id = self.parent_id = parent.segment.id
        self.is_apart = True
        self.document = {}

    def close(self, error: BaseException | None = None) -> None:
        """Does nothing."""


_current: ContextVar[Entity | None] = ContextVar("tracing_current", default=None)
set_current = _current.set
reset_current = _current.reset
Activation = Token[Entity | None] | tuple[Token[Entity | None], Callable[[], None]]


def activate(entity: Entity | None) -> Activation:
    """Makes an entity the current one, or none; returns what `deactivate` takes."""
    known = entity or _current.get()
    join = None if known is None else known.segment.join
    token = _current.set(entity)
    return token if join is None else (token, join(entity))


def deactivate(activation: Activation) -> None:
    """Undoes `activate`; a coroutine's or generator's block may end in another context than it began in."""
    if isinstance(activation, tuple):
        token, leave = activation
        leave()
    else:
        token = activation
    try:
        _current.reset(token)
    except ValueError:
        _current.set(None if token.old_value is Token.MISSING else token.old_value)


def current() -> Entity | None:
    """The segment or subsegment that this code runs in, sampled or not."""
    return _current.get()


def recording() -> Entity | None:
    """The current segment or subsegment where it will be sent; None where nothing need be noted."""
    entity = _current.get()
    return entity if entity is not None and entity.sampled else None


def annotate(key: str, value: Annotation) -> None:
    """Annotates the current segment or subsegment; does nothing where there is none."""
    if (entity := _current.get()) is not None:
        entity.annotate(key, value)


def record_exception(error: BaseException) -> None:
    """Records an exception that was handled in the current segment or subsegment; does nothing where there is none."""
    if (entity := _current.get()) is not None:
        entity.record_exception(error)


NOWHERE = UnsampledSegment("", "")
"""What is told where there is no request: it goes nowhere."""
