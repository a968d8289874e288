"""IRSA as on EKS: the webhook gives a pod its token, and STS trusts it by the issuer's keys and the role's policy."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.request import urlopen

import jwt
import pytest
from botocore.exceptions import ClientError
from support.clients import Clients

from cluster.aws import AUDIENCE, ROLE, role_for
from cluster.forwarding import reachable_from_pods
from cluster.layout import ISSUER, REGION, Layout
from cluster.running import Namespace, RunningCluster, eventually

TOKEN_FILE = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"


def account(namespace: Namespace, name: str, annotations: Mapping[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace.name, "annotations": dict(annotations)}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def pod_of(namespace: Namespace, name: str, **container: Any) -> dict[str, Any]:
    return namespace.pod(name, serviceAccountName=name, container=container)


def give_role(running: RunningCluster, namespace: Namespace, name: str, **more: str) -> None:
    annotations = {"role-arn": ROLE, **{key.replace("_", "-"): value for key, value in more.items()}}
    running.apply(account(namespace, name, {f"eks.amazonaws.com/{key}": value for key, value in annotations.items()}))


def environment_of(namespace: Namespace, pod: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in namespace.probe(pod, "environment").splitlines() if "=" in line)


def test_pod_of_an_annotated_account_gets_token_and_variables(running: RunningCluster, namespace: Namespace) -> None:
    give_role(running, namespace, "shop")
    namespace.run(pod_of(namespace, "shop"))
    environment = environment_of(namespace, "shop")
    assert {name: value for name, value in environment.items() if name.startswith("AWS_")} == {
        "AWS_ROLE_ARN": ROLE,
        "AWS_WEB_IDENTITY_TOKEN_FILE": TOKEN_FILE,
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }
    claims = jwt.decode(namespace.probe("shop", "cat", TOKEN_FILE).strip(), options={"verify_signature": False})
    assert (claims["iss"], claims["aud"]) == (ISSUER, [AUDIENCE])
    assert claims["sub"] == f"system:serviceaccount:{namespace.name}:shop"
    assert claims["exp"] - claims["iat"] == 86400


def test_pod_of_another_account_gets_nothing(running: RunningCluster, namespace: Namespace) -> None:
    namespace.run(namespace.pod("plain"))
    assert not [name for name in environment_of(namespace, "plain") if name.startswith("AWS_")]
    volumes = running.core.read_namespaced_pod("plain", namespace.name).spec.volumes
    assert "aws-iam-token" not in [volume.name for volume in volumes]


def test_annotations_choose_audience_lifetime_and_endpoints(running: RunningCluster, namespace: Namespace) -> None:
    more = {"audience": "example.test", "token_expiration": "3600", "sts_regional_endpoints": "false"}
    give_role(running, namespace, "shop", **more)
    namespace.run(pod_of(namespace, "shop"))
    claims = jwt.decode(namespace.probe("shop", "cat", TOKEN_FILE).strip(), options={"verify_signature": False})
    assert claims["aud"] == ["example.test"]
    assert claims["exp"] - claims["iat"] == 3600
    assert "AWS_STS_REGIONAL_ENDPOINTS" not in environment_of(namespace, "shop")


def test_variables_of_the_pods_own_stay(running: RunningCluster, namespace: Namespace) -> None:
    give_role(running, namespace, "shop")
    namespace.run(pod_of(namespace, "shop", env=[{"name": "AWS_ROLE_ARN", "value": "mine"}]))
    environment = environment_of(namespace, "shop")
    assert environment["AWS_ROLE_ARN"] == "mine"
    assert "AWS_WEB_IDENTITY_TOKEN_FILE" not in environment
    assert environment["AWS_REGION"] == REGION


def test_containers_that_are_skipped_get_nothing(running: RunningCluster, namespace: Namespace) -> None:
    give_role(running, namespace, "shop")
    pod = pod_of(namespace, "shop")
    pod["metadata"]["annotations"] = {"eks.amazonaws.com/skip-containers": "probe"}
    namespace.run(pod)
    assert "AWS_ROLE_ARN" not in environment_of(namespace, "shop")


def test_issuer_publishes_its_keys_to_anybody(running: RunningCluster, layout: Layout) -> None:
    context = ssl.create_default_context(cafile=str(layout.keys / "ca.crt"))
    host = running.api.configuration.host
    with urlopen(f"{host}/.well-known/openid-configuration", context=context) as reply:
        assert json.load(reply)["issuer"] == ISSUER
    with urlopen(f"{host}/openid/v1/jwks", context=context) as reply:
        assert [key["alg"] for key in json.load(reply)["keys"]] == ["RS256"]


def test_pod_assumes_the_role_that_trusts_its_account(
    layout: Layout, running: RunningCluster, namespace: Namespace, aws: Clients, aws_url: str
) -> None:
    give_role(running, namespace, "shop")
    port = int(aws_url.rpartition(":")[2])
    with role_for(aws, f"{namespace.name}:shop"), reachable_from_pods(layout, port) as address:
        namespace.run(pod_of(namespace, "shop", env=[{"name": "AWS_ENDPOINT_URL", "value": f"http://{address}"}]))
        eventually(
            lambda: (
                f"{ROLE.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/probe"
                in namespace.probe("shop", "assume-role")
            ),
            "the role's session",
        )


def refused(aws: Clients, token: str) -> str:
    with pytest.raises(ClientError) as error:
        aws.sts.assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="probe", WebIdentityToken=token)
    return str(error.value.response["Error"]["Code"])


def token_of(running: RunningCluster, namespace: Namespace, name: str, audience: str = AUDIENCE) -> str:
    options = ("--namespace", namespace.name, f"--audience={audience}")
    return running.kubectl("create", "token", name, *options).strip()


def test_role_is_refused_to_another_account(running: RunningCluster, namespace: Namespace, aws: Clients) -> None:
    with role_for(aws, f"{namespace.name}:shop"):
        assert refused(aws, token_of(running, namespace, "default")) == "AccessDenied"


def test_token_for_another_audience_is_refused(running: RunningCluster, namespace: Namespace, aws: Clients) -> None:
    with role_for(aws, f"{namespace.name}:default"):
        assert refused(aws, token_of(running, namespace, "default", "example.test")) == "InvalidIdentityToken"


def test_token_with_a_signature_of_others_is_refused(
    running: RunningCluster, namespace: Namespace, aws: Clients
) -> None:
    with role_for(aws, f"{namespace.name}:default"):
        token = token_of(running, namespace, "default")
        head, body, signature = token.split(".")
        forged = ("B" if signature[0] == "A" else "A") + signature[1:]
        assert refused(aws, f"{head}.{body}.{forged}") == "InvalidIdentityToken"
        aws.sts.assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="probe", WebIdentityToken=token)
