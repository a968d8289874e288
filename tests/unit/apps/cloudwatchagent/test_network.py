"""Network rates: from one reading of counters to the next."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

import pytest
from cloudwatchagent.network import Bytes, Counter, CounterError, NetworkMeter, metrics_bytes, redis_counter


def readings(*given: Bytes | CounterError) -> Counter:
    """A counter that reads one value after the other."""
    waiting = iter(given)

    def read() -> Bytes:
        value = next(waiting)
        if isinstance(value, CounterError):
            raise value
        return value

    return read


def measured(meter: NetworkMeter, times: int) -> list[bool]:
    return ["app" in meter.measure(["app"]) for _ in range(times)]


def test_rate_needs_two_readings() -> None:
    meter = NetworkMeter({"app": readings(Bytes(10, 20), Bytes(110, 420))})
    assert meter.measure(["app"]) == {}
    rate = meter.measure(["app"])["app"]
    assert rate.transmitted == pytest.approx(4 * rate.received)


def test_counter_that_went_back_gives_no_rate() -> None:
    meter = NetworkMeter({"app": readings(Bytes(9, 9), Bytes(5, 10), Bytes(6, 10), Bytes(7, 1))})
    assert measured(meter, 4) == [False, False, True, False]


def test_counter_that_cannot_be_read_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    error = CounterError("connection refused")
    meter = NetworkMeter({"app": readings(Bytes(1, 1), error, error, Bytes(2, 2), Bytes(3, 3))})
    with caplog.at_level(logging.WARNING):
        assert measured(meter, 5) == [False, False, False, False, True]
    assert caplog.messages == ["network of app is not published for now: connection refused"]


@pytest.mark.parametrize(
    "read_at",
    [
        lambda port: metrics_bytes(f"http://127.0.0.1:{port}/metrics"),
        lambda port: redis_counter(f"redis://127.0.0.1:{port}")(),
    ],
)
def test_counters_of_nobody_are_an_error(read_at: Callable[[int], Bytes]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(CounterError, match="refused"):
            read_at(closed.getsockname()[1])


def test_redis_counts_its_own_bytes(redis_url: str) -> None:
    read = redis_counter(redis_url)
    first, second = read(), read()
    assert second.received > first.received > 0
    assert second.transmitted > first.transmitted
