#!/usr/bin/python
# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: xray_trace_info
version_added: 0.1.0
short_description: Count AWS X-Ray traces and read the slowest ones and the service graph
description:
  - Counts the traces that began in a stretch of time, however long it is and however many they are.
  - Returns traces whole, with their segment documents, the slowest, the newest or those named, and the service graph.
  - Summaries are counted as they stream by. What is held in memory is an id and a number a trace.
  - Whole traces are read from X-Ray, and from CloudWatch Logs where the account's segments go there, as with
    Transaction Search.
  - X-Ray takes times in whole seconds, so the range is widened to whole seconds.
author:
  - The deepobs.eks maintainers (@deepobs)
options:
  start_time:
    description:
      - Where the range begins, in ISO 8601. A time without an offset is UTC.
      - Without it nothing is counted, and only the traces in O(trace_ids) are read.
    type: str
  end_time:
    description:
      - Where the range ends, in ISO 8601. A time without an offset is UTC.
      - By default the time when the module starts.
    type: str
  filter_expression:
    description:
      - Counts only the traces that match this filter expression, for example V(service("backend"\) { fault }).
      - The service graph is not filtered, since X-Ray cannot.
    type: str
  max_traces:
    description:
      - Stops reading when so many traces are counted and there are more. Reading summaries is billed by the trace.
      - X-Ray gives the newest traces first, so that they are the newest ones, as near as X-Ray keeps that order.
      - The result then says RV(truncated), and all of it is of the traces that were read.
    type: int
  limit:
    description:
      - How many of the newest traces are returned as RV(summaries).
      - It does not stop the reading; see O(max_traces).
    type: int
    default: 0
  slowest:
    description:
      - How many of the slowest traces are fetched whole. Their X-Ray retrieval is billed.
    type: int
    default: 5
  newest:
    description:
      - How many of the newest traces are fetched whole. Their X-Ray retrieval is billed.
    type: int
    default: 0
  trace_ids:
    description:
      - Traces to fetch whole, by their ids, as X-Ray writes them or as OpenTelemetry does with 32 hexadecimal digits.
    type: list
    elements: str
    default: []
  retrieval_timeout:
    description:
      - The longest time, in seconds, that a retrieval from CloudWatch Logs may take.
    type: float
    default: 120
  service_graph:
    description:
      - Whether the service graph is read.
    type: bool
    default: true
  expected_count:
    description:
      - How many traces there should be. With O(wait_seconds) the wait ends as soon as as many are counted.
    type: int
  wait_seconds:
    description:
      - The longest time, in seconds, to wait for traces which X-Ray has not taken in yet.
      - The wait ends when O(expected_count) is reached. Without it, it ends when the service graph of the range stands
        still and no trace is still being put together.
      - Traces are counted once and at once by default.
    type: float
    default: 0
  poll_seconds:
    description:
      - The time in seconds between two looks at the service graph while waiting. Traces are counted when it stands
        still or has O(expected_count), mostly once, for every count is billed.
    type: float
    default: 3
notes:
  - >-
    IAM permissions: C(xray:GetTraceSummaries), C(xray:BatchGetTraces), C(xray:GetServiceGraph),
    C(xray:GetTraceSegmentDestination), C(xray:StartTraceRetrieval), C(xray:ListRetrievedTraces),
    C(xray:GetRetrievedTracesGraph).
  - C(xray:GetTraceSummaries) is needed with O(start_time), C(xray:GetServiceGraph) with O(service_graph) and
    O(wait_seconds), C(xray:BatchGetTraces) for whole traces. The others are for traces that X-Ray does not give back,
    and may be in CloudWatch Logs.
  - With Transaction Search on, X-Ray counts and draws only the share of the traces that it indexes. Whole traces are
    then read from CloudWatch Logs, which needs a botocore that knows C(StartTraceRetrieval), of December 2024 or later.
attributes:
  check_mode:
    description: Changes nothing, and does the same in check mode.
    support: full
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: deepobs.eks.xray_sampling_rule
"""

EXAMPLES = r"""
- name: Count the traces of a load test and look at its ten slowest
  deepobs.eks.xray_trace_info:
    start_time: "2026-01-31T09:30:00Z"
    end_time: "2026-01-31T09:31:05Z"
    slowest: 10
    expected_count: 25000
    wait_seconds: 60
  register: traces

- name: Look for failed requests of the last hour
  deepobs.eks.xray_trace_info:
    start_time: "{{ '%Y-%m-%dT%H:%M:%SZ' | strftime(now().timestamp() - 3600, utc=true) }}"
    filter_expression: fault = true
    limit: 20
    max_traces: 1000
    service_graph: false
  register: failed

- name: Read a trace whole whose id a response told
  deepobs.eks.xray_trace_info:
    trace_ids:
      - "{{ response.x_amzn_trace_id | regex_search('Root=([^;]+)', '\\\\1') | first }}"
  register: whole
