"""What is not for people: health, counters, and the pictures drawn for products."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify
from serving.metrics import CONTENT_TYPE, HttpMetrics

from frontend.pages.catalog import checked_slug
from frontend.pictures import draw

_PICTURE_SECONDS = 365 * 24 * 3600


def make_pages(metrics: HttpMetrics) -> Blueprint:
    """The pages that need the app's own counters."""
    pages = Blueprint("system", __name__)

    @pages.get("/api/health")
    def health() -> Response:
        return jsonify(status="ok")

    @pages.get("/metrics")
    def show_metrics() -> Response:
        return Response(metrics.exposition(), content_type=CONTENT_TYPE)

    @pages.get("/static/pictures/<category>/<name>")
    def picture(category: str, name: str) -> Response:
        slug, dot, kind = name.rpartition(".")
        if not dot or kind != "svg":
            abort(404)
        response = Response(draw(checked_slug(category), checked_slug(slug)), content_type="image/svg+xml")
        response.cache_control.public = True
        response.cache_control.max_age = _PICTURE_SECONDS
        response.cache_control.immutable = True
        return response

    return pages
