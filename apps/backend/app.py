"""The factory of the backend."""

from __future__ import annotations

from flask import Flask
from serving.flusher import Flusher
from serving.measured import MeasuredApplication, note_routes
from serving.metrics import HttpMetrics
from serving.requests import GuardedRequest
from tracing import instrument
from tracing import redis as traced_redis
from tracing import sqlalchemy as traced_sqlalchemy

from backend import errors
from backend.answers import Answer
from backend.hotpath import HotPath
from backend.invalidation import Listener
from backend.services.shop import Shop, open_shop
from backend.settings import Settings
from backend.views import auth, catalog, documents, operations, orders
from backend.views.common import set_shop, shop_of


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
    for module in (auth, catalog, orders, operations, documents):
        app.register_blueprint(module.blueprint)
    errors.register(app)
    _observe(app, shop)
    return app


def start_background(app: Flask) -> None:
    """Starts what a serving process does beside serving: adding up its counters, and hearing which answers are old."""
    shop = shop_of(app)
    shop.prepare()
    Flusher(shop.counters.flush, shop.cache.settle, shop.events.flush, app.extensions["metrics"].flush).start()
    if shop.settings.hot_cache_bytes:
        Listener(shop.settings.redis_url, shop.hot).start()


def _observe(app: Flask, shop: Shop) -> None:
    """Around the app, from the inside to the outside: the hot path, the trace, the counters.

    So an answer of the hot path is traced and counted like any other. A bound method is called faster than an object.
    """
    note_routes(app)
    app.wsgi_app = HotPath(app.wsgi_app, shop.hot, shop.limits, shop.counters).__call__  # type: ignore[method-assign]
    tracing = instrument(app, shop.settings.tracing)
    if tracing.enabled:
        traced_redis.instrument(shop.gate.client)
        traced_sqlalchemy.instrument(shop.database.reader)
    metrics = HttpMetrics(lambda: tracing.counts)
    app.extensions["metrics"] = metrics
    app.wsgi_app = MeasuredApplication(app.wsgi_app, metrics).__call__  # type: ignore[method-assign]
