"""Hands closed segments to the X-Ray daemon: one datagram each, without waiting and without raising."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from contextlib import suppress

import orjson

from tracing.entities import Document
from tracing.settings import Address

logger = logging.getLogger(__name__)

# The protocol of the daemon's UDP port: this line, then the document.
_PREAMBLE = b'{"format":"json","version":1}\n'
# X-Ray takes documents of 64 KB; a datagram over IPv4 carries 65,507 bytes, the preamble among them.
DOCUMENT_BYTES = 65_507 - len(_PREAMBLE)
_RESOLVE_AGAIN_SECONDS = 5.0
_TRIMMED = "tracing_trimmed_subsegments"


class Emitter:
    """Sends documents to one address and counts: `sent` were handed over, `dropped` are known to be lost."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._connect_at = 0.0
        self.sent = 0
        self.dropped = 0

    def send(self, document: Document) -> None:
        """Sends one segment document, trimmed where it is over the limit. Never blocks on the daemon, never raises."""
        payload = encode(document)
        with self._lock:
            sent, dropped = (0, 1) if payload is None else self._hand_over(_PREAMBLE + payload)
            self.sent += sent
            self.dropped += dropped

    def close(self) -> None:
        """Gives the socket back; a later `send` opens another."""
        with self._lock:
            self._disconnect()

    def _hand_over(self, datagram: bytes) -> tuple[int, int]:
        """Sends a datagram; returns by how much that makes `sent` and `dropped` grow."""
        connected = self._connected()
        if connected is None:
            return 0, 1
        try:
            connected.send(datagram)
        except ConnectionRefusedError:
            return self._hand_over_after_refusal(connected, datagram)
        except OSError:
            return 0, 1
        return 1, 0

    def _hand_over_after_refusal(self, connected: socket.socket, datagram: bytes) -> tuple[int, int]:
        """A refusal tells of the datagram before, which was counted as sent and is lost; this one may still go."""
        with suppress(OSError):
            connected.send(datagram)
        return 0, 1  # either this one is lost too, or it is sent and the one before moves from sent to dropped

    def _connected(self) -> socket.socket | None:
        if self._socket is None and time.monotonic() >= self._connect_at:
            self._connect()
        return self._socket

    def _connect(self) -> None:
        host, port = self._address
        try:
            family, kind, protocol, _unused, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
            opened = socket.socket(family, kind, protocol)
        except OSError as error:
            self._connect_at = time.monotonic() + _RESOLVE_AGAIN_SECONDS
            logger.warning("the X-Ray daemon's address %s:%s cannot be used: %s", host, port, error)
            return
        opened.setblocking(False)
        try:
            opened.connect(address)
        except OSError:
            opened.close()
            self._connect_at = time.monotonic() + _RESOLVE_AGAIN_SECONDS
            return
        self._socket = opened

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def encode(document: Document) -> bytes | None:
    """The document as JSON of at most DOCUMENT_BYTES; None where it cannot be had so small, or not at all."""
    payload = _json(document)
    if payload is None or len(payload) <= DOCUMENT_BYTES:
        return payload
    return _trimmed(document)


def _trimmed(document: Document) -> bytes | None:
    """Leaves out metadata, then the last half of the subsegments as often as needed, and says how many are gone."""
    small = {key: value for key, value in document.items() if key != "metadata"}
    kept: list[Document] = list(document.get("subsegments", ()))
    total = len(kept)
    while True:
        small["annotations"] = {**document.get("annotations", {}), _TRIMMED: total - len(kept)}
        small["subsegments"] = kept
        payload = _json(small)
        if payload is None or len(payload) <= DOCUMENT_BYTES:
            return payload
        if not kept:
            return None
        kept = kept[: len(kept) // 2]


def _json(document: Document) -> bytes | None:
    try:
        return orjson.dumps(document)
    except TypeError:
        pass  # a value that is not JSON's, or text that is not UTF-8's
    try:
        return json.dumps(document, default=str, ensure_ascii=False).encode(errors="replace")
    except (TypeError, ValueError, RecursionError):
        return None
