# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How far a rollout is, and why it does not go on: which pod on which node, its events, its last words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_api import Cluster, Manifest, Reference
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch, wait_until

_INTERVAL_SECONDS = 1.0
_LOG_LINES = 5
# What does not pass by itself (kubelet's reasons for a waiting container).
_STUCK = {
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
}
_CRASHES = 2
_REMEDIES = {
    "ImagePullBackOff": "Look at image for a misspelt name or tag, and give image_pull_secrets for a private registry.",
    "InvalidImageName": "Correct image.",
    "FailedCreate": "The namespace forbids such a pod: allow it more, or ask for less.",
    "FailedScheduling": "Make room on the node, or lower resources.requests.",
}


class Rollout(NamedTuple):
    """A DaemonSet and the pods of its newest template."""

    daemon_set: Manifest
    pods: list[Manifest]


def read_rollout(cluster: Cluster, reference: Reference) -> Rollout | None:
    """The rollout of a DaemonSet; None where it is not there."""
    found = cluster.get(reference)
    if found is None:
        return None
    pods = cluster.find("Pod", reference.namespace, found["spec"]["selector"]["matchLabels"])
    return Rollout(found, [pod for pod in pods if _is_of_newest_template(pod, found)])


def is_complete(rollout: Rollout) -> bool:
    """Whether every node that should have a pod of the newest template has one that is available."""
    status = rollout.daemon_set.get("status", {})
    if status.get("observedGeneration", 0) < rollout.daemon_set["metadata"]["generation"]:
        return False
    wanted = status.get("desiredNumberScheduled", 0)
    return bool(status.get("updatedNumberScheduled", 0) == wanted == status.get("numberAvailable", 0))


def is_stuck(rollout: Rollout) -> bool:
    """Whether a pod waits for what does not come by itself."""
    return any(
        reason in _STUCK or (reason == "CrashLoopBackOff" and restarts >= _CRASHES)
        for pod in rollout.pods
        for reason, _message, restarts in _waiting(pod)
    )


def wait_for_rollout(
    cluster: Cluster, reference: Reference, timeout_seconds: float, watch: Stopwatch
) -> Rollout | None:
    """The rollout once it is complete, or where it is stuck or the time is over, as `is_complete` tells of it."""

    def read() -> Rollout | None:
        return read_rollout(cluster, reference)

    def is_over(_before: Rollout | None, now: Rollout | None) -> bool:
        return now is None or is_complete(now) or is_stuck(now)

    return wait_until(read, is_over, timeout_seconds, _INTERVAL_SECONDS, *watch).state


def explain(cluster: Cluster, rollout: Rollout) -> str:
    """Why a rollout is not complete: a line for each pod that is not ready, with events, last words and remedy."""
    namespace = rollout.daemon_set["metadata"]["namespace"]
    events = cluster.find("Event", namespace)
    status = rollout.daemon_set.get("status", {})
    counts = f"{status.get('numberAvailable', 0)} of {status.get('desiredNumberScheduled', 0)} pods are available"
    told = [_pod_told(pod, events, cluster.log) for pod in rollout.pods if not is_ready(pod)]
    told += _warnings(events, "DaemonSet", rollout.daemon_set["metadata"]["name"])
    remedies = [remedy for reason, remedy in _REMEDIES.items() if any(reason in line for line in told)]
    return "; ".join([counts, *told]) + "".join(f". {remedy}" for remedy in remedies)


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether a pod's condition Ready is true."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def node_of(pod: Mapping[str, Any]) -> str:
    """The node that a pod is on, or was made for."""
    return str(pod["spec"].get("nodeName") or "no node yet")


def _pod_told(pod: Manifest, events: Sequence[Manifest], log: Callable[..., str]) -> str:
    reference = Reference("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"])
    reasons = [f"{reason}: {message}".rstrip(": ") for reason, message, _restarts in _waiting(pod)]
    said = log(reference, _LOG_LINES) or log(reference, _LOG_LINES, previous=True)
    last_words = [f"last said {' | '.join(said.split(chr(10))).strip(' |')!r}"] if said.strip() else []
    told = reasons + _warnings(events, "Pod", reference.name) + last_words
    return f"pod {reference.name} on node {node_of(pod)}: {', '.join(told) or pod['status'].get('phase', 'unknown')}"


def _waiting(pod: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """Reason, message and restarts of each container that waits or has ended."""
    found = []
    for status in pod.get("status", {}).get("containerStatuses", []):
        state = status.get("state", {})
        halted = state.get("waiting") or state.get("terminated")
        if halted:
            found.append((halted.get("reason", ""), halted.get("message", ""), status.get("restartCount", 0)))
    return found


def _warnings(events: Sequence[Manifest], kind: str, name: str) -> list[str]:
    """The last warning of each reason about an object."""
    about = [
        event
        for event in events
        if event.get("type") == "Warning"
        and (event["involvedObject"].get("kind"), event["involvedObject"].get("name")) == (kind, name)
    ]
    by_reason = {event.get("reason", ""): event.get("message", "") for event in sorted(about, key=_last_seen)}
    return [f"{reason}: {message}" for reason, message in by_reason.items()]


def _last_seen(event: Mapping[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _is_of_newest_template(pod: Mapping[str, Any], daemon_set: Mapping[str, Any]) -> bool:
    """The controller still numbers templates as it did before revisions; pods that are going do not count."""
    newest = daemon_set["metadata"].get("annotations", {}).get("deprecated.daemonset.template.generation")
    is_going = "deletionTimestamp" in pod["metadata"]
    return not is_going and pod["metadata"].get("labels", {}).get("pod-template-generation") in (newest, None)
