"""A believable run directory, made from a seed: what the stress test leaves in parts/ for the report to join."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from support.run_load import STARTED_AT, Part, Story, iso, load_part, users_at
from support.run_traces import slow_traces

_PODS = ("backend", "frontend", "postgresql", "redis")
_CALLS_A_PAGE = 1.4
_SEGMENT_COUNTS = ("backend_sent", "backend_dropped", "frontend_sent", "frontend_dropped")


def _counts(load: Part) -> tuple[int, int, int]:
    """Requests to the backend's API, to the storefront's pages, and the calls these pages make."""
    pages = sum(route["requests"] for route in load["routes"] if route["tier"] == "frontend")
    return load["totals"]["requests"] - pages, pages, round(pages * _CALLS_A_PAGE)


def _counters(story: Story, load: Part) -> Part:
    direct, pages, calls = _counts(load)
    sent = (direct + calls, pages) if story.traces else (0, 0)
    daemon = {"received": sum(sent), "sent": sum(sent), "dropped": 0, "malformed": 0, "rejected": 0, "queued": 0}
    return {
        "backend": {"requests": direct + calls, "routes": {"GET /api/catalog/products": direct + calls}},
        "frontend": {"requests": pages, "routes": _page_routes(load)},
        "daemon": daemon if story.traces else None,
        "segments": dict(zip(_SEGMENT_COUNTS, (sent[0], 0, sent[1], 0) if story.traces else (None,) * 4, strict=True)),
    }


def _page_routes(load: Part) -> dict[str, int]:
    pages = [route for route in load["routes"] if route["tier"] == "frontend"]
    return {f"{route['method']} {route['name']}": route["requests"] for route in pages}


def _cache(load: Part) -> Part:
    total = round(load["totals"]["requests"] * 0.7)
    return {"hits": total - 17, "misses": 17, "hit_rate": (total - 17) / total, "total": total, "source": _CACHE_SOURCE}


_CACHE_SOURCE = "backend /metrics/cache, all processes, after minus before"


def _metrics(story: Story, chance: random.Random, seconds: int) -> Part:
    found = list(_pod_metrics(chance, seconds)) if story.metrics else []
    no_network = {"metric": "pod_network_rx_bytes (postgresql)", "reason": "PostgreSQL counts no network bytes"}
    nothing = {"metric": "pod_cpu_utilization", "reason": "no data points in the run's window"}
    return {
        "cluster_name": "deepobs-local",
        "namespace": "ecommerce",
        "start_time": iso(0),
        "end_time": iso(seconds),
        "period_seconds": 5,
        "source": "ContainerInsights, published by this platform's agent from /proc and the apps' byte counters",
        "metrics": found,
        "missing": [no_network] if story.metrics else [nothing],
    }


def _pod_metrics(chance: random.Random, seconds: int) -> Iterator[Part]:
    scales = {
        "pod_cpu_utilization": ("Percent", (46.0, 22.0, 9.0, 3.5)),
        "pod_memory_utilization": ("Percent", (1.6, 1.3, 0.9, 0.2)),
        "pod_network_rx_bytes": ("Bytes/Second", (310e3, 420e3, None, 88e3)),
        "pod_network_tx_bytes": ("Bytes/Second", (2.4e6, 1.1e6, None, 310e3)),
    }
    for metric, (unit, tops) in scales.items():
        for pod, top in zip(_PODS, tops, strict=True):
            if top is not None:
                yield _pod_metric(metric, unit, pod, _samples(chance, metric, top, seconds))


def _samples(chance: random.Random, metric: str, top: float, seconds: int) -> list[float]:
    floor = 0.9 if "memory" in metric else 0.05
    at = range(0, seconds + 5, 5)
    return [
        round(top * (floor + (1 - floor) * users_at(second) / 200) * chance.uniform(0.94, 1.02), 3) for second in at
    ]


def _pod_metric(metric: str, unit: str, pod: str, values: list[float]) -> Part:
    dimensions = {"ClusterName": "deepobs-local", "Namespace": "ecommerce", "PodName": pod}
    timestamps = [iso(5 * position - STARTED_AT.second % 5) for position in range(len(values))]
    return {"metric": metric, "statistic": "Average", "unit": unit, "dimensions": dimensions} | {
        "timestamps": timestamps,
        "values": values,
    }


def _traces(story: Story, load: Part) -> Part:
    slowest = slow_traces(story.seed, STARTED_AT.timestamp()) if story.traces else []
    return {
        "start_time": iso(-1),
        "end_time": iso(load["totals"]["duration_seconds"] + 1),
        "filter_expression": "",
        "count": load["totals"]["requests"] if story.traces else 0,
        "complete": True,
        "faults": load["totals"]["errors"] if story.traces else 0,
        "errors": 0,
        "throttles": 0,
        "service_graph": _service_graph(load) if story.traces else {"services": [], "edges": []},
        "slowest": slowest,
        "example": slowest[:1],
    }


def _service_graph(load: Part) -> Part:
    direct, pages, calls = _counts(load)
    errors = load["totals"]["errors"]
    nodes = (
        ("client", "client", direct + pages, 0, 0.0071),
        ("ecommerce-frontend", "AWS::EKS::Container", pages, 0, 0.0118),
        ("ecommerce-backend", "AWS::EKS::Container", direct + calls, errors, 0.0049),
        ("redis", "remote", round((direct + calls) * 0.31), 0, 0.0004),
        ("postgresql", "remote", round((direct + calls) * 0.12), errors, 0.0062),
    )
    edges = (
        ("client", "ecommerce-frontend", pages, 0, 0.0118),
        ("client", "ecommerce-backend", direct, errors, 0.0052),
        ("ecommerce-frontend", "ecommerce-backend", calls, 0, 0.0041),
        ("ecommerce-backend", "redis", round((direct + calls) * 0.31), 0, 0.0004),
        ("ecommerce-backend", "postgresql", round((direct + calls) * 0.12), errors, 0.0062),
    )
    services = [
        {"reference_id": position, "name": name, "type": kind, "root": kind == "client", "ok": requests - faults}
        | _node_counts(requests, faults, seconds)
        for position, (name, kind, requests, faults, seconds) in enumerate(nodes)
    ]
    return {
        "services": services,
        "edges": [{"source": a, "target": b} | _node_counts(*counts) for a, b, *counts in edges],
    }


def _node_counts(requests: int, faults: int, mean_seconds: float) -> Part:
    return {
        "requests": requests,
        "errors": 0,
        "faults": faults,
        "total_response_seconds": round(requests * mean_seconds, 6),
    }


def _cost(traces: int) -> Part:
    recorded, pod_days = traces / 1e6 * 5, 4 * 60 / 86400
    items = [
        ("X-Ray traces recorded", traces, "traces", 5e-6, 0, recorded, f"{traces} x $0.000005"),
        ("X-Ray traces retrieved", 10, "traces", 5e-7, 0, 5e-6, "10 x $0.0000005"),
        ("Container Insights", pod_days, "pod-days", 0.30, 0, pod_days * 0.30, "4 pods x 60 s / 86,400 s x $0.30"),
    ]
    names = ("name", "quantity", "unit", "unit_price_usd", "free_quantity", "cost_usd", "formula")
    total = recorded + 5e-6 + pod_days * 0.30
    return {
        "currency": "USD",
        "this_test_usd": round(total, 6),
        "per_day_usd": round(total * 1440, 2),
        "per_month_usd": round(total * 1440 * 30, 2),
        "items": [dict(zip(names, item, strict=True)) for item in items],
        "prices": {
            "xray_recorded_per_million_usd": 5.0,
            "xray_retrieved_per_million_usd": 0.5,
            "container_insights_pod_day_usd": 0.30,
            "date": "2026-03-01",
            "source": "https://aws.amazon.com/cloudwatch/pricing/ and https://aws.amazon.com/xray/pricing/",
        },
    }


def _system() -> Part:
    return {
        "platform": "process",
        "cluster": "deepobs-local",
        "region": "eu-west-1",
        "revision": "3b1e3fd",
        "replicas": {"backend": 1, "frontend": 1},
        "image_digests": {},
        "host": {"cpus": 2, "memory_bytes": 8_321_499_136},
        "versions": {"python": "3.11.7", "flask": "3.1.2", "granian": "2.8.7", "redis": "6.2.18", "postgresql": "18.6"},
        "command": "make demo",
    }


def run_parts(story: Story | None = None) -> dict[str, Part]:
    """Every part of one run, by name; the same story gives the same parts."""
    story = story or Story()
    chance = random.Random(story.seed)
    load = load_part(story, chance)
    traces = _traces(story, load)
    return {
        "load": load,
        "system": _system(),
        "counters": _counters(story, load),
        "cache": _cache(load),
        "metrics": _metrics(story, chance, len(load["series"])),
        "traces": traces,
        "cost": _cost(traces["count"]),
    }


def write_parts(run_dir: Path, parts: dict[str, Part]) -> None:
    """Lays the parts down as the stress test's role does."""
    folder = run_dir / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        (folder / f"{name}.json").write_text(json.dumps(part), encoding="utf-8")


if __name__ == "__main__":
    write_parts(Path(sys.argv[1]), run_parts(Story(errors="--failed" in sys.argv)))
