"""Node groups as clients of EKS see them: one from the start, until it is taken away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.aws_errors import refused
from support.localaws_admin import admin
from support.waiting import eventually

NAMES = {"clusterName": "deepobs-local"}


@pytest.fixture(autouse=True)
def _as_the_seed_has_it(eks: Any) -> Iterator[None]:
    yield
    admin(eks.meta.endpoint_url, "POST", "reset")


def test_each_cluster_has_one_that_is_active(eks: Any) -> None:
    assert eks.list_nodegroups(**NAMES)["nodegroups"] == ["default"]
    group = eks.describe_nodegroup(**NAMES, nodegroupName="default")["nodegroup"]
    assert (group["status"], group["scalingConfig"]["desiredSize"], group["health"]) == ("ACTIVE", 2, {"issues": []})


def test_its_removal_takes_its_time(eks: Any) -> None:
    assert eks.delete_nodegroup(**NAMES, nodegroupName="default")["nodegroup"]["status"] == "DELETING"
    with refused("ResourceInUseException", 409):
        eks.delete_nodegroup(**NAMES, nodegroupName="default")

    eventually(lambda: eks.list_nodegroups(**NAMES)["nodegroups"] == [])

    with refused("ResourceNotFoundException", 404, "No node group found for name: default."):
        eks.describe_nodegroup(**NAMES, nodegroupName="default")


def test_another_is_not_there(eks: Any) -> None:
    with refused("ResourceNotFoundException", 404):
        eks.describe_nodegroup(**NAMES, nodegroupName="other")
    with refused("ResourceNotFoundException", 404):
        eks.list_nodegroups(clusterName="gone")
