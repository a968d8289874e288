"""Routes for who runs the shop: is it alive, is it ready, what does it count."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, current_app
from serving.metrics import CONTENT_TYPE, HttpMetrics
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from backend.answers import Answer, answer, success
from backend.counters import snapshot
from backend.errors import ApiError
from backend.shapes import CacheFigures, Health, Readiness
from backend.views.common import shop
from backend.views.contract import contract

_RETRY = {"Retry-After": "2"}

blueprint = Blueprint("operations", __name__)


@blueprint.get("/health")
@contract("Whether the process answers", data=Health, limited=False, stored=False)
def health() -> Response:
    return success({"status": "ok"})


@blueprint.get("/ready")
@contract("Whether database and Redis answer", data=Readiness, limited=False, stored=False, errors=("not_ready",))
def ready() -> Response:
    """200 where both the database and Redis answer, else 503 with what does not."""
    checks = {"database": _database_answers(), "redis": bool(shop().gate.call(lambda redis: redis.ping()))}
    if not all(checks.values()):
        gone = {name: "does not answer" for name, answers in checks.items() if not answers}
        raise ApiError(503, "not_ready", "a service that the shop needs does not answer", fields=gone, headers=_RETRY)
    return success({"status": "ready", **dict.fromkeys(checks, "ok")})


@blueprint.get("/metrics/cache")
@contract(
    "Hits and misses of the cache over all processes",
    bare=CacheFigures,
    limited=False,
    stored=False,
    errors=("redis_unavailable",),
)
def cache_counters() -> Response:
    """Hits and misses of all processes. Not wrapped in {success, data}: who reads this wants the five figures."""
    totals = shop().counters.totals()
    if totals is None:
        raise ApiError(503, "redis_unavailable", "the counters are in Redis, which does not answer", headers=_RETRY)
    return answer(orjson.dumps(snapshot(*totals)))


@blueprint.get("/metrics")
@contract("All counters in Prometheus' text format", media=CONTENT_TYPE, limited=False, stored=False)
def metrics() -> Response:
    """All counters in Prometheus' text format."""
    measured: HttpMetrics = current_app.extensions["metrics"]
    return Answer(measured.exposition(), content_type=CONTENT_TYPE)


def _database_answers() -> bool:
    try:
        with shop().database.reader.connect() as connection:
            return bool(connection.execute(text("SELECT 1")).scalar())
    except SQLAlchemyError:
        return False
