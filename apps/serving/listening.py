"""Lets the sockets on which this process listens take no new connections, though they stay open."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from contextlib import suppress

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h
_DROP = struct.pack("HBBI", 0x06, 0, 0, 0)  # linux/filter.h: BPF_RET | BPF_K with 0, no byte of a packet is let in


def take_no_more() -> None:
    """Drops whatever comes to the listening sockets; connections that they have taken go on.

    A client's next try to connect finds the socket closed, and is refused. To close it instead would reset connections
    that wait to be taken, and granian closes those that it has taken but has not read from. Only Linux can do that.
    """
    if sys.platform != "linux":
        return
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError), socket.socket(fileno=os.dup(int(name))) as found:
            if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                program = ctypes.create_string_buffer(_DROP, len(_DROP))
                found.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))
