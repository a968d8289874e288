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
  - Returns the slowest traces whole, with their segment documents, and the service graph of the same time.
  - Summaries are counted as they stream by. What is held in memory is one id a trace.
  - X-Ray takes times in whole seconds, so the range is widened to whole seconds.
author:
  - The deepobs.eks maintainers (@deepobs)
options:
  start_time:
    description:
      - Where the range begins, in ISO 8601. A time without an offset is UTC.
    type: str
    required: true
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
  limit:
    description:
      - How many of the newest traces are returned as RV(summaries).
    type: int
    default: 0
  slowest:
    description:
      - How many of the slowest traces are fetched whole. Their X-Ray retrieval is billed.
    type: int
    default: 5
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
      - The wait ends when O(expected_count) is reached. Without it, it ends when two counts
        in a row agree and are not 0.
      - Traces are counted once and at once by default.
    type: float
    default: 0
  poll_seconds:
    description:
      - The time in seconds between two counts while waiting. Every count scans the traces, which is billed.
    type: float
    default: 3
notes:
  - With Transaction Search on, X-Ray counts traces but gives none back whole. Then RV(slowest) is empty and a
    warning says so.
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
    service_graph: false
  register: failed
"""

RETURN = r"""
start_time:
  description: Where the range begins, in ISO 8601 and UTC, as asked for.
  returned: always
  type: str
  sample: "2026-01-31T09:30:00Z"
end_time:
  description: Where the range ends, in ISO 8601 and UTC, as asked for.
  returned: always
  type: str
  sample: "2026-01-31T09:31:05Z"
filter_expression:
  description: The filter that was asked for; empty without one.
  returned: always
  type: str
  sample: fault = true
count:
  description: How many traces there are.
  returned: always
  type: int
  sample: 25012
complete:
  description:
    - Whether the count can be relied on, that is, no trace was still being put together by X-Ray, and the wait
      ended for another reason than its time-out. Without O(expected_count) and O(wait_seconds) only the former is
      looked at.
  returned: always
  type: bool
  sample: true
faults:
  description: How many traces have a fault, that is, a 5xx answer or an exception.
  returned: always
  type: int
  sample: 0
errors:
  description: How many traces have an error, that is, a 4xx answer.
  returned: always
  type: int
  sample: 3
throttles:
  description: How many traces have a throttled call, that is, an answer 429.
  returned: always
  type: int
  sample: 0
service_graph:
  description: Who called whom. Both lists are empty with O(service_graph=false).
  returned: always
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
  returned: always
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
response_time_histogram:
  description: How many traces took how long, in bins of two significant digits, fastest first.
  returned: always
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
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, connect, error_code
from ansible_collections.deepobs.eks.plugins.module_utils.instants import iso, parse_range
from ansible_collections.deepobs.eks.plugins.module_utils.service_graph import join_graphs
from ansible_collections.deepobs.eks.plugins.module_utils.traces import (
    Tally,
    XRay,
    readable_summary,
    settled,
    tally,
    whole_trace,
)
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Outcome, wait_until

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "start_time": {"type": "str", "required": True},
    "end_time": {"type": "str"},
    "filter_expression": {"type": "str"},
    "limit": {"type": "int", "default": 0},
    "slowest": {"type": "int", "default": 5},
    "service_graph": {"type": "bool", "default": True},
    "expected_count": {"type": "int"},
    "wait_seconds": {"type": "float", "default": 0},
    "poll_seconds": {"type": "float", "default": 3},
}

_LEAST = {"limit": 0, "slowest": 0, "expected_count": 0, "wait_seconds": 0, "poll_seconds": 0.1}


def check_options(params: dict[str, Any]) -> None:
    """Raises ValueError for a number that cannot be meant."""
    for option, least in _LEAST.items():
        if params[option] is not None and params[option] < least:
            raise ValueError(f"{option} is {params[option]}; give a number of at least {least}")


def collect(xray: XRay, params: dict[str, Any], start: datetime, end: datetime) -> dict[str, Any]:
    """Counts, then reads what is returned beside the counts."""
    outcome = wait_until(
        lambda: tally(xray.summaries(start, end, params["filter_expression"]), params["slowest"], params["limit"]),
        lambda previous, current: settled(previous, current, params["expected_count"]),
        params["wait_seconds"],
        params["poll_seconds"],
    )
    documents = xray.documents([summary["Id"] for summary in outcome.state.slowest])
    graph = join_graphs(xray.services(start, end) if params["service_graph"] else ())
    return {
        "start_time": iso(start),
        "end_time": iso(end),
        "filter_expression": params["filter_expression"] or "",
        **_counts(outcome, waited=params["wait_seconds"] > 0 or params["expected_count"] is not None),
        "service_graph": graph,
        "slowest": [whole_trace(s, documents[s["Id"]]) for s in outcome.state.slowest if s["Id"] in documents],
        **({"summaries": [readable_summary(s) for s in outcome.state.newest]} if params["limit"] else {}),
    }


def _counts(outcome: Outcome[Tally], waited: bool) -> dict[str, Any]:
    state = outcome.state
    return {
        "count": state.count,
        "complete": state.partial == 0 and (outcome.settled or not waited),
        "faults": state.faults,
        "errors": state.errors,
        "throttles": state.throttles,
        "response_time_histogram": [
            {"seconds": seconds, "count": count} for seconds, count in sorted(state.histogram.items())
        ],
    }


def warnings(result: dict[str, Any], slowest: int) -> list[str]:
    """What a user should know of a result beside its numbers."""
    lost = min(slowest, result["count"]) - len(result["slowest"])
    if lost <= 0:
        return []
    return [
        f"X-Ray did not give back {lost} of the slowest traces. It keeps them for 30 days, and with Transaction"
        " Search on it gives none back: read them in CloudWatch, or set slowest to 0."
    ]


def with_remedy(error: DeepobsError, params: dict[str, Any]) -> DeepobsError:
    """The same error; where X-Ray refused the request, with the option to look at."""
    if error_code(error) != "InvalidRequestException":
        return error
    if params["filter_expression"]:
        remedy = f"check filter_expression, which is {params['filter_expression']!r}"
    else:
        remedy = "check start_time and end_time"
    return DeepobsError(f"{error.message} because X-Ray refused the request; {remedy}", error.exception)


def run(module: Any) -> dict[str, Any]:
    """What the module returns; raises DeepobsError and ValueError."""
    check_options(module.params)
    start, end = parse_range(module.params["start_time"], module.params["end_time"], datetime.now(UTC))
    try:
        result = collect(XRay(connect(module, "xray")), module.params, start, end)
    except DeepobsError as error:
        raise with_remedy(error, module.params) from error
    for warning in warnings(result, module.params["slowest"]):
        module.warn(warning)
    return result


def main() -> None:
    """Entry point of the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module)
    except DeepobsError as error:
        module.fail_json_aws_error(error)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
