# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a cluster's Pod Identity associations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, call, error_code
from ansible_collections.deepobs.eks.plugins.module_utils.clusters import missing_cluster
from ansible_collections.deepobs.eks.plugins.module_utils.paging import pages
from ansible_collections.deepobs.eks.plugins.module_utils.pod_identity import MEMBERS, Association, from_aws

MISSING = "ResourceNotFoundException"


def read_associations(
    eks: Any, cluster_name: str, wanted: Callable[[Mapping[str, Any]], bool], **filters: str
) -> list[Association]:
    """The associations whose summary is wanted, with all that EKS tells of them.

    A summary has no more than place, id and owner. `filters` are those of ListPodIdentityAssociations. Raises
    DeepobsError, also for a cluster that is not there.
    """
    summaries = [summary for summary in _summaries(eks, cluster_name, filters) if wanted(summary)]
    described = (describe_association(eks, cluster_name, summary["association_id"]) for summary in summaries)
    return [from_aws(association) for association in described if association]


def _summaries(eks: Any, cluster_name: str, filters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    method, purpose = (
        eks.list_pod_identity_associations,
        f"list the Pod Identity associations of cluster {cluster_name}",
    )
    try:
        for page in pages(method, purpose, "nextToken", clusterName=cluster_name, **filters):
            for item in page["associations"]:
                yield {name: item.get(theirs) for name, theirs in MEMBERS.items()}
    except DeepobsError as error:
        if error_code(error) != MISSING:
            raise
        raise missing_cluster(cluster_name) from error


def describe_association(eks: Any, cluster_name: str, association_id: str) -> dict[str, Any]:
    """The association as EKS describes it; empty where it went since its id was read."""
    answer = call(
        eks.describe_pod_identity_association,
        f"describe Pod Identity association {association_id} of cluster {cluster_name}",
        missing_code=MISSING,
        clusterName=cluster_name,
        associationId=association_id,
    )
    association: dict[str, Any] = answer.get("association", {})
    return association
