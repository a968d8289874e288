"""AWS's wire protocols, generic over botocore's models: HTTP to parameters, results and errors to HTTP."""

from __future__ import annotations

from localaws.http import HttpRequest
from localaws.protocols.base import Protocol
from localaws.protocols.json_rpc import JsonRpc
from localaws.protocols.query import Query
from localaws.protocols.rest_json import RestJson
from localaws.protocols.rpc_cbor import RpcCbor

__all__ = ["Protocol", "protocol_of"]

_QUERY, _JSON, _REST_JSON, _CBOR = Query(), JsonRpc(), RestJson(), RpcCbor()


def protocol_of(http: HttpRequest) -> Protocol:
    """The protocol that the request itself speaks; a service may know several."""
    if http.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return _CBOR
    if "x-amz-target" in http.headers:
        return _JSON
    if http.content_type == "application/x-www-form-urlencoded" or "Action=" in http.query:
        return _QUERY
    return _REST_JSON
