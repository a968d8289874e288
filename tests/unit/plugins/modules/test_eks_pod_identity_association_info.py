"""eks_pod_identity_association_info against an account: which associations it lists."""

from __future__ import annotations

from typing import Any

import pytest
from support.documented import differences, return_documentation
from support.module_cycle import ModuleFailedError, run_module
from support.scenarios import CLUSTER
from support.scenarios.eks_pod_identity_association import with_addons_association

MODULE = "eks_pod_identity_association_info"


pytestmark = pytest.mark.usefixtures("account")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["kube-system/aws-node", "kube-system/old"]),
        ({"addon": "vpc-cni"}, ["kube-system/aws-node"]),
        ({"addon": ""}, ["kube-system/old"]),
        ({"service_account": "old"}, ["kube-system/old"]),
        ({"namespace": "shop"}, []),
    ],
)
def test_associations_are_those_asked_for(aws: Any, filters: dict[str, str], expected: list[str]) -> None:
    with_addons_association(aws)
    found = run_module(MODULE, {"cluster_name": CLUSTER, **filters})
    assert [f"{item['namespace']}/{item['service_account']}" for item in found["associations"]] == expected
    assert differences(return_documentation(MODULE), found) == []
    assert not found["changed"]


def test_missing_cluster_is_told() -> None:
    with pytest.raises(ModuleFailedError, match="There is no EKS cluster 'nowhere' in this account and region"):
        run_module(MODULE, {"cluster_name": "nowhere"})
