"""Which calls make a role what a plan says, by a client that notes them and keeps one role."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.irsa_iam import RoleGoneError
from ansible_collections.deepobs.eks.plugins.module_utils.irsa_role_changes import RoleChanges
from ansible_collections.deepobs.eks.plugins.module_utils.irsa_roles import Role
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import NOBODY
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch
from botocore.exceptions import ClientError
from support.trust_documents import OTHER_TRUST, TRUST

ARN = "arn:aws:iam::123456789012:role/daemon"
WRITES, READS = (f"arn:aws:iam::aws:policy/{name}" for name in ("AWSXRayDaemonWriteAccess", "ReadOnlyAccess"))
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
OURS, THEIRS = (trust.statement("StringEquals", ["x"]) for trust in (TRUST, OTHER_TRUST))
ROLE = Role("daemon", ARN, trust_policy={"Version": "2012-10-17", "Statement": [OURS]})

Call = tuple[str, dict[str, Any]]


def absent(operation: str, code: str = "NoSuchEntity") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "No."}}, operation)


class NotingIam:
    """IAM with one role or none, whose calls are noted without the role's name; policies come a page each."""

    def __init__(self, *trusted: dict[str, Any], exists: bool = True) -> None:
        self.exists = exists
        self.trust_policy: dict[str, Any] = {"Version": "2012-10-17", "Statement": list(trusted)}
        self.attached = [READS, WRITES]
        self.inline = {"a": POLICY, "b": POLICY}
        self.calls: list[Call] = []
        self.refusals: dict[str, ClientError] = {}
        self.seconds = 0.0

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def method(aws_retry: bool, RoleName: str, **parameters: Any) -> dict[str, Any]:
            self.calls.append((operation, parameters))
            if operation in self.refusals:
                raise self.refusals[operation]
            answers: dict[str, Callable[..., dict[str, Any]]] = {
                "get_role": self._role,
                "get_role_policy": self._policy,
                "list_attached_role_policies": lambda Marker="0": self._page("AttachedPolicies", Marker),
                "list_role_policies": lambda Marker="0": self._page("PolicyNames", Marker),
                "update_assume_role_policy": self._trust,
                "create_role": lambda **_parameters: {"Role": {}},
            }
            return answers[operation](**parameters) if operation in answers else {}

        return method

    def _role(self) -> dict[str, Any]:
        if not self.exists:
            raise absent("GetRole")
        return {"Role": {"RoleName": "daemon", "Arn": ARN, "Path": "/", "AssumeRolePolicyDocument": self.trust_policy}}

    def _policy(self, PolicyName: str) -> dict[str, Any]:
        if PolicyName not in self.inline:
            raise absent("GetRolePolicy")
        return {"PolicyDocument": self.inline[PolicyName]}

    def _page(self, kind: str, marker: str) -> dict[str, Any]:
        items: list[Any] = (
            [{"PolicyArn": arn} for arn in self.attached] if kind == "AttachedPolicies" else [*self.inline]
        )
        number = int(marker)
        more = {"Marker": str(number + 1)} if number + 1 < len(items) else {}
        return {kind: items[number : number + 1], **more}

    def _trust(self, PolicyDocument: str) -> dict[str, Any]:
        self.trust_policy = json.loads(PolicyDocument)
        return {}

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def changes(
    iam: NotingIam, merge: Callable[[dict[str, Any]], dict[str, Any]] = lambda document: document
) -> RoleChanges:
    return RoleChanges(iam, "daemon", merge, 0, Stopwatch(lambda: iam.seconds, iam.sleep))


def without_ours(document: dict[str, Any]) -> dict[str, Any]:
    """The merge of a task that takes our statement out."""
    others = [statement for statement in document.get("Statement", []) if statement != OURS]
    return {"Version": "2012-10-17", "Statement": others or [NOBODY]}


def test_role_that_is_not_there_costs_one_call() -> None:
    iam = NotingIam(exists=False)
    assert changes(iam).read(None) is None
    assert iam.calls == [("get_role", {})]


def test_role_is_read_with_all_pages_of_its_policies() -> None:
    expected = replace(ROLE, managed_policies=(WRITES, READS), inline_policies={"a": POLICY, "b": POLICY})
    assert changes(NotingIam(OURS)).read(None) == expected


def test_only_named_inline_policies_are_read_and_those_there_are_kept() -> None:
    iam = NotingIam(OURS)
    role = changes(iam).read({"b": POLICY, "c": POLICY})
    assert role is not None
    assert role.inline_policies == {"b": POLICY}
    assert "list_role_policies" not in [operation for operation, _parameters in iam.calls]


def test_role_that_somebody_created_is_waited_for_and_may_be_gone_again() -> None:
    assert changes(NotingIam(OURS)).read_awaited({}).arn == ARN
    iam = NotingIam(exists=False)
    with pytest.raises(RoleGoneError, match="'daemon' was deleted while its trust policy was being changed"):
        changes(iam).read_awaited({})
    assert iam.seconds > 0


