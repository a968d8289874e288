"""An issuer outside: that of a real Kubernetes API server, whose public keys are fetched from it."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, Final

import jwt

FETCH_SECONDS: Final = 5
# Tokens with made-up key ids must not make each call a call of the API server.
REFETCH_AFTER_SECONDS: Final = 1
_KEYS_GOOD_FOR_SECONDS: Final = 300


class KeysUnavailableError(Exception):
    """The issuer's keys cannot be fetched, or the one asked for is not among them."""


class ExternalIssuer:
    """Knows an issuer's keys from its key set, fetched again for a key that is not known yet."""

    def __init__(self, url: str, number: str, jwks_url: str, ca_file: Path | None) -> None:
        """Raises OSError for a CA file that cannot be read."""
        self.url = url
        self.number = number
        context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
        self._keys = jwt.PyJWKClient(
            jwks_url,
            lifespan=_KEYS_GOOD_FOR_SECONDS,
            cooldown_duration=REFETCH_AFTER_SECONDS,
            timeout=FETCH_SECONDS,
            ssl_context=context,
        )

    def key_of(self, key_id: str | None) -> Any:
        """The public key of this id. Raises KeysUnavailableError."""
        try:
            return self._keys.get_signing_key(key_id or "").key
        except jwt.PyJWTError as error:
            raise KeysUnavailableError(str(error)) from error
