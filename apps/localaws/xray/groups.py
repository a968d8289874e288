"""Groups of one region: named filter expressions, with graphs and statistics of the traces that fit them."""

from __future__ import annotations

import secrets
import string
import threading
from typing import Any, Final

from localaws.service import ServiceError
from localaws.xray.filters import FilterError, Filters, Predicate, selector
from localaws.xray.timeseries import Selector

GROUP_LIMIT: Final = 25
"""AWS X-Ray quotas: groups per region."""
_DEFAULT: Final = "Default"
_ALPHABET: Final = string.ascii_uppercase + string.digits
_ID_CHARACTERS: Final = 52


class Groups:
    """Keeps the groups; the Default group, which has every trace, is always there."""

    def __init__(self, arn_prefix: str) -> None:
        self._arn_prefix = arn_prefix
        self._lock = threading.Lock()
        self._groups: dict[str, dict[str, Any]] = {}
        self._add(_DEFAULT, {})
        self._filters = Filters(self._expression)

    def filter(self, expression: str | None) -> Predicate:
        """The predicate of a request's filter expression. Raises ServiceError."""
        if expression is None:
            return lambda _unused: True
        try:
            return self._filters.compiled(expression)
        except FilterError as error:
            raise _refused(f"Invalid filter expression: {error}.") from error

    def selector(self, expression: str | None) -> Selector:
        """What an EntitySelectorExpression selects, every edge without one. Raises ServiceError."""
        if expression is None:
            return Selector(lambda _unused: True, lambda _unused: True)
        try:
            return selector(expression)
        except FilterError as error:
            raise _refused(f"Invalid entity selector expression: {error}.") from error

    def accepts(self, parameters: dict[str, Any]) -> Predicate:
        """The predicate of the group that a request names, Default where it names none. Raises ServiceError."""
        named = parameters.get("GroupName") or parameters.get("GroupARN")
        group = self._named(parameters) if named else self._groups[_DEFAULT]
        return self.filter(group.get("FilterExpression") or None)

    def all(self) -> list[dict[str, Any]]:
        """Every group, Default first, then by name."""
        with self._lock:
            groups = list(self._groups.values())
        return sorted(groups, key=lambda group: (group["GroupName"] != _DEFAULT, group["GroupName"]))

    def own(self) -> list[dict[str, Any]]:
        """The groups that were created, without what was made up for their ARNs."""
        return [
            {key: value for key, value in group.items() if key != "GroupARN"}
            for group in self.all()
            if group["GroupName"] != _DEFAULT
        ]

    def get(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The group of this name or ARN. Raises ServiceError."""
        return self._named(parameters)

    def create(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Adds a group. Raises ServiceError for a name that is taken, a wrong expression or one group too many."""
        name = parameters["GroupName"]
        self._check(parameters)
        with self._lock:
            if name in self._groups:
                raise _refused(f"A group with the name {name} already exists.")
            if len(self._groups) > GROUP_LIMIT:
                raise _refused(f"There are {GROUP_LIMIT} groups already.")
            return self._add(name, parameters)

    def update(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Changes the members that are given. Raises ServiceError; Default has no expression of its own."""
        group = self._named(parameters)
        self._check(parameters)
        if group["GroupName"] == _DEFAULT and "FilterExpression" in parameters:
            raise _refused("The filter expression of the Default group cannot be changed.")
        changes: dict[str, Any] = {
            key: parameters[key] for key in ("FilterExpression", "InsightsConfiguration") if key in parameters
        }
        with self._lock:
            self._groups[group["GroupName"]] = {**group, **changes}
            self._filters.forget()
            return self._groups[group["GroupName"]]

    def delete(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Takes a group away. Raises ServiceError; Default stays."""
        group = self._named(parameters)
        if group["GroupName"] == _DEFAULT:
            raise _refused("The Default group cannot be deleted.")
        with self._lock:
            del self._groups[group["GroupName"]]
            self._filters.forget()
        return {}

    def _add(self, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        made_up = "".join(secrets.choice(_ALPHABET) for _unused in range(_ID_CHARACTERS))
        no_insights = {"InsightsEnabled": False, "NotificationsEnabled": False}
        group: dict[str, Any] = {
            "GroupName": name,
            "GroupARN": f"{self._arn_prefix}:group/{name}/{made_up}",
            "FilterExpression": parameters.get("FilterExpression", ""),
            "InsightsConfiguration": {**no_insights, **parameters.get("InsightsConfiguration", {})},
        }
        self._groups[name] = group
        return group

    def _named(self, parameters: dict[str, Any]) -> dict[str, Any]:
        name, arn = parameters.get("GroupName"), parameters.get("GroupARN")
        if (name is None) == (arn is None):
            raise _refused("Give either GroupName or GroupARN.")
        with self._lock:
            for group in self._groups.values():
                if name == group["GroupName"] or arn == group["GroupARN"]:
                    return group
        raise _refused(f"The group {name or arn} does not exist.")

    def _check(self, parameters: dict[str, Any]) -> None:
        expression = parameters.get("FilterExpression")
        try:
            if expression:
                self._filters.check(expression)
        except FilterError as error:
            raise _refused(f"Invalid filter expression: {error}.") from error

    def _expression(self, key: str, named: str) -> str | None:
        wanted = "GroupName" if key == "name" else "GroupARN"
        # Without the lock: whoever changes a group has it, and waits for the filters that ask here.
        for group in list(self._groups.values()):
            if group[wanted] == named:
                return str(group["FilterExpression"])
        return None


def _refused(message: str) -> ServiceError:
    return ServiceError("InvalidRequestException", message)
