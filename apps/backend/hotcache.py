"""Answers of this process, ready to be sent, kept by path and query until Redis says that they are old."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from time import monotonic
from typing import NamedTuple

from serving.measured import Headers, Prepared

# Method, path and query.
Line = tuple[str, str, str]

# The belt: even where every rule below failed, an answer would not be older.
_AGE_SECONDS = 60.0
_ENTRIES = 20_000
_LINE_CHARACTERS = 2000
# What an entry costs beside its body, with its place in the tables: 1.1 kB were measured for three headers.
_ENTRY_BYTES = 1200
_SLOTS = 4096


class Ready(Prepared):
    """A prepared answer; until when it may be used (monotonic seconds), and whether it was since one looked last."""

    __slots__ = ("redis_key", "until", "used")

    def __init__(self, status: str, headers: Headers, body: bytes, route: str, until: float) -> None:
        super().__init__(status, headers, body, route)
        self.redis_key = b""
        self.until = until
        self.used = False


class Promise(NamedTuple):
    """What was known before an answer was read from Redis: its key, and how many changes had been heard of."""

    key: bytes
    changes: int


# A promise, and until when the answer that was read may be used (monotonic seconds).
Keeping = tuple[Promise, float]


class HotCache:
    """A bounded table; it is off, and empty, unless something keeps it right.

    Who reads an answer from Redis asks for a promise first. The answer is kept only if its key was not invalidated
    since, so that an invalidation that overtakes the answer wins. An invalidation that comes later finds it.

    `get` gives the answer to a request line, or None; it is the table's own, as nothing is quicker, and takes no lock.
    Who uses what it gives marks it `used`: what is not used goes first where room is needed (second chance).
    """

    def __init__(self, highest_bytes: int, highest_entries: int = _ENTRIES) -> None:
        self._highest_bytes = highest_bytes
        self._highest_entries = highest_entries
        self._lock = threading.Lock()
        self._on = False
        self._bytes = 0
        self._ready: OrderedDict[Line, Ready] = OrderedDict()
        self._lines_of: dict[bytes, set[Line]] = {}
        # How many changes had been heard of when a key of the slot was last invalidated: fewer slots than keys only
        # mean that now and then an answer is not kept that could have been.
        self._changes = 0
        self._changed = [0] * _SLOTS
        self.get: Callable[[Line], Ready | None] = self._ready.get

    def promise(self, key: bytes) -> Promise | None:
        """Ask for it before the answer is read from Redis; None where nothing would be kept."""
        return Promise(key, self._changes) if self._on else None

    def keep(self, promise: Promise, line: Line, ready: Ready) -> None:
        """Keeps an answer, unless its key was invalidated since the promise was given."""
        size = _size(line, ready)
        if size > self._highest_bytes or sum(map(len, line)) > _LINE_CHARACTERS:
            return
        ready.redis_key = promise.key
        ready.until = min(ready.until, monotonic() + _AGE_SECONDS)
        with self._lock:
            if not self._on or self._changed[hash(promise.key) % _SLOTS] > promise.changes:
                return
            self._remove(line)
            self._ready[line] = ready
            self._lines_of.setdefault(promise.key, set()).add(line)
            self._bytes += size
            while self._bytes > self._highest_bytes or len(self._ready) > self._highest_entries:
                self._make_room()

    def expire(self) -> None:
        """Throws out what may be used no longer; to be called again and again."""
        now = monotonic()
        with self._lock:
            for line in [line for line, ready in self._ready.items() if ready.until <= now]:
                self._remove(line)

    def invalidate(self, keys: Iterable[bytes]) -> None:
        """Throws out the answers of these keys, and breaks the promises for them."""
        with self._lock:
            self._changes += 1
            for key in keys:
                self._changed[hash(key) % _SLOTS] = self._changes
                for line in list(self._lines_of.get(key, ())):
                    self._remove(line)

    def clear(self) -> None:
        """Throws out everything, and breaks every promise."""
        with self._lock:
            self._changes += 1
            self._changed = [self._changes] * _SLOTS
            self._ready.clear()
            self._lines_of.clear()
            self._bytes = 0

    def switch(self, on: bool) -> None:
        """On: from now on every invalidation is heard of. Off: maybe not, so that everything is thrown out."""
        self._on = on
        self.clear()

    @property
    def on(self) -> bool:
        """Whether answers are kept."""
        return self._on

    @property
    def size(self) -> tuple[int, int]:
        """How many answers are kept, and how many bytes they take."""
        with self._lock:
            return len(self._ready), self._bytes

    def _make_room(self) -> None:
        line, ready = next(iter(self._ready.items()))
        if ready.used:
            ready.used = False
            self._ready.move_to_end(line)
        else:
            self._remove(line)

    def _remove(self, line: Line) -> None:
        ready = self._ready.pop(line, None)
        if ready is not None:
            self._bytes -= _size(line, ready)
            lines = self._lines_of[ready.redis_key]
            lines.discard(line)
            if not lines:
                del self._lines_of[ready.redis_key]


def _size(line: Line, ready: Ready) -> int:
    """In bytes; a character of a line takes up to four."""
    return len(ready[0]) + 4 * sum(map(len, line)) + _ENTRY_BYTES