"""

RETURN = r"""
start_time:
  description: Where the range begins, in ISO 8601 and UTC, as asked for.
  returned: when O(start_time) is given
  type: str
  sample: "2026-01-31T09:30:00Z"
end_time:
  description: Where the range ends, in ISO 8601 and UTC, as asked for.
  returned: when O(start_time) is given
  type: str
  sample: "2026-01-31T09:31:05Z"
filter_expression:
  description: The filter that was asked for; empty without one.
  returned: when O(start_time) is given
  type: str
  sample: fault = true
count:
  description: How many traces there are; with RV(truncated) how many were read.
  returned: when O(start_time) is given
  type: int
  sample: 25012
truncated:
  description: Whether reading stopped at O(max_traces) although there were more.
  returned: when O(start_time) is given
  type: bool
  sample: false
complete:
  description:
    - Whether the count can be relied on, that is, all traces were read, none was still being put together by X-Ray, and
      the wait ended for another reason than its time-out. Without O(expected_count) and O(wait_seconds) the last is not
      looked at.
  returned: when O(start_time) is given
  type: bool
  sample: true
faults:
  description: How many traces have a fault, that is, a 5xx answer or an exception.
  returned: when O(start_time) is given
  type: int
  sample: 0
errors:
  description: How many traces have an error, that is, a 4xx answer.
  returned: when O(start_time) is given
  type: int
  sample: 3
throttles:
  description: How many traces have a throttled call, that is, an answer 429.
  returned: when O(start_time) is given
  type: int
  sample: 0
service_graph:
  description: Who called whom. Both lists are empty with O(service_graph=false).
  returned: when O(start_time) is given
  type: dict
  contains:
    services:
      description: The nodes of the graph.
      returned: always
      type: list
      elements: dict
      contains:
        reference_id:
          description: A number of the node, unique in this answer.
          returned: always
          type: int
          sample: 0
        name:
          description: The service's name; V(client) for whoever called first.
          returned: always
          type: str
          sample: ecommerce-backend
        type:
          description: X-Ray's type of the node.
          returned: always
          type: str
          sample: remote
        root:
          description: Whether a trace began here.
          returned: always
          type: bool
          sample: true
        requests:
          description: How many requests it answered.
          returned: always
          type: int
          sample: 25012
        ok:
          description: How many of them without error and fault.
          returned: always
          type: int
          sample: 25009
        errors:
          description: How many of them with an error.
          returned: always
          type: int
          sample: 3
        faults:
          description: How many of them with a fault.
          returned: always
          type: int
          sample: 0
        total_response_seconds:
          description: The sum of its response times in seconds.
          returned: always
          type: float
          sample: 512.3
    edges:
      description: The calls from node to node.
      returned: always
      type: list
      elements: dict
      contains:
        source:
          description: The name of the service that called; V(client) for the client.
          returned: always
          type: str
          sample: client
        target:
          description: The name of the service that was called.
          returned: always
          type: str
          sample: ecommerce-frontend
        requests:
          description: How many calls.
          returned: always
          type: int
          sample: 25012
        errors:
          description: How many of them with an error.
          returned: always
          type: int
          sample: 3
        faults:
          description: How many of them with a fault.
          returned: always
          type: int
          sample: 0
        total_response_seconds:
          description: The sum of their response times in seconds.
          returned: always
          type: float
          sample: 512.3
slowest:
  description: The slowest traces, slowest first.
  returned: when O(start_time) is given
  type: list
  elements: dict
  contains:
    id:
      description: The trace id.
      returned: always
      type: str
      sample: 1-697dcd08-3f1a0b2c4d5e6f708192a3b4
    duration_seconds:
      description: From the start of the first segment to the end of the last.
      returned: always
      type: float
      sample: 0.263
    response_time_seconds:
      description: How long the caller waited.
      returned: always
      type: float
      sample: 0.26
    http:
      description:
        - The first request, with the keys http_method, http_url, http_status, user_agent and client_ip that are known.
      returned: always
      type: dict
      sample:
        http_method: GET
        http_status: 200
        http_url: http://shop.example/products
    segments:
      description: The segment documents with their subsegments, as they were sent, oldest first.
      returned: always
      type: list
      elements: dict
      sample:
        - id: 70de5b6f19ff9a0a
          name: ecommerce-frontend
          start_time: 1769851800.25
          end_time: 1769851800.51
newest:
  description: The newest traces, newest first. Like RV(slowest).
  returned: when O(newest) is greater than 0
  type: list
  elements: dict
  sample: []
traces:
  description:
    - The traces in O(trace_ids) that were found, in that order. Like RV(slowest); the times and the request are told by
      the segment documents.
  returned: when O(trace_ids) is given
  type: list
  elements: dict
  sample: []
