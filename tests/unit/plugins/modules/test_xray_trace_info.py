"""xray_trace_info against the AWS stand-in's X-Ray, fed with real segments."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import boto3
import pytest
from support.clients import Clients
from support.documented import differences, return_documentation
from support.localaws import CLIENT_ENVIRONMENT, localaws_server
from support.module_cycle import ModuleFailedError, run_module
from support.scenarios import xray_trace_info as scenarios

TRACES = 23
ACCOUNT = {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "test", "region": "eu-west-1"}


def trace_id(number: int, at: float) -> str:
    return f"1-{int(at):08x}-{number:024x}"


def documents(number: int, at: float) -> list[str]:
    """A page of the frontend that calls the backend, which asks redis; each is slower than the one before."""
    seconds, name = 0.01 * (number + 1), trace_id(number, at)
    status = 500 if number == 3 else 404 if number == 4 else 200
    call = {"id": f"{number:015x}c", "name": "ecommerce-backend", "namespace": "remote"}
    redis = {"id": f"{number:015x}d", "name": "redis", "namespace": "remote"}
    times = {"start_time": at, "end_time": at + seconds}
    frontend = {
        "id": f"{number:015x}a",
        "name": "ecommerce-frontend",
        "http": {
            "request": {"method": "GET", "url": "http://127.0.0.1:3000/products"},
            "response": {"status": status},
        },
        "fault": status == 500,
        "error": status == 404,
        "subsegments": [call | times],
    }
    backend = {
        "id": f"{number:015x}b",
        "name": "ecommerce-backend",
        "parent_id": call["id"],
        "subsegments": [redis | times],
    }
    return [json.dumps({"trace_id": name, **times, **segment}) for segment in (frontend, backend)]


@pytest.fixture(scope="module")
def started() -> float:
    return time.time() - 600


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory, started: float) -> Iterator[str]:
    with localaws_server(tmp_path_factory.mktemp("localaws")) as url:
        put(url, [text for number in range(TRACES) for text in documents(number, started + number)])
        yield url


def put(url: str, texts: list[str]) -> None:
    client = boto3.client(
        "xray",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id=CLIENT_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CLIENT_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    )
    for first in range(0, len(texts), 50):
        answer = client.put_trace_segments(TraceSegmentDocuments=texts[first : first + 50])
        assert answer["UnprocessedTraceSegments"] == []


def iso(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat()


@pytest.fixture
def options(endpoint: str, started: float) -> dict[str, Any]:
    return {**ACCOUNT, "endpoint_url": endpoint, "start_time": iso(started), "end_time": iso(started + TRACES)}


def test_counts_match_what_was_put(options: dict[str, Any]) -> None:
    result = run_module("xray_trace_info", options)
    assert (result["count"], result["faults"], result["errors"], result["throttles"]) == (TRACES, 1, 1, 0)
    assert result["complete"] is True
    assert result["changed"] is False
    assert sum(entry["count"] for entry in result["response_time_histogram"]) == TRACES


def test_slowest_come_whole_and_slowest_first(options: dict[str, Any], started: float) -> None:
    slowest = run_module("xray_trace_info", {**options, "slowest": 7})["slowest"]
    assert [trace["id"] for trace in slowest] == [
        trace_id(number, started + number) for number in range(TRACES - 1, TRACES - 8, -1)
    ]
    assert slowest[0]["response_time_seconds"] == pytest.approx(0.23)
    assert {segment["name"] for segment in slowest[0]["segments"]} == {"ecommerce-frontend", "ecommerce-backend"}
    assert slowest[0]["http"]["http_status"] == 200


def test_service_graph_joins_client_frontend_backend_and_redis(options: dict[str, Any]) -> None:
    graph = run_module("xray_trace_info", options)["service_graph"]
    edges = {(edge["source"], edge["target"]): edge["requests"] for edge in graph["edges"]}
    assert edges == {
        ("client", "ecommerce-frontend"): TRACES,
        ("ecommerce-frontend", "ecommerce-backend"): TRACES,
        ("ecommerce-backend", "redis"): TRACES,
    }
    frontend = next(node for node in graph["services"] if node["name"] == "ecommerce-frontend")
    assert (frontend["requests"], frontend["ok"], frontend["errors"], frontend["faults"]) == (TRACES, TRACES - 2, 1, 1)


def test_range_of_days_counts_each_trace_once(options: dict[str, Any], started: float) -> None:
    wide = {**options, "start_time": iso(started - 30 * 3600), "end_time": iso(started + 30 * 3600)}
    result = run_module("xray_trace_info", wide)
    assert result["count"] == TRACES
    assert len([edge for edge in result["service_graph"]["edges"] if edge["source"] == "client"]) == 1


def test_filter_expression_counts_only_what_matches(options: dict[str, Any]) -> None:
    result = run_module("xray_trace_info", {**options, "filter_expression": "fault = true", "limit": 5})
    assert (result["count"], result["faults"], result["filter_expression"]) == (1, 1, "fault = true")
    assert [summary["fault"] for summary in result["summaries"]] == [True]


def test_summaries_are_the_newest(options: dict[str, Any], started: float) -> None:
    result = run_module("xray_trace_info", {**options, "limit": 3, "service_graph": False, "slowest": 0})
    newest = [trace_id(number, started + number) for number in (TRACES - 1, TRACES - 2, TRACES - 3)]
    assert [summary["id"] for summary in result["summaries"]] == newest
    assert result["slowest"] == []
    assert result["service_graph"] == {"services": [], "edges": []}


def test_wait_ends_when_expected_traces_have_come(options: dict[str, Any], endpoint: str) -> None:
    at = time.time() - 3 * 86400
    late = Thread(target=put, args=(endpoint, [text for number in range(4) for text in documents(number, at)]))
    late.start()
    waiting = {**options, "start_time": iso(at), "end_time": iso(at + 5), "expected_count": 4}
    result = run_module("xray_trace_info", {**waiting, "wait_seconds": 60, "poll_seconds": 0.1})
    late.join()
    assert (result["count"], result["complete"]) == (4, True)


def test_wait_that_runs_out_says_incomplete(options: dict[str, Any]) -> None:
    waiting = {"expected_count": TRACES + 1, "wait_seconds": 0.3, "poll_seconds": 0.1}
    result = run_module("xray_trace_info", {**options, **waiting})
    assert (result["count"], result["complete"]) == (TRACES, False)


def test_wait_without_expected_count_ends_when_the_count_stands(options: dict[str, Any]) -> None:
    result = run_module("xray_trace_info", {**options, "wait_seconds": 60, "poll_seconds": 0.1})
    assert (result["count"], result["complete"]) == (TRACES, True)


@pytest.mark.parametrize("extra", [{}, {"limit": 3}, {"service_graph": False, "slowest": 0}, {"newest": 1}])
def test_result_is_as_documented(options: dict[str, Any], extra: dict[str, Any]) -> None:
    result = run_module("xray_trace_info", {**options, **extra}, check=True)
    assert differences(return_documentation("xray_trace_info"), result) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"filter_expression": "fault = = true"}, ["filter_expression", "fault = = true", "Invalid filter"]),
        ({"start_time": "yesterday"}, ["start_time", "'yesterday'", "2026-01-31T09:30:00Z"]),
        ({"end_time": "2001-01-01T00:00:00Z"}, ["end_time", "not after start_time"]),
        ({"slowest": -1}, ["slowest is -1", "at least 0"]),
        ({"max_traces": 0}, ["max_traces is 0", "at least 1"]),
        ({"trace_ids": ["abc"]}, ["trace_ids", "'abc'", "1-697dcd08-"]),
        ({"start_time": None}, ["start_time and trace_ids are missing"]),
        ({"wait_seconds": -5}, ["wait_seconds", "at least 0"]),
        ({"poll_seconds": 0}, ["poll_seconds", "at least 0.1"]),
    ],
)
def test_bad_option_fails_with_its_name(options: dict[str, Any], wrong: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ModuleFailedError) as failure:
        run_module(
            "xray_trace_info", {name: value for name, value in {**options, **wrong}.items() if value is not None}
        )
    for word in words:
        assert word in failure.value.result["msg"]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Options for an account with Transaction Search on."""
    with localaws_server(tmp_path_factory.mktemp("localaws")) as url:
        clients = Clients(
            endpoint_url=url,
            region_name=ACCOUNT["region"],
            aws_access_key_id=ACCOUNT["access_key"],
            aws_secret_access_key=ACCOUNT["secret_key"],
        )
        scenarios.put_traces_into_logs(clients)
        clients.close()
        yield {**ACCOUNT, "endpoint_url": url}


