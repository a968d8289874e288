"""The WSGI wrapper against PEP 3333: the server sees what the application does, and one segment is sent."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest
from support.segments import SegmentReceiver
from tracing import TracedApplication, Tracing, TracingSettings, current

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
OK = [("Content-Type", "text/plain")]

Application = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]


class Server:
    """What a WSGI server does with one request at a time; keeps what it was given."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.written: list[bytes] = []

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if self.status and exc_info is None:
            raise AssertionError("started twice")
        self.status, self.headers = status, headers
        return self.written.append

    def begin(self, application: Application, **environ: Any) -> Iterable[bytes]:
        made: dict[str, Any] = {"HTTP_X_AMZN_TRACE_ID": f"Root={ROOT};Sampled=1", "REMOTE_ADDR": "192.0.2.7"} | environ
        setup_testing_defaults(made)
        return TracedApplication(application, self._tracing)(made, self.start_response)

    def serve(self, application: Application, **environ: Any) -> bytes:
        body = self.begin(application, **environ)
        try:
            content = b"".join(body)
        finally:
            getattr(body, "close", lambda: None)()
        return b"".join(self.written) + content


@pytest.fixture
def tracing(settings: TracingSettings) -> Iterator[Tracing]:
    made = Tracing(settings)
    yield made
    made.stop()


@pytest.fixture
def server(tracing: Tracing) -> Server:
    return Server(tracing)


class Body:
    """A body that tells what was done to it."""

    def __init__(self, *chunks: bytes | BaseException, close_error: BaseException | None = None) -> None:
        self._chunks = iter(chunks)
        self._close_error = close_error
        self.contexts: list[bool] = []
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.contexts.append(current() is not None)
        chunk = next(self._chunks)
        if isinstance(chunk, BaseException):
            raise chunk
        return chunk

    def close(self) -> None:
        self.contexts.append(current() is not None)
        self.closed += 1
        if self._close_error is not None:
            raise self._close_error


def _answers(body: Iterable[bytes], status: str = "200 OK") -> Application:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, list(OK))
        return body

    return application


def _response(segment: dict[str, Any]) -> tuple[int, int]:
    response = segment["http"]["response"]
    return response["status"], response["content_length"]


@pytest.mark.parametrize("body", [[b"one", b"two"], (b"one", b"two"), iter([b"one", b"two"])])
def test_any_iterable_is_a_body(server: Server, receiver: SegmentReceiver, body: Iterable[bytes]) -> None:
    assert server.serve(_answers(body)) == b"onetwo"
    assert _response(receiver.next()) == (200, 6)
    assert server.headers == [*OK, ("X-Amzn-Trace-Id", f"Root={ROOT};Sampled=1")]


class Whole(list[bytes]):
    """A whole body as servers' adapters make them."""


@pytest.mark.parametrize("body", [[b"one"], (b"one",), Whole([b"one"])])
def test_whole_body_is_handed_over_as_it_is(server: Server, body: Iterable[bytes]) -> None:
    assert server.begin(_answers(body)) is body


def test_applications_own_list_of_headers_stays_as_it_is(server: Server) -> None:
    headers = list(OK)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", headers)
        return []

    server.serve(application)
    assert headers == OK


def test_body_is_read_and_closed_once_in_its_context(server: Server, receiver: SegmentReceiver) -> None:
    body = Body(b"one", b"two")
    assert server.serve(_answers(body)) == b"onetwo"
    assert (body.closed, set(body.contexts), current()) == (1, {True}, None)
    assert _response(receiver.next()) == (200, 6)
    assert receiver.pending() == []


def test_segment_of_a_stream_ends_with_its_last_chunk(server: Server, receiver: SegmentReceiver) -> None:
    body = iter(server.begin(_answers(Body(b"one", b"two"))))
    assert (next(body), next(body), receiver.pending()) == (b"one", b"two", [])
    assert next(body, None) is None
    assert _response(receiver.next()) == (200, 6)


def test_body_that_a_server_takes_for_an_iterator(server: Server, receiver: SegmentReceiver) -> None:
    body: Any = server.begin(_answers(Body(b"one")))
    assert next(body) == b"one"
    assert next(body, None) is None
    assert _response(receiver.next()) == (200, 3)


def test_client_that_goes_away_ends_the_segment_with_what_it_got(server: Server, receiver: SegmentReceiver) -> None:
    body = Body(b"one", b"two")
    answer: Any = server.begin(_answers(body))
    assert next(iter(answer)) == b"one"
    answer.close()
    assert (body.closed, _response(receiver.next())) == (1, (200, 3))
    assert receiver.pending() == []


def test_body_that_is_never_read_is_closed(server: Server, receiver: SegmentReceiver) -> None:
    body = Body(b"one")
    answer: Any = server.begin(_answers(body), REQUEST_METHOD="HEAD")
    answer.close()
    assert (body.closed, _response(receiver.next())) == (1, (200, 0))


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answer_without_a_body(server: Server, receiver: SegmentReceiver, status: str) -> None:
    assert server.serve(_answers([], status)) == b""
    assert _response(receiver.next()) == (int(status[:3]), 0)


