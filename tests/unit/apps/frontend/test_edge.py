"""The public edge: headers out, forms in, what is passed on to the backend, traces and counters."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from frontend.settings import SERVICE_NAME
from prometheus_client.parser import text_string_to_metric_families
from support.fake_shop_api import PASSWORD, FakeShopApi
from support.pages import read_page
from tracing import TracingSettings

MakeApp = Callable[..., Flask]
ROOT = "1-5f84c7a1-0123456789abcdef01234567"
SECRET = "a-secret-of-the-load-test"


class Daemon:
    """Receives segments as the X-Ray daemon does, on a real socket."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(5)
        self.address: tuple[str, int] = self._socket.getsockname()

    def segment(self) -> Any:
        """The next segment."""
        header, _unused, document = self._socket.recv(65_536).partition(b"\n")
        assert json.loads(header) == {"format": "json", "version": 1}
        return json.loads(document)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    running = Daemon()
    yield running
    running.close()


@pytest.fixture
def traced(make_app: MakeApp, daemon: Daemon) -> FlaskClient:
    """Traced, and told to trust a decision that came, so that each request is sampled for sure."""
    settings = TracingSettings(
        SERVICE_NAME, udp_address=daemon.address, tcp_address=daemon.address, trust_incoming_sampled=True
    )
    return make_app(tracing=settings).test_client()


def sampled(parent: str = "") -> dict[str, str]:
    return {"X-Amzn-Trace-Id": f"Root={ROOT};Sampled=1{parent}"}


def test_page_is_one_segment_with_a_remote_call(traced: FlaskClient, daemon: Daemon, api: FakeShopApi) -> None:
    traced.get("/products/mug-3?utm=x", headers=sampled(";Parent=53995c3f42cd8ad8"))
    segment = daemon.segment()
    assert (segment["name"], segment["trace_id"], segment["parent_id"]) == (SERVICE_NAME, ROOT, "53995c3f42cd8ad8")
    assert segment["annotations"] == {
        "http_method": "GET",
        "http_url": "/products/mug-3",
        "http_route": "/products/<slug>",
        "http_status": 200,
    }
    (call,) = segment["subsegments"]
    assert (call["name"], call["namespace"]) == ("ecommerce-backend", "remote")
    assert call["http"]["request"] == {"method": "GET", "url": f"{api.url}/api/catalog/products/mug-3"}
    assert call["http"]["response"]["status"] == 200
    assert segment["start_time"] <= call["start_time"] <= call["end_time"] <= segment["end_time"]
    passed = dict(part.split("=") for part in api.calls[-1].headers["x-amzn-trace-id"].split(";"))
    assert passed == {"Root": ROOT, "Parent": call["id"], "Sampled": "1"}


