#!/usr/bin/python
# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: container_insights_info
version_added: 0.1.0
short_description: Read metrics of Container Insights from Amazon CloudWatch
description:
  - Reads metrics of the CloudWatch namespace ContainerInsights for a cluster, a Kubernetes namespace, services, pods,
    containers or nodes.
  - Every query has dimensions, since CloudWatch answers one without them with nothing.
  - A metric without a point is listed with the reason.
author:
  - The deepobs.eks maintainers (@deepobs)
options:
  cluster_name:
    description:
      - The name of the cluster, dimension ClusterName.
    type: str
    required: true
  namespace:
    description:
      - The Kubernetes namespace, dimension Namespace. Without it the metrics of the whole cluster are read.
    type: str
  services:
    description:
      - Kubernetes services in O(namespace), dimension Service.
    type: list
    elements: str
    default: []
  pods:
    description:
      - Pods in O(namespace), dimension PodName. Container Insights names a pod by its workload, for example
        V(backend), all replicas of it together.
      - Where nothing in the namespace is named, the metrics of the whole namespace are read.
    type: list
    elements: str
    default: []
  full_pod_names:
    description:
      - Single pods in O(namespace) by their full names, dimension FullPodName, for example
        V(backend-7d4b9c5f6d-x2x8v). Only enhanced observability publishes them.
      - The PodName that goes with it is looked up among the metrics of the last two weeks.
    type: list
    elements: str
    default: []
  containers:
    description:
      - Containers in each of O(pods), dimension ContainerName, instead of the pods as a whole. Their metrics begin with
        C(container_), and only enhanced observability publishes them.
    type: list
    elements: str
    default: []
  nodes:
    description:
      - Nodes of the cluster, dimension NodeName. Their metrics begin with C(node_).
      - The InstanceId that goes with it is looked up among the metrics of the last two weeks.
    type: list
    elements: str
    default: []
  metrics:
    description:
      - The names of the metrics.
    type: list
    elements: str
    default:
      - pod_cpu_utilization
      - pod_memory_utilization
      - pod_network_rx_bytes
      - pod_network_tx_bytes
  statistics:
    description:
      - The statistics to read of each metric, V(Average), V(Sum), V(Minimum), V(Maximum), V(SampleCount), a percentile
        like V(p95) or V(p99.9), or another that CloudWatch knows, such as V(tm99) or V(TC(0:80\)).
      - CloudWatch tells percentiles and their like only of metrics whose single values were published. Those of the
        add-on are.
    type: list
    elements: str
    default: [Average]
  period_seconds:
    description:
      - The length of a point in seconds, 1, 5, 10, 20, 30 or a multiple of 60.
      - A period under 60 needs metrics that are published in high resolution, which those of the add-on are not.
      - CloudWatch keeps periods under 60 for 3 hours, of 60 for 15 days, of 300 for 63 days and of 3600 for 455 days. A
        range of which nothing is kept is refused, and one of which only a part is gives a warning.
    type: int
    default: 60
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
  wait_timeout:
    description:
      - The longest time, in seconds, to wait for points that come late. The wait ends as soon as the metrics of every
        pod, or whatever else is asked for, have a point in the last two periods before O(end_time). A metric that is
        not published beside others of the same pod is not waited for.
      - By default the metrics are read once and at once.
    type: float
    default: 0
  source:
    description:
      - Who publishes the metrics, in words. It is returned as it is, for a report to name it.
    type: str
    default: Amazon CloudWatch agent, Container Insights
notes:
  - "IAM permissions: C(cloudwatch:GetMetricData), C(cloudwatch:ListMetrics)."
  - C(cloudwatch:ListMetrics) is needed to tell why a metric has no point, and for O(full_pod_names) and O(nodes).
attributes:
  check_mode:
    description: Changes nothing, and does the same in check mode.
    support: full
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: deepobs.eks.eks_addon
"""

EXAMPLES = r"""
- name: Read the pod metrics of a load test
  deepobs.eks.container_insights_info:
    cluster_name: shop
    namespace: ecommerce
    pods: [backend, frontend]
    statistics: [Average, Maximum]
    start_time: "2026-01-31T09:30:00Z"
    end_time: "2026-01-31T09:43:00Z"
    wait_timeout: 180
  register: metrics

