"""Under which dimensions a scope's metrics are, and what is no scope."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.metric_dimensions import (
    DimensionSet,
    KnownSets,
    Scope,
    check_scope,
    completed,
    others_published,
)
from hypothesis import given
from hypothesis import strategies as st

CLUSTER: DimensionSet = (("ClusterName", "shop"),)
NAMESPACE: DimensionSet = (*CLUSTER, ("Namespace", "ecommerce"))
POD: DimensionSet = (*NAMESPACE, ("PodName", "backend"))
NODE: DimensionSet = (*CLUSTER, ("NodeName", "ip-1"))
NAMES = st.lists(st.sampled_from("abc"), max_size=3, unique=True)


@pytest.mark.parametrize(
    ("options", "sets"),
    [
        ({}, [CLUSTER]),
        ({"namespace": "ecommerce"}, [NAMESPACE]),
        ({"namespace": "ecommerce", "pods": ["backend"]}, [POD]),
        (
            {"namespace": "ecommerce", "pods": ["backend"], "containers": ["app", "proxy"]},
            [(*POD, ("ContainerName", "app")), (*POD, ("ContainerName", "proxy"))],
        ),
        (
            {"namespace": "ecommerce", "services": ["backend"], "pods": ["backend"]},
            [(*NAMESPACE, ("Service", "backend")), POD],
        ),
    ],
)
def test_the_narrowest_dimensions_are_meant(options: dict[str, Any], sets: list[DimensionSet]) -> None:
    assert Scope("shop", **options).dimension_sets() == tuple(sets)


def test_companions_are_looked_up() -> None:
    scope = Scope("shop", "ecommerce", full_pod_names=["backend-1"], nodes=["ip-1"])
    assert scope.looked_up == [(*NAMESPACE, ("FullPodName", "backend-1")), NODE]
    instance = (*NODE, ("InstanceId", "i-1"))
    known: KnownSets = {
        frozenset(instance),
        frozenset(NODE),
        frozenset((*instance, ("Device", "eth0"))),
        frozenset((*CLUSTER, ("NodeName", "ip-2"), ("InstanceId", "i-2"))),
    }
    assert completed(NODE, known) == [instance]
    assert completed(NODE, set()) == [NODE]
    assert scope.dimension_sets([instance]) == (instance,)


@given(NAMES, NAMES, NAMES, NAMES, NAMES, st.sampled_from([None, "ecommerce"]))
def test_every_scope_that_is_accepted_has_the_cluster_in_every_set(
    services: list[str],
    pods: list[str],
    full: list[str],
    containers: list[str],
    nodes: list[str],
    namespace: str | None,
) -> None:
    scope = Scope("shop", namespace, services, pods, full, containers, nodes)
    try:
        check_scope(scope)
    except ValueError:
        assert namespace is None or (containers and not pods)
        return
    sets = scope.dimension_sets(scope.looked_up)
    assert all(one[0] == CLUSTER[0] for one in sets)
    assert (
        len(sets)
        == len(set(sets))
        == max(1, len(services) + len(pods) * max(1, len(containers)) + len(full) + len(nodes))
    )


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (Scope(""), "cluster_name is empty"),
        (Scope("shop", ""), "namespace is empty"),
        (Scope("shop", pods=["a"]), "pods needs namespace"),
        (Scope("shop", full_pod_names=["a"]), "full_pod_names needs namespace"),
        (Scope("shop", "ecommerce", containers=["a"]), "containers needs pods"),
        (Scope("shop", nodes=[""]), "nodes has an empty name"),
    ],
)
def test_what_is_no_scope(scope: Scope, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_scope(scope)


def test_other_values_of_the_last_dimension_are_told() -> None:
    known: KnownSets = {frozenset(POD), frozenset(NODE), frozenset((*NAMESPACE, ("PodName", "redis")))}
    assert others_published((*NAMESPACE, ("PodName", "nobody")), known) == ["backend", "redis"]
    assert others_published((*NAMESPACE, ("PodName", "nobody")), known, most=1) == ["backend", "..."]
    assert others_published((*CLUSTER, ("Namespace", "other")), known) == []
