"""Pages of a list, with tokens that are good for the very list they were given for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")
_MAC_BYTES = 16


class InvalidTokenError(ValueError):
    """The token was not given here for this list."""


class Pager:
    """Signs its tokens with a key of its own, so that a made-up or foreign token is found out."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def page(
        self, items: Sequence[Item], limit: int, token: str | None, scope: str
    ) -> tuple[Sequence[Item], str | None]:
        """The next `limit` items and the token for what follows, None after the last.

        `scope` names the list: the operation with its filters. Raises InvalidTokenError.
        """
        start = self._position(token, scope) if token else 0
        end = start + limit
        return items[start:end], self._token(end, scope) if end < len(items) else None

    def _token(self, position: int, scope: str) -> str:
        content = position.to_bytes(8, "big")
        return base64.urlsafe_b64encode(content + self._mac(content, scope)).decode()

    def _position(self, token: str, scope: str) -> int:
        try:
            raw = base64.urlsafe_b64decode(token)
        except (binascii.Error, ValueError) as error:
            raise InvalidTokenError(token) from error
        content, mac = raw[:8], raw[8:]
        if not hmac.compare_digest(mac, self._mac(content, scope)):
            raise InvalidTokenError(token)
        return int.from_bytes(content, "big")

    def _mac(self, content: bytes, scope: str) -> bytes:
        return hmac.digest(self._key, content + scope.encode(), hashlib.sha256)[:_MAC_BYTES]
