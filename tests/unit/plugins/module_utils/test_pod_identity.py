"""What is planned for Pod Identity associations, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.pod_identity import (
    Plan,
    Request,
    from_aws,
    name_of,
    plan_associations,
    settings_to_aws,
)

ROLE = "arn:aws:iam::123456789012:role/apps/backend"
OTHER = "arn:aws:iam::123456789012:role/other"
TARGET = "arn:aws:iam::210987654321:role/orders"
POLICY = {"Version": "2012-10-17", "Statement": []}
CREATED = datetime(2026, 1, 31, tzinfo=UTC)


def asked(service_account: str = "backend", **options: Any) -> dict[str, Any]:
    """What the module's options say of one association."""
    left_out = dict.fromkeys(("target_role_arn", "disable_session_tags", "policy", "tags"))
    return {"namespace": "shop", "service_account": service_account, "role_arn": ROLE, **left_out, **options}


def existing(service_account: str = "backend", **members: Any) -> dict[str, Any]:
    """An association as EKS tells of it, in Ansible's shape."""
    item = {
        "namespace": "shop",
        "serviceAccount": service_account,
        "roleArn": ROLE,
        "associationId": f"a-{service_account}",
        "associationArn": f"arn:aws:eks:eu-west-1:123456789012:podidentityassociation/shop/a-{service_account}",
        "createdAt": CREATED,
        "modifiedAt": CREATED,
        **members,
    }
    return from_aws(item)


def request(*associations: dict[str, Any], state: str = "present", **options: Any) -> Request:
    return Request("deepobs-local", "eu-west-1", associations, state, **options)


def planned(current: list[dict[str, Any]], *associations: dict[str, Any], **options: Any) -> Plan:
    wanted = request(*associations, **options)
    wanted.check()
    return plan_associations([item for item in current if wanted.concerns(item)], wanted)


def names(associations: list[dict[str, Any]]) -> list[str]:
    return [name_of(association) for association in associations]


def test_shape_has_what_eks_does_not_tell_as_none() -> None:
    association = existing(policy=json.dumps(POLICY), ownerArn="arn:aws:eks:eu-west-1:1:addon/shop/vpc-cni/1")
    assert association["policy"] == POLICY
    assert (association["addon"], association["tags"], association["disable_session_tags"]) == ("vpc-cni", {}, False)
    assert (association["target_role_arn"], association["created_at"]) == (None, "2026-01-31T00:00:00+00:00")


def test_what_is_missing_is_created() -> None:
    plan = planned([existing("other")], asked(target_role_arn=TARGET, tags={"team": 7}))
    (association,) = plan.create
    assert plan.after == [association]
    assert (plan.before, plan.update, plan.delete, plan.changed) == ([], [], [], True)
    assert association["external_id"] == "eu-west-1/123456789012/deepobs-local/shop/backend"
    assert (association["tags"], association["association_id"]) == ({"team": "7"}, None)


def test_what_is_left_out_stays() -> None:
    current = existing(targetRoleArn=TARGET, disableSessionTags=True, policy=json.dumps(POLICY), tags={"a": "b"})
    current["external_id"] = "eu-west-1/123456789012/deepobs-local/shop/backend"
    assert planned([current], asked()).changed is False


def test_empty_takes_away() -> None:
    current = existing(targetRoleArn=TARGET, disableSessionTags=True, policy=json.dumps(POLICY), tags={"a": "b"})
    ((before, after),) = planned([current], asked(target_role_arn="", policy={}, tags={})).update
    assert before == current
    assert (after["target_role_arn"], after["policy"], after["external_id"], after["tags"]) == (None, None, None, {})
    assert settings_to_aws(after, ["target_role_arn", "policy"]) == {"targetRoleArn": "", "policy": ""}


