"""A cluster in memory with the methods of `kubernetes_api.Cluster`: objects, an apply that merges, pods by node."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_api import (
    KubernetesError,
    Manifest,
    Reference,
    reference_of,
)

Writes = list[tuple[str, Reference]]


class FakeCluster:
    """Each DaemonSet has a pod on each node at once; `states` says in which state, `logs` and `answers` what pods say.

    `taken` are fields by which applying an object conflicts. `writes` are what was really done.
    """

    def __init__(self, *found: Manifest, nodes: tuple[str, ...] = ("node-1", "node-2")) -> None:
        self.objects: dict[Reference, Manifest] = {reference_of(item): self._stored(item) for item in found}
        self.nodes = nodes
        self.states: dict[str, Manifest] = {}
        self.events: list[Manifest] = []
        self.logs: dict[str, str] = {}
        self.answers: dict[str, str] = {}
        self.taken: dict[Reference, str] = {}
        self.forbidden: set[str] = set()
        self.writes: Writes = []

    def get(self, wanted: Reference) -> Manifest | None:
        found = self.objects.get(wanted)
        if found is not None and wanted.kind == "DaemonSet":
            return found | {"status": self._daemon_set_status()}
        return found

    def find(self, kind: str, namespace: str, labels: Mapping[str, str] | None = None) -> list[Manifest]:
        if kind == "Event":
            return self.events
        found = [item for reference, item in self.objects.items() if reference[::2] == (kind, namespace)]
        if kind == "Pod":
            found += self._pods(namespace)
        return [item for item in found if (labels or {}).items() <= item["metadata"].get("labels", {}).items()]

    def apply(self, manifest: Manifest, *, dry_run: bool = False, force: bool = False) -> Manifest:
        reference = reference_of(manifest)
        if reference in self.taken and not force:
            raise KubernetesError("refused", 409, self.taken[reference])
        if reference.namespace and Reference("Namespace", reference.namespace) not in self.objects:
            raise KubernetesError("refused", 404, f'namespaces "{reference.namespace}" not found')
        made = self._stored(_merged(self.objects.get(reference, {}), manifest))
        if not dry_run:
            self.writes.append(("apply", reference))
            self.objects[reference] = made
        return made

    def try_create(self, manifest: Manifest) -> Manifest:
        if manifest["kind"] in self.forbidden:
            raise KubernetesError("refused", 403, "forbidden")
        return self._stored(manifest)

    def delete(self, wanted: Reference) -> None:
        self.writes.append(("delete", wanted))
        self.objects.pop(wanted, None)

    def log(self, pod: Reference, lines: int, *, previous: bool = False) -> str:
        return "" if previous else self.logs.get(pod.name, "")

    def post_to_pod(self, pod: Reference, port: int, path: str, body: Manifest) -> str:
        refusal = self.answers.get(pod.name)
        if refusal:
            raise KubernetesError(f"Failed to ask {pod}: {refusal}", 500, refusal)
        return "{}"

    def _stored(self, manifest: Manifest) -> Manifest:
        """With what a server adds by itself."""
        made = copy.deepcopy(manifest)
        made["metadata"] |= {"uid": "u", "resourceVersion": str(len(getattr(self, "writes", ()))), "generation": 1}
        return made

    def _pods(self, namespace: str) -> list[Manifest]:
        sets = [item for reference, item in self.objects.items() if reference[::2] == ("DaemonSet", namespace)]
        return [self._pod(item, node) for item in sets for node in self.nodes]

    def _pod(self, daemon_set: Manifest, node: str) -> Manifest:
        name = f"{daemon_set['metadata']['name']}-{node}"
        ready = {"conditions": [{"type": "Ready", "status": "True"}], "phase": "Running"}
        return {
            "metadata": {"name": name, "namespace": daemon_set["metadata"]["namespace"], **_labels(daemon_set)},
            "spec": {"nodeName": node},
            "status": self.states.get(node, ready),
        }

    def _daemon_set_status(self) -> dict[str, Any]:
        available = len([node for node in self.nodes if node not in self.states])
        wanted = len(self.nodes)
        return {
            "observedGeneration": 1,
            "desiredNumberScheduled": wanted,
            "updatedNumberScheduled": wanted,
            "numberAvailable": available,
        }


def waiting_pod(reason: str, message: str = "", restarts: int = 0) -> Manifest:
    """The status of a pod whose container waits."""
    waiting = {"state": {"waiting": {"reason": reason, "message": message}}, "restartCount": restarts}
    return {"phase": "Pending", "conditions": [], "containerStatuses": [waiting]}


def warning(kind: str, name: str, reason: str, message: str) -> Manifest:
    """An event that warns of an object."""
    about = {"kind": kind, "name": name}
    return {"type": "Warning", "reason": reason, "message": message, "involvedObject": about, "lastTimestamp": "1"}


def _labels(daemon_set: Manifest) -> dict[str, Any]:
    return {"labels": daemon_set["spec"]["template"]["metadata"]["labels"]}


def _merged(before: Any, after: Any) -> Any:
    if isinstance(before, dict) and isinstance(after, dict):
        return before | {key: _merged(before.get(key), value) for key, value in after.items()}
    return after
