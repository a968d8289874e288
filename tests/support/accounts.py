"""What the stand-in's account of a platform holds, and clients to change it behind the playbooks' back."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import boto3
from support.playbooks import Platform


def account(platform: Platform) -> dict[str, Any]:
    """Everything the account holds."""
    with urllib.request.urlopen(platform.url("aws", "/_localaws/state")) as answer:
        state: dict[str, Any] = json.load(answer)
    return state


def client(platform: Platform, service: str) -> Any:
    """A boto3 client of the account."""
    make: Any = boto3.client  # its stubs want the service's name as a literal
    return make(
        service,
        endpoint_url=platform.url("aws"),
        region_name="eu-west-1",
        aws_access_key_id="any-key-will-do",
        aws_secret_access_key="any-secret-will-do",
    )
