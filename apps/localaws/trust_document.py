"""Refuses trust policies as IAM does, before moto takes them: moto's CreateRole takes any text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from localaws.policy_document import DuplicateKeyError, check_sid, counted_characters, malformed, parsed_policy
from localaws.service import ServiceError

# IAM quotas: "Role trust policy length", 2,048 characters by default, white space not counted.
_QUOTA_CHARACTERS = 2048
# What a policy without a version has (IAM User Guide, "IAM JSON policy elements: Version").
_OLD_VERSION = "2008-10-17"
_ELEMENTS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition"}
# What each kind of principal may be (IAM User Guide, "AWS JSON policy elements: Principal").
_PRINCIPAL_TYPES = {
    "AWS": re.compile(
        r"\*|\d{12}|arn:aws[a-z-]*:iam::\d{12}:(root|(role|user)/[^*?\s]+)"
        r"|arn:aws[a-z-]*:sts::\d{12}:(assumed-role|federated-user)/[^*?\s]+|A(ROA|IDA)[A-Z0-9]{12,}"
    ),
    "Federated": re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(oidc|saml)-provider/[^:\s]+|\*|[a-z0-9.-]+\.(com|org|net)"),
    "Service": re.compile(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com|api\.aws)"),
    "CanonicalUser": re.compile(r"[0-9a-f]{64}"),
}
_QUANTIFIED = re.compile(r"(?:For(?:AnyValue|AllValues):)?(\w+?)(?:IfExists)?")
_OPERATORS = re.compile(
    r"String(Not)?(Equals(IgnoreCase)?|Like)|Arn(Not)?(Equals|Like)|(Date|Numeric)(Not)?(Equals|LessThan(Equals)?"
    r"|GreaterThan(Equals)?)|Bool|BinaryEquals|(Not)?IpAddress|Null"
)


def check_trust_policy(text: str, knows_principal: Callable[[str], bool]) -> None:
    """Raises ServiceError: MalformedPolicyDocument for what is not a trust policy, LimitExceeded for a long one.

    `knows_principal` tells of a role's or a user's ARN whether there is such a one, as far as that can be known.
    """
    if counted_characters(text) > _QUOTA_CHARACTERS:
        raise ServiceError("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {_QUOTA_CHARACTERS}", 409)
    policy = _parsed(text)
    if policy.keys() - {"Version", "Id", "Statement"} or "Statement" not in policy:
        raise malformed("Syntax errors in policy.")
    if policy.get("Version", _OLD_VERSION) not in (_OLD_VERSION, "2012-10-17"):
        raise malformed("Policy document must be version 2012-10-17 or greater.")
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    if not statements or not all(isinstance(statement, dict) for statement in statements):
        raise malformed("Syntax errors in policy.")
    for statement in statements:
        _check_statement(statement, knows_principal)
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(set(sids)) != len(sids):
        raise malformed("Statement IDs (SID) in a single policy must be unique.")


def _parsed(text: str) -> dict[str, Any]:
    try:
        policy = parsed_policy(text)
    except DuplicateKeyError as error:
        raise malformed("Syntax errors in policy.") from error
    except ValueError as error:
        raise malformed("This policy contains invalid Json") from error
    if not isinstance(policy, dict):
        raise malformed("Syntax errors in policy.")
    return policy


def _check_statement(statement: Mapping[str, Any], knows_principal: Callable[[str], bool]) -> None:
    if prohibited := {"Resource", "NotResource"} & statement.keys():
        raise malformed(f"Has prohibited field {prohibited.pop()}")
    well_formed = (
        not statement.keys() - _ELEMENTS
        and statement.get("Effect") in ("Allow", "Deny")
        and isinstance(statement.get("Sid", ""), str)
        and not {"Action", "NotAction"} <= statement.keys()
        and not {"Principal", "NotPrincipal"} <= statement.keys()
    )
    if not well_formed:
        raise malformed("Syntax errors in policy.")
    check_sid(statement)
    if not {"Principal", "NotPrincipal"} & statement.keys():
        raise malformed("Missing required field Principal")
    if not {"Action", "NotAction"} & statement.keys():
        raise malformed("Missing required field Action")
    _check_actions(statement.get("Action", statement.get("NotAction")))
    _check_principal(statement.get("Principal", statement.get("NotPrincipal")), knows_principal)
    _check_condition(statement.get("Condition", {}))


def _check_actions(actions: Any) -> None:
    for action in _texts(actions):
        if not action.lower().startswith("sts:") and action != "*":
            raise malformed("AssumeRole policy may only specify STS AssumeRole actions.")


def _check_principal(principal: Any, knows_principal: Callable[[str], bool]) -> None:
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal or principal.keys() - _PRINCIPAL_TYPES.keys():
        raise malformed("AssumeRolepolicy contained an invalid principal")
    for kind, names in principal.items():
        for name in _texts(names):
            if not _PRINCIPAL_TYPES[kind].fullmatch(name) or (kind == "AWS" and not knows_principal(name)):
                raise malformed(f'Invalid principal in policy: "{kind.upper()}":"{name}"')


def _check_condition(condition: Any) -> None:
    for operator, keys in condition.items() if isinstance(condition, dict) else [("", None)]:
        plain = _QUANTIFIED.fullmatch(operator)
        if not plain or not _OPERATORS.fullmatch(plain.group(1)):
            raise malformed(f"Invalid Condition type : {operator}.")
        if not isinstance(keys, dict) or not all(_is_value(value) for value in keys.values()):
            raise malformed("Syntax errors in policy.")


def _texts(value: Any) -> list[str]:
    """A text or a list of texts as a list."""
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise malformed("Syntax errors in policy.")
    return texts


def _is_value(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(isinstance(item, str | bool | int | float) for item in values)
