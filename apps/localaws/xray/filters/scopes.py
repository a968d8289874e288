"""What keywords mean where they stand: of a whole trace, of a service or an edge of it, of a part of a root cause.

A keyword that says nothing where it stands is false, or has no value. Outcome keywords and times speak of a trace's
entry, texts and `http.status` of any segment in it. Source: AWS X-Ray developer guide, "Use filter expressions".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from localaws.xray.calls import Call, calls
from localaws.xray.causes import Kind, root_cause
from localaws.xray.documents import Segment
from localaws.xray.filters.parsing import Value
from localaws.xray.parts import ERROR, FAULT, THROTTLE, Http, Node, exceptions, http_of, member, subsegments
from localaws.xray.view import TraceView

Flag = Callable[[Any], bool]
Reader = Callable[[Any], Iterable[Value | None]]


@dataclass(frozen=True, slots=True)
class Scope:
    """The meaning of the keywords for one kind of subject.

    Annotations are a trace's alone; a root cause takes words without quotation marks, as the guide writes them.
    """

    flags: Mapping[str, Flag]
    values: Mapping[str, Reader]
    has_annotations: bool = False
    takes_bare_words: bool = False


class Part(NamedTuple):
    """What one segment, or the call that stands for one, says of a service or an edge. `end` is None in progress."""

    node: Node
    start: float
    end: float | None
    flags: int
    is_root: bool
    is_inferred: bool
    source: dict[str, Any] | Segment

    @property
    def data(self) -> dict[str, Any]:
        """The document that tells of it."""
        return self.source.data if isinstance(self.source, Segment) else self.source

    @property
    def http(self) -> Http | None:
        return self.source.http if isinstance(self.source, Segment) else http_of(self.source)


def service_parts(view: TraceView) -> Iterator[Part]:
    """The segments of a trace's services, then the calls to services that are only inferred from them."""
    for segment in view.segments:
        if not segment.is_subsegment:
            is_root = segment.parent_id is None
            yield Part(segment.node, segment.start, segment.end, segment.flags, is_root, False, segment)
    yield from (edge_part(call) for call in calls(view) if call.is_inferred)


def edge_part(call: Call) -> Part:
    """A call as a subject of filters."""
    return Part(call.callee, call.start, call.end, call.flags, False, call.is_inferred, call.source)


def root_cause_elements(view: TraceView, kind: Kind, element: str) -> list[dict[str, Value | None]]:
    """The services, entities or exceptions of a trace's root cause, in order, each with its place among them."""
    services = root_cause(view, kind)
    entities = [entity for service in services for entity in service["EntityPath"]]
    found = {
        "service": services,
        "entity": entities,
        "exception": [thrown for entity in entities for thrown in entity.get("Exceptions", ())],
    }[element]
    last = len(found) - 1
    places = ({"index": index, "first": index == 0, "last": index == last} for index in range(len(found)))
    return [
        {**{key.lower(): value for key, value in item.items()}, **place}
        for item, place in zip(found, places, strict=True)
    ]


def _flag_readers(flags: Callable[[Any], int]) -> dict[str, Flag]:
    return {
        "ok": lambda subject: not flags(subject),
        "error": lambda subject: bool(flags(subject) & ERROR),
        "fault": lambda subject: bool(flags(subject) & FAULT),
        "throttle": lambda subject: bool(flags(subject) & THROTTLE),
    }


def _http_readers(https: Callable[[Any], Iterable[Http]]) -> dict[str, Reader]:
    return {
        "http.status": lambda subject: (http.status for http in https(subject)),
        "http.url": lambda subject: (http.url for http in https(subject)),
        "http.method": lambda subject: (http.method for http in https(subject)),
        "http.useragent": lambda subject: (http.user_agent for http in https(subject)),
        "http.clientip": lambda subject: (http.client_ip for http in https(subject)),
    }


def _document_readers(documents: Callable[[Any], Iterable[dict[str, Any]]]) -> dict[str, Reader]:
    """Keywords that are looked for in segments' documents, since summaries do not need them."""
    return {
        "message": lambda subject: (text for data in documents(subject) for text in _messages(data)),
        "availabilityzone": lambda subject: (_ec2(data).get("availability_zone") for data in documents(subject)),
        "instance.id": lambda subject: (_ec2(data).get("instance_id") for data in documents(subject)),
        "resource.arn": lambda subject: (data.get("resource_arn") for data in documents(subject)),
    }


def _messages(data: dict[str, Any]) -> Iterator[Any]:
    for part in (data, *subsegments(data)):
        yield from (exception.get("message") for exception in exceptions(part))


def _ec2(data: dict[str, Any]) -> dict[str, Any]:
    return member(member(data, "aws"), "ec2")


def _seconds(part: Part) -> tuple[float | None]:
    return (None if part.end is None else part.end - part.start,)


def _part_https(part: Part) -> tuple[Http, ...]:
    return () if part.http is None else (part.http,)


def _element_flag(name: str) -> Flag:
    return lambda element: element.get(name) is True


def _element_value(name: str) -> Reader:
    return lambda element: (element.get(name),)


TRACE: Final = Scope(
    flags={
        **_flag_readers(lambda view: int(view.root.flags)),
        "partial": lambda view: view.is_partial,
        "inferred": lambda view: view.has_inferred,
    },
    values={
        "responsetime": lambda view: (view.response_time_seconds,),
        "duration": lambda view: (view.duration_seconds,),
        **_http_readers(lambda view: view.https),
        **_document_readers(lambda view: view.parsed),
        "user": lambda view: (segment.user for segment in view.segments),
        "name": lambda view: (name for name, _unused in view.services),
        "type": lambda view: (kind for _unused, kind in view.services),
    },
    has_annotations=True,
)
PART: Final = Scope(
    flags={
        **_flag_readers(lambda part: int(part.flags)),
        "partial": lambda part: part.end is None,
        "inferred": lambda part: part.is_inferred,
        "root": lambda part: part.is_root,
    },
    values={
        "responsetime": _seconds,
        "duration": _seconds,
        **_http_readers(_part_https),
        **_document_readers(lambda part: (part.data,)),
        "user": lambda part: (part.data.get("user"),),
        "name": lambda part: (part.node[0],),
        "type": lambda part: (part.node[1],),
    },
)
ELEMENT: Final = Scope(
    flags={name: _element_flag(name) for name in ("first", "last", "remote", "inferred")},
    values={name: _element_value(name) for name in ("index", "coverage", "name", "type", "message")},
    takes_bare_words=True,
)
