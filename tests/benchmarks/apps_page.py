"""The storefront's product list against the least Flask page that does the same work."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from typing import Final

from benchmarks.rounds import ALL, Measures, Way, absolute, compare, ratios
from benchmarks.served.plain_page import FIRST, LAST, PATH
from benchmarks.servers import get, serving, wait_until_sampled
from benchmarks.shop import Shop
from benchmarks.sink import Sink
from support.xray_daemon import RunningDaemon

# Pages that are under way when a load ends take a while, and their segments follow.
SETTLE_SECONDS: Final = 0.6
_VERSION: Final = ".svg?v="


def measure(shop: Shop, daemon: RunningDaemon, sink: Sink) -> dict[str, list[float]]:
    """Figures by round. The backend answers from its cache, untraced, so that the sink hears the pages alone."""
    address = f"tcp:127.0.0.1:{daemon.port} udp:127.0.0.1:{sink.port}"
    with ExitStack() as running:
        backend = running.enter_context(shop.backend(TRACING="off"))
        storefront = running.enter_context(shop.frontend(backend, AWS_XRAY_DAEMON_ADDRESS=address))
        forgetful = running.enter_context(
            shop.frontend(backend, AWS_XRAY_DAEMON_ADDRESS=address, LISTS_MEMORY_BYTES="0")
        )
        for server in (storefront, forgetful):
            wait_until_sampled(server.port, PATH, shop.headers)
        page = get(storefront.port, PATH, shop.headers).body.decode()
        frame = running.enter_context(tempfile.NamedTemporaryFile("w", suffix=".json"))
        json.dump(frame_of(page) | {"headers": shop.headers}, frame)
        frame.flush()
        environ = {"BENCHMARK_SERVES": "plain_page", "BENCHMARK_FRAME": frame.name}
        environ["BENCHMARK_BACKEND"] = str(backend.port)
        plain = running.enter_context(serving("benchmarks.served", "BENCHMARK_PORT", environ))
        _check_same(page, get(plain.port, PATH).body.decode())
        ways = [
            Way("plain", *plain, [PATH]),
            Way("storefront", *storefront, [PATH], shop.headers, ALL, SETTLE_SECONDS),
            Way("storefront_anew", *forgetful, [PATH], shop.headers, ALL, SETTLE_SECONDS),
        ]
        return _figures(compare(ways, sink.arrived))


def frame_of(page: str) -> dict[str, str]:
    """What a product list has around its cards, and the version in the addresses of its pictures."""
    before, first, rest = page.partition(FIRST)
    cards, last, after = rest.partition(LAST)
    version = cards.partition(_VERSION)[2].partition('"')[0]
    return {"before": before + first, "after": last + after, "version": f"?v={version}"}


def _check_same(page: str, plain: str) -> None:
    """Raises RuntimeError where the pages differ, for then they are not the same work."""
    if page == plain:
        return
    lines = zip(page.splitlines(), plain.splitlines(), strict=False)
    differing = next((pair for pair in lines if pair[0] != pair[1]), ("one is longer",))
    raise RuntimeError(f"the plain page is not the storefront's: {differing}")


def _figures(measures: Measures) -> dict[str, list[float]]:
    return {
        "page_cpu_ratio": ratios(measures, "storefront", "plain"),
        "page_anew_cpu_ratio": ratios(measures, "storefront_anew", "plain"),
        **absolute(measures, "page_"),
    }
