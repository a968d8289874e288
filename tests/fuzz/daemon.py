"""The daemon's UDP port in all its states: there, gone, frozen with a full buffer, and back."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

_LARGEST_BYTES = 65_536
_SMALLEST_BUFFER_BYTES = 1
_LARGEST_BUFFER_BYTES = 16 * 1024 * 1024
_SO_RCVBUFFORCE = 33  # asm-generic/socket.h; Python's socket does not name it
_LOOPBACK = "0100007F"


class Daemon:
    """A port of 127.0.0.1. Over loopback a datagram that was sent has arrived, or was lost in a full buffer."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._is_frozen = False
        self.address = ("127.0.0.1", 0)
        self.be_there()

    @property
    def drops(self) -> int:
        """Datagrams that this socket's buffer had no room for (the last column of Linux' /proc/net/udp)."""
        local = f"{_LOOPBACK}:{self.address[1]:04X}"
        lines = (line.split() for line in Path("/proc/net/udp").read_text().splitlines())
        return sum(int(line[-1]) for line in lines if line[1] == local)

    def be_there(self) -> None:
        """Receives; at the same port as before."""
        self._bind(_LARGEST_BUFFER_BYTES)
        self._is_frozen = False

    def freeze(self) -> None:
        """Keeps the port and reads no more: a few datagrams fill the buffer."""
        self._bind(_SMALLEST_BUFFER_BYTES)
        self._is_frozen = True

    def be_gone(self) -> None:
        """Nobody listens."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def received(self) -> list[bytes]:
        """The datagrams that have arrived; none from a daemon that is frozen or gone."""
        found: list[bytes] = []
        if self._socket is None or self._is_frozen:
            return found
        while True:
            try:
                found.append(self._socket.recv(_LARGEST_BYTES))
            except BlockingIOError:
                return found

    def _bind(self, buffer_bytes: int) -> None:
        self.be_gone()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        with suppress(PermissionError):  # only root may have more than the system's limit
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, buffer_bytes)
        self._socket.setblocking(False)
        self._socket.bind(self.address)
        self.address = self._socket.getsockname()
