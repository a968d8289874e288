"""A running stand-in for each module of tests, and boto3 clients whose every reply is held against the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.model import OperationModel
from botocore.validate import validate_parameters
from support.localaws import CLIENT_ENVIRONMENT, localaws_server

TOKENS = {"xray-daemon": "xray-daemon", "amazon-cloudwatch": "cloudwatch-agent"}
CLUSTER = "deepobs-local"

Clients = Callable[..., Any]


@pytest.fixture(scope="module")
def localaws_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("localaws")


@pytest.fixture(scope="module")
def localaws_url(localaws_folder: Path) -> Iterator[str]:
    tokens = [
        {"namespace": namespace, "service_account": account, "path": str(localaws_folder / "tokens" / account)}
        for namespace, account in TOKENS.items()
    ]
    clusters = [{"name": CLUSTER, "project_tokens": tokens}, {"name": "older", "version": "1.33"}]
    with localaws_server(localaws_folder, {"clusters": clusters, "transition_seconds": 0.3}) as url:
        yield url


@pytest.fixture(scope="module")
def clients(localaws_url: str) -> Clients:
    """Makes a boto3 client of a service, in another region or unsigned on demand."""

    def make(service: str, region: str = "eu-west-1", **config: Any) -> Any:
        anything: Any = boto3
        client = anything.client(
            service,
            region_name=region,
            endpoint_url=localaws_url,
            aws_access_key_id=CLIENT_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CLIENT_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}, **config),
        )
        # First, because botocore's own handler turns IAM's policies, which are texts in the model, into objects.
        client.meta.events.register_first(f"after-call.{service}", _fits_the_model)
        return client

    return make


def _fits_the_model(parsed: dict[str, Any], model: OperationModel, **_: Any) -> None:
    """Every reply has the members and the types of the operation's output shape."""
    if "Error" not in parsed and model.output_shape is not None:
        members = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
        validate_parameters(members, model.output_shape)


@pytest.fixture(scope="module")
def eks(clients: Clients) -> Any:
    return clients("eks")


@pytest.fixture(scope="module")
def iam(clients: Clients) -> Any:
    return clients("iam")
