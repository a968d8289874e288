"""The Pod Identity associations that belong to add-ons, to be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from localaws.eks.listing import Listing
from localaws.eks.state import Addon, Association, State
from localaws.service import Operation, Request, ServiceError


def pod_identity_operations(state: State, listing: Listing) -> dict[str, Operation]:
    """ListPodIdentityAssociations and DescribePodIdentityAssociation."""

    def list_all(request: Request) -> dict[str, Any]:
        with state.now():
            found = [_summary(addon, item) for addon, item in _owned(state, request) if _wanted(addon, item, request)]
            page, token = listing.page(found, request)
            return {"associations": page, "nextToken": token}

    def describe(request: Request) -> dict[str, Any]:
        with state.now():
            for addon, item in _owned(state, request):
                if item.id == request.parameters["associationId"]:
                    return {"association": _members(addon, item)}
        message = f"No association found with ID: {request.parameters['associationId']}"
        raise ServiceError("ResourceNotFoundException", message, 404)

    return {"ListPodIdentityAssociations": list_all, "DescribePodIdentityAssociation": describe}


def _owned(state: State, request: Request) -> Iterator[tuple[Addon, Association]]:
    cluster = state.cluster(request.parameters["clusterName"], request.region)
    for addon in state.addons_of(cluster.name):
        for association in addon.associations:
            yield addon, association


def _wanted(addon: Addon, association: Association, request: Request) -> bool:
    filters = request.parameters
    wanted = (filters.get("namespace", addon.namespace), filters.get("serviceAccount", association.service_account))
    return wanted == (addon.namespace, association.service_account)


def _summary(addon: Addon, association: Association) -> dict[str, Any]:
    return {
        "clusterName": addon.cluster,
        "namespace": addon.namespace,
        "serviceAccount": association.service_account,
        "associationArn": association.arn,
        "associationId": association.id,
        "ownerArn": addon.arn,
    }


def _members(addon: Addon, association: Association) -> dict[str, Any]:
    created = datetime.fromtimestamp(association.created_at, UTC)
    return {
        **_summary(addon, association),
        "roleArn": association.role_arn,
        "tags": {},
        "createdAt": created,
        "modifiedAt": created,
    }
