"""One HTTP exchange, free of the server that carries it: what came in, what goes out."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAXIMUM_BODY_BYTES = 16 * 1024 * 1024
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")
_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}


@dataclass(frozen=True, slots=True)
class Credential:
    """The scope of a Signature Version 4: who signed, for which region and which service."""

    access_key_id: str
    region: str
    signing_name: str


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came: `path` is still percent-encoded, header names are lower case.

    `body` is without its content encoding, `sent_body` as it was signed.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    environ: Mapping[str, Any] = field(default_factory=dict)
    sent_body: bytes = b""

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def query_items(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def credential(self) -> Credential | None:
        """Who signed the request; None for an unsigned one."""
        found = _CREDENTIAL.search(self.headers.get("authorization", ""))
        return Credential(*found.groups()) if found else None


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A reply, complete: there is no streaming."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class BodyError(Exception):
    """The body cannot be taken; `status` is the HTTP status that says so."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def read_request(environ: WSGIEnvironment) -> HttpRequest:
    """The request of a WSGI call, its body read to the end and without its content encoding.

    Raises BodyError for a body that is over MAXIMUM_BODY_BYTES, without a length or not what its encoding says.
    """
    path, _unused, query = str(environ.get("REQUEST_URI") or environ["PATH_INFO"]).partition("?")
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    headers["content-length"] = environ.get("CONTENT_LENGTH", "")
    body = sent_body = _read_body(environ)
    if headers.get("content-encoding") == "gzip":
        body = _unzipped(body)
        environ = {name: value for name, value in environ.items() if name != "HTTP_CONTENT_ENCODING"}
    return HttpRequest(environ["REQUEST_METHOD"], path, query, headers, body, environ, sent_body)


def _read_body(environ: WSGIEnvironment) -> bytes:
    stated = str(environ.get("CONTENT_LENGTH") or 0)
    if not stated.isdecimal() or environ.get("HTTP_TRANSFER_ENCODING"):
        raise BodyError(411)
    length = int(stated)
    if length > MAXIMUM_BODY_BYTES:
        raise BodyError(413)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    return body


def _unzipped(body: bytes) -> bytes:
    """What clients compress when it is large, such as metric data."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unzipped = unpacker.decompress(body, MAXIMUM_BODY_BYTES)
    except zlib.error as error:
        raise BodyError(400) from error
    if not unpacker.eof:
        raise BodyError(413 if unpacker.unconsumed_tail else 400)
    return unzipped


def send(reply: HttpReply, start_response: StartResponse) -> Iterable[bytes]:
    """Hands a reply to the WSGI server."""
    headers = [*reply.headers.items(), ("Content-Length", str(len(reply.body)))]
    start_response(f"{reply.status} {_REASONS.get(reply.status, 'Reply')}", headers)
    return [reply.body]
