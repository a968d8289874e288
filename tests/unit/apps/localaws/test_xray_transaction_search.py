"""X-Ray with Transaction Search: the destination, what is indexed, and retrievals of whole traces."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from localaws.service import ServiceError
from support.aws_errors import refused
from support.xray import NOW, Call, Clock, moment, put, remote, segment, trace_id, window, xray_caller, xray_service


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def call(clock: Clock) -> Call:
    return xray_caller(xray_service(clock))


@pytest.fixture
def searched(call: Call, clock: Clock) -> Call:
    """An X-Ray whose segments go to the log group of spans, every one of them indexed."""
    call("UpdateTraceSegmentDestination", Destination="CloudWatchLogs")
    clock.now += 1
    index(call, 100)
    return call


def index(call: Call, percentage: float) -> None:
    rule = {"Probabilistic": {"DesiredSamplingPercentage": percentage}}
    call("UpdateIndexingRule", Name="Default", Rule=rule)


def retrieve(call: Call, *ids: str, **parameters: Any) -> str:
    token: str = call("StartTraceRetrieval", TraceIds=list(ids), **{**window(), **parameters})["RetrievalToken"]
    return token


def test_change_of_the_destination_takes_its_time(call: Call, clock: Clock) -> None:
    assert call("GetTraceSegmentDestination") == {"Destination": "XRay", "Status": "ACTIVE"}
    pending = {"Destination": "CloudWatchLogs", "Status": "PENDING"}
    assert call("UpdateTraceSegmentDestination", Destination="CloudWatchLogs") == pending
    assert call("GetTraceSegmentDestination") == pending
    with pytest.raises(ServiceError, match="not allowed while the current status is PENDING"):
        call("UpdateTraceSegmentDestination", Destination="XRay")
    clock.now += 1
    assert call("GetTraceSegmentDestination") == {**pending, "Status": "ACTIVE"}
    with pytest.raises(ServiceError, match="InvalidRequestException: The destination is CloudWatchLogs already"):
        call("UpdateTraceSegmentDestination", Destination="CloudWatchLogs")


def test_destination_wants_a_resource_policy(clock: Clock) -> None:
    call = xray_caller(xray_service(clock, may_write_spans=False))
    with pytest.raises(ServiceError, match="AccessDeniedException: XRay does not have permission to call PutLogEvents"):
        call("UpdateTraceSegmentDestination", Destination="CloudWatchLogs")
    assert call("GetTraceSegmentDestination")["Destination"] == "XRay"


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({}, True),
        ({"Principal": {"Service": "logs.amazonaws.com"}}, False),
        ({"Action": "logs:CreateLogStream"}, False),
        ({"Action": ["logs:Put*"]}, True),
        ({"Resource": "arn:aws:logs:eu-west-1:123456789012:log-group:other:*"}, False),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "210987654321"}}}, False),
        ({"Effect": "Deny"}, False),
    ],
)
def test_resource_policy_is_read_from_cloudwatch_logs(
    clients: Callable[..., Any], change: dict[str, Any], allowed: bool
) -> None:
    logs, xray = clients("logs"), clients("xray")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "xray.amazonaws.com"},
        "Action": "logs:PutLogEvents",
        "Resource": ["arn:aws:logs:eu-west-1:123456789012:log-group:aws/spans:*"],
        "Condition": {
            "ArnLike": {"aws:SourceArn": "arn:aws:xray:eu-west-1:123456789012:*"},
            "StringEquals": {"aws:SourceAccount": "123456789012"},
        },
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **change}]})
    logs.put_resource_policy(policyName="spans", policyDocument=document)
    if not allowed:
        with refused("AccessDeniedException", 403, "PutLogEvents on the aws/spans Log Group"):
            xray.update_trace_segment_destination(Destination="CloudWatchLogs")
        return
    if xray.get_trace_segment_destination()["Destination"] == "XRay":
        assert xray.update_trace_segment_destination(Destination="CloudWatchLogs")["Status"] == "PENDING"
        until(lambda: xray.get_trace_segment_destination()["Status"] == "ACTIVE")
    assert xray.update_trace_segment_destination(Destination="XRay")["Status"] == "PENDING"
    until(lambda: xray.get_trace_segment_destination()["Status"] == "ACTIVE")


def until(holds: Callable[[], bool]) -> None:
    end = datetime.now(UTC) + timedelta(seconds=10)
    while not holds():
        assert datetime.now(UTC) < end


def test_segments_go_to_the_logs_once_the_change_is_active(call: Call, clock: Clock) -> None:
    call("UpdateTraceSegmentDestination", Destination="CloudWatchLogs")
    put(call, segment())
    clock.now += 1
    put(call, segment(trace_id=trace_id(2)))
    answer = call("BatchGetTraces", TraceIds=[trace_id(), trace_id(2)])
    assert [trace["Id"] for trace in answer["Traces"]] == [trace_id()]
    assert answer["UnprocessedTraceIds"] == [trace_id(2)]


def test_one_percent_is_indexed_until_the_rule_says_more(searched: Call) -> None:
    index(searched, 1)
    put(searched, *(segment(trace_id=trace_id(number)) for number in range(2000)))
    found = searched("GetTraceSummaries", **window())["TraceSummaries"]
    assert 5 < len(found) < 40
    index(searched, 50)
    put(searched, *(segment(trace_id=trace_id(number, NOW - 7200)) for number in range(200)))
    later = {"StartTime": moment(NOW - 7200), "EndTime": moment(NOW - 7200)}
    assert 60 < len(searched("GetTraceSummaries", **later)["TraceSummaries"]) < 140


def test_same_traces_are_indexed_by_every_account(clock: Clock) -> None:
    found = []
    for _unused in range(2):
        call = xray_caller(xray_service(clock))
        call("UpdateTraceSegmentDestination", Destination="CloudWatchLogs")
        clock.now += 1
        put(call, *(segment(trace_id=trace_id(number)) for number in range(2000)))
        found.append({summary["Id"] for summary in call("GetTraceSummaries", **window())["TraceSummaries"]})
    assert found[0] == found[1] != set()


def test_indexing_rule_tells_its_percentage(call: Call, clock: Clock) -> None:
    (rule,) = call("GetIndexingRules")["IndexingRules"]
    percentages = {"DesiredSamplingPercentage": 1.0, "ActualSamplingPercentage": 1.0}
    assert rule == {"Name": "Default", "ModifiedAt": moment(NOW), "Rule": {"Probabilistic": percentages}}
    clock.now += 5
    index(call, 7.5)
    (rule,) = call("GetIndexingRules")["IndexingRules"]
    assert rule["Rule"]["Probabilistic"]["DesiredSamplingPercentage"] == 7.5
    assert rule["ModifiedAt"] == moment(NOW + 5)


@pytest.mark.parametrize(
    ("name", "percentage", "code"),
    [("Other", 5, "ResourceNotFoundException"), ("Default", 101, "InvalidRequest"), ("Default", -1, "InvalidRequest")],
)
def test_wrong_indexing_rule_is_refused(call: Call, name: str, percentage: float, code: str) -> None:
    rule = {"Probabilistic": {"DesiredSamplingPercentage": percentage}}
    with pytest.raises(ServiceError, match=code):
        call("UpdateIndexingRule", Name=name, Rule=rule)


def test_retrieval_goes_through_its_states(searched: Call, clock: Clock) -> None:
    sent = segment(subsegments=[remote()])
    put(searched, sent)
    token = retrieve(searched, trace_id(), trace_id(9))
    empty = {"RetrievalStatus": "SCHEDULED", "TraceFormat": "XRAY", "Traces": []}
    assert searched("ListRetrievedTraces", RetrievalToken=token) == empty
    clock.now += 0.5
    assert searched("ListRetrievedTraces", RetrievalToken=token) == {**empty, "RetrievalStatus": "RUNNING"}
    assert searched("GetRetrievedTracesGraph", RetrievalToken=token) == {"RetrievalStatus": "RUNNING", "Services": []}
    clock.now += 0.5
    answer = searched("ListRetrievedTraces", RetrievalToken=token)
    assert answer["RetrievalStatus"] == "COMPLETE"
    (trace,) = answer["Traces"]
    assert (trace["Id"], trace["Duration"]) == (trace_id(), 0.25)
    assert [(span["Id"], json.loads(span["Document"])) for span in trace["Spans"]] == [(sent["id"], sent)]
    clock.now += 3600
    assert searched("ListRetrievedTraces", RetrievalToken=token)["RetrievalStatus"] == "TIMEOUT"


def test_retrieval_gives_spans_of_opentelemetry(searched: Call, clock: Clock) -> None:
    request = {"method": "GET", "url": "http://shop/cart", "user_agent": "locust", "client_ip": "10.0.0.1"}
    exception = {"id": "e1", "type": "KeyError", "message": "no such product"}
    part = remote(name="postgresql", sql={"sanitized_query": "SELECT 1", "database_type": "PostgreSQL"})
    sent = segment(
        http={"request": request, "response": {"status": 500}},
        annotations={"http_route": "/cart"},
        metadata={"shop": {"items": 3}},
        cause={"exceptions": [exception]},
        subsegments=[part],
    )
    put(searched, sent)
    token = retrieve(searched, trace_id())
    clock.now += 1
    (trace,) = searched("ListRetrievedTraces", RetrievalToken=token, TraceFormat="OTEL")["Traces"]
    root, call_of_database = [json.loads(span["Document"]) for span in trace["Spans"]]
    assert root["resource"]["attributes"] == {"service.name": "ecommerce-frontend"}
    assert (root["traceId"], root["spanId"], root["kind"]) == (trace_id()[2:].replace("-", ""), sent["id"], "SERVER")
    assert (root["durationNano"], root["status"]) == (250_000_000, {"code": "ERROR"})
    assert root["attributes"] == {
        "http.request.method": "GET",
        "url.full": "http://shop/cart",
        "user_agent.original": "locust",
        "client.address": "10.0.0.1",
        "http.response.status_code": 500,
        "http_route": "/cart",
        "aws.xray.annotations": ["http_route"],
        "shop.items": 3,
    }
    assert root["events"][0]["attributes"] == {"exception.type": "KeyError", "exception.message": "no such product"}
    assert (call_of_database["parentSpanId"], call_of_database["kind"]) == (sent["id"], "CLIENT")
    assert call_of_database["attributes"] == {
        "aws.remote.service": "postgresql",
        "db.query.text": "SELECT 1",
        "db.system.name": "PostgreSQL",
    }


def test_retrieved_traces_are_paged(searched: Call, clock: Clock) -> None:
    ids = [trace_id(number) for number in range(7)]
    put(searched, *(segment(trace_id=found) for found in ids))
    put(searched, *(segment(id=f"{number:016x}", trace_id=ids[0]) for number in range(130)))
    token = retrieve(searched, *ids)
    clock.now += 1
    first = searched("ListRetrievedTraces", RetrievalToken=token)
    second = searched("ListRetrievedTraces", RetrievalToken=token, NextToken=first["NextToken"])
    assert "NextToken" not in second
    counts = [(trace["Id"], len(trace["Spans"])) for trace in (*first["Traces"], *second["Traces"])]
    assert counts == [(ids[0], 100), (ids[0], 31), *((found, 1) for found in ids[1:])]
    for parameters in ({"NextToken": "x"}, {"NextToken": first["NextToken"], "TraceFormat": "OTEL"}):
        with pytest.raises(ServiceError, match="NextToken is not valid"):
            searched("ListRetrievedTraces", RetrievalToken=token, **parameters)


def test_retrieved_graph_has_the_services_of_the_traces(searched: Call, clock: Clock) -> None:
    put(searched, segment(subsegments=[remote()]), segment(trace_id=trace_id(2), name="other"))
    token = retrieve(searched, trace_id())
    clock.now += 1
    services = searched("GetRetrievedTracesGraph", RetrievalToken=token)["Services"]
    assert {service["Service"]["Name"] for service in services} == {"ecommerce-frontend", "redis"}


def test_retrieval_finds_the_window_alone(searched: Call, clock: Clock) -> None:
    put(searched, segment())
    token = retrieve(searched, trace_id(), StartTime=moment(NOW - 59))
    clock.now += 1
    assert searched("ListRetrievedTraces", RetrievalToken=token)["Traces"] == []


def test_retrieval_is_cancelled_while_it_runs(searched: Call, clock: Clock) -> None:
    token, other = retrieve(searched, trace_id()), retrieve(searched, trace_id())
    assert searched("CancelTraceRetrieval", RetrievalToken=token) == {}
    clock.now += 1
    assert searched("ListRetrievedTraces", RetrievalToken=token)["RetrievalStatus"] == "CANCELLED"
    for ended in (token, other):
        with pytest.raises(ServiceError, match=r"InvalidRequestException.*cannot be cancelled"):
            searched("CancelTraceRetrieval", RetrievalToken=ended)


@pytest.mark.parametrize("operation", ["ListRetrievedTraces", "GetRetrievedTracesGraph", "CancelTraceRetrieval"])
def test_unknown_retrieval_is_refused(searched: Call, operation: str) -> None:
    with pytest.raises(ServiceError, match="ResourceNotFoundException"):
        searched(operation, RetrievalToken="nothing")


@pytest.mark.parametrize(
    "parameters", [{"TraceIds": []}, {"TraceIds": ["x"]}, {"StartTime": moment(NOW), "EndTime": moment(NOW - 1)}]
)
def test_wrong_retrieval_is_refused(searched: Call, parameters: dict[str, Any]) -> None:
    with pytest.raises(ServiceError, match="InvalidRequestException"):
        searched("StartTraceRetrieval", **{"TraceIds": [trace_id()], **window(), **parameters})


def test_nothing_is_retrieved_where_no_span_was_logged(call: Call) -> None:
    with pytest.raises(ServiceError, match="ResourceNotFoundException: The log group aws/spans"):
        retrieve(call, trace_id())


def test_dump_has_what_was_chosen(clock: Clock) -> None:
    service = xray_service(clock)
    call = xray_caller(service)
    call("GetIndexingRules")
    assert service.dump() == {}
    call("UpdateTraceSegmentDestination", Destination="CloudWatchLogs")
    index(call, 10)
    assert service.dump() == {"eu-west-1": {"destination": "CloudWatchLogs", "indexing_percentage": 10.0}}
