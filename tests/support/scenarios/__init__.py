"""What each module can do in an account, as data: the tests of faults, kills and permissions run over all of it.

A module's scenarios stand in the file of its name, as SCENARIOS. Together they make every call that the module can
make, so that each permission it needs is needed by one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from support.clients import Clients

CLUSTER = "deepobs-local"
ACCOUNT = "123456789012"


def nothing(_clients: Clients) -> None:
    """Prepares nothing."""


@dataclass(frozen=True)
class Scenario:
    """One thing a module does: in an account prepared like this, with these arguments.

    `changes` tells whether it changes something; the second run never does. `volatile` names keys of the result whose
    contents only AWS can know.
    """

    module: str
    name: str
    arguments: Mapping[str, Any]
    prepare: Callable[[Clients], None] = nothing
    changes: bool = True
    volatile: frozenset[str] = field(default=frozenset())

    def __str__(self) -> str:
        return f"{self.module}: {self.name}"


def every_scenario() -> list[Scenario]:
    """The scenarios of all modules, by module."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    return [scenario for name in names for scenario in import_module(f"support.scenarios.{name}").SCENARIOS]
