"""What must hold of every request, whatever it was and however it ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fuzz.environs import Request
from fuzz.exchange import Event, without_answer_header
from fuzz.sites import Site

_ANSWERED = re.compile(r"Root=(1-[0-9a-f]{8}-[0-9a-f]{24});Sampled=([01])")


@dataclass(frozen=True)
class Served:
    """A request served bare and traced."""

    request: Request
    site: Site
    bare: list[Event]
    traced: list[Event]

    @property
    def is_traced(self) -> bool:
        """Whether its path is one that gets a segment."""
        return not self.site.tracing.is_untraced(self.request.environ.get("PATH_INFO", ""))

    @property
    def answers(self) -> list[str]:
        """The trace headers of its answers, mostly one."""
        return without_answer_header(self.traced)[1] if self.is_traced else []


def check(served: Served) -> Iterator[str]:
    """What does not hold of a request's outcome."""
    traced, answers = without_answer_header(served.traced) if served.is_traced else (served.traced, [])
    if traced != served.bare:
        yield f"the outcome differs: {_difference(served.bare, traced)}"
    if len(answers) != sum(event[0] == "started" for event in served.traced) and served.is_traced:
        yield f"number of answer headers: {len(answers)}"
    yield from _answers(served, answers)


def _difference(bare: list[Event], traced: list[Event]) -> str:
    pairs = [*zip(bare, traced, strict=False)]
    at = next((place for place, (one, other) in enumerate(pairs) if one != other), len(pairs))
    return f"bare {str(bare[at : at + 1])[:300]}, traced {str(traced[at : at + 1])[:300]}"


def _answers(served: Served, answers: list[str]) -> Iterator[str]:
    """The answer header tells the trace and the decision that came."""
    request = served.request
    for value in answers:
        match = _ANSWERED.fullmatch(value)
        if match is None:
            yield f"the answer header: {value!r}"
        elif request.root is not None and match[1] != request.root:
            yield f"another trace is answered: {value} for {request.root}"
        elif served.site.trusts and request.sampled is not None and (match[2] == "1") != request.sampled:
            yield f"another decision is answered: {value} for {request.sampled}"


def status_seen(log: list[Event]) -> int | None:
    """The status that the client saw, where it is one of HTTP's; None where there was none or the call failed."""
    status = ""
    for event in log:
        if event[0] in ("sent", "written"):
            break
        if event[0] == "started":
            status = str(event[1])
    return int(status[:3]) if re.fullmatch(r"[1-5][0-9]{2} .*", status) else None
