"""What the IRSA modules ask of IAM: the right partition, patience with what is new, and no more than that."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, error_code
from ansible_collections.deepobs.eks.plugins.module_utils.irsa_iam import call_awaited, ensure_provider, trust_of
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import Trust
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch
from botocore.exceptions import ClientError

ID = "0123456789ABCDEF"
TRUST = Trust(f"arn:aws:iam::1:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/{ID}", "sts.amazonaws.com")
PARTITIONS = {
    "aws": ("eu-west-1", f"oidc.eks.eu-west-1.amazonaws.com/id/{ID}"),
    "aws-cn": ("cn-north-1", f"oidc.eks.cn-north-1.amazonaws.com.cn/id/{ID}"),
    "aws-us-gov": ("us-gov-west-1", f"oidc.eks.us-gov-west-1.amazonaws.com/id/{ID}"),
}


@pytest.mark.parametrize("partition", PARTITIONS)
def test_the_provider_is_in_the_partition_and_account_of_the_cluster(partition: str) -> None:
    region, issuer = PARTITIONS[partition]
    cluster = {
        "name": "shop",
        "arn": f"arn:{partition}:eks:{region}:123456789012:cluster/shop",
        "identity": {"oidc": {"issuer": f"https://{issuer}"}},
    }

    trust = trust_of(cluster, "sts.amazonaws.com")

    assert trust.provider_arn == f"arn:{partition}:iam::123456789012:oidc-provider/{issuer}"
    assert trust.issuer == issuer


class Answers:
    """A method of IAM that answers with one error after the other, then well; and a clock that only sleeping moves."""

    def __init__(self, *errors: tuple[str, str]) -> None:
        self.errors = list(errors)
        self.calls: list[dict[str, Any]] = []
        self.seconds = 0.0

    def __call__(self, *, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        self.calls.append(parameters)
        if self.errors:
            code, message = self.errors.pop(0)
            raise ClientError({"Error": {"Code": code, "Message": message}}, "AnyOperation")
        return {"done": True}

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    @property
    def watch(self) -> Stopwatch:
        return Stopwatch(lambda: self.seconds, self.sleep)


NEW_PRINCIPAL = ("MalformedPolicyDocument", 'Invalid principal in policy: "AWS":"arn:aws:iam::1:role/new"')
NEW_ROLE = ("NoSuchEntity", "The role with name new cannot be found.")


@pytest.mark.parametrize("error", [NEW_PRINCIPAL, NEW_ROLE], ids=["as a principal", "as a role"])
def test_a_role_that_iam_does_not_know_yet_is_waited_for(error: tuple[str, str]) -> None:
    answers = Answers(error, error)

    assert call_awaited(answers, "try", answers.watch) == {"done": True}
    assert answers.seconds == 1


def test_the_waiting_ends_and_the_error_is_told() -> None:
    answers = Answers(*[NEW_ROLE] * 100)

    with pytest.raises(DeepobsError, match="Failed to try") as raised:
        call_awaited(answers, "try", answers.watch)
    assert error_code(raised.value) == "NoSuchEntity"
    assert answers.seconds == 8


@pytest.mark.parametrize(
    "error", [("AccessDenied", "no"), ("MalformedPolicyDocument", "Syntax errors in policy.")], ids=str
)
def test_any_other_error_is_told_at_once(error: tuple[str, str]) -> None:
    answers = Answers(error)

    with pytest.raises(DeepobsError):
        call_awaited(answers, "try", answers.watch)
    assert answers.seconds == 0


class StubProviders:
    """IAM's calls that write providers."""

    def __init__(self, *errors: tuple[str, str]) -> None:
        self.create_open_id_connect_provider = Answers(*errors)
        self.add_client_id_to_open_id_connect_provider = Answers()


def test_a_provider_is_created_with_the_thumbprints_given() -> None:
    iam = StubProviders()

    ensure_provider(iam, TRUST, None, ["a" * 40])

    assert iam.create_open_id_connect_provider.calls == [
        {"Url": f"https://{TRUST.issuer}", "ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": ["a" * 40]}
    ]
    assert iam.add_client_id_to_open_id_connect_provider.calls == []


def test_a_provider_that_somebody_else_has_just_created_gets_the_audience() -> None:
    iam = StubProviders(("EntityAlreadyExists", "already there"))

    ensure_provider(iam, TRUST, None, [])

    assert iam.add_client_id_to_open_id_connect_provider.calls == [
        {"OpenIDConnectProviderArn": TRUST.provider_arn, "ClientID": "sts.amazonaws.com"}
    ]
