"""X-Ray's segments, summaries, whole traces and service graph, through its operations."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from localaws.service import ServiceError
from support.xray import NOW, Call, Clock, graph, moment, put, remote, segment, trace_id, xray_caller, xray_service


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
        ({**segment(), "start_time": 1e300}, "InvalidStartTime"),
        ({**segment(), "start_time": -1}, "InvalidStartTime"),
        (segment(end_time="later"), "InvalidEndTime"),
        (segment(end_time=2**63), "InvalidEndTime"),
        (segment(subsegments=[remote(end_time=1e300)]), "InvalidSubsegments"),
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
        "FaultRootCauses": [
            {
                "Services": [
                    {
                        **frontend,
                        "EntityPath": [{"Name": "ecommerce-frontend", "Exceptions": [], "Remote": False}],
                        "Inferred": False,
                    }
                ],
                "ClientImpacting": False,
            }
        ],
        "Revision": 2,
        "MatchedEventTime": moment(NOW),
    }


def test_summary_tells_the_way_to_the_root_cause(call: Call) -> None:
    cause = {"exceptions": [{"type": "Refused", "message": "no room"}, "odd", {"type": 5}]}
    query = remote(name="postgresql", sql={}, error=True, cause=cause)
    back = segment(id="00000000000000c1", name="back", parent_id="00000000000000b2", error=True, subsegments=[query])
    put(call, segment(error=True, subsegments=[remote(id="00000000000000b2", name="back", error=True)]), back)
    (summary,) = summaries(call)
    (told,) = summary["ErrorRootCauses"]
    services = [(service["Name"], service.get("Type"), service["Inferred"]) for service in told["Services"]]
    assert services == [
        ("ecommerce-frontend", None, False),
        ("back", None, False),
        ("postgresql", "Database::SQL", True),
    ]
    entities = [(entity["Name"], entity["Remote"]) for entity in told["Services"][0]["EntityPath"]]
    assert entities == [("ecommerce-frontend", False), ("back", True)]
    thrown = told["Services"][2]["EntityPath"][0]["Exceptions"]
    assert thrown == [{"Name": "Refused", "Message": "no room"}, {"Name": "", "Message": ""}]
    assert "FaultRootCauses" not in summary


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


@pytest.mark.parametrize(
    ("strategy", "found"),
    [
        ({"Name": "PartialScan", "Value": 0.5}, range(50, 100)),
        ({"Name": "PartialScan", "Value": 0.0}, range(0)),
        ({"Name": "FixedRate", "Value": 1.0}, range(100)),
        ({"Name": "FixedRate", "Value": 0.0}, range(0)),
    ],
)
def test_sampling_strategy_leaves_traces_out(call: Call, strategy: dict[str, Any], found: range) -> None:
    put(call, *(segment(trace_id=trace_id(n, NOW - 100 + n)) for n in range(100)))
    got = summaries(call, StartTime=moment(NOW - 100), SamplingStrategy=strategy)
    assert {summary["Id"] for summary in got} == {trace_id(n, NOW - 100 + n) for n in found}


def test_fixed_rate_takes_the_same_share_each_time(call: Call) -> None:
    put(call, *(segment(trace_id=trace_id(n)) for n in range(1000)))
    first, second = (summaries(call, SamplingStrategy={"Name": "FixedRate", "Value": 0.3}) for _ in range(2))
    assert first == second
    assert 200 < len(first) < 400


@pytest.mark.parametrize("strategy", [{}, {"Name": "FixedRate"}, {"Name": "PartialScan", "Value": 1.1}])
def test_wrong_sampling_strategy_is_refused(call: Call, strategy: dict[str, Any]) -> None:
    with pytest.raises(ServiceError, match="InvalidRequestException: SamplingStrategy"):
        summaries(call, SamplingStrategy=strategy)


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


def test_unknown_group_is_refused(call: Call) -> None:
    with pytest.raises(ServiceError, match="The group mine does not exist"):
        call("GetServiceGraph", StartTime=moment(NOW - 60), EndTime=moment(NOW), GroupName="mine")


def test_regions_are_apart(call: Call) -> None:
    put(call, segment())
    assert summaries(call, region="us-east-1") == []


def test_segments_have_their_destination_and_encryption(call: Call) -> None:
    assert call("GetTraceSegmentDestination") == {"Destination": "XRay", "Status": "ACTIVE"}
    assert call("GetEncryptionConfig") == {"EncryptionConfig": {"Status": "ACTIVE", "Type": "NONE"}}


def test_origin_that_is_no_text_is_no_type(call: Call) -> None:
    put(call, segment(origin=5, fault=True))
    (cause,) = summaries(call)[0]["FaultRootCauses"]
    assert "Type" not in cause["Services"][0]
