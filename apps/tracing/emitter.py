"""Hands closed segments to the X-Ray daemon: one datagram each, without waiting and without raising."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from time import monotonic

from tracing.counting import Counter
from tracing.entities import Entity, Segment
from tracing.payloads import payloads
from tracing.settings import Address

logger = logging.getLogger(__name__)

# The protocol of the daemon's UDP port: this line, then the document.
_PREAMBLE = b'{"format":"json","version":1}\n'
# How long nothing is sent after it turned out that the address cannot be resolved, or that nobody listens there.
_RESOLVE_AGAIN_SECONDS = 5.0
_TRY_AGAIN_SECONDS = 0.2


class Emitter:
    """Sends documents to one address and counts: `sent` were handed over, `dropped` are known to be lost.

    A host says of a datagram that nobody listens when the next one is sent. `_owed` are those that were counted as sent
    and are lost; the next ones that are handed over take their places, so that both counts only grow and add up.
    """

    open = Segment

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._connect_at = 0.0
        self._refused_at = 0.0
        self._owed = 0
        self._sent = Counter()
        self._dropped = Counter()

    @property
    def sent(self) -> int:
        """Documents that were handed over."""
        return self._sent.value

    @property
    def dropped(self) -> int:
        """Documents that are known to be lost."""
        return self._dropped.value

    def start(self) -> None:
        """Resolves the address, which may take as long as the resolver does."""
        if self._socket is None:
            self._connect()

    def send(self, entity: Entity) -> None:
        """Sends one document, split where it is over the limit. Never blocks on the daemon, never raises."""
        try:
            connected = self._socket or self._reconnected()
            if connected is None:
                self._dropped.add()
                return
            for payload in payloads(entity.document):
                self._hand_over(connected, payload)
        except Exception:  # what an application wrote into a document must not fail its request
            logger.debug("a segment could not be told", exc_info=True)
            self._dropped.add()

    def close(self) -> None:
        """Gives the socket back; a later `send` opens another."""
        with self._lock:
            self._disconnect(connect_at=0.0)

    def _hand_over(self, connected: socket.socket, payload: bytes | None) -> None:
        if payload is None:
            self._dropped.add()
            return
        try:
            connected.send(_PREAMBLE + payload)
        except ConnectionRefusedError:
            self._try_again(connected, _PREAMBLE + payload)
        except OSError:
            self._dropped.add()
        else:
            (self._count_against_owed if self._owed else self._sent.add)()

    def _try_again(self, connected: socket.socket, datagram: bytes) -> None:
        """A refusal tells of the datagram before. This one may still go; after a second refusal nothing does."""
        with self._lock:
            self._owed += 1
            now = monotonic()
            is_gone = now < self._refused_at + _TRY_AGAIN_SECONDS
            self._refused_at = now
            if is_gone:
                self._disconnect(connect_at=now + _TRY_AGAIN_SECONDS)
        try:
            if not is_gone:
                connected.send(datagram)
                self._count_against_owed()
                return
        except OSError:
            pass
        self._dropped.add()

    def _count_against_owed(self) -> None:
        with self._lock:
            is_owed = self._owed > 0
            self._owed -= is_owed
        (self._dropped if is_owed else self._sent).add()

    def _reconnected(self) -> socket.socket | None:
        """The socket, where one can be had at once; a name is resolved in a thread, for that may take seconds."""
        with self._lock:
            if self._socket is None and monotonic() >= self._connect_at:
                self._connect_at = monotonic() + _RESOLVE_AGAIN_SECONDS
                if _is_numeric(self._address[0]):
                    self._socket = _connected(self._address)
                else:
                    threading.Thread(target=self._connect, name="xray-address", daemon=True).start()
            return self._socket

    def _connect(self) -> None:
        made = _connected(self._address)
        with self._lock:
            self._disconnect(connect_at=monotonic() + _RESOLVE_AGAIN_SECONDS)
            self._socket = made

    def _disconnect(self, connect_at: float) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._connect_at = connect_at


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _connected(address: Address) -> socket.socket | None:
    """A non-blocking socket to the address; IPv4 is preferred, for X-Ray's own SDKs know nothing else."""
    try:
        found = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)
        family, kind, protocol, _unused, resolved = min(found, key=lambda each: each[0] != socket.AF_INET)
        made = socket.socket(family, kind, protocol)
    except OSError as error:
        logger.warning("the X-Ray daemon's address %s:%s cannot be used: %s", *address, error)
        return None
    made.setblocking(False)
    try:
        made.connect(resolved)
    except OSError as error:
        made.close()
        logger.warning("the X-Ray daemon's address %s:%s cannot be reached: %s", *address, error)
        return None
    return made
