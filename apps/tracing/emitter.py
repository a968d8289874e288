"""Takes closed segments and sends them to the X-Ray daemon: one by one, or together where there are many."""

from __future__ import annotations

import logging
import multiprocessing.util
import os
from collections import deque
from contextlib import suppress
from time import sleep
from weakref import WeakSet

from tracing.entities import Document, Entity, Segment, UnsampledSegment
from tracing.link import BURST_DOCUMENTS, Link
from tracing.payloads import DOCUMENT_BYTES, encode, split
from tracing.requests import Exchange
from tracing.settings import Address
from tracing.threads import start_outside

logger = logging.getLogger(__name__)

# Above this rate documents wait for each other, a moment at most. To complete, encode and send one in between other
# work costs about three times as much as in a row, for nothing of it is then in the processor's caches.
_BUSY_PER_SECOND = 20
_SLICE_SECONDS = 0.5
_WAIT_SECONDS = 0.2
_QUIET_ROUNDS = 10


class LateSegment(Segment):
    """A segment whose exchange is told when it is sent, out of the request's way."""

    __slots__ = ()

    def end_exchange(self, exchange: Exchange) -> None:
        """Keeps it until then."""
        self.exchange = exchange

    def told(self) -> Document:
        """The document with the exchange in it."""
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.tell(self.document)
        return self.document

    def encoded(self) -> bytes:
        """The same as JSON."""
        exchange, document = self.exchange, self.document
        if exchange is not None and exchange.is_apart_from(document):
            return exchange.joined(encode(document))
        return encode(self.told())


class Emitter:
    """Sends the documents of entities to one address. Never blocks on the daemon, never raises."""

    open = LateSegment
    open_unsampled = UnsampledSegment
    joins = False

    _slice_began: float
    _in_slice: int
    _is_busy: bool

    def __init__(self, address: Address) -> None:
        self._link = Link(address)
        self._waiting: deque[Entity] = deque()
        self._reset()
        _emitters.add(self)

    @property
    def sent(self) -> int:
        """Documents that were handed over."""
        return self._link.sent.value

    @property
    def dropped(self) -> int:
        """Documents that are known to be lost."""
        return self._link.dropped.value

    def start(self) -> None:
        """Resolves the address, which may take as long as the resolver does."""
        self._link.start()

    def send(self, entity: Entity) -> None:
        """Sends an entity's document, split where it is over the limit; soon, where there are many."""
        if self._is_busy:
            self._waiting.append(entity)
            if len(self._waiting) >= BURST_DOCUMENTS:
                self._send_burst()
        elif self._link.is_open():
            for payload in self._payloads(entity):
                self._link.send(payload)
            self._look_for_more(entity.document["end_time"])
        else:
            self._link.lose(1)

    def flush(self) -> None:
        """Sends what waits by now; under load there is always more to come."""
        for _unused in range(0, len(self._waiting), BURST_DOCUMENTS):
            self._send_burst()

    def close(self) -> None:
        """Sends what waits and gives the socket back; a later `send` opens another."""
        self.flush()
        self._link.close()

    def _look_for_more(self, now: float) -> None:
        """Lets documents wait for each other from now on, as soon as there are many in a slice of time."""
        self._in_slice += 1
        if not 0 <= now - self._slice_began < _SLICE_SECONDS:
            self._slice_began, self._in_slice = now, 0
        elif self._in_slice > _BUSY_PER_SECOND * _SLICE_SECONDS:
            self._in_slice = 0
            self._be_busy()

    def _send_burst(self) -> None:
        """Sends BURST_DOCUMENTS of what waits, or what there is; every thread does its share."""
        entities: list[Entity] = []
        with suppress(IndexError):  # other threads take some as well
            while len(entities) < BURST_DOCUMENTS:
                entities.append(self._waiting.popleft())
        if not self._link.is_open():
            self._link.lose(len(entities))
            return
        documents = [payload for entity in entities for payload in self._payloads(entity)]
        self._link.send_all(documents)

    def _payloads(self, entity: Entity) -> list[bytes]:
        try:
            payload = entity.encoded() if isinstance(entity, LateSegment) else encode(entity.document)
            if len(payload) <= DOCUMENT_BYTES:
                return [payload]
            found = list(split(entity.told()))
        except Exception:  # what an application wrote into a document must not fail its request
            logger.debug("a segment could not be told", exc_info=True)
            found = [None]
        told = [payload for payload in found if payload is not None]
        self._link.lose(len(found) - len(told))
        return told

    def _be_busy(self) -> None:
        """Starts the thread that sends what no further document comes to push on."""
        self._is_busy = True
        try:
            start_outside(self._run, "xray-emitter")
        except RuntimeError:  # there is no room for one, or the process ends, which sends what waits
            self._is_busy = False

    def _run(self) -> None:
        quiet_rounds = 0
        while quiet_rounds < _QUIET_ROUNDS:
            before = self.sent + self.dropped
            sleep(_WAIT_SECONDS)
            self.flush()
            many = _BUSY_PER_SECOND * _WAIT_SECONDS
            quiet_rounds = 0 if self.sent + self.dropped - before >= many else quiet_rounds + 1
        self._is_busy = False
        self.flush()

    def _reset(self) -> None:
        """Forgets, in a new process, what another one has to send."""
        self._waiting.clear()
        self._slice_began = 0.0
        self._in_slice = 0
        self._is_busy = False


_emitters: WeakSet[Emitter] = WeakSet()


def _flush_all() -> None:
    for emitter in _emitters:
        emitter.flush()


def _flush_at_exit() -> None:
    """Unlike atexit's, this is also called at the end of a process that multiprocessing has made."""
    multiprocessing.util.Finalize(None, _flush_all, exitpriority=0)


def _reset_all() -> None:
    for emitter in _emitters:
        emitter._reset()


_flush_at_exit()
multiprocessing.util.register_after_fork(_emitters, lambda _unused: _flush_at_exit())
os.register_at_fork(after_in_child=_reset_all)
