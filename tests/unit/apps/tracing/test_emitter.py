"""The emitter: what is sent, what is counted as sent and as dropped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.segments import SegmentReceiver, segment_receiver
from support.waiting import eventually
from tracing.emitter import Emitter
from tracing.entities import Segment
from tracing.requests import Exchange

ROOT = "1-5759e988-bd862e3fe1be46a994272793"


@pytest.fixture
def emitter(receiver: SegmentReceiver) -> Iterator[Emitter]:
    made = Emitter(receiver.address)
    yield made
    made.close()


def _segment(**document: Any) -> Segment:
    segment = Segment("shop", ROOT)
    segment.child("postgresql", "remote").close()
    segment.close()
    segment.document.update(document)
    return segment


def test_segment_is_sent_and_counted(emitter: Emitter, receiver: SegmentReceiver) -> None:
    segment = _segment()
    emitter.send(segment)
    assert receiver.next() == segment.document
    assert (emitter.sent, emitter.dropped) == (1, 0)


def test_large_segment_is_sent_in_parts(emitter: Emitter, receiver: SegmentReceiver) -> None:
    segment = _segment()
    for _unused in range(99):
        segment.document["subsegments"].append({"id": "a" * 16, "name": "work", "metadata": {"shop": "x" * 1000}})
    emitter.send(segment)
    whole, *apart = receiver.pending()
    assert len(whole["subsegments"]) + len(apart) == 100
    assert {(part["type"], part["trace_id"], part["parent_id"]) for part in apart} == {("subsegment", ROOT, segment.id)}
    assert (emitter.sent, emitter.dropped) == (1 + len(apart), 0)


class _Unspeakable:
    def __str__(self) -> str:
        raise ArithmeticError


@pytest.mark.parametrize(
    "document", [{"name": "x" * 70_000, "subsegments": []}, {"name": "x" * 70_000, "subsegments": 7}]
)
def test_what_cannot_be_told_is_counted_as_dropped(
    emitter: Emitter, receiver: SegmentReceiver, document: dict[str, Any]
) -> None:
    emitter.send(_segment(**document))
    assert (emitter.sent, emitter.dropped, receiver.pending()) == (0, 1, [])


def test_values_that_are_no_json_do_not_disturb(emitter: Emitter, receiver: SegmentReceiver) -> None:
    loop: list[Any] = []
    loop.append(loop)
    emitter.send(_segment(metadata={"shop": {"value": _Unspeakable(), "loop": loop, 7: 2**80, "text": "\ud800"}}))
    assert receiver.next()["metadata"] == {
        "shop": {"value": "<_Unspeakable>", "loop": ["..."], "7": str(2**80), "text": "?"}
    }


def test_daemon_that_is_gone_costs_no_segment_its_count_and_its_return_is_noticed() -> None:
    with segment_receiver() as gone:
        address = gone.address
    emitter = Emitter(address)
    for _unused in range(50):
        emitter.send(_segment())
    emitter.flush()
    assert emitter.sent + emitter.dropped == 50
    assert emitter.dropped >= 49
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
        back.bind(address)
        back.settimeout(0.05)
        eventually(lambda: _arrives(emitter, back))
    emitter.close()


def _arrives(emitter: Emitter, bound: socket.socket) -> bool:
    emitter.send(_segment())
    try:
        return bool(bound.recv(65_536))
    except TimeoutError:
        return False


def test_every_document_of_many_threads_is_counted(emitter: Emitter) -> None:
    def work() -> None:
        for _unused in range(500):
            emitter.send(_segment())

    threads = [threading.Thread(target=work) for _unused in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    emitter.flush()
    assert (emitter.sent, emitter.dropped) == (4000, 0)


def _send_many(emitter: Emitter, count: int) -> None:
    """As many within a moment that they are sent together."""
    for _unused in range(count):
        emitter.send(_segment())


def test_many_are_sent_together_and_the_last_ones_a_moment_later(emitter: Emitter, receiver: SegmentReceiver) -> None:
    _send_many(emitter, 73)
    found = receiver.pending()
    found += [receiver.next() for _unused in range(73 - len(found))]
    assert len({segment["id"] for segment in found}) == 73
    eventually(lambda: emitter.sent == 73)
    assert emitter.dropped == 0


def test_segment_is_completed_when_it_is_sent(emitter: Emitter, receiver: SegmentReceiver) -> None:
    segment = emitter.open("shop", ROOT)
    segment.end_exchange(Exchange({"HTTP_USER_AGENT": "ada"}, None, 200, 1))
    segment.close()
    emitter.send(segment)
    assert receiver.next()["http"]["request"]["user_agent"] == "ada"


def test_forked_process_does_not_send_what_waits_in_the_other(emitter: Emitter, receiver: SegmentReceiver) -> None:
    _send_many(emitter, 75)
    child = os.fork()
    if child == 0:
        emitter.flush()
        os._exit(0)
    os.waitpid(child, 0)
    emitter.flush()
    assert len(receiver.pending()) == 75


@pytest.mark.parametrize("method", ["none", "fork", "spawn"])
def test_process_that_ends_sends_what_waits(receiver: SegmentReceiver, tmp_path: Path, method: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"""
import multiprocessing
from tracing.emitter import Emitter
from tracing.requests import Exchange
from tracing.entities import Segment

def work():
    emitter = Emitter({receiver.address!r})
    for _unused in range(75):
        segment = Segment("shop", {ROOT!r})
        segment.close()
        emitter.send(segment)
    multiprocessing.current_process().kept_till_the_end = emitter

if __name__ == "__main__":
    if {method!r} == "none":
        work()
    else:
        process = multiprocessing.get_context({method!r}).Process(target=work)
        process.start()
        process.join()
""")
    subprocess.run([sys.executable, str(program)], check=True, env={"PYTHONPATH": os.pathsep.join(sys.path)})
    assert len(receiver.pending()) == 75


def test_unknown_host_is_counted_as_dropped() -> None:
    emitter = Emitter(("name.invalid", 2000))
    emitter.start()
    emitter.send(_segment())
    emitter.send(_segment())
    assert (emitter.sent, emitter.dropped) == (0, 2)


def test_name_is_resolved_beside_the_requests_where_it_was_not_before() -> None:
    with segment_receiver() as receiver:
        emitter = Emitter(("localhost", receiver.address[1]))

        def arrives() -> bool:
            emitter.send(_segment())
            return bool(receiver.pending())

        eventually(arrives)
        assert emitter.sent >= 1
        emitter.close()


def test_name_that_is_resolved_at_the_start_loses_nothing() -> None:
    with segment_receiver() as receiver:
        emitter = Emitter(("localhost", receiver.address[1]))
        emitter.start()
        emitter.send(_segment())
        assert receiver.next()["name"] == "shop"
        assert (emitter.sent, emitter.dropped) == (1, 0)
        emitter.close()
