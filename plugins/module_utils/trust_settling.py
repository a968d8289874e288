# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Writing a document that others write as well, where the service has no compare-and-set.

Between reading and writing another writer can always slip in. So read as late as can be, and afterwards watch until the
document has stood unchanged for a while; whoever finds the own change undone merges it again.

What that promises. Call the time from a writer's reading to its writing its gap. A change that was written here is
still there when every writer has ended if

- every writer's gap is shorter than settle_seconds, and
- no document is replaced and then restored, just as it was, between two looks (half a second).

For the last look saw the document that had stood for settle_seconds at every look. A writer who reads after it was
first seen carries the change on, and one who had read before has written by then, within sight. Nothing more can be
promised: a writer with a longer gap writes what it has read when nobody looks any more.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch, wait_until

Document = dict[str, Any]

LOOK_EVERY_SECONDS = 0.5
_MOST_WRITES = 100
_MOST_UNDOINGS = 5
_LONGEST_BACKOFF_SECONDS = 256.0
_LONGEST_WATCH_SECONDS = 600.0


@dataclass(frozen=True)
class SharedDocument:
    """How to read and write the document, and what to make of it whatever it has become."""

    read: Callable[[], Document]
    write: Callable[[Document], None]
    merge: Callable[[Document], Document]

    def put(self) -> tuple[Document, Document]:
        """Merges into what is there now and writes where that changes it; the document before and after."""
        present = self.read()
        wanted = self.merge(present)
        if wanted != present:
            self.write(wanted)
        return present, wanted

    def stands(self, document: Document) -> bool:
        """Whether nothing is left to merge."""
        return self.merge(document) == document


@dataclass
class _Looks:
    """What was seen of a document since it was written. A single look that misses the change may be the service's
    eventual consistency: only two in a row count as undone.
    """

    shared: SharedDocument
    document: Document
    settle_seconds: float
    clock: Callable[[], float]
    quiet_since: float = field(init=False)
    looked_at: float = field(init=False)
    missed: int = 0

    def __post_init__(self) -> None:
        self.quiet_since = self.looked_at = self.clock()

    def look(self) -> None:
        self.looked_at = self.clock()
        seen = self.shared.read()
        if not self.shared.stands(seen):
            self.missed += 1
            return
        if self.missed or seen != self.document:
            self.document, self.missed, self.quiet_since = seen, 0, self.clock()

    def over(self) -> bool:
        return self.missed == 2 or (not self.missed and self.looked_at >= self.quiet_since + self.settle_seconds)


def put_and_watch(
    shared: SharedDocument, settle_seconds: float, watch: Stopwatch, random_share: Callable[[], float] = random.random
) -> Document:
    """Merges, watches until the document has stood for settle_seconds, merges again where others undid it.

    Where nothing is to be written there is nothing to watch. Writers who undo each other wait a random time, longer
    each time, before they merge again: what one finds then has grown by what others merged. Who finds the same
    document time after time has to do with somebody who puts it back.

    Returns the last document; raises DeepobsError when the change is undone over and over.
    """
    found: list[Document] = []
    backoff_seconds = LOOK_EVERY_SECONDS
    while len(found) < _MOST_WRITES and (not found or found.count(found[-1]) < _MOST_UNDOINGS):
        before, document = shared.put()
        if not settle_seconds or (before == document and not found):
            return document
        looks = _watched(shared, document, settle_seconds, watch)
        if looks.missed < 2:
            return looks.document
        found.append(before)
        watch.sleep(backoff_seconds * random_share())
        backoff_seconds = min(2 * backoff_seconds, _LONGEST_BACKOFF_SECONDS)
    raise DeepobsError(
        f"Another writer undid the change {len(found)} times, each within settle_seconds ({settle_seconds:g})."
        " Find who else manages this trust policy and let only one of them own these subjects."
    )


def _watched(shared: SharedDocument, document: Document, settle_seconds: float, watch: Stopwatch) -> _Looks:
    """Looks until the change is settled or undone; where others never rest, until the longest watch is over."""
    looks = _Looks(shared, document, settle_seconds, watch.clock)
    watch.sleep(LOOK_EVERY_SECONDS)
    wait_until(
        looks.look,
        lambda _previous, _current: looks.over(),
        max(_LONGEST_WATCH_SECONDS, 2 * settle_seconds),
        LOOK_EVERY_SECONDS,
        clock=watch.clock,
        sleep=watch.sleep,
    )
    return looks
