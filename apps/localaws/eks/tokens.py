"""clientRequestToken: a request that comes again is answered as it was, and not carried out twice."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from localaws.eks.state import State
from localaws.service import Operation, Request, ServiceError

# Clients make a token for each request, so that there are as many as there were requests.
_REMEMBERED = 10_000


class Tokens:
    """The requests that were carried out, by their tokens; the oldest are forgotten."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._answered: OrderedDict[tuple[str, str, str], tuple[dict[str, Any], dict[str, Any]]] = OrderedDict()

    def once(self, operation: Operation) -> Operation:
        """The operation, which does nothing anew for a request that it was given before.

        It raises ServiceError InvalidParameterException when the token comes with other parameters.
        """

        def answer(request: Request) -> dict[str, Any]:
            token = request.parameters.get("clientRequestToken")
            if not token:
                return operation(request)
            with self._state.now():
                return self._answer(operation, request, (request.operation, request.region, token))

        return answer

    def _answer(self, operation: Operation, request: Request, key: tuple[str, str, str]) -> dict[str, Any]:
        if key not in self._answered:
            self._answered[key] = request.parameters, operation(request)
            if len(self._answered) > _REMEMBERED:
                self._answered.popitem(last=False)
        parameters, answer = self._answered[key]
        if parameters != request.parameters:
            message = "The clientRequestToken was used before with other parameters"
            raise ServiceError("InvalidParameterException", message)
        return answer
