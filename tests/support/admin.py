"""The stand-in's admin side, for tests: faults, the calls it got, its state, a fresh account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from support.localaws_admin import admin


@dataclass(frozen=True)
class Admin:
    """The admin side of the stand-in at this URL."""

    url: str

    def reset(self) -> None:
        """The account as the seed has it."""
        self._ask("POST", "reset", {})

    def state(self) -> dict[str, Any]:
        """What the account holds, without times and random ids: equal states are equal documents."""
        state: dict[str, Any] = self._ask("GET", "state")
        return state

    def calls(self) -> list[dict[str, Any]]:
        """What was called since the last reset, in order."""
        calls: list[dict[str, Any]] = self._ask("GET", "calls")["calls"]
        return calls

    def forget_calls(self) -> None:
        """Begins the list of calls anew."""
        self._ask("DELETE", "calls")

    @contextmanager
    def faults(self, *faults: Mapping[str, Any], random_seed: int = 1) -> Iterator[None]:
        """These faults, while the block runs."""
        self._ask("POST", "faults", {"faults": faults, "random_seed": random_seed})
        try:
            yield
        finally:
            self._ask("DELETE", "faults")

    @contextmanager
    def outcomes(self, *outcomes: Mapping[str, Any]) -> Iterator[None]:
        """The next changes of add-ons end like this."""
        self._ask("POST", "eks/outcomes", {"outcomes": outcomes})
        try:
            yield
        finally:
            self._ask("DELETE", "eks/outcomes")

    def _ask(self, method: str, page: str, body: Mapping[str, Any] | None = None) -> Any:
        return admin(self.url, method, page, body)
