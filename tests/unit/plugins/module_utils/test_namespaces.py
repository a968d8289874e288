"""What else a namespace holds."""

from __future__ import annotations

from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_api import Reference
from ansible_collections.deepobs.eks.plugins.module_utils.namespaces import foreign_objects
from support.fake_cluster import FakeCluster


def _object(kind: str, name: str, **labels: str) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": "tracing", "labels": labels}}


def test_foreign_is_what_is_neither_known_nor_kubernetes_own_nor_a_pod_of_ours() -> None:
    known = Reference("Service", "daemon", "tracing")
    cluster = FakeCluster(
        _object("Service", "daemon"),
        _object("ServiceAccount", "default"),
        _object("ConfigMap", "kube-root-ca.crt"),
        _object("Pod", "daemon-1", app="daemon"),
        _object("Pod", "theirs", app="other"),
        _object("Secret", "theirs"),
        nodes=(),
    )
    found = foreign_objects(cluster, "tracing", [known], {"app": "daemon"})  # type: ignore[arg-type]
    assert [str(reference) for reference in found] == ["Pod tracing/theirs", "Secret tracing/theirs"]
