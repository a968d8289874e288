"""Botocore's models of the services: by which name a client signs for one, and which operation a request means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import unquote

from botocore.loaders import UnknownServiceError
from botocore.model import OperationModel, ServiceModel
from botocore.session import get_session

# A shape of a model: a structure, a list, a map or a scalar; the published stubs know only what all have in common.
Shape = Any

# X-Ray's endpoint for OpenTelemetry's spans.
_UNMODELLED = {("xray", "PutSpans")}
# The services whose signing name is not the name botocore's clients know them by.
_NAMES_BY_SIGNING_NAME = {"monitoring": "cloudwatch"}


def service_name(signing_name: str) -> str:
    """The name boto3 knows the service by."""
    return _NAMES_BY_SIGNING_NAME.get(signing_name, signing_name)


@cache
def service_model(name: str) -> ServiceModel | None:
    """Botocore's model of a service; None when there is no such service."""
    try:
        return get_session().get_service_model(name)
    except UnknownServiceError:
        return None


@cache
def operation_model(service: str, operation: str) -> OperationModel | None:
    """Botocore's model of an operation; None when the service does not have it.

    Operations which AWS has and botocore has no model of are there by their names alone.
    """
    model = service_model(service)
    if model and (service, operation) in _UNMODELLED:
        return OperationModel({"name": operation}, model, operation)
    return model.operation_model(operation) if model and operation in model.operation_names else None


@cache
def _routes(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """(method, path pattern, operation) of a REST service, those with the fewest variables first."""
    routes = [
        (operation.http["method"], operation.http["requestUri"], operation.name) for operation in _operations(service)
    ]
    return [
        (method, _pattern(uri), name) for method, uri, name in sorted(routes, key=lambda route: route[1].count("{"))
    ]


def _operations(service: str) -> Iterator[OperationModel]:
    model = service_model(service)
    if model:
        yield from (model.operation_model(name) for name in model.operation_names)


def _pattern(uri: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(\+?)\}", uri.partition("?")[0])
    pattern = ""
    for literal, variable, greedy in zip(parts[::3], [*parts[1::3], ""], [*parts[2::3], ""], strict=True):
        pattern += re.escape(literal)
        pattern += f"(?P<{variable}>{'.+' if greedy else '[^/]+'})" if variable else ""
    return re.compile(pattern + "/?")


def rest_operation(service: str, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """The operation a REST request means and the variables of its path; None when there is none."""
    for route_method, pattern, name in _routes(service):
        found = pattern.fullmatch(path) if route_method == method else None
        if found:
            return name, {key: unquote(value) for key, value in found.groupdict().items()}
    return None
