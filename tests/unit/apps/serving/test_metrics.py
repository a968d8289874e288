"""How what was noted of requests is added up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from serving.metrics import HttpMetrics

LIST = ("GET", "/list", "200")


def _samples(exposition: bytes, beginning: str) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(exposition.decode())
    found = (sample for family in families for sample in family.samples)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for sample in found
        if sample.name.startswith(beginning) and not sample.name.endswith("_created")
    }


def test_nothing_is_lost_between_threads_and_flushes(hurried: None) -> None:
    metrics = HttpMetrics(lambda: (0, 0, 0, 0))

    def requests(number: int) -> None:
        for _unused in range(5000):
            metrics.waiting(LIST).extend((0.25, 3, 5))

    with ThreadPoolExecutor(5) as threads:
        done = threads.map(requests, range(4))
        for _unused in range(200):
            metrics.flush()
        assert list(done) == [None] * 4
    counted = _samples(metrics.exposition(), "http_")
    assert counted["http_requests_total", *LIST] == 20_000
    assert counted["http_request_duration_seconds_sum", *LIST[:2]] == 5000
    assert counted["http_network_receive_bytes_total",] == 60_000
    assert counted["http_network_transmit_bytes_total",] == 100_000


def test_durations_are_in_the_buckets_into_which_prometheus_client_puts_them() -> None:
    seconds = [0.0, 0.0005, 0.001, 0.00101, 0.0025, 0.3, 0.3, 9.0, 10.0, 10.1, 1000.0]
    metrics = HttpMetrics(lambda: (0, 0, 0, 0))
    for value in seconds:
        metrics.waiting(LIST).extend((value, 0, 0))
    counted = _samples(metrics.exposition(), "http_request_duration")
    bounds = [float(key[1]) for key in counted if key[0].endswith("_bucket")]
    registry = CollectorRegistry()
    labels = ("method", "route")
    reference = Histogram("http_request_duration_seconds", "", labels, buckets=bounds, registry=registry)
    for value in seconds:
        reference.labels(*LIST[:2]).observe(value)
    assert counted == _samples(generate_latest(registry), "http_request_duration")


def test_segments_are_counted_as_they_are_sent() -> None:
    told = iter([(3, 0, 0, 0), (4, 2, 1, 0), (4, 2, 1, 7), (4, 2, 1, 7)])
    metrics = HttpMetrics(lambda: next(told))
    for _unused in range(3):
        metrics.flush()
    counted = _samples(metrics.exposition(), "tracing_")
    names = ("sent", "dropped", "kept", "kept_refused")
    assert counted == {
        (f"tracing_segments_{name}_total",): count for name, count in zip(names, (4, 2, 1, 7), strict=True)
    }
