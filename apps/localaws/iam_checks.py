"""What IAM refuses and moto takes, beside policies: to take away what is in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localaws.iam import Iam
from localaws.service import ServiceError


def check_use(iam: Iam, operation: str, parameters: Mapping[str, Any]) -> None:
    """Raises ServiceError: DeleteConflict for what is in use, NoSuchEntity for a role that a profile does not have.

    Source: IAM API reference, DeletePolicy, DeleteUser, RemoveRoleFromInstanceProfile.
    """
    match operation:
        case "DeletePolicy":
            _check_policy(iam, parameters["PolicyArn"])
        case "DeleteUser" if iam.has_access_keys(parameters["UserName"]):
            raise _conflict("Cannot delete entity, must delete access keys first.")
        case "RemoveRoleFromInstanceProfile":
            profile, role = parameters["InstanceProfileName"], parameters["RoleName"]
            if role not in iam.roles_of_profile(profile):
                message = f"The role with name {role} cannot be found in the instance profile {profile}."
                raise ServiceError("NoSuchEntity", message, 404)


def _check_policy(iam: Iam, arn: str) -> None:
    if iam.is_attached(arn):
        raise _conflict("Cannot delete a policy attached to entities.")
    if iam.version_count(arn) > 1:
        message = (
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy."
        )
        raise _conflict(message)


def _conflict(message: str) -> ServiceError:
    return ServiceError("DeleteConflict", message, 409)
