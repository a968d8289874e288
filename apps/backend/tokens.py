"""Access tokens: JWTs signed with the key of TOKEN_KEY_FILE, each naming a session."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

import jwt

_ALGORITHM = "HS256"
_REQUIRED = ["sub", "sid", "exp"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: whose it is and in which session it was given."""

    user_id: int
    session_id: str


class Tokens:
    """Issues and reads tokens; `kid` names the key, so that a second one can be told apart."""

    def __init__(self, key: bytes, lifetime_seconds: int) -> None:
        self._key = key
        self._key_id = hashlib.sha256(key).hexdigest()[:16]
        self.lifetime_seconds = lifetime_seconds

    def issue(self, claims: Claims) -> str:
        """A token that holds from now for its lifetime."""
        now = int(time.time())
        payload = {"sub": str(claims.user_id), "sid": claims.session_id, "iat": now, "exp": now + self.lifetime_seconds}
        return jwt.encode(payload, self._key, _ALGORITHM, headers={"kid": self._key_id})

    def read(self, token: str) -> Claims | None:
        """The claims of a token; None where it is not ours, damaged or over."""
        try:
            decoded = jwt.decode_complete(token, self._key, algorithms=[_ALGORITHM], options={"require": _REQUIRED})
            if decoded["header"].get("kid") != self._key_id:
                return None
            payload = decoded["payload"]
            return Claims(int(payload["sub"]), str(payload["sid"]))
        except (jwt.InvalidTokenError, ValueError):
            return None
