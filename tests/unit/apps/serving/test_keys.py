"""A ring of keys out of a file or a folder, whose files come and go while it is used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from serving.keys import KeyRing
from support.waiting import eventually

FIRST, SECOND, THIRD = (letter * 32 for letter in (b"a", b"b", b"c"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "keys"
    made.mkdir()
    (made / "1").write_bytes(FIRST)
    return made


def _secrets(ring: KeyRing) -> list[bytes]:
    return [key.secret for key in ring.keys]


def test_file_is_a_ring_of_one_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(FIRST)
    ring = KeyRing(tmp_path / "key")
    assert _secrets(ring) == [FIRST]
    assert ring.find(ring.current.id) == ring.current


def test_last_file_by_name_is_the_current_key(folder: Path) -> None:
    (folder / "0").write_bytes(THIRD)
    (folder / "2").write_bytes(SECOND)
    os.utime(folder / "2", (0, 0))
    ring = KeyRing(folder)
    assert _secrets(ring) == [THIRD, FIRST, SECOND]
    assert ring.current.secret == SECOND


def test_hidden_files_and_folders_are_no_keys(folder: Path) -> None:
    (folder / ".2.new").write_bytes(b"half")
    (folder / "3").mkdir()
    assert _secrets(KeyRing(folder)) == [FIRST]


def test_links_as_kubernetes_mounts_them_are_followed(folder: Path, tmp_path: Path) -> None:
    """A mounted Secret's files are links into a hidden folder, and that is a link which is replaced."""
    for name, secret in (("..one", FIRST), ("..two", SECOND)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "key").write_bytes(secret)
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "..data").symlink_to(tmp_path / "..one")
    (mounted / "key").symlink_to("..data/key")
    ring = KeyRing(mounted)
    assert _secrets(ring) == [FIRST]
    (mounted / "..new").symlink_to(tmp_path / "..two")
    (mounted / "..new").replace(mounted / "..data")
    ring.look()
    assert _secrets(ring) == [SECOND]


def test_new_key_is_seen_by_itself_and_an_unknown_id_is_looked_for_at_once(folder: Path) -> None:
    ring, other = KeyRing(folder), KeyRing(folder)
    assert ring.find("none of ours") is None
    (folder / "2").write_bytes(SECOND)
    other.look()
    found = ring.find(other.current.id)
    assert found is not None
    assert found.secret == SECOND
    (folder / "3").write_bytes(THIRD)
    eventually(lambda: ring.current.secret == THIRD)


def test_key_without_its_file_is_forgotten(folder: Path) -> None:
    (folder / "2").write_bytes(SECOND)
    ring = KeyRing(folder)
    retired = ring.keys[0]
    (folder / "1").unlink()
    ring.look()
    assert (_secrets(ring), ring.find(retired.id)) == ([SECOND], None)


def test_renaming_changes_which_key_is_current_and_no_id(folder: Path) -> None:
    (folder / "0-next").write_bytes(SECOND)
    ring = KeyRing(folder)
    ids = {key.id for key in ring.keys}
    assert ring.current.secret == FIRST
    (folder / "0-next").rename(folder / "2")
    ring.look()
    assert ring.current.secret == SECOND
    assert {key.id for key in ring.keys} == ids


@pytest.mark.parametrize("content", [b"", b"s" * 31])
def test_unusable_change_leaves_the_old_keys_until_it_is_mended(
    folder: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    ring = KeyRing(folder)
    (folder / "2").write_bytes(content)
    for _unused in range(2):
        ring.look()
    assert _secrets(ring) == [FIRST]
    assert len(caplog.records) == 1, "it is told once"
    (folder / "2").write_bytes(SECOND)
    ring.look()
    assert _secrets(ring) == [FIRST, SECOND]


def test_emptied_or_removed_folder_leaves_the_old_keys(folder: Path) -> None:
    ring = KeyRing(folder)
    (folder / "1").unlink()
    ring.look()
    folder.rmdir()
    ring.look()
    assert _secrets(ring) == [FIRST]


def test_same_keys_are_the_same_tuple(folder: Path) -> None:
    ring = KeyRing(folder)
    before = ring.keys
    (folder / "1").touch()
    os.utime(folder / "1", (1, 1))
    ring.look()
    assert ring.keys is before


@pytest.mark.parametrize(("name", "error"), [("none", OSError), ("empty", ValueError), ("short", ValueError)])
def test_what_holds_no_key_is_refused_at_the_start(tmp_path: Path, name: str, error: type[Exception]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "short").write_bytes(b"s" * 31)
    with pytest.raises(error, match=name):
        KeyRing(tmp_path / name)


def test_secrets_stay_out_of_what_is_printed(folder: Path) -> None:
    assert "aaa" not in repr(KeyRing(folder).keys)
