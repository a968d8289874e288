"""The daemon's objects: which options become which fields."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.xray_daemon_manifests import (
    DaemonOptions,
    is_own,
    manifests,
    references,
)

NAMESPACE: dict[str, Any] = {"metadata": {"name": "tracing"}}


def _made(**options: Any) -> dict[str, dict[str, Any]]:
    given = DaemonOptions("tracing", "daemon", "registry/daemon:1", **options)
    return {manifest["kind"]: manifest for manifest in manifests(given, None)}


def _pod(**options: Any) -> dict[str, Any]:
    pod: dict[str, Any] = _made(**options)["DaemonSet"]["spec"]["template"]["spec"]
    return pod


def test_service_keeps_segments_on_their_node() -> None:
    service = _made()["Service"]["spec"]
    assert service["internalTrafficPolicy"] == "Local"
    assert {(port["port"], port["protocol"]) for port in service["ports"]} == {(2000, "UDP"), (2000, "TCP")}


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({}, ["--local-mode", "--log-level", "info"]),
        (
            {"region": "eu-west-1", "log_level": "warn"},
            ["--local-mode", "--region", "eu-west-1", "--log-level", "warn"],
        ),
        ({"arguments": ["--config", "/x"]}, ["--config", "/x"]),
        ({"arguments": []}, []),
    ],
)
def test_arguments(options: dict[str, Any], arguments: list[str]) -> None:
    assert _pod(**options)["containers"][0]["args"] == arguments


def test_environment_has_the_region_and_what_is_given_over_it() -> None:
    [container] = _pod(region="eu-west-1", environment={"A": "1", "AWS_REGION": "x"})["containers"]
    assert container["env"] == [{"name": "A", "value": "1"}, {"name": "AWS_REGION", "value": "x"}]


def test_placement() -> None:
    pod = _pod(
        node_selector={"pool": "a"},
        tolerations=[{"operator": "Exists"}],
        priority_class="high",
        image_pull_secrets=["registry"],
    )
    assert pod["nodeSelector"] == {"pool": "a"}
    assert pod["tolerations"] == [{"operator": "Exists"}]
    assert pod["priorityClassName"] == "high"
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert {"nodeSelector", "priorityClassName", "imagePullSecrets"}.isdisjoint(_pod())


@pytest.mark.parametrize(("given", "written"), [("1", 1), ("25%", "25%")])
def test_update_strategy(given: str, written: int | str) -> None:
    strategy = _made(max_unavailable=given)["DaemonSet"]["spec"]["updateStrategy"]
    assert strategy["rollingUpdate"] == {"maxUnavailable": written}


def test_role_is_on_the_account_and_on_the_pods_so_that_another_starts_them_anew() -> None:
    made = _made(role_arn="arn:aws:iam::1:role/a")
    assert made["ServiceAccount"]["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/a"}
    annotations = made["DaemonSet"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"deepobs.eks/role-arn": "arn:aws:iam::1:role/a"}
    assert "annotations" not in _made()["ServiceAccount"]["metadata"]


def test_only_a_namespace_that_is_made_is_marked_as_made() -> None:
    options = DaemonOptions("tracing", "daemon", "image")
    made = manifests(options, None)[0]
    assert is_own(None)
    assert is_own(made)
    assert not is_own(NAMESPACE)
    held = manifests(options, NAMESPACE)[0]
    assert held["metadata"] == {
        "name": "tracing",
        "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
    }


def test_references_go_in_the_order_of_taking_away() -> None:
    assert [reference.kind for reference in references(DaemonOptions("tracing", "daemon", "image"))] == [
        "DaemonSet",
        "Service",
        "ServiceAccount",
    ]
