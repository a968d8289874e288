"""What requests ask of an add-on: the version on offer, the new add-on, its changed settings."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from localaws.eks.catalogue import AddonOffer, AddonVersion, offers
from localaws.eks.state import Addon, Cluster, Settings
from localaws.service import ServiceError

Parameters = Mapping[str, Any]

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
# The member of an update's params that tells of a request's parameter.
_PARAM_TYPES = {
    "addonVersion": "AddonVersion",
    "serviceAccountRoleArn": "ServiceAccountRoleArn",
    "resolveConflicts": "ResolveConflicts",
    "configurationValues": "ConfigurationValues",
    "podIdentityAssociations": "PodIdentityAssociations",
}


def offered(cluster: Cluster, name: str, wanted: str | None) -> tuple[AddonOffer, AddonVersion]:
    """The add-on and the version that fit the cluster; the default version when none is wanted.

    Raises ServiceError InvalidParameterException.
    """
    offer = offers().get(name)
    if offer is None:
        raise ServiceError("InvalidParameterException", "Addon name specified is not supported", addonName=name)
    version = offer.version(wanted) if wanted else offer.default_version(cluster.version)
    if version is None or cluster.version not in version.kubernetes:
        raise ServiceError("InvalidParameterException", "Addon version specified is not supported", addonName=name)
    return offer, version


def check_step(offer: AddonOffer, current: str, wanted: AddonVersion) -> None:
    """Raises ServiceError InvalidParameterException for too long a step between versions (EKS User Guide, "Amazon VPC
    CNI plugin for Kubernetes": one minor version at a time)."""
    if not offer.one_minor_version_a_time:
        return
    before = offer.version(current)
    (major, minor), (wanted_major, wanted_minor) = before.minor if before else wanted.minor, wanted.minor
    if major != wanted_major or abs(minor - wanted_minor) > 1:
        name = offer.name.upper()
        message = f"Updating {name} can only go up or down 1 minor version at a time"
        raise ServiceError("InvalidParameterException", message, addonName=offer.name)


def new_addon(
    cluster: Cluster, offer: AddonOffer, version: AddonVersion, parameters: Parameters, now_seconds: float
) -> Addon:
    """The add-on of a CreateAddon. Raises ServiceError InvalidParameterException for a namespace that is none."""
    return Addon(
        cluster=cluster.name,
        name=offer.name,
        arn=cluster.arn_of(f"addon/{cluster.name}/{offer.name}/{uuid.uuid4()}"),
        namespace=_namespace(offer, parameters.get("namespaceConfig", {})),
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
        tags=dict(parameters.get("tags", {})),
    )


def changed_settings(settings: Settings, version: AddonVersion, parameters: Parameters) -> Settings:
    """What an UpdateAddon makes of settings: a role that is not given is taken away, other things not given stay."""
    values = parameters.get("configurationValues", settings.configuration_values)
    return Settings(version.version, parameters.get("serviceAccountRoleArn"), values or None)


def update_params(parameters: Parameters) -> list[dict[str, str]]:
    """What DescribeUpdate tells of the request that began it."""
    given = [(_PARAM_TYPES[name], value) for name, value in parameters.items() if name in _PARAM_TYPES]
    return [{"type": kind, "value": value if isinstance(value, str) else json.dumps(value)} for kind, value in given]


def _namespace(offer: AddonOffer, wanted: Parameters) -> str:
    namespace: str = wanted.get("namespace", offer.namespace)
    if not _NAMESPACE.fullmatch(namespace):
        message = f"The namespace '{namespace}' is not a valid DNS label (RFC 1123)"
        raise ServiceError("InvalidParameterException", message, addonName=offer.name)
    return namespace
