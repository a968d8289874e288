"""Sends data to CloudWatch in a thread of its own, and keeps them while CloudWatch cannot be had."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.parsers import ResponseParserError

from cloudwatchagent.metrics import NAMESPACE, Datum

BATCH_DATA: Final = 1000
"""Amazon CloudWatch API reference: data of one PutMetricData."""
PENDING_LIMIT_DATA: Final = 50_000
LONGEST_DELAY_SECONDS: Final = 10.0
_FIRST_DELAY_SECONDS: Final = 0.2
_AWS_ERRORS: Final = (BotoCoreError, ClientError, ResponseParserError, OSError)
_WRONG_REQUEST_CODES: Final = frozenset(
    {
        "InvalidParameterCombination",
        "InvalidParameterCombinationException",
        "InvalidParameterValue",
        "InvalidParameterValueException",
        "MissingParameter",
        "MissingRequiredParameterException",
        "ValidationError",
    }
)

_log = logging.getLogger(__name__)


class Publisher:
    """Takes data at any time; the oldest are dropped, with a line in the log, when too many are waiting."""

    def __init__(self, make_client: Callable[[], Any]) -> None:
        """Makes the first client. Raises ValueError or BotoCoreError when the endpoint or profile is unusable."""
        self._make_client = make_client
        self._client: Any = make_client()
        self._pending: deque[Datum] = deque(maxlen=PENDING_LIMIT_DATA)
        self._changed = threading.Condition()
        self._closed = False
        self._gave_up = threading.Event()
        self._told: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Begins to send."""
        self._thread.start()

    def publish(self, data: list[Datum]) -> None:
        """Takes data to be sent. Never waits."""
        with self._changed:
            overflow = len(self._pending) + len(data) - PENDING_LIMIT_DATA
            if overflow > 0:
                _log.warning("CloudWatch has been away for too long: the %d oldest values are dropped", overflow)
            self._pending.extend(data)
            self._changed.notify()

    def finish(self, timeout_seconds: float) -> int:
        """Sends what is waiting within this time; returns how many data could not be sent."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout_seconds)
        self._gave_up.set()
        with self._changed:
            return len(self._pending)

    def _run(self) -> None:
        delay_seconds = _FIRST_DELAY_SECONDS
        while (batch := self._next_batch()) and not self._gave_up.is_set():
            if self._send(batch):
                delay_seconds = _FIRST_DELAY_SECONDS
            else:
                self._gave_up.wait(delay_seconds)
                delay_seconds = min(2 * delay_seconds, LONGEST_DELAY_SECONDS)

    def _next_batch(self) -> list[Datum]:
        """Waits for data, which stay in the queue until they are sent; empty once closed and all is sent."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._closed)
            return list(islice(self._pending, BATCH_DATA))

    def _send(self, batch: list[Datum]) -> bool:
        """Whether the batch is settled: taken by CloudWatch, or refused by it for ever."""
        try:
            self._client.put_metric_data(Namespace=NAMESPACE, MetricData=batch)
        except _AWS_ERRORS as error:
            if not _is_wrong_request(error):
                self._tell(error)
                return False
            _log.error("CloudWatch refuses %d values: %s", len(batch), error)
        self._settled(batch)
        return True

    def _settled(self, batch: list[Datum]) -> None:
        if self._told:
            self._told.clear()
            _log.info("CloudWatch takes metrics again")
        sent = set(map(id, batch))
        with self._changed:
            while self._pending and id(self._pending[0]) in sent:
                self._pending.popleft()

    def _tell(self, error: Exception) -> None:
        """Logs each trouble once until all is well again; without credentials the chain is walked anew."""
        if isinstance(error, NoCredentialsError):
            self._client = self._make_client()
        if str(error) not in self._told:
            self._told.add(str(error))
            _log.warning(
                "CloudWatch does not take metrics from %s: %s; they are kept and sent again", _identity(), error
            )


def cloudwatch_client(region: str) -> Any:
    """A boto3 client that tries once: the publisher retries, and keeps its data meanwhile."""
    config = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 1})
    return boto3.session.Session().client("cloudwatch", region_name=region, config=config)


def _is_wrong_request(error: Exception) -> bool:
    if not isinstance(error, ClientError) or error.operation_name != "PutMetricData":
        return False
    return error.response["Error"]["Code"] in _WRONG_REQUEST_CODES


def _identity() -> str:
    role = os.environ.get("AWS_ROLE_ARN")
    return f"role {role}" if role else "the credentials of boto3's chain"