- name: Read how busy the containers of a pod were at worst
  deepobs.eks.container_insights_info:
    cluster_name: shop
    namespace: ecommerce
    pods: [backend]
    containers: [app, proxy]
    metrics: [container_cpu_utilization, container_memory_utilization]
    statistics: [p50, p99]
    start_time: "2026-01-31T09:30:00Z"
  register: containers

- name: Read the CPU of a whole cluster since this morning
  deepobs.eks.container_insights_info:
    cluster_name: shop
    metrics: [pod_cpu_utilization]
    period_seconds: 300
    start_time: "2026-01-31T06:00:00+01:00"
  register: cluster_cpu
"""

RETURN = r"""
cluster_name:
  description: The cluster that was asked for.
  returned: always
  type: str
  sample: shop
namespace:
  description: The Kubernetes namespace that was asked for; null for the whole cluster.
  returned: always
  type: str
  sample: ecommerce
start_time:
  description: Where the range begins, in ISO 8601 and UTC.
  returned: always
  type: str
  sample: "2026-01-31T09:30:00Z"
end_time:
  description: Where the range ends, in ISO 8601 and UTC.
  returned: always
  type: str
  sample: "2026-01-31T09:43:00Z"
period_seconds:
  description: The length of a point in seconds.
  returned: always
  type: int
  sample: 60
source:
  description: Who publishes the metrics.
  returned: always
  type: str
  sample: Amazon CloudWatch agent, Container Insights
metrics:
  description: The series that have points, in the order of O(metrics).
  returned: always
  type: list
  elements: dict
  contains:
    metric:
      description: The metric's name.
      returned: always
      type: str
      sample: pod_cpu_utilization
    statistic:
      description: The statistic.
      returned: always
      type: str
      sample: Average
    unit:
      description: The unit in which Container Insights documents the metric.
      returned: always
      type: str
      sample: Percent
    dimensions:
      description: The dimensions by name.
      returned: always
      type: dict
      sample:
        ClusterName: shop
        Namespace: ecommerce
        PodName: backend
    timestamps:
      description: The beginning of each point, in ISO 8601 and UTC, oldest first.
      returned: always
      type: list
      elements: str
      sample: ["2026-01-31T09:30:00Z", "2026-01-31T09:31:00Z"]
    values:
      description: The value of each point.
      returned: always
      type: list
      elements: float
      sample: [12.5, 38.1]
missing:
  description: The metrics without a point, one for each set of dimensions.
  returned: always
  type: list
  elements: dict
  contains:
    metric:
      description: The metric's name.
      returned: always
      type: str
      sample: pod_network_rx_bytes
    reason:
      description: Why it has no point, with its dimensions.
      returned: always
      type: str
      sample: >-
        not published with ClusterName=shop, Namespace=ecommerce, PodName=postgresql in the last two weeks; it is
        published with PodName backend, frontend