missing_traces:
  description: The ids of the traces that should have been fetched whole, and were not found.
  returned: always
  type: list
  elements: str
  sample: []
retrieved_service_graph:
  description: The service graph of the whole traces that came from CloudWatch Logs. Like RV(service_graph).
  returned: when whole traces were retrieved from CloudWatch Logs
  type: dict
  sample:
    services: []
    edges: []
response_time_percentiles:
  description:
    - Percentiles of the response times in seconds, exact. Each is the smallest response time that so many percent of
      the traces do not exceed; null when there are no traces.
  returned: when O(start_time) is given
  type: dict
  contains:
    p50:
      description: Half of the traces took no longer; null without traces.
      returned: always
      type: float
      sample: 0.018
    p90:
      description: 90 percent of the traces took no longer; null without traces.
      returned: always
      type: float
      sample: 0.041
    p95:
      description: 95 percent of the traces took no longer; null without traces.
      returned: always
      type: float
      sample: 0.06
    p99:
      description: 99 percent of the traces took no longer; null without traces.
      returned: always
      type: float
      sample: 0.122
    p99_9:
      description: 99.9 percent of the traces took no longer; null without traces.
      returned: always
      type: float
      sample: 0.26
response_time_histogram:
  description: How many traces took how long, in bins of two significant digits, fastest first.
  returned: when O(start_time) is given
  type: list
  elements: dict
  contains:
    seconds:
      description: The bin, in seconds.
      returned: always
      type: float
      sample: 0.026
    count:
      description: How many traces are in it.
      returned: always
      type: int
      sample: 814
summaries:
  description: The newest traces, newest first.
  returned: when O(limit) is greater than 0
  type: list
  elements: dict
  contains:
    id:
      description: The trace id.
      returned: always
      type: str
      sample: 1-697dcd08-3f1a0b2c4d5e6f708192a3b4
    start_time:
      description: When the trace began; null where X-Ray does not say.
      returned: always
      type: str
      sample: "2026-01-31T09:30:00.250000Z"
    duration_seconds:
      description: From the start of the first segment to the end of the last.
      returned: always
      type: float
      sample: 0.263
    response_time_seconds:
      description: How long the caller waited.
      returned: always
      type: float
      sample: 0.26
    fault:
      description: Whether it has a fault.
      returned: always
      type: bool
      sample: false
    error:
      description: Whether it has an error.
      returned: always
      type: bool
      sample: false
    throttle:
      description: Whether a call in it was throttled.
      returned: always
      type: bool
      sample: false
    http:
      description:
        - The first request, with the keys http_method, http_url, http_status, user_agent and client_ip that are known.
      returned: always
      type: dict
      sample:
        http_method: GET
        http_status: 200
        http_url: http://shop.example/products
"""

from datetime import UTC, datetime
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, connect, error_code, run_module
from ansible_collections.deepobs.eks.plugins.module_utils.instants import iso, parse_range
from ansible_collections.deepobs.eks.plugins.module_utils.service_graph import join_graphs
from ansible_collections.deepobs.eks.plugins.module_utils.trace_counting import Count, TraceCounter, count_when_settled
from ansible_collections.deepobs.eks.plugins.module_utils.trace_tallies import (
    Tally,
    percentiles,
    readable_summary,
    tally,
    trace_of,
    whole_trace,
)
from ansible_collections.deepobs.eks.plugins.module_utils.traces import (
    Segments,
    Summary,
    XRay,
    parse_trace_id,
    skim_summaries,
)

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "start_time": {"type": "str"},
    "end_time": {"type": "str"},
    "filter_expression": {"type": "str"},
    "max_traces": {"type": "int"},
    "limit": {"type": "int", "default": 0},
    "slowest": {"type": "int", "default": 5},
    "newest": {"type": "int", "default": 0},
    "trace_ids": {"type": "list", "elements": "str", "default": []},
    "retrieval_timeout": {"type": "float", "default": 120},
    "service_graph": {"type": "bool", "default": True},
    "expected_count": {"type": "int"},
    "wait_seconds": {"type": "float", "default": 0},
    "poll_seconds": {"type": "float", "default": 3},
}

_LEAST = {
    "max_traces": 1,
    "limit": 0,
    "slowest": 0,
    "newest": 0,
    "retrieval_timeout": 0,
    "expected_count": 0,
    "wait_seconds": 0,
    "poll_seconds": 0.1,
}


def check_options(params: dict[str, Any]) -> list[str]:
    """The trace ids in X-Ray's form; raises ValueError for a number or an id that cannot be meant."""
    for option, least in _LEAST.items():
        if params[option] is not None and params[option] < least:
            raise ValueError(f"{option} is {params[option]}; give a number of at least {least}")
    if params["start_time"] is None and not params["trace_ids"]:
        raise ValueError("start_time and trace_ids are missing; give a range, ids of traces, or both")
    return list(dict.fromkeys(map(parse_trace_id, params["trace_ids"])))


