"""AWS's wire protocols, generic over botocore's models: HTTP to parameters, results and errors to HTTP."""

from __future__ import annotations

from localaws.http import HttpRequest
from localaws.models import service_model
from localaws.protocols.base import Protocol
from localaws.protocols.json_rpc import JsonRpc
from localaws.protocols.otlp import otlp_of
from localaws.protocols.query import Query
from localaws.protocols.rest_json import RestJson
from localaws.protocols.rpc_cbor import RpcCbor

__all__ = ["Protocol", "protocol_of"]

_QUERY, _JSON, _REST_JSON, _CBOR = Query(), JsonRpc(), RestJson(), RpcCbor()


def protocol_of(http: HttpRequest, service: str | None) -> Protocol:
    """The protocol that the request itself speaks; a service may know several.

    The services that speak REST with XML are not here; the query protocol's errors are what their clients read.
    """
    if (otlp := otlp_of(http)) is not None:
        return otlp
    if http.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return _CBOR
    if "x-amz-target" in http.headers:
        return _JSON
    if http.content_type == "application/x-www-form-urlencoded" or "Action=" in http.query:
        return _QUERY
    model = service_model(service) if service else None
    return _QUERY if model and model.protocol == "rest-xml" else _REST_JSON
