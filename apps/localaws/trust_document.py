"""Refuses trust policies as IAM does, before moto takes them: moto's CreateRole takes any text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from localaws.service import ServiceError

# IAM quotas: "Role trust policy length", 2,048 characters by default, white space not counted.
_QUOTA_CHARACTERS = 2048
_SID = re.compile(r"[0-9A-Za-z]*")
_ELEMENTS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition"}
_PRINCIPAL_TYPES = {"AWS", "Federated", "Service", "CanonicalUser"}
_FEDERATED = re.compile(r"arn:aws:iam::\d{12}:(oidc|saml)-provider/[^:\s]+|\*|[a-z0-9.-]+\.(com|org|net)")
_QUANTIFIED = re.compile(r"(?:For(?:AnyValue|AllValues):)?(\w+?)(?:IfExists)?")
_OPERATORS = re.compile(
    r"String(Not)?(Equals(IgnoreCase)?|Like)|Arn(Not)?(Equals|Like)|(Date|Numeric)(Not)?(Equals|LessThan(Equals)?"
    r"|GreaterThan(Equals)?)|Bool|BinaryEquals|(Not)?IpAddress|Null"
)


def check_trust_policy(text: str) -> None:
    """Raises ServiceError: MalformedPolicyDocument for what is not a trust policy, LimitExceeded for a long one."""
    if len(re.sub(r"\s", "", text)) > _QUOTA_CHARACTERS:
        raise ServiceError("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {_QUOTA_CHARACTERS}", 409)
    policy = _parsed(text)
    if policy.keys() - {"Version", "Id", "Statement"} or "Statement" not in policy:
        raise _malformed("Syntax errors in policy.")
    if policy.get("Version") != "2012-10-17":
        raise _malformed("Policy document must be version 2012-10-17 or greater.")
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    if not statements or not all(isinstance(statement, dict) for statement in statements):
        raise _malformed("Syntax errors in policy.")
    for statement in statements:
        _check_statement(statement)
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(set(sids)) != len(sids):
        raise _malformed("Statement IDs (SID) in a single policy must be unique.")


def _parsed(text: str) -> dict[str, Any]:
    try:
        policy = json.loads(text)
    except ValueError as error:
        raise _malformed("This policy contains invalid Json") from error
    if not isinstance(policy, dict):
        raise _malformed("Syntax errors in policy.")
    return policy


def _check_statement(statement: Mapping[str, Any]) -> None:
    if prohibited := {"Resource", "NotResource"} & statement.keys():
        raise _malformed(f"Has prohibited field {prohibited.pop()}")
    well_formed = (
        not statement.keys() - _ELEMENTS
        and statement.get("Effect") in ("Allow", "Deny")
        and _is_text(statement.get("Sid", ""), _SID.fullmatch)
        and not {"Action", "NotAction"} <= statement.keys()
        and not {"Principal", "NotPrincipal"} <= statement.keys()
    )
    if not well_formed:
        raise _malformed("Syntax errors in policy.")
    if not {"Principal", "NotPrincipal"} & statement.keys():
        raise _malformed("Missing required field Principal")
    if not {"Action", "NotAction"} & statement.keys():
        raise _malformed("Missing required field Action")
    _check_actions(statement.get("Action", statement.get("NotAction")))
    _check_principal(statement.get("Principal", statement.get("NotPrincipal")))
    _check_condition(statement.get("Condition", {}))


def _check_actions(actions: Any) -> None:
    for action in _texts(actions):
        if not action.lower().startswith("sts:") and action != "*":
            raise _malformed("AssumeRole policy may only specify STS AssumeRole actions.")


def _check_principal(principal: Any) -> None:
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal or principal.keys() - _PRINCIPAL_TYPES:
        raise _malformed("AssumeRolepolicy contained an invalid principal")
    for kind, names in principal.items():
        for name in _texts(names):
            if kind == "Federated" and not _FEDERATED.fullmatch(name):
                raise _malformed(f'Invalid principal in policy: "FEDERATED":"{name}"')


def _check_condition(condition: Any) -> None:
    for operator, keys in condition.items() if isinstance(condition, dict) else [("", None)]:
        plain = _QUANTIFIED.fullmatch(operator)
        if not plain or not _OPERATORS.fullmatch(plain.group(1)):
            raise _malformed(f"Invalid Condition type : {operator}.")
        if not isinstance(keys, dict) or not all(_is_value(value) for value in keys.values()):
            raise _malformed("Syntax errors in policy.")


def _texts(value: Any) -> list[str]:
    """A text or a list of texts as a list."""
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise _malformed("Syntax errors in policy.")
    return texts


def _is_text(value: Any, fits: Callable[[str], object]) -> bool:
    return isinstance(value, str) and bool(fits(value))


def _is_value(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(isinstance(item, str | bool | int | float) for item in values)


def _malformed(message: str) -> ServiceError:
    return ServiceError("MalformedPolicyDocument", message)
