"""Add-ons: install, look at, change, take away."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from localaws.eks.catalogue import AddonOffer, AddonVersion, offers
from localaws.eks.configuration import check_configuration
from localaws.eks.listing import Listing
from localaws.eks.outcomes import Outcomes
from localaws.eks.state import Addon, Association, Cluster, Settings, State, Update
from localaws.eks.tags import check_tags
from localaws.eks.updates import update_members
from localaws.iam import Iam
from localaws.seed import ACCOUNT
from localaws.service import Operation, Request, ServiceError

# The member of an update's params that tells of a request's parameter.
_PARAM_TYPES = {
    "addonVersion": "AddonVersion",
    "serviceAccountRoleArn": "ServiceAccountRoleArn",
    "resolveConflicts": "ResolveConflicts",
    "configurationValues": "ConfigurationValues",
    "podIdentityAssociations": "PodIdentityAssociations",
}

_UNDER_WAY = {"create": "CREATING", "update": "UPDATING", "delete": "DELETING"}


class Addons:
    """The operations on a cluster's add-ons."""

    def __init__(self, state: State, listing: Listing, iam: Iam, outcomes: Outcomes) -> None:
        self._state = state
        self._listing = listing
        self._iam = iam
        self._outcomes = outcomes

    def operations(self) -> dict[str, Operation]:
        """By their names in EKS' model."""
        return {
            "CreateAddon": self._create,
            "DescribeAddon": self._describe,
            "UpdateAddon": self._update,
            "DeleteAddon": self._delete,
            "ListAddons": self._list,
        }

    def _create(self, request: Request) -> dict[str, Any]:
        parameters = request.parameters
        with self._state.now() as now_seconds:
            cluster = self._cluster(request)
            present = self._state.addons.get((cluster.name, parameters["addonName"]))
            if present and present.client_token and present.client_token == parameters.get("clientRequestToken"):
                return {"addon": addon_members(present)}
            if present:
                raise _in_use(present, "Addon already exists.")
            offer, version = _offered(cluster, parameters["addonName"], parameters.get("addonVersion"))
            self._check(parameters, version, offer.name)
            check_tags(parameters.get("tags", {}), "InvalidParameterException")
            addon = _new_addon(cluster, offer, version, parameters, now_seconds)
            self._begin(addon, "create", now_seconds, parameters)
            addon.associations = _associations(addon, parameters, now_seconds)
            self._state.addons[cluster.name, addon.name] = addon
            return {"addon": addon_members(addon)}

    def _describe(self, request: Request) -> dict[str, Any]:
        with self._state.now():
            cluster = self._cluster(request)
            return {"addon": addon_members(self._state.addon(cluster.name, request.parameters["addonName"]))}

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
            _unused, version = _offered(cluster, addon.name, parameters.get("addonVersion", addon.settings.version))
            # Configuration that is not given stays, and must fit the new version too.
            values = addon.settings.configuration_values
            kept = {"configurationValues": values} if values else {}
            self._check({**kept, **parameters}, version, addon.name)
            _change(addon, version, parameters, now_seconds)
            ends_at = self._begin(addon, "update", now_seconds, parameters)
            update = Update(str(uuid.uuid4()), addon.arn, _params(parameters), now_seconds, ends_at, addon.outcome)
            self._state.updates.append(update)
            return {"update": update_members(update)}

    def _delete(self, request: Request) -> dict[str, Any]:
        with self._state.now() as now_seconds:
            cluster = self._cluster(request)
            addon = self._idle_addon(cluster.name, request.parameters["addonName"], "deleted")
            addon.modified_at = now_seconds
            self._begin(addon, "delete", now_seconds, request.parameters)
            return {"addon": addon_members(addon)}

    def _begin(self, addon: Addon, change: str, now_seconds: float, parameters: Mapping[str, Any]) -> float:
        """Sets a change going and returns when it ends."""
        ends_at = now_seconds + self._state.transition_seconds
        conflicts = parameters.get("resolveConflicts", "NONE")
        outcome = self._outcomes.take(addon.cluster, addon.name, change, conflicts)
        addon.begin(_UNDER_WAY[change], ends_at, outcome)
        return ends_at

    def _cluster(self, request: Request) -> Cluster:
        return self._state.cluster(request.parameters["clusterName"], request.region)

    def _idle_addon(self, cluster: str, name: str, change: str) -> Addon:
        addon = self._state.addon(cluster, name)
        if addon.settles_at is not None:
            raise _in_use(addon, f"Addon {name} cannot be {change} as it is currently in {addon.status} state")
        return addon

    def _check(self, parameters: Mapping[str, Any], version: AddonVersion, addon: str) -> None:
        if parameters.get("configurationValues"):
            check_configuration(parameters["configurationValues"], version, addon)
        associations = parameters.get("podIdentityAssociations", [])
        if associations and parameters.get("serviceAccountRoleArn"):
            message = "serviceAccountRoleArn and podIdentityAssociations cannot be given together"
            raise ServiceError("InvalidParameterException", message, addonName=addon)
        roles = [parameters.get("serviceAccountRoleArn"), *(item["roleArn"] for item in associations)]
        for role in filter(None, roles):
            if self._iam.role(role) is None:
                message = f"The role with ARN {role} cannot be found"
                raise ServiceError("InvalidParameterException", message, addonName=addon)


