"""STS: a projected token, a role's trust, and credentials - or the refusal that AWS gives."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import jwt
import pytest
from botocore import UNSIGNED
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from support.aws_errors import refused

SUBJECT = "system:serviceaccount:xray-daemon:xray-daemon"
AUDIENCE = "sts.amazonaws.com"
DENIED = "Not authorized to perform sts:AssumeRoleWithWebIdentity"

Assume = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def issuer(eks: Any) -> str:
    url: str = eks.describe_cluster(name="deepobs-local")["cluster"]["identity"]["oidc"]["issuer"]
    return url


@pytest.fixture(scope="module")
def provider_arn(iam: Any, issuer: str) -> str:
    made = iam.create_open_id_connect_provider(Url=issuer, ClientIDList=[AUDIENCE], ThumbprintList=["a" * 40])
    arn: str = made["OpenIDConnectProviderArn"]
    return arn


@pytest.fixture
def role_arn(iam: Any, issuer: str, provider_arn: str) -> str:
    """A role that trusts the daemon's service account."""
    statement = trust_statement(issuer, provider_arn)
    return put_role(iam, [statement])


@pytest.fixture(scope="module")
def token(localaws_url: str, localaws_folder: Path) -> str:
    return (localaws_folder / "tokens" / "xray-daemon").read_text()


@pytest.fixture
def assume(clients: Callable[..., Any], token: str) -> Assume:
    sts = clients("sts", signature_version=UNSIGNED)

    def call(role_arn: str, web_identity: str = token, **parameters: Any) -> dict[str, Any]:
        reply: dict[str, Any] = sts.assume_role_with_web_identity(
            RoleArn=role_arn, RoleSessionName="daemon", WebIdentityToken=web_identity, **parameters
        )
        return reply

    return call


def trust_statement(issuer: str, provider_arn: str, **changes: Any) -> dict[str, Any]:
    name = issuer.removeprefix("https://")
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{name}:aud": AUDIENCE, f"{name}:sub": [SUBJECT]}},
        **changes,
    }


def put_role(iam: Any, statements: list[dict[str, Any]], name: str = "daemon") -> str:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    try:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=document)
        arn: str = iam.get_role(RoleName=name)["Role"]["Arn"]
    except iam.exceptions.NoSuchEntityException:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    return arn


def test_trusted_service_account_gets_credentials(localaws_url: str, assume: Assume, role_arn: str) -> None:
    reply = assume(role_arn)
    assert (reply["SubjectFromWebIdentityToken"], reply["Audience"]) == (SUBJECT, AUDIENCE)
    credentials = reply["Credentials"]
    session = boto3.client(
        "sts",
        region_name="eu-west-1",
        endpoint_url=localaws_url,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    identity = session.get_caller_identity()["Arn"]
    assert identity == reply["AssumedRoleUser"]["Arn"] == "arn:aws:sts::123456789012:assumed-role/daemon/daemon"


def test_boto3_chain_takes_the_projected_token(
    localaws_url: str, localaws_folder: Path, role_arn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", localaws_url)
    monkeypatch.setenv("AWS_ROLE_ARN", role_arn)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(localaws_folder / "tokens" / "xray-daemon"))
    identity = boto3.Session(region_name="eu-west-1").client("sts").get_caller_identity()
    assert identity["Arn"].startswith("arn:aws:sts::123456789012:assumed-role/daemon/")


@pytest.mark.parametrize(
    "changes",
    [
        {"Condition": {"StringEquals": {"{issuer}:sub": "system:serviceaccount:xray-daemon:other"}}},
        {"Condition": {"StringEquals": {"{issuer}:aud": "another"}}},
        {"Condition": {"StringLike": {"{issuer}:sub": "system:serviceaccount:amazon-*:*"}}},
        {"Condition": {"StringEquals": {"oidc.eks.eu-west-1.amazonaws.com/id/0:sub": SUBJECT}}},
        {"Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/elsewhere"}},
        {"Principal": {"Service": "pods.eks.amazonaws.com"}},
        {"Action": "sts:AssumeRole"},
        {"Effect": "Deny"},
    ],
)
def test_trust_that_does_not_fit_denies(
    iam: Any, assume: Assume, issuer: str, provider_arn: str, changes: dict[str, Any]
) -> None:
    changes = json.loads(json.dumps(changes).replace("{issuer}", issuer.removeprefix("https://")))
    role_arn = put_role(iam, [trust_statement(issuer, provider_arn, **changes)])
    with refused("AccessDenied", 403, DENIED):
        assume(role_arn)


