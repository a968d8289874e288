"""Segments and subsegments in the shape in which aws-xray-sdk's users know them, over this package's own."""

from __future__ import annotations

import json
from typing import Any, Generic, TypeVar

from aws_xray_sdk.core.models.entity import Entity as SdkEntity
from aws_xray_sdk.core.models.segment import Segment as SdkSegment
from aws_xray_sdk.core.models.subsegment import Subsegment as SdkSubsegment
from aws_xray_sdk.core.utils.conversion import metadata_to_dict

from tracing.entities import Document, Entity, Segment, Subsegment

_FRAMES = 50
_Value = TypeVar("_Value")


class _Member(Generic[_Value]):
    """An attribute that is a member of the document; the SDK's methods fill containers, so these are made when read."""

    def __init__(self, make: type[_Value] | None = None) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, face: Face, owner: type | None = None) -> Any:
        document = face.entity.document
        if self._make is not None and self._name not in document:
            document[self._name] = self._make()
        return document.get(self._name)

    def __set__(self, face: Face, value: Any) -> None:
        face.entity.document[self._name] = value


class Face(SdkEntity):
    """An entity by the SDK's names: what is read and written is the entity's document.

    Nothing raises where an entity has ended, as the SDK does: what is written then is not sent.
    """

    name = _Member[str]()
    start_time = _Member[float]()
    end_time = _Member[float]()
    http = _Member(dict)
    annotations = _Member(dict)
    metadata = _Member(dict)
    aws = _Member(dict)
    cause = _Member[Any]()
    error = _Member[bool]()
    fault = _Member[bool]()
    throttle = _Member[bool]()

    def __init__(self, entity: Entity) -> None:
        self.entity = entity

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Face) and other.entity is self.entity

    def __hash__(self) -> int:
        return id(self.entity)

    @property
    def id(self) -> str:
        """What a call that this work makes is to name as its parent."""
        segment = self.entity.segment
        return self.entity.id if segment.sampled else segment.id

    @property
    def trace_id(self) -> str:
        """The trace's identifier."""
        return self.entity.segment.trace_id

    @property
    def parent_id(self) -> str | None:
        """The identifier of what this is a part of."""
        parent: str | None = self.entity.document.get("parent_id") or getattr(self.entity, "parent_id", None)
        return parent

    @property
    def sampled(self) -> bool:
        """Whether it will be sent."""
        return self.entity.segment.sampled

    @property
    def in_progress(self) -> bool:
        """Whether it has not ended."""
        return "end_time" not in self.entity.document

    @property
    def subsegments(self) -> list[Document]:
        """The documents of what has begun in it."""
        parts: list[Document] = self.entity.document.get("subsegments", [])
        return parts

    def put_annotation(self, key: str, value: Any) -> None:
        """Annotates it; what X-Ray does not take is made fit, where the SDK leaves it out with a warning."""
        self.entity.annotate(key, value)

    def put_metadata(self, key: str, value: Any, namespace: str = "default") -> None:
        """Adds a value of any kind, which is not searched."""
        super().put_metadata(key, metadata_to_dict(value), namespace)

    def add_exception(self, exception: BaseException, stack: Any, remote: bool = False) -> None:
        """Records an exception; `stack` tells of one that was never raised, `remote` of one in what was called."""
        self.entity.record_exception(exception)
        cause = self.entity.document.get("cause")
        if not isinstance(cause, dict) or not cause.get("exceptions"):
            return
        described = cause["exceptions"][0]
        if remote:
            described["remote"] = True
        if not described.get("stack"):
            described["stack"] = [
                {"path": frame[0], "line": frame[1], "label": frame[2]} for frame in list(stack or ())[-_FRAMES:]
            ]

    def add_subsegment(self, subsegment: Any) -> None:
        """Does nothing: subsegments begin by the recorder."""

    def remove_subsegment(self, subsegment: Any) -> None:
        """Does nothing."""

    def to_dict(self) -> Document:
        """The document as it is now."""
        return dict(self.entity.document)

    def serialize(self) -> str:
        """The document as JSON."""
        return json.dumps(self.to_dict(), default=str)

    def _check_ended(self) -> None:
        """Lets everything pass."""


class SegmentFace(Face, SdkSegment):
    """A segment by the SDK's names."""

    user = _Member[str]()
    service = _Member(dict)
    origin = _Member[str]()

    def __init__(self, entity: Segment) -> None:
        super().__init__(entity)

    def close(self, end_time: float | None = None) -> None:
        """Does nothing: a segment ends with its request, or by `end_segment`."""

    def ready_to_send(self) -> bool:
        """It is sent by others."""
        return False

    def increment(self) -> None:
        """Does nothing: nobody counts here."""

    def decrement_ref_counter(self) -> None:
        """Does nothing."""

    def decrement_subsegments_size(self) -> None:
        """Does nothing."""

    def get_total_subsegments_size(self) -> int:
        """How many subsegments its document holds, not counting theirs."""
        return len(self.subsegments)


class SubsegmentFace(Face, SdkSubsegment):
    """A subsegment by the SDK's names; what was begun as a segment within a request is one too."""

    type = "subsegment"
    sql = _Member(dict)

    @property
    def namespace(self) -> str:
        """`remote`, `aws`, or the SDK's word for neither."""
        return str(self.entity.document.get("namespace", "local"))

    @namespace.setter
    def namespace(self, value: str) -> None:
        if value == "local":
            self.entity.document.pop("namespace", None)
        else:
            self.entity.document["namespace"] = value

    @property
    def parent_segment(self) -> SegmentFace:
        """The segment it belongs to."""
        return SegmentFace(self.entity.segment)

    def set_user(self, user: str) -> None:
        """Says whose request it is, to the segment."""
        self.parent_segment.set_user(user)

    def close(self, end_time: float | None = None) -> None:
        """Ends it; it stays the current one until `end_subsegment`."""
        if isinstance(self.entity, Subsegment):
            self.entity.close()


class Absent:
    """Stands for what is not there, and takes every call and every value: a subsegment of a segment that has none open.

    It passes the segment's id on. Where there is no segment either it is false and has no id.
    """

    name = namespace = parent_id = type = None

    def __init__(self, segment: Segment | None) -> None:
        face = None if segment is None else SegmentFace(segment)
        vars(self).update(
            parent_segment=face,
            id=face and face.id,
            trace_id=face and face.trace_id,
            sampled=face and face.sampled,
        )

    def __bool__(self) -> bool:
        return self.parent_segment is not None

    def __getattr__(self, name: str) -> Any:
        return _ignore

    def __setattr__(self, name: str, value: object) -> None:
        """Forgets the value."""


def _ignore(*arguments: object, **options: object) -> None:
    """Does nothing."""


NOTHING = Absent(None)


def face_of(entity: Entity) -> Face:
    """The entity by the SDK's names."""
    return SegmentFace(entity) if isinstance(entity, Segment) else SubsegmentFace(entity)
