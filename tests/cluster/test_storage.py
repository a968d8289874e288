"""A claim without a class is bound to a volume, whose content outlives the pod."""

from __future__ import annotations

from kubernetes import client

from cluster.running import Namespace, RunningCluster


def test_there_is_one_default_class(running: RunningCluster) -> None:
    classes = client.StorageV1Api(running.api).list_storage_class().items
    key = "storageclass.kubernetes.io/is-default-class"
    assert len([item for item in classes if (item.metadata.annotations or {}).get(key) == "true"]) == 1


def test_claim_is_bound_and_its_volume_keeps_what_was_written(running: RunningCluster, namespace: Namespace) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": namespace.name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    mounted = {"container": {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}}
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    running.apply(claim)
    namespace.run(namespace.pod("writer", **mounted, volumes=volumes))
    bound = running.core.read_namespaced_persistent_volume_claim("data", namespace.name)
    assert bound.status.phase == "Bound"
    namespace.probe("writer", "write", "/data/note", "kept")
    running.kubectl("delete", "pod", "writer", "--namespace", namespace.name)
    namespace.run(namespace.pod("reader", **mounted, volumes=volumes))
    assert namespace.probe("reader", "cat", "/data/note") == "kept\n"
