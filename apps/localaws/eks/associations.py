"""Pod Identity associations as the account holds them: their own, and those that belong to add-ons."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localaws.service import ServiceError

# The length of an association's ID, "a-" included.
ID_LENGTH = 19
_ID_CHARACTERS = string.ascii_lowercase + string.digits
# EKS User Guide, "EKS Pod Identity": up to 5,000 associations per cluster.
MAXIMUM_PER_CLUSTER = 5000


@dataclass(slots=True)
class Association:
    """An IAM role for a service account; `owner_arn` is that of the add-on that it belongs to."""

    id: str
    arn: str
    cluster: str
    namespace: str
    service_account: str
    role_arn: str
    created_at: float
    modified_at: float
    owner_arn: str | None = None
    target_role_arn: str | None = None
    disable_session_tags: bool = False
    policy: str | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, str, str]:
        """What there is one association for at most: cluster, namespace and service account."""
        return self.cluster, self.namespace, self.service_account

    @property
    def external_id(self) -> str | None:
        """What the target role's trust policy may ask for in sts:ExternalId (EKS User Guide, "Target IAM Roles")."""
        if not self.target_role_arn:
            return None
        region, account = self.arn.split(":")[3:5]
        return "/".join((region, account, *self.place))


class Associations:
    """Every association of the account; one at most for each service account of a cluster."""

    def __init__(self) -> None:
        self._by_place: dict[tuple[str, str, str], Association] = {}

    def of_cluster(self, cluster: str) -> list[Association]:
        """A cluster's associations by namespace and service account."""
        return [item for place, item in sorted(self._by_place.items()) if place[0] == cluster]

    def owned_by(self, addon_arn: str) -> list[Association]:
        """Those that belong to an add-on, by service account."""
        return [item for _place, item in sorted(self._by_place.items()) if item.owner_arn == addon_arn]

    def check_free(self, places: Iterable[tuple[str, str, str]], owner_arn: str | None = None) -> None:
        """Raises ServiceError ResourceInUseException for a place that is taken, other than by this owner's."""
        for place in places:
            present = self._by_place.get(place)
            if present and (present.owner_arn is None or present.owner_arn != owner_arn):
                message = f"Association already exists: {present.id}"
                raise ServiceError("ResourceInUseException", message, 409, clusterName=present.cluster)

    def add(self, association: Association) -> None:
        """Adds one. Raises ServiceError ResourceInUseException or ResourceLimitExceededException."""
        self.check_free([association.place])
        if len(self.of_cluster(association.cluster)) >= MAXIMUM_PER_CLUSTER:
            message = f"Cannot exceed {MAXIMUM_PER_CLUSTER} pod identity associations per cluster"
            raise ServiceError("ResourceLimitExceededException", message, clusterName=association.cluster)
        self._by_place[association.place] = association

    def remove(self, association: Association) -> None:
        """Takes one away."""
        del self._by_place[association.place]

    def disown(self, addon_arn: str, keep: bool) -> None:
        """An add-on is gone: its associations are, too, or belong to nobody from now on."""
        for association in self.owned_by(addon_arn):
            if keep:
                association.owner_arn = None
            else:
                self.remove(association)


def new_association_id() -> str:
    """An ID as EKS gives them."""
    return "a-" + "".join(secrets.choice(_ID_CHARACTERS) for _unused in range(ID_LENGTH - 2))


def association_summary(association: Association) -> dict[str, Any]:
    """An association in the shape of EKS' model, PodIdentityAssociationSummary."""
    return {
        "clusterName": association.cluster,
        "namespace": association.namespace,
        "serviceAccount": association.service_account,
        "associationArn": association.arn,
        "associationId": association.id,
        "ownerArn": association.owner_arn,
    }


def association_members(association: Association) -> dict[str, Any]:
    """An association in the shape of EKS' model, PodIdentityAssociation."""
    return {
        **association_summary(association),
        "roleArn": association.role_arn,
        "tags": dict(association.tags),
        "createdAt": datetime.fromtimestamp(association.created_at, UTC),
        "modifiedAt": datetime.fromtimestamp(association.modified_at, UTC),
        "disableSessionTags": association.disable_session_tags,
        "targetRoleArn": association.target_role_arn,
        "externalId": association.external_id,
        "policy": association.policy,
    }
