"""Managed node groups: each cluster has one from the start, which can be looked at and taken away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localaws.eks.listing import Listing
from localaws.eks.state import Cluster, State
from localaws.seed import ACCOUNT
from localaws.service import Operation, Request, ServiceError

_NAME = "default"
_NODES = 2


@dataclass(slots=True)
class _NodeGroup:
    """A node group; `gone_at` is when its removal ends, None while nobody removes it."""

    created_at: float
    gone_at: float | None = None


class NodeGroups:
    """The operations on the node group of each cluster. No machine is behind it."""

    def __init__(self, state: State, listing: Listing, clusters: Iterable[str], created_at: float) -> None:
        self._state = state
        self._listing = listing
        self._groups = {name: _NodeGroup(created_at) for name in clusters}

    def operations(self) -> dict[str, Operation]:
        """By their names in EKS' model."""
        return {"ListNodegroups": self._list, "DescribeNodegroup": self._describe, "DeleteNodegroup": self._delete}

    def _list(self, request: Request) -> dict[str, Any]:
        with self._state.now() as now_seconds:
            cluster = self._cluster(request)
            names = [_NAME] if self._present(cluster, now_seconds) else []
            page, token = self._listing.page(names, request)
            return {"nodegroups": page, "nextToken": token}

    def _describe(self, request: Request) -> dict[str, Any]:
        with self._state.now() as now_seconds:
            cluster = self._cluster(request)
            return {"nodegroup": _members(cluster, self._named(cluster, request, now_seconds))}

    def _delete(self, request: Request) -> dict[str, Any]:
        with self._state.now() as now_seconds:
            cluster = self._cluster(request)
            group = self._named(cluster, request, now_seconds)
            if group.gone_at is not None:
                message = f"Nodegroup {_NAME} is currently being deleted"
                raise ServiceError("ResourceInUseException", message, 409, clusterName=cluster.name)
            group.gone_at = now_seconds + self._state.transition_seconds
            return {"nodegroup": _members(cluster, group)}

    def _cluster(self, request: Request) -> Cluster:
        return self._state.cluster(request.parameters["clusterName"], request.region)

    def _present(self, cluster: Cluster, now_seconds: float) -> _NodeGroup | None:
        group = self._groups[cluster.name]
        return None if group.gone_at is not None and now_seconds >= group.gone_at else group

    def _named(self, cluster: Cluster, request: Request, now_seconds: float) -> _NodeGroup:
        name, group = request.parameters["nodegroupName"], self._present(cluster, now_seconds)
        if name != _NAME or group is None:
            message = f"No node group found for name: {name}."
            raise ServiceError("ResourceNotFoundException", message, 404, clusterName=cluster.name, nodegroupName=name)
        return group


def _members(cluster: Cluster, group: _NodeGroup) -> dict[str, Any]:
    partition = cluster.arn.split(":")[1]
    created = datetime.fromtimestamp(group.created_at, UTC)
    return {
        "nodegroupName": _NAME,
        "nodegroupArn": cluster.arn_of(f"nodegroup/{cluster.name}/{_NAME}/0"),
        "clusterName": cluster.name,
        "version": cluster.version,
        "createdAt": created,
        "modifiedAt": created,
        "status": "ACTIVE" if group.gone_at is None else "DELETING",
        "capacityType": "ON_DEMAND",
        "scalingConfig": {"minSize": 1, "maxSize": _NODES, "desiredSize": _NODES},
        "instanceTypes": ["m7g.large"],
        "subnets": list(cluster.document["resourcesVpcConfig"]["subnetIds"]),
        "amiType": "AL2023_ARM_64_STANDARD",
        "nodeRole": f"arn:{partition}:iam::{ACCOUNT}:role/{cluster.name}-node",
        "health": {"issues": []},
    }
