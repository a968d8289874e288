"""The side that is not AWS: health, the account's state, the clusters' key sets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from localaws.http import HttpReply, HttpRequest
from localaws.identity import Issuer
from localaws.service import AdminError, AdminTable, Service

_JWKS = re.compile(r"/_localaws/clusters/([^/]+)/jwks")


class Admin:
    """Answers under /_localaws/."""

    def __init__(self, services: Mapping[str, Service], issuers: Mapping[str, Issuer]) -> None:
        self._services = services
        self._issuers = issuers
        self._pages: AdminTable = {
            ("GET", "/_localaws/health"): self._health,
            ("GET", "/_localaws/state"): self._state,
        }
        for service in services.values():
            self._pages = {**self._pages, **service.admin}

    def answer(self, http: HttpRequest) -> HttpReply:
        """The reply to a request of the admin side: 404 for a path that is not there, 400 for an unusable body."""
        if page := self._pages.get((http.method, http.path)):
            try:
                return _json(200, page(orjson.loads(http.body) if http.body else None))
            except (AdminError, orjson.JSONDecodeError) as error:
                return _json(400, {"message": str(error)})
        found = _JWKS.fullmatch(http.path) if http.method == "GET" else None
        if found and found.group(1) in self._issuers:
            return _json(200, self._issuers[found.group(1)].jwks())
        if methods := sorted(method for method, path in self._pages if path == http.path):
            return _json(405, {"message": f"only {', '.join(methods)} is answered here"})
        return _json(404, {"message": f"nothing is at {http.path}"})

    def _health(self, document: Any) -> dict[str, Any]:
        return {"status": "ready", "services": dict.fromkeys(self._services, "ready")}

    def _state(self, document: Any) -> dict[str, Any]:
        return {name: service.dump() for name, service in self._services.items()}


def _json(status: int, body: dict[str, Any]) -> HttpReply:
    return HttpReply(status, orjson.dumps(body, option=orjson.OPT_SORT_KEYS), {"Content-Type": "application/json"})
