"""The TCP side: SDKs' unsigned sampling calls, forwarded with the daemon's credentials; and GET /stats."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from botocore.exceptions import ClientError, ParamValidationError

from xraydaemon.settings import Address
from xraydaemon.xray_api import AWS_ERRORS, XRayApi, explain

BODY_LIMIT_BYTES: Final = 1024**2
_METHODS: Final = {"/GetSamplingRules": "get_sampling_rules", "/SamplingTargets": "get_sampling_targets"}


class Refusal(Exception):
    """An answer that is an error, as AWS's REST-JSON protocol writes it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Forwarder:
    """The HTTP server and its thread."""

    def __init__(self, address: Address, api: XRayApi, stats: Callable[[], Mapping[str, int]]) -> None:
        """Binds the port. Raises OSError when it cannot be had."""
        self._server = _Server(address, api, stats)
        self.address: Address = (address[0], self._server.server_port)
        self._thread = threading.Thread(target=self._server.serve_forever, name="forwarder", daemon=True)

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answers no more and frees the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: Address, api: XRayApi, stats: Callable[[], Mapping[str, int]]) -> None:
        super().__init__(address, _Handler)
        self.api = api
        self.stats = stats


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "xraydaemon"
    sys_version = ""
    timeout = 60
    wbufsize = 65_536
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path == "/stats":
            self._answer(HTTPStatus.OK, dict(self.server.stats()))
        else:
            self._refuse(Refusal(HTTPStatus.NOT_FOUND, "UnknownOperationException", "there is only GET /stats"))

    def do_POST(self) -> None:
        try:
            parameters = self._body()
            method = _METHODS.get(self.path)
            if method is None:
                paths = " and ".join(_METHODS)
                raise Refusal(HTTPStatus.NOT_FOUND, "UnknownOperationException", f"only {paths} are forwarded")
            self._answer(HTTPStatus.OK, forward(self.server.api, method, parameters))
        except Refusal as refusal:
            self._refuse(refusal)

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the log for what an operator must know."""

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > BODY_LIMIT_BYTES:
            self.close_connection = True
            raise Refusal(HTTPStatus.BAD_REQUEST, "SerializationException", f"Content-Length {length!r} is not taken")
        try:
            body = json.loads(self.rfile.read(int(length)) or b"{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Refusal(HTTPStatus.BAD_REQUEST, "SerializationException", "the body is no JSON object")
        return body

    def _refuse(self, refusal: Refusal) -> None:
        self._answer(refusal.status, {"__type": refusal.code, "message": str(refusal)}, refusal.code)

    def _answer(self, status: int, body: dict[str, Any], error_code: str | None = None) -> None:
        content = json.dumps(body, default=_epoch_seconds).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if error_code is not None:
            self.send_header("x-amzn-ErrorType", error_code)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


def forward(api: XRayApi, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """X-Ray's answer to a sampling call. Raises Refusal with AWS's own status and code where it gave one."""
    try:
        return api.call(method, parameters)
    except ParamValidationError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, "ValidationException", str(error)) from error
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", HTTPStatus.BAD_GATEWAY)
        told = error.response["Error"]
        raise Refusal(status, told["Code"], told.get("Message", "")) from error
    except AWS_ERRORS as error:
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailableException", explain(error)) from error


def _epoch_seconds(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} does not stand in an answer of X-Ray")
