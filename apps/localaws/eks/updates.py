"""Updates: what became of a change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from localaws.eks.listing import Listing
from localaws.eks.state import State, Update
from localaws.service import Operation, Request, ServiceError


def update_operations(state: State, listing: Listing) -> dict[str, Operation]:
    """DescribeUpdate and ListUpdates."""

    def describe(request: Request) -> dict[str, Any]:
        with state.now():
            wanted = request.parameters["updateId"]
            for update in _updates(state, request):
                if update.id == wanted:
                    return {"update": update_members(update)}
            raise ServiceError("ResourceNotFoundException", f"No update found for ID: {wanted}", 404)

    def list_all(request: Request) -> dict[str, Any]:
        with state.now():
            page, token = listing.page([update.id for update in _updates(state, request)], request)
            return {"updateIds": page, "nextToken": token}

    return {"DescribeUpdate": describe, "ListUpdates": list_all}


def update_members(update: Update) -> dict[str, Any]:
    """An update in the shape of EKS' model."""
    return {
        "id": update.id,
        "status": update.status,
        "type": "AddonUpdate",
        "params": update.params,
        "createdAt": datetime.fromtimestamp(update.created_at, UTC),
        "errors": list(update.outcome.errors) if update.status == "Failed" else [],
    }


def _updates(state: State, request: Request) -> list[Update]:
    """The updates of what the request names: of an add-on, else of the cluster itself, which has none here."""
    cluster = state.cluster(request.parameters["name"], request.region)
    name = request.parameters.get("addonName")
    if name is None:
        return []
    arn = state.addon(cluster.name, name).arn
    return [update for update in state.updates if update.addon_arn == arn]