def test_role_is_created_with_its_trust_and_what_is_not_empty() -> None:
    iam = NotingIam(exists=False)
    assert changes(iam).create(ROLE) is True
    plain = {
        "Path": "/",
        "AssumeRolePolicyDocument": json.dumps(ROLE.trust_policy),
        "MaxSessionDuration": 3600,
    }
    assert iam.calls.pop() == ("create_role", plain)
    changes(iam).create(replace(ROLE, description="Ours", permissions_boundary=READS, tags={"a": "1"}))
    more = {"Description": "Ours", "PermissionsBoundary": READS, "Tags": [{"Key": "a", "Value": "1"}]}
    assert iam.calls.pop() == ("create_role", {**plain, **more})


def test_role_that_somebody_created_first_is_told() -> None:
    iam = NotingIam()
    iam.refusals["create_role"] = absent("CreateRole", "EntityAlreadyExists")
    assert changes(iam).create(ROLE) is False


FULL = replace(
    ROLE,
    description="Ours",
    max_session_duration=7200,
    permissions_boundary=READS,
    managed_policies=(WRITES,),
    inline_policies={"a": POLICY},
    tags={"a": "1", "b": "2"},
)
DOCUMENT = json.dumps(POLICY)
UPDATES: dict[str, tuple[Role, Role, list[Call]]] = {
    "nothing": (FULL, FULL, []),
    "its description and sessions": (
        FULL,
        replace(FULL, description="", max_session_duration=3600),
        [("update_role", {"Description": "", "MaxSessionDuration": 3600})],
    ),
    "a boundary": (
        ROLE,
        replace(ROLE, permissions_boundary=READS),
        [("put_role_permissions_boundary", {"PermissionsBoundary": READS})],
    ),
    "no boundary": (FULL, replace(FULL, permissions_boundary=""), [("delete_role_permissions_boundary", {})]),
    "tags": (
        FULL,
        replace(FULL, tags={"b": "3", "c": "4"}),
        [
            ("untag_role", {"TagKeys": ["a"]}),
            ("tag_role", {"Tags": [{"Key": "b", "Value": "3"}, {"Key": "c", "Value": "4"}]}),
        ],
    ),
    "another managed policy, first the new one": (
        FULL,
        replace(FULL, managed_policies=(READS,)),
        [("attach_role_policy", {"PolicyArn": READS}), ("detach_role_policy", {"PolicyArn": WRITES})],
    ),
    "another inline policy, first the new one": (
        FULL,
        replace(FULL, inline_policies={"b": POLICY}),
        [
            ("put_role_policy", {"PolicyName": "b", "PolicyDocument": DOCUMENT}),
            ("delete_role_policy", {"PolicyName": "a"}),
        ],
    ),
}


@pytest.mark.parametrize(("before", "after", "calls"), UPDATES.values(), ids=UPDATES)
def test_update_makes_the_calls_it_takes_and_no_others(before: Role, after: Role, calls: list[Call]) -> None:
    iam = NotingIam(OURS)
    assert changes(iam).update(before, after) == after
    assert iam.calls == calls


def test_trust_that_others_changed_meanwhile_is_merged_with_theirs() -> None:
    iam = NotingIam(THEIRS, OURS)
    after = replace(ROLE, trust_policy={"Version": "2012-10-17", "Statement": [NOBODY]})
    done = changes(iam, without_ours).update(ROLE, after)
    assert done.trust_policy == iam.trust_policy == {"Version": "2012-10-17", "Statement": [THEIRS]}


def test_role_is_deleted_after_all_that_hangs_on_it() -> None:
    iam = NotingIam(OURS)
    assert changes(iam, without_ours).remove(FULL) is None
    assert iam.calls == [
        ("get_role", {}),
        ("detach_role_policy", {"PolicyArn": WRITES}),
        ("delete_role_policy", {"PolicyName": "a"}),
        ("delete_role", {}),
    ]


def test_role_that_is_gone_already_is_as_good_as_deleted() -> None:
    iam = NotingIam(exists=False)
    gone = ("detach_role_policy", "delete_role_policy", "delete_role")
    iam.refusals = {operation: absent(operation) for operation in gone}
    assert changes(iam, without_ours).remove(FULL) is None


def test_role_that_somebody_came_to_use_stays_with_its_policies() -> None:
    iam = NotingIam(OURS, THEIRS)
    left = changes(iam, without_ours).remove(FULL)
    assert left == replace(FULL, trust_policy={"Version": "2012-10-17", "Statement": [THEIRS]})
    assert {operation for operation, _parameters in iam.calls} == {"get_role", "update_assume_role_policy"}
