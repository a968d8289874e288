"""What is counted of requests to a WSGI application, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from serving.measured import MeasuredApplication
from serving.metrics import HttpMetrics
from werkzeug.test import Client

BODY = b"a lamp and a chair"


def _stream() -> Iterator[bytes]:
    yield BODY[:6]
    yield BODY[6:]


def _broken_stream() -> Iterator[bytes]:
    yield BODY
    raise OSError("the source broke off")


def _application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/fails":
        raise KeyError("nothing answers this")
    start_response("200 OK", [("Content-Type", "text/plain")])
    bodies: dict[str, Iterable[bytes]] = {"/stream": _stream(), "/broken": _broken_stream()}
    return bodies.get(environ["PATH_INFO"], [BODY])


class Served:
    """The application, its counters, and how many segments its tracing says that it sent and dropped."""

    def __init__(self) -> None:
        self.segments = (0, 0)
        self._metrics = HttpMetrics(lambda: self.segments)
        self.client = Client(MeasuredApplication(_application, self._metrics, self._route))

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """The values of a metric by its labels' values."""
        families = text_string_to_metric_families(self._metrics.exposition().decode())
        found = (sample for family in families for sample in family.samples)
        return {tuple(sample.labels.values()): sample.value for sample in found if sample.name == name}

    @staticmethod
    def _route(environ: dict[str, Any]) -> str | None:
        return None if environ["PATH_INFO"] == "/nowhere" else environ["PATH_INFO"]


@pytest.fixture
def served() -> Served:
    return Served()


def test_every_request_is_counted_once_with_bounded_labels(served: Served) -> None:
    for path in ("/list", "/list", "/nowhere"):
        served.client.get(path)
    served.client.open("/list", method="BREW")
    with pytest.raises(KeyError):
        served.client.get("/fails")
    assert served.samples("http_requests_total") == {
        ("GET", "/list", "200"): 2,
        ("GET", "unmatched", "200"): 1,
        ("other", "/list", "200"): 1,
        ("GET", "unmatched", "500"): 1,
    }
    assert served.samples("http_request_duration_seconds_count")["GET", "/list"] == 2


def test_stream_is_counted_at_its_end_or_where_it_is_left(served: Served) -> None:
    answer = served.client.get("/stream", buffered=False)
    assert served.samples("http_requests_total") == {}
    assert answer.get_data() == BODY
    served.client.get("/stream", buffered=False).close()
    with pytest.raises(OSError, match="broke off"):
        served.client.get("/broken", buffered=False).get_data()
    assert served.samples("http_requests_total") == {("GET", "/stream", "200"): 2, ("GET", "/broken", "200"): 1}


@pytest.mark.parametrize("path", ["/list", "/stream"])
def test_bytes_are_counted_in_both_directions(served: Served, path: str) -> None:
    served.client.post(f"{path}?page=2", data=b"x" * 50, headers={"Host": "shop", "User-Agent": "a browser"}).get_data()
    request = f"POST {path}?page=2 HTTP/1.1\r\nHost: shop\r\nUser-Agent: a browser\r\n\r\n"
    answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
    assert served.samples("http_network_receive_bytes_total") == {(): len(request) + 50}
    assert served.samples("http_network_transmit_bytes_total") == {(): len(answer) + len(BODY)}


def test_segments_are_counted_with_the_request_that_made_them(served: Served) -> None:
    assert served.samples("tracing_segments_sent_total") == {(): 0}
    for segments in ((3, 0), (4, 2), (4, 2)):
        served.segments = segments
        served.client.get("/list")
    assert served.samples("tracing_segments_sent_total") == {(): 4}
    assert served.samples("tracing_segments_dropped_total") == {(): 2}
