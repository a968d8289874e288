"""Exceptions as X-Ray's segment documents describe them."""

from __future__ import annotations

import os
import traceback
from types import FrameType
from typing import Any

_MESSAGE_CHARACTERS = 1000
_FRAMES = 50
_CHAIN = 5


class Causes:
    """The exceptions of one request: described where they appear first, named by their id where they pass on."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, tuple[BaseException, str]] = {}

    def describe(self, error: BaseException) -> dict[str, Any] | str:
        """The value of a document's `cause`: a description, or the id of the exception described before."""
        known = self._known.get(id(error))
        if known is not None:
            return known[1]
        chain = _chain(error)
        identifiers = [os.urandom(8).hex() for _unused in chain]
        self._known.update((id(link), (link, name)) for link, name in zip(chain, identifiers, strict=True))
        exceptions = [_exception(link, identifier) for link, identifier in zip(chain, identifiers, strict=True)]
        for description, reason in zip(exceptions, identifiers[1:], strict=False):
            description["cause"] = reason
        return {"working_directory": _working_directory(), "exceptions": exceptions}


def _chain(error: BaseException) -> list[BaseException]:
    """The exception, then what it was raised from, as a traceback would tell."""
    chain = [error]
    while len(chain) < _CHAIN:
        last = chain[-1]
        before = last.__cause__ or (None if last.__suppress_context__ else last.__context__)
        if before is None or any(before is link for link in chain):
            break
        chain.append(before)
    return chain


def _exception(error: BaseException, identifier: str) -> dict[str, Any]:
    frames = list(traceback.walk_tb(error.__traceback__))
    kept = frames[-_FRAMES:]
    description: dict[str, Any] = {
        "id": identifier,
        "type": f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins."),
        "message": _message(error),
        "stack": [_frame(frame, line) for frame, line in reversed(kept)],
    }
    if len(frames) > len(kept):
        description["truncated"] = len(frames) - len(kept)
    return description


def _frame(frame: FrameType, line: int) -> dict[str, Any]:
    return {"path": frame.f_code.co_filename, "line": line, "label": frame.f_code.co_name}


def _message(error: BaseException) -> str:
    """The exception's text, as a traceback would print it also where its own __str__ fails."""
    return str(traceback.TracebackException(type(error), error, None, compact=True))[:_MESSAGE_CHARACTERS]


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return ""