def test_whole_traces_are_retrieved_where_they_went_to_the_logs(searched: dict[str, Any]) -> None:
    there = {"start_time": scenarios.iso(0), "end_time": scenarios.iso(scenarios.TRACES), "slowest": 2}
    result = run_module("xray_trace_info", {**searched, **there, "trace_ids": [scenarios.trace_id(1)]})
    assert result["count"] == scenarios.TRACES
    assert [trace["id"] for trace in result["slowest"]] == [scenarios.trace_id(number) for number in (11, 10)]
    assert [len(trace["segments"]) for trace in (*result["slowest"], *result["traces"])] == [2, 2, 2]
    edges = {(edge["source"], edge["target"]): edge["requests"] for edge in result["retrieved_service_graph"]["edges"]}
    assert edges[("ecommerce-frontend", "ecommerce-backend")] == 3
    assert result["missing_traces"] == []
    assert differences(return_documentation("xray_trace_info"), result) == []


@pytest.mark.parametrize("account", ["options", "searched"])
def test_traces_that_cannot_be_found_are_named_and_a_warning(account: str, request: pytest.FixtureRequest) -> None:
    given = {key: value for key, value in request.getfixturevalue(account).items() if not key.endswith("_time")}
    unknown = trace_id(99, time.time())
    result = run_module("xray_trace_info", {**given, "trace_ids": [unknown]})
    assert (result["traces"], result["missing_traces"], "count" in result) == ([], [unknown], False)
    assert any(unknown in str(warning) and "Transaction Search" in str(warning) for warning in result["warnings"])
    assert differences(return_documentation("xray_trace_info"), result) == []


