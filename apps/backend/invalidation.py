"""Hears from Redis which answers are old: client-side caching by CLIENT TRACKING in broadcasting mode, over RESP3.

Source: Redis' documentation, "Client-side caching reference", Broadcasting mode.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError, TimeoutError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from backend.cache import PREFIX
from backend.hotcache import HotCache

logger = logging.getLogger(__name__)

_PING_SECONDS = 0.5
_ANSWER_SECONDS = 0.5
_AGAIN_SECONDS, _AGAIN_HIGHEST_SECONDS = 0.1, 1.0
# Redis said no: a right is missing, or it is older than 6. That may change, but nobody waits for it.
_REFUSED_SECONDS = 60.0


class Listener:
    """Keeps a HotCache right from a thread with a connection of its own; off as long as that is in doubt.

    In doubt is a connection that is closed, or on which a ping is not answered in half a second; so at the latest a
    second after Redis fell silent nothing is answered out of the cache any more.
    """

    def __init__(self, url: str, hot: HotCache) -> None:
        self._hot = hot
        self._stopped = threading.Event()
        self._refused = False
        self._thread = threading.Thread(target=self._run, name="invalidation", daemon=True)
        self._connection: Any = ConnectionPool.from_url(
            url,
            protocol=3,
            socket_timeout=_ANSWER_SECONDS,
            socket_connect_timeout=_ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        ).make_connection()

    def start(self) -> None:
        """Begins; to be called in the process whose cache it is, as a fork has no threads."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, which switches the cache off."""
        self._stopped.set()
        self._connection.disconnect()
        self._thread.join()

    def _run(self) -> None:
        wait_seconds = 0.0
        while not self._stopped.wait(wait_seconds):
            wait_seconds = min(2 * wait_seconds + _AGAIN_SECONDS, _AGAIN_HIGHEST_SECONDS)
            try:
                self._track()
                wait_seconds = _AGAIN_SECONDS
                self._follow()
            except ResponseError as error:
                self._tell_refusal(error)
                wait_seconds = _REFUSED_SECONDS
            except RedisError as error:
                logger.debug("no invalidations for now: %s", error)
            finally:
                self._hot.switch(on=False)
                self._connection.disconnect()

    def _track(self) -> None:
        connection = self._connection
        connection.connect()
        # There is no other way to pushes: redis-py's own cache takes it too.
        connection._parser.set_invalidation_push_handler(self._invalidate)
        connection.send_command("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", PREFIX)
        connection.read_response()
        self._hot.switch(on=True)

    def _follow(self) -> None:
        connection = self._connection
        while not self._stopped.is_set():
            connection.send_command("PING")
            if not _read_reply(connection, _ANSWER_SECONDS):
                raise TimeoutError("a ping was not answered")
            self._hot.expire()
            _read_reply(connection, _PING_SECONDS)

    def _invalidate(self, push: list[Any]) -> None:
        """Of ["invalidate", [key, …]], or ["invalidate", None] after FLUSHALL and FLUSHDB."""
        if push[1] is None:
            self._hot.clear()
        else:
            self._hot.invalidate(push[1])

    def _tell_refusal(self, error: ResponseError) -> None:
        if not self._refused:
            logger.warning("Redis does not tell which answers are old, so each hit asks it: %s", error)
        self._refused = True


def _read_reply(connection: Any, seconds: float) -> bool:
    """Reads pushes until a reply or the end of the time; returns whether a reply came."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        try:
            if connection.read_response(timeout=left, disconnect_on_error=False, push_request=True) is not None:
                return True
        except TimeoutError:
            return False
    return False
