"""Identifiers: their shape, and that forked processes have others."""

from __future__ import annotations

import os
import re
import time

from tracing.ids import new_id, new_trace_id


def test_identifiers_have_x_rays_shape_and_differ() -> None:
    segments, traces = {new_id() for _unused in range(1000)}, {new_trace_id() for _unused in range(1000)}
    assert (len(segments), len(traces)) == (1000, 1000)
    assert all(re.fullmatch("[0-9a-f]{16}", name) for name in segments)
    assert all(re.fullmatch("1-[0-9a-f]{8}-[0-9a-f]{24}", name) for name in traces)


def test_trace_tells_its_second() -> None:
    assert abs(int(new_trace_id().split("-")[1], 16) - time.time()) < 5


def test_forked_process_has_identifiers_of_its_own() -> None:
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(sending, new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(receiving, 16).decode()
    os.close(receiving)
    os.close(sending)
    assert theirs != new_id()
