"""The side that is not AWS: health, the account's state, faults, the journal of calls, the clusters' key sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from localaws.account import Account
from localaws.http import HttpReply, HttpRequest
from localaws.identity import Issuer
from localaws.json_input import InputError
from localaws.service import AdminTable

PREFIX = "/_localaws/"


class Admin:
    """Answers under /_localaws/."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._pages: AdminTable = {
            ("GET", "/_localaws/health"): self._health,
            ("GET", "/_localaws/state"): self._state,
            ("GET", "/_localaws/faults"): self._faults,
            ("POST", "/_localaws/faults"): self._set_faults,
            ("DELETE", "/_localaws/faults"): self._clear_faults,
            ("GET", "/_localaws/calls"): self._calls,
            ("DELETE", "/_localaws/calls"): self._clear_calls,
            ("POST", "/_localaws/reset"): self._reset,
        }

    def answer(self, http: HttpRequest) -> HttpReply:
        """The reply to a request of the admin side: 400 for a body that cannot be used, 404 for a path that is not
        there, 405 for a method that the path does not have."""
        pages = {**self._pages, **self._key_sets()}
        for service in self._account.services.values():
            pages.update(service.admin)
        methods = sorted(method for method, path in pages if path == http.path)
        if not methods:
            return _json(404, {"message": f"nothing is at {http.path}"})
        if http.method not in methods:
            return _json(405, {"message": f"only {', '.join(methods)} is answered here"})
        try:
            return _json(200, pages[http.method, http.path](orjson.loads(http.body) if http.body else None))
        except (InputError, orjson.JSONDecodeError) as error:
            return _json(400, {"message": str(error)})

    def _key_sets(self) -> AdminTable:
        def answer_for(issuer: Issuer) -> Callable[[Any], dict[str, Any]]:
            return lambda _unused: issuer.jwks()

        issuers = self._account.issuers
        return {("GET", f"{PREFIX}clusters/{name}/jwks"): answer_for(issuer) for name, issuer in issuers.items()}

    def _health(self, _unused: Any) -> dict[str, Any]:
        return {"status": "ready", "services": dict.fromkeys(self._account.services, "ready")}

    def _state(self, _unused: Any) -> dict[str, Any]:
        return {name: service.dump() for name, service in self._account.services.items()}

    def _faults(self, _unused: Any) -> dict[str, Any]:
        return {"faults": self._account.faults.listed()}

    def _set_faults(self, body: Any) -> dict[str, Any]:
        self._account.faults.replace(body)
        return self._faults(body)

    def _clear_faults(self, _unused: Any) -> dict[str, Any]:
        self._account.faults.clear()
        return {}

    def _calls(self, _unused: Any) -> dict[str, Any]:
        return {"calls": self._account.journal.listed()}

    def _clear_calls(self, _unused: Any) -> dict[str, Any]:
        self._account.journal.clear()
        return {}

    def _reset(self, _unused: Any) -> dict[str, Any]:
        self._account.reset()
        return {}


def _json(status: int, body: dict[str, Any]) -> HttpReply:
    return HttpReply(status, orjson.dumps(body, option=orjson.OPT_SORT_KEYS), {"Content-Type": "application/json"})
