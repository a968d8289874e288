"""What is on offer: DescribeAddonVersions and DescribeAddonConfiguration."""

from __future__ import annotations

import json
from typing import Any

from localaws.eks.catalogue import AddonOffer, AddonVersion, offers
from localaws.eks.listing import Listing
from localaws.regions import partition_of
from localaws.service import Operation, Request, ServiceError


def version_operations(listing: Listing) -> dict[str, Operation]:
    """DescribeAddonVersions and DescribeAddonConfiguration."""

    def describe_versions(request: Request) -> dict[str, Any]:
        found = [offer for _unused, offer in sorted(offers().items()) if _wanted(offer, request.parameters)]
        page, token = listing.page(found, request)
        infos = [_info(offer, request.parameters.get("kubernetesVersion")) for offer in page]
        return {"addons": infos, "nextToken": token}

    return {"DescribeAddonVersions": describe_versions, "DescribeAddonConfiguration": _describe_configuration}


def _describe_configuration(request: Request) -> dict[str, Any]:
    name, wanted = request.parameters["addonName"], request.parameters["addonVersion"]
    offer = offers().get(name)
    version = offer.version(wanted) if offer else None
    if offer is None or version is None:
        message = f"Addon {name} with version {wanted} is not supported"
        raise ServiceError("ResourceNotFoundException", message, 404, addonName=name)
    partition = partition_of(request.region)
    return {
        "addonName": name,
        "addonVersion": wanted,
        "configurationSchema": json.dumps(version.configuration_schema()),
        "podIdentityConfiguration": [
            {
                "serviceAccount": account,
                # The catalogue has the names of the partition aws.
                "recommendedManagedPolicies": [
                    policy.replace("arn:aws:", f"arn:{partition}:", 1) for policy in policies
                ],
            }
            for account, policies in offer.service_accounts
        ],
    }


def _wanted(offer: AddonOffer, filters: dict[str, Any]) -> bool:
    kubernetes = filters.get("kubernetesVersion")
    return (
        any(kubernetes in (None, *version.kubernetes) for version in offer.versions)
        and filters.get("addonName", offer.name) == offer.name
        and offer.type in filters.get("types", [offer.type])
        and offer.owner in filters.get("owners", [offer.owner])
        and offer.publisher in filters.get("publishers", [offer.publisher])
    )


def _info(offer: AddonOffer, kubernetes: str | None) -> dict[str, Any]:
    versions = [version for version in offer.versions if kubernetes is None or kubernetes in version.kubernetes]
    return {
        "addonName": offer.name,
        "type": offer.type,
        "owner": offer.owner,
        "publisher": offer.publisher,
        "defaultNamespace": offer.namespace,
        "addonVersions": [_version_info(offer, version, kubernetes) for version in versions],
    }


def _version_info(offer: AddonOffer, version: AddonVersion, kubernetes: str | None) -> dict[str, Any]:
    fits = [kubernetes] if kubernetes else list(reversed(version.kubernetes))
    return {
        "addonVersion": version.version,
        "architecture": ["amd64", "arm64"],
        "computeTypes": ["ec2", "hybrid", "auto"],
        "compatibilities": [
            {"clusterVersion": fit, "platformVersions": ["*"], "defaultVersion": fit in version.default_for}
            for fit in fits
        ],
        "requiresConfiguration": False,
        "requiresIamPermissions": offer.requires_iam_permissions,
    }
