"""The factory of the backend."""

from __future__ import annotations

import threading

from flask import Flask
from tracing import Tracing, instrument
from tracing import redis as traced_redis
from tracing import sqlalchemy as traced_sqlalchemy

from backend import errors
from backend.answers import Answer
from backend.counters import FLUSH_SECONDS, at_exit
from backend.metrics import HttpMetrics, MeasuredApplication
from backend.requests import ShopRequest
from backend.services.shop import Shop, open_shop
from backend.settings import Settings
from backend.views import auth, catalog, operations, orders
from backend.views.common import set_shop


def create_app(settings: Settings) -> Flask:
    """The shop's API as a WSGI application; connects to nothing until it is asked or started."""
    app = Flask("backend", static_folder=None)
    app.request_class = ShopRequest
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


def start_background(app: Flask, shop: Shop) -> Flusher:
    """Starts what a serving process does beside serving: adding up its counters, and again at its end."""
    flusher = Flusher(app, shop)
    threading.Thread(target=flusher.run, name="counters", daemon=True).start()
    at_exit(flusher.flush)
    return flusher


class Flusher:
    """Adds the process' counters to those of all processes every tenth of a second."""

    def __init__(self, app: Flask, shop: Shop) -> None:
        self._shop = shop
        self._metrics: HttpMetrics = app.extensions["metrics"]
        self._tracing: Tracing = app.extensions["tracing"]
        self.stopped = threading.Event()

    def run(self) -> None:
        """The thread's work."""
        while not self.stopped.wait(FLUSH_SECONDS):
            self.flush()

    def flush(self) -> None:
        """Adds what was counted since the last time."""
        self._shop.counters.flush()
        self._metrics.take_tracing(self._tracing)


def _observe(app: Flask, shop: Shop) -> None:
    """Tracing inside, counting outside: every request is counted, also one that is not traced."""
    tracing = instrument(app, shop.settings.tracing)
    if tracing.enabled:
        traced_redis.instrument(shop.gate.client)
        traced_sqlalchemy.instrument(shop.database.reader)
    metrics = HttpMetrics()
    app.extensions["metrics"] = metrics
    app.wsgi_app = MeasuredApplication(app.wsgi_app, metrics)  # type: ignore[method-assign]
