"""The session cookie, signed with the current one of SESSION_KEY_FILE's keys and read with all of them."""

from __future__ import annotations

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from serving.keys import Key, KeyRing


class RotatingSessions(SecureCookieSessionInterface):
    """Flask's own cookie, whose key can be replaced while the shop is served."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._made = self._make(ring.keys)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer:
        """What signs with the current key, and reads what any key has signed."""
        keys, made = self._ring.keys, self._made
        if made[0] is not keys:
            made = self._made = self._make(keys)
        return made[1]

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a request; one that no key fits may be signed with another process' newest."""
        keys = self._ring.keys
        session = super().open_session(app, request)
        if not session and self.get_cookie_name(app) in request.cookies:
            self._ring.look()
            if self._ring.keys is not keys:
                return super().open_session(app, request)
        return session

    def _make(self, keys: tuple[Key, ...]) -> tuple[tuple[Key, ...], URLSafeTimedSerializer]:
        signer = {"key_derivation": self.key_derivation, "digest_method": self.digest_method}
        secrets = [key.secret for key in keys]
        return keys, URLSafeTimedSerializer(secrets, salt=self.salt, serializer=self.serializer, signer_kwargs=signer)
