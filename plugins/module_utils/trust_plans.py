# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a role for service accounts and its OIDC provider are, should be, and lack. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.trust_evaluation import applies, attempt_of
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import (
    Document,
    Trust,
    is_subject,
    merged,
    size,
    statements,
    trusted_subjects,
)


@dataclass(frozen=True)
class Request:
    """What the task asks for."""

    role_name: str
    cluster_name: str
    subjects: tuple[str, ...]
    state: str
    create_oidc_provider: bool
    policy_quota: int

    def check(self) -> None:
        """Raises DeepobsError naming the subject that cannot be one."""
        if not self.subjects and self.state != "exact":
            raise DeepobsError("subjects is empty; name at least one namespace:service_account.")
        for subject in self.subjects:
            if not is_subject(subject):
                raise DeepobsError(
                    f"subjects: {subject!r} is not namespace:service_account, such as 'xray-daemon:xray-daemon'."
                )

    def merge(self, document: Document, trust: Trust) -> Document:
        """The trust policy asked for; raises DeepobsError where it would grow past the quota."""
        wanted = merged(document, trust, self.subjects, self.state)
        if size(wanted) > max(self.policy_quota, size(document)):
            raise DeepobsError(
                f"The trust policy of role {self.role_name} would have {size(wanted)} characters, but policy_quota is"
                f" {self.policy_quota}. Nothing was written. Give some service accounts a role of their own,"
                " trust a whole namespace by a wildcard subject (namespace:*), use EKS Pod Identity, or have the quota"
                " 'Role trust policy length' raised (8,192 at most) and set policy_quota to it."
            )
        return wanted


@dataclass(frozen=True)
class TrustState:
    """A role's trust policy (None: there is no such role) and its provider's audiences (None: no such provider)."""

    document: Document | None
    audiences: tuple[str, ...] | None

    def described(self, trust: Trust) -> dict[str, Any]:
        """The shape of the diff."""
        provider = None if self.audiences is None else {"arn": trust.provider_arn, "audiences": list(self.audiences)}
        return {"trust_policy": self.document, "oidc_provider": provider}


@dataclass(frozen=True)
class TrustPlan:
    """The role and the provider before and after, and what must be there first."""

    trust: Trust
    before: TrustState
    after: TrustState
    lacking: tuple[str, ...]

    @property
    def changed(self) -> bool:
        return self.before != self.after

    def done(self, document: Document | None) -> TrustPlan:
        """The plan as it came out: with the trust policy that really stands."""
        return replace(self, after=TrustState(document, self.after.audiences))

    def warnings(self, request: Request) -> Iterator[str]:
        """Whom the role still lets in, though they were taken out, by statements that are not ours to change."""
        for subject in request.subjects if request.state == "absent" else ():
            attempt = attempt_of(self.trust, subject)
            for number, statement in enumerate(statements(self.after.document or {}), start=1):
                if statement["Effect"] == "Allow" and applies(statement, attempt):
                    yield (
                        f"Statement {number} of the trust policy of role {request.role_name} still lets {subject} in."
                        " It is left as it is, since it names more than this subject of this provider and audience."
                    )

    def result(self) -> dict[str, Any]:
        """What the module returns."""
        policy = self.after.document or {}
        return {
            "changed": self.changed,
            "trust_policy": policy,
            "subjects": trusted_subjects(policy, self.trust),
            "oidc_provider_arn": self.trust.provider_arn,
            "diff": {"before": self.before.described(self.trust), "after": self.after.described(self.trust)},
        }


def plan_trust(current: TrustState, request: Request, trust: Trust) -> TrustPlan:
    """What to do; a role or provider that is not there is planned for, and named as lacking where it must be."""
    if request.state == "absent" and current.document is None:
        return TrustPlan(trust, current, current, ())
    document = request.merge(current.document or {}, trust)
    if request.state == "absent":
        return TrustPlan(trust, current, TrustState(document, current.audiences), ())
    after = TrustState(document, with_audience(current.audiences, trust, request.create_oidc_provider))
    return TrustPlan(trust, current, after, tuple(_lacking(current, after, request, trust)))


def with_audience(audiences: tuple[str, ...] | None, trust: Trust, create: bool) -> tuple[str, ...] | None:
    """The provider's audiences once it may be created or completed; None where there is to be no provider."""
    if not create or trust.audience in (audiences or ()):
        return audiences
    return (*(audiences or ()), trust.audience)


def lacking_provider(audiences: tuple[str, ...] | None, cluster_name: str, trust: Trust) -> Iterator[str]:
    """What a provider with these audiences lacks for tokens of this trust, as a sentence for the user."""
    if trust.audience not in (audiences or ()):
        what = "no OIDC provider" if audiences is None else f"no audience {trust.audience!r} in OIDC provider"
        yield (
            f"The account has {what} {trust.provider_arn} of cluster {cluster_name!r}."
            " Set create_oidc_provider to true to have it made."
        )


def _lacking(current: TrustState, after: TrustState, request: Request, trust: Trust) -> Iterator[str]:
    if current.document is None:
        yield (
            f"There is no IAM role {request.role_name!r}. Create it first (deepobs.eks.irsa_role), or mend role_name."
        )
    yield from lacking_provider(after.audiences, request.cluster_name, trust)
