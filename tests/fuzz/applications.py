"""Applications that end a request in every way PEP 3333 knows, and in some that it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

from flask import Flask, Response, abort, request
from fuzz.actions import act
from fuzz.environs import Environ
from fuzz.exchange import LOG, StartResponse
from fuzz.values import odd_error

SEED = "fuzz.seed"
_STATUSES = ("200 OK", "204 No Content", "302 Found", "404 Not Found", "429 Too Many Requests", "500 Oops", "503 Later")
_ODD_STATUSES: tuple[Any, ...] = ("200", "99 Low", "999 High", "2000 Long", "OK", "", "²00 OK", " 200 OK", None, 200)
_ODD_BODIES: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: [None],
    lambda: ["text"],
    lambda: [b"a", 5],
    lambda: b"bytes",
    lambda: (b"a", b"b"),
    lambda: iter([b"a", None, b"b"]),
    lambda: [bytearray(b"a"), memoryview(b"bc")],
    lambda: {b"a": 1},
    list,
    lambda: 7,
)


class Body:
    """A body that is read by `__iter__`, tells when it is closed, and may fail at either."""

    def __init__(self, environ: Environ, chunks: list[bytes], iter_error: Any = None, close_error: Any = None) -> None:
        self._log = environ[LOG]
        self._chunks, self._iter_error, self._close_error = chunks, iter_error, close_error

    def __iter__(self) -> Iterator[bytes]:
        if self._iter_error is not None:
            raise self._iter_error
        return iter(self._chunks)

    def close(self) -> None:
        """Counts, and fails where it is to."""
        self._log.append(("body closed",))
        if self._close_error is not None:
            raise self._close_error


def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answers by the seed in its environ: the same seed does the same, traced or not."""
    chance = Random(environ[SEED])
    act(chance, environ)
    if chance.random() < 0.2:
        environ["tracing.route"] = chance.choice(["/things/<name>", "/\ud800", "x" * 3000, "", None, 5])
    kind = chance.random()
    end = next(ending for bound, ending in _ENDINGS if kind < bound)
    return end(chance, environ, start_response)


def _start(chance: Random, start_response: StartResponse) -> Any:
    headers = [("Content-Type", "text/html")]
    if chance.random() < 0.5:
        headers.append(("content-length", chance.choice(["12", "0", "-1", "²", "٣", "many", "9" * 30, ""])))
    if chance.random() < 0.02:
        headers.append(("X-Amzn-Trace-Id", "Root=mine"))
    status = chance.choice(_ODD_STATUSES) if chance.random() < 0.01 else chance.choice(_STATUSES)
    return start_response(status, headers if chance.random() < 0.97 else tuple(headers))


def _chunks(chance: Random) -> list[bytes]:
    return [b"x" * chance.randrange(50) for _unused in range(chance.randrange(4))]


def _whole(chance: Random, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    _start(chance, start_response)
    return _chunks(chance)


def _written(chance: Random, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    write = _start(chance, start_response)
    write(b"written")
    return _chunks(chance)


def _generated(chance: Random, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """A generator, which may start its answer late, fail in the middle, and does things between its chunks."""
    starts_late = chance.random() < 0.3
    if not starts_late:
        _start(chance, start_response)
    return _generator(chance, environ, start_response if starts_late else None)


def _generator(chance: Random, environ: Environ, start_response: StartResponse | None) -> Iterator[bytes]:
    if start_response is not None:
        _start(chance, start_response)
    fails_at = chance.randrange(4) if chance.random() < 0.4 else None
    try:
        for position, chunk in enumerate(_chunks(chance)):
            act(chance, environ)
            if position == fails_at:
                raise odd_error(chance)
            yield chunk
    finally:
        environ[LOG].append(("generator ended",))


def _raised(chance: Random, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Fails before or after it has started its answer."""
    if chance.random() < 0.5:
        _start(chance, start_response)
    if chance.random() < 0.05:
        _recurse()
    raise odd_error(chance)


def _recurse() -> None:
    _recurse()


def _failing_body(chance: Random, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    _start(chance, start_response)
    iter_error = odd_error(chance) if chance.random() < 0.3 else None
    close_error = odd_error(chance) if chance.random() < 0.5 else None
    return Body(environ, _chunks(chance), iter_error, close_error)


def _started_again(chance: Random, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Replaces its answer by an error's, before or after the first bytes are out."""
    write = _start(chance, start_response)
    if chance.random() < 0.3:
        write(b"out")
    try:
        raise ValueError("instead")
    except ValueError as error:
        start_response("500 Instead", [("Content-Type", "text/plain")], (type(error), error, error.__traceback__))
    return _chunks(chance)


def _odd_body(chance: Random, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    if chance.random() < 0.9:
        _start(chance, start_response)
    body: Iterable[bytes] = chance.choice(_ODD_BODIES)()
    return body


_ENDINGS: tuple[tuple[float, Callable[[Random, Environ, StartResponse], Iterable[bytes]]], ...] = (
    (0.50, _whole),
    (0.55, _written),
    (0.75, _generated),
    (0.87, _raised),
    (0.94, _failing_body),
    (0.98, _started_again),
    (1.00, _odd_body),
)


def flask_application() -> Flask:
    """A Flask app that does the same things behind its routing, and ends in Flask's ways."""
    app = Flask("fuzzed")
    app.logger.disabled = True
    app.add_url_rule("/", view_func=_view, methods=["GET", "POST"], defaults={"path": ""})
    app.add_url_rule("/<path:path>", view_func=_view, methods=["GET", "POST", "PUT"], endpoint="anything")
    return app


def _view(path: str) -> Any:
    chance = Random(request.environ[SEED])
    act(chance, request.environ)
    kind = chance.randrange(6)
    if kind == 0:
        abort(chance.choice([400, 404, 429, 500, 503]))
    if kind == 1:
        raise odd_error(chance)
    if kind == 2:
        return Response(_generator(chance, request.environ, None))
    return f"at {path}", chance.choice([200, 201, 404, 503])
