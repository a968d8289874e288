"""A Flask route that answers with ready bytes from Redis: untraced, traced by apps/tracing, by the SDK's middleware."""

from __future__ import annotations

from collections.abc import Mapping

from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.ext.flask.middleware import XRayMiddleware
from flask import Flask, Response
from redis import Redis
from tracing import TracingSettings, instrument
from tracing import redis as traced_redis

KEY = "products"
PATH = "/api/products"


def untraced(environ: Mapping[str, str]) -> Flask:
    """The route alone."""
    return _route(_client(environ))


def traced(environ: Mapping[str, str]) -> Flask:
    """The route with a segment for each request, and in it a subsegment for Redis."""
    client = _client(environ)
    app = _route(client)
    instrument(app, TracingSettings.from_environment(environ, environ["BENCHMARK_SERVICE"])).start()
    traced_redis.instrument(client)
    return app


def stock(environ: Mapping[str, str]) -> Flask:
    """The route with the SDK's own middleware and emitter; the SDK has nothing that traces Redis."""
    xray_recorder.configure(
        service=environ["BENCHMARK_SERVICE"], daemon_address=environ["AWS_XRAY_DAEMON_ADDRESS"], sampling=True
    )
    app = _route(_client(environ))
    XRayMiddleware(app, xray_recorder)
    return app


def _client(environ: Mapping[str, str]) -> Redis:
    return Redis.from_url(environ["REDIS_URL"])


def _route(client: Redis) -> Flask:
    app = Flask("products")

    @app.get(PATH)
    def products() -> Response:
        return Response(client.get(KEY), content_type="application/json")

    return app
