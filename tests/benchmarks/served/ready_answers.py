"""Answers with bytes and headers given beforehand, and nothing else: the least that a WSGI application can cost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from tracing.core import Environ
from tracing.wsgi import Application, StartResponse


def make(environ: Mapping[str, str]) -> Application:
    """An application for the answers in BENCHMARK_ANSWERS, a JSON file of path -> [[[header, value], ...], body]."""
    read = json.loads(Path(environ["BENCHMARK_ANSWERS"]).read_text())
    answers = {
        path: ([(name, value) for name, value in headers], [body.encode()]) for path, (headers, body) in read.items()
    }

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        headers, body = answers[environ["PATH_INFO"]]
        start_response("200 OK", headers)
        return body

    return application
