"""The journal of calls: what was asked, in order, and how it ended."""

from __future__ import annotations

from typing import Any

import pytest
from localaws.journal import Journal
from support.aws_errors import refused
from support.localaws import CLIENT_ENVIRONMENT
from support.localaws_admin import admin

KEY = CLIENT_ENVIRONMENT["AWS_ACCESS_KEY_ID"]


@pytest.fixture(autouse=True)
def empty_journal(localaws_url: str) -> None:
    admin(localaws_url, "DELETE", "calls")


def test_calls_are_numbered_from_one_in_their_order(clients: Any, localaws_url: str) -> None:
    clients("eks").list_clusters()
    clients("sts").get_caller_identity()
    calls = admin(localaws_url, "GET", "calls")["calls"]
    assert calls == [
        {"number": 1, "service": "eks", "operation": "ListClusters", "status": 200, "code": "", "access_key_id": KEY},
        {
            "number": 2,
            "service": "sts",
            "operation": "GetCallerIdentity",
            "status": 200,
            "code": "",
            "access_key_id": KEY,
        },
    ]


def test_errors_bear_their_codes_whoever_answers(clients: Any, localaws_url: str) -> None:
    with refused("ResourceNotFoundException", 404):
        clients("eks").describe_cluster(name="missing")
    with refused("NoSuchEntity", 404):
        clients("iam").get_role(RoleName="missing")
    with refused("ResourceNotFoundException"):
        clients("logs").delete_log_group(logGroupName="missing")
    with refused("NotImplemented", 501):
        clients("iam").list_saml_providers()
    told = [(call["status"], call["code"]) for call in admin(localaws_url, "GET", "calls")["calls"]]
    assert told == [
        (404, "ResourceNotFoundException"),
        (404, "NoSuchEntity"),
        (400, "ResourceNotFoundException"),
        (501, "NotImplemented"),
    ]


def test_only_the_last_ten_thousand_are_kept() -> None:
    journal = Journal()
    for _unused in range(10_003):
        journal.note("eks", "ListClusters", 200, "", None)
    numbers = [call["number"] for call in journal.listed()]
    assert (len(numbers), numbers[0], numbers[-1]) == (10_000, 4, 10_003)
