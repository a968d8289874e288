"""How the next changes of add-ons end, as the admin side says: failed, degraded, healing by themselves."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from localaws.json_input import InputError, items, known, number, text, truth, whole
from localaws.models import service_model
from localaws.service import AdminTable

PATH = "/_localaws/eks/outcomes"

# The statuses in which a change can leave an add-on.
_ENDS = {
    "create": ("ACTIVE", "CREATE_FAILED", "DEGRADED"),
    "update": ("ACTIVE", "UPDATE_FAILED", "DEGRADED"),
    "delete": ("DELETE_FAILED",),
}
_WELL = "Successful"
_UPDATE_ENDS = (_WELL, "Failed", "Cancelled")
_OF_UPDATES = {"update_status", "errors", "applies"}
_KEYS = _OF_UPDATES | {
    "cluster",
    "addon",
    "change",
    "times",
    "addon_status",
    "issues",
    "heals_after_seconds",
    "unless_resolve_conflicts",
}
# No cluster and no add-on is called so.
_ANY = "*"
_LONGEST_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one change ends; `issues` and `errors` are in the shapes of EKS' model.

    `update_status` and `errors` are what DescribeUpdate tells. A DEGRADED add-on is ACTIVE and without issues
    `heals_after_seconds` after the change has ended, or never by itself when that is None. `applies` is whether the
    add-on has afterwards what an update asked for, else what it had before.
    """

    addon_status: str
    issues: tuple[dict[str, Any], ...] = ()
    update_status: str = _WELL
    errors: tuple[dict[str, Any], ...] = ()
    heals_after_seconds: float | None = None
    applies: bool = True


SUCCESS = Outcome("ACTIVE")


@dataclass(slots=True)
class _Planned:
    """An outcome, the changes that it is for, and how many of them are left; `document` is as it was posted."""

    document: dict[str, Any]
    outcome: Outcome
    times_left: int
    cluster: str
    addon: str
    change: str
    resolved_by: frozenset[str]

    def fits(self, cluster: str, addon: str, change: str, resolve_conflicts: str) -> bool:
        return (
            self.times_left > 0
            and self.change == change
            and self.cluster in (_ANY, cluster)
            and self.addon in (_ANY, addon)
            and resolve_conflicts not in self.resolved_by
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
    entries = known(document, "body", {"outcomes"})
    return [
        _planned(item, f"outcomes[{index}]") for index, item in enumerate(items(entries.get("outcomes"), "outcomes"))
    ]


def _planned(item: Any, where: str) -> _Planned:
    entries = known(item, where, _KEYS)
    change, status = text(entries, "change"), text(entries, "addon_status")
    if status not in _ENDS.get(change, ()):
        ends = "; ".join(f"{name} in {', '.join(statuses)}" for name, statuses in _ENDS.items())
        raise InputError(f"{where}: a change ends like this: {ends}")
    if change != "update" and _OF_UPDATES & entries.keys():
        raise InputError(f"{where}: only an update has {', '.join(sorted(_OF_UPDATES))}")
    if status != "DEGRADED" and "heals_after_seconds" in entries:
        raise InputError(f"{where}.heals_after_seconds: only DEGRADED heals")
    return _Planned(
        entries,
        _outcome(entries, change, status),
        whole(entries, "times", 1, least=1),
        cluster=text(entries, "cluster", _ANY),
        addon=text(entries, "addon", _ANY),
        change=change,
        resolved_by=_choices(entries, "unless_resolve_conflicts", "ResolveConflicts"),
    )


def _outcome(entries: dict[str, Any], change: str, status: str) -> Outcome:
    update_status = text(entries, "update_status", "Failed" if change == "update" and status != "ACTIVE" else _WELL)
    if update_status not in _UPDATE_ENDS:
        raise InputError(f"update_status: one of {', '.join(_UPDATE_ENDS)} is wanted")
    heals = "heals_after_seconds" in entries
    return Outcome(
        addon_status=status,
        issues=_reports(entries, "issues", "code", "message", "AddonIssueCode"),
        update_status=update_status,
        errors=_reports(entries, "errors", "errorCode", "errorMessage", "ErrorCode"),
        heals_after_seconds=number(entries, "heals_after_seconds", 0, _LONGEST_SECONDS) if heals else None,
        applies=truth(entries, "applies", update_status == _WELL or status == "DEGRADED"),
    )


def _reports(entries: dict[str, Any], key: str, code: str, message: str, codes: str) -> tuple[dict[str, Any], ...]:
    """Health issues or an update's errors, in the shapes of EKS' model."""
    reports = [known(item, key, {code, message, "resourceIds"}) for item in items(entries.get(key, []), key)]
    for report in reports:
        text(report, message)
        if text(report, code) not in _enumeration(codes):
            raise InputError(f"{key}: {code} is one of {', '.join(_enumeration(codes))}")
        if not all(isinstance(name, str) for name in items(report.get("resourceIds", []), "resourceIds")):
            raise InputError("resourceIds: a list of texts is wanted")
    return tuple(reports)


def _choices(entries: dict[str, Any], key: str, shape: str) -> frozenset[str]:
    chosen = items(entries.get(key, []), key)
    if unknown := [choice for choice in chosen if choice not in _enumeration(shape)]:
        raise InputError(f"{key}: {unknown[0]!r} is none of {', '.join(_enumeration(shape))}")
    return frozenset(chosen)


def _enumeration(shape: str) -> list[str]:
    model = service_model("eks")
    return list(model.shape_for(shape).metadata["enum"]) if model else []
