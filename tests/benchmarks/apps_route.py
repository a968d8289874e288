"""A Flask route that answers from Redis: untraced, traced by apps/tracing, and by the SDK's own middleware."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.rounds import ALL, SETTLE_SECONDS, TWENTIETH, UNTRACED, Measures, Spread, Way, absolute, compare, ratios
from benchmarks.served.redis_route import KEY, PATH
from benchmarks.servers import serving
from benchmarks.sink import Sink
from redis import Redis
from support.servers import redis_server
from support.xray_daemon import RunningDaemon

BODY: Final = b'{"success":true,"data":[' + b",".join([b'{"slug":"desk-lamp","price":"49.90"}'] * 126) + b"]}"


# Spans are exported in batches, once a second.
EXPORT_SECONDS: Final = 1.5


class _Variant(NamedTuple):
    """A way to trace: what serves, the sampling rule's rate, and what follows from both."""

    serves: str
    rate: float
    traced_share: Spread
    settle_seconds: float = SETTLE_SECONDS
    mode: str = "xray"


VARIANTS: Final = {
    "untraced": _Variant("untraced", 0.0, UNTRACED),
    "traced_100": _Variant("traced", 1.0, ALL),
    "traced_5": _Variant("traced", 0.05, TWENTIETH),
    "stock_100": _Variant("stock", 1.0, ALL),
    "stock_5": _Variant("stock", 0.05, TWENTIETH),
    "opentelemetry_100": _Variant("traced", 1.0, ALL, EXPORT_SECONDS, "opentelemetry"),
}
RATES: Final = {name: variant.rate for name, variant in VARIANTS.items()}


def measure(daemon: RunningDaemon, sink: Sink) -> dict[str, list[float]]:
    """Figures by round. Each variant is a service of its own, which the account's rule of its name samples."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        redis_url = running.enter_context(redis_server(folder))
        with Redis.from_url(redis_url) as client:
            client.set(KEY, BODY)
        ways = []
        for name, variant in VARIANTS.items():
            environ = {"REDIS_URL": redis_url, "BENCHMARK_SERVICE": name, "BENCHMARK_SERVES": variant.serves}
            environ |= {"TRACING": variant.mode, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{sink.otlp_port}"}
            environ["AWS_XRAY_DAEMON_ADDRESS"] = f"tcp:127.0.0.1:{daemon.port} udp:127.0.0.1:{sink.port}"
            server = running.enter_context(serving("benchmarks.served", "BENCHMARK_PORT", environ))
            ways.append(Way(name, *server, [PATH], {}, variant.traced_share, variant.settle_seconds))
        return _figures(compare(ways, sink.arrived))


def _figures(measures: Measures) -> dict[str, list[float]]:
    figures = {}
    for name in measures:
        if name != "untraced":
            way, _underscore, share = name.partition("_")
            figures[f"{way}_ratio_{share}"] = ratios(measures, "untraced", name)
    return figures | absolute(measures, "route_")
