"""A programming error in a service: AWS's answer for the client, and the traceback in the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from localaws.account import create_account
from localaws.seed import Seed
from localaws.service import Request, Service
from support.aws_errors import refused
from support.localaws import CLIENT_ENVIRONMENT
from support.served_account import account_served

# One service and operation for each way to write an error: REST-JSON, query, CBOR, JSON.
OPERATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "eks": ("ListClusters", {}),
    "sts": ("GetCallerIdentity", {}),
    "cloudwatch": ("ListMetrics", {}),
    "logs": ("DescribeLogGroups", {}),
}


def broken(request: Request) -> dict[str, Any]:
    return {"answer": request.parameters["a key that is not there"]}


def misspelt(request: Request) -> dict[str, Any]:
    return {"NoMemberOfTheShape": request.operation}


@pytest.fixture(params=[broken, misspelt])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A stand-in whose operations are wrong."""
    services = {name: Service(name, {operation: request.param}) for name, (operation, _unused) in OPERATIONS.items()}
    account = create_account(Seed(), tmp_path)
    account.services = services
    with account_served(account) as address:
        yield address


@pytest.mark.parametrize("service", OPERATIONS)
def test_programming_error_is_an_internal_failure(service: str, url: str, caplog: pytest.LogCaptureFixture) -> None:
    operation, parameters = OPERATIONS[service]
    anything: Any = boto3
    client = anything.client(
        service,
        region_name="eu-west-1",
        endpoint_url=url,
        aws_access_key_id=CLIENT_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CLIENT_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    with refused("InternalFailure", 500, "unknown error, exception or failure"):
        client._make_api_call(operation, parameters)
    logged = [record for record in caplog.records if record.name == "localaws.app"]
    assert [record.exc_info is not None for record in logged] == [True]
    assert f"for {service} failed" in logged[0].getMessage()