def test_deny_wins_over_allow(iam: Any, assume: Assume, issuer: str, provider_arn: str) -> None:
    allow = trust_statement(issuer, provider_arn)
    role_arn = put_role(iam, [allow, {**allow, "Effect": "Deny"}])
    with refused("AccessDenied", 403, DENIED):
        assume(role_arn)


def test_role_that_is_not_there_is_denied_alike(assume: Assume, provider_arn: str) -> None:
    with refused("AccessDenied", 403, DENIED):
        assume("arn:aws:iam::123456789012:role/nobody")


def forged(token: str, key: Any, **changes: Any) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode({**claims, **changes}, key, algorithm="RS256")


@pytest.fixture(scope="module")
def issuer_key(localaws_url: str, localaws_folder: Path) -> str:
    return (localaws_folder / "state" / "issuers" / "deepobs-local.pem").read_text()


def test_foreign_signature_is_refused(assume: Assume, role_arn: str, token: str) -> None:
    stranger = generate_private_key(public_exponent=65537, key_size=2048)
    with refused("InvalidIdentityToken", message="signature"):
        assume(role_arn, forged(token, stranger))


@pytest.mark.parametrize("mangled", ["no.token.atall", "text", "a" * 20_000])
def test_what_is_no_token_is_refused(assume: Assume, role_arn: str, mangled: str) -> None:
    with refused("InvalidIdentityToken", message="not a valid JWT"):
        assume(role_arn, mangled)


def test_unsigned_token_is_refused(assume: Assume, role_arn: str, token: str) -> None:
    claims = jwt.decode(token, options={"verify_signature": False})
    with refused("InvalidIdentityToken"):
        assume(role_arn, jwt.encode(claims, "", algorithm="none"))


def test_old_token_is_expired(assume: Assume, role_arn: str, token: str, issuer_key: str) -> None:
    with refused("ExpiredTokenException", message="must be before the expiration"):
        assume(role_arn, forged(token, issuer_key, exp=int(time.time()) - 1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"aud": ["another"]}, "Incorrect token audience"),
        ({"aud": None}, "Incorrect token audience"),
        ({"iss": "https://oidc.eks.eu-west-1.amazonaws.com/id/0"}, "No OpenIDConnect provider found in your account"),
        ({"sub": None}, "Missing a required claim"),
        ({"exp": "soon"}, "exp"),
        ({"nbf": 4_000_000_000}, "not valid before"),
    ],
)
def test_claims_that_do_not_fit_are_refused(
    assume: Assume, role_arn: str, token: str, issuer_key: str, changes: dict[str, Any], message: str
) -> None:
    with refused("InvalidIdentityToken", message=message):
        assume(role_arn, forged(token, issuer_key, **changes))


def test_unregistered_issuer_is_refused(
    iam: Any, assume: Assume, role_arn: str, provider_arn: str, issuer: str
) -> None:
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider_arn)
    try:
        with refused("InvalidIdentityToken", message=f"No OpenIDConnect provider found in your account for {issuer}"):
            assume(role_arn)
    finally:
        iam.create_open_id_connect_provider(Url=issuer, ClientIDList=[AUDIENCE], ThumbprintList=["a" * 40])


def test_session_is_no_longer_than_the_role_allows(assume: Assume, role_arn: str) -> None:
    with refused("ValidationError", message="MaxSessionDuration"):
        assume(role_arn, DurationSeconds=7200)
    with refused("ValidationError", message="43200"):
        assume(role_arn, DurationSeconds=50_000)


def test_session_policy_must_be_a_policy(assume: Assume, role_arn: str) -> None:
    with refused("MalformedPolicyDocument"):
        assume(role_arn, Policy="{}")


def test_what_is_not_looked_at_is_not_pretended(assume: Assume, role_arn: str) -> None:
    with refused("NotImplemented", 501, "sts.AssumeRoleWithWebIdentity with ProviderId"):
        assume(role_arn, ProviderId="www.amazon.com")


def test_assume_role_asks_the_trust_too(iam: Any, clients: Callable[..., Any]) -> None:
    sts = clients("sts")
    trusting = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}
    arn = put_role(iam, [trusting], "operator")
    assert sts.assume_role(RoleArn=arn, RoleSessionName="me")["AssumedRoleUser"]["Arn"].endswith("operator/me")
    put_role(iam, [{**trusting, "Condition": {"StringEquals": {"sts:ExternalId": "shop"}}}], "operator")
    assert sts.assume_role(RoleArn=arn, RoleSessionName="me", ExternalId="shop")["Credentials"]
    with refused("AccessDenied", 403, "is not authorized to perform: sts:AssumeRole on resource"):
        sts.assume_role(RoleArn=arn, RoleSessionName="me")
