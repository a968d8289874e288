"""What tracing costs a request, what cached answers and pages cost over the least there can be, how fast orders are
made, and what both tiers bear.

Usage: python tests/benchmarks/apps.py [PART...] (by `make bench-apps`, which sets the paths; parts are route, cached,
page, orders and tiers). A ratio is the CPU of one way of serving for a request over that of another, user and system of
the server's processes, from the same round; ways are measured in turn. Throughput and latency are recorded beside them
and hold for the machine they were measured on. docs/performance.md says what the figures mean.
"""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from typing import Final

from benchmarks import apps_cached, apps_orders, apps_page, apps_route, apps_two_tiers
from benchmarks.figures import Bound, publish_rounds
from benchmarks.servers import sampling_rules
from benchmarks.shop import shop
from benchmarks.sink import sink
from benchmarks.stand_in import stand_in, xray_daemon

BOUNDS: Final = {
    "traced_ratio_100": Bound(at_least=0.90),
    "traced_ratio_5": Bound(at_least=0.97),
    "cached_ratio_bare": Bound(at_least=0.85),
    "cached_traced_ratio_bare": Bound(at_least=0.60),
    "segment_cpu_us": Bound(at_most=10),
    "page_cpu_ratio": Bound(at_most=2.2),
    "page_anew_cpu_ratio": Bound(at_most=2.2),
    "order_errors": Bound(at_most=0),
    "orders_lost": Bound(at_most=0),
    "orders_doubled": Bound(at_most=0),
    "stock_difference": Bound(at_most=0),
    "two_tier_errors": Bound(at_most=0),
    "segments_lost": Bound(at_most=0),
}
PARTS: Final = ("route", "cached", "page", "orders", "tiers")
RATES: Final = {**apps_route.RATES, "ecommerce-backend": 1.0, "ecommerce-frontend": 1.0}


def measure(parts: list[str]) -> dict[str, list[float]]:
    """The figures of these parts, by round."""
    figures: dict[str, list[float]] = {}
    with ExitStack() as running:
        started = running.enter_context(stand_in())
        sampling_rules(started, RATES)
        daemon = running.enter_context(xray_daemon(started))
        drain = running.enter_context(sink())
        if "route" in parts:
            sys.stderr.write("· a route that answers from Redis\n")
            figures |= apps_route.measure(daemon, drain)
        if set(parts) - {"route"}:
            sys.stderr.write("· the shop's database, with its content\n")
            made = running.enter_context(shop())
        if "cached" in parts:
            sys.stderr.write("· the backend's cached answers\n")
            figures |= apps_cached.measure(made, daemon, drain)
        if "page" in parts:
            sys.stderr.write("· a page of the storefront\n")
            figures |= apps_page.measure(made, daemon, drain)
        if "orders" in parts:
            sys.stderr.write(f"· orders, {apps_orders.CUSTOMERS} customers\n")
            figures |= apps_orders.measure(made)
        if "tiers" in parts:
            sys.stderr.write(f"· both tiers, {apps_two_tiers.USERS} users\n")
            figures |= apps_two_tiers.measure(made, started)
    return figures


def main(parts: list[str]) -> int:
    """Prints and writes the figures; 1 where one is out of its bound, 2 for a part that there is not."""
    if unknown := set(parts) - set(PARTS):
        sys.stderr.write(f"there is no part {', '.join(sorted(unknown))}; give some of {', '.join(PARTS)}\n")
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):  # so that what was started is ended
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    return publish_rounds("-".join(["apps", *parts]), measure(parts or list(PARTS)), BOUNDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
