"""What a run of the fuzzer found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

_MOST_EXAMPLES = 3


@dataclass
class Report:
    """Counts of what was done, and what went wrong by its kind, with the numbers of the first requests that show it."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    seconds: float = 0.0

    def find(self, number: int, what: str) -> None:
        """Notes a finding; what stands before its colon is its kind."""
        kind, _unused, detail = what.partition(": ")
        self.findings[kind] += 1
        known = self.examples.setdefault(kind, [])
        if len(known) < _MOST_EXAMPLES:
            known.append((number, detail))

    def add(self, other: Report) -> None:
        """Adds another process' part."""
        self.counts += other.counts
        self.findings += other.findings
        for kind, examples in other.examples.items():
            self.examples[kind] = sorted([*self.examples.get(kind, ()), *examples])[:_MOST_EXAMPLES]
        self.seconds = max(self.seconds, other.seconds)

    def lines(self, seed: int) -> Iterator[str]:
        """The report as text."""
        for name, count in sorted(self.counts.items()):
            yield f"{name:<28}{count:>14,}"
        yield f"{'seconds':<28}{self.seconds:>14,.1f}"
        yield f"{'findings':<28}{self.findings.total():>14,}"
        for kind, count in self.findings.most_common():
            yield f"{kind}: {count:,} times"
            for number, detail in self.examples[kind]:
                yield f"    python -m fuzz --seed {seed} --first {number} --requests 1   # {detail}"
