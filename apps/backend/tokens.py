"""Access tokens: JWTs signed with the current one of TOKEN_KEY_FILE's keys, each naming its key and a session."""

from __future__ import annotations

import time
from dataclasses import dataclass

import jwt
from jwt.types import Options
from serving.keys import KeyRing

_ALGORITHM = "HS256"
# When it was given decides nothing; and another machine's clock may be a little ahead.
_CHECKS: Options = {"require": ["sub", "sid", "exp"], "verify_iat": False}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: whose it is and in which session it was given."""

    user_id: int
    session_id: str


class TokenRefused(Exception):
    """A token is not ours, damaged or over; `reason` is for the log, not for who sent it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Tokens:
    """Issues and reads tokens; `kid` names the key, so that keys can be replaced while tokens of the old ones hold."""

    def __init__(self, ring: KeyRing, lifetime_seconds: int) -> None:
        self._ring = ring
        self.lifetime_seconds = lifetime_seconds

    def issue(self, claims: Claims) -> str:
        """A token that holds from now for its lifetime."""
        now, key = int(time.time()), self._ring.current
        payload = {"sub": str(claims.user_id), "sid": claims.session_id, "iat": now, "exp": now + self.lifetime_seconds}
        return jwt.encode(payload, key.secret, _ALGORITHM, headers={"kid": key.id})

    def read(self, token: str) -> Claims:
        """The claims of a token. Raises TokenRefused."""
        try:
            key = self._ring.find(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                raise TokenRefused("unknown_key")
            payload = jwt.decode(token, key.secret, algorithms=[_ALGORITHM], options=_CHECKS)
            return Claims(int(payload["sub"]), str(payload["sid"]))
        except jwt.ExpiredSignatureError:
            raise TokenRefused("expired") from None
        except jwt.InvalidSignatureError:
            raise TokenRefused("wrong_signature") from None
        except (jwt.InvalidTokenError, ValueError):
            raise TokenRefused("malformed") from None
