"""How the next changes of add-ons end, as the admin side says: failed, degraded, healing by themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localaws.models import service_model
from localaws.service import AdminError, AdminTable

PATH = "/_localaws/eks/outcomes"

# The statuses in which a change can leave an add-on.
_ENDS = {
    "create": ("ACTIVE", "CREATE_FAILED", "DEGRADED"),
    "update": ("ACTIVE", "UPDATE_FAILED", "DEGRADED"),
    "delete": ("DELETE_FAILED",),
}
_UPDATE_ENDS = ("Successful", "Failed", "Cancelled")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one change ends; `issues` and `errors` are in the shapes of EKS' model.

    `update_status` and `errors` are what DescribeUpdate tells. A DEGRADED add-on is ACTIVE and without issues
    `heals_after_seconds` after the change has ended, or never by itself when that is None.
    """

    addon_status: str
    issues: tuple[dict[str, Any], ...] = ()
    update_status: str = "Successful"
    errors: tuple[dict[str, Any], ...] = ()
    heals_after_seconds: float | None = None

    @property
    def keeps_change(self) -> bool:
        """Whether the add-on has afterwards what the change asked for, else what it had before."""
        return self.update_status == "Successful" or self.addon_status == "DEGRADED"


SUCCESS = Outcome("ACTIVE")


@dataclass(slots=True)
class _Planned:
    """An outcome, the changes that it is for, and how many of them are left; `document` is as it was posted."""

    document: dict[str, Any]
    outcome: Outcome
    times_left: int

    def fits(self, cluster: str, addon: str, change: str, resolve_conflicts: str) -> bool:
        wanted = self.document
        return (
            self.times_left > 0
            and wanted["change"] == change
            and wanted.get("cluster", cluster) == cluster
            and wanted.get("addon", addon) == addon
            and resolve_conflicts not in wanted.get("unless_resolve_conflicts", ())
        )


class Outcomes:
    """The outcomes to come, in order; the first that fits a change is its end."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self._lock = threading.Lock()

    def take(self, cluster: str, addon: str, change: str, resolve_conflicts: str = "NONE") -> Outcome:
        """How this change ends; one use of the outcome is gone. SUCCESS where none fits."""
        with self._lock:
            for planned in self._planned:
                if planned.fits(cluster, addon, change, resolve_conflicts):
                    planned.times_left -= 1
                    return planned.outcome
        return SUCCESS

    def clear(self) -> None:
        """From now on every change ends well."""
        with self._lock:
            self._planned = []

    def admin_table(self) -> AdminTable:
        """GET lists what is left, POST replaces it, DELETE takes it away."""
        return {("GET", PATH): self._list, ("POST", PATH): self._replace, ("DELETE", PATH): self._delete}

    def _list(self, document: Any) -> dict[str, Any]:
        with self._lock:
            return {"outcomes": [{**planned.document, "times": planned.times_left} for planned in self._planned]}

    def _replace(self, document: Any) -> dict[str, Any]:
        planned = _parse(document)
        with self._lock:
            self._planned = planned
        return self._list(None)

    def _delete(self, document: Any) -> dict[str, Any]:
        self.clear()
        return self._list(None)


def _parse(document: Any) -> list[_Planned]:
    if not isinstance(document, dict) or document.keys() != {"outcomes"} or not isinstance(document["outcomes"], list):
        raise AdminError('an object with one key "outcomes", a list, is wanted')
    return [_planned(item, f"outcomes[{index}]") for index, item in enumerate(document["outcomes"])]


def _planned(item: Any, where: str) -> _Planned:
    if not isinstance(item, dict):
        raise AdminError(f"{where}: an object is wanted")
    for key in sorted(item.keys() | {"change", "addon_status"}):
        if key not in _CHECKS:
            raise AdminError(f"{where}: unknown key '{key}', known are {', '.join(sorted(_CHECKS))}")
        if not _CHECKS[key](item.get(key)):
            raise AdminError(f"{where}.{key}: {item.get(key)!r} cannot be used")
    _check_together(item, where)
    return _Planned(item, _outcome(item), item.get("times", 1))


def _check_together(item: Mapping[str, Any], where: str) -> None:
    change, status = item["change"], item["addon_status"]
    if status not in _ENDS[change]:
        raise AdminError(f"{where}.addon_status: {change} ends in one of {', '.join(_ENDS[change])}, not in {status}")
    if change != "update" and {"update_status", "errors"} & item.keys():
        raise AdminError(f"{where}: only an update has update_status and errors")
    if status != "DEGRADED" and "heals_after_seconds" in item:
        raise AdminError(f"{where}.heals_after_seconds: only DEGRADED heals")


def _outcome(item: Mapping[str, Any]) -> Outcome:
    status = item["addon_status"]
    fails = item["change"] == "update" and status != "ACTIVE"
    return Outcome(
        addon_status=status,
        issues=tuple(item.get("issues", ())),
        update_status=item.get("update_status", "Failed" if fails else "Successful"),
        errors=tuple(item.get("errors", ())),
        heals_after_seconds=item.get("heals_after_seconds"),
    )


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_times(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _are_issues(value: Any) -> bool:
    return _are_reports(value, "code", "message", "AddonIssueCode")


def _are_errors(value: Any) -> bool:
    return _are_reports(value, "errorCode", "errorMessage", "ErrorCode")


def _are_reports(value: Any, code: str, message: str, codes: str) -> bool:
    return isinstance(value, list) and all(
        isinstance(report, dict)
        and {code, message} <= report.keys() <= {code, message, "resourceIds"}
        and report[code] in _enumeration(codes)
        and isinstance(report[message], str)
        and _are_names(report.get("resourceIds", []))
        for report in value
    )


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _are_resolutions(value: Any) -> bool:
    return _are_names(value) and set(value) <= _enumeration("ResolveConflicts")


def _enumeration(shape: str) -> set[str]:
    model = service_model("eks")
    return set(model.shape_for(shape).metadata["enum"]) if model else set()


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "cluster": _is_name,
    "addon": _is_name,
    "change": _ENDS.__contains__,
    "times": _is_times,
    "addon_status": _is_name,
    "issues": _are_issues,
    "update_status": _UPDATE_ENDS.__contains__,
    "errors": _are_errors,
    "heals_after_seconds": _is_seconds,
    "unless_resolve_conflicts": _are_resolutions,
}
