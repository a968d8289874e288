"""The two ways of tracing tell X-Ray the same: one round of requests to the shop, served with each of them."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from support.admin import Admin
from support.clients import Clients
from support.localaws import localaws_server
from support.scenarios import ACCOUNT, CLUSTER
from support.segments import sampling_rule
from support.servers import free_port, running
from support.transaction_search import search_transactions
from support.trust import create_provider, create_role, trusting
from support.waiting import eventually

APPS = Path(__file__).resolve().parents[2] / "apps"
PAGES = (
    *("/", "/products", "/products/halo-paper-lamp", "/products/halo-paper-lamp"),
    *("/categories", "/search?q=lamp", "/products/no-such-lamp", "/no/such/page"),
)
AFTER_THE_BACKEND_HAS_GONE = ("/products/halo-paper-lamp", "/search?q=lamp")
FILTERS = (
    'annotation[http_route] = "/products/<slug>"',
    'annotation[http_url] = "/products/no-such-lamp"',
    "annotation[http_status] = 404",
    'annotation[http_method] = "GET" AND fault',
    "error",
    "fault",
    "http.status = 404",
    'http.url CONTAINS "/search"',
    'service("ecommerce-backend")',
    'service("ecommerce-frontend") { fault }',
    'edge("ecommerce-frontend", "ecommerce-backend") { fault }',
    'service("redis")',
    'service("postgresql")',
)

Seen = dict[str, Any]


@pytest.fixture(scope="module")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the cluster keeps the token of the tiers' service account."""
    return tmp_path_factory.mktemp("tokens") / "shop.tier"


@pytest.fixture(scope="module")
def aws_url(tmp_path_factory: pytest.TempPathFactory, token_file: Path) -> Iterator[str]:
    """An AWS stand-in of this module, which writes that token."""
    token = {"namespace": "shop", "service_account": "tier", "path": str(token_file)}
    seed = {"transition_seconds": 0.2, "clusters": [{"name": CLUSTER, "project_tokens": [token]}]}
    with localaws_server(tmp_path_factory.mktemp("aws"), seed) as url:
        yield url


@pytest.fixture
def environ(database_url: str, redis_url: str, account: str, tmp_path: Path) -> dict[str, str]:
    """What both tiers need; the catalogue is there, and the cache is empty."""
    for name in ("token.key", "session.key"):
        (tmp_path / name).write_text(secrets.token_hex(32))
    made = {
        **os.environ,
        "PYTHONPATH": str(APPS),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url.removesuffix("/0") + "/9",
        "TOKEN_KEY_FILE": str(tmp_path / "token.key"),
        "SESSION_KEY_FILE": str(tmp_path / "session.key"),
        "BACKEND_PORT": str(free_port()),
        "FRONTEND_PORT": str(free_port()),
        "RATE_LIMITS": "off",
    }
    made["INTERNAL_API_URL"] = f"http://127.0.0.1:{made['BACKEND_PORT']}"
    for command in ("migrate", "seed"):
        subprocess.run([sys.executable, "-m", "backend", command], env=made, check=True, stdout=subprocess.DEVNULL)
    return made


