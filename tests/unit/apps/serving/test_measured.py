"""What is counted of requests to a WSGI application, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from flask import Flask
from granian.wsgi import Response
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from serving.measured import ROUTE, MeasuredApplication, Prepared, RequestBytes, note_routes
from serving.metrics import HttpMetrics
from werkzeug.test import Client

BODY = b"a lamp and a chair"
LAMP = Prepared("200 OK", [("Content-Type", "text/plain")], BODY, "/lamp")
TRACE = ("X-Amzn-Trace-Id", "Root=1")


def _stream() -> Iterator[bytes]:
    yield BODY[:6]
    yield BODY[6:]


def _broken_stream() -> Iterator[bytes]:
    yield BODY
    raise OSError("the source broke off")


def _application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/fails":
        raise KeyError("nothing answers this")
    if path != "/nowhere":
        environ[ROUTE] = path
    start_response(
        "200 OK", [("Content-Type", "text/plain"), *([TRACE] if "traced" in environ["QUERY_STRING"] else [])]
    )
    bodies: dict[str, Iterable[bytes]] = {"/stream": _stream(), "/broken": _broken_stream(), "/lamp": LAMP}
    return bodies.get(path, [BODY])


class Served:
    """The application, and its counters."""

    def __init__(self) -> None:
        self.metrics = HttpMetrics(lambda: (0, 0, 0, 0))
        self.application = MeasuredApplication(_application, self.metrics)
        self.client = Client(self.application)

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """The values of a metric by its labels' values."""
        families = text_string_to_metric_families(self.metrics.exposition().decode())
        found = (sample for family in families for sample in family.samples)
        return {tuple(sample.labels.values()): sample.value for sample in found if sample.name == name}


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


@pytest.mark.parametrize("path", ["/list", "/stream", "/lamp"])
@pytest.mark.parametrize("query", ["page=2", "traced"])
def test_bytes_are_counted_in_both_directions(served: Served, path: str, query: str) -> None:
    headers = {"Host": "shop", "User-Agent": "a browser"}
    served.client.post(f"{path}?{query}", data=b"x" * 50, headers=headers).get_data()
    request = f"POST {path}?{query} HTTP/1.1\r\nHost: shop\r\nUser-Agent: a browser\r\n\r\n"
    trace = "X-Amzn-Trace-Id: Root=1\r\n" if query == "traced" else ""
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{trace}\r\n"
    assert served.samples("http_network_receive_bytes_total") == {(): len(request) + 50}
    assert served.samples("http_network_transmit_bytes_total") == {(): len(answer) + len(BODY)}


def test_what_granian_was_told_is_counted(served: Served) -> None:
    told: Any = Response()  # type: ignore[no-untyped-call]
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/list", "QUERY_STRING": ""}
    assert served.application(environ, told) == [BODY]
    assert (told.status, told.headers) == (200, [("Content-Type", "text/plain")])
    assert served.samples("http_requests_total") == {("GET", "/list", "200"): 1}
    answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
    assert served.samples("http_network_transmit_bytes_total") == {(): len(answer) + len(BODY)}


HEADERS = st.dictionaries(st.sampled_from([f"HTTP_{name}" for name in "ABCDEFG"]), st.text(max_size=5))
BODIES = st.sampled_from([{}, {"CONTENT_LENGTH": "7"}, {"CONTENT_TYPE": "text/plain"}, {"CONTENT_LENGTH": "none"}])
LINES = st.fixed_dictionaries(
    {"REQUEST_METHOD": st.sampled_from(["GET", "POST"])},
    optional={"PATH_INFO": st.text(max_size=5), "QUERY_STRING": st.text(max_size=5)},
)


@given(st.lists(st.tuples(LINES, BODIES, HEADERS), max_size=12))
def test_bytes_of_requests_are_exact_whatever_came_before(requests: list[tuple[dict[str, str], ...]]) -> None:
    counter = RequestBytes()
    for line, body, headers in requests:
        query = line.get("QUERY_STRING", "")
        written = [f"{line['REQUEST_METHOD']} {line.get('PATH_INFO', '')}{query and '?' + query} HTTP/1.1"]
        written += [f"{name.removeprefix('HTTP_')}: {value}" for name, value in headers.items()]
        length = 7 if body.get("CONTENT_LENGTH") == "7" else 0
        assert (
            counter.count({"wsgi.version": (1, 0), **line, **body, **headers}) == len("\r\n".join(written)) + 4 + length
        )


def test_templates_of_a_flask_apps_routes_are_noted() -> None:
    app = Flask("lamps")
    app.add_url_rule("/lamps/<name>", view_func=lambda name: name)
    note_routes(app)
    metrics = HttpMetrics(lambda: (0, 0, 0, 0))
    app.wsgi_app = MeasuredApplication(app.wsgi_app, metrics)  # type: ignore[method-assign]
    for path in ("/lamps/halo", "/chairs"):
        app.test_client().get(path).close()
    assert b'route="/lamps/<name>",status="200"} 1.0' in metrics.exposition()
    assert b'route="unmatched",status="404"} 1.0' in metrics.exposition()
