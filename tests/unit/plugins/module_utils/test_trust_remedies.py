"""What mends a trust that fails, by the names of the checks that fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.trust_explanations import Case, Check
from ansible_collections.deepobs.eks.plugins.module_utils.trust_remedies import remedy_tasks, remedy_words
from support.trust_documents import TRUST

ARN = "arn:aws:iam::123456789012:role/team/daemon"
CASE = Case(
    role="daemon",
    cluster_name="shop",
    subject="xray-daemon:daemon",
    trust=TRUST,
    found={"Arn": ARN},
    audiences=("sts.amazonaws.com",),
    claims={},
    now_seconds=0.0,
)
TRUSTS = {"role_name": "daemon", "cluster_name": "shop", "subjects": ["xray-daemon:daemon"]}


def failing(*names: str, unknown: str = "not_denied") -> list[Check]:
    """Checks that fail, one that holds and one that cannot be judged."""
    verdicts = {"token_issuer": True, unknown: None, **dict.fromkeys(names, False)}
    return [{"name": name, "holds": holds, "message": ""} for name, holds in verdicts.items()]


def options(case: Case, *names: str) -> dict[str, Any]:
    """Each task's options by its module."""
    tasks = remedy_tasks(case, failing(*names))
    return {module: task[module] for task in tasks for module in task if module != "name"}


def test_nothing_is_mended_where_nothing_fails() -> None:
    assert (remedy_tasks(CASE, failing()), remedy_words(failing())) == ([], "")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("account", "a role in the cluster's account"),
        ("token_issuer", "look at cluster_name"),
        ("token_subject", "spec.serviceAccountName"),
        ("token_audience", "eks.amazonaws.com/audience"),
        ("token_in_time", "look at the clocks"),
        ("not_denied", "take the Deny statement out"),
    ],
)
def test_what_no_task_may_decide_is_told_in_words(name: str, words: str) -> None:
    assert words in remedy_words(failing(name))
    assert remedy_tasks(CASE, failing(name)) == []


def test_words_for_several_failures_stand_together() -> None:
    assert remedy_words(failing("token_subject", "not_denied")) == " ".join(
        [remedy_words(failing("token_subject")), remedy_words(failing("not_denied"))]
    )


def test_role_that_is_not_there_is_created_and_no_more() -> None:
    role = {"name": "daemon", "subjects": ["xray-daemon:daemon"]}
    created = {"cluster_name": "shop", "roles": [role], "create_oidc_provider": True}
    assert options(CASE, "role_exists", "allowed", "provider_registered") == {"deepobs.eks.irsa_role": created}


def test_role_that_was_named_by_its_arn_is_created_at_its_path() -> None:
    created = options(replace(CASE, role=ARN), "role_exists")["deepobs.eks.irsa_role"]
    assert created["roles"] == [{"name": "daemon", "subjects": ["xray-daemon:daemon"], "path": "/team/"}]


def test_role_that_does_not_trust_comes_to_trust() -> None:
    assert options(CASE, "allowed") == {"deepobs.eks.irsa_trust": TRUSTS}


@pytest.mark.parametrize("name", ["provider_registered", "provider_audience"])
def test_provider_that_is_not_there_or_not_whole_is_made(name: str) -> None:
    assert options(CASE, name) == {"deepobs.eks.irsa_trust": {**TRUSTS, "create_oidc_provider": True}}


def test_other_audience_is_named() -> None:
    case = replace(CASE, trust=replace(TRUST, audience="vault"))
    assert options(case, "allowed") == {"deepobs.eks.irsa_trust": {**TRUSTS, "audience": "vault"}}


def test_service_account_with_another_arn_is_annotated_beside_the_trust() -> None:
    both = options(CASE, "role_arn", "allowed")
    assert [*both] == ["deepobs.eks.irsa_trust", "kubernetes.core.k8s"]
    annotated = both["kubernetes.core.k8s"]
    assert (annotated["kind"], annotated["namespace"], annotated["name"]) == ("ServiceAccount", "xray-daemon", "daemon")
    assert annotated["definition"]["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": ARN}


def test_role_of_another_account_is_mended_by_no_task() -> None:
    assert remedy_tasks(CASE, failing("account", "role_exists", "allowed", "role_arn")) == []
