"""Refuses tokens of pages that moto never gave: moto begins anew, ends at once or breaks on them."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from localaws.service import ServiceError


def check_token(service: str, operation: str, parameters: Mapping[str, Any]) -> None:
    """Raises ServiceError: ValidationError for IAM's Marker, InvalidParameterException for a nextToken."""
    marker, token = parameters.get("Marker"), parameters.get("nextToken")
    # Moto's markers are how many items come before them.
    if service == "iam" and marker is not None and not (marker.isascii() and marker.isdecimal()):
        raise ServiceError("ValidationError", "Invalid Marker.")
    # Moto has one page of ECR's repositories.
    is_foreign = service == "ecr" or (operation == "DescribeLogGroups" and not _is_motos(token))
    if token is not None and is_foreign:
        raise ServiceError("InvalidParameterException", "The specified nextToken is invalid.")


def _is_motos(token: Any) -> bool:
    """Whether it is one of those that moto makes of a request and a place in its list."""
    try:
        return "parameterChecksum" in json.loads(b64decode(token or ""))
    except (TypeError, ValueError, RecursionError):
        return False
