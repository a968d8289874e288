"""X-Ray's segments, summaries, whole traces and service graph, through its operations."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from localaws.service import ServiceError
from support.xray import NOW, Call, Clock, moment, put, remote, segment, trace_id, xray_caller, xray_service


@pytest.fixture
def call() -> Call:
    """Calls one operation of an X-Ray that holds nothing."""
    return xray_caller(xray_service(Clock()))


def summaries(call: Call, **parameters: Any) -> list[dict[str, Any]]:
    window = {"StartTime": moment(NOW - 3600), "EndTime": moment(NOW)}
    found: list[dict[str, Any]] = []
    while True:
        page = call("GetTraceSummaries", **{**window, **parameters})
        found += page["TraceSummaries"]
        if "NextToken" not in page:
            return found
        parameters["NextToken"] = page["NextToken"]


def graph(call: Call) -> tuple[dict[tuple[str, str | None], dict[str, Any]], dict[tuple[str, str], dict[str, Any]]]:
    """The services by name and type, and the edges by "type:name" of their ends."""
    services = call("GetServiceGraph", StartTime=moment(NOW - 3600), EndTime=moment(NOW))["Services"]
    names = {s["ReferenceId"]: s["Name"] if s.get("Type") != "client" else "client" for s in services}
    edges = {
        (names[service["ReferenceId"]], names[edge["ReferenceId"]]): edge
        for service in services
        for edge in service["Edges"]
    }
    return {(s["Name"], s.get("Type")): s for s in services}, edges


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("no JSON", "ParseError"),
        ("[]", "MissingId"),
        ({"name": "x"}, "MissingId"),
        (segment(id="xyz"), "InvalidId"),
        (segment(id=7), "InvalidId"),
        (segment(trace_id=None), "MissingTraceId"),
        (segment(trace_id="1-x-y"), "InvalidTraceId"),
        (segment(trace_id=trace_id(second=NOW - 31 * 24 * 3600)), "InvalidTraceId"),
        (segment(trace_id=trace_id(second=NOW + 3600)), "InvalidTraceId"),
        (segment(name=None), "MissingName"),
        (segment(name="a" * 201), "InvalidName"),
        (segment(name="what?"), "InvalidName"),
        (segment(parent_id="?"), "InvalidParentId"),
        (segment(type="subsegment"), "MissingParentId"),
        ({**segment(), "start_time": None}, "MissingStartTime"),
        ({**segment(), "start_time": "today"}, "InvalidStartTime"),
        ({**segment(), "start_time": True}, "InvalidStartTime"),
        (segment(end_time=None), "MissingEndTime"),
        (segment(end_time="later"), "InvalidEndTime"),
        (segment(subsegments={}), "InvalidSubsegments"),
        (segment(subsegments=[1]), "InvalidSubsegments"),
        (segment(subsegments=[remote(subsegments=[{"id": []}])]), "InvalidSubsegments"),
        (segment(metadata="x" * 65_536), "SegmentTooLarge"),
        (segment(name="\ud800"), "ParseError"),
    ],
)
def test_malformed_segment_is_refused_with_its_code(call: Call, document: dict[str, Any] | str, code: str) -> None:
    unprocessed = put(call, segment(id="00000000000000ff"), document)
    assert [entry["ErrorCode"] for entry in unprocessed] == [code]
    assert unprocessed[0]["Message"] == f"Invalid segment. ErrorCode: {code}"
    assert [len(summaries(call)), summaries(call)[0]["Revision"]] == [1, 1]


def test_refused_segment_is_named_where_it_has_an_id(call: Call) -> None:
    assert put(call, segment(name=None))[0]["Id"] == "00000000000000a1"


def test_summary_tells_what_the_segments_say(call: Call) -> None:
    request = {"method": "GET", "url": "http://shop/products", "user_agent": "locust", "client_ip": "10.0.0.1"}
    front = segment(
        http={"request": request, "response": {"status": 503}},
        annotations={"http_status": 503, "beta": True, "bad key": "left out", "none": None},
        user="ada",
        subsegments=[remote(id="00000000000000b2", name="ecommerce-backend")],
    )
    back = segment(
        id="00000000000000c1",
        name="ecommerce-backend",
        parent_id="00000000000000b2",
        start_time=NOW - 59.9,
        annotations={"http_status": 200},
        subsegments=[remote(annotations={"hit": "yes"})],
    )
    assert put(call, back, front) == []
    (summary,) = summaries(call)
    frontend = {"Name": "ecommerce-frontend", "Names": ["ecommerce-frontend"], "AccountId": "123456789012"}
    backend = {"Name": "ecommerce-backend", "Names": ["ecommerce-backend"], "AccountId": "123456789012"}
    redis = {"Name": "redis", "Names": ["redis"], "AccountId": "123456789012", "Type": "remote"}
    assert summary == {
        "Id": trace_id(),
        "StartTime": moment(NOW - 60),
        "Duration": 0.35,
        "ResponseTime": 0.25,
        "HasFault": True,
        "HasError": False,
        "HasThrottle": False,
        "IsPartial": False,
        "Http": {
            "HttpURL": "http://shop/products",
            "HttpStatus": 503,
            "HttpMethod": "GET",
            "UserAgent": "locust",
            "ClientIp": "10.0.0.1",
        },
        "Annotations": {
            "http_status": [
                {"AnnotationValue": {"NumberValue": 200}, "ServiceIds": [backend]},
                {"AnnotationValue": {"NumberValue": 503}, "ServiceIds": [frontend]},
            ],
            "hit": [{"AnnotationValue": {"StringValue": "yes"}, "ServiceIds": [backend]}],
            "beta": [{"AnnotationValue": {"BooleanValue": True}, "ServiceIds": [frontend]}],
        },
        "Users": [{"UserName": "ada", "ServiceIds": [frontend]}],
        "ServiceIds": [backend, frontend, redis],
        "EntryPoint": frontend,
        "Revision": 2,
        "MatchedEventTime": moment(NOW),
    }


@pytest.mark.parametrize(
    ("members", "flags"),
    [
        ({}, (False, False, False)),
        ({"error": True}, (False, True, False)),
        ({"throttle": True}, (False, True, True)),
        ({"fault": True}, (True, False, False)),
        ({"http": {"response": {"status": 404}}}, (False, True, False)),
        ({"http": {"response": {"status": 429}}}, (False, True, True)),
        ({"http": {"response": {"status": 500}}}, (True, False, False)),
        ({"http": {"response": {"status": "odd"}}}, (False, False, False)),
    ],
)
def test_outcome_comes_from_flags_or_status(call: Call, members: dict[str, Any], flags: tuple[bool, ...]) -> None:
    put(call, segment(**members))
    (summary,) = summaries(call)
    assert (summary["HasFault"], summary["HasError"], summary["HasThrottle"]) == flags


def test_segment_in_progress_is_partial_until_it_comes_again(call: Call) -> None:
    put(call, segment(end_time=None, in_progress=True))
    (partial,) = summaries(call)
    assert (partial["IsPartial"], "Duration" in partial, "ResponseTime" in partial) == (True, False, False)
    put(call, segment())
    (whole,) = summaries(call)
    assert (whole["IsPartial"], whole["Duration"], whole["Revision"]) == (False, 0.25, 1)


def test_summaries_are_paged_newest_first_while_new_traces_come(call: Call) -> None:
    put(call, *(segment(trace_id=trace_id(n, NOW - 1000 + n // 3)) for n in range(500)))
    window = {"StartTime": moment(NOW - 3600), "EndTime": moment(NOW)}
    first = call("GetTraceSummaries", **window)
    put(call, *(segment(trace_id=trace_id(n, NOW - 1000 + n // 3)) for n in range(500, 600)))
    rest = summaries(call, NextToken=first["NextToken"])
    ids = [summary["Id"] for summary in [*first["TraceSummaries"], *rest]]
    assert ids == [trace_id(n, NOW - 1000 + n // 3) for n in reversed(range(500))]


def test_filtered_pages_may_be_empty_but_go_on(call: Call) -> None:
    put(call, segment(trace_id=trace_id(0, NOW - 500), user="ada"))
    put(call, *(segment(trace_id=trace_id(n, NOW - 60)) for n in range(1, 2501)))
    window = {"StartTime": moment(NOW - 3600), "EndTime": moment(NOW), "FilterExpression": 'user = "ada"'}
    first = call("GetTraceSummaries", **window)
    assert (first["TraceSummaries"], first["TracesProcessedCount"]) == ([], 2000)
    assert [s["Id"] for s in summaries(call, **window)] == [trace_id(0, NOW - 500)]


@pytest.mark.parametrize("token", ["", "x", "AAAA", "é", "QUJD" * 20])
def test_foreign_token_is_refused(call: Call, token: str) -> None:
    with pytest.raises(ServiceError, match="InvalidRequestException: NextToken is not valid"):
        summaries(call, NextToken=token)


def test_token_of_another_query_is_refused(call: Call) -> None:
    put(call, *(segment(trace_id=trace_id(n)) for n in range(300)))
    window = {"StartTime": moment(NOW - 3600), "EndTime": moment(NOW)}
    token = call("GetTraceSummaries", **window)["NextToken"]
    with pytest.raises(ServiceError, match="NextToken is not valid"):
        summaries(call, NextToken=token, FilterExpression="ok")


@pytest.mark.parametrize("operation", ["GetTraceSummaries", "GetServiceGraph"])
@pytest.mark.parametrize(
    ("length", "message"),
    [(timedelta(hours=6, seconds=1), "longer than 6 hours"), (timedelta(seconds=-1), "must not be before")],
)
def test_window_is_checked(call: Call, operation: str, length: timedelta, message: str) -> None:
    start = moment(NOW - 3600)
    with pytest.raises(ServiceError, match=f"InvalidRequestException.*{message}"):
        call(operation, StartTime=start, EndTime=start + length)


@pytest.mark.parametrize(
    ("kind", "start", "end", "found"),
    [
        ("TraceId", NOW - 60, NOW - 60, True),
        ("TraceId", NOW - 59, NOW, False),
        ("Service", NOW - 59, NOW - 50, False),
        ("Service", NOW - 40, NOW - 40, True),
        ("Event", NOW - 1, NOW, True),
        ("Event", NOW - 60, NOW - 1, False),
    ],
)
def test_window_is_of_ids_or_ends_or_arrivals(call: Call, kind: str, start: float, end: float, found: bool) -> None:
    put(call, segment(end_time=NOW - 39.5))
    got = summaries(call, StartTime=moment(start), EndTime=moment(end), TimeRangeType=kind)
    assert bool(got) is found


def test_batch_get_traces_returns_the_documents_as_sent(call: Call) -> None:
    sent = segment(metadata={"ü": [1, None]})
    put(call, sent)
    answer = call("BatchGetTraces", TraceIds=[trace_id(), trace_id(9)])
    assert answer["UnprocessedTraceIds"] == [trace_id(9)]
    (trace,) = answer["Traces"]
    assert (trace["Id"], trace["Duration"], trace["LimitExceeded"]) == (trace_id(), 0.25, False)
    assert [(s["Id"], json.loads(s["Document"])) for s in trace["Segments"]] == [(sent["id"], sent)]


def test_subsegment_sent_apart_is_put_back(call: Call) -> None:
    part = {**remote(), "trace_id": trace_id(), "type": "subsegment", "parent_id": "00000000000000a1"}
    put(call, part, segment())
    (trace,) = call("BatchGetTraces", TraceIds=[trace_id()])["Traces"]
    (document,) = [json.loads(s["Document"]) for s in trace["Segments"]]
    assert document == {**segment(), "subsegments": [part]}
    _, edges = graph(call)
    assert set(edges) == {("client", "ecommerce-frontend"), ("ecommerce-frontend", "redis")}


@pytest.mark.parametrize("count", [0, 6])
def test_batch_get_traces_takes_at_most_five_ids(call: Call, count: int) -> None:
    with pytest.raises(ServiceError, match="InvalidRequestException"):
        call("BatchGetTraces", TraceIds=[trace_id(n) for n in range(count)])


def test_trace_beyond_its_size_says_so(call: Call) -> None:
    parts = [segment(id=f"{n:016x}", metadata={"x": "y" * 60_000}) for n in range(12)]
    assert put(call, *parts) == []
    (trace,) = call("BatchGetTraces", TraceIds=[trace_id()])["Traces"]
    assert trace["LimitExceeded"]
    assert len(trace["Segments"]) == 8


def test_graph_joins_tiers_and_infers_remote_nodes(call: Call) -> None:
    call_of_backend = remote(id="00000000000000b2", name="ecommerce-backend", start_time=NOW - 60, end_time=NOW - 59.8)
    front = segment(
        subsegments=[{"id": "0b", "name": "render", "start_time": NOW - 60, "subsegments": [call_of_backend]}]
    )
    back = segment(
        id="00000000000000c1",
        name="ecommerce-backend",
        parent_id="00000000000000b2",
        fault=True,
        subsegments=[
            remote(),
            remote(id="00000000000000b3", name="postgresql", sql={"sanitized_query": "SELECT 1"}, error=True),
            remote(id="00000000000000b4", name="DynamoDB", namespace="aws", throttle=True),
        ],
    )
    put(call, front, back)
    nodes, edges = graph(call)
    assert set(nodes) == {
        ("ecommerce-frontend", "client"),
        ("ecommerce-frontend", None),
        ("ecommerce-backend", None),
        ("redis", "remote"),
        ("postgresql", "Database::SQL"),
        ("DynamoDB", "AWS::DynamoDB"),
    }
    assert set(edges) == {
        ("client", "ecommerce-frontend"),
        ("ecommerce-frontend", "ecommerce-backend"),
        ("ecommerce-backend", "redis"),
        ("ecommerce-backend", "postgresql"),
        ("ecommerce-backend", "DynamoDB"),
    }
    assert [key for key, node in nodes.items() if node["Root"]] == [("ecommerce-frontend", None)]
    assert edges["ecommerce-frontend", "ecommerce-backend"]["ResponseTimeHistogram"] == [{"Value": 0.2, "Count": 1}]
    assert nodes["ecommerce-backend", None]["SummaryStatistics"] == {
        "OkCount": 0,
        "ErrorStatistics": {"ThrottleCount": 0, "OtherCount": 0, "TotalCount": 0},
        "FaultStatistics": {"OtherCount": 1, "TotalCount": 1},
        "TotalCount": 1,
        "TotalResponseTime": 0.25,
    }
    errors = {
        name: edges["ecommerce-backend", name]["SummaryStatistics"]["ErrorStatistics"]
        for _, name in edges
        if name in ("DynamoDB", "postgresql")
    }
    assert errors["postgresql"] == {"ThrottleCount": 0, "OtherCount": 1, "TotalCount": 1}
    assert errors["DynamoDB"] == {"ThrottleCount": 1, "OtherCount": 0, "TotalCount": 1}


def test_graph_counts_over_traces(call: Call) -> None:
    for number, seconds in enumerate([0.1, 0.1, 0.3]):
        put(call, segment(trace_id=trace_id(number), end_time=NOW - 60 + seconds))
    nodes, edges = graph(call)
    node = nodes["ecommerce-frontend", None]
    assert (
        node["SummaryStatistics"]["TotalCount"]
        == edges["client", "ecommerce-frontend"]["SummaryStatistics"]["OkCount"]
        == 3
    )
    assert node["ResponseTimeHistogram"] == [{"Value": 0.1, "Count": 2}, {"Value": 0.3, "Count": 1}]
    assert (node["StartTime"], node["EndTime"]) == (moment(NOW - 60), moment(NOW - 59.7))


def test_graph_joins_a_segment_called_from_a_local_subsegment(call: Call) -> None:
    local = {"id": "0b", "name": "work", "start_time": NOW - 60, "end_time": NOW - 59}
    local["id"] = "00000000000000b7"
    put(call, segment(subsegments=[local]), segment(id="00000000000000c1", name="worker", parent_id="00000000000000b7"))
    _, edges = graph(call)
    assert set(edges) == {("client", "ecommerce-frontend"), ("ecommerce-frontend", "worker")}


def test_graph_has_services_in_progress_and_leaves_lost_callers_out(call: Call) -> None:
    orphan = {**remote(), "trace_id": trace_id(2), "type": "subsegment", "parent_id": "00000000000000ee"}
    put(
        call,
        segment(end_time=None, in_progress=True),
        orphan,
        segment(trace_id=trace_id(3), parent_id="00000000000000ee"),
    )
    nodes, edges = graph(call)
    assert edges == {}
    assert nodes["ecommerce-frontend", None]["SummaryStatistics"]["TotalCount"] == 1
    assert not any(node["Root"] for node in nodes.values())


def test_unknown_group_is_refused(call: Call) -> None:
    with pytest.raises(ServiceError, match="The group mine does not exist"):
        call("GetServiceGraph", StartTime=moment(NOW - 60), EndTime=moment(NOW), GroupName="mine")


def test_regions_are_apart(call: Call) -> None:
    put(call, segment())
    assert summaries(call, region="us-east-1") == []


def test_segments_have_their_destination_and_encryption(call: Call) -> None:
    assert call("GetTraceSegmentDestination") == {"Destination": "XRay", "Status": "ACTIVE"}
    assert call("GetEncryptionConfig") == {"EncryptionConfig": {"Status": "ACTIVE", "Type": "NONE"}}
