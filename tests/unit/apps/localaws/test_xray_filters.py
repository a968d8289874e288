"""X-Ray's filter expressions: which traces each one finds, and that what is not understood finds none but an error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from localaws.xray.documents import Pool, parse
from localaws.xray.filters import FilterError, compile_filter
from localaws.xray.store import Trace
from localaws.xray.view import TraceView

NOW = 1_800_000_000.0
TRACE_ID = f"1-{int(NOW):08x}-{1:024x}"


def view(*documents: dict[str, Any]) -> TraceView:
    trace = Trace(TRACE_ID, int(NOW))
    for number, document in enumerate(documents):
        complete = {"id": f"{number:016x}", "trace_id": TRACE_ID, "start_time": NOW, "end_time": NOW + 0.5, **document}
        trace.put(parse(json.dumps(complete), NOW, Pool())[2])
    return TraceView(trace)


@pytest.fixture
def shop_trace() -> TraceView:
    """A trace over two tiers: the first answers 404 in 0.5 s, the second 200 and ends after 2 s."""
    request = {"method": "GET", "url": "http://shop/cart", "user_agent": 'an "agent"', "client_ip": "10.0.0.1"}
    front = {
        "name": "front",
        "http": {"request": request, "response": {"status": 404}},
        "annotations": {"http_status": 404, "beta": True, "http_url": "/cart", "level.two": "x", "and": 1},
        "user": "ada",
    }
    back = {
        "name": "back",
        "parent_id": "0" * 16,
        "end_time": NOW + 2,
        "http": {"request": {"method": "POST"}, "response": {"status": 200}},
        "subsegments": [{"id": "1", "name": "redis", "namespace": "remote", "start_time": NOW}],
    }
    return view(front, back)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("error", True),
        ("ERROR", True),
        ("ok", False),
        ("fault", False),
        ("throttle", False),
        ("partial", False),
        ("error = true", True),
        ("error = false", False),
        ("fault != true", True),
        ("!fault", True),
        ("NOT fault", True),
        ("NOT NOT error", True),
        ("not (error or fault)", False),
        ("error AND fault", False),
        ("error OR fault", True),
        ("error OR ok AND fault", True),
        ("(error OR ok) AND fault", False),
        ("responsetime >= 0.5", True),
        ("responsetime > 0.5", False),
        ("duration > 1.9 AND duration <= 2", True),
        ("duration < 2", False),
        ("http.status = 404", True),
        ("http.status = 200", True),
        ("http.status = 500", False),
        ("http.status != 404", True),
        ('http.method = "POST"', True),
        ('http.method = "PUT"', False),
        ('http.url = "http://shop/cart"', True),
        ('http.url CONTAINS "cart"', True),
        ('http.url beginswith "http://"', True),
        ('http.url ENDSWITH "/"', False),
        ('http.useragent = "an \\"agent\\""', True),
        ('http.clientip != "10.0.0.1"', False),
        ('user = "ada"', True),
        ('user = "bob"', False),
        ('name = "redis"', True),
        ('service("front")', True),
        ('service("redis")', True),
        ('service("postgresql")', False),
        ("annotation.http_status = 404", True),
        ("annotation[http_status] >= 400", True),
        ("annotation[http_status] < 400", False),
        ('annotation[http_status] = "404"', False),
        ('annotation[http_url] BEGINSWITH "/c"', True),
        ("annotation[http_url]", True),
        ("annotation.http_url", True),
        ("annotation[missing]", False),
        ('annotation[missing] != "x"', False),
        ("annotation[beta] = true", True),
        ("annotation.beta = false", False),
        ("annotation[beta] = 1", False),
        ('annotation[level.two] = "x"', True),
        ('annotation["http_url"] = "/cart"', True),
        ("annotation[and] = 1 AND annotation.and", True),
        ('service("front") AND annotation.http_status = 404 AND NOT fault', True),
    ],
)
def test_filter_finds(shop_trace: TraceView, expression: str, found: bool) -> None:
    assert compile_filter(expression)(shop_trace) is found


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "   ",
        "everything",
        "error error",
        "error AND",
        "AND error",
        "(error",
        "error)",
        "NOT",
        "responsetime",
        "responsetime 5",
        'responsetime > "5"',
        "responsetime CONTAINS 5",
        "http.status = 4x4",
        "http.url = cart",
        'http.url > "a"',
        'http.url = "open',
        "annotation",
        "annotation[",
        "annotation[]",
        "annotation[key",
        "annotation.",
        "annotation[key] =",
        "annotation[key] CONTAINS 5",
        "annotation[key] > true",
        "service(front)",
        'service("front"',
        'service("front") { fault }',
        'edge("front", "back")',
        'group.name = "x"',
        "coverage.responsetime > 1",
        "error = yes",
        "error; ok",
        "\x00",
        "(" * 60 + "ok" + ")" * 60,
        "!" * 5000 + "ok",
    ],
)
def test_what_is_not_understood_is_an_error(expression: str) -> None:
    with pytest.raises(FilterError):
        compile_filter(expression)


def test_number_of_a_segment_in_progress_is_not_compared() -> None:
    unfinished = view({"name": "front", "end_time": None, "in_progress": True})
    assert compile_filter("responsetime < 100 OR duration < 100")(unfinished) is False
