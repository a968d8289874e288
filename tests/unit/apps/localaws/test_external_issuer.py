"""A cluster whose tokens a real API server signs: its keys are fetched, and fetched again when they change."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import jwt
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm
from localaws.account import create_account
from localaws.identity.external import REFETCH_AFTER_SECONDS
from localaws.json_input import InputError
from localaws.seed import parse_seed
from support.aws_errors import refused
from support.served_account import account_served
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ISSUER = "https://kubernetes.default.svc.cluster.local"
SUBJECT = "system:serviceaccount:shop:backend"


class ApiServer:
    """The part of an API server that shows its public keys."""

    def __init__(self) -> None:
        self.keys: dict[str, RSAPrivateKey] = {}
        self.asked = 0

    def rotate(self, key_id: str) -> None:
        self.keys = {key_id: generate_private_key(public_exponent=65537, key_size=2048)}

    def token(self, key_id: str, **claims: Any) -> str:
        whole = {"iss": ISSUER, "sub": SUBJECT, "aud": ["sts.amazonaws.com"], "exp": time.time() + 600, **claims}
        return jwt.encode(whole, self.keys[key_id], "RS256", {"kid": key_id})

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.asked += 1
        keys = [
            {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": name, "use": "sig", "alg": "RS256"}
            for name, key in self.keys.items()
        ]
        start_response("200 OK", [("Content-Type", "application/jwk-set+json")])
        return [json.dumps({"keys": keys}).encode()]


@pytest.fixture
def api_server() -> Iterator[tuple[ApiServer, str]]:
    server_keys = ApiServer()
    server_keys.rotate("first")
    server = make_server("127.0.0.1", 0, server_keys, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server_keys, f"http://127.0.0.1:{server.server_port}/openid/v1/jwks"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def url(api_server: tuple[ApiServer, str], tmp_path: Path) -> Iterator[str]:
    cluster = {"name": "real", "oidc_issuer": {"url": ISSUER, "jwks_url": api_server[1]}}
    with account_served(create_account(parse_seed({"clusters": [cluster]}), tmp_path)) as address:
        yield address


def client(service: str, url: str, **config: Any) -> Any:
    anything: Any = boto3
    return anything.client(
        service,
        region_name="eu-west-1",
        endpoint_url=url,
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


def test_tokens_of_a_real_cluster_open_sessions(api_server: tuple[ApiServer, str], url: str) -> None:
    server, _unused = api_server
    issuer = client("eks", url).describe_cluster(name="real")["cluster"]["identity"]["oidc"]["issuer"]
    assert issuer == ISSUER
    iam = client("iam", url)
    made = iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"])
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": made["OpenIDConnectProviderArn"]},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{ISSUER.removeprefix('https://')}:sub": SUBJECT}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    arn = iam.create_role(RoleName="backend", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    sts = client("sts", url, signature_version=UNSIGNED)

    def assume(token: str) -> dict[str, Any]:
        found: dict[str, Any] = sts.assume_role_with_web_identity(
            RoleArn=arn, RoleSessionName="pod", WebIdentityToken=token
        )
        return found

    assert assume(server.token("first"))["SubjectFromWebIdentityToken"] == SUBJECT
    assume(server.token("first"))
    assert server.asked == 1, "keys are kept"
    stale = server.token("first")
    server.rotate("second")
    time.sleep(REFETCH_AFTER_SECONDS)
    assert assume(server.token("second"))["Credentials"]
    assert server.asked == 2, "an unknown key makes them be fetched again"
    with refused("InvalidIdentityToken", message="Couldn't retrieve verification key"):
        assume(stale)
    forged = jwt.encode(
        jwt.decode(server.token("second"), options={"verify_signature": False}),
        generate_private_key(public_exponent=65537, key_size=2048),
        "RS256",
        {"kid": "second"},
    )
    with refused("InvalidIdentityToken", message="signature"):
        assume(forged)
    with refused("ExpiredTokenException"):
        assume(server.token("second", exp=time.time() - 1))
    with refused("AccessDenied", 403):
        assume(server.token("second", sub="system:serviceaccount:shop:other"))


@pytest.mark.parametrize(
    ("issuer", "words"),
    [
        ({"url": "http://issuer", "jwks_url": "https://x"}, "oidc_issuer.url: 'http://issuer'"),
        ({"url": "https://issuer", "jwks_url": "file:///etc/passwd"}, "oidc_issuer.jwks_url"),
        ({"url": "https://issuer", "jwks_url": "https://x", "ca_file": "/no/such"}, "oidc_issuer.ca_file"),
        ({"url": "https://issuer"}, "jwks_url: a text is wanted"),
    ],
)
def test_issuer_that_cannot_be_used_is_named(issuer: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_seed({"clusters": [{"name": "real", "oidc_issuer": issuer}]})


def test_issuer_outside_signs_its_tokens_itself() -> None:
    token = {"namespace": "a", "service_account": "b", "path": "/tmp/t"}
    cluster = {"name": "real", "oidc_issuer": {"url": ISSUER, "jwks_url": "https://x"}, "project_tokens": [token]}
    with pytest.raises(InputError, match="signs its tokens itself"):
        parse_seed({"clusters": [cluster]})
