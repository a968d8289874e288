"""Response headers that keep the pages to themselves; no page runs a script, so none is allowed to."""

from __future__ import annotations

from flask import Flask, Response

_CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = (
    ("Content-Security-Policy", _CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"),
)
_HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")


def install(app: Flask, https_only: bool) -> None:
    """Adds the headers to every response; pages, which show the visitor's cart and name, stay out of shared caches."""
    headers = (*_HEADERS, _HTTPS_ONLY) if https_only else _HEADERS

    def add_headers(response: Response) -> Response:
        response.headers.extend(headers)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    app.after_request(add_headers)
