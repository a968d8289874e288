"""The operations on Pod Identity associations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localaws.eks.associations import (
    ID_LENGTH,
    Association,
    association_members,
    association_summary,
    new_association_id,
)
from localaws.eks.listing import Listing
from localaws.eks.roles import check_pod_identity_role
from localaws.eks.state import State
from localaws.eks.tags import check_tags
from localaws.eks.tokens import Tokens
from localaws.iam import Iam
from localaws.policy_document import parsed_policy
from localaws.service import Operation, Request, ServiceError

# Names of Kubernetes: RFC 1123 labels for namespaces, subdomains for service accounts.
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAMESPACE = re.compile(_LABEL)
_SERVICE_ACCOUNT = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
# IAM quotas: a session policy has 2,048 characters at most.
_POLICY_CHARACTERS = 2048
_CHANGEABLE = ("roleArn", "targetRoleArn", "disableSessionTags", "policy")


class PodIdentity:
    """Create, look at, change and take away associations of service accounts with roles.

    Those that belong to an add-on may be changed here as well (EKS User Guide, "IAM roles for Amazon EKS add-ons").
    """

    def __init__(self, state: State, listing: Listing, iam: Iam) -> None:
        self._state = state
        self._listing = listing
        self._iam = iam

    def operations(self, tokens: Tokens) -> dict[str, Operation]:
        """By their names in EKS' model."""
        return {
            "CreatePodIdentityAssociation": tokens.once(self._create),
            "DescribePodIdentityAssociation": self._describe,
            "UpdatePodIdentityAssociation": tokens.once(self._update),
            "DeletePodIdentityAssociation": self._delete,
            "ListPodIdentityAssociations": self._list,
        }

    def _create(self, request: Request) -> dict[str, Any]:
        with self._state.now() as now_seconds:
            association = self._new(request, now_seconds)
            check_tags(association.tags, "InvalidParameterException")
            check_pod_identity_role(self._iam, association.role_arn, association)
            self._state.associations.add(association)
            return {"association": association_members(association)}

    def _describe(self, request: Request) -> dict[str, Any]:
        with self._state.now():
            return {"association": association_members(self._found(request))}

    def _update(self, request: Request) -> dict[str, Any]:
        parameters = request.parameters
        with self._state.now() as now_seconds:
            association = self._found(request)
            if not parameters.keys() & set(_CHANGEABLE):
                raise _invalid(f"At least one of {', '.join(_CHANGEABLE)} must be given")
            wanted = _settings({**_given(association), **parameters})
            check_pod_identity_role(self._iam, wanted["role_arn"], association)
            for name, value in wanted.items():
                setattr(association, name, value)
            association.modified_at = now_seconds
            return {"association": association_members(association)}

    def _delete(self, request: Request) -> dict[str, Any]:
        with self._state.now():
            association = self._found(request)
            self._state.associations.remove(association)
            return {"association": association_members(association)}

    def _list(self, request: Request) -> dict[str, Any]:
        with self._state.now():
            cluster = self._state.cluster(request.parameters["clusterName"], request.region)
            associations = self._state.associations.of_cluster(cluster.name)
            found = [association_summary(item) for item in associations if _wanted(item, request.parameters)]
            page, token = self._listing.page(found, request)
            return {"associations": page, "nextToken": token}

    def _new(self, request: Request, now_seconds: float) -> Association:
        parameters = request.parameters
        cluster = self._state.cluster(parameters["clusterName"], request.region)
        if not _NAMESPACE.fullmatch(parameters["namespace"]):
            raise _invalid(f"The namespace '{parameters['namespace']}' is not a valid name in Kubernetes")
        if not _SERVICE_ACCOUNT.fullmatch(parameters["serviceAccount"]):
            raise _invalid(f"The service account '{parameters['serviceAccount']}' is not a valid name in Kubernetes")
        number = new_association_id()
        return Association(
            id=number,
            arn=cluster.arn_of(f"podidentityassociation/{cluster.name}/{number}"),
            cluster=cluster.name,
            namespace=parameters["namespace"],
            service_account=parameters["serviceAccount"],
            created_at=now_seconds,
            modified_at=now_seconds,
            tags=dict(parameters.get("tags", {})),
            **_settings(parameters),
        )

    def _found(self, request: Request) -> Association:
        cluster = self._state.cluster(request.parameters["clusterName"], request.region)
        wanted = request.parameters["associationId"]
        if len(wanted) != ID_LENGTH:
            raise _invalid(f"The parameter associationId should be {ID_LENGTH} characters long.")
        for association in self._state.associations.of_cluster(cluster.name):
            if association.id == wanted:
                return association
        message = f"No association found with ID: {wanted}"
        raise ServiceError("ResourceNotFoundException", message, 404, clusterName=cluster.name)


def _settings(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What an association does, out of a request's parameters; an empty text is nothing.

    Raises ServiceError InvalidParameterException for a role's ARN or a policy that is none, and for a policy with
    session tags (API reference, CreatePodIdentityAssociation).
    """
    target, policy = parameters.get("targetRoleArn") or None, parameters.get("policy") or None
    disabled = bool(parameters.get("disableSessionTags", False))
    if target and not _ROLE_ARN.fullmatch(target):
        raise _invalid(f"The targetRoleArn {target} is not the ARN of a role")
    if policy and not disabled:
        raise _invalid("disableSessionTags must be true when a policy is given")
    if policy:
        _check_policy(policy)
    return {
        "role_arn": parameters["roleArn"],
        "target_role_arn": target,
        "disable_session_tags": disabled,
        "policy": policy,
    }


def _given(association: Association) -> dict[str, Any]:
    """What an association does, as parameters of a request."""
    return {
        "roleArn": association.role_arn,
        "targetRoleArn": association.target_role_arn,
        "disableSessionTags": association.disable_session_tags,
        "policy": association.policy,
    }


def _check_policy(policy: str) -> None:
    try:
        document = parsed_policy(policy)
    except ValueError as error:
        raise _invalid("The policy is not valid JSON") from error
    if not isinstance(document, dict) or "Statement" not in document or len(policy) > _POLICY_CHARACTERS:
        raise _invalid(f"The policy is not an IAM policy of at most {_POLICY_CHARACTERS} characters")


def _wanted(association: Association, filters: Mapping[str, Any]) -> bool:
    wanted = filters.get("namespace", association.namespace), filters.get("serviceAccount", association.service_account)
    return wanted == (association.namespace, association.service_account)


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameterException", message)
