"""The WSGI application: from a request to the service that answers it, and back."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.model import OperationModel

from localaws.access.callers import Caller
from localaws.account import Account
from localaws.admin import PREFIX, Admin
from localaws.faults import WITHHELD_SECONDS, Effect
from localaws.http import BodyError, HttpReply, HttpRequest, read_request, send
from localaws.models import operation_model, service_model, service_name
from localaws.moto_gateway import error_code, not_implemented
from localaws.protocols import protocol_of
from localaws.reply_check import check_reply, check_result
from localaws.seed import ACCOUNT
from localaws.service import Request, ServiceError
from localaws.validation import check

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# What STS answers to callers who have no credentials yet, and cannot sign.
_UNSIGNED_OPERATIONS = {"AssumeRoleWithWebIdentity": "sts"}
# How the names of operations begin that change nothing.
_READING = ("Get", "List", "Describe", "BatchGet")
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
    """Answers for one account in all its regions.

    With `strict_replies` each answer is held against the model first, and one that breaks it is an InternalFailure.
    """

    def __init__(self, account: Account, strict_replies: bool = False) -> None:
        self._account = account
        self._strict_replies = strict_replies
        self._admin = Admin(account)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            http = read_request(environ)
        except BodyError as error:
            return send(HttpReply(error.status, b"", {"Connection": "close"}), start_response)
        answer = self._admin.answer if http.path.startswith(PREFIX) else self._answer
        return send(answer(http), start_response)

    def _answer(self, http: HttpRequest) -> HttpReply:
        """Carries a call out, as far as the faults let it, and writes it down."""
        account, call, effect = self._account, _Call(http), Effect()
        try:
            operation = call.recognise()
            effect = account.faults.meet(operation.service_model.service_name, operation.name)
            time.sleep(effect.latency_seconds)
            if effect.error:
                raise effect.error
            reply = self._run(call, operation)
            code = error_code(reply)
        except ServiceError as error:
            reply, code = call.refuse(error, effect.status), error.code
        except _PROGRAMMING_ERRORS:
            _LOG.exception("%s %s for %s failed, request id %s", http.method, http.path, call.service, call.request_id)
            reply, code = call.refuse(_internal_failure()), "InternalFailure"
        if not call.operation.startswith(_READING):
            account.changes += 1
        account.journal.note(call.service or "", call.operation, reply.status, code, call.access_key_id)
        if effect.withheld:
            effect.withheld.wait(WITHHELD_SECONDS)
            raise ConnectionAbortedError("a fault withholds the reply")
        return reply

    def _run(self, call: _Call, operation: OperationModel) -> HttpReply:
        account, service = self._account, operation.service_model.service_name
        caller = account.gate.identify(call.http, operation.service_model) if call.is_signed else None
        request = self._request(call, call.protocol.parse(call.http, operation), caller)
        own = account.services.get(service)
        answer = own.operations.get(operation.name) if own else None
        if not answer and not account.moto.allows(service, operation.name):
            raise not_implemented(service, operation.name)
        check(service, request.parameters, operation.input_shape)
        account.gate.admit(caller, call.http, request, operation.service_model)
        if answer:
            result = answer(request)
            if self._strict_replies:
                check_result(result, operation)
            return call.protocol.reply(result, operation, call.request_id)
        account.moto.check(service, operation.name, request.parameters)
        reply = account.moto.call(call.http)
        if self._strict_replies:
            check_reply(reply, operation)
        return reply

    def _request(self, call: _Call, parameters: dict[str, Any], caller: Caller | None) -> Request:
        credential = call.http.credential
        region = credential.region if credential else self._account.region
        return Request(call.operation, parameters, region, ACCOUNT, caller)


class _Call:
    """A request on its way: which service and operation it is for, as far as it is known by now."""

    def __init__(self, http: HttpRequest) -> None:
        self.http = http
        self.request_id = str(uuid.uuid4())
        self.service = _service_of(http)
        self.operation = ""
        self.protocol = protocol_of(http, self.service)
        self._model = service_model(self.service) if self.service else None

    @property
    def access_key_id(self) -> str | None:
        """The key that signed the request, None for an unsigned one."""
        return self.http.credential.access_key_id if self.http.credential else None

    @property
    def is_signed(self) -> bool:
        """Whether it matters who signed: what STS answers to anyone may bear any signature."""
        return self.operation not in _UNSIGNED_OPERATIONS

    def recognise(self) -> OperationModel:
        """The operation that is asked for. Raises ServiceError when there is none."""
        if not self.service or not self._model:
            raise _unknown_caller(self.http, self.service)
        self.operation = self.protocol.operation(self.http, self.service) or ""
        operation = operation_model(self.service, self.operation) if self.operation else None
        if operation is None:
            raise self.protocol.unknown_operation(self.service, self.operation or self.http.path)
        return operation

    def refuse(self, error: ServiceError, status: int | None = None) -> HttpReply:
        """The reply for an error, with another HTTP status than its own where one is given."""
        reply = self.protocol.refuse(error, self._model, self.request_id)
        return replace(reply, status=status) if status else reply


def _service_of(http: HttpRequest) -> str | None:
    """The service a request is for: the one it was signed for."""
    if http.credential:
        return service_name(http.credential.signing_name)
    action = protocol_of(http, None).operation(http, "")
    return _UNSIGNED_OPERATIONS.get(action or "")


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
