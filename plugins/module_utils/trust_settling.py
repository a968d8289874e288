# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Writing a document that others write as well, where the service has no compare-and-set.

Between reading and writing another writer can always slip in. So read as late as can be, and afterwards watch for a
while whether what was merged is still there. What vanishes later than that, this cannot see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch

Document = dict[str, Any]

_LOOK_EVERY_SECONDS = 0.5
_MOST_WRITES = 10


@dataclass(frozen=True)
class SharedDocument:
    """How to read and write the document, and what to make of it whatever it has become."""

    read: Callable[[], Document]
    write: Callable[[Document], None]
    merge: Callable[[Document], Document]

    def put(self) -> Document:
        """Merges into what is there now; writes only where that changes it."""
        present = self.read()
        wanted = self.merge(present)
        if wanted != present:
            self.write(wanted)
        return wanted

    def stands(self, document: Document) -> bool:
        """Whether nothing is left to merge."""
        return self.merge(document) == document


def put_and_watch(shared: SharedDocument, settle_seconds: float, watch: Stopwatch) -> Document:
    """Merges, watches until nobody undid it for settle_seconds, merges again where somebody did; the last document.

    A single look that misses the change may be the service's eventual consistency: only two in a row count.
    Raises DeepobsError when others undo it over and over.
    """
    for _attempt in range(_MOST_WRITES):
        document = shared.put()
        if (seen := _watched(shared, document, settle_seconds, watch)) is not None:
            return seen
    raise DeepobsError(
        f"Another writer undid the change {_MOST_WRITES} times, each within settle_seconds ({settle_seconds:g})."
        " Find who else manages this trust policy and let only one of them own these subjects."
    )


def _watched(shared: SharedDocument, document: Document, settle_seconds: float, watch: Stopwatch) -> Document | None:
    """The document seen last; None once two looks in a row miss the change."""
    deadline, missed = watch.clock() + settle_seconds, 0
    while watch.clock() < deadline or missed:
        watch.sleep(_LOOK_EVERY_SECONDS)
        seen = shared.read()
        missed = 0 if shared.stands(seen) else missed + 1
        if missed == 2:
            return None
        document = document if missed else seen
    return document
