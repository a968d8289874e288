"""X-Ray's reading side: windows, pages, batches, and retrievals from CloudWatch Logs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.traces import (
    XRay,
    began_at,
    parse_trace_id,
    skim_summaries,
)
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def summary(number: int) -> dict[str, Any]:
    return {"Id": f"1-697dcd08-{number:024x}", "ResponseTime": 0.1}


class _PagedClient:
    """X-Ray's side of three pages, each asked for with the token before."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def get_trace_summaries(self, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        assert aws_retry
        self.asked.append(parameters)
        page = int(parameters.get("NextToken", "0"))
        token = {"NextToken": str(page + 1)} if page < 2 else {}
        return {"TraceSummaries": [summary(3 * page + position) for position in range(3)], **token}

    def batch_get_traces(self, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        self.asked.append(parameters)
        late = '{"id": "b", "start_time": 2.0}'
        early = '{"id": "a", "start_time": 1.0}'
        first = "NextToken" not in parameters
        traces = [{"Id": name, "Segments": [{"Document": late if first else early}]} for name in parameters["TraceIds"]]
        return {"Traces": traces, **({"NextToken": "1"} if first else {})}


def test_pages_and_windows_are_walked_with_the_same_question() -> None:
    client = _PagedClient()
    found = list(XRay(client).summaries(START, START + timedelta(hours=7), "fault = true"))
    assert len(found) == 18
    assert [asked.get("NextToken") for asked in client.asked] == [None, "1", "2"] * 2
    assert {asked["FilterExpression"] for asked in client.asked} == {"fault = true"}
    assert [asked["StartTime"] for asked in client.asked] == [START + timedelta(hours=6)] * 3 + [START] * 3


def test_whole_traces_come_five_ids_a_call_and_join_over_pages() -> None:
    client = _PagedClient()
    documents = XRay(client).whole([f"trace-{number}" for number in range(7)], 0).segments
    assert [len(asked["TraceIds"]) for asked in client.asked] == [5, 5, 2, 2]
    assert documents["trace-6"] == [{"id": "a", "start_time": 1.0}, {"id": "b", "start_time": 2.0}]


class _OldClient:
    """X-Ray's side of a botocore that does not know where else segments can be."""

    def batch_get_traces(self, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        return {"Traces": [], "UnprocessedTraceIds": parameters["TraceIds"]}


def test_an_old_botocore_finds_what_xray_itself_has() -> None:
    assert XRay(_OldClient()).whole([summary(1)["Id"]], 60) == ({}, None)


class _Logs:
    """X-Ray whose segments go to CloudWatch Logs; a retrieval is at each of these statuses in turn."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.started: list[dict[str, Any]] = []

    def batch_get_traces(self, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        return {"Traces": [], "UnprocessedTraceIds": parameters["TraceIds"]}

    def get_trace_segment_destination(self, aws_retry: bool) -> dict[str, Any]:
        return {"Destination": "CloudWatchLogs", "Status": "ACTIVE"}

    def start_trace_retrieval(self, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        self.started.append(parameters)
        return {"RetrievalToken": str(len(self.started))}

    def list_retrieved_traces(self, aws_retry: bool, RetrievalToken: str, **parameters: Any) -> dict[str, Any]:
        if "TraceFormat" not in parameters:
            return {"RetrievalStatus": self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]}
        ids = self.started[int(RetrievalToken) - 1]["TraceIds"]
        page = int(parameters.get("NextToken", 0))
        spans = [{"Id": f"{page}", "Document": json.dumps({"id": f"{page}", "start_time": -page})}]
        token = {"NextToken": "1"} if page == 0 else {}
        return {"RetrievalStatus": "COMPLETE", "Traces": [{"Id": name, "Spans": spans} for name in ids[1:]], **token}

    def get_retrieved_traces_graph(self, aws_retry: bool, RetrievalToken: str) -> dict[str, Any]:
        return {"RetrievalStatus": "COMPLETE", "Services": [{"Service": {"ReferenceId": 0, "Name": "shop"}}]}


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def stopwatch(self) -> Stopwatch:
        return Stopwatch(lambda: self.now, self.sleep)


def test_what_xray_does_not_have_is_retrieved_from_the_logs() -> None:
    client, clock = _Logs("SCHEDULED", "RUNNING", "COMPLETE"), _Clock()
    ids = [summary(number)["Id"] for number in range(102)]
    found = XRay(client, clock.stopwatch()).whole(ids, 60)
    assert [len(started["TraceIds"]) for started in client.started] == [100, 2]
    assert client.started[0]["StartTime"] == began_at(ids[0])
    assert len(found.segments) == 100
    assert [part["id"] for part in found.segments[ids[101]]] == ["1", "0"]
    assert found.retrieved_graph == [{"ReferenceId": 0, "Name": "shop"}] * 2
    assert clock.now == 1.25


@pytest.mark.parametrize(("status", "seconds"), [("FAILED", 0), ("TIMEOUT", 0), ("RUNNING", 60)])
def test_retrieval_that_does_not_complete_fails(status: str, seconds: float) -> None:
    clock = _Clock()
    with pytest.raises(DeepobsError, match=f"1 traces is {status}.*retrieval_timeout"):
        XRay(_Logs(status), clock.stopwatch()).whole([summary(1)["Id"]], 60)
    assert seconds - 5 <= clock.now <= seconds


def test_trace_ids_may_be_written_as_by_opentelemetry() -> None:
    wanted = "1-697dcd08-3f1a0b2c4d5e6f708192a3b4"
    assert parse_trace_id("697dcd083f1a0b2c4d5e6f708192a3b4") == parse_trace_id(wanted) == wanted
    assert began_at(wanted) == datetime.fromtimestamp(0x697DCD08, UTC)


@pytest.mark.parametrize("text", ["", "1-697dcd08", "1-697dcd08-3F1A0B2C4D5E6F708192A3B4", "697dcd08"])
def test_what_is_no_trace_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"trace_ids: .*write it like 1-697dcd08"):
        parse_trace_id(text)


class _Skimmed:
    """A client whose answers go by what is registered for them, as botocore's do."""

    def __init__(self) -> None:
        self.meta = self.events = self
        self.handlers: dict[str, Callable[..., None]] = {}
        skim_summaries(self)

    def register(self, event: str, handler: Callable[..., None]) -> None:
        self.handlers[event] = handler

    def body(self, status_code: int, body: bytes) -> bytes:
        answer = {"status_code": status_code, "body": body}
        self.handlers["before-parse.xray.GetTraceSummaries"](response_dict=answer, operation_model=None)
        assert isinstance(answer["body"], bytes)
        return answer["body"]


def test_summaries_are_skimmed_of_what_is_not_needed() -> None:
    needed = {
        "Id": "1-0",
        "StartTime": 1769860360.5,
        "ResponseTime": 0.1,
        "Http": {"HttpStatus": 200},
        "HasFault": True,
    }
    told = {"TraceSummaries": [{**needed, "Annotations": {"a": []}, "ServiceIds": []}], "NextToken": "more"}
    skimmed = json.loads(_Skimmed().body(200, json.dumps(told).encode()))
    assert skimmed == {"TraceSummaries": [needed], "NextToken": "more"}
    assert json.loads(_Skimmed().body(200, b"{}")) == {"TraceSummaries": []}


@pytest.mark.parametrize(("status", "body"), [(400, b'{"Message": "no"}'), (200, b"<html>a proxy</html>")])
def test_other_answers_stay_as_they_are(status: int, body: bytes) -> None:
    assert _Skimmed().body(status, body) == body