"""

from datetime import UTC, datetime
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, connect, error_code, run_module
from ansible_collections.deepobs.eks.plugins.module_utils.instants import iso, parse_range
from ansible_collections.deepobs.eks.plugins.module_utils.metric_dimensions import DimensionSet, Scope, check_scope
from ansible_collections.deepobs.eks.plugins.module_utils.metrics import (
    CloudWatch,
    Question,
    check_period,
    check_retention,
    is_up_to_date,
    missing_series,
    readable_series,
)
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import wait_until

POD_METRICS = ["pod_cpu_utilization", "pod_memory_utilization", "pod_network_rx_bytes", "pod_network_tx_bytes"]
_NAMES = ("services", "pods", "full_pod_names", "containers", "nodes")

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "cluster_name": {"type": "str", "required": True},
    "namespace": {"type": "str"},
    **{name: {"type": "list", "elements": "str", "default": []} for name in _NAMES},
    "metrics": {"type": "list", "elements": "str", "default": POD_METRICS},
    "statistics": {"type": "list", "elements": "str", "default": ["Average"]},
    "period_seconds": {"type": "int", "default": 60},
    "start_time": {"type": "str", "required": True},
    "end_time": {"type": "str"},
    "wait_timeout": {"type": "float", "default": 0},
    "source": {"type": "str", "default": "Amazon CloudWatch agent, Container Insights"},
}

_LONGEST_POLL_SECONDS = 15.0
# What CloudWatch says of a query that is not right, by its protocol (API: GetMetricData, "Common Errors").
_REFUSED = ("ValidationError", "ValidationException", "InvalidParameterValue", "InvalidParameterCombination")


def scope_of(params: dict[str, Any]) -> Scope:
    """What of the cluster the options mean; raises ValueError."""
    scope = Scope(
        params["cluster_name"],
        params["namespace"],
        **{name: tuple(dict.fromkeys(params[name])) for name in _NAMES},
    )
    check_scope(scope)
    return scope


def check_options(params: dict[str, Any]) -> None:
    """Raises ValueError for options that ask for nothing, or that CloudWatch would answer with nothing."""
    for option in ("metrics", "statistics"):
        if not params[option]:
            raise ValueError(f"{option} is empty; without it a query has no answer: give at least one name")
    check_period(params["period_seconds"])
    if params["wait_timeout"] < 0:
        raise ValueError(f"wait_timeout is {params['wait_timeout']}; give seconds, 0 for no wait")


def ask(params: dict[str, Any], dimension_sets: tuple[DimensionSet, ...], now: datetime) -> Question:
    """The question the options mean; raises ValueError."""
    start, end = parse_range(params["start_time"], params["end_time"], now)
    return Question(
        metrics=tuple(dict.fromkeys(params["metrics"])),
        statistics=tuple(dict.fromkeys(params["statistics"])),
        dimension_sets=dimension_sets,
        period_seconds=params["period_seconds"],
        start=start,
        end=end,
    )


def collect(cloudwatch: CloudWatch, question: Question, params: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Waits for late points as long as allowed, then sorts the series into those with points and those without.

    Beside the result it gives what CloudWatch warns of.
    """
    answer, _settled = wait_until(
        lambda: cloudwatch.answer(question),
        lambda _previous, current: is_up_to_date(current.series, question),
        params["wait_timeout"],
        min(question.period_seconds, _LONGEST_POLL_SECONDS),
    )
    return {
        "changed": False,
        "cluster_name": params["cluster_name"],
        "namespace": params["namespace"],
        "start_time": iso(question.start),
        "end_time": iso(question.end),
        "period_seconds": question.period_seconds,
        "source": params["source"],
        "metrics": [readable_series(one) for one in answer.series if one.timestamps],
        "missing": missing_series(answer.series, cloudwatch, question),
    }, answer.warnings()


def with_remedy(error: DeepobsError, params: dict[str, Any]) -> DeepobsError:
    """The same error; where CloudWatch refused the question, with the options to look at."""
    if error_code(error) not in _REFUSED:
        return error
    options = " and ".join(f"{name}, which are {', '.join(params[name])}" for name in ("metrics", "statistics"))
    return DeepobsError(f"{error.message} because CloudWatch refused the request; check {options}", error.exception)


def run(module: Any) -> dict[str, Any]:
    """What the module returns; raises DeepobsError and ValueError."""
    params, now = module.params, datetime.now(UTC)
    scope = scope_of(params)
    check_options(params)
    lost = check_retention(ask(params, scope.dimension_sets(), now), now)
    cloudwatch = CloudWatch(connect(module, "cloudwatch"))
    try:
        question = ask(params, cloudwatch.dimension_sets(scope), now)
        result, warnings = collect(cloudwatch, question, params)
    except DeepobsError as error:
        raise with_remedy(error, params) from error
    for warning in [lost, *warnings] if lost else warnings:
        module.warn(warning)
    return result


def main() -> None:
    """Entry point of the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    run_module(module, lambda: run(module))


if __name__ == "__main__":
    main()
