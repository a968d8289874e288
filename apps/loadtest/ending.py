"""How a load test ended, and what it left behind."""

from __future__ import annotations

from dataclasses import dataclass, field

from loadtest.record import GeneratorLoad
from loadtest.recorder import Recorder


class GeneratorError(Exception):
    """The generator itself could not start; nothing was asked of the shop."""


@dataclass
class Ending:
    """Why a test ended before its stages did, if it did."""

    interrupted: bool = False
    requests_used_up: bool = False
    faults: list[str] = field(default_factory=list)
    """What went wrong in the generator itself, one line each."""

    @property
    def is_early(self) -> bool:
        return self.interrupted or self.requests_used_up or bool(self.faults)


@dataclass(frozen=True)
class Result:
    """What a test left behind."""

    recorder: Recorder
    ending: Ending
    generator: GeneratorLoad
