"""Passes TCP connections on from one network namespace into another, so that neither needs a link to the other.

`python -m cluster.forward STATE FROM_PID FROM_ADDRESS TO_PID TO_ADDRESS LIFE_PID`: listens where FROM_PID is, connects
where TO_PID is, and ends with LIFE_PID.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import sys
from pathlib import Path
from typing import Final

_CLONE_NEWNET: Final = 0x40000000
_CHUNK_BYTES: Final = 65536
_BACKLOG: Final = 512


def main(listen_in: str, listen_on: str, connect_in: str, connect_to: str, life: str) -> None:
    target = os.open(f"/proc/{connect_in}/ns/net", os.O_RDONLY)
    lifetime = os.pidfd_open(int(life))
    with Path(f"/proc/{listen_in}/ns/net").open() as source:
        _enter(source.fileno())
    listener = socket.create_server(_parsed(listen_on))
    _enter(target)
    asyncio.run(_serve(listener, _parsed(connect_to), lifetime))


async def _serve(listener: socket.socket, target: tuple[str, int], lifetime: int) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(lifetime, over.set)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*target)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        for each in (writer, far_writer):
            each.close()

    async with await asyncio.start_server(serve, sock=listener, backlog=_BACKLOG):
        await over.wait()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side has ended; then the other is told, and may still answer."""
    try:
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


def _enter(namespace: int) -> None:
    """The thread that calls is in the network namespace from now on; sockets stay where they were made."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "the network namespace cannot be entered")


def _parsed(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    main(*sys.argv[2:])
