"""Friendly pages for what goes wrong, each with the trace id by which it can be found, none with a stack trace."""

from __future__ import annotations

from urllib.parse import quote

from flask import Flask, current_app, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from frontend.client import BackendError, BackendRefused
from frontend.edge import trace_id
from frontend.pages import visitor
from frontend.visitor import SignInNeeded

_RETRY_SECONDS = 5
_TEXTS = {
    400: ("We could not read that", "Something in this request does not fit. Go back and try it again."),
    403: ("Not yours to see", "This page belongs to somebody else."),
    404: ("Nothing here", "We looked on every shelf, but this page is not there. It may have moved or sold out."),
    405: ("Not this way", "This page cannot be used like that."),
    408: ("That took too long", "We did not get all of what was sent in time. Please try again."),
    413: ("That is too much", "What was sent is larger than this page takes."),
    429: ("One moment, please", "There were many requests from your side. Please wait a little and try again."),
    500: ("Something broke", "That is our fault, not yours. We have made a note of it."),
    502: ("Something broke behind the counter", "Our systems did not understand each other. Please try again."),
    503: ("We will be right back", "The shop cannot be reached at the moment. Please try again in a few seconds."),
    504: ("That took too long", "The shop is slow to answer at the moment. Please try again in a few seconds."),
}
_OTHER = ("That did not work", "This page cannot be shown. Go back and try it again.")
_Answer = tuple[str, int, dict[str, str]]


def install(app: Flask) -> None:
    """Answers every failure with a page."""
    app.register_error_handler(BackendError, _backend_failed)
    app.register_error_handler(BackendRefused, _backend_refused)
    app.register_error_handler(SignInNeeded, _sign_in_needed)
    app.register_error_handler(HTTPException, _http_error)


def _backend_failed(problem: BackendError) -> _Answer:
    _log(problem, problem.status)
    return _page(problem.status, {"Retry-After": str(_RETRY_SECONDS)} if problem.status == 503 else {})


def _backend_refused(refusal: BackendRefused) -> _Answer | Response:
    if refusal.status == 401:
        visitor.forget_sign_in()
        return _to_sign_in()
    return _page(refusal.status, {"Retry-After": refusal.retry_after} if refusal.retry_after else {})


def _sign_in_needed(_unused: SignInNeeded) -> Response:
    return _to_sign_in()


def _http_error(problem: HTTPException) -> _Answer | Response:
    if problem.response is not None or problem.code is None or problem.code < 400:
        return Response.force_type(problem.get_response(), request.environ)
    headers = {name: value for name, value in problem.get_headers() if name in ("Allow", "Retry-After")}
    return _page(problem.code, headers, _own_text(problem))


def _own_text(problem: HTTPException) -> str | None:
    """What the shop said itself, as against werkzeug's standard sentences."""
    return problem.description if problem.description != type(problem).description or problem.code == 400 else None


def _to_sign_in() -> Response:
    """To the sign-in page and back here afterwards, if here can be opened by a link."""
    rule = request.url_rule
    here = request.path if rule is not None and rule.methods and "GET" in rule.methods else "/account"
    return redirect(f"/auth/login?next={quote(here)}", 303)


def _page(status: int, headers: dict[str, str], text: str | None = None) -> _Answer:
    title, standard = _TEXTS.get(status, _OTHER)
    page = render_template("error.html", title=title, text=text or standard, status=status, trace_id=trace_id())
    return page, status, {"Cache-Control": "no-store", **headers}


def _log(problem: Exception, status: int) -> None:
    current_app.logger.warning("%s %s -> %s: %s (trace %s)", request.method, request.path, status, problem, trace_id())