def test_calls_at_the_same_time_are_parts_of_one_segment(traced: FlaskClient, daemon: Daemon, api: FakeShopApi) -> None:
    traced.get("/", headers=sampled(), environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    calls = daemon.segment()["subsegments"]
    parents = {f"{api.url}{call.path}": call.headers["x-amzn-trace-id"] for call in api.calls}
    assert len(calls) == len(parents) == 3
    for call in calls:
        assert parents[call["http"]["request"]["url"]] == f"Root={ROOT};Parent={call['id']};Sampled=1"
        assert call["http"]["response"]["status"] == 200
    assert [call.headers["x-forwarded-for"] for call in api.calls] == ["192.0.2.7"] * 3


def test_failure_is_a_fault_and_its_page_names_the_trace(traced: FlaskClient, daemon: Daemon, api: FakeShopApi) -> None:
    api.fail("/api/catalog/products", 500)
    response = traced.get("/products", headers=sampled())
    segment = daemon.segment()
    assert read_page(response.text).one("code").text == segment["trace_id"] == ROOT
    assert segment["fault"] is True
    assert any(call.get("fault") for call in segment["subsegments"])
    assert response.headers["X-Amzn-Trace-Id"] == f"Root={ROOT};Sampled=1"


def test_unreachable_backend_is_a_fault_of_its_call(make_app: MakeApp, daemon: Daemon) -> None:
    settings = TracingSettings(
        SERVICE_NAME, udp_address=daemon.address, tcp_address=daemon.address, trust_incoming_sampled=True
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    client = make_app(tracing=settings, internal_api_url=url).test_client()
    assert client.get("/products", headers=sampled()).status_code == 503
    assert daemon.segment()["subsegments"][0]["fault"] is True


def test_counters_know_every_segment(traced: FlaskClient, daemon: Daemon) -> None:
    for _unused in range(3):
        traced.get("/products", headers=sampled())
        daemon.segment()
    assert counters(traced)["tracing_segments_sent_total", ()] == 3


def test_edge_ignores_a_strangers_decision(make_app: MakeApp, daemon: Daemon, api: FakeShopApi) -> None:
    """Without a decision of the daemon the local one samples the first request of a second, whatever came with it."""
    settings = TracingSettings(SERVICE_NAME, udp_address=daemon.address, tcp_address=daemon.address)
    client = make_app(tracing=settings).test_client()
    response = client.get("/products", headers={"X-Amzn-Trace-Id": f"Root={ROOT};Sampled=0"})
    assert daemon.segment()["trace_id"] == ROOT
    assert response.headers["X-Amzn-Trace-Id"] == f"Root={ROOT};Sampled=1"


def test_every_answer_has_the_security_headers(client: FlaskClient) -> None:
    for path in ("/", "/nowhere", "/api/health", "/static/site.css", "/cart"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["form-action"] == "'self'"
        assert "script-src" not in policy
        assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize("secure", [False, True])
def test_session_cookie_is_closed_to_scripts_and_other_sites(make_app: MakeApp, secure: bool) -> None:
    response = make_app(secure_cookies=secure).test_client().get("/auth/login")
    pair, *attributes = (part.strip() for part in response.headers["Set-Cookie"].split(";"))
    assert {"HttpOnly", "SameSite=Lax"} <= set(attributes)
    assert ("Secure" in attributes) is pair.startswith("__Host-") is secure
    assert "Path=/" in attributes
    assert not any(attribute.startswith("Domain") for attribute in attributes)
    assert ("Strict-Transport-Security" in response.headers) is secure


def test_page_without_a_form_sets_no_cookie(client: FlaskClient) -> None:
    assert "Set-Cookie" not in client.get("/products").headers


@pytest.mark.parametrize("action", ["/cart", "/cart/lines", "/checkout", "/auth/login", "/auth/register", "/logout"])
@pytest.mark.parametrize("token", [None, "", "made-up", "\u20ac"])
def test_form_of_another_site_changes_nothing(
    client: FlaskClient, api: FakeShopApi, action: str, token: str | None
) -> None:
    client.get("/auth/login")
    api.calls.clear()
    response = client.post(action, data={} if token is None else {"form_token": token})
    assert response.status_code == 400
    assert "expired" in read_page(response.text).one("main").text
    assert api.calls == []


def test_form_token_belongs_to_one_session(make_app: MakeApp) -> None:
    app = make_app()
    theirs, mine = app.test_client(), app.test_client()
    form = read_page(theirs.get("/auth/login").text).form("/auth/login")
    mine.get("/auth/login")
    assert mine.post("/logout", data=form).status_code == 400


def test_session_of_another_key_is_nobodys(make_app: MakeApp, tmp_path: Path) -> None:
    (tmp_path / "other.key").write_bytes(b"o" * 32)
    app, other = make_app(), make_app(session_key_file=tmp_path / "other.key")
    client, forger = app.test_client(), other.test_client()
    forger.post("/cart", data=read_page(forger.get("/products/mug-1").text).form("/cart"))
    cookie = forger.get_cookie("shop")
    assert cookie is not None
    client.set_cookie("shop", cookie.value)
    assert read_page(client.get("/").text).one("span", class_="count").text == "0 pieces"


@pytest.mark.parametrize(
    ("proxies", "came", "passed"),
    [
        (0, "6.6.6.6", "192.0.2.7"),
        (1, "6.6.6.6, 198.51.100.4", "198.51.100.4"),
        (2, "6.6.6.6, 198.51.100.4, 10.0.0.1", "198.51.100.4"),
        (2, "10.0.0.1", "192.0.2.7"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, None, "192.0.2.7"),
    ],
)
def test_backend_learns_the_clients_true_address(
    make_app: MakeApp, api: FakeShopApi, proxies: int, came: str | None, passed: str
) -> None:
    client = make_app(trusted_proxies=proxies).test_client()
    headers = {} if came is None else {"X-Forwarded-For": came}
    client.get("/products", headers=headers, environ_base={"REMOTE_ADDR": "192.0.2.7:40312"})
    assert api.calls[-1].headers["x-forwarded-for"] == passed


@pytest.mark.parametrize(
    ("known", "came", "passed"),
    [
        (SECRET, SECRET, SECRET),
        (SECRET, SECRET + "x", None),
        (SECRET, None, None),
        (None, SECRET, None),
        (None, "", None),
    ],
)
def test_load_tests_secret_passes_only_if_it_is_right(
    make_app: MakeApp, api: FakeShopApi, known: str | None, came: str | None, passed: str | None
) -> None:
    client = make_app(loadtest_secret=known).test_client()
    client.get("/products", headers={} if came is None else {"X-Load-Test-Secret": came})
    assert api.calls[-1].headers.get("x-load-test-secret") == passed


def counters(client: FlaskClient) -> dict[tuple[str, tuple[str, ...]], float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (sample.name, tuple(sample.labels.values())): sample.value for family in families for sample in family.samples
    }


def test_every_request_is_counted_once_under_its_route(client: FlaskClient) -> None:
    for path in ("/products/mug-1", "/products/none", "/nowhere", "/api/health", "/static/site.css", "/"):
        client.get(path)
    client.open("/nowhere", method="BREW")
    counted = counters(client)
    expected = {
        ("GET", "/products/<slug>", "200"): 1,
        ("GET", "/products/<slug>", "404"): 1,
        ("GET", "unmatched", "404"): 1,
        ("GET", "/api/health", "200"): 1,
        ("GET", "/static/<path:filename>", "200"): 1,
        ("GET", "/", "200"): 1,
        ("other", "unmatched", "404"): 1,
    }
    requests = {labels: value for (name, labels), value in counted.items() if name == "http_requests_total"}
    assert requests == expected
    assert counted["http_request_duration_seconds_count", ("GET", "/products/<slug>")] == 2


@pytest.mark.parametrize("page", ["/products/", "/categories/", "/orders/"])
@pytest.mark.parametrize("odd", ["..%2fauth%2fme", "%2e%2e", "a%3fb", "a%23b", "http:%2f%2f192.0.2.1", "a%0d%0aX: y"])
def test_no_address_of_a_page_leads_elsewhere_in_the_backend(
    client: FlaskClient, api: FakeShopApi, page: str, odd: str
) -> None:
    assert client.get(page + odd).status_code in (303, 404)
    form = read_page(client.get("/auth/login").text).form("/auth/login")
    client.post("/auth/login", data=form | {"email": "ada@example.com", "password": PASSWORD})
    api.calls.clear()
    assert client.get(page + odd).status_code == 404
    asked = {call.path.partition("?")[0] for call in api.calls}
    assert asked <= {"/api/catalog/categories", "/api/search/popular"}
