"""What eks_pod_identity_association_info does."""

from __future__ import annotations

from support.scenarios import CLUSTER, Scenario
from support.scenarios.eks_pod_identity_association import VOLATILE, with_addons_association, with_associations

MODULE = "eks_pod_identity_association_info"

SCENARIOS = [
    Scenario(
        MODULE,
        "lists those of a namespace",
        {"cluster_name": CLUSTER, "namespace": "shop"},
        with_associations,
        changes=False,
        volatile=VOLATILE,
    ),
    Scenario(
        MODULE,
        "lists those of an add-on",
        {"cluster_name": CLUSTER, "addon": "vpc-cni"},
        with_addons_association,
        changes=False,
        volatile=VOLATILE,
    ),
]
