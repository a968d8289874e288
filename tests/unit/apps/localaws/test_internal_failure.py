"""A programming error in a service: AWS's answer for the client, and the traceback in the log."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from localaws.account import Account
from localaws.app import Application
from localaws.identity import TokenKeeper
from localaws.moto_gateway import MotoGateway
from localaws.service import Request, Service
from support.aws_errors import refused
from support.localaws import CLIENT_ENVIRONMENT
from werkzeug.serving import make_server

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
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A stand-in whose operations are wrong."""
    services = {name: Service(name, {operation: request.param}) for name, (operation, _unused) in OPERATIONS.items()}
    account = Account("eu-west-1", lambda: services, MotoGateway("aws"), {}, TokenKeeper([], time.time))
    server = make_server("127.0.0.1", 0, Application(account), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


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
