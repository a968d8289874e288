"""Refuses identity policies as IAM does. Moto knows their grammar; what it lets through is found here.

The rules are those of the IAM User Guide, "Grammar of the IAM JSON policy language" and "IAM and AWS STS quotas".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson
from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.policy_validation import IAMPolicyDocumentValidator

from localaws.access.patterns import listed
from localaws.service import ServiceError

MANAGED_POLICY_CHARACTERS = 6144
_SID = re.compile(r"[0-9A-Za-z]*")


class DuplicateKeyError(ValueError):
    """A policy names an element twice."""


def parsed_policy(text: str) -> Any:
    """The JSON of a policy. Raises ValueError for what is none, DuplicateKeyError for an element that comes twice."""
    # First, because Python's own parser takes NaN and half of a character, and gives up at depths that it does not.
    orjson.loads(text)
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except RecursionError as error:
        raise ValueError("too many levels") from error


def counted_characters(text: str) -> int:
    """The length of a policy as the quotas count it, without white space."""
    return len(re.sub(r"\s", "", text))


def check_identity_policy(text: str) -> None:
    """Raises ServiceError MalformedPolicyDocument for what is not an identity policy."""
    try:
        policy = parsed_policy(text)
        IAMPolicyDocumentValidator(text).validate()
    except ValueError as error:
        raise malformed("Syntax errors in policy.") from error
    except MalformedPolicyDocument as error:
        raise malformed(str(error.message)) from error
    for statement in listed(policy["Statement"]):
        _check_statement(statement)


def check_managed_policy(text: str) -> None:
    """Raises ServiceError: MalformedPolicyDocument, LimitExceeded for a managed policy that is too long."""
    if counted_characters(text) > MANAGED_POLICY_CHARACTERS:
        raise ServiceError("LimitExceeded", f"Cannot exceed quota for PolicySize: {MANAGED_POLICY_CHARACTERS}", 409)
    check_identity_policy(text)


def malformed(message: str) -> ServiceError:
    """The error for a policy that is not one."""
    return ServiceError("MalformedPolicyDocument", message)


def check_sid(statement: Mapping[str, Any]) -> None:
    """Raises ServiceError MalformedPolicyDocument for a Sid that has other characters than letters and digits."""
    if not _SID.fullmatch(statement.get("Sid", "")):
        advice = f"Check that your input satisfies the regular expression {_SID.pattern}"
        raise malformed(f"Statement IDs (SID) must be alpha-numeric. {advice}")


def _check_statement(statement: Mapping[str, Any]) -> None:
    if {"Principal", "NotPrincipal"} & statement.keys():
        raise malformed("Policy document should not specify a principal.")
    check_sid(statement)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DuplicateKeyError("an element is there twice")
    return found
