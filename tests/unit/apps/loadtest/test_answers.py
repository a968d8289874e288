"""What counts as an error, what it is called, and which trace it belongs to."""

from __future__ import annotations

import pytest
from loadtest.answers import connection_fault, judge, trace_id
from loadtest.routes import HOME_PAGE, PRODUCTS, Route

_NOT_ASKED_FOR = "not the answer asked for"


@pytest.mark.parametrize(
    ("route", "status", "body", "kind"),
    [
        (PRODUCTS, 200, b'{"data": {"items": []}, "success": true}', None),
        (PRODUCTS, 200, b'{"success": false, "data": {}}', _NOT_ASKED_FOR),
        (PRODUCTS, 200, b'{"success": true}', _NOT_ASKED_FOR),
        (PRODUCTS, 200, b"[1]", _NOT_ASKED_FOR),
        (PRODUCTS, 200, b"", _NOT_ASKED_FOR),
        (PRODUCTS, 200, b"\xff", _NOT_ASKED_FOR),
        (PRODUCTS, 301, b"", None),
        (PRODUCTS, 404, b'{"success": true, "data": {}}', "HTTP 404"),
        (HOME_PAGE, 200, b"<html></HTML>\n", None),
        (HOME_PAGE, 200, b"<html>", _NOT_ASKED_FOR),
        (HOME_PAGE, 503, b"<html></html>", "HTTP 503"),
    ],
)
def test_answer_is_judged_by_status_and_body(route: Route, status: int, body: bytes, kind: str | None) -> None:
    fault = judge(route, status, body).fault
    assert (fault.kind if fault else None) == kind


def test_sample_of_a_bad_answer_is_short_and_in_one_line() -> None:
    fault = judge(PRODUCTS, 500, b"a\nb\xff" * 1000).fault
    assert fault is not None
    assert fault.sample.startswith("500 a b")
    assert len(fault.sample) <= 200


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (ConnectionRefusedError(111, "refused"), "connection refused"),
        (ConnectionResetError(104, "reset"), "connection reset"),
        (TimeoutError("timed out"), "timeout"),
        (OSError("no such host"), "connection failed"),
    ],
)
def test_connection_fault_has_a_kind(reason: BaseException, kind: str) -> None:
    assert connection_fault(reason).kind == kind


@pytest.mark.parametrize(
    ("header", "trace"),
    [
        ("Root=1-65e0-abc;Sampled=1", "1-65e0-abc"),
        ("Sampled=1; Root=1-65e0-abc", "1-65e0-abc"),
        ("Root=1-65e0-abc", "1-65e0-abc"),
        ("Root=1-65e0-abc;Sampled=0", None),
        ("nonsense", None),
        ("", None),
        (None, None),
    ],
)
def test_trace_id_is_that_of_a_stored_trace(header: str | None, trace: str | None) -> None:
    assert trace_id(header) == trace
