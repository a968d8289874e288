"""The account that the modules' tests work on: the AWS stand-in, run as a server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clients import Clients
from support.localaws import CLIENT_ENVIRONMENT, localaws_server


@pytest.fixture(scope="session")
def aws_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="localaws-") as folder, localaws_server(Path(folder)) as url:
        yield url


@pytest.fixture
def account(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of the account, to which modules and clients of this test go by their environment."""
    for name, value in {**CLIENT_ENVIRONMENT, "AWS_ENDPOINT_URL": aws_url}.items():
        monkeypatch.setenv(name, value)
    return aws_url


@pytest.fixture
def aws(account: str) -> Iterator[Clients]:
    clients = Clients()
    yield clients
    clients.close()
