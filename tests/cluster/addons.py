"""What runs on the cluster from the start: manifests beside this file, and those that hold what was made for it."""

from __future__ import annotations

import base64
from typing import Any, Final

import yaml

from cluster.layout import NODES, SOURCES, WEBHOOK_PORT, Layout, Node

_VOLUMES_PER_NODE: Final = 10
_VOLUME_SIZE: Final = "10Gi"


def manifests(layout: Layout) -> str:
    """All of them as YAML documents."""
    files = [path.read_text("utf-8") for path in sorted((SOURCES / "addons").glob("*.yaml"))]
    made = [_webhook((layout.keys / "ca.crt").read_bytes()), *_volumes(layout)]
    return "\n---\n".join([*files, *(yaml.safe_dump(document) for document in made)])


def _webhook(authority: bytes) -> dict[str, Any]:
    """As on EKS: where the webhook does not answer, a pod gets no role, but is made."""
    webhook = {
        "name": "iam-for-pods.amazonaws.com",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Ignore",
        "reinvocationPolicy": "IfNeeded",
        "clientConfig": {
            "url": f"https://127.0.0.1:{WEBHOOK_PORT}/mutate",
            "caBundle": base64.b64encode(authority).decode(),
        },
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "pod-identity-webhook"},
        "webhooks": [webhook],
    }


def _volumes(layout: Layout) -> list[dict[str, Any]]:
    return [_volume(layout, node, number) for node in NODES for number in range(1, _VOLUMES_PER_NODE + 1)]


def _volume(layout: Layout, node: Node, number: int) -> dict[str, Any]:
    folder = layout.node(node) / "volumes" / str(number)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)  # a pod need not be root to write to its volume
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node.name]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{node.name}-{number}"},
        "spec": {
            "capacity": {"storage": _VOLUME_SIZE},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "local",
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }
