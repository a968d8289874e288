"""The WSGI application: from a request to the service that answers it, and back."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.model import OperationModel, ServiceModel

from localaws.admin import Admin
from localaws.http import BodyError, HttpReply, HttpRequest, read_request, send
from localaws.models import operation_model, service_model, service_name
from localaws.moto_gateway import MotoGateway, not_implemented
from localaws.protocols import Protocol, protocol_of
from localaws.seed import ACCOUNT
from localaws.service import Request, Service, ServiceError
from localaws.validation import check

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ADMIN_PREFIX = "/_localaws/"
# What STS answers to callers who have no credentials yet, and cannot sign.
_UNSIGNED_OPERATIONS = {"AssumeRoleWithWebIdentity": "sts"}
# What Python raises where the code of an operation is wrong.
_PROGRAMMING_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    RuntimeError,
    TypeError,
    ValueError,
)

_LOG = logging.getLogger(__name__)


class Application:
    """Answers for one account in all its regions."""

    def __init__(self, services: Mapping[str, Service], moto: MotoGateway, admin: Admin, region: str) -> None:
        self._services = services
        self._moto = moto
        self._admin = admin
        self._region = region

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            http = read_request(environ)
        except BodyError as error:
            return send(HttpReply(error.status, b""), start_response)
        answer = self._admin.answer if http.path.startswith(ADMIN_PREFIX) else self._answer
        return send(answer(http), start_response)

    def _answer(self, http: HttpRequest) -> HttpReply:
        request_id, service = str(uuid.uuid4()), _service_of(http)
        protocol = protocol_of(http, service)
        model = service_model(service) if service else None
        try:
            if not service or not model:
                raise _unknown_caller(http, service)
            return self._run(http, protocol, model, request_id)
        except ServiceError as error:
            return protocol.refuse(error, model, request_id)
        except _PROGRAMMING_ERRORS:
            _LOG.exception("%s %s for %s failed, request id %s", http.method, http.path, service, request_id)
            return protocol.refuse(_internal_failure(), model, request_id)

    def _run(self, http: HttpRequest, protocol: Protocol, model: ServiceModel, request_id: str) -> HttpReply:
        service = model.service_name
        operation = _operation(http, protocol, service)
        parameters = protocol.parse(http, operation)
        own = self._services.get(service)
        if own and operation.name in own.operations:
            check(service, parameters, operation.input_shape)
            result = own.operations[operation.name](self._request(http, operation.name, parameters))
            return protocol.reply(result, operation, request_id)
        if not self._moto.allows(service, operation.name):
            raise not_implemented(service, operation.name)
        check(service, parameters, operation.input_shape)
        self._moto.check(service, operation.name, parameters)
        return self._moto.call(http)

    def _request(self, http: HttpRequest, operation: str, parameters: dict[str, Any]) -> Request:
        credential = http.credential
        region = credential.region if credential else self._region
        return Request(operation, parameters, region, ACCOUNT, credential.access_key_id if credential else None)


def _service_of(http: HttpRequest) -> str | None:
    """The service a request is for: the one it was signed for."""
    if http.credential:
        return service_name(http.credential.signing_name)
    action = protocol_of(http, None).operation(http, "")
    return _UNSIGNED_OPERATIONS.get(action or "")


def _operation(http: HttpRequest, protocol: Protocol, service: str) -> OperationModel:
    name = protocol.operation(http, service)
    model = operation_model(service, name) if name else None
    if model is None:
        raise protocol.unknown_operation(service, name or http.path)
    return model


def _unknown_caller(http: HttpRequest, service: str | None) -> ServiceError:
    if service:
        return ServiceError("NotImplemented", f"localaws does not implement {service}", 501)
    if http.headers.get("authorization"):
        return ServiceError("IncompleteSignature", "Authorization header requires 'Credential' parameter.", 400)
    return ServiceError("MissingAuthenticationToken", "Missing Authentication Token", 403)


def _internal_failure() -> ServiceError:
    """Common Errors of the AWS API references: InternalFailure."""
    text = "The request processing has failed because of an unknown error, exception or failure."
    return ServiceError("InternalFailure", text, 500)
