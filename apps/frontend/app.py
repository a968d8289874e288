"""The storefront as a Flask app."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from markupsafe import Markup
from serving.keys import KeyRing
from serving.measured import MeasuredApplication, note_routes
from serving.metrics import HttpMetrics
from serving.requests import GuardedRequest
from tracing import instrument, uninstrument

from frontend import edge, errors, fragments, pages, security, text
from frontend.client import BackendClient
from frontend.pages import account, admin, auth, cart, catalog, checkout, system
from frontend.services.accounts import Accounts
from frontend.services.administration import Administration
from frontend.services.catalog import Catalog
from frontend.services.orders import Orders
from frontend.sessions import RotatingSessions
from frontend.settings import SERVICE_NAME, Settings
from frontend.visitor import FORM_TOKEN_FIELD, check_form_token, form_token

_MAXIMUM_FORM_BYTES = 64 * 1024
_CART_LIFETIME = timedelta(days=14)


def create_app(settings: Settings) -> Flask:
    """The app with everything it needs; nothing is asked of the backend before the first request."""
    app = Flask("frontend", root_path=str(Path(__file__).parent))
    app.request_class = GuardedRequest
    _configure(app, settings)
    app.extensions[edge.SECURITY_EVENTS] = edge.security_events(SERVICE_NAME)
    pages.open_shop(app, _make_shop(settings))
    _install_templates(app)
    security.install(app, settings.secure_cookies)
    errors.install(app)
    app.before_request(check_form_token)
    _wrap(app, settings)
    return app


def close_app(app: Flask) -> None:
    """Gives back the connections and sockets of an app that serves no more."""
    app.extensions["frontend"].orders.client.close()
    uninstrument(app)


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SESSION_COOKIE_NAME="__Host-shop" if settings.secure_cookies else "shop",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=_CART_LIFETIME,
        MAX_CONTENT_LENGTH=_MAXIMUM_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=_MAXIMUM_FORM_BYTES,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),
        PROPAGATE_EXCEPTIONS=False,
    )
    app.session_interface = RotatingSessions(KeyRing(settings.session_key_file))
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}


def _make_shop(settings: Settings) -> pages.Shop:
    client = BackendClient(
        settings.internal_api_url,
        settings.connect_timeout_seconds,
        settings.read_timeout_seconds,
        edge.forwarded_headers(settings.loadtest_secret),
    )
    catalog = Catalog(client, settings.categories_ttl_seconds, settings.lists_memory_bytes)
    return pages.Shop(catalog, Accounts(client), Orders(client), Administration(client))


def _install_templates(app: Flask) -> None:
    stylesheet = f"/static/site.css?v={_fingerprint(app, 'site.css')}"
    text.install(app.jinja_env)
    fragments.install(app.jinja_env)

    def search_terms() -> Markup:
        return fragments.datalist(pages.shop().catalog.popular_terms)

    @app.context_processor
    def every_page() -> dict[str, Any]:
        return {
            "stylesheet": stylesheet,
            "visitor": pages.visitor,
            "search_terms": search_terms,
            "form_token": form_token,
            "form_token_field": FORM_TOKEN_FIELD,
        }


def _fingerprint(app: Flask, name: str) -> str:
    """The start of a static file's hash, which lets browsers keep the file for as long as it is the same."""
    return hashlib.sha256((Path(app.static_folder or "") / name).read_bytes()).hexdigest()[:12]


def _wrap(app: Flask, settings: Settings) -> None:
    """Around the app, from the inside to the outside: whole bodies, the trace, the counters, the edge."""
    edge.answer_at_once(app)
    note_routes(app)
    tracing = instrument(app, settings.tracing)
    metrics = HttpMetrics(lambda: tracing.counts)
    app.extensions["metrics"] = metrics
    app.wsgi_app = MeasuredApplication(app.wsgi_app, metrics)  # type: ignore[method-assign]
    edge.trust_proxies(app, settings.trusted_proxies)
    for blueprint in (catalog.pages, cart.pages, checkout.pages, account.pages, auth.pages, admin.pages):
        app.register_blueprint(blueprint)
    app.register_blueprint(system.make_pages(metrics))
