"""`python -m frontend` as it is started for real."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from psutil import Process
from support.fake_shop_api import FakeShopApi
from support.pages import read_page
from support.served import answer, ask_until_it_ends, connected, request, served_frontend
from support.servers import free_port, running
from support.waiting import eventually

APPS = Path(__file__).resolve().parents[4] / "apps"
COMMAND = [sys.executable, "-m", "frontend"]


@pytest.fixture
def environ(tmp_path: Path, api: FakeShopApi) -> dict[str, str]:
    (tmp_path / "key").write_bytes(os.urandom(16).hex().encode())
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(APPS),
        "INTERNAL_API_URL": api.url,
        "SESSION_KEY_FILE": str(tmp_path / "key"),
        "FRONTEND_PORT": str(free_port()),
        "FRONTEND_WORKERS": "2",
        "FRONTEND_THREADS": "2",
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
        "TRACING": "off",
    }


@pytest.fixture
def shop_url(environ: dict[str, str]) -> Iterator[str]:
    port = int(environ["FRONTEND_PORT"])
    with running(COMMAND, port, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        yield f"http://127.0.0.1:{port}"


def read(url: str) -> str:
    with urlopen(url, timeout=30) as response:
        return str(response.read().decode())


def counted_requests(shop_url: str, route: str) -> float:
    families = text_string_to_metric_families(read(f"{shop_url}/metrics"))
    samples = [sample for family in families for sample in family.samples if sample.name == "http_requests_total"]
    return sum(sample.value for sample in samples if sample.labels["route"] == route)


def test_storefront_serves_pages_and_counts_over_its_processes(shop_url: str) -> None:
    for _unused in range(20):
        assert len(read_page(read(f"{shop_url}/products")).all("li", class_="card")) == 24
    eventually(lambda: counted_requests(shop_url, "/products") == 20)


def test_backend_sees_the_clients_address_without_its_port(shop_url: str, api: FakeShopApi) -> None:
    read(f"{shop_url}/products")
    assert api.calls[-1].headers["x-forwarded-for"] == "127.0.0.1"


@pytest.mark.parametrize(
    "target",
    [b"/search?q=%ff", b"/search?q=\xff", b"/search?q=\xc3\xa4", b"/products?page=\xff", b"/products?page=%00"],
)
def test_odd_bytes_over_the_wire_are_refused_or_answered(shop_url: str, target: bytes) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(shop_url).port or 0), timeout=30) as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: shop\r\n\r\n")
        status = connection.recv(65_536).split()[1]
    assert status in (b"200", b"400")


def test_without_tracing_no_process_has_a_datagram_socket(shop_url: str, environ: dict[str, str]) -> None:
    read(f"{shop_url}/products")
    [shop] = [
        child for child in Process().children() if child.environ().get("FRONTEND_PORT") == environ["FRONTEND_PORT"]
    ]
    assert [each.net_connections("udp") for each in (shop, *shop.children(recursive=True))] == [[], [], []]


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"INTERNAL_API_URL": ""}, "INTERNAL_API_URL"), ({"SESSION_KEY_FILE": "/nowhere"}, "SESSION_KEY_FILE")],
)
def test_wrong_setting_ends_with_one_line(environ: dict[str, str], changes: dict[str, str], named: str) -> None:
    done = subprocess.run(COMMAND, env=environ | changes, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert named in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_busy_port_ends_with_one_line(environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(environ["FRONTEND_PORT"]))):
        done = subprocess.run(COMMAND, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "FRONTEND_PORT" in done.stderr


def test_no_request_is_lost_when_it_is_told_to_end(tmp_path: Path, api: FakeShopApi) -> None:
    with served_frontend(tmp_path, api.url) as (port, process):
        asked = ask_until_it_ends(port, process, ["/products", "/", "/cart"])
    assert asked.lost == []
    assert set(asked.answered) == {200}


def test_silent_backend_gives_pages_with_a_trace_id_and_holds_nobody_up(tmp_path: Path) -> None:
    """Of more visitors than there are threads, each has a page in time."""
    tracing = {"TRACING": "xray", "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{free_port()}"}
    bound = {"BACKEND_READ_TIMEOUT_SECONDS": "0.3", "FRONTEND_THREADS": "2", "FRONTEND_WORKERS": "1"}
    with socket.create_server(("127.0.0.1", 0), backlog=256) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with served_frontend(tmp_path, url, **tracing, **bound) as (port, _unused):
            visitors = [connected(port, request("/products"), 20) for _unused in range(30)]
            answers = [answer(visitor) for visitor in visitors]
    assert {status for status, _unused in answers} == {503, 504}
    assert all(re.search(rb"1-[0-9a-f]{8}-[0-9a-f]{24}", page.partition(b"\r\n\r\n")[2]) for _unused, page in answers)
