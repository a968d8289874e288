"""A document that others write as well: what was merged is still there when this is done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.trust_settling import SharedDocument, put_and_watch
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch

Document = dict[str, Any]


class Shelf:
    """A document in memory, a clock that only sleeping moves, and others who act when a look is the nth."""

    def __init__(self, *names: str) -> None:
        self.document: Document = {"names": list(names)}
        self.writes = 0
        self.looks = 0
        self.seconds = 0.0
        self.at_look: dict[int, Callable[[], None]] = {}
        self.stale_looks: dict[int, Document] = {}

    def read(self) -> Document:
        self.looks += 1
        self.at_look.get(self.looks, lambda: None)()
        return self.stale_looks.get(self.looks, self.document)

    def write(self, document: Document) -> None:
        self.writes += 1
        self.document = document

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def put(self, name: str, settle_seconds: float) -> Document:
        def merge(document: Document) -> Document:
            return document if name in document["names"] else {"names": [*document["names"], name]}

        shared = SharedDocument(self.read, self.write, merge)
        return put_and_watch(shared, settle_seconds, Stopwatch(lambda: self.seconds, self.sleep))

    def overwrite(self, *names: str) -> Callable[[], None]:
        return lambda: setattr(self, "document", {"names": list(names)})


def test_nothing_is_written_where_nothing_is_to_do() -> None:
    shelf = Shelf("ours")

    assert shelf.put("ours", settle_seconds=2) == {"names": ["ours"]}
    assert shelf.writes == 0


def test_without_settling_there_is_one_look_and_one_write() -> None:
    shelf = Shelf("theirs")

    assert shelf.put("ours", settle_seconds=0) == {"names": ["theirs", "ours"]}
    assert (shelf.looks, shelf.writes, shelf.seconds) == (1, 1, 0)


def test_what_another_writer_undid_is_merged_into_what_that_writer_made() -> None:
    shelf = Shelf()
    shelf.at_look[3] = shelf.overwrite("theirs")

    assert shelf.put("ours", settle_seconds=3) == {"names": ["theirs", "ours"]}
    assert shelf.document == {"names": ["theirs", "ours"]}


def test_one_stale_look_is_not_taken_for_another_writer() -> None:
    shelf = Shelf()
    shelf.stale_looks[2] = {"names": []}

    assert shelf.put("ours", settle_seconds=3) == {"names": ["ours"]}
    assert shelf.writes == 1


def test_an_undoing_seen_at_the_last_look_is_looked_into() -> None:
    shelf = Shelf()
    shelf.at_look[2] = shelf.overwrite("theirs")

    assert shelf.put("ours", settle_seconds=0.5) == {"names": ["theirs", "ours"]}


def test_what_others_add_meanwhile_is_in_the_result() -> None:
    shelf = Shelf()
    shelf.at_look[2] = shelf.overwrite("ours", "theirs")

    assert shelf.put("ours", settle_seconds=0.5) == {"names": ["ours", "theirs"]}


def test_what_others_change_begins_the_watch_anew() -> None:
    shelf = Shelf()
    shelf.at_look[4] = shelf.overwrite("ours", "theirs")

    shelf.put("ours", settle_seconds=3)

    assert 4.5 <= shelf.seconds < 5.5


def test_where_others_never_rest_the_watch_ends_all_the_same() -> None:
    shelf = Shelf()
    shelf.at_look = {look: shelf.overwrite("ours", str(look)) for look in range(2, 10_000)}

    assert "ours" in shelf.put("ours", settle_seconds=3)["names"]
    assert shelf.seconds <= 601


def test_what_is_there_again_after_it_was_undone_is_watched_on() -> None:
    shelf = Shelf()
    shelf.at_look = {2: shelf.overwrite(), 4: shelf.overwrite("ours"), 5: shelf.overwrite("theirs")}

    assert shelf.put("ours", settle_seconds=3) == {"names": ["theirs", "ours"]}


def test_a_writer_who_undoes_it_for_ever_is_reported() -> None:
    shelf = Shelf()
    shelf.at_look = {look: shelf.overwrite() for look in range(1000)}

    with pytest.raises(DeepobsError, match="undid the change 5 times"):
        shelf.put("ours", settle_seconds=2)
