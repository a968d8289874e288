"""The factory of the backend."""

from __future__ import annotations

import threading

from flask import Flask
from serving.metrics import HttpMetrics, MeasuredApplication
from serving.requests import GuardedRequest
from tracing import instrument
from tracing import redis as traced_redis
from tracing import sqlalchemy as traced_sqlalchemy
from tracing.flask import flask_route

from backend import errors
from backend.answers import Answer
from backend.counters import FLUSH_SECONDS, at_exit
from backend.services.shop import Shop, open_shop
from backend.settings import Settings
from backend.views import auth, catalog, operations, orders
from backend.views.common import set_shop


def create_app(settings: Settings) -> Flask:
    """The shop's API as a WSGI application; connects to nothing until it is asked or started."""
    app = Flask("backend", static_folder=None)
    app.request_class = GuardedRequest
    app.response_class = Answer
    app.config["MAX_CONTENT_LENGTH"] = settings.body_limit_bytes
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    shop = open_shop(settings)
    set_shop(app, shop)
    for module in (auth, catalog, operations, orders):
        app.register_blueprint(module.blueprint)
    errors.register(app)
    _observe(app, shop)
    return app


def start_background(shop: Shop) -> Flusher:
    """Starts what a serving process does beside serving: adding up its counters, and again at its end."""
    shop.cache.prepare()
    flusher = Flusher(shop)
    threading.Thread(target=flusher.run, name="counters", daemon=True).start()
    at_exit(flusher.flush)
    return flusher


class Flusher:
    """Adds the process' counters to those of all processes every tenth of a second."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.stopped = threading.Event()

    def run(self) -> None:
        """The thread's work."""
        while not self.stopped.wait(FLUSH_SECONDS):
            self.flush()

    def flush(self) -> None:
        """Adds what was counted since the last time."""
        self._shop.counters.flush()


def _observe(app: Flask, shop: Shop) -> None:
    """Tracing inside, counting outside: every request is counted, also one that is not traced."""
    tracing = instrument(app, shop.settings.tracing)
    if tracing.enabled:
        traced_redis.instrument(shop.gate.client)
        traced_sqlalchemy.instrument(shop.database.reader)
    metrics = HttpMetrics(lambda: (tracing.sent, tracing.dropped))
    app.extensions["metrics"] = metrics
    app.wsgi_app = MeasuredApplication(app.wsgi_app, metrics, flask_route)  # type: ignore[method-assign]
