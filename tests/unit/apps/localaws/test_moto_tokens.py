"""Pages of what moto answers, and tokens that it never gave."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.aws_errors import refused

TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": TRUST})


@pytest.mark.parametrize("marker", ["made-up", "-1", "1.5"])
def test_marker_of_no_list_is_refused(iam: Any, marker: str) -> None:
    with refused("ValidationError", message="Invalid Marker."):
        iam.list_roles(Marker=marker)


def test_roles_are_paged(iam: Any) -> None:
    for number in range(3):
        iam.create_role(RoleName=f"paged-{number}", AssumeRolePolicyDocument=DOCUMENT)
    pages = list(iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2}))
    assert len(pages) > 1
    assert {"paged-0", "paged-1", "paged-2"} <= {role["RoleName"] for page in pages for role in page["Roles"]}


def test_log_groups_are_paged(clients: Callable[..., Any]) -> None:
    logs = clients("logs")
    for number in range(3):
        logs.create_log_group(logGroupName=f"paged-{number}")
    pages = list(logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["logGroups"]) for page in pages] == [2, 1]


@pytest.mark.parametrize("token", ["made-up", "AAAA", "W10="])
def test_token_of_no_list_is_refused(clients: Callable[..., Any], token: str) -> None:
    with refused("InvalidParameterException", message="nextToken is invalid"):
        clients("logs").describe_log_groups(nextToken=token)
    with refused("InvalidParameterException", message="nextToken is invalid"):
        clients("ecr").describe_repositories(nextToken=token)
