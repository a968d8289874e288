"""Both tiers traced by OpenTelemetry: spans to X-Ray's own endpoint, signed with the role of their service accounts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from support.accounts import client
from support.playbooks import Platform, process_platform
from support.waiting import eventually

TRACED = {"backend_tracing": "opentelemetry", "frontend_tracing": "opentelemetry"}
PAGES = ("/", "/products", "/products/halo-paper-lamp", "/search?q=lamp")


@pytest.fixture(scope="module")
def shop() -> Iterator[Platform]:
    """A platform with the AWS side and the shop on it."""
    with process_platform("otel") as platform:
        refused = platform.play("preflight", local_environment_transaction_search=False, **TRACED)
        assert refused.return_code != 0
        assert "aws xray update-trace-segment-destination --destination CloudWatchLogs" in " ".join(
            refused.output.split()
        )
        for playbook in ("preflight", "observability", "applications"):
            played = platform.play(playbook, **TRACED)
            assert played.return_code == 0, played.output
        yield platform


def test_spans_arrive_signed_by_the_tiers_own_role(shop: Platform) -> None:
    for page in PAGES:
        with urlopen(shop.url("frontend", page)) as answer:
            assert answer.status == 200
    eventually(lambda: nodes(shop).get("ecommerce-frontend") == len(PAGES))
    eventually(lambda: nodes(shop).keys() == {"ecommerce-frontend", "ecommerce-backend", "redis", "postgresql"})
    with urlopen(shop.url("xray-daemon", "/stats")) as stats:
        assert b'"received": 0' in stats.read()


def nodes(shop: Platform) -> dict[str, int]:
    """How many requests X-Ray knows of each service."""
    now = time.time()
    services = client(shop, "xray").get_service_graph(StartTime=now - 600, EndTime=now + 60)["Services"]
    return {
        service["Name"]: service["SummaryStatistics"]["TotalCount"]
        for service in services
        if service.get("Type") != "client"
    }


def test_second_run_changes_nothing(shop: Platform) -> None:
    for playbook in ("preflight", "observability", "applications"):
        played = shop.play(playbook, **TRACED)
        assert (played.return_code, played.changed()) == (0, []), played.output
