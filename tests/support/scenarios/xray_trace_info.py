"""What xray_trace_info reads."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from support.clients import Clients
from support.scenarios import Scenario
from support.transaction_search import search_transactions

TRACES = 12
STARTED = int(time.time()) - 600


def trace_id(number: int) -> str:
    """The id of a trace; one a second begins."""
    return f"1-{STARTED + number:08x}-{number:024x}"


def iso(second: int) -> str:
    """A second after STARTED."""
    return datetime.fromtimestamp(STARTED + second, UTC).isoformat()


def documents(number: int) -> list[str]:
    """A page of the frontend that calls the backend; each is slower than the one before."""
    start, seconds = float(STARTED + number), 0.01 * (number + 1)
    times = {"trace_id": trace_id(number), "start_time": start, "end_time": start + seconds}
    call = {"id": f"{number:015x}c", "name": "ecommerce-backend", "namespace": "remote"}
    status = 500 if number == 3 else 200
    http = {"request": {"method": "GET", "url": "http://shop/products"}, "response": {"status": status}}
    frontend: dict[str, Any] = {
        "id": f"{number:015x}a",
        "name": "ecommerce-frontend",
        "http": http,
        "fault": status == 500,
        "subsegments": [{**call, "start_time": start, "end_time": start + seconds}],
    }
    backend = {"id": f"{number:015x}b", "name": "ecommerce-backend", "parent_id": call["id"]}
    return [json.dumps({**times, **segment}) for segment in (frontend, backend)]


def put_traces(clients: Clients) -> None:
    """Has X-Ray take TRACES traces in."""
    texts = [text for number in range(TRACES) for text in documents(number)]
    assert clients.xray.put_trace_segments(TraceSegmentDocuments=texts)["UnprocessedTraceSegments"] == []


def put_traces_into_logs(clients: Clients) -> None:
    """Turns Transaction Search on, with every trace indexed, then puts traces."""
    search_transactions(clients)
    put_traces(clients)


_RANGE = {"start_time": iso(0), "end_time": iso(TRACES)}

SCENARIOS = [
    Scenario(
        "xray_trace_info",
        "counts a range once its traces have come",
        {**_RANGE, "expected_count": TRACES, "wait_seconds": 20, "poll_seconds": 0.1, "limit": 3, "slowest": 7},
        put_traces,
        changes=False,
    ),
    Scenario(
        "xray_trace_info",
        "stops reading at so many of those that match",
        {
            **_RANGE,
            "filter_expression": "ok = true",
            "max_traces": 5,
            "newest": 2,
            "slowest": 0,
            "service_graph": False,
        },
        put_traces,
        changes=False,
    ),
    Scenario(
        "xray_trace_info",
        "retrieves whole traces from CloudWatch Logs",
        {"trace_ids": [trace_id(1), trace_id(2)], "retrieval_timeout": 20},
        put_traces_into_logs,
        changes=False,
    ),
]
