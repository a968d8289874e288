"""irsa_trust against an account: the role's trust policy, the provider, and what is refused."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils import irsa_iam
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.trust_plans import Request, plan_trust
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import NOBODY, Trust, token_subject
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch
from ansible_collections.deepobs.eks.plugins.modules.irsa_trust import apply, observe
from botocore.exceptions import ClientError
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
pytestmark = pytest.mark.usefixtures("account")


@pytest.fixture
def role(aws: Any) -> str:
    """A new role that trusts nobody."""
    name = f"role-{uuid.uuid4().hex}"
    document = {"Version": "2012-10-17", "Statement": [NOBODY]}
    aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
    return name


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
    """IAM as far as one provider and one role go; `at_look` says what others do when the role is read the nth time."""

    def __init__(self, audiences: tuple[str, ...] = ("sts.amazonaws.com",)) -> None:
        self.audiences = list(audiences)
        self.document: dict[str, Any] | None = {"Version": "2012-10-17", "Statement": [NOBODY]}
        self.looks = 0
        self.at_look: dict[int, Callable[[], None]] = {}
        self.written: list[str] = []
        self.gone_at_write = False

    def get_role(self, **_parameters: Any) -> dict[str, Any]:
        self.looks += 1
        self.at_look.get(self.looks, lambda: None)()
        if self.document is None:
            raise ClientError({"Error": {"Code": "NoSuchEntity", "Message": "not there"}}, "GetRole")
        return {"Role": {"AssumeRolePolicyDocument": self.document}}

    def update_assume_role_policy(self, *, PolicyDocument: str, **_parameters: Any) -> dict[str, Any]:
        if self.gone_at_write:
            raise ClientError({"Error": {"Code": "NoSuchEntity", "Message": "gone"}}, "UpdateAssumeRolePolicy")
        self.document = json.loads(PolicyDocument)
        self.written.append("policy")
        return {}

    def get_open_id_connect_provider(self, **_parameters: Any) -> dict[str, Any]:
        return {"ClientIDList": self.audiences}

    def add_client_id_to_open_id_connect_provider(self, *, ClientID: str, **_parameters: Any) -> dict[str, Any]:
        self.audiences.append(ClientID)
        self.written.append("audience")
        return {}

    def vanish(self) -> None:
        self.document = None


class Clock:
    """Time that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    @property
    def watch(self) -> Stopwatch:
        return Stopwatch(lambda: self.seconds, self.sleep)


def request(state: str = "present") -> Request:
    return Request("role", CLUSTER, (DAEMON,), state, create_oidc_provider=True, policy_quota=2048)


VAULT = Trust("arn:aws:iam::1:oidc-provider/issuer", "vault")


def run(iam: StubIam, state: str, clock: Clock, settle_seconds: float = 0) -> Any:
    asked = request(state)
    plan = plan_trust(observe(iam, asked, VAULT, False, clock.watch), asked, VAULT)
    return apply(iam, plan, asked, [], settle_seconds, clock.watch)


def test_another_audience_is_added_to_the_provider() -> None:
    iam = StubIam()

    run(iam, "present", Clock())

    assert (iam.audiences, iam.written) == (["sts.amazonaws.com", "vault"], ["audience", "policy"])


def test_the_policy_is_read_again_just_before_it_is_written() -> None:
    iam = StubIam()
    iam.at_look[2] = lambda: iam.document.update(Statement=[OTHERS])  # type: ignore[union-attr]

    assert run(iam, "present", Clock())["Statement"][0] == OTHERS


def test_a_role_created_a_moment_ago_is_waited_for() -> None:
    iam, clock = StubIam(), Clock()
    present, iam.document = iam.document, None
    iam.at_look[4] = lambda: setattr(iam, "document", present)

    assert run(iam, "present", clock)["Statement"][0]["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert clock.seconds == 1.5


def test_a_role_deleted_meanwhile_is_told() -> None:
    iam, clock = StubIam(), Clock()
    iam.at_look[2] = iam.vanish

    with pytest.raises(DeepobsError, match="was deleted while its trust policy was being changed"):
        run(iam, "present", clock)
    assert clock.seconds == 8


def test_a_role_deleted_between_reading_and_writing_is_told() -> None:
    iam = StubIam()
    iam.gone_at_write = True

    with pytest.raises(DeepobsError, match="was deleted while its trust policy was being changed"):
        run(iam, "present", Clock())


def test_a_role_deleted_meanwhile_trusts_nobody_any_more_either() -> None:
    iam = StubIam()
    iam.document = {"Version": "2012-10-17", "Statement": [VAULT.statement("StringEquals", [token_subject(DAEMON)])]}
    iam.at_look[2] = iam.vanish

    assert run(iam, "absent", Clock()) is None


def test_finding_nothing_to_do_watches_nothing() -> None:
    iam, clock = StubIam(), Clock()
    run(iam, "present", clock)
    looks = iam.looks

    run(iam, "present", clock, settle_seconds=60)

    assert (iam.looks - looks, clock.seconds) == (1, 0)


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


def test_check_mode_does_not_wait(role: str) -> None:
    began = time.monotonic()

    assert run_module("irsa_trust", arguments(role, settle_seconds=600), check=True)["changed"]
    assert time.monotonic() - began < 60


def test_whom_another_statement_still_lets_in_is_told(aws: Any, role: str) -> None:
    provider = run_module("irsa_trust", arguments(role))["oidc_provider_arn"]
    whole = {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity"}
    document = {"Version": "2012-10-17", "Statement": [whole]}
    aws.iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(document))

    gone = run_module("irsa_trust", arguments(role, state="absent"))

    assert f"Statement 1 of the trust policy of role {role} still lets {DAEMON} in" in json.dumps(gone["warnings"])


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
    aws: Any, role: str, options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(irsa_iam, "CONSISTENT_WITHIN_SECONDS", 0)
    before = trust_policy(aws, role)

    with pytest.raises(ModuleFailedError, match=message):
        run_module("irsa_trust", arguments(role, **options))

    assert trust_policy(aws, role) == before
    assert aws.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []


def test_a_raised_quota_can_be_used(role: str) -> None:
    done = run_module("irsa_trust", arguments(role, subjects=crowd(40), policy_quota=4096), check=True)

    assert done["subjects"] == crowd(40)
