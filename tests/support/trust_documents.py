"""Legal trust policies of every form, and an own reading of whom they let in, written without the plugins' code."""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Iterator
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import NOBODY, Trust
from hypothesis import strategies as st

ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"
OTHER_ISSUER = ISSUER.replace("0123", "FEDC")
OTHER_PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{OTHER_ISSUER}"
TRUST = Trust(PROVIDER, "sts.amazonaws.com")
OTHER_TRUST = Trust(OTHER_PROVIDER, "sts.amazonaws.com")

SUBJECTS = [f"{namespace}:{name}" for namespace in "ab" for name in ("a", "b", "ab")]
Way = tuple[str, str, str, bool]
# Every way in there is: the token's provider, audience and subject, and whether the request meets conditions on itself.
WAYS: list[Way] = list(
    itertools.product([PROVIDER, OTHER_PROVIDER], ["sts.amazonaws.com", "vault"], SUBJECTS, [True, False])
)


def ways_in(document: dict[str, Any]) -> set[Way]:
    """All the ways in which the document lets somebody assume the role."""
    return {way for way in WAYS if _is_open(document, way)}


def asked_for(subjects: list[str]) -> set[Way]:
    """The ways in that a task asks for with these subjects of TRUST."""
    return {
        way
        for way in WAYS
        if way[:2] == (PROVIDER, TRUST.audience) and any(fnmatch.fnmatchcase(way[2], one) for one in subjects)
    }


def _is_open(document: dict[str, Any], way: Way) -> bool:
    statements = _listed(document.get("Statement", []))
    effects = {one["Effect"] for one in statements if _is_about(one, way)}
    return effects == {"Allow"}


def _is_about(statement: dict[str, Any], way: Way) -> bool:
    named: Any = statement.get("Principal", statement.get("NotPrincipal"))
    federated = ["*"] if named == "*" else _listed(named.get("Federated", []))
    meant = way[0] in federated or "*" in federated
    actions = [action.lower() for action in _listed(statement.get("Action", statement.get("NotAction")))]
    covered = any(fnmatch.fnmatchcase("sts:assumerolewithwebidentity", action) for action in actions)
    return (
        meant == ("Principal" in statement)
        and covered == ("Action" in statement)
        and all(_holds(line, way) for line in _lines(statement))
    )


def _lines(statement: dict[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            yield operator, key.lower(), _listed(values)


def _holds(line: tuple[str, str, list[str]], way: Way) -> bool:
    operator, key, values = line
    provider, audience, subject, request_meets = way
    if key.startswith("aws:"):
        return request_meets
    issuer = provider.partition("oidc-provider/")[2].lower()
    given = {f"{issuer}:aud": audience, f"{issuer}:sub": f"system:serviceaccount:{subject}"}.get(key)
    if given is None:
        return operator.startswith("ForAllValues:") or operator.endswith("IfExists") or "Not" in operator
    plain = operator.rpartition(":")[2].removesuffix("IfExists")
    found = any(fnmatch.fnmatchcase(given, value) if "Like" in plain else given == value for value in values)
    return found != ("Not" in plain)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


literals = st.sampled_from(SUBJECTS)
subjects = st.one_of(literals, st.sampled_from(["a:*", "b:a*", "?:b", "*:ab"]))
states = st.sampled_from(["present", "absent", "exact"])

_operators = st.sampled_from(
    [
        *["StringEquals", "StringLike", "ForAnyValue:StringEquals", "ForAnyValue:StringLike"] * 3,
        *["ForAllValues:StringEquals", "StringEqualsIfExists", "StringNotEquals", "StringNotLike"],
    ]
)
_issuers = st.sampled_from([ISSUER] * 4 + [ISSUER.lower(), ISSUER.upper(), OTHER_ISSUER])
_subs = st.one_of(subjects.map(lambda subject: f"system:serviceaccount:{subject}"), st.just("*"))
_audiences = st.sampled_from(["sts.amazonaws.com"] * 4 + ["vault"])


def _one_or_many(values: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.lists(values, min_size=1, max_size=3, unique=True))


@st.composite
def _conditions(draw: st.DrawFn) -> dict[str, Any]:
    condition: dict[str, Any] = {}
    lines = draw(st.sampled_from([["aud", "sub"]] * 6 + [["sub", "aud"], ["sub"], ["aud"], ["aud", "sub", "sub"]]))
    for claim in lines:
        spelled = draw(st.sampled_from([claim] * 3 + [claim.upper()]))
        values = draw(_one_or_many(_audiences if claim == "aud" else _subs))
        condition.setdefault(draw(_operators), {})[f"{draw(_issuers)}:{spelled}"] = values
    if draw(st.integers(0, 5)) == 0:
        condition["IpAddress"] = {"aws:SourceIp": "10.0.0.0/8"}
    return condition


_principals = st.sampled_from(
    [
        *[{"Federated": PROVIDER}, {"Federated": [PROVIDER]}] * 4,
        {"Federated": OTHER_PROVIDER},
        {"Federated": [PROVIDER, OTHER_PROVIDER]},
        {"Federated": PROVIDER, "AWS": "arn:aws:iam::123456789012:root"},
        {"Federated": "*"},
        "*",
    ]
)
_actions = st.sampled_from(
    [
        *["sts:AssumeRoleWithWebIdentity", ["sts:AssumeRoleWithWebIdentity"], "STS:assumerolewithwebidentity"] * 3,
        ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
        "sts:*",
        "sts:TagSession",
    ]
)


@st.composite
def _statements(draw: st.DrawFn) -> dict[str, Any]:
    effect = draw(st.sampled_from(["Allow"] * 5 + ["Deny"]))
    principal = draw(st.sampled_from(["NotPrincipal" if effect == "Deny" else "Principal"] + ["Principal"] * 3))
    action = draw(st.sampled_from(["Action"] * 8 + ["NotAction"]))
    statement = {"Effect": effect, principal: draw(_principals), action: draw(_actions)}
    if draw(st.integers(0, 9)):
        statement["Condition"] = draw(_conditions())
    return statement


_PODS = {
    "Effect": "Allow",
    "Principal": {"Service": "pods.eks.amazonaws.com"},
    "Action": ["sts:AssumeRole", "sts:TagSession"],
}


@st.composite
def _documents(draw: st.DrawFn) -> dict[str, Any]:
    listed = draw(st.lists(st.one_of(_statements(), st.sampled_from([_PODS, NOBODY])), min_size=1, max_size=5))
    numbered = [
        {"Sid": f"S{number}", **one} if draw(st.booleans()) and one != NOBODY else dict(one)
        for number, one in enumerate(listed)
    ]
    document: dict[str, Any] = draw(
        st.sampled_from(
            [{"Version": "2012-10-17"}, {"Version": "2008-10-17"}, {}, {"Version": "2012-10-17", "Id": "x"}]
        )
    )
    alone = len(numbered) == 1 and draw(st.booleans())
    return {**document, "Statement": numbered[0] if alone else numbered}


documents = _documents()
