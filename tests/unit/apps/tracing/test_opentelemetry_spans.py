"""Documents as spans: what X-Ray makes of the spans is what the document said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localaws.xray.otlp.segments import Resource as XrayResource
from localaws.xray.otlp.segments import segment
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from support.span_collector import attributes
from tracing.opentelemetry.spans import EVENTS, NAME, spans_of

SHOP = Resource({"service.name": "shop"})
TRACE = "1-65f0a1b2-0123456789abcdef01234567"
START = 1_800_000_000.25
TIMES = {"start_time": START, "end_time": START + 0.5}
REMOTE = {"id": "b" * 16, "name": "redis", "namespace": "remote", **TIMES}


def document(**members: Any) -> dict[str, Any]:
    return {"id": "a" * 16, "trace_id": TRACE, "name": "shop", **TIMES, **members}


def sent(told: dict[str, Any]) -> list[Any]:
    """The spans of a document as they go over the wire."""
    request = encode_spans(spans_of(told, SHOP))
    return [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]


def taken(told: dict[str, Any]) -> list[dict[str, Any]]:
    """What X-Ray makes of the spans of a document."""
    (resource,) = encode_spans(spans_of(told, SHOP)).resource_spans
    return [segment(span, XrayResource(resource.resource)) for scope in resource.scope_spans for span in scope.spans]


def test_request_becomes_the_segment_it_was() -> None:
    request = {"method": "GET", "url": "http://shop/p/1", "user_agent": "curl", "client_ip": "192.0.2.1"}
    told = document(
        parent_id="c" * 16,
        http={"request": request, "response": {"status": 404, "content_length": 12}},
        error=True,
        annotations={"http_url": "/p/1", "http_route": "/p/<id>", "http_status": 404, "is_new": True},
        user="jane",
    )
    (found,) = taken(told)

    for member in ("id", "trace_id", "parent_id", "name", "http", "error", "annotations", "user"):
        assert found[member] == told[member]
    assert [found[name] for name in TIMES] == pytest.approx(list(TIMES.values()), abs=1e-6)
    assert "fault" not in found


def test_request_has_the_names_of_the_semantic_conventions() -> None:
    request = {"method": "GET", "url": "https://shop/p/1"}
    annotations = {"http_url": "/p/1", "http_route": "/p/<id>"}
    (span,) = sent(document(http={"request": request, "response": {"status": 200}}, annotations=annotations))

    told = attributes(span)
    assert span.name == "GET /p/<id>"
    assert (told["url.path"], told["url.scheme"], told["http.route"]) == ("/p/1", "https", "/p/<id>")
    assert span.status.code == 0


@pytest.mark.parametrize(
    ("members", "flags"),
    [
        ({"http": {"response": {"status": 500}}, "fault": True}, {"fault"}),
        ({"http": {"response": {"status": 404}}, "error": True}, {"error"}),
        ({"http": {"response": {"status": 429}}, "error": True, "throttle": True}, {"error", "throttle"}),
        ({"fault": True}, {"fault"}),
        ({"http": {"response": {"status": 200}}, "fault": True}, {"fault"}),
        ({}, set()),
    ],
)
@pytest.mark.parametrize("is_remote", [False, True])
def test_flags_come_through(members: dict[str, Any], flags: set[str], is_remote: bool) -> None:
    told = document(subsegments=[{**REMOTE, **members}]) if is_remote else document(**members)
    found = taken(told)[-1]
    assert {flag for flag in ("error", "throttle", "fault") if found.get(flag)} == flags


def test_subsegments_come_through_with_their_parents() -> None:
    inner = {"id": "d" * 16, "name": "postgresql", "namespace": "remote", **TIMES}
    sql = {"database_type": "PostgreSQL", "sanitized_query": "SELECT 1", "user": "shop"}
    outer = {"id": "c" * 16, "name": "price", "subsegments": [{**inner, "sql": sql}], **TIMES}
    redis = {**REMOTE, "metadata": {"redis": {"command": "GET", "keys": 1}}}
    _segment, price, postgresql, cache = taken(document(subsegments=[outer, redis]))

    assert (price["name"], price["parent_id"], "namespace" in price) == ("price", "a" * 16, False)
    assert (postgresql["name"], postgresql["parent_id"], postgresql["namespace"]) == ("postgresql", "c" * 16, "remote")
    assert postgresql["sql"] == sql
    assert (cache["name"], cache["metadata"]["default"]["redis.command"]) == ("redis", "GET")


def test_call_of_aws_keeps_what_it_did() -> None:
    aws = {"operation": "PutItem", "region": "eu-west-1", "request_id": "r", "table_name": "orders"}
    found = taken(document(subsegments=[{**REMOTE, "name": "DynamoDB", "namespace": "aws", "aws": aws}]))[1]
    assert (found["name"], found["namespace"], found["aws"]) == ("DynamoDB", "aws", aws)


def test_part_under_a_span_of_other_code_names_that_as_its_parent() -> None:
    found = taken(document(subsegments=[{**REMOTE, "parent_id": "e" * 16}]))[1]
    assert found["parent_id"] == "e" * 16


def test_part_that_did_not_end_ends_with_the_segment() -> None:
    open_part = {"id": "b" * 16, "name": "thread", "start_time": START, "in_progress": True}
    segment_span, part_span = sent(document(subsegments=[open_part]))
    assert part_span.end_time_unix_nano == segment_span.end_time_unix_nano == 1_800_000_000_750_000_000


def test_subsegment_apart_is_one() -> None:
    (found,) = taken({**REMOTE, "type": "subsegment", "trace_id": TRACE, "parent_id": "a" * 16})
    assert (found["type"], found["parent_id"], found["name"]) == ("subsegment", "a" * 16, "redis")


def test_exceptions_are_events_with_their_stack() -> None:
    stack = [{"path": "inner.py", "line": 2, "label": "f"}, {"path": "outer.py", "line": 9, "label": "g"}]
    thrown = [
        {"id": "1" * 16, "type": "KeyError", "message": "'sku'", "stack": stack},
        {"id": "2" * 16, "type": "OSError"},
    ]
    (span,) = sent(document(fault=True, cause={"working_directory": "/", "exceptions": thrown}))

    first, second = map(attributes, span.events)
    assert [event.name for event in span.events] == ["exception", "exception"]
    assert (first["exception.type"], second["exception.type"]) == ("KeyError", "OSError")
    assert first["exception.stacktrace"].splitlines() == [
        "Traceback (most recent call last):",
        '  File "outer.py", line 9, in g',
        '  File "inner.py", line 2, in f',
        "KeyError: 'sku'",
    ]


def test_what_code_set_on_the_span_is_told_as_it_is() -> None:
    told = document(metadata={"opentelemetry": {"app.tier": "gold"}, "sql": {"rows": 2}, "plain": 1})
    (span,) = sent({**told, EVENTS: [("retry", {"attempt": 2}, 17)], NAME: "checkout"})

    assert (span.name, span.events[0].name, span.events[0].time_unix_nano) == ("checkout", "retry", 17)
    assert attributes(span) == {"app.tier": "gold", "sql.rows": 2, "plain": 1}


def test_rule_that_sampled_is_told() -> None:
    (span,) = sent(document(aws={"xray": {"sampling_rule_name": "shop"}}))
    assert attributes(span) == {"aws.xray.sampling_rule_name": "shop"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
def test_whatever_metadata_holds_can_be_sent(values: dict[str, Any]) -> None:
    (span,) = sent(document(metadata={"any": values}, annotations={"text": "\udc80"}))
    assert set(attributes(span)) == {f"any.{key}" for key in values} | {"text", "aws.xray.annotations"}


class _Mute:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_half_characters_and_values_without_a_text_can_be_sent() -> None:
    request = {"method": "\ud800", "url": "http://shop/\udcff"}
    shop = {"mute": _Mute(), "pairs": {(1, 2): float("nan")}, "bytes": b"\xff", "long": 10**5000}
    odd = {"\ud800": {"\udfff": "\ud800"}, "shop": shop}
    (span,) = sent(document(http={"request": request}, annotations={"http_route": "/\ud800"}, metadata=odd))
    assert span.name == "? /?"
    assert attributes(span)["shop.mute"] == '"<_Mute>"'
    assert attributes(span)["shop.long"] == "<int>"


def test_span_that_would_be_too_large_goes_without_its_metadata() -> None:
    part = {**REMOTE, "metadata": {"body": {"text": "ü" * 100_000}}}
    segment_span, part_span = sent(document(annotations={"currency": "EUR"}, subsegments=[part]))
    told = attributes(part_span)
    assert (told["tracing_trimmed"], told["aws.xray.annotations"]) == ("metadata", ["tracing_trimmed"])
    assert part_span.ByteSize() < 1000
    assert "tracing_trimmed" not in attributes(segment_span)