def collect(xray: XRay, params: dict[str, Any], trace_ids: list[str], now: datetime) -> dict[str, Any]:
    """Counts, then reads what is returned beside the counts."""
    counted, graph = count(xray, params, now) if params["start_time"] else (None, {})
    slowest, newest = (counted.slowest, counted.newest[: params["newest"]]) if counted else ([], [])
    wanted = list(dict.fromkeys([*(summary["Id"] for summary in (*slowest, *newest)), *trace_ids]))
    found, retrieved = xray.whole(wanted, params["retrieval_timeout"])
    return {
        **graph,
        **(counts_of(counted, params["limit"]) if counted else {}),
        **({"slowest": _whole(slowest, found)} if counted else {}),
        **({"newest": _whole(newest, found)} if params["newest"] and counted else {}),
        **({"traces": [trace_of(name, found[name]) for name in trace_ids if name in found]} if trace_ids else {}),
        **({} if retrieved is None else {"retrieved_service_graph": join_graphs([retrieved])}),
        "missing_traces": [trace_id for trace_id in wanted if trace_id not in found],
    }


def count(xray: XRay, params: dict[str, Any], now: datetime) -> tuple[Tally, dict[str, Any]]:
    """The tally of the range, and what is returned of range and graph; waits for late traces as long as allowed."""
    start, end = parse_range(params["start_time"], params["end_time"], now)

    def read() -> Tally:
        summaries = xray.summaries(start, end, params["filter_expression"])
        return tally(summaries, params["slowest"], max(params["limit"], params["newest"]), params["max_traces"])

    expected = params["expected_count"]
    waited = params["wait_seconds"] > 0 or expected is not None
    if waited:
        counter = TraceCounter(lambda: join_graphs(xray.services(start, end)), read, expected)
        found = count_when_settled(counter, params["wait_seconds"], params["poll_seconds"])
    else:
        found = Count(read(), None, settled=True)
    graph = found.graph or (join_graphs(xray.services(start, end)) if params["service_graph"] else None)
    return found.tally, {
        "start_time": iso(start),
        "end_time": iso(end),
        "filter_expression": params["filter_expression"] or "",
        "complete": found.settled and not found.tally.partial and not found.tally.truncated,
        "service_graph": graph if graph and params["service_graph"] else join_graphs(()),
    }


def counts_of(counted: Tally, limit: int) -> dict[str, Any]:
    """What is returned of a tally but its whole traces."""
    return {
        "count": counted.count,
        "truncated": counted.truncated,
        "faults": counted.faults,
        "errors": counted.errors,
        "throttles": counted.throttles,
        "response_time_percentiles": percentiles(counted.seconds),
        "response_time_histogram": [
            {"seconds": seconds, "count": count} for seconds, count in sorted(counted.histogram.items())
        ],
        **({"summaries": [readable_summary(summary) for summary in counted.newest[:limit]]} if limit else {}),
    }


def _whole(summaries: list[Summary], found: Segments) -> list[dict[str, Any]]:
    return [whole_trace(summary, found[summary["Id"]]) for summary in summaries if summary["Id"] in found]


def warnings(result: dict[str, Any]) -> list[str]:
    """What a user should know of a result beside its numbers."""
    missing = result["missing_traces"]
    if not missing:
        return []
    return [
        f"{len(missing)} traces were not found whole, {missing[0]} among them. X-Ray keeps traces for 30 days. With"
        " Transaction Search on they are in CloudWatch Logs, as long as the log group aws/spans keeps them; right after"
        " the request they may not have arrived."
    ]


def with_remedy(error: DeepobsError, params: dict[str, Any]) -> DeepobsError:
    """The same error; where X-Ray refused the request, with the option to look at."""
    if error_code(error) != "InvalidRequestException":
        return error
    if params["filter_expression"]:
        remedy = f"check filter_expression, which is {params['filter_expression']!r}"
    else:
        remedy = "check start_time and end_time" if params["start_time"] else "check trace_ids"
    return DeepobsError(f"{error.message} because X-Ray refused the request; {remedy}", error.exception)


def run(module: Any) -> dict[str, Any]:
    """What the module returns; raises DeepobsError and ValueError."""
    trace_ids = check_options(module.params)
    client = connect(module, "xray")
    skim_summaries(client)
    try:
        result = collect(XRay(client), module.params, trace_ids, datetime.now(UTC))
    except DeepobsError as error:
        raise with_remedy(error, module.params) from error
    for warning in warnings(result):
        module.warn(warning)
    return {"changed": False, **result}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    run_module(module, lambda: run(module))


if __name__ == "__main__":
    main()