def addon_members(addon: Addon) -> dict[str, Any]:
    """An add-on in the shape of EKS' model."""
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
        "podIdentityAssociations": [association.arn for association in addon.associations],
        "namespaceConfig": {"namespace": addon.namespace},
    }


def _offered(cluster: Cluster, name: str, wanted: str | None) -> tuple[AddonOffer, AddonVersion]:
    """The add-on and the version that fit the cluster; the default version when none is wanted."""
    offer = offers().get(name)
    if offer is None:
        raise ServiceError("InvalidParameterException", "Addon name specified is not supported", addonName=name)
    version = offer.version(wanted) if wanted else offer.default_version(cluster.version)
    if version is None or cluster.version not in version.kubernetes:
        raise ServiceError("InvalidParameterException", "Addon version specified is not supported", addonName=name)
    return offer, version


def _new_addon(
    cluster: Cluster, offer: AddonOffer, version: AddonVersion, parameters: Mapping[str, Any], now_seconds: float
) -> Addon:
    region = cluster.arn.split(":")[3]
    return Addon(
        cluster=cluster.name,
        name=offer.name,
        arn=f"arn:aws:eks:{region}:{ACCOUNT}:addon/{cluster.name}/{offer.name}/{uuid.uuid4()}",
        namespace=parameters.get("namespaceConfig", {}).get("namespace", offer.namespace),
        publisher=offer.publisher,
        owner=offer.owner,
        created_at=now_seconds,
        modified_at=now_seconds,
        status="CREATING",
        settings=Settings(
            version.version,
            parameters.get("serviceAccountRoleArn"),
            parameters.get("configurationValues") or None,
        ),
        client_token=parameters.get("clientRequestToken"),
        tags=dict(parameters.get("tags", {})),
    )


def _change(addon: Addon, version: AddonVersion, parameters: Mapping[str, Any], now_seconds: float) -> None:
    """Applies an UpdateAddon: a role that is not given is taken away, other things not given stay."""
    addon.modified_at, addon.before = now_seconds, addon.settings
    values = parameters.get("configurationValues", addon.settings.configuration_values)
    addon.settings = Settings(version.version, parameters.get("serviceAccountRoleArn"), values or None)
    if "podIdentityAssociations" in parameters:
        addon.associations = _associations(addon, parameters, now_seconds)


def _associations(addon: Addon, parameters: Mapping[str, Any], now_seconds: float) -> list[Association]:
    """The associations asked for; one that is there already with the same role stays the same object."""
    present = {(item.service_account, item.role_arn): item for item in addon.associations}
    wanted = [(item["serviceAccount"], item["roleArn"]) for item in parameters.get("podIdentityAssociations", [])]
    return [present.get(pair) or _association(addon, *pair, now_seconds) for pair in wanted]


def _association(addon: Addon, service_account: str, role_arn: str, now_seconds: float) -> Association:
    number = f"a-{secrets.token_hex(9)[:17]}"
    region = addon.arn.split(":")[3]
    arn = f"arn:aws:eks:{region}:{ACCOUNT}:podidentityassociation/{addon.cluster}/{number}"
    return Association(number, arn, service_account, role_arn, now_seconds)


def _params(parameters: Mapping[str, Any]) -> list[dict[str, str]]:
    given = [(_PARAM_TYPES[name], value) for name, value in parameters.items() if name in _PARAM_TYPES]
    return [{"type": kind, "value": str(value)} for kind, value in given]


def _in_use(addon: Addon, message: str) -> ServiceError:
    return ServiceError("ResourceInUseException", message, 409, clusterName=addon.cluster, addonName=addon.name)
