"""irsa_trust against an account: the role's trust policy, the provider, and what is refused."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.trust_plans import Request, TrustState, plan_trust
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import NOBODY, Trust
from ansible_collections.deepobs.eks.plugins.modules.irsa_trust import apply
from support.documented import differences, return_documentation
from support.module_cycle import ModuleFailedError, run_cycle, run_module

CLUSTER = "deepobs-local"
DAEMON = "xray-daemon:xray-daemon"
OTHERS = {
    "Sid": "Others",
    "Effect": "Allow",
    "Principal": {"Service": "pods.eks.amazonaws.com"},
    "Action": ["sts:AssumeRole", "sts:TagSession"],
}


@pytest.fixture
def role(aws: Any) -> Iterator[str]:
    """A new role that trusts nobody."""
    name = f"role-{uuid.uuid4().hex}"
    document = {"Version": "2012-10-17", "Statement": [NOBODY]}
    aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
    yield name
    aws.iam.delete_role(RoleName=name)


@pytest.fixture(autouse=True)
def no_provider_left(aws: Any) -> Iterator[None]:
    yield
    for provider in aws.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        aws.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider["Arn"])


def trust_policy(aws: Any, role: str) -> Any:
    return aws.iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]


def arguments(role: str, **more: Any) -> dict[str, Any]:
    return {"role_name": role, "cluster_name": CLUSTER, "subjects": [DAEMON], "create_oidc_provider": True, **more}


def test_a_service_account_is_trusted(aws: Any, role: str) -> None:
    cycle = run_cycle("irsa_trust", arguments(role))

    provider = aws.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"][0]["Arn"]
    expected = Trust(provider, "sts.amazonaws.com").statement("StringEquals", [f"system:serviceaccount:{DAEMON}"])
    assert cycle.done["trust_policy"] == trust_policy(aws, role) == {"Version": "2012-10-17", "Statement": [expected]}
    assert cycle.done["oidc_provider_arn"] == provider
    assert cycle.done["subjects"] == [DAEMON]


def test_the_provider_is_the_clusters(aws: Any, role: str) -> None:
    arn = run_module("irsa_trust", arguments(role))["oidc_provider_arn"]

    provider = aws.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    issuer = aws.eks.describe_cluster(name=CLUSTER)["cluster"]["identity"]["oidc"]["issuer"]
    assert f"https://{provider['Url'].removeprefix('https://')}" == issuer
    assert provider["ClientIDList"] == ["sts.amazonaws.com"]


def test_what_comes_back_is_documented(role: str) -> None:
    assert differences(return_documentation("irsa_trust"), run_module("irsa_trust", arguments(role))) == []


class StubIam:
    """IAM as far as one provider and one role go; remembers the calls that write."""

    def __init__(self, audiences: list[str]) -> None:
        self.audiences = audiences
        self.document: dict[str, Any] = {"Version": "2012-10-17", "Statement": [NOBODY]}
        self.written: list[str] = []

    def get_role(self, **_parameters: Any) -> dict[str, Any]:
        return {"Role": {"AssumeRolePolicyDocument": self.document}}

    def update_assume_role_policy(self, *, PolicyDocument: str, **_parameters: Any) -> dict[str, Any]:
        self.document = json.loads(PolicyDocument)
        self.written.append("policy")
        return {}

    def add_client_id_to_open_id_connect_provider(self, *, ClientID: str, **_parameters: Any) -> dict[str, Any]:
        self.audiences.append(ClientID)
        self.written.append("audience")
        return {}


def test_another_audience_is_added_to_the_provider() -> None:
    iam = StubIam(["sts.amazonaws.com"])
    trust = Trust("arn:aws:iam::1:oidc-provider/issuer", "vault")
    request = Request("role", CLUSTER, (DAEMON,), "present", True, 2048)
    plan = plan_trust(TrustState(iam.document, tuple(iam.audiences)), request, trust)

    apply(iam, plan, request, [], settle_seconds=0)

    assert (iam.audiences, iam.written) == (["sts.amazonaws.com", "vault"], ["audience", "policy"])


def test_other_statements_stay(aws: Any, role: str) -> None:
    document = {"Version": "2012-10-17", "Statement": [OTHERS]}
    aws.iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(document))

    run_cycle("irsa_trust", arguments(role))
    run_cycle("irsa_trust", arguments(role, state="absent"))

    assert trust_policy(aws, role) == document


def test_exact_takes_out_the_others_of_this_cluster(aws: Any, role: str) -> None:
    run_module("irsa_trust", arguments(role, subjects=["a:a", "b:*"]))

    assert run_cycle("irsa_trust", arguments(role, state="exact")).done["subjects"] == [DAEMON]
    assert len(trust_policy(aws, role)["Statement"]) == 1


def test_exact_with_nobody_trusts_nobody(aws: Any, role: str) -> None:
    run_module("irsa_trust", arguments(role))

    run_cycle("irsa_trust", arguments(role, state="exact", subjects=[]))

    assert trust_policy(aws, role)["Statement"] == [NOBODY]


def test_check_mode_plans_for_a_role_that_is_not_there_yet(role: str) -> None:
    planned = run_module("irsa_trust", arguments("role-to-come"), check=True)
    done = run_module("irsa_trust", arguments(role))

    assert planned["changed"]
    assert planned["diff"]["before"] == {"trust_policy": None, "oidc_provider": None}
    assert {**planned, "diff": {}} == {**done, "diff": {}}


def test_check_mode_plans_for_a_provider_that_is_not_there_yet(role: str) -> None:
    assert run_module("irsa_trust", arguments(role, create_oidc_provider=False), check=True)["subjects"] == [DAEMON]


def test_absent_from_a_role_that_is_not_there_is_nothing_to_do() -> None:
    gone = run_module("irsa_trust", arguments("no-such-role", state="absent"))

    assert (gone["changed"], gone["trust_policy"], gone["subjects"]) == (False, {}, [])


def test_settling_watches_and_changes_nothing_more(role: str) -> None:
    settled = run_module("irsa_trust", arguments(role, settle_seconds=0.1))

    assert settled["subjects"] == [DAEMON]


def crowd(count: int) -> list[str]:
    return [f"namespace-{number}:service-account-{number}" for number in range(count)]


REFUSED = {
    "a missing role": ({"role_name": "no-such-role"}, "no IAM role 'no-such-role'.*role_name"),
    "a missing cluster": ({"cluster_name": "no-such-cluster"}, "no EKS cluster 'no-such-cluster'.*cluster_name"),
    "a missing provider": ({"create_oidc_provider": False}, "no OIDC provider .*create_oidc_provider"),
    "a malformed subject": ({"subjects": ["xray-daemon"]}, "'xray-daemon' is not namespace:service_account"),
    "no subject": ({"subjects": []}, "subjects is empty"),
    "too many subjects": ({"subjects": crowd(60)}, r"would have \d{4} characters, but policy_quota is 2048"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_work_is_refused_and_nothing_written(
    aws: Any, role: str, options: dict[str, Any], message: str
) -> None:
    before = trust_policy(aws, role)

    with pytest.raises(ModuleFailedError, match=message):
        run_module("irsa_trust", arguments(role, **options))

    assert trust_policy(aws, role) == before
    assert aws.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []


def test_a_raised_quota_can_be_used(role: str) -> None:
    done = run_module("irsa_trust", arguments(role, subjects=crowd(40), policy_quota=4096), check=True)

    assert done["subjects"] == crowd(40)
