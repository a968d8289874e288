"""A request and its response as a segment tells them: the same as JSON that is joined as in a document."""

from __future__ import annotations

import weakref
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tracing.emitter import LateSegment
from tracing.payloads import encode
from tracing.requests import Exchange

_NAMES = (
    "REQUEST_METHOD",
    "wsgi.url_scheme",
    "HTTP_HOST",
    "SERVER_NAME",
    "SCRIPT_NAME",
    "PATH_INFO",
    "HTTP_USER_AGENT",
    "HTTP_X_FORWARDED_FOR",
    "REMOTE_ADDR",
)
_environs = st.dictionaries(st.sampled_from(_NAMES), st.text(max_size=30) | st.none())
_statuses = st.integers(100, 599)
_rules = st.none() | st.text(min_size=1, max_size=10)


def _segment(document: dict[str, Any]) -> LateSegment:
    segment = LateSegment("shop", "1-5759e988-bd862e3fe1be46a994272793")
    segment.document.update(document)
    return segment


@given(_environs, st.none() | st.text(max_size=10), _statuses, st.integers(0, 10**9), _rules)
def test_joined_json_says_what_the_document_would(
    environ: dict[str, Any], route: str | None, status: int, content_length: int, rule: str | None
) -> None:
    exchange = Exchange(environ, route, status, content_length, rule)
    segment = _segment({"subsegments": [{"name": "redis"}]})
    segment.end_exchange(exchange)
    joined = orjson.loads(segment.encoded())
    exchange.tell(segment.document)
    assert joined == orjson.loads(encode(segment.document))


@pytest.mark.parametrize(
    "noted",
    [
        {"annotations": {"basket": 3}},
        {"http": {"request": {"traced": True}}},
        {"aws": {"ec2": {"instance_id": "i-1"}}},
    ],
    ids=["annotations", "http", "aws"],
)
def test_what_was_noted_meanwhile_is_told_once(noted: dict[str, Any]) -> None:
    segment = _segment(noted)
    segment.end_exchange(Exchange({"REQUEST_METHOD": "GET", "PATH_INFO": "/cart"}, "/cart", 200, 2, "rule"))
    payload = segment.encoded()
    assert [payload.count(b'"%b":' % name) for name in (b"annotations", b"http", b"aws")] == [1, 1, 1]
    told = orjson.loads(payload)
    assert told["annotations"] == noted.get("annotations", {}) | {
        "http_method": "GET",
        "http_url": "/cart",
        "http_status": 200,
        "http_route": "/cart",
    }
    assert told["aws"] == noted.get("aws", {}) | {"xray": {"sampling_rule_name": "rule"}}


def test_failed_request_is_flagged_once() -> None:
    segment = _segment({"fault": True})
    segment.end_exchange(Exchange({}, None, 503, 0))
    assert segment.encoded().count(b'"fault":true') == 1


def test_environ_is_not_held() -> None:
    class _Environ(dict[str, Any]):
        """A dictionary that one can refer to weakly."""

    environ = _Environ(PATH_INFO="/cart")
    seen = weakref.ref(environ)
    exchange = Exchange(environ, None, 200, 2)
    del environ
    assert seen() is None
    assert b"/cart" in exchange.joined(b'{"id":""}')
