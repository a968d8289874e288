"""Faults on request: calls that fail, take long or are never answered, as those of a bad day at AWS."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import Any

from localaws.json_input import InputError, items, known, number, text, whole
from localaws.service import ServiceError

# How long a reply is withheld at most.
WITHHELD_SECONDS = 60.0
_EFFECTS = {"error", "latency_seconds", "withhold_reply"}
_KEYS = _EFFECTS | {"service", "operation", "probability", "skip", "times"}
_MESSAGES = {
    "ThrottlingException": "Rate exceeded",
    "Throttling": "Rate exceeded",
    "TooManyRequestsException": "Too Many Requests",
}


@dataclass(slots=True)
class Fault:
    """What is to go wrong with which calls, and how often it did; `document` is the fault as it was given."""

    document: dict[str, Any]
    service: str | None
    operation: str | None
    probability: float
    skip: int
    times: int | None
    passed: int = 0
    hits: int = 0

    def strikes(self, service: str, operation: str, chance: random.Random) -> bool:
        """Whether the fault hits this call; counts it."""
        if self.service not in (None, service) or self.operation not in (None, operation):
            return False
        if self.passed < self.skip:
            self.passed += 1
            return False
        if self.hits == self.times or chance.random() >= self.probability:
            return False
        self.hits += 1
        return True


@dataclass(frozen=True, slots=True)
class Effect:
    """What the faults that hit a call do to it together; `status` is None where the error's own holds."""

    latency_seconds: float = 0.0
    error: ServiceError | None = None
    status: int | None = None
    withheld: threading.Event | None = None


@dataclass(slots=True)
class Faults:
    """The faults that are set; each call is held against all of them."""

    _faults: list[Fault] = field(default_factory=list)
    _chance: random.Random = field(default_factory=random.Random)
    _released: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def replace(self, document: Any) -> None:
        """Sets the faults of `{"faults": [...], "random_seed"?: int}`. Raises InputError."""
        entries = known(document, "body", {"faults", "random_seed"})
        faults = [_fault(item, f"faults[{index}]") for index, item in enumerate(items(entries.get("faults"), "faults"))]
        self._set(faults, whole(entries, "random_seed", 0) if "random_seed" in entries else None)

    def clear(self) -> None:
        """Takes all faults away and ends the wait of those whose reply is withheld."""
        self._set([])

    def listed(self) -> list[dict[str, Any]]:
        """The faults as they were given, each with its `hits`."""
        with self._lock:
            return [{**fault.document, "hits": fault.hits} for fault in self._faults]

    def meet(self, service: str, operation: str) -> Effect:
        """What happens to a call: latencies add up, the first error answers."""
        with self._lock:
            struck = [fault.document for fault in self._faults if fault.strikes(service, operation, self._chance)]
            withheld = self._released if any("withhold_reply" in fault for fault in struck) else None
        errors = [fault["error"] for fault in struck if "error" in fault]
        error = _service_error(errors[0]) if errors else None
        latency_seconds = sum(fault.get("latency_seconds", 0.0) for fault in struck)
        return Effect(latency_seconds, error, errors[0].get("status") if errors else None, withheld)

    def _set(self, faults: list[Fault], random_seed: int | None = None) -> None:
        with self._lock:
            self._faults = faults
            self._chance.seed(random_seed)
            self._released.set()
            self._released = threading.Event()


def _fault(item: Any, where: str) -> Fault:
    entries = known(item, where, _KEYS)
    effects = sorted(_EFFECTS & entries.keys())
    if len(effects) != 1:
        raise InputError(f"{where}: exactly one of {', '.join(sorted(_EFFECTS))} is wanted")
    _check_effect(entries, where)
    return Fault(
        entries,
        text(entries, "service") if "service" in entries else None,
        text(entries, "operation") if "operation" in entries else None,
        number(entries, "probability", 1.0, most=1),
        whole(entries, "skip", 0),
        whole(entries, "times", 1, least=1) if "times" in entries else None,
    )


def _check_effect(entries: dict[str, Any], where: str) -> None:
    number(entries, "latency_seconds", 0.0, most=600)
    if entries.get("withhold_reply", True) is not True:
        raise InputError(f"{where}.withhold_reply: only true is known")
    if "error" in entries:
        error = known(entries["error"], f"{where}.error", {"code", "message", "status"})
        text(error, "code")
        text(error, "message", "given by the code")
        if not 400 <= whole(error, "status", 400) <= 599:
            raise InputError(f"{where}.error.status: 400 to 599 is wanted")


def _service_error(error: dict[str, Any]) -> ServiceError:
    code = error["code"]
    message = error.get("message") or _MESSAGES.get(code, f"{code} as a fault of localaws asks for")
    return ServiceError(code, message, error.get("status", 400))
