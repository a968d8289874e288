"""Reading associations while others change them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.pod_identity import name_of
from ansible_collections.deepobs.eks.plugins.module_utils.pod_identity_readings import read_associations
from botocore.exceptions import ClientError

CREATED = datetime(2026, 1, 31, tzinfo=UTC)


def refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


class Cluster:
    """EKS with associations of these service accounts, one a page, of which `gone` went since they were listed."""

    def __init__(self, *accounts: str, gone: str = "", listing_fails_with: str = "") -> None:
        self._accounts = accounts
        self._gone = gone
        self._listing_fails_with = listing_fails_with
        self.described: list[str] = []

    def list_pod_identity_associations(self, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        assert aws_retry
        assert parameters["clusterName"] == "shop"
        if self._listing_fails_with:
            raise refusal(self._listing_fails_with, "ListPodIdentityAssociations")
        number = int(parameters.get("nextToken", 0))
        page = {"associations": [self._item(self._accounts[number])]}
        return {**page, "nextToken": str(number + 1)} if number + 1 < len(self._accounts) else page

    def describe_pod_identity_association(self, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        assert aws_retry
        account = parameters["associationId"]
        self.described.append(account)
        if account == self._gone:
            raise refusal("ResourceNotFoundException", "DescribePodIdentityAssociation")
        return {"association": {**self._item(account), "createdAt": CREATED, "modifiedAt": CREATED}}

    def _item(self, account: str) -> dict[str, Any]:
        return {"namespace": "shop", "serviceAccount": account, "associationId": account}


def test_every_page_is_read_and_only_what_is_wanted_is_described() -> None:
    cluster = Cluster("backend", "frontend", "old")
    found = read_associations(cluster, "shop", lambda summary: summary["service_account"] != "frontend")
    assert [name_of(association) for association in found] == ["shop/backend", "shop/old"]
    assert cluster.described == ["backend", "old"]


def test_association_that_went_since_it_was_listed_is_left_out() -> None:
    found = read_associations(Cluster("backend", "old", gone="old"), "shop", lambda _summary: True)
    assert [name_of(association) for association in found] == ["shop/backend"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ResourceNotFoundException", "There is no EKS cluster 'shop'"),
        ("AccessDeniedException", "Failed to list the Pod Identity associations of cluster shop"),
    ],
)
def test_failure_to_list_is_told(code: str, message: str) -> None:
    with pytest.raises(DeepobsError, match=message):
        read_associations(Cluster(listing_fails_with=code), "shop", lambda _summary: True)
