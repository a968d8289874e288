"""The Pod Identity associations that come and go with an add-on.

The rules are those of the EKS User Guide, "IAM roles for Amazon EKS add-ons".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localaws.eks.associations import Association, new_association_id
from localaws.eks.catalogue import AddonOffer, AddonVersion
from localaws.eks.roles import check_pod_identity_role
from localaws.eks.state import Addon, State
from localaws.iam import Iam
from localaws.service import ServiceError

Wanted = Sequence[Mapping[str, Any]]


def check_offered(wanted: Wanted, offer: AddonOffer, version: AddonVersion) -> None:
    """Raises ServiceError InvalidParameterException for a service account that the add-on gives no role."""
    offered = {name for name, _policies in offer.service_accounts}
    for item in wanted:
        message = f"Pod Identity feature is not supported for addon version: {version.version}"
        if offered and item["serviceAccount"] not in offered:
            account = item["serviceAccount"]
            message = f"Service account {account} in pod identity configuration is not supported for addon {offer.name}"
        if item["serviceAccount"] not in offered:
            raise ServiceError("InvalidParameterException", message, addonName=offer.name)


def planned_associations(state: State, iam: Iam, addon: Addon, wanted: Wanted, now_seconds: float) -> list[Association]:
    """What the add-on shall own: what it owns with the same role already, and new ones.

    Changes nothing. Raises ServiceError InvalidParameterException for a role that cannot be used,
    ResourceInUseException for a service account that has an association of its own.
    """
    present = {(item.service_account, item.role_arn): item for item in state.associations.owned_by(addon.arn)}
    planned = []
    for item in wanted:
        pair = item["serviceAccount"], item["roleArn"]
        association = present.get(pair) or _new(state, addon, *pair, now_seconds)
        check_pod_identity_role(iam, association.role_arn, association)
        planned.append(association)
    places = [association.place for association in planned]
    if len(set(places)) < len(places):
        message = "A service account is there twice in podIdentityAssociations"
        raise ServiceError("InvalidParameterException", message, addonName=addon.name)
    state.associations.check_free(places, addon.arn)
    return planned


def own(state: State, addon: Addon, planned: Sequence[Association]) -> None:
    """Makes the associations those that the add-on owns, and no others."""
    kept = {association.id for association in planned}
    before = state.associations.owned_by(addon.arn)
    for association in before:
        if association.id not in kept:
            state.associations.remove(association)
    for association in planned:
        if association not in before:
            state.associations.add(association)


def _new(state: State, addon: Addon, service_account: str, role_arn: str, now_seconds: float) -> Association:
    number = new_association_id()
    return Association(
        id=number,
        arn=state.clusters[addon.cluster].arn_of(f"podidentityassociation/{addon.cluster}/{number}"),
        cluster=addon.cluster,
        namespace=addon.namespace,
        service_account=service_account,
        role_arn=role_arn,
        created_at=now_seconds,
        modified_at=now_seconds,
        owner_arn=addon.arn,
    )
