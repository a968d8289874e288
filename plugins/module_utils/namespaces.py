# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a namespace holds besides what one knows of, so that none is deleted with somebody else's things in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_api import (
    Cluster,
    Manifest,
    Reference,
    reference_of,
)

_KINDS = (
    "Pod",
    "Service",
    "ServiceAccount",
    "ConfigMap",
    "Secret",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
)
# What Kubernetes puts into every namespace.
_EVERYWHERE = {("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")}


def foreign_objects(
    cluster: Cluster, namespace: str, known: Collection[Reference], labels: Mapping[str, str]
) -> list[Reference]:
    """The objects of a namespace that are neither known nor pods with these labels."""
    found = []
    for kind in _KINDS:
        for item in cluster.find(kind, namespace):
            reference = reference_of(item | {"kind": kind})
            if reference not in known and not _is_everywhere(reference) and not _is_pod_of(item, kind, labels):
                found.append(reference)
    return found


def _is_everywhere(reference: Reference) -> bool:
    return (reference.kind, reference.name) in _EVERYWHERE


def _is_pod_of(item: Manifest, kind: str, labels: Mapping[str, str]) -> bool:
    return kind == "Pod" and labels.items() <= item["metadata"].get("labels", {}).items()