@contextmanager
def daemon(environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The X-Ray daemon; yields the variables of a tier that sends segments to it."""
    port = free_port()
    address = {"AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{port}"}
    command = [sys.executable, "-m", "xraydaemon"]
    with running(command, port, env={**environ, **address}, stderr=subprocess.DEVNULL):
        yield {"TRACING": "xray", **address}


@contextmanager
def own_endpoint(aws: Clients, token_file: Path) -> Iterator[dict[str, str]]:
    """X-Ray's own endpoint; yields the variables of a tier that sends spans there, with its service account's role."""
    search_transactions(aws)
    create_provider(aws)
    create_role(aws, "shop", trusting(aws, "shop:tier"))
    write_only = "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess"
    aws.iam.attach_role_policy(RoleName="shop", PolicyArn=write_only)
    spans = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "xray:PutSpans", "Resource": "*"}]}
    aws.iam.put_role_policy(RoleName="shop", PolicyName="spans", PolicyDocument=json.dumps(spans))
    role = {"AWS_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/shop", "AWS_WEB_IDENTITY_TOKEN_FILE": str(token_file)}
    yield {"TRACING": "opentelemetry", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", **role}


def serve_pages(environ: dict[str, str], tracing: Mapping[str, str]) -> None:
    """One visitor's round through the shop, whose backend goes away towards the end."""
    Redis.from_url(environ["REDIS_URL"]).flushdb()
    variables = {**environ, **tracing}
    with ExitStack() as frontend, ExitStack() as backend:
        for tier, stack in (("backend", backend), ("frontend", frontend)):
            port = int(environ[f"{tier.upper()}_PORT"])
            command = [sys.executable, "-m", tier]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            stack.enter_context(running(command, port, env=variables, **quiet))
        get(environ["FRONTEND_PORT"], *PAGES)
        backend.close()
        get(environ["FRONTEND_PORT"], *AFTER_THE_BACKEND_HAS_GONE)


def get(port: str, *pages: str) -> None:
    connection = HTTPConnection("127.0.0.1", int(port), timeout=30)
    for page in pages:
        connection.request("GET", page)
        connection.getresponse().read()
    connection.close()


def seen_by_xray(aws: Clients) -> Seen:
    """The service map, and how many traces each filter finds, once every request is there."""
    traces = len(PAGES) + len(AFTER_THE_BACKEND_HAS_GONE)
    eventually(lambda: count(aws) == traces)
    before: Seen = {}
    seen = look(aws)
    while seen != before:
        time.sleep(1)
        before, seen = seen, look(aws)
    return seen


def look(aws: Clients) -> Seen:
    now = time.time()
    services = aws.xray.get_service_graph(StartTime=now - 300, EndTime=now + 60)["Services"]
    names = {service["ReferenceId"]: (service["Name"], service.get("Type")) for service in services}
    return {
        "nodes": {names[service["ReferenceId"]]: counts(service) for service in services},
        "edges": {
            (names[service["ReferenceId"]], names[edge["ReferenceId"]]): counts(edge)
            for service in services
            for edge in service["Edges"]
        },
        "filters": {expression: count(aws, FilterExpression=expression) for expression in FILTERS},
        "responses": Counter(summary["Http"]["HttpStatus"] for summary in summaries(aws)),
    }


def counts(told: Mapping[str, Any]) -> dict[str, int]:
    statistics = told.get("SummaryStatistics", {})
    return {
        "total": statistics.get("TotalCount", 0),
        "ok": statistics.get("OkCount", 0),
        "errors": statistics.get("ErrorStatistics", {}).get("TotalCount", 0),
        "faults": statistics.get("FaultStatistics", {}).get("TotalCount", 0),
    }


def count(aws: Clients, **parameters: str) -> int:
    return len(summaries(aws, **parameters))


def summaries(aws: Clients, **parameters: str) -> list[dict[str, Any]]:
    now = time.time()
    found: list[dict[str, Any]] = aws.xray.get_trace_summaries(StartTime=now - 300, EndTime=now + 60, **parameters)[
        "TraceSummaries"
    ]
    return found


def test_service_map_is_the_same_by_segments_and_by_spans(
    admin: Admin, aws: Clients, environ: dict[str, str], token_file: Path
) -> None:
    everything = sampling_rule(RuleName="everything", ReservoirSize=0)
    aws.xray.create_sampling_rule(SamplingRule=everything)
    with daemon(environ) as tracing:
        serve_pages(environ, tracing)
        by_segments = seen_by_xray(aws)

    admin.reset()
    aws.xray.create_sampling_rule(SamplingRule=everything)
    with own_endpoint(aws, token_file) as tracing:
        serve_pages(environ, tracing)
        by_spans = seen_by_xray(aws)

    assert by_spans == by_segments
    assert {name for name, _type in by_segments["nodes"]} >= {"ecommerce-backend", "redis", "postgresql"}
    assert all(by_segments["filters"].values())
