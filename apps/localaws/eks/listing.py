"""Pages of EKS' lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from localaws.paging import InvalidTokenError, Pager
from localaws.service import Request, ServiceError

Item = TypeVar("Item")
_PAGE = 100


class Listing:
    """Cuts lists by maxResults and nextToken of the request."""

    def __init__(self) -> None:
        self._pager = Pager()

    def page(self, items: Sequence[Item], request: Request) -> tuple[Sequence[Item], str | None]:
        """The page that the request asks for. Raises ServiceError InvalidParameterException for a foreign token."""
        parameters = request.parameters
        filters = {name: value for name, value in parameters.items() if name not in ("maxResults", "nextToken")}
        scope = f"{request.operation}/{request.region}/{sorted(filters.items())}"
        try:
            return self._pager.page(items, parameters.get("maxResults", _PAGE), parameters.get("nextToken"), scope)
        except InvalidTokenError as error:
            raise ServiceError("InvalidParameterException", "The nextToken is not valid for this request") from error
