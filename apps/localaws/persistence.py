"""Keeps an account in a file, so that it outlives the process, however that ends."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Any, Final

import moto
import orjson

from localaws.account import Account
from localaws.identity.issuer import write_secret
from localaws.object_document import DocumentError

SAVE_EVERY_SECONDS: Final = 2.0
"""How old the file may be when the process is killed, unless the account is so large that writing it takes long."""
_SHARE_OF_TIME: Final = 0.1
_VERSION: Final = f"1, moto {moto.__version__}"

_LOG = logging.getLogger(__name__)


class StateFileError(ValueError):
    """The file cannot be used; the message says why, and what to do."""


class Keeper:
    """A thread that writes the account down when it has changed."""

    def __init__(self, account: Account, path: Path) -> None:
        self._account = account
        self._path = path
        self._saved_changes = account.changes
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="state", daemon=True)

    def load(self) -> None:
        """Takes in what an earlier process wrote, if one did. Raises StateFileError and OSError."""
        if not self._path.exists():
            return
        document = self._read()
        try:
            self._account.load(document["account"])
        except (DocumentError, AttributeError, LookupError, TypeError) as error:
            raise StateFileError(f"{self._path} was not written by this version ({error}); delete it") from error

    def start(self) -> None:
        """Saves from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Saves once more, and ends."""
        self._stopped.set()
        self._thread.join()
        self._save_if_changed()

    def _read(self) -> dict[str, Any]:
        try:
            document: dict[str, Any] = orjson.loads(self._path.read_bytes())
            version, region = document["version"], document["region"]
        except (orjson.JSONDecodeError, LookupError, TypeError) as error:
            raise StateFileError(f"{self._path} is not a state of localaws; delete it") from error
        if version != _VERSION:
            raise StateFileError(f"{self._path} is of version {version}, this is {_VERSION}; delete it")
        if region != self._account.region:
            raise StateFileError(f"{self._path} is of an account in {region}, the seed's is in {self._account.region}")
        return document

    def _run(self) -> None:
        pause_seconds = SAVE_EVERY_SECONDS
        while not self._stopped.wait(pause_seconds):
            began = time.monotonic()
            try:
                self._save_if_changed()
            except OSError as error:
                _LOG.warning("cannot write the state %s: %s", self._path, error)
            pause_seconds = max(SAVE_EVERY_SECONDS, (time.monotonic() - began) / _SHARE_OF_TIME)

    def _save_if_changed(self) -> None:
        changes = self._account.changes
        if changes == self._saved_changes:
            return
        document = {"version": _VERSION, "region": self._account.region, "account": self._account.save()}
        write_secret(self._path, orjson.dumps(document))
        self._saved_changes = changes
