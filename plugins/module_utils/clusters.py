# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Looking up an EKS cluster."""

from __future__ import annotations

from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, call


def describe_cluster(eks: Any, name: str) -> dict[str, Any]:
    """The cluster as EKS describes it; raises DeepobsError where there is none of this name."""
    answer = call(eks.describe_cluster, f"describe cluster {name}", missing_code="ResourceNotFoundException", name=name)
    if not answer:
        raise missing_cluster(name)
    cluster: dict[str, Any] = answer["cluster"]
    return cluster


def missing_cluster(name: str) -> DeepobsError:
    """What to say of a cluster that is not there."""
    return DeepobsError(
        f"There is no EKS cluster {name!r} in this account and region. Mend cluster_name, region or the credentials."
    )


def issuer_of(cluster: dict[str, Any]) -> str:
    """URL of the issuer of the cluster's service account tokens; raises DeepobsError while it has none."""
    issuer = cluster.get("identity", {}).get("oidc", {}).get("issuer", "")
    if not issuer:
        status = cluster.get("status", "unknown")
        raise DeepobsError(
            f"EKS cluster {cluster['name']!r} has no OIDC issuer yet (its status is {status}). Wait until it is ACTIVE."
        )
    return str(issuer)
