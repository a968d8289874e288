"""What the WSGI server loads in its process."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from benchmarks.served import plain_page, ready_answers, redis_route
from serving.server import factory
from tracing.wsgi import Application

_MAKERS: Mapping[str, Callable[[Mapping[str, str]], Application]] = {
    "ready_answers": ready_answers.make,
    "plain_page": plain_page.make,
    "untraced": redis_route.untraced,
    "traced": redis_route.traced,
    "stock": redis_route.stock,
}


@factory
def app() -> Application:
    """The application that BENCHMARK_SERVES names."""
    return _MAKERS[os.environ["BENCHMARK_SERVES"]](os.environ)
