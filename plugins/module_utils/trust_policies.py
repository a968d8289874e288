# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Trust policies of IAM roles for service accounts: who is trusted, and how to trust more or fewer. Pure.

A statement belongs to a trust when it allows that trust's OIDC provider, and it alone, to sts:AssumeRoleWithWebIdentity
under two conditions and no others: the audience, and a list of subjects. Any other statement is never touched.

IAM takes one thing in many forms (IAM User Guide, "Grammar of the IAM JSON policy language" and "Condition operators"):
a single statement or text for a list of one, actions and condition keys in any case, ForAnyValue: before an operator,
and StringLike for a text without wildcards. All of them are read here, and what is kept is kept in its form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

Document = dict[str, Any]
Statement = dict[str, Any]

ACTION = "sts:AssumeRoleWithWebIdentity"
_SUBJECT_PREFIX = "system:serviceaccount:"
_SUBJECT = re.compile(r"[a-z0-9*?]([a-z0-9*?-]*[a-z0-9*?])?:[a-z0-9*?]([a-z0-9*?.-]*[a-z0-9*?])?")
_STATEMENT_KEYS = frozenset({"Sid", "Effect", "Principal", "Action", "Condition"})
# Of a key with one value, such as a token's subject, ForAnyValue: asks the same as the bare operator.
_LITERALLY = frozenset({"StringEquals", "ForAnyValue:StringEquals"})
_BY_PATTERN = frozenset({"StringLike", "ForAnyValue:StringLike"})

# IAM refuses a document without statements, so a role nobody is to assume needs one that can never apply.
NOBODY: Statement = {
    "Sid": "Nobody",
    "Effect": "Allow",
    "Principal": {"Service": "eks.amazonaws.com"},
    "Action": "sts:AssumeRole",
    "Condition": {"DateLessThan": {"aws:CurrentTime": "1970-01-01T00:00:00Z"}},
}


class Comparison(NamedTuple):
    """One line of a Condition: the operator, the key as it is spelled there, and the values as a list."""

    operator: str
    key: str
    values: list[Any]

    @property
    def takes_wildcards(self) -> bool:
        return self.operator in _BY_PATTERN

    def asks_for(self, key: str) -> bool:
        """Whether it compares this key by equality or by pattern; keys are the same in any case."""
        return self.key.lower() == key.lower() and self.operator in _LITERALLY | _BY_PATTERN


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
            "Action": ACTION,
            "Condition": condition,
        }

    def listing(self, statement: Statement) -> Comparison | None:
        """Where a statement of this trust lists whom it trusts, by their tokens' `sub`; None for any other."""
        compared = comparisons(statement) if self._is_plain_allow(statement) else []
        audiences = [one for one in compared if one.asks_for(f"{self.issuer}:aud") and self._is_audience(one)]
        listings = [one for one in compared if one.asks_for(f"{self.issuer}:sub")]
        return listings[0] if len(audiences) == len(listings) == 1 and len(compared) == 2 else None

    def subjects_of(self, statement: Statement) -> list[str]:
        """Whom a statement of this trust lists; empty for any other."""
        listing = self.listing(statement)
        return listing.values if listing else []

    def _is_plain_allow(self, statement: Statement) -> bool:
        return (
            set(statement) - {"Sid"} == _STATEMENT_KEYS - {"Sid"}
            and statement["Effect"] == "Allow"
            and isinstance(statement["Principal"], dict)
            and {kind: as_list(names) for kind, names in statement["Principal"].items()}
            == {"Federated": [self.provider_arn]}
            and [str(action).lower() for action in as_list(statement["Action"])] == [ACTION.lower()]
        )

    def _is_audience(self, compared: Comparison) -> bool:
        literal = not (compared.takes_wildcards and has_wildcard(self.audience))
        return compared.values == [self.audience] and literal


def token_subject(subject: str) -> str:
    """The `sub` that Kubernetes writes into the token of namespace:service_account."""
    return _SUBJECT_PREFIX + subject


def short_subject(sub: str) -> str:
    """The namespace:service_account of a token's `sub`; any other `sub` as it is."""
    return sub.removeprefix(_SUBJECT_PREFIX)


