"""The backend's cached public answers against the bytes alone: what routing, counting and tracing add to a request."""

from __future__ import annotations

import json
import tempfile
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Final

from benchmarks.rounds import ALL, Measures, Way, absolute, compare, differences, ratios
from benchmarks.servers import Server, get, serving, wait_until_sampled
from benchmarks.shop import Shop
from benchmarks.sink import Sink
from support.xray_daemon import RunningDaemon

PRODUCTS: Final = "/api/catalog/products?page=1&limit=20"
CATEGORIES: Final = "/api/catalog/categories"
SEARCH: Final = "/api/search?q=lamp"
MIX: Final = (PRODUCTS, CATEGORIES, PRODUCTS, SEARCH)
SERVICE: Final = "ecommerce-backend"


def measure(shop: Shop, daemon: RunningDaemon, sink: Sink) -> dict[str, list[float]]:
    """Figures by round."""
    address = f"tcp:127.0.0.1:{daemon.port} udp:127.0.0.1:{sink.port}"
    with ExitStack() as running:
        untraced = running.enter_context(shop.backend(TRACING="off"))
        traced = running.enter_context(shop.backend(AWS_XRAY_DAEMON_ADDRESS=address))
        wait_until_sampled(traced.port, CATEGORIES, shop.headers)
        answers = running.enter_context(tempfile.NamedTemporaryFile("w", suffix=".json"))
        answers.write(_answers(shop, untraced))
        answers.flush()
        bare = running.enter_context(_bare(Path(answers.name)))
        ways = [
            Way("bare", *bare, MIX, shop.headers),
            Way("untraced", *untraced, MIX, shop.headers),
            Way("traced_100", *traced, MIX, shop.headers, ALL),
        ]
        return _figures(compare(ways, sink.arrived))


def _bare(answers: Path) -> AbstractContextManager[Server]:
    return serving(
        "benchmarks.served", "BENCHMARK_PORT", {"BENCHMARK_SERVES": "ready_answers", "BENCHMARK_ANSWERS": str(answers)}
    )


def _answers(shop: Shop, backend: Server) -> str:
    """What the backend answers on a hit, for an application that does nothing else: path -> headers, body."""
    answers = {}
    for target in MIX:
        get(backend.port, target, shop.headers)
        hit = get(backend.port, target, shop.headers)
        headers = [(name, value) for name, value in hit.headers.items() if name not in ("date", "server")]
        if hit.status != 200 or ("x-cache", "hit") not in headers:
            raise RuntimeError(f"{target} was not answered from the cache: {hit.status} {headers}")
        answers[target.partition("?")[0]] = (headers, hit.body.decode())
    return json.dumps(answers)


def _figures(measures: Measures) -> dict[str, list[float]]:
    return {
        "cached_ratio_bare": ratios(measures, "bare", "untraced"),
        "cached_traced_ratio_bare": ratios(measures, "bare", "traced_100"),
        "segment_cpu_us": differences(measures, "traced_100", "untraced"),
        **absolute(measures, "cached_"),
    }
