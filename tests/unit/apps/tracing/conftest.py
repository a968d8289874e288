"""A Flask application that is traced to a receiver of segments."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.segments import SegmentReceiver, segment_receiver
from tracing import TracingSettings


@pytest.fixture
def receiver() -> Iterator[SegmentReceiver]:
    with segment_receiver() as received:
        yield received


@pytest.fixture
def settings(receiver: SegmentReceiver) -> TracingSettings:
    """Settings of a service that trusts decisions, so that tests make them by the header."""
    return TracingSettings("shop", udp_address=receiver.address, trust_incoming_sampled=True)
