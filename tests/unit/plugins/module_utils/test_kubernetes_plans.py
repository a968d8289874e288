"""What applying manifests would do, and its doing, on a cluster in memory."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_api import Reference
from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_plans import (
    carry_out,
    describe,
    plan_absent,
    plan_present,
    settled,
)
from support.fake_cluster import FakeCluster

NAMESPACE: dict[str, Any] = {"kind": "Namespace", "metadata": {"name": "tracing"}}
SERVICE: dict[str, Any] = {
    "kind": "Service",
    "metadata": {"name": "daemon", "namespace": "tracing"},
    "spec": {"ports": [1]},
}
MANIFESTS = [NAMESPACE, SERVICE]


def test_plan_writes_nothing_and_is_what_carrying_it_out_does() -> None:
    cluster = FakeCluster()
    plan = plan_present(cluster, MANIFESTS, force=False)  # type: ignore[arg-type]
    assert [change.verb for change in plan] == ["created", "created"]
    assert cluster.writes == []
    carry_out(cluster, plan, force=False)  # type: ignore[arg-type]
    assert [reference for _verb, reference in cluster.writes] == [change.reference for change in plan]
    again = plan_present(cluster, MANIFESTS, force=False)  # type: ignore[arg-type]
    assert [change.verb for change in again] == ["unchanged", "unchanged"]
    assert [change.after for change in again] == [change.after for change in plan]


def test_only_what_changes_is_described_and_written() -> None:
    cluster = FakeCluster(*MANIFESTS)
    plan = plan_present(cluster, [NAMESPACE, SERVICE | {"spec": {"ports": [2]}}], force=False)  # type: ignore[arg-type]
    told = describe(plan)
    assert list(told["before"]) == list(told["after"]) == ["Service tracing/daemon"]
    assert (told["before"]["Service tracing/daemon"]["spec"], told["after"]["Service tracing/daemon"]["spec"]) == (
        {"ports": [1]},
        {"ports": [2]},
    )
    carry_out(cluster, plan, force=False)  # type: ignore[arg-type]
    assert cluster.writes == [("apply", Reference("Service", "daemon", "tracing"))]


def test_object_of_a_namespace_to_come_bears_its_own_namespace() -> None:
    [_namespace, service] = plan_present(FakeCluster(), MANIFESTS, force=False)  # type: ignore[arg-type]
    assert service.after is not None
    assert service.after["metadata"]["namespace"] == "tracing"


def test_absent_deletes_what_is_there() -> None:
    cluster = FakeCluster(*MANIFESTS)
    plan = plan_absent(cluster, [Reference("Service", "daemon", "tracing"), Reference("Pod", "x", "tracing")])  # type: ignore[arg-type]
    assert [change.verb for change in plan] == ["deleted", "unchanged"]
    carry_out(cluster, plan, force=False)  # type: ignore[arg-type]
    assert cluster.writes == [("delete", Reference("Service", "daemon", "tracing"))]


def test_conflict_is_told_with_its_remedy() -> None:
    cluster = FakeCluster(*MANIFESTS)
    cluster.taken[Reference("Service", "daemon", "tracing")] = 'conflict with "helm": .spec.ports'
    with pytest.raises(DeepobsError, match=r'Service tracing/daemon has fields .*"helm".*force_conflicts=true'):
        plan_present(cluster, MANIFESTS, force=False)  # type: ignore[arg-type]
    assert plan_present(cluster, MANIFESTS, force=True)  # type: ignore[arg-type]


def test_settled_leaves_out_what_only_the_server_writes() -> None:
    metadata = {"name": "daemon", "uid": "1", "resourceVersion": "2", "generation": 3, "managedFields": []}
    assert settled({"kind": "Service", "metadata": metadata, "status": {}}) == {
        "kind": "Service",
        "metadata": {"name": "daemon"},
    }
