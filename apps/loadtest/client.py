"""One user's HTTP client: every request goes out exactly once and is counted exactly once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from geventhttpclient.client import HTTPClient, HTTPClientPool
from locust.contrib.fasthttp import FastHttpSession, ResponseContextManager
from locust.exception import StopUser

from loadtest.answers import Fault, Verdict, connection_fault, judge, trace_id
from loadtest.recorder import Outcome
from loadtest.routes import Route

_MOST_REDIRECTS = 5


class RequestBudget:
    """How many requests may still be made; None is no bound."""

    def __init__(self, requests: int | None) -> None:
        self._left = requests

    @property
    def is_spent(self) -> bool:
        return self._left is not None and self._left <= 0

    def take(self) -> bool:
        """True when one more request may go out."""
        if self._left is None:
            return True
        self._left -= 1
        return self._left >= 0


class SingleAttemptPool(HTTPClientPool):
    """Connections which never repeat a request behind the caller's back.

    geventhttpclient repeats a GET whose connection breaks up to `size + 1` times: requests that nobody would count.
    """

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__(concurrency=1, connection_timeout=timeout_seconds, network_timeout=timeout_seconds)

    def get_client(self, url: Any) -> HTTPClient:
        client = super().get_client(url)
        client._connection_pool.size = -1
        return client


class ShopClient:
    """Makes requests over a user's session and hands each one's outcome to `record`."""

    def __init__(
        self,
        session: FastHttpSession,
        base_urls: Mapping[str, str],
        headers: Mapping[str, str],
        record: Callable[[Outcome], None],
        budget: RequestBudget,
    ) -> None:
        # Every status is an answer here: `judge` tells which ones are errors.
        session.client.valid_response_codes = range(100, 1000)
        self._session = session
        self._base_urls = base_urls
        self._headers = headers
        self._record = record
        self._budget = budget

    def fetch(
        self, route: Route, path: str | None = None, headers: Mapping[str, str] | None = None, json: Any = None
    ) -> Verdict:
        """Asks for a path (the route's name by default) and follows redirects on the same server, each hop counted."""
        url = self._base_urls[route.tier] + (path or route.name)
        verdict, location = self._request(route, route.method, url, headers, json)
        for _unused in range(_MOST_REDIRECTS):
            target = urljoin(url, location) if location else None
            if target is None or _origin(target) != _origin(url):
                return verdict
            url = target
            verdict, location = self._request(route, "GET", url, headers, None)
        return verdict

    def _request(
        self, route: Route, method: str, url: str, headers: Mapping[str, str] | None, json: Any
    ) -> tuple[Verdict, str | None]:
        """One request; raises StopUser when the test's requests are used up."""
        if not self._budget.take():
            raise StopUser
        sent_at, begun = time.time(), time.perf_counter()
        outcome = Outcome(route.name, sent_at, 0, 0, None, "cut off", "stopped before its answer was there")
        try:
            with self._session.request(
                method,
                url,
                name=route.name,
                headers={**self._headers, **(headers or {})},
                json=json,
                catch_response=True,
            ) as response:
                verdict = _verdict(route, response)
                outcome = _outcome(route, sent_at, response, verdict.fault)
                _tell_locust(response, verdict.fault)
                return verdict, _location(response)
        finally:
            if outcome.error_kind == "cut off":
                outcome = outcome._replace(latency_us=int((time.perf_counter() - begun) * 1e6))
            self._record(outcome)


def _verdict(route: Route, response: ResponseContextManager) -> Verdict:
    reason = response.request_meta["exception"]
    if reason is not None:
        return Verdict(connection_fault(reason))
    return judge(route, response.status_code, response.content or b"")


def _outcome(route: Route, sent_at: float, response: ResponseContextManager, fault: Fault | None) -> Outcome:
    meta = response.request_meta
    return Outcome(
        route=route.name,
        sent_at=sent_at,
        latency_us=round(meta["response_time"] * 1000),
        bytes_received=meta["response_length"],
        trace_id=trace_id(_header(response, "x-amzn-trace-id")),
        error_kind=fault.kind if fault else None,
        error_sample=fault.sample if fault else "",
    )


def _tell_locust(response: ResponseContextManager, fault: Fault | None) -> None:
    """Locust keeps statistics of its own, which it tells its master."""
    if fault is None:
        response.success()
    else:
        response.failure(fault.kind)


def _location(response: ResponseContextManager) -> str | None:
    return _header(response, "location") if 300 <= response.status_code < 400 else None


def _header(response: ResponseContextManager, name: str) -> str | None:
    value = response.headers.get(name) if response.headers else None
    return value if isinstance(value, str) else None


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
