"""The way to the X-Ray daemon's UDP port: one datagram a document, without waiting and without raising."""

from __future__ import annotations

import ipaddress
import logging
import socket
import struct
import sys
import threading
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from time import monotonic

from tracing.counting import Counter
from tracing.settings import Address
from tracing.threads import start_outside

logger = logging.getLogger(__name__)

BURST_DOCUMENTS = 32
# The protocol of the daemon's UDP port: this line, then the document.
_PREAMBLE = b'{"format":"json","version":1}\n'
# How long nothing is sent after it turned out that the address cannot be resolved, or that nobody listens there.
_RESOLVE_AGAIN_SECONDS = 5.0
_TRY_AGAIN_SECONDS = 0.2
# Linux cuts one message into datagrams of one size (udp(7), UDP_SEGMENT): 65 kB in all, each of the path's MTU at most.
# The numbers are those of its headers, for Python's socket does not name them.
_SOL_UDP, _UDP_SEGMENT, _IP_MTU = 17, 103, 14
_HEADERS_BYTES = 28
_MESSAGE_BYTES = 65_507


class Link:
    """Sends documents to one address and counts: `sent` were handed over, `dropped` are known to be lost.

    A host says of a datagram that nobody listens when the next one is sent. `_owed` are those that were counted as sent
    and are lost; the next ones that are handed over take their places, so that both counts only grow and add up.
    """

    def __init__(self, address: Address) -> None:
        self.sent = Counter()
        self.dropped = Counter()
        self._address = address
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._datagram_bytes = 0
        self._connect_at = 0.0
        self._refused_at = 0.0
        self._last_count = 1
        self._owed = 0

    def start(self) -> None:
        """Resolves the address, which may take as long as the resolver does."""
        if self._socket is None:
            self._connect()

    def close(self) -> None:
        """Gives the socket back; a later document opens another."""
        with self._lock:
            self._disconnect(connect_at=0.0)

    def is_open(self) -> bool:
        """Whether a document can be sent; where it cannot, it need not be encoded. A name is resolved in a thread."""
        if self._socket is not None:
            return True
        with self._lock:
            if self._socket is None and monotonic() >= self._connect_at:
                self._connect_at = monotonic() + _RESOLVE_AGAIN_SECONDS
                if _is_numeric(self._address[0]):
                    self._take(_connected(self._address))
                else:
                    start_outside(self._connect, "xray-address")
            return self._socket is not None

    def send(self, document: bytes) -> None:
        """Sends one document, again where the host said of an earlier one that nobody listens."""
        for _unused in range(2):
            connected = self._socket
            if connected is None:
                break
            try:
                connected.send(_PREAMBLE + document)
            except ConnectionRefusedError:
                self._refused()
            except OSError:
                break
            else:
                self._handed_over(1)
                return
        self.lose(1)

    def send_all(self, documents: Iterable[bytes]) -> None:
        """Sends documents, those of about one length by one system call where the host can."""
        waiting = sorted(documents, key=len)
        while waiting:
            first = self._first_of_burst(waiting)
            together = waiting[first:]
            if len(together) == 1 or not self._send_burst(together):
                for document in together:
                    self.send(document)
            del waiting[first:]

    def lose(self, count: int) -> None:
        """Counts documents that could not be sent."""
        self.dropped.add_many(count)

    def _first_of_burst(self, documents: list[bytes]) -> int:
        """The first of those, shortest first, that go into one message with the last; at most half of it is padding."""
        longest = len(documents[-1])
        width = len(_PREAMBLE) + longest
        if width > self._datagram_bytes:
            return len(documents) - 1
        most = min(_MESSAGE_BYTES // width, BURST_DOCUMENTS)
        return max(len(documents) - most, bisect_left(documents, longest // 2, key=len))

    def _send_burst(self, documents: Sequence[bytes]) -> bool:
        """Whether they could be sent together. Spaces, in which JSON may end, make all as long as the last."""
        connected = self._socket
        width = len(_PREAMBLE) + len(documents[-1])
        message = b"".join([(_PREAMBLE + document).ljust(width) for document in documents])
        try:
            if connected is None:
                return False
            connected.sendmsg([message], [(_SOL_UDP, _UDP_SEGMENT, struct.pack("=H", width))])
        except ConnectionRefusedError:
            self._refused()
            return False
        except BlockingIOError:
            self.lose(len(documents))
        except OSError:  # the kernel or the way cannot do it
            self._datagram_bytes = 0
            return False
        else:
            self._handed_over(len(documents))
        return True

    def _handed_over(self, count: int) -> None:
        self._last_count = count
        if self._owed:
            with self._lock:
                paid = min(self._owed, count)
                self._owed -= paid
            self.lose(paid)
            count -= paid
        self.sent.add_many(count)

    def _refused(self) -> None:
        """Nobody got what was sent before. A second time within a moment nothing is sent for a while."""
        with self._lock:
            now = monotonic()
            is_second = now < self._refused_at + _TRY_AGAIN_SECONDS
            self._refused_at = now
            self._owed += self._last_count
            if is_second:
                self._disconnect(connect_at=now + _TRY_AGAIN_SECONDS)

    def _connect(self) -> None:
        made = _connected(self._address)
        with self._lock:
            self._disconnect(connect_at=monotonic() + _RESOLVE_AGAIN_SECONDS)
            self._take(made)

    def _take(self, connected: socket.socket | None) -> None:
        self._socket = connected
        self._datagram_bytes = _datagram_bytes(connected)

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


def _datagram_bytes(connected: socket.socket | None) -> int:
    """How large a datagram of a burst may be; 0 where there are no bursts."""
    if connected is None or connected.family != socket.AF_INET or not sys.platform.startswith("linux"):
        return 0
    try:
        return connected.getsockopt(socket.IPPROTO_IP, _IP_MTU) - _HEADERS_BYTES
    except OSError:
        return 0
