"""Lets calls through: who calls is found out, and whether they may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import ServiceModel

from localaws.access.callers import Caller, Callers, moment_context
from localaws.access.conditions import Context
from localaws.access.evaluation import Need, Policies, Refusal, refusal_of
from localaws.access.needs import Needs
from localaws.http import HttpRequest
from localaws.iam import Iam
from localaws.service import Request, ServiceError

# What the services that speak the query protocol, and those that spoke it once, call these errors.
_QUERY_CODES = {
    "UnrecognizedClientException": "InvalidClientTokenId",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "ExpiredTokenException": "ExpiredToken",
    "AccessDeniedException": "AccessDenied",
}


class Gate:
    """Stands before every call that is signed."""

    def __init__(self, iam: Iam, callers: Callers, clock: Callable[[], float]) -> None:
        self._iam = iam
        self._callers = callers
        self._needs = Needs(iam)
        self._clock = clock

    def identify(self, http: HttpRequest, model: ServiceModel) -> Caller | None:
        """Who calls, None for an unsigned request. Raises ServiceError in the words of the service."""
        if http.credential is None:
            return None
        try:
            return self._callers.identify(http, http.credential)
        except ServiceError as error:
            raise _in_words_of(model, error) from error

    def admit(self, caller: Caller | None, http: HttpRequest, request: Request, model: ServiceModel) -> None:
        """Raises ServiceError AccessDeniedException, or what the service calls it, for what the caller may not do."""
        if caller is None or caller.kind == "root":
            return
        context = self._context(http, request)
        for need in self._needs.of(model.service_name, request):
            if refusal := self.refusal(caller, need, context):
                resource = "" if need.resource == "*" else f" on resource: {need.resource}"
                message = f"User: {caller.arn} is not authorized to perform: {need.action}{resource} {refusal.reason}"
                raise _in_words_of(model, ServiceError("AccessDeniedException", message, 403))

    def refusal(self, caller: Caller, need: Need, context: Context) -> Refusal | None:
        """Why the caller may not; None when it may. The account's root may do all."""
        if caller.kind == "root":
            return None
        known = {**context, **caller.context(), **moment_context(self._clock())}
        return refusal_of(self._policies(caller), need, known)

    def _policies(self, caller: Caller) -> Policies:
        found = self._iam.policies_of("user" if caller.kind == "user" else "role", caller.name) or Policies(())
        if caller.session is None or caller.session.policies is None:
            return found
        return Policies(found.identity, found.boundary, self._iam.documents(caller.session.policies))

    def _context(self, http: HttpRequest, request: Request) -> Context:
        tags = _tags(request.parameters)
        keys = {
            "aws:requestedregion": [request.region],
            "aws:sourceip": [str(http.environ.get("REMOTE_ADDR", ""))],
            "aws:useragent": [http.headers.get("user-agent", "")],
            # What is asked of AWS goes through TLS; that this machine's own network does without is no matter here.
            "aws:securetransport": ["true"],
            **{f"aws:requesttag/{key.lower()}": [value] for key, value in tags.items()},
        }
        return {**keys, "aws:tagkeys": list(tags)} if tags else keys


def _tags(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The tags in a request, which services spell in two ways."""
    given = parameters.get("tags") or parameters.get("Tags") or {}
    if isinstance(given, Mapping):
        return dict(given)
    return {tag["Key"]: tag.get("Value", "") for tag in given}


def _in_words_of(model: ServiceModel, error: ServiceError) -> ServiceError:
    """An error as the service has it: query services know other codes, and JSON services another status."""
    protocol = model.metadata.get("protocol")
    if protocol == "query" or "awsQueryCompatible" in model.metadata:
        return ServiceError(_QUERY_CODES.get(error.code, error.code), error.message, error.status)
    return ServiceError(error.code, error.message, 400 if protocol == "json" else error.status)
