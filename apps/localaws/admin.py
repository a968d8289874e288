"""The side that is not AWS: health, the account's state, the clusters' key sets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from localaws.http import HttpReply, HttpRequest
from localaws.identity import Issuer
from localaws.service import Service

_JWKS = re.compile(r"/_localaws/clusters/([^/]+)/jwks")


class Admin:
    """Answers under /_localaws/."""

    def __init__(self, services: Mapping[str, Service], issuers: Mapping[str, Issuer]) -> None:
        self._services = services
        self._issuers = issuers

    def answer(self, http: HttpRequest) -> HttpReply:
        """The reply to a request of the admin side; 404 for a path that is not there."""
        pages: dict[str, Callable[[], dict[str, Any]]] = {
            "/_localaws/health": self._health,
            "/_localaws/state": self._state,
        }
        if http.method != "GET":
            return _json(405, {"message": "only GET is answered here"})
        if http.path in pages:
            return _json(200, pages[http.path]())
        found = _JWKS.fullmatch(http.path)
        if found and found.group(1) in self._issuers:
            return _json(200, self._issuers[found.group(1)].jwks())
        return _json(404, {"message": f"nothing is at {http.path}"})

    def _health(self) -> dict[str, Any]:
        return {"status": "ready", "services": dict.fromkeys(self._services, "ready")}

    def _state(self) -> dict[str, Any]:
        return {name: service.dump() for name, service in self._services.items()}


def _json(status: int, body: dict[str, Any]) -> HttpReply:
    return HttpReply(status, orjson.dumps(body, option=orjson.OPT_SORT_KEYS), {"Content-Type": "application/json"})
