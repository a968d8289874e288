"""Passwords as Argon2id hashes."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Passwords:
    """Hashes and checks passwords.

    19 MiB and 2 passes are the least that OWASP's Password Storage Cheat Sheet recommends for Argon2id.
    """

    def __init__(self, memory_kib: int, passes: int) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._nobodys = self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """The hash to store."""
        return self._hasher.hash(password)

    def is_outdated(self, password_hash: str) -> bool:
        """Whether a hash costs another amount than is set, which would take another time to check than nobody's."""
        return self._hasher.check_needs_rehash(password_hash)

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the hash's; takes as long where there is no hash, so that time tells no names."""
        try:
            return self._hasher.verify(password_hash or self._nobodys, password) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False
