"""What an own service is: a table of operations, the request each one gets, and the error each one raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localaws.access.callers import Caller


@dataclass(frozen=True, slots=True)
class Request:
    """One call of an operation, after parsing and validation by botocore's model of the service.

    `parameters` bears the model's names and Python types (timestamps are aware datetimes, blobs are bytes);
    `caller` is who signed the request, None for an unsigned one.
    """

    operation: str
    parameters: dict[str, Any]
    region: str
    account: str
    caller: Caller | None = None


class ServiceError(Exception):
    """An answer that AWS gives as an error: its code, its message, its HTTP status and the shape's other members."""

    def __init__(self, code: str, message: str, status: int = 400, **extra: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.extra = extra


Operation = Callable[[Request], dict[str, Any]]

# (method, path) -> what answers there: it takes the body's JSON document, None without a body, gives the reply's,
# and raises InputError.
AdminTable = Mapping[tuple[str, str], Callable[[Any], dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Service:
    """An own service: its name as botocore's clients know it, and its operations by their botocore names.

    An operation returns the members of its output shape; members the shape does not have are a programming error.
    Operations are called from several threads at once. `dump` gives what the account holds, sorted and free of
    times, for `GET /_localaws/state`. `admin` is what the service answers on the admin side. `save` gives all that the
    service holds as JSON, and `load` takes such a document in; it raises DocumentError for one of another version.
    """

    name: str
    operations: Mapping[str, Operation]
    dump: Callable[[], dict[str, Any]] = field(default=dict)
    admin: AdminTable = field(default_factory=dict)
    save: Callable[[], Any] = field(default=dict)
    load: Callable[[Any], None] = field(default=lambda _unused: None)
