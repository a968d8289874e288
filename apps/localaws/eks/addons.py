"""Add-ons: install, look at, change, take away."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from localaws.eks.addon_requests import Parameters, changed_settings, check_step, new_addon, offered, update_params
from localaws.eks.catalogue import AddonOffer, AddonVersion
from localaws.eks.configuration import check_configuration
from localaws.eks.listing import Listing
from localaws.eks.outcomes import Outcomes
from localaws.eks.owned import check_offered, own, planned_associations
from localaws.eks.roles import check_service_account_role
from localaws.eks.state import Addon, Cluster, State, Update
from localaws.eks.tags import check_tags
from localaws.eks.tokens import Tokens
from localaws.eks.updates import update_members
from localaws.iam import Iam
from localaws.service import Operation, Request, ServiceError

_UNDER_WAY = {"create": "CREATING", "update": "UPDATING", "delete": "DELETING"}


class Addons:
    """The operations on a cluster's add-ons."""

    def __init__(self, state: State, listing: Listing, iam: Iam, outcomes: Outcomes) -> None:
        self._state = state
        self._listing = listing
        self._iam = iam
        self._outcomes = outcomes

    def operations(self, tokens: Tokens) -> dict[str, Operation]:
        """By their names in EKS' model."""
        return {
            "CreateAddon": tokens.once(self._create),
            "DescribeAddon": self._describe,
            "UpdateAddon": tokens.once(self._update),
            "DeleteAddon": self._delete,
            "ListAddons": self._list,
        }

    def _create(self, request: Request) -> dict[str, Any]:
        parameters = request.parameters
        with self._state.now() as now_seconds:
            cluster = self._cluster(request)
            offer, version = offered(cluster, parameters["addonName"], parameters.get("addonVersion"))
            failed = self._failed_addon(cluster.name, offer.name)
            self._check(parameters, offer, version)
            check_tags(parameters.get("tags", {}), "InvalidParameterException")
            addon = new_addon(cluster, offer, version, parameters, now_seconds)
            addon.arn = failed.arn if failed else addon.arn
            self._associate(addon, parameters.get("podIdentityAssociations", []), now_seconds)
            self._begin(addon, "create", now_seconds, parameters)
            self._state.addons[cluster.name, addon.name] = addon
            return {"addon": self._members(addon)}

    def _describe(self, request: Request) -> dict[str, Any]:
        with self._state.now():
            cluster = self._cluster(request)
            return {"addon": self._members(self._state.addon(cluster.name, request.parameters["addonName"]))}

    def _list(self, request: Request) -> dict[str, Any]:
        with self._state.now():
            cluster = self._cluster(request)
            page, token = self._listing.page([addon.name for addon in self._state.addons_of(cluster.name)], request)
            return {"addons": page, "nextToken": token}

    def _update(self, request: Request) -> dict[str, Any]:
        parameters = request.parameters
        with self._state.now() as now_seconds:
            cluster = self._cluster(request)
            addon = self._idle_addon(cluster.name, parameters["addonName"], "updated")
            offer, version = offered(cluster, addon.name, parameters.get("addonVersion", addon.settings.version))
            check_step(offer, addon.settings.version, version)
            settings = changed_settings(addon.settings, version, parameters)
            # Configuration that is not given stays, and must fit the new version too.
            self._check({**parameters, "configurationValues": settings.configuration_values}, offer, version)
            if "podIdentityAssociations" in parameters:
                self._associate(addon, parameters["podIdentityAssociations"], now_seconds)
            addon.before, addon.settings, addon.modified_at = addon.settings, settings, now_seconds
            ends_at = self._begin(addon, "update", now_seconds, parameters)
            params = update_params(parameters)
            update = Update(str(uuid.uuid4()), addon.arn, params, now_seconds, ends_at, addon.outcome)
            self._state.updates.append(update)
            return {"update": update_members(update)}

    def _delete(self, request: Request) -> dict[str, Any]:
        with self._state.now() as now_seconds:
            cluster = self._cluster(request)
            addon = self._idle_addon(cluster.name, request.parameters["addonName"], "deleted")
            addon.modified_at, addon.preserves = now_seconds, request.parameters.get("preserve", False)
            self._begin(addon, "delete", now_seconds, request.parameters)
            return {"addon": self._members(addon)}

    def _begin(self, addon: Addon, change: str, now_seconds: float, parameters: Parameters) -> float:
        """Sets a change going and returns when it ends."""
        ends_at = now_seconds + self._state.transition_seconds
        conflicts = parameters.get("resolveConflicts", "NONE")
        outcome = self._outcomes.take(addon.cluster, addon.name, change, conflicts)
        addon.begin(_UNDER_WAY[change], ends_at, outcome)
        return ends_at

    def _cluster(self, request: Request) -> Cluster:
        return self._state.cluster(request.parameters["clusterName"], request.region)

    def _failed_addon(self, cluster: str, name: str) -> Addon | None:
        """The add-on of this name whose creation failed: it can be tried again. Raises ServiceError for another."""
        present = self._state.addons.get((cluster, name))
        if present and present.status != "CREATE_FAILED":
            raise _in_use(present, "Addon already exists.")
        return present

    def _idle_addon(self, cluster: str, name: str, change: str) -> Addon:
        addon = self._state.addon(cluster, name)
        if addon.settles_at is not None:
            raise _in_use(addon, f"Addon {name} cannot be {change} as it is currently in {addon.status} state")
        return addon

    def _check(self, parameters: Parameters, offer: AddonOffer, version: AddonVersion) -> None:
        if parameters.get("configurationValues"):
            check_configuration(parameters["configurationValues"], version, offer.name)
        if role_arn := parameters.get("serviceAccountRoleArn"):
            check_service_account_role(self._iam, role_arn, offer.name)
        check_offered(parameters.get("podIdentityAssociations", []), offer, version)

    def _associate(self, addon: Addon, wanted: list[dict[str, Any]], now_seconds: float) -> None:
        own(self._state, addon, planned_associations(self._state, self._iam, addon, wanted, now_seconds))

    def _members(self, addon: Addon) -> dict[str, Any]:
        owned = self._state.associations.owned_by(addon.arn)
        return {**_members(addon), "podIdentityAssociations": [association.arn for association in owned]}


def _members(addon: Addon) -> dict[str, Any]:
    """An add-on in the shape of EKS' model, without its associations."""
    return {
        "addonName": addon.name,
        "clusterName": addon.cluster,
        "status": addon.status,
        "addonVersion": addon.settings.version,
        "health": {"issues": list(addon.issues)},
        "addonArn": addon.arn,
        "createdAt": datetime.fromtimestamp(addon.created_at, UTC),
        "modifiedAt": datetime.fromtimestamp(addon.modified_at, UTC),
        "serviceAccountRoleArn": addon.settings.role_arn,
        "tags": dict(addon.tags),
        "publisher": addon.publisher,
        "owner": addon.owner,
        "configurationValues": addon.settings.configuration_values,
        "namespaceConfig": {"namespace": addon.namespace},
    }


def _in_use(addon: Addon, message: str) -> ServiceError:
    return ServiceError("ResourceInUseException", message, 409, clusterName=addon.cluster, addonName=addon.name)
