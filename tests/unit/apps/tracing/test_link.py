"""The way to the daemon's port: bursts, and where there can be none."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from support.segments import SegmentReceiver
from tracing.link import BURST_DOCUMENTS, Link


@pytest.fixture
def link(receiver: SegmentReceiver) -> Iterator[Link]:
    made = Link(receiver.address)
    assert made.is_open()
    yield made
    made.close()


def _documents(*sizes: int) -> list[dict[str, Any]]:
    return [{"number": number, "text": "x" * size} for number, size in enumerate(sizes)]


def _send_all(link: Link, documents: list[dict[str, Any]]) -> None:
    link.send_all([json.dumps(document).encode() for document in documents])


def _by_number(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(documents, key=lambda document: int(document["number"]))


@pytest.mark.parametrize(
    "sizes",
    [
        (),
        (1,),
        (500,) * BURST_DOCUMENTS,
        tuple(range(0, 3200, 200)),
        (10, 60_000, 20),
        (60_000, 50_000),
        (100,) * 20 + (9000,) * 9,
    ],
)
def test_documents_of_any_sizes_arrive_as_one_datagram_each(
    link: Link, receiver: SegmentReceiver, sizes: tuple[int, ...]
) -> None:
    documents = _documents(*sizes)
    _send_all(link, documents)
    assert _by_number(receiver.pending()) == documents
    assert (link.sent.value, link.dropped.value) == (len(sizes), 0)


class _WithoutBursts(socket.socket):
    """A socket on a kernel that does not cut messages."""

    def sendmsg(self, *_arguments: Any) -> int:
        raise OSError(22, "Invalid argument")


def test_kernel_without_bursts_gets_one_after_the_other(
    receiver: SegmentReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "socket", _WithoutBursts)
    link = Link(receiver.address)
    assert link.is_open()
    for _unused in range(2):
        _send_all(link, _documents(10, 20, 30))
    assert len(receiver.pending()) == 6
    assert (link.sent.value, link.dropped.value) == (6, 0)
    link.close()


def test_burst_to_nobody_is_counted_once_for_each_document(receiver: SegmentReceiver) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        address = gone.getsockname()
    link = Link(address)
    for _unused in range(5):
        if link.is_open():
            _send_all(link, _documents(*[10] * BURST_DOCUMENTS))
        else:
            link.lose(BURST_DOCUMENTS)
    assert link.sent.value + link.dropped.value == 5 * BURST_DOCUMENTS
    assert link.dropped.value >= 4 * BURST_DOCUMENTS
    link.close()


def test_closed_link_opens_again(link: Link, receiver: SegmentReceiver) -> None:
    link.close()
    assert link.is_open()
    _send_all(link, _documents(1))
    assert len(receiver.pending()) == 1