def test_body_that_fails_is_a_fault_with_its_exception(server: Server, receiver: SegmentReceiver) -> None:
    body = Body(b"one", OSError("the source broke off"))
    with pytest.raises(OSError, match="broke off"):
        server.serve(_answers(body))
    segment = receiver.next()
    assert (segment["fault"], _response(segment), body.closed) == (True, (200, 3), 1)
    assert segment["cause"]["exceptions"][0]["message"] == "the source broke off"
    assert receiver.pending() == []


def test_close_that_fails_is_a_fault_where_the_body_was_not_read(server: Server, receiver: SegmentReceiver) -> None:
    answer: Any = server.begin(_answers(Body(b"one", close_error=OSError("gone"))))
    with pytest.raises(OSError, match="gone"):
        answer.close()
    assert receiver.next()["cause"]["exceptions"][0]["message"] == "gone"


def test_application_that_raises_is_a_fault(server: Server, receiver: SegmentReceiver) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        server.serve(application)
    segment = receiver.next()
    assert (segment["fault"], _response(segment), current()) == (True, (500, 0), None)


def test_application_that_never_starts_its_response_is_a_fault(server: Server, receiver: SegmentReceiver) -> None:
    assert server.serve(lambda environ, start_response: []) == b""
    segment = receiver.next()
    assert (segment["fault"], _response(segment)) == (True, (500, 0))


def test_response_that_starts_with_the_first_chunk(server: Server, receiver: SegmentReceiver) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        environ["tracing.route"] = "/late"
        start_response("201 Created", list(OK))
        yield b"one"

    assert server.serve(application) == b"one"
    segment = receiver.next()
    assert (_response(segment), segment["annotations"]["http_route"]) == ((201, 3), "/late")


def test_written_parts_count_too(server: Server, receiver: SegmentReceiver) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", list(OK))
        write(b"one")
        return [b"four"]

    assert server.serve(application) == b"onefour"
    assert _response(receiver.next()) == (200, 7)


def test_response_that_is_started_again_after_a_failure(server: Server, receiver: SegmentReceiver) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(OK))
        try:
            raise ValueError
        except ValueError:
            start_response("500 Internal Server Error", list(OK), sys.exc_info())
        return [b"failed"]

    assert server.serve(application) == b"failed"
    assert server.headers.count(("X-Amzn-Trace-Id", f"Root={ROOT};Sampled=1")) == 1
    segment = receiver.next()
    assert (segment["fault"], _response(segment)) == (True, (500, 6))


def test_start_that_the_server_refuses_is_not_told(server: Server, receiver: SegmentReceiver) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(OK))
        with pytest.raises(AssertionError, match="twice"):
            start_response("404 Not Found", list(OK))
        return []

    server.serve(application)
    assert _response(receiver.next()) == (200, 0)


def test_file_is_sent_block_by_block(server: Server, receiver: SegmentReceiver) -> None:
    file = io.BytesIO(b"x" * 20_000)
    assert len(server.serve(_answers(FileWrapper(file)))) == 20_000
    assert (_response(receiver.next()), file.closed) == ((200, 20_000), True)


@pytest.mark.parametrize("sampled", [True, False])
def test_wrapper_keeps_to_the_contract_on_both_sides(
    settings: TracingSettings, receiver: SegmentReceiver, sampled: bool
) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return iter([b"one", b"two"])

    tracing = Tracing(settings)
    wrapped = validator(TracedApplication(validator(application), tracing))
    environ: dict[str, Any] = {"HTTP_X_AMZN_TRACE_ID": f"Root={ROOT};Sampled={sampled:d}", "QUERY_STRING": ""}
    setup_testing_defaults(environ)
    body: Any = wrapped(environ, lambda status, headers, exc_info=None: lambda content: None)
    assert list(body) == [b"one", b"two"]
    body.close()
    assert len(receiver.pending()) == sampled
    tracing.stop()


def test_wrapper_that_is_switched_off_is_transparent(tracing: Tracing, receiver: SegmentReceiver) -> None:
    wrapped = TracedApplication(_answers([b"one"]), tracing)
    wrapped.switch_off()
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    headers: list[Any] = []
    assert wrapped(environ, lambda status, given: headers.extend(given)) == [b"one"]
    assert (headers, receiver.pending()) == (OK, [])


def test_odd_environ_does_not_disturb(settings: TracingSettings, receiver: SegmentReceiver) -> None:
    tracing = Tracing(replace(settings, service_name="a ? shop"))
    environ = {"HTTP_X_AMZN_TRACE_ID": f"Root={ROOT};Sampled=1"}
    wrapped = TracedApplication(_answers([b"one"]), tracing)
    assert wrapped(environ, lambda status, given: None) == [b"one"]
    segment = receiver.next()
    assert (segment["name"], segment["http"]["request"]["url"]) == ("a _ shop", "http://")
    tracing.stop()
