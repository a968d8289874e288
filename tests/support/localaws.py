"""Starts the AWS stand-in for a test, as a user would: by its command line, on a free port of 127.0.0.1."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from support.servers import free_port, running

_APPS = Path(__file__).resolve().parents[2] / "apps"

# What a client needs beside the endpoint's URL.
CLIENT_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "any-secret-will-do",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def localaws_server(folder: Path, seed: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Runs `python -m localaws serve` with its state in a folder; yields its URL.

    Without a seed there is one cluster, deepobs-local in eu-west-1, and changes of add-ons take 0.2 s.
    """
    port = free_port()
    seed_file = folder / "seed.json"
    seed_file.write_text(json.dumps(seed or {"transition_seconds": 0.2}))
    command = [sys.executable, "-m", "localaws", "serve", "--port", str(port)]
    command += ["--seed", str(seed_file), "--state-dir", str(folder / "state"), "--strict-replies"]
    environment = {**os.environ, "PYTHONPATH": str(_APPS)}
    with (folder / "localaws.log").open("ab") as log, running(command, port, env=environment, stderr=log):
        _wait_for_account(port)
        yield f"http://127.0.0.1:{port}"


def _wait_for_account(port: int) -> None:
    """The port takes connections a moment before there is an account behind it."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/_localaws/health")
        assert connection.getresponse().status == 200
    finally:
        connection.close()