def is_subject(subject: str) -> bool:
    """Whether the text is namespace:service_account in names (or patterns of names) that Kubernetes allows."""
    return _SUBJECT.fullmatch(subject) is not None


def has_wildcard(text: str) -> bool:
    """Whether StringLike reads more into the text than itself."""
    return "*" in text or "?" in text


def statements(document: Document) -> list[Statement]:
    """The statements of a document in order; IAM takes a single one without a list."""
    return as_list(document.get("Statement", []))


def comparisons(statement: Statement) -> list[Comparison]:
    """The lines of a statement's Condition, in order; all of them must hold."""
    condition = statement.get("Condition", {})
    return [
        Comparison(operator, key, as_list(values))
        for operator, keys in condition.items()
        for key, values in keys.items()
    ]


def as_list(value: Any) -> list[Any]:
    """A single value as the list of one that IAM takes it for."""
    return value if isinstance(value, list) else [value]


def trusted_subjects(document: Document, trust: Trust) -> list[str]:
    """All namespace:service_account that the statements of this trust list, in order, each once."""
    listed = [short_subject(sub) for statement in statements(document) for sub in trust.subjects_of(statement)]
    return list(dict.fromkeys(listed))


def trusts_nobody(document: Document) -> bool:
    """Whether the document says that nobody is to assume the role."""
    return all(statement == NOBODY for statement in statements(document))


def with_subjects(document: Document, trust: Trust, subjects: Iterable[str]) -> Document:
    """The document with the subjects trusted as well. One with * or ? goes under StringLike, any other StringEquals."""
    changed = deepcopy(statements(document))
    for sub in map(token_subject, subjects):
        if not any(_lists(trust, statement, sub) for statement in changed):
            _add(changed, trust, sub)
    return _with_statements(document, changed)


def without_subjects(document: Document, trust: Trust, unwanted: Callable[[str], bool]) -> Document:
    """The document where this trust lists no `sub` that is unwanted; a statement left empty goes."""
    kept = [_without(statement, trust, unwanted) for statement in deepcopy(statements(document))]
    return _with_statements(document, [statement for statement in kept if statement is not None])


def merged(document: Document, trust: Trust, subjects: Sequence[str], state: str) -> Document:
    """The document that state (present, absent or exact) asks for; equal to the given one where nothing is to do."""
    named = set(map(token_subject, subjects))
    if state == "absent":
        return without_subjects(document, trust, named.__contains__)
    complete = with_subjects(document, trust, subjects)
    if state == "present":
        return complete
    return without_subjects(complete, trust, lambda sub: sub not in named)


def size(document: Document) -> int:
    """Characters as IAM counts them against the quota: without white space (IAM user guide, "IAM and STS quotas")."""
    return len(re.sub(r"\s", "", json.dumps(document, separators=(",", ":"), ensure_ascii=False)))


def _lists(trust: Trust, statement: Statement, sub: str) -> bool:
    """Whether the statement lists the subject and means it: compared literally a wildcard is only a character."""
    listing = trust.listing(statement)
    return listing is not None and sub in listing.values and (listing.takes_wildcards or not has_wildcard(sub))


def _add(changed: list[Statement], trust: Trust, sub: str) -> None:
    for statement in changed:
        listing = trust.listing(statement)
        if listing and listing.takes_wildcards == has_wildcard(sub):
            statement["Condition"][listing.operator][listing.key] = [*listing.values, sub]
            return
    changed.append(trust.statement("StringLike" if has_wildcard(sub) else "StringEquals", [sub]))


def _without(statement: Statement, trust: Trust, unwanted: Callable[[str], bool]) -> Statement | None:
    listing = trust.listing(statement)
    kept = [sub for sub in listing.values if not unwanted(sub)] if listing else []
    if listing is None or kept == listing.values:
        return statement
    if not kept:
        return None
    statement["Condition"][listing.operator][listing.key] = kept
    return statement


def _with_statements(document: Document, changed: list[Statement]) -> Document:
    """The document with these statements. Its Version stays, as it decides what the others' variables mean."""
    if changed == statements(document):
        return document
    somebody = [statement for statement in changed if statement != NOBODY]
    return {**(document or {"Version": "2012-10-17"}), "Statement": somebody or [NOBODY]}
