"""A Flask route that answers from Redis: untraced, traced by apps/tracing, and by the SDK's own middleware."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.rounds import ALL, TWENTIETH, UNTRACED, Measures, Spread, Way, absolute, compare, ratios
from benchmarks.served.redis_route import KEY, PATH
from benchmarks.servers import serving
from benchmarks.sink import Sink
from redis import Redis
from support.servers import redis_server
from support.xray_daemon import RunningDaemon

BODY: Final = b'{"success":true,"data":[' + b",".join([b'{"slug":"desk-lamp","price":"49.90"}'] * 126) + b"]}"


class _Variant(NamedTuple):
    serves: str
    traced_share: Spread


VARIANTS: Final = {
    "untraced": _Variant("untraced", UNTRACED),
    "traced_100": _Variant("traced", ALL),
    "traced_5": _Variant("traced", TWENTIETH),
    "stock_100": _Variant("stock", ALL),
    "stock_5": _Variant("stock", TWENTIETH),
}
RATES: Final[Mapping[str, float]] = {"traced_100": 1.0, "traced_5": 0.05, "stock_100": 1.0, "stock_5": 0.05}


def measure(daemon: RunningDaemon, sink: Sink) -> dict[str, list[float]]:
    """Figures by round. Each variant is a service of its own, which the account's rule of its name samples."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        redis_url = running.enter_context(redis_server(folder))
        with Redis.from_url(redis_url) as client:
            client.set(KEY, BODY)
        ways = []
        for name, variant in VARIANTS.items():
            environ = {
                "BENCHMARK_SERVES": variant.serves,
                "BENCHMARK_SERVICE": name,
                "REDIS_URL": redis_url,
                "AWS_XRAY_DAEMON_ADDRESS": f"tcp:127.0.0.1:{daemon.port} udp:127.0.0.1:{sink.port}",
            }
            server = running.enter_context(serving("benchmarks.served", "BENCHMARK_PORT", environ))
            ways.append(Way(name, *server, [PATH], traced_share=variant.traced_share))
        return _figures(compare(ways, sink.arrived))


def _figures(measures: Measures) -> dict[str, list[float]]:
    figures = {}
    for name in measures:
        if name != "untraced":
            way, _underscore, share = name.partition("_")
            figures[f"{way}_ratio_{share}"] = ratios(measures, "untraced", name)
    return figures | absolute(measures, "route_")
