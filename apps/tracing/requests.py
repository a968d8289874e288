"""What a segment tells of the request it served and of the response it gave."""

from __future__ import annotations

from typing import Any

from tracing.entities import Document

_URL_CHARACTERS = 2000
_AGENT_CHARACTERS = 500
_ADDRESS_CHARACTERS = 100
_METHOD_CHARACTERS = 20
_ANNOTATION_CHARACTERS = 500


def tell_exchange(
    document: Document, environ: dict[str, Any], route: str | None, status: int, content_length: int
) -> None:
    """Writes a request (its WSGI environ) and the response to it into a segment's document."""
    method = environ.get("REQUEST_METHOD", "")[:_METHOD_CHARACTERS]
    path = _path(environ)
    response = {"status": status, "content_length": content_length}
    document["http"] = {"request": _request(environ, method, path), "response": response}
    if status >= 400:
        _flag(document, status)
    annotations = {"http_method": method, "http_url": path[:_ANNOTATION_CHARACTERS], "http_status": status}
    if "annotations" in document:
        document["annotations"].update(annotations)
    else:
        document["annotations"] = annotations
    if isinstance(route, str):
        document["annotations"]["http_route"] = route[:_ANNOTATION_CHARACTERS]


def tell_response(document: Document, status: int, content_length: int | None) -> None:
    """Writes a response to a call into a subsegment's document."""
    response = {"status": status}
    if content_length is not None:
        response["content_length"] = content_length
    document.setdefault("http", {})["response"] = response
    if status >= 400:
        _flag(document, status)


def _flag(document: Document, status: int) -> None:
    """Error for 4xx, throttle for 429 as well, fault for 5xx. Source: X-Ray segment documents, "HTTP request data"."""
    if status >= 500:
        document["fault"] = True
        return
    document["error"] = True
    if status == 429:
        document["throttle"] = True


def _request(environ: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    host = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
    url = f"{environ.get('wsgi.url_scheme', 'http')}://{host}{path}"
    request: dict[str, Any] = {"method": method, "url": url[:_URL_CHARACTERS]}
    agent = environ.get("HTTP_USER_AGENT")
    if agent:
        request["user_agent"] = agent[:_AGENT_CHARACTERS]
    forwarded = environ.get("HTTP_X_FORWARDED_FOR")
    if forwarded:
        request["client_ip"] = forwarded.partition(",")[0].strip()[:_ADDRESS_CHARACTERS]
        request["x_forwarded_for"] = True
    elif address := environ.get("REMOTE_ADDR"):
        request["client_ip"] = _without_port(address)
    return request


def _path(environ: dict[str, Any]) -> str:
    """The path as text; WSGI (PEP 3333) hands its bytes over as Latin-1."""
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1", "replace").decode("utf-8", "replace")


def _without_port(address: str) -> str:
    """The address alone: some servers give REMOTE_ADDR with the port, as 10.0.0.1:5000 or [::1]:5000."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
