"""The daemon as a whole: receiver -> queue -> uploaders, and the forwarder beside them."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from botocore.exceptions import BotoCoreError

from xraydaemon.forwarding import Forwarder
from xraydaemon.receiver import Receiver
from xraydaemon.segment_queue import SegmentQueue
from xraydaemon.settings import Address, Settings, SettingsError
from xraydaemon.uploader import Uploaders
from xraydaemon.xray_api import XRayApi, xray_client

FLUSH_SECONDS: Final = 5.0

_log = logging.getLogger(__name__)
T = TypeVar("T")


class AddressError(Exception):
    """An address that cannot be had; the message names the variable and the remedy."""


class Daemon:
    """Everything between the first datagram and the last one sent."""

    def __init__(self, settings: Settings) -> None:
        """Binds both ports. Raises SettingsError or AddressError."""
        self._queue = SegmentQueue(settings.queue_segments, settings.queue_bytes)
        api = _api(settings)
        self._receiver = _bound("udp", settings.udp_address, lambda address: Receiver(address, self._queue.put))
        try:
            self._forwarder = _bound("tcp", settings.tcp_address, lambda address: Forwarder(address, api, self.stats))
        except AddressError:
            self._receiver.close()
            raise
        self._uploaders = Uploaders(self._queue, api, settings.upload_threads)

    def start(self) -> None:
        """Receives, sends and answers from now on."""
        self._uploaders.start()
        self._forwarder.start()
        self._receiver.start()
        _log.info("segments on udp %s:%d, sampling on tcp %s:%d", *self._receiver.address, *self._forwarder.address)

    def stop(self) -> None:
        """Takes in what was already received, sends it within FLUSH_SECONDS, and says what became of everything."""
        self._receiver.stop()
        self._queue.close()
        self._uploaders.finish(FLUSH_SECONDS)
        self._forwarder.stop()
        counts = self._queue.stats()
        level = logging.WARNING if counts.dropped or counts.queued else logging.INFO
        _log.log(level, "ended: %s", ", ".join(f"{count} {name}" for name, count in counts.as_dict().items()))

    def stats(self) -> dict[str, int]:
        """The queue's counts, and the datagrams that the socket itself lost."""
        return {**self._queue.stats().as_dict(), "lost_in_socket": self._receiver.lost_in_socket()}


def _api(settings: Settings) -> XRayApi:
    try:
        return XRayApi(partial(xray_client, settings.region, settings.upload_threads + 4))
    except (ValueError, BotoCoreError) as error:
        text = f"there is no client for X-Ray: {error}: check AWS_ENDPOINT_URL, AWS_REGION and AWS_PROFILE"
        raise SettingsError(text) from error


def _bound(kind: str, address: Address, bind: Callable[[Address], T]) -> T:
    try:
        return bind(address)
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be bound ({error.strerror or error})"
        text = f"{kind} {address[0]}:{address[1]} {reason}: end what holds it, or set AWS_XRAY_DAEMON_ADDRESS"
        raise AddressError(text) from error
