# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the IRSA modules ask of IAM: roles, their trust policies, OIDC providers.

IAM is eventually consistent (IAM User Guide, "Troubleshoot IAM": "Changes that I make are not always immediately
visible"). What was made a moment ago may not be found yet, and a new role is not yet a valid principal. So a call
refused like this is made again, for as long as CONSISTENT_WITHIN_SECONDS.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.arns import account_of
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, call, error_code
from ansible_collections.deepobs.eks.plugins.module_utils.clusters import issuer_of
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import Document, Trust
from ansible_collections.deepobs.eks.plugins.module_utils.trust_settling import SharedDocument
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch, wait_until

CONSISTENT_WITHIN_SECONDS = 8.0
_RETRY_EVERY_SECONDS = 0.5


class RoleGoneError(DeepobsError):
    """The role was deleted by somebody else while its trust policy was being changed."""

    def __init__(self, role_name: str) -> None:
        super().__init__(f"IAM role {role_name!r} was deleted while its trust policy was being changed. Run again.")


def trust_of(cluster: dict[str, Any], audience: str) -> Trust:
    """The trust by the cluster's OIDC provider, in the cluster's own account and partition."""
    issuer = issuer_of(cluster).removeprefix("https://")
    return Trust(account_of(cluster["arn"]).iam(f"oidc-provider/{issuer}"), audience)


def read_role(iam: Any, role_name: str) -> dict[str, Any]:
    """The role as IAM describes it; empty where there is none."""
    answer = call(iam.get_role, f"read role {role_name}", missing_code="NoSuchEntity", RoleName=role_name)
    role: dict[str, Any] = answer.get("Role", {})
    return role


def read_awaited_role(iam: Any, role_name: str, watch: Stopwatch) -> dict[str, Any]:
    """The role, which may have been created a moment ago; empty where it does not come."""
    return wait_until(
        lambda: read_role(iam, role_name),
        lambda _previous, role: bool(role),
        CONSISTENT_WITHIN_SECONDS,
        _RETRY_EVERY_SECONDS,
        clock=watch.clock,
        sleep=watch.sleep,
    ).state


def call_awaited(
    method: Callable[..., dict[str, Any]], purpose: str, watch: Stopwatch, **parameters: Any
) -> dict[str, Any]:
    """As `call`, and again while IAM does not know yet what was made a moment ago."""

    def attempt() -> dict[str, Any] | DeepobsError:
        try:
            return call(method, purpose, **parameters)
        except DeepobsError as error:
            if not _may_be_too_early(error):
                raise
            return error

    answer = wait_until(
        attempt,
        lambda _previous, answered: isinstance(answered, dict),
        CONSISTENT_WITHIN_SECONDS,
        _RETRY_EVERY_SECONDS,
        clock=watch.clock,
        sleep=watch.sleep,
    ).state
    if isinstance(answer, DeepobsError):
        raise answer
    return answer


def _may_be_too_early(error: DeepobsError) -> bool:
    unknown_principal = error_code(error) == "MalformedPolicyDocument" and "principal" in str(error.exception).lower()
    return unknown_principal or error_code(error) == "NoSuchEntity"


def read_audiences(iam: Any, provider_arn: str) -> tuple[str, ...] | None:
    """The audiences of an OIDC provider; None where there is no such provider."""
    answer = call(
        iam.get_open_id_connect_provider,
        f"read OIDC provider {provider_arn}",
        missing_code="NoSuchEntity",
        OpenIDConnectProviderArn=provider_arn,
    )
    return tuple(answer.get("ClientIDList", [])) if answer else None


def ensure_provider(iam: Any, trust: Trust, audiences: tuple[str, ...] | None, thumbprints: list[str]) -> None:
    """Creates the provider where there is none (`audiences` is None), else adds the trust's audience to it."""
    if audiences is None and _create_provider(iam, trust, thumbprints):
        return
    call(
        iam.add_client_id_to_open_id_connect_provider,
        f"add audience {trust.audience} to OIDC provider {trust.provider_arn}",
        OpenIDConnectProviderArn=trust.provider_arn,
        ClientID=trust.audience,
    )


def _create_provider(iam: Any, trust: Trust, thumbprints: list[str]) -> bool:
    """Whether it was created here: somebody else may have been quicker, or an earlier try whose answer was lost."""
    options: dict[str, Any] = {"ThumbprintList": thumbprints} if thumbprints else {}
    created = call(
        iam.create_open_id_connect_provider,
        f"create OIDC provider {trust.provider_arn}",
        missing_code="EntityAlreadyExists",
        Url=f"https://{trust.issuer}",
        ClientIDList=[trust.audience],
        **options,
    )
    return bool(created)


def trust_policy_of(
    iam: Any, role_name: str, merge: Callable[[Document], Document], watch: Stopwatch
) -> SharedDocument:
    """The role's trust policy as a document that others write as well.

    Reading and writing raise RoleGoneError where the role is gone.
    """

    def read() -> Document:
        role = read_awaited_role(iam, role_name, watch)
        if not role:
            raise RoleGoneError(role_name)
        document: Document = role["AssumeRolePolicyDocument"]
        return document

    def write(document: Document) -> None:
        purpose = f"write the trust policy of role {role_name}"
        policy = json.dumps(document)
        try:
            call_awaited(iam.update_assume_role_policy, purpose, watch, RoleName=role_name, PolicyDocument=policy)
        except DeepobsError as error:
            if error_code(error) != "NoSuchEntity":
                raise
            raise RoleGoneError(role_name) from error

    return SharedDocument(read, write, merge)
