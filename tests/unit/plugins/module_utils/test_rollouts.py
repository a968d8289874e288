"""How far a rollout is, as tables of a DaemonSet's status and its pods."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_api import Reference
from ansible_collections.deepobs.eks.plugins.module_utils.rollouts import (
    Rollout,
    is_complete,
    is_stuck,
    node_of,
    read_rollout,
)
from support.fake_cluster import FakeCluster, waiting_pod

DAEMON_SET: dict[str, Any] = {
    "kind": "DaemonSet",
    "metadata": {"name": "daemon", "namespace": "tracing"},
    "spec": {
        "selector": {"matchLabels": {"app": "daemon"}},
        "template": {"metadata": {"labels": {"app": "daemon"}}},
    },
}


def _rollout(seen: int, wanted: int, updated: int, available: int) -> Rollout:
    status = {
        "observedGeneration": seen,
        "desiredNumberScheduled": wanted,
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
    }
    return Rollout({"metadata": {"generation": 2}, "status": status}, [])


@pytest.mark.parametrize(
    ("rollout", "complete"),
    [
        (_rollout(2, 3, 3, 3), True),
        (_rollout(1, 3, 3, 3), False),
        (_rollout(2, 3, 2, 3), False),
        (_rollout(2, 3, 3, 2), False),
        (_rollout(2, 0, 0, 0), True),
        (Rollout({"metadata": {"generation": 1}}, []), False),
    ],
    ids=["all", "not seen yet", "old pods left", "not available", "no node", "no status"],
)
def test_rollout_is_complete_where_each_node_has_an_available_new_pod(rollout: Rollout, complete: bool) -> None:
    assert is_complete(rollout) is complete


@pytest.mark.parametrize(
    ("status", "stuck"),
    [
        (waiting_pod("ContainerCreating"), False),
        (waiting_pod("ErrImagePull"), False),
        (waiting_pod("ImagePullBackOff"), True),
        (waiting_pod("CreateContainerConfigError"), True),
        (waiting_pod("CrashLoopBackOff", restarts=1), False),
        (waiting_pod("CrashLoopBackOff", restarts=2), True),
        ({"phase": "Pending"}, False),
    ],
)
def test_rollout_is_stuck_where_a_pod_waits_for_what_does_not_come(status: dict[str, Any], stuck: bool) -> None:
    assert is_stuck(Rollout({}, [{"status": status}])) is stuck


def test_pods_of_an_older_template_and_those_that_go_do_not_count() -> None:
    annotated = DAEMON_SET["metadata"] | {"annotations": {"deprecated.daemonset.template.generation": "2"}}
    pods = [
        {"kind": "Pod", "metadata": {"name": name, "namespace": "tracing", "labels": {"app": "daemon"} | label, **more}}
        for name, label, more in [
            ("old", {"pod-template-generation": "1"}, {}),
            ("new", {"pod-template-generation": "2"}, {}),
            ("going", {"pod-template-generation": "2"}, {"deletionTimestamp": "now"}),
        ]
    ]
    cluster = FakeCluster(DAEMON_SET | {"metadata": annotated}, *pods, nodes=())
    rollout = read_rollout(cluster, Reference("DaemonSet", "daemon", "tracing"))  # type: ignore[arg-type]
    assert rollout is not None
    assert [pod["metadata"]["name"] for pod in rollout.pods] == ["new"]


def test_there_is_no_rollout_of_what_is_not_there() -> None:
    assert read_rollout(FakeCluster(), Reference("DaemonSet", "daemon", "tracing")) is None  # type: ignore[arg-type]


def test_pod_without_a_node_says_so() -> None:
    assert node_of({"spec": {}}) == "no node yet"
