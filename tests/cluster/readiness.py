"""When a cluster is ready: a table of conditions, each of which can say so of itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import urllib3
from kubernetes import client, config

_READY_SECONDS: Final = 120.0
_ASK_EVERY_SECONDS: Final = 0.2


def wait_until_ready(kubeconfig: Path, nodes: int, say: Callable[[str], None]) -> None:
    """Returns once all conditions hold, and says when each did. Raises TimeoutError, which names the others."""
    api = config.new_client_from_config(str(kubeconfig))
    waiting: dict[str, Callable[[Any], bool]] = {
        f"{nodes} nodes are ready": lambda api: _ready_nodes(api) == nodes,
        "pods can be made": _has_default_account,
        "names are resolved": lambda api: _is_available(api, "coredns"),
        "metrics are served": lambda api: _is_available(api, "metrics-server") and _has_metrics(api),
    }
    deadline = time.monotonic() + _READY_SECONDS
    with api:
        while waiting:
            for name in [name for name, holds in waiting.items() if _holds(holds, api)]:
                say(name)
                del waiting[name]
            if waiting and time.monotonic() > deadline:
                raise TimeoutError(f"not within {_READY_SECONDS:.0f} s: {', '.join(waiting)}")
            time.sleep(_ASK_EVERY_SECONDS)


def _holds(condition: Callable[[Any], bool], api: Any) -> bool:
    try:
        return condition(api)
    except (client.ApiException, urllib3.exceptions.HTTPError):
        return False


def _ready_nodes(api: Any) -> int:
    nodes = client.CoreV1Api(api).list_node().items
    conditions = [condition for node in nodes for condition in node.status.conditions or ()]
    return sum(condition.type == "Ready" and condition.status == "True" for condition in conditions)


def _has_default_account(api: Any) -> bool:
    return bool(client.CoreV1Api(api).read_namespaced_service_account("default", "default"))


def _is_available(api: Any, deployment: str) -> bool:
    status = client.AppsV1Api(api).read_namespaced_deployment_status(deployment, "kube-system").status
    return bool(status.available_replicas)


def _has_metrics(api: Any) -> bool:
    service = client.ApiregistrationV1Api(api).read_api_service("v1beta1.metrics.k8s.io")
    conditions = service.status.conditions or ()
    return any(condition.type == "Available" and condition.status == "True" for condition in conditions)
