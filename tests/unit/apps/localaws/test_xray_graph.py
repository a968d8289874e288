"""X-Ray's service graphs and statistics over time, through its operations."""

from __future__ import annotations

from typing import Any

import pytest
from localaws.service import ServiceError
from support.xray import (
    NOW,
    Call,
    Clock,
    graph,
    moment,
    put,
    remote,
    segment,
    trace_id,
    window,
    xray_caller,
    xray_service,
)


@pytest.fixture
def call() -> Call:
    return xray_caller(xray_service(Clock()))


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


def test_graph_is_paged(call: Call) -> None:
    calls = [remote(id=f"{number:016x}", name=f"host-{number:03}") for number in range(250)]
    put(call, segment(subsegments=calls))
    first = call("GetServiceGraph", **window())
    second = call("GetServiceGraph", NextToken=first["NextToken"], **window())
    third = call("GetServiceGraph", NextToken=second["NextToken"], **window())
    names = [service["Name"] for page in (first, second, third) for service in page["Services"]]
    assert (len(names), len(set(names)), "NextToken" in third) == (252, 251, False)
    for wrong in ({"NextToken": "x"}, {"NextToken": first["NextToken"], "GroupName": "Default"}):
        with pytest.raises(ServiceError, match="NextToken is not valid"):
            call("GetServiceGraph", **window(), **wrong)


def test_trace_graph_has_the_named_traces_alone(call: Call) -> None:
    put(call, segment(subsegments=[remote()]), segment(trace_id=trace_id(2), name="other"))
    answer = call("GetTraceGraph", TraceIds=[trace_id(), trace_id(), trace_id(9)])
    nodes = {service["Name"]: service["SummaryStatistics"]["TotalCount"] for service in answer["Services"]}
    assert nodes == {"ecommerce-frontend": 1, "redis": 1}
    with pytest.raises(ServiceError, match="at least one id"):
        call("GetTraceGraph", TraceIds=[])


def statistics(call: Call, **parameters: Any) -> list[tuple[float, int, int]]:
    """Second, requests and faults of each period, by which the window begins."""
    answer = call("GetTimeSeriesServiceStatistics", **window(), **parameters)
    found = []
    for entry in answer["TimeSeriesServiceStatistics"]:
        counts = entry.get("ServiceSummaryStatistics") or entry["EdgeSummaryStatistics"]
        assert sum(bar["Count"] for bar in entry["ResponseTimeHistogram"]) == counts["TotalCount"]
        found.append((entry["Timestamp"].timestamp(), counts["TotalCount"], counts["FaultStatistics"]["TotalCount"]))
    return found


@pytest.fixture
def minutes(call: Call) -> Call:
    """Two traces of one minute, the second failed, and one of six minutes before; each asks Redis."""
    for number, (start, failed) in enumerate([(NOW - 100, {}), (NOW - 90, {"fault": True}), (NOW - 420, {})]):
        asked = remote(start_time=start, end_time=start + 0.1)
        identity = {"trace_id": trace_id(number, start), "start_time": start}
        put(call, segment(**identity, subsegments=[asked], **failed))
    return call


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        ({}, [(NOW - 420, 2, 0), (NOW - 120, 4, 1)]),
        ({"EntitySelectorExpression": 'service("ecommerce-frontend")'}, [(NOW - 420, 1, 0), (NOW - 120, 2, 1)]),
        ({"EntitySelectorExpression": 'id(name: "redis", type: "remote")'}, [(NOW - 420, 1, 0), (NOW - 120, 2, 0)]),
        ({"EntitySelectorExpression": "service()"}, [(NOW - 420, 2, 0), (NOW - 120, 4, 1)]),
        (
            {"EntitySelectorExpression": 'edge("ecommerce-frontend", "redis")', "Period": 300},
            [(NOW - 600, 1, 0), (NOW - 300, 2, 0)],
        ),
        ({"EntitySelectorExpression": 'service("nobody")'}, []),
        ({"GroupName": "failed", "EntitySelectorExpression": "service()"}, [(NOW - 120, 2, 1)]),
    ],
)
def test_statistics_are_told_by_periods(
    minutes: Call, selected: dict[str, Any], expected: list[tuple[float, int, int]]
) -> None:
    minutes("CreateGroup", GroupName="failed", FilterExpression="fault")
    assert statistics(minutes, **selected) == expected


def test_statistics_are_paged(call: Call) -> None:
    for number in range(110):
        start = NOW - 60 * (number + 1)
        put(call, segment(trace_id=trace_id(number, start), start_time=start))
    long = {"StartTime": moment(NOW - 7200), "EndTime": moment(NOW)}
    first = call("GetTimeSeriesServiceStatistics", **long)
    second = call("GetTimeSeriesServiceStatistics", NextToken=first["NextToken"], **long)
    assert [len(page["TimeSeriesServiceStatistics"]) for page in (first, second)] == [100, 10]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Period": 61}, "Period must be 60 or 300"),
        ({"EntitySelectorExpression": "fault"}, "Invalid entity selector expression: unexpected"),
        ({"EntitySelectorExpression": 'service("a") { fault }'}, "Invalid entity selector expression"),
        ({"GroupName": "unknown"}, "The group unknown does not exist"),
        ({"ForecastStatistics": True}, "NotImplemented"),
    ],
)
def test_wrong_statistics_are_refused(call: Call, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ServiceError, match=message):
        statistics(call, **parameters)
