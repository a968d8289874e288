"""Exceptions as X-Ray's segment documents describe them."""

from __future__ import annotations

import os
import traceback
from typing import Any

_MESSAGE_CHARACTERS = 1000
_FRAMES = 50
_CHAIN = 5


class Causes:
    """The exceptions of one request: described where they appear first, named by their id where they pass on."""

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids: dict[BaseException, str] = {}

    def describe(self, error: BaseException) -> dict[str, Any] | str:
        """The value of a document's `cause`: a description, or the id of the exception described before."""
        known = self._ids.get(error)
        if known is not None:
            return known
        chain = _chain(error)
        identifiers = [os.urandom(8).hex() for _ in chain]
        self._ids.update(zip(chain, identifiers, strict=True))
        exceptions = [_exception(link, identifier) for link, identifier in zip(chain, identifiers, strict=True)]
        for description, reason in zip(exceptions, identifiers[1:], strict=False):
            description["cause"] = reason
        return {"working_directory": os.getcwd(), "exceptions": exceptions}


def _chain(error: BaseException) -> list[BaseException]:
    """The exception, then what it was raised from, as a traceback would tell."""
    chain = [error]
    while len(chain) < _CHAIN:
        last = chain[-1]
        before = last.__cause__ or (None if last.__suppress_context__ else last.__context__)
        if before is None or before in chain:
            break
        chain.append(before)
    return chain


def _exception(error: BaseException, identifier: str) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    kept = frames[-_FRAMES:]
    description: dict[str, Any] = {
        "id": identifier,
        "type": f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins."),
        "message": _message(error),
        "stack": [{"path": frame.filename, "line": frame.lineno or 0, "label": frame.name} for frame in reversed(kept)],
    }
    if len(frames) > len(kept):
        description["truncated"] = len(frames) - len(kept)
    return description


def _message(error: BaseException) -> str:
    """The exception's text; its own __str__ may not decide whether the request is answered."""
    try:
        return str(error)[:_MESSAGE_CHARACTERS]
    except (TypeError, ValueError, AttributeError, LookupError, RuntimeError):
        return "(no message: its __str__ raised)"
