"""irsa_trust_info against an account: AWS's own refusal explained, mended by its remedy, and no token printed."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
import yaml
from ansible_collections.deepobs.eks.plugins.modules import irsa_trust_info
from support.clients import Clients
from support.documented import differences, return_documentation
from support.module_cycle import ModuleFailedError, run_module
from support.scenarios import CLUSTER
from support.trust import AGENT, DAEMON, create_provider, create_role, issuer, trusting

pytestmark = pytest.mark.usefixtures("account")


def explained(**options: Any) -> dict[str, Any]:
    arguments = {"role": "daemon", "cluster_name": CLUSTER, "subject": DAEMON, **options}
    result = run_module("irsa_trust_info", arguments)
    assert differences(return_documentation("irsa_trust_info"), result) == []
    return result


def failing(result: dict[str, Any]) -> list[str]:
    return [check["name"] for check in result["checks"] if not check["holds"]]


@pytest.mark.parametrize("role_there", [True, False])
def test_what_the_remedy_says_mends_it(aws: Clients, role_there: bool) -> None:
    if role_there:
        create_role(aws, "daemon", trusting(aws, AGENT))
    refused = explained()
    assert not refused["allowed"]

    for task in yaml.safe_load(refused["remedy_task"]):
        module, options = next(item for item in task.items() if item[0] != "name")
        run_module(module, options)

    mended = explained()
    assert (mended["allowed"], mended["remedy_task"], mended["remedy_tasks"]) == (True, "", [])
    assert DAEMON in [one["subject"] for one in mended["trusted"]]


def token_of(claims: dict[str, Any]) -> str:
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in ({}, claims, {}))


def test_a_token_is_read_and_not_printed(aws: Clients, capsys: pytest.CaptureFixture[str]) -> None:
    create_provider(aws)
    create_role(aws, "daemon", trusting(aws, DAEMON))
    claims = {"iss": f"https://{issuer(aws)}", "sub": "system:serviceaccount:a:a", "aud": "sts.amazonaws.com"}
    token = token_of({**claims, "exp": time.time() + 3600})

    by_token = explained(token=token)

    assert failing(by_token) == ["token_subject"]
    assert token not in json.dumps(by_token)
    assert failing(explained(claims={**claims, "exp": 1})) == ["token_subject", "token_in_time"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subject": "daemon"}, "'daemon' is not namespace:service_account"),
        ({"subject": "a:*"}, "not namespace:service_account"),
        ({"role": "arn:aws:iam::1:role/x"}, "neither the name nor the ARN"),
        ({"token": "none"}, "token is not a JSON Web Token"),
        ({"token": "none", "claims": {}}, "mutually exclusive"),
        ({"cluster_name": "none"}, "no EKS cluster 'none'"),
    ],
)
def test_what_cannot_be_asked_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ModuleFailedError, match=message):
        explained(**options)


def test_without_a_yaml_library_the_tasks_come_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(irsa_trust_info, "HAS_YAML", False)

    result = explained()

    assert json.loads(result["remedy_task"]) == result["remedy_tasks"]
