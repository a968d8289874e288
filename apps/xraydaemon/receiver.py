"""Receives datagrams, and does nothing else, so that the socket's buffer is emptied as fast as it fills."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from typing import Final

from xraydaemon.settings import Address

RECEIVE_BUFFER_BYTES: Final = 8 * 1024**2
_DATAGRAM_LIMIT_BYTES: Final = 65_535
_SO_RCVBUFFORCE: Final = 33
_SO_MEMINFO: Final = 55
_MEMINFO = struct.Struct("9I")
"""linux/sock_diag.h: SK_MEMINFO_*, the last of which counts the datagrams that the socket had no room for."""


class Receiver:
    """A UDP socket and the thread that empties it."""

    def __init__(self, address: Address, accept: Callable[[bytes], None]) -> None:
        """Binds the socket. Raises OSError when the address cannot be had."""
        self._accept = accept
        self._stopping = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            _enlarge_buffer(self._socket)
            self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise
        self.address: Address = self._socket.getsockname()
        self._thread = threading.Thread(target=self._receive, name="receiver", daemon=True)

    def start(self) -> None:
        """Begins to receive."""
        self._thread.start()

    def stop(self) -> None:
        """Takes in what the socket still holds, then closes it."""
        self._stopping = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self.address)
        self._thread.join()
        self._drain()
        self.close()

    def close(self) -> None:
        """Gives the port back."""
        self._socket.close()

    def lost_in_socket(self) -> int:
        """Datagrams that the kernel threw away because the socket's buffer was full."""
        try:
            return int(_MEMINFO.unpack(self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))[-1])
        except OSError:
            return 0

    def _receive(self) -> None:
        receive, accept = self._socket.recv, self._accept
        while True:
            datagram = receive(_DATAGRAM_LIMIT_BYTES)
            if self._stopping and not datagram:
                return
            accept(datagram)
            if self._stopping:
                return

    def _drain(self) -> None:
        self._socket.setblocking(False)
        while True:
            try:
                datagram = self._socket.recv(_DATAGRAM_LIMIT_BYTES)
            except BlockingIOError:
                return
            if datagram:
                self._accept(datagram)


def _enlarge_buffer(receiving: socket.socket) -> None:
    """Asks for a large buffer; only a privileged process may go beyond net.core.rmem_max."""
    try:
        receiving.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
    except OSError:
        receiving.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