def test_role_is_changed_in_place() -> None:
    plan = planned([existing()], asked(role_arn=OTHER))
    ((before, after),) = plan.update
    assert (before["association_id"], after["association_id"], after["role_arn"]) == ("a-backend", "a-backend", OTHER)
    assert plan.diff["before"]["associations"]["shop/backend"]["role_arn"] == ROLE
    assert plan.diff["after"]["associations"]["shop/backend"]["role_arn"] == OTHER


@pytest.mark.parametrize(
    ("purge", "expected"), [(True, {"new": "1", "aws:made": "x"}), (False, {"old": "1", "new": "1", "aws:made": "x"})]
)
def test_tags_are_purged_or_kept(purge: bool, expected: dict[str, str]) -> None:
    current = existing(tags={"old": "1", "aws:made": "x"})
    (association,) = planned([current], asked(tags={"new": "1"}), purge_tags=purge).after
    assert association["tags"] == expected


def test_only_what_is_named_is_deleted() -> None:
    plan = planned([existing("backend"), existing("other")], asked(role_arn=None), asked("never"), state="absent")
    assert (names(plan.delete), plan.after, names(plan.before)) == (["shop/backend"], [], ["shop/backend"])


def test_exact_reaches_as_far_as_its_namespaces() -> None:
    owner = "arn:aws:eks:eu-west-1:123456789012:addon/shop/vpc-cni/1"
    current = [existing(), existing("old"), existing("owned", ownerArn=owner), existing("far", namespace="far")]
    assert names(planned(current, asked(), state="exact", namespaces=("shop",)).delete) == ["shop/old"]
    assert names(planned(current, asked(), state="exact", namespaces=("*",)).delete) == ["shop/old", "far/far"]


@pytest.mark.parametrize("options", [{"state": "present"}, {"state": "absent"}])
def test_association_of_an_addon_is_not_changed(options: dict[str, Any]) -> None:
    current = existing(ownerArn="arn:aws:eks:eu-west-1:123456789012:addon/shop/vpc-cni/1")
    with pytest.raises(DeepobsError, match=r"belongs to the add-on vpc-cni.*pod_identity_associations"):
        planned([current], asked(role_arn=OTHER), **options)
    assert planned([current], asked()).changed is False


@pytest.mark.parametrize(
    ("association", "options", "message"),
    [
        (asked(namespace="Shop"), {}, "shop.*'Shop' cannot be the name of a namespace"),
        (asked("back_end"), {}, "'back_end' cannot be the name of a service account"),
        (asked(role_arn=None), {}, "role_arn is required unless state is absent"),
        (asked(role_arn="backend"), {}, "role_arn: 'backend' is not the ARN of an IAM role"),
        (asked(target_role_arn="arn:aws:iam::1:role/x"), {}, "target_role_arn: 'arn:aws:iam::1:role/x' is not"),
        (asked(), {"state": "exact", "namespaces": ("far",)}, "namespaces: 'shop' is missing"),
        (asked(policy=POLICY), {}, "a policy only with disable_session_tags=true"),
        (asked(policy=POLICY, disable_session_tags=False), {}, "a policy only with disable_session_tags=true"),
    ],
)
def test_what_eks_would_refuse_is_refused_before(
    association: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DeepobsError, match=f"(?i)associations: .*{message}"):
        planned([], association, **options)


def test_association_is_given_once() -> None:
    with pytest.raises(DeepobsError, match="shop/backend: is there twice"):
        request(asked(), asked(role_arn=OTHER)).check()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (request(asked(), asked("frontend")), "shop"),
        (request(asked(), asked(namespace="far")), None),
        (request(state="exact", namespaces=("shop",)), "shop"),
        (request(asked(), state="exact", namespaces=("*",)), None),
    ],
)
def test_request_may_be_about_one_namespace(wanted: Request, expected: str | None) -> None:
    assert wanted.only_namespace == expected


def test_policy_is_sent_as_json() -> None:
    sent = settings_to_aws(existing(policy=json.dumps(POLICY)), ["role_arn", "policy", "disable_session_tags"])
    assert sent == {"roleArn": ROLE, "policy": json.dumps(POLICY), "disableSessionTags": False}
