# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Trust policies of IAM roles for service accounts: who is trusted, and how to trust more or fewer. Pure.

A statement belongs to a trust when it allows that trust's OIDC provider, and it alone, to sts:AssumeRoleWithWebIdentity
under two conditions and no others: the audience, and a list of subjects. Any other statement is never touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
Statement = dict[str, Any]

_ACTION = "sts:AssumeRoleWithWebIdentity"
_SUBJECT_PREFIX = "system:serviceaccount:"
_SUBJECT = re.compile(r"[a-z0-9*?]([a-z0-9*?-]*[a-z0-9*?])?:[a-z0-9*?]([a-z0-9*?.-]*[a-z0-9*?])?")
_STATEMENT_KEYS = frozenset({"Sid", "Effect", "Principal", "Action", "Condition"})

# IAM refuses a document without statements, so a role nobody is to assume needs one that can never apply.
NOBODY: Statement = {
    "Sid": "Nobody",
    "Effect": "Allow",
    "Principal": {"Service": "eks.amazonaws.com"},
    "Action": "sts:AssumeRole",
    "Condition": {"DateLessThan": {"aws:CurrentTime": "1970-01-01T00:00:00Z"}},
}


@dataclass(frozen=True)
class Trust:
    """An OIDC provider of an account and the audience its tokens must name."""

    provider_arn: str
    audience: str

    @property
    def issuer(self) -> str:
        """The issuer as condition keys name it: without https://."""
        return self.provider_arn.partition(":oidc-provider/")[2]

    def statement(self, operator: str, subjects: Sequence[str]) -> Statement:
        """A statement of this trust: `operator` compares the subjects, the audience is always compared literally."""
        condition: dict[str, dict[str, Any]] = {"StringEquals": {f"{self.issuer}:aud": self.audience}}
        condition.setdefault(operator, {})[f"{self.issuer}:sub"] = list(subjects)
        return {
            "Effect": "Allow",
            "Principal": {"Federated": self.provider_arn},
            "Action": _ACTION,
            "Condition": condition,
        }

    def operator_of(self, statement: Statement) -> str:
        """StringEquals or StringLike, by which a statement of this trust compares its subjects; else empty."""
        if not self._is_plain_allow(statement):
            return ""
        condition = _as_lists(statement["Condition"])
        for operator in ("StringEquals", "StringLike"):
            subjects = self._listed(statement, operator)
            if condition == _as_lists(self.statement(operator, subjects)["Condition"]):
                return operator
        return ""

    def subjects_of(self, statement: Statement) -> list[str]:
        """Whom a statement of this trust lists; empty for any other."""
        operator = self.operator_of(statement)
        return self._listed(statement, operator) if operator else []

    def _is_plain_allow(self, statement: Statement) -> bool:
        return (
            set(statement) - {"Sid"} == _STATEMENT_KEYS - {"Sid"}
            and statement["Effect"] == "Allow"
            and _as_lists(statement["Principal"]) == {"Federated": [self.provider_arn]}
            and _as_list(statement["Action"]) == [_ACTION]
        )

    def _listed(self, statement: Statement, operator: str) -> list[str]:
        condition = statement["Condition"]
        compared = condition.get(operator) if isinstance(condition, dict) else None
        return _as_list(compared.get(f"{self.issuer}:sub", [])) if isinstance(compared, dict) else []


def token_subject(subject: str) -> str:
    """The `sub` that Kubernetes writes into the token of namespace:service_account."""
    return _SUBJECT_PREFIX + subject


def is_subject(subject: str) -> bool:
    """Whether the text is namespace:service_account in names (or patterns of names) that Kubernetes allows."""
    return _SUBJECT.fullmatch(subject) is not None


def trusted_subjects(document: Document, trust: Trust) -> list[str]:
    """All namespace:service_account that the statements of this trust list, in order, each once."""
    listed = [subject for statement in _statements(document) for subject in trust.subjects_of(statement)]
    return [subject.removeprefix(_SUBJECT_PREFIX) for subject in dict.fromkeys(listed)]


def with_subjects(document: Document, trust: Trust, subjects: Iterable[str]) -> Document:
    """The document with the subjects trusted as well. One with * or ? goes under StringLike, any other StringEquals."""
    statements = deepcopy(_statements(document))
    for subject in map(token_subject, subjects):
        if not any(_lists(trust, statement, subject) for statement in statements):
            _add(statements, trust, subject)
    return _with_statements(document, statements)


def without_subjects(document: Document, trust: Trust, unwanted: Callable[[str], bool]) -> Document:
    """The document where this trust lists no unwanted namespace:service_account; a statement left empty goes."""
    kept = [_without(statement, trust, unwanted) for statement in deepcopy(_statements(document))]
    return _with_statements(document, [statement for statement in kept if statement is not None])


def merged(document: Document, trust: Trust, subjects: Sequence[str], state: str) -> Document:
    """The document that state (present, absent or exact) asks for; equal to the given one where nothing is to do."""
    if state == "absent":
        return without_subjects(document, trust, set(subjects).__contains__)
    complete = with_subjects(document, trust, subjects)
    if state == "present":
        return complete
    return without_subjects(complete, trust, lambda subject: subject not in subjects)


def size(document: Document) -> int:
    """Characters as IAM counts them against the quota: without white space (IAM user guide, "IAM and STS quotas")."""
    return len(re.sub(r"\s", "", json.dumps(document, separators=(",", ":"), ensure_ascii=False)))


def _has_wildcard(subject: str) -> bool:
    return "*" in subject or "?" in subject


def _lists(trust: Trust, statement: Statement, subject: str) -> bool:
    """Whether the statement lists the subject and means it: under StringEquals a wildcard is only a character."""
    literal = trust.operator_of(statement) == "StringEquals"
    return subject in trust.subjects_of(statement) and not (literal and _has_wildcard(subject))


def _add(statements: list[Statement], trust: Trust, subject: str) -> None:
    operator = "StringLike" if _has_wildcard(subject) else "StringEquals"
    for statement in statements:
        if trust.operator_of(statement) == operator:
            statement["Condition"][operator][f"{trust.issuer}:sub"] = [*trust.subjects_of(statement), subject]
            return
    statements.append(trust.statement(operator, [subject]))


def _without(statement: Statement, trust: Trust, unwanted: Callable[[str], bool]) -> Statement | None:
    subjects = trust.subjects_of(statement)
    kept = [subject for subject in subjects if not unwanted(subject.removeprefix(_SUBJECT_PREFIX))]
    if not subjects or kept == subjects:
        return statement
    if not kept:
        return None
    statement["Condition"][trust.operator_of(statement)][f"{trust.issuer}:sub"] = kept
    return statement


def _statements(document: Document) -> list[Statement]:
    return _as_list(document.get("Statement", []))


def _with_statements(document: Document, statements: list[Statement]) -> Document:
    if statements == _statements(document):
        return document
    somebody = [statement for statement in statements if statement != NOBODY]
    return {"Version": "2012-10-17", **document, "Statement": somebody or [NOBODY]}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _as_lists(value: Any) -> Any:
    """A principal or a condition where every single text is a list of one, as IAM reads it."""
    if isinstance(value, dict):
        return {key: _as_lists(item) for key, item in value.items()}
    return _as_list(value)