def test_traces_are_read_by_their_ids_alone(options: dict[str, Any], started: float) -> None:
    ids = [trace_id(number, started + number) for number in (2, 0)]
    given = {key: value for key, value in options.items() if not key.endswith("_time")}
    result = run_module("xray_trace_info", {**given, "trace_ids": [ids[0].replace("-", "")[1:], ids[1], ids[1]]})
    assert [trace["id"] for trace in result["traces"]] == ids
    assert result["traces"][0]["response_time_seconds"] == pytest.approx(0.03)
    assert result["traces"][0]["http"]["http_url"] == "http://127.0.0.1:3000/products"
    assert "slowest" not in result


def test_newest_come_whole(options: dict[str, Any], started: float) -> None:
    newest = run_module("xray_trace_info", {**options, "newest": 2, "limit": 1, "slowest": 0})["newest"]
    assert [trace["id"] for trace in newest] == [trace_id(number, started + number) for number in (22, 21)]
    assert len(newest[0]["segments"]) == 2


def test_reading_stops_at_max_traces_and_says_so(options: dict[str, Any], started: float) -> None:
    result = run_module("xray_trace_info", {**options, "max_traces": 5, "limit": 5})
    assert (result["count"], result["truncated"], result["complete"]) == (5, True, False)
    assert [summary["id"] for summary in result["summaries"]] == [
        trace_id(number, started + number) for number in range(TRACES - 1, TRACES - 6, -1)
    ]
    whole = run_module("xray_trace_info", {**options, "max_traces": TRACES})
    assert (whole["count"], whole["truncated"], whole["complete"]) == (TRACES, False, True)


def test_percentiles_are_exact(options: dict[str, Any]) -> None:
    found = run_module("xray_trace_info", options)["response_time_percentiles"]
    assert found == {
        name: pytest.approx(value)
        for name, value in {"p50": 0.12, "p90": 0.21, "p95": 0.22, "p99": 0.23, "p99_9": 0.23}.items()
    }


def test_default_end_is_now(options: dict[str, Any]) -> None:
    before = datetime.now(UTC)
    result = run_module("xray_trace_info", {name: value for name, value in options.items() if name != "end_time"})
    assert before <= datetime.fromisoformat(result["end_time"]) <= datetime.now(UTC) + timedelta(seconds=1)
    assert result["count"] == TRACES
