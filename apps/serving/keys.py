"""Keys that rotate: a file, or a folder of files of which the last by name is the current key."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

logger = logging.getLogger(__name__)

KEY_BYTES = 32
_LOOK_SECONDS = 1.0

_Files = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Key:
    """A secret and the id by which what it has signed names it: the start of its SHA-256."""

    id: str
    secret: bytes = field(repr=False)


class KeyRing:
    """The keys of a file or a folder, at least one.

    What is there is looked at again at most once a second, and whenever `look` is called. As a key's id is made of its
    content, the name of its file only says which one is current. A change that cannot be used is logged and left alone.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError where the path cannot be read, ValueError where it holds no key or one that is too short."""
        self._path = path
        self._files = _files(path)
        self._keys = _keys(path)
        self._look_at = time.monotonic() + _LOOK_SECONDS

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys, the current one last; the same tuple for as long as they are the same."""
        if time.monotonic() >= self._look_at:
            self.look()
        return self._keys

    @property
    def current(self) -> Key:
        """The key to sign with."""
        return self.keys[-1]

    def find(self, key_id: object) -> Key | None:
        """The key with an id; one that is not known may be another process' newest, so it is looked for at once."""
        found = _find(self.keys, key_id)
        if found is None:
            self.look()
            found = _find(self._keys, key_id)
        return found

    def look(self) -> None:
        """Reads the keys again where their files have changed."""
        self._look_at = time.monotonic() + _LOOK_SECONDS
        files: _Files = ()
        try:
            files = _files(self._path)
            if files == self._files:
                return
            keys = _keys(self._path)
            if keys != self._keys:
                self._keys = keys
        except (OSError, ValueError) as problem:
            logger.warning("%s has changed and cannot be used, its old keys still are: %s", self._path, problem)
        self._files = files  # last, so that a thread which finds nothing to do finds the new keys too


def _find(keys: tuple[Key, ...], key_id: object) -> Key | None:
    return next((key for key in keys if key.id == key_id), None)


def _paths(path: Path) -> Iterator[Path]:
    """The files of keys by name; hidden ones are not yet, or no longer, meant."""
    if not path.is_dir():
        yield path
        return
    for name in sorted(os.listdir(path)):
        if not name.startswith(".") and (path / name).is_file():
            yield path / name


def _files(path: Path) -> _Files:
    """What tells whether a file was made, replaced or taken away."""
    stats = [(file.name, file.stat()) for file in _paths(path)]
    return tuple((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


def _keys(path: Path) -> tuple[Key, ...]:
    keys = tuple(_key(file) for file in _paths(path))
    if not keys:
        raise ValueError(f"{path} is empty: put a file of at least {KEY_BYTES} random bytes into it")
    return keys


def _key(file: Path) -> Key:
    secret = file.read_bytes()
    if len(secret) < KEY_BYTES:
        raise ValueError(f"{file} holds {len(secret)} bytes: put at least {KEY_BYTES} random ones")
    return Key(hashlib.sha256(secret).hexdigest()[:16], secret)
