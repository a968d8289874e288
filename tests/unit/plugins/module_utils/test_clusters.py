"""Looking up a cluster in the account, and the issuer that it may not have yet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.clusters import describe_cluster, issuer_of
from botocore.exceptions import ClientError

ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF"


def eks_of(*names: str, code: str = "ResourceNotFoundException") -> Any:
    """A client of an account with these clusters, which says no to every other name with a code."""

    def describe(name: str, aws_retry: bool) -> dict[str, Any]:
        if name not in names:
            raise ClientError({"Error": {"Code": code, "Message": "No."}}, "DescribeCluster")
        return {"cluster": {"name": name, "status": "ACTIVE"}}

    return SimpleNamespace(describe_cluster=describe)


def test_cluster_is_described() -> None:
    assert describe_cluster(eks_of("shop", "other"), "shop") == {"name": "shop", "status": "ACTIVE"}


def test_cluster_that_is_not_there_is_named_with_what_to_mend() -> None:
    with pytest.raises(DeepobsError, match=r"There is no EKS cluster 'shop' .* Mend cluster_name, region"):
        describe_cluster(eks_of(), "shop")


def test_cluster_that_may_not_be_seen_is_another_failure() -> None:
    with pytest.raises(DeepobsError, match="Failed to describe cluster shop") as caught:
        describe_cluster(eks_of(code="AccessDeniedException"), "shop")
    assert isinstance(caught.value.exception, ClientError)


def test_issuer_is_that_of_the_clusters_tokens() -> None:
    assert issuer_of({"name": "shop", "identity": {"oidc": {"issuer": ISSUER}}}) == ISSUER


@pytest.mark.parametrize("identity", [{}, {"identity": {}}, {"identity": {"oidc": {}}}])
def test_cluster_without_an_issuer_is_to_be_waited_for(identity: dict[str, Any]) -> None:
    with pytest.raises(DeepobsError, match=r"'shop' has no OIDC issuer yet \(its status is CREATING\)"):
        issuer_of({"name": "shop", "status": "CREATING", **identity})
    with pytest.raises(DeepobsError, match="its status is unknown"):
        issuer_of({"name": "shop", **identity})
